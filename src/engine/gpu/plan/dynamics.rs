//! The part of the plan that dreams, put together: what is seen of the past, the blocks and the head.

use super::blocks::Scratch;
use super::builder::{Builder, Norm};
use super::{DynamicsPlan, PROMPT_SLOTS, PromptTarget};
use crate::engine::adjacency::Adjacency;
use crate::engine::gpu::frame::GROUPS;
use crate::engine::gpu::ops::{
    BufferId, Pass,
    embed::{self, Embed, Lookup},
    padded, padded_parts, unmask,
};
use crate::engine::gpu::weights;
use crate::pack::{PackError, manifest::DynamicsDims};

/// What is to be known of the blocks of a step; see [`DynamicsPlan`].
struct Blocks {
    commit_passes: usize,
    prompts: Vec<PromptTarget>,
    shares: BufferId,
    slot_words: usize,
}

impl Builder<'_> {
    pub fn dynamics(
        &mut self,
        dims: &DynamicsDims,
        adjacency: Option<&Adjacency>,
        tokens: BufferId,
        pixels: BufferId,
    ) -> Result<DynamicsPlan, PackError> {
        let codes = self.zeros("codes", unmask::words_sent(&self.frame));
        let past = self.past(dims, tokens, pixels, codes)?;
        let x = self.activations("x", dims.channels);
        let said = self.zeros("said", PROMPT_SLOTS * padded(dims.channels));
        let mut step = vec![self.embedding(dims, tokens, past.prev, said, x)?];
        let blocks = self.blocks(dims, x, &mut step)?;
        let head = self.head(dims, adjacency, x, tokens, codes, &mut step)?;
        Ok(DynamicsPlan {
            prev: past.passes,
            step,
            mends_from: head.mends_from,
            commit_passes: blocks.commit_passes,
            dispatches: head.dispatches,
            hidden: head.hidden,
            logits: head.logits,
            codes,
            prompts: blocks.prompts,
            shares: blocks.shares,
            said,
            slot_words: blocks.slot_words,
            recall: past.recall,
        })
    }

    /// Tokens to `x`, with all that a frame is told.
    fn embedding(&mut self, dims: &DynamicsDims, tokens: BufferId, prev: BufferId, said: BufferId, x: BufferId) -> Result<Pass, PackError> {
        let (channels, beside) = (dims.channels, dims.look_beside);
        let shape = Embed { lookup: Lookup::of(&self.frame, channels, self.rows), beside };
        let table = weights::embed_table(self.pack, channels, beside)?;
        Ok(shape.pass(embed::Buffers {
            tokens,
            table: self.floats("dyn.embed", &table),
            positions: self.table("dyn.pos", channels)?,
            dynamics: Some(embed::DynamicsBuffers {
                level: self.table("dyn.level", channels)?,
                prev,
                said,
                told: self.table("dyn.told", channels)?,
            }),
            x,
        }))
    }

    /// Adds the passes of all blocks.
    fn blocks(&mut self, dims: &DynamicsDims, x: BufferId, step: &mut Vec<Pass>) -> Result<Blocks, PackError> {
        let (c, wide) = (dims.channels, padded_parts(dims.channels, dims.heads));
        let cond = weights::conditions(self.pack, c)?;
        let s = Scratch {
            x,
            qkv: self.zeros("qkv", GROUPS * self.rows * 3 * wide),
            query: self.activations("query", wide),
            attended: self.activations("attended", wide),
            hidden: self.activations("hidden", dims.ffn_hidden),
        };
        let slot_words = 2 * dims.prompt_words + 1;
        let shares = self.zeros("shares", PROMPT_SLOTS * slot_words);
        let mut commit_passes = 0;
        let mut prompts = Vec::new();
        for (i, kind) in dims.blocks.iter().enumerate() {
            let mods = weights::modulations(self.pack, &cond, i, kind.norms())?;
            let mut mods = mods.iter();
            // `norms()` counts exactly the sub-layers below.
            let mut next = || mods.next().map_or(Norm::Plain, Norm::Modulated);
            self.space(&format!("dyn.{i}.space"), c, dims.heads, &s, next(), step)?;
            if kind.temporal {
                commit_passes = step.len() + 1;
                self.time(i, dims, &s, next(), step)?;
            }
            if kind.prompt {
                prompts.push(self.prompt(i, dims, (shares, slot_words), &s, next(), step)?);
            }
            self.feed_forward(&format!("dyn.{i}"), (c, dims.ffn_hidden), &s, next(), step)?;
        }
        Ok(Blocks { commit_passes, prompts, shares, slot_words })
    }
}
