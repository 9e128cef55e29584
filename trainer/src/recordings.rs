//! Clips recorded elsewhere: a folder of them to train on, and how pictures become such clips.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, ensure};
use somnium::clips::Clip;
use somnium::dream::Intent;
use somnium::{checksum, prompt};

use crate::source::{Bare, ClipSource, Dice, HELD_OUT, Mood, SourceInfo};

/// Frames of the longest clip that any stage asks for: shorter recordings are of no use.
pub const LEAST_FRAMES: usize = crate::encoding::TOKEN_CLIP_FRAMES;
/// Pixels of a token's patch in a world made from recordings.
pub const PATCH_PX: usize = 16;
/// Frames a second of recordings where nobody says otherwise.
pub const RECORDING_RATE_HZ: u32 = 10;
/// Words that a caption may have.
const MOST_WORDS: usize = 32;

/// Recordings (`.clip` files) of one folder. About one of ten is held out; where there are fewer than ten, training sees them all.
pub struct FolderSource {
    clips: Vec<Clip>,
    info: SourceInfo,
    /// Whether each action leads into any frame.
    recorded: Vec<bool>,
    /// Which of the clips are held out.
    held_out: Vec<bool>,
}

impl FolderSource {
    /// Opens the recordings of `folder`, which play at `rate_hz` frames a second. Those shorter than [`LEAST_FRAMES`] are left out, with a warning.
    ///
    /// # Errors
    /// One sentence that names the file and what is wrong with it.
    pub fn open(folder: &Path, rate_hz: u32) -> Result<Self> {
        let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
        let mut paths: Vec<_> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "clip")).collect();
        paths.sort();
        ensure!(
            !paths.is_empty(),
            "{} holds no .clip files; `somnium-train import` makes them of GIFs and of folders of pictures",
            folder.display()
        );
        let actions: Vec<String> = Intent::ALL.iter().map(|intent| intent.name().to_owned()).collect();
        let mut recorded = vec![false; actions.len()];
        let (mut clips, mut names): (Vec<Clip>, Vec<u64>) = Default::default();
        for path in &paths {
            let clip = Clip::load(path)?;
            let (width_px, height_px) = clips.first().map_or((clip.width_px, clip.height_px), |first| (first.width_px, first.height_px));
            ensure!(
                (clip.width_px, clip.height_px) == (width_px, height_px),
                "{}: frames of {}x{} pixels, but the first recording has {width_px}x{height_px}",
                path.display(),
                clip.width_px,
                clip.height_px
            );
            if clip.len() < LEAST_FRAMES {
                log::warn!("{} is left out: it has {} frames, and training needs {LEAST_FRAMES}", path.display(), clip.len());
                continue;
            }
            for action in clip.actions.iter().flatten() {
                let known = recorded.get_mut(usize::from(*action));
                *known.with_context(|| {
                    format!("{}: it records an action {action}; there are 0 to {}", path.display(), actions.len() - 1)
                })? = true;
            }
            clips.push(clip);
            names.push(checksum::of(path.file_name().unwrap_or_default().as_encoded_bytes()));
        }
        let Some(Clip { width_px, height_px, .. }) = clips.first() else {
            anyhow::bail!("no recording in {} has the {LEAST_FRAMES} frames that training needs", folder.display());
        };
        let (width_px, height_px) = (*width_px, *height_px);
        ensure!(
            width_px % PATCH_PX == 0 && height_px % PATCH_PX == 0,
            "frames of {width_px}x{height_px} pixels cannot be cut into patches of {PATCH_PX}"
        );
        let info = SourceInfo {
            name: "recordings".to_owned(),
            width_px,
            height_px,
            patch_px: PATCH_PX,
            rate_hz,
            actions,
            suggested_prompts: prompts_of(&clips),
        };
        Ok(Self { held_out: held_out(&names), clips, info, recorded })
    }
}

/// Which recordings are held out, by checksums of their names, so that those which come later change nothing for the others: about one of ten.
fn held_out(names: &[u64]) -> Vec<bool> {
    let by_name: Vec<bool> = names.iter().map(|name| name % 10 == 9).collect();
    let one = by_name.contains(&true) && by_name.contains(&false);
    let last = names.iter().max();
    if one { by_name } else { names.iter().map(|name| Some(name) == last).collect() }
}

/// What is said in recordings, each once, in order.
fn prompts_of(clips: &[Clip]) -> Vec<String> {
    let mut known = HashSet::new();
    clips.iter().flat_map(|clip| &clip.prompts).filter(|said| !said.is_empty() && known.insert(said.as_str())).take(8).cloned().collect()
}

