//! A day that goes by itself: its light is said to the world, hour after hour, besides whatever prompt is in force.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::worlds::scene::{Light, Style, Weather, Wish};
use crate::worlds::words::{going_on, under, wish_of};

/// Minutes from dawn to dawn that can be asked for.
pub const MINUTES: RangeInclusive<u32> = 1..=120;
/// The lights of a day in their order, and how many of its eighths each lasts.
const HOURS: [(Light, u32); 4] = [(Light::Dawn, 1), (Light::Day, 3), (Light::Dusk, 1), (Light::Night, 3)];

/// Where a day has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// From dawn to dawn.
    pub minutes: u32,
    pub running: bool,
    /// Place in [`HOURS`].
    hour: usize,
    /// When it began, on the clock that [`Self::turned`] is asked by; none while no day goes by.
    since: Option<Duration>,
}

impl Default for Day {
    fn default() -> Self {
        Self { minutes: 8, running: false, hour: 1, since: None }
    }
}

impl Day {
    /// One that goes by, where minutes are given.
    pub fn of(minutes: Option<u32>) -> Self {
        let still = Self::default();
        Self { minutes: minutes.unwrap_or(still.minutes), running: minutes.is_some(), ..still }
    }

    /// This day, from the hour that `other` has come to, where both go by; else with its first hour before it.
    #[must_use]
    pub fn on_from(&self, other: &Self) -> Self {
        let (hour, since) = if self.running && other.running { (other.hour, other.since) } else { (self.hour, None) };
        Self { hour, since, ..self.clone() }
    }

    /// What the world is to be told while `said` is in force: the same with the light of the hour, where a day goes by, and that weather and
    /// colours are ordinary where nothing is said of them, so that the light alone turns. A prompt has at most `most` words.
    pub fn words(&self, said: &[u16], most: usize) -> Vec<u16> {
        if !self.running {
            return said.to_vec();
        }
        let mut words = under(said, self.light(), most);
        let ordinary = Wish { weather: Some(Weather::Clear), style: Some(Style::Plain), ..Wish::default() };
        words.extend(going_on(&words, &ordinary, most));
        words
    }

    /// A prompt is in force from `now` on: the day goes on from the light it asks for, if it asks for one.
    pub fn begin_with(&mut self, said: &[u16], now: Duration) {
        if let Some(hour) = wish_of(said).light.and_then(|light| HOURS.iter().position(|hour| hour.0 == light)) {
            self.hour = hour;
            self.since = self.running.then_some(now);
        }
    }

    /// Whether the world is to be told other words from `now` on, a time on any one clock.
    pub fn turned(&mut self, now: Duration) -> bool {
        match self.due_at() {
            _ if !self.running => return self.since.take().is_some(),
            Some(at) if now < at => return false,
            Some(_) => self.hour = (self.hour + 1) % HOURS.len(),
            None => {}
        }
        self.since = Some(now);
        true
    }

    /// The next light, and in how many seconds.
    pub fn coming(&self, now: Duration) -> Option<(Light, u64)> {
        let at = self.due_at().filter(|_| self.running)?;
        Some((HOURS[(self.hour + 1) % HOURS.len()].0, at.saturating_sub(now).as_secs()))
    }

    fn light(&self) -> Light {
        HOURS[self.hour].0
    }

    /// When the next light is due.
    fn due_at(&self) -> Option<Duration> {
        Some(self.since? + self.length())
    }

