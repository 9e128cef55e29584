//! The whole interface as a function of its state: side panel, bar of figures, hints and notices around the picture.

mod keys;
mod venue;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use egui::{Align2, Color32, RichText, vec2};

use keys::PanelKeys;
pub use venue::Venue;

use super::blit::Step;
use super::decoding;
use super::dials::Dials;
use super::hints::{Hints, centred, hint_text, invite, map_text, note, panel_text, with_controls};
use super::layout::{RectPx, picture_rect, to_points, to_px};
use super::map::MapState;
use super::open::EngineChoice;
use super::paint::PaintState;
use super::pictures::SeenTextures;
use super::point::{Pointing, Seen};
use super::preview::PreviewState;
use super::prompt_field::PromptState;
use super::prompt_queue::PlayClock;
use super::sound::Volume;
use super::theme;
use super::toasts::Toasts;
use super::where_you_were::EarlierState;
use super::{help, hud, inspector, map, paint, pictures, preview, prompt_field, tokens, touch_bar, where_you_were};
use crate::dream::runner::{Rate, Status, period};
use crate::dream::still::Still;
use crate::dream::{Intent, SourceInfo, SourceKind};
use crate::engine::DecodeSettings;
use crate::input::{Bindings, Command, Hand};
use crate::worlds::scene::Wish;
use crate::worlds::words::Dial;

const PANEL_WIDTH: f32 = 286.0;
/// In a window of so many widths of the panel its middle is in sight beside that.
const WIDE: f32 = 2.2;
const BAR_HEIGHT: f32 = 28.0;
/// However slowly frames come, the view is there after this.
const LONGEST_STEP: Duration = Duration::from_secs(3);
/// How long the white lasts that tells of a picture that was taken, and how much of it there is at first, of 255.
const SHUTTER: Duration = Duration::from_millis(180);
const SHUTTER_ALPHA: u8 = 90;

/// What the user asked for; the window carries it out.
#[derive(Clone, Debug, PartialEq)]
pub enum UiEvent {
    Command(Command),
    Settings(DecodeSettings),
    Rate(Rate),
    /// From now on the world should be like this.
    Prompt(String),
    /// Of one part of the prompt this value is said, or nothing.
    Dial(Dial, Option<usize>),
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
    /// Go on with this one of the earlier dreams, or forget it, or bring back the one that was forgotten last.
    Earlier(usize),
    ForgetEarlier(usize),
    BringBack,
    OpenPicture,
    /// Look ahead at what every code would do next, or no more.
    Preview,
    /// Tell how frames are dreamed, or no more.
    Tokens,
    CodeDown(u8),
    CodeUp(u8),
    /// Walk where somebody points, or no more.
    Point(Option<Intent>),
}

/// A start frame one can click on.
pub struct Thumbnail {
    pub name: String,
    pub texture: egui::TextureHandle,
    /// When somebody was there last, which stands below it.
    pub kept_at: Option<SystemTime>,
}

impl Thumbnail {
    pub fn new(context: &egui::Context, name: String, still: &Still, size_px: [usize; 2]) -> Self {
        let image = egui::ColorImage::from_rgb(size_px, &still.rgb);
        let texture = context.load_texture(&name, image, egui::TextureOptions::NEAREST);
        Self { name, texture, kept_at: None }
    }
}

/// All the interface remembers between frames.
pub struct UiState {
    pub panel: bool,
    pub keys: PanelKeys,
    pub hud: bool,
    pub venue: Venue,
    /// What all keys do stands over the picture.
    pub help: bool,
    pub paused: bool,
    pub settings: DecodeSettings,
    /// As the pack has them, but for the seed; nothing in a simulator.
    pub own: Option<DecodeSettings>,
    /// Where the pack lies, unless it is the shipped one.
    pub pack: Option<PathBuf>,
    /// As it was asked for.
    pub engine: EngineChoice,
    pub rate: Rate,
    /// What lies between two frames of a walk is shown.
    pub glide: bool,
    pub volume: Volume,
    /// There is a device that plays it.
    pub sounds: bool,
    /// The world is seen from within.
    pub within: bool,
    /// The picture takes all the room there is.
    pub fills: bool,
    pub prompt: PromptState,
    pub paint: PaintState,
    pub map: MapState,
    pub dials: Dials,
    pub pointing: Pointing,
    pub gallery: Vec<Thumbnail>,
    pub earlier: EarlierState,
    pub seen: SeenTextures,
    pub preview: PreviewState,
    /// Tokens are shown on the picture.
    pub tokens: bool,
    /// The clock of the prompt queue.
    pub clock: PlayClock,
    pub bindings: Arc<Bindings>,
    /// Hints name its controls.
    pub hand: Hand,
    pub toasts: Toasts,
    /// Files are held over the window.
    pub dropping: bool,
    /// Name of the adapter the window is drawn with.
    pub adapter: String,
    pub hints: Hints,
    /// When a picture was taken last, which is seen for a moment.
    pub shot_at: Option<Instant>,
    played: Option<u8>,
    /// What the look of the last frame said that the view came to.
    look: Option<Wish>,
}

