//! Tokens to channels: the embedding, and what a frame takes over from the one before.

use super::{Bench, Numbers, SIZE, f64s, gpu, groups, off_by_kind, pad_groups, some_tokens, unpad};
use somnium::engine::UNKNOWN;
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::{GroupParams, MASKED, NONE};
use somnium::engine::gpu::ops::{
    embed::{self, DynamicsBuffers, Embed, Lookup},
    matmul::pad_columns,
    padded,
    prev::{self, Prev},
};
use somnium::engine::reference::{embed as embed_twin, matmul as matmul_twin};

/// The twin's table lookup, which takes bytes and a mask.
fn embed_f64(tokens: &[u32], table: &[f32], dims: usize, levels: usize, all_masked: bool) -> Vec<f64> {
    let codes: Vec<u8> = tokens.iter().map(|&t| if t == MASKED { 0 } else { t as u8 }).collect();
    let masked: Vec<bool> = tokens.chunks_exact(dims).map(|t| all_masked || t[0] == MASKED).collect();
    embed_twin::embed(&codes, &masked, &f64s(table), dims, levels)
}

/// Columns, rows, and whether there is a look besides.
type Grid = (usize, usize, bool);

/// Who reads tokens, and of what it sees.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reader {
    Decoder,
    Dynamics,
    /// With what is settled around each token.
    Beside,
}

/// Worst of the patches and of the look, in tolerances. `corrupt`: a token that has another level for the kernel.
fn embed_off(
    gpu: &GpuContext,
    (grid_w, grid_h, look): Grid,
    (dims, levels, c): (usize, usize, usize),
    reader: Reader,
    corrupt: Option<usize>,
) -> [f64; 2] {
    let (patches, dynamics, beside) = (grid_w * grid_h, reader != Reader::Decoder, reader == Reader::Beside);
    let n = patches + usize::from(look);
    let mut r = Numbers(n as u32 * 31 + c as u32);
    let mut held = some_tokens(&mut r, 2 * n, dims, levels, dynamics);
    let table = r.floats((dims * levels + 2) * c, 1.0);
    let around = r.floats(9 * c * c, 1.0 / (9.0 * c as f32).sqrt());
    let positions = r.floats(n * c, 1.0);
    let level = r.floats(3 * c, 1.0);
    let prev = r.floats(2 * n * c, 1.0);
    let [said, told] = [4, 5].map(|rows| r.floats(rows * c, 1.0));
    // Group 0 lies in half 1 and is fresh, group 1 in half 0; to it nothing is said. Group 2 is being committed.
    let mut params = groups(
        GroupParams { half: 1, level: 2, fresh: 1, prompt: 3, words: 2, told: 4, store: NONE, ..GroupParams::default() },
        GroupParams { half: 0, level: 1, prompt: 1, words: 1, told: 0, store: NONE, ..GroupParams::default() },
    );
    params.groups[2] = GroupParams { store: 1, ..params.groups[1] };
    let mut truth = Vec::new();
    for group in &params.groups {
        let half = group.half as usize;
        let mut x = embed_f64(&held[half * n * dims..(half + 1) * n * dims], &table, dims, levels, dynamics && group.fresh == 1);
        matmul_twin::add(&mut x, &f64s(&positions));
        if dynamics {
            matmul_twin::add(&mut x, &f64s(&prev[half * n * c..(half + 1) * n * c]));
            let mut rows = vec![(&level, group.level), (&told, group.told)];
            if group.words > 1 {
                rows.push((&said, group.prompt));
            }
            for (table, at) in rows {
                x.chunks_exact_mut(c).for_each(|row| matmul_twin::add(row, &f64s(&table[at as usize * c..])));
            }
        }
        if beside && group.fresh == 0 && group.store == NONE {
            let tokens = &held[half * n * dims..][..n * dims];
            let mut settled = embed_f64(tokens, &table, dims, levels, false);
            let masked = settled.chunks_exact_mut(c).zip(tokens.chunks_exact(dims)).filter(|(_, token)| token[0] >= MASKED);
            masked.for_each(|(row, _)| row.fill(0.0));
            let near = embed_twin::taps(&settled, grid_w, grid_h, c);
            matmul_twin::add(&mut x, &matmul_twin::matmul(&near, &f64s(&around), &[], 9 * c));
        }
        truth.extend(x);
    }
    if let Some(token) = corrupt {
        held[token * dims] = (held[token * dims] + 1) % levels as u32;
    }
    let mut b = Bench::default();
    let buffers = embed::Buffers {
        tokens: b.words(&held),
        table: b.floats(&[pad_columns(&table, c, 1), embed::table_beside(&table, &around, c)].concat()),
        positions: b.floats(&pad_columns(&positions, c, 1)),
        dynamics: dynamics.then(|| DynamicsBuffers {
            level: b.floats(&pad_columns(&level, c, 1)),
            prev: b.floats(&pad_groups(&prev, 2, n, c, 1)),
            said: b.floats(&pad_columns(&said, c, 1)),
            told: b.floats(&pad_columns(&told, c, 1)),
        }),
        x: b.floats(&vec![9.0; 3 * padded(n) * padded(c)]),
    };
    let lookup = Lookup { tokens: n, grid_w, grid_h, dims, levels, channels: c, rows: padded(n) };
    let pass = Embed { lookup, beside }.pass(buffers);
    let ran = b.run(gpu, pass, 3, params, &[buffers.x], SIZE);
    let mut ours = Vec::new();
    for group in ran.floats(0).chunks_exact(padded(n) * padded(c)) {
        assert!(group[n * padded(c)..].iter().all(|&v| v == 0.0), "rows of padding are zero");
        ours.extend(unpad(group, c, 1, n));
    }
    off_by_kind(&ours, &truth, patches, (n, c), 2e-5)
}

