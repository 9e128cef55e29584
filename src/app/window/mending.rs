//! What is made anew while the window stays: a lost graphics device, and a dream that ended through a fault.

use std::sync::Arc;
use std::time::{Duration, Instant};

use winit::window::Window;

use super::saying::SaidByHand;
use super::{App, Shell};
use crate::app::dreams::{FIRST_DREAM, Left};
use crate::app::open::maker;
use crate::app::painter::Painter;
use crate::app::panel;
use crate::app::prompt_history::one_line;
use crate::app::start::Start;
use crate::dream::runner::{Request, Runner, Status};
use crate::engine::EngineError;

/// How often a painter is asked for after a lost device, and how long to wait in between: a driver that starts anew needs a moment. At an event, where
/// nobody starts the program anew, there is no end to asking, but longer and longer waits.
const PAINTER_ATTEMPTS: u32 = 10;
const PAINTER_PATIENCE: Duration = Duration::from_millis(500);
const MOST_PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait after so many attempts in vain; `None` where there were enough.
fn patience(attempts: u32, event: bool) -> Option<Duration> {
    match attempts.checked_sub(PAINTER_ATTEMPTS) {
        None => Some(PAINTER_PATIENCE),
        Some(more) => event.then(|| (PAINTER_PATIENCE * 2u32.pow(1 + more.min(4))).min(MOST_PATIENCE)),
    }
}

impl App {
    /// The dream ended through a fault. At an event, where nobody looks after it, another one begins; else it goes on from where it was kept last or, where that
    /// is what it cannot do, begins anew.
    pub(super) fn revive(&mut self) {
        if self.plan.event { self.begin_for_others() } else { self.go_on_as_kept() }
    }

    fn go_on_as_kept(&mut self) {
        let (played, went_on) = (self.status.info.is_some(), self.plan.launch.saved().is_some());
        // What never played would not now.
        if !(played || went_on) {
            return;
        }
        let Some(attempt) = self.rebuilds.another(self.status.frames) else { return };
        log::error!("the dream goes on (attempt {attempt}): {}", self.status.failed.as_deref().unwrap_or_default());
        let kept = if played && attempt == 1 { self.kept_last() } else { None };
        if self.ui.paint.active {
            self.paint_mode(false);
        }
        self.map_mode(false);
        let Some(Shell { runner, painter, egui, window }) = self.shell.take() else { return };
        drop(runner);
        self.forget_dreams();
        self.dreams.forget_playing();
        (self.plan.settings, self.plan.rate, self.plan.paused) = (self.ui.settings, self.ui.rate, self.ui.paused);
        (self.plan.words, self.plan.prompt) = (self.words_of(&self.ui.prompt.said), self.ui.prompt.said.clone());
        let told = match kept {
            Some(Left { path, saved, .. }) => {
                (self.plan.words, self.plan.prompt) = (saved.about.words.clone(), saved.about.prompt.clone());
                if let Some(pack) = self.plan.launch.dreamer() {
                    self.plan.settings = saved.about.settings(&pack.manifest);
                }
                self.ui.settings = self.plan.settings;
                self.plan.launch = self.plan.launch.clone().starting(Start::Dream(Arc::new(saved)));
                self.adopt(FIRST_DREAM, path);
                "The dream ended through a fault, and goes on from where it was kept last."
            }
            None => {
                self.plan.launch = self.plan.launch.clone().anew();
                "The dream ended through a fault; this is another one."
            }
        };
        self.ui.prompt.in_force(one_line(&self.plan.prompt), true, false);
        self.ui.prompt.besides = self.besides_at_the_start();
        (self.status, self.engine_number) = (Status::default(), 0);
        match self.spawn_runner(&painter) {
            Ok(runner) => {
                self.shell = Some(Shell { runner, painter, egui, window });
                self.look_ahead();
                self.list_earlier();
                self.ui.toasts.push(told.to_owned(), true);
                self.redraw();
            }
            Err(why) => self.fatal = Some(why),
        }
    }

