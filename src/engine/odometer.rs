//! Reads off two pictures whether the view moved between them, which is how a dream knows where it is.

use crate::pack::manifest::{FrameDims, RecallDims};

/// Reads off two pictures whether the view moved between them: as they are, and without what all tokens show alike. Rain falls on every token
/// in the same way and does not go with the land, but bare ground may show nothing else.
#[derive(Clone, Debug)]
pub struct Odometer<const CHANNELS: usize> {
    frame: FrameDims,
    recall: RecallDims,
    /// Of the picture before and of the one after, for each pixel of a token the mean of the tokens that scroll, rounded down,
    /// `(patch_px, patch_px, CHANNELS)`.
    common: [Vec<u32>; 2],
}

impl<const CHANNELS: usize> Odometer<CHANNELS> {
    pub fn new(frame: &FrameDims, recall: &RecallDims) -> Self {
        let common = [(); 2].map(|()| vec![0; frame.patch_px * frame.patch_px * CHANNELS]);
        Self { frame: *frame, recall: recall.clone(), common }
    }

    /// Whether the view moved by `motion` steps between two pictures rather than not at all.
    pub fn moved(&mut self, before: &[u8], after: &[u8], motion: [i32; 2]) -> bool {
        tells_moved(self.differences(before, after, motion))
    }

    /// Sums over RGB of how far two pictures lie apart if the view moved by `motion` steps between them, and if it stayed: as they are, and
    /// each without what its tokens have in common. `before`, `after`: `(height_px, width_px, CHANNELS)`, 8-bit, RGB first; a fourth channel
    /// must be the same everywhere. Tokens that never scroll are left out. Nothing is summed where there is no motion.
    pub fn differences(&mut self, before: &[u8], after: &[u8], motion: [i32; 2]) -> [[u32; 2]; 2] {
        let mut sums = [[0; 2]; 2];
        if motion == [0, 0] {
            return sums;
        }
        let Self { frame, recall: RecallDims { step_px, covered }, common } = self;
        for (common, picture) in common.iter_mut().zip([before, after]) {
            average::<CHANNELS>(picture, frame, covered, common);
        }
        let [dx, dy] = motion.map(|steps| steps * *step_px as i32);
        let (w, h, patch) = (frame.width_px as i32, frame.height_px as i32, frame.patch_px as i32);
        let scrolls = |x: i32, y: i32| !covered.contains(&((y / patch) as usize * frame.grid_w() + (x / patch) as usize));
        let apart = |to: (i32, i32), from: (i32, i32), run: i32| -> [u32; 2] {
            let shown = |(x, y): (i32, i32)| (y * w + x) as usize * CHANNELS;
            let alike = |(x, y): (i32, i32)| (y % patch * patch + x % patch) as usize * CHANNELS;
            let bytes = run as usize * CHANNELS;
            let (new, old) = (&after[shown(to)..][..bytes], &before[shown(from)..][..bytes]);
            let (of_new, of_old) = (&common[1][alike(to)..][..bytes], &common[0][alike(from)..][..bytes]);
            let without = |(value, common): (&u8, &u32)| i32::from(*value) - common.cast_signed();
            let alone = new.iter().zip(of_new).map(without).zip(old.iter().zip(of_old).map(without));
            [new.iter().zip(old).map(|(new, old)| u32::from(new.abs_diff(*old))).sum(), alone.map(|(new, old)| new.abs_diff(old)).sum()]
        };
        for y in (-dy).max(0)..h - dy.max(0) {
            let (mut x, end) = ((-dx).max(0), w - dx.max(0));
            while x < end {
                // As far as both pictures' tokens go.
                let run = (patch - x % patch).min(patch - (x + dx) % patch).min(end - x);
                if scrolls(x, y) && scrolls(x + dx, y + dy) {
                    let [if_moved, if_stayed] = [apart((x, y), (x + dx, y + dy), run), apart((x, y), (x, y), run)];
                    for (sums, both) in sums.iter_mut().zip(if_moved.into_iter().zip(if_stayed)) {
                        *sums = [sums[0] + both.0, sums[1] + both.1];
                    }
                }
                x += run;
            }
        }
        sums
    }
}

