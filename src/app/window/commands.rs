//! What keys, pads and panel make the window do.

use winit::event::ElementState;
use winit::event_loop::ActiveEventLoop;
use winit::keyboard::KeyCode;
use winit::window::Fullscreen;

use super::App;
use crate::app::files;
use crate::app::panel::UiEvent;
use crate::dream::Drive;
use crate::dream::runner::{Prompt, Request, Wish};
use crate::input::pad::PadNews;
use crate::input::{Action, Command, Holder};
use crate::prompt;

/// Enlargement of a screenshot.
const SCREENSHOT_SCALE: u32 = 4;

impl App {
    pub(super) fn serve(&mut self, event: UiEvent) {
        match event {
            UiEvent::Command(command) => self.command(command),
            UiEvent::Settings(settings) => self.wish(|wish| wish.settings = settings),
            UiEvent::Rate(rate) => self.wish(|wish| wish.rate = rate),
            UiEvent::Prompt(text) => self.say(text),
            UiEvent::FromPrompt => self.request(Request::StartFromPrompt),
            UiEvent::Paint(freeze) => self.paint_mode(freeze),
            UiEvent::Repaint(tokens, text) => {
                let words = self.words_of(&text);
                self.request(Request::Repaint(tokens, words));
            }
            UiEvent::Stylise(share) => self.request(Request::Stylise(share)),
            UiEvent::TakeBack => self.request(Request::Undo),
            UiEvent::Gallery(index) => {
                if let Some((_, still, _)) = self.plan.launch.gallery().get(index) {
                    let stills = vec![still.clone()];
                    self.request(Request::StartFrom(stills));
                }
            }
            UiEvent::OpenPicture => files::open_dialog(self.proxy.clone()),
            UiEvent::CodeDown(code) => self.latch().press(Holder::Inspector(code), Drive::Code(code)),
            UiEvent::CodeUp(code) => self.latch().release(Holder::Inspector(code)),
        }
    }

    /// Puts a prompt in force: the next frame computed has it.
    pub(super) fn say(&mut self, text: String) {
        let prompt = Prompt { words: self.words_of(&text).into(), blend_frames: self.ui.prompt.blend_frames };
        self.wish(|wish| wish.prompt = prompt);
        let typing = self.typing();
        let state = &mut self.ui.prompt;
        state.history.said(&text);
        state.said.clone_from(&text);
        // A prompt by the clock does not take the words out of somebody's mouth.
        if !typing {
            state.text = text;
        }
    }

    fn typing(&self) -> bool {
        self.shell.as_ref().is_some_and(|shell| shell.egui.egui_ctx().text_edit_focused())
    }

    fn words_of(&self, text: &str) -> Vec<u16> {
        prompt::ids(&prompt::read(text, self.plan.launch.prompt_words()))
    }

    /// Freezes the frame to paint on it, or plays on as before.
    fn paint_mode(&mut self, freeze: bool) {
        let paused = self.ui.paused;
        if freeze {
            self.ui.paint.begin(paused);
        }
        self.ui.paint.active = freeze;
        self.pause(freeze || self.ui.paint.was_paused);
        self.stop_typing();
    }

    fn pause(&mut self, paused: bool) {
        self.ui.paused = paused;
        self.wish(|wish| wish.paused = paused);
    }

    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Panel => {
                self.ui.panel = !self.ui.panel;
                self.stop_typing();
                if self.ui.paint.active && !self.ui.panel {
                    self.paint_mode(false);
                }
            }
            Command::Hud => self.ui.hud = !self.ui.hud,
            Command::Pause => {
                self.ui.paint.active = false;
                self.pause(!self.ui.paused);
            }
            Command::Step => {
                self.ui.paint.active = false;
                self.pause(true);
                self.request(Request::Step);
            }
            Command::Reset => self.restart(),
            Command::NewSeed => {
                self.ui.settings.seed = self.ui.settings.seed.wrapping_add(1);
                let settings = self.ui.settings;
                self.wish(|wish| wish.settings = settings);
                self.restart();
            }
            Command::Screenshot => self.request(Request::Screenshot(files::screenshot_path(), SCREENSHOT_SCALE)),
            Command::Fullscreen => {
                if let Some(shell) = &self.shell {
                    shell.window.set_fullscreen((!self.is_fullscreen()).then_some(Fullscreen::Borderless(None)));
                }
            }
        }
        self.redraw();
    }

    /// Whoever hides the panel is done with its fields: the keys walk again.
    fn stop_typing(&self) {
        if let Some(shell) = &self.shell {
            shell.egui.egui_ctx().memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id);
                }
            });
        }
    }

    pub(super) fn restart(&mut self) {
        self.request(Request::Reset);
    }

    pub(super) fn wish(&self, change: impl FnOnce(&mut Wish)) {
        if let Some(shell) = &self.shell {
            shell.runner.wish(change);
        }
    }

    pub(super) fn request(&self, request: Request) {
        if let Some(shell) = &self.shell {
            shell.runner.request(request);
        }
    }

    /// A key of the keyboard; true where it is the game's and not the interface's.
    pub(super) fn key(&mut self, event_loop: &ActiveEventLoop, key: KeyCode, state: ElementState, repeat: bool) -> bool {
        let by = Holder::Key(key);
        if state == ElementState::Released {
            self.latch().release(by);
            return false;
        }
        if key == KeyCode::KeyQ && self.modifiers.control_key() {
            event_loop.exit();
            return true;
        }
        let typing = self.typing();
        if key == KeyCode::Escape && !typing && self.is_fullscreen() {
            self.command(Command::Fullscreen);
            return true;
        }
        if key == KeyCode::Escape && !typing && self.ui.paint.active {
            self.paint_mode(false);
            self.redraw();
            return true;
        }
        let other = self.modifiers.control_key() || self.modifiers.alt_key() || self.modifiers.super_key();
        let action = self.bindings.key(key).filter(|_| !other);
        match action {
            // Letters belong to the text while one types; what leaves the text alone works all the same.
            Some(Action::Drive(_)) if typing => false,
            Some(Action::Command(_)) if typing && !matches!(key, KeyCode::Tab | KeyCode::F3 | KeyCode::F11 | KeyCode::F12) => false,
            Some(Action::Drive(drive)) => {
                self.latch().press(by, drive);
                true
            }
            Some(Action::Command(command)) => {
                if !repeat || command == Command::Step {
                    self.command(command);
                }
                true
            }
            None => false,
        }
    }

    pub(super) fn is_fullscreen(&self) -> bool {
        self.shell.as_ref().is_some_and(|shell| shell.window.fullscreen().is_some())
    }

    pub(super) fn pad(&mut self, news: PadNews) {
        match news {
            PadNews::Command(command) => self.command(command),
            PadNews::Connected(name) => self.ui.toasts.push(format!("{name} is connected"), false),
            PadNews::Disconnected(name) => self.ui.toasts.push(format!("{name} is gone"), false),
            PadNews::Unavailable(why) => log::warn!("gamepads cannot be read here: {why}"),
        }
        self.redraw();
    }
}
