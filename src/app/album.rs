//! What players keep: pictures, maps and the last seconds, each a new file in a folder of pictures. The writer's thread writes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use winit::event_loop::EventLoopProxy;

use super::files::{Jobs, Place, caught, free_path};
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
/// How the names of pictures and films begin, and those of maps.
const KIND: &str = "somnium";
const MAP_KIND: &str = "somnium-map";
/// The same at an event, as no prompt makes them.
const VISIT_KIND: &str = "somnium_visit";
const VISIT_MAP_KIND: &str = "somnium_visit_map";
/// Pictures and films that are kept of an event, and bytes of them; older ones make room.
const MOST_OF_AN_EVENT: usize = 2000;
const MOST_BYTES_OF_AN_EVENT: u64 = 2_000_000_000;

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
        let saved = SavedDream::new(&self.pack, moment, &DecodeSettings { seed, ..self.settings }, (prompt, words.to_vec()));
        saved.to_bytes().map_err(|why| why.to_string())
    }
}

/// Where they are kept.
#[derive(Clone)]
pub struct Album {
    pub folder: PathBuf,
    pub jobs: Jobs,
    /// The window hears what became of them.
    pub proxy: EventLoopProxy<Wake>,
    /// Names say nothing of what visitors said, and the folder must not grow for ever.
    pub event: bool,
    /// What is said, as it was typed.
    pub prompt: String,
}

impl Album {
    /// Writes a picture and the dream in it: the map where there is one, else the newest frame, each enlarged so many times. Until then it has its `place`.
    pub fn save_picture(
        &self,
        kept: impl FnOnce() -> Result<(Kept, u32), String> + Send + 'static,
        map: Option<(Arc<Chart>, u32)>,
        said: Option<Said>,
        place: Place,
    ) {
        let kinds = if map.is_some() { [MAP_KIND, VISIT_MAP_KIND] } else { [KIND, VISIT_KIND] };
        let (name, leads_back) = (self.named(kinds, said.as_ref().map_or("", |said| &said.prompt)), said.is_some());
        let write = move |path: &Path| {
            let _until_then = place;
            match map {
                Some((chart, scale)) => {
                    let dream = said.zip(kept()?.0.dream).map(|(said, dream)| said.carried(dream)).transpose()?;
                    chart.write(path, scale, dream.as_deref()).map_err(|why| format!("{why}."))
                }
                None => kept().and_then(|(kept, scale)| write_kept(path, kept, said, scale)),
            }
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
            let written = caught(film);
            let placed =
                written.and_then(|()| fs::rename(&partial, path).map_err(|why| format!("cannot write {}: {why}.", path.display())));
            if placed.is_err() {
                // A part of it is of no use.
                _ = fs::remove_file(&partial);
            }
            placed
        };
        self.save(&self.named([KIND, VISIT_KIND], &self.prompt), ending, false, write);
    }

    /// A name of a kind, at home or at an event, for what shows this.
    fn named(&self, [at_home, at_event]: [&str; 2], prompt: &str) -> String {
        if self.event { at_event.to_owned() } else { named(at_home, prompt) }
    }

    /// Lets `write` make a new file whose name begins and ends so. `leads_back`: with a dream in it.
    fn save(&self, name: &str, ending: &'static str, leads_back: bool, write: impl FnOnce(&Path) -> Result<(), String> + Send + 'static) {
        let (tell, folder, name, event) = (self.proxy.clone(), self.folder.clone(), name.to_owned(), self.event);
        self.jobs.run(move || {
            let path = free_path(&folder, &name, ending);
            let wake = match caught(|| write(&path)) {
                Ok(()) => {
                    if event {
                        make_room(&path, MOST_OF_AN_EVENT, MOST_BYTES_OF_AN_EVENT);
                    }
                    Wake::Saved { path, leads_back }
                }
                Err(why) => Wake::Notice(why),
            };
            // The loop may be gone, the file is there.
            tell.send_event(wake).ok();
        });
    }
}

/// Whether a file has a name as it is given at an event: a kind, a time, and what tells apart those of the same second.
fn is_of_an_event(name: &str) -> bool {
    let Some((name, "png" | "gif" | "webp")) = name.rsplit_once('.') else { return false };
    let time = [VISIT_MAP_KIND, VISIT_KIND].into_iter().find_map(|kind| name.strip_prefix(kind)?.strip_prefix('-'));
    time.is_some_and(|time| !time.is_empty() && time.chars().all(|letter| letter.is_ascii_digit() || letter == '-'))
}

