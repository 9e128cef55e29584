//! The worker on a source that counts, and what needs no worker.

use std::time::Instant;

use super::worker::next_due;
use super::*;
use crate::dream::Intent;
use crate::dream::session::DreamSession;
use crate::dream::source::SourceKind;
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::inputs::play_settings;
use crate::engine::{Picture, PromptWord};
use crate::pack::random::{odd_manifest, random_pack};
use crate::worlds::scene::Wish as Look;

#[test]
fn the_beat_stays_even_after_a_short_delay_and_starts_anew_after_a_long_one() {
    let start = Instant::now();
    let period = Duration::from_millis(100);
    let ms = Duration::from_millis;
    assert_eq!(next_due(start, start + ms(30), period), start + ms(100));
    assert_eq!(next_due(start, start + ms(150), period), start + ms(100), "caught up");
    assert_eq!(next_due(start, start + ms(900), period), start + ms(900), "no race after a pause");
}

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
    runner.request(Request::Reset);
    wait_for(&runner, "frames after the reset", |status, _, _| status.frames > 10);
}

#[test]
fn after_an_error_it_stands_still_and_says_so_until_something_else_is_wished_for() {
    let changes: [fn(&mut PlayerWish); 3] = [
        |wish| wish.prompt.words = Arc::new([7]),
        |wish| wish.settings.seed += 1,
        |wish| wish.paused = true, // and goes on below
    ];
    for change in changes {
        let mut counter = Counter::new(1000);
        counter.fails_at = Some(3);
        let (runner, _drive) = start(counter, wish(Rate::Own, false));
        wait_for(&runner, "the reason", |status, _, _| status.halted.as_ref().is_some_and(|why| why.contains("picture")));
        // The control: what is wished for again is no reason to go on.
        runner.wish(|_| {});
        std::thread::sleep(Duration::from_millis(50));
        wait_for(&runner, "no more frames", |status, _, _| status.frames == 3 && status.halted.is_some());
        runner.wish(change);
        wait_for(&runner, "no reason any more", |status, _, _| status.halted.is_none());
        runner.wish(|wish| wish.paused = false);
        wait_for(&runner, "more frames", |status, _, _| status.frames > 10);
    }
}

#[test]
fn a_fault_of_the_program_wakes_the_window_and_is_told() {
    let mut counter = Counter::new(1000);
    counter.panics_at = Some(3);
    let (woken, wakes) = std::sync::mpsc::channel();
    let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(move || woken.send(()).unwrap()), gate: Arc::default() };
    let runner = Runner::spawn(move || Ok(Box::new(counter) as Box<dyn Source>), wish(Rate::Own, false), wiring).unwrap();
    let mut status = Status::default();
    // Looks only when it is woken, as the window does; the channel ends with the thread.
    while wakes.recv_timeout(Duration::from_secs(20)).is_ok() {
        runner.fetch(&mut status, Vec::new());
    }
    assert!(status.failed.is_some_and(|why| why.contains("fault")));
}

#[test]
fn the_first_frame_after_enter_has_the_new_prompt_and_none_is_put_off() {
    let counter = Counter::new(50);
    let begun = counter.begun.clone();
    let (runner, _drive) = start(counter, wish(Rate::Own, false));
    let enter = |word: u16| runner.wish(|wish| wish.prompt = Prompt { words: Arc::new([word]), ..Prompt::default() });
    let mut at_once = 0;
    for word in 1..=5 {
        enter(word);
        let first = lock(&begun).len();
        wait_until("two frames", || lock(&begun).len() >= first + 2);
        let begun = lock(&begun);
        assert_eq!(begun[first + 1].1, [word]);
        at_once += u32::from(begun[first].1 == [word]);
    }
    // A frame that begins in the very moment of Enter may have taken the prompt just before; not every time.
    assert!(at_once > 0, "each prompt comes a frame late");
    // Whoever enters one after another waits for frames no longer than others.
    let (mut word, due) = (5, lock(&begun).len() + 10);
    wait_until("ten frames", || {
        word += 1;
        enter(word);
        lock(&begun).len() >= due
    });
}

