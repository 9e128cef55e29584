//! Prompt adherence: does the probe read what a prompt asked for? A copy of what was shown before says how much of it was there already;
//! where nothing was shown before, there is no baseline.

use std::path::Path;

use anyhow::{Context, Result};
use somnium::dream::looks::Looks;
use somnium::engine::{DecodeSettings, Engine, PromptWord, UNKNOWN};
use somnium::prompt::{ids, read, read_unlisted, told, words_of};
use somnium::worlds::policy::{Onward, Policy};
use somnium::worlds::scene::{Attribute, Light, Wish};
use somnium::worlds::words::{TestPrompt, going_on, test_prompts, under};
use somnium::worlds::{StepOutcome, World};

use super::control::agreement;
use super::dials::seen;
use super::players::{Dream, HISTORY, Judge, Player, Shown, Start, Walk, repainted, through_tokenizer};
use super::report::{Bar, Better, Figure, Score, Unit, mean};
use super::rollout::share_of;
use super::workers::{Worker, Workers};
use crate::probe::samples::{KIND_NAMES, KINDS, asked_words};
use crate::probe::{ProbeInfo, Reading, most_likely};
use crate::source::mix;

const FAMILY: &str = "prompt";
/// Columns of the list of prompts, separated by tabs; of each four: land, light, weather, style.
const LIST_HEAD: &str = "prompt\twords\tdream after a change (4)\tsimulator (4)\tout of nothing (4)\tpainted (4)";
/// Frames after the change that are waited for, and how many of the last of them are read.
const FRAMES: usize = 60;
const READ: usize = 6;
/// Frames of a dream out of nothing.
const FIRST_FRAMES: usize = 12;
/// How often a picture is painted over, each time by other dice.
const PAINTINGS: usize = 4;
/// New land begins up to two tiles beyond what is in view when it is wished for.
const BORDER_PX: i64 = 32;
/// Places tried for one that a way leads out of.
const MOST_PLACES: u64 = 200;
/// Of the prompts every so many-th is also kept from the dream, for the baseline.
const SILENT_STRIDE: usize = 2;

/// Of land, light, weather and style the share of frames that show what was asked for, 0 to 1; nothing of what was not asked for.
type Shares = [Option<f64>; KINDS];

/// How far the readings of some frames show what a wish asks for.
fn shares(info: &ProbeInfo, readings: &[Reading], wish: &Wish) -> Shares {
    let asked = asked_words(wish);
    std::array::from_fn(|kind| {
        let shown =
            |reading: &Reading| f64::from(u8::from(info.words[kind][most_likely(&reading.words[kind])] == asked[kind].unwrap_or_default()));
        asked[kind].map(|_| mean(readings.iter().map(shown)))
    })
}

/// Mean over what was asked for.
fn adherence(shares: &Shares) -> Option<f64> {
    let asked: Vec<f64> = shares.iter().flatten().copied().collect();
    (!asked.is_empty()).then(|| mean(asked))
}

/// What follows a prompt: in the dream that is told it, each word by itself; of words held out also in one that is told what a player is heard
/// to say by them; in one that is told nothing, and in the simulator that is wished the same, through the tokenizer and as it is drawn; and
/// what was there before it, which a copy goes on to show.
#[derive(Default)]
struct Answers {
    dream: Shares,
    player: Shares,
    silent: Shares,
    simulator: Shares,
    drawn: Shares,
    copy: Shares,
}