    fn length(&self) -> Duration {
        Duration::from_secs(60) * self.minutes * HOURS[self.hour].1 / 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{ids, read};

    const SECOND: Duration = Duration::from_secs(1);

    fn rows(text: &str) -> Vec<u16> {
        ids(&read(text, 8))
    }

    #[test]
    fn a_day_goes_through_its_lights_and_over() {
        let mut day = Day::of(Some(8));
        let mut turns = Vec::new();
        for secs in 0..=480 {
            if day.turned(secs * SECOND) {
                turns.push((secs, day.light()));
            }
        }
        let (dawn, noon, dusk, night) = (Light::Dawn, Light::Day, Light::Dusk, Light::Night);
        assert_eq!(turns, [(0, noon), (180, dusk), (240, night), (420, dawn), (480, noon)]);
        assert_eq!((day.light(), day.coming(500 * SECOND)), (Light::Day, Some((Light::Dusk, 160))));
        // A longer day counts at once, and so does a shorter one.
        day.minutes = 16;
        assert_eq!(day.coming(500 * SECOND), Some((Light::Dusk, 340)));
        day.minutes = 4;
        assert!(day.coming(500 * SECOND) == Some((Light::Dusk, 70)) && !day.turned(569 * SECOND) && day.turned(570 * SECOND));
        // Switched off, the world is told once more what was said; then nothing.
        day.running = false;
        assert_eq!((day.words(&rows("snow"), 8), day.turned(571 * SECOND), day.turned(572 * SECOND)), (rows("snow"), true, false));
        assert_eq!(day.coming(572 * SECOND), None);
        assert!(!Day::of(None).turned(SECOND), "nothing that never ran");
    }

    #[test]
    fn the_hour_goes_on_whoever_comes_and_goes() {
        let plan = Day::of(Some(8));
        let mut visit = plan.clone();
        assert!(visit.turned(Duration::ZERO) && visit.turned(200 * SECOND));
        visit.minutes = 16;
        let next = plan.on_from(&visit);
        assert_eq!((next.minutes, next.light(), next.coming(210 * SECOND)), (8, Light::Dusk, Some((Light::Night, 50))));
        // What somebody stopped, or let go by where none was to, is as it was at the start.
        visit.running = false;
        assert_eq!(plan.on_from(&visit), plan);
        assert_eq!(Day::of(None).on_from(&next), Day::of(None));
        assert_ne!(plan.on_from(&next), plan, "noon once more");
    }

    #[test]
    fn a_day_that_a_prompt_began_at_night_goes_on_as_well() {
        let mut plan = Day::of(Some(8));
        plan.begin_with(&rows("a forest at night"), Duration::ZERO);
        let mut visit = plan.clone();
        assert!(!visit.turned(179 * SECOND) && visit.turned(180 * SECOND));
        assert_eq!((plan.on_from(&visit).light(), plan.light()), (Light::Dawn, Light::Night));
        // Where somebody stopped it that night begins anew, and is a whole one.
        visit.running = false;
        let mut anew = plan.on_from(&visit);
        assert!(anew.turned(1000 * SECOND));
        assert_eq!((anew.light(), anew.coming(1000 * SECOND)), (Light::Night, Some((Light::Dawn, 180))));
    }

    #[test]
    fn a_prompt_that_names_a_light_is_where_the_day_goes_on() {
        let mut day = Day::of(Some(8));
        day.begin_with(&rows("a snowy forest at night"), 10 * SECOND);
        assert_eq!(day.words(&rows("a snowy forest at night"), 8), rows("snowy forest night good weather full colour"));
        assert!(!day.turned(11 * SECOND) && day.turned(190 * SECOND));
        assert_eq!(day.words(&rows("a snowy forest at night"), 8), rows("snowy forest dawn good weather full colour"));
        // One that names none leaves the hour as it is.
        day.begin_with(&rows("desert"), 200 * SECOND);
        assert_eq!(
            (day.words(&rows("desert"), 8), day.coming(200 * SECOND)),
            (rows("desert dawn good weather full colour"), Some((Light::Day, 50)))
        );
        // What is said of weather and style stays, and a long prompt has no room for what was not.
        assert_eq!(day.words(&rows("a noir forest in the rain at noon"), 8), rows("noir forest rain dawn"));
        assert_eq!(day.words(&rows("desert ruins"), 4), rows("desert ruins dawn"));
    }
}
