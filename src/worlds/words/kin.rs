//! Words beyond the captions that say nearly what a word of captions says, found by their vectors.

use std::collections::{HashMap, HashSet};

use super::lexicon::lexicon;
use super::vocabulary;
use crate::prompt::{self, CHANNELS, WordTable, closeness};
use crate::worlds::scene::Wish;

/// A kin is at least so close to its word, and so much less to any word that says something else: "taiga" is a forest, "dust" a desert.
const CLOSE: f32 = 0.55;
const MARGIN: f32 = 0.08;
/// What is as close as this to a word that is kept from all captions is kept from them too, as another form of it.
const SAME: f32 = 0.7;

/// A phrase of one word.
struct Alone {
    row: u16,
    value: &'static str,
    vector: [f32; CHANNELS],
}

/// By rows of the word table, the kin of every word that is a phrase of captions by itself. Left out are words that say something else in
/// another phrase ("snow" in "falling snow"), and all words that captions hold or are kept from.
pub fn kin() -> HashMap<u16, Vec<u16>> {
    let table = WordTable::get();
    let mut alone = Vec::new();
    let mut meanings: HashMap<u16, HashSet<&str>> = HashMap::new();
    for value in Wish::words() {
        for phrase in lexicon().phrases_of(value).filter(|phrase| !phrase.held_out) {
            let rows = prompt::ids(&prompt::read(phrase.text, usize::MAX));
            rows.iter().for_each(|row| _ = meanings.entry(*row).or_default().insert(value));
            if let [row] = rows[..] {
                alone.push(Alone { row, value, vector: table.vector(row) });
            }
        }
    }
    let [said, kept] =
        [false, true].map(|held_out| -> HashSet<u16> { vocabulary(held_out).iter().filter_map(|word| table.find(word)).collect() });
    let kept_vectors: Vec<[f32; CHANNELS]> = kept.iter().map(|row| table.vector(*row)).collect();

    let mut kin: HashMap<u16, Vec<u16>> = HashMap::new();
    for word in (0..table.len() as u16).filter(|row| !said.contains(row) && !kept.contains(row)) {
        let vector = table.vector(word);
        let close: Vec<(f32, &Alone)> = alone.iter().map(|alone| (closeness(&vector, &alone.vector), alone)).collect();
        let Some((best, of)) = close.iter().max_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
        let other = close.iter().filter(|(_, alone)| alone.value != of.value).map(|(closeness, _)| *closeness).fold(0.0, f32::max);
        let plain = meanings[&of.row].len() == 1;
        if plain && *best >= CLOSE && best - other >= MARGIN && kept_vectors.iter().all(|kept| closeness(&vector, kept) < SAME) {
            kin.entry(of.row).or_default().push(word);
        }
    }
    kin
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::words::{test_prompts, wish_of};

    #[test]
    fn kin_mean_what_their_word_means_and_none_is_kept_from_captions() {
        let (table, kin) = (WordTable::get(), kin());
        let row = |word: &str| table.find(word).unwrap();
        assert!(kin.values().any(|kin| kin.contains(&row("taiga"))));
        let all: Vec<(u16, u16)> = kin.iter().flat_map(|(word, kin)| kin.iter().map(|kin| (*word, *kin))).collect();
        assert!((300..3000).contains(&all.len()), "{} kin", all.len());
        let alike = all.iter().filter(|(word, kin)| wish_of(&[*word]) == wish_of(&[*kin])).count();
        assert!(alike * 10 >= all.len() * 9, "{alike} of {} mean the same to a simulator", all.len());
        // No word that evaluation keeps for itself, nor a form of it.
        let kept: HashSet<u16> = vocabulary(true).iter().filter_map(|word| table.find(word)).collect();
        assert!(all.iter().all(|(_, kin)| !kept.contains(kin) && kept.iter().all(|kept| table.closeness(*kin, *kept) < SAME)));
        let asked: HashSet<u16> =
            test_prompts().iter().filter(|p| p.unseen).flat_map(|p| prompt::ids(&prompt::read(&p.text, usize::MAX))).collect();
        assert!(all.iter().all(|(_, kin)| !asked.contains(kin)));
        // "snow" is a land here and weather there.
        assert!(!kin.contains_key(&row("snow")));
    }
}
