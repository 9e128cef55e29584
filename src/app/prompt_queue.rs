//! Prompts one after another by the clock, for a demo that nobody attends to.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::prompt_history::MOST_LETTERS;

/// Seconds between two prompts that can be asked for.
pub const EVERY_SECS: std::ops::RangeInclusive<u32> = 1..=3600;
/// Longest list that is read.
const MOST_PROMPTS: usize = 500;
/// Largest file that is read.
const MOST_BYTES: u64 = 1 << 20;

/// Time that stands still with the world: in a frozen one no prompt could be seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlayClock {
    /// Up to the last stop.
    ran: Duration,
    since: Option<Instant>,
}

impl PlayClock {
    /// Goes on or stops at the moment `at`.
    pub fn run(&mut self, running: bool, at: Instant) {
        self.ran = self.now(at);
        self.since = running.then_some(at);
    }

    pub fn now(&self, at: Instant) -> Duration {
        self.ran + self.since.map_or(Duration::ZERO, |since| at.saturating_duration_since(since))
    }
}

/// Where one has come to in a list that starts over when it is through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(Option<usize>);

impl Place {
    /// Goes on to the next of `count`, or back to the one before it; nowhere yet, to `first` or the one before that.
    pub fn turn(&mut self, count: usize, first: usize, back: bool) -> Option<usize> {
        if count == 0 {
            return None;
        }
        let at = match (self.0, back) {
            (None, false) => first,
            (None, true) => first % count + count - 1,
            (Some(at), false) => at + 1,
            (Some(at), true) => at % count + count - 1,
        };
        self.0 = Some(at % count);
        self.0
    }
}

/// A list that starts over when it is through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptQueue {
    /// One a line; empty lines and lines that begin with `#` are left out.
    pub lines: String,
    pub every_secs: u32,
    pub running: bool,
    /// Where the list was read, and when that was written to.
    file: Option<(PathBuf, Option<SystemTime>)>,
    /// Of the one said last.
    place: Place,
    /// It runs, and waits all the same: for as long as somebody is there who has said something.
    rests: bool,
    /// Since when the present one has been in force, on the clock that [`Self::due`] is asked by.
    since: Option<Duration>,
}

impl Default for PromptQueue {
    fn default() -> Self {
        Self { lines: String::new(), every_secs: 30, running: false, file: None, place: Place::default(), rests: false, since: None }
    }
}

impl PromptQueue {
    /// A list that stands still.
    pub fn resting(lines: String, every_secs: u32) -> Self {
        Self { lines, every_secs, ..Self::default() }
    }

    /// Reads a list; it runs at once.
    ///
    /// # Errors
    /// One sentence that names the file.
    pub fn read(path: &Path, every_secs: u32) -> Result<Self, String> {
        let failed = |why: String| format!("cannot read the prompt queue {}: {why}", path.display());
        let about = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?;
        if !about.is_file() || about.len() > MOST_BYTES {
            return Err(failed("it is no text file of at most a megabyte".to_owned()));
        }
        // Some editors begin every file with a mark.
        let lines = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?.trim_start_matches('\u{FEFF}').to_owned();
        let file = Some((path.to_owned(), about.modified().ok()));
        let queue = Self { lines, every_secs, running: true, file, ..Self::default() };
        if queue.prompts().is_empty() { Err(failed("it holds no prompt".to_owned())) } else { Ok(queue) }
    }

    /// The list's file, where it was written to since this was asked last.
    pub fn changed_file(&mut self) -> Option<PathBuf> {
        let (path, written) = self.file.as_mut()?;
        let now = std::fs::metadata(&*path).and_then(|about| about.modified()).ok();
        (std::mem::replace(written, now) != now).then(|| path.clone())
    }

    /// This list, from the place that `other` has come to.
    #[must_use]
    pub fn on_from(&self, other: &Self) -> Self {
        Self { place: other.place, ..self.clone() }
    }

    pub fn prompts(&self) -> Vec<&str> {
        let lines = self.lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.take(MOST_PROMPTS).collect()
    }

    /// Whether a prompt is due `now`, a time on any one clock. The first is due at once.
    pub fn is_due(&mut self, now: Duration) -> bool {
        if !self.running {
            (self.since, self.rests) = (None, false);
        }
        self.running && !self.rests && self.due_at().is_none_or(|at| now >= at)
    }

