//! Attention over space, over the ring and over the words of a prompt.

use super::{Bench, Numbers, SIZE, f64s, gpu, groups, off, pad_groups, unpad_groups};
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::{FrameParams, GroupParams};
use somnium::engine::gpu::ops::attend::{Attend, Keys};
use somnium::engine::gpu::ops::{matmul::pad_columns, padded, padded_parts};
use somnium::engine::reference::attention::{KeysValues, attend, attend_over_time};

/// `(rows, c)` of one part of padded rows of `parts`.
fn part(values: &[f32], c: usize, parts: usize, at: usize) -> Vec<f64> {
    values.chunks_exact(parts * c).flat_map(|row| f64s(&row[at * c..(at + 1) * c])).collect()
}

fn rows(tokens: usize, heads: usize, channels: usize) -> Attend {
    Attend { tokens, heads, channels, rows: padded(tokens) }
}

/// `corrupt`: the channel in which the kernel gets a value wrong.
fn space_off(gpu: &GpuContext, (n, heads, c): (usize, usize, usize), spread: f32, corrupt: Option<usize>) -> f64 {
    let mut r = Numbers(n as u32 * 3 + c as u32);
    let mut qkv = r.floats(2 * n * 3 * c, spread);
    let mut truth = Vec::new();
    for g in qkv.chunks_exact(n * 3 * c) {
        truth.extend(attend(&part(g, c, 3, 0), &part(g, c, 3, 1), &part(g, c, 3, 2), &[], heads, c));
    }
    if let Some(channel) = corrupt {
        qkv[n / 2 * 3 * c + 2 * c + channel] += 1.0;
    }
    let mut b = Bench::default();
    let keys = Keys::Space { qkv: b.floats(&pad_groups(&qkv, 2, n, 3 * c, 3 * heads)) };
    let attended = b.floats(&vec![0.0; 2 * padded(n) * padded_parts(c, heads)]);
    let pass = rows(n, heads, c).pass(keys, attended);
    let ran = b.run(gpu, pass, 2, FrameParams::default(), &[attended], SIZE);
    let ours = unpad_groups(ran.floats(0), c, heads, n);
    let scale = f64::from(spread).max(1.0);
    // Scores of hundreds lose digits in f32 before the exponential sees them.
    off(&ours, &truth, 1e-5 * scale.powi(3), 1e-5)
}

#[test]
fn attend_space_matches_its_twin() {
    let gpu = gpu();
    // Tokens that fill workgroups and that do not, heads of 1 to 16 vec4s: what they come to is added up 4 at a time.
    let shapes = [(1, 1, 1), (15, 3, 24), (32, 2, 24), (33, 2, 38), (70, 3, 21), (130, 2, 26), (63, 5, 160), (130, 2, 128)];
    for shape in shapes {
        let worst = space_off(&gpu, shape, 1.0, None);
        assert!(worst <= 1.0, "{shape:?}: {worst} tolerances");
    }
    let worst = space_off(&gpu, (40, 3, 24), 12.0, None);
    assert!(worst <= 1.0, "saturated: {worst} tolerances");
    for (shape, channel) in [((70, 3, 21), 0), ((33, 2, 38), 37), ((130, 2, 128), 127)] {
        assert!(space_off(&gpu, shape, 1.0, Some(channel)) > 1.0, "a wrong value in channel {channel} of {shape:?} is noticed");
    }
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
    let keys = Keys::Ring {
        qkv: b.floats(&pad_groups(&qkv, 2, n, 3 * c, 3 * heads)),
        ring: b.floats(&pad_groups(&ring, window, n, 2 * c, 2 * heads)),
        bias: b.floats(&bias),
        window,
    };
    let attended = b.floats(&vec![0.0; 2 * padded(n) * padded_parts(c, heads)]);
    let pass = rows(n, heads, c).pass(keys, attended);
    let group = |ages: usize| GroupParams { ages: ages as u32, newest: newest as u32, ..GroupParams::default() };
    let ran = b.run(gpu, pass, 2, groups(group(ages[0]), group(ages[1])), &[attended], SIZE);
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
        ((15, 3, 24), 37, [36, 2], 20),
    ] {
        let worst = ring_off(&gpu, shape, window, ages, newest, false);
        assert!(worst <= 1.0, "{shape:?} {window} {ages:?} {newest}: {worst} tolerances");
    }
    assert!(ring_off(&gpu, (15, 3, 24), 37, [36, 2], 20, true) > 1.0, "a wrong value in the ring is noticed");
}

/// What of a prompt the kernel gets wrong.
enum Corrupt {
    Value,
    Share,
}

fn prompt_off(
    gpu: &GpuContext,
    (n, heads, c): (usize, usize, usize),
    slot_words: usize,
    words: [usize; 2],
    corrupt: Option<Corrupt>,
) -> f64 {
    let mut r = Numbers((n * 5 + c + slot_words) as u32);
    let query = r.floats(2 * n * c, 1.0);
    let mut keys = r.floats(2 * slot_words * 2 * c, 1.0);
    // Words fade by at most ln 255.
    let mut shares: Vec<f32> = r.floats(2 * slot_words, 1.0).into_iter().map(|x| -x.abs()).collect();
    // Group 0 has slot 1, group 1 slot 0.
    let slots = [1, 0];
    let mut truth = Vec::new();
    for g in 0..2 {
        let held = &keys[slots[g] * slot_words * 2 * c..][..words[g] * 2 * c];
        let bias = f64s(&shares[slots[g] * slot_words..][..words[g]]).repeat(heads);
        truth.extend(attend(&f64s(&query[g * n * c..(g + 1) * n * c]), &part(held, c, 2, 0), &part(held, c, 2, 1), &bias, heads, c));
    }
    match corrupt {
        None => {}
        Some(Corrupt::Value) => keys[c] += 1.0,
        Some(Corrupt::Share) => shares[1] -= 1.0,
    }
    let mut b = Bench::default();
    let keys = Keys::Prompt {
        query: b.floats(&pad_groups(&query, 2, n, c, heads)),
        words: b.floats(&pad_columns(&keys, 2 * c, 2 * heads)),
        shares: b.floats(&shares),
        room: slot_words,
    };
    let attended = b.floats(&vec![0.0; 2 * padded(n) * padded_parts(c, heads)]);
    let pass = rows(n, heads, c).pass(keys, attended);
    let group = |g: usize| GroupParams { prompt: slots[g] as u32, words: words[g] as u32, ..GroupParams::default() };
    let ran = b.run(gpu, pass, 2, groups(group(0), group(1)), &[attended], SIZE);
    let ours = unpad_groups(ran.floats(0), c, heads, n);
    off(&ours, &truth, 1e-5, 1e-5)
}

#[test]
fn attend_prompt_matches_its_twin() {
    let gpu = gpu();
    for (shape, slot_words, words) in
        [((1, 1, 2), 1, [1, 1]), ((15, 3, 24), 4, [1, 4]), ((63, 5, 160), 9, [9, 3]), ((66, 5, 35), 4, [2, 3]), ((15, 3, 24), 40, [40, 33])]
    {
        let worst = prompt_off(&gpu, shape, slot_words, words, None);
        assert!(worst <= 1.0, "{shape:?} {words:?}: {worst} tolerances");
    }
    assert!(prompt_off(&gpu, (15, 3, 24), 40, [40, 33], Some(Corrupt::Value)) > 1.0, "a wrong value is noticed");
    assert!(prompt_off(&gpu, (15, 3, 24), 40, [40, 33], Some(Corrupt::Share)) > 1.0, "a wrong share is noticed");
}
