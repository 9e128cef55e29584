//! The player: command line, window, panels, and play without a window through the same code.

pub mod alloc;
mod bench;
pub mod cli;
mod files;
mod gallery;
mod headless;
mod hud;
mod inspect;
mod inspector;
pub mod layout;
mod open;
mod painter;
mod panel;
mod peak;
mod prompt_field;
mod theme;
mod toasts;
mod window;

pub use cli::main;
