//! A pack whose simulator is not here, judged on recordings: what its tokens lose, whether the dream goes on as they do, and whether held
//! keys still move it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use somnium::clips::Clip;
use somnium::engine::cpu::CpuEngine;
use somnium::engine::inputs::play_settings;
use somnium::engine::odometer::Odometer;
use somnium::engine::{DecodeSettings, Engine, TokenFrame};
use somnium::pack::manifest::{DynamicsDims, Manifest};

use super::control::{T, agreement};
use super::free::{HELD_FRAMES, MARK_REACH, MARKS};
use super::latent::Inference;
use super::players::{HISTORY, Shown, rgb};
use super::report::{Better, Figure, Score, Unit};
use super::rollout::share_of;
use super::workers::Workers;
use super::{Effort, Evaluation, Family, Seeds, sheet, tokenizer};
use crate::patches::psnr_db;
use crate::recordings::FolderSource;
use crate::source::{ClipSource, Dice, HELD_OUT, Mood};
use crate::stages::dynamics::bindings;
use crate::tokens::NONE;

const FAMILY: &str = "control, from true history of recordings";
/// Beside a simulator the pictures are asked instead.
const HELD: &str = "moving share under held keys, by the dream's own odometer";
/// How far a value may change in a patch that stays: what is left by the compression of a recording.
const NOISE: u8 = 4;
/// Recordings on the contact sheet, and frames of each.
const SHEET_ROWS: u64 = 4;
const SHEET_FRAMES: usize = 48;
/// Families that no recording tells anything of, and why.
const LEFT_OUT: [(Family, &str); 8] = [
    (Family::Rollouts, "stability and control in free rollouts: a probe reads them, and it learns to read from a simulator"),
    (Family::Memory, "memory: nobody knows which way there and back is free in a recording"),
    (Family::Ahead, "ahead: nobody can tell what stands upright in a recording"),
    (Family::First, "first frames: nobody can tell what stands upright in a recording"),
    (Family::Houses, "houses: nobody can tell what stands upright in a recording"),
    (Family::Prompt, "prompt: a probe reads whether a dream obeys, and it learns to read from a simulator"),
    (Family::Dials, "dials: a probe reads whether a dream obeys, and it learns to read from a simulator"),
    (Family::Probe, "the probe: it learns to read from a simulator"),
];

/// Recordings, and what tells the latent actions in them.
struct Recorded<'a> {
    manifest: &'a Manifest,
    source: Arc<dyn ClipSource>,
    inference: Option<Inference>,
    /// Latent code of each recorded action, [`NONE`] where it has none.
    bindings: Vec<u8>,
}

/// A part of a recording.
struct Case {
    number: u64,
    clip: Clip,
    /// Latent action that led into each frame, and whether the view went where it leads.
    codes: Vec<u8>,
    moved: Vec<bool>,
}

/// How a dream goes on from a case.
struct Played {
    /// Percent of the next frame's tokens that are right, that the last frame has right, and of those that change.
    exact: f64,
    copied: f64,
    changed: Option<f64>,
    /// Of the last frame in dB, under the recording's actions less under random ones.
    delta_psnr: f64,
}

/// Adds what the recordings of a folder tell of the pack, and names what they do not.
pub(super) fn judge(evaluation: &mut Evaluation, folder: &Path) -> Result<()> {
    let (pack, options) = (evaluation.pack, evaluation.options);
    let (manifest, effort) = (&pack.manifest, &options.effort);
    let frame = manifest.frame;
    ensure!(options.seeds == Seeds::Usual, "recordings have no seeds that are held back");
    let source: Arc<dyn ClipSource> = Arc::new(FolderSource::open(folder, frame.rate_hz)?);
    let info = source.info();
    ensure!(
        (info.width_px, info.height_px) == (frame.width_px, frame.height_px),
        "the recordings in {} have frames of {}x{} pixels, the pack has {}x{}",
        folder.display(),
        info.width_px,
        info.height_px,
        frame.width_px,
        frame.height_px
    );
    println!("recordings {}: those that training holds out; of fewer than ten all, which training has seen", folder.display());
    for (family, why) in LEFT_OUT {
        if evaluation.wanted(family) {
            evaluation.leave_out(why);
        }
    }
    let mut workers = Workers::new(pack, None)?;
    evaluation.add(Family::Tokenizer, "tokenizer", |seed| {
        tokenizer::of_pictures(pack, &mut workers, "recorded frames", effort.stills, NOISE, |number| {
            let clip = source.clip(HELD_OUT + seed + number, 2, Mood::Lively)?;
            Ok([0, 1].map(|t| clip.frame(t).to_vec()))
        })
    })?;
    let inference = Inference::of(pack, source.clone(), &options.device)?;
    match &inference {
        None => evaluation.leave_out("latent actions: the pack has no latent action model"),
        Some(_) if !source.records_any() => evaluation.leave_out("latent actions: no recording says which keys were held"),
        Some(inference) => {
            evaluation.add(Family::Latent, "latent actions", |seed| inference.figures(HELD_OUT + seed, effort.latent_clips))?;
        }
    }
    if manifest.dynamics.is_none() {
        evaluation.leave_out("everything that is dreamed: the pack has no dynamics");
        return Ok(());
    }
    if inference.is_none() && !source.records_any() {
        evaluation.leave_out("everything that is dreamed: neither a latent action model nor a recording says what was done in it");
        return Ok(());
    }
    let bindings = bindings(&manifest.actions, &info.actions, |_| false)?;
    let recorded = Recorded { manifest, source, inference, bindings };
    if recorded.keys().is_empty() {
        evaluation.leave_out("control: no latent code is bound to a key");
    } else {
        evaluation.add(Family::Control, "control", |seed| recorded.control(&mut workers, seed, effort.control_clips))?;
    }
    if recorded.ways().is_empty() {
        evaluation.leave_out("moving share under held keys: no key moves the view as far as the pack says");
    } else {
        evaluation.add(Family::Rollouts, "held keys", |seed| recorded.held(&mut workers, seed, effort))?;
    }
    let path = options.out.join("sheet.png");
    evaluation.add(Family::Rollouts, "pictures", |seed| {
        recorded.draw(&mut workers, seed, &path)?;
        println!("{}: recordings above dreams under the actions of those", path.display());
        Ok(Vec::new())
    })
}

