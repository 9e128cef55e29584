//! From what a player types to what the network is told: words of the word table.

pub mod advice;
mod fade;
mod foreign;
mod table;

use std::ops::Range;

use crate::engine::PromptWord;
pub use crate::worlds::words::{LANGUAGES, heard};
use crate::worlds::words::{Tongue, listed, longest_listed};
pub use fade::Fade;
use foreign::Foreign;
pub use table::{CHANNELS, TABLE_NAME, WordTable, closeness};

/// Words that say nothing about a place by themselves: read and left out.
const SILENT: &[&str] = &[
    "a", "an", "the", "and", "or", "of", "with", "in", "on", "at", "by", "to", "from", "into", "as", "is", "are", "it", "its", "this",
    "that", "there", "while", "i", "we", "my", "our", "some", "very", "comes", "up",
];

/// One typed word, or several that are listed together with what is heard in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Byte range in the text.
    pub range: Range<usize>,
    pub fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// This row of the word table; of what is listed by its text, what is heard in its place.
    Known(u16),
    /// In no table.
    Unknown,
    /// Says nothing by itself.
    Silent,
    /// Known, but the prompt already holds as many words as the pack takes.
    TooMany,
}

/// As typed, and as word processors set it.
const APOSTROPHES: [char; 2] = ['\'', '\u{2019}'];

/// Splits `text` into words (letters and digits, any case) and looks each up; first, the most of them that are listed together. It is read as English, as English
/// with words of another language, or in another language that knows more of its words.
pub fn read(text: &str, most_words: usize) -> Vec<Word> {
    let spans = spans(text);
    let first_in_english = |rest: &[Range<usize>]| english(text, rest, longest_listed());
    let in_english = looked_up(&spans, most_words, first_in_english);
    let unknown = |words: &[Word]| words.iter().filter(|word| word.fate == Fate::Unknown).count();
    if unknown(&in_english) == 0 {
        return in_english;
    }
    let foreign = Foreign::of(text, &spans);
    let best = Tongue::all().iter().min_by_key(|tongue| foreign.rank(tongue));
    let in_best = best.map(|tongue| {
        let is_english = foreign.is_english_with(tongue);
        let first = |rest: &[Range<usize>]| {
            if !is_english {
                return foreign.first(tongue, rest).unwrap_or_else(|| first_in_english(rest));
            }
            let in_english = first_in_english(rest);
            let meant = || foreign.first(tongue, rest).filter(|(_, fate)| foreign.is_meant(rest, *fate));
            if in_english.1 == Fate::Unknown { meant().unwrap_or(in_english) } else { in_english }
        };
        looked_up(&spans, most_words, first)
    });
    in_best.filter(|words| unknown(words) < unknown(&in_english)).unwrap_or(in_english)
}

/// Makes the lists of all languages ready, which takes a few frames' time: [`read`] else does, once it needs them.
pub fn prepare() {
    Tongue::all();
}

/// The same in English alone and without the list, each word by itself. What captions never hold is listed with what it means: an evaluation that asks
/// whether a network follows such words must not tell it.
pub fn read_unlisted(text: &str, most_words: usize) -> Vec<Word> {
    looked_up(&spans(text), most_words, |rest| english(text, rest, 0))
}

/// Looks all words of a text up: `first` says how many of these are one, and what becomes of it.
fn looked_up(spans: &[Range<usize>], most_words: usize, first: impl Fn(&[Range<usize>]) -> (usize, Fate)) -> Vec<Word> {
    let (mut words, mut known, mut rest) = (Vec::new(), 0, spans);
    while !rest.is_empty() {
        let (count, fate) = first(rest);
        let fate = match fate {
            Fate::Known(_) if known == most_words => Fate::TooMany,
            fate => fate,
        };
        known += usize::from(matches!(fate, Fate::Known(_)));
        words.push(Word { range: rest[0].start..rest[count - 1].end, fate });
        rest = &rest[count..];
    }
    words
}

/// How many of these words are one in English, of which up to `longest` are listed together, and what becomes of it.
fn english(text: &str, rest: &[Range<usize>], longest: usize) -> (usize, Fate) {
    let up_to = |count: usize| &text[rest[0].start..rest[count - 1].end];
    let together = (1..=longest.min(rest.len())).rev().find_map(|count| Some((count, listed(up_to(count))?)));
    together.unwrap_or_else(|| (1, fate_alone(up_to(1))))
}

/// Where the words of a text stand.
fn spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        // An apostrophe belongs to the word that it stands in; quotation marks begin none.
        if letter.is_alphanumeric() || (APOSTROPHES.contains(&letter) && start.is_some()) {
            start.get_or_insert(at);
        } else if let Some(from) = start.take() {
            spans.push(from..from + text[from..at].trim_end_matches(APOSTROPHES).len());
        }
    }
    spans
}

