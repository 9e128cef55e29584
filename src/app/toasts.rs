//! Short notices over the picture: what went wrong, what was saved. The game goes on under them.

use std::time::{Duration, Instant};

use egui::{Align2, Color32, CornerRadius, Frame, Margin, RichText, Stroke, vec2};

use super::theme;

const NEWS_LASTS: Duration = Duration::from_secs(4);
const ERROR_LASTS: Duration = Duration::from_secs(9);
/// The newest push out older ones.
const MOST: usize = 4;

#[derive(Debug)]
struct Toast {
    text: String,
    is_error: bool,
    until: Instant,
}

#[derive(Debug, Default)]
pub struct Toasts {
    toasts: Vec<Toast>,
}

impl Toasts {
    /// Shows `text` for some seconds; what is shown already stays on longer instead.
    pub fn push(&mut self, text: String, is_error: bool) {
        let until = Instant::now() + if is_error { ERROR_LASTS } else { NEWS_LASTS };
        self.toasts.retain(|t| t.text != text);
        if self.toasts.len() == MOST {
            self.toasts.remove(0);
        }
        self.toasts.push(Toast { text, is_error, until });
    }

    pub fn show(&mut self, ctx: &egui::Context, lift: f32) {
        let now = Instant::now();
        self.toasts.retain(|t| t.until > now);
        let Some(next) = self.toasts.iter().map(|t| t.until).min() else { return };
        ctx.request_repaint_after(next - now);
        egui::Area::new(egui::Id::unique("toasts")).anchor(Align2::CENTER_BOTTOM, vec2(0.0, -lift - 14.0)).interactable(false).show(
            ctx,
            |ui| {
                ui.vertical_centered(|ui| {
                    for toast in &self.toasts {
                        let edge = if toast.is_error { theme::ERROR } else { theme::ACCENT };
                        Frame::new()
                            .fill(Color32::from_rgba_premultiplied(17, 19, 24, 240))
                            .stroke(Stroke::new(1.0, edge.gamma_multiply(0.6)))
                            .corner_radius(CornerRadius::same(8))
                            .inner_margin(Margin::symmetric(14, 9))
                            .show(ui, |ui| {
                                ui.set_max_width(520.0);
                                ui.label(RichText::new(&toast.text).color(theme::TEXT));
                            });
                    }
                });
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_notice_is_shown_once_and_old_ones_make_room() {
        let mut toasts = Toasts::default();
        toasts.push("a".to_owned(), true);
        toasts.push("a".to_owned(), true);
        assert_eq!(toasts.toasts.len(), 1);
        for i in 0..10 {
            toasts.push(format!("{i}"), false);
        }
        let texts: Vec<&str> = toasts.toasts.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(texts, ["6", "7", "8", "9"]);
    }
}
