//! `somnium dream`: worlds from words, from a picture, from a clip with parts dreamed again or in another style, and from actions, into a file; or what
//! every prompt of a list begins with, on one sheet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::cli::{DreamerArgs, pack_path, png, seed, settings};
use super::headless::{Headless, HeadlessPlan, Recording};
use super::open::{maker, open_engine, read_pack, read_start};
use super::prompt_args::PromptArgs;
use super::sheet;
use super::start::Start;
use crate::clips::Clip;
use crate::dream::session::DreamSession;
use crate::dream::{Drive, Intent, Source, SourceInfo, script, still};
use crate::pack::Pack;
use crate::worlds;

/// A token is dreamed again where the mask is at least this bright on average, of 255: a quarter of it is white.
const MASKED: u32 = 64;

/// What a sheet shows nothing of.
const NOT_ON_A_SHEET: [&str; 15] = [
    "actions",
    "blend",
    "clip",
    "day",
    "every",
    "first_person",
    "frames",
    "glide",
    "image",
    "map",
    "mask",
    "prompt",
    "record",
    "sound",
    "stylise",
];

#[derive(Args, Debug)]
pub struct DreamArgs {
    #[command(flatten)]
    dreamer: DreamerArgs,
    #[command(flatten)]
    say: PromptArgs,
    /// Seed of the dream's chances, 1 where not given, or that of the dream gone on with. "today" is the date (UTC), and "random" another one every time.
    #[arg(long, value_name = "NUMBER|today|random", value_parser = seed)]
    seed: Option<u32>,
    /// Picture to begin with: PNG, JPEG, WebP, a GIF whose frames become history, or a saved picture whose dream goes on. Without one it begins with
    /// the prompt.
    #[arg(long, value_name = "FILE", conflicts_with = "clip")]
    image: Option<PathBuf>,
    /// Clip to change: a .clip, a GIF or WebP, or a folder of pictures.
    #[arg(long, value_name = "FILE")]
    clip: Option<PathBuf>,
    /// Picture that says where: what is white in it is dreamed again, of the picture or of every frame of the clip.
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// Dream this share of the picture or clip again, 0 to 1, in the style of the prompt.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    stylise: Option<f32>,
    /// What is pressed after that: "D*20 W*10 .*5", "east*20,north*10", "#3*4" for raw codes, or @FILE.
    #[arg(long, value_name = "SCRIPT")]
    actions: Option<String>,
    /// Frames to play after that; as many as the script has where not given.
    #[arg(long)]
    frames: Option<usize>,
    /// Record to a .gif or .webp, or the last frame to a .png.
    #[arg(long, value_name = "FILE", required_unless_present = "sheet")]
    record: Option<PathBuf>,
    /// Write what is heard along the film to a .wav that lasts as long.
    #[arg(long, value_name = "FILE")]
    sound: Option<PathBuf>,
    /// Write one .png with the first frame of every prompt of the queue, and the prompts below, and do nothing else.
    #[arg(long, value_name = "FILE", value_parser = png, requires = "prompt_queue", conflicts_with_all = NOT_ON_A_SHEET)]
    sheet: Option<PathBuf>,
    /// Write a map of all the land that was seen to a .png at the end.
    #[arg(long, value_name = "FILE", value_parser = png)]
    map: Option<PathBuf>,
    /// Whole-number enlargement of what is recorded.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    scale: u32,
    /// Pictures a frame in what is recorded: with more than one the view glides from step to step.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    glide: u32,
    /// Show the dream from within, through the eyes of the one who walks.
    #[arg(long)]
    first_person: bool,
}

fn share(text: &str) -> Result<f32, String> {
    text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0).ok_or_else(|| "a share is a number above 0, at most 1".to_owned())
}

