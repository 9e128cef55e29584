//! Pictures of rollouts: a contact sheet, and a side-by-side GIF for each policy.

use std::path::Path;

use anyhow::Result;
use image::{RgbImage, imageops};
use somnium::dream::record::GifRecorder;
use somnium::pack::manifest::FrameDims;

use super::rollout::Rollout;

/// Frames of a rollout on the sheet.
const COLUMNS: usize = 8;
const GAP_PX: u32 = 4;
const GIF_SCALE: u32 = 2;

/// A row for each clip of pictures, evenly spread in time; `together` rows stand close.
pub fn write(clips: &[&[Vec<u8>]], together: usize, frame: &FrameDims, path: &Path) -> Result<()> {
    let (w, h) = (frame.width_px as u32, frame.height_px as u32);
    let top = |row: usize| row as u32 * (h + GAP_PX) + (row / together) as u32 * GAP_PX;
    let mut sheet = RgbImage::new(COLUMNS as u32 * (w + GAP_PX), top(clips.len()));
    for (row, pictures) in clips.iter().enumerate() {
        for column in 0..COLUMNS {
            let at = column * (pictures.len() - 1) / (COLUMNS - 1);
            if let Some(picture) = RgbImage::from_raw(w, h, pictures[at].clone()) {
                imageops::replace(&mut sheet, &picture, i64::from(column as u32 * (w + GAP_PX)), i64::from(top(row)));
            }
        }
    }
    Ok(sheet.save(path)?)
}

/// Simulator left, dream right, the first `frames` of both.
pub fn write_gif((simulator, dream): (&Rollout, &Rollout), frames: usize, frame: &FrameDims, path: &Path) -> Result<()> {
    let gap = GAP_PX as usize;
    let width = 2 * frame.width_px + gap;
    let mut gif = GifRecorder::create(path, width, frame.height_px, frame.rate_hz, GIF_SCALE)?;
    for (simulator, dream) in simulator.pictures.iter().zip(&dream.pictures).take(frames) {
        let mut rgba = Vec::with_capacity(width * frame.height_px * 4);
        let row_bytes = frame.width_px * 3;
        for (left, right) in simulator.chunks_exact(row_bytes).zip(dream.chunks_exact(row_bytes)) {
            let opaque = |row: &[u8]| row.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect::<Vec<u8>>();
            rgba.extend(opaque(left));
            rgba.extend(std::iter::repeat_n([0, 0, 0, 255], gap).flatten());
            rgba.extend(opaque(right));
        }
        gif.push(&rgba)?;
    }
    Ok(())
}
