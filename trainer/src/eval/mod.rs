//! The judge of a pack: plays it through the player's own engine beside the simulator it was trained on, and prints one table.
//!
//! Movement is read off the pictures by block matching, everything else by the probe, in dream and simulator alike. The simulator's frames
//! go through the tokenizer first, so its figures are the ceiling of what a dream can score. One file a family of figures.

mod ahead;
mod control;
mod dials;
mod frechet;
mod free;
mod houses;
mod latent;
mod memory;
mod players;
mod prompt;
mod report;
mod rollout;
mod seams;
mod sheet;
mod speed;
mod stability;
mod tokenizer;
mod workers;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use serde_json::{Value, json};
use somnium::pack::Pack;
use somnium::worlds;

use crate::probe::spoil::Spoil;
use crate::probe::{self, Probe};
use free::Played;
use players::{Judge, Kind};
use report::{Figure, Report};
use rollout::{Broke, Plan, Rollout};
use workers::Workers;

/// Seeds of evaluation, fixed before training; training never sees them. Each family has a million of its own.
const FIRST_SEED: u64 = 7_000_000_000;
const FAMILY_SEEDS: u64 = 1_000_000;
/// Who plays the long rollouts.
const POLICIES: [&str; 4] = ["hold", "explorer", "random", "there-and-back"];
/// Frames of the rollouts that show what the probe makes of broken dreams.
const BROKEN_FRAMES: usize = 2 * rollout::STRETCH;
/// A rollout of fewer frames is not judged.
pub const LEAST_FRAMES: u32 = rollout::STRETCH as u32;

/// A family of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Family {
    Speed,
    Tokenizer,
    Latent,
    Control,
    Rollouts,
    Memory,
    Prompt,
    Dials,
    Ahead,
    Houses,
    Probe,
}

impl Family {
    /// The first of its seeds.
    fn seed(self) -> u64 {
        let number = match self {
            Self::Tokenizer => 0,
            Self::Latent => 1,
            Self::Control => 2,
            Self::Rollouts => 3,
            // It needs none.
            Self::Speed => 4,
            Self::Memory => 5,
            Self::Prompt => 6,
            Self::Probe => 7,
            Self::Dials => 8,
            Self::Ahead => 9,
            Self::Houses => 10,
        };
        FIRST_SEED + number * FAMILY_SEEDS
    }
}

/// How much is played.
pub struct Effort {
    stills: u64,
    latent_clips: u64,
    control_clips: u64,
    /// Rollouts under held keys, and of them by copy and shift.
    held: u64,
    baselines: u64,
    /// Of those under held keys, played again with many decoding steps.
    many_steps: u64,
    /// Long rollouts of each policy, and their frames.
    per_policy: u64,
    frames: usize,
    /// Ways there and back for each distance.
    walks: u64,
    /// Of the prompts every so many-th is said.
    prompt_stride: usize,
    /// Worlds in which dials are turned.
    dialled: u64,
    /// Worlds walked through by one who looks from within.
    within: u64,
    /// Villages walked through.
    villages: u64,
    /// Rollouts of each kind of broken dream.
    broken: u64,
    gif_frames: usize,
}

impl Effort {
    pub fn tiny() -> Self {
        Self {
            stills: 4,
            latent_clips: 1,
            control_clips: 2,
            held: 2,
            baselines: 1,
            many_steps: 0,
            per_policy: 1,
            frames: 50,
            walks: 1,
            prompt_stride: 20,
            dialled: 1,
            within: 1,
            villages: 1,
            broken: 2,
            gif_frames: 8,
        }
    }

    pub fn quick() -> Self {
        Self {
            stills: 60,
            latent_clips: 6,
            control_clips: 48,
            held: 20,
            baselines: 3,
            many_steps: 0,
            per_policy: 2,
            frames: 300,
            walks: 8,
            prompt_stride: 2,
            dialled: 24,
            within: 8,
            villages: 8,
            broken: 2,
            gif_frames: 100,
        }
    }

    /// Other numbers of long rollouts under each policy, and of their frames.
    pub fn play_long(&mut self, per_policy: Option<u64>, frames: Option<usize>) {
        self.per_policy = per_policy.unwrap_or(self.per_policy);
        self.frames = frames.unwrap_or(self.frames);
    }

    pub fn full() -> Self {
        Self {
            stills: 300,
            latent_clips: 30,
            control_clips: 300,
            held: 64,
            baselines: 8,
            many_steps: 16,
            per_policy: 16,
            frames: 1000,
            walks: 32,
            prompt_stride: 1,
            dialled: 96,
            within: 64,
            villages: 64,
            broken: 4,
            gif_frames: 200,
        }
    }
}

