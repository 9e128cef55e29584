//! Trains worlds for Somnium. Command line only; the work is in the modules.

mod backend;
mod bared;
mod bench;
mod blots;
mod encoding;
mod eval;
mod export;
mod grow;
mod lands;
mod looks;
mod mean;
mod model;
mod motion;
mod params;
mod patches;
mod pipeline;
mod preset;
mod probe;
mod recordings;
mod relief;
mod scroll;
mod source;
mod stages;
mod tokens;
mod training;
mod vocabulary;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};
use somnium::engine::{NewLand, UnmaskOrder};

use backend::Backend;
use pipeline::{Run, RunInfo};
use training::Budget;

#[derive(Parser)]
#[command(name = "somnium-train", version, about = "Trains worlds for Somnium: tokenizer, latent actions, dynamics, evaluation")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train the tokenizer (FSQ-VAE).
    Tokenizer {
        #[command(flatten)]
        stage: StageArgs,
        /// Train the decoder alone: pictures get better, and whatever dynamics goes with the tokens still does.
        #[arg(long)]
        codes_stay: bool,
    },
    /// Train the latent action model and name its codes.
    Lam(StageArgs),
    /// Train the dynamics on clips encoded by the tokenizer.
    Dynamics {
        #[command(flatten)]
        stage: StageArgs,
        #[command(flatten)]
        dynamics: DynamicsArgs,
    },
    /// Train every stage in turn and export the pack; the budget is shared out as 3 : 1 : 6.
    All {
        #[command(flatten)]
        stage: StageArgs,
        #[command(flatten)]
        dynamics: DynamicsArgs,
        #[command(flatten)]
        pack: PackArgs,
    },
    /// Record clips of a simulator into a folder of .clip files.
    Data {
        /// Simulator to record.
        #[arg(long, default_value = "isles")]
        world: String,
        /// How many clips.
        #[arg(long, default_value_t = 100)]
        clips: u64,
        /// Frames of each clip.
        #[arg(long, default_value_t = 256)]
        frames: usize,
        /// Seed of lands and chances.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Folder to write the .clip files to.
        #[arg(long, default_value = "recordings")]
        out: PathBuf,
    },
    /// Make .clip files to train on of animated GIFs and WebPs and of folders of numbered pictures.
    Import {
        /// GIFs and WebPs, and folders of PNG, JPEG or WebP pictures; every picture is a frame.
        #[arg(required = true)]
        sources: Vec<PathBuf>,
        /// Size that every picture is fitted to, in whole patches of 16 pixels.
        #[arg(long, default_value_t = 144)]
        width: usize,
        /// The same, downwards.
        #[arg(long, default_value_t = 112)]
        height: usize,
        /// What they show, in words that a player may say: "a forest, night".
        #[arg(long, default_value = "")]
        caption: String,
        /// Folder to write the .clip files to.
        #[arg(long, default_value = "recordings")]
        out: PathBuf,
    },
    /// Train the probe that reads frames for `eval`: once a world, on its simulator alone.
    Probe {
        /// Simulator whose pictures it learns to read.
        #[arg(long, default_value = "isles")]
        world: String,
        /// Steps in all.
        #[arg(long, default_value_t = 5000)]
        steps: u64,
        /// Seed of lands and chances.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// What computes; all but flex are cargo features.
        #[arg(long, value_enum, default_value = "flex")]
        backend: Backend,
        /// Folder of checkpoints and log, instead of `runs/probe-WORLD`.
        #[arg(long)]
        run: Option<PathBuf>,
        /// File to write, instead of `trainer/probes/WORLD.safetensors`.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Rewrite what a pack says of its tokens: what stands upright on them, mirrors and shines, for the view from within, and of which land
    /// they are, for the sound; `export` does so by itself.
    Relief {
        /// Pack to rewrite.
        pack: PathBuf,
    },
    /// Judge a pack through the player's engine beside its simulator.
    Eval(EvalArgs),
    /// Time steps of the dynamics on random clips.
    Bench {
        /// Sizes, as elsewhere.
        #[arg(long, default_value = "pocket")]
        preset: String,
        #[arg(long, value_enum, default_value = "flex")]
        backend: Backend,
        /// Steps to time.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
        steps: u64,
        /// Also write one step to this file, weights, batch and loss: another program can do the same (bench/training.py).
        #[arg(long)]
        write: Option<PathBuf>,
    },
    /// Write the pack of a run's checkpoints.
    Export {
        #[command(flatten)]
        run: RunArgs,
        #[command(flatten)]
        actions: ActionArgs,
        #[command(flatten)]
        pack: PackArgs,
        /// Write the mean of these weights and another pack's, which has the same tokenizer.
        #[arg(long)]
        mix: Option<PathBuf>,
        /// How much of the mean is the other pack's, 0 to 1.
        #[arg(long, default_value_t = 0.5, requires = "mix")]
        share: f32,
    },
}

