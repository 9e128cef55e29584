//! Copies of what is told of a frame's tokens and of timestamps on their way to the host: several buffers in rotation, polled, never waited for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::context::GpuContext;
use super::ops::{remember::flag_at, unmask};
use super::timing::STAGE_TICKS;
use crate::engine::{Arrival, Settled};
use crate::pack::manifest::FrameDims;

/// Copies that may be under way at once.
const COPIES: usize = 6;

/// Frames kept for a caller that takes none; older ones are dropped.
const MOST_KEPT: usize = 4096;

const FREE: u8 = 0;
const UNDER_WAY: u8 = 1;
const ARRIVED: u8 = 2;
const FAILED: u8 = 3;

struct Copy {
    buffer: wgpu::Buffer,
    state: Arc<AtomicU8>,
    /// Number of the frame it carries, and of its timestamps.
    frame: u32,
    timestamps: usize,
}

/// What of a frame reached the host.
struct Arrived {
    frame: u32,
    /// As `unmask` and `remember` wrote it.
    sent: Vec<u8>,
}

/// The way back of everything small.
pub struct Readback {
    copies: Vec<Copy>,
    /// Copies under way, oldest first.
    order: VecDeque<usize>,
    arrived: VecDeque<Arrived>,
    /// Emptied vectors, used again.
    spare: Vec<Vec<u8>>,
    code_bytes: usize,
    /// Byte of a copy that says whether the view moved.
    flag_at: usize,
    /// Byte from which on a copy says how each token was settled, four bytes a token.
    told_at: usize,
    /// Bytes of all that is sent of a frame: codes, flag, and how tokens were settled.
    sent_bytes: usize,
    /// Byte at which the timestamps begin.
    timestamps_at: u64,
    /// How the tokens of the frame taken last were settled.
    pub settled: Vec<Settled>,
    /// Timestamps of the newest frame that arrived, in ticks; empty where there are none.
    pub ticks: Vec<u64>,
    /// Those of the newest frame that was timed dispatch by dispatch.
    pub pass_ticks: Vec<u64>,
    /// Times that a frame had to wait because every copy was still under way.
    pub waits: u64,
}

/// A copy to record and then to send off with [`Readback::sent`].
#[derive(Clone, Copy)]
pub struct Ticket(usize);

