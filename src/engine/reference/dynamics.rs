//! The dynamics: one frame through the space-time transformer.

use super::{
    activation::{gelu, silu},
    attention::{KeysValues, attend, attend_over_time, split_projection},
    embed::{embed, embed_prompt, prompt_bias, said, taps},
    matmul::add,
    norm::{modulated_rms, rms},
    weights::Weights,
};
use crate::{
    engine::{
        PromptWord, UNKNOWN,
        recall::{Map, TAPS},
    },
    pack::manifest::{DynamicsDims, FrameDims},
};

/// What conditions a frame, and its tokens.
#[derive(Clone, Copy, Debug)]
pub struct FrameInput<'a> {
    /// `(tokens, code_dims)`.
    pub codes: &'a [u8],
    /// `(tokens)`; empty for a committed frame.
    pub masked: &'a [bool],
    /// What it sees of what was before it outside the ring: [`prev`] and [`recall`] together, `(tokens, channels)`.
    pub prev: &'a [f64],
    pub action: u8,
    pub prompt: &'a [PromptWord],
    /// Row of `dyn.told`.
    pub told: usize,
    pub context_level: usize,
}

/// What comes out of a frame.
pub struct FrameOutput {
    /// Hidden units of the head before any level is known, `(tokens, code_dims * head_hidden)`.
    pub head_hidden: Vec<f64>,
    /// How much each source of copying counts, `(tokens, sources)`.
    pub gates: Vec<f64>,
    /// Of each temporal layer, first to last.
    pub keys_values: Vec<KeysValues>,
}

/// What a frame sees of the one before it, `(tokens, channels)`. `codes`: of the previous frame, all unknown where there is none;
/// `action`: the one that leads from there to here, whose gate opens and closes the taps.
pub fn prev(w: &Weights, codes: &[u8], action: u8, f: &FrameDims, d: &DynamicsDims) -> Vec<f64> {
    let x = embed(codes, &[], w.get("dyn.embed"), f.code_dims, f.code_levels);
    let mut near = taps(&x, f.grid_w(), f.grid_h(), d.channels);
    let gate = &w.get("dyn.prev.gate")[usize::from(action) * TAPS * d.channels..][..TAPS * d.channels];
    near.chunks_exact_mut(gate.len()).for_each(|row| row.iter_mut().zip(gate).for_each(|(x, g)| *x *= g));
    w.linear("dyn.prev", &near, TAPS * d.channels)
}

/// What the tokens of a frame recall of the land, `(tokens, channels)`, if the view goes by `motion` from the frame before.
pub fn recall(w: &Weights, map: &Map, motion: [i32; 2], f: &FrameDims, d: &DynamicsDims) -> Vec<f64> {
    let (c, unknown) = (d.channels, vec![UNKNOWN; f.code_dims]);
    let mut taps = Vec::with_capacity(f.tokens() * TAPS * c);
    for (n, tap) in (0..f.tokens()).flat_map(|n| (0..TAPS).map(move |tap| (n, tap))) {
        let (codes, age) = map.recall(n, tap, motion).unwrap_or((&unknown, 0));
        let mut x = embed(codes, &[], w.get("dyn.embed"), f.code_dims, f.code_levels);
        add(&mut x, &w.get("dyn.recall.age")[age * c..][..c]);
        taps.append(&mut x);
    }
    w.linear("dyn.recall", &taps, TAPS * c)
}

/// What the tokens of a frame that is being dreamed see of those around them that are settled already, `(tokens, channels)`.
fn beside(w: &Weights, codes: &[u8], masked: &[bool], f: &FrameDims, d: &DynamicsDims) -> Vec<f64> {
    let mut settled = embed(codes, &[], w.get("dyn.embed"), f.code_dims, f.code_levels);
    let rows = settled.chunks_exact_mut(d.channels).zip(masked);
    rows.filter(|(_, masked)| **masked).for_each(|(row, _)| row.fill(0.0));
    w.linear("dyn.beside", &taps(&settled, f.grid_w(), f.grid_h(), d.channels), TAPS * d.channels)
}

