//! Stage 3: the dynamics, on clips of tokens.

mod batch;
mod input;
mod masks;
mod past;
mod recolour;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use anyhow::{Result, ensure};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use somnium::engine::{PromptWord, told::Told};
use somnium::pack::manifest::{FrameDims, LatentAction, RecallDims};

use crate::looks::Looks;
use crate::model::dynamics::{DynShape, Dynamics};
use crate::preset::Preset;
use crate::source::{Dice, HELD_OUT};
use crate::tokens::{NO_WORD, NONE, TokenClips};
use crate::training::Stage;

use batch::{Batch, Token};
use past::RecallTerms;

const VALIDATION_BATCHES: u64 = 6;

pub struct DynamicsStage {
    pub clips: Arc<TokenClips>,
    pub held_out: Arc<TokenClips>,
    /// Frames of `clips` whose words are not those of the frame before, as (clip, frame).
    pub changes: Vec<(usize, usize)>,
    /// Frames of `clips` in which another land than before fills most of the view, no word of it said, as (clip, frame).
    pub land_turns: Vec<(usize, usize)>,
    /// Frames of `clips` that show a part of a village, as (clip, frame).
    pub villages: Vec<(usize, usize)>,
    pub preset: Preset,
    pub shape: DynShape,
    /// How the land scrolls, where it does: what is new of it and what stays counts as much in a dynamics that recalls nothing.
    pub scrolls: Option<RecallDims>,
    pub seed: u64,
    /// Latent code each recorded action is bound to; [`NONE`] for one that leads into no frame.
    pub bindings: Vec<u8>,
    /// Code that is to mean standing still though no clip shows it.
    pub rests: Option<u8>,
    /// Where the view goes under each latent code, in steps.
    pub motions: Vec<[i32; 2]>,
    /// Leave the inferred codes aside.
    pub recorded_only: bool,
    /// Whether what is said in clips was asked for, and made the land what it is. What is said of recordings is said of what they show
    /// anyway: land comes into view there by itself, also where nothing is said.
    pub captions_are_wishes: bool,
    /// Tokens of looks by their names; none where a frame has no token of its look.
    pub looks: Looks,
    /// Checksum of what tokens and codes of actions mean, where it is known.
    pub meaning: Option<u64>,
}

/// Latent code of every action by its name, from the names the latent action model's codes got; [`NONE`] for one that is not `recorded` either.
pub fn bindings(actions: &[LatentAction], names: &[String], recorded: impl Fn(usize) -> bool) -> Result<Vec<u8>> {
    (0..)
        .zip(names)
        .map(|(number, name)| {
            let code = actions.iter().position(|action| action.bound_to.iter().any(|bound| bound == name));
            ensure!(
                code.is_some() || !recorded(number),
                "no latent code is bound to {name:?}: train the latent action model longer, or pass --recorded-actions"
            );
            Ok(code.map_or(NONE, |code| code as u8))
        })
        .collect()
}

impl DynamicsStage {
    fn tokens(&self) -> usize {
        self.shape.frame.tokens()
    }

    fn frame_dims(&self) -> &FrameDims {
        &self.shape.frame
    }

