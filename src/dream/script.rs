//! Scripts of actions for play without hands: `D*20 W*10 .*5`, `east*20, north*10`, `code 3*4` as `#3*4`, or `@file`.

use std::path::PathBuf;

use super::drive::{Drive, Intent};

/// Longest script in frames: an hour at 30 Hz.
const MOST_FRAMES: usize = 108_000;

#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error(
        "unknown action {0:?} in the script: actions are W A S D, north west south east, . or stay, #0 #1 .. for raw codes, each with *COUNT"
    )]
    Action(String),
    #[error("{0:?} in the script is no count: write ACTION*COUNT with COUNT a whole number from 1 up")]
    Count(String),
    #[error("the script is longer than {MOST_FRAMES} frames")]
    TooLong,
    #[error("the script is empty")]
    Empty,
    #[error("cannot read the script {path}: {why}", path = path.display())]
    File { path: PathBuf, why: std::io::Error },
}

/// Reads a script; `@PATH` reads it from a file.
///
/// # Errors
/// [`ScriptError`], naming the word that could not be read.
pub fn read(script: &str) -> Result<Vec<Drive>, ScriptError> {
    match script.strip_prefix('@') {
        Some(path) => {
            let path = PathBuf::from(path);
            let text = std::fs::read_to_string(&path).map_err(|why| ScriptError::File { path, why })?;
            parse(&text)
        }
        None => parse(script),
    }
}

/// One drive a frame.
pub fn parse(script: &str) -> Result<Vec<Drive>, ScriptError> {
    let mut drives = Vec::new();
    for word in script.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()) {
        let (name, count) = match word.split_once('*') {
            None => (word, 1),
            Some((name, count)) => {
                let count = count.parse().ok().filter(|&n: &usize| n > 0).ok_or_else(|| ScriptError::Count(word.to_owned()))?;
                (name, count)
            }
        };
        let drive = action(name).ok_or_else(|| ScriptError::Action(name.to_owned()))?;
        if count > MOST_FRAMES - drives.len() {
            return Err(ScriptError::TooLong);
        }
        drives.extend(std::iter::repeat_n(drive, count));
    }
    if drives.is_empty() { Err(ScriptError::Empty) } else { Ok(drives) }
}

fn action(name: &str) -> Option<Drive> {
    if let Some(code) = name.strip_prefix('#') {
        return code.parse().ok().map(Drive::Code);
    }
    let intent = match name.to_lowercase().as_str() {
        "w" | "n" => Intent::North,
        "a" => Intent::West,
        "s" => Intent::South,
        "d" | "e" => Intent::East,
        "." | "_" => Intent::Stay,
        long => Intent::from_name(long)?,
    };
    Some(Drive::Intent(intent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_spellings_mean_the_same() {
        let short = parse("D*3 W .*2").unwrap();
        assert_eq!(short.len(), 6);
        assert_eq!(short, parse("east*3,north, stay*2").unwrap());
        assert_eq!(parse("#5*2").unwrap(), [Drive::Code(5), Drive::Code(5)]);
        assert_ne!(short, parse("D*3 S .*2").unwrap());
    }

    #[test]
    fn an_unknown_action_is_named() {
        let error = parse("D*3 jump*2").unwrap_err().to_string();
        assert!(error.contains("\"jump\""), "{error}");
        assert!(parse("D*0").unwrap_err().to_string().contains("D*0"));
        assert!(parse("D*-1").is_err());
        assert!(matches!(parse("D*99999999999"), Err(ScriptError::TooLong)));
        assert!(matches!(parse(" , "), Err(ScriptError::Empty)));
        assert!(read("@/nonexistent/script").unwrap_err().to_string().contains("/nonexistent/script"));
    }
}
