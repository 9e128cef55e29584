//! The prompt: a field whose words are marked where the world has no idea of them, applied by Enter; suggestions, blending, guidance and
//! the queue for demos.

use std::sync::Arc;
use std::time::Duration;

use egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat};
use egui::{Color32, FontId, Id, Key, Modifiers, RichText, Stroke, vec2};

use super::guidance::GuidanceCost;
use super::marks::{Mark, Marks};
use super::panel::{UiEvent, line};
use super::prompt_history::{MOST_LETTERS, PromptHistory};
use super::prompt_queue::{EVERY_SECS, PromptQueue};
use super::theme;
use crate::dream::{SourceInfo, SourceKind};
use crate::engine::DecodeSettings;
use crate::engine::inputs::MOST_GUIDANCE;

/// Most frames of a blend.
const MOST_BLEND_FRAMES: u32 = 60;

/// Suggestions shown until more are asked for.
const FEW_SUGGESTIONS: usize = 4;

/// All that stands in the prompt's part of the panel.
#[derive(Default)]
pub struct PromptState {
    /// What stands in the field.
    pub text: String,
    /// What is in force.
    pub said: String,
    pub blend_frames: u32,
    pub history: PromptHistory,
    pub queue: PromptQueue,
    pub cost: GuidanceCost,
    marks: Marks,
    all_suggestions: bool,
}

/// Draws it. `now` is the queue's clock.
pub fn show(
    ui: &mut egui::Ui,
    info: &SourceInfo,
    state: &mut PromptState,
    settings: &mut DecodeSettings,
    now: Duration,
    events: &mut Vec<UiEvent>,
) {
    let mut say = field(ui, info, state).then(|| state.text.clone());
    advice(ui, info, state);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().button_padding = vec2(8.0, 2.0);
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing.y = 4.0;
        let shown = if state.all_suggestions { usize::MAX } else { FEW_SUGGESTIONS };
        for suggestion in info.suggested_prompts.iter().take(shown) {
            if ui.add(egui::Button::new(RichText::new(suggestion).size(12.0)).corner_radius(10)).clicked() {
                say = Some(suggestion.clone());
            }
        }
        let quiet = |text: &str| egui::Button::new(RichText::new(text).size(12.0).color(theme::QUIET)).frame(false);
        if info.suggested_prompts.len() > FEW_SUGGESTIONS {
            let label = if state.all_suggestions { "fewer" } else { "more" };
            if ui.add(quiet(label)).clicked() {
                state.all_suggestions = !state.all_suggestions;
            }
        }
        if !state.text.is_empty() && ui.add(quiet("clear")).clicked() {
            say = Some(String::new());
        }
    });
    if let Some(prompt) = say {
        events.push(UiEvent::Prompt(prompt));
    }
    if info.kind == SourceKind::Dream {
        ui.add_space(2.0);
        line(ui, "blend over", |ui| {
            ui.add(egui::Slider::new(&mut state.blend_frames, 0..=MOST_BLEND_FRAMES))
                .on_hover_text("Frames in which the new prompt takes over");
        });
        let before = settings.guidance;
        line(ui, "guidance", |ui| {
            ui.add(egui::Slider::new(&mut settings.guidance, 0.0..=MOST_GUIDANCE).max_decimals(1))
                .on_hover_text("How much the prompt is exaggerated");
        });
        if settings.guidance != before {
            events.push(UiEvent::Settings(*settings));
        }
        ui.label(RichText::new(state.cost.text(settings.guidance > 0.0)).size(11.5).color(theme::QUIET));
    }
    queue(ui, info, &mut state.queue, now);
}

/// The field's name in the interface.
pub fn id() -> Id {
    Id::unique("prompt")
}

/// The text field; true where Enter was pressed in it.
fn field(ui: &mut egui::Ui, info: &SourceInfo, state: &mut PromptState) -> bool {
    let id = id();
    let focused = ui.memory(|memory| memory.has_focus(id));
    if focused {
        let pressed = |ui: &egui::Ui, key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let recalled = if pressed(ui, Key::ArrowUp) {
            state.history.older(&state.text).map(str::to_owned)
        } else if pressed(ui, Key::ArrowDown) {
            state.history.newer().map(str::to_owned)
        } else {
            None
        };
        if let Some(prompt) = recalled {
            let end = CCursor::new(prompt.chars().count());
            state.text = prompt;
            if let Some(mut edit) = egui::TextEdit::load_state(ui.ctx(), id) {
                edit.cursor.set_char_range(Some(CCursorRange::one(end)));
                edit.store(ui.ctx(), id);
            }
        }
    }
    word_field(ui, id, (2, "What should the world be like?"), &mut state.text, &mut state.marks, info.prompt_words)
}

