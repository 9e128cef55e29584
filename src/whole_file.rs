//! Files that are there whole or not at all: a crash, a full disk or another program that writes the same leaves what was there before.

use std::fs::File;
use std::path::{Path, PathBuf};

/// Writes a file beside `path`, and then renames it into its place.
///
/// # Errors
/// What the system says; then nothing is left beside it.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    write_by(path, |part| std::fs::write(part, bytes))
}

/// The same where `fill` writes the file: it is told where.
///
/// # Errors
/// What `fill` or else the system says; then nothing is left beside it.
pub fn write_by<E: From<std::io::Error>>(path: &Path, fill: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let placed = fill(&part).and_then(|()| {
        File::options().write(true).open(&part)?.sync_all()?;
        Ok(std::fs::rename(&part, path)?)
    });
    if placed.is_err() {
        // The first error is the one worth telling; a leftover is harmless.
        let _ = std::fs::remove_file(&part);
    }
    placed
}

/// The same in a folder that may not be there yet.
///
/// # Errors
/// What the system says.
#[cfg(feature = "player")]
pub fn write_in_folder(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    write(path, bytes)
}

#[cfg(all(test, feature = "player"))]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_put_in_its_place_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/there.txt");
        assert!(write(&path, b"no folder").is_err());
        write_in_folder(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        // Half of it was written.
        let full = |part: &Path| std::fs::write(part, b"th").and(Err(std::io::Error::other("full")));
        assert_eq!(write_by(&path, full).unwrap_err().to_string(), "full");
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path().join("deep")).unwrap().count(), 1);
        // A folder stands in its place.
        let taken = folder.path().join("taken");
        std::fs::create_dir_all(taken.join("full")).unwrap();
        assert!(write(&taken, b"no").is_err() && taken.is_dir());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
