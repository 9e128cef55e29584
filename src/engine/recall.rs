//! What the dream remembers of the land: a map of the tokens last seen at every place. A token of the next frame looks up what was seen where
//! it will be, however long ago that was, at the same cost.

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

/// Stands in place of the frame that last showed a place where no frame did yet, but it is known what the first one will show.
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
            let place = frame.cell(n).map(|cell| cell as i32 * steps);
            ((n < frame.patches()).then_some(place), recall.scrolls(n, frame))
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

    /// A map that remembers so many `frames`, the last of which had its upper left corner at `view`. `places`: where each is, the number of the frame
    /// that last showed it (from 1), and its levels. Of tokens that never scroll such a map knows nothing.
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

    /// Puts a token of these `levels` at the place `at`: the first frame that shows the place will show this token there. `None` removes what is
    /// known of the place.
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

    /// Whether token `n` of the next frame, if the view goes by `motion`, shows a place that was imagined and not seen since. Then the token must be
    /// one of those it may copy: the imagined one, or that of the frame before.
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

    /// What the next frame may know of the place that token `n` looks at by `tap`, if `motion` leads to it: levels, and class of age. `None` for
    /// the look, which lies at no place.
    pub fn recall(&self, n: usize, tap: usize, motion: [i32; 2]) -> Option<(&[u8], usize)> {
        let token = self.tokens[n].0?;
        let near = [(tap % 3) as i32 - 1, (tap / 3) as i32 - 1];
        let (frame, levels) = self.at([0, 1].map(|i| self.view[i] + motion[i] + token[i] + near[i]))?;
        // What was imagined is as fresh as can be.
        let age = if frame == IMAGINED { 1 } else { self.frames + 1 - frame };
        Some((levels, age_class(age)))
    }

    /// Levels that token `n` of the next frame may copy: what was last seen at its own place, if `motion` leads to it. A token that never scrolls may
    /// copy what it was two frames before that one.
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

    /// What every token that never scrolls may copy; `None` for each of the others.
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
}
