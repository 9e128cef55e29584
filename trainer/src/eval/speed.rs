//! How fast the pack plays on this machine's processor.

use std::time::Instant;

use anyhow::Result;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::inputs::play_settings;
use somnium::engine::{DecodeSettings, Engine, TokenFrame};
use somnium::pack::Pack;
use somnium::pack::manifest::DynamicsDims;
use somnium::worlds;

use super::control::FEW_STEPS;
use super::report::{Bar, Figure, Unit};

/// Frames before the clock starts, and frames it runs for.
const WARM_UP: usize = 20;
const TIMED: usize = 60;

pub fn figures(pack: &Pack) -> Result<Vec<Figure>> {
    let mut engine = CpuEngine::new(pack, CpuOptions::default())?;
    let name = |how: &str, engine: &CpuEngine| format!("frames dreamed, CPU engine, {}, {how}", engine.info().device);
    let played = play_settings(&pack.manifest);
    let settings = DecodeSettings { steps: FEW_STEPS, certain: None, ..played };
    let start = first_view(pack, &mut engine)?;
    let barred = frames_per_second(&mut engine, &start, &settings)?;
    let barred = Figure::new("speed", name(&format!("{FEW_STEPS} steps"), &engine), Unit::PerSecond).dream(barred).bar(Bar::AtLeast(60.0));
    let as_played = frames_per_second(&mut engine, &start, &played)?;
    Ok(vec![barred, Figure::new("speed", name("as it is played", &engine), Unit::PerSecond).dream(as_played)])
}

/// A view of the simulator to walk on from, as a player does from a picture; nothing where the pack is of none that is in this build.
fn first_view(pack: &Pack, engine: &mut CpuEngine) -> Result<Vec<TokenFrame>> {
    let (m, frame) = (&pack.manifest, pack.manifest.frame);
    let world = m.provenance.world.as_deref().and_then(worlds::by_name);
    let fits = |info: &worlds::WorldInfo| [info.width_px, info.height_px] == [frame.width_px, frame.height_px];
    let Some(mut world) = world.filter(|world| fits(world.info())) else { return Ok(Vec::new()) };
    world.reset(0);
    let mut rgb = vec![0; frame.rgb_bytes()];
    world.render(&mut rgb);
    let unknown = m.dynamics.as_ref().map_or(0, DynamicsDims::unknown_action);
    Ok(vec![TokenFrame { codes: engine.encode(&rgb)?, action: unknown, moved: false, prompt: Vec::new() }])
}

/// Of a walk, the settings and the start given.
fn frames_per_second(engine: &mut CpuEngine, start: &[TokenFrame], settings: &DecodeSettings) -> Result<f64> {
    engine.restore(start, 0)?;
    let mut started = Instant::now();
    for (frame, code) in engine.manifest().walk(WARM_UP + TIMED).into_iter().enumerate() {
        if frame == WARM_UP {
            started = Instant::now();
        }
        engine.dream(code, settings)?;
    }
    Ok(TIMED as f64 / started.elapsed().as_secs_f64())
}
