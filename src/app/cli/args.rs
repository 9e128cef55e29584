//! What can be asked for on the command line.

use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

use crate::app::bench::anchor::Anchor;
use crate::app::dreamed;
use crate::app::open::EngineChoice;
use crate::app::prompt_args::{PromptArgs, within};
use crate::app::view::LETTERS;
use crate::dream::runner::Rate;
use crate::engine::gpu::tier::Tier;
use crate::engine::{NewLand, UnmaskOrder};
use crate::input::Hand;
use crate::pack::limits;

const EXAMPLES: &str = "\
In the window: W A S D or arrows walk, Enter takes a prompt, Space says another one, 1 to 5 turn it, Tab opens the panel, F11 is full screen.
Keys and pads are bound in bindings.toml in your config folder.

Examples:
  somnium                                                 play the shipped world
  somnium --prompt \"icy tundra at midnight\" --panel       begin with words, the panel open
  somnium --prompt \"a meadow\" --day 8                     a day goes by in eight minutes
  somnium --kiosk --idle 60 --prompt-queue list.txt       at an event
  somnium hear list.txt                                   what is heard of its prompts
  somnium dream --prompt-queue list.txt --sheet list.png  what they look like
  somnium --headless --actions \"D*30 W*20\" --record walk.gif
  somnium dream --prompt \"neon forest\" --frames 100 --record forest.webp";

/// A world you can walk through that no one drew: a small network dreams every frame while you hold W, A, S, D.
#[derive(Parser, Debug)]
#[command(name = "somnium", version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Sub>,
    #[command(flatten)]
    pub play: PlayArgs,
}

