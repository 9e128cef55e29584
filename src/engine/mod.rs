//! Inference behind one interface: the GPU engine, the CPU engine and the plain reference they are tested against.

pub mod adjacency;
pub mod cpu;
pub mod decode;
#[cfg(feature = "player")]
pub mod gpu;
pub mod inputs;
pub mod odometer;
pub mod parity;
pub mod recall;
pub mod reference;
pub mod told;
pub mod vocabulary;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::pack::{PackError, limits, manifest::Manifest};
use recall::Map;

/// One frame of history as a dream remembers it: enough to rebuild every key and value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFrame {
    /// `(tokens, code_dims)` levels, row-major. [`UNKNOWN`] in every dimension of a token marks it as not given.
    pub codes: Vec<u8>,
    /// Latent action that led into this frame; `A` where unknown.
    pub action: u8,
    /// Whether the view went where the action leads; `false` where there is no way to know.
    pub moved: bool,
    /// Words in force when it was dreamed.
    pub prompt: Vec<PromptWord>,
}

/// A word of the table as the network is told it. A prompt is at most twice `prompt_words` of them: one prompt fading into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PromptWord {
    /// Row of the word table.
    pub id: u16,
    /// How much it counts, 1 to 255: its attention score is raised by `ln(share / 255)`.
    pub share: u8,
}

impl PromptWord {
    /// A word that counts in full.
    pub fn whole(id: u16) -> Self {
        Self { id, share: u8::MAX }
    }
}

/// What the host learns of a dreamed frame besides its codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub frame: u32,
    /// As in [`TokenFrame`].
    pub moved: bool,
}

/// How a token of a dreamed frame came to its levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The decoding step, from 1, whose draw was kept. One more than there are steps: none of their draws fitted the tokens around it, so it was
    /// drawn once more. 0: it was given.
    pub step: u8,
    /// Probability that the network gave to the levels drawn, among those that were allowed, times 255; 255 where it was given.
    pub odds: u8,
}

impl Settled {
    pub const GIVEN: Self = Self { step: 0, odds: u8::MAX };

    /// Drawn in a step with this log-probability. What stays masked is drawn again, so the last time counts.
    pub fn drawn(step: u32, confidence: f32) -> Self {
        Self { step: step as u8, odds: (255.0 * confidence.exp() + 0.5) as u8 }
    }
}

/// Level that stands for "this token is not given" in a [`TokenFrame`].
pub const UNKNOWN: u8 = 255;

/// In which order masked tokens are settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnmaskOrder {
    #[default]
    Random,
    Confidence,
}

/// Why a text is no setting of decoding: it says what one would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("the orders are random and confidence")]
    Order,
    #[error("a temperature and a min-p are wanted, as in 1,0.01, or the word same")]
    NewLand,
}

impl std::str::FromStr for UnmaskOrder {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        match text {
            "random" => Ok(Self::Random),
            "confidence" => Ok(Self::Confidence),
            _ => Err(SettingError::Order),
        }
    }
}

/// How much is left to chance when a token's levels are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// 0 is argmax.
    pub temperature: f32,
    /// Levels less likely than this share of the likeliest one, 0 to below 1, are never drawn: the many unlikely ones are together likely
    /// enough to spoil a picture (min-p sampling, Nguyen et al. 2024). 0: all may be.
    pub min_p: f32,
}

/// [`DecodeSettings::new_land`] as the command line has it: "temperature,min-p", or "same".
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewLand(pub Option<Chance>);

impl std::str::FromStr for NewLand {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        if text == "same" {
            return Ok(Self(None));
        }
        let (temperature, min_p) = text.split_once(',').ok_or(SettingError::NewLand)?;
        let number = |text: &str| text.trim().parse().map_err(|_| SettingError::NewLand);
        Ok(Self(Some(Chance { temperature: number(temperature)?, min_p: number(min_p)? })))
    }
}

