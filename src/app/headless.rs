//! Play without a display, through the same sources: a script in, a recording and a summary out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::day::Day;
use super::files::Said;
use super::prompt_queue::PromptQueue;
use crate::dream::film::Film;
use crate::dream::session::DreamSession;
use crate::dream::{DreamError, Drive, Source, SourceInfo};
use crate::engine::DecodeSettings;
use crate::pack::Pack;
use crate::prompt::{self, WordTable};

pub struct HeadlessPlan {
    /// Frames to make.
    pub frames: usize,
    /// One drive a frame; nobody touches anything once it is over.
    pub script: Vec<Drive>,
    pub settings: DecodeSettings,
    /// Prompts by the clock of the frames.
    pub queue: PromptQueue,
    /// The prompt in force at the start, and the day that goes by.
    pub words: Vec<u16>,
    pub day: Day,
    pub blend_frames: u32,
}

/// A walk without a window: what it looks like goes to a file, how long it took into a summary.
pub struct Headless {
    info: SourceInfo,
    film: Option<Film>,
    /// Whole-number enlargement of what is written.
    scale: u32,
    times_ms: Vec<f64>,
}

impl Headless {
    /// `record`: where to, by the ending of the name; `scale`: whole-number enlargement; `glide`: pictures a frame.
    ///
    /// # Errors
    /// One sentence.
    pub fn new(source: &dyn Source, record: Option<&PathBuf>, scale: u32, glide: u32) -> Result<Self, String> {
        let info = source.info().clone();
        let film = record.map(|path| Film::create(path, &info, scale, glide)).transpose().map_err(|e| e.to_string())?;
        Ok(Self { info, film, scale, times_ms: Vec::new() })
    }

    /// Records the frame there is.
    ///
    /// # Errors
    /// One sentence.
    pub fn record(&mut self, source: &mut dyn Source) -> Result<(), String> {
        let Some(film) = &mut self.film else { return Ok(()) };
        let rgba = source.read_picture().map_err(|e| e.to_string())?;
        film.push(rgba, 0).map_err(|e| e.to_string())
    }

    /// Plays as planned.
    ///
    /// # Errors
    /// One sentence.
    pub fn play(&mut self, source: &mut dyn Source, mut plan: HeadlessPlan) -> Result<(), String> {
        for frame in 0..plan.frames {
            let now = Duration::from_secs_f64(frame as f64 / f64::from(self.info.rate_hz.max(1)));
            let mut changed = false;
            if let Some(text) = plan.queue.due(now) {
                let words = prompt::ids(&prompt::read(&text, self.info.prompt_words));
                // A prompt of which nothing counts leaves what is in force.
                if !words.is_empty() {
                    plan.day.begin_with(&words, now);
                    plan.words = words;
                    changed = true;
                }
            }
            if plan.day.turned(now) || changed {
                let words = plan.day.words(&plan.words, self.info.prompt_words);
                source.set_prompt(&words, plan.blend_frames).map_err(|e| e.to_string())?;
            }
            let code = self.info.code_of(plan.script.get(frame).copied().unwrap_or_default());
            let start = Instant::now();
            source.step(code, &plan.settings).map_err(|e| e.to_string())?;
            self.made(source, code, start)?;
        }
        Ok(())
    }

    /// Makes the frames of a clip again: in each the tokens that `chosen` names are dreamed, the others are the clip's.
    ///
    /// # Errors
    /// One sentence.
    pub fn dream_clip(
        &mut self,
        dream: &mut DreamSession,
        frames: &[(Vec<u8>, u8)],
        chosen: &[bool],
        settings: &DecodeSettings,
    ) -> Result<(), String> {
        for (rgb, code) in frames {
            let start = Instant::now();
            let codes = dream.encode(rgb).map_err(|e| e.to_string())?;
            dream.step_around(&codes, chosen, *code, settings).map_err(|e| e.to_string())?;
            self.made(dream, *code, start)?;
        }
        Ok(())
    }

    fn made(&mut self, source: &mut dyn Source, code: u8, start: Instant) -> Result<(), String> {
        let rgba = self.film.as_ref().map(|_| source.read_picture()).transpose().map_err(|e| e.to_string())?;
        self.times_ms.push(start.elapsed().as_secs_f64() * 1e3);
        let Some((film, rgba)) = self.film.as_mut().zip(rgba) else { return Ok(()) };
        film.push(rgba, code).map_err(|e| e.to_string())
    }

    /// Completes the recording, writes the map of what was seen as a PNG where one is asked for, and prints one line. A picture of the last frame carries what
    /// `dreamer` dreams in it with this seed, and so does a map.
    ///
    /// # Errors
    /// One sentence.
    pub fn finish(mut self, source: &mut dyn Source, map: Option<&Path>, dreamer: Option<&Arc<Pack>>, seed: u32) -> Result<(), String> {
        let carries = map.is_some() || self.film.as_ref().is_some_and(Film::is_still);
        let carried = dreamer.filter(|_| carries).zip(source.as_dream()).map(|(pack, dream)| carried(pack, dream, seed)).transpose()?;
        if let Some(path) = map {
            let dream = source.as_dream().ok_or_else(|| DreamError::NoMap(self.info.title.clone()));
            let chart = dream.and_then(DreamSession::chart).map_err(|e| e.to_string())?;
            chart.write(path, self.scale, carried.as_deref()).map_err(|e| e.to_string())?;
        }
        if let Some(film) = self.film.take() {
            film.finish(carried.as_deref()).map_err(|e| e.to_string())?;
        }
        self.times_ms.sort_by(f64::total_cmp);
        let median = self.times_ms.get(self.times_ms.len() / 2).copied().unwrap_or(0.0);
        let (info, frames) = (&self.info, self.times_ms.len());
        println!("{}: {frames} frames, median {median:.2} ms a frame ({}, {})", info.title, info.engine, info.device);
        Ok(())
    }
}

/// The present moment of a dream, as its pictures carry it.
fn carried(pack: &Arc<Pack>, dream: &mut DreamSession, seed: u32) -> Result<Vec<u8>, String> {
    let moment = dream.moment().map_err(|e| e.to_string())?;
    let words = dream.words().to_vec();
    let said: Vec<&str> = words.iter().map(|row| WordTable::get().word(*row)).collect();
    Said { pack: pack.clone(), seed, prompt: said.join(" "), words }.carried(moment)
}
