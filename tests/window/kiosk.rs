//! A kiosk: no key of a visitor ends it.

use std::time::Duration;

use crate::stage::Stage;

#[test]
fn only_who_knows_the_key_ends_a_kiosk() {
    let mut stage = Stage::open_logged(&["world", "isles", "--kiosk", "--seed", "5"]);
    let size = (144, 112);
    stage.wait_for("the first frame", |s| s.picture(size));
    // What ends other windows: their key, and whoever manages windows.
    stage.xdotool(&["key", "ctrl+q"]);
    stage.ask_to_close();
    stage.wait_for("that it stays open is said", |s| s.said().contains("a kiosk stays open").then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    assert!(stage.is_running());
    stage.xdotool(&["key", "ctrl+shift+q"]);
    assert!(stage.ended().success());
    // The control: without it, the same keys end the game.
    let mut stage = Stage::open_logged(&["world", "isles", "--seed", "5"]);
    stage.wait_for("the first frame", |s| s.picture(size));
    stage.xdotool(&["key", "ctrl+q"]);
    assert!(stage.ended().success());
    let mut stage = Stage::open_logged(&["world", "isles", "--seed", "5"]);
    stage.wait_for("the first frame", |s| s.picture(size));
    stage.ask_to_close();
    assert!(stage.ended().success());
}
