//! The real window under a virtual display, played with real key events. What is on the screen is compared, pixel by pixel, with what
//! the simulator draws for the same walk.

#![cfg(all(target_os = "linux", feature = "player"))]

mod another;
mod by_hand;
mod by_keys;
mod clipboard;
mod earlier;
mod kiosk;
mod map;
mod neighbour;
mod prompts;
mod stage;
mod twin;
mod view;
mod wakes;
mod within;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use somnium::dream::session::DreamSession;
use somnium::dream::still::Still;
use somnium::dream::{Drive, Intent, Source};
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::inputs::play_settings;
use somnium::engine::{DecodeSettings, Engine};
use somnium::pack::Pack;
use somnium::pack::manifest::{LatentAction, Manifest};
use somnium::pack::random::{odd_manifest, random_pack};
use somnium::worlds::{self, World};

use stage::Stage;

/// Where the prompt field is in a window of this size with the panel open.
const PROMPT_FIELD: (&str, &str) = ("640", "190");
fn draw(world: &dyn World) -> Vec<u8> {
    let mut rgb = vec![0; world.info().width_px * world.info().height_px * 3];
    world.render(&mut rgb);
    rgb
}

fn action(world: &dyn World, name: &str) -> usize {
    world.info().actions.iter().position(|a| *a == name).unwrap()
}

/// Pictures of a walk straight on: standing and walking at each step, with the step's number.
fn walk(world: &dyn World, name: &str, steps: usize) -> Vec<(usize, Vec<u8>)> {
    let mut world = world.boxed_clone();
    let (go, stay) = (action(world.as_ref(), name), action(world.as_ref(), "stay"));
    let mut pictures = vec![(0, draw(world.as_ref()))];
    for step in 1..=steps {
        world.step(go);
        pictures.push((step, draw(world.as_ref())));
        let mut standing = world.boxed_clone();
        standing.step(stay);
        pictures.push((step, draw(standing.as_ref())));
    }
    pictures
}

/// Free steps from the start in a direction.
fn free_steps(world: &dyn World, name: &str, most: usize) -> usize {
    let mut world = world.boxed_clone();
    let go = action(world.as_ref(), name);
    (0..most).take_while(|_| world.step(go).moved).count()
}

/// Share of equal pixels between `before`, shifted by (dx, dy), and `after`.
fn agreement(before: &[u8], after: &[u8], (w, h): (u32, u32), dx: i64, dy: i64) -> f64 {
    let (mut same, mut all) = (0, 0);
    for y in 0..i64::from(h) {
        for x in 0..i64::from(w) {
            let (bx, by) = (x - dx, y - dy);
            if (0..i64::from(w)).contains(&bx) && (0..i64::from(h)).contains(&by) {
                let (a, b) = (((y * i64::from(w) + x) * 3) as usize, ((by * i64::from(w) + bx) * 3) as usize);
                all += 1;
                same += usize::from(after[a..a + 3] == before[b..b + 3]);
            }
        }
    }
    same as f64 / f64::from(all.max(1))
}

/// By how many pixels the content went right and down.
fn shift(before: &[u8], after: &[u8], size: (u32, u32)) -> (i64, i64) {
    let along = (-96..=96).flat_map(|d| [(d, 0), (0, d)]);
    along.max_by(|a, b| agreement(before, after, size, a.0, a.1).total_cmp(&agreement(before, after, size, b.0, b.1))).unwrap()
}

const FAR: usize = 20;

/// A seed with clear weather and free ways to the east and to the north: there every pixel is known.
fn quiet_place() -> (u32, Box<dyn World>) {
    let mut world = worlds::by_name("isles").expect("isles is a world");
    for seed in 0..5000 {
        world.hold_ambience(true);
        world.reset(u64::from(seed));
        let clear = world.scene().weather == worlds::scene::Weather::Clear;
        if clear && free_steps(world.as_ref(), "east", FAR) == FAR && free_steps(world.as_ref(), "north", FAR) == FAR {
            return (seed, world);
        }
    }
    panic!("no seed has a free way to the east and to the north");
}