impl ClipSource for FolderSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn records(&self, action: usize) -> bool {
        self.recorded[action]
    }

    /// A simulator that was recorded did as it was told, and says what is seen; of other recordings nobody knows.
    fn captions_are_wishes(&self) -> bool {
        self.clips.iter().any(|clip| clip.scenes.iter().any(Option::is_some))
    }

    fn content(&self) -> Vec<u8> {
        self.clips.iter().flat_map(|clip| checksum::of(&clip.frames).to_le_bytes()).collect()
    }

    fn clip(&self, number: u64, frames: usize, _mood: Mood) -> Result<Clip> {
        let held_out = |i: &usize| self.held_out[*i] == (number >= HELD_OUT);
        let choice = || (0..self.clips.len()).filter(|i| self.clips.len() < 10 || held_out(i)).map(|i| &self.clips[i]);
        // A long one has more to teach: every moment of all of them comes as often.
        let starts = |clip: &Clip| (clip.len() + 1).saturating_sub(frames);
        let all: usize = choice().map(starts).sum();
        ensure!(all > 0, "no recording has the {frames} frames that this stage needs");
        let mut start = Dice::new(number, 0).below(all);
        for clip in choice() {
            if start < starts(clip) {
                return Ok(clip.part(start, frames));
            }
            start -= starts(clip);
        }
        anyhow::bail!("a start lies behind all of the recordings")
    }

    fn under_look(&self, _number: u64, _frames: usize, _look: u64) -> Result<Option<(Clip, Bare)>> {
        Ok(None)
    }
}

/// How pictures become clips.
pub struct Import {
    pub width_px: usize,
    pub height_px: usize,
    /// What is said of every frame; may be empty.
    pub caption: String,
    /// Folder of the clips.
    pub out: PathBuf,
}

impl Import {
    /// Makes a `.clip` file of each animated GIF or folder of numbered pictures, each picture a frame. Gives how many frames each has.
    ///
    /// # Errors
    /// One sentence that names what cannot be taken in. Clips made before are there.
    pub fn run(&self, sources: &[PathBuf], stop: &AtomicBool) -> Result<Vec<(PathBuf, usize)>> {
        ensure!(
            self.width_px > 0 && self.height_px > 0 && self.width_px.is_multiple_of(PATCH_PX) && self.height_px.is_multiple_of(PATCH_PX),
            "frames of {}x{} pixels cannot be cut into patches of {PATCH_PX}",
            self.width_px,
            self.height_px
        );
        ensure!(
            self.caption.is_empty() || !prompt::words_of(&self.caption, MOST_WORDS).is_empty(),
            "no word of the caption {:?} is known",
            self.caption
        );
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot create {}", self.out.display()))?;
        let mut made = Vec::new();
        for source in sources {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let path = self.free_name(source, &made)?;
            ensure!(!path.exists(), "{} is there already: remove it, or name another folder with --out", path.display());
            let mut clip = Clip::import(source, self.width_px, self.height_px)?;
            clip.prompts.fill(self.caption.clone());
            clip.save(&path)?;
            made.push((path, clip.len()));
        }
        Ok(made)
    }

