//! The program from its command line: what it says to bad input, and play without a display.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use somnium::pack::manifest::Manifest;
use somnium::pack::random::{look_manifest, odd_manifest, random_pack};

fn somnium(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_somnium")).args(args).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").output().unwrap()
}

/// The one sentence on standard error; log lines before it start with a bracket.
fn refused(args: &[&str]) -> String {
    let output = somnium(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(!said.contains("panicked"), "{args:?}: {said}");
    let sentences: Vec<&str> = said.lines().filter(|line| !line.starts_with('[')).collect();
    assert_eq!(sentences.len(), 1, "{args:?}: one sentence, not\n{said}");
    assert!(sentences[0].starts_with("somnium: "), "{args:?}: {said}");
    sentences[0].to_owned()
}

fn played(args: &[&str]) -> String {
    let output = somnium(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.path(name), bytes).unwrap();
        text(&self.path(name))
    }

    /// A small pack of random weights.
    fn pack(&self) -> String {
        self.pack_of(odd_manifest())
    }

    fn pack_of(&self, manifest: Manifest) -> String {
        let path = self.path("odd.safetensors");
        random_pack(manifest, 3).unwrap().write(&path).unwrap();
        text(&path)
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

const HEADLESS: [&str; 5] = ["--engine", "cpu", "--headless", "--frames", "2"];

#[test]
fn bad_packs_are_named_with_what_is_wrong() {
    let folder = Folder::new();
    let good = std::fs::read(folder.pack()).unwrap();
    let missing = text(&folder.path("missing.safetensors"));
    let truncated = folder.write("truncated.safetensors", &good[..good.len() / 2]);
    let empty = folder.write("empty.safetensors", b"");
    let foreign = folder.write("foreign.safetensors", b"this is a letter to my aunt, and no pack at all");
    let mut broken = good.clone();
    let middle = broken.len() - 40;
    // An f16 NaN somewhere in the last tensor.
    broken[middle..middle + 2].copy_from_slice(&[0xFF, 0x7E]);
    let nan = folder.write("nan.safetensors", &broken);
    for path in [&missing, &truncated, &empty, &foreign, &nan] {
        let mut args = vec![path.as_str()];
        args.extend(HEADLESS);
        let said = refused(&args);
        assert!(said.contains(path.as_str()), "{said}");
        // The other commands read packs the same way.
        assert!(refused(&["inspect", path]).contains(path.as_str()));
        assert!(refused(&["bench", path]).contains(path.as_str()));
    }
    let folder_path = text(folder.0.path());
    assert!(refused(&[&folder_path, "--headless", "--frames", "1"]).contains(&folder_path));
}

#[test]
fn bad_pictures_are_named() {
    let folder = Folder::new();
    let pack = folder.pack();
    let one = {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(1, 1).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    };
    let cases = [
        (folder.write("empty.png", b""), "empty"),
        (folder.write("letter.png", b"Dear aunt, thank you for the socks."), "not a PNG"),
        (folder.write("one.png", &one), "1x1"),
        (text(&folder.path("missing.png")), "cannot read"),
    ];
    for (path, reason) in &cases {
        let mut args = vec![pack.as_str(), "--image", path];
        args.extend(HEADLESS);
        let said = refused(&args);
        assert!(said.contains(path.as_str()) && said.contains(reason), "{said}");
    }
}

#[test]
fn a_bad_script_prompt_or_setting_is_named() {
    let folder = Folder::new();
    let pack = folder.pack();
    let with = |extra: &[&str]| {
        let mut args = vec![pack.as_str()];
        args.extend(HEADLESS);
        args.extend(extra);
        refused(&args)
    };
    assert!(with(&["--actions", "D*3 jump*2"]).contains("\"jump\""));
    assert!(with(&["--actions", "@/nonexistent"]).contains("/nonexistent"));
    assert!(with(&["--prompt", "xylophone"]).contains("xylophone"));
    for odd in ["\u{1F332}", "\u{96EA}\u{306E}\u{68EE}", "\u{7}\u{1b}[2J", &"x".repeat(10_000)] {
        assert!(with(&["--prompt", odd]).len() < 300, "a short sentence about {odd:?}");
    }
    assert!(with(&["--prompt-queue", "/nonexistent/queue.txt"]).contains("/nonexistent/queue.txt"));
    assert!(with(&["--guidance", "9"]).contains("guidance"));
    assert!(with(&["--memory", "1000"]).contains("1000"));
    assert!(with(&["--temperature", "NaN"]).contains("temperature"));
    assert!(with(&["--record", "walk.mp3"]).contains("walk.mp3"));
    assert!(with(&["--record", "/nonexistent/walk.gif"]).contains("/nonexistent/walk.gif"));
    assert!(refused(&["world", "atlantis"]).contains("atlantis"));
    assert!(refused(&["world", "isles", "--headless"]).contains("--frames"));
    // What the argument parser itself refuses ends the same way, in its own words.
    for bad in [["--window", "0x0"], ["--rate", "fast"], ["--steps", "9"]] {
        let output = somnium(&[pack.as_str(), bad[0], bad[1]]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(bad[1]), "{said}");
    }
}

/// Hides all adapters: on Linux from Vulkan's own search, elsewhere behind an interface that is not built in.
const NO_ADAPTER: [(&str, &str); 2] = if cfg!(target_os = "linux") {
    [("VK_DRIVER_FILES", "/nonexistent.json"), ("VK_ICD_FILENAMES", "/nonexistent.json")]
} else {
    [("WGPU_BACKEND", "gl"); 2]
};

#[test]
fn without_an_adapter_the_gpu_engine_says_what_to_install() {
    let folder = Folder::new();
    let pack = folder.pack();
    let output = Command::new(env!("CARGO_BIN_EXE_somnium"))
        .args([&pack, "--engine", "gpu", "--headless", "--frames", "1"])
        .envs(NO_ADAPTER)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("adapter") && said.contains("mesa-vulkan-drivers") && !said.contains("panicked"), "{said}");
    // Nobody who did not ask for the GPU needs one.
    let output =
        Command::new(env!("CARGO_BIN_EXE_somnium")).args([&pack, "--headless", "--frames", "1"]).envs(NO_ADAPTER).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_dream_without_a_display_replays_byte_for_byte() {
    let folder = Folder::new();
    let pack = folder.pack();
    let record = |name: &str, seed: &str| {
        let gif = text(&folder.path(name));
        let said = played(&[
            &pack,
            "--engine",
            "cpu",
            "--headless",
            "--actions",
            "D*4 W*3 #1 .*2",
            "--seed",
            seed,
            "--prompt",
            "",
            "--record",
            &gif,
        ]);
        assert!(said.contains("10 frames") && said.contains("cpu engine"), "{said}");
        std::fs::read(gif).unwrap()
    };
    let first = record("a.gif", "7");
    assert!(first == record("b.gif", "7"), "the same seed and script dream the same");
    assert!(first != record("c.gif", "8"), "another seed dreams otherwise");
    let frames = somnium::dream::still::load(&folder.path("a.gif"), 35, 21).unwrap();
    assert_eq!(frames.len(), 11, "the start and ten frames");
    // Its own recording is a history to start from.
    let gif = text(&folder.path("a.gif"));
    played(&[&pack, "--engine", "cpu", "--headless", "--frames", "2", "--image", &gif]);
}

#[test]
fn a_walk_in_two_parts_is_the_same_walk() {
    let folder = Folder::new();
    let pack = folder.pack();
    let walk = |name: &str, more: &[&str]| {
        let png = text(&folder.path(name));
        played(&[&[&pack, "--engine", "cpu", "--headless", "--record", &png], more].concat());
        (image::open(&png).unwrap().into_rgba8(), png)
    };
    let (whole, _) = walk("whole.png", &["--prompt", "a wood", "--seed", "7", "--actions", "#0*9 #2*6 #1*5"]);
    let (_, half) = walk("half.png", &["--prompt", "a wood", "--seed", "7", "--actions", "#0*9 #2*2", "--scale", "3"]);
    assert!(
        walk("rest.png", &["--image", &half, "--actions", "#2*4 #1*5"]).0 == whole,
        "the picture carries the dream, its words and its seed"
    );
    // The controls: what else is asked for counts, and so does the picture alone.
    assert!(walk("seed.png", &["--image", &half, "--seed", "8", "--actions", "#2*4 #1*5"]).0 != whole);
    assert!(walk("words.png", &["--image", &half, "--prompt", "snow", "--actions", "#2*4 #1*5"]).0 != whole);
    let plain = text(&folder.path("plain.png"));
    image::open(&half).unwrap().save(&plain).unwrap();
    assert!(walk("plain rest.png", &["--image", &plain, "--actions", "#2*4 #1*5"]).0 != whole);
    // A map carries it as well.
    let map = text(&folder.path("map.png"));
    walk("mapped.png", &["--prompt", "a wood", "--seed", "7", "--actions", "#0*9 #2*2", "--map", &map]);
    assert!(walk("rest of the map.png", &["--image", &map, "--actions", "#2*4 #1*5"]).0 == whole);
    // `dream` goes on from there too.
    let png = text(&folder.path("dream.png"));
    played(&["dream", &pack, "--engine", "cpu", "--image", &half, "--actions", "#2*4 #1*5", "--record", &png]);
    assert!(image::open(&png).unwrap().into_rgba8() == whole);
}

#[test]
fn the_simulator_plays_without_a_display() {
    let folder = Folder::new();
    let record = |name: &str, actions: &str| {
        let png = text(&folder.path(name));
        played(&["world", "isles", "--seed", "5", "--headless", "--actions", actions, "--record", &png, "--scale", "2"]);
        image::open(png).unwrap().into_rgb8()
    };
    let stayed = record("stay.png", ".*3");
    assert_eq!(stayed.dimensions(), (288, 224), "two times its size");
    assert!(stayed != record("south.png", "S*3"));
    assert!(stayed == record("again.png", "stay,stay,stay"));
}

#[test]
fn a_recording_glides_where_it_is_asked_to() {
    let folder = Folder::new();
    let record = |name: &str, glide: &str| {
        let webp = text(&folder.path(name));
        let args = ["--headless", "--hold-ambience", "--actions", "S*2 .*1", "--record", &webp, "--glide", glide];
        played(&[&["world", "isles", "--seed", "5"], &args[..]].concat());
        somnium::dream::still::load(Path::new(&webp), 144, 112).unwrap()
    };
    let (frames, glided) = (record("frames.webp", "1"), record("glided.webp", "4"));
    assert_eq!((frames.len(), glided.len()), (4, 16));
    for (t, frame) in frames.iter().enumerate() {
        assert!(glided[4 * t + 3].rgb == frame.rgb, "the fourth picture of frame {t} is the frame itself");
    }
    // Land above the figure a quarter of the way south, four pixels.
    let row = |still: &somnium::dream::still::Still, y: usize| still.rgb[y * 144 * 3..(y + 1) * 144 * 3].to_vec();
    for y in 0..40 {
        assert!(row(&glided[4], y) == row(&frames[0], y + 4), "row {y}");
    }
    assert!(glided[4].rgb != frames[0].rgb && glided[4].rgb != frames[1].rgb);
}

#[test]
fn the_simulator_follows_a_prompt() {
    let folder = Folder::new();
    // Share of pixels whose red, green and blue are about the same.
    let grey = |name: &str, prompt: &str| {
        let png = text(&folder.path(name));
        played(&["world", "isles", "--seed", "5", "--headless", "--frames", "2", "--prompt", prompt, "--record", &png]);
        let picture = image::open(png).unwrap().into_rgb8();
        let like = picture.pixels().filter(|p| p.0.iter().max().unwrap() - p.0.iter().min().unwrap() < 24).count();
        like as f32 / (picture.width() * picture.height()) as f32
    };
    assert!(grey("noir.png", "Noir, meadow!") > 0.9);
    assert!(grey("plain.png", "meadow") < 0.5, "a prompt that says nothing of style leaves it");
    // Words that no caption holds, by what they are near to.
    assert!(grey("movie.png", "a movie of a pasture") > 0.9);
    assert!(refused(&["world", "isles", "--headless", "--frames", "1", "--prompt", "a qwrtzx"]).contains("is known"));
    // One word known is enough; the others are warned of. Ten thousand letters are no trouble either.
    let long = format!("noir qwrtzx {}", "\u{1F332} snow\u{7}".repeat(1500));
    let output = somnium(&["world", "isles", "--headless", "--frames", "1", "--prompt", &long]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("qwrtzx") && said.len() < 1000, "{said}");
}

#[test]
fn prompts_come_by_the_clock_without_a_window() {
    let folder = Folder::new();
    let queue = folder.write("queue.txt", b"# a demo\nnoir\nneon\n");
    let gif = text(&folder.path("walk.gif"));
    let args = ["--prompt-queue", &queue, "--every", "1", "--record", &gif];
    played(&[&["world", "isles", "--seed", "5", "--headless", "--frames", "18"], &args[..]].concat());
    let frames = somnium::dream::still::load(Path::new(&gif), 144, 112).unwrap();
    let colour = |frame: usize| -> u32 {
        let spread = |p: &[u8]| u32::from(p.iter().max().unwrap() - p.iter().min().unwrap());
        frames[frame].rgb.chunks_exact(3).map(spread).sum::<u32>() / (144 * 112)
    };
    // Six frames a second: noir from the first, neon from the seventh on.
    assert!(colour(5) < 24 && colour(10) > 40, "{} and {}", colour(5), colour(10));
}

#[test]
fn a_day_goes_by_without_a_window() {
    let folder = Folder::new();
    let gif = text(&folder.path("walk.gif"));
    let play = ["world", "isles", "--seed", "5", "--headless", "--prompt", "a meadow", "--record", &gif];
    let light = |frames: &str, args: &[&str]| -> u32 {
        played(&[&play[..], &["--frames", frames], args].concat());
        let frames = somnium::dream::still::load(Path::new(&gif), 144, 112).unwrap();
        frames.last().unwrap().rgb.iter().map(|x| u32::from(*x)).sum::<u32>() / (3 * 144 * 112)
    };
    // Six frames a second: of a minute from dawn to dawn the sun is up for 22.5 s, and night begins 7.5 s later.
    let (day, night, still) = (light("130", &["--day", "1"]), light("190", &["--day", "1"]), light("190", &[]));
    assert!(night + 25 < day && night + 25 < still, "by day {day}, at night {night}, where no day goes by {still}");
}

/// `somnium dream`: text to world, image to world, inpainting, stylisation, action to video, each the same on every run.
#[test]
fn the_five_tasks_are_done_from_the_command_line() {
    [odd_manifest(), look_manifest()].into_iter().for_each(five_tasks);
}

fn five_tasks(manifest: Manifest) {
    let folder = Folder::new();
    let pack = folder.pack_of(manifest);
    let picture = |name: &str, pixel: fn(u32, u32) -> [u8; 3]| {
        let path = folder.path(name);
        image::RgbImage::from_fn(70, 42, |x, y| image::Rgb(pixel(x, y))).save(&path).unwrap();
        text(&path)
    };
    let start = picture("start.png", |x, y| [(x * 3) as u8, (y * 5) as u8, 90]);
    let mask = picture("mask.png", |x, _| if x > 35 { [255; 3] } else { [0; 3] });
    let dark = picture("dark.png", |_, _| [0; 3]);
    let dream = |args: &[&str]| -> Vec<Vec<u8>> {
        let out = |n: u32| text(&folder.path(&format!("out{n}.webp")));
        let record = |path: &str| played(&[&["dream", &pack, "--engine", "cpu", "--record", path], args].concat());
        let said = record(&out(1));
        assert!(said.contains("cpu engine"), "{said}");
        record(&out(2));
        let [first, second] = [1, 2].map(|n| std::fs::read(out(n)).unwrap());
        assert!(first == second, "{args:?} dreams the same on every run");
        somnium::dream::still::load(Path::new(&out(1)), 35, 21).unwrap().into_iter().map(|still| still.rgb).collect()
    };
    let snow = dream(&["--prompt", "snow night", "--frames", "3"]);
    assert_eq!(snow.len(), 4, "the first frame from the text, and three");
    assert_ne!(dream(&["--prompt", "lava", "--frames", "3"])[0], snow[0]);
    let walk = dream(&["--image", &start, "--actions", "D*3 W*2"]);
    assert_eq!(walk.len(), 6);
    let painted = dream(&["--image", &start, "--mask", &mask, "--prompt", "snow", "--actions", "D*3 W*2"]);
    assert!(painted.len() == 6 && painted[0] != walk[0]);
    assert_ne!(dream(&["--image", &start, "--stylise", "0.5", "--prompt", "neon", "--frames", "1"])[0], walk[0]);
    // A clip: a GIF of its own making, with a part dreamed again, then walked on from.
    let clip = text(&folder.path("clip.gif"));
    played(&["dream", &pack, "--engine", "cpu", "--image", &start, "--actions", "D*4", "--record", &clip]);
    assert_eq!(dream(&["--clip", &clip, "--mask", &mask, "--prompt", "snow", "--actions", "W*2"]).len(), 5 + 2);
    let whole = dream(&["--clip", &clip, "--stylise", "1", "--prompt", "neon"]);
    let half = dream(&["--clip", &clip, "--stylise", "0.5", "--prompt", "neon"]);
    assert!(whole.len() == 5 && half.len() == 5 && whole != half);

    let refused_with = |args: &[&str]| refused(&[&["dream", &pack, "--engine", "cpu", "--record", &clip], args].concat());
    assert!(refused_with(&["--image", &start, "--mask", &dark]).contains("dark.png"));
    assert!(refused_with(&["--clip", "/nonexistent.clip"]).contains("/nonexistent.clip"));
    assert!(refused_with(&["--prompt", "qwrtzx"]).contains("qwrtzx"));
    for bad in [["--stylise", "0"], ["--stylise", "NaN"], ["--stylise", "1.5"]] {
        let output = somnium(&[&["dream", &pack, "--record", &clip], &bad[..]].concat());
        assert_eq!(output.status.code(), Some(2));
    }
}

/// Samples of a sound, left and right in turns.
fn samples(path: &str) -> Vec<i16> {
    let bytes = std::fs::read(path).unwrap();
    let (header, data) = bytes.split_at(44);
    assert!(header.starts_with(b"RIFF") && header[36..].starts_with(b"data"));
    assert_eq!(u32::from_le_bytes(header[40..].try_into().unwrap()) as usize, data.len());
    data.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

#[test]
fn a_dream_is_heard_for_as_long_as_it_is_seen() {
    let folder = Folder::new();
    let pack = folder.pack();
    let [film, sound, clip] = ["walk.gif", "walk.wav", "clip.gif"].map(|name| text(&folder.path(name)));
    let heard = |prompt: &str, args: &[&str]| {
        let dream = ["dream", &pack, "--engine", "cpu", "--prompt", prompt, "--record", &film, "--sound", &sound];
        played(&[&dream[..], args].concat());
        samples(&sound)
    };
    let walk = heard("snow", &["--actions", "#0*5 #1*4"]);
    // Seven frames a second: the first, from the words, and nine.
    assert_eq!(somnium::dream::still::load(Path::new(&film), 35, 21).unwrap().len(), 10);
    assert_eq!(walk.len(), 2 * (10 * 48_000 / 7));
    assert!(walk.iter().any(|sample| *sample != 0));
    std::fs::copy(&film, &clip).unwrap();
    assert!(heard("snow", &["--actions", "#0*5 #1*4"]) == walk, "the same on every run");
    assert!(heard("snow", &["--actions", "#0*5 #1*4", "--glide", "3"]) == walk, "whatever lies between two frames");
    // Where nobody knows what tokens show, the land that was asked for is heard.
    assert!(heard("beach", &["--actions", "#0*5 #1*4"]) != walk);
    assert_eq!(heard("snow", &["--frames", "2"]).len(), 2 * (3 * 48_000 / 7));
    // Every frame of a clip.
    assert_eq!(heard("snow", &["--clip", &clip, "--stylise", "1"]).len(), walk.len());

    let unseen = text(&folder.path("unseen.gif"));
    for (sound, why) in [("walk.mp3", ".wav"), ("/nonexistent/walk.wav", "no folder")] {
        let said = refused(&["dream", &pack, "--engine", "cpu", "--record", &unseen, "--sound", sound]);
        assert!(said.contains(sound) && said.contains(why), "{said}");
        assert!(!Path::new(&unseen).exists(), "nothing is begun");
    }
}

#[test]
fn rain_is_heard_in_the_dream_and_in_the_land_it_was_learned_from() {
    let folder = Folder::new();
    let [film, sound] = ["walk.gif", "walk.wav"].map(|name| text(&folder.path(name)));
    for play in [&["dream", "--engine", "cpu"][..], &["world", "isles", "--headless", "--hold-ambience"]] {
        // By how much the samples of one ear change: rain is bright, and wind is not.
        let brightness = |prompt: &str| {
            played(&[play, &["--prompt", prompt, "--frames", "11", "--record", &film, "--sound", &sound]].concat());
            let samples = samples(&sound);
            assert_eq!(samples.len(), 2 * 12 * 8000, "six frames a second");
            samples.iter().zip(&samples[2..]).map(|(now, next)| f64::from(now.abs_diff(*next))).sum::<f64>() / samples.len() as f64
        };
        let [rain, clear] = ["desert, day, rain", "desert, day, good weather"].map(brightness);
        assert!(rain > 2.0 * clear, "{play:?}: {rain}, {clear}");
    }
}

#[test]
fn inspect_and_bench_print_what_they_are_asked_for() {
    let folder = Folder::new();
    let pack = folder.pack();
    let said = played(&["inspect", &pack]);
    assert!(said.contains("random odd") && said.contains("35x21 px") && !said.contains("look"), "{said}");
    let said = played(&["bench", &pack, "--engine", "cpu", "--frames", "20", "--prompt", "snow night"]);
    assert_figures(&said);
    let lit = folder.pack_of(look_manifest());
    let said = played(&["inspect", &lit]);
    assert!(said.contains("5x3 of 7 px and one of the look, 3 dimensions"), "{said}");
    let said = played(&["bench", &lit, "--engine", "cpu", "--frames", "10"]);
    assert!(said.contains("allocations  median 0 a frame, at most 0"), "{said}");
    // Random tokens stand nowhere; the shipped ones do.
    let why = refused(&["bench", &lit, "--engine", "cpu", "--frames", "10", "--first-person"]);
    assert!(why.contains("random look"), "{why}");
    let said = played(&["bench", "--engine", "cpu", "--frames", "10", "--first-person"]);
    assert!(said.contains("from within") && said.contains("1920x1080") && said.contains("times that"), "{said}");
}

/// What `somnium bench` says, whatever it measures.
fn assert_figures(said: &str) {
    for word in ["start-up", "median", "p99", "stages", "allocations", "dispatches", "readback", "multiply-adds", "GFLOP/s", "roofline"] {
        assert!(said.contains(word), "no {word} in\n{said}");
    }
}

#[test]
fn any_shape_is_measured_written_or_refused() {
    let shape = "d=32,layers=2,tokens=6,context=3,steps=1";
    let said = played(&["bench", "--engine", "cpu", "--frames", "10", "--shape", shape]);
    assert_figures(&said);
    assert!(said.contains(shape) && said.contains("48x32 px, 1 decoding steps"), "{said}");
    assert!(said.contains("allocations  median 0 a frame, at most 0"), "{said}");
    assert!(!said.contains("branches") && !said.contains("anchor"), "{said}");
    let said = played(&["bench", "--engine", "cpu", "--frames", "10", "--shape", shape, "--branches", "5"]);
    assert!(said.contains("branches     5 in") && said.contains("of a frame each, at most 0 allocations"), "{said}");
    let said = played(&["bench", "--engine", "cpu", "--frames", "10", "--anchor", "web-player"]);
    assert_figures(&said);
    assert!(said.contains("64x64 px, 1 decoding steps") && said.contains("anchor       13.9 ms a frame on an M3 Max"), "{said}");

    let folder = Folder::new();
    let file = text(&folder.path("shape.safetensors"));
    played(&["bench", "--shape", shape, "--write-pack", &file]);
    assert!(played(&["inspect", &file, "--engine", "cpu"]).contains("10 frames"), "the written pack holds a clip");

    for (bad, named) in [("depth=3", "depth"), ("d=x", "d=x"), ("d=50,heads=3", "heads"), ("tokens=5000", "4096"), ("steps=9", "steps")] {
        assert!(refused(&["bench", "--shape", bad]).contains(named), "{bad}");
    }
    assert!(refused(&["bench", "--shape", shape, "--write-pack", "/nonexistent/file"]).contains("/nonexistent/file"));
}
