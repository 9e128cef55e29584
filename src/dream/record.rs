//! Writing a walk down as an animated GIF or WebP, or its last frame as a PNG.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbaImage, imageops};

use super::pace::Pace;
use super::saved::CHUNK;
use super::source::SourceInfo;
use super::webp::WebpWriter;
use crate::whole_file;

#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {why}", path = path.display())]
pub struct RecordError {
    path: PathBuf,
    why: String,
}

impl RecordError {
    pub(super) fn new(path: &Path, why: String) -> Self {
        Self { path: path.to_owned(), why }
    }
}

/// What a GIF counts time in.
const CENTISECONDS: u32 = 100;
/// Browsers show what is to last less for ten times as long.
const LEAST_CS: u32 = 2;

/// An animated GIF that grows frame by frame.
pub struct GifRecorder {
    path: PathBuf,
    encoder: GifEncoder<BufWriter<File>>,
    pace: Pace,
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
        let failed = |why: String| RecordError::new(path, why);
        let file = File::create(path).map_err(|e| failed(e.to_string()))?;
        let mut encoder = GifEncoder::new(BufWriter::new(file));
        encoder.set_repeat(Repeat::Infinite).map_err(|e| failed(e.to_string()))?;
        let side = |px: usize| u32::try_from(px).map_err(|_| failed("the frame is too large".to_owned()));
        Ok(Self {
            path: path.to_owned(),
            encoder,
            pace: Pace::new(rate_hz, CENTISECONDS, LEAST_CS),
            width_px: side(width_px)?,
            height_px: side(height_px)?,
            scale: scale.max(1),
        })
    }

    /// Appends one frame of RGBA pixels; of more than fifty a second some are left out.
    ///
    /// # Errors
    /// Where the disk is full or the frame has another size.
    pub fn push(&mut self, rgba: &[u8]) -> Result<(), RecordError> {
        let failed = |why: String| RecordError::new(&self.path, why);
        let [width, height] = [self.width_px, self.height_px].map(|side| side as usize);
        if rgba.len() != width * height * 4 {
            return Err(failed(format!("a frame has {} bytes, not {width}x{height} pixels", rgba.len())));
        }
        let Some(lasts_cs) = self.pace.next() else { return Ok(()) };
        let delay = Delay::from_numer_denom_ms(lasts_cs * 10, 1);
        let picture = RgbaImage::from_raw(self.width_px, self.height_px, with_few_colours(rgba))
            .ok_or_else(|| failed("a frame is too large".to_owned()))?;
        let (w, h) = (self.width_px * self.scale, self.height_px * self.scale);
        let large = if self.scale == 1 { picture } else { imageops::resize(&picture, w, h, imageops::FilterType::Nearest) };
        self.encoder.encode_frame(Frame::from_parts(large, 0, 0, delay)).map_err(|e| failed(e.to_string()))
    }

    /// Completes the file.
    ///
    /// # Errors
    /// Where the disk did not take all of it.
    pub fn finish(self) -> Result<(), RecordError> {
        let Self { path, encoder, .. } = self;
        // The encoder writes the end when it is dropped, and cannot say that it failed.
        drop(encoder);
        let last_byte = || -> std::io::Result<u8> {
            let (mut file, mut last) = (File::open(&path)?, [0]);
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            Ok(last[0])
        };
        match last_byte() {
            Ok(GIF_END) => Ok(()),
            Ok(_) => Err(RecordError::new(&path, "the disk took only a part of it".to_owned())),
            Err(why) => Err(RecordError::new(&path, why.to_string())),
        }
    }
}

/// Last byte of a GIF.
const GIF_END: u8 = 0x3B;
/// Colours that a frame of a GIF may have.
const GIF_COLOURS: usize = 256;
/// Grains that colours are rounded to, the finest that leaves few enough.
const GRAINS: [u8; 9] = [1, 2, 3, 4, 6, 8, 12, 16, 32];

