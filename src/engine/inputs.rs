//! What an engine accepts: the same checks for every back end, so that a bad argument is named the same way everywhere.

use super::recall::Map;
use super::{Chance, DecodeSettings, EngineError, PromptWord, TokenFrame, UNKNOWN};
use crate::pack::{
    limits,
    manifest::{DynamicsDims, Manifest},
};
use crate::prompt::WordTable;

/// Largest [`DecodeSettings::guidance`].
pub const MOST_GUIDANCE: f32 = 4.0;

fn refuse(what: &'static str, expected: impl ToString, got: impl ToString) -> EngineError {
    EngineError::Input { what, expected: expected.to_string(), got: got.to_string() }
}

fn dynamics(m: &Manifest) -> Result<&DynamicsDims, EngineError> {
    m.dynamics.as_ref().ok_or(EngineError::NoDynamics)
}

/// The manifest's play defaults, seed 0: what an engine goes by until the first frame is dreamed.
pub fn play_settings(m: &Manifest) -> DecodeSettings {
    let p = m.play;
    DecodeSettings {
        steps: p.steps,
        temperature: p.temperature,
        seed: 0,
        order: p.order,
        window: p.window,
        context_level: p.context_level,
        guidance: 0.0,
        certain: p.certain,
        min_p: p.min_p,
        new_land: p.new_land,
    }
}

/// How many frames at the end of a history the next frame depends on, the visible one included: in each layer of temporal attention a
/// frame sees the `window - 1` before it, and the oldest one so seen looks at its predecessor's codes. Of older ones only the map remains.
pub fn frames_that_matter(m: &Manifest) -> usize {
    let of_dynamics = |d: &DynamicsDims| d.blocks.iter().filter(|b| b.temporal).count() * (d.window - 1);
    m.dynamics.as_ref().map_or(0, of_dynamics) + 1
}

pub fn check_settings(m: &Manifest, s: &DecodeSettings) -> Result<(), EngineError> {
    let d = dynamics(m)?;
    if !(1..=limits::MAX_STEPS).contains(&s.steps) {
        return Err(refuse("decoding steps", format!("1 to {}", limits::MAX_STEPS), s.steps));
    }
    for Chance { temperature, min_p } in [s.chance_of(true), s.chance_of(false)] {
        if !(temperature.is_finite() && temperature >= 0.0) {
            return Err(refuse("temperature", "a number from 0 on", temperature));
        }
        if !(0.0..1.0).contains(&min_p) {
            return Err(refuse("min-p", "0 to below 1", min_p));
        }
    }
    if !(1..=d.window).contains(&s.window) {
        return Err(refuse("window", format!("1 to {} frames", d.window), s.window));
    }
    if s.context_level >= d.context_levels {
        return Err(refuse("context level", format!("below {}", d.context_levels), s.context_level));
    }
    if !(0.0..=MOST_GUIDANCE).contains(&s.guidance) {
        return Err(refuse("guidance", format!("0 to {MOST_GUIDANCE}"), s.guidance));
    }
    if let Some(certain) = s.certain.filter(|&p| !(p > 0.0 && p < 1.0)) {
        return Err(refuse("certain probability", "above 0 and below 1", certain));
    }
    Ok(())
}

/// `A` itself, "unknown", is an action too.
pub fn check_action(m: &Manifest, action: u8) -> Result<(), EngineError> {
    let actions = dynamics(m)?.actions;
    if usize::from(action) <= actions { Ok(()) } else { Err(refuse("latent action", format!("0 to {actions}"), action)) }
}

pub fn check_prompt(m: &Manifest, words: &[PromptWord]) -> Result<(), EngineError> {
    let longest = 2 * dynamics(m)?.prompt_words;
    if words.len() > longest {
        return Err(refuse("words of the prompt", format!("at most {longest}"), words.len()));
    }
    let known = WordTable::get().len();
    match words.iter().find(|word| usize::from(word.id) >= known || word.share == 0) {
        Some(word) if word.share == 0 => Err(refuse("share of a word", "1 to 255", 0)),
        Some(word) => Err(refuse("row of the word table", format!("below {known}"), word.id)),
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

/// A past to be restored: [`check_frame`] of all frames, and a map of such a world, if there is one.
pub fn check_past(m: &Manifest, before: Option<&Map>, history: &[TokenFrame]) -> Result<(), EngineError> {
    if before.is_some_and(|map| !map.fits(&m.frame)) {
        return Err(refuse("map of what was before", format!("one of tokens with {} dimensions", m.frame.code_dims), "another"));
    }
    history.iter().try_for_each(|frame| check_frame(m, frame))
}

/// `(tokens, code_dims)` levels, each token given whole or not at all.
pub fn check_codes(m: &Manifest, codes: &[u8]) -> Result<(), EngineError> {
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

/// As [`check_codes`], of a frame that is to be drawn: every token has to be given.
pub fn check_drawn(m: &Manifest, codes: &[u8]) -> Result<(), EngineError> {
    check_codes(m, codes)?;
    match codes.iter().position(|&level| level == UNKNOWN) {
        Some(at) => Err(refuse("tokens to draw", "all of them", format!("token {} unknown", at / m.frame.code_dims))),
        None => Ok(()),
    }
}

pub fn check_rgb(m: &Manifest, rgb: &[u8]) -> Result<(), EngineError> {
    let f = &m.frame;
    if rgb.len() == f.rgb_bytes() {
        return Ok(());
    }
    Err(refuse("picture", format!("{} bytes ({} x {} RGB)", f.rgb_bytes(), f.width_px, f.height_px), rgb.len()))
}
