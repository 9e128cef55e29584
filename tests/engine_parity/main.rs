//! The engines against each other and against themselves: the same logits, the same dreams, the same rules.

mod branches;
mod copy;
mod drawing;
mod dreams;
mod look;
mod memory;
mod prompts;
mod settled;

use somnium::{
    engine::{
        Chance, DecodeSettings, Engine, PromptWord, TokenFrame, UNKNOWN, UnmaskOrder,
        cpu::{CpuEngine, CpuOptions},
        decode,
        odometer::Odometer,
        parity::check_parity,
        recall::motion_of,
        reference::ReferenceEngine,
    },
    pack::{
        Pack, PackTensor,
        manifest::{BlockKind, Manifest, ParityInfo, RecallDims},
        random::{land_manifest, look_manifest, odd_manifest, plain_manifest, random_pack, tiny_manifest},
    },
    prompt::{WordTable, words_of},
};

type Build = fn(&Pack) -> Box<dyn Engine>;

fn reference(pack: &Pack) -> Box<dyn Engine> {
    Box::new(ReferenceEngine::new(pack).expect("a valid pack"))
}

fn cpu(pack: &Pack) -> Box<dyn Engine> {
    Box::new(CpuEngine::new(pack, CpuOptions { threads: Some(2), ..CpuOptions::default() }).expect("a valid pack"))
}

#[cfg(feature = "player")]
fn gpu(pack: &Pack) -> Box<dyn Engine> {
    use somnium::engine::gpu::{GpuContext, GpuEngine};
    let context = GpuContext::headless(false).unwrap_or_else(|e| panic!("these tests need a graphics adapter: {e}"));
    Box::new(GpuEngine::new(context, pack).expect("a valid pack"))
}

const ENGINES: &[(&str, Build)] = &[
    ("reference", reference),
    ("cpu", cpu),
    #[cfg(feature = "player")]
    ("gpu", gpu),
];

/// Largest |a - b| allowed between an f32 engine and the f64 reference, logits being of order one to ten.
const TOLERANCE: f32 = 5e-5;

/// Every instruction set this machine has, with an odd and an even number of threads.
fn cpu_variants(pack: &Pack) -> Vec<CpuEngine> {
    (0..3)
        .flat_map(|skip| [1, 2, 3].map(|threads| CpuOptions { threads: Some(threads), skip_instruction_sets: skip }))
        .map(|options| CpuEngine::new(pack, options).expect("a valid pack"))
        .collect()
}

/// Shapes that between them have every kind of block, narrow and wide heads, one and many panels, one and many tokens, and a look or none.
fn shapes() -> Vec<Manifest> {
    let mut wide = odd_manifest();
    wide.frame.width_px = 7 * 11;
    wide.frame.height_px = 7 * 5;
    (wide.tokenizer.channels, wide.tokenizer.heads) = (120, 3);
    let d = wide.dynamics.as_mut().expect("with dynamics");
    (d.channels, d.heads, d.ffn_hidden, d.window) = (130, 2, 200, 7);
    // Seven steps a token.
    d.recall = Some(RecallDims { step_px: 1, covered: vec![0, 27] });
    let mut alone = plain_manifest();
    alone.dynamics.as_mut().expect("with dynamics").look_beside = false;
    let mut still = odd_manifest();
    let d = still.dynamics.as_mut().expect("with dynamics");
    d.blocks = vec![BlockKind { temporal: false, prompt: true }, BlockKind { temporal: false, prompt: false }];
    let mut short = odd_manifest();
    short.dynamics.as_mut().expect("with dynamics").window = 1;
    short.play.window = 1;
    // A look below a single column of patches, and below a single patch.
    let mut column = look_manifest();
    column.frame.width_px = 7;
    column.dynamics.as_mut().expect("with dynamics").recall = Some(RecallDims { step_px: 7, covered: vec![2] });
    let mut one = tiny_manifest();
    one.frame.look = true;
    vec![odd_manifest(), tiny_manifest(), wide, still, short, plain_manifest(), alone, look_manifest(), column, one]
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| if x.is_finite() && y.is_finite() { (x - y).abs() } else { f32::INFINITY }).fold(0.0, f32::max)
}