/// Leaves no more than so many such files, and bytes of them, in the folder of the `newest`, which stays: the clock may say that it is the oldest.
fn make_room(newest: &Path, most: usize, most_bytes: u64) {
    let when = |entry: fs::DirEntry| {
        let (about, path) = (entry.metadata().ok()?, entry.path());
        if !about.is_file() || path == newest || !is_of_an_event(entry.file_name().to_str()?) {
            return None;
        }
        Some((about.modified().ok()?, path, about.len()))
    };
    let entries = newest.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut others: Vec<(SystemTime, PathBuf, u64)> = entries.filter_map(when).collect();
    others.sort_unstable();
    let mut bytes = fs::metadata(newest).map_or(0, |about| about.len());
    let has_room = |(_, _, size): &&(SystemTime, PathBuf, u64)| {
        bytes += size;
        bytes <= most_bytes
    };
    let stay = others.iter().rev().take(most.saturating_sub(1)).take_while(has_room).count();
    for (_, old, _) in &others[..others.len() - stay] {
        fs::remove_file(old).unwrap_or_else(|why| log::warn!("cannot remove {}: {why}", old.display()));
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
    use std::time::Duration;

    use super::*;

    /// A file of so many bytes, written so many seconds after the clock's beginning.
    fn file(folder: &Path, name: &str, secs: u64, bytes: usize) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, vec![7u8; bytes]).unwrap();
        let when = SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        fs::File::options().write(true).open(&path).unwrap().set_modified(when).unwrap();
        path
    }

    #[test]
    fn at_an_event_the_oldest_pictures_make_room_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["somnium_visit-12.png", "somnium_visit-13.gif", "somnium_visit-13-1.png", "somnium_visit_map-15.png", "somnium_visit-16.webp"];
        let ours: Vec<PathBuf> = names.into_iter().zip(2..).map(|(name, secs)| file(folder.path(), name, secs, 0)).collect();
        let others = ["somnium-12.png", "somnium-visit-7.png", "somnium_visit-12.txt", "somnium_visit-.png", "12.png"];
        let others = others.map(|name| file(folder.path(), name, 0, 0));
        // Written when the clock stood at its beginning.
        let newest = file(folder.path(), "somnium_visit-0.png", 0, 0);
        let left = |most: usize| {
            make_room(&newest, most, u64::MAX);
            assert!(newest.exists() && others.iter().all(|path| path.exists()));
            ours.iter().filter(|path| path.exists()).collect::<Vec<_>>()
        };
        assert_eq!(left(6).len(), 5, "there was room");
        assert_eq!(left(4), [&ours[2], &ours[3], &ours[4]]);
        assert!(left(0).is_empty());
    }

    #[test]
    fn at_an_event_large_pictures_make_room_before_there_are_many() {
        let folder = tempfile::tempdir().unwrap();
        let ours: Vec<PathBuf> = (1..=4).map(|secs| file(folder.path(), &format!("somnium_visit-{secs}.png"), secs, 100)).collect();
        let another = file(folder.path(), "somnium-1.png", 0, 5000);
        let newest = file(folder.path(), "somnium_visit-5.gif", 5, 150);
        let left = |most_bytes: u64| {
            make_room(&newest, 2000, most_bytes);
            assert!(newest.exists() && another.exists());
            ours.iter().filter(|path| path.exists()).collect::<Vec<_>>()
        };
        assert_eq!(left(550).len(), 4, "there is room for all of them");
        assert_eq!(left(549), [&ours[1], &ours[2], &ours[3]], "a byte too many");
        assert_eq!(left(260), [&ours[3]]);
        assert!(left(1).is_empty(), "the newest stays, however large it is");
    }

    #[test]
    fn a_picture_is_named_by_what_was_said() {
        assert_eq!(named("somnium", "Icy  tundra, at midnight!"), "somnium-icy-tundra-at-midnight");
        assert_eq!(named("somnium-map", ""), "somnium-map");
        let long = named("somnium", &"forest ".repeat(20));
        assert!(long.ends_with("-forest") && long.len() <= "somnium".len() + NAME_LETTERS + 7, "{long}");
        assert_eq!(named("somnium", "../../etc/passwd"), "somnium-etc-passwd");
    }
}
