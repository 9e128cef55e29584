//! Parts of what is said that are turned from value to value, as one turns a dial.

use super::rows;
use super::wished::{instead, surest, wish_of};
use crate::worlds::random::Rng;
use crate::worlds::scene::{Attribute, Biome, Light, Season, Style, Weather, Wish};

/// What chance is for here.
const SURPRISES: u64 = 10;

/// A part of a prompt that has one of a few values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    Land,
    Light,
    Weather,
    Season,
    Style,
}

impl Dial {
    pub const ALL: [Self; 5] = [Self::Land, Self::Light, Self::Weather, Self::Season, Self::Style];

    pub fn name(self) -> &'static str {
        match self {
            Self::Land => "land",
            other => other.kind(),
        }
    }

    /// The plain words of its values, in the order it turns through.
    pub fn values(self) -> &'static [&'static str] {
        match self {
            Self::Land => Biome::WORDS,
            Self::Light => Light::WORDS,
            Self::Weather => Weather::WORDS,
            Self::Season => Season::WORDS,
            Self::Style => Style::WORDS,
        }
    }

    /// What `words`, rows of the word table, say of it: a place in [`Self::values`].
    pub fn at(self, words: &[u16]) -> Option<usize> {
        self.of(&wish_of(words))
    }

    /// The same of what is wished, or seen.
    pub fn of(self, wish: &Wish) -> Option<usize> {
        let word = match self {
            Self::Land => wish.biome.map(Attribute::word),
            Self::Light => wish.light.map(Attribute::word),
            Self::Weather => wish.weather.map(Attribute::word),
            Self::Season => wish.season.map(Attribute::word),
            Self::Style => wish.style.map(Attribute::word),
        };
        word.and_then(|word| self.place(word))
    }

    fn place(self, word: &str) -> Option<usize> {
        self.values().iter().position(|value| *value == word)
    }

    /// What is ordinary; of land nothing is.
    fn ordinary(self) -> Option<usize> {
        match self {
            Self::Land => None,
            Self::Light => self.place(Light::Day.word()),
            Self::Weather => self.place(Weather::Clear.word()),
            Self::Season => self.place(Season::Summer.word()),
            Self::Style => self.place(Style::Plain.word()),
        }
    }

    /// The value after the one it stands at, or before it; a dial has no end. What is not said is ordinary.
    pub fn next(self, at: Option<usize>, back: bool) -> usize {
        let count = self.values().len();
        match (at.or(self.ordinary()), back) {
            (Some(at), false) => (at + 1) % count,
            (None, false) => 0,
            (at, true) => (at.unwrap_or(0) + count - 1) % count,
        }
    }

    /// The same prompt without what it says of this part.
    pub fn unsaid(self, words: &[u16]) -> Vec<u16> {
        instead(words, self.kind(), Vec::new(), words.len())
    }

    /// The same prompt with that value of [`Self::values`] in place of whatever it says of this part, with at most `most` words. Of season and
    /// style the other one becomes ordinary where it would hide what is turned.
    ///
    /// # Panics
    /// Where there is no such value.
    pub fn set(self, words: &[u16], value: usize, most: usize) -> Vec<u16> {
        let word = self.values()[value];
        let style = wish_of(words).style;
        let words = match self {
            Self::Season if style.is_some_and(|style| style != Style::Plain) => {
                instead(words, Self::Style.kind(), rows(surest(Style::Plain.word())), most)
            }
            Self::Style if word != Style::Plain.word() => Self::Season.unsaid(words),
            _ => words.to_vec(),
        };
        instead(&words, self.kind(), rows(surest(word)), most)
    }

    /// The same prompt with all dials turned at once, each to another value than is said, or else seen in `look`, by the chances of `seed`; with at most `most`
    /// words. Season and style are ordinary half of the time, and never both out of the ordinary: one is to see what has become of the land.
    pub fn surprise(words: &[u16], look: &Wish, seed: u64, most: usize) -> Vec<u16> {
        let mut chance = Rng::for_purpose(seed, SURPRISES);
        let odd = chance.pick(&[None, None, Some(Self::Season), Some(Self::Style)]);
        // The land last: beside its noun the adjective of another land says a season.
        let rest = Self::ALL.into_iter().rev().fold(words.to_vec(), |rest, dial| dial.unsaid(&rest));
        let mut said = Vec::new();
        for dial in Self::ALL {
            let at = dial.at(words).or_else(|| dial.of(look)).or(dial.ordinary());
            let plain = dial.ordinary().filter(|_| matches!(dial, Self::Season | Self::Style));
            let others: Vec<usize> = (0..dial.values().len()).filter(|value| Some(*value) != at && Some(*value) != plain).collect();
            let value = plain.filter(|_| odd != Some(dial)).unwrap_or_else(|| chance.pick(&others));
            // What is ordinary already need not be said.
            if Some(value) != at {
                said = dial.set(&said, value, usize::MAX);
            }
        }
        rest.into_iter().take(most.saturating_sub(said.len())).chain(said).take(most).collect()
    }

    /// What the lexicon calls it.
    fn kind(self) -> &'static str {
        match self {
            Self::Land => Biome::Meadow.kind(),
            Self::Light => Light::Day.kind(),
            Self::Weather => Weather::Clear.kind(),
            Self::Season => Season::Summer.kind(),
            Self::Style => Style::Plain.kind(),
        }
    }
}

