//! Training the probe.

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData, activation};
use somnium::worlds::{self, World};
use std::sync::Mutex;

use super::model::{Outputs, ProbeNet};
use super::samples::{Cell, KINDS, Sample, samples, scene_words};
use super::view::View;
use super::{groups, most_likely, read};
use crate::patches::push_patches;
use crate::source::{HELD_OUT, mix};
use crate::training::Stage;

const BATCH: usize = 32;
/// Frames that validation reads, shown as they are or worn, and as many with the broken ones among them.
const VALIDATION: usize = 192;

pub struct ProbeStage {
    world: Mutex<Box<dyn World>>,
    pub view: View,
    seed: u64,
}

/// Frames and what to read from them, row by row as [`Outputs`] has it.
pub struct Batch {
    frames: usize,
    cells: Vec<f32>,
    words: Vec<f32>,
    facing: Vec<f32>,
    figures: Vec<f32>,
    /// Targets and weights.
    solid: [Vec<f32>; 2],
    figure: [Vec<f32>; 2],
}

impl ProbeStage {
    pub fn new(world: &str, seed: u64) -> Result<Self> {
        let world = worlds::by_name(world).with_context(|| format!("unknown world {world:?}; there are {}", worlds::NAMES.join(", ")))?;
        Ok(Self { view: View::of(world.info()), world: Mutex::new(world), seed })
    }

    pub fn words(&self) -> usize {
        scene_words().iter().map(Vec::len).sum()
    }

    pub fn samples(&self, number: u64, count: usize, broken: bool) -> Result<Vec<Sample>> {
        let world = self.world.lock().map_err(|_| anyhow::anyhow!("the simulator failed on another thread"))?.boxed_clone();
        Ok(samples(world.as_ref(), mix(self.seed, number), count, broken))
    }

    fn collect(&self, samples: &[Sample]) -> Batch {
        let of_cells = |value: fn(&Cell) -> f32| samples.iter().flat_map(|s| s.cells.iter().map(value)).collect();
        let mut cells = Vec::new();
        samples.iter().for_each(|s| push_patches(&s.rgb, &self.view.dims(), 1, &mut cells));
        Batch {
            frames: samples.len(),
            cells,
            words: samples.iter().flat_map(|s| s.words.clone()).collect(),
            facing: samples.iter().flat_map(|s| s.facing).collect(),
            figures: samples.iter().flat_map(|s| s.figures).collect(),
            solid: [of_cells(|cell| cell.solid), of_cells(|cell| cell.solid_counts)],
            figure: [of_cells(|cell| cell.figure), of_cells(|cell| cell.figure_counts)],
        }
    }

    fn groups(&self) -> [(usize, usize); KINDS] {
        groups(&scene_words())
    }
}

/// Cross-entropy with targets of the same shape; rows of zeros count nothing.
fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    (activation::log_softmax(logits, 1) * targets).sum_dim(1).mean().neg()
}

fn binary_cross_entropy(logits: Tensor<2>, targets: Tensor<2>, weights: Tensor<2>) -> Tensor<1> {
    let yes = activation::log_sigmoid(logits.clone()) * targets.clone();
    let no = activation::log_sigmoid(logits.neg()) * (targets.neg() + 1.0);
    ((yes + no) * weights).mean().neg()
}

impl Stage for ProbeStage {
    type Model = ProbeNet;
    type Batch = Batch;

    const NAME: &'static str = "probe";
    const LEARNING_RATE: f64 = 3e-3;

    fn new_model(&self, device: &Device) -> Result<ProbeNet> {
        Ok(ProbeNet::new(&self.view, self.words(), device))
    }

    fn batch(&self, step: u64) -> Result<Batch> {
        Ok(self.collect(&self.samples(step, BATCH, true)?))
    }

    fn loss(&self, model: &ProbeNet, batch: Batch, device: &Device) -> Result<Tensor<1>> {
        let tensor = |values: Vec<f32>, rows: usize| {
            let width = values.len() / rows;
            Tensor::<2>::from_data(TensorData::new(values, [rows, width]), device)
        };
        let frames = batch.frames;
        let out: Outputs = model.forward(tensor(batch.cells, frames * self.view.cells()), &self.view);
        let targets = tensor(batch.words, frames);
        let words =
            self.groups().map(|(start, len)| cross_entropy(out.words.clone().narrow(1, start, len), targets.clone().narrow(1, start, len)));
        let words = words.into_iter().reduce(|a, b| a + b).context("there are kinds of words")?;
        let facing = cross_entropy(out.facing, tensor(batch.facing, frames));
        let figures = cross_entropy(out.figures, tensor(batch.figures, frames));
        let [solid, solid_counts] = batch.solid.map(|values| tensor(values, frames));
        let [figure, figure_counts] = batch.figure.map(|values| tensor(values, frames));
        let solid = binary_cross_entropy(out.solid, solid, solid_counts);
        let figure = binary_cross_entropy(out.figure, figure, figure_counts);
        // A figure covers few cells.
        Ok(words + facing + figures + solid * 2.0 + figure * 10.0)
    }

    /// Shares of held-out frames read rightly.
    fn validate(&self, model: &ProbeNet, device: &Device) -> Result<Vec<(&'static str, f64)>> {
        let of = |number: u64, broken: bool| {
            let samples = self.samples(HELD_OUT + number, VALIDATION, broken)?;
            let readings = read(model, &self.view, &self.groups(), samples.iter().map(|s| s.rgb.as_slice()), device)?;
            anyhow::Ok((samples, readings))
        };
        let (plain, plain_readings) = of(0, false)?;
        let (mixed, mixed_readings) = of(1, true)?;
        let (words, facing) = (|s: &Sample| s.words.clone(), |s: &Sample| s.facing.to_vec());
        let agrees = |truth: &[f32], read: &[f32]| most_likely(truth) == most_likely(read);
        let share = |hits: Vec<bool>| hits.iter().filter(|hit| **hit).count() as f64 / hits.len().max(1) as f64;
        let word = |group: usize| {
            let (start, len) = self.groups()[group];
            let pairs = plain.iter().zip(&plain_readings);
            share(pairs.map(|(s, r)| agrees(&words(s)[start..start + len], &r.words[group])).collect())
        };
        let counted = mixed.iter().zip(&mixed_readings).filter(|(s, _)| s.figures.iter().sum::<f32>() > 0.0);
        let mut ahead = Vec::new();
        for (sample, reading) in plain.iter().zip(&plain_readings) {
            for action in 1..=4 {
                let truth = self.view.ahead(action).into_iter().any(|cell| sample.cells[cell].solid > 0.5);
                ahead.push(truth == (reading.solid_ahead[action] > 0.5));
            }
        }
        let confidence = |spoilt: bool| {
            let of: Vec<f64> = mixed.iter().zip(&mixed_readings).filter(|(s, _)| s.spoilt == spoilt).map(|(_, r)| r.confidence()).collect();
            of.iter().sum::<f64>() / of.len().max(1) as f64
        };
        Ok(vec![
            ("solid_ahead", share(ahead)),
            ("land", word(0)),
            ("light", word(1)),
            ("weather", word(2)),
            ("style", word(3)),
            ("facing", share(plain.iter().zip(&plain_readings).map(|(s, r)| agrees(&facing(s), &r.facing)).collect())),
            ("figures", share(counted.map(|(s, r)| agrees(&s.figures, &r.figures)).collect())),
            ("confidence", confidence(false)),
            ("confidence_spoilt", confidence(true)),
        ])
    }

    fn samples_per_batch(&self) -> usize {
        BATCH
    }
}
