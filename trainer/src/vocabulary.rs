//! What pictures of the world were seen to have: the tokens there are, and which of the land lie beside which.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use somnium::engine::adjacency::{Adjacency, Pair, pairs_in};
use somnium::engine::vocabulary::{Vocabulary, key};
use somnium::pack::manifest::{DynamicsDims, FrameDims, RecallDims};
use somnium::pack::{Pack, PackTensor, limits};

use crate::encoding::Shelf;
use crate::params::Values;
use crate::pipeline::Run;
use crate::tokens::TokenClips;

/// Share of the pairs of held-out clips, at most, that the clips may lack: where more are news, what a world may look like is not known yet.
const UNSEEN_AT_MOST: f64 = 0.02;

/// What the clips that the run trains on have, and the pack it goes on from, where that has the same encoder, and the one it is mixed with; as a pack's
/// tensors, whose sizes are put down in `dims`. Nothing where a token has no key of 32 bits.
pub fn add(
    run: &Run,
    tokenizer: &BTreeMap<String, Values>,
    mixed_with: Option<&Pack>,
    dims: &mut DynamicsDims,
    tensors: &mut BTreeMap<String, PackTensor>,
) -> Result<()> {
    let frame = run.preset.frame(run.source.info());
    if (frame.code_levels as u64).checked_pow(frame.code_dims as u32).is_none_or(|tokens| tokens > 1 << 32) {
        return Ok(());
    }
    let clips = codes(run, Shelf::Training)?;
    let packs: Vec<&Pack> = run.pack_of_same_tokens(tokenizer).into_iter().chain(mixed_with).collect();
    let mut keys: BTreeSet<u32> = clips.chunks_exact(frame.code_dims).map(|token| key(token, &frame)).collect();
    for pack in &packs {
        keys.extend(Vocabulary::of(pack)?.iter().flat_map(Vocabulary::keys));
    }
    if keys.len() > limits::VOCABULARY {
        println!("{} different tokens are too many for a list of them: dreams may draw any", keys.len());
        return Ok(());
    }
    let keys: Vec<u32> = keys.into_iter().collect();
    dims.vocabulary = keys.len();
    if keys.is_empty() {
        return Ok(());
    }
    let tokens: Vec<u8> = keys.iter().flat_map(|key| token(*key, &frame)).collect();
    tensors.insert("vocabulary.tokens".into(), PackTensor::from_u8s(&[keys.len(), frame.code_dims], &tokens));
    let Some(recall) = &dims.recall else { return Ok(()) };
    let mut pairs = pairs_of(&clips, &frame, recall);
    for adjacency in packs.iter().filter_map(|pack| Adjacency::of(pack).transpose()) {
        let more = adjacency?.pairs();
        pairs.iter_mut().zip(more).for_each(|(pairs, more)| pairs.extend(more));
    }
    let unseen = unseen(&codes(run, Shelf::HeldOut)?, &pairs, &frame, recall);
    let adjacency = Adjacency::new([&pairs[0], &pairs[1]], &frame, recall);
    let land = adjacency.land();
    if unseen.is_none_or(|unseen| unseen > UNSEEN_AT_MOST) || land.len() > limits::LAND {
        return Ok(());
    }
    println!("{} tokens of the land, {} pairs side by side", land.len(), pairs[0].len() + pairs[1].len());
    let lies: Vec<u8> = keys.iter().map(|key| u8::from(land.binary_search(key).is_ok())).collect();
    dims.land = land.len();
    tensors.insert("vocabulary.land".into(), PackTensor::from_u8s(&[keys.len()], &lies));
    tensors.insert("vocabulary.beside".into(), PackTensor::from_u8s(&[2, land.len(), land.len().div_ceil(8)], &adjacency.bytes()));
    Ok(())
}

/// Codes of the clips on a shelf, none where it is empty.
fn codes(run: &Run, shelf: Shelf) -> Result<Vec<u8>> {
    let path = run.shelf_path(shelf);
    Ok(if path.exists() { TokenClips::read(&path)?.codes } else { Vec::new() })
}

fn pairs_of(clips: &[u8], frame: &FrameDims, recall: &RecallDims) -> [BTreeSet<Pair>; 2] {
    let mut pairs = [BTreeSet::new(), BTreeSet::new()];
    for (axis, pair) in clips.chunks_exact(frame.code_bytes()).flat_map(|codes| pairs_in(codes, frame, recall)) {
        pairs[axis].insert(pair);
    }
    pairs
}

/// Share of the pairs in these clips that are not among those known; `None` where there is no pair.
fn unseen(clips: &[u8], known: &[BTreeSet<Pair>; 2], frame: &FrameDims, recall: &RecallDims) -> Option<f64> {
    let there = || clips.chunks_exact(frame.code_bytes()).flat_map(|codes| pairs_in(codes, frame, recall));
    let of = there().filter(|(axis, pair)| !known[*axis].contains(pair)).count();
    let all = there().count();
    (all > 0).then(|| of as f64 / all as f64)
}

/// Levels of the token with a key.
fn token(key: u32, frame: &FrameDims) -> Vec<u8> {
    let levels = frame.code_levels as u32;
    (0..frame.code_dims as u32).rev().map(|place| (key / levels.pow(place) % levels) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_held_out_clips_have_besides_is_counted() {
        let frame = FrameDims { width_px: 2, height_px: 2, patch_px: 1, rate_hz: 1, code_dims: 2, code_levels: 3, look: false };
        let recall = RecallDims { step_px: 1, covered: vec![] };
        let (grass, wall) = ([0, 0], [2, 1]);
        let known = pairs_of(&[grass, grass, wall, grass].concat(), &frame, &recall);
        assert_eq!(known.each_ref().map(BTreeSet::len), [2, 2]);
        assert_eq!(unseen(&[grass, grass, wall, grass].concat(), &known, &frame, &recall), Some(0.0));
        // Beside a wall there was grass to the right, and above it.
        assert_eq!(unseen(&[grass, wall, grass, grass].concat(), &known, &frame, &recall), Some(0.5));
        assert_eq!(unseen(&[], &known, &frame, &recall), None);
    }

    #[test]
    fn a_key_spells_its_token() {
        let frame = FrameDims { width_px: 1, height_px: 1, patch_px: 1, rate_hz: 1, code_dims: 3, code_levels: 5, look: false };
        for levels in [[0, 0, 0], [4, 0, 3], [1, 2, 4]] {
            assert_eq!(token(key(&levels, &frame), &frame), levels);
        }
    }
}
