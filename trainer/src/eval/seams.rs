//! Seams: whether patches that lie side by side in a dream fit together, as far as the simulator shows which do.

use std::collections::HashMap;

use somnium::pack::manifest::Manifest;

use super::free::Played;
use super::report::{Better, Figure, Score, Unit};
use super::rollout::Rollout;

/// Levels of two tokens that lie side by side or one above the other, after the axis.
type Seam = (usize, [Vec<u8>; 2]);

/// How often which were seen.
#[derive(Default)]
pub struct Seams(HashMap<Seam, u32>);

impl Seams {
    /// Counts the seams of a frame, codes `(tokens, code_dims)`. What lies under the figure is left out: it stands before any land.
    pub fn add(&mut self, manifest: &Manifest, codes: &[u8]) {
        let (frame, recall) = (&manifest.frame, manifest.recall());
        let is_land = |n: &usize| recall.is_none_or(|recall| recall.scrolls(*n, frame));
        let token = |n: usize| codes[n * frame.code_dims..][..frame.code_dims].to_vec();
        for n in (0..frame.patches()).filter(is_land) {
            let [_, right, _, below] = frame.beside(n);
            for (axis, other) in [right, below].into_iter().enumerate() {
                if let Some(other) = other.filter(is_land) {
                    *self.0.entry((axis, [token(n), token(other)])).or_default() += 1;
                }
            }
        }
    }
}

/// Percent of the seams of a rollout that no land of `simulated` shows but the one the rollout begins in.
pub fn figure(all: &Played, simulated: &[&Rollout]) -> Figure {
    // The seed of the only land that shows a seam, or none where several do.
    let mut lands: HashMap<_, Option<u64>> = HashMap::new();
    for rollout in simulated {
        for seam in rollout.seams.0.keys() {
            let land = lands.entry(seam).or_insert(Some(rollout.seed));
            *land = land.filter(|seed| *seed == rollout.seed);
        }
    }
    let strange = |rollout: &Rollout| {
        let is_strange = |seam: &Seam| lands.get(seam).is_none_or(|land| *land == Some(rollout.seed));
        let [mut all, mut strange] = [0.0; 2];
        for (seam, count) in &rollout.seams.0 {
            all += f64::from(*count);
            strange += if is_strange(seam) { f64::from(*count) } else { 0.0 };
        }
        100.0 * strange / f64::max(all, 1.0)
    };
    let figure = Figure::new("stability", "seams that no other land of the simulator shows", Unit::Percent).low_is_better();
    all.row(figure, |rollouts| Score::mean_of(rollouts.iter().map(|r| strange(r)), Better::Low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use somnium::pack::random;

    #[test]
    fn seams_that_other_lands_show_are_not_strange() {
        let manifest = random::look_manifest();
        let (n, d) = (manifest.frame.tokens(), manifest.frame.code_dims);
        let rollout = |seed: u64, frames: &[u8]| {
            let mut rollout = Rollout { seed, ..Rollout::default() };
            for level in frames {
                rollout.seams.add(&manifest, &vec![*level; n * d]);
            }
            rollout
        };
        let lands = [rollout(1, &[0]), rollout(2, &[0, 1]), rollout(2, &[1])];
        let score = |dreamed: &Rollout| {
            let all = Played { dream: vec![dreamed], simulator: vec![&lands[1]], copy: Vec::new(), shift: Vec::new() };
            let figure = figure(&all, &lands.iter().collect::<Vec<_>>()).to_json();
            ["dream", "simulator"].map(|of| figure[of]["mean"].as_f64())
        };
        // Level 0 lies beside itself in two lands, level 1 in one, level 2 in none.
        assert_eq!(score(&rollout(1, &[0, 1, 1, 1])), [Some(0.0), Some(50.0)]);
        assert_eq!(score(&rollout(2, &[0, 1, 1, 1])), [Some(75.0), Some(50.0)]);
        assert_eq!(score(&rollout(9, &[2, 0])), [Some(50.0), Some(50.0)]);
    }

    #[test]
    fn a_seam_has_a_way_and_the_figure_none() {
        let manifest = random::look_manifest();
        let (n, d, w) = (manifest.frame.tokens(), manifest.frame.code_dims, manifest.frame.grid_w());
        let of = |codes: &[u8]| {
            let mut seams = Seams::default();
            seams.add(&manifest, codes);
            seams.0
        };
        let rows: Vec<u8> = (0..n * d).map(|i| (i / d / w % 2) as u8).collect();
        let columns: Vec<u8> = (0..n * d).map(|i| (i / d % w % 2) as u8).collect();
        assert!(of(&rows).keys().any(|seam| !of(&columns).contains_key(seam)));
        let mut other = vec![0; n * d];
        let plain = of(&other);
        let recall = manifest.dynamics.as_ref().and_then(|d| d.recall.clone()).expect("a map");
        let covered = *recall.covered.first().expect("a figure");
        other[covered * d] = 1;
        assert_eq!(of(&other), plain);
        other[0] = 1;
        assert_ne!(of(&other), plain);
    }
}
