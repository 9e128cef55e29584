//! Prompts as they are said at an event: by keys alone, by the clock, in words nobody knows, and by visitors who then go away.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use x11rb::protocol::Event;

use crate::by_hand::drop_file;
use crate::neighbour::Neighbour;
use crate::stage::Stage;
use crate::{grey_share, quiet_place};

/// The middle of the picture, left of where the panel may be.
const PICTURE: (u32, u32, u32, u32) = (80, 180, 340, 220);
/// A style without colours, by which one sees that a prompt is in force.
const GREY: &str = "noir movie dada";

/// Where nothing moves by itself.
static SEED: LazyLock<String> = LazyLock::new(|| quiet_place().0.to_string());

fn open(args: &[&str]) -> Stage {
    let mut stage = Stage::open_logged(&[&["world", "isles", "--hold-ambience", "--seed", &SEED], args].concat());
    stage.wait_for("the first picture", |s| is_grey(s).map(|_| ()));
    stage
}

/// Whether the world is without colours; nothing where the window is still empty, or it cannot be said.
fn is_grey(stage: &Stage) -> Option<bool> {
    let screen = stage.capture();
    let dark = |at: usize| screen[at..at + 3].iter().all(|&byte| byte < 20);
    let middle = (((PICTURE.1 + 10) * stage.size.0 + PICTURE.0 + 10) * 3) as usize;
    let row = (0..60).map(|x| middle + x * 3);
    if row.into_iter().all(dark) {
        return None;
    }
    let share = grey_share(stage, PICTURE);
    if share > 0.9 { Some(true) } else { (share < 0.7).then_some(false) }
}

fn wait_grey(stage: &mut Stage, grey: bool, what: &str) {
    stage.wait_for(what, |s| (is_grey(s) == Some(grey)).then_some(()));
}

fn type_prompt(stage: &Stage, text: &str) {
    stage.xdotool(&["key", "Return"]);
    std::thread::sleep(Duration::from_millis(400));
    stage.xdotool(&["type", "--delay", "30", text]);
    stage.xdotool(&["key", "Return"]);
}

fn kept(stage: &Stage) -> String {
    std::fs::read_to_string(stage.config.path().join("prompts.txt")).unwrap_or_default()
}

/// No hand on the mouse: Enter goes to the field, over what stood there; words nobody knows leave the world as it is and are not kept.
#[test]
fn prompts_are_said_by_keys_alone_and_unknown_words_change_nothing() {
    let mut stage = open(&[]);
    wait_grey(&mut stage, false, "a world in colour");
    type_prompt(&stage, GREY);
    wait_grey(&mut stage, true, "a world without colour");

    type_prompt(&stage, "qwrtzx blorgh");
    stage.wait_for("a word about it", |s| s.said().contains("the prompt stays as it was").then_some(()));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(is_grey(&stage), Some(true), "a prompt of unknown words changed the world");
    assert!(kept(&stage).ends_with(&format!("{GREY}\n")), "{}", kept(&stage));

    // The control: known words do change it.
    type_prompt(&stage, "candy");
    wait_grey(&mut stage, false, "a world in colour again");
    assert!(kept(&stage).ends_with(&format!("{GREY}\ncandy\n")), "{}", kept(&stage));

    // Space says a suggestion, which nobody typed; while one types it is a letter.
    stage.xdotool(&["key", "space"]);
    let suggested = stage.wait_for("another prompt", |s| s.said().split_once("said: ").map(|(_, prompt)| prompt.to_owned()));
    let known = somnium::worlds::by_name("isles").unwrap().info().suggested_prompts.clone();
    assert!(known.iter().any(|prompt| suggested.trim_end() == prompt), "{suggested} is not of {known:?}");
    assert!(kept(&stage).ends_with("\ncandy\n"), "{}", kept(&stage));
    assert!(!stage.said().contains("panicked"), "{}", stage.said());
}

/// Whoever is refused goes on typing: letters and Enter are the field's, and no keys of the game.
#[test]
fn a_refused_prompt_is_typed_on() {
    let mut stage = open(&[]);
    wait_grey(&mut stage, false, "a world in colour");
    type_prompt(&stage, "qwrtzx");
    stage.wait_for("a word about it", |s| s.said().contains("the prompt stays as it was").then_some(()));
    std::thread::sleep(Duration::from_millis(400));
    stage.xdotool(&["type", "--delay", "30", &format!(" {GREY}")]);
    stage.xdotool(&["key", "Return"]);
    wait_grey(&mut stage, true, "a world without colour");
    assert!(kept(&stage).ends_with(&format!("\nqwrtzx {GREY}\n")), "{}", kept(&stage));
}