pub struct Options {
    pub effort: Effort,
    /// What is judged; everything where it is empty.
    pub only: Vec<Family>,
    /// File of the probe, if it is not where it is looked for.
    pub probe: Option<PathBuf>,
    /// What probe and latent action model run on.
    pub device: Device,
    /// How much prompts are exaggerated.
    pub guidance: f32,
    /// Folder for pictures.
    pub out: PathBuf,
}

/// Evaluates a pack, prints the table, writes sheet and GIFs, and returns the figures.
pub fn evaluate(pack: &Pack, options: &Options) -> Result<Value> {
    std::fs::create_dir_all(&options.out).with_context(|| format!("cannot create {}", options.out.display()))?;
    let play = pack.manifest.play;
    println!(
        "{}: {} parameters, judged on the CPU engine; {} steps{}, temperature {}, min-p {}{}, window {}, context level {}",
        pack.manifest.name,
        pack.parameters(),
        play.steps,
        play.certain.map_or(String::new(), |certain| format!(" at most (certain {certain})")),
        play.temperature,
        play.min_p,
        play.new_land.map_or(String::new(), |new| format!(" (new land {}, {})", new.temperature, new.min_p)),
        play.window,
        play.context_level
    );
    let mut evaluation = Evaluation { pack, options, report: Report::default() };
    evaluation.run()?;
    evaluation.report.print();
    let mut settings = json!(play);
    settings["guidance"] = json!(options.guidance);
    let mut figures = evaluation.report.to_json();
    figures["settings"] = settings;
    Ok(figures)
}

struct Evaluation<'a> {
    pack: &'a Pack,
    options: &'a Options,
    report: Report,
}

