//! Moments of a dream: what it has to know of its past to go on, taken out of a session and put back.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{DreamSession, Seen, take_in};
use crate::dream::Source;
use crate::dream::first_person::Book;
use crate::dream::source::DreamError;
use crate::engine::inputs::{check_past, check_prompt};
use crate::engine::recall::Map;
use crate::engine::told::Told;
use crate::engine::{DecodeSettings, TokenFrame};
use crate::prompt;

/// Moments that can be returned to.
pub const MOST_UNDO: usize = 16;
/// Frames of a walk that somebody may want back.
const A_WALK: u32 = 20;

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

impl Moment {
    /// Frames that led to it, as far as they are remembered.
    pub(super) fn frames(&self) -> u32 {
        frames_of(self.before.as_ref(), &self.history)
    }
}

/// Frames of a past, as far as they are remembered.
pub(super) fn frames_of(before: Option<&Map>, history: &[TokenFrame]) -> u32 {
    before.map_or(0, Map::frames) + history.len() as u32
}

/// Where [`DreamSession::undo`] and [`DreamSession::redo`] lead.
#[derive(Clone)]
pub(super) struct Place {
    moment: Moment,
    /// By these its frames saw their past.
    settings: DecodeSettings,
    dream: u32,
    said: u32,
    /// Number of the first frame since which no other land was asked for.
    since: u32,
    /// The picture shown last.
    seen: Option<Arc<Seen>>,
}

/// What can be taken back and what can be done again, the next one last.
#[derive(Default)]
pub(super) struct Changes {
    back: VecDeque<Place>,
    again: Vec<Place>,
}

