//! What a frame may know of the land from long ago: nine places of the map a token, folded into a table.

use super::embed::{Lookup, sizes_of_codes};
use super::{BufferId, Cost, GROUPS, Pass, covering, prev, vec4s, word};
use crate::engine::gpu::kernel::{Bind, GRID, Kernel, MAP};
use crate::engine::recall::{AGES, OLDEST, SIDE, TAPS};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite, Bind::ReadWrite];

// As in the shaders.
const _: () = assert!(SIDE == 256 && AGES == 6 && OLDEST[0] == 2 && OLDEST[1] == 8 && OLDEST[2] == 32 && OLDEST[3] == 128);

pub fn kernel(dims: usize, levels: usize) -> Kernel {
    Kernel::assemble("recall", &sizes_of_codes(dims, levels), &[GRID, MAP], include_str!("../../../../shaders/recall.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Recall {
    pub lookup: Lookup,
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
        let Lookup { tokens, grid_w, grid_h, dims, levels, channels, rows } = self.lookup;
        let c4 = vec4s(channels);
        let x = covering(tokens * c4, 64);
        Pass {
            kernel: kernel(dims, levels),
            shape: [tokens, grid_w, c4, rows, self.steps, grid_w * grid_h, 0, 0].map(word),
            buffers: vec![b.map, b.odometer, b.table, b.prev, b.tokens],
            workgroups: [[x, 1, 1]; GROUPS],
            product: None,
            cost: Cost {
                ops: (tokens * TAPS * (dims + 1) * channels) as u64,
                weight_bytes: (4 * TAPS * (dims * levels + 2 + AGES) * channels) as u64,
                group_bytes: (8 * tokens * channels) as u64,
            },
        }
    }
}

/// The table the shader sums over, `(TAPS, dims * levels + 2 + AGES, channels padded)`: each row of `embed` `(dims * levels + 2, channels)`
/// and of `age` `(AGES, channels)` times each tap's part of `w` `(TAPS * channels, channels)`.
pub fn table(embed: &[f32], age: &[f32], w: &[f32], channels: usize) -> Vec<f32> {
    prev::table_ungated(&[embed, age].concat(), w, channels)
}
