//! Stage 2: the latent action model, on pairs of frames whose light and weather hold still; then what each code turned out to mean.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use somnium::clips::Clip;
use somnium::pack::manifest::{FrameDims, LamDims, LatentAction};

use crate::model::lam::{Lam, LamShape, lam_patch_values};
use crate::model::layers::indices;
use crate::motion::{Picture, best_shift, shrunk};
use crate::patches::push_patches;
use crate::preset::Preset;
use crate::scroll;
use crate::source::{ClipSource, Dice, HELD_OUT, Mood};
use crate::training::Stage;

use super::naming::{self, Counts};

const PAIRS_PER_CLIP: usize = 6;
const CLIP_FRAMES: usize = 32;
const VALIDATION_CLIPS: u64 = 16;
/// Codes whose motion errs at most this much more than the best one's are told apart by the whole prediction.
const ALIKE: f32 = 1.15;
/// How much what does not scroll counts in a prediction, beside all of it: the figure shows what was meant, also where nothing moved.
const FIGURE_WEIGHT: f32 = 1.0;
/// What a code costs for every nat that it takes to name it, `-ln share`, in units of the error: a code of its own for a sight seen now and
/// then has to explain it much better than the codes in daily use (minimum description length).
const PRICE: f32 = 0.03;
/// What a code costs besides, in the same units, where a step under it does not move though the code does, and nobody recorded what was asked for: standing still
/// has a code of its own, however seldom that is. With recorded actions a step against a wall is told from one that was not asked for.
pub const UNASKED_PRICE: f32 = 0.2;
/// How much of the shares each batch replaces.
const SHARE_STEP: f32 = 0.05;
/// Share of steps from which on a shift gets a code to start as.
const FREQUENT: f64 = 0.02;
/// Clips whose motion tells what codes start as.
const START_CLIPS: u64 = 24;
/// Held-out clips that codes are named by.
const LABEL_CLIPS: u64 = 40;

pub struct LamStage {
    pub source: Arc<dyn ClipSource>,
    pub preset: Preset,
    pub frame: FrameDims,
    /// Tokens that do not scroll.
    pub covered: Vec<usize>,
    /// Share of steps that each code explains, a running mean while training.
    pub shares: Mutex<Vec<f32>>,
    /// What it costs a code that moves to explain a step that does not.
    pub standing_price: f32,
    pub seed: u64,
}

/// Patches of both frames of some pairs, `(pairs * tokens, patch values)` each.
#[derive(Default)]
pub struct Pairs {
    before: Vec<f32>,
    after: Vec<f32>,
}

/// What codes make of the first frames of some pairs.
struct Prediction {
    /// The frame moved by the code, or the frame itself where the step was blocked, `(pairs * tokens, patch values)`.
    base: Tensor<2>,
    /// Drawn upon the base.
    whole: Tensor<2>,
}

impl LamStage {
    fn shape(&self) -> LamShape {
        LamShape { frame: self.frame, dims: self.preset.lam }
    }

    /// A whole-frame shift for every code to start from: those seen often in some clips, one code each. Codes left over start as standing
    /// still.
    fn frequent_shifts(&self) -> Result<Vec<(i32, i32)>> {
        let LamDims { shrink, reach, bits, .. } = self.preset.lam;
        let reach = reach as i32;
        let candidates: Vec<(i32, i32)> = (-reach..=reach).flat_map(|dy| (-reach..=reach).map(move |dx| (dx, dy))).collect();
        let mut seen = vec![0.0; candidates.len()];
        let (w, h) = (self.frame.width_px / shrink, self.frame.height_px / shrink);
        for number in 0..START_CLIPS {
            let clip = self.source.clip(number, CLIP_FRAMES, Mood::Still)?;
            let frames: Vec<Vec<f32>> =
                (0..clip.len()).map(|t| shrunk(clip.frame(t), self.frame.width_px, self.frame.height_px, shrink)).collect();
            for pair in frames.windows(2) {
                let picture = |i: usize| Picture { values: &pair[i], w, h };
                seen[best_shift(picture(0), picture(1), &candidates, |_, _| true).0] += 1.0;
            }
        }
        let steps: f64 = seen.iter().sum();
        let mut frequent: Vec<usize> = (0..seen.len()).filter(|i| seen[*i] >= FREQUENT * steps).collect();
        frequent.sort_by(|a, b| seen[*b].total_cmp(&seen[*a]));
        Ok((0..1 << bits).map(|code| frequent.get(code).map_or((0, 0), |i| candidates[*i])).collect())
    }

    fn push_pair(&self, clip: &Clip, t: usize, pairs: &mut Pairs) {
        push_patches(clip.frame(t - 1), &self.frame, self.preset.lam.shrink, &mut pairs.before);
        push_patches(clip.frame(t), &self.frame, self.preset.lam.shrink, &mut pairs.after);
    }