/// RGBA pixels in as many colours as a GIF's frame may have, each channel off by half a grain at most. An encoder that is left to choose a palette
/// forgets what few pixels have: a red hat on a meadow would come out brown. Only where the coarsest grain leaves too many does it choose.
fn with_few_colours(rgba: &[u8]) -> Vec<u8> {
    let rounded = |grain: u8| {
        let round = move |channel: u8| ((u16::from(channel) + u16::from(grain / 2)) / u16::from(grain) * u16::from(grain)).min(255) as u8;
        rgba.chunks_exact(4).map(move |pixel| [round(pixel[0]), round(pixel[1]), round(pixel[2]), pixel[3]])
    };
    let are_few = |grain: &u8| {
        let mut colours = HashSet::new();
        rounded(*grain).all(|colour| {
            colours.insert(colour);
            colours.len() <= GIF_COLOURS
        })
    };
    let grain = GRAINS.into_iter().find(are_few).unwrap_or(GRAINS[GRAINS.len() - 1]);
    rounded(grain).flatten().collect()
}

/// A recording of one of the kinds that the ending of its name says.
pub enum Recorder {
    Gif(Box<GifRecorder>),
    /// Frames are enlarged this many times.
    Webp(Box<WebpWriter>, PathBuf, [usize; 3]),
    /// The last frame is kept until the end.
    Png(Vec<u8>, PathBuf, [usize; 3]),
}

impl Recorder {
    /// Frames of what `info` describes, enlarged `scale` times, go to `path`: all of them to a .gif or .webp, the last to a .png.
    ///
    /// # Errors
    /// Where the ending is another, or the file cannot be made.
    pub fn create(path: &Path, info: &SourceInfo, scale: u32) -> Result<Self, RecordError> {
        let failed = |why: String| RecordError::new(path, why);
        let shape = [info.width_px, info.height_px, scale.max(1) as usize];
        match path.extension().and_then(|e| e.to_str()).map(str::to_lowercase).as_deref() {
            Some("gif") => Ok(Self::Gif(Box::new(GifRecorder::create(path, info.width_px, info.height_px, info.rate_hz, scale)?))),
            Some("webp") => {
                let side = |px: usize| u32::try_from(px * shape[2]).unwrap_or(u32::MAX);
                let writer = WebpWriter::create(path, side(shape[0]), side(shape[1]), info.rate_hz);
                Ok(Self::Webp(Box::new(writer.map_err(|why| failed(why.to_string()))?), path.to_owned(), shape))
            }
            Some("png") => Ok(Self::Png(Vec::new(), path.to_owned(), shape)),
            _ => Err(failed("its name must end in .gif or .webp, or in .png for the last frame".to_owned())),
        }
    }

    /// Appends one frame of RGBA pixels.
    ///
    /// # Errors
    /// Where the disk is full.
    pub fn push(&mut self, rgba: &[u8]) -> Result<(), RecordError> {
        match self {
            Self::Gif(gif) => gif.push(rgba),
            Self::Webp(writer, path, [w, h, scale]) => {
                let failed = |why: String| RecordError::new(path, why);
                let (large, ..) = enlarge(rgba, *w, *h, *scale).map_err(|why| failed(why.to_string()))?;
                writer.push(&large).map_err(|why| failed(why.to_string()))
            }
            Self::Png(last, ..) => {
                last.clear();
                last.extend_from_slice(rgba);
                Ok(())
            }
        }
    }

    /// Completes the file; a .png carries the `dream`, where there is one.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(self, dream: Option<&[u8]>) -> Result<(), RecordError> {
        match self {
            Self::Gif(gif) => gif.finish(),
            // Whole after every frame.
            Self::Webp(..) => Ok(()),
            Self::Png(rgba, path, [w, h, scale]) => write_picture(&path, &rgba, [w, h], scale as u32, dream),
        }
    }
}

