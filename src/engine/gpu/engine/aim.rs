//! What the device is told of a frame before it computes it: its tokens where they are given, and the frame block of every step.

use super::{GpuEngine, Pending};
use crate::engine::gpu::frame::{BY_ODOMETER, FrameParams, GROUPS, GroupParams, MASKED, NONE};
use crate::engine::gpu::resources::Groups;
use crate::engine::recall::motion_of;
use crate::engine::told::LONG_AGO;
use crate::engine::{DecodeSettings, TokenFrame, UNKNOWN, UnmaskOrder, decode};
use crate::pack::limits;

/// What is to become of the frame that is begun.
#[derive(Clone, Copy)]
pub enum Aim<'a> {
    /// All of it is dreamed.
    Dream,
    /// Tokens that are unknown in these codes are dreamed, the others stay.
    Around(&'a [u8]),
    /// All of it is dreamed, and nobody is to notice.
    Preview,
    /// It is this one; the logits of its levels are asked for.
    Force(&'a TokenFrame),
}

impl GpuEngine {
    pub(super) fn write_tokens(&self, half: usize, codes: &[u8]) {
        self.write_levels(half, codes.iter().map(|&code| u32::from(code)));
    }

    fn write_levels(&self, half: usize, levels: impl Iterator<Item = u32>) {
        let words: Vec<u32> = levels.collect();
        let bytes: &[u8] = bytemuck::cast_slice(&words);
        self.gpu.queue.write_buffer(self.resources.buffer(self.plan.tokens), (half * bytes.len()) as u64, bytes);
    }

    /// Writes the blocks of as many steps, from the first slot on.
    pub(super) fn write_params(&self, steps: &[FrameParams]) {
        self.gpu.queue.write_buffer(&self.resources.frame, 0, bytemuck::cast_slice(steps));
    }

    /// How a frame looks at the ring that holds `committed` frames.
    fn group(&self, half: usize, Pending { action, prompt_slot, told }: Pending, committed: usize) -> GroupParams {
        let window = self.manifest.dynamics.as_ref().map_or(1, |d| d.window);
        GroupParams {
            half: half as u32,
            action: u32::from(action),
            level: self.settings.context_level as u32,
            fresh: 0,
            store: NONE,
            newest: ((committed + window - 1) % window) as u32,
            ages: committed.min(self.settings.window - 1) as u32,
            prompt: prompt_slot as u32,
            words: self.slots[prompt_slot].len() as u32 + 1,
            told: told as u32,
            pad: [0; 2],
        }
    }

    /// The group that commits the visible frame.
    pub(super) fn commit_group(&self, pending: Pending) -> GroupParams {
        let window = self.manifest.dynamics.as_ref().map_or(1, |d| d.window);
        GroupParams { store: (self.committed % window) as u32, ..self.group(self.half, pending, self.committed) }
    }

    /// Where the view goes if it does, by the action and by what is known of it.
    pub(super) fn step_of_view(&self, action: u8, moved: u32) -> FrameParams {
        FrameParams { motion: motion_of(&self.manifest, action), moved, ..FrameParams::default() }
    }

    /// Writes what the frame that follows the visible one needs and moves on to it: its half is the visible one from here. Returns the
    /// groups of its first step.
    pub(super) fn begin_frame(&mut self, action: u8, prompt_slot: usize, settings: &DecodeSettings, aim: Aim<'_>) -> Groups {
        self.settings = *settings;
        let commit = self.pending.take().map(|pending| self.commit_group(pending));
        self.committed += usize::from(commit.is_some());
        self.half = 1 - self.half;
        // Where there is no frame before, nothing can have moved.
        let by_pictures = if commit.is_some() { BY_ODOMETER } else { 0 };
        let (steps, moved) = match aim {
            Aim::Dream | Aim::Preview => (settings.steps, by_pictures),
            Aim::Around(given) => {
                let level = |&code: &u8| if code == UNKNOWN { MASKED } else { u32::from(code) };
                self.write_levels(self.half, given.iter().map(level));
                (settings.steps, by_pictures)
            }
            Aim::Force(truth) => {
                self.write_tokens(self.half, &truth.codes);
                (1, u32::from(truth.moved))
            }
        };
        let (forced, fresh) = (matches!(aim, Aim::Force(_)), !matches!(aim, Aim::Around(_)));
        // Without words both would be the same.
        let guidance = if forced || self.slots[prompt_slot].is_empty() { 0.0 } else { settings.guidance };
        let groups = Groups { dreamed: if guidance > 0.0 { 2 } else { 1 }, committed: usize::from(commit.is_some()) };
        let begun = Pending { action, prompt_slot, told: self.told.class_of_next(&self.slots[prompt_slot]) };
        let prompted = self.group(self.half, begun, self.committed);
        let new_land = settings.chance_of(false);
        let of_step = |step: u32| {
            let prompted = GroupParams { fresh: u32::from(fresh && step == 1), ..prompted };
            let mut params = FrameParams {
                groups: [prompted; GROUPS],
                seed: settings.seed,
                frame: self.next_frame,
                step,
                order: u32::from(settings.order == UnmaskOrder::Confidence),
                kept: decode::kept(step, steps),
                mending: u32::from(step > steps),
                certain: settings.certain.map_or(0.0, f32::ln),
                temperature: settings.temperature,
                min_p: settings.min_p,
                new_temperature: new_land.temperature,
                new_min_p: new_land.min_p,
                new_uncertain: u32::from(settings.new_land.is_some()),
                forced: u32::from(forced),
                guidance,
                aside: u32::from(matches!(aim, Aim::Preview)),
                ..self.step_of_view(action, moved)
            };
            // The first key of every slot is "nothing said".
            (params.groups[1].words, params.groups[1].told) = (1, LONG_AGO as u32);
            if let Some(commit) = commit {
                params.groups[groups.dreamed] = commit;
            }
            params
        };
        let mut blocks = [FrameParams::default(); limits::MAX_STEPS as usize + 1];
        (1..=steps + 1).zip(&mut blocks).for_each(|(step, block)| *block = of_step(step));
        self.write_params(&blocks[..=steps as usize]);
        if !matches!(aim, Aim::Preview) {
            self.told.follow(&self.slots[prompt_slot]);
        }
        self.pending = Some(begun);
        groups
    }
}
