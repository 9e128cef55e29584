//! The prompts said so far, of this session and of those before: `prompts.txt` in the user's config folder, one a line under the time at
//! which their session began.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::dream::saved;
use crate::whole_file;

/// Longest prompt the field takes, which a saved dream brings back whole; far more than any pack's.
pub const MOST_LETTERS: usize = saved::MOST_LETTERS;
/// Prompts one can go back through.
const MOST_ENTRIES: usize = 200;
/// Lines that are kept in the file; older ones make room at the next start.
const MOST_LINES: usize = 1000;
/// Bytes at the end of the file that are looked through for them.
const MOST_BYTES: u64 = 1 << 20;

#[derive(Debug, Default)]
pub struct PromptHistory {
    /// Oldest first, none twice in a row.
    entries: Vec<String>,
    /// The entry shown, while one goes through them, and what was typed before.
    at: Option<usize>,
    typed: String,
    /// Where they are kept; nowhere where there is no such folder.
    file: Option<PathBuf>,
    /// First line of this session, until it is written.
    session: Option<String>,
}

impl PromptHistory {
    /// Those kept in `folder`; `title` is what plays in this session.
    pub fn of_user(folder: Option<&Path>, title: &str) -> Self {
        let file = folder.map(|folder| folder.join("prompts.txt"));
        let text = file.as_deref().map_or_else(String::new, newest_lines);
        let mut history = Self { file, session: Some(format!("# {}, {title}", in_utc(Timestamp::now()))), ..Self::default() };
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            history.add(line);
        }
        history
    }

    /// Remembers a prompt that was said.
    pub fn said(&mut self, prompt: &str) {
        self.at = None;
        let line = one_line(prompt);
        if line.is_empty() || !self.add(&line) {
            return;
        }
        let Some(path) = &self.file else { return };
        let heading = self.session.take().map_or_else(String::new, |session| format!("{session}\n"));
        let append = || -> std::io::Result<()> {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            OpenOptions::new().create(true).append(true).open(path)?.write_all(format!("{heading}{line}\n").as_bytes())
        };
        if let Err(why) = append() {
            log::warn!("prompts cannot be kept in {}: {why}", path.display());
            self.file = None;
        }
    }

    /// Whether it was new.
    fn add(&mut self, line: &str) -> bool {
        if self.entries.last().is_some_and(|last| last == line) {
            return false;
        }
        if self.entries.len() == MOST_ENTRIES {
            self.entries.remove(0);
        }
        self.entries.push(line.to_owned());
        true
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The newest prompts, each once and the newest first, without the one that is in force.
    pub fn earlier_than(&self, said: &str, most: usize) -> Vec<&str> {
        let mut earlier: Vec<&str> = Vec::with_capacity(most);
        for entry in self.entries.iter().rev() {
            if earlier.len() < most && entry != said && !earlier.contains(&entry.as_str()) {
                earlier.push(entry);
            }
        }
        earlier
    }

    /// The prompt before the one shown; `shown` is what stands in the field.
    pub fn older(&mut self, shown: &str) -> Option<&str> {
        let at = match self.at {
            Some(at) => at.checked_sub(1)?,
            None => {
                self.typed = shown.to_owned();
                // The newest is what stands there already, once it was said.
                self.entries.iter().rposition(|entry| entry != shown)?
            }
        };
        self.at = Some(at);
        self.entries.get(at).map(String::as_str)
    }

    /// The prompt after the one shown, at last what was typed before.
    pub fn newer(&mut self) -> Option<&str> {
        let at = self.at? + 1;
        self.at = (at < self.entries.len()).then_some(at);
        Some(self.entries.get(at).unwrap_or(&self.typed))
    }
}

/// The newest lines of a file; older ones are removed from it.
fn newest_lines(path: &Path) -> String {
    let Ok((text, all, length)) = read_newest_lines(path) else { return String::new() };
    if !all {
        shorten(path, &text, length);
    }
    text
}

/// Leaves only this text of a file of that many bytes. Where it has another length by now another window has said something: it stays as it is.
fn shorten(path: &Path, text: &str, length: u64) {
    let is_as_read = fs::metadata(path).is_ok_and(|about| about.len() == length);
    if is_as_read && let Err(why) = whole_file::write(path, text.as_bytes()) {
        log::warn!("{} cannot be shortened: {why}", path.display());
    }
}

/// The same as they are in the file, whether these are all of it, and its length in bytes.
fn read_newest_lines(path: &Path) -> std::io::Result<(String, bool, u64)> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(MOST_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // Where it does not begin at the beginning, its first line is a part of one.
    let whole = if from == 0 { &*text } else { text.split_once('\n').map_or("", |(_, behind)| behind) };
    let older = whole.lines().count().saturating_sub(MOST_LINES);
    Ok((whole.split_inclusive('\n').skip(older).collect(), from == 0 && older == 0, from + bytes.len() as u64))
}

/// A prompt as a line of text: no control characters, no more letters than the field takes.
pub fn one_line(prompt: &str) -> String {
    let letters = prompt.chars().map(|c| if c.is_control() { ' ' } else { c });
    letters.take(MOST_LETTERS).collect::<String>().trim().to_owned()
}

