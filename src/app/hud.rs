//! The bar of figures: speed, time by stage, what computes, the seed; above it the newest frame as a strip of its parts.

use egui::{Rect, RichText, pos2, vec2};

use super::theme;
use crate::dream::runner::Status;

/// Height of the strip, in points.
const STRIP: f32 = 4.0;

/// Narrower than this, in points, the bar leaves the split by stage to the panel.
const WIDE: f32 = 1040.0;

/// What stands in the bar, left part and right part.
pub fn texts(status: &Status, adapter: &str, seed: u32, paused: bool, wide: bool) -> (String, String) {
    let Some(info) = &status.info else { return ("opening ...".to_owned(), String::new()) };
    let speed = if paused { "paused".to_owned() } else { format!("{:.1} frames/s", status.fps) };
    let stages: Vec<String> = status.stages.iter().map(|(name, ms)| format!("{name} {ms:.1}")).collect();
    let split = if stages.is_empty() || !wide { String::new() } else { format!("  ({})", stages.join("  ")) };
    let frame_ms = frame_ms(status);
    let left = format!("{speed}   {frame_ms:.1} ms{split}");
    let screen = if adapter.is_empty() || info.device.contains(adapter) { String::new() } else { format!("   {adapter}") };
    let right = format!("{}, {}{screen}   seed {seed}", info.engine, info.device);
    (left, right)
}

/// Milliseconds of the newest frame. A device works on after the call is done; its stages say for how long.
pub fn frame_ms(status: &Status) -> f32 {
    // The sum of nothing is -0.
    (status.stages.iter().map(|(_, ms)| ms).sum::<f32>() + 0.0).max(status.frame_ms)
}

/// `adapter` is what the window is drawn with.
pub fn show(ui: &mut egui::Ui, status: &Status, adapter: &str, seed: u32, paused: bool) {
    let (left, right) = texts(status, adapter, seed, paused, ui.available_width() > WIDE);
    strip(ui, if status.passes.is_empty() { &status.stages } else { &status.passes });
    // No higher than the bar leaves: what overflowed would be taken from the picture's place.
    let row = egui::Sides::new().height(ui.available_height()).spacing(14.0).shrink_right().truncate();
    let small = |text: String| RichText::new(text).monospace().size(11.5).color(theme::QUIET);
    row.show(ui, |ui| ui.label(small(left)), |ui| ui.label(small(right)));
}

/// Where each part of a frame begins and ends on a strip of width 1, its name, and the number of the name.
fn parts(times: &[(&'static str, f32)]) -> Vec<(f32, f32, &'static str, u8)> {
    let total: f32 = times.iter().map(|(_, ms)| ms).sum();
    let (mut names, mut end) = (Vec::new(), 0.0);
    let part = |&(name, ms): &(&'static str, f32)| {
        let number = names.iter().position(|&known| known == name).unwrap_or(names.len());
        if number == names.len() {
            names.push(name);
        }
        let begin = end;
        end += ms / total;
        (begin, end, name, number as u8)
    };
    if total > 0.0 { times.iter().map(part).collect() } else { Vec::new() }
}

/// What a frame was made of, in order of execution, along the upper edge of the bar: each kind of part in its colour. The pointer on it
/// names the part.
fn strip(ui: &mut egui::Ui, times: &[(&'static str, f32)]) {
    let bar = ui.clip_rect();
    let strip = Rect::from_min_size(pos2(ui.max_rect().left(), bar.top()), vec2(ui.available_width(), STRIP));
    let x = |share: f32| strip.left() + share * strip.width();
    let response = ui.interact(strip, ui.scope_id().with("strip"), egui::Sense::hover());
    let pointer = response.hover_pos();
    let mut under = None;
    for (begin, end, name, number) in parts(times) {
        let part = Rect::from_x_y_ranges(x(begin)..=x(end), strip.y_range());
        ui.painter().rect_filled(part, 0.0, theme::code_color(number));
        if pointer.is_some_and(|at| part.x_range().contains(at.x)) {
            under = Some(name);
        }
    }
    if let Some(name) = under {
        let of_name = || times.iter().filter(|(other, _)| *other == name).map(|(_, ms)| ms);
        response.on_hover_text(format!("{name}: {:.2} ms in {} parts of the frame", of_name().sum::<f32>(), of_name().count()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_strip_follow_each_other_and_equal_names_share_a_colour() {
        let parts = parts(&[("a", 1.0), ("b", 2.0), ("a", 1.0)]);
        assert_eq!(parts, [(0.0, 0.25, "a", 0), (0.25, 0.75, "b", 1), (0.75, 1.0, "a", 0)]);
        assert!(super::parts(&[("a", 0.0)]).is_empty() && super::parts(&[]).is_empty());
    }

    #[test]
    fn the_strip_lies_along_the_upper_edge_of_the_bar() {
        let screen = Rect::from_min_size(egui::Pos2::ZERO, vec2(400.0, 100.0));
        let input = egui::RawInput { screen_rect: Some(screen), ..Default::default() };
        let output = egui::Context::default().run_ui(input, |ui| {
            let bar = egui::Panel::bottom("bar").exact_size(28.0).show_separator_line(false).frame(theme::bar_frame());
            bar.show(ui, |ui| strip(ui, &[("a", 1.0), ("b", 3.0)]));
        });
        let drawn = |number: u8| {
            let rects = output.shapes.iter().filter_map(|shape| if let egui::Shape::Rect(rect) = &shape.shape { Some(rect) } else { None });
            let mut rects = rects.filter(|rect| rect.fill == theme::code_color(number));
            rects.next().map_or(Rect::NOTHING, |rect| rect.rect)
        };
        let (a, b) = (drawn(0), drawn(1));
        assert!(a.top() == 72.0 && b.y_range() == a.y_range() && a.height() == STRIP, "{a} {b}");
        assert!(a.right() == b.left() && (b.width() - 3.0 * a.width()).abs() < 0.1 && b.right() > 380.0, "{a} {b}");
    }

    #[test]
    fn nothing_is_claimed_before_the_source_is_open() {
        assert_eq!(texts(&Status::default(), "", 1, false, true).0, "opening ...");
    }
}
