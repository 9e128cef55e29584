//! What is written over the picture: what to press, in the names of what somebody plays with, and an invitation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::text::{LayoutJob, TextFormat};
use egui::{Align2, Color32, FontId, vec2};

use super::{help, prompt_args, theme, touch_bar};
use crate::input::pad::PadControl;
use crate::input::{Bindings, Command, Hand};
use crate::worlds::words::Dial;

/// How long a hint lasts.
pub const HINT_LASTS: Duration = Duration::from_secs(7);

/// What is written over the picture for a while, and while nobody is there.
#[derive(Debug)]
pub struct Hints {
    /// When the first line goes; it is gone where there is no time.
    pub until: Option<Instant>,
    /// Stands in the place of the first line.
    pub tip: Option<String>,
    /// Stands large over the picture while nobody is there; nothing where it is empty.
    pub invitation: String,
}

impl Hints {
    /// The first line, for a while.
    pub fn new(now: Instant) -> Self {
        Self { until: Some(now + HINT_LASTS), tip: None, invitation: String::new() }
    }

    /// The first line stays for a while from now on.
    pub fn stay(&mut self, now: Instant) {
        self.until = Some(now + HINT_LASTS);
    }

    /// The first line stays for a while from now on, or for as long as it does anyway.
    pub fn stay_on(&mut self, now: Instant) {
        self.until = self.until.max(Some(now + HINT_LASTS));
    }
}

/// Text in the middle.
pub fn centred(ui: &egui::Ui, area: egui::Rect, text: &str, color: Color32) {
    let font = FontId::proportional(17.0);
    let galley = ui.painter().layout(text.to_owned(), font, color, (area.width() - 60.0).max(80.0));
    let at = Align2::CENTER_CENTER.anchor_size(area.center(), galley.size());
    ui.painter().galley(at.min, galley, color);
}

/// What to press, on what somebody plays with; by whether the world takes prompts, whether it can be seen from within, and whether it is.
pub fn hint_text(bindings: &Bindings, hand: Hand, [prompts, views, within]: [bool; 3]) -> String {
    let within = views && within;
    let [keys, parts] = help::walk(bindings).map(|names| names.join(" or "));
    let [ahead, aside] = help::walk_within(bindings);
    let ways = match (hand, within) {
        (Hand::Finger, false) => return "Hold a finger where you want to go".to_owned(),
        (Hand::Finger, true) => return "Hold ahead to walk, at the sides to turn".to_owned(),
        (Hand::Keys, false) => vec![(keys, "to walk")],
        (Hand::Keys, true) => vec![(ahead, "to walk"), (aside, "to turn")],
        (Hand::Pad, false) => vec![(parts, "to walk")],
        (Hand::Pad, true) => vec![(parts, "to walk"), ("right stick".to_owned(), "to turn")],
    };
    let bound = ways.into_iter().filter(|(by, _)| !by.is_empty()).map(|(by, what)| format!("{by} {what}"));
    let walk = bound.collect::<Vec<_>>().join(", ");
    let walk = if walk.is_empty() { "Nothing is bound to walk by".to_owned() } else { walk };
    let of_prompts =
        [(Command::Prompt, "for a prompt"), (Command::NextPrompt, "for another one"), (Command::Turn(Dial::Light), "for another light")];
    let of_view = [(Command::View, if within { "from above" } else { "from within" })];
    let always = [(Command::Panel, "for the panel"), (Command::Help, "all keys")];
    let shown = of_prompts.iter().filter(|_| prompts).chain(of_view.iter().filter(|_| views)).chain(&always);
    with_controls(&walk, bindings, hand, shown)
}

/// What to do on the map.
pub fn map_text(bindings: &Bindings, hand: Hand) -> String {
    let first = match hand {
        Hand::Keys => "Arrows and + - or drag and wheel to look around, 0 for all of it",
        Hand::Pad => "Left stick to look around, triggers to come nearer or go further away",
        Hand::Finger => return format!("Drag to look around, pinch to come nearer     {} goes on", touch_bar::MAP_BACK),
    };
    with_controls(first, bindings, hand, &[(Command::Screenshot, "saves it"), (Command::Map, "goes on")])
}