#[derive(Subcommand, Debug)]
pub enum Sub {
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
pub struct PlayArgs {
    #[command(flatten)]
    pub dreamer: DreamerArgs,
    /// Picture to start from: PNG, JPEG, WebP, a GIF whose frames become history, or a saved picture whose dream goes on. With a prompt and no picture
    /// the prompt is the start; with neither the window goes on with the last dream.
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Begin a new dream, and do not go on with the last.
    #[arg(long, conflicts_with = "image")]
    pub new: bool,
    #[command(flatten)]
    pub show: ShowArgs,
}

/// What dreams, and how.
#[derive(Args, Debug)]
pub struct DreamerArgs {
    /// World pack; the shipped one where not given.
    pub pack: Option<PathBuf>,
    /// What computes; auto is the CPU where every graphics adapter is a software one, or takes over 60 ms for a frame and more than twice what the CPU does.
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineChoice,
    #[command(flatten)]
    pub decode: DecodeArgs,
}

/// How frames are decoded; as the pack has it, or a dream that was left, where not given.
#[derive(Args, Debug)]
#[command(next_help_heading = "Decoding (as the pack has it, or a dream that was left, where not given)")]
pub struct DecodeArgs {
    /// Decoding steps a frame.
    #[arg(long, value_parser = within(1..=limits::MAX_STEPS))]
    pub steps: Option<u32>,
    /// How much is left to chance: 0 always takes the likeliest, 1 draws each as often as the network has it.
    #[arg(long)]
    pub temperature: Option<f32>,
    /// Which tokens a step settles first: random or confidence.
    #[arg(long)]
    pub order: Option<UnmaskOrder>,
    /// Frames the dream looks at, itself included.
    #[arg(long, value_name = "FRAMES")]
    pub memory: Option<usize>,
    /// How much the dream mistrusts the frames before: 0 for not at all, up to the highest level of the pack.
    #[arg(long, value_name = "LEVEL")]
    pub context_level: Option<usize>,
    /// How much the prompt is exaggerated, 0 to 4; above 0 every step is computed twice. The first of all frames and the first under new words have 0.5 at least.
    #[arg(long, value_name = "BETA")]
    pub guidance: Option<f32>,
    /// Settle tokens of at least this probability at once, and leave out the steps that then have nothing to do: 0.9, say; 0 for none.
    #[arg(long, value_name = "PROBABILITY")]
    pub certain: Option<f32>,
    /// Never draw what is less likely than this share of the likeliest: 0.1, say; 0 for everything.
    #[arg(long, value_name = "SHARE")]
    pub min_p: Option<f32>,
    /// How land that was never seen is drawn: at another temperature and min-p, 1,0.01, say, or the same as the rest.
    #[arg(long, value_name = "TEMPERATURE,MIN-P")]
    pub new_land: Option<NewLand>,
}

#[derive(Args, Debug)]
pub struct InspectArgs {
    /// World pack, or a picture that was saved; the shipped pack where not given.
    pub file: Option<PathBuf>,
    /// Check parity on this engine only.
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineChoice,
    /// World pack whose dream is in the picture; the shipped one where not given.
    #[arg(long, value_name = "PACK")]
    pub of: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct HearArgs {
    /// A prompt, or a text file with one a line.
    #[arg(value_name = "FILE|TEXT")]
    pub prompt: String,
    /// World pack that is told; the shipped one where not given.
    #[arg(long, value_name = "PACK")]
    pub by: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct BenchArgs {
    #[command(flatten)]
    pub dreamer: DreamerArgs,
    /// Random weights of this shape instead of a pack: "d=384,layers=6,tokens=256,context=4,steps=1", also with heads=, ffn=, patch=, and params=
    /// in place of d=; what is not given is smaller than in the shipped pack.
    #[arg(long, conflicts_with = "pack")]
    pub shape: Option<String>,
    /// A shape as large as a program of others whose speed was published, and what that was.
    #[arg(long, value_enum, conflicts_with_all = ["pack", "shape", "growth", "steps", "memory"])]
    pub anchor: Option<Anchor>,
    /// Write the shape's pack, with a parity clip of what the CPU engine dreams, and measure nothing.
    #[arg(long, value_name = "FILE", requires = "shape", conflicts_with_all = ["growth", "tier", "no_tune"])]
    pub write_pack: Option<PathBuf>,
    /// Measure how the time grows from a shape with tokens, context, steps and parameters.
    #[arg(long, conflicts_with_all = ["pack", "steps", "temperature", "order", "memory", "context_level", "guidance", "certain", "min_p", "new_land", "prompt"])]
    pub growth: bool,
    /// A prompt to measure under: what words cost.
    #[arg(long, default_value = "")]
    pub prompt: String,
    /// Threads of the CPU engine; one for each core, at most 8, where not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub threads: Option<u8>,
    /// Measure besides what it costs to preview so many branches at once: the next frame under one action each.
    #[arg(long, value_name = "N", conflicts_with = "growth", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub branches: Option<u8>,
    /// Measure besides what pictures of the world from within cost, drawn by the graphics adapter and by the processor, on a walk of 64 steps at most.
    #[arg(long, conflicts_with = "growth")]
    pub first_person: bool,
    /// Use the kernels of this tier of graphics devices at most, or those below it if they compute wrongly here: bare, base or f16.
    #[arg(long, value_parser = tier)]
    pub tier: Option<Tier>,
    /// Take the default tiles of matrix products, and not those that are quickest on this graphics device.
    #[arg(long)]
    pub no_tune: bool,
    /// Frames to measure, after a tenth as many to warm up.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub frames: u32,
}

#[derive(Args, Debug)]
pub struct WorldArgs {
    /// Name of the world.
    #[arg(default_value = "isles")]
    pub name: String,
    /// Stop daylight and weather.
    #[arg(long)]
    pub hold_ambience: bool,
    #[command(flatten)]
    pub show: ShowArgs,
}

/// What is said over the picture of an event while nobody is there.
const INVITATION: &str = "Touch or press a key to walk through a dream";

/// Headings of the help.
const WINDOW: &str = "Window";
const WITHOUT_WINDOW: &str = "Without a window";

/// How to show what plays.
#[derive(Args, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    pub say: PromptArgs,
    /// Seed of the dream's chances, or of the simulator's land: where not given 1, or that of the dream gone on with. With one, and no saved picture, a new
    /// dream begins. "today" is the date, the same for all who play on this day (UTC), and "random" another one at every start.
    #[arg(long, value_name = "NUMBER|today|random", value_parser = seed)]
    pub seed: Option<u32>,
    /// Frames a second, or "max"; the world's own rate where not given.
    #[arg(long, value_parser = rate, conflicts_with = "headless", help_heading = WINDOW)]
    pub rate: Option<Rate>,
    /// Size of the window in pixels; where not given as it was left.
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size, help_heading = WINDOW)]
    pub window: Option<(u32, u32)>,
    /// How much letters and buttons are enlarged, 0.5 to 4; where not given as they were left.
    #[arg(long, value_name = "TIMES", value_parser = letters, help_heading = WINDOW)]
    pub letters: Option<f32>,
    /// How loud it is, 0 to 1; where not given as it was left.
    #[arg(long, value_name = "LEVEL", value_parser = volume, conflicts_with = "headless", help_heading = WINDOW)]
    pub volume: Option<f32>,
    /// Start in full screen.
    #[arg(long, help_heading = WINDOW)]
    pub fullscreen: bool,
    /// Open the window, and fill the screen, on this display: 1 for the first that the system lists. One that is not there names those that are.
    #[arg(long, value_name = "N", conflicts_with = "headless", value_parser = clap::value_parser!(u8).range(1..), help_heading = WINDOW)]
    pub display: Option<u8>,
    /// For events: full screen that nobody leaves, no dialogs for files, and no way to quit but Ctrl+Shift+Q.
    #[arg(long, conflicts_with = "headless", help_heading = WINDOW)]
    pub kiosk: bool,
    /// For events: begin anew after so many seconds without anybody, and walk by itself until somebody comes; nothing is kept for the next start.
    #[arg(long, value_name = "SECS", conflicts_with_all = ["headless", "paused"], value_parser = clap::value_parser!(u32).range(5..=86_400), help_heading = WINDOW)]
    pub idle: Option<u32>,
    /// What stands large over the picture while nobody is there; "" for nothing.
    #[arg(long, value_name = "TEXT", default_value = INVITATION, requires = "idle", help_heading = WINDOW)]
    pub invite: String,
    /// What one plays with where nobody has pressed anything yet, or no more, and what hints name until somebody does: keys, pad or touch.
    #[arg(long, value_name = "keys|pad|touch", value_parser = hand, conflicts_with = "headless", help_heading = WINDOW)]
    pub hand: Option<Hand>,
    /// Folder for the pictures that are saved; where not given that of your pictures, and at an event they are not saved.
    #[arg(long, value_name = "FOLDER", value_parser = folder, conflicts_with = "headless", help_heading = WINDOW)]
    pub pictures: Option<PathBuf>,
    /// Start with the panel open.
    #[arg(long, help_heading = WINDOW)]
    pub panel: bool,
    /// Start with the bar of figures.
    #[arg(long, help_heading = WINDOW)]
    pub hud: bool,
    /// Show frames as they are, without gliding from one to the next.
    #[arg(long, help_heading = WINDOW)]
    pub no_glide: bool,
    /// Start paused.
    #[arg(long, help_heading = WINDOW)]
    pub paused: bool,
    /// Play without a window.
    #[arg(long, help_heading = WITHOUT_WINDOW)]
    pub headless: bool,
    /// Frames to play without a window; as many as the script has where not given.
    #[arg(long, requires = "headless", help_heading = WITHOUT_WINDOW)]
    pub frames: Option<usize>,
    /// What is pressed without a window: "D*20 W*10 .*5", "east*20,north*10", "#3*4" for raw codes, or @FILE.
    #[arg(long, value_name = "SCRIPT", requires = "headless", help_heading = WITHOUT_WINDOW)]
    pub actions: Option<String>,
    /// Record to a .gif or .webp, or the last frame to a .png.
    #[arg(long, value_name = "FILE", requires = "headless", help_heading = WITHOUT_WINDOW)]
    pub record: Option<PathBuf>,
    /// Write what is heard along the film to a .wav that lasts as long.
    #[arg(long, value_name = "FILE", requires = "record", help_heading = WITHOUT_WINDOW)]
    pub sound: Option<PathBuf>,
    /// Write a map of all the land that was seen to a .png at the end.
    #[arg(long, value_name = "FILE", value_parser = png, requires = "headless", help_heading = WITHOUT_WINDOW)]
    pub map: Option<PathBuf>,
    /// Whole-number enlargement of what is recorded.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16), requires = "headless", help_heading = WITHOUT_WINDOW)]
    pub scale: u32,
    /// Pictures a frame in what is recorded: with more than one the view glides from step to step.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10), requires = "headless", help_heading = WITHOUT_WINDOW)]
    pub glide: u32,
    /// Show the dream from within, through the eyes of the one who walks.
    #[arg(long)]
    pub first_person: bool,
}

