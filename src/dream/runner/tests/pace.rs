//! When frames are made: evenly, one at a time, or at once.

use super::*;
use crate::dream::runner::worker::next_due;

#[test]
fn the_beat_stays_even_after_a_short_delay_and_starts_anew_after_a_long_one() {
    let start = Instant::now();
    let period = Duration::from_millis(100);
    let ms = Duration::from_millis;
    assert_eq!(next_due(start, start + ms(30), period), start + ms(100));
    assert_eq!(next_due(start, start + ms(150), period), start + ms(100), "caught up");
    assert_eq!(next_due(start, start + ms(900), period), start + ms(900), "no race after a pause");
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
fn the_rate_is_kept_and_can_change() {
    let (runner, _drive) = start(Counter::new(50), wish(Rate::Own, false));
    let start = Instant::now();
    wait_for(&runner, "frames at the own rate", |status, _, _| status.frames >= 20);
    assert!(start.elapsed() > Duration::from_millis(330), "20 frames at 50 Hz took only {:?}", start.elapsed());
    runner.wish(|wish| wish.rate = Rate::Max);
    wait_for(&runner, "frames without a limit", |status, _, _| status.frames > 1000);
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
