//! What happens while nobody plays: the pointer goes, and where it is asked for the world begins anew and walks by itself.

use std::time::{Duration, Instant};

use winit::dpi::PhysicalPosition;

use super::App;
use crate::dream::Intent;
use crate::input::{Command, Holder};
use crate::worlds::random::Rng;

/// A pointer that rests this long is in the way.
const POINTER_LASTS: Duration = Duration::from_secs(3);
/// A pointer that moves by less than this, in pixels, is moved by nobody: a mouse on a table that shakes.
const TREMBLES_PX: f64 = 12.0;
/// What is held longer than this without any other press is no hand: a stick that drifts.
const LONGEST_HOLD: Duration = Duration::from_secs(600);
/// After so long with somebody there the dream is worn out, and whoever does nothing for a moment makes room for a fresh one: where one visitor follows the
/// other, nobody is ever gone for long.
const VISITS_LAST: Duration = Duration::from_secs(900);
const MOMENT: Duration = Duration::from_secs(20);
/// How long a stroll goes one way.
const LEG: Duration = Duration::from_millis(1700);
/// A dream that walks by itself this long begins anew: it wears out slowly, over thousands of frames.
const STROLL_LASTS: Duration = Duration::from_secs(300);
/// One by which a stroll goes every way within its first legs.
const STROLL_SEED: u64 = 7;
/// Quarter turns between two legs: straight on as often as aside, and never about, which from within would be a whip.
const TURNS: [i32; 4] = [0, 0, 1, -1];
/// The same where something is in its way.
const ASIDE: [i32; 2] = [1, -1];
/// Steps in a row that led nowhere before it turns aside: one may be chance.
const STUCK_STEPS: usize = 2;

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nobody has come yet: the world is as it began.
    Alone,
    /// Nobody has been there for long: begin anew.
    Left,
    /// Walk this way, until the next turn.
    Stroll(Intent),
    /// It has walked by itself for long: the dream begins anew, under whatever is said.
    Refresh,
    /// Somebody is there again.
    Arrived,
    /// Somebody walks who had let it walk by itself.
    Rest,
}

/// Watches over what is touched, by a clock that it is told.
#[derive(Debug)]
pub struct Idle {
    /// How long nobody may be there; for ever where not given.
    after: Option<Duration>,
    /// When somebody did something last; nobody has at the start.
    touched_at: Option<Instant>,
    /// Since when somebody has been there.
    there_since: Instant,
    pointed_at: Instant,
    /// Where the pointer is, once that is known: where it stood when the window opened is told like a move of it.
    pointer_at: Option<PhysicalPosition<f64>>,
    /// As counted by the latch when last looked at.
    presses: u64,
    /// Since when something has been held, counted from the last press.
    held_since: Option<Instant>,
    strolling: bool,
    /// It walks by itself because somebody asked for that.
    asked: bool,
    /// Somebody came since the last look.
    arrived: bool,
    /// Where it goes, and whether that leads nowhere.
    way: Intent,
    blocked: bool,
    /// The quarter turn that led aside from what was in the way; none once it leads on.
    aside: Option<i32>,
    turn_at: Instant,
    refresh_at: Instant,
    chance: Rng,
}

impl Idle {
    /// To begin with, nobody is there.
    pub fn new(after: Option<Duration>, now: Instant) -> Self {
        Self {
            after,
            touched_at: None,
            there_since: now,
            pointed_at: now,
            pointer_at: None,
            presses: 0,
            held_since: None,
            strolling: false,
            asked: false,
            arrived: false,
            way: Intent::South,
            blocked: false,
            aside: None,
            turn_at: now,
            refresh_at: now,
            chance: Rng::new(STROLL_SEED),
        }
    }

    /// Somebody did something.
    pub fn touch(&mut self, now: Instant) {
        self.touched_at = Some(now);
        self.arrived |= self.strolling;
    }

    /// Whether somebody has done something since `then`, or lets it walk.
    pub fn plays_since(&self, then: Instant) -> bool {
        self.asked || self.touched_at.is_some_and(|at| at >= then)
    }

