//! What one thread of the CPU engine does: it owns a range of tokens, and everything about them but attention inside a frame is its own
//! business. So a block needs a single barrier, where keys and values of the frame meet.

use super::{
    attention::{Attend, PanelDims},
    buffer::{Floats, PANEL, Shared, padded},
    kernels::Kernels,
    matmul::{Packed, Then},
    pool::Barrier,
    weights::{DecoderWeights, DynamicsWeights, EncoderWeights, LookGains, LookWeights, PlainNorm, TokenizerBlock, plain_gains},
};
use crate::{
    engine::{Settled, UNKNOWN, adjacency::Adjacency, recall::TAPS},
    pack::manifest::{DynamicsDims, FrameDims, Manifest, TokenizerDims},
};
use std::ops::Range;

/// Everything read-only after load.
pub struct Model {
    pub frame: FrameDims,
    pub tokenizer: TokenizerDims,
    pub encoder: EncoderWeights,
    pub decoder: DecoderWeights,
    pub dynamics: Option<DynamicsWeights>,
    pub tokenizer_panels: PanelDims,
    /// Of a frame's tokens in the dynamics; as the tokenizer's where there is none.
    pub frame_panels: PanelDims,
}

/// Groups of rows that may go through a pass together: the frame being dreamed, the same without its prompt, the one being committed.
pub const GROUPS: usize = 3;

/// A thread's own memory, for `m` tokens.
pub struct Worker {
    pub tokens: Range<usize>,
    /// Rows of own tokens that are carried on, ascending: all, but for those that nobody reads at the end of a pass.
    pub carried: Vec<usize>,
    /// `(GROUPS * m, padded channels)`: the residual stream and its norm.
    pub x: Floats,
    pub y: Floats,
    /// Values of the look and what they say to the decoder: `(padded code_dims)`, `(padded look_hidden)`.
    look: [Floats; 2],
    /// Behind every norm of the decoder in turn, as [`plain_gains`]; those where no look sets others.
    gains: Floats,
    pub qkv: Floats,
    pub seen: Floats,
    pub hidden: Floats,
    /// Patches or neighbourhoods, `(m, ...)`.
    pub wide: Floats,
    pub scores: Floats,
    /// What the frame being dreamed, and the one being committed, see of what was before them outside the ring: `(m, padded channels)`.
    pub past_now: Floats,
    pub past_pending: Floats,
    /// `(temporal layers, window, m, padded 2 channels)`.
    pub ring: Floats,
    /// Hidden units of the head, with the prompt and without: `(2 m, padded code_dims * head_hidden)`.
    pub head_hidden: Floats,
    /// Gates of the sources of copying, with the prompt and without: `(2 m, padded sources)`.
    pub gates: Floats,
    /// Logits of one dimension, with the prompt and without, each `(code_levels)`.
    pub logits: [Vec<f32>; 2],
}

/// What threads exchange.
pub struct Exchange {
    /// Keys and values of a frame: two parities of a block's turn, groups, panels.
    k_panels: Shared<f32>,
    v_panels: Shared<f32>,
    /// Embedding of the previous frame, `(tokens, padded channels)`.
    pub embedded: Shared<f32>,
    pub codes: Shared<u8>,
    pub encoded: Shared<u8>,
    /// What is seen of every patch, from which the look is read: `(patches, padded ffn_hidden)`.
    look_hidden: Shared<f32>,
    pub masked: Shared<bool>,
    pub confidence: Shared<f32>,
    /// Whether the map has something to offer for a token that was chosen, or there is no map.
    pub offered: Shared<bool>,
    /// How tokens were drawn last.
    pub settled: Shared<Settled>,
    pub order: Shared<u32>,
    /// What tokens of the land may be, where it is known what lies beside what.
    pub domains: Shared<u32>,
    pub logits: Shared<f32>,
    pub rgba: Shared<u8>,
    /// Milliseconds of each stage of a frame, by thread 0.
    pub stage_ms: Shared<f32>,
}

