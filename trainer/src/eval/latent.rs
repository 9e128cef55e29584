//! Figures of the latent actions: what the pack's latent action model infers against what the simulator was asked to do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use burn::tensor::Device;
use somnium::clips::Clip;
use somnium::pack::Pack;

use super::report::{Bar, Better, Figure, Score, Unit, percent};
use super::tokenizer::entropy_bits;
use crate::model::lam::Lam;
use crate::params;
use crate::pipeline::pack_values;
use crate::preset::{self, Preset};
use crate::source::{ClipSource, Mood};
use crate::stages::lam::{LamStage, UNASKED_PRICE};

const FAMILY: &str = "latent actions";
const CLIP_FRAMES: usize = 48;

/// Code and action of a step, and whether something was in its way.
type Step = (u8, u8, bool);

/// A pack's latent action model, ready to infer.
pub struct Inference {
    stage: LamStage,
    lam: Lam,
    device: Device,
}

impl Inference {
    /// To infer on clips of `source`; `None` where the pack was trained on recorded actions.
    pub fn of(pack: &Pack, source: Arc<dyn ClipSource>, device: &Device) -> Result<Option<Self>> {
        let Some(dims) = pack.manifest.lam else { return Ok(None) };
        // The stage's own sizes are the pack's; batches play no part in inference.
        let preset = Preset { lam: dims, ..preset::by_name("pocket")? };
        let frame = pack.manifest.frame;
        let recall = pack.manifest.dynamics.as_ref().and_then(|d| d.recall.as_ref());
        let covered = recall.map(|recall| recall.covered.clone()).unwrap_or_default();
        let shares = Mutex::new(pack.manifest.actions.iter().map(|action| action.share).collect());
        let standing_price = if source.records_any() { 0.0 } else { UNASKED_PRICE };
        let stage = LamStage { source, preset, frame, covered, shares, standing_price, seed: 0 };
        let lam = params::replace("lam", Lam::new(&frame, &dims, device), &pack_values(pack), device)?;
        Ok(Some(Self { stage, lam, device: device.clone() }))
    }

    /// Code of every step of a clip; none for its first frame.
    pub fn codes(&self, clip: &Clip) -> Result<Vec<Option<u8>>> {
        self.stage.codes(&self.lam, clip, &self.device)
    }

    pub fn figures(&self, seed: u64, clips: u64) -> Result<Vec<Figure>> {
        let codes: usize = 1 << self.stage.preset.lam.bits;
        let mut by_clip: Vec<Vec<Step>> = Vec::new();
        for number in 0..clips {
            let clip = self.stage.source.clip(seed + number, CLIP_FRAMES, Mood::Lively)?;
            let inferred = self.codes(&clip)?;
            let steps = inferred.iter().zip(&clip.actions).zip(&clip.outcomes);
            by_clip.push(steps.filter_map(|((code, action), outcome)| Some(((*code)?, (*action)?, outcome.blocked))).collect());
        }
        let pairs: Vec<(u8, u8)> = by_clip.iter().flatten().map(|(code, action, _)| (*code, *action)).collect();
        let dead = (0..codes as u8).filter(|code| !pairs.iter().any(|(seen, _)| seen == code)).count();
        Ok(vec![
            Figure::new(FAMILY, "purity, moved steps", Unit::Percent).dream(purity(&by_clip, false)).bar(Bar::AtLeast(97.0)),
            Figure::new(FAMILY, "purity, blocked steps", Unit::Percent).dream(purity(&by_clip, true)).bar(Bar::AtLeast(90.0)),
            Figure::new(FAMILY, "mutual information with the actions, normalised", Unit::Percent)
                .dream(100.0 * normalised_information(&pairs)),
            Figure::new(FAMILY, "dead codes", Unit::Percent).low_is_better().dream(100.0 * dead as f64 / codes as f64),
        ])
    }
}

/// Percent of the moved or of the blocked steps whose action is the one that their code goes with most often, over all clips and in each: a
/// code means the same in all of them.
fn purity(by_clip: &[Vec<Step>], of_blocked: bool) -> Score {
    let mut counts: BTreeMap<u8, BTreeMap<u8, u32>> = BTreeMap::new();
    for (code, action, _) in by_clip.iter().flatten() {
        *counts.entry(*code).or_default().entry(*action).or_default() += 1;
    }
    let meaning = |code: &u8| counts.get(code)?.iter().max_by_key(|(_, count)| **count).map(|(action, _)| *action);
    let pure = |steps: &[Step]| {
        let counted: Vec<&Step> = steps.iter().filter(|(.., blocked)| *blocked == of_blocked).collect();
        [counted.iter().filter(|(code, action, _)| meaning(code) == Some(*action)).count() as u32, counted.len() as u32]
    };
    let parts: Vec<f64> = by_clip.iter().filter_map(|steps| percent(pure(steps))).collect();
    Score::pooled(percent(pure(&by_clip.concat())).unwrap_or_default(), &parts, Better::High)
}

/// Mutual information of two labels over the mean of their entropies: 1 where each tells the other, 0 where they are independent.
fn normalised_information(pairs: &[(u8, u8)]) -> f64 {
    let (mut first, mut second, mut both) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for pair in pairs {
        *first.entry(pair.0).or_insert(0u32) += 1;
        *second.entry(pair.1).or_insert(0u32) += 1;
        *both.entry(pair).or_insert(0u32) += 1;
    }
    let (first, second) = (entropy_bits(first.into_values()), entropy_bits(second.into_values()));
    let information = first + second - entropy_bits(both.into_values());
    if first + second > 0.0 { 2.0 * information / (first + second) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_means_in_each_clip_what_it_means_in_all() {
        let (clean, swapped) = (vec![(0, 1, false), (0, 1, false), (1, 2, false), (1, 0, true)], vec![(0, 2, false), (1, 2, true)]);
        let moved = purity(&[clean.clone(), swapped.clone()], false);
        assert_eq!((moved.mean, moved.worst_decile, moved.parts), (75.0, Some(0.0), Some(2)));
        assert_eq!(purity(&[clean.clone(), swapped.clone()], true).mean, 50.0);
        // By itself a clip would call its own codes pure.
        assert_eq!(purity(&[swapped], false).mean, 100.0);
        // Nothing was in the way anywhere.
        assert_eq!(purity(&[clean[..3].to_vec()], true).parts, Some(0));
    }

    #[test]
    fn information_is_one_for_a_renaming_and_none_for_chance() {
        let renamed: Vec<(u8, u8)> = (0..40).map(|i| (i % 4, 3 - i % 4)).collect();
        assert!((normalised_information(&renamed) - 1.0).abs() < 1e-9);
        let independent: Vec<(u8, u8)> = (0..64).map(|i| (i % 4, i / 4 % 4)).collect();
        assert!(normalised_information(&independent).abs() < 1e-9);
        // A constant code tells nothing.
        assert_eq!(normalised_information(&[(0, 1), (0, 1)]), 0.0);
    }
}