impl Readback {
    /// `timestamps`: most of a frame.
    pub fn new(device: &wgpu::Device, frame: &FrameDims, timestamps: u64) -> Self {
        let (code_bytes, sent_bytes) = (frame.code_bytes(), 4 * unmask::words_sent(frame));
        let timestamps_at = (sent_bytes as u64).next_multiple_of(8);
        let copy = |_| Copy {
            buffer: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("readback"),
                size: timestamps_at + 8 * timestamps,
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            }),
            state: Arc::new(AtomicU8::new(FREE)),
            frame: 0,
            timestamps: 0,
        };
        Self {
            copies: (0..COPIES).map(copy).collect(),
            order: VecDeque::with_capacity(COPIES),
            arrived: VecDeque::new(),
            spare: Vec::new(),
            code_bytes,
            flag_at: 4 * flag_at(code_bytes),
            told_at: 4 * unmask::told_at(code_bytes),
            sent_bytes,
            timestamps_at,
            settled: Vec::with_capacity(frame.tokens()),
            ticks: Vec::new(),
            pass_ticks: Vec::new(),
            waits: 0,
        }
    }

    /// Bytes of a copy, timestamps left out.
    pub fn bytes(&self) -> u64 {
        self.sent_bytes as u64
    }

    /// A copy that is free. Where the device is [`COPIES`] frames behind, this waits for the oldest: dreaming further ahead helps nobody.
    pub fn begin(&mut self, gpu: &GpuContext) -> Option<Ticket> {
        self.collect(gpu);
        if self.free().is_none() {
            self.waits += 1;
            gpu.poll_until(|| self.order.front().is_none_or(|oldest| !self.is_under_way(*oldest)));
            self.collect(gpu);
        }
        self.free().map(Ticket)
    }

    fn is_under_way(&self, copy: usize) -> bool {
        self.copies[copy].state.load(Ordering::Acquire) == UNDER_WAY
    }

    fn free(&self) -> Option<usize> {
        (0..self.copies.len()).find(|i| !self.order.contains(i))
    }

    /// `timestamps`: where they lie, and how many.
    pub fn record(
        &mut self,
        ticket: Ticket,
        encoder: &mut wgpu::CommandEncoder,
        codes: &wgpu::Buffer,
        timestamps: Option<(&wgpu::Buffer, usize)>,
    ) {
        let copy = &mut self.copies[ticket.0];
        encoder.copy_buffer_to_buffer(codes, 0, &copy.buffer, 0, self.sent_bytes as u64);
        copy.timestamps = timestamps.map_or(0, |(_, count)| count);
        if let Some((from, count)) = timestamps {
            encoder.copy_buffer_to_buffer(from, 0, &copy.buffer, self.timestamps_at, 8 * count as u64);
        }
    }

    /// The frame's commands were submitted: from now on its copy may arrive.
    pub fn sent(&mut self, ticket: Ticket, frame: u32) {
        let copy = &mut self.copies[ticket.0];
        copy.frame = frame;
        copy.state.store(UNDER_WAY, Ordering::Release);
        let state = copy.state.clone();
        copy.buffer.map_async(wgpu::MapMode::Read, .., move |result| {
            state.store(if result.is_ok() { ARRIVED } else { FAILED }, Ordering::Release);
        });
        self.order.push_back(ticket.0);
    }

    /// Takes in what has arrived, without waiting.
    pub fn collect(&mut self, gpu: &GpuContext) {
        gpu.poll();
        while let Some(&i) = self.order.front() {
            let copy = &mut self.copies[i];
            match copy.state.load(Ordering::Acquire) {
                UNDER_WAY => return,
                ARRIVED => {
                    if let Ok(bytes) = copy.buffer.get_mapped_range(..) {
                        let mut sent = self.spare.pop().unwrap_or_default();
                        sent.clear();
                        sent.extend_from_slice(&bytes[..self.sent_bytes]);
                        self.arrived.push_back(Arrived { frame: copy.frame, sent });
                        let raw = bytes[self.timestamps_at as usize..].as_chunks::<8>().0;
                        let ticks = raw.iter().take(copy.timestamps).map(|&raw| u64::from_le_bytes(raw));
                        self.ticks.clear();
                        self.ticks.extend(ticks);
                        if copy.timestamps > STAGE_TICKS {
                            self.pass_ticks.clone_from(&self.ticks);
                        }
                    }
                    copy.buffer.unmap();
                }
                // The device is lost or the buffer was: the fault flags of the context say so.
                _ => {}
            }
            copy.state.store(FREE, Ordering::Release);
            self.order.pop_front();
        }
        while self.arrived.len() > MOST_KEPT {
            self.arrived.pop_front();
        }
    }

    /// Takes in all that is under way; call when the device is idle. Callbacks run on whichever thread polls the device next, a window's
    /// perhaps: then they are a moment behind.
    pub fn collect_all(&mut self, gpu: &GpuContext) {
        gpu.poll_until(|| self.order.iter().all(|copy| !self.is_under_way(*copy)));
        self.collect(gpu);
    }

    /// Oldest codes that nobody took yet; `None` too where `out` has another length.
    pub fn take(&mut self, out: &mut [u8]) -> Option<Arrival> {
        if out.len() != self.code_bytes {
            return None;
        }
        let Arrived { frame, sent } = self.arrived.pop_front()?;
        out.copy_from_slice(&sent[..self.code_bytes]);
        let moved = sent[self.flag_at] == 1;
        self.settled.clear();
        self.settled.extend(sent[self.told_at..].as_chunks::<4>().0.iter().map(|&[step, odds, ..]| Settled { step, odds }));
        self.spare.push(sent);
        Some(Arrival { frame, moved })
    }

    /// Drops what has arrived and what is under way; call when the device is idle.
    pub fn forget(&mut self, gpu: &GpuContext) {
        self.collect_all(gpu);
        self.arrived.clear();
        self.settled.clear();
    }
}
