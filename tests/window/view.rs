//! The window opens as it was left.

use crate::stage::Stage;

#[test]
fn the_panel_is_there_where_it_was_left_open_and_only_then() {
    let args = ["world", "isles", "--seed", "5"];
    let kept = |stage: &Stage| std::fs::read_to_string(stage.config.path().join("window.toml")).unwrap_or_default();
    let mut stage = Stage::open_logged(&args);
    let frame = (144, 112);
    let whole = stage.wait_for("the first frame", |s| s.picture(frame)).len();
    // What is asked for counts for once.
    stage = stage.close_and_open(&[&args[..], &["--panel", "--no-glide"]].concat());
    assert_eq!(kept(&stage), "");
    stage.wait_for("the panel over the picture's place", |s| s.picture(frame).is_none().then_some(()));
    stage = stage.close_and_open(&args);
    assert_eq!(kept(&stage), "");
    assert_eq!(stage.wait_for("the whole picture", |s| s.picture(frame)).len(), whole);
    stage.xdotool(&["key", "Tab"]);
    stage.wait_for("the panel", |s| s.picture(frame).is_none().then_some(()));
    stage = stage.close_and_open(&args);
    assert!(kept(&stage).contains("panel = true") && kept(&stage).contains("glide = true"), "{}", kept(&stage));
    stage.wait_for("the panel again", |s| s.picture(frame).is_none().then_some(()));
    std::thread::sleep(std::time::Duration::from_millis(500));
    stage.xdotool(&["key", "Tab"]);
    stage.wait_for("the whole picture", |s| s.picture(frame));
    stage.xdotool(&["key", "ctrl+q"]);
    assert!(stage.ended().success());
    assert!(kept(&stage).contains("panel = false"), "{}", kept(&stage));
}
