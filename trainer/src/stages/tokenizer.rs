//! Stage 1: the tokenizer, on single frames.
//!
//! Where the source can show the same land under another look, a frame is drawn from the tokens of its land drawn bare and from the look of
//! another land: neither can say what the other is to say (what two pictures share is swapped, as in Park et al. 2020). The encoder learns to
//! give a land the same tokens under any look as it gives it drawn bare.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use somnium::pack::manifest::FrameDims;
use somnium::worlds::scene::{Light, Scene, Season, Style, Weather};

use crate::looks::Looks;
use crate::model::tokenizer::{Tokenizer, fsq_levels, fsq_values};
use crate::patches::{bits, decibels, push_patches};
use crate::preset::Preset;
use crate::source::{ClipSource, Dice, HELD_OUT, Mood};
use crate::training::Stage;

/// Frames taken from each clip, this many steps apart: neighbours teach little new.
const FRAMES_PER_CLIP: usize = 8;
const STRIDE: usize = 5;
/// A walk under a chosen look is at most so many frames long; its last one is taken, or in every other group the last that pushes against something,
/// if one does: how the figure stands then is seldom seen otherwise.
const WALK_FRAMES: u64 = 16;
/// Frames of a group: two walks, each bare and under another look.
const GROUP: usize = 2 * 2;
/// Of so many walks one is drawn from the look that is read off the other of its group, though its own has a name.
const READ_WALKS: usize = 4;
/// Where codes stay, a patch that is this share of all counts one, rarer ones more and others less, by the root of how often they are seen, within bounds.
const ORDINARY_SHARE: f32 = 0.01;
const LEAST_WEIGHT: f32 = 0.5;
const MOST_WEIGHT: f32 = 10.0;
/// Groups of frames whose patches are counted for that.
const COUNTED_GROUPS: u64 = 400;
const VALIDATION_CLIPS: u64 = 12;
const VALIDATION_GROUPS: u64 = 32;
/// How much a code that leaves the held tokenizer's counts beside the picture: half a level of every code as much as a mean error of 8 in 255.
const HOLD_WEIGHT: f64 = 1.0;
/// How much a patch counts that does not scroll, beside the others: the figure stands there, which players look at.
const FIGURE_WEIGHT: f32 = 8.0;
/// How much codes count, beside the picture, that are not those of the bare land, or of the same look. A look has to tell many apart before it may be
/// steady.
const LAND_WEIGHT: f64 = 0.5;
const LOOK_WEIGHT: f64 = 0.3;
/// How far from a level's middle is well inside it, where levels lie one apart.
const INSIDE: f64 = 0.3;
/// Where unquantised codes are far enough in the outermost levels, and how much it counts to be further.
const MOST_Z: f64 = 1.5;
const SATURATION_WEIGHT: f64 = 0.1;

pub struct TokenizerStage {
    pub source: Arc<dyn ClipSource>,
    pub preset: Preset,
    pub frame: FrameDims,
    /// Patches that do not scroll: the figure's.
    pub covered: Vec<usize>,
    /// A tokenizer of fewer code dimensions, without autodiff, whose codes the first ones stay at: what a dynamics knows of them stays true.
    pub held: Option<Tokenizer>,
    /// Only the decoder learns: codes stay what they are, and so does all that a dynamics knows of them.
    pub codes_stay: bool,
    /// Where codes stay: the tokens that looks have in dreams, by their names. What is read off a frame strays from its look's by what stands in it, and a
    /// decoder that learned from that alone would draw a look as the mean of those around it.
    pub looks: Looks,
    /// Where codes stay: how much patches count, by their values where they are bare ([`Self::weigh_by_rarity`]).
    pub patch_weights: HashMap<Vec<u32>, f32>,
}

/// Frames to learn from.
pub struct Frames {
    /// `(frames * patches, patch values)`
    patches: Vec<f32>,
    /// They come in groups, `(group, walk, look)`: two walks, each bare and under the same look.
    grouped: bool,
    /// Whether looks are drawn from their levels; else from what they were before they were rounded: two looks that fell on one level would never
    /// learn to part.
    rounded: bool,
    /// What the look of every frame is drawn from where that is not what is read off one: levels of its token. Empty where no look has a name.
    named: Vec<Option<Vec<u8>>>,
}

