//! The interface without a window: what is written where, and what clicks and keys ask for.

use egui::{Event, Key, Modifiers, Pos2, Shape, TouchDeviceId, TouchId, TouchPhase, pos2};

use super::*;
use crate::dream::account::Account;
use crate::dream::lookahead::Branch;
use crate::dream::source::{ActionInfo, Strides};
use crate::engine::Settled;

/// The panel, drawn on no screen.
struct Bench {
    ctx: egui::Context,
    state: UiState,
    status: Status,
    /// Where the picture was last.
    picture: RectPx,
}

impl Bench {
    fn new(prompt_words: usize) -> Self {
        let info = SourceInfo {
            kind: SourceKind::Dream,
            title: "bench".to_owned(),
            engine: String::new(),
            device: String::new(),
            width_px: 32,
            height_px: 32,
            rate_hz: 10,
            strides: None,
            within: false,
            grid: [2, 2],
            actions: Vec::new(),
            prompt_words,
            suggested_prompts: vec!["neon night".to_owned()],
            window: 4,
            context_levels: 1,
        };
        let settings = DecodeSettings { steps: 2, temperature: 1.0, window: 4, ..DecodeSettings::LEAST };
        let mut state = UiState::new(settings, Rate::Own, Arc::default());
        state.panel = true;
        Self {
            ctx: egui::Context::default(),
            state,
            status: Status { info: Some(Arc::new(info)), ..Status::default() },
            picture: RectPx::default(),
        }
    }

    /// All that is written, and what was asked for.
    fn draw(&mut self, input: Vec<Event>) -> (String, Vec<UiEvent>) {
        let (written, events) = self.draw_places(input);
        (written.into_iter().map(|(text, _)| text + "\n").collect(), events)
    }

    /// As [`Self::draw`], with where each text stands.
    fn draw_places(&mut self, input: Vec<Event>) -> (Vec<(String, Pos2)>, Vec<UiEvent>) {
        let screen = egui::Rect::from_min_size(Pos2::ZERO, vec2(900.0, 2000.0));
        let input = egui::RawInput { screen_rect: Some(screen), events: input, focused: true, ..Default::default() };
        let mut events = Vec::new();
        let mut output = self.ctx.run_ui(input, |ui| {
            self.picture = show(ui, &mut self.state, &self.status, &mut events);
        });
        // Nothing is painted, and egui minds in debug builds.
        output.textures_delta.clear();
        let mut written = Vec::new();
        output.shapes.iter().for_each(|shape| read(&shape.shape, &mut written));
        (written, events)
    }

    /// What a press and release of the left button asks for.
    fn click(&mut self, at: Pos2) -> Vec<UiEvent> {
        let button = |pressed| Event::PointerButton { pos: at, button: egui::PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
        self.draw(vec![Event::PointerMoved(at)]);
        let pressed = self.draw(vec![button(true)]).1;
        [pressed, self.draw(vec![button(false)]).1].concat()
    }

    fn click_on(&mut self, label: &str) -> Vec<UiEvent> {
        let (written, _) = self.draw_places(Vec::new());
        let place = written.iter().find(|(text, _)| text == label);
        let at = place.unwrap_or_else(|| panic!("{label} is not written in {written:?}")).1;
        self.click(at + vec2(4.0, 4.0))
    }
}

fn read(shape: &Shape, written: &mut Vec<(String, Pos2)>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| read(shape, written)),
        Shape::Text(shape) => written.push((shape.galley.text().to_owned(), shape.pos)),
        _ => {}
    }
}

fn key(key: Key) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE }
}

#[test]
fn a_pack_without_words_says_so() {
    let (text, _) = Bench::new(0).draw(Vec::new());
    assert!(text.contains("takes no prompts") && !text.contains("neon night"), "{text}");
    let (text, _) = Bench::new(8).draw(Vec::new());
    assert!(!text.contains("takes no prompts") && text.contains("neon night") && text.contains("guidance"), "{text}");
}