/// Frames of random codes under the script's actions and prompts, some tokens unknown, some beginning as what stood there or beside it in
/// the frame before, some steps blocked.
fn random_frames(m: &Manifest, frames: u32) -> Vec<TokenFrame> {
    let (mut prompt, mut before) = (Vec::new(), Vec::new());
    let frame = |(t, (action, words)): (usize, (u8, Option<Vec<PromptWord>>))| {
        if let Some(words) = words {
            prompt = words;
        }
        let level = |i: usize| (decode::random(5, t as u32, i as u32, 0, 0) >> 8) as usize % m.frame.code_levels;
        let mut codes: Vec<u8> = (0..m.frame.code_bytes()).map(|i| level(i) as u8).collect();
        for (n, token) in codes.chunks_exact_mut(m.frame.code_dims).enumerate() {
            if decode::random(6, t as u32, n as u32, 0, 0).is_multiple_of(9) {
                token.fill(UNKNOWN);
            } else {
                let place = n + decode::random(8, t as u32, n as u32, 0, 0) as usize % 2;
                let alike = decode::random(9, t as u32, n as u32, 0, 0) as usize % (2 * m.frame.code_dims);
                let other = before.iter().skip(place * m.frame.code_dims).take(m.frame.code_dims.min(alike));
                token.iter_mut().zip(other).filter(|(_, other)| **other != UNKNOWN).for_each(|(level, other)| *level = *other);
            }
        }
        before.clone_from(&codes);
        let moved = !decode::random(7, t as u32, 0, 0, 0).is_multiple_of(3);
        TokenFrame { codes, action, moved, prompt: prompt.clone() }
    };
    script(m, frames).into_iter().enumerate().map(frame).collect()
}

#[test]
fn the_cpu_engine_computes_what_the_reference_does() {
    for (shape, m) in shapes().into_iter().enumerate() {
        let pack = pack_of(m, 40 + shape as u32);
        let m = &pack.manifest;
        let (mut oracle, mut engines) = (reference(&pack), cpu_variants(&pack));
        let window = settings(m).window;
        let mut engine_worst = 0f32;
        // Past two windows, with the window narrowed for a while and another context level.
        for (t, frame) in random_frames(m, 2 * window as u32 + 4).iter().enumerate() {
            let d = m.dynamics.as_ref().expect("with dynamics");
            let s = DecodeSettings {
                window: if t % 7 == 5 { window.div_ceil(2) } else { window },
                context_level: t % d.context_levels,
                ..settings(m)
            };
            let expected = oracle.teacher_force(frame, &s).expect("logits");
            for engine in &mut engines {
                let got = engine.teacher_force(frame, &s).expect("logits");
                let worst = largest_difference(&got, &expected);
                assert!(worst < TOLERANCE, "shape {shape}, frame {t}, {}: off by {worst}", engine.info().device);
                engine_worst = engine_worst.max(worst);
            }
            // Negative control: this comparison sees a single changed token of the frame before.
            if t == 4 {
                let mut changed = frame.clone();
                changed.codes[..m.frame.code_dims].fill(if frame.codes[0] == 0 { 1 } else { 0 });
                oracle.restore(std::slice::from_ref(&changed), 0).expect("restored");
                engines[0].restore(std::slice::from_ref(frame), 0).expect("restored");
                let next = &random_frames(m, 1)[0];
                let (a, b) = (oracle.teacher_force(next, &s).expect("logits"), engines[0].teacher_force(next, &s).expect("logits"));
                assert!(largest_difference(&a, &b) > 10.0 * TOLERANCE, "shape {shape}: a changed token goes unnoticed");
                oracle.restore(&[], 0).expect("restored");
                engines.iter_mut().for_each(|e| e.restore(&[], 0).expect("restored"));
            }
        }
        println!("shape {shape}: worst difference {engine_worst:e}");
    }
}

