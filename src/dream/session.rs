//! A dream: an engine, what it was shown, and the tokens of what it dreamed.

mod moment;
mod repaint;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use moment::Moment;

use super::chart::{Chart, Newest};
use super::drive::Intent;
use super::source::{ActionInfo, DreamError, Source, SourceInfo, SourceKind, Strides};
use super::still::Still;
use crate::engine::inputs::frames_that_matter;
use crate::engine::recall::{Map, motion_of};
use crate::engine::told::Told;
use crate::engine::{Branches, DecodeSettings, Engine, EngineInfo, EngineKind, Picture, StageTimes, TokenFrame, UNKNOWN};
use crate::pack::manifest::Manifest;
use crate::prompt::{self, Fade};

/// Frames a session remembers one by one, a megabyte, or as many as an engine needs to rebuild its ring; of those before it knows the land.
const MEMORY_FRAMES: usize = 1024;

/// How many frames a session remembers one by one.
pub(super) fn frames_remembered(m: &Manifest) -> usize {
    MEMORY_FRAMES.max(frames_that_matter(m))
}
/// Frames that may be on the device at once: one computed, one shown, one handed over.
const MOST_IN_FLIGHT: usize = 3;
/// After this long without a sign of life the engine is asked to finish, which reports what is wrong.
const DEVICE_PATIENCE: Duration = Duration::from_secs(5);

/// A picture as it was shown to a dream, and as the dream sees it.
#[derive(Debug)]
pub struct Seen {
    /// `width_px * height_px * 3`, fitted to the frame.
    pub original_rgb: Vec<u8>,
    /// `width_px * height_px * 4`: its tokens as a picture again.
    pub decoded_rgba: Vec<u8>,
}

/// An [`Engine`] and the memory that makes it a place one can return to.
pub struct DreamSession {
    engine: Box<dyn Engine>,
    info: SourceInfo,
    /// Tokens of the frames so far, oldest first.
    history: VecDeque<TokenFrame>,
    /// Frames dreamed whose tokens have not reached the host yet, oldest first: number, and all but the codes.
    in_flight: VecDeque<(u32, TokenFrame)>,
    /// What is remembered of the land from before the history.
    before: Option<Map>,
    /// Code buffers are taken from here, so that a long walk allocates nothing.
    spare: Vec<TokenFrame>,
    /// What reset returns to; nothing where the dream came from its prompt.
    start: Vec<TokenFrame>,
    prompt: Fade,
    told: Told,
    /// The next frame is a first one that comes from the prompt alone.
    fresh: bool,
    /// The newest frame was computed with and without its words.
    guided: bool,
    next_frame: u32,
    codes: Vec<u8>,
    /// The picture shown last.
    seen: Option<Arc<Seen>>,
    /// Number of the dream that plays, from 1, and how many have begun: every new beginning is another one, and whoever takes it back is in the one before.
    dream: u32,
    begun: u32,
    /// What was before each change by hand and each new beginning.
    undo: moment::Undos,
    /// Changes by hand so far: each draws other chances.
    repaints: u32,
}

impl DreamSession {
    /// A dream that is nowhere until [`Self::start_from`] shows it a picture or [`Self::start_from_prompt`] lets it begin by itself.
    ///
    /// # Errors
    /// What the engine says, such as a pack without dynamics.
    pub fn new(mut engine: Box<dyn Engine>) -> Result<Self, DreamError> {
        engine.restore(&[], 0)?;
        let info = describe(engine.manifest(), engine.info())?;
        let frame = engine.manifest().frame;
        let codes = vec![0; frame.code_bytes()];
        let recall = engine.manifest().dynamics.as_ref().and_then(|d| d.recall.as_ref());
        Ok(Self {
            before: recall.map(|recall| Map::new(&frame, recall)),
            engine,
            info,
            history: VecDeque::with_capacity(MEMORY_FRAMES),
            in_flight: VecDeque::new(),
            spare: Vec::new(),
            start: Vec::new(),
            prompt: Fade::default(),
            told: Told::default(),
            fresh: false,
            guided: false,
            next_frame: 0,
            codes,
            seen: None,
            dream: 0,
            begun: 0,
            undo: moment::Undos::new(),
            repaints: 0,
        })
    }

