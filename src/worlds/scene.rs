//! What a world looks like and what it is asked to look like, in structure. Words are made from it by [`super::words`].

use serde::{Deserialize, Serialize};

use super::random::Rng;

/// A part of a scene that has one of a few values.
pub trait Attribute: Copy {
    /// What the attribute is called.
    fn kind(self) -> &'static str;
    /// The plain word of the value.
    fn word(self) -> &'static str;
}

/// An attribute's name, and its values with the plain word of each.
macro_rules! attribute {
    ($(#[$doc:meta])* $name:ident $kind:literal { $($value:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($value),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$value),+];
            /// The plain words of all of them, in the same order.
            pub const WORDS: &[&str] = &[$($word),+];
        }

        impl Attribute for $name {
            fn kind(self) -> &'static str {
                $kind
            }

            fn word(self) -> &'static str {
                match self { $($name::$value => $word),+ }
            }
        }
    };
}

attribute! {
    /// The land, or the water where there is hardly any.
    Biome "biome" {
        Meadow = "meadow",
        Forest = "forest",
        Desert = "desert",
        Snow = "snow",
        Swamp = "swamp",
        Volcano = "volcano",
        Beach = "beach",
        Water = "water",
    }
}

attribute! { Light "light" { Day = "day", Dusk = "dusk", Night = "night", Dawn = "dawn" } }

attribute! { Weather "weather" { Clear = "clear", Rain = "rain", Snowfall = "snowfall", Fog = "fog" } }

attribute! { Season "season" { Spring = "spring", Summer = "summer", Autumn = "autumn", Winter = "winter" } }

attribute! {
    /// The palette of the whole picture.
    Style "style" {
        Plain = "plain",
        Noir = "noir",
        Sepia = "sepia",
        Handheld = "handheld",
        Blueprint = "blueprint",
        Neon = "neon",
        Candy = "candy",
        Poster = "poster",
    }
}

attribute! {
    /// What stands out in the land.
    Feature "feature" {
        Trees = "trees",
        Rocks = "rocks",
        Ruins = "ruins",
        Flowers = "flowers",
        Cactus = "cactus",
        Lake = "lake",
        Shore = "shore",
        Lava = "lava",
        Village = "village",
    }
}

impl Feature {
    /// Lands in which it is at home.
    pub fn lands(self) -> &'static [Biome] {
        use Biome::{Beach, Desert, Forest, Meadow, Snow, Swamp, Volcano, Water};
        match self {
            Self::Trees => &[Meadow, Forest, Snow, Swamp, Beach],
            Self::Rocks => &[Meadow, Forest, Desert, Snow, Volcano, Beach],
            Self::Ruins => &[Meadow, Forest, Desert, Snow, Swamp, Volcano, Beach],
            Self::Flowers => &[Meadow, Forest],
            Self::Cactus => &[Desert],
            Self::Lake => &[Meadow, Forest, Desert, Snow, Swamp],
            Self::Shore => &[Beach, Water],
            Self::Lava => &[Volcano],
            Self::Village => &[Meadow, Forest, Desert, Snow, Swamp, Beach],
        }
    }
}

/// What is seen in a frame.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scene {
    /// One or two, the one that fills most of the view first.
    pub biomes: Vec<Biome>,
    pub light: Light,
    pub weather: Weather,
    pub season: Season,
    pub style: Style,
    /// The most frequent first, three at most.
    pub features: Vec<Feature>,
}

impl Scene {
    /// Whether the season shows in the picture: styles have colours of their own, and some lands know only two seasons, or one.
    pub fn shows_season(&self) -> bool {
        let shows = |biome: &Biome| match biome {
            Biome::Meadow | Biome::Forest | Biome::Swamp => true,
            Biome::Desert | Biome::Volcano | Biome::Beach | Biome::Water => self.season == Season::Winter,
            Biome::Snow => false,
        };
        self.style == Style::Plain && self.biomes.first().is_some_and(shows)
    }
}

/// What a world is asked to be, or a description of what is seen: anything may be left out.
///
/// A world follows at once. Land that has been seen keeps its shape and turns into what is wished; land that has not is as wished throughout. What is
/// left out goes on as it is: land, season and style stay, light and weather take their course, and new land is as it would be by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    pub biome: Option<Biome>,
    pub light: Option<Light>,
    pub weather: Option<Weather>,
    pub season: Option<Season>,
    pub style: Option<Style>,
    /// No order, none twice.
    pub features: Vec<Feature>,
}

