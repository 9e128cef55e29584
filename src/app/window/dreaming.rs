//! The thread that dreams, as the window has it: what is wished for and asked of it, and what it hands over.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::saying::By;
use super::{App, Wake};
use crate::app::painter::Painter;
use crate::dream::runner::{PlayerWish, Prompt, Request, Runner, Shown, Wiring};

impl App {
    pub(super) fn first_wish(&self) -> PlayerWish {
        let prompt = Prompt { words: self.plan.words.clone().into(), ..Prompt::default() };
        PlayerWish {
            settings: self.plan.settings,
            rate: self.plan.rate,
            paused: self.plan.paused,
            prompt,
            preview: false,
            account: self.ui.tokens,
            within: self.looks_where(),
        }
    }

    pub(super) fn spawn_runner(&self, painter: &Painter) -> Result<Runner, String> {
        let (words, settings, wish) = (self.plan.words.clone(), self.plan.settings, self.first_wish());
        let latch = self.latch.clone();
        let (proxy, sent) = (self.proxy.clone(), self.fetch_sent.clone());
        let wiring = Wiring {
            drive: Box::new(move || latch.lock().unwrap_or_else(PoisonError::into_inner).take()),
            wake: Box::new(move || {
                if !sent.swap(true, Ordering::AcqRel) {
                    proxy.send_event(Wake::Fetch).ok();
                }
            }),
            gate: self.gate.clone(),
        };
        let launch = self.plan.launch.clone();
        let gpu = painter.gpu().clone();
        Runner::spawn(move || launch.open_source(Some(&gpu), &words, &settings), wish, wiring)
            .map_err(|why| format!("cannot start a thread: {why}"))
    }

    /// Takes over what the runner has ready.
    pub(super) fn fetch(&mut self) {
        self.fetch_sent.store(false, Ordering::Release);
        let frames_before = self.status.frames;
        let Some(shell) = &mut self.shell else { return };
        let (picture, notices) = shell.runner.fetch(&mut self.status, std::mem::take(&mut self.spare));
        self.by_hand.keep_within(&self.status.said_reach);
        // A texture of the device before cannot be drawn on this one.
        let drawable = picture.filter(|p| matches!(p, Shown::Rgba(_)) || self.status.engine_number == self.engine_number);
        self.look_around();
        self.hear(frames_before);
        match (drawable, &self.status.info, &mut self.shell) {
            (Some(Shown::Rgba(pixels)), ..) if self.eye.is_some() => self.spare = pixels,
            (Some(picture), Some(info), Some(shell)) if self.eye.is_none() => {
                self.ui.fills = false;
                let step = if self.status.frames > frames_before { self.ui.step_of(&self.status, info) } else { None };
                self.spare = shell.painter.set_picture(picture, [info.width_px as u32, info.height_px as u32], step);
            }
            _ => {}
        }
        for notice in notices {
            self.ui.toasts.push(notice.text, notice.is_error);
        }
        if self.status.failed.is_some() {
            // It is opened once more where the device went meanwhile: another one may do.
            if self.status.device_lost && self.status.info.is_none() {
                self.rebuild_graphics();
            } else {
                self.revive();
            }
            return self.redraw();
        }
        // Until a fresh engine is in its place, the loss is one that is known.
        if self.status.device_lost && self.status.engine_number == self.engine_number {
            self.rebuild_graphics();
        }
        self.say_what_is_due();
        if self.ui.prompt.day.turned(self.ui.clock.now(Instant::now())) {
            self.tell(By::Itself);
        }
        if self.dreams.is_due(self.status.frames, Instant::now()) {
            self.keep_dream();
        }
        self.redraw();
    }

    /// The thread that dreams, also while there is no device to show anything on.
    fn runner(&self) -> Option<&Runner> {
        let shown = self.shell.as_ref().map(|shell| &shell.runner);
        shown.or_else(|| self.mending.as_ref().map(|mending| &mending.runner))
    }

    /// What is wished for now; where nothing dreams any more, what was at the start.
    pub(super) fn current_wish(&self) -> PlayerWish {
        self.runner().map_or_else(|| self.first_wish(), Runner::current_wish)
    }

    pub(super) fn wish(&self, change: impl FnOnce(&mut PlayerWish)) {
        if let Some(runner) = self.runner() {
            runner.wish(change);
        }
    }

    pub(super) fn request(&self, request: Request) {
        if let Some(runner) = self.runner() {
            runner.request(request);
        }
    }
}