    /// Tokens of the frames so far, oldest first, as far as they have reached the host.
    pub fn history(&self) -> &VecDeque<TokenFrame> {
        &self.history
    }

    /// The words it is told, or is on its way to be: rows of the word table as it hears them.
    pub fn words(&self) -> &[u16] {
        self.prompt.target()
    }

    /// Number of the dream that plays: every new beginning of this session is another one.
    pub fn dream(&self) -> u32 {
        self.dream
    }

    /// Whether the newest frame was computed with its words and without: guidance was on, or its words were news.
    pub fn guided(&self) -> bool {
        self.guided
    }

    /// The picture the dream was shown last, and what it sees in it.
    pub fn seen(&self) -> Option<&Arc<Seen>> {
        self.seen.as_ref()
    }

    /// Pictures of the frame size become the past, oldest first, and what reset returns to. Fewer than the window are preceded by copies
    /// of the first, as if one had stood there for a while. Nothing had been said there yet: the words in force are news to the next frame.
    ///
    /// # Errors
    /// [`DreamError::NoFrames`], and what the engine says.
    pub fn start_from(&mut self, frames: &[Still]) -> Result<(), DreamError> {
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return Err(DreamError::NoFrames) };
        let (unknown, stay) = (self.unknown_action(), self.stay_action());
        let codes = self.engine.encode(&first.rgb)?;
        let copies = self.info.window.saturating_sub(frames.len());
        let silent = |codes, action| TokenFrame { codes, action, moved: false, prompt: Vec::new() };
        let mut start: Vec<TokenFrame> = vec![silent(codes, stay); copies + 1];
        for still in &frames[1..] {
            let codes = self.engine.encode(&still.rgb)?;
            start.push(silent(codes, unknown));
        }
        start[0].action = unknown;
        self.begin_another()?;
        self.start = start;
        self.restart(None)?;
        self.seen = Some(Arc::new(Seen { original_rgb: last.rgb.clone(), decoded_rgba: self.engine.read_picture()? }));
        Ok(())
    }

    /// Lets the first frame come from the prompt alone, and reset return to such a beginning.
    ///
    /// # Errors
    /// What the engine says.
    pub fn start_from_prompt(&mut self, settings: &DecodeSettings) -> Result<(), DreamError> {
        self.begin_another()?;
        self.start.clear();
        self.seen = None;
        self.restart(Some(settings))
    }

    /// Puts a fresh engine (same pack) in place of a lost one and goes on from the tokens remembered.
    ///
    /// # Errors
    /// What the engine says.
    pub fn replace_engine(&mut self, mut engine: Box<dyn Engine>) -> Result<(), DreamError> {
        // What was in flight on the lost device never happened, as far as the dream is concerned.
        self.next_frame = self.in_flight.front().map_or(self.next_frame, |(number, _)| *number);
        self.in_flight.clear();
        engine.set_prompt(self.prompt.words())?;
        engine.restore_after(self.before.as_ref(), self.history.make_contiguous(), self.next_frame)?;
        self.told = Told::after(&self.history);
        self.info = describe(engine.manifest(), engine.info())?;
        self.engine = engine;
        Ok(())
    }

    /// A picture of all the land that is remembered (blocking).
    ///
    /// # Errors
    /// [`DreamError::NoMap`] of a world that has none, [`DreamError::NothingDreamed`], and what the engine says.
    pub fn chart(&mut self) -> Result<Chart, DreamError> {
        self.settle()?;
        let m = self.engine.manifest();
        let (recall, frame) = (m.dynamics.as_ref().and_then(|d| d.recall.clone()), m.frame);
        let recall = recall.filter(|recall| recall.step_px == frame.patch_px);
        let (Some(mut map), Some(recall)) = (self.before.clone(), recall) else { return Err(DreamError::NoMap(self.info.title.clone())) };
        for frame in &self.history {
            map.remember(&frame.codes, motion_of(m, frame.action), frame.moved);
        }
        let codes = &self.history.back().ok_or(DreamError::NothingDreamed)?.codes;
        let newest = Newest { codes, rgba: &self.engine.read_picture()? };
        Ok(Chart::of(&map, &frame, &recall, &newest, |codes| self.engine.draw(codes))?)
    }

    /// The last frames, at most `most` of them, oldest first: RGBA and the code that led there (blocking).
    ///
    /// # Errors
    /// [`DreamError::NothingDreamed`], and what the engine says.
    pub fn replay(&mut self, most: usize) -> Result<Vec<(Vec<u8>, u8)>, DreamError> {
        self.settle()?;
        if self.history.is_empty() {
            return Err(DreamError::NothingDreamed);
        }
        let last = self.history.iter().skip(self.history.len().saturating_sub(most));
        // Of what was painted over, the past has lost what was there before.
        let whole = last.filter(|frame| !frame.codes.contains(&UNKNOWN));
        whole.map(|frame| Ok((self.engine.draw(&frame.codes)?, frame.action))).collect()
    }

    /// What each of `codes` would do next, see [`Engine::preview`].
    ///
    /// # Errors
    /// What the engine says.
    pub fn preview(&mut self, codes: &[u8], settings: &DecodeSettings, out: &mut Branches) -> Result<(), DreamError> {
        Ok(self.engine.preview(codes, &self.settings_of_next(settings), out)?)
    }

    /// What the next frame is dreamed by, where `settings` are asked for.
    fn settings_of_next(&self, settings: &DecodeSettings) -> DecodeSettings {
        if self.fresh { settings.fresh() } else { settings.told(self.told.class_of_next(self.prompt.words())) }
    }

    /// The action nobody knows.
    fn unknown_action(&self) -> u8 {
        u8::try_from(self.info.actions.len()).unwrap_or(u8::MAX)
    }

    /// The code bound to standing still, or where none is the unknown action.
    fn stay_action(&self) -> u8 {
        let bound = self.info.actions.iter().position(|a| a.bound_to.contains(&Intent::Stay));
        bound.and_then(|code| u8::try_from(code).ok()).unwrap_or_else(|| self.unknown_action())
    }

    /// Takes in the tokens that have arrived.
    fn collect(&mut self) {
        while let Some(arrival) = self.engine.take_codes(&mut self.codes) {
            while let Some((dreamed, mut frame)) = self.in_flight.pop_front() {
                if dreamed == arrival.frame {
                    frame.moved = arrival.moved;
                    frame.codes.clear();
                    frame.codes.extend_from_slice(&self.codes);
                    self.remember(frame);
                    break;
                }
                // Its tokens were lost on the way: the frames before the gap no longer lead up to the present.
                self.forget();
            }
        }
    }

    /// Waits while the device is too many frames behind: frames must not pile up on a slow one.
    fn await_room(&mut self) -> Result<(), DreamError> {
        let patience = Instant::now() + DEVICE_PATIENCE;
        while self.in_flight.len() >= MOST_IN_FLIGHT {
            if Instant::now() > patience {
                self.engine.finish()?;
                self.collect();
                self.in_flight.clear();
                break;
            }
            std::thread::sleep(Duration::from_micros(300));
            self.collect();
        }
        Ok(())
    }

    /// Waits until the memory holds every frame dreamed; nothing where the last ones were lost.
    fn settle(&mut self) -> Result<(), DreamError> {
        self.engine.finish()?;
        self.collect();
        if !self.in_flight.is_empty() {
            self.in_flight.clear();
            self.forget();
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.history.clear();
        self.before.iter_mut().for_each(Map::clear);
    }

    fn remember(&mut self, frame: TokenFrame) {
        let m = self.engine.manifest();
        if self.history.len() >= frames_remembered(m)
            && let Some(oldest) = self.history.pop_front()
        {
            if let Some(map) = &mut self.before {
                map.remember(&oldest.codes, motion_of(m, oldest.action), oldest.moved);
            }
            self.spare.push(oldest);
        }
        self.history.push_back(frame);
    }

    /// Notes that a frame is on its way under `code` and the words in force, which then go on to those of the next.
    fn begun(&mut self, code: u8) -> Result<(), DreamError> {
        let mut frame = self.spare.pop().unwrap_or_else(|| TokenFrame { codes: Vec::new(), action: 0, moved: false, prompt: Vec::new() });
        frame.action = code;
        frame.prompt.clear();
        frame.prompt.extend_from_slice(self.prompt.words());
        self.told.follow(self.prompt.words());
        self.in_flight.push_back((self.next_frame, frame));
        self.next_frame = self.next_frame.wrapping_add(1);
        self.collect();
        if self.prompt.next_frame() {
            self.engine.set_prompt(self.prompt.words())?;
        }
        Ok(())
    }

    /// Goes back to the start frames, or with `settings` to a first frame from the prompt where there are none. Nothing of the words before
    /// the prompt comes along.
    fn restart(&mut self, settings: Option<&DecodeSettings>) -> Result<(), DreamError> {
        self.prompt.end();
        self.engine.set_prompt(self.prompt.words())?;
        self.go_to(Moment { before: None, history: self.start.clone(), next_frame: 0, start: Vec::new() })?;
        match settings {
            Some(settings) if self.start.is_empty() => {
                self.fresh = true;
                self.step(self.unknown_action(), settings)
            }
            _ => Ok(()),
        }
    }
}

