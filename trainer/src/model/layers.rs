//! Layers that tokenizer, latent action model and dynamics share. Their names and maths are those of `docs/MODEL.md`.
//!
//! Activations stay flat, `(rows, channels)`, between layers: one large matrix product is what every backend does best.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData, activation, module};
use somnium::pack::manifest::FrameDims;

/// Set once at start: linear layers multiply in bf16 and add in f32. Weights, norms, softmax and losses stay f32.
static BF16_PRODUCTS: AtomicBool = AtomicBool::new(false);

/// Makes every linear layer multiply in bf16 from now on. About 1.3 times as fast on processors with AVX-512 BF16.
pub fn use_bf16_products() {
    BF16_PRODUCTS.store(true, Ordering::Relaxed);
}

/// Added to the mean square in [`rms`].
pub const NORM_EPSILON: f64 = 1e-5;

/// `y = x w + b`, weight stored `(in, out)`.
#[derive(Module, Debug)]
pub struct Linear {
    pub w: Param<Tensor<2>>,
    pub b: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Uniform in plus or minus `gain / sqrt(inputs)`, bias zero.
    pub fn new(inputs: usize, outputs: usize, gain: f64, bias: bool, device: &Device) -> Self {
        let bound = gain / (inputs as f64).sqrt();
        let w = Initializer::Uniform { min: -bound, max: bound }.init([inputs, outputs], device);
        let b = bias.then(|| Initializer::Zeros.init([outputs], device));
        Self { w, b }
    }

    pub fn zero(inputs: usize, outputs: usize, device: &Device) -> Self {
        Self { w: Initializer::Zeros.init([inputs, outputs], device), b: Some(Initializer::Zeros.init([outputs], device)) }
    }

    /// `(rows, in)` to `(rows, out)`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        linear(x, self.w.val(), self.b.as_ref().map(Param::val))
    }
}

/// `x w + b`, in bf16 where [`use_bf16_products`] asked for it.
pub fn linear(x: Tensor<2>, w: Tensor<2>, b: Option<Tensor<1>>) -> Tensor<2> {
    if !BF16_PRODUCTS.load(Ordering::Relaxed) {
        return module::linear(x, w, b);
    }
    let y = module::linear(x.cast(FloatDType::BF16), w.cast(FloatDType::BF16), None).cast(FloatDType::F32);
    match b {
        Some(b) => y + b.unsqueeze(),
        None => y,
    }
}

/// A table of learned rows `(rows, channels)`.
pub fn table(rows: usize, channels: usize, std: f64, device: &Device) -> Param<Tensor<2>> {
    Initializer::Normal { mean: 0.0, std }.init([rows, channels], device)
}

/// Root-mean-square norm over channels without affine weights, `(rows, channels)`.
pub fn rms(x: Tensor<2>) -> Tensor<2> {
    let scale = (x.clone().square().mean_dim(1) + NORM_EPSILON).sqrt().recip();
    x * scale
}

/// Softmax attention inside groups of rows, all to all.
///
/// `qkv`: `(groups * tokens, 3 C)` with q, k, v side by side; returns `(groups * tokens, C)`.
pub fn attend_in_groups(qkv: Tensor<2>, tokens: usize, heads: usize) -> Tensor<2> {
    let [rows, width] = qkv.dims();
    let (groups, channels) = (rows / tokens, width / 3);
    let dh = channels / heads;
    // (3, groups, heads, tokens, dh)
    let parts = qkv.reshape([groups, tokens, 3, heads, dh]).permute([2, 0, 3, 1, 4]).reshape([3, groups * heads, tokens, dh]);
    let part = |i: usize| parts.clone().narrow(0, i, 1).squeeze_dim::<3>(0);
    let out = attend(part(0), part(1), part(2), None);
    out.reshape([groups, heads, tokens, dh]).swap_dims(1, 2).reshape([rows, channels])
}

/// `softmax(q k^T / sqrt(dh) + bias) v`; q `(batch, queries, dh)`, k and v `(batch, keys, dh)`, bias `(batch, queries, keys)`.
pub fn attend(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, bias: Option<Tensor<3>>) -> Tensor<3> {
    let dh = q.dims()[2];
    let mut scores = (q * (dh as f64).powf(-0.5)).matmul(k.swap_dims(1, 2));
    if let Some(bias) = bias {
        scores = scores + bias;
    }
    activation::softmax(scores, 2).matmul(v)
}

