//! Attention among the tokens of a frame.

use super::{BufferId, Cost, Pass, covering, vec4s, word};
use crate::engine::gpu::kernel::{ATTEND, Bind, Constant, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::ReadWrite];

/// `head_vec4s`: width of a head in vec4.
pub fn kernel(head_vec4s: usize) -> Kernel {
    let text = include_str!("../../../../shaders/attend_space.wgsl");
    Kernel::assemble("attend_space", &[Constant::Size("HEAD4", head_vec4s)], &[ATTEND], text, BINDS)
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
            kernel: kernel(vec4s(head_dim)),
            shape: [word(self.tokens), word(self.heads), word(self.rows), word(self.heads * vec4s(head_dim)), scale.to_bits(), 0, 0, 0],
            buffers: vec![b.qkv, b.attended],
            workgroups: [workgroups(1), workgroups(2)],
            cost: Cost { ops: 4 * n * n * c, weight_bytes: 0, group_bytes: 16 * n * c },
        }
    }
}
