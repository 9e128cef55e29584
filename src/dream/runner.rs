//! Plays a source on its own thread: evenly paced, the newest input taken just before each frame, the newest picture handed over.
//!
//! Nothing queues up. Settings are the latest wish, not a list of changes; a picture nobody fetched is replaced by the next one.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::chart::Chart;
use super::drive::Drive;
use super::gate::Gate;
use super::lookahead::{Branch, Lookahead};
use super::saved::SavedDream;
use super::session::{DreamSession, Moment, Seen};
use super::source::{DreamError, Source, SourceInfo, SourceKind};
use super::still::Still;
use crate::engine::{DecodeSettings, Engine, Picture, StageTimes};

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

/// Takes what was asked for, or a sentence that says why there is none.
pub type HandOver<T> = Box<dyn FnOnce(Result<T, String>) + Send>;

/// A picture, and of a dream all that it takes to go on from there.
pub struct Kept {
    /// RGBA, `width_px * height_px`.
    pub rgba: Vec<u8>,
    pub size_px: [usize; 2],
    /// Number of the dream in its session, and the moment.
    pub dream: Option<(u32, Moment)>,
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
    /// Takes the last change or new beginning back, and words and seed with it where another dream was gone on with. Hands over the number of the dream that
    /// plays then.
    Undo(HandOver<u32>),
    /// Goes on from a dream that was saved; words (rows of the word table) and seed are wished for from then on. Hands over the numbers of the dream that
    /// played and of the one that plays then.
    Resume(Arc<SavedDream>, Arc<[u16]>, u32, HandOver<[u32; 2]>),
    /// Hands over the newest picture and the moment of a dream.
    Keep(HandOver<Kept>),
    /// Draws the map and hands it over, or says why there is none.
    Chart(HandOver<Chart>),
    /// Hands over at most so many of the last frames, as [`DreamSession::replay`] has them, or says why there are none.
    Replay(usize, HandOver<Vec<(Vec<u8>, u8)>>),
    /// A fresh engine in place of a lost one.
    ReplaceEngine(Box<dyn Engine>),
    /// Hands the newest picture over once more: the window lost it.
    Show,
    /// Look at the wish again.
    Nudge,
    /// Somebody sets off: a world that stands still does not wait for its next beat.
    SetOff,
}

/// What the player wants from now on; only the latest counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub settings: DecodeSettings,
    pub rate: Rate,
    pub paused: bool,
    pub prompt: Prompt,
    /// Look ahead at what every code would do next, as far as there is time.
    pub preview: bool,
}

