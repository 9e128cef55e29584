//! Plays a pack and its simulator from the same starts and reads off the pictures what moved.

use std::ops::Range;

use anyhow::{Context, Result};
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::inputs::play_settings;
use somnium::engine::{DecodeSettings, Engine, TokenFrame};
use somnium::pack::Pack;
use somnium::worlds::policy::{Hold, Policy};
use somnium::worlds::{self, StepOutcome, World};

use crate::motion::{Picture, best_shift, shrunk};
use crate::patches::psnr_db;
use crate::source::{ClipSource, WorldSource, mix};
use crate::stages::dynamics::bindings;

/// Pictures are averaged down by this before motion is estimated.
const SHRINK: usize = 2;
/// Frames of true history a rollout starts from.
const HISTORY: usize = 12;
/// Length of the clips that single steps are judged on.
const SINGLE_FRAMES: usize = 32;
/// Every this many frames of the first rollouts a picture is kept.
const PICTURES: usize = 4;

/// Steps that should have moved or stood, and how many were seen to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recall {
    moved: [u32; 2],
    blocked: [u32; 2],
}

impl Recall {
    /// `seen` and `asked` are actions, 0 for none.
    fn add(&mut self, truth: StepOutcome, asked: usize, seen: usize) {
        let (tally, hit) = if truth.moved { (&mut self.moved, seen == asked) } else { (&mut self.blocked, seen == 0) };
        if truth.moved || truth.blocked {
            tally[1] += 1;
            tally[0] += u32::from(hit);
        }
    }

    pub fn moved(&self) -> f64 {
        f64::from(self.moved[0]) / f64::from(self.moved[1].max(1))
    }

    pub fn blocked(&self) -> f64 {
        f64::from(self.blocked[0]) / f64::from(self.blocked[1].max(1))
    }

    pub fn balanced(&self) -> f64 {
        (self.moved() + self.blocked()) / 2.0
    }
}

/// Single steps from true history.
#[derive(Default)]
pub struct Single {
    pub dream: Recall,
    pub truth: Recall,
    /// Share of tokens with every dimension right, over moved steps; and what copying the last frame gets.
    pub exact: f64,
    pub copied: f64,
}

/// One free rollout: what was asked and what was seen, and pictures of every few frames.
pub struct Rollout {
    pub steps: Vec<(usize, usize)>,
    pub pictures: Vec<Vec<u8>>,
    pub frames: Vec<Vec<u8>>,
}

impl Rollout {
    /// Share of the steps in `range` that moved the asked way.
    pub fn moving_share(&self, range: Range<usize>) -> f64 {
        let steps = &self.steps[range.start.min(self.steps.len())..range.end.min(self.steps.len())];
        steps.iter().filter(|(asked, seen)| asked == seen && *asked != 0).count() as f64 / steps.len().max(1) as f64
    }
}

pub struct Judge {
    engine: CpuEngine,
    /// Shows the picture of any tokens without disturbing the engine that dreams.
    viewer: CpuEngine,
    source: Option<WorldSource>,
    world_name: String,
    settings: DecodeSettings,
    codes: Vec<u8>,
    bindings: Vec<u8>,
    /// Shift of the averaged-down picture each action brings, 0 first.
    shifts: Vec<(i32, i32)>,
}

impl Judge {
    pub fn new(pack: &Pack) -> Result<Self> {
        let m = &pack.manifest;
        let world_name = m.provenance.world.clone().unwrap_or_default();
        let source = if world_name.is_empty() { None } else { Some(WorldSource::new(&world_name, 0)?) };
        let (mut bound, mut shifts) = (Vec::new(), Vec::new());
        if let Some(source) = &source {
            if m.dynamics.is_some() {
                bound = bindings(&m.actions, &source.info().actions)?;
            }
            let step = step_px(&world_name)? / SHRINK as i32;
            shifts = vec![(0, 0), (0, step), (0, -step), (step, 0), (-step, 0)];
        }
        Ok(Self {
            engine: CpuEngine::new(pack, CpuOptions::default())?,
            viewer: CpuEngine::new(pack, CpuOptions::default())?,
            source,
            world_name,
            settings: play_settings(m),
            codes: vec![0; m.frame.code_bytes()],
            bindings: bound,
            shifts,
        })
    }

