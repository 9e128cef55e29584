//! Matrix products with the norm ahead and bias, GELU, residual or the ring behind them.

use super::{BufferId, Cost, GROUPS, Pass, ShapeWords, covering, layers, padded, padded_parts, vec4s, word};
use crate::engine::gpu::kernel::{Bind, Constant, Kernel, MATH, halves};
use crate::engine::gpu::tier::Tier;
use half::f16;

const BINDS: &[Bind] = &[Bind::Read, Bind::Read, Bind::Read, Bind::Read, Bind::ReadWrite, Bind::ReadWrite];

/// How a product is cut up; results are the same to the bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Rows a thread makes, each of 4 columns: 1, 2 or 4.
    pub rows: usize,
    /// Threads of a workgroup: across the columns, and down the rows.
    pub across: usize,
    pub down: usize,
}

impl Tile {
    const fn new(rows: usize, across: usize, down: usize) -> Self {
        Self { rows, across, down }
    }

    /// What there is to choose from. Fewer rows a thread are more threads, which large devices need to be busy.
    pub const ALL: [Self; 9] = [
        Self::new(4, 16, 4),
        Self::new(4, 8, 8),
        Self::new(4, 32, 2),
        Self::new(2, 16, 4),
        Self::new(2, 8, 8),
        Self::new(2, 32, 2),
        Self::new(1, 16, 4),
        Self::new(1, 8, 8),
        Self::new(1, 32, 2),
    ];
}

impl Default for Tile {
    fn default() -> Self {
        Self::ALL[0]
    }
}

/// vec4s of k, at least, that each of the threads has which share out a sum: what they come to has to be added up in the end.
const LEAST_OF_K4: usize = 16;

/// Where there are more sums of four columns than that, times the threads of each, a device is busy: they are not shared out.
const BUSY_SUMS: usize = 1 << 14;

/// Which prologue and epilogue a product has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variant {
    pub norm: bool,
    pub gelu: bool,
    pub residual: bool,
    /// Columns from `ring_from` on also go to the ring, for groups that have a slot there.
    pub scatter: bool,
    pub tier: Tier,
    /// For a device that does much at once; see [`GpuContext::is_wide`](crate::engine::gpu::GpuContext::is_wide).
    pub wide: bool,
    pub tile: Tile,
}

/// `parts`: threads that share out a sum along k.
pub fn kernel(variant: Variant, parts: usize) -> Kernel {
    let constants = [
        Constant::Flag("BARE", variant.tier == Tier::Bare),
        Constant::Flag("F16", variant.tier >= Tier::F16),
        Constant::Flag("WIDE", variant.wide),
        Constant::Flag("NORM", variant.norm),
        Constant::Flag("GELU", variant.gelu),
        Constant::Flag("RESIDUAL", variant.residual),
        Constant::Flag("SCATTER", variant.scatter),
        Constant::Size("PARTS", parts),
        Constant::Size("ROWS", variant.tile.rows),
        Constant::Size("ACROSS", variant.tile.across),
        Constant::Size("DOWN", variant.tile.down),
    ];
    // A sum of four columns and one of squares for each row of each thread whose part is not the first; of one where there are none.
    let tile = variant.tile;
    let workgroup_bytes = 20 * tile.rows * ((parts - 1) * tile.across * tile.down).max(1);
    let text = include_str!("../../../../shaders/matmul.wgsl");
    Kernel { workgroup_bytes, ..Kernel::assemble("matmul", &constants, &[MATH, halves(variant.tier)], text, BINDS) }
}

/// Sizes of one product; widths in channels without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Matmul {
    pub variant: Variant,
    /// Width of x.
    pub k: usize,
    /// Width of y with padding, a multiple of 4.
    pub m: usize,
    /// Rows of a group, a multiple of 4.
    pub rows: usize,
    /// Gains and biases have one row for each action rather than one for all.
    pub by_action: bool,
    /// First column the ring keeps, a multiple of 4.
    pub ring_from: usize,
}

/// Buffers of one product; `gain` only where there is a norm, `ring` only where something is scattered.
#[derive(Clone, Copy, Debug)]
pub struct Buffers {
    pub x: BufferId,
    pub w: BufferId,
    pub bias: BufferId,
    pub gain: Option<Gain>,
    pub y: BufferId,
    pub ring: BufferId,
}

