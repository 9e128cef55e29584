//! Stage 3: the dynamics, on clips of tokens.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Result, ensure};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use somnium::engine::recall;
use somnium::pack::manifest::{FrameDims, LatentAction};
use somnium::prompt::{self, WordTable};

use crate::model::dynamics::{DynInput, DynShape, Dynamics};
use crate::preset::Preset;
use crate::source::{Dice, HELD_OUT};
use crate::tokens::{NO_WORD, NONE, TokenClips};
use crate::training::Stage;

/// Added to the score of what may not be seen.
const HIDDEN: f32 = -1e9;
/// Share of a clean stream's tokens that is replaced, per context level.
const CORRUPTION_PER_LEVEL: f32 = 0.07;
/// Share of batches whose history holds tokens that the model drew itself, as at play, and the largest share of a clip's tokens that are.
const OWN_HISTORY_SHARE: f32 = 0.5;
const MOST_OWN_TOKENS: f32 = 0.5;
/// Share of clips that see their whole window; the others see only the last frame or few, so that the picture must be read and a frame
/// that failed to move cannot argue for the next.
const FULL_WINDOW_SHARE: f32 = 0.5;
/// Share of clips in which a block of the history is unknown.
const UNKNOWN_BLOCK_SHARE: f32 = 0.15;
/// Share of frames that are wholly unknown: the next one comes from the prompt and what is older.
const UNKNOWN_FRAME_SHARE: f32 = 0.03;
/// Share of frames predicted without any token given, as in the first decoding step.
const ALL_MASKED_SHARE: f32 = 0.4;
/// Share of masked frames that lose their prompt while the history keeps it, as guidance needs.
const PROMPT_DROP_SHARE: f32 = 0.1;
/// Share of windows chosen for words that change in them: one frame in which all is drawn anew teaches what a hundred others cannot.
const CHANGE_SHARE: f32 = 0.4;
/// Frames of such a window before the change, at most, where it has as many.
const MOST_BEFORE_CHANGE: usize = 5;
/// Share of windows without any prompt, how most people play, where no words change; where they do, hardly any: nothing is to change
/// by itself.
const PROMPTLESS_SHARE: f32 = 0.4;
const PROMPTLESS_CHANGE_SHARE: f32 = 0.03;
/// Share of windows with a change in which nothing was said before it.
const FIRST_WORDS_SHARE: f32 = 0.35;
/// Share of windows with a change after which some places go on showing, in the history and on the map, what they showed before it: dreams
/// leave such patches behind, and are to mend them. The largest share of places that do.
const STALE_SHARE: f32 = 0.5;
const MOST_STALE: f32 = 0.6;
const ACTION_DROP_SHARE: f32 = 0.03;
/// Share of clips that recall nothing, of clips that recall only their latest frames, and of clips in which the view slipped by a step:
/// what was seen before lies beside its place.
const NO_RECALL_SHARE: f32 = 0.1;
const SHORT_RECALL_SHARE: f32 = 0.25;
const SLIPPED_RECALL_SHARE: f32 = 0.05;
/// Share of frames whose words are told with noise, and its standard deviation where word vectors have channels of order one: words that
/// mean much the same are to be understood alike.
const NOISY_WORDS_SHARE: f32 = 0.5;
const WORD_NOISE: f32 = 0.35;
const VALIDATION_BATCHES: u64 = 6;

pub struct DynamicsStage {
    pub clips: Arc<TokenClips>,
    pub held_out: Arc<TokenClips>,
    /// Frames of `clips` whose words are not those of the frame before, as (clip, frame).
    pub changes: Vec<(usize, usize)>,
    pub preset: Preset,
    pub shape: DynShape,
    pub seed: u64,
    /// Latent code each recorded action is bound to.
    pub bindings: Vec<u8>,
    /// Where the view goes under each latent code, in steps.
    pub motions: Vec<[i32; 2]>,
    /// Leave the inferred codes aside.
    pub recorded_only: bool,
}

/// Latent code of every recorded action, from the names the latent action model's codes got.
pub fn bindings(actions: &[LatentAction], recorded: &[String]) -> Result<Vec<u8>> {
    recorded
        .iter()
        .map(|name| {
            let code = actions.iter().position(|action| action.bound_to.iter().any(|bound| bound == name));
            ensure!(
                code.is_some(),
                "no latent code is bound to {name:?}: train the latent action model longer, or pass --recorded-actions"
            );
            Ok(code.unwrap_or_default() as u8)
        })
        .collect()
}

