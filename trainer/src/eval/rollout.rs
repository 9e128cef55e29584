//! Free rollouts: a player under a policy that learns what its keys did from the pictures alone, and what is read off every frame.

use std::ops::Range;

use anyhow::{Context, Result};
use somnium::worlds::{StepOutcome, policy};

use super::players::{HISTORY, Judge, Kind, Walk};
use super::report::{mean, percent};
use super::seams::Seams;
use super::workers::{Worker, Workers};
use crate::probe::{Probe, ProbeInfo, Reading};
use crate::source::mix;

/// Frames in which a rollout must prove itself again.
pub const STRETCH: usize = 50;
/// Asked steps of a stretch from which on half of them must happen.
pub const FEW_ASKED: usize = 5;

/// Who plays what for how long.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub kind: Kind,
    pub policy: &'static str,
    pub seed: u64,
    pub frames: usize,
    /// Judged by how long it holds.
    pub long: bool,
    /// Press other keys than those of the seed from the start on: another walk through the same land.
    pub other_keys: bool,
    /// Keep the pictures.
    pub keep: bool,
}

impl Plan {
    /// How long it takes, about: frames that are copied, rendered or dreamed in few decoding steps or in many.
    fn effort(&self) -> usize {
        let frame = match self.kind {
            Kind::Copy | Kind::Frozen => 1,
            Kind::Simulator | Kind::Known | Kind::Shift | Kind::Raw | Kind::Spoilt(_) | Kind::Broken(_) => 2,
            Kind::Dream => 8,
            Kind::DreamIn(steps) => 4 * steps as usize,
        };
        frame * self.frames
    }
}

#[derive(Clone, Copy)]
pub struct Step {
    pub asked: usize,
    /// The movement seen, 0 for none.
    pub seen: usize,
    /// How far the pictures before and after lie apart once it is undone, 0..255.
    pub unexplained: f32,
}

#[derive(Default)]
pub struct Rollout {
    pub policy: &'static str,
    pub seed: u64,
    pub steps: Vec<Step>,
    /// Of the first picture and of what each step led to; empty without a probe.
    pub readings: Vec<Reading>,
    /// Likewise, where they were kept.
    pub pictures: Vec<Vec<u8>>,
    /// Of what each step led to; none where there are no tokens.
    pub seams: Seams,
    pub broke: Option<Broke>,
}

/// The stretch in which a rollout broke.
pub struct Broke {
    /// Frames until it began.
    pub after: usize,
    /// Percent of its frames that are seen as the world, and of the asked movement with nothing solid in the way that happened.
    pub seen: f64,
    pub moved: f64,
    /// What each of its steps led to.
    pub pictures: Vec<Vec<u8>>,
}

/// Steps that should have moved or stood, and how many did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recall {
    pub moved: [u32; 2],
    pub blocked: [u32; 2],
}

impl Recall {
    /// Only asked steps count.
    pub fn add(&mut self, step: Step, blocked: bool) {
        if step.asked != 0 {
            let (tally, hit) = if blocked { (&mut self.blocked, step.seen == 0) } else { (&mut self.moved, step.seen == step.asked) };
            tally[0] += u32::from(hit);
            tally[1] += 1;
        }
    }

    pub fn join(all: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> [u32; 2]| [0, 1].map(|i| all.iter().map(|recall| of(recall)[i]).sum());
        Self { moved: sum(|r| r.moved), blocked: sum(|r| r.blocked) }
    }

    /// In percent; `None` where no step of the kind was asked for.
    pub fn of_moved(&self) -> Option<f64> {
        percent(self.moved)
    }

    pub fn of_blocked(&self) -> Option<f64> {
        percent(self.blocked)
    }

    /// Percent of the asked steps that had a free way.
    pub fn free(&self) -> Option<f64> {
        percent([self.moved[1], self.moved[1] + self.blocked[1]])
    }

    /// Mean of both, or the one there is.
    pub fn balanced(&self) -> Option<f64> {
        match (self.of_moved(), self.of_blocked()) {
            (Some(moved), Some(blocked)) => Some((moved + blocked) / 2.0),
            (one, other) => one.or(other),
        }
    }
}

/// Share of a list in percent, 0 of nothing.
pub fn share_of<T>(all: impl IntoIterator<Item = T>, is: impl Fn(T) -> bool) -> f64 {
    mean(all.into_iter().map(|item| if is(item) { 100.0 } else { 0.0 }))
}

impl Rollout {
    /// `range`, as far as the rollout goes.
    fn clip(&self, range: Range<usize>) -> Range<usize> {
        range.start.min(self.steps.len())..range.end.min(self.steps.len())
    }

    /// Percent of the steps in `range` that moved the asked way.
    pub fn moving_share(&self, range: Range<usize>) -> f64 {
        share_of(&self.steps[self.clip(range)], |step| step.asked == step.seen && step.asked != 0)
    }

    /// Probability that something solid lay ahead of step `t`, as the picture before it showed.
    pub fn solid_ahead(&self, t: usize) -> f32 {
        self.readings[t].solid_ahead[self.steps[t].asked]
    }