/// Whether sums of [`Odometer::differences`] tell that the view moved: whether the product of both ways of comparing is less if it did. In
/// integers, 15 bits of each pair, so that every device finds the same.
pub fn tells_moved(sums: [[u32; 2]; 2]) -> bool {
    let [as_they_are, alone] = sums.map(|pair| {
        let shift = 17u32.saturating_sub(pair[0].max(pair[1]).leading_zeros());
        pair.map(|sum| 1 + (sum >> shift))
    });
    as_they_are[0] * alone[0] < as_they_are[1] * alone[1]
}

/// Of every pixel of a token the mean of all tokens but the `covered` ones, rounded down, into `out`, `(patch_px, patch_px, CHANNELS)`.
pub fn average<const CHANNELS: usize>(picture: &[u8], frame: &FrameDims, covered: &[usize], out: &mut [u32]) {
    out.fill(0);
    let run = frame.patch_px * CHANNELS;
    for (i, row) in picture.chunks_exact(run).enumerate() {
        let (y, column) = (i / frame.grid_w(), i % frame.grid_w());
        if !covered.contains(&(y / frame.patch_px * frame.grid_w() + column)) {
            let sums = &mut out[y % frame.patch_px * run..][..run];
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += u32::from(*value));
        }
    }
    let scrolling = (frame.patches() - covered.len()).max(1) as u32;
    out.iter_mut().for_each(|sum| *sum /= scrolling);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::decode::random;

    const FRAME: FrameDims =
        FrameDims { width_px: 48, height_px: 32, patch_px: 16, rate_hz: 10, code_dims: 2, code_levels: 5, look: false };
    fn recall() -> RecallDims {
        RecallDims { step_px: 8, covered: vec![1] }
    }

    #[test]
    fn pictures_tell_whether_the_view_moved() {
        let land = |x: usize, y: usize| ((x * 7919 + y * 104_729) * 31 % 251) as u8;
        let seen_from = |x0: usize, y0: usize| -> Vec<u8> {
            let pixel = |i: usize| {
                let (x, y) = (i % FRAME.width_px, i / FRAME.width_px);
                // The figure stands on token 1.
                if x / 16 == 1 && y < 16 { 255 } else { land(x + x0, y + y0) }
            };
            (0..FRAME.width_px * FRAME.height_px).flat_map(|i| [pixel(i); 3]).collect()
        };
        let home = seen_from(80, 80);
        let is = |after: &[u8], motion| Odometer::<3>::new(&FRAME, &recall()).moved(&home, after, motion);
        assert!(is(&seen_from(88, 80), [1, 0]) && is(&seen_from(72, 80), [-1, 0]));
        assert!(is(&seen_from(80, 88), [0, 1]) && is(&seen_from(80, 72), [0, -1]));
        // Negative controls: blocked, and asked for nothing.
        assert!(!is(&home, [1, 0]) && !is(&home, [0, -1]) && !is(&seen_from(88, 80), [0, 0]));
    }

    #[test]
    fn rain_that_falls_on_every_token_hides_no_movement() {
        let land = |x: usize, y: usize| ((x * 7919 + y * 104_729) * 31 % 61) as u8;
        // Strokes of 8 by 1 pixels, at other pixels of every token in every frame.
        let seen_from = |x0: usize, fallen: usize| -> Vec<u8> {
            let pixel = |i: usize| {
                let (x, y) = (i % FRAME.width_px, i / FRAME.width_px);
                let stroke = if (y + x % 16 / 8 * 5 + fallen).is_multiple_of(4) { 180 } else { 0 };
                land(x + x0, y) + if x % 16 < 12 { stroke } else { 0 }
            };
            (0..FRAME.width_px * FRAME.height_px).flat_map(|i| [pixel(i); 3]).collect()
        };
        let mut odometer = Odometer::<3>::new(&FRAME, &recall());
        let mut moved = |to: usize, fallen: usize| odometer.moved(&seen_from(80, 0), &seen_from(to, fallen), [1, 0]);
        assert!((0..4).all(|fallen| moved(88, fallen)), "it moved");
        assert!(!(0..4).any(|fallen| moved(80, fallen)), "it stayed");
    }

    #[test]
    fn bare_ground_tells_a_movement_too() {
        // Every token shows the same.
        let seen_from = |x0: usize| -> Vec<u8> {
            let pixel = |i: usize| (((i % FRAME.width_px + x0) % 16 * 7 + i / FRAME.width_px % 16 * 3) % 101) as u8;
            (0..FRAME.width_px * FRAME.height_px).flat_map(|i| [pixel(i); 3]).collect()
        };
        let mut odometer = Odometer::<3>::new(&FRAME, &recall());
        assert!(odometer.moved(&seen_from(80), &seen_from(88), [1, 0]));
        assert!(!odometer.moved(&seen_from(80), &seen_from(80), [1, 0]));
    }

    #[test]
    fn sums_are_weighed_against_each_other() {
        let cases = [
            ([[26_000, 25_500], [3000, 9000]], true),
            ([[26_000, 25_500], [9000, 3000]], false),
            ([[1000, 5000], [0, 0]], true),
            ([[0, 0], [0, 0]], false),
            ([[u32::MAX, u32::MAX - 1], [u32::MAX / 2, u32::MAX]], true),
            ([[7, 7], [7, 7]], false),
        ];
        for (sums, moved) in cases {
            assert_eq!(tells_moved(sums), moved, "{sums:?}");
        }
    }

    /// Pixel by pixel, as the model document has it.
    #[test]
    fn differences_are_those_of_every_pixel_that_scrolls() {
        let picture = |seed: u32| -> Vec<u8> {
            (0..FRAME.rgb_bytes() / 3)
                .flat_map(|i| [0, 1, 2, 3].map(|c| if c == 3 { 255 } else { random(seed, i as u32, c, 0, 0) as u8 }))
                .collect()
        };
        let (before, after) = (picture(1), picture(2));
        let (w, h) = (FRAME.width_px as i32, FRAME.height_px as i32);
        for motion in [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [2, -1], [-5, 3], [6, 0], [0, -100]] {
            let recall = RecallDims { step_px: 8, covered: vec![1, 5] };
            let (dx, dy) = (motion[0] * 8, motion[1] * 8);
            let scrolls = |x: i32, y: i32| !recall.covered.contains(&((y / 16 * (w / 16) + x / 16) as usize));
            let inside = |x: i32, y: i32| (0..w).contains(&x) && (0..h).contains(&y);
            let value = |picture: &[u8], x: i32, y: i32, c: i32| u32::from(picture[((y * w + x) * 4 + c) as usize]);
            let alone = |picture: &[u8], x: i32, y: i32, c: i32| {
                let alike = (0..w * h).map(|i| (i % w, i / w)).filter(|(u, v)| (u % 16, v % 16) == (x % 16, y % 16) && scrolls(*u, *v));
                let values: Vec<u32> = alike.map(|(u, v)| value(picture, u, v, c)).collect();
                value(picture, x, y, c).cast_signed() - (values.iter().sum::<u32>() / values.len() as u32).cast_signed()
            };
            let mut expected = [[0u32; 2]; 2];
            for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                if inside(x + dx, y + dy) && scrolls(x, y) && scrolls(x + dx, y + dy) {
                    for c in 0..3 {
                        let (shown, new) = (value(&after, x, y, c), alone(&after, x, y, c));
                        expected[0][0] += shown.abs_diff(value(&before, x + dx, y + dy, c));
                        expected[0][1] += shown.abs_diff(value(&before, x, y, c));
                        expected[1][0] += new.abs_diff(alone(&before, x + dx, y + dy, c));
                        expected[1][1] += new.abs_diff(alone(&before, x, y, c));
                    }
                }
            }
            if motion == [0, 0] {
                expected = [[0; 2]; 2];
            }
            for look in [false, true] {
                let mut odometer = Odometer::<4>::new(&FrameDims { look, ..FRAME }, &recall);
                assert_eq!(odometer.differences(&before, &after, motion), expected, "{motion:?}, look: {look}");
            }
        }
    }
}
