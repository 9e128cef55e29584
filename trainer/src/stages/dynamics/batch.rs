//! Batches on the host: those to train on, and whole windows with everything masked to judge by.

use super::DynamicsStage;
use super::window::MOST_BEFORE_CHANGE;
use crate::source::{Dice, HELD_OUT};
use crate::tokens::{NO_WORD, TokenClips};

/// Share of batches whose history holds tokens that the model drew itself, as at play.
const OWN_HISTORY_SHARE: f32 = 0.5;
/// Share of these whose history is drawn a second time from what was drawn, so that errors have errors of their own.
const OWN_AGAIN_SHARE: f32 = 0.5;

/// A batch on the host.
pub struct Batch {
    pub(super) clips: usize,
    pub(super) frames: usize,
    /// `(F * N, D)` the truth.
    pub(super) truth: Vec<u8>,
    /// `(F * N, D)` what the history shows: the truth, what a place showed before where it is stale, or a blot.
    pub(super) shown: Vec<u8>,
    /// Clips all of whose frames come out of nothing.
    pub(super) nothing: Vec<bool>,
    /// Frames that are no example to follow.
    pub(super) untaught: Vec<usize>,
    /// What the history shows, corrupted and hidden.
    pub(super) clean: Vec<Token>,
    pub(super) masked: Vec<Token>,
    /// How much a token of the masked stream counts where it is masked, 0 where it is not, `(F * N)`.
    pub weights: Vec<f32>,
    /// Whether the model's own guess takes a token's place in the history, `(F * N)`, and the Gumbel noise it is drawn with,
    /// `(F * N, D * L)`; both empty in a batch without.
    pub own: Vec<bool>,
    pub(super) noise: Vec<f32>,
    /// How often the history is drawn.
    pub(super) own_drawn: u32,
    pub(super) actions: Vec<u8>,
    pub(super) levels: Vec<usize>,
    /// Frames of past each clip may see.
    pub(super) spans: Vec<usize>,
    /// `(F, K)`.
    pub(super) words: Vec<u16>,
    /// Added to the vectors of the words, `(F, K, word channels)`; empty in a batch without.
    pub(super) word_noise: Vec<f32>,
    pub(super) prompt_dropped: Vec<bool>,
    /// Class of how long ago words changed, `(F)`.
    pub(super) told: Vec<u8>,
    /// Land that no frame before showed, `(F * N)`, but none in a window's first frame; empty where it does not scroll.
    pub(super) new_land: Vec<bool>,
    /// Land that cannot be known: neither in the frame before nor in one that may be recalled, `(F * N)`; empty where it does not scroll.
    pub(super) unknowable: Vec<bool>,
    /// Whether words of the clip up to each frame ask for a land or a feature, `(F)`: it is not the land that comes by itself.
    pub(super) land_asked: Vec<bool>,
    /// Levels that each token recalls at nine places, `(F * N, 9, D)`, and their class of age, 0 where nothing is recalled; both empty
    /// where the land does not scroll.
    pub(super) recalled: Vec<u8>,
    pub(super) recalled_age: Vec<u8>,
    /// Row of `shown` that they are, `(F * N, 9)`; [`NO_ROW`] of what was seen before the batch, and of what is no memory.
    pub(super) recalled_row: Vec<u32>,
}

/// No row of a batch.
pub(super) const NO_ROW: u32 = u32::MAX;

impl Batch {
    /// Whether every clip sees frames of its past by attention, and every frame counts.
    pub fn sees_past(&self) -> bool {
        self.untaught.is_empty() && self.spans.iter().all(|span| *span > 0)
    }

    /// Another of the nine places where a token recalls nothing; `dims`: levels of a token.
    pub(super) fn recall_nothing(&mut self, dims: usize) {
        self.recall_levels(&vec![0; dims], 0, NO_ROW);
    }

    /// Another of the nine places, where a token recalls these levels.
    pub(super) fn recall_levels(&mut self, levels: &[u8], age: usize, row: u32) {
        self.recalled.extend_from_slice(levels);
        self.recalled_age.push(age as u8);
        self.recalled_row.push(row);
    }

    /// Puts what the model guessed, `(F * N, D)`, in the place of its own tokens, and of what is recalled of them, as play has both.
    pub(super) fn show_own(&mut self, guessed: &[u8], dims: usize) {
        let rows = self.own.iter().enumerate().filter(|(_, own)| **own).map(|(row, _)| row);
        for row in rows {
            self.shown[row * dims..][..dims].copy_from_slice(&guessed[row * dims..][..dims]);
        }
        for (recalled, row) in self.recalled.chunks_exact_mut(dims).zip(&self.recalled_row) {
            if *row != NO_ROW && self.own[*row as usize] {
                recalled.copy_from_slice(&guessed[*row as usize * dims..][..dims]);
            }
        }
    }
}

