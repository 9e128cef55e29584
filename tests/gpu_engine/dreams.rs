//! What is dreamed: choices of every step, settings that change, guidance, steps left out, replay.

use std::path::Path;

use super::{any_frame, changing, dreamed, gpu, pack, settings};
use somnium::dream::session::DreamSession;
use somnium::dream::{Drive, Intent, Source};
use somnium::engine::gpu::GpuEngine;
use somnium::engine::inputs::play_settings;
use somnium::engine::reference::ReferenceEngine;
use somnium::engine::{DecodeSettings, Engine, PromptWord, TokenFrame, decode};
use somnium::pack::Pack;
use somnium::pack::random::{land_manifest, look_manifest, odd_manifest, plain_manifest, tiny_manifest};
use somnium::prompt;

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

#[test]
fn dreams_follow_the_reference_while_settings_change_and_nothing_is_rebuilt() {
    for manifest in [odd_manifest(), tiny_manifest(), look_manifest(), land_manifest()] {
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
    let mut manifest = odd_manifest();
    // Logits know no vocabulary.
    manifest.dynamics.as_mut().unwrap().vocabulary = 0;
    let mut p = pack(manifest);
    // The reference is asked for logits without words as for a frame that silence begins with, which guidance does not mean.
    p.tensors.get_mut("dyn.told").unwrap().bytes.fill(0);
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
            (frames, engine.last_hidden().unwrap())
        };
        let (one, of_one) = play(1, None);
        let (certain, of_certain) = play(8, Some(f32::MIN_POSITIVE));
        let (all, of_all) = play(8, None);
        assert!(certain == one && all != one);
        // Every step that runs reads all tokens anew.
        assert!(!engine_skips || of_certain == of_one, "a step ran that had nothing to settle");
        assert!(of_one != of_all);
        assert!(play(8, Some(1.0 - f32::EPSILON)) == (all, of_all), "no token is that certain");
    }
}

/// A played stretch: codes of every frame and the last picture.
fn played(engine: &mut GpuEngine, seed: u32) -> (Vec<Vec<u8>>, Vec<u8>) {
    let p = pack(plain_manifest());
    engine.set_prompt(&[1, 2].map(PromptWord::whole)).unwrap();
    engine.restore(&[any_frame(&p.manifest, 3)], 40).unwrap();
    let base = DecodeSettings { seed, ..settings(&p, 2) };
    let frames = (0..10).map(|t| dreamed(engine, t % 8, &base).1).collect();
    (frames, engine.read_picture().unwrap())
}

#[test]
fn replay_is_exact_and_depends_on_the_seed() {
    let p = pack(plain_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let first = played(&mut engine, 5);
    let again = played(&mut engine, 5);
    assert!(first == again, "the same engine replays itself");
    let fresh = played(&mut GpuEngine::new(gpu(), &p).unwrap(), 5);
    assert!(first == fresh, "a fresh engine replays it too");
    assert!(first.0 != played(&mut engine, 6).0, "another seed gives another dream");
}

/// The tokens of a frame come to the host some time after it was begun; who looks from within stands where that frame is, not where the one before was.
#[test]
fn what_lies_around_is_what_lies_around_the_newest_frame() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/isles.safetensors");
    let pack = Pack::read(&path).unwrap();
    let settings = play_settings(&pack.manifest);
    let mut dream = DreamSession::new(Box::new(GpuEngine::new(gpu(), &pack).unwrap())).unwrap();
    dream.set_prompt(&prompt::ids(&prompt::read("meadow day", 12)), 0).unwrap();
    dream.start_from_prompt(&settings).unwrap();
    let (mut around, mut walked) = (dream.surroundings(None).unwrap(), 0);
    let code_of = |way| dream.info().code_of(Drive::Intent(way));
    let ways = [Intent::North, Intent::East, Intent::South, Intent::West].map(code_of);
    for frame in 1..=6 {
        dream.step(ways[frame % 4], &settings).unwrap();
        let next = dream.surroundings(Some(&around)).unwrap();
        let newest = dream.history().back().unwrap();
        assert_eq!((dream.history().len(), newest.action), (frame + 1, ways[frame % 4]));
        assert_eq!(next.at != around.at, newest.moved, "frame {frame}");
        walked += usize::from(newest.moved);
        around = next;
    }
    assert!(walked > 0, "nothing was in the way everywhere");
}
