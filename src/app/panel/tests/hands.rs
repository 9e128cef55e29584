//! What keys, pads, fingers and mice do in the interface, and what they are told.

use egui::{TouchDeviceId, TouchId, TouchPhase};

use super::*;
use crate::app::hints::HINT_LASTS;

#[test]
fn keys_go_through_the_panel() {
    let mut bench = Bench::new(8);
    let press = |bench: &mut Bench, pressed: Key| bench.draw(vec![key(pressed)]).1;
    assert_eq!(press(&mut bench, Key::Space), [], "they walk");
    let by_keys = |bench: &mut Bench| {
        bench.state.keys.lead_in();
        bench.draw(Vec::new());
    };
    by_keys(&mut bench);
    assert_eq!(press(&mut bench, Key::Space), [UiEvent::Command(Command::Pause)]);
    press(&mut bench, Key::Tab);
    press(&mut bench, Key::ArrowDown);
    assert_eq!(press(&mut bench, Key::Enter), [UiEvent::Command(Command::Map)], "beside it, and below");
    press(&mut bench, Key::Escape);
    assert!(!bench.state.keys.on);
    assert_eq!(press(&mut bench, Key::Space), [], "they walk again");
    by_keys(&mut bench);
    assert_eq!(press(&mut bench, Key::Space), [UiEvent::Command(Command::Map)], "they go on where they were");
    // Through the rest of that row and the prompt into the menu of lands, and in it.
    for pressed in [Key::Tab, Key::Tab, Key::Tab, Key::Tab, Key::Space, Key::Tab, Key::ArrowDown] {
        assert_eq!(press(&mut bench, pressed), [], "{pressed:?}");
    }
    assert_eq!(press(&mut bench, Key::Space), [UiEvent::Dial(Dial::Land, Some(1))]);
    press(&mut bench, Key::Escape);
    by_keys(&mut bench);
    press(&mut bench, Key::Space);
    assert!(bench.draw(Vec::new()).0.contains(Dial::Land.values()[1]), "the menu is where they were before it");
    // A panel that is gone leads no keys.
    bench.state.panel = false;
    bench.draw(Vec::new());
    assert!(!bench.state.keys.on);
}

#[test]
fn a_pad_goes_on_where_what_it_pressed_is_gone() {
    let mut bench = Bench::new(8);
    let pressed_next = |bench: &mut Bench, led_by_pad| {
        (bench.state.keys.led_by_pad, bench.state.keys.on) = (led_by_pad, true);
        bench.ctx.memory_mut(|memory| memory.request_focus(egui::Id::unique("gone")));
        (0..5).for_each(|_| drop(bench.draw(Vec::new())));
        bench.draw(vec![key(Key::Space)]).1
    };
    assert_eq!(pressed_next(&mut bench, false), [], "who has a pointer walks");
    assert_eq!(pressed_next(&mut bench, true), [UiEvent::Command(Command::Pause)]);
}

#[test]
fn a_pad_is_told_how_to_work_the_panel_and_the_map() {
    let mut bench = Bench::new(8);
    assert!(!bench.draw(Vec::new()).0.contains("D-pad to go through the panel"));
    bench.state.hand = Hand::Pad;
    assert!(bench.draw(Vec::new()).0.contains("D-pad to go through the panel     A (cross) presses     B (circle) closes it"));
    bench.state.panel = false;
    assert!(!bench.draw(Vec::new()).0.contains("D-pad to go through the panel"));
    let bindings = Bindings::default();
    let (keys, pad) = (map_text(&bindings, Hand::Keys), map_text(&bindings, Hand::Pad));
    assert!(keys.starts_with("Arrows and + - or drag and wheel to look around, 0 for all of it     F12 saves it"), "{keys}");
    assert!(pad.starts_with("Left stick to look around, triggers ") && pad.ends_with("     B (circle) goes on"), "{pad}");
    assert_eq!(map_text(&bindings, Hand::Finger), "Drag to look around, pinch to come nearer     Back goes on");
}

