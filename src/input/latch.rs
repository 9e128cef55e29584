//! Decides what drives the next frame. A press counts even if it is over before the frame; the direction pressed last wins.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use winit::keyboard::KeyCode;

use super::pad::{PadControl, PadId, Push};
use crate::dream::{Drive, Intent};

/// Presses that may wait for a frame of their own; older ones are dropped, or play would lag behind the hands.
const MOST_TAPS: usize = 2;

/// What holds a direction down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    Key(KeyCode),
    Pad(PadId, PadControl),
    /// A button of the action inspector that plays this code.
    Inspector(u8),
    /// A mouse button or a finger on the picture.
    Pointer,
    /// Nobody: the program itself, while no one plays.
    Stroll,
}

/// What lies over the world, if anything does: pads work that first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uppermost {
    #[default]
    World,
    Panel,
    Map,
}

fn is_of_a_pad(by: Holder) -> bool {
    matches!(by, Holder::Pad(..))
}

/// How long a turn is held until one turns on: who taps has let go by then, and keyboards wait about as long before they repeat.
const TURNS_ON: Duration = Duration::from_millis(400);
/// And from then on from turn to turn: the eye comes to rest between two (`app/eye`), so that one sees where to let go.
const TURNS_AGAIN: Duration = Duration::from_millis(300);

/// Held directions and presses no frame has seen yet.
///
/// Where the world is seen from above, directions are the map's. Where it is seen from within, north is ahead, south is back, and west and east turn the one
/// who looks.
#[derive(Clone, Debug, Default)]
pub struct Latch {
    /// In the order of pressing.
    held: Vec<Held>,
    /// Pressed and released between two frames.
    taps: VecDeque<Drive>,
    /// By somebody, so far.
    presses: u64,
    /// Another window has the focus.
    elsewhere: bool,
    /// The world is seen from within.
    within: bool,
    /// Where one looks, in quarter turns clockwise from north; seen from above, where one went last.
    looks: i32,
    /// What turns the one who looks.
    turning: Vec<Turning>,
    uppermost: Uppermost,
    /// How pads push the map, while that lies uppermost.
    push: Push,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    by: Holder,
    drive: Drive,
    /// A frame has been driven since it was pressed, by this or by a newer press.
    seen: bool,
}

#[derive(Clone, Copy, Debug)]
struct Turning {
    by: Holder,
    /// Clockwise.
    quarters: i32,
    /// When it turns on, if it is held until then.
    on_at: Instant,
}

impl Latch {
    /// A key repeat, which presses what is held already, changes nothing. What somebody holds wins over a stroll, whichever came first.
    pub fn press(&mut self, by: Holder, drive: Drive) {
        self.press_at(by, drive, Instant::now());
    }

    fn press_at(&mut self, by: Holder, drive: Drive, now: Instant) {
        match drive {
            _ if !self.counts(by) => {}
            Drive::Intent(way) if self.within && by == Holder::Stroll => {
                self.looks = way.quarters().unwrap_or(self.looks);
                self.hold(by, Drive::Intent(Intent::North));
            }
            Drive::Intent(way @ (Intent::West | Intent::East)) if self.within => {
                let quarters = if way == Intent::East { 1 } else { -1 };
                self.looks += quarters;
                self.presses += 1;
                self.turning.push(Turning { by, quarters, on_at: now + TURNS_ON });
            }
            drive => self.hold(by, drive),
        }
    }

    /// The same, but that nothing turns who looks from within: west and east are steps aside.
    pub fn press_aside(&mut self, by: Holder, drive: Drive) {
        if self.counts(by) {
            self.hold(by, drive);
        }
    }

    /// Whether a press of this is one, and here.
    fn counts(&self, by: Holder) -> bool {
        // A pad is heard by every program: where another window has the focus it plays there.
        let for_another = self.elsewhere && is_of_a_pad(by);
        !for_another && !self.holds(by)
    }

