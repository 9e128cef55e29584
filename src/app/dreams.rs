//! Dreams that were left. Every world that somebody walked in is kept in a file of its own while it is walked in, so that closing the window, a fault or another
//! beginning loses none; the next start goes on with the last.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::album::{self, Said};
use super::files;
use crate::dream::Intent;
use crate::dream::runner::{Kept, KeptDream};
use crate::dream::saved::SavedDream;
use crate::dream::session::Moment;
use crate::dream::still::{self, Still};
use crate::engine::TokenFrame;
use crate::pack::Pack;

/// A world in which fewer steps were walked is not worth keeping.
const LEAST_STEPS: usize = 20;
/// Dreams that are kept; older ones make room.
const MOST: usize = 24;
/// Number of the dream that a session begins with.
pub const FIRST_DREAM: u32 = 1;
/// Names of their files.
const KIND: &str = "dream";
const ENDING: &str = "png";
/// Ending of a dream's file that was forgotten and can still be brought back.
const FORGOTTEN: &str = "forgotten";
/// Held by the window that goes on with the last dream: another one beside it begins its own.
const LOCK: &str = "lock";

/// Where dreams are kept: `SOMNIUM_DATA` where that is set, else the system's folder for a program's data.
pub fn folder() -> Option<PathBuf> {
    let data = match std::env::var_os("SOMNIUM_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => directories::ProjectDirs::from("", "", "somnium")?.data_dir().to_owned(),
    };
    Some(data.join("dreams"))
}

/// When a file was written last.
fn written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|about| about.modified()).ok()
}

/// Files of dreams, the latest first.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(KIND) && name.ends_with(ENDING) && path.is_file()
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(SystemTime, PathBuf)> =
        entries.map(|entry| entry.path()).filter(is_one).map(|path| (written(&path).unwrap_or(SystemTime::UNIX_EPOCH), path)).collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().map(|(_, path)| path).collect()
}

/// A dream that was left, and its last frame.
pub struct Left {
    pub path: PathBuf,
    pub saved: SavedDream,
    pub still: Still,
    pub kept_at: Option<SystemTime>,
}

/// The dreams of this pack's world, the latest first; what cannot be read is passed over.
fn latest<'a>(folder: &Path, pack: &'a Pack) -> impl Iterator<Item = Left> + use<'a> {
    let frame = &pack.manifest.frame;
    let read = move |path: PathBuf| {
        let picture = still::read(&path).ok()?;
        let saved = SavedDream::in_picture(&picture, pack).ok()??;
        let still = still::decode(&path.display().to_string(), &picture, frame.width_px, frame.height_px).ok()?.pop()?;
        Some(Left { kept_at: written(&path), path, saved, still })
    };
    files_in(folder).into_iter().filter_map(read)
}

/// Whether somebody walked there long enough.
fn is_worth_keeping(pack: &Pack, moment: &Moment) -> bool {
    let action = |frame: &TokenFrame| pack.manifest.actions.get(usize::from(frame.action));
    let walked = |frame: &&TokenFrame| action(frame).is_some_and(|action| !action.bound_to.iter().any(|name| name == Intent::Stay.name()));
    moment.before.as_ref().is_some_and(|map| map.frames() > 0) || moment.history.iter().filter(walked).count() >= LEAST_STEPS
}

/// Where the dreams of a window are kept.
pub struct Shelf {
    folder: PathBuf,
    /// Held while the program runs, where it could be.
    _lock: Option<fs::File>,
    /// Another window holds it.
    shared: bool,
    /// Files of the session's dreams, by their number.
    files: HashMap<u32, Place>,
    /// The file of the dream that plays, once it has one.
    now: Option<PathBuf>,
    /// Where the dream was kept that was forgotten last.
    forgotten: Option<PathBuf>,
    /// That dreams cannot be kept was said.
    complained: bool,
}

/// A file that a dream is kept in.
struct Place {
    path: PathBuf,
    /// When this window read it or wrote it last: what changed since is another window's.
    seen: Option<SystemTime>,
}

impl Place {
    fn now(path: PathBuf) -> Self {
        Self { seen: written(&path), path }
    }

    fn is_ours(&self) -> bool {
        self.seen.is_some() && self.seen == written(&self.path)
    }
}

