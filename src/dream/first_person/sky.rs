//! What is in the sky: sun or moon, stars and clouds, as light and weather of a dream have it.
//!
//! Nobody dreamed it, since a dream from above has no sky; its colours are the dream's own. Who turns sees it go by, and the sun tells where one looks: it
//! stands in the east at dawn and in the west at dusk. Clouds drift before all that, always the same way round.

use super::draw::mix;
use crate::worlds::random::Rng;
use crate::worlds::scene::{Light, Weather, Wish};

/// Texels all around, and up from the horizon, of what stands still and of clouds.
pub const SKY: [usize; 2] = [512, 112];
/// What stands in the sky is the same in every dream.
const SEED: u64 = 7;
/// Texels of a quarter turn.
const QUARTER: f32 = SKY[0] as f32 / 4.0;
/// Texels of a focal length. The sky is no dome but a plane that goes by as one turns, as in the old games: level things stay level, and blocks square.
pub const GRAIN: f32 = QUARTER / std::f32::consts::FRAC_PI_2;
/// So high above the horizon mist still hides something, in texels.
const HAZY: f32 = 9.0;
/// Radius of the sun, in texels.
const DISC: f32 = 3.6;
const STARS: usize = 460;

/// The sky over a dream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sky {
    /// RGB: overhead, and above the horizon.
    pub colours: [[u8; 3]; 2],
    /// What stands still before them, [`SKY`] texels row by row from the horizon up, each from north by east; RGBA, the colour times how much it hides.
    pub still: Vec<[u8; 4]>,
    /// Clouds before that, alike, where they are before they drift.
    pub clouds: Vec<[u8; 4]>,
}

impl Default for Sky {
    /// Black, and nothing in it.
    fn default() -> Self {
        Self::of([[0; 3]; 2], None)
    }
}

impl Sky {
    /// Of these colours, under what is `seen`.
    pub fn of(colours: [[u8; 3]; 2], seen: Option<&Wish>) -> Self {
        let [mut still, mut clouds] = [(); 2].map(|()| Canvas { texels: vec![[0.0; 4]; SKY[0] * SKY[1]], shades: Shades::of(colours) });
        match seen.and_then(|seen| Some((seen.weather?, seen.light))) {
            // There is nothing but mist, or nobody knows.
            Some((Weather::Fog, _) | (Weather::Clear, None)) | None => (),
            Some((Weather::Rain | Weather::Snowfall, _)) => clouds.lid(),
            Some((Weather::Clear, Some(light))) => {
                still.shining(light);
                clouds.heaps(light);
            }
        }
        Self { colours, still: still.finish(), clouds: clouds.finish() }
    }

    /// The rows of texels that one sees so far above the horizon, in focal lengths, of what stands still and of clouds; there is none above the last.
    pub fn rows(&self, above: f32) -> [&[[u8; 4]]; 2] {
        let up = ((above * GRAIN) as usize).min(SKY[1] - 1);
        [&self.still, &self.clouds].map(|texels| &texels[up * SKY[0]..][..SKY[0]])
    }

    /// Which texel of a row one sees who looks so many quarter turns clockwise from north, so far right of the middle, in focal lengths.
    pub fn column(quarters: f32, aside: f32) -> usize {
        ((quarters * QUARTER + aside * GRAIN).floor() as i32).rem_euclid(SKY[0] as i32) as usize
    }
}

/// Colours of what stands in the sky, 0 to 255.
struct Shades {
    bright: [f32; 3],
    lit: [f32; 3],
    pale: [f32; 3],
    shaded: [f32; 3],
    dim: [f32; 3],
    dark: [f32; 3],
}

impl Shades {
    fn of(colours: [[u8; 3]; 2]) -> Self {
        let [zenith, haze] = colours.map(|rgb| rgb.map(f32::from));
        // Clouds are the whiter the lighter it is.
        let light = haze.iter().sum::<f32>() / (3.0 * 255.0);
        let [bright, lit, pale] = [0.8, 0.2 + 0.4 * light, 0.12].map(|share| mix(haze, [255.0; 3], share));
        let [shaded, dim, dark] = [0.15, 0.4, 0.5].map(|share| mix(haze, zenith, share));
        Self { bright, lit, pale, shaded, dim, dark }
    }
}

