//! The prompt: a field whose words are marked where the world has no idea of them, applied by Enter; suggestions, blending, guidance and
//! the queue for demos.

use std::sync::Arc;
use std::time::Duration;

use egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat};
use egui::{Color32, FontId, Id, Key, Modifiers, RichText, Stroke, vec2};

use super::day::{Day, MINUTES};
use super::dials;
use super::guidance::GuidanceCost;
use super::marks::{Mark, Marks};
use super::panel::{UiEvent, line, slider};
use super::prompt_args::quoted;
use super::prompt_history::{MOST_LETTERS, PromptHistory};
use super::prompt_queue::{EVERY_SECS, Place, PromptQueue};
use super::theme;
use crate::dream::{SourceInfo, SourceKind};
use crate::engine::DecodeSettings;
use crate::engine::inputs::MOST_GUIDANCE;
use crate::input::Command;
use crate::prompt::{self, Fate, Word};
use crate::worlds::scene::{Attribute, Wish};

/// Of a pack that knows none.
pub const NO_WORDS: &str = "This pack was made without words and takes no prompts.";
const HINT: &str = "What should the world be like?";
/// How to get back what was said before.
const RECALL: &str = "Up brings back earlier prompts";
/// Widest text of a menu beside the field.
const FIELD_WIDTH: f32 = 240.0;

/// Most frames of a blend.
pub const MOST_BLEND_FRAMES: u32 = 60;

/// Suggestions shown until more are asked for.
const FEW_SUGGESTIONS: usize = 4;

/// Earlier prompts offered to the pointer; the keys reach all.
const FEW_EARLIER: usize = 10;

/// All that stands in the prompt's part of the panel.
#[derive(Default)]
pub struct PromptState {
    /// What stands in the field.
    pub text: String,
    /// What was put there last, before anybody typed.
    placed: String,
    /// What is in force.
    pub said: String,
    /// Rows of the words that are told besides, so that what is seen stays while one part is turned.
    pub besides: Vec<u16>,
    pub blend_frames: u32,
    pub history: PromptHistory,
    pub queue: PromptQueue,
    pub day: Day,
    pub cost: GuidanceCost,
    /// The keys shall go to the field.
    pub wants_keys: bool,
    /// The panel was opened to say something, and goes again once it is said.
    pub in_passing: bool,
    /// Of the suggestion that was said last when somebody asked for another prompt and the queue was empty.
    pub suggestion: Place,
    /// What was refused last, and whether the keys go to its end.
    refused: (String, bool),
    in_vain: InVain,
    marks: Marks,
    dialled: dials::Said,
    all_suggestions: bool,
}

impl PromptState {
    /// Whether a prompt is in force: one of which nothing counts never is.
    pub fn is_prompted(&self) -> bool {
        !self.said.trim().is_empty()
    }

    /// From now on `text` is in force. What somebody said is remembered and stands in the field; what comes by itself never takes the place
    /// of what is half typed.
    pub fn in_force(&mut self, text: String, by_itself: bool, typing: bool) {
        if !by_itself {
            self.history.said(&text);
        }
        if !typing && (!by_itself || self.text == self.placed) {
            self.text.clone_from(&text);
            self.placed.clone_from(&text);
        }
        self.said = text;
        self.besides.clear();
        self.refused.0.clear();
    }

    /// What was typed is refused: the keys stay in the field, at its end to put it right, and over all of it where it is refused again.
    pub fn refuse(&mut self, text: &str) {
        self.wants_keys = true;
        self.refused.1 = self.refused.0 != text;
        text.clone_into(&mut self.refused.0);
    }

    /// Forgets what is half typed.
    pub fn drop_draft(&mut self) {
        self.text.clone_from(&self.placed);
    }
}

/// What to tell of the lines of a list of which nothing counts, worked out when the list changes.
#[derive(Default)]
struct InVain {
    lines: String,
    most_words: usize,
    told: Option<String>,
}