impl Wish {
    /// The plain words a wish can be made of, in a fixed order.
    pub fn words() -> Vec<&'static str> {
        [Biome::WORDS, Light::WORDS, Weather::WORDS, Season::WORDS, Style::WORDS, Feature::WORDS].concat()
    }

    /// What plain words wish for: of each kind the last one said, and every feature. Other words say nothing.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        fn find<T: Attribute>(all: &[T], word: &str) -> Option<T> {
            all.iter().copied().find(|value| value.word() == word)
        }
        let mut wish = Self::default();
        for word in words {
            wish.biome = find(Biome::ALL, word).or(wish.biome);
            wish.light = find(Light::ALL, word).or(wish.light);
            wish.weather = find(Weather::ALL, word).or(wish.weather);
            wish.season = find(Season::ALL, word).or(wish.season);
            wish.style = find(Style::ALL, word).or(wish.style);
            wish.features.extend(find(Feature::ALL, word).filter(|feature| !wish.features.contains(feature)));
        }
        wish
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// How many things it asks for.
    pub fn len(&self) -> usize {
        let asked = [self.biome.is_some(), self.light.is_some(), self.weather.is_some(), self.season.is_some(), self.style.is_some()];
        asked.into_iter().filter(|&asked| asked).count() + self.features.len()
    }

    /// The lands in which the largest number of its features is at home; all lands where it asks for no feature.
    pub fn lands_of_features(&self) -> Vec<Biome> {
        let at_home = |land: &Biome| self.features.iter().filter(|feature| feature.lands().contains(land)).count();
        let most = Biome::ALL.iter().map(at_home).max();
        Biome::ALL.iter().copied().filter(|land| Some(at_home(land)) == most).collect()
    }

    /// A wish for one thing at least, a function of the seed.
    pub fn drawn(seed: u64) -> Self {
        let mut rng = Rng::for_purpose(seed, 1);
        loop {
            let mut wish = Self::default();
            for (part, percent) in
                [(Part::Biome, 60), (Part::Light, 50), (Part::Weather, 45), (Part::Season, 30), (Part::Style, 45), (Part::Features, 40)]
            {
                if rng.percent(percent) {
                    wish.redraw(part, &mut rng);
                }
            }
            if !wish.is_empty() {
                return wish;
            }
        }
    }

    /// The same land in plain colours on a clear summer's day.
    pub fn bare(&self) -> Self {
        let (light, weather) = (Some(Light::Day), Some(Weather::Clear));
        Self { light, weather, season: Some(Season::Summer), style: Some(Style::Plain), ..self.clone() }
    }

    /// The same land under a light, weather, season and style that the seed says.
    pub fn under_look(&self, seed: u64) -> Self {
        let mut rng = Rng::for_purpose(seed, 3);
        let mut wish = self.clone();
        [Part::Light, Part::Weather].into_iter().for_each(|part| wish.redraw(part, &mut rng));
        // A season under no style, or any style: as often.
        wish.style = Some(Style::Plain);
        wish.redraw(if rng.percent(50) { Part::Season } else { Part::Style }, &mut rng);
        wish.season = wish.season.or(Some(Season::Summer));
        wish
    }

    /// The same wish with one or two parts said anew or taken back, as one edits a prompt; never the same wish.
    pub fn edited(&self, seed: u64) -> Self {
        let mut rng = Rng::for_purpose(seed, 2);
        loop {
            let mut wish = self.clone();
            for _ in 0..rng.range(1, 2) {
                let part = rng.pick(&[Part::Biome, Part::Light, Part::Weather, Part::Season, Part::Style, Part::Features]);
                if rng.percent(20) {
                    wish.take_back(part);
                } else {
                    wish.redraw(part, &mut rng);
                }
            }
            if !wish.is_empty() && wish != *self {
                return wish;
            }
        }
    }

    /// The same wish with one part of how things look said to be another: light, weather, or season or style.
    pub fn retouched(&self, seed: u64) -> Self {
        let mut rng = Rng::for_purpose(seed, 4);
        // A season shows in plain colours alone.
        let plain = self.style == Some(Style::Plain);
        let palette = if plain && rng.percent(50) { Part::Season } else { Part::Style };
        let part = rng.pick(&[Part::Light, Part::Weather, palette]);
        self.with_another(part, &mut rng)
    }

    /// The same wish with another land.
    pub fn elsewhere(&self, seed: u64) -> Self {
        self.with_another(Part::Biome, &mut Rng::for_purpose(seed, 5))
    }

    fn with_another(&self, part: Part, rng: &mut Rng) -> Self {
        let mut wish = self.clone();
        while wish == *self {
            wish.redraw(part, rng);
        }
        wish
    }

    fn redraw(&mut self, part: Part, rng: &mut Rng) {
        match part {
            Part::Biome => self.biome = Some(rng.pick(Biome::ALL)),
            Part::Light => self.light = Some(rng.pick(Light::ALL)),
            Part::Weather => self.weather = Some(rng.pick(Weather::ALL)),
            // A style hides the season: nobody sees what became of that wish.
            Part::Season => {
                self.season = Some(rng.pick(Season::ALL));
                self.style = self.style.map(|_| Style::Plain);
            }
            Part::Style => {
                self.style = Some(rng.pick(Style::ALL));
                self.season = self.season.filter(|_| self.style == Some(Style::Plain));
            }
            Part::Features => {
                let mut features = Feature::ALL.to_vec();
                rng.shuffle(&mut features);
                features.truncate(rng.range(1, 2));
                self.features = features;
            }
        }
    }

    fn take_back(&mut self, part: Part) {
        match part {
            Part::Biome => self.biome = None,
            Part::Light => self.light = None,
            Part::Weather => self.weather = None,
            Part::Season => self.season = None,
            Part::Style => self.style = None,
            Part::Features => self.features.clear(),
        }
    }
}

