//! What a frame takes over from those before it: the 3x3 look at the previous frame, the one at the map, and how the map is kept.

use super::RecallPlan;
use super::builder::Builder;
use crate::engine::gpu::ops::{
    BufferId, Pass,
    common_patch::{self, CommonPatch},
    embed::Lookup,
    odometer::{self, Odometer},
    padded,
    prev::{self, Prev},
    recall::{self, Recall},
    remember::{self, Remember},
};
use crate::engine::gpu::weights;
use crate::engine::recall::Map;
use crate::pack::{
    PackError,
    manifest::{DynamicsDims, RecallDims},
};

/// What runs once a frame.
pub struct Past {
    /// Ahead of its first step.
    pub passes: Vec<Pass>,
    /// What tokens see of the past: of the visible frame and of the one before, whose commit needs it again.
    pub prev: BufferId,
    pub recall: Option<RecallPlan>,
}

impl Builder<'_> {
    pub fn past(&mut self, dims: &DynamicsDims, tokens: BufferId, pixels: BufferId, codes: BufferId) -> Result<Past, PackError> {
        let prev = self.zeros("prev", 2 * self.rows * padded(dims.channels));
        let mut passes = vec![self.look_at_previous(dims, tokens, prev)?];
        let recall = match &dims.recall {
            Some(recall) => {
                let plan = self.map(recall, tokens, pixels, codes);
                passes.push(self.look_at_map(dims, recall, &plan, tokens, prev)?);
                Some(plan)
            }
            None => None,
        };
        Ok(Past { passes, prev, recall })
    }

    fn look_at_previous(&mut self, dims: &DynamicsDims, tokens: BufferId, prev: BufferId) -> Result<Pass, PackError> {
        let channels = dims.channels;
        let shape = Prev { lookup: Lookup::of(&self.frame, channels, self.rows) };
        let table = weights::prev_table(self.pack, channels)?;
        let (table, bias) = (self.floats(prev::TABLE, &table), self.table("dyn.prev.b", channels)?);
        Ok(shape.pass(prev::Buffers { tokens, table, bias, prev }))
    }

    fn look_at_map(
        &mut self,
        dims: &DynamicsDims,
        recall: &RecallDims,
        plan: &RecallPlan,
        tokens: BufferId,
        prev: BufferId,
    ) -> Result<Pass, PackError> {
        let (frame, channels) = (self.frame, dims.channels);
        let shape = Recall { lookup: Lookup::of(&frame, channels, self.rows), steps: frame.patch_px / recall.step_px };
        let table = weights::recall_table(self.pack, channels)?;
        let table = self.floats("dyn.recall.table", &table);
        Ok(shape.pass(recall::Buffers { map: plan.map, odometer: plan.odometer, table, prev, tokens }))
    }

    /// The map, and the passes that keep it.
    fn map(&mut self, recall: &RecallDims, tokens: BufferId, pixels: BufferId, codes: BufferId) -> RecallPlan {
        let (frame, n, dims) = (self.frame, self.frame.tokens(), self.frame.code_dims);
        let map = self.words("map", &remember::words(&Map::new(&frame, recall), &frame));
        let odometer = self.zeros("odometer", odometer::WORDS);
        let scrolling: Vec<u32> = (0..n).map(|n| u32::from(recall.scrolls(n, &frame))).collect();
        let scrolls = self.words("scrolls", &scrolling);
        let (width_px, height_px, patch_px, step_px) = (frame.width_px, frame.height_px, frame.patch_px, recall.step_px);
        let alike = CommonPatch { width_px, height_px, patch_px };
        let common = self.zeros("common", alike.words());
        let sums = Odometer { width_px, height_px, patch_px, step_px }.pass(odometer::Buffers { pixels, scrolls, common, odometer });
        let enter = Remember { tokens: n, grid_w: frame.grid_w(), dims, steps: patch_px / step_px };
        let remember = vec![
            alike.pass(common_patch::Buffers { pixels, scrolls, common }),
            sums,
            enter.pass(remember::Buffers { tokens, scrolls, map, odometer, codes }),
        ];
        RecallPlan { remember, map, odometer }
    }
}
