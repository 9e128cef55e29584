//! The pure pieces of decoding a frame, shared by every engine: random numbers, how many tokens stay masked, in which order they are
//! settled, and the choice of levels. `docs/MODEL.md` defines them.

use super::UnmaskOrder;

/// Folds `x` into the running hash `h`.
pub fn mix(h: u32, x: u32) -> u32 {
    let h = (h ^ x).wrapping_mul(0x9E37_79B1);
    let h = (h ^ (h >> 15)).wrapping_mul(0x85EB_CA77);
    h ^ (h >> 13)
}

/// A random number of this name; the same name always gives the same number.
pub fn random(seed: u32, frame: u32, step: u32, token: u32, dim: u32) -> u32 {
    [seed, frame, step, token, dim].into_iter().fold(0x243F_6A88, mix)
}

/// Gumbel noise from random bits: `-ln(-ln u)`, `u` in (0, 1) from the upper 23 bits (with 24, adding a half would round up to `u = 1`).
pub fn gumbel(bits: u32) -> f32 {
    let u = ((bits >> 9) as f32 + 0.5) * (1.0 / 8_388_608.0);
    -(-u.ln()).ln()
}

/// Tokens that stay masked after step `step` (from 1) of `steps`, of `tokens` that are to be dreamed.
pub fn masked_after(tokens: usize, step: u32, steps: u32) -> usize {
    if step >= steps {
        return 0;
    }
    let angle = std::f64::consts::PI * f64::from(step) / (2.0 * f64::from(steps));
    (tokens as f64 * angle.cos()).floor() as usize
}

/// Fills `order` with the tokens `0..order.len()` in the order in which random decoding settles them.
pub fn random_order(seed: u32, frame: u32, order: &mut [u32]) {
    for (n, slot) in order.iter_mut().enumerate() {
        *slot = n as u32;
    }
    order.sort_unstable_by_key(|&n| (random(seed, frame, 0, n, 0), n));
}

/// Chooses the level of one code dimension.
///
/// `logits`: `(code_levels)` of dimension `dim`; levels less likely than `min_p` of the likeliest are left out. Returns the level and the
/// log-softmax of its logit at temperature 1. Of equal scores the lowest level wins.
pub fn sample_level(logits: &[f32], dim: usize, temperature: f32, min_p: f32, name: SampleName) -> (u8, f32) {
    let least = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max) + min_p.ln();
    let mut best = 0;
    let mut best_score = f32::NEG_INFINITY;
    for (l, &logit) in logits.iter().enumerate().filter(|(_, logit)| **logit >= least) {
        let score = if temperature > 0.0 { logit / temperature + name.gumbel((dim * logits.len() + l) as u32) } else { logit };
        if score > best_score {
            (best, best_score) = (l, score);
        }
    }
    (best as u8, log_softmax_at(logits, best))
}

/// What names the random numbers of one token's choice.
#[derive(Clone, Copy, Debug)]
pub struct SampleName {
    pub seed: u32,
    pub frame: u32,
    pub step: u32,
    pub token: u32,
}

impl SampleName {
    fn gumbel(self, dim: u32) -> f32 {
        gumbel(random(self.seed, self.frame, self.step, self.token, dim))
    }
}

fn log_softmax_at(row: &[f32], chosen: usize) -> f32 {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row[chosen] - max - row.iter().map(|x| (x - max).exp()).sum::<f32>().ln()
}

/// Settles the next tokens of a frame: clears `masked` of all but `stay` of the tokens that still carry it.
///
/// `order` is the frame's permutation of [`random_order`] under [`UnmaskOrder::Random`] and scratch space under
/// [`UnmaskOrder::Confidence`], where tokens of the highest `confidence` go first.
pub fn unmask(mode: UnmaskOrder, confidence: &[f32], stay: usize, order: &mut [u32], masked: &mut [bool]) {
    if mode == UnmaskOrder::Confidence {
        for (n, slot) in order.iter_mut().enumerate() {
            *slot = n as u32;
        }
        order.sort_unstable_by(|&a, &b| confidence[b as usize].total_cmp(&confidence[a as usize]).then(a.cmp(&b)));
    }
    let mut left = masked.iter().filter(|&&m| m).count();
    for &n in order.iter() {
        if left <= stay {
            break;
        }
        if std::mem::take(&mut masked[n as usize]) {
            left -= 1;
        }
    }
}

/// Settles what is certain besides: clears `masked` of tokens whose `confidence` is that of this probability or more.
pub fn settle_certain(certain: Option<f32>, confidence: &[f32], masked: &mut [bool]) {
    let Some(least) = certain.map(f32::ln) else { return };
    masked.iter_mut().zip(confidence).for_each(|(masked, &confidence)| *masked &= confidence < least);
}

