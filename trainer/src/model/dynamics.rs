//! Dynamics: a space-time transformer that fills in the masked tokens of the next frame (MaskGIT, Chang et al. 2022; Genie, Bruce et al. 2024).
//!
//! Training runs two streams side by side. The clean stream is what committed frames look like, the masked stream what is being
//! predicted. In time a clean frame sees itself and clean frames of ages `1..W`, a masked frame itself and the same: exactly what play
//! does with its KV ring and one masked frame. The clean stream ends at the keys and values of the last temporal layer, since nothing
//! else of it is ever read.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor, TensorData, activation};
use somnium::engine::recall::{self, TAPS};
use somnium::engine::told;
use somnium::pack::manifest::{DynamicsDims, FrameDims};
use somnium::prompt;

use super::layers::{Linear, add_positions, attend, attend_in_groups, feed_forward, rms, table, taps};
use super::time::{Past, TimeAttention};

#[derive(Module, Debug)]
pub struct Dynamics {
    embed: Param<Tensor<2>>,
    pos: Param<Tensor<2>>,
    level: Param<Tensor<2>>,
    prev: PrevConv,
    told: Param<Tensor<2>>,
    said: Said,
    action: Param<Tensor<2>>,
    cond: Linear,
    blocks: Vec<DynBlock>,
    head: Head,
    /// `(word channels + 1, C)`; the last row is "nothing said".
    text_in: Param<Tensor<2>>,
    recall: Option<RecallConv>,
    beside: Option<BesideConv>,
}

/// The 3x3 convolution over the tokens of the frame itself that are settled already.
#[derive(Module, Debug)]
pub struct BesideConv {
    w: Param<Tensor<2>>,
}

/// The 3x3 convolution over what was seen where a token will be, and next to it, however long ago.
#[derive(Module, Debug)]
pub struct RecallConv {
    w: Param<Tensor<2>>,
    /// `(ages, C)`
    age: Param<Tensor<2>>,
}

/// The 3x3 convolution over the previous frame's embeddings. The action opens and closes its taps, so that "east" can look east before
/// nine neighbours are squeezed into one row.
#[derive(Module, Debug)]
pub struct PrevConv {
    gate: Param<Tensor<2>>,
    w: Param<Tensor<2>>,
    b: Param<Tensor<1>>,
}

/// The words of a prompt taken together, in whatever order (Deep Sets, Zaheer et al. 2017): every token begins with what they say.
#[derive(Module, Debug)]
pub struct Said {
    word: Linear,
    all: Linear,
}

/// Levels of a token, one dimension after the other: each sees the dimensions before it, so that a token is drawn as a whole and not as
/// `D` levels that know nothing of each other. A masked autoencoder for distributions (MADE, Germain et al. 2015) of one hidden layer,
/// which may also point at a token that was there before (pointer networks, Vinyals et al. 2015).
#[derive(Module, Debug)]
pub struct Head {
    hidden: Linear,
    /// `(C, sources)`: how much each source's token is wanted.
    copy: Linear,
    /// `(D * L, D * G)`: what a level of dimension `d` says to the hidden units of a later one; the other blocks are never read.
    codes: Param<Tensor<2>>,
    out: HeadOut,
}

#[derive(Module, Debug)]
pub struct HeadOut {
    /// `(D * G, L)`
    w: Param<Tensor<2>>,
    /// `(D * L)`
    b: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
pub struct DynBlock {
    r#mod: Linear,
    space: Attention,
    time: Option<TimeAttention>,
    text: Option<TextAttention>,
    up: Linear,
    down: Linear,
}

#[derive(Module, Debug)]
pub struct Attention {
    qkv: Linear,
    out: Linear,
}

#[derive(Module, Debug)]
pub struct TextAttention {
    q: Linear,
    kv: Linear,
    out: Linear,
}

/// Sizes the forward pass needs.
#[derive(Clone, Debug)]
pub struct DynShape {
    pub frame: FrameDims,
    pub dims: DynamicsDims,
    pub design: Design,
}

/// How the network is built, beyond its sizes. Engines play the default; the rest is there to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Design {
    /// Whether a token sees the 3x3 tokens of the frame before.
    pub look_back: bool,
    /// Whether a level sees the levels of its token drawn before it.
    pub joint_levels: bool,
    /// Rows and columns of tokens that attend to each other's past together; both divide the grid.
    pub window: [usize; 2],
}

