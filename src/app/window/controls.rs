//! What keys and pads make the window do.

use std::time::Instant;

use winit::event::{ElementState, KeyEvent};
use winit::event_loop::ActiveEventLoop;
use winit::keyboard::{Key, KeyCode, ModifiersState, PhysicalKey};

use super::App;
use crate::input::keys::writes_nothing;
use crate::input::pad::{PadControl, PadNews};
use crate::input::{Action, Bindings, Command, Hand, Holder, Uppermost};

/// What goes through a panel and changes what is in it; letters walk on.
const PANEL_KEYS: [KeyCode; 9] = [
    KeyCode::Tab,
    KeyCode::Space,
    KeyCode::Enter,
    KeyCode::NumpadEnter,
    KeyCode::Escape,
    KeyCode::ArrowUp,
    KeyCode::ArrowDown,
    KeyCode::ArrowLeft,
    KeyCode::ArrowRight,
];

impl App {
    /// What the keyboard says; true where it is the game's and not the interface's.
    pub(super) fn keyboard(&mut self, event: &KeyEvent, is_synthetic: bool, event_loop: &ActiveEventLoop) -> bool {
        let pressed = event.state == ElementState::Pressed;
        // Keys held while the window got the focus were not pressed for it.
        if is_synthetic && pressed {
            return matches!(event.physical_key, PhysicalKey::Code(_));
        }
        if pressed {
            // Something may lie on a key.
            if !event.repeat {
                self.idle.touch(Instant::now());
                self.leave_panel_to_pads();
                self.play_with(Hand::Keys);
            }
            if fills_screen(self.modifiers, &event.logical_key, event.physical_key) {
                if !event.repeat {
                    self.command(Command::Fullscreen);
                }
                return true;
            }
            if self.with_control(event, event_loop) {
                return true;
            }
        }
        let written = event.logical_key.to_text().and_then(|text| text.chars().next());
        matches!(event.physical_key, PhysicalKey::Code(key) if self.key((key, written), event.state, event.repeat))
    }

    /// What a key does that is pressed with Ctrl, if that is the game's.
    fn with_control(&mut self, event: &KeyEvent, event_loop: &ActiveEventLoop) -> bool {
        let control = self.modifiers.control_key() || (cfg!(target_os = "macos") && self.modifiers.super_key());
        let (first, shift) = (!event.repeat, self.modifiers.shift_key());
        let is = |letter, at| control && writes(letter, &event.logical_key, event.physical_key, at);
        if is("q", KeyCode::KeyQ) && (shift || !self.plan.kiosk) {
            event_loop.exit();
            return true;
        }
        let z = is("z", KeyCode::KeyZ);
        let redo = is("y", KeyCode::KeyY) || (z && shift);
        if first && ((redo && self.redo()) || (z && !redo && self.take_back())) {
            return true;
        }
        // In a field they are of text; at an event nobody's clipboard is touched.
        let clipboard = first && !self.typing() && !self.plan.event;
        if clipboard && is("c", KeyCode::KeyC) {
            self.copy_picture();
        } else if clipboard && is("v", KeyCode::KeyV) {
            self.paste_picture();
        } else {
            return false;
        }
        true
    }

    /// A key of the keyboard and what it writes; true where it is the game's and not the interface's.
    fn key(&mut self, (key, written): (KeyCode, Option<char>), state: ElementState, repeat: bool) -> bool {
        let by = Holder::Key(key);
        if state == ElementState::Released {
            self.latch().release(by);
            return false;
        }
        let typing = self.typing();
        // The Enter that led into a field is held still: it does not lead out again.
        if repeat && typing && matches!(key, KeyCode::Enter | KeyCode::NumpadEnter) {
            return true;
        }
        if self.ui.keys.on && PANEL_KEYS.contains(&key) {
            // Who leans on a button has pressed it once.
            return repeat && !typing && matches!(key, KeyCode::Space | KeyCode::Enter | KeyCode::NumpadEnter);
        }
        // Who came to say something and has second thoughts is done with field and panel. A key that is held leaves one thing.
        let leaves = !typing || self.ui.prompt.in_passing;
        if key == KeyCode::Escape && leaves && !repeat && self.escape() {
            return true;
        }
        let other = self.modifiers.control_key() || self.modifiers.alt_key() || self.modifiers.super_key();
        let action = self.bindings.pressed(key, written).filter(|_| !other);
        match action {
            // Letters belong to the text while one types; what leaves the text alone works all the same.
            Some(Action::Drive(_)) if typing => false,
            Some(Action::Command(_)) if typing && !writes_nothing(key) => false,
            // Held since before all was let go of: whoever held it then is not there any more.
            Some(Action::Drive(_)) if repeat && !self.latch().holds(by) => true,
            Some(Action::Drive(drive)) => {
                self.leave_map();
                let shift = self.modifiers.shift_key();
                if shift {
                    self.latch().press_aside(by, drive)
                } else {
                    self.latch().press(by, drive)
                }
                if !repeat {
                    self.set_off();
                }
                true
            }
            Some(Action::Command(command)) => {
                if !repeat || command == Command::Step {
                    self.command(command);
                }
                true
            }
            None if key == KeyCode::F6 && !other => {
                if !repeat {
                    self.panel_by_keys();
                }
                true
            }
            None => false,
        }
    }

