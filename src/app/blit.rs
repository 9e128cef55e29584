//! Puts pictures on the window's surface: the newest, or while the view goes from one to the next what lies between them
//! (`shaders/blit.wgsl`).

use std::time::{Duration, Instant};

use bytemuck::{Pod, Zeroable};

use super::layout::RectPx;
use crate::dream::runner::Shown;
use crate::engine::gpu::context::{GpuContext, WRITTEN_BEFORE_READ};

/// So long after it came the way to a frame that came early begins, at most, and after no more than this part of the time that it takes: until
/// then the view is where neither picture shows all of the land.
const MOST_LATE: Duration = Duration::from_millis(40);
const MOST_LATE_PART: u32 = 8;

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
    /// The picture looks otherwise than the one before, and comes out of that one little by little.
    pub fades: bool,
    /// How long it takes to come there.
    pub lasts: Duration,
}

/// How what is seen from within comes out of what was seen before it, which looked otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Fade {
    /// What was drawn last is what it comes out of from now on.
    pub begins: bool,
    /// How much of that is still seen, 0 to 1.
    pub left: f32,
}

/// `Glide` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Uniform {
    left_to_go: [f32; 2],
    motion: [i32; 2],
    standing: [u32; 4],
    patch_px: u32,
    fade: f32,
    pad: [u32; 2],
}

impl Uniform {
    fn of(step: &Step, left_to_go: [f32; 2], fade: f32) -> Self {
        Self { left_to_go, motion: step.motion_px, standing: step.standing, patch_px: step.patch_px, fade, pad: [0; 2] }
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
    /// The older picture is one that the newest from within came out of.
    fades: bool,
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
        Self { draw, decide, uniform, moved, pictures: None, under_way: None, fades: false }
    }

