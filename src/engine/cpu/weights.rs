//! A pack's weights as the kernels want them: f32, packed once at load.

use super::{
    buffer::{Floats, padded},
    matmul::Packed,
};
use crate::{
    engine::{adjacency::Adjacency, recall::TAPS, vocabulary::Vocabulary},
    pack::{
        Pack, PackError,
        manifest::{DynamicsDims, TokenizerDims},
    },
    prompt,
};

/// Loads `NAME.w` and, where there is one, `NAME.b`. `inner` is the number of rows.
fn linear(pack: &Pack, name: &str, inner: usize) -> Result<Packed, PackError> {
    let bias = format!("{name}.b");
    let bias = if pack.tensors.contains_key(&bias) { pack.f32s(&bias)? } else { Vec::new() };
    Ok(Packed::new(&pack.f32s(&format!("{name}.w"))?, &bias, inner))
}

fn rows(pack: &Pack, name: &str, columns: usize) -> Result<Floats, PackError> {
    Ok(Floats::from_rows(&pack.f32s(name)?, columns))
}

/// A feed-forward of the tokenizer.
pub struct FeedForward {
    pub up: Packed,
    pub down: Packed,
}

impl FeedForward {
    fn load(pack: &Pack, name: &str, t: &TokenizerDims) -> Result<Self, PackError> {
        Ok(Self { up: linear(pack, &format!("{name}.up"), t.channels)?, down: linear(pack, &format!("{name}.down"), t.ffn_hidden)? })
    }
}

/// A block of the decoder.
pub struct TokenizerBlock {
    pub qkv: Packed,
    pub out: Packed,
    pub ffn: FeedForward,
}

impl TokenizerBlock {
    fn load(pack: &Pack, name: &str, t: &TokenizerDims) -> Result<Self, PackError> {
        Ok(Self {
            qkv: linear(pack, &format!("{name}.qkv"), t.channels)?,
            out: linear(pack, &format!("{name}.out"), t.channels)?,
            ffn: FeedForward::load(pack, name, t)?,
        })
    }
}

/// Gain and shift of a norm that does neither: ones and zeros.
pub struct PlainNorm {
    pub gain: Floats,
    pub shift: Floats,
}

impl PlainNorm {
    fn new(channels: usize) -> Self {
        Self { gain: Floats::from_rows(&vec![1.0; channels], channels), shift: Floats::zeros(padded(channels)) }
    }
}

/// From pixels to codes, every patch by itself but for the look of all of them.
pub struct EncoderWeights {
    pub in1: Packed,
    pub in2: Packed,
    pub blocks: Vec<FeedForward>,
    pub code: Packed,
    pub plain: PlainNorm,
    /// `None` where a frame has no token of its look.
    pub look: Option<LookWeights>,
}

/// From what is seen of all patches to the code of the look, and what patches are read in its light.
pub struct LookWeights {
    pub ffn: FeedForward,
    pub lit: Packed,
    /// Of the mean between its two products.
    pub plain: PlainNorm,
}

/// From the look's values to a gain for every channel behind every norm of the decoder.
pub struct LookGains {
    pub hidden: Packed,
    /// Padded as [`plain_gains`]; one where the hidden units say nothing.
    pub gains: Packed,
}

impl LookGains {
    fn load(pack: &Pack) -> Result<Self, PackError> {
        let (t, w) = (&pack.manifest.tokenizer, pack.f32s("tok.dec.look.gain.w")?);
        let wide: Vec<f32> = w.chunks_exact(t.decoder_gains()).flat_map(|row| pad_gains(row, t)).collect();
        Ok(Self {
            hidden: linear(pack, "tok.dec.look.hidden", pack.manifest.frame.code_dims)?,
            gains: Packed::new(&wide, &plain_gains(t), t.look_hidden),
        })
    }

    /// Multiply-adds of one frame.
    pub fn work(&self) -> usize {
        self.hidden.work() + self.gains.work()
    }
}

/// One for every channel behind every norm of the decoder: the gains of each padded, those of the last, of out2, at the end.
pub fn plain_gains(t: &TokenizerDims) -> Floats {
    let gains = pad_gains(&vec![1.0; t.decoder_gains()], t);
    Floats::from_rows(&gains, gains.len())
}

/// `(decoder_gains)` values with the gains of each norm padded.
fn pad_gains(gains: &[f32], t: &TokenizerDims) -> Vec<f32> {
    let (of_channels, of_out2) = gains.split_at(gains.len() - t.patch_out_hidden);
    [Floats::from_rows(of_channels, t.channels), Floats::from_rows(of_out2, t.patch_out_hidden)]
        .iter()
        .flat_map(|part| part.to_vec())
        .collect()
}

