//! Land beyond the frame. Who looks from within sees further than a frame reaches: what was never seen there is dreamed ahead of the walk, and the dream
//! finds it again once it gets there.

use std::collections::BTreeMap;

use super::DreamSession;
use crate::dream::drive::Intent;
use crate::dream::source::DreamError;
use crate::engine::recall::{IMAGINED, Map, motion_of};
use crate::engine::{DecodeSettings, Engine, EngineError, UNKNOWN};
use crate::pack::manifest::RecallDims;

/// So many half frames ahead is land dreamed.
const HALVES: i32 = 2;

/// Makes an engine.
pub type Maker = Box<dyn FnMut() -> Result<Box<dyn Engine>, EngineError> + Send>;

/// What dreams ahead, and what it dreamed.
#[derive(Default)]
pub(super) struct Ahead {
    maker: Option<Maker>,
    engine: Option<Box<dyn Engine>>,
    /// By their places on the map: how many frames there were when they were imagined, and levels.
    pub(super) places: BTreeMap<[i32; 2], (u32, Vec<u8>)>,
    /// Number of the first frame, from 1, since which no other land was asked for.
    pub(super) since: u32,
}

impl Ahead {
    /// Another moment knows nothing of it.
    pub(super) fn forget(&mut self) {
        self.places.clear();
        self.since = 0;
    }
}

impl DreamSession {
    /// Lets land be dreamed ahead by an engine of its own, of the same pack; the one that plays goes on undisturbed.
    pub fn dream_ahead_by(&mut self, maker: Maker) {
        self.ahead.maker = Some(maker);
    }

    /// Dreams land ahead of one who looks so many quarter turns clockwise from north, where none is known: half a frame of it, the nearest first; whether
    /// there was any. Nothing in a world without a map.
    ///
    /// # Errors
    /// What the engine says.
    pub fn imagine(&mut self, quarters: i32, settings: &DecodeSettings) -> Result<bool, DreamError> {
        self.collect();
        let (Some(map), Some(recall), Some(newest)) = (self.land(), self.whole_steps(), self.history.back()) else { return Ok(false) };
        let Some(given) = (1..=HALVES).find_map(|halves| self.gap(&map, &recall, &newest.codes, quarters, halves)) else {
            return Ok(false);
        };
        let Gap { at, codes } = given;
        if self.ahead.engine.is_none() {
            let Some(maker) = &mut self.ahead.maker else { return Ok(false) };
            self.ahead.engine = Some(maker()?);
        }
        let (Some(engine), stay) = (&mut self.ahead.engine, self.info.code_of(Intent::Stay.into())) else { return Ok(false) };
        // Other chances everywhere.
        let chance = at.iter().fold(0_u32, |chance, along| chance.wrapping_mul(0x9E37_79B1).wrapping_add(along.cast_unsigned()));
        engine.set_prompt(self.prompt.words())?;
        engine.restore(&[], chance)?;
        engine.dream_around(&codes, stay, &DecodeSettings { steps: 8, certain: None, ..*settings })?;
        engine.finish()?;
        let mut dreamed = vec![0; codes.len()];
        while engine.take_codes(&mut dreamed).is_some() {}

        let frame = &self.engine.manifest().frame;
        let tokens = codes.chunks_exact(frame.code_dims).zip(dreamed.chunks_exact(frame.code_dims)).enumerate();
        let new = tokens.filter(|(n, (given, _))| given[0] == UNKNOWN && recall.scrolls(*n, frame));
        let (columns, frames) = (frame.grid_w(), map.frames());
        let places: Vec<([i32; 2], Vec<u8>)> =
            new.map(|(n, (_, token))| ([at[0] + (n % columns) as i32, at[1] + (n / columns) as i32], token.to_vec())).collect();
        places.iter().for_each(|(at, token)| self.engine.imagine(*at, Some(token)));
        self.ahead.places.retain(|at, _| map.at(*at).is_none_or(|(seen, _)| seen == IMAGINED));
        self.ahead.places.extend(places.into_iter().map(|(at, token)| (at, (frames, token))));
        Ok(true)
    }

    /// Another land is asked for: what was imagined of the one before is not to come, and what was seen of it is out of sight.
    pub(super) fn forget_what_is_ahead(&mut self) {
        for at in std::mem::take(&mut self.ahead.places).into_keys() {
            self.engine.imagine(at, None);
        }
        let before = self.before.as_ref().map_or(0, Map::frames);
        self.ahead.since = before + (self.history.len() + self.in_flight.len()) as u32 + 1;
    }

    /// All that is known of the land: what was seen, and what was imagined where nothing was seen since.
    pub(super) fn land(&self) -> Option<Map> {
        let m = self.engine.manifest();
        let mut map = self.before.clone()?;
        for frame in &self.history {
            map.remember(&frame.codes, motion_of(m, frame.action), frame.moved);
        }
        for (at, (frames, token)) in &self.ahead.places {
            if map.at(*at).is_none_or(|(seen, _)| seen <= *frames) {
                map.imagine(*at, Some(token));
            }
        }
        Some(map)
    }

    /// How the view goes, where it goes by whole patches.
    fn whole_steps(&self) -> Option<RecallDims> {
        let m = self.engine.manifest();
        m.dynamics.as_ref()?.recall.clone().filter(|recall| recall.step_px == m.frame.patch_px)
    }

