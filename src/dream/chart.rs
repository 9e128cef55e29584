//! The land that a dream remembers as one picture: the tokens last seen at every place, drawn by the tokenizer's decoder in the look of the
//! newest frame, with the figure where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::record::{RecordError, write_picture};
use crate::engine::recall::{Map, SIDE};
use crate::pack::manifest::{FrameDims, RecallDims};

/// Frames are laid over the land side by side. What the figure hides in one of them is beside the figure in a frame that is shifted this far, in patches.
const SHIFTS: [[i32; 2]; 3] = [[0, 0], [1, 0], [0, 1]];

/// A saved chart is enlarged only while its longer side stays below this, in pixels: the chart of a long walk would take gigabytes.
const SAVED_PX: usize = 2400;

/// A picture of all the land that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// RGBA, `width_px * height_px`; transparent where nothing was seen.
    pub rgba: Vec<u8>,
    pub width_px: usize,
    pub height_px: usize,
    /// Left, top, width and height of the newest frame on it, in pixels.
    pub view_px: [usize; 4],
    /// Middle of the frame that the dream began with, in pixels; nothing where that lies too far away.
    pub start_px: Option<[usize; 2]>,
}

/// The newest frame.
pub struct Newest<'a> {
    /// `(tokens, code_dims)` levels.
    pub codes: &'a [u8],
    /// RGBA, `width_px * height_px`.
    pub rgba: &'a [u8],
}

impl Chart {
    /// How many times it is enlarged when it is saved, `most` at most.
    pub fn saved_scale(&self, most: u32) -> u32 {
        ((SAVED_PX / self.width_px.max(self.height_px).max(1)) as u32).min(most).max(1)
    }

    /// The land of `map`, at most half the map's side away from the view in any direction. `draw` makes the picture of a frame's tokens, as
    /// [`Engine::draw`](crate::engine::Engine::draw) does. Steps must be whole patches.
    ///
    /// # Errors
    /// What `draw` says.
    pub fn of<E>(
        map: &Map,
        frame: &FrameDims,
        recall: &RecallDims,
        newest: &Newest<'_>,
        mut draw: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let view = map.view();
        let grid = [frame.grid_w() as i32, frame.grid_h() as i32];
        let near = |at: [i32; 2]| (0..2).all(|i| (at[i] - view[i]).abs() < SIDE / 2);
        let seen: BTreeMap<[i32; 2], &[u8]> =
            map.places().filter(|(at, seen, _)| *seen > 0 && near(*at)).map(|(at, _, levels)| (at, levels)).collect();
        let corners = seen.keys().copied().chain([view, [view[0] + grid[0] - 1, view[1] + grid[1] - 1]]);
        let (first, last) = corners
            .fold((view, view), |(first, last), at| ([first[0].min(at[0]), first[1].min(at[1])], [last[0].max(at[0]), last[1].max(at[1])]));
        let px = |patches: i32| patches as usize * frame.patch_px;
        let mut chart = Self::blank([px(last[0] + 1 - first[0]), px(last[1] + 1 - first[1])]);
        chart.view_px = [px(view[0] - first[0]), px(view[1] - first[1]), frame.width_px, frame.height_px];
        let has_start = near([0, 0]) && (0..2).all(|i| first[i] <= 0 && grid[i] <= last[i] + 1);
        chart.start_px = has_start.then(|| [px(-first[0]) + frame.width_px / 2, px(-first[1]) + frame.height_px / 2]);
        let on_chart = |at: [i32; 2]| [px(at[0] - first[0]), px(at[1] - first[1])];

        let mut left: BTreeSet<[i32; 2]> = seen.keys().copied().collect();
        for shift in SHIFTS {
            let origin = |at: &[i32; 2]| [0, 1].map(|i| first[i] + shift[i] + (at[i] - first[i] - shift[i]).div_euclid(grid[i]) * grid[i]);
            let origins: BTreeSet<[i32; 2]> = left.iter().map(origin).collect();
            for origin in origins {
                let place = |n: usize| [origin[0] + n as i32 % grid[0], origin[1] + n as i32 / grid[0]];
                let known: Vec<(usize, &[u8])> = (0..frame.patches()).filter_map(|n| Some((n, *seen.get(&place(n))?))).collect();
                let rgba = draw(&tokens_of(frame, recall, &known, newest.codes))?;
                for n in (0..frame.patches()).filter(|&n| recall.scrolls(n, frame) && left.remove(&place(n))) {
                    chart.paste(&rgba, frame, n, on_chart(place(n)));
                }
            }
        }
        for n in (0..frame.patches()).filter(|&n| !recall.scrolls(n, frame)) {
            chart.paste(newest.rgba, frame, n, on_chart([view[0] + n as i32 % grid[0], view[1] + n as i32 / grid[0]]));
        }
        Ok(chart)
    }

    fn blank([width_px, height_px]: [usize; 2]) -> Self {
        Self { rgba: vec![0; width_px * height_px * 4], width_px, height_px, view_px: [0; 4], start_px: None }
    }

    /// Copies patch `n` of a frame's picture to `at`, in pixels.
    fn paste(&mut self, rgba: &[u8], frame: &FrameDims, n: usize, [x, y]: [usize; 2]) {
        let [from_x, from_y] = [n % frame.grid_w(), n / frame.grid_w()].map(|patches| patches * frame.patch_px);
        for row in 0..frame.patch_px {
            let from = ((from_y + row) * frame.width_px + from_x) * 4;
            let to = ((y + row) * self.width_px + x) * 4;
            self.rgba[to..][..frame.patch_px * 4].copy_from_slice(&rgba[from..][..frame.patch_px * 4]);
        }
    }

