//! Attention of each position over itself and the committed frames of the ring.

use super::{
    BufferId, Cost, Pass,
    attend::{self, Attend},
};
use crate::engine::gpu::kernel::{Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

/// `head_vec4s`: width of a head in vec4.
pub fn kernel(head_vec4s: usize) -> Kernel {
    attend::kernel("attend_ring", head_vec4s, include_str!("../../../../shaders/attend_ring.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub qkv: BufferId,
    pub ring: BufferId,
    pub bias: BufferId,
    pub attended: BufferId,
}

/// `window`: slots of the ring.
pub fn pass(a: Attend, window: usize, b: Buffers) -> Pass {
    let (n, c, w) = (a.tokens as u64, a.channels as u64, window as u64);
    let cost = Cost { ops: 4 * n * w * c, weight_bytes: 8 * n * w * c, group_bytes: 16 * n * c };
    a.pass(kernel, window, vec![b.qkv, b.ring, b.bias, b.attended], cost)
}