#[test]
fn keys_move_the_world_on_the_screen() {
    let (seed, world) = quiet_place();
    let size = (world.info().width_px as u32, world.info().height_px as u32);
    let mut stage = Stage::open(&["world", "isles", "--hold-ambience", "--no-glide", "--seed", &seed.to_string()]);

    // The first picture is the simulator's, byte for byte.
    let start = draw(world.as_ref());
    let at_start = |stage: &mut Stage| stage.wait_for("the start of the walk on the screen", |s| s.picture(size).filter(|p| *p == start));
    at_start(&mut stage);

    // A key nobody bound changes nothing.
    stage.xdotool(&["keydown", "j"]);
    std::thread::sleep(Duration::from_millis(600));
    assert!(stage.picture(size).as_ref() == Some(&start), "an unbound key changed the picture");
    stage.xdotool(&["keyup", "j"]);

    for (key, name, towards) in [("d", "east", (-1, 0)), ("w", "north", (0, 1)), ("Up", "north", (0, 1))] {
        stage.xdotool(&["key", "r"]);
        at_start(&mut stage);
        let known = walk(world.as_ref(), name, FAR);
        let step_of = |picture: &[u8]| known.iter().find(|(_, p)| p == picture).map(|(step, _)| *step);

        // Held, it moves the content within a second, the right way.
        stage.xdotool(&["keydown", key]);
        let pressed = Instant::now();
        let (moved, seen_after) = stage.wait_for(&format!("movement under {key}"), |s| {
            let seen_after = pressed.elapsed();
            s.picture(size).filter(|p| *p != start).map(|p| (p, seen_after))
        });
        assert!(seen_after < Duration::from_secs(1), "{key} moved the picture only after {seen_after:?}");
        let (dx, dy) = shift(&start, &moved, size);
        assert_eq!((dx.signum(), dy.signum()), towards, "{key} moved the content by ({dx}, {dy})");
        let first = step_of(&moved).unwrap_or_else(|| panic!("what is on the screen under {key} is not what the simulator draws"));
        let later = stage.wait_for("more of the walk", |s| s.picture(size).and_then(|p| step_of(&p)).filter(|&step| step > first + 2));
        assert!(later < FAR, "the walk went past what the test knows");

        // Released, it stops, and stays where it stopped.
        stage.xdotool(&["keyup", key]);
        std::thread::sleep(Duration::from_millis(500));
        let stopped = stage.picture(size);
        std::thread::sleep(Duration::from_millis(500));
        assert!(stage.picture(size) == stopped, "{key} was released and the world still moves");
        assert!(stopped.and_then(|p| step_of(&p)).is_some_and(|step| step >= later), "the stopped picture is not the simulator's");
    }
}

#[test]
fn a_tap_is_one_step_and_lost_focus_releases_the_keys() {
    let (seed, world) = quiet_place();
    let size = (world.info().width_px as u32, world.info().height_px as u32);
    let mut stage = Stage::open(&["world", "isles", "--hold-ambience", "--no-glide", "--seed", &seed.to_string()]);
    let known = walk(world.as_ref(), "east", FAR);
    let step_of = |picture: &[u8]| known.iter().find(|(_, p)| p == picture).map(|(step, _)| *step);
    stage.wait_for("the start", |s| s.picture(size).filter(|p| *p == known[0].1));

    // Far shorter than a frame: it counts, and counts once.
    stage.xdotool(&["key", "--delay", "1", "d"]);
    stage.wait_for("the step of a tap", |s| s.picture(size).and_then(|p| step_of(&p)).filter(|&step| step == 1));
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(stage.picture(size).and_then(|p| step_of(&p)), Some(1), "a tap is one step");
    // In a world that stands still it is none, also once that goes on.
    stage.xdotool(&["key", "p", "sleep", "0.3", "key", "--delay", "1", "d", "sleep", "0.3", "key", "p"]);
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(stage.picture(size).and_then(|p| step_of(&p)), Some(1), "a tap while paused became a step");

    stage.xdotool(&["keydown", "d"]);
    stage.wait_for("the walk", |s| s.picture(size).and_then(|p| step_of(&p)).filter(|&step| step > 2));
    // Focus goes to the root window; the key stays down.
    let root = String::from_utf8_lossy(&stage.tool("xdotool", &["search", "--maxdepth", "0", ".*"])).trim().to_owned();
    stage.xdotool(&["windowfocus", &root]);
    std::thread::sleep(Duration::from_millis(500));
    let stopped = stage.picture(size);
    std::thread::sleep(Duration::from_millis(500));
    assert!(stage.picture(size) == stopped, "the window lost the focus and the world still moves");
    stage.xdotool(&["keyup", "d"]);
}

