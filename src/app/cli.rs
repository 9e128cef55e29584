//! The command line.

use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use winit::dpi::{LogicalSize, PhysicalSize};

use super::bench::anchor::Anchor;
use super::bench::{BenchPlan, On};
use super::dreams::{self, FIRST_DREAM, Shelf};
use super::headless::{Headless, HeadlessPlan, Recording};
use super::open::{EngineChoice, Launch, read_pack, shipped_pack};
use super::prompt_args::{self, PromptArgs, within, words_with_warning};
use super::prompt_history::one_line;
use super::prompt_queue::PromptQueue;
use super::shape::Shape;
use super::start::{DEFAULT_SEED, Start};
use super::view::{LETTERS, View};
use super::window::{self, WindowPlan};
use super::{bench, dreamed, growth, inspect};
use crate::dream::runner::Rate;
use crate::dream::script;
use crate::engine::gpu::tier::Tier;
use crate::engine::inputs::check_settings;
use crate::engine::{DecodeSettings, NewLand, UnmaskOrder};
use crate::input::bindings::user_folder;
use crate::pack::manifest::Manifest;
use crate::pack::{Pack, limits};
use crate::prompt;

/// What a wrong command line, a bad file, a missing display or adapter end with.
const BAD_INPUT: u8 = 2;

const EXAMPLES: &str = "\
In the window: W A S D or arrows walk, Enter takes a prompt, Space says another one, 1 to 5 turn it, Tab opens the panel, F11 is full screen.
Keys and pads are bound in bindings.toml in your config folder.

Examples:
  somnium                                                 play the shipped world
  somnium --prompt \"icy tundra at midnight\" --panel       begin with words, the panel open
  somnium --prompt \"a meadow\" --day 8                     a day goes by in eight minutes
  somnium --kiosk --idle 60 --prompt-queue list.txt       at an event
  somnium hear list.txt                                   what is heard of its prompts
  somnium --headless --actions \"D*30 W*20\" --record walk.gif
  somnium dream --prompt \"neon forest\" --frames 100 --record forest.webp";

/// A world you can walk through that no one drew: a small network dreams every frame while you hold W, A, S, D.
#[derive(Parser, Debug)]
#[command(name = "somnium", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Sub>,
    #[command(flatten)]
    play: PlayArgs,
}

#[derive(Subcommand, Debug)]
enum Sub {
    /// Play a simulator itself, to compare a dream with the truth.
    World(WorldArgs),
    /// Dream without a window, from words, a picture or a clip, into a file.
    Dream(dreamed::DreamArgs),
    /// Say what is in a pack, and whether the engines here compute what its trainer computed; or what dream is in a picture.
    Inspect(InspectArgs),
    /// Say what is heard of a prompt, or of each in a list.
    Hear(HearArgs),
    /// Measure how fast a pack, or a shape of random weights, dreams without a window.
    Bench(BenchArgs),
}

#[derive(Args, Debug)]
struct PlayArgs {
    #[command(flatten)]
    dreamer: DreamerArgs,
    /// Picture to start from: PNG, JPEG, WebP, a GIF whose frames become history, or a saved picture whose dream goes on. With a prompt and no picture
    /// the prompt is the start; with neither the window goes on with the last dream.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Begin a new dream, and do not go on with the last.
    #[arg(long, conflicts_with = "image")]
    new: bool,
    #[command(flatten)]
    show: ShowArgs,
}

/// What dreams, and how.
#[derive(Args, Debug)]
pub(super) struct DreamerArgs {
    /// World pack; the shipped one where not given.
    pub(super) pack: Option<PathBuf>,
    /// What computes; auto is the CPU where every graphics adapter is a software one.
    #[arg(long, value_enum, default_value_t)]
    pub(super) engine: EngineChoice,
    #[command(flatten)]
    pub(super) decode: DecodeArgs,
}

