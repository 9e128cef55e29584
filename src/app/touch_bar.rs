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
/// What leads back from the map.
pub const MAP_BACK: &str = "Back";

/// What the buttons say and do.
fn buttons(state: &UiState, info: &SourceInfo) -> Vec<(&'static str, Command)> {
    let view = (if state.within { "From above" } else { "Step in" }, Command::View);
    let of_prompts = [("New prompt", Command::NextPrompt), ("Light", Command::Turn(Dial::Light)), ("Surprise", Command::Surprise)];
    let stop = (if state.paused { "Go on" } else { "Pause" }, Command::Pause);
    // At an event nobody is to stay in a panel, or to stop it for the next one; one that is open was left open by somebody with a pad or keys.
    let stop = (!state.venue.event).then_some(stop);
    let panel = (if state.venue.event { "Close" } else { "Panel" }, Command::Panel);
    let panel = (!state.venue.event || state.panel).then_some(panel);
    let views = info.within.then_some(view);
    let words = of_prompts.into_iter().filter(|_| info.prompt_words > 0);
    let map = (if state.map.open { MAP_BACK } else { "Map" }, Command::Map);
    let always = [("Undo", Command::TakeBack), map, ("New world", Command::NewSeed)];
    let photo = state.venue.keeps_pictures.then_some(("Photo", Command::Screenshot));
    views.into_iter().chain(words).chain(always).chain(photo).chain(stop).chain(panel).collect()
}

/// The same of what is heard, where a device plays it; at an event the hall hears it for all.
fn sound(state: &UiState) -> Option<(&'static str, Command)> {
    let label = if state.volume.is_silent() { "Sound" } else { "Silence" };
    (state.sounds && !state.venue.event).then_some((label, Command::Sound))
}

/// Draws them at the bottom of what is left of the window, in two rows where one is too short.
pub fn show(ui: &mut egui::Ui, state: &UiState, info: &SourceInfo, events: &mut Vec<UiEvent>) {
    let mut buttons = buttons(state, info);
    let rows = if ui.available_width() < LEAST_WIDTH * buttons.len() as f32 { 2 } else { 1 };
    // The slider in the panel does as well: it takes no room from the others.
    if let Some(sound) = sound(state).filter(|_| ui.available_width() >= LEAST_WIDTH * (buttons.len() + 1).div_ceil(rows) as f32) {
        buttons.push(sound);
    }
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
