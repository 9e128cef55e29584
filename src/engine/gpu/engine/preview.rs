//! Frames that may come next: dreamed like any other, but into the half that the next frame will overwrite, and remembered by nobody.

use super::{Aim, GpuEngine, Groups};
use crate::engine::gpu::recording::Recording;
use crate::engine::{Branches, DecodeSettings, EngineError};

impl GpuEngine {
    /// Dreams the frame that each of `actions` leads into and waits for all of them.
    pub(super) fn dream_branches(&mut self, actions: &[u8], settings: &DecodeSettings, out: &mut Branches) -> Result<(), EngineError> {
        out.clear();
        let Some(dynamics) = self.plan.dynamics.as_ref().filter(|_| !actions.is_empty()) else { return Ok(()) };
        let (codes, pixels) = (dynamics.codes, self.plan.pixels);
        let frame = self.manifest.frame;
        let pixel_bytes = 4 * (frame.width_px * frame.height_px) as u64;
        let code_bytes = frame.code_bytes().next_multiple_of(4) as u64;
        let branch_bytes = pixel_bytes + code_bytes;
        let staging = match self.branches.take() {
            Some(staging) if staging.size() >= branch_bytes * actions.len() as u64 => staging,
            _ => self.staging(branch_bytes * actions.len() as u64),
        };
        let prompt_slot = self.slot_in_force();
        let adaptive = self.adaptive(settings);
        let moment = (self.half, self.pending, self.committed, self.settings);
        for (i, &action) in actions.iter().enumerate() {
            (self.half, self.pending, self.committed, _) = moment;
            let groups = self.begin_frame(action, prompt_slot, settings, Aim::Preview);
            // The first lets keys and values of the visible frame enter their slot of the ring, where the others find them.
            let groups = Groups { committed: if i == 0 { groups.committed } else { 0 }, ..groups };
            let mut recording = Recording::new(&self.gpu, &mut self.pace);
            self.ready.record_frame(&mut recording, settings.steps, groups, adaptive.as_ref());
            let encoder = recording.encoder();
            let at = i as u64 * branch_bytes;
            let half = self.half as u64 * pixel_bytes;
            encoder.copy_buffer_to_buffer(self.resources.buffer(pixels), half, &staging, at, pixel_bytes);
            encoder.copy_buffer_to_buffer(self.resources.buffer(codes), 0, &staging, at + pixel_bytes, code_bytes);
            recording.submit();
        }
        (self.half, self.pending, self.committed, self.settings) = moment;
        self.wait_for(&staging, |bytes| {
            for branch in bytes.chunks_exact(branch_bytes as usize).take(actions.len()) {
                let (pixels, codes) = branch.split_at(pixel_bytes as usize);
                out.rgba.extend(pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b, u8::MAX]));
                out.codes.extend_from_slice(&codes[..frame.code_bytes()]);
            }
        })?;
        self.branches = Some(staging);
        self.gpu.check()
    }
}
