//! A pack turned into passes and buffers: all sizes and workgroup counts, decided once, without a device.

use super::frame::GROUPS;
use super::ops::{
    BufferId, Pass,
    attend::{Attend, Keys},
    common_patch::{self, CommonPatch},
    embed::{self, Embed},
    gains::{self, Gains},
    matmul::{self, Gain, Matmul, Tile, Variant, pack_weights, pad_columns},
    narrow::{self, Narrow},
    odometer::{self, Odometer},
    padded, padded_parts,
    picture::PatchPicture,
    prev::{self, Prev},
    recall::{self, Recall},
    remember::{self, Remember},
    sample::{self, Sample},
    unmask::{self, Unmask},
};
use super::tier::Tier;
use super::weights::{self, Modulation, PromptWeights, Rows};
use crate::engine::recall::Map;
use crate::engine::{adjacency::Adjacency, vocabulary::Vocabulary};
use crate::pack::{
    Pack, PackError,
    manifest::{DynamicsDims, FrameDims, Manifest, RecallDims, TokenizerDims},
};

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
    /// For [`unmask::dispatches`] of `step`, whose last pass decides whether the others run once more.
    pub dispatches: BufferId,
    /// What the head reads of the tokens in the last step that ran, f32, and how many bytes of it.
    pub hidden: (BufferId, u64),
    /// `(tokens, dims * levels)` f32, of the last frame whose levels were forced.
    pub logits: BufferId,
    /// Bytes of the frame's codes, four a word, and a word that is 1 if the view moved.
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
    /// [`remember::words`] of the map, and [`odometer::words`].
    pub map: BufferId,
    pub odometer: BufferId,
}

impl Plan {
    /// Plans a pack for devices of this tier.
    ///
    /// # Errors
    /// Where a tensor is missing; a validated pack has them all.
    pub fn new(pack: &Pack, tier: Tier) -> Result<Self, PackError> {
        let m = &pack.manifest;
        let mut b = Builder { pack, tier, buffers: Vec::new(), rows: padded(m.frame.tokens()), unused: BufferId(0) };
        b.unused = b.zeros("unused", 4);
        let adjacency = Adjacency::of(pack)?;
        let domains = m.frame.tokens() * adjacency.as_ref().map_or(0, Adjacency::words);
        let tokens = b.zeros("tokens", 3 * m.frame.code_bytes() + domains);
        let pixels = b.zeros("pixels", 2 * m.frame.width_px * m.frame.height_px);
        let dynamics = match &m.dynamics {
            Some(dims) => Some(b.dynamics(m, dims, adjacency.as_ref(), tokens, pixels)?),
            None => None,
        };
        let decode = b.decoder(&m.frame, &m.tokenizer, tokens, pixels)?;
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
}

impl Plan {
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

struct Builder<'a> {
    pack: &'a Pack,
    tier: Tier,
    buffers: Vec<BufferSpec>,
    /// Rows of a group: tokens rounded up to whole tiles.
    rows: usize,
    /// Bound where a kernel's variant does not look.
    unused: BufferId,
}

/// Input side of a product: x, its width, and the norm ahead of it.
#[derive(Clone, Copy)]
struct Input<'a> {
    x: BufferId,
    width: usize,
    /// Equal parts of the width that are padded each: heads of what attention puts out, else 1.
    parts: usize,
    norm: Norm<'a>,
}

impl<'a> Input<'a> {
    fn new(x: BufferId, width: usize, norm: Norm<'a>) -> Self {
        Self { x, width, parts: 1, norm }
    }
}

#[derive(Clone, Copy)]
enum Norm<'a> {
    None,
    Plain,
    Modulated(&'a Modulation),
    /// With gains that an earlier pass sets.
    Lit(Gain),
}

/// What happens to a product before it is stored.
#[derive(Clone, Copy)]
enum Then {
    Store,
    Gelu,
    Residual,
    /// Columns from `from` on also go to the ring.
    Scatter {
        ring: BufferId,
        from: usize,
    },
}

