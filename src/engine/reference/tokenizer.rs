//! The tokenizer: a frame's pixels to codes and back.

use super::{
    activation::{gelu, silu},
    attention::{attend, split_projection},
    matmul::add,
    norm::{modulated_rms, rms},
    weights::Weights,
};
use crate::{
    engine::UNKNOWN,
    pack::manifest::{FrameDims, TokenizerDims},
};

/// Cuts a frame into patches: `rgb` is `(height_px, width_px, 3)`; returns `(patches, patch_values)` in -1..1.
pub fn patches_from_frame(rgb: &[u8], f: &FrameDims) -> Vec<f64> {
    let mut patches = Vec::with_capacity(f.rgb_bytes());
    for n in 0..f.patches() {
        let [gx, gy] = f.cell(n);
        for y in 0..f.patch_px {
            let start = ((gy * f.patch_px + y) * f.width_px + gx * f.patch_px) * 3;
            patches.extend(rgb[start..start + f.patch_px * 3].iter().map(|&x| f64::from(x) / 127.5 - 1.0));
        }
    }
    patches
}

/// The inverse of [`patches_from_frame`], clamped and rounded, as RGBA.
pub fn rgba_from_patches(patches: &[f64], f: &FrameDims) -> Vec<u8> {
    let mut rgba = vec![255; f.width_px * f.height_px * 4];
    for (n, patch) in patches.chunks_exact(f.patch_values()).enumerate() {
        let [gx, gy] = f.cell(n);
        for (i, pixel) in patch.chunks_exact(3).enumerate() {
            let (y, x) = (gy * f.patch_px + i / f.patch_px, gx * f.patch_px + i % f.patch_px);
            for (out, v) in rgba[(y * f.width_px + x) * 4..].iter_mut().zip(pixel) {
                *out = ((v + 1.0) * 127.5).clamp(0.0, 255.0).round() as u8;
            }
        }
    }
    rgba
}

/// One block: attention among the tokens of the frame, then feed-forward. `h`: `(tokens, channels)`, changed in place; `norm`: its first and
/// its second.
fn block(w: &Weights, name: &str, h: &mut [f64], t: &TokenizerDims, norm: impl Fn(usize, &[f64]) -> Vec<f64>) {
    let qkv = split_projection(&w.linear(&format!("{name}.qkv"), &norm(0, h), t.channels), 3, t.channels);
    let seen = attend(&qkv[0], &qkv[1], &qkv[2], &[], t.heads, t.channels);
    add(h, &w.linear(&format!("{name}.out"), &seen, t.channels));
    feed_forward(w, name, &norm(1, h), h, t);
}

fn feed_forward(w: &Weights, name: &str, normed: &[f64], h: &mut [f64], t: &TokenizerDims) {
    let mut hidden = w.linear(&format!("{name}.up"), normed, t.channels);
    hidden.iter_mut().for_each(|x| *x = gelu(*x));
    add(h, &w.linear(&format!("{name}.down"), &hidden, t.ffn_hidden));
}

/// Pre-quantisation values `z` of a frame, `(tokens, code_dims)`. `rgb`: `(height_px, width_px, 3)`.
pub fn encode_values(w: &Weights, rgb: &[u8], f: &FrameDims, t: &TokenizerDims) -> Vec<f64> {
    let mut hidden = w.linear("tok.enc.in1", &patches_from_frame(rgb, f), f.patch_values());
    hidden.iter_mut().for_each(|x| *x = gelu(*x));
    let mut h = w.linear("tok.enc.in2", &hidden, t.patch_in_hidden);
    let of_look = f.look.then(|| {
        let z = look_values(w, &h, f, t);
        let values: Vec<f64> = z.iter().map(|z| value_from_code(code_from_value(*z, f.code_levels), f.code_levels)).collect();
        let lit = w.linear("tok.enc.look.lit", &values, f.code_dims);
        h.chunks_exact_mut(t.channels).for_each(|patch| add(patch, &lit));
        z
    });
    for i in 0..t.encoder_blocks {
        feed_forward(w, &format!("tok.enc.{i}"), &rms(&h, t.channels), &mut h, t);
    }
    let mut z = w.linear("tok.enc.code", &rms(&h, t.channels), t.channels);
    z.extend(of_look.into_iter().flatten());
    z
}

/// Pre-quantisation values of the look of patches `h`, `(patches, channels)`.
fn look_values(w: &Weights, h: &[f64], f: &FrameDims, t: &TokenizerDims) -> Vec<f64> {
    let mut hidden = w.linear("tok.enc.look.up", &rms(h, t.channels), t.channels);
    hidden.iter_mut().for_each(|x| *x = gelu(*x));
    let mean = |i: usize| hidden[i..].iter().step_by(t.ffn_hidden).sum::<f64>() / f.patches() as f64;
    let mean: Vec<f64> = (0..t.ffn_hidden).map(mean).collect();
    w.linear("tok.enc.look.down", &rms(&mean, t.ffn_hidden), t.ffn_hidden)
}

/// FSQ: the level of a value before the bottleneck.
pub fn code_from_value(z: f64, levels: usize) -> u8 {
    ((z.tanh() + 1.0) * (levels - 1) as f64 / 2.0 + 0.5).floor() as u8
}

/// FSQ: the value that a level is fed on as, in -1..1; an unknown level counts as the middle.
pub fn value_from_code(code: u8, levels: usize) -> f64 {
    if code == UNKNOWN { 0.0 } else { 2.0 * f64::from(code) / (levels - 1) as f64 - 1.0 }
}

/// What a look adds to the gain of one behind every norm of the decoder, `(decoder_gains)`. `look`: `(code_dims)` values.
fn gains_of_look(w: &Weights, look: &[f64], t: &TokenizerDims) -> Vec<f64> {
    let mut hidden = w.linear("tok.dec.look.hidden", look, look.len());
    hidden.iter_mut().for_each(|x| *x = silu(*x));
    w.linear("tok.dec.look.gain", &hidden, t.look_hidden)
}

/// Patch values of a frame, `(patches, patch_values)`, not yet clamped. `codes`: `(tokens, code_dims)`.
pub fn decode_patches(w: &Weights, codes: &[u8], f: &FrameDims, t: &TokenizerDims) -> Vec<f64> {
    let values: Vec<f64> = codes.iter().map(|&c| value_from_code(c, f.code_levels)).collect();
    let gains = if f.look { gains_of_look(w, &values[f.patches() * f.code_dims..], t) } else { vec![0.0; t.decoder_gains()] };
    let norm = |from: usize, channels: usize, x: &[f64]| modulated_rms(x, &gains[from..][..channels], &vec![0.0; channels]);
    let c = t.channels;
    let mut h = w.linear("tok.dec.code", &values, f.code_dims);
    add(&mut h, w.get("tok.dec.pos"));
    for i in 0..t.decoder_blocks {
        block(w, &format!("tok.dec.{i}"), &mut h, t, |number, x| norm((2 * i + number) * c, c, x));
    }
    h.truncate(f.patches() * t.channels);
    let mut hidden = w.linear("tok.dec.out1", &norm(2 * t.decoder_blocks * c, c, &h), c);
    hidden.iter_mut().for_each(|x| *x = gelu(*x));
    if f.look {
        hidden = norm((2 * t.decoder_blocks + 1) * c, t.patch_out_hidden, &hidden);
    }
    w.linear("tok.dec.out2", &hidden, t.patch_out_hidden)
}
