//! A walk as a moving picture: frame after frame, and what lies between them, into a file.

use std::path::Path;

use super::glide::Glide;
use super::record::{RecordError, Recorder};
use super::source::SourceInfo;

pub struct Film {
    info: SourceInfo,
    recorder: Recorder,
    /// Pictures that are recorded of every frame.
    glide: u32,
    /// Recorded last; empty before.
    last: Vec<u8>,
}

impl Film {
    /// Frames of what `info` describes go to `path`, by the ending of its name, each pixel enlarged `scale` times; with a `glide` of more than one
    /// picture a frame the view glides from step to step.
    ///
    /// # Errors
    /// As [`Recorder::create`].
    pub fn create(path: &Path, info: &SourceInfo, scale: u32, glide: u32) -> Result<Self, RecordError> {
        let recorded = SourceInfo { rate_hz: info.rate_hz * glide, ..info.clone() };
        Ok(Self { info: info.clone(), recorder: Recorder::create(path, &recorded, scale)?, glide, last: Vec::new() })
    }

    /// Appends the frame that `code` led to, RGBA, and what lies between it and the last.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn push(&mut self, rgba: Vec<u8>, code: u8) -> Result<(), RecordError> {
        let strides = self.info.strides.as_ref().filter(|_| self.glide > 1);
        let glide = strides.and_then(|strides| Glide::new(&self.last, &rgba, self.info.width_px, strides, code));
        for picture in 1..self.glide {
            let between = glide.as_ref().map(|glide| glide.at(picture as f32 / self.glide as f32));
            self.recorder.push(between.as_ref().unwrap_or(&rgba))?;
        }
        self.recorder.push(&rgba)?;
        self.last = rgba;
        Ok(())
    }

    /// Appends what `picture` shows on the way to the next frame: of each share of it that is gone, above 0 to 1, RGBA.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn push_way(&mut self, mut picture: impl FnMut(f32) -> Vec<u8>) -> Result<(), RecordError> {
        (1..=self.glide).try_for_each(|gone| self.recorder.push(&picture(gone as f32 / self.glide as f32)))
    }

    /// Whether the file is to show the last frame alone.
    pub fn is_still(&self) -> bool {
        matches!(self.recorder, Recorder::Png(..))
    }

    /// Completes the file; as [`Recorder::finish`].
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(self, dream: Option<&[u8]>) -> Result<(), RecordError> {
        self.recorder.finish(dream)
    }
}
