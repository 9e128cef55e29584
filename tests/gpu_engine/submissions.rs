//! Frames in two submissions or in many, and others who use the device meanwhile.

use std::time::{Duration, Instant};

use super::{any_frame, changing, dreamed, gpu, pack, settings};
use somnium::engine::gpu::{GpuContext, GpuEngine};
use somnium::engine::{Branches, Engine, TokenFrame};
use somnium::pack::Pack;
use somnium::pack::random::{odd_manifest, plain_manifest};

/// An engine that lets the device go after `submission`: after zero with every dispatch, after the longest time there is never.
fn engine(p: &Pack, submission: Duration) -> GpuEngine {
    let mut gpu = gpu();
    gpu.submission = submission;
    GpuEngine::new(gpu, p).unwrap()
}

/// However a frame is cut up, it is the same frame, and timed as such.
#[test]
fn a_frame_in_many_submissions_is_the_same_frame() {
    let p = pack(odd_manifest());
    let history: Vec<TokenFrame> = (0..12).map(|t| any_frame(&p.manifest, t)).collect();
    let played = |submission: Duration| {
        let mut engine = engine(&p, submission);
        engine.restore(&history, 0).unwrap();
        let before = engine.submissions();
        let frames: Vec<_> = (0..8).map(|t| dreamed(&mut engine, (t % 3) as u8, &changing(&p, t))).collect();
        let submissions = engine.submissions() - before;
        let times = (engine.stage_times().len(), engine.pass_times().len());
        let dispatches: usize = (0..8).map(|t| engine.dispatches(changing(&p, t).steps)).sum();
        let mut branches = Branches::default();
        engine.preview(&[0, 1, 2], &settings(&p, 2), &mut branches).unwrap();
        let logits = engine.teacher_force(&any_frame(&p.manifest, 20), &settings(&p, 1)).unwrap();
        assert!(engine.context().fault().is_none(), "{:?}", engine.context().fault());
        ((frames, branches, engine.read_picture().unwrap(), logits, times), submissions, dispatches)
    };
    let (whole, of_whole, _) = played(Duration::MAX);
    let (cut, of_cut, dispatches) = played(Duration::ZERO);
    assert!(whole == cut);
    // Where nothing is to be cut the first dispatches go off by themselves, so that the device has something to do while the others are recorded; but not
    // of a frame that is timed dispatch by dispatch, as the first one is, and later ones once a second.
    assert!((9..=16).contains(&of_whole), "{of_whole}");
    assert_eq!(of_cut, dispatches as u64);
}

/// How long somebody else waits for the device at most while frames are dreamed.
fn others_wait(gpu: &GpuContext, dream: impl FnOnce() + Send) -> Duration {
    std::thread::scope(|scope| {
        let dreaming = scope.spawn(dream);
        std::iter::repeat_with(|| gpu.queue_wait()).take_while(|_| !dreaming.is_finished()).max().unwrap_or_default()
    })
}

/// On a device that is slow somebody else need not wait for a whole frame.
#[test]
fn others_are_served_within_a_frame() {
    const FRAMES: u32 = 3;
    let p = pack(plain_manifest());
    let waits = |submission: Duration| {
        let mut engine = engine(&p, submission);
        let gpu = engine.context().clone();
        let start = Instant::now();
        let wait = others_wait(&gpu, || (0..FRAMES).for_each(|_| drop(dreamed(&mut engine, 0, &settings(&p, 2)))));
        (wait, start.elapsed() / FRAMES)
    };
    // The longest waits are compared, and whatever else the machine does may make one longer.
    let served = |_| {
        let (whole, frame) = waits(Duration::MAX);
        let (cut, _) = waits(Duration::ZERO);
        println!("others wait {cut:?} instead of {whole:?}, a frame being {frame:?}");
        // A quick device serves anybody at once.
        frame < Duration::from_millis(20) || cut * 2 < whole
    };
    assert!((0..3).any(served), "others wait as long");
}