    /// Whether this holds something: not where it was let go of meanwhile, which its key repeats do not know.
    pub fn holds(&self, by: Holder) -> bool {
        self.held.iter().any(|h| h.by == by) || self.turning.iter().any(|turning| turning.by == by)
    }

    fn hold(&mut self, by: Holder, drive: Drive) {
        let held = Held { by, drive, seen: false };
        if by == Holder::Stroll {
            self.held.insert(0, held);
        } else {
            self.presses += 1;
            self.held.push(held);
        }
    }

    pub fn release(&mut self, by: Holder) {
        self.turning.retain(|turning| turning.by != by);
        if let Some(at) = self.held.iter().position(|h| h.by == by) {
            let held = self.held.remove(at);
            // A stroll that nobody saw is no tap: who comes does not walk on for it.
            if !held.seen && by != Holder::Stroll {
                if self.taps.len() == MOST_TAPS {
                    self.taps.pop_front();
                }
                self.taps.push_back(held.drive);
            }
        }
    }

    /// The window got the focus, or lost it: then everything is let go of, and pads are not listened to.
    pub fn focus(&mut self, here: bool) {
        self.elsewhere = !here;
        if !here {
            self.let_go();
        }
    }

    /// Lets go of everything.
    pub fn let_go(&mut self) {
        self.held.clear();
        self.turning.clear();
        self.taps.clear();
        self.push = Push::default();
    }

    /// This lies uppermost from now on.
    pub fn lies_uppermost(&mut self, uppermost: Uppermost) {
        self.uppermost = uppermost;
        if uppermost != Uppermost::Map {
            self.push = Push::default();
        }
    }

    pub fn uppermost(&self) -> Uppermost {
        self.uppermost
    }

    /// Pads push like this from now on, if there is a map; whether that is news.
    pub fn push_map(&mut self, push: Push) -> bool {
        let heard = self.uppermost == Uppermost::Map && !self.elsewhere;
        let push = if heard { push } else { Push::default() };
        std::mem::replace(&mut self.push, push) != push
    }

    /// How pads push the map.
    pub fn push(&self) -> Push {
        self.push
    }

    /// The world is seen from within from now on, or from above. Who walks walks on the same way over the land, whatever that is called now; who turns
    /// stands still.
    pub fn look_from_within(&mut self, within: bool) {
        if within == self.within {
            return;
        }
        self.within = within;
        self.turning.clear();
        let quarters = if within { -self.looks } else { self.looks };
        for drive in self.held.iter_mut().map(|held| &mut held.drive).chain(&mut self.taps) {
            if let Drive::Intent(way) = drive {
                *way = way.turned(quarters);
            }
        }
    }

    /// Lets go of all but what pads hold.
    pub fn let_go_of_keys(&mut self) {
        self.held.retain(|held| is_of_a_pad(held.by));
        self.turning.retain(|turning| is_of_a_pad(turning.by));
        self.taps.clear();
    }

    /// Where one looks, in quarter turns clockwise from north.
    pub fn looks(&self) -> i32 {
        self.looks
    }

    pub fn is_within(&self) -> bool {
        self.within
    }

    pub fn has_focus(&self) -> bool {
        !self.elsewhere
    }

    /// Forgets what was tapped, and not what is held: the world stood still meanwhile, or begins anew.
    pub fn forget_taps(&mut self) {
        self.taps.clear();
    }

    /// Lets go of what this pad held: it was unplugged.
    pub fn release_pad(&mut self, id: PadId) {
        let is_of_pad = |by: Holder| matches!(by, Holder::Pad(pad, _) if pad == id);
        self.held.retain(|h| !is_of_pad(h.by));
        self.turning.retain(|turning| !is_of_pad(turning.by));
    }

    /// How often somebody has pressed something: whether anybody is there.
    pub fn presses(&self) -> u64 {
        self.presses
    }

    /// Whether somebody holds something at this moment.
    pub fn is_held(&self) -> bool {
        self.held.iter().any(|h| h.by != Holder::Stroll) || !self.turning.is_empty() || self.push != Push::default()
    }