/// What the decoder is given of a batch, and what it should make of it.
struct Drawn {
    /// Unquantised codes, `(frames * N, D)`.
    z: Tensor<2>,
    /// `(frames * patches, patch values)`
    target: Tensor<2>,
    /// How much each patch counts, `(frames * patches, 1)`.
    weights: Tensor<2>,
    /// As [`Frames::named`].
    named: Vec<Option<Vec<u8>>>,
}

impl TokenizerStage {
    pub fn new(source: Arc<dyn ClipSource>, preset: Preset) -> Self {
        let frame = preset.frame(source.info());
        Self {
            source,
            preset,
            frame,
            covered: Vec::new(),
            held: None,
            codes_stay: false,
            looks: Looks::default(),
            patch_weights: HashMap::new(),
        }
    }

    /// Frames spread over the clips `first..first + clips`.
    fn spread(&self, first: u64, clips: u64, per_clip: usize) -> Result<Frames> {
        let mut patches = Vec::with_capacity(clips as usize * per_clip * self.frame.patches() * self.frame.patch_values());
        for number in first..first + clips {
            let clip = self.source.clip(number, per_clip * STRIDE, Mood::Restless)?;
            for i in 0..per_clip {
                push_patches(clip.frame(i * STRIDE + (number % STRIDE as u64) as usize), &self.frame, 1, &mut patches);
            }
        }
        Ok(Frames { patches, grouped: false, rounded: true, named: Vec::new() })
    }

    /// Groups `first..first + groups`; `None` where the source cannot choose a look.
    fn grouped(&self, first: u64, groups: u64) -> Result<Option<Frames>> {
        let mut patches = Vec::with_capacity(groups as usize * GROUP * self.frame.patches() * self.frame.patch_values());
        let mut named = Vec::new();
        for group in first..first + groups {
            let last = (group % WALK_FRAMES) as usize;
            for walk in 0..2 {
                let Some((clip, bare)) = self.source.under_look(2 * group + walk, last + 1, group)? else { return Ok(None) };
                let pushes = (0..=last).rfind(|at| clip.outcomes[*at].blocked).filter(|_| group.is_multiple_of(2));
                let shown = pushes.unwrap_or(last);
                for frames in [&bare, &clip.frames] {
                    push_patches(&frames[shown * clip.frame_bytes()..][..clip.frame_bytes()], &self.frame, 1, &mut patches);
                }
                let scene = clip.scenes[shown].as_ref().filter(|_| Dice::new(group, walk).below(READ_WALKS) > 0);
                named.extend([scene.map(bare_scene).as_ref(), scene].map(|scene| Some(self.looks.of(scene?, shown)?.to_vec())));
            }
        }
        if self.looks.is_empty() {
            named.clear();
        }
        Ok(Some(Frames { patches, grouped: true, rounded: true, named }))
    }

    /// Patches of unquantised codes; of looks that are not `rounded` as they were before they are, and of those that are `named` as they are called.
    fn decode(&self, model: &Tokenizer, z: Tensor<2>, rounded: bool, named: &[Option<Vec<u8>>]) -> Tensor<2> {
        let (n, p, d) = (self.frame.tokens(), self.frame.patches(), self.frame.code_dims);
        let ([rows, _], device) = (z.dims(), z.device());
        let by_frame = |values: Tensor<2>, at: usize, tokens: usize| values.reshape([rows / n, n, d]).narrow(1, at, tokens);
        let mut values = fsq_values(z.clone(), self.frame.code_levels);
        if !rounded || !named.is_empty() {
            let read = by_frame(if rounded { values.clone() } else { z.tanh() }, p, n - p);
            let looks = if named.is_empty() { read } else { self.called(read, named, &device) };
            values = Tensor::cat(vec![by_frame(values, 0, p), looks], 1).reshape([rows, d]);
        }
        model.decode(values, &self.frame, self.preset.tokenizer.heads)
    }

    /// Values of looks, `(frames, 1, D)`, with those that are `named` in place of what was read.
    fn called(&self, read: Tensor<3>, named: &[Option<Vec<u8>>], device: &Device) -> Tensor<3> {
        let (d, steps) = (self.frame.code_dims, (self.frame.code_levels - 1) as f32 / 2.0);
        let of_levels = |levels: &[u8]| levels.iter().map(|level| f32::from(*level) / steps - 1.0).collect();
        let values: Vec<f32> = named.iter().flat_map(|token| token.as_deref().map_or_else(|| vec![0.0; d], of_levels)).collect();
        let is_read: Vec<f32> = named.iter().map(|token| f32::from(u8::from(token.is_none()))).collect();
        let by_frame = |values: Vec<f32>, width: usize| Tensor::from_data(TensorData::new(values, [named.len(), 1, width]), device);
        read * by_frame(is_read, 1) + by_frame(values, d)
    }

