//! The engine: what is remembered between frames, and the recording of one frame.

mod aim;
mod history;
mod host;
mod making;
mod preview;
mod prompt;

use std::collections::HashMap;

use super::context::GpuContext;
use super::encoder::HostEncoder;
use super::ops::remember;
use super::pace::Pace;
use super::plan::{PROMPT_SLOTS, Plan};
use super::readback::Readback;
use super::recording::Recording;
use super::resources::{ReadyPlan, Resources};
use super::roofline::Roofline;
use super::timing::{STAGE_TICKS, Stage, Timing};
use crate::engine::inputs::{check_action, check_codes, check_drawn, check_frame, check_past, check_prompt, check_settings};
use crate::engine::recall::{IMAGINED, Map};
use crate::engine::told::{Said, Told};
use crate::engine::{
    Arrival, Branches, DecodeSettings, Engine, EngineError, EngineInfo, Picture, PromptWord, Settled, StageTimes, TokenFrame,
};
use crate::pack::{limits, manifest::Manifest};
use aim::Aim;

/// What a frame that was dreamed or restored needs when it is committed; its codes and `prev` lie in the visible half.
#[derive(Clone, Copy, Debug)]
struct Pending {
    action: u8,
    prompt_slot: usize,
    told: usize,
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

    /// What runs, without what buffers held at first.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Has every frame timed dispatch by dispatch, or one a second, as is the rule, since it costs the device a little.
    pub fn time_every_dispatch(&mut self, always: bool) {
        self.timing.iter_mut().for_each(|timing| timing.always_of_dispatches = always);
    }

    /// Operations and bytes of one dreamed frame whose every step runs.
    pub fn roofline(&self, steps: u32) -> Roofline {
        Roofline::of(&self.plan, steps)
    }

    /// Frames that had to wait for the device because too many were under way.
    pub fn blocking_waits(&self) -> u64 {
        self.readback.waits
    }

    /// Submissions of recorded work so far; a frame is two of them, the first dispatches and all others, or as many as a slow device wants.
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
    /// [`EngineError::NoDynamics`], and as [`GpuContext::check`].
    #[doc(hidden)]
    pub fn last_hidden(&self) -> Result<Vec<u8>, EngineError> {
        let dynamics = self.plan.dynamics.as_ref().ok_or(EngineError::NoDynamics)?;
        let (hidden, bytes) = dynamics.hidden;
        self.read_buffer(self.resources.buffer(hidden), bytes)
    }

    /// Dreams the frame that `action` leads into and sends its tokens on their way home.
    fn dream_frame(&mut self, action: u8, settings: &DecodeSettings, aim: Aim<'_>) -> Result<(), EngineError> {
        check_settings(&self.manifest, settings)?;
        check_action(&self.manifest, action)?;
        self.gpu.check()?;
        let Some(ticket) = self.readback.begin(&self.gpu) else {
            self.gpu.check()?;
            return Err(EngineError::Graphics("no copy of a frame's tokens comes back".to_owned()));
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

    fn settled(&self) -> &[Settled] {
        &self.readback.settled
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
        self.read_pixels()
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
        let logits = self.plan.dynamics.as_ref().ok_or(EngineError::NoDynamics)?.logits;
        let prompt_slot = self.prompt_slot(&truth.prompt);
        let groups = self.begin_frame(truth.action, prompt_slot, settings, Aim::Force(truth));
        self.next_frame = self.next_frame.wrapping_add(1);
        let mut recording = Recording::new(&self.gpu, &mut self.pace);
        self.ready.record_frame(&mut recording, 1, groups, None);
        recording.run_all(&self.ready.remember);
        recording.submit();
        let frame = self.manifest.frame;
        let bytes = 4 * frame.code_bytes() * frame.code_levels;
        let logits = self.read_buffer(self.resources.buffer(logits), bytes as u64)?;
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
