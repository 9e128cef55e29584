//! The block of values that change from step to step, as `shaders/common/frame.wgsl` lays it out.

use bytemuck::{Pod, Zeroable};

/// Stands for "no slot".
pub const NONE: u32 = u32::MAX;

/// Level that stands for "to be predicted" in the token buffer; [`crate::engine::UNKNOWN`] is the other special one.
pub const MASKED: u32 = 254;

/// Stands for "as the odometer finds" in [`FrameParams::moved`].
pub const BY_ODOMETER: u32 = 2;

/// Most groups of rows that run at once: the frame being dreamed, the same without its prompt, and the frame being committed.
pub const GROUPS: usize = 3;

/// Bytes between two blocks in the uniform buffer: the offset alignment every device accepts.
pub const FRAME_SLOT_BYTES: u64 = 256;

/// One group of rows. Fields: see the shader.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct GroupParams {
    pub half: u32,
    pub action: u32,
    pub level: u32,
    pub fresh: u32,
    pub store: u32,
    pub newest: u32,
    pub ages: u32,
    pub prompt: u32,
    pub words: u32,
    pub told: u32,
    pub pad: [u32; 2],
}

/// Parameters of one decoding step, as long as a slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
pub struct FrameParams {
    pub groups: [GroupParams; GROUPS],
    pub seed: u32,
    pub frame: u32,
    pub step: u32,
    /// 0: random, 1: confidence.
    pub order: u32,
    /// Share of the uncertain tokens that stay masked behind this step.
    pub kept: f32,
    pub temperature: f32,
    /// 1: levels are not drawn but taken from the token buffer, and logits are kept.
    pub forced: u32,
    /// Above 0 group 1 is the frame without its prompt.
    pub guidance: f32,
    /// In steps.
    pub motion: [i32; 2],
    /// 0, 1 or [`BY_ODOMETER`].
    pub moved: u32,
    /// Log-probability from which on a token is settled at once, or 0.
    pub certain: f32,
    /// 1: a preview, which leaves the visible picture as it is.
    pub aside: u32,
    /// Levels less likely than this share of the likeliest are never drawn; 0: all may be.
    pub min_p: f32,
    /// The same two for tokens that the map has nothing to offer for, and whether they are never certain.
    pub new_temperature: f32,
    pub new_min_p: f32,
    pub new_uncertain: u32,
    /// 1: behind the last step what did not fit is drawn once more.
    pub mending: u32,
    pub pad: [u32; 10],
}

const _: () = assert!(size_of::<FrameParams>() as u64 == FRAME_SLOT_BYTES);