#[test]
fn a_prompt_entered_while_paused_is_in_the_next_step_and_not_before() {
    let counter = Counter::new(1000);
    let begun = counter.begun.clone();
    let (runner, _drive) = start(counter, wish(Rate::Own, true));
    runner.wish(|wish| wish.prompt = Prompt { words: Arc::new([7]), blend_frames: 3, said: 0 });
    runner.request(Request::Step);
    wait_for(&runner, "one step", |status, _, _| status.frames == 1);
    assert_eq!(lock(&begun).iter().map(|(_, words)| words.clone()).collect::<Vec<_>>(), [[7]]);
}

#[test]
fn wishes_while_it_opens_leave_room_for_requests_and_the_last_one_counts() {
    let counter = Counter::new(1000);
    let begun = counter.begun.clone();
    let (open, opened) = sync_channel::<()>(0);
    let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(|| {}), gate: Arc::default() };
    let source = move || {
        opened.recv().ok();
        Ok(Box::new(counter) as Box<dyn Source>)
    };
    let runner = Runner::spawn(source, wish(Rate::Own, true), wiring).unwrap();
    for word in 0..1000 {
        runner.wish(|wish| wish.prompt.words = Arc::new([word]));
    }
    runner.request(Request::Step);
    open.send(()).unwrap();
    wait_for(&runner, "the step", |status, _, notices| {
        assert_eq!(notices, [], "the request was dropped");
        status.frames == 1
    });
    assert_eq!(lock(&begun)[0].1, [999]);
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

#[test]
fn what_is_kept_is_the_newest_picture_and_the_moment_of_a_dream() {
    let (runner, _drive) = start(Counter::new(1000), wish(Rate::Own, true));
    assert!(kept(&runner).dream.is_none(), "a simulator has none");

    let (mut dream, settings) = dream();
    let before = dream.read_picture().unwrap();
    let (runner, _drive) = start(dream, PlayerWish { settings, ..wish(Rate::Own, true) });
    let first = kept(&runner);
    assert_eq!((first.rgba, first.size_px), (before.clone(), [35, 21]));
    let KeptDream { number, moment, .. } = first.dream.unwrap();
    assert_eq!((number, moment.history.len()), (1, 1));
    // Some steps on, it goes back there, under the words of then, which are wished for from now on.
    (0..3).for_each(|_| runner.request(Request::Step));
    wait_for(&runner, "three steps", |status, _, _| status.frames == 3);
    assert_ne!(kept(&runner).rgba, before);
    let saved = SavedDream::new(
        &random_pack(odd_manifest(), 5).unwrap(),
        moment,
        &DecodeSettings { seed: 7, ..settings },
        ("snow".to_owned(), vec![1]),
    );
    let resume = |saved: SavedDream, words: Vec<u16>, said: u32| {
        asked(&runner, |done| Request::Resume(Arc::new(saved), Prompt { words: words.into(), blend_frames: 0, said }, 7, done))
    };
    let went = |dream: u32, said: [u32; 2]| Ok(Went { dream, said });
    assert_eq!(resume(saved.clone(), vec![1], 1), went(2, [0, 1]));
    let back = kept(&runner);
    assert_eq!((&back.rgba, back.dream.unwrap().moment.history.len()), (&before, 1));
    let wish = runner.current_wish();
    assert_eq!((&*wish.prompt.words, wish.settings.seed), (&[1][..], 7));
    let prompt_of_frame = |number: u64| {
        runner.request(Request::Step);
        wait_for(&runner, "a step", |status, _, _| status.frames == number);
        kept(&runner).dream.unwrap().moment.history.pop().unwrap().prompt
    };
    assert_eq!(prompt_of_frame(4), [PromptWord::whole(1)]);
    // What is taken back is the dream before, under the words and the seed of then.
    let along = |request: fn(HandOver<Went>) -> Request| asked(&runner, request);
    let there = |words: &[u16], seed: u32| {
        let wish = runner.current_wish();
        assert_eq!((&*wish.prompt.words, wish.settings.seed), (words, seed));
    };
    assert_eq!(along(Request::Undo), went(1, [1, 0]));
    there(&[], settings.seed);
    assert_eq!(prompt_of_frame(5), []);
    // Done again, it is the other one once more, under its own.
    assert_eq!(along(Request::Redo), went(2, [0, 1]));
    there(&[1], 7);
    assert_eq!(along(Request::Undo), went(1, [1, 0]));
    there(&[], settings.seed);
    // The same after a new seed, which words outlast.
    runner.wish(|wish| (wish.settings.seed, wish.prompt.words) = (settings.seed + 9, vec![2].into()));
    runner.request(Request::Reset);
    assert_eq!(kept(&runner).dream.unwrap().number, 3);
    assert_eq!(along(Request::Undo), went(1, [0, 0]));
    there(&[2], settings.seed);
    // One that cannot be gone on with leaves everything as it is.
    let broken = SavedDream { moment: Moment { history: Vec::new(), ..saved.moment.clone() }, ..saved };
    assert!(resume(broken, vec![2], 2).is_err());
    assert_eq!((kept(&runner).dream.unwrap().number, &*runner.current_wish().prompt.words), (1, &[2][..]));
}

