//! One module for each kernel, with the stem of its shader: shape block, workgroups, cost, and how to put a pass of it together.
//! `attend` is all three kernels of attention.

pub mod attend;
pub mod common_patch;
pub mod embed;
pub mod gains;
pub mod matmul;
pub mod narrow;
pub mod odometer;
pub mod picture;
pub mod prev;
pub mod recall;
pub mod remember;
pub mod sample;
pub mod unmask;

use super::frame::GROUPS;
use super::kernel::Kernel;

/// Index of a buffer in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BufferId(pub usize);

/// The eight words of a kernel's shape block.
pub type ShapeWords = [u32; 8];

/// What a pass costs: arithmetic operations (a multiplication and an addition are two) and bytes that must move at least once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub ops: u64,
    /// Weights and tables, read once however many groups there are.
    pub weight_bytes: u64,
    /// Activations read and written for one group.
    pub group_bytes: u64,
}

/// One dispatch, planned: everything is known before anything is recorded.
#[derive(Clone, Debug)]
pub struct Pass {
    pub kernel: Kernel,
    pub shape: ShapeWords,
    /// Buffers at bindings 2 and up, in order; the picture takes no place here.
    pub buffers: Vec<BufferId>,
    /// Workgroups when one group of rows runs, when two do, and so on.
    pub workgroups: [[u32; 3]; GROUPS],
    /// What is multiplied, if that is what it does: it may be cut up otherwise.
    pub product: Option<matmul::Matmul>,
    /// `ops` and `group_bytes` for one group.
    pub cost: Cost,
}

/// Workgroups of a pass by how many groups run: a layer for each.
pub(super) fn layers(x: u32, y: u32) -> [[u32; 3]; GROUPS] {
    std::array::from_fn(|more| [x, y, 1 + more as u32])
}

/// `ceil(values / 4)`: width in vec4.
pub fn vec4s(values: usize) -> usize {
    values.div_ceil(4)
}

/// `values` rounded up to whole vec4s.
pub fn padded(values: usize) -> usize {
    vec4s(values) * 4
}

/// Width of `values` cut into `parts` equal parts (heads, say) of whole vec4s each.
pub fn padded_parts(values: usize, parts: usize) -> usize {
    padded(values / parts) * parts
}

/// Sizes are checked against the device's limits at load, far below u32; a larger one saturates and is refused there.
pub(super) fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Workgroups of `size` invocations that cover `count`.
pub(super) fn covering(count: usize, size: usize) -> u32 {
    word(count.div_ceil(size))
}
