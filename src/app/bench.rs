//! `somnium bench`: how fast a pack dreams here without a window, where the time goes, and how near that is to what the device can do.

use std::time::Instant;

use super::open::EngineChoice;
use super::{alloc, gallery, peak};
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::gpu::context::{GpuContext, new_instance, only_software};
use crate::engine::gpu::plan::Plan;
use crate::engine::gpu::tier::Tier;
use crate::engine::gpu::{GpuEngine, Roofline};
use crate::engine::{DecodeSettings, Engine, EngineError, PromptWord, TokenFrame};
use crate::pack::Pack;

/// Frames under one held action before the next.
const HELD_FRAMES: u32 = 16;

/// Measures `frames` frames under a prompt and prints what came out.
///
/// # Errors
/// One sentence.
pub fn run(pack: &Pack, choice: EngineChoice, settings: &DecodeSettings, words: &[PromptWord], frames: u32) -> Result<(), String> {
    let gpu = match choice {
        EngineChoice::Cpu => false,
        EngineChoice::Gpu => true,
        EngineChoice::Auto => !only_software(&new_instance()),
    };
    let measured = if gpu { on_gpu(pack, settings, words, frames) } else { on_cpu(pack, settings, words, frames) };
    measured.map_err(|e| e.to_string())
}

fn on_cpu(pack: &Pack, settings: &DecodeSettings, words: &[PromptWord], frames: u32) -> Result<(), EngineError> {
    let mut engine = CpuEngine::new(pack, CpuOptions::default())?;
    engine.set_prompt(words)?;
    measure(&mut engine, pack, settings, frames)?;
    println!("dispatches   none: the CPU engine");
    println!("blocking     no readback: pictures are in memory");
    // The plan knows the model, whatever runs it; this engine keeps its weights as f32, twice the size of the pack's f16.
    let mut needs = Roofline::of(&Plan::new(pack, Tier::default())?, settings.steps);
    needs.weight_bytes *= 2;
    roofline(&needs, peak::of_cpu(), engine_fps(&mut engine, settings, frames)?);
    Ok(())
}

fn on_gpu(pack: &Pack, settings: &DecodeSettings, words: &[PromptWord], frames: u32) -> Result<(), EngineError> {
    let context = GpuContext::headless(false)?;
    let peak = peak::of_gpu(&context)?;
    let mut engine = GpuEngine::new(context, pack)?;
    engine.set_prompt(words)?;
    measure(&mut engine, pack, settings, frames)?;
    let before = engine.blocking_waits();
    let fps = engine_fps(&mut engine, settings, frames)?;
    println!("dispatches   {} a frame", engine.dispatches(settings.steps));
    println!(
        "blocking     no readback; {} of {frames} frames waited because the device was behind when asked for frames without a pause",
        engine.blocking_waits() - before
    );
    roofline(&engine.roofline(settings.steps), peak, fps);
    Ok(())
}

/// Frame by frame, each waited for: latency, its split, and allocations.
fn measure(engine: &mut dyn Engine, pack: &Pack, settings: &DecodeSettings, frames: u32) -> Result<(), EngineError> {
    let m = &pack.manifest;
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
    let mut stages: Vec<(&'static str, f64)> = Vec::new();
    for i in 0..frames {
        let (ms, allocated) = frame(engine, i)?;
        times_ms.push(ms);
        allocations.push(allocated);
        for (name, ms) in engine.stage_times() {
            match stages.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => *sum += f64::from(ms),
                None => stages.push((name, f64::from(ms))),
            }
        }
    }
    times_ms.sort_by(f64::total_cmp);
    allocations.sort_unstable();
    let at = |share: f64| times_ms[((times_ms.len() - 1) as f64 * share).round() as usize];
    println!("pack         {}, {}x{} px, {} decoding steps", m.name, m.frame.width_px, m.frame.height_px, settings.steps);
    println!("engine       {:?}, {}", engine.info().kind, engine.info().device);
    println!("frame        median {:.2} ms, p99 {:.2} ms, of {frames} frames, each waited for", at(0.5), at(0.99));
    let split: Vec<String> = stages.iter().map(|(name, sum)| format!("{name} {:.2}", sum / f64::from(frames))).collect();
    println!("stages       {} (mean ms)", split.join(", "));
    println!("allocations  median {} a frame, at most {}", allocations[allocations.len() / 2], allocations[allocations.len() - 1]);
    Ok(())
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
        "a frame is   {:.1} M operations, {:.2} MB ({:.2} of weights, {:.2} of activations)",
        needs.ops as f64 / 1e6,
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