/// Clouds at one distance: how many, how high their bases lie, and how large their rounds are, in texels.
struct Layer {
    count: usize,
    bases: [usize; 2],
    radii: [usize; 2],
}

/// Of a clear sky: far ones are low and small.
const HEAPS: [Layer; 4] = [
    Layer { count: 15, bases: [6, 12], radii: [2, 3] },
    Layer { count: 10, bases: [16, 30], radii: [4, 6] },
    Layer { count: 5, bases: [36, 50], radii: [6, 8] },
    Layer { count: 5, bases: [64, 98], radii: [7, 9] },
];
/// Where it rains or snows.
const LID: [Layer; 3] = [
    Layer { count: 30, bases: [14, 22], radii: [3, 5] },
    Layer { count: 44, bases: [24, 60], radii: [6, 9] },
    Layer { count: 40, bases: [60, 104], radii: [7, 10] },
];

/// A round part of a cloud, by how far across the sky and over the cloud's base it is.
struct Puff {
    middle: [f32; 2],
    radius: f32,
}

impl Puff {
    /// What of it the light falls on, from above and the left.
    fn lit_half(&self) -> Self {
        Self { middle: [self.middle[0] - 0.2 * self.radius, self.middle[1] + 0.6 * self.radius], radius: 0.64 * self.radius }
    }

    fn holds(&self, place: [f32; 2]) -> bool {
        (place[0] - self.middle[0]).hypot(place[1] - self.middle[1]) < self.radius
    }
}

struct Canvas {
    /// As those of [`Sky`], 0 to 255 and 0 to 1.
    texels: Vec<[f32; 4]>,
    shades: Shades,
}

impl Canvas {
    /// Clouds without a gap.
    fn lid(&mut self) {
        let Shades { shaded, dim, dark, .. } = self.shades;
        for place in 0..SKY[0] * SKY[1] {
            let [across, up] = [place % SKY[0], place / SKY[0]];
            self.cover([across as i32, up as i32], shaded, 0.6 * (up as f32 / 30.0).min(1.0));
        }
        self.clouds(&LID, [dim, dark]);
    }

    /// Clouds of a clear sky.
    fn heaps(&mut self, light: Light) {
        let Shades { lit, pale, shaded, .. } = self.shades;
        self.clouds(&HEAPS, if light == Light::Night { [pale, shaded] } else { [lit, shaded] });
    }

    /// What shines in a clear sky.
    fn shining(&mut self, light: Light) {
        match light {
            Light::Dawn => self.sun([QUARTER, 12.0]),
            Light::Day => self.sun([0.33 * QUARTER, 36.0]),
            Light::Dusk => self.sun([3.0 * QUARTER, 12.0]),
            Light::Night => {
                self.stars();
                self.moon([3.7 * QUARTER, 30.0]);
            }
        }
    }

    fn sun(&mut self, middle: [f32; 2]) {
        for (radius, share) in [(4.0 * DISC, 0.1), (2.6 * DISC, 0.14), (1.7 * DISC, 0.22), (DISC, 1.0)] {
            self.disc(middle, radius, share, |_| true);
        }
    }

    /// A crescent.
    fn moon(&mut self, middle: [f32; 2]) {
        let radius = 1.3 * DISC;
        self.disc(middle, 2.0 * radius, 0.1, |_| true);
        self.disc(middle, radius, 1.0, |[x, y]| (x - 0.5 * radius).hypot(y - 0.3 * radius) > 0.85 * radius);
    }

