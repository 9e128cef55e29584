//! What is made anew while the window stays: a lost graphics device, and a dream that ended through a fault.

use std::sync::Arc;
use std::time::{Duration, Instant};

use winit::window::Window;

use super::saying::SaidByHand;
use super::{App, Shell};
use crate::app::painter::Painter;
use crate::app::panel;
use crate::dream::runner::{Request, Status};
use crate::engine::EngineError;

/// How often a painter is asked for after a lost device, and how long to wait in between: a driver that starts anew needs a moment.
const PAINTER_ATTEMPTS: u32 = 10;
const PAINTER_PATIENCE: Duration = Duration::from_millis(500);

impl App {
    /// The dream ended through a fault and nobody looks after it: another one begins.
    pub(super) fn revive(&mut self) {
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
        // Where it cannot be, the dream goes on from there at the next start.
        self.keep_dream();
        let Some(Shell { runner, painter, window, .. }) = self.shell.take() else { return };
        let Some(attempt) = self.rebuilds.another(self.status.frames) else {
            self.fatal = Some("the graphics device keeps getting lost".to_owned());
            return;
        };
        log::warn!("the graphics device was lost; making it anew (attempt {attempt})");
        // A window bears one surface at a time.
        drop(painter);
        let painter = match self.another_painter(&window) {
            Ok(painter) => painter,
            Err(why) => {
                self.fatal = Some(why.to_string());
                return;
            }
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

    fn another_painter(&self, window: &Arc<Window>) -> Result<Painter, EngineError> {
        for _ in 1..PAINTER_ATTEMPTS {
            match Painter::new(window.clone(), self.gate.clone()) {
                Ok(painter) => return Ok(painter),
                Err(why) => log::warn!("nothing shows the window yet: {why}"),
            }
            std::thread::sleep(PAINTER_PATIENCE);
        }
        Painter::new(window.clone(), self.gate.clone())
    }
}
