//! The whole interface as a function of its state: side panel, bar of figures, hints and notices around the picture.

use std::time::{Duration, Instant};

use egui::{Align2, Color32, RichText, vec2};

use super::layout::{RectPx, picture_rect, to_points, to_px};
use super::paint::PaintState;
use super::pictures::SeenTextures;
use super::prompt_field::PromptState;
use super::theme;
use super::toasts::Toasts;
use super::{hud, inspector, paint, pictures, prompt_field};
use crate::dream::runner::{Rate, Status};
use crate::dream::{SourceInfo, SourceKind};
use crate::engine::{DecodeSettings, UnmaskOrder};
use crate::input::Command;

const PANEL_WIDTH: f32 = 286.0;
const BAR_HEIGHT: f32 = 28.0;
/// The first line a player reads.
pub const HINT: &str = "W A S D or arrows to walk     Tab for the panel     F11 full screen";
const HINT_LASTS: Duration = Duration::from_secs(7);

/// What the user asked for; the window carries it out.
#[derive(Clone, Debug, PartialEq)]
pub enum UiEvent {
    Command(Command),
    Settings(DecodeSettings),
    Rate(Rate),
    /// From now on the world should be like this.
    Prompt(String),
    /// Begin from the prompt alone.
    FromPrompt,
    /// Freeze the frame to paint on it, or play on.
    Paint(bool),
    /// Dream these tokens again, under these words or the prompt.
    Repaint(Vec<bool>, String),
    /// Dream this share of the tokens again.
    Stylise(f32),
    /// Undo the last change by hand.
    TakeBack,
    /// Start from this picture of the gallery.
    Gallery(usize),
    OpenPicture,
    CodeDown(u8),
    CodeUp(u8),
}

/// A start frame one can click on.
pub struct Thumbnail {
    pub name: String,
    pub texture: egui::TextureHandle,
}

/// All the interface remembers between frames.
pub struct UiState {
    pub panel: bool,
    pub hud: bool,
    pub paused: bool,
    pub settings: DecodeSettings,
    pub rate: Rate,
    pub prompt: PromptState,
    pub paint: PaintState,
    pub gallery: Vec<Thumbnail>,
    pub seen: SeenTextures,
    /// When the program started: the clock of the prompt queue.
    pub started: Instant,
    pub toasts: Toasts,
    /// Files are held over the window.
    pub dropping: bool,
    /// Name of the adapter the window is drawn with.
    pub adapter: String,
    pub hint_until: Option<Instant>,
    played: Option<u8>,
}

impl UiState {
    pub fn new(settings: DecodeSettings, rate: Rate, started: Instant) -> Self {
        Self {
            panel: false,
            hud: false,
            paused: false,
            settings,
            rate,
            prompt: PromptState::default(),
            paint: PaintState::default(),
            gallery: Vec::new(),
            seen: SeenTextures::default(),
            started,
            toasts: Toasts::default(),
            dropping: false,
            adapter: String::new(),
            hint_until: Some(Instant::now() + HINT_LASTS),
            played: None,
        }
    }
}

/// Draws everything but the picture; gives the pixels of the window where that belongs.
pub fn show(ui: &mut egui::Ui, state: &mut UiState, status: &Status, events: &mut Vec<UiEvent>) -> RectPx {
    if state.hud || state.panel {
        egui::Panel::bottom("hud").exact_size(BAR_HEIGHT).resizable(false).show_separator_line(false).frame(theme::bar_frame()).show(
            ui,
            |ui| {
                hud::show(ui, status, &state.adapter, state.settings.seed, state.paused);
            },
        );
    }
    if state.panel {
        egui::Panel::right("panel").exact_size(PANEL_WIDTH).resizable(false).show_separator_line(false).frame(theme::panel_frame()).show(
            ui,
            |ui| {
                egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                    ui.set_max_width(PANEL_WIDTH - 34.0);
                    side_panel(ui, state, status, events);
                });
            },
        );
    } else if let Some(code) = state.played.take() {
        // Hidden while a button was held: the button lets go.
        events.push(UiEvent::CodeUp(code));
    }
    let area = ui.available_rect_before_wrap();
    let scale = ui.ctx().pixels_per_point();
    let picture = status.info.as_ref().map_or(RectPx::default(), |info| {
        let rect = picture_rect(to_px(area, scale), (info.width_px as u32, info.height_px as u32));
        paint::overlay(ui, to_points(rect, scale), info, &mut state.paint);
        rect
    });
    if let Some(why) = &status.failed {
        centred(ui, area, why, theme::ERROR);
    } else if status.info.is_none() {
        centred(ui, area, "Falling asleep ...", theme::QUIET);
    }
    if state.dropping {
        ui.painter().rect_filled(area, 0.0, Color32::from_black_alpha(150));
        centred(ui, area, "Be here now", Color32::WHITE);
    }
    hint(ui, state, area);
    state.toasts.show(ui.ctx(), area);
    picture
}

