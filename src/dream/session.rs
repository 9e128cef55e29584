//! A dream: an engine, what it was shown, and the tokens of what it dreamed.

mod imagine;
mod moment;
mod repaint;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use imagine::Maker;
pub use moment::{MOST_UNDO, Moment};

use super::account::Account;
use super::beginning;
use super::chart::{Chart, Newest};
use super::drive::Intent;
use super::first_person::{Book, Surroundings};
use super::lands::{LandShares, Lands};
use super::looks::Looks;
use super::source::{ActionInfo, DreamError, Source, SourceInfo, SourceKind, Strides, Stuck};
use super::still::Still;
use crate::engine::inputs::frames_that_matter;
use crate::engine::recall::{Map, motion_of};
use crate::engine::told::Told;
use crate::engine::{Arrival, Branches, DecodeSettings, Engine, EngineInfo, EngineKind, Picture, StageTimes, TokenFrame, UNKNOWN};
use crate::pack::manifest::{Manifest, RecallDims};
use crate::prompt::{self, Fade};
use crate::worlds::random::Rng;
use crate::worlds::scene::Wish;
use crate::worlds::words::{saying, wish_of};

/// Frames that a session remembers one by one, a megabyte of them; more where an engine needs more to rebuild its ring. Of older ones it knows the land.
pub const MEMORY_FRAMES: usize = 1024;

/// How many frames a session remembers one by one.
pub(super) fn frames_remembered(m: &Manifest) -> usize {
    MEMORY_FRAMES.max(frames_that_matter(m))
}
/// Frames that may be on the device at once: one computed, one shown, one handed over.
const MOST_IN_FLIGHT: usize = 3;
/// After this long without a sign of life the engine is asked to finish, which reports what is wrong.
const DEVICE_PATIENCE: Duration = Duration::from_secs(5);

/// How the world scrolls, if every step of the view is a whole patch.
fn whole_steps(m: &Manifest) -> Option<&RecallDims> {
    m.recall().filter(|recall| recall.step_px == m.frame.patch_px)
}

/// The next frame a map remembers.
fn take_in(map: &mut Map, frame: &TokenFrame, m: &Manifest) {
    map.remember(&frame.codes, motion_of(m, frame.action), frame.moved);
}

