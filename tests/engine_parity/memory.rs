//! What the map is for: land seen long before the window began is recalled, alike in every engine, and found again after a restore.

use super::*;
use somnium::engine::inputs::{frames_that_matter, play_settings};
use somnium::engine::recall::Map;
use somnium::pack::manifest::{FrameDims, RecallDims};

fn action_of(m: &Manifest, motion: [i32; 2]) -> u8 {
    m.actions.iter().position(|action| action.motion == motion).expect("such an action") as u8
}

/// A walk of random codes to the east and back, blocked once each way, that ends one step from home; and the frame that comes home.
fn there_and_back(m: &Manifest) -> (Vec<TokenFrame>, TokenFrame) {
    let far = m.dynamics.as_ref().expect("with dynamics").window + 3;
    let (east, west) = (action_of(m, [1, 0]), action_of(m, [-1, 0]));
    let way = |action, steps| [vec![(action, true)], vec![(action, false)], vec![(action, true); steps - 1]].concat();
    let walk = [way(east, far), way(west, far)].concat();
    let start = TokenFrame { action: m.actions.len() as u8, moved: false, ..random_frames(m, 1).remove(0) };
    let frames = random_frames(m, walk.len() as u32 + 1).into_iter().skip(1).zip(walk);
    let mut history: Vec<TokenFrame> =
        std::iter::once(start).chain(frames.map(|(frame, (action, moved))| TokenFrame { action, moved, ..frame })).collect();
    let home = history.pop().expect("not empty");
    (history, home)
}

#[test]
fn land_seen_before_the_window_is_recalled_alike() {
    for m in [odd_manifest(), plain_manifest()] {
        let pack = pack_of(m, 20);
        let m = &pack.manifest;
        let s = settings(m);
        let (history, home) = there_and_back(m);
        assert!(history.len() > frames_that_matter(m) + 3);
        let logits = |engine: &mut dyn Engine, history: &[TokenFrame]| {
            engine.restore(history, 0).expect("restored");
            engine.teacher_force(&home, &s).expect("logits")
        };
        let mut oracle = reference(&pack);
        let expected = logits(&mut *oracle, &history);
        for mut engine in cpu_variants(&pack) {
            let worst = largest_difference(&logits(&mut engine, &history), &expected);
            assert!(worst < TOLERANCE, "{}: off by {worst}", engine.info().device);
        }
        for (name, build) in ENGINES {
            let worst = largest_difference(&logits(&mut *build(&pack), &history), &expected);
            assert!(worst < TOLERANCE, "{name}: off by {worst}");
        }
        // Negative controls: what the first frame showed, that it was there at all, and where the view went since.
        let mut changed = history.clone();
        changed[0].codes.iter_mut().filter(|code| **code != UNKNOWN).for_each(|code| *code = m.frame.code_levels as u8 - 1 - *code);
        let mut led_astray = history.clone();
        led_astray[1].moved = false;
        for wrong in [&changed[..], &history[1..], &led_astray] {
            let off = largest_difference(&logits(&mut *oracle, wrong), &expected);
            assert!(off > 10.0 * TOLERANCE, "a wrong past goes unnoticed: {off}");
        }
        // Without a map the first frame is out of sight, and there is one source less to copy from.
        let mut forgetful = pack.clone();
        forgetful.manifest.dynamics.as_mut().expect("with dynamics").recall = None;
        forgetful.tensors.retain(|name, _| !name.starts_with("dyn.recall"));
        let channels = m.dynamics.as_ref().expect("with dynamics").channels;
        for (name, shape) in [("dyn.head.copy.w", &[channels, 1][..]), ("dyn.head.copy.b", &[1])] {
            let gates: Vec<f32> = pack.f32s(name).expect("present").into_iter().step_by(2).collect();
            forgetful.tensors.insert(name.into(), PackTensor::from_f32s_as_f16(shape, &gates));
        }
        for build in [reference, cpu] {
            let mut engine = build(&forgetful);
            assert_eq!(logits(&mut *engine, &history), logits(&mut *engine, &changed));
        }
    }
}

