//! Which tile each product takes on this device: measured at the first start, kept for the next. Results do not depend on it.

use std::time::{Duration, Instant};

use super::cache;
use super::context::GpuContext;
use super::frame::{FrameParams, GROUPS};
use super::ops::Pass;
use super::ops::matmul::{Matmul, Tile};
use super::plan::Plan;
use super::resources::{ReadyPass, Resources};
use crate::checksum;
use crate::engine::{DecodeSettings, EngineError};

/// How long a product keeps the device busy before it is measured: one that was idle begins slowly.
const WARM_UP: Duration = Duration::from_millis(20);

/// Dispatches of one measurement, at least and at most; as many as take [`LASTS`], so that the way to the device does not count.
const DISPATCHES: std::ops::RangeInclusive<usize> = 24..=600;
const LASTS: Duration = Duration::from_millis(2);

/// Where the least dispatches take longer than this with the default tile, no other is tried: that would take seconds for each product, and no tile
/// makes such a device a quick one.
const SLOW: Duration = Duration::from_millis(50);

/// Measurements of each tile; the quickest counts. Tiles take turns, so that a device that grows faster or slower does so for all of them.
const ROUNDS: usize = 3;

/// A tile must take at most this share of the default one's time to take its place: less may be chance.
const WORTH_IT: f64 = 0.97;

/// How often a frame dispatches a product for one group of rows, for two, and so on.
type Load = [usize; GROUPS];

/// A product, the first pass that is made of it, and what all of them are together.
struct Task {
    product: Matmul,
    pass: Pass,
    load: Load,
}

/// A tile on trial.
struct Trial {
    tile: Tile,
    ready: Vec<ReadyPass>,
    /// Seconds of the quickest measurement.
    secs: f64,
}

/// Gives every product of the plan the tile that an earlier start found, or the quickest now, in frames of these settings; what is measured
/// scribbles over activations.
///
/// # Errors
/// As [`GpuContext::check`].
pub fn set_tiles(gpu: &GpuContext, resources: &mut Resources, plan: &mut Plan, settings: &DecodeSettings) -> Result<(), EngineError> {
    let Some(folder) = gpu.cache_folder.as_deref().filter(|_| gpu.tunes) else { return Ok(()) };
    let tasks = tasks(plan, settings);
    let path = folder.join(file_name(gpu, &tasks));
    let known = cache::read(&path).and_then(|bytes| read_tiles(&bytes, tasks.len()));
    let tiles = match known {
        Some(tiles) => tiles,
        None => {
            let start = Instant::now();
            let compiled = std::mem::take(&mut resources.pipelines);
            let tiles: Vec<Tile> = tasks.iter().map(|task| quickest(gpu, resources, task, SLOW)).collect::<Result<_, _>>()?;
            // Those that are not chosen are not kept.
            resources.pipelines = compiled;
            log::info!("tiles of {} products chosen in {:.1} s", tiles.len(), start.elapsed().as_secs_f64());
            cache::write(&path, &write_tiles(&tiles));
            tiles
        }
    };
    for pass in plan.passes_mut() {
        let at = pass.product.and_then(|product| tasks.iter().position(|task| task.product == product));
        if let Some(at) = at {
            tasks[at].product.tiled(tiles[at]).retile(pass);
        }
    }
    Ok(())
}

/// Every product of the plan once, with what a frame asks of it. Of adaptive decoding the first step counts: most of the others have no work.
fn tasks(plan: &Plan, settings: &DecodeSettings) -> Vec<Task> {
    let dreamed = if settings.guidance > 0.0 { 2 } else { 1 };
    let later_steps = if settings.certain.is_some() { 0 } else { settings.steps.saturating_sub(1) as usize };
    let mut tasks: Vec<Task> = Vec::new();
    let mut add = |passes: &[Pass], groups: usize, times: usize| {
        for pass in passes {
            let Some(product) = pass.product else { continue };
            let at = tasks.iter().position(|task| task.product == product).unwrap_or_else(|| {
                tasks.push(Task { product, pass: pass.clone(), load: Load::default() });
                tasks.len() - 1
            });
            tasks[at].load[groups - 1] += times;
        }
    };
    if let Some(d) = &plan.dynamics {
        let (committing, dreaming) = d.step.split_at(d.commit_passes);
        add(&d.prev, 1, 1);
        add(committing, dreamed + 1, 1);
        add(dreaming, dreamed, 1);
        add(&d.step, dreamed, later_steps);
        add(d.remember(), 1, 1);
    }
    add(&plan.decode, 1, 1);
    tasks
}

