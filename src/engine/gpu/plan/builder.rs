//! Buffers of a plan, and the products that blocks, head and decoder are made of.

use super::BufferSpec;
use crate::engine::gpu::frame::GROUPS;
use crate::engine::gpu::ops::{
    BufferId, Pass,
    matmul::{self, Gain, Matmul, Tile, Variant, pack_weights, pad_columns},
    padded, padded_parts,
};
use crate::engine::gpu::tier::Tier;
use crate::engine::gpu::weights::{self, Modulation};
use crate::pack::{Pack, PackError, manifest::FrameDims};

/// A plan in the making.
pub struct Builder<'a> {
    pub pack: &'a Pack,
    pub frame: FrameDims,
    pub tier: Tier,
    pub wide: bool,
    pub buffers: Vec<BufferSpec>,
    /// Rows of a group: tokens rounded up to whole tiles.
    pub rows: usize,
    /// Bound where a kernel's variant does not look.
    pub unused: BufferId,
}

/// Input side of a product: x, its width, and the norm ahead of it.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    pub x: BufferId,
    pub width: usize,
    /// Equal parts of the width that are padded each: heads of what attention puts out, else 1.
    pub parts: usize,
    pub norm: Norm<'a>,
}

impl<'a> Input<'a> {
    pub fn new(x: BufferId, width: usize, norm: Norm<'a>) -> Self {
        Self { x, width, parts: 1, norm }
    }
}

#[derive(Clone, Copy)]
pub enum Norm<'a> {
    None,
    Plain,
    Modulated(&'a Modulation),
    /// With gains that an earlier pass sets.
    Lit(Gain),
}

/// What happens to a product before it is stored.
#[derive(Clone, Copy)]
pub enum Then {
    Store,
    Gelu,
    Residual,
    /// Columns from `from` on also go to the ring.
    Scatter {
        ring: BufferId,
        from: usize,
    },
}

impl<'a> Builder<'a> {
    pub fn new(pack: &'a Pack, tier: Tier, wide: bool) -> Self {
        let frame = pack.manifest.frame;
        let mut builder = Self { pack, frame, tier, wide, buffers: Vec::new(), rows: padded(frame.tokens()), unused: BufferId(0) };
        builder.unused = builder.zeros("unused", 4);
        builder
    }

    fn push(&mut self, label: &str, bytes: u64, contents: Option<Vec<u8>>) -> BufferId {
        // Empty bindings are not allowed.
        self.buffers.push(BufferSpec { label: label.to_owned(), bytes: bytes.max(16), contents, indirect: false });
        BufferId(self.buffers.len() - 1)
    }

    pub fn zeros(&mut self, label: &str, words: usize) -> BufferId {
        self.push(label, 4 * words as u64, None)
    }

    /// Rows by width, padded, for all groups.
    pub fn activations(&mut self, label: &str, width: usize) -> BufferId {
        self.zeros(label, GROUPS * self.rows * padded(width))
    }

    pub fn words(&mut self, label: &str, values: &[u32]) -> BufferId {
        self.push(label, 4 * values.len() as u64, Some(bytemuck::cast_slice(values).to_vec()))
    }

    pub fn floats(&mut self, label: &str, values: &[f32]) -> BufferId {
        self.push(label, 4 * values.len() as u64, Some(bytemuck::cast_slice(values).to_vec()))
    }

    /// A tensor as it lies in the pack.
    pub fn tensor(&mut self, name: &str) -> Result<BufferId, PackError> {
        let values = self.pack.f32s(name)?;
        Ok(self.floats(name, &values))
    }

    /// A tensor of rows of `width`, padded.
    pub fn table(&mut self, name: &str, width: usize) -> Result<BufferId, PackError> {
        let values = pad_columns(&self.pack.f32s(name)?, width, 1);
        Ok(self.floats(name, &values))
    }

    /// `y = then(norm(x) NAME.w + NAME.b)`, `name` with `.b` where `bias`; `m` columns in `parts` parts.
    pub fn product(
        &mut self,
        name: &str,
        bias: bool,
        input: Input<'_>,
        (m, parts): (usize, usize),
        then: Then,
        y: BufferId,
    ) -> Result<Pass, PackError> {
        let w = self.pack.f32s(&format!("{name}.w"))?;
        let b = if bias { self.pack.f32s(&format!("{name}.b"))? } else { Vec::new() };
        Ok(self.product_of(name, (&w, &b), input, (m, parts), then, y))
    }

    /// As [`Self::product`], of this matrix `(width, m)` and bias, which may be empty.
    pub fn product_of(
        &mut self,
        name: &str,
        (w, b): (&[f32], &[f32]),
        input: Input<'_>,
        (m, parts): (usize, usize),
        then: Then,
        y: BufferId,
    ) -> Pass {
        let words = pack_weights(w, (input.width, input.parts), (m, parts));
        let weights = self.words(&format!("{name}.w"), &words);
        let (bias, gain) = match input.norm {
            Norm::Modulated(modulation) => {
                // The shift passes through W once, here, instead of with every row.
                let shift = weights::linear(&modulation.shift, w, b, m);
                let bias = self.floats(&format!("{name}.bias"), &pad_columns(&shift.values, m, parts));
                let gain = self.floats(&format!("{name}.gain"), &pad_columns(&modulation.gain.values, input.width, 1));
                (bias, Some(gain.into()))
            }
            norm => {
                let zeros = vec![0.0; m];
                let bias = self.floats(&format!("{name}.bias"), &pad_columns(if b.is_empty() { &zeros } else { b }, m, parts));
                let gain = match norm {
                    Norm::Plain => Some(self.floats(&format!("{name}.gain"), &vec![1.0; padded(input.width)]).into()),
                    Norm::Lit(gain) => Some(gain),
                    Norm::None | Norm::Modulated(_) => None,
                };
                (bias, gain)
            }
        };
        let (ring, ring_from) = if let Then::Scatter { ring, from } = then { (ring, from) } else { (self.unused, 0) };
        let product = Matmul {
            variant: Variant {
                norm: gain.is_some(),
                gelu: matches!(then, Then::Gelu),
                residual: matches!(then, Then::Residual),
                scatter: matches!(then, Then::Scatter { .. }),
                tier: self.tier,
                wide: self.wide,
                tile: Tile::default(),
            },
            k: if input.parts == 1 { input.width } else { padded_parts(input.width, input.parts) },
            m: padded_parts(m, parts),
            rows: self.rows,
            by_action: matches!(input.norm, Norm::Modulated(_)),
            ring_from,
        };
        product.pass(matmul::Buffers { x: input.x, w: weights, bias, gain, y, ring })
    }
}