#[test]
fn the_first_line_names_what_is_bound() {
    let bindings = Bindings::default();
    let from_above = [true, true, false];
    let (keys, pad) = (hint_text(&bindings, Hand::Keys, from_above), hint_text(&bindings, Hand::Pad, from_above));
    assert!(keys.contains("Tab for the panel") && keys.contains("Enter for a prompt") && !keys.contains("triangle"), "{keys}");
    assert!(pad.contains("Y (triangle) for the panel") && pad.contains("A (cross) for another one") && !pad.contains("Tab"), "{pad}");
    assert!(!hint_text(&bindings, Hand::Keys, [false, true, false]).contains("prompt"), "a pack without words");
    assert!(keys.contains("V from within") && !hint_text(&bindings, Hand::Keys, [true, false, false]).contains("within"), "{keys}");
    assert!(keys.starts_with("W A S D or arrows to walk ") && pad.starts_with("left stick or d-pad to walk "), "{keys}, {pad}");
    assert!(keys.contains("2 for another light") && pad.contains("Right stick up for another light"), "{keys}, {pad}");
    let walk = ["KeyI = \"north\"", "KeyJ = \"west\"", "KeyK = \"south\"", "KeyL = \"east\""].join("\n");
    let own = Bindings::parse(&format!("[keys]\n{walk}\nKeyQ = \"panel\"")).expect("a table");
    assert_eq!(hint_text(&own, Hand::Keys, from_above), "I J K L to walk     Q for the panel");
    assert_eq!(hint_text(&own, Hand::Keys, [true; 3]), "I K to walk, J L to turn     Q for the panel");
}

#[test]
fn the_first_line_says_how_one_walks_in_the_view_there_is() {
    let bindings = Bindings::default();
    let from_within = [Hand::Keys, Hand::Pad, Hand::Finger].map(|hand| hint_text(&bindings, hand, [true; 3]));
    let [keys, pad, finger] = &from_within;
    assert!(keys.starts_with("W S to walk, A D to turn     ") && keys.contains("V from above"), "{keys}");
    assert!(pad.starts_with("left stick or d-pad to walk, right stick to turn     ") && pad.contains(" from above"), "{pad}");
    assert_eq!(finger, "Hold ahead to walk, at the sides to turn");
    // What is wished for counts where the world can be seen so.
    let from_above = [Hand::Keys, Hand::Pad, Hand::Finger].map(|hand| hint_text(&bindings, hand, [true, false, true]));
    assert!(from_above.iter().all(|text| !text.contains("turn") && !text.contains("from above")), "{from_above:?}");
    let mut bench = Bench::new(8);
    bench.state.panel = false;
    assert!(bench.draw(Vec::new()).0.contains("W A S D or arrows to walk"));
    let mut info = SourceInfo::clone(bench.status.info.as_ref().unwrap());
    info.within = true;
    (bench.status.info, bench.state.within) = (Some(Arc::new(info)), true);
    assert!(bench.draw(Vec::new()).0.contains("W S to walk, A D to turn"));
}

