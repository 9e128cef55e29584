//! Whole-frame motion between two pictures, by comparing one with shifted copies of the other.

use somnium::pack::manifest::FrameDims;

/// Pictures are averaged down by this before a movement is read off them.
const SHRINK: usize = 2;

/// Reads off two frames of a world which of its five actions moved the view: 0 none, 1 to 4 north, south, west, east.
pub struct MovementReader {
    frame: FrameDims,
    /// By action, in averaged-down pixels.
    shifts: [(i32, i32); 5],
}

impl MovementReader {
    pub fn new(frame: FrameDims, step_px: usize) -> Self {
        let step = (step_px / SHRINK) as i32;
        Self { frame, shifts: [(0, 0), (0, step), (0, -step), (step, 0), (-step, 0)] }
    }

    /// The action whose motion lies between two RGB frames.
    pub fn movement(&self, before: &[u8], after: &[u8]) -> usize {
        self.read(before, after).0
    }

    /// The action whose motion lies between two RGB frames, and how far they lie apart after it without what all patches show alike, as the
    /// mean over averaged-down pixels of 0..255. The pictures are compared as they are and without what is the same in every patch (as rain
    /// and snow are, but on bare ground all there is), as the dream's odometer does. The figure on the centre patch never scrolls and is left
    /// out.
    pub fn read(&self, before: &[u8], after: &[u8]) -> (usize, f32) {
        // Nothing moved between equal pictures, and nothing else changed.
        if before == after {
            return (0, 0.0);
        }
        let f = &self.frame;
        let (w, h, patch) = (f.width_px / SHRINK, f.height_px / SHRINK, f.patch_px / SHRINK);
        let is_figure = self.is_figure(patch);
        let counts = |x: usize, y: usize| !is_figure(x, y);
        let mut pictures = [before, after].map(|rgb| shrunk(rgb, f.width_px, f.height_px, SHRINK));
        let errors = |[before, after]: &[Vec<f32>; 2]| {
            let (before, after) = (Picture { values: before, w, h }, Picture { values: after, w, h });
            self.shifts.map(|shift| shift_error(before, after, shift, counts))
        };
        let as_they_are = errors(&pictures);
        pictures.iter_mut().for_each(|values| subtract_mean_patch(values, w, patch));
        let alone = errors(&pictures);
        let both = |action: usize| (1.0 + as_they_are[action]) * (1.0 + alone[action]);
        let best = (1..self.shifts.len()).fold(0, |best, action| if both(action) < both(best) { action } else { best });
        (best, alone[best])
    }

    /// The frame an action leads to if all there is scrolls: the last one shifted, its border repeated, the figure in its place.
    pub fn shifted(&self, rgb: &[u8], action: usize) -> Vec<u8> {
        let f = &self.frame;
        let (dx, dy) = self.shifts[action];
        let (dx, dy) = (dx * SHRINK as i32, dy * SHRINK as i32);
        let from = |at: usize, d: i32, side: usize| (at as i32 - d).clamp(0, side as i32 - 1) as usize;
        let is_figure = self.is_figure(f.patch_px);
        let mut out = Vec::with_capacity(rgb.len());
        for y in 0..f.height_px {
            for x in 0..f.width_px {
                let (sx, sy) = (from(x, dx, f.width_px), from(y, dy, f.height_px));
                // What the figure covered is not known: it is filled with what the frame shows beside it.
                let (sx, sy) = match (is_figure(x, y), is_figure(sx, sy)) {
                    (false, false) => (sx, sy),
                    _ => (x, y),
                };
                out.extend_from_slice(&rgb[(sy * f.width_px + sx) * 3..][..3]);
            }
        }
        out
    }

    /// Whether a pixel (x, y) lies on the centre patch, where patches have sides of `patch` pixels.
    fn is_figure(&self, patch: usize) -> impl Fn(usize, usize) -> bool + Copy {
        let [x0, y0] = [self.frame.grid_w(), self.frame.grid_h()].map(|patches| patches / 2 * patch);
        move |x, y| (x0..x0 + patch).contains(&x) && (y0..y0 + patch).contains(&y)
    }
}

/// Takes from every patch of a picture `w` wide the mean of all patches.
fn subtract_mean_patch(values: &mut [f32], w: usize, patch: usize) {
    let side = 3 * patch;
    let mut mean = vec![0.0; patch * side];
    let patches = (values.len() / mean.len()) as f32;
    for (y, row) in values.chunks_exact(3 * w).enumerate() {
        let mean = &mut mean[y % patch * side..][..side];
        row.chunks(side).for_each(|part| mean.iter_mut().zip(part).for_each(|(mean, value)| *mean += value / patches));
    }
    for (y, row) in values.chunks_exact_mut(3 * w).enumerate() {
        let mean = &mean[y % patch * side..][..side];
        row.chunks_mut(side).for_each(|part| part.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean));
    }
}