    /// Shows this picture from now on; with a `step` the view glides there from the one before, if they show that it moved, and where that fades
    /// one comes out of the other. Gives a pixel buffer back once its bytes are on the device.
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
        let leads_on = step.filter(|step| follows && (step.motion_px != [0, 0] || step.fades));
        self.under_way = leads_on.map(|step| sets_off(step, self.under_way.as_ref(), Instant::now()));
        let glide = self.under_way.map_or(Uniform::zeroed(), |(step, _)| Uniform::of(&step, [0.0; 2], 0.0));
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
    pub fn canvas(&mut self, gpu: &GpuContext, size_px: [u32; 2], fade: Fade) -> &wgpu::Texture {
        let (mut pictures, follows) = self.turn(&gpu.device, size_px);
        if !fade.begins {
            // It is drawn over, and the one that it came out of stays.
            pictures.newest = 1 - pictures.newest;
        }
        self.fades = follows && (fade.begins || self.fades);
        self.under_way = None;
        self.write(gpu, Uniform { fade: if self.fades { fade.left } else { 0.0 }, ..Uniform::zeroed() });
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
        // More than all of the way where the one before is not at its end: the view goes on from there.
        let left = (*since + step.lasts).saturating_duration_since(now).as_secs_f32() / step.lasts.as_secs_f32().max(1e-3);
        let width = self.pictures.as_ref().map_or(1, |pictures| pictures.newest().width());
        let left_to_go = step.motion_px.map(|px| left_to_go(px, left, rect.width as f32 / width as f32));
        self.write(gpu, Uniform::of(step, left_to_go, if step.fades { left.min(1.0) } else { 0.0 }));
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

/// A step that comes `now`, with another one `under_way`, and when it sets off: the same way goes on where that ends, or the view would jump over
/// what was left of it. It ends when it would have ended all the same, or after one slow frame all that follow would come late.
fn sets_off(step: Step, under_way: Option<&(Step, Instant)>, now: Instant) -> (Step, Instant) {
    let before = under_way.filter(|(before, _)| before.motion_px == step.motion_px);
    let latest = now + MOST_LATE.min(step.lasts / MOST_LATE_PART);
    let since = before.map_or(now, |(before, since)| (*since + before.lasts).clamp(now, latest));
    let lasts = (now + step.lasts).saturating_duration_since(since);
    (Step { lasts, ..step }, since)
}

/// What is left of a way of `px` picture pixels, each `scale` window pixels large: whole window pixels, so that blocks stay crisp.
fn left_to_go(px: i32, left: f32, scale: f32) -> f32 {
    (px as f32 * left * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of its pixels is as long as rows of copies are.
    const SIZE: [u32; 2] = [64, 16];
    const RECT: RectPx = RectPx { x: 0, y: 0, width: SIZE[0], height: SIZE[1] };
    /// So long that no test takes a noticeable share of it.
    const LASTS: Duration = Duration::from_secs(4000);

    fn step(motion_px: [i32; 2], fades: bool) -> Step {
        Step { motion_px, standing: [0; 4], patch_px: 8, fades, lasts: LASTS }
    }

    /// What is in the window at a share of the way, where it is as large as the picture; and whether the view goes on from there.
    fn seen(gpu: &GpuContext, blit: &mut Blit, share: f32) -> (Vec<u8>, bool) {
        let window = picture(&gpu.device, SIZE);
        let goes_on = blit.advance(gpu, RECT, Instant::now() + LASTS.mul_f32(share));
        let view = window.create_view(&wgpu::TextureViewDescriptor::default());
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        {
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: None,
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    resolve_target: None,
                    depth_slice: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
                })],
                ..Default::default()
            });
            blit.draw(&mut pass.forget_lifetime(), RECT, SIZE[0], SIZE[1]);
        }
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let size = u64::from(SIZE[0] * SIZE[1] * 4);
        let staging = gpu.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(SIZE[0] * 4), rows_per_image: None };
        encoder.copy_texture_to_buffer(window.as_image_copy(), wgpu::TexelCopyBufferInfo { buffer: &staging, layout }, window.size());
        gpu.queue.submit([encoder.finish()]);
        staging.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.unwrap());
        gpu.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        (staging.slice(..).get_mapped_range().unwrap().to_vec(), goes_on)
    }

    /// Land of many greys that begins so many pixels further right, darker by so much.
    fn land(x0: u32, darker: u8) -> Vec<u8> {
        let grey = |i: u32| 60 + (((i % SIZE[0] + x0) / 4 * 37 + i / SIZE[0] / 4 * 91) % 11 * 15) as u8 - darker;
        (0..SIZE[0] * SIZE[1]).flat_map(|i| [grey(i), grey(i), grey(i), 255]).collect()
    }

    fn show(gpu: &GpuContext, blit: &mut Blit, rgba: Vec<u8>, step: Option<Step>) {
        blit.show(gpu, Shown::Rgba(rgba), SIZE, step);
    }

    #[test]
    fn what_looks_otherwise_comes_out_of_the_picture_before() {
        let gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let mut blit = Blit::new(&gpu.device, PICTURE_FORMAT);
        let (day, night) = (land(0, 0), land(0, 50));
        show(&gpu, &mut blit, day.clone(), None);
        show(&gpu, &mut blit, night.clone(), Some(step([0, 0], true)));
        // Half of each, to the last bit or the one beside it.
        let (half, goes_on) = seen(&gpu, &mut blit, 0.5);
        assert!(goes_on && half.iter().zip(&land(0, 25)).all(|(a, b)| a.abs_diff(*b) <= 1));
        assert!(seen(&gpu, &mut blit, 1.0) == (night, false));
        // The control: one that looks like the one before is there at once.
        show(&gpu, &mut blit, day.clone(), Some(step([0, 0], false)));
        assert!(seen(&gpu, &mut blit, 0.5) == (day, false));
    }

    #[test]
    fn who_walks_meanwhile_sees_the_land_fade_where_it_is() {
        let gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let mut blit = Blit::new(&gpu.device, PICTURE_FORMAT);
        show(&gpu, &mut blit, land(0, 0), None);
        show(&gpu, &mut blit, land(8, 10), Some(step([8, 0], true)));
        let (half, _) = seen(&gpu, &mut blit, 0.5);
        // Half of the way, and half as dark; what both pictures show of it.
        let both = |rgba: &[u8]| -> Vec<u8> { rgba.chunks_exact(64 * 4).flat_map(|row| row[8 * 4..56 * 4].to_vec()).collect() };
        let off = |other: &[u8]| both(&half).iter().zip(both(other)).map(|(a, b)| a.abs_diff(b)).max();
        assert!(off(&land(4, 5)) <= Some(1), "{:?}", off(&land(4, 5)));
        assert!(off(&land(8, 5)) > Some(10), "the control: where it will be");
    }

    /// What is in the window once such a picture was drawn on the canvas.
    fn drawn(gpu: &GpuContext, blit: &mut Blit, rgba: &[u8], fade: Fade) -> Vec<u8> {
        let canvas = blit.canvas(gpu, SIZE, fade);
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(SIZE[0] * 4), rows_per_image: None };
        gpu.queue.write_texture(canvas.as_image_copy(), rgba, layout, canvas.size());
        seen(gpu, blit, 0.0).0
    }

    #[test]
    fn from_within_what_looks_otherwise_comes_out_of_what_was_drawn_last() {
        let gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let mut blit = Blit::new(&gpu.device, PICTURE_FORMAT);
        let (day, night) = (land(0, 0), land(0, 50));
        let fade = |begins, left| Fade { begins, left };
        let close = |seen: &[u8], other: &[u8]| seen.iter().zip(other).all(|(a, b)| a.abs_diff(*b) <= 1);
        assert!(drawn(&gpu, &mut blit, &night, fade(true, 0.5)) == night, "there is none before the first");
        assert!(drawn(&gpu, &mut blit, &land(8, 0), fade(false, 0.0)) == land(8, 0));
        // The control: what looks alike is there at once.
        assert!(drawn(&gpu, &mut blit, &day, fade(false, 0.0)) == day);
        assert!(close(&drawn(&gpu, &mut blit, &night, fade(true, 0.5)), &land(0, 25)));
        // Drawn again it still comes out of the same one, and is there in the end.
        assert!(close(&drawn(&gpu, &mut blit, &night, fade(false, 0.2)), &land(0, 40)));
        assert!(drawn(&gpu, &mut blit, &night, fade(false, 0.0)) == night);
        // In a window of another size nothing is left of what was before.
        blit.canvas(&gpu, [32, 16], fade(true, 0.5));
        assert!(drawn(&gpu, &mut blit, &night, fade(false, 0.5)) == night);
    }

    #[test]
    fn a_frame_that_comes_early_goes_on_from_where_the_view_is() {
        let now = Instant::now();
        let ms = Duration::from_millis;
        let east = |lasts: u64| Step { lasts: ms(lasts), ..step([16, 0], false) };
        let begun = |lasts: u64, ago: u64| (east(lasts), now.checked_sub(ms(ago)).unwrap());
        let set_off = |ago: u64| sets_off(east(160), Some(&begun(160, ago)), now).1 - now;
        assert_eq!([set_off(150), set_off(160), set_off(300)], [ms(10), ms(0), ms(0)]);
        assert_eq!(set_off(20), ms(20), "it never lags behind by more than an eighth");
        assert_eq!(sets_off(east(1600), Some(&begun(1600, 20)), now).1 - now, MOST_LATE, "nor by more than that");
        // Another way begins at once, and so does the first.
        let south = step([0, 16], false);
        assert_eq!([sets_off(south, Some(&begun(160, 150)), now).1, sets_off(east(160), None, now).1], [now; 2]);
    }

    #[test]
    fn after_one_slow_frame_the_view_is_in_time_again() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut under_way: Option<(Step, Instant)> = None;
        // The second comes late by 15 ms.
        let waits = [0, 175, 320, 480, 640].map(|came| {
            let now = start + ms(came);
            let (east, since) = sets_off(Step { lasts: ms(160), ..step([16, 0], false) }, under_way.as_ref(), now);
            assert_eq!(since + east.lasts, now + ms(160), "{came} ms");
            under_way = Some((east, since));
            since - now
        });
        assert_eq!(waits, [0, 0, 15, 0, 0].map(ms));
    }

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
