//! The video tokenizer: an FSQ-VAE (Mentzer et al. 2023, "Finite Scalar Quantization") on linear patches.

use std::collections::HashMap;

use anyhow::Result;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData, activation};
use somnium::pack::manifest::{FrameDims, TokenizerDims};

use super::layers::{Block, FeedForward, Linear, add_positions, indices, rms, table};
use crate::patches::DistinctPatches;

#[derive(Module, Debug)]
pub struct Tokenizer {
    pub enc: Encoder,
    pub dec: Decoder,
}

/// Reads every patch by itself, wherever it lies, but for the look of all of them: what scrolls by a patch keeps its codes, so that the dynamics can
/// copy it.
#[derive(Module, Debug)]
pub struct Encoder {
    in1: Linear,
    in2: Linear,
    blocks: Vec<FeedForward>,
    pub code: Linear,
    look: Option<LookEncoder>,
}

/// Reads off all patches together how a frame looks: whatever is the same all over it. What each of them shows is read in that light.
#[derive(Module, Debug)]
pub struct LookEncoder {
    up: Linear,
    down: Linear,
    /// `(D, C)`
    lit: Linear,
}

impl LookEncoder {
    /// What each patch `(rows, C)` says of the look, `(rows, hidden)`.
    fn hints(&self, patches: Tensor<2>) -> Tensor<2> {
        activation::gelu(self.up.forward(rms(patches)))
    }

    /// Unquantised codes `(frames, D)` of hints `(frames * P, hidden)`.
    fn read(&self, hints: Tensor<2>, p: usize) -> Tensor<2> {
        let [rows, wide] = hints.dims();
        self.down.forward(rms(hints.reshape([rows / p, p, wide]).mean_dim(1).squeeze_dim::<2>(1)))
    }
}

impl Encoder {
    /// `(rows, C)` of patches `(rows, patch values)`.
    fn embed(&self, patches: Tensor<2>) -> Tensor<2> {
        self.in2.forward(activation::gelu(self.in1.forward(patches)))
    }

    /// Unquantised codes `(rows, D)` of embedded patches in their light.
    fn codes(&self, h: Tensor<2>) -> Tensor<2> {
        self.code.forward(rms(self.blocks.iter().fold(h, |h, block| block.forward(h))))
    }
}

#[derive(Module, Debug)]
pub struct Decoder {
    pub code: Linear,
    pos: Param<Tensor<2>>,
    blocks: Vec<Block>,
    out1: Linear,
    out2: Linear,
    look: Option<LookDecoder>,
}

/// What of the land a look brings out, and how strongly: a gain for every channel behind every norm of the decoder.
#[derive(Module, Debug)]
pub struct LookDecoder {
    hidden: Linear,
    /// `(look hidden, gains)`
    gain: Linear,
}

/// Gains of some frames behind each norm in turn, `(frames, channels)`.
struct Gains(Vec<Tensor<2>>);

impl Gains {
    /// x of norm `number`, `(frames * tokens, channels)`.
    fn on(&self, x: Tensor<2>, number: usize) -> Tensor<2> {
        let Some(gain) = self.0.get(number) else { return x };
        let ([rows, c], [frames, _]) = (x.dims(), gain.dims());
        (x.reshape([frames, rows / frames, c]) * gain.clone().unsqueeze_dim::<3>(1)).reshape([rows, c])
    }
}

impl Tokenizer {
    pub fn new(frame: &FrameDims, dims: &TokenizerDims, device: &Device) -> Self {
        let (c, values, n) = (dims.channels, frame.patch_values(), frame.tokens());
        Self {
            enc: Encoder {
                in1: Linear::new(values, dims.patch_in_hidden, 1.0, true, device),
                in2: Linear::new(dims.patch_in_hidden, c, 1.0, true, device),
                blocks: (0..dims.encoder_blocks).map(|_| FeedForward::new(c, dims.ffn_hidden, device)).collect(),
                code: Linear::new(c, frame.code_dims, 1.0, true, device),
                look: frame.look.then(|| LookEncoder {
                    up: Linear::new(c, dims.ffn_hidden, 1.0, true, device),
                    down: Linear::new(dims.ffn_hidden, frame.code_dims, 1.0, true, device),
                    lit: Linear { w: Linear::zero(frame.code_dims, c, device).w, b: None },
                }),
            },
            dec: Decoder {
                code: Linear::new(frame.code_dims, c, 1.0, true, device),
                pos: table(n, c, 0.02, device),
                blocks: (0..dims.decoder_blocks).map(|_| Block::new(c, dims.ffn_hidden, device)).collect(),
                out1: Linear::new(c, dims.patch_out_hidden, 1.0, true, device),
                out2: Linear::new(dims.patch_out_hidden, values, 1.0, true, device),
                look: frame.look.then(|| LookDecoder {
                    hidden: Linear::new(frame.code_dims, dims.look_hidden, 1.0, true, device),
                    gain: Linear { w: Linear::zero(dims.look_hidden, dims.decoder_gains(), device).w, b: None },
                }),
            },
        }
    }

