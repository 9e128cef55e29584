//! The manifest of a world pack: every size and setting the player needs, as JSON in the safetensors metadata.
//!
//! Sizes are data here, never constants in code. Field names follow `docs/MODEL.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::{Chance, UnmaskOrder, decode};
use crate::worlds::relief::Cutout;
use crate::worlds::scene::Feature;

/// The pack format this program reads and writes.
pub const FORMAT_VERSION: u32 = 8;

/// Frames that a walk holds a code for.
const HELD_FRAMES: usize = 4;

/// Everything about a world that is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format_version: u32,
    pub name: String,
    pub licence: String,
    /// What it was trained on, with which command, commit, hardware and time.
    pub provenance: Provenance,
    pub frame: FrameDims,
    pub tokenizer: TokenizerDims,
    /// Absent in a pack that holds a tokenizer only (a checkpoint between stages).
    pub dynamics: Option<DynamicsDims>,
    pub lam: Option<LamDims>,
    pub actions: Vec<LatentAction>,
    /// The word table that prompts are read with ([`crate::prompt::TABLE_NAME`]).
    pub word_table: String,
    pub suggested_prompts: Vec<String>,
    pub play: PlayDefaults,
    pub parity: Option<ParityInfo>,
    /// What of the land stands up; where nobody told, it is not seen from within.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relief: Option<Relief>,
    /// Results of `somnium-train eval`, free-form.
    #[serde(default)]
    pub evaluation: serde_json::Value,
}

impl Manifest {
    /// How what was seen before is found again; `None` where the view does not scroll or there is no dynamics.
    pub fn recall(&self) -> Option<&RecallDims> {
        self.dynamics.as_ref()?.recall.as_ref()
    }

    /// Latent codes that something is bound to, in their order; all where nothing is.
    pub fn bound_codes(&self) -> Vec<u8> {
        let bound = |action: &LatentAction| !action.bound_to.is_empty();
        let any = self.actions.iter().any(bound);
        let codes = (0..=u8::MAX).zip(&self.actions).filter(|&(_, action)| !any || bound(action));
        codes.map(|(code, _)| code).collect()
    }

    /// Latent codes of so many frames as somebody walks, to measure speed with: bound ones, each held for a while. Which comes next is left to
    /// chance, always the same: taken in turns they would lead in circles over land that is known, where adaptive decoding has little to do.
    pub fn walk(&self, frames: usize) -> Vec<u8> {
        let codes = self.bound_codes();
        let held = |frame: usize| decode::random(0, (frame / HELD_FRAMES) as u32, 0, 0, 0) as usize;
        (0..frames).filter_map(|frame| codes.get(held(frame) % codes.len().max(1)).copied()).collect()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the simulator the clips came from, if one did: evaluation compares with it.
    pub world: Option<String>,
    pub data: String,
    pub command: String,
    pub commit: String,
    pub hardware: String,
    pub trained_secs: f64,
    /// The token of every look, `(code_dims)` levels, by the look's name: a dream's light, weather, season and style are told by it (`dream::looks`).
    /// Whoever trains on takes these over: read off other clips, many would be other tokens.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub looks: BTreeMap<String, Vec<u8>>,
    /// Tokens of patches, `(code_dims)` levels each, by the plain words of what they show: a land and, where something stands out, that
    /// ("meadow flowers"). What of the land is in sight is told by them (`dream::lands`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lands: BTreeMap<String, Vec<Vec<u8>>>,
}

/// What of the land stands up and what lies flat, for a view from within (`dream::first_person`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relief {
    /// Tokens of patches that are coloured as the sky is overhead and above the horizon, `(code_dims)` levels each.
    pub sky: [Vec<u8>; 2],
    /// By name.
    pub standing: BTreeMap<String, Standing>,
    /// Packs of before do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub water: Vec<StillWater>,
    /// Neither do they say this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shining: Vec<Shining>,
}

/// Still water on a patch of this token: sky and land are mirrored there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillWater {
    /// `(code_dims)` levels.
    pub token: Vec<u8>,
    /// Pixels of the patch that are water: bit `x` of row `y`, from the top.
    pub rows: Vec<u32>,
}

/// What shines by itself in the dark: the same pixels on patches of these tokens. In which colour they shine is seen where they are drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shining {
    /// `(code_dims)` levels each.
    pub tokens: Vec<Vec<u8>>,
    /// Pixels of the patch that shine: bit `x` of row `y`, from the top.
    pub rows: Vec<u32>,
}

/// What stands on a patch of this token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// `(code_dims)` levels, and those of bare ground there.
    pub token: Vec<u8>,
    pub ground: Vec<u8>,
    /// What who asks for such a thing asks for; packs of before do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<Feature>,
    #[serde(flatten)]
    pub cutout: Cutout,
}

