//! How the window was left, for the next start: `window.toml` in the user's config folder.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::prompt_queue::{EVERY_SECS, PromptQueue};
use super::sound;
use crate::whole_file;

/// Name of the file.
const FILE: &str = "window.toml";
/// Sides that a window has at least and at most, in points.
pub const LEAST: [u32; 2] = [320, 240];
const MOST: u32 = 16_384;
/// How much larger or smaller letters may be.
pub const LETTERS: std::ops::RangeInclusive<f32> = 0.5..=4.0;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// Width and height in points: pixels, but for what the display enlarges by.
    pub size: [u32; 2],
    pub maximized: bool,
    pub fullscreen: bool,
    pub panel: bool,
    /// The bar of figures.
    pub figures: bool,
    /// The view glides from frame to frame.
    pub glide: bool,
    /// The world is seen from within.
    pub within: bool,
    /// It was, now or at an earlier start: nobody need be told how.
    pub stepped_in: bool,
    /// Whoever plays has opened a map, or turned all by surprise, or was told how.
    pub knows_map: bool,
    pub knows_surprise: bool,
    /// Whoever plays was told what is heard, or has turned it off or on.
    pub knows_sound: bool,
    /// How loud it is, 0 to 1, where it is not silent.
    pub volume: f32,
    pub silent: bool,
    /// How much letters are enlarged.
    pub letters: f32,
    /// The list of prompts, one a line, and seconds between two of them.
    pub prompts: String,
    pub every_secs: u32,
}

impl Default for View {
    fn default() -> Self {
        Self {
            size: [1024, 720],
            maximized: false,
            fullscreen: false,
            panel: false,
            figures: false,
            glide: true,
            within: false,
            stepped_in: false,
            knows_map: false,
            knows_surprise: false,
            knows_sound: false,
            volume: sound::VOLUME,
            silent: false,
            letters: 1.0,
            prompts: String::new(),
            every_secs: PromptQueue::default().every_secs,
        }
    }
}

impl View {
    /// As it was left; as it is to begin with where nothing is kept in `folder`, or nothing that makes sense.
    pub fn of_user(folder: Option<&Path>) -> Self {
        let Some(text) = folder.and_then(|folder| std::fs::read_to_string(folder.join(FILE)).ok()) else { return Self::default() };
        let view: Self = toml::from_str(&text).map_err(|why| log::warn!("{FILE} is not used: {}", why.message())).unwrap_or_default();
        view.within_reason()
    }

    fn within_reason(mut self) -> Self {
        self.size = [0, 1].map(|i| self.size[i].clamp(LEAST[i], MOST));
        self.letters = if self.letters.is_finite() { self.letters.clamp(*LETTERS.start(), *LETTERS.end()) } else { 1.0 };
        self.volume = if self.volume.is_finite() { self.volume.clamp(0.0, 1.0) } else { sound::VOLUME };
        if self.volume == 0.0 {
            (self.volume, self.silent) = (sound::VOLUME, true);
        }
        self.every_secs = self.every_secs.clamp(*EVERY_SECS.start(), *EVERY_SECS.end());
        self
    }

    /// Leaves it there for the next start.
    pub fn keep(&self, folder: &Path) {
        let text = toml::to_string(self).map_err(std::io::Error::other);
        let written = text.and_then(|text| whole_file::write_in_folder(&folder.join(FILE), text.as_bytes()));
        if let Err(why) = written {
            log::warn!("how the window was left cannot be kept in {}: {why}", folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_there_again_and_nonsense_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("deep");
        assert_eq!(View::of_user(Some(&deep)), View::default());
        let prompts = "forest night\n# a line of its own\n\"snow\"".to_owned();
        let left = View {
            size: [800, 601],
            maximized: true,
            panel: true,
            glide: false,
            knows_sound: true,
            volume: 0.125,
            silent: true,
            letters: 1.25,
            prompts,
            ..View::default()
        };
        left.keep(&deep);
        assert_eq!(View::of_user(Some(&deep)), left);
        let read = |text: &str| {
            std::fs::write(deep.join(FILE), text).unwrap();
            View::of_user(Some(&deep))
        };
        assert_eq!(read("panel = true\nfrom_a_later_version = 7"), View { panel: true, ..View::default() });
        assert_eq!(read("size = [1, 100000]\nletters = nan"), View { size: [LEAST[0], MOST], ..View::default() });
        assert_eq!(read("letters = 0.0").letters, 0.5);
        assert_eq!([read("volume = nan"), read("volume = 7.0")].map(|view| view.volume), [sound::VOLUME, 1.0]);
        assert_eq!(read("volume = 0.0"), View { silent: true, ..View::default() });
        assert_eq!(read("every_secs = 0").every_secs, 1);
        for broken in ["size = 3", "panel = \"yes\"", "[", ""] {
            assert_eq!(read(broken), View::default(), "{broken}");
        }
        // Where nothing can be kept the window closes all the same.
        View::default().keep(&deep.join(FILE));
        assert!(read("panel = true").panel);
    }
}
