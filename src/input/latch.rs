//! Decides what drives the next frame. A press counts even if it is over before the frame; the direction pressed last wins.

use std::collections::VecDeque;

use winit::keyboard::KeyCode;

use super::pad::{PadControl, PadId};
use crate::dream::Drive;

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

/// Held directions and presses no frame has seen yet.
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
}

#[derive(Clone, Copy, Debug)]
struct Held {
    by: Holder,
    drive: Drive,
    /// A frame has been driven since it was pressed, by this or by a newer press.
    seen: bool,
}

impl Latch {
    /// A key repeat, which presses what is held already, changes nothing. What somebody holds wins over a stroll, whichever came first.
    pub fn press(&mut self, by: Holder, drive: Drive) {
        // A pad is heard by every program: where another window has the focus it plays there.
        let for_another = self.elsewhere && matches!(by, Holder::Pad(..));
        if for_another || self.held.iter().any(|h| h.by == by) {
            return;
        }
        let held = Held { by, drive, seen: false };
        if by == Holder::Stroll {
            self.held.insert(0, held);
        } else {
            self.presses += 1;
            self.held.push(held);
        }
    }

    pub fn release(&mut self, by: Holder) {
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
        self.taps.clear();
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
        self.held.retain(|h| !matches!(h.by, Holder::Pad(pad, _) if pad == id));
    }

    /// How often somebody has pressed something: whether anybody is there.
    pub fn presses(&self) -> u64 {
        self.presses
    }

    /// Whether somebody holds something at this moment.
    pub fn is_held(&self) -> bool {
        self.held.iter().any(|h| h.by != Holder::Stroll)
    }

    /// What drives the frame about to be computed.
    pub fn take(&mut self) -> Drive {
        if let Some(tap) = self.taps.pop_front() {
            // What is held waits its turn, and stays unseen until then.
            return tap;
        }
        for held in &mut self.held {
            held.seen = true;
        }
        self.now()
    }

    /// What is held at this moment, without counting as a frame.
    pub fn now(&self) -> Drive {
        self.held.last().map(|h| h.drive).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::Intent;

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
