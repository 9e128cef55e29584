//! The GPU engine as a whole against the plain reference: logits, tokens, pictures, replay, and changes without a rebuild.
#![cfg(feature = "player")]

mod memory;

use somnium::engine::gpu::{GpuContext, GpuEngine, plan::Plan, tier::Tier};
use somnium::engine::reference::ReferenceEngine;
use somnium::engine::{Arrival, DecodeSettings, Engine, EngineError, PromptWord, TokenFrame, UNKNOWN, UnmaskOrder, decode};
use somnium::pack::manifest::Manifest;
use somnium::pack::random::{odd_manifest, pocket_manifest, random_pack, tiny_manifest};
use somnium::pack::{Pack, PackTensor};

/// Largest |gpu - f64| of a logit, as `ATOL + RTOL * |f64|`: f32 sums over a few hundred terms, through a handful of blocks.
const ATOL: f32 = 1e-3;
const RTOL: f32 = 1e-3;

/// The context's message names the remedy; nothing here is ever skipped.
fn gpu() -> GpuContext {
    GpuContext::headless(false).unwrap_or_else(|e| panic!("these tests need a graphics adapter: {e}"))
}

fn pack(manifest: Manifest) -> Pack {
    random_pack(manifest, 7).unwrap()
}

fn settings(p: &Pack, steps: u32) -> DecodeSettings {
    let window = p.manifest.dynamics.as_ref().unwrap().window;
    DecodeSettings { steps, temperature: 1.0, seed: 11, order: UnmaskOrder::Random, window, context_level: 0, guidance: 0.0, certain: None }
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

/// How many times the tolerance the worst logit is off; infinite where one is no number.
fn worst_of_tolerance(ours: &[f32], truth: &[f32]) -> f32 {
    assert_eq!(ours.len(), truth.len());
    let off = |(a, b): (&f32, &f32)| if a.is_finite() { (a - b).abs() / (ATOL + RTOL * b.abs()) } else { f32::INFINITY };
    ours.iter().zip(truth).map(off).fold(0.0, f32::max)
}

/// Teacher-forces both engines over `frames` frames and returns the worst logit in tolerances.
fn teacher_forced(p: &Pack, gpu_pack: &Pack, frames: u32, tier: Tier) -> f32 {
    let gpu = gpu().at_most(tier);
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
    let base = [odd_manifest(), tiny_manifest(), pocket_manifest()].map(|m| (m, Tier::Base));
    for (manifest, tier) in base.into_iter().chain([(odd_manifest(), Tier::Bare), (odd_manifest(), Tier::F16)]) {
        let frames = 2 * manifest.dynamics.as_ref().unwrap().window as u32 + 3;
        let p = pack(manifest);
        let worst = teacher_forced(&p, &p, frames, tier);
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
        let worst = teacher_forced(&p, &corrupted, 4, Tier::Base);
        assert!(worst > 1.0, "{name}: worst logit is only {worst} tolerances off");
    }
}

/// A tier that computes wrongly gives way to the one below it, and the engine says so; where all do there is no engine.
#[test]
fn a_broken_tier_is_noticed_at_start() {
    let gpu = || gpu().at_most(Tier::F16);
    let tier = gpu().tier;
    let broken = |pack: &Pack, broken: &dyn Fn(Tier) -> bool| {
        GpuEngine::with_plans(gpu(), pack, |pack, tier| {
            let mut plan = Plan::new(pack, tier)?;
            // The second row of every tile goes without its products.
            let d = plan.dynamics.iter_mut().flat_map(|d| &mut d.step);
            for pass in d.chain(&mut plan.decode).filter(|pass| pass.kernel.stem == "matmul" && broken(tier)) {
                let source = pass.kernel.source.replace("sum1 = add_products(sum1, x1, w0, w1, w2, w3);", "");
                assert_ne!(source, pass.kernel.source);
                pass.kernel.source = source;
            }
            Ok(plan)
        })
    };
    // A kernel that does not even compile.
    let p = pack(tiny_manifest());
    let engine = GpuEngine::with_plans(gpu(), &p, |pack, one| {
        let mut plan = Plan::new(pack, one)?;
        plan.decode.iter_mut().filter(|_| one == tier).for_each(|pass| pass.kernel.source += "no shader");
        Ok(plan)
    });
    let mut engine = engine.unwrap();
    assert!(engine.info().device.contains(&format!("(the {} does not run: ", tier.name())), "{}", engine.info().device);
    dreamed(&mut engine, 0, &settings(&p, 2));

    let mut tokenizer = odd_manifest();
    tokenizer.dynamics = None;
    for p in [pack(odd_manifest()), pack(tokenizer)] {
        let whole = broken(&p, &|_| false).unwrap();
        assert!(whole.info().device.ends_with(tier.name()), "{}", whole.info().device);
        let fallen = broken(&p, &|one| one == tier).unwrap();
        let below = tier.and_below().nth(1).unwrap();
        let said = format!(", {} (the {} computes wrongly: a ", below.name(), tier.name());
        assert!(fallen.info().device.contains(&said), "{}", fallen.info().device);
        assert_eq!(fallen.context().tier, below);
        let error = broken(&p, &|_| true).err().unwrap().to_string();
        assert!(error.starts_with("the graphics device computes wrongly: ") && error.contains("bare tier"), "{error}");
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

/// Share of code dimensions in which the engines differ, dreaming two frames from each of several histories. Steps build on each
/// other, so a near tie may spread; the test of single steps below looks at every choice by itself. Pictures of equal tokens must agree.
fn differing_share(
    p: &Pack,
    ours: &mut dyn Engine,
    our_settings: &dyn Fn(u32) -> DecodeSettings,
    their_settings: &dyn Fn(u32) -> DecodeSettings,
) -> f64 {
    let mut truth = ReferenceEngine::new(p).unwrap();
    let actions = p.manifest.dynamics.as_ref().unwrap().actions as u32;
    let (mut different, mut compared) = (0, 0);
    for t in 0..7 {
        let history: Vec<TokenFrame> = (0..t).map(|i| any_frame(&p.manifest, i)).collect();
        let words = any_frame(&p.manifest, t).prompt;
        let run = |engine: &mut dyn Engine, s: &dyn Fn(u32) -> DecodeSettings| {
            engine.set_prompt(&words).unwrap();
            engine.restore(&history, t).unwrap();
            let first = dreamed(engine, (t % (actions + 1)) as u8, &s(t));
            engine.set_prompt(&[]).unwrap();
            let second = dreamed(engine, (t % actions) as u8, &s(t + 1));
            ([first.0.frame, second.0.frame], [first.1, second.1].concat(), engine.read_picture().unwrap())
        };
        let (a, b) = (run(ours, our_settings), run(&mut truth, their_settings));
        assert_eq!(a.0, [t, t + 1], "frame numbers");
        let off = a.1.iter().zip(&b.1).filter(|(x, y)| x != y).count();
        compared += a.1.len();
        different += off;
        if off == 0 {
            let worst = a.2.iter().zip(&b.2).map(|(x, y)| x.abs_diff(*y)).max().unwrap();
            assert!(worst <= 1, "pixels are {worst} off at frame {t}");
        }
    }
    different as f64 / compared as f64
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
    }
}

#[test]
fn dreams_follow_the_reference_while_settings_change_and_nothing_is_rebuilt() {
    for manifest in [odd_manifest(), tiny_manifest()] {
        let p = pack(manifest);
        let mut ours = GpuEngine::new(gpu(), &p).unwrap();
        let pipelines = ours.pipelines();
        let share = differing_share(&p, &mut ours, &|t| changing(&p, t), &|t| changing(&p, t));
        assert!(share <= 0.01, "{}: {share} of the choices differ", p.manifest.name);
        assert_eq!(ours.pipelines(), pipelines);
    }
}

#[test]
fn another_seed_is_noticed() {
    let p = pack(odd_manifest());
    let other = |t| DecodeSettings { seed: 9, temperature: 1.0, ..changing(&p, t) };
    let share = differing_share(&p, &mut GpuEngine::new(gpu(), &p).unwrap(), &other, &|t| changing(&p, t));
    assert!(share > 0.1, "another seed changes only {share} of the choices");
}

/// Every choice of a single step is the reference's, except where its two best scores lie within this of each other.
const TIE: f32 = 4e-3;

/// Choices that differ though they are no tie, how many are ties, and of how many. `other`: what our engine is told otherwise.
fn wrong_choices(p: &Pack, guidance: f32, other: impl Fn(&mut DecodeSettings)) -> (usize, usize, usize) {
    let mut ours = GpuEngine::new(gpu(), p).unwrap();
    let mut truth = ReferenceEngine::new(p).unwrap();
    let f = &p.manifest.frame;
    let (mut wrong, mut ties, mut all) = (0, 0, 0);
    for t in 0..4 {
        let history: Vec<TokenFrame> = (0..2 * t).map(|i| any_frame(&p.manifest, i)).collect();
        let s = DecodeSettings { temperature: 0.8, guidance, ..settings(p, 1) };
        let prompt = any_frame(&p.manifest, 2 + 3 * t).prompt;
        assert!(!prompt.is_empty());
        ours.restore(&history, t).unwrap();
        ours.set_prompt(&prompt).unwrap();
        let mut our_settings = s;
        other(&mut our_settings);
        let (arrival, codes) = dreamed(&mut ours, 1, &our_settings);
        // Of every choice the reference's logits given the choices before it, with the prompt and without.
        let mut logits_under = |prompt: &[PromptWord]| {
            truth.restore(&history, t).unwrap();
            let dreamed = TokenFrame { codes: codes.clone(), action: 1, moved: arrival.moved, prompt: prompt.to_vec() };
            truth.teacher_force(&dreamed, &s).unwrap()
        };
        let (with, without) = (logits_under(&prompt), logits_under(&[]));
        let logits: Vec<f32> = with.iter().zip(&without).map(|(c, u)| (1.0 + guidance) * c - guidance * u).collect();
        for (i, (row, &code)) in logits.chunks_exact(f.code_levels).zip(&codes).enumerate() {
            let (n, d) = ((i / f.code_dims) as u32, i % f.code_dims);
            let noise = |l: usize| decode::gumbel(decode::random(s.seed, t, 1, n, (d * f.code_levels + l) as u32));
            let scores: Vec<f32> = row.iter().enumerate().map(|(l, x)| x / s.temperature + noise(l)).collect();
            let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let near = scores.iter().filter(|&&x| x > best - TIE).count() > 1;
            all += 1;
            ties += usize::from(near);
            wrong += usize::from(!near && scores[usize::from(code)] < best);
        }
    }
    (wrong, ties, all)
}

#[test]
fn a_single_step_chooses_as_the_reference_does_but_for_near_ties() {
    let p = pack(odd_manifest());
    for guidance in [0.0, 2.0] {
        let (wrong, ties, all) = wrong_choices(&p, guidance, |_| ());
        assert_eq!(wrong, 0, "guidance {guidance}, of {all}");
        assert!(ties * 20 < all, "{ties} of {all} choices are ties: the test would see too little");
    }
    let (wrong, _, all) = wrong_choices(&p, 0.0, |s| s.seed = 999);
    // Many choices are copies, which no noise changes.
    assert!(wrong * 8 > all, "another seed is noticed: {wrong} of {all}");
    let (wrong, _, all) = wrong_choices(&p, 2.0, |s| s.guidance = 0.0);
    assert!(wrong * 20 > all, "missing guidance is noticed: {wrong} of {all}");
}

/// Without words there is nothing to guide to.
#[test]
fn guidance_changes_nothing_without_a_prompt() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let mut dream = |prompt: &[PromptWord], guidance: f32| {
        engine.set_prompt(prompt).unwrap();
        engine.restore(&[any_frame(&p.manifest, 3)], 4).unwrap();
        dreamed(&mut engine, 1, &DecodeSettings { guidance, ..settings(&p, 3) })
    };
    assert!(dream(&[], 0.0) == dream(&[], 4.0));
    let words = [2, 5].map(PromptWord::whole);
    assert!(dream(&words, 0.0) != dream(&words, 4.0));
}

/// A played stretch: codes of every frame and the last picture.
fn played(engine: &mut GpuEngine, seed: u32) -> (Vec<Vec<u8>>, Vec<u8>) {
    let p = pack(pocket_manifest());
    engine.set_prompt(&[1, 2].map(PromptWord::whole)).unwrap();
    engine.restore(&[any_frame(&p.manifest, 3)], 40).unwrap();
    let base = DecodeSettings { seed, ..settings(&p, 2) };
    let frames = (0..10).map(|t| dreamed(engine, t % 8, &base).1).collect();
    (frames, engine.read_picture().unwrap())
}

#[test]
fn replay_is_exact_and_depends_on_the_seed() {
    let p = pack(pocket_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let first = played(&mut engine, 5);
    let again = played(&mut engine, 5);
    assert!(first == again, "the same engine replays itself");
    let fresh = played(&mut GpuEngine::new(gpu(), &p).unwrap(), 5);
    assert!(first == fresh, "a fresh engine replays it too");
    assert!(first.0 != played(&mut engine, 6).0, "another seed gives another dream");
}

#[test]
fn the_pocket_pack_takes_fewer_than_120_dispatches() {
    let p = pack(pocket_manifest());
    let engine = GpuEngine::new(gpu(), &p).unwrap();
    assert!(engine.dispatches(2) < 120, "{}", engine.dispatches(2));
    assert!(engine.dispatches(3) > engine.dispatches(2));
    let (two, four) = (engine.roofline(2), engine.roofline(4));
    assert_eq!(two.dispatches, engine.dispatches(2));
    // Without a map nothing is recalled, read off or remembered.
    let mut manifest = pocket_manifest();
    manifest.dynamics.as_mut().unwrap().recall = None;
    let without = GpuEngine::new(gpu(), &pack(manifest)).unwrap();
    assert_eq!(without.dispatches(2) + 3, engine.dispatches(2));
    // 2 steps of 63 rows through some 1.5 million weights, the commit and a decoder: between 0.3 and 3 GFLOP.
    assert!((300_000_000..3_000_000_000).contains(&two.ops), "{two:?}");
    assert!(four.ops > two.ops && four.bytes() > two.bytes());
    assert!(two.bound_ms(1000.0, 100.0) < two.bound_ms(10.0, 100.0));
}

/// Codes arrive once each and in order, also when nobody waits for the device in between.
#[test]
fn codes_arrive_in_order_without_waiting() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    engine.restore(&[], 100).unwrap();
    let mut codes = vec![0; p.manifest.frame.code_bytes()];
    let mut numbers = Vec::new();
    for _ in 0..30 {
        engine.dream(0, &settings(&p, 1)).unwrap();
        numbers.extend(engine.take_codes(&mut codes).map(|arrival| arrival.frame));
    }
    engine.finish().unwrap();
    assert_eq!(engine.take_codes(&mut [0; 1]), None, "a buffer of another length takes nothing");
    numbers.extend(std::iter::from_fn(|| engine.take_codes(&mut codes)).map(|arrival| arrival.frame));
    assert_eq!(numbers, (100..130).collect::<Vec<_>>());
    assert!(codes.iter().all(|&c| usize::from(c) < p.manifest.frame.code_levels));
    assert!(engine.take_codes(&mut codes).is_none());
}

#[test]
fn restoring_nothing_clears_picture_and_untaken_codes() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    engine.dream(0, &settings(&p, 1)).unwrap();
    assert!(engine.read_picture().unwrap().iter().any(|&x| x != 0));
    engine.restore(&[], 0).unwrap();
    assert!(engine.take_codes(&mut vec![0; p.manifest.frame.code_bytes()]).is_none());
    assert!(engine.read_picture().unwrap().iter().all(|&x| x == 0));
}

