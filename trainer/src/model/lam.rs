//! The latent action model (Bruce et al. 2024, section 2.1): which of a few codes turned frame t into frame t+1?
//!
//! The decoder sees frame t and a code only, so the code must carry what changed. A step's code is the one that explains it best:
//! the decoder tries each, and the best teaches it (hard expectation-maximisation, as in multiple choice learning, Guzman-Rivera et
//! al. 2012). An encoder with a bottleneck, as Genie has it, was tried first: encoder and decoder wait for each other, and after minutes
//! its codes still meant nothing. Codes start as the whole-frame shifts that occur most in the data, since expectation-maximisation
//! only refines where it starts.

use anyhow::Result;
use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use somnium::pack::manifest::{FrameDims, LamDims};

use super::layers::{Block, Linear, add_positions, rms, table};

#[derive(Module, Debug)]
pub struct Lam {
    dec: LamDecoder,
}

#[derive(Module, Debug)]
struct LamDecoder {
    kernel: Param<Tensor<2>>,
    r#in: Linear,
    pos: Param<Tensor<2>>,
    code: Param<Tensor<2>>,
    /// `(1, C)`, added to the code of a step that was blocked. It starts as nothing: what a code looks like where the way is free says whose
    /// a blocked step is, until steps say more.
    blocked: Param<Tensor<2>>,
    blocks: Vec<Block>,
    out: Linear,
}

/// Makes kernel logits of ordinary size move as fast as other weights.
const KERNEL_SCALE: f64 = 20.0;
/// Gives a shift that a code starts as more than nine tenths of its kernel.
const START_LOGIT: f32 = 0.3;

/// Values of one patch of the averaged-down frame.
pub fn lam_patch_values(frame: &FrameDims, dims: &LamDims) -> usize {
    let side = frame.patch_px / dims.shrink;
    side * side * 3
}

/// Grid and sizes the passes need.
#[derive(Clone, Copy, Debug)]
pub struct LamShape {
    pub frame: FrameDims,
    pub dims: LamDims,
}

impl LamShape {
    fn side(&self) -> usize {
        self.frame.patch_px / self.dims.shrink
    }
}

impl Lam {
    pub fn new(frame: &FrameDims, dims: &LamDims, device: &Device) -> Self {
        let (c, p, n) = (dims.channels, lam_patch_values(frame, dims), frame.patches());
        let blocks = |count| (0..count).map(|_| Block::new(c, dims.ffn_hidden, device)).collect();
        let offsets = (2 * dims.reach + 1).pow(2);
        Self {
            dec: LamDecoder {
                kernel: table(1 << dims.bits, offsets, 0.05, device),
                r#in: Linear::new(p, c, 1.0, true, device),
                pos: table(n, c, 0.02, device),
                code: table(1 << dims.bits, c, 0.5, device),
                blocked: Initializer::Zeros.init([1, c], device),
                blocks: blocks(dims.blocks),
                out: Linear::zero(c, p, device),
            },
        }
    }

    /// Makes each code start as one shift of the frame, in averaged-down pixels no larger than the reach.
    pub fn with_shifts(mut self, shifts: &[(i32, i32)], dims: &LamDims, device: &Device) -> Self {
        let side = 2 * dims.reach + 1;
        let mut kernel = vec![0.0f32; shifts.len() * side * side];
        for (code, (dx, dy)) in shifts.iter().enumerate() {
            // A picture that moves right takes each pixel from its left.
            let (x, y) = ((dims.reach as i32 - dx) as usize, (dims.reach as i32 - dy) as usize);
            kernel[(code * side + y) * side + x] = START_LOGIT;
        }
        let kernel = Tensor::from_data(TensorData::new(kernel, [shifts.len(), side * side]), device);
        self.dec.kernel = self.dec.kernel.map(|old| kernel.set_require_grad(old.is_require_grad()));
        self
    }

    /// Frame t moved by each code's kernel alone (dynamic neural advection, Finn et al. 2016), one code a pair.
    pub fn advect(&self, before: Tensor<2>, codes: Tensor<1, Int>, shape: LamShape) -> Tensor<2> {
        let kernel = self.kernels().select(0, codes).unsqueeze_dim::<3>(1);
        advect(before, kernel, shape).squeeze_dim(0)
    }

