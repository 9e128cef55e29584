//! Every kernel, in every instruction set, against its f64 twin on random, odd and extreme shapes.

use super::{
    attention::{Attend, AttendTime, PanelDims},
    buffer::{Floats, padded},
    kernels::Kernels,
    matmul::{Packed, Then},
    simd::{self, Portable},
};
use crate::engine::{decode::random, reference};

fn values(seed: u32, n: usize) -> Vec<f32> {
    (0..n).map(|i| (random(seed, i as u32, 0, 0, 0) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn f64s(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&v| f64::from(v)).collect()
}

/// Rows without their padding.
fn unpadded(x: &[f32], stride: usize, columns: usize) -> Vec<f32> {
    x.chunks_exact(stride).flat_map(|row| row[..columns].to_vec()).collect()
}

fn worst(got: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    got.iter()
        .zip(expected)
        .map(|(a, b)| if a.is_finite() { (f64::from(*a) - b).abs() / (1.0 + b.abs()) } else { f64::INFINITY })
        .fold(0.0, f64::max)
}

const TOLERANCE: f64 = 5e-6;

/// Close to the twin; and what comes of `wrong` input is not.
fn assert_close(what: &str, got: &[f32], of_wrong: &[f32], expected: &[f64]) {
    let off = worst(got, expected);
    assert!(off < TOLERANCE, "{what}: off by {off:e}");
    assert!(worst(of_wrong, expected) > TOLERANCE, "{what}: a wrong input goes unnoticed");
}

/// The same with another value in the middle.
fn corrupted(values: &[f32]) -> Vec<f32> {
    let mut values = values.to_vec();
    let middle = values.len() / 2;
    values[middle] += 0.1;
    values
}

#[test]
fn products_match() {
    for k in Kernels::available() {
        for (shape, (m, inner, n)) in
            [(1, 1, 1), (63, 160, 480), (13, 35, 105), (7, 8, 33), (8, 129, 32), (9, 3, 65)].into_iter().enumerate()
        {
            let seed = shape as u32 * 10;
            let (x, w, bias, old) = (values(seed, m * inner), values(seed + 1, inner * n), values(seed + 2, n), values(seed + 3, m * n));
            let rows = Floats::from_rows(&x, inner);
            let stride = padded(n);
            for then in [Then::Store, Then::Gelu, Then::Add] {
                for bias in [&bias[..], &[]] {
                    let run = |w: &[f32], bias: &[f32]| {
                        let mut y = Floats::from_rows(&old, n);
                        k.product(&rows[..m * padded(inner)], padded(inner), &Packed::new(w, bias, inner), &mut y, stride, then);
                        y
                    };
                    let y = run(&w, bias);
                    let wrong = if bias.is_empty() { run(&corrupted(&w), bias) } else { run(&w, &corrupted(bias)) };
                    let mut expected = reference::matmul::matmul(&f64s(&x), &f64s(&w), &f64s(bias), inner);
                    match then {
                        Then::Store => {}
                        Then::Gelu => expected.iter_mut().for_each(|v| *v = reference::activation::gelu(*v)),
                        Then::Add => reference::matmul::add(&mut expected, &f64s(&old)),
                    }
                    let [got, of_wrong] = [&y, &wrong].map(|y| unpadded(&y[..m * stride], stride, n));
                    assert_close(&format!("{} {m}x{inner}x{n}", k.name), &got, &of_wrong, &expected);
                    assert!(y.chunks_exact(stride).all(|row| row[n..].iter().all(|&v| v == 0.0)), "padding was written");
                }
            }
        }
    }
}

#[test]
fn a_product_from_a_later_panel_leaves_the_rest() {
    for k in Kernels::available() {
        let (x, w) = (values(1, 5 * 40), values(2, 40 * 100));
        let rows = Floats::from_rows(&x, 40);
        let packed = Packed::new(&w, &[], 40);
        let (mut whole, mut part) = (Floats::zeros(5 * 128), Floats::from_rows(&[7.0; 5 * 128], 128));
        k.product(&rows[..5 * 64], 64, &packed, &mut whole, 128, Then::Store);
        k.product_from(&rows[..5 * 64], 64, &packed, 2, &mut part, 128);
        for (a, b) in whole.chunks_exact(128).zip(part.chunks_exact(128)) {
            assert!(a[64..] == b[64..] && b[..64].iter().all(|&v| v == 7.0), "{}", k.name);
        }
    }
}

#[test]
fn norms_match_also_far_from_one() {
    for k in Kernels::available() {
        for (channels, scale) in [(1, 1.0), (35, 1e-4), (160, 1.0), (33, 3e4), (200, 0.0)] {
            let x: Vec<f32> = values(3, 5 * channels).iter().map(|v| v * scale).collect();
            let (gamma, beta) = (values(4, channels), values(5, channels));
            let gain: Vec<f32> = gamma.iter().map(|g| 1.0 + g).collect();
            let stride = padded(channels);
            let run = |gain: &[f32], shift: &[f32]| {
                let mut y = Floats::zeros(5 * stride);
                let (gain, shift) = (Floats::from_rows(gain, channels), Floats::from_rows(shift, channels));
                k.norm(&Floats::from_rows(&x, channels), channels, &gain, &shift, &mut y);
                unpadded(&y, stride, channels)
            };
            // Nothing times any gain is nothing.
            let wrong = if scale == 0.0 { run(&gain, &corrupted(&beta)) } else { run(&corrupted(&gain), &beta) };
            let expected = reference::norm::modulated_rms(&f64s(&x), &f64s(&gamma), &f64s(&beta));
            assert_close(&format!("{} norm of {channels}", k.name), &run(&gain, &beta), &wrong, &expected);
        }
    }
}

#[test]
fn attention_matches() {
    for k in Kernels::available() {
        for (rows, keys, heads, channels) in
            [(1, 1, 1, 1), (63, 63, 5, 160), (15, 15, 5, 35), (9, 70, 3, 33), (4, 3, 2, 130), (6, 33, 16, 64)]
        {
            // Scores large enough that the softmax is far from flat.
            let (q, key, v) = (values(1, rows * channels), values(2, keys * channels), values(3, keys * channels));
            let q: Vec<f32> = q.iter().map(|x| x * 6.0).collect();
            let dims = PanelDims::new(heads, channels, keys + 5);
            let q_rows = Floats::from_rows(&q, channels);
            let out_stride = dims.out_columns();
            let run = |v: &[f32], bias: &[f32]| {
                let (mut k_panels, mut v_panels) = (Floats::zeros(dims.key_floats()), Floats::zeros(dims.value_floats()));
                for n in 0..keys {
                    let (key, v) = (&key[n * channels..], &v[n * channels..]);
                    let set_value = |i: usize, part: &[f32]| v_panels[i..i + part.len()].copy_from_slice(part);
                    dims.place(n, key, v, |i, x| k_panels[i] = x, set_value);
                }
                let mut out = Floats::zeros(rows * out_stride);
                k.attend(Attend {
                    dims,
                    q: &q_rows[..rows * padded(channels)],
                    q_stride: padded(channels),
                    keys,
                    k_panels: &k_panels,
                    v_panels: &v_panels,
                    bias,
                    scores: &mut Floats::zeros(8 * dims.room),
                    out: &mut out,
                    out_stride,
                });
                unpadded(&out, out_stride, channels)
            };
            for bias in [&[][..], &values(4, keys)] {
                // To a single key its bias is nothing.
                let wrong = if bias.len() > 1 { run(&v, &corrupted(bias)) } else { run(&corrupted(&v), bias) };
                let of_heads = f64s(bias).repeat(heads);
                let expected = reference::attention::attend(&f64s(&q), &f64s(&key), &f64s(&v), &of_heads, heads, channels);
                assert_close(&format!("{} {rows}x{keys}, {heads} heads", k.name), &run(&v, bias), &wrong, &expected);
            }
        }
    }
}

#[test]
fn attention_over_time_matches() {
    for k in Kernels::available() {
        for (rows, heads, channels, window) in [(7, 5, 35, 5), (3, 5, 160, 8), (2, 1, 1, 1), (4, 3, 33, 40)] {
            let (fused, ring_stride) = (padded(3 * channels), padded(2 * channels));
            let qkv = values(1, rows * 3 * channels);
            let past = values(2, window * rows * 2 * channels);
            let bias = values(3, heads * window);
            // Frames lie in the ring in an order of their own, and the oldest one is out of sight.
            let slots: Vec<usize> = (0..window.saturating_sub(2)).map(|age| (age * 3 + 1) % window).collect();
            let run = |qkv: &[f32], slots: &[usize]| {
                let mut out = Floats::zeros(rows * padded(channels));
                k.attend_time(AttendTime {
                    heads,
                    dh: channels / heads,
                    qkv: &Floats::from_rows(qkv, 3 * channels)[..rows * fused],
                    stride: fused,
                    ring: &Floats::from_rows(&past, 2 * channels),
                    ring_stride,
                    slots,
                    bias: &bias,
                    window,
                    scores: &mut Floats::zeros(heads * padded(window)),
                    out: &mut out,
                    out_stride: padded(channels),
                });
                unpadded(&out, padded(channels), channels)
            };
            // A value of the last row's own, where there is no past that could lie elsewhere.
            let mut elsewhere = slots.clone();
            elsewhere.reverse();
            let mut other = qkv.clone();
            *other.last_mut().unwrap() += 0.1;
            let wrong = if slots.is_empty() { run(&other, &slots) } else { run(&qkv, &elsewhere) };
            let mut own = reference::attention::split_projection(&f64s(&qkv), 3, channels);
            let frame = |kv: Vec<Vec<f64>>| {
                let mut kv = kv.into_iter();
                reference::attention::KeysValues { k: kv.next().unwrap_or_default(), v: kv.next().unwrap_or_default() }
            };
            let mut frames = vec![frame(own.split_off(1))];
            let of_slot = |slot: &usize| &past[slot * rows * 2 * channels..][..rows * 2 * channels];
            frames.extend(slots.iter().map(|slot| frame(reference::attention::split_projection(&f64s(of_slot(slot)), 2, channels))));
            let frames: Vec<_> = frames.iter().collect();
            let expected = reference::attention::attend_over_time(&own[0], &frames, &f64s(&bias), heads, channels);
            assert_close(&format!("{} window {window}", k.name), &run(&qkv, &slots), &wrong, &expected);
        }
    }
}

#[test]
fn functions_of_a_vector_hold_their_promise() {
    // SAFETY: plain Rust needs no instruction set.
    let (exp, erf) = unsafe {
        let one = |f: unsafe fn([f32; 4]) -> [f32; 4], x: f32| f([x; 4])[0];
        let sweep = |f, range: std::ops::RangeInclusive<i32>, step: f32| -> Vec<(f64, f64)> {
            range.map(|i| i as f32 * step).map(|x| (f64::from(x), f64::from(one(f, x)))).collect()
        };
        (sweep(simd::exp::<Portable>, -8600..=8700, 0.01), sweep(simd::erf::<Portable>, -6000..=6000, 0.001))
    };
    for (x, y) in exp {
        assert!((y / x.exp() - 1.0).abs() < 3e-7, "exp({x}) = {y}");
    }
    for (x, y) in erf {
        assert!((y - reference::activation::erf(x)).abs() < 1e-6, "erf({x}) = {y}");
    }
    // SAFETY: as above.
    let below = unsafe { simd::exp::<Portable>([-100.0, f32::NEG_INFINITY, -1e30, 0.0]) };
    assert!(below[..3].iter().all(|&y| (0.0..1e-37).contains(&y)) && below[3] == 1.0, "{below:?}");
}
