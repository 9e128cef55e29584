//! Animated WebP without loss: the frames are encoded as pictures, and this writes the container around them
//! (<https://developers.google.com/speed/webp/docs/riff_container>).

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::pace::Pace;

/// Where the size of the file stands, and what it does not count.
const RIFF_SIZE_AT: u64 = 4;
const RIFF_HEADER_BYTES: u64 = 8;
/// Largest side of a frame.
const MOST_PX: u32 = 1 << 14;
/// Largest file of the format, with room for the last frame's header.
const MOST_BYTES: u64 = u32::MAX as u64 - 64;
/// What the format counts time in, of a second.
const MILLISECONDS: u32 = 1000;
/// Flag of an animation.
const ANIMATED: u8 = 0b10;
/// A frame replaces what was there and does not blend with it.
const OVERWRITE: u8 = 0b10;

/// Why a WebP is not written.
#[derive(Debug, thiserror::Error)]
pub enum WebpError {
    #[error("a WebP has at most {MOST_PX} pixels a side, not {width_px}x{height_px}")]
    Side { width_px: u32, height_px: u32 },
    #[error("a frame has {bytes} bytes, not {width_px}x{height_px} pixels")]
    Frame { bytes: usize, width_px: u32, height_px: u32 },
    #[error("a WebP cannot be larger than 4 GB")]
    Full,
    #[error("the encoder gave no picture")]
    NoPicture,
    #[error(transparent)]
    Encode(#[from] image::ImageError),
    #[error(transparent)]
    File(#[from] std::io::Error),
}

/// A file that grows frame by frame, repeated endlessly.
pub struct WebpWriter {
    out: BufWriter<File>,
    size: (u32, u32),
    pace: Pace,
    bytes: u64,
    frame: Vec<u8>,
}

impl WebpWriter {
    /// Frames of such a size, shown at `rate_hz`.
    pub fn create(path: &Path, width_px: u32, height_px: u32, rate_hz: u32) -> Result<Self, WebpError> {
        if !(1..=MOST_PX).contains(&width_px) || !(1..=MOST_PX).contains(&height_px) {
            return Err(WebpError::Side { width_px, height_px });
        }
        let out = BufWriter::new(File::create(path)?);
        let mut writer = Self { out, size: (width_px, height_px), pace: Pace::new(rate_hz, MILLISECONDS, 1), bytes: 0, frame: Vec::new() };
        let mut head = b"RIFF\0\0\0\0WEBP".to_vec();
        let mut canvas = vec![ANIMATED, 0, 0, 0];
        canvas.extend(u24(width_px - 1));
        canvas.extend(u24(height_px - 1));
        head.extend(chunk(b"VP8X", &canvas));
        // Background colour, and 0 repetitions: endless.
        head.extend(chunk(b"ANIM", &[0; 6]));
        writer.write(&head)?;
        Ok(writer)
    }

    /// Appends a frame of RGBA pixels.
    pub fn push(&mut self, rgba: &[u8]) -> Result<(), WebpError> {
        let (width, height) = self.size;
        if rgba.len() as u64 != u64::from(width) * u64::from(height) * 4 {
            return Err(WebpError::Frame { bytes: rgba.len(), width_px: width, height_px: height });
        }
        let Some(lasts_ms) = self.pace.next() else { return Ok(()) };
        self.frame.clear();
        WebPEncoder::new_lossless(&mut self.frame).write_image(rgba, width, height, ExtendedColorType::Rgba8)?;
        // Position, size, duration, flags; then the chunks of the picture, whose own container is left away.
        let mut frame = vec![0; 6];
        frame.extend(u24(width - 1));
        frame.extend(u24(height - 1));
        frame.extend(u24(lasts_ms));
        frame.push(OVERWRITE);
        frame.extend(self.frame.get(12..).ok_or(WebpError::NoPicture)?);
        if self.bytes + frame.len() as u64 > MOST_BYTES {
            return Err(WebpError::Full);
        }
        self.write(&chunk(b"ANMF", &frame))?;
        self.finish()
    }

    /// Notes the size reached so far, so that the file is whole after each frame.
    fn finish(&mut self) -> Result<(), WebpError> {
        let size = u32::try_from(self.bytes - RIFF_HEADER_BYTES).map_err(|_| WebpError::Full)?;
        self.out.seek(SeekFrom::Start(RIFF_SIZE_AT))?;
        self.out.write_all(&size.to_le_bytes())?;
        self.out.seek(SeekFrom::End(0))?;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WebpError> {
        self.bytes += bytes.len() as u64;
        Ok(self.out.write_all(bytes)?)
    }
}

/// A chunk with its name and length, filled up to an even length.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = name.to_vec();
    chunk.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
    chunk.extend(content);
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// The lower 24 bits, little-endian.
fn u24(value: u32) -> [u8; 3] {
    let [a, b, c, _] = value.to_le_bytes();
    [a, b, c]
}