#[derive(Args)]
struct RunArgs {
    /// Folder of the run: checkpoints, tokens, logs.
    #[arg(long, default_value = "runs/isles")]
    run: PathBuf,
    /// Sizes: pocket, small or tiny; with a slash and a name, a variation to compare (trainer/EXPERIMENTS.md). Those of the run, or pocket for a new
    /// one.
    #[arg(long)]
    preset: Option<String>,
    /// Simulator the clips come from: that of the run, or isles for a new one.
    #[arg(long)]
    world: Option<String>,
    /// Folder of recordings to train on instead of a simulator (`import` makes them): that of the run, or none for a new one.
    #[arg(long)]
    clips: Option<PathBuf>,
    /// Frames a second of the recordings: as the run has it, or 10 for a new one.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=60))]
    hz: Option<u32>,
    /// Seed of lands and chances: that of the run, or 1 for a new one.
    #[arg(long)]
    seed: Option<u64>,
    /// What computes; all but flex are cargo features.
    #[arg(long, value_enum, default_value = "flex")]
    backend: Backend,
    /// Multiply in bf16 (weights and sums stay f32).
    #[arg(long)]
    bf16: bool,
    /// Start from the weights of this pack where the run has no checkpoint. Recordings that began from a pack with looks go on unasked from
    /// it, or from the one named last.
    #[arg(long)]
    from: Option<PathBuf>,
}

#[derive(Args)]
struct StageArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Train for this many minutes in all, earlier sessions counted in; 30 where neither these nor steps are given.
    #[arg(long, conflicts_with = "steps", allow_negative_numbers = true, value_parser = positive)]
    minutes: Option<f64>,
    /// Train for this many steps in all, earlier sessions counted in.
    #[arg(long)]
    steps: Option<u64>,
    /// Stop after this many steps of this session, as Ctrl-C would.
    #[arg(long)]
    session_steps: Option<u64>,
    /// Learning rate at its height instead of the stage's own: a lower one goes on gently from a trained pack. Later sessions keep to it.
    #[arg(long, allow_negative_numbers = true, value_parser = positive)]
    rate: Option<f64>,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "it must be a finite number above 0".to_owned())
}

#[derive(Args)]
struct DynamicsArgs {
    /// Clips of 96 frames to encode and train on, at least: as many as before, or 1500 for a new run.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    token_clips: Option<u64>,
    #[command(flatten)]
    actions: ActionArgs,
}

impl DynamicsArgs {
    fn train(&self, run: &Run, budget: Budget) -> Result<bool> {
        run.train_dynamics(budget, self.token_clips.map(|clips| clips as usize), self.actions.recorded_actions)
    }
}

#[derive(Args)]
struct ActionArgs {
    /// Train on recorded actions alone, without a latent action model.
    #[arg(long)]
    recorded_actions: bool,
}

#[derive(Args)]
struct PackArgs {
    /// Pack to write, instead of `world.safetensors` in the run's folder.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Name of the world as players see it, instead of "Isles", or for a world of recordings that of the run's folder.
    #[arg(long)]
    name: Option<String>,
    /// Licence of the pack, instead of "MIT OR Apache-2.0" for a world of a simulator and "not stated" for one of recordings.
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
}

impl PackArgs {
    fn export(&self, run: &Run, actions: &ActionArgs, mix: Option<&export::Mix>) -> Result<()> {
        let out = self.out.clone().unwrap_or_else(|| run.folder.join("world.safetensors"));
        export::export(run, &self.name_in(run), self.licence.as_deref(), actions.recorded_actions, mix, &out).map(|_| ())
    }

