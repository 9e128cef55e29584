//! The pure pieces of decoding a frame, shared by every engine: random numbers, how many tokens stay masked, in which order they are
//! settled, and the choice of levels. `docs/MODEL.md` defines them.

use super::adjacency::Adjacency;
use super::{Chance, DecodeSettings, UnmaskOrder};

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

/// Share of the uncertain tokens before step `step` (from 1) of `steps` that stay masked after it: what the cosine schedule (MaskGIT, Chang et
/// al. 2022) leaves, by what it left one step before.
pub fn kept(step: u32, steps: u32) -> f32 {
    if step >= steps {
        return 0.0;
    }
    let masked = |step: u32| (std::f64::consts::FRAC_PI_2 * f64::from(step) / f64::from(steps)).cos();
    (masked(step) / masked(step - 1)) as f32
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
/// `logits`: `(code_levels)` of dimension `dim`; `allowed`: a bit for each level that may be chosen, one at least. Returns the level and the
/// log-softmax of its logit among the allowed ones at temperature 1. Of equal scores the lowest level wins.
pub fn sample_level(logits: &mut [f32], allowed: u64, dim: usize, Chance { temperature, min_p }: Chance, name: SampleName) -> (u8, f32) {
    let forbidden = logits.iter_mut().enumerate().filter(|(l, _)| allowed >> l & 1 == 0);
    forbidden.for_each(|(_, logit)| *logit = f32::NEG_INFINITY);
    let least = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max) + min_p.ln();
    let mut best = 0;
    let mut best_score = f32::NEG_INFINITY;
    for (l, &logit) in logits.iter().enumerate().filter(|(_, logit)| **logit >= least && logit.is_finite()) {
        let score = if temperature > 0.0 { logit / temperature + name.gumbel((dim * logits.len() + l) as u32) } else { logit };
        if score > best_score {
            (best, best_score) = (l, score);
        }
    }
    (best as u8, log_softmax_at(logits, best))
}

/// All levels.
pub const ANY_LEVEL: u64 = u64::MAX;

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

/// What a step has drawn.
#[derive(Clone, Copy)]
pub struct Drawn<'a> {
    /// `(tokens, code_dims)` levels.
    pub codes: &'a [u8],
    pub confidence: &'a [f32],
    /// Whether the map has something to offer for a token, or there is no map.
    pub offered: &'a [bool],
    pub adjacency: Option<&'a Adjacency>,
}

/// Settles tokens after a step: clears `masked` of those that are certain, and of all but a share, [`kept`], of the others.
///
/// A token whose turn it is stays masked if it does not fit one around it that is settled or had its turn before. Under [`UnmaskOrder::Random`]
/// `order` is the frame's permutation of [`random_order`]. Under [`UnmaskOrder::Confidence`] it is scratch space: tokens of the highest `confidence`
/// go first.
pub fn settle(s: &DecodeSettings, step: u32, drawn: Drawn, order: &mut [u32], masked: &mut [bool]) {
    let Drawn { codes, confidence, offered, adjacency } = drawn;
    if let Some(certain) = s.certain.map(f32::ln) {
        let certain = |(&confidence, &offered): (&f32, &bool)| confidence >= certain && (offered || s.new_land.is_none());
        masked.iter_mut().zip(confidence.iter().zip(offered)).for_each(|(masked, token)| *masked &= !certain(token));
    }
    if s.order == UnmaskOrder::Confidence {
        for (n, slot) in order.iter_mut().enumerate() {
            *slot = n as u32;
        }
        order.sort_unstable_by(|&a, &b| confidence[b as usize].total_cmp(&confidence[a as usize]).then(a.cmp(&b)));
    }
    let mut left = masked.iter().filter(|&&m| m).count();
    let stay = (left as f32 * kept(step, s.steps)) as usize;
    for (turn, &n) in order.iter().enumerate() {
        if left <= stay {
            break;
        }
        let n = n as usize;
        if masked[n] {
            left -= 1;
            let counts = |m: usize| !masked[m] || order[..turn].contains(&(m as u32));
            masked[n] = adjacency.is_some_and(|adjacency| adjacency.clashes(n, codes, counts));
        }
    }
}

