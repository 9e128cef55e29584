//! The CPU engine: SIMD kernels on packed weights and a small pool of threads that each own a range of tokens. It plays in real time where
//! the only graphics adapter is a software one.

mod attention;
mod buffer;
mod dynamics;
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
    Arrival, Branches, DecodeSettings, Engine, EngineError, EngineInfo, EngineKind, Picture, PromptWord, StageTimes, TokenFrame, UNKNOWN,
    adjacency::{Adjacency, Drawing},
    decode::{self, Drawn},
    inputs::{
        check_action, check_codes, check_drawn, check_frame, check_past, check_prompt, check_rgb, check_settings, frames_that_matter,
        play_settings,
    },
    odometer::Odometer,
    recall::{self, Map},
    told::{LONG_AGO, Said, Told},
};
use crate::pack::{Pack, limits, manifest::Manifest};
use attention::PanelDims;
use buffer::PerThread;
use dynamics::{Group, Past, PromptPanels};
use kernels::Kernels;
use lane::{Exchange, Lane, Model, Worker};
use pool::Pool;
use std::sync::Arc;
use std::time::Instant;
use weights::{DecoderWeights, DynamicsWeights, EncoderWeights};

/// How the CPU engine is set up; the default suits the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuOptions {
    /// Threads, the caller's included; physical cores, at most [`MOST_THREADS`], if not given.
    pub threads: Option<usize>,
    /// Leaves out this many of the best instruction sets the processor has. For tests.
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
    settings: DecodeSettings,
    stage_ms: [f32; STAGES.len()],
}

