//! Figures of long rollouts, as the probe reads them: is it still the world, and does it still do what is asked?

use super::free::Played;
use super::report::{Bar, Better, Figure, Score, Unit, mean};
use super::rollout::{FEW_ASKED, Rollout, share_of};
use super::{POLICIES, frechet};
use crate::probe::samples::KINDS;
use crate::probe::{ProbeInfo, Reading, most_likely};

const FAMILY: &str = "stability";
/// Frames at the start and at the end of a rollout that drift is read from.
const DRIFT_FRAMES: usize = 100;
/// Frames in which a land is read one after the other before it counts as one.
const SETTLED_FRAMES: usize = 6;

/// `reference`: the simulator in the same lands under other keys.
pub fn figures(all: &Played, reference: &[&Rollout], info: &ProbeInfo) -> Vec<Figure> {
    let frames = all.dream.iter().map(|r| r.steps.len()).max().unwrap_or(0);
    let percent = |name: &str| Figure::new(FAMILY, name, Unit::Percent);
    let each = |rollouts: &[&Rollout], of: &dyn Fn(&Rollout) -> f64, better| Score::mean_of(rollouts.iter().map(|r| of(r)), better);
    let high = |rollouts: &[&Rollout], of: &dyn Fn(&Rollout) -> f64| each(rollouts, of, Better::High);
    let first = 0..DRIFT_FRAMES.min(frames);
    let last = frames.saturating_sub(DRIFT_FRAMES)..frames;
    let confidence = |range: &std::ops::Range<usize>| {
        let range = range.clone();
        move |r: &Rollout| 100.0 * mean(r.readings(range.clone()).iter().map(Reading::confidence))
    };
    let survives = |r: &Rollout| if r.broke.is_none() { 100.0 } else { 0.0 };
    let moves_throughout = |r: &Rollout| if r.moves_throughout(info) { 100.0 } else { 0.0 };
    let one_figure = |r: &Rollout| share_of(r.readings(0..frames), |reading| reading.figures() != 1);
    let (early, late) = (confidence(&first), confidence(&last));
    let beside = |reading: &Reading| 100.0 * mean(reading.solid_ahead[1..].iter().map(|p| f64::from(*p)));
    let crowded = |name: &str, range: &std::ops::Range<usize>| {
        let of = move |r: &Rollout| mean(r.readings(range.clone()).iter().map(beside));
        all.row(percent(name), |r| high(r, &of))
    };
    let drift =
        |name: &str, range: &std::ops::Range<usize>| all.row(percent(name).low_is_better(), |rollouts| drifted(rollouts, reference, range));
    let survive = |name: &str, policy: Option<&str>| {
        all.row(percent(name), |rollouts| {
            let of: Vec<&Rollout> = rollouts.iter().filter(|r| policy.is_none_or(|policy| r.policy == policy)).copied().collect();
            high(&of, &survives)
        })
    };
    let mut figures = vec![survive(&format!("rollouts of {frames} frames that survive"), None).bar(Bar::OfSimulator(90.0))];
    figures.extend(POLICIES.map(|policy| survive(&format!("  under {policy}"), Some(policy))));
    // Who is walled in survives with nothing judged, and no longer where all that is asked for counts.
    let judged = format!("  stretches judged: {FEW_ASKED} asked steps or more had a free way");
    figures.extend([
        all.row(percent(&judged), |r| high(r, &Rollout::judged_share)),
        all.row(percent("  survive if all asked movement counts, free or not"), |r| high(r, &moves_throughout)),
        all.row(Figure::new(FAMILY, "survived", Unit::Frames), |r| high(r, &|r| r.survived() as f64)),
        all.row(percent("seen as the world"), |r| high(r, &|r| share_of(r.readings(0..frames), |reading| reading.sees_the_world(info)))),
        all.row(Figure::new(FAMILY, "turns from land to land in 100 steps", Unit::Plain), |r| high(r, &|r| turns_in_100(r))),
        all.row(Figure::new(FAMILY, "what no movement explains from frame to frame, of 255", Unit::Plain).low_is_better(), |r| {
            each(r, &Rollout::unexplained, Better::Low)
        }),
        all.row(percent("two figures or none").low_is_better(), |r| each(r, &one_figure, Better::Low)).bar(Bar::AtMost(1.0)),
        all.row(percent("the figure looks the asked way"), |r| high(r, &|r| r.facing_share(0..frames))),
        all.row(percent("the probe's confidence, first 100 frames"), |r| high(r, &early)),
        all.row(percent("the probe's confidence, last 100 frames"), |r| high(r, &late)),
        crowded("of four cells around the figure solid, first 100", &first),
        crowded("of four cells around the figure solid, last 100", &last),
        drift("land, light, weather, style off those under other keys, first 100", &first),
        drift("land, light, weather, style off those under other keys, last 100", &last),
        all.row(Figure::new(FAMILY, "Frechet distance of 16-frame clips' features to other keys", Unit::Plain).low_is_better(), |r| {
            frechet::distance(&frechet::clips(r), &frechet::clips(reference)).into()
        }),
    ]);
    figures
}

/// How often the view goes from one land to another, in 100 steps that move it.
fn turns_in_100(rollout: &Rollout) -> f64 {
    let lands = rollout.readings(0..usize::MAX).iter().map(|reading| most_likely(&reading.words[0]));
    let moved = rollout.steps.iter().filter(|step| step.seen != 0).count();
    100.0 * turns(lands) as f64 / moved.max(1) as f64
}

