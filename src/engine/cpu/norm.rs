//! RMS norm with gain and shift, and the sum of rows.

use super::{buffer::padded, simd::Simd};

/// `y = rms(x) * gain + shift` of each row; `gain` and `shift`: `(stride)`, zero in the padding. `x`, `y`: `(rows, stride)`.
#[inline(always)]
pub unsafe fn norm<S: Simd>(x: &[f32], channels: usize, gain: &[f32], shift: &[f32], y: &mut [f32]) {
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

/// `y += x`, as far as both go; whole lines of 16.
#[inline(always)]
pub unsafe fn add<S: Simd>(x: &[f32], y: &mut [f32]) {
    let n = x.len().min(y.len()) / 16 * 16;
    for i in (0..n).step_by(S::LANES) {
        // SAFETY: whole vectors of both.
        unsafe { S::store(y.as_mut_ptr().add(i), S::add(S::load(x.as_ptr().add(i)), S::load(y.as_ptr().add(i)))) }
    }
}
