//! Rain and snow, told from the land that they fall on.
//!
//! They fall on every patch in the same way and in two turns, each a look of its own. So what one turn has on all patches where the other has the land
//! is what falls; and as the same falls in both, elsewhere, each tells what lies on the same pixels in both. From above it lies on the land, from
//! within it falls before the eye: what falls in the first turn, evenly, down to where it was in two steps.

use std::collections::{BTreeMap, HashMap};

use crate::dream::looks::LookName;
use crate::worlds::relief::Cutout;
use crate::worlds::scene::Weather;

/// Colours of what falls and of the land behind it lie at least this far apart on the mean, of 255 in each channel.
const APART: u32 = 8;
/// The levels of looks that are like each other lie no further apart in sum. Frames of rain in which the light turns are seldom further from one with a
/// name, and none without rain is as near.
const LIKE: u32 = 3;

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
    /// Pixels that something lies on in both turns.
    both: Vec<usize>,
}

impl Falling {
    /// Of pictures of some tokens in this turn and in the other, `(side, side)` each.
    pub fn of(these: &[Vec<[u8; 3]>], others: &[Vec<[u8; 3]>], turn: &Turn) -> Self {
        let mut falls = [Self::between(these, others), Self::between(others, these)];
        let means = [these, others].map(mean_picture);
        let side = falls[0].len().isqrt();
        if let Some(way) = way_between(&falls, &means, side) {
            for i in 0..side * side {
                let there = moved(i, way, side);
                let either = falls[0][i] || falls[1][there];
                (falls[0][i], falls[1][there]) = (either, either);
            }
        }
        let both = (0..side * side).filter(|&i| falls[0][i] && falls[1][i]).collect();
        let coloured = |which: usize| -> Vec<Option<[u8; 3]>> {
            falls[which].iter().zip(&means[which]).map(|(falls, colour)| falls.then_some(*colour)).collect()
        };
        let (pixels, seen) = (coloured(0), coloured(usize::from(turn.second)));
        // Two steps are whole patches, or it would jump.
        let step = if turn.weather == Weather::Snowfall { side / 2 } else { side + side / 2 };
        Self { side, pixels, seen, step, begins: if turn.second { 0 } else { step }, both }
    }

    /// Pixels on which these have something where the others have the land.
    fn between(these: &[Vec<[u8; 3]>], others: &[Vec<[u8; 3]>]) -> Vec<bool> {
        let count = these.len().max(1) as u32;
        let means: Vec<[[u8; 3]; 2]> = these.iter().zip(others).map(|(this, other)| [this, other].map(|pixels| mean(pixels))).collect();
        let size = these.first().map_or(0, Vec::len);
        let pixel = |i: usize| {
            let (mut turns, mut falls) = (0, 0);
            for ((this, other), [land, other_land]) in these.iter().zip(others).zip(&means) {
                turns += apart(this[i], other[i]);
                // Whichever turn is less like the land has something on it.
                falls += u32::from(apart(this[i], *land) > apart(other[i], *other_land));
            }
            turns >= 3 * APART * count && 2 * falls > count
        };
        (0..size).map(pixel).collect()
    }

    /// Takes it off a picture of this turn, of what stands as `cutout` says, if anything does: the land behind it is seen in the other.
    pub fn clear(&self, picture: &mut [[u8; 3]], other: &[[u8; 3]], cutout: Option<&Cutout>) {
        let falls = picture.iter_mut().zip(other).zip(&self.pixels).filter(|(_, pixel)| pixel.is_some());
        falls.for_each(|((to, from), _)| *to = *from);
        // Nobody sees what it lies on in both: that is as most beside it, of what stands or of the ground.
        let side = self.side;
        let stands = |i: usize| cutout.is_some_and(|cutout| cutout.rows[i / side] >> (i % side) & 1 == 1);
        for &i in &self.both {
            let near = around(i, side).filter(|j| !self.both.contains(j));
            let near: Vec<(bool, [u8; 3])> = near.map(|j| (stands(j) != stands(i), picture[j])).collect();
            let off = |a: &(bool, [u8; 3])| near.iter().filter(|b| b.0 == a.0).map(|b| apart(a.1, b.1)).sum::<u32>();
            if let Some(like) = near.iter().min_by_key(|a| (a.0, off(a))) {
                picture[i] = like.1;
            }
        }
    }

    /// What is seen from within, row by row: RGB and opaque, or nothing.
    pub fn texels(&self) -> Vec<u8> {
        self.seen.iter().flat_map(|pixel| pixel.map_or([0; 4], |[r, g, b]| [r, g, b, 255])).collect()
    }

