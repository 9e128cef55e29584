//! Attention of each token to the words of the prompt.

use super::{
    BufferId, Cost, Pass,
    attend::{self, Attend},
};
use crate::engine::gpu::kernel::{Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

/// `head_vec4s`: width of a head in vec4.
pub fn kernel(head_vec4s: usize) -> Kernel {
    attend::kernel("attend_prompt", head_vec4s, include_str!("../../../../shaders/attend_prompt.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub query: BufferId,
    pub words: BufferId,
    pub shares: BufferId,
    pub attended: BufferId,
}

/// `slot_words`: keys that a prompt slot has room for.
pub fn pass(a: Attend, slot_words: usize, b: Buffers) -> Pass {
    let (n, c, k) = (a.tokens as u64, a.channels as u64, slot_words as u64);
    let cost = Cost { ops: 4 * n * k * c, weight_bytes: 8 * k * c, group_bytes: 8 * n * c };
    a.pass(kernel, slot_words, vec![b.query, b.words, b.shares, b.attended], cost)
}
