//! Writing a walk down as an animated GIF.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbaImage, imageops};

#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {why}", path = path.display())]
pub struct RecordError {
    path: PathBuf,
    why: String,
}

/// An animated GIF that grows frame by frame.
pub struct GifRecorder {
    path: PathBuf,
    encoder: GifEncoder<BufWriter<File>>,
    delay: Delay,
    width_px: u32,
    height_px: u32,
    scale: u32,
}

impl GifRecorder {
    /// Frames of `width_px * height_px`, enlarged `scale` times, shown at `rate_hz`, endlessly repeated.
    ///
    /// # Errors
    /// Where the file cannot be made.
    pub fn create(path: &Path, width_px: usize, height_px: usize, rate_hz: u32, scale: u32) -> Result<Self, RecordError> {
        let failed = |why: String| RecordError { path: path.to_owned(), why };
        let file = File::create(path).map_err(|e| failed(e.to_string()))?;
        // 10 keeps small palettes exact at a tenth of the slowest setting's time.
        let mut encoder = GifEncoder::new_with_speed(BufWriter::new(file), 10);
        encoder.set_repeat(Repeat::Infinite).map_err(|e| failed(e.to_string()))?;
        let side = |px: usize| u32::try_from(px).map_err(|_| failed("the frame is too large".to_owned()));
        Ok(Self {
            path: path.to_owned(),
            encoder,
            delay: Delay::from_saturating_duration(Duration::from_secs(1) / rate_hz.max(1)),
            width_px: side(width_px)?,
            height_px: side(height_px)?,
            scale: scale.max(1),
        })
    }

    /// Appends one frame of RGBA pixels.
    ///
    /// # Errors
    /// Where the disk is full or the frame has another size.
    pub fn push(&mut self, rgba: &[u8]) -> Result<(), RecordError> {
        let failed = |why: String| RecordError { path: self.path.clone(), why };
        let picture = RgbaImage::from_raw(self.width_px, self.height_px, rgba.to_vec())
            .ok_or_else(|| failed(format!("a frame has {} bytes, not {}x{} pixels", rgba.len(), self.width_px, self.height_px)))?;
        let (w, h) = (self.width_px * self.scale, self.height_px * self.scale);
        let large = if self.scale == 1 { picture } else { imageops::resize(&picture, w, h, imageops::FilterType::Nearest) };
        self.encoder.encode_frame(Frame::from_parts(large, 0, 0, self.delay)).map_err(|e| failed(e.to_string()))
    }
}

/// Writes RGBA pixels as a PNG through a temporary name, so that no half file is ever seen.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_png(path: &Path, width_px: u32, height_px: u32, rgba: &[u8]) -> Result<(), RecordError> {
    let failed = |why: String| RecordError { path: path.to_owned(), why };
    let picture = RgbaImage::from_raw(width_px, height_px, rgba.to_vec()).ok_or_else(|| failed("its size is wrong".to_owned()))?;
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).map_err(|e| failed(e.to_string()))?;
    let partial = path.with_extension("png.part");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&partial)?;
        file.write_all(bytes.get_ref())?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().map_err(|e| failed(e.to_string()))
}

/// Repeats every RGBA pixel `scale` times in both directions; gives the pixels with their width and height.
///
/// # Errors
/// Where the result would be too large.
pub fn enlarge(rgba: &[u8], width_px: usize, height_px: usize, scale: usize) -> Result<(Vec<u8>, u32, u32), String> {
    let side = |px: usize| u32::try_from(px * scale).map_err(|_| "the picture is too large to save".to_owned());
    let mut large = Vec::with_capacity(rgba.len() * scale * scale);
    for row in rgba.chunks_exact(width_px * 4).take(height_px) {
        for _ in 0..scale {
            large.extend(row.chunks_exact(4).flat_map(|pixel| std::iter::repeat_n(pixel, scale)).flatten());
        }
    }
    Ok((large, side(width_px)?, side(height_px)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_reads_back_frame_by_frame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.gif");
        let mut recorder = GifRecorder::create(&path, 16, 8, 10, 2).unwrap();
        for shade in [0u8, 128, 255] {
            let rgba: Vec<u8> = (0..16 * 8).flat_map(|_| [shade, shade, 0, 255]).collect();
            recorder.push(&rgba).unwrap();
        }
        assert!(recorder.push(&[0; 5]).is_err());
        drop(recorder);
        let stills = crate::dream::still::load(&path, 16, 8).unwrap();
        let shades: Vec<u8> = stills.iter().map(|s| s.rgb[0]).collect();
        assert_eq!(shades, [0, 128, 255]);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let error = GifRecorder::create(Path::new("/nonexistent/walk.gif"), 8, 8, 10, 1).err().unwrap().to_string();
        assert!(error.contains("/nonexistent/walk.gif"), "{error}");
        let error = write_png(Path::new("/nonexistent/shot.png"), 1, 1, &[0; 4]).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/shot.png"), "{error}");
    }

    #[test]
    fn enlarging_repeats_pixels() {
        let (large, w, h) = enlarge(&[1, 2, 3, 4, 5, 6, 7, 8], 2, 1, 2).unwrap();
        assert_eq!((w, h), (4, 2));
        assert_eq!(large[..16], [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8]);
        assert_eq!(large[..16], large[16..]);
    }
}
