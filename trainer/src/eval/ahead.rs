//! Land that is dreamed ahead of who looks from within: is it there once the dream gets there, and is it land like any other?

use anyhow::Result;
use somnium::dream::session::DreamSession;
use somnium::dream::{Drive, Intent, Source};
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::recall::IMAGINED;
use somnium::pack::Pack;
use somnium::pack::manifest::Manifest;

use super::players::Judge;
use super::report::{Better, Figure, Score, Unit, percent};
use super::rollout::share_of;
use super::workers::Workers;
use crate::source::mix;

const FAMILY: &str = "ahead";
/// Steps of a walk, and how many one goes on without turning, on the mean.
const STEPS: u64 = 60;
const STRAIGHT: u64 = 8;

/// What came of a walk.
#[derive(Default)]
struct Walk {
    /// Tokens that were imagined when a step brought them into view, and of them those seen as imagined.
    imagined: u32,
    kept: u32,
    /// Tokens that came into view.
    entered: u32,
    /// Steps that something was in the way of.
    blocked: u32,
    /// Frames that show the world, as the probe sees it, in percent; nothing without a probe.
    seen: Option<f64>,
}

/// Whether anybody can look ahead in a pack's world: land is dreamed ahead where the view goes by whole patches over a map.
pub fn is_possible(manifest: &Manifest) -> bool {
    manifest.recall().is_some_and(|recall| recall.step_px == manifest.frame.patch_px)
}

/// Walks through so many worlds that begin with a seed alone, by one who looks where he goes.
pub fn figures(pack: &Pack, judge: &Judge, workers: &mut Workers, seed: u64, worlds: u64) -> Result<Vec<Figure>> {
    let seeds: Vec<u64> = (seed..seed + worlds).collect();
    let walks = workers.map(&seeds, |worker, seed| {
        let (mut walk, frames) = walked(pack, judge, *seed)?;
        if let Some(probe) = &worker.probe {
            let readings = probe.read(frames.iter().map(Vec::as_slice))?;
            walk.seen = Some(share_of(&readings, |reading| reading.sees_the_world(&probe.info)));
        }
        Ok(walk)
    })?;
    let row = |name: &str, share: &dyn Fn(&Walk) -> Option<f64>| {
        let values: Vec<f64> = walks.iter().filter_map(share).collect();
        (!values.is_empty()).then(|| Figure::new(FAMILY, name, Unit::Percent).dream(Score::mean_of(values, Better::High)))
    };
    let rows = [
        row("land dreamed ahead that is seen as it was dreamed", &|walk| percent([walk.kept, walk.imagined])),
        row("land that was dreamed ahead of all that comes into view", &|walk| percent([walk.imagined, walk.entered])),
        row("steps that something stood in the way of", &|walk| percent([walk.blocked, STEPS as u32])),
        row("frames seen as the world", &|walk| walk.seen),
    ];
    Ok(rows.into_iter().flatten().collect())
}

/// A walk, and its frames, RGB.
fn walked(pack: &Pack, judge: &Judge, seed: u64) -> Result<(Walk, Vec<Vec<u8>>)> {
    let engine = |pack: &Pack| CpuEngine::new(pack, CpuOptions { threads: Some(1), ..CpuOptions::default() });
    let mut dream = DreamSession::new(Box::new(engine(pack)?))?;
    let ahead = pack.clone();
    dream.dream_ahead_by(Box::new(move || Ok(Box::new(engine(&ahead)?))));
    let settings = somnium::engine::DecodeSettings { seed: seed as u32, ..judge.settings };
    dream.start_from_prompt(&settings)?;
    let frame = pack.manifest.frame;
    let (mut walk, mut frames, mut looks, mut stuck) = (Walk::default(), Vec::new(), 0, false);
    for step in 0..STEPS {
        let dice = mix(seed, step);
        if stuck || dice.is_multiple_of(STRAIGHT) {
            looks += if dice >> 32 & 1 == 0 { 1 } else { 3 };
        }
        while dream.imagine(looks, &settings, None)? {}
        let before = dream.land();
        let code = dream.info().code_of(Drive::Intent(Intent::North.turned(looks)));
        dream.step(code, &settings)?;
        frames.push(dream.read_picture()?.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect());
        let (Some(before), Some(after), Some(newest)) = (before, dream.land(), dream.history().back()) else { continue };
        stuck = !newest.moved;
        walk.blocked += u32::from(stuck);
        if stuck {
            continue;
        }
        for (n, token) in newest.codes.chunks_exact(frame.code_dims).take(frame.patches()).enumerate() {
            let place = [0, 1].map(|i| after.view()[i] + frame.cell(n)[i] as i32);
            match before.at(place) {
                Some((IMAGINED, dreamed)) => {
                    walk.imagined += 1;
                    walk.entered += 1;
                    walk.kept += u32::from(dreamed == token);
                }
                Some(_) => {}
                None => walk.entered += 1,
            }
        }
    }
    Ok((walk, frames))
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::pack::manifest::RecallDims;
    use somnium::pack::random::plain_manifest;

    #[test]
    fn who_has_no_map_of_whole_patches_looks_nowhere() {
        let possible = |recall: Option<RecallDims>| {
            let mut manifest = plain_manifest();
            manifest.dynamics.as_mut().unwrap().recall = recall;
            is_possible(&manifest)
        };
        let patch_px = plain_manifest().frame.patch_px;
        let by = |step_px: usize| possible(Some(RecallDims { step_px, covered: vec![31] }));
        assert_eq!([by(patch_px), by(patch_px / 2), possible(None)], [true, false, false]);
    }
}