impl Recorded<'_> {
    fn case(&self, number: u64, frames: usize) -> Result<Case> {
        let clip = self.source.clip(HELD_OUT + number, frames, Mood::Lively)?;
        let known = match &self.inference {
            Some(inference) => inference.codes(&clip)?,
            None => clip.actions.iter().map(|action| action.map(|action| self.bindings[usize::from(action)])).collect(),
        };
        let unknown = self.manifest.dynamics.as_ref().map_or(0, DynamicsDims::unknown_action);
        let codes: Vec<u8> = known.into_iter().map(|code| code.filter(|code| *code != NONE).unwrap_or(unknown)).collect();
        let mut odometer = self.manifest.recall().map(|recall| Odometer::<3>::new(&self.manifest.frame, recall));
        let went = |t: usize| {
            let motion = self.motion(codes[t]);
            t > 0 && odometer.as_mut().is_some_and(|odometer| odometer.moved(clip.frame(t - 1), clip.frame(t), motion))
        };
        let moved = (0..clip.len()).map(went).collect();
        Ok(Case { number, clip, codes, moved })
    }

    fn cases(&self, first: u64, count: u64, frames: usize) -> Result<Vec<Case>> {
        (first..first + count).map(|number| self.case(number, frames)).collect()
    }

    /// Where the view goes under a latent action, in steps.
    fn motion(&self, code: u8) -> [i32; 2] {
        self.manifest.actions.get(usize::from(code)).map_or([0, 0], |action| action.motion)
    }

    /// Codes that keys are bound to.
    fn keys(&self) -> Vec<u8> {
        self.bindings.iter().copied().filter(|code| *code != NONE).collect()
    }

    /// Those of them that move the view.
    fn ways(&self) -> Vec<u8> {
        let scrolls = self.manifest.recall().is_some();
        self.keys().into_iter().filter(|code| scrolls && self.motion(*code) != [0, 0]).collect()
    }

    fn control(&self, workers: &mut Workers, seed: u64, clips: u64) -> Result<Vec<Figure>> {
        let cases = self.cases(seed, clips, HISTORY + T)?;
        let keys = self.keys();
        let played = workers.map(&cases, |worker, case| play(&mut worker.engine, case, &keys))?;
        let over = |of: fn(&Played) -> f64| Score::mean_of(played.iter().map(of), Better::High);
        let changed = Score::mean_of(played.iter().filter_map(|p| p.changed), Better::High);
        let actions = if self.inference.is_some() { "inferred" } else { "recorded" };
        let delta = format!("delta-PSNR at t = {T}, {actions} against random actions");
        let exact = |name: &str| Figure::new(FAMILY, name, Unit::Percent);
        Ok(vec![
            Figure::new(FAMILY, delta, Unit::Db).dream(over(|p| p.delta_psnr)).other("copy", 0.0),
            exact("exact tokens of the next frame").dream(over(|p| p.exact)).other("copy", over(|p| p.copied).mean),
            exact("  of those that change").dream(changed).other("copy", 0.0),
        ])
    }

    /// The share of steps that move, by frame, under keys that are held on and on; beside it the share of all that lead somewhere in the
    /// recordings.
    fn held(&self, workers: &mut Workers, seed: u64, effort: &Effort) -> Result<Vec<Figure>> {
        let (cases, ways) = (self.cases(seed, effort.held, HISTORY)?, self.ways());
        let frames = HELD_FRAMES.min(effort.frames);
        let jobs: Vec<(&Case, u8)> = cases.iter().zip(ways.iter().copied().cycle()).collect();
        let rollouts: Vec<Vec<bool>> = workers.map(&jobs, |worker, (case, way)| {
            let history = case.history(&mut worker.engine)?;
            let dreamed = dream(&mut worker.engine, case, &history, &vec![*way; frames])?;
            Ok(dreamed.into_iter().map(|(_, moved)| moved).collect())
        })?;
        let steps = cases.iter().flat_map(|case| case.codes.iter().zip(&case.moved).skip(1));
        let recording = share_of(steps.filter(|(code, _)| self.motion(**code) != [0, 0]), |(_, moved)| *moved);
        let around = |mark: usize| {
            let range = mark.saturating_sub(MARK_REACH)..(mark + MARK_REACH).min(frames);
            let share = |moved: &Vec<bool>| share_of(&moved[range.clone()], |moved| *moved);
            let figure = Figure::new(HELD, format!("around frame {mark}"), Unit::Percent);
            figure.dream(Score::mean_of(rollouts.iter().map(share), Better::High)).other("recording", recording)
        };
        Ok(MARKS.into_iter().filter(|mark| *mark <= frames).map(around).collect())
    }

    /// Some recordings, each above what is dreamed from where it begins under its own actions.
    fn draw(&self, workers: &mut Workers, seed: u64, path: &Path) -> Result<()> {
        let cases = self.cases(seed, SHEET_ROWS, HISTORY + SHEET_FRAMES)?;
        let pairs: Vec<[Vec<Vec<u8>>; 2]> = workers.map(&cases, |worker, case| {
            let history = case.history(&mut worker.engine)?;
            let dreamed = dream(&mut worker.engine, case, &history, &case.codes[HISTORY..])?;
            let recorded = (HISTORY..case.clip.len()).map(|t| case.clip.frame(t).to_vec()).collect();
            Ok([recorded, dreamed.into_iter().map(|(shown, _)| shown.rgb).collect()])
        })?;
        let rows: Vec<&[Vec<u8>]> = pairs.iter().flatten().map(Vec::as_slice).collect();
        sheet::write(&rows, 2, &self.manifest.frame, path)
    }
}

