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
        let Some(dims) = &self.scrolls else { return };
        let frame_dims = *self.frame_dims();
        let (n, d, t) = (self.tokens(), frame_dims.code_dims, batch.frames);
        let first = batch.actions.len() - t;
        let levels = |of: Source| {
            let frame = if terms.blotted { clips.blotted_frame(clip, of.frame) } else { clips.frame(clip, of.frame) };
            &frame[of.token * d..][..d]
        };
        let mut seen = SeenPlaces::default();
        let mut before_change = SeenPlaces::default();
        let mut before_beginning = SeenPlaces::default();
        let steps = (frame_dims.patch_px / dims.step_px) as i32;
        // A memory shows land, never the figure.
        let land: Vec<usize> = (0..frame_dims.patches()).filter(|token| dims.scrolls(*token, &frame_dims)).collect();
        let place = |view: [i32; 2], token: usize| {
            let [gx, gy] = frame_dims.cell(token).map(|at| at as i32);
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
                before_beginning = std::mem::take(&mut seen);
            }
            if frame >= start {
                let motion = self.motions.get(usize::from(batch.actions[first + frame - start])).copied().unwrap_or_default();
                let before = clips.view(clip, frame.saturating_sub(1));
                let expected = [before[0] + motion[0], before[1] + motion[1]];
                // Where a land was asked for what the clip saw earlier may be from before that.
                let land_asked = batch.land_asked.get(first + frame - start).is_some_and(|asked| *asked);
                for token in 0..frame_dims.patches() {
                    let (scrolls, at) = (dims.scrolls(token, &frame_dims), place(expected, token));
                    // A step that something blocks shows nothing new, whatever was expected.
                    let places = [at, place(clips.view(clip, frame), token)];
                    let last = places.map(|at| seen.find(at));
                    let is_older = land_asked && places.iter().any(|at| before_beginning.find(*at).is_some());
                    batch.new_land.push(frame > start && scrolls && !is_older && last.iter().all(Option::is_none));
                    let is_gone = |last: &Option<Seen>| last.is_none_or(|last| frame - last.when > terms.reach.max(1));
                    batch.unknowable.push(scrolls && last.iter().all(is_gone));
                    for tap in 0..recall::TAPS {
                        let found = seen.find([at[0] + (tap % 3) as i32 - 1, at[1] + (tap / 3) as i32 - 1]);
                        match found.filter(|found| frame > start && frame - found.when <= terms.reach) {
                            Some(Seen { when, source, row }) => {
                                let spoilt = dice.chance(terms.corruption);
                                let (token, row) = if spoilt { (land[dice.below(land.len())], NO_ROW) } else { (source.token, row) };
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;
    use somnium::engine::told;
    use somnium::pack::random::{look_manifest, odd_manifest, random_pack};

    use super::*;
    use crate::stages::dynamics::tests::{numbered, stage_of_one_change, stage_with};

    #[test]
    fn stale_places_go_on_showing_what_they_showed() {
        let (device, frames) = (Device::flex(), 6);
        let pack = random_pack(odd_manifest(), 6).expect("a pack");
        let (stage, _) = stage_with(&pack, frames, &device);
        let (n, d) = (stage.tokens(), stage.frame_dims().code_dims);
        let covered = stage.shape.dims.recall.clone().expect("it recalls").covered;
        let clip = numbered(frames, n * d, 5);
        let past = |share: f32| {
            let mut batch = stage.empty_batch(1);
            batch.shown = clip.codes.clone();
            // Whoever does not know the action expects the view to stay.
            batch.actions = vec![stage.shape.dims.actions as u8; frames];
            batch.told = vec![told::LONG_AGO as u8; frames];
            let stale = Some(Stale { frames: 3..5, places: Places { share, side: 1, seed: 1 } });
            stage.push_recall(&clip, (0, 0), &mut batch, RecallTerms { stale, ..RecallTerms::WHOLE }, &mut Dice::new(0, 0));
            batch
        };
        let (all, none) = (past(1.0), past(0.0));
        for token in (0..n).filter(|token| !covered.contains(token)) {
            let shown = |batch: &Batch| (0..frames).map(|frame| usize::from(batch.shown[(frame * n + token) * d])).collect::<Vec<_>>();
            assert_eq!((shown(&all), shown(&none)), (vec![0, 1, 2, 2, 2, 0], vec![0, 1, 2, 3, 4, 0]));
            let recalled = |batch: &Batch, frame: usize| batch.recalled[((frame * n + token) * recall::TAPS + recall::TAPS / 2) * d];
            assert_eq!((recalled(&all, 5), recalled(&none, 5)), (2, 4), "what is stale is recalled");
            assert_eq!((recalled(&all, 3), recalled(&none, 3)), (2, 2), "as long as it is");
        }
    }

    #[test]
    fn a_blip_shows_everything_as_it_was_before_the_change() {
        let (device, frames) = (Device::flex(), 8);
        let pack = random_pack(look_manifest(), 6).expect("a pack");
        let (stage, _) = stage_with(&pack, frames, &device);
        let (n, d, look) = (stage.tokens(), stage.frame_dims().code_dims, stage.frame_dims().patches());
        let covered = stage.shape.dims.recall.clone().expect("it recalls").covered;
        let clip = numbered(frames, n * d, 7);
        let past = |frames_of_it: &[usize]| {
            let mut batch = stage.empty_batch(1);
            batch.shown = clip.codes.clone();
            batch.actions = vec![stage.shape.dims.actions as u8; frames];
            batch.told = vec![told::LONG_AGO as u8; frames];
            let blip = Some(Blip { frames: frames_of_it.to_vec(), change: 3 });
            stage.push_recall(&clip, (0, 0), &mut batch, RecallTerms { blip, ..RecallTerms::WHOLE }, &mut Dice::new(0, 0));
            batch
        };
        let (once, twice, never) = (past(&[4]), past(&[4, 6]), past(&[]));
        for token in (0..n).filter(|token| !covered.contains(token)) {
            let shown = |batch: &Batch| (0..frames).map(|frame| batch.shown[(frame * n + token) * d]).collect::<Vec<_>>();
            assert_eq!(shown(&never), [0, 1, 2, 3, 4, 5, 6, 0]);
            assert_eq!(shown(&once), [0, 1, 2, 3, 2, 5, 6, 0]);
            assert_eq!(shown(&twice), [0, 1, 2, 3, 2, 5, 2, 0]);
            if token == look {
                continue;
            }
            let recalled = |batch: &Batch, frame: usize| batch.recalled[((frame * n + token) * recall::TAPS + recall::TAPS / 2) * d];
            assert_eq!([recalled(&never, 5), recalled(&once, 5), recalled(&once, 6)], [4, 2, 5], "until it is over");
        }
        let ages = |token: usize| &twice.recalled_age[(7 * n + token) * recall::TAPS..][..recall::TAPS];
        assert!(ages(look).iter().all(|age| *age == 0) && ages(0).iter().any(|age| *age > 0), "a look has no place to recall");
    }

    #[test]
    fn a_step_that_something_blocks_shows_no_new_land() {
        let (frames, window) = (20, 6);
        let mut stage = stage_of_one_change(frames, window, frames);
        let step = (stage.frame_dims().patch_px / stage.shape.dims.recall.as_ref().expect("recall").step_px) as i16;
        let east = stage.motions.iter().position(|motion| motion[0] > 0).expect("a way to the right") as u8;
        let (n, w) = (stage.tokens(), stage.frame_dims().grid_w());
        stage.bindings = vec![east];
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        // It goes right by a patch with the third frame alone, and is blocked by something from then on.
        clip.views = (0..frames as i16).flat_map(|frame| [if frame < 2 { 0 } else { step }, 0]).collect();
        let mut batch = stage.empty_batch(1);
        stage.push_window(&stage.clips, (0, 0), &mut batch, &mut Dice::new(6, 1), false);
        let new = |frame: usize| (0..n).filter(|token| batch.new_land[frame * n + token]).collect::<Vec<_>>();
        // The column at the right, and the place that the figure stood on.
        let (shown, figure) = (new(2), stage.shape.dims.recall.as_ref().expect("recall").covered[0]);
        let expected: Vec<usize> = (0..stage.frame_dims().patches()).filter(|token| token % w == w - 1 || *token == figure - 1).collect();
        assert_eq!(shown, expected);
        assert!([1, 3, 4, 5].iter().all(|frame| new(*frame).is_empty()), "blocked");
        assert!((2..window).all(|frame| batch.actions[frame] == east), "though all was asked for");
    }

    #[test]
    fn an_action_nobody_knows_leads_nowhere() {
        let (frames, window) = (20, 6);
        let mut stage = stage_of_one_change(frames, window, 12);
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        // One step to the east every frame.
        clip.views = (0..frames as i16).flat_map(|frame| [frame, 0]).collect();
        stage.motions[0] = [1, 0];
        let n = stage.tokens();
        let (mut frames, mut with_new_land) = ([0.0; 2], [0.0; 2]);
        for seed in 0..400 {
            let mut batch = stage.empty_batch(1);
            stage.push_window(&stage.clips, (0, 5), &mut batch, &mut Dice::new(9, seed), true);
            for frame in 1..window {
                let unknown = usize::from(batch.actions[frame]) == stage.shape.dims.actions;
                let any_new = batch.new_land[frame * n..][..n].contains(&true);
                frames[usize::from(unknown)] += 1.0;
                with_new_land[usize::from(unknown)] += f64::from(u8::from(any_new));
            }
        }
        // Whoever stays has all in sight already, but for a view that slipped.
        let [known, unknown] = [0, 1].map(|i| with_new_land[i] / frames[i]);
        assert!(frames[1] > 20.0 && known > 0.9 && unknown < 0.2, "{frames:?} frames, new land in {known} and {unknown} of them");
        // What nobody could know is never guessed into the history, whatever else is.
        let mut guessed = [0; 2];
        for batch in (0..60).map(|seed| stage.training_batch(&mut Dice::new(9, seed))) {
            let own = batch.own.iter().zip(&batch.new_land).filter(|(own, _)| **own);
            own.for_each(|(_, new)| guessed[usize::from(*new)] += 1);
        }
        assert!(guessed[0] > 100 && guessed[1] == 0, "{guessed:?}");
    }
}
