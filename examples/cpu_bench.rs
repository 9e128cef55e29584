//! Speed of the CPU engine: `cargo run --release --no-default-features --example cpu_bench -- [PACK] [FRAMES] [STEPS] [THREADS]`.
//! Without a pack (or with `-`) it measures random weights of the pocket shape.

use somnium::{
    engine::{
        DecodeSettings, Engine,
        cpu::{CpuEngine, CpuOptions},
        inputs::play_settings,
    },
    pack::{
        Pack,
        random::{pocket_manifest, random_pack},
    },
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Instant,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator, with a count.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(p, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| args.get(i).map_or(Ok(default), |a| a.parse());
    let pack = match args.first().filter(|a| *a != "-") {
        Some(path) => Pack::read(path.as_ref())?,
        None => random_pack(pocket_manifest(), 1)?,
    };
    let (frames, steps, threads) = (number(1, 300)?, number(2, 2)?, number(3, 0)?);
    let loading = Instant::now();
    let mut engine = CpuEngine::new(&pack, CpuOptions { threads: (threads > 0).then_some(threads), ..CpuOptions::default() })?;
    println!("{}: {} parameters, loaded in {:.0} ms", pack.manifest.name, pack.parameters(), loading.elapsed().as_secs_f64() * 1e3);
    let s = DecodeSettings { steps: steps as u32, ..play_settings(&pack.manifest) };
    let actions = pack.manifest.actions.len() + 1;
    for i in 0..20 {
        engine.dream((i % actions) as u8, &s)?;
    }

    let mut codes = vec![0; pack.manifest.frame.code_bytes()];
    let mut ms = Vec::with_capacity(frames);
    let mut stages: Vec<(&str, f32)> = engine.stage_times().into_iter().map(|(name, _)| (name, 0.0)).collect();
    let mut allocations = 0;
    for i in 0..frames {
        let before = ALLOCATIONS.load(Relaxed);
        let start = Instant::now();
        engine.dream((i / 10 % actions) as u8, &s)?;
        ms.push(start.elapsed().as_secs_f64() * 1e3);
        engine.take_codes(&mut codes);
        allocations += ALLOCATIONS.load(Relaxed) - before;
        for (sum, (_, t)) in stages.iter_mut().zip(engine.stage_times()) {
            sum.1 += t;
        }
    }
    let mean = ms.iter().sum::<f64>() / frames as f64;
    ms.sort_by(f64::total_cmp);
    let (median, p99) = (ms[frames / 2], ms[frames * 99 / 100]);
    println!("{}, {steps} steps: median {median:.2} ms, p99 {p99:.2} ms, {:.1} frames/s", engine.info().device, 1e3 / median);
    for (name, sum) in stages {
        println!("  {name}: {:.2} ms, {:.0} % of the mean", sum / frames as f32, 100.0 * f64::from(sum) / frames as f64 / mean);
    }
    let flop = 2.0 * engine.work(s.steps) as f64;
    println!(
        "matrix products: {:.2} GFLOP a frame, {:.0} GFLOP/s; {allocations} allocations in {frames} frames",
        flop * 1e-9,
        flop * 1e-6 / median
    );
    Ok(())
}