/// Where the gains of a product's norm lie.
#[derive(Clone, Copy, Debug)]
pub struct Gain {
    pub buffer: BufferId,
    /// The first of them, a multiple of 4.
    pub from: usize,
}

impl From<BufferId> for Gain {
    fn from(buffer: BufferId) -> Self {
        Self { buffer, from: 0 }
    }
}

impl Matmul {
    fn shape(&self, gain_from: usize) -> ShapeWords {
        let row = |width: usize| if self.by_action { vec4s(width) } else { 0 };
        [vec4s(self.k), self.m / 4, self.rows, self.k, row(self.k), row(self.m), self.ring_from / 4, gain_from / 4].map(word)
    }

    fn workgroups(&self) -> [[u32; 3]; GROUPS] {
        let tile = self.variant.tile;
        layers(covering(self.m / 4, tile.across), covering(self.rows / tile.rows, tile.down))
    }

    /// Threads that share out a sum along k: on a wide device more than one where k is long and sums are few. Not a matter of the tile, since the
    /// order of a sum depends on it.
    pub fn parts(&self) -> usize {
        let (k4, sums) = (vec4s(self.k), self.rows * self.m / 4);
        let shared_out = [4, 2].into_iter().find(|parts| k4 >= parts * LEAST_OF_K4 && sums * parts <= BUSY_SUMS);
        shared_out.filter(|_| self.variant.wide).unwrap_or(1)
    }

    /// The same product cut up otherwise.
    #[must_use]
    pub fn tiled(mut self, tile: Tile) -> Self {
        self.variant.tile = tile;
        self
    }

    /// Turns a pass of this product, tiled however, into one of this tile.
    pub fn retile(&self, pass: &mut Pass) {
        (pass.kernel, pass.workgroups, pass.product) = (kernel(self.variant, self.parts()), self.workgroups(), Some(*self));
    }

    pub fn pass(&self, b: Buffers) -> Pass {
        let (k, m, rows) = (self.k as u64, self.m as u64, self.rows as u64);
        let kept = if self.variant.scatter { m - self.ring_from as u64 } else { 0 };
        let reads_y = u64::from(self.variant.residual);
        Pass {
            kernel: kernel(self.variant, self.parts()),
            shape: self.shape(b.gain.map_or(0, |gain| gain.from)),
            buffers: vec![b.x, b.w, b.bias, b.gain.map_or(b.bias, |gain| gain.buffer), b.y, b.ring],
            workgroups: self.workgroups(),
            product: Some(*self),
            cost: Cost { ops: 2 * rows * k * m, weight_bytes: 2 * k * m + 4 * m, group_bytes: 4 * rows * (k + m * (1 + reads_y) + kept) },
        }
    }
}

/// Lays an `(k, m)` matrix out for the shader: rows cut into `row_parts` equal parts and columns into `column_parts` (heads of q, k
/// and v), each padded to a multiple of 4 with zeros; f16, two rows by four columns in 16 bytes. Weights come from f16 and lose nothing.
pub fn pack_weights(w: &[f32], (k, row_parts): (usize, usize), (m, column_parts): (usize, usize)) -> Vec<u32> {
    let m4 = padded_parts(m, column_parts) / 4;
    let place = |at: usize, part: usize| at / part * padded(part) + at % part;
    let mut words = vec![0u32; padded_parts(k, row_parts) * m4 * 2];
    for (row, values) in w.chunks_exact(m).take(k).enumerate() {
        let row = place(row, k / row_parts);
        for (column, &value) in values.iter().enumerate() {
            let column = place(column, m / column_parts);
            let word = ((row / 2 * m4 + column / 4) * 2 + row % 2) * 2 + column % 4 / 2;
            words[word] |= u32::from(f16::from_f32(value).to_bits()) << (16 * (column % 2));
        }
    }
    words
}

/// Pads the rows of `(rows, m)` values as [`pack_weights`] pads columns.
pub fn pad_columns(values: &[f32], m: usize, parts: usize) -> Vec<f32> {
    let part = m / parts;
    let mut out = Vec::with_capacity(values.len() / m.max(1) * padded(part) * parts);
    for piece in values.chunks_exact(part) {
        out.extend_from_slice(piece);
        out.extend(std::iter::repeat_n(0.0, padded(part) - part));
    }
    out
}
