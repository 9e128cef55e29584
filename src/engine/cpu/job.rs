//! One frame on all threads: which groups of rows pass through the blocks, the decoding steps, and what is kept.

use super::{
    CpuEngine,
    dynamics::{Group, Past},
    lane::{Exchange, Lane},
    weights::DynamicsWeights,
};
use crate::{
    engine::{
        DecodeSettings, EngineError, PromptWord, Settled, UNKNOWN,
        adjacency::Drawing,
        decode::{self, Drawn},
        recall,
        told::LONG_AGO,
    },
    pack::limits,
};
use std::time::Instant;

/// What becomes of the frame that is being computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
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

impl Purpose<'_> {
    /// Whether tokens are drawn.
    fn dreams(self) -> bool {
        matches!(self, Self::Dream(_) | Self::Preview { .. })
    }

    /// Whether the frame becomes the pending one.
    fn keeps(self) -> bool {
        !matches!(self, Self::Preview { .. })
    }
}

/// A frame to compute, as all threads are told of it.
struct Job<'a> {
    d: &'a DynamicsWeights,
    purpose: Purpose<'a>,
    settings: DecodeSettings,
    /// Its number.
    frame: u32,
    /// What leads into it.
    action: u8,
    past: Past<'a>,
    /// Groups of the first pass: those of the frame, and behind them the one that is committed.
    first_pass: &'a [Group<'a>],
    /// Groups of the frame, none where it is only to commit: with the prompt and, under guidance, without.
    dreamed: &'a [Group<'a>],
}

impl Job<'_> {
    /// Readies what threads share: nothing is timed yet, what is given lies there, and all else is masked.
    fn begin(&self, exchange: &mut Exchange, code_dims: usize) {
        exchange.stage_ms.get_mut().fill(0.0);
        exchange.masked.get_mut().fill(true);
        exchange.settled.get_mut().fill(Settled::GIVEN);
        if self.purpose.dreams() {
            decode::random_order(self.settings.seed, self.frame, exchange.order.get_mut());
        }
        if let Purpose::Dream(Some(given)) = self.purpose {
            exchange.codes.get_mut().copy_from_slice(given);
            let tokens = given.chunks_exact(code_dims);
            exchange.masked.get_mut().iter_mut().zip(tokens).for_each(|(masked, token)| *masked = token[0] == UNKNOWN);
        }
        if let Some(adjacency) = self.d.adjacency.as_ref().filter(|_| self.purpose.dreams()) {
            let Exchange { codes, masked, domains, .. } = exchange;
            adjacency.narrow(Drawing { codes: codes.get_mut(), masked: masked.get_mut(), before: self.past.codes }, domains.get_mut());
        }
    }
}

/// What one thread does of a job.
struct Share<'a> {
    job: &'a Job<'a>,
    lane: Lane<'a>,
    /// Its number.
    thread: usize,
    /// When the stage under way began.
    since: Instant,
}

impl Share<'_> {
    /// The first pass, and whatever the frame is for.
    fn run(mut self) {
        let (job, d) = (self.job, self.job.d);
        self.lane.embed_previous(d, &job.past);
        self.lane.barrier.wait();
        self.lane.look_at_past(d, job.action, &job.past);
        self.lap(0);
        self.pass(job.first_pass, 1);
        match job.purpose {
            Purpose::CommitOnly => {}
            Purpose::Logits(codes) => {
                self.lane.head(d, job.dreamed.len());
                self.lane.hand_out_logits(d, &job.past, codes);
            }
            Purpose::Dream(_) | Purpose::Preview { .. } => self.dream(),
        }
        if job.purpose.keeps() {
            self.lane.keep_past();
        }
    }

    /// Decoding steps behind the first pass, and the picture.
    fn dream(&mut self) {
        let (steps, has_adjacency) = (self.job.settings.steps, self.job.d.adjacency.is_some());
        for step in 1..=steps {
            if !self.step_runs(step) {
                break;
            }
            if step > 1 {
                self.pass(self.job.dreamed, step);
            }
            self.draw(step);
            if step < steps || has_adjacency {
                self.settle_tokens(step);
            }
            self.lap(if step == 1 { 1 } else { 2 });
        }
        // What did not fit is drawn once more.
        if has_adjacency && self.step_runs(steps + 1) {
            self.draw(steps + 1);
        }
        self.lane.decode();
        self.lap(3);
    }

    /// Carries these groups through all blocks.
    fn pass(&mut self, groups: &[Group], step: u32) {
        self.lane.fill_rows(self.job.d, groups, self.job.settings.context_level);
        self.lane.pass(self.job.d, groups, step);
    }

    /// Draws the own tokens that are masked.
    fn draw(&mut self, step: u32) {
        let (job, dreamed) = (self.job, self.job.dreamed.len());
        self.lane.head(job.d, dreamed);
        self.lane.choose(job.d, &job.settings, &job.past, dreamed, job.frame, step);
    }

    fn step_runs(&self, step: u32) -> bool {
        let masked = &self.lane.exchange.masked;
        // SAFETY: written between the barriers of `settle_tokens` alone.
        decode::step_runs(step, unsafe { masked.read(0..masked.len()) })
    }

    /// Settles tokens after a step, on thread 0 while the others wait.
    fn settle_tokens(&self, step: u32) {
        let (job, exchange, barrier) = (self.job, self.lane.exchange, self.lane.barrier);
        let adjacency = job.d.adjacency.as_ref();
        barrier.wait();
        if self.thread == 0 {
            let n = exchange.masked.len();
            // SAFETY: the others are between two barriers.
            let (codes, confidence, offered) =
                unsafe { (exchange.codes.read(0..exchange.codes.len()), exchange.confidence.read(0..n), exchange.offered.read(0..n)) };
            // SAFETY: as above.
            let (order, masked) = unsafe { (exchange.order.write(0..n), exchange.masked.write(0..n)) };
            decode::settle(&job.settings, step, Drawn { codes, confidence, offered, adjacency }, order, masked);
            if let Some(adjacency) = adjacency {
                // SAFETY: as above.
                let domains = unsafe { exchange.domains.write(0..exchange.domains.len()) };
                adjacency.narrow(Drawing { codes, masked, before: job.past.codes }, domains);
            }
        }
        barrier.wait();
    }

    /// Ends a stage; thread 0 keeps the time.
    fn lap(&mut self, stage: usize) {
        if self.thread == 0 {
            // SAFETY: thread 0 alone.
            unsafe { self.lane.exchange.stage_ms.write(stage..stage + 1)[0] += self.since.elapsed().as_secs_f32() * 1e3 };
            self.since = Instant::now();
        }
    }
}

