//! The thread that plays: one frame after the other, each at its time, requests between them.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::{PlayerWish, Request, Shared, Shown, Status, TIMELINE_FRAMES, lock, notify, period};
use crate::dream::account::Account;
use crate::dream::drive::Drive;
use crate::dream::first_person::Surroundings;
use crate::dream::gate::Gate;
use crate::dream::lookahead::{Branch, Lookahead};
use crate::dream::source::{DreamError, Source, SourceInfo, SourceKind};
use crate::engine::{DecodeSettings, Picture};

pub(super) struct Worker {
    pub(super) source: Box<dyn Source>,
    pub(super) shared: Arc<Shared>,
    drive: Box<dyn FnMut() -> Drive + Send>,
    wake: Rc<dyn Fn()>,
    gate: Arc<Gate>,
    pub(super) info: Arc<SourceInfo>,
    /// Words in force, and the number of what is said by hand.
    pub(super) prompt: Arc<[u16]>,
    pub(super) said: u32,
    /// Of the newest frame.
    pub(super) seed: u32,
    /// Seeds of dreams that were left, by their number, and words that were, by the number of what was said; as far as a moment can return to them.
    pub(super) seeds: HashMap<u32, u32>,
    pub(super) words: HashMap<u32, Arc<[u16]>>,
    /// When the last frames were done.
    done: VecDeque<Instant>,
    /// Steps asked for while paused.
    pub(super) single_steps: u32,
    /// What was wished for when an error stopped it.
    halted: Option<PlayerWish>,
    lookahead: Lookahead,
    /// Settings that the last look ahead was for.
    looked_with: Option<DecodeSettings>,
    /// It is seen from within, this way.
    within: Option<i32>,
    /// It is told how frames were dreamed.
    accounts: bool,
    /// What lay around in the frame before.
    before: Option<Arc<Surroundings>>,
}

impl Worker {
    pub(super) fn new(
        source: Box<dyn Source>,
        prompt: Arc<[u16]>,
        shared: Arc<Shared>,
        drive: Box<dyn FnMut() -> Drive + Send>,
        wake: Rc<dyn Fn()>,
        gate: Arc<Gate>,
    ) -> Self {
        let info = Arc::new(source.info().clone());
        let seed = lock(&shared.wish).settings.seed;
        Self {
            lookahead: Lookahead::new(info.living_codes().len()),
            source,
            shared,
            drive,
            wake,
            gate,
            info,
            prompt,
            said: 0,
            seed,
            seeds: HashMap::new(),
            words: HashMap::new(),
            done: VecDeque::new(),
            single_steps: 0,
            halted: None,
            looked_with: None,
            within: None,
            accounts: false,
            before: None,
        }
    }