    /// What of a round of such a radius is `inside`, by how far right and up of the middle it is.
    fn disc(&mut self, [across, up]: [f32; 2], radius: f32, share: f32, inside: impl Fn([f32; 2]) -> bool) {
        let reach = radius.ceil() as i32;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let off = [dx as f32, dy as f32];
                if off[0].hypot(off[1]) <= radius && inside(off) {
                    self.cover([across as i32 + dx, up as i32 + dy], self.shades.bright, share);
                }
            }
        }
    }

    fn stars(&mut self) {
        let mut rng = Rng::for_purpose(SEED, 1);
        for _ in 0..STARS {
            let place = [rng.below(SKY[0]), rng.range(HAZY as usize, SKY[1] - 1)].map(|along| along as i32);
            let share = rng.range(15, 85) as f32 / 100.0;
            self.cover(place, self.shades.bright, share);
            // A few of them shine.
            if rng.percent(7) {
                for [dx, dy] in [[1, 0], [-1, 0], [0, 1], [0, -1]] {
                    self.cover([place[0] + dx, place[1] + dy], self.shades.bright, 0.3 * share);
                }
            }
        }
    }

    /// Heaps of clouds, each on a level base, the furthest first.
    fn clouds(&mut self, layers: &[Layer], [lit, shaded]: [[f32; 3]; 2]) {
        let mut rng = Rng::for_purpose(SEED, 2);
        for &Layer { count, bases: [low, high], radii: [small, large] } in layers {
            let part = SKY[0] / count;
            for n in 0..count {
                // One in each part of the round, or they would huddle.
                let (left, base) = (n * part + rng.below(part), rng.range(low, high));
                let puffs = rng.range(3, 5);
                let mut across = left as f32;
                let heap: Vec<Puff> = (0..puffs)
                    .map(|puff| {
                        // The ends are smaller.
                        let end = puff == 0 || puff + 1 == puffs;
                        let radius = rng.range(small, large) as f32 * if end { 0.6 } else { 1.0 };
                        let lift = if end { 0.0 } else { rng.range(0, 5) as f32 * 0.1 * radius };
                        across += radius * rng.range(7, 10) as f32 * 0.1;
                        let puff = Puff { middle: [across, lift], radius };
                        across += radius * 0.6;
                        puff
                    })
                    .collect();
                self.heap(&heap, base, [lit, shaded]);
            }
        }
    }

    /// Rounds side by side, cut off at their base, lit from above.
    fn heap(&mut self, puffs: &[Puff], base: usize, [lit, shaded]: [[f32; 3]; 2]) {
        let reach = puffs.iter().map(|puff| puff.radius).fold(0.0, f32::max).ceil() as i32;
        let [left, right] = [puffs.first(), puffs.last()].map(|puff| puff.map_or(0, |puff| puff.middle[0] as i32));
        for across in left - reach..=right + reach {
            for up in 0..=2 * reach {
                let place = [across, up].map(|along| along as f32);
                if puffs.iter().any(|puff| puff.holds(place)) {
                    let colour = if puffs.iter().any(|puff| puff.lit_half().holds(place)) { lit } else { shaded };
                    self.cover([across, base as i32 + up], colour, 0.9);
                }
            }
        }
    }

    /// Hides a share of what is behind a place.
    fn cover(&mut self, [across, up]: [i32; 2], colour: [f32; 3], share: f32) {
        if !(0..SKY[1] as i32).contains(&up) {
            return;
        }
        let share = share * ((up as f32 + 1.0) / HAZY).min(1.0);
        let texel = &mut self.texels[up as usize * SKY[0] + across.rem_euclid(SKY[0] as i32) as usize];
        let [r, g, b] = colour.map(|channel| channel * share);
        *texel = std::array::from_fn(|c| [r, g, b, share][c] + texel[c] * (1.0 - share));
    }

    fn finish(self) -> Vec<[u8; 4]> {
        let bytes = |[r, g, b, share]: [f32; 4]| [r, g, b, 255.0 * share].map(|channel| (channel + 0.5) as u8);
        self.texels.into_iter().map(bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURS: [[u8; 3]; 2] = [[40, 90, 200], [180, 200, 230]];

    fn sky(light: Light, weather: Weather) -> Sky {
        Sky::of(COLOURS, Some(&Wish { light: Some(light), weather: Some(weather), ..Wish::default() }))
    }

    /// What is before the bare sky so far above the horizon, in focal lengths, and in such a column, as long as clouds have not drifted.
    fn texel(sky: &Sky, above: f32, column: usize) -> [u8; 4] {
        let [still, clouds] = sky.rows(above).map(|row| row[column].map(f32::from));
        [0, 1, 2, 3].map(|c| (clouds[c] + still[c] * (1.0 - clouds[3] / 255.0) + 0.5) as u8)
    }

    /// Share of a picture's middle, so many texels wide, that hides what is behind it and is as bright as the sun.
    fn bright(sky: &Sky, quarters: f32, reach: i32) -> f32 {
        let places = (-reach..reach).flat_map(|x| (0..SKY[1]).map(move |y| [x as f32 + 0.5, y as f32 + 0.5].map(|along| along / GRAIN)));
        let (mut all, mut bright) = (0.0, 0.0);
        for place in places {
            let [r, _, _, dense] = texel(sky, place[1], Sky::column(quarters, place[0]));
            all += 1.0;
            bright += f32::from(u8::from(dense > 250 && r > 238));
        }
        bright / all
    }

    #[test]
    fn the_sun_rises_in_the_east_and_sets_in_the_west() {
        let seen = |light| [0.0, 1.0, 2.0, 3.0].map(|quarters| bright(&sky(light, Weather::Clear), quarters, 6) > 0.02);
        assert_eq!(seen(Light::Dawn), [false, true, false, false]);
        assert_eq!(seen(Light::Dusk), [false, false, false, true]);
        // Once around is where one was.
        let dusk = sky(Light::Dusk, Weather::Clear);
        assert_eq!([3.0, -1.0, 7.0].map(|quarters| bright(&dusk, quarters, 20)), [bright(&dusk, 3.0, 20); 3]);
        assert_ne!(bright(&dusk, 3.0, 20), bright(&dusk, 2.0, 20));
    }

    #[test]
    fn stars_come_at_night_and_no_sun_shines_in_the_rain() {
        let shown = |light, weather| bright(&sky(light, weather), 0.0, SKY[0] as i32 / 2);
        assert!(shown(Light::Day, Weather::Clear) > 0.0004);
        assert_eq!([Light::Day, Light::Dusk, Light::Night].map(|light| shown(light, Weather::Rain)), [0.0; 3]);
        // Single texels that show through to nothing beside them.
        let stars = |sky: &Sky| {
            let at = |x: usize, y: usize| texel(sky, (y as f32 + 0.5) / GRAIN, x % SKY[0])[3];
            let places = (10..SKY[1]).flat_map(|y| (1..=SKY[0]).map(move |x| [x, y]));
            places.filter(|[x, y]| at(*x, *y) > 100 && at(x - 1, *y) < 50 && at(x + 1, *y) < 50).count()
        };
        let [day, night] = [Light::Day, Light::Night].map(|light| stars(&sky(light, Weather::Clear)));
        assert!(night > 60 && day < 10, "{night}, by day {day}");
    }

    #[test]
    fn nothing_stands_in_fog_or_where_nobody_knows_the_light() {
        let nothing = |sky: Sky| sky.still.iter().chain(&sky.clouds).all(|texel| *texel == [0; 4]);
        assert!(nothing(sky(Light::Day, Weather::Fog)) && nothing(Sky::of(COLOURS, None)));
        assert!(nothing(Sky::of(COLOURS, Some(&Wish { light: Some(Light::Day), ..Wish::default() }))));
        assert!(!nothing(sky(Light::Day, Weather::Rain)) && !nothing(sky(Light::Day, Weather::Clear)));
        // It rains in whatever light, and the lid has no end above.
        let rain = Sky::of(COLOURS, Some(&Wish { weather: Some(Weather::Rain), ..Wish::default() }));
        assert_eq!(rain, sky(Light::Night, Weather::Rain));
        assert!(rain.rows(9.0)[1].iter().all(|texel| texel[3] > 100) && rain.rows(9.0) == rain.rows((SKY[1] as f32 - 0.5) / GRAIN));
    }

    #[test]
    fn clouds_lie_before_what_stands_still() {
        let [day, dusk, night] = [Light::Day, Light::Dusk, Light::Night].map(|light| sky(light, Weather::Clear));
        // The same clouds by day and at dusk, before another sun; at night they are darker.
        assert!(day.clouds == dusk.clouds && day.still != dusk.still && night.clouds != day.clouds);
        let dense = |texels: &[[u8; 4]]| texels.iter().filter(|texel| texel[3] > 200).count();
        assert!(dense(&day.clouds) > 1000 && dense(&day.still) < 100, "{} {}", dense(&day.clouds), dense(&day.still));
        // In the rain there is nothing but clouds.
        let rain = sky(Light::Day, Weather::Rain);
        assert!(dense(&rain.clouds) > dense(&day.clouds) && rain.still == Sky::default().still);
    }
}
