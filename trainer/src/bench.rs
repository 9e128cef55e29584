//! How fast the dynamics train: whole steps on random clips, without a world; and a file from which another program does the same step.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor};
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use somnium::pack::manifest::{DynamicsDims, FrameDims};
use somnium::pack::random::plain_manifest;
use somnium::prompt::WordTable;

use crate::backend::Backend;
use crate::looks::Looks;
use crate::model::dynamics::{DynInput, DynShape, Dynamics};
use crate::params::{self, Values};
use crate::preset::Preset;
use crate::source::Dice;
use crate::stages::dynamics::DynamicsStage;
use crate::tokens::{NO_WORD, NONE, TokenClips};
use crate::training::{self, Stage};

/// Steps before the first that is timed.
const WARM_UP_STEPS: u64 = 2;
const CLIPS: usize = 16;
const CLIP_FRAMES: usize = 48;
const SEED: u64 = 1;
/// Standard deviation of what is added to every weight of a fresh model: many are zeros, and would say nothing.
const NOISE: f32 = 0.02;

pub struct Options {
    pub preset: Preset,
    pub backend: Backend,
    /// Steps to time.
    pub steps: u64,
    /// File for a twin.
    pub write: Option<PathBuf>,
}

/// What the file says beside its tensors: `dyn.*` and `text.in.w`, the weights before the step; `input.*`, the batch as [`DynInput`] names
/// it, and `input.weights`, how much each row's loss counts.
#[derive(Serialize, Deserialize)]
struct Step {
    frame: FrameDims,
    dynamics: DynamicsDims,
    clips: usize,
    frames: usize,
    rate: f64,
    loss: f64,
    /// Loss of the same batch after the step.
    loss_after: f64,
}

/// Under this key of the file's metadata.
const STEP_KEY: &str = "somnium-train step";

