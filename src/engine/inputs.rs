//! What an engine accepts: the same checks for every back end, so that a bad argument is named the same way everywhere.

use super::recall::Map;
use super::{DecodeSettings, EngineError, PromptWord, TokenFrame, UNKNOWN};
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

/// The manifest's play defaults, seed 0: what an engine goes by until the first frame is dreamed or it is told otherwise.
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

/// The first setting that no model takes, if there is one: its name, what it may be, and what it is. Allocates nothing where there is none.
pub fn misfit(s: &DecodeSettings) -> Option<(&'static str, String, String)> {
    let (on_the_map, new) = (s.chance_of(true), s.chance_of(false));
    let certain = s.certain.unwrap_or(0.5);
    let numbers = [
        ("steps", s.steps as f32, (1..=limits::MAX_STEPS).contains(&s.steps)),
        ("temperature", on_the_map.temperature, (0.0..=limits::TEMPERATURE).contains(&on_the_map.temperature)),
        ("min_p", on_the_map.min_p, (0.0..1.0).contains(&on_the_map.min_p)),
        ("new_land.temperature", new.temperature, (0.0..=limits::TEMPERATURE).contains(&new.temperature)),
        ("new_land.min_p", new.min_p, (0.0..1.0).contains(&new.min_p)),
        ("guidance", s.guidance, (0.0..=MOST_GUIDANCE).contains(&s.guidance)),
        ("certain", certain, certain > 0.0 && certain < 1.0),
    ];
    let (name, got, _) = numbers.into_iter().find(|(_, _, fits)| !fits)?;
    let expected = match name {
        "steps" => format!("1 to {}", limits::MAX_STEPS),
        "guidance" => format!("0 to {MOST_GUIDANCE}"),
        "certain" => "above 0 and below 1".to_owned(),
        "min_p" | "new_land.min_p" => "0 to below 1".to_owned(),
        _ => format!("0 to {}", limits::TEMPERATURE),
    };
    Some((name, expected, got.to_string()))
}

pub fn check_settings(m: &Manifest, s: &DecodeSettings) -> Result<(), EngineError> {
    let d = dynamics(m)?;
    if let Some((name, expected, got)) = misfit(s) {
        return Err(refuse(name, expected, got));
    }
    if !(1..=d.window).contains(&s.window) {
        return Err(refuse("window", format!("1 to {} frames", d.window), s.window));
    }
    if s.context_level >= d.context_levels {
        return Err(refuse("context level", format!("below {}", d.context_levels), s.context_level));
    }
    Ok(())
}

/// An action of the model, or the unknown one.
pub fn check_action(m: &Manifest, action: u8) -> Result<(), EngineError> {
    let unknown = dynamics(m)?.unknown_action();
    if action <= unknown { Ok(()) } else { Err(refuse("latent action", format!("0 to {unknown}"), action)) }
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

/// The codes of a frame and, where the pack has a dynamics, its action and prompt.
pub fn check_frame(m: &Manifest, frame: &TokenFrame) -> Result<(), EngineError> {
    check_codes(m, &frame.codes)?;
    if m.dynamics.is_none() {
        return Ok(());
    }
    check_action(m, frame.action)?;
    check_prompt(m, &frame.prompt)
}

/// A past that is to be restored: every frame passes [`check_frame`], and the map, if there is one, is of such a world.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Chance;
    use crate::pack::manifest::PlayDefaults;
    use crate::pack::random::odd_manifest;
    use crate::pack::tensor_specs;

    #[test]
    fn a_pack_may_ask_for_what_an_engine_takes_and_for_nothing_else() {
        type Change = fn(&mut PlayDefaults);
        let taken = |change: Change| {
            let mut m = odd_manifest();
            change(&mut m.play);
            [check_settings(&m, &play_settings(&m)).is_ok(), tensor_specs(&m).is_ok()]
        };
        let good: [Change; 5] = [
            |_| {},
            |play| play.temperature = limits::TEMPERATURE,
            |play| play.steps = limits::MAX_STEPS,
            |play| play.certain = Some(0.999),
            |play| play.new_land = Some(Chance { temperature: 0.0, min_p: 0.999 }),
        ];
        assert!(good.into_iter().all(|change| taken(change) == [true; 2]));
        let bad: [Change; 9] = [
            |play| play.steps = 0,
            |play| play.temperature = -0.1,
            |play| play.temperature = 10.1,
            |play| play.temperature = f32::INFINITY,
            |play| play.min_p = 1.0,
            |play| play.new_land = Some(Chance { temperature: f32::NAN, min_p: 0.0 }),
            |play| play.certain = Some(0.0),
            |play| play.certain = Some(f32::NAN),
            |play| play.window = 6,
        ];
        for (n, change) in bad.into_iter().enumerate() {
            assert_eq!(taken(change), [false; 2], "change {n}");
        }
    }
}