impl ShowArgs {
    /// Whether strangers play, one after another, and nobody looks after them.
    pub fn is_event(&self) -> bool {
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

/// A seed by its number, the date or chance.
///
/// # Errors
/// A sentence that says what there is.
pub fn seed(text: &str) -> Result<u32, String> {
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

fn hand(text: &str) -> Result<Hand, String> {
    match text {
        "keys" => Ok(Hand::Keys),
        "pad" => Ok(Hand::Pad),
        "touch" => Ok(Hand::Finger),
        _ => Err("one plays by keys, pad or touch".to_owned()),
    }
}

fn letters(text: &str) -> Result<f32, String> {
    text.parse::<f32>().ok().filter(|times| LETTERS.contains(times)).ok_or_else(|| "letters are enlarged 0.5 to 4 times".to_owned())
}

fn volume(text: &str) -> Result<f32, String> {
    text.parse::<f32>().ok().filter(|level| (0.0..=1.0).contains(level)).ok_or_else(|| "a volume is a number from 0 to 1".to_owned())
}

/// Where a map or a sheet is written to.
///
/// # Errors
/// A sentence where that is no name of a PNG.
pub fn png(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let fits = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    if fits { Ok(path) } else { Err("a map or a sheet is a picture whose name ends in .png".to_owned()) }
}

fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() { Ok(path) } else { Err("there is no such folder".to_owned()) }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let side = |s: &str| s.parse().ok().filter(|px| (64..=16384).contains(px));
    text.split_once('x').and_then(|(w, h)| Some((side(w)?, side(h)?))).ok_or_else(|| "a size is WIDTHxHEIGHT, such as 800x600".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory as _;

    use super::*;

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
        assert!(asked(&["--display", "2"]).is_ok() && asked(&["--display", "0"]).is_err(), "they are counted from 1");
        assert!(asked(&["--paused"]).is_ok() && asked(&["--paused", "--idle", "60"]).is_err(), "nothing would walk by itself");
    }

    #[test]
    fn crews_say_what_one_plays_with() {
        let asked = |args: &[&str]| {
            let cli = Cli::try_parse_from([&["somnium"], args].concat());
            cli.map(|cli| cli.play.show.hand).map_err(|why| why.to_string())
        };
        assert_eq!(asked(&["--kiosk"]), Ok(None));
        for (name, hand) in [("keys", Hand::Keys), ("pad", Hand::Pad), ("touch", Hand::Finger)] {
            assert_eq!(asked(&["--kiosk", "--hand", name]), Ok(Some(hand)));
        }
        assert!(asked(&["--hand", "finger"]).is_err_and(|why| why.contains("keys, pad or touch")));
        assert!(asked(&["--headless", "--frames", "3", "--hand", "pad"]).is_err(), "nobody plays");
    }

    #[test]
    fn a_sheet_is_of_a_list_and_takes_the_place_of_a_recording() {
        let asked = |args: &[&str]| Cli::try_parse_from([&["somnium", "dream"], args].concat()).is_ok();
        let sheet = ["--prompt-queue", "list.txt", "--sheet", "list.png"];
        assert!(asked(&sheet) && asked(&[&sheet[..], &["--scale", "2", "--seed", "3", "--steps", "4"]].concat()));
        assert!(asked(&["--record", "a.gif"]) && !asked(&[]), "nothing would be written");
        assert!(!asked(&sheet[2..]) && !asked(&["--prompt-queue", "list.txt", "--sheet", "list.gif"]));
        for other in [&["--record", "a.gif"][..], &["--prompt", "snow"], &["--frames", "3"], &["--glide", "2"], &["--first-person"]] {
            assert!(!asked(&[&sheet[..], other].concat()), "{other:?}");
        }
    }

    #[test]
    fn a_sound_goes_with_a_film() {
        let asked = |args: &[&str]| Cli::try_parse_from([&["somnium"], args].concat()).is_ok();
        let (film, sound) = (["--record", "a.gif"], ["--sound", "a.wav"]);
        for play in [&["dream"][..], &["--headless", "--frames", "3"], &["world", "isles", "--headless", "--frames", "3"]] {
            assert!(asked(&[play, &film, &sound].concat()), "{play:?}");
            assert!(!asked(&[play, &sound].concat()), "{play:?}: what would it be as long as?");
        }
        assert!(!asked(&[film, sound].concat()), "a window is heard by itself");
        assert!(!asked(&[&["dream", "--prompt-queue", "list.txt", "--sheet", "list.png"][..], &sound].concat()));
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
}
