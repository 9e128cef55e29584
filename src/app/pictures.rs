//! Where a dream begins or goes on from: start pictures, pictures of one's own, the words; and what the dream sees in the one shown last.

use std::sync::Arc;

use egui::{Align2, FontId, RichText, vec2};

use super::panel::{Thumbnail, UiEvent};
use super::theme;
use crate::dream::SourceInfo;
use crate::dream::session::Seen;

/// The picture shown last, as two textures.
#[derive(Default)]
pub struct SeenTextures {
    of: Option<Arc<Seen>>,
    pair: Option<[egui::TextureHandle; 2]>,
}

impl SeenTextures {
    /// Sends the pictures of `seen` to the device where they are not there yet.
    fn follow(&mut self, ctx: &egui::Context, info: &SourceInfo, seen: Option<&Arc<Seen>>) {
        let same = match (&self.of, seen) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if same {
            return;
        }
        self.of = seen.cloned();
        let size = [info.width_px, info.height_px];
        self.pair = seen.map(|seen| {
            let original = egui::ColorImage::from_rgb(size, &seen.original_rgb);
            let decoded = egui::ColorImage::from_rgba_unmultiplied(size, &seen.decoded_rgba);
            let load = |name: &str, image| ctx.load_texture(name, image, egui::TextureOptions::NEAREST);
            [load("shown", original), load("seen", decoded)]
        });
    }

    /// Forgets textures of a device that is gone.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Pictures to choose from, three in a row, and what stands below each, if anything does.
pub fn thumbnails(
    ui: &mut egui::Ui,
    all: &[Thumbnail],
    below: fn(&Thumbnail) -> Option<String>,
    chosen: fn(usize) -> UiEvent,
    events: &mut Vec<UiEvent>,
) {
    let gap = ui.spacing().item_spacing.x;
    let third = (ui.available_width() - 2.0 * gap) / 3.0;
    for (row, thumbnails) in all.chunks(3).enumerate() {
        ui.horizontal(|ui| {
            for (column, thumbnail) in thumbnails.iter().enumerate() {
                let size = thumbnail.texture.size_vec2();
                let image = egui::Image::new((thumbnail.texture.id(), size * (third / size.x))).corner_radius(4);
                let response = ui.add(image.sense(egui::Sense::click())).on_hover_text(&thumbnail.name);
                if response.hovered() {
                    let edge = egui::Stroke::new(1.5, theme::ACCENT);
                    ui.painter().rect_stroke(response.rect, 4, edge, egui::StrokeKind::Outside);
                }
                if response.clicked() {
                    events.push(chosen(row * 3 + column));
                }
            }
        });
        let texts: Vec<Option<String>> = thumbnails.iter().map(below).collect();
        if texts.iter().any(Option::is_some) {
            let (line, _) = ui.allocate_exact_size(vec2(ui.available_width(), 13.0), egui::Sense::hover());
            for (column, text) in texts.into_iter().enumerate().filter_map(|(column, text)| Some((column, text?))) {
                let at = line.left_center() + vec2(column as f32 * (third + gap), 0.0);
                ui.painter().text(at, Align2::LEFT_CENTER, text, FontId::proportional(11.5), theme::QUIET);
            }
        }
    }
}

/// `files`: whether pictures of one's own may be chosen.
pub fn show(
    ui: &mut egui::Ui,
    info: &SourceInfo,
    gallery: &[Thumbnail],
    (files, otherwise): (bool, &str),
    textures: &mut SeenTextures,
    seen: Option<&Arc<Seen>>,
    events: &mut Vec<UiEvent>,
) {
    thumbnails(ui, gallery, |_| None, UiEvent::Gallery, events);
    let gap = ui.spacing().item_spacing.x;
    let half = (ui.available_width() - gap) / 2.0;
    ui.horizontal(|ui| {
        let choose = ui.add_enabled_ui(files, |ui| ui.add_sized(vec2(half, 28.0), egui::Button::new("A picture ..."))).inner;
        if choose.on_hover_text(otherwise).clicked() {
            events.push(UiEvent::OpenPicture);
        }
        if ui.add_sized(vec2(half, 28.0), egui::Button::new("The prompt")).on_hover_text("A first frame from the prompt alone").clicked() {
            events.push(UiEvent::FromPrompt);
        }
    });
    textures.follow(ui.ctx(), info, seen);
    let Some(pair) = &textures.pair else { return };
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        for (texture, said) in pair.iter().zip(["shown", "as the dream sees it"]) {
            ui.vertical(|ui| {
                let size = texture.size_vec2();
                ui.add(egui::Image::new((texture.id(), size * (half / size.x))).corner_radius(4));
                ui.label(RichText::new(said).size(11.5).color(theme::QUIET));
            });
        }
    });
}
