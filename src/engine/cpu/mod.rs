//! The CPU engine: SIMD kernels on packed weights and a small pool of threads that each own a range of tokens. It plays in real time where
//! the only graphics adapter is a software one.

mod attention;
mod buffer;
mod dynamics;
mod job;
mod kernels;
mod lane;
mod matmul;
mod norm;
mod pool;
mod simd;
#[cfg(test)]
mod tests;
mod weights;

use super::{
    Arrival, Branches, DecodeSettings, Engine, EngineError, EngineInfo, EngineKind, Picture, PromptWord, Settled, StageTimes, TokenFrame,
    inputs::{
        check_action, check_codes, check_drawn, check_frame, check_past, check_prompt, check_rgb, check_settings, frames_that_matter,
        play_settings,
    },
    odometer::Odometer,
    recall::{self, Map},
    told::{LONG_AGO, Said, Told},
};
use crate::pack::{Pack, manifest::Manifest};
use attention::PanelDims;
use buffer::PerThread;
use dynamics::PromptPanels;
use job::Purpose;
use kernels::Kernels;
use lane::{Exchange, Lane, Model, Worker};
use pool::Pool;
use std::sync::Arc;
use weights::{DecoderWeights, DynamicsWeights, EncoderWeights};

/// How the CPU engine is set up; the default suits the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuOptions {
    /// Threads, the caller's included; physical cores, at most [`MOST_THREADS`], if not given.
    pub threads: Option<usize>,
    /// Leaves out this many of the best instruction sets the processor has. For tests.
    #[doc(hidden)]
    pub skip_instruction_sets: usize,
}

/// More threads have too few tokens each to be worth waking.
pub const MOST_THREADS: usize = 8;

/// Stages of a frame, as [`Engine::stage_times`] names them.
const STAGES: [&str; 4] = ["past", "commit and first pass", "later passes", "picture"];

/// The newest frame: visible, not yet committed.
struct Pending {
    codes: Vec<u8>,
    action: u8,
    moved: bool,
    /// How long ago its words changed, as [`Told`] counts.
    told: usize,
    /// False before the first frame: then the rest has no meaning.
    exists: bool,
}

pub struct CpuEngine {
    info: EngineInfo,
    manifest: Manifest,
    kernels: Kernels,
    model: Arc<Model>,
    pool: Pool,
    workers: PerThread<Worker>,
    exchange: Exchange,
    pending: Pending,
    /// Frames committed since the last restore.
    committed: usize,
    /// `None` where the model has no recall.
    map: Option<Map>,
    odometer: Option<Odometer<4>>,
    /// Picture of the pending frame while the next one is drawn.
    rgba_before: Vec<u8>,
    /// Prompts of the frame being dreamed and of the pending one, and the empty one.
    prompts: Option<[PromptPanels; 3]>,
    said: Option<Said>,
    /// Words in force.
    words: Vec<PromptWord>,
    told: Told,
    next_frame: u32,
    untaken: Option<u32>,
    /// How tokens of the newest frame were settled; empty where it was not dreamed.
    settled: Vec<Settled>,
    settings: DecodeSettings,
    stage_ms: [f32; STAGES.len()],
}

/// Weights of a pack as this engine runs them, for any number of engines.
#[derive(Clone)]
pub struct CpuWeights(Arc<Model>);

impl CpuWeights {
    /// # Errors
    /// What is wrong with the pack.
    pub fn load(pack: &Pack) -> Result<Self, EngineError> {
        pack.validate()?;
        let m = &pack.manifest;
        let n = m.frame.tokens();
        let tokenizer_panels = PanelDims::new(m.tokenizer.heads, m.tokenizer.channels, n);
        Ok(Self(Arc::new(Model {
            frame: m.frame,
            tokenizer: m.tokenizer,
            encoder: EncoderWeights::load(pack)?,
            decoder: DecoderWeights::load(pack)?,
            tokenizer_panels,
            frame_panels: m.dynamics.as_ref().map_or(tokenizer_panels, |d| PanelDims::new(d.heads, d.channels, n)),
            dynamics: m.dynamics.as_ref().map(|d| DynamicsWeights::load(pack, d)).transpose()?,
        })))
    }
}

impl CpuEngine {
    pub fn new(pack: &Pack, options: CpuOptions) -> Result<Self, EngineError> {
        Self::with_weights(pack, CpuWeights::load(pack)?, options)
    }