/// From codes to pixels.
pub struct DecoderWeights {
    pub code: Packed,
    pub pos: Floats,
    pub blocks: Vec<TokenizerBlock>,
    pub out1: Packed,
    pub out2: Packed,
    /// `None` where a frame has no token of its look.
    pub look: Option<LookGains>,
    /// Zeros, for any norm.
    pub shift: Floats,
}

impl EncoderWeights {
    pub fn load(pack: &Pack) -> Result<Self, PackError> {
        let (t, patch) = (&pack.manifest.tokenizer, pack.manifest.frame.patch_values());
        let look = || -> Result<LookWeights, PackError> {
            let lit = linear(pack, "tok.enc.look.lit", pack.manifest.frame.code_dims)?;
            Ok(LookWeights { ffn: FeedForward::load(pack, "tok.enc.look", t)?, lit, plain: PlainNorm::new(t.ffn_hidden) })
        };
        Ok(Self {
            in1: linear(pack, "tok.enc.in1", patch)?,
            in2: linear(pack, "tok.enc.in2", t.patch_in_hidden)?,
            blocks: (0..t.encoder_blocks).map(|i| FeedForward::load(pack, &format!("tok.enc.{i}"), t)).collect::<Result<_, _>>()?,
            code: linear(pack, "tok.enc.code", t.channels)?,
            plain: PlainNorm::new(t.channels),
            look: pack.manifest.frame.look.then(look).transpose()?,
        })
    }
}

impl DecoderWeights {
    pub fn load(pack: &Pack) -> Result<Self, PackError> {
        let t = &pack.manifest.tokenizer;
        Ok(Self {
            code: linear(pack, "tok.dec.code", pack.manifest.frame.code_dims)?,
            pos: rows(pack, "tok.dec.pos", t.channels)?,
            blocks: (0..t.decoder_blocks).map(|i| TokenizerBlock::load(pack, &format!("tok.dec.{i}"), t)).collect::<Result<_, _>>()?,
            out1: linear(pack, "tok.dec.out1", t.channels)?,
            out2: linear(pack, "tok.dec.out2", t.patch_out_hidden)?,
            look: pack.manifest.frame.look.then(|| LookGains::load(pack)).transpose()?,
            shift: Floats::zeros(padded(t.channels.max(t.patch_out_hidden))),
        })
    }

    /// Multiply-adds of one token, attention and what the look sets left out.
    pub fn work(&self) -> usize {
        let blocks = self.blocks.iter().flat_map(|b| [&b.qkv, &b.out, &b.ffn.up, &b.ffn.down]);
        [&self.code, &self.out1, &self.out2].into_iter().chain(blocks).map(Packed::work).sum()
    }
}

/// Temporal attention of a block.
pub struct TimeWeights {
    pub qkv: Packed,
    pub out: Packed,
    /// `(heads, window)`, unpadded.
    pub bias: Vec<f32>,
}

/// Prompt attention of a block.
pub struct TextWeights {
    pub q: Packed,
    pub kv: Packed,
    pub out: Packed,
}

pub struct DynamicsBlock {
    pub qkv: Packed,
    pub out: Packed,
    pub time: Option<TimeWeights>,
    pub text: Option<TextWeights>,
    pub up: Packed,
    pub down: Packed,
    /// `(actions + 1, norms, 2, padded channels)`: gain `1 + gamma` and shift `beta` of each norm under each action.
    modulation: Floats,
    norms: usize,
}

impl DynamicsBlock {
    /// Gain and shift of norm `j` under an action, each `(stride)`.
    pub fn modulation(&self, action: u8, j: usize, stride: usize) -> (&[f32], &[f32]) {
        self.modulation[(usize::from(action) * self.norms + j) * 2 * stride..][..2 * stride].split_at(stride)
    }
}

/// The head: hidden units of every code dimension, and what turns them into levels one dimension after the other.
pub struct HeadWeights {
    pub hidden: Packed,
    /// Gates of the sources of copying.
    pub copy: Packed,
    /// Hidden units a dimension.
    pub units: usize,
    /// `(code_dims * levels, code_dims * units)`.
    pub codes: Vec<f32>,
    /// `(code_dims, levels, units)`.
    pub out: Vec<f32>,
    /// `(code_dims * levels)`.
    pub bias: Vec<f32>,
}

