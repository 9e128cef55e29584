//! Files on the user's side: pictures to start from, and where screenshots go. Nothing here blocks the window.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use winit::event_loop::EventLoopProxy;

use super::start::Start;
use super::window::Wake;
use crate::dream::SourceInfo;
use crate::dream::chart::Chart;
use crate::dream::film::Film;
use crate::dream::record::write_picture;
use crate::dream::runner::Kept;
use crate::dream::saved::SavedDream;
use crate::pack::Pack;

/// Enlargement of a screenshot.
const SCREENSHOT_SCALE: u32 = 4;
/// A dialog that is gone this soon was never seen by anybody.
const TOO_SOON: Duration = Duration::from_millis(400);

/// Lets the user choose pictures, or a world, on a thread of its own.
pub fn open_dialog(proxy: EventLoopProxy<Wake>) {
    let tell = proxy.clone();
    let dialog = move || {
        let start = Instant::now();
        let chosen = rfd::FileDialog::new()
            .set_title("Start from a picture")
            .add_filter("Pictures", &["png", "jpg", "jpeg", "webp", "gif"])
            .add_filter("Worlds", &["safetensors"])
            .pick_files();
        let wake = match chosen {
            Some(paths) => Wake::Chosen(paths),
            None if start.elapsed() < TOO_SOON => {
                Wake::Notice("This system shows no file dialog; drop a picture on the window instead.".to_owned())
            }
            None => return,
        };
        tell.send_event(wake).ok();
    };
    spawn("dialog", dialog, &proxy);
}

/// Reads pictures for a dream of `pack` on a thread of its own; they come back as [`Wake::Start`].
pub fn read_pictures(paths: Vec<PathBuf>, pack: Arc<Pack>, proxy: EventLoopProxy<Wake>) {
    let tell = proxy.clone();
    let read = move || {
        let start = Start::read(&paths, &pack).map_err(|why| format!("{why}."));
        tell.send_event(Wake::Start(start)).ok();
    };
    spawn("picture", read, &proxy);
}

/// Writes a picture, and the dream that `dreamer` dreams in it under what was `said`, beside the other screenshots, on a thread of its own: the map where
/// there is one, enlarged so many times, else the newest frame.
pub fn save_picture(
    kept: Result<Kept, String>,
    map: Option<(Arc<Chart>, u32)>,
    dreamer: Option<Arc<Pack>>,
    said: String,
    proxy: &EventLoopProxy<Wake>,
) {
    let kind = if map.is_some() { "somnium-map" } else { "somnium" };
    let write = move |path: &Path| match map {
        Some((chart, scale)) => {
            let dream = carried(kept?, dreamer.as_deref(), said)?;
            chart.write(path, scale, dream.as_deref()).map_err(|why| format!("{why}."))
        }
        None => write_kept(path, kept?, dreamer.as_deref(), said, SCREENSHOT_SCALE),
    };
    save([kind, "png"], write, proxy);
}

/// Writes the picture that was kept, enlarged, and in it the dream that `dreamer` dreams under what was `said`.
///
/// # Errors
/// One sentence.
pub fn write_kept(path: &Path, mut kept: Kept, dreamer: Option<&Pack>, said: String, scale: u32) -> Result<(), String> {
    let (rgba, size_px) = (std::mem::take(&mut kept.rgba), kept.size_px);
    let dream = carried(kept, dreamer, said)?;
    write_picture(path, &rgba, size_px, scale, dream.as_deref()).map_err(|why| format!("{why}."))
}

/// What a picture carries of what was kept.
fn carried(kept: Kept, dreamer: Option<&Pack>, said: String) -> Result<Option<Vec<u8>>, String> {
    let saved = |(pack, (moment, seed, words))| SavedDream::new(pack, moment, seed, (said, words)).to_bytes();
    dreamer.zip(kept.dream).map(saved).transpose()
}

pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static, proxy: &EventLoopProxy<Wake>) {
    if let Err(why) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        proxy.send_event(Wake::Notice(format!("cannot start a thread: {why}"))).ok();
    }
}

/// Writes these frames and the codes that led there as a GIF beside the screenshots, on a thread of its own.
pub fn keep(frames: Result<Vec<(Vec<u8>, u8)>, String>, info: Arc<SourceInfo>, [scale, glide]: [u32; 2], proxy: &EventLoopProxy<Wake>) {
    let write = move |path: &Path| {
        // Under another name until it is whole.
        let partial = path.with_extension("part.gif");
        let film = |frames: Vec<(Vec<u8>, u8)>| {
            let mut film = Film::create(&partial, &info, scale, glide)?;
            frames.into_iter().try_for_each(|(rgba, code)| film.push(rgba, code))?;
            film.finish(None)
        };
        film(frames?).map_err(|why| format!("{why}."))?;
        std::fs::rename(&partial, path).map_err(|why| format!("cannot write {}: {why}.", path.display()))
    };
    save(["somnium", "gif"], write, proxy);
}

/// Files are written one after another, each whole before the next finds a name that is still free.
pub fn turn() -> MutexGuard<'static, ()> {
    static SAVING: Mutex<()> = Mutex::new(());
    SAVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets `write` make a new file whose name begins and ends so, on a thread of its own; the window hears what became of it.
fn save([kind, ending]: [&'static str; 2], write: impl FnOnce(&Path) -> Result<(), String> + Send + 'static, proxy: &EventLoopProxy<Wake>) {
    let tell = proxy.clone();
    let work = move || {
        let _turn = turn();
        let path = picture_path(kind, ending);
        let wake = match write(&path) {
            Ok(()) => Wake::Done(format!("Saved {}", path.display())),
            Err(why) => Wake::Notice(why),
        };
        tell.send_event(wake).ok();
    };
    spawn("save", work, proxy);
}

/// A new name that begins and ends so in the user's pictures folder, or where there is none in the home or present folder.
fn picture_path(kind: &str, ending: &str) -> PathBuf {
    let user = directories::UserDirs::new();
    let folder = user
        .as_ref()
        .and_then(|u| u.picture_dir().filter(|p| p.is_dir()).or(Some(u.home_dir())))
        .map_or_else(|| PathBuf::from("."), PathBuf::from);
    free_path(&folder, kind, ending)
}

/// A new name in this folder that begins and ends so.
pub fn free_path(folder: &Path, kind: &str, ending: &str) -> PathBuf {
    let secs = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    (0..)
        .map(|n| folder.join(if n == 0 { format!("{kind}-{secs}.{ending}") } else { format!("{kind}-{secs}-{n}.{ending}") }))
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.join(format!("{kind}.{ending}")))
}