#[test]
fn words_that_were_said_by_hand_are_taken_back_with_all_they_did() {
    let (dream, settings) = dream();
    let (runner, _drive) = start(dream, PlayerWish { settings, ..wish(Rate::Own, true) });
    let step = |frames: u64| {
        runner.request(Request::Step);
        wait_for(&runner, "a step", |status, _, _| status.frames == frames);
        kept(&runner)
    };
    let say = |word: u16, said: u32| runner.wish(|wish| wish.prompt = Prompt { words: Arc::new([word]), said, ..Prompt::default() });
    let along = |request: fn(HandOver<Went>) -> Request| {
        let said = asked(&runner, request).map(|went| went.said);
        (said, kept(&runner).rgba, runner.current_wish().prompt.words.to_vec())
    };
    let silent = step(1).rgba;
    say(1, 1);
    let first = step(2).rgba;
    // What comes by itself is nothing to take back.
    say(2, 1);
    step(3);
    say(3, 2);
    let second = step(4).rgba;
    let (said, picture, words) = along(Request::Undo);
    assert_eq!((said, words), (Ok([2, 1]), vec![2]));
    assert!(picture != first && picture != second, "where the second was said");
    assert_eq!(along(Request::Undo), (Ok([1, 0]), silent.clone(), vec![]));
    assert_eq!(step(5).dream.unwrap().moment.history.pop().unwrap().prompt, [], "nothing is said there");
    assert!(along(Request::Undo).0.is_err());
    assert_eq!(along(Request::Redo).0, Ok([0, 1]));
    assert_eq!(along(Request::Redo), (Ok([1, 2]), second, vec![3]));
    // Another beginning is another thing to take back: what is said goes on to be said.
    runner.request(Request::Reset);
    kept(&runner);
    let (said, _, words) = along(Request::Undo);
    assert_eq!((said, words), (Ok([2, 2]), vec![3]));
    // A seed that is wished for is of what comes next, not of the dream in which words are taken back.
    runner.wish(|wish| wish.settings.seed = settings.seed + 9);
    assert_eq!(along(Request::Undo).0, Ok([2, 1]));
    assert_eq!(runner.current_wish().settings.seed, settings.seed + 9);
    runner.request(Request::Reset);
    assert_eq!(along(Request::Undo).0, Ok([1, 1]));
    assert_eq!(runner.current_wish().settings.seed, settings.seed);
}

#[test]
fn what_was_said_from_the_start_on_is_said_again() {
    let (mut dream, settings) = dream();
    dream.set_prompt(&[3], 0).unwrap();
    let told = Prompt { words: Arc::new([3]), ..Prompt::default() };
    let (runner, _drive) = start(dream, PlayerWish { settings, prompt: told, ..wish(Rate::Own, true) });
    // Before the first frame.
    runner.wish(|wish| wish.prompt = Prompt { words: Arc::new([1]), said: 1, ..Prompt::default() });
    runner.request(Request::Step);
    wait_for(&runner, "a step", |status, _, _| status.frames == 1);
    assert_eq!(asked(&runner, Request::Undo).unwrap().said, [1, 0]);
    assert_eq!(&*runner.current_wish().prompt.words, [3]);
    // Whoever comes next finds nothing to take back, or to do again.
    runner.request(Request::Forget);
    assert!(asked(&runner, Request::Redo).is_err() && asked(&runner, Request::Undo).is_err());
}

