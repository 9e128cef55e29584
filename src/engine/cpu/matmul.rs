//! Matrix product on packed weights with its epilogue.

use super::{
    buffer::{Floats, PANEL},
    simd::{self, Simd},
};

/// Columns of a strip of weights: a cache line, so that what a tile reads next always follows what it reads now.
const STRIP: usize = 16;

/// A matrix `(inner, columns)` cut into strips, `(strip, inner, STRIP)`, and its bias, both padded with zeros to whole panels of columns.
pub struct Packed {
    inner: usize,
    panels: usize,
    weights: Floats,
    bias: Floats,
}

impl Packed {
    /// `w`: `(inner, columns)` row-major; `bias`: `(columns)` or empty.
    pub fn new(w: &[f32], bias: &[f32], inner: usize) -> Self {
        let columns = w.len() / inner;
        let panels = columns.div_ceil(PANEL);
        let mut weights = Floats::zeros(panels * inner * PANEL);
        for (i, row) in w.chunks_exact(columns).enumerate() {
            for (s, part) in row.chunks(STRIP).enumerate() {
                weights[(s * inner + i) * STRIP..][..part.len()].copy_from_slice(part);
            }
        }
        let mut padded_bias = Floats::zeros(panels * PANEL);
        padded_bias[..bias.len()].copy_from_slice(bias);
        Self { inner, panels, weights, bias: padded_bias }
    }

    /// Multiply-adds of one row.
    pub fn work(&self) -> usize {
        self.inner * self.panels * PANEL
    }
}

/// What happens to a product, its bias added, on its way to memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Store,
    Gelu,
    /// Added to what is there: the residual stream.
    Add,
}

/// Rows of a tile at most.
pub const MAX_TILE: usize = 8;

/// Two vectors of columns as a tile reads them, their rows `STRIDE` floats apart.
#[derive(Clone, Copy)]
pub struct Columns<const STRIDE: usize> {
    pub w: *const f32,
    pub inner: usize,
    /// Floats from the first vector to the second.
    pub second: usize,
    /// What will be read after these columns, and how many bytes of it to fetch ahead at each row.
    pub next: *const u8,
    pub fetch: usize,
}

/// Rows of columns in one turn of a tile's loop.
const TURN: usize = 4;

/// The products of `R` rows with two vectors of columns.
///
/// # Safety
/// `x` points at `R` rows of `inner` floats, `x_stride` apart; both vectors of every row of `columns` can be read.
#[inline(always)]
pub unsafe fn tile<S: Simd, const R: usize, const STRIDE: usize>(
    x: *const f32,
    x_stride: usize,
    columns: Columns<STRIDE>,
) -> [[S::V; 2]; R] {
    let Columns { w, inner, second, next, fetch } = columns;
    unsafe {
        let rows: [*const f32; R] = std::array::from_fn(|r| x.add(r * x_stride));
        let (w0, w1) = (w, w.add(second));
        let mut sums = [[S::splat(0.0); 2]; R];
        let mut add = |i: usize| {
            let (w0, w1) = (S::load(w0.add(i * STRIDE)), S::load(w1.add(i * STRIDE)));
            for (sum, row) in sums.iter_mut().zip(rows) {
                let a = S::splat(*row.add(i));
                sum[0] = S::fma(a, w0, sum[0]);
                sum[1] = S::fma(a, w1, sum[1]);
            }
        };
        let whole = inner / TURN * TURN;
        for i in (0..whole).step_by(TURN) {
            for k in 0..TURN {
                if k % 2 == 0 {
                    S::fetch(next.wrapping_add((i + k) * fetch));
                }
                add(i + k);
            }
        }
        for i in whole..inner {
            add(i);
        }
        sums
    }
}

/// Calls `$f::<S, R>` with the `R` that `$rows` says.
macro_rules! for_rows {
    ($rows:expr, $f:ident::<$s:ident>($($arg:expr),* $(,)?)) => {
        match $rows {
            1 => $f::<$s, 1>($($arg),*),
            2 => $f::<$s, 2>($($arg),*),
            3 => $f::<$s, 3>($($arg),*),
            4 => $f::<$s, 4>($($arg),*),
            5 => $f::<$s, 5>($($arg),*),
            6 => $f::<$s, 6>($($arg),*),
            7 => $f::<$s, 7>($($arg),*),
            _ => $f::<$s, 8>($($arg),*),
        }
    };
}

/// One tile of a product with its epilogue. # Safety: as [`tile`], `y` and `bias` likewise.
#[inline(always)]
unsafe fn product_tile<S: Simd, const R: usize>(
    (x, x_stride): (*const f32, usize),
    columns: Columns<STRIP>,
    bias: *const f32,
    (y, y_stride): (*mut f32, usize),
    then: Then,
) {
    unsafe {
        let sums = tile::<S, R, STRIP>(x, x_stride, columns);
        for half in 0..2 {
            let b = S::load(bias.add(half * S::LANES));
            for (r, sum) in sums.iter().enumerate() {
                let out = y.add(r * y_stride + half * S::LANES);
                let v = S::add(sum[half], b);
                S::store(
                    out,
                    match then {
                        Then::Store => v,
                        Then::Gelu => simd::gelu::<S>(v),
                        Then::Add => S::add(S::load(out), v),
                    },
                );
            }
        }
    }
}

/// `y = x w + bias`, then what `then` says, for all rows of `x`: `(rows, x_stride)`, `y`: `(rows, y_stride)`. Panels before `first_panel`
/// are left out, and their columns of `y` as they were.
#[inline(always)]
pub unsafe fn product<S: Simd>(x: &[f32], x_stride: usize, w: &Packed, first_panel: usize, y: &mut [f32], y_stride: usize, then: Then) {
    let rows = x.len() / x_stride;
    assert!(w.inner <= x_stride && w.panels * PANEL <= y_stride && rows * y_stride <= y.len(), "a matrix product out of bounds");
    assert!(w.weights.len() >= w.panels * w.inner * PANEL && w.bias.len() >= w.panels * PANEL);
    // Tiles of nearly the same height: a low one is no faster than a high one.
    let tiles = rows.div_ceil(S::TILE_ROWS);
    let width = 2 * S::LANES;
    for column in (first_panel * PANEL..w.panels * PANEL).step_by(width) {
        let mut row = 0;
        for t in 0..tiles {
            let tile_rows = rows / tiles + usize::from(t < rows % tiles);
            // SAFETY: `rows` rows of both and all strips are in bounds by the asserts above.
            unsafe {
                let weights = w.weights.as_ptr().add(column / STRIP * w.inner * STRIP + column % STRIP);
                // While this pair of vectors is used, the tiles together fetch the next.
                let fetch = (width * size_of::<f32>()).div_ceil(tiles);
                let columns = Columns {
                    w: weights,
                    inner: w.inner,
                    second: if width > STRIP { w.inner * STRIP } else { S::LANES },
                    next: weights.wrapping_add(w.inner * width).cast::<u8>().wrapping_add(t * w.inner * fetch),
                    fetch,
                };
                let bias = w.bias.as_ptr().add(column);
                let out = y.as_mut_ptr().add(row * y_stride + column);
                let x = x.as_ptr().add(row * x_stride);
                for_rows!(tile_rows, product_tile::<S>((x, x_stride), columns, bias, (out, y_stride), then));
            }
            row += tile_rows;
        }
    }
}

pub(super) use for_rows;