    /// The same with the weights of this pack where they are at hand.
    ///
    /// # Errors
    /// What is wrong with the pack.
    pub fn with_weights(pack: &Pack, CpuWeights(model): CpuWeights, options: CpuOptions) -> Result<Self, EngineError> {
        let m = &pack.manifest;
        let n = m.frame.tokens();
        let sets = Kernels::available();
        let kernels = sets[options.skip_instruction_sets.min(sets.len() - 1)];
        let threads = options.threads.unwrap_or_else(|| pool::physical_cores().min(MOST_THREADS)).clamp(1, n);
        let pool = Pool::new(threads);
        let threads = pool.threads();
        let first = |t: usize| (t * n).div_ceil(threads);
        let exchange = Exchange::new(&model, STAGES.len());
        let mut said = model.dynamics.as_ref().map(|d| Said::new(pack, d.dims.channels)).transpose()?;
        let prompts = model.dynamics.as_ref().zip(said.as_mut()).map(|(d, said)| {
            let mut prompts = [(); 3].map(|()| PromptPanels::new(d));
            prompts[2].set(kernels, d, said, &[]);
            prompts
        });
        let recall = m.recall();
        Ok(Self {
            info: EngineInfo { kind: EngineKind::Cpu, device: format!("{threads} threads, {}", kernels.name) },
            kernels,
            workers: PerThread::new((0..threads).map(|t| Worker::new(m, &model, first(t)..first(t + 1)))),
            pool,
            exchange,
            pending: Pending { codes: vec![0; m.frame.code_bytes()], action: 0, moved: false, told: LONG_AGO, exists: false },
            committed: 0,
            map: recall.map(|recall| Map::new(&m.frame, recall)),
            odometer: recall.map(|recall| Odometer::new(&m.frame, recall)),
            rgba_before: vec![0; m.frame.width_px * m.frame.height_px * 4],
            prompts,
            said,
            words: Vec::with_capacity(m.dynamics.as_ref().map_or(0, |d| 2 * d.prompt_words)),
            told: Told::default(),
            next_frame: 0,
            untaken: None,
            settled: Vec::with_capacity(n),
            settings: play_settings(m),
            stage_ms: [0.0; STAGES.len()],
            model,
            manifest: m.clone(),
        })
    }

    /// Multiply-adds of matrix products with weights in a dreamed frame after the first, as the engine runs them under words (padding
    /// included, attention left out).
    pub fn work(&self, steps: u32) -> usize {
        let n = self.model.frame.tokens();
        let decoder = &self.model.decoder;
        // Every thread sets the gains for itself.
        let decoding = n * decoder.work() + decoder.look.as_ref().map_or(0, |look| self.pool.threads() * look.work());
        let Some(d) = &self.model.dynamics else { return decoding };
        let (mut dreamed, mut committed, mut layer) = (d.head.work(), 0, 0);
        for block in &d.blocks {
            let committing = layer < d.temporal_layers();
            let mut sub = block.qkv.work() + block.out.work();
            let mut commit = sub;
            if let Some(time) = &block.time {
                layer += 1;
                let last = layer == d.temporal_layers();
                sub += time.qkv.work() + time.out.work();
                commit += if last { time.qkv.work() * 2 / 3 } else { time.qkv.work() + time.out.work() };
            }
            let rest = block.text.as_ref().map_or(0, |t| t.q.work() + t.out.work()) + block.up.work() + block.down.work();
            dreamed += sub + rest;
            if committing {
                committed += commit + if layer == d.temporal_layers() && block.time.is_some() { 0 } else { rest };
            }
        }
        n * (d.prev.work() + committed + dreamed * steps as usize) + decoding
    }

    /// Makes the frame in `exchange.codes` the pending one, and it enters the map. Its action, its prompt and what it sees of the past were
    /// set by [`Self::run`].
    fn make_pending(&mut self, moved: bool) {
        self.pending.codes.copy_from_slice(self.exchange.codes.get_mut());
        (self.pending.moved, self.pending.exists) = (moved, true);
        if let Some(map) = &mut self.map {
            map.remember(&self.pending.codes, recall::motion_of(&self.manifest, self.pending.action), moved);
        }
    }

    fn decode(&mut self, codes: &[u8]) {
        self.exchange.codes.get_mut().copy_from_slice(codes);
        let (model, exchange, workers, kernels) = (&*self.model, &self.exchange, &self.workers, self.kernels);
        self.pool.run(&|t, barrier| {
            // SAFETY: thread `t` alone, once a job.
            let w = unsafe { workers.get(t) };
            Lane { kernels, model, exchange, barrier, w, turn: 0 }.decode();
        });
    }

    fn dream_next(&mut self, given: Option<&[u8]>, action: u8, settings: &DecodeSettings) -> Result<(), EngineError> {
        check_settings(&self.manifest, settings)?;
        check_action(&self.manifest, action)?;
        self.settings = *settings;
        self.rgba_before.copy_from_slice(self.exchange.rgba.get_mut());
        self.run(Purpose::Dream(given), action, None)?;
        let (motion, rgba) = (recall::motion_of(&self.manifest, action), self.exchange.rgba.get_mut());
        let odometer = self.odometer.as_mut().filter(|_| self.pending.exists);
        let moved = odometer.is_some_and(|odometer| odometer.moved(&self.rgba_before, rgba, motion));
        self.make_pending(moved);
        self.settled.clear();
        self.settled.extend_from_slice(self.exchange.settled.get_mut());
        self.untaken = Some(self.next_frame);
        self.next_frame = self.next_frame.wrapping_add(1);
        Ok(())
    }
}

