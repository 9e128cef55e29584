//! What guidance costs here, measured while it is on and off.

use crate::engine::DecodeSettings;

/// Frames that a figure is the median of.
const FRAMES: usize = 31;

/// What the last frames took, in milliseconds.
#[derive(Debug, Default)]
struct Times {
    ms: [f32; FRAMES],
    /// Frames taken in so far.
    seen: usize,
}

impl Times {
    fn push(&mut self, ms: f32) {
        self.ms[self.seen % FRAMES] = ms;
        self.seen += 1;
    }

    fn median_ms(&self) -> Option<f32> {
        let mut sorted = self.ms;
        let sorted = &mut sorted[..self.seen.min(FRAMES)];
        sorted.sort_by(f32::total_cmp);
        sorted.get(sorted.len() / 2).copied()
    }
}

/// Time of a frame with and without guidance, under otherwise the same settings.
#[derive(Debug, Default)]
pub struct GuidanceCost {
    /// Without, with.
    times: [Times; 2],
    /// All but guidance.
    settings: Option<DecodeSettings>,
    frames: u64,
}

impl GuidanceCost {
    /// Takes in the time of the newest of `frames` frames, and whether it was guided: without a prompt there is nothing to guide. The first
    /// frame under new words is guided whatever the settings say, but in more steps than others, and tells nothing.
    pub fn see(&mut self, frames: u64, frame_ms: f32, settings: &DecodeSettings, guided: bool) {
        if frames == self.frames || frame_ms <= 0.0 {
            return;
        }
        let others = Some(DecodeSettings { guidance: 0.0, seed: 0, ..*settings });
        if self.settings != others {
            *self = Self { settings: others, ..Self::default() };
        }
        self.frames = frames;
        if !guided || settings.guidance > 0.0 {
            self.times[usize::from(guided)].push(frame_ms);
        }
    }

    /// What can be said so far.
    pub fn text(&self, guided: bool, prompted: bool) -> String {
        let fps = |times: &Times| times.median_ms().map(|ms| 1e3 / ms);
        match (guided, fps(&self.times[0]), fps(&self.times[1])) {
            (true, ..) if !prompted => "without a prompt there is nothing to guide".to_owned(),
            (_, Some(without), Some(with)) => format!("{without:.0} frames/s possible without, {with:.0} with"),
            (_, None, Some(with)) => format!("{with:.0} frames/s possible, with every step done twice"),
            (_, Some(without), None) => format!("{without:.0} frames/s possible; on, every step is done twice"),
            (_, None, None) => "on, every step is done twice".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_the_difference_of_what_was_measured() {
        let off = DecodeSettings { steps: 2, temperature: 1.0, ..DecodeSettings::LEAST };
        let on = DecodeSettings { guidance: 2.0, ..off };
        let mut cost = GuidanceCost::default();
        assert!(cost.text(false, true).contains("twice"));
        (1..100).for_each(|frame| cost.see(frame, if frame % 7 == 0 { 300.0 } else { 5.0 }, &off, false));
        assert!(cost.text(false, true).starts_with("200 frames/s possible; on"), "a hitch now and then does not count");
        cost.see(100, 90.0, &off, true);
        assert!(cost.text(false, true).starts_with("200 frames/s possible; on"), "the first frame under new words");
        // Nothing is guided while there is no prompt.
        (101..200).for_each(|frame| cost.see(frame, 5.0, &on, false));
        assert!(cost.text(false, false).starts_with("200") && cost.text(true, false).contains("nothing to guide"));
        (200..300).for_each(|frame| cost.see(frame, 10.0, &on, true));
        // The same frame again, as the interface is drawn more often than frames are made.
        (0..50).for_each(|_| cost.see(299, 99.0, &on, true));
        assert_eq!(cost.text(true, true), "200 frames/s possible without, 100 with");
        cost.see(300, 40.0, &DecodeSettings { steps: 8, ..on }, true);
        assert!(cost.text(true, true).starts_with("25 frames/s"), "other steps are measured anew");
    }
}
