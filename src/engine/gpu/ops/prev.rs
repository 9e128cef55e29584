//! The 3x3 convolution over the previous frame's token embeddings, folded into a table.

use super::{BufferId, Cost, Pass, covering, vec4s, word};
use crate::engine::gpu::kernel::{Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

pub fn kernel() -> Kernel {
    Kernel::assemble("prev", &[], &[], include_str!("../../../../shaders/prev.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Prev {
    pub grid_w: usize,
    pub grid_h: usize,
    pub dims: usize,
    pub levels: usize,
    pub channels: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
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
        let c4 = vec4s(self.channels);
        let tokens = self.grid_w * self.grid_h;
        let x = covering(tokens * c4, 64);
        Pass {
            kernel: kernel(),
            shape: [word(self.grid_w), word(self.grid_h), word(self.dims), word(self.levels), word(c4), word(self.rows), 0, 0],
            buffers: vec![b.tokens, b.table, b.bias, b.prev],
            workgroups: [[x, 1, 1]; 2],
            cost: Cost {
                ops: (tokens * 9 * self.dims * self.channels) as u64,
                weight_bytes: (4 * 9 * (self.dims * self.levels + 2) * self.channels) as u64,
                group_bytes: (4 * tokens * self.channels) as u64,
            },
        }
    }
}

/// The table the shader sums over, `(9, rows of embed, channels padded)`: each row of `embed` `(dims * levels + 2, channels)` times each
/// tap's part of `w` `(9 * channels, channels)`.
pub fn table(embed: &[f32], w: &[f32], channels: usize) -> Vec<f32> {
    let width = super::padded(channels);
    let rows = embed.len() / channels;
    let mut out = vec![0.0f32; 9 * rows * width];
    for (at, sum) in out.chunks_exact_mut(width).enumerate() {
        let (tap, row) = (at / rows, at % rows);
        let matrix = &w[tap * channels * channels..(tap + 1) * channels * channels];
        for (&value, line) in embed[row * channels..(row + 1) * channels].iter().zip(matrix.chunks_exact(channels)) {
            for (s, &weight) in sum.iter_mut().zip(line) {
                *s += value * weight;
            }
        }
    }
    out
}
