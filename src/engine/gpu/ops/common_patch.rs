//! What the tokens of a picture have in common, which the odometer leaves out.

use super::{BufferId, Cost, GROUPS, Pass, covering, word};
use crate::engine::gpu::kernel::{Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::ReadWrite];

/// Pixels of a workgroup, and lanes that share out the tokens of each, as in the shader.
const PIXELS: usize = 16;
const PARTS: usize = 16;

pub fn kernel() -> Kernel {
    let text = include_str!("../../../../shaders/common_patch.wgsl");
    // Of each lane three sums and a count.
    Kernel { workgroup_bytes: 16 * PIXELS * PARTS, ..Kernel::assemble("common_patch", &[], &[], text, BINDS) }
}

#[derive(Clone, Copy, Debug)]
pub struct CommonPatch {
    pub width_px: usize,
    pub height_px: usize,
    pub patch_px: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub pixels: BufferId,
    pub scrolls: BufferId,
    /// Written: [`CommonPatch::words`].
    pub common: BufferId,
}

impl CommonPatch {
    /// Words of what both halves' tokens have in common, one a pixel.
    pub fn words(&self) -> usize {
        2 * self.patch_px * self.patch_px
    }

    pub fn pass(&self, b: Buffers) -> Pass {
        let tokens = (self.width_px / self.patch_px) * (self.height_px / self.patch_px);
        let pixels = (self.width_px * self.height_px) as u64;
        Pass {
            kernel: kernel(),
            shape: [word(self.width_px), word(self.height_px), word(self.patch_px), word(tokens), 0, 0, 0, 0],
            buffers: vec![b.pixels, b.scrolls, b.common],
            workgroups: [[covering(self.words(), PIXELS), 1, 1]; GROUPS],
            product: None,
            cost: Cost { ops: 12 * pixels, weight_bytes: 0, group_bytes: 8 * pixels },
        }
    }
}
