//! What is to be heard: set by the window, or a film, and read by who makes the sound, for a window on a thread of its own. Neither waits
//! for the other.

use fundsp::prelude64::{Shared, shared};

use super::scape::Scape;

/// A sound that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    Wind,
    Rain,
    Waves,
    Fire,
    Birds,
    Crickets,
    /// Of an old film.
    Crackle,
}

impl Voice {
    pub const ALL: [Self; 7] = [Self::Wind, Self::Rain, Self::Waves, Self::Fire, Self::Birds, Self::Crickets, Self::Crackle];
}

/// A sound of a moment: a step on something, and what else comes once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// On grass or sand.
    Soft,
    Snow,
    Wet,
    /// On stone.
    Hard,
    /// Something is in the way.
    Bump,
    /// A picture is taken.
    Shutter,
}

impl Blow {
    pub const ALL: [Self; 6] = [Self::Soft, Self::Snow, Self::Wet, Self::Hard, Self::Bump, Self::Shutter];
}

/// Blows are counted up to here, and then from nothing again: small enough for every count to be another number.
const MOST_BLOWS: f32 = 1024.0;

#[derive(Clone)]
pub struct Desk {
    /// How loud each is, 0 to 1.
    pub(super) voices: [Shared; Voice::ALL.len()],
    /// How often each was struck.
    pub(super) blows: [Shared; Blow::ALL.len()],
    /// What is heard lies between these, in Hz.
    pub(super) band_hz: [Shared; 2],
    /// Where the water lies: -1 on the left, 1 on the right.
    pub(super) waves_at: Shared,
    pub(super) volume: Shared,
}

impl Desk {
    /// Silence.
    pub fn new() -> Self {
        let silent = || shared(0.0);
        Self {
            voices: std::array::from_fn(|_| silent()),
            blows: std::array::from_fn(|_| silent()),
            band_hz: Scape::ALL_HZ.map(shared),
            waves_at: silent(),
            volume: silent(),
        }
    }

    pub fn surround(&self, scape: &Scape) {
        for (voice, level) in self.voices.iter().zip(scape.levels) {
            voice.set(level);
        }
        for (edge, hz) in self.band_hz.iter().zip(scape.band_hz) {
            edge.set(hz);
        }
        self.waves_at.set(scape.waves_at);
    }

    pub fn strike(&self, blow: Blow) {
        let count = &self.blows[blow as usize];
        count.set((count.value() + 1.0) % MOST_BLOWS);
    }

    pub fn turn_to(&self, volume: f32) {
        self.volume.set(volume);
    }

    pub fn is_silent(&self) -> bool {
        self.volume.value() <= 0.0
    }
}
