//! The end of a frame: whether the view moved, and its tokens into the map.

use super::{BufferId, Cost, GROUPS, Pass, word};
use crate::engine::gpu::kernel::{Bind, Kernel, MAP};
use crate::engine::recall::{self, Map};
use crate::pack::manifest::FrameDims;

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

/// A place of the map as the shaders have it, and the byte where it begins.
pub fn place(at: [i32; 2], frame: u32, levels: &[u8]) -> (u64, Vec<u32>) {
    let words: Vec<u32> = words_of_place(at, frame, levels).collect();
    ((recall::index(at) * words.len() * 4) as u64, words)
}

fn words_of_place(at: [i32; 2], frame: u32, levels: &[u8]) -> impl Iterator<Item = u32> {
    [at[0].cast_unsigned(), at[1].cast_unsigned(), frame].into_iter().chain(levels.chunks(4).map(packed))
}

/// Levels, four a word.
fn packed(levels: &[u8]) -> u32 {
    levels.iter().rev().fold(0, |word, &level| word << 8 | u32::from(level))
}

/// A map as the shaders have it: of each place where it is, the frame and its levels, four a word; then of each token whether it never scrolls and, if
/// so, the levels it may copy.
pub fn words(map: &Map, frame: &FrameDims) -> Vec<u32> {
    let mut words = Vec::new();
    for (at, frame, levels) in map.places() {
        words.extend(words_of_place(at, frame, levels));
    }
    let nothing = vec![0; frame.code_dims];
    for pose in map.poses() {
        words.push(u32::from(pose.is_some()));
        words.extend(pose.unwrap_or(&nothing).chunks(4).map(packed));
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
