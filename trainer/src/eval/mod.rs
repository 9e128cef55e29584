//! The judge of a pack: plays it through the player's own engine beside the simulator it was trained on, and prints one table.
//!
//! Movement is read off the pictures by block matching, everything else by the probe, in dream and simulator alike. The simulator's frames
//! go through the tokenizer first, so its figures are the ceiling of what a dream can score. One file a family of figures.

mod ahead;
mod broken;
mod control;
mod dials;
mod first;
mod frechet;
mod free;
mod houses;
mod latent;
mod memory;
mod players;
mod prompt;
mod recorded;
mod report;
mod rollout;
mod seams;
mod sheet;
mod speed;
mod stability;
mod stored;
mod tokenizer;
mod workers;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use serde_json::{Value, json};
use somnium::pack::Pack;
use somnium::worlds;

use crate::probe::{self, Probe};
use crate::source::WorldSource;
use free::Played;
use players::{Judge, Kind};
use report::{Figure, Report};
use rollout::{Broke, Plan, Rollout};
pub use stored::{Section, store};
use workers::Workers;

/// Seeds of each family.
const FAMILY_SEEDS: u64 = 1_000_000;
/// Who plays the long rollouts.
const POLICIES: [&str; 4] = ["hold", "explorer", "random", "there-and-back"];
/// A rollout of fewer frames is not judged.
pub const LEAST_FRAMES: u32 = rollout::STRETCH as u32;

/// Which block of seeds is judged on; both were fixed before training, which never sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Seeds {
    /// Those by which settings, mixes and packs are chosen: figures on them are the better for it.
    #[default]
    Usual,
    /// Those that are held back: nothing is chosen by them.
    Final,
}

impl Seeds {
    /// The first of the block.
    fn first(self) -> u64 {
        match self {
            Self::Usual => 7_000_000_000,
            Self::Final => 8_000_000_000,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Final => "final",
        }
    }

    /// What to think of figures on them.
    fn worth(self) -> &'static str {
        match self {
            Self::Usual => "settings, mixes and packs are chosen by figures on these, which are the better for it",
            Self::Final => "held back, nothing is chosen by them",
        }
    }
}

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
    First,
    Houses,
    Probe,
}

impl Family {
    /// The first of its seeds in a block.
    fn seed(self, seeds: Seeds) -> u64 {
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
            Self::First => 11,
        };
        seeds.first() + number * FAMILY_SEEDS
    }
}

/// How much is played.
pub struct Effort {
    stills: u64,
    latent_clips: u64,
    control_clips: u64,
    /// Of those the ones played in one number of decoding steps and another as well.
    stepped_clips: u64,
    /// Rollouts under held keys.
    held: u64,
    /// Of those under held keys, played again in few decoding steps and in many.
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
    /// Worlds begun for each thing that can be asked for.
    begun: u64,
    /// Villages walked through.
    villages: u64,
    /// Rollouts of each kind of broken dream.
    broken: u64,
    gif_frames: usize,
    /// Seconds that all of it should take at most, on two cores.
    at_most_secs: Option<f64>,
}

impl Effort {
    pub fn tiny() -> Self {
        Self {
            stills: 4,
            latent_clips: 1,
            control_clips: 2,
            stepped_clips: 1,
            held: 2,
            many_steps: 0,
            per_policy: 1,
            frames: 50,
            walks: 1,
            prompt_stride: 20,
            dialled: 1,
            within: 1,
            begun: 1,
            villages: 1,
            broken: 2,
            gif_frames: 8,
            at_most_secs: None,
        }
    }

    pub fn quick() -> Self {
        Self {
            stills: 60,
            latent_clips: 6,
            control_clips: 36,
            stepped_clips: 8,
            held: 6,
            many_steps: 0,
            per_policy: 2,
            frames: 250,
            walks: 5,
            prompt_stride: 5,
            dialled: 8,
            within: 3,
            begun: 7,
            villages: 8,
            broken: 2,
            gif_frames: 100,
            at_most_secs: Some(180.0),
        }
    }

    /// Other numbers of long rollouts under each policy, and of their frames: it may take as long as it takes.
    pub fn play_long(&mut self, per_policy: Option<u64>, frames: Option<usize>) {
        self.at_most_secs = self.at_most_secs.filter(|_| per_policy.is_none() && frames.is_none());
        self.per_policy = per_policy.unwrap_or(self.per_policy);
        self.frames = frames.unwrap_or(self.frames);
    }

    pub fn full() -> Self {
        Self {
            stills: 300,
            latent_clips: 30,
            control_clips: 300,
            stepped_clips: 300,
            held: 64,
            many_steps: 16,
            per_policy: 16,
            frames: 1000,
            walks: 32,
            prompt_stride: 1,
            dialled: 96,
            within: 64,
            begun: 56,
            villages: 64,
            broken: 4,
            gif_frames: 200,
            at_most_secs: None,
        }
    }
}