impl Engine for CpuEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn set_prompt(&mut self, words: &[PromptWord]) -> Result<(), EngineError> {
        check_prompt(&self.manifest, words)?;
        self.words.clear();
        self.words.extend_from_slice(words);
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
        self.pending.exists = false;
        self.committed = 0;
        self.map.iter_mut().for_each(|map| map.begin_with(before));
        self.told.clear();
        (self.next_frame, self.untaken) = (next_frame, None);
        self.settled.clear();
        if self.model.dynamics.is_some() {
            let (only_seen, ring) = history.split_at(history.len().saturating_sub(frames_that_matter(&self.manifest)));
            for frame in only_seen {
                self.told.follow(&frame.prompt);
                if let Some(map) = &mut self.map {
                    map.remember(&frame.codes, recall::motion_of(&self.manifest, frame.action), frame.moved);
                }
            }
            for frame in ring {
                self.run(Purpose::CommitOnly, frame.action, Some(&frame.prompt))?;
                self.exchange.codes.get_mut().copy_from_slice(&frame.codes);
                self.make_pending(frame.moved);
            }
        }
        match history.last() {
            Some(last) => self.decode(&last.codes),
            None => self.exchange.rgba.get_mut().fill(0),
        }
        Ok(())
    }

    fn imagine(&mut self, at: [i32; 2], levels: Option<&[u8]>) {
        self.map.iter_mut().for_each(|map| map.imagine(at, levels));
    }

    fn dream(&mut self, action: u8, settings: &DecodeSettings) -> Result<(), EngineError> {
        self.dream_next(None, action, settings)
    }

    fn dream_around(&mut self, given: &[u8], action: u8, settings: &DecodeSettings) -> Result<(), EngineError> {
        check_codes(&self.manifest, given)?;
        self.dream_next(Some(given), action, settings)
    }

    fn preview(&mut self, actions: &[u8], settings: &DecodeSettings, out: &mut Branches) -> Result<(), EngineError> {
        check_settings(&self.manifest, settings)?;
        actions.iter().try_for_each(|&action| check_action(&self.manifest, action))?;
        out.clear();
        self.rgba_before.copy_from_slice(self.exchange.rgba.get_mut());
        let played = std::mem::replace(&mut self.settings, *settings);
        let branches = actions.iter().enumerate().try_for_each(|(i, &action)| {
            self.run(Purpose::Preview { first: i == 0 }, action, None)?;
            out.codes.extend_from_slice(self.exchange.codes.get_mut());
            out.rgba.extend_from_slice(self.exchange.rgba.get_mut());
            Ok(())
        });
        self.settings = played;
        self.exchange.rgba.get_mut().copy_from_slice(&self.rgba_before);
        branches
    }

    fn take_codes(&mut self, out: &mut [u8]) -> Option<Arrival> {
        if out.len() != self.pending.codes.len() {
            return None;
        }
        let frame = self.untaken.take()?;
        out.copy_from_slice(&self.pending.codes);
        Some(Arrival { frame, moved: self.pending.moved })
    }

    fn settled(&self) -> &[Settled] {
        &self.settled
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn picture(&self) -> Picture<'_> {
        // SAFETY: threads only write during `run`, which needs the engine exclusively.
        Picture::Rgba(unsafe { self.exchange.rgba.read(0..self.exchange.rgba.len()) })
    }

    fn read_picture(&mut self) -> Result<Vec<u8>, EngineError> {
        Ok(self.exchange.rgba.get_mut().to_vec())
    }

    fn draw(&mut self, codes: &[u8]) -> Result<Vec<u8>, EngineError> {
        check_drawn(&self.manifest, codes)?;
        self.rgba_before.copy_from_slice(self.exchange.rgba.get_mut());
        self.decode(codes);
        let drawn = self.exchange.rgba.get_mut().to_vec();
        self.exchange.rgba.get_mut().copy_from_slice(&self.rgba_before);
        Ok(drawn)
    }

    fn encode(&mut self, rgb: &[u8]) -> Result<Vec<u8>, EngineError> {
        check_rgb(&self.manifest, rgb)?;
        let (model, exchange, workers, kernels) = (&*self.model, &self.exchange, &self.workers, self.kernels);
        self.pool.run(&|t, barrier| {
            // SAFETY: thread `t` alone, once a job.
            let w = unsafe { workers.get(t) };
            Lane { kernels, model, exchange, barrier, w, turn: 0 }.encode(rgb);
        });
        Ok(self.exchange.encoded.get_mut().to_vec())
    }

    fn teacher_force(&mut self, truth: &TokenFrame, settings: &DecodeSettings) -> Result<Vec<f32>, EngineError> {
        check_settings(&self.manifest, settings)?;
        check_frame(&self.manifest, truth)?;
        self.settings = *settings;
        self.run(Purpose::Logits(&truth.codes), truth.action, Some(&truth.prompt))?;
        self.decode(&truth.codes);
        self.make_pending(truth.moved);
        self.untaken = None;
        self.settled.clear();
        self.next_frame = self.next_frame.wrapping_add(1);
        Ok(self.exchange.logits.get_mut().to_vec())
    }

    fn stage_times(&self) -> StageTimes {
        STAGES.into_iter().zip(self.stage_ms).collect()
    }
}
