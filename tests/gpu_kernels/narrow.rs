//! What tokens of the land may be beside what is settled.

use std::collections::BTreeSet;

use super::{Bench, Numbers, SIZE, gpu, groups};
use somnium::engine::adjacency::{Adjacency, Drawing};
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::{FrameParams, GroupParams, MASKED};
use somnium::engine::gpu::ops::narrow::{self, Narrow};
use somnium::engine::{UNKNOWN, decode};
use somnium::pack::manifest::{FrameDims, RecallDims};

/// A land of so many tokens, of which about every `apart`-th pair was seen, over a grid of this size whose fourth token lies on none.
pub fn land_of(grid: [usize; 2], (dims, levels): (usize, usize), land: u32, apart: u32) -> Adjacency {
    let frame =
        FrameDims { width_px: grid[0], height_px: grid[1], patch_px: 1, rate_hz: 1, code_dims: dims, code_levels: levels, look: false };
    let all = (levels as u32).pow(dims as u32);
    let key = |n: u32| n * (all / land);
    let seen = |axis: u32, [a, b]: [u32; 2]| decode::random(5, axis, a, b, 9).is_multiple_of(apart);
    let pairs = [0, 1].map(|axis| {
        let all = (0..land).flat_map(|a| (0..land).map(move |b| [a, b]));
        all.filter(|pair| seen(axis, *pair)).map(|pair| pair.map(key)).collect::<BTreeSet<_>>()
    });
    Adjacency::new([&pairs[0], &pairs[1]], &frame, &RecallDims { step_px: 1, covered: vec![3] })
}

/// Levels of a token with this key.
pub fn token(key: u32, (dims, levels): (usize, usize)) -> impl Iterator<Item = u32> {
    let levels = levels as u32;
    (0..dims as u32).rev().map(move |place| key / levels.pow(place) % levels)
}

/// A frame some of whose tokens are settled, and the frame before.
fn frames(r: &mut Numbers, n: usize, shape: (usize, usize), adjacency: &Adjacency) -> [Vec<u32>; 2] {
    let (land, dims) = (adjacency.land(), shape.0);
    let some = |r: &mut Numbers| -> Vec<u32> {
        match r.below(8) {
            0 => (0..dims).map(|_| r.below(shape.1) as u32).collect(),
            1 => vec![u32::from(UNKNOWN); dims],
            _ => token(land[r.below(land.len())], shape).collect(),
        }
    };
    let before: Vec<Vec<u32>> = (0..n).map(|_| some(r)).collect();
    let mut own = Vec::new();
    for token in &before {
        own.extend(match r.below(5) {
            0 | 1 => vec![MASKED; dims],
            2 => some(r),
            _ => token.clone(),
        });
    }
    [own, before.concat()]
}

/// Words of domains that are not the twin's. `fresh`: everything is masked. `wrong`: the kernel gets another land's table.
fn narrow_off(gpu: &GpuContext, grid: [usize; 2], shape: (usize, usize), (land, apart): (u32, u32), fresh: bool, wrong: bool) -> usize {
    let (n, (dims, levels)) = (grid[0] * grid[1], shape);
    let adjacency = land_of(grid, shape, land, apart);
    let mut r = Numbers(n as u32 * 31 + land + apart);
    let [own, before] = frames(&mut r, n, shape, &adjacency);
    let bytes = |levels: &[u32]| -> Vec<u8> { levels.iter().map(|&level| level as u8).collect() };
    let (codes, earlier) = (bytes(&own), bytes(&before));
    let masked: Vec<bool> = own.chunks_exact(dims).map(|token| fresh || token[0] == MASKED).collect();
    let mut truth = vec![0; adjacency.domain_words()];
    adjacency.narrow(Drawing { codes: &codes, masked: &masked, before: Some(&earlier) }, &mut truth);

    let words = adjacency.words();
    let table = narrow::table(&if wrong { land_of(grid, shape, land, apart + 1) } else { adjacency.clone() });
    let mut tokens = before;
    tokens.extend(own);
    tokens.resize(3 * n * dims, u32::from(UNKNOWN));
    tokens.resize(3 * n * dims + n * words, 999);
    let mut b = Bench::default();
    let buffers = narrow::Buffers { adjacency: b.words(&table), tokens: b.words(&tokens), scratch: b.words(&vec![999; n * (words + 1)]) };
    let group = GroupParams { half: 1, fresh: u32::from(fresh), ..GroupParams::default() };
    let pass = Narrow { tokens: n, dims, levels, land: adjacency.land().len(), words }.pass(buffers);
    let ran = b.run(gpu, pass, 1, FrameParams { ..groups(group, group) }, &[buffers.tokens], SIZE);
    assert_eq!(ran.outputs[0][..3 * n * dims], tokens[..3 * n * dims], "tokens stay as they are");
    ran.outputs[0][3 * n * dims..][..n * words].iter().zip(&truth).filter(|(ours, truth)| ours != truth).count()
}

#[test]
fn domains_are_those_of_the_twin() {
    let gpu = gpu();
    for (grid, shape, land) in [
        ([1, 1], (1, 5), (5, 2)),
        ([5, 3], (3, 7), (70, 3)),
        ([9, 7], (8, 5), (375, 20)),
        ([9, 7], (8, 5), (32, 4)),
        ([27, 19], (2, 64), (100, 30)),
    ] {
        for fresh in [false, true] {
            assert_eq!(narrow_off(&gpu, grid, shape, land, fresh, false), 0, "{grid:?} {shape:?} {land:?} {fresh}");
        }
    }
    assert!(narrow_off(&gpu, [9, 7], (8, 5), (375, 20), false, true) > 100, "another land is noticed");
}
