//! Plays a source on its own thread: evenly paced, the newest input taken just before each frame, the newest picture handed over.
//!
//! Nothing queues up. Settings are the latest wish, not a list of changes; a picture nobody fetched is replaced by the next one.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::drive::Drive;
use super::gate::Gate;
use super::record;
use super::source::{DreamError, Source, SourceInfo};
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

/// Something to do once, in order.
pub enum Request {
    /// One frame while paused.
    Step,
    /// Back to the start; the seed matters to simulators.
    Reset(u32),
    StartFrom(Vec<Still>),
    /// Writes the newest frame as a PNG, enlarged by a whole number.
    Screenshot(PathBuf, u32),
    /// A fresh engine in place of a lost one.
    ReplaceEngine(Box<dyn Engine>),
    /// Hands the newest picture over once more: the window lost it.
    Show,
    /// Look at the wish again.
    Nudge,
}

/// What the player wants from now on; only the latest counts.
#[derive(Clone, Debug)]
pub struct Wish {
    pub settings: DecodeSettings,
    pub rate: Rate,
    pub paused: bool,
    /// Word ids.
    pub prompt: Vec<u16>,
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
    /// Time the newest frame took to make.
    pub frame_ms: f32,
    /// Frames a second over the last two seconds.
    pub fps: f32,
    pub caption: Option<String>,
    /// The source could not be opened; nothing will play.
    pub failed: Option<String>,
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
        let shared = Arc::new(Shared { outbox: Mutex::new(outbox), wish: Mutex::new(wish) });
        let (requests, inbox) = sync_channel(MOST_WAITING);
        let seen = shared.clone();
        let thread = std::thread::Builder::new().name("dream".to_owned()).spawn(move || {
            let _sign = SignOfLife(seen.clone());
            match open() {
                Ok(source) => Worker::new(source, seen, wiring).run(&inbox),
                Err(why) => {
                    lock(&seen.outbox).status.failed = Some(why);
                    (wiring.wake)();
                }
            }
        })?;
        Ok(Self { requests: Some(requests), shared, thread: Some(thread) })
    }

    /// Hands a request over; says so in a notice where the worker is too busy to take it.
    pub fn request(&self, request: Request) {
        let Some(requests) = &self.requests else { return };
        let nudge = matches!(request, Request::Nudge);
        if let Err(TrySendError::Full(_)) = requests.try_send(request)
            && !nudge
        {
            notify(&self.shared, "The dream is too busy for that; try again in a moment.".to_owned(), true);
        }
    }

    /// Changes what is wanted from the next frame on.
    pub fn wish(&self, change: impl FnOnce(&mut Wish)) {
        change(&mut lock(&self.shared.wish));
        self.request(Request::Nudge);
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
struct SignOfLife(Arc<Shared>);

impl Drop for SignOfLife {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.outbox).status.failed = Some("The dream ended through a fault in this program; the log says more.".to_owned());
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
    wiring: Wiring,
    info: Arc<SourceInfo>,
    prompt: Vec<u16>,
    /// When the last frames were done.
    done: VecDeque<Instant>,
    /// Steps asked for while paused.
    single_steps: u32,
    /// Stopped by an error until something changes.
    halted: bool,
    prompt_refused: bool,
}

impl Worker {
    fn new(source: Box<dyn Source>, shared: Arc<Shared>, wiring: Wiring) -> Self {
        let info = Arc::new(source.info().clone());
        Self {
            source,
            shared,
            wiring,
            info,
            prompt: Vec::new(),
            done: VecDeque::new(),
            single_steps: 0,
            halted: false,
            prompt_refused: false,
        }
    }

