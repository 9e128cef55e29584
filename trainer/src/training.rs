//! The loop every stage runs in: prefetch, step, schedule, progress, checkpoint, resume, stop.
//!
//! A batch is a pure function of the seed and the step number, and every random choice is made on the host, so a run that was stopped
//! goes on exactly where it was.

mod checkpoint;
mod log_table;
#[cfg(test)]
mod toy;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use burn::module::{Module, ParamGroup};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdamWConfig, AdjustLrFn, GradientsParams, ModuleOptimizer, MuonConfig};
use burn::tensor::{Device, Tensor};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use crate::mean;
use checkpoint::Checkpoint;
use log_table::Log;

pub use checkpoint::is_begun;

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
    /// Checksum of the tokens it learns from, where it does from tokens: its weights know nothing of others.
    fn learns_from(&self) -> Option<u64> {
        None
    }
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
    /// Learning rate at its height, where it is neither that of the sessions before nor the stage's own.
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
    pub state: Vec<f32>,
    /// [`Stage::learns_from`] in the first step, or where a budget was last used up; `None` as well where nobody knows. Runs of before kept
    /// another checksum under another name.
    #[serde(default)]
    pub learned_tokens: Option<u64>,
    /// Learning rate at its height that was asked for.
    #[serde(default)]
    pub rate: Option<f64>,
}

/// Steps in which the rate rises, of new weights and of weights that were trained before: theirs need no more than the optimizer's means do.
const WARM_UP_STEPS: [f64; 2] = [100.0, 30.0];
/// Share of the budget at full rate, after which it falls linearly to nothing.
const FULL_RATE_SHARE: f64 = 0.55;
const CHECKPOINT_SECS: f64 = 180.0;
const VALIDATE_SECS: f64 = 600.0;
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