impl UiState {
    pub fn new(settings: DecodeSettings, rate: Rate, bindings: Arc<Bindings>) -> Self {
        Self {
            panel: false,
            keys: PanelKeys::default(),
            hud: false,
            venue: Venue::default(),
            help: false,
            paused: false,
            settings,
            own: None,
            pack: None,
            engine: EngineChoice::default(),
            rate,
            glide: true,
            volume: Volume::default(),
            sounds: false,
            within: false,
            fills: false,
            prompt: PromptState::default(),
            paint: PaintState::default(),
            map: MapState::default(),
            dials: Dials::default(),
            pointing: Pointing::default(),
            gallery: Vec::new(),
            earlier: EarlierState::default(),
            seen: SeenTextures::default(),
            preview: PreviewState::default(),
            tokens: false,
            clock: PlayClock::default(),
            bindings,
            hand: Hand::default(),
            toasts: Toasts::default(),
            dropping: false,
            adapter: String::new(),
            hints: Hints::new(Instant::now()),
            shot_at: None,
            played: None,
            look: None,
        }
    }

    /// The step to the newest frame, which the view takes as long for as the next one takes to come. One that looks otherwise than the last fades in.
    pub fn step_of(&mut self, status: &Status, info: &SourceInfo) -> Option<Step> {
        let fades = self.look.replace(status.look.clone()).is_some_and(|before| before != status.look);
        // Tokens stand where a frame is, not on the way there.
        let strides = info.strides.as_ref().filter(|_| self.glide && !self.tokens)?;
        let motion_px = *strides.motions_px.get(usize::from(status.code))?;
        let lasts = self.step_lasts(status, info);
        Some(Step { motion_px, standing: strides.standing, patch_px: strides.patch_px, fades, lasts })
    }

    /// How long the way to the newest frame takes: no time where the view does not glide.
    pub fn step_lasts(&self, status: &Status, info: &SourceInfo) -> Duration {
        let own = period(self.rate, info.rate_hz);
        let measured = if self.paused || status.fps <= 0.0 { own } else { Duration::from_secs_f32(1.0 / status.fps) };
        if self.glide { measured.max(own).min(LONGEST_STEP) } else { Duration::ZERO }
    }
}