fn centred(ui: &egui::Ui, area: egui::Rect, text: &str, color: Color32) {
    let font = egui::FontId::proportional(17.0);
    let galley = ui.painter().layout(text.to_owned(), font, color, (area.width() - 60.0).max(80.0));
    let at = Align2::CENTER_CENTER.anchor_size(area.center(), galley.size());
    ui.painter().galley(at.min, galley, color);
}

fn hint(ui: &egui::Ui, state: &mut UiState, area: egui::Rect) {
    let Some(until) = state.hint_until else { return };
    let now = Instant::now();
    if now >= until || state.panel {
        state.hint_until = None;
        return;
    }
    ui.ctx().request_repaint_after(until - now);
    let at = area.center_bottom() - vec2(0.0, 10.0);
    ui.painter().text(at, Align2::CENTER_CENTER, HINT, egui::FontId::proportional(13.0), theme::QUIET);
}

fn side_panel(ui: &mut egui::Ui, state: &mut UiState, status: &Status, events: &mut Vec<UiEvent>) {
    let Some(info) = status.info.clone() else {
        ui.label(RichText::new("opening ...").color(theme::QUIET));
        return;
    };
    ui.horizontal(|ui| {
        ui.label(RichText::new(&info.title).size(22.0).color(Color32::WHITE));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let kind = if info.kind == SourceKind::Dream { "dreamed" } else { "simulated" };
            ui.label(RichText::new(kind).size(12.0).color(theme::ACCENT));
        });
    });
    if let Some(caption) = &status.caption {
        ui.label(RichText::new(caption).color(theme::QUIET));
    }
    ui.add_space(4.0);
    transport(ui, state, events);
    theme::heading(ui, "Prompt");
    if info.prompt_words > 0 {
        state.prompt.cost.see(status.frames, hud::frame_ms(status), &state.settings);
        let now = state.started.elapsed();
        prompt_field::show(ui, &info, &mut state.prompt, &mut state.settings, now, events);
    } else {
        ui.label(RichText::new("This pack was made without words and takes no prompts.").color(theme::QUIET));
    }
    if info.kind == SourceKind::Dream {
        theme::heading(ui, "Be here now");
        pictures::show(ui, &info, &state.gallery, &mut state.seen, status.seen.as_ref(), events);
        theme::heading(ui, "Change it by hand");
        paint::tools(ui, &mut state.paint, info.prompt_words, events);
    }
    theme::heading(ui, "Action");
    inspector::show(ui, &info, status, &mut state.played, events);
    if info.kind == SourceKind::Dream {
        theme::heading(ui, "Dreaming");
        decoding(ui, &info, state, events);
    }
    theme::heading(ui, "Speed");
    speed(ui, &info, state, status, events);
    ui.add_space(10.0);
}

fn transport(ui: &mut egui::Ui, state: &UiState, events: &mut Vec<UiEvent>) {
    let gap = ui.spacing().item_spacing.x;
    let width = (ui.available_width() - 2.0 * gap) / 3.0;
    let rows = [
        [(if state.paused { "Play" } else { "Pause" }, Command::Pause, "P"), ("Step", Command::Step, "."), ("Reset", Command::Reset, "R")],
        [("New seed", Command::NewSeed, "N"), ("Photo", Command::Screenshot, "F12"), ("Full", Command::Fullscreen, "F11")],
    ];
    for row in rows {
        ui.horizontal(|ui| {
            for (label, command, key) in row {
                if ui.add_sized(vec2(width, 28.0), egui::Button::new(label)).on_hover_text(key).clicked() {
                    events.push(UiEvent::Command(command));
                }
            }
        });
    }
}

/// One line of a form: name at the left, control at the right.
pub fn line(ui: &mut egui::Ui, name: &str, control: impl FnOnce(&mut egui::Ui)) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(86.0, 22.0), egui::Sense::hover());
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, egui::FontId::proportional(13.0), theme::QUIET);
        control(ui);
    });
}