impl Default for Design {
    fn default() -> Self {
        Self { look_back: true, joint_levels: true, window: [1, 1] }
    }
}

/// A batch of clips as the network reads it. `F = clips * frames`, rows are `(clip, frame, token)`.
#[derive(Clone)]
pub struct DynInput {
    pub clips: usize,
    pub frames: usize,
    /// Clips at the front that hold all frames which are seen in time: of the others nobody reads the clean stream, and it is left out.
    pub seeing: usize,
    /// One-hot tokens of the clean stream `(F * N, D * L + 2)`.
    pub clean: Tensor<2>,
    /// One-hot tokens of the masked stream, same shape.
    pub masked: Tensor<2>,
    /// One-hot true levels `(F * N, D * L)`: what a dimension of the head sees of those before it.
    pub truth: Tensor<2>,
    /// One-hot action into each frame `(F, A + 1)`.
    pub action: Tensor<2>,
    /// One-hot context level `(F, levels)`.
    pub level: Tensor<2>,
    /// Which frames are seen in time: 0 where allowed, a large negative where not; `(clips, frames, frames)` for queries of either
    /// stream over clean frames of another time (never itself).
    pub past: Tensor<3>,
    /// Age of every pair of frames as one-hot over `0..W`, `(frames * frames, W)`, zeros outside the window.
    pub ages: Tensor<2>,
    /// What each token recalls, of nine places: one-hot token and class of age, `(F * N * 9, D * L + 2 + ages)`; `None` without recall.
    pub recall: Option<Tensor<2>>,
    /// Vectors of the prompts' words `(F * (K + 1), word channels + 1)`: "nothing said" comes first and has a one in the last column;
    /// padding is all zeros.
    pub words: Tensor<2>,
    /// 0 where a word may be read, a large negative where not, `(F, K + 1)`, per stream.
    pub clean_words_mask: Tensor<2>,
    pub masked_words_mask: Tensor<2>,
    /// One-hot class of how long ago words changed, `(F, classes)`, per stream.
    pub clean_told: Tensor<2>,
    pub masked_told: Tensor<2>,
}

/// What the head draws a token from.
struct Drawing {
    /// Hidden units before any level is known, `(rows, D * G)`.
    hidden: Tensor<2>,
    /// `(rows, sources)`
    gates: Tensor<2>,
    /// Of every source the token it offers, one-hot `(rows, D * L)`, zeros where it has none.
    offers: Vec<Tensor<2>>,
}

