//! A dream: an engine, what it was shown, and the tokens of what it dreamed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::drive::Intent;
use super::source::{ActionInfo, DreamError, Source, SourceInfo, SourceKind};
use super::still::Still;
use crate::engine::{DecodeSettings, Engine, EngineInfo, EngineKind, Picture, StageTimes, TokenFrame};
use crate::pack::manifest::Manifest;

/// Frames a session remembers: some 50 s at 10 Hz, and more than any engine needs to rebuild its ring.
const MEMORY_FRAMES: usize = 512;
/// Frames that may be on the device at once: one computed, one shown, one handed over.
const MOST_IN_FLIGHT: usize = 3;
/// After this long without a sign of life the engine is asked to finish, which reports what is wrong.
const DEVICE_PATIENCE: Duration = Duration::from_secs(5);

/// An [`Engine`] and the memory that makes it a place one can return to.
pub struct DreamSession {
    engine: Box<dyn Engine>,
    info: SourceInfo,
    /// Tokens of the frames so far, oldest first.
    history: VecDeque<TokenFrame>,
    /// Frames dreamed whose tokens have not reached the host yet, oldest first: number, and all but the codes.
    in_flight: VecDeque<(u32, TokenFrame)>,
    /// Code buffers are taken from here, so that a long walk allocates nothing.
    spare: Vec<TokenFrame>,
    /// What reset returns to.
    start: Vec<TokenFrame>,
    prompt: Vec<u16>,
    next_frame: u32,
    codes: Vec<u8>,
}

impl DreamSession {
    /// A dream that starts from nothing until [`Source::start_from`] shows it a picture.
    ///
    /// # Errors
    /// What the engine says, such as a pack without dynamics.
    pub fn new(mut engine: Box<dyn Engine>) -> Result<Self, DreamError> {
        engine.restore(&[], 0)?;
        let info = describe(engine.manifest(), engine.info())?;
        let codes = vec![0; engine.manifest().frame.code_bytes()];
        Ok(Self {
            engine,
            info,
            history: VecDeque::with_capacity(MEMORY_FRAMES),
            in_flight: VecDeque::new(),
            spare: Vec::new(),
            start: Vec::new(),
            prompt: Vec::new(),
            next_frame: 0,
            codes,
        })
    }

    /// Tokens of the frames so far, oldest first, as far as they have reached the host.
    pub fn history(&self) -> &VecDeque<TokenFrame> {
        &self.history
    }

    /// Takes in the tokens that have arrived.
    fn collect(&mut self) {
        while let Some(number) = self.engine.take_codes(&mut self.codes) {
            while let Some((dreamed, mut frame)) = self.in_flight.pop_front() {
                if dreamed == number {
                    frame.codes.clear();
                    frame.codes.extend_from_slice(&self.codes);
                    self.remember(frame);
                    break;
                }
                // Its tokens were lost on the way: the frames before the gap no longer lead up to the present.
                self.history.clear();
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

    fn remember(&mut self, frame: TokenFrame) {
        if self.history.len() == MEMORY_FRAMES {
            self.spare.extend(self.history.pop_front());
        }
        self.history.push_back(frame);
    }

    /// Goes back to the start frames.
    fn restart(&mut self) -> Result<(), DreamError> {
        self.engine.restore(&self.start, 0)?;
        self.next_frame = 0;
        self.in_flight.clear();
        self.history.clear();
        self.history.extend(self.start.iter().cloned());
        Ok(())
    }
}

impl Source for DreamSession {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn step(&mut self, code: u8, settings: &DecodeSettings) -> Result<(), DreamError> {
        self.await_room()?;
        self.engine.dream(code, settings)?;
        let mut frame = self.spare.pop().unwrap_or_else(|| TokenFrame { codes: Vec::new(), action: 0, prompt: Vec::new() });
        frame.action = code;
        frame.prompt.clone_from(&self.prompt);
        self.in_flight.push_back((self.next_frame, frame));
        self.next_frame = self.next_frame.wrapping_add(1);
        self.collect();
        Ok(())
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

    fn caption(&self) -> Option<String> {
        None
    }

    /// The seed of a dream is in its decode settings; going back to the start is enough.
    fn reset(&mut self, _seed: u32) -> Result<(), DreamError> {
        self.restart()
    }

    fn start_from(&mut self, frames: &[Still]) -> Result<(), DreamError> {
        if frames.is_empty() {
            return Err(DreamError::NoFrames);
        }
        let unknown = self.engine.manifest().dynamics.as_ref().map_or(0, |d| u8::try_from(d.actions).unwrap_or(u8::MAX));
        let mut start = Vec::with_capacity(frames.len());
        for still in frames {
            let codes = self.engine.encode(&still.rgb)?;
            start.push(TokenFrame { codes, action: unknown, prompt: self.prompt.clone() });
        }
        self.start = start;
        self.restart()
    }

    fn set_prompt(&mut self, words: &[u16]) -> Result<(), DreamError> {
        self.engine.set_prompt(words)?;
        self.prompt = words.to_vec();
        Ok(())
    }

    fn replace_engine(&mut self, mut engine: Box<dyn Engine>) -> Result<(), DreamError> {
        // What was in flight on the lost device never happened, as far as the dream is concerned.
        self.next_frame = self.in_flight.front().map_or(self.next_frame, |(number, _)| *number);
        self.in_flight.clear();
        engine.set_prompt(&self.prompt)?;
        engine.restore(self.history.make_contiguous(), self.next_frame)?;
        self.info = describe(engine.manifest(), engine.info())?;
        self.engine = engine;
        Ok(())
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
        actions,
        vocabulary: manifest.vocabulary.clone(),
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
        session.reset(0).unwrap();
        assert_eq!(session.history().len(), 2, "the start frames");
        assert_eq!(walk(&mut session, &settings, &WALK), first);
        session.reset(0).unwrap();
        let other = DecodeSettings { seed: settings.seed + 1, ..settings };
        assert_ne!(walk(&mut session, &other, &WALK), first, "another seed dreams otherwise");
    }

    #[test]
    fn the_memory_holds_every_frame_with_its_action_and_prompt() {
        let pack = pack();
        let mut session = session(&pack);
        session.set_prompt(&[1]).unwrap();
        walk(&mut session, &play_settings(&pack.manifest), &WALK);
        let history = session.history();
        let actions: Vec<u8> = history.iter().map(|f| f.action).collect();
        let unknown = pack.manifest.dynamics.as_ref().unwrap().actions as u8;
        assert_eq!(actions[..2], [unknown, unknown]);
        assert_eq!(actions[2..], WALK);
        assert!(history.iter().skip(2).all(|f| f.prompt == [1] && f.codes.len() == pack.manifest.frame.code_bytes()));
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
        told.set_prompt(&[1]).unwrap();
        assert_ne!(walk(&mut told, &settings, &WALK), silent);
        assert!(told.set_prompt(&[60_000]).is_err(), "a word that is not in the pack is refused");
    }

    #[test]
    fn a_start_of_nothing_is_refused() {
        assert!(matches!(session(&pack()).start_from(&[]), Err(DreamError::NoFrames)));
    }
}