#[test]
fn every_engine_that_was_asked_for_counts_also_one_that_cannot_be_made() {
    let (dream, settings) = dream();
    let (runner, _drive) = start(dream, PlayerWish { settings, ..wish(Rate::Own, true) });
    let before = kept(&runner).rgba;
    runner.request(Request::ReplaceEngine(Box::new(|| Err(EngineError::DeviceLost("it went again".to_owned())))));
    wait_for(&runner, "what became of the first", |status, _, _| status.engine_number == 1 && status.device_lost);
    let fresh = || {
        let pack = random_pack(odd_manifest(), 5)?;
        Ok(Box::new(CpuEngine::new(&pack, CpuOptions::default())?) as Box<dyn Engine>)
    };
    runner.request(Request::ReplaceEngine(Box::new(fresh)));
    wait_for(&runner, "the second", |status, _, _| status.engine_number == 2 && !status.device_lost);
    assert_eq!(kept(&runner).rgba, before, "the dream is where it was");
    runner.request(Request::Step);
    wait_for(&runner, "a step", |status, _, _| status.frames == 1);
}

#[test]
fn what_cannot_be_opened_says_why() {
    let refused = |why: DreamError| {
        let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(|| {}), gate: Arc::default() };
        Runner::spawn(move || Err(why), wish(Rate::Own, false), wiring).unwrap()
    };
    let nowhere = refused(DreamError::NoWorld { name: "nowhere".to_owned() });
    wait_for(&nowhere, "the reason", |status, _, _| {
        let why = status.failed.as_deref().unwrap_or_default();
        why.contains("\"nowhere\"") && why.ends_with("there is: isles") && !status.device_lost
    });
    // Another device may open it.
    let lost = refused(DreamError::Engine(EngineError::DeviceLost("as the test has it".to_owned())));
    wait_for(&lost, "the loss", |status, _, _| status.failed.is_some() && status.device_lost && status.info.is_none());
}

#[test]
fn what_cannot_be_handed_over_says_why_in_a_way_that_can_be_told_apart() {
    let pack = random_pack(odd_manifest(), 5).unwrap();
    // Nowhere yet: no picture, no words.
    let nowhere = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
    let (runner, _drive) = start(nowhere, PlayerWish { settings: play_settings(&pack.manifest), ..wish(Rate::Own, true) });
    let (hand_over, outcome) = std::sync::mpsc::channel();
    runner.request(Request::Keep(Box::new(move |kept| hand_over.send(kept.map(drop)).unwrap())));
    let why = outcome.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(matches!(why, Err(DreamError::NothingDreamed)), "{why:?}");
}

/// A dream of random weights that came from its prompt, and its default settings.
fn dream() -> (DreamSession, DecodeSettings) {
    let pack = random_pack(odd_manifest(), 5).unwrap();
    let settings = play_settings(&pack.manifest);
    let mut session = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
    session.start_from_prompt(&settings).unwrap();
    (session, settings)
}

fn pictures(status: &Status) -> Option<Vec<Vec<u8>>> {
    let branches: Vec<_> = status.branches.iter().flatten().filter(|branch| branch.frames == status.frames).collect();
    (branches.len() == 3).then(|| branches.iter().map(|branch| branch.rgba.clone()).collect())
}

#[test]
fn paused_it_shows_what_every_code_does_next_and_then_does_it() {
    let (session, settings) = dream();
    let (runner, drive) = start(session, PlayerWish { settings, ..wish(Rate::Own, true) });
    std::thread::sleep(Duration::from_millis(50));
    wait_for(&runner, "the first picture", |status, _, _| {
        assert!(status.branches.is_empty(), "nobody asked");
        status.info.is_some()
    });
    runner.wish(|wish| wish.preview = true);
    let mut branches = Vec::new();
    for code in [1, 2, 0] {
        wait_for(&runner, "what comes next", |status, _, _| pictures(status).map(|seen| branches = seen).is_some());
        *lock(&drive) = Drive::Code(code);
        runner.request(Request::Step);
        wait_for(&runner, "the step", |_, picture, _| match picture {
            Some(Shown::Rgba(pixels)) => {
                assert!(*pixels == branches[usize::from(code)], "code {code} did something else than it would have");
                assert!(*pixels != branches[usize::from(code + 1) % 3], "codes do not matter");
                true
            }
            _ => false,
        });
    }
    // Other settings, another future; and no more once nobody asks.
    wait_for(&runner, "what comes next", |status, _, _| pictures(status).map(|seen| branches = seen).is_some());
    runner.wish(|wish| wish.settings.seed += 1);
    wait_for(&runner, "another future", |status, _, _| pictures(status).is_some_and(|seen| seen != branches));
    runner.wish(|wish| wish.preview = false);
    wait_for(&runner, "no future", |status, _, _| status.branches.is_empty());
}

