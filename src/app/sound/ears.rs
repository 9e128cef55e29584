//! Who hears a world go by, frame after frame: what is around, and the steps that lead there. The window and films hear alike.

use std::time::Duration;

use super::desk::{Blow, Desk};
use super::scape::Scape;
use crate::dream::lands::LandShares;
use crate::dream::source::{Strides, Stuck};
use crate::worlds::scene::Wish;

/// Frames that the light takes to turn by itself, at most.
const LONGEST_TURN: u64 = 24;
/// However fast frames come, no two steps are closer than this.
const STRIDE: Duration = Duration::from_millis(270);

/// What there is at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// Light, weather, season and style of the newest frame, as far as they are known.
    pub look: &'a Wish,
    /// What land it shows, or was to show where nobody can tell.
    pub land: LandShares,
    /// Where one looks, in quarter turns clockwise from north.
    pub quarters: i32,
    /// Frames that came since the moment before: none where it began here.
    pub frames: u64,
    /// Code that led into the newest frame.
    pub code: u8,
    /// How the view goes under each code, where that is known.
    pub strides: Option<&'a Strides>,
    /// What leads nowhere, as far as is known.
    pub stuck: Option<Stuck>,
}

impl Present<'_> {
    /// Whether the newest frame was to lie elsewhere than the one before.
    fn walks(&self) -> bool {
        let motion = self.strides.and_then(|strides| strides.motions_px.get(usize::from(self.code)));
        motion.is_some_and(|motion| *motion != [0, 0])
    }
}

/// What has to be remembered from moment to moment.
#[derive(Debug, Default)]
pub struct Ears {
    /// Of the last frame that looks like any that has a name.
    look: Wish,
    /// Frames since then.
    nameless: u64,
    /// Something is in the way.
    bumps: bool,
    /// When the last step was heard.
    stepped_at: Option<Duration>,
}

impl Ears {
    /// Puts on the desk what is heard from `now` on, a time on any one clock.
    pub fn hear(&mut self, present: &Present<'_>, now: Duration, desk: &Desk) {
        // Frames in which the light turns by itself have no name; where none has one for long it is another world.
        let named = *present.look != Wish::default();
        self.nameless = if named { 0 } else { self.nameless + present.frames };
        if (named || self.nameless > LONGEST_TURN) && self.look != *present.look {
            self.look.clone_from(present.look);
        }
        let scape = Scape::of(&self.look, &present.land, present.quarters);
        desk.surround(&scape);
        if present.frames == 0 {
            return;
        }
        let bumped = std::mem::replace(&mut self.bumps, present.stuck.is_some_and(|stuck| stuck.code == present.code));
        match (present.walks(), self.bumps) {
            (true, false) => self.step(scape.ground, now, desk),
            (true, true) if !bumped => desk.strike(Blow::Bump),
            _ => {}
        }
    }

    /// A step, where the last one was long enough ago.
    fn step(&mut self, ground: Blow, now: Duration, desk: &Desk) {
        if self.stepped_at.is_none_or(|at| now.saturating_sub(at) >= STRIDE) {
            self.stepped_at = Some(now);
            desk.strike(ground);
        }
    }

    /// Another world is heard from now on.
    pub fn forget(&mut self) {
        self.look = Wish::default();
    }
}

#[cfg(test)]
mod tests {
    use super::super::desk::Voice;
    use super::*;
    use crate::worlds::scene::Weather;

    /// Code 0 stands, and 1 walks.
    fn strides() -> Strides {
        Strides { motions_px: vec![[0, 0], [8, 0]], standing: [0; 4], patch_px: 8 }
    }

    fn present<'a>(look: &'a Wish, strides: &'a Strides, code: u8) -> Present<'a> {
        Present { look, land: LandShares::default(), quarters: 0, frames: 1, code, strides: Some(strides), stuck: None }
    }

    /// How often each blow was struck.
    fn struck(desk: &Desk) -> [f32; Blow::ALL.len()] {
        std::array::from_fn(|n| desk.blows[n].value())
    }

    #[test]
    fn whoever_walks_is_heard_at_every_stride_and_whoever_stands_is_not() {
        let (look, strides) = (Wish::default(), strides());
        let steps = |code: u8, frames: u64, times_ms: &[u64]| {
            let (desk, mut ears) = (Desk::new(), Ears::default());
            let present = Present { frames, ..present(&look, &strides, code) };
            times_ms.iter().for_each(|ms| ears.hear(&present, Duration::from_millis(*ms), &desk));
            assert_eq!(struck(&desk).iter().sum::<f32>(), struck(&desk)[Blow::Soft as usize], "nothing else is struck");
            struck(&desk)[Blow::Soft as usize]
        };
        assert_eq!(steps(1, 1, &[0, 167, 334, 501, 668]), 3.0, "however fast frames come");
        assert_eq!(steps(1, 1, &[0, 400, 800, 1200, 1600]), 5.0);
        assert_eq!(steps(0, 1, &[0, 400, 800]), 0.0, "a code that leads nowhere");
        assert_eq!(steps(9, 1, &[0, 400, 800]), 0.0, "no such code");
        assert_eq!(steps(1, 0, &[0, 400, 800]), 0.0, "nothing led there");
    }

    #[test]
    fn what_is_in_the_way_is_heard_once_until_it_is_not() {
        let (look, strides, desk) = (Wish::default(), strides(), Desk::new());
        let mut ears = Ears::default();
        let mut heard = |stuck: Option<u8>, secs: u64| {
            let stuck = stuck.map(|code| Stuck { code, steps: 1 });
            ears.hear(&Present { stuck, ..present(&look, &strides, 1) }, Duration::from_secs(secs), &desk);
            [Blow::Soft, Blow::Bump].map(|blow| struck(&desk)[blow as usize])
        };
        assert_eq!([heard(Some(1), 0), heard(Some(1), 1), heard(Some(1), 2)], [[0.0, 1.0]; 3]);
        assert_eq!(heard(None, 3), [1.0, 1.0]);
        assert_eq!(heard(Some(1), 4), [1.0, 2.0]);
        // The control: another way leads nowhere.
        assert_eq!(heard(Some(0), 5), [2.0, 2.0]);
    }

    #[test]
    fn it_rains_on_while_the_light_turns_and_not_in_another_world() {
        let (rain, nameless) = (Wish { weather: Some(Weather::Rain), ..Wish::default() }, Wish::default());
        let (strides, desk) = (strides(), Desk::new());
        let mut ears = Ears::default();
        let rains = |ears: &mut Ears, look: &Wish| {
            ears.hear(&present(look, &strides, 0), Duration::ZERO, &desk);
            desk.voices[Voice::Rain as usize].value() > 0.0
        };
        assert!(!rains(&mut ears, &nameless) && rains(&mut ears, &rain));
        assert!((0..LONGEST_TURN).all(|_| rains(&mut ears, &nameless)));
        assert!(!rains(&mut ears, &nameless), "nothing turns for so long");
        assert!(rains(&mut ears, &rain) && rains(&mut ears, &nameless));
        ears.forget();
        assert!(!rains(&mut ears, &nameless));
    }
}
