//! Between 8-bit frames and the rows of patch values that the networks read.

use std::collections::HashMap;

use somnium::pack::manifest::FrameDims;

/// The patches of some pictures, every different one once: land that scrolls by shows the same ones over and over.
#[derive(Default)]
pub struct DistinctPatches {
    /// `(distinct, patch values)` in -1..1
    pub values: Vec<f32>,
    /// Which of them each picture shows, `(pictures, P)`.
    pub shown: Vec<usize>,
}

impl DistinctPatches {
    /// Of pictures `(T, height_px, width_px, RGB)`.
    pub fn of(pictures: &[u8], frame: &FrameDims) -> Self {
        let (mut distinct, mut known, mut patches) = (Self::default(), HashMap::new(), Vec::new());
        for picture in pictures.chunks_exact(frame.rgb_bytes()) {
            patches.clear();
            push_patches(picture, frame, 1, &mut patches);
            for patch in patches.chunks_exact(frame.patch_values()) {
                let number = known.len();
                let number = *known.entry(bits(patch)).or_insert_with(|| {
                    distinct.values.extend_from_slice(patch);
                    number
                });
                distinct.shown.push(number);
            }
        }
        distinct
    }
}

/// What tells values from all others.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Appends the patches of one RGB frame, averaged down by `shrink`: `(tokens, (patch / shrink)^2 * 3)` values in -1..1.
pub fn push_patches(rgb: &[u8], frame: &FrameDims, shrink: usize, out: &mut Vec<f32>) {
    let side = frame.patch_px / shrink;
    let scale = 1.0 / (127.5 * (shrink * shrink) as f32);
    for gy in 0..frame.grid_h() {
        for gx in 0..frame.grid_w() {
            for y in 0..side {
                for x in 0..side {
                    let (px, py) = (gx * frame.patch_px + x * shrink, gy * frame.patch_px + y * shrink);
                    let mut sums = [0u32; 3];
                    for dy in 0..shrink {
                        let row = ((py + dy) * frame.width_px + px) * 3;
                        for (i, value) in rgb[row..row + 3 * shrink].iter().enumerate() {
                            sums[i % 3] += u32::from(*value);
                        }
                    }
                    out.extend(sums.map(|sum| sum as f32 * scale - 1.0));
                }
            }
        }
    }
}

/// What a picture without any error has, which would be infinitely many dB: a mean goes on saying something of the others.
const MOST_DB: f64 = 100.0;

/// So many times as much as another thing, in dB.
pub fn decibels(times: f64) -> f64 {
    // What is no number stays none.
    (10.0 * times.log10()).clamp(f64::NEG_INFINITY, MOST_DB)
}

/// Peak signal-to-noise ratio of two pictures in dB.
pub fn psnr_db(a: &[u8], b: &[u8]) -> f64 {
    let error: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    decibels(255.0 * 255.0 * a.len() as f64 / error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: FrameDims = FrameDims { width_px: 12, height_px: 8, patch_px: 4, rate_hz: 10, code_dims: 2, code_levels: 5, look: false };

    fn picture() -> Vec<u8> {
        (0..FRAME.rgb_bytes()).map(|i| (i * 37 % 256) as u8).collect()
    }

    #[test]
    fn a_patch_holds_its_own_pixels_row_by_row() {
        let (rgb, mut patches) = (picture(), Vec::new());
        push_patches(&rgb, &FRAME, 1, &mut patches);
        assert_eq!(patches.len(), FRAME.tokens() * FRAME.patch_values());
        // Token 4 is the middle of the second row: columns 4 to 7, rows 4 to 7.
        let value = |x: usize, y: usize, channel: usize| f32::from(rgb[(y * 12 + x) * 3 + channel]) / 127.5 - 1.0;
        let patch = &patches[4 * FRAME.patch_values()..];
        assert!((patch[0] - value(4, 4, 0)).abs() < 1e-6);
        assert!((patch[4 * 3 + 2] - value(4, 5, 2)).abs() < 1e-6);
        // Negative control: its neighbour holds others.
        assert!((patches[3 * FRAME.patch_values()] - value(4, 4, 0)).abs() > 1e-3);
    }

    #[test]
    fn a_patch_that_is_seen_again_is_kept_once() {
        let (a, mut b) = (picture(), picture());
        // The middle of the second row.
        b[(5 * 12 + 5) * 3] ^= 1;
        let patches = DistinctPatches::of(&[a.clone(), b, a.clone()].concat(), &FRAME);
        let first: Vec<usize> = (0..6).collect();
        assert_eq!(patches.shown, [first.clone(), vec![0, 1, 2, 3, 6, 5], first].concat());
        let mut values = Vec::new();
        push_patches(&a, &FRAME, 1, &mut values);
        assert_eq!(patches.values.len(), 7 * FRAME.patch_values());
        assert_eq!(patches.values[..values.len()], values);
    }

    #[test]
    fn shrinking_averages() {
        let (rgb, mut patches) = (picture(), Vec::new());
        push_patches(&rgb, &FRAME, 2, &mut patches);
        assert_eq!(patches.len(), FRAME.tokens() * 12);
        let at = |x: usize, y: usize| f32::from(rgb[(y * 12 + x) * 3]);
        let mean = (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1)) / 4.0;
        assert!((patches[0] - (mean / 127.5 - 1.0)).abs() < 1e-5);
    }

    #[test]
    fn psnr_of_a_known_error() {
        assert!((psnr_db(&[0, 0], &[255, 255])).abs() < 1e-9);
        assert!((psnr_db(&[10; 4], &[11; 4]) - 48.130_8).abs() < 1e-3);
        // Black that is drawn as it is, and the least error that a large picture can have.
        assert_eq!(psnr_db(&[0; 4], &[0; 4]), MOST_DB);
        let black = vec![0; 48_384];
        let mut other = black.clone();
        other[7] = 1;
        assert!((94.9..95.0).contains(&psnr_db(&black, &other)));
        assert!(decibels(f64::NAN).is_nan());
    }
}