/// A row for adherence, and one for each attribute.
fn rows(name: &str, bar: Option<f64>, answers: &[&Answers]) -> Vec<Figure> {
    let score = |of: fn(&Answers) -> &Shares, value: &dyn Fn(&Shares) -> Option<f64>| {
        let values: Vec<f64> = answers.iter().filter_map(|answers| value(of(answers))).map(|share| 100.0 * share).collect();
        (!values.is_empty()).then(|| Score::mean_of(values, Better::High))
    };
    let row = |name: String, value: &dyn Fn(&Shares) -> Option<f64>| {
        let mut figure = Figure::new(FAMILY, name, Unit::Percent).dream(score(|a| &a.dream, value)?);
        if let Some(simulator) = score(|a| &a.simulator, value) {
            figure = figure.simulator(simulator);
        }
        figure = figure.beside("as a player is heard", score(|a| &a.player, value));
        figure = figure.beside("no prompt", score(|a| &a.silent, value));
        figure = figure.beside("simulator as drawn", score(|a| &a.drawn, value));
        Some(figure.beside("copy", score(|a| &a.copy, value)))
    };
    let whole = row(name.to_owned(), &adherence).map(|figure| match bar {
        Some(bar) => figure.bar(Bar::AtLeast(bar)),
        None => figure,
    });
    let parts = (0..KINDS).map(|kind| row(format!("  {}", KIND_NAMES[kind]), &move |shares| shares[kind]));
    whole.into_iter().chain(parts.flatten()).collect()
}

/// What becomes of a dream when its words come to ask for another light and for nothing else, in percent.
#[derive(Clone, Copy)]
struct Turned {
    /// Of the land's tokens, the figure's left out, those that are the same in the first frame under the new words, and in the last of [`READ`].
    stays_at_once: f64,
    stays: f64,
    /// Of the last frames those that show the new light, and those that show weather and style as they were.
    light: f64,
    look: f64,
    /// Land and look that stay as long while nothing new is said.
    otherwise: [f64; 2],
    /// Whether the last frame before shows the new light.
    lit_before: f64,
}

impl Turned {
    fn rows(all: &[Self]) -> Vec<Figure> {
        let row = |name: &str, of: fn(&Self) -> f64| {
            Figure::new(FAMILY, name, Unit::Percent).dream(Score::mean_of(all.iter().map(of), Better::High))
        };
        let otherwise =
            |figure: Figure, which: usize| figure.other("nothing new said", mean(all.iter().map(|turned| turned.otherwise[which])));
        // All but the light stays in a copy.
        let kept = |figure: Figure| figure.other("copy", 100.0);
        if all.is_empty() {
            return Vec::new();
        }
        vec![
            kept(row("another light alone is said: land that stays, next frame", |t| t.stays_at_once)),
            kept(otherwise(row("  land that stays, sixth frame", |t| t.stays), 0)),
            row("  frames that show the light", |t| t.light).other("copy", mean(all.iter().map(|turned| turned.lit_before))),
            kept(otherwise(row("  frames whose weather and style stay", |t| t.look), 1)),
        ]
    }
}

/// The prompts of the evaluation, every `stride`-th of them, said in the middle of a walk; those in words of captions also to a dream
/// that begins with nothing and to one whose picture is painted over. What became of each goes to the file `list`.
pub fn figures(judge: &Judge, workers: &mut Workers, info: &ProbeInfo, seed: u64, stride: usize, list: &Path) -> Result<Vec<Figure>> {
    let prompts: Vec<Asked> = (seed..)
        .zip(test_prompts())
        .step_by(stride)
        .enumerate()
        .map(|(i, (seed, prompt))| Asked { seed, prompt, silent: i % SILENT_STRIDE == 0 })
        .collect();
    let answers = workers.map(&prompts, |worker, asked| {
        let changed = changed(judge, worker, info, asked)?;
        if asked.prompt.unseen {
            return Ok((changed, None));
        }
        let answers = [out_of_nothing(judge, worker, info, asked)?, painted(judge, worker, info, asked)?];
        Ok((changed, Some((answers, turned(judge, worker, info, asked)?))))
    })?;
    let lines = prompts.iter().zip(&answers).map(|(asked, (changed, others))| asked.line(changed, others.as_ref().map(|others| &others.0)));
    std::fs::write(list, std::iter::once(LIST_HEAD.to_owned()).chain(lines).collect::<Vec<_>>().join("\n") + "\n")
        .with_context(|| format!("cannot write {}", list.display()))?;
    let changed = |unseen: bool| -> Vec<&Answers> {
        prompts.iter().zip(&answers).filter(|(asked, _)| asked.prompt.unseen == unseen).map(|(_, (changed, _))| changed).collect()
    };
    let other = |which: usize| -> Vec<&Answers> { answers.iter().filter_map(|(_, others)| Some(&others.as_ref()?.0[which])).collect() };
    let turned: Vec<Turned> = answers.iter().filter_map(|(_, others)| others.as_ref()?.1).collect();
    Ok([
        rows("adherence 60 frames after a change, words of captions", Some(85.0), &changed(false)),
        rows("adherence 60 frames after a change, other words", Some(65.0), &changed(true)),
        rows("adherence of worlds dreamed out of a prompt alone", None, &other(0)),
        rows("adherence of what is painted around the figure", None, &other(1)),
        Turned::rows(&turned),
    ]
    .concat())
}

