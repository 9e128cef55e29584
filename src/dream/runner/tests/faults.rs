//! What goes wrong: it is told, and the game goes on where it can.

use super::*;

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
