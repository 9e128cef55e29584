//! Saves what is seen: a picture, the map, or the last seconds.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::App;
use crate::app::album::{self, Album};
use crate::app::files::{self, Place};
use crate::dream::film::Film;
use crate::dream::runner::{Kept, Rate, Request};
use crate::dream::{DreamError, SourceInfo};

/// What is kept of a walk, and how: enlargement, and pictures a frame, as long as there are not too many a second.
const KEPT: Duration = Duration::from_secs(20);
const KEPT_SCALE: u32 = 2;
const KEPT_GLIDE: u32 = 3;
const KEPT_HZ: u32 = 35;

/// How long a film is, behind its name.
fn length(lasts: Duration) -> String {
    match lasts.as_secs_f32().round().max(1.0) as u32 {
        1 => " (a second)".to_owned(),
        secs => format!(" ({secs} seconds)"),
    }
}

impl App {
    /// Writes the picture, or the map that is shown, to a file, with the dream in it.
    pub(super) fn save_picture(&mut self) {
        let Some(album) = self.album() else { return };
        let Some(place) = self.place_for_picture() else { return };
        self.hear_the_shutter();
        let now = Instant::now();
        // Whoever hammers at the key must not make the screen flash.
        if self.changes.may_flash(now) {
            self.ui.shot_at = Some(now);
        }
        let (map, said, seen) = (self.ui.map.to_save(), self.said(), self.as_seen());
        let save = move |kept: Result<Kept, DreamError>| {
            album.save_picture(|| kept.map(seen).map_err(|why| format!("{why}.")), map, said, place);
        };
        self.request(Request::Keep(Box::new(save)));
    }

    /// A place among the pictures that are on their way to a file or the clipboard; a sentence where there are too many.
    pub(super) fn place_for_picture(&mut self) -> Option<Place> {
        let place = self.writer.jobs().place();
        if place.is_none() {
            self.ui.toasts.push(files::TOO_MANY_PICTURES.to_owned(), true);
            self.redraw();
        }
        place
    }

    /// Where pictures go, if they are kept.
    fn album(&mut self) -> Option<Album> {
        let event = self.plan.event;
        let folder = self.ui.venue.keeps_pictures.then(|| self.plan.pictures.clone().unwrap_or_else(album::pictures_folder));
        if folder.is_none() {
            self.ui.toasts.push("Pictures are not kept here.".to_owned(), false);
        }
        let (jobs, proxy, prompt) = (self.writer.jobs().clone(), self.proxy.clone(), self.ui.prompt.said.clone());
        Some(Album { folder: folder?, jobs, proxy, event, prompt })
    }

    /// A picture is saved, or a film that lasts so long; one with a dream in it is a way back.
    pub(super) fn saved(&mut self, path: &Path, leads_back: bool, lasts: Option<Duration>) {
        log::info!("Saved {}", path.display());
        self.heartbeat.pictures += 1;
        let name = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let mut told = format!("Saved {}{}", name(path.file_name()), lasts.map_or_else(String::new, length));
        if !self.plan.event {
            told = format!("{told} in {}.", name(path.parent().and_then(Path::file_name)));
            if leads_back {
                let chosen = "Choose it with \u{201C}A picture ...\u{201D} in the panel";
                let how = if self.ui.venue.takes_files { "Drop it on this window" } else { chosen };
                told = format!("{told} {how} to come back here.");
            }
        }
        self.ui.toasts.push(told, false);
        self.redraw();
    }

    /// Writes the last seconds into a moving picture beside the screenshots.
    pub(super) fn keep(&mut self) {
        let Some(info) = self.status.info.clone() else { return };
        let Some(album) = self.album() else { return };
        let (own, played) = (info.rate_hz as f32, self.status.fps);
        let asked = match self.ui.rate {
            Rate::Hz(hz) => hz,
            Rate::Own => own,
            Rate::Max => played.max(own),
        };
        // On a machine that was slower than that, time goes by as it did.
        let rate_hz = if played > 0.0 { asked.min(played) } else { asked }.round().max(1.0) as u32;
        let (info, glide) = (Arc::new(SourceInfo { rate_hz, ..SourceInfo::clone(&info) }), (KEPT_HZ / rate_hz).clamp(1, KEPT_GLIDE));
        let most = KEPT.as_secs() as usize * rate_hz as usize;
        // One after another: each takes a while, and much memory.
        if Arc::strong_count(&self.keeping) > 1 {
            return self.ui.toasts.push("The last seconds are still being saved.".to_owned(), false);
        }
        self.ui.toasts.push("Saving the last seconds ...".to_owned(), false);
        let keeping = self.keeping.clone();
        if let Some(eye) = &self.eye {
            return eye.keep(most, &info, glide, keeping, &album);
        }
        let keep = move |frames: Result<Vec<(Vec<u8>, u8)>, DreamError>| {
            let shoot = move |film: &mut Film| -> Result<usize, String> {
                let _until_then = keeping;
                let frames = frames.map_err(|why| format!("{why}."))?;
                let count = frames.len();
                frames.into_iter().try_for_each(|(rgba, code)| film.push(rgba, code)).map_err(|why| format!("{why}."))?;
                Ok(count)
            };
            album.keep(shoot, info, ([KEPT_SCALE, glide], "gif"));
        };
        self.request(Request::Replay(most, Box::new(keep)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_said_to_be_as_long_as_it_is() {
        assert_eq!(
            [0.17, 1.4, 1.6, 19.8].map(|secs| length(Duration::from_secs_f32(secs))),
            [" (a second)", " (a second)", " (2 seconds)", " (20 seconds)"]
        );
    }
}