/// A name of its own for each device, driver, list of products, what is asked of them, list of tiles, and text of the kernels.
fn file_name(gpu: &GpuContext, tasks: &[Task]) -> String {
    let info = gpu.adapter.get_info();
    let what = format!("{} {} {} {} {:?}", gpu.summary, info.device, info.driver, info.driver_info, Tile::ALL);
    let sum = tasks.iter().fold(checksum::of(what.as_bytes()), |sum, Task { product, pass, load }| {
        let sum = checksum::go_on(sum, format!("{product:?} {load:?}").as_bytes());
        checksum::go_on(sum, pass.kernel.source.as_bytes())
    });
    format!("tiles-{sum:016x}")
}

/// The tiles of so many products, by their places in [`Tile::ALL`].
fn read_tiles(bytes: &[u8], products: usize) -> Option<Vec<Tile>> {
    let tiles: Option<Vec<Tile>> = bytes.iter().map(|&at| Tile::ALL.get(usize::from(at)).copied()).collect();
    tiles.filter(|tiles| tiles.len() == products)
}

fn write_tiles(tiles: &[Tile]) -> Vec<u8> {
    tiles.iter().map(|tile| Tile::ALL.iter().position(|one| one == tile).unwrap_or(0) as u8).collect()
}

/// The quickest tile of a product; the default one where the least dispatches take longer than `slow`.
fn quickest(gpu: &GpuContext, resources: &mut Resources, task: &Task, slow: Duration) -> Result<Tile, EngineError> {
    gpu.queue.write_buffer(&resources.frame, 0, bytemuck::bytes_of(&FrameParams::default()));
    let of_a_frame: usize = task.load.iter().sum();
    let [few, many] = [*DISPATCHES.start(), *DISPATCHES.end()].map(|dispatches| dispatches.div_ceil(of_a_frame));
    let default = trial(gpu, resources, task, Tile::default())?;
    if measure(gpu, &default.ready, task.load, few)? > slow.as_secs_f64() {
        return Ok(Tile::default());
    }
    let others = Tile::ALL.into_iter().filter(|tile| *tile != Tile::default());
    let passes: Vec<Pass> = others.clone().map(|tile| retiled(task, tile)).collect();
    // All at once: what is wrong with one of them is found out where that is tried.
    if let Err(why) = resources.compile(gpu, &passes) {
        log::debug!("tiles are compiled one by one: {why}");
    }
    gpu.forgive();
    let mut trials = vec![default];
    for tile in others {
        let tried = trial(gpu, resources, task, tile);
        trials.extend(usable(gpu, tile, tried)?);
    }
    let start = Instant::now();
    let mut secs = measure(gpu, &trials[0].ready, task.load, few)?;
    while start.elapsed() < WARM_UP {
        secs = measure(gpu, &trials[0].ready, task.load, few)?;
    }
    let frames = ((few as f64 * LASTS.as_secs_f64() / secs) as usize).clamp(few, many);
    for _ in 0..ROUNDS {
        let mut kept = Vec::with_capacity(trials.len());
        for trial in trials {
            let measured = measure(gpu, &trial.ready, task.load, frames);
            kept.extend(usable(gpu, trial.tile, measured)?.map(|secs| Trial { secs: trial.secs.min(secs), ..trial }));
        }
        trials = kept;
    }
    let times: Vec<(Tile, f64)> = trials.iter().map(|trial| (trial.tile, trial.secs)).collect();
    Ok(worth_it(&times))
}

/// What came of trying a tile; nothing where it cannot be used here, which only the default one must.
fn usable<T>(gpu: &GpuContext, tile: Tile, tried: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match tried {
        Ok(done) => Ok(Some(done)),
        Err(why) if gpu.is_lost() || tile == Tile::default() => Err(why),
        Err(why) => {
            log::warn!("a tile cannot be used here: {why}");
            gpu.forgive();
            Ok(None)
        }
    }
}

/// The pass of a task with this tile.
fn retiled(task: &Task, tile: Tile) -> Pass {
    let mut pass = task.pass.clone();
    task.product.tiled(tile).retile(&mut pass);
    pass
}

/// A tile ready to be measured, which has run once.
fn trial(gpu: &GpuContext, resources: &mut Resources, task: &Task, tile: Tile) -> Result<Trial, EngineError> {
    let ready = resources.ready(gpu, &[retiled(task, tile)])?;
    measure(gpu, &ready, task.load, 1)?;
    Ok(Trial { tile, ready, secs: f64::INFINITY })
}