/// A batch on the host.
pub struct Batch {
    clips: usize,
    frames: usize,
    /// `(F * N, D)` the truth.
    truth: Vec<u8>,
    /// Row of `truth` that the history shows in each place, `(F * N)`: its own, or an earlier one where the place is stale.
    shown: Vec<usize>,
    /// What the history shows, corrupted and hidden.
    clean: Vec<Token>,
    masked: Vec<Token>,
    /// 1 where a token of the masked stream is masked, `(F * N)`.
    weights: Vec<f32>,
    /// 1 where the model's own guess takes a token's place in the clean stream, `(F * N)`, and the Gumbel noise it is drawn with,
    /// `(F * N, D * L)`; both empty in a batch without.
    own: Vec<f32>,
    noise: Vec<f32>,
    actions: Vec<u8>,
    levels: Vec<usize>,
    /// Frames of past each clip may see.
    spans: Vec<usize>,
    /// `(F, K)`.
    words: Vec<u16>,
    /// Added to the vectors of the words, `(F, K, word channels)`; empty in a batch without.
    word_noise: Vec<f32>,
    prompt_dropped: Vec<bool>,
    /// Levels that each token recalls at nine places, `(F * N, 9, D)`, and their class of age, 0 where nothing is recalled; both empty
    /// without recall.
    recalled: Vec<u8>,
    recalled_age: Vec<u8>,
}

/// Which part of the past a clip recalls, and how well.
#[derive(Clone)]
struct RecallTerms {
    /// Frames ago of the oldest.
    reach: usize,
    /// Share of tokens in whose place another's are recalled.
    corruption: f32,
    /// From this frame of the clip on, what was seen before it lies beside its place by these steps.
    slip: Option<(usize, [i32; 2])>,
    stale: Option<Stale>,
}

impl RecallTerms {
    /// All that was seen, exactly.
    const WHOLE: Self = Self { reach: usize::MAX, corruption: 0.0, slip: None, stale: None };
}

/// Places that go on showing what they showed before.
#[derive(Clone)]
struct Stale {
    /// Frames of the clip in which they do.
    frames: Range<usize>,
    /// Share of places.
    share: f32,
    /// Chooses the places.
    seed: u64,
}

impl Stale {
    fn holds(&self, frame: usize, place: [i32; 2]) -> bool {
        let number = (u64::from(place[0] as u32) << 32) | u64::from(place[1] as u32);
        self.frames.contains(&frame) && Dice::new(self.seed, number).chance(self.share)
    }
}

/// A token as the network reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Row of `Batch::truth`-like codes.
    Given(usize),
    Masked,
    Unknown,
}

impl DynamicsStage {
    fn tokens(&self) -> usize {
        self.shape.frame.tokens()
    }

    fn frame_dims(&self) -> &FrameDims {
        &self.shape.frame
    }

    /// Clip and first frame of a window to train on.
    fn choose_window(&self, dice: &mut Dice) -> (usize, usize) {
        let last_start = self.clips.frames - self.preset.dynamics_frames;
        if dice.chance(CHANGE_SHARE) && !self.changes.is_empty() {
            let (clip, change) = self.changes[dice.below(self.changes.len())];
            (clip, change.saturating_sub(1 + dice.below(MOST_BEFORE_CHANGE)).min(last_start))
        } else {
            (dice.below(self.clips.clips), dice.below(last_start + 1))
        }
    }

    /// A clip's window of frames with everything but the masks, appended to `batch`. `spoil`: the past as training has it, with gaps.
    fn push_window(&self, clips: &TokenClips, (clip, start): (usize, usize), batch: &mut Batch, dice: &mut Dice, spoil: bool) {
        let (t, unknown_action) = (self.preset.dynamics_frames, self.shape.dims.actions as u8);
        let use_recorded = self.recorded_only || dice.chance(0.5);
        let change = (start + 1..start + t).find(|frame| clips.words_change(clip, *frame));
        let promptless = dice.chance(if change.is_some() { PROMPTLESS_CHANGE_SHARE } else { PROMPTLESS_SHARE });
        let silent_before = if dice.chance(FIRST_WORDS_SHARE) { change.unwrap_or(0) } else { 0 };
        let first_row = batch.shown.len();
        batch.shown.extend(first_row..first_row + t * self.tokens());
        for frame in start..start + t {
            batch.truth.extend_from_slice(clips.frame(clip, frame));
            let at = clip * clips.frames + frame;
            let (recorded, inferred) = (clips.recorded[at], clips.inferred[at]);
            let bound = if recorded == NONE { NONE } else { self.bindings[usize::from(recorded)] };
            // Of a step that does not move the latent action model knows little; what was recorded is believed.
            let moved = frame > 0 && clips.view(clip, frame) != clips.view(clip, frame - 1);
            let code = if (bound != NONE && (use_recorded || !moved)) || inferred == NONE { bound } else { inferred };
            let unknown = frame == start || code == NONE;
            batch.actions.push(if unknown { unknown_action } else { code });
            let words = clips.frame_words(clip, frame).iter();
            let silent = promptless || frame < silent_before;
            batch.words.extend(words.map(|word| if silent { NO_WORD } else { *word }));
        }
        let mut terms = RecallTerms::WHOLE;
        if spoil {
            if dice.chance(NO_RECALL_SHARE) {
                terms.reach = 0;
            } else if dice.chance(SHORT_RECALL_SHARE) {
                terms.reach = 1 + dice.below(t);
            }
            terms.corruption = CORRUPTION_PER_LEVEL * dice.unit();
            if dice.chance(SLIPPED_RECALL_SHARE) {
                let aside = [[1, 0], [-1, 0], [0, 1], [0, -1]];
                terms.slip = Some((start + 1 + dice.below(t), aside[dice.below(4)]));
            }
            if let Some(change) = change
                && !promptless
                && dice.chance(STALE_SHARE)
            {
                terms.stale =
                    Some(Stale { frames: change..change + 1 + dice.below(t), share: MOST_STALE * dice.unit(), seed: dice.next() });
            }
        }
        self.push_recall(clips, (clip, start), batch, terms, dice);
    }

