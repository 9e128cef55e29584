//! A pack turned into passes and buffers: all sizes and workgroup counts, decided once, without a device.

mod blocks;
mod builder;
mod decoder;
mod dynamics;
mod head;
mod past;

use super::ops::{BufferId, Pass};
use super::tier::Tier;
use super::weights::PromptWeights;
use crate::engine::adjacency::Adjacency;
use crate::pack::{Pack, PackError};
use builder::Builder;

/// Prompt slots: the prompt of the frame being dreamed and that of the frame being committed.
pub const PROMPT_SLOTS: usize = 2;

/// A buffer to be made, with what it holds at first (zeros where `contents` is `None`).
#[derive(Clone, Debug)]
pub struct BufferSpec {
    pub label: String,
    pub bytes: u64,
    pub contents: Option<Vec<u8>>,
    /// Dispatches take their workgroups from it.
    pub indirect: bool,
}

/// Prompt attention of one block: the buffer of its keys, `(PROMPT_SLOTS, slot_words, 2 * channels, heads padded)`.
pub struct PromptTarget {
    pub buffer: BufferId,
    pub weights: PromptWeights,
}

/// Everything that runs, in order.
pub struct Plan {
    pub buffers: Vec<BufferSpec>,
    /// `(2, tokens, dims)` u32, a frame in one half, the frame before in the other; then `(tokens, dims)` that the map offers to copy, and
    /// `(tokens, words)` of bits where it is known what lies beside what: which of the land each may be.
    pub tokens: BufferId,
    /// `(2, height_px, width_px)` u32, RGB in the lower three bytes; halves as those of the tokens.
    pub pixels: BufferId,
    pub decode: Vec<Pass>,
    pub dynamics: Option<DynamicsPlan>,
}

/// The part of the plan that dreams.
pub struct DynamicsPlan {
    /// Once a frame: what it takes over from the one before, and what it recalls.
    pub prev: Vec<Pass>,
    /// Once a decoding step.
    pub step: Vec<Pass>,
    /// From this pass on `step` runs once more behind the last step, and draws again what did not fit; none where all fits.
    pub mends_from: usize,
    /// The first so many passes of `step` also run for the frame that is committed: nothing behind the last keys matters to it.
    pub commit_passes: usize,
    /// For [`super::ops::unmask::dispatches`] of `step`, whose last pass decides whether the others run once more.
    pub dispatches: BufferId,
    /// What the head reads of the tokens in the last step that ran, f32, and how many bytes of it.
    pub hidden: (BufferId, u64),
    /// `(tokens, dims * levels)` f32, of the last frame whose levels were forced.
    pub logits: BufferId,
    /// What is sent to the host: bytes of the frame's codes, four a word, a word that is 1 if the view moved, and of each token how it was settled.
    pub codes: BufferId,
    pub prompts: Vec<PromptTarget>,
    /// `(PROMPT_SLOTS, slot_words)` f32: what the attention scores of a prompt's words are raised by.
    pub shares: BufferId,
    /// What the words of each prompt slot say taken together, `(slots, channels)`.
    pub said: BufferId,
    /// Keys that a prompt slot has room for.
    pub slot_words: usize,
    pub recall: Option<RecallPlan>,
}

/// How what was seen is remembered.
pub struct RecallPlan {
    /// Once a frame, behind its picture.
    pub remember: Vec<Pass>,
    /// [`super::ops::remember::words`] of the map, and [`super::ops::odometer::words`].
    pub map: BufferId,
    pub odometer: BufferId,
}

impl Plan {
    /// Plans a pack for devices of this tier; `wide`: those that do much at once.
    ///
    /// # Errors
    /// Where a tensor is missing; a validated pack has them all.
    pub fn new(pack: &Pack, tier: Tier, wide: bool) -> Result<Self, PackError> {
        let m = &pack.manifest;
        let mut b = Builder::new(pack, tier, wide);
        let adjacency = Adjacency::of(pack)?;
        let domains = m.frame.tokens() * adjacency.as_ref().map_or(0, Adjacency::words);
        let tokens = b.zeros("tokens", 3 * m.frame.code_bytes() + domains);
        let pixels = b.zeros("pixels", 2 * m.frame.width_px * m.frame.height_px);
        let dynamics = match &m.dynamics {
            Some(dims) => Some(b.dynamics(dims, adjacency.as_ref(), tokens, pixels)?),
            None => None,
        };
        let decode = b.decoder(&m.tokenizer, tokens, pixels)?;
        Ok(Self { buffers: b.buffers, tokens, pixels, decode, dynamics })
    }

    /// Dispatches of one dreamed frame.
    pub fn dispatches(&self, steps: u32) -> usize {
        let dreaming =
            self.dynamics.as_ref().map_or(0, |d| d.prev.len() + d.step.len() * steps as usize + d.mend().len() + d.remember().len());
        dreaming + self.decode.len()
    }

    pub fn passes(&self) -> impl Iterator<Item = &Pass> {
        let dynamics = self.dynamics.iter().flat_map(|d| d.prev.iter().chain(&d.step).chain(d.remember()));
        dynamics.chain(&self.decode)
    }

    /// Every pass, to be cut up otherwise.
    pub fn passes_mut(&mut self) -> impl Iterator<Item = &mut Pass> {
        let dynamics = self.dynamics.iter_mut().flat_map(|d| {
            let remember = d.recall.iter_mut().flat_map(|recall| &mut recall.remember);
            d.prev.iter_mut().chain(&mut d.step).chain(remember)
        });
        dynamics.chain(&mut self.decode)
    }
}

impl DynamicsPlan {
    /// What draws once more what did not fit.
    pub fn mend(&self) -> &[Pass] {
        &self.step[self.mends_from..]
    }

    /// What runs behind the picture of a frame.
    pub fn remember(&self) -> &[Pass] {
        self.recall.as_ref().map_or(&[], |recall| &recall.remember)
    }
}
