//! What tokens of the land may be beside what is settled around them.

use super::{BufferId, Cost, GROUPS, Pass, word};
use crate::engine::adjacency::{Adjacency, SWEEPS, WAYS};
use crate::engine::gpu::kernel::{ADJACENCY, Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::ReadWrite, Bind::ReadWrite];

pub fn kernel() -> Kernel {
    let text = include_str!("../../../../shaders/narrow.wgsl");
    Kernel::assemble("narrow", &[], &[ADJACENCY], text, BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Narrow {
    pub tokens: usize,
    pub dims: usize,
    pub levels: usize,
    /// Tokens of the land, and words of a row of bits.
    pub land: usize,
    pub words: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    /// [`table`] of what lies beside what.
    pub adjacency: BufferId,
    pub tokens: BufferId,
    /// `(tokens, words + 1)`
    pub scratch: BufferId,
}

/// What lies beside what, as `shaders/common/adjacency.wgsl` lays it out.
pub fn table(adjacency: &Adjacency) -> Vec<u32> {
    let around = adjacency.around().iter().flatten();
    adjacency.land().iter().chain(adjacency.fits()).chain(around).chain(adjacency.open()).copied().collect()
}

impl Narrow {
    pub fn pass(&self, b: Buffers) -> Pass {
        let Self { tokens, dims, levels, land, words } = *self;
        let (n, w) = (tokens as u64, words as u64);
        Pass {
            kernel: kernel(),
            shape: [tokens, dims, levels, land, words, SWEEPS, 0, 0].map(word),
            buffers: vec![b.adjacency, b.tokens, b.scratch],
            workgroups: [[1, 1, 1]; GROUPS],
            product: None,
            // Where much is settled; each token narrows every other by the row of what fits any.
            cost: Cost {
                ops: n * w * (WAYS * (1 + SWEEPS)) as u64,
                weight_bytes: 4 * WAYS as u64 * (land as u64 + 1) * w,
                group_bytes: 4 * n * (dims as u64 + 2 * w * (1 + SWEEPS) as u64),
            },
        }
    }
}