#[test]
fn a_restored_dream_knows_the_land_of_the_whole_walk() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 21);
        let m = &pack.manifest;
        let s = DecodeSettings { temperature: 3.0, ..settings(m) };
        // One way, and back to where the window does not reach.
        let [there, back] = [[-1, 0], [1, 0]].map(|motion| action_of(m, motion));
        let script: Vec<_> = (0..60).map(|t| (if t < 30 { there } else { back }, None)).collect();
        let mut played = build(&pack);
        let history = play(&mut *played, &script[..30], &s, &mut Vec::new());
        let walked = |moved: bool| history.iter().filter(|frame| frame.moved == moved).count();
        assert!(walked(true) > 3 && walked(false) > 3, "{name}: {} of {} frames moved", walked(true), history.len());
        let future = play(&mut *played, &script[30..], &s, &mut Vec::new());
        let mut restored = build(&pack);
        restored.dream(0, &s).expect("dreamed");
        let mut go_on = |history: &[TokenFrame]| {
            restored.restore(history, 30).expect("restored");
            play(&mut *restored, &script[30..], &s, &mut Vec::new())
        };
        assert_eq!(go_on(&history), future, "{name}");
        // Of what lies far back, the land is enough.
        let (older, newer) = history.split_at(history.len() - frames_that_matter(m) - 1);
        let mut before = Map::new(&m.frame, m.dynamics.as_ref().and_then(|d| d.recall.as_ref()).expect("with recall"));
        older.iter().for_each(|frame| before.remember(&frame.codes, motion_of(m, frame.action), frame.moved));
        let mut landed = build(&pack);
        landed.dream(0, &s).expect("dreamed");
        landed.restore_after(Some(&before), newer, 30).expect("restored");
        assert_eq!(play(&mut *landed, &script[30..], &s, &mut Vec::new()), future, "{name}");
        let foreign = Map::new(&FrameDims { code_dims: 1, ..m.frame }, &RecallDims { step_px: 1, covered: vec![] });
        assert!(landed.restore_after(Some(&foreign), newer, 30).is_err(), "{name}: a map of another world");
        // Negative control: the frames of the window alone are not enough.
        assert_ne!(go_on(&history[history.len() - frames_that_matter(m)..]), future, "{name}: the map does not matter");
    }
}

#[test]
fn a_fresh_engine_goes_on_once_it_is_told_how_the_past_was_seen() {
    let pack = pack_of(odd_manifest(), 23);
    let m = &pack.manifest;
    let s = DecodeSettings { window: 3, context_level: 2, ..settings(m) };
    let script = script(m, 24);
    for (name, build) in ENGINES {
        let (mut played, mut words) = (build(&pack), Vec::new());
        let history = play(&mut *played, &script[..12], &s, &mut words);
        let said = words.clone();
        let future = play(&mut *played, &script[12..], &s, &mut words);
        assert_eq!(played.settings(), s, "{name}");
        let mut fresh = build(&pack);
        let mut go_on = |seen_by: &DecodeSettings| {
            fresh.set_settings(seen_by).expect("settings of this model");
            fresh.set_prompt(&said).expect("known words");
            fresh.restore(&history, 12).expect("restored");
            play(&mut *fresh, &script[12..], &s, &mut said.clone())
        };
        assert_eq!(go_on(&s), future, "{name}");
        // The controls: the pack's memory and level are others, and each of them counts.
        for other in [play_settings(m), DecodeSettings { window: 5, ..s }, DecodeSettings { context_level: 0, ..s }] {
            assert_ne!(go_on(&other), future, "{name}");
        }
        assert!(fresh.set_settings(&DecodeSettings { window: 6, ..s }).is_err(), "{name}: a window that the model does not have");
    }
}

#[test]
fn the_odometer_reads_the_pictures_that_are_shown() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 22);
        let m = &pack.manifest;
        let recall = m.dynamics.as_ref().and_then(|d| d.recall.as_ref()).expect("with recall");
        let s = DecodeSettings { temperature: 3.0, ..settings(m) };
        let mut engine = build(&pack);
        let (mut before, mut seen) = (None, [0; 2]);
        for (action, _) in script(m, 20) {
            let frame = play(&mut *engine, &[(action, None)], &s, &mut Vec::new()).remove(0);
            let after = engine.read_picture().expect("read");
            let motion = motion_of(m, action);
            let moved = before.is_some_and(|before: Vec<u8>| Odometer::<4>::new(&m.frame, recall).moved(&before, &after, motion));
            assert_eq!(frame.moved, moved, "{name}");
            seen[usize::from(moved)] += 1;
            before = Some(after);
        }
        assert!(seen[0] > 2 && seen[1] > 2, "{name}: {seen:?}");
    }
}

