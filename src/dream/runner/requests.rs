//! What is done once, when it is asked for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::worker::Worker;
use super::{HandOver, Kept, KeptDream, Prompt, Request, Went, lock};
use crate::dream::saved::SavedDream;
use crate::dream::session::DreamSession;
use crate::dream::source::{DreamError, Source};
use crate::engine::{DecodeSettings, Engine, EngineError};

/// Steps that are still to be made, at most.
const MOST_STEPS: u32 = 8;

/// Frames from where a walk begins: the copies of its first one that fill the window before it show a world that stands still.
fn begun(mut frames: Vec<(Vec<u8>, u8)>) -> Vec<(Vec<u8>, u8)> {
    let copies = frames.windows(2).take_while(|pair| pair[0].0 == pair[1].0).count();
    frames.drain(..copies);
    frames
}

impl Worker {
    pub(super) fn serve(&mut self, request: Request) {
        // Those that found no room among the requests.
        let engines = std::mem::take(&mut *lock(&self.shared.engines));
        engines.into_iter().for_each(|open| self.replace_engine(open()));
        let outcome = match request {
            // Those the loop sees to.
            Request::Nudge | Request::SetOff | Request::ReplaceEngine(_) => Ok(()),
            Request::Show => {
                self.publish(true);
                Ok(())
            }
            Request::Step => {
                let asked = self.shared.steps.swap(0, Ordering::AcqRel);
                self.single_steps = self.single_steps.saturating_add(asked).min(MOST_STEPS);
                self.try_again();
                Ok(())
            }
            Request::Reset => {
                let settings = self.settings();
                self.restarted(|source| source.reset(&settings))
            }
            Request::StartFrom(stills) => self.changed(|dream, _| dream.start_from(&stills)),
            Request::StartFromPrompt => self.changed(DreamSession::start_from_prompt),
            Request::Repaint(tokens, words) => self.changed(|dream, settings| dream.repaint(&tokens, &words, settings)),
            Request::Stylise(share) => self.changed(|dream, settings| dream.stylise(share, settings)),
            Request::Undo(to) => {
                let undone = self.along(DreamSession::undo);
                self.answer(to, undone)
            }
            Request::Redo(to) => {
                let done = self.along(DreamSession::redo);
                self.answer(to, done)
            }
            Request::Forget => {
                self.source.as_dream().into_iter().for_each(DreamSession::forget_changes);
                Ok(())
            }
            Request::Resume(saved, prompt, seed, to) => {
                let resumed = self.resume(&saved, prompt, seed);
                self.answer(to, resumed)
            }
            Request::Keep(to) => {
                let kept = self.keep();
                self.answer(to, kept)
            }
            Request::Chart(to) => {
                let dream = self.source.as_dream().ok_or_else(|| DreamError::NoMap(self.info.title.clone()));
                let chart = dream.and_then(DreamSession::chart);
                self.answer(to, chart)
            }
            Request::Replay(most, to) => {
                let dream = self.source.as_dream().ok_or_else(|| DreamError::NoReplay(self.info.title.clone()));
                let replay = dream.and_then(|dream| dream.replay(most)).map(begun);
                self.answer(to, replay)
            }
        };
        if let Err(error) = outcome {
            self.report(&error);
        }
        self.forget_unreachable();
    }

    fn restarted(&mut self, change: impl FnOnce(&mut dyn Source) -> Result<(), DreamError>) -> Result<(), DreamError> {
        let left = self.dream();
        change(self.source.as_mut())?;
        if self.dream() != left {
            self.seeds.insert(left, self.seed);
            self.seed = self.settings().seed;
        }
        self.try_again();
        self.publish(false);
        Ok(())
    }

    /// As [`Self::restarted`], of what a simulator cannot do.
    fn changed(&mut self, change: impl FnOnce(&mut DreamSession, &DecodeSettings) -> Result<(), DreamError>) -> Result<(), DreamError> {
        let (settings, title) = (self.settings(), self.info.title.clone());
        self.restarted(|source| change(source.as_dream().ok_or(DreamError::NotADream(title))?, &settings))
    }