/// Escape leaves the field with the panel that came for it alone; what was typed changes nothing and is there the next time.
#[test]
fn second_thoughts_close_the_panel_and_keep_what_was_typed() {
    let mut stage = open(&[]);
    let size = (144, 112);
    wait_grey(&mut stage, false, "a world in colour");
    stage.wait_for("the whole picture", |s| s.picture(size));
    stage.xdotool(&["key", "Return", "sleep", "0.4"]);
    stage.xdotool(&["type", "--delay", "30", GREY]);
    stage.wait_for("the panel", |s| s.picture(size).is_none().then_some(()));
    stage.xdotool(&["key", "Escape"]);
    stage.wait_for("the whole picture again", |s| s.picture(size));
    assert_eq!(is_grey(&stage), Some(false), "what was not said is in force");
    stage.xdotool(&["key", "Return", "sleep", "0.4", "key", "Return"]);
    wait_grey(&mut stage, true, "a world without colour");
}

/// Enter leads back into a field that somebody clicked beside, and the panel that came for it alone still goes once that is said.
#[test]
fn who_comes_back_to_the_field_says_it_in_passing() {
    let mut stage = open(&[]);
    let size = (144, 112);
    wait_grey(&mut stage, false, "a world in colour");
    stage.wait_for("the whole picture", |s| s.picture(size));
    stage.xdotool(&["key", "Return", "sleep", "0.4"]);
    stage.wait_for("the panel", |s| s.picture(size).is_none().then_some(()));
    stage.xdotool(&["mousemove", "100", "300", "sleep", "0.2", "click", "1", "sleep", "0.4"]);
    type_prompt(&stage, GREY);
    wait_grey(&mut stage, true, "a world without colour");
    stage.wait_for("the whole picture again", |s| s.picture(size));
}

/// What a visitor says is theirs until they are gone: the list waits for that, and goes on.
#[test]
fn the_list_leaves_a_visitor_alone() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("queue.txt");
    std::fs::write(&list, "candy\n").unwrap();
    let list = ["--prompt-queue", list.to_str().unwrap(), "--every", "4"];
    let mut stage = open(&[&list[..], &["--idle", "15", "--invite", ""]].concat());
    wait_grey(&mut stage, false, "a world in colour");
    type_prompt(&stage, GREY);
    wait_grey(&mut stage, true, "a world without colour");
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(is_grey(&stage), Some(true), "the list took its place");
    wait_grey(&mut stage, false, "the list, once nobody is there");
    drop(stage);
    // The control: where the world does not begin anew by itself, the list goes on by the clock.
    let mut stage = open(&list);
    wait_grey(&mut stage, false, "a world in colour");
    type_prompt(&stage, GREY);
    wait_grey(&mut stage, true, "a world without colour");
    wait_grey(&mut stage, false, "the list");
    assert!(!stage.said().contains("nobody is there"), "{}", stage.said());
}

/// What is no prompt is passed over, and what is written to the list while it is said is said.
#[test]
fn the_list_is_followed_as_it_is_edited() {
    const EVERY: Duration = Duration::from_secs(8);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queue.txt");
    std::fs::write(&path, format!("{GREY}\nqwrtzx\n")).unwrap();
    let mut stage = open(&["--prompt-queue", path.to_str().unwrap(), "--every", "8"]);
    wait_grey(&mut stage, true, "the first prompt");
    let said = Instant::now();
    // What comes next in it is no prompt.
    std::fs::write(&path, "candy\nqwrtzx\n").unwrap();
    wait_grey(&mut stage, false, "what was written to it");
    let after = said.elapsed();
    assert!(after < EVERY * 3 / 2, "what is no prompt took as long as one that is said: {after:?}");
}

/// Whatever is said meanwhile, it walks by itself until somebody takes a step, or has enough of it.
#[test]
fn it_walks_by_itself_until_somebody_takes_a_step() {
    let mut stage = open(&["--no-glide"]);
    let size = (144, 112);
    let whole = |stage: &mut Stage| stage.wait_for("the whole picture", |s| s.picture(size));
    let stands = |stage: &mut Stage| {
        std::thread::sleep(Duration::from_secs(1));
        let here = whole(stage);
        std::thread::sleep(Duration::from_secs(2));
        // Whatever lies over it just then goes.
        whole(stage) == here
    };
    assert!(stands(&mut stage), "nobody has asked for it");
    let here = whole(&mut stage);
    stage.xdotool(&["key", "g"]);
    stage.wait_for("a step of its own", |s| s.picture(size).filter(|picture| *picture != here));
    type_prompt(&stage, GREY);
    wait_grey(&mut stage, true, "a world without colour");
    let here = whole(&mut stage);
    stage.wait_for("a step under other words", |s| s.picture(size).filter(|picture| *picture != here));
    stage.xdotool(&["key", "w"]);
    assert!(stands(&mut stage), "somebody took a step and it still walks by itself");
    stage.xdotool(&["key", "g", "sleep", "0.3", "key", "g"]);
    assert!(stands(&mut stage), "who asks twice has it stand again");
}

