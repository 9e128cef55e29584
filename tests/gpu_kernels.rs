//! Every kernel by itself against its f64 twin: random, odd and extreme shapes, with a negative control each.
#![cfg(feature = "player")]

use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::{FrameParams, GroupParams, MASKED, NONE};
use somnium::engine::gpu::ops::{
    BufferId, Pass,
    attend_prompt::{self, AttendPrompt},
    attend_ring::{self, AttendRing},
    attend_space::{self, AttendSpace},
    embed::{self, Embed},
    matmul::{self, Matmul, Variant, pack_weights, pad_columns},
    padded, padded_parts,
    picture::PatchPicture,
    prev::{self, Prev},
    sample::{self, Sample},
    unmask::{self, Unmask},
};
use somnium::engine::gpu::plan::BufferSpec;
use somnium::engine::gpu::resources::Resources;
use somnium::engine::gpu::tier::Tier;
use somnium::engine::reference::attention::{KeysValues, attend, attend_over_time};
use somnium::engine::reference::{activation, embed as embed_twin, matmul as matmul_twin, norm};
use somnium::engine::{UNKNOWN, UnmaskOrder, decode};

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

fn groups(a: GroupParams, b: GroupParams) -> FrameParams {
    FrameParams { groups: [a, b], ..FrameParams::default() }
}

// ---------------------------------------------------------------------------------------------------------------- matmul

struct Product {
    rows: usize,
    /// Width of x, in this many parts.
    k: usize,
    k_parts: usize,
    /// Columns in this many parts.
    m: usize,
    parts: usize,
    variant: Variant,
    by_action: bool,
    spread: f32,
}

/// Worst error of the product in tolerances, and whether the ring holds exactly what it should. `corrupt` changes one weight.
fn product_off(gpu: &GpuContext, p: &Product, corrupt: bool) -> f64 {
    const ACTIONS: usize = 3;
    const WINDOW: usize = 3;
    let mut r = Numbers((p.rows * 1000 + p.k * 100 + p.m) as u32);
    let x = r.floats(2 * p.rows * p.k, p.spread);
    let mut w = r.floats(p.k * p.m, 1.0 / (p.k as f32).sqrt());
    let rows_of = if p.by_action { ACTIONS } else { 1 };
    let bias = r.floats(rows_of * p.m, 0.5);
    let gain = r.floats(rows_of * p.k, 1.0);
    let before = r.floats(2 * p.rows * p.m, 1.0);
    let actions = [2usize, 1];

    let mut truth = Vec::new();
    for (g, action) in actions.into_iter().enumerate() {
        let at = if p.by_action { action } else { 0 };
        let mut rows = f64s(&x[g * p.rows * p.k..(g + 1) * p.rows * p.k]);
        if p.variant.norm {
            rows = norm::rms(&rows, p.k);
            for row in rows.chunks_exact_mut(p.k) {
                row.iter_mut().zip(&gain[at * p.k..]).for_each(|(v, &g)| *v *= f64::from(g));
            }
        }
        let mut y = matmul_twin::matmul(&rows, &f64s(&w), &f64s(&bias[at * p.m..(at + 1) * p.m]), p.k);
        if p.variant.gelu {
            y.iter_mut().for_each(|v| *v = activation::gelu(*v));
        }
        if p.variant.residual {
            matmul_twin::add(&mut y, &f64s(&before[g * p.rows * p.m..(g + 1) * p.rows * p.m]));
        }
        truth.extend(y);
    }

    if corrupt {
        w[p.k / 2 * p.m + p.m / 2] += 0.25;
    }
    let m_padded = padded_parts(p.m, p.parts);
    let k = if p.k_parts == 1 { p.k } else { padded_parts(p.k, p.k_parts) };
    let ring_from = if p.variant.scatter && p.parts > 1 { padded(p.m / p.parts) } else { 0 };
    let ring_words = WINDOW * padded(p.rows) * (m_padded - ring_from);
    let mut bench = Bench::default();
    let shape = Matmul { variant: p.variant, k, m: m_padded, rows: padded(p.rows), by_action: p.by_action, ring_from };
    let buffers = matmul::Buffers {
        x: bench.floats(&pad_groups(&x, 2, p.rows, p.k, p.k_parts)),
        w: bench.words(&pack_weights(&w, (p.k, p.k_parts), (p.m, p.parts))),
        bias: bench.floats(&pad_columns(&bias, p.m, p.parts)),
        gain: p.variant.norm.then(|| bench.floats(&pad_columns(&gain, p.k, 1))),
        y: bench.floats(&pad_groups(&before, 2, p.rows, p.m, p.parts)),
        ring: bench.floats(&vec![7.5; ring_words]),
    };
    let group = |action: usize, store| GroupParams { action: action as u32, store, ..GroupParams::default() };
    let ran =
        bench.run(gpu, shape.pass(buffers), 2, groups(group(actions[0], NONE), group(actions[1], 1)), &[buffers.y, buffers.ring], SIZE);

    let ours = unpad_groups(ran.floats(0), p.m, p.parts, p.rows);
    if p.variant.scatter {
        // Slot 1 holds columns of group 1 from `ring_from` on, bit for bit; the others are untouched.
        let slot = padded(p.rows) * (m_padded - ring_from);
        let y = &ran.floats(0)[padded(p.rows) * m_padded..];
        for (i, &v) in ran.floats(1).iter().enumerate() {
            let expected =
                if i / slot == 1 { y[i % slot / (m_padded - ring_from) * m_padded + ring_from + i % (m_padded - ring_from)] } else { 7.5 };
            assert_eq!(v.to_bits(), expected.to_bits(), "ring word {i}");
        }
    }
    let scale = if p.variant.norm { 1.0 } else { f64::from(p.spread).max(1.0) };
    off(&ours, &truth, 2e-5 * scale, 2e-5)
}

