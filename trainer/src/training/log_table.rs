//! The log of a stage, a table that other programs read.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use super::Progress;

/// Between two rows of the log.
const LOG_SECS: f64 = 30.0;

/// The log of a stage, `log.csv`: a row now and then, whose cells of figures are empty where those were not measured.
pub(super) struct Log {
    path: PathBuf,
    /// Figures that have a column, once there is a row.
    figures: Vec<&'static str>,
    last_row: Option<Instant>,
}

impl Log {
    pub(super) fn new(stage: &Path) -> Self {
        Self { path: stage.join("log.csv"), figures: Vec::new(), last_row: None }
    }

    pub(super) fn is_due(&self) -> bool {
        self.last_row.is_none_or(|t| t.elapsed().as_secs_f64() > LOG_SECS)
    }

    /// Adds a row. The first one of a session comes with all figures there are.
    pub(super) fn add(&mut self, progress: &Progress, loss: f64, rate: f64, figures: &[(&'static str, f64)]) -> Result<()> {
        if self.last_row.is_none() {
            self.begin(figures)?;
        }
        let mut cells = vec![progress.step.to_string(), format!("{:.1}", progress.elapsed_secs), cell(loss), cell(rate)];
        for name in &self.figures {
            let measured = figures.iter().find(|figure| figure.0 == *name);
            cells.push(measured.map_or(String::new(), |figure| cell(figure.1)));
        }
        self.last_row = Some(Instant::now());
        self.append(&cells.join(","))
    }

    /// Goes on with the log that is there; one that has other columns, or none, is moved aside.
    fn begin(&mut self, figures: &[(&'static str, f64)]) -> Result<()> {
        self.figures = figures.iter().map(|(name, _)| *name).collect();
        let columns: Vec<&str> = ["step", "seconds", "loss", "rate"].into_iter().chain(self.figures.iter().copied()).collect();
        let head = columns.join(",");
        if self.path.exists() {
            let text = fs::read(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
            if String::from_utf8_lossy(&text).lines().next() == Some(head.as_str()) {
                return Ok(());
            }
            let mut names = (1..).map(|n: u32| self.path.with_file_name(format!("log-{n}.csv")));
            let aside = names.find(|name| !name.exists()).context("there is no name left for a log")?;
            fs::rename(&self.path, &aside).with_context(|| format!("cannot move {} aside", self.path.display()))?;
            println!("{} has other columns than this training: it is {} now", self.path.display(), aside.display());
        }
        self.append(&head)
    }

    fn append(&self, line: &str) -> Result<()> {
        let file = fs::OpenOptions::new().create(true).append(true).open(&self.path);
        let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.with_context(|| format!("cannot write to {}", self.path.display()))
    }
}

/// A number as a log has it; what is not finite leaves its cell empty.
fn cell(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::Stage;
    use crate::training::toy::{Toy, train_toy};

    #[test]
    fn a_log_is_a_table_and_one_of_another_kind_is_moved_aside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stage = folder.path().join(Toy::NAME);
        fs::create_dir_all(&stage).expect("a folder");
        let before = "step 1, 3 s, loss 0.5000, weight 1.0000\n";
        fs::write(stage.join("log.csv"), before).expect("a log");
        for steps in [2, 4] {
            train_toy(folder.path(), steps, None).expect("a training");
        }
        assert_eq!(fs::read_to_string(stage.join("log-1.csv")).expect("the log before"), before);
        let text = fs::read_to_string(stage.join("log.csv")).expect("a log");
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows[0], ["step", "seconds", "loss", "rate", "weight"]);
        assert!(rows[1..].iter().flatten().all(|cell| cell.parse::<f64>().is_ok_and(f64::is_finite)), "{text}");
        let steps: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
        assert_eq!(steps, ["1", "2", "3", "4"], "as a session begins and as it ends");
        // What was not measured is an empty cell.
        let mut log = Log::new(&stage);
        log.add(&Progress::default(), 0.5, 0.25, &[("weight", f64::NAN)]).expect("a row");
        log.add(&Progress::default(), f64::NAN, 0.25, &[]).expect("a row");
        let text = fs::read_to_string(stage.join("log.csv")).expect("a log");
        assert!(text.ends_with("\n0,0.0,0.5,0.25,\n0,0.0,,0.25,\n"), "{text}");
    }
}
