//! The Frechet distance between two sets of clips, as normal distributions of features.

use super::rollout::Rollout;

/// Frames of a clip.
const CLIP_FRAMES: usize = 16;
const SWEEPS: usize = 30;

/// Features of every whole clip of some rollouts: means over the clip, then mean changes from frame to frame.
pub fn clips(rollouts: &[&Rollout]) -> Vec<Vec<f64>> {
    let of_clip = |readings: &[crate::probe::Reading]| {
        let width = readings[0].features.len();
        let feature = |t: usize, i: usize| f64::from(readings[t].features[i]);
        let n = readings.len();
        let means = (0..width).map(|i| (0..n).map(|t| feature(t, i)).sum::<f64>() / n as f64);
        let changes = (0..width).map(|i| (1..n).map(|t| (feature(t, i) - feature(t - 1, i)).abs()).sum::<f64>() / (n - 1) as f64);
        means.chain(changes).collect()
    };
    rollouts.iter().flat_map(|r| r.readings(0..r.steps.len()).chunks_exact(CLIP_FRAMES).map(of_clip)).collect()
}

/// `|mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2))`; infinite where one set is empty.
pub fn distance(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return f64::INFINITY;
    }
    let ((mean_a, a), (mean_b, b)) = (moments(a), moments(b));
    let apart: f64 = mean_a.iter().zip(&mean_b).map(|(a, b)| (a - b).powi(2)).sum();
    let n = mean_a.len();
    let trace = |m: &[f64]| (0..n).map(|i| m[i * n + i]).sum::<f64>();
    // A B has the eigenvalues of R B R, where R is the root of A.
    let (values, vectors) = eigen(&a, n);
    let mut root = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            root[i * n + j] = (0..n).map(|k| vectors[i * n + k] * values[k].max(0.0).sqrt() * vectors[j * n + k]).sum();
        }
    }
    let (values, _) = eigen(&product(&product(&root, &b, n), &root, n), n);
    let cross: f64 = values.iter().map(|value| value.max(0.0).sqrt()).sum();
    (apart + trace(&a) + trace(&b) - 2.0 * cross).max(0.0)
}

/// Mean and covariance, row-major.
fn moments(rows: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let (n, count) = (rows[0].len(), rows.len() as f64);
    let mean: Vec<f64> = (0..n).map(|i| rows.iter().map(|row| row[i]).sum::<f64>() / count).collect();
    let mut covariance = vec![0.0; n * n];
    for row in rows {
        for i in 0..n {
            for j in 0..n {
                covariance[i * n + j] += (row[i] - mean[i]) * (row[j] - mean[j]) / (count - 1.0).max(1.0);
            }
        }
    }
    (mean, covariance)
}

fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; n * n];
    for i in 0..n {
        for k in 0..n {
            (0..n).for_each(|j| out[i * n + j] += a[i * n + k] * b[k * n + j]);
        }
    }
    out
}

/// Eigenvalues and, in the columns, eigenvectors of a symmetric matrix (cyclic Jacobi rotations).
fn eigen(matrix: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut m = matrix.to_vec();
    let mut vectors: Vec<f64> = (0..n * n).map(|i| f64::from(u8::from(i / n == i % n))).collect();
    let size: f64 = m.iter().map(|v| v * v).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n * n).filter(|i| i / n != i % n).map(|i| m[i] * m[i]).sum();
        if off <= 1e-22 * size {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if m[p * n + q] == 0.0 {
                    continue;
                }
                let theta = (m[q * n + q] - m[p * n + p]) / (2.0 * m[p * n + q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                let rotate = |x: &mut f64, y: &mut f64| (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
                for k in 0..n {
                    let (mut x, mut y) = (m[k * n + p], m[k * n + q]);
                    rotate(&mut x, &mut y);
                    (m[k * n + p], m[k * n + q]) = (x, y);
                    let (mut x, mut y) = (vectors[k * n + p], vectors[k * n + q]);
                    rotate(&mut x, &mut y);
                    (vectors[k * n + p], vectors[k * n + q]) = (x, y);
                }
                for k in 0..n {
                    let (mut x, mut y) = (m[p * n + k], m[q * n + k]);
                    rotate(&mut x, &mut y);
                    (m[p * n + k], m[q * n + k]) = (x, y);
                }
            }
        }
    }
    ((0..n).map(|i| m[i * n + i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Dice;

    /// Rows of independent numbers with these means and spreads.
    fn rows(count: usize, of: &[(f64, f64)], seed: u64) -> Vec<Vec<f64>> {
        let mut dice = Dice::new(seed, 0);
        let mut normal = || (0..12).map(|_| f64::from(dice.unit())).sum::<f64>() - 6.0;
        (0..count).map(|_| of.iter().map(|(mean, spread)| mean + spread * normal()).collect()).collect()
    }

    #[test]
    fn distance_is_that_of_the_normal_distributions() {
        let a = rows(20_000, &[(0.0, 1.0), (2.0, 3.0), (0.0, 0.5)], 1);
        assert!(distance(&a, &a) < 1e-6);
        assert!(distance(&a, &rows(20_000, &[(0.0, 1.0), (2.0, 3.0), (0.0, 0.5)], 2)) < 0.01);
        // Means 1 and 2 apart, spreads 3 and 1: 1 + 4 + (3 - 1)^2.
        let b = rows(20_000, &[(1.0, 1.0), (0.0, 1.0), (0.0, 0.5)], 3);
        assert!((distance(&a, &b) - 9.0).abs() < 0.3, "{}", distance(&a, &b));
        assert_eq!(distance(&a, &[]), f64::INFINITY);
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let n = 6;
        let half = rows(n, &[(0.0, 1.0); 6], 4).concat();
        let transposed: Vec<f64> = (0..n * n).map(|i| half[i % n * n + i / n]).collect();
        let matrix = product(&half, &transposed, n);
        let (values, vectors) = eigen(&matrix, n);
        for i in 0..n {
            for j in 0..n {
                let rebuilt: f64 = (0..n).map(|k| vectors[i * n + k] * values[k] * vectors[j * n + k]).sum();
                assert!((rebuilt - matrix[i * n + j]).abs() < 1e-9);
            }
        }
    }
}
