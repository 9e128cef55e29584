//! Where clips come from: a simulator that is asked for them, or a folder of recordings.

use anyhow::{Context, Result};
use somnium::clips::{Clip, record_clip};
use somnium::worlds::policy::Explorer;
use somnium::worlds::{self, World, WorldInfo};

/// Gives clips by number: the same number is the same clip.
pub trait ClipSource: Send + Sync {
    fn info(&self) -> &WorldInfo;
    /// A clip of `frames` frames; `still` asks for daylight and weather that hold still, where the source can.
    fn clip(&self, number: u64, frames: usize, still: bool) -> Result<Clip>;
}

/// Numbers of clips that training never sees: validation, labels and evaluation live up here.
pub const HELD_OUT: u64 = 1 << 40;

/// Clips played live by a simulator and an exploring policy.
pub struct WorldSource {
    world: std::sync::Mutex<Box<dyn World>>,
    info: WorldInfo,
    seed: u64,
}

impl WorldSource {
    pub fn new(name: &str, seed: u64) -> Result<Self> {
        let world = worlds::by_name(name).with_context(|| format!("unknown world {name:?}; there are {}", worlds::NAMES.join(", ")))?;
        Ok(Self { info: world.info().clone(), world: std::sync::Mutex::new(world), seed })
    }
}

impl ClipSource for WorldSource {
    fn info(&self) -> &WorldInfo {
        &self.info
    }

    fn clip(&self, number: u64, frames: usize, still: bool) -> Result<Clip> {
        let seed = mix(self.seed, number);
        let mut world = self.world.lock().map_err(|_| anyhow::anyhow!("the simulator failed on another thread"))?.boxed_clone();
        Ok(record_clip(world.as_mut(), &mut Explorer::new(seed), seed, frames, still))
    }
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
