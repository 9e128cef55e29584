//! Gains that a look sets behind the norms of the decoder.

use super::{Bench, Numbers, SIZE, f64s, gpu, groups, off, some_tokens, unpad};
use somnium::engine::UNKNOWN;
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::GroupParams;
use somnium::engine::gpu::ops::gains::{self, Gains};
use somnium::engine::reference::{activation, matmul as matmul_twin, tokenizer::value_from_code};

/// In tolerances. `unknown`: the look is not known; `corrupt`: a token of both halves that has another level for the kernel.
fn gains_off(gpu: &GpuContext, shape: Gains, unknown: bool, corrupt: Option<usize>) -> f64 {
    let Gains { tokens, dims, levels, units, norms, channels, channels_last } = shape;
    let mut r = Numbers((tokens * 100 + units) as u32);
    let mut held = some_tokens(&mut r, 2 * tokens, dims, levels, false);
    if unknown {
        held[(2 * tokens - 1) * dims..].fill(u32::from(UNKNOWN));
    }
    let hidden = r.floats(dims * units, 2.0 / (dims as f32).sqrt());
    let bias = r.floats(units, 1.0);
    let w = r.floats(units * (norms * channels + channels_last), 1.0 / (units as f32).sqrt());

    let look: Vec<f64> = held[(2 * tokens - 1) * dims..].iter().map(|&level| value_from_code(level as u8, levels)).collect();
    let mut raised = matmul_twin::matmul(&look, &f64s(&hidden), &f64s(&bias), dims);
    raised.iter_mut().for_each(|x| *x = activation::silu(*x));
    let mut truth = matmul_twin::matmul(&raised, &f64s(&w), &[], units);
    truth.iter_mut().for_each(|gain| *gain += 1.0);

    if let Some(token) = corrupt {
        for half in held.chunks_exact_mut(tokens * dims) {
            half[token * dims] = (half[token * dims] + 1) % levels as u32;
        }
    }
    let mut b = Bench::default();
    let buffers = gains::Buffers {
        tokens: b.words(&held),
        hidden: b.floats(&hidden),
        bias: b.floats(&bias),
        weights: b.floats(&shape.weights(&w)),
        gains: b.floats(&vec![9.0; shape.padded()]),
    };
    let params = groups(GroupParams { half: 1, ..GroupParams::default() }, GroupParams::default());
    let ran = b.run(gpu, shape.pass(buffers), 1, params, &[buffers.gains], SIZE);
    let (of_channels, of_last) = ran.floats(0)[..shape.padded()].split_at(shape.from(norms));
    let ours = [unpad(of_channels, channels, 1, norms), unpad(of_last, channels_last, 1, 1)].concat();
    off(&ours, &truth, 2e-5, 2e-5)
}

#[test]
fn gains_match_their_twin() {
    let gpu = gpu();
    let shape = |tokens, (dims, levels, units), (norms, channels, channels_last)| Gains {
        tokens,
        dims,
        levels,
        units,
        norms,
        channels,
        channels_last,
    };
    let odd = shape(16, (3, 7, 5), (3, 33, 37));
    let all = [
        odd,
        shape(2, (1, 2, 1), (1, 1, 1)),
        shape(64, (8, 5, 64), (5, 192, 512)),
        // One unit more than there are lanes, and more than twice as many.
        shape(2, (2, 64, 65), (1, 9, 2)),
        shape(14, (5, 3, 130), (3, 7, 300)),
    ];
    for shape in all {
        for unknown in [false, true] {
            let worst = gains_off(&gpu, shape, unknown, None);
            assert!(worst <= 1.0, "{shape:?}, unknown: {unknown}: {worst} tolerances");
        }
    }
    assert!(gains_off(&gpu, odd, false, Some(15)) > 1.0, "another look is noticed");
    assert!(gains_off(&gpu, odd, false, Some(14)) <= 1.0, "a patch is no look");
}
