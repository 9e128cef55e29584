//! World packs: format, validation, reading and writing.
pub mod manifest;
