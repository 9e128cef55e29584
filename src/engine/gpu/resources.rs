//! The plan made real: buffers, pipelines and bind groups, made once at load.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::context::{GpuContext, WRITTEN_BEFORE_READ};
use super::frame::{FRAME_SLOT_BYTES, GROUPS};
use super::kernel::{Bind, Kernel};
use super::ops::{BufferId, Pass, ShapeWords, unmask::dispatch_at};
use super::plan::{BufferSpec, Plan};
use super::recording::Recording;
use super::timing::Stage;
use crate::engine::EngineError;
use crate::pack::limits;

/// Slots of the frame block: one for each decoding step, and one for mending.
const FRAME_SLOTS: u32 = limits::MAX_STEPS + 1;

/// A pass ready to be recorded.
#[derive(Debug)]
pub struct ReadyPass {
    pub pipeline: wgpu::ComputePipeline,
    pub bind_group: wgpu::BindGroup,
    pub workgroups: [[u32; 3]; GROUPS],
    /// Arithmetic operations for one group of rows.
    pub ops: u64,
}

impl ReadyPass {
    /// Records the dispatch for `groups` groups of rows (1 to [`GROUPS`]) with the frame block of `slot`.
    pub fn record(&self, pass: &mut wgpu::ComputePass<'_>, slot: usize, groups: usize) {
        let [x, y, z] = self.workgroups[groups - 1];
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[slot as u32 * FRAME_SLOT_BYTES as u32]);
        pass.dispatch_workgroups(x, y, z);
    }

    /// Records the dispatch with the workgroups that lie in `workgroups` when it runs.
    pub fn record_indirect(&self, pass: &mut wgpu::ComputePass<'_>, slot: usize, (workgroups, at): (&wgpu::Buffer, u64)) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[slot as u32 * FRAME_SLOT_BYTES as u32]);
        pass.dispatch_workgroups_indirect(workgroups, at);
    }
}

/// A pipeline, and how what it binds is laid out.
type Made = (wgpu::ComputePipeline, wgpu::BindGroupLayout);

/// Pipelines by kernel label; each is compiled once however many passes use it.
#[derive(Default)]
pub struct Pipelines(HashMap<String, Made>);

impl Pipelines {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compiles those of these kernels that are not yet, on as many threads as there are cores: some drivers take long for each. What is
    /// wrong with one becomes a fault of the device on whatever thread.
    fn compile<'a>(&mut self, gpu: &GpuContext, kernels: impl Iterator<Item = &'a Kernel>) {
        let mut missing: Vec<&Kernel> = Vec::new();
        for kernel in kernels.filter(|kernel| !self.0.contains_key(&kernel.label)) {
            if missing.iter().all(|other| other.label != kernel.label) {
                missing.push(kernel);
            }
        }
        let next = AtomicUsize::new(0);
        let work = || {
            let mut made = Vec::new();
            while let Some(kernel) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                made.push((kernel.label.clone(), compile(gpu, kernel)));
            }
            made
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(missing.len());
        let made = std::thread::scope(|scope| {
            let start = |n: usize| std::thread::Builder::new().name(format!("compile-{n}")).spawn_scoped(scope, work).ok();
            let others: Vec<_> = (1..threads).filter_map(start).collect();
            let mut made = work();
            for other in others {
                made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            made
        });
        self.0.extend(made);
    }
}

/// All is checked but that loops end: a countdown in each of them would keep compilers from unrolling it, and some drivers stumble over it.
const ENDING_LOOPS: wgpu::ShaderRuntimeChecks =
    wgpu::ShaderRuntimeChecks { force_loop_bounding: false, ..wgpu::ShaderRuntimeChecks::checked() };

/// A text of `shaders/`.
pub fn module(device: &wgpu::Device, label: &str, source: &str) -> wgpu::ShaderModule {
    let source = wgpu::ShaderModuleDescriptor { label: Some(label), source: wgpu::ShaderSource::Wgsl(source.into()) };
    // SAFETY: every loop of `shaders/` counts up to a bound of its shape, halves a range or takes bits off a word, and ends.
    unsafe { device.create_shader_module_trusted(source, ENDING_LOOPS) }
}

