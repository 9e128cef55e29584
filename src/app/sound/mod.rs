//! What a world sounds like: weather, water, fire, animals and steps, made while they are heard, or along a film, out of what the tokens of
//! the newest frame show and what one does. Without a device that plays sound, and at volume 0, the window makes nothing.

mod desk;
mod ears;
mod mix;
mod scape;
mod speaker;
mod track;
mod volume;

use std::time::Instant;

pub use desk::Blow;
use desk::Desk;
use ears::Ears;
pub use ears::Present;
use speaker::Speaker;
pub use track::Track;
pub use volume::Volume;

/// Volume where nobody has set one; 1 is the loudest.
pub const VOLUME: f32 = 0.4;

/// Plays what is heard on the system's own device, which opens when there is something to hear.
pub struct Sound {
    desk: Desk,
    ears: Ears,
    speaker: Option<Speaker>,
    since: Instant,
}

impl Sound {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { desk: Desk::new(), ears: Ears::default(), speaker: None, since: Instant::now() }
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

    /// From now on this is heard.
    pub fn hear(&mut self, present: &Present<'_>) {
        self.ears.hear(present, self.since.elapsed(), &self.desk);
    }

    /// Another world is heard from now on.
    pub fn forget(&mut self) {
        self.ears.forget();
    }

    /// What is heard once, at this moment.
    pub fn strike(&self, blow: Blow) {
        self.desk.strike(blow);
    }
}
