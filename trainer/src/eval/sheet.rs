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
/// An arrow to the north, and how far from the upper left corner of a picture it is drawn.
const ARROW: [&[u8; 5]; 5] = [b"..#..", b".###.", b"#.#.#", b"..#..", b"..#.."];
const ARROW_AT_PX: usize = 2;

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

/// Simulator left, dream right, the first `frames` of both, each with the key that led to it: policies go by what they see, and soon press
/// others here than there.
pub fn write_gif((simulator, dream): (&Rollout, &Rollout), frames: usize, frame: &FrameDims, path: &Path) -> Result<()> {
    let gap = GAP_PX as usize;
    let width = 2 * frame.width_px + gap;
    let mut gif = GifRecorder::create(path, width, frame.height_px, frame.rate_hz, GIF_SCALE)?;
    for t in 0..simulator.pictures.len().min(dream.pictures.len()).min(frames) {
        let [simulator, dream] = [simulator, dream].map(|rollout| {
            let mut picture = rollout.pictures[t].clone();
            draw_key(&mut picture, frame.width_px, t.checked_sub(1).map_or(0, |led| rollout.steps[led].asked));
            picture
        });
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
    Ok(gif.finish()?)
}

/// Draws the key of an action into a picture, RGB: an arrow, white on black, which way it goes. Nothing where none is pressed.
fn draw_key(rgb: &mut [u8], width_px: usize, action: usize) {
    let side = ARROW.len();
    for (x, y) in (0..side * side).map(|i| (i % side, i / side)) {
        // What of the arrow to the north lies here once it is turned: north, south, west, east.
        let (column, row) = match action {
            1 => (x, y),
            2 => (x, side - 1 - y),
            3 => (y, x),
            4 => (y, side - 1 - x),
            _ => return,
        };
        let at = ((ARROW_AT_PX + y) * width_px + ARROW_AT_PX + x) * 3;
        if let Some(pixel) = rgb.get_mut(at..at + 3) {
            pixel.fill(if ARROW[row][column] == b'#' { 255 } else { 0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_points_where_its_key_goes() {
        let (width, height) = (12, 9);
        let white = |action: usize| -> Vec<[usize; 2]> {
            let mut rgb = vec![7; width * height * 3];
            draw_key(&mut rgb, width, action);
            assert!(rgb.iter().filter(|value| **value == 7).count() >= (width * height - 25) * 3, "no more is drawn over than a box");
            (0..width * height).filter(|i| rgb[i * 3] == 255).map(|i| [i % width, i / width]).collect()
        };
        assert!(white(0).is_empty(), "nothing is pressed");
        // What is aslant of its middle is white on the side that it points to.
        let heads = [[[3, 3], [5, 3]], [[3, 5], [5, 5]], [[3, 3], [3, 5]], [[5, 3], [5, 5]]];
        for (action, head) in (1..).zip(heads) {
            let white = white(action);
            assert!(head.iter().all(|pixel| white.contains(pixel)), "{action}: {white:?}");
            assert_eq!(white.iter().filter(|[x, y]| [3, 5].contains(x) && [3, 5].contains(y)).count(), 2, "{action}: {white:?}");
        }
    }
}