impl Builder<'_> {
    fn push(&mut self, label: &str, bytes: u64, contents: Option<Vec<u8>>) -> BufferId {
        // Empty bindings are not allowed.
        self.buffers.push(BufferSpec { label: label.to_owned(), bytes: bytes.max(16), contents, indirect: false });
        BufferId(self.buffers.len() - 1)
    }

    fn zeros(&mut self, label: &str, words: usize) -> BufferId {
        self.push(label, 4 * words as u64, None)
    }

    /// Rows by width, padded, for all groups.
    fn activations(&mut self, label: &str, width: usize) -> BufferId {
        self.zeros(label, GROUPS * self.rows * padded(width))
    }

    fn floats(&mut self, label: &str, values: &[f32]) -> BufferId {
        self.push(label, 4 * values.len() as u64, Some(bytemuck::cast_slice(values).to_vec()))
    }

    /// A tensor as it lies in the pack.
    fn tensor(&mut self, name: &str) -> Result<BufferId, PackError> {
        let values = self.pack.f32s(name)?;
        Ok(self.floats(name, &values))
    }

    /// A tensor of rows of `width`, padded.
    fn table(&mut self, name: &str, width: usize) -> Result<BufferId, PackError> {
        let values = pad_columns(&self.pack.f32s(name)?, width, 1);
        Ok(self.floats(name, &values))
    }

    /// `y = then(norm(x) NAME.w + NAME.b)`, `name` with `.b` where `bias`; `m` columns in `parts` parts.
    fn product(
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
    fn product_of(
        &mut self,
        name: &str,
        (w, b): (&[f32], &[f32]),
        input: Input<'_>,
        (m, parts): (usize, usize),
        then: Then,
        y: BufferId,
    ) -> Pass {
        let words = pack_weights(w, (input.width, input.parts), (m, parts));
        let weights = self.push(&format!("{name}.w"), 4 * words.len() as u64, Some(bytemuck::cast_slice(&words).to_vec()));
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

    fn dynamics(
        &mut self,
        m: &Manifest,
        dims: &DynamicsDims,
        adjacency: Option<&Adjacency>,
        tokens: BufferId,
        pixels: BufferId,
    ) -> Result<DynamicsPlan, PackError> {
        let FrameDims { code_dims, code_levels, .. } = m.frame;
        let (n, patches, c, rows) = (m.frame.tokens(), m.frame.patches(), dims.channels, self.rows);
        let wide = padded_parts(c, dims.heads);
        let cond = weights::conditions(self.pack, c)?;

        // Of the visible frame and of the one before, whose commit needs it again.
        let prev = self.zeros("prev", 2 * rows * padded(c));
        let table = weights::prev_table(self.pack, c)?;
        let prev_pass =
            Prev { tokens: n, grid_w: m.frame.grid_w(), grid_h: m.frame.grid_h(), dims: code_dims, levels: code_levels, channels: c, rows }
                .pass(prev::Buffers { tokens, table: self.floats(prev::TABLE, &table), bias: self.table("dyn.prev.b", c)?, prev });
        let codes = self.zeros("codes", remember::flag_at(n * code_dims) + 1);
        let mut prev_passes = vec![prev_pass];
        let recall = match &dims.recall {
            Some(recall) => {
                let remembered = self.recall(&m.frame, recall, tokens, pixels, codes);
                let steps = m.frame.patch_px / recall.step_px;
                let table = weights::recall_table(self.pack, c)?;
                let shape = Recall {
                    tokens: n,
                    grid_w: m.frame.grid_w(),
                    grid_h: m.frame.grid_h(),
                    dims: code_dims,
                    levels: code_levels,
                    channels: c,
                    rows,
                    steps,
                };
                let (map, odometer) = (remembered.map, remembered.odometer);
                prev_passes.push(shape.pass(recall::Buffers {
                    map,
                    odometer,
                    table: self.floats("dyn.recall.table", &table),
                    prev,
                    tokens,
                }));
                Some(remembered)
            }
            None => None,
        };

        let x = self.activations("x", c);
        let said = self.zeros("said", PROMPT_SLOTS * padded(c));
        let (grid_w, grid_h, beside) = (m.frame.grid_w(), m.frame.grid_h(), dims.look_beside);
        let table = weights::embed_table(self.pack, c, beside)?;
        let mut step = vec![Embed { tokens: n, grid_w, grid_h, dims: code_dims, levels: code_levels, channels: c, rows, beside }.pass(
            embed::Buffers {
                tokens,
                table: self.floats("dyn.embed", &table),
                positions: self.table("dyn.pos", c)?,
                dynamics: Some(embed::DynamicsBuffers { level: self.table("dyn.level", c)?, prev, said, told: self.table("dyn.told", c)? }),
                x,
            },
        )];
        let s = Scratch {
            x,
            qkv: self.zeros("qkv", GROUPS * rows * 3 * wide),
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
            self.space(&format!("dyn.{i}.space"), c, dims.heads, &s, next(), &mut step)?;
            if kind.temporal {
                commit_passes = step.len() + 1;
                self.time(i, dims, &s, next(), &mut step)?;
            }
            if kind.prompt {
                prompts.push(self.prompt(i, dims, (shares, slot_words), &s, next(), &mut step)?);
            }
            self.feed_forward(&format!("dyn.{i}"), (c, dims.ffn_hidden), &s, next(), &mut step)?;
        }

        // Hidden units and gates in one product.
        let sources = dims.sources();
        let width = code_dims * dims.head_hidden + sources;
        let hidden = self.activations("head.hidden", width);
        let (w, b) = weights::side_by_side(self.pack, "dyn.head.hidden", "dyn.head.copy", c)?;
        step.push(self.product_of("dyn.head.hidden", (&w, &b), Input::new(x, c, Norm::Plain), (width, 1), Then::Store, hidden));
        let logits = self.zeros("logits", n * code_dims * code_levels);
        let choice = self.zeros("choice", n * code_dims);
        let confidence = self.zeros("confidence", n);
        let vocabulary = Vocabulary::of(self.pack)?;
        let keys = vocabulary.as_ref().map(Vocabulary::keys).unwrap_or_default();
        let (land, words) = adjacency.map_or((&[][..], 0), |adjacency| (adjacency.land(), adjacency.words()));
        let bias = sample::words(&self.pack.f32s("dyn.head.out.b")?, keys, land);
        let bias = self.push("dyn.head.out.b", 4 * bias.len() as u64, Some(bytemuck::cast_slice(&bias).to_vec()));
        let (vocabulary, land) = (keys.len(), land.len());
        let drawn_from = step.len();
        let mut table = self.unused;
        if let Some(adjacency) = adjacency {
            let values = narrow::table(adjacency);
            table = self.push("adjacency", 4 * values.len() as u64, Some(bytemuck::cast_slice(&values).to_vec()));
            let scratch = self.zeros("narrowed", n * (words + 1));
            let narrow = Narrow { tokens: n, dims: code_dims, levels: code_levels, land, words };
            step.push(narrow.pass(narrow::Buffers { adjacency: table, tokens, scratch }));
        }
        step.push(
            Sample { tokens: n, patches, dims: code_dims, levels: code_levels, units: dims.head_hidden, rows, sources, vocabulary, land }
                .pass(sample::Buffers {
                    hidden,
                    codes: self.tensor("dyn.head.codes")?,
                    weights: self.tensor("dyn.head.out.w")?,
                    bias,
                    tokens,
                    choice,
                    confidence,
                    logits,
                }),
        );
        let keys = self.zeros("keys", 4 * n);
        let dispatches = self.zeros("dispatches", 9 * (step.len() + 1));
        let map = recall.is_some();
        let unmask = Unmask { tokens: n, patches, dims: code_dims, passes: step.len() + 1, map, levels: code_levels, land, words };
        step.push(unmask.pass(unmask::Buffers { choice, confidence, tokens, keys, codes, dispatches, adjacency: table }));
        let mends_from = if adjacency.is_some() { drawn_from } else { step.len() };
        self.buffers[dispatches.0].indirect = true;
        Ok(DynamicsPlan {
            prev: prev_passes,
            step,
            mends_from,
            commit_passes,
            dispatches,
            hidden: (hidden, 4 * (n * width) as u64),
            logits,
            codes,
            prompts,
            shares,
            said,
            slot_words,
            recall,
        })
    }

    /// The map, and the passes that keep it.
    fn recall(&mut self, frame: &FrameDims, recall: &RecallDims, tokens: BufferId, pixels: BufferId, codes: BufferId) -> RecallPlan {
        let (n, dims) = (frame.tokens(), frame.code_dims);
        let empty = remember::words(&Map::new(frame, recall), frame);
        let map = self.push("map", 4 * empty.len() as u64, Some(bytemuck::cast_slice(&empty).to_vec()));
        let odometer = self.zeros("odometer", odometer::WORDS);
        let scrolling: Vec<u32> = (0..n).map(|n| u32::from(recall.scrolls(n, frame))).collect();
        let scrolls = self.push("scrolls", 4 * n as u64, Some(bytemuck::cast_slice(&scrolling).to_vec()));
        let (width_px, height_px, patch_px, step_px) = (frame.width_px, frame.height_px, frame.patch_px, recall.step_px);
        let alike = CommonPatch { width_px, height_px, patch_px };
        let common = self.zeros("common", alike.words());
        let sums = Odometer { width_px, height_px, patch_px, step_px }.pass(odometer::Buffers { pixels, scrolls, common, odometer });
        let enter = Remember { tokens: n, grid_w: frame.grid_w(), dims, steps: patch_px / step_px };
        let remember = vec![
            alike.pass(common_patch::Buffers { pixels, scrolls, common }),
            sums,
            enter.pass(remember::Buffers { tokens, scrolls, map, odometer, codes }),
        ];
        RecallPlan { remember, map, odometer }
    }

    /// Attention inside a frame; `name` + `qkv`, `out`.
    fn space(&mut self, name: &str, c: usize, heads: usize, s: &Scratch, norm: Norm<'_>, out: &mut Vec<Pass>) -> Result<(), PackError> {
        out.push(self.product(&format!("{name}.qkv"), false, Input::new(s.x, c, norm), (3 * c, 3 * heads), Then::Store, s.qkv)?);
        out.push(self.attend(c, heads).pass(Keys::Space { qkv: s.qkv }, s.attended));
        out.push(self.attention_out(name, (c, heads), s)?);
        Ok(())
    }

    fn attend(&self, channels: usize, heads: usize) -> Attend {
        Attend { tokens: self.pack.manifest.frame.tokens(), heads, channels, rows: self.rows, tier: self.tier }
    }

    fn attention_out(&mut self, name: &str, (c, heads): (usize, usize), s: &Scratch) -> Result<Pass, PackError> {
        let input = Input { parts: heads, ..Input::new(s.attended, c, Norm::None) };
        self.product(&format!("{name}.out"), false, input, (c, 1), Then::Residual, s.x)
    }

    fn time(&mut self, i: usize, dims: &DynamicsDims, s: &Scratch, norm: Norm<'_>, out: &mut Vec<Pass>) -> Result<(), PackError> {
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

    fn prompt(
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

    fn feed_forward(
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

    fn decoder(&mut self, frame: &FrameDims, t: &TokenizerDims, tokens: BufferId, pixels: BufferId) -> Result<Vec<Pass>, PackError> {
        let (c, rows) = (t.channels, self.rows);
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
        let (n, grid_w, grid_h) = (frame.tokens(), frame.grid_w(), frame.grid_h());
        let shape = Embed { tokens: n, grid_w, grid_h, dims: frame.code_dims, levels: frame.code_levels, channels: c, rows, beside: false };
        let mut out = vec![shape.pass(embed::Buffers {
            tokens,
            table: self.floats("tok.dec.code", &values),
            positions: self.floats("tok.dec.pos", &pad_columns(&positions.values, c, 1)),
            dynamics: None,
            x: s.x,
        })];
        let gains = Gains {
            tokens: n,
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

/// Activations that blocks pass on to each other.
struct Scratch {
    x: BufferId,
    qkv: BufferId,
    query: BufferId,
    attended: BufferId,
    hidden: BufferId,
}
