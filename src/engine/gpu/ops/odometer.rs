//! How far the last two pictures lie apart if the view moved, and if it stayed.

use super::{BufferId, Cost, GROUPS, Pass, covering, word};
use crate::engine::gpu::kernel::{Bind, Kernel};

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite];

pub fn kernel() -> Kernel {
    let text = include_str!("../../../../shaders/odometer.wgsl");
    // Four sums of a workgroup.
    Kernel { workgroup_bytes: 16, ..Kernel::assemble("odometer", &[], &[], text, BINDS) }
}

#[derive(Clone, Copy, Debug)]
pub struct Odometer {
    pub width_px: usize,
    pub height_px: usize,
    pub patch_px: usize,
    pub step_px: usize,
}

#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub pixels: BufferId,
    pub scrolls: BufferId,
    pub common: BufferId,
    pub odometer: BufferId,
}

/// Words of the odometer's buffer: view (x, y), frames remembered, one of padding, and the sums, two of pictures as they are and two of them
/// without what their tokens have in common.
pub const WORDS: usize = 8;

/// The odometer's buffer where `frames` were remembered and the last one's upper left corner lay at `view`.
pub fn words(view: [i32; 2], frames: u32) -> [u32; WORDS] {
    [view[0].cast_unsigned(), view[1].cast_unsigned(), frames, 0, 0, 0, 0, 0]
}

impl Odometer {
    pub fn pass(&self, b: Buffers) -> Pass {
        let pixels = (self.width_px * self.height_px) as u64;
        Pass {
            kernel: kernel(),
            shape: [word(self.width_px), word(self.height_px), word(self.patch_px), word(self.step_px), 0, 0, 0, 0],
            buffers: vec![b.pixels, b.scrolls, b.common, b.odometer],
            workgroups: [[covering(self.width_px, 16), covering(self.height_px, 16), 1]; GROUPS],
            product: None,
            cost: Cost { ops: 50 * pixels, weight_bytes: 0, group_bytes: 8 * pixels },
        }
    }
}