impl Shelf {
    pub fn new(folder: PathBuf) -> Self {
        let lock = fs::create_dir_all(&folder).and_then(|()| fs::File::create(folder.join(LOCK))).ok();
        // Where a folder can be read alone, or has no locks, nothing says that there is another window.
        let locked = lock.as_ref().map(fs::File::try_lock);
        let shared = matches!(locked, Some(Err(fs::TryLockError::WouldBlock)));
        if matches!(locked, Some(Ok(()))) {
            // Left there by a fault.
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
            entries.filter(|path| path.extension().is_some_and(|ending| ending == FORGOTTEN)).for_each(|path| remove(&path));
        }
        Self { folder, _lock: lock, shared, files: HashMap::new(), now: None, forgotten: None, complained: false }
    }

    /// Whether another window has the dream that was left last.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// The dream of this pack's world that was left last, if no other window plays it.
    pub fn last(&self, pack: &Pack) -> Option<Left> {
        if self.shared { None } else { latest(&self.folder, pack).next() }
    }

    /// The dreams of this pack's world that were left, the latest first: without the one that plays, of this number where it is known.
    pub fn earlier(&self, pack: &Pack, playing: Option<u32>) -> Vec<Left> {
        let plays = match playing {
            Some(dream) => self.file_of(dream),
            None => self.now.as_ref(),
        };
        let mut left = self.latest(pack);
        left.retain(|left| Some(&left.path) != plays);
        left
    }

    /// The dreams of this pack's world, the latest first.
    fn latest(&self, pack: &Pack) -> Vec<Left> {
        latest(&self.folder, pack).collect()
    }

    /// A dream of the session is the one in this file; where another window may play that, it gets a file of its own.
    pub fn adopt(&mut self, dream: u32, file: PathBuf) {
        if !self.shared {
            self.files.retain(|_, other| other.path != file);
            self.files.insert(dream, Place::now(file));
        }
    }

    /// Where a dream of the session is kept, if it is.
    pub fn file_of(&self, dream: u32) -> Option<&PathBuf> {
        self.files.get(&dream).map(|place| &place.path)
    }

    /// Forgets a dream. It can be brought back until another one is forgotten, or the program ends.
    ///
    /// # Errors
    /// One sentence.
    pub fn forget(&mut self, file: &Path) -> Result<(), String> {
        fs::rename(file, file.with_extension(FORGOTTEN)).map_err(|why| format!("cannot remove {}: {why}.", file.display()))?;
        if let Some(before) = self.forgotten.replace(file.to_owned()).filter(|before| before != file) {
            remove(&before.with_extension(FORGOTTEN));
        }
        Ok(())
    }

    /// Whether there is one to bring back.
    pub fn has_forgotten(&self) -> bool {
        self.forgotten.is_some()
    }

    /// Brings back the dream that was forgotten last, if one was.
    ///
    /// # Errors
    /// One sentence.
    pub fn bring_back(&mut self) -> Result<(), String> {
        let Some(file) = &self.forgotten else { return Ok(()) };
        fs::rename(file.with_extension(FORGOTTEN), file).map_err(|why| format!("cannot bring back {}: {why}.", file.display()))?;
        self.forgotten = None;
        Ok(())
    }

    /// The dream that played was left.
    pub fn left(&mut self) {
        self.now = None;
    }

    /// Another session begins, with numbers of its own.
    pub fn forget_numbers(&mut self) {
        self.files.clear();
        self.now = None;
    }

    /// Writes a dream to its file, where it is worth that.
    ///
    /// # Errors
    /// One sentence, once until one is written again.
    pub fn put(&mut self, kept: Kept, said: Said) -> Result<(), String> {
        let Some(KeptDream { number, moment, .. }) = &kept.dream else { return Ok(()) };
        let known = self.files.get(number);
        if known.is_none() && !is_worth_keeping(&said.pack, moment) {
            return Ok(());
        }
        let number = *number;
        let ours = known.filter(|place| place.is_ours()).map(|place| place.path.clone());
        let (is_new, path) = (ours.is_none(), ours.unwrap_or_else(|| files::free_path(&self.folder, KIND, ENDING)));
        let written = album::write_kept(&path, kept, Some(said), 1);
        let complained = std::mem::replace(&mut self.complained, written.is_err());
        match written {
            Ok(()) => {
                // Once is enough to know where.
                let level = if is_new { log::Level::Info } else { log::Level::Debug };
                log::log!(level, "the dream is kept in {}", path.display());
                self.files.insert(number, Place::now(path.clone()));
                if is_new {
                    self.remove_oldest(&path);
                }
                self.now = Some(path);
                Ok(())
            }
            Err(why) if complained => {
                log::warn!("{why}");
                Ok(())
            }
            Err(why) => Err(why),
        }
    }

