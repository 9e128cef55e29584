//! How long each frame of a recording lasts: in whole ticks, what is over going to the next, so that a walk takes as long as it took.

#[derive(Clone, Copy, Debug)]
pub struct Pace {
    rate_hz: u64,
    ticks_a_second: u64,
    least: u64,
    frames: u64,
    /// How long those so far last.
    told: u64,
}

impl Pace {
    /// Of a recording at `rate_hz` frames a second; none lasts less than the `least` number of ticks.
    pub fn new(rate_hz: u32, ticks_a_second: u32, least: u32) -> Self {
        let [rate_hz, ticks_a_second, least] = [rate_hz.max(1), ticks_a_second, least].map(u64::from);
        Self { rate_hz, ticks_a_second, least, frames: 0, told: 0 }
    }

    /// Ticks that the next frame lasts; nothing where those before it last until it is over.
    pub fn next(&mut self) -> Option<u32> {
        let at = |frame: u64| frame * self.ticks_a_second / self.rate_hz;
        let (begins, ends) = (at(self.frames), at(self.frames + 1));
        self.frames += 1;
        let lasts = (begins >= self.told).then(|| ends.saturating_sub(self.told).max(self.least))?;
        self.told += lasts;
        u32::try_from(lasts).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_lasts_as_long_as_the_walk() {
        let lasts = |rate_hz: u32, frames: u32| -> Vec<u32> {
            let mut pace = Pace::new(rate_hz, 100, 2);
            (0..frames).filter_map(|_| pace.next()).collect()
        };
        assert_eq!(lasts(18, 9), [5, 6, 5, 6, 5, 6, 5, 6, 6]);
        for rate_hz in [1, 6, 18, 30, 50, 60, 99, 240] {
            let told = lasts(rate_hz, 20 * rate_hz);
            assert!((2000..=2002).contains(&told.iter().sum::<u32>()) && told.iter().all(|ticks| *ticks >= 2), "{rate_hz} frames a second");
            assert!(rate_hz > 50 || told.len() == 20 * rate_hz as usize, "{rate_hz} frames a second: none is left out");
        }
    }
}