/// "2026-11-21 16:44 UTC".
fn in_utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_and_down_go_through_what_was_said_and_back_to_what_was_typed() {
        let mut history = PromptHistory::default();
        assert_eq!(history.older("typing"), None);
        for prompt in ["snow", "night", "night", " ", "neon"] {
            history.said(prompt);
        }
        assert_eq!(history.older("neon"), Some("night"));
        assert_eq!(history.older("night"), Some("snow"));
        assert_eq!(history.older("snow"), None, "the oldest stays");
        assert_eq!(history.newer(), Some("night"));
        assert_eq!(history.newer(), Some("neon"));
        assert_eq!(history.newer(), Some("neon"), "what was typed before");
        assert_eq!(history.newer(), None);
        assert_eq!(history.older("half a wor"), Some("neon"));
        history.said("snow");
        assert_eq!(history.earlier_than("snow", 9), ["neon", "night"], "each once");
        assert_eq!(history.earlier_than("", 2), ["snow", "neon"]);
        history.older("half a wor");
        assert_eq!(history.newer(), Some("half a wor"));
    }

    #[test]
    fn prompts_are_kept_by_session_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("somnium");
        for (title, prompts) in [("isles", ["snow", "neon \u{1F332} night"]), ("truth", ["fog\nand rain\u{7}", "\u{96EA}\u{306E}\u{68EE}"])]
        {
            let mut history = PromptHistory::of_user(Some(&settings), title);
            prompts.iter().for_each(|prompt| history.said(prompt));
        }
        PromptHistory::of_user(Some(&settings), "nothing said").said("");
        let text = fs::read_to_string(settings.join("prompts.txt")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert!(lines[0].starts_with("# 20") && lines[0].ends_with(", isles") && lines[3].ends_with(", truth"), "{text}");
        assert_eq!(lines[4], "fog and rain");
        let mut history = PromptHistory::of_user(Some(&settings), "isles");
        assert_eq!(history.older(""), Some("\u{96EA}\u{306E}\u{68EE}"));
        // A long text is cut, a folder that cannot be written is no obstacle.
        assert_eq!(one_line(&"snow ".repeat(2000)).chars().count(), MOST_LETTERS - 1);
        PromptHistory::of_user(Some(Path::new("/dev/null/settings")), "isles").said("snow");
    }

    #[test]
    fn the_file_keeps_its_newest_lines_however_long_it_has_become() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompts.txt");
        let write = |lines: std::ops::Range<usize>, letters: usize| {
            let line = |n: usize| format!("prompt {n} {}\n", "\u{96EA}".repeat(letters));
            let text: String = lines.map(line).collect();
            fs::write(&path, &text).unwrap();
            text
        };
        let opened = || {
            let mut history = PromptHistory::of_user(Some(folder.path()), "isles");
            let newest = history.older("").unwrap_or_default().to_owned();
            (newest, fs::read_to_string(&path).unwrap())
        };
        // The control: a file that is not too long stays as it is, byte for byte.
        let as_it_was = write(0..MOST_LINES, 0);
        assert_eq!(opened(), (format!("prompt {} ", MOST_LINES - 1), as_it_was));
        write(0..MOST_LINES + 7, 0);
        let (newest, kept) = opened();
        assert_eq!((newest, kept.lines().count()), (format!("prompt {} ", MOST_LINES + 6), MOST_LINES));
        assert!(kept.starts_with("prompt 7 \n"), "{}", &kept[..20]);
        // Few lines of very many letters: whole ones are left of it, and no more than is looked through.
        let long = write(0..900, 600);
        let (newest, kept) = opened();
        assert!(newest.starts_with("prompt 899 ") && long.ends_with(&kept) && kept.starts_with("prompt "), "{}", &kept[..20]);
        assert!((MOST_BYTES as usize * 9 / 10..=MOST_BYTES as usize).contains(&kept.len()), "{}", kept.len());
        // What is said then comes behind it.
        PromptHistory::of_user(Some(folder.path()), "isles").said("fog");
        assert!(fs::read_to_string(&path).unwrap().ends_with(", isles\nfog\n"));
    }

    #[test]
    fn what_another_window_says_meanwhile_stays_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prompts.txt");
        fs::write(&path, "snow\nfog\nrain\n").unwrap();
        let (_, all, length) = read_newest_lines(&path).unwrap();
        assert!(all && length == 14);
        let shortened = |length: u64| {
            shorten(&path, "rain\n", length);
            fs::read_to_string(&path).unwrap()
        };
        // It was read before the rain came.
        assert_eq!(shortened(9), "snow\nfog\nrain\n");
        assert_eq!(shortened(length), "rain\n");
    }

    #[test]
    fn a_session_begins_by_the_minute() {
        let began = |secs| in_utc(Timestamp::from_second(secs).unwrap());
        assert_eq!(began(((20_778 * 24 + 16) * 60 + 44) * 60 + 59), "2026-11-21 16:44 UTC");
        assert_eq!(began(20_819 * 86_400), "2027-01-01 00:00 UTC");
    }
}
