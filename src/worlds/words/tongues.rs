//! Other languages than English, each as a list of words and what is heard in their place, in the form of `meant.txt`.
//!
//! A prompt is read in the language that leaves the fewest of its words unknown (`prompt::read`), so a list has plain words as well, articles and
//! prepositions: they tell whose word *see* is.

use std::collections::HashMap;
use std::sync::LazyLock;

use deunicode::deunicode_char;

use super::heard::{entries, in_spaced_words};
use crate::prompt::Fate;

/// What prompts may be in.
pub const LANGUAGES: &str = "English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish, Danish, Norwegian, Czech, Turkish, Ukrainian or Russian";

const LISTS: &[&str] = &[
    include_str!("tongues/german.txt"),
    include_str!("tongues/french.txt"),
    include_str!("tongues/spanish.txt"),
    include_str!("tongues/italian.txt"),
    include_str!("tongues/portuguese.txt"),
    include_str!("tongues/dutch.txt"),
    include_str!("tongues/polish.txt"),
    include_str!("tongues/swedish.txt"),
    include_str!("tongues/danish.txt"),
    include_str!("tongues/norwegian.txt"),
    include_str!("tongues/czech.txt"),
    include_str!("tongues/turkish.txt"),
    include_str!("tongues/ukrainian.txt"),
    include_str!("tongues/russian.txt"),
];

static TONGUES: LazyLock<Vec<Tongue>> = LazyLock::new(|| LISTS.iter().map(|list| Tongue::of(list)).collect());

/// What French and Italian words are joined to by an apostrophe.
const ELIDED: &[&str] = &["l", "d", "j", "m", "n", "s", "c", "qu", "un", "all", "dall", "dell", "nell", "sull", "quell", "bell"];

/// Past the letters of Latin script, and the marks that they are combined with.
const PAST_LATIN: char = '\u{370}';

/// The umlauts and rings that are typed as two letters where a keyboard has none.
const IN_TWO_LETTERS: &[(char, &str)] = &[('\u{E4}', "ae"), ('\u{F6}', "oe"), ('\u{FC}', "ue"), ('\u{E5}', "aa"), ('\u{F8}', "oe")];

/// A language.
pub struct Tongue {
    /// What becomes of a text, as [`plain`] has it.
    by_text: HashMap<String, Fate>,
    longest: usize,
}

impl Tongue {
    pub fn all() -> &'static [Self] {
        &TONGUES
    }

    fn of(list: &'static str) -> Self {
        let mut by_text = HashMap::new();
        for (text, fate) in entries(list) {
            let in_two = IN_TWO_LETTERS.iter().fold(text.to_owned(), |text, (letter, two)| text.replace(*letter, two));
            by_text.extend([text, in_two.as_str()].map(|text| (plain(text), fate)));
        }
        let longest = by_text.keys().map(|text| text.split(' ').count()).max().unwrap_or_default();
        Self { by_text, longest }
    }

    /// What becomes of a word, or of several together, as [`plain`] has them, where they are listed.
    pub fn listed(&self, plain: &str) -> Option<Fate> {
        self.by_text.get(plain).copied()
    }

    /// The most words that are listed together.
    pub fn longest(&self) -> usize {
        self.longest
    }
}

/// A text as it is looked up: in lower case, without accents, and without what its words are joined to by an apostrophe.
pub fn plain(text: &str) -> String {
    let text = in_spaced_words(text);
    let words = text.split(' ').map(|word| match word.split_once('\'') {
        Some((article, noun)) if ELIDED.contains(&article) => noun,
        _ => word,
    });
    words.map(without_accents).collect::<Vec<_>>().join(" ")
}

