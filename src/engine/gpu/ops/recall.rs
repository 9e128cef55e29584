//! What a frame may know of the land from long ago: nine places of the map a token, folded into a table.

use super::{BufferId, Cost, GROUPS, Pass, covering, prev, vec4s, word};
use crate::engine::gpu::kernel::{Bind, GRID, Kernel, MAP};
use crate::engine::recall::{AGES, OLDEST, SIDE, TAPS};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite, Bind::ReadWrite];

// As in the shaders.
const _: () = assert!(SIDE == 256 && AGES == 6 && OLDEST[0] == 2 && OLDEST[1] == 8 && OLDEST[2] == 32 && OLDEST[3] == 128);

pub fn kernel() -> Kernel {
    Kernel::assemble("recall", &[], &[GRID, MAP], include_str!("../../../../shaders/recall.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Recall {
    /// Of the grid, and of the look where there is one.
    pub tokens: usize,
    pub grid_w: usize,
    pub grid_h: usize,
    pub dims: usize,
    pub levels: usize,
    pub channels: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
    /// Steps of a patch.
    pub steps: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub map: BufferId,
    pub odometer: BufferId,
    pub table: BufferId,
    /// Added to.
    pub prev: BufferId,
    /// Its part behind the halves is written: what the map offers to copy.
    pub tokens: BufferId,
}

impl Recall {
    pub fn pass(&self, b: Buffers) -> Pass {
        let c4 = vec4s(self.channels);
        let (tokens, patches) = (self.tokens, self.grid_w * self.grid_h);
        let x = covering(tokens * c4, 64);
        Pass {
            kernel: kernel(),
            shape: [tokens, self.grid_w, self.dims, self.levels, c4, self.rows, self.steps, patches].map(word),
            buffers: vec![b.map, b.odometer, b.table, b.prev, b.tokens],
            workgroups: [[x, 1, 1]; GROUPS],
            product: None,
            cost: Cost {
                ops: (tokens * TAPS * (self.dims + 1) * self.channels) as u64,
                weight_bytes: (4 * TAPS * (self.dims * self.levels + 2 + AGES) * self.channels) as u64,
                group_bytes: (8 * tokens * self.channels) as u64,
            },
        }
    }
}

/// The table the shader sums over, `(TAPS, dims * levels + 2 + AGES, channels padded)`: each row of `embed` `(dims * levels + 2, channels)`
/// and of `age` `(AGES, channels)` times each tap's part of `w` `(TAPS * channels, channels)`.
pub fn table(embed: &[f32], age: &[f32], w: &[f32], channels: usize) -> Vec<f32> {
    prev::table_ungated(&[embed, age].concat(), w, channels)
}