/// A picture of `w * h` pixels with three interleaved channels.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    pub values: &'a [f32],
    pub w: usize,
    pub h: usize,
}

impl<'a> Picture<'a> {
    /// Its pixels row by row from (x, y) on.
    fn from(self, x: i32, y: i32) -> &'a [[f32; 3]] {
        &self.values.as_chunks().0[y as usize * self.w + x as usize..]
    }
}

/// Mean absolute difference of `after` and `before` moved by `(dx, dy)` pixels, over the pixels `counts` wants (x, y of `after`) whose
/// origin lies inside the picture.
pub fn shift_error(before: Picture, after: Picture, (dx, dy): (i32, i32), counts: impl Fn(usize, usize) -> bool) -> f32 {
    let (w, h) = (after.w as i32, after.h as i32);
    let (left, right) = (dx.max(0), w + dx.min(0));
    let (mut sum, mut pixels) = (0.0, 0u32);
    for y in (dy.max(0)..h + dy.min(0)).filter(|_| left < right) {
        for (x, (to, from)) in (left..right).zip(after.from(left, y).iter().zip(before.from(left - dx, y - dy))) {
            if counts(x as usize, y as usize) {
                sum += (0..3).map(|i| (to[i] - from[i]).abs()).sum::<f32>();
                pixels += 1;
            }
        }
    }
    sum / (3 * pixels.max(1)) as f32
}

/// The shift among `candidates` with the least error, and that error; the earlier of equals.
pub fn best_shift(before: Picture, after: Picture, candidates: &[(i32, i32)], counts: impl Fn(usize, usize) -> bool) -> (usize, f32) {
    let errors = candidates.iter().map(|shift| shift_error(before, after, *shift, &counts)).enumerate();
    errors.min_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap_or_default()
}

/// `rgb` averaged down by `shrink`, in 0..255.
pub fn shrunk(rgb: &[u8], width_px: usize, height_px: usize, shrink: usize) -> Vec<f32> {
    let (w, h) = (width_px / shrink, height_px / shrink);
    let mut values = vec![0.0; w * h * 3];
    for (y, row) in rgb.chunks_exact(3 * width_px).take(h * shrink).enumerate() {
        let sums = values[y / shrink * w * 3..][..w * 3].chunks_exact_mut(3);
        for (sums, pixels) in sums.zip(row.chunks_exact(3 * shrink)) {
            pixels.as_chunks::<3>().0.iter().for_each(|pixel| (0..3).for_each(|i| sums[i] += f32::from(pixel[i])));
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
        assert_eq!(best_shift(before, after, &candidates, |_, _| true), (2, 0.0));
        assert_eq!(shift_error(before, after, (2, 0), |_, _| true), 0.0);
        assert!(shift_error(before, after, (-2, 0), |_, _| true) > 10.0);
        // Pictures that share no land differ nowhere.
        assert!([(21, 0), (-21, 0), (0, 17)].iter().all(|shift| shift_error(before, after, *shift, |_, _| true) == 0.0));
    }

    #[test]
    fn movements_are_read_through_rain_and_without_the_figure() {
        let frame = FrameDims { width_px: 80, height_px: 48, patch_px: 16, rate_hz: 10, code_dims: 1, code_levels: 2, look: false };
        let reader = MovementReader::new(frame, 8);
        // Land of 8-pixel cells seen from (x0, y0), a figure in the centre patch, and the same strong stroke in every patch.
        let seen_from = |x0: usize, y0: usize, phase: usize| -> Vec<u8> {
            let pixel = |i: usize| {
                let (x, y) = (i % 80, i / 80);
                let (cx, cy) = ((x + x0) / 8, (y + y0) / 8);
                let land = 60 + (((cx * 31 + cy * 17) ^ (cx * cy * 7)) % 5 * 12) as u8;
                if (x / 16, y / 16) == (2, 1) { 250 } else { land + if x % 16 / 4 == phase { 90 } else { 0 } }
            };
            (0..80 * 48).flat_map(|i| [pixel(i); 3]).collect()
        };
        let at = |x0, y0| seen_from(x0, y0, 1);
        let home = seen_from(80, 80, 0);
        let seen = [at(80, 80), at(80, 72), at(80, 88), at(72, 80), at(88, 80)].map(|after| reader.movement(&home, &after));
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        // A movement explains all there is; that what is seen is another place is left over.
        let [moved, elsewhere] = [seen_from(80, 72, 0), seen_from(160, 40, 0)].map(|after| reader.read(&home, &after).1);
        assert!(2.0 * moved < elsewhere, "{moved}, {elsewhere}");
        // A shifted copy moves the way it was asked to and keeps the figure where it is.
        for action in 1..5 {
            let moved = reader.shifted(&home, action);
            assert_eq!(reader.movement(&home, &moved), action);
            assert_eq!(moved[(20 * 80 + 40) * 3], 250);
        }
    }
}