/// A token as the network reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// Row of the truth, or of what the history shows.
    Given(usize),
    Masked,
    Unknown,
}

impl DynamicsStage {
    pub(super) fn empty_batch(&self, clips: usize) -> Batch {
        let frames = self.preset.dynamics_frames;
        Batch {
            clips,
            frames,
            truth: Vec::new(),
            shown: Vec::new(),
            nothing: Vec::new(),
            untaught: Vec::new(),
            clean: Vec::new(),
            masked: Vec::new(),
            weights: Vec::new(),
            own: Vec::new(),
            noise: Vec::new(),
            own_drawn: 0,
            actions: Vec::new(),
            levels: Vec::new(),
            spans: Vec::new(),
            words: Vec::new(),
            word_noise: Vec::new(),
            prompt_dropped: vec![false; clips * frames],
            told: Vec::new(),
            new_land: Vec::new(),
            unknowable: Vec::new(),
            land_asked: Vec::new(),
            recalled: Vec::new(),
            recalled_age: Vec::new(),
            recalled_row: Vec::new(),
        }
    }

    /// Whether the masked stream of a frame is told any words.
    pub(super) fn hears(&self, batch: &Batch, frame: usize) -> bool {
        let words = self.shape.dims.prompt_words;
        !batch.prompt_dropped[frame] && batch.words[frame * words..][..words].iter().any(|word| *word != NO_WORD)
    }

    /// Whether it is told whatever was asked of the land.
    pub(super) fn is_told(&self, batch: &Batch, frame: usize) -> bool {
        self.hears(batch, frame) || !batch.land_asked[frame]
    }

    /// History corrupted and hidden, tokens masked, as `dice` says.
    pub(super) fn training_batch(&self, dice: &mut Dice) -> Batch {
        let n = self.tokens();
        let mut batch = self.windows_to_train_on(dice);
        batch.word_noise = self.word_noise(batch.words.len(), dice);
        let own_history = dice.chance(OWN_HISTORY_SHARE);
        for clip in 0..batch.clips {
            let gaps = self.push_span(&mut batch, clip, own_history, dice);
            for frame in 0..batch.frames {
                self.push_history(&mut batch, (clip, frame), &gaps, dice);
                self.push_masks(&mut batch, (clip, frame), dice);
            }
        }
        for frame in &batch.untaught {
            batch.weights[frame * n..][..n].fill(0.0);
        }
        if own_history {
            batch.own_drawn = 1 + u32::from(dice.chance(OWN_AGAIN_SHARE));
            let width = self.frame_dims().code_dims * self.frame_dims().code_levels;
            let rows = batch.clips * batch.frames * n;
            batch.noise = (0..rows * width).map(|_| -(-dice.unit().max(f32::MIN_POSITIVE).ln()).ln()).collect();
        }
        batch
    }

    /// The history that `clips` show, everything masked.
    pub(super) fn validation_batch(&self, clips: &TokenClips, number: u64) -> Batch {
        self.whole_batch(clips, Dice::new(7, HELD_OUT + number), |dice, frames| {
            (dice.below(clips.clips), dice.below(clips.frames - frames + 1))
        })
    }

    /// The same of windows in which words change, if there are any.
    pub(super) fn told_batch(&self, clips: &TokenClips, number: u64) -> Batch {
        let changes = clips.word_changes();
        self.whole_batch(clips, Dice::new(9, HELD_OUT + number), |dice, frames| match changes.as_slice() {
            [] => (dice.below(clips.clips), 0),
            changes => {
                let (clip, frame) = changes[dice.below(changes.len())];
                (clip, frame.saturating_sub(1 + dice.below(MOST_BEFORE_CHANGE)).min(clips.frames - frames))
            }
        })
    }

    /// Whole windows of clips, as `choose` gives them (clip and first frame, of so many), with everything masked.
    fn whole_batch(&self, clips: &TokenClips, mut dice: Dice, choose: impl Fn(&mut Dice, usize) -> (usize, usize)) -> Batch {
        let mut batch = self.empty_batch(self.preset.dynamics_batch);
        for _ in 0..batch.clips {
            let window = choose(&mut dice, batch.frames);
            self.push_window(clips, window, &mut batch, &mut dice, false);
        }
        let rows = batch.clips * batch.frames * self.tokens();
        batch.clean = (0..rows).map(Token::Given).collect();
        batch.masked = vec![Token::Masked; rows];
        batch.weights = vec![1.0; rows];
        batch.levels = vec![0; batch.clips * batch.frames];
        batch.spans = vec![self.shape.dims.window - 1; batch.clips];
        batch
    }
}