impl Changes {
    /// From here on something is changed.
    fn add(&mut self, here: Place) {
        self.again.clear();
        if self.back.len() == MOST_UNDO {
            self.back.pop_front();
        }
        self.back.push_back(here);
    }
}

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

    /// Goes on from a moment of this session or of another one of the same world, under these rows of the word table; its frames see their past by the
    /// memory and the context level of these settings, as they did. The present moment can be returned to.
    ///
    /// # Errors
    /// What the engine says. Of a moment or words of another world it says so first: the dream is then as it was.
    pub fn resume(&mut self, moment: Moment, words: &[u16], settings: &DecodeSettings) -> Result<(), DreamError> {
        check_past(self.engine.manifest(), moment.before.as_ref(), &moment.history)?;
        check_past(self.engine.manifest(), None, &moment.start)?;
        if moment.history.is_empty() {
            return Err(DreamError::NothingDreamed);
        }
        check_prompt(self.engine.manifest(), &prompt::told(words))?;
        self.begin_another()?;
        self.set_prompt(words, 0)?;
        let Moment { before, history, next_frame, start } = moment;
        self.engine.set_settings(settings)?;
        self.go_to(before, history, next_frame)?;
        (self.start, self.seen) = (start, None);
        Ok(())
    }

    /// Makes the present moment one that can be returned to.
    ///
    /// # Errors
    /// What the engine says.
    pub fn mark(&mut self) -> Result<(), DreamError> {
        if let Some(here) = self.place()? {
            self.changes.add(here);
        }
        Ok(())
    }

    /// Number of what is said, as it was called in the moment that plays.
    pub fn said(&self) -> u32 {
        self.said
    }

    /// Calls what is said so.
    pub fn call_said(&mut self, said: u32) {
        self.said = said;
    }

    /// Goes back to the last moment that can be returned to, before a change or a new beginning: its frame is there again, and the past that led to it.
    /// The caller has to say the words of then. Where this leaves a walk behind, what goes on is another dream, so that the walk can be kept.
    ///
    /// # Errors
    /// [`DreamError::NothingToUndo`], and what the engine says: then the way back is still there.
    pub fn undo(&mut self) -> Result<(), DreamError> {
        let here = self.place()?;
        let there = self.changes.back.back().cloned().ok_or(DreamError::NothingToUndo)?;
        let left = here.as_ref().filter(|here| here.dream == there.dream).map_or(0, |here| here.moment.frames());
        let leaves_a_walk = left >= there.moment.frames() + A_WALK;
        self.take_place(there)?;
        self.changes.back.pop_back();
        self.changes.again.extend(here);
        if leaves_a_walk {
            self.become_another();
        }
        Ok(())
    }

    /// Does again what was taken back last, if nothing else was changed since.
    ///
    /// # Errors
    /// [`DreamError::NothingToRedo`], and what the engine says: then the way forth is still there.
    pub fn redo(&mut self) -> Result<(), DreamError> {
        let here = self.place()?;
        let there = self.changes.again.last().cloned().ok_or(DreamError::NothingToRedo)?;
        self.take_place(there)?;
        self.changes.again.pop();
        self.changes.back.extend(here);
        Ok(())
    }

    /// Puts the words of a moment that was returned to in force again: the land there is theirs.
    ///
    /// # Errors
    /// What the engine says.
    pub fn say_again(&mut self, words: &[u16]) -> Result<(), DreamError> {
        self.set_prompt(words, 0)?;
        self.ahead.forget();
        Ok(())
    }

    /// Nothing that was changed so far can be taken back, or done again.
    pub fn forget_changes(&mut self) {
        self.changes = Changes::default();
    }

    /// Numbers of the dream and of what is said: of the present moment, and of each that [`Self::undo`] and [`Self::redo`] can still lead to.
    pub fn within_reach(&self) -> impl Iterator<Item = (u32, u32)> {
        let places = self.changes.back.iter().chain(&self.changes.again);
        std::iter::once((self.dream, self.said)).chain(places.map(|place| (place.dream, place.said)))
    }

    /// Where the dream is; nothing where it is nowhere yet.
    fn place(&mut self) -> Result<Option<Place>, DreamError> {
        match self.moment() {
            Ok(moment) => Ok(Some(self.place_of(moment))),
            Err(DreamError::NothingDreamed) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// A moment of the dream that plays.
    fn place_of(&self, moment: Moment) -> Place {
        let settings = self.engine.settings();
        Place { moment, settings, dream: self.dream, said: self.said, since: self.ahead.imagined.since, seen: self.seen.clone() }
    }

    fn take_place(&mut self, Place { moment, settings, dream, said, since, seen }: Place) -> Result<(), DreamError> {
        let Moment { before, history, next_frame, start } = moment;
        self.engine.set_settings(&settings)?;
        self.go_to(before, history, next_frame)?;
        (self.start, self.dream, self.said, self.seen) = (start, dream, said, seen);
        self.ahead.imagined.since = since;
        Ok(())
    }

    /// Another dream begins; the present moment can be returned to.
    pub(super) fn begin_another(&mut self) -> Result<(), DreamError> {
        self.mark()?;
        self.become_another();
        Ok(())
    }

    /// What plays is another dream from here on, and is kept as one.
    pub(super) fn become_another(&mut self) {
        self.dreams_begun += 1;
        self.dream = self.dreams_begun;
    }

    pub(super) fn undo_returns_to(&mut self, moment: Moment) {
        let place = self.place_of(moment);
        self.changes.add(place);
    }

    /// Makes this the past, as [`Moment`] has it; what reset returns to stays.
    pub(super) fn go_to(&mut self, before: Option<Map>, history: Vec<TokenFrame>, next_frame: u32) -> Result<(), DreamError> {
        self.engine.restore_after(before.as_ref(), &history, next_frame)?;
        self.ahead.forget();
        self.book.iter_mut().for_each(Book::forget);
        self.next_frame = next_frame;
        self.in_flight.clear();
        self.told = Told::after(&history);
        self.history.clear();
        self.history.extend(history);
        self.before.iter_mut().chain(&mut self.land_seen).for_each(|map| map.begin_with(before.as_ref()));
        let m = self.engine.manifest();
        if let Some(map) = &mut self.land_seen {
            self.history.iter().for_each(|frame| take_in(map, frame, m));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::session::tests::shown;
    use crate::engine::inputs::play_settings;
    use crate::pack::random::{odd_manifest, random_pack};

    #[test]
    fn words_or_frames_of_another_world_leave_the_dream_as_it_was() {
        let pack = random_pack(odd_manifest(), 5).unwrap();
        let settings = play_settings(&pack.manifest);
        let mut session = shown(&pack, 1);
        let moment = session.moment().unwrap();
        session.step(1, &settings).unwrap();
        let walked = session.read_picture().unwrap();
        let mut foreign = moment.clone();
        foreign.history[0].codes.clear();
        assert!(session.resume(foreign, &[4], &settings).is_err() && session.resume(moment.clone(), &[60_000], &settings).is_err());
        assert!(session.dream() == 1 && session.words().is_empty());
        assert_eq!(session.read_picture().unwrap(), walked);
        assert!(matches!(session.undo(), Err(DreamError::NothingToUndo)), "nothing began");
        // The control: with words it knows, another dream begins.
        session.resume(moment, &[4], &settings).unwrap();
        assert_eq!((session.dream(), session.words()), (2, &[4][..]));
        session.undo().unwrap();
    }

    #[test]
    fn a_way_back_or_forth_that_fails_can_be_taken_once_more() {
        let pack = random_pack(odd_manifest(), 5).unwrap();
        let settings = play_settings(&pack.manifest);
        let mut session = shown(&pack, 1);
        let home = session.read_picture().unwrap();
        session.step(1, &settings).unwrap();
        let walked = session.read_picture().unwrap();
        assert_ne!(walked, home);
        session.reset(&settings).unwrap();
        // A past that the engine refuses, as it refuses any when its device is lost.
        let spoil = |place: &mut Place| std::mem::take(&mut place.moment.history[0].codes);
        let codes = spoil(session.changes.back.back_mut().unwrap());
        assert!(session.undo().is_err() && session.changes.again.is_empty());
        assert_eq!(session.read_picture().unwrap(), home);
        session.changes.back.back_mut().unwrap().moment.history[0].codes = codes;
        session.undo().unwrap();
        assert_eq!(session.read_picture().unwrap(), walked);
        let codes = spoil(session.changes.again.last_mut().unwrap());
        assert!(session.redo().is_err() && session.changes.back.is_empty());
        assert_eq!(session.read_picture().unwrap(), walked);
        session.changes.again.last_mut().unwrap().moment.history[0].codes = codes;
        session.redo().unwrap();
        assert_eq!(session.read_picture().unwrap(), home);
        session.undo().unwrap();
    }
}