    /// Leaves no more files in the folder than are kept, the `newest` among them. Those of this session go last: where the clock was set back they count as the
    /// oldest.
    fn remove_oldest(&self, newest: &Path) {
        let files = files_in(&self.folder);
        let is_ours = |path: &&PathBuf| self.files.values().any(|place| place.path == **path);
        let (ours, others): (Vec<_>, Vec<_>) = files.iter().rev().filter(|path| *path != newest).partition(is_ours);
        for old in others.into_iter().chain(ours).take(files.len().saturating_sub(MOST)) {
            remove(old);
        }
    }
}

impl Drop for Shelf {
    /// What was forgotten cannot be brought back any more.
    fn drop(&mut self) {
        self.forgotten.iter().for_each(|file| remove(&file.with_extension(FORGOTTEN)));
    }
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap_or_else(|why| log::warn!("cannot remove {}: {why}", path.display()));
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::engine::DecodeSettings;
    use crate::engine::recall::Map;
    use crate::pack::random::{look_manifest, random_pack};
    use crate::prompt::text_of;

    const SECOND: Duration = Duration::from_secs(1);

    fn said() -> Said {
        Said {
            pack: Arc::new(random_pack(look_manifest(), 5).unwrap()),
            prompt: "a wood".to_owned(),
            words: [1].into(),
            settings: DecodeSettings::LEAST,
        }
    }

    /// A dream in which so many steps were walked.
    fn kept(number: u32, steps: usize) -> Kept {
        let frame = |action| TokenFrame { codes: vec![1; 48], action, moved: false, prompt: Vec::new() };
        let history = (0..=steps).map(|step| frame(if step == 0 { 3 } else { 1 })).collect();
        let moment = Moment { before: None, history, next_frame: 9, start: Vec::new() };
        Kept { rgba: vec![90; 35 * 21 * 4], size_px: [35, 21], dream: Some(KeptDream { number, moment, seed: 3, words: [1].into() }) }
    }