/// What the world should be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Rows of the word table.
    pub words: Arc<[u16]>,
    /// Frames in which it blends with the prompt before it.
    pub blend_frames: u32,
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
    /// What every code would do next, where it was looked at; empty where it is not.
    pub branches: Vec<Option<Arc<Branch>>>,
    /// Milliseconds that looking at one of them takes.
    pub branch_ms: f32,
    /// The picture shown last, and what the dream sees in it.
    pub seen: Option<Arc<Seen>>,
    /// The source could not be opened, or ended through a fault; nothing will play.
    pub failed: Option<String>,
    /// Why it stands still until something else is wished for or it begins anew: a frame could not be made.
    pub halted: Option<String>,
    /// The graphics device under the engine is gone: the window should send [`Request::ReplaceEngine`].
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
    wish: Mutex<Wish>,
    /// A nudge is on its way to the worker: a slider must not flood it.
    nudged: AtomicBool,
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
    /// Opens a source on a new thread and plays it there. Where opening fails, [`Status::failed`] says why.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn spawn(
        open: impl FnOnce() -> Result<Box<dyn Source>, String> + Send + 'static,
        wish: Wish,
        wiring: Wiring,
    ) -> std::io::Result<Self> {
        let outbox = Outbox { status: Status::default(), picture: None, spare: Vec::new(), notices: VecDeque::new() };
        let shared = Arc::new(Shared { outbox: Mutex::new(outbox), wish: Mutex::new(wish), nudged: AtomicBool::new(false) });
        let (requests, inbox) = sync_channel(MOST_WAITING);
        let seen = shared.clone();
        let thread = std::thread::Builder::new().name("dream".to_owned()).spawn(move || {
            let Wiring { drive, wake, gate } = wiring;
            let wake: Rc<dyn Fn()> = Rc::new(wake);
            let _sign = SignOfLife { shared: seen.clone(), wake: wake.clone() };
            match open() {
                Ok(source) => Worker::new(source, seen, drive, wake, gate).run(&inbox),
                Err(why) => {
                    lock(&seen.outbox).status.failed = Some(why);
                    wake();
                }
            }
        })?;
        Ok(Self { requests: Some(requests), shared, thread: Some(thread) })
    }

    /// Hands a request over; says so in a notice where the worker is too busy to take it.
    pub fn request(&self, request: Request) {
        let Some(requests) = &self.requests else { return };
        let nudge = matches!(request, Request::Nudge | Request::SetOff);
        if let Err(TrySendError::Full(_)) = requests.try_send(request)
            && !nudge
        {
            notify(&self.shared, "The dream is too busy for that; try again in a moment.".to_owned(), true);
        }
    }

    /// Changes what is wanted from the next frame on.
    pub fn wish(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut lock(&self.shared.wish));
        if !self.shared.nudged.swap(true, Ordering::AcqRel) {
            self.request(Request::Nudge);
        }
    }

    pub fn current_wish(&self) -> Wish {
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
    if notices.len() < MOST_NOTICES {
        notices.push_back(Notice { text, is_error });
    }
}

struct Worker {
    source: Box<dyn Source>,
    shared: Arc<Shared>,
    drive: Box<dyn FnMut() -> Drive + Send>,
    wake: Rc<dyn Fn()>,
    gate: Arc<Gate>,
    info: Arc<SourceInfo>,
    /// Words in force.
    prompt: Arc<[u16]>,
    /// Words and seed wished for in dreams that were left for one that was saved, by their number.
    left: HashMap<u32, (Arc<[u16]>, u32)>,
    /// When the last frames were done.
    done: VecDeque<Instant>,
    /// Steps asked for while paused.
    single_steps: u32,
    /// What was wished for when an error stopped it.
    halted: Option<Wish>,
    lookahead: Lookahead,
    /// Settings that the last look ahead was for.
    looked_with: Option<DecodeSettings>,
}

impl Worker {
    fn new(
        source: Box<dyn Source>,
        shared: Arc<Shared>,
        drive: Box<dyn FnMut() -> Drive + Send>,
        wake: Rc<dyn Fn()>,
        gate: Arc<Gate>,
    ) -> Self {
        let info = Arc::new(source.info().clone());
        Self {
            lookahead: Lookahead::new(info.living_codes().len()),
            source,
            shared,
            drive,
            wake,
            gate,
            info,
            prompt: Arc::new([]),
            left: HashMap::new(),
            done: VecDeque::new(),
            single_steps: 0,
            halted: None,
            looked_with: None,
        }
    }

