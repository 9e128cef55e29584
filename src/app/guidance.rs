//! What guidance costs here, measured while it is on and off.

use crate::engine::DecodeSettings;

/// Share of the newest frame in a mean.
const NEWEST: f32 = 0.15;

/// Mean time of a frame with and without guidance, under otherwise the same settings.
#[derive(Debug, Default)]
pub struct GuidanceCost {
    /// Milliseconds: without, with.
    mean_ms: [Option<f32>; 2],
    steps: u32,
    frames: u64,
}

impl GuidanceCost {
    /// Takes in the time of the newest of `frames` frames.
    pub fn see(&mut self, frames: u64, frame_ms: f32, settings: &DecodeSettings) {
        if frames == self.frames || frame_ms <= 0.0 {
            return;
        }
        self.frames = frames;
        if self.steps != settings.steps {
            *self = Self { steps: settings.steps, frames, ..Self::default() };
        }
        let mean = &mut self.mean_ms[usize::from(settings.guidance > 0.0)];
        *mean = Some(mean.map_or(frame_ms, |mean| mean + NEWEST * (frame_ms - mean)));
    }

    /// What can be said so far.
    pub fn text(&self, guided: bool) -> String {
        let fps = |ms: f32| 1e3 / ms;
        match (guided, self.mean_ms) {
            (false, [_, None]) => "off; on, every step is computed twice".to_owned(),
            (_, [Some(without), Some(with)]) => format!("{:.0} frames/s possible without, {:.0} with", fps(without), fps(with)),
            (true, [None, Some(with)]) => format!("{:.0} frames/s possible; every step is computed twice", fps(with)),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::UnmaskOrder;

    #[test]
    fn the_cost_is_the_difference_of_what_was_measured() {
        let order = UnmaskOrder::Random;
        let off = DecodeSettings { steps: 2, temperature: 1.0, seed: 0, order, window: 1, context_level: 0, guidance: 0.0, certain: None };
        let on = DecodeSettings { guidance: 2.0, ..off };
        let mut cost = GuidanceCost::default();
        assert!(cost.text(false).contains("twice"));
        (1..100).for_each(|frame| cost.see(frame, 5.0, &off));
        (100..200).for_each(|frame| cost.see(frame, 10.0, &on));
        // The same frame again, as the interface is drawn more often than frames are made.
        (0..50).for_each(|_| cost.see(199, 99.0, &on));
        assert_eq!(cost.text(true), "200 frames/s possible without, 100 with");
        cost.see(200, 40.0, &DecodeSettings { steps: 8, ..on });
        assert!(cost.text(true).starts_with("25 frames/s"), "other steps are measured anew");
    }
}
