//! Draws a dream seen from within on the device (`shaders/first_person.wgsl`).

use std::sync::Arc;

use bytemuck::{Pod, Zeroable};

use super::blit::PICTURE_FORMAT;
use crate::dream::first_person::{FALLS, GRAIN, Glance, Halo, LIT, Lens, MIRRORS, MIST, Quad, SHADE, SKY, Sheets, Surroundings, levels_of};
use crate::engine::gpu::context::GpuContext;

/// Taps along what lies flat, at most.
const ANISOTROPY: u16 = 16;
/// Nothing that stands is drawn twice.
const MOST_THINGS: usize = Sheets::SIDES[0] * Sheets::SIDES[0];

/// `View` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct View {
    size: [f32; 2],
    horizon: f32,
    focal: f32,
    at: [f32; 2],
    ahead: [f32; 2],
    zenith: [f32; 3],
    height: f32,
    haze: [f32; 3],
    arrived: f32,
    mist: f32,
    shade: f32,
    turned: f32,
    drifted: f32,
    sky_grain: f32,
    mirrors: f32,
    brighter: f32,
    /// What follows is aligned to 16 bytes.
    padding: f32,
    falls: [[f32; 4]; 2],
}

impl View {
    fn of(Glance { around, camera }: &Glance, lens: &Lens) -> Self {
        let corner = Sheets::corner(around.at);
        let top = around.falling.as_ref().map_or(0.0, |falling| falling.top(camera.fell));
        let [zenith, haze] = around.sky.colours.map(|rgb| rgb.map(|channel| f32::from(channel) / 255.0));
        let column = |quarters: f32| quarters.rem_euclid(4.0) * SKY[0] as f32 / 4.0;
        Self {
            size: [lens.width, lens.height],
            horizon: lens.horizon,
            focal: lens.focal,
            at: [0, 1].map(|i| (around.at[i] - corner[i]) as f32 + camera.at[i]),
            ahead: camera.ahead(),
            zenith,
            height: camera.height,
            haze,
            arrived: camera.new,
            mist: MIST,
            shade: SHADE,
            turned: column(camera.quarters),
            drifted: column(camera.quarters - camera.drifted),
            sky_grain: GRAIN / lens.focal,
            mirrors: MIRRORS,
            brighter: if around.light.is_empty() { 0.0 } else { LIT },
            padding: 0.0,
            falls: FALLS.map(|falls| [falls.down as f32, falls.slip as f32, falls.share, top]),
        }
    }
}

/// `Thing` and `Halo` of the shader.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Instance {
    square: [f32; 4],
    /// The patch and how dense it is, or the light.
    rest: [f32; 3],
}

impl Instance {
    const ATTRIBUTES: [wgpu::VertexAttribute; 2] = wgpu::vertex_attr_array![0 => Float32x4, 1 => Float32x3];

    fn of(quad: &Quad, corner: [i32; 2]) -> Self {
        let [x, y] = [0, 1].map(|i| (quad.place[i] - corner[i]) as f32);
        Self { square: [quad.left, quad.top, quad.side, quad.away], rest: [x, y, quad.dense] }
    }

    fn of_halo(&Halo { left, top, side, away, light, .. }: &Halo) -> Self {
        Self { square: [left, top, side, away], rest: light }
    }
}

/// Pipelines, and what lies around as textures.
pub struct Vista {
    layout: wgpu::BindGroupLayout,
    land: wgpu::RenderPipeline,
    mirrored: wgpu::RenderPipeline,
    upright: wgpu::RenderPipeline,
    halo: wgpu::RenderPipeline,
    weather: wgpu::RenderPipeline,
    /// Of the land, and of the sky.
    samplers: [wgpu::Sampler; 2],
    view: wgpu::Buffer,
    things: wgpu::Buffer,
    textures: Option<Textures>,
    sheets: Sheets,
    /// What stands, and what of it is mirrored.
    quads: [Vec<Quad>; 2],
    halos: Vec<Halo>,
    /// What is mirrored first, then what stands, then what glows.
    instances: Vec<Instance>,
}