/// `x + gelu(norm(x) up) down`, `(rows, channels)` to the same.
pub fn feed_forward(x: Tensor<2>, norm: impl Fn(Tensor<2>) -> Tensor<2>, up: &Linear, down: &Linear) -> Tensor<2> {
    x.clone() + down.forward(activation::gelu(up.forward(norm(x))))
}

/// Pre-norm feed-forward of every row by itself.
#[derive(Module, Debug)]
pub struct FeedForward {
    pub up: Linear,
    pub down: Linear,
}

impl FeedForward {
    pub fn new(channels: usize, hidden: usize, device: &Device) -> Self {
        Self { up: Linear::new(channels, hidden, 1.0, true, device), down: Linear::new(hidden, channels, 0.5, true, device) }
    }

    /// `(rows, channels)` to the same.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        feed_forward(x, rms, &self.up, &self.down)
    }
}

/// Pre-norm transformer block over the tokens of one frame.
#[derive(Module, Debug)]
pub struct Block {
    pub qkv: Linear,
    pub out: Linear,
    pub up: Linear,
    pub down: Linear,
}

impl Block {
    pub fn new(channels: usize, hidden: usize, device: &Device) -> Self {
        Self {
            qkv: Linear::new(channels, 3 * channels, 1.0, false, device),
            out: Linear::new(channels, channels, 0.5, false, device),
            up: Linear::new(channels, hidden, 1.0, true, device),
            down: Linear::new(hidden, channels, 0.5, true, device),
        }
    }

    /// `(frames * tokens, channels)` to the same.
    pub fn forward(&self, x: Tensor<2>, tokens: usize, heads: usize) -> Tensor<2> {
        self.forward_lit(x, tokens, heads, |normed, _| normed)
    }

    /// As [`Self::forward`], with `lit` behind each of the two norms.
    pub fn forward_lit(&self, x: Tensor<2>, tokens: usize, heads: usize, lit: impl Fn(Tensor<2>, usize) -> Tensor<2>) -> Tensor<2> {
        let x = x.clone() + self.out.forward(attend_in_groups(self.qkv.forward(lit(rms(x), 0)), tokens, heads));
        feed_forward(x, |x| lit(rms(x), 1), &self.up, &self.down)
    }
}

/// Numbers of rows, to choose them by.
pub fn indices(numbers: Vec<i64>, device: &Device) -> Tensor<1, Int> {
    let count = numbers.len();
    Tensor::from_data(TensorData::new(numbers, [count]), device)
}

/// Adds a learned row per position to every frame: x `(frames * tokens, C)`, pos `(tokens, C)`.
pub fn add_positions(x: Tensor<2>, pos: Tensor<2>) -> Tensor<2> {
    let [rows, channels] = x.dims();
    let tokens = pos.dims()[0];
    (x.reshape([rows / tokens, tokens, channels]) + pos.unsqueeze_dim::<3>(0)).reshape([rows, channels])
}

/// The 3x3 neighbourhood of every token, zeros outside the grid: `(frames * N, C)` to `(frames * N, 9 C)`, taps in row order. A look has none but
/// itself.
pub fn taps(x: Tensor<2>, frame: &FrameDims) -> Tensor<2> {
    let [rows, channels] = x.dims();
    let (n, grid_w, grid_h) = (frame.tokens(), frame.grid_w(), frame.grid_h());
    let (frames, device) = (rows / n, x.device());
    let x = x.reshape([frames, n, channels]);
    let look = frame.look.then(|| {
        let around = Tensor::<3>::zeros([frames, 1, 4 * channels], &device);
        Tensor::cat(vec![around.clone(), x.clone().narrow(1, n - 1, 1), around], 2)
    });
    let x = x.narrow(1, 0, frame.patches()).reshape([frames, grid_h, grid_w, channels]);
    let row = Tensor::<4>::zeros([frames, 1, grid_w, channels], &device);
    let x = Tensor::cat(vec![row.clone(), x, row], 1);
    let column = Tensor::<4>::zeros([frames, grid_h + 2, 1, channels], &device);
    let x = Tensor::cat(vec![column.clone(), x, column], 2);
    let mut parts = Vec::with_capacity(9);
    for dy in 0..3 {
        for dx in 0..3 {
            parts.push(x.clone().slice([0..frames, dy..dy + grid_h, dx..dx + grid_w]));
        }
    }
    let of_patches = Tensor::cat(parts, 3).reshape([frames, grid_h * grid_w, 9 * channels]);
    let all = std::iter::once(of_patches).chain(look).collect();
    Tensor::cat(all, 1).reshape([rows, 9 * channels])
}