#[test]
fn the_cpu_engine_dreams_what_the_reference_does_up_to_near_ties() {
    /// Two scores that are this close may be ranked differently.
    const MARGIN: f32 = 1e-3;
    for (m, seed) in [(odd_manifest(), 60), (odd_manifest(), 61), (look_manifest(), 62), (land_manifest(), 63)] {
        let pack = pack_of(m, seed);
        let m = &pack.manifest;
        let script = script(m, 16);
        for order in [UnmaskOrder::Random, UnmaskOrder::Confidence] {
            for (steps, temperature, guidance, certain, min_p, new_min_p) in [
                (1, 0.0, 0.0, None, 0.0, None),
                (2, 1.0, 1.5, None, 0.0, None),
                (5, 0.7, 0.0, None, 0.3, Some(0.6)),
                (8, 1.0, 0.0, Some(0.02), 0.1, None),
                (8, 1.0, 0.0, Some(0.02), 0.1, Some(0.0)),
            ] {
                let new_land = new_min_p.map(|min_p| Chance { temperature, min_p });
                let s = DecodeSettings { order, steps, temperature, guidance, certain, min_p, new_land, ..settings(m) };
                let (mut oracle, mut engine) = (reference(&pack), cpu(&pack));
                let (mut words, mut other) = (Vec::new(), Vec::new());
                for (t, line) in script.iter().enumerate() {
                    let a = play(&mut *oracle, std::slice::from_ref(line), &s, &mut words);
                    let b = play(&mut *engine, std::slice::from_ref(line), &s, &mut other);
                    if a == b {
                        let (a, b) = (oracle.read_picture().expect("read"), engine.read_picture().expect("read"));
                        assert!(a.iter().zip(&b).all(|(x, y)| x.abs_diff(*y) <= 1), "pictures differ");
                        continue;
                    }
                    // From here on the two dreams may part, but only because of a near tie.
                    assert!(
                        near_tie(&pack, &script[..=t], &s, MARGIN),
                        "{order:?}, {steps} steps, frame {t}: other tokens without a near tie"
                    );
                    break;
                }
                // The control: no two scores are the same, and some are apart.
                if steps == 1 {
                    assert!(!near_tie(&pack, &script, &s, 0.0) && near_tie(&pack, &script, &s, f32::INFINITY));
                }
            }
        }
    }
}

/// Whether, while the reference plays the script, some choice in the first step of its last frame was closer than `margin`. (A tie in a
/// later step is not looked for: it would fail the test, and a person should look at it.)
fn near_tie(pack: &Pack, script: &[(u8, Option<Vec<PromptWord>>)], s: &DecodeSettings, margin: f32) -> bool {
    let m = &pack.manifest;
    let mut oracle = reference(pack);
    let mut words = Vec::new();
    let history = play(&mut *oracle, &script[..script.len() - 1], s, &mut words);
    let (action, changed) = script.last().expect("not empty");
    if let Some(changed) = changed {
        words.clone_from(changed);
    }
    let mut logits_under = |codes: &[u8], prompt: &[PromptWord]| {
        oracle.restore(&history, 0).expect("restored");
        let frame = TokenFrame { codes: codes.to_vec(), action: *action, moved: false, prompt: prompt.to_vec() };
        oracle.teacher_force(&frame, s).expect("logits")
    };
    let number = script.len() as u32 - 1;
    let (dims, levels) = (m.frame.code_dims, m.frame.code_levels);
    let mut codes = vec![0; m.frame.code_bytes()];
    // What a level is drawn from depends on those of its token that were drawn before.
    (0..dims).any(|d| {
        let (mut logits, without) = (logits_under(&codes, &words), logits_under(&codes, &[]));
        logits.iter_mut().zip(without).for_each(|(c, u)| *c += s.guidance * (*c - u));
        let mut any = false;
        for (n, token) in codes.chunks_exact_mut(dims).enumerate() {
            let row = &logits[(n * dims + d) * levels..][..levels];
            let score = |l: usize| match s.temperature {
                0.0 => row[l],
                t => row[l] / t + decode::gumbel(decode::random(s.seed, number, 1, n as u32, (d * levels + l) as u32)),
            };
            let mut scores: Vec<(f32, u8)> = (0..levels).map(|l| (score(l), l as u8)).collect();
            scores.sort_by(|a, b| a.0.total_cmp(&b.0));
            any |= scores[levels - 1].0 - scores[levels - 2].0 < margin;
            token[d] = scores[levels - 1].1;
        }
        any
    })
}