    #[test]
    fn every_dream_that_was_walked_in_has_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::new(folder.path().join("dreams"));
        let said = said();
        let steps = |shelf: &Shelf| -> Vec<usize> {
            let mut steps: Vec<usize> = shelf.latest(&said.pack).iter().map(|left| left.saved.moment.history.len() - 1).collect();
            steps.sort_unstable();
            steps
        };
        shelf.put(kept(1, LEAST_STEPS - 1), said.clone()).unwrap();
        assert!(steps(&shelf).is_empty(), "hardly anybody was there");
        shelf.put(kept(1, 30), said.clone()).unwrap();
        shelf.put(kept(2, 40), said.clone()).unwrap();
        shelf.put(kept(1, 35), said.clone()).unwrap();
        assert_eq!(steps(&shelf), [35, 40]);
        let about = |shelf: &Shelf| shelf.last(&said.pack).unwrap().saved.about;
        assert_eq!((about(&shelf).seed, about(&shelf).prompt.as_str(), &about(&shelf).words), (3, "a wood", &vec![1]));
        // One under other words than those that are said by now is saved with its own.
        let under_others = KeptDream { words: [2].into(), ..kept(2, 40).dream.unwrap() };
        shelf.put(Kept { dream: Some(under_others), ..kept(2, 40) }, said.clone()).unwrap();
        let texts: HashSet<String> = shelf.latest(&said.pack).into_iter().map(|left| left.saved.about.prompt).collect();
        assert_eq!(texts, HashSet::from(["a wood".to_owned(), text_of(&[2])]));
        // One that is gone on with stays in its file, however little is walked in it.
        let first = shelf.latest(&said.pack).into_iter().find(|left| left.saved.moment.history.len() == 36).unwrap().path;
        shelf.adopt(3, first.clone());
        shelf.put(kept(3, 2), said.clone()).unwrap();
        assert_eq!(steps(&shelf), [2, 40]);
        // A window beside it goes on with nothing, and writes over nothing.
        let mut beside = Shelf::new(folder.path().join("dreams"));
        assert!(beside.last(&said.pack).is_none() && beside.latest(&said.pack).len() == 2);
        beside.adopt(1, first);
        beside.put(kept(1, 50), said.clone()).unwrap();
        assert_eq!(steps(&beside), [2, 40, 50]);
        // A third one, which is alone with the folder, goes on with the dream of the one beside; neither writes over the other.
        drop(shelf);
        let mut third = Shelf::new(folder.path().join("dreams"));
        let theirs = third.last(&said.pack).unwrap();
        assert_eq!(theirs.saved.moment.history.len(), 51);
        third.adopt(1, theirs.path);
        let later = |path: &Path| fs::File::options().write(true).open(path).unwrap().set_modified(SystemTime::now() + SECOND).unwrap();
        beside.put(kept(1, 60), said.clone()).unwrap();
        later(third.file_of(1).unwrap());
        third.put(kept(1, 70), said.clone()).unwrap();
        third.put(kept(1, 71), said.clone()).unwrap();
        assert_eq!(steps(&third), [2, 40, 60, 71]);
        drop(third);
        assert!(Shelf::new(folder.path().join("dreams")).last(&said.pack).is_some(), "the first window is gone");
    }

    #[test]
    fn standing_is_no_walk_and_a_long_dream_is_one() {
        let mut pack = random_pack(look_manifest(), 5).unwrap();
        let moment = kept(1, 30).dream.unwrap().moment;
        assert!(is_worth_keeping(&pack, &moment));
        pack.manifest.actions[1].bound_to = vec!["stay".to_owned()];
        assert!(!is_worth_keeping(&pack, &moment));
        let mut map = Map::new(&pack.manifest.frame, pack.manifest.dynamics.as_ref().unwrap().recall.as_ref().unwrap());
        map.remember(&[1; 48], [0, 0], false);
        assert!(is_worth_keeping(&pack, &Moment { before: Some(map), ..moment }));
    }

    #[test]
    fn what_is_forgotten_can_be_brought_back_until_another_one_is_or_the_program_ends() {
        let folder = tempfile::tempdir().unwrap();
        let said = said();
        let mut shelf = Shelf::new(folder.path().to_owned());
        for number in 1..=3 {
            shelf.put(kept(number, 30 + number as usize), said.clone()).unwrap();
        }
        let files = [1, 2, 3].map(|number| shelf.file_of(number).unwrap().clone());
        let there = |shelf: &Shelf| -> HashSet<PathBuf> { shelf.latest(&said.pack).into_iter().map(|left| left.path).collect() };
        let (all, when) = (there(&shelf), written(&files[1]));
        assert_eq!(all.len(), 3);
        shelf.forget(&files[1]).unwrap();
        assert!(there(&shelf).len() == 2 && !files[1].exists());
        shelf.bring_back().unwrap();
        assert_eq!((there(&shelf), written(&files[1])), (all, when), "as it was");
        shelf.forget(&files[1]).unwrap();
        // Where it cannot be brought back yet it is not lost.
        fs::create_dir(&files[1]).unwrap();
        assert!(shelf.bring_back().is_err_and(|why| why.contains("cannot bring back")) && shelf.has_forgotten());
        fs::remove_dir(&files[1]).unwrap();
        shelf.bring_back().unwrap();
        assert!(files[1].is_file() && !shelf.has_forgotten());
        shelf.forget(&files[1]).unwrap();
        shelf.forget(&files[0]).unwrap();
        assert!(shelf.forget(&files[0]).is_err_and(|why| why.contains("cannot remove")), "it is gone already");
        // The one before it is gone for good.
        (0..2).for_each(|_| shelf.bring_back().unwrap());
        assert_eq!(there(&shelf), HashSet::from([files[0].clone(), files[2].clone()]));
        // Who comes back to it by other ways has a file again.
        shelf.put(kept(2, 40), said.clone()).unwrap();
        assert_eq!(there(&shelf).len(), 3);
        shelf.forget(&files[2]).unwrap();
        drop(shelf);
        let left = |ending: &str| files_with(folder.path(), ending);
        assert_eq!((left(FORGOTTEN), left(ENDING)), (0, 2));
        // What a fault has left there goes at the next start, and not while another window plays.
        let leftover = folder.path().join("dream-1.forgotten");
        let first = Shelf::new(folder.path().to_owned());
        fs::write(&leftover, "").unwrap();
        drop(Shelf::new(folder.path().to_owned()));
        assert!(leftover.exists());
        drop(first);
        drop(Shelf::new(folder.path().to_owned()));
        assert!(!leftover.exists());
    }

    #[test]
    fn the_dream_that_plays_is_none_of_the_earlier_ones_until_it_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (mut shelf, said) = (Shelf::new(folder.path().to_owned()), said());
        let earlier = |shelf: &Shelf, playing: Option<u32>| -> HashSet<PathBuf> {
            shelf.earlier(&said.pack, playing).into_iter().map(|left| left.path).collect()
        };
        let place = |shelf: &Shelf, number: u32| HashSet::from([shelf.file_of(number).unwrap().clone()]);
        // A fresh one, whose number nobody knows, once it has a file.
        shelf.put(kept(1, 30), said.clone()).unwrap();
        assert!(earlier(&shelf, None).is_empty());
        shelf.left();
        assert_eq!(earlier(&shelf, None), place(&shelf, 1));
        shelf.put(kept(2, 40), said.clone()).unwrap();
        assert_eq!(earlier(&shelf, None), place(&shelf, 1));
        // Whoever came back to one plays that, whatever was kept last.
        assert_eq!(earlier(&shelf, Some(1)), place(&shelf, 2));
        shelf.forget_numbers();
        assert_eq!(earlier(&shelf, None).len(), 2, "another session");
    }

    fn files_with(folder: &Path, ending: &str) -> usize {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|other| other == ending)).count()
    }

    #[test]
    fn what_cannot_be_kept_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("a file");
        fs::write(&blocked, "").unwrap();
        let mut shelf = Shelf::new(blocked);
        let why = shelf.put(kept(1, 30), said()).unwrap_err();
        assert!(why.starts_with("cannot write"), "{why}");
        assert!(shelf.put(kept(1, 31), said()).is_ok(), "it was said");
    }

    #[test]
    fn the_oldest_dreams_make_room_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let name = |n: u64| folder.path().join(format!("dream-{n}.png"));
        for n in 0..MOST as u64 + 3 {
            let file = fs::File::create(name(n)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + n as u32 * SECOND).unwrap();
        }
        let other = folder.path().join("holiday.png");
        fs::write(&other, "").unwrap();
        assert_eq!(files_in(folder.path())[0], name(MOST as u64 + 2), "the latest first");
        let mut shelf = Shelf::new(folder.path().to_owned());
        shelf.put(kept(1, 0), said()).unwrap();
        assert_eq!(files_in(folder.path()).len(), MOST + 3, "nothing was written that needs room");
        shelf.put(kept(1, 30), said()).unwrap();
        let left = files_in(folder.path());
        assert_eq!((left.len(), left.last(), left.first()), (MOST, Some(&name(4)), shelf.file_of(1)));
        assert!(other.exists());
    }

    #[test]
    fn what_was_dreamed_just_now_stays_where_the_clock_was_set_back() {
        let folder = tempfile::tempdir().unwrap();
        let later = SystemTime::now() + 1000 * SECOND;
        for n in 0..MOST as u64 {
            let file = fs::File::create(folder.path().join(format!("dream-{n}.png"))).unwrap();
            file.set_modified(later + n as u32 * SECOND).unwrap();
        }
        let mut shelf = Shelf::new(folder.path().to_owned());
        for number in 1..=3 {
            shelf.put(kept(number, 30), said()).unwrap();
        }
        let left = files_in(folder.path());
        assert_eq!(left.len(), MOST);
        assert!((1..=3).all(|number| left.contains(shelf.file_of(number).unwrap())), "{left:?}");
        assert!(!folder.path().join("dream-2.png").exists(), "the oldest of the others");
    }
}
