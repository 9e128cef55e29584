//! Frames on their way: codes that arrive, times, bad input, a tokenizer alone, a device that is lost.

use super::{dreamed, gpu, pack, settings};
use somnium::engine::gpu::GpuEngine;
use somnium::engine::reference::ReferenceEngine;
use somnium::engine::{Arrival, DecodeSettings, Engine, EngineError, PromptWord, TokenFrame};
use somnium::pack::random::{look_manifest, odd_manifest};

/// Codes arrive once each and in order, also when nobody waits for the device in between.
#[test]
fn codes_arrive_in_order_without_waiting() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    engine.restore(&[], 100).unwrap();
    let mut codes = vec![0; p.manifest.frame.code_bytes()];
    let mut numbers = Vec::new();
    for _ in 0..30 {
        engine.dream(0, &settings(&p, 1)).unwrap();
        numbers.extend(engine.take_codes(&mut codes).map(|arrival| arrival.frame));
    }
    engine.finish().unwrap();
    assert_eq!(engine.take_codes(&mut [0; 1]), None, "a buffer of another length takes nothing");
    numbers.extend(std::iter::from_fn(|| engine.take_codes(&mut codes)).map(|arrival| arrival.frame));
    assert_eq!(numbers, (100..130).collect::<Vec<_>>());
    assert!(codes.iter().all(|&c| usize::from(c) < p.manifest.frame.code_levels));
    assert!(engine.take_codes(&mut codes).is_none());
}

#[test]
fn restoring_nothing_clears_picture_and_untaken_codes() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    engine.dream(0, &settings(&p, 1)).unwrap();
    assert!(engine.read_picture().unwrap().iter().any(|&x| x != 0));
    engine.restore(&[], 0).unwrap();
    assert!(engine.take_codes(&mut vec![0; p.manifest.frame.code_bytes()]).is_none());
    assert!(engine.read_picture().unwrap().iter().all(|&x| x == 0));
}

#[test]
fn bad_input_is_named_and_changes_nothing() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let s = settings(&p, 2);
    let input = |r: Result<(), EngineError>| matches!(r, Err(EngineError::Input { .. }));
    assert!(input(engine.dream(9, &s)));
    assert!(input(engine.dream(0, &DecodeSettings { steps: 9, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { window: 6, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { context_level: 3, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { temperature: f32::NAN, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { guidance: 4.5, ..s })));
    assert!(input(engine.dream(0, &DecodeSettings { certain: Some(1.0), ..s })));
    assert!(input(engine.dream_around(&[0; 2], 0, &s)));
    assert!(input(engine.set_prompt(&[PromptWord::whole(1); 7])));
    assert!(input(engine.set_prompt(&[PromptWord { id: 1, share: 0 }])));
    assert!(input(engine.set_prompt(&[PromptWord::whole(u16::MAX)])));
    assert!(input(engine.restore(&[TokenFrame { codes: vec![0; 2], action: 0, moved: false, prompt: Vec::new() }], 0)));
    assert!(input(engine.encode(&[0; 5]).map(|_| ())));
    assert_eq!(dreamed(&mut engine, 0, &s).0.frame, 0);
    assert!(engine.context().fault().is_none(), "{:?}", engine.context().fault());
}

#[test]
fn a_tokenizer_by_itself_shows_pictures_but_does_not_dream() {
    let mut manifest = look_manifest();
    manifest.dynamics = None;
    let p = pack(manifest);
    let mut ours = GpuEngine::new(gpu(), &p).unwrap();
    let mut truth = ReferenceEngine::new(&p).unwrap();
    let rgb: Vec<u8> = (0..p.manifest.frame.rgb_bytes() as u32).map(|i| (i * 37 % 251) as u8).collect();
    let codes = ours.encode(&rgb).unwrap();
    assert_eq!(codes, truth.encode(&rgb).unwrap());
    let frame = TokenFrame { codes, action: 0, moved: false, prompt: Vec::new() };
    ours.restore(std::slice::from_ref(&frame), 0).unwrap();
    truth.restore(&[frame], 0).unwrap();
    let (a, b) = (ours.read_picture().unwrap(), truth.read_picture().unwrap());
    assert!(a.iter().zip(&b).all(|(x, y)| x.abs_diff(*y) <= 1));
    let s = DecodeSettings::LEAST;
    assert!(matches!(ours.dream(0, &s), Err(EngineError::NoDynamics)));
}

#[test]
fn stages_are_timed_where_the_device_can() {
    let p = pack(odd_manifest());
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    dreamed(&mut engine, 0, &settings(&p, 2));
    let times = engine.stage_times();
    if engine.context().timestamps {
        assert_eq!(times.len(), 3);
        assert!(times.iter().all(|(_, ms)| (0.0..10_000.0).contains(ms)) && times[0].1 > 0.0, "{times:?}");
    } else {
        assert!(times.is_empty());
    }
    // Dispatch by dispatch only now and then, and always in the frame of number 0: a frame not timed so leaves what is known.
    let passes = engine.pass_times();
    if engine.context().pass_timestamps {
        assert_eq!(passes.len(), engine.dispatches(2));
        let [of_passes, of_stages] = [&passes, &times].map(|times| times.iter().map(|(_, ms)| ms).sum::<f32>());
        assert!((0.5..1.01).contains(&(of_passes / of_stages)), "{of_passes} of {of_stages} ms");
        assert!(passes[0].0 == "prev" && passes.iter().any(|&(name, ms)| name == "matmul" && ms > 0.0), "{passes:?}");
        dreamed(&mut engine, 0, &settings(&p, 3));
        assert_eq!(engine.pass_times(), passes);
        engine.restore(&[], 0).unwrap();
        dreamed(&mut engine, 0, &settings(&p, 3));
        assert_eq!(engine.pass_times().len(), engine.dispatches(3));
    } else {
        assert!(passes.is_empty());
    }
}

/// A lost device is an error, never a panic; a new device goes on from the tokens as if nothing had happened.
#[test]
fn a_dream_survives_its_device() {
    let p = pack(odd_manifest());
    let s = settings(&p, 2);
    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    let mut history = Vec::new();
    for action in 0..4 {
        let (Arrival { moved, .. }, codes) = dreamed(&mut engine, action, &s);
        history.push(TokenFrame { codes, action, moved, prompt: Vec::new() });
    }
    engine.restore(&history, 4).unwrap();
    let onward = dreamed(&mut engine, 1, &s);

    engine.context().device.destroy();
    let outcomes: Vec<_> = (0..3).map(|_| engine.dream(1, &s)).collect();
    assert!(matches!(outcomes.last(), Some(Err(EngineError::DeviceLost(_)))), "{outcomes:?}");
    assert!(engine.restore(&history, 4).is_err());
    assert!(engine.read_picture().is_err());
    let mut codes = vec![0; p.manifest.frame.code_bytes()];
    while engine.take_codes(&mut codes).is_some() {}
    drop(engine);

    let mut engine = GpuEngine::new(gpu(), &p).unwrap();
    engine.restore(&history, 4).unwrap();
    assert_eq!(dreamed(&mut engine, 1, &s), onward);
}
