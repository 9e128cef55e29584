//! What the dream remembers of the land: an odometer that reads off two pictures whether the view moved, and a map of the tokens last
//! seen at every place. A token of the next frame looks up what was seen where it will be, however long ago that was, at the same cost.

use super::UNKNOWN;
use crate::pack::manifest::{FrameDims, Manifest, RecallDims};

/// Side of the map in steps. It is a torus: what lies a whole side away takes the place of what was there.
pub const SIDE: i32 = 256;
const PLACES: usize = (SIDE * SIDE) as usize;
/// Classes of age; class 0 is "never seen".
pub const AGES: usize = 6;
/// Oldest frames ago of the classes from 1 on; the last class has no oldest.
pub const OLDEST: [u32; AGES - 2] = [2, 8, 32, 128];
/// Places a token looks at: its own and those a step away, order (dy, dx) = (-1,-1), (-1,0) .. (1,1).
pub const TAPS: usize = 9;
/// The tap to a token's own place.
pub const OWN: usize = TAPS / 2;

/// Class of a token that was seen `age` frames before the one that asks.
pub fn age_class(age: u32) -> usize {
    1 + OLDEST.iter().filter(|oldest| age > **oldest).count()
}

/// Where the view goes under a latent action, in steps (x to the right, y down); nowhere under the unknown one.
pub fn motion_of(m: &Manifest, action: u8) -> [i32; 2] {
    m.actions.get(usize::from(action)).map_or([0, 0], |action| action.motion)
}

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

/// In place of the frame that last showed a place: none did yet, and it is known what the first will show.
pub const IMAGINED: u32 = u32::MAX;

/// What a place shows.
#[derive(Clone, Copy, Default)]
struct Place {
    at: [i32; 2],
    /// Number of the frame that last showed it, from 1; 0 where none did.
    frame: u32,
}

/// The tokens last seen at every place, by the place of their upper left corner, and where the view is.
#[derive(Clone)]
pub struct Map {
    /// `(SIDE, SIDE)`.
    places: Vec<Place>,
    /// `(SIDE, SIDE, code_dims)`.
    codes: Vec<u8>,
    /// Place of the upper left corner of the last frame remembered, in steps.
    view: [i32; 2],
    /// Frames remembered.
    frames: u32,
    /// Place of each token from the frame's corner, none of the look; whether it enters the map.
    tokens: Vec<(Option<[i32; 2]>, bool)>,
    /// `(tokens, code_dims)` of the last frame and of the one before it, unknown where there was none.
    latest: [Vec<u8>; 2],
    code_dims: usize,
}

impl Map {
    pub fn new(frame: &FrameDims, recall: &RecallDims) -> Self {
        let steps = (frame.patch_px / recall.step_px) as i32;
        let token = |n: usize| {
            let (x, y) = ((n % frame.grid_w()) as i32, (n / frame.grid_w()) as i32);
            ((n < frame.patches()).then_some([x * steps, y * steps]), recall.scrolls(n, frame))
        };
        Self {
            places: vec![Place::default(); PLACES],
            codes: vec![0; PLACES * frame.code_dims],
            view: [0, 0],
            frames: 0,
            tokens: (0..frame.tokens()).map(token).collect(),
            latest: [(); 2].map(|()| vec![UNKNOWN; frame.code_bytes()]),
            code_dims: frame.code_dims,
        }
    }

    /// A map that remembers so many `frames`, the last of which had its corner at `view`: of each of the `places` where it is, the frame that last showed
    /// it (from 1), and its levels. What never scrolls is not known.
    pub fn of_places<'a>(
        frame: &FrameDims,
        recall: &RecallDims,
        (view, frames): ([i32; 2], u32),
        places: impl IntoIterator<Item = ([i32; 2], u32, &'a [u8])>,
    ) -> Self {
        let mut map = Self { view, frames, ..Self::new(frame, recall) };
        places.into_iter().for_each(|(at, frame, levels)| map.put(at, frame, levels));
        map
    }

