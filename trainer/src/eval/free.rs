//! Figures of control in free rollouts, where each step is judged by what the dream itself showed ahead; and the moving share by frame.

use std::ops::Range;

use super::control::{FEW_STEPS, MANY_STEPS};
use super::report::{Bar, Better, Figure, Score, Unit};
use super::rollout::{Recall, Rollout, Step, share_of};

const FAMILY: &str = "control, free rollouts";
/// Frames that are judged.
pub const JUDGED: usize = 200;
/// Frames of a rollout under held keys at which the moving share is reported, and how many around each it is taken over.
pub const MARKS: [usize; 7] = [1, 4, 10, 30, 50, 100, 200];
pub const MARK_REACH: usize = 3;
/// Frames of the rollouts under held keys.
pub const HELD_FRAMES: usize = JUDGED + MARK_REACH;
/// Probability from which on something ahead is solid beyond doubt.
const SURELY_SOLID: f32 = 0.9;
/// Steps against solids from which on it says something how many went through.
const FEW_AGAINST: usize = 20;

/// The same rollouts by every player.
pub struct Played<'a> {
    pub dream: Vec<&'a Rollout>,
    pub simulator: Vec<&'a Rollout>,
    pub copy: Vec<&'a Rollout>,
    pub shift: Vec<&'a Rollout>,
}

impl Played<'_> {
    /// A row with what `value` makes of the rollouts of each player.
    pub fn row(&self, figure: Figure, value: impl Fn(&[&Rollout]) -> Score) -> Figure {
        self.row_of_some(figure, |rollouts| Some(value(rollouts)))
    }

    /// Likewise, without those players of whose rollouts `value` makes nothing.
    fn row_of_some(&self, mut figure: Figure, value: impl Fn(&[&Rollout]) -> Option<Score>) -> Figure {
        if let Some(score) = value(&self.dream) {
            figure = figure.dream(score);
        }
        if let Some(score) = value(&self.simulator) {
            figure = figure.simulator(score);
        }
        figure.beside("copy", value(&self.copy)).beside("shift", value(&self.shift))
    }
}

/// A part of the recall in `frames`, over all rollouts and in the worst of them; `None` where they took no step of the kind.
fn recalled(rollouts: &[&Rollout], frames: Range<usize>, part: fn(&Recall) -> Option<f64>) -> Option<Score> {
    let each: Vec<Recall> = rollouts.iter().map(|r| r.recall(frames.clone())).collect();
    let parts: Vec<f64> = each.iter().filter_map(part).collect();
    Some(Score::pooled(part(&Recall::join(&each))?, &parts, Better::High))
}

/// Steps towards something surely solid.
fn against_solids(rollouts: &[&Rollout]) -> Vec<Step> {
    let against = |r: &&Rollout| -> Vec<Step> {
        (0..r.steps.len().min(JUDGED)).filter(|t| r.solid_ahead(*t) > SURELY_SOLID).map(|t| r.steps[t]).collect()
    };
    rollouts.iter().flat_map(against).collect()
}

/// Percent of them that went through it, over all rollouts and in the worst of those that came before any.
fn walked_through(rollouts: &[&Rollout]) -> Score {
    let through = |rollouts: &[&Rollout]| {
        let against = against_solids(rollouts);
        (!against.is_empty()).then(|| share_of(&against, |s| s.seen == s.asked))
    };
    let each: Vec<f64> = rollouts.iter().filter_map(|r| through(&[*r])).collect();
    Score::pooled(through(rollouts).unwrap_or_default(), &each, Better::Low)
}

/// What needs a probe. `all` under any policy; `stepped` the dreams of some under held keys, in few decoding steps and in many.
pub fn figures(all: &Played, stepped: Option<[Vec<&Rollout>; 2]>) -> Vec<Figure> {
    let percent = |name: &str| Figure::new(FAMILY, name, Unit::Percent);
    let frames = all.dream.iter().map(|r| r.steps.len().min(JUDGED)).max().unwrap_or(0);
    let name = format!("balanced accuracy of moved and blocked, frames 1 to {frames}");
    let mut figures = vec![
        all.row_of_some(percent(&name), |r| recalled(r, 0..JUDGED, Recall::balanced)).bar(Bar::OfSimulator(92.0)),
        all.row_of_some(percent("  moves where the way is free"), |r| recalled(r, 0..JUDGED, Recall::of_moved)),
        all.row_of_some(percent("  stands before something solid"), |r| recalled(r, 0..JUDGED, Recall::of_blocked)),
    ];
    let solids = all.row(percent("solids walked through").low_is_better(), walked_through);
    let against = Figure::new(FAMILY, "  steps against solids", Unit::Plain);
    let against = all.row(against, |r| (against_solids(r).len() as f64).into());
    // Where hardly anything stood in the way nothing is shown.
    let enough = against_solids(&all.dream).len() >= FEW_AGAINST;
    figures.extend([if enough { solids.bar(Bar::AtMost(2.0)) } else { solids }, against]);
    let balanced = |r: &[&Rollout]| recalled(r, 0..JUDGED, Recall::balanced);
    if let Some([few, many]) = stepped
        && let (Some(few), Some(many)) = (balanced(&few), balanced(&many))
    {
        let name = format!("balanced accuracy under held keys, in {FEW_STEPS} decoding steps, none left out");
        let figure = percent(&name).dream(few).other(format!("{MANY_STEPS} steps, none left out"), many.mean);
        figures.push(figure.bar(Bar::Above(-2.0)));
    }
    figures
}

