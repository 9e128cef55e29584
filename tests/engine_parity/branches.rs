//! What every action would do next: the same as it then does, and nobody notices that someone looked.

use super::*;
use somnium::engine::Branches;

/// Codes and picture of the branch of the `i`th action.
fn branch<'a>(of: &'a Branches, i: usize, m: &Manifest) -> (&'a [u8], &'a [u8]) {
    let rgba = m.frame.width_px * m.frame.height_px * 4;
    (&of.codes[i * m.frame.code_bytes()..][..m.frame.code_bytes()], &of.rgba[i * rgba..][..rgba])
}

fn variants(m: &Manifest) -> [DecodeSettings; 4] {
    let base = settings(m);
    [
        base,
        DecodeSettings { order: UnmaskOrder::Confidence, steps: 4, guidance: 1.5, ..base },
        DecodeSettings { window: 2, context_level: 1, temperature: 0.0, ..base },
        DecodeSettings { steps: 8, certain: Some(0.02), ..base },
    ]
}

#[test]
fn a_branch_is_the_frame_that_is_dreamed_when_its_action_is_pressed() {
    for ((name, build), m) in ENGINES.iter().flat_map(|engine| [odd_manifest(), look_manifest(), land_manifest()].map(|m| (engine, m))) {
        let pack = pack_of(m, 13);
        let m = &pack.manifest;
        // All of them, the unknown one too.
        let actions: Vec<u8> = (0..=m.dynamics.as_ref().expect("with dynamics").actions as u8).collect();
        for s in variants(m) {
            let script = script(m, 14);
            let (mut engine, mut branches, mut words) = (build(&pack), Branches::default(), Vec::new());
            let mut distinct = 0;
            for line in &script {
                if let Some(words) = &line.1 {
                    engine.set_prompt(words).expect("known words");
                }
                engine.preview(&actions, &s, &mut branches).expect("previewed");
                let of_seed = DecodeSettings { seed: s.seed + 2, ..s };
                let mut other = Branches::default();
                engine.preview(&[line.0], &of_seed, &mut other).expect("previewed");
                let dreamed = play(&mut *engine, std::slice::from_ref(line), &s, &mut words).remove(0);
                let picture = engine.read_picture().expect("read");
                let pressed = usize::from(line.0);
                assert!(branch(&branches, pressed, m) == (&dreamed.codes, &picture), "{name}, {s:?}: another frame came");
                // Negative controls: other actions, and other chances, lead elsewhere.
                distinct += (0..actions.len()).filter(|&i| branch(&branches, i, m).0 != dreamed.codes).count();
                assert!(s.temperature == 0.0 || other.codes != dreamed.codes, "{name}: the seed does not matter");
            }
            assert!(distinct > 14, "{name}, {s:?}: actions do not matter");
        }
    }
}

#[test]
fn looking_ahead_changes_nothing() {
    for (name, build) in ENGINES {
        let pack = pack_of(odd_manifest(), 14);
        let m = &pack.manifest;
        let (script, [base, narrow, ..]) = (script(m, 14), variants(m));
        let unseen = play(&mut *build(&pack), &script, &base, &mut Vec::new());
        let (mut engine, mut branches, mut words) = (build(&pack), Branches::default(), Vec::new());
        let mut codes = vec![0; m.frame.code_bytes()];
        for (t, line) in script.iter().enumerate() {
            // Under other settings, in any order, twice, and of nothing.
            for (actions, s) in [(&[3, 0, 0][..], &narrow), (&[1], &base), (&[], &base)] {
                let picture = engine.read_picture().expect("read");
                engine.preview(actions, s, &mut branches).expect("previewed");
                assert_eq!(branches.codes.len(), actions.len() * codes.len(), "{name}");
                assert!(engine.read_picture().expect("read") == picture, "{name}: the picture changed");
                assert!(engine.take_codes(&mut codes).is_none(), "{name}: a frame nobody dreamed was reported");
            }
            if let Some(changed) = &line.1 {
                engine.set_prompt(changed).expect("known words");
                words.clone_from(changed);
            }
            engine.dream(line.0, &base).expect("dreamed");
            // Before its codes are taken.
            engine.preview(&[2, 1], &narrow, &mut branches).expect("previewed");
            engine.finish().expect("finished");
            let arrival = engine.take_codes(&mut codes).expect("a new frame");
            let frame = TokenFrame { codes: codes.clone(), action: line.0, moved: arrival.moved, prompt: words.clone() };
            assert!(frame == unseen[t] && arrival.frame == t as u32, "{name}, frame {t}: it was noticed that someone looked");
        }
        // Of some actions, branches are those of all.
        let mut all = Branches::default();
        engine.preview(&[0, 1, 2], &base, &mut all).expect("previewed");
        engine.preview(&[2], &base, &mut branches).expect("previewed");
        assert!(branch(&branches, 0, m) == branch(&all, 2, m), "{name}");
        // Negative control: a frame that is really dreamed is noticed, by what comes next and by the picture.
        let picture = engine.read_picture().expect("read");
        engine.dream(0, &base).expect("dreamed");
        engine.preview(&[2], &base, &mut branches).expect("previewed");
        assert!(branch(&branches, 0, m) != branch(&all, 2, m), "{name}: a dreamed frame goes unnoticed");
        assert!(engine.read_picture().expect("read") != picture, "{name}");
    }
}

/// The map too: where it is asked what was seen long ago.
#[test]
fn looking_ahead_leaves_the_map_alone() {
    for (name, build) in ENGINES {
        let pack = pack_of(plain_manifest(), 15);
        let m = &pack.manifest;
        let s = DecodeSettings { window: 1, steps: 1, ..settings(m) };
        let history: Vec<TokenFrame> = random_frames(m, 6).into_iter().map(|f| TokenFrame { moved: true, ..f }).collect();
        let next = |look: &dyn Fn(&mut dyn Engine)| {
            let mut engine = build(&pack);
            engine.restore(&history, 6).expect("restored");
            look(&mut *engine);
            play(&mut *engine, &[(0, None), (1, None)], &s, &mut Vec::new())
        };
        let unseen = next(&|_| {});
        let looked = next(&|engine| engine.preview(&[1, 0], &s, &mut Branches::default()).expect("previewed"));
        assert!(looked == unseen, "{name}");
        let walked = next(&|engine| {
            engine.dream(1, &s).expect("dreamed");
            engine.finish().expect("finished");
            engine.take_codes(&mut vec![0; m.frame.code_bytes()]).expect("a new frame");
        });
        assert!(walked != unseen, "{name}: a step goes unnoticed");
    }
}
