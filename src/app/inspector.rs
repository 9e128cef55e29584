//! The action inspector: the latent code in force, what is known about it, the last seconds, and a button for each living code.

use egui::{Color32, CornerRadius, RichText, Sense, Stroke, pos2, vec2};

use super::panel::UiEvent;
use super::theme;
use crate::dream::SourceInfo;
use crate::dream::runner::{Status, TIMELINE_FRAMES};

/// Draws it; `played` is the code whose button is held at this moment.
pub fn show(ui: &mut egui::Ui, info: &SourceInfo, status: &Status, played: &mut Option<u8>, events: &mut Vec<UiEvent>) {
    let Some(action) = info.actions.get(usize::from(status.code)) else { return };
    ui.horizontal(|ui| {
        swatch(ui, theme::code_color(status.code), 12.0);
        ui.label(RichText::new(&action.name).size(19.0).color(Color32::WHITE));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(format!("code {}", status.code)).color(theme::QUIET));
        });
    });
    match (action.share, action.purity) {
        (Some(share), Some((moved, blocked))) => {
            figure(ui, "share of steps", share);
            figure(ui, "purity, moved", moved);
            figure(ui, "purity, blocked", blocked);
        }
        _ => {
            ui.label(RichText::new("A recorded action of the simulator.").color(theme::QUIET));
        }
    }
    ui.add_space(2.0);
    timeline(ui, status);
    ui.add_space(2.0);
    buttons(ui, info, status, played, events);
}

fn swatch(ui: &mut egui::Ui, color: Color32, side: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    ui.painter().rect_filled(rect, CornerRadius::same(3), color);
}

/// A share of one, as a bar with its number.
fn figure(ui: &mut egui::Ui, name: &str, share: f32) {
    ui.horizontal(|ui| {
        ui.set_height(15.0);
        let (rect, _) = ui.allocate_exact_size(vec2(96.0, 14.0), Sense::hover());
        let quiet = theme::QUIET;
        ui.painter().text(rect.left_center(), egui::Align2::LEFT_CENTER, name, egui::FontId::proportional(11.5), quiet);
        let (rect, _) = ui.allocate_exact_size(vec2((ui.available_width() - 44.0).max(20.0), 5.0), Sense::hover());
        ui.painter().rect_filled(rect, CornerRadius::same(2), theme::RAISED);
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let part = egui::Rect::from_min_size(rect.min, vec2(rect.width() * share, rect.height()));
        ui.painter().rect_filled(part, CornerRadius::same(2), theme::ACCENT);
        ui.label(RichText::new(format!("{:.0} %", share * 100.0)).size(11.5).color(theme::TEXT));
    });
}

/// One column a frame, newest at the right.
fn timeline(ui: &mut egui::Ui, status: &Status) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, CornerRadius::same(4), Color32::from_rgb(13, 14, 18));
    // Whole points, so that all columns look alike.
    let column = (rect.width() / TIMELINE_FRAMES as f32).floor().max(1.0);
    let newest = status.timeline.len();
    for (i, &code) in status.timeline.iter().enumerate() {
        let right = rect.right().floor() - (newest - 1 - i) as f32 * column;
        let cell = egui::Rect::from_min_max(pos2(right - column, rect.top() + 4.0), pos2(right - 1.0, rect.bottom() - 4.0));
        painter.rect_filled(cell, CornerRadius::ZERO, theme::code_color(code));
    }
    painter.rect_stroke(rect, CornerRadius::same(4), Stroke::new(1.0, theme::EDGE), egui::StrokeKind::Inside);
    response.on_hover_text("Codes of the last frames, the newest at the right");
}

/// Each plays its code for as long as it is held.
fn buttons(ui: &mut egui::Ui, info: &SourceInfo, status: &Status, played: &mut Option<u8>, events: &mut Vec<UiEvent>) {
    let mut down = None;
    let width = (ui.available_width() - ui.spacing().item_spacing.x) / 2.0;
    for pair in info.living_codes().chunks(2) {
        ui.horizontal(|ui| {
            for &code in pair {
                let action = &info.actions[usize::from(code)];
                let lit = status.code == code;
                let text = RichText::new(&action.name).color(if lit { Color32::WHITE } else { theme::TEXT });
                let edge = if lit { theme::code_color(code) } else { theme::RAISED };
                let button = egui::Button::new(text).truncate().min_size(vec2(width, 26.0)).stroke(Stroke::new(1.0, edge));
                // Of what senses clicks alone a long press is none.
                let button = button.sense(Sense::click_and_drag());
                let response = ui.add_sized(vec2(width, 26.0), button).on_hover_text(format!("Hold to play code {code}"));
                if response.is_pointer_button_down_on() {
                    down = Some(code);
                } else if response.clicked() && *played != Some(code) {
                    events.extend([UiEvent::CodeDown(code), UiEvent::CodeUp(code)]);
                }
            }
        });
    }
    if down != *played {
        if let Some(code) = *played {
            events.push(UiEvent::CodeUp(code));
        }
        if let Some(code) = down {
            events.push(UiEvent::CodeDown(code));
        }
        *played = down;
    }
}