/// A list that is dropped on the window is said by Space, forth and back.
#[test]
fn a_list_is_dropped_and_said_forth_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a list.txt");
    std::fs::write(&path, format!("snow\n{GREY}\n# a remark\ncandy\n")).unwrap();
    let mut stage = open(&[]);
    wait_grey(&mut stage, false, "a world in colour");
    drop_file(&stage, &path);
    let mut said = Vec::new();
    for key in ["space", "space", "space", "shift+space"] {
        stage.xdotool(&["sleep", "0.6", "key", key]);
        let count = said.len() + 1;
        said = stage.wait_for("another prompt", |s| {
            let said: Vec<String> = s.said().lines().filter_map(|line| Some(line.split_once("said: ")?.1.to_owned())).collect();
            (said.len() == count).then_some(said)
        });
    }
    assert_eq!(said, ["snow", GREY, "candy", GREY]);
    wait_grey(&mut stage, true, "the one before");
}

/// Keys turn parts of what is said, one after another, forth and back; what else was said stays.
#[test]
fn keys_turn_what_is_said() {
    let mut stage = open(&["--prompt", "ruins by day"]);
    wait_grey(&mut stage, false, "a world in colour");
    let turn = |stage: &mut Stage, key: &str, to: &str| {
        stage.xdotool(&["sleep", "0.5", "key", key]);
        stage.wait_for(to, |s| s.said().trim_end().ends_with(&format!("turned to: {to}")).then_some(()));
    };
    turn(&mut stage, "5", "ruins day noir");
    wait_grey(&mut stage, true, "a world without colour");
    turn(&mut stage, "2", "ruins noir dusk");
    turn(&mut stage, "shift+5", "ruins dusk full colour");
    wait_grey(&mut stage, false, "a world in colour again");
    assert!(kept(&stage).ends_with("isles\nruins by day\n"), "what nobody typed is kept: {}", kept(&stage));
}

/// A prompt that another program has copied is pasted, and what is copied here can be pasted there.
#[test]
fn a_prompt_comes_from_another_program_and_goes_to_one() {
    let mut stage = open(&[]);
    wait_grey(&mut stage, false, "a world in colour");
    let other = Neighbour::on(&stage);
    other.own("CLIPBOARD");
    stage.xdotool(&["key", "Return"]);
    std::thread::sleep(Duration::from_millis(400));
    stage.xdotool(&["key", "ctrl+v"]);
    let text = other.atom("UTF8_STRING");
    other.wait_for("the game to ask for what was copied", |event| match event {
        Event::SelectionRequest(asked) => {
            other.give(&asked, GREY.as_bytes());
            (asked.target == text).then_some(())
        }
        _ => None,
    });
    stage.xdotool(&["key", "Return"]);
    wait_grey(&mut stage, true, "the world of the pasted prompt");

    stage.xdotool(&["key", "Return"]);
    std::thread::sleep(Duration::from_millis(400));
    stage.xdotool(&["type", "--delay", "30", "candy"]);
    stage.xdotool(&["key", "ctrl+a", "key", "ctrl+c"]);
    stage.wait_for("the game to copy", |_| (!other.owns("CLIPBOARD")).then_some(()));
    assert_eq!(other.take("CLIPBOARD", "UTF8_STRING"), b"candy");
}

/// In a world that stands still no prompt could be seen: the clock of the queue waits with it, and goes on where it stopped.
#[test]
fn the_queue_waits_while_paused() {
    const EVERY: Duration = Duration::from_secs(8);
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("queue.txt");
    std::fs::write(&list, format!("{GREY}\ncandy\n")).unwrap();
    let mut stage = open(&["--prompt-queue", list.to_str().unwrap(), "--every", "8"]);
    wait_grey(&mut stage, true, "the first prompt");
    stage.xdotool(&["key", "p"]);
    std::thread::sleep(EVERY + Duration::from_secs(1));
    stage.xdotool(&["key", "p"]);
    let went_on = Instant::now();
    std::thread::sleep(Duration::from_millis(800));
    let grey = is_grey(&stage);
    assert!(grey == Some(true) || went_on.elapsed() > EVERY / 2, "the second prompt came as soon as the world went on");
    wait_grey(&mut stage, false, "the second prompt");
}

/// A visitor leaves a prompt and goes: the world begins anew and walks by itself, until the next one touches a key.
#[test]
fn a_world_left_alone_begins_anew_and_walks_until_somebody_comes() {
    let mut stage = open(&["--idle", "8", "--invite", ""]);
    let size = (144, 112);
    wait_grey(&mut stage, false, "a world in colour");
    type_prompt(&stage, GREY);
    wait_grey(&mut stage, true, "a world without colour");
    wait_grey(&mut stage, false, "the world as it began");
    assert!(stage.said().contains("nobody is there"), "{}", stage.said());
    assert!(!stage.config.path().join("prompts.txt").exists(), "what visitors say is kept");
    let begun = stage.wait_for("the whole picture, without the panel", |s| s.picture(size));
    stage.wait_for("a step of its own", |s| s.picture(size).filter(|picture| *picture != begun));
    // A key that means nothing is a sign of life all the same.
    stage.xdotool(&["key", "j"]);
    std::thread::sleep(Duration::from_secs(1));
    let here = stage.wait_for("the picture", |s| s.picture(size));
    std::thread::sleep(Duration::from_secs(2));
    assert!(stage.picture(size) == Some(here), "somebody is there and the world still walks by itself");
}
