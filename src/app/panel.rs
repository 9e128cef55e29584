//! The whole interface as a function of its state: side panel, bar of figures, hints and notices around the picture.

use std::time::{Duration, Instant};

use egui::{Align2, Color32, RichText, vec2};

use super::theme;
use super::toasts::Toasts;
use super::{hud, inspector, prompt_field};
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
    Prompt(Vec<u16>),
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
    pub prompt: String,
    pub gallery: Vec<Thumbnail>,
    pub toasts: Toasts,
    /// Files are held over the window.
    pub dropping: bool,
    /// Name of the adapter the window is drawn with.
    pub adapter: String,
    pub hint_until: Option<Instant>,
    played: Option<u8>,
}

impl UiState {
    pub fn new(settings: DecodeSettings, rate: Rate, prompt: String) -> Self {
        Self {
            panel: false,
            hud: false,
            paused: false,
            settings,
            rate,
            prompt,
            gallery: Vec::new(),
            toasts: Toasts::default(),
            dropping: false,
            adapter: String::new(),
            hint_until: Some(Instant::now() + HINT_LASTS),
            played: None,
        }
    }
}

/// Draws everything but the picture; gives the area left for the picture, in points.
pub fn show(ui: &mut egui::Ui, state: &mut UiState, status: &Status, events: &mut Vec<UiEvent>) -> egui::Rect {
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
    if let Some(why) = &status.failed {
        centred(ui, area, why, theme::ERROR);
    } else if status.info.is_none() {
        centred(ui, area, "Falling asleep ...", theme::QUIET);
    }
    if state.dropping {
        ui.painter().rect_filled(area, 0.0, Color32::from_black_alpha(150));
        centred(ui, area, "Drop a picture to start from it", Color32::WHITE);
    }
    hint(ui, state, area);
    state.toasts.show(ui.ctx(), area);
    area
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
    theme::heading(ui, "Action");
    inspector::show(ui, &info, status, &mut state.played, events);
    if info.prompt_words > 0 {
        theme::heading(ui, "Prompt");
        prompt_field::show(ui, &info, &mut state.prompt, events);
    }
    if info.kind == SourceKind::Dream {
        theme::heading(ui, "Start from");
        gallery(ui, state, events);
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

fn gallery(ui: &mut egui::Ui, state: &UiState, events: &mut Vec<UiEvent>) {
    let gap = ui.spacing().item_spacing.x;
    let width = (ui.available_width() - 2.0 * gap) / 3.0;
    for (row, thumbnails) in state.gallery.chunks(3).enumerate() {
        ui.horizontal(|ui| {
            for (column, thumbnail) in thumbnails.iter().enumerate() {
                let size = thumbnail.texture.size_vec2();
                let image = egui::Image::new((thumbnail.texture.id(), size * (width / size.x))).corner_radius(4);
                let response = ui.add(image.sense(egui::Sense::click())).on_hover_text(&thumbnail.name);
                if response.hovered() {
                    let edge = egui::Stroke::new(1.5, theme::ACCENT);
                    ui.painter().rect_stroke(response.rect, 4, edge, egui::StrokeKind::Outside);
                }
                if response.clicked() {
                    events.push(UiEvent::Gallery(row * 3 + column));
                }
            }
        });
    }
    if ui.add_sized(vec2(ui.available_width(), 28.0), egui::Button::new("Open a picture ...")).clicked() {
        events.push(UiEvent::OpenPicture);
    }
    ui.label(RichText::new("or drop a PNG, JPEG, WebP or GIF on the window").size(11.5).color(theme::QUIET));
}

/// One line of a form: name at the left, control at the right.
fn line(ui: &mut egui::Ui, name: &str, control: impl FnOnce(&mut egui::Ui)) {
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
