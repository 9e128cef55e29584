//! What can be said to somebody about a word of a prompt: how far it is from what captions say, and which words are near.

use std::sync::LazyLock;

use super::{Fate, WordTable, read};
use crate::worlds::words::vocabulary;

/// A word less close than this to all words of captions hardly changes a dream: "castle" is 0.45 from "village", "dragon" 0.32 from "blue".
const FAR: f32 = 0.4;

/// Words of captions that say something, by their rows.
static SAID: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let fates = vocabulary(false).into_iter().flat_map(|word| read(word, 1)).map(|word| word.fate);
    fates.filter_map(|fate| if let Fate::Known(id) = fate { Some(id) } else { None }).collect()
});

/// Whether a word of the table is far from everything captions say.
pub fn is_far(id: u16) -> bool {
    let table = WordTable::get();
    SAID.iter().all(|&said| table.closeness(id, said) < FAR)
}

/// The words of captions nearest in meaning, the nearest first.
pub fn near_in_meaning(id: u16, count: usize) -> Vec<&'static str> {
    let table = WordTable::get();
    let mut near: Vec<(f32, &str)> = SAID.iter().map(|&said| (table.closeness(id, said), table.word(said))).collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    near.dedup();
    near.into_iter().take(count).map(|(_, word)| word).collect()
}

/// The words of the table spelt most like `word`; none where it has no English letter.
pub fn near_in_spelling(word: &str, count: usize) -> Vec<&'static str> {
    if !word.contains(|letter: char| letter.is_ascii_alphabetic()) {
        return Vec::new();
    }
    let table = WordTable::get();
    // No word of the table is longer: the rest only adds to all distances alike.
    let word: String = word.chars().take(40).collect();
    let rows = 0..u16::try_from(table.len()).unwrap_or(u16::MAX);
    table.spelt_like(&word, rows.map(|row| table.word(row)), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(word: &str) -> u16 {
        WordTable::get().find(word).unwrap_or_else(|| panic!("{word} is in the table"))
    }

    #[test]
    fn words_are_far_or_near() {
        for near in ["snow", "tundra", "midnight", "castle", "storm", "tulip", "movie"] {
            assert!(!is_far(id(near)), "{near}");
        }
        for far in ["president", "money", "politics", "quickly"] {
            assert!(is_far(id(far)), "{far}");
        }
        assert!(near_in_meaning(id("tundra"), 3).iter().any(|word| ["ice", "snow", "wintry"].contains(word)));
        assert_eq!(near_in_spelling("forrest", 1), ["forest"]);
        assert_eq!(near_in_spelling(&"x".repeat(3000), 2).len(), 2);
        assert!(near_in_spelling("\u{96EA}\u{306E}", 3).is_empty() && near_in_spelling("42", 3).is_empty());
    }
}
