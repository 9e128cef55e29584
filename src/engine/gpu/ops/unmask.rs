//! Which tokens a step settles, and their bytes for the host.

use super::{BufferId, Cost, GROUPS, Pass, word};
use crate::engine::gpu::kernel::{Bind, Kernel, RANDOM};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::ReadWrite, Bind::ReadWrite, Bind::ReadWrite];

pub fn kernel() -> Kernel {
    Kernel::assemble("unmask", &[], &[RANDOM], include_str!("../../../../shaders/unmask.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Unmask {
    pub tokens: usize,
    pub dims: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub choice: BufferId,
    pub confidence: BufferId,
    pub tokens: BufferId,
    pub keys: BufferId,
    pub codes: BufferId,
}

impl Unmask {
    pub fn pass(&self, b: Buffers) -> Pass {
        let (n, d) = (self.tokens as u64, self.dims as u64);
        Pass {
            kernel: kernel(),
            shape: [word(self.tokens), word(self.dims), 0, 0, 0, 0, 0, 0],
            buffers: vec![b.choice, b.confidence, b.tokens, b.keys, b.codes],
            workgroups: [[1, 1, 1]; GROUPS],
            cost: Cost { ops: n * (n * 5 + 30), weight_bytes: 0, group_bytes: n * (9 * d + 12) },
        }
    }
}
