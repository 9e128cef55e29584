//! How tokens were settled, as every engine tells it of the same frames.

use std::collections::BTreeSet;

use super::*;
use somnium::engine::{Branches, Settled};

/// Largest difference allowed between two probabilities of 255.
const ODDS: u8 = 2;

/// A frame that was dreamed: what was given of it, what is certain, its codes, and how its tokens were settled.
struct Told {
    given: Vec<u8>,
    certain: Option<f32>,
    codes: Vec<u8>,
    settled: Vec<Settled>,
}

impl Told {
    fn agrees(&self, other: &[Settled]) -> bool {
        let tokens = self.settled.iter().zip(other);
        self.settled.len() == other.len() && tokens.clone().all(|(a, b)| a.step == b.step && a.odds.abs_diff(b.odds) <= ODDS)
    }

    /// Whether a token may have been certain in one engine and not in another.
    fn is_close(&self) -> bool {
        self.certain.is_some_and(|certain| self.settled.iter().any(|token| (f32::from(token.odds) - 255.0 * certain).abs() < 2.0))
    }
}

/// Frames dreamed after some that were random, one in three around tokens that are given.
fn told(build: Build, pack: &Pack, steps: u32) -> Vec<Told> {
    let m = &pack.manifest;
    let dims = m.frame.code_dims;
    let (mut engine, past) = (build(pack), random_frames(m, 4));
    let mut frames = Vec::new();
    for t in 0..12 {
        let order = [UnmaskOrder::Random, UnmaskOrder::Confidence][t / 2 % 2];
        let certain = [None, Some(0.1)][t % 2];
        let s = DecodeSettings { steps, order, certain, temperature: 0.7, seed: 20 + t as u32, ..settings(m) };
        let mut given = past[3].codes.clone();
        for (_, token) in given.chunks_exact_mut(dims).enumerate().filter(|(n, _)| t % 3 != 2 || n % 2 == 0) {
            token.fill(UNKNOWN);
        }
        engine.restore(&past[..3], t as u32).expect("restored");
        assert!(engine.settled().is_empty(), "of a frame that was not dreamed");
        engine.dream_around(&given, (t % 2) as u8, &s).expect("dreamed");
        engine.finish().expect("finished");
        let mut codes = given.clone();
        engine.take_codes(&mut codes).expect("a new frame");
        let settled = engine.settled().to_vec();
        engine.preview(&[0, 1], &s, &mut Branches::default()).expect("previewed");
        engine.draw(&codes).expect("drawn");
        assert_eq!(engine.settled(), settled, "what is only looked at changed it");
        frames.push(Told { given, certain, codes, settled });
    }
    engine.teacher_force(&past[3], &settings(m)).expect("logits");
    assert!(engine.settled().is_empty(), "of a frame that was not dreamed");
    frames
}

#[test]
fn engines_tell_alike_when_and_how_surely_tokens_were_settled() {
    const STEPS: u32 = 4;
    for (m, seed) in [(odd_manifest(), 30), (look_manifest(), 31), (land_manifest(), 32)] {
        let pack = pack_of(m, seed);
        let m = &pack.manifest;
        let truth = told(reference, &pack, STEPS);
        // Where it is known what lies beside what, a step more mends what did not fit.
        let last = STEPS as u8 + u8::from(m.dynamics.as_ref().expect("with dynamics").land > 0);
        let (mut in_step, mut odds) = (vec![0; usize::from(last) + 1], BTreeSet::new());
        for frame in &truth {
            assert_eq!(frame.settled.len(), m.frame.tokens());
            for (token, given) in frame.settled.iter().zip(frame.given.chunks_exact(m.frame.code_dims)) {
                let given = given[0] != UNKNOWN;
                assert_eq!((*token == Settled::GIVEN, token.step == 0), (given, given), "{}", m.name);
                in_step[usize::from(token.step)] += 1;
                odds.insert(token.odds);
            }
        }
        assert!(in_step[..=STEPS as usize].iter().all(|&count| count > 0), "{}: {in_step:?}", m.name);
        assert!(odds.len() > 5, "{}: {odds:?}", m.name);
        for (name, build) in &ENGINES[1..] {
            let ours = told(*build, &pack, STEPS);
            let alike = truth.iter().zip(&ours).filter(|(truth, ours)| truth.codes == ours.codes && !truth.is_close());
            let mut compared = 0;
            for (t, (truth, ours)) in alike.enumerate() {
                assert!(truth.agrees(&ours.settled), "{name}, {}, {t}: {:?} is not {:?}", m.name, ours.settled, truth.settled);
                compared += 1;
            }
            assert!(compared * 3 > truth.len(), "{name}, {}: only {compared} frames say something", m.name);
        }
        // Negative controls: other steps, and another probability of a single token.
        let other = told(cpu, &pack, STEPS + 1);
        assert!(truth.iter().zip(&other).any(|(truth, other)| !truth.agrees(&other.settled)), "{}: steps do not matter", m.name);
        let mut wrong = truth[0].settled.clone();
        wrong[1].odds ^= 8;
        assert!(truth[0].agrees(&truth[0].settled) && !truth[0].agrees(&wrong));
    }
}
