//! `somnium bench`: how fast a pack dreams here without a window, where the time goes, and how near that is to what the device can do.

pub mod anchor;
mod start_up;
pub mod within;

use std::time::{Duration, Instant};

use super::open::{EngineChoice, headless_gpu};
use super::{alloc, gallery, peak};
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::gpu::context::{GpuContext, new_instance, only_software};
use crate::engine::gpu::plan::Plan;
use crate::engine::gpu::roofline::Ran;
use crate::engine::gpu::tier::Tier;
use crate::engine::gpu::{GpuEngine, Roofline};
use crate::engine::{Branches, DecodeSettings, Engine, EngineError, PromptWord, StageTimes, TokenFrame};
use crate::pack::Pack;
use start_up::StartUp;

/// Time between two pictures of a display.
const DISPLAY_PERIOD: Duration = Duration::from_micros(16_667);

/// Frames that are timed dispatch by dispatch, at most.
const TIMED_FRAMES: u32 = 60;

/// Matrix products that reach less than this percentage of what the device can do are explained.
const LITTLE: f64 = 30.0;

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
}

impl Measured {
    /// Milliseconds that this share of the frames stayed within.
    pub fn at(&self, share: f64) -> f64 {
        self.times_ms[((self.times_ms.len() - 1) as f64 * share).round() as usize]
    }
}

/// What is measured, and how it uses a graphics device.
#[derive(Clone, Copy, Debug)]
pub struct On {
    pub choice: EngineChoice,
    /// The best tier at most; the device's own choice where not given.
    pub tier: Option<Tier>,
    /// Products take the tiles that are quickest here, on devices where that is worth finding out.
    pub tunes: bool,
}

/// The graphics device to measure on, or `None` for the processor.
///
/// # Errors
/// Where a graphics device is asked for and there is none, or a tier that it does not have.
pub fn device(on: On) -> Result<Option<GpuContext>, EngineError> {
    let on_gpu = match on.choice {
        EngineChoice::Cpu => false,
        EngineChoice::Gpu => true,
        EngineChoice::Auto => !only_software(&new_instance()),
    };
    if !on_gpu {
        let asked = if on.tier.is_some() { "--tier" } else { "--no-tune" };
        let fits = on.tier.is_none() && on.tunes;
        return if fits { Ok(None) } else { Err(refusal("engine", format!("the GPU's with {asked} (--engine gpu)"), "the CPU's")) };
    }
    let mut gpu = headless_gpu()?;
    gpu.tunes &= on.tunes;
    let Some(tier) = on.tier else { return Ok(Some(gpu)) };
    let best = Tier::of(&gpu.adapter, &gpu.device);
    if tier > best {
        return Err(refusal("tier", format!("at most the {} on {}", best.name(), gpu.summary), format!("the {}", tier.name())));
    }
    Ok(Some(gpu.at_most(tier)))
}

fn refusal(what: &'static str, expected: String, got: impl Into<String>) -> EngineError {
    EngineError::Input { what, expected, got: got.into() }
}

/// What measures, and how much.
#[derive(Clone, Copy, Debug)]
pub struct BenchPlan {
    pub engine: On,
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
    let (frames, start) = (plan.frames, Instant::now());
    let mut engine = CpuEngine::new(pack, plan.cpu_options())?;
    let ready = start.elapsed();
    engine.set_prompt(words)?;
    pack.manifest.walk(1).into_iter().try_for_each(|code| engine.dream(code, settings))?;
    let [ready_ms, shown_ms] = [ready, start.elapsed()].map(|took| took.as_secs_f64() * 1e3);
    println!("start-up     {shown_ms:.0} ms to the first frame; of them {ready_ms:.0} ms lay weights out");
    print(&measure(&mut engine, settings, frames)?, &engine, pack, settings);
    // The plan knows the model, whatever runs it; this engine keeps its weights as f32, twice the size of the pack's f16.
    let model = Plan::new(pack, Tier::default(), false)?;
    println!("dispatches   none: the CPU engine (the GPU's has {} a frame)", model.dispatches(settings.steps));
    println!("readback     none: pictures are in memory");
    let f32s = |needs: Roofline| Roofline { weight_bytes: 2 * needs.weight_bytes, ..needs };
    let stretch = unwaited(&mut engine, settings, frames, settings.certain.is_some())?;
    let needs = mean_needs(&stretch.ran, |ran| f32s(Roofline::of_passes(&model, ran, |_| true)));
    roofline(&f32s(Roofline::of(&model, settings.steps)), &needs, &peak::of_cpu(), stretch.fps);
    Ok(engine)
}