#[test]
fn typing_alone_says_nothing_and_enter_does() {
    let mut bench = Bench::new(8);
    bench.draw(Vec::new());
    bench.ctx.memory_mut(|memory| memory.request_focus(prompt_field::id()));
    bench.draw(Vec::new());
    let (text, events) = bench.draw(vec![Event::Text("snow qwrtzx ".to_owned())]);
    assert_eq!(events, [], "{text}");
    let (text, events) = bench.draw(Vec::new());
    assert!(text.contains("qwrtzx: not known") && events.is_empty(), "{text}");
    let (_, events) = bench.draw(vec![key(Key::Enter)]);
    assert_eq!(events, [UiEvent::Prompt("snow qwrtzx ".to_owned())]);
    // What was said before comes back by going up, and is not said by that.
    bench.state.prompt.history.said("candy");
    bench.ctx.memory_mut(|memory| memory.request_focus(prompt_field::id()));
    bench.draw(Vec::new());
    assert_eq!(bench.draw(vec![key(Key::ArrowUp)]).1, []);
    assert_eq!(bench.state.prompt.text, "candy");
    bench.draw(vec![key(Key::ArrowDown)]);
    assert_eq!(bench.state.prompt.text, "snow qwrtzx ");
}

#[test]
fn the_picture_stands_in_the_middle_of_what_the_bar_leaves() {
    let mut bench = Bench::new(8);
    bench.state.panel = false;
    for (hud, bar) in [(false, 0), (true, BAR_HEIGHT as u32)] {
        bench.state.hud = hud;
        bench.draw(Vec::new());
        let rect = bench.picture;
        assert_eq!((rect.x + rect.width / 2, rect.y + rect.height / 2), (450, (2000 - bar) / 2));
    }
}

#[test]
fn a_prompt_of_which_nothing_counts_says_so_and_offers_what_would() {
    let mut bench = Bench::new(8);
    bench.state.prompt.said = "snow".to_owned();
    bench.state.prompt.text = "forrest".to_owned();
    let (text, _) = bench.draw(Vec::new());
    assert!(text.contains("forrest: not known") && text.contains("No word of it counts") && text.contains("In force: snow"), "{text}");
    assert_eq!(bench.click_on("forest"), []);
    assert_eq!(bench.state.prompt.text, "forest");
    bench.draw(Vec::new());
    let (text, events) = bench.draw(vec![key(Key::Enter)]);
    assert_eq!(events, [UiEvent::Prompt("forest".to_owned())], "{text}");
    // The control: where something counts, nothing of that is said.
    bench.state.prompt.text = "forest".to_owned();
    let (text, _) = bench.draw(Vec::new());
    assert!(!text.contains("No word of it counts") && text.contains("Enter to say it"), "{text}");
}

#[test]
fn the_keys_go_to_the_field_when_asked_and_earlier_prompts_are_hinted_at() {
    let mut bench = Bench::new(8);
    let (text, _) = bench.draw(Vec::new());
    assert!(!text.contains("earlier"), "{text}");
    bench.state.prompt.history.said("fog");
    bench.state.prompt.history.said("candy");
    let (text, _) = bench.draw(Vec::new());
    assert!(text.contains("Up brings back earlier prompts") && text.contains("earlier\n"), "{text}");
    bench.state.prompt.text = "noir".to_owned();
    bench.state.prompt.wants_keys = true;
    bench.draw(Vec::new());
    bench.draw(vec![Event::Text("neon".to_owned())]);
    assert_eq!(bench.state.prompt.text, "neon", "what stood there is written over");
    bench.draw(vec![key(Key::ArrowUp)]);
    assert_eq!(bench.state.prompt.text, "candy");
    // The same with the pointer.
    bench.click_on("earlier");
    assert_eq!(bench.click_on("fog"), [UiEvent::Prompt("fog".to_owned())]);
}

