//! Where clips come from: a simulator that is asked for them, or recordings ([`crate::recordings`]).

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use somnium::clips::{self, Clip, ClipPlan};
use somnium::worlds::policy;
use somnium::worlds::{self, World};

use crate::bared::Bared;

/// What a source's clips look like.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    pub name: String,
    pub width_px: usize,
    pub height_px: usize,
    pub patch_px: usize,
    pub rate_hz: u32,
    /// Names of the recorded actions.
    pub actions: Vec<String>,
    pub suggested_prompts: Vec<String>,
}

/// Gives clips by number: the same number is the same clip.
pub trait ClipSource: Send + Sync {
    fn info(&self) -> &SourceInfo;
    /// Whether this action leads into any frame.
    fn records(&self, _action: usize) -> bool {
        true
    }
    /// Whether any does.
    fn records_any(&self) -> bool {
        (0..self.info().actions.len()).any(|action| self.records(action))
    }
    /// Whether what is said in clips was asked for, and made the land what it is.
    fn captions_are_wishes(&self) -> bool {
        true
    }
    /// Tells sources apart whose clips are files; a simulator always has the same.
    fn content(&self) -> Vec<u8> {
        Vec::new()
    }
    /// A clip of `frames` frames, as restless as asked, where the source can.
    fn clip(&self, number: u64, frames: usize, mood: Mood) -> Result<Clip>;
    /// A clip of the walk of one number under the look of another, the same throughout and for every walk; and its land drawn bare. `None` where the
    /// source cannot choose.
    fn under_look(&self, number: u64, frames: usize, look: u64) -> Result<Option<(Clip, Bare)>>;
    /// As [`Self::clip`], with its land drawn bare where the source can.
    fn bared(&self, number: u64, frames: usize, mood: Mood) -> Result<(Clip, Option<Bare>)> {
        Ok((self.clip(number, frames, mood)?, None))
    }
}

/// The frames of a clip with the same land in plain colours by day, [`Bared`], `(T, height_px, width_px, RGB)`.
pub type Bare = Vec<u8>;

/// Numbers of clips that training never sees: validation, labels and evaluation live up here.
pub const HELD_OUT: u64 = 1 << 40;

/// How much a simulator's clips change by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Daylight and weather hold still; what is wished is another land.
    Still,
    /// Daylight and weather take their course, and every few seconds something else is wished.
    Lively,
    /// Something else is wished once or twice a second: many looks in few frames.
    Restless,
}

impl Mood {
    /// Frames from one wish to the next, at least and at most.
    fn wish_frames(self) -> (usize, usize) {
        match self {
            Self::Still => (20, 60),
            Self::Lively => (8, 44),
            Self::Restless => (3, 8),
        }
    }
}

/// Share of a simulator's clips in which something is wished.
const WISHING_SHARE: f32 = 0.75;
/// Share of a simulator's clips that go on one way, so that much land comes into view; in the others it is explored.
const ONWARD_SHARE: f32 = 0.5;

/// Clips played live by a simulator and an exploring policy.
pub struct WorldSource {
    world: Mutex<Box<dyn World>>,
    info: SourceInfo,
    seed: u64,
}

impl WorldSource {
    pub fn new(name: &str, seed: u64) -> Result<Self> {
        let world = worlds::by_name(name).with_context(|| format!("unknown world {name:?}; there are {}", worlds::NAMES.join(", ")))?;
        let info = world.info();
        let info = SourceInfo {
            name: info.name.to_owned(),
            width_px: info.width_px,
            height_px: info.height_px,
            patch_px: info.patch_px,
            rate_hz: info.rate_hz,
            actions: info.actions.iter().map(|name| (*name).to_owned()).collect(),
            suggested_prompts: info.suggested_prompts.clone(),
        };
        Ok(Self { info, world: Mutex::new(world), seed })
    }
}

impl ClipSource for WorldSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn clip(&self, number: u64, frames: usize, mood: Mood) -> Result<Clip> {
        self.record(self.world()?.as_mut(), self.plan(number, frames, mood))
    }

    fn under_look(&self, number: u64, frames: usize, look: u64) -> Result<Option<(Clip, Bare)>> {
        let plan = self.plan(number, frames, Mood::Restless);
        let look = Some(mix(self.seed, look));
        self.record_bared(ClipPlan { look, ..plan }).map(Some)
    }

    fn bared(&self, number: u64, frames: usize, mood: Mood) -> Result<(Clip, Option<Bare>)> {
        let (clip, bare) = self.record_bared(self.plan(number, frames, mood))?;
        Ok((clip, Some(bare)))
    }
}

impl WorldSource {
    fn world(&self) -> Result<Box<dyn World>> {
        Ok(self.world.lock().map_err(|_| anyhow::anyhow!("the simulator failed on another thread"))?.boxed_clone())
    }

    fn plan(&self, number: u64, frames: usize, mood: Mood) -> ClipPlan {
        let seed = mix(self.seed, number);
        let wishes = Dice::new(seed, 1).chance(WISHING_SHARE).then(|| mood.wish_frames());
        ClipPlan { seed, frames, hold_ambience: mood == Mood::Still, wishes, look: None }
    }

    fn record_bared(&self, plan: ClipPlan) -> Result<(Clip, Bare)> {
        let mut world = Bared::new(self.world()?);
        let clip = self.record(&mut world, plan)?;
        Ok((clip, world.take_drawn()))
    }

    fn record(&self, world: &mut dyn World, plan: ClipPlan) -> Result<Clip> {
        let name = if Dice::new(plan.seed, 0).chance(ONWARD_SHARE) { "onward" } else { "explorer" };
        let mut policy = policy::by_name(name, plan.seed).with_context(|| format!("there is no policy {name:?}"))?;
        Ok(clips::record(world, policy.as_mut(), plan))
    }
}

/// Writes `clips` clips of a simulator's exploring policy as `.clip` files.
pub fn record(world: &str, clips: u64, frames: usize, seed: u64, folder: &Path, stop: &AtomicBool) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let source = WorldSource::new(world, seed)?;
    let bar = indicatif::ProgressBar::new(clips);
    for number in 0..clips {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        source.clip(number, frames, Mood::Lively)?.save(&folder.join(format!("{world}-{seed}-{number:05}.clip")))?;
        bar.inc(1);
    }
    bar.finish();
    Ok(())
}

/// A well-mixed number of two (splitmix64).
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(b).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A small generator whose whole state is a number: batches draw from one seeded by step.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, step: u64) -> Self {
        Self(mix(seed, step))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0, 0)
    }

    /// Uniform in `0..below`.
    pub fn below(&mut self, below: usize) -> usize {
        ((u128::from(self.next()) * below as u128) >> 64) as usize
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }
}
