//! Figures of control over a few frames from true history: does the dream do what the keys say, as the simulator does from the same state?

use anyhow::Result;
use somnium::clips::Clip;
use somnium::engine::Engine;
use somnium::worlds::StepOutcome;
use somnium::worlds::scene::Feature;

use super::latent::Inference;
use super::players::{Dream, HISTORY, Judge, Kind, Player, Shown, Walk};
use super::report::{Bar, Better, Figure, Score, Unit, mean};
use super::rollout::{Recall, Step, share_of};
use super::workers::{Worker, Workers};
use crate::patches::psnr_db;
use crate::source::Dice;

const FAMILY: &str = "control, from true history";
/// Frames played, and the one that Genie's figure is taken at.
pub const T: usize = 4;
/// Steps within which a clip looks for something to bump into.
const SEARCH: usize = 120;
/// Decoding steps that should do, and those that they are held against.
pub const FEW_STEPS: u32 = 2;
pub const MANY_STEPS: u32 = 8;
/// Clips from which on it says something how they compare.
const FEW_CLIPS: usize = 50;
/// What a clip may bump into.
const OBSTACLES: [&str; 3] = ["water or lava", "trees", "other solids"];

/// Who is judged.
const KINDS: [Kind; 5] = [Kind::Dream, Kind::Simulator, Kind::Known, Kind::Copy, Kind::Shift];
/// Who besides, on some clips, only by how well it follows the keys.
const STEPPED: [Kind; 4] = [Kind::DreamIn(1), Kind::DreamIn(FEW_STEPS), Kind::DreamIn(4), Kind::DreamIn(MANY_STEPS)];

/// What the simulator did from one state, and other keys for the same time.
struct Case {
    seed: u64,
    /// Steps before the start.
    steps: usize,
    actions: Vec<usize>,
    outcomes: Vec<StepOutcome>,
    /// What stood in the way of each step that was blocked.
    in_the_way: Vec<Option<Feature>>,
    /// The start's frame and those that followed.
    frames: Vec<Vec<u8>>,
    random: Vec<usize>,
    inferred: Option<Vec<u8>>,
    /// Whether [`STEPPED`] are judged on it.
    stepped: bool,
}

/// How one player did.
struct Played {
    kind: Kind,
    recall: Recall,
    /// Percent of the steps seen to move the view as the simulator moved.
    fidelity: f64,
    /// Of the blocked steps alone, 0 or 100 each, by [`OBSTACLES`].
    bumps: [Vec<f64>; OBSTACLES.len()],
    /// Percent of the first frame's tokens that are right, where the view moved.
    exact: Option<f64>,
    /// Of the last frame, under the simulator's keys less under the random ones.
    delta_psnr: f64,
}

/// `stepped`: of the clips those that are played in one number of decoding steps and another as well.
pub fn figures(
    judge: &Judge,
    workers: &mut Workers,
    inference: Option<&Inference>,
    seed: u64,
    clips: u64,
    stepped: u64,
) -> Result<Vec<Figure>> {
    let numbers: Vec<u64> = (0..clips).collect();
    let mut cases = workers.map(&numbers, |_, number| case(judge, seed + number, number % 2 == 1))?;
    for (number, case) in (0..).zip(&mut cases) {
        case.inferred = inference.map(|inference| infer(inference, case, judge)).transpose()?;
        case.stepped = number < stepped;
    }
    let played = workers.map(&cases, |worker, case| play(judge, worker, case))?;

    let of = |kind| by(kind, &played);
    let row = |name: &str, unit: Unit, value: fn(&[&Played]) -> Score| {
        let mut figure = Figure::new(FAMILY, name, unit).dream(value(&of(Kind::Dream))).simulator(value(&of(Kind::Simulator)));
        for (name, kind) in [("copy", Kind::Copy), ("shift", Kind::Shift)] {
            figure = figure.other(name, value(&of(kind)).mean);
        }
        figure
    };
    let delta_psnr = |all: &[&Played]| Score::mean_of(all.iter().map(|p| p.delta_psnr), Better::High);
    // Land that comes into view cannot be known: how much of the simulator's score is left without it.
    let delta_row = |name: &str| row(name, Unit::Db, delta_psnr).other("all but new land", delta_psnr(&of(Kind::Known)).mean);

    let mut figures = Vec::new();
    let inferred: Vec<f64> = played.iter().filter_map(|(_, inferred)| *inferred).collect();
    if !inferred.is_empty() {
        let row = delta_row("delta-PSNR at t = 4, inferred against random actions");
        figures.push(row.dream(Score::mean_of(inferred.iter().copied(), Better::High)).bar(Bar::OfSimulator(80.0)));
    }
    let recorded = delta_row("delta-PSNR at t = 4, recorded against random actions");
    figures.push(if inferred.is_empty() { recorded.bar(Bar::OfSimulator(80.0)) } else { recorded });
    figures.push(row("action fidelity: the view moves as the simulator's", Unit::Percent, |all| {
        Score::mean_of(all.iter().map(|p| p.fidelity), Better::High)
    }));
    figures.push(row("  where the simulator moves", Unit::Percent, |all| recall(all).of_moved().unwrap_or_default().into()));
    figures.push(row("  while it bumps", Unit::Percent, |all| recall(all).of_blocked().unwrap_or_default().into()));
    figures.extend((0..OBSTACLES.len()).filter_map(|obstacle| bumps_into(obstacle, &played)));
    figures.push(row("exact tokens of the first frame, where it moves", Unit::Percent, |all| {
        Score::mean_of(all.iter().filter_map(|p| p.exact), Better::High)
    }));
    figures.push(row("balanced accuracy of moved and blocked, as it is played", Unit::Percent, |all| {
        recall(all).balanced().unwrap_or_default().into()
    }));
    figures.extend(in_steps(&played));
    Ok(figures)
}