/// How the next frame is decoded; may change from frame to frame without a rebuild.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecodeSettings {
    /// Masked decoding steps, 1 to 8.
    pub steps: u32,
    /// 0 to 10; 0 is argmax.
    pub temperature: f32,
    pub seed: u32,
    pub order: UnmaskOrder,
    /// Frames of window, itself included, 1 to the manifest's `window`.
    pub window: usize,
    /// Row of `dyn.level`.
    pub context_level: usize,
    /// Guidance beta, 0 to 4: logits become `(1 + beta) c - beta u`, `c` with the prompt and `u` without (WorldDreamer, Wang et al. 2024,
    /// equation 6). 0 costs nothing.
    pub guidance: f32,
    /// Probability, above 0 and below 1, from which on a token is settled at once; steps that find nothing left to settle are left out.
    pub certain: Option<f32>,
    /// As in [`Chance`].
    pub min_p: f32,
    /// Temperature and min-p of tokens for which the map has nothing to offer, where these differ from those of the others; the look is never such
    /// a token. `certain` does not settle them early: it would keep likely ones and draw rare ones again, and land would become emptier with every step.
    pub new_land: Option<Chance>,
}

/// Least guidance and highest temperature of a frame that may be drawn anew. Such frames are rare, what they show stays, and their tokens have to
/// agree.
const FRESH_GUIDANCE: f32 = 0.5;
const FRESH_TEMPERATURE: f32 = 0.65;
/// How the land of a frame out of nothing is drawn: nearly by the network's own probabilities. At a lower temperature every place would show what
/// is likeliest there, and a village would have no house. At this one about as much stands on the land as in the recordings, and not so much that
/// the figure is walled in.
const NOTHING_LAND: Chance = Chance { temperature: 0.9, min_p: 0.03 };

impl DecodeSettings {
    /// The least there is: one step, the likeliest of all, nothing seen but the frame itself.
    pub const LEAST: Self = Self {
        steps: 1,
        temperature: 0.0,
        seed: 0,
        order: UnmaskOrder::Random,
        window: 1,
        context_level: 0,
        guidance: 0.0,
        certain: None,
        min_p: 0.0,
        new_land: None,
    };

    /// Temperature and min-p of a token, by whether the map has something to offer for it.
    #[must_use]
    pub fn chance_of(&self, offered: bool) -> Chance {
        self.new_land.filter(|_| !offered).unwrap_or(Chance { temperature: self.temperature, min_p: self.min_p })
    }

    /// These settings for a frame that may be drawn anew: the most steps, at least some guidance, and at most a low temperature. `min_p` is 0, since
    /// what new words ask for is unlikely at first and must not be cut off. `certain` is off, since guidance makes levels likely of which the network
    /// is not certain.
    #[must_use]
    pub fn fresh(self) -> Self {
        let guidance = self.guidance.max(FRESH_GUIDANCE);
        let temperature = self.temperature.min(FRESH_TEMPERATURE);
        Self { steps: limits::MAX_STEPS, guidance, temperature, min_p: 0.0, new_land: None, certain: None, ..self }
    }

    /// These settings for a frame that comes from its words alone: its look is drawn as under [`Self::fresh`], its land nearly by the network's own
    /// probabilities.
    #[must_use]
    pub fn out_of_nothing(self) -> Self {
        Self { new_land: Some(NOTHING_LAND), ..self.fresh() }
    }