#[test]
fn embed_matches_its_twin() {
    let gpu = gpu();
    for (grid, sizes) in [
        ((1, 1, false), (1, 2, 1)),
        ((5, 3, false), (3, 7, 24)),
        ((9, 7, false), (8, 5, 160)),
        ((17, 1, false), (2, 250, 35)),
        ((1, 1, true), (1, 2, 1)),
        ((5, 3, true), (3, 7, 24)),
        ((1, 13, true), (2, 3, 9)),
        ((9, 7, true), (8, 5, 160)),
        ((3, 5, true), (13, 4, 37)),
    ] {
        for reader in [Reader::Decoder, Reader::Dynamics, Reader::Beside] {
            let worst = embed_off(&gpu, grid, sizes, reader, None);
            assert!(worst[0] <= 1.0 && worst[1] <= 1.0, "{grid:?} {sizes:?} {reader:?}: {worst:?} tolerances");
        }
    }
    for reader in [Reader::Dynamics, Reader::Beside] {
        assert!(embed_off(&gpu, (5, 3, false), (3, 7, 24), reader, Some(0))[0] > 1.0, "a wrong level is noticed");
    }
    // Another look changes no patch, and no patch of the last row the look.
    let wrong = |token| embed_off(&gpu, (5, 3, true), (3, 7, 24), Reader::Beside, Some(token)).map(|worst| worst > 1.0);
    assert_eq!((wrong(15), wrong(10), wrong(11)), ([false, true], [true, false], [true, false]));
}

/// What of the kernel's input is not the twin's.
enum Corrupt {
    /// Of this token.
    Level(usize),
    Gate,
}

