//! What the three kernels of attention have in common, as `shaders/common/attend.wgsl` does.

use super::{BufferId, Cost, Pass, covering, layers, vec4s, word};
use crate::engine::gpu::kernel::{ATTEND, Bind, Constant, Kernel};

/// `head_vec4s`: width of a head in vec4.
pub(super) fn kernel(stem: &'static str, head_vec4s: usize, text: &str, binds: &'static [Bind]) -> Kernel {
    Kernel::assemble(stem, &[Constant::Size("HEAD4", head_vec4s)], &[ATTEND], text, binds)
}

/// Sizes of the rows that attend.
#[derive(Clone, Copy, Debug)]
pub struct Attend {
    pub tokens: usize,
    pub heads: usize,
    pub channels: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
}

impl Attend {
    /// `kernel`: by width of a head in vec4. `room`: keys there is room for.
    pub(super) fn pass(&self, kernel: fn(usize) -> Kernel, room: usize, buffers: Vec<BufferId>, cost: Cost) -> Pass {
        let head_dim = self.channels / self.heads;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let c4 = self.heads * vec4s(head_dim);
        Pass {
            kernel: kernel(vec4s(head_dim)),
            shape: [word(self.tokens), word(self.heads), word(self.rows), word(c4), scale.to_bits(), word(room), 0, 0],
            buffers,
            workgroups: layers(covering(self.tokens, 64), word(self.heads)),
            product: None,
            cost,
        }
    }
}
