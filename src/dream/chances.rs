//! By which chances a world out of words begins.
//!
//! What stands out in a land, a village or flowers, is rare in every single place of it, and a first frame may come without any of it. So it is drawn a few
//! times, and the drawing counts that says most of what was asked for: by how much likelier the network holds it under all words than without those that name
//! what stands out (pointwise mutual information; Li et al. 2016 rank a machine's answers so).

use crate::engine::{DecodeSettings, Engine, EngineError, PromptWord, TokenFrame};
use crate::pack::manifest::Manifest;
use crate::worlds::words::without_features;

/// How often a world out of words is begun at most.
pub const TRIES: u32 = 5;
/// What lies between the seeds.
pub const OTHER_CHANCES: u32 = 0x9E37_79B9;

/// The seed of a try, from 0.
pub fn seed_of(seed: u32, attempt: u32) -> u32 {
    seed.wrapping_add(attempt.wrapping_mul(OTHER_CHANCES))
}

/// Whether two sides of the figure's place or more have nothing on them that stands, as far as the pack says what does; `codes` are a frame's.
pub fn leave_a_way(m: &Manifest, codes: &[u8]) -> bool {
    let (Some(relief), frame) = (&m.relief, &m.frame) else { return true };
    let place = frame.grid_h() / 2 * frame.grid_w() + frame.grid_w() / 2;
    let token = |n: usize| &codes[n * frame.code_dims..][..frame.code_dims];
    let sides = frame.beside(place).into_iter().flatten();
    sides.filter(|side| !relief.standing.values().any(|standing| standing.token == token(*side))).count() >= 2
}

/// The seed under which a first frame out of these words says most of what they name besides land, light and the like, for which `settings` ask (blocking);
/// `None` where they name nothing of that kind. The engine is left without a frame, and told these words.
///
/// One that says as much as the network itself expects is good enough.
///
/// # Errors
/// As the engine's.
pub fn telling(engine: &mut dyn Engine, told: &[PromptWord], settings: &DecodeSettings) -> Result<Option<u32>, EngineError> {
    let m = engine.manifest();
    let ids: Vec<u16> = told.iter().map(|word| word.id).collect();
    let bare = without_features(&ids);
    let Some(dynamics) = m.dynamics.as_ref().filter(|_| m.provenance.world.is_some() && bare.len() < ids.len()) else { return Ok(None) };
    let (action, levels) = (dynamics.actions as u8, m.frame.code_levels);
    let bare: Vec<PromptWord> = bare.into_iter().map(PromptWord::whole).collect();
    let mut frame = TokenFrame { codes: vec![0; m.frame.code_bytes()], action, moved: false, prompt: Vec::new() };
    let mut best = (f32::NEG_INFINITY, settings.seed);
    engine.set_prompt(told)?;
    for seed in (0..TRIES).map(|attempt| seed_of(settings.seed, attempt)) {
        engine.restore(&[], 0)?;
        engine.dream(action, &DecodeSettings { seed, ..*settings }.out_of_nothing())?;
        engine.finish()?;
        engine.take_codes(&mut frame.codes);
        if !leave_a_way(engine.manifest(), &frame.codes) {
            continue;
        }
        let mut logits = |prompt: &[PromptWord]| {
            engine.restore(&[], 0)?;
            frame.prompt = prompt.to_vec();
            engine.teacher_force(&frame, settings)
        };
        let (with, without) = (logits(told)?, logits(&bare)?);
        let more = more_than_expected(&with, &without, &frame.codes, levels);
        if more > best.0 {
            best = (more, seed);
        }
        if more >= 0.0 {
            break;
        }
    }
    engine.restore(&[], 0)?;
    Ok(Some(best.1))
}

/// By how much more the logarithm of the probability of these codes grows from one prompt's logits to another's than it would on average for codes drawn
/// under that prompt; `levels` a dimension.
fn more_than_expected(with: &[f32], without: &[f32], codes: &[u8], levels: usize) -> f32 {
    let dimension = |((with, without), &code): ((&[f32], &[f32]), &u8)| {
        let (whole, of_without) = (log_sum(with), log_sum(without));
        let gain = |level: usize| (with[level] - whole) - (without[level] - of_without);
        gain(usize::from(code)) - (0..levels).map(|level| (with[level] - whole).exp() * gain(level)).sum::<f32>()
    };
    with.chunks_exact(levels).zip(without.chunks_exact(levels)).zip(codes).map(dimension).sum()
}

fn log_sum(logits: &[f32]) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    most + logits.iter().map(|logit| (logit - most).exp()).sum::<f32>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_words_make_likelier_says_more_than_what_they_do_not() {
        // Two tokens of one dimension: the words triple the chance of level 1 of the first, and say nothing of the second.
        let ln = |chances: [f32; 2]| chances.map(f32::ln);
        let (with, without) = ([ln([0.7, 0.3]), ln([0.5, 0.5])].concat(), [ln([0.9, 0.1]), ln([0.5, 0.5])].concat());
        let more = |codes: [u8; 2]| more_than_expected(&with, &without, &codes, 2);
        let expected = 0.7 * (0.7f32 / 0.9).ln() + 0.3 * 3f32.ln();
        assert!((more([1, 0]) - (3f32.ln() - expected)).abs() < 1e-5 && (more([0, 1]) - ((0.7f32 / 0.9).ln() - expected)).abs() < 1e-5);
        assert!(more([1, 1]) > 0.0 && more([0, 0]) < 0.0);
        // Logits are what they are but for a sum.
        let shifted: Vec<f32> = with.iter().map(|logit| logit + 7.0).collect();
        assert!((more_than_expected(&shifted, &without, &[1, 0], 2) - more([1, 0])).abs() < 1e-5);
        assert!((0.7 * more([0, 0]) + 0.3 * more([1, 0])).abs() < 1e-5, "on average nothing");
    }
}