    /// The same under every code, `(codes, pairs * tokens, patch values)`.
    pub fn advect_by_each(&self, before: Tensor<2>, shape: LamShape) -> Tensor<3> {
        let pairs = before.dims()[0] / shape.frame.patches();
        let kernels = self.kernels();
        let [codes, offsets] = kernels.dims();
        advect(before, kernels.unsqueeze_dim::<3>(0).expand([pairs, codes, offsets]), shape)
    }

    /// Whether each code moves the frame: another pixel than the one itself weighs most.
    pub fn moves(&self) -> Result<Vec<bool>> {
        let [codes, offsets] = self.dec.kernel.val().dims();
        let most = self.dec.kernel.val().argmax(1).reshape([codes]).try_into_vec_as::<i32>()?;
        Ok(most.into_iter().map(|offset| offset as usize != offsets / 2).collect())
    }

    /// Weights of the pixels around, `(codes, offsets)`.
    fn kernels(&self) -> Tensor<2> {
        activation::softmax(self.dec.kernel.val() * KERNEL_SCALE, 1)
    }

    /// Predicted next frame `(pairs * tokens, patch values)`: the base, and what a transformer that knows the code adds to it. `blocked`:
    /// 1 where the base did not move, `(pairs, 1)`.
    pub fn refine(&self, base: Tensor<2>, codes: Tensor<1, Int>, blocked: Tensor<2>, shape: LamShape) -> Tensor<2> {
        let d = &self.dec;
        let (pairs, tokens) = (codes.dims()[0], shape.frame.patches());
        let code = (d.code.val().select(0, codes) + blocked.matmul(d.blocked.val())).unsqueeze_dim::<3>(1);
        let h = add_positions(d.r#in.forward(base.clone()), d.pos.val());
        let [rows, c] = h.dims();
        let h = (h.reshape([pairs, tokens, c]) + code).reshape([rows, c]);
        let h = d.blocks.iter().fold(h, |h, block| block.forward(h, tokens, shape.dims.heads));
        base + d.out.forward(rms(h))
    }
}

/// Every pixel becomes the kernel-weighted mean of those around it: patches `(pairs * tokens, patch values)`, kernels
/// `(pairs, kernels, (2 reach + 1)^2)` in row order of the offsets. Beyond the border the frame goes on as it ends. Gives
/// `(kernels, pairs * tokens, patch values)`.
fn advect(patches: Tensor<2>, kernels: Tensor<3>, shape: LamShape) -> Tensor<3> {
    let (side, reach) = (shape.side(), shape.dims.reach);
    let (grid_w, grid_h) = (shape.frame.grid_w(), shape.frame.grid_h());
    let [rows, values] = patches.dims();
    let (pairs, w, h) = (rows / (grid_w * grid_h), grid_w * side, grid_h * side);
    let image = patches.reshape([pairs, grid_h, grid_w, side, side, 3]).permute([0, 1, 3, 2, 4, 5]).reshape([pairs, h, w, 3]);
    let image = extend_edges(extend_edges(image, 1, reach), 2, reach);
    let mut around = Vec::new();
    for dy in 0..=2 * reach {
        for dx in 0..=2 * reach {
            around.push(image.clone().slice([0..pairs, dy..dy + h, dx..dx + w]).reshape([pairs, 1, h * w * 3]));
        }
    }
    let each = kernels.dims()[1];
    let moved = kernels.matmul(Tensor::cat(around, 1)).swap_dims(0, 1);
    moved.reshape([each * pairs, grid_h, side, grid_w, side, 3]).permute([0, 1, 3, 2, 4, 5]).reshape([each, rows, values])
}

/// Repeats the first and the last slice of dimension `dim` `times` times.
fn extend_edges(image: Tensor<4>, dim: usize, times: usize) -> Tensor<4> {
    if times == 0 {
        return image;
    }
    let last = image.dims()[dim] - 1;
    let edge = |at: usize| image.clone().narrow(dim, at, 1).repeat_dim(dim, times);
    Tensor::cat(vec![edge(0), image.clone(), edge(last)], dim)
}
