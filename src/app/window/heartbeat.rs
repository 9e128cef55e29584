//! A line in the log now and then, by which whoever looks after an event sees from afar that all is well.

use std::time::{Duration, Instant};

use super::App;

/// From one line to the next.
const EVERY: Duration = Duration::from_secs(600);

/// What there was so far.
#[derive(Debug)]
pub(super) struct Heartbeat {
    began: Instant,
    due: Instant,
    /// When it was told last, and frames there were then.
    told_at: Instant,
    frames: u64,
    /// Visitors who came after nobody was there.
    pub(super) visits: u64,
    /// Pictures and films that were saved.
    pub(super) pictures: u64,
}

impl Heartbeat {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, due: now + EVERY, told_at: now, frames: 0, visits: 0, pictures: 0 }
    }

    /// When the next line is due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Whether a line is due; then the next one is a while later.
    fn beats(&mut self, now: Instant) -> bool {
        let due = now >= self.due;
        if due {
            self.due = now + EVERY;
        }
        due
    }

    /// Tells it, with the frames a second since the last time, where there are so many `frames` by now; of visits only where they are counted.
    fn text(&mut self, frames: u64, counts_visits: bool, now: Instant) -> String {
        let hours = now.saturating_duration_since(self.began).as_secs_f32() / 3600.0;
        // A dream that took the place of another one counts from its own beginning.
        let made = frames.checked_sub(self.frames).unwrap_or(frames);
        let fps = made as f32 / now.saturating_duration_since(self.told_at).as_secs_f32().max(1.0);
        (self.told_at, self.frames) = (now, frames);
        let visits = if counts_visits { format!("{} visits, ", self.visits) } else { String::new() };
        format!("{hours:.1} hours, {visits}{} pictures, {fps:.1} frames/s", self.pictures)
    }
}

impl App {
    /// Says how it goes, where it is time to.
    pub(super) fn say_how_it_goes(&mut self, now: Instant) {
        if self.plan.event && self.heartbeat.beats(now) {
            self.sum_up(now);
        }
    }

    /// Says how it went so far, at an event, and why it stands still, where it does.
    pub(super) fn sum_up(&mut self, now: Instant) {
        if !self.plan.event {
            return;
        }
        let told = self.heartbeat.text(self.status.frames, self.plan.idle.is_some(), now);
        let why = self.status.failed.as_deref().or(self.status.halted.as_deref()).and_then(|why| why.lines().next());
        log::info!("so far {told}{}", why.map_or_else(String::new, |why| format!("; {why}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ten_minutes_a_line_says_how_it_goes() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut heartbeat = Heartbeat::new(start);
        let beats: Vec<u64> = (0..2000).filter(|secs| heartbeat.beats(at(*secs))).collect();
        assert_eq!((beats.as_slice(), heartbeat.due()), ([600, 1200, 1800].as_slice(), at(2400)));
        (heartbeat.visits, heartbeat.pictures) = (41, 7);
        assert_eq!(heartbeat.text(32_508, true, at(5400)), "1.5 hours, 41 visits, 7 pictures, 6.0 frames/s");
        // It stood still for half of the time, and then another dream took its place.
        assert_eq!(heartbeat.text(32_508 + 1800, false, at(6000)), "1.7 hours, 7 pictures, 3.0 frames/s");
        assert_eq!(heartbeat.text(600, false, at(6600)), "1.8 hours, 7 pictures, 1.0 frames/s");
    }
}
