//! The command line.

mod args;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser as _;
use winit::dpi::{LogicalSize, PhysicalSize};

pub(super) use args::{Cli, DreamerArgs, png, seed};
use args::{DecodeArgs, InspectArgs, ShowArgs, Sub};

use super::bench::anchor::Anchor;
use super::bench::{BenchPlan, On};
use super::dreams::{self, FIRST_DREAM, Shelf};
use super::headless::{Headless, HeadlessPlan, Recording};
use super::open::{Launch, read_pack, shipped_pack};
use super::prompt_args::{self, words_with_warning};
use super::prompt_history::one_line;
use super::prompt_queue::PromptQueue;
use super::shape::Shape;
use super::sound::Volume;
use super::start::{DEFAULT_SEED, Start};
use super::view::View;
use super::window::{self, WindowPlan};
use super::{bench, dreamed, growth, inspect};
use crate::dream::script;
use crate::engine::inputs::check_settings;
use crate::engine::{DecodeSettings, NewLand};
use crate::input::bindings::user_folder;
use crate::pack::Pack;
use crate::pack::manifest::Manifest;
use crate::prompt;

/// What a wrong command line, a bad file, a missing display or adapter end with.
const BAD_INPUT: u8 = 2;

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
            #[cfg(windows)]
            super::console::complain(&why);
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
        context_level: args.context_level.unwrap_or(own.context_level),
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
        let mut source = launch.open_source(None, &told, &settings).map_err(|e| e.to_string())?;
        let recording = Recording {
            path: args.record.as_ref(),
            sound: args.sound.as_ref(),
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
    #[cfg(windows)]
    super::console::leave();
    window::run(WindowPlan {
        size: args.window.map_or(LogicalSize::<u32>::from(left.size).into(), |(width, height)| PhysicalSize::new(width, height).into()),
        maximized: as_left && left.maximized,
        fullscreen: args.fullscreen || args.kiosk || (as_left && left.fullscreen),
        display: args.display.map(|number| usize::from(number) - 1),
        kiosk: args.kiosk,
        event: args.is_event(),
        panel: args.panel || left.panel,
        hud: args.hud || left.figures,
        glide: left.glide && !args.no_glide,
        within: args.first_person || left.within,
        volume: Volume {
            now: args.volume.unwrap_or(if left.silent { 0.0 } else { left.volume }),
            loud: args.volume.filter(|volume| *volume > 0.0).unwrap_or(left.volume),
        },
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
        hand: args.hand,
        pictures: args.pictures.clone(),
        idle: args.idle.map(|secs| Duration::from_secs(u64::from(secs))),
        shelf,
        launch,
        started,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::random::{odd_manifest, random_pack};

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
