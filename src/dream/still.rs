//! Pictures from outside: PNG, JPEG, WebP or GIF, fitted to the frame size of a world.

use std::collections::VecDeque;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{AnimationDecoder, Frames, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

/// Smallest and largest side that is taken in, in pixels.
const SIDE_PX: std::ops::RangeInclusive<u32> = 8..=8192;
/// Largest file that is read.
const MOST_BYTES: u64 = 64 << 20;
/// Frames of an animation that become history: the last ones.
pub const MOST_FRAMES: usize = 32;
/// Pixels of an animation that are decoded at all: 600 frames of 1920x1080, some seconds of work.
const MOST_DECODED_PX: u64 = 600 * 1920 * 1080;

/// A picture of a world's frame size: `width_px * height_px * 3` bytes, rows, columns, RGB, sRGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    pub rgb: Vec<u8>,
}

impl Still {
    /// A picture that is there already, RGBA, fitted to `frame_px`; `name` is what errors call it.
    ///
    /// # Errors
    /// [`StillError::Size`] and [`StillError::Decode`], naming `name`.
    pub fn of_pixels(name: &str, rgba: Vec<u8>, size_px: [usize; 2], frame_px: [usize; 2]) -> Result<Self, StillError> {
        let [width, height] = size_px.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        check_size(name, width, height)?;
        let whole = image::RgbaImage::from_raw(width, height, rgba);
        let whole = whole.ok_or_else(|| StillError::Decode { name: name.to_owned(), why: "pixels are missing".to_owned() })?;
        Ok(fit(&over_black(&whole), frame_px[0], frame_px[1]))
    }
}

fn check_size(name: &str, width: u32, height: u32) -> Result<(), StillError> {
    let fits = SIDE_PX.contains(&width) && SIDE_PX.contains(&height);
    if fits { Ok(()) } else { Err(StillError::Size { name: name.to_owned(), width, height }) }
}

#[derive(Debug, thiserror::Error)]
pub enum StillError {
    #[error("cannot read the picture {name}: {why}")]
    Read { name: String, why: String },
    #[error("the picture {0} is empty")]
    Empty(String),
    #[error("the picture {name} is larger than {} MiB", MOST_BYTES >> 20)]
    Heavy { name: String },
    #[error("{0} is not a PNG, JPEG, WebP or GIF picture")]
    Format(String),
    #[error("the picture {name} cannot be decoded: {why}")]
    Decode { name: String, why: String },
    #[error("the animation {name} is too long: {most} frames of it can be taken in, and it has more")]
    Long { name: String, most: usize },
    #[error("the picture {name} is {width}x{height} pixels; each side must be {} to {}", SIDE_PX.start(), SIDE_PX.end())]
    Size { name: String, width: u32, height: u32 },
}

/// Reads `path` and fits it to `width_px * height_px`: the middle is kept, scaled to cover. Several frames of a GIF or WebP come oldest first.
///
/// # Errors
/// [`StillError`], naming the file.
pub fn load(path: &Path, width_px: usize, height_px: usize) -> Result<Vec<Still>, StillError> {
    decode(&path.display().to_string(), &read(path)?, width_px, height_px)
}

/// As [`load`], but of an animation every frame; no more than `most` are taken in.
///
/// # Errors
/// [`StillError`], naming the file.
pub fn load_whole(path: &Path, width_px: usize, height_px: usize, most: usize) -> Result<Vec<Still>, StillError> {
    let name = path.display().to_string();
    let Decoded { stills, whole } = decode_last(&name, &read(path)?, width_px, height_px, most)?;
    if whole { Ok(stills) } else { Err(StillError::Long { name, most: stills.len() }) }
}

/// The bytes of a picture's file.
///
/// # Errors
/// [`StillError::Read`] and [`StillError::Heavy`].
pub fn read(path: &Path) -> Result<Vec<u8>, StillError> {
    let name = path.display().to_string();
    let read = |why: std::io::Error| StillError::Read { name: name.clone(), why: why.to_string() };
    let about = std::fs::metadata(path).map_err(read)?;
    if !about.is_file() {
        return Err(StillError::Read { name, why: "it is not a file".to_owned() });
    }
    if about.len() > MOST_BYTES {
        return Err(StillError::Heavy { name });
    }
    std::fs::read(path).map_err(read)
}

