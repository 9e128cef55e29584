//! Shows the window: the interface, and the picture in its place.

use std::time::{Duration, Instant};

use winit::window::Window;

use super::{App, Wake};
use crate::app::layout::RectPx;
use crate::app::painter::{Painted, Painter};
use crate::app::panel::{self, Thumbnail};
use crate::app::point::Pointing;
use crate::app::theme;
use crate::engine::inputs::play_settings;
use crate::input::Holder;

/// How soon to try again where a surface gave nothing.
const RETRY: Duration = Duration::from_millis(30);

impl App {
    /// A fresh interface whose textures are yet to be sent to the painter's device.
    pub(super) fn interface(&mut self, window: &Window, painter: &Painter) -> egui_winit::State {
        let context = egui::Context::default();
        theme::apply(&context);
        context.set_zoom_factor(self.letters);
        // It never hears of the end of what was held before.
        self.ui.pointing = Pointing::default();
        self.latch().release(Holder::Pointer);
        self.ui.seen.clear();
        self.ui.map.clear();
        self.ui.preview.clear();
        self.ui.adapter = short_name(painter);
        self.ui.gallery = self
            .plan
            .launch
            .gallery()
            .iter()
            .map(|(name, still, size_px)| Thumbnail::new(&context, name.clone(), still, *size_px))
            .collect();
        self.ui.earlier.dreams = self.thumbnails_of_earlier(&context);
        self.ui.own = self.plan.launch.dreamer().map(|pack| play_settings(&pack.manifest));
        self.ui.pack = self.plan.launch.path().cloned();
        egui_winit::State::new(context, egui::ViewportId::ROOT, window, None, None, Some(painter.max_texture_side()))
    }

    pub(super) fn paint(&mut self) {
        let Some(shell) = &mut self.shell else { return };
        let start = Instant::now();
        let input = shell.egui.take_egui_input(&shell.window);
        let context = shell.egui.egui_ctx().clone();
        let mut events = Vec::new();
        let mut rect = RectPx::default();
        let output = context.run_ui(input, |ui| {
            rect = panel::show(ui, &mut self.ui, &self.status, &mut events);
        });
        // Before that pass it is not what was asked for.
        self.letters = context.zoom_factor();
        shell.egui.handle_platform_output(&shell.window, output.platform_output);
        let delay = output.viewport_output.get(&egui::ViewportId::ROOT).map_or(Duration::MAX, |v| v.repaint_delay);
        self.redraw_at = Instant::now().checked_add(delay);
        let scale = output.pixels_per_point;
        let primitives = context.tessellate(output.shapes, scale);
        let (looks, glides) = (self.latch().looks(), self.ui.glide);
        let Some(shell) = &mut self.shell else { return };
        let software = shell.painter.gpu().summary.software;
        let (eye, mut turned, mut moves) = (&mut self.eye, false, false);
        let look_out = |shown_at: Instant| {
            let eye = eye.as_mut()?;
            turned = eye.look(looks, glides, Instant::now());
            moves = eye.moves(shown_at);
            eye.look_out(rect, software, shown_at)
        };
        let painted = shell.painter.paint(rect, scale, &primitives, output.textures_delta, look_out);
        self.paint_count.count(start.elapsed());
        let mut first = false;
        match painted {
            Painted::Shown => {
                let soon = shell.painter.next_of_glide().or(moves.then(|| Self::next_from_within(&shell.painter, start)));
                if let Some(soon) = soon {
                    self.redraw_at = self.redraw_at.min(Some(soon)).or(Some(soon));
                }
                let begun = self.status.frames > 0 || (self.ui.paused && self.status.info.is_some());
                if begun && !std::mem::replace(&mut self.first_frame_logged, true) {
                    log::info!("first frame on screen {:.2} s after the start", self.plan.started.elapsed().as_secs_f32());
                    first = true;
                    // Now there is time to read them.
                    self.proxy.send_event(Wake::ListDreams).ok();
                }
            }
            Painted::Hidden => {}
            Painted::Again => self.redraw_at = Instant::now().checked_add(RETRY),
        }
        if shell.painter.is_broken() {
            self.rebuild_graphics();
        }
        if turned {
            self.tell_where_one_looks();
        }
        if first {
            self.say_where_one_is();
        }
        for event in events {
            self.serve(event);
        }
    }
}

/// "llvmpipe" for "llvmpipe (LLVM 15.0.6, 256 bits)".
fn short_name(painter: &Painter) -> String {
    let name = &painter.gpu().summary.name;
    name.split(" (").next().unwrap_or(name).to_owned()
}
