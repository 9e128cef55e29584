//! One picture of what a list of prompts looks like: the first frame of each, and below it the prompt.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use egui::epaint::text::{Fonts, TextOptions};
use egui::text::LayoutJob;
use egui::{Color32, ColorImage, FontDefinitions, FontId, Galley};

use super::headless::has_folder;
use super::prompt_args::words;
use super::prompt_history::one_line;
use super::start::Start;
use super::theme;
use crate::dream::Source;
use crate::dream::record::{enlarge, write_picture};
use crate::dream::session::DreamSession;
use crate::engine::DecodeSettings;

/// Around every picture.
const GAP_PX: usize = 8;
/// Size of the letters, and lines below a picture, at most: what is longer is cut.
const LETTERS: f32 = 13.0;
const LINES: usize = 2;
/// Room for that, and what of it stays free below the picture.
const CAPTION_PX: usize = 36;
const INSET_PX: usize = 2;
/// Pixels of a sheet, at most: a quarter of a gigabyte while it is made.
const MOST_PX: usize = 1 << 26;

/// Writes the first frames of these prompts, enlarged by a whole number, row by row, as `somnium --prompt` begins with each of them. Where nothing of one
/// counts its place stays empty.
///
/// # Errors
/// One sentence.
pub fn write(path: &Path, prompts: &[&str], dream: &mut DreamSession, settings: &DecodeSettings, scale: u32) -> Result<(), String> {
    let start = Instant::now();
    // What cannot be done is said before there is anything to wait for.
    has_folder(path)?;
    let (info, scale) = (dream.info().clone(), scale.max(1) as usize);
    let mut sheet = Sheet::new(prompts.len(), [info.width_px, info.height_px].map(|side| side * scale))?;
    let mut fonts = Fonts::new(TextOptions::default(), FontDefinitions::default());
    let captions: Vec<Arc<Galley>> = prompts.iter().map(|prompt| sheet.caption(&mut fonts, one_line(prompt))).collect();
    let letters = fonts.image();
    for (n, (prompt, caption)) in prompts.iter().zip(&captions).enumerate() {
        sheet.caption_below(n, caption, &letters);
        let Ok(heard) = words(prompt, &info.title, info.prompt_words) else { continue };
        Start::Words.begin(dream, &heard, settings).map_err(|why| why.to_string())?;
        // Nobody goes back there.
        dream.forget_changes();
        let rgba = dream.read_picture().map_err(|why| why.to_string())?;
        let (large, ..) = enlarge(&rgba, info.width_px, info.height_px, scale).map_err(|why| why.to_string())?;
        sheet.put(n, &large);
    }
    write_picture(path, sheet.image.as_raw(), sheet.image.size, 1, None).map_err(|why| why.to_string())?;
    let secs = start.elapsed().as_secs_f32();
    println!("{}: {} prompts on a sheet in {secs:.1} s ({}, {})", info.title, prompts.len(), info.engine, info.device);
    Ok(())
}

/// Pictures of one size on a dark ground, about as many in a row as there are rows.
struct Sheet {
    image: ColorImage,
    picture_px: [usize; 2],
    columns: usize,
}

impl Sheet {
    /// Room for so many pictures of this size.
    ///
    /// # Errors
    /// One sentence where that is too much.
    fn new(pictures: usize, picture_px: [usize; 2]) -> Result<Self, String> {
        // The root, rounded up.
        let columns = pictures.saturating_sub(1).isqrt() + 1;
        let rows = pictures.div_ceil(columns);
        let [width, height] = [columns * (picture_px[0] + GAP_PX) + GAP_PX, rows * (picture_px[1] + CAPTION_PX + GAP_PX) + GAP_PX];
        if width.saturating_mul(height) > MOST_PX {
            let less = "ask for a smaller --scale or a shorter list";
            return Err(format!("a sheet of {pictures} prompts would be {width}x{height} pixels: {less}"));
        }
        Ok(Self { image: ColorImage::filled([width, height], theme::PANEL), picture_px, columns })
    }

    /// The upper left corner of a picture.
    fn corner(&self, n: usize) -> [usize; 2] {
        let [width, height] = self.picture_px;
        [n % self.columns * (width + GAP_PX) + GAP_PX, n / self.columns * (height + CAPTION_PX + GAP_PX) + GAP_PX]
    }

    /// Puts a picture, RGBA, in its place.
    fn put(&mut self, n: usize, rgba: &[u8]) {
        let [left, top] = self.corner(n);
        for (i, &[r, g, b, a]) in rgba.as_chunks::<4>().0.iter().enumerate() {
            let (x, y) = (i % self.picture_px[0], i / self.picture_px[0]);
            self.image[(left + x, top + y)] = Color32::from_rgba_premultiplied(r, g, b, a);
        }
    }

    /// A text as it is to be written below a picture.
    fn caption(&self, fonts: &mut Fonts, text: String) -> Arc<Galley> {
        let mut job = LayoutJob::simple(text, FontId::proportional(LETTERS), theme::TEXT, self.picture_px[0] as f32);
        job.wrap.max_rows = LINES;
        fonts.with_pixels_per_point(1.0).layout_job(job)
    }