impl Exchange {
    pub fn new(model: &Model, stages: usize) -> Self {
        let (f, n) = (&model.frame, model.frame.tokens());
        let dims = [model.tokenizer_panels, model.frame_panels];
        let largest = |of: fn(&PanelDims) -> usize| dims.iter().map(of).max().unwrap_or(0);
        let channels = model.dynamics.as_ref().map_or(0, |d| padded(d.dims.channels));
        let adjacency = model.dynamics.as_ref().and_then(|d| d.adjacency.as_ref());
        Self {
            k_panels: Shared::filled(0.0, 2 * GROUPS * largest(PanelDims::key_floats)),
            v_panels: Shared::filled(0.0, 2 * GROUPS * largest(PanelDims::value_floats)),
            embedded: Shared::filled(0.0, n * channels),
            codes: Shared::filled(0, f.code_bytes()),
            encoded: Shared::filled(0, f.code_bytes()),
            look_hidden: Shared::filled(0.0, if f.look { f.patches() * padded(model.tokenizer.ffn_hidden) } else { 0 }),
            masked: Shared::filled(false, n),
            confidence: Shared::filled(0.0, n),
            offered: Shared::filled(true, n),
            settled: Shared::filled(Settled::GIVEN, n),
            order: Shared::filled(0, n),
            domains: Shared::filled(0, adjacency.map_or(0, Adjacency::domain_words)),
            logits: Shared::filled(0.0, n * f.code_dims * f.code_levels),
            rgba: Shared::filled(0, f.width_px * f.height_px * 4),
            stage_ms: Shared::filled(0.0, stages),
        }
    }
}

impl Worker {
    pub fn new(m: &Manifest, model: &Model, tokens: Range<usize>) -> Self {
        let (t, f, rows) = (&m.tokenizer, &m.frame, tokens.len());
        let patch = padded(f.patch_values());
        let hidden_of_tokenizer = t.ffn_hidden.max(t.patch_in_hidden).max(t.patch_out_hidden);
        let seen = model.tokenizer_panels.out_columns().max(model.frame_panels.out_columns());
        let room = model.tokenizer_panels.room.max(model.frame_panels.room);
        let dims = model.dynamics.as_ref().map(|d| &d.dims);
        let c = dims.map_or(0, |d| d.channels);
        let words_room = dims.map_or(0, |d| padded(2 * d.prompt_words + 1));
        let ages_room = dims.map_or(0, |d| d.heads * padded(d.window));
        let ring = model.dynamics.as_ref().map_or(0, |d| d.temporal_layers() * d.dims.window * rows * padded(2 * c));
        let widest = |of_tokenizer: usize, of_dynamics: usize| Floats::zeros(rows * padded(of_tokenizer).max(GROUPS * padded(of_dynamics)));
        Self {
            x: widest(t.channels, c),
            // Also the values that go into the decoder, and what comes out of its last norm.
            y: widest(t.channels.max(f.code_dims).max(t.patch_out_hidden), c),
            look: [f.code_dims, t.look_hidden].map(|width| Floats::zeros(padded(width))),
            gains: plain_gains(t),
            qkv: widest((3 * t.channels).max(f.code_dims), 3 * c),
            seen: widest(seen, seen),
            hidden: widest(hidden_of_tokenizer, dims.map_or(0, |d| d.ffn_hidden)),
            wide: Floats::zeros(rows * patch.max(padded(TAPS * c))),
            scores: Floats::zeros((8 * room.max(words_room)).max(ages_room)),
            past_now: Floats::zeros(rows * padded(c)),
            past_pending: Floats::zeros(rows * padded(c)),
            ring: Floats::zeros(ring),
            head_hidden: Floats::zeros(2 * rows * padded(f.code_dims * dims.map_or(0, |d| d.head_hidden))),
            gates: Floats::zeros(2 * rows * padded(dims.map_or(0, DynamicsDims::sources))),
            logits: [(); 2].map(|()| vec![0.0; f.code_levels]),
            carried: tokens.clone().map(|n| n - tokens.start).collect(),
            tokens,
        }
    }
}

/// One thread at work.
pub struct Lane<'a> {
    pub kernels: Kernels,
    pub model: &'a Model,
    pub exchange: &'a Exchange,
    pub barrier: &'a Barrier,
    pub w: &'a mut Worker,
    /// Counts the attentions inside a frame: odd and even ones use different panels, so that nobody overwrites what another still reads.
    pub turn: usize,
}

/// Rows `0..rows` of a buffer.
pub fn rows(buffer: &Floats, rows: usize, stride: usize) -> &[f32] {
    &buffer[..rows * stride]
}

pub fn rows_mut(buffer: &mut Floats, rows: usize, stride: usize) -> &mut [f32] {
    &mut buffer[..rows * stride]
}

