//! Procedural worlds: simulators that render frames and know what is seen in them. They are the source of training data and the "real" side
//! of comparisons. Adding a world touches one folder here and three lines of this file.

pub mod isles;
pub mod policy;
pub(crate) mod random;
pub mod relief;
pub mod scene;
pub mod words;

use relief::DrawnRelief;
use scene::{Biome, Feature, Scene, Wish};

/// What a world looks like from outside.
#[derive(Clone, Debug)]
pub struct WorldInfo {
    pub name: &'static str,
    pub width_px: usize,
    pub height_px: usize,
    pub patch_px: usize,
    pub rate_hz: u32,
    /// Pixels the view moves by in a step; the side of a cell of [`World::solid`].
    pub step_px: usize,
    /// Names of the recorded actions; index 0 is "stay".
    pub actions: &'static [&'static str],
    /// Prompts a player may want to try.
    pub suggested_prompts: Vec<String>,
}

/// What is wrong with a file of drawings, colours or phrases that worlds are made from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    #[error("{file} line {line}: {what}")]
    Line { file: &'static str, line: usize, what: String },
    /// Not of one line alone.
    #[error("{file} {what}")]
    File { file: &'static str, what: String },
}

impl AssetError {
    fn at(file: &'static str, line: usize, what: impl Into<String>) -> Self {
        Self::Line { file, line, what: what.into() }
    }

    fn of(file: &'static str, what: impl Into<String>) -> Self {
        Self::File { file, what: what.into() }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepOutcome {
    /// The camera moved.
    pub moved: bool,
    /// A movement was asked for and something solid stood in the way.
    pub blocked: bool,
}

/// A deterministic simulator: the same seed, actions and wishes give the same frames.
pub trait World: Send {
    fn info(&self) -> &WorldInfo;

    /// Starts anew at a pleasant open place chosen by `seed`, with nothing wished.
    fn reset(&mut self, seed: u64) {
        self.reset_under(seed, &Wish::default());
    }

    /// Starts anew where all is already as wished.
    fn reset_under(&mut self, seed: u64, wish: &Wish);

    /// From the next step on the world becomes what is wished, in place of what was wished before.
    fn wish(&mut self, wish: &Wish);

    /// Advances one frame under a recorded action (index into [`WorldInfo::actions`]).
    fn step(&mut self, action: usize) -> StepOutcome;

    /// Draws the present frame: `height_px * width_px * 3` bytes, rows, columns, RGB, sRGB.
    fn render(&self, rgb: &mut [u8]);

    /// What is seen in the present frame.
    fn scene(&self) -> Scene;

    /// Of which land every patch of the present frame is and what stands out in it, row by row, also under the figure; nothing where it
    /// cannot tell. Water is a lake here: whether it is a shore shows in what is around.
    fn patches(&self) -> Option<&[(Biome, Option<Feature>)]> {
        None
    }

    /// The action whose way the figure looks.
    fn facing(&self) -> usize;

    /// Which cells of the view nobody can enter, `(height_px / step_px, width_px / step_px)`.
    fn solid(&self) -> &[bool];

    /// What stands in the way of an action, where it can tell; nothing where the way is free.
    fn in_the_way(&mut self, _action: usize) -> Option<Feature> {
        None
    }

    /// Freezes (or frees) daylight and weather: what the latent action model trains on holds still.
    fn hold_ambience(&mut self, hold: bool);

    /// Camera position in pixels, for measuring movement.
    fn position_px(&self) -> (i64, i64);

    /// What stands up in it, where it can tell.
    ///
    /// # Errors
    /// [`AssetError`] where its drawings cannot be read.
    fn relief(&self) -> Result<Option<DrawnRelief>, AssetError> {
        Ok(None)
    }

    fn boxed_clone(&self) -> Box<dyn World>;
}

/// The world of that name, if there is one.
pub fn by_name(name: &str) -> Option<Box<dyn World>> {
    match name {
        "isles" => Some(Box::new(isles::Isles::new())),
        _ => None,
    }
}

/// Names of all worlds.
pub const NAMES: &[&str] = &["isles"];