    /// Each asked step against what the picture before it showed ahead.
    pub fn recall(&self, range: Range<usize>) -> Recall {
        let mut recall = Recall::default();
        self.clip(range).for_each(|t| recall.add(self.steps[t], self.solid_ahead(t) > 0.5));
        recall
    }

    /// What the probe read after each step of `range`.
    pub fn readings(&self, range: Range<usize>) -> &[Reading] {
        let range = self.clip(range);
        &self.readings[range.start + 1..range.end + 1]
    }

    /// Mean of what no movement explains from frame to frame.
    pub fn unexplained(&self) -> f64 {
        mean(self.steps.iter().map(|step| f64::from(step.unexplained)))
    }

    /// Percent of the steps in `range`, asked for or as the last asked one, after which the figure looks the asked way.
    pub fn facing_share(&self, range: Range<usize>) -> f64 {
        let (mut way, mut hits) = (0, Vec::new());
        for t in self.clip(range) {
            way = if self.steps[t].asked == 0 { way } else { self.steps[t].asked };
            if way != 0 {
                hits.push(self.readings[t + 1].faces() == way);
            }
        }
        share_of(hits, |hit| hit)
    }

    /// Whole stretches, one after the other.
    fn stretches(&self) -> impl Iterator<Item = Range<usize>> {
        (0..self.steps.len() / STRETCH).map(|i| i * STRETCH..(i + 1) * STRETCH)
    }

    /// Asked steps of a stretch that nothing solid stood in the way of.
    fn free_steps(&self, stretch: Range<usize>) -> Vec<Step> {
        stretch.filter(|t| self.solid_ahead(*t) < 0.5).map(|t| self.steps[t]).filter(|s| s.asked != 0).collect()
    }

    /// The first stretch in which the probe sees the world in less than half of the frames, or less than half of the asked movement happens
    /// that nothing solid stood in the way of. Its pictures are there where all are.
    pub fn breaks(&self, info: &ProbeInfo) -> Option<Broke> {
        self.stretches().find_map(|stretch| {
            let seen = share_of(self.readings(stretch.clone()), |r| r.sees_the_world(info));
            let free = self.free_steps(stretch.clone());
            let moved = if free.len() < FEW_ASKED { 100.0 } else { share_of(&free, |s| s.seen == s.asked) };
            let pictures = self.pictures.get(stretch.start + 1..=stretch.end).unwrap_or_default();
            (seen < 50.0 || moved < 50.0).then(|| Broke { after: stretch.start, seen, moved, pictures: pictures.to_vec() })
        })
    }

    /// Percent of the stretches in which enough steps had a free way for [`Self::breaks`] to say whether they move: who is walled in shows
    /// nothing.
    pub fn judged_share(&self) -> f64 {
        share_of(self.stretches(), |stretch| self.free_steps(stretch).len() >= FEW_ASKED)
    }

    /// Whether in every stretch the probe sees the world in half of the frames at least, and half of all asked movement happens, whatever
    /// stands in the way.
    pub fn moves_throughout(&self, info: &ProbeInfo) -> bool {
        self.stretches().all(|stretch| {
            let seen = share_of(self.readings(stretch.clone()), |r| r.sees_the_world(info));
            let asked: Vec<&Step> = self.steps[stretch].iter().filter(|s| s.asked != 0).collect();
            seen >= 50.0 && (asked.is_empty() || share_of(asked, |s| s.seen == s.asked) >= 50.0)
        })
    }

    /// Frames until it broke.
    pub fn survived(&self) -> usize {
        self.broke.as_ref().map_or(self.steps.len(), |broke| broke.after)
    }
}

/// Plays every plan.
pub fn play(judge: &Judge, workers: &mut Workers, plans: &[Plan]) -> Result<Vec<Rollout>> {
    workers.map_longest_first(plans, Plan::effort, |worker, plan| roll(judge, worker, plan))
}

fn roll(judge: &Judge, worker: &mut Worker, plan: &Plan) -> Result<Rollout> {
    let walk = Walk::new(&judge.world, plan.policy, plan.seed, false)?;
    let start = judge.start(&mut worker.engine, walk, HISTORY - 1, plan.seed)?;
    let (mut policy, mut last) = (start.walk.policy.boxed_clone(), start.walk.last);
    if plan.other_keys {
        policy = policy::by_name(plan.policy, mix(plan.seed, 1)).with_context(|| format!("no policy {:?}", plan.policy))?;
    }
    let mut player = judge.player(plan.kind, &mut worker.engine, &start)?;
    let pictures = vec![player.shown().rgb.clone()];
    let mut rollout = Rollout { policy: plan.policy, seed: plan.seed, pictures, ..Rollout::default() };
    for t in 0..plan.frames {
        let asked = policy.next(last);
        let shown = player.press(asked)?;
        if !shown.codes.is_empty() {
            rollout.seams.add(&judge.manifest, &shown.codes);
        }
        let next = shown.rgb.clone();
        let (seen, unexplained) = judge.movements.read(&rollout.pictures[t], &next);
        last = StepOutcome { moved: asked != 0 && seen == asked, blocked: asked != 0 && seen == 0 };
        rollout.steps.push(Step { asked, seen, unexplained });
        rollout.pictures.push(next);
    }
    if let Some(probe) = &worker.probe {
        rollout.readings = read(probe, &rollout.pictures)?;
        // How it broke is shown of the dream alone.
        if plan.kind != Kind::Dream && !plan.keep {
            rollout.pictures.clear();
        }
        rollout.broke = rollout.breaks(&probe.info);
    }
    if !plan.keep {
        rollout.pictures.clear();
    }
    Ok(rollout)
}

