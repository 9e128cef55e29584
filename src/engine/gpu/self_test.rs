//! Does a tier compute on this device what it should? Asked once at start, of the very engine that is about to play.

use crate::engine::inputs::play_settings;
use crate::engine::{Engine, EngineError, PromptWord, TokenFrame, decode::random};
use crate::pack::manifest::Manifest;

/// How far a logit may be off, of the largest one: far more than f32 sums in another order are, far less than a wrong kernel.
const MOST_OFF: f32 = 0.01;

/// How far a pixel may be off, of 255.
const MOST_OFF_PIXEL: u8 = 3;

/// What an engine answers; equal packs, equal questions.
pub struct Answers {
    /// The picture of a frame of random tokens.
    rgba: Vec<u8>,
    /// Logits of another one that follows it; none without a dynamics.
    logits: Vec<f32>,
}

impl Answers {
    /// Plays two frames and leaves the engine without history.
    ///
    /// # Errors
    /// As the engine's.
    pub fn of(engine: &mut dyn Engine) -> Result<Self, EngineError> {
        let m = engine.manifest().clone();
        engine.restore(&[frame(&m, 0)], 0)?;
        let rgba = engine.read_picture()?;
        let logits = match m.dynamics {
            Some(_) => engine.teacher_force(&frame(&m, 1), &play_settings(&m))?,
            None => Vec::new(),
        };
        engine.restore(&[], 0)?;
        Ok(Self { rgba, logits })
    }

    /// What is wrong with these answers, if `truth` is right.
    pub fn fault(&self, truth: &Self) -> Option<String> {
        let largest = truth.logits.iter().fold(1.0f32, |most, x| most.max(x.abs()));
        let off = |(a, b): (&f32, &f32)| if a.is_finite() { (a - b).abs() } else { f32::INFINITY };
        let worst = self.logits.iter().zip(&truth.logits).map(off).fold(0.0, f32::max);
        if worst > MOST_OFF * largest {
            return Some(format!("a logit is {worst} off, of {largest}"));
        }
        let worst = self.rgba.iter().zip(&truth.rgba).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
        (worst > MOST_OFF_PIXEL).then(|| format!("a pixel is {worst} off, of 255"))
    }
}

/// A frame of random tokens under the first action and, where there are prompts, a word.
fn frame(m: &Manifest, t: u32) -> TokenFrame {
    let level = |i: u32| (random(1, t, 0, i, 0) % m.frame.code_levels as u32) as u8;
    let prompted = m.dynamics.as_ref().is_some_and(|d| d.prompt_words > 0);
    TokenFrame {
        codes: (0..m.frame.code_bytes() as u32).map(level).collect(),
        action: 0,
        moved: t > 0,
        prompt: prompted.then(|| PromptWord::whole(0)).into_iter().collect(),
    }
}
