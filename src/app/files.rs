//! Files on the user's side: pictures to start from, and the thread that writes. Nobody waits for a file, unless dozens are to be written already.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use winit::event_loop::EventLoopProxy;
use winit::window::Window;

use super::start::Start;
use super::window::Wake;
use crate::input::CONTROL;
use crate::pack::Pack;

/// A dialog that is gone this soon was never seen by anybody.
const TOO_SOON: Duration = Duration::from_millis(400);
/// Pictures on their way to a file or the clipboard, at most: each is whole in memory until it is there.
const MOST_PICTURES: usize = 16;
/// Jobs that wait for the thread that writes, at most: pictures leave room for what must not be refused, such as a dream that is left.
const MOST_JOBS: usize = 64;
/// What somebody reads who asks for more pictures.
pub const TOO_MANY_PICTURES: &str = "Too many pictures are still being saved; try again in a moment.";
/// Held while a dialog is open.
static DIALOG: Mutex<()> = Mutex::new(());

/// Lets the user choose pictures, or a world, on a thread of its own, in front of `window`; one dialog at a time. Where there is no dialog, a notice says what
/// there is; `drops`: files can be dropped on the window.
pub fn open_dialog(window: Option<&Arc<Window>>, drops: bool, proxy: EventLoopProxy<Wake>) {
    let tell = proxy.clone();
    let mut choice = rfd::FileDialog::new()
        .set_title("Open a picture, a world or a list")
        .add_filter("Pictures", &["png", "jpg", "jpeg", "webp", "gif"])
        .add_filter("Worlds", &["safetensors"])
        .add_filter("Lists of prompts", &["txt"]);
    // On Windows only the thread that made a window may ask for its handle.
    if let Some(window) = window {
        choice = choice.set_parent(window);
    }
    let dialog = move || {
        let Some(_open) = only_one(&DIALOG) else {
            tell.send_event(Wake::Notice("The dialog for files is open already.".to_owned())).ok();
            return;
        };
        let start = Instant::now();
        let wake = match choice.pick_files() {
            Some(paths) => Wake::Chosen(paths),
            None if start.elapsed() < TOO_SOON => {
                let how = if drops { "drop a picture on the window, or copy one" } else { "copy a picture" };
                Wake::Notice(format!("This system shows no file dialog; {how} and press {CONTROL}+V."))
            }
            None => return,
        };
        tell.send_event(wake).ok();
    };
    spawn("dialog", dialog, &proxy);
}

/// Holds what nobody else holds, if nobody does.
fn only_one(of: &Mutex<()>) -> Option<MutexGuard<'_, ()>> {
    match of.try_lock() {
        Ok(held) => Some(held),
        // Who held it ended in a panic.
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
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
pub struct Jobs {
    queue: SyncSender<Job>,
    /// Pictures on their way.
    pictures: Arc<AtomicUsize>,
}

/// A picture's place among those on their way, until it is dropped.
pub struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Writer {
    pub fn spawn() -> std::io::Result<Self> {
        let (queue, inbox) = sync_channel::<Job>(MOST_JOBS);
        let work = move || {
            for job in inbox.into_iter().map_while(|job| job) {
                // Whoever has a window to tell does it in the job.
                caught(|| done(job)).unwrap_or_else(|why| log::error!("{why}"));
            }
        };
        let thread = std::thread::Builder::new().name("files".to_owned()).spawn(work)?;
        Ok(Self { jobs: Jobs { queue, pictures: Arc::default() }, thread: Some(thread) })
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
    /// Hands a job over. Where too many wait already, whoever has one more waits as well: nothing is lost.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        self.send(Some(Box::new(job)));
    }

    /// A place for one more picture, to be taken before it is asked for and held until it is written; nothing where too many are on their way.
    pub fn place(&self) -> Option<Place> {
        let place = Place(self.pictures.clone());
        (self.pictures.fetch_add(1, Ordering::AcqRel) < MOST_PICTURES).then_some(place)
    }

    fn send(&self, job: Job) {
        if self.queue.send(job).is_err() {
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
    use std::sync::mpsc::channel;

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

    #[test]
    fn there_is_one_dialog_at_a_time_and_another_after_it_however_it_ended() {
        let dialog = Mutex::new(());
        let open = only_one(&dialog);
        assert!(open.is_some() && only_one(&dialog).is_none());
        drop(open);
        let ended = caught::<()>(|| {
            let _open = only_one(&dialog);
            panic!("as the test has it")
        });
        assert!(ended.is_err() && dialog.is_poisoned() && only_one(&dialog).is_some());
    }

    #[test]
    fn a_picture_too_many_is_refused_and_none_that_was_taken_is_lost() {
        let mut writer = Writer::spawn().unwrap();
        let jobs = writer.jobs().clone();
        let (begin, begun) = channel::<()>();
        jobs.run(move || {
            begun.recv().ok();
        });
        let written = Arc::new(AtomicUsize::new(0));
        let save = || {
            let (place, written) = (jobs.place()?, written.clone());
            jobs.run(move || {
                written.fetch_add(1, Ordering::AcqRel);
                drop(place);
            });
            Some(())
        };
        let taken = (0..3 * MOST_PICTURES).filter(|_| save().is_some()).count();
        assert_eq!(taken, MOST_PICTURES, "the disk is slow");
        begin.send(()).unwrap();
        let give_up = Instant::now() + Duration::from_secs(20);
        while save().is_none() {
            assert!(Instant::now() < give_up, "there is room no more");
            std::thread::sleep(Duration::from_millis(2));
        }
        writer.finish();
        assert_eq!(written.load(Ordering::Acquire), MOST_PICTURES + 1);
    }

    #[test]
    fn more_jobs_than_there_is_room_for_wait_and_are_done_in_order() {
        let mut writer = Writer::spawn().unwrap();
        let jobs = writer.jobs().clone();
        let (done, seen) = channel();
        let (begin, begun) = channel::<()>();
        jobs.run(move || {
            begun.recv().ok();
        });
        let hurry = std::thread::spawn(move || {
            for n in 0..2 * MOST_JOBS {
                let done = done.clone();
                jobs.run(move || {
                    done.send(n).ok();
                });
            }
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(!hurry.is_finished(), "there is room for {MOST_JOBS}");
        begin.send(()).unwrap();
        hurry.join().unwrap();
        writer.finish();
        assert!(seen.iter().eq(0..2 * MOST_JOBS));
    }
}
