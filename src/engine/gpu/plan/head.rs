//! The head: hidden units and gates, the levels that are drawn from them, and which tokens a step settles.

use super::builder::{Builder, Input, Norm, Then};
use crate::engine::gpu::ops::{
    BufferId, Pass,
    narrow::{self, Narrow},
    sample::{self, Sample},
    unmask::{self, Unmask},
};
use crate::engine::gpu::weights;
use crate::engine::{adjacency::Adjacency, vocabulary::Vocabulary};
use crate::pack::{PackError, manifest::DynamicsDims};

/// What is to be known of it; see [`DynamicsPlan`](super::DynamicsPlan).
pub struct Head {
    pub mends_from: usize,
    pub dispatches: BufferId,
    pub hidden: (BufferId, u64),
    pub logits: BufferId,
}

/// What is drawn of the tokens.
struct Drawn {
    choice: BufferId,
    confidence: BufferId,
    logits: BufferId,
    /// What lies beside what, where it is known.
    adjacency: BufferId,
}

impl Builder<'_> {
    /// Adds the passes behind the last block, out of which comes `x`.
    pub fn head(
        &mut self,
        dims: &DynamicsDims,
        adjacency: Option<&Adjacency>,
        x: BufferId,
        tokens: BufferId,
        codes: BufferId,
        step: &mut Vec<Pass>,
    ) -> Result<Head, PackError> {
        let (hidden, width) = self.hidden_units(dims, x, step)?;
        let drawn_from = step.len();
        let drawn = self.draw(dims, adjacency, hidden, tokens, step)?;
        let dispatches = self.unmask(dims, adjacency, &drawn, tokens, codes, step);
        Ok(Head {
            mends_from: if adjacency.is_some() { drawn_from } else { step.len() },
            dispatches,
            hidden: (hidden, 4 * (self.frame.tokens() * width) as u64),
            logits: drawn.logits,
        })
    }

    /// Adds hidden units and gates, in one product: where they lie, and how many a token has.
    fn hidden_units(&mut self, dims: &DynamicsDims, x: BufferId, step: &mut Vec<Pass>) -> Result<(BufferId, usize), PackError> {
        let width = self.frame.code_dims * dims.head_hidden + dims.sources();
        let hidden = self.activations("head.hidden", width);
        let (w, b) = weights::side_by_side(self.pack, "dyn.head.hidden", "dyn.head.copy", dims.channels)?;
        let input = Input::new(x, dims.channels, Norm::Plain);
        step.push(self.product_of("dyn.head.hidden", (&w, &b), input, (width, 1), Then::Store, hidden));
        Ok((hidden, width))
    }

    /// Adds what draws the levels and, where it is known what lies beside what, ahead of it what narrows them down.
    fn draw(
        &mut self,
        dims: &DynamicsDims,
        adjacency: Option<&Adjacency>,
        hidden: BufferId,
        tokens: BufferId,
        step: &mut Vec<Pass>,
    ) -> Result<Drawn, PackError> {
        let (frame, n) = (self.frame, self.frame.tokens());
        let drawn = Drawn {
            choice: self.zeros("choice", n * frame.code_dims),
            confidence: self.zeros("confidence", n),
            logits: self.zeros("logits", n * frame.code_dims * frame.code_levels),
            adjacency: match adjacency {
                Some(adjacency) => self.narrow(adjacency, tokens, step),
                None => self.unused,
            },
        };
        let vocabulary = Vocabulary::of(self.pack)?;
        let keys = vocabulary.as_ref().map(Vocabulary::keys).unwrap_or_default();
        let land = adjacency.map(Adjacency::land).unwrap_or_default();
        let bias = sample::words(&self.pack.f32s("dyn.head.out.b")?, keys, land);
        let shape = Sample {
            tokens: n,
            patches: frame.patches(),
            dims: frame.code_dims,
            levels: frame.code_levels,
            units: dims.head_hidden,
            rows: self.rows,
            sources: dims.sources(),
            vocabulary: keys.len(),
            land: land.len(),
        };
        step.push(shape.pass(sample::Buffers {
            hidden,
            codes: self.tensor("dyn.head.codes")?,
            weights: self.tensor("dyn.head.out.w")?,
            bias: self.words("dyn.head.out.b", &bias),
            tokens,
            choice: drawn.choice,
            confidence: drawn.confidence,
            logits: drawn.logits,
        }));
        Ok(drawn)
    }

    /// Adds what narrows down which of the land tokens may be; the table it goes by.
    fn narrow(&mut self, adjacency: &Adjacency, tokens: BufferId, step: &mut Vec<Pass>) -> BufferId {
        let (n, land, words) = (self.frame.tokens(), adjacency.land().len(), adjacency.words());
        let table = self.words("adjacency", &narrow::table(adjacency));
        let scratch = self.zeros("narrowed", n * (words + 1));
        let shape = Narrow { tokens: n, dims: self.frame.code_dims, levels: self.frame.code_levels, land, words };
        step.push(shape.pass(narrow::Buffers { adjacency: table, tokens, scratch }));
        table
    }

    /// Adds what settles tokens, the last pass of a step; where it writes the workgroups of the next.
    fn unmask(
        &mut self,
        dims: &DynamicsDims,
        adjacency: Option<&Adjacency>,
        drawn: &Drawn,
        tokens: BufferId,
        codes: BufferId,
        step: &mut Vec<Pass>,
    ) -> BufferId {
        let (n, passes) = (self.frame.tokens(), step.len() + 1);
        let keys = self.zeros("keys", 4 * n);
        let dispatches = self.zeros("dispatches", 3 * passes * 3);
        self.buffers[dispatches.0].indirect = true;
        let shape = Unmask {
            tokens: n,
            patches: self.frame.patches(),
            dims: self.frame.code_dims,
            passes,
            map: dims.recall.is_some(),
            levels: self.frame.code_levels,
            land: adjacency.map_or(0, |adjacency| adjacency.land().len()),
            words: adjacency.map_or(0, Adjacency::words),
        };
        let Drawn { choice, confidence, adjacency, .. } = *drawn;
        step.push(shape.pass(unmask::Buffers { choice, confidence, tokens, keys, codes, dispatches, adjacency }));
        dispatches
    }
}