    /// What drives the frame about to be computed.
    pub fn take(&mut self) -> Drive {
        self.take_at(Instant::now())
    }

    fn take_at(&mut self, now: Instant) -> Drive {
        if let Some(turning) = self.turning.last_mut().filter(|turning| turning.on_at <= now) {
            self.looks += turning.quarters;
            // Not counted from when it was due: after a slow frame nobody is spun to make up for it.
            turning.on_at = now + TURNS_AGAIN;
        }
        let drive = self.taps.pop_front().unwrap_or_else(|| {
            // Where there was a tap, what is held waits its turn, and stays unseen until then.
            self.held.iter_mut().for_each(|held| held.seen = true);
            self.held.last().map(|h| h.drive).unwrap_or_default()
        });
        let drive = self.on_the_map(drive);
        if let (Drive::Intent(way), false) = (drive, self.within) {
            self.looks = way.quarters().unwrap_or(self.looks);
        }
        drive
    }

    /// What is held at this moment, without counting as a frame.
    pub fn now(&self) -> Drive {
        self.on_the_map(self.held.last().map(|h| h.drive).unwrap_or_default())
    }

    fn on_the_map(&self, drive: Drive) -> Drive {
        match drive {
            Drive::Intent(way) if self.within => Drive::Intent(way.turned(self.looks)),
            drive => drive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const W: Holder = Holder::Key(KeyCode::KeyW);
    const S: Holder = Holder::Key(KeyCode::KeyS);
    const D: Holder = Holder::Key(KeyCode::KeyD);
    const NORTH: Drive = Drive::Intent(Intent::North);
    const SOUTH: Drive = Drive::Intent(Intent::South);
    const EAST: Drive = Drive::Intent(Intent::East);
    const STAY: Drive = Drive::Intent(Intent::Stay);

    #[test]
    fn a_tap_between_two_frames_counts_once() {
        let mut latch = Latch::default();
        latch.press(W, NORTH);
        latch.release(W);
        assert_eq!(latch.take(), NORTH);
        assert_eq!(latch.take(), STAY);
    }

    #[test]
    fn a_press_that_was_played_is_not_played_again_on_release() {
        let mut latch = Latch::default();
        latch.press(W, NORTH);
        assert_eq!(latch.take(), NORTH);
        assert_eq!(latch.take(), NORTH);
        latch.release(W);
        assert_eq!(latch.take(), STAY);
    }

    #[test]
    fn the_last_direction_wins_and_the_one_before_comes_back() {
        let mut latch = Latch::default();
        latch.press(W, NORTH);
        latch.press(S, SOUTH);
        assert_eq!(latch.take(), SOUTH);
        latch.release(S);
        assert_eq!(latch.take(), NORTH);
        latch.press(D, EAST);
        latch.press(W, NORTH); // a key repeat
        assert_eq!(latch.take(), EAST);
    }

    #[test]
    fn a_tap_while_another_key_is_held_gets_one_frame() {
        let mut latch = Latch::default();
        latch.press(D, EAST);
        assert_eq!(latch.take(), EAST);
        latch.press(W, NORTH);
        latch.release(W);
        assert_eq!(latch.take(), NORTH);
        assert_eq!(latch.take(), EAST);
    }

    #[test]
    fn two_hands_on_one_direction_count_as_one_until_both_let_go() {
        let mut latch = Latch::default();
        latch.press(W, NORTH);
        latch.press(Holder::Key(KeyCode::ArrowUp), NORTH);
        latch.take();
        latch.release(W);
        assert_eq!(latch.take(), NORTH);
        latch.release(Holder::Key(KeyCode::ArrowUp));
        assert_eq!(latch.take(), STAY);
    }

    #[test]
    fn losing_the_focus_releases_everything() {
        let mut latch = Latch::default();
        latch.press(W, NORTH);
        latch.press(D, EAST);
        latch.release(D);
        latch.focus(false);
        assert_eq!(latch.take(), STAY);
        // The release that arrives late, after the focus is back, presses nothing.
        latch.release(W);
        assert_eq!(latch.take(), STAY);
    }

    #[test]
    fn what_was_let_go_of_is_held_no_more_until_it_is_pressed_again() {
        for within in [false, true] {
            let mut latch = Latch::default();
            latch.look_from_within(within);
            latch.press(D, EAST);
            assert_eq!((latch.holds(D), latch.holds(W), latch.is_held()), (true, false, true));
            latch.let_go();
            assert_eq!((latch.holds(D), latch.is_held(), latch.take()), (false, false, STAY));
            latch.release(D);
            assert_eq!((latch.take(), latch.presses()), (STAY, 1), "it is no tap");
            latch.press(D, EAST);
            assert_eq!((latch.holds(D), latch.presses()), (true, 2));
        }
    }

    #[test]
    fn a_pad_plays_where_the_focus_is() {
        const PAD: Holder = Holder::Pad(0, PadControl::DPadUp);
        let mut latch = Latch::default();
        latch.focus(false);
        latch.press(PAD, NORTH);
        assert_eq!((latch.take(), latch.presses()), (STAY, 0));
        latch.release(PAD);
        latch.focus(true);
        assert_eq!(latch.take(), STAY);
        latch.press(PAD, NORTH);
        assert_eq!((latch.take(), latch.presses()), (NORTH, 1));
    }

    #[test]
    fn taps_are_forgotten_and_what_is_held_is_not() {
        let mut latch = Latch::default();
        latch.press(D, EAST);
        latch.press(W, NORTH);
        latch.release(W);
        latch.forget_taps();
        assert_eq!(latch.take(), EAST);
    }

    #[test]
    fn the_program_itself_is_nobody_and_gives_way() {
        let mut latch = Latch::default();
        latch.press(Holder::Stroll, NORTH);
        assert_eq!((latch.take(), latch.presses()), (NORTH, 0));
        assert!(!latch.is_held());
        latch.press(D, EAST);
        latch.press(D, EAST); // a key repeat
        assert_eq!((latch.take(), latch.presses()), (EAST, 1));
        // Its next leg does not win over a key that is held.
        latch.release(Holder::Stroll);
        latch.press(Holder::Stroll, SOUTH);
        assert!(latch.take() == EAST && latch.is_held());
        latch.release(D);
        assert_eq!(latch.take(), SOUTH);
        // A leg that no frame saw is not made up for.
        latch.release(Holder::Stroll);
        latch.press(Holder::Stroll, NORTH);
        latch.release(Holder::Stroll);
        assert_eq!(latch.take(), STAY);
    }

    #[test]
    fn who_looks_from_within_walks_ahead_and_turns() {
        const A: Holder = Holder::Key(KeyCode::KeyA);
        const WEST: Drive = Drive::Intent(Intent::West);
        let mut latch = Latch::default();
        latch.press(D, EAST);
        assert_eq!(latch.take(), EAST);
        // As one went, one looks.
        latch.look_from_within(true);
        assert_eq!((latch.looks(), latch.take()), (1, EAST));
        latch.release(D);
        latch.press(W, NORTH);
        assert_eq!((latch.take(), latch.now()), (EAST, EAST));
        let pressed = Instant::now();
        let at = |ms: u64| pressed + Duration::from_millis(ms);
        latch.press_at(D, EAST, pressed);
        latch.press_at(D, EAST, at(30)); // a key repeat
        assert_eq!((latch.looks(), latch.take_at(at(50))), (2, SOUTH), "walks on where it looks now");
        latch.release(W);
        // Held, it turns on after a while.
        let looks = [399, 400, 699, 700, 999, 1000].map(|ms| (latch.take_at(at(ms)), latch.looks()).1);
        assert_eq!(looks, [2, 3, 3, 4, 4, 5]);
        assert!(latch.is_held());
        latch.release(D);
        assert_eq!((latch.take(), latch.looks(), latch.is_held()), (STAY, 5, false));
        latch.press(A, WEST);
        latch.release(A);
        assert_eq!((latch.looks(), latch.take()), (4, STAY), "a turn is no step");
        latch.press(S, SOUTH);
        latch.release(S);
        assert_eq!(latch.take(), SOUTH, "one step back, looking north");
        latch.press_aside(A, WEST);
        latch.press(A, WEST); // a key repeat after Shift was let go of
        assert_eq!((latch.take(), latch.looks()), (WEST, 4), "a step aside");
        latch.release(A);
        latch.press(Holder::Stroll, EAST);
        assert_eq!((latch.take(), latch.looks()), (EAST, 1), "a stroll looks where it goes");
        latch.look_from_within(false);
        latch.press(A, WEST);
        assert_eq!((latch.take(), latch.looks()), (WEST, 3));
    }

    #[test]
    fn one_tap_is_one_turn_at_any_rate() {
        let pressed = Instant::now();
        for hz in [6, 20, 60] {
            let mut latch = Latch::default();
            latch.look_from_within(true);
            latch.press_at(D, EAST, pressed);
            (0..hz / 4).for_each(|frame| assert_eq!(latch.take_at(pressed + Duration::from_secs(1) * frame / hz), STAY));
            latch.release(D);
            assert_eq!(latch.looks(), 1, "held for a quarter of a second at {hz} frames a second");
        }
        // A world that stood still meanwhile turns once, and goes on from there.
        let mut latch = Latch::default();
        latch.look_from_within(true);
        latch.press_at(D, EAST, pressed);
        let looks = [9000, 9050, 9299, 9300].map(|ms| (latch.take_at(pressed + Duration::from_millis(ms)), latch.looks()).1);
        assert_eq!(looks, [2, 2, 2, 3]);
    }

    #[test]
    fn who_walks_goes_on_the_same_way_under_another_view() {
        const RIGHT: Holder = Holder::Pad(0, PadControl::DPadRight);
        let mut latch = Latch::default();
        latch.press(W, NORTH);
        latch.press(RIGHT, EAST);
        assert_eq!(latch.take(), EAST);
        latch.look_from_within(true);
        let later = Instant::now() + Duration::from_secs(3);
        assert_eq!((latch.take_at(later), latch.looks()), (EAST, 1), "it does not turn");
        latch.release(RIGHT);
        latch.press(W, NORTH); // a key repeat
        assert_eq!((latch.take(), latch.looks()), (NORTH, 1), "to the left of where one looks");
        // Who turns meanwhile walks another way, and goes on so.
        latch.press(D, EAST);
        assert_eq!((latch.take(), latch.looks()), (EAST, 2));
        latch.look_from_within(false);
        assert_eq!((latch.take_at(later), latch.looks()), (EAST, 1), "what turned is let go of");
        latch.release(W);
        assert_eq!(latch.take(), STAY);
        // A tap that no frame saw means what it meant.
        latch.press(S, SOUTH);
        latch.release(S);
        latch.look_from_within(true);
        assert_eq!((latch.take(), latch.looks()), (SOUTH, 1));
    }

    #[test]
    fn who_lets_go_of_keys_still_walks_by_a_pad() {
        const RIGHT: Holder = Holder::Pad(0, PadControl::DPadRight);
        let mut latch = Latch::default();
        latch.press(RIGHT, EAST);
        latch.press(W, NORTH);
        latch.let_go_of_keys();
        assert_eq!(latch.take(), EAST);
        latch.let_go();
        assert_eq!(latch.take(), STAY);
    }

    #[test]
    fn hammering_does_not_lag_behind() {
        let mut latch = Latch::default();
        for _ in 0..50 {
            latch.press(W, NORTH);
            latch.release(W);
        }
        let played = (0..50).filter(|_| latch.take() == NORTH).count();
        assert_eq!(played, MOST_TAPS);
    }
}
