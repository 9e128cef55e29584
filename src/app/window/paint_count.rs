//! Says in the log how often the window is drawn and how long that takes.

use std::time::{Duration, Instant};

/// How often the window is drawn, for the log.
#[derive(Debug)]
pub struct PaintCount {
    since: Instant,
    paints: u32,
    busy: Duration,
}

impl PaintCount {
    const EVERY: Duration = Duration::from_secs(5);

    pub fn new() -> Self {
        Self { since: Instant::now(), paints: 0, busy: Duration::ZERO }
    }

    pub fn count(&mut self, took: Duration) {
        self.paints += 1;
        self.busy += took;
        let span = self.since.elapsed();
        if span >= Self::EVERY {
            let (hz, ms) = (f64::from(self.paints) / span.as_secs_f64(), self.busy.as_secs_f64() * 1e3 / f64::from(self.paints));
            log::debug!("window drawn {hz:.1} times a second, {ms:.1} ms each");
            *self = Self::new();
        }
    }
}