/// As [`load`], from bytes; `name` is what errors call it.
///
/// # Errors
/// [`StillError`], naming `name`.
pub fn decode(name: &str, bytes: &[u8], width_px: usize, height_px: usize) -> Result<Vec<Still>, StillError> {
    decode_last(name, bytes, width_px, height_px, MOST_FRAMES).map(|decoded| decoded.stills)
}

struct Decoded {
    stills: Vec<Still>,
    /// Whether that is all there is.
    whole: bool,
}

/// Of an animation the last `most` frames of those that come first and have no more than [`MOST_DECODED_PX`] pixels together.
fn decode_last(name: &str, bytes: &[u8], width_px: usize, height_px: usize, most: usize) -> Result<Decoded, StillError> {
    let name = || name.to_owned();
    if bytes.is_empty() {
        return Err(StillError::Empty(name()));
    }
    let format = image::guess_format(bytes).map_err(|_| StillError::Format(name()))?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif) {
        return Err(StillError::Format(name()));
    }
    let broken = |why: image::ImageError| StillError::Decode { name: name(), why: why.to_string() };
    // Sizes stand in the header: they are checked before a pixel is allocated.
    let (width, height) = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().map_err(broken)?;
    check_size(&name(), width, height)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(*SIDE_PX.end());
    limits.max_image_height = Some(*SIDE_PX.end());

    let (mut stills, mut whole) = (VecDeque::new(), true);
    if let Some(frames) = animation(format, bytes, &limits).map_err(broken)? {
        let mut left_px = MOST_DECODED_PX;
        for frame in frames {
            // An animation cut short still has the frames before the cut.
            let frame = match frame {
                Ok(frame) => frame,
                Err(_) if !stills.is_empty() => break,
                Err(why) => return Err(broken(why)),
            };
            let frame_px = u64::from(width) * u64::from(height);
            if left_px < frame_px {
                whole = false;
                break;
            }
            left_px -= frame_px;
            if stills.len() >= most {
                whole = false;
                stills.pop_front();
            }
            stills.push_back(fit(&over_black(&frame.into_buffer()), width_px, height_px));
        }
    } else {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(broken)?;
        // Cameras write what they see as it falls on the sensor, and beside it which side is up.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut picture = image::DynamicImage::from_decoder(decoder).map_err(broken)?;
        picture.apply_orientation(orientation);
        stills.push_back(fit(&over_black(&picture.into_rgba8()), width_px, height_px));
    }
    if stills.is_empty() { Err(StillError::Empty(name())) } else { Ok(Decoded { stills: stills.into(), whole }) }
}

/// The frames of a GIF or of an animated WebP.
fn animation<'a>(format: ImageFormat, bytes: &'a [u8], limits: &Limits) -> image::ImageResult<Option<Frames<'a>>> {
    match format {
        ImageFormat::Gif => {
            let mut decoder = GifDecoder::new(Cursor::new(bytes))?;
            decoder.set_limits(limits.clone())?;
            Ok(Some(decoder.into_frames()))
        }
        ImageFormat::WebP => {
            let mut decoder = WebPDecoder::new(Cursor::new(bytes))?;
            decoder.set_limits(limits.clone())?;
            Ok(decoder.has_animation().then(|| decoder.into_frames()))
        }
        _ => Ok(None),
    }
}

/// Several files one after another: pictures become history in the order given.
///
/// # Errors
/// The first file's that cannot be read.
pub fn load_all(paths: &[PathBuf], width_px: usize, height_px: usize) -> Result<Vec<Still>, StillError> {
    let mut stills = Vec::new();
    for path in paths {
        stills.extend(load(path, width_px, height_px)?);
    }
    let extra = stills.len().saturating_sub(MOST_FRAMES);
    stills.drain(..extra);
    Ok(stills)
}