fn compile(gpu: &GpuContext, kernel: &Kernel) -> Made {
    let device = &gpu.device;
    let label = Some(kernel.label.as_str());
    let entries: Vec<_> = [uniform_entry(0, true), uniform_entry(1, false)]
        .into_iter()
        .chain(kernel.binds.iter().zip(2..).map(|(bind, binding)| entry(binding, *bind)))
        .collect();
    let bind_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&bind_layout)],
        immediate_size: 0,
    });
    let module = module(device, &kernel.label, &kernel.source);
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label,
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: WRITTEN_BEFORE_READ,
        cache: gpu.pipelines.as_ref().map(|store| &store.cache),
    });
    (pipeline, bind_layout)
}

fn uniform_entry(binding: u32, has_dynamic_offset: bool) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty: wgpu::BufferBindingType::Uniform, has_dynamic_offset, min_binding_size: None },
        count: None,
    }
}

fn entry(binding: u32, bind: Bind) -> wgpu::BindGroupLayoutEntry {
    let storage = |read_only| wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Storage { read_only },
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let ty = match bind {
        Bind::Read => storage(true),
        Bind::ReadWrite => storage(false),
        Bind::Picture => wgpu::BindingType::StorageTexture {
            access: wgpu::StorageTextureAccess::WriteOnly,
            format: wgpu::TextureFormat::Rgba8Unorm,
            view_dimension: wgpu::TextureViewDimension::D2,
        },
    };
    wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::COMPUTE, ty, count: None }
}

/// Buffers, frame block and picture that passes bind.
pub struct Resources {
    pub buffers: Vec<wgpu::Buffer>,
    /// [`FRAME_SLOTS`] blocks of [`FRAME_SLOT_BYTES`].
    pub frame: wgpu::Buffer,
    pub picture: wgpu::Texture,
    pub pipelines: Pipelines,
    picture_view: wgpu::TextureView,
}

impl Resources {
    /// Makes every buffer of `specs` and the picture.
    ///
    /// # Errors
    /// [`EngineError::Input`] where a size exceeds what the device can bind.
    pub fn new(gpu: &GpuContext, specs: &[BufferSpec], [width_px, height_px]: [usize; 2]) -> Result<Self, EngineError> {
        specs.iter().try_for_each(|spec| check_buffer(gpu, &spec.label, spec.bytes))?;
        let side = gpu.device.limits().max_texture_dimension_2d as usize;
        if width_px.max(height_px) > side {
            return Err(EngineError::Input {
                what: "frame for this graphics device",
                expected: format!("at most {side} pixels a side"),
                got: format!("{width_px} x {height_px}"),
            });
        }
        let picture = gpu.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("picture"),
            size: wgpu::Extent3d { width: width_px as u32, height: height_px as u32, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: wgpu::TextureFormat::Rgba8Unorm,
            usage: wgpu::TextureUsages::STORAGE_BINDING
                | wgpu::TextureUsages::TEXTURE_BINDING
                | wgpu::TextureUsages::COPY_SRC
                | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        Ok(Self {
            buffers: specs.iter().map(|spec| make_buffer(gpu, spec)).collect(),
            frame: gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("frame"),
                size: u64::from(FRAME_SLOTS) * FRAME_SLOT_BYTES,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
            picture_view: picture.create_view(&wgpu::TextureViewDescriptor::default()),
            picture,
            pipelines: Pipelines::default(),
        })
    }

    pub fn buffer(&self, id: BufferId) -> &wgpu::Buffer {
        &self.buffers[id.0]
    }

    /// Compiles what passes run, all of it at once.
    ///
    /// # Errors
    /// [`EngineError::Input`] where a pass needs more workgroups, or more memory in one of them, than the device has.
    pub fn compile<'a>(&mut self, gpu: &GpuContext, passes: impl IntoIterator<Item = &'a Pass>) -> Result<(), EngineError> {
        let passes: Vec<&Pass> = passes.into_iter().collect();
        passes.iter().try_for_each(|pass| check_pass(gpu, pass))?;
        self.pipelines.compile(gpu, passes.iter().map(|pass| &pass.kernel));
        Ok(())
    }

