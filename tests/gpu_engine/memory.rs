//! What a dream remembers and what it is given: restored histories, the map, the odometer, gaps to dream into.

use super::{any_frame, arrived, changing, dreamed, gpu, pack, settings, some_codes};
use somnium::engine::gpu::GpuEngine;
use somnium::engine::inputs::frames_that_matter;
use somnium::engine::odometer::Odometer;
use somnium::engine::recall::motion_of;
use somnium::engine::reference::ReferenceEngine;
use somnium::engine::{Arrival, DecodeSettings, Engine, PromptWord, TokenFrame, UNKNOWN, decode};
use somnium::pack::manifest::{Manifest, RecallDims};
use somnium::pack::random::{look_manifest, odd_manifest, plain_manifest};
use somnium::pack::{Pack, PackTensor};

/// Dreams one frame around tokens that are given.
fn dreamed_around(engine: &mut dyn Engine, given: &[u8], action: u8, s: &DecodeSettings) -> (Arrival, Vec<u8>) {
    engine.dream_around(given, action, s).unwrap();
    arrived(engine)
}

/// Teacher forcing leaves nothing behind but the frame: dreams go on as from a restored history, tokens that are not given included.
#[test]
fn a_forced_frame_is_history_like_any_other() {
    let p = pack(odd_manifest());
    let s = settings(&p, 2);
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let frames: Vec<TokenFrame> = (0..3).map(|t| any_frame(&p.manifest, t)).collect();
    let mut onward = |forced: usize| {
        engine.restore(&frames[..frames.len() - forced], 3 - forced as u32).unwrap();
        frames[frames.len() - forced..].iter().for_each(|frame| drop(engine.teacher_force(frame, &s).unwrap()));
        (0..2).map(|t| dreamed(&mut engine, t, &s)).collect::<Vec<_>>()
    };
    let restored = onward(0);
    assert!(restored == onward(1) && restored == onward(2) && restored == onward(3));
}

/// The last frames of a history carry all of it but the map, to the bit; without the oldest of them something is lost.
#[test]
fn older_frames_than_those_that_matter_change_nothing_but_the_map() {
    for recall in [false, true] {
        let mut manifest = odd_manifest();
        let dims = manifest.dynamics.as_mut().unwrap();
        dims.recall = dims.recall.take().filter(|_| recall);
        let p = pack(manifest);
        let s = settings(&p, 1);
        let mut engine = GpuEngine::new(gpu(), &p).unwrap();
        let matter = frames_that_matter(&p.manifest);
        let history: Vec<TokenFrame> = (0..2 * matter as u32).map(|t| any_frame(&p.manifest, t)).collect();
        let mut logits = |frames: usize| {
            engine.restore(&history[history.len() - frames..], 0).unwrap();
            engine.teacher_force(&any_frame(&p.manifest, 99), &s).unwrap()
        };
        let all = logits(history.len());
        assert_eq!(all == logits(matter), !recall);
        assert!(logits(matter) != logits(matter - 1));
    }
}