impl CpuEngine {
    fn commits(&self) -> bool {
        self.pending.exists && self.model.dynamics.as_ref().is_some_and(|d| d.temporal_layers() > 0)
    }

    /// Runs a frame on all threads: the pending one is committed, and what `purpose` says is done for the next, which `action` leads into.
    pub(super) fn run(&mut self, purpose: Purpose<'_>, action: u8, words: Option<&[PromptWord]>) -> Result<(), EngineError> {
        let after = self.committed + usize::from(self.commits());
        let commit = self.commits() && purpose != Purpose::Preview { first: false };
        let (Some(d), Some([now, pending_prompt, nothing_said]), Some(said)) = (&self.model.dynamics, &mut self.prompts, &mut self.said)
        else {
            return Err(EngineError::NoDynamics);
        };
        let (settings, words) = (self.settings, words.unwrap_or(&self.words));
        now.set(self.kernels, d, said, words);
        let told = self.told.class_of_next(words);
        let (mut commit_slots, mut dream_slots) = ([0; limits::WINDOW], [0; limits::WINDOW]);
        let commit_slots = slots_in_sight(&mut commit_slots, self.committed, settings.window, d.dims.window);
        let dream_slots = slots_in_sight(&mut dream_slots, after, settings.window, d.dims.window);
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
        // Without words there is nothing to tell apart.
        let guided = purpose.dreams() && settings.guidance > 0.0 && !words.is_empty();
        let groups = if guided { &with_guidance[..] } else { &without[..] };
        let dreamed: &[Group] = if purpose == Purpose::CommitOnly { &[] } else { &groups[..groups.len() - 1] };
        let first_pass = match (purpose, commit) {
            (_, false) => dreamed,
            (Purpose::CommitOnly, true) => &groups[1..],
            (_, true) => groups,
        };
        let previous = self.pending.exists.then_some(self.pending.codes.as_slice());
        let past = Past { codes: previous, map: self.map.as_ref(), motion: recall::motion_of(&self.manifest, action) };
        let job = Job { d, purpose, settings, frame: self.next_frame, action, past, first_pass, dreamed };
        job.begin(&mut self.exchange, self.model.frame.code_dims);
        let (model, exchange, workers, kernels) = (&*self.model, &self.exchange, &self.workers, self.kernels);
        self.pool.run(&|thread, barrier| {
            // SAFETY: this thread alone, once a job.
            let w = unsafe { workers.get(thread) };
            let lane = Lane { kernels, model, exchange, barrier, w, turn: 0 };
            Share { job: &job, lane, thread, since: Instant::now() }.run();
        });
        if !purpose.keeps() {
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
}

/// Ring slots of the committed frames that a frame sees, newest first.
fn slots_in_sight(slots: &mut [usize; limits::WINDOW], committed: usize, window: usize, ring: usize) -> &[usize] {
    let n = committed.min(window - 1);
    for (age, slot) in (1..=n).zip(slots.iter_mut()) {
        *slot = (committed - age) % ring;
    }
    &slots[..n]
}
