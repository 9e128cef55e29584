//! Rain and snow, told from the land that they fall on.
//!
//! They fall on every patch in the same way and in two turns, each a look of its own. So what one turn has on all patches where the other has the land
//! is what falls; from above it lies on the land, from within it falls before the eye: what falls in the first turn, evenly, down to where it was in two
//! steps.

use std::collections::{BTreeMap, HashMap};

use crate::dream::looks::LookName;
use crate::worlds::scene::Weather;

/// Colours of what falls and of the land behind it lie at least this far apart on the mean, of 255 in each channel.
const APART: u32 = 8;

/// A look in which something falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// It is the second of the two.
    pub second: bool,
    /// Token of the other one.
    pub other: Vec<u8>,
    pub weather: Weather,
}

/// What falls on a patch in one turn.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Falling {
    side: usize,
    /// `(side, side)`, RGB.
    pixels: Vec<Option<[u8; 3]>>,
    /// The same of the first turn, which is seen from within.
    seen: Vec<Option<[u8; 3]>>,
    /// How far that comes down in a step, in pixels, and how far it is down when the step begins.
    step: usize,
    begins: usize,
}

impl Falling {
    /// Of pictures of some tokens in this turn and in the other, `(side, side)` each.
    pub fn of(these: &[Vec<[u8; 3]>], others: &[Vec<[u8; 3]>], turn: &Turn) -> Self {
        let pixels = Self::between(these, others);
        let seen = if turn.second { Self::between(others, these) } else { pixels.clone() };
        let side = pixels.len().isqrt();
        // Two steps are whole patches, or it would jump.
        let step = if turn.weather == Weather::Snowfall { side / 2 } else { side + side / 2 };
        Self { side, pixels, seen, step, begins: if turn.second { 0 } else { step } }
    }

    fn between(these: &[Vec<[u8; 3]>], others: &[Vec<[u8; 3]>]) -> Vec<Option<[u8; 3]>> {
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
        (0..size).map(pixel).collect()
    }

    /// Takes it off a picture of this turn: the land behind it is seen in the other.
    pub fn clear(&self, picture: &mut [[u8; 3]], other: &[[u8; 3]]) {
        let falls = picture.iter_mut().zip(other).zip(&self.pixels).filter(|(_, pixel)| pixel.is_some());
        falls.for_each(|((to, from), _)| *to = *from);
    }

    /// What is seen from within, row by row: RGB and opaque, or nothing.
    pub fn texels(&self) -> Vec<u8> {
        self.seen.iter().flat_map(|pixel| pixel.map_or([0; 4], |[r, g, b]| [r, g, b, 255])).collect()
    }

    /// Which row of a patch is at the top once a share of the step is gone: while it falls, from the one below the last up to the first, and again.
    pub fn top(&self, share: f32) -> f32 {
        let side = self.side as f32;
        side - (self.begins as f32 + self.step as f32 * share) % side
    }

    /// Its colour at a pixel of a plane of such patches, each column of them lower than the one before by `slip` pixels, if anything is there.
    pub fn at(&self, [x, y]: [usize; 2], slip: usize) -> Option<[u8; 3]> {
        let y = y + x / self.side * slip;
        self.seen[y % self.side * self.side + x % self.side]
    }
}

/// Of each look the one of the other turn: named alike but for the turn.
pub fn turns(looks: &BTreeMap<String, Vec<u8>>) -> HashMap<Vec<u8>, Turn> {
    let turn = |name: &str| -> Option<Turn> {
        let look: LookName = name.parse().ok()?;
        let other = LookName { turn: 1_usize.checked_sub(look.turn)?, ..look }.to_string();
        Some(Turn { second: look.turn == 1, other: looks.get(&other)?.clone(), weather: look.weather })
    };
    let turns = looks.iter().filter_map(|(name, token)| Some((token.clone(), turn(name)?)));
    turns.filter(|(token, turn)| *token != turn.other).collect()
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

    fn land(rained_at: usize) -> Vec<Vec<[u8; 3]>> {
        [30, 90, 120].map(|base| rained(base, rained_at)).to_vec()
    }

    fn turn(second: bool, weather: Weather) -> Turn {
        Turn { second, other: Vec::new(), weather }
    }

    #[test]
    fn what_falls_is_told_from_the_land() {
        let (first, second) = (land(0), land(3));
        let falling = Falling::of(&first, &second, &turn(false, Weather::Rain));
        assert_eq!(falling.pixels, [Some(RAIN), None, None, None]);
        assert_eq!((falling.at([2, 4], 0), falling.at([3, 4], 0)), (Some(RAIN), None), "on every patch");
        assert_eq!((falling.at([2, 4], 1), falling.at([2, 5], 1)), (None, Some(RAIN)));
        let mut picture = first[1].clone();
        falling.clear(&mut picture, &second[1]);
        assert_eq!(picture, [[90, 10, 20], [93, 10, 20], [96, 10, 20], [99, 10, 20]]);
        assert_eq!(Falling::between(&first, &first), [None; 4], "nothing falls where the turns are alike");
    }

    #[test]
    fn it_falls_evenly_from_turn_to_turn() {
        let (first, second) = (land(0), land(3));
        let both = |weather| {
            let turns = [turn(false, weather), turn(true, weather)];
            [Falling::of(&first, &second, &turns[0]), Falling::of(&second, &first, &turns[1])]
        };
        let [rain, other] = both(Weather::Rain);
        // In its own turn another pixel has rain, and is cleared; what is seen is the same.
        assert_eq!((other.pixels.as_slice(), other.texels()), ([None, None, None, Some(RAIN)].as_slice(), rain.texels()));
        for [one, next] in [both(Weather::Rain), both(Weather::Snowfall)] {
            assert_eq!([one.top(1.0), next.top(1.0)], [next.top(0.0), one.top(0.0)], "it goes on where it was");
            assert_ne!(one.top(0.5), one.top(0.0), "the control: on the way it is elsewhere");
            assert!((0..=20).all(|n| (0.0..=2.0).contains(&one.top(n as f32 / 20.0))));
        }
        let down = |falling: &Falling| falling.top(0.0) - falling.top(0.1);
        let snow = &both(Weather::Snowfall)[0];
        assert!((down(&rain) - 0.3).abs() < 1e-6 && (down(snow) - 0.1).abs() < 1e-6, "rain falls fast, and snow slowly");
    }

    #[test]
    fn looks_take_turns_by_their_names() {
        let looks =
            [("Noir Day Rain 0", 1), ("Noir Day Rain 1", 2), ("Noir Day Clear 0", 3), ("Noir Dusk Fog 0", 4), ("Noir Dusk Fog 1", 4)];
        let turns = turns(&looks.map(|(name, token)| (name.to_owned(), vec![token])).into());
        let rain = |second, other| Turn { other: vec![other], ..turn(second, Weather::Rain) };
        assert_eq!(turns, [(vec![1], rain(false, 2)), (vec![2], rain(true, 1))].into());
    }
}
