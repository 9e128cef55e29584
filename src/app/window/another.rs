//! Another world in the same window: a pack that was dropped on it or chosen.

use std::path::{Path, PathBuf};

use super::{App, Wake};
use crate::app::files;
use crate::app::open::Launch;
use crate::app::preview::PreviewState;
use crate::engine::DecodeSettings;
use crate::engine::inputs::play_settings;

/// Whether a file is a pack, by its name.
pub(super) fn is_pack(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("safetensors"))
}

impl App {
    /// Reads files that were dropped or chosen: a pack, or pictures.
    pub(super) fn read_files(&mut self, paths: Vec<PathBuf>) {
        match paths.iter().find(|path| is_pack(path)) {
            // An event stays what it is.
            Some(_) if self.plan.event => self.complain("Another world is not played at an event.".to_owned()),
            Some(pack) => self.read_pack(pack.clone()),
            None => self.read_pictures(paths),
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
        if self.ui.paint.active {
            self.paint_mode(false);
        }
        self.map_mode(false);
        self.stop_typing();
        self.latch().forget_taps();
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
