//! Ways to spoil a frame: mildly, as a tokenizer might, and beyond use, as a dream that broke. Of the latter some are shown to the probe in
//! training, [`Spoil`], and some are kept from it, [`Breakage`].

use crate::source::Dice;

use super::view::View;

/// What makes a frame of a world into none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoil {
    Noise,
    Blur,
    Scramble,
}

impl Spoil {
    pub const ALL: [Self; 3] = [Self::Noise, Self::Blur, Self::Scramble];

    pub fn apply(self, rgb: &[u8], view: &View, dice: &mut Dice) -> Vec<u8> {
        match self {
            Self::Noise => rgb.iter().map(|_| dice.next() as u8).collect(),
            Self::Blur => blurred(rgb, view, 6 + dice.below(7)),
            Self::Scramble => scrambled(rgb, view, dice),
        }
    }
}

/// Frames in which a drift reaches its strength.
const DRIFT_FRAMES: usize = 100;

/// What breaks a dream in ways that the probe was not trained on, and how much: nothing at a strength of 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// In so many percent of the places, other ones in every frame, lies a patch of another land.
    Foreign(usize),
    /// In every other place, as on a chessboard, another land shows through by so many percent.
    Checkerboard(usize),
    /// Red gains and blue loses so many percent in [`DRIFT_FRAMES`] frames, a little more in each.
    Drift(usize),
    /// Every picture stays for so many frames longer while the world goes on.
    Held(usize),
}

/// What may be seen in a frame of a broken dream; pictures are RGB.
pub struct Moment<'a> {
    /// The frame as the world has it.
    pub rgb: &'a [u8],
    /// That of another land which is walked in the same way.
    pub other: &'a [u8],
    /// What was shown in the frame before.
    pub last: &'a [u8],
    /// Frames since the dream began to break, from 1.
    pub frames: usize,
}

impl Breakage {
    /// The frame, broken so. No other land lies on the figure's patch: that nobody stands there would be noticed at once.
    pub fn apply(self, moment: &Moment, view: &View, dice: &mut Dice) -> Vec<u8> {
        let mut rgb = moment.rgb.to_vec();
        match self {
            Self::Foreign(percent) => {
                let mut places = around_the_figure(view);
                for _ in 0..(places.len() * percent + 50) / 100 {
                    let at = places.swap_remove(dice.below(places.len()));
                    copy_block(moment.other, at, &mut rgb, at, view);
                }
            }
            Self::Checkerboard(percent) => {
                let mix = |own: usize, other: usize| (own * (100 - percent) + other * percent + 50) / 100;
                let pairs = moment.rgb.iter().zip(moment.other);
                let mixed: Vec<u8> = pairs.map(|(own, other)| mix(usize::from(*own), usize::from(*other)) as u8).collect();
                let (x, y) = view.figure_px();
                let odd = |at: &(usize, usize)| (at.0.abs_diff(x) + at.1.abs_diff(y)) / view.patch_px % 2 == 1;
                around_the_figure(view).into_iter().filter(odd).for_each(|at| copy_block(&mixed, at, &mut rgb, at, view));
            }
            Self::Drift(percent) => {
                let share = (percent * moment.frames) as f32 / (100 * DRIFT_FRAMES) as f32;
                let scales = [1.0 + share, 1.0, 1.0 - share];
                for (i, value) in rgb.iter_mut().enumerate() {
                    *value = (f32::from(*value) * scales[i % 3]).round().clamp(0.0, 255.0) as u8;
                }
            }
            Self::Held(longer) => {
                if !moment.frames.is_multiple_of(longer + 1) {
                    rgb.copy_from_slice(moment.last);
                }
            }
        }
        rgb
    }
}

/// Top left pixels of all patches but the figure's.
fn around_the_figure(view: &View) -> Vec<(usize, usize)> {
    let side = view.patch_px;
    let starts = move |px: usize| (0..px / side).map(move |patch| patch * side);
    starts(view.height_px).flat_map(|y| starts(view.width_px).map(move |x| (x, y))).filter(|at| *at != view.figure_px()).collect()
}

/// Mean over a square of `2 radius + 1` pixels, smaller at the border.
pub fn blurred(rgb: &[u8], view: &View, radius: usize) -> Vec<u8> {
    let along = |rgb: &[u8], lines: usize, length: usize, line_step: usize, step: usize| {
        let mut out = vec![0; rgb.len()];
        for line in 0..lines {
            for channel in 0..3 {
                let at = |i: usize| line * line_step + i * step + channel;
                for i in 0..length {
                    let around = i.saturating_sub(radius)..(i + radius + 1).min(length);
                    let sum: u32 = around.clone().map(|j| u32::from(rgb[at(j)])).sum();
                    out[at(i)] = ((sum + around.len() as u32 / 2) / around.len() as u32) as u8;
                }
            }
        }
        out
    };
    let row = view.width_px * 3;
    let across = along(rgb, view.height_px, view.width_px, row, 3);
    along(&across, view.width_px, view.height_px, 3, row)
}

/// Patches of the frame in another order.
fn scrambled(rgb: &[u8], view: &View, dice: &mut Dice) -> Vec<u8> {
    let side = view.patch_px;
    let columns = view.width_px / side;
    let mut order: Vec<usize> = (0..columns * (view.height_px / side)).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, dice.below(i + 1));
    }
    let mut out = vec![0; rgb.len()];
    for (to, from) in order.into_iter().enumerate() {
        let corner = |patch: usize| (patch % columns * side, patch / columns * side);
        copy_block(rgb, corner(from), &mut out, corner(to), view);
    }
    out
}

