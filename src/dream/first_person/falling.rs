//! Rain and snow, told from the land that they fall on.
//!
//! They fall on every patch in the same way and in two turns, each a look of its own. So what one turn has on all patches where the other has the land
//! is what falls; from above it lies on the land, from within it falls before the eye.

use std::collections::{BTreeMap, HashMap};

use crate::dream::looks::LookName;

/// Colours of what falls and of the land behind it lie at least this far apart on the mean, of 255 in each channel.
const APART: u32 = 8;

/// What falls on a patch in one turn.
#[derive(Debug, PartialEq, Eq)]
pub struct Falling {
    side: usize,
    /// `(side, side)`, RGB.
    pixels: Vec<Option<[u8; 3]>>,
}

impl Falling {
    /// Of pictures of some tokens in one turn and in the other, `(side, side)` each.
    pub fn between(these: &[Vec<[u8; 3]>], others: &[Vec<[u8; 3]>]) -> Self {
        let count = these.len().max(1) as u32;
        let means: Vec<[[u8; 3]; 2]> = these.iter().zip(others).map(|(this, other)| [this, other].map(|pixels| mean(pixels))).collect();
        let size = these.first().map_or(0, Vec::len);
        let pixel = |i: usize| {
            let (mut turns, mut falls, mut sum) = (0, 0, [0_u32; 3]);
            for ((this, other), [land, other_land]) in these.iter().zip(others).zip(&means) {
                turns += apart(this[i], other[i]);
                // Whichever turn is less like the land has something on it.
                falls += u32::from(apart(this[i], *land) > apart(other[i], *other_land));
                sum = [0, 1, 2].map(|c| sum[c] + u32::from(this[i][c]));
            }
            (turns >= 3 * APART * count && 2 * falls > count).then(|| sum.map(|c| (c / count) as u8))
        };
        Self { side: size.isqrt(), pixels: (0..size).map(pixel).collect() }
    }

    /// Takes it off a picture of this turn: the land behind it is seen in the other.
    pub fn clear(&self, picture: &mut [[u8; 3]], other: &[[u8; 3]]) {
        let falls = picture.iter_mut().zip(other).zip(&self.pixels).filter(|(_, pixel)| pixel.is_some());
        falls.for_each(|((to, from), _)| *to = *from);
    }

    /// Its pixels, row by row: RGB and opaque, or nothing.
    pub fn texels(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|pixel| pixel.map_or([0; 4], |[r, g, b]| [r, g, b, 255])).collect()
    }

    /// Its colour at a pixel of a plane of such patches, each column of them lower than the one before by `slip` pixels, if anything is there.
    pub fn at(&self, [x, y]: [usize; 2], slip: usize) -> Option<[u8; 3]> {
        let y = y + x / self.side * slip;
        self.pixels[y % self.side * self.side + x % self.side]
    }
}

/// Of each look the one of the other turn: named alike but for the turn.
pub fn turns(looks: &BTreeMap<String, Vec<u8>>) -> HashMap<Vec<u8>, Vec<u8>> {
    let other = |name: &str| -> Option<String> {
        let look: LookName = name.parse().ok()?;
        Some(LookName { turn: 1_usize.checked_sub(look.turn)?, ..look }.to_string())
    };
    let pairs = looks.iter().filter_map(|(name, token)| Some((token.clone(), looks.get(&other(name)?)?.clone())));
    pairs.filter(|(token, turn)| token != turn).collect()
}

fn apart(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum()
}

fn mean(pixels: &[[u8; 3]]) -> [u8; 3] {
    [0, 1, 2].map(|c| (pixels.iter().map(|pixel| usize::from(pixel[c])).sum::<usize>() / pixels.len().max(1)) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAIN: [u8; 3] = [200, 220, 250];

    /// Four pixels of land in shades of `base`, with rain on one of them.
    fn rained(base: u8, at: usize) -> Vec<[u8; 3]> {
        (0..4).map(|i| if i == at { RAIN } else { [base + 3 * i as u8, 10, 20] }).collect()
    }

    #[test]
    fn what_falls_is_told_from_the_land() {
        let turn = |at| [30, 90, 120].map(|base| rained(base, at)).to_vec();
        let (first, second) = (turn(0), turn(3));
        let falling = Falling::between(&first, &second);
        assert_eq!(falling.pixels, [Some(RAIN), None, None, None]);
        assert_eq!((falling.at([2, 4], 0), falling.at([3, 4], 0)), (Some(RAIN), None), "on every patch");
        assert_eq!((falling.at([2, 4], 1), falling.at([2, 5], 1)), (None, Some(RAIN)));
        let mut picture = first[1].clone();
        falling.clear(&mut picture, &second[1]);
        assert_eq!(picture, [[90, 10, 20], [93, 10, 20], [96, 10, 20], [99, 10, 20]]);
        assert_eq!(Falling::between(&first, &first).pixels, [None; 4], "nothing falls where the turns are alike");
    }

    #[test]
    fn looks_take_turns_by_their_names() {
        let looks =
            [("Noir Day Rain 0", 1), ("Noir Day Rain 1", 2), ("Noir Day Clear 0", 3), ("Noir Dusk Fog 0", 4), ("Noir Dusk Fog 1", 4)];
        let turns = turns(&looks.map(|(name, token)| (name.to_owned(), vec![token])).into());
        assert_eq!(turns, [(vec![1], vec![2]), (vec![2], vec![1])].into());
    }
}