#[derive(Clone, Copy)]
enum Part {
    Biome,
    Light,
    Weather,
    Season,
    Style,
    Features,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_make_a_wish() {
        let wish = Wish::of_words(["night", "snow", "ruins", "dragon", "neon", "lake", "ruins", "day"]);
        let expected = Wish {
            biome: Some(Biome::Snow),
            light: Some(Light::Day),
            style: Some(Style::Neon),
            features: vec![Feature::Ruins, Feature::Lake],
            ..Wish::default()
        };
        assert_eq!(wish, expected);
        assert!(Wish::of_words(["dragon"]).is_empty());
        let lands = |words: &[&'static str]| Wish::of_words(words.iter().copied()).lands_of_features();
        assert_eq!(lands(&["night"]), Biome::ALL);
        assert_eq!((lands(&["lava"]), lands(&["rocks", "cactus"])), (vec![Biome::Volcano], vec![Biome::Desert]));
        assert_eq!(lands(&["lava", "cactus"]), [Biome::Desert, Biome::Volcano], "nowhere are both at home");
        // Each word wishes for one thing, and no two for the same.
        let wishes: Vec<Wish> = Wish::words().into_iter().map(|word| Wish::of_words([word])).collect();
        assert!(wishes.iter().enumerate().all(|(i, wish)| wish.len() == 1 && !wishes[..i].contains(wish)));
    }

    #[test]
    fn wishes_are_drawn_evenly_and_edits_change_little() {
        let (mut biomes, mut styles) = ([0; 8], [0; 8]);
        for seed in 0..2000 {
            let wish = Wish::drawn(seed);
            assert!(!wish.is_empty());
            assert_eq!(wish, Wish::drawn(seed));
            biomes.iter_mut().zip(Biome::ALL).for_each(|(n, &b)| *n += usize::from(wish.biome == Some(b)));
            styles.iter_mut().zip(Style::ALL).for_each(|(n, &s)| *n += usize::from(wish.style == Some(s)));
            assert!(wish.season.is_none() || matches!(wish.style, None | Some(Style::Plain)), "{wish:?}");

            let edited = wish.edited(seed + 1);
            let changed = [
                edited.biome != wish.biome,
                edited.light != wish.light,
                edited.weather != wish.weather,
                edited.season != wish.season || edited.style != wish.style,
                edited.features != wish.features,
            ];
            assert!((1..=2).contains(&changed.into_iter().filter(|&c| c).count()), "{wish:?} became {edited:?}");
            let retouched = wish.retouched(seed);
            let land_as_it_was = Wish { biome: wish.biome, features: wish.features.clone(), ..retouched.clone() };
            let parts = [retouched.light != wish.light, retouched.weather != wish.weather];
            let palette = (retouched.season, retouched.style) != (wish.season, wish.style);
            assert_eq!((&land_as_it_was, parts.into_iter().chain([palette]).filter(|&c| c).count()), (&retouched, 1), "{wish:?}");
            let elsewhere = wish.elsewhere(seed);
            assert!(elsewhere.biome != wish.biome && wish == Wish { biome: wish.biome, ..elsewhere });
        }
        assert!(biomes.iter().all(|n| (100..220).contains(n)), "{biomes:?}");
        assert!(styles.iter().all(|n| (60..260).contains(n)), "{styles:?}");
    }
}
