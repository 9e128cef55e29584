//! What the player can play: anything that makes one frame after another under a code.

use super::drive::{Drive, Intent};
use super::lands::LandShares;
use super::session::DreamSession;
use crate::engine::{DecodeSettings, EngineError, Picture, StageTimes};
use crate::pack::manifest::FrameDims;
use crate::worlds::scene::Wish;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A network dreams the frames.
    Dream,
    /// A simulator draws them.
    Truth,
}

/// One code as the inspector shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionInfo {
    pub name: String,
    /// Share of labelled steps that carried it, 0..1; a simulator has none.
    pub share: Option<f32>,
    /// Share of its steps that agree with its name, 0..1: moved steps, blocked steps.
    pub purity: Option<(f32, f32)>,
    /// Intents that lead to it.
    pub bound_to: Vec<Intent>,
}

/// How the view goes where every step is whole patches, so that what lies between two pictures can be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Strides {
    /// Pixels that the view moves by under each code, to the right and down, if nothing is in the way.
    pub motions_px: Vec<[i32; 2]>,
    /// What never scrolls, in pixels: left, top, width, height.
    pub standing: [u32; 4],
    /// Sides of a patch.
    pub patch_px: u32,
}

impl Strides {
    /// `covered`: patches that never scroll, by their number row by row; none where a step is no whole patch.
    pub fn new(frame: &FrameDims, step_px: usize, motions: impl Iterator<Item = [i32; 2]>, covered: &[usize]) -> Option<Self> {
        let (patch, columns) = (frame.patch_px as u32, frame.grid_w() as u32);
        let (xs, ys) = (covered.iter().map(|n| *n as u32 % columns), covered.iter().map(|n| *n as u32 / columns));
        let (left, top) = (xs.clone().min().unwrap_or(0), ys.clone().min().unwrap_or(0));
        let beyond = |last: Option<u32>| last.map_or(0, |last| last + 1);
        let sides = [beyond(xs.max()) - left, beyond(ys.max()) - top];
        step_px.is_multiple_of(frame.patch_px).then(|| Self {
            motions_px: motions.map(|motion| motion.map(|steps| steps * step_px as i32)).collect(),
            standing: [left, top, sides[0], sides[1]].map(|patches| patches * patch),
            patch_px: patch,
        })
    }
}

/// A way that leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// Code that was asked for.
    pub code: u8,
    /// How often in a row the view did not move under it, up to the newest frame of which that is known.
    pub steps: usize,
}

/// What a source looks like from outside; does not change while it plays.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    pub kind: SourceKind,
    /// Name of the pack or of the simulator.
    pub title: String,
    /// "cpu engine", "gpu engine", "simulator".
    pub engine: String,
    /// What it runs on: "2 threads, AVX2", "llvmpipe", "one core".
    pub device: String,
    pub width_px: usize,
    pub height_px: usize,
    pub rate_hz: u32,
    /// Absent where the view does not go by whole patches.
    pub strides: Option<Strides>,
    /// It can be seen from within.
    pub within: bool,
    /// Tokens across and down; none in a simulator.
    pub grid: [usize; 2],
    pub actions: Vec<ActionInfo>,
    /// Longest prompt in words; 0 where the source takes none.
    pub prompt_words: usize,
    pub suggested_prompts: Vec<String>,
    /// Largest window of frames the decode settings may ask for; 0 where there is none.
    pub window: usize,
    /// Rows of context level the settings may choose from; 0 where there are none.
    pub context_levels: usize,
}

impl SourceInfo {
    /// Codes that do something: those that some step of training carried, or all of them where that is not known of any.
    pub fn living_codes(&self) -> Vec<u8> {
        let any = self.actions.iter().any(|action| action.share.is_some_and(|share| share > 0.0));
        let lives = |action: &ActionInfo| !any || action.share.is_none_or(|share| share > 0.0);
        (0..=u8::MAX).zip(&self.actions).filter(|(_, action)| lives(action)).map(|(code, _)| code).collect()
    }

