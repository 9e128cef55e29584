//! Figures of the tokenizer: held-out frames through it and back, and what its codes are made of.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use somnium::engine::Engine;
use somnium::engine::vocabulary::{Vocabulary, key};
use somnium::pack::Pack;
use somnium::pack::manifest::FrameDims;
use somnium::worlds::scene::{Light, Scene, Wish};

use super::houses::village;
use super::players::{Walk, through_tokenizer, view};
use super::report::{Bar, Better, Figure, Score, Unit, mean, percent};
use super::rollout::share_of;
use super::workers::Workers;
use crate::looks::Looks;
use crate::patches::psnr_db;
use crate::source::mix;

const FAMILY: &str = "tokenizer";
/// Side and stride of the windows that structural similarity is taken in.
const SSIM_WINDOW: usize = 8;
const SSIM_STRIDE: usize = 4;

struct Still {
    psnr_db: f64,
    ssim: f64,
    codes: Vec<u8>,
    /// Of the patches whose pixels stayed the same in the next frame those whose token did not, and all.
    flickered: [u32; 2],
}

pub fn figures(pack: &Pack, world: &str, workers: &mut Workers, seed: u64, stills: u64) -> Result<Vec<Figure>> {
    let frame = pack.manifest.frame;
    let walked = |number: u64, wish: Option<Wish>| -> Result<(Scene, [Vec<u8>; 2])> {
        let mut walk = Walk::new(world, "explorer", seed + number, false)?;
        if let Some(wish) = wish {
            walk.world.reset_under(mix(seed + number, 0), &wish);
        }
        (0..mix(seed, number) % 40).for_each(|_| _ = walk.step());
        let mut raw = [vec![0; frame.rgb_bytes()], vec![0; frame.rgb_bytes()]];
        walk.world.render(&mut raw[0]);
        let scene = walk.world.scene();
        walk.step();
        walk.world.render(&mut raw[1]);
        Ok((scene, raw))
    };
    let mut figures = of_pictures(pack, workers, "held-out frames", stills, 0, |number| Ok(walked(number, None)?.1))?;
    // Much of what stands in a village stands nowhere else, is lit by night alone, and is too rare to be heard of in the mean over all lands.
    let looks = Looks(pack.manifest.provenance.looks.clone());
    let numbers: Vec<u64> = (0..stills).collect();
    for (at, (light, when)) in (1..).zip([(Light::Day, "day"), (Light::Night, "night")]) {
        let drawn = workers.map(&numbers, |worker, number| {
            let (scene, [raw, _]) = walked(*number, Some(Wish { light: Some(light), ..village(seed + number) }))?;
            let mut codes = worker.engine.encode(&raw)?;
            // As dreams have it, whatever would be read off this frame.
            if let Some(look) = looks.of(&scene, 0).filter(|_| frame.look) {
                let of_look = codes.len() - look.len()..;
                codes[of_look].copy_from_slice(look);
            }
            Ok(psnr_db(&raw, &view(&mut worker.engine, codes)?.rgb))
        })?;
        let name = format!("PSNR of villages by {when}, under the token of their look");
        figures.insert(at, Figure::new(FAMILY, name, Unit::Db).dream(Score::mean_of(drawn, Better::High)));
    }
    Ok(figures)
}

