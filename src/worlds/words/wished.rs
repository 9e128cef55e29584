//! What a prompt in any words wishes of a simulator: phrases of the lexicon first, and words beyond it by the nearest one that means
//! something alone.

use std::sync::LazyLock;

use super::heard::{is_part_of_phrases, meant_by};
use super::lexicon::{Form, lexicon};
use super::{PLACES, nearest, rows};
use crate::prompt::WordTable;
use crate::worlds::random::Rng;
use crate::worlds::scene::{Attribute, Biome, Light, Season, Style, Weather, Wish};

/// Phrases that networks were told, the longest first; a player's words are read so that no other is needed (`prompt::read`).
static TOLD: LazyLock<Vec<Heard>> = LazyLock::new(|| {
    let mut heard = Vec::new();
    for value in Wish::words() {
        heard.push(Heard { words: rows(value), value, form: Form::Noun });
        let phrases = lexicon().phrases_of(value).filter(|phrase| !phrase.held_out);
        heard.extend(phrases.map(|phrase| Heard { words: rows(phrase.text), value, form: phrase.form }));
    }
    heard.retain(|h| !h.words.is_empty());
    // Stable: of the same words the first value named stays first.
    heard.sort_by_key(|h| std::cmp::Reverse(h.words.len()));
    heard
});

/// Rows of words that name a land and say nothing of it.
static PLACES_BY_NAME: LazyLock<Vec<u16>> = LazyLock::new(|| PLACES.iter().flat_map(|place| rows(place)).collect());

/// Words that wish for a value, by its plain word.
struct Heard {
    /// Rows of the word table, those that say nothing by themselves left out.
    words: Vec<u16>,
    value: &'static str,
    form: Form,
}

/// Rows of words that take back what the next phrase says: "no rain", "not so dark".
static DENYING: LazyLock<Vec<u16>> = LazyLock::new(|| rows("no not without stop stopped remove never less minus"));
/// Whether the word of a row takes back what the next phrase says.
pub fn denies(row: u16) -> bool {
    DENYING.contains(&row)
}

/// Words that may stand between: "not too much fog".
const MOST_BETWEEN: usize = 2;

/// A phrase of a prompt.
pub(super) struct SaidPhrase<'a> {
    /// Rows of the word table.
    pub(super) words: &'a [u16],
    /// The plain word for what it says, if it says anything.
    value: Option<&'static str>,
    /// The same beside a noun of another land, where it says something else there.
    elsewhere: Option<&'static str>,
    /// Whether the prompt has such a noun.
    pub(super) beside_another: bool,
    /// Whether the prompt says that it is not so.
    pub(super) denied: bool,
}

impl SaidPhrase<'_> {
    /// The plain word for what it says where it stands.
    pub(super) fn value(&self) -> Option<&'static str> {
        if self.denied {
            return self.value.and_then(instead_of);
        }
        self.elsewhere.filter(|_| self.beside_another).or(self.value)
    }
}

