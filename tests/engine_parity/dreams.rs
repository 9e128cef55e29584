//! The rules of a dream, for every engine: what restoring, replaying, refusing and starting from nothing mean.

use super::*;
use somnium::engine::{Branches, EngineError};

#[test]
fn a_restored_dream_goes_on_as_the_played_one() {
    for (name, build) in ENGINES {
        for (m, window) in [(odd_manifest(), 5), (odd_manifest(), 3), (odd_manifest(), 1), (look_manifest(), 5), (land_manifest(), 5)] {
            let pack = pack_of(m, 2);
            let mut s = settings(&pack.manifest);
            s.window = window;
            let script = script(&pack.manifest, 24);
            let mut played = build(&pack);
            let mut prompt = Vec::new();
            let history = play(&mut *played, &script[..20], &s, &mut prompt);
            // Dreaming one frame first makes the settings known that a restored ring is rebuilt with.
            let mut restored = build(&pack);
            restored.dream(0, &s).expect("dreamed");
            restored.set_prompt(&prompt).expect("known words");
            restored.restore(&history, 20).expect("restored");
            assert_eq!(restored.read_picture().expect("read"), played.read_picture().expect("read"), "{name}: picture");
            let mut other = prompt.clone();
            let (a, b) = (play(&mut *played, &script[20..], &s, &mut prompt), play(&mut *restored, &script[20..], &s, &mut other));
            assert_eq!(a, b, "{name}, window {window}");

            // Negative control: another past gives another future.
            let mut changed = history.clone();
            changed.last_mut().expect("not empty").codes.iter_mut().for_each(|c| *c = 6 - *c);
            restored.restore(&changed, 20).expect("restored");
            assert_ne!(a, play(&mut *restored, &script[20..], &s, &mut other), "{name}: history does not matter");
        }
    }
}

#[test]
fn a_forced_frame_is_history_like_any_other() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 3);
        let s = settings(&pack.manifest);
        let frames = random_frames(&pack.manifest, 12);
        let dreamed_after = |forced: usize| {
            let mut engine = build(&pack);
            engine.dream(0, &s).expect("dreamed");
            engine.restore(&frames[..frames.len() - forced], (frames.len() - forced) as u32).expect("restored");
            for frame in &frames[frames.len() - forced..] {
                engine.teacher_force(frame, &s).expect("logits");
            }
            play(&mut *engine, &[(0, Some(vec![])), (1, None)], &s, &mut Vec::new())
        };
        let restored = dreamed_after(0);
        assert_eq!(restored, dreamed_after(1), "{name}");
        assert_eq!(restored, dreamed_after(12), "{name}");
    }
}

/// Codes of a frame of which only some tokens are given.
fn partly_given(m: &Manifest, seed: u32) -> Vec<u8> {
    let draw = |i: usize, what| decode::random(seed, i as u32, what, 0, 0) as usize;
    let level =
        |i: usize| if draw(i / m.frame.code_dims, 1).is_multiple_of(3) { (draw(i, 2) % m.frame.code_levels) as u8 } else { UNKNOWN };
    (0..m.frame.code_bytes()).map(level).collect()
}

