//! What the host prepares once at load: conditioning by action, and tables that replace small matrix products.

use super::ops::{embed, matmul::pad_columns, prev, recall};
use crate::{
    pack::{Pack, PackError},
    prompt::{self, WordTable},
};

/// One vector a row: `(rows, width)`.
#[derive(Clone, Debug)]
pub struct Rows {
    pub width: usize,
    pub values: Vec<f32>,
}

impl Rows {
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }
}

/// `x w + b` for `x` `(rows, k)` and `w` `(k, m)`; `b` may be empty.
pub fn linear(x: &Rows, w: &[f32], b: &[f32], m: usize) -> Rows {
    let mut values = Vec::with_capacity(x.values.len() / x.width * m);
    for row in x.iter() {
        let at = values.len();
        if b.is_empty() {
            values.resize(at + m, 0.0);
        } else {
            values.extend_from_slice(b);
        }
        for (&value, line) in row.iter().zip(w.chunks_exact(m)) {
            for (sum, &weight) in values[at..].iter_mut().zip(line) {
                *sum += value * weight;
            }
        }
    }
    Rows { width: m, values }
}

/// Two linear layers of `k` inputs as one: matrix `(k, columns of both)` and bias.
pub fn side_by_side(pack: &Pack, left: &str, right: &str, k: usize) -> Result<(Vec<f32>, Vec<f32>), PackError> {
    let [w, v] = [left, right].map(|name| pack.f32s(&format!("{name}.w")));
    let [b, c] = [left, right].map(|name| pack.f32s(&format!("{name}.b")));
    let (w, v, mut b, c) = (w?, v?, b?, c?);
    let rows = w.chunks_exact(w.len() / k).zip(v.chunks_exact(v.len() / k));
    b.extend(c);
    Ok((rows.flat_map(|(w, v)| w.iter().chain(v)).copied().collect(), b))
}

/// `cond` of every action, the unknown one last: `(actions + 1, channels)`.
pub fn conditions(pack: &Pack, channels: usize) -> Result<Rows, PackError> {
    let actions = Rows { width: channels, values: pack.f32s("dyn.action")? };
    let mut cond = linear(&actions, &pack.f32s("dyn.cond.w")?, &pack.f32s("dyn.cond.b")?, channels);
    for x in &mut cond.values {
        *x /= 1.0 + (-*x).exp();
    }
    Ok(cond)
}

/// Gain and shift of one modulated norm by action.
#[derive(Clone, Debug)]
pub struct Modulation {
    /// `1 + gamma`, `(actions + 1, channels)`.
    pub gain: Rows,
    /// `beta`, likewise.
    pub shift: Rows,
}

/// The modulations of block `i`, in the order of its norms.
pub fn modulations(pack: &Pack, cond: &Rows, i: usize, norms: usize) -> Result<Vec<Modulation>, PackError> {
    let c = cond.width;
    let m = linear(cond, &pack.f32s(&format!("dyn.{i}.mod.w"))?, &pack.f32s(&format!("dyn.{i}.mod.b"))?, norms * 2 * c);
    let part = |at: usize, add: f32| Rows {
        width: c,
        values: m.iter().flat_map(|row| row[at * c..(at + 1) * c].iter().map(move |x| x + add)).collect(),
    };
    Ok((0..norms).map(|j| Modulation { gain: part(2 * j, 1.0), shift: part(2 * j + 1, 0.0) }).collect())
}

/// Embedding table of the tokenizer's decoder, `(dims * levels + 2, channels padded)`: FSQ value times the dimension's row of
/// `tok.dec.code.w`; zeros for the two tokens that have no value.
pub fn value_table(w: &[f32], dims: usize, levels: usize, channels: usize) -> Vec<f32> {
    let mut table = Vec::with_capacity((dims * levels + 2) * channels);
    for row in w.chunks_exact(channels).take(dims) {
        for level in 0..levels {
            let value = 2.0 * level as f32 / (levels as f32 - 1.0) - 1.0;
            table.extend(row.iter().map(|x| x * value));
        }
    }
    table.resize((dims * levels + 2) * channels, 0.0);
    pad_columns(&table, channels, 1)
}

/// Embedding table of the dynamics, `(dims * levels + 2, channels padded)`, and where tokens look beside what [`embed`] needs behind it.
pub fn embed_table(pack: &Pack, channels: usize, beside: bool) -> Result<Vec<f32>, PackError> {
    let embed = pack.f32s("dyn.embed")?;
    let mut table = pad_columns(&embed, channels, 1);
    if beside {
        table.extend(embed::table_beside(&embed, &pack.f32s("dyn.beside.w")?, channels));
    }
    Ok(table)
}

/// The table of [`prev`] for this pack.
pub fn prev_table(pack: &Pack, channels: usize) -> Result<Vec<f32>, PackError> {
    Ok(prev::table(&pack.f32s("dyn.embed")?, &pack.f32s("dyn.prev.gate")?, &pack.f32s("dyn.prev.w")?, channels))
}

/// The table of [`recall`] for this pack.
pub fn recall_table(pack: &Pack, channels: usize) -> Result<Vec<f32>, PackError> {
    Ok(recall::table(&pack.f32s("dyn.embed")?, &pack.f32s("dyn.recall.age")?, &pack.f32s("dyn.recall.w")?, channels))
}

/// Keys and values of words for one block's prompt attention.
pub struct PromptWeights {
    /// `(prompt::CHANNELS, 2 * channels)`: from a word's vector to its key and value.
    words: Vec<f32>,
    /// `(2 * channels)`
    nothing_said: Vec<f32>,
    heads: usize,
}

impl PromptWeights {
    pub fn new(pack: &Pack, block: usize, channels: usize, heads: usize) -> Result<Self, PackError> {
        let words_in = Rows { width: channels, values: pack.f32s("text.in.w")? };
        let mut words = linear(&words_in, &pack.f32s(&format!("dyn.{block}.text.kv.w"))?, &[], 2 * channels).values;
        let nothing_said = words.split_off(prompt::CHANNELS * 2 * channels);
        Ok(Self { words, nothing_said, heads })
    }

    /// Keys and values `(1 + words, 2 * channels, heads padded)` of "nothing said" and these rows of the word table.
    pub fn keys(&self, ids: &[u16]) -> Vec<f32> {
        let width = self.nothing_said.len();
        let vectors = ids.iter().flat_map(|&id| WordTable::get().vector(id)).collect();
        let told = linear(&Rows { width: prompt::CHANNELS, values: vectors }, &self.words, &[], width).values;
        pad_columns(&[self.nothing_said.as_slice(), &told].concat(), width, 2 * self.heads)
    }
}
