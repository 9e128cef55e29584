//! Packs of random weights, for tests and for measuring the speed of a shape before anything is trained.

use super::{
    Pack, PackDtype, PackError, PackTensor,
    manifest::{
        BlockKind, DynamicsDims, FORMAT_VERSION, FrameDims, LamDims, LatentAction, Manifest, PlayDefaults, Provenance, RecallDims,
        TokenizerDims,
    },
    tensor_specs,
};
use crate::{
    engine::{UnmaskOrder, decode::random},
    prompt::TABLE_NAME,
};

/// Where the view goes under the first actions: ways of walking and standing, also two steps at once and aslant.
const MOTIONS: [[i32; 2]; 8] = [[1, 0], [0, -1], [-1, 0], [0, 0], [0, 1], [2, 0], [-1, 1], [0, 0]];

/// A pack with random weights, scaled so that activations and logits stay of order one. A parity clip in the manifest is dropped: its
/// logits would have to be computed.
pub fn random_pack(mut manifest: Manifest, seed: u32) -> Result<Pack, PackError> {
    manifest.parity = None;
    let specs = tensor_specs(&manifest)?;
    let mut tensors = std::collections::BTreeMap::new();
    for (tensor, spec) in specs.iter().enumerate() {
        let land = manifest.dynamics.as_ref().map_or(0, |d| d.land);
        let bytes = match spec.name.as_str() {
            "vocabulary.tokens" => Some(spread_tokens(&manifest.frame, spec.shape[0])),
            "vocabulary.land" => Some((0..spec.shape[0]).map(|n| u8::from(n < land)).collect()),
            "vocabulary.beside" => Some(some_pairs(seed, land)),
            _ => None,
        };
        if let Some(bytes) = bytes {
            tensors.insert(spec.name.clone(), PackTensor::from_u8s(&spec.shape, &bytes));
            continue;
        }
        debug_assert_eq!(spec.dtype, PackDtype::F16);
        let scale = match (spec.name.as_str(), spec.shape.as_slice()) {
            // Pictures follow codes more than places, or the odometer would never see the view move.
            ("tok.dec.pos", _) => 0.1,
            ("dyn.embed", _) => 1.0 / (manifest.frame.code_dims as f32).sqrt(),
            (name, _) if name.ends_with(".pos") || name.ends_with(".bias") || name == "dyn.recall.age" || name == "dyn.action" => 1.0,
            ("dyn.level" | "dyn.told", _) => 0.3,
            // Modulation leaves the norm's output of order one.
            (name, [rows, _]) if name.ends_with(".mod.w") => 0.5 / (*rows as f32).sqrt(),
            ("dyn.prev.gate", _) => 1.0,
            // Word vectors have a length of 8.
            ("text.in.w" | "dyn.said.word.w", _) => 0.2,
            // Levels of earlier dimensions matter, and logits spread far enough that argmax and sampling differ.
            ("dyn.head.codes", _) => 0.5,
            ("dyn.head.out.w", _) => 4.0 / (manifest.dynamics.as_ref().map_or(1, |d| d.head_hidden) as f32).sqrt(),
            // What is copied matters as much as what is described.
            ("dyn.head.copy.w", [rows, _]) => 2.0 / (*rows as f32).sqrt(),
            ("dyn.head.copy.b", _) => 1.0,
            // Another look is seen in every patch.
            ("tok.dec.look.gain.w", [rows, _]) => 2.0 / (*rows as f32).sqrt(),
            // What is said is not all that is seen.
            ("dyn.said.all.w", [rows, _]) => 0.3 / (*rows as f32).sqrt(),
            (_, [rows, _]) => 1.0 / (*rows as f32).sqrt(),
            _ => 0.2,
        };
        let values: Vec<f32> = (0..spec.elements()).map(|i| scale * normal(seed, tensor as u32, i as u32)).collect();
        tensors.insert(spec.name.clone(), PackTensor::from_f32s_as_f16(&spec.shape, &values));
    }
    Pack::new(manifest, tensors)
}

/// So many tokens out of all there can be, about evenly spread.
fn spread_tokens(frame: &FrameDims, count: usize) -> Vec<u8> {
    let levels = frame.code_levels as u64;
    let every = levels.pow(frame.code_dims as u32) / count as u64;
    let token = |i: u64| (0..frame.code_dims as u32).rev().map(move |place| ((i * every + i % 2) / levels.pow(place) % levels) as u8);
    (0..count as u64).flat_map(token).collect()
}

/// About three in four pairs of the tokens of a land, `(2, land, bytes of a row of bits)`.
fn some_pairs(seed: u32, land: usize) -> Vec<u8> {
    let bit = |axis: u32, first: usize, second: usize| u8::from(!random(seed, axis, first as u32, second as u32, 1).is_multiple_of(4));
    let byte = move |axis: u32, first: usize, at: usize| (0..8).fold(0, |byte, i| byte | bit(axis, first, 8 * at + i) << i);
    (0..2).flat_map(|axis| (0..land).flat_map(move |first| (0..land.div_ceil(8)).map(move |at| byte(axis, first, at)))).collect()
}

/// Nearly normal, mean 0 and variance 1: the sum of four uniform numbers.
fn normal(seed: u32, tensor: u32, i: u32) -> f32 {
    let uniform = |j| (random(seed, tensor, i, j, 0) >> 8) as f32 / (1 << 24) as f32 - 0.5;
    (0..4).map(uniform).sum::<f32>() * 3f32.sqrt()
}