#[test]
fn what_is_given_stays_and_the_rest_is_dreamed_around_it() {
    let mut of_engines = Vec::new();
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 12);
        let m = &pack.manifest;
        let nothing = vec![UNKNOWN; m.frame.code_bytes()];
        for order in [UnmaskOrder::Random, UnmaskOrder::Confidence] {
            let s = DecodeSettings { order, steps: 3, temperature: 2.0, ..settings(m) };
            let from_start = |given: &[&[u8]]| {
                let mut engine = build(&pack);
                let mut frames = Vec::new();
                for (t, given) in given.iter().enumerate() {
                    engine.dream_around(given, t as u8 % 4, &s).expect("dreamed");
                    engine.finish().expect("finished");
                    let mut codes = nothing.clone();
                    let moved = engine.take_codes(&mut codes).expect("a new frame").moved;
                    frames.push(TokenFrame { codes, action: t as u8 % 4, moved, prompt: Vec::new() });
                }
                frames
            };
            let some = partly_given(m, 1);
            let around = from_start(&[&nothing, &some, &nothing]);
            let kept = |codes: &[u8]| codes.iter().zip(&some).all(|(code, given)| *given == UNKNOWN || code == given);
            assert!(kept(&around[1].codes) && !kept(&around[0].codes), "{name}: a given token was dreamed");
            assert!(around.iter().all(|frame| !frame.codes.contains(&UNKNOWN)), "{name}: a token was left out");
            of_engines.push((order, around.clone()));
            let whole = around[2].codes.clone();
            assert_eq!(from_start(&[&whole])[0].codes, whole, "{name}: a frame given whole");

            let script: Vec<_> = (0..3).map(|t| (t % 4, None)).collect();
            let dreamed = play(&mut *build(&pack), &script, &s, &mut Vec::new());
            assert_eq!(from_start(&[&nothing, &nothing, &nothing]), dreamed, "{name}: nothing given");
            // Negative controls: what is given matters to the rest, and to the next frame.
            let other = from_start(&[&nothing, &partly_given(m, 2), &nothing]);
            assert_ne!(around[2], other[2], "{name}");
            let mut changed = some.clone();
            changed.iter_mut().filter(|code| **code != UNKNOWN).for_each(|code| *code = 6 - *code);
            let rest = |frame: &TokenFrame| -> Vec<u8> {
                frame.codes.iter().zip(&some).filter(|(_, given)| **given == UNKNOWN).map(|(code, _)| *code).collect()
            };
            assert_ne!(rest(&around[1]), rest(&from_start(&[&nothing, &changed])[1]), "{name}");
        }
    }
    assert!(of_engines.chunks_exact(2).all(|orders| orders == &of_engines[..2]), "engines dream differently around the same");
}

#[test]
fn a_replay_is_exact_and_the_seed_matters() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 4);
        let script = script(&pack.manifest, 13);
        let run = |s: &DecodeSettings| play(&mut *build(&pack), &script, s, &mut Vec::new());
        let base = settings(&pack.manifest);
        let first = run(&base);
        assert_eq!(first, run(&base), "{name}");
        for other in [
            DecodeSettings { seed: 12, ..base },
            DecodeSettings { steps: 3, ..base },
            DecodeSettings { temperature: 0.0, ..base },
            DecodeSettings { order: UnmaskOrder::Confidence, ..base },
            DecodeSettings { window: 2, ..base },
            DecodeSettings { context_level: 2, ..base },
            DecodeSettings { guidance: 2.0, ..base },
            DecodeSettings { certain: Some(0.001), ..base },
            DecodeSettings { min_p: 0.9, ..base },
            DecodeSettings { new_land: Some(Chance { temperature: 0.0, min_p: 0.0 }), ..base },
        ] {
            assert_ne!(first, run(&other), "{name}: {other:?} makes no difference");
        }
    }
}

