//! A running world: what plays, what steers it, what it was shown and told. Knows no window.
//!
//! A [`Source`] makes one frame at a time: a network ([`session::DreamSession`]) or a simulator ([`truth::TruthSession`]), so dream and
//! truth play through the same code. A [`runner::Runner`] plays a source on its own thread, evenly paced.

pub mod account;
pub mod beginning;
pub mod chart;
pub mod drive;
pub mod film;
pub mod first_person;
pub mod gate;
pub mod glide;
pub mod lands;
pub mod lookahead;
pub mod looks;
mod pace;
pub mod record;
pub mod runner;
pub mod saved;
pub mod script;
pub mod session;
pub mod source;
pub mod still;
pub mod truth;
mod webp;

pub use drive::{Drive, Intent};
pub use source::{DreamError, Source, SourceInfo, SourceKind};