/// Between two steps the window shows both pictures joined, by whole window pixels, under a figure that stays in the middle.
#[test]
fn the_view_glides_from_step_to_step() {
    const TILE: u32 = 16;
    let (seed, mut world) = quiet_place();
    let size = (world.info().width_px as u32, world.info().height_px as u32);
    let east = action(world.as_ref(), "east");
    let before = draw(world.as_ref());
    world.step(east);
    let after = draw(world.as_ref());
    // Slow, so that it can be watched.
    let mut stage = Stage::open(&["world", "isles", "--hold-ambience", "--rate", "0.5", "--seed", &seed.to_string()]);
    stage.wait_for("the start", |s| s.picture(size).filter(|p| *p == before));

    let rect = stage.picture_rect(size);
    let scale = rect.width / size.0;
    let pixel = |picture: &[u8], x: u32, y: u32| -> [u8; 3] {
        let at = ((y * size.0 + x) * 3) as usize;
        [picture[at], picture[at + 1], picture[at + 2]]
    };
    let (left, top) = (size.0 / TILE / 2 * TILE, size.1 / TILE / 2 * TILE);
    let land = |x: u32, y: u32| if x < size.0 { pixel(&before, x, y) } else { pixel(&after, x - TILE, y) };
    let is_figure = |x: u32, y: u32| pixel(&after, x, y).iter().zip(land(x + TILE, y)).any(|(a, b)| a.abs_diff(b) > 26);
    let shown = |screen: &[u8], width: u32, x: u32, y: u32| -> [u8; 3] {
        let at = (((rect.y + y * scale) * width + rect.x + x) * 3) as usize;
        [screen[at], screen[at + 1], screen[at + 2]]
    };
    // Window pixels that the view has gone, where all rows above and below the figure say the same.
    let gone = |screen: &[u8], width: u32| {
        let rows = || (0..size.1).filter(|y| !(top..top + TILE).contains(y));
        (0..=TILE * scale).find(|gone| rows().all(|y| (0..rect.width).all(|x| shown(screen, width, x, y) == land((x + gone) / scale, y))))
    };
    assert_eq!(gone(&stage.capture(), stage.size.0), Some(0));
    stage.xdotool(&["key", "--delay", "1", "d"]);
    let mut between = Vec::new();
    stage.wait_for("the step, glided", |s| {
        let screen = s.capture();
        let gone = gone(&screen, s.size.0).expect("land of both pictures, joined");
        if gone > 0 && gone < TILE * scale {
            between.push(gone);
            for (x, y) in (top..top + TILE).flat_map(|y| (left..left + TILE).map(move |x| (x, y))).filter(|(x, y)| is_figure(*x, *y)) {
                assert_eq!(
                    shown(&screen, s.size.0, x * scale, y),
                    pixel(&after, x, y),
                    "the figure at ({x}, {y}), {gone} pixels on the way"
                );
            }
        }
        (gone == TILE * scale).then_some(())
    });
    assert!(!between.is_empty() && between.is_sorted(), "seen on the way: {between:?}");
    // Standing again, it is the simulator's picture, byte for byte.
    world.step(action(world.as_ref(), "stay"));
    let standing = draw(world.as_ref());
    stage.wait_for("the step", |s| s.picture(size).filter(|p| *p == standing));
}

