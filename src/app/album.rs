//! What players keep: pictures, maps and the last seconds, each a new file in a folder of pictures. The writer's thread writes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use winit::event_loop::EventLoopProxy;

use super::files::{Jobs, free_path};
use super::window::Wake;
use crate::dream::SourceInfo;
use crate::dream::chart::Chart;
use crate::dream::film::Film;
use crate::dream::record::write_picture;
use crate::dream::runner::{Kept, KeptDream};
use crate::dream::saved::SavedDream;
use crate::engine::DecodeSettings;
use crate::pack::Pack;
use crate::prompt;

/// Enlargement of a screenshot.
pub const SCREENSHOT_SCALE: u32 = 4;
/// Letters of a prompt in the name of a picture, at most.
const NAME_LETTERS: usize = 40;

/// What is said in a dream: what a [`Kept`] moment of it is saved with.
#[derive(Clone)]
pub struct Said {
    pub pack: Arc<Pack>,
    /// As it was typed, and the rows of the word table that the dream is told for it.
    pub prompt: String,
    pub words: Arc<[u16]>,
    /// How it is dreamed; the seed is the moment's own.
    pub settings: DecodeSettings,
}

impl Said {
    /// What a picture carries of a moment. One under other words was not that far yet, or is further, and is saved with its own.
    ///
    /// # Errors
    /// Half a sentence; there is no moment for which it is known to fail.
    pub fn carried(self, KeptDream { moment, seed, words, .. }: KeptDream) -> Result<Vec<u8>, String> {
        let prompt = if words == self.words { self.prompt } else { prompt::text_of(&words) };
        SavedDream::new(&self.pack, moment, &DecodeSettings { seed, ..self.settings }, (prompt, words.to_vec())).to_bytes()
    }
}

/// Where they are kept.
#[derive(Clone)]
pub struct Album {
    pub folder: PathBuf,
    pub jobs: Jobs,
    /// The window hears what became of them.
    pub proxy: EventLoopProxy<Wake>,
    /// Names say nothing of what visitors said.
    pub event: bool,
}

impl Album {
    /// Writes a picture and the dream in it: the map where there is one, else the newest frame, each enlarged so many times.
    pub fn save_picture(
        &self,
        kept: impl FnOnce() -> Result<(Kept, u32), String> + Send + 'static,
        map: Option<(Arc<Chart>, u32)>,
        said: Option<Said>,
    ) {
        let kind = if map.is_some() { "somnium-map" } else { "somnium" };
        let prompt = said.as_ref().filter(|_| !self.event).map_or("", |said| &said.prompt);
        let (name, leads_back) = (named(kind, prompt), said.is_some());
        let write = move |path: &Path| match map {
            Some((chart, scale)) => {
                let dream = said.zip(kept()?.0.dream).map(|(said, dream)| said.carried(dream)).transpose()?;
                chart.write(path, scale, dream.as_deref()).map_err(|why| format!("{why}."))
            }
            None => kept().and_then(|(kept, scale)| write_kept(path, kept, said, scale)),
        };
        self.save(&name, "png", leads_back, write);
    }

    /// Writes what `shoot` puts into a film of what `info` describes, as a file with this ending.
    pub fn keep(
        &self,
        shoot: impl FnOnce(&mut Film) -> Result<(), String> + Send + 'static,
        info: Arc<SourceInfo>,
        ([scale, glide], ending): ([u32; 2], &'static str),
    ) {
        let write = move |path: &Path| {
            // Under another name until it is whole.
            let partial = path.with_extension(format!("part.{ending}"));
            let film = || {
                let mut film = Film::create(&partial, &info, scale, glide).map_err(|why| format!("{why}."))?;
                shoot(&mut film)?;
                film.finish(None).map_err(|why| format!("{why}."))
            };
            let written = film();
            let placed =
                written.and_then(|()| std::fs::rename(&partial, path).map_err(|why| format!("cannot write {}: {why}.", path.display())));
            if placed.is_err() {
                // A part of it is of no use.
                _ = std::fs::remove_file(&partial);
            }
            placed
        };
        self.save("somnium", ending, false, write);
    }

    /// Lets `write` make a new file whose name begins and ends so. `leads_back`: with a dream in it.
    fn save(&self, name: &str, ending: &'static str, leads_back: bool, write: impl FnOnce(&Path) -> Result<(), String> + Send + 'static) {
        let (tell, folder, name) = (self.proxy.clone(), self.folder.clone(), name.to_owned());
        self.jobs.run(move || {
            let path = free_path(&folder, &name, ending);
            let wake = match write(&path) {
                Ok(()) => Wake::Saved { path, leads_back },
                Err(why) => Wake::Notice(why),
            };
            // The loop may be gone, the file is there.
            tell.send_event(wake).ok();
        });
    }
}

/// `kind`, and behind it what was said.
fn named(kind: &str, prompt: &str) -> String {
    let words = prompt.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut name = kind.to_owned();
    for word in words.map(str::to_lowercase) {
        if name.chars().count() + word.chars().count() > kind.len() + NAME_LETTERS {
            break;
        }
        name = format!("{name}-{word}");
    }
    name
}

/// Writes the picture that was kept, enlarged, and the dream in it.
///
/// # Errors
/// One sentence.
pub fn write_kept(path: &Path, kept: Kept, said: Option<Said>, scale: u32) -> Result<(), String> {
    let Kept { rgba, size_px, dream } = kept;
    let dream = said.zip(dream).map(|(said, dream)| said.carried(dream)).transpose()?;
    write_picture(path, &rgba, size_px, scale, dream.as_deref()).map_err(|why| format!("{why}."))
}

/// The user's pictures, or where there is no such folder the home, or the present one.
pub fn pictures_folder() -> PathBuf {
    let user = directories::UserDirs::new();
    let folder = user.as_ref().and_then(|user| user.picture_dir().filter(|folder| folder.is_dir()).or(Some(user.home_dir())));
    folder.map_or_else(|| PathBuf::from("."), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_named_by_what_was_said() {
        assert_eq!(named("somnium", "Icy  tundra, at midnight!"), "somnium-icy-tundra-at-midnight");
        assert_eq!(named("somnium-map", ""), "somnium-map");
        let long = named("somnium", &"forest ".repeat(20));
        assert!(long.ends_with("-forest") && long.len() <= "somnium".len() + NAME_LETTERS + 7, "{long}");
        assert_eq!(named("somnium", "../../etc/passwd"), "somnium-etc-passwd");
    }
}
