//! Gains that a look sets behind the norms of the tokenizer's decoder.

use super::{BufferId, Cost, GROUPS, Pass, covering, matmul::pad_columns, padded, word};
use crate::engine::gpu::kernel::{Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

/// Invocations of a workgroup, as in the shader.
const LANES: usize = 64;

pub fn kernel() -> Kernel {
    let text = include_str!("../../../../shaders/gains.wgsl");
    // A hidden unit a lane.
    Kernel { workgroup_bytes: 4 * LANES, ..Kernel::assemble("gains", &[], &[], text, BINDS) }
}

#[derive(Clone, Copy, Debug)]
pub struct Gains {
    pub tokens: usize,
    pub dims: usize,
    pub levels: usize,
    /// Hidden units.
    pub units: usize,
    /// Norms of `channels`, and behind them one of `channels_last`.
    pub norms: usize,
    pub channels: usize,
    pub channels_last: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub tokens: BufferId,
    pub hidden: BufferId,
    pub bias: BufferId,
    /// See [`Gains::weights`].
    pub weights: BufferId,
    /// Written: [`Gains::padded`].
    pub gains: BufferId,
}

impl Gains {
    /// Where the gains of a norm begin, a multiple of 4.
    pub fn from(&self, norm: usize) -> usize {
        norm * padded(self.channels)
    }

    /// Gains of all norms, those of each padded.
    pub fn padded(&self) -> usize {
        self.from(self.norms) + padded(self.channels_last)
    }

    /// The matrix `(units, padded)` of `w` `(units, norms * channels + channels_last)`.
    pub fn weights(&self, w: &[f32]) -> Vec<f32> {
        let row = |row: &[f32]| {
            let (of_channels, of_last) = row.split_at(self.norms * self.channels);
            [pad_columns(of_channels, self.channels, 1), pad_columns(of_last, self.channels_last, 1)].concat()
        };
        w.chunks_exact(self.norms * self.channels + self.channels_last).flat_map(row).collect()
    }

    pub fn pass(&self, b: Buffers) -> Pass {
        let gains = self.padded();
        let workgroups = covering(gains / 4, LANES);
        let (of_units, of_gains) = (self.dims * self.units, self.units * gains);
        Pass {
            kernel: kernel(),
            shape: [self.tokens, self.dims, self.levels, self.units, gains / 4, 0, 0, 0].map(word),
            buffers: vec![b.tokens, b.hidden, b.bias, b.weights, b.gains],
            workgroups: [[workgroups, 1, 1]; GROUPS],
            product: None,
            cost: Cost {
                ops: 2 * (workgroups as usize * of_units + of_gains) as u64,
                weight_bytes: 4 * (of_units + self.units + of_gains) as u64,
                group_bytes: 4 * gains as u64,
            },
        }
    }
}
