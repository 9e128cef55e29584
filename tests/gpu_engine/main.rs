//! The GPU engine as a whole against the plain reference; here what all of its tests start from.
#![cfg(feature = "player")]

mod dreams;
mod frames;
mod logits;
mod memory;
mod start;
mod submissions;

use somnium::engine::gpu::GpuContext;
use somnium::engine::{Arrival, Chance, DecodeSettings, Engine, PromptWord, TokenFrame, UNKNOWN, UnmaskOrder, decode};
use somnium::pack::Pack;
use somnium::pack::manifest::Manifest;
use somnium::pack::random::random_pack;

/// The context's message names the remedy; nothing here is ever skipped.
fn gpu() -> GpuContext {
    GpuContext::headless(false).unwrap_or_else(|e| panic!("these tests need a graphics adapter: {e}"))
}

fn pack(manifest: Manifest) -> Pack {
    random_pack(manifest, 7).unwrap()
}

fn settings(p: &Pack, steps: u32) -> DecodeSettings {
    let window = p.manifest.dynamics.as_ref().unwrap().window;
    DecodeSettings { steps, temperature: 1.0, seed: 11, window, ..DecodeSettings::LEAST }
}

/// Codes of a frame, all given.
fn some_codes(m: &Manifest, t: u32) -> Vec<u8> {
    (0..m.frame.code_bytes() as u32).map(|i| (decode::random(1, t, 2, i, 3) % m.frame.code_levels as u32) as u8).collect()
}

/// Any codes, action and prompt that the pack allows; every fourth frame shows what the one before does, every fifth token of some frames is
/// not given, every third frame did not move.
fn any_frame(m: &Manifest, t: u32) -> TokenFrame {
    let (f, d) = (&m.frame, m.dynamics.as_ref().unwrap());
    let mut codes = some_codes(m, if t % 4 == 3 { t - 1 } else { t });
    for token in codes.chunks_exact_mut(f.code_dims).step_by(5).filter(|_| t % 3 == 1) {
        token.fill(UNKNOWN);
    }
    let words = t / 2 % (2 * d.prompt_words as u32 + 1);
    let word = |i: u32| PromptWord { id: (decode::random(6, t + i, 0, 0, 0) % 9000) as u16, share: [255, 1, 77][(t + i) as usize % 3] };
    TokenFrame {
        codes,
        action: (decode::random(4, t, 0, 0, 0) % (d.actions as u32 + 1)) as u8,
        moved: t % 3 != 2,
        prompt: (0..words).map(word).collect(),
    }
}

/// Dreams one frame on the GPU engine and waits for its codes.
fn dreamed(engine: &mut dyn Engine, action: u8, s: &DecodeSettings) -> (Arrival, Vec<u8>) {
    engine.dream(action, s).unwrap();
    arrived(engine)
}

fn arrived(engine: &mut dyn Engine) -> (Arrival, Vec<u8>) {
    let mut codes = vec![0; engine.manifest().frame.code_bytes()];
    engine.finish().unwrap();
    let arrival = engine.take_codes(&mut codes).unwrap();
    assert_eq!(engine.take_codes(&mut codes), None, "a frame is reported once");
    (arrival, codes)
}

/// Steps 1 to 8, both orders, three temperatures, seeds, windows, levels, guidance and what is certain change from frame to frame; nothing is compiled for it.
fn changing(p: &Pack, t: u32) -> DecodeSettings {
    let d = p.manifest.dynamics.as_ref().unwrap();
    DecodeSettings {
        steps: [2, 1, 8, 3, 4, 5, 6, 7][t as usize % 8],
        temperature: [1.0, 0.0, 0.6][t as usize % 3],
        seed: 100 + t / 2,
        order: if t % 4 < 2 { UnmaskOrder::Random } else { UnmaskOrder::Confidence },
        window: d.window - (t as usize % d.window).min(2),
        context_level: t as usize % d.context_levels,
        guidance: [0.0, 1.5, 0.0, 3.0][t as usize % 4],
        certain: [None, None, Some(0.01), Some(0.3)][t as usize % 4],
        min_p: [0.0, 0.2, 0.0][t as usize % 3],
        new_land: [None, Some(Chance { temperature: 1.0, min_p: 0.1 })][t as usize / 2 % 2],
    }
}
