//! Figures of control in free rollouts, where each step is judged by what the dream itself showed ahead; and the moving share by frame.

use super::control::MANY_STEPS;
use super::report::{Bar, Better, Figure, Score, Unit, mean};
use super::rollout::{Recall, Rollout, Step, share_of};

const FAMILY: &str = "control, free rollouts";
/// Frames that are judged.
pub const JUDGED: usize = 200;
/// Frames of a rollout under held keys at which the moving share is reported, and how many around each it is taken over.
const MARKS: [usize; 7] = [1, 4, 10, 30, 50, 100, 200];
const MARK_REACH: usize = 3;
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
        let figure = figure.dream(value(&self.dream)).simulator(value(&self.simulator));
        figure.other("copy", value(&self.copy).mean).other("shift", value(&self.shift).mean)
    }
}

/// A part of the recall, over all rollouts and in the worst of them.
fn recalled(rollouts: &[&Rollout], part: fn(&Recall) -> Option<f64>) -> Score {
    let each: Vec<Recall> = rollouts.iter().map(|r| r.recall(0..JUDGED)).collect();
    let parts: Vec<f64> = each.iter().filter_map(part).collect();
    Score::pooled(part(&Recall::join(&each)).unwrap_or_default(), &parts, Better::High)
}

/// Steps towards something surely solid.
fn against_solids(rollouts: &[&Rollout]) -> Vec<Step> {
    let against = |r: &&Rollout| -> Vec<Step> {
        (0..r.steps.len().min(JUDGED)).filter(|t| r.solid_ahead(*t) > SURELY_SOLID).map(|t| r.steps[t]).collect()
    };
    rollouts.iter().flat_map(against).collect()
}

/// Percent of them that went through it.
fn walked_through(rollouts: &[&Rollout]) -> f64 {
    share_of(against_solids(rollouts), |s| s.seen == s.asked)
}

/// What needs a probe. `all` under any policy; `eight` the dreams of some under held keys, and again with many decoding steps.
pub fn figures(all: &Played, eight: Option<[Vec<&Rollout>; 2]>) -> Vec<Figure> {
    let percent = |name: &str| Figure::new(FAMILY, name, Unit::Percent);
    let frames = all.dream.iter().map(|r| r.steps.len().min(JUDGED)).max().unwrap_or(0);
    let name = format!("balanced accuracy of moved and blocked, frames 1 to {frames}");
    let mut figures = vec![
        all.row(percent(&name), |r| recalled(r, Recall::balanced)).bar(Bar::OfSimulator(92.0)),
        all.row(percent("  moves where the way is free"), |r| recalled(r, Recall::of_moved)),
        all.row(percent("  stands before something solid"), |r| recalled(r, Recall::of_blocked)),
    ];
    let solids = all.row(percent("solids walked through").low_is_better(), |r| walked_through(r).into());
    let against = Figure::new(FAMILY, "  steps against solids", Unit::Plain);
    let against = all.row(against, |r| (against_solids(r).len() as f64).into());
    // Where hardly anything stood in the way nothing is shown.
    let enough = against_solids(&all.dream).len() >= FEW_AGAINST;
    figures.extend([if enough { solids.bar(Bar::AtMost(2.0)) } else { solids }, against]);
    if let Some([few, many]) = eight {
        let balanced = |r: &[&Rollout]| recalled(r, Recall::balanced);
        let figure = percent("balanced accuracy under held keys, as many decoding steps as at play").dream(balanced(&few));
        figures.push(figure.other(format!("{MANY_STEPS} steps"), balanced(&many).mean).bar(Bar::Above(-2.0)));
    }
    figures
}

/// The share of steps that move, by frame, under held keys.
pub fn moving_share(held: &Played) -> Vec<Figure> {
    let longest = held.dream.iter().map(|r| r.steps.len()).max().unwrap_or(0);
    let share = |rollouts: &[&Rollout], mark: usize| {
        mean(rollouts.iter().map(|r| r.moving_share(mark.saturating_sub(MARK_REACH)..mark + MARK_REACH)))
    };
    let marks = MARKS.into_iter().filter(|mark| *mark <= longest);
    marks
        .map(|mark| {
            let figure = Figure::new("moving share under held keys", format!("around frame {mark}"), Unit::Percent);
            held.row(figure, |r| share(r, mark).into())
        })
        .collect()
}