pub struct Options {
    pub effort: Effort,
    pub seeds: Seeds,
    /// What is judged; everything where it is empty.
    pub only: Vec<Family>,
    /// Folder of recordings to judge a pack on whose simulator is not here.
    pub clips: Option<PathBuf>,
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
    let started = Instant::now();
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
    println!("seeds {}: {}", options.seeds.name(), options.seeds.worth());
    let at_most_secs = options.effort.at_most_secs.filter(|_| options.only.is_empty());
    let mut evaluation = Evaluation { pack, options, report: Report { at_most_secs, ..Report::default() } };
    evaluation.run()?;
    evaluation.report.whole_secs = started.elapsed().as_secs_f64();
    evaluation.report.print();
    let mut settings = json!(play);
    settings["guidance"] = json!(options.guidance);
    let mut figures = evaluation.report.to_json();
    figures["settings"] = settings;
    figures["seeds"] = json!(options.seeds.name());
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
        self.report.figures.extend(figures(family.seed(self.options.seeds)).with_context(|| format!("while judging: {name}"))?);
        self.report.seconds.push((name, started.elapsed().as_secs_f64()));
        eprintln!("{name}: {:.1} s", started.elapsed().as_secs_f64());
        Ok(())
    }

    fn leave_out(&mut self, what: impl Into<String>) {
        self.report.left_out.push(what.into());
    }

    fn run(&mut self) -> Result<()> {
        let (pack, effort) = (self.pack, &self.options.effort);
        let named = pack.manifest.provenance.world.as_deref();
        let simulator = named.filter(|world| worlds::NAMES.contains(world));
        ensure!(
            simulator.is_none() || self.options.clips.is_none(),
            "--clips is for packs made from recordings: this one is judged beside the simulator that it names"
        );
        if pack.manifest.dynamics.is_some() {
            self.add(Family::Speed, "speed", |_| speed::figures(pack))?;
        }
        let Some(world) = simulator else { return self.without_simulator(named) };
        let probe = self.probe(world)?;
        let mut workers = Workers::new(pack, probe.as_ref())?;
        self.add(Family::Tokenizer, "tokenizer", |seed| tokenizer::figures(pack, world, &mut workers, seed, effort.stills))?;
        let inference = latent::Inference::of(pack, Arc::new(WorldSource::new(world, 0)?), &self.options.device)?;
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
            control::figures(&judge, &mut workers, inference.as_ref(), seed, effort.control_clips, effort.stepped_clips)
        })?;
        if self.wanted(Family::Rollouts) {
            self.rollouts(&judge, &mut workers, probe.as_ref())?;
        }
        self.add(Family::Memory, "memory", |seed| memory::figures(&judge, &mut workers, seed, effort.walks))?;
        if pack.manifest.relief.is_some() {
            if ahead::is_possible(&pack.manifest) {
                self.add(Family::Ahead, "ahead", |seed| ahead::figures(pack, &judge, &mut workers, seed, effort.within))?;
            } else {
                self.leave_out("ahead: the view does not go by whole patches over a map");
            }
            self.add(Family::First, "first frames", |seed| first::figures(&judge, &mut workers, seed, effort.begun))?;
            self.add(Family::Houses, "houses", |seed| houses::figures(&judge, &mut workers, seed, effort.villages))?;
        } else {
            self.leave_out("ahead, first frames, houses: the pack does not say what stands upright");
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
        self.add(Family::Probe, "probe", |seed| broken::figures(&judge, &mut workers, probe, seed, effort.broken))
    }

    /// What can be told of a pack whose simulator is not here, if it names one.
    fn without_simulator(&mut self, named: Option<&str>) -> Result<()> {
        let options = self.options;
        if let Some(folder) = &options.clips {
            return recorded::judge(self, folder);
        }
        let why = named.map_or("a simulator: the pack names none, it was made from recordings".to_owned(), |world| {
            format!("the simulator {world:?}: it is not in this build")
        });
        self.leave_out(format!("everything that is held against {why}; with `--clips FOLDER` more is judged, on recordings"));
        Ok(())
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
        let (mut all, plans) = (Vec::new(), plans(effort, self.options.seeds));
        self.add(Family::Rollouts, "rollouts", |_| {
            all = rollout::play(judge, workers, &plans)?;
            Ok(Vec::new())
        })?;
        // Rollouts come back in the order of their plans.
        let played: Vec<(Plan, &Rollout)> = plans.into_iter().zip(&all).collect();
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
            let stepped = [control::FEW_STEPS, control::MANY_STEPS].map(|steps| of(Kind::DreamIn(steps), &|_| true));
            self.report.figures.extend(free::figures(&by_all(&|_| true), Some(stepped).filter(|[few, _]| !few.is_empty())));
        }
        let drawn = of(Kind::Raw, &|_| true);
        self.report.figures.extend(free::moving_share(&held, &drawn, probe.is_some()));
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
        println!(
            "{}: sheet.png (simulator above dream) and a GIF for each policy (simulator left, dream right, each with its keys)",
            out.display()
        );
        for (row, (policy, Broke { after, seen, moved, .. })) in broke.iter().enumerate() {
            println!("broke.png, row {}: {policy}, after {after} frames; {seen:.0} % seen as the world, {moved:.0} % moved", row + 1);
        }
        Ok(())
    }
}

