//! What an engine accepts: the same checks for every back end, so that a bad argument is named the same way everywhere.

use super::{DecodeSettings, EngineError, TokenFrame, UNKNOWN};
use crate::pack::{
    limits,
    manifest::{DynamicsDims, Manifest},
};

fn refuse(what: &'static str, expected: impl ToString, got: impl ToString) -> EngineError {
    EngineError::Input { what, expected: expected.to_string(), got: got.to_string() }
}

fn dynamics(m: &Manifest) -> Result<&DynamicsDims, EngineError> {
    m.dynamics.as_ref().ok_or(EngineError::NoDynamics)
}

/// The manifest's play defaults, seed 0: what an engine goes by until the first frame is dreamed.
pub fn play_settings(m: &Manifest) -> DecodeSettings {
    let p = m.play;
    DecodeSettings { steps: p.steps, temperature: p.temperature, seed: 0, order: p.order, window: p.window, context_level: p.context_level }
}

/// How many frames at the end of a history the next frame depends on, the visible one included: in each layer of temporal attention a
/// frame sees the `window - 1` before it, and the oldest one so seen looks at its predecessor's codes. Older ones change nothing.
pub fn frames_that_matter(m: &Manifest) -> usize {
    let of_dynamics = |d: &DynamicsDims| d.blocks.iter().filter(|b| b.temporal).count() * (d.window - 1);
    m.dynamics.as_ref().map_or(0, of_dynamics) + 1
}

pub fn check_settings(m: &Manifest, s: &DecodeSettings) -> Result<(), EngineError> {
    let d = dynamics(m)?;
    if !(1..=limits::MAX_STEPS).contains(&s.steps) {
        return Err(refuse("decoding steps", format!("1 to {}", limits::MAX_STEPS), s.steps));
    }
    if !(s.temperature.is_finite() && s.temperature >= 0.0) {
        return Err(refuse("temperature", "a number from 0 on", s.temperature));
    }
    if !(1..=d.window).contains(&s.window) {
        return Err(refuse("window", format!("1 to {} frames", d.window), s.window));
    }
    if s.context_level >= d.context_levels {
        return Err(refuse("context level", format!("below {}", d.context_levels), s.context_level));
    }
    Ok(())
}

/// `A` itself, "unknown", is an action too.
pub fn check_action(m: &Manifest, action: u8) -> Result<(), EngineError> {
    let actions = dynamics(m)?.actions;
    if usize::from(action) <= actions { Ok(()) } else { Err(refuse("latent action", format!("0 to {actions}"), action)) }
}

pub fn check_prompt(m: &Manifest, words: &[u16]) -> Result<(), EngineError> {
    let longest = dynamics(m)?.prompt_words;
    if words.len() > longest {
        return Err(refuse("words of the prompt", format!("at most {longest}"), words.len()));
    }
    match words.iter().find(|&&id| !(1..=m.vocabulary.len()).contains(&usize::from(id))) {
        Some(id) => Err(refuse("word id", format!("1 to {}", m.vocabulary.len()), id)),
        None => Ok(()),
    }
}

/// Codes, and with a dynamics also action and prompt.
pub fn check_frame(m: &Manifest, frame: &TokenFrame) -> Result<(), EngineError> {
    check_codes(m, &frame.codes)?;
    if m.dynamics.is_none() {
        return Ok(());
    }
    check_action(m, frame.action)?;
    check_prompt(m, &frame.prompt)
}

fn check_codes(m: &Manifest, codes: &[u8]) -> Result<(), EngineError> {
    let f = &m.frame;
    if codes.len() != f.code_bytes() {
        return Err(refuse("codes of a frame", format!("{} levels", f.code_bytes()), codes.len()));
    }
    for token in codes.chunks_exact(f.code_dims) {
        let unknown = token.iter().filter(|&&level| level == UNKNOWN).count();
        if unknown == token.len() {
            continue;
        }
        if let Some(level) = token.iter().find(|&&level| usize::from(level) >= f.code_levels) {
            return Err(refuse("level of a token", format!("below {}, or all unknown", f.code_levels), level));
        }
    }
    Ok(())
}

pub fn check_rgb(m: &Manifest, rgb: &[u8]) -> Result<(), EngineError> {
    let f = &m.frame;
    if rgb.len() == f.rgb_bytes() {
        return Ok(());
    }
    Err(refuse("picture", format!("{} bytes ({} x {} RGB)", f.rgb_bytes(), f.width_px, f.height_px), rgb.len()))
}
