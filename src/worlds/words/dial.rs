//! Parts of what is said that are turned from value to value, as one turns a dial.

use super::rows;
use super::wished::{instead, surest, wish_of};
use crate::worlds::scene::{Attribute, Biome, Light, Season, Style, Weather};

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
    pub fn values(self) -> Vec<&'static str> {
        fn words(all: &[impl Attribute]) -> Vec<&'static str> {
            all.iter().map(|value| value.word()).collect()
        }
        match self {
            Self::Land => words(Biome::ALL),
            Self::Light => words(Light::ALL),
            Self::Weather => words(Weather::ALL),
            Self::Season => words(Season::ALL),
            Self::Style => words(Style::ALL),
        }
    }

    /// Where it stands while `words`, rows of the word table, are said: a place in [`Self::values`]. What is not said is ordinary; of land
    /// nothing is.
    pub fn at(self, words: &[u16]) -> Option<usize> {
        let wish = wish_of(words);
        let word = match self {
            Self::Land => wish.biome?.word(),
            Self::Light => wish.light.unwrap_or(Light::Day).word(),
            Self::Weather => wish.weather.unwrap_or(Weather::Clear).word(),
            Self::Season => wish.season.unwrap_or(Season::Summer).word(),
            Self::Style => wish.style.unwrap_or(Style::Plain).word(),
        };
        self.values().iter().position(|value| *value == word)
    }

    /// The value after the one it stands at, or before it; a dial has no end.
    pub fn next(self, at: Option<usize>, back: bool) -> usize {
        let count = self.values().len();
        match (at, back) {
            (Some(at), false) => (at + 1) % count,
            (None, false) => 0,
            (at, true) => (at.unwrap_or(0) + count - 1) % count,
        }
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
            Self::Style if word != Style::Plain.word() => instead(words, Self::Season.kind(), Vec::new(), most),
            _ => words.to_vec(),
        };
        instead(&words, self.kind(), rows(surest(word)), most)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::scene::Wish;
    use crate::worlds::words::{say, vocabulary};

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
        // A season that a style hides could not be seen.
        assert_eq!(turned(Dial::Season, "a noir forest", false), rows("forest full colour autumn"));
        assert_eq!(turned(Dial::Style, "an autumn forest", false), rows("forest noir"));
        assert_eq!(turned(Dial::Style, "an autumn forest as a poster", false), rows("autumn forest full colour"));
        // A long prompt makes room.
        assert_eq!(Dial::Light.set(&rows("snow ruins rain"), 2, 3), rows("snow ruins night"));
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
                let said = rows(&say(&wish, seed, seed % 3 == 0));
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