/// Pixels and tokens of a frame. Memory order of a frame: rows, columns, RGB, 8-bit sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameDims {
    pub width_px: usize,
    pub height_px: usize,
    /// Side of the square patch that one token stands for.
    pub patch_px: usize,
    pub rate_hz: u32,
    /// FSQ dimensions a token, `D`.
    pub code_dims: usize,
    /// Levels a dimension, `L`.
    pub code_levels: usize,
    /// Whether a token besides those of the patches, the last of a frame, says how all of it looks.
    #[serde(default)]
    pub look: bool,
}

impl FrameDims {
    pub fn grid_w(&self) -> usize {
        self.width_px / self.patch_px
    }

    pub fn grid_h(&self) -> usize {
        self.height_px / self.patch_px
    }

    /// Patches a frame, each with a token of its own, row by row.
    pub fn patches(&self) -> usize {
        self.grid_w() * self.grid_h()
    }

    /// Column and row of patch `n`.
    pub fn cell(&self, n: usize) -> [usize; 2] {
        [n % self.grid_w(), n / self.grid_w()]
    }

    /// Patches to the left and right of patch `n`, above and below it; `None` where the frame ends.
    pub fn beside(&self, n: usize) -> [Option<usize>; 4] {
        let (w, [x, _]) = (self.grid_w(), self.cell(n));
        [(x > 0).then(|| n - 1), (x + 1 < w).then(|| n + 1), n.checked_sub(w), Some(n + w).filter(|below| *below < self.patches())]
    }

    /// Tokens a frame, `N`: of the patches, and of the look where there is one.
    pub fn tokens(&self) -> usize {
        self.patches() + usize::from(self.look)
    }

    /// Bytes of the codes of one frame: `(tokens, code_dims)` u8.
    pub fn code_bytes(&self) -> usize {
        self.tokens() * self.code_dims
    }

    /// Bytes of one RGB frame.
    pub fn rgb_bytes(&self) -> usize {
        self.width_px * self.height_px * 3
    }

