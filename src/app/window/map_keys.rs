//! The map opens and closes, and keys look around on it. The interface hears those; walking keys go on with the walk.

use std::sync::Arc;
use std::time::Instant;

use winit::event::{ElementState, KeyEvent};
use winit::keyboard::{Key, NamedKey};

use super::{App, Wake};
use crate::app::map::MapState;
use crate::dream::runner::Request;
use crate::input::Hand;

impl App {
    /// Shows the map while the world stands still, or plays on as before.
    pub(super) fn map_mode(&mut self, open: bool) {
        if open == self.ui.map.open {
            return;
        }
        if self.ui.paint.active {
            self.paint_mode(false);
        }
        if open {
            self.ui.map.begin(self.ui.paused);
            self.ask_for_chart();
        }
        self.pause(open || self.ui.map.was_paused);
        if !open {
            self.ui.map = MapState::default();
        }
        // One that had to wait takes no letters from a field that somebody is in by now.
        if !(open && self.typing()) {
            self.stop_typing();
        }
    }

    /// Somebody leaves the map by hand, if it is open: what was asked of it before that is not wanted any more.
    pub(super) fn leave_map(&mut self) {
        if self.ui.map.open {
            self.changes.forget_map();
            self.map_mode(false);
        }
    }

    /// Has the map drawn, unless one of this land is being drawn: whoever hammers at its key must not keep the dream from going on.
    fn ask_for_chart(&self) {
        if Arc::strong_count(&self.charting) > 1 {
            return;
        }
        let charting = self.charting.clone();
        self.request(Request::Chart(self.hands_over(move |chart| {
            drop(charting);
            Wake::Chart(chart)
        })));
    }

    /// Whether this is a press of a key that looks around on a map that is open. What is let go of is always heard by the game as well.
    pub(super) fn is_for_the_map(&mut self, event: &KeyEvent) -> bool {
        let pressed = event.state == ElementState::Pressed;
        let other = self.modifiers.control_key() || self.modifiers.alt_key() || self.modifiers.super_key();
        let free = self.ui.map.open && !self.ui.keys.on && !self.typing();
        let is_one = pressed && free && !other && looks_around(&event.logical_key);
        if is_one && !event.repeat {
            self.idle.touch(Instant::now());
            self.play_with(Hand::Keys);
        }
        is_one
    }
}

fn looks_around(key: &Key) -> bool {
    match key {
        Key::Named(NamedKey::ArrowUp | NamedKey::ArrowLeft | NamedKey::ArrowDown | NamedKey::ArrowRight) => true,
        Key::Character(written) => matches!(written.as_str(), "+" | "=" | "-" | "0"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_and_signs_are_for_the_map_and_letters_walk() {
        let written = |text: &str| looks_around(&Key::Character(text.into()));
        assert!(["+", "=", "-", "0"].into_iter().all(written));
        assert!(!["w", "a", "m", "1", "."].into_iter().any(written));
        assert!(looks_around(&Key::Named(NamedKey::ArrowLeft)) && !looks_around(&Key::Named(NamedKey::Escape)));
    }
}
