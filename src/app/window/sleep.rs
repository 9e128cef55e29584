//! A machine that slept: under Linux some drivers lose what lies in the memory of a graphics device meanwhile, and nothing says so.

use std::time::{Duration, Instant, SystemTime};

use super::App;

/// How much further the clock on the wall goes than the one that stands still in a sleep, at least.
const LEAST: Duration = Duration::from_secs(10);

/// What both clocks showed when they were looked at last.
#[derive(Debug)]
pub(super) struct Sleep {
    awake: Instant,
    wall: SystemTime,
}

impl Sleep {
    pub(super) fn new(awake: Instant, wall: SystemTime) -> Self {
        Self { awake, wall }
    }

    /// Whether the machine slept since they were looked at last. A clock on the wall that somebody sets forward looks like that, which costs no more than making
    /// anew what is still there.
    fn is_over(&mut self, awake: Instant, wall: SystemTime) -> bool {
        // It may have been set back.
        let on_the_wall = wall.duration_since(self.wall).unwrap_or_default();
        let slept = on_the_wall.saturating_sub(awake.saturating_duration_since(self.awake)) >= LEAST;
        (self.awake, self.wall) = (awake, wall);
        slept
    }
}

impl App {
    /// Makes anew what lies on a device where the machine slept. That is no fault of the device.
    pub(super) fn look_after_sleep(&mut self) {
        let slept = self.sleep.is_over(Instant::now(), SystemTime::now());
        let on_device = self.shell.as_ref().is_some_and(|shell| !shell.painter.gpu().summary.software);
        if slept && cfg!(target_os = "linux") && on_device && self.let_go_of_device(false) {
            log::info!("the machine slept: what lies on the graphics device is made anew");
            self.mend();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stood_still_tells_of_a_sleep_and_one_that_went_on_does_not() {
        let (awake, wall) = (Instant::now(), SystemTime::now());
        let secs = Duration::from_secs;
        let mut sleep = Sleep::new(awake, wall);
        assert!(!sleep.is_over(awake + secs(3600), wall + secs(3600)), "nothing happened for an hour");
        assert!(!sleep.is_over(awake + secs(3601), wall + secs(3610)), "a clock that is put right");
        assert!(sleep.is_over(awake + secs(3602), wall + secs(7200)));
        assert!(!sleep.is_over(awake + secs(3603), wall + secs(7201)), "once");
        assert!(!sleep.is_over(awake + secs(3604), wall), "a clock that is set back");
        assert!(sleep.is_over(awake + secs(3605), wall + secs(11)), "and goes on from there");
    }
}