    /// What the tokens of a window of `clip` from `start` on recall: of the whole clip before them, expected where the batch's actions
    /// lead. The window's first frame recalls nothing, as the first frame of a dream.
    fn push_recall(&self, clips: &TokenClips, (clip, start): (usize, usize), batch: &mut Batch, terms: RecallTerms, dice: &mut Dice) {
        let Some(dims) = &self.shape.dims.recall else { return };
        let frame_dims = *self.frame_dims();
        let (n, d, t) = (self.tokens(), frame_dims.code_dims, batch.frames);
        let first = batch.actions.len() - t;
        // The token last seen at every place: when, and as (frame, token) whose it is.
        let mut seen: HashMap<[i32; 2], (usize, (usize, usize))> = HashMap::new();
        let steps = (frame_dims.patch_px / dims.step_px) as i32;
        let place = |view: [i32; 2], token: usize| {
            let (gx, gy) = ((token % frame_dims.grid_w()) as i32, (token / frame_dims.grid_w()) as i32);
            [view[0] + steps * gx, view[1] + steps * gy]
        };
        for frame in 0..start + t {
            if let Some((when, aside)) = terms.slip
                && frame == when
            {
                seen = seen.into_iter().map(|(at, what)| ([at[0] + aside[0], at[1] + aside[1]], what)).collect();
            }
            if frame >= start {
                let motion = self.motions.get(usize::from(batch.actions[first + frame - start])).copied().unwrap_or_default();
                let before = clips.view(clip, frame.saturating_sub(1));
                let expected = [before[0] + motion[0], before[1] + motion[1]];
                for token in 0..n {
                    for tap in 0..recall::TAPS {
                        let at = place(expected, token);
                        let found = seen.get(&[at[0] + (tap % 3) as i32 - 1, at[1] + (tap / 3) as i32 - 1]);
                        match found.filter(|(when, _)| frame > start && frame - when <= terms.reach) {
                            Some((when, (from, what))) => {
                                let what = if dice.chance(terms.corruption) { dice.below(n) } else { *what };
                                batch.recalled.extend_from_slice(clips.token(clip, *from, what, d));
                                batch.recalled_age.push(recall::age_class((frame - when) as u32) as u8);
                            }
                            None => {
                                batch.recalled.extend(std::iter::repeat_n(0, d));
                                batch.recalled_age.push(0);
                            }
                        }
                    }
                }
            }
            for token in (0..n).filter(|token| !dims.covered.contains(token)) {
                let at = place(clips.view(clip, frame), token);
                let stale = terms.stale.as_ref().filter(|stale| stale.holds(frame, at)).and_then(|stale| {
                    let (_, source) = *seen.get(&at)?;
                    (start..stale.frames.start).contains(&source.0).then_some(source)
                });
                if let Some((from, what)) = stale
                    && frame >= start
                {
                    let row = |frame: usize, token: usize| (first + frame - start) * n + token;
                    batch.shown[row(frame, token)] = row(from, what);
                }
                seen.insert(at, (frame, stale.unwrap_or((frame, token))));
            }
        }
    }

    fn empty_batch(&self, clips: usize) -> Batch {
        let frames = self.preset.dynamics_frames;
        Batch {
            clips,
            frames,
            truth: Vec::new(),
            shown: Vec::new(),
            clean: Vec::new(),
            masked: Vec::new(),
            weights: Vec::new(),
            own: Vec::new(),
            noise: Vec::new(),
            actions: Vec::new(),
            levels: Vec::new(),
            spans: Vec::new(),
            words: Vec::new(),
            word_noise: Vec::new(),
            prompt_dropped: vec![false; clips * frames],
            recalled: Vec::new(),
            recalled_age: Vec::new(),
        }
    }

