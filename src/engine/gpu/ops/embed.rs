//! Tokens to channels, for the dynamics and for the tokenizer's decoder.

use super::{BufferId, Cost, Pass, covering, layers, vec4s, word};
use crate::engine::gpu::kernel::{Bind, Constant, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

pub fn kernel(dynamics: bool) -> Kernel {
    let text = include_str!("../../../../shaders/embed.wgsl");
    Kernel::assemble("embed", &[Constant::Flag("DYNAMICS", dynamics)], &[], text, BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Embed {
    pub tokens: usize,
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
        Pass {
            kernel: kernel(b.dynamics.is_some()),
            shape: [word(self.tokens), word(self.dims), word(self.levels), word(c4), word(self.rows), 0, 0, 0],
            buffers: vec![b.tokens, b.table, b.positions, level, prev, said, told, b.x],
            workgroups: layers(x, 1),
            product: None,
            cost: Cost {
                ops: cells * (self.dims as u64 + 4),
                weight_bytes: 4 * ((self.dims * self.levels + 2) * self.channels) as u64 + 4 * cells,
                group_bytes: 8 * cells,
            },
        }
    }
}
