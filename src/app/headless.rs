//! Play without a display, through the same sources: a script in, a recording and a summary out.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::dream::record::{GifRecorder, write_png};
use crate::dream::{Drive, Source};
use crate::engine::DecodeSettings;

pub struct HeadlessPlan {
    /// Frames to make.
    pub frames: usize,
    /// One drive a frame; nobody touches anything once it is over.
    pub script: Vec<Drive>,
    /// `.gif` for all frames, `.png` for the last.
    pub record: Option<PathBuf>,
    /// Whole-number enlargement of what is recorded.
    pub scale: u32,
    pub settings: DecodeSettings,
}

/// Plays and prints one line about it.
///
/// # Errors
/// One sentence.
pub fn run(source: &mut dyn Source, plan: &HeadlessPlan) -> Result<(), String> {
    let info = source.info().clone();
    let mut output = plan.record.as_deref().map(|path| Output::create(path, &info, plan.scale)).transpose()?;
    if let Some(output) = &mut output {
        output.push(&source.read_picture().map_err(|e| e.to_string())?)?;
    }
    let mut times_ms = Vec::with_capacity(plan.frames);
    for frame in 0..plan.frames {
        let code = info.code_of(plan.script.get(frame).copied().unwrap_or_default());
        let start = Instant::now();
        source.step(code, &plan.settings).map_err(|e| e.to_string())?;
        if let Some(output) = &mut output {
            let rgba = source.read_picture().map_err(|e| e.to_string())?;
            times_ms.push(start.elapsed().as_secs_f64() * 1e3);
            output.push(&rgba)?;
        } else {
            times_ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    if let Some(output) = output {
        output.finish(&info, plan.scale)?;
    }
    times_ms.sort_by(f64::total_cmp);
    let median = times_ms.get(times_ms.len() / 2).copied().unwrap_or(0.0);
    println!("{}: {} frames, median {median:.2} ms a frame ({}, {})", info.title, plan.frames, info.engine, info.device);
    Ok(())
}

enum Output {
    Gif(Box<GifRecorder>),
    /// The last frame is kept until the end.
    Png(PathBuf, Vec<u8>),
}

impl Output {
    fn create(path: &Path, info: &crate::dream::SourceInfo, scale: u32) -> Result<Self, String> {
        match path.extension().and_then(|e| e.to_str()).map(str::to_lowercase).as_deref() {
            Some("gif") => {
                let gif = GifRecorder::create(path, info.width_px, info.height_px, info.rate_hz, scale);
                Ok(Self::Gif(Box::new(gif.map_err(|e| e.to_string())?)))
            }
            Some("png") => Ok(Self::Png(path.to_owned(), Vec::new())),
            _ => Err(format!("cannot record to {}: its name must end in .gif, or in .png for the last frame", path.display())),
        }
    }

    fn push(&mut self, rgba: &[u8]) -> Result<(), String> {
        match self {
            Self::Gif(gif) => gif.push(rgba).map_err(|e| e.to_string()),
            Self::Png(_, last) => {
                last.clear();
                last.extend_from_slice(rgba);
                Ok(())
            }
        }
    }

    fn finish(self, info: &crate::dream::SourceInfo, scale: u32) -> Result<(), String> {
        match self {
            Self::Gif(_) => Ok(()),
            Self::Png(path, rgba) => {
                let (large, w, h) = crate::dream::record::enlarge(&rgba, info.width_px, info.height_px, scale as usize)?;
                write_png(&path, w, h, &large).map_err(|e| e.to_string())
            }
        }
    }
}