/// What lies around.
struct Textures {
    patch_px: usize,
    ground: wgpu::Texture,
    standing: wgpu::Texture,
    patches: wgpu::Texture,
    falling: wgpu::Texture,
    sky: wgpu::Texture,
    clouds: wgpu::Texture,
    lamps: wgpu::Texture,
    group: wgpu::BindGroup,
    /// What they hold.
    around: Option<Arc<Surroundings>>,
}

impl Vista {
    pub fn new(device: &wgpu::Device) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("first person"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/first_person.wgsl").into()),
        });
        let layout = bind_layout(device);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("first person"),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = |vertex: &str, fragment: &str, buffers: &[Option<wgpu::VertexBufferLayout<'_>>], blend: Option<wgpu::BlendState>| {
            device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some(fragment),
                layout: Some(&pipeline_layout),
                vertex: wgpu::VertexState { module: &module, entry_point: Some(vertex), compilation_options: Default::default(), buffers },
                fragment: Some(wgpu::FragmentState {
                    module: &module,
                    entry_point: Some(fragment),
                    compilation_options: Default::default(),
                    targets: &[Some(wgpu::ColorTargetState { format: PICTURE_FORMAT, blend, write_mask: wgpu::ColorWrites::ALL })],
                }),
                primitive: Default::default(),
                depth_stencil: None,
                multisample: Default::default(),
                multiview_mask: None,
                cache: None,
            })
        };
        let instances = wgpu::VertexBufferLayout {
            array_stride: size_of::<Instance>() as u64,
            step_mode: wgpu::VertexStepMode::Instance,
            attributes: &Instance::ATTRIBUTES,
        };
        let over = Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING);
        let linear =
            wgpu::SamplerDescriptor { mag_filter: wgpu::FilterMode::Linear, min_filter: wgpu::FilterMode::Linear, ..Default::default() };
        let buffer = |label, size: usize, usage| {
            let usage = usage | wgpu::BufferUsages::COPY_DST;
            device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size: size as u64, usage, mapped_at_creation: false })
        };
        Self {
            land: pipeline("whole", "land", &[], None),
            mirrored: pipeline("turned_over", "mirrored", &[Some(instances.clone())], over),
            upright: pipeline("square", "upright", &[Some(instances.clone())], over),
            halo: pipeline("glowing", "halo", &[Some(instances)], over),
            weather: pipeline("whole", "weather", &[], over),
            layout,
            samplers: [
                device.create_sampler(&wgpu::SamplerDescriptor {
                    label: Some("land"),
                    mipmap_filter: wgpu::MipmapFilterMode::Linear,
                    anisotropy_clamp: ANISOTROPY,
                    ..linear.clone()
                }),
                device.create_sampler(&wgpu::SamplerDescriptor { label: Some("sky"), address_mode_u: wgpu::AddressMode::Repeat, ..linear }),
            ],
            view: buffer("view", size_of::<View>(), wgpu::BufferUsages::UNIFORM),
            things: buffer("things", 3 * MOST_THINGS * size_of::<Instance>(), wgpu::BufferUsages::VERTEX),
            textures: None,
            sheets: Sheets::default(),
            quads: [(); 2].map(|()| Vec::with_capacity(MOST_THINGS)),
            halos: Vec::with_capacity(MOST_THINGS),
            instances: Vec::with_capacity(3 * MOST_THINGS),
        }
    }

    /// Draws what is seen, as wide and high as the picture is.
    pub fn draw(&mut self, gpu: &GpuContext, glance: &Glance, picture: &wgpu::Texture) {
        let lens = Lens::of([picture.width(), picture.height()].map(|side| side as usize));
        let textures = self.take_in(gpu, &glance.around);
        let corner = Sheets::corner(glance.around.at);
        let [standing, mirrored] = &mut self.quads;
        glance.quads(&lens, standing);
        glance.mirrored(&lens, standing, mirrored);
        glance.halos(&lens, standing, &mut self.halos);
        self.instances.clear();
        self.instances.extend(mirrored.iter().chain(standing.iter()).map(|quad| Instance::of(quad, corner)));
        let upright = mirrored.len() as u32..self.instances.len() as u32;
        self.instances.extend(self.halos.iter().map(Instance::of_halo));
        gpu.queue.write_buffer(&self.view, 0, bytemuck::bytes_of(&View::of(glance, &lens)));
        gpu.queue.write_buffer(&self.things, 0, bytemuck::cast_slice(&self.instances));

        let view = picture.create_view(&wgpu::TextureViewDescriptor::default());
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("first person") });
        {
            let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("first person"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    resolve_target: None,
                    depth_slice: None,
                    ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
                })],
                ..Default::default()
            });
            pass.set_bind_group(0, &textures.group, &[]);
            pass.set_pipeline(&self.land);
            pass.draw(0..3, 0..1);
            pass.set_vertex_buffer(0, self.things.slice(..));
            if upright.start > 0 {
                pass.set_pipeline(&self.mirrored);
                pass.draw(0..6, 0..upright.start);
            }
            // What is nearer than something that glows hides that as well.
            let mut stands = upright.start;
            for (halo, n) in self.halos.iter().zip(upright.end..) {
                let behind = upright.start + halo.before as u32;
                if stands < behind {
                    pass.set_pipeline(&self.upright);
                    pass.draw(0..6, stands..behind);
                    stands = behind;
                }
                pass.set_pipeline(&self.halo);
                pass.draw(0..6, n..n + 1);
            }
            pass.set_pipeline(&self.upright);
            pass.draw(0..6, stands..upright.end);
            if glance.around.falling.is_some() {
                pass.set_pipeline(&self.weather);
                pass.draw(0..3, 0..1);
            }
        }
        gpu.queue.submit([encoder.finish()]);
        self.textures = Some(textures);
    }

    /// Textures that hold what lies around.
    fn take_in(&mut self, gpu: &GpuContext, around: &Arc<Surroundings>) -> Textures {
        let known = self.textures.take().filter(|textures| textures.patch_px == around.patch_px);
        let mut textures = known.unwrap_or_else(|| self.blank(&gpu.device, around.patch_px));
        let held = textures.around.replace(around.clone());
        if !held.as_ref().is_some_and(|held| Arc::ptr_eq(held, around)) {
            self.sheets.fill(around);
            for (texture, levels) in [(&textures.ground, &self.sheets.ground), (&textures.standing, &self.sheets.standing)] {
                levels.iter().enumerate().for_each(|(level, texels)| write(gpu, texture, level as u32, texels));
            }
            write(gpu, &textures.patches, 0, &self.sheets.patches);
            if let Some(falling) = &around.falling {
                write(gpu, &textures.falling, 0, &falling.texels());
            }
            if !around.light.is_empty() {
                write(gpu, &textures.lamps, 0, around.light.as_flattened());
            }
            if !held.is_some_and(|held| Arc::ptr_eq(&held.sky, &around.sky)) {
                write(gpu, &textures.sky, 0, around.sky.still.as_flattened());
                write(gpu, &textures.clouds, 0, around.sky.clouds.as_flattened());
            }
        }
        textures
    }

    fn blank(&self, device: &wgpu::Device, patch_px: usize) -> Textures {
        let [across, bordered] = Sheets::SIDES;
        let texture = |label, [width, height]: [usize; 2], levels| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size: wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 },
                mip_level_count: levels,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: wgpu::TextureFormat::Rgba8Unorm,
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            })
        };
        let square = |label, side, levels| texture(label, [side; 2], levels);
        let levels = levels_of(patch_px) as u32;
        let ground = square("ground", across * patch_px, levels);
        let standing = square("standing", across * patch_px, levels);
        let patches = square("patches", bordered, 1);
        let falling = square("falling", patch_px, 1);
        let [sky, clouds] = ["sky", "clouds"].map(|label| texture(label, SKY, 1));
        let lamps = square("lamps", bordered, 1);
        let views = [&ground, &standing, &patches, &falling, &sky, &clouds, &lamps]
            .map(|texture| texture.create_view(&wgpu::TextureViewDescriptor::default()));
        let bound = [self.view.as_entire_binding()]
            .into_iter()
            .chain(views.iter().map(wgpu::BindingResource::TextureView))
            .chain(self.samplers.iter().map(wgpu::BindingResource::Sampler));
        let entries: Vec<wgpu::BindGroupEntry<'_>> =
            bound.zip(0..).map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource }).collect();
        let group =
            device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some("first person"), layout: &self.layout, entries: &entries });
        Textures { patch_px, ground, standing, patches, falling, sky, clouds, lamps, group, around: None }
    }
}

