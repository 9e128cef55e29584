//! Shapes of networks to measure with random weights before any is trained: `d=384,layers=6,tokens=256,context=4,steps=1`.

use std::fmt;

use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::inputs::play_settings;
use crate::engine::{DecodeSettings, Engine, EngineError, TokenFrame};
use crate::pack::manifest::{Manifest, ParityInfo, RecallDims};
use crate::pack::random::{plain_manifest, random_pack};
use crate::pack::{Pack, PackTensor, TensorSpec, limits, tensor_specs};
use crate::prompt::words_of;

/// Prompt of the parity clip.
const CLIP_PROMPT: &str = "snow night";
/// Largest difference from the clip's logits that counts as the same: logits are of order ten, sums run in another order.
const CLIP_ATOL: f32 = 1e-3;
const SEED: u32 = 1;

/// Sizes of a dynamics; everything else is as in [`plain_manifest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub channels: usize,
    /// As many as give at least 32 channels each where not given.
    pub heads: Option<usize>,
    /// Four times the channels where not given.
    pub ffn: Option<usize>,
    /// Pixels of a patch's side; that of [`plain_manifest`] where not given.
    pub patch: Option<usize>,
    pub layers: usize,
    pub tokens: usize,
    /// Frames of window.
    pub context: usize,
    pub steps: u32,
}

impl Shape {
    /// Reads `key=value,...`; what is left out is that of [`plain_manifest`]. `params` chooses the `d` that comes nearest.
    ///
    /// # Errors
    /// One sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut shape = Self { channels: 160, heads: None, ffn: None, patch: None, layers: 4, tokens: 63, context: 8, steps: 2 };
        let (mut params, mut seen) = (None, Vec::new());
        for part in text.split(',') {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let number = number(value)
                .ok_or_else(|| format!("{part:?} is no part of a shape, which reads like d=256,layers=4,tokens=64,context=16,steps=2"))?;
            match key {
                "d" => shape.channels = number,
                "heads" => shape.heads = Some(number),
                "ffn" => shape.ffn = Some(number),
                "patch" => shape.patch = Some(number),
                "layers" => shape.layers = number,
                "tokens" => shape.tokens = number,
                "context" => shape.context = number,
                "steps" => shape.steps = number.try_into().unwrap_or(u32::MAX),
                "params" => params = Some(number),
                _ => return Err(format!("a shape has d, heads, ffn, patch, layers, tokens, context, steps and params, but no {key:?}")),
            }
            if seen.contains(&key) {
                return Err(format!("the shape {text:?} says {key} twice"));
            }
            seen.push(key);
        }
        if !(1..=limits::TOKENS).contains(&shape.tokens) {
            return Err(format!("a frame has 1 to {} tokens, not {}", limits::TOKENS, shape.tokens));
        }
        if let Some(params) = params {
            if seen.contains(&"d") {
                return Err(format!("the shape {text:?} says both d and params, which chooses d"));
            }
            shape = shape.with_parameters(params)?;
        }
        shape.parameters()?;
        Ok(shape)
    }

    /// The number of channels, a multiple of 32, that comes nearest to this many parameters.
    fn with_parameters(self, params: usize) -> Result<Self, String> {
        let widths = (32..=limits::CHANNELS).step_by(32).map(|channels| Self { channels, ..self });
        let fitting = widths.filter_map(|shape| Some((shape.parameters().ok()?.abs_diff(params), shape)));
        match fitting.min_by_key(|(off, _)| *off) {
            Some((_, shape)) => Ok(shape),
            None => self.parameters().map(|_| self),
        }
    }

    /// Weights of the whole pack, its tokenizer included.
    ///
    /// # Errors
    /// One sentence where no pack may have this shape.
    pub fn parameters(&self) -> Result<usize, String> {
        let specs = tensor_specs(&self.manifest()).map_err(|e| format!("no pack has the shape {self}: {e}"))?;
        Ok(specs.iter().map(TensorSpec::elements).sum())
    }

    fn manifest(&self) -> Manifest {
        let mut m = plain_manifest();
        m.name = format!("random {self}");
        // The squarest grid of so many tokens.
        let (mut grid_w, mut grid_h) = (self.tokens, 1);
        for h in (1..=self.tokens.isqrt()).filter(|h| self.tokens.is_multiple_of(*h)) {
            (grid_w, grid_h) = (self.tokens / h, h);
        }
        let patch_px = self.patch.unwrap_or(m.frame.patch_px);
        m.frame.patch_px = patch_px;
        (m.frame.width_px, m.frame.height_px) = (grid_w.saturating_mul(patch_px), grid_h.saturating_mul(patch_px));
        (m.play.steps, m.play.window) = (self.steps, self.context);
        if let Some(d) = &mut m.dynamics {
            d.channels = self.channels;
            let most_heads = (self.channels / 32).min(limits::CHANNELS / 32);
            let fitting = || (1..=most_heads).rev().find(|heads| self.channels.is_multiple_of(*heads));
            d.heads = self.heads.or_else(fitting).unwrap_or(1);
            d.ffn_hidden = self.ffn.unwrap_or(self.channels.saturating_mul(4));
            // Blocks take turns as in the preset.
            d.blocks = d.blocks.iter().copied().cycle().take(self.layers.min(limits::BLOCKS + 1)).collect();
            d.window = self.context;
            // The view moves by half a patch, as there.
            let step_px = if patch_px.is_multiple_of(2) { patch_px / 2 } else { patch_px };
            d.recall = Some(RecallDims { step_px, covered: vec![grid_h / 2 * grid_w + grid_w / 2] });
        }
        m
    }

    /// Random weights of this shape.
    ///
    /// # Errors
    /// As [`Shape::parameters`].
    pub fn pack(&self) -> Result<Pack, String> {
        random_pack(self.manifest(), SEED).map_err(|e| format!("no pack has the shape {self}: {e}"))
    }

    /// [`Shape::pack`] with a parity clip: two windows that the CPU engine dreamed, and its logits.
    ///
    /// # Errors
    /// One sentence.
    pub fn pack_with_clip(&self) -> Result<Pack, String> {
        let pack = self.pack()?;
        with_clip(pack, 2 * self.context + 4).map_err(|e| e.to_string())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "d={}", self.channels)?;
        for (key, value) in [("heads", self.heads), ("ffn", self.ffn), ("patch", self.patch)] {
            value.map_or(Ok(()), |value| write!(f, ",{key}={value}"))?;
        }
        write!(f, ",layers={},tokens={},context={},steps={}", self.layers, self.tokens, self.context, self.steps)
    }
}

