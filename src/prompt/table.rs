//! The word table: some ten thousand common English words as vectors, so that a prompt may use words that no caption ever held.
//! `assets/words/README.md` says where it comes from.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Numbers of a word's vector.
pub const CHANNELS: usize = 64;
/// What packs call this table: another set of words or vectors needs another name.
pub const TABLE_NAME: &str = "english-64-2026-11";

const WORDS: &str = include_str!("../../assets/words/words.txt");
static VECTORS: &[u8] = include_bytes!("../../assets/words/words.i8");
const SYNONYMS: &str = include_str!("../../assets/words/synonyms.txt");
static TABLE: LazyLock<WordTable> = LazyLock::new(|| {
    let mut table = WordTable { words: WORDS.lines().collect(), nearer: HashMap::new() };
    // A line that cannot be read tells nothing; a test reads them all.
    table.nearer = SYNONYMS.lines().filter_map(|line| table.synonyms_in(line)).flatten().collect();
    table
});

/// Endings that a word may lose to be found, and what takes their place.
const ENDINGS: &[(&str, &[&str])] =
    &[("s", &[""]), ("es", &[""]), ("ies", &["y"]), ("ed", &["", "e"]), ("ing", &["", "e"]), ("ly", &[""]), ("y", &["", "e"])];

/// Words by row, sorted.
pub struct WordTable {
    words: Vec<&'static str>,
    /// How much nearer thesauri put two words, given by their rows, in both orders.
    nearer: HashMap<(u16, u16), f32>,
}

impl WordTable {
    pub fn get() -> &'static Self {
        &TABLE
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub fn word(&self, id: u16) -> &'static str {
        self.words[usize::from(id)]
    }

    /// Row of a word in any case, or of the form it is made from ("pinecones", "sunlit" has none).
    pub fn find(&self, word: &str) -> Option<u16> {
        let word = word.to_lowercase();
        let exactly = |word: &str| self.words.binary_search(&word).ok().map(|row| row as u16);
        let stems = ENDINGS.iter().filter_map(|(ending, instead)| Some((word.strip_suffix(ending)?, instead)));
        let bases = stems.flat_map(|(stem, instead)| instead.iter().map(move |end| format!("{stem}{end}")));
        exactly(&word).or_else(|| bases.filter(|base| base.len() > 2).find_map(|base| exactly(&base)))
    }

    /// The vector of a word, of length `sqrt(CHANNELS)`: channels are of order one.
    pub fn vector(&self, id: u16) -> [f32; CHANNELS] {
        let bytes = &VECTORS[usize::from(id) * CHANNELS..][..CHANNELS];
        let mut row: [f32; CHANNELS] = std::array::from_fn(|i| f32::from(bytes[i].cast_signed()));
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x *= (CHANNELS as f32).sqrt() / length);
        row
    }

    /// How alike two words are: the cosine of their vectors.
    pub fn closeness(&self, a: u16, b: u16) -> f32 {
        closeness(&self.vector(a), &self.vector(b))
    }

    /// How much nearer than by their vectors thesauri put two words, in cosines; only words that captions say by themselves have synonyms.
    pub fn nearer(&self, a: u16, b: u16) -> f32 {
        self.nearer.get(&(a, b)).copied().unwrap_or_default()
    }

    /// The pairs of a line of `SYNONYMS`: a word, then others, each with how much nearer it is, in hundredths. Nothing of a line that is none.
    fn synonyms_in(&self, line: &str) -> Option<Vec<((u16, u16), f32)>> {
        let mut fields = line.split(' ');
        let word = self.find(fields.next()?)?;
        let mut pairs = Vec::new();
        while let Some(other) = fields.next() {
            let (other, nearer) = (self.find(other)?, fields.next()?.parse::<f32>().ok()? / 100.0);
            pairs.extend([((word, other), nearer), ((other, word), nearer)]);
        }
        Some(pairs)
    }

    /// Of `among`, the `count` words spelt most like `word`, most alike first.
    pub fn spelt_like<'a>(&self, word: &str, among: impl Iterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
        let word = word.to_lowercase();
        // Of words equally far, those that begin alike come first.
        let alike = |other: &str| word.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
        let mut by_distance: Vec<_> = among.map(|other| (edits(&word, other), Reverse(alike(other)), other)).collect();
        by_distance.sort();
        by_distance.into_iter().take(count).map(|(_, _, other)| other).collect()
    }
}

/// How alike two words are by their vectors.
pub fn closeness(a: &[f32; CHANNELS], b: &[f32; CHANNELS]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>() / CHANNELS as f32
}

/// Letters to put in, take out or change to get from one word to the other (Levenshtein 1966).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in b.iter().enumerate() {
            let least = (diagonal + usize::from(letter != *other)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], least);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(word: &str) -> u16 {
        WordTable::get().find(word).unwrap_or_else(|| panic!("{word} is in the table"))
    }

    #[test]
    fn every_word_has_a_vector_and_is_found() {
        let table = WordTable::get();
        assert_eq!(VECTORS.len(), table.len() * CHANNELS);
        assert!(table.words.is_sorted() && table.len() <= usize::from(u16::MAX));
        assert!((0..table.len()).all(|row| table.find(table.words[row]) == Some(row as u16)));
        assert!(table.find("qwrtzx").is_none());
        assert_eq!(table.word(id("Forest")), "forest");
    }

    #[test]
    fn words_are_near_what_they_mean() {
        let table = WordTable::get();
        let nearer = |word: &str, to: &str, than: &str| table.closeness(id(word), id(to)) > table.closeness(id(word), id(than));
        assert!(nearer("tundra", "snow", "beach") && nearer("midnight", "night", "day") && nearer("dunes", "desert", "forest"));
        assert!((table.closeness(id("snow"), id("snow")) - 1.0).abs() < 1e-5);
        assert!(table.closeness(id("snow"), id("politics")) < 0.3, "negative control");
    }

    #[test]
    fn a_thesaurus_tells_what_means_the_same() {
        let table = WordTable::get();
        let exactly = |word: &str| table.words.binary_search(&word).is_ok();
        assert!(SYNONYMS.lines().all(|line| line.split(' ').next().is_some_and(exactly)));
        assert!(SYNONYMS.lines().all(|line| table.synonyms_in(line).is_some_and(|pairs| !pairs.is_empty())));
        assert!(
            ["", "qwrtzx dusk 20", "dusk qwrtzx 20", "dusk night", "dusk night near"].iter().all(|line| table.synonyms_in(line).is_none())
        );
        let nearer = |a: &str, b: &str| table.nearer(id(a), id(b));
        assert!(nearer("twilight", "dusk") > 0.2 && nearer("dusk", "twilight") == nearer("twilight", "dusk"));
        assert!(nearer("blizzard", "snowfall") > nearer("blizzard", "storm") && nearer("antique", "old") > 0.0);
        assert!(nearer("blizzard", "meadow") == 0.0 && nearer("dusk", "dusk") == 0.0, "strangers, and the same word");
    }

    #[test]
    fn misspelt_words_have_neighbours() {
        let known = ["forest", "desert", "snow", "night"];
        assert_eq!(WordTable::get().spelt_like("Forrest", known.into_iter(), 1), ["forest"]);
        assert_eq!([edits("", "ab"), edits("snow", "snow"), edits("night", "nights"), edits("kitten", "sitting")], [2, 0, 1, 3]);
    }

    #[test]
    fn other_forms_are_found_by_their_stem() {
        let table = WordTable::get();
        assert_eq!(table.find("glaciers").map(|id| table.word(id).starts_with("glacier")), Some(true));
    }
}