pub fn bench(options: Options) -> Result<()> {
    let device = options.backend.device()?.autodiff();
    let stage = random_stage(options.preset);
    if let Some(path) = &options.write {
        write_step(&stage, &device, path)?;
    }
    let (mut model, mut optimizer) = (noisy_model(&stage, &device)?, training::optimizer()?);
    let mut times = Vec::new();
    for number in 0..WARM_UP_STEPS + options.steps {
        let batch = batch(&stage, number)?;
        device.sync()?;
        let begin = Instant::now();
        (model, _) = training::step(&stage, model, &mut optimizer, batch, DynamicsStage::LEARNING_RATE, &device)?;
        device.sync()?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    let mut times = times.split_off(WARM_UP_STEPS as usize);
    times.sort_by(f64::total_cmp);
    let (median, frames) = (times[times.len() / 2], stage.samples_per_batch());
    println!(
        "step         median {median:.2} ms (from {:.2} to {:.2}), of {} steps of {frames} frames: {:.1} frames a second, {}",
        times[0],
        times[times.len() - 1],
        times.len(),
        frames as f64 / median * 1e3,
        options.backend.label()
    );
    Ok(())
}

/// A batch as training has it, without what the model itself draws for its history: that is no part of the step.
fn batch(stage: &DynamicsStage, number: u64) -> Result<<DynamicsStage as Stage>::Batch> {
    let mut batch = stage.batch(number)?;
    batch.own.clear();
    // A look that counts as much as all patches would drown what they have to say.
    batch.weights.iter_mut().for_each(|weight| *weight = weight.min(1.0));
    Ok(batch)
}

/// A stage whose clips are random.
fn random_stage(preset: Preset) -> DynamicsStage {
    let like = plain_manifest();
    let frame = FrameDims { code_dims: preset.code_dims, code_levels: preset.code_levels, ..like.frame };
    let scrolls = like.dynamics.and_then(|dims| dims.recall);
    let dims = DynamicsDims { recall: scrolls.clone().filter(|_| preset.recall), ..preset.dynamics.clone() };
    let motions: Vec<[i32; 2]> = like.actions.iter().take(dims.actions).map(|action| action.motion).collect();
    let clips = Arc::new(random_clips(&frame, &dims, &motions));
    DynamicsStage {
        changes: clips.word_changes(),
        land_turns: clips.land_turns(preset.dynamics_frames),
        villages: Vec::new(),
        held_out: clips.clone(),
        clips,
        shape: DynShape { frame, dims, design: preset.design },
        scrolls,
        preset,
        seed: SEED,
        bindings: (0..motions.len() as u8).collect(),
        rests: None,
        motions,
        recorded_only: true,
        captions_are_wishes: true,
        looks: Looks::default(),
        meaning: None,
    }
}

/// Clips of random tokens under random words. The view goes where random actions lead, if nothing blocks it: what was seen comes back.
fn random_clips(frame: &FrameDims, dims: &DynamicsDims, motions: &[[i32; 2]]) -> TokenClips {
    let mut dice = Dice::new(SEED, 0);
    let mut clips = TokenClips::new(CLIP_FRAMES, frame.code_bytes(), dims.prompt_words);
    for _ in 0..CLIPS {
        let (mut view, mut action, mut words) = ([0i16; 2], 0, vec![NO_WORD; dims.prompt_words]);
        for t in 0..CLIP_FRAMES {
            if dice.chance(0.1) {
                action = dice.below(motions.len());
            }
            if t > 0 && dice.chance(0.8) {
                view = [0, 1].map(|axis| view[axis] + motions[action][axis] as i16);
            }
            if dice.chance(0.2) {
                let said = 1 + dice.below(words.len());
                words.fill(NO_WORD);
                words[..said].fill_with(|| dice.below(WordTable::get().len()) as u16);
            }
            clips.codes.extend((0..frame.code_bytes()).map(|_| dice.below(frame.code_levels) as u8));
            clips.recorded.push(action as u8);
            clips.inferred.push(NONE);
            clips.untold.push(0);
            clips.views.extend(view);
            clips.words.extend_from_slice(&words);
            clips.described.extend_from_slice(&words);
        }
        clips.clips += 1;
    }
    clips.blotted.clone_from(&clips.codes);
    clips
}

/// A fresh model with noise on every weight.
fn noisy_model(stage: &DynamicsStage, device: &Device) -> Result<Dynamics> {
    device.seed(SEED);
    let model = stage.new_model(device)?;
    let mut weights = params::collect("dyn", &model)?;
    let mut dice = Dice::new(SEED, 1);
    for value in weights.values_mut().flat_map(|(_, values)| values) {
        // The sum of four uniform numbers is nearly normal, with variance 4 / 12.
        *value += NOISE * ((0..4).map(|_| dice.unit()).sum::<f32>() - 2.0) * 3f32.sqrt();
    }
    params::replace("dyn", model, &weights, device)
}

/// Writes weights, a batch, and the losses before and after one step with it.
fn write_step(stage: &DynamicsStage, device: &Device, path: &Path) -> Result<()> {
    let model = noisy_model(stage, device)?;
    let mut tensors = params::collect("dyn", &model)?;
    // One that needs all weights: some clips see nothing but the frame before.
    let mut number = 0;
    while !batch(stage, number)?.sees_past() {
        number += 1;
    }
    let given = batch(stage, number)?;
    tensors.insert("input.weights".into(), (vec![given.weights.len()], given.weights.clone()));
    tensors.extend(named(stage.input(&given, device))?);
    let rate = DynamicsStage::LEARNING_RATE;
    let (model, loss) = training::step(stage, model, &mut training::optimizer()?, given, rate, device)?;
    let loss_after = f64::from(stage.loss(&model, batch(stage, number)?, device)?.into_scalar::<f32>());
    let DynShape { frame, dims, .. } = stage.shape.clone();
    let (clips, frames) = (stage.preset.dynamics_batch, stage.preset.dynamics_frames);
    let step = serde_json::to_string(&Step { frame, dynamics: dims, clips, frames, rate, loss, loss_after })?;
    let bytes: BTreeMap<String, (Vec<usize>, Vec<u8>)> =
        tensors.into_iter().map(|(name, (shape, values))| (name, (shape, values.iter().flat_map(|v| v.to_le_bytes()).collect()))).collect();
    let views = bytes
        .iter()
        .map(|(name, (shape, bytes))| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>>>()?;
    let about = HashMap::from([(STEP_KEY.to_owned(), step)]);
    safetensors::serialize_to_file(views, Some(about), path).with_context(|| format!("cannot write {}", path.display()))
}

/// The tensors of an input by name.
fn named(input: DynInput) -> Result<BTreeMap<String, Values>> {
    fn values<const D: usize>(tensor: Tensor<D>) -> Result<Values> {
        let shape = tensor.dims().to_vec();
        Ok((shape, tensor.try_into_vec_as::<f32>()?))
    }
    let matrices = [
        ("clean", Some(input.clean)),
        ("masked", Some(input.masked)),
        ("truth", Some(input.truth)),
        ("action", Some(input.action)),
        ("level", Some(input.level)),
        ("ages", Some(input.ages)),
        ("recall", input.recall),
        ("words", Some(input.words)),
        ("clean_words_mask", Some(input.clean_words_mask)),
        ("masked_words_mask", Some(input.masked_words_mask)),
        ("clean_told", Some(input.clean_told)),
        ("masked_told", Some(input.masked_told)),
    ];
    let matrices = matrices.into_iter().filter_map(|(name, tensor)| Some((name, values(tensor?))));
    matrices.chain([("past", values(input.past))]).map(|(name, values)| Ok((format!("input.{name}"), values?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{TensorData, activation};
    use safetensors::SafeTensors;

    /// What the file holds.
    struct Written {
        step: Step,
        tensors: BTreeMap<String, Values>,
    }

    impl Written {
        fn read(bytes: &[u8]) -> Self {
            let (_, about) = SafeTensors::read_metadata(bytes).expect("a header");
            let step = &about.metadata().as_ref().expect("metadata")[STEP_KEY];
            let file = SafeTensors::deserialize(bytes).expect("a safetensors file");
            let values = |data: &[u8]| data.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)).collect();
            let tensors = file.tensors().into_iter().map(|(name, t)| (name, (t.shape().to_vec(), values(t.data())))).collect();
            Self { step: serde_json::from_str(step).expect("a step"), tensors }
        }

        fn input<const D: usize>(&self, name: &str) -> Tensor<D> {
            let (shape, values) = &self.tensors[&format!("input.{name}")];
            Tensor::from_data(TensorData::new(values.clone(), shape.clone()), &Device::flex())
        }

        /// The loss, from nothing but the file.
        fn loss(&self, preset: &Preset) -> f64 {
            let Step { frame, dynamics, clips, frames, .. } = &self.step;
            let shape = DynShape { frame: *frame, dims: dynamics.clone(), design: preset.design };
            let device = Device::flex();
            let model = params::replace("dyn", Dynamics::new(&shape, &device), &self.tensors, &device).expect("the weights");
            let input = DynInput {
                clips: *clips,
                frames: *frames,
                seeing: *clips,
                clean: self.input("clean"),
                masked: self.input("masked"),
                truth: self.input("truth"),
                action: self.input("action"),
                level: self.input("level"),
                past: self.input("past"),
                ages: self.input("ages"),
                recall: Some(self.input("recall")),
                words: self.input("words"),
                clean_words_mask: self.input("clean_words_mask"),
                masked_words_mask: self.input("masked_words_mask"),
                clean_told: self.input("clean_told"),
                masked_told: self.input("masked_told"),
            };
            let (d, truth, weights) = (frame.code_dims, self.input::<2>("truth"), self.input::<1>("weights"));
            let of_levels = |x: Tensor<2>| x.reshape([weights.dims()[0], d, frame.code_levels]);
            let likelihood = activation::log_softmax(of_levels(model.forward(&shape, input)), 2) * of_levels(truth);
            let counted = likelihood.sum_dim(2).sum_dim(1).squeeze_dims::<1>(&[1, 2]) * weights.clone();
            -f64::from((counted.sum() / weights.sum()).into_scalar::<f32>()) / d as f64
        }
    }

    #[test]
    fn a_written_step_holds_all_that_its_loss_needs() {
        let preset = crate::preset::by_name("tiny").expect("the preset exists");
        let stage = random_stage(preset.clone());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("step.safetensors");
        write_step(&stage, &Device::flex().autodiff(), &path).expect("written");
        let mut written = Written::read(&std::fs::read(&path).expect("the file"));
        let (loss, after) = (written.step.loss, written.step.loss_after);
        assert!(after < loss, "a step makes the loss of its batch smaller: {loss} to {after}");
        let from_file = written.loss(&preset);
        assert!((from_file - loss).abs() < 1e-5 * loss, "{from_file} from the file, {loss} while training");
        // Negative control: with any of the weights spoiled it is another loss.
        let weights: Vec<String> = written.tensors.keys().filter(|name| !name.starts_with("input.")).cloned().collect();
        for name in weights {
            let kept = written.tensors[&name].clone();
            let spoiled = written.tensors.get_mut(&name).expect("it is there");
            spoiled.1.iter_mut().enumerate().for_each(|(i, value)| *value += (i * 31 % 7) as f32 - 2.5);
            let other = written.loss(&preset);
            assert!((other - loss).abs() > 1e-5 * loss, "{name} is not read");
            written.tensors.insert(name, kept);
        }
    }

    #[test]
    fn random_clips_walk_and_recall() {
        let stage = random_stage(crate::preset::by_name("tiny").expect("the preset exists"));
        let unknown = stage.shape.frame.code_dims * stage.shape.frame.code_levels + 1;
        let found = |number: u64| {
            let input = stage.input(&batch(&stage, number).expect("a batch"), &Device::flex());
            1.0 - input.recall.expect("it recalls").narrow(1, unknown, 1).mean().into_scalar::<f32>()
        };
        let found = (0..8).map(found).sum::<f32>() / 8.0;
        assert!(found > 0.1, "{found} of the places have something to recall");
        assert!((1..CLIP_FRAMES).any(|t| stage.clips.view(0, t) != stage.clips.view(0, 0)));
    }
}
