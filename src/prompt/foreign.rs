//! A prompt that English does not know all of, as other languages read it.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::LazyLock;

use super::{Fate, fate_alone};
use crate::prompt::WordTable;
use crate::worlds::scene::Wish;
use crate::worlds::words::{Tongue, denies, listed, plain, said_alone, wish_of};

/// The words of a text as languages look them up.
pub(super) struct Foreign {
    words: Vec<Looked>,
}

struct Looked {
    /// As lists have it.
    plain: String,
    /// As it is written, in lower case.
    written: String,
    in_english: bool,
    /// How many words stand together from here on, with nothing but a space or a hyphen between.
    together: usize,
}

impl Foreign {
    pub(super) fn of(text: &str, spans: &[Range<usize>]) -> Self {
        let mut words: Vec<Looked> = Vec::with_capacity(spans.len());
        for (at, span) in spans.iter().enumerate().rev() {
            let word = &text[span.clone()];
            let goes_on = spans.get(at + 1).is_some_and(|next| text[span.end..next.start].chars().all(|c| c.is_whitespace() || c == '-'));
            let together = 1 + if goes_on { words.last().map_or(0, |next| next.together) } else { 0 };
            let in_english = listed(word).is_some() || fate_alone(word) != Fate::Unknown;
            words.push(Looked { plain: plain(word), written: word.to_lowercase(), in_english, together });
        }
        words.reverse();
        Self { words }
    }

    /// How many of these last words of the text are one in a language, the most there are, and what becomes of it, if they are listed there.
    pub(super) fn first(&self, tongue: &Tongue, rest: &[Range<usize>]) -> Option<(usize, Fate)> {
        self.at(tongue, self.words.len() - rest.len())
    }

    fn at(&self, tongue: &Tongue, at: usize) -> Option<(usize, Fate)> {
        let together = &self.words[at..at + self.words[at].together.min(tongue.longest())];
        (1..=together.len()).rev().find_map(|count| {
            let [word] = &together[..count] else {
                let words: Vec<&str> = together[..count].iter().map(|word| word.plain.as_str()).collect();
                return Some((count, tongue.listed(&words.join(" "))?));
            };
            Some((1, tongue.listed(&word.plain)?))
        })
    }

    /// The whole text in a language: words that are one there or that it does not know, each with what becomes of them there.
    fn pieces(&self, tongue: &Tongue) -> impl Iterator<Item = (&[Looked], Option<Fate>)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = self.words.get(at..).filter(|rest| !rest.is_empty())?;
            let (count, fate) = self.at(tongue, at).map_or((1, None), |(count, fate)| (count, Some(fate)));
            at += count;
            Some((&rest[..count], fate))
        })
    }

    /// The least is of the language that leaves the fewest words unknown; of two, that whose own words say more, or are more.
    pub(super) fn rank(&self, tongue: &Tongue) -> (usize, Reverse<usize>, Reverse<usize>) {
        let (mut unknown, mut saying, mut own) = (0, 0, 0);
        for (words, fate) in self.pieces(tongue) {
            match fate {
                Some(fate) => (saying, own) = (saying + if fate == Fate::Silent { 0 } else { words.len() }, own + words.len()),
                None => unknown += words.iter().filter(|word| !word.in_english).count(),
            }
        }
        (unknown, Reverse(saying), Reverse(own))
    }

    /// Whether the prompt is an English one with words of a language in it: it has at least as many words that only English knows as such that only the
    /// language does.
    pub(super) fn is_english_with(&self, tongue: &Tongue) -> bool {
        let (mut english, mut foreign) = (0, 0);
        for (words, fate) in self.pieces(tongue) {
            let known = words.iter().filter(|word| word.in_english).count();
            match fate {
                Some(_) => foreign += words.len() - known,
                None => english += known,
            }
        }
        english >= foreign
    }

    /// Whether the first of these words, which English does not know, is another language's in an English prompt: not one that denies in any, and not a slip of
    /// a word that captions say, if that says something else.
    pub(super) fn is_meant(&self, rest: &[Range<usize>], fate: Fate) -> bool {
        let Looked { plain, written, .. } = &self.words[self.words.len() - rest.len()];
        let denying = |fate: Fate| matches!(fate, Fate::Known(row) if denies(row));
        if Tongue::all().iter().filter_map(|tongue| tongue.listed(plain)).any(denying) {
            return false;
        }
        let meant = match fate {
            Fate::Known(row) => wish_of(&[row]),
            _ => Wish::default(),
        };
        let may_be_slip = written.is_ascii() && written.len() >= LEAST_SLIP;
        !(may_be_slip && SAID.iter().any(|(said, wish)| *wish != meant && is_slip(written, said)))
    }
}

/// The words that captions say by themselves, with what they wish for.
static SAID: LazyLock<Vec<(&str, Wish)>> =
    LazyLock::new(|| said_alone().map(|row| (WordTable::get().word(row), wish_of(&[row]))).collect());

/// Letters of the shortest word that may be a slip of another.
const LEAST_SLIP: usize = 4;

/// Whether a word is another one with a letter too many, too few or wrong, or two in the wrong order.
fn is_slip(word: &str, meant: &str) -> bool {
    let (a, b) = (word.as_bytes(), meant.as_bytes());
    let start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let end = a[start..].iter().rev().zip(b[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let [left, right] = [&a[start..a.len() - end], &b[start..b.len() - end]];
    match (left, right) {
        ([], [_]) | ([_], [] | [_]) => true,
        ([first, second], [one, two]) => first == two && second == one,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{ids, read, text_of};

    fn heard(text: &str) -> String {
        text_of(&ids(&read(text, 12)))
    }

    #[test]
    fn an_english_prompt_stays_one_whatever_name_or_slip_it_has() {
        for (text, meant) in [
            ("my son is in Reykjavik", "son"),
            ("de house by de sea", "house sea"),
            ("a nicht forest with fog", "forest fog"),
            ("a snow strom", "snow"),
            ("make it drak", ""),
            ("I see a Wald at night", "see forest night"),
            ("Sommer in Hawaii", "summer beach"),
            ("a forest kein rain", "forest rain"),
            ("a forest ohne rain", "forest rain"),
            ("Rio de Janeiro at sunset", "beach sunset"),
            ("da forest plz", "forest"),
        ] {
            assert_eq!(heard(text), meant, "{text}");
        }
        // The control: where the language has more of the words, all of them are its own, and by itself a slip is a word.
        assert_eq!(
            (heard("ein Wald am See"), heard("drak"), heard("nicht dunkel")),
            ("forest lake".to_owned(), "fiery".to_owned(), "not night".to_owned())
        );
        // What a comma parts is not said together.
        assert_eq!((heard("coucher de soleil"), heard("coucher, de soleil")), ("sunset".to_owned(), "clear".to_owned()));
    }

    #[test]
    fn a_slip_is_a_letter_or_two_in_the_wrong_order() {
        for word in ["nicht", "nght", "nigght", "inght", "nigh"] {
            assert!(is_slip(word, "night"), "{word}");
        }
        assert!(!["night", "nacht", "noche", "thing", "ni"].into_iter().any(|word| is_slip(word, "night")));
    }
}
