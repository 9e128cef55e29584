//! Daylight and weather: how they pass by themselves, and how they follow a wish.

use super::land::hash;
use crate::worlds::scene::{Biome, Light, Weather};

/// Frames each light lasts, in the order of [`Light::ALL`].
const LIGHT_FRAMES: [u32; 4] = [600, 120, 360, 120];
const CYCLE_FRAMES: u32 = 1200;

impl Light {
    /// Lamps are lit.
    pub fn dark(self) -> bool {
        matches!(self, Light::Dusk | Light::Night)
    }
}

/// What the light of a frame is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LightLook {
    Settled(Light),
    /// The one frame in which a light gives way to the next.
    Turning(Light, Light),
}

impl LightLook {
    pub fn dark(self) -> bool {
        match self {
            LightLook::Settled(light) => light.dark(),
            LightLook::Turning(from, to) => from.dark() && to.dark(),
        }
    }
}

/// The sky over the isles at one frame.
#[derive(Clone, Debug)]
pub struct Sky {
    clock: u32,
    weather: Weather,
    weather_left: u32,
    weather_count: u64,
    seed: u64,
    /// Wished for: no time passes for it.
    light_stays: bool,
    weather_stays: bool,
    /// Which of the two phases falling rain or snow is in.
    phase: bool,
}

impl Sky {
    /// A sky whose light and weather are spread evenly over seeds (weather by the odds of the land).
    pub fn new(seed: u64, biome: Biome) -> Self {
        let light = (hash(seed, 0, 0, 11) % 4) as usize;
        let start: u32 = LIGHT_FRAMES[..light].iter().sum();
        // Past the frame of transition, so that a held sky never holds it.
        let clock = start + 1 + (hash(seed, 0, 0, 12) % u64::from(LIGHT_FRAMES[light] - 1)) as u32;
        let mut sky = Self {
            clock,
            weather: Weather::Clear,
            weather_left: 0,
            weather_count: 0,
            seed,
            light_stays: false,
            weather_stays: false,
            phase: false,
        };
        sky.turn_weather(biome);
        sky
    }

    /// One frame passes; when `hold`, only the falling of rain and snow goes on.
    pub fn step(&mut self, biome: Biome, hold: bool) {
        self.phase = !self.phase;
        if hold {
            return;
        }
        if !self.light_stays {
            self.clock = (self.clock + 1) % CYCLE_FRAMES;
        }
        if !self.weather_stays {
            self.weather_left -= 1;
            if self.weather_left == 0 {
                self.turn_weather(biome);
            }
        }
    }

    /// Light and weather are as wished while the wish holds; what is not wished for takes its course from where it is.
    pub fn wish(&mut self, light: Option<Light>, weather: Option<Weather>) {
        (self.light_stays, self.weather_stays) = (light.is_some(), weather.is_some());
        if let Some(light) = light {
            // In the middle of it: past its frame of transition, and it lasts a while when the wish is taken back.
            let before: u32 = LIGHT_FRAMES[..light as usize].iter().sum();
            self.clock = before + LIGHT_FRAMES[light as usize] / 2;
        }
        self.weather = weather.unwrap_or(self.weather);
    }

    fn turn_weather(&mut self, biome: Biome) {
        let count = self.weather_count as i64;
        self.weather_count += 1;
        let draw = hash(self.seed, count, 0, 13) % 100;
        self.weather = match (biome, draw) {
            (_, 0..58) => Weather::Clear,
            (Biome::Snow, 58..92) => Weather::Snowfall,
            (Biome::Snow, _) => Weather::Fog,
            (_, 58..78) => Weather::Rain,
            (_, 78..90) => Weather::Fog,
            _ => Weather::Snowfall,
        };
        self.weather_left = 200 + (hash(self.seed, count, 0, 14) % 401) as u32;
    }

    pub fn weather(&self) -> Weather {
        self.weather
    }

    pub fn phase(&self) -> usize {
        usize::from(self.phase)
    }

    /// The light in force and the frames it has lasted.
    fn light_and_age(&self) -> (usize, u32) {
        let mut age = self.clock;
        for (light, frames) in LIGHT_FRAMES.into_iter().enumerate() {
            if age < frames {
                return (light, age);
            }
            age -= frames;
        }
        (0, age)
    }

    pub fn light(&self) -> Light {
        Light::ALL[self.light_and_age().0]
    }

    pub fn look(&self) -> LightLook {
        match self.light_and_age() {
            (light, 0) => LightLook::Turning(Light::ALL[(light + 3) % 4], Light::ALL[light]),
            (light, _) => LightLook::Settled(Light::ALL[light]),
        }
    }
}