#[test]
fn the_number_of_threads_changes_nothing() {
    for m in [odd_manifest(), plain_manifest(), look_manifest()] {
        let pack = pack_of(m, 8);
        let script = script(&pack.manifest, 12);
        let rgb = noise(&pack.manifest);
        let s = DecodeSettings { order: UnmaskOrder::Confidence, guidance: 1.0, ..settings(&pack.manifest) };
        let run = |threads| {
            let mut engine = CpuEngine::new(&pack, CpuOptions { threads: Some(threads), ..CpuOptions::default() }).expect("a valid pack");
            (play(&mut engine, &script, &s, &mut Vec::new()), engine.read_picture().expect("read"), engine.encode(&rgb).expect("encoded"))
        };
        let one = run(1);
        for threads in [2, 3, 7, 16] {
            assert!(one == run(threads), "{threads} threads dream something else");
        }
        // The control: other chances do.
        let other = DecodeSettings { seed: s.seed + 1, ..s };
        assert!(one.0 != play(&mut *cpu(&pack), &script, &other, &mut Vec::new()));
    }
}

/// A picture of stripes, no two alike.
fn noise(m: &Manifest) -> Vec<u8> {
    (0..m.frame.rgb_bytes()).map(|i| (decode::random(3, i as u32 / 40, 0, 0, 0) >> 24) as u8).collect()
}

#[test]
fn pictures_are_encoded_alike() {
    for m in shapes() {
        let pack = pack_of(m, 9);
        let rgb = noise(&pack.manifest);
        let expected = reference(&pack).encode(&rgb).expect("encoded");
        let same = |codes: &[u8]| expected.iter().zip(codes).filter(|(a, b)| a == b).count() as f64 / expected.len() as f64;
        for mut engine in cpu_variants(&pack) {
            // A value at the border between two levels may fall to either side.
            let share = same(&engine.encode(&rgb).expect("encoded"));
            assert!(share > 0.995, "{}: only {share} of the codes agree", engine.info().device);
        }
        let mut other = rgb.clone();
        other.iter_mut().for_each(|x| *x = 255 - *x);
        let share = same(&cpu(&pack).encode(&other).expect("encoded"));
        assert!(share < 0.9, "the inverted picture has the same codes");
    }
}