/// A prompt of the evaluation.
struct Asked {
    seed: u64,
    prompt: TestPrompt,
    /// Whether to look at what happens without it, too.
    silent: bool,
}

impl Asked {
    /// A line of the list of prompts: percent that land, light, weather and style show what was asked for.
    fn line(&self, changed: &Answers, others: Option<&[Answers; 2]>) -> String {
        let percent = |share: &Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.0}", 100.0 * share));
        let shares = |shares: &Shares| shares.iter().map(percent).collect::<Vec<_>>().join("\t");
        let rest =
            others.map_or_else(String::new, |[nothing, painted]| format!("\t{}\t{}", shares(&nothing.dream), shares(&painted.dream)));
        let words = if self.prompt.unseen { "other" } else { "captions" };
        format!("{}\t{words}\t{}\t{}{rest}", self.prompt.text, shares(&changed.dream), shares(&changed.simulator))
    }

    /// What a dream is told of it, of words held out no more than the word table knows.
    fn words(&self, judge: &Judge) -> Vec<PromptWord> {
        told(&ids(&read_unlisted(&self.prompt.text, most_words(judge))))
    }
}

/// Words that a prompt may have.
pub fn most_words(judge: &Judge) -> usize {
    judge.manifest.dynamics.as_ref().map_or(0, |d| d.prompt_words)
}

fn shown(worker: &Worker, info: &ProbeInfo, frames: &[Vec<u8>], wish: &Wish) -> Result<Shares> {
    let Some(probe) = &worker.probe else { return Ok(Shares::default()) };
    Ok(shares(info, &probe.read(frames.iter().map(Vec::as_slice))?, wish))
}

/// Seed of a walk after which a prompt can be said and its land be seen [`FRAMES`] frames later: in the simulator that is wished the same,
/// the way on leads to where nothing of the first picture is in view.
fn place(world: &str, seed: u64, wish: &Wish) -> Result<u64> {
    for place in (0..MOST_PLACES).map(|number| mix(seed, number)) {
        let walk = walk_to(world, place)?;
        let (info, from) = (walk.world.info(), walk.world.position_px());
        let to = wished(walk.world.as_ref(), wish, seed, FRAMES - READ).world.position_px();
        let (width_px, height_px) = (info.width_px as i64, info.height_px as i64);
        if (to.0 - from.0).abs() >= width_px + BORDER_PX || (to.1 - from.1).abs() >= height_px + BORDER_PX {
            return Ok(place);
        }
    }
    Ok(mix(seed, 0))
}

/// The walk of a seed, as far as where prompts are said.
fn walk_to(world: &str, seed: u64) -> Result<Walk> {
    let mut walk = Walk::new(world, "explorer", seed, false)?;
    (0..HISTORY - 1).for_each(|_| _ = walk.step());
    Ok(walk)
}

/// What comes of `world` when something is wished and it is walked on for `frames` frames.
fn wished(world: &dyn World, wish: &Wish, seed: u64, frames: usize) -> Walk {
    let mut walk = Walk { world: world.boxed_clone(), policy: Box::new(Onward::new(seed)), last: StepOutcome::default() };
    walk.world.wish(wish);
    (0..frames).for_each(|_| _ = walk.step());
    walk
}

