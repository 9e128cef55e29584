//! Files on the user's side: pictures to start from, and the thread that writes. Nothing here blocks the window.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use winit::event_loop::EventLoopProxy;

use super::start::Start;
use super::window::Wake;
use crate::pack::Pack;

/// A dialog that is gone this soon was never seen by anybody.
const TOO_SOON: Duration = Duration::from_millis(400);

/// Lets the user choose pictures, or a world, on a thread of its own. Where there is no dialog, a notice says what there is; `drops`: files can be dropped
/// on the window.
pub fn open_dialog(drops: bool, proxy: EventLoopProxy<Wake>) {
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
                let how = if drops { "drop a picture on the window, or copy one" } else { "copy a picture" };
                Wake::Notice(format!("This system shows no file dialog; {how} and press Ctrl+V."))
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

/// Does something on a thread of its own.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static, proxy: &EventLoopProxy<Wake>) {
    let tell = proxy.clone();
    let work = move || {
        if let Err(why) = caught(|| done(work)) {
            tell.send_event(Wake::Notice(why)).ok();
        }
    };
    if let Err(why) = std::thread::Builder::new().name(name.to_owned()).spawn(work) {
        proxy.send_event(Wake::Notice(format!("cannot start a thread: {why}"))).ok();
    }
}

/// Does something that may end in a panic: then that is said in a sentence, and the thread goes on.
pub fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let fault = |_| Err("That ended through a fault in this program; the log says more.".to_owned());
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(fault)
}

/// Work that knows no other errors.
fn done(work: impl FnOnce()) -> Result<(), String> {
    work();
    Ok(())
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
        let work = move || {
            for job in inbox.into_iter().map_while(|job| job) {
                // Whoever has a window to tell does it in the job.
                caught(|| done(job)).unwrap_or_else(|why| log::error!("{why}"));
            }
        };
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

/// A new name in this folder that begins and ends so.
pub fn free_path(folder: &Path, kind: &str, ending: &str) -> PathBuf {
    let secs = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    (0..)
        .map(|n| folder.join(if n == 0 { format!("{kind}-{secs}.{ending}") } else { format!("{kind}-{secs}-{n}.{ending}") }))
        .find(|path| !path.exists())
        .unwrap_or_else(|| folder.join(format!("{kind}.{ending}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_in_a_panic_is_told_and_what_comes_after_it_is_done() {
        let mut writer = Writer::spawn().unwrap();
        let (tell, told) = channel();
        let told_of = move |outcome: Result<(), String>| tell.send(outcome).unwrap();
        writer.jobs().run(|| panic!("as the test has it"));
        writer.jobs().run(move || told_of(caught(|| panic!("as the test has it"))));
        writer.finish();
        assert!(told.recv().unwrap().is_err_and(|why| why.contains("fault")));
        assert_eq!((caught(|| Ok(5)), caught(|| Err::<(), _>("no".to_owned()))), (Ok(5), Err("no".to_owned())));
    }
}