/// What a pad does in the panel.
pub fn panel_text() -> String {
    let [press, close] = [PadControl::South, PadControl::East].map(PadControl::label);
    format!("D-pad to go through the panel     {press} presses     {close} closes it")
}

/// `first`, and behind it what this hand does of these, where they are bound.
pub fn with_controls<'a>(
    first: &str,
    bindings: &Bindings,
    hand: Hand,
    commands: impl IntoIterator<Item = &'a (Command, &'a str)>,
) -> String {
    let bound = commands.into_iter().filter_map(|(command, what)| Some(format!("     {} {what}", bindings.control_of(hand, *command)?)));
    std::iter::once(first.to_owned()).chain(bound).collect()
}

/// One quiet line at the bottom of the picture's place, on as many rows as it needs.
pub fn note(ui: &egui::Ui, area: egui::Rect, text: &str) {
    let galley = ui.painter().layout_job(rows(text, 13.0, (area.width() - 24.0).max(60.0)));
    // As low as can be: in the margin below the picture, where there is one.
    let at = area.center_bottom() - vec2(0.0, 2.0 + galley.size().y);
    on_plate(ui, at, galley, vec2(8.0, 1.0));
}

/// Large letters over the lower third of the picture's place, where there are any; smaller below them what is `said` to the world, if anything is.
pub fn invite(ui: &egui::Ui, area: egui::Rect, text: &str, said: &str) {
    if text.is_empty() {
        return;
    }
    let letters = (area.width() / 26.0).clamp(18.0, 56.0);
    let mut job = rows(text, letters, (area.width() - 60.0).max(80.0));
    if !said.is_empty() {
        let smaller = TextFormat::simple(FontId::proportional((letters / 2.0).max(13.0)), theme::TEXT);
        job.append(&format!("\n\u{201C}{}\u{201D}", prompt_args::quoted(said)), 0.0, smaller);
    }
    let galley = ui.painter().layout_job(job);
    let at = area.center_bottom() - vec2(0.0, (area.height() / 3.0 + galley.size().y) / 2.0);
    on_plate(ui, at, galley, vec2(24.0, 12.0));
}

/// Rows of text in the middle.
fn rows(text: &str, letters: f32, width: f32) -> LayoutJob {
    let mut job = LayoutJob::simple(text.to_owned(), FontId::proportional(letters), theme::TEXT, width);
    job.halign = egui::Align::Center;
    job
}

/// Text in the middle below `at`, on a plate that reaches further by so much.
fn on_plate(ui: &egui::Ui, at: egui::Pos2, galley: Arc<egui::Galley>, further: egui::Vec2) {
    let plate = galley.rect.translate(at.to_vec2()).expand2(further);
    ui.painter().rect_filled(plate, 6, Color32::from_black_alpha(150));
    ui.painter().galley(at, galley, theme::TEXT);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_that_stays_for_long_is_cut_short_where_somebody_comes_and_not_where_a_pad_does() {
        let start = Instant::now();
        let mut hints = Hints::new(start);
        assert_eq!(hints.until, Some(start + HINT_LASTS));
        let later = start + HINT_LASTS;
        hints.stay_on(later);
        assert_eq!(hints.until, Some(later + HINT_LASTS));
        let long = Some(start + 100 * HINT_LASTS);
        hints.until = long;
        hints.stay_on(later);
        assert_eq!(hints.until, long);
        hints.stay(later);
        assert_eq!(hints.until, Some(later + HINT_LASTS));
        // One that is gone comes back.
        hints.until = None;
        hints.stay_on(later);
        assert_eq!(hints.until, Some(later + HINT_LASTS));
    }
}
