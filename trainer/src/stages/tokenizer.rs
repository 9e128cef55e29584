//! Stage 1: the tokenizer, on single frames.

use std::sync::Arc;

use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};
use somnium::pack::manifest::FrameDims;

use crate::model::tokenizer::{Tokenizer, fsq_levels, fsq_values};
use crate::patches::push_patches;
use crate::preset::Preset;
use crate::source::{ClipSource, HELD_OUT, Mood};
use crate::training::Stage;

/// Frames taken from each clip, this many steps apart: neighbours teach little new.
const FRAMES_PER_CLIP: usize = 8;
const STRIDE: usize = 5;
const VALIDATION_CLIPS: u64 = 12;
/// How much a code that leaves the held tokenizer's counts beside the picture: half a level of every code as much as a mean error of 8 in 255.
const HOLD_WEIGHT: f64 = 1.0;

pub struct TokenizerStage {
    pub source: Arc<dyn ClipSource>,
    pub preset: Preset,
    pub frame: FrameDims,
    /// A tokenizer of fewer code dimensions, without autodiff, whose codes the first ones stay at: what a dynamics knows of them stays true.
    pub held: Option<Tokenizer>,
}

impl TokenizerStage {
    pub fn new(source: Arc<dyn ClipSource>, preset: Preset) -> Self {
        let frame = preset.frame(source.info());
        Self { source, preset, frame, held: None }
    }

    /// Patches `(frames * tokens, patch values)` of frames spread over the clips `first..first + clips`.
    fn frames(&self, first: u64, clips: u64, per_clip: usize) -> Result<Vec<f32>> {
        let mut patches = Vec::with_capacity(clips as usize * per_clip * self.frame.tokens() * self.frame.patch_values());
        for number in first..first + clips {
            let clip = self.source.clip(number, per_clip * STRIDE, Mood::Restless)?;
            for i in 0..per_clip {
                push_patches(clip.frame(i * STRIDE + (number % STRIDE as u64) as usize), &self.frame, 1, &mut patches);
            }
        }
        Ok(patches)
    }

    /// Patches of unquantised codes.
    fn decode(&self, model: &Tokenizer, z: Tensor<2>) -> Tensor<2> {
        model.decode(fsq_values(z, self.frame.code_levels), self.frame.tokens(), self.preset.tokenizer.heads)
    }

    fn tensor(&self, patches: Vec<f32>, device: &Device) -> Tensor<2> {
        let width = self.frame.patch_values();
        let rows = patches.len() / width;
        Tensor::from_data(TensorData::new(patches, [rows, width]), device)
    }
}

impl Stage for TokenizerStage {
    type Model = Tokenizer;
    type Batch = Vec<f32>;

    const NAME: &'static str = "tokenizer";
    const LEARNING_RATE: f64 = 1.5e-3;

    fn new_model(&self, device: &Device) -> Result<Tokenizer> {
        Ok(Tokenizer::new(&self.frame, &self.preset.tokenizer, device))
    }

    fn batch(&self, step: u64) -> Result<Vec<f32>> {
        let clips = self.samples_per_batch().div_ceil(FRAMES_PER_CLIP) as u64;
        self.frames(step * clips, clips, FRAMES_PER_CLIP.min(self.preset.tokenizer_batch))
    }

    fn loss(&self, model: &Tokenizer, batch: Vec<f32>, device: &Device) -> Result<Tensor<1>> {
        let held = self.held.as_ref().map(|held| held.encode(self.tensor(batch.clone(), &device.clone().inner())).tanh());
        let target = self.tensor(batch, device);
        let z = model.encode(target.clone());
        let error = self.decode(model, z.clone()) - target;
        let loss = error.clone().abs().mean() + error.square().mean();
        Ok(match held {
            Some(held) => {
                let dims = held.dims()[1];
                let left = z.narrow(1, 0, dims).tanh() - Tensor::from_inner(held);
                loss + left.square().mean() * HOLD_WEIGHT
            }
            None => loss,
        })
    }

    fn validate(&self, model: &Tokenizer, device: &Device) -> Result<Vec<(&'static str, f64)>> {
        let target = self.tensor(self.frames(HELD_OUT, VALIDATION_CLIPS, 4)?, device);
        let frames = VALIDATION_CLIPS as usize * 4;
        let z = model.encode(target.clone());
        let error = self.decode(model, z.clone()).clamp(-1.0, 1.0) - target.clone();
        // On the scale of -1..1 the peak is 2.
        let values = self.frame.tokens() * self.frame.patch_values();
        let mse = error.square().reshape([frames, values]).mean_dim(1).try_into_vec_as::<f32>().map_err(|e| anyhow::anyhow!("{e:?}"))?;
        let mut db: Vec<f64> = mse.iter().map(|mse| 10.0 * (4.0 / f64::from(*mse)).log10()).collect();
        db.sort_by(f64::total_cmp);
        let mut figures = vec![("psnr_db", db.iter().sum::<f64>() / frames as f64), ("worst_decile_db", db[frames / 10])];
        if let Some(held) = &self.held {
            let (was, levels) = (held.encode(target), self.frame.code_levels);
            let dims = was.dims()[1];
            let same = fsq_levels(z.narrow(1, 0, dims), levels).equal(fsq_levels(was, levels)).float();
            figures.push(("tokens_held", f64::from(same.min_dim(1).mean().into_scalar::<f32>())));
        }
        Ok(figures)
    }

    fn samples_per_batch(&self) -> usize {
        self.preset.tokenizer_batch
    }
}