fn on_gpu(gpu: GpuContext, pack: &Pack, settings: &DecodeSettings, words: &[PromptWord], frames: u32) -> Result<GpuEngine, EngineError> {
    let peak = peak::of_gpu(&gpu)?;
    // Without it every step runs whatever there is to do.
    let leaves_out = settings.certain.is_some() && gpu.indirect;
    let start = StartUp::begin(&gpu);
    let mut engine = GpuEngine::new(gpu, pack)?;
    println!("start-up     {}", start.end(engine.pipelines()));
    engine.set_prompt(words)?;
    print(&measure(&mut engine, settings, frames)?, &engine, pack, settings);
    let (kernels, timed) = time_dispatches(&mut engine, settings, (frames / 5).min(TIMED_FRAMES), leaves_out)?;
    print_means("kernels", &kernels);
    let before = engine.blocking_waits();
    let stretch = unwaited(&mut engine, settings, frames, leaves_out)?;
    let waits = engine.blocking_waits() - before;
    println!("dispatches   {} a frame", engine.dispatches(settings.steps));
    print_window_waits(&mut engine, settings, frames)?;
    println!(
        "readback     {} bytes a frame, not waited for; {waits} of {frames} frames waited because the device was behind when asked for frames \
         without a pause",
        engine.readback_bytes()
    );
    let needs = mean_needs(&stretch.ran, |ran| Roofline::of_passes(engine.plan(), ran, |_| true));
    roofline(&engine.roofline(settings.steps), &needs, &peak, stretch.fps);
    if let Some(&(_, ms)) = kernels.iter().find(|(name, _)| *name == "matmul") {
        let needs = mean_needs(&timed, |ran| Roofline::of_products(engine.plan(), ran));
        let starts = Roofline::of_products(engine.plan(), Ran::all(settings.steps)).dispatches;
        println!("{}", products(&needs, starts, ms, &peak));
    }
    Ok(engine)
}

/// Mean milliseconds of each kernel in frames that are timed dispatch by dispatch, longest first (empty where the device cannot), and what ran of each frame.
fn time_dispatches(
    engine: &mut GpuEngine,
    settings: &DecodeSettings,
    frames: u32,
    leaves_out: bool,
) -> Result<(Means, Vec<Ran>), EngineError> {
    let (mut kernels, mut ran) = (Means::new(), Vec::new());
    let mut codes = vec![0; engine.manifest().frame.code_bytes()];
    engine.time_every_dispatch(true);
    for code in engine.manifest().walk(frames as usize) {
        engine.dream(code, settings)?;
        engine.finish()?;
        take(engine, &mut codes, settings, leaves_out, &mut ran);
        if engine.pass_times().is_empty() {
            break;
        }
        add_by_name(&mut kernels, engine.pass_times(), frames);
    }
    engine.time_every_dispatch(false);
    kernels.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok((kernels, ran))
}