fn products() -> Vec<Product> {
    let v = |bits: u32| Variant {
        norm: bits & 1 > 0,
        gelu: bits & 2 > 0,
        residual: bits & 4 > 0,
        scatter: bits & 8 > 0,
        tier: if bits & 16 > 0 { Tier::Bare } else { Tier::Base },
    };
    let mut all = Vec::new();
    for (rows, k, m, parts) in [(1, 1, 1, 1), (15, 24, 72, 3), (3, 33, 7, 1), (63, 160, 480, 3), (5, 129, 257, 1), (64, 64, 64, 1)] {
        for bits in [0, 1, 2, 3, 4, 5, 9, 16, 25] {
            all.push(Product { rows, k, k_parts: 1, m, parts, variant: v(bits), by_action: bits & 1 > 0 && rows != 3, spread: 1.0 });
        }
    }
    // Heads of 7 and 11 channels, padded each.
    for (k, k_parts, m, parts) in [(35, 5, 35, 1), (33, 3, 99, 9)] {
        all.push(Product { rows: 15, k, k_parts, m, parts, variant: v(4), by_action: false, spread: 1.0 });
    }
    // Rows nearly zero, where the norm's epsilon rules, and huge ones.
    all.extend([1e-4, 1e3].map(|spread| Product { rows: 9, k: 35, k_parts: 1, m: 47, parts: 1, variant: v(1), by_action: true, spread }));
    all.push(Product { rows: 9, k: 35, k_parts: 1, m: 47, parts: 1, variant: v(6), by_action: false, spread: 100.0 });
    all
}

#[test]
fn matmul_matches_its_twin() {
    let gpu = gpu();
    for p in products() {
        let worst = product_off(&gpu, &p, false);
        assert!(worst <= 1.0, "{} x {} x {}, {:?}, spread {}: {worst} tolerances", p.rows, p.k, p.m, p.variant, p.spread);
    }
    let p = Product { rows: 15, k: 24, k_parts: 1, m: 72, parts: 3, variant: Variant::default(), by_action: false, spread: 1.0 };
    assert!(product_off(&gpu, &p, true) > 1.0, "a wrong weight is noticed");
}