/// What every token of a frame may copy, `(tokens, sources, code_dims)`: the token of the frame before at the same position, and where there
/// is a map what that offers; unknown where there is none. `codes`: of the previous frame.
pub fn offers(codes: &[u8], map: Option<&Map>, motion: [i32; 2], f: &FrameDims) -> Vec<u8> {
    let unknown = vec![UNKNOWN; f.code_dims];
    let of_token = |(n, before): (usize, &[u8])| {
        let on_map = map.map_or(&[][..], |map| map.offer(n, motion).unwrap_or(&unknown));
        [before, on_map].concat()
    };
    codes.chunks_exact(f.code_dims).enumerate().flat_map(of_token).collect()
}

/// One frame through all blocks. `past[age - 1]` are the committed frames in sight, newest first, each with its keys and values by
/// temporal layer.
pub fn forward(w: &Weights, input: &FrameInput, past: &[&[KeysValues]], f: &FrameDims, d: &DynamicsDims) -> FrameOutput {
    let c = d.channels;
    let mut x = embed(input.codes, input.masked, w.get("dyn.embed"), f.code_dims, f.code_levels);
    add(&mut x, input.prev);
    if d.look_beside && !input.masked.is_empty() {
        add(&mut x, &beside(w, input.codes, input.masked, f, d));
    }
    add(&mut x, w.get("dyn.pos"));
    let mut about = w.get("dyn.level")[input.context_level * c..][..c].to_vec();
    add(&mut about, &w.get("dyn.told")[input.told * c..][..c]);
    add(&mut about, &said(w, input.prompt, c));
    x.chunks_exact_mut(c).for_each(|row| add(row, &about));

    let action = &w.get("dyn.action")[usize::from(input.action) * c..][..c];
    let cond: Vec<f64> = w.linear("dyn.cond", action, c).into_iter().map(silu).collect();
    let words = embed_prompt(w, input.prompt, c);
    let shares = prompt_bias(input.prompt, d.heads);

    let mut keys_values = Vec::new();
    for (i, kind) in d.blocks.iter().enumerate() {
        let modulation = w.linear(&format!("dyn.{i}.mod"), &cond, c);
        let mut norms = modulation.chunks_exact(2 * c);
        let mut mnorm = |x: &[f64]| norms.next().map_or_else(Vec::new, |m| modulated_rms(x, &m[..c], &m[c..]));

        let qkv = split_projection(&w.linear(&format!("dyn.{i}.space.qkv"), &mnorm(&x), c), 3, c);
        let seen = attend(&qkv[0], &qkv[1], &qkv[2], &[], d.heads, c);
        add(&mut x, &w.linear(&format!("dyn.{i}.space.out"), &seen, c));

        if kind.temporal {
            let mut qkv = split_projection(&w.linear(&format!("dyn.{i}.time.qkv"), &mnorm(&x), c), 3, c);
            let own = KeysValues { v: qkv.remove(2), k: qkv.remove(1) };
            let layer = keys_values.len();
            let frames: Vec<&KeysValues> = std::iter::once(&own).chain(past.iter().map(|frame| &frame[layer])).collect();
            let seen = attend_over_time(&qkv[0], &frames, w.get(&format!("dyn.{i}.time.bias")), d.heads, c);
            add(&mut x, &w.linear(&format!("dyn.{i}.time.out"), &seen, c));
            keys_values.push(own);
        }
        if kind.prompt {
            let q = w.linear(&format!("dyn.{i}.text.q"), &mnorm(&x), c);
            let kv = split_projection(&w.linear(&format!("dyn.{i}.text.kv"), &words, c), 2, c);
            let seen = attend(&q, &kv[0], &kv[1], &shares, d.heads, c);
            add(&mut x, &w.linear(&format!("dyn.{i}.text.out"), &seen, c));
        }
        let mut hidden = w.linear(&format!("dyn.{i}.up"), &mnorm(&x), c);
        hidden.iter_mut().for_each(|v| *v = gelu(*v));
        add(&mut x, &w.linear(&format!("dyn.{i}.down"), &hidden, d.ffn_hidden));
    }
    let x = rms(&x, c);
    FrameOutput { head_hidden: w.linear("dyn.head.hidden", &x, c), gates: w.linear("dyn.head.copy", &x, c), keys_values }
}
