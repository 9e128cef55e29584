//! What lies between two pictures of a world that goes by whole patches, for recordings: the twin of `shaders/blit.wgsl`, which decides whether
//! the view moved and joins the pictures. A recording shows every frame as it is: none fades in as in the window.

use super::source::Strides;

/// A movement must explain this share of what would differ between the pictures without it.
const CLEARLY: f32 = 0.25;
/// Colours of what stands and of the land behind it lie at least this far apart, of 255.
const APART: u8 = 25;

/// Two RGBA pictures of a world, one after the other.
pub struct Glide<'a> {
    before: &'a [u8],
    newest: &'a [u8],
    /// Width and height.
    size: [i32; 2],
    motion: [i32; 2],
    /// Left, top, right and bottom of what never scrolls.
    standing: [i32; 4],
    /// Sides of a patch.
    patch: i32,
}

impl<'a> Glide<'a> {
    /// From one picture to the next, `width_px` wide, under `code`; none if the view did not move as that asks for.
    pub fn new(before: &'a [u8], newest: &'a [u8], width_px: usize, strides: &Strides, code: u8) -> Option<Self> {
        let motion = *strides.motions_px.get(usize::from(code)).filter(|motion| **motion != [0, 0])?;
        let [left, top, wide, high] = strides.standing.map(u32::cast_signed);
        let size = [width_px as i32, (newest.len() / 4 / width_px) as i32];
        let glide =
            Self { before, newest, size, motion, standing: [left, top, left + wide, top + high], patch: strides.patch_px.cast_signed() };
        (before.len() == newest.len() && glide.moved()).then_some(glide)
    }

    /// Whether the pictures differ clearly less if the view moved. They are compared in two ways, whose product counts: as they are, and without what
    /// all patches have in common. Rain and snow fall on all patches alike and do not go with the land; bare ground shows nothing else.
    fn moved(&self) -> bool {
        let common = [self.newest, self.before].map(|picture| self.common(picture));
        let (mut as_they_are, mut alone) = ([1.0f32; 2], [1.0f32; 2]);
        for at in self.places() {
            let old = self.along(at, self.motion);
            if self.inside(old) && !self.stands(at) && !self.stands(old) {
                let here = pixel(self.newest, self.size, at);
                for (i, from) in [old, at].into_iter().enumerate() {
                    let there = pixel(self.before, self.size, from);
                    for c in 0..3 {
                        let off = f32::from(here[c]) - f32::from(there[c]);
                        as_they_are[i] += off.abs();
                        alone[i] += (off - common[0][self.of_patch(at)][c] + common[1][self.of_patch(from)][c]).abs();
                    }
                }
            }
        }
        as_they_are[0] * alone[0] < (1.0 - CLEARLY) * as_they_are[1] * alone[1]
    }

    /// What all patches of a picture have in common, of each pixel of a patch.
    fn common(&self, picture: &[u8]) -> Vec<[f32; 3]> {
        let mut sums = vec![([0.0; 3], 0.0f32); (self.patch * self.patch) as usize];
        for at in self.places().filter(|at| !self.stands(*at)) {
            let (sum, count) = &mut sums[self.of_patch(at)];
            sum.iter_mut().zip(pixel(picture, self.size, at)).for_each(|(sum, value)| *sum += f32::from(*value));
            *count += 1.0;
        }
        sums.into_iter().map(|(sum, count)| sum.map(|sum| sum / count.max(1.0))).collect()
    }

    /// Which pixel of its patch this one is.
    fn of_patch(&self, [x, y]: [i32; 2]) -> usize {
        (y % self.patch * self.patch + x % self.patch) as usize
    }

    /// The picture once a `share` of the way is gone, in whole pixels, RGBA.
    pub fn at(&self, share: f32) -> Vec<u8> {
        let to_go = self.motion.map(|px| (px as f32 * (1.0 - share)).round() as i32);
        let mut picture = Vec::with_capacity(self.newest.len());
        for at in self.places() {
            picture.extend_from_slice(self.shown(at, to_go));
        }
        picture
    }