/// Tokens of a step to the east from `history` into land where this is imagined, dreamed by chance as far as chance has a say.
fn step_east(engine: &mut dyn Engine, history: &[TokenFrame], imagined: &[([i32; 2], Option<&[u8]>)]) -> Vec<u8> {
    let m = engine.manifest().clone();
    engine.restore(history, 0).expect("restored");
    imagined.iter().for_each(|(at, token)| engine.imagine(*at, *token));
    engine.dream(action_of(&m, [1, 0]), &DecodeSettings { temperature: 5.0, min_p: 0.0, ..settings(&m) }).expect("dreamed");
    engine.finish().expect("finished");
    let mut codes = vec![0; m.frame.code_bytes()];
    engine.take_codes(&mut codes).expect("arrived");
    codes
}

#[test]
fn what_was_imagined_is_what_is_seen_first() {
    let mut m = odd_manifest();
    let patch_px = m.frame.patch_px;
    m.dynamics.as_mut().expect("with dynamics").recall = Some(RecallDims { step_px: patch_px, covered: vec![7] });
    let pack = pack_of(m, 22);
    let (f, s) = (pack.manifest.frame, settings(&pack.manifest));
    let levels = |t: usize, n: usize| -> Vec<u8> { (0..f.code_dims).map(|d| ((3 * t + 5 * n + 2 * d) % f.code_levels) as u8).collect() };
    let codes = (0..f.tokens()).flat_map(|n| levels(0, n)).collect();
    let history = [TokenFrame { codes, action: pack.manifest.actions.len() as u8, moved: false, prompt: Vec::new() }];
    // The column that comes into view.
    let entering: Vec<usize> = (0..f.grid_h()).map(|row| row * f.grid_w() + f.grid_w() - 1).collect();
    let tokens: Vec<Vec<u8>> = entering.iter().map(|n| levels(7, *n)).collect();
    let places = (0..).zip(&tokens).map(|(row, token)| ([f.grid_w() as i32, row], Some(token.as_slice())));
    let imagined: Vec<([i32; 2], Option<&[u8]>)> = places.collect();
    let forgotten: Vec<_> = imagined.iter().copied().chain(imagined.iter().map(|(at, _)| (*at, None))).collect();
    let truth = TokenFrame { action: action_of(&pack.manifest, [1, 0]), ..random_frames(&pack.manifest, 1).remove(0) };
    let logits = |engine: &mut dyn Engine, imagined: &[([i32; 2], Option<&[u8]>)]| {
        engine.restore(&history, 0).expect("restored");
        imagined.iter().for_each(|(at, token)| engine.imagine(*at, *token));
        engine.teacher_force(&truth, &s).expect("logits")
    };
    let expected = logits(&mut *reference(&pack), &imagined);
    for (name, build) in ENGINES {
        let mut engine = build(&pack);
        let token = |codes: &[u8], n: usize| codes[n * f.code_dims..][..f.code_dims].to_vec();
        let held = |codes: &[u8]| {
            let or_stays = |(n, imagined): (&usize, &Vec<u8>)| [imagined, &token(&history[0].codes, *n)].contains(&&token(codes, *n));
            entering.iter().zip(&tokens).filter(|pair| or_stays(*pair)).count()
        };
        let with = step_east(&mut *engine, &history, &imagined);
        assert_eq!(held(&with), entering.len(), "{name}");
        // Negative controls: left to chance it is otherwise, and what is forgotten was never imagined.
        let without = step_east(&mut *engine, &history, &[]);
        assert!(held(&without) < entering.len(), "{name}: chance drew the same");
        assert_eq!(step_east(&mut *engine, &history, &forgotten), without, "{name}");
        let worst = largest_difference(&logits(&mut *engine, &imagined), &expected);
        assert!(worst < TOLERANCE, "{name}: off by {worst}");
        assert!(largest_difference(&logits(&mut *engine, &[]), &expected) > 10.0 * TOLERANCE, "{name}: it goes unnoticed");
    }
}
