//! When the dream looks ahead at what every code would do next: at once while it stands still, and while it plays only in time that is left.

use std::time::{Duration, Instant};

use crate::engine::Branches;

/// While it plays all codes are looked at no more often than this.
const ROUND: Duration = Duration::from_millis(250);
/// While it stands still nobody waits longer than this for an answer to a request, unless a single code takes that long.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a measured time counts: a machine that was busy then may not be so now.
const COUNTS: Duration = Duration::from_secs(1);
/// Share of the time left that is used: some frames take longer than the one before.
const SAFE: f32 = 0.7;

/// A frame that may come next.
#[derive(Debug, PartialEq, Eq)]
pub struct Branch {
    /// RGBA, `width_px * height_px`.
    pub rgba: Vec<u8>,
    /// Frames made when it was looked at.
    pub frames: u64,
}

/// Takes the codes in turns, as many at a time as there is time for.
#[derive(Debug)]
pub struct Lookahead {
    codes: usize,
    /// Codes from the last on that are still to be looked at in this round.
    left: usize,
    /// When the round began.
    begun: Option<Instant>,
    /// Something happened since it did.
    outdated: bool,
    /// Time a code took, and when that was; `None` until one was looked at.
    each: Option<(Duration, Instant)>,
    /// What the engine fills.
    pub branches: Branches,
}

impl Lookahead {
    pub fn new(codes: usize) -> Self {
        Self { codes, left: 0, begun: None, outdated: true, each: None, branches: Branches::default() }
    }

    /// What was seen is past.
    pub fn outdate(&mut self) {
        self.outdated = true;
    }

    /// Codes to look at now, none where it must wait. `time_left`: until the next frame is due, `None` where it stands still;
    /// `frame`: the time a frame takes.
    pub fn turn(&mut self, now: Instant, time_left: Option<Duration>, frame: Duration) -> std::ops::Range<usize> {
        let rested = time_left.is_none() || self.begun.is_none_or(|begun| now >= begun + ROUND);
        if self.outdated && rested && (self.left == 0 || time_left.is_none()) {
            (self.left, self.begun, self.outdated) = (self.codes, Some(now), false);
        }
        let measured = self.each.filter(|(_, at)| now < *at + COUNTS).map(|(each, _)| each);
        let each = measured.unwrap_or(frame).as_secs_f32().max(1e-6);
        let fitting = match time_left {
            Some(time) => (time.as_secs_f32() * SAFE / each) as usize,
            None => ((PATIENCE.as_secs_f32() / each) as usize).max(1),
        };
        // The first look only tells how long it takes.
        let fitting = if measured.is_none() { fitting.min(1) } else { fitting };
        let first = self.codes - self.left;
        first..first + fitting.min(self.left)
    }

    /// So many codes were looked at from `begun` to `now`.
    pub fn looked(&mut self, codes: usize, begun: Instant, now: Instant) {
        self.left -= codes.min(self.left);
        let each = (now - begun) / codes.max(1) as u32;
        // A longer time is believed at once, a shorter one by and by.
        self.each = Some((self.each.map_or(each, |(before, _)| each.max((before + each) / 2)), now));
    }

    /// Milliseconds a code takes.
    pub fn each_ms(&self) -> f32 {
        self.each.map_or(0.0, |(each, _)| each.as_secs_f32() * 1e3)
    }

    /// Nothing more until something happens.
    pub fn give_up(&mut self) {
        (self.left, self.outdated) = (0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn standing_still_it_looks_at_all_codes_once_and_answers_in_between() {
        let (mut ahead, now) = (Lookahead::new(7), Instant::now());
        assert_eq!(ahead.turn(now, None, 20 * MS), 0..1, "the first tells how long it takes");
        ahead.looked(1, now, now + 40 * MS);
        assert_eq!(ahead.turn(now, None, 20 * MS), 1..3);
        ahead.looked(2, now, now + 80 * MS);
        ahead.looked(4, now, now + 160 * MS);
        assert!(ahead.turn(now, None, MS).is_empty(), "nothing happened");
        ahead.outdate();
        assert_eq!(ahead.turn(now, None, MS), 0..2);
        ahead.looked(2, now, now + 80 * MS);
        // What happens meanwhile makes it begin anew.
        ahead.outdate();
        assert_eq!(ahead.turn(now, None, MS), 0..2);
        // However long one takes.
        ahead.looked(1, now, now + 5000 * MS);
        assert_eq!(ahead.turn(now, None, MS), 1..2);
        ahead.give_up();
        assert!(ahead.turn(now, None, MS).is_empty());
    }

    #[test]
    fn playing_it_uses_only_time_that_is_left() {
        let (mut ahead, now) = (Lookahead::new(4), Instant::now());
        assert!(ahead.turn(now, Some(50 * MS), 60 * MS).is_empty(), "a frame would not fit");
        assert_eq!(ahead.turn(now, Some(50 * MS), 20 * MS), 0..1);
        ahead.looked(1, now, now + 15 * MS);
        ahead.outdate();
        assert_eq!(ahead.turn(now, Some(50 * MS), 20 * MS), 1..3, "two fit into seven tenths of the time");
        assert!(ahead.turn(now, Some(15 * MS), 20 * MS).is_empty() && ahead.turn(now, Some(Duration::ZERO), 20 * MS).is_empty());
        ahead.looked(3, now, now + 45 * MS);
        // The next round has to wait.
        assert!(ahead.turn(now + 200 * MS, Some(90 * MS), 20 * MS).is_empty());
        assert_eq!(ahead.turn(now + 250 * MS, Some(90 * MS), 20 * MS), 0..4);
        // A slow turn is believed at once, quicker ones by and by.
        ahead.looked(2, now, now + 80 * MS);
        assert_eq!(ahead.turn(now + 250 * MS, Some(90 * MS), 20 * MS), 2..3);
        ahead.looked(1, now, now + 20 * MS);
        assert!((ahead.each_ms() - 30.0).abs() < 1e-3, "{}", ahead.each_ms());
        // One so slow that none would fit again is forgotten after a while.
        ahead.looked(1, now, now + 500 * MS);
        ahead.outdate();
        assert!(ahead.turn(now + 1400 * MS, Some(90 * MS), 20 * MS).is_empty());
        assert_eq!(ahead.turn(now + 1500 * MS, Some(90 * MS), 20 * MS), 0..1);
    }
}
