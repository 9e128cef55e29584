//! Attention inside a frame and to a prompt, over panels of keys and values, and over time, against the ring.

use super::{
    buffer::{PANEL, padded},
    matmul::{Columns, MAX_TILE, for_rows, tile},
    simd::{self, Simd},
};
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
    /// What scores are raised by, `(keys)`, or empty.
    pub bias: &'a [f32],
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
    /// At least `heads * padded window`.
    pub scores: &'a mut [f32],
    pub out: &'a mut [f32],
    pub out_stride: usize,
}

/// Replaces scores by `exp(score - largest)` and returns one over their sum. `x`: a multiple of the lanes, padded with -infinity.
#[inline(always)]
unsafe fn exponentials<S: Simd>(x: &mut [f32]) -> f32 {
    assert!(x.len().is_multiple_of(S::LANES));
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
    (panel, inner): (*const f32, usize),
    (y, y_stride): (*mut f32, usize),
    scales: &[f32; MAX_TILE],
) {
    unsafe {
        let columns = Columns { w: panel, inner, second: S::LANES, next: panel.cast(), fetch: 0 };
        let sums = tile::<S, R, PANEL>(x, x_stride, columns);
        for (r, sum) in sums.iter().enumerate() {
            let scale = S::splat(scales[r]);
            S::store(y.add(r * y_stride), S::mul(sum[0], scale));
            S::store(y.add(r * y_stride + S::LANES), S::mul(sum[1], scale));
        }
    }
}

/// `softmax(q k^T / sqrt(dh) + bias) v` of each row and head.
#[inline(always)]
pub unsafe fn attend<S: Simd>(a: Attend) {
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
                    row_scores.iter_mut().zip(a.bias).for_each(|(score, bias)| *score += bias);
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

/// Reads every frame of the past once, in one go: the ring is what this waits for.
#[inline(always)]
pub unsafe fn attend_time<S: Simd>(a: AttendTime) {
    let channels = a.heads * a.dh;
    let rows = a.qkv.len() / a.stride;
    let ages = a.slots.len() + 1;
    let width = ages.next_multiple_of(S::LANES);
    let scale = 1.0 / (a.dh as f32).sqrt();
    let weights = &mut a.scores[..a.heads * width];
    for n in 0..rows {
        let (q, kv) = a.qkv[n * a.stride..][..3 * channels].split_at(channels);
        let out = &mut a.out[n * a.out_stride..][..channels];
        let past = |slot: &usize| &a.ring[(slot * rows + n) * a.ring_stride..][..2 * channels];
        let frames = || std::iter::once(kv).chain(a.slots.iter().map(past)).enumerate();
        let heads = || (0..a.heads).map(|h| (h, h * a.dh..(h + 1) * a.dh));
        // SAFETY: the functions only need the instruction set, which this one was called with.
        unsafe {
            for (age, frame) in frames() {
                for (h, own) in heads() {
                    weights[h * width + age] = dot::<S>(&q[own.clone()], &frame[own]) * scale + a.bias[h * a.window + age];
                }
            }
            for weights in weights.chunks_exact_mut(width) {
                weights[ages..].fill(f32::NEG_INFINITY);
                let one_over_sum = exponentials::<S>(weights);
                weights[..ages].iter_mut().for_each(|weight| *weight *= one_over_sum);
            }
            out.fill(0.0);
            for (age, frame) in frames() {
                for (h, own) in heads() {
                    add_scaled::<S>(weights[h * width + age], &frame[channels..][own.clone()], &mut out[own]);
                }
            }
        }
    }
}
