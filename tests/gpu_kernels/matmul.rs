//! Matrix products with all their prologues and epilogues.

use super::{Bench, Numbers, SIZE, f64s, gpu, groups, off, pad_groups, unpad_groups};
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::{FrameParams, GroupParams, NONE};
use somnium::engine::gpu::ops::matmul::{self, Gain, Matmul, Tile, Variant, pack_weights, pad_columns};
use somnium::engine::gpu::ops::{padded, padded_parts};
use somnium::engine::gpu::tier::Tier;
use somnium::engine::reference::{activation, matmul as matmul_twin, norm};

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

impl Product {
    fn sizes(&self) -> Matmul {
        let m = padded_parts(self.m, self.parts);
        let k = if self.k_parts == 1 { self.k } else { padded_parts(self.k, self.k_parts) };
        let ring_from = if self.variant.scatter && self.parts > 1 { padded(self.m / self.parts) } else { 0 };
        Matmul { variant: self.variant, k, m, rows: padded(self.rows), by_action: self.by_action, ring_from }
    }
}

/// Worst error of the product in tolerances, and the bits of what it is; the ring must hold exactly what it should. `corrupt` changes one
/// weight.
fn product_off(gpu: &GpuContext, p: &Product, corrupt: bool) -> (f64, Vec<u32>) {
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
    let shape = p.sizes();
    let (m_padded, ring_from) = (shape.m, shape.ring_from);
    let ring_words = WINDOW * padded(p.rows) * (m_padded - ring_from);
    let mut bench = Bench::default();
    let buffers = matmul::Buffers {
        x: bench.floats(&pad_groups(&x, 2, p.rows, p.k, p.k_parts)),
        w: bench.words(&pack_weights(&w, (p.k, p.k_parts), (p.m, p.parts))),
        bias: bench.floats(&pad_columns(&bias, p.m, p.parts)),
        gain: p.variant.norm.then(|| {
            // Those of another norm lie ahead of them.
            let from = if p.by_action { 0 } else { 8 };
            Gain { buffer: bench.floats(&[vec![9.0; from], pad_columns(&gain, p.k, 1)].concat()), from }
        }),
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
    (off(&ours, &truth, 2e-5 * scale, 2e-5), ran.outputs[0].clone())
}

fn products() -> Vec<Product> {
    let v = |bits: u32| Variant {
        norm: bits & 1 > 0,
        gelu: bits & 2 > 0,
        residual: bits & 4 > 0,
        scatter: bits & 8 > 0,
        tier: if bits & 16 > 0 {
            Tier::Bare
        } else if bits & 32 > 0 {
            Tier::F16
        } else {
            Tier::Base
        },
        wide: bits & (32 | 64) > 0,
        tile: Tile::default(),
    };
    let mut all = Vec::new();
    let shapes = [(1, 1, 1, 1), (15, 24, 72, 3), (3, 33, 7, 1), (63, 160, 480, 3), (5, 129, 257, 1), (64, 64, 64, 1), (9, 517, 47, 1)];
    for (rows, k, m, parts) in shapes {
        for bits in [0, 1, 2, 3, 4, 5, 9, 16, 25, 32, 43, 73, 84] {
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
    let gpu = gpu().at_most(Tier::F16);
    // A tier that the device has not is checked without one, by tests/shaders.rs.
    for p in products().into_iter().filter(|p| p.variant.tier <= gpu.tier) {
        let (worst, _) = product_off(&gpu, &p, false);
        assert!(worst <= 1.0, "{} x {} x {}, {:?}, spread {}: {worst} tolerances", p.rows, p.k, p.m, p.variant, p.spread);
    }
    for (tier, wide, k) in [(Tier::Base, false, 24), (Tier::Base, true, 517), (Tier::F16.min(gpu.tier), true, 517)] {
        let variant = Variant { tier, wide, ..Variant::default() };
        let p = Product { rows: 15, k, k_parts: 1, m: 72, parts: 3, variant, by_action: false, spread: 1.0 };
        assert!(product_off(&gpu, &p, true).0 > 1.0, "a wrong weight is noticed");
    }
}

/// However a product is cut up, its sums run in the same order: equal to the bit, also where several threads share out a sum.
#[test]
fn tiles_change_no_bit() {
    let gpu = gpu().at_most(Tier::F16);
    let ends = [(true, false, false, true), (true, true, false, false), (false, false, true, false)];
    // A software driver takes a second for each product of the F16 tier: one with each of the ends is enough.
    for ((tier, wide), threads, rows, k, m, parts, ends) in [
        ((Tier::Base, false), 1, 15, 24, 72, 3, &ends[..]),
        ((Tier::Base, false), 1, 3, 33, 7, 1, &ends[..]),
        ((Tier::Base, false), 1, 63, 160, 480, 3, &ends[..]),
        ((Tier::Base, true), 4, 9, 517, 47, 1, &ends[1..2]),
        ((Tier::F16, true), 1, 15, 24, 72, 3, &ends[..1]),
        ((Tier::F16, true), 2, 5, 129, 257, 1, &ends[1..2]),
        ((Tier::F16, true), 4, 9, 517, 47, 1, &ends[2..]),
    ] {
        // As above, a tier that the device has not is checked without one.
        if tier > gpu.tier {
            continue;
        }
        for &(norm, gelu, residual, scatter) in ends {
            let product = |tile| {
                let variant = Variant { norm, gelu, residual, scatter, tier, wide, tile };
                Product { rows, k, k_parts: 1, m, parts, variant, by_action: norm, spread: 1.0 }
            };
            let (_, default) = product_off(&gpu, &product(Tile::default()), false);
            for tile in Tile::ALL {
                let product = product(tile);
                assert_eq!(product.sizes().parts(), threads, "threads that share out a sum");
                let (worst, bits) = product_off(&gpu, &product, false);
                assert!(worst <= 1.0 && bits == default, "{rows} x {k} x {m}, {:?}: {worst} tolerances", product.variant);
            }
            assert!(product_off(&gpu, &product(Tile::default()), true).1 != default, "a wrong weight is noticed");
        }
    }
}

/// Several threads share out a sum only where it is long and sums are few.
#[test]
fn long_sums_of_few_are_shared_out() {
    let parts = |wide, rows, k, m| {
        let of = |tier| {
            let variant = Variant { tier, wide, ..Variant::default() };
            Matmul { variant, k, m, rows, by_action: false, ring_from: 0 }.parts()
        };
        let [bare, base, f16] = Tier::ALL.map(of);
        assert!(bare == base && base == f16, "that is no matter of the tier");
        base
    };
    assert_eq!([parts(true, 64, 640, 160), parts(true, 64, 160, 160), parts(true, 64, 160, 480)], [4, 2, 2]);
    assert_eq!([parts(true, 64, 120, 160), parts(true, 64, 160, 640), parts(true, 1024, 640, 160)], [1, 1, 1]);
    assert_eq!([parts(false, 64, 640, 160), parts(false, 64, 160, 480)], [1, 1], "a processor is busy anyhow");
    let most = wgpu::Limits::downlevel_defaults();
    for (tile, parts) in Tile::ALL.into_iter().flat_map(|tile| [1, 2, 4].map(|parts| (tile, parts))) {
        let kernel = matmul::kernel(Variant { tile, ..Variant::default() }, parts);
        assert!(kernel.workgroup_bytes <= most.max_compute_workgroup_storage_size as usize, "{}", kernel.label);
        assert!(tile.across * tile.down * parts <= most.max_compute_invocations_per_workgroup as usize, "{}", kernel.label);
    }
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
