//! `somnium bench`: how fast a pack dreams here without a window, where the time goes, and how near that is to what the device can do.

pub mod within;

use std::time::{Duration, Instant};

use super::open::{EngineChoice, headless_gpu};
use super::{alloc, gallery, peak};
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::gpu::context::{GpuContext, new_instance, only_software};
use crate::engine::gpu::plan::Plan;
use crate::engine::gpu::tier::Tier;
use crate::engine::gpu::{GpuEngine, Roofline};
use crate::engine::{Branches, DecodeSettings, Engine, EngineError, PromptWord, StageTimes, TokenFrame};
use crate::pack::Pack;

/// Frames under one held action before the next.
const HELD_FRAMES: u32 = 16;

/// Time between two pictures of a display.
const DISPLAY_PERIOD: Duration = Duration::from_micros(16_667);

/// Mean milliseconds by name.
type Means = Vec<(&'static str, f64)>;

/// Frames that were waited for one by one.
pub struct Measured {
    /// Of each frame, ascending.
    times_ms: Vec<f64>,
    /// Of each frame, ascending.
    allocations: Vec<u64>,
    /// Mean milliseconds of each stage.
    stages: Means,
    /// And of each kernel, longest first; empty where the engine cannot tell.
    kernels: Means,
}

impl Measured {
    /// Milliseconds that this share of the frames stayed within.
    pub fn at(&self, share: f64) -> f64 {
        self.times_ms[((self.times_ms.len() - 1) as f64 * share).round() as usize]
    }
}

/// The graphics device to measure on, or `None` for the processor.
///
/// # Errors
/// Where a graphics device is asked for and there is none.
pub fn device(choice: EngineChoice) -> Result<Option<GpuContext>, EngineError> {
    let gpu = match choice {
        EngineChoice::Cpu => false,
        EngineChoice::Gpu => true,
        EngineChoice::Auto => !only_software(&new_instance()),
    };
    gpu.then(headless_gpu).transpose()
}

/// What measures, and how much.
#[derive(Clone, Copy, Debug)]
pub struct BenchPlan {
    pub engine: EngineChoice,
    /// Of the CPU engine; as suits the machine where not given.
    pub threads: Option<usize>,
    pub frames: u32,
    /// To preview at once; none where not given.
    pub branches: Option<u8>,
}

impl BenchPlan {
    pub fn cpu_options(&self) -> CpuOptions {
        CpuOptions { threads: self.threads, ..CpuOptions::default() }
    }
}

/// Measures frames under a prompt, and previews if asked for, and prints what came out.
///
/// # Errors
/// As the engines'.
pub fn run(pack: &Pack, settings: &DecodeSettings, words: &[PromptWord], plan: &BenchPlan) -> Result<(), EngineError> {
    let mut engine: Box<dyn Engine> = match device(plan.engine)? {
        Some(gpu) => Box::new(on_gpu(gpu, pack, settings, words, plan.frames)?),
        None => Box::new(on_cpu(pack, settings, words, plan)?),
    };
    plan.branches.map_or(Ok(()), |branches| preview(engine.as_mut(), settings, plan.frames, usize::from(branches)))
}

fn on_cpu(pack: &Pack, settings: &DecodeSettings, words: &[PromptWord], plan: &BenchPlan) -> Result<CpuEngine, EngineError> {
    let (frames, options) = (plan.frames, plan.cpu_options());
    let mut engine = CpuEngine::new(pack, options)?;
    engine.set_prompt(words)?;
    print(&measure(&mut engine, settings, frames)?, &engine, pack, settings);
    println!("dispatches   none: the CPU engine");
    println!("readback     none: pictures are in memory");
    // The plan knows the model, whatever runs it; this engine keeps its weights as f32, twice the size of the pack's f16.
    let mut needs = Roofline::of(&Plan::new(pack, Tier::default())?, settings.steps);
    needs.weight_bytes *= 2;
    roofline(&needs, peak::of_cpu(), engine_fps(&mut engine, settings, frames)?);
    Ok(engine)
}

fn on_gpu(gpu: GpuContext, pack: &Pack, settings: &DecodeSettings, words: &[PromptWord], frames: u32) -> Result<GpuEngine, EngineError> {
    let peak = peak::of_gpu(&gpu)?;
    let (start, store) = (Instant::now(), gpu.pipelines.clone());
    let mut engine = GpuEngine::new(gpu, pack)?;
    let found = store.map_or("nothing is".to_owned(), |store| format!("{:.1} kB were", store.found_bytes() as f64 / 1e3));
    println!(
        "start-up     {:.0} ms, {} pipelines; {found} kept from an earlier start",
        start.elapsed().as_secs_f64() * 1e3,
        engine.pipelines()
    );
    engine.set_prompt(words)?;
    print(&measure(&mut engine, settings, frames)?, &engine, pack, settings);
    let before = engine.blocking_waits();
    let fps = engine_fps(&mut engine, settings, frames)?;
    println!("dispatches   {} a frame", engine.dispatches(settings.steps));
    print_window_waits(&mut engine, settings, frames)?;
    println!(
        "readback     {} bytes a frame, not waited for; {} of {frames} frames waited because the device was behind when asked for frames \
         without a pause",
        engine.readback_bytes(),
        engine.blocking_waits() - before
    );
    roofline(&engine.roofline(settings.steps), peak, fps);
    Ok(engine)
}

/// Says how often a window gets to draw while frames are dreamed one by one: it submits next to nothing, as often as a display wants it.
fn print_window_waits(engine: &mut GpuEngine, settings: &DecodeSettings, frames: u32) -> Result<(), EngineError> {
    let (gpu, before, start) = (engine.context().clone(), engine.submissions(), Instant::now());
    let (mut draws, mut longest) = (0, Duration::ZERO);
    let dreamed = std::thread::scope(|scope| {
        let dream = scope.spawn(|| {
            (0..frames).try_for_each(|i| {
                engine.dream((i / HELD_FRAMES % 2) as u8, settings)?;
                engine.finish()
            })
        });
        while !dream.is_finished() {
            let wait = gpu.queue_wait();
            (draws, longest) = (draws + 1, longest.max(wait));
            std::thread::sleep(DISPLAY_PERIOD.saturating_sub(wait));
        }
        dream.join()
    });
    dreamed.map_err(|_| EngineError::DeviceLost("the dream ended in a panic".to_owned()))??;
    println!(
        "submissions  {:.1} a frame; between them a window draws {:.1} times a second and waits {:.1} ms at most",
        (engine.submissions() - before) as f64 / f64::from(frames),
        f64::from(draws) / start.elapsed().as_secs_f64(),
        longest.as_secs_f64() * 1e3
    );
    Ok(())
}

/// Previews so many branches after every frame, in turns, so that whatever else the machine does slows both.
fn preview(engine: &mut dyn Engine, settings: &DecodeSettings, frames: u32, branches: usize) -> Result<(), EngineError> {
    let actions = engine.manifest().dynamics.as_ref().ok_or(EngineError::NoDynamics)?.actions;
    let of_branches: Vec<u8> = (0..branches).map(|i| (i % actions) as u8).collect();
    let mut out = Branches::default();
    let (mut frame_ms, mut preview_ms, mut allocations) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..frames / 10 + frames {
        let start = Instant::now();
        engine.dream((i / HELD_FRAMES % actions as u32) as u8, settings)?;
        engine.finish()?;
        let (between, allocated) = (Instant::now(), alloc::count());
        engine.preview(&of_branches, settings, &mut out)?;
        if i >= frames / 10 {
            allocations.push(alloc::count() - allocated);
            frame_ms.push((between - start).as_secs_f64() * 1e3);
            preview_ms.push(between.elapsed().as_secs_f64() * 1e3);
        }
    }
    frame_ms.sort_by(f64::total_cmp);
    preview_ms.sort_by(f64::total_cmp);
    let middle = frames as usize / 2;
    let (frame_ms, preview_ms) = (frame_ms[middle], preview_ms[middle]);
    println!(
        "branches     {branches} in {preview_ms:.2} ms, the frames between them {frame_ms:.2} ms (medians): {:.2} of a frame each, at most {} \
         allocations",
        preview_ms / branches as f64 / frame_ms,
        allocations.iter().max().unwrap_or(&0),
    );
    Ok(())
}

/// Dreams `frames` frames after a tenth as many, waiting for each.
///
/// # Errors
/// As the engine's.
pub fn measure(engine: &mut dyn Engine, settings: &DecodeSettings, frames: u32) -> Result<Measured, EngineError> {
    let m = engine.manifest().clone();
    let actions = m.dynamics.as_ref().ok_or(EngineError::NoDynamics)?.actions as u32;
    if let Some((_, still, _)) = gallery::fitted(m.frame.width_px, m.frame.height_px).first() {
        let codes = engine.encode(&still.rgb)?;
        engine.restore(&[TokenFrame { codes, action: actions as u8, moved: false, prompt: Vec::new() }], 0)?;
    }
    let mut codes = vec![0; m.frame.code_bytes()];
    let mut frame = |engine: &mut dyn Engine, i: u32| -> Result<(f64, u64), EngineError> {
        let (start, allocations) = (Instant::now(), alloc::count());
        engine.dream((i / HELD_FRAMES % actions) as u8, settings)?;
        engine.finish()?;
        while engine.take_codes(&mut codes).is_some() {}
        Ok((start.elapsed().as_secs_f64() * 1e3, alloc::count() - allocations))
    };
    for i in 0..frames / 10 {
        frame(engine, i)?;
    }
    let mut times_ms = Vec::with_capacity(frames as usize);
    let mut allocations = Vec::with_capacity(frames as usize);
    let (mut stages, mut kernels) = (Means::new(), Means::new());
    for i in 0..frames {
        let (ms, allocated) = frame(engine, i)?;
        times_ms.push(ms);
        allocations.push(allocated);
        add_by_name(&mut stages, engine.stage_times(), frames);
        add_by_name(&mut kernels, engine.pass_times(), frames);
    }
    kernels.sort_by(|a, b| b.1.total_cmp(&a.1));
    times_ms.sort_by(f64::total_cmp);
    allocations.sort_unstable();
    Ok(Measured { times_ms, allocations, stages, kernels })
}

/// Adds the times of one of `frames` frames to the means by name.
fn add_by_name(means: &mut Means, times: StageTimes, frames: u32) {
    for (name, ms) in times {
        let share = f64::from(ms) / f64::from(frames);
        match means.iter_mut().find(|(known, _)| *known == name) {
            Some((_, mean)) => *mean += share,
            None => means.push((name, share)),
        }
    }
}

fn print(measured: &Measured, engine: &dyn Engine, pack: &Pack, settings: &DecodeSettings) {
    let (m, info, allocations) = (&pack.manifest, engine.info(), &measured.allocations);
    let frames = allocations.len();
    println!(
        "pack         {}, {:.2} M parameters, {}x{} px, {} decoding steps{}",
        m.name,
        pack.parameters() as f64 / 1e6,
        m.frame.width_px,
        m.frame.height_px,
        settings.steps,
        settings.certain.map_or(String::new(), |p| format!(" at most: adaptive, certain {p}; operations are counted as if all ran"))
    );
    println!("engine       {:?}, {}", info.kind, info.device);
    let (median, p99) = (measured.at(0.5), measured.at(0.99));
    println!("frame        median {median:.2} ms, p99 {p99:.2} ms ({:.2} times), of {frames} frames, each waited for", p99 / median);
    for (what, means) in [("stages ", &measured.stages), ("kernels", &measured.kernels)].into_iter().filter(|(_, means)| !means.is_empty())
    {
        let split: Vec<String> = means.iter().map(|(name, mean)| format!("{name} {mean:.2}")).collect();
        println!("{what}      {} (mean ms)", split.join(", "));
    }
    println!("allocations  median {} a frame, at most {}", allocations[frames / 2], allocations[frames - 1]);
}

/// Frames a second with nothing waited for between them.
fn engine_fps(engine: &mut dyn Engine, settings: &DecodeSettings, frames: u32) -> Result<f64, EngineError> {
    engine.finish()?;
    let start = Instant::now();
    for i in 0..frames {
        engine.dream((i / HELD_FRAMES % 2) as u8, settings)?;
    }
    engine.finish()?;
    Ok(f64::from(frames) / start.elapsed().as_secs_f64())
}

fn roofline(needs: &Roofline, device: peak::Peak, fps: f64) {
    println!(
        "a frame is   {:.1} M multiply-adds, {:.2} MB ({:.2} of weights, {:.2} of activations)",
        needs.ops as f64 / 2e6,
        needs.bytes() as f64 / 1e6,
        needs.weight_bytes as f64 / 1e6,
        needs.activation_bytes as f64 / 1e6,
    );
    println!("device       {:.1} GFLOP/s, {:.1} GB/s (measured just now)", device.gflops, device.gbytes_per_sec);
    let bound_ms = needs.bound_ms(device.gflops, device.gbytes_per_sec);
    println!(
        "throughput   {fps:.1} frames/s, {:.2} ms each: {:.1} GFLOP/s, {:.1} GB/s",
        1e3 / fps,
        needs.ops as f64 * fps / 1e9,
        needs.bytes() as f64 * fps / 1e9
    );
    println!("roofline     {bound_ms:.2} ms at best; reached {:.0} %", 100.0 * bound_ms * fps / 1e3);
}