/// A small pack of random weights whose codes are bound to all five intents.
fn odd_pack(folder: &Path, mut manifest: Manifest) -> (PathBuf, Pack) {
    let dynamics = manifest.dynamics.as_mut().unwrap();
    dynamics.actions = 5;
    manifest.lam = None;
    manifest.actions = Intent::ALL
        .iter()
        .map(|intent| LatentAction {
            name: intent.name().to_owned(),
            share: 0.2,
            purity_moved: 1.0,
            purity_blocked: 1.0,
            bound_to: vec![intent.name().to_owned()],
            motion: [0, 0],
        })
        .collect();
    let pack = random_pack(manifest, 11).unwrap();
    let path = folder.join("odd.safetensors");
    pack.write(&path).unwrap();
    (path, pack)
}

/// The dream itself, step by step, so that chance and time play no part: every pixel of the window is what the engine dreams in this
/// process under the codes that the keys are bound to. A bindings file that makes no sense does not stand in the way.
#[test]
fn keys_steer_the_dream_through_their_codes() {
    let folder = tempfile::tempdir().unwrap();
    let (path, pack) = odd_pack(folder.path(), odd_manifest());
    let frame = pack.manifest.frame;
    let size = (frame.width_px as u32, frame.height_px as u32);
    let image = folder.path().join("start.png");
    let start = image::RgbImage::from_fn(size.0, size.1, |x, y| image::Rgb([(x * 7) as u8, (y * 11) as u8, 90]));
    start.save(&image).unwrap();

    let engine = CpuEngine::new(&pack, CpuOptions::default()).unwrap();
    let mut twin = DreamSession::new(Box::new(engine)).unwrap();
    twin.start_from(&[Still { rgb: start.into_raw() }]).unwrap();
    let settings = DecodeSettings { seed: 4, ..play_settings(&pack.manifest) };
    let rgb = |rgba: Vec<u8>| -> Vec<u8> { rgba.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect() };

    let args = [path.to_str().unwrap(), "--engine", "cpu", "--paused", "--seed", "4", "--image", image.to_str().unwrap()];
    let mut stage = Stage::open_with(&args, Some("[keys]\nKeyNowhere = \"north\"\n"));
    for (key, intent) in [(None, Intent::Stay), (Some("d"), Intent::East), (Some("w"), Intent::North), (None, Intent::Stay)] {
        // What each other intent would have led to, as a control: the code must matter.
        let before = twin.history().iter().cloned().collect::<Vec<_>>();
        let dreamed = before.len() - pack.manifest.dynamics.as_ref().unwrap().window;
        let code = twin.info().code_of(Drive::Intent(intent));
        twin.step(code, &settings).unwrap();
        let expected = rgb(twin.read_picture().unwrap());
        let other = {
            let mut engine = CpuEngine::new(&pack, CpuOptions::default()).unwrap();
            engine.restore(&before, dreamed as u32).unwrap();
            engine.dream((code + 1) % 5, &settings).unwrap();
            rgb(engine.read_picture().unwrap())
        };
        assert_ne!(other, expected, "the codes of this pack make no difference: the test would prove nothing");

        if let Some(key) = key {
            stage.xdotool(&["keydown", key]);
        }
        stage.xdotool(&["key", "period"]);
        stage.wait_for(&format!("the dreamed frame under {}", intent.name()), |s| s.picture(size).filter(|p| *p == expected));
        if let Some(key) = key {
            stage.xdotool(&["keyup", key]);
        }
    }
}

/// By how many pixels dreamed content went right and down, in steps of the world: where the pictures differ least, the figure left out.
fn dreamed_shift(before: &[u8], after: &[u8], (w, h): (u32, u32), step: i64) -> (i64, i64) {
    let (w, h) = (i64::from(w), i64::from(h));
    let figure = |x: i64, y: i64| (x - w / 2).abs() < step && (y - h / 2).abs() < step;
    let difference = |(dx, dy): (i64, i64)| -> f64 {
        let (mut sum, mut count) = (0, 0);
        for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
            let (bx, by) = (x - dx, y - dy);
            if (0..w).contains(&bx) && (0..h).contains(&by) && !figure(x, y) && !figure(bx, by) {
                let (a, b) = (((y * w + x) * 3) as usize, ((by * w + bx) * 3) as usize);
                sum += (0..3).map(|i| u64::from(after[a + i].abs_diff(before[b + i]))).sum::<u64>();
                count += 1;
            }
        }
        sum as f64 / f64::from(count.max(1))
    };
    // Dreamed ground flickers while it stands: a shift must explain clearly more than standing does.
    let along = (1..=4).flat_map(|n| [(n * step, 0), (-n * step, 0), (0, n * step), (0, -n * step)]);
    let standing = ((0, 0), 0.75 * difference((0, 0)));
    along.map(|d| (d, difference(d))).fold(standing, |best, new| if new.1 < best.1 { new } else { best }).0
}

