//! The panel without a mouse.

use somnium::dream::{Drive, Intent, Source};

use crate::stage::Stage;
use crate::twin::{Twin, file, shipped_pack};

#[test]
fn keys_go_into_the_panel_and_back_and_letters_walk_meanwhile() {
    let mut twin = Twin::begun(&shipped_pack(), &file("assets/start/meadow.png"), 4);
    let [world, start] = ["weights/isles.safetensors", "assets/start/meadow.png"].map(|name| file(name).to_str().unwrap().to_owned());
    let mut stage = Stage::open(&[&world, "--engine", "cpu", "--no-glide", "--paused", "--seed", "4", "--image", &start]);
    twin.see(&mut stage, "the start");
    stage.xdotool(&["key", "F6"]);
    let size = twin.size;
    stage.wait_for("the panel", |s| s.picture(size).is_none().then_some(()));
    // On from "Pause" to "Step", which is pressed while one walks.
    stage.xdotool(&["keydown", "w", "key", "--delay", "100", "Tab", "space", "sleep", "0.2", "keyup", "w"]);
    twin.session.step(twin.session.info().code_of(Drive::Intent(Intent::North)), &twin.settings).unwrap();
    // That was all: Escape leads the keys back, and Tab hides the panel.
    stage.xdotool(&["key", "--delay", "100", "Escape", "Tab"]);
    twin.see(&mut stage, "one step");
}
