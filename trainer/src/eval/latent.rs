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
use crate::stages::naming::Counts;

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
        let covered = pack.manifest.recall().map(|recall| recall.covered.clone()).unwrap_or_default();
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
        let mut counts = Counts::new(codes, &self.stage.source.info().actions);
        let mut by_clip: Vec<Vec<Step>> = Vec::new();
        for number in 0..clips {
            let clip = self.stage.source.clip(seed + number, CLIP_FRAMES, Mood::Lively)?;
            let inferred = self.codes(&clip)?;
            counts.count(&clip, &inferred);
            let steps = inferred.iter().zip(&clip.actions).zip(&clip.outcomes);
            by_clip.push(steps.filter_map(|((code, action), outcome)| Some(((*code)?, (*action)?, outcome.blocked))).collect());
        }
        let pairs: Vec<(u8, u8)> = by_clip.iter().flatten().map(|(code, action, _)| (*code, *action)).collect();
        let dead = (0..codes as u8).filter(|code| !pairs.iter().any(|(seen, _)| seen == code)).count();
        let percent = |name: &str| Figure::new(FAMILY, name, Unit::Percent);
        let pure = |name: &str, of_blocked: bool, bar: f64| {
            Some(percent(name).dream(purity(&by_clip, &counts, of_blocked)?).bar(Bar::AtLeast(bar)))
        };
        let rows = [
            pure("purity, moved steps", false, 97.0),
            pure("purity, blocked steps", true, 90.0),
            Some(percent("mutual information with the actions, normalised").dream(100.0 * normalised_information(&pairs))),
            Some(percent("dead codes").low_is_better().dream(100.0 * dead as f64 / codes as f64)),
        ];
        Ok(rows.into_iter().flatten().collect())
    }
}

/// Percent of the moved or of the blocked steps whose action is the one that their code means, over all clips and in each; `None` where
/// there are no such steps. `counts` are those of all clips: a code means the same in each of them.
fn purity(by_clip: &[Vec<Step>], counts: &Counts, of_blocked: bool) -> Option<Score> {
    let pure = |steps: &[Step]| {
        let counted: Vec<&Step> = steps.iter().filter(|(.., blocked)| *blocked == of_blocked).collect();
        let hits = counted.iter().filter(|(code, action, _)| counts.meaning(usize::from(*code)) == usize::from(*action)).count();
        [hits as u32, counted.len() as u32]
    };
    let parts: Vec<f64> = by_clip.iter().filter_map(|steps| percent(pure(steps))).collect();
    Some(Score::pooled(percent(pure(&by_clip.concat()))?, &parts, Better::High))
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
        let judged = |by_clip: &[Vec<Step>], of_blocked: bool| {
            let actions = ["stay", "north", "south"].map(str::to_owned);
            let mut counts = Counts::new(2, &actions);
            for (code, action, blocked) in by_clip.iter().flatten() {
                counts.add(usize::from(*code), usize::from(*action), *blocked);
            }
            purity(by_clip, &counts, of_blocked)
        };
        let moved = judged(&[clean.clone(), swapped.clone()], false).unwrap();
        assert_eq!((moved.mean, moved.worst_decile, moved.parts), (75.0, Some(0.0), Some(2)));
        assert_eq!(judged(&[clean.clone(), swapped.clone()], true).unwrap().mean, 50.0);
        // By itself a clip would call its own codes pure.
        assert_eq!(judged(&[swapped], false).unwrap().mean, 100.0);
        // Nothing was in the way anywhere.
        assert_eq!(judged(&[clean[..3].to_vec()], true), None);
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