#[test]
fn fingers_have_buttons() {
    let mut bench = Bench::new(8);
    bench.state.panel = false;
    assert!(!bench.draw(Vec::new()).0.contains("New prompt"), "keys have their own");
    bench.state.hand = Hand::Finger;
    let written = bench.draw(Vec::new()).0;
    assert!(written.contains("Hold a finger where you want to go") && !written.contains("Step in"), "{written}");
    assert_eq!(bench.click_on("New prompt"), [UiEvent::Command(Command::NextPrompt)]);
    assert_eq!(bench.click_on("Light"), [UiEvent::Command(Command::Turn(Dial::Light))]);
    assert_eq!(bench.click_on("Surprise"), [UiEvent::Command(Command::Surprise)]);
    assert_eq!(bench.click_on("Panel"), [UiEvent::Command(Command::Panel)]);
    // From the map the same button leads back.
    assert!(!bench.draw(Vec::new()).0.contains("Back"));
    assert_eq!(bench.click_on("Map"), [UiEvent::Command(Command::Map)]);
    bench.state.map.begin(false);
    assert_eq!(bench.click_on("Back"), [UiEvent::Command(Command::Map)]);
    assert!(bench.draw_places(Vec::new()).0.iter().all(|(text, _)| text != "Map"));
    bench.state.map = MapState::default();
    // The picture leaves them their place, and at an event nobody leads the next visitor into a panel.
    let below = bench.picture.y + bench.picture.height;
    bench.state.venue.event = true;
    let (written, _) = bench.draw_places(Vec::new());
    let place = written.iter().find(|(text, _)| text == "Map").expect("a button").1;
    assert!(place.y > below as f32 && written.iter().all(|(text, _)| text != "Panel" && text != "Pause"), "{written:?}");
    assert!(written.iter().all(|(text, _)| text != "Photo"), "no picture would be kept: {written:?}");
    assert_eq!(bench.click_on("New world"), [UiEvent::Command(Command::NewSeed)], "another world needs no picture");
    // Who has a finger alone leaves what somebody with a pad left open.
    bench.state.panel = true;
    assert_eq!(bench.click_on("Close"), [UiEvent::Command(Command::Panel)]);
    bench.state.panel = false;
    assert!(!bench.draw(Vec::new()).0.contains("Close"));
    bench.state.venue.keeps_pictures = true;
    assert_eq!(bench.click_on("Photo"), [UiEvent::Command(Command::Screenshot)]);
    // More than one row has room for.
    let mut info = SourceInfo::clone(bench.status.info.as_ref().unwrap());
    info.within = true;
    (bench.status.info, bench.state.venue.event) = (Some(Arc::new(info)), false);
    let (written, _) = bench.draw_places(Vec::new());
    let row_of = |label: &str| written.iter().find(|(text, _)| text == label).expect("a button").1.y;
    assert!(row_of("New prompt") < row_of("Panel"), "{written:?}");
}

#[test]
fn a_press_anywhere_leaves_the_lines_of_help() {
    let mut bench = Bench::new(8);
    let helps = |bench: &mut Bench| bench.draw(Vec::new()).0.contains("these lines");
    (bench.state.panel, bench.state.venue.event, bench.state.help) = (false, true, true);
    bench.draw(vec![Event::PointerMoved(pos2(300.0, 300.0))]);
    assert!(helps(&mut bench), "a pointer that moves");
    bench.click(pos2(300.0, 300.0));
    assert!(!helps(&mut bench));
}

#[test]
fn a_picture_that_is_taken_is_seen_at_once_and_for_a_moment() {
    let mut bench = Bench::new(8);
    let mut is_white = |shot_at: Option<Instant>| {
        bench.state.shot_at = shot_at;
        let screen = egui::Rect::from_min_size(Pos2::ZERO, vec2(900.0, 720.0));
        let input = egui::RawInput { screen_rect: Some(screen), ..Default::default() };
        let mut output = bench.ctx.run_ui(input, |ui| {
            show(ui, &mut bench.state, &bench.status, &mut Vec::new());
        });
        output.textures_delta.clear();
        let white = Color32::from_white_alpha(SHUTTER_ALPHA);
        output.shapes.iter().any(|shape| matches!(&shape.shape, Shape::Rect(rect) if rect.fill == white))
    };
    assert!(!is_white(None));
    // However long this drawing takes, the picture is taken at its end.
    assert!(is_white(Some(Instant::now() + HINT_LASTS)));
    assert!(!is_white(Instant::now().checked_sub(SHUTTER)), "a moment later");
}

#[test]
fn the_window_it_opens_with_has_room_for_all_buttons_in_a_row() {
    let mut bench = Bench::new(8);
    theme::apply(&bench.ctx);
    bench.state.venue.keeps_pictures = true;
    let mut info = SourceInfo::clone(bench.status.info.as_ref().unwrap());
    info.within = true;
    // Buttons, rows, and whether letters are left out.
    let shown = |state: &UiState, width: f32| {
        let screen = egui::Rect::from_min_size(Pos2::ZERO, vec2(width, 720.0));
        let input = egui::RawInput { screen_rect: Some(screen), ..Default::default() };
        let mut output = bench.ctx.run_ui(input, |ui| touch_bar::show(ui, state, &info, &mut Vec::new()));
        output.textures_delta.clear();
        let texts = output.shapes.iter().filter_map(|shape| if let Shape::Text(text) = &shape.shape { Some(text) } else { None });
        let texts: Vec<_> = texts.filter(|text| !text.galley.text().is_empty()).collect();
        let mut rows: Vec<i32> = texts.iter().map(|text| text.pos.y as i32).collect();
        rows.dedup();
        (texts.len(), rows.len(), texts.iter().any(|text| text.galley.elided))
    };
    assert_eq!(shown(&bench.state, 1024.0), (10, 1, false));
    assert_eq!(shown(&bench.state, 990.0), (10, 2, false));
    assert!(shown(&bench.state, 400.0).2, "in two rows there is no room either");
    // One for the sound makes it six in a row, and has none where five fill it.
    bench.state.sounds = true;
    assert_eq!([590.0, 640.0].map(|width| shown(&bench.state, width)), [(10, 2, false), (11, 2, false)]);
}

