//! Attention of each position over itself and the committed frames of the ring.

use super::{BufferId, Cost, Pass, covering, vec4s, word};
use crate::engine::gpu::kernel::{ATTEND, Bind, Constant, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

/// `head_vec4s`: width of a head in vec4.
pub fn kernel(head_vec4s: usize) -> Kernel {
    let text = include_str!("../../../../shaders/attend_ring.wgsl");
    Kernel::assemble("attend_ring", &[Constant::Size("HEAD4", head_vec4s)], &[ATTEND], text, BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct AttendRing {
    pub tokens: usize,
    pub heads: usize,
    pub channels: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
    /// Slots of the ring.
    pub window: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub qkv: BufferId,
    pub ring: BufferId,
    pub bias: BufferId,
    pub attended: BufferId,
}

impl AttendRing {
    pub fn pass(&self, b: Buffers) -> Pass {
        let head_dim = self.channels / self.heads;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let workgroups = |groups| [covering(self.tokens, 64), word(self.heads), groups];
        let (n, c, w) = (self.tokens as u64, self.channels as u64, self.window as u64);
        Pass {
            kernel: kernel(vec4s(head_dim)),
            shape: [
                word(self.tokens),
                word(self.heads),
                word(self.rows),
                word(self.heads * vec4s(head_dim)),
                scale.to_bits(),
                word(self.window),
                0,
                0,
            ],
            buffers: vec![b.qkv, b.ring, b.bias, b.attended],
            workgroups: [workgroups(1), workgroups(2)],
            cost: Cost { ops: 4 * n * w * c, weight_bytes: 8 * n * w * c, group_bytes: 16 * n * c },
        }
    }
}
