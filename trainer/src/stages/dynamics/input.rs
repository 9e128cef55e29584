//! Batches as tensors.

use burn::tensor::{Device, Tensor, TensorData};
use somnium::engine::{recall, told};
use somnium::pack::manifest::FrameDims;
use somnium::prompt::{self, WordTable};

use crate::model::dynamics::DynInput;
use crate::tokens::NO_WORD;

use super::DynamicsStage;
use super::batch::{Batch, Token};

/// Added to the score of what may not be seen.
const HIDDEN: f32 = -1e9;

impl DynamicsStage {
    /// Tokens one-hot, `(F * N, D * L + 2)`; those given are rows of `codes`, `(F * N, D)`.
    pub(super) fn one_hot(&self, codes: &[u8], tokens: impl Iterator<Item = Token>, device: &Device) -> Tensor<2> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let width = d * l + 2;
        let mut values = Vec::with_capacity(codes.len() / d * width);
        for token in tokens {
            let start = values.len();
            values.resize(start + width, 0.0f32);
            let row = &mut values[start..];
            match token {
                Token::Given(from) => {
                    let levels = &codes[from * d..(from + 1) * d];
                    levels.iter().enumerate().for_each(|(dim, code)| row[dim * l + usize::from(*code)] = 1.0);
                }
                Token::Masked => row[d * l] = 1.0,
                Token::Unknown => row[d * l + 1] = 1.0,
            }
        }
        let rows = values.len() / width;
        Tensor::from_data(TensorData::new(values, [rows, width]), device)
    }

    pub fn input(&self, batch: &Batch, device: &Device) -> DynInput {
        let (t, dims) = (batch.frames, &self.shape.dims);
        let frames = batch.clips * t;
        let mut past = vec![HIDDEN; batch.clips * t * t];
        let mut ages = vec![0.0; t * t * dims.window];
        for query in 0..t {
            for key in 0..query {
                let age = query - key;
                if age < dims.window {
                    ages[(query * t + key) * dims.window + age] = 1.0;
                    for (clip, span) in batch.spans.iter().enumerate() {
                        if age <= *span {
                            past[(clip * t + query) * t + key] = 0.0;
                        }
                    }
                }
            }
        }
        let (keys, wide) = (dims.prompt_words + 1, prompt::CHANNELS + 1);
        let mut words = vec![0.0; frames * keys * wide];
        let mut clean_words_mask = vec![0.0; frames * keys];
        let mut masked_words_mask = vec![0.0; frames * keys];
        for frame in 0..frames {
            words[frame * keys * wide + prompt::CHANNELS] = 1.0;
            for k in 1..keys {
                let (from, at) = (frame * dims.prompt_words + k - 1, frame * keys + k);
                let word = batch.words[from];
                if word != NO_WORD {
                    let vector = &mut words[at * wide..][..prompt::CHANNELS];
                    vector.copy_from_slice(&WordTable::get().vector(word));
                    let noise = batch.word_noise.iter().skip(from * prompt::CHANNELS);
                    vector.iter_mut().zip(noise).for_each(|(x, noise)| *x += noise);
                }
                clean_words_mask[at] = if word == NO_WORD { HIDDEN } else { 0.0 };
                masked_words_mask[at] = if word == NO_WORD || batch.prompt_dropped[frame] { HIDDEN } else { 0.0 };
            }
        }
        let told = |dropped: bool| {
            let classes = batch.told.iter().zip(&batch.prompt_dropped);
            let classes = classes.map(|(class, lost)| if dropped && *lost { told::LONG_AGO } else { usize::from(*class) });
            rows_one_hot(classes, told::CLASSES)
        };
        let matrix = |values: Vec<f32>, width: usize| {
            let rows = values.len() / width;
            Tensor::<2>::from_data(TensorData::new(values, [rows, width]), device)
        };
        let recalls = dims.recall.is_some() && !batch.recalled_age.is_empty();
        DynInput {
            clips: batch.clips,
            frames: t,
            seeing: batch.spans.iter().rposition(|span| *span > 0).map_or(0, |last| last + 1),
            clean: self.one_hot(&batch.shown, batch.clean.iter().copied(), device),
            masked: self.one_hot(&batch.truth, batch.masked.iter().copied(), device),
            truth: self.true_levels(batch, device),
            action: matrix(rows_one_hot(batch.actions.iter().map(|a| usize::from(*a)), dims.actions + 1), dims.actions + 1),
            level: matrix(rows_one_hot(batch.levels.iter().copied(), dims.context_levels), dims.context_levels),
            past: Tensor::from_data(TensorData::new(past, [batch.clips, t, t]), device),
            ages: matrix(ages, dims.window),
            recall: recalls.then(|| matrix(self.recalled_one_hot(batch), self.recall_width())),
            words: matrix(words, wide),
            clean_words_mask: matrix(clean_words_mask, keys),
            masked_words_mask: matrix(masked_words_mask, keys),
            clean_told: matrix(told(false), told::CLASSES),
            masked_told: matrix(told(true), told::CLASSES),
        }
    }

    fn recall_width(&self) -> usize {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        d * l + 2 + recall::AGES
    }

    /// Recalled tokens and their classes of age, one-hot `(F * N * 9, D * L + 2 + ages)`; an unknown token where there is none.
    fn recalled_one_hot(&self, batch: &Batch) -> Vec<f32> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let width = self.recall_width();
        let mut values = vec![0.0; batch.recalled_age.len() * width];
        for ((row, codes), age) in values.chunks_exact_mut(width).zip(batch.recalled.chunks_exact(d)).zip(&batch.recalled_age) {
            row[d * l + 2 + usize::from(*age)] = 1.0;
            if *age == 0 {
                row[d * l + 1] = 1.0;
            } else {
                codes.iter().enumerate().for_each(|(dim, code)| row[dim * l + usize::from(*code)] = 1.0);
            }
        }
        values
    }

    /// True levels, one-hot, `(F * N, D * L)`.
    pub(super) fn true_levels(&self, batch: &Batch, device: &Device) -> Tensor<2> {
        let FrameDims { code_dims: d, code_levels: l, .. } = *self.frame_dims();
        let values = rows_one_hot(batch.truth.iter().map(|code| usize::from(*code)), l);
        Tensor::from_data(TensorData::new(values, [batch.truth.len() / d, d * l]), device)
    }
}

fn rows_one_hot(indices: impl ExactSizeIterator<Item = usize>, width: usize) -> Vec<f32> {
    let mut values = vec![0.0; indices.len() * width];
    indices.enumerate().for_each(|(row, index)| values[row * width + index] = 1.0);
    values
}