    /// Unquantised codes `z` `(frames * N, D)` of patches `(frames * P, patch values)`.
    pub fn encode(&self, patches: Tensor<2>, frame: &FrameDims) -> Tensor<2> {
        let e = &self.enc;
        let (p, d) = (frame.patches(), frame.code_dims);
        let h = e.embed(patches);
        let Some(look) = &e.look else { return e.codes(h) };
        let z = look.read(look.hints(h.clone()), p);
        let ([rows, c], lit) = (h.dims(), look.lit.forward(fsq_values(z.clone(), frame.code_levels)));
        let h = (h.reshape([rows / p, p, c]) + lit.unsqueeze_dim::<3>(1)).reshape([rows, c]);
        Tensor::cat(vec![e.codes(h).reshape([rows / p, p, d]), z.unsqueeze_dim::<3>(1)], 1).reshape([rows / p * (p + 1), d])
    }

    /// Levels `(frames, N, D)` of whole pictures: as of [`Self::encode`], but a patch that is seen again in the same light is not read again.
    pub fn encode_distinct(&self, patches: DistinctPatches, frame: &FrameDims, device: &Device) -> Result<Vec<u8>> {
        let (e, width, p, d) = (&self.enc, frame.patch_values(), frame.patches(), frame.code_dims);
        let to_levels = |z: Tensor<2>| -> Result<Vec<u8>> {
            let levels = fsq_levels(z, frame.code_levels).try_into_vec_as::<f32>()?;
            Ok(levels.iter().map(|level| *level as u8).collect())
        };
        let distinct = patches.values.len() / width;
        let values = TensorData::new(patches.values, [distinct, width]);
        let h = e.embed(Tensor::from_data(values, device));
        let Some(look) = &e.look else {
            let levels = to_levels(e.codes(h))?;
            return Ok(patches.shown.iter().flat_map(|number| &levels[number * d..][..d]).copied().collect());
        };
        let shown = indices(patches.shown.iter().map(|number| *number as i64).collect(), device);
        let z = look.read(look.hints(h.clone()).select(0, shown), p);
        let lit = look.lit.forward(fsq_values(z.clone(), frame.code_levels));
        let looks = to_levels(z)?;
        // Each different patch in each different light, and one frame that has it.
        let (mut known, mut kinds, mut frames) = (HashMap::new(), Vec::new(), Vec::new());
        let mut kind_of = |(at, number): (usize, &usize)| {
            let look = &looks[at / p * d..][..d];
            *known.entry((*number, look)).or_insert_with(|| {
                kinds.push(*number as i64);
                frames.push((at / p) as i64);
                kinds.len() - 1
            })
        };
        let shown: Vec<usize> = patches.shown.iter().enumerate().map(&mut kind_of).collect();
        let levels = to_levels(e.codes(h.select(0, indices(kinds, device)) + lit.select(0, indices(frames, device))))?;
        let of_frame = |(shown, look): (&[usize], &[u8])| -> Vec<u8> {
            shown.iter().flat_map(|kind| &levels[kind * d..][..d]).chain(look).copied().collect()
        };
        Ok(shown.chunks_exact(p).zip(looks.chunks_exact(d)).flat_map(of_frame).collect())
    }

    /// Patches `(frames * P, patch values)` of grid values `(frames * N, D)`.
    pub fn decode(&self, values: Tensor<2>, frame: &FrameDims, heads: usize) -> Tensor<2> {
        let (d, n, p) = (&self.dec, frame.tokens(), frame.patches());
        let gains = d.gains(&values, frame);
        let h = add_positions(d.code.forward(values), d.pos.val());
        let (mut h, norms) = d
            .blocks
            .iter()
            .fold((h, 0), |(h, norms), block| (block.forward_lit(h, n, heads, |normed, which| gains.on(normed, norms + which)), norms + 2));
        if frame.look {
            let [rows, c] = h.dims();
            h = h.reshape([rows / n, n, c]).narrow(1, 0, p).reshape([rows / n * p, c]);
        }
        let mut hidden = activation::gelu(d.out1.forward(gains.on(rms(h), norms)));
        if frame.look {
            hidden = gains.on(rms(hidden), norms + 1);
        }
        d.out2.forward(hidden)
    }
}

