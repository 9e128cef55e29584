//! What tokens recall of the past while training, and how it is spoiled.

use std::collections::HashMap;
use std::ops::Range;

use somnium::engine::recall;

use crate::looks;
use crate::source::Dice;
use crate::tokens::TokenClips;

use super::DynamicsStage;
use super::batch::{Batch, NO_ROW};

/// Which part of the past a clip recalls, and how well.
#[derive(Clone)]
pub(super) struct RecallTerms {
    /// Frames ago of the oldest.
    pub(super) reach: usize,
    /// What was seen before the window is older by so many frames.
    pub(super) away: usize,
    /// Share of tokens in whose place another's are recalled.
    pub(super) corruption: f32,
    /// From this frame of the clip on, what was seen before it lies beside its place by these steps.
    pub(super) slip: Option<(usize, [i32; 2])>,
    pub(super) stale: Option<Stale>,
    pub(super) blip: Option<Blip>,
    /// What was seen had blots.
    pub(super) blotted: bool,
    /// The window is all there ever was.
    pub(super) begins: bool,
}

impl RecallTerms {
    /// All that was seen, exactly.
    pub(super) const WHOLE: Self =
        Self { reach: usize::MAX, away: 0, corruption: 0.0, slip: None, stale: None, blip: None, blotted: false, begins: false };
}

/// Places of the world in square patches, chosen by chance.
#[derive(Clone)]
pub(super) struct Places {
    pub(super) share: f32,
    /// Side of a patch, in steps.
    pub(super) side: i32,
    pub(super) seed: u64,
}

impl Places {
    fn hold(&self, place: [i32; 2]) -> bool {
        let [x, y] = place.map(|at| u64::from(at.div_euclid(self.side).cast_unsigned()));
        Dice::new(self.seed, (x << 32) | y).chance(self.share)
    }
}

/// Places that go on showing what they showed before.
#[derive(Clone)]
pub(super) struct Stale {
    /// Frames of the clip in which they do.
    pub(super) frames: Range<usize>,
    pub(super) places: Places,
}

/// Frames that show everything as it was before a change: a dream may take one frame for another land, and every frame recalls it from then on.
#[derive(Clone)]
pub(super) struct Blip {
    pub(super) frames: Vec<usize>,
    /// First frame of the clip after the change.
    pub(super) change: usize,
}

/// Whose token a place shows.
#[derive(Clone, Copy)]
struct Source {
    frame: usize,
    token: usize,
}

/// What was last seen at a place: when, whose token, and the row of the batch that shows it.
#[derive(Clone, Copy)]
struct Seen {
    when: usize,
    source: Source,
    row: u32,
}

/// What was last seen at every place.
#[derive(Clone, Default)]
struct SeenPlaces(HashMap<[i32; 2], Seen>);

impl SeenPlaces {
    fn find(&self, at: [i32; 2]) -> Option<Seen> {
        self.0.get(&at).copied()
    }

    /// Everything lies aside by so many steps.
    fn slip(&mut self, aside: [i32; 2]) {
        self.0 = self.0.drain().map(|(at, what)| ([at[0] + aside[0], at[1] + aside[1]], what)).collect();
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
        let levels = |of: Source| {
            let frame = if terms.blotted { clips.blotted_frame(clip, of.frame) } else { clips.frame(clip, of.frame) };
            &frame[of.token * d..][..d]
        };
        let mut seen = SeenPlaces::default();
        let mut before_change = SeenPlaces::default();
        let steps = (frame_dims.patch_px / dims.step_px) as i32;
        let place = |view: [i32; 2], token: usize| {
            let (gx, gy) = ((token % frame_dims.grid_w()) as i32, (token / frame_dims.grid_w()) as i32);
            [view[0] + steps * gx, view[1] + steps * gy]
        };
        for frame in 0..start + t {
            if let Some((when, aside)) = terms.slip
                && frame == when
            {
                seen.slip(aside);
            }
            if terms.blip.as_ref().is_some_and(|blip| blip.change == frame) {
                before_change = seen.clone();
            }
            if frame == start && terms.begins {
                seen = SeenPlaces::default();
            }
            if frame >= start {
                let motion = self.motions.get(usize::from(batch.actions[first + frame - start])).copied().unwrap_or_default();
                let before = clips.view(clip, frame.saturating_sub(1));
                let expected = [before[0] + motion[0], before[1] + motion[1]];
                for token in 0..frame_dims.patches() {
                    let (scrolls, at) = (dims.scrolls(token, &frame_dims), place(expected, token));
                    // A step that something blocks shows nothing new, whatever was expected.
                    let last = [at, place(clips.view(clip, frame), token)].map(|at| seen.find(at));
                    batch.new_land.push(frame > start && scrolls && last.iter().all(Option::is_none));
                    let is_gone = |last: &Option<Seen>| last.is_none_or(|last| frame - last.when > terms.reach.max(1));
                    batch.unknowable.push(scrolls && last.iter().all(is_gone));
                    for tap in 0..recall::TAPS {
                        let found = seen.find([at[0] + (tap % 3) as i32 - 1, at[1] + (tap / 3) as i32 - 1]);
                        match found.filter(|found| frame > start && frame - found.when <= terms.reach) {
                            Some(Seen { when, source, row }) => {
                                let spoilt = dice.chance(terms.corruption);
                                let (token, row) = if spoilt { (dice.below(frame_dims.patches()), NO_ROW) } else { (source.token, row) };
                                let age = frame - when + if when < start { terms.away } else { 0 };
                                batch.recall_levels(levels(Source { token, ..source }), recall::age_class(age as u32), row);
                            }
                            None => batch.recall_nothing(d),
                        }
                    }
                }
                // A look has no place.
                for _ in frame_dims.patches()..n {
                    batch.new_land.push(false);
                    batch.unknowable.push(false);
                    (0..recall::TAPS).for_each(|_| batch.recall_nothing(d));
                }
            }
            for token in (0..n).filter(|token| dims.scrolls(*token, &frame_dims)) {
                let at = place(clips.view(clip, frame), token);
                let stale = || {
                    let stale = terms.stale.as_ref().filter(|stale| stale.frames.contains(&frame) && stale.places.hold(at))?;
                    seen.find(at).filter(|seen| seen.source.frame < stale.frames.start)
                };
                let blip = || terms.blip.as_ref().filter(|blip| blip.frames.contains(&frame)).and_then(|_| before_change.find(at));
                let instead = stale().or_else(blip).map(|seen| seen.source);
                let row = (frame >= start).then(|| (first + frame - start) * n + token);
                if let (Some(row), Some(source)) = (row, instead) {
                    batch.shown[row * d..][..d].copy_from_slice(levels(source));
                }
                let source = instead.unwrap_or(Source { frame, token });
                seen.0.insert(at, Seen { when: frame, source, row: row.map_or(NO_ROW, |row| row as u32) });
            }
            if let Some(blip) = terms.blip.as_ref().filter(|blip| frame >= start && blip.frames.contains(&frame)) {
                // The look before the change; of a rain that falls in turns the frame's own.
                let last = blip.change - 1;
                let before = last - ((frame - last) % looks::TURNS).min(last);
                for token in frame_dims.patches()..n {
                    let row = (first + frame - start) * n + token;
                    batch.shown[row * d..][..d].copy_from_slice(levels(Source { frame: before, token }));
                }
            }
        }
    }
}
