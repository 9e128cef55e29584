//! Clips from pictures made elsewhere, an animated GIF or a folder of numbered pictures, and clips as GIFs.

use std::fs;
use std::path::{Path, PathBuf};

use super::file::{MAX_FRAME_BYTES, checked_frame_bytes};
use super::{Clip, ClipError};
use crate::dream::record::GifRecorder;
use crate::dream::still;
use crate::worlds::StepOutcome;

const PICTURE_ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

impl Clip {
    /// Reads an animated GIF, or the pictures of a folder in the order of their numbered names, each fitted to `width_px * height_px`.
    /// Nothing is known of actions and scenes, and nothing is said.
    ///
    /// # Errors
    /// [`ClipError`], one sentence that names the file and what is wrong with it.
    pub fn import(path: &Path, width_px: usize, height_px: usize) -> Result<Self, ClipError> {
        let mut clip = Clip { width_px, height_px, ..Clip::default() };
        let room = MAX_FRAME_BYTES / checked_frame_bytes(width_px, height_px).map_err(|why| ClipError::new(path, why))?;
        let mut add = |stills: Vec<still::Still>| {
            for picture in stills {
                clip.frames.extend(picture.rgb);
                clip.actions.push(None);
                clip.outcomes.push(StepOutcome::default());
                clip.scenes.push(None);
                clip.prompts.push(String::new());
            }
        };
        let wrong = |e: still::StillError| ClipError::new(path, e.to_string());
        if path.is_dir() {
            let pictures = pictures_of(path)?;
            if pictures.len() > room {
                return Err(ClipError::new(path, format!("it has more than the {room} frames of {width_px}x{height_px} that fit a clip")));
            }
            for picture in pictures {
                add(still::load_whole(&picture, width_px, height_px, 1).map_err(wrong)?);
            }
        } else {
            add(still::load_whole(path, width_px, height_px, room).map_err(wrong)?);
        }
        Ok(clip)
    }

    /// Writes the clip as an endless animated GIF, each pixel enlarged to `scale * scale`.
    ///
    /// # Errors
    /// [`ClipError`] where the file cannot be written.
    pub fn export_gif(&self, path: &Path, rate_hz: u32, scale: u32) -> Result<(), ClipError> {
        let wrong = |e: crate::dream::record::RecordError| ClipError::new(path, e.to_string());
        let mut recorder = GifRecorder::create(path, self.width_px, self.height_px, rate_hz, scale).map_err(wrong)?;
        for t in 0..self.len() {
            let rgba: Vec<u8> = self.frame(t).chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
            recorder.push(&rgba).map_err(wrong)?;
        }
        recorder.finish().map_err(wrong)
    }
}

/// The pictures of a folder: `frame2` before `frame10`.
fn pictures_of(folder: &Path) -> Result<Vec<PathBuf>, ClipError> {
    let io = |e: std::io::Error| ClipError::new(folder, format!("the folder cannot be read: {e}"));
    let mut pictures = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        if ending.is_some_and(|e| PICTURE_ENDINGS.contains(&e.as_str())) {
            pictures.push(path);
        }
    }
    if pictures.is_empty() {
        return Err(ClipError::new(folder, "the folder holds no PNG, JPEG or WebP pictures"));
    }
    pictures.sort_by_cached_key(|path| natural_key(&path.file_name().unwrap_or_default().to_string_lossy()));
    Ok(pictures)
}

/// A sort key in which runs of digits count as numbers: each part is text, then the number after it (its length, then its digits).
fn natural_key(name: &str) -> Vec<(String, usize, String)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (text, tail) = rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        let (digits, tail) = tail.split_at(tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len()));
        let number = digits.trim_start_matches('0');
        key.push((text.to_owned(), number.len(), number.to_owned()));
        rest = tail;
    }
    key
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;
    use crate::clips::record_clip;
    use crate::worlds::isles::Isles;
    use crate::worlds::policy::Explorer;

    #[test]
    fn a_clip_survives_the_way_through_a_gif_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.gif");
        let clip = record_clip(&mut Isles::new(), &mut Explorer::new(4), 4, 40, true);
        clip.export_gif(&path, 10, 2).unwrap();
        let back = Clip::import(&path, clip.width_px, clip.height_px).unwrap();
        assert_eq!(back.len(), 40);
        assert!(back.frames == clip.frames, "pixels changed on the way");
        assert!(back.actions.iter().all(Option::is_none));
        // Not trivially equal: the walk moves.
        assert!(back.frame(0) != back.frame(39));
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for (name, shade) in [("f10.png", 100), ("f2.png", 20), ("f1.PNG", 10)] {
            let picture = RgbImage::from_pixel(16, 16, image::Rgb([shade; 3]));
            picture.save_with_format(folder.path().join(name), image::ImageFormat::Png).unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "not a picture").unwrap();
        let clip = Clip::import(folder.path(), 8, 8).unwrap();
        assert_eq!([0, 1, 2].map(|t| clip.frame(t)[0]), [10, 20, 100]);
    }

    #[test]
    fn frames_that_no_clip_can_have_are_refused_before_a_picture_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.png");
        RgbImage::new(16, 16).save(&path).unwrap();
        assert_eq!(Clip::import(&path, 8, 8).unwrap().len(), 1);
        for [width_px, height_px] in [[0, 8], [1 << 14, 1 << 14], [usize::MAX, usize::MAX]] {
            let said = Clip::import(&path, width_px, height_px).unwrap_err().to_string();
            assert!(said.contains("small.png") && said.contains("not between 1 and 4096"), "{said}");
        }
    }

    #[test]
    fn bad_sources_get_a_sentence_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| Clip::import(path, 8, 8).unwrap_err().to_string();
        assert!(said(folder.path()).contains("holds no PNG"));
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            said(&path)
        };
        assert!(write("empty.gif", b"").contains("empty.gif is empty"));
        assert!(write("text.gif", b"no picture here").contains("text.gif is not"));
        // A GIF header that claims 20,000 x 20,000 pixels, with nothing behind it.
        let huge = write("huge.gif", b"GIF89a\x20\x4e\x20\x4e\x80\x00\x00\0\0\0\xff\xff\xff\x2c\0\0\0\0\x20\x4e\x20\x4e\x00\x02\x00\x3b");
        assert!(huge.contains("20000x20000"), "{huge}");
        assert!(said(&folder.path().join("none.gif")).contains("none.gif"));
        RgbImage::new(1, 1).save(folder.path().join("dot.png")).unwrap();
        assert!(said(folder.path()).contains("dot.png is 1x1"));
    }
}
