//! The engines against each other and against themselves: the same logits, the same dreams, the same rules.

use somnium::{
    engine::{DecodeSettings, Engine, EngineError, TokenFrame, UNKNOWN, UnmaskOrder, decode, reference::ReferenceEngine},
    pack::{
        Pack,
        manifest::Manifest,
        random::{odd_manifest, random_pack, tiny_manifest},
    },
};

type Build = fn(&Pack) -> Box<dyn Engine>;

fn reference(pack: &Pack) -> Box<dyn Engine> {
    Box::new(ReferenceEngine::new(pack).expect("a valid pack"))
}

const ENGINES: &[(&str, Build)] = &[("reference", reference)];

fn pack_of(manifest: Manifest, seed: u32) -> Pack {
    random_pack(manifest, seed).expect("a valid manifest")
}

fn settings(m: &Manifest) -> DecodeSettings {
    DecodeSettings {
        steps: 2,
        temperature: 1.0,
        seed: 11,
        order: UnmaskOrder::Random,
        window: m.dynamics.as_ref().expect("with dynamics").window,
        context_level: 0,
    }
}

/// A script of actions and prompt changes, one entry a frame.
fn script(m: &Manifest, frames: u32) -> Vec<(u8, Option<Vec<u16>>)> {
    let d = m.dynamics.as_ref().expect("with dynamics");
    let draw = |i, what| decode::random(99, i, what, 0, 0) as usize;
    (0..frames)
        .map(|i| {
            let words = (0..draw(i, 1) % (d.prompt_words + 1)).map(|k| (draw(i, 2 + k as u32) % m.vocabulary.len() + 1) as u16).collect();
            ((draw(i, 0) % (d.actions + 1)) as u8, (i % 3 == 1).then_some(words))
        })
        .collect()
}

/// Plays the script and returns what a dream would remember.
fn play(engine: &mut dyn Engine, script: &[(u8, Option<Vec<u16>>)], s: &DecodeSettings, prompt: &mut Vec<u16>) -> Vec<TokenFrame> {
    let mut frames = Vec::new();
    for (action, words) in script {
        if let Some(words) = words {
            engine.set_prompt(words).expect("known words");
            prompt.clone_from(words);
        }
        engine.dream(*action, s).expect("dreamed");
        engine.finish().expect("finished");
        let mut codes = vec![0; engine.manifest().frame.code_bytes()];
        engine.take_codes(&mut codes).expect("a new frame");
        assert!(engine.take_codes(&mut codes).is_none(), "a frame was reported twice");
        frames.push(TokenFrame { codes, action: *action, prompt: prompt.clone() });
    }
    frames
}

#[test]
fn a_restored_dream_goes_on_as_the_played_one() {
    for (name, build) in ENGINES {
        for window in [5, 3, 1] {
            let pack = pack_of(odd_manifest(), 2);
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
        let refused: Vec<Result<(), EngineError>> = vec![
            engine.dream(4, &s),
            engine.dream(0, &DecodeSettings { steps: 0, ..s }),
            engine.dream(0, &DecodeSettings { steps: 9, ..s }),
            engine.dream(0, &DecodeSettings { temperature: f32::NAN, ..s }),
            engine.dream(0, &DecodeSettings { temperature: -1.0, ..s }),
            engine.dream(0, &DecodeSettings { window: 0, ..s }),
            engine.dream(0, &DecodeSettings { window: 6, ..s }),
            engine.dream(0, &DecodeSettings { context_level: 3, ..s }),
            engine.set_prompt(&[1, 2, 3, 4]),
            engine.set_prompt(&[0]),
            engine.set_prompt(&[12]),
            engine.encode(&[0; 5]).map(|_| ()),
            engine.restore(&[TokenFrame { codes: vec![0; 7], ..good.clone() }], 0),
            engine.restore(&[TokenFrame { codes: vec![7; 45], ..good.clone() }], 0),
            engine.restore(&[TokenFrame { action: 9, ..good.clone() }], 0),
            engine.restore(&[TokenFrame { prompt: vec![99], ..good.clone() }], 0),
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
        let unknown = TokenFrame { codes: vec![UNKNOWN; 45], action: 3, prompt: vec![] };
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
        assert!(matches!(engine.dream(0, &settings(&odd_manifest())), Err(EngineError::NoDynamics)), "{name}");
        let rgb: Vec<u8> = (0..35 * 21 * 3).map(|i| (decode::random(3, i, 0, 0, 0) >> 24) as u8).collect();
        let codes = engine.encode(&rgb).expect("encoded");
        engine.restore(&[TokenFrame { codes, action: 0, prompt: vec![] }], 0).expect("restored");
        let picture = engine.read_picture().expect("read");
        assert!(picture.chunks_exact(4).any(|p| p[..3] != picture[..3]), "{name}: a flat picture");
    }
}
