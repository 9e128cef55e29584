//! A row of buttons for whoever plays with fingers alone: what keys and pads have besides walking.

use egui::{RichText, vec2};

use super::panel::{UiEvent, UiState};
use super::theme;
use crate::dream::SourceInfo;
use crate::input::Command;
use crate::worlds::words::Dial;

/// Of a row, in points.
const HEIGHT: f32 = 52.0;
/// In less than this, with what lies between two, a button does not show all its letters.
const LEAST_WIDTH: f32 = 100.0;
/// On either side of its letters, at least.
const PADDING: f32 = 2.0;

/// What the buttons say and do.
fn buttons(state: &UiState, info: &SourceInfo) -> Vec<(&'static str, Command)> {
    let view = (if state.within { "From above" } else { "Step in" }, Command::View);
    let of_prompts = [("New prompt", Command::NextPrompt), ("Light", Command::Turn(Dial::Light)), ("Surprise", Command::Surprise)];
    let stop = (if state.paused { "Go on" } else { "Pause" }, Command::Pause);
    // At an event nobody is to stay in a panel, or to stop it for the next one; one that is open was left open by somebody with a pad or keys.
    let stop = (!state.event).then_some(stop);
    let panel = (if state.event { "Close" } else { "Panel" }, Command::Panel);
    let panel = (!state.event || state.panel).then_some(panel);
    let views = info.within.then_some(view);
    let words = of_prompts.into_iter().filter(|_| info.prompt_words > 0);
    let always = [("Undo", Command::TakeBack), ("Map", Command::Map), ("New world", Command::NewSeed)];
    let photo = state.keeps_pictures.then_some(("Photo", Command::Screenshot));
    views.into_iter().chain(words).chain(always).chain(photo).chain(stop).chain(panel).collect()
}

/// Draws them at the bottom of what is left of the window, in two rows where one is too short.
pub fn show(ui: &mut egui::Ui, state: &UiState, info: &SourceInfo, events: &mut Vec<UiEvent>) {
    let buttons = buttons(state, info);
    let rows = if ui.available_width() < LEAST_WIDTH * buttons.len() as f32 { 2 } else { 1 };
    let bar = egui::Panel::bottom("touch").exact_size(HEIGHT * rows as f32).resizable(false).show_separator_line(false);
    bar.frame(theme::bar_frame()).show(ui, |ui| {
        let gap = ui.spacing().item_spacing.x;
        ui.spacing_mut().button_padding.x = PADDING;
        for row in buttons.chunks(buttons.len().div_ceil(rows)) {
            let width = (ui.available_width() - gap * (row.len() as f32 - 1.0)) / row.len() as f32;
            ui.horizontal(|ui| {
                for (label, command) in row {
                    let button = egui::Button::new(RichText::new(*label).size(15.0)).truncate();
                    if ui.add_sized(vec2(width, HEIGHT - 10.0), button).clicked() {
                        events.push(UiEvent::Command(*command));
                    }
                }
            });
        }
    });
}