/// Worst of the patches and of the look, in tolerances.
fn prev_off(
    gpu: &GpuContext,
    (grid_w, grid_h, look): Grid,
    (dims, levels, c): (usize, usize, usize),
    corrupt: Option<Corrupt>,
) -> [f64; 2] {
    const ACTIONS: usize = 4;
    const ACTION: usize = 2;
    let patches = grid_w * grid_h;
    let n = patches + usize::from(look);
    let mut r = Numbers(n as u32 * 7 + c as u32);
    let mut held = some_tokens(&mut r, 2 * n, dims, levels, false);
    // Some tokens of the frame before are not given.
    for token in held.chunks_exact_mut(dims).step_by(4) {
        token.fill(u32::from(UNKNOWN));
    }
    let table = r.floats((dims * levels + 2) * c, 1.0);
    let w = r.floats(9 * c * c, 1.0 / (9.0 * c as f32).sqrt());
    let bias = r.floats(c, 1.0);
    let mut gate = r.floats(ACTIONS * 9 * c, 1.0);
    let before = embed_f64(&held[..n * dims], &table, dims, levels, false);
    let mut near = embed_twin::taps(&before, grid_w, grid_h, c);
    let opens = f64s(&gate[ACTION * 9 * c..][..9 * c]);
    near.chunks_exact_mut(9 * c).for_each(|row| row.iter_mut().zip(&opens).for_each(|(x, open)| *x *= open));
    let truth = matmul_twin::matmul(&near, &f64s(&w), &f64s(&bias), 9 * c);
    match corrupt {
        None => {}
        Some(Corrupt::Level(token)) => held[token * dims] = (held[token * dims] + 1) % levels as u32,
        // The tap of the token itself.
        Some(Corrupt::Gate) => gate[(ACTION * 9 + 4) * c] += 1.0,
    }
    let mut b = Bench::default();
    let buffers = prev::Buffers {
        tokens: b.words(&held),
        table: b.floats(&prev::table(&table, &gate, &w, c)),
        bias: b.floats(&pad_columns(&bias, c, 1)),
        prev: b.floats(&vec![3.0; 2 * padded(n) * padded(c)]),
    };
    let lookup = Lookup { tokens: n, grid_w, grid_h, dims, levels, channels: c, rows: padded(n) };
    let pass = Prev { lookup }.pass(buffers);
    let params = groups(GroupParams { half: 1, action: ACTION as u32, ..GroupParams::default() }, GroupParams::default());
    let ran = b.run(gpu, pass, 1, params, &[buffers.prev], SIZE);
    let (other, own) = ran.floats(0).split_at(padded(n) * padded(c));
    assert!(other.iter().all(|&v| v == 3.0), "the other half is left alone");
    off_by_kind(&unpad(own, c, 1, n), &truth, patches, (n, c), 2e-5)
}

#[test]
fn prev_matches_its_twin() {
    let gpu = gpu();
    for ((grid_w, grid_h), sizes) in [
        ((1, 1), (1, 2, 1)),
        ((5, 3), (3, 7, 24)),
        ((9, 7), (8, 5, 160)),
        ((1, 13), (2, 3, 9)),
        ((11, 1), (1, 9, 6)),
        ((3, 5), (13, 4, 37)),
    ] {
        for look in [false, true] {
            let worst = prev_off(&gpu, (grid_w, grid_h, look), sizes, None);
            assert!(worst[0] <= 1.0 && worst[1] <= 1.0, "{grid_w}x{grid_h} {sizes:?}, look: {look}: {worst:?} tolerances");
        }
    }
    let wrong = |look, corrupt| prev_off(&gpu, (5, 3, look), (3, 7, 24), Some(corrupt)).map(|worst| worst > 1.0);
    assert_eq!(wrong(false, Corrupt::Level(14)), [true, false], "a wrong level is noticed");
    assert_eq!(wrong(true, Corrupt::Gate), [true, true], "a wrong gate is noticed");
    // Another look changes no patch, and no patch of the last row the look.
    let of_tokens = [15, 10, 11].map(|token| wrong(true, Corrupt::Level(token)));
    assert_eq!(of_tokens, [[false, true], [true, false], [true, false]]);
}
