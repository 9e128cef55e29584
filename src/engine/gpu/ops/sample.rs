//! Choice of a level for every code dimension of every token.

use super::{BufferId, Cost, Pass, covering, padded, word};
use crate::engine::gpu::kernel::{Bind, Kernel, MATH, RANDOM};

const BINDS: &[Bind] = &[Bind::Read, Bind::ReadWrite, Bind::ReadWrite];

pub fn kernel() -> Kernel {
    Kernel::assemble("sample", &[], &[MATH, RANDOM], include_str!("../../../../shaders/sample.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub tokens: usize,
    pub dims: usize,
    pub levels: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub logits: BufferId,
    pub choice: BufferId,
    pub confidence: BufferId,
}

impl Sample {
    pub fn pass(&self, b: Buffers) -> Pass {
        let choices = self.tokens * self.dims;
        Pass {
            kernel: kernel(),
            shape: [word(self.tokens), word(self.dims), word(self.levels), word(padded(self.dims * self.levels)), 0, 0, 0, 0],
            buffers: vec![b.logits, b.choice, b.confidence],
            workgroups: [[covering(choices, 64), 1, 1]; 2],
            // Hash, two logarithms and an exponential: some 60 operations a level.
            cost: Cost {
                ops: 60 * (choices * self.levels) as u64,
                weight_bytes: 0,
                group_bytes: 4 * (choices * self.levels + 2 * choices) as u64,
            },
        }
    }
}
