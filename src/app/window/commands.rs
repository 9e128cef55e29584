//! What the window does when it is asked to by a key, the panel or an hour without anybody: begin anew, pause, take back, full screen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::changes::changes_all;
use super::idle::Turn;
use super::saying::By;
use super::{App, Wake};
use crate::app::dials::Dials;
use crate::app::files;
use crate::app::marks::Marks;
use crate::app::paint::PaintState;
use crate::app::panel::UiEvent;
use crate::app::preview::PreviewState;
use crate::app::prompt_args;
use crate::app::prompt_history::PromptHistory;
use crate::app::prompt_queue;
use crate::dream::Drive;
use crate::dream::runner::{HandOver, Request, Went};
use crate::input::{CONTROL, Command, Hand, Holder};

/// While nobody is there, the hint stays.
const FOR_LONG: Duration = Duration::from_secs(365 * 24 * 3600);

impl App {
    pub(super) fn serve(&mut self, event: UiEvent) {
        match event {
            UiEvent::Command(command) => self.command(command),
            UiEvent::Settings(settings) => self.wish(|wish| wish.settings = settings),
            UiEvent::Rate(rate) => self.wish(|wish| wish.rate = rate),
            UiEvent::Prompt(text) => self.say_in_the_panel(&text),
            UiEvent::Dial(dial, value) => {
                self.changes.forget_said();
                self.set_dial(dial, value);
            }
            UiEvent::FromPrompt => self.begin(Request::StartFromPrompt),
            UiEvent::Paint(freeze) => self.paint_mode(freeze),
            UiEvent::Repaint(tokens, text) => {
                let words = self.words_of(&text);
                self.request(Request::Repaint(tokens, words));
            }
            UiEvent::Stylise(share) => {
                // What it leaves is another dream.
                self.leave_dream();
                self.request(Request::Stylise(share));
            }
            UiEvent::TakeBack => self.undo(),
            UiEvent::Gallery(index) => {
                if let Some((_, still, _)) = self.plan.launch.gallery().get(index) {
                    let stills = vec![still.clone()];
                    self.begin(Request::StartFrom(stills));
                }
            }
            UiEvent::Preview | UiEvent::Tokens => self.look_ahead(),
            UiEvent::Earlier(index) => self.go_back_to(index),
            UiEvent::ForgetEarlier(index) => self.forget_earlier(index),
            UiEvent::BringBack => self.bring_back_dream(),
            UiEvent::OpenPicture => files::open_dialog(self.window(), self.ui.venue.takes_files, self.proxy.clone()),
            UiEvent::CodeDown(code) => {
                self.latch().press(Holder::Inspector(code), Drive::Code(code));
                self.set_off();
            }
            UiEvent::CodeUp(code) => self.latch().release(Holder::Inspector(code)),
            UiEvent::Point(intent) => {
                self.latch().release(Holder::Pointer);
                if let Some(intent) = intent {
                    self.latch().press(Holder::Pointer, Drive::Intent(intent));
                    self.set_off();
                }
            }
        }
    }

    /// Says what was typed or chosen. Whoever came for that alone sees the world again, and what of it counts; what is refused is typed on.
    fn say_in_the_panel(&mut self, text: &str) {
        self.changes.forget_said();
        if !self.say(text, By::Words) {
            self.ui.prompt.refuse(text);
            return self.redraw();
        }
        if !self.ui.prompt.in_passing {
            return;
        }
        self.command(Command::Panel);
        if !text.trim().is_empty() {
            let most = self.plan.launch.prompt_words();
            let heard = || Marks::default().heard(text, most).map(|heard| format!(", heard as: {heard}"));
            let told = prompt_args::doubt(text, most).map(|doubt| format!(": {doubt}.")).or_else(heard).unwrap_or_default();
            self.ui.toasts.push(format!("\u{201C}{}\u{201D}{told}", prompt_args::quoted(text)), false);
        }
    }

    /// Leaves the map and what is painted for the world beneath.
    pub(super) fn leave_for_world(&mut self) {
        self.map_mode(false);
        if self.ui.paint.active {
            self.paint_mode(false);
        }
    }

    /// Freezes the frame to paint on it, or plays on as before.
    pub(super) fn paint_mode(&mut self, freeze: bool) {
        if freeze {
            self.map_mode(false);
            self.changes.forget();
            self.ui.paint.begin(self.ui.paused);
        }
        self.ui.paint.active = freeze;
        self.look_around();
        self.pause(freeze || self.ui.paint.was_paused);
        self.stop_typing();
    }