impl Dynamics {
    pub fn new(shape: &DynShape, device: &Device) -> Self {
        let DynShape { frame, dims, .. } = shape;
        let c = dims.channels;
        let code = frame.code_dims * frame.code_levels;
        Self {
            embed: table(code + 2, c, 0.05, device),
            pos: table(frame.tokens(), c, 0.05, device),
            level: table(dims.context_levels, c, 0.02, device),
            prev: PrevConv {
                gate: Initializer::Ones.init([dims.actions + 1, 9 * c], device),
                w: Linear::new(9 * c, c, 1.0, false, device).w,
                b: Initializer::Zeros.init([c], device),
            },
            told: Initializer::Zeros.init([told::CLASSES, c], device),
            said: Said {
                word: Linear::new(prompt::CHANNELS, c, 1.0, true, device),
                all: Linear { w: Initializer::Zeros.init([c, c], device), b: None },
            },
            action: table(dims.actions + 1, c, 1.0, device),
            cond: Linear::new(c, c, 1.0, true, device),
            blocks: dims
                .blocks
                .iter()
                .map(|kind| DynBlock {
                    r#mod: Linear::zero(c, kind.norms() * 2 * c, device),
                    space: Attention { qkv: Linear::new(c, 3 * c, 1.0, false, device), out: Linear::new(c, c, 0.5, false, device) },
                    time: kind.temporal.then(|| TimeAttention::new(c, dims.heads, dims.window, device)),
                    text: kind.prompt.then(|| TextAttention {
                        q: Linear::new(c, c, 1.0, false, device),
                        kv: Linear::new(c, 2 * c, 1.0, false, device),
                        out: Linear::new(c, c, 0.5, false, device),
                    }),
                    up: Linear::new(c, dims.ffn_hidden, 1.0, true, device),
                    down: Linear::new(dims.ffn_hidden, c, 0.5, true, device),
                })
                .collect(),
            head: Head::new(frame, dims, device),
            // Word vectors have a length of 8.
            text_in: table(prompt::CHANNELS + 1, c, 0.125, device),
            recall: dims
                .recall
                .as_ref()
                .map(|_| RecallConv { w: Initializer::Zeros.init([TAPS * c, c], device), age: table(recall::AGES, c, 0.05, device) }),
            beside: dims.look_beside.then(|| BesideConv { w: Initializer::Zeros.init([TAPS * c, c], device) }),
        }
    }

    /// Logits of the masked stream, `(F * N, D * L)`, each dimension given the true levels of those before it.
    pub fn forward(&self, shape: &DynShape, input: DynInput) -> Tensor<2> {
        let truth = input.truth.clone();
        self.head.logits(self.drawing(shape, input), truth, shape)
    }

    /// Tokens of the masked stream drawn from the model itself, one-hot as `DynInput::clean`. `noise`: Gumbel, `(F * N, D * L)`.
    pub fn sample(&self, shape: &DynShape, input: DynInput, noise: Tensor<2>) -> Tensor<2> {
        self.head.sample(self.drawing(shape, input), noise, shape)
    }