    /// Leads the keys into the panel, or back out of it.
    fn panel_by_keys(&mut self) {
        let leads = !self.ui.keys.on;
        if leads && !self.ui.panel {
            self.command(Command::Panel);
        }
        self.stop_typing();
        if leads {
            self.ui.keys.lead_in();
        }
        self.redraw();
    }

    /// Leaves what lies uppermost, if anything does.
    fn escape(&mut self) -> bool {
        if self.ui.help {
            self.ui.help = false;
        } else if self.ui.map.open {
            self.leave_map();
        } else if self.ui.paint.active {
            self.paint_mode(false);
        } else if self.ui.panel {
            // A menu of the panel lies above it, and knows the key.
            if self.shell.as_ref().is_some_and(|shell| egui::Popup::is_any_open(shell.egui.egui_ctx())) {
                return false;
            }
            self.command(Command::Panel);
        } else if self.is_fullscreen() && !self.plan.kiosk {
            self.fill_screen(false);
        } else {
            return false;
        }
        self.redraw();
        true
    }

    pub(super) fn pad(&mut self, news: PadNews) {
        if let Some(no_more) = ends_help(&news, &self.bindings).filter(|_| std::mem::take(&mut self.ui.help)) {
            self.redraw();
            if no_more {
                return self.play_with(Hand::Pad);
            }
        }
        match news {
            PadNews::Command(command) => {
                self.play_with(Hand::Pad);
                self.command(command);
                // Nothing else shows where the d-pad is.
                if command == Command::Panel && self.ui.panel {
                    self.ui.keys.lead_by_pad(true);
                }
            }
            PadNews::Panel(control) | PadNews::PanelAgain(control) => {
                self.play_with(Hand::Pad);
                self.work_panel(control);
            }
            PadNews::Pushed => self.play_with(Hand::Pad),
            PadNews::Pressed => {
                self.play_with(Hand::Pad);
                self.leave_map();
                return self.set_off();
            }
            PadNews::Connected(name) => {
                // What wakes up by itself takes no buttons from under a finger, and nothing from what was asked for.
                if self.ui.hand != Hand::Finger && self.plan.hand.is_none() {
                    self.play_with(Hand::Pad);
                }
                // While nobody is there it stays longer.
                self.ui.hints.stay_on(Instant::now());
                log::info!("{name} is connected");
                self.ui.toasts.push(format!("{name} is connected"), false);
            }
            PadNews::Disconnected(name) => {
                self.leave_panel_to_pads();
                // Of another hand it is nothing, and at an event it only sleeps; what was asked for counts again.
                if self.ui.hand == Hand::Pad && !self.plan.event {
                    self.play_with(self.plan.hand.unwrap_or_default());
                }
                log::info!("{name} is gone");
                self.ui.toasts.push(format!("{name} is gone"), false);
            }
            PadNews::Unavailable(why) => log::warn!("gamepads cannot be read here: {why}"),
        }
        self.redraw();
    }

    /// Keys are the game's where a pad went through the panel, but in a field.
    fn leave_panel_to_pads(&mut self) {
        if !std::mem::take(&mut self.ui.keys.led_by_pad) {
            return;
        }
        if self.ui.keys.on && !self.typing() {
            self.stop_typing();
        }
    }

