//! Files on the user's side: pictures to start from, and where screenshots go. Nothing here blocks the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use winit::event_loop::EventLoopProxy;

use super::start::Start;
use super::window::Wake;
use crate::dream::SourceInfo;
use crate::dream::chart::Chart;
use crate::dream::film::Film;
use crate::dream::record::write_picture;
use crate::dream::runner::{Kept, KeptDream};
use crate::dream::saved::SavedDream;
use crate::pack::Pack;
use crate::prompt;

/// Enlargement of a screenshot.
pub const SCREENSHOT_SCALE: u32 = 4;
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
                Wake::Notice("This system shows no file dialog; drop a picture on the window, or copy one and press Ctrl+V.".to_owned())
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
        tell.send_event(Wake::Start(pack, start)).ok();
    };
    spawn("picture", read, &proxy);
}

/// What is said in a dream: what a [`Kept`] moment of it is saved with.
#[derive(Clone)]
pub struct Said {
    pub pack: Arc<Pack>,
    /// As it was typed, and the rows of the word table that the dream is told for it.
    pub prompt: String,
    pub words: Arc<[u16]>,
}

impl Said {
    /// What a picture carries of a moment. One under other words was not that far yet, or is further, and is saved with its own.
    ///
    /// # Errors
    /// Half a sentence; there is no moment for which it is known to fail.
    pub fn carried(self, KeptDream { moment, seed, words, .. }: KeptDream) -> Result<Vec<u8>, String> {
        let prompt = if words == self.words { self.prompt } else { prompt::text_of(&words) };
        SavedDream::new(&self.pack, moment, seed, (prompt, words.to_vec())).to_bytes()
    }
}

/// Writes a picture and the dream in it beside the other screenshots: the map where there is one, else the newest frame, each enlarged so many times.
pub fn save_picture(
    kept: impl FnOnce() -> Result<(Kept, u32), String> + Send + 'static,
    map: Option<(Arc<Chart>, u32)>,
    said: Option<Said>,
    writer: &Jobs,
    proxy: &EventLoopProxy<Wake>,
) {
    let kind = if map.is_some() { "somnium-map" } else { "somnium" };
    let write = move |path: &Path| match map {
        Some((chart, scale)) => {
            let dream = said.zip(kept()?.0.dream).map(|(said, dream)| said.carried(dream)).transpose()?;
            chart.write(path, scale, dream.as_deref()).map_err(|why| format!("{why}."))
        }
        None => kept().and_then(|(kept, scale)| write_kept(path, kept, said, scale)),
    };
    save([kind, "png"], write, writer, proxy);
}

/// Writes the picture that was kept, enlarged, and the dream in it.
///
/// # Errors
/// One sentence.
pub fn write_kept(path: &Path, kept: Kept, said: Option<Said>, scale: u32) -> Result<(), String> {
    let Kept { rgba, size_px, dream } = kept;
    let dream = said.zip(dream).map(|(said, dream)| said.carried(dream)).transpose()?;
    write_picture(path, &rgba, size_px, scale, dream.as_deref()).map_err(|why| format!("{why}."))
}

pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static, proxy: &EventLoopProxy<Wake>) {
    if let Err(why) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        proxy.send_event(Wake::Notice(format!("cannot start a thread: {why}"))).ok();
    }
}

/// Writes what `shoot` puts into a film of what `info` describes beside the screenshots, as a file with this ending.
pub fn keep(
    shoot: impl FnOnce(&mut Film) -> Result<(), String> + Send + 'static,
    info: Arc<SourceInfo>,
    ([scale, glide], ending): ([u32; 2], &'static str),
    writer: &Jobs,
    proxy: &EventLoopProxy<Wake>,
) {
    let write = move |path: &Path| {
        // Under another name until it is whole.
        let partial = path.with_extension(format!("part.{ending}"));
        let film = || {
            let mut film = Film::create(&partial, &info, scale, glide).map_err(|why| format!("{why}."))?;
            shoot(&mut film)?;
            film.finish(None).map_err(|why| format!("{why}."))
        };
        let written = film();
        let placed =
            written.and_then(|()| std::fs::rename(&partial, path).map_err(|why| format!("cannot write {}: {why}.", path.display())));
        if placed.is_err() {
            // A part of it is of no use.
            _ = std::fs::remove_file(&partial);
        }
        placed
    };
    save(["somnium", ending], write, writer, proxy);
}

/// Lets `write` make a new file whose name begins and ends so, on the writer's thread; the window hears what became of it.
fn save(
    [kind, ending]: [&'static str; 2],
    write: impl FnOnce(&Path) -> Result<(), String> + Send + 'static,
    writer: &Jobs,
    proxy: &EventLoopProxy<Wake>,
) {
    let tell = proxy.clone();
    writer.run(move || {
        let path = picture_path(kind, ending);
        let wake = match write(&path) {
            Ok(()) => Wake::Done(format!("Saved {}", path.display())),
            Err(why) => Wake::Notice(why),
        };
        // The loop may be gone, the file is there.
        tell.send_event(wake).ok();
    });
}

/// What a [`Writer`] is to do; nothing where it is to end.
type Job = Option<Box<dyn FnOnce() + Send>>;

/// A thread that writes files one after another, so that each finds a name that is still free and none is older than the one before. Whoever drops it waits
/// until all are written.
pub struct Writer {
    jobs: Jobs,
    thread: Option<JoinHandle<()>>,
}

/// Takes what a [`Writer`] is to do.
#[derive(Clone)]
pub struct Jobs(Sender<Job>);

impl Writer {
    pub fn spawn() -> std::io::Result<Self> {
        let (jobs, inbox) = channel::<Job>();
        let work = move || inbox.into_iter().map_while(|job| job).for_each(|job| job());
        let thread = std::thread::Builder::new().name("files".to_owned()).spawn(work)?;
        Ok(Self { jobs: Jobs(jobs), thread: Some(thread) })
    }

    pub fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    /// Waits until all that was asked for is written; what comes later is not.
    pub fn finish(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.jobs.send(None);
        if thread.join().is_err() {
            log::error!("the thread that writes files ended in a panic");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Jobs {
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.send(Some(Box::new(job)));
    }

    fn send(&self, job: Job) {
        if self.0.send(job).is_err() {
            log::error!("the thread that writes files is gone");
        }
    }
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
