//! Land that is dreamed ahead of who looks from within: is it there once the dream gets there, and is it land like any other?
//!
//! What comes into view does so at an edge, where the last frame shows the same as it is and shifted, its border repeated: there copy and
//! shift are one. Neither of them dreams ahead, and nothing stands in the way of either.

use anyhow::Result;
use somnium::dream::session::DreamSession;
use somnium::dream::{Drive, Intent, Source};
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::recall::IMAGINED;
use somnium::pack::Pack;
use somnium::pack::manifest::Manifest;

use super::players::{Judge, rgb};
use super::report::{Better, Figure, Score, Unit, percent};
use super::rollout::share_of;
use super::workers::Workers;
use crate::source::mix;

const FAMILY: &str = "ahead";
/// Steps of a walk, and how many one goes on without turning, on the mean.
const STEPS: u64 = 60;
const STRAIGHT: u64 = 8;
/// Of what the first frame is shifted to on a walk every so many-th is read.
const SHIFTED_STRIDE: u64 = 10;

/// Pictures of a walk, RGB: of the dream, of who copies its first frame, and of who shifts that.
type Pictures = [Vec<Vec<u8>>; 3];

/// What came of a walk.
#[derive(Default)]
struct Walk {
    /// Tokens that were imagined when a step brought them into view, and of them those seen as imagined.
    imagined: u32,
    kept: u32,
    /// Those whose patch showed the same before the step.
    copied: u32,
    /// Tokens that came into view.
    entered: u32,
    /// Steps that something was in the way of.
    blocked: u32,
    /// Of each of the [`Pictures`] those that show the world, as the probe sees it, in percent; nothing without a probe.
    seen: [Option<f64>; 3],
}

/// Whether anybody can look ahead in a pack's world: land is dreamed ahead where the view goes by whole patches over a map.
pub fn is_possible(manifest: &Manifest) -> bool {
    manifest.recall().is_some_and(|recall| recall.step_px == manifest.frame.patch_px)
}

/// Walks through so many worlds that begin with a seed alone, by one who looks where he goes.
pub fn figures(pack: &Pack, judge: &Judge, workers: &mut Workers, seed: u64, worlds: u64) -> Result<Vec<Figure>> {
    let seeds: Vec<u64> = (seed..seed + worlds).collect();
    let walks = workers.map(&seeds, |worker, seed| {
        let (mut walk, pictures) = walked(pack, judge, *seed)?;
        if let Some(probe) = &worker.probe {
            for (seen, pictures) in walk.seen.iter_mut().zip(&pictures) {
                let readings = probe.read(pictures.iter().map(Vec::as_slice))?;
                *seen = Some(share_of(&readings, |reading| reading.sees_the_world(&probe.info)));
            }
        }
        Ok(walk)
    })?;
    Ok(rows(&walks))
}

fn rows(walks: &[Walk]) -> Vec<Figure> {
    let score = |share: &dyn Fn(&Walk) -> Option<f64>| {
        let values: Vec<f64> = walks.iter().filter_map(share).collect();
        (!values.is_empty()).then(|| Score::mean_of(values, Better::High))
    };
    let row = |name: &str, share: &dyn Fn(&Walk) -> Option<f64>| Some(Figure::new(FAMILY, name, Unit::Percent).dream(score(share)?));
    let kept = row("land dreamed ahead that is seen as it was dreamed", &|walk| percent([walk.kept, walk.imagined]));
    let seen = row("frames seen as the world", &|walk| walk.seen[0]);
    let rows = [
        kept.map(|row| row.beside("copy or shift", score(&|walk| percent([walk.copied, walk.imagined])))),
        row("land that was dreamed ahead of all that comes into view", &|walk| percent([walk.imagined, walk.entered])),
        row("steps that something stood in the way of", &|walk| percent([walk.blocked, STEPS as u32])),
        seen.map(|row| row.beside("copy", score(&|walk| walk.seen[1])).beside("shift", score(&|walk| walk.seen[2]))),
    ];
    rows.into_iter().flatten().collect()
}

