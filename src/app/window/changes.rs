//! Changes of the whole picture, which may come only so fast: what is asked for sooner waits its turn.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::App;
use crate::input::Command;

/// Fewer than three changes of the whole picture a second cannot harm anybody's eyes (WCAG 2.3.1).
const LEAST_BETWEEN: Duration = Duration::from_millis(400);
/// Changes that may wait; what is asked for beyond them is dropped, or play would lag behind the hands.
const MOST_WAITING: usize = 4;

/// Whoever hammers at a key must not make the screen flash, and what a few taps ask for comes all the same.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// When the picture turned into another one last.
    came_at: Option<Instant>,
    /// In the order of asking, each with whether Shift was held.
    waiting: VecDeque<(Command, bool)>,
}

/// Whether it changes the whole picture. What is taken back does as well, and does not wait: it takes back what waits.
pub(super) fn changes_all(command: Command) -> bool {
    let of_the_world = matches!(command, Command::NextPrompt | Command::NewSeed | Command::Turn(_) | Command::Surprise | Command::Reset);
    of_the_world || leads_back(command)
}

/// Whether doing it twice is as if it were not done.
fn leads_back(command: Command) -> bool {
    matches!(command, Command::Map | Command::View)
}

impl Changes {
    /// Whether a change that is asked for may come at once; else it waits, where there is room. One that leads back from the one that waits last
    /// takes that away with it.
    pub(super) fn may_come(&mut self, change: (Command, bool), now: Instant) -> bool {
        if self.may_flash(now) {
            return true;
        }
        let (command, _) = change;
        if leads_back(command) && self.waiting.back().is_some_and(|(last, _)| *last == command) {
            self.waiting.pop_back();
        } else if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back(change);
        }
        false
    }

    /// Whether the white may come that tells of a picture that is taken: it counts as a change, and does not wait.
    pub(super) fn may_flash(&mut self, now: Instant) -> bool {
        let comes = self.waiting.is_empty() && self.may_be(now);
        if comes {
            self.came_at = Some(now);
        }
        comes
    }

    /// The one that waited longest, once it may come.
    fn next(&mut self, now: Instant) -> Option<(Command, bool)> {
        if !self.may_be(now) {
            return None;
        }
        let change = self.waiting.pop_front()?;
        self.came_at = Some(now);
        Some(change)
    }

    fn may_be(&self, now: Instant) -> bool {
        self.came_at.is_none_or(|at| now.saturating_duration_since(at) >= LEAST_BETWEEN)
    }

    /// When the next one may come, if any waits.
    pub(super) fn due(&self) -> Option<Instant> {
        self.came_at.filter(|_| !self.waiting.is_empty()).map(|at| at + LEAST_BETWEEN)
    }

    /// What waits was meant for a world that is left, or would come over what is painted.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
    }

    /// Prompts and other worlds that wait would come over what is said now; the map, the view and a reset come all the same.
    pub(super) fn forget_said(&mut self) {
        self.waiting.retain(|(command, _)| leads_back(*command) || *command == Command::Reset);
    }

    /// Whoever left the map by hand does not want what was asked of it before that.
    pub(super) fn forget_map(&mut self) {
        self.waiting.retain(|(command, _)| *command != Command::Map);
    }

    /// Takes back what was asked for last, where that still waits; whether it does.
    pub(super) fn drop_last(&mut self) -> bool {
        self.waiting.pop_back().is_some()
    }
}