/// GELU over its whole range, through an identity matrix: absolute error below 1e-6, relative too where it is tiny and negative.
#[test]
fn gelu_is_good_to_a_millionth() {
    let gpu = gpu();
    let x: Vec<f32> = (0..400).map(|i| (i as f32 - 200.0) * 0.05).collect();
    let identity: Vec<f32> = (0..16).map(|i| if i % 5 == 0 { 1.0 } else { 0.0 }).collect();
    let run = |x: &[f32]| {
        let mut b = Bench::default();
        let variant = Variant { gelu: true, ..Variant::default() };
        let buffers = matmul::Buffers {
            x: b.floats(x),
            w: b.words(&pack_weights(&identity, (4, 1), (4, 1))),
            bias: b.floats(&[0.0; 4]),
            gain: None,
            y: b.floats(&vec![0.0; x.len()]),
            ring: b.floats(&[0.0; 4]),
        };
        let pass = Matmul { variant, k: 4, m: 4, rows: x.len() / 4, by_action: false, ring_from: 0 }.pass(buffers);
        b.run(&gpu, pass, 1, FrameParams::default(), &[buffers.y], SIZE).floats(0).to_vec()
    };
    let truth: Vec<f64> = x.iter().map(|&v| activation::gelu(f64::from(v))).collect();
    let worst = off(&run(&x), &truth, 1e-6, 1e-6);
    assert!(worst <= 1.0, "{worst} millionths");
    let shifted: Vec<f32> = x.iter().map(|v| v + 1e-4).collect();
    assert!(off(&run(&shifted), &truth, 1e-6, 1e-6) > 1.0, "a shift is noticed");
}

// ------------------------------------------------------------------------------------------------------- embed and prev

