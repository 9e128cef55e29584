//! The whole frame on the GPU: embedding, blocks, sampling, decoder and picture as compute passes planned once.

pub mod context;

pub use context::GpuContext;
