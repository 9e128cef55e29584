//! Clips as the dynamics sees them: codes, actions and words, encoded once by the trained tokenizer and kept in one file.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Marks "no action recorded" or "no code inferred".
pub const NONE: u8 = 255;

/// `clips` clips of `frames` frames each.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenClips {
    pub clips: usize,
    pub frames: usize,
    /// Bytes of codes a frame, `N * D`.
    pub code_bytes: usize,
    /// Words a caption, padded with 0.
    pub words_per_frame: usize,
    /// `(clips, frames, N, D)` levels.
    pub codes: Vec<u8>,
    /// `(clips, frames)` recorded action into each frame.
    pub recorded: Vec<u8>,
    /// `(clips, frames)` code the latent action model inferred.
    pub inferred: Vec<u8>,
    /// `(clips, frames, words)` word ids.
    pub words: Vec<u16>,
}

impl TokenClips {
    pub fn new(frames: usize, code_bytes: usize, words_per_frame: usize) -> Self {
        Self {
            clips: 0,
            frames,
            code_bytes,
            words_per_frame,
            codes: Vec::new(),
            recorded: Vec::new(),
            inferred: Vec::new(),
            words: Vec::new(),
        }
    }

    /// Codes of one frame, `(N, D)`.
    pub fn frame(&self, clip: usize, frame: usize) -> &[u8] {
        let start = (clip * self.frames + frame) * self.code_bytes;
        &self.codes[start..start + self.code_bytes]
    }

    /// Word ids of one frame, 0 where there is none.
    pub fn frame_words(&self, clip: usize, frame: usize) -> &[u16] {
        let start = (clip * self.frames + frame) * self.words_per_frame;
        &self.words[start..start + self.words_per_frame]
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let words: Vec<u8> = self.words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let (c, f) = (self.clips, self.frames);
        let views = [
            ("codes", TensorView::new(Dtype::U8, vec![c, f, self.code_bytes], &self.codes)?),
            ("recorded", TensorView::new(Dtype::U8, vec![c, f], &self.recorded)?),
            ("inferred", TensorView::new(Dtype::U8, vec![c, f], &self.inferred)?),
            ("words", TensorView::new(Dtype::U16, vec![c, f, self.words_per_frame], &words)?),
        ];
        let fresh = path.with_extension("new");
        safetensors::serialize_to_file(views, None, &fresh)?;
        std::fs::rename(&fresh, path).with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = SafeTensors::deserialize(&bytes).with_context(|| format!("{} holds no tokens", path.display()))?;
        let codes = file.tensor("codes")?;
        let words = file.tensor("words")?;
        let (&[clips, frames, code_bytes], &[_, _, words_per_frame]) = (codes.shape(), words.shape()) else {
            anyhow::bail!("{}: codes and words must have three dimensions", path.display());
        };
        let bytes_of = |name: &str| -> Result<Vec<u8>> {
            let tensor = file.tensor(name)?;
            ensure!(tensor.data().len() == clips * frames, "{}: {name} has {:?}", path.display(), tensor.shape());
            Ok(tensor.data().to_vec())
        };
        Ok(Self {
            clips,
            frames,
            code_bytes,
            words_per_frame,
            codes: codes.data().to_vec(),
            recorded: bytes_of("recorded")?,
            inferred: bytes_of("inferred")?,
            words: words.data().chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect(),
        })
    }
}

/// Ids of a caption's words, at most `limit`, padded with 0. Unknown words are left out.
pub fn word_ids(caption: &[String], vocabulary: &[String], limit: usize) -> Vec<u16> {
    let known = caption.iter().filter_map(|word| vocabulary.iter().position(|known| known == word));
    let mut ids: Vec<u16> = known.map(|i| (i + 1) as u16).take(limit).collect();
    ids.resize(limit, 0);
    ids
}