impl Decoder {
    /// Of grid values `(frames * N, D)`; none without a look.
    fn gains(&self, values: &Tensor<2>, frame: &FrameDims) -> Gains {
        let Some(look) = &self.look else { return Gains(Vec::new()) };
        let (n, d) = (frame.tokens(), frame.code_dims);
        let frames = values.dims()[0] / n;
        let of_look = values.clone().reshape([frames, n * d]).narrow(1, (n - 1) * d, d);
        let all = look.gain.forward(activation::silu(look.hidden.forward(of_look))) + 1.0;
        let ([_, wide], [c, last]) = (all.dims(), self.out1.w.dims());
        Gains(
            (0..(wide - last) / c)
                .map(|norm| (norm * c, c))
                .chain([(wide - last, last)])
                .map(|(at, c)| all.clone().narrow(1, at, c))
                .collect(),
        )
    }
}

/// Levels `0..L-1` (as floats) of unquantised codes.
pub fn fsq_levels(z: Tensor<2>, levels: usize) -> Tensor<2> {
    ((z.tanh() + 1.0) * ((levels - 1) as f64 / 2.0) + 0.5).floor()
}

/// Grid values in -1..1 with the straight-through gradient of `tanh`.
pub fn fsq_values(z: Tensor<2>, levels: usize) -> Tensor<2> {
    let soft = z.clone().tanh();
    let hard = fsq_levels(z, levels) * (2.0 / (levels - 1) as f64) - 1.0;
    soft.clone() + (hard - soft).detach()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patches::push_patches;
    use crate::source::Dice;
    use crate::{params, preset};

    #[test]
    fn patches_read_once_are_read_as_all_of_them_are() {
        let device = Device::flex();
        let dims = preset::by_name("tiny").expect("the preset exists").tokenizer;
        for look in [false, true] {
            let frame = FrameDims { width_px: 12, height_px: 8, patch_px: 4, rate_hz: 10, code_dims: 4, code_levels: 5, look };
            // Weights that are always the same: of some networks all looks here are one.
            let (fresh, mut dice) = (Tokenizer::new(&frame, &dims, &device), Dice::new(1, 1));
            let mut weights = params::collect("tok", &fresh).expect("its weights");
            weights.values_mut().flat_map(|(_, values)| values).for_each(|value| *value = dice.unit() - 0.5);
            let tokenizer = params::replace("tok", fresh, &weights, &device).expect("they fit");
            // Two patches, in pictures that have ever more of the second: in ever other lights.
            let of = |second: usize| -> Vec<u8> {
                let shade = |x: usize, y: usize| if y / 4 * 3 + x / 4 < second { 250 } else { (x % 4 * 60) as u8 };
                (0..8).flat_map(|y| (0..12).flat_map(move |x| [shade(x, y), 90, 10])).collect()
            };
            let pictures: Vec<u8> = (0..=6).chain(0..=6).flat_map(of).collect();
            let patches = DistinctPatches::of(&pictures, &frame);
            assert_eq!(patches.values.len(), 2 * frame.patch_values());
            let mut all = Vec::new();
            pictures.chunks_exact(frame.rgb_bytes()).for_each(|picture| push_patches(picture, &frame, 1, &mut all));
            let rows = all.len() / frame.patch_values();
            let z = tokenizer.encode(Tensor::from_data(TensorData::new(all, [rows, frame.patch_values()]), &device), &frame);
            let levels = fsq_levels(z, frame.code_levels).try_into_vec_as::<f32>().expect("levels");
            let levels: Vec<u8> = levels.iter().map(|level| *level as u8).collect();
            assert_eq!(tokenizer.encode_distinct(patches, &frame, &device).expect("levels"), levels);
            let looks: std::collections::HashSet<&[u8]> = levels.chunks_exact(frame.code_bytes()).map(|codes| &codes[6 * 4..]).collect();
            assert!(!look || looks.len() > 1, "one look says nothing of light");
        }
    }
}