    fn drawing(&self, shape: &DynShape, input: DynInput) -> Drawing {
        let DynShape { frame, dims, design } = shape;
        let (n, c, heads) = (frame.tokens(), dims.channels, dims.heads);
        let (frames, code) = (input.clips * input.frames, frame.code_dims * frame.code_levels);
        let embed = self.embed.val();

        let before = one_frame_late(input.clean.clone(), input.clips, n);
        let mut offers = vec![before.clone().narrow(1, 0, code)];
        if let (Some(dims), Some(seen)) = (&dims.recall, &input.recall) {
            let stays: Vec<f32> = (0..n).map(|token| f32::from(u8::from(!dims.scrolls(token, frame)))).collect();
            let stays = Tensor::<2>::from_data(TensorData::new(stays, [n, 1]), &before.device()).repeat(&[frames, 1]);
            let on_map = middle_tap(seen, code);
            let earlier = one_frame_late(before.clone(), input.clips, n).narrow(1, 0, code);
            offers.push(on_map.clone() + (earlier - on_map) * stays);
        }
        let near = taps(before, frame);
        let mut prev = self.prev.forward(near, embed.clone(), input.action.clone(), n);
        if !design.look_back {
            prev = prev.zeros_like();
        }
        if let (Some(recall), Some(seen)) = (&self.recall, input.recall) {
            prev = prev + recall.forward(seen, embed.clone());
        }
        let level = input.level.matmul(self.level.val());
        let shared = add_positions(prev, self.pos.val()).reshape([frames, n, c]) + level.unsqueeze_dim::<3>(1);
        let cond = activation::silu(self.cond.forward(input.action.matmul(self.action.val())));
        let words = input.words.clone().matmul(self.text_in.val());

        // A look lies outside the rectangle of patches: there every token is by itself.
        let grid = if frame.look { [1, n] } else { [frame.grid_h(), frame.grid_w()] };
        let last_temporal = dims.blocks.iter().rposition(|kind| kind.temporal);
        let heard = self.said.each_word(input.words, dims.prompt_words);
        // Of the first frames, as many as `told` has rows.
        let begin = |tokens: Tensor<2>, mask: &Tensor<2>, told: Tensor<2>| {
            let [frames, _] = told.dims();
            let about = self.said.all.forward(together(&heard.clone().narrow(0, 0, frames), mask)) + told.matmul(self.told.val());
            let rest = shared.clone().narrow(0, 0, frames) + about.unsqueeze_dim::<3>(1);
            tokens.matmul(embed.clone()) + rest.reshape([frames * n, c])
        };
        // A window of space and time attends to itself in more than one token: there no clip is left out.
        let seen_frames = input.frames * if design.window == [1, 1] { input.seeing } else { input.clips };
        let of_seen = |x: Tensor<2>, rows: usize| x.narrow(0, 0, seen_frames * rows);
        let any_seen = last_temporal.filter(|_| seen_frames > 0);
        // Words of the clean stream, and which of them may be read.
        let words_of_clean = any_seen.map(|_| (of_seen(words.clone(), dims.prompt_words + 1), of_seen(input.clean_words_mask, 1)));
        let mut clean = words_of_clean.as_ref().map(|(_, mask)| begin(of_seen(input.clean, n), mask, of_seen(input.clean_told, 1)));
        let mut masked = begin(input.masked.clone(), &input.masked_words_mask, input.masked_told);
        if let Some(beside) = &self.beside {
            // Rows of what is not settled are zeros.
            let settled = input.masked.narrow(1, 0, code);
            masked = masked + taps(settled, frame).matmul(tap_table(embed.narrow(0, 0, code), &beside.w));
        }
        for (i, block) in self.blocks.iter().enumerate() {
            let modulation = Modulation::new(block.r#mod.forward(cond.clone()), n);
            masked = block.space(masked, &modulation, n, heads);
            clean = clean.map(|x| block.space(x, &modulation, n, heads));
            if let Some(time) = &block.time {
                let last = last_temporal == Some(i);
                let past = Past { seen: &input.past, ages: &input.ages, grid, window: design.window };
                let (m, kept) = time.forward(masked, clean.take(), |x| modulation.norm(x, 1), &past, last);
                masked = m;
                clean = kept;
            }
            if let Some(text) = &block.text {
                let norm = 1 + usize::from(block.time.is_some());
                masked = text.forward(masked, &modulation, norm, words.clone(), &input.masked_words_mask, heads, n);
                let told = clean.zip(words_of_clean.as_ref());
                clean = told.map(|(x, (words, mask))| text.forward(x, &modulation, norm, words.clone(), mask, heads, n));
            }
            masked = block.ffn(masked, &modulation);
            clean = clean.map(|x| block.ffn(x, &modulation));
        }
        let x = rms(masked);
        Drawing { hidden: self.head.hidden.forward(x.clone()), gates: self.head.copy.forward(x), offers }
    }
}

/// The middle one of recall's taps, one-hot: `(rows * 9, width)` to `(rows, code)`.
fn middle_tap(seen: &Tensor<2>, code: usize) -> Tensor<2> {
    let [rows, width] = seen.dims();
    seen.clone().reshape([rows / TAPS, TAPS * width]).narrow(1, TAPS / 2 * width, code)
}

/// Every clip one frame late: `(clips * T * N, D * L + 2)` to the same, unknown (the last column) where there is no frame before.
fn one_frame_late(tokens: Tensor<2>, clips: usize, n: usize) -> Tensor<2> {
    let [rows, width] = tokens.dims();
    let (device, t) = (tokens.device(), rows / clips / n);
    let unknown = Tensor::cat(vec![Tensor::zeros([clips, n, width - 1], &device), Tensor::ones([clips, n, 1], &device)], 2);
    let rest = tokens.reshape([clips, t * n, width]).narrow(1, 0, (t - 1) * n);
    Tensor::cat(vec![unknown, rest], 1).reshape([rows, width])
}

impl Said {
    /// What every word raises by itself, `(F, K, C)`. words: `(F * (K + 1), word channels + 1)`, of which "nothing said" is left out.
    fn each_word(&self, words: Tensor<2>, most: usize) -> Tensor<3> {
        let [rows, wide] = words.dims();
        let frames = rows / (most + 1);
        let words = words.reshape([frames, most + 1, wide]).slice([0..frames, 1..most + 1, 0..wide - 1]);
        let heard = activation::relu(self.word.forward(words.reshape([frames * most, wide - 1])));
        let c = heard.dims()[1];
        heard.reshape([frames, most, c])
    }
}

/// The sum of those words that may be read: heard `(F, K, C)`, mask `(F, K + 1)`, 0 where a word may be read; `(F, C)`.
fn together(heard: &Tensor<3>, mask: &Tensor<2>) -> Tensor<2> {
    let [_, most, _] = heard.dims();
    let read = mask.clone().narrow(1, 1, most).exp();
    (heard.clone() * read.unsqueeze_dim::<3>(2)).sum_dim(1).squeeze_dim::<2>(1)
}

impl PrevConv {
    /// near one-hot `(F * N, 9 K)`, embed `(K, C)`, action `(F, A + 1)`; `(F * N, C)`. What a token adds at a tap under an action is a row of
    /// a table, far smaller than the embeddings of all taps.
    fn forward(&self, near: Tensor<2>, embed: Tensor<2>, action: Tensor<2>, n: usize) -> Tensor<2> {
        let ([rows, _], [kinds, c], [frames, actions]) = (near.dims(), embed.dims(), action.dims());
        let gated = self.gate.val().reshape([actions, TAPS, 1, c]).swap_dims(0, 1) * embed.reshape([1, 1, kinds, c]);
        let table = gated.reshape([TAPS, actions * kinds, c]).matmul(self.w.val().reshape([TAPS, c, c]));
        let table = table.reshape([TAPS, actions, kinds * c]).swap_dims(0, 1).reshape([actions, TAPS * kinds * c]);
        let table = action.matmul(table).reshape([frames, TAPS * kinds, c]);
        near.reshape([frames, n, TAPS * kinds]).matmul(table).reshape([rows, c]) + self.b.val().unsqueeze()
    }
}

impl RecallConv {
    /// seen one-hot `(rows * 9, K)`, embed `(D * L + 2, C)`; `(rows, C)`. What a token adds at a tap is a row of a table, far smaller than the
    /// embeddings of all taps.
    fn forward(&self, seen: Tensor<2>, embed: Tensor<2>) -> Tensor<2> {
        let tokens = Tensor::cat(vec![embed, self.age.val()], 0);
        let ([rows, _], [kinds, _]) = (seen.dims(), tokens.dims());
        seen.reshape([rows / TAPS, TAPS * kinds]).matmul(tap_table(tokens, &self.w))
    }
}

/// What every token adds at every tap: tokens `(K, C)`, w `(9 C, C)`; `(9 K, C)`.
fn tap_table(tokens: Tensor<2>, w: &Param<Tensor<2>>) -> Tensor<2> {
    let [kinds, c] = tokens.dims();
    tokens.unsqueeze_dim::<3>(0).matmul(w.val().reshape([TAPS, c, c])).reshape([TAPS * kinds, c])
}

impl Head {
    fn new(frame: &FrameDims, dims: &DynamicsDims, device: &Device) -> Self {
        let (d, l, g) = (frame.code_dims, frame.code_levels, dims.head_hidden);
        let bound = 0.5 / (g as f64).sqrt();
        Self {
            hidden: Linear::new(dims.channels, d * g, 1.0, true, device),
            copy: Linear::zero(dims.channels, 1 + usize::from(dims.recall.is_some()), device),
            codes: table(d * l, d * g, 0.05, device),
            out: HeadOut {
                w: Initializer::Uniform { min: -bound, max: bound }.init([d * g, l], device),
                b: Initializer::Zeros.init([d * l], device),
            },
        }
    }

