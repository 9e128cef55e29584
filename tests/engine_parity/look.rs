//! The token of a frame's look: every patch may hear of it where tokens attend to each other, and in the decoder by the gains that it sets;
//! nowhere else.

use super::*;

/// With some tensors so many times as large.
fn scaled(pack: &Pack, by: f32, tensors: impl Fn(&str) -> bool) -> Pack {
    let mut pack = pack.clone();
    for (_, tensor) in pack.tensors.iter_mut().filter(|(name, _)| tensors(name)) {
        let values: Vec<f32> = tensor.f32s().iter().map(|value| by * value).collect();
        *tensor = PackTensor::from_f32s_as_f16(&tensor.shape.clone(), &values);
    }
    pack
}

/// Without attention inside a frame no token knows of another but by the taps of convolutions.
fn deaf(pack: &Pack) -> Pack {
    scaled(pack, 0.0, |name| name.ends_with(".space.out.w") || name == "tok.dec.0.out.w")
}

/// The frame, with another token in the place of one.
fn with_another(m: &Manifest, codes: &[u8], token: usize) -> Vec<u8> {
    let mut codes = codes.to_vec();
    let level = |code: u8| if code == UNKNOWN { 1 } else { (code + 3) % m.frame.code_levels as u8 };
    codes[token * m.frame.code_dims..][..m.frame.code_dims].iter_mut().for_each(|code| *code = level(*code));
    codes
}

/// Whether each token's part of two lists differs.
fn differing<T: PartialEq>(m: &Manifest, a: &[T], b: &[T]) -> Vec<bool> {
    let of_token = a.len() / m.frame.tokens();
    a.chunks_exact(of_token).zip(b.chunks_exact(of_token)).map(|(a, b)| a != b).collect()
}

/// Which patches of two pictures differ.
fn differing_patches(m: &Manifest, a: &[u8], b: &[u8]) -> Vec<bool> {
    let f = &m.frame;
    let mut differ = vec![false; f.patches()];
    for (i, (a, b)) in a.chunks_exact(4).zip(b.chunks_exact(4)).enumerate() {
        let (x, y) = (i % f.width_px / f.patch_px, i / f.width_px / f.patch_px);
        differ[y * f.grid_w() + x] |= a != b;
    }
    differ
}

fn only(m: &Manifest, token: usize) -> Vec<bool> {
    (0..m.frame.tokens()).map(|n| n == token).collect()
}

#[test]
fn another_look_changes_the_picture_of_every_patch() {
    for (name, build) in ENGINES {
        let pack = pack_of(look_manifest(), 70);
        let m = &pack.manifest;
        let frame = random_frames(m, 1).remove(0);
        let picture = |pack: &Pack, codes: &[u8]| {
            let mut engine = build(pack);
            engine.restore(&[TokenFrame { codes: codes.to_vec(), ..frame.clone() }], 0).expect("restored");
            engine.read_picture().expect("read")
        };
        let changed = |pack: &Pack| differing_patches(m, &picture(pack, &frame.codes), &picture(pack, &with_another(m, &frame.codes, 15)));
        let dull = |pack: &Pack| scaled(pack, 0.0, |name| name == "tok.dec.look.gain.w");
        // By attention and gains, by either alone.
        for pack in [&pack, &dull(&pack), &deaf(&pack)] {
            assert_eq!(changed(pack), [true; 15], "{name}");
        }
        // Negative control: by neither, and it has no patch of its own.
        assert_eq!(changed(&dull(&deaf(&pack))), [false; 15], "{name}");
    }
}

