//! Memory of the CPU engine: aligned floats, and what threads share.

use std::{
    cell::UnsafeCell,
    ops::{Deref, DerefMut, Range},
};

/// Columns of a packed panel; every row of activations is padded with zeros to a multiple of it.
pub const PANEL: usize = 32;

/// `n` rounded up to whole panels.
pub fn padded(n: usize) -> usize {
    n.next_multiple_of(PANEL)
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Floats that start at a cache line, zero at first. The length is rounded up to whole lines.
pub struct Floats(Vec<Line>);

impl Floats {
    pub fn zeros(n: usize) -> Self {
        Self(vec![Line([0.0; 16]); n.div_ceil(16)])
    }

    /// Rows of `columns` values, each padded with zeros to whole panels.
    pub fn from_rows(values: &[f32], columns: usize) -> Self {
        let stride = padded(columns);
        let mut rows = Self::zeros(values.len() / columns * stride);
        for (row, out) in values.chunks_exact(columns).zip(rows.chunks_exact_mut(stride)) {
            out[..columns].copy_from_slice(row);
        }
        rows
    }
}

impl Deref for Floats {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: a Line is sixteen floats without padding.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 16) }
    }
}

impl DerefMut for Floats {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 16) }
    }
}

/// Elements that the threads of a pool write in turns: between two barriers an element is either written by one thread or read by any.
pub struct Shared<T>(Box<[UnsafeCell<T>]>);

// SAFETY: all access goes through the unsafe methods below, whose callers keep to the rule above. `read` shows an
// element to many threads at once.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T: Copy> Shared<T> {
    pub fn filled(value: T, n: usize) -> Self {
        Self((0..n).map(|_| UnsafeCell::new(value)).collect())
    }

    /// # Safety
    /// No thread writes any of `range` before the next barrier.
    pub unsafe fn read(&self, range: Range<usize>) -> &[T] {
        let cells = &self.0[range];
        // SAFETY: an UnsafeCell is laid out as its content, and nobody writes, as the caller promises.
        unsafe { std::slice::from_raw_parts(cells.as_ptr().cast(), cells.len()) }
    }

    /// # Safety
    /// No other thread reads or writes any of `range` before the next barrier, and this one holds no other slice of it.
    #[expect(clippy::mut_from_ref, reason = "exclusive by the caller's promise")]
    pub unsafe fn write(&self, range: Range<usize>) -> &mut [T] {
        let cells = &self.0[range];
        // SAFETY: an UnsafeCell is laid out as its content and may be written through; exclusive, as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(UnsafeCell::raw_get(cells.as_ptr()), cells.len()) }
    }

    /// Sets one element, for scattered writes.
    ///
    /// # Safety
    /// No other thread reads or writes the element before the next barrier.
    pub unsafe fn set(&self, i: usize, value: T) {
        // SAFETY: in bounds by the index; exclusive, as the caller promises.
        unsafe { *self.0[i].get() = value }
    }

    /// All elements, where the caller holds the only reference.
    pub fn get_mut(&mut self) -> &mut [T] {
        // SAFETY: the exclusive borrow rules out every other access.
        unsafe { std::slice::from_raw_parts_mut(UnsafeCell::raw_get(self.0.as_ptr()), self.0.len()) }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// One value for each thread of a pool.
pub struct PerThread<T>(Vec<UnsafeCell<T>>);

// SAFETY: thread `t` alone touches value `t`, by the promise of `get`.
unsafe impl<T: Send> Sync for PerThread<T> {}

impl<T> PerThread<T> {
    pub fn new(values: impl Iterator<Item = T>) -> Self {
        Self(values.map(UnsafeCell::new).collect())
    }

    /// # Safety
    /// Only thread `t` of the pool calls this for `t`, once a job.
    #[expect(clippy::mut_from_ref, reason = "exclusive by the caller's promise")]
    pub unsafe fn get(&self, t: usize) -> &mut T {
        // SAFETY: as the caller promises.
        unsafe { &mut *self.0[t].get() }
    }
}
