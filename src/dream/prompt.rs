//! From what a player types to the word ids a pack knows.

/// One typed word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Byte range in the text.
    pub range: std::ops::Range<usize>,
    pub fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The pack knows it, under this id (1 and up).
    Known(u16),
    /// The pack has never seen it.
    Unknown,
    /// Known, but the prompt already holds as many words as the pack takes.
    TooMany,
}

/// Splits `text` into words (letters and digits, any case) and looks each up; word `i` of the vocabulary has id `i + 1`.
pub fn read(text: &str, vocabulary: &[String], most_words: usize) -> Vec<Word> {
    let mut words = Vec::new();
    let mut known = 0;
    let mut start = None;
    let ends = text.char_indices().chain(std::iter::once((text.len(), ' ')));
    for (at, letter) in ends {
        if letter.is_alphanumeric() || letter == '-' || letter == '\'' {
            start.get_or_insert(at);
        } else if let Some(from) = start.take() {
            let lower = text[from..at].to_lowercase();
            let id = vocabulary.iter().position(|w| w.to_lowercase() == lower).and_then(|i| u16::try_from(i + 1).ok());
            let fate = match id {
                None => Fate::Unknown,
                Some(_) if known == most_words => Fate::TooMany,
                Some(id) => {
                    known += 1;
                    Fate::Known(id)
                }
            };
            words.push(Word { range: from..at, fate });
        }
    }
    words
}

/// The ids in force, in order.
pub fn ids(words: &[Word]) -> Vec<u16> {
    words.iter().filter_map(|w| if let Fate::Known(id) = w.fate { Some(id) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vec<String> {
        ["snow", "forest", "night"].map(str::to_owned).to_vec()
    }

    #[test]
    fn known_words_get_their_ids_and_unknown_ones_are_marked_where_they_stand() {
        let text = "Snow, über-forest; night!";
        let words = read(text, &vocabulary(), 8);
        assert_eq!(ids(&words), [1, 3]);
        let unknown: Vec<&str> = words.iter().filter(|w| w.fate == Fate::Unknown).map(|w| &text[w.range.clone()]).collect();
        assert_eq!(unknown, ["über-forest"]);
    }

    #[test]
    fn words_past_the_longest_prompt_are_told_apart_from_unknown_ones() {
        let words = read("snow forest dragon night", &vocabulary(), 2);
        assert_eq!(ids(&words), [1, 2]);
        assert_eq!(words[2].fate, Fate::Unknown);
        assert_eq!(words[3].fate, Fate::TooMany);
    }

    #[test]
    fn nothing_said_is_nothing() {
        assert!(read("  ,;  ", &vocabulary(), 4).is_empty());
        assert!(read("", &vocabulary(), 4).is_empty());
    }
}
