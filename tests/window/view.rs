//! The window opens as it was left.

use crate::stage::Stage;

/// Silent: who hears it for the first time is told of it, and that is kept.
const ARGS: [&str; 6] = ["world", "isles", "--seed", "5", "--volume", "0"];
const FRAME: (u32, u32) = (144, 112);

fn kept(stage: &Stage) -> String {
    std::fs::read_to_string(stage.config.path().join("window.toml")).unwrap_or_default()
}

/// Waits until a picture was drawn, and says whether it fills the place it has without a panel.
fn is_whole(stage: &mut Stage) -> bool {
    stage.wait_for("the first frame", |s| s.said().contains("first frame on screen").then_some(()));
    std::thread::sleep(std::time::Duration::from_millis(400));
    stage.picture(FRAME).is_some()
}

#[test]
fn the_panel_is_there_where_it_was_left_open_and_only_then() {
    let mut stage = Stage::open_logged(&ARGS);
    assert!(is_whole(&mut stage));
    // What is asked for counts for once.
    stage = stage.close_and_open(&[&ARGS[..], &["--panel", "--no-glide"]].concat());
    assert!(!is_whole(&mut stage));
    stage = stage.close_and_open(&ARGS);
    assert!(is_whole(&mut stage) && kept(&stage).is_empty(), "{}", kept(&stage));
    stage.xdotool(&["key", "Tab"]);
    stage.wait_for("the panel", |s| s.picture(FRAME).is_none().then_some(()));
    stage = stage.close_and_open(&ARGS);
    assert!(!is_whole(&mut stage), "the panel was left open");
    assert!(kept(&stage).contains("panel = true") && kept(&stage).contains("glide = true"), "{}", kept(&stage));
    stage.xdotool(&["key", "Tab"]);
    stage.wait_for("the whole picture", |s| s.picture(FRAME));
    stage = stage.close_and_open(&ARGS);
    assert!(is_whole(&mut stage) && kept(&stage).contains("panel = false"), "{}", kept(&stage));
}

#[test]
fn the_window_is_as_large_as_it_was_left_unless_another_size_is_asked_for() {
    let mut stage = Stage::open_logged(&ARGS);
    is_whole(&mut stage);
    let asked = stage.window_size();
    stage = stage.close_and_open_as_left(&ARGS);
    is_whole(&mut stage);
    assert_ne!(stage.window_size(), asked, "what was asked for counted for once");
    stage.xdotool(&["windowsize", "--sync", &stage.window, "640", "420"]);
    stage = stage.close_and_open_as_left(&ARGS);
    is_whole(&mut stage);
    assert_eq!(stage.window_size(), (640, 420));
    stage = stage.close_and_open(&ARGS);
    is_whole(&mut stage);
    assert_eq!(stage.window_size(), asked);
}

#[test]
fn a_display_that_is_not_there_is_named_and_the_window_opens_all_the_same() {
    let mut stage = Stage::open_logged(&[&ARGS[..], &["--display", "7"]].concat());
    stage.wait_for("what there is", |s| s.said().contains("There is no display 7: the system lists 1 display").then_some(()));
    stage.wait_for("the first frame", |s| s.said().contains("first frame on screen").then_some(()));
    // The control: of the one that is there nothing is said, and the picture fills it.
    stage = stage.close_and_open(&[&ARGS[..], &["--display", "1", "--fullscreen"]].concat());
    assert!(is_whole(&mut stage) && !stage.said().contains("There is no display"), "{}", stage.said());
}
