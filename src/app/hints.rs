//! What is written over the picture: what to press, in the names of what somebody plays with, and an invitation.

use std::sync::Arc;

use egui::{Align2, Color32, vec2};

use super::{help, theme};
use crate::input::pad::PadControl;
use crate::input::{Bindings, Command, Hand};
use crate::worlds::words::Dial;

/// Text in the middle.
pub fn centred(ui: &egui::Ui, area: egui::Rect, text: &str, color: Color32) {
    let font = egui::FontId::proportional(17.0);
    let galley = ui.painter().layout(text.to_owned(), font, color, (area.width() - 60.0).max(80.0));
    let at = Align2::CENTER_CENTER.anchor_size(area.center(), galley.size());
    ui.painter().galley(at.min, galley, color);
}

/// What to press, on what somebody plays with.
pub fn hint_text(bindings: &Bindings, hand: Hand, [prompts, within]: [bool; 2]) -> String {
    let [keys, parts] = help::walk(bindings);
    let walk = match hand {
        Hand::Finger => return "Hold a finger where you want to go".to_owned(),
        Hand::Keys => keys,
        Hand::Pad => parts,
    };
    let walk = walk.join(" or ");
    let walk = if walk.is_empty() { "Nothing is bound to walk by".to_owned() } else { format!("{walk} to walk") };
    let of_prompts =
        [(Command::Prompt, "for a prompt"), (Command::NextPrompt, "for another one"), (Command::Turn(Dial::Light), "for another light")];
    let of_view = [(Command::View, "from within")];
    let always = [(Command::Panel, "for the panel"), (Command::Help, "all keys")];
    let shown = of_prompts.iter().filter(|_| prompts).chain(of_view.iter().filter(|_| within)).chain(&always);
    with_controls(&walk, bindings, hand, shown)
}

/// What to do on the map.
pub fn map_text(bindings: &Bindings, hand: Hand) -> String {
    let first = match hand {
        Hand::Keys => "Drag and wheel to look around",
        Hand::Pad => "Left stick to look around, triggers to come nearer or go further away",
        Hand::Finger => "Drag to look around, pinch to come nearer",
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
    let galley = centred_rows(ui, text, 13.0, (area.width() - 24.0).max(60.0));
    // As low as can be: in the margin below the picture, where there is one.
    let at = area.center_bottom() - vec2(0.0, 2.0 + galley.size().y);
    on_plate(ui, at, galley, vec2(8.0, 1.0));
}

/// Large letters over the lower third of the picture's place, where there are any.
pub fn invite(ui: &egui::Ui, area: egui::Rect, text: &str) {
    if text.is_empty() {
        return;
    }
    let letters = (area.width() / 26.0).clamp(18.0, 56.0);
    let galley = centred_rows(ui, text, letters, (area.width() - 60.0).max(80.0));
    let at = area.center_bottom() - vec2(0.0, (area.height() / 3.0 + galley.size().y) / 2.0);
    on_plate(ui, at, galley, vec2(24.0, 12.0));
}

fn centred_rows(ui: &egui::Ui, text: &str, letters: f32, width: f32) -> Arc<egui::Galley> {
    let font = egui::FontId::proportional(letters);
    let mut job = egui::text::LayoutJob::simple(text.to_owned(), font, theme::TEXT, width);
    job.halign = egui::Align::Center;
    ui.painter().layout_job(job)
}

/// Text in the middle below `at`, on a plate that reaches further by so much.
fn on_plate(ui: &egui::Ui, at: egui::Pos2, galley: Arc<egui::Galley>, further: egui::Vec2) {
    let plate = galley.rect.translate(at.to_vec2()).expand2(further);
    ui.painter().rect_filled(plate, 6, Color32::from_black_alpha(150));
    ui.painter().galley(at, galley, theme::TEXT);
}
