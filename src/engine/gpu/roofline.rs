//! What a frame asks of a device, from the plan: operations, and bytes that must move.

use super::ops::Pass;
use super::plan::Plan;

/// What ran of a dreamed frame, of which adaptive decoding leaves out what has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Decoding steps, at least one.
    pub steps: u32,
    /// What did not fit behind the last step was drawn once more.
    pub mends: bool,
}

impl Ran {
    pub fn all(steps: u32) -> Self {
        Self { steps, mends: true }
    }
}

/// Totals of one dreamed frame: a fused commit, its decoding steps and mending, what is seen of the frame before and of the map, the decoder and the
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
    /// Of a frame whose every step runs.
    pub fn of(plan: &Plan, steps: u32) -> Self {
        Self::of_passes(plan, Ran::all(steps), |_| true)
    }

    /// Of the passes that `count`, as often as they ran.
    pub fn of_passes(plan: &Plan, ran: Ran, count: impl Fn(&Pass) -> bool) -> Self {
        let mut sum = Self::default();
        let mut add = |passes: &[Pass], times: u32, groups: u64| {
            passes.iter().filter(|pass| count(pass)).for_each(|pass| sum.add(pass, times, groups))
        };
        if let Some(dynamics) = &plan.dynamics {
            add(&dynamics.prev, 1, 1);
            add(&dynamics.step[..dynamics.commit_passes], 1, 2);
            add(&dynamics.step[dynamics.commit_passes..], 1, 1);
            add(&dynamics.step, ran.steps.saturating_sub(1), 1);
            add(dynamics.mend(), ran.mends.into(), 1);
            add(dynamics.remember(), 1, 1);
        }
        add(&plan.decode, 1, 1);
        sum
    }

    /// Of the matrix products alone.
    pub fn of_products(plan: &Plan, ran: Ran) -> Self {
        Self::of_passes(plan, ran, |pass| pass.product.is_some())
    }

    fn add(&mut self, pass: &Pass, times: u32, groups: u64) {
        let often = u64::from(times);
        self.dispatches += times as usize;
        self.ops += often * groups * pass.cost.ops;
        self.weight_bytes += often * pass.cost.weight_bytes;
        self.activation_bytes += often * groups * pass.cost.group_bytes;
    }

    /// The mean of several frames; `None` of none.
    pub fn mean(frames: impl IntoIterator<Item = Self>) -> Option<Self> {
        let (mut sum, mut count) = (Self::default(), 0u64);
        for frame in frames {
            count += 1;
            sum.dispatches += frame.dispatches;
            sum.ops += frame.ops;
            sum.weight_bytes += frame.weight_bytes;
            sum.activation_bytes += frame.activation_bytes;
        }
        let of = |sum: u64| sum / count;
        (count > 0).then(|| Self {
            dispatches: sum.dispatches / count as usize,
            ops: of(sum.ops),
            weight_bytes: of(sum.weight_bytes),
            activation_bytes: of(sum.activation_bytes),
        })
    }

    pub fn bytes(&self) -> u64 {
        self.weight_bytes + self.activation_bytes
    }

    /// Milliseconds that the arithmetic of a frame takes at this rate.
    pub fn arithmetic_ms(&self, gflops: f64) -> f64 {
        self.ops as f64 / gflops * 1e-6
    }

    /// Milliseconds that the bytes of a frame take at this rate.
    pub fn memory_ms(&self, gbytes_per_sec: f64) -> f64 {
        self.bytes() as f64 / gbytes_per_sec * 1e-6
    }

    /// Shortest possible time of a frame in milliseconds on a device of these rates: whichever of arithmetic and memory is slower.
    pub fn bound_ms(&self, gflops: f64, gbytes_per_sec: f64) -> f64 {
        self.arithmetic_ms(gflops).max(self.memory_ms(gbytes_per_sec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::gpu::tier::Tier;
    use crate::pack::random::{odd_manifest, random_pack};

    #[test]
    fn what_did_not_run_is_not_counted_and_products_are_a_part() {
        let plan = Plan::new(&random_pack(odd_manifest(), 1).unwrap(), Tier::default(), false).unwrap();
        let of = |ran| Roofline::of_passes(&plan, ran, |_| true);
        let (all, two) = (Roofline::of(&plan, 4), of(Ran { steps: 2, mends: false }));
        assert_eq!(all.dispatches, plan.dispatches(4));
        assert!(two.dispatches < all.dispatches && two.ops < all.ops && two.bytes() < all.bytes());
        let products = Roofline::of_products(&plan, Ran::all(4));
        assert!(0 < products.dispatches && products.dispatches < all.dispatches && products.ops < all.ops, "{products:?} of {all:?}");
        let mean = Roofline::mean([all, two]).unwrap();
        assert!(two.ops < mean.ops && mean.ops < all.ops);
        assert_eq!((Roofline::mean([two, two]), Roofline::mean([])), (Some(two), None));
    }
}
