//! World packs: format, validation, reading and writing.
//!
//! A pack is one `.safetensors` file with its [`Manifest`] as JSON under the metadata key `somnium`. [`tensor_specs`] says which tensors a
//! manifest asks for; reader and writer both hold a pack to it. Nothing in a file can make the reader panic or allocate more than the file
//! is long.

mod file;
pub mod manifest;
pub mod random;
pub mod spec;
mod validate;

use half::f16;
use manifest::Manifest;
use std::{collections::BTreeMap, path::PathBuf};

pub use spec::{TensorSpec, tensor_specs};
pub use validate::limits;

/// A world: its manifest and every tensor that manifest asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Pack {
    pub manifest: Manifest,
    pub tensors: BTreeMap<String, PackTensor>,
}

/// Element type of a stored tensor, little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackDtype {
    F16,
    F32,
    U8,
}

impl PackDtype {
    pub fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
            Self::U8 => 1,
        }
    }
}

/// One tensor, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct PackTensor {
    pub dtype: PackDtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl PackTensor {
    /// Rounds `values` to f16; `values.len()` is the product of `shape`.
    pub fn from_f32s_as_f16(shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect();
        Self { dtype: PackDtype::F16, shape: shape.to_vec(), bytes }
    }

    pub fn from_f32s(shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { dtype: PackDtype::F32, shape: shape.to_vec(), bytes }
    }

    pub fn from_u8s(shape: &[usize], values: &[u8]) -> Self {
        Self { dtype: PackDtype::U8, shape: shape.to_vec(), bytes: values.to_vec() }
    }

    /// Number of elements that the bytes hold.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.bytes()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The elements as f32, whatever the stored type.
    pub fn f32s(&self) -> Vec<f32> {
        match self.dtype {
            PackDtype::F16 => self.bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            PackDtype::F32 => self.bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            PackDtype::U8 => self.bytes.iter().map(|&b| f32::from(b)).collect(),
        }
    }

    /// The bytes of a U8 tensor.
    pub fn u8s(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

/// What is wrong with a pack, in one sentence.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("{}: {error}", path.display())]
    At { path: PathBuf, error: Box<PackError> },
    #[error("cannot be {doing}: {source}")]
    Io { doing: &'static str, source: std::io::Error },
    #[error("is not a file")]
    NotAFile,
    #[error("has {bytes} bytes, more than the {limit} a world pack may have")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("is not a world pack: {0}")]
    Foreign(String),
    #[error("has pack format version {found}; this is somnium {}, which reads version {reads}{}", env!("CARGO_PKG_VERSION"),
        if found > reads { ": a newer somnium is needed" } else { "" })]
    Version { found: u32, reads: u32 },
    #[error("the manifest cannot be understood: {0}")]
    ManifestJson(String),
    #[error("the manifest's {field} {problem}")]
    Manifest { field: String, problem: String },
    #[error("tensor {0} is missing")]
    Missing(String),
    #[error("tensor {0} does not belong into this pack")]
    Unexpected(String),
    #[error("tensor {name} has dtype {got}, expected {expected}")]
    Dtype { name: String, expected: String, got: String },
    #[error("tensor {name} has shape {got:?}, expected {expected:?}")]
    Shape { name: String, expected: Vec<usize>, got: Vec<usize> },
    #[error("tensor {name} holds {bytes} bytes where its shape asks for {expected}")]
    Length { name: String, bytes: usize, expected: usize },
    #[error("tensor {name} holds {value} at index {index}")]
    NotFinite { name: String, index: usize, value: f32 },
    #[error("tensor {name} holds {value} at index {index}, more than the largest allowed value {max}")]
    OutOfRange { name: String, index: usize, value: u8, max: u8 },
}

impl PackError {
    fn at(self, path: &std::path::Path) -> Self {
        Self::At { path: path.to_path_buf(), error: Box::new(self) }
    }
}

impl Pack {
    /// A pack from parts, held to the same rules as one read from a file.
    pub fn new(manifest: Manifest, tensors: BTreeMap<String, PackTensor>) -> Result<Self, PackError> {
        let pack = Self { manifest, tensors };
        pack.validate()?;
        Ok(pack)
    }

    /// The tensor of that name as f32. A validated pack holds every name that [`tensor_specs`] lists.
    pub fn f32s(&self, name: &str) -> Result<Vec<f32>, PackError> {
        self.tensors.get(name).map(PackTensor::f32s).ok_or_else(|| PackError::Missing(name.to_owned()))
    }

    /// The U8 tensor of that name.
    pub fn u8s(&self, name: &str) -> Result<Vec<u8>, PackError> {
        self.tensors.get(name).map(PackTensor::u8s).ok_or_else(|| PackError::Missing(name.to_owned()))
    }

    /// Number of weights: everything but parity clip and vocabulary.
    pub fn parameters(&self) -> usize {
        self.tensors.iter().filter(|(_, t)| t.dtype == PackDtype::F16).map(|(_, t)| t.len()).sum()
    }
}