    /// The prompt that is due `now`.
    pub fn due(&mut self, now: Duration) -> Option<String> {
        if !self.is_due(now) {
            return None;
        }
        let prompt = self.turn(false)?;
        self.wait(now);
        Some(prompt)
    }

    /// The next one of the list, or the one before, whatever the clock says.
    pub fn turn(&mut self, back: bool) -> Option<String> {
        let prompts = self.prompts();
        let mut place = self.place;
        let at = place.turn(prompts.len(), 0, back)?;
        let prompt = prompts[at].chars().take(MOST_LETTERS).collect();
        self.place = place;
        Some(prompt)
    }

    /// Puts a prompt at its end.
    pub fn add(&mut self, prompt: &str) {
        if !self.lines.is_empty() && !self.lines.ends_with('\n') {
            self.lines.push('\n');
        }
        self.lines.push_str(prompt);
    }

    /// Shows other lines in their place, from the first one on.
    pub fn show(&mut self, lines: String) {
        (self.lines, self.place) = (lines, Place::default());
    }

    /// Nothing is due any more, until it is stopped or [`Self::on_from`] begins it anew.
    pub fn rest(&mut self) {
        self.rests = true;
    }

    /// Whether it runs and waits all the same.
    pub fn rests(&self) -> bool {
        self.running && self.rests
    }

    /// Gives what has been said `now` its full time.
    pub fn wait(&mut self, now: Duration) {
        self.since = Some(now);
    }

    /// When the next one is due.
    fn due_at(&self) -> Option<Duration> {
        Some(self.since? + Duration::from_secs(u64::from(self.every_secs.max(1))))
    }

