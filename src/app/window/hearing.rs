//! What is heard while the window plays.

use super::App;
use crate::app::sound::{Blow, Present, Sound};
use crate::dream::lands::LandShares;
use crate::input::Command;

pub(super) struct Ears {
    sound: Sound,
    /// What is asked for, where nobody can tell what is there; and by what.
    asked: LandShares,
    by: (String, Vec<u16>),
    /// Whoever plays was told what is heard, or need not be.
    pub(super) known: bool,
}

impl Ears {
    pub(super) fn new(known: bool) -> Self {
        Self { sound: Sound::new(), asked: LandShares::default(), by: Default::default(), known }
    }
}

/// What is told where it is heard for the first time, by what stands on the control that silences it.
fn told_of_sound(control: Option<String>) -> String {
    let silence = control.unwrap_or_else(|| "the slider at the end of the panel, drawn to the left,".to_owned());
    format!("What is seen is heard: weather, water, animals, your steps; {silence} is silence.")
}

impl App {
    /// The newest frame is heard, and the step that led there.
    pub(super) fn hear(&mut self, frames_before: u64) {
        if !self.ears.sound.is_there() {
            return;
        }
        let prompt = &self.ui.prompt;
        if (&self.ears.by.0, &self.ears.by.1) != (&prompt.said, &prompt.besides) {
            self.ears.by = (prompt.said.clone(), prompt.besides.clone());
            self.ears.asked = LandShares::asked(&self.land_asked());
        }
        let (status, quarters) = (&self.status, self.looks_where().unwrap_or_default());
        self.ears.sound.hear(&Present {
            look: &status.look,
            land: status.land.unwrap_or(self.ears.asked),
            quarters,
            frames: status.frames.saturating_sub(frames_before),
            code: status.code,
            strides: status.info.as_ref().and_then(|info| info.strides.as_ref()),
            stuck: status.stuck,
        });
    }

    /// As loud as at the start: who comes next hears it.
    pub(super) fn hear_as_at_the_start(&mut self) {
        self.ui.volume = self.plan.volume;
    }

    /// A picture is taken.
    pub(super) fn hear_the_shutter(&self) {
        self.ears.sound.strike(Blow::Shutter);
    }

    /// The window closes.
    pub(super) fn hush(&mut self) {
        self.ears.sound.turn_to(0.0);
    }

    /// As loud as it is set, and silent before the first frame, while the world stands still, and while nothing shows it.
    pub(super) fn keep_the_volume(&mut self) {
        let shown = self.shell.is_some() && self.status.frames > 0 && !self.hidden;
        let plays = shown && !self.ui.paused && self.status.halted.is_none() && self.status.failed.is_none();
        self.ears.sound.turn_to(if plays { self.ui.volume.now } else { 0.0 });
        if plays && !self.ui.volume.is_silent() && self.ears.sound.has_played() && !std::mem::replace(&mut self.ears.known, true) {
            self.tell_of_sound();
        }
        self.ui.sounds = self.ears.sound.is_there() && !self.wants_no_sound();
    }

    /// It begins unasked; at an event it was asked for.
    fn tell_of_sound(&mut self) {
        if !self.plan.event {
            self.ui.toasts.push(told_of_sound(self.control_of(Command::Sound)), false);
            self.redraw();
        }
    }

    /// Whoever shows it to others wants no sound at all.
    fn wants_no_sound(&self) -> bool {
        self.plan.event && self.plan.volume.is_silent()
    }

    /// Another world plays.
    pub(super) fn hear_another(&mut self) {
        self.ears.sound.forget();
    }

    /// Turns the sound off, or on again as loud as it was.
    pub(super) fn silence(&mut self) {
        if self.wants_no_sound() {
            return;
        }
        self.ears.known = true;
        if !self.ui.volume.is_silent() && self.ears.sound.is_there() {
            self.ui.volume.silence();
            return self.ui.toasts.push("Silent.".to_owned(), false);
        }
        self.ui.volume.sound();
        let told = if self.ears.sound.is_there() { "Sound." } else { "No device here plays sound so far; it is looked for." };
        self.ui.toasts.push(told.to_owned(), false);
        self.keep_the_volume();
        self.ears.sound.look_again();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Bindings, Hand};

    #[test]
    fn who_hears_it_for_the_first_time_is_told_how_it_is_silenced() {
        let told = |hand| told_of_sound(Bindings::default().control_of(hand, Command::Sound));
        let [keys, pad, finger] = [Hand::Keys, Hand::Pad, Hand::Finger].map(told);
        assert!(keys.ends_with("; L is silence."), "{keys}");
        assert!(pad.contains("the panel") && pad == finger, "{pad}");
    }
}
