//! RMS norm, plain and modulated.

/// `x / sqrt(mean(x^2) + 1e-5)` of each row. `x`: `(rows, channels)`.
pub fn rms(x: &[f64], channels: usize) -> Vec<f64> {
    let mut y = x.to_vec();
    for row in y.chunks_exact_mut(channels) {
        let mean = row.iter().map(|v| v * v).sum::<f64>() / channels as f64;
        let scale = 1.0 / (mean + 1e-5).sqrt();
        row.iter_mut().for_each(|v| *v *= scale);
    }
    y
}

/// `rms(x) * (1 + gamma) + beta`. `x`: `(rows, channels)`, `gamma`, `beta`: `(channels)`.
pub fn modulated_rms(x: &[f64], gamma: &[f64], beta: &[f64]) -> Vec<f64> {
    let mut y = rms(x, gamma.len());
    for row in y.chunks_exact_mut(gamma.len()) {
        for ((v, g), b) in row.iter_mut().zip(gamma).zip(beta) {
            *v = *v * (1.0 + g) + b;
        }
    }
    y
}
