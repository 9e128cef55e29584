//! What the machine can do at most, measured: multiplications and additions a second, and bytes moved a second.

use std::time::{Duration, Instant};

use crate::engine::EngineError;
use crate::engine::gpu::context::GpuContext;

/// Rates of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// A multiplication and an addition are two.
    pub gflops: f64,
    /// Read and written.
    pub gbytes_per_sec: f64,
}

const LASTS: Duration = Duration::from_millis(300);

/// All cores: products of matrices that fit the cache, and copies that do not.
pub fn of_cpu() -> Peak {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Peak { gflops: on_threads(threads, multiply) / 1e9, gbytes_per_sec: on_threads(threads, copy) / 1e9 }
}

/// Sum over threads of what `work` gets done a second.
fn on_threads(threads: usize, work: fn() -> f64) -> f64 {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
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

/// `shaders/peak.wgsl` for arithmetic, buffer copies for memory.
///
/// # Errors
/// Where the device is lost.
pub fn of_gpu(gpu: &GpuContext) -> Result<Peak, EngineError> {
    const GROUPS: u32 = 1024;
    const INVOCATIONS: u64 = GROUPS as u64 * 64;
    const OPS: f64 = INVOCATIONS as f64 * 512.0 * 4.0 * 4.0 * 2.0;
    const COPY_BYTES: u64 = 64 << 20;
    let device = &gpu.device;
    let buffer =
        |label, size, usage| device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false });
    let out = buffer("peak", INVOCATIONS * 16, wgpu::BufferUsages::STORAGE);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("peak"),
        source: wgpu::ShaderSource::Wgsl(include_str!("../../shaders/peak.wgsl").into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("peak"),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: Default::default(),
        cache: None,
    });
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("peak"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: out.as_entire_binding() }],
    });
    let gflops = rate_of(gpu, OPS, |encoder| {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("peak"), timestamp_writes: None });
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(GROUPS, 1, 1);
    })?;
    let from = buffer("peak copy from", COPY_BYTES, wgpu::BufferUsages::COPY_SRC);
    let to = buffer("peak copy to", COPY_BYTES, wgpu::BufferUsages::COPY_DST);
    let bytes = rate_of(gpu, 2.0 * COPY_BYTES as f64, |encoder| encoder.copy_buffer_to_buffer(&from, 0, &to, 0, COPY_BYTES))?;
    Ok(Peak { gflops: gflops / 1e9, gbytes_per_sec: bytes / 1e9 })
}

/// As [`repeat`], with eight recordings under way so that the way to the device does not count.
fn rate_of(gpu: &GpuContext, amount: f64, record: impl Fn(&mut wgpu::CommandEncoder)) -> Result<f64, EngineError> {
    let batch = |times: u32| -> Result<(), EngineError> {
        for _ in 0..times {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("peak") });
            record(&mut encoder);
            gpu.queue.submit([encoder.finish()]);
        }
        gpu.wait_in_device()
    };
    batch(1)?;
    let start = Instant::now();
    let mut times = 0;
    while start.elapsed() < LASTS {
        batch(8)?;
        times += 8;
    }
    Ok(amount * f64::from(times) / start.elapsed().as_secs_f64())
}