    fn run(mut self, inbox: &Receiver<Request>) {
        self.publish(false);
        let mut due = Instant::now();
        loop {
            let wish = lock(&self.shared.wish).clone();
            self.apply_prompt(&wish);
            let idle = self.halted || (wish.paused && self.single_steps == 0);
            let now = Instant::now();
            let request = if idle {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                inbox.recv_timeout(due.saturating_duration_since(now))
            };
            match request {
                Ok(request) => {
                    let gate = self.wiring.gate.clone();
                    let _pass = gate.pass();
                    self.serve(request);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            {
                let gate = self.wiring.gate.clone();
                let _pass = gate.pass();
                self.frame(&wish.settings);
            }
            self.single_steps = self.single_steps.saturating_sub(1);
            due = next_due(due, Instant::now(), period(wish.rate, self.info.rate_hz));
        }
    }

    fn serve(&mut self, request: Request) {
        let outcome = match request {
            Request::Nudge => Ok(()),
            Request::Show => {
                self.publish(true);
                Ok(())
            }
            Request::Step => {
                self.single_steps = (self.single_steps + 1).min(8);
                self.halted = false;
                Ok(())
            }
            Request::Reset(seed) => self.restarted(|source| source.reset(seed)),
            Request::StartFrom(stills) => self.restarted(|source| source.start_from(&stills)),
            Request::Screenshot(path, scale) => self.screenshot(&path, scale),
            Request::ReplaceEngine(engine) => {
                {
                    let mut outbox = lock(&self.shared.outbox);
                    outbox.status.engine_number += 1;
                    outbox.status.device_lost = false;
                    // It may lie on the device that is gone.
                    outbox.picture = None;
                }
                let replaced = self.restarted(|source| source.replace_engine(engine));
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
        self.halted = false;
        self.publish(false);
        Ok(())
    }

    fn apply_prompt(&mut self, wish: &Wish) {
        if wish.prompt == self.prompt {
            return;
        }
        self.prompt.clone_from(&wish.prompt);
        if let Err(error) = self.source.set_prompt(&wish.prompt) {
            // Said once, not on every letter.
            if !std::mem::replace(&mut self.prompt_refused, true) {
                self.report(&error);
            }
        }
    }

    fn frame(&mut self, settings: &DecodeSettings) {
        let code = self.info.code_of((self.wiring.drive)());
        let start = Instant::now();
        if let Err(error) = self.source.step(code, settings) {
            self.halted = true;
            if error.is_device_lost() {
                lock(&self.shared.outbox).status.device_lost = true;
            }
            self.report(&error);
            return;
        }
        let now = Instant::now();
        self.done.push_back(now);
        while self.done.len() > 2 && self.done.front().is_some_and(|&t| now - t > Duration::from_secs(2)) {
            self.done.pop_front();
        }
        let span = self.done.front().map_or(0.0, |&first| (now - first).as_secs_f32());
        {
            let status = &mut lock(&self.shared.outbox).status;
            status.frames += 1;
            status.code = code;
            status.frame_ms = (now - start).as_secs_f32() * 1e3;
            status.fps = if span > 0.0 { (self.done.len() - 1) as f32 / span } else { 0.0 };
            if status.timeline.len() == TIMELINE_FRAMES {
                status.timeline.pop_front();
            }
            status.timeline.push_back(code);
        }
        self.publish(true);
    }

    /// Puts the newest picture and what is known about it where the window finds them.
    fn publish(&mut self, with_times: bool) {
        let stages = if with_times { self.source.stage_times() } else { Vec::new() };
        let caption = self.source.caption();
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
        outbox.status.stages = stages;
        outbox.status.caption = caption;
        drop(outbox);
        (self.wiring.wake)();
    }

    fn screenshot(&mut self, path: &std::path::Path, scale: u32) -> Result<(), DreamError> {
        let rgba = self.source.read_picture()?;
        let (w, h) = (self.info.width_px, self.info.height_px);
        let written = record::enlarge(&rgba, w, h, scale.max(1) as usize)
            .and_then(|(large, w, h)| record::write_png(path, w, h, &large).map_err(|e| e.to_string()));
        match written {
            Ok(()) => notify(&self.shared, format!("Saved {}", path.display()), false),
            Err(why) => notify(&self.shared, why, true),
        }
        (self.wiring.wake)();
        Ok(())
    }

    fn report(&self, error: &DreamError) {
        notify(&self.shared, format!("{error}."), true);
        (self.wiring.wake)();
    }
}

/// Time between frames; zero where there is no limit.
fn period(rate: Rate, own_hz: u32) -> Duration {
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
mod tests {
    use super::*;
    use crate::dream::Intent;

    #[test]
    fn the_beat_stays_even_after_a_short_delay_and_starts_anew_after_a_long_one() {
        let start = Instant::now();
        let period = Duration::from_millis(100);
        let ms = Duration::from_millis;
        assert_eq!(next_due(start, start + ms(30), period), start + ms(100));
        assert_eq!(next_due(start, start + ms(150), period), start + ms(100), "caught up");
        assert_eq!(next_due(start, start + ms(900), period), start + ms(900), "no race after a pause");
    }

    /// Counts frames; its picture is the number of the frame and the code.
    struct Counter {
        info: SourceInfo,
        pixels: Vec<u8>,
        fails_at: Option<u8>,
    }

    impl Counter {
        fn new(rate_hz: u32) -> Self {
            let action = |name: &str, intent| super::super::source::ActionInfo {
                name: name.to_owned(),
                share: None,
                purity: None,
                bound_to: vec![intent],
            };
            let info = SourceInfo {
                kind: crate::dream::SourceKind::Truth,
                title: "counter".to_owned(),
                engine: String::new(),
                device: String::new(),
                width_px: 1,
                height_px: 1,
                rate_hz,
                actions: vec![action("stay", Intent::Stay), action("east", Intent::East)],
                vocabulary: Vec::new(),
                prompt_words: 0,
                suggested_prompts: Vec::new(),
                window: 0,
                context_levels: 0,
            };
            Self { info, pixels: vec![0; 4], fails_at: None }
        }
    }

    impl Source for Counter {
        fn info(&self) -> &SourceInfo {
            &self.info
        }

        fn step(&mut self, code: u8, _: &DecodeSettings) -> Result<(), DreamError> {
            if self.fails_at == Some(self.pixels[0]) {
                self.fails_at = None;
                return Err(DreamError::NoFrames);
            }
            self.pixels[0] = self.pixels[0].wrapping_add(1);
            self.pixels[1] = code;
            Ok(())
        }

        fn picture(&self) -> Picture<'_> {
            Picture::Rgba(&self.pixels)
        }

        fn read_picture(&mut self) -> Result<Vec<u8>, DreamError> {
            Ok(self.pixels.clone())
        }

        fn stage_times(&self) -> StageTimes {
            Vec::new()
        }

        fn caption(&self) -> Option<String> {
            None
        }

        fn reset(&mut self, _: u32) -> Result<(), DreamError> {
            self.pixels[0] = 0;
            Ok(())
        }

        fn start_from(&mut self, _: &[Still]) -> Result<(), DreamError> {
            Err(DreamError::NoPicture("counter".to_owned()))
        }

        fn set_prompt(&mut self, _: &[u16]) -> Result<(), DreamError> {
            Ok(())
        }

        fn replace_engine(&mut self, _: Box<dyn Engine>) -> Result<(), DreamError> {
            Ok(())
        }
    }

    fn wish(rate: Rate, paused: bool) -> Wish {
        let settings =
            DecodeSettings { steps: 1, temperature: 0.0, seed: 0, order: crate::engine::UnmaskOrder::Random, window: 1, context_level: 0 };
        Wish { settings, rate, paused, prompt: Vec::new() }
    }

    /// A runner with the drive its frames see.
    fn start(counter: Counter, wish: Wish) -> (Runner, Arc<Mutex<Drive>>) {
        let drive = Arc::new(Mutex::new(Drive::default()));
        let seen = drive.clone();
        let wiring = Wiring { drive: Box::new(move || *lock(&seen)), wake: Box::new(|| {}), gate: Arc::default() };
        (Runner::spawn(move || Ok(Box::new(counter) as Box<dyn Source>), wish, wiring).unwrap(), drive)
    }

    fn wait_for(runner: &Runner, what: &str, mut done: impl FnMut(&Status, Option<&Shown>, &[Notice]) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(20);
        let mut status = Status::default();
        loop {
            let (picture, notices) = runner.fetch(&mut status, Vec::new());
            if done(&status, picture.as_ref(), &notices) {
                return;
            }
            assert!(Instant::now() < give_up, "waited for {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn paused_it_makes_single_steps_and_takes_the_drive_of_the_moment() {
        let (runner, drive) = start(Counter::new(1000), wish(Rate::Own, true));
        wait_for(&runner, "the first picture", |_, picture, _| picture.is_some());
        *lock(&drive) = Drive::Intent(Intent::East);
        runner.request(Request::Step);
        wait_for(&runner, "one step", |status, _, _| status.frames == 1 && status.code == 1 && status.timeline == [1]);
        std::thread::sleep(Duration::from_millis(50));
        wait_for(&runner, "no more steps", |status, _, _| status.frames == 1);
    }

    #[test]
    fn a_picture_nobody_fetched_is_replaced_by_the_newest() {
        let (runner, _drive) = start(Counter::new(1000), wish(Rate::Max, false));
        std::thread::sleep(Duration::from_millis(50));
        runner.wish(|wish| wish.paused = true);
        std::thread::sleep(Duration::from_millis(50));
        wait_for(&runner, "the newest picture", |status, picture, _| match picture {
            Some(Shown::Rgba(pixels)) => {
                assert!(status.frames > 2);
                assert_eq!(u64::from(pixels[0]), status.frames % 256, "the picture is the last one made");
                true
            }
            _ => false,
        });
    }

    #[test]
    fn the_rate_is_kept_and_can_change() {
        let (runner, _drive) = start(Counter::new(50), wish(Rate::Own, false));
        let start = Instant::now();
        wait_for(&runner, "frames at the own rate", |status, _, _| status.frames >= 20);
        assert!(start.elapsed() > Duration::from_millis(330), "20 frames at 50 Hz took only {:?}", start.elapsed());
        runner.wish(|wish| wish.rate = Rate::Max);
        wait_for(&runner, "frames without a limit", |status, _, _| status.frames > 1000);
    }

    #[test]
    fn a_failing_frame_is_a_notice_and_the_game_goes_on_after_a_reset() {
        let mut counter = Counter::new(1000);
        counter.fails_at = Some(3);
        let (runner, _drive) = start(counter, wish(Rate::Own, false));
        wait_for(&runner, "the notice", |_, _, notices| notices.iter().any(|n| n.is_error && n.text.contains("picture")));
        runner.request(Request::StartFrom(Vec::new()));
        wait_for(&runner, "the refusal", |_, _, notices| notices.iter().any(|n| n.text.contains("counter is a simulator")));
        runner.request(Request::Reset(0));
        wait_for(&runner, "frames after the reset", |status, _, _| status.frames > 10);
    }

    #[test]
    fn what_cannot_be_opened_says_why() {
        let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(|| {}), gate: Arc::default() };
        let runner = Runner::spawn(|| Err("no such world".to_owned()), wish(Rate::Own, false), wiring).unwrap();
        wait_for(&runner, "the reason", |status, _, _| status.failed.as_deref() == Some("no such world"));
    }
}
