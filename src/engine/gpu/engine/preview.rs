//! Frames that may come next, and pictures of tokens: made like any other frame, but in the half that the next frame will overwrite, and
//! remembered by nobody.

use super::{Aim, GpuEngine};
use crate::engine::gpu::frame::{FrameParams, GROUPS, GroupParams};
use crate::engine::gpu::recording::Recording;
use crate::engine::gpu::resources::Groups;
use crate::engine::{Branches, DecodeSettings, EngineError};

impl GpuEngine {
    /// Dreams the frame that each of `actions` leads into and waits for all of them.
    pub(super) fn dream_branches(&mut self, actions: &[u8], settings: &DecodeSettings, out: &mut Branches) -> Result<(), EngineError> {
        out.clear();
        let Some(dynamics) = self.plan.dynamics.as_ref().filter(|_| !actions.is_empty()) else { return Ok(()) };
        let (codes, pixels) = (dynamics.codes, self.plan.pixels);
        let frame = self.manifest.frame;
        let pixel_bytes = self.pixel_bytes();
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
            // A window draws in between: after each of them, or on a quick device after some.
            if (i + 1).is_multiple_of((self.pace.at_once() / groups.dreamed).max(1)) {
                self.gpu.wait()?;
            }
        }
        (self.half, self.pending, self.committed, self.settings) = moment;
        self.wait_for(&staging, |bytes| {
            for branch in bytes.chunks_exact(branch_bytes as usize).take(actions.len()) {
                let (pixels, codes) = branch.split_at(pixel_bytes as usize);
                out.rgba.extend(opaque(pixels));
                out.codes.extend_from_slice(&codes[..frame.code_bytes()]);
            }
        })?;
        self.branches = Some(staging);
        self.gpu.check()
    }

    /// Decodes these tokens and waits for their picture.
    pub(super) fn draw_aside(&mut self, codes: &[u8]) -> Result<Vec<u8>, EngineError> {
        let half = 1 - self.half;
        self.write_tokens(half, codes);
        let group = GroupParams { half: half as u32, ..GroupParams::default() };
        self.write_params(&[FrameParams { groups: [group; GROUPS], aside: 1, ..FrameParams::default() }]);
        let pixel_bytes = self.pixel_bytes();
        let staging = self.staging(pixel_bytes);
        let mut recording = Recording::new(&self.gpu, &mut self.pace);
        recording.run_all(&self.ready.decode);
        let pixels = self.resources.buffer(self.plan.pixels);
        recording.encoder().copy_buffer_to_buffer(pixels, half as u64 * pixel_bytes, &staging, 0, pixel_bytes);
        recording.submit();
        self.wait_for(&staging, |bytes| opaque(bytes).collect())
    }

    /// Bytes of a half of the pixels.
    fn pixel_bytes(&self) -> u64 {
        4 * (self.manifest.frame.width_px * self.manifest.frame.height_px) as u64
    }
}

/// RGBA pixels of which the last byte has no meaning.
fn opaque(pixels: &[u8]) -> impl Iterator<Item = u8> {
    pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b, u8::MAX])
}