    /// Looks ahead, and at how it is dreamed, where somebody sees it.
    pub(super) fn look_ahead(&self) {
        let (ahead, tokens) = (self.ui.panel && self.ui.preview.on, self.ui.tokens);
        self.wish(|wish| (wish.preview, wish.account) = (ahead, tokens));
    }

    /// Has time stand still in the world, or go on.
    pub(super) fn pause(&mut self, paused: bool) {
        if self.ui.paused && !paused {
            self.latch().forget_taps();
        }
        self.ui.paused = paused;
        self.let_time_go_by();
    }

    /// Time goes by in the world unless it is paused, or nobody can see it.
    fn let_time_go_by(&mut self) {
        let paused = self.ui.paused || self.hidden;
        self.ui.clock.run(!paused, Instant::now());
        self.wish(|wish| wish.paused = paused);
    }

    /// A world that nobody can see is not dreamed on; systems that do not say so have it dreamed on.
    pub(super) fn rest_while_hidden(&mut self) {
        let hidden = self.covered || self.shell.as_ref().is_some_and(|shell| shell.window.is_minimized() == Some(true));
        if hidden != self.hidden {
            self.hidden = hidden;
            log::info!("the window is {}", if hidden { "out of sight: the world waits" } else { "there again" });
            self.let_time_go_by();
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        // What waits was meant for a world that is left by it.
        if command == Command::Reset {
            self.changes.forget();
        }
        // By the time that its turn comes Shift may be let go of.
        let shift = self.modifiers.shift_key();
        if !changes_all(command) || self.changes.may_come((command, shift), Instant::now()) {
            self.carry_out(command, shift);
        }
    }

    /// Does it at once, with Shift or without.
    pub(super) fn carry_out(&mut self, command: Command, shift: bool) {
        self.coach.used(command);
        match command {
            Command::Panel => {
                self.ui.panel = !self.ui.panel;
                self.ui.prompt.in_passing = false;
                self.stop_typing();
                self.look_ahead();
                if self.ui.paint.active && !self.ui.panel {
                    self.paint_mode(false);
                }
            }
            Command::Prompt => {
                self.changes.forget_said();
                // Where there is no field, the keys stay with the game.
                let any = self.plan.launch.prompt_words() > 0;
                let passes = self.ui.prompt.in_passing || !self.ui.panel;
                self.ui.prompt.in_passing = any && passes && !self.ui.paint.active;
                self.ui.panel = true;
                self.look_ahead();
                self.ui.paint.wants_keys = any && self.ui.paint.active;
                self.ui.prompt.wants_keys = any && !self.ui.paint.active;
            }
            Command::NextPrompt => self.next_prompt(shift),
            Command::Turn(dial) => self.turn(dial, shift),
            Command::Surprise => self.surprise(),
            Command::Hud => self.ui.hud = !self.ui.hud,
            Command::Stroll => self.stroll(),
            Command::Pause => {
                self.leave_map();
                self.ui.paint.active = false;
                self.pause(!self.ui.paused);
            }
            Command::Step => {
                self.leave_map();
                self.ui.paint.active = false;
                self.pause(true);
                self.request(Request::Step);
            }
            Command::Reset => {
                self.leave_dream();
                self.begin_left(Request::Reset);
                self.follow_list();
                self.offer_way_back();
            }
            Command::NewSeed => {
                // Under the seed it has.
                self.leave_dream();
                let another = self.another_world();
                self.begin_left(another);
                self.follow_list();
                self.offer_way_back();
            }
            Command::TakeBack => drop(self.take_back()),
            Command::Redo => drop(self.redo()),
            Command::View => self.look_from_within(!self.ui.within),
            Command::Map => self.map_mode(!self.ui.map.open),
            Command::Screenshot => self.save_picture(),
            Command::Keep => self.keep(),
            Command::Sound => self.silence(),
            Command::Help => self.ui.help = !self.ui.help,
            Command::Fullscreen => self.fill_screen(self.plan.kiosk || !self.is_fullscreen()),
        }
        self.redraw();
    }

    /// Takes back the last change or new beginning, and while one paints the last stroke; not while letters are typed, which have their own.
    pub(super) fn take_back(&mut self) -> bool {
        let free = !self.typing();
        if free {
            self.leave_map();
            // A change that was dreamed goes before its strokes, and without a stroke those before painting began.
            if !(self.ui.paint.active && self.ui.paint.take_back()) {
                self.undo();
            }
            self.redraw();
        }
        free
    }

    /// Does again what was taken back, also beneath what is painted; not while letters are typed.
    pub(super) fn redo(&mut self) -> bool {
        let free = !self.typing();
        if free {
            self.leave_map();
            self.ui.paint.do_again();
            self.go_along(Request::Redo, "Done again.".to_owned());
        }
        free
    }

    /// What stands on the control that does this, of what somebody plays with.
    pub(super) fn control_of(&self, command: Command) -> Option<String> {
        self.bindings.control_of(self.ui.hand, command)
    }

    /// Somebody plays with this from now on.
    pub(super) fn play_with(&mut self, hand: Hand) {
        if hand != self.ui.hand {
            self.ui.hand = hand;
            self.redraw();
        }
    }

    /// Somebody walks. At an event that ends what somebody else has stopped.
    pub(super) fn set_off(&mut self) {
        if self.plan.event && self.ui.paused && !self.ui.paint.active {
            self.pause(false);
        }
        self.request(Request::SetOff);
        // Who turns sees it at once, also where no frame comes for it.
        let looks = self.latch().looks();
        if self.eye.as_ref().is_some_and(|eye| eye.looks() != looks) {
            self.redraw();
        }
    }

    /// Goes on to the next seed; gives what leads into its world.
    fn another_world(&mut self) -> Request {
        self.ui.settings.seed = self.ui.settings.seed.wrapping_add(1);
        let settings = self.ui.settings;
        self.wish(|wish| wish.settings = settings);
        self.plan.launch.another(&self.current_wish())
    }

    /// Says what brings the world back that was left just now.
    fn offer_way_back(&mut self) {
        if let (Some(control), true) = (self.control_of(Command::TakeBack), self.plan.launch.dreamer().is_some()) {
            self.ui.toasts.push(format!("{control} brings back the world before"), false);
        }
    }

    /// Takes back what was asked for last: of what waits the last, else what came last.
    fn undo(&mut self) {
        if self.changes.drop_last() {
            return self.ui.toasts.push("Taken back.".to_owned(), false);
        }
        let redo = self.control_of(Command::Redo).or_else(|| (self.ui.hand == Hand::Keys).then(|| format!("{CONTROL}+Y")));
        let again = redo.map_or_else(String::new, |control| format!(" {control} does it again."));
        self.ui.paint.take_back_dreamed();
        self.go_along(Request::Undo, format!("Taken back.{again}"));
    }

    /// Goes back or forth among the changes and new beginnings; what is left is kept, where it is a world. A notice tells what was done.
    fn go_along(&mut self, way: impl FnOnce(HandOver<Went>) -> Request, told: String) {
        self.charting = Arc::default();
        self.keep_dream();
        self.request(way(self.hands_over(move |went| Wake::WentAlong(told, went))));
    }

    /// Whoever hides the panel is done with its fields: the keys walk again.
    pub(super) fn stop_typing(&mut self) {
        (self.ui.prompt.wants_keys, self.ui.paint.wants_keys) = (false, false);
        self.ui.keys.let_go();
        if let Some(shell) = &self.shell {
            shell.egui.egui_ctx().memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id);
                }
            });
        }
    }

    /// Begins somewhere: what was tapped before was not meant for there, and a map is of another land.
    pub(super) fn begin(&mut self, beginning: Request) {
        self.changes.forget();
        self.leave_dream();
        self.begin_left(beginning);
    }

    /// The same of a dream that was left already.
    fn begin_left(&mut self, beginning: Request) {
        self.map_mode(false);
        self.charting = Arc::default();
        self.latch().forget_taps();
        self.request(beginning);
    }

    /// Hides a pointer that rests; begins anew and strolls where nobody has been there for as long as was asked for.
    pub(super) fn look_after_nobody(&mut self, now: Instant) {
        let hide = self.idle.hides_pointer(now) && !self.ui.panel;
        if hide != self.pointer_hidden
            && let Some(shell) = &self.shell
        {
            shell.window.set_cursor_visible(!hide);
            self.pointer_hidden = hide;
        }
        let (presses, held) = {
            let latch = self.latch();
            (latch.presses(), latch.is_held())
        };
        self.coach(now, presses);
        let stuck = self.status.stuck.zip(self.status.info.as_ref());
        self.idle.see_stuck(stuck.map(|(stuck, info)| (info.way_of(stuck.code), stuck.steps)));
        let Some(turn) = self.idle.look(now, presses, held) else { return };
        {
            let mut latch = self.latch();
            latch.release(Holder::Stroll);
            // What is held all the same is in no hand: a stick that drifts would walk in its place.
            if matches!(turn, Turn::Alone | Turn::Left | Turn::Refresh) {
                latch.let_go();
            }
        }
        match turn {
            Turn::Alone => self.wait_for_somebody(now),
            Turn::Left => {
                log::info!("nobody is there: the world begins anew");
                self.lift_fingers();
                self.as_at_the_start();
                self.come_back_to_display();
                self.wait_for_somebody(now);
                self.begin(self.plan.launch.beginning(&self.current_wish()));
                // Who comes next finds no way to it.
                self.request(Request::Forget);
                self.by_hand.forget();
            }
            Turn::Stroll(intent) => self.latch().press(Holder::Stroll, Drive::Intent(intent)),
            Turn::Rest => {}
            Turn::Refresh => {
                self.come_back_to_display();
                // Other land, and seen otherwise.
                let another = self.another_world();
                if self.status.info.as_ref().is_some_and(|info| info.within) {
                    self.see_from_within(!self.ui.within);
                }
                self.begin(another);
                self.read_list_again();
                self.ui.prompt.queue.lines.clone_from(&self.plan.queue.lines);
            }
            Turn::Arrived => {
                log::info!("somebody is there");
                self.ui.hints.stay(now);
                self.ui.hints.invitation.clear();
                self.heartbeat.visits += 1;
            }
        }
        self.redraw();
    }

    /// Says what to press, and invites to it, until somebody comes.
    fn wait_for_somebody(&mut self, now: Instant) {
        self.ui.hints.until = now.checked_add(FOR_LONG);
        self.ui.hints.invitation.clone_from(&self.plan.invitation);
    }

    /// What is set and said as it was at the start of the program, for whoever comes next.
    pub(super) fn as_at_the_start(&mut self) {
        let now = Instant::now();
        self.stop_typing();
        self.map_mode(false);
        self.hear_as_at_the_start();
        let (ui, plan) = (&mut self.ui, &self.plan);
        (ui.panel, ui.hud, ui.help, ui.glide, ui.tokens) = (plan.panel, plan.hud, false, plan.glide, false);
        let within = plan.within;
        ui.hand = plan.hand.unwrap_or(ui.hand);
        (ui.settings, ui.rate) = (plan.settings, plan.rate);
        (ui.paint, ui.preview, ui.dials) = (PaintState::default(), PreviewState::default(), Dials::default());
        (ui.prompt.blend_frames, ui.prompt.suggestion) = (plan.blend_frames, prompt_queue::Place::default());
        ui.prompt.history = PromptHistory::default();
        if let Some(shell) = &self.shell {
            let context = shell.egui.egui_ctx();
            context.set_zoom_factor(plan.letters);
            // With it goes what fields could undo to.
            context.data_mut(|data| data.remove_by_type::<egui::text_edit::TextEditState>());
        }
        if self.is_fullscreen() != self.plan.fullscreen {
            self.fill_screen(self.plan.fullscreen);
        }
        self.look_ahead();
        self.look_from_within(within);
        self.pause(false);
        let (settings, rate) = (self.plan.settings, self.plan.rate);
        self.wish(|wish| (wish.settings, wish.rate) = (settings, rate));
        let day = self.plan.day.on_from(&self.ui.prompt.day);
        self.ui.prompt.drop_draft();
        self.say_besides(&self.plan.prompt.clone(), By::Itself, self.besides_at_the_start());
        // The light that the prompt names was where the day began, and not where every visit ends.
        self.ui.prompt.day = day;
        self.tell(By::Itself);
        self.read_list_again();
        // Visitors come and go before it is through.
        self.ui.prompt.queue = self.plan.queue.on_from(&self.ui.prompt.queue);
        if !self.plan.prompt.is_empty() {
            self.ui.prompt.queue.wait(self.ui.clock.now(now));
        }
    }

    /// Reads the list of prompts again where its file was written to since; where that is no list any more, the one there was stays.
    fn read_list_again(&mut self) {
        let (list, launch) = (&mut self.plan.queue, &self.plan.launch);
        let Some(path) = list.changed_file() else { return };
        match prompt_args::read_queue(&path, list.every_secs, launch.title(), launch.prompt_words()) {
            Ok(queue) => {
                log::info!("{} was written to: what stands in it now is said", path.display());
                list.lines = queue.lines;
            }
            Err(why) => log::warn!("the prompts stay as they were: {why}"),
        }
    }

    /// The same where nobody begins anew, or somebody who goes on playing: a list that was changed in the panel stays.
    pub(super) fn follow_list(&mut self) {
        let as_read = self.ui.prompt.queue.lines == self.plan.queue.lines;
        self.read_list_again();
        if as_read {
            self.ui.prompt.queue.lines.clone_from(&self.plan.queue.lines);
        }
    }
}
