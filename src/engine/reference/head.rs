//! The head: levels of a token, one dimension after the other.

use super::weights::Weights;
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

/// Logits `(tokens, code_dims * code_levels)` of whole tokens whose levels are given: what teacher forcing compares.
/// `hidden`: `(tokens, code_dims * head_hidden)`, `codes`: `(tokens, code_dims)`.
pub fn teacher_forced_logits(w: &Weights, hidden: &[f64], codes: &[u8], f: &FrameDims) -> Vec<f64> {
    let wide = hidden.len() / f.tokens();
    let rows = hidden.chunks_exact(wide).zip(codes.chunks_exact(f.code_dims));
    rows.flat_map(|(hidden, token)| (0..f.code_dims).flat_map(move |dim| head_logits(w, hidden, token, dim, f))).collect()
}