impl Evaluation<'_> {
    fn wanted(&self, family: Family) -> bool {
        self.options.only.is_empty() || self.options.only.contains(&family)
    }

    /// Adds what a family says of the pack from its first seed on, if it is wanted, and how long it took.
    fn add(&mut self, family: Family, name: &'static str, figures: impl FnOnce(u64) -> Result<Vec<Figure>>) -> Result<()> {
        if !self.wanted(family) {
            return Ok(());
        }
        let started = Instant::now();
        self.report.figures.extend(figures(family.seed()).with_context(|| format!("while judging: {name}"))?);
        self.report.seconds.push((name, started.elapsed().as_secs_f64()));
        eprintln!("{name}: {:.1} s", started.elapsed().as_secs_f64());
        Ok(())
    }

    fn leave_out(&mut self, what: impl Into<String>) {
        self.report.left_out.push(what.into());
    }

    fn run(&mut self) -> Result<()> {
        let (pack, effort) = (self.pack, &self.options.effort);
        if pack.manifest.dynamics.is_some() {
            self.add(Family::Speed, "speed", |_| speed::figures(pack))?;
        }
        let Some(world) = &pack.manifest.provenance.world else {
            self.leave_out("everything that is held against a simulator: the pack names none, it was made from recordings");
            return Ok(());
        };
        if !worlds::NAMES.contains(&world.as_str()) {
            self.leave_out(format!("everything that is held against the simulator {world:?}: it is not in this build"));
            return Ok(());
        }
        let probe = self.probe(world)?;
        let mut workers = Workers::new(pack, probe.as_ref())?;
        self.add(Family::Tokenizer, "tokenizer", |seed| tokenizer::figures(pack, world, &mut workers, seed, effort.stills))?;
        let inference = latent::Inference::of(pack, world, &self.options.device)?;
        match &inference {
            Some(inference) => self.add(Family::Latent, "latent actions", |seed| inference.figures(seed, effort.latent_clips))?,
            None => self.leave_out("latent actions: the pack has no latent action model"),
        }
        if pack.manifest.dynamics.is_none() {
            self.leave_out("everything that is dreamed: the pack has no dynamics");
            return Ok(());
        }
        let judge = Judge::new(pack, self.options.guidance)?;
        self.add(Family::Control, "control", |seed| {
            control::figures(&judge, &mut workers, inference.as_ref(), seed, effort.control_clips)
        })?;
        if self.wanted(Family::Rollouts) {
            self.rollouts(&judge, &mut workers, probe.as_ref())?;
        }
        self.add(Family::Memory, "memory", |seed| memory::figures(&judge, &mut workers, seed, effort.walks))?;
        if pack.manifest.relief.is_some() {
            self.add(Family::Ahead, "ahead", |seed| ahead::figures(pack, &judge, &mut workers, seed, effort.within))?;
            self.add(Family::Houses, "houses", |seed| houses::figures(&judge, &mut workers, seed, effort.villages))?;
        }
        let Some(probe) = &probe else { return Ok(()) };
        if pack.manifest.dynamics.as_ref().is_some_and(|d| d.prompt_words == 0) {
            self.leave_out("prompts: the pack takes none");
        } else {
            self.add(Family::Prompt, "prompt", |seed| {
                let list = self.options.out.join("prompts.tsv");
                prompt::figures(&judge, &mut workers, &probe.info, seed, effort.prompt_stride, &list)
            })?;
            self.add(Family::Dials, "dials", |seed| dials::figures(&judge, &mut workers, &probe.info, seed, effort.dialled))?;
        }
        self.add(Family::Probe, "probe", |seed| broken(&judge, &mut workers, probe, seed, effort.broken))
    }

    /// The probe of this world, unless there is none.
    fn probe(&mut self, world: &str) -> Result<Option<Probe>> {
        let path = self.options.probe.clone().unwrap_or_else(|| probe::default_path(world));
        if self.options.probe.is_none() && !path.exists() {
            self.leave_out(format!(
                "everything the probe reads: there is no {}; train it with `somnium-train probe --world {world}`, or name one with --probe",
                path.display()
            ));
            return Ok(None);
        }
        let probe = Probe::load(&path, &self.options.device)?;
        ensure!(probe.info.world == world, "the probe {} reads {:?}, not {world:?}", path.display(), probe.info.world);
        let frame = self.pack.manifest.frame;
        let view = probe.info.view;
        ensure!(
            (view.width_px, view.height_px, view.patch_px) == (frame.width_px, frame.height_px, frame.patch_px),
            "the probe {} reads frames of {}x{} pixels, the pack has {}x{}",
            path.display(),
            view.width_px,
            view.height_px,
            frame.width_px,
            frame.height_px
        );
        Ok(Some(probe))
    }

    /// Free rollouts, the figures read off them, and their pictures.
    fn rollouts(&mut self, judge: &Judge, workers: &mut Workers, probe: Option<&Probe>) -> Result<()> {
        let effort = &self.options.effort;
        let mut all = Vec::new();
        self.add(Family::Rollouts, "rollouts", |_| {
            all = rollout::play(judge, workers, &plans(effort))?;
            Ok(Vec::new())
        })?;
        // Rollouts come back in the order of their plans.
        let played: Vec<(Plan, &Rollout)> = plans(effort).into_iter().zip(&all).collect();
        let of = |kind: Kind, wanted: &dyn Fn(&Plan) -> bool| -> Vec<&Rollout> {
            played.iter().filter(|(plan, _)| plan.kind == kind && !plan.other_keys && wanted(plan)).map(|(_, rollout)| *rollout).collect()
        };
        let by_all = |wanted: &dyn Fn(&Plan) -> bool| Played {
            dream: of(Kind::Dream, wanted),
            simulator: of(Kind::Simulator, wanted),
            copy: of(Kind::Copy, wanted),
            shift: of(Kind::Shift, wanted),
        };
        let held = by_all(&|plan| plan.policy == POLICIES[0]);
        if probe.is_some() {
            let eight = of(Kind::DreamIn(control::MANY_STEPS), &|_| true);
            let few = held.dream.iter().take(eight.len()).copied().collect();
            self.report.figures.extend(free::figures(&by_all(&|_| true), (!eight.is_empty()).then_some([few, eight])));
        }
        self.report.figures.extend(free::moving_share(&held));
        let long = by_all(&|plan| plan.long);
        let simulated: Vec<&Rollout> = played.iter().filter(|(plan, _)| plan.kind == Kind::Simulator).map(|(_, r)| *r).collect();
        if let Some(probe) = probe {
            let reference: Vec<&Rollout> = played.iter().filter(|(plan, _)| plan.other_keys).map(|(_, r)| *r).collect();
            self.report.figures.extend(stability::figures(&long, &reference, &probe.info));
        }
        self.report.figures.push(seams::figure(&long, &simulated));
        self.pictures(judge, workers, &long)
    }

    /// One rollout of each policy beside the simulator's.
    fn pictures(&mut self, judge: &Judge, workers: &mut Workers, long: &Played) -> Result<()> {
        let (out, frame) = (&self.options.out, &judge.manifest.frame);
        let mut pairs = Vec::new();
        for policy in POLICIES {
            let first = |rollouts: &[&'_ Rollout]| rollouts.iter().position(|r| r.policy == policy && !r.pictures.is_empty());
            if let (Some(simulator), Some(dream)) = (first(&long.simulator), first(&long.dream)) {
                pairs.push((long.simulator[simulator], long.dream[dream]));
            }
        }
        let rows: Vec<&[Vec<u8>]> = pairs.iter().flat_map(|(simulator, dream)| [&simulator.pictures[..], &dream.pictures]).collect();
        let broke: Vec<(&str, &Broke)> = long.dream.iter().filter_map(|r| Some((r.policy, r.broke.as_ref()?))).collect();
        self.add(Family::Rollouts, "pictures", |_| {
            sheet::write(&rows, 2, frame, &out.join("sheet.png"))?;
            if !broke.is_empty() {
                let rows: Vec<&[Vec<u8>]> = broke.iter().map(|(_, broke)| &broke.pictures[..]).collect();
                sheet::write(&rows, 1, frame, &out.join("broke.png"))?;
            }
            let gif_frames = self.options.effort.gif_frames;
            workers.map(&pairs, |_, pair| sheet::write_gif(*pair, gif_frames, frame, &out.join(format!("{}.gif", pair.1.policy))))?;
            Ok(Vec::new())
        })?;
        println!("{}: sheet.png (simulator above dream) and a GIF for each policy (simulator left, dream right)", out.display());
        for (row, (policy, Broke { after, seen, moved, .. })) in broke.iter().enumerate() {
            println!("broke.png, row {}: {policy}, after {after} frames; {seen:.0} % seen as the world, {moved:.0} % moved", row + 1);
        }
        Ok(())
    }
}

