//! Matrix product with bias.

/// `y = x w + bias`. `x`: `(rows, inner)`, `w`: `(inner, columns)`, `bias`: `(columns)` or empty; returns `(rows, columns)`.
pub fn matmul(x: &[f64], w: &[f64], bias: &[f64], inner: usize) -> Vec<f64> {
    let columns = w.len() / inner;
    let mut y = Vec::with_capacity(x.len() / inner * columns);
    for row in x.chunks_exact(inner) {
        let start = y.len();
        y.resize(start + columns, 0.0);
        let out = &mut y[start..];
        for (a, w_row) in row.iter().zip(w.chunks_exact(columns)) {
            for (o, b) in out.iter_mut().zip(w_row) {
                *o += a * b;
            }
        }
        for (o, b) in out.iter_mut().zip(bias) {
            *o += b;
        }
    }
    y
}

/// `x += y`, elementwise.
pub fn add(x: &mut [f64], y: &[f64]) {
    for (a, b) in x.iter_mut().zip(y) {
        *a += b;
    }
}
