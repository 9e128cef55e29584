//! Dreams that were left. Every world that somebody walked in is kept in a file of its own while it is walked in, so that closing the window, a fault or another
//! beginning loses none; the next start goes on with the last.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::files;
use crate::dream::saved::SavedDream;
use crate::dream::still::{self, Still};
use crate::pack::Pack;

/// A world in which fewer steps were walked is not worth keeping.
const LEAST_STEPS: u64 = 20;
/// How often the one that plays is kept.
const EVERY: Duration = Duration::from_secs(30);
/// Dreams that are kept; older ones make room.
const MOST: usize = 24;
/// Names of their files.
const KIND: &str = "dream";
const ENDING: &str = "png";

/// Where dreams are kept: `SOMNIUM_DATA` where that is set, else the system's folder for a program's data.
pub fn folder() -> Option<PathBuf> {
    let data = match std::env::var_os("SOMNIUM_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => directories::ProjectDirs::from("", "", "somnium")?.data_dir().to_owned(),
    };
    Some(data.join("dreams"))
}

/// Files of dreams, the latest first.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(KIND) && name.ends_with(ENDING) && path.is_file()
    };
    let written = |path: &PathBuf| fs::metadata(path).and_then(|about| about.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(SystemTime, PathBuf)> =
        entries.map(|entry| entry.path()).filter(is_one).map(|path| (written(&path), path)).collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().map(|(_, path)| path).collect()
}

/// A dream that was left, and its last frame.
pub struct Left {
    pub path: PathBuf,
    pub saved: SavedDream,
    pub still: Still,
}

/// At most so many of the latest dreams of this pack's world; what cannot be read is passed over.
pub fn latest(folder: &Path, most: usize, pack: &Pack) -> Vec<Left> {
    let frame = &pack.manifest.frame;
    let read = |path: PathBuf| {
        let picture = still::read(&path).ok()?;
        let saved = SavedDream::in_picture(&picture, pack).ok()??;
        let still = still::decode(&path.display().to_string(), &picture, frame.width_px, frame.height_px).ok()?.pop()?;
        Some(Left { path, saved, still })
    };
    files_in(folder).into_iter().filter_map(read).take(most).collect()
}

/// Makes a new name in the folder for a dream, and room for it.
fn new_file(folder: &Path) -> std::io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    for old in files_in(folder).iter().skip(MOST - 1) {
        fs::remove_file(old)?;
    }
    Ok(files::free_path(folder, KIND, ENDING))
}

/// When to keep the dream that plays, and where.
pub struct Keeper {
    /// Nothing is kept where there is none.
    folder: Option<PathBuf>,
    /// File of the dream that plays, once it has one.
    file: Option<PathBuf>,
    /// Steps walked in it.
    steps: u64,
    /// There is something new since then.
    kept_at: Instant,
    changed: bool,
}

impl Keeper {
    /// `file`: of the dream that is gone on with.
    pub fn new(folder: Option<PathBuf>, file: Option<PathBuf>, now: Instant) -> Self {
        let steps = if file.is_some() { LEAST_STEPS } else { 0 };
        Self { folder, file, steps, kept_at: now, changed: false }
    }

    /// Notes that so many steps were walked.
    pub fn walked(&mut self, steps: u64) {
        self.steps += steps;
        self.changed |= steps > 0;
    }

    /// Whether it is time to keep it again.
    pub fn is_due(&self, now: Instant) -> bool {
        self.is_worth_it() && now.saturating_duration_since(self.kept_at) >= EVERY
    }

    /// Whether anything would be lost without it.
    pub fn is_worth_it(&self) -> bool {
        self.folder.is_some() && self.changed && self.steps >= LEAST_STEPS
    }

    /// Where to keep it now.
    ///
    /// # Errors
    /// One sentence.
    pub fn keep(&mut self, now: Instant) -> Result<PathBuf, String> {
        (self.kept_at, self.changed) = (now, false);
        let folder = self.folder.as_ref().ok_or("there is no folder for dreams")?;
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let file = new_file(folder).map_err(|why| format!("dreams cannot be kept in {}: {why}", folder.display()))?;
        Ok(self.file.insert(file).clone())
    }

    /// Goes on with the dream in this file, or with one that has none yet.
    #[must_use]
    pub fn going_on(self, file: Option<PathBuf>) -> Self {
        Self::new(self.folder, file, self.kept_at)
    }

    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_dream_is_kept_once_somebody_walked_in_it_and_then_as_often_as_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let start = Instant::now();
        let mut keeper = Keeper::new(Some(folder.path().join("dreams")), None, start);
        keeper.walked(LEAST_STEPS - 1);
        assert!(!keeper.is_worth_it());
        keeper.walked(1);
        assert!(keeper.is_worth_it() && !keeper.is_due(start + SECOND) && keeper.is_due(start + EVERY));
        let file = keeper.keep(start + EVERY).unwrap();
        assert!(!keeper.is_worth_it(), "nothing is new");
        keeper.walked(1);
        assert!(keeper.is_worth_it() && !keeper.is_due(start + EVERY + SECOND) && keeper.is_due(start + 2 * EVERY));
        fs::write(&file, "a dream").unwrap();
        assert_eq!(keeper.keep(start).unwrap(), file, "one dream, one file");
        // Another dream has its own, one that was kept before the one it had.
        let mut another = keeper.going_on(None);
        another.walked(LEAST_STEPS);
        assert_ne!(another.keep(start).unwrap(), file);
        let mut back = another.going_on(Some(file.clone()));
        assert!(!back.is_worth_it());
        back.walked(1);
        assert!(back.is_worth_it());
        assert_eq!(back.keep(start).unwrap(), file);
        // Who wants nothing kept has nothing kept; where nothing can be, that is said.
        let mut nowhere = Keeper::new(None, None, start);
        nowhere.walked(1000);
        assert!(!nowhere.is_worth_it());
        let blocked = folder.path().join("a file");
        fs::write(&blocked, "").unwrap();
        let why = Keeper::new(Some(blocked), None, start).keep(start).unwrap_err();
        assert!(why.starts_with("dreams cannot be kept in"), "{why}");
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
        let new = new_file(folder.path()).unwrap();
        assert!(!new.exists() && other.exists());
        let left = files_in(folder.path());
        assert_eq!((left.len(), left.last()), (MOST - 1, Some(&name(4))));
    }
}