    /// Which row of a patch is at the top once a share of the way in this step is gone, less than nothing where that is still to come: while it falls,
    /// from the one below the last up to the first, and again.
    pub fn top(&self, share: f32) -> f32 {
        let side = self.side as f32;
        side - (self.begins as f32 + self.step as f32 * share).rem_euclid(side)
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
        let other = looks.get(&look.in_other_turn()?.to_string())?.clone();
        Some(Turn { second: look.turn == 1, other, weather: look.weather })
    };
    let turns = looks.iter().filter_map(|(name, token)| Some((token.clone(), turn(name)?)));
    turns.filter(|(token, turn)| *token != turn.other).collect()
}

/// Of the looks in which something falls the one that is most like this one, if any is like it.
pub fn nearest<'a>(turns: &'a HashMap<Vec<u8>, Turn>, look: &[u8]) -> Option<&'a [u8]> {
    let off = |token: &[u8]| token.iter().zip(look).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
    let (least, token) = turns.keys().map(|token| (off(token), token.as_slice())).min()?;
    (least <= LIKE).then_some(token)
}

/// The way, right and down, on which what falls in the first of two turns comes to where it falls in the second. It must explain half of what differs
/// between them.
fn way_between(falls: &[Vec<bool>; 2], means: &[Vec<[u8; 3]>; 2], side: usize) -> Option<[usize; 2]> {
    let off = |way: [usize; 2]| -> u32 {
        let pixel = |i: usize| {
            let there = moved(i, way, side);
            (u32::from(falls[0][i]) + u32::from(falls[1][there])) * apart(means[0][i], means[1][there])
        };
        (0..side * side).map(pixel).sum()
    };
    let (least, way) = (0..side * side).map(|n| [n % side, n / side]).map(|way| (off(way), way)).min()?;
    (2 * least < off([0, 0])).then_some(way)
}

/// Where such a way leads from a pixel of a patch: out on one side is in on the other.
fn moved(i: usize, [right, down]: [usize; 2], side: usize) -> usize {
    (i / side + down) % side * side + (i % side + right) % side
}

/// A pixel of a patch and those beside it there.
fn around(i: usize, side: usize) -> impl Iterator<Item = usize> {
    let near = move |along: usize| along.saturating_sub(1)..(along + 2).min(side);
    near(i / side).flat_map(move |y| near(i % side).map(move |x| y * side + x))
}

fn apart(a: [u8; 3], b: [u8; 3]) -> u32 {
    a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum()
}

fn mean(pixels: &[[u8; 3]]) -> [u8; 3] {
    [0, 1, 2].map(|c| (pixels.iter().map(|pixel| usize::from(pixel[c])).sum::<usize>() / pixels.len().max(1)) as u8)
}