    /// A frame that lies so many half frames ahead, if a row of it or more is not known.
    fn gap(&self, map: &Map, recall: &RecallDims, newest: &[u8], quarters: i32, halves: i32) -> Option<Gap> {
        let frame = &self.engine.manifest().frame;
        let way = Intent::North.turned(quarters).way();
        let half = [frame.grid_w() as i32 / 2, frame.grid_h() as i32 / 2];
        let at = [0, 1].map(|i| map.view()[i] + way[i] * half[i] * halves);
        // The figure stands in it as it does here, under the same look.
        let mut codes = newest.to_vec();
        let mut unknown = 0;
        for (n, token) in codes.chunks_exact_mut(frame.code_dims).enumerate().filter(|(n, _)| recall.scrolls(*n, frame)) {
            match map.at([at[0] + (n % frame.grid_w()) as i32, at[1] + (n / frame.grid_w()) as i32]) {
                Some((seen, levels)) if seen >= self.ahead.since => token.copy_from_slice(levels),
                _ => {
                    token.fill(UNKNOWN);
                    unknown += 1;
                }
            }
        }
        (unknown >= frame.grid_w().min(frame.grid_h())).then_some(Gap { at, codes })
    }
}

/// A frame with land that is not known.
struct Gap {
    /// Place of its upper left corner.
    at: [i32; 2],
    /// `(tokens, code_dims)` levels.
    codes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::Source;
    use crate::dream::still::Still;
    use crate::engine::inputs::play_settings;
    use crate::engine::reference::ReferenceEngine;
    use crate::pack::Pack;
    use crate::pack::random::{odd_manifest, random_pack};
    use crate::prompt::WordTable;

    /// Five by three patches of which each is a step, and an action that leads east.
    fn pack() -> Pack {
        let mut manifest = odd_manifest();
        (manifest.frame.patch_px, manifest.frame.width_px, manifest.frame.height_px) = (8, 40, 24);
        manifest.dynamics.as_mut().unwrap().recall = Some(RecallDims { step_px: 8, covered: vec![7] });
        manifest.lam = None;
        manifest.actions[1].motion = [1, 0];
        random_pack(manifest, 5).unwrap()
    }

    fn session(pack: &Pack) -> DreamSession {
        let mut session = DreamSession::new(Box::new(ReferenceEngine::new(pack).unwrap())).unwrap();
        let rgb = (0..pack.manifest.frame.rgb_bytes()).map(|i| (i * 7) as u8).collect();
        session.start_from(&[Still { rgb }]).unwrap();
        session
    }

    fn with_maker(pack: &Pack) -> DreamSession {
        let (mut session, pack) = (session(pack), pack.clone());
        session.dream_ahead_by(Box::new(move || Ok(Box::new(ReferenceEngine::new(&pack)?))));
        session
    }

    /// Places of the land that are known, to the right of the frame.
    fn known(session: &DreamSession) -> Vec<[i32; 2]> {
        let land = session.land().unwrap();
        let places = (5..12).flat_map(|x| (0..3).map(move |y| [x, y]));
        places.filter(|at| land.at(*at).is_some()).collect()
    }

    #[test]
    fn land_is_dreamed_half_a_frame_at_a_time_and_only_where_one_looks() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = with_maker(&pack);
        assert_eq!(known(&session), [[0; 2]; 0]);
        let before = session.history().back().unwrap().clone();
        assert!(session.imagine(1, &settings).unwrap());
        assert_eq!(known(&session), [[5, 0], [5, 1], [5, 2], [6, 0], [6, 1], [6, 2]]);
        assert!(session.imagine(1, &settings).unwrap());
        assert_eq!(known(&session).len(), 12);
        assert!(!session.imagine(1, &settings).unwrap(), "there is no more to be seen");
        assert_eq!(session.history().back().unwrap(), &before, "the dream itself stands still");
        assert!(session.imagine(0, &settings).unwrap(), "another way");
        // What is seen of it now is the land's, and further on there is more.
        while !session.history().back().unwrap().moved {
            session.step(1, &settings).unwrap();
        }
        assert!(session.imagine(1, &settings).unwrap());
        assert!(!session.ahead.places.contains_key(&[5, 0]) && session.ahead.places.contains_key(&[9, 1]));
        // Another moment, or a lost engine: the one knows nothing of it, the other is told.
        let here = session.ahead.places.len();
        session.replace_engine(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        assert_eq!(session.ahead.places.len(), here);
        session.reset(&settings).unwrap();
        assert_eq!(known(&session), [[0; 2]; 0]);
    }

    #[test]
    fn another_land_is_another_land_ahead_and_another_light_is_not() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = with_maker(&pack);
        let row = |word: &str| WordTable::get().find(word).unwrap();
        session.imagine(1, &settings).unwrap();
        session.set_prompt(&[row("night")], 0).unwrap();
        assert_eq!((known(&session).len(), session.ahead.since), (6, 0));
        session.set_prompt(&[row("desert"), row("night")], 0).unwrap();
        assert_eq!(known(&session), [[0; 2]; 0]);
        let since = session.ahead.since;
        assert_eq!(since as usize, session.history().len() + 1, "from the next frame on");
        session.set_prompt(&[row("desert")], 0).unwrap();
        assert_eq!(session.ahead.since, since);
        session.step(0, &settings).unwrap();
        assert!(session.imagine(1, &settings).unwrap());
    }

    #[test]
    fn without_an_engine_or_whole_steps_nothing_is_dreamed_ahead() {
        let mut pack = pack();
        let settings = play_settings(&pack.manifest);
        assert!(!session(&pack).imagine(1, &settings).unwrap());
        pack.manifest.dynamics.as_mut().unwrap().recall.as_mut().unwrap().step_px = 4;
        assert!(!with_maker(&pack).imagine(1, &settings).unwrap());
    }
}