    /// Writes it as a PNG, enlarged by a whole number, with the `dream` inside, where there is one.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, path: &Path, scale: u32, dream: Option<&[u8]>) -> Result<(), RecordError> {
        write_picture(path, &self.rgba, [self.width_px, self.height_px], scale, dream)
    }
}

/// Tokens of a frame that shows what is `known` of its patches, at least one. The other patches are as the nearest of those, since a decoder sees all
/// of a frame. What never scrolls, and the look, are those of the `newest` frame.
fn tokens_of(frame: &FrameDims, recall: &RecallDims, known: &[(usize, &[u8])], newest: &[u8]) -> Vec<u8> {
    let mut codes = newest.to_vec();
    let at = |n: usize| [n % frame.grid_w(), n / frame.grid_w()];
    for (n, token) in codes.chunks_exact_mut(frame.code_dims).enumerate().filter(|(n, _)| recall.scrolls(*n, frame)) {
        let far = |(m, _): &&(usize, &[u8])| {
            let ([x, y], [u, v]) = (at(n), at(*m));
            x.abs_diff(u) + y.abs_diff(v)
        };
        if let Some((_, levels)) = known.iter().min_by_key(far) {
            token.copy_from_slice(levels);
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const FRAME: FrameDims = FrameDims { width_px: 6, height_px: 6, patch_px: 2, rate_hz: 6, code_dims: 2, code_levels: 200, look: true };
    /// The patch that never scrolls.
    const FIGURE: usize = 4;

    fn recall() -> RecallDims {
        RecallDims { step_px: 2, covered: vec![FIGURE] }
    }

    /// What lies at a place of the land.
    fn land(at: [i32; 2]) -> [u8; 2] {
        [(100 + at[0]) as u8, (100 + at[1]) as u8]
    }

    /// Tokens of the frame at `view`, whose look says the same twice.
    fn frame_at(view: [i32; 2], look: u8) -> Vec<u8> {
        let patch = |n: usize| if n == FIGURE { [7, 7] } else { land([view[0] + n as i32 % 3, view[1] + n as i32 / 3]) };
        (0..9).map(patch).chain([[look; 2]]).flatten().collect()
    }

    /// Every pixel of a patch says what its token is, and what the look is.
    fn picture(codes: &[u8]) -> Vec<u8> {
        let look = codes[18];
        let pixel = |i: usize| {
            let token = i / 6 / 2 * 3 + i % 6 / 2;
            [codes[2 * token], codes[2 * token + 1], look, 255]
        };
        (0..36).flat_map(pixel).collect()
    }

    /// A walk, as the map remembers it, and its last frame.
    fn walked(steps: &[[i32; 2]]) -> (Map, Vec<u8>) {
        let mut map = Map::new(&FRAME, &recall());
        let mut codes = frame_at([0, 0], 1);
        map.remember(&codes, [0, 0], false);
        for step in steps {
            let view = [map.view()[0] + step[0], map.view()[1] + step[1]];
            codes = frame_at(view, 9);
            map.remember(&codes, *step, true);
        }
        (map, codes)
    }

    fn chart_of(map: &Map, codes: &[u8], mut seen: impl FnMut(&[u8])) -> Chart {
        let newest = Newest { codes, rgba: &picture(codes) };
        let draw = |codes: &[u8]| {
            seen(codes);
            Ok::<_, Infallible>(picture(codes))
        };
        Chart::of(map, &FRAME, &recall(), &newest, draw).unwrap()
    }

    #[test]
    fn all_that_was_seen_is_where_it_lies_in_the_look_of_the_newest_frame() {
        let walk = [[1, 0], [1, 0], [0, 1], [0, 1], [0, 1], [-1, 0]];
        let (map, codes) = walked(&walk);
        let chart = chart_of(&map, &codes, |_| {});
        // From (0, 0) to (4, 5): a corner to the left was never seen.
        assert_eq!((chart.width_px, chart.height_px, chart.view_px), (10, 12, [2, 6, 6, 6]));
        assert_eq!(chart.start_px, Some([3, 3]), "in the upper left corner");
        for (i, pixel) in chart.rgba.chunks_exact(4).enumerate() {
            let at = [(i % 10 / 2) as i32, (i / 10 / 2) as i32];
            let figure = at == [2, 4];
            let expected = match at {
                [0, 3..=5] => [0; 4],
                _ if figure => [7, 7, 9, 255],
                _ => [land(at)[0], land(at)[1], 9, 255],
            };
            assert_eq!(pixel, expected, "{at:?}");
        }
    }

    #[test]
    fn a_frame_that_is_drawn_has_its_figure_and_no_gaps() {
        let (map, codes) = walked(&[[1, 0]; 5]);
        let mut drawn = 0;
        chart_of(&map, &codes, |codes| {
            drawn += 1;
            assert_eq!(codes[2 * FIGURE..][..2], [7, 7]);
            assert_eq!(codes[18..], [9, 9]);
            assert!(codes[..18].chunks(2).all(|token| token == [7, 7] || token[0] >= 100), "{codes:?}");
        });
        // Eight by three places: three frames, and once more for what their figures hide.
        assert!((4..=6).contains(&drawn), "{drawn}");
    }

    #[test]
    fn what_is_half_a_world_away_is_left_out() {
        let (map, codes) = walked(&[[1, 0]; 300]);
        let chart = chart_of(&map, &codes, |_| {});
        assert_eq!([chart.width_px, chart.height_px], [2 * (SIDE as usize / 2 + 2), 6]);
        assert_eq!(chart.start_px, None, "as is the beginning");
        assert!(chart.rgba.chunks_exact(4).all(|pixel| pixel[3] == 255), "and nothing of what is left is missing");
    }
}