    /// What the world of a run is called.
    fn name_in(&self, run: &Run) -> String {
        let folder = pipeline::canonical(&run.folder);
        let recorded = folder.file_name().filter(|_| run.info.clips.is_some()).map(|name| capitalised(&name.to_string_lossy()));
        self.name.clone().or(recorded).unwrap_or_else(|| "Isles".to_owned())
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

impl RunArgs {
    fn open(&self, stop: &Arc<AtomicBool>) -> Result<Run> {
        if self.bf16 {
            model::layers::use_bf16_products();
        }
        let info = self.info()?;
        let from = info.from.as_deref().map(export::read_pack).transpose()?;
        Run::open(&self.run, info, self.backend, from, stop.clone())
    }

    /// What the run is to be started with. Where nothing is said it is as the run was started, and as a new one is by default.
    fn info(&self) -> Result<RunInfo> {
        let was = RunInfo::of(&self.run)?.unwrap_or_default();
        // Whoever names a simulator means no recordings.
        let known = was.clips.filter(|_| self.world.is_none());
        let clips = self.clips.as_deref().map(pipeline::canonical).or(known);
        ensure!(clips.is_some() || self.hz.is_none(), "--hz is of recordings, and this run has none: name their folder with --clips");
        Ok(RunInfo {
            preset: self.preset.clone().unwrap_or(was.preset),
            world: self.world.clone().unwrap_or(was.world),
            clips,
            clips_hz: self.hz.unwrap_or(was.clips_hz),
            seed: self.seed.unwrap_or(was.seed),
            from: self.from.as_deref().map(pipeline::canonical).or(was.from),
            token_clips: was.token_clips,
        })
    }
}

impl StageArgs {
    fn open(&self, stop: &Arc<AtomicBool>) -> Result<Run> {
        let mut run = self.run.open(stop)?;
        run.lock()?;
        (run.session_steps, run.rate) = (self.session_steps, self.rate);
        Ok(run)
    }

    /// The budget's given share.
    fn budget(&self, share: f64) -> Budget {
        match (self.minutes, self.steps) {
            (_, Some(steps)) => Budget::Steps(((steps as f64 * share) as u64).max(1)),
            (minutes, None) => Budget::Secs(minutes.unwrap_or(30.0) * 60.0 * share),
        }
    }
}

#[derive(Args)]
struct EvalArgs {
    /// Pack to judge.
    pack: PathBuf,
    /// Fewer rollouts: less than three minutes on two cores.
    #[arg(long)]
    quick: bool,
    /// A handful of frames, to see that everything works; the figures say little.
    #[arg(long, conflicts_with = "quick")]
    tiny: bool,
    /// Play this many long rollouts under each policy instead.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1000))]
    rollouts: Option<u64>,
    /// Play long rollouts for this many frames instead; they are judged by stretches of 50.
    #[arg(long, value_parser = clap::value_parser!(u32).range(i64::from(eval::LEAST_FRAMES)..=10_000))]
    frames: Option<u32>,
    /// Judge these alone, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<eval::Family>,
    /// Judge on this block of seeds.
    #[arg(long, value_enum, default_value = "usual")]
    seeds: eval::Seeds,
    /// Folder of recordings to judge a pack on that was made from such, and has no simulator to be held against.
    #[arg(long)]
    clips: Option<PathBuf>,
    /// The probe that reads the frames, instead of `trainer/probes/WORLD.safetensors`.
    #[arg(long)]
    probe: Option<PathBuf>,
    /// What runs probe and latent action model.
    #[arg(long, value_enum, default_value = "flex")]
    backend: Backend,
    /// Folder for the contact sheet, the GIFs and the figures as JSON.
    #[arg(long, default_value = "runs/eval")]
    out: PathBuf,
    /// Write the figures, and the settings they were got with, into the pack's manifest, beside those of other names; it plays as before,
    /// whatever it was judged at. Unless a name is given it is final for figures on those seeds, quick for --quick or --tiny with as many
    /// rollouts and frames as these play, long for the rest.
    #[arg(long, value_enum, value_name = "NAME", num_args = 0..=1, require_equals = true)]
    store: Option<Option<eval::Section>>,
    /// Judge at this temperature instead of the pack's.
    #[arg(long)]
    temperature: Option<f32>,
    /// Judge with this many frames of window instead of the pack's.
    #[arg(long)]
    window: Option<usize>,
    /// Judge at this context level instead of the pack's.
    #[arg(long)]
    context_level: Option<usize>,
    /// Judge with this many decoding steps instead of the pack's.
    #[arg(long)]
    steps: Option<u32>,
    /// Judge with this order of settling tokens instead of the pack's: random or confidence.
    #[arg(long)]
    order: Option<UnmaskOrder>,
    /// Judge with tokens of at least this probability settled at once; 0 for none.
    #[arg(long)]
    certain: Option<f32>,
    /// Judge with levels less likely than this share of the likeliest never drawn, instead of the pack's.
    #[arg(long)]
    min_p: Option<f32>,
    /// Judge with land that was never seen drawn at this temperature and min-p, 1,0.01, say, or the same as the rest.
    #[arg(long, value_name = "TEMPERATURE,MIN-P")]
    new_land: Option<NewLand>,
    /// Judge what follows prompts under this guidance, 0 to 4.
    #[arg(long, default_value_t = 0.0)]
    guidance: f32,
}

impl EvalArgs {
    /// What the figures are to be stored as, if they are.
    fn section(&self) -> Result<Option<eval::Section>> {
        use eval::{Section, Seeds};
        let Some(named) = self.store else { return Ok(None) };
        let quick = self.quick || self.tiny;
        let few = quick && self.rollouts.is_none() && self.frames.is_none();
        let section = named.unwrap_or(match (self.seeds, few) {
            (Seeds::Final, _) => Section::Final,
            (Seeds::Usual, true) => Section::Quick,
            (Seeds::Usual, false) => Section::Long,
        });
        let held_back = self.seeds == Seeds::Final;
        ensure!(held_back == (section == Section::Final), "figures on the final seeds are stored as final, and no others");
        ensure!(quick || named != Some(Section::Quick), "figures are stored as quick with --quick or --tiny alone");
        let whole = self.only.is_empty() || named.is_some_and(|section| section != Section::Quick);
        ensure!(whole, "half a judgement is stored by a name alone: --store=long or --store=final");
        Ok(Some(section))
    }

    fn run(self) -> Result<()> {
        let section = self.section()?;
        let mut pack = export::read_pack(&self.pack)?;
        let own = pack.manifest.play;
        let play = &mut pack.manifest.play;
        play.temperature = self.temperature.unwrap_or(play.temperature);
        play.window = self.window.unwrap_or(play.window);
        play.context_level = self.context_level.unwrap_or(play.context_level);
        play.steps = self.steps.unwrap_or(play.steps);
        play.order = self.order.unwrap_or(play.order);
        play.certain = self.certain.or(play.certain).filter(|p| *p != 0.0);
        play.min_p = self.min_p.unwrap_or(play.min_p);
        play.new_land = self.new_land.map_or(play.new_land, |NewLand(chance)| chance);
        pack.validate()?;
        let mut effort = match (self.tiny, self.quick) {
            (true, _) => eval::Effort::tiny(),
            (_, true) => eval::Effort::quick(),
            _ => eval::Effort::full(),
        };
        effort.play_long(self.rollouts, self.frames.map(|frames| frames as usize));
        println!("{}", self.pack.display());
        let options = eval::Options {
            effort,
            seeds: self.seeds,
            only: self.only,
            clips: self.clips,
            probe: self.probe,
            device: self.backend.device()?,
            guidance: self.guidance,
            out: self.out.clone(),
        };
        let figures = eval::evaluate(&pack, &options)?;
        pipeline::write_json(&self.out.join("figures.json"), &figures)?;
        if let Some(section) = section {
            eval::store(&mut pack.manifest.evaluation, section, figures);
            pack.manifest.play = own;
            pack.write(&self.pack)?;
        }
        Ok(())
    }
}

impl Command {
    /// Whether a Ctrl-C is heard between two steps, so that nothing is lost; the others just end.
    fn stops_cleanly(&self) -> bool {
        !matches!(self, Self::Eval(_) | Self::Bench { .. } | Self::Export { .. } | Self::Relief { .. })
    }
}

/// The first Ctrl-C asks for a stop, another one does not wait for it.
fn stop_on_ctrl_c(stop: Arc<AtomicBool>) -> Result<()> {
    let heard = move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("stopping after this step; press Ctrl-C again to lose what came after the last checkpoint");
    };
    ctrlc::set_handler(heard).context("cannot listen for Ctrl-C")
}

fn main() -> Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    let cli = Cli::parse();
    let stop = Arc::new(AtomicBool::new(false));
    if cli.command.stops_cleanly() {
        stop_on_ctrl_c(stop.clone())?;
    }
    match cli.command {
        Command::Tokenizer { stage, codes_stay } => stage.open(&stop)?.train_tokenizer(stage.budget(1.0), codes_stay).map(|_| ()),
        Command::Lam(stage) => stage.open(&stop)?.train_lam(stage.budget(1.0)).map(|_| ()),
        Command::Dynamics { stage, dynamics } => dynamics.train(&stage.open(&stop)?, stage.budget(1.0)).map(|_| ()),
        Command::All { stage, dynamics, pack } => {
            let run = stage.open(&stop)?;
            // A stage that was stopped, or did all the steps of its session, is no ground for the next one.
            let goes_on = |finished: bool| finished && !stop.load(Ordering::Relaxed);
            let done = goes_on(run.train_tokenizer(stage.budget(0.3), false)?)
                && (dynamics.actions.recorded_actions || goes_on(run.train_lam(stage.budget(0.1))?))
                && goes_on(dynamics.train(&run, stage.budget(0.6))?);
            if !done {
                println!("stopped: the same command goes on from here; `export` writes a pack of what there is");
                return Ok(());
            }
            pack.export(&run, &dynamics.actions, None)
        }
        Command::Data { world, clips, frames, seed, out } => source::record(&world, clips, frames, seed, &out, &stop),
        Command::Import { sources, width, height, caption, out } => {
            let import = recordings::Import { width_px: width, height_px: height, caption, out };
            for (path, frames) in import.run(&sources, &stop)? {
                let least = recordings::LEAST_FRAMES;
                let short = if frames < least { format!(", fewer than the {least} that training needs") } else { String::new() };
                println!("{}: {frames} frames{short}", path.display());
            }
            Ok(())
        }
        Command::Probe { world, steps, seed, backend, run, out } => {
            let out = out.unwrap_or_else(|| probe::default_path(&world));
            let run = run.unwrap_or_else(|| PathBuf::from(format!("runs/probe-{world}")));
            probe::train(probe::Training { world, run, seed, steps, backend }, stop, &out)
        }
        Command::Eval(eval) => eval.run(),
        Command::Relief { pack: path } => {
            let mut pack = export::read_pack(&path)?;
            pack.manifest.relief = relief::of(&pack)?;
            pack.manifest.provenance.lands = lands::of(&pack)?;
            let stand = pack.manifest.relief.as_ref().map_or(0, |relief| relief.standing.len());
            let have_a_land: usize = pack.manifest.provenance.lands.values().map(Vec::len).sum();
            let water = pack.manifest.relief.as_ref().map_or(0, |relief| relief.water.len());
            let shine: usize = pack.manifest.relief.iter().flat_map(|relief| &relief.shining).map(|shining| shining.tokens.len()).sum();
            println!("{}: {stand} tokens stand, {shine} shine, {water} are water, {have_a_land} have a land", path.display());
            Ok(pack.write(&path)?)
        }
        Command::Bench { preset, backend, steps, write } => {
            let preset = preset::by_name(&preset)?;
            bench::bench(bench::Options { preset, backend, steps, write })
        }
        Command::Export { run, actions, pack, mix, share } => {
            ensure!((0.0..=1.0).contains(&share), "a share of {share} is not between 0 and 1");
            let mix = mix.map(|path| anyhow::Ok(export::Mix { pack: export::read_pack(&path)?, share })).transpose()?;
            pack.export(&run.open(&stop)?, &actions, mix.as_ref())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Section;

    #[test]
    fn figures_are_stored_as_what_they_are() {
        let section = |words: &str| {
            let cli = Cli::try_parse_from(["somnium-train", "eval", "pack"].into_iter().chain(words.split_whitespace())).expect("options");
            let Command::Eval(eval) = cli.command else { panic!("another command") };
            eval.section().map_err(|why| why.to_string())
        };
        assert_eq!(section("--quick"), Ok(None));
        for words in ["--quick --store", "--tiny --store", "--quick --store=quick"] {
            assert_eq!(section(words), Ok(Some(Section::Quick)), "{words}");
        }
        for words in ["--store", "--quick --rollouts 2 --store", "--tiny --frames 60 --store", "--quick --store=long"] {
            assert_eq!(section(words), Ok(Some(Section::Long)), "{words}");
        }
        let why = section("--store=quick").expect_err("many rollouts are not quick");
        assert!(why.contains("with --quick"), "{why}");
    }

    #[test]
    fn a_run_goes_on_with_the_pack_it_knows_unless_another_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let known = RunInfo { from: Some("a.safetensors".into()), token_clips: Some(7), ..RunInfo::default() };
        let info = |words: &[&str]| {
            let run = ["somnium-train", "export", "--run", folder.path().to_str().expect("a plain path")];
            let cli = Cli::try_parse_from(run.into_iter().chain(words.iter().copied())).expect("options");
            let Command::Export { run, .. } = cli.command else { panic!("another command") };
            run.info().expect("what the run is")
        };
        assert_eq!(info(&[]), RunInfo::default());
        pipeline::write_json(&folder.path().join("run.json"), &known).expect("written");
        assert_eq!(info(&[]), known);
        assert_eq!(info(&["--from", "b.safetensors"]), RunInfo { from: Some("b.safetensors".into()), ..known });
    }

    #[test]
    fn a_world_of_recordings_is_called_after_its_run() {
        assert_eq!(["mine", "Mine", "élan vital", ""].map(capitalised), ["Mine", "Mine", "Élan vital", ""]);
    }
}