/// Whether who says these words after those means a part of what is seen, and the rest is to go on: who names another land, or other things in it, says all
/// there is to say.
pub fn says_a_part(words: &[u16], before: &[u16]) -> bool {
    let (said, was) = (wish_of(words), wish_of(before));
    let same_land = said.biome.is_none() || said.biome == was.biome;
    !said.is_empty() && same_land && said.features.iter().all(|feature| was.features.contains(feature))
}

/// What else is to be told with a prompt of `words`, at most `most` in all, so that what it says nothing of stays as `look` has it: light, weather, season and style,
/// which may turn with the rest where they are left to a network (`trainer/EXPERIMENTS.md`, "Turned by hand"), and the land and what is on it, which would
/// go on as any land beyond what is in view.
pub fn going_on(words: &[u16], look: &Wish, most: usize) -> Vec<u16> {
    let said = wish_of(words);
    let land = look.biome.filter(|_| said.biome.is_none());
    let features = if said.features.is_empty() { look.features.as_slice() } else { &[] };
    // A season shows under no style.
    let style = said.style.is_none().then_some(if said.season.is_some() { Some(Style::Plain) } else { look.style }).flatten();
    let plain = said.style.or(style) == Some(Style::Plain);
    let season = look.season.filter(|season| plain && said.season.is_none() && *season != Season::Summer);
    let light = look.light.filter(|_| said.light.is_none());
    let weather = look.weather.filter(|_| said.weather.is_none());
    let values = [light.map(Attribute::word), weather.map(Attribute::word), season.map(Attribute::word), style.map(Attribute::word)];
    let values =
        land.map(Attribute::word).into_iter().chain(features.iter().map(|feature| feature.word())).chain(values.into_iter().flatten());
    let mut besides = Vec::new();
    for phrase in values.map(|word| rows(surest(word))) {
        if words.len() + besides.len() + phrase.len() <= most {
            besides.extend(phrase);
        }
    }
    besides
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::scene::Feature;
    use crate::worlds::words::{say, typed, vocabulary};

    fn turned(dial: Dial, text: &str, back: bool) -> Vec<u16> {
        let words = rows(text);
        dial.set(&words, dial.next(dial.at(&words), back), 12)
    }

    #[test]
    fn a_dial_turns_one_part_and_leaves_the_rest() {
        assert_eq!(turned(Dial::Light, "a haunted castle at night with rain", false), rows("haunted castle rain dawn"));
        assert_eq!(turned(Dial::Light, "a haunted castle at night with rain", true), rows("haunted castle rain dusk"));
        assert_eq!(turned(Dial::Weather, "", false), rows("rain"), "what is not said is ordinary");
        assert_eq!((turned(Dial::Land, "", false), turned(Dial::Land, "", true)), (rows("meadow"), rows("water")));
        assert_eq!(turned(Dial::Land, "icy tundra at midnight", false), rows("midnight swamp"));
        assert_eq!((Dial::Light.at(&rows("forest")), Dial::Light.unsaid(&rows("a forest late at night"))), (None, rows("forest")));
        // A season that a style hides could not be seen.
        assert_eq!(turned(Dial::Season, "a noir forest", false), rows("forest full colour autumn"));
        assert_eq!(turned(Dial::Style, "an autumn forest", false), rows("forest noir"));
        assert_eq!(turned(Dial::Style, "an autumn forest as a poster", false), rows("autumn forest full colour"));
        // A long prompt makes room.
        assert_eq!(Dial::Light.set(&rows("snow ruins rain"), 2, 3), rows("snow ruins night"));
    }

    #[test]
    fn a_surprise_turns_all_dials_and_leaves_colours_as_they_are_half_of_the_time() {
        let before = rows("ruins in a forest at night");
        let look = Wish { style: Some(Style::Noir), ..Wish::default() };
        let plain = (0..400).filter(|seed| {
            let words = Dial::surprise(&before, &look, *seed, 12);
            let Wish { biome, light, weather, season, style, .. } = wish_of(&words);
            assert!(words.starts_with(&rows("ruins")), "{words:?}");
            assert!(biome.is_some_and(|land| land != Biome::Forest) && light.is_some_and(|light| light != Light::Night), "{words:?}");
            assert!(weather.is_some_and(|weather| weather != Weather::Clear), "what is not said is ordinary: {words:?}");
            assert!(style.is_some_and(|style| style != Style::Noir) && season != Some(Season::Summer), "{words:?}");
            assert!(season.is_none() || style == Some(Style::Plain), "a style hides the season: {words:?}");
            season.is_none() && style == Some(Style::Plain)
        });
        let plain = plain.count();
        assert!((150..=250).contains(&plain), "{plain} of 400");
        assert_eq!(Dial::surprise(&before, &look, 5, 12), Dial::surprise(&before, &look, 5, 12));
        for seed in 0..50 {
            let of_nothing = wish_of(&Dial::surprise(&[], &Wish::default(), seed, 12));
            assert!(of_nothing.style != Some(Style::Plain), "what is ordinary goes unsaid: {of_nothing:?}");
            let few = Dial::surprise(&before, &look, seed, 3);
            assert!(few.len() <= 3 && wish_of(&few).biome.is_some(), "a short prompt makes room: {few:?}");
            let snowy = Dial::surprise(&rows("a snowy forest"), &Wish::default(), seed, 12);
            assert!(
                !rows("snowy forest").iter().any(|word| snowy.contains(word)) || wish_of(&snowy).biome == Some(Biome::Snow),
                "{snowy:?}"
            );
        }
    }

    #[test]
    fn who_names_the_land_that_is_there_means_a_part_of_it() {
        let part = |words: &str, before: &str| says_a_part(&rows(words), &rows(before));
        assert!(part("dusk", "") && part("noir, rain", "a village by night"));
        assert!(
            part("a meadow at dusk", "a meadow by day") && part("a meadow", "a meadow with flowers") && part("flowers", "meadow flowers")
        );
        assert!(
            !part("a forest at dusk", "a meadow at dusk") && !part("a meadow", "") && !part("a village", "a meadow") && !part("", "dusk")
        );
    }

    #[test]
    fn what_is_seen_and_not_said_is_told_besides() {
        let look = Wish {
            light: Some(Light::Night),
            weather: Some(Weather::Rain),
            season: Some(Season::Autumn),
            style: Some(Style::Plain),
            ..Wish::default()
        };
        let besides = |text: &str, look: &Wish, most| going_on(&rows(text), look, most);
        assert_eq!(besides("forest", &look, 12), rows("night rain autumn full colour"));
        assert_eq!(besides("a forest at dusk as a poster", &look, 12), rows("rain"), "a style hides the season");
        assert_eq!(besides("forest ruins", &look, 4), rows("night rain"), "as far as there is room");
        let noir = Wish { style: Some(Style::Noir), season: None, ..look.clone() };
        assert_eq!(besides("foggy day", &noir, 12), rows("noir"));
        assert_eq!(besides("winter, clear day", &noir, 12), rows("full colour"), "a season is to be seen");
        assert!(besides("forest", &Wish::default(), 12).is_empty());
        // The land that was asked for goes on, and what was on it.
        let village = Wish { biome: Some(Biome::Desert), features: vec![Feature::Village], ..Wish::default() };
        assert_eq!(besides("night", &village, 12), rows("desert village"));
        assert_eq!(besides("night rain", &village, 3), rows("desert"), "as far as there is room");
        assert_eq!((besides("a forest by night", &village, 12), besides("ruins", &village, 12)), (rows("village"), rows("desert")));
    }

    #[test]
    fn what_a_dial_says_is_heard_wherever_it_is_said() {
        let known = vocabulary(false);
        let (mut all, mut odd) = (0, 0);
        for dial in Dial::ALL {
            assert!(
                dial.values().iter().all(|value| surest(value).split(' ').all(|word| known.contains(&word))),
                "{dial:?}: networks were never told"
            );
            for seed in 0..300 {
                let wish = Wish::drawn(seed);
                let said = typed(&say(&wish, seed, seed % 3 == 0));
                for value in 0..dial.values().len() {
                    let words = dial.set(&said, value, 40);
                    assert_eq!(dial.at(&words), Some(value), "{dial:?} {value} in {wish:?}");
                    let (before, after) = (wish_of(&said), wish_of(&words));
                    let kept = [
                        dial == Dial::Land || after.biome == before.biome,
                        dial == Dial::Light || after.light == before.light,
                        dial == Dial::Weather || after.weather == before.weather,
                        matches!(dial, Dial::Season | Dial::Style) || (after.season, after.style) == (before.season, before.style),
                    ];
                    (all, odd) = (all + 1, odd + usize::from(kept != [true; 4]));
                }
            }
        }
        // Words that come to stand side by side may be a phrase: "land, an old photograph, fire".
        assert!(odd * 100 <= all, "{odd} of {all} changed more");
    }
}
