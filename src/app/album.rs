//! What players keep: pictures, maps and the last seconds, each a new file in a folder of pictures. The writer's thread writes them.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

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
use crate::worlds::random::Rng;

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
/// One that nobody has written to for so long is not on its way any more: what a crash left of it makes room.
const LEFT_AFTER: Duration = Duration::from_secs(3600);
/// A disk that does not take so many bytes, piece by piece, is full: more than any film has, of which nothing is left there by the time that one
/// asks. Then this part of all makes room for the next.
const PROBE_BYTES: usize = 64 << 20;
const PIECE_BYTES: usize = 1 << 20;
const PART_FOR_THE_NEXT: usize = 10;

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
            let written = match map {
                Some((chart, scale)) => {
                    let dream = said.zip(kept()?.0.dream).map(|(said, dream)| said.carried(dream)).transpose()?;
                    chart.write(path, scale, dream.as_deref()).map_err(|why| format!("{why}."))
                }
                None => kept().and_then(|(kept, scale)| write_kept(path, kept, said, scale)),
            };
            written.map(|()| None)
        };
        self.save(&name, "png", leads_back, write);
    }

    /// Writes what `shoot` puts into a film of what `info` describes, as a file with this ending; it gives how many frames that is.
    pub fn keep(
        &self,
        shoot: impl FnOnce(&mut Film) -> Result<usize, String> + Send + 'static,
        info: Arc<SourceInfo>,
        ([scale, glide], ending): ([u32; 2], &'static str),
    ) {
        let write = move |path: &Path| {
            // Under another name until it is whole.
            let partial = path.with_extension(format!("part.{ending}"));
            let film = || -> Result<Duration, String> {
                let mut film = Film::create(&partial, &info, scale, glide).map_err(|why| format!("{why}."))?;
                let frames = shoot(&mut film)?;
                film.finish(None).map_err(|why| format!("{why}."))?;
                Ok(Duration::from_secs_f32(frames as f32 / info.rate_hz.max(1) as f32))
            };
            let written = caught(film);
            // Whoever pulls the plug after that has it whole.
            let place = || fs::File::options().write(true).open(&partial)?.sync_all().and_then(|()| fs::rename(&partial, path));
            let placed =
                written.and_then(|lasts| place().map(|()| Some(lasts)).map_err(|why| format!("cannot write {}: {why}.", path.display())));
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

    /// Lets `write` make a new file whose name begins and ends so, and give how long it lasts if it is a film. `leads_back`: with a dream in it.
    fn save(
        &self,
        name: &str,
        ending: &'static str,
        leads_back: bool,
        write: impl FnOnce(&Path) -> Result<Option<Duration>, String> + Send + 'static,
    ) {
        let (tell, folder, name, event) = (self.proxy.clone(), self.folder.clone(), name.to_owned(), self.event);
        self.jobs.run(move || {
            let path = free_path(&folder, &name, ending);
            let wake = match caught(|| write(&path)) {
                Ok(lasts) => {
                    if event {
                        make_room(&path, MOST_OF_AN_EVENT, MOST_BYTES_OF_AN_EVENT);
                    }
                    Wake::Saved { path, leads_back, lasts }
                }
                Err(why) => {
                    if event && is_full(&path) {
                        log::warn!("the disk is full: the oldest pictures make room");
                        make_room_for_the_next(&path);
                    }
                    Wake::Notice(why)
                }
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

/// The same of a part of one: of a film, or of a picture as `whole_file` names it.
fn is_part_of_an_event(name: &str) -> bool {
    let film = name.rsplit_once(".part.").map(|(name, ending)| format!("{name}.{ending}"));
    let picture = || Some(name.strip_suffix(".part")?.rsplit_once('.')?.0.to_owned());
    film.or_else(picture).is_some_and(|whole| is_of_an_event(&whole))
}

/// Files of such names in the folder of `path`, but that itself, the oldest first: when each was written to, and its bytes.
fn beside(path: &Path, is_one: impl Fn(&str) -> bool) -> Vec<(SystemTime, PathBuf, u64)> {
    let when = |entry: fs::DirEntry| {
        let (about, other) = (entry.metadata().ok()?, entry.path());
        if !about.is_file() || other == path || !is_one(entry.file_name().to_str()?) {
            return None;
        }
        Some((about.modified().ok()?, other, about.len()))
    };
    let entries = path.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut found: Vec<(SystemTime, PathBuf, u64)> = entries.filter_map(when).collect();
    found.sort_unstable();
    found
}

fn remove(old: &Path) {
    fs::remove_file(old).unwrap_or_else(|why| log::warn!("cannot remove {}: {why}", old.display()));
}

/// Leaves no more than so many such files, and bytes of them, in the folder of the `newest`, which stays: the clock may say that it is the oldest.
fn make_room(newest: &Path, most: usize, most_bytes: u64) {
    let others = beside(newest, is_of_an_event);
    let mut bytes = fs::metadata(newest).map_or(0, |about| about.len());
    let has_room = |(_, _, size): &&(SystemTime, PathBuf, u64)| {
        bytes += size;
        bytes <= most_bytes
    };
    let stay = others.iter().rev().take(most.saturating_sub(1)).take_while(has_room).count();
    others[..others.len() - stay].iter().for_each(|(_, old, _)| remove(old));
    remove_parts(newest);
}

/// Removes what crashes left in the folder of a file.
fn remove_parts(file: &Path) {
    let is_left = |written: &SystemTime| written.elapsed().is_ok_and(|age| age > LEFT_AFTER);
    beside(file, is_part_of_an_event).iter().filter(|(written, ..)| is_left(written)).for_each(|(_, old, _)| remove(old));
}

/// Whether a file could not be written because there is no room for it. Any other fault is no reason to remove what visitors saved.
fn is_full(path: &Path) -> bool {
    let probe = path.with_extension("part.png");
    let taken = fill(&probe);
    _ = fs::remove_file(&probe);
    taken.is_err_and(|why| matches!(why.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

/// Writes a file that takes as much room as it has bytes, also on a disk that packs them.
fn fill(probe: &Path) -> io::Result<()> {
    let (mut file, mut chance, mut piece) = (fs::File::create(probe)?, Rng::new(0), vec![0_u8; PIECE_BYTES]);
    (0..PROBE_BYTES / PIECE_BYTES).try_for_each(|_| {
        piece.chunks_exact_mut(8).for_each(|some| some.copy_from_slice(&chance.next().to_le_bytes()));
        file.write_all(&piece)
    })
}

/// On a disk that has room for less than all that may be kept: what crashes left goes, and the oldest tenth.
fn make_room_for_the_next(missing: &Path) {
    let others = beside(missing, is_of_an_event);
    others[..others.len().div_ceil(PART_FOR_THE_NEXT)].iter().for_each(|(_, old, _)| remove(old));
    remove_parts(missing);
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
    use std::collections::HashSet;

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
    fn what_crashes_left_at_an_event_goes_and_what_is_on_its_way_stays() {
        let folder = tempfile::tempdir().unwrap();
        let parts = ["somnium_visit-7.part.gif", "somnium_visit_map-7-1.png.4711.part", "somnium_visit-8.part.webp"];
        let parts = parts.map(|name| file(folder.path(), name, 7, 10));
        let others = ["somnium-7.part.gif", "somnium_visit-7.part", "somnium-forest-7.png.4711.part", "somnium_visit-7.gif.part.txt"];
        let others = others.map(|name| file(folder.path(), name, 7, 10));
        // Written to just now.
        let on_its_way = folder.path().join("somnium_visit-9.part.gif");
        fs::write(&on_its_way, b"half").unwrap();
        let newest = file(folder.path(), "somnium_visit-10.png", 10, 10);
        make_room(&newest, 2000, u64::MAX);
        assert!(parts.iter().all(|path| !path.exists()) && others.iter().all(|path| path.exists()));
        assert!(on_its_way.exists() && newest.exists());
    }

    #[test]
    fn on_a_full_disk_the_oldest_tenth_makes_room_for_the_next_picture() {
        let folder = tempfile::tempdir().unwrap();
        let ours: Vec<PathBuf> = (1..=11).map(|secs| file(folder.path(), &format!("somnium_visit-{secs}.png"), secs, 10)).collect();
        let another = file(folder.path(), "somnium-1.png", 0, 10);
        let missing = folder.path().join("somnium_visit-12.png");
        // A disk with room is not full, and nothing of the probe stays.
        assert!(!is_full(&missing) && fs::read_dir(folder.path()).unwrap().count() == 12);
        // Neither is a folder that is not there.
        assert!(!is_full(&folder.path().join("deep/somnium_visit-12.png")));
        make_room_for_the_next(&missing);
        assert_eq!(ours.iter().filter(|path| path.exists()).collect::<Vec<_>>(), ours[2..].iter().collect::<Vec<_>>());
        assert!(another.exists());
    }

    #[test]
    fn a_disk_cannot_leave_out_anything_of_what_it_is_asked_by() {
        let folder = tempfile::tempdir().unwrap();
        let probe = folder.path().join("probe");
        fill(&probe).unwrap();
        let bytes = fs::read(&probe).unwrap();
        let blocks: HashSet<&[u8]> = bytes.chunks(4096).collect();
        assert_eq!((bytes.len(), blocks.len()), (PROBE_BYTES, PROBE_BYTES / 4096));
        // As often every byte as any other, within a fiftieth.
        let mut counts = [0_usize; 256];
        bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        assert!(counts.iter().all(|count| count.abs_diff(PROBE_BYTES / 256) < PROBE_BYTES / 256 / 50), "{counts:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_disk_that_takes_nothing_is_full() {
        let folder = tempfile::tempdir().unwrap();
        // What is written there meets a disk without room.
        std::os::unix::fs::symlink("/dev/full", folder.path().join("somnium_visit-1.part.png")).unwrap();
        assert!(is_full(&folder.path().join("somnium_visit-1.gif")));
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing of the probe stays");
        assert!(!is_full(&folder.path().join("somnium_visit-1.gif")), "the control");
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
