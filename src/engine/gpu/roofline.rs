//! What a frame asks of a device, from the plan: operations, and bytes that must move.

use super::ops::Pass;
use super::plan::Plan;

/// Totals of one dreamed frame: a fused commit, `steps` decoding steps and mending, what is seen of the frame before and of the map, the decoder and the
/// picture, and what is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Roofline {
    pub dispatches: usize,
    /// A multiplication and an addition are two.
    pub ops: u64,
    /// Weights, tables and the ring, read once a pass.
    pub weight_bytes: u64,
    /// Activations written and read.
    pub activation_bytes: u64,
}

impl Roofline {
    pub fn of(plan: &Plan, steps: u32) -> Self {
        let mut sum = Self { dispatches: plan.dispatches(steps), ..Self::default() };
        if let Some(dynamics) = &plan.dynamics {
            sum.add(&dynamics.prev, 1, 1);
            sum.add(&dynamics.step[..dynamics.commit_passes], 1, 2);
            sum.add(&dynamics.step[dynamics.commit_passes..], 1, 1);
            sum.add(&dynamics.step, u64::from(steps.saturating_sub(1)), 1);
            sum.add(dynamics.mend(), 1, 1);
            sum.add(dynamics.remember(), 1, 1);
        }
        sum.add(&plan.decode, 1, 1);
        sum
    }

    fn add(&mut self, passes: &[Pass], times: u64, groups: u64) {
        for pass in passes {
            self.ops += times * groups * pass.cost.ops;
            self.weight_bytes += times * pass.cost.weight_bytes;
            self.activation_bytes += times * groups * pass.cost.group_bytes;
        }
    }

    pub fn bytes(&self) -> u64 {
        self.weight_bytes + self.activation_bytes
    }

    /// Shortest possible time of a frame in milliseconds on a device of these rates: whichever of arithmetic and memory is slower.
    pub fn bound_ms(&self, gflops: f64, gbytes_per_sec: f64) -> f64 {
        let (arithmetic, memory) = (self.ops as f64 / gflops, self.bytes() as f64 / gbytes_per_sec);
        arithmetic.max(memory) * 1e-6
    }
}