fn over_black(rgba: &image::RgbaImage) -> RgbImage {
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0;
        let shade = |c: u8| u8::try_from(u16::from(c) * u16::from(a) / 255).unwrap_or(u8::MAX);
        image::Rgb([shade(r), shade(g), shade(b)])
    })
}

/// Scales to cover and cuts the middle out. Whole-number enlargements of pixel art are undone without blur.
fn fit(picture: &RgbImage, width_px: usize, height_px: usize) -> Still {
    let (w, h) = (u32::try_from(width_px).unwrap_or(1).max(1), u32::try_from(height_px).unwrap_or(1).max(1));
    let (pw, ph) = picture.dimensions();
    // The largest middle part with the frame's proportions; cross-multiplied so that exact proportions stay exact.
    let (cw, ch) = if u64::from(pw) * u64::from(h) > u64::from(ph) * u64::from(w) {
        (u32::try_from(u64::from(ph) * u64::from(w) / u64::from(h)).unwrap_or(pw).max(1), ph)
    } else {
        (pw, u32::try_from(u64::from(pw) * u64::from(h) / u64::from(w)).unwrap_or(ph).max(1))
    };
    let middle = imageops::crop_imm(picture, (pw - cw) / 2, (ph - ch) / 2, cw, ch).to_image();
    let scaled = if (cw, ch) == (w, h) {
        middle
    } else {
        let whole = cw % w == 0 && ch % h == 0 && is_enlarged(&middle, cw / w);
        imageops::resize(&middle, w, h, if whole { FilterType::Nearest } else { FilterType::Triangle })
    };
    Still { rgb: scaled.into_raw() }
}