/// What the probe reads in every picture. One that comes again at once is read once.
fn read(probe: &Probe, pictures: &[Vec<u8>]) -> Result<Vec<Reading>> {
    let runs: Vec<&[Vec<u8>]> = pictures.chunk_by(|a, b| a == b).collect();
    let readings = probe.read(runs.iter().map(|run| run[0].as_slice()))?;
    Ok(readings.into_iter().zip(runs).flat_map(|(reading, run)| std::iter::repeat_n(reading, run.len())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::view::View;

    fn info() -> ProbeInfo {
        let view = View { width_px: 16, height_px: 16, patch_px: 8, cell_px: 4 };
        let words = std::array::from_fn(|_| vec!["a".to_owned(), "b".to_owned()]);
        ProbeInfo { world: String::new(), view, words, confidence_floor: 0.8, steps: 0, seed: 0, figures: Default::default() }
    }

    fn reading(confidence: f32, solid: f32) -> Reading {
        Reading {
            words: std::array::from_fn(|_| vec![confidence, 1.0 - confidence]),
            facing: [confidence, 0.0, 0.0, 0.0],
            figures: [0.0, 1.0, 0.0],
            centred: 1.0,
            solid_ahead: [solid; 5],
            features: Vec::new(),
        }
    }

    /// 200 steps north; each moves if `moves` says so.
    fn rollout(moves: impl Fn(usize) -> bool, confidence: impl Fn(usize) -> f32, solid: f32) -> Rollout {
        let steps = (0..200).map(|t| Step { asked: 1, seen: usize::from(moves(t)), unexplained: 0.0 }).collect();
        Rollout { policy: "hold", steps, readings: (0..=200).map(|t| reading(confidence(t), solid)).collect(), ..Rollout::default() }
    }

    #[test]
    fn a_rollout_survives_until_it_stalls_or_is_no_longer_the_world() {
        let broke = |r: Rollout| r.breaks(&info()).map(|broke| (broke.after, broke.seen, broke.moved));
        assert_eq!(broke(rollout(|_| true, |_| 0.9, 0.0)), None);
        assert_eq!(broke(rollout(|t| t < 110, |_| 0.9, 0.0)), Some((100, 100.0, 20.0)));
        assert_eq!(broke(rollout(|_| true, |t| if t <= 70 { 0.9 } else { 0.3 }, 0.0)), Some((50, 40.0, 100.0)));
        // Standing before something solid is no stall.
        assert_eq!(broke(rollout(|_| false, |_| 0.9, 1.0)), None);
    }

    #[test]
    fn a_rollout_that_walled_itself_in_is_told_from_one_that_walks() {
        let told = |r: Rollout| (r.breaks(&info()).is_none(), r.judged_share(), r.moves_throughout(&info()));
        assert_eq!(told(rollout(|_| true, |_| 0.9, 0.0)), (true, 100.0, true));
        assert_eq!(told(rollout(|_| false, |_| 0.9, 1.0)), (true, 0.0, false), "walled in: it survives, though nothing of it is judged");
        assert_eq!(told(rollout(|t| t >= 26, |_| 0.9, 0.0)), (false, 100.0, false));
        assert_eq!(told(rollout(|_| true, |t| if t <= 70 { 0.9 } else { 0.3 }, 0.0)), (false, 100.0, false), "no longer the world");
        // Who asks for nothing is denied nothing.
        let mut idle = rollout(|_| false, |_| 0.9, 0.0);
        idle.steps.iter_mut().for_each(|step| step.asked = 0);
        assert_eq!(told(idle), (true, 0.0, true));
    }

    #[test]
    fn recall_goes_by_what_was_shown_ahead() {
        assert_eq!(rollout(|t| t % 2 == 0, |_| 0.9, 0.0).recall(0..100).balanced(), Some(50.0));
        let blocked = rollout(|t| t % 4 == 0, |_| 0.9, 1.0).recall(0..400);
        assert_eq!((blocked.of_moved(), blocked.of_blocked(), blocked.balanced()), (None, Some(75.0), Some(75.0)));
        let joined = Recall::join(&[blocked, rollout(|_| true, |_| 0.9, 0.0).recall(0..200)]);
        assert_eq!((joined.balanced(), joined.free(), Recall::default().free()), (Some(87.5), Some(50.0), None));
        assert_eq!(rollout(|t| t < 50, |_| 0.9, 0.0).moving_share(40..60), 50.0);
        assert_eq!(rollout(|_| true, |_| 0.9, 0.0).facing_share(0..200), 100.0);
    }
}
