//! What is known about each word in the prompt field, worked out when the text changes.

use std::collections::HashMap;

use crate::prompt::{self, Fate, Word, WordTable, advice};
use crate::worlds::words::Tongue;

/// Neighbours named for a word in doubt.
const NEIGHBOURS: usize = 3;

/// Letters of a word that are quoted.
const MOST_QUOTED: usize = 24;

/// How a word is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    Plain,
    /// The word of captions that stands for it: it is in none, or names another land than the rest.
    Heard(&'static str),
    /// In no table; words spelt like it, none where it has no English letter.
    Unknown(Vec<&'static str>),
    /// Far from all that captions say; the nearest of their words.
    Far(Vec<&'static str>),
    /// Past the longest prompt.
    TooMany,
}

impl Mark {
    /// What to tell about `word`.
    pub fn advice(&self, word: &str) -> Option<String> {
        let (said, near) = self.verdict(word);
        if said.is_empty() { None } else { Some(format!("{said} {}", near.join(", ")).trim_end().to_owned()) }
    }

    /// The same in two parts: a sentence, empty where there is nothing to tell, and the words it ends with.
    pub fn verdict(&self, word: &str) -> (String, &[&'static str]) {
        let cut = word.char_indices().nth(MOST_QUOTED).map_or(word.len(), |(at, _)| at);
        let word = if cut == word.len() { word.to_owned() } else { format!("{}...", &word[..cut]) };
        match self {
            Self::Plain => (String::new(), &[]),
            Self::Heard(other) => (format!("{word}: heard as"), std::slice::from_ref(other)),
            Self::Unknown(near) if near.is_empty() => {
                (format!("{word}: not known, in English or {} more languages.", Tongue::all().len()), &[])
            }
            Self::Unknown(near) => (format!("{word}: not known. Spelt like it:"), near),
            Self::Far(near) => (format!("{word}: hardly changes anything here. Nearest in meaning:"), near),
            Self::TooMany => (format!("{word}: past the longest prompt, it does not count."), &[]),
        }
    }
}

/// The words of one text.
#[derive(Debug, Default)]
pub struct Marks {
    text: String,
    most_words: usize,
    words: Vec<(Word, Mark)>,
}

impl Marks {
    /// The words of `text` where a prompt has at most `most_words`.
    pub fn of(&mut self, text: &str, most_words: usize) -> &[(Word, Mark)] {
        if self.text != text || self.most_words != most_words {
            let words = prompt::read(text, most_words);
            let before = std::mem::replace(&mut self.text, text.to_owned());
            self.most_words = most_words;
            // Looking through the whole table takes milliseconds, and of what is typed one word changes.
            let doubted = std::mem::take(&mut self.words).into_iter().filter(|(_, mark)| matches!(mark, Mark::Unknown(_)));
            let doubted: HashMap<&str, Mark> = doubted.map(|(word, mark)| (&before[word.range], mark)).collect();
            let mut heard = prompt::heard(&prompt::ids(&words)).into_iter();
            let mut mark = |word: &Word| match word.fate {
                Fate::Known(id) => known(WordTable::get().find(&text[word.range.clone()]), heard.next().unwrap_or(id)),
                Fate::Unknown => {
                    let word = &text[word.range.clone()];
                    doubted.get(word).cloned().unwrap_or_else(|| Mark::Unknown(advice::near_in_spelling(word, NEIGHBOURS)))
                }
                Fate::TooMany => Mark::TooMany,
                Fate::Silent => Mark::Plain,
            };
            self.words = words.into_iter().map(|word| (word.clone(), mark(&word))).collect();
        }
        &self.words
    }

    /// What is told in place of the words of `text`, where it is not those themselves.
    pub fn heard(&mut self, text: &str, most_words: usize) -> Option<String> {
        let words = self.of(text, most_words);
        if !words.iter().any(|(_, mark)| matches!(mark, Mark::Heard(_))) {
            return None;
        }
        let told = words.iter().filter_map(|(word, mark)| match (word.fate, mark) {
            (Fate::Known(_), Mark::Heard(other)) => Some(*other),
            (Fate::Known(row), _) => Some(WordTable::get().word(row)),
            _ => None,
        });
        let mut told: Vec<&str> = told.collect();
        // Each word of what is denied is told as the same.
        told.dedup();
        Some(told.join(" "))
    }
}

/// A word that is told as `heard`; `row`: its own, if it is in the table.
fn known(row: Option<u16>, heard: u16) -> Mark {
    match row {
        Some(row) if row == heard && advice::is_far(row) => Mark::Far(advice::near_in_meaning(row, NEIGHBOURS)),
        Some(row) if row == heard => Mark::Plain,
        _ => Mark::Heard(WordTable::get().word(heard)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_is_told_where_it_is_not_what_was_said() {
        let mut marks = Marks::default();
        let mut heard = |text: &str, most: usize| marks.heard(text, most);
        assert_eq!(heard("a castle in snow", 8).as_deref(), Some("ruins snow"));
        assert_eq!(heard("Christmas, qwrtzx fog", 8).as_deref(), Some("snowfield fog"));
        assert_eq!(heard("not so dark", 8).as_deref(), Some("day"));
        assert_eq!(heard("a castle in snow", 1).as_deref(), Some("ruins"), "what is past the longest prompt is not heard");
        assert_eq!([heard("snow, night", 8), heard("qwrtzx", 8), heard("", 8)], [None, None, None]);
    }

    #[test]
    fn every_doubt_is_explained() {
        let mut marks = Marks::default();
        let text = "a forrest of presidents, snow night";
        let said: Vec<Option<String>> = marks.of(text, 3).iter().map(|(word, mark)| mark.advice(&text[word.range.clone()])).collect();
        assert_eq!(said.len(), 6);
        assert!(said[1].as_ref().is_some_and(|s| s.starts_with("forrest: not known") && s.contains("forest")), "{said:?}");
        assert!(said[3].as_ref().is_some_and(|s| s.contains("hardly")), "{said:?}");
        assert_eq!([&said[0], &said[2], &said[4]], [&None, &None, &None]);
        assert!(said[5].is_none(), "three words count: presidents, snow, night");
        assert!(matches!(marks.of(text, 2)[5].1, Mark::TooMany));
        let said = |marks: &mut Marks, text: &str| marks.of(text, 3)[0].1.advice(text).unwrap();
        assert_eq!(said(&mut marks, "glacier"), "glacier: heard as snowfield");
        assert_eq!(said(&mut marks, "Golden hour"), "Golden hour: heard as sunset", "together");
        let told = marks.of("snowy forest", 3).iter().map(|(_, mark)| mark.clone()).collect::<Vec<_>>();
        assert_eq!(told, [Mark::Heard("winter"), Mark::Plain]);
        assert_eq!(said(&mut marks, "Christmas"), "Christmas: heard as snowfield", "in no table, but listed");
        assert!(said(&mut marks, "\u{96EA}\u{306E}").ends_with(&format!("{} more languages.", Tongue::all().len())));
        assert_eq!(marks.heard("Wald bei Nacht", 8).as_deref(), Some("forest night"));
        assert!(said(&mut marks, &"x".repeat(400)).len() < 100, "a long word is cut");
        assert!(marks.of("", 3).is_empty());
    }
}