    /// Compiles and binds passes.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn ready(&mut self, gpu: &GpuContext, passes: &[Pass]) -> Result<Vec<ReadyPass>, EngineError> {
        self.compile(gpu, passes)?;
        Ok(passes.iter().map(|pass| self.bind(gpu, pass)).collect())
    }

    /// Binds a pass whose kernel is compiled.
    fn bind(&self, gpu: &GpuContext, pass: &Pass) -> ReadyPass {
        let (pipeline, layout) = &self.pipelines.0[&pass.kernel.label];
        let shape = shape_buffer(gpu, &pass.kernel.label, &pass.shape);
        let mut buffers = pass.buffers.iter();
        let mut entries = vec![
            wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &self.frame,
                    offset: 0,
                    size: std::num::NonZeroU64::new(FRAME_SLOT_BYTES),
                }),
            },
            wgpu::BindGroupEntry { binding: 1, resource: shape.as_entire_binding() },
        ];
        for (bind, binding) in pass.kernel.binds.iter().zip(2..) {
            let resource = match bind {
                Bind::Picture => wgpu::BindingResource::TextureView(&self.picture_view),
                Bind::Read | Bind::ReadWrite => match buffers.next() {
                    Some(&id) => self.buffers[id.0].as_entire_binding(),
                    None => break,
                },
            };
            entries.push(wgpu::BindGroupEntry { binding, resource });
        }
        let bind_group =
            gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(&pass.kernel.label), layout, entries: &entries });
        ReadyPass { pipeline: pipeline.clone(), bind_group, workgroups: pass.workgroups, ops: pass.cost.ops }
    }
}

/// Refuses a pass that needs more than the device has.
fn check_pass(gpu: &GpuContext, pass: &Pass) -> Result<(), EngineError> {
    let (limits, label) = (gpu.device.limits(), &pass.kernel.label);
    let workgroups = pass.workgroups.iter().flatten().copied().max().unwrap_or(0);
    at_most(u64::from(limits.max_compute_workgroups_per_dimension), "workgroups", label, u64::from(workgroups))?;
    let bytes = pass.kernel.workgroup_bytes as u64;
    at_most(u64::from(limits.max_compute_workgroup_storage_size), "bytes in a workgroup", label, bytes)
}

/// Refuses a buffer that the device cannot bind.
pub fn check_buffer(gpu: &GpuContext, label: &str, bytes: u64) -> Result<(), EngineError> {
    let limits = gpu.device.limits();
    at_most(limits.max_storage_buffer_binding_size.min(limits.max_buffer_size), "bytes in one buffer", label, bytes)
}

fn at_most(most: u64, of: &str, label: &str, got: u64) -> Result<(), EngineError> {
    if got <= most {
        return Ok(());
    }
    Err(EngineError::Input {
        what: "pack for this graphics device",
        expected: format!("at most {most} {of}"),
        got: format!("{got} in `{label}`"),
    })
}

fn make_buffer(gpu: &GpuContext, spec: &BufferSpec) -> wgpu::Buffer {
    let mut usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC;
    // Not every device takes the very usage.
    usage.set(wgpu::BufferUsages::INDIRECT, spec.indirect && gpu.indirect);
    filled_buffer(gpu, &spec.label, spec.bytes, spec.contents.as_deref().unwrap_or_default(), usage)
}

fn shape_buffer(gpu: &GpuContext, label: &str, shape: &ShapeWords) -> wgpu::Buffer {
    filled_buffer(gpu, label, size_of_val(shape) as u64, bytemuck::cast_slice(shape), wgpu::BufferUsages::UNIFORM)
}

/// A buffer that begins with `contents`, zeros behind. Where the device is lost or has no room a fault is reported; wgpu's helper for this
/// would panic.
fn filled_buffer(gpu: &GpuContext, label: &str, size: u64, contents: &[u8], usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let usage = usage | wgpu::BufferUsages::COPY_DST;
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false });
    gpu.queue.write_buffer(&buffer, 0, contents);
    buffer
}

/// Groups of rows that run in a step, in this order.
#[derive(Clone, Copy, Debug)]
pub struct Groups {
    /// 1, with guidance 2.
    pub dreamed: usize,
    /// 0 or 1.
    pub committed: usize,
}

/// The plan's passes, ready.
pub struct ReadyPlan {
    pub prev: Vec<ReadyPass>,
    pub step: Vec<ReadyPass>,
    pub mends_from: usize,
    pub decode: Vec<ReadyPass>,
    pub commit_passes: usize,
    /// Empty where nothing is remembered.
    pub remember: Vec<ReadyPass>,
}