/// The rollouts of an evaluation: every policy by the dream, by the simulator and by the baselines; held keys more often, and also by the
/// simulator as it is drawn; and every long one by the simulator under other keys. Each in a land of its own, so that as many lands are
/// judged as there are rollouts.
fn plans(effort: &Effort, seeds: Seeds) -> Vec<Plan> {
    let plan = |kind, policy, seed, frames, keep| Plan { kind, policy, seed, frames, long: false, other_keys: false, keep };
    let mut plans = Vec::new();
    for (place, policy) in (0..).zip(POLICIES) {
        let held = policy == POLICIES[0];
        let rollouts = if held { effort.held.max(effort.per_policy) } else { effort.per_policy };
        for number in 0..rollouts {
            let long = number < effort.per_policy;
            let frames = if long { effort.frames } else { free::HELD_FRAMES.min(effort.frames) };
            let seed = Family::Rollouts.seed(seeds) + number * POLICIES.len() as u64 + place;
            for kind in [Kind::Dream, Kind::Simulator, Kind::Copy, Kind::Shift] {
                plans.push(Plan { long, ..plan(kind, policy, seed, frames, number == 0) });
            }
            if held {
                plans.push(plan(Kind::Raw, policy, seed, free::HELD_FRAMES.min(effort.frames), false));
            }
            if held && number < effort.many_steps {
                let stepped = |steps| plan(Kind::DreamIn(steps), policy, seed, free::HELD_FRAMES.min(effort.frames), false);
                plans.extend([control::FEW_STEPS, control::MANY_STEPS].map(stepped));
            }
            if long {
                plans.push(Plan { long, other_keys: true, ..plan(Kind::Simulator, policy, seed, effort.frames, false) });
            }
        }
    }
    plans
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use clap::ValueEnum as _;

    use super::*;
    use crate::source::{HELD_OUT, mix};

    #[test]
    fn no_seed_is_of_two_families_or_of_two_blocks_or_of_training() {
        let of = |seeds: &Seeds| Family::value_variants().iter().map(|family| family.seed(*seeds)).collect::<Vec<_>>();
        let firsts: Vec<u64> = Seeds::value_variants().iter().flat_map(of).collect();
        let apart = |firsts: &[u64]| {
            let mut firsts = firsts.to_vec();
            firsts.sort_unstable();
            firsts.windows(2).all(|pair| pair[1] - pair[0] >= FAMILY_SEEDS)
        };
        assert!(apart(&firsts) && !apart(&[&firsts[..], &[firsts[0] + FAMILY_SEEDS - 1]].concat()));
        // Training counts its clips up from 0, and holds those back by which it judges itself.
        assert!(firsts.iter().all(|first| *first > u64::from(u32::MAX) && first + FAMILY_SEEDS <= HELD_OUT));
        // Nor does a clip of any run begin in a land that is judged.
        let judged: HashSet<u64> = firsts.iter().flat_map(|first| *first..first + 1000).map(|seed| mix(seed, 0)).collect();
        let trains_on_one = |run: u64| (0..1000).any(|clip| judged.contains(&mix(run, clip)));
        assert!(!(0..1000).any(trains_on_one) && trains_on_one(firsts[0]));
    }

    #[test]
    fn rollouts_keep_to_the_seeds_that_are_asked_for() {
        for seeds in [Seeds::Usual, Seeds::Final] {
            let first = Family::Rollouts.seed(seeds);
            assert!(plans(&Effort::full(), seeds).iter().all(|plan| (first..first + FAMILY_SEEDS).contains(&plan.seed)));
        }
    }

    #[test]
    fn each_rollout_of_the_dream_has_a_land_of_its_own_which_the_simulator_walks_too() {
        let plans = plans(&Effort::quick(), Seeds::Usual);
        let seeds = |kind: fn(&Kind) -> bool, other_keys: bool| -> Vec<u64> {
            plans.iter().filter(|plan| kind(&plan.kind) && plan.other_keys == other_keys).map(|plan| plan.seed).collect()
        };
        let dreamed = seeds(|kind| matches!(kind, Kind::Dream), false);
        let mut apart = dreamed.clone();
        apart.sort_unstable();
        apart.dedup();
        assert_eq!(apart.len(), dreamed.len());
        assert_eq!(dreamed, seeds(|kind| matches!(kind, Kind::Simulator), false));
        // The baselines play what they are held against.
        assert_eq!(dreamed, seeds(|kind| matches!(kind, Kind::Copy), false));
        assert_eq!(dreamed, seeds(|kind| matches!(kind, Kind::Shift), false));
        assert_eq!(seeds(|kind| matches!(kind, Kind::Raw), false).len() as u64, Effort::quick().held);
        assert!(seeds(|kind| matches!(kind, Kind::Simulator), true).iter().all(|seed| dreamed.contains(seed)));
    }
}
