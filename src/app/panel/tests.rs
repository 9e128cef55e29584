//! The interface without a window: what is written where, and what clicks and keys ask for.

mod hands;
mod prompt;

use egui::{Event, Key, Modifiers, Pos2, Shape, pos2};

use super::*;
use crate::dream::account::Account;
use crate::dream::lookahead::Branch;
use crate::dream::source::{ActionInfo, Strides};
use crate::engine::{Chance, Settled};
use crate::worlds::scene::Light;

/// The panel, drawn on no screen.
struct Bench {
    ctx: egui::Context,
    state: UiState,
    status: Status,
    /// Where the picture was last.
    picture: RectPx,
    /// The text that was copied last.
    copied: Option<String>,
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
            copied: None,
        }
    }

    /// What is typed from the next drawing on goes to the prompt's field.
    fn give_keys_to_the_field(&self) {
        self.ctx.memory_mut(|memory| memory.request_focus(prompt_field::id()));
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
        for command in output.platform_output.commands {
            if let egui::OutputCommand::CopyText(text) = command {
                self.copied = Some(text);
            }
        }
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
fn dreams_that_were_left_say_when_that_was_and_one_can_be_forgotten() {
    let mut bench = Bench::new(8);
    assert!(!bench.draw(Vec::new()).0.contains("WHERE YOU WERE"));
    let still = Still { rgb: vec![90; 32 * 32 * 3] };
    let left = |bench: &Bench, hours: u64| {
        let kept_at = Some(SystemTime::now() - Duration::from_secs(hours * 3600 + 60));
        Thumbnail { kept_at, ..Thumbnail::new(&bench.ctx, format!("left {hours}"), &still, [32, 32]) }
    };
    bench.state.earlier.dreams = vec![left(&bench, 1), left(&bench, 5)];
    let choose = |bench: &mut Bench, when: &str| {
        let (written, _) = bench.draw_places(Vec::new());
        let below = written.iter().find(|(text, _)| text == when).unwrap_or_else(|| panic!("{when} is not written in {written:?}")).1;
        bench.click(below + vec2(10.0, -40.0))
    };
    assert_eq!(choose(&mut bench, "5 hours ago"), [UiEvent::Earlier(1)]);
    assert!(!bench.draw(Vec::new()).0.contains("Choose the one to forget"));
    assert_eq!(bench.click_on("forget one ..."), []);
    assert!(bench.draw(Vec::new()).0.contains("Choose the one to forget"));
    assert_eq!(choose(&mut bench, "5 hours ago"), [UiEvent::ForgetEarlier(1)]);
    // That was one; who has thought better of it forgets none.
    assert_eq!(choose(&mut bench, "an hour ago"), [UiEvent::Earlier(0)]);
    bench.click_on("forget one ...");
    assert_eq!(bench.click_on("forget none"), []);
    assert_eq!(choose(&mut bench, "an hour ago"), [UiEvent::Earlier(0)]);
    assert!(!bench.draw(Vec::new()).0.contains("bring it back"));
    bench.state.earlier.forgotten = true;
    bench.state.earlier.dreams.clear();
    assert_eq!(bench.click_on("bring it back"), [UiEvent::BringBack]);
}

#[test]
fn a_pack_without_words_says_so() {
    let (text, _) = Bench::new(0).draw(Vec::new());
    assert!(text.contains("takes no prompts") && !text.contains("neon night"), "{text}");
    let (text, _) = Bench::new(8).draw(Vec::new());
    assert!(!text.contains("takes no prompts") && text.contains("neon night") && text.contains("guidance"), "{text}");
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
fn the_picture_stays_where_it_is_while_one_says_something() {
    let mut bench = Bench::new(8);
    let seen = |bench: &mut Bench, panel, in_passing| {
        (bench.state.panel, bench.state.prompt.in_passing) = (panel, in_passing);
        bench.draw(Vec::new());
        bench.picture
    };
    for hud in [false, true] {
        bench.state.hud = hud;
        let alone = seen(&mut bench, false, false);
        assert_eq!(seen(&mut bench, true, true), alone);
        // The control: a panel that stays takes its room.
        assert!(seen(&mut bench, true, false).width < alone.width);
    }
    // Tokens keep clear of the panel.
    bench.state.tokens = true;
    assert_eq!(seen(&mut bench, true, true), seen(&mut bench, true, false));
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
fn a_frame_that_looks_otherwise_fades_in() {
    let mut bench = Bench::new(8);
    let strides = Strides { motions_px: vec![[0, 0]], standing: [0; 4], patch_px: 16 };
    let info = SourceInfo { strides: Some(strides), ..SourceInfo::clone(bench.status.info.as_ref().unwrap()) };
    let mut fades = |light| {
        bench.status.look.light = Some(light);
        bench.state.step_of(&bench.status, &info).is_some_and(|step| step.fades)
    };
    let seen = [Light::Day, Light::Day, Light::Dusk, Light::Dusk, Light::Day].map(&mut fades);
    assert_eq!(seen, [false, false, true, false, true], "the first one comes after none");
    // Where frames are shown as they are, none does.
    bench.state.glide = false;
    bench.status.look.light = Some(Light::Night);
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
fn the_command_is_copied_where_something_is_said() {
    let mut bench = Bench::new(4);
    assert!(!bench.draw(Vec::new()).0.contains("copy as command"), "a simulator has other settings");
    bench.state.own = Some(bench.state.settings);
    assert_eq!(bench.click_on("copy as command"), []);
    assert_eq!(bench.copied, None, "nothing is said");
    bench.state.prompt.in_force("snow night".to_owned(), true, false);
    assert_eq!(bench.click_on("copy as command"), []);
    let quoted = if cfg!(windows) { "\"snow night\"" } else { "'snow night'" };
    assert_eq!(bench.copied.take(), Some(format!("somnium --seed 0 --prompt {quoted}")));
    assert!(bench.draw(Vec::new()).0.contains("Copied the command"));
    // What is told besides is enough.
    bench.state.prompt.in_force(String::new(), true, false);
    bench.state.prompt.besides = crate::prompt::ids(&crate::prompt::read("fog", 4));
    bench.click_on("copy as command");
    assert_eq!(bench.copied.take().as_deref(), Some("somnium --seed 0 --prompt fog"));
    bench.state.venue.event = true;
    assert!(!bench.draw(Vec::new()).0.contains("copy as command"));
}

#[test]
fn an_invitation_stands_over_the_lower_third() {
    let mut bench = Bench::new(8);
    bench.state.panel = false;
    let written = |bench: &mut Bench| bench.draw_places(Vec::new()).0.into_iter().find(|(text, _)| text == "Come in");
    assert!(written(&mut bench).is_none());
    bench.state.hints.invitation = "Come in".to_owned();
    let at = written(&mut bench).expect("an invitation").1;
    assert!((1333.0..1900.0).contains(&at.y), "{at:?}");
    // What is said stands below it, as long as it does.
    bench.state.prompt.said = "snow night".to_owned();
    assert!(bench.draw(Vec::new()).0.contains("Come in\n\u{201C}snow night\u{201D}"));
    bench.state.hints.invitation.clear();
    assert!(!bench.draw(Vec::new()).0.contains("\u{201C}snow night\u{201D}"));
}