/// Says how often a window gets to draw while frames are dreamed one by one: it submits next to nothing, as often as a display wants it.
fn print_window_waits(engine: &mut GpuEngine, settings: &DecodeSettings, frames: u32) -> Result<(), EngineError> {
    let walk = engine.manifest().walk(frames as usize);
    let (gpu, before, start) = (engine.context().clone(), engine.submissions(), Instant::now());
    let (mut draws, mut longest) = (0, Duration::ZERO);
    let dreamed = std::thread::scope(|scope| {
        let work = || {
            walk.iter().try_for_each(|&code| {
                engine.dream(code, settings)?;
                engine.finish()
            })
        };
        let dream = scope.spawn(work);
        while !dream.is_finished() {
            let wait = gpu.queue_wait();
            (draws, longest) = (draws + 1, longest.max(wait));
            std::thread::sleep(DISPLAY_PERIOD.saturating_sub(wait));
        }
        dream.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    dreamed?;
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
    let m = engine.manifest();
    let of_branches: Vec<u8> = m.bound_codes().into_iter().cycle().take(branches).collect();
    let (warm_up, walk) = (frames as usize / 10, m.walk((frames / 10 + frames) as usize));
    let mut out = Branches::default();
    let (mut frame_ms, mut preview_ms, mut allocations) = (Vec::new(), Vec::new(), Vec::new());
    for (i, code) in walk.into_iter().enumerate() {
        let start = Instant::now();
        engine.dream(code, settings)?;
        engine.finish()?;
        let (between, allocated) = (Instant::now(), alloc::count());
        engine.preview(&of_branches, settings, &mut out)?;
        if i >= warm_up {
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
    let unknown = m.dynamics.as_ref().ok_or(EngineError::NoDynamics)?.unknown_action();
    if let Some((_, still, _)) = gallery::fitted(m.frame.width_px, m.frame.height_px).first() {
        let codes = engine.encode(&still.rgb)?;
        engine.restore(&[TokenFrame { codes, action: unknown, moved: false, prompt: Vec::new() }], 0)?;
    }
    let mut codes = vec![0; m.frame.code_bytes()];
    let mut frame = |engine: &mut dyn Engine, code: u8| -> Result<(f64, u64), EngineError> {
        let (start, allocations) = (Instant::now(), alloc::count());
        engine.dream(code, settings)?;
        engine.finish()?;
        while engine.take_codes(&mut codes).is_some() {}
        Ok((start.elapsed().as_secs_f64() * 1e3, alloc::count() - allocations))
    };
    for code in m.walk(frames as usize / 10) {
        frame(engine, code)?;
    }
    let mut times_ms = Vec::with_capacity(frames as usize);
    let mut allocations = Vec::with_capacity(frames as usize);
    let mut stages = Means::new();
    for code in m.walk(frames as usize) {
        let (ms, allocated) = frame(engine, code)?;
        times_ms.push(ms);
        allocations.push(allocated);
        add_by_name(&mut stages, engine.stage_times(), frames);
    }
    times_ms.sort_by(f64::total_cmp);
    allocations.sort_unstable();
    Ok(Measured { times_ms, allocations, stages })
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
        settings.certain.map_or(String::new(), |p| format!(" at most: adaptive, certain {p}"))
    );
    println!("engine       {:?}, {}", info.kind, info.device);
    let (median, p99) = (measured.at(0.5), measured.at(0.99));
    println!("frame        median {median:.3} ms, p99 {p99:.3} ms ({:.2} times), of {frames} frames, each waited for", p99 / median);
    print_means("stages ", &measured.stages);
    println!("allocations  median {} a frame, at most {}", allocations[frames / 2], allocations[frames - 1]);
}

fn print_means(what: &str, means: &Means) {
    if !means.is_empty() {
        let split: Vec<String> = means.iter().map(|(name, mean)| format!("{name} {mean:.3}")).collect();
        println!("{what}      {} (mean ms)", split.join(", "));
    }
}

/// Frames with nothing waited for between them.
struct Stretch {
    fps: f64,
    /// What ran of each.
    ran: Vec<Ran>,
}

/// What a frame asks for on average.
fn mean_needs(frames: &[Ran], of: impl Fn(Ran) -> Roofline) -> Roofline {
    Roofline::mean(frames.iter().copied().map(of)).unwrap_or_default()
}

/// `leaves_out`: steps without work do not run.
fn unwaited(engine: &mut dyn Engine, settings: &DecodeSettings, frames: u32, leaves_out: bool) -> Result<Stretch, EngineError> {
    let mut codes = vec![0; engine.manifest().frame.code_bytes()];
    engine.finish()?;
    while engine.take_codes(&mut codes).is_some() {}
    let mut ran = Vec::with_capacity(frames as usize);
    let walk = engine.manifest().walk(frames as usize);
    let start = Instant::now();
    for code in walk {
        engine.dream(code, settings)?;
        take(engine, &mut codes, settings, leaves_out, &mut ran);
    }
    engine.finish()?;
    let fps = f64::from(frames) / start.elapsed().as_secs_f64();
    take(engine, &mut codes, settings, leaves_out, &mut ran);
    Ok(Stretch { fps, ran })
}

/// Takes the codes that have arrived, and notes what ran of each frame: adaptive decoding goes on up to the step that settles the last token.
fn take(engine: &mut dyn Engine, codes: &mut [u8], settings: &DecodeSettings, leaves_out: bool, ran: &mut Vec<Ran>) {
    while engine.take_codes(codes).is_some() {
        let last = engine.settled().iter().map(|settled| u32::from(settled.step)).max().unwrap_or(0);
        let steps = settings.steps;
        ran.push(if leaves_out { Ran { steps: last.clamp(1, steps), mends: last > steps } } else { Ran::all(steps) });
    }
}

/// Prints what a frame asks for, if every step runs and on average of those that were dreamed, and how much of the device that is.
fn roofline(all: &Roofline, needs: &Roofline, device: &peak::Peak, fps: f64) {
    let as_counted = if needs == all { String::new() } else { format!(", in the steps that ran; {:.1} M if all do", all.ops as f64 / 2e6) };
    println!(
        "a frame is   {:.1} M multiply-adds, {:.2} MB ({:.2} of weights, {:.2} of activations){as_counted}",
        needs.ops as f64 / 2e6,
        needs.bytes() as f64 / 1e6,
        needs.weight_bytes as f64 / 1e6,
        needs.activation_bytes as f64 / 1e6,
    );
    let dispatch = device.dispatch_us.map_or(String::new(), |us| format!(", {us:.2} us a dispatch that does nothing"));
    println!("device       {:.1} GFLOP/s, {:.1} GB/s{dispatch} (measured just now)", device.gflops, device.gbytes_per_sec);
    let bound_ms = needs.bound_ms(device.gflops, device.gbytes_per_sec);
    println!(
        "throughput   {fps:.1} frames/s, {:.3} ms each: {:.1} GFLOP/s, {:.1} GB/s",
        1e3 / fps,
        needs.ops as f64 * fps / 1e9,
        needs.bytes() as f64 * fps / 1e9
    );
    println!("roofline     {bound_ms:.3} ms at best; reached {:.0} %{}", 100.0 * bound_ms * fps / 1e3, starting(all.dispatches, device));
}

/// What dispatches take by themselves, where there are any, also those of steps that find nothing to do.
fn starting(dispatches: usize, device: &peak::Peak) -> String {
    device
        .dispatch_us
        .map_or(String::new(), |us| format!("; its {dispatches} dispatches alone take {:.3} ms to start", dispatches as f64 * us * 1e-3))
}

/// What the matrix products of a frame reached, which took `ms` with so many `starts`, also of steps that find nothing to do, and why where that is little.
fn products(needs: &Roofline, starts: usize, ms: f64, device: &peak::Peak) -> String {
    let bound_ms = needs.bound_ms(device.gflops, device.gbytes_per_sec);
    let share = 100.0 * bound_ms / ms;
    let mut said = format!(
        "products     {starts} dispatches, {ms:.3} ms: {:.1} GFLOP/s, {:.1} GB/s; {bound_ms:.3} ms at best; reached {share:.0} %",
        needs.ops as f64 / ms / 1e6,
        needs.bytes() as f64 / ms / 1e6,
    );
    if share < LITTLE {
        said += "\n             ";
        said += &why(needs, starts, ms, device);
    }
    said
}

/// What holds matrix products up, by what they ask for and what the device can do.
fn why(needs: &Roofline, starts: usize, ms: f64, device: &peak::Peak) -> String {
    let (arithmetic_ms, memory_ms) = (needs.arithmetic_ms(device.gflops), needs.memory_ms(device.gbytes_per_sec));
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let bound = if arithmetic_ms >= memory_ms {
        format!("they are bound by arithmetic: {:.1} M multiply-adds at {:.1} GFLOP/s", needs.ops as f64 / 2e6, device.gflops)
    } else if needs.weight_bytes >= needs.activation_bytes {
        let (weights, all) = (megabytes(needs.weight_bytes), megabytes(needs.bytes()));
        format!("products of few rows are bound by reading weights: {weights:.2} of {all:.2} MB at {:.1} GB/s", device.gbytes_per_sec)
    } else {
        let (activations, all) = (megabytes(needs.activation_bytes), megabytes(needs.bytes()));
        format!("they are bound by moving activations: {activations:.2} of {all:.2} MB at {:.1} GB/s", device.gbytes_per_sec)
    };
    let bound_ms = arithmetic_ms.max(memory_ms);
    let starts_ms = starts as f64 * device.dispatch_us.unwrap_or(0.0) * 1e-3;
    let rest_ms = (ms - bound_ms - starts_ms).max(0.0);
    format!(
        "{bound} take {bound_ms:.3} ms, starting the dispatches takes {starts_ms:.3} ms; the other {rest_ms:.3} ms are the kernel's own"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::inputs::play_settings;
    use crate::pack::random::{odd_manifest, random_pack};

    const DEVICE: peak::Peak = peak::Peak { gflops: 1000.0, gbytes_per_sec: 100.0, dispatch_us: Some(2.0) };

    #[test]
    fn little_is_explained_by_what_the_counts_say() {
        let of_weights = Roofline { dispatches: 10, ops: 100_000_000, weight_bytes: 80_000_000, activation_bytes: 20_000_000 };
        let said = products(&of_weights, 10, 4.0, &DEVICE);
        assert!(said.contains("10 dispatches, 4.000 ms: 25.0 GFLOP/s, 25.0 GB/s; 1.000 ms at best; reached 25 %"), "{said}");
        let why = "bound by reading weights: 80.00 of 100.00 MB at 100.0 GB/s take 1.000 ms, starting the dispatches takes 0.020 ms; the other 2.980 ms";
        assert!(said.contains(why), "{said}");
        let of_arithmetic = Roofline { ops: 2_000_000_000, ..of_weights };
        let said = products(&of_arithmetic, 10, 20.0, &DEVICE);
        assert!(said.contains("bound by arithmetic: 1000.0 M multiply-adds at 1000.0 GFLOP/s take 2.000 ms"), "{said}");
        let of_activations = Roofline { weight_bytes: 1, ..of_weights };
        assert!(products(&of_activations, 10, 20.0, &DEVICE).contains("bound by moving activations"));
        let much = products(&of_weights, 10, 2.0, &DEVICE);
        assert!(much.ends_with("reached 50 %"), "{much}");
    }

    /// Steps that were left out are not counted, and all are where none may be.
    #[test]
    fn what_ran_is_known_of_every_frame() {
        let pack = random_pack(odd_manifest(), 1).unwrap();
        let mut engine = CpuEngine::new(&pack, CpuOptions { threads: Some(1), ..CpuOptions::default() }).unwrap();
        // Of land that is new no token is certain.
        let settings = DecodeSettings { steps: 4, new_land: None, ..play_settings(&pack.manifest) };
        let mut ran = |certain: Option<f32>| {
            let settings = DecodeSettings { certain, ..settings };
            unwaited(&mut engine, &settings, 12, certain.is_some()).unwrap().ran
        };
        assert_eq!(ran(None), [Ran::all(4); 12]);
        // Whatever comes out of the first step is that certain.
        assert_eq!(ran(Some(f32::MIN_POSITIVE)), [Ran { steps: 1, mends: false }; 12]);
        let of_four = ran(Some(1.0 - f32::EPSILON));
        assert!(of_four.contains(&Ran { steps: 4, mends: false }), "hardly a token is that certain: {of_four:?}");
    }

    #[test]
    fn the_processor_has_no_tiers() {
        let on = On { choice: EngineChoice::Cpu, tier: None, tunes: true };
        assert!(device(on).unwrap().is_none());
        for (on, asked) in [(On { tier: Some(Tier::Base), ..on }, "--tier"), (On { tunes: false, ..on }, "--no-tune")] {
            let why = device(on).err().unwrap().to_string();
            assert_eq!(why, format!("engine: expected the GPU's with {asked} (--engine gpu), got the CPU's"));
        }
    }

    #[test]
    fn a_tier_is_forced_where_the_device_has_it() {
        let on = On { choice: EngineChoice::Gpu, tier: None, tunes: false };
        let gpu = device(on).unwrap_or_else(|e| panic!("this test needs a graphics adapter: {e}")).unwrap();
        let best = Tier::of(&gpu.adapter, &gpu.device);
        for tier in Tier::ALL {
            match device(On { tier: Some(tier), ..on }) {
                Ok(forced) => assert!(tier <= best && forced.is_some_and(|gpu| gpu.tier == tier && !gpu.tunes), "{tier:?}"),
                Err(why) => {
                    let why = why.to_string();
                    assert!(tier > best && why.contains(best.name()) && why.contains(tier.name()) && !why.contains('\n'), "{why}");
                }
            }
        }
    }
}
