//! The loop every stage runs in: prefetch, step, schedule, progress, checkpoint, resume, stop.
//!
//! A batch is a pure function of the seed and the step number, and every random choice is made on the host, so a run that was stopped
//! goes on exactly where it was.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use burn::module::{Module, ParamGroup};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamWConfig, AdjustLrFn, GradientsParams, ModuleOptimizer, MuonConfig};
use burn::tensor::{Device, Tensor};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use crate::pipeline::write_json;
use crate::{mean, params};

/// One stage of training a world.
pub trait Stage: Send + Sync + 'static {
    type Model: Module;
    type Batch: Send + 'static;

    const NAME: &'static str;
    const LEARNING_RATE: f64;

    fn new_model(&self, device: &Device) -> Result<Self::Model>;
    /// Data of one step, made on another thread.
    fn batch(&self, step: u64) -> Result<Self::Batch>;
    /// Scalar loss of a batch. `model` lives on an autodiff device.
    fn loss(&self, model: &Self::Model, batch: Self::Batch, device: &Device) -> Result<Tensor<1>>;
    /// Figures on held-out data; the first is the one shown. `model` and `device` are without autodiff.
    fn validate(&self, model: &Self::Model, device: &Device) -> Result<Vec<(&'static str, f64)>>;
    /// What besides weights changes with every step and belongs into a checkpoint.
    fn state(&self) -> Vec<f32> {
        Vec::new()
    }
    /// Goes on with that of a checkpoint.
    fn go_on_with(&self, _state: &[f32]) {}
    /// Samples (frames, pairs) of a batch, for the speed shown.
    fn samples_per_batch(&self) -> usize;
}

#[derive(Clone, Copy, Debug)]
pub enum Budget {
    Secs(f64),
    Steps(u64),
}

pub struct Settings {
    /// Folder of the run; the stage writes below `NAME/`.
    pub run: PathBuf,
    pub seed: u64,
    pub device: Device,
    pub budget: Budget,
    /// Stop after this many steps of this session.
    pub session_steps: Option<u64>,
    /// Learning rate at its height, where it is not the stage's own.
    pub rate: Option<f64>,
    /// Set on Ctrl-C: finish the step, write a checkpoint, stop.
    pub stop: Arc<AtomicBool>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    pub step: u64,
    pub elapsed_secs: f64,
    pub seed: u64,
    /// The budget is used up: the next stage may start.
    pub finished: bool,
    pub figures: Vec<(String, f64)>,
    /// [`Stage::state`] of that step.
    #[serde(default)]
    pub state: Vec<f32>,
}

/// Steps in which the rate rises, of new weights and of weights that were trained before: theirs need no more than the optimizer's means do.
const WARM_UP_STEPS: [f64; 2] = [100.0, 30.0];
/// Share of the budget at full rate, after which it falls linearly to nothing.
const FULL_RATE_SHARE: f64 = 0.55;
const CHECKPOINT_SECS: f64 = 180.0;
const VALIDATE_SECS: f64 = 600.0;
/// Between two rows of the log.
const LOG_SECS: f64 = 30.0;
/// Folders of a stage: its newest checkpoint, the one before it, and one that could not be read.
const NEWEST: &str = "checkpoint";
const BEFORE: &str = "checkpoint.old";
const UNREADABLE: &str = "checkpoint.broken";
/// What to do about weights that are no numbers.
const GENTLER: &str = "go on from it with a lower --rate";

/// Learning rate factor after `done` of the budget, 0..1.
fn schedule(step: u64, done: f64, warm_up_steps: f64) -> f64 {
    let warm_up = ((step + 1) as f64 / warm_up_steps).min(1.0);
    let decay = ((1.0 - done) / (1.0 - FULL_RATE_SHARE)).clamp(0.01, 1.0);
    warm_up * decay
}

