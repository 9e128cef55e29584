//! How a network that knows the captions' words hears other ones.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::lexicon::lexicon;
use super::wished::{SaidPhrase, phrases_told, surest};
use super::{nearest, rows, vocabulary};
use crate::prompt::WordTable;

/// A word of captions that names a land and says nothing of it.
const NOTHING: &str = "land";

/// Rows of the words that captions hold.
static SAID: LazyLock<BTreeSet<u16>> = LazyLock::new(|| vocabulary(false).iter().filter_map(|word| WordTable::get().find(word)).collect());

/// Rows of those among them that are a phrase by themselves.
static ALONE: LazyLock<BTreeSet<u16>> = LazyLock::new(|| {
    let phrases = lexicon().all().filter(|phrase| !phrase.held_out);
    phrases.filter_map(|phrase| <[u16; 1]>::try_from(rows(phrase.text)).ok()).map(|[row]| row).collect()
});

/// Words that people like to say, as `meant.txt` lists them, with the row of the word that is heard in their place.
static MEANT: LazyLock<HashMap<&str, u16>> = LazyLock::new(|| {
    let lines = include_str!("meant.txt").lines().filter(|line| !line.starts_with('#'));
    let listed = lines.filter_map(|line| line.split_once(": ")).filter_map(|(heard, said)| Some((WordTable::get().find(heard)?, said)));
    listed.flat_map(|(row, said)| said.split(", ").map(move |word| (word, row))).collect()
});

/// The same by their own rows, where they have any.
static MEANT_BY_ROW: LazyLock<HashMap<u16, u16>> =
    LazyLock::new(|| MEANT.iter().filter_map(|(word, row)| Some((WordTable::get().find(word)?, *row))).collect());

/// The row of what is heard in the place of a word, in any case, that people like to say; it need not be in the word table.
pub fn meant(word: &str) -> Option<u16> {
    MEANT.get(word.to_lowercase().as_str()).copied()
}

/// The same for the word of a row.
pub(super) fn meant_by(row: u16) -> Option<u16> {
    MEANT_BY_ROW.get(&row).copied()
}

/// The rows of the word table that a network trained on captions is told in place of those of a prompt, one for each. No caption names two lands:
/// beside a noun of one, words of another are heard as what they say there ("a snowy forest": "a winter forest").
pub fn heard(words: &[u16]) -> Vec<u16> {
    phrases_told(words).iter().flat_map(rows_for).collect()
}

/// The rows told in place of a phrase's, one for each. What is denied is told as what is so instead, and where nothing is, as what says nothing.
fn rows_for(said: &SaidPhrase) -> Vec<u16> {
    if said.denied {
        let instead = rows(said.value().map_or(NOTHING, surest));
        return (0..said.words.len()).filter_map(|at| instead.get(at.min(instead.len() - 1)).copied()).collect();
    }
    let meant = said.words.first().filter(|_| said.words.len() == 1).and_then(|word| meant_by(*word));
    let other = said.value().filter(|_| said.beside_another).and_then(|value| rows(value).first().copied());
    said.words.iter().map(|word| other.or(meant).unwrap_or_else(|| heard_alone(*word))).collect()
}

