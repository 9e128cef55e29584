//! Multi-head attention: inside a frame, over time, to a prompt.

/// Softmax of each row, in place. `x`: `(rows, columns)`.
pub fn softmax(x: &mut [f64], columns: usize) {
    for row in x.chunks_exact_mut(columns) {
        let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.iter_mut().for_each(|v| *v = (*v - max).exp());
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|v| *v /= sum);
    }
}

/// `softmax(q k^T / sqrt(dh) + bias) v` per head; head `h` owns channels `h*dh..(h+1)*dh`.
///
/// `q`: `(queries, channels)`, `k`, `v`: `(keys, channels)`, `bias`: `(heads, keys)` or empty; returns `(queries, channels)`.
pub fn attend(q: &[f64], k: &[f64], v: &[f64], bias: &[f64], heads: usize, channels: usize) -> Vec<f64> {
    let keys = k.len() / channels;
    let dh = channels / heads;
    let mut y = vec![0.0; q.len()];
    for (q_row, y_row) in q.chunks_exact(channels).zip(y.chunks_exact_mut(channels)) {
        for h in 0..heads {
            let own = h * dh..(h + 1) * dh;
            let mut scores: Vec<f64> = (0..keys)
                .map(|j| {
                    let k_head = &k[j * channels..][own.clone()];
                    let dot: f64 = q_row[own.clone()].iter().zip(k_head).map(|(a, b)| a * b).sum();
                    dot / (dh as f64).sqrt() + bias.get(h * keys + j).copied().unwrap_or(0.0)
                })
                .collect();
            softmax(&mut scores, keys);
            for (j, p) in scores.iter().enumerate() {
                let v_head = &v[j * channels..][own.clone()];
                for (o, x) in y_row[own.clone()].iter_mut().zip(v_head) {
                    *o += p * x;
                }
            }
        }
    }
    y
}

/// Splits rows of a fused projection `(rows, parts * channels)` into `parts` matrices `(rows, channels)`.
pub fn split_projection(x: &[f64], parts: usize, channels: usize) -> Vec<Vec<f64>> {
    (0..parts).map(|p| x.chunks_exact(parts * channels).flat_map(|row| row[p * channels..][..channels].iter().copied()).collect()).collect()
}

/// Keys and values of one frame in one temporal layer, each `(tokens, channels)`.
#[derive(Clone, Debug)]
pub struct KeysValues {
    pub k: Vec<f64>,
    pub v: Vec<f64>,
}

/// Attention of each position over time. `frames[age]` are the frames in sight, own frame first; `bias`: `(heads, window)`, of which
/// the first `frames.len()` ages are used; `q`: `(tokens, channels)`; returns the same shape.
pub fn attend_over_time(q: &[f64], frames: &[&KeysValues], bias: &[f64], heads: usize, channels: usize) -> Vec<f64> {
    let window = bias.len() / heads;
    let seen: Vec<f64> = bias.chunks_exact(window).flat_map(|ages| ages[..frames.len()].iter().copied()).collect();
    let mut y = Vec::with_capacity(q.len());
    for n in 0..q.len() / channels {
        let own = n * channels..(n + 1) * channels;
        let gather = |part: fn(&KeysValues) -> &[f64]| frames.iter().flat_map(|f| part(f)[own.clone()].iter().copied()).collect::<Vec<_>>();
        y.extend(attend(&q[own.clone()], &gather(|f| &f.k), &gather(|f| &f.v), &seen, heads, channels));
    }
    y
}
