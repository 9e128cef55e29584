//! Prompts on their way to the device: which slot holds which words, and what attention finds there.

use super::GpuEngine;
use crate::engine::PromptWord;
use crate::engine::gpu::plan::PROMPT_SLOTS;
use crate::engine::told::ids;

/// Prompts whose keys and values are kept; behind more of them all are forgotten.
const MOST_PROMPTS: usize = 64;

impl GpuEngine {
    /// The slot that holds these words, written if need be; never the one a pending frame still needs.
    pub(super) fn prompt_slot(&mut self, words: &[PromptWord]) -> usize {
        if let Some(slot) = self.slots.iter().position(|held| held == words) {
            return slot;
        }
        let slot = self.pending.map_or(0, |p| (p.prompt_slot + 1) % PROMPT_SLOTS);
        if !ids(&self.slots[slot]).eq(ids(words)) {
            self.write_keys(slot, words);
        }
        self.write_shares(slot, words);
        slot
    }

    /// The slot of the words in force.
    pub(super) fn slot_in_force(&mut self) -> usize {
        let prompt = std::mem::take(&mut self.prompt);
        let slot = self.prompt_slot(&prompt);
        self.prompt = prompt;
        slot
    }

    /// Makes every slot that of no words.
    pub(super) fn empty_slots(&mut self) {
        for slot in 0..PROMPT_SLOTS {
            self.write_keys(slot, &[]);
            self.write_shares(slot, &[]);
        }
    }

    /// Computes the keys and values of a prompt, once for each choice of words, and puts them into a slot.
    fn write_keys(&mut self, slot: usize, words: &[PromptWord]) {
        let Some(dynamics) = &self.plan.dynamics else { return };
        if self.prompt_keys.len() > MOST_PROMPTS {
            self.prompt_keys.clear();
        }
        let compute = |ids: &Vec<u16>| dynamics.prompts.iter().map(|target| target.weights.keys(ids)).collect();
        let keys = self.prompt_keys.entry(ids(words).collect()).or_insert_with_key(compute);
        for (target, values) in dynamics.prompts.iter().zip(keys.iter()) {
            let buffer = self.resources.buffer(target.buffer);
            let slot_bytes = buffer.size() / PROMPT_SLOTS as u64;
            self.gpu.queue.write_buffer(buffer, slot as u64 * slot_bytes, bytemuck::cast_slice(values));
        }
    }

    /// Puts the shares of a prompt's words, and what they say together, into the slot that has its keys.
    fn write_shares(&mut self, slot: usize, words: &[PromptWord]) {
        let Some(dynamics) = &self.plan.dynamics else { return };
        // The first is "nothing said".
        let shares: Vec<f32> = std::iter::once(0.0).chain(words.iter().map(|word| (f32::from(word.share) / 255.0).ln())).collect();
        let at = (slot * dynamics.slot_words * size_of::<f32>()) as u64;
        self.gpu.queue.write_buffer(self.resources.buffer(dynamics.shares), at, bytemuck::cast_slice(&shares));
        if let Some(said) = &mut self.said {
            let buffer = self.resources.buffer(dynamics.said);
            let row_bytes = buffer.size() / PROMPT_SLOTS as u64;
            let mut row = vec![0.0; row_bytes as usize / size_of::<f32>()];
            said.row(words, &mut row);
            self.gpu.queue.write_buffer(buffer, slot as u64 * row_bytes, bytemuck::cast_slice(&row));
        }
        self.slots[slot] = words.to_vec();
    }
}