    /// Lets it walk by itself until somebody walks, or no more; gives whether it does.
    pub fn let_stroll(&mut self, now: Instant) -> bool {
        self.asked = !self.asked;
        self.turn_at = now;
        self.asked
    }

    /// Whether what was asked for last leads on, or which way it leads nowhere, and how often in a row: who strolls there turns aside.
    pub fn see_stuck(&mut self, stuck: Option<(Intent, usize)>) {
        self.blocked = stuck.is_some_and(|(way, steps)| way == self.way && steps >= STUCK_STEPS);
        if stuck.is_none() {
            self.aside = None;
        }
    }

    /// The pointer is here; where it was elsewhere before, somebody moved it. It is still where it was while it only trembles.
    pub fn point(&mut self, at: PhysicalPosition<f64>, now: Instant) {
        if self.pointer_at.is_some_and(|before| (at.x - before.x).hypot(at.y - before.y) < TREMBLES_PX) {
            return;
        }
        self.pointed_at = now;
        if self.pointer_at.replace(at).is_some() {
            self.touch(now);
        }
    }

    /// Somebody pressed a button of the mouse, or turned its wheel.
    pub fn click(&mut self, now: Instant) {
        self.pointed_at = now;
        self.touch(now);
    }

    pub fn hides_pointer(&self, now: Instant) -> bool {
        now >= self.pointed_at + POINTER_LASTS
    }

    /// Looks at what is due; `presses` is what the latch has counted, `held` whether somebody holds something.
    pub fn look(&mut self, now: Instant, presses: u64, held: bool) -> Option<Turn> {
        let walks = presses != self.presses;
        if walks {
            self.presses = presses;
            self.held_since = None;
            self.touch(now);
        }
        self.held_since = held.then(|| self.held_since.unwrap_or(now));
        if self.held_since.is_some_and(|since| now < since + LONGEST_HOLD) {
            self.touch(now);
        }
        if std::mem::take(&mut self.arrived) {
            (self.strolling, self.there_since) = (false, now);
            return Some(Turn::Arrived);
        }
        if self.asked {
            self.asked = !walks;
            return if walks { Some(Turn::Rest) } else { self.next_leg(now) };
        }
        if !self.strolling {
            self.strolling = self.gone_at().is_some_and(|at| now >= at);
            (self.turn_at, self.refresh_at) = (now, now + STROLL_LASTS);
            let turn = if self.touched_at.is_some() { Turn::Left } else { Turn::Alone };
            return self.strolling.then_some(turn);
        }
        if now >= self.refresh_at {
            self.refresh_at = now + STROLL_LASTS;
            return Some(Turn::Refresh);
        }
        self.next_leg(now)
    }

    /// Where it goes on, once it has gone far enough one way or something is in its way. Out of a corner it goes on turning the way it began to.
    fn next_leg(&mut self, now: Instant) -> Option<Turn> {
        let blocked = std::mem::take(&mut self.blocked);
        (blocked || now >= self.turn_at).then(|| {
            let turn = match (blocked, self.aside) {
                (true, Some(aside)) => aside,
                (true, None) => self.chance.pick(&ASIDE),
                (false, _) => self.chance.pick(&TURNS),
            };
            self.aside = blocked.then_some(turn);
            // Sooner beside a wall: it shall not follow that for ever.
            self.turn_at = now + if blocked { LEG / 2 } else { LEG };
            self.way = self.way.turned(turn);
            Turn::Stroll(self.way)
        })
    }

    /// When nobody is there any more, if nobody does anything until then.
    fn gone_at(&self) -> Option<Instant> {
        let after = self.after?;
        let Some(touched_at) = self.touched_at else { return Some(self.there_since) };
        let worn_out_at = self.there_since + VISITS_LAST;
        Some((touched_at + after).min(worn_out_at.max(touched_at + MOMENT)))
    }

    /// When to look again.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        let pointer = (!self.hides_pointer(now)).then_some(self.pointed_at + POINTER_LASTS);
        let turn = if self.strolling || self.asked { Some(self.turn_at) } else { self.gone_at() };
        pointer.into_iter().chain(turn).min()
    }
}