#[test]
fn bad_input_is_named_and_changes_nothing() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let s = settings(&p, 2);
    let input = |r: Result<(), EngineError>| matches!(r, Err(EngineError::Input { .. }));
    assert!(input(engine.dream(9, &s)));
    assert!(input(engine.dream(0, &DecodeSettings { steps: 9, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { window: 6, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { context_level: 3, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { temperature: f32::NAN, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { guidance: 4.5, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { certain: Some(1.0), ..s })));
    assert!(input(engine.dream_around(&[0; 2], 0, &s)));
    assert!(input(engine.set_prompt(&[PromptWord::whole(1); 7])));
    assert!(input(engine.set_prompt(&[PromptWord { id: 1, share: 0 }])));
    assert!(input(engine.set_prompt(&[PromptWord::whole(u16::MAX)])));
    assert!(input(engine.restore(&[TokenFrame { codes: vec![0; 2], action: 0, moved: false, prompt: Vec::new() }], 0)));
    assert!(input(engine.encode(&[0; 5]).map(|_| ())));
    assert_eq!(dreamed(&mut engine, 0, &s).0.frame, 0);
    assert!(engine.context().fault().is_none(), "{:?}", engine.context().fault());
}

/// Packs that are valid but too large for a device are refused in one sentence that names what does not fit, before anything that large
/// is computed.
#[test]
fn a_pack_too_large_for_the_device_is_refused() {
    let mut large_table = odd_manifest();
    (large_table.frame.code_dims, large_table.frame.code_levels) = (16, 64);
    let d = large_table.dynamics.as_mut().unwrap();
    (d.actions, d.channels) = (63, 65);
    let mut large_head = odd_manifest();
    large_head.frame.code_dims = 16;
    large_head.dynamics.as_mut().unwrap().head_hidden = 255;
    for (manifest, device_has, asked) in [
        (large_table, "bytes in one buffer", "160745472 in `dyn.prev.table`"),
        (large_head, "bytes in a workgroup", "17088 in `sample UNITS 4080`"),
    ] {
        let mut manifest = manifest;
        manifest.actions = (0..manifest.dynamics.as_ref().unwrap().actions).map(|_| manifest.actions[0].clone()).collect();
        let error = GpuEngine::new(gpu(), &pack(manifest)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.starts_with("pack for this graphics device: expected at most "), "{error}");
        assert!(error.contains(device_has) && error.ends_with(asked), "{error}");
    }
}

#[test]
fn a_tokenizer_by_itself_shows_pictures_but_does_not_dream() {
    let mut manifest = odd_manifest();
    manifest.dynamics = None;
    let p = pack(manifest);
    let mut ours = GpuEngine::new(gpu(), &p).unwrap();
    let mut truth = ReferenceEngine::new(&p).unwrap();
    let rgb: Vec<u8> = (0..p.manifest.frame.rgb_bytes() as u32).map(|i| (i * 37 % 251) as u8).collect();
    let codes = ours.encode(&rgb).unwrap();
    assert_eq!(codes, truth.encode(&rgb).unwrap());
    let frame = TokenFrame { codes, action: 0, moved: false, prompt: Vec::new() };
    ours.restore(std::slice::from_ref(&frame), 0).unwrap();
    truth.restore(&[frame], 0).unwrap();
    let (a, b) = (ours.read_picture().unwrap(), truth.read_picture().unwrap());
    assert!(a.iter().zip(&b).all(|(x, y)| x.abs_diff(*y) <= 1));
    let s = DecodeSettings {
        steps: 1,
        temperature: 0.0,
        seed: 0,
        order: UnmaskOrder::Random,
        window: 1,
        context_level: 0,
        guidance: 0.0,
        certain: None,
    };
    assert!(matches!(ours.dream(0, &s), Err(EngineError::NoDynamics)));
}

#[test]
fn stages_are_timed_where_the_device_can() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    dreamed(&mut engine, 0, &settings(&p, 2));
    let times = engine.stage_times();
    if engine.context().timestamps {
        assert_eq!(times.len(), 3);
        assert!(times.iter().all(|(_, ms)| (0.0..10_000.0).contains(ms)) && times[0].1 > 0.0, "{times:?}");
    } else {
        assert!(times.is_empty());
    }
    // Dispatch by dispatch only now and then, and always in the frame of number 0: a frame not timed so leaves what is known.
    let passes = engine.pass_times();
    if engine.context().pass_timestamps {
        assert_eq!(passes.len(), engine.dispatches(2));
        let [of_passes, of_stages] = [&passes, &times].map(|times| times.iter().map(|(_, ms)| ms).sum::<f32>());
        assert!((0.5..1.01).contains(&(of_passes / of_stages)), "{of_passes} of {of_stages} ms");
        assert!(passes[0].0 == "prev" && passes.iter().any(|&(name, ms)| name == "matmul" && ms > 0.0), "{passes:?}");
        dreamed(&mut engine, 0, &settings(&p, 3));
        assert_eq!(engine.pass_times(), passes);
        engine.restore(&[], 0).unwrap();
        dreamed(&mut engine, 0, &settings(&p, 3));
        assert_eq!(engine.pass_times().len(), engine.dispatches(3));
    } else {
        assert!(passes.is_empty());
    }
}

/// Where every token is certain after the first step, the others are left out on the device itself and change nothing; where none is, all
/// run as ever.
#[test]
fn steps_without_work_are_left_out() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let engine_skips = engine.context().indirect;
    engine.set_prompt(&[1, 2].map(PromptWord::whole)).unwrap();
    for guidance in [0.0, 1.5] {
        let mut play = |steps: u32, certain: Option<f32>| {
            engine.restore(&[any_frame(&p.manifest, 3)], 0).unwrap();
            let s = DecodeSettings { guidance, certain, ..settings(&p, steps) };
            let frames = [dreamed(&mut engine, 1, &s), dreamed(&mut engine, 2, &s)];
            (frames, engine.last_choice().unwrap())
        };
        let (one, of_one) = play(1, None);
        let (certain, of_certain) = play(8, Some(f32::MIN_POSITIVE));
        let (all, of_all) = play(8, None);
        assert!(certain == one && all != one);
        // Every step that runs draws for all tokens anew.
        assert!(!engine_skips || of_certain == of_one, "a step ran that had nothing to settle");
        assert!(of_one == one[1].1 && of_all != all[1].1);
        assert!(play(8, Some(1.0 - f32::EPSILON)) == (all, of_all), "no token is that certain");
    }
}

/// What one start leaves is what the next takes, unless it is damaged; a dream is the same with and without.
#[test]
fn compiled_pipelines_are_kept_where_the_device_can() {
    let kept = tempfile::tempdir().unwrap();
    let folder = kept.path().join("pipelines");
    let p = pack(tiny_manifest());
    let start = || {
        let gpu = gpu().with_cache(Some(folder.clone()));
        let found = gpu.pipelines.as_ref().map(|store| store.found_bytes());
        (found, dreamed(&mut GpuEngine::new(gpu, &p).unwrap(), 0, &settings(&p, 1)))
    };
    let first = start();
    if first.0.is_none() {
        assert!(!folder.exists(), "a device that keeps nothing leaves nothing");
        return;
    }
    let second = start();
    assert!(first.0 == Some(0) && second.0 > Some(0), "{:?} and then {:?} bytes found", first.0, second.0);
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    let third = start();
    assert_eq!(third.0, Some(0), "what is damaged is not used");
    assert!(start().0 > Some(0), "and is made anew");
    assert!(first.1 == second.1 && first.1 == third.1);
}

/// Tiles that were measured give the dream that the default ones give, and are kept; what is damaged is measured anew.
#[test]
fn tiles_are_chosen_once_and_change_no_dream() {
    let folder = tempfile::tempdir().unwrap();
    let p = pack(tiny_manifest());
    let start = |tunes: bool| {
        let mut gpu = gpu().with_cache(Some(folder.path().to_owned()));
        gpu.tunes = tunes;
        dreamed(&mut GpuEngine::new(gpu, &p).unwrap(), 0, &settings(&p, 1))
    };
    let kept = || -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
        let tiles = files.filter(|file| file.file_name().to_str().is_some_and(|name| name.starts_with("tiles-")));
        tiles.map(|file| (file.path(), file.metadata().unwrap().modified().unwrap())).collect()
    };
    let default = start(false);
    assert!(kept().is_empty(), "nothing is measured unasked");
    let tuned = start(true);
    let first = kept();
    assert!(first.len() == 1 && tuned == default, "{first:?}");
    assert!(start(true) == default && kept() == first, "what is known is not measured again");
    std::fs::write(&first[0].0, "damaged").unwrap();
    assert!(start(true) == default && kept() != first);
    assert!(std::fs::read(&first[0].0).unwrap() != b"damaged");
}

/// A lost device is an error, never a panic; a new device goes on from the tokens as if nothing had happened.
#[test]
fn a_dream_survives_its_device() {
    let p = pack(odd_manifest());
    let s = settings(&p, 2);
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let mut history = Vec::new();
    for action in 0..4 {
        let (Arrival { moved, .. }, codes) = dreamed(&mut engine, action, &s);
        history.push(TokenFrame { codes, action, moved, prompt: Vec::new() });
    }
    engine.restore(&history, 4).unwrap();
    let onward = dreamed(&mut engine, 1, &s);

    engine.context().device.destroy();
    let outcomes: Vec<_> = (0..3).map(|_| engine.dream(1, &s)).collect();
    assert!(matches!(outcomes.last(), Some(Err(EngineError::DeviceLost(_)))), "{outcomes:?}");
    assert!(engine.restore(&history, 4).is_err());
    assert!(engine.read_picture().is_err());
    let mut codes = vec![0; p.manifest.frame.code_bytes()];
    while engine.take_codes(&mut codes).is_some() {}
    drop(engine);

    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    engine.restore(&history, 4).unwrap();
    assert_eq!(dreamed(&mut engine, 1, &s), onward);
}