/// Those clips of a player that it played.
fn by(kind: Kind, played: &[(Vec<Played>, Option<f64>)]) -> Vec<&Played> {
    played.iter().filter_map(|(all, _)| all.iter().find(|p| p.kind == kind)).collect()
}

/// Which of [`OBSTACLES`] it is.
fn obstacle(in_the_way: Feature) -> usize {
    match in_the_way {
        Feature::Lake | Feature::Shore | Feature::Lava => 0,
        Feature::Trees => 1,
        _ => 2,
    }
}

/// The bumps into one of [`OBSTACLES`], and how many they are; nothing where there are none.
fn bumps_into(obstacle: usize, played: &[(Vec<Played>, Option<f64>)]) -> Option<Figure> {
    let of = |kind| by(kind, played).into_iter().map(|p| p.bumps[obstacle].clone()).collect::<Vec<_>>();
    let score = |kind| Score::grouped(of(kind), Better::High);
    let figure = Figure::new(FAMILY, format!("    into {}", OBSTACLES[obstacle]), Unit::Percent);
    let figure = figure.dream(score(Kind::Dream)?).simulator(score(Kind::Simulator)?);
    let figure = figure.beside("copy", score(Kind::Copy)).beside("shift", score(Kind::Shift));
    Some(figure.other("bumps", of(Kind::Simulator).concat().len() as f64))
}

/// As it is played and in few decoding steps, against many, on the clips that were played in many.
fn in_steps(played: &[(Vec<Played>, Option<f64>)]) -> Vec<Figure> {
    let clips = by(Kind::DreamIn(MANY_STEPS), played).len();
    if clips == 0 {
        return Vec::new();
    }
    let balanced = |kind| recall(&by(kind, &played[..clips])).balanced().unwrap_or_default();
    let against_many = |name: String, kind| {
        let figure = Figure::new(FAMILY, name, Unit::Percent).dream(balanced(kind)).simulator(balanced(Kind::Simulator));
        let figure = figure.other(format!("{MANY_STEPS} steps, none left out"), balanced(Kind::DreamIn(MANY_STEPS)));
        if clips < FEW_CLIPS { figure } else { figure.bar(Bar::Above(-2.0)) }
    };
    let name = |how: &str| format!("balanced accuracy of moved and blocked, first {clips} clips, {how}");
    let few = against_many(name(&format!("in {FEW_STEPS} decoding steps, none left out")), Kind::DreamIn(FEW_STEPS));
    vec![
        against_many(name("as it is played"), Kind::Dream),
        few.other("1 step", balanced(Kind::DreamIn(1))).other("4 steps", balanced(Kind::DreamIn(4))),
    ]
}

fn recall(all: &[&Played]) -> Recall {
    Recall::join(&all.iter().map(|p| p.recall).collect::<Vec<_>>())
}

/// The simulator after a while of exploring; with `bump`, just before it is blocked, if it soon is.
fn case(judge: &Judge, seed: u64, bump: bool) -> Result<Case> {
    let walk = || Walk::new(&judge.world, "explorer", seed, false);
    let mut steps = HISTORY - 1;
    if bump {
        let mut ahead = walk()?;
        let blocked = (1..SEARCH).find(|t| {
            ahead.step();
            *t >= HISTORY && ahead.last.blocked
        });
        steps = blocked.map_or(steps, |t| t - 1);
    }
    let mut walk = walk()?;
    (0..steps).for_each(|_| _ = walk.step());
    let mut raw = vec![0; judge.manifest.frame.rgb_bytes()];
    walk.world.render(&mut raw);
    let mut dice = Dice::new(seed, 4);
    let random = (0..T).map(|_| dice.below(judge.bindings.len())).collect();
    let (actions, outcomes, in_the_way, frames) = (Vec::new(), Vec::new(), Vec::new(), vec![raw.clone()]);
    let mut case = Case { seed, steps, actions, outcomes, in_the_way, frames, random, inferred: None, stepped: false };
    for _ in 0..T {
        let action = walk.step();
        case.actions.push(action);
        case.outcomes.push(walk.last);
        // Who was blocked stands where he stood before.
        case.in_the_way.push(if walk.last.blocked { walk.world.in_the_way(action) } else { None });
        walk.world.render(&mut raw);
        case.frames.push(raw.clone());
    }
    Ok(case)
}