    /// Goes on with this engine. One that could not be made counts as well: the window counts those it asks for.
    pub(super) fn replace_engine(&mut self, engine: Result<Box<dyn Engine>, EngineError>) {
        {
            let mut outbox = lock(&self.shared.outbox);
            outbox.status.engine_number += 1;
            outbox.status.device_lost = false;
            // It may lie on the device that is gone.
            outbox.picture = None;
        }
        let replaced = engine.map_err(DreamError::from).and_then(|engine| self.changed(|dream, _| dream.replace_engine(engine)));
        self.info = Arc::new(self.source.info().clone());
        if let Err(why) = replaced {
            self.report(&why);
        }
    }

    fn resume(&mut self, saved: &SavedDream, prompt: Prompt, seed: u32) -> Result<Went, DreamError> {
        let (left_said, said) = (self.said, prompt.said);
        self.changed(|dream, _| {
            let settings = saved.about.settings(dream.manifest());
            dream.resume(saved.moment.clone(), &saved.about.words, &settings)?;
            dream.call_said(said);
            Ok(())
        })?;
        let before = std::mem::replace(&mut self.prompt, saved.about.words.as_slice().into());
        self.wish_for(prompt, Some(seed), before);
        Ok(Went { dream: self.dream(), said: [left_said, said] })
    }

    /// Goes back or forth among the changes: to the words and the seed of there.
    fn along(&mut self, way: impl FnOnce(&mut DreamSession) -> Result<(), DreamError>) -> Result<Went, DreamError> {
        let (left, left_said) = (self.dream(), self.said);
        let mut said = left_said;
        self.changed(|dream, _| {
            way(dream)?;
            said = dream.said();
            Ok(())
        })?;
        let dream = self.dream();
        let (mut prompt, before) = (lock(&self.shared.wish).prompt.clone(), self.prompt.clone());
        // Words that came by themselves outlast what is taken back under them.
        if said != left_said
            && let Some(dream) = self.source.as_dream()
        {
            let words = self.words.remove(&said).unwrap_or_else(|| before.clone());
            dream.say_again(&words)?;
            self.prompt = words.clone();
            prompt = Prompt { words, said, ..prompt };
        }
        let seed = if dream == left { None } else { self.seeds.remove(&dream) };
        self.wish_for(prompt, seed, before);
        Ok(Went { dream, said: [left_said, said] })
    }

    /// From now on this is wished for, under another seed where there is one; what was in force before can be said again.
    fn wish_for(&mut self, prompt: Prompt, seed: Option<u32>, before: Arc<[u16]>) {
        let said = std::mem::replace(&mut self.said, prompt.said);
        let mut wish = lock(&self.shared.wish);
        if let Some(seed) = seed {
            wish.settings.seed = seed;
            self.seed = seed;
        }
        // What somebody says at this very moment counts.
        let before = if wish.prompt.said == said { std::mem::replace(&mut wish.prompt, prompt).words } else { before };
        if said != self.said {
            self.words.insert(said, before);
        }
    }

    /// Number of the dream that plays; 0 of a simulator.
    fn dream(&mut self) -> u32 {
        self.source.as_dream().map_or(0, |dream| dream.dream())
    }

    fn keep(&mut self) -> Result<Kept, DreamError> {
        let rgba = self.source.read_picture()?;
        let (seed, words) = (self.seed, self.prompt.clone());
        let kept =
            |dream: &mut DreamSession| Ok::<_, DreamError>(KeptDream { number: dream.dream(), moment: dream.moment()?, seed, words });
        let dream = self.source.as_dream().map(kept).transpose()?;
        Ok(Kept { rgba, size_px: [self.info.width_px, self.info.height_px], dream })
    }