    pub(super) fn run(mut self, inbox: &Receiver<Request>) {
        self.publish(false);
        let mut due = Instant::now();
        loop {
            // Before the wish is looked at: one that changes from here on is worth a nudge.
            self.shared.nudged.store(false, Ordering::Release);
            let wish = lock(&self.shared.wish).clone();
            self.follow(&wish, due);
            let idle = self.halted.is_some() || (wish.paused && self.single_steps == 0);
            if idle {
                // A pause is no slow frame.
                self.done.clear();
            }
            let time_left = (!idle).then(|| due.saturating_duration_since(Instant::now()));
            let codes = self.codes_to_look_at(&wish, time_left);
            let wait = if codes.is_empty() { time_left } else { Some(Duration::ZERO) };
            let request = match wait {
                Some(wait) => inbox.recv_timeout(wait),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match request {
                Ok(Request::SetOff) => {
                    self.shared.sets_off.store(false, Ordering::Release);
                    if self.stands() {
                        due = due.min(Instant::now());
                    }
                }
                Ok(request) => self.attend_to(request),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if !codes.is_empty() => {
                    let gate = self.gate.clone();
                    let _pass = gate.pass();
                    self.look_ahead(codes, &wish.settings);
                }
                Err(RecvTimeoutError::Timeout) => due = self.play(&wish, due),
            }
        }
    }

    /// Does at once what a wish changes besides the frames to come, of which the next is `due`.
    fn follow(&mut self, wish: &PlayerWish, due: Instant) {
        if self.halted.as_ref().is_some_and(|under| under != wish) {
            self.try_again();
        }
        if (wish.within, wish.account) != (self.within, self.accounts) {
            {
                let gate = self.gate.clone();
                let _pass = gate.pass();
                (self.within, self.accounts) = (wish.within, wish.account);
                self.publish(true);
            }
            self.dream_ahead(&wish.settings, due);
        }
    }

    /// Does what is asked for, between two frames.
    fn attend_to(&mut self, request: Request) {
        let gate = self.gate.clone();
        match request {
            Request::ReplaceEngine(open) => {
                // Before the gate is passed: it takes a while, and the window may want another surface meanwhile.
                let engine = open();
                let _pass = gate.pass();
                self.replace_engine(engine);
            }
            request => {
                let _pass = gate.pass();
                self.apply_prompt();
                self.serve(request);
            }
        }
    }

    /// Makes the frame that was `due`, and dreams ahead until the next one is due; returns when that is.
    fn play(&mut self, wish: &PlayerWish, due: Instant) -> Instant {
        let settings = {
            let gate = self.gate.clone();
            let _pass = gate.pass();
            // Asked for last of all, so that no frame is begun with a prompt that is past.
            let settings = self.apply_prompt();
            if let Err(error) = self.frame(&settings) {
                // Nothing is dreamed ahead of one that stands still.
                let way_out = "Another prompt tries again, and so does playing on after a pause.";
                lock(&self.shared.outbox).status.halted = Some(format!("The dream stands still: {error}.\n{way_out}"));
                self.halted = Some(wish.clone());
                self.report(&error);
            }
            settings
        };
        let due = next_due(due, Instant::now(), period(wish.rate, self.info.rate_hz));
        if self.halted.is_none() {
            self.dream_ahead(&settings, due);
        }
        self.single_steps = self.single_steps.saturating_sub(1);
        due
    }

    /// An error is no reason to stand still any more.
    pub(super) fn try_again(&mut self) {
        if self.halted.take().is_some() {
            lock(&self.shared.outbox).status.halted = None;
            (self.wake)();
        }
    }

    /// Nothing was asked for in the newest frame.
    fn stands(&self) -> bool {
        lock(&self.shared.outbox).status.code == self.info.code_of(Drive::default())
    }

    /// Codes whose next frame there is time to look at now.
    fn codes_to_look_at(&mut self, wish: &PlayerWish, time_left: Option<Duration>) -> Range<usize> {
        if !wish.preview || self.halted.is_some() || self.info.kind != SourceKind::Dream {
            if self.looked_with.take().is_some() {
                lock(&self.shared.outbox).status.branches.clear();
            }
            return 0..0;
        }
        if self.looked_with.replace(wish.settings) != Some(wish.settings) {
            self.lookahead.outdate();
        }
        let frame_ms = {
            let status = &lock(&self.shared.outbox).status;
            status.stages.iter().map(|(_, ms)| ms).sum::<f32>().max(status.frame_ms)
        };
        self.lookahead.turn(Instant::now(), time_left, Duration::from_secs_f32(frame_ms.max(0.0) / 1e3))
    }

    /// Shows the window what these of the living codes would do next.
    fn look_ahead(&mut self, codes: Range<usize>, settings: &DecodeSettings) {
        let Some(dream) = self.source.as_dream() else { return };
        let start = Instant::now();
        let codes = &self.info.living_codes()[codes];
        if let Err(error) = dream.preview(codes, settings, &mut self.lookahead.branches) {
            self.lookahead.give_up();
            self.report(&error);
            return;
        }
        self.lookahead.looked(codes.len(), start, Instant::now());
        let picture_bytes = self.info.width_px * self.info.height_px * 4;
        {
            let status = &mut lock(&self.shared.outbox).status;
            status.branch_ms = self.lookahead.each_ms();
            status.branches.resize(self.info.actions.len(), None);
            let pictures = self.lookahead.branches.rgba.chunks_exact(picture_bytes);
            for (code, rgba) in codes.iter().zip(pictures) {
                status.branches[usize::from(*code)] = Some(Arc::new(Branch { rgba: rgba.to_vec(), frames: status.frames }));
            }
        }
        (self.wake)();
    }

    pub(super) fn settings(&self) -> DecodeSettings {
        lock(&self.shared.wish).settings
    }

    /// Puts the prompt wished for in force; gives the settings wished for at the same moment.
    fn apply_prompt(&mut self) -> DecodeSettings {
        let (prompt, settings) = {
            let wish = lock(&self.shared.wish);
            (wish.prompt.clone(), wish.settings)
        };
        if prompt.said != self.said {
            self.words.insert(self.said, self.prompt.clone());
            self.said = prompt.said;
            if let Some(dream) = self.source.as_dream() {
                let marked = dream.mark();
                dream.call_said(prompt.said);
                marked.unwrap_or_else(|error| self.report(&error));
            }
            self.forget_unreachable();
        }
        if prompt.words != self.prompt {
            if let Err(error) = self.source.set_prompt(&prompt.words, prompt.blend_frames) {
                self.report(&error);
            }
            self.prompt = prompt.words;
            self.lookahead.outdate();
        }
        settings
    }

    /// Forgets the seeds and words that no moment can return to any more, and tells the window to which there is a way.
    pub(super) fn forget_unreachable(&mut self) {
        let reach: Vec<(u32, u32)> = self.source.as_dream().map_or_else(Vec::new, |dream| dream.within_reach().collect());
        self.seeds.retain(|number, _| reach.iter().any(|(dream, _)| dream == number));
        self.words.retain(|number, _| reach.iter().any(|(_, said)| said == number));
        let told = &mut lock(&self.shared.outbox).status.said_reach;
        (told.now, told.newest) = (self.said, told.newest.max(self.said));
        told.others.clear();
        told.others.extend(self.words.keys());
    }

    fn frame(&mut self, settings: &DecodeSettings) -> Result<(), DreamError> {
        let code = self.info.code_of((self.drive)());
        let start = Instant::now();
        self.before.clone_from(&lock(&self.shared.outbox).status.around);
        self.source.step(code, settings)?;
        self.seed = settings.seed;
        let now = Instant::now();
        let guided = self.source.as_dream().is_some_and(|dream| dream.guided());
        self.done.push_back(now);
        while self.done.len() > 2 && self.done.front().is_some_and(|&t| now - t > Duration::from_secs(2)) {
            self.done.pop_front();
        }
        let span = self.done.front().map_or(0.0, |&first| (now - first).as_secs_f32());
        let fps = if span > 0.0 { (self.done.len() - 1) as f32 / span } else { 0.0 };
        self.publish_with(true, |status| {
            status.frames += 1;
            status.code = code;
            (status.frame_ms, status.guided, status.fps) = ((now - start).as_secs_f32() * 1e3, guided, fps);
            if status.timeline.len() == TIMELINE_FRAMES {
                status.timeline.pop_front();
            }
            status.timeline.push_back(code);
        });
        Ok(())
    }

    /// Puts the newest picture and what is known about it where the window finds them.
    pub(super) fn publish(&mut self, with_times: bool) {
        self.publish_with(with_times, |_| ());
    }

    /// The same with news: who fetches one has the other.
    fn publish_with(&mut self, with_times: bool, news: impl FnOnce(&mut Status)) {
        self.lookahead.outdate();
        let (stages, passes) = if with_times { (self.source.stage_times(), self.source.pass_times()) } else { Default::default() };
        let (caption, look, land) = (self.source.caption(), self.source.look(), self.source.land());
        let seen = self.source.as_dream().and_then(|dream| dream.seen().cloned());
        let (account, around, stuck) = (self.account(), self.surroundings(), self.source.stuck());
        let mut outbox = lock(&self.shared.outbox);
        news(&mut outbox.status);
        let recycled = match outbox.picture.take() {
            Some(Shown::Rgba(pixels)) => pixels,
            _ => std::mem::take(&mut outbox.spare),
        };
        let picture = match self.source.picture() {
            Picture::Rgba(pixels) => {
                let mut buffer = recycled;
                buffer.clear();
                buffer.extend_from_slice(pixels);
                Shown::Rgba(buffer)
            }
            #[cfg(feature = "player")]
            Picture::Texture(texture) => Shown::Texture(texture.clone()),
        };
        outbox.picture = Some(picture);
        outbox.status.info = Some(self.info.clone());
        (outbox.status.stages, outbox.status.passes) = (stages, passes);
        (outbox.status.caption, outbox.status.look, outbox.status.land, outbox.status.stuck) = (caption, look, land, stuck);
        (outbox.status.seen, outbox.status.account, outbox.status.around) = (seen, account, around);
        drop(outbox);
        (self.wake)();
    }

    /// How the newest frame was dreamed, where somebody asks.
    fn account(&mut self) -> Option<Arc<Account>> {
        // From within no token is seen.
        let asked = self.accounts && self.within.is_none();
        let dream = self.source.as_dream().filter(|_| asked)?;
        let account = dream.account().map(|account| account.cloned().map(Arc::new));
        account.unwrap_or_else(|error| {
            self.report(&error);
            None
        })
    }

    /// Dreams land that lies further ahead than the frame reaches, where the world is seen from within, until the next frame is due. Processors do that:
    /// whoever resizes the window does not wait for it at the gate.
    fn dream_ahead(&mut self, settings: &DecodeSettings, due: Instant) {
        let Some(looks) = self.within.filter(|_| self.info.within) else { return };
        match self.source.as_dream().map_or(Ok(false), |dream| dream.imagine(looks, settings, Some(due))) {
            Ok(true) => {
                // What is new may be drawn by the engine that plays, on its device.
                let gate = self.gate.clone();
                let _pass = gate.pass();
                let around = self.surroundings();
                lock(&self.shared.outbox).status.around = around;
                (self.wake)();
            }
            Ok(false) => {}
            Err(error) => self.report(&error),
        }
    }

    /// What lies around, where it is seen from within.
    fn surroundings(&mut self) -> Option<Arc<Surroundings>> {
        self.within.filter(|_| self.info.within)?;
        match self.source.as_dream()?.surroundings(self.before.as_deref()) {
            Ok(around) => Some(Arc::new(around)),
            Err(DreamError::NothingDreamed) => None,
            Err(error) => {
                self.report(&error);
                None
            }
        }
    }

    pub(super) fn note_loss(&self, error: &DreamError) {
        if error.is_device_lost() {
            lock(&self.shared.outbox).status.device_lost = true;
            (self.wake)();
        }
    }

    pub(super) fn report(&self, error: &DreamError) {
        self.note_loss(error);
        notify(&self.shared, format!("{error}."), true);
        (self.wake)();
    }
}

/// When the frame after the one that was due at `due` and done at `now` is due. A short delay is caught up, so that the beat stays
/// even; after a long one the beat starts anew instead of racing.
pub(super) fn next_due(due: Instant, now: Instant, period: Duration) -> Instant {
    let next = due + period;
    if now > next + period { now } else { next }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::{Prompt, Runner, Wiring};
    use super::*;
    use crate::dream::session::{DreamSession, MOST_UNDO};
    use crate::engine::EngineError;
    use crate::engine::inputs::play_settings;
    use crate::engine::reference::ReferenceEngine;
    use crate::pack::manifest::Relief;
    use crate::pack::random::{odd_manifest, random_pack};

    #[test]
    fn the_window_passes_the_gate_while_land_is_dreamed_ahead() {
        let mut manifest = odd_manifest();
        let sky = vec![0; manifest.frame.code_dims];
        manifest.relief = Some(Relief { sky: [sky.clone(), sky], standing: Default::default(), water: Vec::new(), shining: Vec::new() });
        let pack = random_pack(manifest, 5).unwrap();
        let settings = play_settings(&pack.manifest);
        let mut dream = DreamSession::new(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        dream.start_from_prompt(&settings).unwrap();
        let gate = Arc::new(Gate::default());
        let (window, (tell, told)) = (gate.clone(), channel());
        // What would dream ahead is never made, and asked for again after every frame.
        dream.dream_ahead_by(Box::new(move || {
            let (window, (opened, opens)) = (window.clone(), channel());
            std::thread::spawn(move || window.closed(|| opened.send(()).ok()));
            tell.send(opens.recv_timeout(Duration::from_secs(10)).is_ok()).ok();
            Err(EngineError::NoAdapter("this test needs none".to_owned()))
        }));
        let wish = PlayerWish { within: Some(0), ..PlayerWish::standing(settings) };
        let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(|| {}), gate };
        let runner = Runner::spawn(move || Ok(Box::new(dream) as Box<dyn Source>), wish, wiring).unwrap();
        let passes = || told.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(passes(), "when one begins to look from within");
        runner.request(Request::Step);
        assert!(passes(), "after a frame");
    }

    #[test]
    fn words_and_seeds_are_kept_as_long_as_they_can_be_returned_to() {
        let pack = random_pack(odd_manifest(), 5).unwrap();
        let settings = play_settings(&pack.manifest);
        let mut dream = DreamSession::new(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        dream.start_from_prompt(&settings).unwrap();
        let shared = Arc::new(Shared::new(PlayerWish::standing(settings)));
        let (drive, wake) = (Box::new(Drive::default), Rc::new(|| {}));
        let mut worker = Worker::new(Box::new(dream), Arc::default(), shared.clone(), drive, wake, Arc::default());
        let words_of = |said: u32| -> Arc<[u16]> { Arc::new([3 + (said % 2) as u16]) };
        for said in 1..=20 {
            lock(&shared.wish).prompt = Prompt { words: words_of(said), said, ..Prompt::default() };
            worker.apply_prompt();
            worker.serve(Request::Reset);
        }
        // Every round is two moments.
        let (kept, most) = ([worker.words.len(), worker.seeds.len()], MOST_UNDO / 2 + 1);
        assert!(kept.iter().all(|kept| *kept <= most), "{kept:?} are kept, and {MOST_UNDO} moments can be returned to");
        let reach = lock(&shared.outbox).status.said_reach.clone();
        assert_eq!((reach.now, reach.newest, reach.others.len()), (20, 20, worker.words.len()));
        // What is said next is on its way.
        let within: Vec<u32> = (0..=21).filter(|said| reach.includes(*said)).collect();
        assert!(within.iter().all(|said| *said >= 20 || worker.words.contains_key(said)) && within.ends_with(&[20, 21]), "{within:?}");
        assert!(!reach.includes(0), "no moment returns there");
        let (tell, told) = channel();
        let mut undone = 0;
        loop {
            let tell = tell.clone();
            worker.serve(Request::Undo(Box::new(move |went| tell.send(went).unwrap())));
            let Ok(went) = told.recv().unwrap() else { break };
            assert_eq!((&worker.prompt, worker.said), (&words_of(went.said[1]), went.said[1]));
            undone += 1;
        }
        assert_eq!(undone, MOST_UNDO);
    }
}
