//! Embeddings of tokens and words, and the 3x3 neighbourhood of the previous frame.

use super::{matmul::matmul, weights::Weights};
use crate::{
    engine::{
        PromptWord, UNKNOWN,
        recall::{OWN, TAPS},
    },
    prompt::{self, WordTable},
};

/// Sum of the rows that a token's levels choose; row `D * L` for a masked token, row `D * L + 1` for an unknown one.
///
/// `codes`: `(tokens, code_dims)`, `masked`: `(tokens)` or empty, `table`: `(code_dims * levels + 2, channels)`; returns
/// `(tokens, channels)`.
pub fn embed(codes: &[u8], masked: &[bool], table: &[f64], code_dims: usize, levels: usize) -> Vec<f64> {
    let channels = table.len() / (code_dims * levels + 2);
    let mut y = vec![0.0; codes.len() / code_dims * channels];
    for (n, (token, out)) in codes.chunks_exact(code_dims).zip(y.chunks_exact_mut(channels)).enumerate() {
        let mut add = |row: usize| super::matmul::add(out, &table[row * channels..][..channels]);
        if masked.get(n).copied().unwrap_or(false) {
            add(code_dims * levels);
        } else if token[0] == UNKNOWN {
            add(code_dims * levels + 1);
        } else {
            token.iter().enumerate().for_each(|(d, &code)| add(d * levels + usize::from(code)));
        }
    }
    y
}

/// The 3x3 neighbourhood of every token, order (dy, dx) = (-1,-1), (-1,0) .. (1,1), zeros outside the grid. The look has itself in the middle
/// and zeros around, and is nobody's neighbour.
///
/// `x`: `(grid_h, grid_w, channels)`, behind it the look's row where there is one; returns `(rows of x, 9 * channels)`.
pub fn taps(x: &[f64], grid_w: usize, grid_h: usize, channels: usize) -> Vec<f64> {
    let mut y = Vec::with_capacity(x.len() * TAPS);
    for gy in 0..grid_h {
        for gx in 0..grid_w {
            for (dy, dx) in (0..3).flat_map(|dy| (0..3).map(move |dx| (dy, dx))) {
                // Coordinates are shifted by one, so that they stay unsigned.
                let (ty, tx) = (gy + dy, gx + dx);
                if (1..=grid_h).contains(&ty) && (1..=grid_w).contains(&tx) {
                    y.extend_from_slice(&x[((ty - 1) * grid_w + tx - 1) * channels..][..channels]);
                } else {
                    y.resize(y.len() + channels, 0.0);
                }
            }
        }
    }
    for look in x[grid_w * grid_h * channels..].chunks_exact(channels) {
        let own = y.len() + OWN * channels;
        y.resize(y.len() + TAPS * channels, 0.0);
        y[own..][..channels].copy_from_slice(look);
    }
    y
}

/// A prompt as blocks attend to it, `(words + 1, channels)`: "nothing said" comes first.
pub fn embed_prompt(w: &Weights, words: &[PromptWord], channels: usize) -> Vec<f64> {
    let (vectors, nothing) = w.get("text.in.w").split_at(prompt::CHANNELS * channels);
    let words: Vec<f64> = words.iter().flat_map(|word| WordTable::get().vector(word.id).map(f64::from)).collect();
    [nothing, &matmul(&words, vectors, &[], prompt::CHANNELS)].concat()
}

/// What the words of a prompt say taken together, `(channels)`.
pub fn said(w: &Weights, words: &[PromptWord], channels: usize) -> Vec<f64> {
    let mut sum = vec![0.0; channels];
    for word in words {
        let heard = w.linear("dyn.said.word", &WordTable::get().vector(word.id).map(f64::from), prompt::CHANNELS);
        let share = f64::from(word.share) / 255.0;
        sum.iter_mut().zip(heard).for_each(|(sum, heard)| *sum += share * heard.max(0.0));
    }
    w.linear("dyn.said.all", &sum, channels)
}

/// What a prompt's attention scores are raised by, `(heads, words + 1)`.
pub fn prompt_bias(words: &[PromptWord], heads: usize) -> Vec<f64> {
    let own: Vec<f64> = std::iter::once(0.0).chain(words.iter().map(|word| (f64::from(word.share) / 255.0).ln())).collect();
    own.repeat(heads)
}