    fn pairs(&self, first: u64, clips: u64, dice: &mut Dice) -> Result<Pairs> {
        let mut pairs = Pairs::default();
        for number in first..first + clips {
            let clip = self.source.clip(number, CLIP_FRAMES, Mood::Still)?;
            for _ in 0..PAIRS_PER_CLIP {
                self.push_pair(&clip, 1 + dice.below(CLIP_FRAMES - 1), &mut pairs);
            }
        }
        Ok(pairs)
    }

    fn tensors(&self, pairs: Pairs, device: &Device) -> (Tensor<2>, Tensor<2>) {
        let width = lam_patch_values(&self.frame, &self.preset.lam);
        let tensor = |values: Vec<f32>| {
            let rows = values.len() / width;
            Tensor::from_data(TensorData::new(values, [rows, width]), device)
        };
        (tensor(pairs.before), tensor(pairs.after))
    }

    /// What each pair's code makes of its first frame: that frame `moved` by the code, or the frame itself where the step was blocked, which
    /// is where the second frame lies closer to it. And 1 where it was blocked, `(pairs, 1)`.
    fn base(&self, moved: Tensor<2>, before: &Tensor<2>, after: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let error = |x: &Tensor<2>| self.per_pair((x.clone() - after.clone()).abs()).mean_dim(1);
        let [pairs, values] = self.per_pair(moved.clone()).dims();
        let blocked = error(&moved).greater(error(before)).float().detach();
        let stays = blocked.clone().expand([pairs, values]).reshape(before.dims());
        (moved * (stays.clone().neg() + 1.0) + before.clone() * stays, blocked)
    }

    fn predict(&self, model: &Lam, before: &Tensor<2>, after: &Tensor<2>, codes: &[u8]) -> Prediction {
        let codes = indices(codes.iter().map(|code| i64::from(*code)).collect(), &before.device());
        let (base, blocked) = self.base(model.advect(before.clone(), codes.clone(), self.shape()), before, after);
        let whole = model.refine(base.clone(), codes, blocked, self.shape());
        Prediction { base, whole }
    }

    /// `(pairs, values of a frame)`.
    fn per_pair(&self, x: Tensor<2>) -> Tensor<2> {
        let [rows, width] = x.dims();
        let tokens = self.frame.patches();
        x.reshape([rows / tokens, tokens * width])
    }

    /// Of an error `(pairs * tokens, patch values)` the part on tokens that do not scroll, `(pairs, values)`; `None` where all do.
    fn on_figure(&self, error: Tensor<2>) -> Option<Tensor<2>> {
        if self.covered.is_empty() {
            return None;
        }
        let ([rows, width], tokens) = (error.dims(), self.frame.patches());
        let covered = indices(self.covered.iter().map(|token| *token as i64).collect(), &error.device());
        let figure = error.reshape([rows / tokens, tokens, width]).select(1, covered);
        Some(figure.reshape([rows / tokens, self.covered.len() * width]))
    }

    /// What each code costs; one that explains nothing, more than any.
    fn prices(&self) -> Vec<f32> {
        let shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.iter().map(|share| -PRICE * share.ln()).collect()
    }