impl Source for DreamSession {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn step(&mut self, code: u8, settings: &DecodeSettings) -> Result<(), DreamError> {
        self.await_room()?;
        let settings = self.settings_of_next(settings);
        self.engine.dream(code, &settings)?;
        (self.fresh, self.guided) = (false, settings.guidance > 0.0 && !self.prompt.words().is_empty());
        self.begun(code)
    }

    fn picture(&self) -> Picture<'_> {
        self.engine.picture()
    }

    fn read_picture(&mut self) -> Result<Vec<u8>, DreamError> {
        Ok(self.engine.read_picture()?)
    }

    fn stage_times(&self) -> StageTimes {
        self.engine.stage_times()
    }

    fn pass_times(&self) -> StageTimes {
        self.engine.pass_times()
    }

    fn caption(&self) -> Option<String> {
        None
    }

    /// The seed is in the settings of the frames to come; going back to the start is enough.
    fn reset(&mut self, settings: &DecodeSettings) -> Result<(), DreamError> {
        self.begin_another()?;
        self.restart(Some(settings))
    }

    fn set_prompt(&mut self, words: &[u16], blend_frames: u32) -> Result<(), DreamError> {
        let prompt = self.prompt.towards(&prompt::heard(words), blend_frames, self.info.prompt_words);
        self.engine.set_prompt(prompt.words())?;
        self.prompt = prompt;
        Ok(())
    }

    fn as_dream(&mut self) -> Option<&mut DreamSession> {
        Some(self)
    }
}