fn manifest(name: &str, frame: FrameDims, tokenizer: TokenizerDims, dynamics: DynamicsDims) -> Manifest {
    let action = |i: usize| LatentAction {
        name: format!("code {i}"),
        share: 0.0,
        purity_moved: 0.0,
        purity_blocked: 0.0,
        bound_to: Vec::new(),
        motion: MOTIONS[i % MOTIONS.len()],
    };
    Manifest {
        format_version: FORMAT_VERSION,
        name: name.into(),
        licence: "CC0-1.0".into(),
        provenance: Provenance { data: "random weights".into(), ..Provenance::default() },
        frame,
        tokenizer,
        actions: (0..dynamics.actions).map(action).collect(),
        play: PlayDefaults {
            steps: 2,
            temperature: 1.0,
            order: UnmaskOrder::Random,
            context_level: 0,
            window: dynamics.window,
            certain: None,
            min_p: 0.0,
            new_land: None,
        },
        dynamics: Some(dynamics),
        lam: None,
        word_table: TABLE_NAME.into(),
        suggested_prompts: vec!["snow night".into()],
        parity: None,
        relief: None,
        evaluation: serde_json::Value::Null,
    }
}

/// Sizes near those of the shipped pack, with fewer code dimensions and blocks and no token of the look: what `somnium bench --shape` starts from.
pub fn plain_manifest() -> Manifest {
    let temporal = BlockKind { temporal: true, prompt: false };
    let prompt = BlockKind { temporal: false, prompt: true };
    manifest(
        "random plain",
        FrameDims { width_px: 144, height_px: 112, patch_px: 16, rate_hz: 10, code_dims: 8, code_levels: 5, look: false },
        TokenizerDims {
            channels: 192,
            heads: 6,
            encoder_blocks: 1,
            decoder_blocks: 2,
            patch_in_hidden: 512,
            patch_out_hidden: 512,
            ffn_hidden: 768,
            look_hidden: 5,
        },
        DynamicsDims {
            channels: 160,
            heads: 5,
            ffn_hidden: 640,
            blocks: vec![temporal, prompt, temporal, prompt],
            window: 8,
            actions: 8,
            context_levels: 4,
            prompt_words: 8,
            head_hidden: 64,
            recall: Some(RecallDims { step_px: 8, covered: vec![31] }),
            look_beside: true,
            vocabulary: 0,
            land: 0,
        },
    )
}

/// A small model whose every size is odd or prime, with all kinds of blocks: what kernels that assume multiples get wrong.
pub fn odd_manifest() -> Manifest {
    let block = |temporal, prompt| BlockKind { temporal, prompt };
    let mut m = manifest(
        "random odd",
        FrameDims { width_px: 35, height_px: 21, patch_px: 7, rate_hz: 7, code_dims: 3, code_levels: 7, look: false },
        TokenizerDims {
            channels: 33,
            heads: 3,
            encoder_blocks: 2,
            decoder_blocks: 1,
            patch_in_hidden: 29,
            patch_out_hidden: 37,
            ffn_hidden: 53,
            look_hidden: 5,
        },
        DynamicsDims {
            channels: 35,
            heads: 5,
            ffn_hidden: 47,
            blocks: vec![block(false, false), block(true, true), block(false, true), block(true, false)],
            window: 5,
            actions: 3,
            context_levels: 3,
            prompt_words: 3,
            head_hidden: 5,
            recall: Some(RecallDims { step_px: 7, covered: vec![7] }),
            look_beside: true,
            vocabulary: 120,
            land: 0,
        },
    );
    m.lam = Some(LamDims { channels: 15, heads: 3, blocks: 1, ffn_hidden: 17, shrink: 7, reach: 1, bits: 2 });
    m
}

/// As [`odd_manifest`], where it is known what lies beside what. For tests.
#[doc(hidden)]
pub fn land_manifest() -> Manifest {
    let mut m = odd_manifest();
    m.name = "random land".into();
    m.dynamics.iter_mut().for_each(|d| d.land = 70);
    m
}

/// As [`odd_manifest`], with a token of the frame's look. For tests.
#[doc(hidden)]
pub fn look_manifest() -> Manifest {
    let mut m = odd_manifest();
    (m.name, m.frame.look) = ("random look".into(), true);
    m
}

/// The smallest of everything: one token, one channel, one level more than none. For tests.
#[doc(hidden)]
pub fn tiny_manifest() -> Manifest {
    manifest(
        "random tiny",
        FrameDims { width_px: 1, height_px: 1, patch_px: 1, rate_hz: 1, code_dims: 1, code_levels: 2, look: false },
        TokenizerDims {
            channels: 1,
            heads: 1,
            encoder_blocks: 0,
            decoder_blocks: 0,
            patch_in_hidden: 1,
            patch_out_hidden: 1,
            ffn_hidden: 1,
            look_hidden: 5,
        },
        DynamicsDims {
            channels: 2,
            heads: 1,
            ffn_hidden: 1,
            blocks: vec![BlockKind { temporal: true, prompt: true }],
            window: 1,
            actions: 1,
            context_levels: 1,
            prompt_words: 0,
            head_hidden: 8,
            recall: None,
            look_beside: false,
            vocabulary: 0,
            land: 0,
        },
    )
}
