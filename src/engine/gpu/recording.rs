//! Commands on their way to the device: compute passes, timed or not, in as many submissions as [`Pace`] wants.

use std::time::Instant;

use super::context::GpuContext;
use super::pace::Pace;
use super::resources::ReadyPass;
use super::timing::{STAGE_TICKS, Stage, Timing};

/// So many dispatches of a frame that is not cut go off ahead of the others: the device computes them while those are recorded.
const HEAD_START: usize = 16;

/// What is being recorded.
pub struct Recording<'a> {
    gpu: &'a GpuContext,
    pace: &'a mut Pace,
    timing: Option<&'a Timing>,
    /// Timestamps used so far, where every dispatch takes one.
    clock: Option<u32>,
    stage: Option<Stage>,
    encoder: wgpu::CommandEncoder,
    pass: Option<wgpu::ComputePass<'static>>,
    /// Operations since the last submission.
    ops: u64,
    /// Dispatches until the head start goes off, if it still is to.
    ahead: Option<usize>,
}

impl<'a> Recording<'a> {
    /// Work that is not timed.
    pub fn new(gpu: &'a GpuContext, pace: &'a mut Pace) -> Self {
        Self { gpu, pace, timing: None, clock: None, stage: None, encoder: encoder(gpu), pass: None, ops: 0, ahead: None }
    }

    /// A frame of this number, timed by stage and now and then by dispatch.
    pub fn of_frame(gpu: &'a GpuContext, pace: &'a mut Pace, timing: Option<&'a Timing>, frame: u32) -> Self {
        let clock = timing.filter(|timing| timing.of_dispatches(frame, Instant::now())).map(|_| STAGE_TICKS as u32);
        // A dispatch that is timed must not wait for the host.
        let ahead = (pace.is_whole() && clock.is_none()).then_some(HEAD_START);
        Self { timing, clock, ahead, ..Self::new(gpu, pace) }
    }

    /// What follows belongs to this stage.
    pub fn begin(&mut self, stage: Stage) {
        self.pass = None;
        self.stage = Some(stage);
        self.pass = Some(open(&mut self.encoder, self.timing, self.stage, true));
    }

    /// Records a dispatch as [`ReadyPass::record`] does.
    pub fn run(&mut self, ready: &ReadyPass, slot: usize, groups: usize) {
        ready.record(self.pass_for(ready.ops * groups as u64), slot, groups);
        self.tick();
    }

    /// Records a dispatch as [`ReadyPass::record_indirect`] does, of `groups` groups of rows if it runs.
    pub fn run_indirect(&mut self, ready: &ReadyPass, slot: usize, groups: usize, workgroups: (&wgpu::Buffer, u64)) {
        ready.record_indirect(self.pass_for(ready.ops * groups as u64), slot, workgroups);
        self.tick();
    }

    /// Records passes that run once a frame, with the frame block of its first step.
    pub fn run_all(&mut self, ready: &[ReadyPass]) {
        ready.iter().for_each(|one| self.run(one, 0, 1));
    }

    /// The pass for a dispatch of so many operations, in a fresh submission where they are too many for this one, or it is the head start.
    fn pass_for(&mut self, ops: u64) -> &mut wgpu::ComputePass<'static> {
        let is_full = self.ops > 0 && self.pace.is_too_much(self.ops + ops);
        if is_full || self.ahead == Some(0) {
            self.pass = None;
            let full = std::mem::replace(&mut self.encoder, encoder(self.gpu));
            self.pace.submit(self.gpu, full.finish());
            (self.ops, self.ahead) = (0, None);
        }
        self.ops += ops;
        self.ahead = self.ahead.map(|left| left - 1);
        self.pass.get_or_insert_with(|| open(&mut self.encoder, self.timing, self.stage, false))
    }

    fn tick(&mut self) {
        if let (Some(timing), Some(used), Some(pass)) = (self.timing, &mut self.clock, &mut self.pass) {
            pass.write_timestamp(&timing.queries, *used);
            *used += 1;
        }
    }

    /// Resolves the timestamps of a frame whose every stage was begun: where they will lie, and how many there are.
    pub fn resolve(&mut self) -> Option<(&'a wgpu::Buffer, usize)> {
        let timing = self.timing?;
        let used = self.clock.unwrap_or(STAGE_TICKS as u32);
        timing.resolve(self.encoder(), used);
        Some((&timing.resolved, used as usize))
    }

    /// For copies behind everything recorded so far.
    pub fn encoder(&mut self) -> &mut wgpu::CommandEncoder {
        self.pass = None;
        &mut self.encoder
    }

    /// Sends off what is left.
    pub fn submit(mut self) {
        self.pass = None;
        self.pace.submit(self.gpu, self.encoder.finish());
    }
}

fn encoder(gpu: &GpuContext) -> wgpu::CommandEncoder {
    gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("frame") })
}

/// A pass of a stage that begins with it, or goes on in it.
fn open(encoder: &mut wgpu::CommandEncoder, timing: Option<&Timing>, stage: Option<Stage>, begins: bool) -> wgpu::ComputePass<'static> {
    let timestamp_writes = stage.zip(timing).map(|(stage, timing)| timing.writes(stage, begins));
    let descriptor = wgpu::ComputePassDescriptor { label: stage.map(Stage::name), timestamp_writes };
    encoder.begin_compute_pass(&descriptor).forget_lifetime()
}
