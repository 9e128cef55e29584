//! The three networks, written to be read beside `docs/MODEL.md`.

pub mod dynamics;
pub mod lam;
pub mod layers;
pub mod time;
pub mod tokenizer;
