//! Keys that look around on the map. The interface hears them; walking keys go on with the walk.

use std::time::Instant;

use winit::event::{ElementState, KeyEvent};
use winit::keyboard::{Key, NamedKey};

use super::App;
use crate::input::Hand;

impl App {
    /// Whether this is a press of a key that looks around on a map that is open. What is let go of is always heard by the game as well.
    pub(super) fn is_for_the_map(&mut self, event: &KeyEvent) -> bool {
        let pressed = event.state == ElementState::Pressed;
        let other = self.modifiers.control_key() || self.modifiers.alt_key() || self.modifiers.super_key();
        let free = self.ui.map.open && !self.ui.by_keys && !self.typing();
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
