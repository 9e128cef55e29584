//! What the probe makes of the simulator's own frames, and of dreams broken on purpose: in ways it was trained on, and in others.

use anyhow::Result;

use super::players::{Judge, Kind};
use super::report::{Figure, Unit, mean};
use super::rollout::{self, Plan, Rollout, STRETCH, share_of};
use super::stability::ProbeTest;
use super::workers::Workers;
use crate::probe::Probe;
use crate::probe::spoil::{Breakage, Spoil};

/// Has no bar: what the probe misses is what it misses.
const FAMILY: &str = "breakages the probe was not trained on";
/// Frames of each rollout.
const FRAMES: usize = 2 * STRETCH;
/// Those breakages, each less and more of it.
const BREAKAGES: [(&str, &[(&str, Breakage)]); 4] = [
    ("patches of another land", &[("5 %", Breakage::Foreign(5)), ("20 %", Breakage::Foreign(20)), ("40 %", Breakage::Foreign(40))]),
    ("another land in every other patch", &[("half of its colours", Breakage::Checkerboard(50)), ("all", Breakage::Checkerboard(100))]),
    ("red up and blue down", &[("25 %", Breakage::Drift(25)), ("50 %", Breakage::Drift(50)), ("100 %", Breakage::Drift(100))]),
    ("pictures that stay", &[("every 2nd", Breakage::Held(1)), ("3 of 4", Breakage::Held(3))]),
];

/// Of so many rollouts of each kind.
pub fn figures(judge: &Judge, workers: &mut Workers, probe: &Probe, seed: u64, rollouts: u64) -> Result<Vec<Figure>> {
    let mut play = |kind| {
        let plan =
            |number| Plan { kind, policy: "explorer", seed: seed + number, frames: FRAMES, long: false, other_keys: false, keep: false };
        rollout::play(judge, workers, &(0..rollouts).map(plan).collect::<Vec<_>>())
    };
    let kinds = [
        ("noise", Kind::Spoilt(Spoil::Noise)),
        ("blurred", Kind::Spoilt(Spoil::Blur)),
        ("scrambled", Kind::Spoilt(Spoil::Scramble)),
        ("frozen", Kind::Frozen),
    ];
    let raw = play(Kind::Raw)?;
    let spoilt = kinds.into_iter().map(|(name, kind)| Ok((name, play(kind)?))).collect::<Result<_>>()?;
    let test = ProbeTest { raw, spoilt };
    let mut figures = test.figures(&probe.info);
    let seen = |r: &Rollout| share_of(r.readings(0..FRAMES), |reading| reading.sees_the_world(&probe.info));
    let survive = |r: &Rollout| if r.broke.is_none() { 100.0 } else { 0.0 };
    let over = |rollouts: &[Rollout], of: &dyn Fn(&Rollout) -> f64| mean(rollouts.iter().map(of));
    for (name, strengths) in BREAKAGES {
        let row = |what: &str, of: &dyn Fn(&Rollout) -> f64| {
            Figure::new(FAMILY, format!("{name}: {what}"), Unit::Percent).simulator(over(&test.raw, of))
        };
        let mut rows = [row("seen as the world", &seen), row("rollouts that survive", &survive)];
        for (strength, breakage) in strengths {
            let broken = play(Kind::Broken(*breakage))?;
            let [saw, survived] = rows;
            rows = [saw.other(*strength, over(&broken, &seen)), survived.other(*strength, over(&broken, &survive))];
        }
        figures.extend(rows);
    }
    Ok(figures)
}
