//! The plain reference: every operation in f64, one readable file each, and an engine made of them. Slow on purpose; the oracle of the tests.

pub mod activation;
pub mod attention;
pub mod dynamics;
pub mod embed;
pub mod head;
pub mod matmul;
pub mod norm;
pub mod tokenizer;
pub mod weights;

use super::{
    Arrival, Branches, DecodeSettings, Engine, EngineError, EngineInfo, EngineKind, Picture, PromptWord, Settled, StageTimes, TokenFrame,
    UNKNOWN,
    adjacency::{Adjacency, Drawing},
    decode::{self, ANY_LEVEL, Drawn},
    inputs::{check_action, check_codes, check_drawn, check_frame, check_past, check_prompt, check_rgb, check_settings, play_settings},
    odometer::Odometer,
    recall::{self, Map},
    told::{LONG_AGO, Told},
    vocabulary::Vocabulary,
};
use crate::pack::{
    Pack,
    manifest::{DynamicsDims, FrameDims, Manifest},
};
use attention::KeysValues;
use dynamics::{FrameInput, FrameOutput, forward, offers, prev};
use head::{teacher_forced_logits, token_logits};
use std::{collections::VecDeque, sync::Arc};
use weights::Weights;

/// The engine of the tests: follows `docs/MODEL.md` line by line, one frame at a time.
#[derive(Clone)]
pub struct ReferenceEngine {
    info: EngineInfo,
    manifest: Manifest,
    weights: Arc<Weights>,
    /// Keys and values of committed frames, newest first, at most `window - 1`.
    ring: VecDeque<Vec<KeysValues>>,
    /// The newest frame, not yet committed.
    pending: Option<Pending>,
    /// `None` where any token may be dreamed.
    vocabulary: Option<Arc<Vocabulary>>,
    /// `None` where it is not known what lies beside what.
    adjacency: Option<Arc<Adjacency>>,
    /// `None` where the model has no recall.
    map: Option<Map>,
    prompt: Vec<PromptWord>,
    told: Told,
    next_frame: u32,
    untaken: Option<u32>,
    /// How tokens of the newest frame were settled; empty where it was not dreamed.
    settled: Vec<Settled>,
    settings: DecodeSettings,
    /// Of the newest frame.
    rgba: Vec<u8>,
}

/// A frame that is settled, with what it saw of the past outside the ring.
#[derive(Clone)]
struct Pending {
    frame: TokenFrame,
    past: Vec<f64>,
    /// How long ago its words changed, as [`Told`] counts.
    told: usize,
}

/// What a frame has of the past outside the ring.
struct LookBack {
    /// What it sees, `(tokens, channels)`.
    past: Vec<f64>,
    /// What it may copy, `(tokens, sources, code_dims)`.
    offers: Vec<u8>,
}

impl ReferenceEngine {
    pub fn new(pack: &Pack) -> Result<Self, EngineError> {
        pack.validate()?;
        let frame = pack.manifest.frame;
        let recall = pack.manifest.recall();
        Ok(Self {
            info: EngineInfo { kind: EngineKind::Reference, device: "plain f64".into() },
            weights: Weights::from_pack(pack).into(),
            ring: VecDeque::new(),
            pending: None,
            vocabulary: Vocabulary::of(pack)?.map(Arc::new),
            adjacency: Adjacency::of(pack)?.map(Arc::new),
            map: recall.map(|recall| Map::new(&frame, recall)),
            prompt: Vec::new(),
            told: Told::default(),
            next_frame: 0,
            untaken: None,
            settled: Vec::new(),
            settings: play_settings(&pack.manifest),
            rgba: vec![0; frame.width_px * frame.height_px * 4],
            manifest: pack.manifest.clone(),
        })
    }

    fn dims(&self) -> Result<&DynamicsDims, EngineError> {
        self.manifest.dynamics.as_ref().ok_or(EngineError::NoDynamics)
    }