impl Lane<'_> {
    /// Own tokens.
    pub fn own(&self) -> usize {
        self.w.tokens.len()
    }

    /// Own tokens that have a patch: all but the look.
    fn patches(&self) -> Range<usize> {
        let most = self.model.frame.patches();
        self.w.tokens.start.min(most)..self.w.tokens.end.min(most)
    }

    /// Attention among the tokens of a frame, for `groups` frames at once: `qkv` of own rows in, `seen` of own rows out.
    pub fn attend_inside(&mut self, dims: PanelDims, groups: usize) {
        let (own, c) = (self.own(), dims.heads * dims.dh);
        let (stride, seen) = (padded(3 * c), dims.out_columns());
        let (ks, vs) = (self.exchange.k_panels.len() / (2 * GROUPS), self.exchange.v_panels.len() / (2 * GROUPS));
        let place = |group: usize| self.turn % 2 * GROUPS + group;
        for group in 0..groups {
            let (k_start, v_start) = (place(group) * ks, place(group) * vs);
            for (row, n) in self.w.qkv[group * own * stride..].chunks_exact(stride).zip(self.w.tokens.clone()) {
                // SAFETY: panels of this parity were last read before the previous barrier, and each token's elements belong to one thread.
                let set_key = |i, x| unsafe { self.exchange.k_panels.set(k_start + i, x) };
                let set_value = |i, part: &[f32]| {
                    let start = v_start + i;
                    unsafe { self.exchange.v_panels.write(start..start + part.len()) }.copy_from_slice(part);
                };
                dims.place(n, &row[c..2 * c], &row[2 * c..3 * c], set_key, set_value);
            }
        }
        self.barrier.wait();
        for group in 0..groups {
            let (k_start, v_start) = (place(group) * ks, place(group) * vs);
            // SAFETY: written before the barrier; written again two turns later, after another barrier.
            let (k_panels, v_panels) = unsafe {
                let k = self.exchange.k_panels.read(k_start..k_start + dims.key_floats());
                (k, self.exchange.v_panels.read(v_start..v_start + dims.value_floats()))
            };
            self.kernels.attend(Attend {
                dims,
                q: &self.w.qkv[group * own * stride..][..own * stride],
                q_stride: stride,
                keys: self.model.frame.tokens(),
                bias: &[],
                k_panels,
                v_panels,
                scores: &mut self.w.scores,
                out: &mut self.w.seen[group * own * seen..][..own * seen],
                out_stride: seen,
            });
        }
        self.turn += 1;
    }

    /// `x += gelu(y up) down` of the first `n` rows.
    pub fn feed_forward(&mut self, up: &Packed, down: &Packed, n: usize, stride: usize, hidden: usize) {
        let (w, k, hidden) = (&mut *self.w, self.kernels, padded(hidden));
        k.product(rows(&w.y, n, stride), stride, up, rows_mut(&mut w.hidden, n, hidden), hidden, Then::Gelu);
        k.product(rows(&w.hidden, n, hidden), hidden, down, rows_mut(&mut w.x, n, stride), stride, Then::Add);
    }

    fn plain_norm(&mut self, plain: &PlainNorm) {
        let (n, c) = (self.own(), self.model.tokenizer.channels);
        self.kernels.norm(rows(&self.w.x, n, padded(c)), c, &plain.gain, &plain.shift, &mut self.w.y);
    }

    /// Norm `number` of the decoder, `x` to `y`.
    fn decoder_norm(&mut self, number: usize) {
        let (n, c, w) = (self.own(), self.model.tokenizer.channels, &mut *self.w);
        let stride = padded(c);
        self.kernels.norm(rows(&w.x, n, stride), c, &w.gains[number * stride..], &self.model.decoder.shift, &mut w.y);
    }

    /// Block `number` of the decoder.
    fn decoder_block(&mut self, number: usize, block: &TokenizerBlock) {
        let (n, c, k) = (self.own(), self.model.tokenizer.channels, self.kernels);
        let (stride, qkv, dims) = (padded(c), padded(3 * c), self.model.tokenizer_panels);
        self.decoder_norm(2 * number);
        k.product(rows(&self.w.y, n, stride), stride, &block.qkv, rows_mut(&mut self.w.qkv, n, qkv), qkv, Then::Store);
        self.attend_inside(dims, 1);
        let seen = dims.out_columns();
        k.product(rows(&self.w.seen, n, seen), seen, &block.out, rows_mut(&mut self.w.x, n, stride), stride, Then::Add);
        self.decoder_norm(2 * number + 1);
        self.feed_forward(&block.ffn.up, &block.ffn.down, n, stride, self.model.tokenizer.ffn_hidden);
    }

    /// Codes of a frame, own tokens into `exchange.encoded`. `rgb`: `(height_px, width_px, 3)`.
    pub fn encode(&mut self, rgb: &[u8]) {
        let (model, patches, k) = (self.model, self.patches(), self.kernels);
        let n = patches.len();
        let (f, t, encoder) = (&model.frame, &model.tokenizer, &model.encoder);
        let (patch, hidden, stride) = (padded(f.patch_values()), padded(t.patch_in_hidden), padded(t.channels));
        for (row, token) in self.w.wide.chunks_exact_mut(patch).zip(patches.clone()) {
            let [gx, gy] = f.cell(token);
            for (y, out) in row[..f.patch_values()].chunks_exact_mut(f.patch_px * 3).enumerate() {
                let start = ((gy * f.patch_px + y) * f.width_px + gx * f.patch_px) * 3;
                for (o, &x) in out.iter_mut().zip(&rgb[start..]) {
                    *o = f32::from(x) / 127.5 - 1.0;
                }
            }
        }
        k.product(rows(&self.w.wide, n, patch), patch, &encoder.in1, rows_mut(&mut self.w.hidden, n, hidden), hidden, Then::Gelu);
        k.product(rows(&self.w.hidden, n, hidden), hidden, &encoder.in2, rows_mut(&mut self.w.x, n, stride), stride, Then::Store);
        if let Some(look) = &encoder.look {
            self.encode_look(look, patches.clone());
        }
        for block in &encoder.blocks {
            self.plain_norm(&encoder.plain);
            self.feed_forward(&block.up, &block.down, n, stride, t.ffn_hidden);
        }
        self.plain_norm(&encoder.plain);
        let values = padded(f.code_dims);
        k.product(rows(&self.w.y, n, stride), stride, &encoder.code, rows_mut(&mut self.w.qkv, n, values), values, Then::Store);
        // SAFETY: own tokens, read after the job.
        let codes = unsafe { self.exchange.encoded.write(patches.start * f.code_dims..patches.end * f.code_dims) };
        for (token, row) in codes.chunks_exact_mut(f.code_dims).zip(self.w.qkv.chunks_exact(values)) {
            quantise(row, f.code_levels, token);
        }
    }

    /// The look's code into `exchange.encoded`, by the thread that owns it, read off the patches of every thread; own `patches` in its light.
    fn encode_look(&mut self, look: &LookWeights, patches: Range<usize>) {
        let (model, n, k) = (self.model, patches.len(), self.kernels);
        let (f, t) = (&model.frame, &model.tokenizer);
        let (stride, hidden, values) = (padded(t.channels), padded(t.ffn_hidden), padded(f.code_dims));
        self.plain_norm(&model.encoder.plain);
        // SAFETY: own patches, read after the barrier.
        let seen = unsafe { self.exchange.look_hidden.write(patches.start * hidden..patches.end * hidden) };
        k.product(rows(&self.w.y, n, stride), stride, &look.ffn.up, seen, hidden, Then::Gelu);
        self.barrier.wait();
        // SAFETY: written before the barrier, and again in the next job.
        let seen = unsafe { self.exchange.look_hidden.read(0..self.exchange.look_hidden.len()) };
        let (mut mean, mut normed) = (Floats::zeros(hidden), Floats::zeros(hidden));
        seen.chunks_exact(hidden).for_each(|row| k.add(row, &mut mean));
        mean.iter_mut().for_each(|sum| *sum /= f.patches() as f32);
        k.norm(&mean, t.ffn_hidden, &look.plain.gain, &look.plain.shift, &mut normed);
        let (mut z, mut code, mut lit) = (Floats::zeros(values), vec![0; f.code_dims], Floats::zeros(stride));
        k.product(&normed, hidden, &look.ffn.down, &mut z, values, Then::Store);
        quantise(&z, f.code_levels, &mut code);
        z.iter_mut().zip(&code).for_each(|(value, code)| *value = value_of(*code, f.code_levels));
        k.product(&z, values, &look.lit, &mut lit, stride, Then::Store);
        rows_mut(&mut self.w.x, n, stride).chunks_exact_mut(stride).for_each(|row| k.add(&lit, row));
        if self.w.tokens.end > f.patches() {
            // SAFETY: an own token, read after the job.
            unsafe { self.exchange.encoded.write(f.patches() * f.code_dims..f.code_bytes()) }.copy_from_slice(&code);
        }
    }

    /// What the look in `exchange.codes` makes of the decoder's norms: too little work to share out.
    fn set_gains(&mut self, look: &LookGains) {
        let (f, k, w) = (&self.model.frame, self.kernels, &mut *self.w);
        let [values, hidden] = &mut w.look;
        self.barrier.wait();
        // SAFETY: written before the barrier, and again in the next job.
        let codes = unsafe { self.exchange.codes.read(f.patches() * f.code_dims..f.code_bytes()) };
        values.iter_mut().zip(codes).for_each(|(value, code)| *value = value_of(*code, f.code_levels));
        let (of_values, of_hidden, of_gains) = (values.len(), hidden.len(), w.gains.len());
        k.product(values, of_values, &look.hidden, hidden, of_hidden, Then::Store);
        hidden.iter_mut().for_each(|x| *x /= 1.0 + (-*x).exp());
        k.product(hidden, of_hidden, &look.gains, &mut w.gains, of_gains, Then::Store);
    }

    /// Pixels of the codes in `exchange.codes`, own patches into `exchange.rgba`.
    pub fn decode(&mut self) {
        let (model, n, k) = (self.model, self.own(), self.kernels);
        let (f, t, decoder) = (&model.frame, &model.tokenizer, &model.decoder);
        let (values, hidden, stride, patch) =
            (padded(f.code_dims), padded(t.patch_out_hidden), padded(t.channels), padded(f.patch_values()));
        // SAFETY: own tokens, written by this thread alone.
        let codes = unsafe { self.exchange.codes.read(self.w.tokens.start * f.code_dims..self.w.tokens.end * f.code_dims) };
        for (token, row) in codes.chunks_exact(f.code_dims).zip(self.w.y.chunks_exact_mut(values)) {
            row.iter_mut().zip(token).for_each(|(value, code)| *value = value_of(*code, f.code_levels));
        }
        if let Some(look) = &decoder.look {
            self.set_gains(look);
        }
        k.product(rows(&self.w.y, n, values), values, &decoder.code, rows_mut(&mut self.w.x, n, stride), stride, Then::Store);
        k.add(&decoder.pos[self.w.tokens.start * stride..], rows_mut(&mut self.w.x, n, stride));
        for (number, block) in decoder.blocks.iter().enumerate() {
            self.decoder_block(number, block);
        }
        self.decoder_norm(2 * decoder.blocks.len());
        let w = &mut *self.w;
        k.product(rows(&w.y, n, stride), stride, &decoder.out1, rows_mut(&mut w.hidden, n, hidden), hidden, Then::Gelu);
        let mut raised = rows(&w.hidden, n, hidden);
        if decoder.look.is_some() {
            let gains = &w.gains[(2 * decoder.blocks.len() + 1) * stride..];
            k.norm(raised, t.patch_out_hidden, gains, &decoder.shift, &mut w.y);
            raised = rows(&w.y, n, hidden);
        }
        k.product(raised, hidden, &decoder.out2, rows_mut(&mut w.wide, n, patch), patch, Then::Store);
        for (row, token) in self.w.wide.chunks_exact(patch).zip(self.patches()) {
            let [gx, gy] = f.cell(token);
            for (y, line) in row[..f.patch_values()].chunks_exact(f.patch_px * 3).enumerate() {
                let start = ((gy * f.patch_px + y) * f.width_px + gx * f.patch_px) * 4;
                // SAFETY: the pixels of own patches; read after the job.
                let out = unsafe { self.exchange.rgba.write(start..start + f.patch_px * 4) };
                for (rgba, rgb) in out.chunks_exact_mut(4).zip(line.chunks_exact(3)) {
                    // Truncation of a positive number half higher: round.
                    let byte = |v: f32| ((v + 1.0) * 127.5 + 0.5).clamp(0.0, 255.5) as u8;
                    rgba.copy_from_slice(&[byte(rgb[0]), byte(rgb[1]), byte(rgb[2]), 255]);
                }
            }
        }
    }
}

/// What a level is read as, in -1..1; an unknown one as the middle.
fn value_of(code: u8, levels: usize) -> f32 {
    if code == UNKNOWN { 0.0 } else { f32::from(code) * (2.0 / (levels - 1) as f32) - 1.0 }
}

/// FSQ: the levels of a token's values before the bottleneck.
fn quantise(z: &[f32], levels: usize, token: &mut [u8]) {
    let top = (levels - 1) as f32;
    for (code, z) in token.iter_mut().zip(z) {
        *code = ((z.tanh() + 1.0) * top / 2.0 + 0.5).floor() as u8;
    }
}

/// Panels from column `c` on begin in this one.
pub fn panel_of(c: usize) -> usize {
    c / PANEL
}
