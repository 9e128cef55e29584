//! Plays a source on its own thread: evenly paced, the newest input taken just before each frame, the newest picture handed over.
//!
//! Nothing queues up. Settings are the latest wish, not a list of changes; a picture nobody fetched is replaced by the next one.

mod requests;
mod worker;

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::account::Account;
use super::chart::Chart;
use super::drive::Drive;
use super::first_person::Surroundings;
use super::gate::Gate;
use super::lands::LandShares;
use super::lookahead::Branch;
use super::saved::SavedDream;
use super::session::{Moment, Seen};
use super::source::{DreamError, Source, SourceInfo, Stuck};
use super::still::Still;
use crate::engine::{DecodeSettings, Engine, EngineError, StageTimes};
use worker::Worker;

/// Codes kept for the inspector's timeline.
pub const TIMELINE_FRAMES: usize = 84;
/// Requests that may wait while a frame is computed.
const MOST_WAITING: usize = 64;
/// Notices that may wait for the window.
const MOST_NOTICES: usize = 16;

/// How fast frames are made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Rate {
    /// As the pack says.
    #[default]
    Own,
    Hz(f32),
    /// As fast as the source can.
    Max,
}

/// Takes what was asked for, or why there is none.
pub type HandOver<T> = Box<dyn FnOnce(Result<T, DreamError>) + Send>;

/// Makes an engine where it is to play.
pub type OpenEngine = Box<dyn FnOnce() -> Result<Box<dyn Engine>, EngineError> + Send>;

/// A picture, and of a dream all that it takes to go on from there.
pub struct Kept {
    /// RGBA, `width_px * height_px`.
    pub rgba: Vec<u8>,
    pub size_px: [usize; 2],
    pub dream: Option<KeptDream>,
}

/// A moment of a dream, and under what it is dreamed.
pub struct KeptDream {
    /// Number of the dream in its session.
    pub number: u32,
    pub moment: Moment,
    pub seed: u32,
    /// Rows of the word table, as they were said.
    pub words: Arc<[u16]>,
}

/// Where a change led, or what took it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Went {
    /// Number of the dream there.
    pub dream: u32,
    /// Numbers of what was said before and of what is said there, [`Prompt::said`].
    pub said: [u32; 2],
}

/// Something to do once, in order.
pub enum Request {
    /// One frame while paused.
    Step,
    /// Back to the start, with the settings wished for: the seed chooses a simulator's place.
    Reset,
    /// These pictures become the past.
    StartFrom(Vec<Still>),
    /// A beginning from the prompt alone.
    StartFromPrompt,
    /// These tokens of the newest frame are dreamed again under these words, or the prompt where there are none.
    Repaint(Vec<bool>, Vec<u16>),
    /// This share of its tokens is dreamed again, and the past becomes like it.
    Stylise(f32),
    /// Takes back the last change, new beginning or change of words, and with it the seed that the dream before was made with.
    Undo(HandOver<Went>),
    /// The same forth again.
    Redo(HandOver<Went>),
    /// Nothing that was done so far can be taken back any more.
    Forget,
    /// Goes on from a dream that was saved; this prompt and seed are wished for from then on.
    Resume(Arc<SavedDream>, Prompt, u32, HandOver<Went>),
    /// Hands over the newest picture and the moment of a dream.
    Keep(HandOver<Kept>),
    /// Draws the map and hands it over, or says why there is none.
    Chart(HandOver<Chart>),
    /// Hands over at most so many of the last frames, as [`DreamSession::replay`] has them, or says why there are none.
    Replay(usize, HandOver<Vec<(Vec<u8>, u8)>>),
    /// A fresh engine in place of a lost one; to make it takes a moment.
    ReplaceEngine(OpenEngine),
    /// Hands the newest picture over once more: the window lost it.
    Show,
    /// Look at the wish again.
    Nudge,
    /// Somebody sets off: a world that stands still does not wait for its next beat.
    SetOff,
}

/// What the player wants from now on; only the latest counts.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerWish {
    pub settings: DecodeSettings,
    pub rate: Rate,
    pub paused: bool,
    pub prompt: Prompt,
    /// Look ahead at what every code would do next, as far as there is time.
    pub preview: bool,
    /// Tell how every frame was dreamed.
    pub account: bool,
    /// See from within, where the world can be: which way, in quarter turns clockwise from north.
    pub within: Option<i32>,
}

#[cfg(test)]
impl PlayerWish {
    /// It stands still at the pack's own speed, nothing is said, and nobody looks inside or from within.
    pub fn standing(settings: DecodeSettings) -> Self {
        Self { settings, rate: Rate::Own, paused: true, prompt: Prompt::default(), preview: false, account: false, within: None }
    }
}