    /// What the frame that `action` leads into has of the newest frame and of the map.
    fn look_back(&self, action: u8) -> Result<LookBack, EngineError> {
        let (f, d) = (&self.manifest.frame, self.dims()?);
        let unknown = vec![UNKNOWN; f.code_bytes()];
        let codes = self.pending.as_ref().map_or(&unknown, |pending| &pending.frame.codes);
        let motion = recall::motion_of(&self.manifest, action);
        let mut past = prev(&self.weights, codes, action, f, d);
        if let Some(map) = &self.map {
            matmul::add(&mut past, &dynamics::recall(&self.weights, map, motion, f, d));
        }
        Ok(LookBack { past, offers: offers(codes, self.map.as_ref(), motion, f) })
    }

    /// Commits the pending frame, if there is one: its keys and values enter the ring.
    fn commit(&mut self) -> Result<(), EngineError> {
        let Some(Pending { frame, past, told }) = self.pending.take() else { return Ok(()) };
        let output = self.run(&frame.codes, &[], &past, frame.action, (&frame.prompt, told))?;
        self.ring.push_front(output.keys_values);
        self.ring.truncate(self.dims()?.window - 1);
        Ok(())
    }

    /// Makes a frame the pending one: it enters the map.
    fn settle(&mut self, frame: TokenFrame, past: Vec<f64>) {
        let told = self.told.follow(&frame.prompt);
        if let Some(map) = &mut self.map {
            map.remember(&frame.codes, recall::motion_of(&self.manifest, frame.action), frame.moved);
        }
        self.pending = Some(Pending { frame, past, told });
    }

    /// `told`: the words of the frame, and how long ago they changed.
    fn run(
        &self,
        codes: &[u8],
        masked: &[bool],
        past: &[f64],
        action: u8,
        (prompt, told): (&[PromptWord], usize),
    ) -> Result<FrameOutput, EngineError> {
        let input = FrameInput { codes, masked, prev: past, action, prompt, told, context_level: self.settings.context_level };
        let ring: Vec<&[KeysValues]> = self.ring.iter().take(self.settings.window - 1).map(Vec::as_slice).collect();
        Ok(forward(&self.weights, &input, &ring, &self.manifest.frame, self.dims()?))
    }

    fn decode(&self, codes: &[u8]) -> Vec<u8> {
        let patches = tokenizer::decode_patches(&self.weights, codes, &self.manifest.frame, &self.manifest.tokenizer);
        tokenizer::rgba_from_patches(&patches, &self.manifest.frame)
    }

    /// Draws a frame; whether the view moved by its action since the one before.
    fn draw_next(&mut self, codes: &[u8], action: u8, first: bool) -> bool {
        let drawn = self.decode(codes);
        let before = std::mem::replace(&mut self.rgba, drawn);
        let recall = self.manifest.recall().filter(|_| !first);
        let motion = recall::motion_of(&self.manifest, action);
        recall.is_some_and(|recall| Odometer::<4>::new(&self.manifest.frame, recall).moved(&before, &self.rgba, motion))
    }

    /// Logits `(code_levels)` of dimension `dim` of token `n`, whose levels before `dim` are known. `outputs`: with the prompt and, under guidance,
    /// without it.
    fn guided_logits(&self, outputs: &[FrameOutput], offers: &[u8], n: usize, token: &[u8], dim: usize) -> Vec<f32> {
        let logits = |output: &FrameOutput| token_logits(&self.weights, output, offers, n, token, dim, &self.manifest.frame);
        let mut mixed = logits(&outputs[0]);
        if let Some(without) = outputs.get(1) {
            let beta = f64::from(self.settings.guidance);
            mixed.iter_mut().zip(logits(without)).for_each(|(c, u)| *c = (1.0 + beta) * *c - beta * u);
        }
        mixed.into_iter().map(|x| x as f32).collect()
    }
}

/// Levels of the next dimension, a bit each: those of what token `n` may copy, as far as it begins with the levels `drawn` so far.
fn pointed_at(offers: &[u8], n: usize, drawn: &[u8], f: &FrameDims) -> u64 {
    let of_token = offers.len() / f.tokens();
    let sources = offers[n * of_token..][..of_token].chunks_exact(f.code_dims);
    sources.filter(|offer| offer[0] != UNKNOWN && offer.starts_with(drawn)).fold(0, |levels, offer| levels | 1 << offer[drawn.len()])
}

