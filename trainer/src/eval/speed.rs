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

pub fn figure(pack: &Pack) -> Result<Figure> {
    let mut engine = CpuEngine::new(pack, CpuOptions::default())?;
    let settings = DecodeSettings { steps: STEPS, ..play_settings(&pack.manifest) };
    engine.restore(&[], 0)?;
    let mut started = Instant::now();
    for frame in 0..WARM_UP + TIMED {
        if frame == WARM_UP {
            started = Instant::now();
        }
        engine.dream(0, &settings)?;
    }
    let name = format!("frames dreamed, CPU engine, {}, {STEPS} steps", engine.info().device);
    Ok(Figure::new("speed", name, Unit::PerSecond).dream(f64::from(TIMED) / started.elapsed().as_secs_f64()).bar(Bar::AtLeast(60.0)))
}
