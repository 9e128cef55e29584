//! How fast the pack plays on this machine's processor.

use std::time::Instant;

use anyhow::Result;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::inputs::play_settings;
use somnium::engine::{DecodeSettings, Engine};
use somnium::pack::Pack;

use super::report::{Bar, Figure, Unit};

/// Frames before the clock starts, and frames it runs for.
const WARM_UP: u32 = 20;
const TIMED: u32 = 60;
/// Decoding steps that the bar names.
const STEPS: u32 = 2;

pub fn figures(pack: &Pack) -> Result<Vec<Figure>> {
    let mut engine = CpuEngine::new(pack, CpuOptions::default())?;
    let name = |how: &str, engine: &CpuEngine| format!("frames dreamed, CPU engine, {}, {how}", engine.info().device);
    let played = play_settings(&pack.manifest);
    let settings = DecodeSettings { steps: STEPS, certain: None, ..played };
    let barred = frames_per_second(&mut engine, &settings)?;
    let barred = Figure::new("speed", name(&format!("{STEPS} steps"), &engine), Unit::PerSecond).dream(barred).bar(Bar::AtLeast(60.0));
    let as_played = frames_per_second(&mut engine, &played)?;
    Ok(vec![barred, Figure::new("speed", name("as it is played", &engine), Unit::PerSecond).dream(as_played)])
}

fn frames_per_second(engine: &mut CpuEngine, settings: &DecodeSettings) -> Result<f64> {
    engine.restore(&[], 0)?;
    let mut started = Instant::now();
    for frame in 0..WARM_UP + TIMED {
        if frame == WARM_UP {
            started = Instant::now();
        }
        engine.dream(0, settings)?;
    }
    Ok(f64::from(TIMED) / started.elapsed().as_secs_f64())
}
