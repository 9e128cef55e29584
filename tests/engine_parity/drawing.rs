//! Pictures of tokens: what is shown of them, drawn while a dream goes on that does not notice.

use super::*;
use somnium::engine::EngineError;

/// Random codes, all given.
fn some_codes(m: &Manifest, t: u32) -> Vec<u8> {
    (0..m.frame.code_bytes() as u32).map(|i| (decode::random(17, t, i, 0, 0) % m.frame.code_levels as u32) as u8).collect()
}

#[test]
fn what_is_drawn_is_what_is_shown_of_the_same_tokens() {
    let mut pictures_only = look_manifest();
    (pictures_only.dynamics, pictures_only.lam) = (None, None);
    pictures_only.actions.clear();
    for m in [odd_manifest(), look_manifest(), plain_manifest(), pictures_only] {
        let pack = pack_of(m, 16);
        let m = &pack.manifest;
        let codes = [0, 1, 2].map(|t| some_codes(m, t));
        for (name, build) in ENGINES {
            let mut engine = build(&pack);
            let mut draw = |codes: &Vec<u8>| engine.draw(codes).expect("drawn");
            let drawn = codes.each_ref().map(&mut draw);
            assert_eq!(drawn[0].len(), m.frame.width_px * m.frame.height_px * 4, "{name}");
            for (i, codes) in codes.iter().enumerate() {
                let frame = TokenFrame { codes: codes.clone(), action: 0, moved: false, prompt: vec![] };
                engine.restore(&[frame], 0).expect("restored");
                let shown = engine.read_picture().expect("read");
                // Negative control: pictures of other tokens are others.
                assert_eq!(drawn.each_ref().map(|drawn| *drawn == shown), [0, 1, 2].map(|j| i == j), "{name}, {}", m.name);
                assert!(engine.draw(codes).expect("drawn") == shown, "{name}, {}: beside what is shown", m.name);
            }
        }
    }
}

#[test]
fn drawing_changes_nothing() {
    for ((name, build), m) in ENGINES.iter().flat_map(|engine| [odd_manifest(), look_manifest()].map(|m| (engine, m))) {
        let pack = pack_of(m, 17);
        let m = &pack.manifest;
        let s = DecodeSettings { steps: 4, certain: Some(0.02), ..settings(m) };
        let script = script(m, 12);
        let mut undisturbed = build(&pack);
        let (mut engine, mut words, mut others) = (build(&pack), Vec::new(), Vec::new());
        let mut codes = vec![0; m.frame.code_bytes()];
        for (t, line) in script.iter().enumerate() {
            let picture = engine.read_picture().expect("read");
            engine.draw(&some_codes(m, t as u32)).expect("drawn");
            assert!(engine.read_picture().expect("read") == picture, "{name}: the picture changed");
            assert!(engine.take_codes(&mut codes).is_none(), "{name}: a frame nobody dreamed was reported");
            let expected = play(&mut *undisturbed, std::slice::from_ref(line), &s, &mut words).remove(0);
            if let Some(changed) = &line.1 {
                engine.set_prompt(changed).expect("known words");
                others.clone_from(changed);
            }
            engine.dream(line.0, &s).expect("dreamed");
            // Before its codes are taken.
            engine.draw(&some_codes(m, 100 + t as u32)).expect("drawn");
            engine.finish().expect("finished");
            let arrival = engine.take_codes(&mut codes).expect("a new frame");
            let frame = TokenFrame { codes: codes.clone(), action: line.0, moved: arrival.moved, prompt: others.clone() };
            assert!(frame == expected && arrival.frame == t as u32, "{name}, frame {t}: it was noticed that something was drawn");
            assert!(engine.read_picture().expect("read") == undisturbed.read_picture().expect("read"), "{name}, frame {t}");
        }
        // Negative control: what was drawn, if it is also shown, leads elsewhere.
        let drawn = TokenFrame { codes: some_codes(m, 0), action: 0, moved: false, prompt: vec![] };
        engine.restore(&[drawn], script.len() as u32).expect("restored");
        let [a, b] = [(&mut undisturbed, &mut words), (&mut engine, &mut others)].map(|(e, w)| play(&mut **e, &script[..1], &s, w));
        assert!(a != b, "{name}: another past goes unnoticed");
    }
}

#[test]
fn only_whole_frames_of_known_tokens_are_drawn() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 18);
        let m = &pack.manifest;
        let mut engine = build(&pack);
        let whole = some_codes(m, 0);
        let mut unknown = whole.clone();
        unknown[2 * m.frame.code_dims..][..m.frame.code_dims].fill(UNKNOWN);
        let mut too_high = whole.clone();
        too_high[0] = m.frame.code_levels as u8;
        for (bad, says) in [(&unknown[..], "token 2 unknown"), (&too_high, "level of a token"), (&whole[1..], "codes of a frame")] {
            let error = engine.draw(bad).expect_err("refused");
            assert!(matches!(error, EngineError::Input { .. }) && error.to_string().contains(says), "{name}: {error}");
        }
        engine.draw(&whole).expect("drawn");
    }
}