/// Writes RGBA pixels, enlarged by a whole number, as a PNG through a temporary name, so that no half file is ever seen; with the `dream` inside, where there is one.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_picture(
    path: &Path,
    rgba: &[u8],
    [width_px, height_px]: [usize; 2],
    scale: u32,
    dream: Option<&[u8]>,
) -> Result<(), RecordError> {
    let failed = |why: String| RecordError::new(path, why);
    let (rgba, width_px, height_px) = enlarge(rgba, width_px, height_px, scale.max(1) as usize).map_err(|why| failed(why.to_string()))?;
    let encode = || -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width_px, height_px);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        // Enlarged pixels are rows that repeat: what is fast elsewhere takes five times the room here.
        encoder.set_compression(png::Compression::Default);
        encoder.set_filter(png::FilterType::NoFilter);
        let mut writer = encoder.write_header()?;
        if let Some(dream) = dream {
            writer.write_chunk(png::chunk::ChunkType(CHUNK), dream)?;
        }
        writer.write_image_data(&rgba)?;
        writer.finish()?;
        Ok(bytes)
    };
    let bytes = encode().map_err(|e| failed(e.to_string()))?;
    whole_file::write(path, &bytes).map_err(|e| failed(e.to_string()))
}

/// A picture has more pixels than a file or the memory has room for.
#[derive(Debug, thiserror::Error)]
#[error("the picture is too large to save")]
pub struct TooLarge;