    /// levels one-hot `(rows, D * L)`; `(rows, D * L)`.
    fn logits(&self, Drawing { hidden, gates, offers }: Drawing, levels: Tensor<2>, shape: &DynShape) -> Tensor<2> {
        let (d, l, joint) = (shape.frame.code_dims, shape.frame.code_levels, shape.design.joint_levels);
        let (device, [rows, width]) = (hidden.device(), hidden.dims());
        let g = width / d;
        let earlier = block_mask([d, l], [d, g], |from, to| joint && from < to, &device);
        let own = block_mask([d, g], [d, l], |from, to| from == to, &device);
        let hidden = activation::relu(hidden + levels.clone().matmul(self.codes.val() * earlier));
        let logits = hidden.matmul(self.out.w.val().repeat(&[1, d]) * own) + self.out.b.val().unsqueeze();
        let levels = levels.reshape([rows, d, l]);
        offers.into_iter().enumerate().fold(logits, |logits, (source, offer)| {
            let offer = offer.reshape([rows, d, l]);
            let same = (offer.clone() * levels.clone()).sum_dim(2).squeeze_dim::<2>(2);
            // Whether the source agrees with every dimension before this one.
            let mut agrees = vec![Tensor::<2>::ones([rows, 1], &device)];
            for dim in 1..d {
                let before = agrees[dim - 1].clone();
                agrees.push(if joint { before * same.clone().narrow(1, dim - 1, 1) } else { before });
            }
            let wanted = Tensor::cat(agrees, 1) * gates.clone().narrow(1, source, 1);
            logits + (offer * wanted.unsqueeze_dim::<3>(2)).reshape([rows, d * l])
        })
    }