    pub fn has_world(&self) -> bool {
        self.source.is_some()
    }

    fn source(&self) -> Result<&WorldSource> {
        self.source.as_ref().context("the pack names no simulator")
    }

    /// RGB picture of some codes.
    fn view(&mut self, codes: &[u8]) -> Result<Vec<u8>> {
        let unknown = self.viewer.manifest().dynamics.as_ref().map_or(0, |d| d.actions as u8);
        self.viewer.restore(&[TokenFrame { codes: codes.to_vec(), action: unknown, prompt: Vec::new() }], 0)?;
        Ok(rgb(&self.viewer.read_picture()?))
    }

    /// Mean and worst decile of the PSNR of frames through the tokenizer.
    pub fn tokenizer_db(&mut self, seed: u64, stills: u64) -> Result<(f64, f64)> {
        let mut db = Vec::new();
        for number in 0..stills {
            let frames = 1 + mix(seed, number) as usize % 40;
            let clip = self.source()?.clip(seed + number, frames, false)?;
            let truth = clip.frame(frames - 1);
            let codes = self.viewer.encode(truth)?;
            db.push(psnr_db(truth, &self.view(&codes)?));
        }
        db.sort_by(f64::total_cmp);
        Ok((db.iter().sum::<f64>() / db.len() as f64, db[db.len() / 10]))
    }

    /// The action whose motion lies between two pictures. The figure never scrolls and is left out.
    fn seen(&self, before: &[u8], after: &[u8]) -> usize {
        let frame = self.viewer.manifest().frame;
        let (w, h, patch) = (frame.width_px / SHRINK, frame.height_px / SHRINK, frame.patch_px / SHRINK);
        let small = |rgb: &[u8]| shrunk(rgb, frame.width_px, frame.height_px, SHRINK);
        let (before, after) = (small(before), small(after));
        let counts = |x: usize, y: usize| (x / patch, y / patch) != (frame.grid_w() / 2, frame.grid_h() / 2);
        best_shift(Picture { values: &before, w, h }, Picture { values: &after, w, h }, &self.shifts, counts)
    }

    /// One step at a time along held-out clips: history is the truth, the next frame dreamed in one step at temperature 0.
    pub fn single_steps(&mut self, seed: u64, clips: u64) -> Result<Single> {
        let frame = self.viewer.manifest().frame;
        let unknown = self.engine.manifest().dynamics.as_ref().map_or(0, |d| d.actions as u8);
        let mut single = Single::default();
        let (mut exact, mut copied, mut tokens) = (0u32, 0u32, 0u32);
        for number in 0..clips {
            let clip = self.source()?.clip(seed + number, SINGLE_FRAMES, false)?;
            let mut history: Vec<TokenFrame> = Vec::new();
            let mut before: Option<(Vec<u8>, Vec<u8>)> = None;
            for t in 0..clip.len() {
                let codes = self.engine.encode(clip.frame(t))?;
                let asked = clip.actions[t].map_or(0, usize::from);
                let action = clip.actions[t].map_or(unknown, |a| self.bindings[usize::from(a)]);
                let picture = self.view(&codes)?;
                if let Some((old_codes, old_picture)) = &before {
                    self.engine.restore(&history, 0)?;
                    self.engine.dream(action, &DecodeSettings { steps: 1, temperature: 0.0, ..self.settings })?;
                    let mut guess = vec![0; codes.len()];
                    self.engine.take_codes(&mut guess);
                    let guessed = rgb(&self.engine.read_picture()?);
                    single.dream.add(clip.outcomes[t], asked, self.seen(old_picture, &guessed));
                    single.truth.add(clip.outcomes[t], asked, self.seen(old_picture, &picture));
                    if clip.outcomes[t].moved {
                        let rows = |codes: &[u8]| codes.chunks_exact(frame.code_dims).map(<[u8]>::to_vec).collect::<Vec<_>>();
                        let (truth, guess, old) = (rows(&codes), rows(&guess), rows(old_codes));
                        exact += truth.iter().zip(&guess).filter(|(a, b)| a == b).count() as u32;
                        copied += truth.iter().zip(&old).filter(|(a, b)| a == b).count() as u32;
                        tokens += truth.len() as u32;
                    }
                }
                history.push(TokenFrame { codes: codes.clone(), action, prompt: Vec::new() });
                before = Some((codes, picture));
            }
        }
        single.exact = f64::from(exact) / f64::from(tokens.max(1));
        single.copied = f64::from(copied) / f64::from(tokens.max(1));
        Ok(single)
    }

