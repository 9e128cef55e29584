//! Tokens to channels, for the dynamics and for the tokenizer's decoder.

use super::{BufferId, Cost, Pass, covering, layers, prev, vec4s, word};
use crate::engine::gpu::kernel::{Bind, Constant, GRID, Kernel};
use crate::engine::recall::TAPS;

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

pub fn kernel(dynamics: bool, beside: bool) -> Kernel {
    let text = include_str!("../../../../shaders/embed.wgsl");
    Kernel::assemble("embed", &[Constant::Flag("DYNAMICS", dynamics), Constant::Flag("BESIDE", beside)], &[GRID], text, BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Embed {
    /// Of the grid, and of the look where there is one.
    pub tokens: usize,
    pub grid_w: usize,
    pub grid_h: usize,
    pub dims: usize,
    pub levels: usize,
    pub channels: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
    /// Whether tokens see those around them that are settled already.
    pub beside: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub tokens: BufferId,
    /// With [`table_beside`] behind it where tokens look beside.
    pub table: BufferId,
    pub positions: BufferId,
    pub dynamics: Option<DynamicsBuffers>,
    pub x: BufferId,
}

/// What the tokenizer's decoder has nothing of.
#[derive(Clone, Copy, Debug)]
pub struct DynamicsBuffers {
    pub level: BufferId,
    pub prev: BufferId,
    pub said: BufferId,
    pub told: BufferId,
}

impl Embed {
    pub fn pass(&self, b: Buffers) -> Pass {
        let c4 = vec4s(self.channels);
        let none = DynamicsBuffers { level: b.positions, prev: b.positions, said: b.positions, told: b.positions };
        let DynamicsBuffers { level, prev, said, told } = b.dynamics.unwrap_or(none);
        let x = covering(self.rows * c4, 64);
        let cells = (self.tokens * self.channels) as u64;
        let (taps, rows) = (if self.beside { TAPS } else { 0 }, self.dims * self.levels + 2);
        Pass {
            kernel: kernel(b.dynamics.is_some(), self.beside),
            shape: [self.tokens, self.dims, self.levels, c4, self.rows, self.grid_w, self.grid_h, 0].map(word),
            buffers: vec![b.tokens, b.table, b.positions, level, prev, said, told, b.x],
            workgroups: layers(x, 1),
            product: None,
            cost: Cost {
                ops: cells * ((1 + taps) * self.dims + 4) as u64,
                weight_bytes: 4 * ((1 + taps) * rows * self.channels) as u64 + 4 * cells,
                group_bytes: 8 * cells,
            },
        }
    }
}

/// What tokens add to those around them, `(TAPS, dims * levels, channels padded)`: each row of `embed` `(dims * levels + 2, channels)` that
/// is of a code times each tap's part of `w` `(TAPS * channels, channels)`.
pub fn table_beside(embed: &[f32], w: &[f32], channels: usize) -> Vec<f32> {
    prev::table_ungated(&embed[..embed.len() - 2 * channels], w, channels)
}
