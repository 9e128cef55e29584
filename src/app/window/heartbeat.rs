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
    /// Visitors who came after nobody was there.
    pub(super) visits: u64,
    /// Pictures and films that were saved.
    pub(super) pictures: u64,
}

impl Heartbeat {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, due: now + EVERY, visits: 0, pictures: 0 }
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

    fn text(&self, fps: f32, now: Instant) -> String {
        let hours = now.saturating_duration_since(self.began).as_secs_f32() / 3600.0;
        format!("{hours:.1} hours, {} visits, {} pictures, {fps:.1} frames/s", self.visits, self.pictures)
    }
}

impl App {
    /// Says how it goes, where it is time to.
    pub(super) fn say_how_it_goes(&mut self, now: Instant) {
        if self.plan.event && self.heartbeat.beats(now) {
            self.sum_up(now);
        }
    }

    /// Says how it went so far, at an event.
    pub(super) fn sum_up(&self, now: Instant) {
        if self.plan.event {
            log::info!("so far {}", self.heartbeat.text(self.status.fps, now));
        }
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
        assert_eq!(heartbeat.text(6.02, at(5400)), "1.5 hours, 41 visits, 7 pictures, 6.0 frames/s");
    }
}
