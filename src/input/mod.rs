//! Keyboard and gamepad, the table that binds them, and the latch that makes every press count.
//!
//! Devices are translated at the edge (`keys`, `pad`) into names of the table (`bindings`); what drives a world is decided in `latch`.

pub mod bindings;
pub mod keys;
pub mod latch;
pub mod pad;

pub use bindings::{Action, Bindings, Command};
pub use latch::{Holder, Latch, Uppermost};

/// What is held with a letter to copy, paste, take back or close, as the keyboard names it.
pub const CONTROL: &str = if cfg!(target_os = "macos") { "Cmd" } else { "Ctrl" };

/// What somebody plays with, by what was pressed last: hints name its controls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hand {
    /// And a mouse.
    #[default]
    Keys,
    Pad,
    Finger,
}
