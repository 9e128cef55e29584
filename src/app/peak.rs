//! What the machine can do at most, measured: multiplications and additions a second, and bytes moved a second.

use std::time::{Duration, Instant};

use crate::engine::EngineError;
use crate::engine::gpu::context::GpuContext;
use crate::engine::gpu::resources::module;

/// Rates of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// A multiplication and an addition are two.
    pub gflops: f64,
    /// Read and written.
    pub gbytes_per_sec: f64,
    /// Microseconds of a dispatch that does next to nothing, behind another one; `None` where there are none.
    pub dispatch_us: Option<f64>,
}

const LASTS: Duration = Duration::from_millis(300);

/// All cores: products of matrices that fit the cache, and copies that do not.
pub fn of_cpu() -> Peak {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Peak { gflops: on_threads(threads, multiply) / 1e9, gbytes_per_sec: on_threads(threads, copy) / 1e9, dispatch_us: None }
}

/// Sum over threads of what `work` gets done a second.
fn on_threads(threads: usize, work: fn() -> f64) -> f64 {
    std::thread::scope(|scope| {
        let start = |n: usize| std::thread::Builder::new().name(format!("peak-{n}")).spawn_scoped(scope, work).ok();
        let running: Vec<_> = (0..threads).filter_map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or(0.0)).sum()
    })
}

/// Runs `once` again and again; gives `amount` a second.
fn repeat(amount: f64, mut once: impl FnMut()) -> f64 {
    once();
    let start = Instant::now();
    let mut times = 0.0;
    while start.elapsed() < LASTS {
        once();
        times += 1.0;
    }
    amount * times / start.elapsed().as_secs_f64()
}

fn multiply() -> f64 {
    const N: usize = 256;
    let (a, b, mut c) = (vec![1.0f32; N * N], vec![0.5f32; N * N], vec![0.0f32; N * N]);
    repeat(2.0 * (N * N * N) as f64, || {
        // SAFETY: all three are N x N, row by row.
        unsafe {
            gemm_f32::gemm::f32::get_gemm_fn()(
                N,
                N,
                N,
                c.as_mut_ptr(),
                1,
                N as isize,
                false,
                a.as_ptr(),
                1,
                N as isize,
                b.as_ptr(),
                1,
                N as isize,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm_common::Parallelism::None,
            );
        }
        std::hint::black_box(&mut c);
    })
}

fn copy() -> f64 {
    const BYTES: usize = 64 << 20;
    let (from, mut to) = (vec![1u8; BYTES], vec![0u8; BYTES]);
    repeat(2.0 * BYTES as f64, || {
        to.copy_from_slice(&from);
        std::hint::black_box(&mut to);
    })
}

/// So long the device is to be busy with what is submitted at once, or the way there and back would count: on a large one it is as long as a dispatch.
const BATCH_LASTS: Duration = Duration::from_millis(20);
/// So long such batches follow each other; the quickest counts. A software device makes but a few.
const BATCHES_LAST: Duration = Duration::from_millis(200);

/// Workgroups of `shaders/peak.wgsl` that are one piece of work, and pieces of a dispatch at most: a few would leave most of a large device idle.
const GROUPS: u32 = 1024;
const PIECES: u32 = 32;
const INVOCATIONS: u64 = GROUPS as u64 * 64;
/// Operations of a piece, as the shader says.
const PIECE_OPS: f64 = INVOCATIONS as f64 * 512.0 * 4.0 * 4.0 * 2.0;

/// Twice that, read and written, is larger than any cache.
const COPY_BYTES: u64 = 128 << 20;

/// Hardly any work; one such dispatch waits for the one before, as those of a frame do, since both write.
const NOTHING: &str = "
@group(0) @binding(0) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(1)
fn main() {
    out[0] = vec4f(1.0);
}
";

/// `shaders/peak.wgsl` for arithmetic, buffer copies for memory.
///
/// # Errors
/// Where the device is lost.
pub fn of_gpu(gpu: &GpuContext) -> Result<Peak, EngineError> {
    let buffer = |label, size, usage| {
        gpu.device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
    };
    let out = buffer("peak", u64::from(PIECES) * INVOCATIONS * 16, wgpu::BufferUsages::STORAGE);
    let multiplies = Kernel::new(gpu, include_str!("../../shaders/peak.wgsl"), &out);
    let piece_secs = secs_of_one(gpu, 1 << 13, |encoder, pieces| {
        let dispatches = pieces.div_ceil(PIECES);
        multiplies.record(encoder, dispatches, pieces / dispatches * GROUPS);
    })?;
    let starts = Kernel::new(gpu, NOTHING, &out);
    let dispatch_secs = secs_of_one(gpu, 1 << 12, |encoder, dispatches| starts.record(encoder, dispatches, 1))?;
    let from = buffer("peak copy from", COPY_BYTES, wgpu::BufferUsages::COPY_SRC);
    let to = buffer("peak copy to", COPY_BYTES, wgpu::BufferUsages::COPY_DST);
    let copy_secs = secs_of_one(gpu, 1 << 10, |encoder, copies| {
        (0..copies).for_each(|_| encoder.copy_buffer_to_buffer(&from, 0, &to, 0, COPY_BYTES));
    })?;
    Ok(Peak {
        gflops: PIECE_OPS / piece_secs / 1e9,
        gbytes_per_sec: 2.0 * COPY_BYTES as f64 / copy_secs / 1e9,
        dispatch_us: Some(dispatch_secs * 1e6),
    })
}

/// A shader that writes to one buffer.
struct Kernel {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
}

impl Kernel {
    fn new(gpu: &GpuContext, source: &str, out: &wgpu::Buffer) -> Self {
        let (device, label) = (&gpu.device, Some("peak"));
        // As the kernels are that are judged by it.
        let module = module(device, "peak", source);
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: out.as_entire_binding() }],
        });
        Self { pipeline, group }
    }

    fn record(&self, encoder: &mut wgpu::CommandEncoder, dispatches: u32, workgroups: u32) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("peak"), timestamp_writes: None });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        (0..dispatches).for_each(|_| pass.dispatch_workgroups(workgroups, 1, 1));
    }
}

/// Seconds that the device takes for one of what `record` records so many of: in batches of as many as last, a power of two up to `most`. Recording does
/// not count.
fn secs_of_one(gpu: &GpuContext, most: u32, record: impl Fn(&mut wgpu::CommandEncoder, u32)) -> Result<f64, EngineError> {
    let batch = |count: u32| -> Result<Duration, EngineError> {
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("peak") });
        record(&mut encoder, count);
        let commands = encoder.finish();
        let start = Instant::now();
        gpu.queue.submit([commands]);
        gpu.wait_in_device()?;
        Ok(start.elapsed())
    };
    // The first empties buffers and the like.
    batch(1)?;
    let (mut count, mut quickest) = (1, batch(1)?);
    while quickest < BATCH_LASTS && count < most {
        count *= 2;
        quickest = batch(count)?;
    }
    let start = Instant::now();
    while start.elapsed() < BATCHES_LAST {
        quickest = quickest.min(batch(count)?);
    }
    Ok(quickest.as_secs_f64() / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_rates_that_are_measured_in_seconds_at_most() {
        let gpu = GpuContext::headless(true).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let start = Instant::now();
        let peak = of_gpu(&gpu).unwrap_or_else(|e| panic!("{e}"));
        let took = start.elapsed();
        assert!(peak.gflops > 0.1 && peak.gbytes_per_sec > 0.1 && peak.dispatch_us.is_some_and(|us| us > 0.01), "{peak:?}");
        // Beside builds and other tests.
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
}
