//! Puts the picture and the interface on the window's surface, and copes with every state a surface can be in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use winit::window::Window;

use super::blit::{Blit, Fade, Step};
use super::layout::RectPx;
use super::open::cache_folder;
use super::vista::Vista;
use crate::dream::first_person::Glance;
use crate::dream::gate::Gate;
use crate::dream::runner::Shown;
use crate::engine::EngineError;
use crate::engine::gpu::context::{ADAPTER_REMEDY, GpuContext, Refused, new_instance};

/// Behind everything, as sRGB; the theme's darkest tone.
const BACKDROP: [u8; 3] = [13, 14, 18];

/// Time between two pictures of a glide where nothing is known of the display.
const GLIDE_FRAME: Duration = Duration::from_millis(6);
/// Time between two configurations that are only to better what the surface calls suboptimal: some stay so, and each waits for the device.
const SUBOPTIMAL_REST: Duration = Duration::from_secs(1);
/// So often in a row a surface may refuse to be configured.
const MOST_REFUSED: u32 = 60;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Painted {
    Shown,
    /// The window cannot be seen or has no size: nothing to do until that changes.
    Hidden,
    /// Not this time; ask for another redraw soon.
    Again,
}

/// Surface, pipelines and the texture of the picture.
pub struct Painter {
    window: Arc<Window>,
    gpu: GpuContext,
    surface: wgpu::Surface<'static>,
    config: wgpu::SurfaceConfiguration,
    /// The surface must be configured before it is used next.
    stale: bool,
    /// When it last became so because it was suboptimal.
    bettered: Option<Instant>,
    /// So often in a row it could not be.
    refused: u32,
    /// Between two pictures of the display that it is on, where that is known.
    refresh: Option<Duration>,
    egui: egui_wgpu::Renderer,
    blit: Blit,
    vista: Vista,
    gate: Arc<Gate>,
    /// When the last picture began, the display's room for it waited for, if the view was between two frames then.
    gliding: Option<Instant>,
}

impl Painter {
    /// Opens an adapter that can show on `window`. `gate` keeps the dream from submitting while the surface changes.
    ///
    /// # Errors
    /// [`EngineError::NoAdapter`] where there is none.
    pub fn new(window: Arc<Window>, gate: Arc<Gate>) -> Result<Self, EngineError> {
        let instance = new_instance();
        let surface = instance.create_surface(window.clone()).map_err(|why| {
            log::debug!("no surface: {why}");
            EngineError::NoAdapter(format!("nothing here can draw on a window; {ADAPTER_REMEDY}"))
        })?;
        let size = window.inner_size();
        let mut opened = None;
        // Some adapters say that they can show on a window of another one, and cannot, or cannot compile what draws on it: only the attempt tells.
        let gpu = GpuContext::new(&instance, Some(&surface), false, |gpu| {
            let config = configuration(&surface, gpu, [size.width, size.height]).ok_or(Refused::NotOnThisWindow)?;
            let options = egui_wgpu::RendererOptions { dithering: false, ..Default::default() };
            let drawn_with = gpu.attempt(|| {
                let egui = egui_wgpu::Renderer::new(&gpu.device, config.format, options);
                (egui, Blit::new(&gpu.device, config.format), Vista::new(&gpu.device))
            })?;
            // Last: a window that was one adapter's may be no other's any more.
            configure(&surface, gpu, &config)?;
            opened = Some((config, drawn_with));
            Ok(())
        });
        let (mut gpu, Some((config, (egui, blit, vista)))) = (gpu?.with_cache(cache_folder()), opened) else {
            return Err(EngineError::NoAdapter("nothing here can show on this window".to_owned()));
        };
        let refresh = refresh_of(&window);
        // Half of the time between two pictures is the dream's, the other half the window's.
        gpu.submission = refresh.map_or(gpu.submission, |refresh| (refresh / 2).min(gpu.submission));
        log::info!("surface: {:?}, {:?}", config.format, config.present_mode);
        let (stale, bettered, refused, gliding) = (false, None, 0, None);
        Ok(Self { window, gpu, surface, config, stale, bettered, refused, refresh, egui, blit, vista, gate, gliding })
    }

    pub fn gpu(&self) -> &GpuContext {
        &self.gpu
    }

