//! Prompt adherence: what the probe reads against what a prompt said.

use anyhow::Result;
use somnium::engine::Engine;
use somnium::worlds::StepOutcome;
use somnium::worlds::policy::{Explorer, Policy};

use super::players::{Dream, HISTORY, Judge, Kind, Player, Walk};
use super::report::{Better, Figure, Score, Unit, mean};
use super::workers::{Worker, Workers};
use crate::probe::{ProbeInfo, Reading};
use crate::source::mix;
use crate::tokens::word_ids;

const FAMILY: &str = "prompt";
/// Frames dreamed from a prompt alone, of which the second half is read.
const FRAMES: usize = 24;

/// How far a reading agrees with a prompt: the mean, over what the prompt says of land, light and weather, of the probability that the
/// probe gives to its words. `None` where the prompt says nothing of these.
pub fn adherence(info: &ProbeInfo, reading: &Reading, prompt: &[String]) -> Option<f64> {
    let said: Vec<f64> = (0..3)
        .filter_map(|group| {
            let words = info.words[group].iter().zip(&reading.words[group]).filter(|(word, _)| prompt.contains(word));
            words.map(|(_, p)| f64::from(*p)).reduce(|a, b| a + b)
        })
        .collect();
    (!said.is_empty()).then(|| mean(&said))
}

/// Worlds dreamed out of nothing but each of the pack's suggested prompts; the simulator's frames against their own captions.
pub fn figures(judge: &Judge, workers: &mut Workers, info: &ProbeInfo, seed: u64) -> Result<Vec<Figure>> {
    let numbered: Vec<(u64, Vec<String>)> =
        (0..).zip(&judge.manifest.suggested_prompts).map(|(i, p)| (seed + i, p.split(' ').map(str::to_owned).collect())).collect();
    let played = workers.map(&numbered, |worker, (seed, prompt)| {
        let said = dreamed(judge, worker, info, *seed, prompt, true)?;
        let silent = dreamed(judge, worker, info, *seed, prompt, false)?;
        Ok([said, silent, simulated(judge, worker, info, *seed)?])
    })?;
    let score = |i: usize| Score::mean_of(&played.iter().filter_map(|p| p[i]).map(|share| 100.0 * share).collect::<Vec<_>>(), Better::High);
    let figure = Figure::new(FAMILY, "adherence of worlds dreamed out of a suggested prompt", Unit::Percent);
    Ok(vec![figure.dream(score(0)).simulator(score(2)).other("no prompt", score(1).mean)])
}

fn mean_adherence(worker: &Worker, info: &ProbeInfo, frames: &[(Vec<u8>, Vec<String>)]) -> Result<Option<f64>> {
    let Some(probe) = &worker.probe else { return Ok(None) };
    let readings = probe.read(frames.iter().map(|(rgb, _)| rgb.as_slice()))?;
    let shares: Vec<f64> = readings.iter().zip(frames).filter_map(|(r, (_, prompt))| adherence(info, r, prompt)).collect();
    Ok((!shares.is_empty()).then(|| mean(&shares)))
}

/// Adherence to `prompt` of a dream that was told it, or not.
fn dreamed(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, seed: u64, prompt: &[String], told: bool) -> Result<Option<f64>> {
    let longest = judge.manifest.dynamics.as_ref().map_or(0, |d| d.prompt_words);
    let mut ids = word_ids(prompt, &judge.manifest.vocabulary, longest);
    ids.retain(|id| told && *id != 0);
    let mut dream = Dream::out_of_nothing(judge, &mut worker.engine, &ids, seed as u32)?;
    let (mut policy, mut last, mut frames) = (Explorer::new(seed), StepOutcome::default(), Vec::new());
    for t in 0..FRAMES {
        let before = dream.shown().rgb.clone();
        let asked = policy.next(last);
        let after = dream.press(asked)?.rgb.clone();
        let seen = judge.movements.movement(&before, &after);
        last = StepOutcome { moved: asked != 0 && seen == asked, blocked: asked != 0 && seen == 0 };
        if t >= FRAMES / 2 {
            frames.push((after, prompt.to_vec()));
        }
    }
    worker.engine.set_prompt(&[])?;
    mean_adherence(worker, info, &frames)
}

/// The simulator's frames through the tokenizer, read against their captions.
fn simulated(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, seed: u64) -> Result<Option<f64>> {
    let walk = Walk::new(&judge.world, "explorer", mix(seed, 1), false)?;
    let start = judge.start(&mut worker.engine, walk, HISTORY - 1, seed)?;
    let caption: Vec<String> = start.walk.world.caption().into_iter().map(str::to_owned).collect();
    let player = judge.player(Kind::Simulator, &mut worker.engine, &start)?;
    let frames = [(player.shown().rgb.clone(), caption)];
    drop(player);
    mean_adherence(worker, info, &frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::view::View;

    #[test]
    fn adherence_is_the_probability_of_what_was_said() {
        let words = |all: &[&str]| all.iter().map(|w| (*w).to_owned()).collect::<Vec<String>>();
        let info = ProbeInfo {
            world: String::new(),
            view: View { width_px: 16, height_px: 16, patch_px: 8, cell_px: 4 },
            words: [words(&["snow", "beach", "water"]), words(&["day", "night"]), words(&["clear", "fog"])],
            confidence_floor: 0.5,
            steps: 0,
            seed: 0,
            figures: Default::default(),
        };
        let reading = Reading {
            words: [vec![0.1, 0.6, 0.3], vec![0.2, 0.8], vec![1.0, 0.0]],
            facing: [0.25; 4],
            figures: [0.0, 1.0, 0.0],
            centred: 1.0,
            solid_ahead: [0.0; 5],
            features: Vec::new(),
        };
        let of = |prompt: &str| adherence(&info, &reading, &words(&prompt.split(' ').collect::<Vec<_>>()));
        let near = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-6);
        assert!(near(of("night clear trees"), 0.9) && near(of("beach water day"), 0.55) && near(of("snow"), 0.1));
        assert_eq!(of("trees"), None);
    }
}