    /// Puts the model's own guesses into the history where the batch asks for them: each frame drawn in one step from its history, and, where
    /// it is drawn again, from a history with the guesses of the time before.
    fn draw_own_history(&self, model: &Dynamics, batch: &mut Batch, device: &Device) -> Result<()> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let (rows, device, model) = (batch.own.len(), device.clone().inner(), model.valid());
        let noise = Tensor::<2>::from_data(TensorData::new(std::mem::take(&mut batch.noise), [rows, d * l]), &device);
        for _ in 0..batch.own_drawn {
            let mut input = self.input(batch, &device);
            input.masked = self.one_hot(&batch.truth, std::iter::repeat_n(Token::Masked, rows), &device);
            let guess = model.sample(&self.shape, input, noise.clone()).narrow(1, 0, d * l);
            let levels = guess.reshape([rows * d, l]).argmax(1).try_into_vec_as::<i32>()?;
            let guessed: Vec<u8> = levels.into_iter().map(|level| level as u8).collect();
            batch.show_own(&guessed, d);
        }
        Ok(())
    }

    /// Log-probability of the true level in every dimension, `(F * N, D)`. Both `(F * N, D * L)`.
    fn log_likelihood(&self, logits: Tensor<2>, truth: Tensor<2>) -> Tensor<2> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let rows = truth.dims()[0];
        (activation::log_softmax(logits.reshape([rows, d, l]), 2) * truth.reshape([rows, d, l])).sum_dim(2).squeeze_dim::<2>(2)
    }

    /// 1 for every token whose true levels are all first choices, 0 for the others. Logits `(F * N, D * L)`.
    fn right(&self, logits: Tensor<2>, truth: &[u8]) -> Result<Vec<f64>> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let logits = logits.try_into_vec_as::<f32>()?;
        let best = |logits: &[f32]| (0..l).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap_or(0);
        let right =
            |(truth, logits): (&[u8], &[f32])| truth.iter().zip(logits.chunks_exact(l)).all(|(code, of)| best(of) == usize::from(*code));
        Ok(truth.chunks_exact(d).zip(logits.chunks_exact(d * l)).map(|token| f64::from(u8::from(right(token)))).collect())
    }

    /// Class of how long ago words changed, of frames under these words, `(T, K)`.
    fn told(&self, words: &[u16]) -> Vec<u8> {
        let mut told = Told::default();
        let class = |frame: &[u16]| {
            let words: Vec<PromptWord> = frame.iter().filter(|id| **id != NO_WORD).map(|id| PromptWord::whole(*id)).collect();
            let class = told.class_of_next(&words) as u8;
            told.follow(&words);
            class
        };
        words.chunks_exact(self.shape.dims.prompt_words).map(class).collect()
    }

    /// Logits `(T, N, D * L)` of every frame of one clip with everything masked and true history: what engines must reproduce.
    /// `actions`, `moved`: `(T)`; `words`: the prompts of the frames, padded, `(T, K)`.
    pub fn teacher_forced(
        &self,
        model: &Dynamics,
        codes: &[u8],
        actions: &[u8],
        moved: &[bool],
        words: &[u16],
        device: &Device,
    ) -> Result<Vec<f32>> {
        let frames = actions.len();
        let rows = frames * self.tokens();
        let mut batch = Batch {
            frames,
            truth: codes.to_vec(),
            shown: codes.to_vec(),
            clean: (0..rows).map(Token::Given).collect(),
            masked: vec![Token::Masked; rows],
            weights: vec![1.0; rows],
            actions: actions.to_vec(),
            levels: vec![self.preset.play.context_level; frames],
            spans: vec![self.shape.dims.window - 1],
            words: words.to_vec(),
            told: self.told(words),
            prompt_dropped: vec![false; frames],
            ..self.empty_batch(1)
        };
        let mut clip = TokenClips::new(frames, self.frame_dims().code_bytes(), 0);
        (clip.clips, clip.codes) = (1, codes.to_vec());
        let mut view = [0i16; 2];
        for (action, moved) in actions.iter().zip(moved) {
            let motion = self.motions.get(usize::from(*action)).filter(|_| *moved).copied().unwrap_or_default();
            view = [view[0] + motion[0] as i16, view[1] + motion[1] as i16];
            clip.views.extend(view);
        }
        self.push_recall(&clip, (0, 0), &mut batch, RecallTerms::WHOLE, &mut Dice::new(0, 0));
        let logits = model.forward(&self.shape, self.input(&batch, device));
        Ok(logits.try_into_vec_as::<f32>()?)
    }
}

impl Stage for DynamicsStage {
    type Model = Dynamics;
    type Batch = Batch;

    const NAME: &'static str = "dynamics";
    const LEARNING_RATE: f64 = 2e-3;

    fn new_model(&self, device: &Device) -> Result<Dynamics> {
        Ok(Dynamics::new(&self.shape, device))
    }

    fn batch(&self, step: u64) -> Result<Batch> {
        Ok(self.training_batch(&mut Dice::new(self.seed, step)))
    }

    fn loss(&self, model: &Dynamics, mut batch: Batch, device: &Device) -> Result<Tensor<1>> {
        if !batch.own.is_empty() {
            self.draw_own_history(model, &mut batch, device)?;
        }
        let input = self.input(&batch, device);
        let truth = input.truth.clone();
        let logits = model.forward(&self.shape, input);
        let rows = batch.weights.len();
        let weight: f32 = batch.weights.iter().sum();
        let weights = Tensor::<2>::from_data(TensorData::new(batch.weights, [rows, 1]), device);
        let total = (self.log_likelihood(logits, truth) * weights).sum();
        Ok(total * (-1.0 / f64::from(weight.max(1.0)) / self.frame_dims().code_dims as f64))
    }