/// Letters of Latin script as ASCII has them; those of others stay.
fn without_accents(word: &str) -> String {
    let mut plain = String::with_capacity(word.len());
    for letter in word.chars() {
        match deunicode_char(letter).filter(|_| letter < PAST_LATIN) {
            Some(ascii) => plain.push_str(ascii),
            None => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::prompt::{WordTable, ids, read, text_of};
    use crate::worlds::words::heard::said_alone;
    use crate::worlds::words::{rows, typed, wish_of};

    /// Prompts in every language of `LISTS`, each with one in English that means the same.
    const SAID: &[&str] = &[
        include_str!("tongues/german.said"),
        include_str!("tongues/french.said"),
        include_str!("tongues/spanish.said"),
        include_str!("tongues/italian.said"),
        include_str!("tongues/portuguese.said"),
        include_str!("tongues/dutch.said"),
        include_str!("tongues/polish.said"),
        include_str!("tongues/swedish.said"),
        include_str!("tongues/danish.said"),
        include_str!("tongues/norwegian.said"),
        include_str!("tongues/czech.said"),
        include_str!("tongues/turkish.said"),
        include_str!("tongues/ukrainian.said"),
        include_str!("tongues/russian.said"),
    ];

    #[test]
    fn lists_say_what_captions_say_and_each_text_once() {
        let table = WordTable::get();
        for (list, tongue) in LISTS.iter().zip(Tongue::all()) {
            let name = list.lines().next().unwrap();
            let mut seen = BTreeSet::new();
            for (head, said) in
                list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.split_once(": ").unwrap())
            {
                let row = table.find(head).filter(|row| table.word(*row) == head).unwrap_or_else(|| panic!("{name}: {head}"));
                assert!(
                    ["nothing", "not"].contains(&head) || said_alone().any(|said| said == row),
                    "{name}: captions do not say {head} by itself"
                );
                for text in said.split(", ") {
                    assert!(seen.insert(plain(text)), "{name}: {text} stands twice");
                    assert_eq!(in_spaced_words(text), text, "{name}");
                    assert!(
                        tongue.listed(&plain(text)).is_some() && tongue.listed(&plain(&text.to_uppercase())).is_some(),
                        "{name}: {text}"
                    );
                }
            }
            assert!(seen.len() > 300, "{name}: {}", seen.len());
        }
    }

    #[test]
    fn prompts_in_other_languages_mean_what_they_mean_in_english() {
        assert_eq!(LISTS.len(), SAID.len());
        let (mut lines, mut by_english) = (0, 0);
        for (list, said) in LISTS.iter().zip(SAID) {
            let name = list.lines().next().unwrap();
            for (text, english) in said.lines().map(|line| line.split_once(" = ").unwrap()) {
                let unknown = read(text, 40).into_iter().find(|word| word.fate == Fate::Unknown).map(|word| &text[word.range]);
                assert_eq!(unknown, None, "{name}: {text}");
                let (meant, wish) = (wish_of(&rows(english)), wish_of(&typed(text)));
                assert!(!meant.is_empty() && wish == meant, "{name}: {text}: {} is {wish:?}, {english} {meant:?}", text_of(&typed(text)));
                lines += 1;
                by_english += usize::from(wish_of(&rows(text)) == meant);
            }
        }
        assert!(lines >= 500 && by_english * 5 < lines, "{by_english} of {lines} by words of English alone");
    }

    #[test]
    fn a_word_is_one_of_the_language_of_its_prompt() {
        let heard = |text: &str| text_of(&typed(text));
        assert_eq!((heard("ein See bei Nacht"), heard("see the night")), ("lake night".to_owned(), "see night".to_owned()));
        // As it is typed without accents, in capitals, or joined to an article.
        for text in ["Wüste", "WUESTE", "wuste", "le désert", "un desierto", "dell\u{2019}deserto"] {
            assert_eq!(heard(text), "desert", "{text}");
        }
        // A language in which it says something, before one in which it says nothing: Polish for a wood, and an article in Spanish.
        assert_eq!((heard("las"), heard("en by")), ("forest".to_owned(), "village".to_owned()));
        // One word of another language, in an English prompt.
        assert_eq!(heard("a Wald in the snow"), "forest snow");
        // The control: what no language has stays unknown, also where other letters would spell a word of one ("las").
        assert!(ids(&read("\u{3BB}\u{3B1}\u{3C2} qwrtzx", 8)).is_empty());
    }
}