/// Restoring the tokens of a dream and going on gives what going on without a stop gives.
#[test]
fn a_restored_dream_goes_on_as_if_it_had_not_stopped() {
    let p = placeless(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let s = settings(&p, 2);
    let mut history = Vec::new();
    for t in 0..30u8 {
        // One prompt fades into another.
        let word = |id, share| PromptWord { id, share };
        let new = 19 * t.saturating_sub(16);
        let prompt = if new == 0 { vec![word(200, 255)] } else { vec![word(200, 255 - new), word(3, new)] };
        engine.set_prompt(&prompt).unwrap();
        let action = t % 3;
        let (Arrival { moved, .. }, codes) = dreamed(&mut engine, action, &s);
        history.push(TokenFrame { codes, action, moved, prompt });
    }
    let walked = history.iter().filter(|frame| frame.action != 0);
    assert!(walked.clone().any(|frame| frame.moved) && walked.clone().any(|frame| !frame.moved), "steps that succeed, and blocked ones");
    let picture = engine.read_picture().unwrap();
    let onward: Vec<_> = (0..6).map(|t| dreamed(&mut engine, t % 3, &s)).collect();
    engine.restore(&history, 30).unwrap();
    assert!(engine.read_picture().unwrap() == picture, "the visible frame is the last of the history");
    let restored: Vec<_> = (0..6).map(|t| dreamed(&mut engine, t % 3, &s)).collect();
    assert!(onward == restored);
    // Without the older frames it goes elsewhere: the ring is what carries on.
    engine.restore(&history[29..], 30).unwrap();
    let short: Vec<_> = (0..6).map(|t| dreamed(&mut engine, t % 3, &s)).collect();
    assert!(onward != short);
}

/// A pack where a patch of the picture shows its token alone, wherever it stands, under every look: else no picture of random weights ever
/// scrolls.
fn placeless(mut manifest: Manifest) -> Pack {
    manifest.tokenizer.decoder_blocks = 0;
    let mut p = pack(manifest);
    for (_, tensor) in p.tensors.iter_mut().filter(|(name, _)| ["tok.dec.pos", "tok.dec.look.gain.w"].contains(&name.as_str())) {
        *tensor = PackTensor::from_f32s_as_f16(&tensor.shape.clone(), &vec![0.0; tensor.f32s().len()]);
    }
    p
}

/// What a walker sees of an endless land at `view`; what never scrolls shows something else in every frame `t`.
fn land(m: &Manifest, view: [i32; 2], t: u32) -> Vec<u8> {
    let f = &m.frame;
    let recall = m.dynamics.as_ref().unwrap().recall.as_ref().unwrap();
    let level = |n: usize, d: usize| {
        let at = [view[0] + (n % f.grid_w()) as i32, view[1] + (n / f.grid_w()) as i32].map(i32::cast_unsigned);
        let bits = if recall.scrolls(n, f) { decode::random(8, at[0], at[1], 0, d as u32) } else { decode::random(8, t, 1, 0, d as u32) };
        (bits % f.code_levels as u32) as u8
    };
    (0..f.tokens()).flat_map(|n| (0..f.code_dims).map(move |d| (n, d))).map(|(n, d)| level(n, d)).collect()
}

/// Over a walk of several windows with steps that succeed and steps that do not, the odometer tells which, and what is dreamed into a gap
/// is what the reference dreams there with the same map; the walk restored goes on as if it had not been interrupted.
#[test]
fn a_walk_is_read_off_the_pictures_and_remembered() {
    for mut manifest in [odd_manifest(), look_manifest()] {
        let step_px = manifest.frame.patch_px;
        manifest.dynamics.as_mut().unwrap().recall = Some(RecallDims { step_px, covered: vec![7] });
        let p = placeless(manifest);
        let (m, s) = (&p.manifest, DecodeSettings { temperature: 0.5, ..settings(&p, 2) });
        let (mut ours, mut truth) = (GpuEngine::new(gpu(), &p).unwrap(), ReferenceEngine::new(&p).unwrap());
        let (mut view, mut history) = ([0, 0], Vec::new());
        let (mut different, mut compared) = (0, 0);
        for t in 0..30u32 {
            let action = (decode::random(5, t, 0, 0, 0) % 3) as u8;
            let motion = motion_of(m, action);
            let goes = t > 0 && motion != [0, 0] && t % 4 != 3;
            if goes {
                view = [view[0] + motion[0], view[1] + motion[1]];
            }
            // The last tokens of every fifth frame are left to the network.
            let mut given = land(m, view, t);
            let known = if t % 5 == 4 { given.len() - m.frame.grid_w() * m.frame.code_dims } else { given.len() };
            given[known..].fill(UNKNOWN);
            let (a, b) = (dreamed_around(&mut ours, &given, action, &s), dreamed_around(&mut truth, &given, action, &s));
            assert_eq!(a.0, Arrival { frame: t, moved: goes }, "frame {t}");
            assert_eq!(a.0, b.0, "frame {t}");
            assert_eq!(a.1[..known], given[..known], "what is given stays");
            compared += a.1.len() - known;
            different += a.1.iter().zip(&b.1).filter(|(x, y)| x != y).count();
            history.push(TokenFrame { codes: a.1, action, moved: goes, prompt: Vec::new() });
            // A near tie in one frame is not to spread to the next.
            truth.restore(&history, t + 1).unwrap();
        }
        assert!(different * 50 <= compared, "{different} of {compared} choices differ");

        let gap = vec![UNKNOWN; m.frame.code_bytes()];
        let mut onward = |history: Option<&[TokenFrame]>| {
            if let Some(history) = history {
                ours.restore(history, 30).unwrap();
            }
            [1, 1, 2].map(|action| dreamed_around(&mut ours, &gap, action, &s))
        };
        let (undisturbed, restored) = (onward(None), onward(Some(&history)));
        assert!(undisturbed == restored);
        // Negative control: one step that is said not to have been taken changes what is recalled.
        let step = history.iter().rposition(|frame| frame.moved).unwrap();
        history[step].moved = false;
        assert!(onward(Some(&history)) != undisturbed);
    }
}

/// Whatever is dreamed, `moved` is what the pictures shown say; a first frame has nothing to have moved from.
#[test]
fn moved_is_what_the_pictures_say() {
    let mut outcomes = [0, 0];
    for manifest in [odd_manifest(), plain_manifest(), look_manifest()] {
        let p = placeless(manifest);
        let d = p.manifest.dynamics.as_ref().unwrap();
        let mut engine = GpuEngine::new(gpu(), &p).unwrap();
        engine.restore(&[any_frame(&p.manifest, 0)], 0).unwrap();
        for t in 0..12 {
            let before = engine.read_picture().unwrap();
            let action = t % d.actions as u8;
            let ours = dreamed(&mut engine, action, &settings(&p, 1)).0.moved;
            let after = engine.read_picture().unwrap();
            let motion = motion_of(&p.manifest, action);
            let truth = Odometer::<4>::new(&p.manifest.frame, d.recall.as_ref().unwrap()).moved(&before, &after, motion);
            assert_eq!(ours, truth, "{} frame {t}", p.manifest.name);
            outcomes[usize::from(ours)] += 1;
        }
        for action in 0..d.actions as u8 {
            engine.restore(&[], 0).unwrap();
            assert!(!dreamed(&mut engine, action, &settings(&p, 1)).0.moved);
        }
    }
    assert!(outcomes.iter().all(|&count| count > 0), "stayed and moved: {outcomes:?}");
}

/// Tokens that are given stay to the bit, the others are the reference's; with nothing given it is a dream like any other.
#[test]
fn a_dream_goes_around_what_is_given() {
    for manifest in [odd_manifest(), look_manifest()] {
        let p = pack(manifest);
        let m = &p.manifest;
        let (mut ours, mut truth) = (GpuEngine::new(gpu(), &p).unwrap(), ReferenceEngine::new(&p).unwrap());
        let history: Vec<TokenFrame> = (0..6).map(|t| any_frame(m, t)).collect();
        let words = any_frame(m, 9).prompt;
        ours.set_prompt(&words).unwrap();
        truth.set_prompt(&words).unwrap();
        let s = settings(&p, 3);
        let nothing = vec![UNKNOWN; m.frame.code_bytes()];
        ours.restore(&history, 6).unwrap();
        let dream = [dreamed(&mut ours, 1, &s), dreamed(&mut ours, 2, &s)];
        ours.restore(&history, 6).unwrap();
        assert!(dream == [dreamed_around(&mut ours, &nothing, 1, &s), dreamed_around(&mut ours, &nothing, 2, &s)]);
        let whole = some_codes(m, 5);
        assert!(dreamed_around(&mut ours, &whole, 0, &s).1 == whole, "a frame may be given as a whole");

        let (mut different, mut compared, mut noticed) = (0, 0, 0);
        for t in 0..8 {
            let s = changing(&p, t);
            let mut given = some_codes(m, t);
            for (n, token) in given.chunks_exact_mut(m.frame.code_dims).enumerate() {
                if decode::random(3, t, n as u32, 0, 0) % 8 <= t {
                    token.fill(UNKNOWN);
                }
            }
            let run = |engine: &mut dyn Engine, given: &[u8]| {
                engine.restore(&history, t).unwrap();
                dreamed_around(engine, given, 1, &s).1
            };
            let (a, b) = (run(&mut ours, &given), run(&mut truth, &given));
            assert!(given.iter().zip(&a).all(|(given, code)| *given == UNKNOWN || given == code), "what is given stays");
            different += a.iter().zip(&b).filter(|(x, y)| x != y).count();
            compared += given.iter().filter(|&&code| code == UNKNOWN).count();
            // Negative control: other tokens around the gap.
            let other: Vec<u8> =
                given.iter().map(|&code| if code == UNKNOWN { code } else { (code + 1) % m.frame.code_levels as u8 }).collect();
            let c = run(&mut ours, &other);
            noticed += given.iter().zip(a.iter().zip(&c)).filter(|(given, (x, y))| **given == UNKNOWN && x != y).count();
        }
        assert!(compared > 100 && different * 50 <= compared, "{different} of {compared} choices differ");
        assert!(noticed * 20 > compared, "other tokens around a gap change only {noticed} of {compared}");
    }
}