/// Does as the arguments say.
///
/// # Errors
/// One sentence.
pub fn run(args: &DreamArgs) -> Result<(), String> {
    let pack = Arc::new(read_pack(&pack_path(args.dreamer.pack.clone())?)?);
    let m = &pack.manifest;
    let dims = m.dynamics.as_ref().ok_or_else(|| format!("{} holds a tokenizer only and cannot dream", m.name))?;
    let start = args.image.as_ref().map_or(Ok(Start::Words), |image| read_start(image, &pack))?;
    let (seed, words) = start.under(args.seed, args.say.words(&m.name, dims.prompt_words)?);
    let settings = settings(m, &args.dreamer.decode, start.settings(m, seed))?;
    let script = args.actions.as_deref().map(script::read).transpose().map_err(|e| e.to_string())?.unwrap_or_default();
    let frames = args.frames.unwrap_or(script.len());
    let (width_px, height_px) = (m.frame.width_px, m.frame.height_px);
    let load = |path: &Path| still::load(path, width_px, height_px).map_err(|e| e.to_string());
    let clip = args.clip.as_deref().map(|path| read_clip(path, width_px, height_px)).transpose()?;
    let mask = match &args.mask {
        Some(path) => Some(masked(&load(path)?[0].rgb, &pack).ok_or_else(|| format!("nothing in the mask {} is white", path.display()))?),
        None => None,
    };
    let queue = args.say.queue(&m.name, dims.prompt_words)?;
    let day = args.say.day(&words, &m.name, dims.prompt_words)?;

    let engine = open_engine(&pack, args.dreamer.engine, None).map_err(|e| e.to_string())?;
    let mut dream = DreamSession::new(engine).map_err(|e| e.to_string())?;
    if let Some(sheet) = &args.sheet {
        return sheet::write(sheet, &queue.prompts(), &mut dream, &settings, args.scale);
    }
    dream.dream_ahead_by(maker(pack.clone()));
    let recording = Recording {
        path: args.record.as_ref(),
        sound: args.sound.as_ref(),
        map: args.map.as_ref(),
        scale: args.scale,
        glide: args.glide,
        first_person: args.first_person,
        settings,
    };
    let mut output = Headless::new(&dream, &recording)?;
    let told = day.words(&words, dims.prompt_words);
    match &clip {
        Some(clip) => {
            dream.set_prompt(&told, 0).map_err(|e| e.to_string())?;
            let mut chosen = mask.unwrap_or_else(|| vec![args.stylise.is_some(); m.frame.patches()]);
            if let Some(share) = args.stylise {
                let some = dream.some_patches(share, settings.seed);
                chosen.iter_mut().zip(some).for_each(|(chosen, some)| *chosen &= some);
            }
            let chosen = dream.tokens_of(&chosen, args.stylise.is_some());
            let codes = codes_of(clip, &pack, dream.info());
            let frames: Vec<(Vec<u8>, u8)> = codes.into_iter().enumerate().map(|(t, code)| (clip.frame(t).to_vec(), code)).collect();
            output.dream_clip(&mut dream, &frames, &chosen, &settings)?;
        }
        None => {
            start.begin(&mut dream, &told, &settings).map_err(|e| e.to_string())?;
            if let Some(mask) = mask {
                dream.repaint(&mask, &[], &settings).map_err(|e| e.to_string())?;
            }
            if let Some(share) = args.stylise {
                dream.stylise(share, &settings).map_err(|e| e.to_string())?;
            }
            output.record(&mut dream)?;
        }
    }
    let plan = HeadlessPlan { frames, script, settings, queue, words, day, blend_frames: args.say.blend };
    output.play(&mut dream, plan, Some(&pack))
}

fn read_clip(path: &Path, width_px: usize, height_px: usize) -> Result<Clip, String> {
    let own = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("clip"));
    let clip = if own { Clip::load(path) } else { Clip::import(path, width_px, height_px) }.map_err(|e| e.to_string())?;
    if (clip.width_px, clip.height_px) != (width_px, height_px) {
        let (w, h) = (clip.width_px, clip.height_px);
        return Err(format!("the frames of the clip {} are {w}x{h} pixels, those of the pack {width_px}x{height_px}", path.display()));
    }
    Ok(clip)
}

/// The latent code that led into each frame of a clip: recorded actions go by their names in the world the pack was made from.
fn codes_of(clip: &Clip, pack: &Pack, info: &SourceInfo) -> Vec<u8> {
    let world = pack.manifest.provenance.world.as_deref().and_then(worlds::by_name);
    let names = world.as_ref().map_or(&[][..], |world| world.info().actions);
    let unknown = u8::try_from(info.actions.len()).unwrap_or(u8::MAX);
    let code = |action: &Option<u8>| {
        let intent = action.and_then(|action| names.get(usize::from(action))).and_then(|name| Intent::from_name(name));
        intent.map_or(unknown, |intent| info.code_of(Drive::Intent(intent)))
    };
    clip.actions.iter().map(code).collect()
}

/// Which patches a mask of the frame size chooses; `None` where it is all dark.
fn masked(rgb: &[u8], pack: &Pack) -> Option<Vec<bool>> {
    let frame = &pack.manifest.frame;
    let mut sums = vec![0u32; frame.patches()];
    for (i, pixel) in rgb.chunks_exact(3).enumerate() {
        let (x, y) = (i % frame.width_px / frame.patch_px, i / frame.width_px / frame.patch_px);
        sums[y * frame.grid_w() + x] += pixel.iter().map(|&c| u32::from(c)).sum::<u32>();
    }
    let chosen: Vec<bool> = sums.into_iter().map(|sum| sum >= MASKED * frame.patch_values() as u32).collect();
    chosen.contains(&true).then_some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::random::{look_manifest, random_pack};

    #[test]
    fn white_parts_of_a_mask_are_tokens() {
        let pack = random_pack(look_manifest(), 1).unwrap();
        let mask = |white: fn(usize, usize) -> bool| -> Vec<u8> {
            (0..21).flat_map(|y| (0..35).flat_map(move |x| [if white(x, y) { 255 } else { 0 }; 3])).collect()
        };
        // Tokens are 7 pixels a side, five in a row.
        let right = masked(&mask(|x, y| x >= 28 && y < 7), &pack).unwrap();
        assert_eq!(right, (0..15).map(|n| n == 4).collect::<Vec<_>>(), "the look is no part of a picture");
        assert_eq!(masked(&mask(|x, _| x < 2), &pack).unwrap().iter().filter(|c| **c).count(), 3, "two of seven columns");
        assert!(masked(&mask(|x, _| x < 1), &pack).is_none(), "one of seven columns is not enough");
    }
}