    /// The code that `drive` stands for. An intent stands for the code bound to it; where there is none, for the code bound to "stay", or else 0. A code
    /// beyond the last is taken for the last.
    pub fn code_of(&self, drive: Drive) -> u8 {
        let bound = |intent: Intent| self.actions.iter().position(|a| a.bound_to.contains(&intent));
        let code = match drive {
            Drive::Code(code) => usize::from(code).min(self.actions.len().saturating_sub(1)),
            Drive::Intent(intent) => bound(intent).or_else(|| bound(Intent::Stay)).unwrap_or(0),
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    /// The way that this code is asked to lead: where no way is bound to it, nowhere.
    pub fn way_of(&self, code: u8) -> Intent {
        let bound = self.actions.get(usize::from(code)).map_or(&[][..], |action| &action.bound_to);
        bound.iter().copied().find(|intent| intent.quarters().is_some()).unwrap_or_default()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DreamError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("{0} is a simulator: it starts from a seed and cannot be shown or painted anything")]
    NotADream(String),
    #[error("a start needs at least one picture")]
    NoFrames,
    #[error("there is no frame to change yet")]
    NothingDreamed,
    #[error("no part of the picture is chosen: paint over what should be dreamed again")]
    NothingPainted,
    #[error("nothing is left to take back")]
    NothingToUndo,
    #[error("nothing was taken back that could be done again")]
    NothingToRedo,
    #[error("{0} keeps no map of what was seen")]
    NoMap(String),
    #[error("{0} does not say what of its land stands up, and cannot be seen from within")]
    NoRelief(String),
    #[error("{0} is a simulator and remembers nothing of its walk")]
    NoReplay(String),
    #[error("there is no world named {name:?}; there is: {}", crate::worlds::NAMES.join(", "))]
    NoWorld { name: String },
}

impl DreamError {
    /// The graphics device is gone, or nothing that it does means anything any more: everything on it must be made anew.
    pub fn is_device_lost(&self) -> bool {
        matches!(self, Self::Engine(EngineError::DeviceLost(_) | EngineError::Graphics(_)))
    }
}

/// A world that makes one frame at a time.
pub trait Source: Send {
    fn info(&self) -> &SourceInfo;

    /// Makes the frame that `code` leads into. A dream also takes the code after the last of [`Self::info`], an action nobody knows, and refuses
    /// any beyond it; a simulator takes every code beyond its last for the last, and ignores `settings`.
    fn step(&mut self, code: u8, settings: &DecodeSettings) -> Result<(), DreamError>;

    /// The newest frame.
    fn picture(&self) -> Picture<'_>;

    /// RGBA bytes of the newest frame, read back if need be (may block).
    fn read_picture(&mut self) -> Result<Vec<u8>, DreamError>;

    /// Milliseconds of the last frame by stage.
    fn stage_times(&self) -> StageTimes;

    /// As [`Engine::pass_times`](crate::engine::Engine::pass_times).
    fn pass_times(&self) -> StageTimes {
        StageTimes::new()
    }

    /// What the world itself says of the newest frame, if it can speak.
    fn caption(&self) -> Option<String>;

    /// Light, weather, season and style of the newest frame, as far as they are known.
    fn look(&self) -> Wish;

    /// What land the newest frame shows, where enough of it is known.
    fn land(&self) -> Option<LandShares> {
        None
    }

    /// Whether what is asked for leads nowhere, as far as is known.
    fn stuck(&self) -> Option<Stuck> {
        None
    }

    /// Back to the start: a dream to its start frames or its words, a simulator to the open place that the seed chooses.
    fn reset(&mut self, settings: &DecodeSettings) -> Result<(), DreamError>;

    /// Words (rows of the word table) in force from the next frame on; `blend_frames` frames are a blend of old and new ones. A
    /// simulator follows in its own time.
    fn set_prompt(&mut self, words: &[u16], blend_frames: u32) -> Result<(), DreamError>;

    /// What can be shown and painted something; a simulator cannot.
    fn as_dream(&mut self) -> Option<&mut DreamSession>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(name: &str, bound_to: &[Intent]) -> ActionInfo {
        ActionInfo { name: name.to_owned(), share: None, purity: None, bound_to: bound_to.to_vec() }
    }

    fn info(actions: Vec<ActionInfo>) -> SourceInfo {
        SourceInfo {
            kind: SourceKind::Truth,
            title: String::new(),
            engine: String::new(),
            device: String::new(),
            width_px: 1,
            height_px: 1,
            rate_hz: 10,
            strides: None,
            within: false,
            grid: [0, 0],
            actions,
            prompt_words: 0,
            suggested_prompts: Vec::new(),
            window: 0,
            context_levels: 0,
        }
    }

    #[test]
    fn codes_that_no_step_carried_are_dead_and_none_is_where_nothing_is_known() {
        let living = |shares: &[Option<f32>]| {
            info(shares.iter().map(|share| ActionInfo { share: *share, ..action("a", &[]) }).collect()).living_codes()
        };
        assert_eq!(living(&[Some(0.0), Some(0.7), None, Some(0.0), Some(0.3)]), [1, 2, 4]);
        assert_eq!(living(&[Some(0.0), Some(0.0)]), [0, 1]);
        assert_eq!(living(&[None, None]), [0, 1]);
    }

    #[test]
    fn an_intent_goes_to_its_code_and_an_unbound_one_stays() {
        let info = info(vec![action("east", &[Intent::East]), action("stay", &[Intent::Stay]), action("odd", &[])]);
        assert_eq!(info.code_of(Drive::Intent(Intent::East)), 0);
        assert_eq!(info.code_of(Drive::Intent(Intent::North)), 1, "north is not bound: stay");
        assert_eq!(info.code_of(Drive::Code(2)), 2);
        assert_eq!(info.code_of(Drive::Code(200)), 2, "codes the pack does not have are clamped");
    }

    #[test]
    fn a_device_that_reports_an_error_is_made_anew_as_one_that_is_lost_is() {
        let is_lost = |why: EngineError| DreamError::from(why).is_device_lost();
        assert!(is_lost(EngineError::DeviceLost(String::new())) && is_lost(EngineError::Graphics(String::new())));
        assert!(!is_lost(EngineError::NoDynamics) && !is_lost(EngineError::Wrong(String::new())));
    }

    #[test]
    fn strides_are_whole_patches_or_none() {
        let frame = FrameDims { width_px: 80, height_px: 48, patch_px: 16, rate_hz: 6, code_dims: 1, code_levels: 2, look: false };
        let strides = |step_px| Strides::new(&frame, step_px, [[0, 0], [1, 0], [0, -1]].into_iter(), &[7, 12]);
        let expected = Strides { motions_px: vec![[0, 0], [16, 0], [0, -16]], standing: [32, 16, 16, 32], patch_px: 16 };
        assert_eq!(strides(16), Some(expected));
        assert_eq!(strides(8), None);
        let nothing_stands = Strides::new(&frame, 16, std::iter::empty(), &[]);
        assert_eq!(nothing_stands.map(|strides| strides.standing[2..].to_vec()), Some(vec![0, 0]));
    }
}
