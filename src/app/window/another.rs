//! What was dropped on the window or chosen: another world in it, a list of prompts, or pictures.

use std::path::{Path, PathBuf};

use super::{App, Wake};
use crate::app::files;
use crate::app::open::Launch;
use crate::app::preview::PreviewState;
use crate::app::prompt_args;
use crate::engine::DecodeSettings;
use crate::engine::inputs::play_settings;
use crate::input::Command;

/// Whether a file is a pack, by its name.
pub(super) fn is_pack(path: &Path) -> bool {
    ends_with(path, "safetensors")
}

fn ends_with(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|its| its.eq_ignore_ascii_case(ending))
}

impl App {
    /// Reads files that were dropped or chosen: a pack, a list of prompts, or pictures.
    pub(super) fn read_files(&mut self, paths: Vec<PathBuf>) {
        if let [list] = &paths[..]
            && ends_with(list, "txt")
        {
            return self.read_list(list);
        }
        match paths.iter().find(|path| is_pack(path)) {
            // An event stays what it is.
            Some(_) if self.plan.event => self.complain("Another world is not played at an event.".to_owned()),
            Some(pack) => self.read_pack(pack.clone()),
            None => self.read_pictures(paths),
        }
    }

    /// Shows a list of prompts in the place of the one in the panel, which goes on as it did.
    fn read_list(&mut self, path: &Path) {
        let (launch, queue) = (&self.plan.launch, &mut self.ui.prompt.queue);
        match prompt_args::read_queue(path, queue.every_secs, launch.title(), launch.prompt_words()) {
            Ok(list) => {
                let count = list.prompts().len();
                queue.show(list.lines);
                let next = self.control_of(Command::NextPrompt).map_or_else(String::new, |control| format!(" {control} says the next."));
                let prompts = if count == 1 { "prompt is" } else { "prompts are" };
                self.ui.toasts.push(format!("{count} {prompts} in the panel's list.{next}"), false);
                self.redraw();
            }
            Err(why) => self.complain(format!("{why}.")),
        }
    }

    /// Reads a pack on a thread of its own; it comes back as [`Wake::Another`].
    fn read_pack(&self, path: PathBuf) {
        let (engine, tell) = (self.plan.launch.engine(), self.proxy.clone());
        let read = move || {
            let launch = Launch::pack(&path, engine, None).map_err(|why| format!("{why}."));
            tell.send_event(Wake::Another(launch.map(Box::new))).ok();
        };
        files::spawn("pack", read, &self.proxy);
    }

    /// Plays another world in place of the one that plays, which is kept; seed and speed stay.
    pub(super) fn play_another(&mut self, launch: Launch) {
        let Some(pack) = launch.dreamer() else { return };
        let settings = DecodeSettings { seed: self.ui.settings.seed, ..play_settings(&pack.manifest) };
        self.leave_for_world();
        self.stop_typing();
        self.latch().forget_taps();
        self.changes.forget();
        self.leave_dream();
        self.change_session(|app| {
            app.forget_dreams();
            // Nothing is said in it but the hour, where a day goes by.
            app.plan.words = app.ui.prompt.day.words(&[], launch.prompt_words());
            app.plan.prompt.clear();
            (app.plan.launch, app.plan.settings) = (launch, settings);
            (app.plan.paused, app.plan.rate) = (app.ui.paused, app.ui.rate);
            app.ui.settings = settings;
            app.ui.preview = PreviewState::default();
            app.ui.prompt.queue.running &= app.plan.launch.prompt_words() > 0;
            app.ui.prompt.in_force(String::new(), true, false);
        });
        let Some(mut shell) = self.shell.take() else { return };
        shell.window.set_title(&format!("Somnium: {}", self.plan.launch.title()));
        shell.egui = self.interface(&shell.window, &shell.painter);
        shell.window.request_redraw();
        self.shell = Some(shell);
        self.list_earlier();
        self.ui.toasts.push(format!("This is {}.", self.plan.launch.title()), false);
    }
}
