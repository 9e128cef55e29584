//! Land beyond the frame. Who looks from within sees further than a frame reaches: what was never seen there is dreamed ahead of the walk, and the dream
//! finds it again once it gets there.

use std::collections::BTreeMap;
use std::time::Instant;

use super::{DreamSession, take_in, whole_steps};
use crate::dream::drive::Intent;
use crate::dream::source::DreamError;
use crate::engine::recall::{Map, SIDE};
use crate::engine::{DecodeSettings, Engine, EngineError, TokenFrame, UNKNOWN};
use crate::pack::manifest::{FrameDims, RecallDims};

/// How many half frames ahead land is dreamed.
const HALVES: i32 = 2;
/// Lanes that are walked, by how many half frames they lie to the right of straight ahead, the most important first.
const LANES: [i32; 3] = [0, -1, 1];
/// Steps that are dreamed at once, at most.
const AT_ONCE: usize = 3;

/// Imagined land this many steps from the view is let go: the map is a torus, on which it would come to lie over what is near.
const FAR: i32 = SIDE / 4;

/// Makes an engine.
pub type Maker = Box<dyn FnMut() -> Result<Box<dyn Engine>, EngineError> + Send>;

/// What dreams ahead, and what it dreamed.
#[derive(Default)]
pub(super) struct Ahead {
    maker: Option<Maker>,
    lanes: [Lane; LANES.len()],
    pub(super) imagined: Imagined,
}

/// Land that was imagined, and not seen since.
#[derive(Default)]
pub(super) struct Imagined {
    /// By their places on the map: how many frames there were when they were imagined, and levels.
    pub(super) places: BTreeMap<[i32; 2], (u32, Vec<u8>)>,
    /// Number of the first frame, from 1, since which no other land was asked for.
    pub(super) since: u32,
}

impl Imagined {
    /// What was seen since is the land's, and what is far is let go.
    fn forget_seen(&mut self, map: Option<&Map>) {
        let Some(map) = map else { return };
        let view = map.view();
        let is_near = |at: &[i32; 2]| [0, 1].iter().all(|i| (at[*i] - view[*i]).abs() < FAR);
        self.places.retain(|at, (frames, _)| is_near(at) && unseen_since(map, *at, *frames));
    }

    /// What is known of a place: what was imagined there and not seen since, or else what `map` has seen there since the present land was asked for.
    pub(super) fn known<'a>(&'a self, map: &'a Map, at: [i32; 2]) -> Option<&'a [u8]> {
        let imagined = self.places.get(&at).filter(|(frames, _)| unseen_since(map, at, *frames)).map(|(_, levels)| levels.as_slice());
        imagined.or_else(|| map.at(at).filter(|(seen, _)| *seen >= self.since).map(|(_, levels)| levels))
    }
}

/// Whether no frame after so many showed a place.
fn unseen_since(map: &Map, at: [i32; 2], frames: u32) -> bool {
    map.at(at).is_none_or(|(seen, _)| seen <= frames)
}

/// One that walks ahead.
#[derive(Default)]
struct Lane {
    engine: Option<Box<dyn Engine>>,
    /// Where on the map its view is and which way one looks, if what it dreams still leads on from the present moment.
    under_way: Option<([i32; 2], Intent)>,
}

impl Ahead {
    /// Something else is said: the lanes begin anew, since what they were dreaming will not come.
    pub(super) fn stop(&mut self) {
        self.lanes.iter_mut().for_each(|lane| lane.under_way = None);
    }

    /// What is imagined, and one of those that dream ahead, if any does.
    pub(super) fn split(&mut self) -> (&Imagined, Option<&mut Box<dyn Engine>>) {
        (&self.imagined, self.lanes[0].engine.as_mut())
    }

    /// Another moment plays, which knows nothing of what was imagined.
    pub(super) fn forget(&mut self) {
        self.stop();
        self.imagined = Imagined::default();
    }
}

impl DreamSession {
    /// Lets land be dreamed ahead by engines of their own, of the same pack; the one that plays goes on undisturbed.
    pub fn dream_ahead_by(&mut self, maker: Maker) {
        self.ahead.maker = Some(maker);
    }

