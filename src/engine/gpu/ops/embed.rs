//! Tokens to channels, for the dynamics and for the tokenizer's decoder.

use super::{BufferId, Cost, Pass, covering, layers, prev, vec4s, word};
use crate::engine::gpu::kernel::{Bind, Constant, GRID, Kernel};
use crate::engine::recall::TAPS;
use crate::pack::manifest::FrameDims;

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

pub fn kernel(dims: usize, levels: usize, dynamics: bool, beside: bool) -> Kernel {
    let [dims, levels] = sizes_of_codes(dims, levels);
    let constants = [Constant::Flag("DYNAMICS", dynamics), Constant::Flag("BESIDE", beside), dims, levels];
    Kernel::assemble("embed", &constants, &[GRID], include_str!("../../../../shaders/embed.wgsl"), BINDS)
}

/// Constants of the kernels that look tokens up.
pub(super) fn sizes_of_codes(dims: usize, levels: usize) -> [Constant; 2] {
    [Constant::Size("DIMS", dims), Constant::Size("LEVELS", levels)]
}

/// Tokens that are looked up in a table, and the rows that come of it.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// Of the grid, and of the look where there is one.
    pub tokens: usize,
    pub grid_w: usize,
    pub grid_h: usize,
    pub dims: usize,
    pub levels: usize,
    pub channels: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
}

impl Lookup {
    pub fn of(frame: &FrameDims, channels: usize, rows: usize) -> Self {
        Self {
            tokens: frame.tokens(),
            grid_w: frame.grid_w(),
            grid_h: frame.grid_h(),
            dims: frame.code_dims,
            levels: frame.code_levels,
            channels,
            rows,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Embed {
    pub lookup: Lookup,
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
        let Lookup { tokens, grid_w, grid_h, dims, levels, channels, rows } = self.lookup;
        let c4 = vec4s(channels);
        let none = DynamicsBuffers { level: b.positions, prev: b.positions, said: b.positions, told: b.positions };
        let DynamicsBuffers { level, prev, said, told } = b.dynamics.unwrap_or(none);
        let x = covering(rows * c4, 64);
        let cells = (tokens * channels) as u64;
        let (taps, table_rows) = (if self.beside { TAPS } else { 0 }, dims * levels + 2);
        Pass {
            kernel: kernel(dims, levels, b.dynamics.is_some(), self.beside),
            shape: [tokens, grid_w, grid_h, c4, rows, 0, 0, 0].map(word),
            buffers: vec![b.tokens, b.table, b.positions, level, prev, said, told, b.x],
            workgroups: layers(x, 1),
            product: None,
            cost: Cost {
                ops: cells * ((1 + taps) * dims + 4) as u64,
                weight_bytes: 4 * ((1 + taps) * table_rows * channels) as u64 + 4 * cells,
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