impl HeadWeights {
    fn load(pack: &Pack, dims: &DynamicsDims) -> Result<Self, PackError> {
        let (units, levels) = (dims.head_hidden, pack.manifest.frame.code_levels);
        let out = pack.f32s("dyn.head.out.w")?;
        let turned = out.chunks_exact(units * levels).flat_map(|block| (0..levels).flat_map(move |l| block[l..].iter().step_by(levels)));
        Ok(Self {
            hidden: linear(pack, "dyn.head.hidden", dims.channels)?,
            copy: linear(pack, "dyn.head.copy", dims.channels)?,
            units,
            codes: pack.f32s("dyn.head.codes")?,
            out: turned.copied().collect(),
            bias: pack.f32s("dyn.head.out.b")?,
        })
    }

    /// Logits `(levels)` of dimension `dim`. `hidden`: `(code_dims * units)` of the token, with what [`Self::tell`] added.
    pub fn logits(&self, hidden: &[f32], dim: usize, logits: &mut [f32]) {
        let (units, levels) = (self.units, logits.len());
        let own = &hidden[dim * units..][..units];
        let weights = self.out[dim * levels * units..].chunks_exact(units);
        for ((logit, weights), bias) in logits.iter_mut().zip(weights).zip(&self.bias[dim * levels..]) {
            *logit = bias + relu_dot(own, weights);
        }
    }

    /// Tells the dimensions after `dim` its level.
    pub fn tell(&self, hidden: &mut [f32], dim: usize, level: u8, levels: usize) {
        let (later, wide) = ((dim + 1) * self.units, hidden.len());
        let row = &self.codes[(dim * levels + usize::from(level)) * wide..][..wide];
        hidden[later..].iter_mut().zip(&row[later..]).for_each(|(h, c)| *h += c);
    }

    /// Multiply-adds of one token.
    pub fn work(&self) -> usize {
        self.hidden.work() + self.copy.work() + self.out.len()
    }
}

