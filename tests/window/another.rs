//! Another world dropped on the window plays in place of the one before, beside a session in this process.

use std::path::Path;

use somnium::dream::session::DreamSession;
use somnium::dream::{Drive, Intent, Source, still};
use somnium::engine::DecodeSettings;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::inputs::play_settings;
use somnium::pack::Pack;
use somnium::pack::random::look_manifest;

use crate::by_hand::drop_file;
use crate::odd_pack;
use crate::stage::Stage;

#[test]
fn a_pack_dropped_on_the_window_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let (odd, odd_pack) = odd_pack(folder.path(), look_manifest());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let isles = root.join("weights/isles.safetensors");
    let begun = |pack: &Pack| {
        let frame = pack.manifest.frame;
        let meadow = still::load(&root.join("assets/start/meadow.png"), frame.width_px, frame.height_px).unwrap();
        let mut twin = DreamSession::new(Box::new(CpuEngine::new(pack, CpuOptions::default()).unwrap())).unwrap();
        twin.start_from(&meadow).unwrap();
        (twin, DecodeSettings { seed: 9, ..play_settings(&pack.manifest) })
    };
    let see = |stage: &mut Stage, twin: &mut DreamSession| {
        let size = (twin.info().width_px as u32, twin.info().height_px as u32);
        let expected: Vec<u8> = twin.read_picture().unwrap().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        stage.wait_for("the twin's picture", |s| s.picture(size).filter(|picture| *picture == expected));
    };
    let step = |stage: &mut Stage, twin: &mut DreamSession, settings: &DecodeSettings| {
        twin.step(twin.info().code_of(Drive::Intent(Intent::South)), settings).unwrap();
        stage.xdotool(&["keydown", "s", "key", "period", "sleep", "0.1", "keyup", "s"]);
        see(stage, twin);
    };
    let mut stage = Stage::open_logged(&[odd.to_str().unwrap(), "--engine", "cpu", "--paused", "--no-glide", "--seed", "9"]);
    let title = |stage: &Stage| String::from_utf8_lossy(&stage.tool("xdotool", &["getwindowname", &stage.window])).trim().to_owned();
    let (mut twin, settings) = begun(&odd_pack);
    see(&mut stage, &mut twin);
    // As many as make a dream worth keeping: what is listed of this world comes when the other one plays.
    (0..24).for_each(|_| step(&mut stage, &mut twin, &settings));
    assert_eq!(title(&stage), "Somnium: random look");

    // What is no pack is said, and nothing changes.
    let broken = folder.path().join("broken.safetensors");
    std::fs::write(&broken, "not a world").unwrap();
    drop_file(&stage, &broken);
    stage.wait_for("what is wrong with it", |s| s.said().contains("broken.safetensors").then_some(()));
    step(&mut stage, &mut twin, &settings);

    drop_file(&stage, &isles);
    let (mut twin, settings) = begun(&Pack::read(&isles).unwrap());
    see(&mut stage, &mut twin);
    step(&mut stage, &mut twin, &settings);
    assert_eq!(title(&stage), "Somnium: Isles");
    assert_eq!(stage.said().matches("the dream is kept in").count(), 1, "the one that was left");
    stage.xdotool(&["key", "ctrl+q"]);
    assert!(stage.ended().success());
}