impl App {
    /// Carries out what had to wait, once it may come.
    pub(super) fn change_as_asked(&mut self, now: Instant) {
        if let Some((command, shift)) = self.changes.next(now) {
            self.carry_out(command, shift);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::words::Dial;

    const SPACE: (Command, bool) = (Command::NextPrompt, false);
    const SHIFT_SPACE: (Command, bool) = (Command::NextPrompt, true);
    const NEW: (Command, bool) = (Command::NewSeed, false);
    const MAP: (Command, bool) = (Command::Map, false);

    #[test]
    fn taps_in_a_row_all_come_and_none_too_soon() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut changes = Changes::default();
        assert!(changes.due().is_none() && changes.next(start).is_none());
        let taps = [SPACE, SHIFT_SPACE, NEW, SPACE, NEW];
        let came: Vec<bool> = taps.into_iter().zip(0..).map(|(tap, i)| changes.may_come(tap, at(180 * i))).collect();
        assert_eq!(came, [true, false, false, false, false]);
        assert_eq!(changes.due(), Some(at(400)));
        let mut later = Vec::new();
        for ms in 720..3000 {
            later.extend(changes.next(at(ms)).map(|change| (ms, change)));
        }
        assert_eq!(later, [(720, SHIFT_SPACE), (1120, NEW), (1520, SPACE), (1920, NEW)]);
        assert_eq!(changes.due(), None);
        assert!(changes.may_come(SPACE, at(3000)), "none waits any more");
    }

    #[test]
    fn hammering_does_not_lag_behind_and_another_world_has_none_of_it() {
        let start = Instant::now();
        let later = start + 10 * LEAST_BETWEEN;
        let mut changes = Changes::default();
        let came = (0..50).filter(|_| changes.may_come(SPACE, start)).count();
        assert_eq!((came, changes.waiting.len()), (1, MOST_WAITING));
        // Who asks once more is behind those that wait.
        assert!(changes.next(later) == Some(SPACE) && !changes.may_come(NEW, later + LEAST_BETWEEN));
        changes.forget();
        assert_eq!((changes.next(later + 2 * LEAST_BETWEEN), changes.due()), (None, None));
        assert!(changes.may_come(NEW, later + 2 * LEAST_BETWEEN));
    }

    #[test]
    fn a_map_that_is_hammered_at_opens_and_closes_no_faster_and_ends_as_it_was_asked_to() {
        let start = Instant::now();
        for (presses, waits) in [(2, 1), (3, 0), (8, 1), (9, 0)] {
            let mut changes = Changes::default();
            let came = (0..presses).filter(|_| changes.may_come(MAP, start)).count();
            assert_eq!((came, changes.waiting.len()), (1, waits), "{presses} presses");
            assert_eq!(changes.next(start + LEAST_BETWEEN), (waits == 1).then_some(MAP));
        }
        // The control: another prompt does not lead back from one, nor a view from a map.
        let mut changes = Changes::default();
        let asked = [SPACE, SPACE, SPACE, MAP, (Command::View, false)];
        assert_eq!((asked.map(|change| changes.may_come(change, start))[0], changes.waiting.len()), (true, 4));
        changes.forget_map();
        assert_eq!(changes.waiting, [SPACE, SPACE, (Command::View, false)]);
    }

    #[test]
    fn who_says_something_else_still_gets_the_view_and_the_map_that_wait() {
        let start = Instant::now();
        let [turn, surprise, view] = [Command::Turn(Dial::Light), Command::Surprise, Command::View].map(|command| (command, false));
        let reset = (Command::Reset, false);
        let mut changes = Changes::default();
        assert!(changes.may_come(SHIFT_SPACE, start));
        for (asked, kept) in [([SPACE, NEW, turn, surprise], &[][..]), ([MAP, SPACE, view, reset], &[MAP, view, reset][..])] {
            for change in asked {
                assert!(!changes.may_come(change, start));
            }
            assert_eq!(changes.waiting, asked);
            changes.forget_said();
            assert_eq!(changes.waiting, kept);
        }
    }

    #[test]
    fn whatever_changes_the_whole_picture_waits_its_turn() {
        let all = [Command::NextPrompt, Command::NewSeed, Command::Surprise, Command::Reset, Command::Map, Command::View];
        assert!(all.into_iter().all(changes_all));
        let others = [Command::Panel, Command::Pause, Command::Step, Command::TakeBack, Command::Redo, Command::Screenshot, Command::Help];
        assert!(!others.into_iter().any(changes_all));
    }

    #[test]
    fn of_what_waits_the_last_is_taken_back_first() {
        let start = Instant::now();
        let mut changes = Changes::default();
        assert_eq!([SPACE, NEW, SHIFT_SPACE].map(|change| changes.may_come(change, start)), [true, false, false]);
        assert!(changes.drop_last());
        assert_eq!(changes.next(start + LEAST_BETWEEN), Some(NEW));
        assert!(!changes.drop_last() && changes.due().is_none(), "what came is not taken back here");
    }

    #[test]
    fn pictures_and_other_worlds_in_turns_flash_no_more_often_than_either() {
        let start = Instant::now();
        let mut changes = Changes::default();
        let mut came = Vec::new();
        for ms in 0..4000 {
            let now = start + Duration::from_millis(ms);
            let white = ms % 200 == 0 && changes.may_flash(now);
            let another = ms % 200 == 100 && changes.may_come(NEW, now);
            if white || another || changes.next(now).is_some() {
                came.push(ms);
            }
        }
        assert_eq!(came, (0..4000).step_by(400).collect::<Vec<u64>>());
        // Pictures alone are all seen, one after the other.
        let mut alone = Changes::default();
        assert_eq!((0..10).filter(|i| alone.may_flash(start + LEAST_BETWEEN * *i)).count(), 10);
        assert!(!alone.may_flash(start + LEAST_BETWEEN * 9 + LEAST_BETWEEN / 2) && alone.due().is_none(), "it does not wait");
    }
}