/// Figures of so many pictures, RGB, which are called `what`: `picture` gives one by its number and the one that follows it. A patch stays
/// where no value of it changes by more than `noise`.
pub fn of_pictures(
    pack: &Pack,
    workers: &mut Workers,
    what: &str,
    stills: u64,
    noise: u8,
    picture: impl Fn(u64) -> Result<[Vec<u8>; 2]> + Sync,
) -> Result<Vec<Figure>> {
    let numbers: Vec<u64> = (0..stills).collect();
    let frame = pack.manifest.frame;
    let stills = workers.map(&numbers, |worker, number| {
        let raw = picture(*number)?;
        let codes = worker.engine.encode(&raw[0])?;
        let next = through_tokenizer(&mut worker.engine, &raw[1])?;
        let same: Vec<usize> = (0..frame.patches()).filter(|n| same_patch(&raw[0], &raw[1], *n, noise, &frame)).collect();
        let token = |codes: &[u8], n: usize| codes[n * frame.code_dims..][..frame.code_dims].to_vec();
        let flickered = same.iter().filter(|n| token(&codes, **n) != token(&next.codes, **n)).count();
        let flickered = [flickered as u32, same.len() as u32];
        let shown = view(&mut worker.engine, codes)?;
        let (psnr_db, ssim) = (psnr_db(&raw[0], &shown.rgb), ssim(&raw[0], &shown.rgb, frame.width_px));
        Ok(Still { psnr_db, ssim, codes: shown.codes, flickered })
    })?;
    let over = |of: fn(&Still) -> f64| Score::mean_of(stills.iter().map(of), Better::High);
    let codes: Vec<u8> = stills.iter().flat_map(|still| still.codes.clone()).collect();
    let usage = Usage::of(&codes, frame.code_dims, frame.code_levels);
    let all_flickered: [u32; 2] = [0, 1].map(|i| stills.iter().map(|still| still.flickered[i]).sum());
    let stayed = [all_flickered[1], (stills.len() * frame.patches()) as u32];
    let flickered: Vec<f64> = stills.iter().filter_map(|still| percent(still.flickered)).collect();
    let mut figures = vec![
        Figure::new(FAMILY, format!("PSNR of {what}"), Unit::Db).dream(over(|s| s.psnr_db)).bar(Bar::AtLeast(30.0)),
        Figure::new(FAMILY, format!("SSIM of {what}"), Unit::Plain).dream(over(|s| s.ssim)),
        Figure::new(FAMILY, "levels used, of each dimension", Unit::Percent).dream(usage.levels_used),
        Figure::new(FAMILY, "entropy of a dimension", Unit::Bits)
            .dream(mean(usage.dimension_bits))
            .other("most possible", (frame.code_levels as f64).log2()),
        Figure::new(FAMILY, format!("distinct tokens among {}", usage.tokens), Unit::Percent).dream(usage.distinct),
        Figure::new(FAMILY, "entropy of whole tokens", Unit::Bits)
            .dream(usage.token_bits)
            .other("most possible", (usage.tokens as f64).log2()),
        Figure::new(FAMILY, "flicker: patches that stay, tokens that change", Unit::Percent)
            .low_is_better()
            .dream(Score::pooled(percent(all_flickered).unwrap_or_default(), &flickered, Better::Low))
            .other("of all patches stay", percent(stayed).unwrap_or_default()),
    ];
    if let Some(vocabulary) = Vocabulary::of(pack)? {
        let name = format!("of the vocabulary's {} tokens those among {}", vocabulary.keys().len(), usage.tokens);
        figures.push(Figure::new(FAMILY, name, Unit::Percent).dream(used_of(&vocabulary, &codes, &frame)));
    }
    Ok(figures)
}

/// Percent of a vocabulary's tokens that occur among some, codes `(tokens, dims)`.
fn used_of(vocabulary: &Vocabulary, codes: &[u8], frame: &FrameDims) -> f64 {
    let used: BTreeSet<u32> = codes.chunks_exact(frame.code_dims).map(|token| key(token, frame)).collect();
    share_of(vocabulary.keys(), |key| used.contains(key))
}

/// Whether patch `n` has the same pixels in both frames, give or take `noise`.
fn same_patch(a: &[u8], b: &[u8], n: usize, noise: u8, frame: &FrameDims) -> bool {
    let [x, y] = frame.cell(n).map(|at| at * frame.patch_px);
    (y..y + frame.patch_px).all(|row| {
        let at = (row * frame.width_px + x) * 3..(row * frame.width_px + x + frame.patch_px) * 3;
        a[at.clone()].iter().zip(&b[at]).all(|(a, b)| a.abs_diff(*b) <= noise)
    })
}

/// How much of the codebook some tokens use.
struct Usage {
    tokens: usize,
    /// Percent of all levels of all dimensions that occur.
    levels_used: f64,
    dimension_bits: Vec<f64>,
    /// Distinct tokens in percent of the tokens counted.
    distinct: f64,
    token_bits: f64,
}

impl Usage {
    /// `codes`: `(tokens, dims)`.
    fn of(codes: &[u8], dims: usize, levels: usize) -> Self {
        let mut by_dimension = vec![vec![0u32; levels]; dims];
        let mut whole: BTreeMap<&[u8], u32> = BTreeMap::new();
        for token in codes.chunks_exact(dims) {
            *whole.entry(token).or_default() += 1;
            by_dimension.iter_mut().zip(token).for_each(|(counts, level)| counts[usize::from(*level)] += 1);
        }
        let tokens = codes.len() / dims;
        let used = by_dimension.iter().flatten().filter(|count| **count > 0).count();
        Self {
            tokens,
            levels_used: 100.0 * used as f64 / (dims * levels) as f64,
            dimension_bits: by_dimension.iter().map(|counts| entropy_bits(counts.iter().copied())).collect(),
            distinct: 100.0 * whole.len() as f64 / tokens.max(1) as f64,
            token_bits: entropy_bits(whole.into_values()),
        }
    }
}