    /// The shares follow what the codes of a batch explain.
    fn follow(&self, codes: &[u8]) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        for (code, share) in shares.iter_mut().enumerate() {
            let now = codes.iter().filter(|c| usize::from(**c) == code).count() as f32 / codes.len() as f32;
            *share += SHARE_STEP * (now - *share);
        }
    }

    /// The code that explains each pair best for its price: among those whose motion explains the frame about as well as any, the one
    /// whose whole prediction does, the figure above all.
    fn best_codes(&self, model: &Lam, before: &Tensor<2>, after: &Tensor<2>) -> Result<Vec<u8>> {
        let (tokens, width) = (self.frame.patches(), before.dims()[1]);
        let (pairs, codes, device) = (before.dims()[0] / tokens, 1u8 << self.preset.lam.bits, before.device());
        let values = |x: Tensor<2>| x.try_into_vec_as::<f32>();
        let prices = self.prices();
        let (mut base_errors, mut standing) = (Vec::new(), Vec::new());
        let moved = model.advect_by_each(before.clone(), self.shape());
        let moves = model.moves()?;
        for code in 0..codes {
            // Nobody's motion is measured against that of a code that explains nothing.
            if prices[usize::from(code)].is_infinite() {
                base_errors.push(vec![f32::INFINITY; pairs]);
                standing.push(vec![0.0; pairs]);
                continue;
            }
            let (base, blocked) = self.base(moved.clone().narrow(0, usize::from(code), 1).squeeze_dim(0), before, after);
            base_errors.push(values(self.per_pair((base - after.clone()).abs()).mean_dim(1))?);
            let price = if moves[usize::from(code)] { self.standing_price } else { 0.0 };
            standing.push(values(blocked * price)?);
        }
        let least = |pair: usize| base_errors.iter().map(|errors| errors[pair]).fold(f32::INFINITY, f32::min);
        let mut best = vec![(f32::INFINITY, 0); pairs];
        for code in 0..codes {
            let price = prices[usize::from(code)];
            let close = |pair: &i64| price.is_finite() && base_errors[usize::from(code)][*pair as usize] <= ALIKE * least(*pair as usize);
            let candidates: Vec<i64> = (0..pairs as i64).filter(close).collect();
            if candidates.is_empty() {
                continue;
            }
            let rows = indices(candidates.clone(), &device);
            let of = |x: &Tensor<2>| self.per_pair(x.clone()).select(0, rows.clone()).reshape([candidates.len() * tokens, width]);
            let (before, after) = (of(before), of(after));
            let error = (self.predict(model, &before, &after, &vec![code; candidates.len()]).whole - after).abs();
            let mut total = self.per_pair(error.clone()).mean_dim(1);
            if let Some(figure) = self.on_figure(error) {
                total = total + figure.mean_dim(1) * FIGURE_WEIGHT;
            }
            for (pair, error) in candidates.iter().zip(values(total)?) {
                let cost = error + price + standing[usize::from(code)][*pair as usize];
                if cost < best[*pair as usize].0 {
                    best[*pair as usize] = (cost, code);
                }
            }
        }
        Ok(best.into_iter().map(|(_, code)| code).collect())
    }

    /// Code of every step of a clip; entry `t` turned frame `t - 1` into frame `t`, entry 0 is `None`.
    pub fn codes(&self, model: &Lam, clip: &Clip, device: &Device) -> Result<Vec<Option<u8>>> {
        let mut codes = vec![None];
        let steps: Vec<usize> = (1..clip.len()).collect();
        for chunk in steps.chunks(64) {
            let mut pairs = Pairs::default();
            chunk.iter().for_each(|t| self.push_pair(clip, *t, &mut pairs));
            let (before, after) = self.tensors(pairs, device);
            codes.extend(self.best_codes(model, &before, &after)?.into_iter().map(Some));
        }
        Ok(codes)
    }

    /// Names every code on held-out clips: by the recorded actions it goes with, or where none are recorded by what the picture does.
    pub fn label(&self, model: &Lam, device: &Device) -> Result<Vec<LatentAction>> {
        let actions = &self.source.info().actions;
        let recorded = self.source.records_any();
        let mut counts = Counts::new(1 << self.preset.lam.bits, actions);
        let mut unnamed = Vec::new();
        for number in 0..LABEL_CLIPS {
            let clip = self.source.clip(HELD_OUT + 10_000 + number, 2 * CLIP_FRAMES, Mood::Still)?;
            let codes = self.codes(model, &clip, device)?;
            counts.count(&clip, &codes);
            if !recorded {
                unnamed.push((clip, codes));
            }
        }
        let mut named = counts.name_codes();
        if !recorded {
            naming::by_motion(&mut named, &scroll::measure(&unnamed, 1 << self.preset.lam.bits, &self.frame).motions);
        }
        naming::rest(&mut named);

        Ok(named)
    }
}

impl Stage for LamStage {
    type Model = Lam;
    type Batch = Pairs;

    const NAME: &'static str = "lam";
    const LEARNING_RATE: f64 = 1.5e-3;

    fn new_model(&self, device: &Device) -> Result<Lam> {
        let shifts = self.frequent_shifts()?;
        Ok(Lam::new(&self.frame, &self.preset.lam, device).with_shifts(&shifts, &self.preset.lam, device))
    }