/// Tokens with some masked, some unknown.
fn tokens(r: &mut Numbers, n: usize, dims: usize, levels: usize, special: bool) -> Vec<u32> {
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

/// The twin's table lookup, which takes bytes and a mask.
fn embed_f64(tokens: &[u32], table: &[f32], dims: usize, levels: usize, all_masked: bool) -> Vec<f64> {
    let codes: Vec<u8> = tokens.iter().map(|&t| if t == MASKED { 0 } else { t as u8 }).collect();
    let masked: Vec<bool> = tokens.chunks_exact(dims).map(|t| all_masked || t[0] == MASKED).collect();
    embed_twin::embed(&codes, &masked, &f64s(table), dims, levels)
}

fn embed_off(gpu: &GpuContext, (n, dims, levels, c): (usize, usize, usize, usize), dynamics: bool, corrupt: bool) -> f64 {
    let mut r = Numbers(n as u32 * 31 + c as u32);
    let mut held = tokens(&mut r, 2 * n, dims, levels, dynamics);
    let table = r.floats((dims * levels + 2) * c, 1.0);
    let positions = r.floats(n * c, 1.0);
    let level = r.floats(3 * c, 1.0);
    let prev = r.floats(2 * n * c, 1.0);
    // Group 0 lies in half 1 and is fresh, group 1 in half 0.
    let params = groups(
        GroupParams { half: 1, level: 2, fresh: 1, ..GroupParams::default() },
        GroupParams { half: 0, level: 1, ..GroupParams::default() },
    );
    let mut truth = Vec::new();
    for group in &params.groups {
        let half = group.half as usize;
        let mut x = embed_f64(&held[half * n * dims..(half + 1) * n * dims], &table, dims, levels, dynamics && group.fresh == 1);
        matmul_twin::add(&mut x, &f64s(&positions));
        if dynamics {
            matmul_twin::add(&mut x, &f64s(&prev[half * n * c..(half + 1) * n * c]));
            x.chunks_exact_mut(c).for_each(|row| matmul_twin::add(row, &f64s(&level[group.level as usize * c..])));
        }
        truth.extend(x);
    }
    if corrupt {
        held[0] = (held[0] + 1) % levels as u32;
    }
    let mut b = Bench::default();
    let buffers = embed::Buffers {
        tokens: b.words(&held),
        table: b.floats(&pad_columns(&table, c, 1)),
        positions: b.floats(&pad_columns(&positions, c, 1)),
        dynamics: dynamics.then(|| (b.floats(&pad_columns(&level, c, 1)), b.floats(&pad_groups(&prev, 2, n, c, 1)))),
        x: b.floats(&vec![9.0; 2 * padded(n) * padded(c)]),
    };
    let pass = Embed { tokens: n, dims, levels, channels: c, rows: padded(n) }.pass(buffers);
    let ran = b.run(gpu, pass, 2, params, &[buffers.x], SIZE);
    let mut ours = Vec::new();
    for group in ran.floats(0).chunks_exact(padded(n) * padded(c)) {
        assert!(group[n * padded(c)..].iter().all(|&v| v == 0.0), "rows of padding are zero");
        ours.extend(unpad(group, c, 1, n));
    }
    off(&ours, &truth, 1e-5, 1e-5)
}

#[test]
fn embed_matches_its_twin() {
    let gpu = gpu();
    for shape in [(1, 1, 2, 1), (15, 3, 7, 24), (63, 8, 5, 160), (17, 2, 250, 35)] {
        for dynamics in [true, false] {
            let worst = embed_off(&gpu, shape, dynamics, false);
            assert!(worst <= 1.0, "{shape:?} {dynamics}: {worst} tolerances");
        }
    }
    assert!(embed_off(&gpu, (15, 3, 7, 24), true, true) > 1.0, "a wrong level is noticed");
}

fn prev_off(gpu: &GpuContext, (grid_w, grid_h): (usize, usize), (dims, levels, c): (usize, usize, usize), corrupt: bool) -> f64 {
    let n = grid_w * grid_h;
    let mut r = Numbers(n as u32 * 7 + c as u32);
    let mut held = tokens(&mut r, 2 * n, dims, levels, false);
    // Some tokens of the frame before are not given.
    for token in held.chunks_exact_mut(dims).step_by(4) {
        token.fill(u32::from(UNKNOWN));
    }
    let table = r.floats((dims * levels + 2) * c, 1.0);
    let w = r.floats(9 * c * c, 1.0 / (9.0 * c as f32).sqrt());
    let bias = r.floats(c, 1.0);
    let before = embed_f64(&held[..n * dims], &table, dims, levels, false);
    let truth = matmul_twin::matmul(&embed_twin::taps(&before, grid_w, grid_h, c), &f64s(&w), &f64s(&bias), 9 * c);
    if corrupt {
        held[n * dims - 1] = (held[n * dims - 1] + 1) % levels as u32;
    }
    let mut b = Bench::default();
    let buffers = prev::Buffers {
        tokens: b.words(&held),
        table: b.floats(&prev::table(&table, &w, c)),
        bias: b.floats(&pad_columns(&bias, c, 1)),
        prev: b.floats(&vec![3.0; 2 * padded(n) * padded(c)]),
    };
    let pass = Prev { grid_w, grid_h, dims, levels, channels: c, rows: padded(n) }.pass(buffers);
    let params = groups(GroupParams { half: 1, ..GroupParams::default() }, GroupParams::default());
    let ran = b.run(gpu, pass, 1, params, &[buffers.prev], SIZE);
    let (other, own) = ran.floats(0).split_at(padded(n) * padded(c));
    assert!(other.iter().all(|&v| v == 3.0), "the other half is left alone");
    off(&unpad(own, c, 1, n), &truth, 2e-5, 2e-5)
}

#[test]
fn prev_matches_its_twin() {
    let gpu = gpu();
    for (grid, sizes) in [((1, 1), (1, 2, 1)), ((5, 3), (3, 7, 24)), ((9, 7), (8, 5, 160)), ((1, 13), (2, 3, 9)), ((11, 1), (1, 9, 6))] {
        let worst = prev_off(&gpu, grid, sizes, false);
        assert!(worst <= 1.0, "{grid:?} {sizes:?}: {worst} tolerances");
    }
    assert!(prev_off(&gpu, (5, 3), (3, 7, 24), true) > 1.0, "a wrong level is noticed");
}

// ------------------------------------------------------------------------------------------------------------ attention

/// `(rows, c)` of one part of padded rows of `parts`.
fn part(values: &[f32], c: usize, parts: usize, at: usize) -> Vec<f64> {
    values.chunks_exact(parts * c).flat_map(|row| f64s(&row[at * c..(at + 1) * c])).collect()
}

fn space_off(gpu: &GpuContext, (n, heads, c): (usize, usize, usize), spread: f32, corrupt: bool) -> f64 {
    let mut r = Numbers(n as u32 * 3 + c as u32);
    let mut qkv = r.floats(2 * n * 3 * c, spread);
    let mut truth = Vec::new();
    for g in qkv.chunks_exact(n * 3 * c) {
        truth.extend(attend(&part(g, c, 3, 0), &part(g, c, 3, 1), &part(g, c, 3, 2), &[], heads, c));
    }
    if corrupt {
        qkv[n / 2 * 3 * c + 2 * c] += 1.0;
    }
    let mut b = Bench::default();
    let buffers = attend_space::Buffers {
        qkv: b.floats(&pad_groups(&qkv, 2, n, 3 * c, 3 * heads)),
        attended: b.floats(&vec![0.0; 2 * padded(n) * padded_parts(c, heads)]),
    };
    let pass = AttendSpace { tokens: n, heads, channels: c, rows: padded(n) }.pass(buffers);
    let ran = b.run(gpu, pass, 2, FrameParams::default(), &[buffers.attended], SIZE);
    let ours = unpad_groups(ran.floats(0), c, heads, n);
    let scale = f64::from(spread).max(1.0);
    // Scores of hundreds lose digits in f32 before the exponential sees them.
    off(&ours, &truth, 1e-5 * scale.powi(3), 1e-5)
}

#[test]
fn attend_space_matches_its_twin() {
    let gpu = gpu();
    for shape in [(1, 1, 1), (15, 3, 24), (63, 5, 160), (70, 3, 21), (130, 2, 128)] {
        let worst = space_off(&gpu, shape, 1.0, false);
        assert!(worst <= 1.0, "{shape:?}: {worst} tolerances");
    }
    let worst = space_off(&gpu, (15, 3, 24), 12.0, false);
    assert!(worst <= 1.0, "saturated: {worst} tolerances");
    assert!(space_off(&gpu, (15, 3, 24), 1.0, true) > 1.0, "a wrong value is noticed");
}

fn ring_off(gpu: &GpuContext, (n, heads, c): (usize, usize, usize), window: usize, ages: [usize; 2], newest: usize, corrupt: bool) -> f64 {
    let mut r = Numbers((n * 5 + c + window + newest) as u32);
    let qkv = r.floats(2 * n * 3 * c, 1.0);
    let mut ring = r.floats(window * n * 2 * c, 1.0);
    let bias = r.floats(heads * window, 1.0);
    let frames: Vec<KeysValues> = ring.chunks_exact(n * 2 * c).map(|f| KeysValues { k: part(f, c, 2, 0), v: part(f, c, 2, 1) }).collect();
    let mut truth = Vec::new();
    for (g, seen) in qkv.chunks_exact(n * 3 * c).zip(ages) {
        let own = KeysValues { k: part(g, c, 3, 1), v: part(g, c, 3, 2) };
        let past = (1..=seen).map(|age| &frames[(newest + window + 1 - age) % window]);
        let sight: Vec<&KeysValues> = std::iter::once(&own).chain(past).collect();
        truth.extend(attend_over_time(&part(g, c, 3, 0), &sight, &f64s(&bias), heads, c));
    }
    if corrupt {
        ring[newest * n * 2 * c + c] += 1.0;
    }
    let mut b = Bench::default();
    let buffers = attend_ring::Buffers {
        qkv: b.floats(&pad_groups(&qkv, 2, n, 3 * c, 3 * heads)),
        ring: b.floats(&pad_groups(&ring, window, n, 2 * c, 2 * heads)),
        bias: b.floats(&bias),
        attended: b.floats(&vec![0.0; 2 * padded(n) * padded_parts(c, heads)]),
    };
    let pass = AttendRing { tokens: n, heads, channels: c, rows: padded(n), window }.pass(buffers);
    let group = |ages: usize| GroupParams { ages: ages as u32, newest: newest as u32, ..GroupParams::default() };
    let ran = b.run(gpu, pass, 2, groups(group(ages[0]), group(ages[1])), &[buffers.attended], SIZE);
    let ours = unpad_groups(ran.floats(0), c, heads, n);
    off(&ours, &truth, 1e-5, 1e-5)
}

#[test]
fn attend_ring_matches_its_twin() {
    let gpu = gpu();
    for (shape, window, ages, newest) in [
        ((1, 1, 2), 1, [0, 0], 0),
        ((15, 3, 24), 3, [2, 1], 0),
        ((15, 3, 24), 3, [0, 2], 2),
        ((63, 5, 160), 8, [7, 7], 5),
        ((66, 5, 35), 5, [4, 3], 1),
    ] {
        let worst = ring_off(&gpu, shape, window, ages, newest, false);
        assert!(worst <= 1.0, "{shape:?} {window} {ages:?} {newest}: {worst} tolerances");
    }
    assert!(ring_off(&gpu, (15, 3, 24), 3, [2, 1], 0, true) > 1.0, "a wrong value in the ring is noticed");
}

fn prompt_off(gpu: &GpuContext, (n, heads, c): (usize, usize, usize), slot_words: usize, words: [usize; 2], corrupt: bool) -> f64 {
    let mut r = Numbers((n * 5 + c + slot_words) as u32);
    let query = r.floats(2 * n * c, 1.0);
    let mut keys = r.floats(2 * slot_words * 2 * c, 1.0);
    // Group 0 has slot 1, group 1 slot 0.
    let slots = [1, 0];
    let mut truth = Vec::new();
    for g in 0..2 {
        let held = &keys[slots[g] * slot_words * 2 * c..][..words[g] * 2 * c];
        truth.extend(attend(&f64s(&query[g * n * c..(g + 1) * n * c]), &part(held, c, 2, 0), &part(held, c, 2, 1), &[], heads, c));
    }
    if corrupt {
        keys[c] += 1.0;
    }
    let mut b = Bench::default();
    let buffers = attend_prompt::Buffers {
        query: b.floats(&pad_groups(&query, 2, n, c, heads)),
        words: b.floats(&pad_columns(&keys, 2 * c, 2 * heads)),
        attended: b.floats(&vec![0.0; 2 * padded(n) * padded_parts(c, heads)]),
    };
    let pass = AttendPrompt { tokens: n, heads, channels: c, rows: padded(n), slot_words }.pass(buffers);
    let group = |g: usize| GroupParams { prompt: slots[g] as u32, words: words[g] as u32, ..GroupParams::default() };
    let ran = b.run(gpu, pass, 2, groups(group(0), group(1)), &[buffers.attended], SIZE);
    let ours = unpad_groups(ran.floats(0), c, heads, n);
    off(&ours, &truth, 1e-5, 1e-5)
}

#[test]
fn attend_prompt_matches_its_twin() {
    let gpu = gpu();
    for (shape, slot_words, words) in
        [((1, 1, 2), 1, [1, 1]), ((15, 3, 24), 4, [1, 4]), ((63, 5, 160), 9, [9, 3]), ((66, 5, 35), 4, [2, 3])]
    {
        let worst = prompt_off(&gpu, shape, slot_words, words, false);
        assert!(worst <= 1.0, "{shape:?} {words:?}: {worst} tolerances");
    }
    assert!(prompt_off(&gpu, (15, 3, 24), 4, [1, 4], true) > 1.0, "a wrong value is noticed");
}

// ------------------------------------------------------------------------------------------------------------- decoding

/// Scores in f64 of one code dimension.
fn scores(row: &[f32], temperature: f64, noise: impl Fn(usize) -> u32) -> Vec<f64> {
    let gumbel = |bits: u32| -(-((f64::from(bits >> 9) + 0.5) / 8_388_608.0).ln()).ln();
    let one = |(l, &x): (usize, &f32)| {
        if temperature > 0.0 { f64::from(x) / temperature + gumbel(noise(l)) } else { f64::from(x) }
    };
    row.iter().enumerate().map(one).collect()
}

/// Choices that are not the twin's though its two best are no near tie, and the worst confidence error in tolerances.
fn sample_off(gpu: &GpuContext, (n, dims, levels): (usize, usize, usize), temperature: f32, spread: f32, seed: u32) -> (usize, f64) {
    let mut r = Numbers((n * 5 + dims + levels) as u32);
    let logits = r.floats(n * dims * levels, spread);
    let mut b = Bench::default();
    let buffers = sample::Buffers {
        logits: b.floats(&pad_columns(&logits, dims * levels, 1)),
        choice: b.words(&vec![999; n * dims]),
        confidence: b.floats(&vec![0.0; n * dims]),
    };
    let params = FrameParams { seed, frame: 8, step: 2, temperature, ..FrameParams::default() };
    let ran = b.run(gpu, Sample { tokens: n, dims, levels }.pass(buffers), 1, params, &[buffers.choice, buffers.confidence], SIZE);
    let mut wrong = 0;
    let mut worst = 0.0f64;
    for (i, row) in logits.chunks_exact(levels).enumerate() {
        let noise = |l: usize| decode::random(3, 8, 2, (i / dims) as u32, (i % dims * levels + l) as u32);
        let scores = scores(row, f64::from(temperature), noise);
        let chosen = ran.outputs[0][i] as usize;
        let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first = scores.iter().position(|&x| x == best).unwrap();
        let tie = 2e-6 * (1.0 + best.abs());
        wrong += usize::from(chosen >= levels || scores[chosen] < best - tie || (scores[chosen] == best && chosen != first));
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = row.iter().map(|&x| f64::from(x - top).exp()).sum();
        if let Some(&logit) = row.get(chosen) {
            worst = worst.max(off(&ran.floats(1)[i..=i], &[f64::from(logit - top) - total.ln()], 3e-6, 3e-6));
        }
    }
    (wrong, worst)
}

#[test]
fn sample_matches_its_twin() {
    let gpu = gpu();
    for shape in [(1, 1, 2), (15, 3, 7), (63, 8, 5), (9, 2, 250)] {
        for (temperature, spread) in [(0.0, 1.0), (1.0, 1.0), (0.3, 5.0), (1.0, 0.0), (8.0, 30.0)] {
            let (wrong, worst) = sample_off(&gpu, shape, temperature, spread, 3);
            assert_eq!(wrong, 0, "{shape:?} temperature {temperature} spread {spread}");
            assert!(worst <= 1.0, "{shape:?} temperature {temperature} spread {spread}: confidence {worst} tolerances off");
        }
    }
    assert!(sample_off(&gpu, (63, 8, 5), 1.0, 1.0, 4).0 > 100, "another seed is noticed");
}

/// Tokens that differ from the twin's after one step.
fn unmask_off(gpu: &GpuContext, (n, dims): (usize, usize), order: UnmaskOrder, fresh: bool, stay: usize, seed: u32) -> usize {
    let mut r = Numbers((n * 9 + dims + stay) as u32);
    let mut held = tokens(&mut r, 2 * n, dims, 5, false);
    let mut masked: Vec<bool> = (0..n).map(|i| fresh || i % 3 != 1).collect();
    for (token, _) in held[n * dims..].chunks_exact_mut(dims).zip(&masked).filter(|(_, m)| **m) {
        token.fill(if fresh { 2 } else { MASKED });
    }
    let choice: Vec<u32> = (0..n * dims).map(|_| r.below(5) as u32).collect();
    // Few different values, so that there are ties; exact in f32 in any order of summation.
    let confidence: Vec<f32> = (0..n * dims).map(|_| -0.25 * r.below(6) as f32).collect();
    let mut by_token: Vec<f32> = confidence.chunks_exact(dims).map(|c| c.iter().sum()).collect();

    let was_masked = masked.clone();
    let mut permutation = vec![0; n];
    decode::random_order(seed, 8, &mut permutation);
    let stay = stay.min(masked.iter().filter(|&&m| m).count());
    let settle = masked.iter().filter(|&&m| m).count() - stay;
    by_token.iter_mut().zip(&was_masked).for_each(|(c, m)| *c = if *m { *c } else { f32::NEG_INFINITY });
    decode::unmask(order, &by_token, stay, &mut permutation, &mut masked);
    let mut truth = held.clone();
    for i in 0..n * dims {
        if was_masked[i / dims] {
            truth[n * dims + i] = if masked[i / dims] { MASKED } else { choice[i] };
        }
    }

    let mut b = Bench::default();
    let buffers = unmask::Buffers {
        choice: b.words(&choice),
        confidence: b.floats(&confidence),
        tokens: b.words(&held),
        keys: b.words(&vec![0; 2 * n]),
        codes: b.words(&vec![0; (n * dims).div_ceil(4)]),
    };
    let group = GroupParams { half: 1, fresh: u32::from(fresh), ..GroupParams::default() };
    let order = u32::from(order == UnmaskOrder::Confidence);
    let params = FrameParams { seed: 21, frame: 8, step: 1, order, settle: settle as u32, ..groups(group, group) };
    let ran = b.run(gpu, Unmask { tokens: n, dims }.pass(buffers), 1, params, &[buffers.tokens, buffers.codes], SIZE);
    let packed: &[u8] = bytemuck::cast_slice(&ran.outputs[1]);
    let bytes: Vec<u32> = packed[..n * dims].iter().map(|&x| u32::from(x)).collect();
    assert_eq!(bytes, ran.outputs[0][n * dims..2 * n * dims], "bytes are the tokens of the half");
    ran.outputs[0][..2 * n * dims].iter().zip(&truth).filter(|(a, b)| a != b).count()
}

#[test]
fn unmask_matches_its_twin() {
    let gpu = gpu();
    for (n, dims) in [(1, 1), (15, 3), (63, 8), (300, 2), (513, 1)] {
        for order in [UnmaskOrder::Random, UnmaskOrder::Confidence] {
            for (fresh, stay) in [(true, 0), (true, n * 7 / 10), (false, n / 3), (false, 0)] {
                assert_eq!(unmask_off(&gpu, (n, dims), order, fresh, stay, 21), 0, "{n} {dims} {order:?} fresh {fresh} stay {stay}");
            }
        }
    }
    assert!(unmask_off(&gpu, (63, 8), UnmaskOrder::Random, true, 40, 22) > 0, "another seed is noticed");
}

// -------------------------------------------------------------------------------------------------------------- picture

fn picture_off(gpu: &GpuContext, (width, height, patch): (usize, usize, usize), nudge: f32) -> u8 {
    let n = width / patch * (height / patch);
    let values = patch * patch * 3;
    let mut r = Numbers((width * 3 + height) as u32);
    // Beyond both ends too.
    let patches: Vec<f32> = r.floats(n * values, 1.0);
    let mut truth = vec![255u8; width * height * 4];
    for y in 0..height {
        for x in 0..width {
            let from = (y / patch * (width / patch) + x / patch) * values + (y % patch * patch + x % patch) * 3;
            for c in 0..3 {
                truth[(y * width + x) * 4 + c] = ((f64::from(patches[from + c]) + 1.0) * 127.5).clamp(0.0, 255.0).round() as u8;
            }
        }
    }
    let nudged: Vec<f32> = patches.iter().map(|v| v + nudge).collect();
    let mut b = Bench::default();
    let held = b.floats(&pad_columns(&nudged, values, 1));
    let pass = PatchPicture { width_px: width, height_px: height, patch_px: patch }.pass(held);
    let ran = b.run(gpu, pass, 1, FrameParams::default(), &[], [width, height]);
    ran.pixels.iter().zip(&truth).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn picture_matches_its_twin() {
    let gpu = gpu();
    for shape in [(1, 1, 1), (35, 21, 7), (144, 112, 16), (12, 30, 6)] {
        assert!(picture_off(&gpu, shape, 0.0) <= 1, "{shape:?}");
    }
    assert!(picture_off(&gpu, (35, 21, 7), 0.03) > 1, "a brighter picture is noticed");
}