/// Whether a step has anything to settle: the first always runs.
pub fn step_runs(step: u32, masked: &[bool], stay: usize) -> bool {
    step == 1 || masked.iter().filter(|&&m| m).count() > stay
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out by hand from the document, so that a change of the generator is noticed: recorded dreams depend on it.
    #[test]
    fn random_is_the_documented_hash() {
        let mut h: u32 = 0x243F_6A88;
        for x in [7u32, 3, 1, 62, 39] {
            h ^= x;
            h = h.wrapping_mul(0x9E37_79B1);
            h ^= h >> 15;
            h = h.wrapping_mul(0x85EB_CA77);
            h ^= h >> 13;
        }
        assert_eq!(random(7, 3, 1, 62, 39), h);
        assert_ne!(random(7, 3, 1, 62, 40), h);
    }

    #[test]
    fn uniform_enough_and_every_name_part_matters() {
        let mean = (0..10_000).map(|i| f64::from(random(1, 2, 3, i, 4))).sum::<f64>() / 10_000.0 / f64::from(u32::MAX);
        assert!((mean - 0.5).abs() < 0.02, "mean {mean}");
        let base = random(1, 2, 3, 4, 5);
        for other in [random(0, 2, 3, 4, 5), random(1, 0, 3, 4, 5), random(1, 2, 0, 4, 5), random(1, 2, 3, 0, 5), random(1, 2, 3, 4, 0)] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn gumbel_is_finite_at_both_ends_and_has_its_mean() {
        assert!(gumbel(0).is_finite() && gumbel(u32::MAX).is_finite());
        let mean = (0..20_000).map(|i| f64::from(gumbel(random(0, 0, 0, i, 0)))).sum::<f64>() / 20_000.0;
        assert!((mean - 0.5772).abs() < 0.03, "mean {mean}");
    }

    #[test]
    fn masked_counts_fall_to_nothing() {
        assert_eq!(masked_after(63, 1, 2), 44);
        assert_eq!(masked_after(63, 2, 2), 0);
        assert_eq!(masked_after(63, 1, 1), 0);
        for steps in 1..=8 {
            let counts: Vec<_> = (0..=steps).map(|s| masked_after(63, s, steps)).collect();
            assert_eq!(counts[0], 63);
            assert!(counts.windows(2).all(|w| w[1] < w[0]), "{counts:?}");
        }
    }

    #[test]
    fn order_is_a_permutation_that_changes_with_frame_and_seed() {
        let of = |seed, frame| {
            let mut order = vec![0; 63];
            random_order(seed, frame, &mut order);
            order
        };
        let mut sorted = of(1, 1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..63).collect::<Vec<_>>());
        assert_eq!(of(1, 1), of(1, 1));
        assert_ne!(of(1, 1), of(1, 2));
        assert_ne!(of(1, 1), of(2, 1));
    }

    #[test]
    fn sampling_follows_temperature_and_probabilities() {
        let logits = [3.0, -1.0, 0.0];
        let name = |token| SampleName { seed: 5, frame: 1, step: 1, token };
        let (level, confidence) = sample_level(&[0.0, 1.0, 0.5], 0, 0.0, 0.0, name(0));
        assert_eq!(level, 1);
        assert!((confidence - log_softmax_at(&[0.0, 1.0, 0.5], 1)).abs() < 1e-6);
        // Level 0 has probability e^3 / (e^3 + e^-1 + 1).
        let hits = (0..5000).filter(|&n| sample_level(&logits, 1, 1.0, 0.0, name(n)).0 == 0);
        let share = hits.count() as f64 / 5000.0;
        assert!((share - 0.936).abs() < 0.015, "share {share}");
    }

    #[test]
    fn levels_far_less_likely_than_the_likeliest_are_never_drawn() {
        let logits = [3.0, 1.0, 0.0, 2.9];
        let drawn = |min_p: f32| {
            let mut drawn = [false; 4];
            for token in 0..3000 {
                let name = SampleName { seed: 6, frame: 1, step: 1, token };
                drawn[usize::from(sample_level(&logits, 0, 1.0, min_p, name).0)] = true;
            }
            drawn
        };
        // e^-2 and e^-3 of the likeliest.
        assert_eq!(drawn(0.1), [true, true, false, true]);
        assert_eq!(drawn(0.2), [true, false, false, true]);
        assert_eq!(drawn(0.99), [true, false, false, false]);
        assert_eq!(drawn(0.0), [true; 4]);
    }

    #[test]
    fn equal_logits_give_the_lowest_level() {
        assert_eq!(sample_level(&[2.0, 2.0, 2.0], 0, 0.0, 0.0, SampleName { seed: 0, frame: 0, step: 1, token: 0 }).0, 0);
    }

    #[test]
    fn unmask_settles_in_order_and_keeps_the_rest() {
        let mut masked = [true; 4];
        let mut order = [2, 0, 3, 1];
        unmask(UnmaskOrder::Random, &[], 2, &mut order, &mut masked);
        assert_eq!(masked, [false, true, false, true]);
        // Token 3 is the most confident; token 1 ties with nobody that is still masked.
        unmask(UnmaskOrder::Confidence, &[9.0, -2.0, 9.0, -1.0], 1, &mut order, &mut masked);
        assert_eq!(masked, [false, true, false, false]);
        unmask(UnmaskOrder::Confidence, &[0.0; 4], 0, &mut order, &mut masked);
        assert_eq!(masked, [false; 4]);
        let mut masked = [true; 3];
        unmask(UnmaskOrder::Confidence, &[1.0; 3], 2, &mut [0; 3], &mut masked);
        assert_eq!(masked, [false, true, true], "ties go by token");
    }

    #[test]
    fn what_is_certain_is_settled_and_steps_without_work_are_left_out() {
        let half = 0.5f32.ln();
        let mut masked = [true, true, false, true];
        settle_certain(None, &[0.0; 4], &mut masked);
        assert_eq!(masked, [true, true, false, true]);
        settle_certain(Some(0.5), &[half, half - 0.01, half, f32::NEG_INFINITY], &mut masked);
        assert_eq!(masked, [false, true, false, true]);
        assert!(step_runs(1, &masked, 2) && !step_runs(2, &masked, 2) && step_runs(2, &masked, 1));
    }
}
