//! The worker on a source that counts or a dream of random weights, and what needs no worker; here what the window is handed.

mod faults;
mod inside;
mod pace;
mod prompts;

use std::time::Instant;

use super::*;
use crate::dream::Intent;
use crate::dream::session::DreamSession;
use crate::dream::source::SourceKind;
use crate::engine::Picture;
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::inputs::play_settings;
use crate::pack::random::{odd_manifest, random_pack};
use crate::worlds::scene::Wish as Look;

/// When a frame was begun, and the words in force.
type Begun = (Instant, Vec<u16>);

/// Counts frames; its picture is the number of the frame and the code.
struct Counter {
    info: SourceInfo,
    pixels: Vec<u8>,
    fails_at: Option<u8>,
    panics_at: Option<u8>,
    /// Words in force and the frames that begun under which, with the time.
    words: Vec<u16>,
    begun: Arc<Mutex<Vec<Begun>>>,
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
            kind: SourceKind::Truth,
            title: "counter".to_owned(),
            engine: String::new(),
            device: String::new(),
            width_px: 1,
            height_px: 1,
            rate_hz,
            strides: None,
            within: false,
            grid: [0, 0],
            actions: vec![action("stay", Intent::Stay), action("east", Intent::East)],
            prompt_words: 0,
            suggested_prompts: Vec::new(),
            window: 0,
            context_levels: 0,
        };
        Self { info, pixels: vec![0; 4], fails_at: None, panics_at: None, words: Vec::new(), begun: Arc::default() }
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
        assert_ne!(self.panics_at, Some(self.pixels[0]), "as the test has it");
        lock(&self.begun).push((Instant::now(), self.words.clone()));
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

    fn look(&self) -> Look {
        Look::default()
    }

    fn reset(&mut self, _: &DecodeSettings) -> Result<(), DreamError> {
        self.pixels[0] = 0;
        Ok(())
    }

    fn set_prompt(&mut self, words: &[u16], _: u32) -> Result<(), DreamError> {
        self.words = words.to_vec();
        Ok(())
    }

    fn as_dream(&mut self) -> Option<&mut DreamSession> {
        None
    }
}

fn wish(rate: Rate, paused: bool) -> PlayerWish {
    PlayerWish { rate, paused, ..PlayerWish::standing(DecodeSettings::LEAST) }
}

/// A runner with the drive its frames see.
fn start(source: impl Source + 'static, wish: PlayerWish) -> (Runner, Arc<Mutex<Drive>>) {
    let drive = Arc::new(Mutex::new(Drive::default()));
    let seen = drive.clone();
    let wiring = Wiring { drive: Box::new(move || *lock(&seen)), wake: Box::new(|| {}), gate: Arc::default() };
    (Runner::spawn(move || Ok(Box::new(source) as Box<dyn Source>), wish, wiring).unwrap(), drive)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < give_up, "waited for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn wait_for(runner: &Runner, what: &str, mut done: impl FnMut(&Status, Option<&Shown>, &[Notice]) -> bool) {
    let mut status = Status::default();
    wait_until(what, || {
        let (picture, notices) = runner.fetch(&mut status, Vec::new());
        done(&status, picture.as_ref(), &notices)
    });
}

/// What the runner hands over when it is asked, or what is said of it.
fn asked<T: Send + 'static>(runner: &Runner, request: impl FnOnce(HandOver<T>) -> Request) -> Result<T, String> {
    let (hand_over, outcome) = std::sync::mpsc::channel();
    runner.request(request(Box::new(move |it| hand_over.send(it).unwrap())));
    outcome.recv_timeout(Duration::from_secs(20)).unwrap().map_err(|why| why.to_string())
}

fn kept(runner: &Runner) -> Kept {
    asked(runner, Request::Keep).unwrap()
}

/// A dream of random weights that came from its prompt, and its default settings.
fn dream() -> (DreamSession, DecodeSettings) {
    let pack = random_pack(odd_manifest(), 5).unwrap();
    let settings = play_settings(&pack.manifest);
    let mut session = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
    session.start_from_prompt(&settings).unwrap();
    (session, settings)
}

#[test]
fn a_picture_nobody_fetched_is_replaced_by_the_newest() {
    let counter = Counter::new(1000);
    let begun = counter.begun.clone();
    let (runner, _drive) = start(counter, wish(Rate::Max, false));
    wait_until("some frames", || lock(&begun).len() > 2);
    runner.wish(|wish| wish.paused = true);
    // What is asked for after that is answered once it stands still.
    kept(&runner);
    let mut status = Status::default();
    let (Some(Shown::Rgba(pixels)), _) = runner.fetch(&mut status, Vec::new()) else { panic!("there is no picture") };
    assert_eq!(status.frames, lock(&begun).len() as u64);
    assert_eq!(u64::from(pixels[0]), status.frames % 256, "the picture is the last one made");
}

#[test]
fn a_frame_comes_with_its_picture() {
    let (runner, _drive) = start(Counter::new(1000), wish(Rate::Max, false));
    let (mut looks, mut frames) = (0, 0);
    wait_for(&runner, "some looks", |status, picture, _| {
        assert!(picture.is_some() || status.frames == frames, "frame {} has no picture", status.frames);
        if let Some(Shown::Rgba(pixels)) = picture {
            assert_eq!(u64::from(pixels[0]), status.frames % 256, "a picture of another frame");
        }
        (looks, frames) = (looks + 1, status.frames);
        looks == 100
    });
}

#[test]
fn the_newest_notices_wait() {
    let shared = Shared::new(wish(Rate::Own, false));
    (0..20).for_each(|n| notify(&shared, n.to_string(), n == 19));
    let waiting = std::mem::take(&mut lock(&shared.outbox).notices);
    assert_eq!(waiting.len(), MOST_NOTICES);
    assert_eq!(waiting.front().map(|notice| notice.text.as_str()), Some("4"));
    assert_eq!(waiting.back(), Some(&Notice { text: "19".to_owned(), is_error: true }));
}