    fn tensor(&self, patches: Vec<f32>, device: &Device) -> Tensor<2> {
        let width = self.frame.patch_values();
        let rows = patches.len() / width;
        Tensor::from_data(TensorData::new(patches, [rows, width]), device)
    }

    /// The patches of the bare ones among grouped frames: every other frame is.
    fn bare<'a>(&self, patches: &'a [f32]) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let (p, width) = (self.frame.patches(), self.frame.patch_values());
        patches.chunks_exact(p * width).step_by(2).flat_map(move |frame| frame.chunks_exact(width))
    }

    /// From now on patches count by how rare they are where they are bare: a lit window is one of a thousand patches, and grass every fourth.
    ///
    /// # Errors
    /// Where the source fails.
    pub fn weigh_by_rarity(&mut self) -> Result<()> {
        let mut seen: HashMap<Vec<u32>, u32> = HashMap::new();
        for group in 0..if self.frame.look { COUNTED_GROUPS } else { 0 } {
            let Some(frames) = self.grouped(group, 1)? else { return Ok(()) };
            self.bare(&frames.patches).for_each(|patch| *seen.entry(bits(patch)).or_default() += 1);
        }
        let all = seen.values().sum::<u32>() as f32;
        let weight = |count: u32| (ORDINARY_SHARE * all / count as f32).sqrt().clamp(LEAST_WEIGHT, MOST_WEIGHT);
        self.patch_weights = seen.into_iter().map(|(patch, count)| (patch, weight(count))).collect();
        Ok(())
    }

    /// How much each of some patches counts, one on the mean.
    fn weights(&self, patches: &[f32], grouped: bool) -> Vec<f32> {
        let (p, width) = (self.frame.patches(), self.frame.patch_values());
        let of = |row: usize| {
            let (frame, patch) = (row / p, row % p);
            match self.covered.contains(&patch) {
                true => FIGURE_WEIGHT,
                false if !grouped || self.patch_weights.is_empty() => 1.0,
                false => {
                    let bare = &patches[(frame / 2 * 2 * p + patch) * width..][..width];
                    self.patch_weights.get(&bits(bare)).copied().unwrap_or(MOST_WEIGHT)
                }
            }
        };
        let weights: Vec<f32> = (0..patches.len() / width).map(of).collect();
        let mean = weights.iter().sum::<f32>() / weights.len() as f32;
        weights.into_iter().map(|weight| weight / mean).collect()
    }

    /// Codes of the land of grouped frames and of their looks: `(groups, walk, look, patches * D)`, `(groups, walk, look, D)`.
    fn apart(&self, z: Tensor<2>) -> [Tensor<4>; 2] {
        let (n, p, d) = (self.frame.tokens(), self.frame.patches(), self.frame.code_dims);
        let frames = z.dims()[0] / n;
        let z = z.reshape([frames, n, d]);
        [(0, p), (p, n - p)].map(|(at, tokens)| z.clone().narrow(1, at, tokens).reshape([frames / GROUP, 2, 2, tokens * d]))
    }

    /// The codes of grouped frames with those of the land taken from where it is bare, and those of the look from the other walk.
    fn swapped(&self, [land, look]: [Tensor<4>; 2]) -> Tensor<2> {
        let (n, p, d) = (self.frame.tokens(), self.frame.patches(), self.frame.code_dims);
        let frames = land.dims()[0] * GROUP;
        let (land, look) = (land.narrow(2, 0, 1).repeat(&[1, 1, 2, 1]).reshape([frames, p, d]), look.flip([1]).reshape([frames, n - p, d]));
        Tensor::cat(vec![land, look], 1).reshape([frames * n, d])
    }

    /// The frames of a batch that the decoder draws: all, but where codes stay half of the bare ones only say what the land is that the others draw. Looks are
    /// what is to be learned then, and the bare one must not be forgotten.
    fn drawn(&self, all: Drawn, grouped: bool, device: &Device) -> Drawn {
        if !(grouped && self.codes_stay) {
            return all;
        }
        let frames = all.z.dims()[0] / self.frame.tokens();
        let is_drawn = |frame: &usize| frame % 2 == 1 || frame.is_multiple_of(GROUP);
        let of: Vec<usize> = (0..frames).filter(is_drawn).collect();
        let numbers: Vec<i64> = of.iter().map(|frame| *frame as i64).collect();
        let numbers = Tensor::<1, Int>::from_data(TensorData::new(numbers, [of.len()]), device);
        let select = |rows: Tensor<2>| {
            let [all, width] = rows.dims();
            let of_frame = all / frames;
            rows.reshape([frames, of_frame * width]).select(0, numbers.clone()).reshape([of.len() * of_frame, width])
        };
        let Drawn { z, target, weights, named } = all;
        let [z, target, weights] = [z, target, weights].map(select);
        let named = of.iter().filter_map(|frame| named.get(*frame).cloned()).collect();
        Drawn { z, target, weights, named }
    }

    /// How far codes that should be the same along an axis of two lie from the levels that the first or both of them say. What lies well inside a level is
    /// left alone: to draw it to its middle would saturate the outermost ones, and codes that are all outermost hardly ever learn to be others.
    fn disagreement(&self, z: Tensor<4>, axis: usize, first_says: bool) -> Tensor<1> {
        let soft = z.tanh();
        let steps = (self.frame.code_levels - 1) as f64 / 2.0;
        let said = if first_says { soft.clone().narrow(axis, 0, 1) } else { soft.clone().mean_dim(axis) };
        let level = ((said + 1.0) * steps + 0.5).floor() / steps - 1.0;
        activation::relu((soft - level.detach()).abs() - INSIDE / steps).square().mean()
    }

    /// Of bare patches that are seen more than once, the same in every pixel, the share whose token is the one that most of its kind have. `land`:
    /// codes of the bare frames among grouped ones.
    fn steady(&self, patches: &[f32], land: Tensor<4>) -> Result<f64> {
        let d = self.frame.code_dims;
        let rows = land.dims().iter().product::<usize>() / d;
        let levels = fsq_levels(land.reshape([rows, d]), self.frame.code_levels);
        let levels = levels.try_into_vec_as::<f32>()?;
        let mut seen: HashMap<Vec<u32>, HashMap<Vec<u32>, usize>> = HashMap::new();
        for (patch, token) in self.bare(patches).zip(levels.chunks_exact(d)) {
            *seen.entry(bits(patch)).or_default().entry(bits(token)).or_default() += 1;
        }
        let often = seen.values().filter(|tokens| tokens.values().sum::<usize>() > 1);
        let (most, all) = often.fold((0, 0), |sum, tokens| {
            (sum.0 + tokens.values().max().copied().unwrap_or_default(), sum.1 + tokens.values().sum::<usize>())
        });
        Ok(most as f64 / all.max(1) as f64)
    }

    /// Of tokens that should be the same along an axis of two the share that are.
    fn agreeing(&self, z: Tensor<4>, axis: usize) -> Result<f64> {
        let [groups, walks, looks, _] = z.dims();
        let (levels, d) = (self.frame.code_levels, self.frame.code_dims);
        let rows = z.dims().iter().product::<usize>() / d;
        let level = fsq_levels(z.reshape([rows, d]), levels).reshape([groups, walks, looks, rows / groups / walks / looks * d]);
        let [a, b] = [0, 1].map(|i| level.clone().narrow(axis, i, 1).reshape([rows / 2, d]));
        Ok(f64::from(a.equal(b).float().min_dim(1).mean().into_scalar::<f32>()))
    }
}

