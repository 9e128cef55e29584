//! Sizes a world can be trained in, and how each stage is trained. Sizes end up in the manifest; nothing else knows them.

use anyhow::{Result, bail};
use somnium::engine::{Chance, UnmaskOrder};
use somnium::pack::manifest::{BlockKind, DynamicsDims, FrameDims, LamDims, PlayDefaults, TokenizerDims};

use crate::model::dynamics::Design;

#[derive(Clone, Debug)]
pub struct Preset {
    pub code_dims: usize,
    pub code_levels: usize,
    /// Whether a token besides those of the patches says how all of a frame looks.
    pub look: bool,
    pub tokenizer: TokenizerDims,
    pub lam: LamDims,
    /// Its recall is read off the world.
    pub dynamics: DynamicsDims,
    /// Whether it recalls at all where the world scrolls. Without, a pack does not say either which land lies beside which (`vocabulary`),
    /// and what is dreamed is not checked for it at play.
    pub recall: bool,
    pub design: Design,
    pub masks: MaskRates,
    /// Share of windows in which a frame stands twice: the key that is held did nothing yet.
    pub doubled: f32,
    pub play: PlayDefaults,
    /// Frames of a batch.
    pub tokenizer_batch: usize,
    /// Frame pairs of a batch.
    pub lam_batch: usize,
    /// Clips of a batch, each of `dynamics_frames`.
    pub dynamics_batch: usize,
    pub dynamics_frames: usize,
}

/// Share of a frame's tokens that is masked, where not all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskRates {
    /// The cosine of a uniform angle (MaskGIT, Chang et al. 2022).
    Cosine,
    /// Uniform in 0.5 to 1 (Genie, Bruce et al. 2024).
    UpperHalf,
}

const TEMPORAL: BlockKind = BlockKind { temporal: true, prompt: false };
const PROMPT: BlockKind = BlockKind { temporal: false, prompt: true };

const NAMES: &[&str] = &["pocket", "small", "tiny"];

type Change = fn(&mut Preset);

/// What `trainer/EXPERIMENTS.md` compares with a preset as it is, by the name behind the preset's: `pocket/windows`.
const VARIATIONS: &[(&str, Change)] = &[
    ("temporal-everywhere", |preset| preset.dynamics.blocks.fill(BlockKind { temporal: true, prompt: true })),
    ("windows", |preset| (preset.design.window, preset.look) = ([7, 3], false)),
    ("no-look-back", |preset| preset.design.look_back = false),
    ("no-look-beside", |preset| preset.dynamics.look_beside = false),
    ("no-recall", |preset| preset.recall = false),
    ("independent-levels", |preset| preset.design.joint_levels = false),
    ("upper-half-masks", |preset| preset.masks = MaskRates::UpperHalf),
    ("doubled-frames", |preset| preset.doubled = 0.3),
];

/// The preset of that name, with a variation behind a slash or without.
///
/// # Errors
/// One sentence with the names there are.
pub fn by_name(name: &str) -> Result<Preset> {
    let (size, variation) = name.split_once('/').map_or((name, None), |(size, variation)| (size, Some(variation)));
    let mut preset = match size {
        "pocket" => pocket(),
        "small" => small(),
        "tiny" => tiny(),
        _ => bail!("unknown preset {size:?}; there are {}", NAMES.join(", ")),
    };
    if let Some(variation) = variation {
        let Some((_, change)) = VARIATIONS.iter().find(|(name, _)| *name == variation) else {
            let names: Vec<&str> = VARIATIONS.iter().map(|(name, _)| *name).collect();
            bail!("unknown variation {variation:?}; there are {}", names.join(", "));
        };
        change(&mut preset);
    }
    Ok(preset)
}