/// Batches from a step on, made on another thread a few steps ahead.
fn batches<S: Stage>(stage: Arc<S>, first: u64) -> Result<Receiver<Result<S::Batch>>> {
    let (sender, receiver) = sync_channel(4);
    std::thread::Builder::new().name(format!("{} data", S::NAME)).spawn(move || {
        for step in first.. {
            // The receiver is gone once training has ended.
            if sender.send(stage.batch(step)).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// Figures of a running mean, which are the progress' from now on.
fn judge<S: Stage>(stage: &S, mean: &S::Model, device: &Device, progress: &mut Progress) -> Result<Vec<(&'static str, f64)>> {
    let figures = stage.validate(mean, device)?;
    progress.figures = figures.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    Ok(figures)
}

/// Refuses weights of a stage's folder that learned other tokens than the stage has.
fn ensure_same_tokens<S: Stage>(stage: &S, folder: &Path, progress: &Progress) -> Result<()> {
    let others = progress.learned_tokens.zip(stage.learns_from()).is_some_and(|(learned, now)| learned != now);
    ensure!(
        !others,
        "{} learned other tokens than there are now: train it to the end of its --minutes, or of more, or remove that folder to begin anew",
        folder.display()
    );
    Ok(())
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
        let seed = loaded.2.seed;
        ensure!(seed == settings.seed, "{}: the checkpoint was trained with seed {seed}, not {}", folder.display(), settings.seed);
        checkpoint.set_newer_aside(&folder)?;
        (model, optimizer, progress, mean) = loaded;
        stage.go_on_with(&progress.state);
    }
    progress.finished = false;
    progress.rate = settings.rate.or(progress.rate);
    let done = |progress: &Progress| match settings.budget {
        Budget::Secs(total) => progress.elapsed_secs / total,
        Budget::Steps(total) => progress.step as f64 / total as f64,
    };
    if done(&progress) >= 1.0 {
        ensure_same_tokens(stage.as_ref(), &folder, &progress)?;
    }

    let first = progress.step;
    let batches = batches(stage.clone(), first)?;

    let bar = ProgressBar::new(1000);
    bar.set_style(ProgressStyle::with_template("{prefix:>10} {bar:30} {percent:>3}% {msg}")?);
    bar.set_prefix(S::NAME);
    let mut log = Log::new(&folder);
    let (mut last_checkpoint, mut last_validation) = (Instant::now(), None::<Instant>);
    let (mut mean_loss, mut rate) = (f64::NAN, f64::NAN);
    let (session, before) = (Instant::now(), progress.elapsed_secs);
    let samples = stage.samples_per_batch() as f64;

    let keep = |model: &S::Model, mean: &S::Model, optimizer: &ModuleOptimizer, progress: &mut Progress| {
        progress.state = stage.state();
        Checkpoint::save(&folder, model, mean, optimizer, progress)
    };
    let share_before = done(&progress);
    let session_over = |progress: &Progress| settings.session_steps.is_some_and(|steps| progress.step - first >= steps);
    while done(&progress) < 1.0 && !session_over(&progress) && !settings.stop.load(Ordering::Relaxed) {
        let batch = batches.recv().context("the data thread ended early")??;
        rate = progress.rate.unwrap_or(S::LEARNING_RATE) * schedule(progress.step, done(&progress), warm_up_steps);
        let value;
        (model, value) = step(stage.as_ref(), model, &mut optimizer, batch, rate, &device)?;
        if !value.is_finite() {
            bail!("{}: the loss became {value} at step {}; the last checkpoint is kept: {GENTLER}", S::NAME, progress.step);
        }
        mean = mean::towards(mean, &model.valid(), progress.step);
        progress.step += 1;
        progress.elapsed_secs = before + session.elapsed().as_secs_f64();
        // A step among other tokens does not teach them.
        if progress.learned_tokens.is_none() || done(&progress) >= 1.0 {
            progress.learned_tokens = stage.learns_from();
        }
        mean_loss = if mean_loss.is_nan() { value } else { 0.98 * mean_loss + 0.02 * value };

        let mut figures = Vec::new();
        if last_validation.is_none_or(|t| t.elapsed().as_secs_f64() > VALIDATE_SECS) {
            figures = judge(stage.as_ref(), &mean, &settings.device, &mut progress)?;
            last_validation = Some(Instant::now());
        }
        if !figures.is_empty() || log.is_due() {
            log.add(&progress, mean_loss, rate, &figures)?;
        }
        if last_checkpoint.elapsed().as_secs_f64() > CHECKPOINT_SECS {
            keep(&model, &mean, &optimizer, &mut progress)?;
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
    // Whoever asked for a stop may not wait for the figures.
    keep(&model, &mean, &optimizer, &mut progress)?;
    let figures = judge(stage.as_ref(), &mean, &settings.device, &mut progress)?;
    Checkpoint::save_progress(&folder, &progress)?;
    log.add(&progress, mean_loss, rate, &figures)?;
    bar.abandon();
    println!("{}: step {}, {:.0} s, {:?}", S::NAME, progress.step, progress.elapsed_secs, progress.figures);
    Ok((mean, progress))
}

/// The running mean of the stage's weights, if its checkpoint exists.
///
/// # Errors
/// Where it cannot be read, or knows other tokens than the stage has.
pub fn load_trained<S: Stage>(stage: &S, run: &Path, device: &Device) -> Result<Option<(S::Model, Progress)>> {
    let folder = run.join(S::NAME);
    let load = |checkpoint: &Checkpoint| anyhow::Ok((checkpoint.load_mean(stage.new_model(device)?)?, checkpoint.progress()?));
    let loaded = Checkpoint::newest(&folder, load)?.map(|(_, loaded)| loaded);
    if let Some((_, progress)) = &loaded {
        ensure_same_tokens(stage, &folder, progress)?;
    }
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::toy::{Toy, toy_settings};

    #[test]
    fn weights_that_learned_other_tokens_are_of_no_use_until_they_learn_these() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let toy = |tokens| Toy { tokens, ..Toy::default() };
        let trained = |tokens, steps, session_steps| {
            let trained = train(Arc::new(toy(tokens)), &toy_settings(folder.path(), steps, session_steps), None);
            trained.map(|(_, progress)| progress.step).map_err(|why| why.to_string())
        };
        let usable = |tokens| {
            let loaded = load_trained(&toy(tokens), folder.path(), &Device::flex());
            loaded.map(|loaded| loaded.map_or(0, |(_, progress)| progress.step)).map_err(|why| why.to_string())
        };
        assert_eq!(trained(None, 2, None), Ok(2));
        // Of an older run nobody knows which tokens it learned.
        assert_eq!((trained(Some(7), 2, None), usable(Some(7))), (Ok(2), Ok(2)));
        assert_eq!((trained(Some(7), 3, None), usable(Some(7))), (Ok(3), Ok(3)));
        for refused in [trained(Some(8), 3, None), usable(Some(8))] {
            let why = refused.expect_err("other tokens");
            assert!(why.contains("toy learned other tokens") && why.contains("--minutes"), "{why}");
        }
        // Stopped before it took a step.
        assert_eq!(trained(Some(8), 4, Some(0)), Ok(3));
        assert!(usable(Some(8)).is_err() && usable(Some(7)).is_ok());
        // Stopped on the way.
        assert_eq!(trained(Some(8), 5, Some(1)), Ok(4));
        assert!(usable(Some(8)).is_err() && usable(Some(7)).is_ok());
        assert_eq!((trained(Some(8), 5, None), usable(Some(8))), (Ok(5), Ok(5)));
        assert!(usable(Some(7)).is_err());
    }

    #[test]
    fn the_rate_stays_what_was_asked_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let rate_in_step = |steps: u64, asked: Option<f64>| {
            let settings = Settings { rate: asked, ..toy_settings(folder.path(), steps, None) };
            train(Arc::new(Toy::default()), &settings, None).expect("a training");
            let text = fs::read_to_string(folder.path().join(Toy::NAME).join("log.csv")).expect("a log");
            let cell = text.lines().last().and_then(|row| row.split(',').nth(3)).expect("a rate");
            let height = cell.parse::<f64>().expect("a number") / schedule(steps - 1, (steps - 1) as f64 / steps as f64, WARM_UP_STEPS[0]);
            (height * 1e6).round() / 1e6
        };
        assert_eq!(rate_in_step(2, None), Toy::LEARNING_RATE);
        assert_eq!(rate_in_step(4, Some(0.5)), 0.5);
        assert_eq!(rate_in_step(6, None), 0.5);
        assert_eq!(rate_in_step(8, Some(0.25)), 0.25);
    }

    #[test]
    fn what_was_learned_is_kept_before_it_is_judged() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kept = || {
            let loaded = load_trained(&Toy::default(), folder.path(), &Device::flex()).expect("a checkpoint");
            loaded.map(|(_, progress)| progress).expect("it is there")
        };
        // A stop is asked for while the first step is judged, and the program ended while the last one is.
        let settings = toy_settings(folder.path(), 9, None);
        let toy = Toy { ends: Some(settings.stop.clone()), ..Toy::default() };
        let why = train(Arc::new(toy), &settings, None).map(|_| ()).expect_err("it ends").to_string();
        assert_eq!((why.as_str(), kept().step), ("ended", 1));
        // Figures are those of the last step all the same, not of the first one of their session.
        let (_, progress) = train(Arc::new(Toy::default()), &toy_settings(folder.path(), 9, None), None).expect("it goes on");
        let figure = |progress: &Progress| progress.figures[0].1;
        assert!((figure(&kept()) - figure(&progress)).abs() < 1e-12);
        let text = fs::read_to_string(folder.path().join(Toy::NAME).join("log.csv")).expect("a log");
        let figure_of = |row: &str| row.split(',').nth(4).and_then(|cell| cell.parse::<f64>().ok());
        let judged: Vec<f64> = text.lines().skip(1).filter_map(figure_of).collect();
        assert!(matches!(judged[..], [_, second, last] if second != last && (last - figure(&progress)).abs() < 1e-12), "{judged:?}");
    }
}