impl Case {
    /// Its first frames as players know them.
    fn history(&self, engine: &mut CpuEngine) -> Result<Vec<TokenFrame>> {
        let frame = |t: usize| {
            let codes = engine.encode(self.clip.frame(t))?;
            Ok(TokenFrame { codes, action: self.codes[t], moved: self.moved[t], prompt: Vec::new() })
        };
        (0..HISTORY).map(frame).collect()
    }
}

/// What is dreamed of a case after its history under each of `codes`, and whether the view went where they lead.
fn dream(engine: &mut CpuEngine, case: &Case, history: &[TokenFrame], codes: &[u8]) -> Result<Vec<(Shown, bool)>> {
    engine.restore(history, 0)?;
    let settings = DecodeSettings { seed: case.number as u32, ..play_settings(engine.manifest()) };
    let mut dreamed = Vec::with_capacity(codes.len());
    for code in codes {
        engine.dream(*code, &settings)?;
        let mut codes = vec![0; engine.manifest().frame.code_bytes()];
        let moved = engine.take_codes(&mut codes).is_some_and(|arrival| arrival.moved);
        dreamed.push((Shown { rgb: rgb(&engine.read_picture()?), codes }, moved));
    }
    Ok(dreamed)
}

fn play(engine: &mut CpuEngine, case: &Case, keys: &[u8]) -> Result<Played> {
    let history = case.history(engine)?;
    let dims = engine.manifest().frame.code_dims;
    let (before, truth) = (&history[HISTORY - 1].codes, engine.encode(case.clip.frame(HISTORY))?);
    let mut dice = Dice::new(case.number, 4);
    let random: Vec<u8> = (0..T).map(|_| keys[dice.below(keys.len())]).collect();
    let asked = dream(engine, case, &history, &case.codes[HISTORY..])?;
    let random = dream(engine, case, &history, &random)?;
    let psnr = |dreamed: &[(Shown, bool)]| psnr_db(case.clip.frame(HISTORY + T - 1), &dreamed[T - 1].0.rgb);
    let next = &asked[0].0.codes;
    let changes = |n: usize| before[n * dims..][..dims] != truth[n * dims..][..dims];
    Ok(Played {
        exact: agreement(next, &truth, dims, |_| true),
        copied: agreement(before, &truth, dims, |_| true),
        changed: (*before != truth).then(|| agreement(next, &truth, dims, changes)),
        delta_psnr: psnr(&asked) - psnr(&random),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::WorldSource;
    use somnium::engine::cpu::CpuOptions;
    use somnium::pack::manifest::RecallDims;
    use somnium::pack::random::{plain_manifest, random_pack};

    /// The built-in land, whose actions have codes of their own, each leading where `motions` says.
    fn manifest(motions: [[i32; 2]; 5]) -> Manifest {
        let mut m = plain_manifest();
        m.dynamics.as_mut().unwrap().recall = Some(RecallDims { step_px: 16, covered: vec![31] });
        m.actions.iter_mut().for_each(|action| action.motion = [0, 0]);
        m.actions.iter_mut().zip(motions).for_each(|(action, motion)| action.motion = motion);
        m
    }

    fn recorded(manifest: &Manifest) -> Recorded<'_> {
        let source = Arc::new(WorldSource::new("isles", 1).unwrap());
        Recorded { manifest, source, inference: None, bindings: vec![0, 1, 2, 3, NONE] }
    }

    #[test]
    fn a_recording_tells_which_of_its_steps_moved() {
        let right = [[0, 0], [0, -1], [0, 1], [-1, 0], [1, 0]];
        let told = |motions: [[i32; 2]; 5]| {
            let manifest = manifest(motions);
            let mut recorded = recorded(&manifest);
            recorded.bindings[4] = 4;
            let cases = recorded.cases(0, 4, 60).unwrap();
            // Of the steps that moved and of those that did not, how many are told to have.
            [true, false].map(|went| {
                let steps = cases.iter().flat_map(|case| case.clip.outcomes.iter().zip(&case.moved).skip(1));
                share_of(steps.filter(|(outcome, _)| outcome.moved == went), |(_, moved)| *moved)
            })
        };
        let [moved, stood] = told(right);
        assert!(moved > 90.0 && stood < 10.0, "{moved}, {stood}");
        // The control: actions that lead nowhere.
        assert_eq!(told([[0, 0]; 5]), [0.0, 0.0]);
    }

    #[test]
    fn keys_without_a_code_are_not_pressed_and_what_they_would_have_done_is_not_known() {
        let manifest = manifest([[0, 0], [0, -1], [0, 1], [-1, 0], [1, 0]]);
        let recorded = recorded(&manifest);
        assert_eq!((recorded.keys(), recorded.ways()), (vec![0, 1, 2, 3], vec![1, 2, 3]));
        let cases = recorded.cases(0, 8, 60).unwrap();
        let unknown = manifest.dynamics.as_ref().unwrap().unknown_action();
        for case in &cases {
            let codes: Vec<u8> = case.clip.actions.iter().map(|action| action.filter(|action| *action < 4).unwrap_or(unknown)).collect();
            assert_eq!((case.codes[0], &case.codes), (unknown, &codes), "nothing led into the first frame");
        }
        assert!(cases.iter().any(|case| case.clip.actions.contains(&Some(4))));
    }

    #[test]
    fn a_dream_knows_the_recording_and_begins_anew_each_time() {
        let manifest = manifest([[0, 0], [0, -1], [0, 1], [-1, 0], [1, 0]]);
        let pack = random_pack(manifest.clone(), 3).unwrap();
        let mut engine = CpuEngine::new(&pack, CpuOptions { threads: Some(1), ..CpuOptions::default() }).unwrap();
        let case = recorded(&manifest).case(2, HISTORY + T).unwrap();
        let history = case.history(&mut engine).unwrap();
        assert_eq!(history.len(), HISTORY);
        assert_eq!(history[5].codes, engine.encode(case.clip.frame(5)).unwrap());
        let mut dreamed = |codes: &[u8]| -> Vec<Vec<u8>> {
            let dreamed = dream(&mut engine, &case, &history, codes).unwrap();
            dreamed.into_iter().map(|(shown, _)| shown.codes).collect()
        };
        let first = dreamed(&[1, 1, 2]);
        assert!(dreamed(&[1, 1, 2]) == first && dreamed(&[3, 1, 2]) != first);
        let next = dreamed(&case.codes[HISTORY..]).swap_remove(0);
        let played = play(&mut engine, &case, &[0, 1]).unwrap();
        assert!(played.delta_psnr.is_finite());
        // It is held against the frame that comes after the history.
        let last = &history[HISTORY - 1].codes;
        let truth = engine.encode(case.clip.frame(HISTORY)).unwrap();
        let right = |codes: &[u8]| agreement(codes, &truth, manifest.frame.code_dims, |_| true);
        assert_eq!((played.exact, played.copied), (right(&next), right(last)));
        assert_eq!(played.changed.is_some(), *last != truth);
    }
}