/// A field of so many rows that marks the words a world has no idea of and says more where one points at them; true where Enter was
/// pressed in it, which ends typing. What stands there while it is empty is the hint.
pub fn word_field(ui: &mut egui::Ui, id: Id, (rows, hint): (usize, &str), text: &mut String, marks: &mut Marks, most_words: usize) -> bool {
    let focused = ui.memory(|memory| memory.has_focus(id));
    let mut layouter = |ui: &egui::Ui, buffer: &dyn egui::TextBuffer, wrap_px: f32| -> Arc<egui::Galley> {
        let mut job = marked(buffer.as_str(), most_words, marks, focused);
        job.wrap.max_width = wrap_px;
        ui.fonts_mut(|f| f.layout_job(job))
    };
    let field = egui::TextEdit::multiline(text)
        .id(id)
        .desired_rows(rows)
        .desired_width(f32::INFINITY)
        .char_limit(MOST_LETTERS)
        .return_key(None)
        .hint_text(hint)
        .layouter(&mut layouter);
    let output = field.show(ui);
    let entered = output.response.has_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    if entered {
        // Said is said: the keys walk again.
        output.response.surrender_focus();
    }
    if let Some(at) = output.response.hover_pos() {
        let letter = output.galley.cursor_from_pos(at - output.galley_pos).index.0;
        let byte = text.char_indices().nth(letter).map_or(text.len(), |(byte, _)| byte);
        let hovered = marks.of(text, most_words).iter().find(|(word, _)| word.range.contains(&byte));
        if let Some(said) = hovered.and_then(|(word, mark)| mark.advice(&text[word.range.clone()])) {
            output.response.response.on_hover_text_at_pointer(said);
        }
    }
    entered
}

/// One quiet line under the field, where there is something to say.
fn advice(ui: &mut egui::Ui, info: &SourceInfo, state: &mut PromptState) {
    if !doubt(ui, id(), &state.text, &mut state.marks, info.prompt_words) && state.text != state.said {
        quiet_line(ui, "Enter to say it", theme::ACCENT);
    }
}

fn quiet_line(ui: &mut egui::Ui, line: &str, color: Color32) {
    ui.label(RichText::new(line).size(11.5).color(color));
}

/// One quiet line about the most doubtful word of the field `id`, the one that is being typed left out; false where there is none.
pub fn doubt(ui: &mut egui::Ui, id: Id, text: &str, marks: &mut Marks, most_words: usize) -> bool {
    let typing = ui.memory(|memory| memory.has_focus(id));
    let words = marks.of(text, most_words);
    let doubt = words.iter().filter(|(word, _)| !(typing && word.range.end == text.len()));
    let doubt = doubt.filter_map(|(word, mark)| Some((mark.advice(&text[word.range.clone()])?, mark))).min_by_key(|(_, mark)| match mark {
        Mark::Unknown(_) => 0,
        Mark::TooMany => 1,
        _ => 2,
    });
    match &doubt {
        Some((advice, Mark::Unknown(_))) => quiet_line(ui, advice, theme::ERROR),
        Some((_, Mark::TooMany)) => quiet_line(ui, &format!("Only the first {most_words} words count."), theme::QUIET),
        Some((advice, _)) => quiet_line(ui, advice, theme::QUIET),
        None => {}
    }
    doubt.is_some()
}

/// The text with unknown words underlined, distant ones dotted more quietly and words past the longest prompt greyed. The word that is
/// being typed is left alone.
fn marked(text: &str, most_words: usize, marks: &mut Marks, typing: bool) -> LayoutJob {
    let format =
        |color: Color32, underline: Stroke| TextFormat { font_id: FontId::proportional(13.5), color, underline, ..Default::default() };
    let plain = format(theme::TEXT, Stroke::NONE);
    let mut job = LayoutJob::default();
    let mut at = 0;
    for (word, mark) in marks.of(text, most_words) {
        job.append(&text[at..word.range.start], 0.0, plain.clone());
        let unfinished = typing && word.range.end == text.len();
        let look = match mark {
            _ if unfinished => plain.clone(),
            Mark::Plain => plain.clone(),
            Mark::Unknown(_) => format(theme::ERROR, Stroke::new(1.0, theme::ERROR)),
            Mark::Far(_) => format(theme::TEXT, Stroke::new(1.0, theme::QUIET.gamma_multiply(0.6))),
            Mark::TooMany => format(theme::QUIET, Stroke::NONE),
        };
        at = word.range.end;
        job.append(&text[word.range.clone()], 0.0, look);
    }
    job.append(&text[at..], 0.0, plain);
    job
}

/// Prompts by the clock, folded away until somebody wants them.
fn queue(ui: &mut egui::Ui, info: &SourceInfo, queue: &mut PromptQueue, now: Duration) {
    let heading = RichText::new("Prompts by the clock").size(12.0).color(theme::QUIET);
    egui::CollapsingHeader::new(heading).id_salt("queue").default_open(queue.running).show(ui, |ui| {
        egui::TextEdit::multiline(&mut queue.lines).desired_rows(3).desired_width(f32::INFINITY).hint_text("One prompt a line").show(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new("every").color(theme::QUIET));
            ui.add(egui::DragValue::new(&mut queue.every_secs).range(EVERY_SECS).suffix(" s"));
            let label = if queue.running { "Stop" } else { "Start" };
            if ui.add_enabled(queue.running || !queue.prompts().is_empty(), egui::Button::new(label)).clicked() {
                queue.running = !queue.running;
            }
            if queue.lines.is_empty() && !info.suggested_prompts.is_empty() && ui.button("Suggestions").clicked() {
                queue.lines = info.suggested_prompts.join("\n");
            }
        });
        if let Some((prompt, secs)) = queue.coming(now) {
            ui.label(RichText::new(format!("in {secs} s: {prompt}")).size(11.5).color(theme::QUIET));
        }
    });
}
