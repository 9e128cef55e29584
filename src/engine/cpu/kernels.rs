//! The table of kernels, compiled once for each instruction set.
//!
//! Each kernel is written once over [`Simd`](super::simd::Simd). An element's sum always runs in the same order, whatever rows and threads
//! it is computed with.

use super::{
    attention::{Attend, AttendTime},
    matmul::{Packed, Then},
};

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
                unsafe { crate::engine::cpu::matmul::product::<$set>(x, x_stride, w, first_panel, y, y_stride, then) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn norm(x: &[f32], channels: usize, gain: &[f32], shift: &[f32], y: &mut [f32]) {
                unsafe { crate::engine::cpu::norm::norm::<$set>(x, channels, gain, shift, y) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn attend(a: Attend) {
                unsafe { crate::engine::cpu::attention::attend::<$set>(a) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn attend_time(a: AttendTime) {
                unsafe { crate::engine::cpu::attention::attend_time::<$set>(a) }
            }
            $(#[target_feature(enable = $features)])?
            unsafe fn add(x: &[f32], y: &mut [f32]) {
                unsafe { crate::engine::cpu::norm::add::<$set>(x, y) }
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