/// What is seen where the same land is drawn bare.
fn bare_scene(scene: &Scene) -> Scene {
    Scene { light: Light::Day, weather: Weather::Clear, season: Season::Summer, style: Style::Plain, ..scene.clone() }
}

impl Stage for TokenizerStage {
    type Model = Tokenizer;
    type Batch = Frames;

    const NAME: &'static str = "tokenizer";
    const LEARNING_RATE: f64 = 1.5e-3;

    fn new_model(&self, device: &Device) -> Result<Tokenizer> {
        Ok(Tokenizer::new(&self.frame, &self.preset.tokenizer, device))
    }

    fn batch(&self, step: u64) -> Result<Frames> {
        let groups = self.samples_per_batch().div_ceil(GROUP) as u64;
        if self.frame.look
            && let Some(frames) = self.grouped(step * groups, groups)?
        {
            return Ok(Frames { rounded: self.codes_stay || step.is_multiple_of(2), ..frames });
        }
        let clips = self.samples_per_batch().div_ceil(FRAMES_PER_CLIP) as u64;
        self.spread(step * clips, clips, FRAMES_PER_CLIP.min(self.preset.tokenizer_batch))
    }

    fn loss(&self, model: &Tokenizer, batch: Frames, device: &Device) -> Result<Tensor<1>> {
        let weights = self.weights(&batch.patches, batch.grouped);
        let whole = self.tensor(batch.patches, device);
        // An encoder that learns nothing is no part of any graph: what is never gone back through would not be freed.
        let z = match self.codes_stay {
            true => Tensor::from_inner(model.valid().encode(whole.clone().inner(), &self.frame)),
            false => model.encode(whole.clone(), &self.frame),
        };
        let swapped = if batch.grouped { self.swapped(self.apart(z.clone())) } else { z.clone() };
        let weights = Tensor::from_data(TensorData::new(weights, [whole.dims()[0], 1]), device);
        let all = Drawn { z: swapped, target: whole.clone(), weights, named: batch.named };
        let Drawn { z: drawn, target, weights, named } = self.drawn(all, batch.grouped, device);
        let error = self.decode(model, drawn, batch.rounded, &named) - target;
        let mut loss = ((error.clone().abs() + error.square()) * weights).mean();
        if self.codes_stay {
            return Ok(loss);
        }
        // What is saturated hardly learns any more.
        loss = loss + activation::relu(z.clone().abs() - MOST_Z).square().mean() * SATURATION_WEIGHT;
        if batch.grouped {
            let [land, look] = self.apart(z.clone());
            loss = loss + self.disagreement(land, 2, true) * LAND_WEIGHT + self.disagreement(look, 1, false) * LOOK_WEIGHT;
        }
        if let Some(held) = &self.held {
            let held = held.encode(whole.inner(), &self.frame).tanh();
            let left = z.narrow(1, 0, held.dims()[1]).tanh() - Tensor::from_inner(held);
            loss = loss + left.square().mean() * HOLD_WEIGHT;
        }
        Ok(loss)
    }

