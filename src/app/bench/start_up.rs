//! How long an engine takes to start on a graphics device, and whether it found there what an earlier start left.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::engine::gpu::GpuContext;
use crate::engine::gpu::cache::PipelineStore;

/// What is kept of pipelines and smaller than this is a header alone: such drivers keep them elsewhere, or not at all.
const LEAST_BYTES: usize = 1024;

/// A start under way.
pub struct StartUp {
    gpu: GpuContext,
    /// Files of tiles that are there already.
    tiles: Vec<(PathBuf, SystemTime)>,
    begun: Instant,
}

impl StartUp {
    pub fn begin(gpu: &GpuContext) -> Self {
        Self { gpu: gpu.clone(), tiles: kept_tiles(gpu), begun: Instant::now() }
    }

    /// What is to be said of it, now that an engine is there with so many pipelines.
    pub fn end(self, pipelines: usize) -> String {
        let took = self.begun.elapsed();
        let kept_bytes = |store: &PipelineStore| store.cache.get_data().map_or(0, |data| data.len());
        let bytes = self.gpu.pipelines.as_deref().map(|store| [store.found_bytes(), kept_bytes(store)]);
        let measures = self.gpu.tunes && self.gpu.cache_folder.is_some();
        say(took, pipelines, bytes, measures.then(|| kept_tiles(&self.gpu) == self.tiles))
    }
}

/// The files in which `engine/gpu/tune` keeps tiles, and when each was written.
fn kept_tiles(gpu: &GpuContext) -> Vec<(PathBuf, SystemTime)> {
    let files = gpu.cache_folder.as_deref().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let tiles = files.filter(|file| file.file_name().to_str().is_some_and(|name| name.starts_with("tiles-")));
    let mut kept: Vec<_> = tiles.filter_map(|file| Some((file.path(), file.metadata().ok()?.modified().ok()?))).collect();
    kept.sort();
    kept
}

/// How much of what could have been found was.
#[derive(Clone, Copy, PartialEq)]
enum Found {
    Nothing,
    Part,
    All,
}

/// `bytes`: of pipelines that were found, and that are kept now, where the device keeps any. `tiles_found`: whether tiles had to be measured, where any are.
fn say(took: Duration, pipelines: usize, bytes: Option<[usize; 2]>, tiles_found: Option<bool>) -> String {
    let kilobytes = |bytes: usize| bytes as f64 / 1e3;
    let (of_pipelines, told) = match bytes.filter(|[_, now]| *now >= LEAST_BYTES) {
        None => (None, "which are kept by the driver, if at all".to_owned()),
        Some([found, _]) if found < LEAST_BYTES => (Some(Found::Nothing), "compiled just now".to_owned()),
        Some([found, now]) if found < now => {
            (Some(Found::Part), format!("some compiled just now, {:.1} kB kept from an earlier start", kilobytes(found)))
        }
        Some([found, _]) => (Some(Found::All), format!("{:.1} kB kept from an earlier start", kilobytes(found))),
    };
    let (of_tiles, tiles) = match tiles_found {
        None => (None, "tiles not measured"),
        Some(false) => (Some(Found::Nothing), "tiles measured just now"),
        Some(true) => (Some(Found::All), "tiles kept from an earlier start"),
    };
    let found: Vec<Found> = of_pipelines.into_iter().chain(of_tiles).collect();
    let all = |what: Found| found.iter().all(|one| *one == what);
    let state = if all(Found::Nothing) {
        "cold"
    } else if all(Found::All) {
        "warm"
    } else {
        "half warm"
    };
    format!("{state}, {:.0} ms: {pipelines} pipelines, {told}; {tiles}", took.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_warm_where_all_was_found_that_can_be_kept() {
        let said = |bytes, tiles_found| say(Duration::from_millis(1500), 18, bytes, tiles_found);
        assert_eq!(said(Some([0, 90_000]), Some(false)), "cold, 1500 ms: 18 pipelines, compiled just now; tiles measured just now");
        let warm = "warm, 1500 ms: 18 pipelines, 90.0 kB kept from an earlier start; tiles kept from an earlier start";
        assert_eq!(said(Some([90_000, 90_000]), Some(true)), warm);
        for (bytes, tiles_found) in [([0, 90_000], true), ([90_000, 90_000], false), ([50_000, 90_000], true), ([50_000, 90_000], false)] {
            assert!(said(Some(bytes), Some(tiles_found)).starts_with("half warm, "), "{bytes:?} {tiles_found}");
        }
        assert!(said(Some([90_000, 90_000]), None).starts_with("warm, "), "nothing is to be measured");
        // A header is nothing, and where nothing is kept nothing is found.
        for bytes in [None, Some([96, 96])] {
            assert!(said(bytes, None).starts_with("cold, ") && said(bytes, Some(true)).starts_with("warm, "), "{bytes:?}");
        }
    }
}