    /// Writes it there; `letters`: the picture of all glyphs, whose alpha is how much of a pixel is covered.
    fn caption_below(&mut self, n: usize, caption: &Galley, letters: &ColorImage) {
        let [left, top] = self.corner(n);
        let top = top + self.picture_px[1] + INSET_PX;
        for (row, glyph) in caption.rows.iter().flat_map(|row| row.glyphs.iter().map(move |glyph| (row, glyph))) {
            let (from, to) = (glyph.uv_rect.min.map(usize::from), glyph.uv_rect.max.map(usize::from));
            let at = row.pos.to_vec2() + glyph.pos.to_vec2() + glyph.uv_rect.offset;
            let [x, y] = [at.x, at.y].map(|side| side.round().max(0.0) as usize);
            for (v, u) in (from[1]..to[1]).flat_map(|v| (from[0]..to[0]).map(move |u| (v, u))) {
                let (x, y) = (x + u - from[0], y + v - from[1]);
                // What hangs over is cut.
                if x < self.picture_px[0] && y < CAPTION_PX - INSET_PX {
                    let pixel = &mut self.image[(left + x, top + y)];
                    *pixel = pixel.blend(theme::TEXT.gamma_multiply_u8(letters[(u, v)].a()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::{CpuEngine, CpuOptions};
    use crate::engine::inputs::play_settings;
    use crate::pack::Pack;
    use crate::pack::random::{odd_manifest, random_pack};

    const SCALE: usize = 3;

    fn dream(pack: &Pack) -> DreamSession {
        DreamSession::new(Box::new(CpuEngine::new(pack, CpuOptions::default()).unwrap())).unwrap()
    }

    /// Pixels of a part of a picture, RGBA.
    fn part(picture: &image::RgbaImage, [left, top]: [usize; 2], [width, height]: [usize; 2]) -> Vec<u8> {
        let view = image::imageops::crop_imm(picture, left as u32, top as u32, width as u32, height as u32);
        view.to_image().into_raw()
    }

    #[test]
    fn a_sheet_shows_what_every_prompt_begins_with_and_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let pack = random_pack(odd_manifest(), 5).unwrap();
        let (settings, path) = (play_settings(&pack.manifest), folder.path().join("sheet.png"));
        let prompts = ["snow", "lava night", "qwrtzx", "", "snow"];
        write(&path, &prompts, &mut dream(&pack), &settings, SCALE as u32).unwrap();
        let picture = image::open(&path).unwrap().into_rgba8();
        let frame = pack.manifest.frame;
        let size = [frame.width_px, frame.height_px].map(|side| side * SCALE);
        let sheet = Sheet::new(prompts.len(), size).unwrap();
        assert_eq!((sheet.columns, [picture.width() as usize, picture.height() as usize]), (3, sheet.image.size));
        let shown = |n: usize| part(&picture, sheet.corner(n), size);
        let begun = |prompt: &str| {
            let mut alone = dream(&pack);
            Start::Words.begin(&mut alone, &words(prompt, "odd", 3).unwrap(), &settings).unwrap();
            enlarge(&alone.read_picture().unwrap(), frame.width_px, frame.height_px, SCALE).unwrap().0
        };
        assert!(shown(0) == begun("snow") && shown(1) == begun("lava night") && shown(3) == begun("") && shown(4) == begun("snow"));
        // The controls: another prompt is another picture, and where nothing counts there is none.
        assert!(shown(0) != shown(1));
        let empty = theme::PANEL.to_array().repeat(size[0] * size[1]);
        assert!(shown(2) == empty);
        let written = |n: usize| {
            let [left, top] = sheet.corner(n);
            part(&picture, [left, top + size[1]], [size[0], CAPTION_PX])
        };
        assert!(written(0) == written(4) && written(0) != written(1), "what is written below");
        assert_eq!(written(3), theme::PANEL.to_array().repeat(size[0] * CAPTION_PX), "there is nothing to write");
        let light = written(2).chunks_exact(4).filter(|pixel| pixel[0] > 90).count();
        assert!((10..size[0] * 10).contains(&light), "{light}");
    }

    #[test]
    fn a_long_prompt_stays_below_its_picture() {
        let mut sheet = Sheet::new(4, [60, 40]).unwrap();
        let ground = sheet.image.pixels.clone();
        let mut fonts = Fonts::new(TextOptions::default(), FontDefinitions::default());
        let caption = sheet.caption(&mut fonts, "a snowy forest at midnight ".repeat(9));
        assert_eq!(caption.rows.len(), LINES);
        sheet.caption_below(0, &caption, &fonts.image());
        let [left, top] = sheet.corner(0);
        let mut changed = 0;
        for (i, (pixel, before)) in sheet.image.pixels.iter().zip(&ground).enumerate() {
            let (x, y) = (i % sheet.image.size[0], i / sheet.image.size[0]);
            if pixel != before {
                changed += 1;
                assert!((left..left + 60).contains(&x) && (top + 40..top + 40 + CAPTION_PX).contains(&y), "({x}, {y})");
            }
        }
        assert!(changed > 100, "{changed}");
    }

    #[test]
    fn a_sheet_that_no_memory_has_room_for_is_refused() {
        assert!(Sheet::new(500, [144, 112]).is_ok());
        assert!(Sheet::new(500, [144 * 16, 112 * 16]).is_err_and(|why| why.contains("--scale")));
        assert_eq!([1, 2, 4, 5, 9, 10].map(|pictures| Sheet::new(pictures, [10, 10]).unwrap().columns), [1, 2, 2, 3, 3, 4]);
    }
}
