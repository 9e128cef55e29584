//! A dream changed by hand: painted over, shown pictures. What is on the screen is compared, pixel by pixel, with a session in this
//! process to which the same is done.

use std::path::Path;
use std::time::Duration;

use image::RgbImage;
use somnium::dream::session::DreamSession;
use somnium::dream::still::{self, Still};
use somnium::dream::{Drive, Intent, Source};
use somnium::engine::DecodeSettings;
use somnium::pack::Pack;
use somnium::pack::random::look_manifest;
use somnium::prompt;
use x11rb::CURRENT_TIME;
use x11rb::protocol::Event;

use crate::neighbour::Neighbour;
use crate::odd_pack;
use crate::stage::Stage;
use crate::twin::Twin;

/// Where things are in the panel of a window of this size that plays the pack of these tests; the line of figures above them has one row or two.
const FIRST_PICTURE: (i32, i32) = (570, 446);
const PAINT: (i32, i32) = (656, 717);
const TAKE_BACK: (i32, i32) = (742, 751);
/// While one paints.
const WHAT: (i32, i32) = (656, 752);

/// A picture like no other of these tests.
fn gradient(folder: &Path, name: &str, size: (u32, u32), tint: u8) -> std::path::PathBuf {
    let path = folder.join(name);
    RgbImage::from_fn(size.0, size.1, |x, y| image::Rgb([(x * 7) as u8, (y * 11) as u8, tint])).save(&path).unwrap();
    path
}

fn stills(path: &Path, size: (u32, u32)) -> Vec<Still> {
    still::load(path, size.0 as usize, size.1 as usize).unwrap()
}

fn picture(session: &mut DreamSession) -> Vec<u8> {
    session.read_picture().unwrap().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect()
}

/// The game on its stage, standing still, and its twin in this process.
struct Pair {
    stage: Stage,
    twin: DreamSession,
    settings: DecodeSettings,
    size: (u32, u32),
}

impl Pair {
    fn open(folder: &Path) -> Self {
        let (path, pack): (_, Pack) = odd_pack(folder, look_manifest());
        let size = (pack.manifest.frame.width_px as u32, pack.manifest.frame.height_px as u32);
        let start = gradient(folder, "start.png", size, 90);
        let Twin { session: twin, settings, .. } = Twin::begun(&pack, &start, 4);
        // In full screen, which Escape leaves only when there is nothing else to leave.
        let (pack, start) = (path.to_str().unwrap(), start.to_str().unwrap());
        let args = [pack, "--engine", "cpu", "--paused", "--fullscreen", "--seed", "4", "--image", start];
        let mut pair = Self { stage: Stage::open_with_panel(&args), twin, settings, size };
        pair.see("the start");
        pair
    }

    /// Waits until the screen shows what the twin does.
    fn see(&mut self, what: &str) -> Vec<u8> {
        let (size, expected) = (self.size, picture(&mut self.twin));
        self.stage.wait_for(what, |s| s.picture(size).filter(|p| *p == expected))
    }

    fn click(&self, (x, y): (i32, i32)) {
        self.stage.xdotool(&["mousemove", &x.to_string(), &y.to_string(), "sleep", "0.2", "click", "1", "sleep", "0.2"]);
    }

    /// Presses this while one paints, and plays on.
    fn press_while_painting(&self, key: &str) {
        self.click(PAINT);
        self.stage.xdotool(&["key", key, "sleep", "0.2", "key", "Escape"]);
    }

    fn step(&mut self, key: &str, intent: Intent) {
        let code = self.twin.info().code_of(Drive::Intent(intent));
        self.twin.step(code, &self.settings).unwrap();
        self.stage.xdotool(&["keydown", key, "key", "period", "sleep", "0.1"]);
        self.see("the dream going on");
        self.stage.xdotool(&["keyup", key]);
    }
}