impl InVain {
    fn of(&mut self, queue: &PromptQueue, most_words: usize) -> Option<&str> {
        if self.lines != queue.lines || self.most_words != most_words {
            (self.lines, self.most_words) = (queue.lines.clone(), most_words);
            let mut in_vain = queue.prompts();
            in_vain.retain(|prompt| prompt::ids(&prompt::read(prompt, most_words)).is_empty());
            let change = if in_vain.len() == 1 { "line changes" } else { "lines change" };
            let first = in_vain.first().map(|first| quoted(first));
            self.told = first.map(|first| format!("{} {change} nothing: \u{201C}{first}\u{201D}", in_vain.len()));
        }
        self.told.as_deref()
    }
}

/// Draws it. `look`: of the newest frame; `now` is the queue's clock, which stands still while `paused`.
pub fn show(
    ui: &mut egui::Ui,
    info: &SourceInfo,
    state: &mut PromptState,
    settings: &mut DecodeSettings,
    look: &Wish,
    (now, paused): (Duration, bool),
    events: &mut Vec<UiEvent>,
) {
    let mut say = field(ui, info, state).then(|| state.text.clone());
    advice(ui, info, state);
    dials::menus(ui, (&state.said, look), &mut state.dialled, events);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().button_padding = vec2(8.0, 2.0);
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing.y = 4.0;
        let shown = if state.all_suggestions { usize::MAX } else { FEW_SUGGESTIONS };
        for suggestion in info.suggested_prompts.iter().take(shown) {
            let chip = egui::Button::new(RichText::new(suggestion).size(12.0)).corner_radius(10);
            if ui.add(chip.selected(*suggestion == state.said)).clicked() {
                say = Some(suggestion.clone());
            }
        }
        if info.suggested_prompts.len() > FEW_SUGGESTIONS {
            let label = if state.all_suggestions { "fewer" } else { "more" };
            if ui.add(theme::quiet_button(label)).clicked() {
                state.all_suggestions = !state.all_suggestions;
            }
        }
        let earlier = state.history.earlier_than(&state.said, FEW_EARLIER);
        if !earlier.is_empty() {
            let menu = egui::containers::menu::MenuButton::from_button(theme::quiet_button("earlier"));
            menu.ui(ui, |ui| {
                ui.set_max_width(FIELD_WIDTH);
                for prompt in earlier {
                    if ui.add(egui::Button::new(prompt).truncate()).clicked() {
                        say = Some(prompt.to_owned());
                    }
                }
            });
        }
        if (!state.text.is_empty() || state.is_prompted()) && ui.add(theme::quiet_button("clear")).clicked() {
            say = Some(String::new());
        }
    });
    if let Some(prompt) = say {
        events.push(UiEvent::Prompt(prompt));
    }
    if info.kind == SourceKind::Dream {
        ui.add_space(2.0);
        line(ui, "blend frames", |ui| {
            ui.add(slider(&mut state.blend_frames, 0..=MOST_BLEND_FRAMES));
        })
        .on_hover_text("Frames in which a new prompt takes over from the one before; 0: at once");
        let before = settings.guidance;
        line(ui, "guidance", |ui| {
            ui.add(slider(&mut settings.guidance, 0.0..=MOST_GUIDANCE).max_decimals(1));
        })
        .on_hover_text("How much the prompt is exaggerated; 0: a little, in the first frame under new words");
        if settings.guidance != before {
            events.push(UiEvent::Settings(*settings));
        }
        quiet_line(ui, &state.cost.text(settings.guidance > 0.0, state.is_prompted()), theme::QUIET);
    }
    let heading = RichText::new("By the clock: a day, prompts").size(12.0).color(theme::QUIET);
    let runs = state.day.running || state.queue.running;
    egui::CollapsingHeader::new(heading).id_salt("by the clock").default_open(runs).show(ui, |ui| {
        day(ui, &mut state.day, now, paused);
        queue(ui, info, state, now, paused, events);
    });
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
            select(ui.ctx(), id, CCursorRange::one(end));
        }
    }
    let hint = if state.history.is_empty() { HINT.to_owned() } else { format!("{HINT}\n{RECALL}") };
    if std::mem::take(&mut state.wants_keys) {
        ui.memory_mut(|memory| memory.request_focus(id));
        let end = CCursor::new(state.text.chars().count());
        let begin = if std::mem::take(&mut state.refused.1) { end } else { CCursor::new(0) };
        select(ui.ctx(), id, CCursorRange::two(begin, end));
        let top = ui.cursor().min;
        ui.scroll_to_rect(egui::Rect::from_min_size(top, vec2(1.0, 60.0)), None);
    }
    word_field(ui, id, (2, &hint), &mut state.text, &mut state.marks, info.prompt_words)
}