#[test]
fn fingers_silence_it_where_it_is_heard_and_there_is_room() {
    let mut bench = Bench::new(8);
    bench.state.volume.sound();
    let info = bench.status.info.clone().unwrap();
    let silence = |state: &UiState, width: f32| {
        let screen = egui::Rect::from_min_size(Pos2::ZERO, vec2(width, 720.0));
        let input = egui::RawInput { screen_rect: Some(screen), ..Default::default() };
        let mut output = egui::Context::default().run_ui(input, |ui| touch_bar::show(ui, state, &info, &mut Vec::new()));
        output.textures_delta.clear();
        let mut written = Vec::new();
        output.shapes.iter().for_each(|shape| read(&shape.shape, &mut written));
        written.into_iter().map(|(text, _)| text).find(|text| text == "Silence" || text == "Sound")
    };
    assert_eq!(silence(&bench.state, 940.0), None, "no device plays it");
    bench.state.sounds = true;
    assert_eq!(silence(&bench.state, 940.0).as_deref(), Some("Silence"));
    // In a row of so many points the eight others leave no room for it, and in two they do.
    assert_eq!([880.0, 830.0, 780.0].map(|width| silence(&bench.state, width).is_some()), [false, false, true]);
    bench.state.volume.silence();
    assert_eq!(silence(&bench.state, 940.0).as_deref(), Some("Sound"));
    bench.state.venue.event = true;
    assert_eq!(silence(&bench.state, 940.0), None);
}

#[test]
fn a_double_click_opens_the_panel_and_closes_it_where_no_event_goes_on() {
    let mut bench = Bench::new(8);
    let at = pos2(200.0, 900.0);
    // Longer than a double click may last, in frames of a sixtieth of a second.
    let wait = |bench: &mut Bench| (0..60).for_each(|_| drop(bench.draw(Vec::new())));
    let twice = |bench: &mut Bench| {
        wait(bench);
        [bench.click(at), bench.click(at)].concat()
    };
    let opens = [UiEvent::Command(Command::Panel)];
    assert_eq!(twice(&mut bench), opens, "it is open");
    bench.state.panel = false;
    wait(&mut bench);
    assert_eq!(bench.click(at), [], "once is not twice");
    assert_eq!(twice(&mut bench), opens);
    // A finger's taps are steps, but on the figure.
    let taps = |bench: &mut Bench, at: Pos2| {
        wait(bench);
        let touch = |phase| Event::Touch { device_id: TouchDeviceId(0), id: TouchId(0), phase, pos: at, force: None };
        let tap = |bench: &mut Bench| {
            let events = bench.draw(vec![touch(TouchPhase::Start)]).1;
            [events, bench.click(at), bench.draw(vec![touch(TouchPhase::End)]).1].concat()
        };
        let events = [tap(bench), tap(bench)].concat();
        events.into_iter().filter(|event| matches!(event, UiEvent::Command(_))).collect::<Vec<_>>()
    };
    let figure = bench.picture;
    assert_eq!(taps(&mut bench, at), []);
    assert_eq!(taps(&mut bench, pos2((figure.x + figure.width / 2) as f32, (figure.y + figure.height / 2) as f32)), opens);
    assert_eq!(twice(&mut bench), opens, "a mouse clicks where it likes");
    bench.state.venue.event = true;
    assert_eq!(twice(&mut bench), [], "visitors tap at everything");
}
