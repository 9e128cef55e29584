//! The latent action model (Bruce et al. 2024, section 2.1): which of a few codes turned frame t into frame t+1?
//!
//! The encoder sees both frames, the decoder frame t and the code only, so the code must carry what changed. The bottleneck is
//! binary FSQ. Both see frames averaged down, patch by patch.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, activation};
use somnium::pack::manifest::{FrameDims, LamDims};

use super::layers::{Block, Linear, add_positions, rms, table, taps};
use super::tokenizer::fsq_values;

#[derive(Module, Debug)]
pub struct Lam {
    enc: LamEncoder,
    code: Linear,
    dec: LamDecoder,
}

#[derive(Module, Debug)]
struct LamEncoder {
    r#in: Linear,
    pos: Param<Tensor<2>>,
    blocks: Vec<Block>,
}

#[derive(Module, Debug)]
struct LamDecoder {
    r#in: Linear,
    pos: Param<Tensor<2>>,
    prev: Linear,
    code: Param<Tensor<2>>,
    blocks: Vec<Block>,
    out: Linear,
}

/// Values of one patch of the averaged-down frame.
pub fn lam_patch_values(frame: &FrameDims, dims: &LamDims) -> usize {
    let side = frame.patch_px / dims.shrink;
    side * side * 3
}

impl Lam {
    pub fn new(frame: &FrameDims, dims: &LamDims, device: &Device) -> Self {
        let (c, p, n) = (dims.channels, lam_patch_values(frame, dims), frame.tokens());
        let blocks = |count| (0..count).map(|_| Block::new(c, dims.ffn_hidden, device)).collect();
        Self {
            enc: LamEncoder {
                r#in: Linear::new(2 * p, c, 1.0, true, device),
                pos: table(n, c, 0.02, device),
                blocks: blocks(dims.encoder_blocks),
            },
            code: Linear::new(c, dims.bits, 1.0, true, device),
            dec: LamDecoder {
                r#in: Linear::new(p, c, 1.0, true, device),
                pos: table(n, c, 0.02, device),
                prev: Linear::new(9 * c, c, 1.0, true, device),
                code: table(1 << dims.bits, c, 0.5, device),
                blocks: blocks(dims.decoder_blocks),
                out: Linear::new(c, p, 1.0, true, device),
            },
        }
    }

    /// Unquantised code `(pairs, bits)` of two frames, each `(pairs * tokens, patch values)`.
    pub fn encode(&self, before: Tensor<2>, after: Tensor<2>, tokens: usize, heads: usize) -> Tensor<2> {
        let h = add_positions(self.enc.r#in.forward(Tensor::cat(vec![before, after], 1)), self.enc.pos.val());
        let h = self.enc.blocks.iter().fold(h, |h, block| block.forward(h, tokens, heads));
        let [rows, c] = h.dims();
        self.code.forward(rms(h).reshape([rows / tokens, tokens, c]).mean_dim(1).squeeze_dim::<2>(1))
    }

    /// Predicted next frame from frame t and the bits' values `(pairs, bits)`, each in -1..1.
    pub fn decode(&self, before: Tensor<2>, values: Tensor<2>, tokens: usize, grid_w: usize, heads: usize) -> Tensor<2> {
        let d = &self.dec;
        let h = d.r#in.forward(before);
        let [rows, c] = h.dims();
        let near = d.prev.forward(taps(h.clone(), grid_w, tokens / grid_w));
        let h = add_positions(h, d.pos.val());
        let code = code_weights(values).matmul(d.code.val()).unsqueeze_dim::<3>(1);
        let h = (activation::gelu(near).reshape([rows / tokens, tokens, c]) + h.reshape([rows / tokens, tokens, c]) + code).reshape([rows, c]);
        let h = d.blocks.iter().fold(h, |h, block| block.forward(h, tokens, heads));
        d.out.forward(rms(h))
    }

    /// What training minimises: the predicted patches of `after`.
    pub fn forward(&self, before: Tensor<2>, after: Tensor<2>, tokens: usize, grid_w: usize, heads: usize) -> Tensor<2> {
        let z = self.encode(before.clone(), after, tokens, heads);
        self.decode(before, fsq_values(z, 2), tokens, grid_w, heads)
    }
}

/// Weight of each of the `2^bits` codes under bit values in -1..1: the product of `(1 ± value) / 2`. At hard bits it is one-hot,
/// so the decoder looks up one row; its gradient still reaches every bit. Code `i` has bit `j` set where `i >> j & 1`.
fn code_weights(values: Tensor<2>) -> Tensor<2> {
    let [pairs, bits] = values.dims();
    let mut weights = Tensor::<2>::ones([pairs, 1], &values.device());
    for bit in 0..bits {
        let v = values.clone().narrow(1, bit, 1);
        let (off, on) = ((-v.clone() + 1.0) * 0.5, (v + 1.0) * 0.5);
        weights = Tensor::cat(vec![weights.clone() * off, weights * on], 1);
    }
    weights
}