    /// Draws dimension after dimension; one-hot tokens `(rows, D * L + 2)`.
    fn sample(&self, Drawing { hidden, gates, offers }: Drawing, noise: Tensor<2>, shape: &DynShape) -> Tensor<2> {
        let (d, l, joint) = (shape.frame.code_dims, shape.frame.code_levels, shape.design.joint_levels);
        let (device, [rows, width]) = (hidden.device(), hidden.dims());
        let g = width / d;
        // The gate of a source that agrees with the levels drawn so far, 0 of one that does not.
        let mut wanted: Vec<Tensor<2>> = (0..offers.len()).map(|source| gates.clone().narrow(1, source, 1)).collect();
        let mut drawn: Vec<Tensor<2>> = Vec::with_capacity(d + 1);
        for dim in 0..d {
            let mut own = hidden.clone().narrow(1, dim * g, g);
            for (earlier, level) in drawn.iter().enumerate().filter(|_| joint) {
                own = own + level.clone().matmul(self.codes.val().slice([earlier * l..(earlier + 1) * l, dim * g..(dim + 1) * g]));
            }
            let mut logits = activation::relu(own).matmul(self.out.w.val().narrow(0, dim * g, g))
                + self.out.b.val().narrow(0, dim * l, l).unsqueeze()
                + noise.clone().narrow(1, dim * l, l);
            for (wanted, offer) in wanted.iter().zip(&offers) {
                logits = logits + offer.clone().narrow(1, dim * l, l) * wanted.clone();
            }
            let best = logits.clone().max_dim(1);
            let level = logits.greater_equal(best).float();
            for (wanted, offer) in wanted.iter_mut().zip(&offers).filter(|_| joint) {
                *wanted = wanted.clone() * (offer.clone().narrow(1, dim * l, l) * level.clone()).sum_dim(1);
            }
            drawn.push(level);
        }
        drawn.push(Tensor::zeros([rows, 2], &device));
        Tensor::cat(drawn, 1)
    }
}

/// Ones where `keep` says so of the blocks' indices, `(row blocks * block rows, column blocks * block columns)`.
fn block_mask(rows: [usize; 2], columns: [usize; 2], keep: impl Fn(usize, usize) -> bool, device: &Device) -> Tensor<2> {
    let ([row_blocks, r], [column_blocks, c]) = (rows, columns);
    let value = |i: usize| f32::from(u8::from(keep(i / (column_blocks * c) / r, i % (column_blocks * c) / c)));
    let values: Vec<f32> = (0..row_blocks * r * column_blocks * c).map(value).collect();
    Tensor::from_data(TensorData::new(values, [row_blocks * r, column_blocks * c]), device)
}

/// Scale and shift of a block's norms, one row per frame.
struct Modulation {
    /// `(frames, 1, norms * 2 C)`
    rows: Tensor<3>,
    tokens: usize,
}

impl Modulation {
    fn new(rows: Tensor<2>, tokens: usize) -> Self {
        Self { rows: rows.unsqueeze_dim::<3>(1), tokens }
    }

