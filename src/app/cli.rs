//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};

use super::headless::{self, HeadlessPlan};
use super::open::Launch;
use super::window::{self, WindowPlan};
use crate::dream::runner::Rate;
use crate::dream::script;
use crate::engine::{DecodeSettings, UnmaskOrder};

/// What a wrong command line, a bad file, a missing display or adapter end with.
const BAD_INPUT: u8 = 2;

/// A world you can walk through that no one drew: a small network dreams every frame while you hold W, A, S, D.
#[derive(Parser, Debug)]
#[command(name = "somnium", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(Subcommand, Debug)]
enum Sub {
    /// Play a simulator itself, to compare a dream with the truth.
    World(WorldArgs),
}

#[derive(Args, Debug)]
struct WorldArgs {
    /// Name of the world.
    #[arg(default_value = "isles")]
    name: String,
    /// Stop daylight and weather.
    #[arg(long)]
    hold_ambience: bool,
    #[command(flatten)]
    show: ShowArgs,
}

/// How to show what plays.
#[derive(Args, Debug)]
struct ShowArgs {
    /// Seed of the dream's chances, or of the simulator's land.
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Frames a second, or "max"; the world's own rate where not given.
    #[arg(long, value_parser = rate)]
    rate: Option<Rate>,
    /// Size of the window in pixels.
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "1024x720", value_parser = size)]
    window: (u32, u32),
    /// Start in full screen.
    #[arg(long)]
    fullscreen: bool,
    /// Start with the panel open.
    #[arg(long)]
    panel: bool,
    /// Start with the bar of figures.
    #[arg(long)]
    hud: bool,
    /// Start paused.
    #[arg(long)]
    paused: bool,
    /// Play without a window.
    #[arg(long)]
    headless: bool,
    /// Frames to play without a window; as many as the script has where not given.
    #[arg(long, requires = "headless")]
    frames: Option<usize>,
    /// What is pressed without a window: "D*20 W*10 .*5", "east*20,north*10", "#3*4" for raw codes, or @FILE.
    #[arg(long, value_name = "SCRIPT", requires = "headless")]
    actions: Option<String>,
    /// Record to a .gif, or the last frame to a .png.
    #[arg(long, value_name = "FILE", requires = "headless")]
    record: Option<PathBuf>,
    /// Whole-number enlargement of what is recorded.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16), requires = "headless")]
    scale: u32,
}

fn rate(text: &str) -> Result<Rate, String> {
    if text == "max" {
        return Ok(Rate::Max);
    }
    match text.parse::<f32>() {
        Ok(hz) if (0.1..=1000.0).contains(&hz) => Ok(Rate::Hz(hz)),
        _ => Err("a rate is a number of frames a second from 0.1 to 1000, or \"max\"".to_owned()),
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let side = |s: &str| s.parse().ok().filter(|px| (64..=16384).contains(px));
    text.split_once('x').and_then(|(w, h)| Some((side(w)?, side(h)?))).ok_or_else(|| "a size is WIDTHxHEIGHT, such as 800x600".to_owned())
}

/// Runs the program; the exit code is 2 with one sentence on standard error where something given to it was bad.
pub fn main() -> ExitCode {
    let started = Instant::now();
    // What happens inside is of interest to those who ask for it; what goes wrong to everybody.
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn,somnium=info")).init();
    let cli = Cli::parse();
    match run(cli, started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("somnium: {why}");
            ExitCode::from(BAD_INPUT)
        }
    }
}

fn run(cli: Cli, started: Instant) -> Result<(), String> {
    match cli.command {
        Some(Sub::World(args)) => {
            let launch = Launch::world(&args.name, args.show.seed, args.hold_ambience)?;
            show(launch, &args.show, no_settings(args.show.seed), String::new(), started)
        }
        None => Err("there is no world pack yet; `somnium world isles` plays the simulator".to_owned()),
    }
}

/// A simulator decodes nothing; only the seed is shown.
fn no_settings(seed: u32) -> DecodeSettings {
    DecodeSettings { steps: 1, temperature: 0.0, seed, order: UnmaskOrder::Random, window: 1, context_level: 0 }
}

fn show(launch: Launch, args: &ShowArgs, settings: DecodeSettings, prompt: String, started: Instant) -> Result<(), String> {
    if args.headless {
        let script = args.actions.as_deref().map(script::read).transpose().map_err(|e| e.to_string())?.unwrap_or_default();
        let frames = args.frames.unwrap_or(script.len());
        if frames == 0 {
            return Err("--headless needs --frames N or --actions SCRIPT to know how long to play".to_owned());
        }
        let mut source = launch.open_source(None)?;
        let plan = HeadlessPlan { frames, script, record: args.record.clone(), scale: args.scale, settings };
        return headless::run(source.as_mut(), &plan);
    }
    window::run(WindowPlan {
        launch,
        size_px: args.window,
        fullscreen: args.fullscreen,
        panel: args.panel,
        hud: args.hud,
        paused: args.paused,
        settings,
        rate: args.rate.unwrap_or_default(),
        prompt,
        started,
    })
}
