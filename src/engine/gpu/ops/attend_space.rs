//! Attention among the tokens of a frame.

use super::{BufferId, Cost, Pass, covering, padded, word};
use crate::engine::gpu::kernel::{ATTEND, Bind, Constant, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::ReadWrite];

pub fn kernel(head_dim: usize) -> Kernel {
    let text = include_str!("../../../../shaders/attend_space.wgsl");
    Kernel::assemble("attend_space", &[Constant::Size("HEAD_DIM", head_dim)], &[ATTEND], text, BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct AttendSpace {
    pub tokens: usize,
    pub heads: usize,
    pub channels: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub qkv: BufferId,
    pub attended: BufferId,
}

impl AttendSpace {
    pub fn pass(&self, b: Buffers) -> Pass {
        let head_dim = self.channels / self.heads;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let workgroups = |groups| [covering(self.tokens, 64), word(self.heads), groups];
        let (n, c) = (self.tokens as u64, self.channels as u64);
        Pass {
            kernel: kernel(head_dim),
            shape: [word(self.tokens), word(self.heads), word(self.rows), word(padded(self.channels)), scale.to_bits(), 0, 0, 0],
            buffers: vec![b.qkv, b.attended],
            workgroups: [workgroups(1), workgroups(2)],
            cost: Cost { ops: 4 * n * n * c, weight_bytes: 0, group_bytes: 16 * n * c },
        }
    }
}