/// How frames are decoded; as the pack has it, or a dream that was left, where not given.
#[derive(Args, Debug)]
#[command(next_help_heading = "Decoding (as the pack has it, or a dream that was left, where not given)")]
pub(super) struct DecodeArgs {
    /// Decoding steps a frame.
    #[arg(long, value_parser = within(1..=limits::MAX_STEPS))]
    steps: Option<u32>,
    /// How much is left to chance: 0 always takes the likeliest, 1 draws each as often as the network has it.
    #[arg(long)]
    temperature: Option<f32>,
    /// Which tokens a step settles first: random or confidence.
    #[arg(long)]
    order: Option<UnmaskOrder>,
    /// Frames the dream looks at, itself included.
    #[arg(long, value_name = "FRAMES")]
    memory: Option<usize>,
    /// How much the prompt is exaggerated, 0 to 4; above 0 every step is computed twice. The first of all frames and the first under new words have 0.5 at least.
    #[arg(long, value_name = "BETA")]
    guidance: Option<f32>,
    /// Settle tokens of at least this probability at once, and leave out the steps that then have nothing to do: 0.9, say; 0 for none.
    #[arg(long, value_name = "PROBABILITY")]
    certain: Option<f32>,
    /// Never draw what is less likely than this share of the likeliest: 0.1, say; 0 for everything.
    #[arg(long, value_name = "SHARE")]
    min_p: Option<f32>,
    /// How land that was never seen is drawn: at another temperature and min-p, 1,0.01, say, or the same as the rest.
    #[arg(long, value_name = "TEMPERATURE,MIN-P")]
    new_land: Option<NewLand>,
}

