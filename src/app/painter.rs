//! Puts the picture and the interface on the window's surface, and copes with every state a surface can be in.

use std::sync::Arc;

use winit::window::Window;

use super::layout::RectPx;
use super::open::cache_folder;
use crate::dream::gate::Gate;
use crate::dream::runner::Shown;
use crate::engine::EngineError;
use crate::engine::gpu::context::{ADAPTER_REMEDY, GpuContext, new_instance};

/// Behind everything, as sRGB; the theme's darkest tone.
const BACKDROP: [u8; 3] = [13, 14, 18];

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
    egui: egui_wgpu::Renderer,
    blit: Blit,
    gate: Arc<Gate>,
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
        let gpu = GpuContext::new(instance, Some(&surface), false)?.with_cache(cache_folder());
        let size = window.inner_size();
        let mut config = surface
            .get_default_config(&gpu.adapter, size.width.max(1), size.height.max(1))
            .ok_or_else(|| EngineError::NoAdapter(format!("{} cannot show on this window", gpu.summary)))?;
        let formats = surface.get_capabilities(&gpu.adapter).formats;
        // Bytes are passed on as they are where the surface allows it: the picture is sRGB already.
        let plain = [wgpu::TextureFormat::Bgra8Unorm, wgpu::TextureFormat::Rgba8Unorm];
        config.format = plain.into_iter().find(|f| formats.contains(f)).unwrap_or(config.format);
        config.present_mode = wgpu::PresentMode::AutoVsync;
        let egui =
            egui_wgpu::Renderer::new(&gpu.device, config.format, egui_wgpu::RendererOptions { dithering: false, ..Default::default() });
        let blit = Blit::new(&gpu.device, config.format);
        log::info!("surface: {:?}, {:?}", config.format, config.present_mode);
        Ok(Self { window, gpu, surface, config, stale: true, egui, blit, gate })
    }

    pub fn gpu(&self) -> &GpuContext {
        &self.gpu
    }

    pub fn max_texture_side(&self) -> usize {
        self.gpu.device.limits().max_texture_dimension_2d as usize
    }

    pub fn resize(&mut self, width_px: u32, height_px: u32) {
        self.config.width = width_px;
        self.config.height = height_px;
        self.stale = true;
    }

    /// Shows this picture from now on. Gives a pixel buffer back once its bytes are on the device.
    pub fn set_picture(&mut self, picture: Shown, width_px: u32, height_px: u32) -> Vec<u8> {
        match picture {
            Shown::Rgba(pixels) => {
                self.blit.upload(&self.gpu, &pixels, width_px, height_px);
                pixels
            }
            Shown::Texture(texture) => {
                self.blit.show(&self.gpu.device, &texture);
                Vec::new()
            }
        }
    }

    /// Draws the picture into `rect` and the interface over it.
    pub fn paint(
        &mut self,
        rect: RectPx,
        pixels_per_point: f32,
        primitives: &[egui::ClippedPrimitive],
        mut textures: egui::TexturesDelta,
    ) -> Painted {
        // Textures of the interface are brought up to date even where nothing is shown, or later frames would miss parts of them.
        for (id, deltas) in textures.set.drain() {
            for delta in deltas {
                self.egui.update_texture(&self.gpu.device, &self.gpu.queue, id, &delta);
            }
        }
        let painted = self.paint_surface(rect, pixels_per_point, primitives);
        for id in &textures.free {
            self.egui.free_texture(id);
        }
        painted
    }

    fn paint_surface(&mut self, rect: RectPx, pixels_per_point: f32, primitives: &[egui::ClippedPrimitive]) -> Painted {
        if self.config.width == 0 || self.config.height == 0 {
            return Painted::Hidden;
        }
        if self.stale && !self.configure() {
            return Painted::Again;
        }
        let frame = match self.surface.get_current_texture() {
            wgpu::CurrentSurfaceTexture::Success(frame) => frame,
            wgpu::CurrentSurfaceTexture::Suboptimal(frame) => {
                self.stale = true;
                frame
            }
            wgpu::CurrentSurfaceTexture::Occluded => return Painted::Hidden,
            wgpu::CurrentSurfaceTexture::Timeout => return Painted::Again,
            wgpu::CurrentSurfaceTexture::Outdated | wgpu::CurrentSurfaceTexture::Validation => {
                self.stale = true;
                return Painted::Again;
            }
            wgpu::CurrentSurfaceTexture::Lost => {
                match self.gpu.instance.create_surface(self.window.clone()) {
                    Ok(surface) => self.surface = surface,
                    Err(why) => log::error!("the surface was lost and cannot be made anew: {why}"),
                }
                self.stale = true;
                return Painted::Again;
            }
        };
        let (width, height) = (frame.texture.width(), frame.texture.height());
        let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("window") });
        let screen = egui_wgpu::ScreenDescriptor { size_in_pixels: [width, height], pixels_per_point };
        let mut commands = self.egui.update_buffers(&self.gpu.device, &self.gpu.queue, &mut encoder, primitives, &screen);
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
        let scope = self.gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        self.gate.closed(|| self.surface.configure(&self.gpu.device, &self.config));
        match pollster::block_on(scope.pop()) {
            None => {
                self.stale = false;
                true
            }
            Some(why) => {
                log::debug!("the surface is configured later: {why}");
                false
            }
        }
    }
}

