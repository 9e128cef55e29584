//! Reads `lexicon.txt`, the phrases of captions.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::worlds::AssetError;
use crate::worlds::scene::Attribute;

/// How a phrase fits into a sentence. All fit into a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// May come with its article and takes adjectives: "a forest".
    Noun,
    /// Goes before the land: "rainy".
    Adjective,
    /// Goes after the land: "in the rain".
    Clause,
}

impl Form {
    pub const ALL: &[Form] = &[Form::Noun, Form::Adjective, Form::Clause];
}

#[derive(Clone, Copy, Debug)]
pub struct Phrase {
    pub text: &'static str,
    pub form: Form,
    /// Kept from all captions of clips.
    pub held_out: bool,
}

/// A value by its kind and its plain word.
type Value = (&'static str, &'static str);

pub struct Lexicon {
    phrases: HashMap<Value, Vec<Phrase>>,
    elsewhere: HashMap<(&'static str, Form), &'static str>,
}

/// The lexicon, made at first use.
pub fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    // The phrases are part of the program and tests parse them: this cannot fail in a build that passed its tests, and a program without them would
    // understand nothing.
    LEXICON.get_or_init(|| Lexicon::parse(include_str!("lexicon.txt")).unwrap_or_else(|e| unreachable!("{e}")))
}

impl Lexicon {
    fn parse(text: &'static str) -> Result<Self, AssetError> {
        let mut lexicon = Self { phrases: HashMap::new(), elsewhere: HashMap::new() };
        let mut current: Option<Value> = None;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let at = |what: &str| AssetError::at("lexicon.txt", number + 1, what);
            let Some(line) = line.strip_prefix("  ") else {
                current = Some(line.split_once(' ').ok_or_else(|| at("a kind and a value belong here"))?);
                continue;
            };
            let value = current.ok_or_else(|| at("nothing says what these phrases say"))?;
            let stripped = |prefix: &str| line.strip_prefix(prefix).map_or((line, false), |line| (line, true));
            let ((rest, held_out), (other, elsewhere)) = (stripped("held out "), stripped("elsewhere "));
            let line = if elsewhere { other } else { rest };
            let (form, texts) = line.split_once(' ').ok_or_else(|| at("a form and phrases belong here"))?;
            let form = match form {
                "noun" => Form::Noun,
                "adjective" => Form::Adjective,
                "clause" => Form::Clause,
                _ => return Err(at("neither noun, adjective nor clause")),
            };
            if elsewhere {
                lexicon.elsewhere.insert((value.1, form), texts);
            } else {
                let phrases = texts.split(", ").map(|text| Phrase { text, form, held_out });
                lexicon.phrases.entry(value).or_default().extend(phrases);
            }
        }
        Ok(lexicon)
    }

    /// All phrases that say so.
    pub fn phrases(&self, value: impl Attribute) -> &[Phrase] {
        self.phrases.get(&(value.kind(), value.word())).map_or(&[], Vec::as_slice)
    }

    /// All phrases that say the value of this plain word; no two values share one.
    pub fn phrases_of<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a Phrase> {
        self.phrases.iter().filter(move |((_, value), _)| *value == word).flat_map(|(_, phrases)| phrases)
    }

    /// Whether this is the plain word of a value of that kind.
    pub fn says(&self, kind: &'static str, word: &'static str) -> bool {
        self.phrases.contains_key(&(kind, word))
    }

    /// What phrases of this form that say `value`, a land, say beside a noun of another land; `None` where they say that land all the same.
    pub fn elsewhere(&self, value: &'static str, form: Form) -> Option<&'static str> {
        self.elsewhere.get(&(value, form)).copied()
    }

    pub fn all(&self) -> impl Iterator<Item = &Phrase> {
        self.phrases.values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::scene::{Biome, Feature, Light, Season, Style, Weather};
    use crate::worlds::words::vocabulary;

    #[test]
    fn every_value_has_phrases_said_and_held_out() {
        fn check<T: Attribute>(all: &[T]) {
            for &value in all {
                let (held_out, said): (Vec<&Phrase>, Vec<&Phrase>) = lexicon().phrases(value).iter().partition(|phrase| phrase.held_out);
                assert!(!held_out.is_empty() && said.len() >= 3, "{} {}", value.kind(), value.word());
            }
        }
        check(Biome::ALL);
        check(Light::ALL);
        check(Weather::ALL);
        check(Season::ALL);
        check(Style::ALL);
        check(Feature::ALL);
        let values = [Biome::ALL.len(), Light::ALL.len(), Weather::ALL.len(), Season::ALL.len(), Style::ALL.len(), Feature::ALL.len()];
        assert_eq!(lexicon().phrases.len(), values.iter().sum::<usize>(), "phrases for what there is not");
    }

    #[test]
    fn phrases_are_plain_and_those_held_out_have_a_word_of_their_own() {
        let unseen = vocabulary(true);
        for phrase in lexicon().all() {
            assert!(phrase.text.bytes().all(|b| b.is_ascii_lowercase() || b == b' '), "{:?}", phrase.text);
            assert_eq!(phrase.text.split(' ').any(|word| unseen.contains(&word)), phrase.held_out, "{:?}", phrase.text);
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        let said = |text: &'static str| Lexicon::parse(text).err().unwrap().to_string();
        assert!(said("biome meadow\n  verb to mow").contains("line 2: neither noun"));
        assert!(said("  noun a meadow").contains("line 1: nothing says"));
        assert!(said("biome meadow\n  elsewhere summer").contains("line 2: a form"));
        assert!(said("biome").contains("line 1: a kind"));
    }
}
