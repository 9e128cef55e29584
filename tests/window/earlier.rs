//! A dream is there again when the window opens anew, and in every picture that was saved of it: beside a session in this process that never stopped.

use somnium::dream::Intent;
use somnium::dream::saved::SavedDream;
use somnium::pack::Pack;

use crate::stage::Stage;
use crate::twin::{Twin, file, shipped_pack};

/// The shipped pack, standing still.
const ARGS: [&str; 4] = ["--engine", "cpu", "--paused", "--no-glide"];
/// As many steps as make a walk worth keeping.
const STEPS: usize = 24;
/// The first of the earlier dreams in the panel of a dream that began with a picture.
const FIRST: (i32, i32) = (569, 898);

const EAST: (&str, Intent) = ("d", Intent::East);

/// Files of dreams, and the dreams in them, by the number of their steps.
fn on_the_shelf(stage: &Stage, pack: &Pack) -> Vec<(usize, SavedDream)> {
    let files = std::fs::read_dir(stage.config.path().join("dreams")).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let saved = SavedDream::in_picture(&std::fs::read(path).unwrap(), pack).unwrap().expect("a dream");
        (saved.moment.history.iter().filter(|frame| frame.action != saved.moment.history[1].action).count(), saved)
    };
    let mut dreams: Vec<_> = files.filter(|path| path.extension().is_some_and(|ending| ending == "png")).map(read).collect();
    dreams.sort_by_key(|(steps, _)| *steps);
    dreams
}

#[test]
fn who_goes_back_and_takes_that_back_loses_neither_dream() {
    let (pack, meadow) = (shipped_pack(), file("assets/start/meadow.png"));
    // One dream under one seed, closed; another one under another.
    let first = [&ARGS[..], &["--seed", "3"]].concat();
    let (mut stage, mut first_dream) = (Stage::open_with_panel(&first), Twin::begun(&pack, &meadow, 3));
    first_dream.see(&mut stage, "the meadow");
    (0..STEPS).for_each(|_| first_dream.step(&mut stage, EAST));
    let second = [&ARGS[..], &["--seed", "4", "--panel"]].concat();
    stage = stage.close_and_open(&second);
    let mut second_dream = Twin::begun(&pack, &meadow, 4);
    second_dream.see(&mut stage, "the meadow again");
    (0..STEPS + 5).for_each(|_| second_dream.step(&mut stage, ("s", Intent::South)));

    // Back to the first, a step on there, and that is taken back.
    stage.xdotool(&["mousemove", &FIRST.0.to_string(), &FIRST.1.to_string(), "sleep", "0.3", "click", "1"]);
    first_dream.see(&mut stage, "the first dream");
    stage.wait_for("the dream left behind", |s| (on_the_shelf(s, &pack).len() == 2).then_some(()));
    first_dream.step(&mut stage, EAST);
    stage.xdotool(&["key", "ctrl+z"]);
    second_dream.see(&mut stage, "the second dream");
    // Done again and taken back again, each is where it was.
    stage.xdotool(&["key", "ctrl+y"]);
    first_dream.see(&mut stage, "the first dream, done again");
    stage.xdotool(&["key", "ctrl+z"]);
    second_dream.see(&mut stage, "the second dream once more");
    stage.terminate();
    assert!(stage.ended().success());
    let dreams = on_the_shelf(&stage, &pack);
    assert_eq!(dreams.iter().map(|(_, saved)| saved.moment.history.len()).collect::<Vec<_>>(), [8 + STEPS + 1, 8 + STEPS + 5]);
    for ((_, saved), twin) in dreams.iter().zip([&first_dream, &second_dream]) {
        assert!(saved.moment.history.iter().eq(twin.session.history()), "each in its own file");
        assert_eq!(saved.about.seed, twin.settings.seed);
    }
}

/// A key was pressed by accident: what it did is gone, and so is what it said.
#[test]
fn a_part_that_was_turned_is_taken_back_and_done_again() {
    let (mut stage, mut twin) = (Stage::open(&ARGS), Twin::begun(&shipped_pack(), &file("assets/start/meadow.png"), 1));
    twin.see(&mut stage, "the meadow");
    twin.step(&mut stage, EAST);
    let (size, before) = (twin.size, twin.picture());
    // The world stands still, and shows it all the same.
    stage.xdotool(&["key", "3"]);
    let weather = stage.wait_for("other weather", |s| s.picture(size).filter(|picture| *picture != before));
    // And another light. Both are taken back at once, however soon one is after the other.
    stage.xdotool(&["key", "2"]);
    stage.wait_for("another light", |s| s.picture(size).filter(|picture| *picture != weather));
    stage.xdotool(&["key", "ctrl+z", "ctrl+z"]);
    twin.see(&mut stage, "the weather before it");
    twin.step(&mut stage, EAST);
    stage.xdotool(&["key", "ctrl+y"]);
    stage.wait_for("the other weather again", |s| s.picture(size).filter(|picture| *picture == weather));
}

#[test]
fn a_dream_goes_on_where_it_was_left_and_from_its_pictures() {
    let (pack, meadow) = (shipped_pack(), file("assets/start/meadow.png"));
    let (mut stage, mut twin) = (Stage::open_logged(&ARGS), Twin::begun(&pack, &meadow, 1));
    twin.see(&mut stage, "the meadow");
    (0..STEPS).for_each(|_| twin.step(&mut stage, EAST));
    stage.xdotool(&["key", "F12"]);
    let saved = stage.wait_for("the picture in a file", |s| {
        let said = s.said();
        said.lines().find_map(|line| line.split_once("Saved ").map(|(_, path)| path.to_owned()))
    });

    // Closed and opened again it is where it was, and goes on as if it had never been away.
    stage = stage.close_and_open(&ARGS);
    twin.see(&mut stage, "where it was left");
    twin.step(&mut stage, EAST);
    twin.step(&mut stage, EAST);
    // So it is from the picture, which lies two steps back: they are walked a second time.
    stage = stage.close_and_open(&[&ARGS[..], &["--image", &saved]].concat());
    let at_the_end = twin.picture();
    twin.session.undo().unwrap_err();
    let moment = {
        let picture = std::fs::read(&saved).unwrap();
        SavedDream::in_picture(&picture, &pack).unwrap().expect("a dream").moment
    };
    twin.session.resume(moment, &[], &twin.settings).unwrap();
    twin.see(&mut stage, "two steps back");
    twin.step(&mut stage, EAST);
    twin.step(&mut stage, EAST);
    assert!(twin.picture() == at_the_end, "the same steps lead to the same place");

    // The control: whoever asks for a new dream begins in the meadow.
    stage = stage.close_and_open(&[&ARGS[..], &["--new"]].concat());
    Twin::begun(&pack, &meadow, 1).see(&mut stage, "the meadow");
}
