//! Packs as they are shipped, on the GPU engine: the trainer's parity clip, and a stretch of play.
#![cfg(feature = "player")]

use std::path::Path;

use somnium::engine::gpu::{GpuContext, GpuEngine};
use somnium::engine::inputs::play_settings;
use somnium::engine::parity::check_parity;
use somnium::engine::{DecodeSettings, Engine, TokenFrame};
use somnium::pack::Pack;
use somnium::pack::random::{plain_manifest, random_pack};

const FRAMES: u32 = 32;

fn engine(pack: &Pack) -> GpuEngine {
    let gpu = GpuContext::headless(false).unwrap_or_else(|e| panic!("these tests need a graphics adapter: {e}"));
    GpuEngine::new(gpu, pack).unwrap()
}

/// Every pack of the repository that dreams, and one of random weights, which is always there: four blocks, eight dimensions a token, no look.
fn packs() -> Vec<(String, Pack)> {
    let mut packs = vec![("random plain".to_owned(), random_pack(plain_manifest(), 3).unwrap())];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights");
    let files = std::fs::read_dir(&folder).map(|dir| dir.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()).unwrap_or_default();
    for file in files.into_iter().filter(|f| f.extension().is_some_and(|e| e == "safetensors")) {
        let pack = Pack::read(&file).unwrap_or_else(|e| panic!("{e}"));
        packs.push((file.display().to_string(), pack));
    }
    packs.retain(|(_, pack)| pack.manifest.dynamics.is_some());
    packs
}

#[test]
fn every_pack_plays_on_the_gpu_engine() {
    for (name, pack) in packs() {
        let mut engine = engine(&pack);
        let m = pack.manifest.clone();
        let settings = DecodeSettings { seed: 3, ..play_settings(&m) };
        // From a picture: a gradient, which no pack was trained on and every pack must take.
        let rgb: Vec<u8> = (0..m.frame.rgb_bytes()).map(|i| (i * 255 / m.frame.rgb_bytes()) as u8).collect();
        let codes = engine.encode(&rgb).unwrap();
        let dynamics = m.dynamics.as_ref().unwrap();
        engine.restore(&[TokenFrame { codes, action: dynamics.unknown_action(), moved: false, prompt: Vec::new() }], 0).unwrap();
        let mut frames = Vec::new();
        let mut codes = vec![0; m.frame.code_bytes()];
        for t in 0..FRAMES {
            engine.dream((t / 4 % dynamics.actions as u32) as u8, &settings).unwrap();
            while let Some(arrival) = engine.take_codes(&mut codes) {
                frames.push((arrival.frame, codes.clone()));
            }
        }
        engine.finish().unwrap();
        while let Some(arrival) = engine.take_codes(&mut codes) {
            frames.push((arrival.frame, codes.clone()));
        }
        assert_eq!(frames.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..FRAMES).collect::<Vec<_>>(), "{name}");
        assert!(frames.iter().all(|(_, codes)| codes.iter().all(|&c| usize::from(c) < m.frame.code_levels)), "{name}: a level is off");
        let picture = engine.read_picture().unwrap();
        assert!(picture.chunks_exact(4).any(|p| p[..3] != picture[..3]), "{name}: the picture is one flat colour");
        assert!(picture.chunks_exact(4).all(|p| p[3] == 255), "{name}: the picture is opaque");
        assert!(engine.context().fault().is_none(), "{name}: {:?}", engine.context().fault());
    }
}

#[test]
fn every_parity_clip_is_reproduced() {
    let mut compared = 0;
    for (name, pack) in packs() {
        if pack.manifest.parity.is_none() {
            // The trainer stores a clip in every pack; the one of random weights has no trainer.
            assert!(name.starts_with("random"), "{name} holds no parity clip");
            continue;
        }
        let mut engine = engine(&pack);
        let report = check_parity(&mut engine, &pack).unwrap();
        assert!(report.within_tolerance(), "{name}: {report:?}");
        assert!(report.frames > 2 * pack.manifest.dynamics.as_ref().unwrap().window, "{name}: the clip is no longer than two windows");
        // The control: one logit is another.
        let mut spoilt = pack.clone();
        spoilt.tensors.get_mut("parity.logits").unwrap().bytes[..4].copy_from_slice(&1e6f32.to_le_bytes());
        let report = check_parity(&mut engine, &spoilt).unwrap();
        assert!(!report.within_tolerance() && report.worst_at == [0; 3], "{name}: {report:?}");
        compared += 1;
    }
    assert!(compared > 0, "weights/ holds no pack with a parity clip");
}
