//! How a network that knows the captions' words hears other ones.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::lexicon::lexicon;
use super::wished::{SaidPhrase, in_one_word, phrases, surest};
use super::{bare, nearest, rows, vocabulary};
use crate::prompt::{Fate, WordTable, read_unlisted};
use crate::worlds::scene::Wish;

/// A word of captions that names a land and says nothing of it.
const NOTHING: &str = "land";
/// What stands in `meant.txt` before what is not told at all.
const UNTOLD: &str = "nothing";

/// Rows of the words that captions hold.
static SAID: LazyLock<BTreeSet<u16>> = LazyLock::new(|| vocabulary(false).iter().filter_map(|word| WordTable::get().find(word)).collect());

/// Rows of those among them that are a phrase by themselves.
static ALONE: LazyLock<BTreeSet<u16>> = LazyLock::new(|| {
    let phrases = lexicon().all().filter(|phrase| !phrase.held_out);
    phrases.filter_map(|phrase| <[u16; 1]>::try_from(rows(phrase.text)).ok()).map(|[row]| row).collect()
});

/// What people like to say and captions do not, with what is heard in its place: what `meant.txt` lists, and those phrases of the lexicon
/// that are held out.
struct Listed {
    /// Words of the word table, both by their rows: phrases of captions come first ("a burning mountain"), and other forms are heard alike.
    by_row: HashMap<u16, u16>,
    /// The rest by its text: words that are in no table or say nothing, several words together, and words that are held out, which an
    /// evaluation's prompts have by their rows.
    by_text: HashMap<&'static str, Fate>,
    /// Words of the longest text.
    longest: usize,
}

static LISTED: LazyLock<Listed> = LazyLock::new(|| {
    let (table, kept) = (WordTable::get(), vocabulary(true));
    let (mut by_row, mut by_text) = (HashMap::new(), HashMap::new());
    for (text, fate) in entries(include_str!("meant.txt")) {
        let row = table.find(text).filter(|row| table.word(*row) == text && !kept.contains(&text));
        match (row, fate) {
            (Some(row), Fate::Known(heard)) => _ = by_row.insert(row, heard),
            (_, fate) => _ = by_text.insert(text, fate),
        }
    }
    for value in Wish::words() {
        let Some(heard) = table.find(in_one_word(value)) else { continue };
        for phrase in lexicon().phrases_of(value).filter(|phrase| phrase.held_out) {
            // With the words that say nothing before it, and without: "in may" is spring, and "it may rain" is not.
            let whole = bare(phrase.text);
            let first = read_unlisted(whole, usize::MAX).into_iter().find(|word| word.fate != Fate::Silent);
            for text in [whole, &whole[first.map_or(0, |word| word.range.start)..]] {
                by_text.entry(text).or_insert(Fate::Known(heard));
            }
        }
    }
    let longest = by_text.keys().map(|text| text.split(' ').count()).max().unwrap_or_default();
    Listed { by_row, by_text, longest }
});

/// The texts of a list, each with what becomes of it.
pub(super) fn entries(list: &'static str) -> impl Iterator<Item = (&'static str, Fate)> {
    let lines = list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    lines.flat_map(|(heard, said)| {
        let heard = Some(heard).filter(|heard| *heard != UNTOLD).and_then(|heard| WordTable::get().find(heard));
        said.split(", ").map(move |text| (text, heard.map_or(Fate::Silent, Fate::Known)))
    })
}

/// A text in lower case, with a space between its words.
pub(super) fn in_spaced_words(text: &str) -> String {
    let text = text.to_lowercase().replace('\u{2019}', "'");
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter == '-').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// What becomes of a word, or of several together, where they are listed by their text, in any case.
pub fn listed(text: &str) -> Option<Fate> {
    let text = in_spaced_words(text);
    let of = |text: &str| LISTED.by_text.get(text).copied();
    of(text.as_str()).or_else(|| of(text.strip_suffix("'s")?))
}

/// The most words that are listed together.
pub fn longest_listed() -> usize {
    LISTED.longest
}

/// The row of what is heard in the place of the word of a row, where that is listed.
pub(super) fn meant_by(row: u16) -> Option<u16> {
    LISTED.by_row.get(&row).copied()
}