    /// History corrupted and hidden, tokens masked, as `dice` says.
    fn training_batch(&self, dice: &mut Dice) -> Batch {
        let (n, t, window) = (self.tokens(), self.preset.dynamics_frames, self.shape.dims.window);
        let mut batch = self.empty_batch(self.preset.dynamics_batch);
        for _ in 0..batch.clips {
            let window = self.choose_window(dice);
            self.push_window(&self.clips, window, &mut batch, dice, true);
        }
        batch.word_noise = self.word_noise(batch.words.len(), dice);
        let rows = batch.clips * t * n;
        let own_history = dice.chance(OWN_HISTORY_SHARE);
        for clip in 0..batch.clips {
            let level = dice.below(self.shape.dims.context_levels);
            batch.levels.extend(std::iter::repeat_n(level, t));
            batch.spans.push(if dice.chance(FULL_WINDOW_SHARE) { window - 1 } else { dice.below(4.min(window)) });
            let hidden = if dice.chance(UNKNOWN_BLOCK_SHARE) { self.random_block(dice) } else { vec![false; n] };
            let hidden_until = dice.below(t + 1);
            let rate = CORRUPTION_PER_LEVEL * level as f32;
            let own_rate = if own_history { MOST_OWN_TOKENS * dice.unit() } else { 0.0 };
            for frame in 0..t {
                let gone = dice.chance(UNKNOWN_FRAME_SHARE);
                for (token, hidden) in hidden.iter().enumerate() {
                    let row = (clip * t + frame) * n + token;
                    let unknown = gone || (*hidden && frame < hidden_until);
                    if own_history {
                        batch.own.push(f32::from(u8::from(!unknown && dice.chance(own_rate))));
                    }
                    batch.clean.push(if unknown {
                        Token::Unknown
                    } else if dice.chance(rate) {
                        Token::Given(dice.below(rows))
                    } else {
                        Token::Given(batch.shown[row])
                    });
                }
                let masked_share = if dice.chance(ALL_MASKED_SHARE) { 1.0 } else { (std::f32::consts::FRAC_PI_2 * dice.unit()).cos() };
                for token in 0..n {
                    let row = (clip * t + frame) * n + token;
                    let masked = dice.unit() < masked_share;
                    batch.masked.push(if masked { Token::Masked } else { Token::Given(row) });
                    batch.weights.push(f32::from(u8::from(masked)));
                }
                batch.prompt_dropped[clip * t + frame] = dice.chance(PROMPT_DROP_SHARE);
                if dice.chance(ACTION_DROP_SHARE) {
                    batch.actions[clip * t + frame] = self.shape.dims.actions as u8;
                }
            }
        }
        if own_history {
            let width = self.frame_dims().code_dims * self.frame_dims().code_levels;
            batch.noise = (0..rows * width).map(|_| -(-dice.unit().max(f32::MIN_POSITIVE).ln()).ln()).collect();
        }
        batch
    }

    /// Noise for the vectors of `words` words; whole frames go without.
    fn word_noise(&self, words: usize, dice: &mut Dice) -> Vec<f32> {
        let mut noise = Vec::with_capacity(words * prompt::CHANNELS);
        for _ in 0..words / self.shape.dims.prompt_words.max(1) {
            let scale = if dice.chance(NOISY_WORDS_SHARE) { WORD_NOISE } else { 0.0 };
            // The sum of four uniform numbers is nearly normal, with variance 4 / 12.
            let mut normal = || ((0..4).map(|_| dice.unit()).sum::<f32>() - 2.0) * 3f32.sqrt();
            noise.extend((0..self.shape.dims.prompt_words * prompt::CHANNELS).map(|_| if scale > 0.0 { scale * normal() } else { 0.0 }));
        }
        noise
    }

    /// The clean stream with the model's own guesses where the batch asks for them: each frame drawn in one step from its history.
    fn own_history(&self, model: &Dynamics, batch: &Batch, clean: Tensor<2>) -> Tensor<2> {
        let device = clean.device();
        let plain = device.clone().inner();
        let rows = batch.own.len();
        let mut input = self.input(batch, &plain);
        input.masked = self.one_hot(batch, std::iter::repeat_n(Token::Masked, rows), &plain);
        let noise = TensorData::new(batch.noise.clone(), [rows, batch.noise.len() / rows]);
        let guess = model.valid().sample(&self.shape, input, Tensor::from_data(noise, &plain));
        let own = Tensor::<2>::from_data(TensorData::new(batch.own.clone(), [rows, 1]), &plain);
        let clean = clean.inner();
        (clean.clone() + (guess - clean) * own).autodiff()
    }

    /// A rectangle of the grid, as a mask over tokens.
    fn random_block(&self, dice: &mut Dice) -> Vec<bool> {
        let (w, h) = (self.frame_dims().grid_w(), self.frame_dims().grid_h());
        let (x0, y0) = (dice.below(w), dice.below(h));
        let (x1, y1) = (x0 + 1 + dice.below(w - x0), y0 + 1 + dice.below(h - y0));
        (0..w * h).map(|i| (x0..x1).contains(&(i % w)) && (y0..y1).contains(&(i / w))).collect()
    }

