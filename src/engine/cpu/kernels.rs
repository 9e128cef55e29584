//! The kernels of the CPU engine: matrix product on packed weights, norm, attention inside a frame and over time.
//!
//! Each is written once over [`Simd`] and compiled for every instruction set; [`Kernels`] is the table of one set. An element's sum always
//! runs in the same order, whatever rows and threads it is computed with.

use super::{
    buffer::{Floats, PANEL, padded},
    simd::{self, Simd},
};
use crate::pack::limits;

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

/// Keys and values of one frame or prompt as attention wants them: panels for a matrix product with the queries and the weights.
#[derive(Clone, Copy, Debug)]
pub struct PanelDims {
    pub heads: usize,
    /// Channels of a head.
    pub dh: usize,
    /// Room for keys; a multiple of [`PANEL`].
    pub room: usize,
}

impl PanelDims {
    pub fn new(heads: usize, channels: usize, keys: usize) -> Self {
        Self { heads, dh: channels / heads, room: padded(keys) }
    }

    /// Floats of the transposed keys, `(heads, key panels, dh, PANEL)`.
    pub fn key_floats(&self) -> usize {
        self.heads * self.room * self.dh
    }

    /// Floats of the values, `(heads, channel panels, room, PANEL)`.
    pub fn value_floats(&self) -> usize {
        self.heads * padded(self.dh) * self.room
    }

    /// Gives every element of one key row and one value row, each `(heads * dh)`, to `set_key` and `set_value` with its place.
    #[inline(always)]
    pub fn place(&self, n: usize, k: &[f32], v: &[f32], mut set_key: impl FnMut(usize, f32), mut set_value: impl FnMut(usize, &[f32])) {
        for h in 0..self.heads {
            let start = (h * self.room + n / PANEL * PANEL) * self.dh + n % PANEL;
            for (d, &x) in k[h * self.dh..][..self.dh].iter().enumerate() {
                set_key(start + d * PANEL, x);
            }
            for (p, part) in v[h * self.dh..][..self.dh].chunks(PANEL).enumerate() {
                set_value(((h * padded(self.dh) / PANEL + p) * self.room + n) * PANEL, part);
            }
        }
    }

    /// Columns that attention writes of an output row: the last head may spill over by its padding.
    pub fn out_columns(&self) -> usize {
        padded((self.heads - 1) * self.dh + padded(self.dh))
    }
}

/// Queries against the panels of one frame or prompt.
pub struct Attend<'a> {
    pub dims: PanelDims,
    /// `(rows, q_stride)`, the query in the first columns.
    pub q: &'a [f32],
    pub q_stride: usize,
    pub keys: usize,
    pub k_panels: &'a [f32],
    pub v_panels: &'a [f32],
    /// At least `8 * room`.
    pub scores: &'a mut [f32],
    /// `(rows, out_stride)`.
    pub out: &'a mut [f32],
    pub out_stride: usize,
}

/// Attention of each row over time.
pub struct AttendTime<'a> {
    pub heads: usize,
    pub dh: usize,
    /// `(rows, stride)`: q, k, v of each row, `channels = heads * dh` values each.
    pub qkv: &'a [f32],
    pub stride: usize,
    /// `(slots, rows, ring_stride)`: k, v of committed frames.
    pub ring: &'a [f32],
    pub ring_stride: usize,
    /// Slot of the frame of age 1, 2, ...
    pub slots: &'a [usize],
    /// `(heads, window)`.
    pub bias: &'a [f32],
    pub window: usize,
    pub out: &'a mut [f32],
    pub out_stride: usize,
}

/// Rows of a tile at most.
const MAX_TILE: usize = 8;

