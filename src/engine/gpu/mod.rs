//! The whole frame on the GPU: embedding, blocks, sampling, decoder and picture as compute passes planned once.
//!
//! `plan` turns a pack into passes over named buffers, `resources` makes them real, `engine` records a frame as a plain loop over them.
//! `ops` and `shaders/` hold one kernel each under the same stem.

pub mod cache;
pub mod context;
mod encoder;
pub mod engine;
pub mod frame;
pub mod kernel;
pub mod ops;
mod pace;
pub mod plan;
mod readback;
mod recording;
pub mod resources;
pub mod roofline;
mod self_test;
pub mod tier;
mod timing;
mod tune;
mod weights;

pub use context::GpuContext;
pub use engine::GpuEngine;
pub use roofline::Roofline;
