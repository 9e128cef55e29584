//! What a world sounds like: weather, water, fire, animals and steps, made while they are heard out of what the tokens of the newest frame
//! show and what one does. Without a device that plays sound, and at volume 0, nothing is made.

mod desk;
mod mix;
mod scape;
mod speaker;
mod volume;

use std::time::{Duration, Instant};

pub use desk::Blow;
use desk::Desk;
pub use scape::Scape;
use speaker::Speaker;
pub use volume::Volume;

/// Volume where nobody has set one; 1 is the loudest.
pub const VOLUME: f32 = 0.4;
/// However fast frames come, no two steps are closer than this.
const STRIDE: Duration = Duration::from_millis(270);

/// Plays what is heard on the system's own device, which opens when there is something to hear.
pub struct Sound {
    desk: Desk,
    speaker: Option<Speaker>,
    stepped_at: Option<Instant>,
}

impl Sound {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { desk: Desk::new(), speaker: None, stepped_at: None }
    }

    /// From now on it is this loud, 0 to 1.
    pub fn turn_to(&mut self, volume: f32) {
        let begins = self.desk.is_silent() && volume > 0.0;
        self.desk.turn_to(volume);
        match &self.speaker {
            Some(speaker) if begins => speaker.wake(),
            None if begins => {
                self.speaker = Speaker::spawn(self.desk.clone()).map_err(|why| log::warn!("cannot start a thread: {why}")).ok()
            }
            _ => {}
        }
    }

    /// Something plays it, as far as is known.
    pub fn is_there(&self) -> bool {
        self.speaker.as_ref().is_none_or(Speaker::plays)
    }

    /// Something has played it.
    pub fn has_played(&self) -> bool {
        self.speaker.as_ref().is_some_and(Speaker::has_played)
    }

    /// Looks for a device again: one may have been plugged in.
    pub fn look_again(&self) {
        self.speaker.iter().for_each(Speaker::look_again);
    }

    /// From now on this is around.
    pub fn surround(&self, scape: &Scape) {
        self.desk.surround(scape);
    }

    /// A step, where the last one was long enough ago.
    pub fn step(&mut self, ground: Blow, now: Instant) {
        if self.stepped_at.is_none_or(|at| now.saturating_duration_since(at) >= STRIDE) {
            self.stepped_at = Some(now);
            self.strike(ground);
        }
    }

    /// What is heard once, at this moment.
    pub fn strike(&self, blow: Blow) {
        self.desk.strike(blow);
    }
}