    /// Dreams up to `AT_ONCE` steps of land ahead in the direction `quarters`, in quarter turns clockwise from north, continuing where the last call stopped.
    /// Only the first step may begin after `until`. Blocks until the newest frame is there. Returns whether to call again: never in a world without a map, and
    /// no more once the next two half frames are known.
    ///
    /// # Errors
    /// What the engine says.
    pub fn imagine(&mut self, quarters: i32, settings: &DecodeSettings, until: Option<Instant>) -> Result<bool, DreamError> {
        self.settle()?;
        self.ahead.imagined.forget_seen(self.land_seen.as_ref());
        let recall = whole_steps(self.engine.manifest()).cloned();
        let newest = self.history.back().map(|frame| frame.codes.clone());
        let (Some(recall), Some(newest)) = (recall, newest) else { return Ok(false) };
        let Some(map) = self.land_seen.take() else { return Ok(false) };
        let here = Here { map, recall, newest, until };
        let more = self.walk_lanes(Intent::North.turned(quarters), &here, settings);
        self.land_seen = Some(here.map);
        more
    }

    /// Walks on in all lanes, straight on and beside that, whatever stands in the way; whether to call again.
    fn walk_lanes(&mut self, towards: Intent, here: &Here, settings: &DecodeSettings) -> Result<bool, DreamError> {
        let (mut steps, mut more) = (AT_ONCE, false);
        for lane in 0..LANES.len() {
            let goes_on = steps == AT_ONCE || (steps > 0 && here.has_time());
            more |= goes_on && self.walk_ahead(lane, towards, here, &mut steps, settings)?;
        }
        Ok(more)
    }

    /// Walks on in a lane, at most `steps` steps, from which it takes off those it made; whether to call again.
    fn walk_ahead(
        &mut self,
        lane: usize,
        towards: Intent,
        here: &Here,
        steps: &mut usize,
        settings: &DecodeSettings,
    ) -> Result<bool, DreamError> {
        let path = self.path(here.map.view(), LANES[lane], towards);
        let Some(last) = path.iter().rposition(|(at, _)| self.known_of(*at, here).contains(&UNKNOWN)) else { return Ok(false) };
        let under_way = self.ahead.lanes[lane].under_way.take().filter(|(_, looks)| *looks == towards);
        let first = match under_way.and_then(|(at, _)| path[..last].iter().position(|(place, _)| *place == at)) {
            Some(there) => there + 1,
            None if self.begin_ahead(lane)? => 0,
            None => return Ok(false),
        };
        let mut more = false;
        for &(at, way) in path[first..=last].iter().take(*steps) {
            let (given, code) = (self.known_of(at, here), self.info.code_of(way.into()));
            let Some(engine) = &mut self.ahead.lanes[lane].engine else { return Ok(false) };
            engine.dream_around(&given, code, settings)?;
            engine.finish()?;
            let (mut dreamed, mut moved) = (given.clone(), false);
            while let Some(arrival) = engine.take_codes(&mut dreamed) {
                moved = arrival.moved;
            }
            more |= self.keep(&given, &dreamed, at, here);
            *steps -= 1;
            // Where its odometer did not see it move, it is lost.
            if !moved {
                return Ok(more);
            }
            self.ahead.lanes[lane].under_way = Some((at, towards));
            if !here.has_time() {
                break;
            }
        }
        Ok(true)
    }

    /// The way of a lane that lies `right` half frames to the right, beginning at the frame whose corner is at `view`: where each step leads that corner, and
    /// which way the step goes.
    fn path(&self, view: [i32; 2], right: i32, towards: Intent) -> Vec<([i32; 2], Intent)> {
        let frame = &self.engine.manifest().frame;
        let half = |way: Intent| if way.way()[0] == 0 { frame.grid_h() } else { frame.grid_w() } as i32 / 2;
        let aside = towards.turned(right);
        let steps = std::iter::repeat_n(aside, (right.abs() * half(aside)) as usize);
        let steps = steps.chain(std::iter::repeat_n(towards, (HALVES * half(towards)) as usize));
        let walk = |at: &mut [i32; 2], way: Intent| {
            *at = [0, 1].map(|i| at[i] + way.way()[i]);
            Some((*at, way))
        };
        steps.scan(view, walk).collect()
    }