    /// These settings for a frame whose words changed as long ago as this class of [`told`] says: only the first frame under new words may be drawn
    /// anew.
    #[must_use]
    pub fn told(self, class: usize) -> Self {
        if class == told::NEWS { self.fresh() } else { self }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineKind {
    Gpu,
    Cpu,
    Reference,
}

/// What runs, for the HUD and the log.
#[derive(Clone, Debug)]
pub struct EngineInfo {
    pub kind: EngineKind,
    /// "llvmpipe (LLVM 15)", "2 threads, AVX2", ...
    pub device: String,
}

/// Frames that may come next, one for each action asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branches {
    /// `(actions, tokens, code_dims)` levels.
    pub codes: Vec<u8>,
    /// `(actions, height_px, width_px, 4)`, RGBA 8-bit sRGB.
    pub rgba: Vec<u8>,
}

impl Branches {
    pub(crate) fn clear(&mut self) {
        self.codes.clear();
        self.rgba.clear();
    }
}

/// The picture of the last frame, RGBA 8-bit sRGB, `width_px * height_px`.
pub enum Picture<'a> {
    Rgba(&'a [u8]),
    #[cfg(feature = "player")]
    Texture(&'a wgpu::Texture),
}

/// Milliseconds of the last frame by stage, in order of execution.
pub type StageTimes = Vec<(&'static str, f32)>;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("{what}: expected {expected}, got {got}")]
    Input { what: &'static str, expected: String, got: String },
    #[error("the pack has no dynamics: it holds a tokenizer only")]
    NoDynamics,
    #[error("no usable graphics adapter: {0}")]
    NoAdapter(String),
    #[error("the graphics device computes wrongly: {0}")]
    Wrong(String),
    #[error("the graphics device is slow: {} ms a frame, where the processor takes {} ms", .frame.as_millis(), .processor.as_millis())]
    Slow { frame: Duration, processor: Duration },
    #[error("the graphics device has no memory left; other programs may hold it, and `--engine cpu` needs none")]
    Full,
    #[error("the graphics device was lost: {0}")]
    DeviceLost(String),
    /// It reported an error; what it does after that means nothing.
    #[error("graphics error: {0}")]
    Graphics(String),
    #[error(transparent)]
    Pack(#[from] PackError),
}

/// A network that dreams one frame at a time. The state of a dream is its tokens; the engine owns the KV ring.
pub trait Engine: Send {
    fn info(&self) -> &EngineInfo;

    fn manifest(&self) -> &Manifest;

    /// Words in force from the next dreamed frame on, at most twice `prompt_words`.
    fn set_prompt(&mut self, words: &[PromptWord]) -> Result<(), EngineError>;

    /// Forgets everything and rebuilds ring and map from `history`, oldest first. Its last frame becomes the visible one and is committed
    /// together with the next dreamed frame. An empty history starts from nothing: the next frame comes from the prompt alone.
    /// The frame counter used for random numbers becomes `next_frame`. The prompt in force stays as it was.
    /// Window and context level are those of [`Engine::settings`]; without a dynamics only the picture of the last frame is made.
    fn restore(&mut self, history: &[TokenFrame], next_frame: u32) -> Result<(), EngineError> {
        self.restore_after(None, history, next_frame)
    }

    /// Those of the last frame dreamed, the manifest's play defaults before the first, or what [`Engine::set_settings`] put in their place
    /// since.
    fn settings(&self) -> DecodeSettings;

    /// From here on restored frames see their past by the window and the context level of these, until another frame is dreamed: what an
    /// engine has to be told that goes on with a dream of another one.
    ///
    /// # Errors
    /// [`EngineError::NoDynamics`], and [`EngineError::Input`] of settings that the model does not take.
    fn set_settings(&mut self, settings: &DecodeSettings) -> Result<(), EngineError>;

    /// As [`Engine::restore`], but the map does not begin empty: `before` is the land that was remembered when the history began.
    fn restore_after(&mut self, before: Option<&Map>, history: &[TokenFrame], next_frame: u32) -> Result<(), EngineError>;

    /// Puts a token of these `levels` on the map, at the place `at`: the first frame that shows the place will show this token there. `None` removes
    /// what the map has at the place. Does nothing in a world without a map; [`Engine::restore`] forgets it.
    fn imagine(&mut self, at: [i32; 2], levels: Option<&[u8]>);

    /// Dreams the frame that `action` leads into, and decodes its picture.
    fn dream(&mut self, action: u8, settings: &DecodeSettings) -> Result<(), EngineError>;

    /// Dreams the frame that `action` leads into around what is `given`: tokens that are [`UNKNOWN`] are dreamed, the others stay bit for
    /// bit. With nothing given this is [`Engine::dream`].
    fn dream_around(&mut self, given: &[u8], action: u8, settings: &DecodeSettings) -> Result<(), EngineError>;

    /// Previews what each of `actions` would do next: `out` becomes the frames that [`Engine::dream`] would make of this moment, each under its
    /// action and these settings, bit for bit. The moment stays as it is: ring, map, random numbers, settings, picture and codes not taken
    /// yet (blocking; not on the frame path). The memory of `out` is reused.
    ///
    /// # Errors
    /// As [`Engine::dream`] of any of them; then `out` has no meaning.
    fn preview(&mut self, actions: &[u8], settings: &DecodeSettings, out: &mut Branches) -> Result<(), EngineError>;

    /// Copies the codes of a dreamed frame into `out`: the oldest frame that has reached the host, is still kept and was not taken. The engines on the
    /// host keep only the newest frame and the GPU engine some thousands, so frames that nobody took in time are never reported; no frame is reported
    /// twice, or after a newer one. Never blocks. `None` where there is no such frame, and where `out` is not as long as the codes.
    fn take_codes(&mut self, out: &mut [u8]) -> Option<Arrival>;

    /// How each token was settled, `(tokens)`, in the frame whose codes were taken last. This has to be asked before the next frame is dreamed: at other
    /// times the engines on the host tell it of the frame dreamed last, taken or not. Empty where no frame was dreamed since the engine was made,
    /// restored or told a frame. Never blocks.
    fn settled(&self) -> &[Settled];

    /// Whether what it runs on is still there and sound.
    ///
    /// # Errors
    /// [`EngineError::DeviceLost`] and [`EngineError::Graphics`].
    fn check(&self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Waits for work in flight. For tests, recording without a window and benchmarks; not on the frame path.
    fn finish(&mut self) -> Result<(), EngineError>;

    /// The picture of the last frame dreamed, restored or forced.
    fn picture(&self) -> Picture<'_>;

    /// Pixels of the last frame, RGBA, read back if need be (blocking; screenshots and recording).
    fn read_picture(&mut self) -> Result<Vec<u8>, EngineError>;

    /// The picture of these tokens, `(tokens, code_dims)` levels, all given: RGBA 8-bit sRGB, `width_px * height_px`. The moment stays as it is,
    /// as under [`Engine::preview`] (blocking; maps).
    fn draw(&mut self, codes: &[u8]) -> Result<Vec<u8>, EngineError>;

    /// Tokens of a picture of the pack's frame size, RGB: `(tokens, code_dims)` (blocking; start frames).
    fn encode(&mut self, rgb: &[u8]) -> Result<Vec<u8>, EngineError>;

    /// Logits `(tokens, code_dims * code_levels)` of the next frame with every token masked; those of a dimension know the token's true levels in the
    /// dimensions before it. Then `truth` becomes that frame, as if restored (blocking; parity and evaluation). `truth.prompt` is the prompt of the
    /// frame; guidance does not count.
    fn teacher_force(&mut self, truth: &TokenFrame, settings: &DecodeSettings) -> Result<Vec<f32>, EngineError>;

    fn stage_times(&self) -> StageTimes;

    /// Milliseconds of a recent frame by dispatch, in order of execution and by name of the kernel; empty where the engine cannot tell.
    fn pass_times(&self) -> StageTimes {
        StageTimes::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_told_of_255() {
        let odds = |confidence: f32| Settled::drawn(3, confidence).odds;
        assert_eq!([0.0, 1e-6, 0.4f32.ln(), -30.0, f32::NEG_INFINITY].map(odds), [255, 255, 102, 0, 0]);
        assert_eq!(Settled::drawn(3, 0.0), Settled { step: 3, odds: 255 });
    }

    #[test]
    fn what_is_said_of_new_land_is_two_numbers_or_the_word_same() {
        let said = |text: &str| text.parse::<NewLand>();
        assert_eq!(said("1,0.01"), Ok(NewLand(Some(Chance { temperature: 1.0, min_p: 0.01 }))));
        assert_eq!(said("same"), Ok(NewLand(None)));
        for bad in ["", "1", "1,", "one,two", "1,0.1,2"] {
            assert!(said(bad).is_err_and(|why| why.to_string().contains("as in 1,0.01")), "{bad:?}");
        }
    }
}
