//! Sub-layers of a block: attention inside a frame, over time and to the prompt, and the feed-forward one.

use super::builder::{Builder, Input, Norm, Then};
use super::{PROMPT_SLOTS, PromptTarget};
use crate::engine::gpu::ops::{
    BufferId, Pass,
    attend::{Attend, Keys},
    padded_parts,
};
use crate::engine::gpu::weights::PromptWeights;
use crate::pack::{PackError, manifest::DynamicsDims};

/// Activations that blocks pass on to each other.
pub struct Scratch {
    pub x: BufferId,
    pub qkv: BufferId,
    pub query: BufferId,
    pub attended: BufferId,
    pub hidden: BufferId,
}

impl Builder<'_> {
    /// Attention inside a frame; `name` + `qkv`, `out`.
    pub fn space(&mut self, name: &str, c: usize, heads: usize, s: &Scratch, norm: Norm<'_>, out: &mut Vec<Pass>) -> Result<(), PackError> {
        out.push(self.product(&format!("{name}.qkv"), false, Input::new(s.x, c, norm), (3 * c, 3 * heads), Then::Store, s.qkv)?);
        out.push(self.attend(c, heads).pass(Keys::Space { qkv: s.qkv }, s.attended));
        out.push(self.attention_out(name, (c, heads), s)?);
        Ok(())
    }

    fn attend(&self, channels: usize, heads: usize) -> Attend {
        Attend { tokens: self.frame.tokens(), heads, channels, rows: self.rows }
    }

    fn attention_out(&mut self, name: &str, (c, heads): (usize, usize), s: &Scratch) -> Result<Pass, PackError> {
        let input = Input { parts: heads, ..Input::new(s.attended, c, Norm::None) };
        self.product(&format!("{name}.out"), false, input, (c, 1), Then::Residual, s.x)
    }

    pub fn time(&mut self, i: usize, dims: &DynamicsDims, s: &Scratch, norm: Norm<'_>, out: &mut Vec<Pass>) -> Result<(), PackError> {
        let (c, name) = (dims.channels, format!("dyn.{i}.time"));
        let wide = padded_parts(c, dims.heads);
        let ring = self.zeros(&format!("{name}.ring"), dims.window * self.rows * 2 * wide);
        let then = Then::Scatter { ring, from: wide };
        out.push(self.product(&format!("{name}.qkv"), false, Input::new(s.x, c, norm), (3 * c, 3 * dims.heads), then, s.qkv)?);
        let bias = self.tensor(&format!("{name}.bias"))?;
        let keys = Keys::Ring { qkv: s.qkv, ring, bias, window: dims.window };
        out.push(self.attend(c, dims.heads).pass(keys, s.attended));
        out.push(self.attention_out(&name, (c, dims.heads), s)?);
        Ok(())
    }

    pub fn prompt(
        &mut self,
        i: usize,
        dims: &DynamicsDims,
        (shares, slot_words): (BufferId, usize),
        s: &Scratch,
        norm: Norm<'_>,
        out: &mut Vec<Pass>,
    ) -> Result<PromptTarget, PackError> {
        let (c, name) = (dims.channels, format!("dyn.{i}.text"));
        let words = self.zeros(&format!("{name}.words"), PROMPT_SLOTS * slot_words * 2 * padded_parts(c, dims.heads));
        out.push(self.product(&format!("{name}.q"), false, Input::new(s.x, c, norm), (c, dims.heads), Then::Store, s.query)?);
        let keys = Keys::Prompt { query: s.query, words, shares, room: slot_words };
        out.push(self.attend(c, dims.heads).pass(keys, s.attended));
        out.push(self.attention_out(&name, (c, dims.heads), s)?);
        Ok(PromptTarget { buffer: words, weights: PromptWeights::new(self.pack, i, c, dims.heads)? })
    }

    pub fn feed_forward(
        &mut self,
        name: &str,
        (c, hidden): (usize, usize),
        s: &Scratch,
        norm: Norm<'_>,
        out: &mut Vec<Pass>,
    ) -> Result<(), PackError> {
        out.push(self.product(&format!("{name}.up"), true, Input::new(s.x, c, norm), (hidden, 1), Then::Gelu, s.hidden)?);
        let input = Input::new(s.hidden, hidden, Norm::None);
        out.push(self.product(&format!("{name}.down"), true, input, (c, 1), Then::Residual, s.x)?);
        Ok(())
    }
}