/// Copies a block as large as a patch from the pixel `from` to the pixel `to`.
pub fn copy_block(source: &[u8], from: (usize, usize), target: &mut [u8], to: (usize, usize), view: &View) {
    let bytes = view.patch_px * 3;
    for y in 0..view.patch_px {
        let at = |(x, top): (usize, usize)| ((top + y) * view.width_px + x) * 3;
        target[at(to)..at(to) + bytes].copy_from_slice(&source[at(from)..at(from) + bytes]);
    }
}

/// Slightly blurred and noisy, as frames come out of a tokenizer.
pub fn worn(rgb: &[u8], view: &View, dice: &mut Dice) -> Vec<u8> {
    let (share, noise) = (dice.unit(), dice.unit() * 12.0);
    let soft = blurred(rgb, view, 1);
    let pixel = |(sharp, soft): (&u8, &u8), noise: f32| {
        (f32::from(*sharp) * (1.0 - share) + f32::from(*soft) * share + noise).round().clamp(0.0, 255.0) as u8
    };
    rgb.iter().zip(&soft).map(|pair| pixel(pair, (dice.unit() + dice.unit() - 1.0) * noise)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: View = View { width_px: 24, height_px: 16, patch_px: 8, cell_px: 4 };

    #[test]
    fn a_blur_keeps_the_mean_and_a_scramble_the_pixels() {
        let mut dice = Dice::new(1, 1);
        let rgb = Spoil::Noise.apply(&[0; 24 * 16 * 3], &VIEW, &mut dice);
        let spread = |rgb: &[u8]| rgb.iter().map(|v| (f64::from(*v) - 127.5).abs()).sum::<f64>() / rgb.len() as f64;
        assert!(spread(&blurred(&rgb, &VIEW, 6)) < 0.2 * spread(&rgb));
        assert_eq!(blurred(&[77; 24 * 16 * 3], &VIEW, 2), [77; 24 * 16 * 3]);
        let mixed = Spoil::Scramble.apply(&rgb, &VIEW, &mut dice);
        let sorted = |rgb: &[u8]| {
            let mut values = rgb.to_vec();
            values.sort_unstable();
            values
        };
        assert!(mixed != rgb && sorted(&mixed) == sorted(&rgb));
        assert!(worn(&rgb, &VIEW, &mut dice) != rgb);
    }

    /// After so many frames of a dream whose own frame is all 100, the other land's 200, and what was shown before 50.
    fn broken(breakage: Breakage, frames: usize) -> Vec<u8> {
        let [rgb, other, last] = [100u8, 200, 50].map(|value| vec![value; 24 * 16 * 3]);
        breakage.apply(&Moment { rgb: &rgb, other: &other, last: &last, frames }, &VIEW, &mut Dice::new(2, frames as u64))
    }

    /// The first value of each of the six patches; the figure's is the fifth. All of a patch have to be the same.
    fn patches(rgb: &[u8]) -> [u8; 6] {
        std::array::from_fn(|n| {
            let at = |i: usize| rgb[((n / 3 * 8 + i / 8) * 24 + n % 3 * 8 + i % 8) * 3];
            assert!((0..64).all(|i| at(i) == at(0)), "patch {n}");
            at(0)
        })
    }

    #[test]
    fn what_does_not_break_a_dream_at_all_changes_nothing_in_it() {
        for breakage in [Breakage::Foreign, Breakage::Checkerboard, Breakage::Drift, Breakage::Held] {
            for frames in 1..6 {
                assert_eq!(broken(breakage(0), frames), [100; 24 * 16 * 3], "{:?}", breakage(0));
            }
            // The control: it would have been seen.
            assert!((1..6).any(|frames| broken(breakage(40), frames) != [100; 24 * 16 * 3]), "{:?}", breakage(40));
        }
    }

    #[test]
    fn another_land_lies_in_as_many_places_as_are_asked_for_and_never_on_the_figure() {
        let mut seen = [false; 6];
        for frames in 1..40 {
            let shown = patches(&broken(Breakage::Foreign(40), frames));
            assert_eq!(shown.iter().filter(|value| **value == 200).count(), 2, "two of five places: {shown:?}");
            seen.iter_mut().zip(shown).for_each(|(seen, value)| *seen |= value == 200);
        }
        assert_eq!(seen, [true, true, true, true, false, true], "other places in every frame");
        assert_eq!(patches(&broken(Breakage::Checkerboard(100), 1)), [100, 200, 100, 200, 100, 200]);
        assert_eq!(patches(&broken(Breakage::Checkerboard(50), 1)), [100, 150, 100, 150, 100, 150]);
    }

    #[test]
    fn colours_drift_further_from_frame_to_frame_and_pictures_stay_for_a_while() {
        let drifted = |frames: usize| broken(Breakage::Drift(50), frames)[..3].to_vec();
        assert_eq!([drifted(10), drifted(100)], [[105, 100, 95], [150, 100, 50]]);
        let held = |longer: usize| (1..=6).map(|frames| broken(Breakage::Held(longer), frames)[0]).collect::<Vec<_>>();
        assert_eq!(held(1), [50, 100, 50, 100, 50, 100]);
        assert_eq!(held(2), [50, 50, 100, 50, 50, 100]);
    }
}
