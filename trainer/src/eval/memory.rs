//! Figures of memory: walk some steps one way and back, and compare what had left the view with what stood there.

use anyhow::Result;
use somnium::engine::Engine;

use super::control::agreement;
use super::players::{Dream, HISTORY, Judge, Kind, Player, Shown, Walk};
use super::report::{Bar, Better, Figure, Score, Unit};
use super::rollout::share_of;
use super::workers::{Worker, Workers};
use crate::patches::psnr_db;
use crate::source::mix;

const FAMILY: &str = "memory, there and back";
/// Seeds tried for a start with a free way, and dreams of it for one whose way out is as free: what lies beyond the view is the dream's own,
/// and who is stopped there has nothing to come back from.
const SEEDS: u64 = 64;
const DREAMS: u64 = 12;
/// Who comes back besides dream and simulator, from where the dream got to: the dream once it has forgotten all but the far end; the dream
/// that before every step forgets all but its last frames, as many as its window has: its map holds the land of these and no older, and its
/// attention sees no further either, while at play it does layer by layer (`frames_that_matter`); the far end as it is, and shifted step by
/// step.
const OTHERS: [&str; 4] = ["no memory", "last frames alone", "copy", "shift"];

/// A way to go.
struct Plan {
    seed: u64,
    direction: usize,
    steps: usize,
}

/// What every player found: the dream, the simulator, and then [`OTHERS`].
type FoundByAll = [Found; 2 + OTHERS.len()];

/// What was there again after the way back.
struct Found {
    agreement: f64,
    psnr_db: f64,
    back: bool,
}

pub fn figures(judge: &Judge, workers: &mut Workers, seed: u64, walks: u64) -> Result<Vec<Figure>> {
    let window = judge.settings.window;
    // Of fewer steps than two no whole patch leaves the view.
    let (inside, two, three) = ((window - 1) / 2, window, 3 * window / 2);
    let distances = [inside, two, three].map(|steps| steps.max(2));
    let ways: Vec<(usize, u64)> = distances.iter().flat_map(|steps| (0..walks).map(|number| (*steps, number))).collect();
    // `None` for a way that is free nowhere.
    let walk = |worker: &mut Worker, &(steps, number): &(usize, u64)| -> Result<Option<Option<FoundByAll>>> {
        let plan = free_way(judge, mix(seed, number), 1 + number as usize % 4, steps)?;
        plan.map(|plan| there_and_back(judge, worker, &plan)).transpose()
    };
    let mut walked = workers.map_longest_first(&ways, |(steps, _)| *steps, walk)?.into_iter();
    let mut figures = Vec::new();
    for (i, steps) in distances.into_iter().enumerate() {
        let found: Vec<Option<FoundByAll>> = walked.by_ref().take(walks as usize).flatten().collect();
        let went = share_of(&found, Option::is_some);
        let found: Vec<FoundByAll> = found.into_iter().flatten().collect();
        let score = |player: usize, of: fn(&Found) -> f64| Score::mean_of(found.iter().map(|f| of(&f[player])), Better::High);
        let row = |what: &str, unit: Unit, of: fn(&Found) -> f64| {
            let name = format!("{what}, {steps} steps each way, window {window}");
            let figure = Figure::new(FAMILY, name, unit).dream(score(0, of)).simulator(score(1, of));
            OTHERS.into_iter().zip(2..).fold(figure, |figure, (name, player)| figure.other(name, score(player, of).mean))
        };
        let agreement = row("token agreement", Unit::Percent, |f| f.agreement);
        let agreement = agreement.other("went", went).other("came back", share_of(&found, |f| f[0].back));
        figures.push(match i {
            0 if 2 * steps < window => agreement.bar(Bar::OfSimulator(85.0)),
            2 => agreement.bar(Bar::Above(15.0)),
            _ => agreement,
        });
        figures.push(row("PSNR", Unit::Db, |f| f.psnr_db));
    }
    Ok(figures)
}

/// A start from which the simulator can go `steps` steps one way, the wanted one if possible.
fn free_way(judge: &Judge, seed: u64, wanted: usize, steps: usize) -> Result<Option<Plan>> {
    for seed in (0..SEEDS).map(|i| mix(seed, i)) {
        let mut walk = Walk::new(&judge.world, "hold", seed, true)?;
        (0..HISTORY - 1).for_each(|_| _ = walk.step());
        for direction in (0..4).map(|i| 1 + (wanted - 1 + i) % 4) {
            let mut world = walk.world.boxed_clone();
            if (0..steps).all(|_| world.step(direction).moved) {
                return Ok(Some(Plan { seed, direction, steps }));
            }
        }
    }
    Ok(None)
}