/// What becomes of a word by itself.
fn fate_alone(word: &str) -> Fate {
    let table = WordTable::get();
    let owner = || table.find(word.strip_suffix(['s', 'S'])?.strip_suffix(APOSTROPHES)?);
    match table.find(word).or_else(owner) {
        _ if SILENT.contains(&word.to_lowercase().as_str()) => Fate::Silent,
        Some(row) => Fate::Known(row),
        None => Fate::Unknown,
    }
}

/// Rows of the known words, in order.
pub fn ids(words: &[Word]) -> Vec<u16> {
    words.iter().filter_map(|w| if let Fate::Known(id) = w.fate { Some(id) } else { None }).collect()
}

/// A prompt of these words, as somebody would type it.
pub fn text_of(rows: &[u16]) -> String {
    let table = WordTable::get();
    rows.iter().map(|row| table.word(*row)).collect::<Vec<_>>().join(" ")
}

/// Words of a prompt as a network is told them, each counting in full.
pub fn told(rows: &[u16]) -> Vec<PromptWord> {
    heard(rows).into_iter().map(PromptWord::whole).collect()
}

/// The known words of `text` as a network is told them.
pub fn words_of(text: &str, most_words: usize) -> Vec<PromptWord> {
    told(&ids(&read(text, most_words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(word: &str) -> u16 {
        WordTable::get().find(word).unwrap_or_else(|| panic!("{word} is in the table"))
    }

    #[test]
    fn known_words_get_their_rows_and_unknown_ones_are_marked_where_they_stand() {
        let text = "Snow, qürz-forest; at night!";
        let words = read(text, 8);
        assert_eq!(ids(&words), [id("snow"), id("forest"), id("night")]);
        let unknown: Vec<&str> = words.iter().filter(|w| w.fate == Fate::Unknown).map(|w| &text[w.range.clone()]).collect();
        assert_eq!(unknown, ["qürz"]);
        assert_eq!(words[3].fate, Fate::Silent);
    }

    #[test]
    fn quotation_marks_and_apostrophes_hide_no_word() {
        for text in ["'snow' forest", "snow's forest", "SNOW'S FOREST", "the \u{2018}snow\u{2019} forest\u{2019}s"] {
            assert_eq!(ids(&read(text, 8)), [id("snow"), id("forest")], "{text}");
        }
        let text = "'qwrtzx's'";
        assert_eq!(read(text, 8), [Word { range: 1..9, fate: Fate::Unknown }]);
    }

    #[test]
    fn words_past_the_longest_prompt_are_told_apart_from_unknown_ones() {
        let words = read("snow forest qwrtzx night", 2);
        assert_eq!(ids(&words), [id("snow"), id("forest")]);
        assert_eq!(words[2].fate, Fate::Unknown);
        assert_eq!(words[3].fate, Fate::TooMany);
    }

    #[test]
    fn listed_words_are_read_together_and_count_once() {
        let text = "The  golden hour, an 8-bit wild west don\u{2019}t";
        let fates: Vec<(&str, Fate)> = read(text, 2).into_iter().map(|word| (&text[word.range], word.fate)).collect();
        let [sunset, handheld] = ["sunset", "handheld"].map(|word| Fate::Known(id(word)));
        assert_eq!(fates[..4], [("The", Fate::Silent), ("golden hour", sunset), ("an", Fate::Silent), ("8-bit", handheld)]);
        assert_eq!(fates[4..], [("wild west", Fate::TooMany), ("don\u{2019}t", Fate::TooMany)]);
        // Another thing is said where a comma stands between, and what says nothing is silent, though the table has it.
        assert_eq!(ids(&read("a red, sky", 8)), [id("red"), id("sky")]);
        assert_eq!(ids(&read("a nice red sky", 8)), [id("sunset")]);
        assert_eq!(ids(&read("a pirate's ship, in may it may rain", 8)), [id("coastal"), id("ship"), id("spring"), id("rain")]);
        // The control: by itself each word is what it is.
        assert_eq!(ids(&read_unlisted("a nice red sky", 8)), [id("nice"), id("red"), id("sky")]);
    }

    #[test]
    fn any_text_is_read() {
        assert!(read("  ,;  ", 4).is_empty() && read("", 4).is_empty());
        let long = "snow ".repeat(2000);
        assert_eq!(words_of(&long, 12).len(), 12);
        // Other scripts, emoji and control characters are words nobody knows, or none at all.
        let odd = read("雪の森 \u{1F332}\u{200D} \u{0007}δάσος\u{202E}", 8);
        assert!(!odd.is_empty() && odd.iter().all(|w| w.fate == Fate::Unknown));
    }

    #[test]
    fn every_word_of_captions_and_test_prompts_is_in_the_table() {
        let all = crate::worlds::words::vocabulary(false).into_iter().chain(crate::worlds::words::vocabulary(true));
        let lost: Vec<&str> = all.filter(|word| read(word, 8).iter().any(|w| w.fate == Fate::Unknown)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}
