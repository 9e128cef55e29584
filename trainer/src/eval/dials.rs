//! What a player turns: one part of what is said after another, while nobody walks. Does each show, and does the rest stay? Land is read by the probe.

use anyhow::Result;
use somnium::dream::looks::Looks;
use somnium::engine::Engine;
use somnium::prompt::{ids, read, told};
use somnium::worlds::scene::Wish;
use somnium::worlds::words::{Dial, going_on, say, wish_of};

use super::players::{Dream, Judge, Player, Shown};
use super::prompt::most_words;
use super::report::{Better, Figure, Score, Unit};
use super::rollout::share_of;
use super::workers::{Worker, Workers};
use crate::probe::samples::{KINDS, asked_words};
use crate::probe::{Probe, ProbeInfo, Reading, most_likely};
use crate::source::mix;

const FAMILY: &str = "dials";
/// Those whose parts the probe reads, in its order.
const DIALS: [Dial; KINDS] = [Dial::Land, Dial::Light, Dial::Weather, Dial::Style];
/// Turns in a row, and frames after each, a second.
const TURNS: u64 = 8;
const FRAMES: usize = 6;

/// What came of a turn, in percent of its frames.
struct Turn {
    dial: usize,
    /// Those that show the new value, and whether the last one before the turn shows it.
    shows: f64,
    showed: f64,
    /// Of each other part those in which it is as it was before, and whether anything is said of it.
    stays: Vec<(bool, f64)>,
}

/// So many worlds that begin with nothing but words, each turned at [`TURNS`] times.
pub fn figures(judge: &Judge, workers: &mut Workers, info: &ProbeInfo, seed: u64, worlds: u64) -> Result<Vec<Figure>> {
    let seeds: Vec<u64> = (seed..seed + worlds).collect();
    Ok(rows(&workers.map(&seeds, |worker, seed| turned(judge, worker, info, *seed))?))
}

/// The rows of the turns in each world.
fn rows(turns: &[Vec<Turn>]) -> Vec<Figure> {
    // What is turned in a world is turned in what became of the turns before.
    let score = |values: &dyn Fn(&Turn) -> Vec<f64>| {
        Score::grouped(turns.iter().map(|of_world| of_world.iter().flat_map(values).collect()), Better::High)
    };
    let row = |name: String, dream: &dyn Fn(&Turn) -> Vec<f64>, copy: &dyn Fn(&Turn) -> Vec<f64>| {
        Some(Figure::new(FAMILY, name, Unit::Percent).dream(score(dream)?).beside("copy", score(copy)))
    };
    let shown = row("a dial is turned: frames that show it".to_owned(), &|turn| vec![turn.shows], &|turn| vec![turn.showed]);
    let parts = (0..KINDS).map(|dial| {
        let if_turned = |turn: &Turn, shows: f64| if turn.dial == dial { vec![shows] } else { Vec::new() };
        let name = format!("  {}", DIALS[dial].name());
        row(name, &|turn| if_turned(turn, turn.shows), &|turn| if_turned(turn, turn.showed))
    });
    let stays = [(true, "said"), (false, "not said")].map(|(said, name)| {
        let stays = |turn: &Turn| turn.stays.iter().filter(|(of, _)| *of == said).map(|(_, stays)| *stays).collect::<Vec<f64>>();
        // All of it stays in a copy.
        row(format!("  each other part stays: where it is {name}"), &stays, &|_| vec![100.0])
    });
    [shown].into_iter().chain(parts).chain(stays).flatten().collect()
}

/// What frames show. Looks are exact where the pack has names for them; the probe takes one light of ten for another.
pub(super) fn seen<'a>(frames: &[Shown], looks: &Looks, probe: &Probe, info: &'a ProbeInfo) -> Result<Vec<[&'a str; KINDS]>> {
    let readings = probe.read(frames.iter().map(|shown| shown.rgb.as_slice()))?;
    let words = |kind: usize, read: &[f32]| info.words[kind][most_likely(read)].as_str();
    let look = |shown: &Shown| looks.read(&shown.codes).map_or([None; KINDS], asked_words);
    let both = |(shown, reading): (&Shown, &Reading)| {
        std::array::from_fn(|kind| look(shown)[kind].unwrap_or_else(|| words(kind, &reading.words[kind])))
    };
    Ok(frames.iter().zip(&readings).map(both).collect())
}

fn turned(judge: &Judge, worker: &mut Worker, info: &ProbeInfo, seed: u64) -> Result<Vec<Turn>> {
    let Some(probe) = &worker.probe else { return Ok(Vec::new()) };
    let (most, looks) = (most_words(judge), Looks::of(&judge.manifest.provenance.looks, &judge.manifest.frame));
    let mut words = ids(&read(&say(&Wish::drawn(seed), seed, false), most));
    let mut dream = Dream::out_of_nothing(judge, &mut worker.engine, &told(&words), seed as u32)?;
    let seen = |dream: &mut Dream| -> Result<Vec<[&str; KINDS]>> {
        let frames = (0..FRAMES).map(|_| Ok(dream.press(0)?.clone())).collect::<Result<Vec<_>>>()?;
        seen(&frames, &looks, probe, info)
    };
    let mut before = seen(&mut dream)?;
    let mut turns = Vec::new();
    for number in 0..TURNS {
        let dice = mix(seed, number);
        let dial = (dice % KINDS as u64) as usize;
        let values = DIALS[dial].values();
        let at = DIALS[dial].at(&words).unwrap_or(0);
        let value = (at + 1 + (dice >> 32) as usize % (values.len() - 1)) % values.len();
        words = DIALS[dial].set(&words, value, most);
        let look = looks.read(&dream.shown().codes).cloned().unwrap_or_default();
        let besides = going_on(&words, &look, most);
        dream.say(&told(&[words.as_slice(), &besides].concat()))?;
        let after = seen(&mut dream)?;
        let (was, said) = (before[FRAMES - 1], asked_words(&wish_of(&words)));
        let stays = |kind: usize| (said[kind].is_some(), share_of(&after, |read| read[kind] == was[kind]));
        turns.push(Turn {
            dial,
            shows: share_of(&after, |read| read[dial] == values[value]),
            showed: share_of([was], |read| read[dial] == values[value]),
            stays: (0..KINDS).filter(|kind| *kind != dial).map(stays).collect(),
        });
        before = after;
    }
    worker.engine.set_prompt(&[])?;
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_everything_and_shows_what_was_there_before() {
        let turn = |dial: usize, showed: f64| Turn { dial, shows: 90.0, showed, stays: vec![(true, 80.0)] };
        let read = |figure: &Figure| {
            let row = figure.to_json();
            [&row["dream"]["mean"], &row["others"]["copy"]].map(|number| number.as_f64().map(f64::round))
        };
        let turns = [vec![turn(0, 0.0), turn(1, 100.0)], vec![turn(0, 0.0)]];
        let read: Vec<_> = rows(&turns).iter().map(read).collect();
        // All turns, land and light of which one was there already, and what else was said.
        assert_eq!(read, [[90.0, 33.0], [90.0, 0.0], [90.0, 100.0], [80.0, 100.0]].map(|row| row.map(Some)));
    }
}