#[test]
fn what_is_painted_is_dreamed_again_and_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::open(folder.path());
    pair.step("d", Intent::East);
    let before = pair.see("the frame to paint on");
    let codes = pair.twin.history().back().unwrap().codes.clone();

    // A quick stroke with the brush one token wide, from the upper left token to the right.
    pair.click(PAINT);
    let [columns, rows] = pair.twin.info().grid;
    let rect = pair.stage.picture_rect(pair.size);
    let at = |column: usize, row: usize| {
        let middle = |corner: u32, side: u32, n: usize, of: usize| corner + side * (2 * n as u32 + 1) / (2 * of as u32);
        (middle(rect.x, rect.width, column, columns).to_string(), middle(rect.y, rect.height, row, rows).to_string())
    };
    let (from, to) = (at(0, 0), at(2, 0));
    pair.stage.xdotool(&[
        "mousemove",
        &from.0,
        &from.1,
        "mousedown",
        "1",
        "sleep",
        "0.2",
        "mousemove",
        &to.0,
        &to.1,
        "sleep",
        "0.2",
        "mouseup",
        "1",
    ]);
    pair.click(WHAT);
    pair.stage.xdotool(&["type", "--delay", "30", "snow night"]);
    pair.stage.xdotool(&["key", "Return"]);
    std::thread::sleep(Duration::from_millis(300));
    pair.stage.xdotool(&["key", "Escape"]);

    // The brush is two tokens wide: beside those it went over it reaches those below them.
    let painted: Vec<bool> =
        (0..columns * rows).map(|n| (n / columns == 0 && n % columns <= 3) || (n / columns == 1 && n % columns <= 2)).collect();
    let words = prompt::ids(&prompt::read("snow night", 3));
    pair.twin.repaint(&painted, &words, &pair.settings).unwrap();
    let after = pair.see("the painted tokens dreamed again");
    assert_ne!(after, before);
    let last = pair.twin.history().back().unwrap();
    let chosen = pair.twin.tokens_of(&painted, false);
    let dims = codes.len() / chosen.len();
    for (n, (old, new)) in codes.chunks(dims).zip(last.codes.chunks(dims)).enumerate() {
        assert!(chosen[n] || old == new, "token {n} was not painted and changed");
    }

    // Taken back and done again, also while one paints.
    pair.press_while_painting("ctrl+z");
    pair.twin.undo().unwrap();
    assert_eq!(pair.see("the frame before, while one paints"), before);
    pair.press_while_painting("ctrl+y");
    pair.twin.redo().unwrap();
    assert_eq!(pair.see("the painted tokens once more"), after);
    pair.step("w", Intent::North);

    // Back to before the painting, and on from there.
    pair.click(TAKE_BACK);
    pair.twin.undo().unwrap();
    assert_eq!(pair.see("the frame before it was painted on"), before);
    pair.step("d", Intent::East);
}

/// A mouse button held on the picture walks to where it points; a click is no step.
#[test]
fn one_walks_to_where_one_points() {
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::open(folder.path());
    let rect = pair.stage.picture_rect(pair.size);
    let (x, y) = ((rect.x + rect.width - 20) as i32, (rect.y + rect.height / 2) as i32);
    pair.click((x, y));
    for (press, intent) in [("mousedown", Intent::East), ("mouseup", Intent::Stay)] {
        pair.twin.step(pair.twin.info().code_of(Drive::Intent(intent)), &pair.settings).unwrap();
        pair.stage.xdotool(&["mousemove", &x.to_string(), &y.to_string(), press, "1", "sleep", "0.5", "key", "period"]);
        pair.see("a step to where one points, and none after that");
    }
}

#[test]
fn pictures_are_chosen_and_dropped_and_what_is_none_gets_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Pair::open(folder.path());
    pair.step("d", Intent::East);

    let dropped = gradient(folder.path(), "a picture.png", (80, 48), 200);
    drop_file(&pair.stage, &dropped);
    pair.twin.start_from(&stills(&dropped, pair.size)).unwrap();
    let here = pair.see("the dropped picture");
    pair.step("w", Intent::North);

    pair.click(FIRST_PICTURE);
    let meadow = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/start/meadow.png");
    pair.twin.start_from(&stills(&meadow, pair.size)).unwrap();
    assert_ne!(pair.see("the first picture of the gallery"), here);

    let text = folder.path().join("letter.md");
    std::fs::write(&text, "no picture at all").unwrap();
    drop_file(&pair.stage, &text);
    let said = pair.stage.wait_for("a word about the letter", |s| Some(s.said()).filter(|said| said.contains("letter.md")));
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("letter.md")).collect();
    assert!(lines.len() == 1 && lines[0].ends_with("is not a PNG, JPEG, WebP or GIF picture."), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    pair.step("w", Intent::North);
}

/// Drags a file from another program over the game's window and drops it there, as XDND has it.
pub fn drop_file(stage: &Stage, path: &Path) {
    let other = Neighbour::on(stage);
    let target: u32 = stage.window.parse().unwrap();
    let finished = other.atom("XdndFinished");
    other.drag_over(target);
    other.wait_for("the game to take the file", |event| match event {
        Event::SelectionRequest(asked) => {
            let uri = format!("file://{}\r\n", path.display().to_string().replace(' ', "%20"));
            other.give(&asked, uri.as_bytes());
            other.tell(target, "XdndDrop", [other.window, 0, CURRENT_TIME, 0, 0]);
            None
        }
        Event::ClientMessage(message) => (message.type_ == finished).then_some(()),
        _ => None,
    });
}