    fn run(mut self, inbox: &Receiver<Request>) {
        self.publish(false);
        let mut due = Instant::now();
        loop {
            // Before the wish is looked at: one that changes from here on is worth a nudge.
            self.shared.nudged.store(false, Ordering::Release);
            let wish = lock(&self.shared.wish).clone();
            if self.halted.as_ref().is_some_and(|under| *under != wish) {
                self.try_again();
            }
            let idle = self.halted.is_some() || (wish.paused && self.single_steps == 0);
            let time_left = (!idle).then(|| due.saturating_duration_since(Instant::now()));
            let codes = self.codes_to_look_at(&wish, time_left);
            let wait = if codes.is_empty() { time_left } else { Some(Duration::ZERO) };
            let request = match wait {
                Some(wait) => inbox.recv_timeout(wait),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match request {
                Ok(Request::SetOff) => {
                    if self.stands() {
                        due = due.min(Instant::now());
                    }
                    continue;
                }
                Ok(request) => {
                    let gate = self.gate.clone();
                    let _pass = gate.pass();
                    self.apply_prompt();
                    self.serve(request);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if !codes.is_empty() => {
                    let gate = self.gate.clone();
                    let _pass = gate.pass();
                    self.look_ahead(codes, &wish.settings);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            {
                let gate = self.gate.clone();
                let _pass = gate.pass();
                // Asked for last of all, so that no frame is begun with a prompt that is past.
                let settings = self.apply_prompt();
                if let Err(error) = self.frame(&settings) {
                    let way_out = "Another prompt tries again, and so does playing on after a pause.";
                    lock(&self.shared.outbox).status.halted = Some(format!("The dream stands still: {error}.\n{way_out}"));
                    self.halted = Some(wish.clone());
                    self.report(&error);
                }
            }
            self.single_steps = self.single_steps.saturating_sub(1);
            due = next_due(due, Instant::now(), period(wish.rate, self.info.rate_hz));
        }
    }

    /// An error is no reason to stand still any more.
    fn try_again(&mut self) {
        if self.halted.take().is_some() {
            lock(&self.shared.outbox).status.halted = None;
            (self.wake)();
        }
    }

    /// Nothing was asked for in the newest frame.
    fn stands(&self) -> bool {
        lock(&self.shared.outbox).status.code == self.info.code_of(Drive::default())
    }

    /// Codes whose next frame there is time to look at now.
    fn codes_to_look_at(&mut self, wish: &Wish, time_left: Option<Duration>) -> Range<usize> {
        if !wish.preview || self.halted.is_some() || self.info.kind != SourceKind::Dream {
            if self.looked_with.take().is_some() {
                lock(&self.shared.outbox).status.branches.clear();
            }
            return 0..0;
        }
        if self.looked_with.replace(wish.settings) != Some(wish.settings) {
            self.lookahead.outdate();
        }
        let frame_ms = {
            let status = &lock(&self.shared.outbox).status;
            status.stages.iter().map(|(_, ms)| ms).sum::<f32>().max(status.frame_ms)
        };
        self.lookahead.turn(Instant::now(), time_left, Duration::from_secs_f32(frame_ms.max(0.0) / 1e3))
    }

    /// Shows the window what these of the living codes would do next.
    fn look_ahead(&mut self, codes: Range<usize>, settings: &DecodeSettings) {
        let Some(dream) = self.source.as_dream() else { return };
        let start = Instant::now();
        let codes = &self.info.living_codes()[codes];
        if let Err(error) = dream.preview(codes, settings, &mut self.lookahead.branches) {
            self.lookahead.give_up();
            self.report(&error);
            return;
        }
        self.lookahead.looked(codes.len(), start, Instant::now());
        let picture_bytes = self.info.width_px * self.info.height_px * 4;
        {
            let status = &mut lock(&self.shared.outbox).status;
            status.branch_ms = self.lookahead.each_ms();
            status.branches.resize(self.info.actions.len(), None);
            let pictures = self.lookahead.branches.rgba.chunks_exact(picture_bytes);
            for (code, rgba) in codes.iter().zip(pictures) {
                status.branches[usize::from(*code)] = Some(Arc::new(Branch { rgba: rgba.to_vec(), frames: status.frames }));
            }
        }
        (self.wake)();
    }

    fn serve(&mut self, request: Request) {
        let outcome = match request {
            Request::Nudge | Request::SetOff => Ok(()),
            Request::Show => {
                self.publish(true);
                Ok(())
            }
            Request::Step => {
                self.single_steps = (self.single_steps + 1).min(8);
                self.try_again();
                Ok(())
            }
            Request::Reset => {
                let settings = self.settings();
                self.restarted(|source| source.reset(&settings))
            }
            Request::StartFrom(stills) => self.changed(|dream, _| dream.start_from(&stills)),
            Request::StartFromPrompt => self.changed(DreamSession::start_from_prompt),
            Request::Repaint(tokens, words) => self.changed(|dream, settings| dream.repaint(&tokens, &words, settings)),
            Request::Stylise(share) => self.changed(|dream, settings| dream.stylise(share, settings)),
            Request::Undo(hand_over) => {
                let undone = self.undo();
                hand_over(self.in_words(undone));
                Ok(())
            }
            Request::Resume(saved, words, seed, hand_over) => {
                let resumed = self.resume(&saved, words, seed);
                hand_over(self.in_words(resumed));
                Ok(())
            }
            Request::Keep(hand_over) => {
                let kept = self.keep();
                hand_over(self.in_words(kept));
                Ok(())
            }
            Request::Chart(hand_over) => {
                let dream = self.source.as_dream().ok_or_else(|| DreamError::NoMap(self.info.title.clone()));
                let chart = dream.and_then(DreamSession::chart);
                hand_over(self.in_words(chart));
                Ok(())
            }
            Request::Replay(most, hand_over) => {
                let dream = self.source.as_dream().ok_or_else(|| DreamError::NoReplay(self.info.title.clone()));
                let replay = dream.and_then(|dream| dream.replay(most));
                hand_over(self.in_words(replay));
                Ok(())
            }
            Request::ReplaceEngine(engine) => {
                {
                    let mut outbox = lock(&self.shared.outbox);
                    outbox.status.engine_number += 1;
                    outbox.status.device_lost = false;
                    // It may lie on the device that is gone.
                    outbox.picture = None;
                }
                let replaced = self.changed(|dream, _| dream.replace_engine(engine));
                self.info = Arc::new(self.source.info().clone());
                replaced
            }
        };
        if let Err(error) = outcome {
            self.report(&error);
        }
    }

    fn restarted(&mut self, change: impl FnOnce(&mut dyn Source) -> Result<(), DreamError>) -> Result<(), DreamError> {
        change(self.source.as_mut())?;
        self.try_again();
        self.publish(false);
        Ok(())
    }

    /// As [`Self::restarted`], of what a simulator cannot do.
    fn changed(&mut self, change: impl FnOnce(&mut DreamSession, &DecodeSettings) -> Result<(), DreamError>) -> Result<(), DreamError> {
        let (settings, title) = (self.settings(), self.info.title.clone());
        self.restarted(|source| change(source.as_dream().ok_or(DreamError::NotADream(title))?, &settings))
    }

    fn settings(&self) -> DecodeSettings {
        lock(&self.shared.wish).settings
    }

    /// Puts the prompt wished for in force; gives the settings wished for at the same moment.
    fn apply_prompt(&mut self) -> DecodeSettings {
        let (prompt, settings) = {
            let wish = lock(&self.shared.wish);
            (wish.prompt.clone(), wish.settings)
        };
        if prompt.words != self.prompt {
            if let Err(error) = self.source.set_prompt(&prompt.words, prompt.blend_frames) {
                self.report(&error);
            }
            self.prompt = prompt.words;
            self.lookahead.outdate();
        }
        settings
    }

    fn frame(&mut self, settings: &DecodeSettings) -> Result<(), DreamError> {
        let code = self.info.code_of((self.drive)());
        let start = Instant::now();
        self.source.step(code, settings)?;
        let now = Instant::now();
        let guided = self.source.as_dream().is_some_and(|dream| dream.guided());
        self.done.push_back(now);
        while self.done.len() > 2 && self.done.front().is_some_and(|&t| now - t > Duration::from_secs(2)) {
            self.done.pop_front();
        }
        let span = self.done.front().map_or(0.0, |&first| (now - first).as_secs_f32());
        {
            let status = &mut lock(&self.shared.outbox).status;
            status.frames += 1;
            status.code = code;
            (status.frame_ms, status.guided) = ((now - start).as_secs_f32() * 1e3, guided);
            status.fps = if span > 0.0 { (self.done.len() - 1) as f32 / span } else { 0.0 };
            if status.timeline.len() == TIMELINE_FRAMES {
                status.timeline.pop_front();
            }
            status.timeline.push_back(code);
        }
        self.publish(true);
        Ok(())
    }

    /// Puts the newest picture and what is known about it where the window finds them.
    fn publish(&mut self, with_times: bool) {
        self.lookahead.outdate();
        let (stages, passes) = if with_times { (self.source.stage_times(), self.source.pass_times()) } else { Default::default() };
        let caption = self.source.caption();
        let seen = self.source.as_dream().and_then(|dream| dream.seen().cloned());
        let mut outbox = lock(&self.shared.outbox);
        let recycled = match outbox.picture.take() {
            Some(Shown::Rgba(pixels)) => pixels,
            _ => std::mem::take(&mut outbox.spare),
        };
        let picture = match self.source.picture() {
            Picture::Rgba(pixels) => {
                let mut buffer = recycled;
                buffer.clear();
                buffer.extend_from_slice(pixels);
                Shown::Rgba(buffer)
            }
            #[cfg(feature = "player")]
            Picture::Texture(texture) => Shown::Texture(texture.clone()),
        };
        outbox.picture = Some(picture);
        outbox.status.info = Some(self.info.clone());
        (outbox.status.stages, outbox.status.passes) = (stages, passes);
        outbox.status.caption = caption;
        outbox.status.seen = seen;
        drop(outbox);
        (self.wake)();
    }

    fn resume(&mut self, saved: &SavedDream, words: Arc<[u16]>, seed: u32) -> Result<[u32; 2], DreamError> {
        let left = self.dream();
        self.changed(|dream, _| dream.resume(saved.moment.clone(), &saved.about.words))?;
        self.prompt = saved.about.words.as_slice().into();
        let mut wish = lock(&self.shared.wish);
        self.left.insert(left, (std::mem::replace(&mut wish.prompt.words, words), std::mem::replace(&mut wish.settings.seed, seed)));
        drop(wish);
        Ok([left, self.dream()])
    }

    fn undo(&mut self) -> Result<u32, DreamError> {
        let left = self.dream();
        self.changed(|dream, _| dream.undo())?;
        let dream = self.dream();
        if dream != left
            && let Some((words, seed)) = self.left.remove(&dream)
        {
            self.source.set_prompt(&words, 0)?;
            self.prompt = words.clone();
            let mut wish = lock(&self.shared.wish);
            (wish.prompt.words, wish.settings.seed) = (words, seed);
        }
        Ok(dream)
    }

    /// Number of the dream that plays; 0 of a simulator.
    fn dream(&mut self) -> u32 {
        self.source.as_dream().map_or(0, |dream| dream.dream())
    }

    fn keep(&mut self) -> Result<Kept, DreamError> {
        let rgba = self.source.read_picture()?;
        let dream = self.source.as_dream().map(|dream| Ok::<_, DreamError>((dream.dream(), dream.moment()?))).transpose()?;
        Ok(Kept { rgba, size_px: [self.info.width_px, self.info.height_px], dream })
    }

    /// An error as a sentence to hand over; that the device is lost is noted here.
    fn in_words<T>(&self, outcome: Result<T, DreamError>) -> Result<T, String> {
        outcome.map_err(|error| {
            self.note_loss(&error);
            format!("{error}.")
        })
    }

    fn note_loss(&self, error: &DreamError) {
        if error.is_device_lost() {
            lock(&self.shared.outbox).status.device_lost = true;
            (self.wake)();
        }
    }

    fn report(&self, error: &DreamError) {
        self.note_loss(error);
        notify(&self.shared, format!("{error}."), true);
        (self.wake)();
    }
}

/// Time between frames; zero where there is no limit.
pub fn period(rate: Rate, own_hz: u32) -> Duration {
    match rate {
        Rate::Own => Duration::from_secs(1) / own_hz.max(1),
        Rate::Hz(hz) => Duration::from_secs_f32(1.0 / hz.clamp(0.1, 1000.0)),
        Rate::Max => Duration::ZERO,
    }
}

/// When the frame after the one that was due at `due` and done at `now` is due. A short delay is caught up, so that the beat stays
/// even; after a long one the beat starts anew instead of racing.
fn next_due(due: Instant, now: Instant, period: Duration) -> Instant {
    let next = due + period;
    if now > next + period { now } else { next }
}

#[cfg(test)]
mod tests;
