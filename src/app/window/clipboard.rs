//! Pictures to and from the system's clipboard.

use std::path::PathBuf;
use std::sync::Arc;

use arboard::{Clipboard, Error, ImageData};

use super::{App, Wake};
use crate::app::files::{self, caught};
use crate::app::start::Start;
use crate::dream::DreamError;
use crate::dream::record::enlarge;
use crate::dream::runner::{Kept, Request};
use crate::dream::still::Still;
use crate::pack::Pack;

/// Pixels of a picture, RGBA.
struct Pixels {
    rgba: Vec<u8>,
    size_px: [usize; 2],
}

/// What is there to begin from.
enum Clip {
    /// Files that somebody copied.
    Files(Vec<PathBuf>),
    Picture(Pixels),
}

/// Half a sentence for what the system says.
fn in_words(error: Error) -> String {
    match error {
        Error::ContentNotAvailable => "there is no picture on the clipboard".to_owned(),
        Error::ClipboardOccupied => "another program holds the clipboard; try again".to_owned(),
        other => format!("the clipboard cannot be used: {other}"),
    }
}

fn read() -> Result<Clip, String> {
    let mut clipboard = Clipboard::new().map_err(in_words)?;
    if let Ok(files) = clipboard.get().file_list()
        && !files.is_empty()
    {
        return Ok(Clip::Files(files));
    }
    let ImageData { width, height, bytes } = clipboard.get_image().map_err(in_words)?;
    Ok(Clip::Picture(Pixels { rgba: bytes.into_owned(), size_px: [width, height] }))
}

fn write(Pixels { rgba, size_px: [width, height] }: Pixels) -> Result<(), String> {
    let image = ImageData { width, height, bytes: rgba.into() };
    Clipboard::new().and_then(|mut clipboard| clipboard.set_image(image)).map_err(in_words)
}

/// What a picture on the clipboard shows to a dream of `pack`.
fn start_of(Pixels { rgba, size_px }: Pixels, pack: &Pack) -> Result<Start, String> {
    let frame = &pack.manifest.frame;
    let still = Still::of_pixels("on the clipboard", rgba, size_px, [frame.width_px, frame.height_px]);
    Ok(Start::Pictures(Arc::new([still.map_err(|why| why.to_string())?])))
}

impl App {
    /// Copies the picture, or the map that is shown, as large as it would be saved.
    pub(super) fn copy_picture(&mut self) {
        let Some(place) = self.place_for_picture() else { return };
        let (map, proxy, jobs) = (self.ui.map.to_save(), self.proxy.clone(), self.writer.jobs().clone());
        let seen = self.as_seen();
        let copy = move |kept: Result<Kept, DreamError>| {
            let pixels = move || -> Result<Pixels, String> {
                let (Kept { rgba, size_px: [width_px, height_px], .. }, scale) = kept.map(seen).map_err(|why| why.to_string())?;
                let enlarged = match map {
                    Some((chart, scale)) => enlarge(&chart.rgba, chart.width_px, chart.height_px, scale as usize),
                    None => enlarge(&rgba, width_px, height_px, scale as usize),
                };
                let (rgba, width, height) = enlarged.map_err(|why| why.to_string())?;
                Ok(Pixels { rgba, size_px: [width as usize, height as usize] })
            };
            jobs.run(move || {
                let _until_then = place;
                let wake = match caught(|| pixels().and_then(write).map_err(|why| format!("{why}."))) {
                    Ok(()) => Wake::Done("Copied the picture".to_owned()),
                    Err(why) => Wake::Notice(why),
                };
                drop(proxy.send_event(wake));
            });
        };
        self.request(Request::Keep(Box::new(copy)));
    }

    /// Begins with the picture, or the files, on the clipboard.
    pub(super) fn paste_picture(&mut self) {
        let Some(pack) = self.plan.launch.dreamer().cloned() else { return self.complain_of_no_dream() };
        let tell = self.proxy.clone();
        let paste = move || {
            let wake = match read() {
                Ok(Clip::Files(paths)) => Wake::Chosen(paths),
                Ok(Clip::Picture(pixels)) => {
                    let start = start_of(pixels, &pack).map(|start| (start, None)).map_err(|why| format!("{why}."));
                    Wake::Start(pack, start)
                }
                Err(why) => Wake::Notice(format!("{why}.")),
            };
            drop(tell.send_event(wake));
        };
        files::spawn("clipboard", paste, &self.proxy);
    }
}
