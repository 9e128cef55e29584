//! Tokens that pictures of the world were seen to have. A dream draws a token dimension by dimension; with a vocabulary each level has to lead
//! to one of these (constrained decoding along a prefix tree; De Cao et al. 2021), so that no tile is half this and half that.

use std::ops::Range;

use crate::pack::manifest::FrameDims;
use crate::pack::{Pack, PackError};

/// The tokens, sorted by their keys, and none twice.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    keys: Vec<u32>,
    dims: u32,
    levels: u32,
}

/// What may follow the levels drawn so far.
#[derive(Clone, Copy, Debug)]
pub struct Prefix<'a> {
    /// Keys of the tokens that begin so.
    keys: &'a [u32],
    /// Of all tokens, how many come before those.
    before: usize,
    /// Of all tokens, a bit each, those that there are; `None`: all.
    mask: Option<&'a [u32]>,
    /// Key of the levels so far, as if they were a token.
    key: u64,
    /// Dimensions to come.
    left: u32,
    levels: u64,
}

impl Vocabulary {
    /// Of tokens with these keys, ascending and none twice.
    pub fn new(keys: Vec<u32>, frame: &FrameDims) -> Self {
        Self { keys, dims: frame.code_dims as u32, levels: frame.code_levels as u32 }
    }

    /// The pack's, if it has one.
    pub fn of(pack: &Pack) -> Result<Option<Self>, PackError> {
        let Some(dynamics) = pack.manifest.dynamics.as_ref().filter(|d| d.vocabulary > 0) else { return Ok(None) };
        let frame = &pack.manifest.frame;
        let mut keys = Vec::with_capacity(dynamics.vocabulary);
        keys.extend(pack.u8s("vocabulary.tokens")?.chunks_exact(frame.code_dims).map(|token| key(token, frame)));
        Ok(Some(Self::new(keys, frame)))
    }

    /// Keys of the tokens, ascending: the levels as digits, the first the most significant.
    pub fn keys(&self) -> &[u32] {
        &self.keys
    }

    pub fn begin(&self) -> Prefix<'_> {
        Prefix { keys: &self.keys, before: 0, mask: None, key: 0, left: self.dims, levels: u64::from(self.levels) }
    }
}

/// A token's levels as digits, the first the most significant.
pub fn key(token: &[u8], frame: &FrameDims) -> u32 {
    token.iter().fold(0, |key, &level| key * frame.code_levels as u32 + u32::from(level))
}

impl<'a> Prefix<'a> {
    /// As if of all tokens there were only these, a bit each.
    #[must_use]
    pub fn only(self, mask: &'a [u32]) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// Levels that lead on to a token of the vocabulary, a bit each.
    pub fn levels(&self) -> u64 {
        let mut levels = 0;
        let mut from = 0;
        for level in 0..self.levels {
            let until = from + self.keys[from..].partition_point(|&key| u64::from(key) < self.first(level + 1));
            levels |= u64::from(self.any(from..until)) << level;
            from = until;
        }
        levels
    }

    /// The same after one more level.
    pub fn follow(&mut self, level: u8) {
        let level = u64::from(level);
        let from = self.keys.partition_point(|&key| u64::from(key) < self.first(level));
        let until = self.keys.partition_point(|&key| u64::from(key) < self.first(level + 1));
        (self.keys, self.before) = (&self.keys[from..until], self.before + from);
        (self.key, self.left) = (self.key * self.levels + level, self.left - 1);
    }

    /// Whether there is one among these of the keys.
    fn any(&self, mut range: Range<usize>) -> bool {
        let there = |mask: &[u32], at: usize| mask[at / 32] >> (at % 32) & 1 == 1;
        !range.is_empty() && self.mask.is_none_or(|mask| range.any(|at| there(mask, self.before + at)))
    }

    /// The least key that begins with the levels so far and this one.
    fn first(&self, level: u64) -> u64 {
        (self.key * self.levels + level) * self.levels.pow(self.left - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::random::{odd_manifest, random_pack};

    #[test]
    fn only_tokens_of_the_vocabulary_can_be_spelt() {
        let pack = random_pack(odd_manifest(), 3).unwrap();
        let frame = pack.manifest.frame;
        let vocabulary = Vocabulary::of(&pack).unwrap().expect("this pack has one");
        let (dims, levels) = (frame.code_dims, frame.code_levels);
        assert!(vocabulary.keys().is_sorted() && vocabulary.keys().len() < levels.pow(dims as u32));
        let mut spelt = Vec::new();
        for number in 0..levels.pow(dims as u32) {
            let token: Vec<u8> = (0..dims as u32).rev().map(|place| (number / levels.pow(place) % levels) as u8).collect();
            let mut prefix = vocabulary.begin();
            let allowed = token.iter().all(|&level| {
                let allowed = prefix.levels() >> level & 1 == 1;
                prefix.follow(level);
                allowed
            });
            if allowed {
                spelt.push(key(&token, &frame));
            }
        }
        assert_eq!(spelt, vocabulary.keys());
    }
}