/// What is so where this is not, both by their plain words, as far as that is certain: without night it is day, and without a lake there is nothing to say.
fn instead_of(word: &'static str) -> Option<&'static str> {
    let of = |value: &dyn Fn(&Wish) -> bool| value(&Wish::of_words([word]));
    let ordinary = match word {
        _ if of(&|wish| wish.light.is_some_and(|light| light != Light::Day)) => Light::Day.word(),
        _ if of(&|wish| wish.weather.is_some()) => Weather::Clear.word(),
        _ if of(&|wish| wish.style.is_some()) => Style::Plain.word(),
        _ if of(&|wish| wish.season.is_some() || wish.biome == Some(Biome::Snow)) => Season::Summer.word(),
        _ if of(&|wish| wish.light.is_some()) => Light::Night.word(),
        _ => return None,
    };
    Some(ordinary).filter(|ordinary| *ordinary != word)
}

/// The phrase that these words begin with: how many they are, and what it says, if anything.
fn first_phrase(words: &[u16]) -> (usize, Option<&'static Heard>) {
    let Some(&first) = words.first() else { return (0, None) };
    match TOLD.iter().find(|h| words.starts_with(&h.words)) {
        Some(phrase) => (phrase.words.len(), Some(phrase)),
        None if PLACES_BY_NAME.contains(&first) || usize::from(first) >= WordTable::get().len() || denies(first) => (1, None),
        None if let Some(meant) = meant_by(first) => (1, TOLD.iter().find(|h| h.words == [meant])),
        // A part of a caption's phrase is told as it is, and says nothing by itself: "sky" is no dusk, "dry" no rain, and "blue" no meadow.
        None if is_part_of_phrases(first) => (1, None),
        None => (1, nearest(first, TOLD.iter().filter(|h| h.words.len() == 1).map(|h| (h.words[0], h)))),
    }
}

/// The same with the word that denies it, where these words begin with one.
fn first_denied(words: &[u16]) -> Option<(usize, &'static Heard)> {
    let is_denied = words.first().is_some_and(|first| denies(*first)) && first_phrase(words).1.is_none();
    let (mut at, mut between) = (1, 0);
    while is_denied && at < words.len() && between <= MOST_BETWEEN {
        match first_phrase(&words[at..]) {
            (length, Some(heard)) => return Some((at + length, heard)),
            (length, None) => (at, between) = (at + length, between + 1),
        }
    }
    None
}

/// A prompt, given as rows of the word table, phrase by phrase as networks and simulators hear it; words that say nothing, one by one.
pub(super) fn phrases(words: &[u16]) -> Vec<SaidPhrase<'_>> {
    let mut said = Vec::new();
    let mut rest = words;
    while !rest.is_empty() {
        let denied = first_denied(rest);
        let (length, heard) = denied.map_or_else(|| first_phrase(rest), |(length, heard)| (length, Some(heard)));
        let (words, after) = rest.split_at(length);
        let elsewhere = heard.and_then(|heard| lexicon().elsewhere(heard.value, heard.form));
        said.push(SaidPhrase { words, value: heard.map(|heard| heard.value), elsewhere, beside_another: false, denied: denied.is_some() });
        rest = after;
    }
    let is_land = |said: &&SaidPhrase| {
        let is_noun = !said.denied && said.elsewhere.is_none();
        is_noun && said.value.is_some_and(|value| Biome::ALL.iter().any(|land| land.word() == value))
    };
    let lands: Vec<_> = said.iter().filter(is_land).map(|said| said.value).collect();
    for phrase in &mut said {
        phrase.beside_another = !phrase.denied && phrase.elsewhere.is_some() && lands.iter().any(|land| *land != phrase.value);
    }
    said
}

/// What a prompt, given as rows of the word table, wishes for: of each kind the last one said, and every feature.
pub fn wish_of(words: &[u16]) -> Wish {
    Wish::of_words(phrases(words).iter().filter_map(SaidPhrase::value))
}

/// The same prompt under `light`, whatever it says of light, with at most `most` words.
pub fn under(words: &[u16], light: Light, most: usize) -> Vec<u16> {
    instead(words, light.kind(), rows(light.word()), most)
}

/// The same prompt with `value` in the place of whatever it says of that kind, in a phrase of captions drawn by `seed`, with at most `most` words.
pub fn saying(words: &[u16], value: impl Attribute, seed: u64, most: usize) -> Vec<u16> {
    let phrases: Vec<&str> = lexicon().phrases(value).iter().filter(|phrase| !phrase.held_out).map(|phrase| phrase.text).collect();
    instead(words, value.kind(), rows(Rng::for_purpose(seed, 8).pick(&phrases)), most)
}