/// Pictures for a view from within, if every step is a whole patch and the pack says what stands.
fn book_of(m: &Manifest) -> Option<Book> {
    Some(Book::new(m.frame, whole_steps(m)?, m.relief.as_ref()?, &m.provenance.looks))
}

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
    looks: Looks,
    lands: Lands,
    /// Pictures of single tokens, where the world can be seen from within.
    book: Option<Book>,
    ahead: imagine::Ahead,
    /// Tokens of the frames so far, oldest first.
    history: VecDeque<TokenFrame>,
    /// Frames dreamed whose tokens have not reached the host yet, oldest first: number, and all but the codes.
    in_flight: VecDeque<(u32, TokenFrame)>,
    /// What is remembered of the land from before the history, and of all that was seen.
    before: Option<Map>,
    land_seen: Option<Map>,
    /// Code buffers are taken from here, so that a long walk allocates nothing.
    spare: Vec<TokenFrame>,
    /// What reset returns to; nothing where the dream came from its prompt.
    start: Vec<TokenFrame>,
    prompt: Fade,
    told: Told,
    /// The newest frame was computed with and without its words.
    guided: bool,
    next_frame: u32,
    /// The tokens that arrived last, and how they were settled.
    account: Account,
    /// The picture shown last.
    seen: Option<Arc<Seen>>,
    /// Number of the dream that plays, from 1, and how many have begun. Every new beginning is another dream; taking it back leads to the one before.
    dream: u32,
    dreams_begun: u32,
    /// Number of what is said.
    said: u32,
    /// What was before each change by hand and each new beginning, and what was taken back.
    changes: moment::Changes,
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
        let account = Account { codes: vec![0; frame.code_bytes()], settled: Vec::new(), code_levels: frame.code_levels };
        let map = engine.manifest().recall().map(|recall| Map::new(&frame, recall));
        Ok(Self {
            before: map.clone(),
            land_seen: map,
            looks: Looks::of(&engine.manifest().provenance.looks, &engine.manifest().frame),
            lands: Lands::of(&engine.manifest().provenance.lands, &engine.manifest().frame),
            book: book_of(engine.manifest()),
            ahead: imagine::Ahead::default(),
            engine,
            info,
            history: VecDeque::with_capacity(MEMORY_FRAMES),
            in_flight: VecDeque::new(),
            spare: Vec::new(),
            start: Vec::new(),
            prompt: Fade::default(),
            told: Told::default(),
            guided: false,
            next_frame: 0,
            account,
            seen: None,
            dream: 0,
            dreams_begun: 0,
            said: 0,
            changes: moment::Changes::default(),
            repaints: 0,
        })
    }

    /// Of the world that is dreamed.
    pub fn manifest(&self) -> &Manifest {
        self.engine.manifest()
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
        engine.set_settings(&self.engine.settings())?;
        engine.restore_after(self.before.as_ref(), self.history.make_contiguous(), self.next_frame)?;
        self.told = Told::after(&self.history);
        self.tell_what_is_ahead(engine.as_mut());
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
        let (recall, frame) = (whole_steps(m).cloned(), m.frame);
        let (Some(map), Some(recall)) = (&self.land_seen, recall) else { return Err(DreamError::NoMap(self.info.title.clone())) };
        let codes = &self.history.back().ok_or(DreamError::NothingDreamed)?.codes;
        let newest = Newest { codes, rgba: &self.engine.read_picture()? };
        Ok(Chart::of(map, &frame, &recall, &newest, |codes| self.engine.draw(codes))?)
    }

    /// What lies around in the newest frame, for a view from within (blocking); what was not there `before` is new.
    ///
    /// # Errors
    /// [`DreamError::NoRelief`] of a world that has no map or tells nothing of what stands, [`DreamError::NothingDreamed`], and what the engine says.
    pub fn surroundings(&mut self, before: Option<&Surroundings>) -> Result<Surroundings, DreamError> {
        self.settle()?;
        let frame = self.engine.manifest().frame;
        let (Some(map), Some(book)) = (&self.land_seen, &mut self.book) else { return Err(DreamError::NoRelief(self.info.title.clone())) };
        let codes = &self.history.back().ok_or(DreamError::NothingDreamed)?.codes;
        let (imagined, drawer) = self.ahead.split();
        // An engine on the processor, where there is one, draws without waiting for a device.
        let drawer = drawer.unwrap_or(&mut self.engine);
        let known = |at| imagined.known(map, at);
        Ok(Surroundings::of((map.view(), known), &frame, codes, before, book, |codes| drawer.draw(codes))?)
    }

    /// How the newest frame was dreamed (blocking); `None` where it was shown or returned to instead.
    ///
    /// # Errors
    /// What the engine says.
    pub fn account(&mut self) -> Result<Option<&Account>, DreamError> {
        self.settle()?;
        let newest = self.history.back().map(|frame| &frame.codes);
        Ok(Some(&self.account).filter(|account| !account.settled.is_empty() && newest == Some(&account.codes)))
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

    /// The settings that the next frame is really dreamed by, where these are asked for.
    fn settings_of_next(&self, settings: &DecodeSettings) -> DecodeSettings {
        settings.told(self.told.class_of_next(self.prompt.words()))
    }

    /// The action nobody knows.
    fn unknown_action(&self) -> u8 {
        u8::try_from(self.info.actions.len()).unwrap_or(u8::MAX)
    }

    /// The code bound to standing still, or the unknown action where no code is.
    fn stay_action(&self) -> u8 {
        beginning::stay(self.engine.manifest()).unwrap_or_else(|| self.unknown_action())
    }

    /// Takes the oldest tokens that have arrived, with how they were settled.
    fn take_codes(&mut self) -> Option<Arrival> {
        let arrival = self.engine.take_codes(&mut self.account.codes)?;
        self.account.settled.clear();
        self.account.settled.extend_from_slice(self.engine.settled());
        Some(arrival)
    }

    /// Takes in the tokens that have arrived.
    fn collect(&mut self) {
        while let Some(arrival) = self.take_codes() {
            while let Some((dreamed, mut frame)) = self.in_flight.pop_front() {
                if dreamed == arrival.frame {
                    frame.moved = arrival.moved;
                    frame.codes.clear();
                    frame.codes.extend_from_slice(&self.account.codes);
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
            // What a lost device has not sent does not come.
            self.engine.check()?;
            if Instant::now() > patience {
                return self.settle();
            }
            std::thread::sleep(Duration::from_micros(300));
            self.collect();
        }
        Ok(())
    }

    /// Waits until the memory holds every frame dreamed; it is empty then where the last ones were lost.
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
        self.before.iter_mut().chain(&mut self.land_seen).for_each(Map::clear);
        self.ahead.forget();
        self.book.iter_mut().for_each(Book::forget);
    }

    fn remember(&mut self, frame: TokenFrame) {
        let m = self.engine.manifest();
        if let Some(map) = &mut self.land_seen {
            take_in(map, &frame, m);
        }
        if self.history.len() >= frames_remembered(m)
            && let Some(oldest) = self.history.pop_front()
        {
            if let Some(map) = &mut self.before {
                take_in(map, &oldest, m);
            }
            self.spare.push(oldest);
        }
        self.history.push_back(frame);
    }

    /// Notes that a frame is on its way under `code` and the words in force; a fade then goes on to the words of the next one.
    fn note_begun(&mut self, code: u8) -> Result<(), DreamError> {
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

    /// Goes back to the start frames; where there are none, dreams a first frame from the prompt if there are `settings` for it. A fade ends: nothing
    /// of the words before the prompt comes along.
    fn restart(&mut self, settings: Option<&DecodeSettings>) -> Result<(), DreamError> {
        self.prompt.end();
        self.engine.set_prompt(self.prompt.words())?;
        self.go_to(None, self.start.clone(), 0)?;
        match settings {
            Some(settings) if self.start.is_empty() => self.dream_first(settings),
            _ => Ok(()),
        }
    }

    /// Dreams a first frame from the prompt (blocking). Where the prompt names no land, this one frame is also told a land, drawn by the seed among those in
    /// which what was asked for is at home: otherwise every token would guess another. The frames after it have the prompt as it is, and take it for no news.
    fn dream_first(&mut self, settings: &DecodeSettings) -> Result<(), DreamError> {
        let (words, seed) = (self.prompt.target().to_vec(), u64::from(settings.seed));
        let wish = wish_of(&words);
        let knows_lands = self.engine.manifest().provenance.world.is_some();
        let told = if knows_lands && wish.biome.is_none() {
            let land = Rng::for_purpose(seed, 9).pick(&wish.lands_of_features());
            prompt::told(&saying(&words, land, seed, self.info.prompt_words))
        } else {
            prompt::told(&words)
        };
        self.engine.set_prompt(&told)?;
        let first = beginning::out_of_words(self.engine.as_mut(), &told, settings)?;
        self.engine.set_prompt(self.prompt.words())?;
        // The frame that came to rest was dreamed by the settings as they are, like any other.
        self.guided = settings.guidance > 0.0 && !told.is_empty();
        self.account.codes.clone_from(&first.codes);
        self.account.settled = first.settled;
        let prompt = self.prompt.words().to_vec();
        self.go_to(None, vec![TokenFrame { codes: first.codes, action: self.unknown_action(), moved: false, prompt }], 1)
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
        self.guided = settings.guidance > 0.0 && !self.prompt.words().is_empty();
        self.note_begun(code)
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

    fn look(&self) -> Wish {
        let look = self.history.back().and_then(|frame| self.looks.read(&frame.codes));
        look.cloned().unwrap_or_default()
    }

    fn land(&self) -> Option<LandShares> {
        self.lands.read(&self.history.back()?.codes)
    }

    /// Without a map nobody looks whether the view moved.
    fn stuck(&self) -> Option<Stuck> {
        let (m, newest) = (self.engine.manifest(), self.land_seen.as_ref().and(self.history.back())?);
        let asks = motion_of(m, newest.action) != [0, 0];
        let led_nowhere = |frame: &&TokenFrame| asks && frame.action == newest.action && !frame.moved;
        let steps = self.history.iter().rev().take_while(led_nowhere).count();
        (steps > 0).then_some(Stuck { code: newest.action, steps })
    }

    /// The seed is in the settings of the frames to come; going back to the start is enough.
    fn reset(&mut self, settings: &DecodeSettings) -> Result<(), DreamError> {
        self.begin_another()?;
        self.restart(Some(settings))
    }

    fn set_prompt(&mut self, words: &[u16], blend_frames: u32) -> Result<(), DreamError> {
        let (before, asked) = (wish_of(self.prompt.target()), wish_of(words));
        let another_land = asked.biome.is_some() && asked.biome != before.biome;
        if another_land || (!asked.features.is_empty() && asked.features != before.features) {
            self.forget_what_is_ahead();
        }
        self.ahead.stop();
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
        within: whole_steps(manifest).is_some() && manifest.relief.is_some(),
        grid: [manifest.frame.grid_w(), manifest.frame.grid_h()],
        actions,
        prompt_words: dynamics.prompt_words,
        suggested_prompts: manifest.suggested_prompts.clone(),
        window: dynamics.window,
        context_levels: dynamics.context_levels,
    })
}

#[cfg(test)]
mod tests;