/// Repeats every RGBA pixel `scale` times in both directions; gives the pixels with their width and height.
///
/// # Errors
/// [`TooLarge`], before memory is taken.
pub fn enlarge(rgba: &[u8], width_px: usize, height_px: usize, scale: usize) -> Result<(Vec<u8>, u32, u32), TooLarge> {
    let side = |px: usize| px.checked_mul(scale).and_then(|px| u32::try_from(px).ok()).ok_or(TooLarge);
    let (large_width_px, large_height_px) = (side(width_px)?, side(height_px)?);
    let bytes = rgba.len().checked_mul(scale).and_then(|bytes| bytes.checked_mul(scale)).ok_or(TooLarge)?;
    let mut large = Vec::new();
    large.try_reserve_exact(bytes).map_err(|_| TooLarge)?;
    for row in rgba.chunks_exact(width_px * 4).take(height_px) {
        for _ in 0..scale {
            large.extend(row.chunks_exact(4).flat_map(|pixel| std::iter::repeat_n(pixel, scale)).flatten());
        }
    }
    Ok((large, large_width_px, large_height_px))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        recorder.finish().unwrap();
        let stills = crate::dream::still::load(&path, 16, 8).unwrap();
        let shades: Vec<u8> = stills.iter().map(|s| s.rgb[0]).collect();
        assert_eq!(shades, [0, 128, 255]);
    }

    #[test]
    fn a_gif_lasts_as_long_as_the_walk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.gif");
        let mut recorder = GifRecorder::create(&path, 16, 8, 18, 1).unwrap();
        (0..18).for_each(|shade| recorder.push(&[shade * 9; 16 * 8 * 4]).unwrap());
        recorder.finish().unwrap();
        let decoder = image::codecs::gif::GifDecoder::new(std::io::BufReader::new(File::open(&path).unwrap())).unwrap();
        let delays = image::AnimationDecoder::into_frames(decoder).map(|frame| Duration::from(frame.unwrap().delay()));
        assert_eq!(delays.sum::<Duration>(), Duration::from_secs(1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_of() {
        let mut recorder = GifRecorder::create(Path::new("/dev/full"), 16, 8, 10, 1).unwrap();
        recorder.push(&[9; 16 * 8 * 4]).unwrap();
        let why = recorder.finish().unwrap_err().to_string();
        assert!(why.contains("/dev/full"), "{why}");
        let why = write_picture(Path::new("/dev/null/x.png"), &[9; 4], [1, 1], 1, None).unwrap_err().to_string();
        assert!(why.contains("x.png"), "{why}");
    }

    #[test]
    fn a_gif_keeps_what_few_pixels_show_of_many_colours() {
        // A meadow of many greens with a hat of a dozen red pixels.
        let meadow = |i: usize| [(i * 7 % 60) as u8, (100 + i * 13 % 90) as u8, (i * 11 % 70) as u8, 255];
        let red = |i: usize| (3000..3012).contains(&i);
        let rgba: Vec<u8> = (0..96 * 64).flat_map(|i| if red(i) { [220, 30, 60, 255] } else { meadow(i) }).collect();
        let furthest = |rgb: &[u8]| {
            let off = |(a, b): (&[u8], &[u8])| (0..3).map(|c| a[c].abs_diff(b[c])).max().unwrap_or_default();
            rgb.chunks_exact(3).zip(rgba.chunks_exact(4)).map(off).max().unwrap_or_default()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.gif");
        let shown = || crate::dream::still::load(&path, 96, 64).unwrap().remove(0).rgb;
        let mut recorder = GifRecorder::create(&path, 96, 64, 10, 1).unwrap();
        recorder.push(&rgba).unwrap();
        recorder.finish().unwrap();
        assert!(furthest(&shown()) <= 16, "{}", furthest(&shown()));
        // The encoder by itself loses the hat.
        let mut encoder = GifEncoder::new_with_speed(File::create(&path).unwrap(), 10);
        encoder.encode_frame(Frame::new(RgbaImage::from_raw(96, 64, rgba.clone()).unwrap())).unwrap();
        drop(encoder);
        assert!(furthest(&shown()) > 40, "{}", furthest(&shown()));
    }

    #[test]
    fn few_colours_stay_what_they_are() {
        let few: Vec<u8> = (0..256).flat_map(|i| [i as u8, 255 - i as u8, 7, 255]).collect();
        assert_eq!(with_few_colours(&few), few);
        let many: Vec<u8> = (0..65536u32).flat_map(|i| [(i / 256) as u8, i as u8, (i * 31) as u8, 255]).collect();
        let rounded = with_few_colours(&many);
        let colours: HashSet<&[u8]> = rounded.chunks_exact(4).collect();
        assert!(colours.len() <= 9 * 9 * 9);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let error = GifRecorder::create(Path::new("/nonexistent/walk.gif"), 8, 8, 10, 1).err().unwrap().to_string();
        assert!(error.contains("/nonexistent/walk.gif"), "{error}");
        let error = write_picture(Path::new("/nonexistent/shot.png"), &[0; 4], [1, 1], 1, None).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/shot.png"), "{error}");
    }

    #[test]
    fn a_webp_reads_back_frame_by_frame_without_loss() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.webp");
        // An odd number of bytes a frame now and then, and a size that is not even.
        let frame = |i: usize| -> Vec<u8> { (0..15 * 9).flat_map(|p| [(p * i) as u8, (p * 7) as u8, (i * 40) as u8, 255]).collect() };
        let mut writer = WebpWriter::create(&path, 15, 9, 10).unwrap();
        (0..4).for_each(|i| writer.push(&frame(i)).unwrap());
        drop(writer);
        let stills = crate::dream::still::load(&path, 15, 9).unwrap();
        assert_eq!(stills.len(), 4);
        for (i, still) in stills.iter().enumerate() {
            let rgb: Vec<u8> = frame(i).chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
            assert!(still.rgb == rgb, "frame {i}");
        }
    }

    #[test]
    fn enlarging_repeats_pixels() {
        let (large, w, h) = enlarge(&[1, 2, 3, 4, 5, 6, 7, 8], 2, 1, 2).unwrap();
        assert_eq!((w, h), (4, 2));
        assert_eq!(large[..16], [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 5, 6, 7, 8]);
        assert_eq!(large[..16], large[16..]);
        // Sides that no picture has, and pixels that no memory has room for.
        for scale in [usize::MAX, 1 << 31, 1 << 30] {
            assert!(enlarge(&[1; 8], 2, 1, scale).is_err(), "{scale}");
        }
    }
}