    /// Puts what walks in a lane where the dream is; whether there is anything that could.
    fn begin_ahead(&mut self, lane: usize) -> Result<bool, DreamError> {
        let ahead = &mut self.ahead;
        let walker = &mut ahead.lanes[lane];
        if walker.engine.is_none() {
            let Some(maker) = &mut ahead.maker else { return Ok(false) };
            walker.engine = Some(maker()?);
        }
        // The frames in its sight are enough.
        let older = self.history.len().saturating_sub(self.info.window);
        let (Some(engine), Some(mut before)) = (&mut self.ahead.lanes[lane].engine, self.before.clone()) else { return Ok(false) };
        self.history.iter().take(older).for_each(|frame| take_in(&mut before, frame, engine.manifest()));
        let recent: Vec<TokenFrame> = self.history.iter().skip(older).cloned().collect();
        engine.set_prompt(self.prompt.words())?;
        engine.set_settings(&self.engine.settings())?;
        engine.restore_after(Some(&before), &recent, self.next_frame)?;
        self.ahead.imagined.places.iter().for_each(|(at, (_, token))| engine.imagine(*at, Some(token)));
        Ok(true)
    }

    /// Keeps what was imagined: of a frame whose upper left corner lies at the place `at`, those tokens of the land that were `dreamed` because they
    /// were [`UNKNOWN`] in what was `given`. Returns whether there were any.
    fn keep(&mut self, given: &[u8], dreamed: &[u8], at: [i32; 2], here: &Here) -> bool {
        let frame = self.engine.manifest().frame;
        let tokens = given.chunks_exact(frame.code_dims).zip(dreamed.chunks_exact(frame.code_dims)).enumerate();
        let mut any = false;
        for (n, (_, token)) in tokens.filter(|(n, (given, _))| given[0] == UNKNOWN && here.recall.scrolls(*n, &frame)) {
            let place = place_of(n, at, &frame);
            self.engine.imagine(place, Some(token));
            self.ahead.imagined.places.insert(place, (here.map.frames(), token.to_vec()));
            any = true;
        }
        any
    }

    /// Another land is asked for: what was imagined of the one before is not to come, and what was seen of it is out of sight.
    pub(super) fn forget_what_is_ahead(&mut self) {
        self.ahead.imagined.forget_seen(self.land_seen.as_ref());
        for at in std::mem::take(&mut self.ahead.imagined.places).into_keys() {
            self.engine.imagine(at, None);
        }
        let seen = self.land_seen.as_ref().map_or(0, Map::frames);
        self.ahead.imagined.since = seen + self.in_flight.len() as u32 + 1;
    }

    /// Of what was imagined and not seen since, an engine that comes in the place of another is told.
    pub(super) fn tell_what_is_ahead(&mut self, engine: &mut dyn Engine) {
        self.ahead.imagined.forget_seen(self.land_seen.as_ref());
        self.ahead.imagined.places.iter().for_each(|(at, (_, token))| engine.imagine(*at, Some(token)));
    }

    /// All that is known of the land: what was seen, and what was imagined where nothing was seen since.
    pub fn land(&self) -> Option<Map> {
        let mut map = self.land_seen.clone()?;
        for (at, (frames, token)) in &self.ahead.imagined.places {
            if unseen_since(&map, *at, *frames) {
                map.imagine(*at, Some(token));
            }
        }
        Some(map)
    }

    /// What is known by now of a frame whose corner lies at a place of the map, `(tokens, code_dims)`, seen or imagined: the figure stands in it as in the
    /// newest, under the same look.
    fn known_of(&self, at: [i32; 2], here: &Here) -> Vec<u8> {
        let frame = &self.engine.manifest().frame;
        let mut codes = here.newest.clone();
        for (n, token) in codes.chunks_exact_mut(frame.code_dims).enumerate().filter(|(n, _)| here.recall.scrolls(*n, frame)) {
            match self.ahead.imagined.known(&here.map, place_of(n, at, frame)) {
                Some(levels) => token.copy_from_slice(levels),
                None => token.fill(UNKNOWN),
            }
        }
        codes
    }
}

/// Where the dream is, for all that walk ahead of it.
struct Here {
    /// What was seen of the land.
    map: Map,
    recall: RecallDims,
    /// `(tokens, code_dims)` of the newest frame.
    newest: Vec<u8>,
    until: Option<Instant>,
}