/// Draws everything but the picture; gives the pixels of the window where that belongs.
pub fn show(ui: &mut egui::Ui, state: &mut UiState, status: &Status, events: &mut Vec<UiEvent>) -> RectPx {
    let whole = ui.available_rect_before_wrap();
    // Whoever only says something sees the world where it was all the time.
    let in_passing = state.panel && state.prompt.in_passing;
    if state.hud || (state.panel && !in_passing) {
        egui::Panel::bottom("hud").exact_size(BAR_HEIGHT).resizable(false).show_separator_line(false).frame(theme::bar_frame()).show(
            ui,
            |ui| {
                hud::show(ui, status, &state.adapter, state.settings.seed, state.paused);
            },
        );
    }
    if state.panel {
        let panel = egui::Panel::right("panel").exact_size(PANEL_WIDTH).resizable(false).show_separator_line(false);
        let shown = panel.frame(theme::panel_frame()).show(ui, |ui| {
            egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
                ui.set_max_width(PANEL_WIDTH - 34.0);
                side_panel(ui, state, status, events);
                state.keys.follow(ui);
            });
        });
        // Who takes a hand to it wants more of it than to say something.
        let place = shown.response.rect;
        let pressed = ui.input(|i| i.pointer.any_pressed() && i.pointer.interact_pos().is_some_and(|at| place.contains(at)));
        state.prompt.in_passing &= !pressed && !state.keys.on;
    } else if let Some(code) = state.played.take() {
        // Hidden while a button was held: the button lets go.
        events.push(UiEvent::CodeUp(code));
    }
    if let (Some(info), Hand::Finger) = (&status.info, state.hand) {
        touch_bar::show(ui, state, info, events);
    }
    state.keys.leave(ui, state.panel, status.info.is_some());
    let area = ui.available_rect_before_wrap();
    // A panel that goes again lies over it, where it leaves the middle free. Tokens would be drawn over the panel.
    let under = in_passing && !state.tokens && whole.width() > WIDE * PANEL_WIDTH;
    let scale = ui.ctx().pixels_per_point();
    let picture = status.info.as_ref().map_or(RectPx::default(), |info| {
        let room = to_px(if under { area.with_max_x(whole.right()) } else { area }, scale);
        let rect = if state.fills { room } else { picture_rect(room, (info.width_px as u32, info.height_px as u32)) };
        let at = to_points(rect, scale);
        if let Some(account) = status.account.as_deref().filter(|_| state.tokens && !state.fills && !state.map.open) {
            tokens::overlay(ui, at, info, account);
        }
        paint::overlay(ui, at, info, &mut state.paint);
        // A patch, which is the figure's place; a simulator's pictures have no patches, and about as many places.
        let [across, down] = info.grid.map(|places| if places == 0 { 8.0 } else { places as f32 });
        let free = !state.paint.active && !state.map.open;
        let seen = if state.fills { Seen::Within } else { Seen::Above { place: at.size() / vec2(across, down) } };
        state.pointing.see(ui, at, seen, free.then_some(area), events);
        rect
    });
    // Whoever has a mouse alone, or a finger, gets to the panel as well, and back.
    let free = !state.venue.event && !state.paint.active && !state.map.open;
    let clicked_at =
        ui.input(|i| i.pointer.button_double_clicked(egui::PointerButton::Primary).then(|| i.pointer.interact_pos()).flatten());
    if clicked_at.is_some_and(|at| free && area.contains(at) && state.pointing.is_no_step(at)) {
        events.push(UiEvent::Command(Command::Panel));
    }
    map::overlay(ui, area, &mut state.map);
    shutter(ui, area, state.shot_at);
    if let Some(why) = status.failed.as_ref().or(status.halted.as_ref()) {
        centred(ui, area, why, theme::ERROR);
    } else if status.info.is_none() {
        centred(ui, area, "Falling asleep ...", theme::QUIET);
    }
    if state.dropping {
        ui.painter().rect_filled(area, 0.0, Color32::from_black_alpha(150));
        centred(ui, area, "Drop it here", Color32::WHITE);
    }
    if state.paint.active {
        note(ui, area, "Brush over what should change     Right button wipes     Wheel: brush     Esc plays on");
    } else if state.map.open {
        note(ui, area, &map_text(&state.bindings, state.hand));
    } else if !hint(ui, state, status, area) {
        if state.panel && !state.prompt.in_passing && state.hand == Hand::Pad {
            note(ui, area, &panel_text());
        } else if state.paused && !state.panel {
            let commands = [(Command::Pause, "goes on"), (Command::Step, "one frame")];
            note(ui, area, &with_controls("Paused", &state.bindings, state.hand, &commands));
        }
    }
    invite(ui, area, &state.hints.invitation, &state.prompt.said);
    state.dials.show(ui, area);
    // Who has a finger alone has no key that leaves them.
    state.help &= !ui.input(|i| i.pointer.any_pressed());
    if state.help {
        help::show(ui.ctx(), area, state);
    }
    state.toasts.show(ui.ctx(), area);
    picture
}

/// White over all of `area`, which goes at once, where a picture was taken just now.
fn shutter(ui: &egui::Ui, area: egui::Rect, shot_at: Option<Instant>) {
    let Some(shot_at) = shot_at else { return };
    let left = 1.0 - shot_at.elapsed().as_secs_f32() / SHUTTER.as_secs_f32();
    if left > 0.0 {
        ui.painter().rect_filled(area, 0.0, Color32::from_white_alpha((f32::from(SHUTTER_ALPHA) * left) as u8));
        ui.ctx().request_repaint();
    }
}

/// The first line a player reads, for a while; whether it is there.
fn hint(ui: &egui::Ui, state: &mut UiState, status: &Status, area: egui::Rect) -> bool {
    let Some(until) = state.hints.until else { return false };
    let now = Instant::now();
    if now >= until || state.panel {
        (state.hints.until, state.hints.tip) = (None, None);
        return false;
    }
    ui.ctx().request_repaint_after(until - now);
    let prompts = status.info.as_ref().is_some_and(|info| info.prompt_words > 0);
    let views = status.info.as_ref().is_some_and(|info| info.within);
    let text = state.hints.tip.clone().unwrap_or_else(|| hint_text(&state.bindings, state.hand, [prompts, views, state.within]));
    note(ui, area, &text);
    true
}

