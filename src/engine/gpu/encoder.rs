//! Pictures to tokens for the GPU engine: start frames are not on the frame path, so the host's tokenizer does it.

use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::{Engine, EngineError};
use crate::pack::Pack;

/// The tokenizer of a pack; set up when the first picture comes.
pub struct HostEncoder {
    /// Tokenizer only.
    pack: Pack,
    engine: Option<CpuEngine>,
}

impl HostEncoder {
    pub fn new(pack: &Pack) -> Self {
        let mut manifest = pack.manifest.clone();
        (manifest.dynamics, manifest.lam, manifest.parity) = (None, None, None);
        let tensors = pack.tensors.iter().filter(|(name, _)| name.starts_with("tok.")).map(|(n, t)| (n.clone(), t.clone())).collect();
        Self { pack: Pack { manifest, tensors }, engine: None }
    }

    /// Tokens `(tokens, code_dims)` of an RGB picture of the pack's frame size.
    ///
    /// # Errors
    /// [`EngineError::Input`] for a picture of another size.
    pub fn encode(&mut self, rgb: &[u8]) -> Result<Vec<u8>, EngineError> {
        match &mut self.engine {
            Some(engine) => engine.encode(rgb),
            none => none.insert(CpuEngine::new(&self.pack, CpuOptions { threads: Some(1), ..CpuOptions::default() })?).encode(rgb),
        }
    }
}
