//! Fingers on the screen. Where the system loses the end of a touch, the interface follows a finger that is gone, and hears no other one.

use std::time::{Duration, Instant};

use winit::event::{Touch, TouchPhase, WindowEvent};

use super::App;

/// One of which nothing was heard for so long by the time that another one comes is gone. Who only rests there so long presses once more.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// Touches of which no end was heard, and when each was heard of last.
#[derive(Debug, Default)]
pub(super) struct Fingers(Vec<(Touch, Instant)>);

impl Fingers {
    /// Takes in what the system says of one; gives the ends of those that are gone by the time that it comes.
    fn see(&mut self, touch: Touch, now: Instant) -> Vec<Touch> {
        self.0.retain(|(other, _)| (other.device_id, other.id) != (touch.device_id, touch.id));
        let comes = touch.phase == TouchPhase::Started;
        let is_lost = |heard_at: Instant| comes && now.saturating_duration_since(heard_at) > LOST_AFTER;
        let lost = self.0.extract_if(.., |(_, heard_at)| is_lost(*heard_at)).map(|(touch, _)| end_of(touch)).collect();
        if matches!(touch.phase, TouchPhase::Started | TouchPhase::Moved) {
            self.0.push((touch, now));
        }
        lost
    }

    /// The ends that were not heard; none is left then.
    fn lift(&mut self) -> Vec<Touch> {
        self.0.drain(..).map(|(touch, _)| end_of(touch)).collect()
    }
}

fn end_of(touch: Touch) -> Touch {
    Touch { phase: TouchPhase::Ended, ..touch }
}

impl App {
    /// Takes in what the system says of a finger, before the interface does: where one comes, those that are gone make room for it.
    pub(super) fn see_finger(&mut self, touch: Touch) {
        let lost = self.fingers.see(touch, Instant::now());
        self.end_touches(lost);
    }

    /// Nobody is there, so that nobody's finger is on the screen. One that was there for so long has clicked on nothing.
    pub(super) fn lift_fingers(&mut self) {
        let ends = self.fingers.lift();
        self.end_touches(ends);
    }

    /// Lets the interface hear these ends; what one of them held, a walk on the picture as well, it lets go of.
    fn end_touches(&mut self, ends: Vec<Touch>) {
        let Some(shell) = &mut self.shell else { return };
        for end in ends {
            // It is drawn with what begins now.
            _ = shell.egui.on_window_event(&shell.window, &WindowEvent::Touch(end));
        }
    }
}

#[cfg(test)]
mod tests {
    use winit::dpi::PhysicalPosition;
    use winit::event::DeviceId;

    use super::*;

    fn touch(id: u64, phase: TouchPhase) -> Touch {
        Touch { device_id: DeviceId::dummy(), phase, location: PhysicalPosition::new(3.0, 5.0), force: None, id }
    }

    #[test]
    fn an_end_that_was_not_heard_is_made_up_for_once() {
        let (mut fingers, now) = (Fingers::default(), Instant::now());
        for (id, phase) in [
            (7, TouchPhase::Started),
            (8, TouchPhase::Started),
            (9, TouchPhase::Started),
            (8, TouchPhase::Moved),
            (7, TouchPhase::Ended),
            (9, TouchPhase::Cancelled),
        ] {
            assert_eq!(fingers.see(touch(id, phase), now), []);
        }
        assert_eq!(fingers.lift(), [touch(8, TouchPhase::Ended)]);
        assert_eq!(fingers.lift(), []);
    }

    #[test]
    fn one_whose_end_was_lost_makes_room_for_the_next() {
        let start = Instant::now();
        let at = |secs: u64| start + Duration::from_secs(secs);
        let mut fingers = Fingers::default();
        let mut see = |id, phase, secs| fingers.see(touch(id, phase), at(secs));
        assert_eq!(see(7, TouchPhase::Started, 0), []);
        assert_eq!(see(8, TouchPhase::Started, 0), []);
        assert_eq!(see(8, TouchPhase::Moved, 5), []);
        assert_eq!(see(9, TouchPhase::Started, 10), [], "none is silent for longer");
        assert_eq!(see(9, TouchPhase::Moved, 11), [], "another one that moves does not come");
        // One moved meanwhile.
        assert_eq!(see(10, TouchPhase::Started, 12), [touch(7, TouchPhase::Ended)]);
        assert_eq!(see(11, TouchPhase::Started, 12), [], "once");
        // What is pressed anew is there.
        assert_eq!(see(8, TouchPhase::Started, 60).len(), 3);
        assert_eq!(fingers.lift(), [touch(8, TouchPhase::Ended)]);
    }
}