/// The shipped world on the screen, awake and in real time. Chance plays a part in a dream, so movement is asked for as often as the
/// figures on the pack's card promise it, and standing wherever nothing asks for movement.
#[test]
fn keys_walk_the_shipped_dream() {
    const STEP_PX: i64 = 16;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (path, start) = (here.join("weights/isles.safetensors"), here.join("assets/start/meadow.png"));
    let frame = Pack::read(&path).unwrap().manifest.frame;
    let size = (frame.width_px as u32, frame.height_px as u32);
    let args = [path.to_str().unwrap(), "--engine", "cpu", "--no-glide", "--seed", "4", "--image", start.to_str().unwrap()];
    let mut stage = Stage::open(&args);

    // Shifts seen on the screen while `seconds` go by after a key does something, each with the time since then.
    let watch = |stage: &mut Stage, keys: &[&str], seconds: f32| -> Vec<(Duration, (i64, i64))> {
        // Who sets off does so at once: what was on the screen before counts.
        let mut last = stage.wait_for("a dreamed picture", |s| s.picture(size));
        if !keys.is_empty() {
            stage.xdotool(keys);
        }
        let (began, mut shifts) = (Instant::now(), Vec::new());
        while began.elapsed().as_secs_f32() < seconds {
            let at = began.elapsed();
            let next = stage.wait_for("a dreamed picture", |s| s.picture(size));
            shifts.push((at, dreamed_shift(&last, &next, size, STEP_PX)));
            last = next;
        }
        shifts
    };
    let moved = |shifts: &[(Duration, (i64, i64))]| shifts.iter().filter(|(_, shift)| *shift != (0, 0)).count();

    let shifts = watch(&mut stage, &["keydown", "j"], 1.0);
    assert_eq!(moved(&shifts), 0, "an unbound key moved the dream: {shifts:?}");
    stage.xdotool(&["keyup", "j"]);

    // A dream may put a tree in the way: three walks a key, of which two must begin within a second.
    // North of where it begins stands a tree that leaves room for a step.
    for (key, towards) in [("d", (-1, 0)), ("w", (0, 1)), ("a", (1, 0))] {
        let (mut prompt_starts, mut right, mut all) = (0, 0, 0);
        for _ in 0..3 {
            stage.xdotool(&["key", "r"]);
            watch(&mut stage, &[], 0.5);
            let shifts = watch(&mut stage, &["keydown", key], 1.5);
            stage.xdotool(&["keyup", key]);
            let walked: Vec<_> = shifts.iter().filter(|(_, (dx, dy))| (dx.signum(), dy.signum()) == towards).collect();
            prompt_starts += usize::from(walked.first().is_some_and(|(at, _)| *at < Duration::from_secs(1)));
            (right, all) = (right + walked.len(), all + moved(&shifts));

            watch(&mut stage, &[], 0.5);
            let shifts = watch(&mut stage, &[], 0.7);
            assert_eq!(moved(&shifts), 0, "{key} was released and the dream still moves: {shifts:?}");
        }
        assert!(prompt_starts >= 2, "of three walks under {key}, {prompt_starts} began within a second");
        assert!(right >= 3 && all <= right + right / 4, "under {key} the dream moved {all} times, {right} of them the right way");
    }
}

/// Share of the pixels in a rectangle of the screen that have hardly any colour.
fn grey_share(stage: &Stage, (x0, y0, w, h): (u32, u32, u32, u32)) -> f32 {
    let screen = stage.capture();
    let mut grey = 0;
    for (x, y) in (y0..y0 + h).flat_map(|y| (x0..x0 + w).map(move |x| (x, y))) {
        let at = ((y * stage.size.0 + x) * 3) as usize;
        let pixel = &screen[at..at + 3];
        grey += u32::from(pixel.iter().max().unwrap() - pixel.iter().min().unwrap() < 24);
    }
    grey as f32 / (w * h) as f32
}