    /// Loads true history into the engine; gives the simulator where it stands and its last frame through the tokenizer.
    fn begin(&mut self, seed: u64) -> Result<(Box<dyn World>, Vec<u8>)> {
        let mut world = worlds::by_name(&self.world_name).context("the simulator is gone")?;
        world.reset(mix(seed, 0));
        let frame = self.viewer.manifest().frame;
        let unknown = self.engine.manifest().dynamics.as_ref().map_or(0, |d| d.actions as u8);
        let (mut pixels, mut history, mut policy) = (vec![0; frame.rgb_bytes()], Vec::new(), Hold::new(seed));
        let mut last = StepOutcome::default();
        for t in 0..HISTORY {
            let action = policy.next(last);
            let mut into = unknown;
            if t > 0 {
                last = world.step(action);
                into = self.bindings[action];
            }
            world.render(&mut pixels);
            history.push(TokenFrame { codes: self.engine.encode(&pixels)?, action: into, prompt: Vec::new() });
        }
        self.engine.restore(&history, seed as u32)?;
        let picture = self.view(&history[HISTORY - 1].codes)?;
        Ok((world, picture))
    }

    /// Free rollouts of dream or simulator under the same policy, which learns of movement from the estimator alone.
    pub fn rollouts(&mut self, seed: u64, count: u64, frames: usize, dream: bool) -> Result<Vec<Rollout>> {
        (0..count).map(|number| self.rollout(seed + number, frames, dream)).collect()
    }

    fn rollout(&mut self, seed: u64, frames: usize, dream: bool) -> Result<Rollout> {
        let (mut world, mut picture) = self.begin(seed)?;
        let mut policy = Hold::new(seed);
        let mut rollout = Rollout { steps: Vec::new(), pictures: Vec::new(), frames: vec![picture.clone()] };
        let mut last = StepOutcome::default();
        let mut pixels = picture.clone();
        for t in 0..frames {
            let action = policy.next(last);
            let next = if dream {
                self.dream(action, seed)?
            } else {
                world.step(action);
                world.render(&mut pixels);
                let codes = self.engine.encode(&pixels)?;
                self.view(&codes)?
            };
            let seen = self.seen(&picture, &next);
            last = StepOutcome { moved: seen == action, blocked: action != 0 && seen == 0 };
            rollout.steps.push((action, seen));
            if t.is_multiple_of(PICTURES) || frames <= 64 {
                rollout.pictures.push(next.clone());
            }
            if t < 120 {
                rollout.frames.push(next.clone());
            }
            picture = next;
        }
        Ok(rollout)
    }

    fn dream(&mut self, action: usize, seed: u64) -> Result<Vec<u8>> {
        let settings = DecodeSettings { seed: seed as u32, ..self.settings };
        self.engine.dream(self.bindings[action], &settings)?;
        self.engine.take_codes(&mut self.codes);
        Ok(rgb(&self.engine.read_picture()?))
    }

    /// Share of each seen motion over free rollouts under one key.
    pub fn held_key(&mut self, action: usize, seed: u64, count: u64, frames: usize) -> Result<[f64; 5]> {
        let mut seen = [0.0; 5];
        for number in 0..count {
            let (_, mut picture) = self.begin(seed + number)?;
            for _ in 0..frames {
                let next = self.dream(action, seed + number)?;
                seen[self.seen(&picture, &next)] += 1.0 / (count as f64 * frames as f64);
                picture = next;
            }
        }
        Ok(seen)
    }
}

/// Pixels the simulator's picture moves by in one step.
fn step_px(world: &str) -> Result<i32> {
    let mut world = worlds::by_name(world).context("the simulator is gone")?;
    for action in 1..world.info().actions.len() {
        let before = world.position_px();
        if world.step(action).moved {
            let after = world.position_px();
            return Ok(((after.0 - before.0).abs() + (after.1 - before.1).abs()) as i32);
        }
    }
    anyhow::bail!("the simulator does not move")
}

fn rgb(rgba: &[u8]) -> Vec<u8> {
    rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
}
