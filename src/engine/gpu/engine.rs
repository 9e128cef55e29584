//! The engine: what is remembered between frames, and the recording of one frame.

mod history;
mod preview;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::context::GpuContext;
use super::encoder::HostEncoder;
use super::frame::{BY_ODOMETER, FrameParams, GROUPS, GroupParams, MASKED, NONE};
use super::ops::{prev, remember, unmask};
use super::pace::Pace;
use super::plan::{PROMPT_SLOTS, Plan};
use super::readback::Readback;
use super::recording::Recording;
use super::resources::{Groups, ReadyPlan, Resources, check_buffer};
use super::roofline::Roofline;
use super::self_test::Answers;
use super::tier::Tier;
use super::timing::{STAGE_TICKS, Stage, Timing};
use super::tune;
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::inputs::{check_action, check_codes, check_drawn, check_frame, check_past, check_prompt, check_settings, play_settings};
use crate::engine::recall::{IMAGINED, Map, motion_of};
use crate::engine::told::{LONG_AGO, Said, Told, ids};
use crate::engine::{
    Arrival, Branches, DecodeSettings, Engine, EngineError, EngineInfo, EngineKind, Picture, PromptWord, StageTimes, TokenFrame, UNKNOWN,
    UnmaskOrder, decode,
};
use crate::pack::{
    Pack, PackError, limits,
    manifest::{DynamicsDims, Manifest},
};

/// Frames that are timed at start; the quicker counts.
const PACE_FRAMES: usize = 2;

/// What a frame that was dreamed or restored needs when it is committed; its codes and `prev` lie in the visible half.
#[derive(Clone, Copy, Debug)]
struct Pending {
    action: u8,
    prompt_slot: usize,
    told: usize,
}

