//! What a prompt in any words wishes of a simulator: phrases of the lexicon first, and words beyond it by the nearest one that means
//! something alone.

use std::sync::LazyLock;

use super::lexicon::lexicon;
use super::{nearest, rows};
use crate::worlds::scene::{Attribute, Light, Wish};

static HEARD: LazyLock<Vec<Heard>> = LazyLock::new(|| {
    let mut heard = Vec::new();
    for value in Wish::words() {
        heard.push(Heard { words: rows(value), value });
        heard.extend(lexicon().phrases_of(value).map(|phrase| Heard { words: rows(phrase.text), value }));
    }
    heard.retain(|h| !h.words.is_empty());
    // Stable: of the same words the first value named stays first.
    heard.sort_by_key(|h| std::cmp::Reverse(h.words.len()));
    heard
});

/// Words that wish for a value, by its plain word.
struct Heard {
    /// Rows of the word table, those that say nothing by themselves left out.
    words: Vec<u16>,
    value: &'static str,
}

/// A prompt, given as rows of the word table, phrase by phrase, each with the plain word for what it says; words that say nothing, one by one.
fn phrases(words: &[u16]) -> Vec<(&[u16], Option<&'static str>)> {
    let mut said = Vec::new();
    let mut rest = words;
    while let Some(&first) = rest.first() {
        let (length, value) = match HEARD.iter().find(|h| rest.starts_with(&h.words)) {
            Some(phrase) => (phrase.words.len(), Some(phrase.value)),
            None => (1, nearest(first, HEARD.iter().filter(|h| h.words.len() == 1).map(|h| (h.words[0], h.value)))),
        };
        let (phrase, after) = rest.split_at(length);
        said.push((phrase, value));
        rest = after;
    }
    said
}

/// What a prompt, given as rows of the word table, wishes for: of each kind the last one said, and every feature.
pub fn wish_of(words: &[u16]) -> Wish {
    Wish::of_words(phrases(words).into_iter().filter_map(|(_, value)| value))
}

/// The same prompt under `light`, whatever it says of light, with at most `most` words.
pub fn under(words: &[u16], light: Light, most: usize) -> Vec<u16> {
    let of_light = |value: &str| Light::ALL.iter().any(|light| light.word() == value);
    let kept = phrases(words).into_iter().filter(|(_, value)| !value.is_some_and(of_light)).flat_map(|(phrase, _)| phrase);
    let said = rows(light.word());
    kept.copied().take(most.saturating_sub(said.len())).chain(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::scene::{Biome, Feature, Season, Style, Weather};
    use crate::worlds::words::{say, test_prompts};

    fn wish(text: &str) -> Wish {
        wish_of(&rows(text))
    }

    #[test]
    fn words_no_caption_holds_are_understood_by_their_neighbours() {
        let asked = wish("Tundra, midnight!");
        assert_eq!((asked.biome, asked.light), (Some(Biome::Snow), Some(Light::Night)));
        assert_eq!(wish("an icy tundra at midnight"), asked);
        // In no phrase at all.
        assert_eq!(wish("sandstorm").biome, Some(Biome::Desert));
        assert_eq!(wish("tulip").features, [Feature::Flowers]);
        assert_eq!(wish("moonlit movie").style, Some(Style::Noir));
        assert_eq!(wish("cold").season, Some(Season::Winter));
        assert!(wish("president money quickly").is_empty(), "far from everything");
        assert!(wish("").is_empty() && wish("qwrtzx \u{1F332}").is_empty());
    }

    #[test]
    fn another_light_takes_the_place_of_what_was_said_of_it() {
        let under_dusk = |text: &str, most| under(&rows(text), Light::Dusk, most);
        assert_eq!(under_dusk("a snowy forest", 8), rows("snowy forest dusk"));
        assert_eq!(under_dusk("early in the morning, a snowy forest under the stars", 8), rows("snowy forest dusk"));
        assert_eq!(under_dusk("midnight neon", 8), rows("neon dusk"), "a word of no caption");
        assert_eq!((under_dusk("", 8), under_dusk("snow ruins rain", 3)), (rows("dusk"), rows("snow ruins dusk")));
    }

    #[test]
    fn the_longest_phrase_wins_over_its_words() {
        let asked = wish("a meadow in falling snow with autumn colours");
        assert_eq!((asked.biome, asked.weather, asked.season), (Some(Biome::Meadow), Some(Weather::Snowfall), Some(Season::Autumn)));
        assert_eq!(wish("snow").biome, Some(Biome::Snow));
    }

    /// The prompts of the evaluation ask the simulator for what they mean, in words seen and unseen.
    #[test]
    fn worded_prompts_wish_for_what_they_mean() {
        let (mut agreed, mut asked) = (0, 0);
        let mut count = |meant: bool, understood: bool| {
            asked += usize::from(meant);
            agreed += usize::from(meant && understood);
        };
        let worded = test_prompts().into_iter().map(|p| (p.text, p.wish));
        for (text, meant) in worded.chain((0..500).map(|seed| (say(&Wish::drawn(seed), seed, seed % 2 == 0), Wish::drawn(seed)))) {
            let understood = wish(&text);
            count(meant.biome.is_some(), understood.biome == meant.biome);
            count(meant.light.is_some(), understood.light == meant.light);
            count(meant.weather.is_some(), understood.weather == meant.weather);
            count(meant.season.is_some(), understood.season == meant.season);
            count(meant.style.is_some(), understood.style == meant.style);
        }
        assert!(agreed * 100 >= asked * 95, "{agreed} of {asked}");
    }
}