/// The products of `R` rows with two vectors of columns.
///
/// # Safety
/// `x` points at `R` rows of `inner` floats, `x_stride` apart, `w` at `inner` rows of two vectors, [`PANEL`] apart.
#[inline(always)]
unsafe fn tile<S: Simd, const R: usize>(x: *const f32, x_stride: usize, w: *const f32, inner: usize) -> [[S::V; 2]; R] {
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
unsafe fn product<S: Simd>(x: &[f32], x_stride: usize, w: &Packed, first_panel: usize, y: &mut [f32], y_stride: usize, then: Then) {
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

/// `y = rms(x) * gain + shift` of each row; `gain` and `shift`: `(stride)`, zero in the padding. `x`, `y`: `(rows, stride)`.
#[inline(always)]
unsafe fn norm<S: Simd>(x: &[f32], channels: usize, gain: &[f32], shift: &[f32], y: &mut [f32]) {
    let stride = padded(channels);
    assert!(gain.len() >= stride && shift.len() >= stride);
    for (row, out) in x.chunks_exact(stride).zip(y.chunks_exact_mut(stride)) {
        // SAFETY: all four hold `stride` floats, a multiple of the lanes.
        unsafe {
            let mut sum = S::splat(0.0);
            for i in (0..stride).step_by(S::LANES) {
                let v = S::load(row.as_ptr().add(i));
                sum = S::fma(v, v, sum);
            }
            let scale = S::splat(1.0 / (S::sum(sum) / channels as f32 + 1e-5).sqrt());
            for i in (0..stride).step_by(S::LANES) {
                let v = S::mul(S::load(row.as_ptr().add(i)), scale);
                let v = S::fma(v, S::load(gain.as_ptr().add(i)), S::load(shift.as_ptr().add(i)));
                S::store(out.as_mut_ptr().add(i), v);
            }
        }
    }
}

/// Replaces scores by `exp(score - largest)` and returns one over their sum. `x`: a multiple of the lanes, padded with -infinity.
#[inline(always)]
unsafe fn exponentials<S: Simd>(x: &mut [f32]) -> f32 {
    debug_assert!(x.len().is_multiple_of(S::LANES));
    // SAFETY: whole vectors of `x`.
    unsafe {
        let mut largest = S::splat(f32::NEG_INFINITY);
        for i in (0..x.len()).step_by(S::LANES) {
            largest = S::max(largest, S::load(x.as_ptr().add(i)));
        }
        let minus_largest = S::splat(-S::largest(largest));
        let mut sum = S::splat(0.0);
        for i in (0..x.len()).step_by(S::LANES) {
            let e = simd::exp::<S>(S::add(S::load(x.as_ptr().add(i)), minus_largest));
            sum = S::add(sum, e);
            S::store(x.as_mut_ptr().add(i), e);
        }
        1.0 / S::sum(sum)
    }
}

/// One tile of scores or of weighted values, times a factor a row. # Safety: as [`tile`].
#[inline(always)]
unsafe fn scaled_tile<S: Simd, const R: usize>(
    (x, x_stride): (*const f32, usize),
    (w, inner): (*const f32, usize),
    (y, y_stride): (*mut f32, usize),
    scales: &[f32; MAX_TILE],
) {
    unsafe {
        let sums = tile::<S, R>(x, x_stride, w, inner);
        for (r, sum) in sums.iter().enumerate() {
            let scale = S::splat(scales[r]);
            S::store(y.add(r * y_stride), S::mul(sum[0], scale));
            S::store(y.add(r * y_stride + S::LANES), S::mul(sum[1], scale));
        }
    }
}

/// `softmax(q k^T / sqrt(dh)) v` of each row and head.
#[inline(always)]
unsafe fn attend<S: Simd>(a: Attend) {
    let PanelDims { heads, dh, room } = a.dims;
    let rows = a.q.len() / a.q_stride;
    assert!(heads * dh <= a.q_stride && a.dims.out_columns() <= a.out_stride && rows * a.out_stride <= a.out.len());
    assert!(a.k_panels.len() >= a.dims.key_floats() && a.v_panels.len() >= a.dims.value_floats());
    assert!((1..=room).contains(&a.keys) && a.scores.len() >= MAX_TILE * room);
    let width = padded(a.keys);
    let scale = [1.0 / (dh as f32).sqrt(); MAX_TILE];
    let mut row = 0;
    while row < rows {
        let tile_rows = (rows - row).min(S::TILE_ROWS);
        // Heads in ascending order: what a narrow head writes beyond its channels, the next one writes anew.
        for h in 0..heads {
            // SAFETY: all places are in bounds by the asserts above; `column` and `start` stay inside a panel of PANEL columns.
            unsafe {
                let q = a.q.as_ptr().add(row * a.q_stride + h * dh);
                let scores = a.scores.as_mut_ptr();
                for start in (0..width).step_by(2 * S::LANES) {
                    let k = a.k_panels.as_ptr().add((h * room + start / PANEL * PANEL) * dh + start % PANEL);
                    for_rows!(tile_rows, scaled_tile::<S>((q, a.q_stride), (k, dh), (scores.add(start), room), &scale));
                }
                let mut one_over_sum = [0.0; MAX_TILE];
                for (r, one) in one_over_sum.iter_mut().enumerate().take(tile_rows) {
                    let row_scores = &mut a.scores[r * room..][..width];
                    row_scores[a.keys..].fill(f32::NEG_INFINITY);
                    *one = exponentials::<S>(row_scores);
                }
                let scores = a.scores.as_ptr();
                for column in (0..padded(dh)).step_by(2 * S::LANES) {
                    let v = a.v_panels.as_ptr().add((h * padded(dh) + column / PANEL * PANEL) * room + column % PANEL);
                    let out = a.out.as_mut_ptr().add(row * a.out_stride + h * dh + column);
                    for_rows!(tile_rows, scaled_tile::<S>((scores, room), (v, a.keys), (out, a.out_stride), &one_over_sum));
                }
            }
        }
        row += tile_rows;
    }
}

/// Dot product of two slices of the same length.
#[inline(always)]
unsafe fn dot<S: Simd>(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let whole = n / S::LANES * S::LANES;
    // SAFETY: whole vectors of both.
    unsafe {
        let mut sum = S::splat(0.0);
        for i in (0..whole).step_by(S::LANES) {
            sum = S::fma(S::load(a.as_ptr().add(i)), S::load(b.as_ptr().add(i)), sum);
        }
        let rest: f32 = a[whole..n].iter().zip(&b[whole..n]).map(|(x, y)| x * y).sum();
        S::sum(sum) + rest
    }
}

/// `y += a x`.
#[inline(always)]
unsafe fn add_scaled<S: Simd>(a: f32, x: &[f32], y: &mut [f32]) {
    let n = x.len().min(y.len());
    let whole = n / S::LANES * S::LANES;
    // SAFETY: whole vectors of both.
    unsafe {
        for i in (0..whole).step_by(S::LANES) {
            S::store(y.as_mut_ptr().add(i), S::fma(S::splat(a), S::load(x.as_ptr().add(i)), S::load(y.as_ptr().add(i))));
        }
    }
    for (y, x) in y[whole..n].iter_mut().zip(&x[whole..n]) {
        *y += a * x;
    }
}

#[inline(always)]
unsafe fn attend_time<S: Simd>(a: AttendTime) {
    let channels = a.heads * a.dh;
    let rows = a.qkv.len() / a.stride;
    let ages = a.slots.len() + 1;
    let width = ages.next_multiple_of(S::LANES);
    let scale = 1.0 / (a.dh as f32).sqrt();
    let mut weights = [0.0; limits::WINDOW.next_multiple_of(16)];
    for n in 0..rows {
        let row = &a.qkv[n * a.stride..][..3 * channels];
        let out = &mut a.out[n * a.out_stride..][..channels];
        let past = |slot: usize| &a.ring[(slot * rows + n) * a.ring_stride..][..2 * channels];
        for h in 0..a.heads {
            let own = h * a.dh..(h + 1) * a.dh;
            let bias = &a.bias[h * a.window..][..ages];
            let (q, k, v) = (&row[own.clone()], &row[channels..][own.clone()], &row[2 * channels..][own.clone()]);
            let weights = &mut weights[..width];
            weights[ages..].fill(f32::NEG_INFINITY);
            let out = &mut out[own.clone()];
            // SAFETY: the functions only need the instruction set, which this one was called with.
            unsafe {
                weights[0] = dot::<S>(q, k) * scale + bias[0];
                for (age, &slot) in a.slots.iter().enumerate() {
                    weights[age + 1] = dot::<S>(q, &past(slot)[own.clone()]) * scale + bias[age + 1];
                }
                let one_over_sum = exponentials::<S>(weights);
                out.fill(0.0);
                add_scaled::<S>(weights[0] * one_over_sum, v, out);
                for (age, &slot) in a.slots.iter().enumerate() {
                    add_scaled::<S>(weights[age + 1] * one_over_sum, &past(slot)[channels..][own.clone()], out);
                }
            }
        }
    }
}

/// `y += x`, as far as both go; whole lines of 16.
#[inline(always)]
unsafe fn add<S: Simd>(x: &[f32], y: &mut [f32]) {
    let n = x.len().min(y.len()) / 16 * 16;
    for i in (0..n).step_by(S::LANES) {
        // SAFETY: whole vectors of both.
        unsafe { S::store(y.as_mut_ptr().add(i), S::add(S::load(x.as_ptr().add(i)), S::load(y.as_ptr().add(i)))) }
    }
}

type Product = unsafe fn(&[f32], usize, &Packed, usize, &mut [f32], usize, Then);
type Norm = unsafe fn(&[f32], usize, &[f32], &[f32], &mut [f32]);

/// The kernels compiled for one instruction set.
#[derive(Clone, Copy)]
pub struct Kernels {
    pub name: &'static str,
    product: Product,
    norm: Norm,
    attend: unsafe fn(Attend),
    attend_time: unsafe fn(AttendTime),
    add: unsafe fn(&[f32], &mut [f32]),
}

macro_rules! compile_for {
    ($module:ident, $set:ty, $name:literal $(, $features:literal)?) => {
        mod $module {
            use super::{Attend, AttendTime, Kernels, Packed, Then};

            $(#[target_feature(enable = $features)])?
            unsafe fn product(x: &[f32], x_stride: usize, w: &Packed, first_panel: usize, y: &mut [f32], y_stride: usize, then: Then) {
                // SAFETY: compiled with the set's features, here and below.
                unsafe { super::product::<$set>(x, x_stride, w, first_panel, y, y_stride, then) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn norm(x: &[f32], channels: usize, gain: &[f32], shift: &[f32], y: &mut [f32]) {
                unsafe { super::norm::<$set>(x, channels, gain, shift, y) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn attend(a: Attend) {
                unsafe { super::attend::<$set>(a) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn attend_time(a: AttendTime) {
                unsafe { super::attend_time::<$set>(a) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn add(x: &[f32], y: &mut [f32]) {
                unsafe { super::add::<$set>(x, y) }
            }
            pub(super) const KERNELS: Kernels = Kernels { name: $name, product, norm, attend, attend_time, add };
        }
    };
}

compile_for!(portable, crate::engine::cpu::simd::Portable, "portable SIMD");
#[cfg(target_arch = "x86_64")]
compile_for!(avx2, crate::engine::cpu::simd::Avx2, "AVX2", "avx2,fma");
#[cfg(target_arch = "x86_64")]
compile_for!(avx512, crate::engine::cpu::simd::Avx512, "AVX-512", "avx512f,avx2,fma");

impl Kernels {
    /// Every set that this processor has, best first.
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") {
                sets.push(avx512::KERNELS);
            }
            if avx2 {
                sets.push(avx2::KERNELS);
            }
        }
        sets.push(portable::KERNELS);
        sets
    }

    // SAFETY of the calls below: a table is handed out by `available` alone, for a processor that has its instructions; the kernels check
    // the sizes of what they are given.

    /// `y = x w + bias`, then `then`, of every row. `x`: `(rows, x_stride)`, `y`: `(rows, y_stride)`.
    pub fn product(&self, x: &[f32], x_stride: usize, w: &Packed, y: &mut [f32], y_stride: usize, then: Then) {
        unsafe { (self.product)(x, x_stride, w, 0, y, y_stride, then) }
    }

    /// [`Kernels::product`] of the columns from panel `first_panel` on; the others of `y` stay.
    pub fn product_from(&self, x: &[f32], x_stride: usize, w: &Packed, first_panel: usize, y: &mut [f32], y_stride: usize) {
        unsafe { (self.product)(x, x_stride, w, first_panel, y, y_stride, Then::Store) }
    }

    /// `y = rms(x) * gain + shift` of every row. `x`, `y`: `(rows, padded channels)`.
    pub fn norm(&self, x: &[f32], channels: usize, gain: &[f32], shift: &[f32], y: &mut [f32]) {
        unsafe { (self.norm)(x, channels, gain, shift, y) }
    }

    pub fn attend(&self, a: Attend) {
        unsafe { (self.attend)(a) }
    }

    pub fn attend_time(&self, a: AttendTime) {
        unsafe { (self.attend_time)(a) }
    }

    /// `y += x`; both padded to whole panels.
    pub fn add(&self, x: &[f32], y: &mut [f32]) {
        unsafe { (self.add)(x, y) }
    }
}