    /// Whether it is one of a world with such frames.
    pub fn fits(&self, frame: &FrameDims) -> bool {
        self.code_dims == frame.code_dims && self.tokens.len() == frame.tokens()
    }

    /// Becomes what it is to begin with: another map, or an empty one.
    pub fn begin_with(&mut self, before: Option<&Self>) {
        match before {
            Some(map) => self.clone_from(map),
            None => self.clear(),
        }
    }

    fn put(&mut self, at: [i32; 2], frame: u32, levels: &[u8]) {
        let index = index(at);
        self.places[index] = Place { at, frame };
        self.codes[index * self.code_dims..][..self.code_dims].copy_from_slice(levels);
    }

    /// Takes this token for what lies at a place: the frame that shows it first will show that. Without one, nothing is known of the place any more.
    pub fn imagine(&mut self, at: [i32; 2], levels: Option<&[u8]>) {
        match levels {
            Some(levels) => self.put(at, IMAGINED, levels),
            None => self.forget(at, 1),
        }
    }

    /// What is known of a place: the frame that last showed it, or [`IMAGINED`], and levels.
    pub fn at(&self, at: [i32; 2]) -> Option<(u32, &[u8])> {
        let index = index(at);
        let place = self.places[index];
        (place.frame > 0 && place.at == at).then(|| (place.frame, &self.codes[index * self.code_dims..][..self.code_dims]))
    }

    /// Whether token `n` of the next frame was imagined, if `motion` leads to it: then it is what is offered for it, or what it is now.
    pub fn holds(&self, n: usize, motion: [i32; 2]) -> bool {
        let (token, enters) = self.tokens[n];
        let at = |token: [i32; 2]| [0, 1].map(|i| self.view[i] + motion[i] + token[i]);
        token.filter(|_| enters).and_then(|token| self.at(at(token))).is_some_and(|(frame, _)| frame == IMAGINED)
    }

    /// Forgets what lies less than `steps` from the place `at` in both directions: all whose picture overlaps the one there.
    pub fn forget(&mut self, at: [i32; 2], steps: i32) {
        for near in (1 - steps..steps).flat_map(|dy| (1 - steps..steps).map(move |dx| [at[0] + dx, at[1] + dy])) {
            let place = &mut self.places[index(near)];
            if place.at == near {
                *place = Place::default();
            }
        }
    }

    pub fn clear(&mut self) {
        self.places.fill(Place::default());
        self.latest.iter_mut().for_each(|codes| codes.fill(UNKNOWN));
        (self.view, self.frames) = ([0, 0], 0);
    }

    /// What the next frame may know of the place that token `n` looks at by `tap`, if `motion` leads to it: levels, and class of age. The look
    /// looks nowhere.
    pub fn recall(&self, n: usize, tap: usize, motion: [i32; 2]) -> Option<(&[u8], usize)> {
        let token = self.tokens[n].0?;
        let near = [(tap % 3) as i32 - 1, (tap / 3) as i32 - 1];
        let (frame, levels) = self.at([0, 1].map(|i| self.view[i] + motion[i] + token[i] + near[i]))?;
        // What was imagined is as fresh as can be.
        let age = if frame == IMAGINED { 1 } else { self.frames + 1 - frame };
        Some((levels, age_class(age)))
    }

    /// What token `n` of the next frame may copy, levels: what was last seen at its own place, if `motion` leads to it; of a token that never
    /// scrolls what it was two frames before that one.
    pub fn offer(&self, n: usize, motion: [i32; 2]) -> Option<&[u8]> {
        let (_, enters) = self.tokens[n];
        if enters {
            return self.recall(n, OWN, motion).map(|(levels, _)| levels);
        }
        Some(&self.latest[1][n * self.code_dims..][..self.code_dims]).filter(|levels| levels[0] != UNKNOWN)
    }

