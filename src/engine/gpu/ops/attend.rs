//! Attention of tokens to each other, to the frames before and to the words of a prompt: `shaders/attend_*.wgsl`.

use super::{BufferId, Cost, Pass, covering, layers, vec4s, word};
use crate::engine::gpu::kernel::{ATTEND, Bind, Constant, Kernel};

/// Tokens of a workgroup, and invocations that share out the keys of each, as in the shader.
const QUERIES: usize = 16;
const PARTS: usize = 4;

/// What a workgroup keeps: two numbers of every invocation, and [`PARTS`] vec4s at a time.
const WORKGROUP_BYTES: usize = QUERIES * PARTS * (2 * 4 + PARTS * 16);

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

/// What is attended to, and the buffers it lies in.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// The tokens of the frame.
    Space { qkv: BufferId },
    /// The position itself and the committed frames of a ring of `window` slots.
    Ring { qkv: BufferId, ring: BufferId, bias: BufferId, window: usize },
    /// Words of the prompt; a slot has room for `room`.
    Prompt { query: BufferId, words: BufferId, shares: BufferId, room: usize },
}

impl Keys {
    /// `head_vec4s`: width of a head in vec4.
    pub fn kernel(&self, head_vec4s: usize) -> Kernel {
        let (stem, text, binds) = match self {
            Self::Space { .. } => ("attend_space", include_str!("../../../../shaders/attend_space.wgsl"), &BINDS[2..]),
            Self::Ring { .. } => ("attend_ring", include_str!("../../../../shaders/attend_ring.wgsl"), BINDS),
            Self::Prompt { .. } => ("attend_prompt", include_str!("../../../../shaders/attend_prompt.wgsl"), BINDS),
        };
        let constants = [Constant::Size("HEAD4", head_vec4s)];
        Kernel { workgroup_bytes: WORKGROUP_BYTES, ..Kernel::assemble(stem, &constants, &[ATTEND], text, binds) }
    }
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
    pub fn pass(&self, keys: Keys, attended: BufferId) -> Pass {
        let (n, c) = (self.tokens as u64, self.channels as u64);
        // Keys there is room for, bytes of keys and values that are the same for all groups, vec4s of a row that is read or written.
        let (buffers, room, shared_bytes, row) = match keys {
            Keys::Space { qkv } => (vec![qkv, attended], self.tokens, 0, 4),
            Keys::Ring { qkv, ring, bias, window } => (vec![qkv, ring, bias, attended], window, 8 * n * window as u64 * c, 4),
            Keys::Prompt { query, words, shares, room } => (vec![query, words, shares, attended], room, 8 * room as u64 * c, 2),
        };
        let head_dim = self.channels / self.heads;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let c4 = self.heads * vec4s(head_dim);
        Pass {
            kernel: keys.kernel(vec4s(head_dim)),
            shape: [word(self.tokens), word(self.heads), word(self.rows), word(c4), scale.to_bits(), word(room), 0, 0],
            buffers,
            workgroups: layers(covering(self.tokens, QUERIES), word(self.heads)),
            product: None,
            cost: Cost { ops: 4 * n * room as u64 * c, weight_bytes: shared_bytes, group_bytes: 4 * row * n * c },
        }
    }
}