fn backdrop(encodes: bool) -> wgpu::Color {
    let channel = |byte: u8| {
        let s = f64::from(byte) / 255.0;
        if encodes { if s <= 0.04045 { s / 12.92 } else { ((s + 0.055) / 1.055).powf(2.4) } } else { s }
    };
    let [r, g, b] = BACKDROP.map(channel);
    wgpu::Color { r, g, b, a: 1.0 }
}

/// The pipeline of `shaders/blit.wgsl`.
struct Blit {
    pipeline: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    /// For pictures that come as bytes.
    upload: Option<wgpu::Texture>,
    /// The picture shown, whichever texture it is in.
    shown: Option<(wgpu::Texture, wgpu::BindGroup)>,
}

impl Blit {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("blit"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/blit.wgsl").into()),
        });
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("blit"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Texture {
                    sample_type: wgpu::TextureSampleType::Float { filterable: false },
                    view_dimension: wgpu::TextureViewDimension::D2,
                    multisampled: false,
                },
                count: None,
            }],
        });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("blit"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("blit"),
            layout: Some(&pipeline_layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("corner"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some(if format.is_srgb() { "decoded" } else { "plain" }),
                compilation_options: Default::default(),
                targets: &[Some(format.into())],
            }),
            primitive: Default::default(),
            depth_stencil: None,
            multisample: Default::default(),
            multiview_mask: None,
            cache: None,
        });
        Self { pipeline, layout, upload: None, shown: None }
    }

    fn upload(&mut self, gpu: &GpuContext, rgba: &[u8], width_px: u32, height_px: u32) {
        let size = wgpu::Extent3d { width: width_px, height: height_px, depth_or_array_layers: 1 };
        if rgba.len() as u64 != u64::from(width_px) * u64::from(height_px) * 4 {
            log::error!("a picture of {} bytes is not {width_px}x{height_px} pixels", rgba.len());
            return;
        }
        let texture = match &self.upload {
            Some(texture) if texture.size() == size => texture.clone(),
            _ => {
                let texture = gpu.device.create_texture(&wgpu::TextureDescriptor {
                    label: Some("picture"),
                    size,
                    mip_level_count: 1,
                    sample_count: 1,
                    dimension: wgpu::TextureDimension::D2,
                    format: wgpu::TextureFormat::Rgba8Unorm,
                    usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                    view_formats: &[],
                });
                self.upload.insert(texture).clone()
            }
        };
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width_px * 4), rows_per_image: None };
        gpu.queue.write_texture(texture.as_image_copy(), rgba, layout, size);
        self.show(&gpu.device, &texture);
    }

    fn show(&mut self, device: &wgpu::Device, texture: &wgpu::Texture) {
        if self.shown.as_ref().is_some_and(|(shown, _)| shown == texture) {
            return;
        }
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("blit"),
            layout: &self.layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&view) }],
        });
        self.shown = Some((texture.clone(), group));
    }

    fn draw(&self, pass: &mut wgpu::RenderPass<'static>, rect: RectPx, width: u32, height: u32) {
        // A resize may be under way: the rectangle was laid out for the size before.
        let fits = rect.x + rect.width <= width && rect.y + rect.height <= height;
        let Some((_, group)) = self.shown.as_ref().filter(|_| fits && !rect.is_empty()) else { return };
        pass.set_viewport(rect.x as f32, rect.y as f32, rect.width as f32, rect.height as f32, 0.0, 1.0);
        pass.set_scissor_rect(rect.x, rect.y, rect.width, rect.height);
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, group, &[]);
        pass.draw(0..3, 0..1);
    }
}
