//! A row of buttons for whoever plays with fingers alone: what keys and pads have besides walking.

use egui::{RichText, vec2};

use super::panel::{UiEvent, UiState};
use super::theme;
use crate::dream::SourceInfo;
use crate::input::Command;
use crate::worlds::words::Dial;

const HEIGHT: f32 = 52.0;

/// What the buttons say and do.
fn buttons(state: &UiState, info: &SourceInfo) -> Vec<(&'static str, Command)> {
    let view = (if state.within { "From above" } else { "Step in" }, Command::View);
    let of_prompts = [("New prompt", Command::NextPrompt), ("Light", Command::Turn(Dial::Light))];
    let stop = (if state.paused { "Go on" } else { "Pause" }, Command::Pause);
    // At an event nobody is to stay in a panel, or to stop it for the next one.
    let at_home = [stop, ("Panel", Command::Panel)];
    let views = info.within.then_some(view);
    let words = of_prompts.into_iter().filter(|_| info.prompt_words > 0);
    let always = [("Undo", Command::TakeBack), ("Map", Command::Map)];
    views.into_iter().chain(words).chain(always).chain(at_home.into_iter().filter(|_| !state.event)).collect()
}

/// Draws them at the bottom of what is left of the window.
pub fn show(ui: &mut egui::Ui, state: &UiState, info: &SourceInfo, events: &mut Vec<UiEvent>) {
    let bar = egui::Panel::bottom("touch").exact_size(HEIGHT).resizable(false).show_separator_line(false).frame(theme::bar_frame());
    bar.show(ui, |ui| {
        let buttons = buttons(state, info);
        let gap = ui.spacing().item_spacing.x;
        let width = (ui.available_width() - gap * (buttons.len() as f32 - 1.0)) / buttons.len() as f32;
        ui.horizontal_centered(|ui| {
            for (label, command) in buttons {
                let button = egui::Button::new(RichText::new(label).size(15.0)).truncate();
                if ui.add_sized(vec2(width, HEIGHT - 8.0), button).clicked() {
                    events.push(UiEvent::Command(command));
                }
            }
        });
    });
}
