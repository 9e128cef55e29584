//! Attention among the tokens of a frame.

use super::{
    BufferId, Cost, Pass,
    attend::{self, Attend},
};
use crate::engine::gpu::kernel::{Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::ReadWrite];

/// `head_vec4s`: width of a head in vec4.
pub fn kernel(head_vec4s: usize) -> Kernel {
    attend::kernel("attend_space", head_vec4s, include_str!("../../../../shaders/attend_space.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub qkv: BufferId,
    pub attended: BufferId,
}

pub fn pass(a: Attend, b: Buffers) -> Pass {
    let (n, c) = (a.tokens as u64, a.channels as u64);
    let cost = Cost { ops: 4 * n * n * c, weight_bytes: 0, group_bytes: 16 * n * c };
    a.pass(kernel, a.tokens, vec![b.qkv, b.attended], cost)
}