/// Every `factor * factor` block has one colour: a screenshot of pixel art.
fn is_enlarged(picture: &RgbImage, factor: u32) -> bool {
    picture.enumerate_pixels().all(|(x, y, p)| p == picture.get_pixel(x - x % factor, y - y % factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    fn checker(w: u32, h: u32) -> RgbImage {
        RgbImage::from_fn(w, h, |x, y| image::Rgb([(x * 7 % 256) as u8, (y * 5 % 256) as u8, ((x + y) % 2 * 255) as u8]))
    }

    #[test]
    fn a_picture_of_the_frame_size_arrives_untouched() {
        let picture = checker(40, 24);
        let stills = decode("p", &encoded(&picture, ImageFormat::Png), 40, 24).unwrap();
        assert_eq!(stills[0].rgb, picture.into_raw());
    }

    #[test]
    fn an_enlarged_screenshot_comes_back_exactly_and_a_wide_picture_keeps_its_middle() {
        let small = checker(40, 24);
        let large = RgbImage::from_fn(160, 96, |x, y| *small.get_pixel(x / 4, y / 4));
        assert_eq!(decode("p", &encoded(&large, ImageFormat::Png), 40, 24).unwrap()[0].rgb, small.clone().into_raw());
        let wide = RgbImage::from_fn(60, 24, |x, y| if (10..50).contains(&x) { *small.get_pixel(x - 10, y) } else { image::Rgb([9; 3]) });
        assert_eq!(decode("p", &encoded(&wide, ImageFormat::Png), 40, 24).unwrap()[0].rgb, small.into_raw());
    }

    #[test]
    fn pixels_are_fitted_as_a_file_is() {
        let picture = checker(80, 30);
        let rgba: Vec<u8> = picture.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2], 255]).collect();
        let file = decode("p", &encoded(&picture, ImageFormat::Png), 40, 24).unwrap().remove(0);
        assert_eq!(Still::of_pixels("p", rgba.clone(), [80, 30], [40, 24]).unwrap(), file);
        let why = |size_px| Still::of_pixels("of mine", rgba.clone(), size_px, [40, 24]).unwrap_err().to_string();
        assert!(why([80, 31]).contains("of mine") && why([7, 30]).contains("7x30") && why([80, 1 << 40]).contains("of mine"));
    }

    #[test]
    fn the_frames_of_a_gif_become_history_in_order() {
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
        for shade in [10, 90, 200] {
            encoder.encode_frame(image::Frame::new(image::RgbaImage::from_pixel(16, 16, image::Rgba([shade, shade, shade, 255])))).unwrap();
        }
        drop(encoder);
        let stills = decode("g", &bytes, 16, 16).unwrap();
        let shades: Vec<u8> = stills.iter().map(|s| s.rgb[0]).collect();
        assert_eq!(shades, [10, 90, 200]);
        // A longer one is known by its name.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.gif");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(load_whole(&path, 16, 16, 3).unwrap(), stills);
        let long = load_whole(&path, 16, 16, 2).unwrap_err().to_string();
        assert!(long.contains("walk.gif") && long.contains("2 frames"), "{long}");
        // Cut short, what came before the cut is left.
        let cut = decode("g", &bytes[..bytes.len() - 12], 16, 16).unwrap();
        assert!(!cut.is_empty() && cut.len() <= 3);
    }

    #[test]
    fn a_photo_stands_upright() {
        let tall = RgbImage::from_fn(24, 48, |_, y| image::Rgb(if y < 24 { [230; 3] } else { [20; 3] }));
        // As a camera on its side wrote it: a quarter turn clockwise brings it back.
        let mut jpeg = encoded(&imageops::rotate270(&tall), ImageFormat::Jpeg);
        let exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let lying = decode("p", &jpeg, 24, 48).unwrap().remove(0).rgb;
        jpeg.splice(2..2, *exif);
        let rgb = decode("p", &jpeg, 24, 48).unwrap().remove(0).rgb;
        assert!(rgb[..24 * 20 * 3].iter().all(|c| *c > 200) && rgb[24 * 28 * 3..].iter().all(|c| *c < 50));
        assert_ne!(lying, rgb, "the control: nothing says which side is up");
    }

    #[test]
    fn jpeg_and_webp_are_read() {
        let flat = RgbImage::from_pixel(32, 32, image::Rgb([120, 60, 200]));
        for format in [ImageFormat::Jpeg, ImageFormat::WebP] {
            let still = &decode("p", &encoded(&flat, format), 16, 16).unwrap()[0];
            assert!(still.rgb[0].abs_diff(120) < 4 && still.rgb[1].abs_diff(60) < 4, "{format:?}");
        }
    }

    #[test]
    fn bad_pictures_get_a_sentence_that_names_them() {
        let said = |bytes: &[u8]| decode("holiday.png", bytes, 16, 16).unwrap_err().to_string();
        assert!(said(b"").contains("holiday.png is empty"));
        assert!(said(b"hello world, no picture here").contains("holiday.png is not a PNG"));
        assert!(said(&encoded(&checker(1, 1), ImageFormat::Png)).contains("1x1"));
        let whole = encoded(&checker(64, 64), ImageFormat::Png);
        assert!(said(&whole[..whole.len() / 2]).contains("cannot be decoded"));
        assert!(load(Path::new("/nonexistent.png"), 16, 16).unwrap_err().to_string().contains("/nonexistent.png"));
        assert!(load(Path::new("/"), 16, 16).unwrap_err().to_string().contains("not a file"));
    }

    #[test]
    fn a_huge_picture_is_refused_from_its_header_alone() {
        // A PNG header that claims 20,000 x 20,000 pixels, with nothing behind it.
        let mut bytes = vec![0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13];
        let mut chunk = b"IHDR".to_vec();
        chunk.extend(20_000u32.to_be_bytes());
        chunk.extend(20_000u32.to_be_bytes());
        chunk.extend([8, 2, 0, 0, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&chunk);
        bytes.extend(&chunk);
        bytes.extend(crc.sum().to_be_bytes());
        // A decoder reads up to the first data chunk to know the size.
        bytes.extend([0, 0, 0, 0]);
        bytes.extend(b"IDAT");
        let said = decode("huge.png", &bytes, 16, 16).unwrap_err().to_string();
        assert!(said.contains("20000x20000"), "{said}");
    }
}