    fn shown(&self, at: [i32; 2], to_go: [i32; 2]) -> &'a [u8] {
        let here = pixel(self.newest, self.size, at);
        let behind = self.along(at, self.motion);
        if self.stands(at) && self.inside(behind) {
            let land = pixel(self.before, self.size, behind);
            if here.iter().zip(land).any(|(a, b)| a.abs_diff(*b) > APART) {
                return here;
            }
        }
        let land = self.along(at, to_go.map(|px| -px));
        if self.inside(land) && !self.stands(land) {
            return pixel(self.newest, self.size, land);
        }
        let old = self.along(land, self.motion);
        pixel(self.before, self.size, [0, 1].map(|i| old[i].clamp(0, self.size[i] - 1)))
    }

    fn places(&self) -> impl Iterator<Item = [i32; 2]> + use<> {
        let [w, h] = self.size;
        (0..h).flat_map(move |y| (0..w).map(move |x| [x, y]))
    }

    fn along(&self, at: [i32; 2], way: [i32; 2]) -> [i32; 2] {
        [at[0] + way[0], at[1] + way[1]]
    }

    fn inside(&self, at: [i32; 2]) -> bool {
        (0..2).all(|i| (0..self.size[i]).contains(&at[i]))
    }

    fn stands(&self, at: [i32; 2]) -> bool {
        let [left, top, right, bottom] = self.standing;
        (left..right).contains(&at[0]) && (top..bottom).contains(&at[1])
    }
}

fn pixel(picture: &[u8], size: [i32; 2], at: [i32; 2]) -> &[u8] {
    &picture[((at[1] * size[0] + at[0]) * 4) as usize..][..4]
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRIDES: ([[i32; 2]; 2], [u32; 4]) = ([[0, 0], [8, 0]], [16, 8, 8, 8]);

    fn strides() -> Strides {
        Strides { motions_px: STRIDES.0.to_vec(), standing: STRIDES.1, patch_px: 8 }
    }

    /// A grey land of 40x24 pixels seen from `x0`, with a red figure, all of its patch but the upper half, in the middle.
    fn seen_from(x0: usize) -> Vec<u8> {
        let land = |x: usize, y: usize| (((x / 4 * 37 + y / 4 * 91) ^ (x / 4 * y / 4)) % 11 * 9) as u8;
        let shown = |i: usize| {
            let (x, y) = (i % 40, i / 40);
            if (16..24).contains(&x) && (12..16).contains(&y) { [250, 0, 0, 255] } else { [land(x + x0, y); 4].map(|c| c.max(1)) }
        };
        (0..40 * 24).flat_map(shown).collect()
    }

    #[test]
    fn land_of_both_pictures_goes_by_under_a_figure_that_stays() {
        let (before, after) = (seen_from(0), seen_from(8));
        let glide = Glide::new(&before, &after, 40, &strides(), 1).expect("the view moved");
        for gone in 0..=8 {
            // Nothing of the figure but the figure: what it hid is seen in the other picture.
            assert!(glide.at(gone as f32 / 8.0) == seen_from(gone), "{gone} pixels on");
        }
        assert!(glide.at(0.0) != after);
    }

    #[test]
    fn what_falls_on_all_patches_hides_no_movement() {
        // Strokes at the same pixels of every patch, at others in every picture, and over a land that shows less than they do.
        let under = |x0: usize, fallen: usize| -> Vec<u8> {
            let falls = |i: usize| ((i % 40 % 8) * 5 + (i / 40 % 8) * 3 + fallen * 7) % 13 < 4;
            let dim = |i: usize, c: u8| if c == 250 { c } else { c / 4 + if falls(i) { 120 } else { 0 } };
            seen_from(x0).chunks_exact(4).enumerate().flat_map(|(i, p)| [dim(i, p[0]), dim(i, p[1]), dim(i, p[2]), 255]).collect()
        };
        let glides = |to: usize, fallen: usize| Glide::new(&under(0, 0), &under(to, fallen), 40, &strides(), 1).is_some();
        assert!((1..4).all(|fallen| glides(8, fallen)), "it moved");
        assert!(!(0..4).any(|fallen| glides(0, fallen)), "it stayed");
        assert!(!(0..4).any(|fallen| glides(160, fallen)), "it is elsewhere");
    }

    #[test]
    fn nothing_glides_where_nothing_moved_or_another_place_is_seen() {
        let (before, after, elsewhere) = (seen_from(0), seen_from(8), seen_from(160));
        assert!(Glide::new(&before, &before, 40, &strides(), 1).is_none(), "blocked");
        assert!(Glide::new(&before, &elsewhere, 40, &strides(), 1).is_none(), "elsewhere");
        assert!(Glide::new(&before, &after, 40, &strides(), 0).is_none(), "a code that leads nowhere");
        assert!(Glide::new(&before, &after, 40, &strides(), 9).is_none(), "no such code");
        assert!(Glide::new(&before, &after, 40, &strides(), 1).is_some());
    }
}
