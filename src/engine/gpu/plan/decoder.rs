//! The tokenizer's decoder: a frame's tokens to its pixels.

use super::blocks::Scratch;
use super::builder::{Builder, Input, Norm, Then};
use crate::engine::gpu::frame::GROUPS;
use crate::engine::gpu::ops::{
    BufferId, Pass,
    embed::{self, Embed, Lookup},
    gains::{self, Gains},
    matmul::{Gain, pad_columns},
    padded_parts,
    picture::PatchPicture,
};
use crate::engine::gpu::weights::{self, Rows};
use crate::pack::{PackError, manifest::TokenizerDims};

impl Builder<'_> {
    pub fn decoder(&mut self, t: &TokenizerDims, tokens: BufferId, pixels: BufferId) -> Result<Vec<Pass>, PackError> {
        let (frame, c, rows) = (self.frame, t.channels, self.rows);
        let wide = padded_parts(c, t.heads);
        let values = weights::value_table(&self.pack.f32s("tok.dec.code.w")?, frame.code_dims, frame.code_levels, c);
        // The bias joins the positions: both are added once.
        let bias = self.pack.f32s("tok.dec.code.b")?;
        let mut positions = Rows { width: c, values: self.pack.f32s("tok.dec.pos")? };
        for row in positions.values.chunks_exact_mut(c) {
            row.iter_mut().zip(&bias).for_each(|(p, b)| *p += b);
        }
        let s = Scratch {
            x: self.activations("dec.x", c),
            qkv: self.zeros("dec.qkv", GROUPS * rows * 3 * wide),
            query: self.unused,
            attended: self.activations("dec.attended", wide),
            hidden: self.activations("dec.hidden", t.ffn_hidden),
        };
        let shape = Embed { lookup: Lookup::of(&frame, c, rows), beside: false };
        let mut out = vec![shape.pass(embed::Buffers {
            tokens,
            table: self.floats("tok.dec.code", &values),
            positions: self.floats("tok.dec.pos", &pad_columns(&positions.values, c, 1)),
            dynamics: None,
            x: s.x,
        })];
        let gains = Gains {
            tokens: frame.tokens(),
            dims: frame.code_dims,
            levels: frame.code_levels,
            units: t.look_hidden,
            norms: 2 * t.decoder_blocks + 1,
            channels: c,
            channels_last: t.patch_out_hidden,
        };
        let lit = if frame.look { Some(self.gains(&gains, tokens, &mut out)?) } else { None };
        let norm = |number: usize| lit.map_or(Norm::Plain, |buffer| Norm::Lit(Gain { buffer, from: gains.from(number) }));
        for i in 0..t.decoder_blocks {
            let name = format!("tok.dec.{i}");
            self.space(&name, c, t.heads, &s, norm(2 * i), &mut out)?;
            self.feed_forward(&name, (c, t.ffn_hidden), &s, norm(2 * i + 1), &mut out)?;
        }
        let hidden = self.activations("dec.out", t.patch_out_hidden);
        let patches = self.activations("patches", frame.patch_values());
        let input = Input::new(s.x, c, norm(2 * t.decoder_blocks));
        out.push(self.product("tok.dec.out1", true, input, (t.patch_out_hidden, 1), Then::Gelu, hidden)?);
        let last = if frame.look { norm(gains.norms) } else { Norm::None };
        let input = Input::new(hidden, t.patch_out_hidden, last);
        out.push(self.product("tok.dec.out2", true, input, (frame.patch_values(), 1), Then::Store, patches)?);
        out.push(PatchPicture { width_px: frame.width_px, height_px: frame.height_px, patch_px: frame.patch_px }.pass(patches, pixels));
        Ok(out)
    }

    /// The buffer of the gains that the look sets in the decoder.
    fn gains(&mut self, shape: &Gains, tokens: BufferId, out: &mut Vec<Pass>) -> Result<BufferId, PackError> {
        let weights = shape.weights(&self.pack.f32s("tok.dec.look.gain.w")?);
        let gains = self.zeros("dec.gains", shape.padded());
        out.push(shape.pass(gains::Buffers {
            tokens,
            hidden: self.tensor("tok.dec.look.hidden.w")?,
            bias: self.tensor("tok.dec.look.hidden.b")?,
            weights: self.floats("tok.dec.look.gain.w", &weights),
            gains,
        }));
        Ok(gains)
    }
}
