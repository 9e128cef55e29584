//! The player: command line, window, panels, and play without a window through the same code.

pub mod alloc;
mod bench;
mod blit;
pub mod cli;
mod day;
mod dreamed;
mod dreams;
mod files;
mod gallery;
mod growth;
mod guidance;
mod headless;
mod help;
mod hud;
mod inspect;
mod inspector;
pub mod layout;
mod map;
mod marks;
mod open;
mod paint;
mod painter;
mod panel;
mod peak;
mod pictures;
mod preview;
mod prompt_args;
mod prompt_field;
mod prompt_history;
mod prompt_queue;
mod shape;
mod start;
mod theme;
mod toasts;
mod window;

pub use cli::main;