/// A whole number, with `k` or `M` behind it a thousand or a million times as large.
fn number(text: &str) -> Option<usize> {
    let times = |suffix, factor: usize| text.strip_suffix(suffix).map(|digits| (digits, factor));
    let (digits, factor) = times('k', 1000).or_else(|| times('M', 1_000_000)).unwrap_or((text, 1));
    digits.parse::<usize>().ok().and_then(|n| n.checked_mul(factor))
}

fn with_clip(mut pack: Pack, frames: usize) -> Result<Pack, EngineError> {
    let m = pack.manifest.clone();
    let d = m.dynamics.as_ref().ok_or(EngineError::NoDynamics)?;
    let prompt = words_of(CLIP_PROMPT, d.prompt_words);
    let settings = DecodeSettings { window: d.window, ..play_settings(&m) };
    let mut engine = CpuEngine::new(&pack, CpuOptions::default())?;
    engine.set_prompt(&prompt)?;
    let mut clip = Vec::with_capacity(frames);
    for t in 0..frames {
        let (action, mut codes) = ((t / 3 % d.actions) as u8, vec![0; m.frame.code_bytes()]);
        engine.dream(action, &settings)?;
        let moved = engine.take_codes(&mut codes).is_some_and(|arrival| arrival.moved);
        clip.push(TokenFrame { codes, action, moved, prompt: prompt.clone() });
    }
    engine.restore(&[], 0)?;
    let logits = clip.iter().map(|frame| engine.teacher_force(frame, &settings)).collect::<Result<Vec<_>, _>>()?.concat();
    let bytes = |of: fn(&TokenFrame) -> u8| clip.iter().map(of).collect::<Vec<u8>>();
    let codes: Vec<u8> = clip.iter().flat_map(|frame| frame.codes.clone()).collect();
    let (n, levels) = (m.frame.tokens(), m.frame.code_levels);
    pack.manifest.parity = Some(ParityInfo { frames, prompt: CLIP_PROMPT.into(), atol: CLIP_ATOL, rtol: 0.0 });
    let tensors = [
        ("parity.codes", PackTensor::from_u8s(&[frames, n, m.frame.code_dims], &codes)),
        ("parity.actions", PackTensor::from_u8s(&[frames], &bytes(|frame| frame.action))),
        ("parity.moved", PackTensor::from_u8s(&[frames], &bytes(|frame| frame.moved.into()))),
        ("parity.logits", PackTensor::from_f32s(&[frames, n, m.frame.code_dims * levels], &logits)),
    ];
    pack.tensors.extend(tensors.map(|(name, tensor)| (name.to_owned(), tensor)));
    Ok(pack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parity::check_parity;

    const TINY: &str = "d=32,layers=2,tokens=6,context=3,steps=1";

    #[test]
    fn a_shape_reads_as_it_is_written() {
        let odd_patches = "d=32,patch=7,layers=1,tokens=12,context=1,steps=8";
        for text in [TINY, "d=96,heads=4,ffn=100,layers=1,tokens=12,context=1,steps=8", odd_patches] {
            let shape = Shape::read(text).unwrap();
            assert_eq!(shape.to_string(), text);
            let m = shape.manifest();
            let d = m.dynamics.unwrap();
            assert_eq!((m.frame.tokens(), d.window, m.play.steps), (shape.tokens, shape.context, shape.steps), "{text}");
            assert_eq!(m.frame.patch_px, shape.patch.unwrap_or(16), "{text}");
            assert_eq!((d.channels, d.blocks.len()), (shape.channels, shape.layers), "{text}");
        }
        let of_nothing = Shape::read("steps=2").unwrap();
        assert_eq!(of_nothing.parameters().unwrap(), random_pack(plain_manifest(), 1).unwrap().parameters());
        let m = Shape::read("tokens=240").unwrap().manifest();
        assert_eq!((m.frame.grid_w(), m.frame.grid_h()), (16, 15), "the squarest grid");
    }

    #[test]
    fn parameters_choose_the_width() {
        let shape = Shape::read("params=5M,layers=6").unwrap();
        let off = |shape: &Shape| shape.parameters().unwrap().abs_diff(5_000_000);
        let [narrower, wider] = [-32, 32].map(|more| Shape { channels: shape.channels.strict_add_signed(more), ..shape });
        assert!(off(&shape) < off(&narrower) && off(&shape) < off(&wider), "{shape}");
        assert_eq!(number("3k"), Some(3000));
    }

    #[test]
    fn a_bad_shape_gets_a_sentence_that_names_what_is_bad() {
        let bad = [
            ("", "\"\""),
            ("d", "\"d\""),
            ("d=", "\"d=\""),
            ("d=-1", "d=-1"),
            ("d=1.5", "d=1.5"),
            ("d=99999999999999999999", "d=99999999999999999999"),
            ("depth=3", "depth"),
            ("d=64,d=64", "twice"),
            ("d=64,params=1M", "params"),
            ("d=0", "channels"),
            ("d=18446744073709551615", "channels"),
            ("d=50,heads=3", "heads"),
            ("params=1M,heads=0", "heads"),
            ("layers=0", "blocks"),
            ("layers=18446744073709551615", "blocks"),
            ("patch=0", "width"),
            ("patch=18446744073709551615", "width"),
            ("tokens=0", "tokens"),
            ("tokens=257", "width"),
            ("tokens=18446744073709551615", "tokens"),
            ("context=129", "window"),
            ("steps=9", "steps"),
            ("steps=99999999999", "steps"),
            ("d=4096,layers=64", "bytes"),
        ];
        for (text, named) in bad {
            let said = Shape::read(text).expect_err(text);
            assert!(said.contains(named) && !said.contains('\n'), "{text}: {said}");
        }
    }

    #[test]
    fn a_written_shape_holds_a_clip_that_is_reproduced() {
        let pack = Shape::read(TINY).unwrap().pack_with_clip().unwrap();
        pack.validate().unwrap();
        let mut engine = CpuEngine::new(&pack, CpuOptions { threads: Some(1), ..CpuOptions::default() }).unwrap();
        let report = check_parity(&mut engine, &pack).unwrap();
        assert!(report.within_tolerance() && report.frames == 10, "{report:?}");
    }
}