#[test]
fn a_refused_prompt_keeps_the_keys_to_be_put_right_or_written_over() {
    let mut bench = Bench::new(8);
    bench.draw(Vec::new());
    bench.ctx.memory_mut(|memory| memory.request_focus(prompt_field::id()));
    bench.draw(Vec::new());
    let types = |bench: &mut Bench, letters: &str| {
        bench.draw(Vec::new());
        bench.draw(vec![Event::Text(letters.to_owned())]);
        bench.state.prompt.text.clone()
    };
    let enter = |bench: &mut Bench| bench.draw(vec![key(Key::Enter)]).1;
    assert_eq!(types(&mut bench, "qwrtzx"), "qwrtzx");
    assert_eq!(enter(&mut bench), [UiEvent::Prompt("qwrtzx".to_owned())]);
    // The control: what is not refused gives the keys back.
    assert_eq!(types(&mut bench, "n"), "qwrtzx");
    bench.state.prompt.refuse("qwrtzx");
    assert_eq!(types(&mut bench, " blorgh"), "qwrtzx blorgh");
    for _ in 0..2 {
        assert_eq!(enter(&mut bench), [UiEvent::Prompt("qwrtzx blorgh".to_owned())]);
        bench.state.prompt.refuse("qwrtzx blorgh");
        bench.draw(Vec::new());
    }
    assert_eq!(types(&mut bench, "candy"), "candy", "refused again, it is written over");
}

#[test]
fn what_is_in_force_says_what_it_is_heard_as_and_what_is_kept_from_before() {
    let mut bench = Bench::new(8);
    bench.state.prompt.in_force("snow".to_owned(), false, false);
    assert!(bench.draw(Vec::new()).0.contains("\nIn force\n"));
    bench.state.prompt.in_force("a castle in snow".to_owned(), false, false);
    assert!(bench.draw(Vec::new()).0.contains("\nIn force, heard as: ruins snow\n"));
    bench.state.prompt.besides = crate::prompt::ids(&crate::prompt::read("night", 8));
    assert!(bench.draw(Vec::new()).0.contains("\nIn force, heard as: ruins snow; kept from before: night\n"));
}

#[test]
fn a_list_takes_what_is_in_force_and_tells_what_of_it_changes_nothing() {
    let mut bench = Bench::new(8);
    bench.state.prompt.queue.running = true;
    bench.state.prompt.queue.lines = "snow\nqwrtzx".to_owned();
    bench.state.prompt.in_force("snow".to_owned(), true, false);
    let (text, _) = bench.draw(Vec::new());
    assert!(text.contains("1 line changes nothing: \u{201C}qwrtzx\u{201D}") && !text.contains("\nAdd\n"), "{text}");
    bench.state.prompt.in_force("fog night".to_owned(), true, false);
    assert_eq!(bench.click_on("Add"), []);
    assert_eq!(bench.state.prompt.queue.lines, "snow\nqwrtzx\nfog night");
    assert!(!bench.draw(Vec::new()).0.contains("\nAdd\n"), "it is there");
    bench.state.prompt.queue.lines = "snow".to_owned();
    assert!(!bench.draw(Vec::new()).0.contains("nothing:"));
    // Somebody is there who has said something else.
    assert!(!bench.draw(Vec::new()).0.contains("waits until nobody is there"));
    bench.state.prompt.queue.rest();
    assert!(bench.draw(Vec::new()).0.contains("waits until nobody is there"));
}

#[test]
fn what_comes_by_itself_is_not_remembered_and_leaves_half_typed_words() {
    let mut bench = Bench::new(8);
    let prompt = &mut bench.state.prompt;
    prompt.in_force("snow".to_owned(), false, false);
    assert_eq!((prompt.text.as_str(), prompt.history.earlier_than("", 9)), ("snow", vec!["snow"]));
    prompt.in_force("night".to_owned(), true, false);
    assert_eq!((prompt.text.as_str(), prompt.history.earlier_than("", 9)), ("night", vec!["snow"]));
    // Somebody is about to type over what stands there.
    prompt.in_force("fog".to_owned(), true, true);
    assert_eq!((prompt.text.as_str(), prompt.said.as_str()), ("night", "fog"));
    prompt.in_force("rain".to_owned(), true, false);
    assert_eq!(prompt.text, "rain", "nothing was typed");
    // Half typed and left for a moment.
    prompt.text = "a neon ci".to_owned();
    prompt.in_force("desert".to_owned(), true, false);
    assert_eq!((prompt.text.as_str(), prompt.said.as_str()), ("a neon ci", "desert"));
    prompt.drop_draft();
    assert_eq!(prompt.text, "rain");
    prompt.text = "a neon ci".to_owned();
    // What is chosen meanwhile does take its place.
    prompt.in_force("candy".to_owned(), false, false);
    assert_eq!((prompt.text.as_str(), prompt.history.earlier_than("", 9)), ("candy", vec!["candy", "snow"]));
}

