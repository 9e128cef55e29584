//! Every kernel by itself against its f64 twin: random, odd and extreme shapes, with a negative control each.
#![cfg(feature = "player")]

mod attention;
mod decoding;
mod gains;
mod matmul;
mod narrow;
mod picture;
mod recall;
mod tokens;

use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::{FrameParams, GroupParams, MASKED};
use somnium::engine::gpu::ops::{BufferId, Pass, matmul::pad_columns, padded, padded_parts};
use somnium::engine::gpu::plan::BufferSpec;
use somnium::engine::gpu::resources::Resources;
use somnium::engine::{UNKNOWN, decode};

/// The context's message names the remedy; nothing here is ever skipped.
fn gpu() -> GpuContext {
    GpuContext::headless(false).unwrap_or_else(|e| panic!("these tests need a graphics adapter: {e}"))
}

/// A deterministic stream of numbers.
struct Numbers(u32);

impl Numbers {
    fn bits(&mut self) -> u32 {
        self.0 += 1;
        decode::random(77, self.0, 0, 0, 0)
    }

    fn below(&mut self, n: usize) -> usize {
        self.bits() as usize % n
    }

    /// Roughly normal, of this spread, rounded to f16 so that weights lose nothing on the way.
    fn floats(&mut self, count: usize, spread: f32) -> Vec<f32> {
        let one = |s: &mut Self| (0..4).map(|_| s.bits() as f32 / u32::MAX as f32 - 0.5).sum::<f32>() * 1.7 * spread;
        (0..count).map(|_| half::f16::from_f32(one(self)).to_f32()).collect()
    }
}

fn f64s(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// Buffers of one dispatch.
#[derive(Default)]
struct Bench {
    specs: Vec<BufferSpec>,
}

impl Bench {
    fn words(&mut self, words: &[u32]) -> BufferId {
        let contents: Vec<u8> = bytemuck::cast_slice(words).to_vec();
        self.specs.push(BufferSpec {
            label: format!("b{}", self.specs.len()),
            bytes: contents.len().max(16) as u64,
            contents: Some(contents),
            indirect: false,
        });
        BufferId(self.specs.len() - 1)
    }

    fn floats(&mut self, values: &[f32]) -> BufferId {
        self.words(bytemuck::cast_slice(values))
    }

    /// Runs the pass once and returns the buffers of `outputs`, as words, and the picture.
    fn run(&self, gpu: &GpuContext, pass: Pass, groups: usize, params: FrameParams, outputs: &[BufferId], size_px: [usize; 2]) -> Ran {
        let mut resources = Resources::new(gpu, &self.specs, size_px).unwrap();
        let ready = resources.ready(gpu, &[pass]).unwrap();
        gpu.queue.write_buffer(&resources.frame, 0, bytemuck::bytes_of(&params));
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            ready[0].record(&mut pass, 0, groups);
        }
        let staging = |size: u64| {
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            gpu.device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
        };
        let copies: Vec<_> = outputs
            .iter()
            .map(|&id| {
                let from = resources.buffer(id);
                let to = staging(from.size());
                encoder.copy_buffer_to_buffer(from, 0, &to, 0, from.size());
                to
            })
            .collect();
        let row = (4 * size_px[0] as u32).next_multiple_of(256);
        let pixels = staging(u64::from(row) * size_px[1] as u64);
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: None };
        let to = wgpu::TexelCopyBufferInfo { buffer: &pixels, layout };
        encoder.copy_texture_to_buffer(resources.picture.as_image_copy(), to, resources.picture.size());
        gpu.queue.submit([encoder.finish()]);
        let read = |buffer: &wgpu::Buffer| {
            buffer.map_async(wgpu::MapMode::Read, .., |r| r.unwrap());
            gpu.wait().unwrap();
            buffer.get_mapped_range(..).unwrap().to_vec()
        };
        let outputs = copies.iter().map(|b| bytemuck::pod_collect_to_vec(&read(b))).collect();
        let pixels = read(&pixels).chunks_exact(row as usize).flat_map(|line| line[..4 * size_px[0]].to_vec()).collect();
        Ran { outputs, pixels }
    }
}

struct Ran {
    outputs: Vec<Vec<u32>>,
    pixels: Vec<u8>,
}

impl Ran {
    fn floats(&self, i: usize) -> &[f32] {
        bytemuck::cast_slice(&self.outputs[i])
    }
}

const SIZE: [usize; 2] = [4, 4];

/// Rows of `width`, cut into `parts` that are padded each, without the padding.
fn unpad(values: &[f32], width: usize, parts: usize, rows: usize) -> Vec<f32> {
    let part = width / parts;
    let rows = values.chunks_exact(padded_parts(width, parts)).take(rows);
    rows.flat_map(|row| row.chunks_exact(padded(part)).flat_map(|p| &p[..part])).copied().collect()
}

/// The same for all groups.
fn unpad_groups(values: &[f32], width: usize, parts: usize, rows: usize) -> Vec<f32> {
    values.chunks_exact(padded(rows) * padded_parts(width, parts)).flat_map(|group| unpad(group, width, parts, rows)).collect()
}

/// Groups of rows with padding below: `(groups, padded rows, padded width)` from `(groups, rows, width)`.
fn pad_groups(values: &[f32], groups: usize, rows: usize, width: usize, parts: usize) -> Vec<f32> {
    let row_padded = padded_parts(width, parts);
    let mut out = Vec::new();
    for group in values.chunks_exact(rows * width).take(groups) {
        out.extend(pad_columns(group, width, parts));
        out.resize(out.len() + (padded(rows) - rows) * row_padded, 0.0);
    }
    out
}

/// Largest |a - b| / (atol + rtol |b|); infinite where `a` is no number.
fn off(ours: &[f32], truth: &[f64], atol: f64, rtol: f64) -> f64 {
    assert_eq!(ours.len(), truth.len());
    let one = |(&a, &b): (&f32, &f64)| if a.is_finite() { (f64::from(a) - b).abs() / (atol + rtol * b.abs()) } else { f64::INFINITY };
    ours.iter().zip(truth).map(one).fold(0.0, f64::max)
}

/// [`off`] of the rows of patches, and of the look's behind them. `ours`, `truth`: `(groups, tokens, width)`.
fn off_by_kind(ours: &[f32], truth: &[f64], patches: usize, (tokens, width): (usize, usize), tolerance: f64) -> [f64; 2] {
    let mut worst = [0.0; 2];
    for (ours, truth) in ours.chunks_exact(tokens * width).zip(truth.chunks_exact(tokens * width)) {
        let (ours, truth) = (ours.split_at(patches * width), truth.split_at(patches * width));
        let of_kinds = [off(ours.0, truth.0, tolerance, tolerance), off(ours.1, truth.1, tolerance, tolerance)];
        worst = [0, 1].map(|kind| f64::max(worst[kind], of_kinds[kind]));
    }
    worst
}

fn groups(a: GroupParams, b: GroupParams) -> FrameParams {
    FrameParams { groups: [a, b, GroupParams::default()], ..FrameParams::default() }
}

/// Tokens `(n, dims)`; `special`: with some masked, some unknown.
fn some_tokens(r: &mut Numbers, n: usize, dims: usize, levels: usize, special: bool) -> Vec<u32> {
    let mut out = Vec::new();
    for i in 0..n {
        let kind = if special { i % 5 } else { 0 };
        out.extend((0..dims).map(|_| match kind {
            3 => MASKED,
            4 => u32::from(UNKNOWN),
            _ => r.below(levels) as u32,
        }));
    }
    out
}
