//! How frames are decoded, as the panel sets it.

use super::as_command::as_command;
use super::panel::{UiEvent, UiState, line, slider};
use super::theme;
use crate::dream::SourceInfo;
use crate::engine::{Chance, DecodeSettings, UnmaskOrder};

fn chance_sliders(ui: &mut egui::Ui, [temperature, min_p]: [&str; 2], chance: &mut Chance) {
    line(ui, temperature, |ui| {
        ui.add(slider(&mut chance.temperature, 0.0..=2.0).max_decimals(2));
    })
    .on_hover_text("How much chance has a say: 0 always takes the likeliest");
    line(ui, min_p, |ui| {
        ui.add(slider(&mut chance.min_p, 0.0..=0.9).max_decimals(2));
    })
    .on_hover_text("What is less likely than this share of the likeliest is never drawn; 0: all may be");
}

pub fn show(ui: &mut egui::Ui, info: &SourceInfo, state: &mut UiState, events: &mut Vec<UiEvent>) {
    let before = state.settings;
    let settings = &mut state.settings;
    line(ui, "steps", |ui| {
        ui.add(slider(&mut settings.steps, 1..=8));
    })
    .on_hover_text("Passes in which a frame is filled in: more are slower and calmer");
    let mut chance = settings.chance_of(true);
    chance_sliders(ui, ["temperature", "min-p"], &mut chance);
    (settings.temperature, settings.min_p) = (chance.temperature, chance.min_p);
    let mut otherwise = settings.new_land.is_some();
    line(ui, "new land", |ui| {
        ui.checkbox(&mut otherwise, "drawn otherwise");
    })
    .on_hover_text("Whether land that was never seen is drawn with a chance of its own and, piece by piece, after all that is certain");
    settings.new_land = otherwise.then_some(settings.chance_of(false));
    if let Some(new_land) = &mut settings.new_land {
        chance_sliders(ui, ["its temp.", "its min-p"], new_land);
    }
    line(ui, "window", |ui| {
        ui.add(slider(&mut settings.window, 1..=info.window.max(1)));
    })
    .on_hover_text("Frames the dream looks at, the new one included");
    if info.context_levels > 1 {
        line(ui, "context level", |ui| {
            ui.add(slider(&mut settings.context_level, 0..=info.context_levels - 1));
        })
        .on_hover_text("How much the dream mistrusts the frames before");
    }
    line(ui, "unmask by", |ui| {
        ui.selectable_value(&mut settings.order, UnmaskOrder::Random, "chance");
        ui.selectable_value(&mut settings.order, UnmaskOrder::Confidence, "confidence");
    })
    .on_hover_text("Which tokens are settled first");
    line(ui, "settle above", |ui| {
        let mut certain = settings.certain.unwrap_or(0.0);
        ui.add(slider(&mut certain, 0.0..=0.99).max_decimals(2));
        settings.certain = Some(certain).filter(|p| *p > 0.0);
    })
    .on_hover_text("Tokens of at least this probability are settled at once, and steps that then have nothing to do are left out; 0: none");
    line(ui, "seed", |ui| {
        ui.add(egui::DragValue::new(&mut settings.seed).speed(0.2));
    })
    .on_hover_text("The same seed, start and keys dream the same frames again");
    let own = state.own.map(|own| DecodeSettings { seed: settings.seed, ..own });
    if let Some(own) = own.filter(|own| *own != *settings)
        && ui.add(theme::quiet_button("as the pack has it")).on_hover_text("All but the seed, guidance too").clicked()
    {
        *settings = own;
    }
    if *settings != before {
        events.push(UiEvent::Settings(*settings));
    }
    // Visitors have nothing to paste it into.
    if let Some(own) = state.own.filter(|_| !state.venue.event) {
        copying(ui, info, state, &own);
    }
}

/// Copies what is said and set as a command line.
fn copying(ui: &mut egui::Ui, info: &SourceInfo, state: &mut UiState, own: &DecodeSettings) {
    let told = state.prompt.is_prompted() || !state.prompt.besides.is_empty();
    let button = ui
        .add_enabled(told, theme::quiet_button("copy as command"))
        .on_hover_text("The command line that begins a world out of the words in force, dreamed as here")
        .on_disabled_hover_text("Only a world of words has one: say something first");
    if button.clicked() {
        ui.ctx().copy_text(as_command(state, own, info.prompt_words));
        state.toasts.push("Copied the command".to_owned(), false);
    }
}