impl App {
    /// Lets it walk by itself until somebody walks, or no more; at an event it does that where nobody is there.
    pub(super) fn stroll(&mut self) {
        if self.plan.event {
            return;
        }
        self.latch().release(Holder::Stroll);
        if self.idle.let_stroll(Instant::now()) {
            self.leave_map();
            if self.ui.paused {
                self.command(Command::Pause);
            }
            let key = self.control_of(Command::Stroll).map_or_else(String::new, |control| format!("{control} or "));
            self.ui.toasts.push(format!("Walks by itself; {key}any step ends it."), false);
        }
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
        assert_eq!((idle.due(start), idle.look(start, 0, false)), (Some(start), Some(Turn::Alone)), "nobody has come yet");
        idle.touch(start);
        assert_eq!(idle.look(start, 0, false), Some(Turn::Arrived));
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
        for (secs, y) in [(1038.0, 5.0), (1038.5, 5.0), (1039.0, 16.9), (1039.5, -6.9)] {
            idle.point(PhysicalPosition::new(7.0, y), at(secs));
            assert!(!matches!(idle.look(at(secs), 1, false), Some(Turn::Arrived)), "the pointer has stood there all the time, or trembled");
        }
        idle.point(PhysicalPosition::new(7.0, 17.0), at(1040.0));
        assert_eq!(idle.look(at(1040.0), 1, false), Some(Turn::Arrived));
        assert_eq!(idle.look(at(1049.0), 1, false), None);
        assert_eq!(idle.look(at(1050.0), 1, false), Some(Turn::Left), "gone again");
    }

    #[test]
    fn the_first_click_is_somebody() {
        let start = Instant::now();
        let mut idle = Idle::new(Some(Duration::from_secs(10)), start);
        assert_eq!(idle.look(start, 0, false), Some(Turn::Alone));
        let after = start + Duration::from_secs(5);
        assert!(idle.hides_pointer(after));
        idle.click(after);
        assert_eq!((idle.look(after, 0, false), idle.hides_pointer(after)), (Some(Turn::Arrived), false));
    }