#[test]
fn the_parity_clip_of_a_pack_is_reproduced_and_a_wrong_one_noticed() {
    let mut pack = pack_of(odd_manifest(), 10);
    let m = pack.manifest.clone();
    let frames: Vec<_> = random_frames(&m, 13)
        .into_iter()
        .map(|mut f| {
            f.codes.iter_mut().for_each(|c| *c %= m.frame.code_levels as u8);
            TokenFrame { prompt: words_of("night snow", 3), ..f }
        })
        .collect();
    let mut oracle = reference(&pack);
    let logits: Vec<f32> = frames.iter().flat_map(|f| oracle.teacher_force(f, &settings(&m)).expect("logits")).collect();
    let codes: Vec<u8> = frames.iter().flat_map(|f| f.codes.clone()).collect();
    let actions: Vec<u8> = frames.iter().map(|f| f.action).collect();
    let moved: Vec<u8> = frames.iter().map(|f| u8::from(f.moved)).collect();
    // The first frame moves nothing: the map is empty.
    let walked = (1..12).find(|&t| motion_of(&m, actions[t]) != [0, 0]).expect("a step");
    pack.manifest.parity = Some(ParityInfo { frames: 13, prompt: "night snow".into(), atol: TOLERANCE, rtol: 0.0 });
    pack.tensors.insert("parity.codes".into(), PackTensor::from_u8s(&[13, 15, 3], &codes));
    pack.tensors.insert("parity.actions".into(), PackTensor::from_u8s(&[13], &actions));
    pack.tensors.insert("parity.moved".into(), PackTensor::from_u8s(&[13], &moved));
    pack.tensors.insert("parity.logits".into(), PackTensor::from_f32s(&[13, 15, 21], &logits));
    for (name, build) in ENGINES {
        let report = check_parity(&mut *build(&pack), &pack).expect("checked");
        assert!(report.within_tolerance() && report.agreement > 0.99, "{name}: {report:?}");
        let mut wrong = pack.clone();
        wrong.tensors.get_mut("parity.actions").expect("present").bytes[12] ^= 1;
        let report = check_parity(&mut *build(&wrong), &wrong).expect("checked");
        assert!(!report.within_tolerance() && report.worst_at[0] == 12, "{name}: {report:?}");
        let mut wrong = pack.clone();
        wrong.tensors.get_mut("parity.moved").expect("present").bytes[walked] ^= 1;
        assert!(
            !check_parity(&mut *build(&wrong), &wrong).expect("checked").within_tolerance(),
            "{name}: where the view went does not matter"
        );
        let mut wrong = pack.clone();
        wrong.manifest.parity.as_mut().expect("present").prompt = "night".into();
        assert!(!check_parity(&mut *build(&wrong), &wrong).expect("checked").within_tolerance(), "{name}: the prompt does not matter");
    }
    pack.manifest.parity = None;
    pack.tensors.retain(|name, _| !name.starts_with("parity."));
    assert!(check_parity(&mut *cpu(&pack), &pack).is_err());
}

fn pack_of(manifest: Manifest, seed: u32) -> Pack {
    random_pack(manifest, seed).expect("a valid manifest")
}

fn settings(m: &Manifest) -> DecodeSettings {
    let window = m.dynamics.as_ref().expect("with dynamics").window;
    DecodeSettings { steps: 2, temperature: 1.0, seed: 11, window, ..DecodeSettings::LEAST }
}

/// A script of actions and prompt changes, one entry a frame.
fn script(m: &Manifest, frames: u32) -> Vec<(u8, Option<Vec<PromptWord>>)> {
    let d = m.dynamics.as_ref().expect("with dynamics");
    let draw = |i, what| decode::random(99, i, what, 0, 0) as usize;
    (0..frames)
        .map(|i| {
            // Every other word in full, as while one prompt fades into another.
            let word = |k: usize| PromptWord {
                id: (draw(i, 2 + k as u32) % WordTable::get().len()) as u16,
                share: if k.is_multiple_of(2) { u8::MAX } else { 1 + (draw(i, 100 + k as u32) % 255) as u8 },
            };
            let words = (0..draw(i, 1) % (2 * d.prompt_words + 1)).map(word).collect();
            ((draw(i, 0) % (d.actions + 1)) as u8, (i % 3 == 1).then_some(words))
        })
        .collect()
}

/// Plays the script and returns what a dream would remember.
fn play(
    engine: &mut dyn Engine,
    script: &[(u8, Option<Vec<PromptWord>>)],
    s: &DecodeSettings,
    prompt: &mut Vec<PromptWord>,
) -> Vec<TokenFrame> {
    let mut frames = Vec::new();
    for (action, words) in script {
        if let Some(words) = words {
            engine.set_prompt(words).expect("known words");
            prompt.clone_from(words);
        }
        engine.dream(*action, s).expect("dreamed");
        engine.finish().expect("finished");
        let mut codes = vec![0; engine.manifest().frame.code_bytes()];
        let moved = engine.take_codes(&mut codes).expect("a new frame").moved;
        assert!(engine.take_codes(&mut codes).is_none(), "a frame was reported twice");
        frames.push(TokenFrame { codes, action: *action, moved, prompt: prompt.clone() });
    }
    frames
}