    /// When the next picture is to be begun, if the view was on its way in the last one.
    pub fn next_of_glide(&self) -> Option<Instant> {
        self.gliding?.checked_add(self.between())
    }

    /// Between the beginnings of two pictures while something moves: sooner than the display shows the next, for which that one waits.
    pub fn between(&self) -> Duration {
        self.refresh.map_or(GLIDE_FRAME, |refresh| refresh * 3 / 4)
    }

    /// The device is gone, or shows nothing any more: another painter is needed.
    pub fn is_broken(&self) -> bool {
        self.gpu.is_lost() || self.refused >= MOST_REFUSED
    }

    pub fn max_texture_side(&self) -> usize {
        self.gpu.device.limits().max_texture_dimension_2d as usize
    }

    pub fn resize(&mut self, width_px: u32, height_px: u32) {
        self.config.width = width_px;
        self.config.height = height_px;
        self.stale = true;
    }

    /// The window may be on another display now.
    pub fn follow_display(&mut self) {
        self.refresh = refresh_of(&self.window);
    }

    /// As [`Blit::show`].
    pub fn set_picture(&mut self, picture: Shown, size_px: [u32; 2], step: Option<Step>) -> Vec<u8> {
        // Wayland says which display it is only once a window is shown.
        if self.refresh.is_none() {
            self.follow_display();
        }
        self.blit.show(&self.gpu, picture, size_px, step)
    }

    /// Shows what is seen from within, as a picture of such a width and height that fades in so.
    fn set_view(&mut self, glance: &Glance, size_px: [u32; 2], fade: Fade) {
        self.vista.draw(&self.gpu, glance, self.blit.canvas(&self.gpu, size_px, fade));
    }

    /// Draws the picture into `rect` and the interface over it. What is seen from within comes from `look_out`, with the width and height of a picture of it
    /// and how that fades in, if it is another than the last: that is asked once the display has room, for when it shows what is drawn.
    pub fn paint(
        &mut self,
        rect: RectPx,
        pixels_per_point: f32,
        primitives: &[egui::ClippedPrimitive],
        mut textures: egui::TexturesDelta,
        look_out: impl FnOnce(Instant) -> Option<(Glance, [u32; 2], Fade)>,
    ) -> Painted {
        // Textures of the interface are brought up to date even where nothing is shown, or later frames would miss parts of them.
        for (id, deltas) in textures.set.drain() {
            for delta in deltas {
                self.egui.update_texture(&self.gpu.device, &self.gpu.queue, id, &delta);
            }
        }
        let painted = self.paint_surface(rect, pixels_per_point, primitives, look_out);
        for id in &textures.free {
            self.egui.free_texture(id);
        }
        painted
    }

    fn paint_surface(
        &mut self,
        rect: RectPx,
        pixels_per_point: f32,
        primitives: &[egui::ClippedPrimitive],
        look_out: impl FnOnce(Instant) -> Option<(Glance, [u32; 2], Fade)>,
    ) -> Painted {
        if self.config.width == 0 || self.config.height == 0 {
            return Painted::Hidden;
        }
        if self.stale && !self.configure() {
            return Painted::Again;
        }
        let frame = match self.surface.get_current_texture() {
            wgpu::CurrentSurfaceTexture::Success(frame) => frame,
            wgpu::CurrentSurfaceTexture::Suboptimal(frame) => {
                let now = Instant::now();
                if is_bettered_again(self.bettered, now) {
                    (self.stale, self.bettered) = (true, Some(now));
                }
                frame
            }
            wgpu::CurrentSurfaceTexture::Occluded => return Painted::Hidden,
            wgpu::CurrentSurfaceTexture::Timeout => return Painted::Again,
            wgpu::CurrentSurfaceTexture::Outdated | wgpu::CurrentSurfaceTexture::Validation => {
                self.stale = true;
                return Painted::Again;
            }
            wgpu::CurrentSurfaceTexture::Lost => {
                self.another_surface();
                return Painted::Again;
            }
        };
        let (width, height) = (frame.texture.width(), frame.texture.height());
        let began = Instant::now();
        // The view stands where it belongs when the display shows it: where it stood before, the first picture of a step would look like the last.
        let shown_at = began + self.refresh.unwrap_or_default();
        if let Some((glance, size_px, fade)) = look_out(shown_at) {
            self.set_view(&glance, size_px, fade);
        }
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("window") });
        let screen = egui_wgpu::ScreenDescriptor { size_in_pixels: [width, height], pixels_per_point };
        let mut commands = self.egui.update_buffers(&self.gpu.device, &self.gpu.queue, &mut encoder, primitives, &screen);
        let goes_on = self.blit.advance(&self.gpu, rect, shown_at);
        self.gliding = goes_on.then_some(began);
        let view = frame.texture.create_view(&wgpu::TextureViewDescriptor::default());
        {
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("window"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    resolve_target: None,
                    depth_slice: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(backdrop(self.config.format.is_srgb())),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            let mut pass = pass.forget_lifetime();
            self.blit.draw(&mut pass, rect, width, height);
            self.egui.render(&mut pass, primitives, &screen);
        }
        commands.push(encoder.finish());
        self.gpu.queue.submit(commands);
        self.window.pre_present_notify();
        self.gpu.queue.present(frame);
        self.gpu.poll();
        Painted::Shown
    }
}