fn describe(manifest: &Manifest, engine: &EngineInfo) -> Result<SourceInfo, DreamError> {
    let dynamics = manifest.dynamics.as_ref().ok_or(crate::engine::EngineError::NoDynamics)?;
    let actions = (0..dynamics.actions)
        .map(|code| match manifest.actions.get(code) {
            Some(a) => ActionInfo {
                name: a.name.clone(),
                share: Some(a.share),
                purity: Some((a.purity_moved, a.purity_blocked)),
                bound_to: a.bound_to.iter().filter_map(|name| Intent::from_name(name)).collect(),
            },
            None => ActionInfo { name: format!("code {code}"), share: None, purity: None, bound_to: Vec::new() },
        })
        .collect();
    let kind = match engine.kind {
        EngineKind::Gpu => "gpu engine",
        EngineKind::Cpu => "cpu engine",
        EngineKind::Reference => "reference engine",
    };
    Ok(SourceInfo {
        kind: SourceKind::Dream,
        title: manifest.name.clone(),
        engine: kind.to_owned(),
        device: engine.device.clone(),
        width_px: manifest.frame.width_px,
        height_px: manifest.frame.height_px,
        rate_hz: manifest.frame.rate_hz,
        strides: dynamics.recall.as_ref().and_then(|recall| {
            let motions = (0..dynamics.actions).map(|code| motion_of(manifest, code as u8));
            Strides::new(&manifest.frame, recall.step_px, motions, &recall.covered)
        }),
        grid: [manifest.frame.grid_w(), manifest.frame.grid_h()],
        actions,
        prompt_words: dynamics.prompt_words,
        suggested_prompts: manifest.suggested_prompts.clone(),
        window: dynamics.window,
        context_levels: dynamics.context_levels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::inputs::play_settings;
    use crate::engine::reference::ReferenceEngine;
    use crate::engine::{Chance, PromptWord, told};
    use crate::pack::Pack;
    use crate::pack::random::{odd_manifest, random_pack};

    const WALK: [u8; 9] = [0, 1, 2, 2, 1, 0, 0, 1, 2];

    fn pack() -> Pack {
        random_pack(odd_manifest(), 5).unwrap()
    }

    fn session(pack: &Pack) -> DreamSession {
        let mut session = DreamSession::new(Box::new(ReferenceEngine::new(pack).unwrap())).unwrap();
        let frame = pack.manifest.frame;
        let still = |shade: usize| Still { rgb: (0..frame.rgb_bytes()).map(|i| (i * 7 + shade * 31) as u8).collect() };
        session.start_from(&[still(0), still(1)]).unwrap();
        session
    }

    fn walk(session: &mut DreamSession, settings: &DecodeSettings, codes: &[u8]) -> Vec<Vec<u8>> {
        let mut pictures = Vec::new();
        for &code in codes {
            session.step(code, settings).unwrap();
            pictures.push(session.read_picture().unwrap());
        }
        pictures
    }

    #[test]
    fn reset_returns_to_the_start_and_the_same_walk_looks_the_same() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = session(&pack);
        let first = walk(&mut session, &settings, &WALK);
        session.reset(&settings).unwrap();
        assert_eq!(session.history().len(), 5, "the start frames fill the window");
        assert_eq!(walk(&mut session, &settings, &WALK), first);
        session.reset(&settings).unwrap();
        let other = DecodeSettings { seed: settings.seed + 1, ..settings };
        assert_ne!(walk(&mut session, &other, &WALK), first, "another seed dreams otherwise");
    }

    #[test]
    fn the_last_frames_are_drawn_again_as_they_were_shown_and_the_dream_goes_on() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let undisturbed = walk(&mut session(&pack), &settings, &WALK);
        let mut session = session(&pack);
        let shown = walk(&mut session, &settings, &WALK[..6]);
        let replayed = session.replay(4).unwrap();
        let expected: Vec<(Vec<u8>, u8)> = shown[2..].iter().cloned().zip(WALK[2..6].iter().copied()).collect();
        assert_eq!(replayed, expected);
        assert_ne!(replayed[2].0, replayed[3].0, "they are told apart");
        assert_eq!(session.replay(1000).unwrap().len(), 5 + 6, "and no more than there are");
        assert_eq!(walk(&mut session, &settings, &WALK[6..]), undisturbed[6..]);
    }

    #[test]
    fn a_picture_becomes_the_whole_window_and_is_shown_as_the_dream_sees_it() {
        let pack = pack();
        let mut session = DreamSession::new(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        let rgb: Vec<u8> = (0..pack.manifest.frame.rgb_bytes()).map(|i| (i * 7) as u8).collect();
        session.start_from(&[Still { rgb: rgb.clone() }]).unwrap();
        let history: Vec<TokenFrame> = session.history().iter().cloned().collect();
        assert!(history.len() == 5 && history.iter().all(|frame| frame.codes == history[0].codes));
        let seen = session.seen().unwrap().clone();
        assert_eq!(seen.original_rgb, rgb);
        assert_eq!(seen.decoded_rgba, session.read_picture().unwrap());
    }

    #[test]
    fn without_a_picture_the_first_frame_comes_from_the_prompt_in_more_steps() {
        let pack = pack();
        let settings = DecodeSettings { temperature: 0.0, ..play_settings(&pack.manifest) };
        let first = |words: &[u16], settings: &DecodeSettings| {
            let mut session = DreamSession::new(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
            session.set_prompt(words, 0).unwrap();
            session.start_from_prompt(settings).unwrap();
            assert_eq!(session.history().len(), 1);
            let first = session.read_picture().unwrap();
            walk(&mut session, settings, &WALK);
            session.reset(settings).unwrap();
            assert_eq!(session.read_picture().unwrap(), first, "reset dreams the same beginning");
            first
        };
        let snow = first(&[1], &settings);
        assert_eq!(first(&[1], &DecodeSettings { steps: 8, ..settings }), snow, "the steps of later frames do not matter");
        assert_ne!(first(&[700], &settings), snow);
    }

    #[test]
    fn what_is_previewed_under_new_words_is_what_is_dreamed() {
        let pack = pack();
        let settings = DecodeSettings { steps: 1, temperature: 1.0, ..play_settings(&pack.manifest) };
        let mut session = session(&pack);
        walk(&mut session, &settings, &WALK);
        let preview = |session: &mut DreamSession| {
            let mut branches = Branches::default();
            session.preview(&[1], &settings, &mut branches).unwrap();
            branches.rgba
        };
        let silent = preview(&mut session);
        session.set_prompt(&[1], 0).unwrap();
        let told = preview(&mut session);
        session.step(1, &settings).unwrap();
        assert!(session.read_picture().unwrap() == told && told != silent);
        // The control: only the first frame under other words is drawn in more steps.
        let next = preview(&mut session);
        session.step(1, &settings.fresh()).unwrap();
        assert!(session.read_picture().unwrap() != next);
    }

    #[test]
    fn words_that_are_news_are_leaned_on() {
        let pack = pack();
        let settings = DecodeSettings { steps: 1, ..play_settings(&pack.manifest) };
        let mut session = session(&pack);
        let guided = |session: &mut DreamSession, frames: usize| {
            (0..frames).filter(|_| session.step(1, &settings).map(|()| session.guided()).unwrap()).count()
        };
        assert_eq!(guided(&mut session, 3), 0, "nothing is said");
        session.set_prompt(&[1], 0).unwrap();
        assert_eq!(guided(&mut session, 70), 1, "the first frame");
        session.set_prompt(&[], 0).unwrap();
        assert_eq!(guided(&mut session, 3), 0, "there is nothing to lean on");
        // Nothing unlikely is cut off in it, nothing is certain, and little is left to chance.
        let new_land = Some(Chance { temperature: 1.0, min_p: 0.1 });
        let settings = DecodeSettings { min_p: 0.1, certain: Some(0.5), temperature: 1.0, new_land, ..settings };
        let told = [told::NEWS, told::NEWS + 1].map(|class| settings.told(class));
        assert_eq!(told.map(|s| s.min_p), [0.0, 0.1]);
        assert_eq!(told.map(|s| s.certain), [None, Some(0.5)]);
        assert_eq!(told.map(|s| s.new_land), [None, new_land]);
        assert_eq!(told.map(|s| s.temperature), [0.65, 1.0]);
    }

    #[test]
    fn words_in_force_are_news_to_a_picture() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let still = Still { rgb: (0..pack.manifest.frame.rgb_bytes()).map(|i| (i * 7) as u8).collect() };
        let first_frames = |said_before: bool, words: &[u16]| {
            let mut session = session(&pack);
            if said_before {
                session.set_prompt(words, 0).unwrap();
                walk(&mut session, &settings, &WALK);
            }
            session.start_from(std::slice::from_ref(&still)).unwrap();
            session.set_prompt(words, 0).unwrap();
            walk(&mut session, &settings, &WALK[..3])
        };
        assert_eq!(first_frames(true, &[1]), first_frames(false, &[1]));
        assert_ne!(first_frames(true, &[1]), first_frames(true, &[]));
    }

    #[test]
    fn the_memory_holds_every_frame_with_its_action_and_prompt() {
        let pack = pack();
        let mut session = session(&pack);
        session.set_prompt(&[1], 0).unwrap();
        walk(&mut session, &play_settings(&pack.manifest), &WALK);
        let history = session.history();
        let actions: Vec<u8> = history.iter().map(|f| f.action).collect();
        let unknown = pack.manifest.dynamics.as_ref().unwrap().actions as u8;
        assert_eq!(actions[..5], [unknown; 5]);
        assert_eq!(actions[5..], WALK);
        let told = [PromptWord::whole(1)];
        assert!(history.iter().skip(5).all(|f| f.prompt == told && f.codes.len() == pack.manifest.frame.code_bytes()));
    }

    #[test]
    fn a_prompt_fades_into_another_frame_by_frame() {
        let pack = pack();
        let mut session = session(&pack);
        session.set_prompt(&[1], 0).unwrap();
        session.set_prompt(&[2], 3).unwrap();
        walk(&mut session, &play_settings(&pack.manifest), &WALK[..5]);
        let shares: Vec<Vec<(u16, u8)>> =
            session.history().iter().skip(5).map(|f| f.prompt.iter().map(|word| (word.id, word.share)).collect()).collect();
        let whole = vec![(2, 255)];
        assert_eq!(shares, [vec![(1, 191), (2, 64)], vec![(1, 128), (2, 128)], vec![(1, 64), (2, 191)], whole.clone(), whole]);
    }

    #[test]
    fn who_begins_anew_while_a_prompt_fades_begins_under_the_new_one_alone() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let shares = |anew: fn(&mut DreamSession, &DecodeSettings) -> Result<(), DreamError>| {
            let mut session = session(&pack);
            session.set_prompt(&[1], 0).unwrap();
            walk(&mut session, &settings, &WALK);
            session.set_prompt(&[2], 20).unwrap();
            walk(&mut session, &settings, &WALK[..2]);
            anew(&mut session, &settings).unwrap();
            walk(&mut session, &settings, &WALK[..1]);
            let last = session.history().back().unwrap().prompt.clone();
            (last, session.read_picture().unwrap())
        };
        let straight = |anew: fn(&mut DreamSession, &DecodeSettings) -> Result<(), DreamError>| {
            let mut session = session(&pack);
            session.set_prompt(&[2], 0).unwrap();
            anew(&mut session, &settings).unwrap();
            walk(&mut session, &settings, &WALK[..1]).remove(0)
        };
        for anew in [DreamSession::reset, DreamSession::start_from_prompt] {
            let (last, picture) = shares(anew);
            assert_eq!(last, [PromptWord::whole(2)]);
            assert_eq!(picture, straight(anew), "the engine was told otherwise");
        }
        // The control: where nobody begins anew, the words before are heard on.
        assert!(shares(|_, _| Ok(())).0.contains(&PromptWord { id: 1, share: 219 }), "{:?}", shares(|_, _| Ok(())).0);
    }

    #[test]
    fn after_a_lost_device_the_dream_goes_on_where_it_was() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut whole = session(&pack);
        let undisturbed = walk(&mut whole, &settings, &WALK);
        let mut broken = session(&pack);
        walk(&mut broken, &settings, &WALK[..5]);
        broken.replace_engine(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        assert_eq!(walk(&mut broken, &settings, &WALK[5..]), undisturbed[5..]);
    }

    #[test]
    fn a_prompt_changes_the_dream() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let silent = walk(&mut session(&pack), &settings, &WALK);
        let mut told = session(&pack);
        told.set_prompt(&[1], 0).unwrap();
        assert_ne!(walk(&mut told, &settings, &WALK), silent);
        assert!(told.set_prompt(&[60_000], 0).is_err(), "a word that is not in the table is refused");
    }

    #[test]
    fn a_start_of_nothing_is_refused() {
        assert!(matches!(session(&pack()).start_from(&[]), Err(DreamError::NoFrames)));
    }
}
