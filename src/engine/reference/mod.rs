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
    DecodeSettings, Engine, EngineError, EngineInfo, EngineKind, Picture, StageTimes, TokenFrame, UNKNOWN, decode,
    inputs::{check_action, check_frame, check_prompt, check_rgb, check_settings, play_settings},
};
use crate::pack::{
    Pack,
    manifest::{DynamicsDims, Manifest},
};
use attention::KeysValues;
use dynamics::{FrameInput, FrameOutput, forward, prev};
use head::{head_logits, teacher_forced_logits};
use std::collections::VecDeque;
use weights::Weights;

/// The engine of the tests: follows `docs/MODEL.md` line by line, one frame at a time.
pub struct ReferenceEngine {
    info: EngineInfo,
    manifest: Manifest,
    weights: Weights,
    /// Keys and values of committed frames, newest first, at most `window - 1`.
    ring: VecDeque<Vec<KeysValues>>,
    /// The newest frame, not yet committed, and the codes of the one before it.
    pending: Option<TokenFrame>,
    before_pending: Vec<u8>,
    prompt: Vec<u16>,
    next_frame: u32,
    untaken: Option<u32>,
    settings: DecodeSettings,
    rgba: Vec<u8>,
}

impl ReferenceEngine {
    pub fn new(pack: &Pack) -> Result<Self, EngineError> {
        pack.validate()?;
        let frame = pack.manifest.frame;
        Ok(Self {
            info: EngineInfo { kind: EngineKind::Reference, device: "plain f64".into() },
            weights: Weights::from_pack(pack),
            ring: VecDeque::new(),
            pending: None,
            before_pending: vec![UNKNOWN; frame.code_bytes()],
            prompt: Vec::new(),
            next_frame: 0,
            untaken: None,
            settings: play_settings(&pack.manifest),
            rgba: vec![0; frame.width_px * frame.height_px * 4],
            manifest: pack.manifest.clone(),
        })
    }

    fn dims(&self) -> Result<&DynamicsDims, EngineError> {
        self.manifest.dynamics.as_ref().ok_or(EngineError::NoDynamics)
    }

    /// Commits the pending frame, if there is one: its keys and values enter the ring.
    fn commit(&mut self) -> Result<(), EngineError> {
        let Some(frame) = self.pending.take() else { return Ok(()) };
        let before = std::mem::replace(&mut self.before_pending, frame.codes.clone());
        let output = self.run(&frame.codes, &[], &before, frame.action, &frame.prompt)?;
        self.ring.push_front(output.keys_values);
        self.ring.truncate(self.dims()?.window - 1);
        Ok(())
    }

    fn run(&self, codes: &[u8], masked: &[bool], before: &[u8], action: u8, words: &[u16]) -> Result<FrameOutput, EngineError> {
        let (f, d) = (&self.manifest.frame, self.dims()?);
        let prev = prev(&self.weights, before, action, f, d);
        let input = FrameInput { codes, masked, prev: &prev, action, words, context_level: self.settings.context_level };
        let past: Vec<&[KeysValues]> = self.ring.iter().take(self.settings.window - 1).map(Vec::as_slice).collect();
        Ok(forward(&self.weights, &input, &past, f, d))
    }

    fn draw(&mut self, codes: &[u8]) {
        let patches = tokenizer::decode_patches(&self.weights, codes, &self.manifest.frame, &self.manifest.tokenizer);
        self.rgba = tokenizer::rgba_from_patches(&patches, &self.manifest.frame);
    }
}

impl Engine for ReferenceEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn set_prompt(&mut self, words: &[u16]) -> Result<(), EngineError> {
        check_prompt(&self.manifest, words)?;
        self.prompt = words.to_vec();
        Ok(())
    }

    fn restore(&mut self, history: &[TokenFrame], next_frame: u32) -> Result<(), EngineError> {
        history.iter().try_for_each(|frame| check_frame(&self.manifest, frame))?;
        self.ring.clear();
        self.pending = None;
        self.before_pending.fill(UNKNOWN);
        (self.next_frame, self.untaken) = (next_frame, None);
        for frame in history {
            if self.manifest.dynamics.is_some() {
                self.commit()?;
            }
            self.pending = Some(frame.clone());
        }
        match history.last() {
            Some(last) => self.draw(&last.codes),
            None => self.rgba.fill(0),
        }
        Ok(())
    }

    fn dream(&mut self, action: u8, settings: &DecodeSettings) -> Result<(), EngineError> {
        check_settings(&self.manifest, settings)?;
        check_action(&self.manifest, action)?;
        self.settings = *settings;
        self.commit()?;
        let f = self.manifest.frame;
        let (number, words) = (self.next_frame, self.prompt.clone());
        let mut codes = vec![0; f.code_bytes()];
        let mut masked = vec![true; f.tokens()];
        let mut confidence = vec![0.0; f.tokens()];
        let mut order = vec![0; f.tokens()];
        decode::random_order(settings.seed, number, &mut order);
        for step in 1..=settings.steps {
            let hidden = self.run(&codes, &masked, &self.before_pending, action, &words)?.head_hidden;
            let wide = hidden.len() / f.tokens();
            for n in (0..f.tokens()).filter(|&n| masked[n]) {
                let name = decode::SampleName { seed: settings.seed, frame: number, step, token: n as u32 };
                let token = &mut codes[n * f.code_dims..][..f.code_dims];
                confidence[n] = 0.0;
                for dim in 0..f.code_dims {
                    let logits = head_logits(&self.weights, &hidden[n * wide..][..wide], token, dim, &f);
                    let logits: Vec<f32> = logits.into_iter().map(|x| x as f32).collect();
                    let (level, log_probability) = decode::sample_level(&logits, dim, settings.temperature, name);
                    token[dim] = level;
                    confidence[n] += log_probability;
                }
            }
            let stay = decode::masked_after(f.tokens(), step, settings.steps);
            decode::unmask(settings.order, &confidence, stay, &mut order, &mut masked);
        }
        self.draw(&codes);
        self.pending = Some(TokenFrame { codes, action, prompt: words });
        self.untaken = Some(number);
        self.next_frame = number.wrapping_add(1);
        Ok(())
    }

    fn take_codes(&mut self, out: &mut [u8]) -> Option<u32> {
        let pending = self.pending.as_ref().filter(|frame| frame.codes.len() == out.len())?;
        let number = self.untaken.take()?;
        out.copy_from_slice(&pending.codes);
        Some(number)
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
        self.commit()?;
        let f = self.manifest.frame;
        let output = self.run(&vec![0; f.code_bytes()], &vec![true; f.tokens()], &self.before_pending, truth.action, &truth.prompt)?;
        self.pending = Some(truth.clone());
        self.next_frame = self.next_frame.wrapping_add(1);
        let logits = teacher_forced_logits(&self.weights, &output.head_hidden, &truth.codes, &f);
        Ok(logits.into_iter().map(|x| x as f32).collect())
    }

    fn stage_times(&self) -> StageTimes {
        Vec::new()
    }
}
