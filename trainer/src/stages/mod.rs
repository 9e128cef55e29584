//! The stages of training a world, in order.

pub mod dynamics;
pub mod lam;
pub mod naming;
pub mod tokenizer;