    /// Values of one patch: `patch_px * patch_px * 3`, memory order (row, column, RGB).
    pub fn patch_values(&self) -> usize {
        self.patch_px * self.patch_px * 3
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenizerDims {
    pub channels: usize,
    pub heads: usize,
    /// Feed-forwards of the encoder, which reads every patch by itself.
    pub encoder_blocks: usize,
    pub decoder_blocks: usize,
    /// Hidden width of the MLP that takes patches in.
    pub patch_in_hidden: usize,
    /// Hidden width of the MLP that gives patches out.
    pub patch_out_hidden: usize,
    /// Hidden width of a block's feed-forward.
    pub ffn_hidden: usize,
    /// Hidden width of what reads the look in the decoder, where frames have one.
    #[serde(default)]
    pub look_hidden: usize,
}

impl TokenizerDims {
    /// Gains that a look sets in the decoder: a channel's behind every norm, two of them a block.
    pub fn decoder_gains(&self) -> usize {
        (2 * self.decoder_blocks + 1) * self.channels + self.patch_out_hidden
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynamicsDims {
    pub channels: usize,
    pub heads: usize,
    pub ffn_hidden: usize,
    /// Which sub-layers each block has, besides spatial attention and feed-forward.
    pub blocks: Vec<BlockKind>,
    /// Frames of window `W`: a frame sees itself and `W - 1` committed ones.
    pub window: usize,
    /// Latent actions `A`; index `A` means unknown.
    pub actions: usize,
    /// Levels of context corruption (rows of `dyn.level`).
    pub context_levels: usize,
    /// Longest prompt in words, `K`.
    pub prompt_words: usize,
    /// Hidden units of the head for each code dimension, `G`.
    pub head_hidden: usize,
    /// Absent where the view does not scroll.
    pub recall: Option<RecallDims>,
    /// Whether a token that is being dreamed sees those of the 3x3 tokens around it that are settled already.
    #[serde(default)]
    pub look_beside: bool,
    /// Tokens that may be dreamed; 0: any.
    #[serde(default)]
    pub vocabulary: usize,
    /// Of those the ones that lie on the land; they are drawn beside what they were seen beside. 0: whatever lies there.
    #[serde(default)]
    pub land: usize,
}

/// How what was seen before is found again: the view scrolls in whole steps over a map of tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecallDims {
    /// Pixels of a step; divides a patch.
    pub step_px: usize,
    /// Tokens of patches that never scroll, such as the figure's.
    pub covered: Vec<usize>,
}

impl RecallDims {
    /// Whether a token lies on the land and goes with it: neither a covered one nor the look.
    pub fn scrolls(&self, token: usize, frame: &FrameDims) -> bool {
        token < frame.patches() && !self.covered.contains(&token)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockKind {
    /// Temporal attention of each position over past frames.
    pub temporal: bool,
    /// Cross-attention to the prompt.
    pub prompt: bool,
}

impl DynamicsDims {
    /// The action that stands for one nobody knows: behind the latent ones.
    pub fn unknown_action(&self) -> u8 {
        u8::try_from(self.actions).unwrap_or(u8::MAX)
    }

    /// Sources a token may be copied from: the frame before and, with recall, what the map offers.
    pub fn sources(&self) -> usize {
        1 + usize::from(self.recall.is_some())
    }
}

impl BlockKind {
    /// Modulated norms of the block: spatial, temporal?, prompt?, feed-forward.
    pub fn norms(&self) -> usize {
        2 + usize::from(self.temporal) + usize::from(self.prompt)
    }
}

/// Latent action model; at play it only labels recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LamDims {
    pub channels: usize,
    pub heads: usize,
    pub blocks: usize,
    pub ffn_hidden: usize,
    /// Frames are averaged down by this factor before the LAM sees them.
    pub shrink: usize,
    /// How far a code's kernel reaches, in averaged-down pixels.
    pub reach: usize,
    /// Bits of a code: there are `2^bits`.
    pub bits: usize,
}

/// One latent action as the inspector shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatentAction {
    /// "north", "west (blocked)", ... or "code 5" where no label fits.
    pub name: String,
    /// Share of the labelled steps that carried this code, 0..1.
    pub share: f32,
    /// Share of this code's steps that agree with its name, 0..1, moved steps.
    pub purity_moved: f32,
    /// The same over blocked steps.
    pub purity_blocked: f32,
    /// Input this code is bound to by default: "north", "south", "west", "east", "stay".
    #[serde(default)]
    pub bound_to: Vec<String>,
    /// Where the view goes under this code, in steps of `dynamics.recall` (x to the right, y down).
    #[serde(default)]
    pub motion: [i32; 2],
}

/// How a world is played unless the user says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlayDefaults {
    pub steps: u32,
    pub temperature: f32,
    /// Which tokens a step settles first.
    pub order: UnmaskOrder,
    /// Row of `dyn.level` used at play.
    pub context_level: usize,
    /// Frames of window at play, at most `dynamics.window`.
    pub window: usize,
    /// Probability from which on a token is settled at once, where decoding is adaptive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certain: Option<f32>,
    /// Share of the likeliest level's probability below which a level is never drawn; 0: none.
    #[serde(default)]
    pub min_p: f32,
    /// Chance in drawing land that the map has nothing of, if it is another; it is never certain then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_land: Option<Chance>,
}

/// The clip stored for parity: tensors `parity.codes`, `parity.actions`, `parity.moved`, `parity.logits`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParityInfo {
    pub frames: usize,
    pub prompt: String,
    /// Largest allowed |engine - trainer| of a logit, as `atol + rtol * |trainer|`.
    pub atol: f32,
    pub rtol: f32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::random::odd_manifest;

    #[test]
    fn a_walk_holds_one_after_another_of_what_something_is_bound_to() {
        let mut m = odd_manifest();
        assert_eq!(m.bound_codes(), [0, 1, 2], "nothing is bound");
        for (code, name) in [(1, "north"), (2, "stay")] {
            m.actions[code].bound_to = vec![name.to_owned()];
        }
        assert_eq!(m.bound_codes(), [1, 2]);
        let walk = m.walk(100);
        assert_eq!((walk.len(), &walk[..30]), (100, &m.walk(30)[..]));
        assert!(walk.chunks(HELD_FRAMES).all(|held| held.iter().all(|code| *code == held[0])));
        let strides = |code: u8| walk.chunks(HELD_FRAMES).filter(|held| held[0] == code).count();
        assert!(strides(0) == 0 && strides(1) > 5 && strides(2) > 5, "{walk:?}");
        m.actions.clear();
        assert!(m.walk(3).is_empty());
    }

    #[test]
    fn patches_lie_beside_each_other_up_to_the_ends_of_the_frame() {
        let frame = FrameDims { width_px: 6, height_px: 4, patch_px: 2, rate_hz: 1, code_dims: 1, code_levels: 2, look: true };
        let cells: Vec<[usize; 2]> = (0..frame.patches()).map(|n| frame.cell(n)).collect();
        assert_eq!(cells, [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]);
        assert_eq!(frame.beside(0), [None, Some(1), None, Some(3)]);
        assert_eq!(frame.beside(2), [Some(1), None, None, Some(5)]);
        assert_eq!(frame.beside(4), [Some(3), Some(5), Some(1), None]);
    }
}
