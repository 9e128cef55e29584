//! Milliseconds by stage and by dispatch from timestamp queries, where the device has them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::context::GpuContext;
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
    const ALL: [Self; 3] = [Self::FirstStep, Self::LaterSteps, Self::Decoder];

    pub fn name(self) -> &'static str {
        match self {
            Self::FirstStep => "commit and first pass",
            Self::LaterSteps => "later passes",
            Self::Decoder => "picture",
        }
    }
}

/// Timestamps of the stages of a frame, begin and end of each; those behind its dispatches follow.
pub const STAGE_TICKS: usize = 2 * Stage::ALL.len();

/// So often a frame is timed dispatch by dispatch, which costs the device a little: of a hundred that a quick one makes, none to speak of.
const TIMED_EVERY: Duration = Duration::from_secs(1);

/// What some devices (Metal's) give for a timestamp that they failed to take.
const FAILED: u64 = u64::MAX;

/// No stage takes that long: a span that does is of ticks that mean something else.
const LONGEST_MS: f32 = 10_000.0;

/// Timestamp queries of a frame.
pub struct Timing {
    pub queries: wgpu::QuerySet,
    pub resolved: wgpu::Buffer,
    /// Whether there are queries for dispatches.
    of_passes: bool,
    /// Every frame is timed dispatch by dispatch.
    pub always_of_dispatches: bool,
    /// When a frame was last timed so.
    timed_at: Cell<Option<Instant>>,
    tick_ns: f32,
}

impl Timing {
    /// For frames of so many dispatches at most; `None` where the device has no timestamps.
    pub fn new(gpu: &GpuContext, dispatches: usize) -> Option<Self> {
        let count = (STAGE_TICKS + if gpu.pass_timestamps { dispatches } else { 0 }).min(wgpu::QUERY_SET_MAX_QUERIES as usize);
        gpu.timestamps.then(|| Self {
            queries: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("stages"),
                ty: wgpu::QueryType::Timestamp,
                count: count as u32,
            }),
            resolved: gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("stages"),
                size: 8 * count as u64,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            }),
            of_passes: count == STAGE_TICKS + dispatches,
            always_of_dispatches: false,
            timed_at: Cell::new(None),
            tick_ns: gpu.queue.get_timestamp_period(),
        })
    }

    /// Whether the frame of this number, which is recorded at this moment, is to be timed dispatch by dispatch; the first always is.
    pub fn of_dispatches(&self, frame: u32, now: Instant) -> bool {
        let rests = |at: Instant| now.saturating_duration_since(at) < TIMED_EVERY;
        let is_due = self.of_passes && (frame == 0 || self.always_of_dispatches || !self.timed_at.get().is_some_and(rests));
        if is_due {
            self.timed_at.set(Some(now));
        }
        is_due
    }

    /// Of a pass of a stage, which `begins` with it or goes on in a later submission; what the device did for others meanwhile counts.
    pub fn writes(&self, stage: Stage, begins: bool) -> wgpu::ComputePassTimestampWrites<'_> {
        let at = 2 * stage as u32;
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: begins.then_some(at),
            end_of_pass_write_index: Some(at + 1),
        }
    }

    /// The first `used` timestamps. Every stage opens its pass in every frame, an empty one too (of one step there are no later ones), so that no query
    /// is resolved unwritten: drivers wait for such. What takes none in an empty pass has failed.
    pub fn resolve(&self, encoder: &mut wgpu::CommandEncoder, used: u32) {
        encoder.resolve_query_set(&self.queries, 0..used, &self.resolved, 0);
    }

    fn ms(&self, begin: u64, end: u64) -> f32 {
        span_ms(begin, end, self.tick_ns)
    }

    /// By stage; `ticks` as resolved.
    pub fn stage_times(&self, ticks: &[u64]) -> StageTimes {
        Stage::ALL.into_iter().zip(ticks.as_chunks::<2>().0).map(|(stage, &[begin, end])| (stage.name(), self.ms(begin, end))).collect()
    }

    /// By dispatch; `passes`: stage and kernel of each in order.
    pub fn pass_times(&self, ticks: &[u64], passes: impl Iterator<Item = (Stage, &'static str)>) -> StageTimes {
        let (of_stages, ends) = ticks.split_at(STAGE_TICKS.min(ticks.len()));
        let (mut within, mut begin) = (None, 0);
        let time = |((stage, name), &end): ((Stage, &'static str), &u64)| {
            if within.replace(stage) != Some(stage) {
                begin = of_stages[2 * stage as usize];
            }
            (name, self.ms(std::mem::replace(&mut begin, end), end))
        };
        passes.zip(ends).map(time).collect()
    }
}

/// Milliseconds between two timestamps; none where they cannot be those of a stage or a dispatch.
fn span_ms(begin: u64, end: u64, tick_ns: f32) -> f32 {
    let ms = end.saturating_sub(begin) as f32 * tick_ns * 1e-6;
    if begin == FAILED || end == FAILED || ms > LONGEST_MS { 0.0 } else { ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_that_failed_count_nothing() {
        assert!((span_ms(1_000, 3_001_000, 1.0) - 3.0).abs() < 1e-3);
        assert!((span_ms(1_000, 9_001_000, 1_000.0) - 9_000.0).abs() < 1.0, "some seconds on a slow device are a time");
        for (begin, end) in [(FAILED, FAILED), (1_000, FAILED), (FAILED, 1_000), (3_000, 1_000), (0, 11_000_000_000)] {
            assert_eq!(span_ms(begin, end, 1.0), 0.0, "{begin} to {end}");
        }
    }
}
