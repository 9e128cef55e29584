//! Attention over time, of what is being predicted and of what committed frames look like.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor, activation};

use super::layers::Linear;

#[derive(Module, Debug)]
pub struct TimeAttention {
    qkv: Linear,
    out: Linear,
    /// `(heads, W)`, by age.
    bias: Param<Tensor<2>>,
}

/// What may be seen of other frames, and by whom.
pub struct Past<'a> {
    /// 0 where a frame is seen, a large negative where not, `(clips, frames, frames)`.
    pub seen: &'a Tensor<3>,
    /// Age of every pair of frames as one-hot over `0..W`, `(frames * frames, W)`.
    pub ages: &'a Tensor<2>,
    /// Rows and columns of a frame's tokens.
    pub grid: [usize; 2],
    /// Rows and columns of tokens that attend together: one token to its own past, or a window of space and time (STPT, WorldDreamer,
    /// Wang et al. 2024).
    pub window: [usize; 2],
}

impl TimeAttention {
    pub fn new(channels: usize, heads: usize, window: usize, device: &Device) -> Self {
        Self {
            qkv: Linear::new(channels, 3 * channels, 1.0, false, device),
            out: Linear::new(channels, channels, 0.5, false, device),
            bias: Initializer::Zeros.init([heads, window], device),
        }
    }

    /// Both streams, each with what `norm` makes of it as queries: the masked one `(clips * T * N, C)` and, unless `last`, the clean one of the
    /// first clips, `(seeing * T * N, C)`. Frames of the other clips see nothing but themselves, token by token: what they see is what they say.
    pub fn forward(
        &self,
        masked: Tensor<2>,
        clean: Option<Tensor<2>>,
        norm: impl Fn(Tensor<2>) -> Tensor<2>,
        past: &Past,
        last: bool,
    ) -> (Tensor<2>, Option<Tensor<2>>) {
        let [all_clips, t, _] = past.seen.dims();
        let ([rows_masked, c], heads) = (masked.dims(), self.bias.dims()[0]);
        let masked_qkv = self.qkv.forward(norm(masked.clone()));
        let alone = |first: usize| self.out.forward(masked_qkv.clone().narrow(0, first, rows_masked - first).narrow(1, 2 * c, c));
        let Some(clean) = clean else { return (masked + alone(0), None) };
        let [seeing_rows, _] = clean.dims();
        let clips = all_clips * seeing_rows / rows_masked;
        let ([grid_h, grid_w], [rows, columns]) = (past.grid, past.window);
        let (down, across, together, dh) = (grid_h / rows, grid_w / columns, rows * columns, c / heads);
        let groups = clips * down * across * heads;
        // (groups, t * together, dh)
        let part = |qkv: &Tensor<2>, i: usize| {
            let x = qkv.clone().narrow(1, i * c, c).reshape([clips, t, down, rows, across, columns, heads, dh]);
            x.permute([0, 2, 4, 6, 1, 3, 5, 7]).reshape([groups, t * together, dh])
        };
        let split = |qkv: Tensor<2>| [0, 1, 2].map(|i| part(&qkv, i));
        let m = split(masked_qkv.clone().narrow(0, 0, seeing_rows));
        let k = split(self.qkv.forward(norm(clean.clone())));
        // (heads, t, t): bias by age, and what each frame may see of the past.
        let bias = past.ages.clone().matmul(self.bias.val().transpose()).reshape([t, t, heads]).permute([2, 0, 1]).unsqueeze_dim::<4>(0);
        let bias = (bias + past.seen.clone().narrow(0, 0, clips).unsqueeze_dim::<4>(1)).reshape([clips, 1, heads, t, 1, t, 1]);
        let bias = bias.expand([clips, down * across, heads, t, together, t, together]).reshape([groups, t * together, t * together]);
        let own = self.bias.val().slice([0..heads, 0..1]).reshape([1, heads, 1, 1]);
        let own = own.expand([groups / heads, heads, t * together, 1]).reshape([groups, t * together, 1]);
        let merge = |y: Tensor<3>| {
            let y = y.reshape([clips, down, across, heads, t, rows, columns, dh]).permute([0, 4, 1, 5, 2, 6, 3, 7]);
            self.out.forward(y.reshape([clips * t * grid_h * grid_w, c]))
        };
        let (clean_k, clean_v) = (k[1].clone(), k[2].clone());
        let seen = attend_past_and_self(m, clean_k.clone(), clean_v.clone(), bias.clone(), own.clone(), together);
        let seen = merge(seen);
        let masked = masked + if seeing_rows < rows_masked { Tensor::cat(vec![seen, alone(seeing_rows)], 0) } else { seen };
        if last {
            return (masked, None);
        }
        let seen = attend_past_and_self(k, clean_k, clean_v, bias, own, together);
        (masked, Some(clean + merge(seen)))
    }
}

/// Attention of every frame over the clean past and over its own stream's version of itself, `together` tokens of a frame at once.
/// `own`: q, k, v of the stream `(groups, rows, dh)`; `past_bias` `(groups, rows, rows)`; `own_bias` `(groups, rows, 1)`.
fn attend_past_and_self(
    own: [Tensor<3>; 3],
    k: Tensor<3>,
    v: Tensor<3>,
    past_bias: Tensor<3>,
    own_bias: Tensor<3>,
    together: usize,
) -> Tensor<3> {
    let [q, own_k, own_v] = own;
    let [groups, rows, dh] = q.dims();
    let by_frame = |x: Tensor<3>| x.reshape([groups * rows / together, together, dh]);
    let q = q * (dh as f64).powf(-0.5);
    let own_scores = by_frame(q.clone()).matmul(by_frame(own_k).swap_dims(1, 2)).reshape([groups, rows, together]) + own_bias;
    let scores = q.matmul(k.swap_dims(1, 2)) + past_bias;
    let weights = activation::softmax(Tensor::cat(vec![scores, own_scores], 2), 2);
    let own_weights = weights.clone().narrow(2, rows, together).reshape([groups * rows / together, together, together]);
    weights.narrow(2, 0, rows).matmul(v) + own_weights.matmul(by_frame(own_v)).reshape([groups, rows, dh])
}