fn infer(inference: &Inference, case: &Case, judge: &Judge) -> Result<Vec<u8>> {
    let frame = judge.manifest.frame;
    let clip = Clip {
        width_px: frame.width_px,
        height_px: frame.height_px,
        frames: case.frames.concat(),
        actions: vec![None; T + 1],
        outcomes: vec![StepOutcome::default(); T + 1],
        scenes: vec![None; T + 1],
        prompts: vec![String::new(); T + 1],
    };
    Ok(inference.codes(&clip)?.into_iter().flatten().collect())
}

/// Every kind of player on one case, and the dream's delta-PSNR under inferred codes.
fn play(judge: &Judge, worker: &mut Worker, case: &Case) -> Result<(Vec<Played>, Option<f64>)> {
    let walk = Walk::new(&judge.world, "explorer", case.seed, false)?;
    let engine = &mut worker.engine;
    let start = judge.start(engine, walk, case.steps, case.seed)?;
    let psnr = |shown: &Shown| psnr_db(&case.frames[T], &shown.rgb);
    let truth_codes = engine.encode(&case.frames[1])?;
    let mut all: Vec<Played> = Vec::new();
    let mut random_dream = 0.0;
    for kind in KINDS.into_iter().chain(STEPPED.into_iter().filter(|_| case.stepped)) {
        let mut player = judge.player(kind, engine, &start)?;
        let (mut recall, mut hits, mut exact) = (Recall::default(), Vec::new(), None);
        let mut bumps = <[Vec<f64>; OBSTACLES.len()]>::default();
        for (t, (asked, outcome)) in case.actions.iter().zip(&case.outcomes).enumerate() {
            let before = player.shown().rgb.clone();
            let after = player.press(*asked)?;
            let (seen, unexplained) = judge.movements.read(&before, &after.rgb);
            recall.add(Step { asked: *asked, seen, unexplained }, outcome.blocked);
            let hit = if seen == if outcome.moved { *asked } else { 0 } { 100.0 } else { 0.0 };
            hits.push(hit);
            if let Some(in_the_way) = case.in_the_way[t] {
                bumps[obstacle(in_the_way)].push(hit);
            }
            if t == 0 && outcome.moved {
                exact = Some(agreement(&after.codes, &truth_codes, judge.manifest.frame.code_dims, |_| true));
            }
        }
        let recorded = psnr(player.shown());
        drop(player);
        let mut delta_psnr = 0.0;
        if !matches!(kind, Kind::DreamIn(_)) {
            let mut player = judge.player(kind, engine, &start)?;
            for action in &case.random {
                player.press(*action)?;
            }
            let random = psnr(player.shown());
            delta_psnr = recorded - random;
            random_dream = if kind == Kind::Dream { random } else { random_dream };
        }
        all.push(Played { kind, recall, fidelity: mean(hits), bumps, exact, delta_psnr });
    }
    let inferred = match &case.inferred {
        None => None,
        Some(codes) => {
            let mut dream = Dream::begin(judge, engine, &start)?;
            for code in codes {
                dream.take(*code)?;
            }
            Some(psnr(dream.shown()) - random_dream)
        }
    };
    Ok((all, inferred))
}

