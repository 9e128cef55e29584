//! Matrix product on packed weights with its epilogue.

use super::{
    buffer::{Floats, PANEL},
    simd::{self, Simd},
};

/// A matrix `(inner, columns)` cut into panels of [`PANEL`] columns, `(panel, inner, PANEL)`, and its bias, both padded with zeros.
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
            for (p, part) in row.chunks(PANEL).enumerate() {
                weights[(p * inner + i) * PANEL..][..part.len()].copy_from_slice(part);
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

/// The products of `R` rows with two vectors of columns.
///
/// # Safety
/// `x` points at `R` rows of `inner` floats, `x_stride` apart, `w` at `inner` rows of two vectors, [`PANEL`] apart.
#[inline(always)]
pub unsafe fn tile<S: Simd, const R: usize>(x: *const f32, x_stride: usize, w: *const f32, inner: usize) -> [[S::V; 2]; R] {
    unsafe {
        let mut sums = [[S::splat(0.0); 2]; R];
        for i in 0..inner {
            let (w0, w1) = (S::load(w.add(i * PANEL)), S::load(w.add(i * PANEL + S::LANES)));
            for (r, sum) in sums.iter_mut().enumerate() {
                let a = S::splat(*x.add(r * x_stride + i));
                sum[0] = S::fma(a, w0, sum[0]);
                sum[1] = S::fma(a, w1, sum[1]);
            }
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
    (w, inner): (*const f32, usize),
    bias: *const f32,
    (y, y_stride): (*mut f32, usize),
    then: Then,
) {
    unsafe {
        let sums = tile::<S, R>(x, x_stride, w, inner);
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
    for panel in first_panel..w.panels {
        for column in (0..PANEL).step_by(2 * S::LANES) {
            let mut row = 0;
            while row < rows {
                let tile_rows = (rows - row).min(S::TILE_ROWS);
                // SAFETY: `rows` rows of both and all panels are in bounds by the asserts above.
                unsafe {
                    let weights = w.weights.as_ptr().add(panel * w.inner * PANEL + column);
                    let bias = w.bias.as_ptr().add(panel * PANEL + column);
                    let out = y.as_mut_ptr().add(row * y_stride + panel * PANEL + column);
                    let x = x.as_ptr().add(row * x_stride);
                    for_rows!(tile_rows, product_tile::<S>((x, x_stride), (weights, w.inner), bias, (out, y_stride), then));
                }
                row += tile_rows;
            }
        }
    }
}

pub(super) use for_rows;