/// The prompt field with real keys: typing alone changes nothing, Enter does, letters do not walk, and what was said is kept.
#[test]
fn a_prompt_is_said_by_enter_and_kept() {
    let (seed, _) = quiet_place();
    let mut stage = Stage::open(&["world", "isles", "--hold-ambience", "--panel", "--seed", &seed.to_string()]);
    // The middle of the picture, left of the panel.
    const PICTURE: (u32, u32, u32, u32) = (80, 180, 340, 220);
    stage.wait_for("the picture in colour", |s| (grey_share(s, PICTURE) < 0.7).then_some(()));
    let field = ["mousemove", PROMPT_FIELD.0, PROMPT_FIELD.1, "sleep", "0.2", "click", "1", "sleep", "0.3"];
    stage.xdotool(&field);
    stage.xdotool(&["type", "--delay", "30", "noir movie dada"]);
    std::thread::sleep(Duration::from_millis(700));
    assert!(grey_share(&stage, PICTURE) < 0.7, "typing alone changed the world");
    stage.xdotool(&["key", "Return"]);
    stage.wait_for("a world without colour", |s| (grey_share(s, PICTURE) > 0.9).then_some(()));
    let kept = stage.config.path().join("prompts.txt");
    let text = stage.wait_for("the prompt on disk", |_| std::fs::read_to_string(&kept).ok());
    assert!(text.lines().count() == 2 && text.ends_with("noir movie dada\n"), "{text}");
    // Another one, then the first again by going up.
    stage.xdotool(&field);
    stage.xdotool(&["key", "ctrl+a"]);
    stage.xdotool(&["type", "--delay", "30", "candy"]);
    stage.xdotool(&["key", "Return"]);
    stage.wait_for("a world in colour", |s| (grey_share(s, PICTURE) < 0.5).then_some(()));
    stage.xdotool(&field);
    stage.xdotool(&["key", "Up"]);
    stage.xdotool(&["key", "Return"]);
    stage.wait_for("the first prompt again", |s| (grey_share(s, PICTURE) > 0.9).then_some(()));
}

#[test]
fn without_an_adapter_one_sentence_says_what_to_install() {
    let stage = Stage::empty((800, 600));
    let mut game = stage.command(&["world", "isles"]);
    game.env("VK_DRIVER_FILES", "/nonexistent.json").env("VK_ICD_FILENAMES", "/nonexistent.json");
    let output = game.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("mesa-vulkan-drivers") && !said.contains("panicked"), "{said}");
}

#[test]
fn without_a_display_one_sentence_says_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_somnium"))
        .args(["world", "isles"])
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no display") && !said.contains("panicked"), "{said}");
}

#[test]
fn the_comparison_of_pictures_tells_directions_apart() {
    // The control of the test above: a picture shifted by hand.
    let (w, h) = (48u32, 32u32);
    let pixel = |x: i64, y: i64| ((x * 37 + y * 91 + x * y) % 251) as u8;
    let shifted = |dx: i64, dy: i64| -> Vec<u8> {
        (0..i64::from(h)).flat_map(|y| (0..i64::from(w)).flat_map(move |x| [pixel(x - dx, y - dy); 3])).collect()
    };
    let still = shifted(0, 0);
    assert_eq!(shift(&still, &shifted(-8, 0), (w, h)), (-8, 0));
    assert_eq!(shift(&still, &shifted(0, 8), (w, h)), (0, 8));
    assert_ne!(shift(&still, &shifted(8, 0), (w, h)), (-8, 0));
    for (dx, dy) in [(-8, 0), (0, 8), (16, 0), (0, 0)] {
        assert_eq!(dreamed_shift(&still, &shifted(dx, dy), (w, h), 8), (dx, dy));
    }
    assert!(Path::new(env!("CARGO_BIN_EXE_somnium")).exists());
}