    /// True history, everything masked.
    fn validation_batch(&self, number: u64) -> Batch {
        let mut dice = Dice::new(7, HELD_OUT + number);
        let mut batch = self.empty_batch(self.preset.dynamics_batch);
        for _ in 0..batch.clips {
            let window = (dice.below(self.held_out.clips), dice.below(self.held_out.frames - batch.frames + 1));
            self.push_window(&self.held_out, window, &mut batch, &mut dice, false);
        }
        let rows = batch.clips * batch.frames * self.tokens();
        batch.clean = (0..rows).map(Token::Given).collect();
        batch.masked = vec![Token::Masked; rows];
        batch.weights = vec![1.0; rows];
        batch.levels = vec![0; batch.clips * batch.frames];
        batch.spans = vec![self.shape.dims.window - 1; batch.clips];
        batch
    }

    fn one_hot(&self, batch: &Batch, tokens: impl Iterator<Item = Token>, device: &Device) -> Tensor<2> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let width = d * l + 2;
        let mut values = Vec::with_capacity(batch.truth.len() / d * width);
        for token in tokens {
            let start = values.len();
            values.resize(start + width, 0.0f32);
            let row = &mut values[start..];
            match token {
                Token::Given(from) => {
                    let codes = &batch.truth[from * d..(from + 1) * d];
                    codes.iter().enumerate().for_each(|(dim, code)| row[dim * l + usize::from(*code)] = 1.0);
                }
                Token::Masked => row[d * l] = 1.0,
                Token::Unknown => row[d * l + 1] = 1.0,
            }
        }
        let rows = values.len() / width;
        Tensor::from_data(TensorData::new(values, [rows, width]), device)
    }

    fn input(&self, batch: &Batch, device: &Device) -> DynInput {
        let (t, dims) = (batch.frames, &self.shape.dims);
        let frames = batch.clips * t;
        let mut past = vec![HIDDEN; batch.clips * t * t];
        let mut ages = vec![0.0; t * t * dims.window];
        for query in 0..t {
            for key in 0..query {
                let age = query - key;
                if age < dims.window {
                    ages[(query * t + key) * dims.window + age] = 1.0;
                    for (clip, span) in batch.spans.iter().enumerate() {
                        if age <= *span {
                            past[(clip * t + query) * t + key] = 0.0;
                        }
                    }
                }
            }
        }
        let (keys, wide) = (dims.prompt_words + 1, prompt::CHANNELS + 1);
        let mut words = vec![0.0; frames * keys * wide];
        let mut clean_words_mask = vec![0.0; frames * keys];
        let mut masked_words_mask = vec![0.0; frames * keys];
        for frame in 0..frames {
            words[frame * keys * wide + prompt::CHANNELS] = 1.0;
            for k in 1..keys {
                let (from, at) = (frame * dims.prompt_words + k - 1, frame * keys + k);
                let word = batch.words[from];
                if word != NO_WORD {
                    let vector = &mut words[at * wide..][..prompt::CHANNELS];
                    vector.copy_from_slice(&WordTable::get().vector(word));
                    let noise = batch.word_noise.iter().skip(from * prompt::CHANNELS);
                    vector.iter_mut().zip(noise).for_each(|(x, noise)| *x += noise);
                }
                clean_words_mask[at] = if word == NO_WORD { HIDDEN } else { 0.0 };
                masked_words_mask[at] = if word == NO_WORD || batch.prompt_dropped[frame] { HIDDEN } else { 0.0 };
            }
        }
        let matrix = |values: Vec<f32>, width: usize| {
            let rows = values.len() / width;
            Tensor::<2>::from_data(TensorData::new(values, [rows, width]), device)
        };
        DynInput {
            clips: batch.clips,
            frames: t,
            clean: self.one_hot(batch, batch.clean.iter().copied(), device),
            masked: self.one_hot(batch, batch.masked.iter().copied(), device),
            truth: self.true_levels(batch, device),
            action: matrix(rows_one_hot(batch.actions.iter().map(|a| usize::from(*a)), dims.actions + 1), dims.actions + 1),
            level: matrix(rows_one_hot(batch.levels.iter().copied(), dims.context_levels), dims.context_levels),
            past: Tensor::from_data(TensorData::new(past, [batch.clips, t, t]), device),
            ages: matrix(ages, dims.window),
            recall: (!batch.recalled_age.is_empty()).then(|| matrix(self.recalled_one_hot(batch), self.recall_width())),
            words: matrix(words, wide),
            clean_words_mask: matrix(clean_words_mask, keys),
            masked_words_mask: matrix(masked_words_mask, keys),
        }
    }

    fn recall_width(&self) -> usize {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        d * l + 2 + recall::AGES
    }

    /// Recalled tokens and their classes of age, one-hot `(F * N * 9, D * L + 2 + ages)`; an unknown token where there is none.
    fn recalled_one_hot(&self, batch: &Batch) -> Vec<f32> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let width = self.recall_width();
        let mut values = vec![0.0; batch.recalled_age.len() * width];
        for ((row, codes), age) in values.chunks_exact_mut(width).zip(batch.recalled.chunks_exact(d)).zip(&batch.recalled_age) {
            row[d * l + 2 + usize::from(*age)] = 1.0;
            if *age == 0 {
                row[d * l + 1] = 1.0;
            } else {
                codes.iter().enumerate().for_each(|(dim, code)| row[dim * l + usize::from(*code)] = 1.0);
            }
        }
        values
    }

    /// True levels, one-hot, `(F * N, D * L)`.
    fn true_levels(&self, batch: &Batch, device: &Device) -> Tensor<2> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let values = rows_one_hot(batch.truth.iter().map(|code| usize::from(*code)), l);
        Tensor::from_data(TensorData::new(values, [batch.truth.len() / d, d * l]), device)
    }

    /// Log-probability of the true level in every dimension, `(F * N, D)`. Both `(F * N, D * L)`.
    fn log_likelihood(&self, logits: Tensor<2>, truth: Tensor<2>) -> Tensor<2> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let rows = truth.dims()[0];
        (activation::log_softmax(logits.reshape([rows, d, l]), 2) * truth.reshape([rows, d, l])).sum_dim(2).squeeze_dim::<2>(2)
    }

    /// Logits `(T, N, D * L)` of every frame of one clip with everything masked and true history: what engines must reproduce.
    /// `actions`, `moved`: `(T)`; `words`: the prompt of all frames, padded.
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
            shown: (0..rows).collect(),
            clean: (0..rows).map(Token::Given).collect(),
            masked: vec![Token::Masked; rows],
            weights: vec![1.0; rows],
            actions: actions.to_vec(),
            levels: vec![self.preset.play.context_level; frames],
            spans: vec![self.shape.dims.window - 1],
            words: words.repeat(frames),
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
        logits.try_into_vec_as::<f32>().map_err(|e| anyhow::anyhow!("{e:?}"))
    }
}