impl Here {
    fn has_time(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

/// Place on the map of patch `n` of a frame whose corner lies at `at`.
fn place_of(n: usize, at: [i32; 2], frame: &FrameDims) -> [i32; 2] {
    let cell = frame.cell(n);
    [0, 1].map(|i| at[i] + cell[i] as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::Source;
    use crate::dream::session::tests::shown;
    use crate::engine::inputs::play_settings;
    use crate::engine::recall::IMAGINED;
    use crate::engine::reference::ReferenceEngine;
    use crate::pack::Pack;
    use crate::pack::random::{odd_manifest, random_pack};
    use crate::prompt::WordTable;

    /// An action that leads nowhere.
    const STAND: u8 = 3;

    /// Five by three patches of which each is a step, and actions that lead north, east and south.
    fn pack() -> Pack {
        let mut manifest = odd_manifest();
        (manifest.frame.patch_px, manifest.frame.width_px, manifest.frame.height_px) = (8, 40, 24);
        manifest.dynamics.as_mut().unwrap().recall = Some(RecallDims { step_px: 8, covered: vec![7] });
        manifest.lam = None;
        for (action, (way, motion)) in manifest.actions.iter_mut().zip([("north", [0, -1]), ("east", [1, 0]), ("south", [0, 1])]) {
            (action.bound_to, action.motion) = (vec![way.to_owned()], motion);
        }
        random_pack(manifest, 5).unwrap()
    }

    fn with_maker(pack: &Pack) -> DreamSession {
        let (mut session, pack) = (shown(pack, 1), pack.clone());
        session.dream_ahead_by(Box::new(move || Ok(Box::new(ReferenceEngine::new(&pack)?))));
        session
    }

    /// Places of the land that are known, to the right of the frame.
    fn known(session: &DreamSession) -> Vec<[i32; 2]> {
        let land = session.land().unwrap();
        let places = (5..12).flat_map(|x| (-3..6).map(move |y| [x, y]));
        places.filter(|at| land.at(*at).is_some()).collect()
    }

    #[test]
    fn imagined_land_that_is_far_is_let_go() {
        let pack = pack();
        let map = shown(&pack, 1).land_seen.unwrap();
        let frames = map.frames();
        let near = [[FAR - 1, 0], [0, 1 - FAR], [9, 9]];
        let far = [[FAR, 0], [3, -FAR], [SIDE, SIDE]];
        let mut imagined = Imagined::default();
        let token = vec![0; pack.manifest.frame.code_dims];
        imagined.places.extend(near.iter().chain(&far).map(|at| (*at, (frames, token.clone()))));
        imagined.forget_seen(Some(&map));
        assert_eq!(map.view(), [0, 0]);
        assert_eq!(imagined.places.into_keys().collect::<std::collections::BTreeSet<_>>(), near.into());
    }

    #[test]
    fn land_is_dreamed_step_by_step_and_only_where_one_looks() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = with_maker(&pack);
        assert_eq!(known(&session), [[0; 2]; 0]);
        let before = session.history().back().unwrap().clone();
        assert!(session.imagine(1, &settings, None).unwrap());
        assert!((3..=15).contains(&known(&session).len()), "a step or three");
        while session.imagine(1, &settings, None).unwrap() {}
        let two_half_frames: Vec<[i32; 2]> = (5..9).flat_map(|x| (-1..4).map(move |y| [x, y])).collect();
        assert_eq!(known(&session), two_half_frames, "and half a frame beside them");
        assert_eq!(session.history().back().unwrap(), &before, "the dream itself stands still");
        assert!(session.imagine(0, &settings, None).unwrap(), "another way");
        // What is seen of it now is the land's, and further on there is more.
        while !session.history().back().unwrap().moved {
            session.step(1, &settings).unwrap();
        }
        while session.imagine(1, &settings, None).unwrap() {}
        assert!(!session.ahead.imagined.places.contains_key(&[5, 0]) && session.ahead.imagined.places.contains_key(&[9, 1]));
        // Another moment, or a lost engine: the one knows nothing of it, the other is told.
        let here = session.ahead.imagined.places.len();
        session.replace_engine(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        assert_eq!(session.ahead.imagined.places.len(), here);
        session.reset(&settings).unwrap();
        assert_eq!(known(&session), [[0; 2]; 0]);
    }

    #[test]
    fn another_land_is_another_land_ahead_and_another_light_is_not() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = with_maker(&pack);
        let row = |word: &str| WordTable::get().find(word).unwrap();
        session.imagine(1, &settings, None).unwrap();
        let before = known(&session);
        session.set_prompt(&[row("night")], 0).unwrap();
        assert!(!before.is_empty() && known(&session) == before && session.ahead.imagined.since == 0);
        session.set_prompt(&[row("desert"), row("night")], 0).unwrap();
        assert_eq!(known(&session), [[0; 2]; 0]);
        let since = session.ahead.imagined.since;
        assert_eq!(since as usize, session.history().len() + 1, "from the next frame on");
        session.set_prompt(&[row("desert")], 0).unwrap();
        assert_eq!(session.ahead.imagined.since, since);
        session.step(STAND, &settings).unwrap();
        while session.imagine(1, &settings, None).unwrap() {}
        assert_eq!(known(&session).len(), 20);
        // Land of before that lies out of sight is dreamed anew.
        while !session.history().back().unwrap().moved {
            session.step(1, &settings).unwrap();
        }
        session.set_prompt(&[row("forest")], 0).unwrap();
        session.step(STAND, &settings).unwrap();
        let behind = |session: &DreamSession| session.land().unwrap().at([0, 0]).unwrap().0;
        assert!(behind(&session) < session.ahead.imagined.since);
        let calls = (0..20).take_while(|_| session.imagine(3, &settings, None).unwrap()).count();
        assert!((1..20).contains(&calls), "it comes to an end: {calls}");
        assert_eq!(behind(&session), IMAGINED);
    }

    #[test]
    fn what_was_seen_since_is_no_guess_and_other_land_stays_out_of_sight_where_something_is_painted() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = with_maker(&pack);
        while session.imagine(1, &settings, None).unwrap() {}
        assert!(session.ahead.imagined.places.contains_key(&[5, 0]));
        // Over it, by one who does not look from within; then another engine is told of what is still to come.
        while !session.history().back().unwrap().moved {
            session.step(1, &settings).unwrap();
        }
        session.replace_engine(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        assert!(!session.ahead.imagined.places.contains_key(&[5, 0]) && session.ahead.imagined.places.contains_key(&[6, 0]));
        let row = |word: &str| WordTable::get().find(word).unwrap();
        session.set_prompt(&[row("desert")], 0).unwrap();
        session.step(STAND, &settings).unwrap();
        let since = session.ahead.imagined.since;
        let mut painted = vec![false; pack.manifest.frame.tokens()];
        painted[0] = true;
        session.repaint(&painted, &[], &settings).unwrap();
        assert_eq!((since > 0, session.ahead.imagined.since), (true, since));
        // There and back.
        session.mark().unwrap();
        session.set_prompt(&[row("forest")], 0).unwrap();
        assert!(session.ahead.imagined.since >= since);
        session.step(STAND, &settings).unwrap();
        session.undo().unwrap();
        assert_eq!(session.ahead.imagined.since, since);
        // A new beginning knows of no other land.
        session.reset(&settings).unwrap();
        assert_eq!(session.ahead.imagined.since, 0);
    }

    #[test]
    fn who_has_no_time_dreams_one_step() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let known_after = |until: Option<Instant>| {
            let mut session = with_maker(&pack);
            session.imagine(1, &settings, until).unwrap();
            known(&session).len()
        };
        let (in_a_hurry, at_leisure) = (known_after(Some(Instant::now())), known_after(None));
        assert!(in_a_hurry > 0 && in_a_hurry < at_leisure, "{in_a_hurry} and {at_leisure} places");
    }

    #[test]
    fn without_an_engine_or_whole_steps_nothing_is_dreamed_ahead() {
        let mut pack = pack();
        let settings = play_settings(&pack.manifest);
        assert!(!shown(&pack, 1).imagine(1, &settings, None).unwrap());
        pack.manifest.dynamics.as_mut().unwrap().recall.as_mut().unwrap().step_px = 4;
        assert!(!with_maker(&pack).imagine(1, &settings, None).unwrap());
    }
}