    /// x: the first frames, all or some of them.
    fn norm(&self, x: Tensor<2>, index: usize) -> Tensor<2> {
        let [rows, c] = x.dims();
        let of_frames = self.rows.clone().narrow(0, 0, rows / self.tokens);
        let gamma = of_frames.clone().narrow(2, 2 * index * c, c);
        let beta = of_frames.narrow(2, (2 * index + 1) * c, c);
        (rms(x).reshape([rows / self.tokens, self.tokens, c]) * (gamma + 1.0) + beta).reshape([rows, c])
    }
}

impl DynBlock {
    fn space(&self, x: Tensor<2>, modulation: &Modulation, tokens: usize, heads: usize) -> Tensor<2> {
        let qkv = self.space.qkv.forward(modulation.norm(x.clone(), 0));
        x + self.space.out.forward(attend_in_groups(qkv, tokens, heads))
    }

    fn ffn(&self, x: Tensor<2>, modulation: &Modulation) -> Tensor<2> {
        let norm = 1 + usize::from(self.time.is_some()) + usize::from(self.text.is_some());
        feed_forward(x, |x| modulation.norm(x, norm), &self.up, &self.down)
    }
}

impl TextAttention {
    #[allow(clippy::too_many_arguments, reason = "one call site a stream; a struct would only rename the arguments")]
    fn forward(
        &self,
        x: Tensor<2>,
        modulation: &Modulation,
        norm: usize,
        words: Tensor<2>,
        mask: &Tensor<2>,
        heads: usize,
        n: usize,
    ) -> Tensor<2> {
        let [rows, c] = x.dims();
        let (frames, dh) = (rows / n, c / heads);
        let keys = words.dims()[0] / frames;
        let q = self.q.forward(modulation.norm(x.clone(), norm));
        let q = q.reshape([frames, n, heads, dh]).swap_dims(1, 2).reshape([frames * heads, n, dh]);
        let kv =
            self.kv.forward(words).reshape([frames, keys, 2, heads, dh]).permute([2, 0, 3, 1, 4]).reshape([2, frames * heads, keys, dh]);
        let (k, v) = (kv.clone().narrow(0, 0, 1).squeeze_dim::<3>(0), kv.narrow(0, 1, 1).squeeze_dim::<3>(0));
        let bias = mask.clone().reshape([frames, 1, 1, keys]).expand([frames, heads, 1, keys]).reshape([frames * heads, 1, keys]);
        let y = attend(q, k, v, Some(bias));
        let y = y.reshape([frames, heads, n, dh]).swap_dims(1, 2).reshape([rows, c]);
        x + self.out.forward(y)
    }
}