/// The rollouts of an evaluation: every policy by the dream and by the simulator, held keys more often, and by the simulator under other
/// keys; a few by the baselines. Each in a land of its own, so that as many lands are judged as there are rollouts.
fn plans(effort: &Effort) -> Vec<Plan> {
    let plan = |kind, policy, seed, frames, keep| Plan { kind, policy, seed, frames, long: false, other_keys: false, keep };
    let mut plans = Vec::new();
    for (place, policy) in (0..).zip(POLICIES) {
        let held = policy == POLICIES[0];
        let rollouts = if held { effort.held.max(effort.per_policy) } else { effort.per_policy };
        for number in 0..rollouts {
            let long = number < effort.per_policy;
            let frames = if long { effort.frames } else { free::HELD_FRAMES.min(effort.frames) };
            let seed = Family::Rollouts.seed() + number * POLICIES.len() as u64 + place;
            let baselines = if held { effort.baselines } else { 1 };
            for kind in [Kind::Dream, Kind::Simulator, Kind::Copy, Kind::Shift] {
                if matches!(kind, Kind::Dream | Kind::Simulator) || number < baselines {
                    plans.push(Plan { long, ..plan(kind, policy, seed, frames, number == 0) });
                }
            }
            if held && number < effort.many_steps {
                plans.push(plan(Kind::DreamIn(control::MANY_STEPS), policy, seed, free::HELD_FRAMES.min(effort.frames), false));
            }
            if long {
                plans.push(Plan { long, other_keys: true, ..plan(Kind::Simulator, policy, seed, effort.frames, false) });
            }
        }
    }
    plans
}

/// The probe on the simulator's own frames, and on dreams broken on purpose.
fn broken(judge: &Judge, workers: &mut Workers, probe: &Probe, seed: u64, rollouts: u64) -> Result<Vec<Figure>> {
    let mut play = |kind| {
        let plan = |number| Plan {
            kind,
            policy: "explorer",
            seed: seed + number,
            frames: BROKEN_FRAMES,
            long: false,
            other_keys: false,
            keep: false,
        };
        rollout::play(judge, workers, &(0..rollouts).map(plan).collect::<Vec<_>>())
    };
    let kinds = [
        ("noise", Kind::Spoilt(Spoil::Noise)),
        ("blurred", Kind::Spoilt(Spoil::Blur)),
        ("scrambled", Kind::Spoilt(Spoil::Scramble)),
        ("frozen", Kind::Frozen),
    ];
    let raw = play(Kind::Raw)?;
    let spoilt = kinds.into_iter().map(|(name, kind)| Ok((name, play(kind)?))).collect::<Result<_>>()?;
    Ok(stability::ProbeTest { raw, spoilt }.figures(&probe.info))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rollout_of_the_dream_has_a_land_of_its_own_which_the_simulator_walks_too() {
        let plans = plans(&Effort::quick());
        let seeds = |kind: fn(&Kind) -> bool, other_keys: bool| -> Vec<u64> {
            plans.iter().filter(|plan| kind(&plan.kind) && plan.other_keys == other_keys).map(|plan| plan.seed).collect()
        };
        let dreamed = seeds(|kind| matches!(kind, Kind::Dream), false);
        let mut apart = dreamed.clone();
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), dreamed.len());
        assert_eq!(dreamed, seeds(|kind| matches!(kind, Kind::Simulator), false));
        assert!(seeds(|kind| matches!(kind, Kind::Simulator), true).iter().all(|seed| dreamed.contains(seed)));
    }
}