impl ReadyPlan {
    /// # Errors
    /// As [`Resources::ready`].
    pub fn new(gpu: &GpuContext, resources: &mut Resources, plan: &Plan) -> Result<Self, EngineError> {
        resources.compile(gpu, plan.passes())?;
        let decode = resources.ready(gpu, &plan.decode)?;
        let Some(d) = &plan.dynamics else {
            return Ok(Self { prev: Vec::new(), step: Vec::new(), mends_from: 0, decode, commit_passes: 0, remember: Vec::new() });
        };
        let (prev, step, remember) = (resources.ready(gpu, &d.prev)?, resources.ready(gpu, &d.step)?, resources.ready(gpu, d.remember())?);
        Ok(Self { prev, step, mends_from: d.mends_from, decode, commit_passes: d.commit_passes, remember })
    }

    /// Records a frame up to its picture. `adaptive`: steps after the first run as the device finds; where their workgroups lie.
    pub fn record_frame(&self, recording: &mut Recording<'_>, steps: u32, groups: Groups, adaptive: Option<&wgpu::Buffer>) {
        recording.begin(Stage::FirstStep);
        recording.run_all(&self.prev);
        self.record_step(recording, 0, groups);
        recording.begin(Stage::LaterSteps);
        for slot in 1..steps as usize {
            match adaptive {
                Some(dispatches) => self.record_if_needed(recording, 0, slot, groups.dreamed, dispatches),
                None => self.record_step(recording, slot, Groups { committed: 0, ..groups }),
            }
        }
        match adaptive {
            Some(dispatches) => self.record_if_needed(recording, self.mends_from, steps as usize, groups.dreamed, dispatches),
            None => self.step[self.mends_from..].iter().for_each(|ready| recording.run(ready, steps as usize, groups.dreamed)),
        }
        recording.begin(Stage::Decoder);
        recording.run_all(&self.decode);
    }

    /// Records one decoding step of the frame being dreamed and, with it, the commits.
    fn record_step(&self, recording: &mut Recording<'_>, slot: usize, groups: Groups) {
        for (i, ready) in self.step.iter().enumerate() {
            recording.run(ready, slot, groups.dreamed + if i < self.commit_passes { groups.committed } else { 0 });
        }
    }

    /// Records the passes of a step from `first` on, of `groups` groups of rows, that run only if the step before left something to settle;
    /// `dispatches` as planned. What decides about those that follow always runs.
    fn record_if_needed(&self, recording: &mut Recording<'_>, first: usize, slot: usize, groups: usize, dispatches: &wgpu::Buffer) {
        let Some((decides, others)) = self.step.split_last().filter(|(_, others)| first <= others.len()) else { return };
        for (i, ready) in others.iter().enumerate().skip(first) {
            recording.run_indirect(ready, slot, groups, (dispatches, dispatch_at(i, self.step.len())));
        }
        recording.run(decides, slot, 1);
    }

    /// Records what makes the keys of the single frame of slot 0 enter the ring.
    pub fn record_commit(&self, recording: &mut Recording<'_>) {
        recording.run_all(&self.step[..self.commit_passes]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::random::{odd_manifest, random_pack};
    use std::collections::HashSet;

    #[test]
    fn every_kernel_is_compiled_once_and_what_is_wrong_with_one_is_known_on_whatever_thread() {
        let gpu = GpuContext::headless(true).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let pack = random_pack(odd_manifest(), 1).unwrap();
        let mut plan = Plan::new(&pack, gpu.tier, gpu.is_wide()).unwrap();
        let mut resources = Resources::new(&gpu, &plan.buffers, [35, 21]).unwrap();
        resources.compile(&gpu, plan.passes()).unwrap();
        let kernels = plan.passes().map(|pass| pass.kernel.label.as_str()).collect::<HashSet<_>>().len();
        assert_eq!(resources.pipelines.len(), kernels);
        ReadyPlan::new(&gpu, &mut resources, &plan).unwrap();
        assert!(resources.pipelines.len() == kernels && gpu.check().is_ok(), "{:?}", gpu.fault());
        // The control: whichever of them is no shader, the device says so.
        for stem in ["embed", "picture"] {
            plan.passes_mut().filter(|pass| pass.kernel.stem == stem).for_each(|pass| pass.kernel.source += "no shader");
            resources.pipelines = Pipelines::default();
            resources.compile(&gpu, plan.passes()).unwrap();
            assert!(matches!(gpu.check(), Err(EngineError::Graphics(_))), "{stem} compiles");
            gpu.forgive();
            plan = Plan::new(&pack, gpu.tier, gpu.is_wide()).unwrap();
        }
    }
}