/// Percent of the tokens `counts` wants that are the same in both, `(tokens, dims)`.
pub fn agreement(a: &[u8], b: &[u8], dims: usize, counts: impl Fn(usize) -> bool) -> f64 {
    let pairs = a.chunks_exact(dims).zip(b.chunks_exact(dims)).enumerate().filter(|(n, _)| counts(*n));
    share_of(pairs, |(_, (a, b))| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::pack::random::{plain_manifest, random_pack};

    /// Clips on which everybody does as the simulator did, but for what is wrong in ten steps of those in few decoding steps.
    fn played(clips: usize, wrong: u32) -> Vec<(Vec<Played>, Option<f64>)> {
        let one = |kind: Kind| {
            let hits = if kind == Kind::DreamIn(FEW_STEPS) { 10 - wrong } else { 10 };
            let recall = Recall { moved: [hits, 10], blocked: [hits, 10] };
            Played { kind, recall, fidelity: 0.0, bumps: Default::default(), exact: None, delta_psnr: 0.0 }
        };
        (0..clips).map(|_| (KINDS.into_iter().chain(STEPPED).map(one).collect(), None)).collect()
    }

    #[test]
    fn few_steps_are_held_against_many_on_the_same_clips() {
        let met = |clips, wrong| -> Vec<Option<bool>> {
            in_steps(&played(clips, wrong)).iter().map(|figure| figure.to_json()["met"].as_bool()).collect()
        };
        assert_eq!(met(FEW_CLIPS, 0), [Some(true), Some(true)]);
        assert_eq!(met(FEW_CLIPS, 1), [Some(true), Some(false)]);
        assert_eq!(met(FEW_CLIPS - 1, 1), [None, None], "so few say nothing");
        assert!(met(0, 0).is_empty());
        // What was not played in many steps does not count.
        let mut more = played(FEW_CLIPS + 10, 0);
        for (all, _) in &mut more[FEW_CLIPS..] {
            all.truncate(KINDS.len());
            all[0].recall.moved = [0, 10];
        }
        let as_played = in_steps(&more)[0].to_json();
        assert_eq!(as_played["dream"]["mean"].as_f64(), Some(100.0), "{as_played}");
        more[0].0[0].recall.moved = [0, 10];
        assert!(in_steps(&more)[0].to_json()["dream"]["mean"].as_f64() < Some(100.0));
    }

    #[test]
    fn bumps_are_told_apart_by_what_the_simulator_has_in_the_way() {
        let mut manifest = plain_manifest();
        manifest.provenance.world = Some("isles".to_owned());
        for (action, name) in manifest.actions.iter_mut().zip(["stay", "north", "south", "west", "east"]) {
            action.bound_to = vec![name.to_owned()];
        }
        let judge = Judge::new(&random_pack(manifest, 5).unwrap(), 1.0).unwrap();
        let mut bumps = [0; OBSTACLES.len()];
        for seed in 0..60 {
            let case = case(&judge, seed, true).unwrap();
            let mut walk = Walk::new(&judge.world, "explorer", seed, false).unwrap();
            (0..case.steps).for_each(|_| _ = walk.step());
            for (t, in_the_way) in case.in_the_way.iter().enumerate() {
                // What is asked when is known: the simulator itself says whether that cell can be entered.
                let solid = case.actions[t] != 0 && judge.view.ahead(case.actions[t]).iter().any(|cell| walk.world.solid()[*cell]);
                assert_eq!((in_the_way.is_some(), walk.step()), (solid, case.actions[t]), "case {seed}, step {t}");
                in_the_way.iter().for_each(|what| bumps[obstacle(*what)] += 1);
            }
        }
        assert!(bumps.iter().all(|bumps| *bumps > 0), "{bumps:?}");
    }

    #[test]
    fn each_obstacle_has_a_row_of_its_own_and_what_is_not_met_has_none() {
        let mut played = played(3, 0);
        let mut bump = |clip: usize, kind: Kind, obstacle: usize, hits: &[f64]| {
            let all: &mut Vec<Played> = &mut played[clip].0;
            all.iter_mut().filter(|p| p.kind == kind).for_each(|p| p.bumps[obstacle] = hits.to_vec());
        };
        for kind in [Kind::Simulator, Kind::Copy] {
            bump(0, kind, 0, &[100.0]);
            bump(0, kind, 1, &[100.0, 100.0, 100.0]);
            bump(2, kind, 1, &[100.0]);
        }
        bump(0, Kind::Dream, 0, &[100.0]);
        // One of four goes through a tree, in one clip of two.
        bump(0, Kind::Dream, 1, &[100.0, 100.0, 100.0]);
        bump(2, Kind::Dream, 1, &[0.0]);
        let rows: Vec<_> = (0..OBSTACLES.len()).map(|obstacle| bumps_into(obstacle, &played).map(|row| row.to_json())).collect();
        let read = |row: &serde_json::Value| {
            let numbers = [&row["dream"]["mean"], &row["simulator"]["mean"], &row["others"]["bumps"]];
            numbers.map(|number| number.as_f64())
        };
        assert_eq!(rows[0].as_ref().map(read), Some([Some(100.0), Some(100.0), Some(1.0)]));
        assert_eq!(rows[1].as_ref().map(read), Some([Some(75.0), Some(100.0), Some(4.0)]));
        assert!(rows[2].is_none(), "nobody met anything else");
        let trees = rows[1].as_ref().unwrap();
        assert_eq!((trees["dream"]["n"].as_u64(), trees["dream"]["standard_error"].as_f64()), (Some(2), Some(50.0)), "{trees}");
        assert_eq!((trees["others"]["copy"].as_f64(), trees["name"].as_str()), (Some(100.0), Some("    into trees")));
        assert_eq!([Feature::Lava, Feature::Trees, Feature::Village].map(obstacle), [0, 1, 2]);
    }
}