    /// A control of a pad that works the panel.
    fn work_panel(&mut self, control: PadControl) {
        let Some(shell) = self.shell.as_mut() else { return };
        // It may be closed by now.
        if !self.ui.panel {
            return;
        }
        let context = shell.egui.egui_ctx().clone();
        let focused = context.memory(egui::Memory::focused);
        let at = focused.and_then(|id| context.read_response(id));
        // Of all in the panel sliders alone are dragged and not clicked on.
        let slider = at.is_some_and(|at| at.sense.senses_drag() && !at.sense.senses_click());
        let menu = egui::Popup::is_any_open(&context);
        let Some(heard) = heard_in_panel(control, [slider, menu]) else { return self.command(Command::Panel) };
        let leaves_menu = control == PadControl::East;
        if focused.is_some() || leaves_menu {
            shell.egui.egui_input_mut().events.extend(heard);
        }
        // Who is not in the panel yet begins there, and who leaves a menu goes on beside it.
        self.ui.keys.lead_by_pad(focused.is_none() || leaves_menu);
    }

    /// Tells pads what lies uppermost, and the map how they push it.
    pub(super) fn follow_pads(&mut self) {
        let uppermost = match (self.ui.map.open, self.ui.panel) {
            (true, _) => Uppermost::Map,
            // Who types in passing walks on.
            (false, true) if !self.ui.prompt.in_passing => Uppermost::Panel,
            (false, _) => Uppermost::World,
        };
        let push = {
            let mut latch = self.latch();
            latch.lies_uppermost(uppermost);
            latch.push()
        };
        if push != self.ui.map.push {
            self.ui.map.push = push;
            self.redraw();
        }
    }
}

/// Whether this is a press, which ends the lines of help, and then whether it does no more than that: the button that closes other things, and that of help.
fn ends_help(news: &PadNews, bindings: &Bindings) -> Option<bool> {
    match news {
        PadNews::Command(command) => {
            let closes = bindings.pad(PadControl::East) == Some(Action::Command(*command));
            Some(closes || *command == Command::Help)
        }
        PadNews::Panel(control) => Some(*control == PadControl::East),
        PadNews::Pressed | PadNews::Pushed => Some(false),
        PadNews::PanelAgain(_) | PadNews::Connected(_) | PadNews::Disconnected(_) | PadNews::Unavailable(_) => None,
    }
}

/// What the interface hears of a control that works the panel, by whether a slider has the focus and whether a menu is open; nothing where it closes
/// the panel.
fn heard_in_panel(control: PadControl, [slider, menu]: [bool; 2]) -> Option<[egui::Event; 2]> {
    let (key, modifiers) = match control {
        PadControl::DPadLeft if slider => (egui::Key::ArrowLeft, egui::Modifiers::NONE),
        PadControl::DPadRight if slider => (egui::Key::ArrowRight, egui::Modifiers::NONE),
        // A field has a use for arrows, and none for Tab.
        PadControl::DPadDown | PadControl::DPadRight => (egui::Key::Tab, egui::Modifiers::NONE),
        PadControl::DPadUp | PadControl::DPadLeft => (egui::Key::Tab, egui::Modifiers::SHIFT),
        PadControl::South => (egui::Key::Space, egui::Modifiers::NONE),
        PadControl::East if menu => (egui::Key::Escape, egui::Modifiers::NONE),
        _ => return None,
    };
    Some([true, false].map(|pressed| egui::Event::Key { key, physical_key: None, pressed, repeat: false, modifiers }))
}

/// Whether this leads to the full screen and back in most programs: Alt+Enter, and Ctrl+Cmd+F on macOS.
fn fills_screen(held: ModifiersState, written: &Key, key: PhysicalKey) -> bool {
    let enter = held == ModifiersState::ALT && matches!(key, PhysicalKey::Code(KeyCode::Enter | KeyCode::NumpadEnter));
    let control_command = held == ModifiersState::CONTROL | ModifiersState::SUPER;
    enter || (cfg!(target_os = "macos") && control_command && writes("f", written, key, KeyCode::KeyF))
}

