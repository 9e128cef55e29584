//! Which tile each product takes on this device: measured at the first start, kept for the next. Results do not depend on it.

use std::time::{Duration, Instant};

use super::cache;
use super::context::GpuContext;
use super::frame::FrameParams;
use super::ops::Pass;
use super::ops::matmul::{Matmul, Tile};
use super::plan::Plan;
use super::resources::Resources;
use crate::checksum;
use crate::engine::EngineError;

/// Dispatches of one measurement, at least and at most; as many as take [`LASTS`], so that the way to the device does not count.
const DISPATCHES: std::ops::RangeInclusive<usize> = 24..=600;
const LASTS: Duration = Duration::from_millis(2);
/// Measurements of one tile after one that warms up; the quickest counts.
const MEASUREMENTS: usize = 3;

/// A tile must take at most this share of the default one's time to take its place: less may be chance.
const WORTH_IT: f64 = 0.97;

/// Gives every product of the plan the tile that an earlier start found, or the quickest now; what is measured scribbles over activations.
///
/// # Errors
/// [`EngineError::DeviceLost`] where the device reports a fault.
pub fn set_tiles(gpu: &GpuContext, resources: &mut Resources, plan: &mut Plan) -> Result<(), EngineError> {
    let Some(folder) = gpu.cache_folder.as_deref().filter(|_| gpu.tunes) else { return Ok(()) };
    let mut passes: Vec<Pass> = Vec::new();
    for pass in plan.passes().filter(|pass| pass.product.is_some()) {
        if passes.iter().all(|known| known.product != pass.product) {
            passes.push(pass.clone());
        }
    }
    let products: Vec<Matmul> = passes.iter().filter_map(|pass| pass.product).collect();
    let path = folder.join(file_name(gpu, &products));
    let known = cache::read(&path).and_then(|bytes| read_tiles(&bytes, products.len()));
    let tiles = match known {
        Some(tiles) => tiles,
        None => {
            let start = Instant::now();
            let compiled = std::mem::take(&mut resources.pipelines);
            let tiles: Vec<Tile> = passes.iter().map(|pass| quickest(gpu, resources, pass)).collect::<Result<_, _>>()?;
            // Those that are not chosen are not kept.
            resources.pipelines = compiled;
            log::info!("tiles of {} products chosen in {:.1} s", tiles.len(), start.elapsed().as_secs_f64());
            cache::write(&path, &write_tiles(&tiles));
            tiles
        }
    };
    for pass in plan.passes_mut() {
        let at = pass.product.and_then(|product| products.iter().position(|known| *known == product));
        if let Some(at) = at {
            products[at].tiled(tiles[at]).retile(pass);
        }
    }
    Ok(())
}

/// A name of its own for each device, driver, list of products and list of tiles.
fn file_name(gpu: &GpuContext, products: &[Matmul]) -> String {
    let info = gpu.adapter.get_info();
    let what = format!("{} {} {} {} {products:?} {:?}", gpu.summary, info.device, info.driver, info.driver_info, Tile::ALL);
    format!("tiles-{:016x}", checksum::of(what.as_bytes()))
}

/// The tiles of so many products, by their places in [`Tile::ALL`].
fn read_tiles(bytes: &[u8], products: usize) -> Option<Vec<Tile>> {
    let tiles: Option<Vec<Tile>> = bytes.iter().map(|&at| Tile::ALL.get(usize::from(at)).copied()).collect();
    tiles.filter(|tiles| tiles.len() == products)
}

fn write_tiles(tiles: &[Tile]) -> Vec<u8> {
    tiles.iter().map(|tile| Tile::ALL.iter().position(|one| one == tile).unwrap_or(0) as u8).collect()
}

fn quickest(gpu: &GpuContext, resources: &mut Resources, pass: &Pass) -> Result<Tile, EngineError> {
    let Some(product) = pass.product else { return Ok(Tile::default()) };
    let few = *DISPATCHES.start();
    let dispatches = few as f64 * LASTS.as_secs_f64() / measure(gpu, resources, pass, few)?;
    let dispatches = (dispatches as usize).clamp(few, *DISPATCHES.end());
    let mut best = (Tile::default(), measure(gpu, resources, pass, dispatches)? * WORTH_IT);
    for tile in Tile::ALL.into_iter().filter(|tile| *tile != Tile::default()) {
        let mut pass = pass.clone();
        product.tiled(tile).retile(&mut pass);
        match measure(gpu, resources, &pass, dispatches) {
            Ok(secs) if secs < best.1 => best = (tile, secs),
            Ok(_) => {}
            Err(why) if gpu.is_lost() => return Err(why),
            Err(why) => {
                log::warn!("a tile cannot be used here: {why}");
                gpu.forgive();
            }
        }
    }
    Ok(best.0)
}

/// Seconds that so many dispatches of a pass take, for one group of rows.
fn measure(gpu: &GpuContext, resources: &mut Resources, pass: &Pass, dispatches: usize) -> Result<f64, EngineError> {
    let ready = resources.ready(gpu, std::slice::from_ref(pass))?;
    gpu.queue.write_buffer(&resources.frame, 0, bytemuck::bytes_of(&FrameParams::default()));
    let mut quickest = f64::INFINITY;
    for i in 0..=MEASUREMENTS {
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tune") });
        {
            let mut recorded = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("tune"), timestamp_writes: None });
            for one in ready.iter().cycle().take(dispatches) {
                one.record(&mut recorded, 0, 1);
            }
        }
        let commands = encoder.finish();
        let start = Instant::now();
        gpu.queue.submit([commands]);
        gpu.wait_in_device()?;
        if i > 0 {
            quickest = quickest.min(start.elapsed().as_secs_f64());
        }
    }
    Ok(quickest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_come_back_as_they_were_kept_and_others_are_refused() {
        let tiles = [Tile::ALL[3], Tile::default(), Tile::ALL[8]];
        let bytes = write_tiles(&tiles);
        assert_eq!(read_tiles(&bytes, 3).as_deref(), Some(&tiles[..]));
        assert_eq!(read_tiles(&bytes, 4), None);
        assert_eq!(read_tiles(&[0, Tile::ALL.len() as u8, 0], 3), None);
    }
}
