//! Parts of the prompt turned from value to value: a menu each in the panel; over the picture, for a moment, the one that a key turned.

use std::time::{Duration, Instant};

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, RichText, pos2, vec2};

use super::panel::UiEvent;
use super::theme;
use crate::prompt::{ids, read};
use crate::worlds::scene::Wish;
use crate::worlds::words::{Dial, wish_of};

const LASTS: Duration = Duration::from_secs(3);
const FONT: FontId = FontId::proportional(15.0);

#[derive(Debug, Default)]
pub struct Dials {
    /// What was turned, to which of its values, and until when it is shown.
    turned: Option<(Dial, usize, Instant)>,
}

impl Dials {
    pub fn turned(&mut self, dial: Dial, value: usize) {
        self.turned = Some((dial, value, Instant::now() + LASTS));
    }

    /// Draws it at the top of `area`.
    pub fn show(&mut self, ui: &egui::Ui, area: egui::Rect) {
        let now = Instant::now();
        self.turned = self.turned.filter(|(.., until)| now < *until);
        let Some((dial, value, until)) = self.turned else { return };
        ui.ctx().request_repaint_after(until - now);
        let mut job = job(dial, value);
        job.wrap.max_width = (area.width() - 40.0).max(80.0);
        job.halign = egui::Align::Center;
        let galley = ui.painter().layout_job(job);
        let at = pos2(area.center().x, area.top() + 22.0);
        ui.painter().rect_filled(galley.rect.translate(at.to_vec2()).expand2(vec2(16.0, 9.0)), 8, theme::PLATE);
        ui.painter().galley(at, galley, theme::TEXT);
    }
}

/// What a prompt says of each part, read anew where it is another prompt.
#[derive(Default)]
pub struct Said {
    prompt: String,
    at: [Option<usize>; Dial::ALL.len()],
}

impl Said {
    fn of(&mut self, prompt: &str) -> [Option<usize>; Dial::ALL.len()] {
        if self.prompt != prompt {
            let words = ids(&read(prompt, usize::MAX));
            let wish = wish_of(&words);
            (self.prompt, self.at) = (prompt.to_owned(), Dial::ALL.map(|dial| dial.of(&wish)));
        }
        self.at
    }
}

/// A menu for each part, under the name of what the prompt says of it, or else of what is seen.
pub fn menus(ui: &mut egui::Ui, (prompt, look): (&str, &Wish), said: &mut Said, events: &mut Vec<UiEvent>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().button_padding = vec2(0.0, 2.0);
        ui.spacing_mut().item_spacing.x = 10.0;
        ui.spacing_mut().interact_size.y = 20.0;
        for (dial, at) in Dial::ALL.into_iter().zip(said.of(prompt)) {
            let values = dial.values();
            let seen = dial.of(look).map_or(dial.name(), |at| values[at]);
            let (name, color) = at.map_or((seen, theme::QUIET), |at| (values[at], theme::ACCENT));
            let button = egui::Button::new(RichText::new(name).size(12.0).color(color)).frame(false);
            let menu = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
                for (value, word) in values.iter().enumerate() {
                    if ui.selectable_label(at == Some(value), *word).clicked() {
                        events.push(UiEvent::Dial(dial, Some(value)));
                    }
                }
                if at.is_some() && ui.add(theme::quiet_button("leave it open")).clicked() {
                    events.push(UiEvent::Dial(dial, None));
                }
            });
            menu.0.on_hover_text(format!("Another {}, whatever else is said", dial.name()));
        }
    });
}

/// Its name and its values, with the one it stands at in light.
fn job(dial: Dial, at: usize) -> LayoutJob {
    let format = |color: Color32| TextFormat { font_id: FONT, color, ..TextFormat::default() };
    let mut job = LayoutJob::single_section(format!("{}   ", dial.name()), format(theme::ACCENT));
    for (value, word) in dial.values().iter().enumerate() {
        let mut shown = format(theme::QUIET);
        if value == at {
            (shown.color, shown.background, shown.expand_bg) = (Color32::WHITE, theme::CHOSEN, 4.0);
        }
        job.append(word, if value == 0 { 0.0 } else { 14.0 }, shown);
        job.append(" ", 0.0, format(theme::QUIET));
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_are_written_and_one_is_in_light() {
        let job = job(Dial::Light, 2);
        assert_eq!(job.text, "light   day dusk night dawn ");
        let lit: Vec<&str> = job
            .sections
            .iter()
            .filter(|s| s.format.background == theme::CHOSEN)
            .map(|s| &job.text[s.byte_range.start.0..s.byte_range.end.0])
            .collect();
        assert_eq!(lit, ["night"]);
    }
}
