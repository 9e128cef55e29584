//! What happens while nobody plays: the pointer goes, and where it is asked for the world begins anew and walks by itself.

use std::time::{Duration, Instant};

use crate::dream::Intent;
use crate::worlds::random::Rng;

/// A pointer that rests this long is in the way.
const POINTER_LASTS: Duration = Duration::from_secs(3);
/// What is held longer than this without any other press is no hand: a stick that drifts.
const LONGEST_HOLD: Duration = Duration::from_secs(600);
/// How long a stroll goes one way.
const LEG: Duration = Duration::from_millis(1700);
/// A dream that walks by itself this long begins anew: it wears out slowly, over thousands of frames.
const STROLL_LASTS: Duration = Duration::from_secs(300);
/// One by which a stroll goes every way within its first legs.
const STROLL_SEED: u64 = 7;
/// Quarter turns between two legs: straight on as often as aside, and never about, which from within would be a whip.
const TURNS: [i32; 4] = [0, 0, 1, -1];

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nobody has been there for long: begin anew.
    Left,
    /// Walk this way, until the next turn.
    Stroll(Intent),
    /// It has walked by itself for long: the dream begins anew, under whatever is said.
    Refresh,
    /// Somebody is there again.
    Arrived,
}

/// Watches over what is touched, by a clock that it is told.
#[derive(Debug)]
pub struct Idle {
    /// How long nobody may be there; for ever where not given.
    after: Option<Duration>,
    touched_at: Instant,
    pointed_at: Instant,
    /// As counted by the latch when last looked at.
    presses: u64,
    /// Since when something has been held, counted from the last press.
    held_since: Option<Instant>,
    strolling: bool,
    /// Somebody came since the last look.
    arrived: bool,
    /// Where it goes.
    way: Intent,
    turn_at: Instant,
    refresh_at: Instant,
    chance: Rng,
}

impl Idle {
    pub fn new(after: Option<Duration>, now: Instant) -> Self {
        Self {
            after,
            touched_at: now,
            pointed_at: now,
            presses: 0,
            held_since: None,
            strolling: false,
            arrived: false,
            way: Intent::South,
            turn_at: now,
            refresh_at: now,
            chance: Rng::new(STROLL_SEED),
        }
    }

    /// Somebody did something.
    pub fn touch(&mut self, now: Instant) {
        self.touched_at = now;
        self.arrived |= self.strolling;
    }

    /// Somebody moved the pointer.
    pub fn point(&mut self, now: Instant) {
        self.pointed_at = now;
        self.touch(now);
    }

    pub fn hides_pointer(&self, now: Instant) -> bool {
        now >= self.pointed_at + POINTER_LASTS
    }

    /// Looks at what is due; `presses` is what the latch has counted, `held` whether somebody holds something.
    pub fn look(&mut self, now: Instant, presses: u64, held: bool) -> Option<Turn> {
        if presses != self.presses {
            self.presses = presses;
            self.held_since = None;
            self.touch(now);
        }
        self.held_since = held.then(|| self.held_since.unwrap_or(now));
        if self.held_since.is_some_and(|since| now < since + LONGEST_HOLD) {
            self.touch(now);
        }
        if std::mem::take(&mut self.arrived) {
            self.strolling = false;
            return Some(Turn::Arrived);
        }
        if !self.strolling {
            self.strolling = self.after.is_some_and(|after| now >= self.touched_at + after);
            (self.turn_at, self.refresh_at) = (now, now + STROLL_LASTS);
            return self.strolling.then_some(Turn::Left);
        }
        if now >= self.refresh_at {
            self.refresh_at = now + STROLL_LASTS;
            return Some(Turn::Refresh);
        }
        (now >= self.turn_at).then(|| {
            self.turn_at = now + LEG;
            self.way = self.way.turned(self.chance.pick(&TURNS));
            Turn::Stroll(self.way)
        })
    }

    /// When to look again.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        let pointer = (!self.hides_pointer(now)).then_some(self.pointed_at + POINTER_LASTS);
        let turn = if self.strolling { Some(self.turn_at) } else { self.after.map(|after| self.touched_at + after) };
        pointer.into_iter().chain(turn).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_begins_anew_and_strolls_until_somebody_comes() {
        let start = Instant::now();
        let at = |secs: f32| start + Duration::from_secs_f32(secs);
        let mut idle = Idle::new(Some(Duration::from_secs(10)), start);
        assert_eq!(idle.look(at(9.0), 0, false), None);
        assert_eq!(idle.look(at(9.5), 1, false), None, "somebody walks");
        assert_eq!((idle.look(at(19.0), 1, false), idle.due(at(19.0))), (None, Some(at(19.5))));
        assert_eq!(idle.look(at(19.5), 1, false), Some(Turn::Left));
        let turns: Vec<Option<Turn>> = (0..200).map(|tenth| idle.look(at(20.0 + tenth as f32 * 0.1), 1, false)).collect();
        let ways: Vec<Turn> = turns.into_iter().flatten().collect();
        assert!((10..=13).contains(&ways.len()), "{ways:?}");
        for intent in [Intent::North, Intent::South, Intent::West, Intent::East] {
            assert!(ways.contains(&Turn::Stroll(intent)), "{ways:?}");
        }
        let about = |pair: &[Turn]| matches!(pair, [Turn::Stroll(a), Turn::Stroll(b)] if a.turned(2) == *b);
        assert!(!ways.windows(2).any(about), "{ways:?}");
        // Every five minutes the dream begins anew.
        let refreshed: Vec<u64> = (40..=1000).filter(|&secs| idle.look(at(secs as f32), 1, false) == Some(Turn::Refresh)).collect();
        assert_eq!(refreshed, [320, 620, 920]);
        idle.point(at(1040.0));
        assert_eq!(idle.look(at(1040.0), 1, false), Some(Turn::Arrived));
        assert_eq!(idle.look(at(1049.0), 1, false), None);
        assert_eq!(idle.look(at(1050.0), 1, false), Some(Turn::Left), "gone again");
    }

    #[test]
    fn who_holds_on_is_there_and_a_stick_that_drifts_is_not() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut idle = Idle::new(Some(Duration::from_secs(10)), start);
        assert!((1..=600).all(|secs| idle.look(at(secs), 1, true).is_none()), "sent away with a direction held");
        // Nothing else was pressed for ten minutes: nobody holds it.
        assert!((601..=609).all(|secs| idle.look(at(secs), 1, true).is_none()));
        assert_eq!(idle.look(at(610), 1, true), Some(Turn::Left));
        assert!(matches!(idle.look(at(611), 1, true), Some(Turn::Stroll(_))));
        // A press beside it is a hand, and so is what is held from then on.
        assert_eq!(idle.look(at(612), 2, true), Some(Turn::Arrived));
        assert!((613..=1200).all(|secs| idle.look(at(secs), 2, true).is_none()));
        assert_eq!(idle.look(at(1201), 2, false), None);
        assert_eq!(idle.look(at(1210), 2, false), Some(Turn::Left), "let go");
    }

    #[test]
    fn a_resting_pointer_goes_and_nobody_is_sent_away_who_was_not_to_be() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut idle = Idle::new(None, start);
        assert!(!idle.hides_pointer(at(2)) && idle.hides_pointer(at(3)));
        idle.point(at(5));
        assert!(!idle.hides_pointer(at(7)) && idle.due(at(7)) == Some(at(8)));
        assert_eq!((idle.look(at(100_000), 0, false), idle.due(at(100_000))), (None, None));
    }
}