    /// What comes next, and in how many seconds.
    pub fn coming(&self, now: Duration) -> Option<(&str, u64)> {
        let prompts = self.prompts();
        let at = self.due_at().filter(|_| self.running && !self.rests)?;
        let mut place = self.place;
        let next = place.turn(prompts.len(), 0, false)?;
        Some((prompts[next], at.saturating_sub(now).as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn prompts_come_by_the_clock_and_start_over() {
        let mut queue = PromptQueue { lines: "snow\n\n# a remark\n  neon night \n".to_owned(), every_secs: 30, ..PromptQueue::default() };
        assert_eq!(queue.due(SECOND), None, "not running");
        queue.running = true;
        let said: Vec<(u64, String)> = (0..100).filter_map(|s| queue.due(Duration::from_secs(s)).map(|prompt| (s, prompt))).collect();
        let expected = [(0, "snow"), (30, "neon night"), (60, "snow"), (90, "neon night")].map(|(s, p)| (s, p.to_owned()));
        assert_eq!(said, expected);
        assert_eq!(queue.coming(100 * SECOND), Some(("snow", 20)));
        // What somebody says meanwhile gets its full time.
        queue.wait(110 * SECOND);
        assert_eq!((queue.due(139 * SECOND), queue.due(140 * SECOND)), (None, Some("snow".to_owned())));
        assert_eq!(queue.turn(false).as_deref(), Some("neon night"), "asked for by hand");
        // Another pace counts at once, from when the present one was said.
        queue.every_secs = 3600;
        assert_eq!((queue.coming(150 * SECOND).map(|(_, secs)| secs), queue.due(170 * SECOND)), (Some(3590), None));
        queue.every_secs = 5;
        assert_eq!((queue.due(144 * SECOND), queue.due(145 * SECOND)), (None, Some("snow".to_owned())));
        // Edited to nothing while it runs.
        queue.lines.clear();
        assert_eq!(queue.due(200 * SECOND), None);
    }

    #[test]
    fn a_list_goes_on_where_it_was_whoever_came_between() {
        let begun = PromptQueue { lines: "snow\nneon\nfog".to_owned(), running: true, ..PromptQueue::default() };
        let mut queue = begun.clone();
        let mut said = Vec::new();
        for visit in 0..4_u32 {
            said.extend(queue.due(100 * visit * SECOND));
            // A visitor has other ideas.
            queue.lines = "candy".to_owned();
            queue = begun.on_from(&queue);
        }
        assert_eq!(said, ["snow", "neon", "fog", "snow"]);
        // A list that has become shorter starts over.
        let shorter = PromptQueue { lines: "night".to_owned(), ..begun.clone() };
        assert_eq!(shorter.on_from(&PromptQueue { place: Place(Some(1)), ..begun }).turn(false).as_deref(), Some("night"));
    }

    #[test]
    fn a_list_goes_back_as_it_went_on() {
        let mut queue = PromptQueue { lines: "snow\nneon\nfog".to_owned(), ..PromptQueue::default() };
        let said: Vec<_> = [false, false, true, true, true, false].into_iter().filter_map(|back| queue.turn(back)).collect();
        assert_eq!(said, ["snow", "neon", "snow", "fog", "neon", "fog"]);
        // Nowhere yet, what lies before the first is the last.
        assert_eq!(PromptQueue { place: Place::default(), ..queue.clone() }.turn(true).as_deref(), Some("fog"));
        queue.add("night");
        assert_eq!((queue.prompts().len(), queue.turn(false).as_deref()), (4, Some("night")));
        queue.show("rain\n".to_owned());
        queue.add("mist");
        assert_eq!(queue.lines, "rain\nmist");
        assert_eq!(queue.turn(false).as_deref(), Some("rain"), "another list begins at its beginning");
        // Where one begins is another matter where chance has it.
        let drawn = |first| Place::default().turn(3, first, false);
        assert_eq!([drawn(0), drawn(1), drawn(5), Place::default().turn(0, 1, true)], [Some(0), Some(1), Some(2), None]);
    }

    #[test]
    fn a_list_rests_until_it_begins_anew_or_is_stopped() {
        let begun = PromptQueue { lines: "snow\nneon".to_owned(), running: true, ..PromptQueue::default() };
        let mut queue = begun.clone();
        assert_eq!(queue.due(SECOND).as_deref(), Some("snow"));
        queue.wait(2 * SECOND);
        // The control: without rest it would be due.
        assert!(queue.clone().is_due(40 * SECOND));
        queue.rest();
        assert!(queue.rests() && !queue.is_due(40 * SECOND) && queue.due(9999 * SECOND).is_none() && queue.coming(3 * SECOND).is_none());
        assert_eq!(begun.on_from(&queue).due(9999 * SECOND).as_deref(), Some("neon"));
        queue.running = false;
        assert!(!queue.is_due(10_000 * SECOND));
        queue.running = true;
        assert_eq!(queue.due(10_001 * SECOND).as_deref(), Some("neon"));
    }

    #[test]
    fn a_file_that_was_written_to_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.txt");
        std::fs::write(&path, "snow\n").unwrap();
        let mut queue = PromptQueue::read(&path, 30).unwrap();
        assert_eq!(queue.changed_file(), None);
        let write_at = |secs: u32| {
            let file = std::fs::File::create(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + secs * SECOND).unwrap();
        };
        write_at(7);
        assert_eq!((queue.changed_file(), queue.changed_file()), (Some(path.clone()), None));
        std::fs::remove_file(&path).unwrap();
        assert_eq!((queue.changed_file(), queue.changed_file()), (Some(path.clone()), None), "gone");
        write_at(7);
        assert_eq!(queue.changed_file(), Some(path.clone()), "there again");
        assert_eq!(PromptQueue::default().changed_file(), None, "typed, and in no file");
    }

    #[test]
    fn the_clock_stands_still_with_the_world_and_goes_on_where_it_stopped() {
        let start = Instant::now();
        let at = |secs: u32| start + secs * SECOND;
        let mut clock = PlayClock::default();
        assert_eq!(clock.now(at(5)), Duration::ZERO, "not begun");
        clock.run(true, at(5));
        clock.run(true, at(7));
        assert_eq!(clock.now(at(15)), 10 * SECOND);
        clock.run(false, at(15));
        clock.run(false, at(60));
        assert_eq!(clock.now(at(99)), 10 * SECOND);
        clock.run(true, at(100));
        assert_eq!(clock.now(at(101)), 11 * SECOND);
    }

    #[test]
    fn a_bad_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue.txt");
        let said = |path: &Path| PromptQueue::read(path, 30).unwrap_err();
        assert!(said(&path).contains("queue.txt") && said(folder.path()).contains("no text file"));
        std::fs::write(&path, "# nothing\n\n").unwrap();
        assert!(said(&path).contains("holds no prompt"));
        std::fs::write(&path, [0xFF, 0xFE]).unwrap();
        assert!(said(&path).contains("queue.txt"));
        std::fs::write(&path, "snow\n").unwrap();
        assert_eq!(PromptQueue::read(&path, 5).unwrap().prompts(), ["snow"]);
    }
}