/// The share of steps that move, by frame, under held keys; and, where a probe read them (`probed`), of those whose way is free, as
/// balanced accuracy has it: the others are no stall, and who has no free way there has no share. `drawn`: the same rollouts by the
/// simulator, not through the tokenizer.
pub fn moving_share(held: &Played, drawn: &[&Rollout], probed: bool) -> Vec<Figure> {
    let longest = held.dream.iter().map(|r| r.steps.len()).max().unwrap_or(0);
    let around = |mark: usize| mark.saturating_sub(MARK_REACH)..mark + MARK_REACH;
    let row = |name: String, share: &dyn Fn(&[&Rollout]) -> Option<Score>| {
        let figure = Figure::new("moving share under held keys", name, Unit::Percent);
        held.row_of_some(figure, share).beside("simulator as drawn", share(drawn))
    };
    let all = |mark: usize| {
        let share = |r: &&Rollout| r.moving_share(around(mark));
        row(format!("around frame {mark}"), &|rollouts| Some(Score::mean_of(rollouts.iter().map(share), Better::High)))
    };
    let free = |mark: usize| {
        let of = |rollouts: &[&Rollout], part: fn(&Recall) -> Option<f64>| recalled(rollouts, around(mark), part);
        let figure = row(format!("free steps that move, around frame {mark}"), &|rollouts| of(rollouts, Recall::of_moved));
        // What is left where a player is before something solid all the time.
        let [dream, simulator] = [&held.dream, &held.simulator].map(|rollouts| of(rollouts, Recall::free));
        figure.beside("free of the dream's", dream).beside("free of the simulator's", simulator)
    };
    let marks = || MARKS.into_iter().filter(move |mark| *mark <= longest);
    marks().map(all).chain(marks().filter(|_| probed).map(free)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Reading;

    /// Steps north that move or not, with something solid before them or not.
    fn rollout(moves: impl Fn(usize) -> bool, solid: impl Fn(usize) -> bool) -> Rollout {
        let reading = |t: usize| Reading {
            words: Default::default(),
            facing: [1.0, 0.0, 0.0, 0.0],
            figures: [0.0, 1.0, 0.0],
            centred: 1.0,
            solid_ahead: [f32::from(u8::from(solid(t))); 5],
            features: Vec::new(),
        };
        let steps = (0..HELD_FRAMES).map(|t| Step { asked: 1, seen: usize::from(moves(t)), unexplained: 0.0 }).collect();
        Rollout { policy: "hold", steps, readings: (0..=HELD_FRAMES).map(reading).collect(), ..Rollout::default() }
    }

    fn played<'a>(dream: &'a [Rollout], simulator: &'a Rollout) -> Played<'a> {
        Played { dream: dream.iter().collect(), simulator: vec![simulator], copy: Vec::new(), shift: Vec::new() }
    }

    #[test]
    fn who_stands_before_something_solid_does_not_stall() {
        let drawn = rollout(|_| true, |_| false);
        let share = |dream: Rollout| {
            let rows = moving_share(&played(&[dream], &drawn), &[&drawn], true);
            assert_eq!(rows.len(), 2 * MARKS.len());
            let of = |name: &str| rows.iter().map(Figure::to_json).find(|row| row["name"] == name).expect("the row");
            let (all, free) = (of("around frame 100"), of("free steps that move, around frame 100"));
            assert_eq!([&all, &free].map(|row| row["others"]["simulator as drawn"].as_f64()), [Some(100.0); 2]);
            [&all["dream"]["mean"], &free["dream"]["mean"], &free["others"]["free of the dream's"]]
                .map(|value| value.as_f64().expect("a number").round())
        };
        assert_eq!(share(rollout(|t| t < 50, |_| false)), [0.0, 0.0, 100.0], "it stalls");
        assert_eq!(share(rollout(|t| t % 3 == 0, |t| t % 3 != 0)), [33.0, 100.0, 33.0], "two steps of three are blocked");
        // Who is walled in has no share of what is free, and no stall either.
        let walled_in = [rollout(|_| false, |_| true)];
        let rows = moving_share(&played(&walled_in, &drawn), &[&drawn], true);
        let free = rows.iter().map(Figure::to_json).find(|row| row["name"] == "free steps that move, around frame 100").expect("the row");
        assert!(free["dream"].is_null() && free["others"]["free of the dream's"].as_f64() == Some(0.0), "{free}");
        // Without a probe nobody knows what is free.
        let blind = Rollout { readings: Vec::new(), ..rollout(|_| true, |_| false) };
        assert_eq!(moving_share(&played(&[blind], &drawn), &[&drawn], false).len(), MARKS.len());
    }

    #[test]
    fn the_worst_of_those_who_came_before_solids_is_known() {
        let rollouts = [rollout(|t| t < 50, |_| true), rollout(|_| false, |_| true), rollout(|_| true, |_| false)];
        let score = |rollouts: &[Rollout]| {
            let Score { mean, worst_decile, parts, .. } = walked_through(&rollouts.iter().collect::<Vec<_>>());
            (mean, worst_decile, parts)
        };
        // Of 200 steps the first goes through 50 and the second through none; the last has met nothing.
        assert_eq!(score(&rollouts), (12.5, Some(25.0), Some(2)));
        assert_eq!(score(&rollouts[2..]), (0.0, None, Some(0)));
    }
}
