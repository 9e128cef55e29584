//! Somnium: a neural world anyone can walk through.
//!
//! The library holds everything the player and the trainer share; `main.rs` is the command line of the player.
//! `docs/MODEL.md` defines the model, `ARCHITECTURE.md` the way of a frame.

pub mod checksum;
pub mod clips;
pub mod dream;
pub mod engine;
pub mod pack;
pub mod prompt;
pub mod whole_file;
pub mod worlds;

#[cfg(feature = "player")]
pub mod app;
#[cfg(feature = "player")]
pub mod input;
