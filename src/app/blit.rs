//! Puts pictures on the window's surface: the newest, or while the view goes from one to the next what lies between them
//! (`shaders/blit.wgsl`).

use std::time::{Duration, Instant};

use bytemuck::{Pod, Zeroable};

use super::layout::RectPx;
use crate::dream::runner::Shown;
use crate::engine::gpu::context::{GpuContext, WRITTEN_BEFORE_READ};

/// Of a picture in the window.
pub const PICTURE_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// A step that the view may have taken to the picture that is shown next.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Pixels that the view moved by, to the right and down, if nothing was in the way.
    pub motion_px: [i32; 2],
    /// What never scrolls, in pixels: left, top, width, height.
    pub standing: [u32; 4],
    /// Sides of a patch.
    pub patch_px: u32,
    /// How long it takes to come there.
    pub lasts: Duration,
}

/// `Glide` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Uniform {
    left_to_go: [f32; 2],
    motion: [i32; 2],
    standing: [u32; 4],
    patch_px: u32,
    pad: [u32; 3],
}

impl Uniform {
    fn of(step: &Step, left_to_go: [f32; 2]) -> Self {
        Self { left_to_go, motion: step.motion_px, standing: step.standing, patch_px: step.patch_px, pad: [0; 3] }
    }
}

/// Pipelines, the last two pictures and how far the view is between them.
pub struct Blit {
    draw: wgpu::RenderPipeline,
    decide: wgpu::ComputePipeline,
    uniform: wgpu::Buffer,
    /// Written by `decide`, read while drawing: 1 if the view moved.
    moved: wgpu::Buffer,
    pictures: Option<Pictures>,
    /// The step under way, and when it began.
    under_way: Option<(Step, Instant)>,
}

/// Two textures that take turns.
struct Pictures {
    textures: [wgpu::Texture; 2],
    /// With each of them as the newest.
    draw_groups: [wgpu::BindGroup; 2],
    decide_groups: [wgpu::BindGroup; 2],
    newest: usize,
}

impl Pictures {
    fn newest(&self) -> &wgpu::Texture {
        &self.textures[self.newest]
    }

    fn size_px(&self) -> [u32; 2] {
        [self.newest().width(), self.newest().height()]
    }
}