/// Under known looks and an unknown one, over decoders without a block, with one and with two.
#[test]
fn all_engines_paint_the_same_under_a_look() {
    let mut none = look_manifest();
    none.tokenizer.decoder_blocks = 0;
    let mut wide = plain_manifest();
    (wide.frame.look, wide.tokenizer.look_hidden) = (true, 70);
    for (m, seed) in [(none, 75), (look_manifest(), 76), (wide, 77)] {
        let pack = pack_of(m, seed);
        let m = &pack.manifest;
        let picture = |engine: &mut dyn Engine, frame: &TokenFrame| {
            engine.restore(std::slice::from_ref(frame), 0).expect("restored");
            engine.read_picture().expect("read")
        };
        let mut frames = random_frames(m, 3);
        let look = m.frame.patches() * m.frame.code_dims;
        frames[0].codes[look..].fill(UNKNOWN);
        frames[1].codes[look..].fill(0);
        let other = scaled(&pack, 1.1, |name| name == "tok.dec.look.gain.w");
        let (mut oracle, mut wrong) = (reference(&pack), reference(&other));
        for (name, build) in &ENGINES[1..] {
            let mut engine = build(&pack);
            for (t, frame) in frames.iter().enumerate() {
                let ours = picture(engine.as_mut(), frame);
                let off = |truth: &[u8]| ours.iter().zip(truth).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(off(&picture(oracle.as_mut(), frame)) <= Some(1), "{name}, seed {seed}, frame {t}");
                assert!(off(&picture(wrong.as_mut(), frame)) > Some(1), "{name}, seed {seed}, frame {t}: other gains go unnoticed");
            }
        }
    }
}

#[test]
fn the_look_is_read_off_all_patches_and_they_off_themselves_in_its_light() {
    // One of all patches changes little of their mean.
    let pack = scaled(&pack_of(look_manifest(), 77), 2.0, |name| name == "tok.enc.look.down.w");
    let [pack, lit] = [0.0, 6.0].map(|light| scaled(&pack, light, |name| name == "tok.enc.look.lit.w"));
    let m = &pack.manifest;
    let (rgb, patch_px, row) = (noise(m), m.frame.patch_px * 3, m.frame.width_px * 3);
    // Where lines of a patch begin.
    let lines = |patch: usize| (0..m.frame.patch_px).map(move |y| (patch / 5 * 7 + y) * row + patch % 5 * patch_px);
    for (name, build) in ENGINES {
        let (mut engine, mut lit) = (build(&pack), build(&lit));
        let mut encoded = |rgb: &[u8]| engine.encode(rgb).expect("encoded");
        let mut encoded_lit = |rgb: &[u8]| lit.encode(rgb).expect("encoded");
        let (codes, codes_lit) = (encoded(&rgb), encoded_lit(&rgb));
        let (mut look_differs, mut lit_otherwise) = (0, 0);
        for patch in 0..15 {
            let mut other = rgb.clone();
            for at in lines(patch) {
                other[at..at + patch_px].iter_mut().for_each(|value| *value = 255 - *value / 4);
            }
            let changed = differing(m, &codes, &encoded(&other));
            assert_eq!(changed[..15], only(m, patch)[..15], "{name}");
            look_differs += usize::from(changed[15]);
            // In another light other patches may be read otherwise, else none is.
            let changed_lit = differing(m, &codes_lit, &encoded_lit(&other));
            assert_eq!(changed_lit[15], changed[15], "{name}: the look is read before there is light");
            let others = changed_lit[..15].iter().zip(&only(m, patch)).filter(|(changed, own)| **changed && !**own).count();
            assert!(changed[15] || others == 0, "{name}");
            lit_otherwise += others;
        }
        assert!(lit_otherwise > 0, "{name}: the light does not matter");
        assert!(look_differs > 1, "{name}: {look_differs} patches matter to the look");
        // Where patches lie does not.
        let mut swapped = rgb.clone();
        for (a, b) in lines(0).zip(lines(13)) {
            (0..patch_px).for_each(|i| swapped.swap(a + i, b + i));
        }
        let expected: Vec<bool> = (0..16).map(|n| n == 0 || n == 13).collect();
        assert_eq!(differing(m, &codes, &encoded(&swapped)), expected, "{name}");
    }
}