    /// Single steps with everything masked, all but the first of a window: cross-entropy a dimension; the share of tokens exactly right, over all
    /// frames, over those that moved, where copying the last frame is the figure to beat, and under new words, in windows chosen for these; the same
    /// of looks, in all frames and under new words. Then nats that a token of new land costs where what was asked of it is told, and how many fewer
    /// where half of the others of its frame are given; and from a history with blots, the share of tokens exactly right where the blots lie and beside
    /// them.
    fn validate(&self, model: &Dynamics, device: &Device) -> Result<Vec<(&'static str, f64)>> {
        let d = self.frame_dims().code_dims;
        let n = self.tokens();
        let (mut entropy, mut exact, mut exact_told) = (Mean::default(), Mean::default(), Mean::default());
        let (mut look, mut look_told) = (Mean::default(), Mean::default());
        let (mut exact_moved, mut copied_moved) = (Mean::default(), Mean::default());
        let (mut new_land, mut beside) = (Mean::default(), Mean::default());
        let (mut mended, mut kept) = (Mean::default(), Mean::default());
        let words = self.shape.dims.prompt_words;
        let seen_blotted = self.held_out.seen_blotted();
        for number in 0..VALIDATION_BATCHES {
            let told = self.told_batch(&self.held_out, number);
            let right = self.right(model.forward(&self.shape, self.input(&told, device)), &told.truth)?;
            let says_anew = |frame: &usize| told.words[frame * words..][..words] != told.words[(frame - 1) * words..][..words];
            for frame in (0..right.len() / n).filter(|frame| !frame.is_multiple_of(told.frames)).filter(says_anew) {
                let (patches, of_look) = right[frame * n..][..n].split_at(self.frame_dims().patches());
                patches.iter().for_each(|right| exact_told.add(*right));
                of_look.iter().for_each(|right| look_told.add(*right));
            }
            let mut batch = self.validation_batch(&self.held_out, number);
            let input = self.input(&batch, device);
            let truth = input.truth.clone();
            let logits = model.forward(&self.shape, input);
            let log_likelihood = self.log_likelihood(logits.clone(), truth.clone());
            let of_tokens = |log_likelihood: Tensor<2>| log_likelihood.sum_dim(1).try_into_vec_as::<f32>();
            let alone = of_tokens(log_likelihood)?;
            let mut dice = Dice::new(8, HELD_OUT + number);
            batch.masked.iter_mut().enumerate().filter(|_| dice.chance(0.5)).for_each(|(row, token)| *token = Token::Given(row));
            let helped = of_tokens(self.log_likelihood(model.forward(&self.shape, self.input(&batch, device)), truth))?;
            let new_rows = (0..batch.new_land.len()).filter(|row| batch.new_land[*row] && batch.masked[*row] == Token::Masked);
            for row in new_rows.filter(|row| self.is_told(&batch, row / n)) {
                new_land.add(-f64::from(alone[row]));
                beside.add(f64::from(helped[row] - alone[row]));
            }
            for (row, right) in self.right(logits, &batch.truth)?.into_iter().enumerate() {
                let frame = row / n;
                if frame.is_multiple_of(batch.frames) {
                    continue;
                }
                exact.add(right);
                entropy.add(-f64::from(alone[row]) / d as f64);
                if row % n >= self.frame_dims().patches() {
                    look.add(right);
                }
                let (before, first) = (&batch.truth[(row - n) * d..][..d], frame * n * d);
                let changed = batch.truth[first..first + n * d].iter().zip(&batch.truth[first - n * d..]).filter(|(a, b)| a != b).count();
                if changed > n * d / 4 {
                    exact_moved.add(right);
                    copied_moved.add(f64::from(u8::from(before == &batch.truth[row * d..][..d])));
                }
            }
            let blotted = Batch { truth: batch.truth, ..self.validation_batch(&seen_blotted, number) };
            let right = self.right(model.forward(&self.shape, self.input(&blotted, device)), &blotted.truth)?;
            let known = |row: &usize| !(row / n).is_multiple_of(blotted.frames) && !blotted.new_land.get(*row).is_some_and(|new| *new);
            for row in (0..right.len()).filter(known) {
                let seen_as_it_is = blotted.shown[row * d..][..d] == blotted.truth[row * d..][..d];
                if seen_as_it_is { &mut kept } else { &mut mended }.add(right[row]);
            }
        }
        Ok(vec![
            ("exact_moved", exact_moved.value()),
            ("copied_moved", copied_moved.value()),
            ("exact_told", exact_told.value()),
            ("look", look.value()),
            ("look_told", look_told.value()),
            ("exact", exact.value()),
            ("new_land", new_land.value()),
            ("beside", beside.value()),
            ("mended", mended.value()),
            ("kept", kept.value()),
            ("cross_entropy", entropy.value()),
        ])
    }

    fn learns_from(&self) -> Option<u64> {
        self.meaning
    }

    fn samples_per_batch(&self) -> usize {
        self.preset.dynamics_batch * self.preset.dynamics_frames
    }
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn value(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }
}
