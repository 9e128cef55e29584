//! What a window opens with: all that the command line, and how it was left the last time, say of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use winit::dpi::Size;

use crate::app::day::Day;
use crate::app::dreams::Shelf;
use crate::app::open::Launch;
use crate::app::prompt_queue::PromptQueue;
use crate::app::sound::Volume;
use crate::dream::runner::Rate;
use crate::engine::DecodeSettings;
use crate::input::Hand;

/// What to open and how.
pub struct WindowPlan {
    pub launch: Launch,
    pub size: Size,
    pub maximized: bool,
    pub fullscreen: bool,
    /// The display where it stands, by its place among those that the system lists; the system decides where none is asked for.
    pub display: Option<usize>,
    /// Nobody leaves it.
    pub kiosk: bool,
    /// Strangers play, one after another, and nobody looks after them.
    pub event: bool,
    pub panel: bool,
    pub hud: bool,
    pub glide: bool,
    /// It is seen from within.
    pub within: bool,
    pub volume: Volume,
    /// How much letters are enlarged.
    pub letters: f32,
    pub paused: bool,
    pub settings: DecodeSettings,
    pub rate: Rate,
    pub prompt: String,
    /// Rows of the word table that the world is told at first.
    pub words: Vec<u16>,
    pub blend_frames: u32,
    pub queue: PromptQueue,
    /// What stands over the picture while nobody is there; nothing where it is empty.
    pub invitation: String,
    pub day: Day,
    /// Begins anew after so long without anybody.
    pub idle: Option<Duration>,
    /// What one plays with where nobody plays; as it was last where it is not said.
    pub hand: Option<Hand>,
    /// Where pictures are saved; where it is not said the user's own folder, and at an event nowhere.
    pub pictures: Option<PathBuf>,
    /// Where dreams are kept that are left, if they are; with the file of the first, where it goes on with one.
    pub shelf: Option<Shelf>,
    /// When the program started, for the log line about the first frame.
    pub started: Instant,
}
