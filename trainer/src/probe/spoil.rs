//! Ways to spoil a frame: mildly, as a tokenizer might, and beyond use, as a dream that broke.

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
}