/// Plays on two CPU cores in real time and trains on them: something to walk in within hours, the shipped pack in 45.
fn pocket() -> Preset {
    Preset {
        code_dims: 12,
        code_levels: 5,
        look: true,
        tokenizer: TokenizerDims {
            channels: 192,
            heads: 6,
            encoder_blocks: 2,
            decoder_blocks: 2,
            patch_in_hidden: 512,
            patch_out_hidden: 512,
            ffn_hidden: 768,
            look_hidden: 64,
        },
        lam: LamDims { channels: 96, heads: 3, blocks: 1, ffn_hidden: 384, shrink: 4, reach: 4, bits: 3 },
        dynamics: DynamicsDims {
            channels: 160,
            heads: 5,
            ffn_hidden: 640,
            blocks: vec![TEMPORAL, PROMPT, TEMPORAL, PROMPT, TEMPORAL, PROMPT],
            window: 8,
            actions: 8,
            context_levels: 4,
            prompt_words: 12,
            head_hidden: 64,
            recall: None,
            look_beside: true,
            vocabulary: 0,
            land: 0,
        },
        recall: true,
        design: Design::default(),
        masks: MaskRates::Cosine,
        doubled: 0.0,
        play: PlayDefaults {
            steps: 4,
            temperature: 0.9,
            order: UnmaskOrder::Random,
            context_level: 0,
            window: 8,
            certain: Some(0.5),
            min_p: 0.05,
            new_land: Some(Chance { temperature: 1.0, min_p: 0.01 }),
        },
        tokenizer_batch: 32,
        lam_batch: 48,
        dynamics_batch: 6,
        dynamics_frames: 11,
    }
}

/// Pocket with a dynamics of a third of the work, for comparisons with small budgets: it shares pocket's tokenizer and tokens.
fn small() -> Preset {
    let pocket = pocket();
    Preset { dynamics: DynamicsDims { channels: 96, heads: 3, ffn_hidden: 384, head_hidden: 32, ..pocket.dynamics.clone() }, ..pocket }
}

/// A toy that goes through every stage within seconds: tests of the plumbing, nothing to look at.
fn tiny() -> Preset {
    Preset {
        code_dims: 4,
        code_levels: 5,
        look: true,
        tokenizer: TokenizerDims {
            channels: 32,
            heads: 2,
            encoder_blocks: 1,
            decoder_blocks: 1,
            patch_in_hidden: 32,
            patch_out_hidden: 32,
            ffn_hidden: 64,
            look_hidden: 8,
        },
        lam: LamDims { channels: 32, heads: 2, blocks: 1, ffn_hidden: 64, shrink: 4, reach: 4, bits: 3 },
        dynamics: DynamicsDims {
            channels: 32,
            heads: 2,
            ffn_hidden: 64,
            blocks: vec![TEMPORAL, PROMPT],
            window: 3,
            actions: 8,
            context_levels: 4,
            prompt_words: 8,
            head_hidden: 16,
            recall: None,
            look_beside: true,
            vocabulary: 0,
            land: 0,
        },
        recall: true,
        design: Design::default(),
        masks: MaskRates::Cosine,
        doubled: 0.0,
        play: PlayDefaults {
            steps: 2,
            temperature: 0.8,
            order: UnmaskOrder::Random,
            context_level: 0,
            window: 3,
            certain: None,
            min_p: 0.0,
            new_land: None,
        },
        tokenizer_batch: 4,
        lam_batch: 4,
        dynamics_batch: 2,
        dynamics_frames: 6,
    }
}

impl Preset {
    pub fn frame(&self, info: &crate::source::SourceInfo) -> FrameDims {
        FrameDims {
            width_px: info.width_px,
            height_px: info.height_px,
            patch_px: info.patch_px,
            rate_hz: info.rate_hz,
            code_dims: self.code_dims,
            code_levels: self.code_levels,
            look: self.look,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variation_changes_one_thing_and_a_name_of_none_is_refused() {
        let [as_it_is, without] = ["small", "small/no-recall"].map(|name| by_name(name).expect("the preset exists"));
        assert_eq!((as_it_is.recall, without.recall), (true, false));
        let rest = |preset: Preset| format!("{:?}", Preset { recall: true, ..preset });
        assert_eq!(rest(as_it_is), rest(without));
        assert_ne!(rest(by_name("small/doubled-frames").expect("another")), rest(by_name("small").expect("the preset exists")));
        let why = by_name("small/no-memory").expect_err("there is none").to_string();
        assert!(why.contains("unknown variation") && why.contains("no-recall"), "{why}");
    }
}
