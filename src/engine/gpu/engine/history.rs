//! History into the engine: the ring from the frames that still matter to it, the map from all of them.

use super::{GpuEngine, Pending};
use crate::engine::gpu::frame::{FrameParams, GROUPS, GroupParams};
use crate::engine::gpu::ops::{odometer, remember};
use crate::engine::gpu::recording::Recording;
use crate::engine::inputs::frames_that_matter;
use crate::engine::recall::{Map, motion_of};
use crate::engine::told::Told;
use crate::engine::{TokenFrame, UNKNOWN};

impl GpuEngine {
    /// Rebuilds ring, map and picture from `history`, oldest first, and the map `before` it, for an engine that has forgotten its own.
    pub(super) fn rebuild(&mut self, before: Option<&Map>, history: &[TokenFrame]) {
        let (older, seen) = history.split_at(history.len().saturating_sub(frames_that_matter(&self.manifest)));
        match older.last() {
            Some(frame) => self.write_tokens(self.half, &frame.codes),
            None => self.write_tokens(self.half, &vec![UNKNOWN; self.manifest.frame.code_bytes()]),
        }
        self.told = Told::after(older);
        self.write_map(before, older);
        for frame in seen {
            if self.plan.dynamics.is_some() {
                self.commit_alone();
            }
            self.place(frame);
        }
        if history.is_empty() { self.clear_picture() } else { self.draw_visible() }
    }

    /// Starts the map anew from what was `before` these frames, and what they showed.
    fn write_map(&self, before: Option<&Map>, frames: &[TokenFrame]) {
        let dims = self.manifest.recall();
        let plan = self.plan.dynamics.as_ref().and_then(|d| d.recall.as_ref());
        let (Some(dims), Some(plan)) = (dims, plan) else { return };
        let frame = &self.manifest.frame;
        let mut map = before.cloned().unwrap_or_else(|| Map::new(frame, dims));
        for seen in frames {
            map.remember(&seen.codes, motion_of(&self.manifest, seen.action), seen.moved);
        }
        let write = |buffer, words: &[u32]| self.gpu.queue.write_buffer(self.resources.buffer(buffer), 0, bytemuck::cast_slice(words));
        write(plan.map, &remember::words(&map, frame));
        write(plan.odometer, &odometer::words(map.view(), map.frames()));
    }

    /// Commits the visible frame by itself: the way into the ring of restored history.
    fn commit_alone(&mut self) {
        let Some(pending) = self.pending.take() else { return };
        self.write_params(&[FrameParams { groups: [self.commit_group(pending); GROUPS], ..FrameParams::default() }]);
        let mut recording = Recording::new(&self.gpu, &mut self.pace);
        self.ready.record_commit(&mut recording);
        recording.submit();
        self.committed += 1;
    }

    /// Puts a frame of history into the other half and makes it the visible one, not yet committed.
    fn place(&mut self, frame: &TokenFrame) {
        let prompt_slot = if self.plan.dynamics.is_some() { self.prompt_slot(&frame.prompt) } else { 0 };
        self.half = 1 - self.half;
        self.write_tokens(self.half, &frame.codes);
        let told = self.told.follow(&frame.prompt);
        let group = GroupParams { half: self.half as u32, action: u32::from(frame.action), told: told as u32, ..GroupParams::default() };
        let params = FrameParams { groups: [group; GROUPS], ..self.step_of_view(frame.action, u32::from(frame.moved)) };
        self.write_params(&[params]);
        let mut recording = Recording::new(&self.gpu, &mut self.pace);
        recording.run_all(&self.ready.prev);
        recording.run_all(&self.ready.remember);
        recording.submit();
        self.pending = Some(Pending { action: frame.action, prompt_slot, told });
    }

    fn draw_visible(&mut self) {
        // Slot 0 still names the visible half.
        let mut recording = Recording::new(&self.gpu, &mut self.pace);
        recording.run_all(&self.ready.decode);
        recording.submit();
    }

    fn clear_picture(&self) {
        let frame = &self.manifest.frame;
        let size = self.resources.picture.size();
        self.gpu.queue.write_texture(
            self.resources.picture.as_image_copy(),
            &vec![0; frame.width_px * frame.height_px * 4],
            wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * size.width), rows_per_image: None },
            size,
        );
    }
}