impl Blit {
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("blit"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/blit.wgsl").into()),
        });
        let draw = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("blit"),
            layout: None,
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
        let decide = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("glide"),
            layout: None,
            module: &module,
            entry_point: Some("decide"),
            compilation_options: WRITTEN_BEFORE_READ,
            cache: None,
        });
        let buffer = |label, size: usize, usage| {
            device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size: size as u64, usage, mapped_at_creation: false })
        };
        let uniform = buffer("glide", size_of::<Uniform>(), wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST);
        let moved = buffer("glide moved", 16, wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::STORAGE);
        Self { draw, decide, uniform, moved, pictures: None, under_way: None }
    }

    /// Shows this picture from now on; with a `step` the view glides there from the one before, if they show that it moved. Gives a pixel
    /// buffer back once its bytes are on the device.
    pub fn show(&mut self, gpu: &GpuContext, picture: Shown, [width, height]: [u32; 2], step: Option<Step>) -> Vec<u8> {
        let (pictures, follows) = self.turn(&gpu.device, [width, height]);
        let newest = pictures.newest();
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("picture") });
        let spare = match picture {
            Shown::Rgba(pixels) => {
                if pixels.len() as u64 == u64::from(width) * u64::from(height) * 4 {
                    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * 4), rows_per_image: None };
                    gpu.queue.write_texture(newest.as_image_copy(), &pixels, layout, newest.size());
                } else {
                    log::error!("a picture of {} bytes is not {width}x{height} pixels", pixels.len());
                }
                pixels
            }
            Shown::Texture(texture) => {
                encoder.copy_texture_to_texture(texture.as_image_copy(), newest.as_image_copy(), newest.size());
                Vec::new()
            }
        };
        self.under_way = step.filter(|step| follows && step.motion_px != [0, 0]).map(|step| (step, Instant::now()));
        let glide = self.under_way.map_or(Uniform::zeroed(), |(step, _)| Uniform::of(&step, [0.0; 2]));
        self.write(gpu, glide);
        if self.under_way.is_some() {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("glide"), timestamp_writes: None });
            pass.set_pipeline(&self.decide);
            pass.set_bind_group(0, &pictures.decide_groups[pictures.newest], &[]);
            pass.dispatch_workgroups(1, 1, 1);
        }
        gpu.queue.submit([encoder.finish()]);
        self.pictures = Some(pictures);
        spare
    }

    /// A picture of such a width and height that is shown from now on; what it shows is for the caller to draw.
    pub fn canvas(&mut self, gpu: &GpuContext, size_px: [u32; 2]) -> &wgpu::Texture {
        let (pictures, _) = self.turn(&gpu.device, size_px);
        self.under_way = None;
        self.write(gpu, Uniform::zeroed());
        self.pictures.insert(pictures).newest()
    }

    /// Pictures of such a width and height, the older one in the place of the newest, and whether the other one was shown before.
    fn turn(&mut self, device: &wgpu::Device, size_px: [u32; 2]) -> (Pictures, bool) {
        let known = self.pictures.take().filter(|pictures| pictures.size_px() == size_px);
        let follows = known.is_some();
        let mut pictures = known.unwrap_or_else(|| self.pictures(device, size_px));
        pictures.newest = 1 - pictures.newest;
        (pictures, follows)
    }

    fn pictures(&self, device: &wgpu::Device, size_px: [u32; 2]) -> Pictures {
        let textures = [(); 2].map(|()| picture(device, size_px));
        let views = [0, 1].map(|i| textures[i].create_view(&wgpu::TextureViewDescriptor::default()));
        let groups = |layout: &wgpu::BindGroupLayout, moved_at: u32| {
            [0, 1].map(|newest| {
                let resources = [
                    (0, wgpu::BindingResource::TextureView(&views[newest])),
                    (1, wgpu::BindingResource::TextureView(&views[1 - newest])),
                    (2, self.uniform.as_entire_binding()),
                    (moved_at, self.moved.as_entire_binding()),
                ];
                let entries = resources.map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource });
                device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some("blit"), layout, entries: &entries })
            })
        };
        let draw_groups = groups(&self.draw.get_bind_group_layout(0), 3);
        let decide_groups = groups(&self.decide.get_bind_group_layout(0), 4);
        Pictures { textures, draw_groups, decide_groups, newest: 0 }
    }

    fn write(&self, gpu: &GpuContext, uniform: Uniform) {
        gpu.queue.write_buffer(&self.uniform, 0, bytemuck::bytes_of(&uniform));
    }

    /// Where the view is at `now`, for the next [`Self::draw`] into `rect`; whether it goes on from there.
    pub fn advance(&mut self, gpu: &GpuContext, rect: RectPx, now: Instant) -> bool {
        let Some((step, since)) = &self.under_way else { return false };
        let left = 1.0 - now.saturating_duration_since(*since).as_secs_f32() / step.lasts.as_secs_f32().max(1e-3);
        let width = self.pictures.as_ref().map_or(1, |pictures| pictures.newest().width());
        let left_to_go = step.motion_px.map(|px| left_to_go(px, left.max(0.0), rect.width as f32 / width as f32));
        self.write(gpu, Uniform::of(step, left_to_go));
        if left <= 0.0 {
            self.under_way = None;
        }
        left > 0.0
    }

    pub fn draw(&self, pass: &mut wgpu::RenderPass<'static>, rect: RectPx, width: u32, height: u32) {
        // A resize may be under way: the rectangle was laid out for the size before.
        let fits = rect.x + rect.width <= width && rect.y + rect.height <= height;
        let Some(pictures) = self.pictures.as_ref().filter(|_| fits && !rect.is_empty()) else { return };
        pass.set_viewport(rect.x as f32, rect.y as f32, rect.width as f32, rect.height as f32, 0.0, 1.0);
        pass.set_scissor_rect(rect.x, rect.y, rect.width, rect.height);
        pass.set_pipeline(&self.draw);
        pass.set_bind_group(0, &pictures.draw_groups[pictures.newest], &[]);
        pass.draw(0..3, 0..1);
    }
}

/// A texture for a picture of such a width and height.
pub fn picture(device: &wgpu::Device, [width, height]: [u32; 2]) -> wgpu::Texture {
    device.create_texture(&wgpu::TextureDescriptor {
        label: Some("picture"),
        size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: PICTURE_FORMAT,
        usage: wgpu::TextureUsages::TEXTURE_BINDING
            | wgpu::TextureUsages::RENDER_ATTACHMENT
            | wgpu::TextureUsages::COPY_DST
            | wgpu::TextureUsages::COPY_SRC,
        view_formats: &[],
    })
}

/// What is left of a way of `px` picture pixels, each `scale` window pixels large: whole window pixels, so that blocks stay crisp.
fn left_to_go(px: i32, left: f32, scale: f32) -> f32 {
    (px as f32 * left * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_goes_by_whole_window_pixels() {
        assert_eq!(left_to_go(16, 1.0, 5.0), 16.0);
        assert_eq!(left_to_go(-16, 0.0, 5.0), 0.0);
        for left in [0.91, 0.5, 0.333, 0.02] {
            let window_px = left_to_go(-16, left, 5.0) * 5.0;
            assert!((window_px - window_px.round()).abs() < 1e-4 && (window_px + 80.0 * left).abs() <= 0.5, "{left}: {window_px}");
        }
    }
}
