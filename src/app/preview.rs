//! What comes next: a small picture of the frame that every living latent code would lead into.

use std::sync::Arc;

use egui::{Color32, RichText, vec2};

use super::panel::UiEvent;
use super::theme;
use crate::dream::SourceInfo;
use crate::dream::lookahead::Branch;
use crate::dream::runner::Status;

/// Pictures in a row.
const COLUMNS: usize = 3;

#[derive(Default)]
pub struct PreviewState {
    pub on: bool,
    /// By code, with the branch that each shows.
    textures: Vec<Option<(Arc<Branch>, egui::TextureHandle)>>,
}

impl PreviewState {
    /// Forgets textures of a device that is gone.
    pub fn clear(&mut self) {
        self.textures.clear();
    }

    /// Sends pictures to the device that are not there yet.
    fn follow(&mut self, ctx: &egui::Context, info: &SourceInfo, branches: &[Option<Arc<Branch>>]) {
        self.textures.resize_with(branches.len(), || None);
        for (code, (shown, branch)) in self.textures.iter_mut().zip(branches).enumerate() {
            let Some(branch) = branch else {
                *shown = None;
                continue;
            };
            let image = || egui::ColorImage::from_rgba_unmultiplied([info.width_px, info.height_px], &branch.rgba);
            match shown {
                Some((of, _)) if Arc::ptr_eq(of, branch) => {}
                Some((of, texture)) => {
                    texture.set(image(), egui::TextureOptions::LINEAR);
                    of.clone_from(branch);
                }
                None => {
                    let texture = ctx.load_texture(format!("code {code}"), image(), egui::TextureOptions::LINEAR);
                    *shown = Some((branch.clone(), texture));
                }
            }
        }
    }
}

/// `paused`: nothing waits for the dream but the one who looks.
pub fn show(ui: &mut egui::Ui, info: &SourceInfo, status: &Status, state: &mut PreviewState, paused: bool, events: &mut Vec<UiEvent>) {
    ui.horizontal(|ui| {
        let hint = "Dreams the next frame under every code without taking the step: at once while paused, else only in time that is left";
        if ui.checkbox(&mut state.on, "What comes next").on_hover_text(hint).changed() {
            events.push(UiEvent::Preview);
        }
        if state.on && status.branch_ms > 0.0 {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(RichText::new(format!("{:.1} ms each", status.branch_ms)).monospace().size(11.5).color(theme::QUIET));
            });
        }
    });
    if !state.on {
        return;
    }
    state.follow(ui.ctx(), info, &status.branches);
    // Older than a second.
    let past = |branch: &Branch| status.frames.saturating_sub(branch.frames) > u64::from(info.rate_hz);
    if !state.textures.iter().flatten().any(|(branch, _)| !past(branch)) {
        let said = if paused { "looking ahead ..." } else { "waits for time that is left: pause to look ahead" };
        ui.label(RichText::new(said).size(11.5).color(theme::QUIET));
    }
    let gap = ui.spacing().item_spacing.x;
    let width = (ui.available_width() - gap * (COLUMNS - 1) as f32) / COLUMNS as f32;
    for row in info.living_codes().chunks(COLUMNS) {
        ui.horizontal_top(|ui| {
            for code in row {
                let action = &info.actions[usize::from(*code)];
                let shown = state.textures.get(usize::from(*code)).and_then(Option::as_ref);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    let size = vec2(width, width * info.height_px as f32 / info.width_px as f32);
                    match shown {
                        Some((branch, texture)) => {
                            let tint = if past(branch) { Color32::from_gray(90) } else { Color32::WHITE };
                            ui.add(egui::Image::new((texture.id(), size)).corner_radius(4).tint(tint))
                                .on_hover_text(format!("The next frame under code {code}, {}", action.name));
                        }
                        None => {
                            ui.allocate_space(size);
                        }
                    }
                    ui.add(egui::Label::new(RichText::new(&action.name).size(11.5).color(theme::QUIET)).truncate());
                });
            }
        });
    }
}