impl Painter {
    /// Brings the surface up to date; false where it could not be done just now, because somebody submitted meanwhile.
    fn configure(&mut self) -> bool {
        let configured = self.gate.closed(|| configure(&self.surface, &self.gpu, &self.config));
        self.stale = configured.is_err();
        self.refused = if self.stale { self.refused + 1 } else { 0 };
        if let Err(why) = &configured {
            log::debug!("the surface is configured later: {why}");
            if self.refused == MOST_REFUSED / 2 {
                log::warn!("the surface is made anew, since it cannot be configured: {why}");
                self.another_surface();
            }
        }
        configured.is_ok()
    }

    fn another_surface(&mut self) {
        match self.gpu.instance.create_surface(self.window.clone()) {
            Ok(surface) => self.surface = surface,
            Err(why) => log::error!("the surface was lost and cannot be made anew: {why}"),
        }
        self.stale = true;
    }
}

/// Time between two pictures of the display that a window is on.
fn refresh_of(window: &Window) -> Option<Duration> {
    let hz = f64::from(window.current_monitor()?.refresh_rate_millihertz()?) / 1e3;
    (hz >= 1.0).then(|| Duration::from_secs_f64(1.0 / hz))
}

/// Whether a suboptimal surface is configured again, if it `last` was at this moment.
fn is_bettered_again(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= SUBOPTIMAL_REST)
}

/// How a window of this size is shown on by a device, if that can.
fn configuration(surface: &wgpu::Surface<'_>, gpu: &GpuContext, [width, height]: [u32; 2]) -> Option<wgpu::SurfaceConfiguration> {
    let mut config = surface.get_default_config(&gpu.adapter, width.max(1), height.max(1))?;
    let formats = surface.get_capabilities(&gpu.adapter).formats;
    // Bytes are passed on as they are where the surface allows it: the picture is sRGB already.
    let plain = [wgpu::TextureFormat::Bgra8Unorm, wgpu::TextureFormat::Rgba8Unorm];
    config.format = plain.into_iter().find(|f| formats.contains(f)).unwrap_or(config.format);
    // What comes late waits for the display all the same: most pictures here come late, since they are drawn when there is something new.
    config.present_mode = wgpu::PresentMode::Fifo;
    Some(config)
}

fn configure(surface: &wgpu::Surface<'_>, gpu: &GpuContext, config: &wgpu::SurfaceConfiguration) -> Result<(), Refused> {
    gpu.attempt(|| surface.configure(&gpu.device, config))
}

fn backdrop(encodes: bool) -> wgpu::Color {
    let channel = |byte: u8| {
        let s = f64::from(byte) / 255.0;
        if encodes { if s <= 0.04045 { s / 12.92 } else { ((s + 0.055) / 1.055).powf(2.4) } } else { s }
    };
    let [r, g, b] = BACKDROP.map(channel);
    wgpu::Color { r, g, b, a: 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surface_that_stays_suboptimal_is_configured_now_and_then_and_not_with_every_picture() {
        let now = Instant::now();
        let again = |after: Duration| is_bettered_again(Some(now), now + after);
        assert!(is_bettered_again(None, now), "the first time at once");
        assert!(!again(Duration::ZERO) && !again(Duration::from_millis(999)));
        assert!(again(Duration::from_secs(1)) && again(Duration::from_secs(60)));
    }
}