/// Each pixel as it is on the mean of some pictures.
fn mean_picture(pictures: &[Vec<[u8; 3]>]) -> Vec<[u8; 3]> {
    let size = pictures.first().map_or(0, Vec::len);
    (0..size).map(|i| mean(&pictures.iter().map(|picture| picture[i]).collect::<Vec<_>>())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::random::Rng;

    const RAIN: [u8; 3] = [200, 220, 250];
    const RIM: [u8; 3] = [120, 168, 232];
    /// Rain as the isles draw it on patches of so many pixels: some of these it lies on in both turns.
    const STREAK: [&str; 6] = ["...Xx", "...Xx", "..Xx.", ".Xx..", ".Xx..", "Xx..."];
    const SIDE: usize = 16;

    fn streaks(second: bool) -> Vec<Option<[u8; 3]>> {
        let places = if second { [[1, 5], [9, 12]] } else { [[3, 1], [11, 8]] };
        let mut pixels = vec![None; SIDE * SIDE];
        for [left, top] in places {
            for (y, row) in STREAK.iter().enumerate() {
                for (x, key) in row.bytes().enumerate().filter(|(_, key)| *key != b'.') {
                    pixels[(top + y) % SIDE * SIDE + (left + x) % SIDE] = Some(if key == b'X' { RAIN } else { RIM });
                }
            }
        }
        pixels
    }

    /// Four lands, each in two shades.
    fn dry() -> Vec<Vec<[u8; 3]>> {
        let mut rng = Rng::new(5);
        let mut land = |base: u8| -> Vec<[u8; 3]> { (0..SIDE * SIDE).map(|_| [base + 12 * rng.below(2) as u8, base / 2, 20]).collect() };
        vec![land(30), land(60), land(90), land(120)]
    }

    fn in_rain(lands: &[Vec<[u8; 3]>], second: bool) -> Vec<Vec<[u8; 3]>> {
        let streaks = streaks(second);
        let rained = |land: &Vec<[u8; 3]>| land.iter().zip(&streaks).map(|(land, rain)| rain.unwrap_or(*land)).collect::<Vec<_>>();
        lands.iter().map(rained).collect()
    }

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
        falling.clear(&mut picture, &second[1], None);
        assert_eq!(picture, [[90, 10, 20], [93, 10, 20], [96, 10, 20], [99, 10, 20]]);
        assert_eq!(Falling::between(&first, &first), [false; 4], "nothing falls where the turns are alike");
    }

    #[test]
    fn rain_leaves_the_land_also_where_it_lies_in_both_turns() {
        let lands = dry();
        for second in [false, true] {
            let [these, others] = [second, !second].map(|second| in_rain(&lands, second));
            let falling = Falling::of(&these, &others, &turn(second, Weather::Rain));
            assert_eq!((&falling.pixels, &falling.seen), (&streaks(second), &streaks(false)), "there are no holes in it");
            assert_eq!(falling.both, [[4, 5], [5, 5], [4, 6], [12, 12], [13, 12], [12, 13]].map(|[x, y]| y * SIDE + x));
            for (land, (this, other)) in lands.iter().zip(these.iter().zip(&others)) {
                let mut picture = this.clone();
                falling.clear(&mut picture, other, None);
                let right = |i: usize| if falling.both.contains(&i) { land.contains(&picture[i]) } else { picture[i] == land[i] };
                assert_eq!((0..SIDE * SIDE).find(|&i| !right(i)), None, "{second}");
            }
            // The control: what differs between the turns is not all of it.
            let differs = Falling::between(&these, &others).into_iter().filter(|falls| *falls).count();
            assert!(differs < falling.pixels.iter().flatten().count(), "{differs}");
        }
    }

    #[test]
    fn what_stands_is_filled_from_itself() {
        const GRASS: [u8; 3] = [30, 120, 30];
        const TRUNK: [u8; 3] = [90, 60, 20];
        // A trunk as narrow as a pixel, in rain in both turns.
        let tree: Vec<[u8; 3]> = (0..SIDE * SIDE).map(|i| if i % SIDE == 4 { TRUNK } else { GRASS }).collect();
        let cutout = Cutout { rows: vec![1 << 4; SIDE], height: 1.0, part: [0, 0], parts: [1, 1] };
        let mut lands = dry();
        lands.push(tree.clone());
        let [these, others] = [false, true].map(|second| in_rain(&lands, second));
        let falling = Falling::of(&these, &others, &turn(false, Weather::Rain));
        let cleared = |cutout: Option<&Cutout>| {
            let mut picture = these[4].clone();
            falling.clear(&mut picture, &others[4], cutout);
            picture
        };
        assert_eq!(cleared(Some(&cutout)), tree);
        // The control: most beside it is grass.
        assert_eq!(cleared(None)[5 * SIDE + 4], GRASS);
    }

    #[test]
    fn where_nothing_falls_no_way_leads_from_turn_to_turn() {
        let mut rng = Rng::new(6);
        let mut noise = || -> Vec<[u8; 3]> { (0..SIDE * SIDE).map(|_| [0; 3].map(|_: u8| rng.below(256) as u8)).collect() };
        let (these, others) = ([noise(), noise(), noise()], [noise(), noise(), noise()]);
        let falling = Falling::of(&these, &others, &turn(false, Weather::Rain));
        let differs = Falling::between(&these, &others);
        assert!(differs.contains(&true) && falling.both.is_empty());
        assert_eq!(falling.pixels.iter().map(Option::is_some).collect::<Vec<_>>(), differs, "no more than what differs");
        let lands = dry();
        let falling = Falling::of(&lands, &lands, &turn(false, Weather::Rain));
        let mut picture = lands[0].clone();
        falling.clear(&mut picture, &lands[1], None);
        assert!(picture == lands[0] && falling.texels().iter().all(|channel| *channel == 0));
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
            assert!((-10..=20).all(|n| (0.0..=2.0).contains(&one.top(n as f32 / 20.0))));
            // Where a step comes early it goes on from above where the step begins.
            assert!((next.top(-0.25) - one.top(0.75)).abs() < 1e-6);
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
