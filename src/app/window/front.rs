//! A window that nobody leaves comes back in front of others, and does not fight with one that does the same.

use std::time::{Duration, Instant};

use super::App;

/// From one time that it takes the focus back to the next, at least.
const BETWEEN: Duration = Duration::from_secs(2);
/// From one line in the log about it to the next, at least.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// When it came back in front of others.
#[derive(Debug, Default)]
pub(super) struct Front {
    /// Last.
    came_at: Option<Instant>,
    /// Next, where it is not there.
    due: Option<Instant>,
    /// When it was told of last.
    told_at: Option<Instant>,
}

impl Front {
    /// Another window took the focus: whether to take it back at once. So soon after the last time that waits.
    fn lost(&mut self, now: Instant) -> bool {
        self.due = Some(self.came_at.map_or(now, |at| now.max(at + BETWEEN)));
        self.comes_back(now)
    }

    /// Whether to take the focus back now.
    fn comes_back(&mut self, now: Instant) -> bool {
        let comes = self.due.is_some_and(|due| due <= now);
        if comes {
            (self.came_at, self.due) = (Some(now), None);
        }
        comes
    }

    /// It has the focus.
    pub(super) fn is_there(&mut self) {
        self.due = None;
    }

    /// When to take the focus back.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it is worth a line in the log.
    fn is_news(&mut self, now: Instant) -> bool {
        let news = self.told_at.is_none_or(|at| now >= at + TOLD_EVERY);
        if news {
            self.told_at = Some(now);
        }
        news
    }
}

impl App {
    /// Another window took the focus from one that nobody leaves: pads are listened to all the same, but under Windows, which tells of them no window but the
    /// one that has the focus.
    pub(super) fn stay_in_front(&mut self) {
        self.latch().let_go_of_keys();
        let now = Instant::now();
        if self.front.is_news(now) {
            log::warn!("another window took the focus");
        }
        if self.front.lost(now) {
            self.come_to_the_front();
        }
    }

    /// Takes the focus back, where it is time to.
    pub(super) fn come_back_in_front(&mut self, now: Instant) {
        if self.front.comes_back(now) {
            self.come_to_the_front();
        }
    }

    fn come_to_the_front(&self) {
        if let Some(shell) = &self.shell {
            shell.window.set_minimized(false);
            shell.window.focus_window();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_focus_is_taken_back_at_once_and_not_fought_for() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut front = Front::default();
        assert!(front.lost(at(0)) && front.due().is_none(), "at once");
        front.is_there();
        // Another window does the same, and takes it again at once for ten minutes.
        let (mut came, mut told) = (Vec::new(), 0);
        for ms in (10..600_000).step_by(10) {
            told += u32::from(front.is_news(at(ms)));
            if front.lost(at(ms)) || front.comes_back(at(ms)) {
                came.push(ms);
                front.is_there();
            }
        }
        assert!(came.windows(2).all(|pair| pair[1] - pair[0] >= 2000) && came.len() >= 299, "{} times", came.len());
        assert_eq!(told, 10);
        // The control: after a while it is taken back at once.
        assert!(front.lost(at(700_000)));
    }

    #[test]
    fn what_was_put_off_is_done_once_and_not_where_the_window_is_there_again() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut front = Front::default();
        assert!(front.lost(at(0)) && !front.lost(at(500)));
        assert_eq!(front.due(), Some(at(2000)));
        assert!(!front.comes_back(at(1999)) && front.comes_back(at(2000)) && !front.comes_back(at(9000)), "once");
        assert!(!front.lost(at(3000)));
        front.is_there();
        assert!(front.due().is_none() && !front.comes_back(at(9000)), "somebody brought it back");
    }
}
