//! What is done once, when it is asked for.

use std::sync::Arc;

use super::worker::{Left, Worker};
use super::{HandOver, Kept, Request, lock};
use crate::dream::saved::SavedDream;
use crate::dream::session::DreamSession;
use crate::dream::source::{DreamError, Source};
use crate::engine::{DecodeSettings, Engine, EngineError};

impl Worker {
    pub(super) fn serve(&mut self, request: Request) {
        let outcome = match request {
            // Those the loop sees to.
            Request::Nudge | Request::SetOff | Request::ReplaceEngine(_) => Ok(()),
            Request::Show => {
                self.publish(true);
                Ok(())
            }
            Request::Step => {
                self.single_steps = (self.single_steps + 1).min(8);
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
            Request::Resume(saved, words, seed, to) => {
                let resumed = self.resume(&saved, words, seed);
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
                let replay = dream.and_then(|dream| dream.replay(most));
                self.answer(to, replay)
            }
        };
        if let Err(error) = outcome {
            self.report(&error);
        }
    }

    fn restarted(&mut self, change: impl FnOnce(&mut dyn Source) -> Result<(), DreamError>) -> Result<(), DreamError> {
        let left = self.dream();
        change(self.source.as_mut())?;
        if self.dream() != left {
            self.left.insert(left, Left { seed: self.seed, words: None });
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

    fn resume(&mut self, saved: &SavedDream, words: Arc<[u16]>, seed: u32) -> Result<[u32; 2], DreamError> {
        let left = self.dream();
        self.changed(|dream, _| dream.resume(saved.moment.clone(), &saved.about.words))?;
        self.prompt = saved.about.words.as_slice().into();
        let mut wish = lock(&self.shared.wish);
        let said = std::mem::replace(&mut wish.prompt.words, words);
        wish.settings.seed = seed;
        drop(wish);
        if let Some(left) = self.left.get_mut(&left) {
            left.words = Some(said);
        }
        self.seed = seed;
        Ok([left, self.dream()])
    }

    /// Goes back or forth among the changes. Gives the dream that was left and the one that plays, under the words and the seed that it was left with.
    fn along(&mut self, way: impl FnOnce(&mut DreamSession) -> Result<(), DreamError>) -> Result<[u32; 2], DreamError> {
        let left = self.dream();
        self.changed(|dream, _| way(dream))?;
        let dream = self.dream();
        if dream != left
            && let Some(Left { seed, words }) = self.left.remove(&dream)
        {
            if let Some(words) = words {
                self.source.set_prompt(&words, 0)?;
                self.prompt = words.clone();
                let said = std::mem::replace(&mut lock(&self.shared.wish).prompt.words, words);
                if let Some(left) = self.left.get_mut(&left) {
                    left.words = Some(said);
                }
            }
            lock(&self.shared.wish).settings.seed = seed;
            self.seed = seed;
        }
        Ok([left, dream])
    }

    /// Number of the dream that plays; 0 of a simulator.
    fn dream(&mut self) -> u32 {
        self.source.as_dream().map_or(0, |dream| dream.dream())
    }

    fn keep(&mut self) -> Result<Kept, DreamError> {
        let rgba = self.source.read_picture()?;
        let dream = self.source.as_dream().map(|dream| Ok::<_, DreamError>((dream.dream(), dream.moment()?))).transpose()?;
        Ok(Kept { rgba, size_px: [self.info.width_px, self.info.height_px], dream })
    }

    /// Hands over what came of a request, or a sentence that says why nothing did.
    fn answer<T>(&self, to: HandOver<T>, outcome: Result<T, DreamError>) -> Result<(), DreamError> {
        to(outcome.map_err(|error| {
            self.note_loss(&error);
            format!("{error}.")
        }));
        Ok(())
    }
}