#[test]
fn who_looks_inside_is_told_how_the_newest_frame_was_dreamed_and_nobody_else() {
    let ((session, settings), (mut twin, _)) = (dream(), dream());
    let (runner, drive) = start(session, PlayerWish { settings, ..wish(Rate::Own, true) });
    std::thread::sleep(Duration::from_millis(50));
    wait_for(&runner, "the first picture", |status, _, _| {
        assert!(status.account.is_none(), "nobody asked");
        status.info.is_some()
    });
    runner.wish(|wish| wish.account = true);
    let mut before = None;
    for code in [None, Some(1), Some(2)] {
        if let Some(code) = code {
            *lock(&drive) = Drive::Code(code);
            runner.request(Request::Step);
            twin.step(code, &settings).unwrap();
        }
        let expected = twin.account().unwrap().cloned();
        assert!(expected.is_some() && expected != before, "frames are dreamed differently");
        wait_for(&runner, "how it was dreamed", |status, _, _| status.account.as_deref() == expected.as_ref());
        before = expected;
    }
    runner.wish(|wish| wish.account = false);
    wait_for(&runner, "nothing more of it", |status, _, _| status.account.is_none());
}

#[test]
fn playing_it_looks_ahead_between_frames_and_keeps_the_beat() {
    let (session, settings) = dream();
    let (runner, _drive) = start(session, PlayerWish { settings, preview: true, ..wish(Rate::Hz(20.0), false) });
    wait_for(&runner, "what comes next", |status, _, _| pictures(status).is_some());
    let (mut begun, start) = (0, Instant::now());
    wait_for(&runner, "a moment", |status, _, _| {
        begun = status.frames;
        true
    });
    wait_for(&runner, "frames", |status, _, _| status.frames >= begun + 20);
    let took = start.elapsed();
    assert!((Duration::from_millis(850)..Duration::from_secs(2)).contains(&took), "20 frames at 20 Hz took {took:?}");
}

#[test]
fn who_sets_off_does_not_wait_for_the_beat_and_who_walks_does() {
    const BEAT: Duration = Duration::from_secs(1);
    let source = Counter::new(1);
    let begun = source.begun.clone();
    let (runner, drive) = start(source, wish(Rate::Own, false));
    wait_for(&runner, "standing", |status, _, _| status.frames == 1);
    *lock(&drive) = Drive::Intent(Intent::East);
    let pressed = Instant::now();
    runner.request(Request::SetOff);
    wait_for(&runner, "the first step", |status, _, _| status.frames == 2);
    runner.request(Request::SetOff);
    wait_for(&runner, "the second step", |status, _, _| status.frames == 3);
    let begun: Vec<Instant> = lock(&begun).iter().map(|(at, _)| *at).collect();
    assert!(begun[1] - pressed < BEAT / 2, "the first step began {:?} after the key", begun[1] - pressed);
    assert!(begun[2] - begun[1] > BEAT * 4 / 5, "the second began {:?} after the first", begun[2] - begun[1]);
}

#[test]
fn a_rate_that_is_no_number_is_the_packs_own() {
    let ms = Duration::from_millis;
    for no_rate in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(period(Rate::Hz(no_rate), 10), ms(100), "{no_rate}");
    }
    assert_eq!([Rate::Own, Rate::Hz(8.0), Rate::Hz(1e9), Rate::Max].map(|rate| period(rate, 10)), [ms(100), ms(125), ms(1), ms(0)]);
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
