//! A pack's tensors as f64, by name.

use crate::pack::Pack;
use std::collections::HashMap;

pub struct Weights(HashMap<String, Vec<f64>>);

impl Weights {
    /// All tensors of a pack but the parity clip.
    pub fn from_pack(pack: &Pack) -> Self {
        let of_model = pack.tensors.iter().filter(|(name, _)| !name.starts_with("parity."));
        Self(of_model.map(|(name, t)| (name.clone(), t.f32s().into_iter().map(f64::from).collect())).collect())
    }

    /// The tensor of that name; empty where the pack has none, as a linear layer without bias.
    pub fn get(&self, name: &str) -> &[f64] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// `x NAME.w + NAME.b`, `NAME.b` left out where there is none. `x`: `(rows, inner)`.
    pub fn linear(&self, name: &str, x: &[f64], inner: usize) -> Vec<f64> {
        super::matmul::matmul(x, self.get(&format!("{name}.w")), self.get(&format!("{name}.b")), inner)
    }
}