/// The view, seven textures and two samplers.
fn bind_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let buffer = wgpu::BindingType::Buffer { ty: wgpu::BufferBindingType::Uniform, has_dynamic_offset: false, min_binding_size: None };
    let texture = wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Float { filterable: true },
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    };
    let sampler = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);
    let entries: Vec<wgpu::BindGroupLayoutEntry> = [buffer]
        .into_iter()
        .chain([texture; 7])
        .chain([sampler; 2])
        .zip(0..)
        .map(|(ty, binding)| wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::VERTEX_FRAGMENT, ty, count: None })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("first person"), entries: &entries })
}

/// Writes all texels of a level.
fn write(gpu: &GpuContext, texture: &wgpu::Texture, mip_level: u32, texels: &[u8]) {
    let size = texture.size().mip_level_size(mip_level, texture.dimension());
    let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(size.width * 4), rows_per_image: None };
    gpu.queue.write_texture(wgpu::TexelCopyTextureInfo { mip_level, ..texture.as_image_copy() }, texels, layout, size);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::blit::picture;
    use crate::dream::Source;
    use crate::dream::first_person::Camera;
    use crate::dream::session::DreamSession;
    use crate::engine::cpu::{CpuEngine, CpuOptions};
    use crate::engine::inputs::play_settings;
    use crate::pack::Pack;
    use crate::prompt;
    use crate::worlds::scene::{Light, Weather, Wish};

    /// A row of pixels is as long as rows of copies are.
    const SIZE: [u32; 2] = [320, 256];

    fn read(gpu: &GpuContext, picture: &wgpu::Texture) -> Vec<u8> {
        let size = u64::from(SIZE[0] * SIZE[1] * 4);
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = gpu.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false });
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(SIZE[0] * 4), rows_per_image: None };
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        encoder.copy_texture_to_buffer(picture.as_image_copy(), wgpu::TexelCopyBufferInfo { buffer: &staging, layout }, picture.size());
        gpu.queue.submit([encoder.finish()]);
        staging.slice(..).map_async(wgpu::MapMode::Read, |mapped| mapped.unwrap());
        gpu.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        staging.slice(..).get_mapped_range().unwrap().to_vec()
    }

    /// Share of pixels of two pictures that lie close together, no more than so many steps of a channel apart.
    fn alike(a: &[u8], b: &[u8], most: u8) -> f64 {
        let close = |(a, b): (&[u8], &[u8])| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= most);
        a.chunks_exact(4).zip(b.chunks_exact(4)).filter(|pixels| close(*pixels)).count() as f64 * 4.0 / a.len() as f64
    }

    /// What lies around after some steps of a dream out of these words.
    fn dreamed(said: &str) -> [Arc<Surroundings>; 2] {
        let pack = Pack::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/isles.safetensors")).unwrap();
        let settings = play_settings(&pack.manifest);
        let mut dream = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
        dream.set_prompt(&prompt::ids(&prompt::read(said, 12)), 0).unwrap();
        dream.start_from_prompt(&settings).unwrap();
        (0..4).for_each(|_| dream.step(3, &settings).unwrap());
        let before = dream.surroundings(None).unwrap();
        while dream.imagine(0, &settings, None).unwrap() {}
        let after = dream.surroundings(Some(&before)).unwrap();
        [before, after].map(Arc::new)
    }

    #[test]
    fn the_device_shows_the_same_mist() {
        let gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let (mut vista, picture) = (Vista::new(&gpu.device), picture(&gpu.device, SIZE));
        let glance = Glance { around: Arc::new(Surroundings::bare([10, 200, 10])), camera: Camera::of([0.5; 2], 0.3, 1.0) };
        vista.draw(&gpu, &glance, &picture);
        let shown = read(&gpu, &picture);
        let drawn = glance.picture(SIZE.map(|side| side as usize));
        // The control: half a picture aside the same row lies further away, or nearer.
        let mut aside = drawn.clone();
        aside.chunks_exact_mut(SIZE[0] as usize * 4).for_each(|row| row.rotate_left(SIZE[0] as usize * 2));
        let (same, other) = (alike(&shown, &drawn, 6), alike(&shown, &aside, 6));
        assert!(same > 0.97 && other < 0.93, "{same:.3}, aside {other:.3}");
    }

    #[test]
    fn the_device_shows_clouds_where_they_have_drifted() {
        let gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let (mut vista, picture) = (Vista::new(&gpu.device), picture(&gpu.device, SIZE));
        let clear = |light| Wish { light: Some(light), weather: Some(Weather::Clear), ..Wish::default() };
        let rain = Wish { weather: Some(Weather::Rain), ..Wish::default() };
        for seen in [clear(Light::Dawn), clear(Light::Day), clear(Light::Night), rain] {
            let around = Arc::new(Surroundings::bare([10, 200, 10]).under(&seen));
            for (quarters, drifted) in [(0.0, 0.0), (0.3, 0.7), (1.0, 3.9), (3.2, 0.05)] {
                let glance = |drifted: f32| {
                    let camera = Camera { drifted, ..Camera::of([0.5; 2], quarters, 1.0) };
                    Glance { around: around.clone(), camera }
                };
                vista.draw(&gpu, &glance(drifted), &picture);
                let shown = read(&gpu, &picture);
                let drawn = |drifted: f32| glance(drifted).picture(SIZE.map(|side| side as usize));
                // The control: a little later clouds are elsewhere.
                let [same, other] = [drifted, drifted + 0.2].map(|drifted| alike(&shown, &drawn(drifted), 12));
                assert!(same > 0.96 && other < same - 0.03, "{seen:?}, turned by {quarters}, drifted by {drifted}: {same:.3}, {other:.3}");
            }
        }
    }

    #[test]
    fn the_device_shows_the_same_light_at_night() {
        let gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let (mut vista, picture) = (Vista::new(&gpu.device), picture(&gpu.device, SIZE));
        for quarters in [0.0, 0.3, -0.2] {
            let glance =
                |lit: bool| Glance { around: Arc::new(Surroundings::by_night(lit)), camera: Camera::of([0.5, -0.4], quarters, 1.0) };
            let [lit, dark] = [true, false].map(|lit| {
                vista.draw(&gpu, &glance(lit), &picture);
                (read(&gpu, &picture), glance(lit).picture(SIZE.map(|side| side as usize)))
            });
            let same = [&lit, &dark].map(|(shown, drawn)| alike(shown, drawn, 10));
            // The control: without what shines it is darker.
            let other = alike(&lit.0, &dark.1, 10);
            assert!(same.iter().all(|same| *same > 0.95) && other < 0.85, "turned by {quarters}: {same:?}, without light {other:.3}");
        }
    }

    #[test]
    fn the_device_shows_what_a_processor_draws() {
        let gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let (mut vista, picture) = (Vista::new(&gpu.device), picture(&gpu.device, SIZE));
        for said in ["forest rain", "village day clear", "beach dusk clear"] {
            let [before, after] = dreamed(said);
            for (around, place, quarters, new, drifted) in [
                (&before, [0.0; 2], 0.0, 1.0, 0.0),
                (&before, [0.0, -0.4], 0.3, 1.0, 0.0),
                (&after, [0.0; 2], 0.0, 0.5, 0.0),
                (&after, [0.0; 2], 3.0, 1.0, 0.0),
                (&after, [0.0; 2], 0.3, 1.0, 1.7),
            ] {
                let at = place.map(|along: f32| along + 0.5);
                let camera = |quarters: f32| Camera { drifted, ..Camera::of(at, quarters, new) };
                let glance = Glance { around: around.clone(), camera: camera(quarters) };
                vista.draw(&gpu, &glance, &picture);
                let shown = read(&gpu, &picture);
                let drawn = glance.picture(SIZE.map(|side| side as usize));
                let aside = Glance { camera: camera(quarters + 0.1), ..glance }.picture(SIZE.map(|side| side as usize));
                let (same, other) = (alike(&shown, &drawn, 24), alike(&shown, &aside, 24));
                assert!(
                    same > 0.95 && other < same - 0.05,
                    "{said}, turned by {quarters}, {new} of what is new: {same:.3}, aside {other:.3}"
                );
            }
        }
    }
}