/// What says a value, given by its plain word, most surely to who learned to listen from captions: that word, and others where it means more than
/// that value ("a grassy plain", "falling snow"; `trainer/EXPERIMENTS.md`, "Turned by hand").
pub fn surest(word: &'static str) -> &'static str {
    match word {
        "plain" => "full colour",
        "snow" => "snowfield",
        "clear" => "good weather",
        other => other,
    }
}

/// The one word that does.
pub(super) fn in_one_word(word: &'static str) -> &'static str {
    match word {
        "plain" => "regular",
        "clear" => word,
        other => surest(other),
    }
}

/// What a prompt says of that kind is left out, and `said` stands at its end.
pub(super) fn instead(words: &[u16], kind: &'static str, said: Vec<u16>, most: usize) -> Vec<u16> {
    let of_kind = |word: &'static str| lexicon().says(kind, word);
    let kept = phrases(words).into_iter().filter(|said| !said.value().is_some_and(of_kind)).flat_map(|said| said.words);
    kept.copied().take(most.saturating_sub(said.len())).chain(said).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::scene::Feature;
    use crate::worlds::words::{say, test_prompts, typed};

    fn wish(text: &str) -> Wish {
        wish_of(&typed(text))
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
        assert!(under_dusk("snow", 0).is_empty(), "a world without words");
    }

    #[test]
    fn a_part_is_said_anew_in_words_of_captions() {
        let said: Vec<Vec<u16>> = (0..40).map(|seed| saying(&rows("a snowy forest at night in rain"), Weather::Fog, seed, 8)).collect();
        for words in &said {
            let asked = wish_of(words);
            assert_eq!((asked.light, asked.weather), (Some(Light::Night), Some(Weather::Fog)), "{words:?}");
            assert!(words.starts_with(&rows("snowy forest night")));
        }
        assert!(said.iter().collect::<std::collections::HashSet<_>>().len() > 5, "many ways to say it");
        assert_eq!(saying(&rows("noir ruins rain"), Style::Neon, 1, 3)[..1], rows("ruins"));
    }

    #[test]
    fn what_is_denied_is_ordinary_again() {
        let clear = Wish { weather: Some(Weather::Clear), ..Wish::default() };
        for text in ["no rain", "stop the rain", "not too much fog", "without clouds", "no more falling snow"] {
            assert_eq!(wish(text), clear, "{text}");
        }
        assert_eq!(wish("not so dark, no noir"), Wish { light: Some(Light::Day), style: Some(Style::Plain), ..Wish::default() });
        assert_eq!((wish("no snow").season, wish("no daylight").light), (Some(Season::Summer), Some(Light::Night)));
        let forest = Wish { biome: Some(Biome::Forest), ..Wish::default() };
        assert_eq!([wish("a forest without ruins"), wish("no desert, a forest")], [forest.clone(), forest]);
        // Nothing is denied far ahead, and a phrase of its own is what it was.
        assert_eq!(wish("no one in the whole wide world but rain").weather, Some(Weather::Rain));
        assert_eq!(wish("without a cloud"), clear);
        assert!(wish("no").is_empty() && wish("not quickly").is_empty());
    }

    #[test]
    fn a_land_that_is_only_named_is_no_wish() {
        assert_eq!(wish("a land at night").biome, None);
        assert_eq!(wish("a fiery land").biome, Some(Biome::Volcano));
        assert_eq!(wish("a foggy place"), Wish { weather: Some(Weather::Fog), ..Wish::default() });
        assert_eq!(wish("sandy land").biome, Some(Biome::Desert), "a phrase of its own");
    }

    #[test]
    fn the_longest_phrase_wins_over_its_words() {
        let asked = wish("a meadow in falling snow with autumn colours");
        assert_eq!((asked.biome, asked.weather, asked.season), (Some(Biome::Meadow), Some(Weather::Snowfall), Some(Season::Autumn)));
        assert_eq!(wish("snow").biome, Some(Biome::Snow));
    }

    #[test]
    fn parts_of_phrases_say_nothing_by_themselves() {
        assert!(["sky", "dry", "early", "weather", "white", "blue", "wild"].iter().all(|part| wish(part).is_empty()));
        assert_eq!(wish("a dry forest"), Wish { biome: Some(Biome::Forest), ..Wish::default() });
        assert_eq!(wish("a light blue lake"), Wish { features: vec![Feature::Lake], ..Wish::default() });
        // The control: phrases do, and parts that are listed.
        assert_eq!((wish("blue sky, early morning").weather, wish("early morning").light), (Some(Weather::Clear), Some(Light::Dawn)));
        assert_eq!((wish("stars").light, wish("grass").biome), (Some(Light::Night), Some(Biome::Meadow)));
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
