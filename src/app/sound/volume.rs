//! How loud it is, and is again once it was silent.

use super::VOLUME;

/// How loud it is, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Volume {
    /// At this moment.
    pub now: f32,
    /// As loud as it is again once it was silent.
    pub loud: f32,
}

impl Default for Volume {
    /// Silent.
    fn default() -> Self {
        Self { now: 0.0, loud: VOLUME }
    }
}

impl Volume {
    /// Nothing is heard at it.
    pub fn is_silent(self) -> bool {
        self.now == 0.0
    }

    /// How loud it is, or is again where it is silent.
    pub fn when_heard(self) -> f32 {
        if self.is_silent() { self.loud } else { self.now }
    }

    /// As loud as it was set just now it is again once it was silent.
    pub fn remember(&mut self) {
        self.loud = self.when_heard();
    }

    /// Silent from now on.
    pub fn silence(&mut self) {
        self.remember();
        self.now = 0.0;
    }

    /// To be heard from now on, as it was.
    pub fn sound(&mut self) {
        self.now = self.when_heard();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_as_loud_again_as_it_was_before_silence() {
        let mut volume = Volume::default();
        assert!(volume.is_silent() && volume.when_heard() == VOLUME);
        volume.sound();
        assert_eq!(volume, Volume { now: VOLUME, loud: VOLUME });
        volume.now = 0.7;
        assert!(volume.when_heard() == 0.7 && volume.loud == VOLUME, "it is still being set");
        // Silence remembers it, and more silence does not forget.
        volume.silence();
        volume.silence();
        assert_eq!(volume, Volume { now: 0.0, loud: 0.7 });
        volume.sound();
        assert_eq!(volume.now, 0.7);
        // A slider that is drawn to silence leaves what it was set to before.
        (volume.now, volume.loud) = (0.2, 0.7);
        volume.remember();
        volume.now = 0.0;
        volume.remember();
        assert_eq!(volume, Volume { now: 0.0, loud: 0.2 });
    }
}
