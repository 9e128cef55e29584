//! Logits of frames that are given, in every tier, past two windows.

use super::{any_frame, gpu, pack, settings};
use somnium::engine::gpu::{GpuEngine, tier::Tier};
use somnium::engine::reference::ReferenceEngine;
use somnium::engine::{DecodeSettings, Engine};
use somnium::pack::random::{land_manifest, look_manifest, odd_manifest, plain_manifest, tiny_manifest};
use somnium::pack::{Pack, PackTensor};

/// Largest |gpu - f64| of a logit, as `ATOL + RTOL * |f64|`: f32 sums over a few hundred terms, through a handful of blocks.
const ATOL: f32 = 1e-3;

const RTOL: f32 = 1e-3;

/// How many times the tolerance the worst logit is off; infinite where one is no number.
fn worst_of_tolerance(ours: &[f32], truth: &[f32]) -> f32 {
    assert_eq!(ours.len(), truth.len());
    let off = |(a, b): (&f32, &f32)| if a.is_finite() { (a - b).abs() / (ATOL + RTOL * b.abs()) } else { f32::INFINITY };
    ours.iter().zip(truth).map(off).fold(0.0, f32::max)
}

/// Teacher-forces both engines over `frames` frames and returns the worst logit in tolerances. `wide`: as on hardware, whatever the device is.
fn teacher_forced(p: &Pack, gpu_pack: &Pack, frames: u32, tier: Tier, wide: bool) -> f32 {
    let mut gpu = gpu().at_most(tier);
    gpu.summary.software &= !wide;
    assert!(gpu.is_wide() || !wide);
    let name = gpu.tier.name();
    let mut ours = GpuEngine::new(gpu, gpu_pack).unwrap();
    assert!(ours.info().device.ends_with(name), "{}", ours.info().device);
    let mut truth = ReferenceEngine::new(p).unwrap();
    let mut worst = 0.0f32;
    for t in 0..frames {
        let frame = any_frame(&p.manifest, t);
        let levels = p.manifest.dynamics.as_ref().unwrap().context_levels;
        // Window and level change on the way, as a player may change them.
        let base = settings(p, 2);
        let s = DecodeSettings {
            window: if t % 7 == 5 { base.window.div_ceil(2) } else { base.window },
            context_level: t as usize % levels,
            ..base
        };
        let (a, b) = (ours.teacher_force(&frame, &s).unwrap(), truth.teacher_force(&frame, &s).unwrap());
        worst = worst.max(worst_of_tolerance(&a, &b));
    }
    worst
}

#[test]
fn teacher_forced_logits_match_past_two_windows() {
    // So many tokens that several workgroups attend.
    let mut wide = odd_manifest();
    (wide.frame.width_px, wide.frame.height_px) = (49, 35);
    let base = [odd_manifest(), tiny_manifest(), plain_manifest(), look_manifest(), land_manifest()].map(|m| (m, Tier::Base, false));
    // Sums of the last two are long enough that several threads share them out.
    let others = [
        (odd_manifest(), Tier::Bare, false),
        (odd_manifest(), Tier::F16, false),
        (wide, Tier::F16, false),
        (plain_manifest(), Tier::F16, true),
        (plain_manifest(), Tier::Base, true),
    ];
    for (manifest, tier, wide) in base.into_iter().chain(others) {
        let frames = 2 * manifest.dynamics.as_ref().unwrap().window as u32 + 3;
        let p = pack(manifest);
        let worst = teacher_forced(&p, &p, frames, tier, wide);
        assert!(worst <= 1.0, "{}: worst logit is {worst} tolerances off", p.manifest.name);
    }
}

/// The comparison notices single weights that are off: a bias by age, which reaches logits only through the ring; the gate of an action in
/// the clip at the token's own place; what the level of the clip's first token adds to a hidden unit of the next dimension; and the gate of
/// each source of copies.
#[test]
fn a_corrupted_weight_is_noticed() {
    let p = pack(odd_manifest());
    let (channels, units) = (p.manifest.dynamics.as_ref().unwrap().channels, p.manifest.dynamics.as_ref().unwrap().head_hidden);
    let gate = (usize::from(any_frame(&p.manifest, 2).action) * 9 + 4) * channels;
    let code = usize::from(any_frame(&p.manifest, 0).codes[0]) * p.manifest.frame.code_dims * units + units;
    // What every token knows of places never seen, and a channel of the tap to its own place.
    let (never, tap) = (0, 4 * channels * channels);
    let places =
        [("dyn.1.time.bias", 1), ("dyn.prev.gate", gate), ("dyn.head.codes", code), ("dyn.recall.age", never), ("dyn.recall.w", tap)];
    for (name, at) in places.into_iter().chain([("dyn.head.copy.b", 0), ("dyn.head.copy.b", 1)]) {
        let mut corrupted = p.clone();
        let tensor = corrupted.tensors.get_mut(name).unwrap();
        let mut values = tensor.f32s();
        values[at] += 4.0;
        *tensor = PackTensor::from_f32s_as_f16(&tensor.shape.clone(), &values);
        let worst = teacher_forced(&p, &corrupted, 4, Tier::Base, false);
        assert!(worst > 1.0, "{name}: worst logit is only {worst} tolerances off");
    }
}