#[test]
fn bad_arguments_are_refused_and_leave_the_dream_intact() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 5);
        let s = settings(&pack.manifest);
        let script = script(&pack.manifest, 6);
        let expected = play(&mut *build(&pack), &script, &s, &mut Vec::new());
        let mut engine = build(&pack);
        let mut frames = play(&mut *engine, &script[..3], &s, &mut Vec::new());
        let good = frames[0].clone();
        // A token is given whole or not at all.
        let mut half_given = good.codes.clone();
        half_given[4] = UNKNOWN;
        let refused: Vec<Result<(), EngineError>> = vec![
            engine.dream(4, &s),
            engine.dream(0, &DecodeSettings { steps: 0, ..s }),
            engine.dream(0, &DecodeSettings { steps: 9, ..s }),
            engine.dream(0, &DecodeSettings { temperature: f32::NAN, ..s }),
            engine.dream(0, &DecodeSettings { temperature: -1.0, ..s }),
            engine.dream(0, &DecodeSettings { window: 0, ..s }),
            engine.dream(0, &DecodeSettings { window: 6, ..s }),
            engine.dream(0, &DecodeSettings { context_level: 3, ..s }),
            engine.dream(0, &DecodeSettings { guidance: -0.1, ..s }),
            engine.dream(0, &DecodeSettings { guidance: 4.1, ..s }),
            engine.dream(0, &DecodeSettings { guidance: f32::NAN, ..s }),
            engine.dream(0, &DecodeSettings { certain: Some(0.0), ..s }),
            engine.dream(0, &DecodeSettings { certain: Some(1.0), ..s }),
            engine.dream(0, &DecodeSettings { certain: Some(f32::NAN), ..s }),
            engine.dream(0, &DecodeSettings { min_p: 1.0, ..s }),
            engine.dream(0, &DecodeSettings { min_p: f32::NAN, ..s }),
            engine.dream(0, &DecodeSettings { new_land: Some(Chance { temperature: -1.0, min_p: 0.0 }), ..s }),
            engine.dream(0, &DecodeSettings { new_land: Some(Chance { temperature: 1.0, min_p: 1.0 }), ..s }),
            engine.dream_around(&[0; 7], 0, &s),
            engine.dream_around(&[7; 45], 0, &s),
            engine.dream_around(&half_given, 0, &s),
            engine.dream_around(&good.codes, 4, &s),
            engine.preview(&[0, 4], &s, &mut Branches::default()),
            engine.preview(&[0], &DecodeSettings { steps: 9, ..s }, &mut Branches::default()),
            engine.set_prompt(&[PromptWord::whole(1); 7]),
            engine.set_prompt(&[PromptWord::whole(60_000)]),
            engine.set_prompt(&[PromptWord { id: 1, share: 0 }]),
            engine.encode(&[0; 5]).map(|_| ()),
            engine.restore(&[TokenFrame { codes: vec![0; 7], ..good.clone() }], 0),
            engine.restore(&[TokenFrame { codes: vec![7; 45], ..good.clone() }], 0),
            engine.restore(&[TokenFrame { action: 9, ..good.clone() }], 0),
            engine.restore(&[TokenFrame { prompt: vec![PromptWord::whole(60_000)], ..good.clone() }], 0),
            engine.teacher_force(&TokenFrame { codes: vec![], ..good.clone() }, &s).map(|_| ()),
        ];
        for (i, result) in refused.iter().enumerate() {
            assert!(matches!(result, Err(EngineError::Input { .. })), "{name}: call {i} gave {result:?}");
        }
        assert!(engine.take_codes(&mut [0; 3]).is_none());
        let mut prompt = frames.last().expect("not empty").prompt.clone();
        frames.extend(play(&mut *engine, &script[3..], &s, &mut prompt));
        assert_eq!(frames, expected, "{name}: a refused call changed the dream");
    }
}

#[test]
fn the_tiniest_model_plays() {
    for (name, build) in ENGINES {
        let pack = pack_of(tiny_manifest(), 1);
        let frames = play(&mut *build(&pack), &[(0, None), (1, None), (0, Some(vec![]))], &settings(&pack.manifest), &mut Vec::new());
        assert!(frames.iter().all(|f| f.codes.len() == 1 && f.codes[0] < 2), "{name}");
    }
}

#[test]
fn unknown_history_and_an_empty_one_can_be_dreamed_from() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 6);
        let s = settings(&pack.manifest);
        let from = |history: &[TokenFrame]| {
            let mut engine = build(&pack);
            engine.restore(history, 0).expect("restored");
            play(&mut *engine, &[(0, None)], &s, &mut Vec::new())
        };
        let unknown = TokenFrame { codes: vec![UNKNOWN; 45], action: 3, moved: false, prompt: vec![] };
        let known = TokenFrame { codes: vec![1; 45], ..unknown.clone() };
        assert_ne!(from(&[]), from(std::slice::from_ref(&unknown)), "{name}");
        assert_ne!(from(&[known]), from(&[unknown]), "{name}");
    }
}

#[test]
fn without_a_dynamics_pictures_still_go_both_ways() {
    for (name, build) in ENGINES {
        let mut m = odd_manifest();
        (m.dynamics, m.lam) = (None, None);
        m.actions.clear();
        let pack = pack_of(m, 7);
        let mut engine = build(&pack);
        let s = settings(&odd_manifest());
        assert!(matches!(engine.dream(0, &s), Err(EngineError::NoDynamics)), "{name}");
        assert!(matches!(engine.preview(&[0], &s, &mut Branches::default()), Err(EngineError::NoDynamics)), "{name}");
        let rgb: Vec<u8> = (0..35 * 21 * 3).map(|i| (decode::random(3, i, 0, 0, 0) >> 24) as u8).collect();
        let codes = engine.encode(&rgb).expect("encoded");
        engine.restore(&[TokenFrame { codes, action: 0, moved: false, prompt: vec![] }], 0).expect("restored");
        let picture = engine.read_picture().expect("read");
        assert!(picture.chunks_exact(4).any(|p| p[..3] != picture[..3]), "{name}: a flat picture");
    }
}
