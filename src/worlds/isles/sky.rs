//! Daylight and weather: how they pass, and what they do to colours.

use super::land::{Biome, hash};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    Day,
    Dusk,
    Night,
    Dawn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Clear,
    Rain,
    Snowfall,
    Fog,
}

pub const LIGHTS: [Light; 4] = [Light::Day, Light::Dusk, Light::Night, Light::Dawn];
pub const WEATHERS: [Weather; 4] = [Weather::Clear, Weather::Rain, Weather::Snowfall, Weather::Fog];

/// Frames each light lasts, in the order of [`LIGHTS`].
const LIGHT_FRAMES: [u32; 4] = [600, 120, 360, 120];
const CYCLE_FRAMES: u32 = 1200;

/// Pictures of light: the four lights, then the one frame that leads into each of them.
pub const LIGHT_LOOKS: usize = 8;

impl Light {
    pub fn word(self) -> &'static str {
        match self {
            Light::Day => "day",
            Light::Dusk => "dusk",
            Light::Night => "night",
            Light::Dawn => "dawn",
        }
    }
}

impl Weather {
    pub fn word(self) -> &'static str {
        match self {
            Weather::Clear => "clear",
            Weather::Rain => "rain",
            Weather::Snowfall => "snowfall",
            Weather::Fog => "fog",
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
        let mut sky = Self { clock, weather: Weather::Clear, weather_left: 0, weather_count: 0, seed, phase: false };
        sky.turn_weather(biome);
        sky
    }

    /// One frame passes; when `hold`, only the falling of rain and snow goes on.
    pub fn step(&mut self, biome: Biome, hold: bool) {
        self.phase = !self.phase;
        if hold {
            return;
        }
        self.clock = (self.clock + 1) % CYCLE_FRAMES;
        self.weather_left -= 1;
        if self.weather_left == 0 {
            self.turn_weather(biome);
        }
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
        LIGHTS[self.light_and_age().0]
    }

    /// Index of the present look, below [`LIGHT_LOOKS`].
    pub fn look(&self) -> usize {
        match self.light_and_age() {
            (light, 0) => 4 + light,
            (light, _) => light,
        }
    }
}

/// An sRGB colour under the look of a light and a weather. `glow` is how much of its own light it keeps in the dark, 0 to 1.
pub fn grade(rgb: [u8; 3], look: usize, weather: Weather, glow: f32) -> [u8; 3] {
    let c = rgb.map(f32::from);
    let lit = |light: Light| {
        let shaded = under(c, light);
        let keep = if light == Light::Day { 0.0 } else { glow };
        mix(shaded, c, keep)
    };
    let lit = if look < 4 { lit(LIGHTS[look]) } else { mix(lit(LIGHTS[(look - 1) % 4]), lit(LIGHTS[look - 4]), 0.5) };
    let dark = match look {
        2 => 0.5,
        6 | 7 => 0.7,
        _ => 1.0,
    };
    let air = |toward: [f32; 3], share: f32| mix(lit, toward.map(|v| v * dark), share * (1.0 - 0.5 * glow));
    let out = match weather {
        Weather::Clear => lit,
        Weather::Rain => air([74.0, 96.0, 138.0], 0.26),
        Weather::Snowfall => air([126.0, 146.0, 190.0], 0.28),
        Weather::Fog => air([186.0, 196.0, 216.0], 0.42),
    };
    out.map(|v| v.round().clamp(0.0, 255.0) as u8)
}

fn under(c: [f32; 3], light: Light) -> [f32; 3] {
    let luma = 0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2];
    let tone =
        |saturation: f32, gain: [f32; 3], lift: [f32; 3]| std::array::from_fn(|i| (luma + (c[i] - luma) * saturation) * gain[i] + lift[i]);
    match light {
        Light::Day => c,
        Light::Dawn => tone(0.85, [0.96, 0.80, 0.78], [26.0, 10.0, 24.0]),
        Light::Dusk => tone(0.95, [0.90, 0.72, 0.82], [20.0, 0.0, 14.0]),
        Light::Night => tone(0.72, [0.57, 0.71, 0.91], [-20.0, -14.0, 6.0]),
    }
}

fn mix(a: [f32; 3], b: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * share)
}
