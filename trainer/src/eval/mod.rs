//! The judge of a pack: plays it through the player's own engine beside the simulator it was trained on, and prints one table.
//!
//! Movement is read off the pictures by an estimator (`motion`), in dream and simulator alike. The simulator's frames go through the
//! tokenizer first, so its figures are the ceiling of what a dream can score.

mod judge;
mod sheet;

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use somnium::pack::Pack;

use judge::{Judge, Rollout};

/// Seeds of evaluation, fixed before training; training never sees them.
const FIRST_SEED: u64 = 7_000_000_000;
/// Frames of a rollout at which the moving share is reported.
const MARKS: [usize; 5] = [1, 10, 50, 100, 200];
/// A mark's share is taken over this many frames on either side.
const MARK_REACH: usize = 3;

/// How much is played.
pub struct Effort {
    pub stills: u64,
    pub single_clips: u64,
    pub rollouts: u64,
    pub frames: usize,
}

impl Effort {
    pub fn quick() -> Self {
        Self { stills: 60, single_clips: 10, rollouts: 16, frames: 204 }
    }

    pub fn full() -> Self {
        Self { stills: 300, single_clips: 40, rollouts: 64, frames: 204 }
    }
}

/// Evaluates the pack at `path`, prints the table, writes sheet and GIF beside `out`, and returns the figures.
pub fn evaluate(path: &Path, pack: &Pack, effort: &Effort, out: &Path) -> Result<serde_json::Value> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let mut judge = Judge::new(pack)?;
    let play = pack.manifest.play;
    println!(
        "{}: {} parameters, judged on the CPU engine; {} steps in order of {:?}, temperature {}, window {}, context level {}",
        path.display(),
        pack.parameters(),
        play.steps,
        play.order,
        play.temperature,
        play.window,
        play.context_level
    );

    let (mean_db, decile_db) = judge.tokenizer_db(FIRST_SEED, effort.stills)?;
    println!("tokenizer, held-out frames         PSNR {mean_db:.2} dB, worst decile {decile_db:.2} dB");
    let Some(_) = &pack.manifest.dynamics else {
        println!("the pack has no dynamics: nothing more to judge");
        return Ok(json!({ "tokenizer_psnr_db": mean_db, "tokenizer_psnr_worst_decile_db": decile_db }));
    };
    let weighted = |of: fn(&somnium::pack::manifest::LatentAction) -> f32| {
        let all: f32 = pack.manifest.actions.iter().map(|action| action.share).sum();
        pack.manifest.actions.iter().map(|action| action.share * of(action)).sum::<f32>() / all.max(1e-9)
    };
    let (moved_purity, blocked_purity) = (weighted(|a| a.purity_moved), weighted(|a| a.purity_blocked));
    println!("latent actions                     purity moved {:.1} %, blocked {:.1} %", moved_purity * 100.0, blocked_purity * 100.0);
    if !judge.has_world() {
        println!("the pack names no simulator: figures that need one are left out");
        return Ok(json!({ "tokenizer_psnr_db": mean_db }));
    }

    let single = judge.single_steps(FIRST_SEED + 1_000_000, effort.single_clips)?;
    println!("single step, true history          dream / simulator through the tokenizer / copying the last frame");
    println!(
        "  balanced accuracy moved, blocked  {:.1} % / {:.1} % / 50.0 %",
        single.dream.balanced() * 100.0,
        single.truth.balanced() * 100.0
    );
    println!("  moved steps seen the asked way    {:.1} % / {:.1} % / 0.0 %", single.dream.moved() * 100.0, single.truth.moved() * 100.0);
    println!(
        "  blocked steps seen standing       {:.1} % / {:.1} % / 100.0 %",
        single.dream.blocked() * 100.0,
        single.truth.blocked() * 100.0
    );
    println!("  exact tokens                      {:.1} % / 100 % / {:.1} %", single.exact * 100.0, single.copied * 100.0);

    let dreams = judge.rollouts(FIRST_SEED + 2_000_000, effort.rollouts, effort.frames, true)?;
    let truths = judge.rollouts(FIRST_SEED + 2_000_000, effort.rollouts, effort.frames, false)?;
    println!(
        "free rollouts under a held key (turning after three frames without movement), {} of {} frames",
        effort.rollouts, effort.frames
    );
    println!("  moving share at frame             {}", MARKS.map(|mark| format!("{mark:>6}")).join(" "));
    let shares = |rollouts: &[Rollout]| {
        MARKS.map(|mark| mean(rollouts.iter().map(|r| r.moving_share(mark.saturating_sub(MARK_REACH)..mark + MARK_REACH))))
    };
    let (dream_shares, truth_shares) = (shares(&dreams), shares(&truths));
    let line = |shares: &[f64; 5]| shares.map(|share| format!("{:5.1}%", share * 100.0)).join(" ");
    println!("    dream                           {}", line(&dream_shares));
    println!("    simulator through the tokenizer {}", line(&truth_shares));
    println!("    copying the last frame          {}", line(&[0.0; 5]));
    let ratio = dream_shares[3] / truth_shares[3].max(1e-9);
    println!("    dream over simulator, frame 100 {:.1} %", ratio * 100.0);
    let (dream_decile, truth_decile) = (worst_decile(&dreams), worst_decile(&truths));
    println!("  worst decile of whole rollouts    dream {:.1} %, simulator {:.1} %", dream_decile * 100.0, truth_decile * 100.0);

    let names = ["north", "south", "west", "east"];
    println!("free rollouts, first 30 frames under one key: seen motion in percent (stay, north, south, west, east)");
    let mut directions = serde_json::Map::new();
    for (i, name) in names.iter().enumerate() {
        let seen = judge.held_key(i + 1, FIRST_SEED + 3_000_000, effort.rollouts.div_ceil(4), 30)?;
        println!("  {name:6} {}", seen.map(|share| format!("{:5.1}", share * 100.0)).join(" "));
        directions.insert((*name).to_owned(), json!(seen));
    }

    sheet::write(&dreams, &truths, &pack.manifest.frame, &out.join("rollouts.png"))?;
    sheet::write_gif(&dreams, &truths, &pack.manifest.frame, &out.join("side_by_side.gif"))?;
    println!(
        "{} and {} show simulator (above, left) and dream (below, right)",
        out.join("rollouts.png").display(),
        out.join("side_by_side.gif").display()
    );
    Ok(json!({
        "tokenizer_psnr_db": mean_db,
        "tokenizer_psnr_worst_decile_db": decile_db,
        "purity_moved": moved_purity,
        "purity_blocked": blocked_purity,
        "balanced_accuracy": { "dream": single.dream.balanced(), "simulator": single.truth.balanced() },
        "exact_tokens": { "dream": single.exact, "copy": single.copied },
        "moving_share": { "frames": MARKS, "dream": dream_shares, "simulator": truth_shares, "dream_worst_decile": dream_decile, "simulator_worst_decile": truth_decile },
        "seen_motion_by_key": directions,
        "rollouts": effort.rollouts,
    }))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count == 0.0 { 0.0 } else { sum / count }
}

fn worst_decile(rollouts: &[Rollout]) -> f64 {
    let mut shares: Vec<f64> = rollouts.iter().map(|rollout| rollout.moving_share(0..rollout.steps.len())).collect();
    shares.sort_by(f64::total_cmp);
    shares.get(shares.len() / 10).copied().unwrap_or(0.0)
}