/// What every player finds again; `None` where dream or simulator does not go out all the way.
fn there_and_back(judge: &Judge, worker: &mut Worker, plan: &Plan) -> Result<Option<FoundByAll>> {
    let walk = Walk::new(&judge.world, "hold", plan.seed, true)?;
    let engine = &mut worker.engine;
    let mut start = judge.start(engine, walk, HISTORY - 1, plan.seed)?;
    let homewards = [0, 2, 1, 4, 3][plan.direction];
    let come_back = |player: &mut dyn Player, before: &Shown| -> Result<Found> {
        let back = go(judge, player, homewards, plan.steps, false)?;
        Ok(found(judge, plan, before, player.shown(), back))
    };
    let simulator = {
        let mut simulator = judge.player(Kind::Simulator, engine, &start)?;
        if !go(judge, simulator.as_mut(), plan.direction, plan.steps, true)? {
            return Ok(None);
        }
        come_back(simulator.as_mut(), &start.shown)?
    };
    for dream in 0..DREAMS {
        start.seed = mix(plan.seed, dream);
        let mut dream = Dream::begin(judge, engine, &start)?;
        if go(judge, &mut dream, plan.direction, plan.steps, true)? {
            let (far, far_end) = (dream.glimpse(), dream.shown().clone());
            let remembering = come_back(&mut dream, &start.shown)?;
            dream.know_only(&far, 1)?;
            let forgetful = come_back(&mut dream, &start.shown)?;
            let window = judge.settings.window;
            dream.know_only(&far, window)?;
            dream.know_at_most(window);
            let last_frames_alone = come_back(&mut dream, &start.shown)?;
            drop(dream);
            let rgb = (0..plan.steps).fold(far_end.rgb.clone(), |rgb, _| judge.movements.shifted(&rgb, homewards));
            let shifted = Shown { codes: engine.encode(&rgb)?, rgb };
            let [copy, shift] = [&far_end, &shifted].map(|shown| found(judge, plan, &start.shown, shown, false));
            return Ok(Some([remembering, simulator, forgetful, last_frames_alone, copy, shift]));
        }
    }
    Ok(None)
}

fn found(judge: &Judge, plan: &Plan, before: &Shown, after: &Shown, back: bool) -> Found {
    let frame = judge.manifest.frame;
    let left = |n: usize| left_the_view(judge, plan, n);
    let pixels = |rgb: &[u8]| -> Vec<u8> {
        let is_left = |i: &usize| left(i / 3 / frame.width_px / frame.patch_px * frame.grid_w() + i / 3 % frame.width_px / frame.patch_px);
        (0..rgb.len()).filter(is_left).map(|i| rgb[i]).collect()
    };
    Found {
        agreement: agreement(&after.codes, &before.codes, frame.code_dims, left),
        // Pictures of equal tokens are equal: a finite number stands for that.
        psnr_db: psnr_db(&pixels(&before.rgb), &pixels(&after.rgb)).min(60.0),
        back,
    }
}

/// Holds a key until the view is seen to have moved `steps` times; false where it does not in twice that time. Where it has to, nothing is
/// tried any more once it cannot.
fn go(judge: &Judge, player: &mut dyn Player, direction: usize, steps: usize, has_to: bool) -> Result<bool> {
    let mut left = steps;
    for presses in (0..2 * steps + 4).rev() {
        let before = player.shown().rgb.clone();
        let after = player.press(direction)?;
        left -= usize::from(judge.movements.movement(&before, &after.rgb) == direction);
        if left == 0 || has_to && left > presses {
            break;
        }
    }
    Ok(left == 0)
}

/// Whether the whole of patch `n` was out of view at the far end.
fn left_the_view(judge: &Judge, plan: &Plan, n: usize) -> bool {
    let frame = judge.manifest.frame;
    let [x, y] = frame.cell(n);
    let strip = plan.steps * judge.step_px / frame.patch_px;
    let gone = match plan.direction {
        1 => y + strip >= frame.grid_h(),
        2 => y < strip,
        3 => x + strip >= frame.grid_w(),
        _ => x < strip,
    };
    n < frame.patches() && gone && [x, y] != [frame.grid_w() / 2, frame.grid_h() / 2]
}
