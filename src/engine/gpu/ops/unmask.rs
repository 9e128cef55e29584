//! Which tokens a step settles, what is sent to the host of them, and whether the next step runs.

use super::{BufferId, Cost, GROUPS, Pass, remember::flag_at, word};
use crate::engine::gpu::kernel::{ADJACENCY, Bind, Kernel, RANDOM};
use crate::pack::manifest::FrameDims;

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::ReadWrite, Bind::ReadWrite, Bind::ReadWrite, Bind::ReadWrite, Bind::Read];

pub fn kernel() -> Kernel {
    let text = include_str!("../../../../shaders/unmask.wgsl");
    // Two counts.
    Kernel { workgroup_bytes: 8, ..Kernel::assemble("unmask", &[], &[RANDOM, ADJACENCY], text, BINDS) }
}

#[derive(Clone, Copy, Debug)]
pub struct Unmask {
    pub tokens: usize,
    /// Those that have a patch; the one behind them is the look.
    pub patches: usize,
    pub dims: usize,
    /// Of a step, this one included.
    pub passes: usize,
    /// Whether there is a map, whose offers lie behind the halves of the tokens.
    pub map: bool,
    /// Levels of a dimension.
    pub levels: usize,
    /// Tokens of the land where it is known what lies beside what, else 0, and words of a row of bits.
    pub land: usize,
    pub words: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub choice: BufferId,
    pub confidence: BufferId,
    pub tokens: BufferId,
    pub keys: BufferId,
    /// Of [`words_sent`].
    pub codes: BufferId,
    /// [`dispatches`] of the passes.
    pub dispatches: BufferId,
    /// [`super::narrow::table`], where it is known what lies beside what.
    pub adjacency: BufferId,
}

/// Word of what is sent to the host from which on it is told how each token was settled, a word each: behind the codes and the word of [`flag_at`].
pub fn told_at(code_bytes: usize) -> usize {
    flag_at(code_bytes) + 1
}

/// Words that are sent to the host of a frame.
pub fn words_sent(frame: &FrameDims) -> usize {
    told_at(frame.code_bytes()) + frame.tokens()
}

/// Workgroups of the passes of a step `(3, passes, 3)`: of one group of rows, of two, and room for those of the next step.
pub fn dispatches(passes: &[Pass]) -> Vec<u32> {
    let of_groups = |groups: usize| passes.iter().flat_map(move |pass| pass.workgroups[groups - 1]);
    of_groups(1).chain(of_groups(2)).chain(std::iter::repeat_n(0, 3 * passes.len())).collect()
}

/// Bytes ahead of the workgroups of pass `pass` of the next step, of `passes`.
pub fn dispatch_at(pass: usize, passes: usize) -> u64 {
    (size_of::<[u32; 3]>() * (2 * passes + pass)) as u64
}

impl Unmask {
    pub fn pass(&self, b: Buffers) -> Pass {
        let (n, d) = (self.tokens as u64, self.dims as u64);
        Pass {
            kernel: kernel(),
            shape: [
                word(self.tokens),
                word(self.dims),
                word(self.passes),
                u32::from(self.map),
                word(self.levels),
                word(self.land),
                word(self.words),
                word(self.patches),
            ],
            buffers: vec![b.choice, b.confidence, b.tokens, b.keys, b.codes, b.dispatches, b.adjacency],
            workgroups: [[1, 1, 1]; GROUPS],
            product: None,
            cost: Cost { ops: n * (n * 4 + 40), weight_bytes: 0, group_bytes: n * (9 * d + 16) },
        }
    }
}