fn select(ctx: &egui::Context, id: Id, letters: CCursorRange) {
    let mut edit = egui::TextEdit::load_state(ctx, id).unwrap_or_default();
    edit.cursor.set_char_range(Some(letters));
    edit.store(ctx, id);
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
    if output.response.changed() && text.contains(char::is_control) {
        // Pasted: letter for letter, so that the cursor stays where it is.
        *text = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    }
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

/// Quiet lines under the field, where there is something to say.
fn advice(ui: &mut egui::Ui, info: &SourceInfo, state: &mut PromptState) {
    let doubt = doubt(ui, id(), &mut state.text, &mut state.marks, info.prompt_words);
    if state.text.chars().count() >= MOST_LETTERS {
        quiet_line(ui, &format!("A prompt has at most {MOST_LETTERS} letters; the rest was left out."), theme::QUIET);
    }
    let typing = ui.memory(|memory| memory.has_focus(id()));
    let (said, empty) = (state.text.trim() == state.said, state.text.trim().is_empty());
    match doubt {
        Doubt::All => quiet_line(ui, "No word of it counts: Enter changes nothing.", theme::ERROR),
        Doubt::Some => {}
        // There is always one line, so that nothing moves while one types.
        Doubt::None if said && typing && !empty && !state.history.is_empty() => quiet_line(ui, RECALL, theme::QUIET),
        Doubt::None if said && empty => quiet_line(ui, "In common words of many languages", theme::QUIET),
        Doubt::None if said => quiet_row(ui, in_force(state, info.prompt_words)),
        Doubt::None if empty => quiet_line(ui, "Enter takes the prompt away", theme::ACCENT),
        Doubt::None => quiet_line(ui, "Enter to say it", theme::ACCENT),
    }
    if !said && state.is_prompted() {
        quiet_row(ui, format!("In force: {}", state.said));
    }
}

/// That what stands in the field is in force, what it is heard as where that is something else, and what the world is told besides.
fn in_force(state: &mut PromptState, most_words: usize) -> String {
    let heard = state.marks.heard(&state.text, most_words).map_or_else(String::new, |heard| format!(", heard as: {heard}"));
    let kept = if state.besides.is_empty() { String::new() } else { format!("; kept from before: {}", prompt::text_of(&state.besides)) };
    format!("In force{heard}{kept}")
}

/// A quiet line of one row; where it is cut short, it says more.
fn quiet_row(ui: &mut egui::Ui, line: String) {
    let line = RichText::new(line).size(11.5).color(theme::QUIET);
    ui.add(egui::Label::new(line).truncate());
}

/// How much of a text counts for a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    None,
    Some,
    /// There is text, and none of its words counts.
    All,
}

pub fn quiet_line(ui: &mut egui::Ui, line: &str, color: Color32) {
    ui.label(RichText::new(line).size(11.5).color(color));
}