    /// Takes in a frame: the view goes by `motion` if it `moved`, and its tokens are what is now at their places.
    pub fn remember(&mut self, codes: &[u8], motion: [i32; 2], moved: bool) {
        if moved {
            self.view = [self.view[0] + motion[0], self.view[1] + motion[1]];
        }
        self.frames += 1;
        self.latest.swap(0, 1);
        self.latest[0].copy_from_slice(codes);
        for (n, levels) in codes.chunks_exact(self.code_dims).enumerate() {
            let (token, enters) = self.tokens[n];
            if let Some(token) = token.filter(|_| enters && levels[0] != UNKNOWN) {
                self.put([self.view[0] + token[0], self.view[1] + token[1]], self.frames, levels);
            }
        }
    }

    /// Where the view is, in steps from where it began.
    pub fn view(&self) -> [i32; 2] {
        self.view
    }

    /// Frames remembered.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Of every token that never scrolls what it may copy, nothing of the others.
    pub fn poses(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let tokens = self.tokens.iter().zip(self.latest[1].chunks_exact(self.code_dims));
        tokens.map(|((_, enters), levels)| (!enters).then_some(levels))
    }

    /// Every place of the torus row by row: where it is, the frame that last showed it (from 1; 0 where none did), and its levels.
    pub fn places(&self) -> impl Iterator<Item = ([i32; 2], u32, &[u8])> {
        let places = self.places.iter().zip(self.codes.chunks_exact(self.code_dims));
        places.map(|(place, levels)| (place.at, place.frame, levels))
    }
}