/// Entropy of the distribution that some counts are drawn from, by their shares.
pub fn entropy_bits(counts: impl Iterator<Item = u32>) -> f64 {
    let counts: Vec<f64> = counts.filter(|count| *count > 0).map(f64::from).collect();
    let all: f64 = counts.iter().sum();
    counts.iter().map(|count| -(count / all) * (count / all).log2()).sum()
}

/// Mean structural similarity (Wang et al. 2004) of the luma of two RGB pictures, over square windows of even weight.
fn ssim(a: &[u8], b: &[u8], width_px: usize) -> f64 {
    let luma = |rgb: &[u8]| -> Vec<f64> {
        rgb.chunks_exact(3).map(|p| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2])).collect()
    };
    let (a, b) = (luma(a), luma(b));
    let height_px = a.len() / width_px;
    let (c1, c2) = ((0.01f64 * 255.0).powi(2), (0.03f64 * 255.0).powi(2));
    let mut values = Vec::new();
    for y in (0..=height_px - SSIM_WINDOW).step_by(SSIM_STRIDE) {
        for x in (0..=width_px - SSIM_WINDOW).step_by(SSIM_STRIDE) {
            let pixels = || (y..y + SSIM_WINDOW).flat_map(|row| (x..x + SSIM_WINDOW).map(move |column| row * width_px + column));
            let n = (SSIM_WINDOW * SSIM_WINDOW) as f64;
            let average = |of: &dyn Fn(usize) -> f64| pixels().map(of).sum::<f64>() / n;
            let (mean_a, mean_b) = (average(&|i| a[i]), average(&|i| b[i]));
            let (var_a, var_b) = (average(&|i| (a[i] - mean_a).powi(2)), average(&|i| (b[i] - mean_b).powi(2)));
            let covariance = average(&|i| (a[i] - mean_a) * (b[i] - mean_b));
            values.push(
                (2.0 * mean_a * mean_b + c1) * (2.0 * covariance + c2) / ((mean_a.powi(2) + mean_b.powi(2) + c1) * (var_a + var_b + c2)),
            );
        }
    }
    mean(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structural_similarity_is_one_for_equals_and_falls_with_noise() {
        let picture: Vec<u8> = (0..16 * 16 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let mirrored: Vec<u8> = picture.iter().rev().copied().collect();
        assert!((ssim(&picture, &picture, 16) - 1.0).abs() < 1e-9);
        assert!(ssim(&picture, &mirrored, 16) < 0.5);
    }

    #[test]
    fn what_is_used_of_a_vocabulary_is_counted_once_and_in_it_alone() {
        let frame = FrameDims { width_px: 2, height_px: 2, patch_px: 1, rate_hz: 1, code_dims: 2, code_levels: 4, look: false };
        let vocabulary = Vocabulary::new(vec![1, 2, 4, 15], &frame);
        // Tokens 1, 1 and 15; 3 is none of it.
        assert_eq!(used_of(&vocabulary, &[0, 1, 0, 1, 3, 3, 0, 3], &frame), 50.0);
        assert_eq!(used_of(&vocabulary, &[0, 3], &frame), 0.0);
    }

    #[test]
    fn a_patch_stays_though_its_pixels_are_noisy() {
        let frame = FrameDims { width_px: 4, height_px: 2, patch_px: 2, rate_hz: 1, code_dims: 1, code_levels: 2, look: false };
        let before: Vec<u8> = (0..24).collect();
        let mut after = before.clone();
        // The last value of the second patch.
        after[23] += 3;
        let stay = |noise: u8| [0, 1].map(|n| same_patch(&before, &after, n, noise, &frame));
        assert_eq!([0, 2, 3].map(stay), [[true, false], [true, false], [true, true]]);
    }

    #[test]
    fn usage_counts_levels_and_tokens() {
        // Two dimensions of four levels: tokens (0, 1), (0, 1), (2, 1), (2, 3).
        let usage = Usage::of(&[0, 1, 0, 1, 2, 1, 2, 3], 2, 4);
        assert_eq!((usage.levels_used, usage.distinct), (50.0, 75.0));
        assert!((usage.dimension_bits[0] - 1.0).abs() < 1e-9 && (usage.token_bits - 1.5).abs() < 1e-9);
    }
}
