//! Recorded clips: frames with the actions that led into them, what those did, and captions.

mod file;
mod import;

use std::path::{Path, PathBuf};

use crate::worlds::policy::Policy;
use crate::worlds::{StepOutcome, World};

/// What is wrong with which clip.
#[derive(Debug, thiserror::Error)]
#[error("the clip {path}: {what}", path = path.display())]
pub struct ClipError {
    pub path: PathBuf,
    pub what: String,
}

impl ClipError {
    fn new(path: &Path, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), what: what.into() }
    }
}

/// A recording, `T` frames long.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clip {
    pub width_px: usize,
    pub height_px: usize,
    /// `(T, height_px, width_px, RGB)`, 8-bit sRGB.
    pub frames: Vec<u8>,
    /// Recorded action that led into each frame; `None` where unknown, as for the first.
    pub actions: Vec<Option<u8>>,
    /// What that action did; nothing for the first frame.
    pub outcomes: Vec<StepOutcome>,
    /// Words that describe each frame; empty where nothing is said.
    pub captions: Vec<Vec<String>>,
}

impl Clip {
    /// Number of frames `T`.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }

    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        self.width_px * self.height_px * 3
    }

    /// Frame `t`: `(height_px, width_px, RGB)`.
    pub fn frame(&self, t: usize) -> &[u8] {
        &self.frames[t * self.frame_bytes()..][..self.frame_bytes()]
    }

    /// Frames `start..start + frames` as a clip of their own; nothing led into its first frame.
    pub fn part(&self, start: usize, frames: usize) -> Self {
        let range = start..start + frames;
        let mut part = Self {
            width_px: self.width_px,
            height_px: self.height_px,
            frames: self.frames[start * self.frame_bytes()..][..frames * self.frame_bytes()].to_vec(),
            actions: self.actions[range.clone()].to_vec(),
            outcomes: self.outcomes[range.clone()].to_vec(),
            captions: self.captions[range].to_vec(),
        };
        if let (Some(action), Some(outcome)) = (part.actions.first_mut(), part.outcomes.first_mut()) {
            (*action, *outcome) = (None, StepOutcome::default());
        }
        part
    }
}

/// Resets `world` to `seed` and records `frames` frames of what `policy` does in it; with `hold_ambience`, under one light and weather.
pub fn record_clip(world: &mut dyn World, policy: &mut dyn Policy, seed: u64, frames: usize, hold_ambience: bool) -> Clip {
    world.hold_ambience(hold_ambience);
    world.reset(seed);
    let (width_px, height_px) = (world.info().width_px, world.info().height_px);
    let frame_bytes = width_px * height_px * 3;
    let mut clip = Clip { width_px, height_px, frames: vec![0; frames * frame_bytes], ..Clip::default() };
    let mut last = StepOutcome::default();
    for (t, frame) in clip.frames.chunks_exact_mut(frame_bytes).enumerate() {
        let action = (t > 0).then(|| policy.next(last));
        last = action.map_or_else(StepOutcome::default, |action| world.step(action));
        world.render(frame);
        clip.actions.push(action.map(|a| a as u8));
        clip.outcomes.push(last);
        clip.captions.push(world.caption().into_iter().map(str::to_owned).collect());
    }
    clip
}