/// `relu(h) w`, in eight sums side by side, which the compiler makes vectors of.
fn relu_dot(h: &[f32], w: &[f32]) -> f32 {
    let ((h, h_rest), (w, w_rest)) = (h.as_chunks::<8>(), w.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (h, w) in h.iter().zip(w) {
        for (sum, (h, w)) in sums.iter_mut().zip(h.iter().zip(w)) {
            *sum += h.max(0.0) * w;
        }
    }
    let rest: f32 = h_rest.iter().zip(w_rest).map(|(h, w)| h.max(0.0) * w).sum();
    sums.iter().sum::<f32>() + rest
}

/// What a tap of a 3x3 convolution adds to its token: rows of a table times the tap's part of the matrix, so that no product is left at
/// play.
pub struct TapTable {
    /// `(TAPS, rows of a tap, padded channels)`
    rows: Floats,
    of_tap: usize,
}

impl TapTable {
    /// inputs `(rows of a tap, channels)`, w `(TAPS * channels, channels)`.
    fn new(inputs: &[f32], w: &[f32], channels: usize) -> Self {
        let mut values = Vec::with_capacity(TAPS * inputs.len());
        for of_tap in w.chunks_exact(channels * channels) {
            for input in inputs.chunks_exact(channels) {
                let input: Vec<f64> = input.iter().map(|&x| f64::from(x)).collect();
                values.extend(product_f64(&input, of_tap, &vec![0.0; channels]).into_iter().map(|x| x as f32));
            }
        }
        Self { rows: Floats::from_rows(&values, channels), of_tap: inputs.len() / channels }
    }

    /// Rows of `dyn.embed`, then the classes of age.
    fn recall(pack: &Pack, channels: usize) -> Result<Self, PackError> {
        let inputs = [pack.f32s("dyn.embed")?, pack.f32s("dyn.recall.age")?].concat();
        Ok(Self::new(&inputs, &pack.f32s("dyn.recall.w")?, channels))
    }

    /// Rows of `dyn.embed`.
    fn beside(pack: &Pack, channels: usize) -> Result<Self, PackError> {
        Ok(Self::new(&pack.f32s("dyn.embed")?, &pack.f32s("dyn.beside.w")?, channels))
    }

    /// What row `row` adds by a tap.
    pub fn row(&self, tap: usize, row: usize, stride: usize) -> &[f32] {
        &self.rows[(tap * self.of_tap + row) * stride..][..stride]
    }
}

/// The dynamics. Tables are `(rows, padded channels)`.
pub struct DynamicsWeights {
    pub dims: DynamicsDims,
    pub embed: Floats,
    pub pos: Floats,
    pub level: Floats,
    pub told: Floats,
    pub prev: Packed,
    /// `(actions + 1, padded TAPS * channels)`: what an action lets through to [`Self::prev`].
    pub gate: Floats,
    pub recall: Option<TapTable>,
    pub beside: Option<TapTable>,
    pub blocks: Vec<DynamicsBlock>,
    pub head: HeadWeights,
    pub vocabulary: Option<Vocabulary>,
    pub adjacency: Option<Adjacency>,
    /// From a word's vector to its embedding, and what stands for "nothing said".
    pub words: Packed,
    pub nothing_said: Floats,
    pub gain: Floats,
    pub shift: Floats,
}

impl DynamicsWeights {
    pub fn load(pack: &Pack, dims: &DynamicsDims) -> Result<Self, PackError> {
        let c = dims.channels;
        let conditions = conditions(pack, dims)?;
        let block = |i: usize| -> Result<DynamicsBlock, PackError> {
            let kind = dims.blocks[i];
            let name = |part: &str| format!("dyn.{i}.{part}");
            let (w, b) = (pack.f32s(&name("mod.w"))?, pack.f32s(&name("mod.b"))?);
            let mut modulation = Vec::new();
            for condition in &conditions {
                let mut m = product_f64(condition, &w, &b);
                // gamma and beta take turns, `c` values each.
                m.chunks_mut(c).step_by(2).flatten().for_each(|gamma| *gamma += 1.0);
                modulation.extend(m.into_iter().map(|x| x as f32));
            }
            let time = || -> Result<TimeWeights, PackError> {
                Ok(TimeWeights {
                    qkv: linear(pack, &name("time.qkv"), c)?,
                    out: linear(pack, &name("time.out"), c)?,
                    bias: pack.f32s(&name("time.bias"))?,
                })
            };
            let text = || -> Result<TextWeights, PackError> {
                Ok(TextWeights {
                    q: linear(pack, &name("text.q"), c)?,
                    kv: linear(pack, &name("text.kv"), c)?,
                    out: linear(pack, &name("text.out"), c)?,
                })
            };
            Ok(DynamicsBlock {
                qkv: linear(pack, &name("space.qkv"), c)?,
                out: linear(pack, &name("space.out"), c)?,
                time: kind.temporal.then(time).transpose()?,
                text: kind.prompt.then(text).transpose()?,
                up: linear(pack, &name("up"), c)?,
                down: linear(pack, &name("down"), dims.ffn_hidden)?,
                modulation: Floats::from_rows(&modulation, c),
                norms: kind.norms(),
            })
        };
        let text = pack.f32s("text.in.w")?;
        let (vectors, nothing_said) = text.split_at(prompt::CHANNELS * c);
        Ok(Self {
            embed: rows(pack, "dyn.embed", c)?,
            pos: rows(pack, "dyn.pos", c)?,
            level: rows(pack, "dyn.level", c)?,
            told: rows(pack, "dyn.told", c)?,
            prev: linear(pack, "dyn.prev", TAPS * c)?,
            gate: rows(pack, "dyn.prev.gate", TAPS * c)?,
            recall: dims.recall.is_some().then(|| TapTable::recall(pack, c)).transpose()?,
            beside: dims.look_beside.then(|| TapTable::beside(pack, c)).transpose()?,
            blocks: (0..dims.blocks.len()).map(block).collect::<Result<_, _>>()?,
            head: HeadWeights::load(pack, dims)?,
            vocabulary: Vocabulary::of(pack)?,
            adjacency: Adjacency::of(pack)?,
            words: Packed::new(vectors, &[], prompt::CHANNELS),
            nothing_said: Floats::from_rows(nothing_said, c),
            gain: Floats::from_rows(&vec![1.0; c], c),
            shift: Floats::zeros(padded(c)),
            dims: dims.clone(),
        })
    }

    /// Blocks with temporal attention.
    pub fn temporal_layers(&self) -> usize {
        self.blocks.iter().filter(|b| b.time.is_some()).count()
    }
}

/// `silu(action embedding * cond.w + cond.b)` of every action, "unknown" last.
fn conditions(pack: &Pack, dims: &DynamicsDims) -> Result<Vec<Vec<f64>>, PackError> {
    let (actions, w, b) = (pack.f32s("dyn.action")?, pack.f32s("dyn.cond.w")?, pack.f32s("dyn.cond.b")?);
    let row = |a: &[f32]| {
        let a: Vec<f64> = a.iter().map(|&x| f64::from(x)).collect();
        product_f64(&a, &w, &b).into_iter().map(|x| x / (1.0 + (-x).exp())).collect()
    };
    Ok(actions.chunks_exact(dims.channels).map(row).collect())
}

/// `x w + b` of one row, exact enough that load-time work adds no error of its own.
fn product_f64(x: &[f64], w: &[f32], b: &[f32]) -> Vec<f64> {
    let mut y: Vec<f64> = b.iter().map(|&v| f64::from(v)).collect();
    for (a, row) in x.iter().zip(w.chunks_exact(b.len())) {
        for (o, v) in y.iter_mut().zip(row) {
            *o += a * f64::from(*v);
        }
    }
    y
}
