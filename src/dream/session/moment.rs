//! Moments of a dream: what it has to know of its past to go on, taken out of a session and put back.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{DreamSession, Seen};
use crate::dream::Source;
use crate::dream::source::DreamError;
use crate::engine::TokenFrame;
use crate::engine::inputs::check_past;
use crate::engine::recall::Map;
use crate::engine::told::Told;

/// Moments that can be returned to.
const MOST_UNDO: usize = 8;

/// All that a dream is at one moment, but for its seed and its words.
#[derive(Clone)]
pub struct Moment {
    /// What is remembered of the land from before the history.
    pub before: Option<Map>,
    /// Tokens of the last frames, oldest first.
    pub history: Vec<TokenFrame>,
    /// Number of the frame to come, for its chances.
    pub next_frame: u32,
    /// What reset returns to; nothing where the dream came from its prompt.
    pub start: Vec<TokenFrame>,
}

/// Where [`DreamSession::undo`] leads.
pub(super) struct Undo {
    moment: Moment,
    dream: u32,
    /// The picture shown last.
    seen: Option<Arc<Seen>>,
}

/// What can be taken back, the latest last.
pub(super) type Undos = VecDeque<Undo>;

impl DreamSession {
    /// The present moment (blocking).
    ///
    /// # Errors
    /// [`DreamError::NothingDreamed`], and what the engine says.
    pub fn moment(&mut self) -> Result<Moment, DreamError> {
        self.settle()?;
        if self.history.is_empty() {
            return Err(DreamError::NothingDreamed);
        }
        let (before, history) = (self.before.clone(), self.history.iter().cloned().collect());
        Ok(Moment { before, history, next_frame: self.next_frame, start: self.start.clone() })
    }

    /// Goes on from a moment of this session or of another one of the same world, under these rows of the word table. What there is can be returned to.
    ///
    /// # Errors
    /// What the engine says of a moment or words of another world; the dream is then as it was.
    pub fn resume(&mut self, moment: Moment, words: &[u16]) -> Result<(), DreamError> {
        check_past(self.engine.manifest(), moment.before.as_ref(), &moment.history)?;
        check_past(self.engine.manifest(), None, &moment.start)?;
        if moment.history.is_empty() {
            return Err(DreamError::NothingDreamed);
        }
        self.begin_another()?;
        self.set_prompt(words, 0)?;
        self.start.clone_from(&moment.start);
        (self.seen, self.fresh) = (None, false);
        self.go_to(moment)
    }

    /// Takes the last change or new beginning back: its frame is there again, and the past that led to it.
    ///
    /// # Errors
    /// [`DreamError::NothingToUndo`], and what the engine says.
    pub fn undo(&mut self) -> Result<(), DreamError> {
        self.settle()?;
        let Undo { moment, dream, seen } = self.undo.pop_back().ok_or(DreamError::NothingToUndo)?;
        self.start.clone_from(&moment.start);
        (self.dream, self.seen, self.fresh) = (dream, seen, false);
        self.go_to(moment)
    }

    /// Another dream begins; what there is can be returned to.
    pub(super) fn begin_another(&mut self) -> Result<(), DreamError> {
        match self.moment() {
            Ok(moment) => self.undo_returns_to(moment),
            Err(DreamError::NothingDreamed) => {}
            Err(other) => return Err(other),
        }
        self.begun += 1;
        self.dream = self.begun;
        Ok(())
    }

    pub(super) fn undo_returns_to(&mut self, moment: Moment) {
        if self.undo.len() == MOST_UNDO {
            self.undo.pop_front();
        }
        self.undo.push_back(Undo { moment, dream: self.dream, seen: self.seen.clone() });
    }

    /// Makes `moment` the past; what reset returns to stays.
    pub(super) fn go_to(&mut self, moment: Moment) -> Result<(), DreamError> {
        let Moment { before, history, next_frame, .. } = moment;
        self.engine.restore_after(before.as_ref(), &history, next_frame)?;
        self.next_frame = next_frame;
        self.in_flight.clear();
        self.told = Told::after(&history);
        self.history.clear();
        self.history.extend(history);
        self.before.iter_mut().for_each(|map| map.begin_with(before.as_ref()));
        Ok(())
    }
}