fn decoding(ui: &mut egui::Ui, info: &SourceInfo, state: &mut UiState, events: &mut Vec<UiEvent>) {
    let before = state.settings;
    let settings = &mut state.settings;
    line(ui, "steps", |ui| {
        ui.add(egui::Slider::new(&mut settings.steps, 1..=8));
    });
    line(ui, "temperature", |ui| {
        ui.add(egui::Slider::new(&mut settings.temperature, 0.0..=2.0).max_decimals(2));
    });
    line(ui, "window", |ui| {
        ui.add(egui::Slider::new(&mut settings.window, 1..=info.window.max(1)));
    });
    if info.context_levels > 1 {
        line(ui, "context level", |ui| {
            ui.add(egui::Slider::new(&mut settings.context_level, 0..=info.context_levels - 1));
        });
    }
    line(ui, "unmask by", |ui| {
        ui.selectable_value(&mut settings.order, UnmaskOrder::Random, "chance");
        ui.selectable_value(&mut settings.order, UnmaskOrder::Confidence, "confidence");
    });
    line(ui, "settle above", |ui| {
        let mut certain = settings.certain.unwrap_or(0.0);
        ui.add(egui::Slider::new(&mut certain, 0.0..=0.99).max_decimals(2)).on_hover_text(
            "Tokens of at least this probability are settled at once, and steps that then have nothing to do are left out; 0: none",
        );
        settings.certain = Some(certain).filter(|p| *p > 0.0);
    });
    line(ui, "seed", |ui| {
        ui.add(egui::DragValue::new(&mut settings.seed).speed(0.2));
    });
    if *settings != before {
        events.push(UiEvent::Settings(*settings));
    }
}

fn speed(ui: &mut egui::Ui, info: &SourceInfo, state: &mut UiState, status: &Status, events: &mut Vec<UiEvent>) {
    let before = state.rate;
    ui.horizontal(|ui| {
        let own = format!("{} Hz", info.rate_hz);
        ui.selectable_value(&mut state.rate, Rate::Own, own).on_hover_text("The world's own rate");
        ui.selectable_value(&mut state.rate, Rate::Hz(20.0), "20 Hz");
        ui.selectable_value(&mut state.rate, Rate::Hz(30.0), "30 Hz");
        ui.selectable_value(&mut state.rate, Rate::Max, "max");
    });
    if state.rate != before {
        events.push(UiEvent::Rate(state.rate));
    }
    ui.add_space(4.0);
    for (name, ms) in &status.stages {
        ui.horizontal(|ui| {
            ui.label(RichText::new(*name).size(12.0).color(theme::QUIET));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(RichText::new(format!("{ms:.1} ms")).monospace().size(11.5).color(theme::QUIET));
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use egui::{Event, Key, Modifiers, Shape};

    use super::*;

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
                grid: [2, 2],
                actions: Vec::new(),
                prompt_words,
                suggested_prompts: vec!["neon night".to_owned()],
                window: 4,
                context_levels: 1,
            };
            let order = UnmaskOrder::Random;
            let settings =
                DecodeSettings { steps: 2, temperature: 1.0, seed: 0, order, window: 4, context_level: 0, guidance: 0.0, certain: None };
            let mut state = UiState::new(settings, Rate::Own, Instant::now());
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
        fn draw_places(&mut self, input: Vec<Event>) -> (Vec<(String, egui::Pos2)>, Vec<UiEvent>) {
            let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, vec2(900.0, 2000.0));
            let input = egui::RawInput { screen_rect: Some(screen), events: input, focused: true, ..Default::default() };
            let mut events = Vec::new();
            let output = self.ctx.run_ui(input, |ui| {
                self.picture = show(ui, &mut self.state, &self.status, &mut events);
            });
            let mut written = Vec::new();
            output.shapes.iter().for_each(|shape| read(&shape.shape, &mut written));
            (written, events)
        }

        /// What a press and release of the left button asks for.
        fn click(&mut self, at: egui::Pos2) -> Vec<UiEvent> {
            let button =
                |pressed| Event::PointerButton { pos: at, button: egui::PointerButton::Primary, pressed, modifiers: Modifiers::NONE };
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

    fn read(shape: &Shape, written: &mut Vec<(String, egui::Pos2)>) {
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
    fn what_is_painted_is_what_is_dreamed_again() {
        let mut bench = Bench::new(8);
        bench.draw(Vec::new());
        assert_eq!(bench.click_on("Paint over the picture ..."), [UiEvent::Paint(true)]);
        bench.state.paint.begin(false);
        assert_eq!(bench.click_on("Dream it"), [], "nothing is painted yet");
        // The upper left corner of the picture, whose four tokens lie in the middle of the free area.
        let corner = bench.picture;
        assert_eq!(bench.click(egui::pos2(corner.x as f32 + 5.0, corner.y as f32 + 5.0)), []);
        assert_eq!(bench.click_on("Dream it"), [UiEvent::Repaint(vec![true, false, false, false], String::new())]);
        assert_eq!(bench.click_on("Undo stroke"), []);
        assert_eq!(bench.click_on("Dream it"), [], "the stroke is taken back");
        assert_eq!(bench.click_on("Play on"), [UiEvent::Paint(false)]);
        assert_eq!(bench.click_on("Take back"), [UiEvent::TakeBack]);
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
            bench.draw(vec![key(Key::Enter)]);
        }
    }
}