/// The quickest of the tiles that took so many seconds, or the default one, the first of them, where that is hardly slower.
fn worth_it(times: &[(Tile, f64)]) -> Tile {
    let Some((&(default, secs), others)) = times.split_first() else { return Tile::default() };
    others.iter().fold((default, secs * WORTH_IT), |best, &one| if one.1 < best.1 { one } else { best }).0
}

/// Seconds that the dispatches of so many frames take.
fn measure(gpu: &GpuContext, ready: &[ReadyPass], load: Load, frames: usize) -> Result<f64, EngineError> {
    let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tune") });
    {
        let mut recorded = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("tune"), timestamp_writes: None });
        for one in ready.iter().cycle().take(frames) {
            for (groups, times) in (1..).zip(load) {
                (0..times).for_each(|_| one.record(&mut recorded, 0, groups));
            }
        }
    }
    let commands = encoder.finish();
    let start = Instant::now();
    gpu.queue.submit([commands]);
    gpu.wait_in_device()?;
    Ok(start.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::gpu::tier::Tier;
    use crate::pack::random::{odd_manifest, random_pack, tiny_manifest};

    #[test]
    fn tiles_come_back_as_they_were_kept_and_others_are_refused() {
        let tiles = [Tile::ALL[3], Tile::default(), Tile::ALL[8]];
        let bytes = write_tiles(&tiles);
        assert_eq!(read_tiles(&bytes, 3).as_deref(), Some(&tiles[..]));
        assert_eq!(read_tiles(&bytes, 4), None);
        assert_eq!(read_tiles(&[0, Tile::ALL.len() as u8, 0], 3), None);
    }

    #[test]
    fn another_tile_takes_the_place_of_the_default_one_only_where_it_is_clearly_quicker() {
        let of = |secs: [f64; 3]| worth_it(&[(Tile::default(), secs[0]), (Tile::ALL[3], secs[1]), (Tile::ALL[8], secs[2])]);
        assert_eq!(of([1.0, 0.9, 0.8]), Tile::ALL[8]);
        assert_eq!(of([1.0, 0.8, 0.9]), Tile::ALL[3]);
        assert_eq!(of([1.0, 0.98, 1.2]), Tile::default());
        assert_eq!(worth_it(&[]), Tile::default());
    }

    /// Where the default tile alone takes long no other is compiled.
    #[test]
    fn a_slow_device_keeps_the_default_tiles() {
        let gpu = GpuContext::headless(true).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}"));
        let plan = Plan::new(&random_pack(tiny_manifest(), 1).unwrap(), gpu.tier, gpu.is_wide()).unwrap();
        let task = tasks(&plan, &DecodeSettings::LEAST).swap_remove(0);
        let tried = |slow: Duration| {
            let mut resources = Resources::new(&gpu, &plan.buffers, [1, 1]).unwrap();
            let tile = quickest(&gpu, &mut resources, &task, slow).unwrap();
            (tile, resources.pipelines.len())
        };
        assert_eq!(tried(Duration::ZERO), (Tile::default(), 1));
        assert_eq!(tried(Duration::MAX).1, Tile::ALL.len());
    }

    /// A product is measured with as many groups of rows as it has in a frame, as often as it has them.
    #[test]
    fn products_are_measured_as_frames_ask_for_them() {
        let plan = Plan::new(&random_pack(odd_manifest(), 1).unwrap(), Tier::default(), false).unwrap();
        let products = |passes: &[Pass]| passes.iter().filter(|pass| pass.product.is_some()).count();
        let d = plan.dynamics.as_ref().unwrap();
        let (committing, step) = (products(&d.step[..d.commit_passes]), products(&d.step));
        let once = products(&d.prev) + products(d.remember()) + products(&plan.decode);
        assert!(0 < committing && committing < step && once > 0);
        let loads = |settings: &DecodeSettings| {
            let tasks = tasks(&plan, settings);
            assert!(tasks.iter().all(|task| task.pass.product == Some(task.product)));
            assert!((1..tasks.len()).all(|i| tasks[..i].iter().all(|task| task.product != tasks[i].product)));
            tasks.iter().fold([0; GROUPS], |sum, task| std::array::from_fn(|groups| sum[groups] + task.load[groups]))
        };
        let least = DecodeSettings::LEAST;
        assert_eq!(loads(&least), [once + step - committing, committing, 0]);
        assert_eq!(loads(&DecodeSettings { steps: 4, ..least }), [once + 4 * step - committing, committing, 0]);
        assert_eq!(loads(&DecodeSettings { steps: 4, certain: Some(0.5), ..least }), loads(&least));
        assert_eq!(loads(&DecodeSettings { guidance: 1.0, ..least }), [once, step - committing, committing]);
    }
}
