//! A dream is there again when the window opens anew, and in every picture that was saved of it: beside a session in this process that never stopped.

use std::path::Path;

use somnium::dream::saved::SavedDream;
use somnium::dream::session::DreamSession;
use somnium::dream::{Drive, Intent, Source, still};
use somnium::engine::DecodeSettings;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::inputs::play_settings;
use somnium::pack::Pack;

use crate::stage::Stage;

/// The shipped pack, standing still.
const ARGS: [&str; 4] = ["--engine", "cpu", "--paused", "--no-glide"];
/// As many steps as make a walk worth keeping.
const STEPS: usize = 24;

struct Pair {
    stage: Stage,
    twin: DreamSession,
    settings: DecodeSettings,
}

impl Pair {
    fn agree(&mut self) {
        let info = self.twin.info();
        let size = (info.width_px as u32, info.height_px as u32);
        let expected: Vec<u8> = self.twin.read_picture().unwrap().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        self.stage.wait_for("the twin's picture", |s| s.picture(size).filter(|picture| *picture == expected));
    }

    fn step_east(&mut self) {
        let code = self.twin.info().code_of(Drive::Intent(Intent::East));
        self.twin.step(code, &self.settings).unwrap();
        self.stage.xdotool(&["keydown", "d", "key", "period", "sleep", "0.05", "keyup", "d"]);
        self.agree();
    }
}

#[test]
fn a_dream_goes_on_where_it_was_left_and_from_its_pictures() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pack = Pack::read(&root.join("weights/isles.safetensors")).unwrap();
    let frame = pack.manifest.frame;
    let meadow = still::load(&root.join("assets/start/meadow.png"), frame.width_px, frame.height_px).unwrap();
    let settings = DecodeSettings { seed: 1, ..play_settings(&pack.manifest) };
    let mut twin = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
    twin.start_from(&meadow).unwrap();
    let mut pair = Pair { stage: Stage::open_logged(&ARGS), twin, settings };
    pair.agree();
    (0..STEPS).for_each(|_| pair.step_east());
    pair.stage.xdotool(&["key", "F12"]);
    let saved = pair.stage.wait_for("the picture in a file", |s| {
        let said = s.said();
        said.lines().find_map(|line| line.split_once("Saved ").map(|(_, path)| path.to_owned()))
    });

    // Closed and opened again it is where it was, and goes on as if it had never been away.
    pair.stage = pair.stage.close_and_open(&ARGS);
    pair.agree();
    pair.step_east();
    pair.step_east();
    // So it is from the picture, which lies two steps back: they are walked a second time.
    let image = [&ARGS[..], &["--image", &saved]].concat();
    pair.stage = pair.stage.close_and_open(&image);
    let at_the_end = pair.twin.read_picture().unwrap();
    pair.twin.undo().unwrap_err();
    let moment = {
        let picture = std::fs::read(&saved).unwrap();
        SavedDream::in_picture(&picture, &pack).unwrap().expect("a dream").moment
    };
    pair.twin.resume(moment, &[]).unwrap();
    pair.agree();
    pair.step_east();
    pair.step_east();
    assert!(pair.twin.read_picture().unwrap() == at_the_end, "the same steps lead to the same place");

    // The control: whoever asks for a new dream begins in the meadow.
    pair.stage = pair.stage.close_and_open(&[&ARGS[..], &["--new"]].concat());
    pair.twin.start_from(&meadow).unwrap();
    pair.agree();
}