/// Over two windows and on a map: what the look was changes nothing of any patch, nor a patch of the last row the look, unless they attend to
/// each other.
#[test]
fn the_look_is_nobodys_neighbour() {
    for (name, build) in ENGINES {
        let pack = pack_of(look_manifest(), 72);
        let (m, s) = (&pack.manifest, settings(&pack.manifest));
        let frames = random_frames(m, 14);
        let (history, truth) = frames.split_at(13);
        let logits = |pack: &Pack, history: &[TokenFrame]| {
            let mut engine = build(pack);
            engine.restore(history, 0).expect("restored");
            engine.teacher_force(&truth[0], &s).expect("logits")
        };
        let with = |token: usize| -> Vec<TokenFrame> {
            history.iter().map(|frame| TokenFrame { codes: with_another(m, &frame.codes, token), ..frame.clone() }).collect()
        };
        let (deaf, look) = (deaf(&pack), m.frame.patches());
        let changed = |pack: &Pack, token: usize| differing(m, &logits(pack, history), &logits(pack, &with(token)));
        assert_eq!(changed(&deaf, look), only(m, look), "{name}");
        for token in [10, 11, 14] {
            let changed = changed(&deaf, token);
            assert!(changed[token] && changed[token - 1] | changed[token - 5] && !changed[look], "{name}, token {token}: {changed:?}");
        }
        // Negative controls: with attention everybody hears of it, and it of everybody.
        assert_eq!(changed(&pack, look), [true; 16], "{name}");
        assert!(changed(&pack, 10)[look], "{name}");
    }
}

/// The same of what is settled beside a token that is being dreamed.
#[test]
fn what_is_dreamed_beside_a_look_hears_of_it_by_attention_alone() {
    for (name, build) in ENGINES {
        let mut manifest = look_manifest();
        manifest.dynamics.as_mut().expect("with dynamics").vocabulary = 0;
        let pack = pack_of(manifest, 73);
        let m = &pack.manifest;
        let look = m.frame.patches();
        let s = DecodeSettings { steps: 1, ..settings(m) };
        let given: Vec<u8> = random_frames(m, 2)[1].codes.iter().map(|code| if *code == UNKNOWN { 3 } else { *code }).collect();
        let around = |pack: &Pack, given: &[u8], left: &[usize], seed: u32| {
            let mut given = given.to_vec();
            for n in left {
                given[n * m.frame.code_dims..][..m.frame.code_dims].fill(UNKNOWN);
            }
            let mut engine = build(pack);
            engine.dream_around(&given, 0, &DecodeSettings { seed, ..s }).expect("dreamed");
            engine.finish().expect("finished");
            let mut codes = given.clone();
            engine.take_codes(&mut codes).expect("a new frame");
            codes
        };
        // In any of several draws.
        let changed = |pack: &Pack, token: usize, left: &[usize]| {
            let other = with_another(m, &given, token);
            let draws = (0..8).map(|seed| differing(m, &around(pack, &given, left, seed), &around(pack, &other, left, seed)));
            draws.reduce(|a, b| a.iter().zip(b).map(|(a, b)| *a || b).collect()).expect("draws")
        };
        let (deaf, patches) = (deaf(&pack), (0..look).collect::<Vec<_>>());
        assert_eq!(changed(&deaf, look, &patches), only(m, look), "{name}: only the look itself is another");
        assert_eq!(changed(&deaf, 10, &[look]), only(m, 10), "{name}");
        // Negative controls: attention, and a neighbour.
        assert!(changed(&pack, look, &patches)[..look].contains(&true), "{name}");
        assert!(changed(&deaf, 10, &[5, 6, 11])[..10].contains(&true), "{name}: a settled neighbour does not matter");
    }
}

#[test]
fn the_look_recalls_nothing_of_the_land() {
    for (name, build) in ENGINES {
        let pack = deaf(&pack_of(look_manifest(), 74));
        let (m, s) = (&pack.manifest, settings(&pack.manifest));
        let frames = random_frames(m, 9);
        let logits = |pack: &Pack| {
            let mut engine = build(pack);
            engine.restore(&frames[..8], 0).expect("restored");
            engine.teacher_force(&frames[8], &s).expect("logits")
        };
        let changed = |class: usize| {
            let mut other = pack.clone();
            let tensor = other.tensors.get_mut("dyn.recall.age").expect("present");
            let mut values = tensor.f32s();
            values[class * 35..][..35].iter_mut().for_each(|value| *value += 1.0);
            *tensor = PackTensor::from_f32s_as_f16(&tensor.shape.clone(), &values);
            differing(m, &logits(&pack), &logits(&other))
        };
        let (never, lately) = (changed(0), changed(1));
        assert!(never[15], "{name}: what was never seen does not matter to the look");
        assert!(!lately[15] && lately[..15].contains(&true), "{name}: {lately:?}");
    }
}
