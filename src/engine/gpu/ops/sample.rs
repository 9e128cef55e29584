//! The head: levels of every token, one code dimension after the other, described or copied.

use super::{BufferId, Cost, GROUPS, Pass, padded, word};
use crate::engine::gpu::kernel::{Bind, Constant, Kernel, MAP, MATH, RANDOM};
use crate::pack::limits;

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite, Bind::ReadWrite, Bind::ReadWrite];

/// Invocations of a workgroup, as in the shader.
const LANES: usize = 64;
const _: () = assert!(limits::CODE_LEVELS <= LANES, "every level needs a lane");

/// `units`: hidden units of a token, those of all dimensions.
pub fn kernel(units: usize, land: usize, patches: usize) -> Kernel {
    let constants = [Constant::Size("UNITS", units), Constant::Size("LAND", land), Constant::Size("PATCHES", patches)];
    let text = include_str!("../../../../shaders/sample.wgsl");
    Kernel { workgroup_bytes: 4 * (units + 5 * LANES + 1), ..Kernel::assemble("sample", &constants, &[MAP, MATH, RANDOM], text, BINDS) }
}

#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub tokens: usize,
    /// Those that have a patch; the one behind them is the look.
    pub patches: usize,
    pub dims: usize,
    pub levels: usize,
    /// Hidden units a dimension.
    pub units: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
    /// Sources that may be copied from: the frame before, and the map where there is one.
    pub sources: usize,
    /// Tokens of the vocabulary; 0 where any may be drawn.
    pub vocabulary: usize,
    /// Tokens of the land where it is known what lies beside what, else 0.
    pub land: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub hidden: BufferId,
    pub codes: BufferId,
    pub weights: BufferId,
    /// See [`words`].
    pub bias: BufferId,
    pub tokens: BufferId,
    pub choice: BufferId,
    pub confidence: BufferId,
    pub logits: BufferId,
}

/// The bias `(dims, levels)` and, behind it, the keys of the vocabulary and those of the land.
pub fn words(bias: &[f32], keys: &[u32], land: &[u32]) -> Vec<u32> {
    bias.iter().map(|x| x.to_bits()).chain(keys.iter().chain(land).copied()).collect()
}

impl Sample {
    pub fn pass(&self, b: Buffers) -> Pass {
        let all_units = self.dims * self.units;
        let (n, d, l, u, s) = (self.tokens as u64, self.dims as u64, self.levels as u64, self.units as u64, self.sources as u64);
        // Of the hidden units, how many a token's levels add to: those of later dimensions.
        let later = d * (d - 1) / 2 * u;
        Pass {
            kernel: kernel(all_units, self.land, self.patches),
            shape: [
                word(self.tokens),
                word(self.dims),
                word(self.levels),
                word(self.units),
                word(padded(all_units + self.sources)),
                word(self.rows),
                word(self.sources),
                word(self.vocabulary),
            ],
            buffers: vec![b.hidden, b.codes, b.weights, b.bias, b.tokens, b.choice, b.confidence, b.logits],
            workgroups: [[word(self.tokens), 1, 1]; GROUPS],
            // Hash, two logarithms and an exponential: some 60 operations a level.
            product: None,
            cost: Cost {
                ops: n * (2 * d * u * l + later + 60 * d * l),
                weight_bytes: 4 * (l * later + d * u * l + d * l),
                group_bytes: 4 * n * (d * u + s + d * (1 + s) + 1),
            },
        }
    }
}
