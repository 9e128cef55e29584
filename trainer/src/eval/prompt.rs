//! Prompt adherence: does the probe read what a prompt asked for?

use anyhow::Result;
use somnium::engine::{Engine, PromptWord};
use somnium::prompt::words_of;
use somnium::worlds::StepOutcome;
use somnium::worlds::policy::{Explorer, Policy};
use somnium::worlds::scene::Wish;
use somnium::worlds::words::{TestPrompt, test_prompts};

use super::players::{Dream, HISTORY, Judge, Player, Walk, through_tokenizer};
use super::report::{Bar, Better, Figure, Score, Unit, mean};
use super::workers::{Worker, Workers};
use crate::probe::samples::asked_words;
use crate::probe::{ProbeInfo, Reading, most_likely};

const FAMILY: &str = "prompt";
/// Frames after the change that are waited for, and how many of the last of them are read.
const FRAMES: usize = 60;
const READ: usize = 6;
/// Frames of a dream out of nothing.
const FIRST_FRAMES: usize = 12;

/// Share of what a wish asks for of land, light, weather and style that a reading shows, 0 to 1; `None` where it asks for none of these.
pub fn adherence(info: &ProbeInfo, reading: &Reading, wish: &Wish) -> Option<f64> {
    let kinds = asked_words(wish).into_iter().enumerate();
    let shown: Vec<f64> = kinds
        .filter_map(|(kind, asked)| Some(f64::from(u8::from(info.words[kind][most_likely(&reading.words[kind])] == asked?))))
        .collect();
    (!shown.is_empty()).then(|| mean(&shown))
}

/// The prompts of the evaluation, every `stride`-th of them, said in the middle of a walk; half of those in words of captions also to a
/// dream that begins with nothing.
pub fn figures(judge: &Judge, workers: &mut Workers, info: &ProbeInfo, seed: u64, stride: usize) -> Result<Vec<Figure>> {
    let prompts: Vec<(u64, TestPrompt)> = (seed..).zip(test_prompts()).step_by(stride).collect();
    let played = workers.map(&prompts, |worker, (seed, prompt)| {
        let out_of_nothing = if prompt.unseen { None } else { dreamed_up(judge, worker, info, *seed, prompt)? };
        let told = changed(judge, worker, info, *seed, prompt, true)?;
        let silent = changed(judge, worker, info, *seed, prompt, false)?;
        Ok([told, silent, simulated(judge, worker, info, *seed, prompt)?, out_of_nothing])
    })?;
    let score = |unseen: bool, player: usize| {
        let of = prompts.iter().zip(&played).filter(|((_, prompt), _)| prompt.unseen == unseen);
        Score::mean_of(&of.filter_map(|(_, shares)| shares[player]).map(|share| 100.0 * share).collect::<Vec<_>>(), Better::High)
    };
    let row = |name: &str, unseen: bool, bar: f64| {
        let figure = Figure::new(FAMILY, name, Unit::Percent).dream(score(unseen, 0)).simulator(score(unseen, 2));
        figure.other("no prompt", score(unseen, 1).mean).bar(Bar::AtLeast(bar))
    };
    Ok(vec![
        row("adherence 60 frames after a change, words of captions", false, 85.0),
        row("adherence 60 frames after a change, other words", true, 65.0),
        Figure::new(FAMILY, "adherence of worlds dreamed out of a prompt alone", Unit::Percent).dream(score(false, 3)),
    ])
}

fn mean_adherence(worker: &Worker, info: &ProbeInfo, frames: &[Vec<u8>], wish: &Wish) -> Result<Option<f64>> {
    let Some(probe) = &worker.probe else { return Ok(None) };
    let readings = probe.read(frames.iter().map(Vec::as_slice))?;
    let shares: Vec<f64> = readings.iter().filter_map(|reading| adherence(info, reading, wish)).collect();
    Ok((!shares.is_empty()).then(|| mean(&shares)))
}

fn words(judge: &Judge, prompt: &TestPrompt) -> Vec<PromptWord> {
    words_of(&prompt.text, judge.manifest.dynamics.as_ref().map_or(0, |d| d.prompt_words))
}