/// The row that is told in place of `row` by meaning alone: of a word that no caption holds, the nearest one that captions say by itself ("glacier":
/// "iceberg"). What is near none, and what is not in the table, is told as it is.
fn heard_alone(row: u16) -> u16 {
    if usize::from(row) >= WordTable::get().len() || SAID.contains(&row) {
        return row;
    }
    nearest(row, ALONE.iter().map(|said| (*said, *said))).unwrap_or(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::text_of;
    use crate::worlds::scene::{Biome, Feature, Wish};
    use crate::worlds::words::{NEAR, say, test_prompts, wish_of};

    fn told(text: &str) -> String {
        text_of(&heard(&rows(text)))
    }

    #[test]
    fn words_beyond_the_captions_are_heard_as_the_nearest_of_theirs() {
        let table = WordTable::get();
        let row = |word: &str| table.find(word).unwrap();
        let heard_alone = |row: u16| heard(&[row])[0];
        let heard = |word: &str| table.word(heard_alone(row(word)));
        assert_eq!((heard("glacier"), heard("twilight"), heard("woodland")), ("iceberg", "dusk", "forest"));
        for same in ["snow", "meadow", "after", "president", "quickly"] {
            assert_eq!(heard(same), same, "a word of captions, or near none");
        }
        assert_eq!(heard_alone(u16::MAX), u16::MAX);
        // No held-out word is among those that are told; most mean to a simulator what they are heard as.
        let kept: BTreeSet<u16> = vocabulary(true).iter().filter_map(|word| table.find(word)).collect();
        let other: Vec<u16> = (0..table.len() as u16).filter(|row| heard_alone(*row) != *row).collect();
        assert!(other.iter().all(|row| !kept.contains(&heard_alone(*row))));
        let alike = other.iter().filter(|row| wish_of(&[**row]) == wish_of(&[heard_alone(**row)])).count();
        assert!(other.len() > 500 && alike * 10 >= other.len() * 8, "{alike} of {}", other.len());
        assert!(other.iter().all(|row| heard_alone(heard_alone(*row)) == heard_alone(*row)));
    }

    #[test]
    fn beside_the_noun_of_a_land_words_of_another_say_something_else() {
        assert_eq!(told("a snowy forest at night"), "winter forest night");
        assert_eq!(told("an icy beach, frost"), "winter beach winter");
        assert_eq!(told("a volcano in the snow"), "volcano winter");
        assert_eq!(told("a lush wooded swamp"), "summer trees swamp");
        assert_eq!(told("a fiery jungle"), "lava forest");
        // What names no other land says what it says.
        for same in ["snowy village night", "snow ice", "muddy land", "lush muddy land", "dusty desert cactus", "forest sea", "forest rain"]
        {
            assert_eq!(told(same), same);
        }
        // A simulator understands the same.
        for text in ["a snowy forest", "a fiery jungle", "forest, snow", "a green sea of ice"] {
            assert_eq!(wish_of(&rows(text)), wish_of(&heard(&rows(text))), "{text}");
            assert!(wish_of(&rows(text)).biome != Some(Biome::Snow), "{text}");
        }
        assert_eq!(heard(&[u16::MAX]), [u16::MAX]);
    }

    #[test]
    fn what_is_denied_is_told_as_what_is_so_instead() {
        assert_eq!(told("a forest, no rain, not so dark"), "forest good weather day day day");
        assert_eq!(told("a snowy forest without trees"), "winter forest land land");
        assert_eq!(told("no noir"), "full colour");
        // Also what no caption says by that word, and whether or not evaluation asks for it.
        assert_eq!((told("not a cloud"), told("a beach without a cloud")), ("good weather".to_owned(), "beach good weather".to_owned()));
        assert_eq!((told("no blizzard"), told("without a glacier")), ("good weather".to_owned(), "summer summer".to_owned()));
        assert_eq!(told("not quickly"), "not quickly");
    }

    #[test]
    fn what_people_like_to_say_is_heard_as_what_captions_do() {
        assert_eq!(told("Christmas at a waterfall, a warm evening"), "snow lake summer evening");
        assert_eq!(told("a burning mountain"), "burning mountain", "in a phrase of captions it is what it was");
        assert_eq!(told("a mountain"), "rocks");
        assert_eq!(wish_of(&rows("clouds over a haunted castle")).features, [Feature::Ruins]);
        // Each is listed once, and no caption says it by itself; what evaluation asks for is not helped.
        let kept = vocabulary(true);
        let lines = include_str!("meant.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut listed = BTreeSet::new();
        for (heard, said) in lines.map(|line| line.split_once(": ").unwrap()) {
            let heard = WordTable::get().find(heard).unwrap_or_else(|| panic!("{heard} is in the table"));
            assert!(ALONE.contains(&heard) && !MEANT_BY_ROW.contains_key(&heard), "{}", WordTable::get().word(heard));
            for word in said.split(", ") {
                assert!(listed.insert(word), "{word} stands twice");
                assert!(!kept.contains(&word) && WordTable::get().find(word).is_none_or(|row| !ALONE.contains(&row)), "{word}");
            }
        }
        assert_eq!(listed.len(), MEANT.len());
    }

    /// What captions say is heard as it was said: networks were trained on their words.
    #[test]
    fn captions_are_heard_as_they_are() {
        for seed in 0..600 {
            let words = rows(&say(&Wish::drawn(seed), seed, false));
            assert_eq!(heard(&words), words, "{seed}");
        }
        // Those of the evaluation are heard by words of captions alone, as far as those are near any.
        for prompt in test_prompts() {
            let odd: Vec<u16> = heard(&rows(&prompt.text)).into_iter().filter(|row| heard_alone(*row) != *row).collect();
            assert!(odd.is_empty(), "{}: {}", prompt.text, text_of(&odd));
        }
    }

    /// Of the words that captions say by themselves, how many mean the same to who never heard them, nor any form of them.
    #[test]
    fn words_are_understood_by_their_neighbours() {
        let table = WordTable::get();
        let stem = |row: u16, of: u16| table.word(row).chars().take(table.word(of).len().saturating_sub(3).max(4)).collect::<String>();
        let right = |heard: &dyn Fn(u16, &[u16]) -> Option<u16>| {
            let understood = ALONE.iter().filter(|&&word| {
                let others: Vec<u16> = ALONE.iter().copied().filter(|&other| stem(other, word) != stem(word, word)).collect();
                heard(word, &others).is_some_and(|other| wish_of(&[other]) == wish_of(&[word]))
            });
            understood.count() * 100 / ALONE.len()
        };
        let heard = right(&|word, others| nearest(word, others.iter().map(|other| (*other, *other))));
        let by_vectors = right(&|word, others| {
            let close = others.iter().map(|other| (table.closeness(word, *other), *other)).filter(|(closeness, _)| *closeness >= NEAR);
            close.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, other)| other)
        });
        let by_any = right(&|word, others| others.get(usize::from(word) % others.len()).copied());
        assert!(heard >= by_vectors + 8 && by_any < 20, "{heard} %, by vectors alone {by_vectors} %, by any word {by_any} %");
    }
}