/// What the world should be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Rows of the word table.
    pub words: Arc<[u16]>,
    /// Frames in which it blends with the prompt before it.
    pub blend_frames: u32,
    /// A number that is new whenever something else is said by hand, so that this can be taken back. Words that come by themselves keep it.
    pub said: u32,
}

/// What can be said again of what was said by hand, by the numbers of [`Prompt::said`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaidReach {
    /// What is said now.
    pub now: u32,
    /// The newest that was said so far.
    pub newest: u32,
    /// What was said before or was taken back, and can be returned to.
    pub others: Vec<u32>,
}

impl SaidReach {
    /// Whether what has this number is said, can be said again, or is on its way to be said.
    pub fn includes(&self, number: u32) -> bool {
        number == self.now || number > self.newest || self.others.contains(&number)
    }
}

/// A picture on its way to the window.
pub enum Shown {
    /// RGBA, `width_px * height_px`.
    Rgba(Vec<u8>),
    /// On the device that window and engine share.
    #[cfg(feature = "player")]
    Texture(wgpu::Texture),
}

/// What the window shows about the world that plays.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// `None` until the source is open.
    pub info: Option<Arc<SourceInfo>>,
    /// Frames made since the source was opened.
    pub frames: u64,
    /// Code that led into the newest frame.
    pub code: u8,
    /// Codes of the last frames, newest last.
    pub timeline: VecDeque<u8>,
    /// Whether what is asked for leads nowhere, as far as is known.
    pub stuck: Option<Stuck>,
    pub stages: StageTimes,
    /// Of a recent frame, by dispatch.
    pub passes: StageTimes,
    /// Time the newest frame took to make.
    pub frame_ms: f32,
    /// It was computed with its words and without.
    pub guided: bool,
    /// Frames a second over the last two seconds.
    pub fps: f32,
    pub caption: Option<String>,
    /// Light, weather, season and style of the newest frame, as far as they are known.
    pub look: crate::worlds::scene::Wish,
    /// What land it shows, where enough of it is known.
    pub land: Option<LandShares>,
    /// What lies around in the newest frame, where it is seen from within.
    pub around: Option<Arc<Surroundings>>,
    /// How the newest frame was dreamed, where that is asked for and it was.
    pub account: Option<Arc<Account>>,
    /// What every code would do next, where it was looked at; empty where it is not.
    pub branches: Vec<Option<Arc<Branch>>>,
    /// Milliseconds that looking at one of them takes.
    pub branch_ms: f32,
    /// The picture shown last, and what the dream sees in it.
    pub seen: Option<Arc<Seen>>,
    pub said_reach: SaidReach,
    /// The source could not be opened, or ended through a fault; nothing will play.
    pub failed: Option<String>,
    /// Why it stands still until something else is wished for or it begins anew: a frame could not be made.
    pub halted: Option<String>,
    /// The graphics device under the engine is gone: the window should send [`Request::ReplaceEngine`], or open another runner where it went before anything
    /// was opened.
    pub device_lost: bool,
    /// How many engines have taken the place of the first.
    pub engine_number: u32,
}

/// Good news or bad, for the window to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub text: String,
    pub is_error: bool,
}

struct Outbox {
    status: Status,
    picture: Option<Shown>,
    /// A pixel buffer the window is done with.
    spare: Vec<u8>,
    notices: VecDeque<Notice>,
}

struct Shared {
    outbox: Mutex<Outbox>,
    wish: Mutex<PlayerWish>,
    /// A nudge is on its way to the worker: a slider must not flood it.
    nudged: AtomicBool,
    /// The same of one to set off.
    sets_off: AtomicBool,
    /// Steps asked for that the worker has not taken yet: a key that is held must not flood it either.
    steps: AtomicU32,
    /// Engines for which there was no room among the requests that wait.
    engines: Mutex<Vec<OpenEngine>>,
}

impl Shared {
    fn new(wish: PlayerWish) -> Self {
        let outbox = Outbox { status: Status::default(), picture: None, spare: Vec::new(), notices: VecDeque::new() };
        Self {
            outbox: Mutex::new(outbox),
            wish: Mutex::new(wish),
            nudged: AtomicBool::new(false),
            sets_off: AtomicBool::new(false),
            steps: AtomicU32::new(0),
            engines: Mutex::default(),
        }
    }
}

/// A poisoned lock only means that a thread died while holding plain data; the data is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the worker is tied to the rest of the program.
pub struct Wiring {
    /// The drive in force; asked just before a frame is computed.
    pub drive: Box<dyn FnMut() -> Drive + Send>,
    /// Called whenever there is something new to fetch.
    pub wake: Box<dyn Fn() + Send>,
    /// Held open by the worker while it computes.
    pub gate: Arc<Gate>,
}