    /// A file for the clip of `source`, named after it: not one that this import has written already.
    fn free_name(&self, source: &Path, made: &[(PathBuf, usize)]) -> Result<PathBuf> {
        let named = source.canonicalize().with_context(|| format!("cannot read {}", source.display()))?;
        let stem = named.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut names = (1..).map(|n: u32| self.out.join(if n == 1 { format!("{stem}.clip") } else { format!("{stem}-{n}.clip") }));
        names.find(|path| made.iter().all(|(taken, _)| taken != path)).context("there is no name left")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::WorldSource;

    fn isles(number: u64, frames: usize) -> Clip {
        WorldSource::new("isles", 1).expect("the world exists").clip(number, frames, Mood::Still).expect("a clip")
    }

    #[test]
    fn what_is_held_out_stays_so_when_others_come() {
        let sums: Vec<u64> = (0..60).map(|i| checksum::of(format!("walk-{i}.clip").as_bytes())).collect();
        let (few, many) = (held_out(&sums[..40]), held_out(&sums));
        assert_eq!(few, many[..40]);
        assert!((2..=12).contains(&many.iter().filter(|held| **held).count()), "{many:?}");
        // Names that leave none, or all.
        assert_eq!(held_out(&[10, 30, 20]), [false, true, false]);
        assert_eq!(held_out(&[19, 9]), [true, false]);
    }

    #[test]
    fn long_recordings_teach_more_than_short_ones() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, frames, said) in [("long", 3 * LEAST_FRAMES, "a forest"), ("short", LEAST_FRAMES, "a desert")] {
            let mut clip = isles(1, frames);
            clip.prompts.fill(said.to_owned());
            clip.save(&folder.path().join(format!("{name}.clip"))).expect("a saved clip");
        }
        let source = FolderSource::open(folder.path(), 10).expect("a folder of clips");
        let of_the_short = |frames: usize| {
            let clips = (0..200).map(|number| source.clip(number, frames, Mood::Still).expect("a clip"));
            clips.filter(|clip| clip.prompts[0] == "a desert").count()
        };
        assert!((30..=70).contains(&of_the_short(1)), "{} of 200, where it is a quarter", of_the_short(1));
        assert!(of_the_short(LEAST_FRAMES) < 10, "one start of nearly two hundred");
        assert!(source.clip(1, 3 * LEAST_FRAMES + 1, Mood::Still).is_err());
    }

    #[test]
    fn other_clips_are_other_content() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let content = |seed: u64| {
            isles(seed, LEAST_FRAMES).save(&folder.path().join("walk.clip")).expect("a saved clip");
            FolderSource::open(folder.path(), 10).expect("a folder of clips").content()
        };
        let before = content(1);
        assert!(before == content(1) && before != content(2));
    }

    #[test]
    fn what_is_said_in_a_simulators_recordings_was_wished_and_in_others_it_is_told() {
        let wished = |scenes_are_known: bool| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut clip = isles(1, LEAST_FRAMES);
            if !scenes_are_known {
                clip.scenes.fill(None);
            }
            clip.save(&folder.path().join("walk.clip")).expect("a saved clip");
            FolderSource::open(folder.path(), 10).expect("a folder of clips").captions_are_wishes()
        };
        assert_eq!([true, false].map(wished), [true, false]);
    }

    #[test]
    fn short_recordings_are_left_out_and_bad_ones_are_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let save = |clip: &Clip, name: &str| clip.save(&folder.path().join(name)).expect("a saved clip");
        let why = || FolderSource::open(folder.path(), 10).err().map(|e| format!("{e:#}")).unwrap_or_default();
        assert!(why().contains("somnium-train import"));
        save(&isles(1, LEAST_FRAMES - 1), "short.clip");
        assert!(why().contains("no recording"), "{}", why());
        save(&isles(2, LEAST_FRAMES), "whole.clip");
        let source = FolderSource::open(folder.path(), 12).expect("one of them will do");
        assert_eq!((source.clips.len(), source.info.rate_hz), (1, 12));
        assert!((0..5).any(|action| source.records(action)));
        let mut strange = isles(3, LEAST_FRAMES);
        strange.actions[7] = Some(9);
        save(&strange, "strange.clip");
        assert!(why().contains("strange.clip") && why().contains("action 9"), "{}", why());
    }

    #[test]
    fn pictures_become_clips_that_say_what_they_show() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (out, stop) = (folder.path().join("clips"), AtomicBool::new(false));
        let clip = isles(1, 8);
        let gifs = ["a", "b"].map(|name| {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
            let path = folder.path().join(name).join("walk.gif");
            clip.export_gif(&path, 10, 1).expect("a GIF");
            path
        });
        let import =
            |caption: &str, width_px| Import { width_px, height_px: clip.height_px, caption: caption.to_owned(), out: out.clone() };
        let made = import("a forest", clip.width_px).run(&gifs, &stop).expect("clips");
        // Two sources of one name are two clips.
        assert_eq!(made, [(out.join("walk.clip"), 8), (out.join("walk-2.clip"), 8)]);
        let back = Clip::load(&made[1].0).expect("a clip");
        assert!(back.frames == clip.frames && back.prompts.iter().all(|said| said == "a forest"));
        let why = |import: Import| import.run(&gifs, &stop).expect_err("no good").to_string();
        // What was made before stays what it was.
        assert!(why(import("a desert", clip.width_px)).contains("walk.clip is there already"));
        assert!(Clip::load(&made[0].0).expect("a clip").prompts.iter().all(|said| said == "a forest"));
        assert!(why(import("qqq zzz", clip.width_px)).contains("no word of the caption"));
        assert!(why(import("", 100)).contains("patches of 16"));
    }
}
