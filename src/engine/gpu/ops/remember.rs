//! The end of a frame: whether the view moved, and its tokens into the map.

use super::{BufferId, Cost, GROUPS, Pass, word};
use crate::engine::gpu::kernel::{Bind, Kernel, MAP};
use crate::engine::recall::{Map, SIDE};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::ReadWrite, Bind::ReadWrite, Bind::ReadWrite];

pub fn kernel() -> Kernel {
    Kernel::assemble("remember", &[], &[MAP], include_str!("../../../../shaders/remember.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct Remember {
    pub tokens: usize,
    pub grid_w: usize,
    pub dims: usize,
    /// Steps of a patch.
    pub steps: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub tokens: BufferId,
    pub scrolls: BufferId,
    pub map: BufferId,
    pub odometer: BufferId,
    /// Their word of [`flag_at`] is written.
    pub codes: BufferId,
}

/// Word behind the packed codes of a frame that says whether the view moved.
pub fn flag_at(code_bytes: usize) -> usize {
    code_bytes.div_ceil(4)
}

/// Words of a map of tokens of so many dimensions.
pub fn map_words(dims: usize) -> usize {
    (SIDE * SIDE) as usize * place_words(dims)
}

/// Place, frame and levels, four a word.
fn place_words(dims: usize) -> usize {
    3 + dims.div_ceil(4)
}

/// A map as the shaders have it.
pub fn words(map: &Map, dims: usize) -> Vec<u32> {
    let mut words = Vec::with_capacity(map_words(dims));
    for (at, frame, levels) in map.places() {
        words.extend([at[0].cast_unsigned(), at[1].cast_unsigned(), frame]);
        words.extend(levels.chunks(4).map(|four| four.iter().rev().fold(0, |word, &level| word << 8 | u32::from(level))));
    }
    words
}

impl Remember {
    pub fn pass(&self, b: Buffers) -> Pass {
        let (n, d) = (self.tokens as u64, self.dims as u64);
        let flag = flag_at(self.tokens * self.dims);
        Pass {
            kernel: kernel(),
            shape: [word(self.tokens), word(self.grid_w), word(self.dims), word(self.steps), word(flag), 0, 0, 0],
            buffers: vec![b.tokens, b.scrolls, b.map, b.odometer, b.codes],
            workgroups: [[1, 1, 1]; GROUPS],
            product: None,
            cost: Cost { ops: n * (10 + 3 * d), weight_bytes: 0, group_bytes: n * (16 + 5 * d) },
        }
    }
}
