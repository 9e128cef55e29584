//! The bar of figures: speed, time by stage, what computes, the seed.

use egui::RichText;

use super::theme;
use crate::dream::runner::Status;

/// Narrower than this, in points, the bar leaves the split by stage to the panel.
const WIDE: f32 = 940.0;

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
    status.stages.iter().map(|(_, ms)| ms).sum::<f32>().max(status.frame_ms)
}

/// `adapter` is what the window is drawn with.
pub fn show(ui: &mut egui::Ui, status: &Status, adapter: &str, seed: u32, paused: bool) {
    let (left, right) = texts(status, adapter, seed, paused, ui.available_width() > WIDE);
    let small = |text: String| RichText::new(text).monospace().size(11.5).color(theme::QUIET);
    egui::Sides::new().shrink_right().truncate().show(ui, |ui| ui.label(small(left)), |ui| ui.label(small(right)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_claimed_before_the_source_is_open() {
        assert_eq!(texts(&Status::default(), "", 1, false, true).0, "opening ...");
    }
}
