//! How often a lost graphics device, or a dream that ended through a fault, is made anew before giving up.

/// So often without a dream that went on meanwhile.
const MOST: u32 = 5;
/// Frames after which a new device has proved itself.
const PROVED_FRAMES: u64 = 60;

#[derive(Debug, Default)]
pub struct Rebuilds {
    /// Since a device last proved itself.
    count: u32,
    /// Frames dreamed when the last one was made.
    at_frame: u64,
}

impl Rebuilds {
    /// The number of the attempt that begins after `frames` dreamed ones, counted from the first where the count goes on and else anew; nothing where there were
    /// enough.
    pub fn another(&mut self, frames: u64) -> Option<u32> {
        if frames.checked_sub(self.at_frame).unwrap_or(frames) >= PROVED_FRAMES {
            self.count = 0;
        }
        self.count += 1;
        self.at_frame = frames;
        (self.count <= MOST).then_some(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_lost_frame_after_frame_is_given_up_and_one_that_lasts_is_not() {
        let mut rebuilds = Rebuilds::default();
        let attempts: Vec<Option<u32>> = (0..7).map(|frame| rebuilds.another(frame)).collect();
        assert_eq!(attempts, [Some(1), Some(2), Some(3), Some(4), Some(5), None, None]);
        let mut rebuilds = Rebuilds::default();
        assert!((0..100).all(|loss| rebuilds.another(loss * PROVED_FRAMES) == Some(1)));
        // Frames are counted anew where the dream itself is made anew.
        assert_eq!([PROVED_FRAMES, 3, 2, 2 + PROVED_FRAMES].map(|frames| rebuilds.another(frames)), [1, 2, 3, 1].map(Some));
    }
}
