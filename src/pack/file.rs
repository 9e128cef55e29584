//! Reading and writing pack files.

use super::{
    Pack, PackDtype, PackError, PackTensor,
    manifest::{FORMAT_VERSION, Manifest},
    tensor_specs,
    validate::limits,
};
use crate::whole_file;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
    path::Path,
};

/// Metadata key of the manifest.
const MANIFEST_KEY: &str = "somnium";

fn foreign(why: impl std::fmt::Display) -> PackError {
    PackError::Foreign(one_line(&why.to_string()))
}

/// Text of a file may end up in messages: control characters go, and so does length.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

impl Pack {
    /// Reads and checks a pack: size and header before anything is allocated, then the manifest, then every tensor's name, type, shape
    /// and values.
    pub fn read(path: &Path) -> Result<Self, PackError> {
        read_bounded(path).and_then(|bytes| Self::from_bytes(&bytes)).map_err(|e| e.at(path))
    }

    /// [`Pack::read`] of a file already in memory.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PackError> {
        let header_bytes = bytes.first_chunk::<8>().map(|b| u64::from_le_bytes(*b)).ok_or_else(|| foreign("it is too short"))?;
        if header_bytes > limits::HEADER_BYTES {
            return Err(foreign("its header is longer than a pack's may be"));
        }
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(foreign)?;
        let json = header.metadata().as_ref().and_then(|m| m.get(MANIFEST_KEY));
        let manifest = parse_manifest(json.ok_or_else(|| foreign("it is a safetensors file without a somnium manifest"))?)?;
        // Before anything is copied: the manifest is sane and no tensor is foreign to it.
        let specs = tensor_specs(&manifest)?;
        let file = SafeTensors::deserialize(bytes).map_err(foreign)?;
        let mut tensors = BTreeMap::new();
        for spec in &specs {
            let view = file.tensor(&spec.name).map_err(|_| PackError::Missing(spec.name.clone()))?;
            let dtype = dtype_from(view.dtype()).ok_or_else(|| PackError::Dtype {
                name: spec.name.clone(),
                expected: format!("{:?}", spec.dtype),
                got: format!("{:?}", view.dtype()),
            })?;
            let tensor = PackTensor { dtype, shape: view.shape().to_vec(), bytes: view.data().to_vec() };
            tensors.insert(spec.name.clone(), tensor);
        }
        if let Some(name) = file.names().into_iter().filter(|name| !tensors.contains_key(*name)).min() {
            return Err(PackError::Unexpected(one_line(name)));
        }
        Self::new(manifest, tensors)
    }

    /// The pack as the bytes of a file; fails where the pack would not be read again.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PackError> {
        self.validate()?;
        let json = serde_json::to_string(&self.manifest).map_err(|e| PackError::ManifestJson(one_line(&e.to_string())))?;
        let mut views = Vec::with_capacity(self.tensors.len());
        for (name, t) in &self.tensors {
            views.push((name, TensorView::new(dtype_to(t.dtype), t.shape.clone(), &t.bytes).map_err(foreign)?));
        }
        safetensors::serialize(views, Some(HashMap::from([(MANIFEST_KEY.to_owned(), json)]))).map_err(foreign)
    }

    /// Writes the pack whole or not at all: to a temporary file beside `path`, then renamed.
    pub fn write(&self, path: &Path) -> Result<(), PackError> {
        let bytes = self.to_bytes().map_err(|e| e.at(path))?;
        whole_file::write(path, &bytes).map_err(|source| PackError::Io { doing: "written", source }.at(path))
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, PackError> {
    let io = |source| PackError::Io { doing: "read", source };
    // Asked before opening: opening a named pipe would wait for its other end.
    let meta = std::fs::metadata(path).map_err(io)?;
    if !meta.is_file() {
        return Err(PackError::NotAFile);
    }
    let file = File::open(path).map_err(io)?;
    if meta.len() > limits::FILE_BYTES {
        return Err(PackError::TooLarge { bytes: meta.len(), limit: limits::FILE_BYTES });
    }
    let mut bytes = Vec::new();
    file.take(limits::FILE_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

fn parse_manifest(json: &str) -> Result<Manifest, PackError> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    // The version first: what else a manifest of another version holds is not ours to judge.
    let error = |e: serde_json::Error| PackError::ManifestJson(one_line(&e.to_string()));
    let version: Version = serde_json::from_str(json).map_err(error)?;
    if version.format_version != FORMAT_VERSION {
        return Err(PackError::Version { found: version.format_version, reads: FORMAT_VERSION });
    }
    serde_json::from_str(json).map_err(error)
}

fn dtype_from(dtype: Dtype) -> Option<PackDtype> {
    match dtype {
        Dtype::F16 => Some(PackDtype::F16),
        Dtype::F32 => Some(PackDtype::F32),
        Dtype::U8 => Some(PackDtype::U8),
        _ => None,
    }
}

fn dtype_to(dtype: PackDtype) -> Dtype {
    match dtype {
        PackDtype::F16 => Dtype::F16,
        PackDtype::F32 => Dtype::F32,
        PackDtype::U8 => Dtype::U8,
    }
}