/// Muon (Jordan et al. 2024) for the matrices inside the network, AdamW for tables, biases and the layers at both ends.
pub fn optimizer() -> Result<ModuleOptimizer> {
    let matrices = ParamGroup::from_regex(r"(blocks\..*|prev|recall|beside|in2|out1|hidden)\.w$").map_err(|e| anyhow::anyhow!("{e:?}"))?;
    let muon = MuonConfig::new().with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW).with_weight_decay(Some(WeightDecayConfig::new(0.01)));
    let adam = AdamWConfig::new().with_beta_1(0.9).with_beta_2(0.97).with_epsilon(1e-8).with_weight_decay(0.01);
    Ok(ModuleOptimizer::from(adam.build()).with_group(matrices, muon.build(), None))
}

/// One step: the model after it, and the loss before it.
pub fn step<S: Stage>(
    stage: &S,
    model: S::Model,
    optimizer: &mut ModuleOptimizer,
    batch: S::Batch,
    rate: f64,
    device: &Device,
) -> Result<(S::Model, f64)> {
    let loss = stage.loss(&model, batch, device)?;
    let value = f64::from(loss.clone().into_scalar::<f32>());
    let grads = GradientsParams::from_grads(loss.backward(), &model);
    Ok((optimizer.step(rate, model, grads), value))
}

/// Runs `stage` until its budget is used up or `settings.stop` is set, from its checkpoint if there is one, else from `start`. Returns the
/// running mean of the weights.
pub fn train<S: Stage>(stage: Arc<S>, settings: &Settings, start: Option<S::Model>) -> Result<(S::Model, Progress)> {
    let device = settings.device.clone().autodiff();
    let folder = settings.run.join(S::NAME);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;

    device.seed(settings.seed);
    let warm_up_steps = WARM_UP_STEPS[usize::from(start.is_some())];
    let mut model = match start {
        Some(model) => model,
        None => stage.new_model(&device)?,
    };
    let mut optimizer = optimizer()?;
    let mut progress = Progress { seed: settings.seed, ..Progress::default() };
    let mut mean = model.valid();
    let restored = Checkpoint::newest(&folder, |checkpoint| {
        let (weights, moments, known) = checkpoint.load(model.clone(), optimizer.clone())?;
        Ok((weights, moments, known, checkpoint.load_mean(mean.clone())?))
    })?;
    if let Some((checkpoint, loaded)) = restored {
        checkpoint.set_newer_aside(&folder)?;
        (model, optimizer, progress, mean) = loaded;
        stage.go_on_with(&progress.state);
        ensure!(
            progress.seed == settings.seed,
            "{}: the checkpoint was trained with seed {}, not {}",
            folder.display(),
            progress.seed,
            settings.seed
        );
    }
    progress.finished = false;

    let (sender, receiver) = sync_channel(4);
    let first = progress.step;
    let feeder = stage.clone();
    std::thread::Builder::new().name(format!("{} data", S::NAME)).spawn(move || {
        for step in first.. {
            // The receiver is gone once training has ended.
            if sender.send(feeder.batch(step)).is_err() {
                return;
            }
        }
    })?;

    let bar = ProgressBar::new(1000);
    bar.set_style(ProgressStyle::with_template("{prefix:>10} {bar:30} {percent:>3}% {msg}")?);
    bar.set_prefix(S::NAME);
    let mut log = Log::new(&folder);
    let (mut last_checkpoint, mut last_validation) = (Instant::now(), None::<Instant>);
    let (mut mean_loss, mut rate) = (f64::NAN, f64::NAN);
    let (session, before) = (Instant::now(), progress.elapsed_secs);
    let samples = stage.samples_per_batch() as f64;

    let done = |progress: &Progress| match settings.budget {
        Budget::Secs(total) => progress.elapsed_secs / total,
        Budget::Steps(total) => progress.step as f64 / total as f64,
    };
    let share_before = done(&progress);
    let session_over = |progress: &Progress| settings.session_steps.is_some_and(|steps| progress.step - first >= steps);
    while done(&progress) < 1.0 && !session_over(&progress) && !settings.stop.load(Ordering::Relaxed) {
        let batch = receiver.recv().context("the data thread ended early")??;
        rate = settings.rate.unwrap_or(S::LEARNING_RATE) * schedule(progress.step, done(&progress), warm_up_steps);
        let value;
        (model, value) = step(stage.as_ref(), model, &mut optimizer, batch, rate, &device)?;
        if !value.is_finite() {
            bail!("{}: the loss became {value} at step {}; the last checkpoint is kept: {GENTLER}", S::NAME, progress.step);
        }
        mean = mean::towards(mean, &model.valid(), progress.step);
        progress.step += 1;
        progress.elapsed_secs = before + session.elapsed().as_secs_f64();
        mean_loss = if mean_loss.is_nan() { value } else { 0.98 * mean_loss + 0.02 * value };

        let mut figures = Vec::new();
        if last_validation.is_none_or(|t| t.elapsed().as_secs_f64() > VALIDATE_SECS) {
            figures = stage.validate(&mean, &settings.device)?;
            progress.figures = figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
            last_validation = Some(Instant::now());
        }
        if !figures.is_empty() || log.is_due() {
            log.add(&progress, mean_loss, rate, &figures)?;
        }
        if last_checkpoint.elapsed().as_secs_f64() > CHECKPOINT_SECS {
            progress.state = stage.state();
            Checkpoint::save(&folder, &model, &mean, &optimizer, &progress)?;
            last_checkpoint = Instant::now();
        }
        let share = done(&progress);
        let left = session.elapsed().as_secs_f64() * (1.0 - share).max(0.0) / (share - share_before).max(1e-9);
        let speed = (progress.step - first) as f64 * samples / session.elapsed().as_secs_f64();
        bar.set_position((share * 1000.0) as u64);
        let shown = progress.figures.first().map(|(name, value)| format!(", {name} {value:.3}")).unwrap_or_default();
        bar.set_message(format!("step {}, loss {mean_loss:.4}{shown}, {speed:.0}/s, {:.0} s left", progress.step, left));
    }
    progress.finished = done(&progress) >= 1.0;
    let figures = stage.validate(&mean, &settings.device)?;
    progress.figures = figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    log.add(&progress, mean_loss, rate, &figures)?;
    progress.state = stage.state();
    Checkpoint::save(&folder, &model, &mean, &optimizer, &progress)?;
    bar.abandon();
    println!("{}: step {}, {:.0} s, {:?}", S::NAME, progress.step, progress.elapsed_secs, progress.figures);
    Ok((mean, progress))
}