    /// The shares of the codes, which make their prices.
    fn state(&self) -> Vec<f32> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn go_on_with(&self, state: &[f32]) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.iter_mut().zip(state).for_each(|(share, kept)| *share = *kept);
    }

    fn batch(&self, step: u64) -> Result<Pairs> {
        let clips = self.preset.lam_batch.div_ceil(PAIRS_PER_CLIP) as u64;
        self.pairs(step * clips, clips, &mut Dice::new(self.seed, step))
    }

    fn loss(&self, model: &Lam, batch: Pairs, device: &Device) -> Result<Tensor<1>> {
        let (before, after) = self.tensors(batch, device);
        let codes = self.best_codes(&model.valid(), &before.clone().inner(), &after.clone().inner())?;
        self.follow(&codes);
        let Prediction { base, whole } = self.predict(model, &before, &after, &codes);
        let (base, whole) = (base - after.clone(), whole - after);
        let loss = base.abs().mean() + whole.clone().abs().mean() + whole.clone().square().mean();
        Ok(self.on_figure(whole.abs()).map_or(loss.clone(), |figure| loss + figure.mean() * FIGURE_WEIGHT))
    }

    /// Purity of codes against recorded actions, where there are any, and the prediction's error in units of copying the last frame.
    fn validate(&self, model: &Lam, device: &Device) -> Result<Vec<(&'static str, f64)>> {
        let (before, after) = self.tensors(self.pairs(HELD_OUT, VALIDATION_CLIPS, &mut Dice::new(1, 1))?, device);
        let codes = self.best_codes(model, &before, &after)?;
        let error = (self.predict(model, &before, &after, &codes).whole - after.clone()).square().mean();
        let copy = (before - after).square().mean();
        let share = |t: Tensor<1>| f64::from(t.into_scalar::<f32>());
        let mut counts = Counts::new(1 << self.preset.lam.bits, &self.source.info().actions);
        for number in 0..VALIDATION_CLIPS {
            let clip = self.source.clip(HELD_OUT + number, CLIP_FRAMES, Mood::Still)?;
            counts.count(&clip, &self.codes(model, &clip, device)?);
        }
        let error_over_copy = ("error_over_copy", share(error) / share(copy).max(1e-9));
        let pure = counts.purity().map(|(moved, blocked)| [("purity_moved", moved), ("purity_blocked", blocked)]);
        Ok(pure.into_iter().flatten().chain([error_over_copy]).collect())
    }

    fn samples_per_batch(&self) -> usize {
        self.preset.lam_batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(standing_price: f32) -> LamStage {
        let preset = crate::preset::by_name("tiny").expect("the preset exists");
        let source = Arc::new(crate::source::WorldSource::new("isles", 1).expect("the world exists"));
        let codes = 1 << preset.lam.bits;
        let shares = Mutex::new(vec![1.0 / codes as f32; codes]);
        LamStage { frame: preset.frame(source.info()), source, preset, covered: vec![31], shares, standing_price, seed: 1 }
    }

    #[test]
    fn where_nobody_says_what_was_asked_for_standing_still_is_no_code_that_moves() {
        let device = Device::flex();
        // Of the steps that did not move, how many have a code that does; and of those that moved.
        let moving = |price: f32| {
            let stage = stage(price);
            let model = stage.new_model(&device).expect("a model");
            let (moves, mut counts) = (model.moves().expect("moves"), [[0; 2]; 2]);
            // Standing still is seldom, so that its codes are dear.
            *stage.shares.lock().expect("nobody else") = moves.iter().map(|moves| if *moves { 0.2 } else { 0.05 }).collect();
            for number in 0..4 {
                let clip = stage.source.clip(number, 48, Mood::Still).expect("a clip");
                for (code, outcome) in stage.codes(&model, &clip, &device).expect("codes").iter().zip(&clip.outcomes) {
                    if let Some(code) = code {
                        counts[usize::from(outcome.moved)][usize::from(moves[usize::from(*code)])] += 1;
                    }
                }
            }
            counts
        };
        let [[stood_standing, stood_moving], [moved_standing, moved_moving]] = moving(UNASKED_PRICE);
        assert!(stood_standing > 5 && stood_moving == 0, "{stood_standing} and {stood_moving}");
        assert!(moved_moving > 20 * moved_standing.max(1), "{moved_moving} and {moved_standing}");
        let [[_, stood_moving], _] = moving(0.0);
        assert!(stood_moving > 5, "the control: a wall is no reason to doubt what was asked for");
    }

    #[test]
    fn a_code_that_explains_nothing_is_never_taken() {
        let (stage, device) = (stage(0.0), Device::flex());
        let codes = 1 << stage.preset.lam.bits;
        let model = stage.new_model(&device).expect("a model");
        let clip = stage.source.clip(3, 24, Mood::Still).expect("a clip");
        let steps = |code: u8| {
            let codes = stage.codes(&model, &clip, &device).expect("codes");
            codes.iter().filter(|c| **c == Some(code)).count()
        };
        // Frequent shifts come first, so that code 0 is in use from the start.
        assert!(steps(0) > 0);
        *stage.shares.lock().expect("nobody else") = (0..codes).map(|code| if code == 0 { 0.0 } else { 0.2 }).collect();
        assert_eq!(steps(0), 0);
        // Running shares follow what codes explain.
        (0..200).for_each(|_| stage.follow(&[2, 2, 2, 5]));
        let shares = stage.shares.lock().expect("nobody else");
        assert!((shares[2] - 0.75).abs() < 0.01 && (shares[5] - 0.25).abs() < 0.01 && shares[1] < 0.01, "{shares:?}");
    }
}