/// Walks on in `dream` for `frames` frames and keeps the last [`READ`] pictures.
fn walked(judge: &Judge, dream: &mut Dream, seed: u64, frames: usize) -> Result<Vec<Vec<u8>>> {
    let (mut policy, mut last, mut kept) = (Onward::new(seed), StepOutcome::default(), Vec::new());
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

/// Walks on in the simulator for [`READ`] frames: what it shows through the tokenizer, and as it draws it.
fn walked_truly(worker: &mut Worker, mut walk: Walk, info: &ProbeInfo, wish: &Wish) -> Result<[Shares; 2]> {
    let frame = worker.engine.manifest().frame;
    let mut drawn = vec![vec![0; frame.rgb_bytes()]; READ];
    for rgb in &mut drawn {
        walk.step();
        walk.world.render(rgb);
    }
    let seen: Vec<Vec<u8>> = drawn.iter().map(|rgb| Ok(through_tokenizer(&mut worker.engine, rgb)?.rgb)).collect::<Result<_>>()?;
    Ok([shown(worker, info, &seen, wish)?, shown(worker, info, &drawn, wish)?])
}

/// A prompt said in the middle of a walk.
fn changed(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, asked: &Asked) -> Result<Answers> {
    let (seed, wish) = (asked.seed, &asked.prompt.wish);
    let walk = Walk::new(&judge.world, "explorer", place(&judge.world, seed, wish)?, false)?;
    let start = judge.start(&mut worker.engine, walk, HISTORY - 1, seed)?;
    let dreamed = |worker: &mut Worker, start: &Start, words: &[PromptWord]| {
        let mut dream = Dream::begin_under(judge, &mut worker.engine, start, words)?;
        let frames = walked(judge, &mut dream, seed, FRAMES)?;
        worker.engine.set_prompt(&[])?;
        shown(worker, info, &frames, wish)
    };
    let truth = wished(start.walk.world.as_ref(), wish, seed, FRAMES - READ);
    let [simulator, drawn] = walked_truly(worker, truth, info, wish)?;
    Ok(Answers {
        dream: dreamed(worker, &start, &asked.words(judge))?,
        player: if asked.prompt.unseen {
            dreamed(worker, &start, &words_of(&asked.prompt.text, most_words(judge)))?
        } else {
            Shares::default()
        },
        silent: if asked.silent { dreamed(worker, &start, &[])? } else { Shares::default() },
        simulator,
        drawn,
        copy: shown(worker, info, std::slice::from_ref(&start.shown.rgb), wish)?,
    })
}

/// A world that begins with nothing but the prompt.
fn out_of_nothing(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, asked: &Asked) -> Result<Answers> {
    let (seed, wish) = (asked.seed, &asked.prompt.wish);
    let dreamed = |worker: &mut Worker, words: &[PromptWord]| {
        let mut dream = Dream::out_of_nothing(judge, &mut worker.engine, words, seed as u32)?;
        let frames = walked(judge, &mut dream, seed, FIRST_FRAMES)?;
        worker.engine.set_prompt(&[])?;
        shown(worker, info, &frames, wish)
    };
    let mut walk = Walk::new(&judge.world, "onward", seed, false)?;
    walk.world.reset_under(mix(seed, 0), wish);
    (0..FIRST_FRAMES - READ).for_each(|_| _ = walk.step());
    let [simulator, drawn] = walked_truly(worker, walk, info, wish)?;
    Ok(Answers {
        dream: dreamed(worker, &asked.words(judge))?,
        silent: if asked.silent { dreamed(worker, &[])? } else { Shares::default() },
        simulator,
        drawn,
        ..Answers::default()
    })
}

/// A world that begins with nothing but the prompt, in which nobody walks while its light changes; none without a probe.
fn turned(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, asked: &Asked) -> Result<Option<Turned>> {
    let Some(probe) = &worker.probe else { return Ok(None) };
    let frame = &judge.manifest.frame;
    let before = asked.prompt.wish.light.unwrap_or(Light::Day);
    let light = Light::ALL[(before as usize + 1) % Light::ALL.len()];
    let most_words = most_words(judge);
    let words = under(&ids(&read(&asked.prompt.text, most_words)), light, most_words);
    let mut dream = Dream::out_of_nothing(judge, &mut worker.engine, &asked.words(judge), asked.seed as u32)?;
    let still = |dream: &mut Dream, frames: usize| -> Result<Vec<Shown>> { (0..frames).map(|_| Ok(dream.press(0)?.clone())).collect() };
    let before = still(&mut dream, READ)?;
    // As the window tells what changes a part of what is seen.
    let looks = Looks::of(&judge.manifest.provenance.looks, &judge.manifest.frame);
    let look = looks.read(&dream.shown().codes).cloned().unwrap_or_default();
    dream.say(&told(&[words.as_slice(), &going_on(&words, &look, most_words)].concat()))?;
    let after = still(&mut dream, READ)?;
    worker.engine.set_prompt(&[])?;
    let land = |at: usize| at < frame.patches() && at != frame.patches() / 2;
    let last = &before[READ - 1];
    let same = |shown: &Shown| agreement(&shown.codes, &last.codes, frame.code_dims, land);
    let (was, is) = (seen(&before, &looks, probe, info)?, seen(&after, &looks, probe, info)?);
    let as_before = |words: &[&str; KINDS]| words[2..] == was[READ - 1][2..];
    Ok(Some(Turned {
        stays_at_once: same(&after[0]),
        stays: same(&after[READ - 1]),
        light: share_of(&is, |words| words[1] == light.word()),
        lit_before: share_of(&was[READ - 1..], |words| words[1] == light.word()),
        look: share_of(&is, as_before),
        otherwise: [same(&before[0]), share_of(&was[..READ - 1], as_before)],
    }))
}

/// A picture of the simulator painted over, all but the tokens around the figure, and what should be there said.
fn painted(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, asked: &Asked) -> Result<Answers> {
    let mut raw = vec![0; judge.manifest.frame.rgb_bytes()];
    walk_to(&judge.world, asked.seed)?.world.render(&mut raw);
    let frame = &judge.manifest.frame;
    let (columns, rows) = (frame.grid_w(), frame.grid_h());
    let far = |n: usize| (n % columns).abs_diff(columns / 2) > 1 || (n / columns).abs_diff(rows / 2) > 1;
    let Shown { rgb: before, codes: mut given } = through_tokenizer(&mut worker.engine, &raw)?;
    let patches = given.chunks_exact_mut(frame.code_dims).take(frame.patches()).enumerate();
    patches.filter(|(n, _)| far(*n)).for_each(|(_, token)| token.fill(UNKNOWN));
    let mut dice = (0..).map(|painting| (asked.seed as u32).wrapping_add(painting));
    let mut dreamed = |worker: &mut Worker, words: &[PromptWord]| {
        let painting = |seed| repainted(&mut worker.engine, judge.bindings[0], &given, words, &DecodeSettings { seed, ..judge.settings });
        let frames = dice.by_ref().take(PAINTINGS).map(painting).collect::<Result<Vec<_>>>()?;
        shown(worker, info, &frames, &asked.prompt.wish)
    };
    Ok(Answers {
        dream: dreamed(worker, &asked.words(judge))?,
        silent: if asked.silent { dreamed(worker, &[])? } else { Shares::default() },
        copy: shown(worker, info, std::slice::from_ref(&before), &asked.prompt.wish)?,
        ..Answers::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::view::View;
    use somnium::worlds::scene::{Biome, Style};

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
        let reading = |light: [f32; 2]| Reading {
            words: [vec![0.1, 0.6, 0.3], light.to_vec(), vec![1.0, 0.0], vec![0.3, 0.7]],
            facing: [0.25; 4],
            figures: [0.0, 1.0, 0.0],
            centred: 1.0,
            solid_ahead: [0.0; 5],
            features: Vec::new(),
        };
        let readings = [reading([0.2, 0.8]), reading([0.9, 0.1])];
        let of = |biome, light, style| shares(&info, &readings, &Wish { biome, light, style, ..Wish::default() });
        let beach_at_night = of(Some(Biome::Beach), Some(Light::Night), None);
        assert_eq!(beach_at_night, [Some(1.0), Some(0.5), None, None]);
        assert_eq!(adherence(&beach_at_night), Some(0.75));
        assert_eq!(adherence(&of(Some(Biome::Snow), None, Some(Style::Noir))), Some(0.5));
        assert_eq!(adherence(&of(None, None, None)), None);
    }

    #[test]
    fn a_copy_stands_beside_what_was_said_to_something_that_was_there() {
        let of = |rows: &[Figure], name: &str| -> Option<[Option<f64>; 2]> {
            let row = rows.iter().map(Figure::to_json).find(|row| row["name"] == name)?;
            Some([&row["dream"]["mean"], &row["others"]["copy"]].map(|n| n.as_f64()))
        };
        let answers = |copy: Shares| Answers { dream: [Some(1.0), Some(0.5), None, None], copy, ..Answers::default() };
        let changed = [answers([Some(0.0), Some(1.0), None, None]), answers([Some(0.0), Some(0.0), None, None])];
        let beside_a_copy = rows("adherence", None, &changed.each_ref());
        assert_eq!(of(&beside_a_copy, "adherence"), Some([Some(75.0), Some(25.0)]));
        assert_eq!(of(&beside_a_copy, "  light"), Some([Some(50.0), Some(50.0)]));
        assert_eq!(of(&beside_a_copy, "  style"), None, "nothing of the kind was asked for");
        // What a player is heard to say stands there for words held out alone.
        let as_a_player = |rows: &[Figure]| rows[0].to_json()["others"]["as a player is heard"].as_f64();
        let player = [Some(1.0), Some(0.5), None, None];
        let held_out = Answers { dream: player.map(|share| share.map(|_| 0.0)), player, ..Answers::default() };
        assert_eq!(as_a_player(&beside_a_copy), None);
        assert_eq!(as_a_player(&rows("adherence", None, &[&held_out])), Some(75.0));
        // The control: out of nothing there is nothing to copy.
        assert_eq!(of(&rows("adherence", None, &[&answers(Shares::default())]), "adherence"), Some([Some(75.0), None]));

        let turned = Turned { stays_at_once: 99.0, stays: 98.0, light: 100.0, look: 97.0, otherwise: [96.0, 95.0], lit_before: 0.0 };
        let turned = Turned::rows(&[turned, Turned { light: 80.0, lit_before: 100.0, ..turned }]);
        assert_eq!(of(&turned, "  frames that show the light"), Some([Some(90.0), Some(50.0)]));
        assert_eq!(of(&turned, "  land that stays, sixth frame"), Some([Some(98.0), Some(100.0)]));
    }

    #[test]
    fn where_prompts_are_said_the_simulator_comes_to_show_what_they_ask() {
        let (mut new, mut old, mut asked) = (0, 0, 0);
        for (seed, prompt) in (0..).zip(test_prompts()) {
            let Some(biome) = prompt.wish.biome else { continue };
            let walk = walk_to("isles", place("isles", seed, &prompt.wish).unwrap()).unwrap();
            let scene = wished(walk.world.as_ref(), &prompt.wish, seed, FRAMES).world.scene();
            assert!(
                prompt.wish.light.is_none_or(|light| light == scene.light) && prompt.wish.style.is_none_or(|style| style == scene.style)
            );
            asked += 1;
            new += usize::from(scene.biomes.contains(&biome));
            // The control: in the first picture nobody has asked yet.
            old += usize::from(walk.world.scene().biomes.contains(&biome));
        }
        assert!(10 * new >= 9 * asked && 2 * old < asked, "of {asked} lands {new} came into view, {old} were there before");
    }
}
