//! The prompt field: typed words go to the dream at once, unknown ones are marked, suggestions are a click away.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, RichText, Stroke};

use super::panel::UiEvent;
use super::theme;
use crate::dream::SourceInfo;
use crate::dream::prompt::{self, Fate};

/// Longest text the field takes; far more than any pack's longest prompt.
const MOST_LETTERS: usize = 400;

pub fn show(ui: &mut egui::Ui, info: &SourceInfo, text: &mut String, events: &mut Vec<UiEvent>) {
    let mut layouter = |ui: &egui::Ui, buffer: &dyn egui::TextBuffer, wrap_px: f32| -> Arc<egui::Galley> {
        let mut job = marked(buffer.as_str(), info);
        job.wrap.max_width = wrap_px;
        ui.fonts_mut(|f| f.layout_job(job))
    };
    let field = egui::TextEdit::multiline(text)
        .desired_rows(2)
        .desired_width(f32::INFINITY)
        .char_limit(MOST_LETTERS)
        .return_key(None)
        .hint_text("What should the world be like?")
        .layouter(&mut layouter);
    let response = ui.add(field);
    let mut changed = response.changed();
    // Said is said: the keys walk again.
    if response.has_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter)) {
        response.surrender_focus();
    }
    let words = prompt::read(text, &info.vocabulary, info.prompt_words);
    let unknown: Vec<&str> = words.iter().filter(|w| w.fate == Fate::Unknown).map(|w| &text[w.range.clone()]).collect();
    if !unknown.is_empty() {
        let said = format!("This world does not know: {}", unknown.join(", "));
        ui.label(RichText::new(said).size(11.5).color(theme::ERROR));
    }
    if words.iter().any(|w| w.fate == Fate::TooMany) {
        let said = format!("Only the first {} words count.", info.prompt_words);
        ui.label(RichText::new(said).size(11.5).color(theme::QUIET));
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().button_padding = egui::vec2(8.0, 2.0);
        ui.spacing_mut().interact_size.y = 20.0;
        for suggestion in &info.suggested_prompts {
            if ui.add(egui::Button::new(RichText::new(suggestion).size(12.0)).corner_radius(10)).clicked() {
                text.clone_from(suggestion);
                changed = true;
            }
        }
        if !text.is_empty() && ui.add(egui::Button::new(RichText::new("clear").size(12.0).color(theme::QUIET)).frame(false)).clicked() {
            text.clear();
            changed = true;
        }
    });
    if changed {
        events.push(UiEvent::Prompt(prompt::ids(&prompt::read(text, &info.vocabulary, info.prompt_words))));
    }
}

/// The text with unknown words underlined and words past the longest prompt greyed.
fn marked(text: &str, info: &SourceInfo) -> LayoutJob {
    let format =
        |color: Color32, underline: Stroke| TextFormat { font_id: FontId::proportional(13.5), color, underline, ..Default::default() };
    let plain = format(theme::TEXT, Stroke::NONE);
    let mut job = LayoutJob::default();
    let mut at = 0;
    for word in prompt::read(text, &info.vocabulary, info.prompt_words) {
        job.append(&text[at..word.range.start], 0.0, plain.clone());
        let look = match word.fate {
            Fate::Known(_) => plain.clone(),
            Fate::Unknown => format(theme::ERROR, Stroke::new(1.0, theme::ERROR)),
            Fate::TooMany => format(theme::QUIET, Stroke::NONE),
        };
        at = word.range.end;
        job.append(&text[word.range], 0.0, look);
    }
    job.append(&text[at..], 0.0, plain);
    job
}
