//! The player: command line, window, panels, and play without a window through the same code.

pub mod cli;
mod files;
mod headless;
mod hud;
mod inspector;
pub mod layout;
mod open;
mod painter;
mod panel;
mod prompt_field;
mod theme;
mod toasts;
mod window;

pub use cli::main;
