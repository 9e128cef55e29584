//! Another world dropped on the window plays in place of the one before, beside a session in this process.

use somnium::dream::Intent;
use somnium::pack::random::look_manifest;

use crate::by_hand::drop_file;
use crate::odd_pack;
use crate::stage::Stage;
use crate::twin::{Twin, file, shipped_pack};

#[test]
fn a_pack_dropped_on_the_window_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let (odd, odd_pack) = odd_pack(folder.path(), look_manifest());
    let meadow = file("assets/start/meadow.png");
    let south = ("s", Intent::South);
    let mut stage = Stage::open_logged(&[odd.to_str().unwrap(), "--engine", "cpu", "--paused", "--no-glide", "--seed", "9"]);
    let title = |stage: &Stage| String::from_utf8_lossy(&stage.tool("xdotool", &["getwindowname", &stage.window])).trim().to_owned();
    let mut twin = Twin::begun(&odd_pack, &meadow, 9);
    twin.see(&mut stage, "the first world");
    // As many as make a dream worth keeping: what is listed of this world comes when the other one plays.
    (0..24).for_each(|_| twin.step(&mut stage, south));
    assert_eq!(title(&stage), "Somnium: random look");

    // What is no pack is said, and nothing changes.
    let broken = folder.path().join("broken.safetensors");
    std::fs::write(&broken, "not a world").unwrap();
    drop_file(&stage, &broken);
    stage.wait_for("what is wrong with it", |s| s.said().contains("broken.safetensors").then_some(()));
    twin.step(&mut stage, south);

    drop_file(&stage, &file("weights/isles.safetensors"));
    let mut twin = Twin::begun(&shipped_pack(), &meadow, 9);
    twin.see(&mut stage, "the other world");
    twin.step(&mut stage, south);
    assert_eq!(title(&stage), "Somnium: Isles");
    assert_eq!(stage.said().matches("the dream is kept in").count(), 1, "the one that was left");
    stage.xdotool(&["key", "ctrl+q"]);
    assert!(stage.ended().success());
}