    fn validate(&self, model: &Tokenizer, device: &Device) -> Result<Vec<(&'static str, f64)>> {
        let target = self.tensor(self.spread(HELD_OUT, VALIDATION_CLIPS, 4)?.patches, device);
        let frames = VALIDATION_CLIPS as usize * 4;
        let z = model.encode(target.clone(), &self.frame);
        let error = self.decode(model, z.clone(), true, &[]).clamp(-1.0, 1.0) - target.clone();
        // On the scale of -1..1 the peak is 2.
        let values = self.frame.patches() * self.frame.patch_values();
        let mse = error.square().reshape([frames, values]).mean_dim(1).try_into_vec_as::<f32>()?;
        let mut db: Vec<f64> = mse.iter().map(|mse| decibels(4.0 / f64::from(*mse))).collect();
        db.sort_by(f64::total_cmp);
        let mut figures = vec![("psnr_db", db.iter().sum::<f64>() / frames as f64), ("worst_decile_db", db[frames / 10])];
        if self.frame.look
            && let Some(groups) = self.grouped(HELD_OUT, VALIDATION_GROUPS)?
        {
            let [land, look] = self.apart(model.encode(self.tensor(groups.patches.clone(), device), &self.frame));
            let steady = self.steady(&groups.patches, land.clone().narrow(2, 0, 1))?;
            figures.extend([("land_alike", self.agreeing(land, 2)?), ("looks_alike", self.agreeing(look, 1)?), ("steady", steady)]);
        }
        if let Some(held) = &self.held {
            let (was, levels) = (held.encode(target, &self.frame), self.frame.code_levels);
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::preset;
    use crate::source::WorldSource;

    fn stage() -> TokenizerStage {
        let source = Arc::new(WorldSource::new("isles", 1).expect("the world exists"));
        TokenizerStage::new(source, preset::by_name("tiny").expect("the preset exists"))
    }

    #[test]
    fn land_comes_from_where_it_is_bare_and_the_look_from_the_other_walk() {
        let (stage, device) = (stage(), Device::flex());
        let (n, p, d) = (stage.frame.tokens(), stage.frame.patches(), stage.frame.code_dims);
        // Codes that tell whose they are: frame, then token.
        let rows = 2 * GROUP * n;
        let z = (0..rows * d).map(|i| (i / d) as f32).collect::<Vec<_>>();
        let z = Tensor::<2>::from_data(TensorData::new(z, [rows, d]), &device);
        let swapped = stage.swapped(stage.apart(z)).try_into_vec_as::<f32>().expect("values");
        for (row, codes) in swapped.chunks_exact(d).enumerate() {
            let (frame, token) = (row / n, row % n);
            let (group, walk, look) = (frame / GROUP, frame / 2 % 2, frame % 2);
            let (walk, look) = if token < p { (walk, 0) } else { (1 - walk, look) };
            let of = (((group * 2 + walk) * 2 + look) * n + token) as f32;
            assert!(codes.iter().all(|code| *code == of), "frame {frame}, token {token}: {codes:?}");
        }
    }

    #[test]
    fn where_codes_stay_only_the_decoder_learns() {
        let device = Device::flex().autodiff();
        let learns = |codes_stay: bool| {
            let stage = TokenizerStage { codes_stay, ..stage() };
            let model = stage.new_model(&device).expect("a model");
            let loss = stage.loss(&model, stage.batch(1).expect("frames"), &device).expect("a loss");
            let grads = loss.backward();
            [&model.enc.code.w, &model.dec.code.w]
                .map(|w| w.val().grad(&grads).is_some_and(|grad| grad.abs().sum().into_scalar::<f32>() > 0.0))
        };
        assert_eq!((learns(true), learns(false)), ([false, true], [true, true]));
    }

    #[test]
    fn where_codes_stay_half_of_the_bare_frames_are_drawn() {
        let device = Device::flex();
        let drawn = |codes_stay: bool| {
            let stage = TokenizerStage { codes_stay, ..stage() };
            let (n, p, d, width) = (stage.frame.tokens(), stage.frame.patches(), stage.frame.code_dims, stage.frame.patch_values());
            let frames = 3 * GROUP;
            // Values that tell whose they are.
            let of = |rows: usize, width: usize| {
                let values: Vec<f32> = (0..frames * rows * width).map(|i| (i / (rows * width)) as f32).collect();
                Tensor::<2>::from_data(TensorData::new(values, [frames * rows, width]), &device)
            };
            let named = (0..frames).map(|frame| Some(vec![frame as u8])).collect();
            let all = Drawn { z: of(n, d), target: of(p, width), weights: of(p, 1), named };
            let Drawn { z, target, weights, named } = stage.drawn(all, true, &device);
            let first = |values: Tensor<2>, of_frame: usize| -> Vec<usize> {
                let values = values.try_into_vec_as::<f32>().expect("values");
                values.chunks_exact(of_frame).map(|frame| frame[0] as usize).collect()
            };
            let (z, target, weights) = (first(z, n * d), first(target, p * width), first(weights, p));
            let named: Vec<usize> = named.into_iter().flatten().map(|name| usize::from(name[0])).collect();
            assert!([&target, &weights, &named].into_iter().all(|frames| *frames == z), "{z:?}, {target:?}, {weights:?}, {named:?}");
            (frames, z)
        };
        let (frames, some) = drawn(true);
        let (bare, looked): (Vec<usize>, Vec<usize>) = some.into_iter().partition(|frame| frame % 2 == 0);
        assert_eq!((bare, looked.len()), (vec![0, GROUP, 2 * GROUP], frames / 2));
        assert_eq!(drawn(false).1.len(), frames);
    }

    #[test]
    fn a_look_is_drawn_from_its_name_where_it_has_one() {
        let device = Device::flex();
        let mut stage = TokenizerStage { codes_stay: true, ..stage() };
        let d = stage.frame.code_dims;
        let named = |stage: &TokenizerStage| stage.grouped(0, 100).expect("frames").expect("the simulator can").named;
        assert!(named(&stage).is_empty(), "nothing has a name");
        let rain = |turn: u8| {
            let styles =
                Style::ALL.iter().flat_map(move |style| Light::ALL.iter().map(move |light| format!("{style:?} {light:?} Rain {turn}")));
            styles.map(move |name| (name, vec![1 + turn; d]))
        };
        stage.looks = Looks([("Plain Summer Day Clear 0".to_owned(), vec![0; d])].into_iter().chain(rain(0)).chain(rain(1)).collect());
        // Bare frames come first of every two; of four walks one is read.
        let named = named(&stage);
        let [bare, looked] = [0, 1].map(|first| named.iter().skip(first).step_by(2).flatten().map(|token| token[0]).collect::<Vec<u8>>());
        assert!(bare.iter().all(|level| *level == 0) && (130..170).contains(&bare.len()), "{} of 200", bare.len());
        // Rain falls in turns, by the number of the frame.
        let rain: HashSet<u8> = looked.into_iter().filter(|level| *level > 0).collect();
        assert_eq!(rain, HashSet::from([1, 2]));
        // Levels of five lie half apart.
        let looks = stage.called(Tensor::ones([2, 1, d], &device), &[None, Some(vec![1; d])], &device);
        let looks = looks.try_into_vec_as::<f32>().expect("values");
        assert!(looks[..d].iter().all(|value| *value == 1.0) && looks[d..].iter().all(|value| *value == -0.5), "{looks:?}");
        let z = Tensor::<2>::zeros([stage.frame.tokens(), d], &device);
        let model = stage.new_model(&device).expect("a model");
        let drawn = |named: &[Option<Vec<u8>>]| stage.decode(&model, z.clone(), true, named).try_into_vec_as::<f32>().expect("patches");
        assert!(drawn(&[]) == drawn(&[None]) && drawn(&[None]) != drawn(&[Some(vec![0; d])]));
    }

    #[test]
    fn names_and_rarity_are_what_is_learned_by() {
        let device = Device::flex().autodiff();
        let mut stage = TokenizerStage { codes_stay: true, ..stage() };
        let model = stage.new_model(&device).expect("a model");
        let loss = |stage: &TokenizerStage| {
            let batch = stage.grouped(7, 4).expect("frames").expect("the simulator can");
            stage.loss(&model, batch, &device).expect("a loss").into_scalar::<f32>()
        };
        let read = loss(&stage);
        assert_eq!(read, loss(&stage), "the control");
        stage.looks = Looks([("Plain Summer Day Clear 0".to_owned(), vec![4; stage.frame.code_dims])].into());
        let named = loss(&stage);
        stage.weigh_by_rarity().expect("the simulator can");
        let weighed = loss(&stage);
        assert!(read != named && named != weighed, "{read}, {named}, {weighed}");
    }

    #[test]
    fn groups_show_two_walks_bare_and_under_one_look() {
        let stage = stage();
        let frames = stage.grouped(0, 4).expect("frames").expect("the simulator can").patches;
        let of_frame = stage.frame.patches() * stage.frame.patch_values();
        assert_eq!(frames.len(), 4 * GROUP * of_frame);
        let colours = |frames: &[f32]| frames.chunks_exact(3).map(|rgb| rgb[0] - rgb[2]).sum::<f32>() / frames.len() as f32;
        let mut warmth = Vec::new();
        for group in frames.chunks_exact(GROUP * of_frame) {
            let runs: Vec<&[f32]> = group.chunks_exact(of_frame).collect();
            assert!(runs[0] != runs[2] && runs[1] != runs[3], "two walks");
            warmth.push((colours(runs[0]) - colours(runs[1])).abs());
        }
        assert!(warmth.iter().any(|apart| *apart > 0.05), "bare and looked at otherwise: {warmth:?}");
    }

    #[test]
    fn every_other_group_shows_figures_that_push() {
        let stage = stage();
        let of_frame = stage.frame.patches() * stage.frame.patch_values();
        // Walks in which something stands in the way at some time, and of them those that show it, of groups that look for that and of the others.
        let mut pushing = [[0; 2]; 2];
        for group in 0..40 {
            let shown = stage.grouped(group, 1).expect("frames").expect("the simulator can").patches;
            let last = (group % WALK_FRAMES) as usize;
            let (clip, _) = stage.source.under_look(2 * group, last + 1, group).expect("a clip").expect("the simulator can");
            let is_shown = |at: usize| {
                let mut patches = Vec::new();
                push_patches(clip.frame(at), &stage.frame, 1, &mut patches);
                patches == shown[of_frame..2 * of_frame]
            };
            let blocked = |at: &usize| clip.outcomes[*at].blocked;
            let [pushes, shows] = [(0..=last).any(|at| blocked(&at)), (0..=last).filter(blocked).any(is_shown)];
            let of_group = &mut pushing[(group % 2) as usize];
            of_group[0] += u32::from(pushes);
            of_group[1] += u32::from(shows);
            assert!(group % 2 == 0 || is_shown(last), "the others show where the walk ends");
        }
        let [[pushes, shown], [others, shown_by_chance]] = pushing;
        assert!(pushes == shown && pushes >= 5, "{shown} of {pushes}");
        assert!(others > shown_by_chance, "{shown_by_chance} of {others} show it by chance");
    }

    #[test]
    fn the_figure_and_what_is_seldom_seen_count_more_than_other_patches() {
        let mut stage = TokenizerStage { covered: vec![1], ..stage() };
        let (p, width) = (stage.frame.patches(), stage.frame.patch_values());
        let mean = |weights: &[f32]| weights.iter().sum::<f32>() / weights.len() as f32;
        let weights = stage.weights(&vec![0.0; 2 * p * width], true);
        assert_eq!((weights.len(), weights[1] / weights[0], weights[p + 1] / weights[p - 1]), (2 * p, FIGURE_WEIGHT, FIGURE_WEIGHT));
        assert!((mean(&weights) - 1.0).abs() < 1e-5);
        stage.weigh_by_rarity().expect("the simulator can");
        let frames = stage.grouped(1000, 20).expect("frames").expect("the simulator can");
        let weights = stage.weights(&frames.patches, true);
        assert!((mean(&weights) - 1.0).abs() < 1e-4);
        // A patch under a look counts as it does bare, the commonest least, and none too much.
        assert!(weights.chunks_exact(2 * p).all(|two| two[..p] == two[p..]));
        let at_most = |of: &dyn Fn(f32, f32) -> bool| weights.iter().copied().reduce(|a, b| if of(a, b) { a } else { b }).expect("some");
        let (least, most) = (at_most(&|a, b| a < b), at_most(&|a, b| a > b));
        assert!((most / least - MOST_WEIGHT.max(FIGURE_WEIGHT) / LEAST_WEIGHT).abs() < 1e-3, "{least} to {most}");
        let common = weights.iter().filter(|weight| **weight == least).count();
        let rare = weights.iter().filter(|weight| (**weight / least - MOST_WEIGHT / LEAST_WEIGHT).abs() < 1e-3).count();
        assert!(common > 2 * rare && rare > 0, "{common} common, {rare} rare");
    }

    #[test]
    fn codes_agree_where_they_are_the_same_and_the_first_may_say_what_they_should_be() {
        let (stage, device) = (stage(), Device::flex());
        // One group of one number a look: bare, then looked at.
        let codes = |bare: f32, looked: f32| {
            let values: Vec<f32> = (0..GROUP).map(|frame| if frame % 2 == 0 { bare } else { looked }).collect();
            Tensor::<1>::from_data(TensorData::new(values, [GROUP]), &device).reshape([1, 2, 2, 1]).repeat(&[
                1,
                1,
                1,
                stage.frame.code_dims,
            ])
        };
        let agreeing = |z| stage.agreeing(z, 2).expect("a share");
        assert_eq!((agreeing(codes(0.1, 0.0)), agreeing(codes(2.0, 0.0))), (1.0, 0.0));
        let apart = |z, first_says| stage.disagreement(z, 2, first_says).into_scalar::<f32>();
        // Levels of five lie at -1, -0.5, 0, 0.5 and 1; 0.15 from one is inside it.
        let [half, inside] = [0.5f32, 0.6].map(f32::atanh);
        assert_eq!((apart(codes(half, half), true), apart(codes(half, inside), true)), (0.0, 0.0));
        // One of both is off by 0.5, of which 0.35 count.
        let off = 0.35f32.powi(2) / 2.0;
        assert!((apart(codes(half, 0.0), true) - off).abs() < 1e-5 && (apart(codes(0.0, half), true) - off).abs() < 1e-5);
        // Said by both: a quarter is nearer to the half above.
        assert!((apart(codes(half, 0.0), false) - off).abs() < 1e-5);
    }
}
