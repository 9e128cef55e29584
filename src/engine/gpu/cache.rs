//! What one start leaves in the user's cache folder for the next. Every file there may be missing, stale or damaged: then it is made anew.

use std::path::{Path, PathBuf};

use crate::{checksum, whole_file};

/// Bytes of the checksum ahead of what a file holds.
const SUM_BYTES: usize = 8;

/// What [`write`] wrote there, if it is whole.
pub fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = std::fs::read(path).ok()?;
    let (sum, data) = bytes.split_first_chunk::<SUM_BYTES>()?;
    if u64::from_le_bytes(*sum) != checksum::of(data) {
        log::debug!("{} is damaged and will be made anew", path.display());
        return None;
    }
    bytes.drain(..SUM_BYTES);
    Some(bytes)
}

/// Puts `data` into a file, whole or not at all. Where that fails the next start is slower, and that is all.
pub fn write(path: &Path, data: &[u8]) {
    if let Err(why) = whole_file::write_in_folder(path, &[&checksum::of(data).to_le_bytes(), data].concat()) {
        log::debug!("{} cannot be written: {why}", path.display());
    }
}

/// Pipelines as the driver compiled them.
#[derive(Debug)]
pub struct PipelineStore {
    pub cache: wgpu::PipelineCache,
    path: PathBuf,
    /// What the file held at start: how much, and its checksum.
    found: Option<(usize, u64)>,
}

impl PipelineStore {
    /// `None` where the device keeps none.
    pub fn open(adapter: &wgpu::Adapter, device: &wgpu::Device, folder: &Path) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let path = folder.join(wgpu::util::pipeline_cache_key(&adapter.get_info())?);
        let data = read(&path);
        let descriptor = wgpu::PipelineCacheDescriptor { label: Some("pipelines"), data: data.as_deref(), fallback: true };
        // SAFETY: a checksum of ours says that the data is what `save` got from such a cache; whether it is of this device and driver wgpu
        // sees for itself.
        let cache = unsafe { device.create_pipeline_cache(&descriptor) };
        Some(Self { cache, path, found: data.map(|data| (data.len(), checksum::of(&data))) })
    }

    /// Bytes that an earlier start left.
    pub fn found_bytes(&self) -> usize {
        self.found.map_or(0, |(bytes, _)| bytes)
    }

    /// Leaves what was compiled to the next start.
    pub fn save(&self) {
        let data = self.cache.get_data().unwrap_or_default();
        if !data.is_empty() && self.found != Some((data.len(), checksum::of(&data))) {
            write(&self.path, &data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("file");
        assert_eq!(read(&path), None);
        write(&path, b"what was written");
        assert_eq!(read(&path).as_deref(), Some(&b"what was written"[..]));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left there");
        let whole = std::fs::read(&path).unwrap();
        for damaged in [&whole[..whole.len() - 1], &whole[..5], &[]] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(read(&path), None);
        }
        let mut flipped = whole.clone();
        flipped[SUM_BYTES] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        assert_eq!(read(&path), None);
        // A folder that cannot be made is no error.
        write(&path.join("below a file"), b"lost");
    }
}