    fn begin_for_others(&mut self) {
        let Some(Shell { runner, painter, egui, window }) = self.shell.take() else { return };
        drop(runner);
        let why = self.status.failed.take();
        let Some(attempt) = self.rebuilds.another(self.status.frames) else {
            self.fatal = why;
            return;
        };
        log::error!("another dream begins (attempt {attempt}): {}", why.unwrap_or_default());
        (self.status, self.engine_number) = (Status::default(), 0);
        self.by_hand = SaidByHand::default();
        match self.spawn_runner(&painter) {
            Ok(runner) => {
                self.shell = Some(Shell { runner, painter, egui, window });
                self.as_at_the_start();
                self.ui.hint_until = Instant::now().checked_add(panel::HINT_LASTS);
            }
            Err(why) => self.fatal = Some(why),
        }
    }

    /// The device is gone: everything on it is made anew, and the dream goes on from its tokens.
    pub(super) fn rebuild_graphics(&mut self) {
        let keep = self.to_keep(|| ());
        let Some(Shell { runner, painter, window, .. }) = self.shell.take() else { return };
        let Some(attempt) = self.rebuilds.another(self.status.frames) else {
            return self.give_up(&runner, keep, "the graphics device keeps getting lost".to_owned());
        };
        log::warn!("the graphics device was lost; making it anew (attempt {attempt})");
        // A window bears one surface at a time.
        drop(painter);
        let painter = match self.another_painter(&window) {
            Ok(painter) => painter,
            Err(why) => return self.give_up(&runner, keep, why.to_string()),
        };
        if attempt > 1 && self.plan.launch.fall_back() {
            log::warn!("the CPU engine takes over: the device is lost again and again");
        }
        if self.plan.launch.dreamer().is_some() {
            self.engine_number += 1;
            let (launch, gpu) = (self.plan.launch.clone(), painter.gpu().clone());
            runner.request(Request::ReplaceEngine(Box::new(move || launch.open_engine(&gpu))));
        } else {
            runner.request(Request::Show);
        }
        self.ui.toasts.push("The graphics device was lost and has been made anew.".to_owned(), false);
        if let Some(eye) = &mut self.eye {
            eye.look_anew();
        }
        let egui = self.interface(&window, &painter);
        window.request_redraw();
        self.shell = Some(Shell { runner, painter, egui, window });
    }

    /// Ends without a device. The next start goes on from the tokens that are remembered; the processor draws the picture that carries them, since what the
    /// device had not sent yet does not come.
    fn give_up(&mut self, runner: &Runner, keep: Option<Request>, why: String) {
        if let (Some(keep), Some(pack)) = (keep, self.plan.launch.dreamer()) {
            runner.request(Request::ReplaceEngine(Box::new(maker(pack.clone()))));
            runner.request(keep);
        }
        self.fatal = Some(why);
    }

    fn another_painter(&self, window: &Arc<Window>) -> Result<Painter, EngineError> {
        let mut attempts = 0;
        loop {
            let why = match Painter::new(window.clone(), self.gate.clone()) {
                Ok(painter) => return Ok(painter),
                Err(why) => why,
            };
            attempts += 1;
            let Some(patience) = patience(attempts, self.plan.event) else { return Err(why) };
            log::warn!("nothing shows the window yet: {why}");
            std::thread::sleep(patience);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_stays_away_is_waited_for_at_an_event_alone() {
        let waits = |event| (1..PAINTER_ATTEMPTS + 6).map_while(|attempts| patience(attempts, event)).collect::<Vec<_>>();
        assert_eq!(waits(false), [PAINTER_PATIENCE; PAINTER_ATTEMPTS as usize - 1]);
        assert_eq!(waits(true)[PAINTER_ATTEMPTS as usize - 1..], [1, 2, 4, 5, 5, 5].map(Duration::from_secs));
        assert_eq!(patience(u32::MAX, true), Some(MOST_PATIENCE));
    }
}