/// Whether a key writes this letter, or on a layout without Latin letters lies where others write it, `at`.
fn writes(letter: &str, written: &Key, key: PhysicalKey, at: KeyCode) -> bool {
    match written {
        Key::Character(latin) if latin.is_ascii() => latin.eq_ignore_ascii_case(letter),
        _ => key == PhysicalKey::Code(at),
    }
}

#[cfg(test)]
mod tests {
    use winit::keyboard::NamedKey;

    use super::*;

    #[test]
    fn a_letter_is_what_the_layout_writes() {
        let letter = |letter: &str| Key::Character(letter.into());
        let (q, a) = (PhysicalKey::Code(KeyCode::KeyQ), PhysicalKey::Code(KeyCode::KeyA));
        let is_q = |written: &Key, key| writes("q", written, key, KeyCode::KeyQ);
        assert!(is_q(&letter("q"), q) && is_q(&letter("Q"), q));
        // On AZERTY the two have changed places: there Ctrl+A selects all and does not quit.
        assert!(is_q(&letter("q"), a) && !is_q(&letter("a"), q));
        assert!(is_q(&letter("\u{439}"), q) && !is_q(&letter("\u{444}"), a), "a Cyrillic layout");
    }

    #[test]
    fn a_pad_goes_through_the_panel_as_keys_do() {
        let key = |control, on| {
            let [pressed, released] = heard_in_panel(control, on)?;
            let what = |event: egui::Event| match event {
                egui::Event::Key { key, pressed, modifiers, .. } => (key, modifiers.shift, pressed),
                other => panic!("{other:?}"),
            };
            let ((key, shift, down), (other, _, still_down)) = (what(pressed), what(released));
            assert!(down && !still_down && key == other);
            Some((key, shift))
        };
        let (plain, slider, menu) = ([false; 2], [true, false], [false, true]);
        let pad = [PadControl::DPadUp, PadControl::DPadLeft, PadControl::DPadDown, PadControl::DPadRight];
        let (back, on) = (Some((egui::Key::Tab, true)), Some((egui::Key::Tab, false)));
        assert_eq!(pad.map(|control| key(control, plain)), [back, back, on, on]);
        let [left, right] = [egui::Key::ArrowLeft, egui::Key::ArrowRight].map(|arrow| Some((arrow, false)));
        assert_eq!(pad.map(|control| key(control, slider)), [back, left, on, right]);
        assert_eq!(key(PadControl::South, plain), Some((egui::Key::Space, false)));
        assert_eq!([plain, menu].map(|on| key(PadControl::East, on)), [None, Some((egui::Key::Escape, false))]);
    }

    #[test]
    fn any_press_of_a_pad_ends_the_lines_of_help_and_that_which_closes_does_no_more() {
        let ends = |news: PadNews| ends_help(&news, &Bindings::default());
        let [east, south] = [PadControl::East, PadControl::South];
        for news in [PadNews::Pressed, PadNews::Pushed, PadNews::Panel(south), PadNews::Command(Command::Pause)] {
            assert_eq!(ends(news.clone()), Some(false), "{news:?}");
        }
        for news in [PadNews::Panel(east), PadNews::Command(Command::Map), PadNews::Command(Command::Help)] {
            assert_eq!(ends(news.clone()), Some(true), "{news:?}");
        }
        // Nobody has pressed anything.
        for news in [PadNews::PanelAgain(south), PadNews::Connected("a pad".to_owned()), PadNews::Disconnected("a pad".to_owned())] {
            assert_eq!(ends(news.clone()), None, "{news:?}");
        }
    }

    #[test]
    fn keys_of_other_programs_fill_the_screen_and_enter_alone_does_not() {
        let enter = |held| fills_screen(held, &Key::Named(NamedKey::Enter), PhysicalKey::Code(KeyCode::Enter));
        assert!(enter(ModifiersState::ALT));
        // With Ctrl as well it is AltGr on some systems.
        for held in [ModifiersState::empty(), ModifiersState::SHIFT, ModifiersState::ALT | ModifiersState::CONTROL] {
            assert!(!enter(held), "{held:?}");
        }
        let f = |held| fills_screen(held, &Key::Character("f".into()), PhysicalKey::Code(KeyCode::KeyF));
        assert_eq!(f(ModifiersState::CONTROL | ModifiersState::SUPER), cfg!(target_os = "macos"));
        assert!(!f(ModifiersState::CONTROL));
    }
}
