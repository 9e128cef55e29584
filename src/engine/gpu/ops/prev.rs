//! The 3x3 convolution over the previous frame's token embeddings, gated by the action, folded into a table.

use super::embed::{Lookup, sizes_of_codes};
use super::{BufferId, Cost, GROUPS, Pass, covering, padded, vec4s, word};
use crate::engine::gpu::kernel::{Bind, GRID, Kernel};
use crate::engine::recall::TAPS;

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

pub fn kernel(dims: usize, levels: usize) -> Kernel {
    Kernel::assemble("prev", &sizes_of_codes(dims, levels), &[GRID], include_str!("../../../../shaders/prev.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Prev {
    pub lookup: Lookup,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub tokens: BufferId,
    pub table: BufferId,
    pub bias: BufferId,
    pub prev: BufferId,
}

impl Prev {
    pub fn pass(&self, b: Buffers) -> Pass {
        let Lookup { tokens, grid_w, grid_h, dims, levels, channels, rows } = self.lookup;
        let c4 = vec4s(channels);
        let x = covering(tokens * c4, 64);
        Pass {
            kernel: kernel(dims, levels),
            shape: [tokens, grid_w, grid_h, c4, rows, 0, 0, 0].map(word),
            buffers: vec![b.tokens, b.table, b.bias, b.prev],
            workgroups: [[x, 1, 1]; GROUPS],
            product: None,
            cost: Cost {
                ops: (tokens * TAPS * dims * channels) as u64,
                weight_bytes: (4 * TAPS * (dims * levels + 2) * channels) as u64,
                group_bytes: (4 * tokens * channels) as u64,
            },
        }
    }
}

/// The table the shader sums over, `(actions + 1, TAPS, rows of embed, channels padded)`: each row of `embed`
/// `(dims * levels + 2, channels)` times each tap's part of a row of `gate` `(actions + 1, TAPS * channels)`, times the tap's part of `w`
/// `(TAPS * channels, channels)`.
pub fn table(embed: &[f32], gate: &[f32], w: &[f32], channels: usize) -> Vec<f32> {
    let width = padded(channels);
    let mut out = vec![0.0f32; gate.len() * (embed.len() / channels) / channels * width];
    let mut sums = out.chunks_exact_mut(width);
    for (at, gate) in gate.chunks_exact(channels).enumerate() {
        let matrix = &w[at % TAPS * channels * channels..][..channels * channels];
        for (row, sum) in embed.chunks_exact(channels).zip(&mut sums) {
            for ((value, open), line) in row.iter().zip(gate).zip(matrix.chunks_exact(channels)) {
                for (s, &weight) in sum.iter_mut().zip(line) {
                    *s += value * open * weight;
                }
            }
        }
    }
    out
}

/// The same of a convolution that no action gates: `(TAPS, rows, channels padded)`.
pub fn table_ungated(rows: &[f32], w: &[f32], channels: usize) -> Vec<f32> {
    table(rows, &vec![1.0; TAPS * channels], w, channels)
}

/// Label of that table's buffer.
pub const TABLE: &str = "dyn.prev.table";

/// Bytes of that table: it grows faster with the sizes than any tensor it is made of.
pub fn table_bytes(actions: usize, dims: usize, levels: usize, channels: usize) -> u64 {
    4 * ((actions + 1) * TAPS * (dims * levels + 2) * padded(channels)) as u64
}
