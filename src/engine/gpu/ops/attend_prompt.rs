//! Attention of each token to the words of the prompt.

use super::{BufferId, Cost, Pass, covering, vec4s, word};
use crate::engine::gpu::kernel::{ATTEND, Bind, Constant, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::ReadWrite];

/// `head_vec4s`: width of a head in vec4.
pub fn kernel(head_vec4s: usize) -> Kernel {
    let text = include_str!("../../../../shaders/attend_prompt.wgsl");
    Kernel::assemble("attend_prompt", &[Constant::Size("HEAD4", head_vec4s)], &[ATTEND], text, BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct AttendPrompt {
    pub tokens: usize,
    pub heads: usize,
    pub channels: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
    /// Keys that a prompt slot has room for.
    pub slot_words: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub query: BufferId,
    pub words: BufferId,
    pub attended: BufferId,
}

impl AttendPrompt {
    pub fn pass(&self, b: Buffers) -> Pass {
        let head_dim = self.channels / self.heads;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let workgroups = |groups| [covering(self.tokens, 64), word(self.heads), groups];
        let (n, c, k) = (self.tokens as u64, self.channels as u64, self.slot_words as u64);
        Pass {
            kernel: kernel(vec4s(head_dim)),
            shape: [
                word(self.tokens),
                word(self.heads),
                word(self.rows),
                word(self.heads * vec4s(head_dim)),
                scale.to_bits(),
                word(self.slot_words),
                0,
                0,
            ],
            buffers: vec![b.query, b.words, b.attended],
            workgroups: [workgroups(1), workgroups(2)],
            cost: Cost { ops: 4 * n * k * c, weight_bytes: 8 * k * c, group_bytes: 8 * n * c },
        }
    }
}
