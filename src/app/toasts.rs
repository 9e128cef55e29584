//! Short notices over the picture: what went wrong, what was saved. The game goes on under them.

use std::time::{Duration, Instant};

use egui::{CornerRadius, FontId, Id, LayerId, Order, Rect, Stroke, StrokeKind, Vec2, pos2};

use super::theme;

const NEWS_LASTS: Duration = Duration::from_secs(4);
const ERROR_LASTS: Duration = Duration::from_secs(9);
/// Time to read a letter.
const LETTER_LASTS: Duration = Duration::from_millis(70);
/// Letters of a notice, at most: what a file or a system says may be longer than the window.
const MOST_LETTERS: usize = 500;
const PADDING: Vec2 = Vec2::new(14.0, 9.0);
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
    /// Shows `text`, which begins with a capital letter here, for as long as it takes to read; what is shown already stays on longer instead.
    pub fn push(&mut self, text: String, is_error: bool) {
        let mut letters = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_LETTERS);
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        let text: String = first.chain(letters).collect();
        let least = if is_error { ERROR_LASTS } else { NEWS_LASTS };
        let until = Instant::now() + least.max(LETTER_LASTS * text.chars().count() as u32);
        self.toasts.retain(|t| t.text != text);
        if self.toasts.len() == MOST {
            self.toasts.remove(0);
        }
        self.toasts.push(Toast { text, is_error, until });
    }

    /// Draws them at the bottom of `area`, the newest lowest.
    pub fn show(&mut self, ctx: &egui::Context, area: Rect) {
        let now = Instant::now();
        self.toasts.retain(|t| t.until > now);
        let Some(next) = self.toasts.iter().map(|t| t.until).min() else { return };
        ctx.request_repaint_after(next - now);
        let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("toasts")));
        let most_width = (area.width() - 60.0).clamp(120.0, 520.0);
        let mut bottom = area.bottom() - 24.0;
        for toast in self.toasts.iter().rev() {
            let galley = painter.layout(toast.text.clone(), FontId::proportional(13.5), theme::TEXT, most_width);
            let size = galley.size() + 2.0 * PADDING;
            let rect = Rect::from_min_size(pos2(area.center().x - size.x / 2.0, bottom - size.y), size);
            let edge = if toast.is_error { theme::ERROR } else { theme::ACCENT };
            let radius = CornerRadius::same(8);
            painter.rect_filled(rect, radius, theme::PLATE);
            painter.rect_stroke(rect, radius, Stroke::new(1.0, edge.gamma_multiply(0.6)), StrokeKind::Inside);
            painter.galley(rect.min + PADDING, galley, theme::TEXT);
            bottom = rect.top() - 8.0;
        }
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

    #[test]
    fn a_notice_is_one_line_that_fits_the_window() {
        let mut toasts = Toasts::default();
        toasts.push("two\nlines".to_owned(), true);
        toasts.push("long ".repeat(1000), false);
        toasts.push(String::new(), false);
        let texts: Vec<&str> = toasts.toasts.iter().map(|t| t.text.as_str()).collect();
        assert_eq!((texts[0], texts[1].len(), texts[2]), ("Two lines", MOST_LETTERS, ""), "and begins as lines do");
    }
}