/// One quiet line about the most doubtful word of the field `id`, the one that is being typed left out. The words it names take the
/// doubtful one's place where one clicks on them.
pub fn doubt(ui: &mut egui::Ui, id: Id, text: &mut String, marks: &mut Marks, most_words: usize) -> Doubt {
    let typing = ui.memory(|memory| memory.has_focus(id));
    let words = marks.of(text, most_words);
    let finished = |word: &Word| !(typing && word.range.end == text.len());
    let nothing = !text.trim().is_empty() && !words.iter().any(|(word, _)| matches!(word.fate, Fate::Known(_)) || !finished(word));
    let doubtful = words.iter().filter(|(word, mark)| finished(word) && !matches!(mark, Mark::Plain | Mark::Heard(_)));
    let worst = doubtful.min_by_key(|(_, mark)| match mark {
        Mark::Unknown(_) => 0,
        Mark::TooMany => 1,
        _ => 2,
    });
    let some = worst.is_some();
    let mut instead = None;
    match worst {
        Some((_, Mark::TooMany)) => quiet_line(ui, &format!("Only the first {most_words} words count."), theme::QUIET),
        Some((word, mark)) => {
            let (said, near) = mark.verdict(&text[word.range.clone()]);
            let color = if matches!(mark, Mark::Unknown(_)) { theme::ERROR } else { theme::QUIET };
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().interact_size.y = 0.0;
                ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
                ui.spacing_mut().button_padding = vec2(0.0, 0.0);
                quiet_line(ui, &said, color);
                for other in near {
                    let word_button = egui::Button::new(RichText::new(*other).size(11.5).color(theme::ACCENT)).frame(false);
                    if ui.add(word_button).on_hover_text("Put it there instead").clicked() {
                        instead = Some((word.range.clone(), *other));
                    }
                }
            });
        }
        None => {}
    }
    if let Some((range, other)) = instead {
        text.replace_range(range, other);
        ui.memory_mut(|memory| memory.request_focus(id));
        select(ui.ctx(), id, CCursorRange::one(CCursor::new(text.chars().count())));
    }
    if nothing {
        Doubt::All
    } else if some {
        Doubt::Some
    } else {
        Doubt::None
    }
}

/// The text with unknown words underlined, distant ones more quietly, those heard as others hardly, and words past the longest prompt
/// greyed. The word that is being typed is left alone.
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
            Mark::Heard(_) => format(theme::TEXT, Stroke::new(1.0, theme::QUIET.gamma_multiply(0.3))),
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

/// The day that goes by itself.
fn day(ui: &mut egui::Ui, day: &mut Day, now: Duration, paused: bool) {
    ui.horizontal(|ui| {
        ui.checkbox(&mut day.running, RichText::new("A day goes by in").size(12.0)).on_hover_text(
            "The light changes by itself, from dawn to dawn, whatever else is said; a prompt that names a light is where it goes on",
        );
        ui.add(egui::DragValue::new(&mut day.minutes).range(MINUTES).suffix(" min"));
        if let Some((light, secs)) = day.coming(now) {
            let wait = if paused { "paused".to_owned() } else { format!("{} in {secs} s", light.word()) };
            ui.label(RichText::new(wait).size(12.0).color(theme::QUIET));
        }
    });
}

/// Prompts one after another.
fn queue(ui: &mut egui::Ui, info: &SourceInfo, state: &mut PromptState, now: Duration, paused: bool, events: &mut Vec<UiEvent>) {
    let adds = state.is_prompted() && !state.queue.prompts().contains(&state.said.as_str());
    let queue = &mut state.queue;
    egui::TextEdit::multiline(&mut queue.lines).desired_rows(3).desired_width(f32::INFINITY).hint_text("One prompt a line").show(ui);
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("every").color(theme::QUIET));
        ui.add(egui::DragValue::new(&mut queue.every_secs).range(EVERY_SECS).suffix(" s"));
        let label = if queue.running { "Stop" } else { "Start" };
        let any = !queue.prompts().is_empty();
        if ui.add_enabled(queue.running || any, egui::Button::new(label)).clicked() {
            queue.running = !queue.running;
        }
        if any && ui.button("Next").on_hover_text("Says the next one at once").clicked() {
            events.push(UiEvent::Command(Command::NextPrompt));
        }
        if queue.lines.is_empty() && !info.suggested_prompts.is_empty() && ui.button("Suggestions").clicked() {
            queue.lines = info.suggested_prompts.join("\n");
        }
        if adds && ui.button("Add").on_hover_text("Puts what is in force at the end of the list").clicked() {
            queue.add(&state.said);
        }
    });
    if let Some(told) = state.in_vain.of(queue, info.prompt_words) {
        quiet_line(ui, told, theme::QUIET);
    }
    if queue.rests() {
        quiet_line(ui, "waits until nobody is there", theme::QUIET);
    } else if let Some((prompt, secs)) = queue.coming(now) {
        let wait = if paused { "paused, then " } else { "" };
        quiet_line(ui, &format!("{wait}in {secs} s: {prompt}"), theme::QUIET);
    } else if queue.running && paused {
        quiet_line(ui, "waits while paused", theme::QUIET);
    }
}