/// The running mean of the stage's weights, if its checkpoint exists.
pub fn load_trained<S: Stage>(stage: &S, run: &Path, device: &Device) -> Result<Option<(S::Model, Progress)>> {
    let load = |checkpoint: &Checkpoint| anyhow::Ok((checkpoint.load_mean(stage.new_model(device)?)?, checkpoint.progress()?));
    Ok(Checkpoint::newest(&run.join(S::NAME), load)?.map(|(_, loaded)| loaded))
}

/// The log of a stage, `log.csv`: a row now and then, whose cells of figures are empty where those were not measured.
struct Log {
    path: PathBuf,
    /// Figures that have a column, once there is a row.
    figures: Vec<&'static str>,
    last_row: Option<Instant>,
}

impl Log {
    fn new(stage: &Path) -> Self {
        Self { path: stage.join("log.csv"), figures: Vec::new(), last_row: None }
    }

    fn is_due(&self) -> bool {
        self.last_row.is_none_or(|t| t.elapsed().as_secs_f64() > LOG_SECS)
    }

    /// Adds a row. The first one of a session comes with all figures there are.
    fn add(&mut self, progress: &Progress, loss: f64, rate: f64, figures: &[(&'static str, f64)]) -> Result<()> {
        if self.last_row.is_none() {
            self.begin(figures)?;
        }
        let mut cells = vec![progress.step.to_string(), format!("{:.1}", progress.elapsed_secs), cell(loss), cell(rate)];
        for name in &self.figures {
            let measured = figures.iter().find(|figure| figure.0 == *name);
            cells.push(measured.map_or(String::new(), |figure| cell(figure.1)));
        }
        self.last_row = Some(Instant::now());
        self.append(&cells.join(","))
    }

    /// Goes on with the log that is there; one that has other columns, or none, is moved aside.
    fn begin(&mut self, figures: &[(&'static str, f64)]) -> Result<()> {
        self.figures = figures.iter().map(|(name, _)| *name).collect();
        let columns: Vec<&str> = ["step", "seconds", "loss", "rate"].into_iter().chain(self.figures.iter().copied()).collect();
        let head = columns.join(",");
        if self.path.exists() {
            let text = fs::read(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
            if String::from_utf8_lossy(&text).lines().next() == Some(head.as_str()) {
                return Ok(());
            }
            let mut names = (1..).map(|n: u32| self.path.with_file_name(format!("log-{n}.csv")));
            let aside = names.find(|name| !name.exists()).context("there is no name left for a log")?;
            fs::rename(&self.path, &aside).with_context(|| format!("cannot move {} aside", self.path.display()))?;
            println!("{} has other columns than this training: it is {} now", self.path.display(), aside.display());
        }
        self.append(&head)
    }

    fn append(&self, line: &str) -> Result<()> {
        let file = fs::OpenOptions::new().create(true).append(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.with_context(|| format!("cannot write to {}", self.path.display()))
    }
}

/// A number as a log has it; what is not finite leaves its cell empty.
fn cell(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

/// A folder with weights, their running mean, optimizer state and progress that belong together.
struct Checkpoint {
    folder: PathBuf,
}

/// Whether a run has a checkpoint of this stage.
pub fn is_begun(run: &Path, stage: &str) -> bool {
    [NEWEST, BEFORE].iter().any(|name| run.join(stage).join(name).is_dir())
}

impl Checkpoint {
    /// The newest checkpoint of a stage and what `load` makes of it, or else the one before: where the newest cannot be read, or where a stop
    /// fell between the two renames. `None` where there is none.
    fn newest<T>(stage: &Path, load: impl Fn(&Self) -> Result<T>) -> Result<Option<(Self, T)>> {
        let mut kept = [NEWEST, BEFORE].into_iter().map(|name| Self { folder: stage.join(name) }).filter(|kept| kept.folder.is_dir());
        let Some(newest) = kept.next() else { return Ok(None) };
        let why = match load(&newest) {
            Ok(loaded) => return Ok(Some((newest, loaded))),
            Err(why) => why,
        };
        let Some(before) = kept.next() else { return Err(why) };
        let Ok(loaded) = load(&before) else { return Err(why) };
        log::warn!("{why:#}; the checkpoint before it takes its place, {}", before.folder.display());
        Ok(Some((before, loaded)))
    }

    /// Moves a newer checkpoint out of the way, which cannot be read: the next save would keep that one and remove this.
    fn set_newer_aside(&self, stage: &Path) -> Result<()> {
        let (newest, aside) = (stage.join(NEWEST), stage.join(UNREADABLE));
        if self.folder == newest || !newest.exists() {
            return Ok(());
        }
        let _ = fs::remove_dir_all(&aside);
        fs::rename(&newest, &aside).with_context(|| format!("cannot move {} aside", newest.display()))
    }

    /// Writes a checkpoint and keeps the one before it. A power cut at any moment leaves one that is whole.
    fn save<M: Module>(stage: &Path, model: &M, mean: &M, optimizer: &ModuleOptimizer, progress: &Progress) -> Result<()> {
        let (fresh, current, old) = (stage.join("checkpoint.new"), stage.join(NEWEST), stage.join(BEFORE));
        // A step may spoil them whose loss was still a number.
        for weights in [model, mean] {
            if let Some(name) = not_finite(weights)? {
                let (stage, step) = (stage.display(), progress.step);
                bail!("{stage}: by step {step} a weight of {name} became NaN or infinite; the last checkpoint is kept: {GENTLER}");
            }
        }
        let _ = fs::remove_dir_all(&fresh);
        fs::create_dir_all(&fresh)?;
        for (name, weights) in [("model", model), ("mean", mean)] {
            weights.clone().save_file(fresh.join(name)).map_err(|e| anyhow::anyhow!("cannot write the {name}: {e}"))?;
        }
        optimizer.save(fresh.join("optimizer")).map_err(|e| anyhow::anyhow!("cannot write the optimizer: {e}"))?;
        write_json(&fresh.join("progress.json"), progress)?;
        // Each file is on the disk when it is written; what they are called has to get there too, before anything takes another's place.
        sync_names(&fresh);
        sync_names(stage);
        if current.exists() {
            let _ = fs::remove_dir_all(&old);
            fs::rename(&current, &old).with_context(|| format!("cannot move {} aside", current.display()))?;
        }
        fs::rename(&fresh, &current).with_context(|| format!("cannot write {}", current.display()))?;
        sync_names(stage);
        Ok(())
    }

    fn progress(&self) -> Result<Progress> {
        let path = self.folder.join("progress.json");
        let json = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_slice(&json).with_context(|| format!("{} cannot be read", path.display()))
    }

    fn load_mean<M: Module>(&self, model: M) -> Result<M> {
        self.load_weights("mean", model)
    }

    fn load_weights<M: Module>(&self, name: &str, model: M) -> Result<M> {
        model.try_load_file(self.file(name)).map_err(|e| anyhow::anyhow!("{}: {e}", self.folder.display()))
    }

    fn load<M: Module>(&self, model: M, optimizer: ModuleOptimizer) -> Result<(M, ModuleOptimizer, Progress)> {
        let model = self.load_weights("model", model)?;
        let optimizer = optimizer.load(self.file("optimizer")).map_err(|e| anyhow::anyhow!("{}: {e}", self.folder.display()))?;
        Ok((model, optimizer, self.progress()?))
    }

    /// The file written under `name`, whatever extension the writer gave it.
    fn file(&self, name: &str) -> PathBuf {
        let with_extension = self.folder.join(name).with_extension("bpk");
        if with_extension.exists() { with_extension } else { self.folder.join(name) }
    }
}

/// The name of a tensor with a weight that is NaN or infinite, if there is one.
fn not_finite<M: Module>(model: &M) -> Result<Option<String>> {
    let bad = |values: &[f32]| values.iter().any(|value| !value.is_finite());
    let found = params::collect("", model)?.into_iter().find(|(_, (_, values))| bad(values));
    Ok(found.map(|(name, _)| name.trim_start_matches('.').to_owned()))
}

/// Puts on the disk what a folder's files are called. A system that has no way to do so is no reason to stop a training.
fn sync_names(folder: &Path) {
    let _ = fs::File::open(folder).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use burn::module::Param;

    use super::*;
    use crate::model::layers::Linear;

    /// Four weights that become smaller.
    struct Toy;

    impl Stage for Toy {
        type Model = Linear;
        type Batch = ();

        const NAME: &'static str = "toy";
        const LEARNING_RATE: f64 = 1e-2;

        fn new_model(&self, device: &Device) -> Result<Linear> {
            Ok(Linear { w: Param::from_tensor(Tensor::full([2, 2], 1.0f32, device)), b: None })
        }

        fn batch(&self, _step: u64) -> Result<()> {
            Ok(())
        }

        fn loss(&self, model: &Linear, _batch: (), _device: &Device) -> Result<Tensor<1>> {
            Ok(model.w.val().square().mean())
        }

        fn validate(&self, model: &Linear, _device: &Device) -> Result<Vec<(&'static str, f64)>> {
            Ok(vec![("weight", f64::from(model.w.val().mean().into_scalar::<f32>()))])
        }

        fn samples_per_batch(&self) -> usize {
            1
        }
    }

    /// Trains in `run` up to step `steps`, but no more than `session_steps`, and gives the step that it came to.
    fn train_toy(run: &Path, steps: u64, session_steps: Option<u64>) -> Result<u64> {
        let settings = Settings {
            run: run.to_owned(),
            seed: 1,
            device: Device::flex(),
            budget: Budget::Steps(steps),
            session_steps,
            rate: None,
            stop: Arc::new(AtomicBool::new(false)),
        };
        train(Arc::new(Toy), &settings, None).map(|(_, progress)| progress.step)
    }

    #[test]
    fn a_checkpoint_that_cannot_be_read_gives_way_to_the_one_before() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = folder.path();
        let trained = || {
            let loaded = load_trained(&Toy, run, &Device::flex()).expect("a checkpoint");
            loaded.map(|(_, progress)| progress.step)
        };
        let cut = |name: &str| {
            let path = Checkpoint { folder: run.join(Toy::NAME).join(name) }.file("mean");
            let whole = fs::read(&path).expect("weights");
            fs::write(&path, &whole[..whole.len() / 2]).expect("half of them");
        };
        assert_eq!(trained(), None);
        assert_eq!(train_toy(run, 3, None).expect("a training"), 3);
        assert_eq!(train_toy(run, 5, None).expect("it goes on"), 5);
        assert_eq!(trained(), Some(5));
        cut(NEWEST);
        assert_eq!(trained(), Some(3));
        assert_eq!(train_toy(run, 9, Some(1)).expect("it goes on from the third step"), 4);
        // What was good is kept, and not what was cut.
        cut(NEWEST);
        assert_eq!(train_toy(run, 9, Some(2)).expect("it goes on from the third step"), 5);
        // The control: nothing is left to go on from.
        [NEWEST, BEFORE].into_iter().for_each(cut);
        let why = train_toy(run, 9, None).expect_err("no checkpoint").to_string();
        assert!(why.contains(NEWEST), "{why}");
        assert!(is_begun(run, Toy::NAME) && !is_begun(run, "nothing"));
    }

    #[test]
    fn weights_that_are_no_numbers_are_not_kept() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let save = |value: f32| -> Result<()> {
            let model = Linear { w: Param::from_tensor(Tensor::full([2, 2], value, &Device::flex())), b: None };
            Checkpoint::save(folder.path(), &model, &model, &optimizer()?, &Progress { step: 7, ..Progress::default() })
        };
        save(1.0).expect("a checkpoint");
        let why = save(f32::NAN).expect_err("no numbers").to_string();
        assert!(why.contains("by step 7 a weight of w became NaN") && why.contains("--rate"), "{why}");
        assert!(is_begun(folder.path(), "."));
    }

    #[test]
    fn a_log_is_a_table_and_one_of_another_kind_is_moved_aside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stage = folder.path().join(Toy::NAME);
        fs::create_dir_all(&stage).expect("a folder");
        let before = "step 1, 3 s, loss 0.5000, weight 1.0000\n";
        fs::write(stage.join("log.csv"), before).expect("a log");
        for steps in [2, 4] {
            train_toy(folder.path(), steps, None).expect("a training");
        }
        assert_eq!(fs::read_to_string(stage.join("log-1.csv")).expect("the log before"), before);
        let text = fs::read_to_string(stage.join("log.csv")).expect("a log");
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows[0], ["step", "seconds", "loss", "rate", "weight"]);
        assert!(rows[1..].iter().flatten().all(|cell| cell.parse::<f64>().is_ok_and(f64::is_finite)), "{text}");
        let steps: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
        assert_eq!(steps, ["1", "2", "3", "4"], "as a session begins and as it ends");
        // What was not measured is an empty cell.
        let mut log = Log::new(&stage);
        log.add(&Progress::default(), 0.5, 0.25, &[("weight", f64::NAN)]).expect("a row");
        log.add(&Progress::default(), f64::NAN, 0.25, &[]).expect("a row");
        let text = fs::read_to_string(stage.join("log.csv")).expect("a log");
        assert!(text.ends_with("\n0,0.0,0.5,0.25,\n0,0.0,,0.25,\n"), "{text}");
    }
}