/// A walk, and its pictures.
fn walked(pack: &Pack, judge: &Judge, seed: u64) -> Result<(Walk, Pictures)> {
    let engine = |pack: &Pack| CpuEngine::new(pack, CpuOptions { threads: Some(1), ..CpuOptions::default() });
    let mut dream = DreamSession::new(Box::new(engine(pack)?))?;
    let ahead = pack.clone();
    dream.dream_ahead_by(Box::new(move || Ok(Box::new(engine(&ahead)?))));
    let settings = somnium::engine::DecodeSettings { seed: seed as u32, ..judge.settings };
    dream.start_from_prompt(&settings)?;
    let frame = pack.manifest.frame;
    let (mut walk, mut looks, mut stuck) = (Walk::default(), 0, false);
    let mut shifted = rgb(&dream.read_picture()?);
    let mut pictures = [Vec::new(), vec![shifted.clone()], Vec::new()];
    for step in 0..STEPS {
        let dice = mix(seed, step);
        if stuck || dice.is_multiple_of(STRAIGHT) {
            looks += if dice >> 32 & 1 == 0 { 1 } else { 3 };
        }
        while dream.imagine(looks, &settings, None)? {}
        let (before, last) = (dream.land(), dream.history().back().cloned());
        let way = Intent::North.turned(looks);
        let code = dream.info().code_of(Drive::Intent(way));
        dream.step(code, &settings)?;
        pictures[0].push(rgb(&dream.read_picture()?));
        // Intents have the order of a world's actions.
        shifted = judge.movements.shifted(&shifted, way as usize);
        if (step + 1).is_multiple_of(SHIFTED_STRIDE) {
            pictures[2].push(shifted.clone());
        }
        let (Some(before), Some(last), Some(after), Some(newest)) = (before, last, dream.land(), dream.history().back()) else { continue };
        stuck = !newest.moved;
        walk.blocked += u32::from(stuck);
        if stuck {
            continue;
        }
        let tokens = newest.codes.chunks_exact(frame.code_dims).zip(last.codes.chunks_exact(frame.code_dims));
        for (n, (token, there)) in tokens.take(frame.patches()).enumerate() {
            let place = [0, 1].map(|i| after.view()[i] + frame.cell(n)[i] as i32);
            match before.at(place) {
                Some((IMAGINED, dreamed)) => {
                    walk.imagined += 1;
                    walk.entered += 1;
                    walk.kept += u32::from(dreamed == token);
                    walk.copied += u32::from(there == dreamed);
                }
                Some(_) => {}
                None => walk.entered += 1,
            }
        }
    }
    Ok((walk, pictures))
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

    #[test]
    fn a_copy_and_a_shift_stand_beside_what_they_can_be_held_against() {
        let walk = |kept: u32, seen: [Option<f64>; 3]| Walk { imagined: 10, kept, copied: 2, entered: 20, blocked: 30, seen };
        let read = |walks: &[Walk]| -> Vec<[Option<f64>; 4]> {
            let of = |figure: &Figure| {
                let row = figure.to_json();
                let other = |name: &str| row["others"][name].as_f64();
                [row["dream"]["mean"].as_f64(), other("copy or shift"), other("copy"), other("shift")]
            };
            rows(walks).iter().map(of).collect()
        };
        let of_the_world = [Some(90.0), Some(100.0), Some(20.0)];
        let read_by_a_probe = read(&[walk(10, of_the_world), walk(8, of_the_world)]);
        assert_eq!(read_by_a_probe[0], [Some(90.0), Some(20.0), None, None]);
        assert_eq!(read_by_a_probe[1..3], [[Some(50.0), None, None, None]; 2]);
        assert_eq!(read_by_a_probe[3], [Some(90.0), None, Some(100.0), Some(20.0)]);
        // The control: without a probe nobody sees, and where nothing was dreamed ahead nothing is kept or copied.
        let nowhere = Walk { imagined: 0, copied: 0, ..walk(0, [None; 3]) };
        assert_eq!(read(&[nowhere]), [[Some(0.0), None, None, None], [Some(50.0), None, None, None]]);
    }
}
