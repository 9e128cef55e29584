//! The head: levels of a token, one dimension after the other.

use super::{dynamics::FrameOutput, weights::Weights};
use crate::engine::UNKNOWN;
use crate::pack::manifest::FrameDims;

/// Logits `(code_levels)` of code dimension `dim` of one token.
///
/// `hidden`: `(code_dims * head_hidden)` of the token, before any level is known; `earlier`: the levels of the dimensions before `dim`,
/// which say nothing where they are unknown.
pub fn head_logits(w: &Weights, hidden: &[f64], earlier: &[u8], dim: usize, f: &FrameDims) -> Vec<f64> {
    let (levels, wide) = (f.code_levels, hidden.len());
    let units = wide / f.code_dims;
    let own = dim * units..(dim + 1) * units;
    let mut hidden = hidden[own.clone()].to_vec();
    for (d, &level) in earlier[..dim].iter().enumerate().filter(|(_, level)| **level != UNKNOWN) {
        let row = &w.get("dyn.head.codes")[(d * levels + usize::from(level)) * wide..][..wide];
        super::matmul::add(&mut hidden, &row[own.clone()]);
    }
    hidden.iter_mut().for_each(|x| *x = x.max(0.0));
    let out = &w.get("dyn.head.out.w")[own.start * levels..own.end * levels];
    super::matmul::matmul(&hidden, out, &w.get("dyn.head.out.b")[dim * levels..(dim + 1) * levels], units)
}

/// Adds to the logits `(code_levels)` of dimension `dim` of one token the gate of each source whose levels before `dim` are the `earlier`
/// ones. `offers`: `(sources, code_dims)`, unknown where a source offers nothing; `gates`: `(sources)`.
pub fn add_copies(logits: &mut [f64], offers: &[u8], gates: &[f64], earlier: &[u8], dim: usize) {
    for (offer, gate) in offers.chunks_exact(offers.len() / gates.len()).zip(gates) {
        if offer[dim] != UNKNOWN && offer[..dim] == earlier[..dim] {
            logits[usize::from(offer[dim])] += gate;
        }
    }
}

/// Logits `(tokens, code_dims * code_levels)` of whole tokens whose levels are given: what teacher forcing compares.
/// `offers`: `(tokens, sources, code_dims)`, `codes`: `(tokens, code_dims)`.
pub fn teacher_forced_logits(w: &Weights, output: &FrameOutput, offers: &[u8], codes: &[u8], f: &FrameDims) -> Vec<f64> {
    let tokens = codes.chunks_exact(f.code_dims).enumerate();
    tokens.flat_map(|(n, token)| (0..f.code_dims).flat_map(move |dim| token_logits(w, output, offers, n, token, dim, f))).collect()
}

/// Logits `(code_levels)` of dimension `dim` of token `n` with what may be copied. `offers`: `(tokens, sources, code_dims)`; `earlier`: its
/// levels of the dimensions before `dim`.
pub fn token_logits(w: &Weights, output: &FrameOutput, offers: &[u8], n: usize, earlier: &[u8], dim: usize, f: &FrameDims) -> Vec<f64> {
    let row = |len: usize| n * (len / f.tokens())..(n + 1) * (len / f.tokens());
    let mut logits = head_logits(w, &output.head_hidden[row(output.head_hidden.len())], earlier, dim, f);
    add_copies(&mut logits, &offers[row(offers.len())], &output.gates[row(output.gates.len())], earlier, dim);
    logits
}
