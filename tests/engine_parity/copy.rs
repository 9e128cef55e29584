//! The gates of the head: what may be copied raises the logits of exactly those levels that go on as it began.

use super::*;
use somnium::engine::recall::{Map, OWN};

/// Gates of both sources, the same for every token.
const GATES: [f32; 2] = [3.0, -1.5];

/// The pack with these gates, whatever a token sees.
fn with_gates(pack: &Pack, gates: [f32; 2]) -> Pack {
    let mut pack = pack.clone();
    let channels = pack.manifest.dynamics.as_ref().expect("with dynamics").channels;
    pack.tensors.insert("dyn.head.copy.w".into(), PackTensor::from_f32s_as_f16(&[channels, 2], &vec![0.0; channels * 2]));
    pack.tensors.insert("dyn.head.copy.b".into(), PackTensor::from_f32s_as_f16(&[2], &gates));
    pack
}

/// What the gates add to the logits of `truth`, by the model document.
fn added(m: &Manifest, history: &[TokenFrame], truth: &TokenFrame) -> Vec<f32> {
    let (f, recall) = (&m.frame, m.dynamics.as_ref().and_then(|d| d.recall.as_ref()).expect("with recall"));
    let mut map = Map::new(f, recall);
    for frame in history {
        map.remember(&frame.codes, motion_of(m, frame.action), frame.moved);
    }
    let before = &history.last().expect("not empty").codes;
    let mut sums = vec![0.0; f.code_bytes() * f.code_levels];
    for (n, token) in truth.codes.chunks_exact(f.code_dims).enumerate() {
        let token_at = n * f.code_dims..(n + 1) * f.code_dims;
        let seen = if recall.scrolls(n, f) {
            map.recall(n, OWN, motion_of(m, truth.action)).map(|(levels, _)| levels)
        } else {
            history.iter().nth_back(1).map(|frame| &frame.codes[token_at.clone()])
        };
        let offers = [Some(&before[token_at]), seen];
        for (offer, gate) in offers.into_iter().zip(GATES) {
            let Some(offer) = offer.filter(|offer| !offer.contains(&UNKNOWN)) else { continue };
            for dim in 0..f.code_dims {
                if (0..dim).all(|earlier| offer[earlier] == token[earlier]) {
                    sums[(n * f.code_dims + dim) * f.code_levels + usize::from(offer[dim])] += gate;
                }
            }
        }
    }
    sums
}

#[test]
fn gates_raise_the_levels_that_go_on_as_a_copy() {
    for ((name, build), m) in ENGINES.iter().flat_map(|engine| [odd_manifest(), look_manifest()].map(|m| (engine, m))) {
        let pack = pack_of(m, 50);
        let m = &pack.manifest;
        let (frames, s) = (random_frames(m, 20), settings(m));
        let (mut open, mut shut) = (build(&with_gates(&pack, GATES)), build(&with_gates(&pack, [0.0; 2])));
        let [mut worst, mut misled] = [0f32; 2];
        for t in 1..frames.len() {
            let logits = |engine: &mut dyn Engine| {
                engine.restore(&frames[..t], 0).expect("restored");
                engine.teacher_force(&frames[t], &s).expect("logits")
            };
            let difference: Vec<f32> = logits(&mut *open).iter().zip(logits(&mut *shut)).map(|(a, b)| a - b).collect();
            worst = worst.max(largest_difference(&difference, &added(m, &frames[..t], &frames[t])));
            // Negative control: had one token of the frame before been another.
            let mut changed = frames[..t].to_vec();
            let token = changed[t - 1].codes.chunks_exact_mut(m.frame.code_dims).find(|token| token[0] != UNKNOWN);
            token.into_iter().flatten().for_each(|level| *level = (*level + 1) % m.frame.code_levels as u8);
            misled = misled.max(largest_difference(&difference, &added(m, &changed, &frames[t])));
        }
        assert!(worst < TOLERANCE, "{name}: off by {worst}");
        assert!(misled > 1.0, "{name}: another token before goes unnoticed");
    }
}

#[test]
fn gates_of_a_token_follow_what_it_sees() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 51);
        let (frames, s) = (random_frames(&pack.manifest, 3), settings(&pack.manifest));
        let logits = |pack: &Pack| {
            let mut engine = build(pack);
            engine.restore(&frames[..2], 0).expect("restored");
            engine.teacher_force(&frames[2], &s).expect("logits")
        };
        let expected = logits(&pack);
        for source in 0..2 {
            let mut changed = pack.clone();
            let tensor = changed.tensors.get_mut("dyn.head.copy.w").expect("present");
            let mut values = tensor.f32s();
            values[10 + source] += 1.0;
            *tensor = PackTensor::from_f32s_as_f16(&tensor.shape.clone(), &values);
            let off = largest_difference(&logits(&changed), &expected);
            assert!(off > 10.0 * TOLERANCE, "{name}: a weight of source {source} does not matter");
        }
    }
}

/// Gates so strong that the frame stands still, in every order of decoding: copying reaches what is drawn, with guidance and without.
#[test]
fn a_strong_gate_keeps_the_frame_as_it_was() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 52);
        let m = &pack.manifest;
        let start = TokenFrame { codes: (0..m.frame.code_bytes()).map(|i| (i * 5 % 7) as u8).collect(), ..random_frames(m, 1)[0].clone() };
        for (order, guidance, steps) in [(UnmaskOrder::Random, 0.0, 1), (UnmaskOrder::Confidence, 2.0, 3)] {
            let s = DecodeSettings { order, guidance, steps, ..settings(m) };
            let next = |gates| {
                let mut engine = build(&with_gates(&pack, gates));
                engine.restore(std::slice::from_ref(&start), 1).expect("restored");
                play(&mut *engine, &[(1, Some(words_of("night snow", 3)))], &s, &mut Vec::new()).remove(0).codes
            };
            assert_eq!(next([60.0, 0.0]), start.codes, "{name}, {order:?}");
            assert_ne!(next([0.0, 0.0]), start.codes, "{name}, {order:?}: it stands still by itself");
        }
    }
}
