//! Leaves for the next start how the window is at the end of this one.

use super::App;
use crate::app::view::View;
use crate::input::bindings::user_folder;

impl App {
    /// Leaves for the next start what is not as it was at this one: what was asked for then counted for once. After an event nothing is left.
    pub(super) fn keep_view(&self) {
        let (Some(window), Some(folder), false) = (self.window(), user_folder(), self.plan.event) else { return };
        let before = View::of_user(Some(&folder));
        let (mut view, plan, scale) = (before.clone(), &self.plan, window.scale_factor());
        let (fullscreen, maximized) = (window.fullscreen().is_some(), window.is_maximized());
        // Minimized it has no size to speak of.
        let has_size = window.is_minimized() != Some(true) && window.inner_size().height > 0;
        if fullscreen != plan.fullscreen {
            view.fullscreen = fullscreen;
        }
        if !fullscreen && has_size {
            if maximized != plan.maximized {
                view.maximized = maximized;
            }
            if !maximized && window.inner_size() != plan.size.to_physical(scale) {
                view.size = window.inner_size().to_logical::<u32>(scale).into();
            }
        }
        let kept = [
            (&mut view.panel, plan.panel, self.ui.panel),
            (&mut view.figures, plan.hud, self.ui.hud),
            (&mut view.glide, plan.glide, self.ui.glide),
            (&mut view.within, plan.within, self.ui.within),
        ];
        for (kept, at_start, now) in kept {
            if now != at_start {
                *kept = now;
            }
        }
        if self.letters != plan.letters {
            view.letters = self.letters;
        }
        let (silent, loud) = (self.ui.volume.is_silent(), self.ui.volume.when_heard());
        if silent != plan.volume.is_silent() {
            view.silent = silent;
        }
        if loud != plan.volume.loud {
            view.volume = loud;
        }
        view.stepped_in |= self.stepped_in;
        self.coach.leave_in(&mut view);
        view.knows_sound |= self.ears.known;
        let queue = &self.ui.prompt.queue;
        if queue.lines != plan.queue.lines || queue.every_secs != plan.queue.every_secs {
            (view.prompts, view.every_secs) = (queue.lines.clone(), queue.every_secs);
        }
        if view != before {
            self.writer.jobs().run(move || view.keep(&folder));
        }
    }
}
