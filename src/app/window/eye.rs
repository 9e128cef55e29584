//! The world seen from within.

use std::time::{Duration, Instant};

use super::App;
use crate::app::album::SCREENSHOT_SCALE;
use crate::app::eye::Eye;
use crate::app::painter::Painter;
use crate::dream::DreamError;
use crate::dream::first_person;
use crate::dream::runner::{Kept, Request};
use crate::input::{Command, Hand};

/// Between two pictures that a processor draws while something moves, at least.
const BETWEEN: Duration = Duration::from_millis(12);

impl App {
    /// Whether the picture that stands in the window is seen from within: whoever paints sees it from above.
    pub(super) fn sees_from_within(&self) -> bool {
        self.ui.within && !self.ui.paint.active && self.status.around.is_some()
    }

    /// Sees the world from within from now on, or from above.
    pub(super) fn look_from_within(&mut self, within: bool) {
        let can = self.status.info.as_ref().is_none_or(|info| info.within);
        if within && !can {
            return self.complain(format!("{}.", DreamError::NoRelief(self.plan.launch.title().to_owned())));
        }
        // Nobody would see it beneath them.
        self.leave_for_world();
        if within && !self.ui.within && (self.plan.event || !self.stepped_in) {
            let how = match self.ui.hand {
                Hand::Keys => "Ahead and back walk, left and right turn, and with Shift step aside",
                Hand::Pad => "Either stick turns, left and right on the d-pad step aside",
                Hand::Finger => "Hold a finger ahead to walk, at the left or right to turn",
            };
            let back = self.control_of(Command::View).map_or_else(String::new, |control| format!("; {control} looks from above again"));
            self.ui.toasts.push(format!("{how}{back}."), false);
        }
        self.see_from_within(within);
    }

    /// The same without a word.
    pub(super) fn see_from_within(&mut self, within: bool) {
        self.ui.within = within;
        self.stepped_in |= within;
        self.tell_where_one_looks();
        self.look_around();
        self.redraw();
    }

    /// Where one looks who sees the world from within, in quarter turns clockwise from north.
    pub(super) fn looks_where(&self) -> Option<i32> {
        self.ui.within.then(|| self.latch().looks().rem_euclid(4))
    }

    /// What lies ahead is dreamed ahead.
    pub(super) fn tell_where_one_looks(&self) {
        let looks = self.looks_where();
        self.wish(|wish| wish.within = looks);
    }

    /// Puts what is seen from within, where it is, in the place of a picture that is kept, and says how much that is to be enlarged.
    pub(super) fn as_seen(&self) -> impl FnOnce(Kept) -> (Kept, u32) + Send + 'static {
        let fine_px = self.status.info.as_ref().map_or(0, |info| info.height_px * first_person::FINER) * SCREENSHOT_SCALE as usize;
        let seen = self.eye.as_ref().map(|eye| (eye.still(Instant::now()), eye.size_of_height(fine_px)));
        move |kept| match seen {
            Some((glance, size_px)) => (Kept { rgba: glance.picture(size_px), size_px, ..kept }, 1),
            None => (kept, SCREENSHOT_SCALE),
        }
    }

    /// Takes in what lies around now.
    pub(super) fn look_around(&mut self) {
        let within = self.sees_from_within();
        self.latch().look_from_within(within);
        let (Some(around), Some(info), true) = (&self.status.around, &self.status.info, within) else {
            if self.eye.take().is_some() {
                // What was seen from above meanwhile was not shown.
                self.request(Request::Show);
            }
            return;
        };
        let (now, frames) = (Instant::now(), self.status.frames);
        let pushed = info.way_of(self.status.code);
        let lasts = self.ui.step_lasts(&self.status, info);
        let looks = self.latch().looks();
        self.ui.fills = true;
        self.eye.get_or_insert_with(|| Eye::new(around.clone(), looks, frames, now)).see(around, frames, pushed, lasts, now);
    }

    /// When the next picture is to be begun where one that was begun at `start` is done now: whoever dreams needs half of the time of a processor that
    /// draws.
    pub(super) fn next_from_within(painter: &Painter, start: Instant) -> Instant {
        start + if painter.gpu().summary.software { (2 * start.elapsed()).max(BETWEEN) } else { painter.between() }
    }
}