/// What becomes of the frame that is being computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose<'a> {
    /// Nothing is dreamed: the pending frame is committed.
    CommitOnly,
    /// Around these codes, if there are any.
    Dream(Option<&'a [u8]>),
    /// As a frame to dream, but what is pending stays so. The first of several lets the keys and values of the pending frame enter their
    /// slot of the ring, which nothing sees yet; the others find them there.
    Preview { first: bool },
    /// One pass with every token masked, logits given these codes handed out.
    Logits(&'a [u8]),
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
        let recall = m.dynamics.as_ref().and_then(|d| d.recall.as_ref());
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

    fn commits(&self) -> bool {
        self.pending.exists && self.model.dynamics.as_ref().is_some_and(|d| d.temporal_layers() > 0)
    }

    /// Runs a frame on all threads: the pending one is committed, and what `purpose` says is done for the next, which `action` leads into.
    fn run(&mut self, purpose: Purpose<'_>, action: u8, words: Option<&[PromptWord]>) -> Result<(), EngineError> {
        let after = self.committed + usize::from(self.commits());
        let commit = self.commits() && purpose != Purpose::Preview { first: false };
        let (keeps, dreams) = match purpose {
            Purpose::Preview { .. } => (false, true),
            other => (true, matches!(other, Purpose::Dream(_))),
        };
        let (Some(d), Some([now, pending_prompt, nothing_said]), Some(said)) = (&self.model.dynamics, &mut self.prompts, &mut self.said)
        else {
            return Err(EngineError::NoDynamics);
        };
        let (s, words) = (self.settings, words.unwrap_or(&self.words));
        now.set(self.kernels, d, said, words);
        let told = self.told.class_of_next(words);
        // Without words there is nothing to tell apart.
        let guided = dreams && s.guidance > 0.0 && !words.is_empty();
        let dreamed = match purpose {
            Purpose::CommitOnly => 0,
            _ => 1 + usize::from(guided),
        };
        let (mut commit_slots, mut dream_slots) = ([0; limits::WINDOW], [0; limits::WINDOW]);
        let commit_slots = slots_in_sight(&mut commit_slots, self.committed, s.window, d.dims.window);
        let dream_slots = slots_in_sight(&mut dream_slots, after, s.window, d.dims.window);
        let prompted = Group { action, prompt: now, told, slots: dream_slots, commit_to: None };
        let unprompted = Group { prompt: nothing_said, told: LONG_AGO, ..prompted };
        let slot = self.committed % d.dims.window;
        let committed = Group {
            action: self.pending.action,
            prompt: pending_prompt,
            told: self.pending.told,
            slots: commit_slots,
            commit_to: Some(slot),
        };
        let with_guidance = [prompted, unprompted, committed];
        let without = [prompted, committed];
        let groups = if guided { &with_guidance[..] } else { &without[..] };
        let first_pass = match (purpose, commit) {
            (Purpose::CommitOnly, false) => &[],
            (Purpose::CommitOnly, true) => &without[1..],
            (_, false) => &groups[..dreamed],
            (_, true) => groups,
        };
        let frame = self.next_frame;
        self.exchange.stage_ms.get_mut().fill(0.0);
        self.exchange.masked.get_mut().fill(true);
        if dreams {
            decode::random_order(s.seed, frame, self.exchange.order.get_mut());
        }
        if let Purpose::Dream(Some(given)) = purpose {
            self.exchange.codes.get_mut().copy_from_slice(given);
            let tokens = given.chunks_exact(self.model.frame.code_dims);
            self.exchange.masked.get_mut().iter_mut().zip(tokens).for_each(|(masked, token)| *masked = token[0] == UNKNOWN);
        }
        let previous = self.pending.exists.then_some(self.pending.codes.as_slice());
        let past = &Past { codes: previous, map: self.map.as_ref(), motion: recall::motion_of(&self.manifest, action) };
        let adjacency = d.adjacency.as_ref();
        if let Some(adjacency) = adjacency.filter(|_| dreams) {
            let Exchange { codes, masked, domains, .. } = &mut self.exchange;
            adjacency.narrow(Drawing { codes: codes.get_mut(), masked: masked.get_mut(), before: previous }, domains.get_mut());
        }
        let (model, exchange, workers, kernels) = (&*self.model, &self.exchange, &self.workers, self.kernels);

        self.pool.run(&|t, barrier| {
            // SAFETY: thread `t` alone, once a job.
            let w = unsafe { workers.get(t) };
            let mut lane = Lane { kernels, model, exchange, barrier, w, turn: 0 };
            let mut clock = Instant::now();
            let mut lap = |stage: usize| {
                if t == 0 {
                    // SAFETY: thread 0 alone.
                    unsafe { exchange.stage_ms.write(stage..stage + 1)[0] += clock.elapsed().as_secs_f32() * 1e3 };
                    clock = Instant::now();
                }
            };
            lane.embed_previous(d, past);
            barrier.wait();
            lane.look_at_past(d, action, past);
            lap(0);
            lane.fill_rows(d, first_pass, s.context_level);
            lane.pass(d, first_pass, 1);
            match purpose {
                Purpose::CommitOnly => {}
                Purpose::Logits(codes) => {
                    lane.head(d, 1);
                    lane.hand_out_logits(d, past, codes);
                }
                Purpose::Dream(_) | Purpose::Preview { .. } => {
                    for step in 1..=s.steps {
                        // SAFETY: written between the barriers of `settle` alone.
                        if !decode::step_runs(step, unsafe { exchange.masked.read(0..exchange.masked.len()) }) {
                            break;
                        }
                        if step > 1 {
                            lane.fill_rows(d, &groups[..dreamed], s.context_level);
                            lane.pass(d, &groups[..dreamed], step);
                        }
                        lane.head(d, dreamed);
                        lane.choose(d, &s, past, dreamed, frame, step);
                        if step < s.steps || adjacency.is_some() {
                            settle(exchange, barrier, t, &s, step, past, adjacency);
                        }
                        lap(if step == 1 { 1 } else { 2 });
                    }
                    // SAFETY: as above.
                    if adjacency.is_some() && decode::step_runs(s.steps + 1, unsafe { exchange.masked.read(0..exchange.masked.len()) }) {
                        lane.head(d, dreamed);
                        lane.choose(d, &s, past, dreamed, frame, s.steps + 1);
                    }
                    lane.decode();
                    lap(3);
                }
            }
            if keeps {
                lane.keep_past();
            }
        });
        if !keeps {
            return Ok(());
        }
        self.stage_ms.copy_from_slice(self.exchange.stage_ms.get_mut());
        self.committed = after;
        if let Some(prompts) = &mut self.prompts {
            prompts.swap(0, 1);
        }
        (self.pending.action, self.pending.told) = (action, told);
        self.told.follow(words);
        Ok(())
    }

    /// Makes the frame in `exchange.codes` the pending one, and it enters the map. Its action, its prompt and what it sees of the past were
    /// set by [`CpuEngine::run`].
    fn settle(&mut self, moved: bool) {
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
        self.settle(moved);
        self.untaken = Some(self.next_frame);
        self.next_frame = self.next_frame.wrapping_add(1);
        Ok(())
    }
}

/// Ring slots of the committed frames that a frame sees, newest first.
fn slots_in_sight(slots: &mut [usize; limits::WINDOW], committed: usize, window: usize, ring: usize) -> &[usize] {
    let n = committed.min(window - 1);
    for (age, slot) in (1..=n).zip(slots.iter_mut()) {
        *slot = (committed - age) % ring;
    }
    &slots[..n]
}

/// Settles tokens after a step, on thread 0 while the others wait.
fn settle(
    exchange: &Exchange,
    barrier: &pool::Barrier,
    t: usize,
    s: &DecodeSettings,
    step: u32,
    past: &Past,
    adjacency: Option<&Adjacency>,
) {
    barrier.wait();
    if t == 0 {
        let n = exchange.masked.len();
        // SAFETY: the others are between two barriers.
        let (codes, confidence, offered) =
            unsafe { (exchange.codes.read(0..exchange.codes.len()), exchange.confidence.read(0..n), exchange.offered.read(0..n)) };
        // SAFETY: as above.
        let (order, masked) = unsafe { (exchange.order.write(0..n), exchange.masked.write(0..n)) };
        decode::settle(s, step, Drawn { codes, confidence, offered, adjacency }, order, masked);
        if let Some(adjacency) = adjacency {
            // SAFETY: as above.
            let domains = unsafe { exchange.domains.write(0..exchange.domains.len()) };
            adjacency.narrow(Drawing { codes, masked, before: past.codes }, domains);
        }
    }
    barrier.wait();
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

    fn restore_after(&mut self, before: Option<&Map>, history: &[TokenFrame], next_frame: u32) -> Result<(), EngineError> {
        check_past(&self.manifest, before, history)?;
        self.pending.exists = false;
        self.committed = 0;
        self.map.iter_mut().for_each(|map| map.begin_with(before));
        self.told.clear();
        (self.next_frame, self.untaken) = (next_frame, None);
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
                self.settle(frame.moved);
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
        self.settle(truth.moved);
        self.untaken = None;
        self.next_frame = self.next_frame.wrapping_add(1);
        Ok(self.exchange.logits.get_mut().to_vec())
    }

    fn stage_times(&self) -> StageTimes {
        STAGES.into_iter().zip(self.stage_ms).collect()
    }
}
