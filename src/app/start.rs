//! Where a dream begins: with the words alone, with pictures, or where another one was left.

use std::path::PathBuf;
use std::sync::Arc;

use crate::dream::runner::{Prompt, Request};
use crate::dream::saved::SavedDream;
use crate::dream::session::DreamSession;
use crate::dream::still::{self, Still};
use crate::dream::{DreamError, Source};
use crate::engine::DecodeSettings;
use crate::engine::inputs::play_settings;
use crate::pack::Pack;
use crate::pack::manifest::Manifest;

/// Seed where none is asked for.
pub const DEFAULT_SEED: u32 = 1;

#[derive(Clone)]
pub enum Start {
    Words,
    Pictures(Arc<[Still]>),
    Dream(Arc<SavedDream>),
}

impl Start {
    /// What these files show to a dream of `pack`, oldest first; one that carries such a dream is gone on with. With it a sentence for who expected
    /// a dream there.
    ///
    /// # Errors
    /// One sentence naming the file that cannot be read.
    pub fn read(paths: &[PathBuf], pack: &Pack) -> Result<(Self, Option<String>), String> {
        let mut notice = None;
        if let [path] = paths {
            let picture = still::read(path).map_err(|why| why.to_string())?;
            match SavedDream::in_picture(&picture, pack) {
                Ok(Some(saved)) => return Ok((Self::Dream(Arc::new(saved)), None)),
                Ok(None) => {}
                Err(why) => notice = Some(format!("{} is shown as a picture: {why}.", path.display())),
            }
        }
        let frame = &pack.manifest.frame;
        let stills = still::load_all(paths, frame.width_px, frame.height_px).map_err(|why| why.to_string())?;
        Ok((Self::Pictures(stills.into()), notice))
    }

    /// Lets a dream begin here under `words`, rows of the word table; its first frame is made with `settings` where it is dreamed.
    ///
    /// # Errors
    /// What the dream says.
    pub fn begin(&self, dream: &mut DreamSession, words: &[u16], settings: &DecodeSettings) -> Result<(), DreamError> {
        if let Self::Dream(saved) = self {
            let settings = saved.about.settings(dream.manifest());
            dream.resume(saved.moment.clone(), &saved.about.words, &settings)?;
            return dream.set_prompt(words, 0).map(drop);
        }
        dream.set_prompt(words, 0)?;
        match self {
            Self::Pictures(stills) => dream.start_from(stills),
            _ => dream.start_from_prompt(settings),
        }
    }

    /// The same of a dream that plays, under this prompt and seed.
    pub fn request(&self, prompt: &Prompt, seed: u32) -> Request {
        match self {
            Self::Words => Request::StartFromPrompt,
            Self::Pictures(stills) => Request::StartFrom(stills.to_vec()),
            Self::Dream(saved) => Request::Resume(saved.clone(), prompt.clone(), seed, Box::new(drop)),
        }
    }

    /// Seed and words of the dream that begins here, where others may be asked for: else those there were where it was left.
    pub fn under(&self, seed: Option<u32>, words: Vec<u16>) -> (u32, Vec<u16>) {
        let about = self.saved().map(|saved| &saved.about);
        let words = if words.is_empty() { about.map_or(words, |about| about.words.clone()) } else { words };
        (seed.or(about.map(|about| about.seed)).unwrap_or(DEFAULT_SEED), words)
    }

    /// How it is dreamed by this seed: as the pack has it, or as it was where it was left.
    pub fn settings(&self, manifest: &Manifest, seed: u32) -> DecodeSettings {
        let as_it_was = self.saved().map_or_else(|| play_settings(manifest), |saved| saved.about.settings(manifest));
        DecodeSettings { seed, ..as_it_was }
    }

    /// The dream that is gone on with.
    pub fn saved(&self) -> Option<&Arc<SavedDream>> {
        match self {
            Self::Dream(saved) => Some(saved),
            _ => None,
        }
    }
}
