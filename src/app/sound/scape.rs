//! What is around by what it looks like.

use super::desk::{Blow, Voice};
use crate::dream::lands::LandShares;
use crate::worlds::scene::{Biome, Feature, Light, Season, Style, Weather, Wish};

/// What is heard of a place, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scape {
    /// How loud each voice is, 0 to 1.
    pub levels: [f32; Voice::ALL.len()],
    /// What is heard lies between these, in Hz.
    pub band_hz: [f32; 2],
    /// Where the water lies: -1 on the left, 1 on the right.
    pub waves_at: f32,
    /// What one steps on.
    pub ground: Blow,
}

impl Scape {
    /// All that people hear.
    pub const ALL_HZ: [f32; 2] = [20.0, 16_000.0];

    /// Of a place that looks so and shows so much of each land, as far as they are known, to who looks so many quarter turns clockwise from north.
    pub fn of(look: &Wish, land: &LandShares, quarters: i32) -> Self {
        let is = |weather| look.weather == Some(weather);
        let (rains, snows) = (is(Weather::Rain), is(Weather::Snowfall));
        let cold = snows || look.season == Some(Season::Winter) || land.under == Some(Biome::Snow);
        let share = |lands: &[Biome]| lands.iter().map(|of| land.land(*of)).sum::<f32>();

        let bare = share(&[Biome::Snow, Biome::Desert]) + 0.4 * share(&[Biome::Volcano, Biome::Beach, Biome::Water]);
        let wind = 0.25 + 0.35 * bare + if snows { 0.3 } else { 0.0 } - if is(Weather::Fog) { 0.15 } else { 0.0 };
        let [right, down] = land.water_at;
        let waves_at = [right, down, -right, -down][quarters.rem_euclid(4) as usize];
        let fire = 0.4 * land.land(Biome::Volcano) + 3.0 * land.feature(Feature::Lava);
        // Nobody knows of a land: it may be any.
        let green = if land.is_unknown() { 1.0 } else { share(&[Biome::Meadow, Biome::Forest, Biome::Swamp]) };
        let warm = green + 0.5 * share(&[Biome::Desert, Biome::Beach]);
        // Animals are silent in the cold and in the rain.
        let animals = if cold || rains { 0.0 } else { 1.0 };
        let (birds, crickets) = match look.light {
            Some(Light::Dawn) => (1.0, 0.0),
            Some(Light::Day) => (0.7, 0.0),
            Some(Light::Dusk) => (0.2, 0.5),
            Some(Light::Night) => (0.0, 1.0),
            None => (0.4, 0.0),
        };
        let (crackle, band_hz) = match look.style {
            Some(Style::Noir) => (0.7, [220.0, 3600.0]),
            Some(Style::Sepia) => (1.0, [320.0, 2800.0]),
            Some(Style::Handheld) => (0.0, [500.0, 2600.0]),
            _ => (0.0, Self::ALL_HZ),
        };
        let level = |voice| match voice {
            Voice::Wind => wind,
            Voice::Rain => f32::from(u8::from(rains)),
            Voice::Waves => 2.0 * land.water,
            Voice::Fire => fire,
            Voice::Birds => birds * green * animals,
            Voice::Crickets => crickets * warm * animals,
            Voice::Crackle => crackle,
        };
        let ground = match land.under {
            _ if cold => Blow::Snow,
            Some(Biome::Volcano) => Blow::Hard,
            Some(Biome::Swamp | Biome::Water) => Blow::Wet,
            _ if rains => Blow::Wet,
            _ => Blow::Soft,
        };
        Self { levels: Voice::ALL.map(|voice| level(voice).clamp(0.0, 1.0)), band_hz, waves_at, ground }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::lands::tests::frame;

    fn scape(words: &[&'static str]) -> Scape {
        let wish = Wish::of_words(words.iter().copied());
        Scape::of(&wish, &LandShares::asked(&wish), 0)
    }

    fn level(words: &[&'static str], voice: Voice) -> f32 {
        scape(words).levels[voice as usize]
    }

    #[test]
    fn every_place_and_hour_has_its_own_sound() {
        assert!(level(&["forest", "day"], Voice::Birds) > 0.0 && level(&["forest", "night"], Voice::Birds) == 0.0);
        assert!(level(&["forest", "night"], Voice::Crickets) > 0.0 && level(&["forest", "day"], Voice::Crickets) == 0.0);
        for silent in [&["forest", "day", "rain"], &["forest", "night", "winter"], &["snow", "dawn", "clear"]] {
            assert_eq!([Voice::Birds, Voice::Crickets].map(|voice| level(silent, voice)), [0.0; 2], "{silent:?}");
        }
        assert!(level(&["forest", "rain"], Voice::Rain) > 0.0 && level(&["forest", "snowfall"], Voice::Rain) == 0.0);
        assert!(level(&["beach"], Voice::Waves) > level(&["meadow", "lake"], Voice::Waves));
        assert!(level(&["meadow", "lake"], Voice::Waves) > 0.0 && level(&["meadow"], Voice::Waves) == 0.0);
        assert!(level(&["volcano"], Voice::Fire) > 0.0 && level(&["desert"], Voice::Fire) == 0.0);
        let grounds = [&["meadow", "clear"], &["meadow", "rain"], &["snow", "rain"], &["volcano", "clear"], &["swamp", "clear"]];
        assert_eq!(grounds.map(|words| scape(words).ground), [Blow::Soft, Blow::Wet, Blow::Snow, Blow::Hard, Blow::Wet]);
    }

    #[test]
    fn the_sea_grows_louder_the_more_of_it_is_seen() {
        let waves = |sea: usize| {
            let land =
                LandShares::of(&frame(8, 1), |n| Some(if n < sea { (Biome::Water, Some(Feature::Lake)) } else { (Biome::Beach, None) }));
            Scape::of(&Wish::default(), &land, 0).levels[Voice::Waves as usize]
        };
        assert_eq!(waves(0), 0.0);
        assert!(waves(1) > 0.1 && waves(3) > 2.0 * waves(1) && waves(8) == 1.0);
    }

    #[test]
    fn the_sea_is_heard_from_where_it_lies() {
        let west = LandShares::of(&frame(3, 3), |n| Some(if n % 3 == 0 { (Biome::Water, None) } else { (Biome::Snow, None) }));
        let heard = |quarters| Scape::of(&Wish::default(), &west, quarters);
        assert!(heard(0).waves_at < -0.5 && heard(2).waves_at > 0.5 && heard(1).waves_at == 0.0);
        assert_eq!(heard(0).ground, Blow::Snow, "nobody walks on water");
        // The control: with water all around it is nowhere.
        assert_eq!(Scape::of(&Wish::default(), &LandShares::of(&frame(3, 3), |_| Some((Biome::Water, None))), 0).waves_at, 0.0);
    }

    #[test]
    fn old_films_crackle_and_have_no_deep_and_no_high_tones() {
        let [plain, sepia] = ["plain", "sepia"].map(|style| scape(&["meadow", style]));
        assert_eq!((plain.levels[Voice::Crackle as usize], plain.band_hz), (0.0, Scape::ALL_HZ));
        assert!(sepia.levels[Voice::Crackle as usize] > 0.0);
        assert!(sepia.band_hz[0] > plain.band_hz[0] && sepia.band_hz[1] < plain.band_hz[1]);
    }

    /// Whatever is seen, and where nothing is known.
    #[test]
    fn levels_are_levels() {
        let scapes = (0..500).map(Wish::drawn).chain([Wish::default()]).map(|wish| Scape::of(&wish, &LandShares::asked(&wish), 0));
        for scape in scapes {
            assert!(scape.levels.iter().all(|level| (0.0..=1.0).contains(level)), "{scape:?}");
            assert!(scape.levels[Voice::Wind as usize] > 0.0, "it is never quite silent");
        }
    }
}