/// How often one value is followed by another, each held for [`SETTLED_FRAMES`] at least: what is read wrong for a frame is no turn.
fn turns(values: impl Iterator<Item = usize>) -> usize {
    let (mut settled, mut held, mut frames, mut turns) = (None, None, 0, 0);
    for value in values {
        frames = if held == Some(value) { frames + 1 } else { 1 };
        held = Some(value);
        if frames == SETTLED_FRAMES && settled != held {
            turns += usize::from(settled.is_some());
            settled = held;
        }
    }
    turns
}

/// Percent by which land, light, weather and style lie off those of `reference`: all rollouts together, and in the worst of them each by
/// the walk through its own land, since lands that turn into each other are together what they were.
fn drifted(rollouts: &[&Rollout], reference: &[&Rollout], range: &std::ops::Range<usize>) -> Score {
    let off = |rollouts: &[&Rollout], reference: &[&Rollout]| 100.0 * distance(rollouts, reference, range.clone());
    let alone = |r: &&Rollout| {
        let own: Vec<&Rollout> = reference.iter().filter(|other| other.seed == r.seed).copied().collect();
        off(&[*r], &own)
    };
    let each: Vec<f64> = rollouts.iter().map(alone).collect();
    // What they are together is no mean of these.
    Score { standard_error: None, ..Score::pooled(off(rollouts, reference), &each, Better::Low) }
}

/// How far the mean distributions of land, light, weather and style lie apart in total variation, the mean of these, 0 to 1.
fn distance(a: &[&Rollout], b: &[&Rollout], range: std::ops::Range<usize>) -> f64 {
    let shares = |rollouts: &[&Rollout], group: usize| -> Vec<f64> {
        let readings: Vec<&Vec<f32>> =
            rollouts.iter().flat_map(|r| r.readings(range.clone())).map(|reading| &reading.words[group]).collect();
        let words = readings.first().map_or(0, |p| p.len());
        (0..words).map(|word| readings.iter().map(|p| f64::from(p[word])).sum::<f64>() / readings.len() as f64).collect()
    };
    let variation = |group| shares(a, group).iter().zip(shares(b, group)).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
    mean((0..KINDS).map(variation))
}

/// Rollouts of the simulator as it is, and spoilt in ways that a probe must notice.
pub struct ProbeTest {
    pub raw: Vec<Rollout>,
    pub spoilt: Vec<(&'static str, Vec<Rollout>)>,
}

impl ProbeTest {
    /// What the probe makes of broken dreams: the simulator's own frames stand in the simulator's column.
    pub fn figures(&self, info: &ProbeInfo) -> Vec<Figure> {
        let row = |name: &str, value: &dyn Fn(&[Rollout]) -> f64| {
            let figure = Figure::new("the probe on broken dreams", name, Unit::Percent).simulator(value(&self.raw));
            self.spoilt.iter().fold(figure, |figure, (name, rollouts)| figure.other(*name, value(rollouts)))
        };
        let over = |rollouts: &[Rollout], of: &dyn Fn(&Rollout) -> f64| mean(rollouts.iter().map(of));
        vec![
            row("seen as the world", &|r| over(r, &|r| share_of(r.readings(0..usize::MAX), |reading| reading.sees_the_world(info)))),
            row("confidence", &|r| over(r, &|r| 100.0 * mean(r.readings(0..usize::MAX).iter().map(Reading::confidence)))),
            row("the figure looks the asked way", &|r| over(r, &|r| r.facing_share(0..usize::MAX))),
            row("rollouts that survive", &|r| share_of(r, |r| r.broke.is_none())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::rollout::Step;
    use super::*;

    #[test]
    fn lands_that_turn_into_each_other_drift_each_by_itself() {
        let rollout = |seed: u64, first: f32| {
            let reading = Reading {
                words: std::array::from_fn(|_| vec![first, 1.0 - first]),
                facing: [1.0, 0.0, 0.0, 0.0],
                figures: [0.0, 1.0, 0.0],
                centred: 1.0,
                solid_ahead: [0.0; 5],
                features: Vec::new(),
            };
            let steps = vec![Step { asked: 1, seen: 1, unexplained: 0.0 }; 4];
            Rollout { seed, steps, readings: vec![reading; 5], ..Rollout::default() }
        };
        let (reference, turned) = ([rollout(1, 1.0), rollout(2, 0.0)], [rollout(1, 0.0), rollout(2, 1.0)]);
        let score = |rollouts: &[Rollout]| {
            let [rollouts, reference] = [rollouts, &reference].map(|rollouts| rollouts.iter().collect::<Vec<_>>());
            let Score { mean, worst_decile, .. } = drifted(&rollouts, &reference, &(0..4));
            (mean, worst_decile)
        };
        assert_eq!(score(&turned), (0.0, Some(100.0)));
        assert_eq!(score(&reference), (0.0, Some(0.0)));
        assert_eq!(score(&turned[..1]), (50.0, Some(100.0)));
    }

    #[test]
    fn a_land_read_for_a_moment_is_no_turn() {
        let lands = |runs: &[(usize, usize)]| turns(runs.iter().flat_map(|(land, frames)| std::iter::repeat_n(*land, *frames)));
        assert_eq!(lands(&[]), 0);
        assert_eq!(lands(&[(1, 40)]), 0);
        assert_eq!(lands(&[(1, 20), (2, 20), (1, 20)]), 2);
        assert_eq!(lands(&[(1, 20), (2, SETTLED_FRAMES - 1), (1, 20)]), 0, "too short to be one");
        assert_eq!(lands(&[(1, 20), (2, SETTLED_FRAMES), (3, 2), (2, 20)]), 1);
        assert_eq!(lands(&[(3, 2), (1, 20)]), 0, "nothing was there before");
    }
}
