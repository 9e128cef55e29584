//! How a world out of words begins.
//!
//! What is asked for may be rare at every single place. A house is rare even in a village, and so large that a first frame may show no part of one. A simulator
//! looks for a pleasant place to begin at; a dream draws a few first frames and begins with the one that shows the most of what was asked for.
//!
//! A frame out of nothing has tokens that belong to another land, since only the words say what belongs. The frame after it, in which nobody goes anywhere,
//! puts nearly all of them right, so that one is the first to be shown.

use super::drive::Intent;
use crate::engine::{DecodeSettings, Engine, EngineError, PromptWord, Settled};
use crate::pack::manifest::{DynamicsDims, Manifest, Standing};
use crate::worlds::scene::Feature;
use crate::worlds::words::wish_of;

/// How many first frames are drawn at most.
pub const TRIES: u32 = 5;
/// What lies between the seeds of two tries.
const OTHER_CHANCES: u32 = 0x9E37_79B9;
/// Parts of houses that are a village: a whole house and something of another.
const A_VILLAGE: usize = 10;
/// Trees, rocks or ruins that are as many as was meant.
const ENOUGH: usize = 6;

/// A first frame: its tokens, `(tokens, code_dims)` levels, and how each was settled.
pub struct FirstFrame {
    pub codes: Vec<u8>,
    pub settled: Vec<Settled>,
}

/// What a first frame is worth: whether the figure has a way, and how many patches show what was asked for, of each thing no more than is enough.
type Worth = (bool, usize);

/// Dreams a first frame out of the words that the engine is told (blocking): the first of [`TRIES`] in which the figure can walk and that shows enough of the
/// things `told` asks for, as far as the pack says what stands in it; else the best of them. The engine is left without a frame.
///
/// # Errors
/// As the engine's.
pub fn out_of_words(engine: &mut dyn Engine, told: &[PromptWord], settings: &DecodeSettings) -> Result<FirstFrame, EngineError> {
    let asked = asked(engine.manifest(), told);
    let wanted: Worth = (true, asked.iter().map(|(_, enough)| enough).sum());
    let mut worth_of = |attempt: u32| -> Result<(Worth, FirstFrame), EngineError> {
        let first = draw(engine, &DecodeSettings { seed: seed_of(settings.seed, attempt), ..*settings })?;
        let m = engine.manifest();
        // A forest of ruins makes no village.
        let seen = asked.iter().map(|(feature, enough)| shown(m, &first.codes, *feature).min(*enough)).sum();
        Ok(((leave_a_way(m, &first.codes), seen), first))
    };
    let (mut most, mut best) = worth_of(0)?;
    for attempt in 1..TRIES {
        if most == wanted {
            break;
        }
        let (worth, first) = worth_of(attempt)?;
        if worth > most {
            (most, best) = (worth, first);
        }
    }
    engine.restore(&[], 0)?;
    Ok(best)
}

/// The seed of a try, from 0.
pub(super) fn seed_of(seed: u32, attempt: u32) -> u32 {
    seed.wrapping_add(attempt.wrapping_mul(OTHER_CHANCES))
}

/// The code that is bound to standing still, if there is one.
pub(super) fn stay(m: &Manifest) -> Option<u8> {
    let is_stay = |name: &String| Intent::from_name(name) == Some(Intent::Stay);
    (0..=u8::MAX).zip(&m.actions).find(|(_, action)| action.bound_to.iter().any(is_stay)).map(|(code, _)| code)
}

/// Draws a frame out of nothing and lets it come to rest, where the pack knows how to stay.
fn draw(engine: &mut dyn Engine, settings: &DecodeSettings) -> Result<FirstFrame, EngineError> {
    let m = engine.manifest();
    let unknown = m.dynamics.as_ref().map_or(0, DynamicsDims::unknown_action);
    let (stay, dims) = (stay(m), m.frame.code_dims);
    engine.restore(&[], 0)?;
    let mut first = dreamed(engine, unknown, &settings.out_of_nothing())?;
    if let Some(stay) = stay {
        let rested = dreamed(engine, stay, settings)?;
        let changed = first.codes.chunks_exact(dims).zip(rested.codes.chunks_exact(dims)).map(|(drawn, rested)| drawn != rested);
        // Where a token stayed as it was drawn, how it was drawn tells more than that it was copied.
        let settled = first.settled.iter().zip(&rested.settled).zip(changed);
        first.settled = settled.map(|((drawn, rested), changed)| if changed { *rested } else { *drawn }).collect();
        first.codes = rested.codes;
    }
    Ok(first)
}

fn dreamed(engine: &mut dyn Engine, action: u8, settings: &DecodeSettings) -> Result<FirstFrame, EngineError> {
    engine.dream(action, settings)?;
    engine.finish()?;
    let mut codes = vec![0; engine.manifest().frame.code_bytes()];
    engine.take_codes(&mut codes);
    Ok(FirstFrame { codes, settled: engine.settled().to_vec() })
}

/// The things that words ask for and the pack tells of, and how many patches of each are enough.
fn asked(m: &Manifest, told: &[PromptWord]) -> Vec<(Feature, usize)> {
    // What words mean is known of simulated worlds alone.
    let Some(relief) = m.relief.as_ref().filter(|_| m.provenance.world.is_some()) else { return Vec::new() };
    let words: Vec<u16> = told.iter().map(|word| word.id).collect();
    let features = wish_of(&words).features.into_iter();
    let stands = |feature: &Feature| relief.standing.values().any(|standing| is_meant(standing, *feature));
    features.filter(stands).map(|feature| (feature, if feature == Feature::Village { A_VILLAGE } else { ENOUGH })).collect()
}

/// Whether a thing is meant where this feature is asked for. By a village parts of houses are meant, since those alone are larger than a patch.
fn is_meant(standing: &Standing, feature: Feature) -> bool {
    match feature {
        Feature::Village => !standing.cutout.is_whole(),
        other => standing.feature == Some(other),
    }
}

/// Patches of a frame of these codes on which such a thing stands, as far as the pack says so.
fn shown(m: &Manifest, codes: &[u8], feature: Feature) -> usize {
    let standing = || m.relief.iter().flat_map(|relief| relief.standing.values());
    let meant = |token: &&[u8]| standing().any(|one| is_meant(one, feature) && one.token == *token);
    codes.chunks_exact(m.frame.code_dims).take(m.frame.patches()).filter(meant).count()
}

/// Whether at least two of the figure's four neighbours are free of what stands, as far as the pack says what does; `codes` are a frame's.
fn leave_a_way(m: &Manifest, codes: &[u8]) -> bool {
    let (Some(relief), frame) = (&m.relief, &m.frame) else { return true };
    let place = frame.grid_h() / 2 * frame.grid_w() + frame.grid_w() / 2;
    let token = |n: usize| &codes[n * frame.code_dims..][..frame.code_dims];
    let sides = frame.beside(place).into_iter().flatten();
    sides.filter(|side| !relief.standing.values().any(|standing| standing.token == token(*side))).count() >= 2
}