/// Where on the torus a place is.
pub fn index(at: [i32; 2]) -> usize {
    (at[1].rem_euclid(SIDE) * SIDE + at[0].rem_euclid(SIDE)) as usize
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

    fn codes(first: u8) -> Vec<u8> {
        (0..FRAME.code_bytes()).map(|i| (first as usize + i) as u8 % 5).collect()
    }

    #[test]
    fn what_was_seen_is_found_where_it_is() {
        let mut map = Map::new(&FRAME, &recall());
        assert_eq!(map.recall(0, OWN, [0, 0]), None);
        let first = codes(0);
        map.remember(&first, [0, 0], false);
        assert_eq!(map.recall(0, OWN, [0, 0]), Some((&first[0..2], 1)));
        // Two steps east are one token: token 3 is where token 4 was.
        map.remember(&codes(1), [1, 0], true);
        assert_eq!(map.recall(3, OWN, [1, 0]), Some((&first[8..10], 1)));
        assert_eq!(map.recall(5, OWN, [1, 0]), None, "land not seen yet");
        // A step back west from there by the tap to the left.
        assert_eq!(map.recall(3, OWN - 1, [1, 0]), Some((&codes(1)[6..8], 1)));
        // A step that was blocked leaves the view where it is, and the newer token takes the place.
        map.remember(&codes(2), [1, 0], false);
        assert_eq!(map.view(), [1, 0]);
        assert_eq!(map.recall(0, OWN, [0, 0]), Some((&codes(2)[0..2], 1)));
        map.clear();
        assert_eq!(map.recall(0, OWN, [0, 0]), None);
    }

    #[test]
    fn covered_and_unknown_tokens_do_not_enter() {
        let mut map = Map::new(&FRAME, &recall());
        let mut frame = codes(0);
        frame[8..10].fill(UNKNOWN);
        map.remember(&frame, [0, 0], false);
        assert_eq!(map.recall(1, OWN, [0, 0]), None, "the figure's place");
        assert_eq!(map.recall(4, OWN, [0, 0]), None, "not given");
        assert!(map.recall(5, OWN, [0, 0]).is_some());
    }

    #[test]
    fn what_scrolls_is_offered_by_its_place_and_a_pose_by_what_it_was_two_frames_ago() {
        let mut map = Map::new(&FRAME, &recall());
        let poses = [codes(0), codes(1), codes(2)];
        assert_eq!((map.offer(1, [0, 0]), map.offer(3, [0, 0])), (None, None));
        map.remember(&poses[0], [0, 0], false);
        assert_eq!((map.offer(1, [0, 0]), map.offer(3, [0, 0])), (None, Some(&poses[0][6..8])));
        map.remember(&poses[1], [1, 0], true);
        // The figure as it was two frames before the next; the land one step on.
        assert_eq!((map.offer(1, [0, 0]), map.offer(3, [1, 0])), (Some(&poses[0][2..4]), Some(&poses[0][8..10])));
        map.remember(&poses[2], [1, 0], false);
        assert_eq!(map.offer(1, [1, 0]), Some(&poses[1][2..4]), "wherever it goes");
        map.clear();
        assert_eq!(map.offer(1, [0, 0]), None);
        let mut unknown = codes(0);
        unknown[2..4].fill(UNKNOWN);
        map.remember(&unknown, [0, 0], false);
        map.remember(&codes(0), [0, 0], false);
        assert_eq!(map.offer(1, [0, 0]), None, "not given");
    }

    #[test]
    fn what_was_imagined_holds_until_it_is_seen() {
        let mut map = Map::new(&FRAME, &recall());
        map.remember(&codes(0), [0, 0], false);
        assert_eq!((map.at([6, 0]), map.holds(2, [2, 0])), (None, false));
        map.imagine([6, 0], Some(&[4, 4]));
        assert_eq!((map.offer(2, [2, 0]), map.at([6, 0])), (Some(&[4, 4][..]), Some((IMAGINED, &[4, 4][..]))));
        assert!(map.holds(2, [2, 0]) && !map.holds(2, [0, 0]) && !map.holds(1, [2, 0]), "the figure's place holds nothing");
        assert_eq!(map.recall(2, OWN, [2, 0]).map(|(_, age)| age), Some(1));
        let mut seen = map.clone();
        seen.remember(&codes(1), [2, 0], true);
        assert_eq!((seen.at([6, 0]), seen.holds(2, [0, 0])), (Some((2, &codes(1)[4..6])), false));
        map.imagine([6, 0], None);
        assert_eq!((map.at([6, 0]), map.holds(2, [2, 0])), (None, false));
    }

    #[test]
    fn the_look_has_no_place_and_is_offered_as_a_pose_is() {
        let frame = FrameDims { look: true, ..FRAME };
        let mut map = Map::new(&frame, &recall());
        // Looks are like no patch.
        let looks = [[0, 0], [1, 1], [2, 2]];
        for (look, first) in looks.iter().zip(0..) {
            map.remember(&[&codes(first)[..], look].concat(), [0, 0], false);
        }
        let found = |n: usize, x, y| (0..TAPS).filter_map(|tap| map.recall(n, tap, [x, y])).map(|(levels, _)| levels).collect::<Vec<_>>();
        assert!(!found(0, 0, 0).is_empty() && found(6, 0, 0).is_empty());
        for (x, y) in (-8..8).flat_map(|y| (-8..8).map(move |x| (x, y))) {
            assert!(found(0, x, y).iter().all(|levels| levels[0] != levels[1]), "a patch finds a look");
        }
        assert_eq!(map.offer(6, [1, 0]), Some(&looks[1][..]));
        assert_eq!(map.poses().map(|pose| pose.is_some()).collect::<Vec<_>>(), [false, true, false, false, false, false, true]);
    }

    #[test]
    fn ages_grow_and_a_side_away_is_another_place() {
        let mut map = Map::new(&FRAME, &recall());
        map.remember(&codes(0), [0, 0], false);
        let mut seen = Vec::new();
        // Far to the south, where nothing of the first frame is written again.
        for _ in 0..200 {
            let back = [0, -map.view()[1]];
            seen.push(map.recall(0, OWN, back).map(|(_, age)| age));
            map.remember(&codes(1), [0, 8], map.view()[1] < 100);
        }
        assert_eq!([seen[0], seen[2], seen[8], seen[32], seen[128]], [1, 2, 3, 4, 5].map(Some));
        assert_eq!(map.recall(0, OWN, [SIDE, -map.view()[1]]), None);
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