#[test]
fn a_paused_queue_says_that_it_waits() {
    let mut bench = Bench::new(8);
    bench.state.prompt.queue.lines = "snow\nneon".to_owned();
    bench.state.prompt.queue.running = true;
    bench.state.prompt.queue.due(Duration::ZERO);
    assert!(bench.draw(Vec::new()).0.contains("\nin 30 s: neon"));
    bench.state.paused = true;
    assert!(bench.draw(Vec::new()).0.contains("\npaused, then in 30 s: neon"));
    assert_eq!(bench.click_on("Next"), [UiEvent::Command(Command::NextPrompt)]);
}

#[test]
fn a_day_goes_by_where_it_is_asked_for() {
    let mut bench = Bench::new(8);
    assert!(!bench.draw(Vec::new()).0.contains("A day goes by in"), "folded away");
    assert_eq!(bench.click_on("By the clock: a day, prompts"), []);
    assert!(bench.draw(Vec::new()).0.contains("A day goes by in") && !bench.draw(Vec::new()).0.contains("dusk in"));
    assert_eq!(bench.click_on("A day goes by in"), []);
    assert!(bench.state.prompt.day.running && bench.state.prompt.day.turned(Duration::ZERO));
    assert!(bench.draw(Vec::new()).0.contains("\ndusk in 180 s"));
    bench.state.paused = true;
    assert!(bench.draw(Vec::new()).0.contains("\npaused") && !bench.draw(Vec::new()).0.contains("dusk in"));
}

#[test]
fn a_menu_says_one_part_of_the_prompt() {
    let mut bench = Bench::new(8);
    bench.state.prompt.said = "a forest at night".to_owned();
    let (text, _) = bench.draw(Vec::new());
    for name in ["forest", "night", "weather", "season", "style"] {
        assert!(text.lines().any(|line| line == name), "{name} in {text}");
    }
    assert_eq!(bench.click_on("night"), [], "the menu opens");
    assert_eq!(bench.click_on("dawn"), [UiEvent::Dial(Dial::Light, Some(3))]);
    bench.click_on("night");
    assert_eq!(bench.click_on("leave it open"), [UiEvent::Dial(Dial::Light, None)]);
}

#[test]
fn keys_go_through_the_panel() {
    let mut bench = Bench::new(8);
    let press = |bench: &mut Bench, pressed: Key| bench.draw(vec![key(pressed)]).1;
    assert_eq!(press(&mut bench, Key::Space), [], "they walk");
    let by_keys = |bench: &mut Bench| {
        (bench.state.by_keys, bench.state.wants_keys) = (true, true);
        bench.draw(Vec::new());
    };
    by_keys(&mut bench);
    assert_eq!(press(&mut bench, Key::Space), [UiEvent::Command(Command::Pause)]);
    press(&mut bench, Key::Tab);
    press(&mut bench, Key::ArrowDown);
    assert_eq!(press(&mut bench, Key::Enter), [UiEvent::Command(Command::Map)], "beside it, and below");
    press(&mut bench, Key::Escape);
    assert!(!bench.state.by_keys);
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
    assert!(!bench.state.by_keys);
}