fn rows_one_hot(indices: impl ExactSizeIterator<Item = usize>, width: usize) -> Vec<f32> {
    let mut values = vec![0.0; indices.len() * width];
    indices.enumerate().for_each(|(row, index)| values[row * width + index] = 1.0);
    values
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

    fn loss(&self, model: &Dynamics, batch: Batch, device: &Device) -> Result<Tensor<1>> {
        let mut input = self.input(&batch, device);
        if !batch.own.is_empty() {
            input.clean = self.own_history(model, &batch, input.clean);
        }
        let truth = input.truth.clone();
        let logits = model.forward(&self.shape, input);
        let rows = batch.weights.len();
        let masked: f32 = batch.weights.iter().sum();
        let weights = Tensor::<2>::from_data(TensorData::new(batch.weights, [rows, 1]), device);
        let total = (self.log_likelihood(logits, truth) * weights).sum();
        Ok(total * (-1.0 / f64::from(masked.max(1.0)) / self.frame_dims().code_dims as f64))
    }

    /// Single steps from true history with everything masked: cross-entropy a dimension, and the share of tokens exactly right, over all
    /// frames, over those whose words are new, and over those that moved, where copying the last frame is the figure to beat.
    fn validate(&self, model: &Dynamics, device: &Device) -> Result<Vec<(&'static str, f64)>> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let n = self.tokens();
        let (mut entropy, mut exact, mut exact_told) = (Mean::default(), Mean::default(), Mean::default());
        let (mut exact_moved, mut copied_moved) = (Mean::default(), Mean::default());
        let words = self.shape.dims.prompt_words;
        for number in 0..VALIDATION_BATCHES {
            let batch = self.validation_batch(number);
            let input = self.input(&batch, device);
            let truth = input.truth.clone();
            let logits = model.forward(&self.shape, input);
            let log_likelihood = self.log_likelihood(logits.clone(), truth);
            entropy.add(-f64::from(log_likelihood.mean().into_scalar::<f32>()));
            let logits = logits.try_into_vec_as::<f32>().map_err(|e| anyhow::anyhow!("{e:?}"))?;
            for (row, truth) in batch.truth.chunks_exact(d).enumerate() {
                if (row / n).is_multiple_of(batch.frames) {
                    continue;
                }
                let best = |dim: usize| {
                    let row = &logits[(row * d + dim) * l..][..l];
                    (0..l).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0)
                };
                let right = truth.iter().enumerate().all(|(dim, code)| best(dim) == usize::from(*code));
                exact.add(f64::from(u8::from(right)));
                let before = &batch.truth[(row - n) * d..][..d];
                let (frame, first) = (row / n, row / n * n * d);
                if batch.words[frame * words..][..words] != batch.words[(frame - 1) * words..][..words] {
                    exact_told.add(f64::from(u8::from(right)));
                }
                let changed = batch.truth[first..first + n * d].iter().zip(&batch.truth[first - n * d..]).filter(|(a, b)| a != b).count();
                if frame > 0 && changed > n * d / 4 {
                    exact_moved.add(f64::from(u8::from(right)));
                    copied_moved.add(f64::from(u8::from(before == truth)));
                }
            }
        }
        Ok(vec![
            ("exact_moved", exact_moved.value()),
            ("copied_moved", copied_moved.value()),
            ("exact_told", exact_told.value()),
            ("exact", exact.value()),
            ("cross_entropy", entropy.value()),
        ])
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use somnium::engine::cpu::{CpuEngine, CpuOptions};
    use somnium::engine::{DecodeSettings, Engine, PromptWord, TokenFrame, inputs::play_settings};
    use somnium::pack::Pack;
    use somnium::pack::random::{odd_manifest, pocket_manifest, random_pack};

    use crate::params;
    use crate::pipeline::pack_values;

    /// A stage without clips, and a model with the weights of `pack`.
    fn stage_with(pack: &Pack, frames: usize, device: &Device) -> (DynamicsStage, Dynamics) {
        let m = &pack.manifest;
        let dims = m.dynamics.clone().expect("the pack has dynamics");
        let mut preset = crate::preset::by_name("pocket").expect("the preset exists");
        (preset.dynamics, preset.play) = (dims.clone(), m.play);
        preset.dynamics_frames = frames;
        let clips = || Arc::new(TokenClips::new(frames, m.frame.code_bytes(), dims.prompt_words));
        let stage = DynamicsStage {
            clips: clips(),
            held_out: clips(),
            changes: Vec::new(),
            preset,
            shape: DynShape { frame: m.frame, dims: dims.clone() },
            seed: 1,
            bindings: Vec::new(),
            motions: m.actions.iter().map(|action| action.motion).collect(),
            recorded_only: true,
        };
        let model = params::replace("dyn", stage.new_model(device).expect("a model"), &pack_values(pack), device).expect("the weights");
        (stage, model)
    }

    /// A batch of one clip of random codes, everything masked.
    fn random_batch(stage: &DynamicsStage, frames: usize) -> Batch {
        let FrameDims { code_dims, code_levels, .. } = *stage.frame_dims();
        let (mut dice, rows) = (Dice::new(3, 4), frames * stage.tokens());
        Batch {
            clips: 1,
            truth: (0..rows * code_dims).map(|_| dice.below(code_levels) as u8).collect(),
            clean: (0..rows).map(Token::Given).collect(),
            masked: vec![Token::Masked; rows],
            weights: vec![1.0; rows],
            actions: vec![1; frames],
            levels: vec![0; frames],
            spans: vec![stage.shape.dims.window - 1],
            words: vec![NO_WORD; frames * stage.shape.dims.prompt_words],
            ..stage.empty_batch(1)
        }
    }

    /// Worst difference of trainer and CPU engine over a clip longer than two windows, both with the weights of `pack`.
    fn worst_difference(pack: &Pack, change: impl Fn(&mut Vec<u8>)) -> f32 {
        let m = &pack.manifest;
        let dims = m.dynamics.clone().expect("the pack has dynamics");
        let frames = 2 * dims.window + 2;
        let device = Device::flex();
        let (stage, model) = stage_with(pack, frames, &device);
        let mut dice = Dice::new(3, 3);
        let codes: Vec<u8> = (0..frames * m.frame.code_bytes()).map(|_| dice.below(m.frame.code_levels) as u8).collect();
        let mut actions: Vec<u8> = (0..frames).map(|_| dice.below(dims.actions) as u8).collect();
        actions[0] = dims.actions as u8;
        let mut words = vec![NO_WORD; dims.prompt_words];
        words[0] = 1;
        // Some steps are blocked; the first frame cannot have moved.
        let moved: Vec<bool> = (0..frames).map(|t| t > 0 && dice.chance(0.7)).collect();
        let mut logits = stage.teacher_forced(&model, &codes, &actions, &moved, &words, &device).expect("logits").into_iter();
        let mut engine = CpuEngine::new(pack, CpuOptions::default()).expect("the engine takes the pack");
        engine.restore(&[], 0).expect("a fresh start");
        let settings = DecodeSettings { window: dims.window, ..play_settings(m) };
        let mut played = codes;
        change(&mut played);
        let mut worst = 0.0f32;
        for (t, action) in actions.iter().enumerate() {
            let codes = played[t * m.frame.code_bytes()..][..m.frame.code_bytes()].to_vec();
            let truth = TokenFrame { codes, action: *action, moved: moved[t], prompt: vec![PromptWord::whole(1)] };
            let ours = engine.teacher_force(&truth, &settings).expect("logits");
            worst = ours.into_iter().zip(logits.by_ref()).map(|(a, b)| (a - b).abs()).fold(worst, f32::max);
        }
        worst
    }

    #[test]
    fn trainer_and_engine_agree_on_any_weights() {
        let pack = random_pack(pocket_manifest(), 5).expect("a pack");
        let worst = worst_difference(&pack, |_| ());
        assert!(worst < 1e-3, "off by {worst}");
        // Negative control: another history is another prediction.
        assert!(worst_difference(&pack, |codes| codes[0] = (codes[0] + 1) % 5) > 1e-2);
    }

    #[test]
    fn what_is_drawn_without_noise_is_the_likeliest_level_after_level() {
        let (device, frames) = (Device::flex(), 3);
        let pack = random_pack(odd_manifest(), 6).expect("a pack");
        let (stage, model) = stage_with(&pack, frames, &device);
        let FrameDims { code_dims: d, code_levels: l, .. } = pack.manifest.frame;
        let batch = random_batch(&stage, frames);
        let rows = frames * stage.tokens();
        let drawn = model.sample(&stage.shape, stage.input(&batch, &device), Tensor::zeros([rows, d * l], &device)).narrow(1, 0, d * l);
        // Given these very levels, each is the first choice; given others, not all are.
        let first_choices = |levels: Tensor<2>| -> f32 {
            let input = DynInput { truth: levels, ..stage.input(&batch, &device) };
            let logits = model.forward(&stage.shape, input).reshape([rows * d, l]);
            let best = logits.clone().greater_equal(logits.max_dim(1)).float();
            (best * drawn.clone().reshape([rows * d, l])).sum().into_scalar::<f32>()
        };
        assert_eq!(first_choices(drawn.clone()), (rows * d) as f32);
        assert!(first_choices(stage.true_levels(&batch, &device)) < (rows * d) as f32);
    }

    #[test]
    fn stale_places_go_on_showing_what_they_showed() {
        let (device, frames) = (Device::flex(), 6);
        let pack = random_pack(odd_manifest(), 6).expect("a pack");
        let (stage, _) = stage_with(&pack, frames, &device);
        let (n, d) = (stage.tokens(), stage.frame_dims().code_dims);
        let covered = stage.shape.dims.recall.clone().expect("it recalls").covered;
        // Every frame's tokens are told by its number.
        let mut clip = TokenClips::new(frames, n * d, 0);
        (clip.clips, clip.views) = (1, vec![0; 2 * frames]);
        clip.codes = (0..frames).flat_map(|frame| vec![(frame % 5) as u8; n * d]).collect();
        let past = |share: f32| {
            let mut batch = stage.empty_batch(1);
            batch.shown = (0..frames * n).collect();
            // Whoever does not know the action expects the view to stay.
            batch.actions = vec![stage.shape.dims.actions as u8; frames];
            let stale = Some(Stale { frames: 3..5, share, seed: 1 });
            stage.push_recall(&clip, (0, 0), &mut batch, RecallTerms { stale, ..RecallTerms::WHOLE }, &mut Dice::new(0, 0));
            batch
        };
        let (all, none) = (past(1.0), past(0.0));
        for token in (0..n).filter(|token| !covered.contains(token)) {
            let shown = |batch: &Batch| (0..frames).map(|frame| batch.shown[frame * n + token] / n).collect::<Vec<_>>();
            assert_eq!((shown(&all), shown(&none)), (vec![0, 1, 2, 2, 2, 5], vec![0, 1, 2, 3, 4, 5]));
            let recalled = |batch: &Batch, frame: usize| batch.recalled[((frame * n + token) * recall::TAPS + recall::TAPS / 2) * d];
            assert_eq!((recalled(&all, 4), recalled(&none, 4)), (2, 3), "what is stale is recalled");
            assert_eq!((recalled(&all, 3), recalled(&none, 3)), (2, 2));
        }
    }

    #[test]
    fn own_tokens_enter_history_where_they_are_asked_for() {
        let (device, frames) = (Device::flex().autodiff(), 3);
        let pack = random_pack(odd_manifest(), 6).expect("a pack");
        let (stage, model) = stage_with(&pack, frames, &device);
        let FrameDims { code_dims: d, code_levels: l, .. } = pack.manifest.frame;
        let rows = frames * stage.tokens();
        let mut batch = random_batch(&stage, frames);
        batch.own = (0..rows).map(|row| f32::from(u8::from(row % 3 == 0))).collect();
        batch.noise = vec![0.0; rows * d * l];
        let values = |x: Tensor<2>| x.try_into_vec_as::<f32>().expect("values");
        let clean = stage.input(&batch, &device).clean;
        let (before, after) = (values(clean.clone()), values(stage.own_history(&model, &batch, clean)));
        let width = d * l + 2;
        let changed: Vec<usize> = (0..rows).filter(|row| before[row * width..][..width] != after[row * width..][..width]).collect();
        assert!(!changed.is_empty() && changed.iter().all(|row| row % 3 == 0), "{changed:?}");
        assert!(after.chunks_exact(width).all(|row| row.iter().sum::<f32>() == d as f32), "each dimension has one level");
    }
}
