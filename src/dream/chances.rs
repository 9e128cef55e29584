//! By which chances a world out of words begins.
//!
//! A house is rare in every single place of a village, and so large that a first frame may come without a part of one. A simulator looks for a pleasant place
//! to begin at; a dream draws a few times and begins where most is to be seen.

use crate::engine::{DecodeSettings, Engine, EngineError, PromptWord};
use crate::pack::manifest::Manifest;
use crate::worlds::scene::Feature;
use crate::worlds::words::wish_of;

/// How often a world out of words is begun at most.
pub const TRIES: u32 = 5;
/// What lies between the seeds.
const OTHER_CHANCES: u32 = 0x9E37_79B9;
/// So many parts of houses are a village: a whole one and something of another.
const ENOUGH: usize = 10;

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

/// Patches of a frame of these codes on which a part of something larger stands, as far as the pack says so.
fn parts(m: &Manifest, codes: &[u8]) -> usize {
    let larger = |token: &&[u8]| {
        m.relief.iter().flat_map(|relief| relief.standing.values()).any(|one| !one.cutout.is_whole() && one.token == *token)
    };
    codes.chunks_exact(m.frame.code_dims).take(m.frame.patches()).filter(larger).count()
}

/// The seed under which a first frame out of the words `told` shows most of a village, for which `settings` ask (blocking); `None` where no village is asked
/// for, or the pack tells of none. The engine is left without a frame.
///
/// # Errors
/// As the engine's.
pub fn of_a_village(engine: &mut dyn Engine, told: &[PromptWord], settings: &DecodeSettings) -> Result<Option<u32>, EngineError> {
    let m = engine.manifest();
    let words: Vec<u16> = told.iter().map(|word| word.id).collect();
    let built = m.relief.iter().any(|relief| relief.standing.values().any(|standing| !standing.cutout.is_whole()));
    let asked = m.provenance.world.is_some() && wish_of(&words).features.contains(&Feature::Village);
    let Some(dynamics) = m.dynamics.as_ref().filter(|_| built && asked) else { return Ok(None) };
    let unknown_action = dynamics.actions as u8;
    let (mut codes, mut best) = (vec![0; m.frame.code_bytes()], None);
    for seed in (0..TRIES).map(|attempt| seed_of(settings.seed, attempt)) {
        engine.restore(&[], 0)?;
        engine.dream(unknown_action, &DecodeSettings { seed, ..*settings }.out_of_nothing())?;
        engine.finish()?;
        engine.take_codes(&mut codes);
        let m = engine.manifest();
        let seen = (leave_a_way(m, &codes), parts(m, &codes));
        if best.is_none_or(|(most, _)| seen > most) {
            best = Some((seen, seed));
        }
        if seen.0 && seen.1 >= ENOUGH {
            break;
        }
    }
    engine.restore(&[], 0)?;
    Ok(best.map(|(_, seed)| seed))
}