impl Engine for ReferenceEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn set_prompt(&mut self, words: &[PromptWord]) -> Result<(), EngineError> {
        check_prompt(&self.manifest, words)?;
        self.prompt = words.to_vec();
        Ok(())
    }

    fn settings(&self) -> DecodeSettings {
        self.settings
    }

    fn set_settings(&mut self, settings: &DecodeSettings) -> Result<(), EngineError> {
        check_settings(&self.manifest, settings)?;
        self.settings = *settings;
        Ok(())
    }

    fn restore_after(&mut self, before: Option<&Map>, history: &[TokenFrame], next_frame: u32) -> Result<(), EngineError> {
        check_past(&self.manifest, before, history)?;
        self.ring.clear();
        self.pending = None;
        self.map.iter_mut().for_each(|map| map.begin_with(before));
        self.told.clear();
        (self.next_frame, self.untaken) = (next_frame, None);
        self.settled.clear();
        if self.manifest.dynamics.is_some() {
            for frame in history {
                let LookBack { past, .. } = self.look_back(frame.action)?;
                self.commit()?;
                self.settle(frame.clone(), past);
            }
        }
        match history.last() {
            Some(last) => self.rgba = self.decode(&last.codes),
            None => self.rgba.fill(0),
        }
        Ok(())
    }

    fn imagine(&mut self, at: [i32; 2], levels: Option<&[u8]>) {
        self.map.iter_mut().for_each(|map| map.imagine(at, levels));
    }

    fn dream(&mut self, action: u8, settings: &DecodeSettings) -> Result<(), EngineError> {
        self.dream_around(&vec![UNKNOWN; self.manifest.frame.code_bytes()], action, settings)
    }

    fn dream_around(&mut self, given: &[u8], action: u8, settings: &DecodeSettings) -> Result<(), EngineError> {
        check_settings(&self.manifest, settings)?;
        check_action(&self.manifest, action)?;
        check_codes(&self.manifest, given)?;
        self.settings = *settings;
        let LookBack { past, offers } = self.look_back(action)?;
        let before = self.pending.as_ref().map(|pending| pending.frame.codes.clone());
        self.commit()?;
        let f = self.manifest.frame;
        let (number, words) = (self.next_frame, self.prompt.clone());
        let told = self.told.class_of_next(&words);
        let mut codes = given.to_vec();
        let mut masked: Vec<bool> = given.chunks_exact(f.code_dims).map(|token| token[0] == UNKNOWN).collect();
        let mut confidence = vec![0.0; f.tokens()];
        let mut settled = vec![Settled::GIVEN; f.tokens()];
        // Of a token's sources the map is the last.
        let of_map = |n: usize| offers[(n + 1) * offers.len() / f.tokens() - f.code_dims];
        let motion = recall::motion_of(&self.manifest, action);
        let held: Vec<bool> = (0..f.tokens()).map(|n| self.map.as_ref().is_some_and(|map| map.holds(n, motion))).collect();
        let offered: Vec<bool> = (0..f.tokens()).map(|n| self.map.is_none() || n == f.patches() || of_map(n) != UNKNOWN).collect();
        let mut order = vec![0; f.tokens()];
        decode::random_order(settings.seed, number, &mut order);
        let adjacency = self.adjacency.as_deref();
        let mut domains = vec![0; adjacency.map_or(0, Adjacency::domain_words)];
        let mut outputs = Vec::new();
        // The step after the last draws what did not fit once more, from the same logits.
        for step in 1..=settings.steps + u32::from(adjacency.is_some()) {
            if !decode::step_runs(step, &masked) {
                break;
            }
            if step <= settings.steps {
                outputs = vec![self.run(&codes, &masked, &past, action, (&words, told))?];
                if settings.guidance > 0.0 && !words.is_empty() {
                    outputs.push(self.run(&codes, &masked, &past, action, (&[], LONG_AGO))?);
                }
            }
            if let Some(adjacency) = adjacency {
                adjacency.narrow(Drawing { codes: &codes, masked: &masked, before: before.as_deref() }, &mut domains);
            }
            for n in (0..f.tokens()).filter(|&n| masked[n]) {
                let name = decode::SampleName { seed: settings.seed, frame: number, step, token: n as u32 };
                let token = &mut codes[n * f.code_dims..][..f.code_dims];
                confidence[n] = 0.0;
                let beside = adjacency.and_then(|adjacency| adjacency.begin(n, &domains));
                let copies = offered[n] || beside.is_none();
                let mut known = beside.or_else(|| self.vocabulary.as_deref().map(Vocabulary::begin));
                for dim in 0..f.code_dims {
                    let mut logits = self.guided_logits(&outputs, &offers, n, token, dim);
                    let free = if held[n] { 0 } else { known.map_or(ANY_LEVEL, |known| known.levels()) };
                    let allowed = free | if copies { pointed_at(&offers, n, &token[..dim], &f) } else { 0 };
                    let (level, log_probability) = decode::sample_level(&mut logits, allowed, dim, settings.chance_of(offered[n]), name);
                    known.iter_mut().for_each(|known| known.follow(level));
                    token[dim] = level;
                    confidence[n] += log_probability;
                }
                settled[n] = Settled::drawn(step, confidence[n]);
            }
            let drawn = Drawn { codes: &codes, confidence: &confidence, offered: &offered, adjacency };
            decode::settle(settings, step, drawn, &mut order, &mut masked);
        }
        let moved = self.draw_next(&codes, action, before.is_none());
        self.settle(TokenFrame { codes, action, moved, prompt: words }, past);
        (self.untaken, self.settled) = (Some(number), settled);
        self.next_frame = number.wrapping_add(1);
        Ok(())
    }

    /// Every branch is an engine of its own that dreams on from here.
    fn preview(&mut self, actions: &[u8], settings: &DecodeSettings, out: &mut Branches) -> Result<(), EngineError> {
        out.clear();
        for &action in actions {
            let mut branch = self.clone();
            branch.dream(action, settings)?;
            out.codes.extend(branch.pending.iter().flat_map(|pending| &pending.frame.codes));
            out.rgba.extend(&branch.rgba);
        }
        Ok(())
    }

    fn take_codes(&mut self, out: &mut [u8]) -> Option<Arrival> {
        let newest = self.pending.as_ref().map(|pending| &pending.frame).filter(|frame| frame.codes.len() == out.len())?;
        let frame = self.untaken.take()?;
        out.copy_from_slice(&newest.codes);
        Some(Arrival { frame, moved: newest.moved })
    }

    fn settled(&self) -> &[Settled] {
        &self.settled
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn picture(&self) -> Picture<'_> {
        Picture::Rgba(&self.rgba)
    }

    fn read_picture(&mut self) -> Result<Vec<u8>, EngineError> {
        Ok(self.rgba.clone())
    }

    fn draw(&mut self, codes: &[u8]) -> Result<Vec<u8>, EngineError> {
        check_drawn(&self.manifest, codes)?;
        Ok(self.decode(codes))
    }

    fn encode(&mut self, rgb: &[u8]) -> Result<Vec<u8>, EngineError> {
        let f = &self.manifest.frame;
        check_rgb(&self.manifest, rgb)?;
        let values = tokenizer::encode_values(&self.weights, rgb, f, &self.manifest.tokenizer);
        Ok(values.into_iter().map(|z| tokenizer::code_from_value(z, f.code_levels)).collect())
    }

    fn teacher_force(&mut self, truth: &TokenFrame, settings: &DecodeSettings) -> Result<Vec<f32>, EngineError> {
        check_settings(&self.manifest, settings)?;
        check_frame(&self.manifest, truth)?;
        self.settings = *settings;
        let LookBack { past, offers } = self.look_back(truth.action)?;
        self.commit()?;
        let f = self.manifest.frame;
        let told = (&truth.prompt[..], self.told.class_of_next(&truth.prompt));
        let output = self.run(&vec![0; f.code_bytes()], &vec![true; f.tokens()], &past, truth.action, told)?;
        self.rgba = self.decode(&truth.codes);
        self.settle(truth.clone(), past);
        self.untaken = None;
        self.settled.clear();
        self.next_frame = self.next_frame.wrapping_add(1);
        let logits = teacher_forced_logits(&self.weights, &output, &offers, &truth.codes, &f);
        Ok(logits.into_iter().map(|x| x as f32).collect())
    }

    fn stage_times(&self) -> StageTimes {
        Vec::new()
    }
}
