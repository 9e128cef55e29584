//! Figures of the latent actions: what the pack's latent action model infers against what the simulator was asked to do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use burn::tensor::Device;
use somnium::clips::Clip;
use somnium::pack::Pack;

use super::report::{Bar, Figure, Unit};
use super::tokenizer::entropy_bits;
use crate::model::lam::Lam;
use crate::params;
use crate::pipeline::pack_values;
use crate::preset::{self, Preset};
use crate::source::{Mood, WorldSource};
use crate::stages::lam::LamStage;
use crate::stages::naming::Counts;

const FAMILY: &str = "latent actions";
const CLIP_FRAMES: usize = 48;

/// A pack's latent action model, ready to infer.
pub struct Inference {
    stage: LamStage,
    lam: Lam,
    device: Device,
}

impl Inference {
    /// `None` where the pack was trained on recorded actions.
    pub fn of(pack: &Pack, world: &str, device: &Device) -> Result<Option<Self>> {
        let Some(dims) = pack.manifest.lam else { return Ok(None) };
        // The stage's own sizes are the pack's; batches play no part in inference.
        let preset = Preset { lam: dims, ..preset::by_name("pocket")? };
        let frame = pack.manifest.frame;
        let recall = pack.manifest.dynamics.as_ref().and_then(|d| d.recall.as_ref());
        let covered = recall.map(|recall| recall.covered.clone()).unwrap_or_default();
        let shares = Mutex::new(pack.manifest.actions.iter().map(|action| action.share).collect());
        let stage =
            LamStage { source: Arc::new(WorldSource::new(world, 0)?), preset, frame, covered, shares, standing_price: 0.0, seed: 0 };
        let lam = params::replace("lam", Lam::new(&frame, &dims, device), &pack_values(pack), device)?;
        Ok(Some(Self { stage, lam, device: device.clone() }))
    }

    /// Code of every step of a clip; none for its first frame.
    pub fn codes(&self, clip: &Clip) -> Result<Vec<Option<u8>>> {
        self.stage.codes(&self.lam, clip, &self.device)
    }

    pub fn figures(&self, seed: u64, clips: u64) -> Result<Vec<Figure>> {
        let actions = &self.stage.source.info().actions;
        let codes = 1 << self.stage.preset.lam.bits;
        let (mut counts, mut pairs) = (Counts::new(codes, actions), Vec::new());
        for number in 0..clips {
            let clip = self.stage.source.clip(seed + number, CLIP_FRAMES, Mood::Lively)?;
            let inferred = self.codes(&clip)?;
            counts.count(&clip, &inferred);
            pairs.extend(inferred.iter().zip(&clip.actions).filter_map(|(code, action)| Some(((*code)?, (*action)?))));
        }
        let (moved, blocked) = counts.purity().unwrap_or_default();
        let dead = (0..codes as u8).filter(|code| !pairs.iter().any(|(seen, _)| seen == code)).count();
        Ok(vec![
            Figure::new(FAMILY, "purity, moved steps", Unit::Percent).dream(100.0 * moved).bar(Bar::AtLeast(97.0)),
            Figure::new(FAMILY, "purity, blocked steps", Unit::Percent).dream(100.0 * blocked).bar(Bar::AtLeast(90.0)),
            Figure::new(FAMILY, "mutual information with the actions, normalised", Unit::Percent)
                .dream(100.0 * normalised_information(&pairs)),
            Figure::new(FAMILY, "dead codes", Unit::Percent).low_is_better().dream(100.0 * dead as f64 / codes as f64),
        ])
    }
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
    fn information_is_one_for_a_renaming_and_none_for_chance() {
        let renamed: Vec<(u8, u8)> = (0..40).map(|i| (i % 4, 3 - i % 4)).collect();
        assert!((normalised_information(&renamed) - 1.0).abs() < 1e-9);
        let independent: Vec<(u8, u8)> = (0..64).map(|i| (i % 4, i / 4 % 4)).collect();
        assert!(normalised_information(&independent).abs() < 1e-9);
        // A constant code tells nothing.
        assert_eq!(normalised_information(&[(0, 1), (0, 1)]), 0.0);
    }
}