/// What is to become of the frame that is begun.
#[derive(Clone, Copy)]
enum Aim<'a> {
    /// All of it is dreamed.
    Dream,
    /// Tokens that are unknown in these codes are dreamed, the others stay.
    Around(&'a [u8]),
    /// All of it is dreamed, and nobody is to notice.
    Preview,
    /// It is this one; the logits of its levels are asked for.
    Force(&'a TokenFrame),
}

/// Plays a pack on the GPU.
pub struct GpuEngine {
    gpu: GpuContext,
    info: EngineInfo,
    manifest: Manifest,
    encoder: HostEncoder,
    plan: Plan,
    resources: Resources,
    ready: ReadyPlan,
    timing: Option<Timing>,
    pace: Pace,
    readback: Readback,
    /// Way to the host of as many branches as were asked about at once; made when they first are.
    branches: Option<wgpu::Buffer>,
    /// Keys and values by words of a prompt, for each block that has prompt attention.
    prompt_keys: HashMap<Vec<u16>, Vec<Vec<f32>>>,
    said: Option<Said>,

    /// Half of the tokens that the visible frame lies in.
    half: usize,
    pending: Option<Pending>,
    /// Frames that entered the ring since the last restore.
    committed: usize,
    next_frame: u32,
    /// Words in force for frames to come.
    prompt: Vec<PromptWord>,
    told: Told,
    /// What each prompt slot holds.
    slots: [Vec<PromptWord>; PROMPT_SLOTS],
    /// Of the last frame; also what restored frames are committed by.
    settings: DecodeSettings,
}

impl GpuEngine {
    /// Plans, uploads and compiles everything that frames need, in the device's best tier that computes what the CPU engine does.
    ///
    /// # Errors
    /// [`EngineError::Pack`] for a pack that is not whole, [`EngineError::Input`] for one too large for the device,
    /// [`EngineError::Wrong`] where no tier computes what it should, and [`EngineError::DeviceLost`] where the device reports a fault.
    pub fn new(gpu: GpuContext, pack: &Pack) -> Result<Self, EngineError> {
        Self::with_plans(gpu, pack, Plan::new)
    }

    /// As [`Self::new`], with other plans: tests show by it what becomes of a faulty tier.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_plans(gpu: GpuContext, pack: &Pack, plan: impl Fn(&Pack, Tier) -> Result<Plan, PackError>) -> Result<Self, EngineError> {
        pack.validate()?;
        let mut truth = None;
        let mut faults = Vec::new();
        for tier in gpu.tier.and_below() {
            let answered = Self::of_plan(gpu.clone().at_most(tier), pack, |pack| plan(pack, tier))
                .and_then(|mut engine| Ok((Answers::of(&mut engine)?, engine)));
            let fault = match answered {
                Ok((answers, mut engine)) => {
                    let truth = match &mut truth {
                        Some(known) => known,
                        none => none.insert(Answers::of(&mut CpuEngine::new(pack, CpuOptions::default())?)?),
                    };
                    let Some(fault) = answers.fault(truth) else {
                        if !faults.is_empty() {
                            engine.info.device += &format!(" ({})", faults.join(", "));
                        }
                        if let Some(pipelines) = &gpu.pipelines {
                            pipelines.save();
                        }
                        engine.set_pace()?;
                        return Ok(engine);
                    };
                    format!("the {} computes wrongly: {fault}", tier.name())
                }
                // Its driver cannot compile a kernel of this tier, say.
                Err(EngineError::DeviceLost(fault)) if !gpu.is_lost() => {
                    gpu.forgive();
                    format!("the {} does not run: {}", tier.name(), fault.lines().next().unwrap_or_default())
                }
                Err(other) => return Err(other),
            };
            log::warn!("{}: {fault}", gpu.summary);
            faults.push(fault);
        }
        Err(EngineError::Wrong(faults.join(", ")))
    }

    fn of_plan(gpu: GpuContext, pack: &Pack, plan: impl Fn(&Pack) -> Result<Plan, PackError>) -> Result<Self, EngineError> {
        let frame = pack.manifest.frame;
        if let Some(d) = &pack.manifest.dynamics {
            // Before it is computed: of all that is, it alone can outgrow the pack by far.
            let bytes = prev::table_bytes(d.actions, frame.code_dims, frame.code_levels, d.channels);
            check_buffer(&gpu, prev::TABLE, bytes)?;
        }
        let mut plan = plan(pack)?;
        let mut resources = Resources::new(&gpu, &plan.buffers, [frame.width_px, frame.height_px])?;
        tune::set_tiles(&gpu, &mut resources, &mut plan)?;
        if let Some(dynamics) = &plan.dynamics {
            let dispatches = unmask::dispatches(&dynamics.step);
            gpu.queue.write_buffer(resources.buffer(dynamics.dispatches), 0, bytemuck::cast_slice(&dispatches));
        }
        // The device has its copy.
        plan.buffers.iter_mut().for_each(|spec| spec.contents = None);
        let ready = ReadyPlan::new(&gpu, &mut resources, &plan)?;
        let timing = Timing::new(&gpu, plan.dispatches(limits::MAX_STEPS));
        let timestamps = timing.as_ref().map_or(0, |timing| timing.resolved.size() / 8);
        let mut engine = Self {
            info: EngineInfo { kind: EngineKind::Gpu, device: format!("{}, {}", gpu.summary, gpu.tier.name()) },
            timing,
            pace: Pace::whole(),
            readback: Readback::new(&gpu.device, frame.code_bytes(), timestamps),
            branches: None,
            settings: play_settings(&pack.manifest),
            manifest: pack.manifest.clone(),
            encoder: HostEncoder::new(pack),
            plan,
            resources,
            ready,
            gpu,
            prompt_keys: HashMap::new(),
            said: pack.manifest.dynamics.as_ref().map(|d| Said::new(pack, d.channels)).transpose()?,
            half: 0,
            pending: None,
            committed: 0,
            next_frame: 0,
            prompt: Vec::new(),
            told: Told::default(),
            slots: Default::default(),
        };
        for slot in 0..PROMPT_SLOTS {
            engine.write_keys(slot, &[]);
            engine.write_shares(slot, &[]);
        }
        engine.restore(&[], 0)?;
        engine.gpu.wait()?;
        Ok(engine)
    }

    /// Sees how long a frame takes here, and cuts frames accordingly.
    fn set_pace(&mut self) -> Result<(), EngineError> {
        if self.plan.dynamics.is_none() {
            return Ok(());
        }
        // All steps run, as the operations are counted.
        let settings = DecodeSettings { certain: None, ..play_settings(&self.manifest) };
        let mut quickest = Duration::MAX;
        for _ in 0..PACE_FRAMES {
            let start = Instant::now();
            self.dream(0, &settings)?;
            self.finish()?;
            quickest = quickest.min(start.elapsed());
        }
        self.pace = Pace::measured(self.roofline(settings.steps).ops, quickest, self.gpu.submission);
        self.restore(&[], 0)
    }

    /// The device this engine computes on.
    pub fn context(&self) -> &GpuContext {
        &self.gpu
    }

    /// Dispatches of one dreamed frame.
    pub fn dispatches(&self, steps: u32) -> usize {
        self.plan.dispatches(steps)
    }

    /// Pipelines compiled at load.
    pub fn pipelines(&self) -> usize {
        self.resources.pipelines.len()
    }

    /// Operations and bytes of one dreamed frame.
    pub fn roofline(&self, steps: u32) -> Roofline {
        Roofline::of(&self.plan, steps)
    }

    /// Frames that had to wait for the device because too many were under way.
    pub fn blocking_waits(&self) -> u64 {
        self.readback.waits
    }

    /// Submissions of recorded work so far; a frame is one of them, or several on a device that is slow.
    pub fn submissions(&self) -> u64 {
        self.pace.submissions()
    }

    /// Bytes that are copied to the host for each dreamed frame, timestamps left out.
    pub fn readback_bytes(&self) -> u64 {
        self.readback.bytes()
    }

    /// What the head read of the tokens, settled or not, in the last step that ran (blocking; for tests).
    ///
    /// # Errors
    /// [`EngineError::NoDynamics`], and [`EngineError::DeviceLost`] where the device reports a fault.
    pub fn last_hidden(&self) -> Result<Vec<u8>, EngineError> {
        let dynamics = self.plan.dynamics.as_ref().ok_or(EngineError::NoDynamics)?;
        let (hidden, bytes) = dynamics.hidden;
        self.read_buffer(self.resources.buffer(hidden), bytes)
    }

    fn dims(&self) -> Result<&DynamicsDims, EngineError> {
        self.manifest.dynamics.as_ref().ok_or(EngineError::NoDynamics)
    }

    /// The slot that holds these words, written if need be; never the one a pending frame still needs.
    fn prompt_slot(&mut self, words: &[PromptWord]) -> usize {
        if let Some(slot) = self.slots.iter().position(|held| held == words) {
            return slot;
        }
        let slot = self.pending.map_or(0, |p| (p.prompt_slot + 1) % PROMPT_SLOTS);
        if !ids(&self.slots[slot]).eq(ids(words)) {
            self.write_keys(slot, words);
        }
        self.write_shares(slot, words);
        slot
    }

    /// The slot of the words in force.
    fn slot_in_force(&mut self) -> usize {
        let prompt = std::mem::take(&mut self.prompt);
        let slot = self.prompt_slot(&prompt);
        self.prompt = prompt;
        slot
    }

    /// Computes the keys and values of a prompt, once for each choice of words, and puts them into a slot.
    fn write_keys(&mut self, slot: usize, words: &[PromptWord]) {
        let Some(dynamics) = &self.plan.dynamics else { return };
        if self.prompt_keys.len() > 64 {
            self.prompt_keys.clear();
        }
        let compute = |ids: &Vec<u16>| dynamics.prompts.iter().map(|target| target.weights.keys(ids)).collect();
        let keys = self.prompt_keys.entry(ids(words).collect()).or_insert_with_key(compute);
        for (target, values) in dynamics.prompts.iter().zip(keys.iter()) {
            let buffer = self.resources.buffer(target.buffer);
            let slot_bytes = buffer.size() / PROMPT_SLOTS as u64;
            self.gpu.queue.write_buffer(buffer, slot as u64 * slot_bytes, bytemuck::cast_slice(values));
        }
    }

    /// Puts the shares of a prompt's words, and what they say together, into the slot that has its keys.
    fn write_shares(&mut self, slot: usize, words: &[PromptWord]) {
        let Some(dynamics) = &self.plan.dynamics else { return };
        // The first is "nothing said".
        let shares: Vec<f32> = std::iter::once(0.0).chain(words.iter().map(|word| (f32::from(word.share) / 255.0).ln())).collect();
        let at = (slot * dynamics.slot_words * size_of::<f32>()) as u64;
        self.gpu.queue.write_buffer(self.resources.buffer(dynamics.shares), at, bytemuck::cast_slice(&shares));
        if let Some(said) = &mut self.said {
            let buffer = self.resources.buffer(dynamics.said);
            let row_bytes = buffer.size() / PROMPT_SLOTS as u64;
            let mut row = vec![0.0; row_bytes as usize / size_of::<f32>()];
            said.row(words, &mut row);
            self.gpu.queue.write_buffer(buffer, slot as u64 * row_bytes, bytemuck::cast_slice(&row));
        }
        self.slots[slot] = words.to_vec();
    }

    fn write_tokens(&self, half: usize, codes: &[u8]) {
        self.write_levels(half, codes.iter().map(|&code| u32::from(code)));
    }

    fn write_levels(&self, half: usize, levels: impl Iterator<Item = u32>) {
        let words: Vec<u32> = levels.collect();
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        self.gpu.queue.write_buffer(self.resources.buffer(self.plan.tokens), (half * bytes.len()) as u64, bytes);
    }

    /// Writes the blocks of as many steps, from the first slot on.
    fn write_params(&self, steps: &[FrameParams]) {
        self.gpu.queue.write_buffer(&self.resources.frame, 0, bytemuck::cast_slice(steps));
    }

    /// How a frame looks at the ring that holds `committed` frames.
    fn group(&self, half: usize, Pending { action, prompt_slot, told }: Pending, committed: usize) -> GroupParams {
        let window = self.manifest.dynamics.as_ref().map_or(1, |d| d.window);
        GroupParams {
            half: half as u32,
            action: u32::from(action),
            level: self.settings.context_level as u32,
            fresh: 0,
            store: NONE,
            newest: ((committed + window - 1) % window) as u32,
            ages: committed.min(self.settings.window - 1) as u32,
            prompt: prompt_slot as u32,
            words: self.slots[prompt_slot].len() as u32 + 1,
            told: told as u32,
            pad: [0; 2],
        }
    }

    /// The group that commits the visible frame.
    fn commit_group(&self, pending: Pending) -> GroupParams {
        let window = self.manifest.dynamics.as_ref().map_or(1, |d| d.window);
        GroupParams { store: (self.committed % window) as u32, ..self.group(self.half, pending, self.committed) }
    }

    /// Where the view goes if it does, by the action and by what is known of it.
    fn step_of_view(&self, action: u8, moved: u32) -> FrameParams {
        FrameParams { motion: motion_of(&self.manifest, action), moved, ..FrameParams::default() }
    }

    /// Writes what the frame that follows the visible one needs and moves on to it: its half is the visible one from here. Returns the
    /// groups of its first step.
    fn begin_frame(&mut self, action: u8, prompt_slot: usize, settings: &DecodeSettings, aim: Aim<'_>) -> Groups {
        self.settings = *settings;
        let commit = self.pending.take().map(|pending| self.commit_group(pending));
        self.committed += usize::from(commit.is_some());
        self.half = 1 - self.half;
        // Where there is no frame before, nothing can have moved.
        let by_pictures = if commit.is_some() { BY_ODOMETER } else { 0 };
        let (steps, moved) = match aim {
            Aim::Dream | Aim::Preview => (settings.steps, by_pictures),
            Aim::Around(given) => {
                let level = |&code: &u8| if code == UNKNOWN { MASKED } else { u32::from(code) };
                self.write_levels(self.half, given.iter().map(level));
                (settings.steps, by_pictures)
            }
            Aim::Force(truth) => {
                self.write_tokens(self.half, &truth.codes);
                (1, u32::from(truth.moved))
            }
        };
        let (forced, fresh) = (matches!(aim, Aim::Force(_)), !matches!(aim, Aim::Around(_)));
        // Without words both would be the same.
        let guidance = if forced || self.slots[prompt_slot].is_empty() { 0.0 } else { settings.guidance };
        let groups = Groups { dreamed: if guidance > 0.0 { 2 } else { 1 }, committed: usize::from(commit.is_some()) };
        let begun = Pending { action, prompt_slot, told: self.told.class_of_next(&self.slots[prompt_slot]) };
        let prompted = self.group(self.half, begun, self.committed);
        let new_land = settings.chance_of(false);
        let of_step = |step: u32| {
            let prompted = GroupParams { fresh: u32::from(fresh && step == 1), ..prompted };
            let mut params = FrameParams {
                groups: [prompted; GROUPS],
                seed: settings.seed,
                frame: self.next_frame,
                step,
                order: u32::from(settings.order == UnmaskOrder::Confidence),
                kept: decode::kept(step, steps),
                mending: u32::from(step > steps),
                certain: settings.certain.map_or(0.0, f32::ln),
                temperature: settings.temperature,
                min_p: settings.min_p,
                new_temperature: new_land.temperature,
                new_min_p: new_land.min_p,
                new_uncertain: u32::from(settings.new_land.is_some()),
                forced: u32::from(forced),
                guidance,
                aside: u32::from(matches!(aim, Aim::Preview)),
                ..self.step_of_view(action, moved)
            };
            // The first key of every slot is "nothing said".
            (params.groups[1].words, params.groups[1].told) = (1, LONG_AGO as u32);
            if let Some(commit) = commit {
                params.groups[groups.dreamed] = commit;
            }
            params
        };
        let mut blocks = [FrameParams::default(); limits::MAX_STEPS as usize + 1];
        (1..=steps + 1).zip(&mut blocks).for_each(|(step, block)| *block = of_step(step));
        self.write_params(&blocks[..=steps as usize]);
        if !matches!(aim, Aim::Preview) {
            self.told.follow(&self.slots[prompt_slot]);
        }
        self.pending = Some(begun);
        groups
    }

    /// Dreams the frame that `action` leads into and sends its tokens on their way home.
    fn dream_frame(&mut self, action: u8, settings: &DecodeSettings, aim: Aim<'_>) -> Result<(), EngineError> {
        check_settings(&self.manifest, settings)?;
        check_action(&self.manifest, action)?;
        self.gpu.check()?;
        let Some(ticket) = self.readback.begin(&self.gpu) else {
            self.gpu.check()?;
            return Err(EngineError::DeviceLost("no copy of a frame's tokens comes back".to_owned()));
        };
        let prompt_slot = self.slot_in_force();
        let number = self.next_frame;
        let groups = self.begin_frame(action, prompt_slot, settings, aim);
        self.next_frame = number.wrapping_add(1);

        let adaptive = self.adaptive(settings);
        let mut recording = Recording::of_frame(&self.gpu, &mut self.pace, self.timing.as_ref(), number);
        self.ready.record_frame(&mut recording, settings.steps, groups, adaptive.as_ref());
        recording.run_all(&self.ready.remember);
        let timestamps = recording.resolve();
        if let Some(dynamics) = &self.plan.dynamics {
            let codes = self.resources.buffer(dynamics.codes);
            self.readback.record(ticket, recording.encoder(), codes, timestamps);
        }
        recording.submit();
        self.readback.sent(ticket, number);
        self.gpu.check()
    }

    /// Under adaptive decoding, where the device itself writes which steps run.
    fn adaptive(&self, settings: &DecodeSettings) -> Option<wgpu::Buffer> {
        let dynamics = self.plan.dynamics.as_ref().filter(|_| settings.certain.is_some() && self.gpu.indirect);
        dynamics.map(|dynamics| self.resources.buffer(dynamics.dispatches).clone())
    }

    fn commands(&self) -> wgpu::CommandEncoder {
        self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("copy") })
    }

    /// Copies `source` to the host and waits for it.
    fn read_buffer(&self, source: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, EngineError> {
        let staging = self.staging(bytes);
        let mut encoder = self.commands();
        encoder.copy_buffer_to_buffer(source, 0, &staging, 0, bytes);
        self.gpu.queue.submit([encoder.finish()]);
        self.wait_for(&staging, <[u8]>::to_vec)
    }

    fn staging(&self, size: u64) -> wgpu::Buffer {
        self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("staging"),
            size,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    /// Waits until `read` can be given what was copied to a staging buffer.
    fn wait_for<T>(&self, staging: &wgpu::Buffer, read: impl FnOnce(&[u8]) -> T) -> Result<T, EngineError> {
        staging.map_async(wgpu::MapMode::Read, .., |result| {
            if let Err(error) = result {
                log::error!("mapping a staging buffer: {error}");
            }
        });
        // Which runs what is to be called once it is mapped, too.
        self.gpu.wait()?;
        let bytes = staging.get_mapped_range(..).map(|bytes| read(&bytes)).map_err(|e| EngineError::DeviceLost(e.to_string()));
        staging.unmap();
        bytes
    }
}

impl Engine for GpuEngine {
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

    fn restore_after(&mut self, before: Option<&Map>, history: &[TokenFrame], next_frame: u32) -> Result<(), EngineError> {
        check_past(&self.manifest, before, history)?;
        self.gpu.wait()?;
        self.readback.forget(&self.gpu);
        (self.pending, self.committed, self.next_frame) = (None, 0, next_frame);
        self.rebuild(before, history);
        self.gpu.check()
    }

    fn imagine(&mut self, at: [i32; 2], levels: Option<&[u8]>) {
        if let Some(plan) = self.plan.dynamics.as_ref().and_then(|d| d.recall.as_ref()) {
            let nothing = vec![0; self.manifest.frame.code_dims];
            let (byte, words) = remember::place(at, levels.map_or(0, |_| IMAGINED), levels.unwrap_or(&nothing));
            self.gpu.queue.write_buffer(self.resources.buffer(plan.map), byte, bytemuck::cast_slice(&words));
        }
    }

    fn dream(&mut self, action: u8, settings: &DecodeSettings) -> Result<(), EngineError> {
        self.dream_frame(action, settings, Aim::Dream)
    }

    fn dream_around(&mut self, given: &[u8], action: u8, settings: &DecodeSettings) -> Result<(), EngineError> {
        check_codes(&self.manifest, given)?;
        self.dream_frame(action, settings, Aim::Around(given))
    }

    fn preview(&mut self, actions: &[u8], settings: &DecodeSettings, out: &mut Branches) -> Result<(), EngineError> {
        check_settings(&self.manifest, settings)?;
        actions.iter().try_for_each(|&action| check_action(&self.manifest, action))?;
        self.gpu.check()?;
        self.dream_branches(actions, settings, out)
    }

    fn take_codes(&mut self, out: &mut [u8]) -> Option<Arrival> {
        self.readback.collect(&self.gpu);
        self.readback.take(out)
    }

    fn finish(&mut self) -> Result<(), EngineError> {
        self.gpu.wait()?;
        self.readback.collect_all(&self.gpu);
        Ok(())
    }

    fn picture(&self) -> Picture<'_> {
        Picture::Texture(&self.resources.picture)
    }

    fn read_picture(&mut self) -> Result<Vec<u8>, EngineError> {
        let size = self.resources.picture.size();
        let row = 4 * size.width;
        let row_padded = row.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let staging = self.staging(u64::from(row_padded) * u64::from(size.height));
        let mut encoder = self.commands();
        encoder.copy_texture_to_buffer(
            self.resources.picture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &staging,
                layout: wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row_padded), rows_per_image: None },
            },
            size,
        );
        self.gpu.queue.submit([encoder.finish()]);
        let pixels = |bytes: &[u8]| bytes.chunks_exact(row_padded as usize).flat_map(|line| &line[..row as usize]).copied().collect();
        self.wait_for(&staging, pixels)
    }

    fn draw(&mut self, codes: &[u8]) -> Result<Vec<u8>, EngineError> {
        check_drawn(&self.manifest, codes)?;
        self.gpu.check()?;
        self.draw_aside(codes)
    }

    fn encode(&mut self, rgb: &[u8]) -> Result<Vec<u8>, EngineError> {
        self.encoder.encode(rgb)
    }

    fn check(&self) -> Result<(), EngineError> {
        self.gpu.check()
    }

    fn teacher_force(&mut self, truth: &TokenFrame, settings: &DecodeSettings) -> Result<Vec<f32>, EngineError> {
        check_settings(&self.manifest, settings)?;
        check_frame(&self.manifest, truth)?;
        self.dims()?;
        let prompt_slot = self.prompt_slot(&truth.prompt);
        let groups = self.begin_frame(truth.action, prompt_slot, settings, Aim::Force(truth));
        self.next_frame = self.next_frame.wrapping_add(1);
        let mut recording = Recording::new(&self.gpu, &mut self.pace);
        self.ready.record_frame(&mut recording, 1, groups, None);
        recording.run_all(&self.ready.remember);
        recording.submit();
        let frame = self.manifest.frame;
        let bytes = 4 * frame.code_bytes() * frame.code_levels;
        let logits = match &self.plan.dynamics {
            Some(dynamics) => self.read_buffer(self.resources.buffer(dynamics.logits), bytes as u64)?,
            None => return Err(EngineError::NoDynamics),
        };
        self.readback.forget(&self.gpu);
        Ok(logits.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
    }

    fn stage_times(&self) -> StageTimes {
        self.timing.as_ref().map_or_else(StageTimes::new, |timing| timing.stage_times(&self.readback.ticks))
    }

    fn pass_times(&self) -> StageTimes {
        let ticks = &self.readback.pass_ticks;
        let steps = (1..=limits::MAX_STEPS).find(|&steps| STAGE_TICKS + self.plan.dispatches(steps) == ticks.len());
        let (Some(timing), Some(dynamics), Some(steps)) = (&self.timing, &self.plan.dynamics, steps) else { return StageTimes::new() };
        let first = dynamics.prev.iter().chain(&dynamics.step).map(|pass| (Stage::FirstStep, pass));
        let later = (1..steps).flat_map(|_| &dynamics.step).map(|pass| (Stage::LaterSteps, pass));
        let mend = dynamics.mend().iter().map(|pass| (Stage::LaterSteps, pass));
        let last = self.plan.decode.iter().chain(dynamics.remember()).map(|pass| (Stage::Decoder, pass));
        timing.pass_times(ticks, first.chain(later).chain(mend).chain(last).map(|(stage, pass)| (stage, pass.kernel.stem)))
    }
}
