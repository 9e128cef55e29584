//! What a frame is told besides its action: its words taken together, and since when they are what they are.

use super::{PromptWord, TokenFrame};
use crate::pack::{Pack, PackError};
use crate::prompt::{CHANNELS, WordTable};

/// Rows of `dyn.told`.
pub const CLASSES: usize = OLDEST.len() + 1;
/// Class of words that a frame is the first to have.
pub const NEWS: usize = 0;
/// Class of words that have not changed for long, or never.
pub const LONG_AGO: usize = CLASSES - 1;
/// Most frames since words changed of every class but the last.
const OLDEST: [u32; 4] = [0, 4, 16, 64];

/// Class of words that changed `frames` frames ago.
pub fn class(frames: u32) -> usize {
    OLDEST.iter().filter(|oldest| frames > **oldest).count()
}

/// The words without their shares.
pub fn ids(words: &[PromptWord]) -> impl Iterator<Item = u16> {
    words.iter().map(|word| word.id)
}

/// How long a dream has had its present words. Shares do not count: a fade changes the words only where it begins and where it ends.
#[derive(Clone, Debug, Default)]
pub struct Told {
    ids: Vec<u16>,
    /// Frames since the words became these; `None` where they were never others, as far as is known.
    age: Option<u32>,
    /// Whether there is a frame at all.
    begun: bool,
}

impl Told {
    /// After these frames, oldest first.
    pub fn after<'a>(frames: impl IntoIterator<Item = &'a TokenFrame>) -> Self {
        let mut told = Self::default();
        frames.into_iter().for_each(|frame| _ = told.follow(&frame.prompt));
        told
    }

    /// Forgets all frames.
    pub fn clear(&mut self) {
        (self.age, self.begun) = (None, false);
    }

    fn next_age(&self, words: &[PromptWord]) -> Option<u32> {
        // Silence is no news: nothing is asked for that would have to be drawn.
        if words.is_empty() {
            return None;
        }
        if self.begun && !ids(words).eq(self.ids.iter().copied()) {
            return Some(0);
        }
        self.age.map(|age| age.saturating_add(1))
    }

    /// Class of a frame under these words that comes next.
    pub fn class_of_next(&self, words: &[PromptWord]) -> usize {
        self.next_age(words).map_or(LONG_AGO, class)
    }

    /// A frame under these words has come; its class.
    pub fn follow(&mut self, words: &[PromptWord]) -> usize {
        let class = self.class_of_next(words);
        (self.age, self.begun) = (self.next_age(words), true);
        self.ids.clear();
        self.ids.extend(ids(words));
        class
    }
}

/// The weights that make one row of a prompt (`dyn.said.*` of `docs/MODEL.md`).
pub struct Said {
    channels: usize,
    /// `(word channels, channels)` and `(channels)`.
    word: (Vec<f32>, Vec<f32>),
    /// `(channels, channels)`.
    all: Vec<f32>,
    /// What all words raise together, and one of them; `(channels)` each.
    sum: Vec<f32>,
    heard: Vec<f32>,
}

impl Said {
    pub fn new(pack: &Pack, channels: usize) -> Result<Self, PackError> {
        Ok(Self {
            channels,
            word: (pack.f32s("dyn.said.word.w")?, pack.f32s("dyn.said.word.b")?),
            all: pack.f32s("dyn.said.all.w")?,
            sum: vec![0.0; channels],
            heard: vec![0.0; channels],
        })
    }

    /// What every token of a frame under these words begins with, into the first `channels` of `out`; without words nothing.
    pub fn row(&mut self, words: &[PromptWord], out: &mut [f32]) {
        let (c, (w, b)) = (self.channels, &self.word);
        self.sum.fill(0.0);
        for word in words {
            self.heard.copy_from_slice(b);
            add_products(&WordTable::get().vector(word.id)[..CHANNELS], w, &mut self.heard);
            let share = f32::from(word.share) / 255.0;
            self.sum.iter_mut().zip(&self.heard).for_each(|(sum, heard)| *sum += share * heard.max(0.0));
        }
        let out = &mut out[..c];
        out.fill(0.0);
        add_products(&self.sum, &self.all, out);
    }
}

/// `out += x w`, w `(x.len(), out.len())`.
fn add_products(x: &[f32], w: &[f32], out: &mut [f32]) {
    for (x, row) in x.iter().zip(w.chunks_exact(out.len())) {
        out.iter_mut().zip(row).for_each(|(out, w)| *out += x * w);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(ids: &[u16]) -> Vec<PromptWord> {
        ids.iter().map(|id| PromptWord::whole(*id)).collect()
    }

    #[test]
    fn words_age_from_where_they_changed() {
        let mut told = Told::default();
        let classes = |told: &mut Told, said: &[PromptWord], frames: usize| -> Vec<usize> {
            let mut next = || {
                let class = told.class_of_next(said);
                told.follow(said);
                class
            };
            (0..frames).map(|_| next()).collect()
        };
        // What a dream begins under is no news.
        assert_eq!(classes(&mut told, &words(&[3, 4]), 3), [LONG_AGO; 3]);
        let aged = classes(&mut told, &words(&[3, 5]), 70);
        let expected: Vec<usize> = [(1, 0), (4, 1), (12, 2), (48, 3), (5, 4)].into_iter().flat_map(|(n, class)| vec![class; n]).collect();
        assert_eq!(aged, expected);
        // Shares alone are no change, and silence is no news; what is said after it is.
        let faded = [PromptWord { id: 3, share: 9 }, PromptWord::whole(5)];
        assert_eq!(classes(&mut told, &faded, 2), [LONG_AGO; 2]);
        assert_eq!(classes(&mut told, &[], 2), [LONG_AGO; 2]);
        assert_eq!(classes(&mut told, &words(&[3, 5]), 2), [0, 1]);
        told.clear();
        assert_eq!(classes(&mut told, &words(&[8]), 2), [LONG_AGO; 2]);
    }

    #[test]
    fn what_is_asked_about_is_not_said_yet() {
        let mut told = Told::default();
        told.follow(&words(&[1]));
        assert_eq!((told.class_of_next(&words(&[2])), told.class_of_next(&words(&[1]))), (0, LONG_AGO));
    }
}
