//! Whole-frame motion between two pictures, by comparing one with shifted copies of the other.

/// A picture of `w * h` pixels with three interleaved channels.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    pub values: &'a [f32],
    pub w: usize,
    pub h: usize,
}

/// Mean absolute difference of `after` and `before` moved by `(dx, dy)` pixels, over the pixels `counts` wants (x, y of `after`) whose
/// origin lies inside the picture.
pub fn shift_error(before: Picture, after: Picture, (dx, dy): (i32, i32), counts: impl Fn(usize, usize) -> bool) -> f32 {
    let (w, h) = (after.w as i32, after.h as i32);
    let (mut sum, mut pixels) = (0.0, 0u32);
    for y in dy.max(0)..h + dy.min(0) {
        for x in dx.max(0)..w + dx.min(0) {
            if !counts(x as usize, y as usize) {
                continue;
            }
            let to = ((y * w + x) * 3) as usize;
            let from = (((y - dy) * w + x - dx) * 3) as usize;
            sum += (0..3).map(|i| (after.values[to + i] - before.values[from + i]).abs()).sum::<f32>();
            pixels += 1;
        }
    }
    sum / (3 * pixels.max(1)) as f32
}

/// The shift among `candidates` with the least error; the earlier of equals.
pub fn best_shift(before: Picture, after: Picture, candidates: &[(i32, i32)], counts: impl Fn(usize, usize) -> bool) -> usize {
    let errors: Vec<f32> = candidates.iter().map(|shift| shift_error(before, after, *shift, &counts)).collect();
    (0..errors.len()).min_by(|a, b| errors[*a].total_cmp(&errors[*b])).unwrap_or(0)
}

/// `rgb` averaged down by `shrink`, in 0..255.
pub fn shrunk(rgb: &[u8], width_px: usize, height_px: usize, shrink: usize) -> Vec<f32> {
    let (w, h) = (width_px / shrink, height_px / shrink);
    let mut values = vec![0.0; w * h * 3];
    for y in 0..h * shrink {
        for x in 0..w * shrink {
            for i in 0..3 {
                values[((y / shrink) * w + x / shrink) * 3 + i] += f32::from(rgb[(y * width_px + x) * 3 + i]);
            }
        }
    }
    let scale = 1.0 / (shrink * shrink) as f32;
    values.iter_mut().for_each(|value| *value *= scale);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_found_and_a_wrong_one_is_not() {
        let (w, h) = (20usize, 16usize);
        let noise = |x: usize, y: usize| ((x * 7919 + y * 104_729) * 31 % 251) as f32;
        let frame = |dx: usize, dy: usize| -> Vec<f32> { (0..w * h).flat_map(|i| [noise(i % w + dx, i / w + dy); 3]).collect() };
        let (a, b) = (frame(4, 4), frame(2, 4));
        let (before, after) = (Picture { values: &a, w, h }, Picture { values: &b, w, h });
        let candidates = [(0, 0), (-2, 0), (2, 0), (0, 2), (0, -2)];
        assert_eq!(best_shift(before, after, &candidates, |_, _| true), 2);
        assert_eq!(shift_error(before, after, (2, 0), |_, _| true), 0.0);
        assert!(shift_error(before, after, (-2, 0), |_, _| true) > 10.0);
    }
}
