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
/// The first of the earlier dreams in the panel of a dream that began with a picture.
const FIRST: (i32, i32) = (569, 872);

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

    fn step(&mut self, (key, intent): (&str, Intent)) {
        let code = self.twin.info().code_of(Drive::Intent(intent));
        self.twin.step(code, &self.settings).unwrap();
        self.stage.xdotool(&["keydown", key, "key", "period", "sleep", "0.05", "keyup", key]);
        self.agree();
    }

    fn step_east(&mut self) {
        self.step(("d", Intent::East));
    }
}

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pack = Pack::read(&root.join("weights/isles.safetensors")).unwrap();
    let frame = pack.manifest.frame;
    let meadow = still::load(&root.join("assets/start/meadow.png"), frame.width_px, frame.height_px).unwrap();
    let settings = |seed: u32| DecodeSettings { seed, ..play_settings(&pack.manifest) };
    let begun = || {
        let mut twin = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
        twin.start_from(&meadow).unwrap();
        twin
    };
    // One dream under one seed, closed; another one under another.
    let first = [&ARGS[..], &["--seed", "3"]].concat();
    let mut pair = Pair { stage: Stage::open_with_panel(&first), twin: begun(), settings: settings(3) };
    pair.agree();
    (0..STEPS).for_each(|_| pair.step_east());
    let second = [&ARGS[..], &["--seed", "4", "--panel"]].concat();
    pair.stage = pair.stage.close_and_open(&second);
    let mut other = std::mem::replace(&mut pair.twin, begun());
    pair.settings = settings(4);
    pair.agree();
    (0..STEPS + 5).for_each(|_| pair.step(("s", Intent::South)));

    // Back to the first, a step on there, and that is taken back.
    pair.stage.xdotool(&["mousemove", &FIRST.0.to_string(), &FIRST.1.to_string(), "sleep", "0.3", "click", "1"]);
    std::mem::swap(&mut pair.twin, &mut other);
    pair.agree();
    pair.settings = settings(3);
    pair.stage.wait_for("the dream left behind", |s| (on_the_shelf(s, &pack).len() == 2).then_some(()));
    pair.step_east();
    pair.stage.xdotool(&["key", "ctrl+z"]);
    std::mem::swap(&mut pair.twin, &mut other);
    pair.agree();
    pair.stage.terminate();
    assert!(pair.stage.ended().success());
    let dreams = on_the_shelf(&pair.stage, &pack);
    assert_eq!(dreams.iter().map(|(_, saved)| saved.moment.history.len()).collect::<Vec<_>>(), [8 + STEPS + 1, 8 + STEPS + 5]);
    for ((_, saved), (twin, seed)) in dreams.iter().zip([(&other, 3), (&pair.twin, 4)]) {
        assert!(saved.moment.history.iter().eq(twin.history()), "each in its own file");
        assert_eq!(saved.about.seed, seed);
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