    #[test]
    fn who_holds_on_is_there_and_a_stick_that_drifts_is_not() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut idle = Idle::new(Some(Duration::from_secs(10)), start);
        let begun = [idle.look(start, 0, false), idle.look(start, 1, false)];
        assert_eq!(begun, [Some(Turn::Alone), Some(Turn::Arrived)]);
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
    fn a_busy_hall_gets_a_fresh_dream_as_soon_as_somebody_rests() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut idle = Idle::new(Some(Duration::from_secs(60)), start);
        assert_eq!(idle.look(start, 0, false), Some(Turn::Alone));
        // Somebody presses something every half minute.
        let mut left_after = |from: u64, most: u64| {
            let left_at = (from..from + most).find(|secs| idle.look(at(*secs), secs / 30, false) == Some(Turn::Left));
            left_at.map(|secs| secs - from)
        };
        assert_eq!(left_after(30, 900), None, "a quarter of an hour is theirs");
        assert_eq!(left_after(930, 100), Some(20), "a moment after a press");
        assert_eq!(left_after(960, 900), None, "the next one has as long");
        // Who goes on without a rest is not sent away.
        assert!((1861..2200).all(|secs| idle.look(at(secs), secs, false).is_none()));
        assert_eq!(idle.due(at(2199)), Some(at(2219)));
    }

    #[test]
    fn it_walks_by_itself_until_somebody_walks() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut idle = Idle::new(None, start);
        assert!(!idle.plays_since(start) && idle.look(at(1), 0, false).is_none());
        assert!(idle.let_stroll(at(1)) && idle.plays_since(at(1)));
        assert!(matches!(idle.look(at(1), 0, false), Some(Turn::Stroll(_))));
        assert_eq!((idle.look(at(2), 0, false), idle.due(at(100))), (None, Some(at(1) + LEG)));
        // Whatever else is done, and for how long it may go on.
        idle.touch(at(3));
        assert!((4..1000).all(|secs| matches!(idle.look(at(secs), 0, false), None | Some(Turn::Stroll(_)))));
        assert_eq!([idle.look(at(1000), 1, true), idle.look(at(1010), 1, false)], [Some(Turn::Rest), None]);
        // As well as who asks once more.
        assert!(idle.let_stroll(at(1011)) && !idle.let_stroll(at(1012)));
        assert_eq!(idle.look(at(1020), 1, false), None);
        assert!(idle.plays_since(at(1000)) && !idle.plays_since(at(1001)), "since then nobody has done anything");
    }

    /// How often in a row a stroll through a room of eight by eight places runs into its walls, at most, and how many of them it comes to.
    fn strolls_through_a_room(told: bool) -> (usize, usize) {
        let start = Instant::now();
        let mut idle = Idle::new(None, start);
        idle.let_stroll(start);
        let (mut at, mut way, mut stuck, mut longest) = ([3, 3], Intent::Stay, 0, 0);
        let mut seen = std::collections::HashSet::new();
        for step in 0..900_u32 {
            if told {
                idle.see_stuck((stuck > 0).then_some((way, stuck)));
            }
            let turn = idle.look(start + step * Duration::from_millis(166), 0, false);
            if let Some(Turn::Stroll(another)) = turn
                && another != way
            {
                (way, stuck) = (another, 0);
            }
            let next = [0, 1].map(|i| at[i] + way.way()[i]);
            (at, stuck) = if next.iter().all(|place| (0..8).contains(place)) { (next, 0) } else { (at, stuck + 1) };
            longest = longest.max(stuck);
            seen.insert(at);
        }
        (longest, seen.len())
    }

    #[test]
    fn a_stroll_turns_aside_from_what_is_in_its_way() {
        let (longest, places) = strolls_through_a_room(true);
        assert_eq!(longest, STUCK_STEPS);
        assert!(places > 40, "it keeps to {places} places of 64");
        // The control: who is not told of the wall pushes on.
        let (longest, _) = strolls_through_a_room(false);
        assert!(longest > 3 * STUCK_STEPS, "{longest}");
    }

    #[test]
    fn what_is_in_another_way_than_that_of_the_stroll_turns_nobody() {
        let start = Instant::now();
        let mut idle = Idle::new(None, start);
        idle.let_stroll(start);
        let Some(Turn::Stroll(way)) = idle.look(start, 0, false) else { panic!("it walks") };
        for stuck in [None, Some((way.turned(1), 9)), Some((way, 1)), Some((Intent::Stay, 9))] {
            idle.see_stuck(stuck);
            assert_eq!(idle.look(start, 0, false), None, "{stuck:?}");
        }
        idle.see_stuck(Some((way, 2)));
        let turned = idle.look(start, 0, false);
        assert!([1, -1].map(|aside| Some(Turn::Stroll(way.turned(aside)))).contains(&turned), "{turned:?}");
        // A corner: on the way it turned already, not back into the first wall.
        let Some(Turn::Stroll(second)) = turned else { panic!("it walks") };
        idle.see_stuck(Some((second, 1)));
        assert_eq!(idle.look(start, 0, false), None);
        idle.see_stuck(Some((second, 2)));
        assert_eq!(idle.look(start, 0, false), Some(Turn::Stroll(way.turned(2))));
    }

    #[test]
    fn a_resting_pointer_goes_and_nobody_is_sent_away_who_was_not_to_be() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut idle = Idle::new(None, start);
        assert!(!idle.hides_pointer(at(2)) && idle.hides_pointer(at(3)));
        let here = PhysicalPosition::new(7.0, 5.0);
        idle.point(here, at(5));
        assert!(!idle.hides_pointer(at(7)) && idle.due(at(7)) == Some(at(8)));
        idle.point(here, at(9));
        assert!(idle.hides_pointer(at(9)), "it rests");
        assert_eq!((idle.look(at(100_000), 0, false), idle.due(at(100_000))), (None, None));
    }
}
