//! Milliseconds by stage from timestamp queries, where the device has them.

use super::context::GpuContext;
use super::readback::TIMESTAMPS;
use crate::engine::StageTimes;

/// Stages in order of execution; each has a begin and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Commit of the frame before, and the first decoding step.
    FirstStep,
    LaterSteps,
    Decoder,
}

impl Stage {
    const ALL: [Self; TIMESTAMPS / 2] = [Self::FirstStep, Self::LaterSteps, Self::Decoder];

    pub fn name(self) -> &'static str {
        match self {
            Self::FirstStep => "commit and first pass",
            Self::LaterSteps => "later passes",
            Self::Decoder => "picture",
        }
    }
}

/// Timestamp queries of a frame.
pub struct Timing {
    queries: wgpu::QuerySet,
    pub resolved: wgpu::Buffer,
    tick_ns: f32,
}

impl Timing {
    /// `None` where the device has no timestamps.
    pub fn new(gpu: &GpuContext) -> Option<Self> {
        gpu.timestamps.then(|| Self {
            queries: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("stages"),
                ty: wgpu::QueryType::Timestamp,
                count: TIMESTAMPS as u32,
            }),
            resolved: gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("stages"),
                size: 8 * TIMESTAMPS as u64,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            }),
            tick_ns: gpu.queue.get_timestamp_period(),
        })
    }

    pub fn writes(&self, stage: Stage) -> wgpu::ComputePassTimestampWrites<'_> {
        let at = 2 * stage as u32;
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(at),
            end_of_pass_write_index: Some(at + 1),
        }
    }

    /// Every stage opens its pass in every frame, an empty one too, so that no query is resolved unwritten.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..TIMESTAMPS as u32, &self.resolved, 0);
    }

    pub fn times(&self, ticks: &[u64; TIMESTAMPS]) -> StageTimes {
        let stage_ms = |stage: Stage| {
            let at = 2 * stage as usize;
            (stage.name(), ticks[at + 1].saturating_sub(ticks[at]) as f32 * self.tick_ns * 1e-6)
        };
        Stage::ALL.into_iter().map(stage_ms).collect()
    }
}