/// The thread named "dream" and what it shares.
pub struct Runner {
    requests: Option<SyncSender<Request>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    /// Opens a source on a new thread and plays it there. Where opening fails, [`Status::failed`] says why, and [`Status::device_lost`] whether another device
    /// may do better.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn spawn(
        open: impl FnOnce() -> Result<Box<dyn Source>, DreamError> + Send + 'static,
        wish: PlayerWish,
        wiring: Wiring,
    ) -> std::io::Result<Self> {
        let words = wish.prompt.words.clone();
        let shared = Arc::new(Shared::new(wish));
        let (requests, inbox) = sync_channel(MOST_WAITING);
        let seen = shared.clone();
        let thread = std::thread::Builder::new().name("dream".to_owned()).spawn(move || {
            let Wiring { drive, wake, gate } = wiring;
            let wake: Rc<dyn Fn()> = Rc::new(wake);
            let _sign = SignOfLife { shared: seen.clone(), wake: wake.clone() };
            match open() {
                Ok(source) => Worker::new(source, words, seen, drive, wake, gate).run(&inbox),
                Err(why) => {
                    {
                        let status = &mut lock(&seen.outbox).status;
                        (status.device_lost, status.failed) = (why.is_device_lost(), Some(why.to_string()));
                    }
                    wake();
                }
            }
        })?;
        Ok(Self { requests: Some(requests), shared, thread: Some(thread) })
    }

    /// Hands a request over; says so in a notice where the worker is too busy to take it.
    pub fn request(&self, request: Request) {
        let Some(requests) = &self.requests else { return };
        // One of them is enough, however many keys are pressed.
        let sets_off = matches!(request, Request::SetOff);
        if sets_off && self.shared.sets_off.swap(true, Ordering::AcqRel) {
            return;
        }
        let steps = matches!(request, Request::Step);
        if steps && self.shared.steps.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let Err(TrySendError::Full(refused)) = requests.try_send(request) else { return };
        match refused {
            Request::SetOff => self.shared.sets_off.store(false, Ordering::Release),
            Request::Nudge => {}
            Request::ReplaceEngine(open) => {
                // Without it the dream stands still for ever: whatever is taken next brings it along.
                lock(&self.shared.engines).push(open);
                requests.try_send(Request::Nudge).ok();
            }
            _ => {
                if steps {
                    self.shared.steps.store(0, Ordering::Release);
                }
                notify(&self.shared, "The dream is too busy for that; try again in a moment.".to_owned(), true);
            }
        }
    }

    /// Changes what is wanted from the next frame on.
    pub fn wish(&self, change: impl FnOnce(&mut PlayerWish)) {
        change(&mut lock(&self.shared.wish));
        if !self.shared.nudged.swap(true, Ordering::AcqRel) {
            self.request(Request::Nudge);
        }
    }

    pub fn current_wish(&self) -> PlayerWish {
        lock(&self.shared.wish).clone()
    }

    /// The newest picture nobody has fetched yet; `done_with` is a pixel buffer to be filled next.
    pub fn fetch(&self, status: &mut Status, done_with: Vec<u8>) -> (Option<Shown>, Vec<Notice>) {
        let mut outbox = lock(&self.shared.outbox);
        status.clone_from(&outbox.status);
        if done_with.capacity() > 0 {
            outbox.spare = done_with;
        }
        (outbox.picture.take(), outbox.notices.drain(..).collect())
    }
}

/// Tells the window where the thread ends in a panic: the picture would just stand still.
struct SignOfLife {
    shared: Arc<Shared>,
    wake: Rc<dyn Fn()>,
}

impl Drop for SignOfLife {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = "The dream ended through a fault in this program; the log says more.";
            lock(&self.shared.outbox).status.failed = Some(why.to_owned());
            (self.wake)();
        }
    }
}

impl Drop for Runner {
    /// Lets the worker finish its frame and end.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the dream thread ended in a panic");
        }
    }
}

fn notify(shared: &Shared, text: String, is_error: bool) {
    if is_error {
        log::warn!("{text}");
    } else {
        log::info!("{text}");
    }
    let notices = &mut lock(&shared.outbox).notices;
    // The newest says what holds now.
    if notices.len() == MOST_NOTICES {
        notices.pop_front();
    }
    notices.push_back(Notice { text, is_error });
}

/// Time between frames; zero where there is no limit. A rate that is not finite is none that was asked for.
pub fn period(rate: Rate, own_hz: u32) -> Duration {
    match rate {
        Rate::Hz(hz) if hz.is_finite() => Duration::from_secs_f32(1.0 / hz.clamp(0.1, 1000.0)),
        Rate::Own | Rate::Hz(_) => Duration::from_secs(1) / own_hz.max(1),
        Rate::Max => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests;