#[derive(Args, Debug)]
struct InspectArgs {
    /// World pack, or a picture that was saved; the shipped pack where not given.
    file: Option<PathBuf>,
    /// Check parity on this engine only.
    #[arg(long, value_enum, default_value_t)]
    engine: EngineChoice,
    /// World pack whose dream is in the picture; the shipped one where not given.
    #[arg(long, value_name = "PACK")]
    of: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct HearArgs {
    /// A prompt, or a text file with one a line.
    #[arg(value_name = "FILE|TEXT")]
    prompt: String,
    /// World pack that is told; the shipped one where not given.
    #[arg(long, value_name = "PACK")]
    by: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct BenchArgs {
    #[command(flatten)]
    dreamer: DreamerArgs,
    /// Random weights of this shape instead of a pack: "d=384,layers=6,tokens=256,context=4,steps=1", also with heads=, ffn=, patch=, and params=
    /// in place of d=; what is not given is smaller than in the shipped pack.
    #[arg(long, conflicts_with = "pack")]
    shape: Option<String>,
    /// A shape as large as a program of others whose speed was published, and what that was.
    #[arg(long, value_enum, conflicts_with_all = ["pack", "shape", "growth", "steps", "memory"])]
    anchor: Option<Anchor>,
    /// Write the shape's pack, with a parity clip of what the CPU engine dreams, and measure nothing.
    #[arg(long, value_name = "FILE", requires = "shape", conflicts_with_all = ["growth", "tier", "no_tune"])]
    write_pack: Option<PathBuf>,
    /// Measure how the time grows from a shape with tokens, context, steps and parameters.
    #[arg(long, conflicts_with_all = ["pack", "steps", "temperature", "order", "memory", "guidance", "certain", "min_p", "new_land", "prompt"])]
    growth: bool,
    /// A prompt to measure under: what words cost.
    #[arg(long, default_value = "")]
    prompt: String,
    /// Threads of the CPU engine; one for each core, at most 8, where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: Option<u8>,
    /// Measure besides what it costs to preview so many branches at once: the next frame under one action each.
    #[arg(long, value_name = "N", conflicts_with = "growth", value_parser = clap::value_parser!(u8).range(1..=64))]
    branches: Option<u8>,
    /// Measure besides what pictures of the world from within cost, drawn by the graphics adapter and by the processor.
    #[arg(long, conflicts_with = "growth")]
    first_person: bool,
    /// Use the kernels of this tier of graphics devices at most, or those below it if they compute wrongly here: bare, base or f16.
    #[arg(long, value_parser = tier)]
    tier: Option<Tier>,
    /// Take the default tiles of matrix products, and not those that are quickest on this graphics device.
    #[arg(long)]
    no_tune: bool,
    /// Frames to measure, after a tenth as many to warm up.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    frames: u32,
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

/// What is said over the picture of an event while nobody is there.
const INVITATION: &str = "Touch or press a key to walk through a dream";

/// Headings of the help.
const WINDOW: &str = "Window";
const WITHOUT_WINDOW: &str = "Without a window";

/// How to show what plays.
#[derive(Args, Debug)]
struct ShowArgs {
    #[command(flatten)]
    say: PromptArgs,
    /// Seed of the dream's chances, or of the simulator's land: where not given 1, or that of the dream gone on with. With one, and no saved picture, a new
    /// dream begins. "today" is the date, the same for all who play on this day (UTC), and "random" another one at every start.
    #[arg(long, value_name = "NUMBER|today|random", value_parser = seed)]
    seed: Option<u32>,
    /// Frames a second, or "max"; the world's own rate where not given.
    #[arg(long, value_parser = rate, conflicts_with = "headless", help_heading = WINDOW)]
    rate: Option<Rate>,
    /// Size of the window in pixels; where not given as it was left.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size, help_heading = WINDOW)]
    window: Option<(u32, u32)>,
    /// How much letters and buttons are enlarged, 0.5 to 4; where not given as they were left.
    #[arg(long, value_name = "TIMES", value_parser = letters, help_heading = WINDOW)]
    letters: Option<f32>,
    /// Start in full screen.
    #[arg(long, help_heading = WINDOW)]
    fullscreen: bool,
    /// For events: full screen that nobody leaves, no dialogs for files, and no way to quit but Ctrl+Shift+Q.
    #[arg(long, conflicts_with = "headless", help_heading = WINDOW)]
    kiosk: bool,
    /// For events: begin anew after so many seconds without anybody, and walk by itself until somebody comes; nothing is kept for the next start.
    #[arg(long, value_name = "SECS", conflicts_with_all = ["headless", "paused"], value_parser = clap::value_parser!(u32).range(5..=86_400), help_heading = WINDOW)]
    idle: Option<u32>,
    /// What stands large over the picture while nobody is there; "" for nothing.
    #[arg(long, value_name = "TEXT", default_value = INVITATION, requires = "idle", help_heading = WINDOW)]
    invite: String,
    /// Folder for the pictures that are saved; where not given that of your pictures, and at an event they are not saved.
    #[arg(long, value_name = "FOLDER", value_parser = folder, conflicts_with = "headless", help_heading = WINDOW)]
    pictures: Option<PathBuf>,
    /// Start with the panel open.
    #[arg(long, help_heading = WINDOW)]
    panel: bool,
    /// Start with the bar of figures.
    #[arg(long, help_heading = WINDOW)]
    hud: bool,
    /// Show frames as they are, without gliding from one to the next.
    #[arg(long, help_heading = WINDOW)]
    no_glide: bool,
    /// Start paused.
    #[arg(long, help_heading = WINDOW)]
    paused: bool,
    /// Play without a window.
    #[arg(long, help_heading = WITHOUT_WINDOW)]
    headless: bool,
    /// Frames to play without a window; as many as the script has where not given.
    #[arg(long, requires = "headless", help_heading = WITHOUT_WINDOW)]
    frames: Option<usize>,
    /// What is pressed without a window: "D*20 W*10 .*5", "east*20,north*10", "#3*4" for raw codes, or @FILE.
    #[arg(long, value_name = "SCRIPT", requires = "headless", help_heading = WITHOUT_WINDOW)]
    actions: Option<String>,
    /// Record to a .gif or .webp, or the last frame to a .png.
    #[arg(long, value_name = "FILE", requires = "headless", help_heading = WITHOUT_WINDOW)]
    record: Option<PathBuf>,
    /// Write a map of all the land that was seen to a .png at the end.
    #[arg(long, value_name = "FILE", value_parser = png, requires = "headless", help_heading = WITHOUT_WINDOW)]
    map: Option<PathBuf>,
    /// Whole-number enlargement of what is recorded.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16), requires = "headless", help_heading = WITHOUT_WINDOW)]
    scale: u32,
    /// Pictures a frame in what is recorded: with more than one the view glides from step to step.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10), requires = "headless", help_heading = WITHOUT_WINDOW)]
    glide: u32,
    /// Show the dream from within, through the eyes of the one who walks.
    #[arg(long)]
    first_person: bool,
}

impl ShowArgs {
    /// Whether strangers play, one after another, and nobody looks after them.
    fn is_event(&self) -> bool {
        self.kiosk || self.idle.is_some()
    }
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

pub(super) fn seed(text: &str) -> Result<u32, String> {
    let seed = seed_at(text, Timestamp::now())?;
    if text == "random" {
        // Whoever likes what comes of it can ask for it again.
        log::info!("the seed is {seed}");
    }
    Ok(seed)
}

fn seed_at(text: &str, now: Timestamp) -> Result<u32, String> {
    let number = match text {
        "today" => now.strftime("%Y%m%d").to_string(),
        "random" => return Ok(RandomState::new().hash_one(now.as_nanosecond()) as u32),
        number => number.to_owned(),
    };
    number.parse().map_err(|_| format!("a seed is a number from 0 to {}, \"today\" or \"random\"", u32::MAX))
}

fn tier(text: &str) -> Result<Tier, String> {
    let name = |tier: Tier| format!("{tier:?}").to_lowercase();
    Tier::ALL.into_iter().find(|tier| name(*tier) == text).ok_or_else(|| format!("a tier is one of {}", Tier::ALL.map(name).join(", ")))
}

fn letters(text: &str) -> Result<f32, String> {
    text.parse::<f32>().ok().filter(|times| LETTERS.contains(times)).ok_or_else(|| "letters are enlarged 0.5 to 4 times".to_owned())
}

pub(super) fn png(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let fits = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    if fits { Ok(path) } else { Err("a map is a picture whose name ends in .png".to_owned()) }
}

fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() { Ok(path) } else { Err("there is no such folder".to_owned()) }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let side = |s: &str| s.parse().ok().filter(|px| (64..=16384).contains(px));
    text.split_once('x').and_then(|(w, h)| Some((side(w)?, side(h)?))).ok_or_else(|| "a size is WIDTHxHEIGHT, such as 800x600".to_owned())
}

/// Runs the program; the exit code is 2 with one sentence on standard error where something given to it was bad, or where it was ended from outside before
/// all was recorded.
pub fn main() -> ExitCode {
    let started = Instant::now();
    // What happens inside is of interest to those who ask for it; what goes wrong to everybody.
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error,somnium=info")).init();
    let cli = Cli::parse();
    match run(cli, started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("somnium: {why}");
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// Where dreams are kept. Whoever looks after an event wants every visitor to begin alike, and keeps nobody's.
fn shelf_for(show: &ShowArgs) -> Option<Shelf> {
    let keeps = !(show.headless || show.is_event());
    keeps.then(dreams::folder).flatten().map(Shelf::new)
}

fn run(cli: Cli, started: Instant) -> Result<(), String> {
    match cli.command {
        Some(Sub::World(args)) => {
            let seed = args.show.seed.unwrap_or(DEFAULT_SEED);
            let launch = Launch::world(&args.name, seed, args.hold_ambience)?;
            let words = args.show.say.words(launch.title(), launch.prompt_words())?;
            show(launch, words, &args.show, no_settings(seed), shelf_for(&args.show), started)
        }
        Some(Sub::Dream(args)) => dreamed::run(&args),
        Some(Sub::Inspect(InspectArgs { file: Some(picture), of, .. })) if inspect::is_picture(&picture) => {
            inspect::run_picture(&picture, &read_pack(&pack_path(of)?)?)
        }
        Some(Sub::Inspect(args)) => inspect::run(&pack_path(args.file)?, args.engine),
        Some(Sub::Hear(args)) => hear(&args.prompt, &read_pack(&pack_path(args.by)?)?),
        Some(Sub::Bench(args)) => {
            let shape = args.anchor.map(Anchor::shape).or(args.shape.as_deref()).map(Shape::read).transpose()?;
            let threads = args.threads.map(usize::from);
            let engine = On { choice: args.dreamer.engine, tier: args.tier, tunes: !args.no_tune };
            let plan = BenchPlan { engine, threads, frames: args.frames, branches: args.branches };
            if args.growth {
                return growth::run(&shape.map_or_else(|| Shape::read(growth::BASE), Ok)?, &plan);
            }
            let pack = match (shape, args.write_pack) {
                (Some(shape), Some(path)) => return shape.pack_with_clip()?.write(&path).map_err(|e| e.to_string()),
                (Some(shape), None) => shape.pack()?,
                (None, _) => read_pack(&pack_path(args.dreamer.pack)?)?,
            };
            let settings = settings(&pack.manifest, &args.dreamer.decode, Start::Words.settings(&pack.manifest, 1))?;
            let most_words = pack.manifest.dynamics.as_ref().map_or(0, |d| d.prompt_words);
            let words = words_with_warning(&args.prompt, &pack.manifest.name, most_words)?;
            bench::run(&pack, &settings, &prompt::told(&words), &plan).map_err(|e| e.to_string())?;
            if let Some(anchor) = args.anchor {
                println!("anchor       {}", anchor.published());
            }
            if args.first_person { bench::within::run(&pack, &settings, &words, plan.frames) } else { Ok(()) }
        }
        None => {
            let args = cli.play;
            let mut launch = Launch::pack(&pack_path(args.dreamer.pack)?, args.dreamer.engine, args.image.as_ref())?;
            let words = args.show.say.words(launch.title(), launch.prompt_words())?;
            if args.image.is_none() && !words.is_empty() {
                launch = launch.starting(Start::Words);
            }
            let asks_for_another = args.new || args.image.is_some() || !words.is_empty() || args.show.seed.is_some();
            let mut shelf = shelf_for(&args.show);
            if let (Some(shelf), false) = (&mut shelf, asks_for_another)
                && let Some(last) = launch.dreamer().and_then(|pack| shelf.last(pack))
            {
                shelf.adopt(FIRST_DREAM, last.path);
                launch = launch.starting(Start::Dream(Arc::new(last.saved)));
            }
            let Launch::Pack { pack, start, .. } = &launch else { return Err("a pack was asked for".to_owned()) };
            let (seed, words) = start.under(args.show.seed, words);
            let settings = settings(&pack.manifest, &args.dreamer.decode, start.settings(&pack.manifest, seed))?;
            show(launch, words, &args.show, settings, shelf, started)
        }
    }
}

pub(super) fn pack_path(given: Option<PathBuf>) -> Result<PathBuf, String> {
    given.map_or_else(shipped_pack, Ok)
}

/// Prints what a world hears of a prompt, or of all in a list.
fn hear(text: &str, pack: &Pack) -> Result<(), String> {
    let title = &pack.manifest.name;
    let most_words = pack.manifest.dynamics.as_ref().map_or(0, |d| d.prompt_words);
    let path = Path::new(text);
    // The name of a file that is not there is no prompt.
    let is_list = path.is_file() || (path.extension().is_some_and(|ending| !ending.is_empty()) && !text.contains(char::is_whitespace));
    let list = if is_list { Some(PromptQueue::read(path, 1)?) } else { None };
    let prompts = list.as_ref().map_or_else(|| vec![text], PromptQueue::prompts);
    let mut in_vain = Vec::new();
    for prompt in prompts.iter().map(|prompt| one_line(prompt)) {
        println!("{prompt}");
        prompt_args::hear(&prompt, most_words).iter().for_each(|line| println!("    {line}"));
        in_vain.extend(prompt_args::words(&prompt, title, most_words).err());
    }
    match in_vain.first() {
        None => Ok(()),
        Some(why) if list.is_none() => Err(why.clone()),
        Some(why) => Err(format!("{} of the prompts in {text} change nothing; the first: {why}", in_vain.len())),
    }
}

/// A pack's own settings, or those of a dream that was left, changed as asked.
pub(super) fn settings(manifest: &Manifest, args: &DecodeArgs, own: DecodeSettings) -> Result<DecodeSettings, String> {
    let settings = DecodeSettings {
        steps: args.steps.unwrap_or(own.steps),
        temperature: args.temperature.unwrap_or(own.temperature),
        seed: own.seed,
        order: args.order.unwrap_or(own.order),
        window: args.memory.unwrap_or(own.window),
        context_level: own.context_level,
        guidance: args.guidance.unwrap_or(own.guidance),
        certain: args.certain.or(own.certain).filter(|p| *p != 0.0),
        min_p: args.min_p.unwrap_or(own.min_p),
        new_land: args.new_land.map_or(own.new_land, |NewLand(chance)| chance),
    };
    check_settings(manifest, &settings).map_err(|e| e.to_string())?;
    Ok(settings)
}

/// A simulator decodes nothing; only the seed is shown.
fn no_settings(seed: u32) -> DecodeSettings {
    DecodeSettings { seed, ..DecodeSettings::LEAST }
}

/// `shelf`: where dreams are kept that are left, if they are.
fn show(
    launch: Launch,
    words: Vec<u16>,
    args: &ShowArgs,
    settings: DecodeSettings,
    shelf: Option<Shelf>,
    started: Instant,
) -> Result<(), String> {
    let queue = args.say.queue(launch.title(), launch.prompt_words())?;
    let day = args.say.day(&words, launch.title(), launch.prompt_words())?;
    let told = day.words(&words, launch.prompt_words());
    if args.headless {
        let script = args.actions.as_deref().map(script::read).transpose().map_err(|e| e.to_string())?.unwrap_or_default();
        let frames = args.frames.unwrap_or(script.len());
        if frames == 0 {
            return Err("--headless needs --frames N or --actions SCRIPT to know how long to play".to_owned());
        }
        let mut source = launch.open_source(None, &told, &settings)?;
        let recording = Recording {
            path: args.record.as_ref(),
            map: args.map.as_ref(),
            scale: args.scale,
            glide: args.glide,
            first_person: args.first_person,
            settings,
        };
        let mut headless = Headless::new(source.as_ref(), &recording)?;
        headless.record(source.as_mut())?;
        let plan = HeadlessPlan { frames, script, settings, queue, words, day, blend_frames: args.say.blend };
        return headless.play(source.as_mut(), plan, launch.dreamer());
    }
    // At an event every start is alike.
    let left = if args.is_event() { View::default() } else { View::of_user(user_folder().as_deref()) };
    let as_left = args.window.is_none();
    // A list that was typed is there again, and stands still.
    let typed = PromptQueue::resting(left.prompts.clone(), left.every_secs);
    let queue = if args.say.has_queue() { queue } else { typed };
    window::run(WindowPlan {
        size: args.window.map_or(LogicalSize::<u32>::from(left.size).into(), |(width, height)| PhysicalSize::new(width, height).into()),
        maximized: as_left && left.maximized,
        fullscreen: args.fullscreen || args.kiosk || (as_left && left.fullscreen),
        kiosk: args.kiosk,
        event: args.is_event(),
        panel: args.panel || left.panel,
        hud: args.hud || left.figures,
        glide: left.glide && !args.no_glide,
        within: args.first_person || left.within,
        letters: args.letters.unwrap_or(left.letters),
        paused: args.paused,
        settings,
        rate: args.rate.unwrap_or_default(),
        prompt: match launch.saved().filter(|_| args.say.prompt.is_empty()) {
            Some(saved) => saved.about.prompt.clone(),
            None => args.say.prompt.clone(),
        },
        words: told,
        blend_frames: args.say.blend,
        queue,
        invitation: one_line(&args.invite),
        day,
        pictures: args.pictures.clone(),
        idle: args.idle.map(|secs| Duration::from_secs(u64::from(secs))),
        shelf,
        launch,
        started,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::pack::random::{odd_manifest, random_pack};

    #[test]
    fn crews_ask_for_large_letters_and_for_words_of_their_own() {
        Cli::command().debug_assert();
        let asked = |args: &[&str]| {
            let cli = Cli::try_parse_from([&["somnium"], args].concat());
            cli.map(|cli| (cli.play.show.letters, cli.play.show.invite)).map_err(|why| why.to_string())
        };
        assert_eq!(asked(&["--idle", "60", "--letters", "1.8"]), Ok((Some(1.8), INVITATION.to_owned())));
        assert_eq!(asked(&["--kiosk", "--idle", "60", "--invite", ""]), Ok((None, String::new())));
        for bad in ["0.4", "4.1", "large", "NaN"] {
            assert!(asked(&["--letters", bad]).is_err_and(|why| why.contains("0.5 to 4")), "{bad}");
        }
        assert!(asked(&["--invite", "Come in"]).is_err(), "somebody is always there");
        assert!(asked(&["--paused"]).is_ok() && asked(&["--paused", "--idle", "60"]).is_err(), "nothing would walk by itself");
    }

    #[test]
    fn a_seed_is_a_number_or_the_date_or_chance() {
        let late = Timestamp::from_second(20_818 * 86_400 + 86_399).unwrap();
        let [today, tomorrow] = [late, late + Duration::from_secs(1)].map(|now| seed_at("today", now));
        assert_eq!((today, tomorrow), (Ok(20_261_231), Ok(20_270_101)));
        let random: Vec<_> = (0..20).map(|_| seed_at("random", late)).collect();
        assert!(random.iter().all(Result::is_ok) && random.iter().any(|seed| *seed != random[0]), "{random:?}");
        let asked = |seed: &str| {
            let cli = Cli::try_parse_from(["somnium", "--seed", seed]);
            cli.map(|cli| cli.play.show.seed).map_err(|why| why.to_string())
        };
        assert_eq!(asked("7"), Ok(Some(7)));
        for bad in ["4294967296", "-1", "yesterday", ""] {
            assert!(asked(bad).is_err(), "{bad}");
        }
        assert!(asked("yesterday").is_err_and(|why| why.contains("\"today\" or \"random\"")));
        let dreams = |seed: &str| Cli::try_parse_from(["somnium", "dream", "--record", "a.gif", "--seed", seed]).is_ok();
        assert!(dreams("7") && dreams("today") && dreams("random") && !dreams("yesterday"));
    }

    #[test]
    fn a_tier_is_asked_for_by_its_name() {
        let asked = |named: &[&str]| {
            let cli = Cli::try_parse_from([&["somnium", "bench"], named].concat()).map_err(|why| why.to_string())?;
            match cli.command {
                Some(Sub::Bench(args)) => Ok((args.tier, args.no_tune)),
                _ => Err("another command".to_owned()),
            }
        };
        assert_eq!(asked(&[]), Ok((None, false)));
        for (name, tier) in [("bare", Tier::Bare), ("base", Tier::Base), ("f16", Tier::F16)] {
            assert_eq!(asked(&["--tier", name, "--no-tune"]), Ok((Some(tier), true)));
        }
        assert!(asked(&["--tier", "best"]).is_err_and(|why| why.contains("a tier is one of bare, base, f16")));
    }

    #[test]
    fn an_anchor_has_a_shape_of_its_own() {
        let asked = |named: &[&str]| {
            let cli = Cli::try_parse_from([&["somnium", "bench"], named].concat()).map_err(|why| why.to_string())?;
            match cli.command {
                Some(Sub::Bench(args)) => Ok(args.anchor),
                _ => Err("another command".to_owned()),
            }
        };
        assert_eq!(asked(&["--frames", "20"]), Ok(None));
        assert_eq!(asked(&["--anchor", "genie-1x"]), Ok(Some(Anchor::Genie1x)));
        assert_eq!(asked(&["--anchor", "web-player", "--certain", "0.9"]), Ok(Some(Anchor::WebPlayer)));
        for other in [&["--shape", "steps=1"][..], &["a.pack"], &["--steps", "1"], &["--growth"]] {
            let refused = asked(&[&["--anchor", "web-player"], other].concat());
            assert!(refused.is_err_and(|why| why.contains("cannot be used with")), "{other:?}");
        }
        assert!(asked(&["--anchor", "another"]).is_err_and(|why| why.contains("genie-1x") && why.contains("web-player")));
    }

    #[test]
    fn a_list_is_checked_and_a_prompt_as_well() {
        let pack = random_pack(odd_manifest(), 3).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.txt");
        let list = path.to_str().unwrap();
        std::fs::write(&path, "snow\n# a remark\nqwrtzx\n").unwrap();
        assert!(hear(list, &pack).unwrap_err().starts_with("1 of the prompts in"));
        std::fs::write(&path, "snow\nnight\n").unwrap();
        assert_eq!((hear(list, &pack), hear("Forest.", &pack)), (Ok(()), Ok(())));
        assert!(hear("a qwrtzx", &pack).unwrap_err().contains("qwrtzx"));
        assert!(hear("missing.txt", &pack).unwrap_err().contains("missing.txt"), "no prompt, but a file that is not there");
    }
}
