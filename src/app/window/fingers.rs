//! Fingers on the screen. Where the system loses the end of a touch, the interface follows a finger that is gone, and hears no other one.

use winit::event::{Touch, TouchPhase, WindowEvent};

use super::App;

/// Touches of which no end was heard.
#[derive(Debug, Default)]
pub(super) struct Fingers(Vec<Touch>);

impl Fingers {
    /// Takes in what the system says of one.
    pub(super) fn see(&mut self, touch: Touch) {
        self.0.retain(|other| (other.device_id, other.id) != (touch.device_id, touch.id));
        if matches!(touch.phase, TouchPhase::Started | TouchPhase::Moved) {
            self.0.push(touch);
        }
    }

    /// The ends that were not heard; none is left then.
    fn lift(&mut self) -> Vec<Touch> {
        self.0.drain(..).map(|touch| Touch { phase: TouchPhase::Ended, ..touch }).collect()
    }
}

impl App {
    /// Nobody is there, so that nobody's finger is on the screen. One that was there for so long has clicked on nothing.
    pub(super) fn lift_fingers(&mut self) {
        let ends = self.fingers.lift();
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

    #[test]
    fn an_end_that_was_not_heard_is_made_up_for_once() {
        let touch = |id, phase| Touch { device_id: DeviceId::dummy(), phase, location: PhysicalPosition::new(3.0, 5.0), force: None, id };
        let mut fingers = Fingers::default();
        for (id, phase) in [
            (7, TouchPhase::Started),
            (8, TouchPhase::Started),
            (9, TouchPhase::Started),
            (8, TouchPhase::Moved),
            (7, TouchPhase::Ended),
            (9, TouchPhase::Cancelled),
        ] {
            fingers.see(touch(id, phase));
        }
        assert_eq!(fingers.lift(), [touch(8, TouchPhase::Ended)]);
        assert_eq!(fingers.lift(), []);
    }
}