/// Whether a step has anything to settle: the first always runs.
pub fn step_runs(step: u32, masked: &[bool]) -> bool {
    step == 1 || masked.contains(&true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn<'a>(confidence: &'a [f32], offered: &'a [bool]) -> Drawn<'a> {
        Drawn { codes: &[], confidence, offered, adjacency: None }
    }

    fn chance(temperature: f32, min_p: f32) -> Chance {
        Chance { temperature, min_p }
    }

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
        let after = |tokens: usize, step: u32, steps: u32| {
            let mut masked = vec![true; tokens];
            let s = DecodeSettings { steps, ..DecodeSettings::LEAST };
            let mut order: Vec<u32> = (0..tokens as u32).collect();
            (1..=step).for_each(|step| settle(&s, step, drawn(&vec![0.0; tokens], &[]), &mut order, &mut masked));
            masked.iter().filter(|&&m| m).count()
        };
        assert_eq!([after(63, 1, 2), after(63, 2, 2), after(63, 1, 1)], [44, 0, 0]);
        for steps in 1..=8 {
            let counts: Vec<_> = (0..=steps).map(|step| after(63, step, steps)).collect();
            assert_eq!(counts[0], 63);
            assert!(counts.windows(2).all(|w| w[1] < w[0]), "{counts:?}");
            // As the cosine has it, but for what each step rounds down.
            let cosine = |step: usize| 63.0 * (std::f64::consts::FRAC_PI_2 * step as f64 / f64::from(steps)).cos();
            assert!(
                counts.iter().enumerate().all(|(step, &n)| (-1e-9..step as f64 + 1e-9).contains(&(cosine(step) - n as f64))),
                "{counts:?}"
            );
        }
        assert_eq!(after(1, 1, 8), 0, "one token needs one step");
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
        let (level, confidence) = sample_level(&mut [0.0, 1.0, 0.5], ANY_LEVEL, 0, chance(0.0, 0.0), name(0));
        assert_eq!(level, 1);
        assert!((confidence - log_softmax_at(&[0.0, 1.0, 0.5], 1)).abs() < 1e-6);
        // Level 0 has probability e^3 / (e^3 + e^-1 + 1).
        let hits = (0..5000).filter(|&n| sample_level(&mut logits.clone(), ANY_LEVEL, 1, chance(1.0, 0.0), name(n)).0 == 0);
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
                drawn[usize::from(sample_level(&mut logits.clone(), ANY_LEVEL, 0, chance(1.0, min_p), name).0)] = true;
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
        let name = SampleName { seed: 0, frame: 0, step: 1, token: 0 };
        assert_eq!(sample_level(&mut [2.0, 2.0, 2.0], ANY_LEVEL, 0, chance(0.0, 0.0), name).0, 0);
        // Of what is allowed alone, and as if there were nothing else.
        assert_eq!(sample_level(&mut [2.0, 1.0, 0.0, 9.0], 0b0110, 0, chance(0.0, 0.0), name).0, 1);
        assert_eq!(sample_level(&mut [2.0, 1.0, 0.0], 0b100, 0, chance(1.0, 0.5), name), (2, 0.0));
    }

    #[test]
    fn unmask_settles_in_order_and_keeps_the_rest() {
        let random = DecodeSettings { steps: 2, ..DecodeSettings::LEAST };
        let confident = DecodeSettings { order: UnmaskOrder::Confidence, ..random };
        let mut masked = [true; 4];
        let mut order = [2, 0, 3, 1];
        settle(&random, 1, drawn(&[], &[]), &mut order, &mut masked);
        assert_eq!(masked, [false, true, false, true]);
        // Token 3 is the most confident; token 1 ties with nobody that is still masked.
        settle(&confident, 1, drawn(&[9.0, -2.0, 9.0, -1.0], &[]), &mut order, &mut masked);
        assert_eq!(masked, [false, true, false, false]);
        settle(&confident, 2, drawn(&[0.0; 4], &[]), &mut order, &mut masked);
        assert_eq!(masked, [false; 4]);
        let mut masked = [true; 3];
        settle(&confident, 1, drawn(&[1.0; 3], &[]), &mut [0; 3], &mut masked);
        assert_eq!(masked, [false, true, true], "ties go by token");
    }

    #[test]
    fn what_is_certain_is_settled_and_steps_without_work_are_left_out() {
        let half = 0.5f32.ln();
        let confidence = [half, half - 0.01, half, f32::NEG_INFINITY, half];
        let offered = [false, true, true, true, true];
        let under = |s: &DecodeSettings| {
            let mut masked = [true, true, false, true, true];
            settle(s, 1, drawn(&confidence, &offered), &mut [3, 1, 0, 2, 4], &mut masked);
            masked
        };
        let after = |certain: Option<f32>| under(&DecodeSettings { steps: 2, certain, ..DecodeSettings::LEAST });
        // Of four that are uncertain two stay, of two one.
        assert_eq!(after(None), [true, false, false, false, true]);
        assert_eq!(after(Some(0.5)), [false, true, false, false, false]);
        assert_eq!(after(Some(0.4)), [false; 5], "one that is uncertain needs no step more");
        let s = DecodeSettings { steps: 2, certain: Some(0.4), ..DecodeSettings::LEAST };
        // What the map has nothing of waits its turn, however likely it came out.
        assert_eq!(under(&DecodeSettings { new_land: Some(chance(0.0, 0.0)), ..s }), [true, false, false, false, false]);
        let mut masked = [true; 2];
        settle(&s, 1, drawn(&[half; 2], &[true; 2]), &mut [0, 1], &mut masked);
        assert!(step_runs(1, &masked) && !step_runs(2, &masked) && step_runs(2, &[false, true]));
    }
}