fn side_panel(ui: &mut egui::Ui, state: &mut UiState, status: &Status, events: &mut Vec<UiEvent>) {
    let keys_begin = std::mem::take(&mut state.keys.begins);
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
    let first = transport(ui, state, events);
    if keys_begin {
        state.keys.begin(ui, first);
    }
    theme::heading(ui, "Prompt");
    if info.prompt_words > 0 {
        state.prompt.cost.see(status.frames, hud::frame_ms(status), &state.settings, status.guided);
        let now = (state.clock.now(Instant::now()), state.paused);
        prompt_field::show(ui, &info, &mut state.prompt, &mut state.settings, &status.look, now, events);
    } else {
        ui.label(RichText::new(prompt_field::NO_WORDS).color(theme::QUIET));
    }
    if info.kind == SourceKind::Dream {
        theme::heading(ui, "Start from a picture");
        let otherwise = state.venue.ways_in();
        pictures::show(ui, &info, &state.gallery, (!state.venue.kiosk, otherwise.as_str()), &mut state.seen, status.seen.as_ref(), events);
        where_you_were::show(ui, &mut state.earlier, events);
        theme::heading(ui, "Change it by hand");
        paint::tools(ui, &mut state.paint, info.prompt_words, events);
    }
    theme::heading(ui, "Action");
    inspector::show(ui, &info, status, &mut state.played, events);
    if info.kind == SourceKind::Dream {
        preview::show(ui, &info, status, &mut state.preview, state.paused, events);
        theme::heading(ui, "Dreaming");
        decoding::show(ui, &info, state, events);
    }
    theme::heading(ui, "Speed");
    speed(ui, &info, state, status, events);
    if info.kind == SourceKind::Dream {
        theme::heading(ui, "How it was dreamed");
        tokens::show(ui, &info, status.account.as_deref(), &mut state.tokens, events);
    }
    if state.sounds {
        theme::heading(ui, "Sound");
        line(ui, "volume", |ui| {
            if ui.add(slider(&mut state.volume.now, 0.0..=1.0).max_decimals(2)).drag_stopped() {
                state.volume.remember();
            }
        })
        .on_hover_text("Weather, water, animals and steps, made out of what is seen");
    }
    ui.add_space(10.0);
}

/// Gives the first button.
fn transport(ui: &mut egui::Ui, state: &UiState, events: &mut Vec<UiEvent>) -> Option<egui::Response> {
    let gap = ui.spacing().item_spacing.x;
    let rows = [
        [
            (if state.paused { "Play" } else { "Pause" }, Command::Pause, "The world stands still, or goes on"),
            ("Step", Command::Step, "One frame"),
            ("Reset", Command::Reset, "Back to where it began"),
            ("View", Command::View, "From within, through the eyes of the one who walks, or from above"),
        ],
        [
            ("New", Command::NewSeed, "Another world, of the prompt if there is one"),
            ("Map", Command::Map, "All the land that was seen"),
            ("Photo", Command::Screenshot, "Saves the picture"),
            ("Full", Command::Fullscreen, "Full screen, or a window again"),
        ],
    ];
    let mut first = None;
    for row in rows {
        let buttons = row.len() as f32;
        let width = (ui.available_width() - (buttons - 1.0) * gap) / buttons;
        ui.horizontal(|ui| {
            for (label, command, what) in row {
                let button = ui.add_sized(vec2(width, 28.0), egui::Button::new(label));
                let key = state.bindings.key_of(command).map_or_else(String::new, |key| format!(" ({key})"));
                let button = button.on_hover_text(format!("{what}{key}"));
                if button.clicked() {
                    events.push(UiEvent::Command(command));
                }
                first.get_or_insert(button);
            }
        });
    }
    first
}

/// One line of a form: name at the left, control at the right. What is told on hover belongs to the name, which it leaves in sight.
pub fn line(ui: &mut egui::Ui, name: &str, control: impl FnOnce(&mut egui::Ui)) -> egui::Response {
    let row = ui.horizontal(|ui| {
        let (rect, response) = ui.allocate_exact_size(vec2(86.0, 22.0), egui::Sense::hover());
        ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, egui::FontId::proportional(13.0), theme::QUIET);
        control(ui);
        response
    });
    row.inner
}

/// A slider that changes its value where somebody moves it, and not because a value from elsewhere is finer or lies further out.
pub fn slider<Value: egui::emath::Numeric>(value: &mut Value, range: RangeInclusive<Value>) -> egui::Slider<'_> {
    egui::Slider::new(value, range).clamping(egui::SliderClamping::Edits)
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
    if info.strides.is_some() {
        ui.checkbox(&mut state.glide, "glide from step to step").on_hover_text("Shows what lies between two frames of a walk");
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
mod tests;
