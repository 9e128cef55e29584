//! How much a device is given at once. What is queued runs in order, so a window that shares a slow device would wait with its draw for a
//! whole frame; such a device gets a frame in several submissions, and the window draws in between. One of them waits behind the one that runs, so that the
//! device need not wait for the host between two.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::context::GpuContext;

/// How large submissions are, and how many there were.
#[derive(Debug)]
pub struct Pace {
    /// Operations that a submission has at most, a single dispatch apart; `None`: frames are not cut.
    most_ops: Option<u64>,
    /// Whole frames that the device is given at once, where nobody needs the one before the next.
    at_once: usize,
    submissions: u64,
    /// As many of them are done. Written by whichever thread polls the device.
    done: Arc<AtomicU64>,
}

impl Pace {
    /// Frames are not cut, and no submission waits for another.
    pub fn whole() -> Self {
        Self { most_ops: None, at_once: 1, submissions: 0, done: Arc::default() }
    }

    /// For a device on which a frame of `ops` operations takes `frame`, and what is queued there is to take `most`: the half of it runs, the other waits.
    pub fn measured(ops: u64, frame: Duration, most: Duration) -> Self {
        let share = most.as_secs_f64() / frame.as_secs_f64();
        let most_ops = (share < 1.0).then_some((ops as f64 * share / 2.0) as u64);
        Self { most_ops, at_once: (share as usize).max(1), ..Self::whole() }
    }

    /// Frames that the device makes in the time that what is queued there is to take, at least one.
    pub fn at_once(&self) -> usize {
        self.at_once
    }

    /// Whether frames are not cut.
    pub fn is_whole(&self) -> bool {
        self.most_ops.is_none()
    }

    /// Whether so many operations are more than a submission should have.
    pub fn is_too_much(&self, ops: u64) -> bool {
        self.most_ops.is_some_and(|most| ops > most)
    }

    /// Submissions so far.
    pub fn submissions(&self) -> u64 {
        self.submissions
    }

    /// All submissions are done but one.
    fn has_room(&self) -> bool {
        self.done.load(Ordering::Acquire) + 1 >= self.submissions
    }

    /// Submits commands; where frames are cut, when no more than one submission is ahead of them.
    pub fn submit(&mut self, gpu: &GpuContext, commands: wgpu::CommandBuffer) {
        if !self.is_whole() {
            gpu.poll_until(|| self.has_room());
        }
        self.submissions += 1;
        gpu.queue.submit([commands]);
        if !self.is_whole() {
            let (done, number) = (self.done.clone(), self.submissions);
            gpu.queue.on_submitted_work_done(move || {
                done.fetch_max(number, Ordering::Release);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_device_gets_whole_frames_and_a_slow_one_as_much_as_it_does_in_time() {
        let most = Duration::from_millis(8);
        let quick = Pace::measured(1000, Duration::from_millis(8), most);
        assert!(quick.is_whole() && !quick.is_too_much(u64::MAX));
        let slow = Pace::measured(1000, Duration::from_millis(32), most);
        assert!(!slow.is_whole() && slow.is_too_much(126) && !slow.is_too_much(125));
    }

    #[test]
    fn as_many_whole_frames_go_off_together_as_fit_into_the_time() {
        let at_once = |frame_ms: u64| Pace::measured(1000, Duration::from_millis(frame_ms), Duration::from_millis(8)).at_once();
        assert_eq!([1, 3, 5, 8, 32].map(at_once), [8, 2, 1, 1, 1]);
        assert_eq!(Pace::whole().at_once(), 1, "nothing is known yet");
    }

    #[test]
    fn one_submission_waits_behind_the_one_that_runs_and_no_second() {
        let mut pace = Pace::measured(1000, Duration::from_millis(32), Duration::from_millis(8));
        assert!(pace.has_room(), "nothing is queued yet");
        for (submissions, done, room) in [(1, 0, true), (2, 0, false), (2, 1, true), (3, 1, false), (3, 3, true)] {
            pace.submissions = submissions;
            pace.done.store(done, Ordering::Release);
            assert_eq!(pace.has_room(), room, "{done} of {submissions} are done");
        }
    }
}