/// Whether captions hold the word of a row and never say it by itself.
pub(super) fn is_part_of_phrases(row: u16) -> bool {
    SAID.contains(&row) && !ALONE.contains(&row)
}

/// Rows of the words that captions say by themselves.
pub fn said_alone() -> impl Iterator<Item = u16> {
    ALONE.iter().copied()
}

/// The rows of the word table that a network trained on captions is told in place of those of a prompt, one for each. No caption names two lands:
/// beside a noun of one, words of another are heard as what they say there ("a snowy forest": "a winter forest").
pub fn heard(words: &[u16]) -> Vec<u16> {
    phrases(words).iter().flat_map(rows_for).collect()
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
    use crate::prompt::{read, text_of};
    use crate::worlds::scene::{Biome, Feature};
    use crate::worlds::words::{NEAR, say, test_prompts, typed, wish_of};

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
        let told = |text: &str| text_of(&heard(&typed(text)));
        assert_eq!(told("Christmas at a waterfall, a warm evening"), "snowfield lake summer evening");
        assert_eq!(told("a burning mountain"), "burning mountain", "in a phrase of captions it is what it was");
        assert_eq!(told("a mountain"), "rocks");
        assert_eq!(wish_of(&typed("clouds over a haunted castle")).features, [Feature::Ruins]);
        // Things bring no second land, praise no colours, and what is denied is not so.
        assert_eq!((told("a dragon"), told("a dragon in a forest")), ("fiery".to_owned(), "lava forest".to_owned()));
        assert_eq!(told("a beautiful new forest, no colour"), "forest noir");
        assert_eq!(told("don\u{2019}t let it rain"), "good weather");
        // Each is listed once, and no caption says it by itself.
        let table = WordTable::get();
        let lines = include_str!("meant.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let mut seen = BTreeSet::new();
        for (heard, said) in lines.map(|line| line.split_once(": ").unwrap()) {
            let row = table.find(heard).unwrap_or_else(|| panic!("{heard} is in the table"));
            assert!([UNTOLD, "not"].contains(&heard) || ALONE.contains(&row) && meant_by(row).is_none(), "{heard}");
            for text in said.split(", ") {
                assert!(seen.insert(text), "{text} stands twice");
                assert!(ALONE.iter().all(|row| table.word(*row) != text), "{text}");
                assert!(listed(text).is_some() || table.find(text).and_then(meant_by) == Some(row), "{text} is not heard");
            }
        }
    }

    #[test]
    fn phrases_that_no_caption_holds_are_heard_as_what_they_mean_and_not_by_evaluation() {
        let phrases: Vec<(&str, &str)> = Wish::words()
            .into_iter()
            .flat_map(|value| lexicon().phrases_of(value).filter(|phrase| phrase.held_out).map(move |phrase| (value, phrase.text)))
            .collect();
        let right = |read: fn(&str) -> Vec<u16>| {
            phrases.iter().filter(|(value, text)| wish_of(&heard(&read(text))) == Wish::of_words([*value])).count()
        };
        assert_eq!(right(typed), phrases.len());
        assert!(right(rows) * 10 < phrases.len() * 8, "{} of {} by their words alone", right(rows), phrases.len());
        // Nor is evaluation helped by what is listed with a word of theirs.
        let table = WordTable::get();
        assert!(vocabulary(true).into_iter().filter_map(|word| table.find(word)).all(|row| meant_by(row).is_none()));
        assert!(!typed("electric").is_empty() && heard(&typed("electric")) != heard(&rows("electric")));
    }

    /// What captions say is heard as it was said: networks were trained on their words.
    #[test]
    fn captions_are_heard_as_they_are() {
        for seed in 0..600 {
            let text = say(&Wish::drawn(seed), seed, false);
            let words = rows(&text);
            assert_eq!((heard(&words), typed(&text)), (words.clone(), words), "{text}");
            assert_eq!(read(&text, 12), read_unlisted(&text, 12), "{text}");
        }
        assert!(vocabulary(false).into_iter().all(|word| listed(word).is_none()));
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
