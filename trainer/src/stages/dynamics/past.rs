//! What tokens recall of the past while training, and how it is spoiled.

use std::collections::HashMap;
use std::ops::Range;

use somnium::engine::recall;

use crate::source::Dice;
use crate::tokens::TokenClips;

use super::DynamicsStage;
use super::batch::Batch;

/// Which part of the past a clip recalls, and how well.
#[derive(Clone)]
pub(super) struct RecallTerms {
    /// Frames ago of the oldest.
    pub(super) reach: usize,
    /// Share of tokens in whose place another's are recalled.
    pub(super) corruption: f32,
    /// From this frame of the clip on, what was seen before it lies beside its place by these steps.
    pub(super) slip: Option<(usize, [i32; 2])>,
    pub(super) stale: Option<Stale>,
}

impl RecallTerms {
    /// All that was seen, exactly.
    pub(super) const WHOLE: Self = Self { reach: usize::MAX, corruption: 0.0, slip: None, stale: None };
}

/// Places that go on showing what they showed before.
#[derive(Clone)]
pub(super) struct Stale {
    /// Frames of the clip in which they do.
    pub(super) frames: Range<usize>,
    /// Share of places.
    pub(super) share: f32,
    /// Side of the patches they come in, in steps.
    pub(super) side: i32,
    /// Chooses the places.
    pub(super) seed: u64,
}

impl Stale {
    fn holds(&self, frame: usize, place: [i32; 2]) -> bool {
        let [x, y] = place.map(|at| u64::from(at.div_euclid(self.side).cast_unsigned()));
        let number = (x << 32) | y;
        self.frames.contains(&frame) && Dice::new(self.seed, number).chance(self.share)
    }
}

impl DynamicsStage {
    /// What the tokens of a window of `clip` from `start` on recall: of the whole clip before them, expected where the batch's actions
    /// lead. The window's first frame recalls nothing, as the first frame of a dream.
    pub(super) fn push_recall(
        &self,
        clips: &TokenClips,
        (clip, start): (usize, usize),
        batch: &mut Batch,
        terms: RecallTerms,
        dice: &mut Dice,
    ) {
        let Some(dims) = &self.shape.dims.recall else { return };
        let frame_dims = *self.frame_dims();
        let (n, d, t) = (self.tokens(), frame_dims.code_dims, batch.frames);
        let first = batch.actions.len() - t;
        // The token last seen at every place: when, and as (frame, token) whose it is.
        let mut seen: HashMap<[i32; 2], (usize, (usize, usize))> = HashMap::new();
        let steps = (frame_dims.patch_px / dims.step_px) as i32;
        let place = |view: [i32; 2], token: usize| {
            let (gx, gy) = ((token % frame_dims.grid_w()) as i32, (token / frame_dims.grid_w()) as i32);
            [view[0] + steps * gx, view[1] + steps * gy]
        };
        for frame in 0..start + t {
            if let Some((when, aside)) = terms.slip
                && frame == when
            {
                seen = seen.into_iter().map(|(at, what)| ([at[0] + aside[0], at[1] + aside[1]], what)).collect();
            }
            if frame >= start {
                let motion = self.motions.get(usize::from(batch.actions[first + frame - start])).copied().unwrap_or_default();
                let before = clips.view(clip, frame.saturating_sub(1));
                let expected = [before[0] + motion[0], before[1] + motion[1]];
                for token in 0..n {
                    let at = place(expected, token);
                    batch.new_land.push(frame > start && !seen.contains_key(&at));
                    for tap in 0..recall::TAPS {
                        let found = seen.get(&[at[0] + (tap % 3) as i32 - 1, at[1] + (tap / 3) as i32 - 1]);
                        match found.filter(|(when, _)| frame > start && frame - when <= terms.reach) {
                            Some((when, (from, what))) => {
                                let what = if dice.chance(terms.corruption) { dice.below(n) } else { *what };
                                batch.recalled.extend_from_slice(clips.token(clip, *from, what, d));
                                batch.recalled_age.push(recall::age_class((frame - when) as u32) as u8);
                            }
                            None => {
                                batch.recalled.extend(std::iter::repeat_n(0, d));
                                batch.recalled_age.push(0);
                            }
                        }
                    }
                }
            }
            for token in (0..n).filter(|token| !dims.covered.contains(token)) {
                let at = place(clips.view(clip, frame), token);
                let stale = terms.stale.as_ref().filter(|stale| stale.holds(frame, at)).and_then(|stale| {
                    let (_, source) = *seen.get(&at)?;
                    (source.0 < stale.frames.start).then_some(source)
                });
                if let Some((from, what)) = stale
                    && frame >= start
                {
                    let row = (first + frame - start) * n + token;
                    batch.shown[row * d..][..d].copy_from_slice(clips.token(clip, from, what, d));
                }
                seen.insert(at, (frame, stale.unwrap_or((frame, token))));
            }
        }
    }
}