    /// Hands over what came of a request, or why nothing did.
    fn answer<T>(&self, to: HandOver<T>, outcome: Result<T, DreamError>) -> Result<(), DreamError> {
        if let Err(error) = &outcome {
            self.note_loss(error);
        }
        to(outcome);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::{Duration, Instant};

    use super::super::{MOST_WAITING, Notice, PlayerWish, Runner, Status, Wiring};
    use super::*;
    use crate::dream::Drive;
    use crate::dream::still::Still;
    use crate::engine::cpu::{CpuEngine, CpuOptions};
    use crate::engine::inputs::play_settings;
    use crate::pack::random::{odd_manifest, random_pack};

    /// A paused dream that opens once it is told to.
    fn not_open_yet() -> (Runner, Sender<()>) {
        let pack = random_pack(odd_manifest(), 5).unwrap();
        let settings = play_settings(&pack.manifest);
        let (open, opened) = channel::<()>();
        let source = move || {
            opened.recv().ok();
            let mut dream = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
            dream.start_from_prompt(&settings).unwrap();
            Ok(Box::new(dream) as Box<dyn Source>)
        };
        let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(|| {}), gate: Arc::default() };
        (Runner::spawn(source, PlayerWish::standing(settings), wiring).unwrap(), open)
    }

    #[test]
    fn a_film_begins_with_the_walk_and_not_with_copies_of_its_first_frame() {
        let pack = random_pack(odd_manifest(), 5).unwrap();
        let (settings, frame) = (play_settings(&pack.manifest), pack.manifest.frame);
        let still = Still { rgb: vec![90; frame.width_px * frame.height_px * 3] };
        let (tell, told) = channel();
        let source = move || {
            let mut dream = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
            dream.start_from(&[still]).unwrap();
            // The control: there are copies.
            tell.send(dream.replay(100).unwrap().len()).unwrap();
            Ok(Box::new(dream) as Box<dyn Source>)
        };
        let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(|| {}), gate: Arc::default() };
        let runner = Runner::spawn(source, PlayerWish::standing(settings), wiring).unwrap();
        assert!(told.recv().unwrap() > 1);
        let frames = || {
            let (tell, told) = channel();
            runner.request(Request::Replay(100, Box::new(move |frames| tell.send(frames.unwrap().len()).unwrap())));
            told.recv().unwrap()
        };
        assert_eq!(frames(), 1);
        (0..2).for_each(|_| runner.request(Request::Step));
        wait_until(&runner, |status| status.frames == 2);
        assert_eq!(frames(), 1 + 2);
        let shown = |pictures: &[u8]| begun(pictures.iter().map(|picture| (vec![*picture], 0)).collect()).len();
        assert_eq!([shown(&[]), shown(&[7]), shown(&[7, 7, 8, 8, 7])], [0, 1, 4], "what stands still later on is of the walk");
    }

    /// Notices until then.
    fn wait_until(runner: &Runner, done: impl Fn(&Status) -> bool) -> Vec<Notice> {
        let (mut status, mut notices) = (Status::default(), Vec::new());
        let give_up = Instant::now() + Duration::from_secs(20);
        loop {
            notices.extend(runner.fetch(&mut status, Vec::new()).1);
            if done(&status) {
                return notices;
            }
            assert!(Instant::now() < give_up, "{notices:?}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn an_engine_takes_its_place_however_much_waits() {
        let (runner, open) = not_open_yet();
        (0..2 * MOST_WAITING).for_each(|_| runner.request(Request::Show));
        for _ in 0..2 {
            runner.request(Request::ReplaceEngine(Box::new(|| Err(EngineError::DeviceLost("as the test has it".to_owned())))));
        }
        open.send(()).unwrap();
        let notices = wait_until(&runner, |status| status.engine_number == 2);
        assert!(notices.iter().any(|notice| notice.text.contains("busy")), "there was room: {notices:?}");
    }

    #[test]
    fn a_step_that_is_held_leaves_room_for_requests() {
        let (runner, open) = not_open_yet();
        (0..2 * MOST_WAITING).for_each(|_| runner.request(Request::Step));
        runner.request(Request::Show);
        open.send(()).unwrap();
        let notices = wait_until(&runner, |status| status.frames == u64::from(MOST_STEPS));
        assert!(notices.is_empty(), "{notices:?}");
    }
}
