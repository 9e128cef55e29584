//! Patches to the frame's texture, and to the bytes that the odometer compares.

use super::{BufferId, Cost, GROUPS, Pass, covering, padded, word};
use crate::engine::gpu::kernel::{Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::ReadWrite, Bind::Picture];

pub fn kernel() -> Kernel {
    Kernel::assemble("picture", &[], &[], include_str!("../../../../shaders/picture.wgsl"), BINDS)
}

#[derive(Clone, Copy, Debug)]
pub struct PatchPicture {
    pub width_px: usize,
    pub height_px: usize,
    pub patch_px: usize,
}

impl PatchPicture {
    /// `pixels`: `(2, height_px, width_px)` u32, RGB in the lower three bytes.
    pub fn pass(&self, patches: BufferId, pixels: BufferId) -> Pass {
        let count = (self.width_px * self.height_px) as u64;
        let row = padded(self.patch_px * self.patch_px * 3);
        Pass {
            kernel: kernel(),
            shape: [word(self.width_px), word(self.height_px), word(self.patch_px), word(row), 0, 0, 0, 0],
            buffers: vec![patches, pixels],
            workgroups: [[covering(self.width_px, 8), covering(self.height_px, 8), 1]; GROUPS],
            product: None,
            cost: Cost { ops: 15 * count, weight_bytes: 0, group_bytes: 20 * count },
        }
    }
}