#[test]
fn a_pad_goes_on_where_what_it_pressed_is_gone() {
    let mut bench = Bench::new(8);
    let pressed_next = |bench: &mut Bench, led_by_pad| {
        (bench.state.led_by_pad, bench.state.by_keys) = (led_by_pad, true);
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
    // The picture leaves them their place, and at an event nobody leads the next visitor into a panel.
    let below = bench.picture.y + bench.picture.height;
    bench.state.event = true;
    let (written, _) = bench.draw_places(Vec::new());
    let place = written.iter().find(|(text, _)| text == "Map").expect("a button").1;
    assert!(place.y > below as f32 && written.iter().all(|(text, _)| text != "Panel" && text != "Pause"), "{written:?}");
    assert!(written.iter().all(|(text, _)| text != "Photo"), "no picture would be kept: {written:?}");
    assert_eq!(bench.click_on("New world"), [UiEvent::Command(Command::NewSeed)], "another world needs no picture");
    bench.state.keeps_pictures = true;
    assert_eq!(bench.click_on("Photo"), [UiEvent::Command(Command::Screenshot)]);
    // More than one row has room for.
    let mut info = SourceInfo::clone(bench.status.info.as_ref().unwrap());
    info.within = true;
    (bench.status.info, bench.state.event) = (Some(Arc::new(info)), false);
    let (written, _) = bench.draw_places(Vec::new());
    let row_of = |label: &str| written.iter().find(|(text, _)| text == label).expect("a button").1.y;
    assert!(row_of("New prompt") < row_of("Panel"), "{written:?}");
}

#[test]
fn the_window_it_opens_with_has_room_for_all_buttons_in_a_row() {
    let mut bench = Bench::new(8);
    theme::apply(&bench.ctx);
    bench.state.keeps_pictures = true;
    let mut info = SourceInfo::clone(bench.status.info.as_ref().unwrap());
    info.within = true;
    // Buttons, rows, and whether letters are left out.
    let shown = |width: f32| {
        let screen = egui::Rect::from_min_size(Pos2::ZERO, vec2(width, 720.0));
        let input = egui::RawInput { screen_rect: Some(screen), ..Default::default() };
        let mut output = bench.ctx.run_ui(input, |ui| touch_bar::show(ui, &bench.state, &info, &mut Vec::new()));
        output.textures_delta.clear();
        let texts = output.shapes.iter().filter_map(|shape| if let Shape::Text(text) = &shape.shape { Some(text) } else { None });
        let texts: Vec<_> = texts.filter(|text| !text.galley.text().is_empty()).collect();
        let mut rows: Vec<i32> = texts.iter().map(|text| text.pos.y as i32).collect();
        rows.dedup();
        (texts.len(), rows.len(), texts.iter().any(|text| text.galley.elided))
    };
    assert_eq!(shown(1024.0), (10, 1, false));
    assert_eq!(shown(990.0), (10, 2, false));
    assert!(shown(400.0).2, "in two rows there is no room either");
}

#[test]
fn what_is_painted_is_what_is_dreamed_again() {
    let mut bench = Bench::new(8);
    bench.draw(Vec::new());
    assert_eq!(bench.click_on("Paint over the picture ..."), [UiEvent::Paint(true)]);
    bench.state.paint.begin(false);
    assert_eq!(bench.click_on("Dream it"), [], "nothing is painted yet");
    // The upper left corner of the picture, whose four tokens lie in the middle of the free area.
    let corner = bench.picture;
    assert_eq!(bench.click(pos2(corner.x as f32 + 5.0, corner.y as f32 + 5.0)), []);
    assert_eq!(bench.click_on("Dream it"), [UiEvent::Repaint(vec![true, false, false, false], String::new())]);
    assert_eq!(bench.click_on("Undo stroke"), []);
    assert_eq!(bench.click_on("Dream it"), [], "the stroke is taken back");
    assert_eq!(bench.click_on("Play on"), [UiEvent::Paint(false)]);
    assert_eq!(bench.click_on("Take back"), [UiEvent::TakeBack]);
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
    bench.state.event = true;
    assert_eq!(twice(&mut bench), [], "visitors tap at everything");
}

#[test]
fn what_comes_next_is_off_until_asked_for_and_says_what_it_costs() {
    let mut bench = Bench::new(0);
    let mut info = SourceInfo::clone(bench.status.info.as_ref().unwrap());
    let action = |name: &str| ActionInfo { name: name.to_owned(), share: None, purity: None, bound_to: Vec::new() };
    info.actions = ["north", "south", "east", "west"].map(action).into();
    bench.status.info = Some(Arc::new(info));
    let branch = |frames| Some(Arc::new(Branch { rgba: vec![200; 32 * 32 * 4], frames }));
    bench.status.branches = vec![branch(40), branch(40), None, branch(20)];
    (bench.status.frames, bench.status.branch_ms) = (41, 12.34);
    let of_north = |text: &str| text.matches("north").count();
    let (text, _) = bench.draw(Vec::new());
    assert!(!text.contains("ms each"), "{text}");
    let names = of_north(&text);
    assert_eq!(bench.click_on("What comes next"), [UiEvent::Preview]);
    let (text, _) = bench.draw(Vec::new());
    assert!(text.contains("12.3 ms each") && of_north(&text) == names + 1 && !text.contains("time that is left"), "{text}");
    // Where pictures are older than a second, it says why.
    bench.status.frames = 60;
    let (text, _) = bench.draw(Vec::new());
    assert!(text.contains("waits for time that is left"), "{text}");
    bench.status.branches.clear();
    bench.state.paused = true;
    assert!(bench.draw(Vec::new()).0.contains("looking ahead"));
    assert_eq!(bench.click_on("What comes next"), [UiEvent::Preview]);
}

/// Of four tokens and a look.
fn account() -> Arc<Account> {
    let token = |step, odds| Settled { step, odds };
    let settled = vec![Settled::GIVEN, token(1, 250), token(2, 210), token(1, 31), token(3, 255)];
    Arc::new(Account { codes: (0..10).map(|i| i % 7).collect(), settled, code_levels: 7 })
}

#[test]
fn tokens_are_shown_where_asked_for_and_the_one_pointed_at_is_told() {
    let mut bench = Bench::new(8);
    bench.draw(Vec::new());
    let (without, _) = bench.draw_places(Vec::new());
    let above_the_bar = without.iter().filter(|(_, at)| at.y < 1900.0);
    let lowest = above_the_bar.max_by(|a, b| a.1.y.total_cmp(&b.1.y)).expect("a panel");
    assert_eq!(lowest.0, "Show tokens on the picture", "{without:?}");
    assert_eq!(bench.click_on("Show tokens on the picture"), [UiEvent::Tokens]);
    assert!(bench.draw(Vec::new()).0.contains("Of this frame nothing is known"));
    bench.status.account = Some(account());
    let (with, _) = bench.draw_places(Vec::new());
    assert!(without.iter().all(|text| with.contains(text)), "nothing has moved: {with:?}");
    let text: String = with.into_iter().map(|(text, _)| text + "\n").collect();
    assert!(text.contains("5 tokens, 1 given, 2 settled in step 1, 1 in 2, 1 in 3; least sure 12 %"), "{text}");
    assert!(
        text.contains("given\nstep 1\nstep 2\nstep 3\n") && text.contains("The look: step 3, 100 % sure, token 9: levels 1 2"),
        "{text}"
    );
    // The lower left one of the four.
    let RectPx { x, y, height, .. } = bench.picture;
    let pointed_at = |bench: &mut Bench| {
        bench.draw(vec![Event::PointerMoved(pos2(x as f32 + 5.0, (y + height) as f32 - 5.0))]);
        (0..2).for_each(|_| drop(bench.draw(Vec::new())));
        bench.draw(Vec::new()).0.contains("step 2, 82 % sure, token 33: levels 4 5")
    };
    assert!(pointed_at(&mut bench));
    // From within there is no such place, and while one paints there is the brush.
    bench.state.fills = true;
    assert!(!pointed_at(&mut bench));
    (bench.state.fills, bench.state.paint.active) = (false, true);
    assert!(!pointed_at(&mut bench));
    bench.state.paint.active = false;
    assert!(pointed_at(&mut bench));
    assert_eq!(bench.click_on("Show tokens on the picture"), [UiEvent::Tokens]);
    assert!(!pointed_at(&mut bench) && !bench.draw(Vec::new()).0.contains("least sure"));
    // A simulator has no tokens.
    let mut info = SourceInfo::clone(bench.status.info.as_ref().unwrap());
    info.kind = SourceKind::Truth;
    (bench.status.info, bench.status.account) = (Some(Arc::new(info)), None);
    assert!(!bench.draw(Vec::new()).0.contains("tokens"));
}

#[test]
fn the_view_does_not_glide_past_tokens_that_are_shown() {
    let mut bench = Bench::new(8);
    let mut info = SourceInfo::clone(bench.status.info.as_ref().unwrap());
    info.strides = Some(Strides { motions_px: vec![[16, 0]], standing: [0; 4], patch_px: 16 });
    assert!(bench.state.step_of(&bench.status, &info).is_some());
    bench.state.tokens = true;
    assert!(bench.state.step_of(&bench.status, &info).is_none());
}

#[test]
fn settings_that_sliders_do_not_reach_stay_where_the_panel_is_shown() {
    let mut bench = Bench::new(4);
    let chance = Chance { temperature: 3.25, min_p: 0.005 };
    let settings = DecodeSettings { steps: 12, guidance: 0.25, certain: Some(0.995), new_land: Some(chance), ..bench.state.settings };
    bench.state.settings = DecodeSettings { temperature: 0.123, min_p: 0.0049, ..settings };
    let before = bench.state.settings;
    let (_, events) = bench.draw(Vec::new());
    assert!(events.is_empty() && bench.state.settings == before, "{events:?}");
}

#[test]
fn what_was_set_goes_back_to_what_the_pack_has() {
    let mut bench = Bench::new(4);
    let own = bench.state.settings;
    bench.state.own = Some(own);
    bench.state.settings.seed = 7;
    assert!(!bench.draw(Vec::new()).0.contains("as the pack has it"), "a seed is no setting of a pack");
    (bench.state.settings.temperature, bench.state.settings.guidance) = (0.5, 1.5);
    assert_eq!(bench.click_on("as the pack has it"), [UiEvent::Settings(DecodeSettings { seed: 7, ..own })]);
    assert!(!bench.draw(Vec::new()).0.contains("as the pack has it"));
    // A simulator decodes nothing.
    (bench.state.settings.temperature, bench.state.own) = (0.5, None);
    assert!(!bench.draw(Vec::new()).0.contains("as the pack has it"));
}

#[test]
fn an_invitation_stands_over_the_lower_third() {
    let mut bench = Bench::new(8);
    bench.state.panel = false;
    let written = |bench: &mut Bench| bench.draw_places(Vec::new()).0.into_iter().find(|(text, _)| text == "Come in");
    assert!(written(&mut bench).is_none());
    bench.state.invitation = "Come in".to_owned();
    let at = written(&mut bench).expect("an invitation").1;
    assert!((1333.0..1900.0).contains(&at.y), "{at:?}");
    // What is said stands below it, as long as it does.
    bench.state.prompt.said = "snow night".to_owned();
    assert!(bench.draw(Vec::new()).0.contains("Come in\n\u{201C}snow night\u{201D}"));
    bench.state.invitation.clear();
    assert!(!bench.draw(Vec::new()).0.contains("\u{201C}snow night\u{201D}"));
}

#[test]
fn no_text_upsets_the_field() {
    let mut bench = Bench::new(8);
    for text in
        [String::new(), "snow ".repeat(2000), "\u{1F332}\u{200D}\u{7}\u{202E}".to_owned(), "\u{96EA}\u{306E}\u{68EE} лес".to_owned()]
    {
        bench.state.prompt.text.clone_from(&text);
        bench.draw(Vec::new());
        bench.ctx.memory_mut(|memory| memory.request_focus(prompt_field::id()));
        bench.draw(vec![Event::Paste(text)]);
        assert!(!bench.state.prompt.text.contains(char::is_control));
        bench.draw(vec![key(Key::Enter)]);
    }
}