/// Lets an explorer walk `dream` for `frames` frames and keeps the last [`READ`] pictures.
fn walked(judge: &Judge, dream: &mut Dream, seed: u64, frames: usize) -> Result<Vec<Vec<u8>>> {
    let (mut policy, mut last, mut kept) = (Explorer::new(seed), StepOutcome::default(), Vec::new());
    for t in 0..frames {
        let before = dream.shown().rgb.clone();
        let asked = policy.next(last);
        let after = &dream.press(asked)?.rgb;
        let seen = judge.movements.movement(&before, after);
        last = StepOutcome { moved: asked != 0 && seen == asked, blocked: asked != 0 && seen == 0 };
        if t + READ >= frames {
            kept.push(after.clone());
        }
    }
    Ok(kept)
}

/// Adherence of a dream that is told the prompt in the middle of a walk, or is not.
fn changed(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, seed: u64, prompt: &TestPrompt, told: bool) -> Result<Option<f64>> {
    let start = judge.start(&mut worker.engine, Walk::new(&judge.world, "explorer", seed, false)?, HISTORY - 1, seed)?;
    let words = if told { words(judge, prompt) } else { Vec::new() };
    worker.engine.set_prompt(&words)?;
    let mut dream = Dream::begin(judge, &mut worker.engine, &start)?;
    let frames = walked(judge, &mut dream, seed, FRAMES)?;
    worker.engine.set_prompt(&[])?;
    mean_adherence(worker, info, &frames, &prompt.wish)
}

/// Adherence of a dream that begins with nothing but the prompt.
fn dreamed_up(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, seed: u64, prompt: &TestPrompt) -> Result<Option<f64>> {
    let mut dream = Dream::out_of_nothing(judge, &mut worker.engine, &words(judge, prompt), seed as u32)?;
    let frames = walked(judge, &mut dream, seed, FIRST_FRAMES)?;
    worker.engine.set_prompt(&[])?;
    mean_adherence(worker, info, &frames, &prompt.wish)
}

/// Adherence of the simulator, wished the same at the same place, seen through the tokenizer.
fn simulated(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, seed: u64, prompt: &TestPrompt) -> Result<Option<f64>> {
    let mut walk = Walk::new(&judge.world, "explorer", seed, false)?;
    (0..HISTORY - 1).for_each(|_| _ = walk.step());
    walk.world.wish(&prompt.wish);
    (0..FRAMES - READ).for_each(|_| _ = walk.step());
    let mut raw = vec![0; judge.manifest.frame.rgb_bytes()];
    let mut frames = Vec::new();
    for _ in 0..READ {
        walk.step();
        walk.world.render(&mut raw);
        frames.push(through_tokenizer(&mut worker.engine, &raw)?.rgb);
    }
    mean_adherence(worker, info, &frames, &prompt.wish)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::view::View;
    use somnium::worlds::scene::{Biome, Light, Style};

    #[test]
    fn adherence_is_the_share_of_what_was_asked_that_is_read() {
        let words = |all: &[&str]| all.iter().map(|w| (*w).to_owned()).collect::<Vec<String>>();
        let info = ProbeInfo {
            world: String::new(),
            view: View { width_px: 16, height_px: 16, patch_px: 8, cell_px: 4 },
            words: [words(&["snow", "beach", "water"]), words(&["day", "night"]), words(&["clear", "fog"]), words(&["plain", "noir"])],
            confidence_floor: 0.5,
            steps: 0,
            seed: 0,
            figures: Default::default(),
        };
        let reading = Reading {
            words: [vec![0.1, 0.6, 0.3], vec![0.2, 0.8], vec![1.0, 0.0], vec![0.3, 0.7]],
            facing: [0.25; 4],
            figures: [0.0, 1.0, 0.0],
            centred: 1.0,
            solid_ahead: [0.0; 5],
            features: Vec::new(),
        };
        let of = |biome, light, style| adherence(&info, &reading, &Wish { biome, light, style, ..Wish::default() });
        assert_eq!(of(Some(Biome::Beach), Some(Light::Night), None), Some(1.0));
        assert_eq!(of(Some(Biome::Snow), Some(Light::Night), None), Some(0.5));
        assert_eq!(of(None, Some(Light::Day), Some(Style::Plain)), Some(0.0));
        assert_eq!(of(None, None, None), None);
    }
}
