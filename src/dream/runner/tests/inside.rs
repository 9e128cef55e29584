//! What a look inside shows: what every code would do next, and how the newest frame was dreamed.

use super::*;

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
