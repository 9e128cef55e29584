//! Which windows of which clips are trained on, and what of their past is spoiled.

use std::ops::Range;

use somnium::engine::{recall, told};

use super::DynamicsStage;
use super::batch::Batch;
use super::masks::CORRUPTION_PER_LEVEL;
use super::past::{Blip, Places, RecallTerms, Stale};
use super::recolour::Recoloured;
use crate::looks;
use crate::source::Dice;
use crate::tokens::{NO_WORD, NONE, TokenClips};

/// Share of windows chosen for words that change in them: one frame in which all is drawn anew teaches what a hundred others cannot. In the
/// others words stay what they are, as at play: with changes in two windows of three, dreams forgot how to go on.
const CHANGE_SHARE: f32 = 0.5;
/// Share of the others chosen for another land that comes into view by itself. It does so at few steps, and a token of it there, all alone, is more often one that was spoilt than the
/// first of a land: dreams that saw such borders as seldom as they are let none begin, and stayed in one land four times as long as the world does.
const LAND_TURN_SHARE: f32 = 0.4;
/// Share of the rest, and of frames that come out of nothing, chosen for a part of a village: houses are the largest things there are, nine tokens of which
/// each has to know the others, and in few frames.
const VILLAGE_SHARE: f32 = 0.3;
/// Share of windows without such a change in which one part of the look turns with its word, and nothing else does.
const RECOLOURED_SHARE: f32 = 0.25;
/// Frames of such a window before the change, at most, where it has as many.
pub(super) const MOST_BEFORE_CHANGE: usize = 5;
/// The most frames since a change that is soon after.
const MOST_AFTER_CHANGE: usize = 16;
/// Windows passed over at most for one that fits.
const MOST_WINDOWS_TRIED: usize = 20;
/// Share of windows without any prompt, how most people play, by how long ago what is wished last changed: never, not within [`MOST_AFTER_CHANGE`]
/// frames, before the window, in it. Nothing is to change by itself.
const PROMPTLESS_SHARES: [f32; 4] = [0.7, 0.4, 0.15, 0.03];
/// The same, at most, of windows of clips that ask for a land or a feature when they begin: what comes into view there does not come by itself, and teaches
/// nothing where nothing is said.
const PROMPTLESS_ASKED_SHARE: f32 = 0.1;
/// Share of windows all of whose frames come out of nothing, each described by its words, and of others whose first frame does.
const OUT_OF_NOTHING_SHARE: f32 = 0.3;
const DESCRIBED_START_SHARE: f32 = 0.6;
/// Share of windows with a change in which nothing was said before it.
const FIRST_WORDS_SHARE: f32 = 0.35;
/// Share of windows in which words that come later were said from the start and went unheard until then: a dream that did not follow is to
/// follow all the same.
const UNHEARD_SHARE: f32 = 0.35;
/// Frames ago, at most, that such words were said when the window begins.
const LONGEST_UNHEARD: usize = 80;
/// Share of windows in or soon after a change after which some places go on showing, in the history and on the map, what they showed before
/// it: dreams leave such patches behind, and are to mend them. The largest share of places that do, and sides of a patch, in steps.
const STALE_SHARE: f32 = 0.5;
const MOST_STALE: f32 = 0.9;
const STALE_SIDES: [i32; 3] = [1, 2, 4];
/// Share of windows after a change in which a frame, or two with one between them, shows everything as it was before.
const BLIP_SHARE: f32 = 0.3;
/// Share of windows whose past has blots: what a dream got wrong is mended, not gone on with.
const BLOTTED_SHARE: f32 = 0.15;
const ACTION_DROP_SHARE: f32 = 0.03;
/// Share of windows in which a frame stands twice under the code that means standing still, where clips never show any.
const RESTING_SHARE: f32 = 0.3;
/// Share of clips that recall nothing, of clips that recall only their latest frames, and of clips in which the view slipped by a step:
/// what was seen before lies beside its place.
const NO_RECALL_SHARE: f32 = 0.1;
const SHORT_RECALL_SHARE: f32 = 0.25;
const SLIPPED_RECALL_SHARE: f32 = 0.05;
/// Share of clips in which nothing was seen before the window.
const BEGINNING_SHARE: f32 = 0.15;
/// Share of windows before which one was away for a while, and how many frames at most: clips end before land is as old as what one comes back to at play.
const AWAY_SHARE: f32 = 0.3;
const LONGEST_AWAY: usize = 400;

/// Frames of a clip at which its words change, seen from a window.
#[derive(Clone, Copy)]
struct Changes {
    /// The first one within.
    within: Option<usize>,
    /// The last one before, up to the window's first frame; and the same where it is soon after.
    before: Option<usize>,
    recent: Option<usize>,
}

impl Changes {
    fn around(window: Range<usize>, changes: impl Fn(usize) -> bool) -> Self {
        let start = window.start;
        let within = (start + 1..window.end).find(|frame| changes(*frame));
        let before = (1..=start).rfind(|frame| changes(*frame));
        Self { within, before, recent: before.filter(|frame| frame + MOST_AFTER_CHANGE > start) }
    }

    fn promptless_share(self) -> f32 {
        match (self.before, self.recent, self.within) {
            (_, _, Some(_)) => PROMPTLESS_SHARES[3],
            (_, Some(_), _) => PROMPTLESS_SHARES[2],
            (Some(_), None, _) => PROMPTLESS_SHARES[1],
            (None, _, _) => PROMPTLESS_SHARES[0],
        }
    }
}

/// What is made of a window's words and pictures.
struct Telling {
    recoloured: Option<Recoloured>,
    promptless: bool,
    /// Nothing is said before this frame.
    silent_before: usize,
    /// Before this frame its words were said already, and went unheard.
    unheard_before: usize,
    /// The first frame's words say what it shows.
    described_start: bool,
    blotted: bool,
}

impl Telling {
    /// The words of a frame but for those that describe it, padded.
    fn said(&self, clips: &TokenClips, clip: usize, frame: usize) -> Vec<u16> {
        let silent = self.promptless || (self.unheard_before == 0 && frame < self.silent_before);
        let words = match &self.recoloured {
            Some(other) if frame >= other.at => &other.words,
            _ => clips.frame_words(clip, frame.max(self.unheard_before)),
        };
        words.iter().map(|word| if silent { NO_WORD } else { *word }).collect()
    }
}

impl DynamicsStage {
    /// Windows of clips to train on, and behind them frames that come out of nothing: all but gaps and masks.
    pub(super) fn windows_to_train_on(&self, dice: &mut Dice) -> Batch {
        let t = self.preset.dynamics_frames;
        let mut batch = self.empty_batch(self.preset.dynamics_batch);
        let nothing = (0..batch.clips).filter(|_| dice.chance(OUT_OF_NOTHING_SHARE)).count();
        for clip in 0..batch.clips - nothing {
            let (number, start) = self.choose_window(dice);
            if let Some(rest) = self.rests.filter(|_| dice.chance(RESTING_SHARE)) {
                let clips = self.clips.with_frame_twice(number, start + dice.below(t - 1), start + t, Some(rest));
                self.push_window(&clips, (0, start), &mut batch, dice, true);
            } else if self.preset.doubled > 0.0 && dice.chance(self.preset.doubled) {
                let twice = dice.below(t - 1);
                // What a key that did nothing shows is no example to follow.
                batch.untaught.push(clip * t + twice + 1);
                let clips = self.clips.with_frame_twice(number, start + twice, start + t, None);
                self.push_window(&clips, (0, start), &mut batch, dice, true);
            } else {
                self.push_window(&self.clips, (number, start), &mut batch, dice, true);
            }
        }
        // Last, since nobody sees a past there.
        (0..nothing).for_each(|_| self.push_out_of_nothing(&mut batch, dice));
        batch
    }

    /// Clip and first frame of a window to train on: one chosen for a change of words, or one without any, and in either nothing turns by
    /// itself, if there are such. A dream draws its tokens apart, so that a turn of the light that could come at any time would come to
    /// one token here and one there.
    fn choose_window(&self, dice: &mut Dice) -> (usize, usize) {
        let last_start = self.clips.frames - self.preset.dynamics_frames;
        let changing = !self.changes.is_empty() && dice.chance(CHANGE_SHARE);
        let turning = !changing && !self.land_turns.is_empty() && dice.chance(LAND_TURN_SHARE);
        let any = |dice: &mut Dice| {
            let (clip, frame) = match (changing, turning) {
                (true, _) => {
                    let (clip, frame) = self.changes[dice.below(self.changes.len())];
                    (clip, frame.saturating_sub(1 + dice.below(MOST_BEFORE_CHANGE)))
                }
                (_, true) => {
                    // A land that fills most of the view came in half a view before.
                    let (clip, frame) = self.land_turns[dice.below(self.land_turns.len())];
                    let half = self.preset.dynamics_frames / 2;
                    (clip, frame.saturating_sub(half + dice.below(half + 1)))
                }
                _ => match self.village(dice) {
                    Some((clip, frame)) => (clip, frame.saturating_sub(dice.below(self.preset.dynamics_frames))),
                    None => (dice.below(self.clips.clips), dice.below(last_start + 1)),
                },
            };
            (clip, frame.min(last_start))
        };
        let fits = |(clip, start): (usize, usize)| {
            let mut rest = start + 1..start + self.preset.dynamics_frames;
            !self.clips.turns_untold(clip, rest.clone()) && (changing || !rest.any(|frame| self.clips.words_change(clip, frame)))
        };
        let mut window = any(dice);
        for _ in 0..MOST_WINDOWS_TRIED {
            if fits(window) {
                break;
            }
            window = any(dice);
        }
        window
    }

    /// A frame with a part of a village, now and then.
    fn village(&self, dice: &mut Dice) -> Option<(usize, usize)> {
        (!self.villages.is_empty() && dice.chance(VILLAGE_SHARE)).then(|| self.villages[dice.below(self.villages.len())])
    }

    /// A clip's window of frames with everything but the masks, appended to `batch`. `spoil`: the past as training has it, with gaps.
    pub(super) fn push_window(&self, clips: &TokenClips, (clip, start): (usize, usize), batch: &mut Batch, dice: &mut Dice, spoil: bool) {
        let (t, unknown_action) = (self.preset.dynamics_frames, self.shape.dims.unknown_action());
        let use_recorded = self.recorded_only || dice.chance(0.5);
        let changes = Changes::around(start..start + t, |frame| clips.words_change(clip, frame));
        let telling = self.telling(clips, (clip, start), changes, dice, spoil);
        let said = |frame: usize| telling.said(clips, clip, frame);
        // Since when words are the same.
        let mut age = match changes.before {
            _ if telling.unheard_before > 0 => Some(dice.below(LONGEST_UNHEARD)),
            Some(change) if said(start).iter().any(|word| *word != NO_WORD) => Some(start - change),
            _ => None,
        };
        let mut land_asked = self.captions_are_wishes && clips.land_was_asked_for(clip, start);
        let first_frame = batch.actions.len();
        batch.untaught.extend((start..telling.unheard_before).map(|frame| first_frame + frame - start));
        batch.nothing.push(false);
        for frame in start..start + t {
            batch.truth.extend_from_slice(clips.frame(clip, frame));
            batch.shown.extend_from_slice(if telling.blotted { clips.blotted_frame(clip, frame) } else { clips.frame(clip, frame) });
            if let Some(look) = telling.recoloured.as_ref().and_then(|other| other.look(frame)) {
                for codes in [&mut batch.truth, &mut batch.shown] {
                    let at = codes.len() - look.len();
                    codes[at..].copy_from_slice(look);
                }
            }
            let code = self.code_into(clips, (clip, frame), use_recorded);
            let unknown = frame == start || code == NONE || (spoil && dice.chance(ACTION_DROP_SHARE));
            batch.actions.push(if unknown { unknown_action } else { code });
            if telling.described_start && frame == start {
                batch.words.extend_from_slice(clips.frame_described(clip, frame));
            } else {
                batch.words.extend(said(frame));
            }
            if frame > start {
                let is_silent = said(frame).iter().all(|word| *word == NO_WORD);
                age = match age {
                    _ if is_silent => None,
                    age if said(frame) == said(frame - 1) => age.map(|age| age + 1),
                    _ => Some(0),
                };
            }
            batch.told.push(age.map_or(told::LONG_AGO, |age| told::class(age as u32)) as u8);
            land_asked |= self.captions_are_wishes && clips.asks_of_the_land(clip, frame);
            batch.land_asked.push(land_asked);
        }
        let terms = if spoil { self.spoilt_recall(start, changes, &telling, dice) } else { RecallTerms::WHOLE };
        self.push_recall(clips, (clip, start), batch, terms, dice);
    }

    /// What is made of the window of a clip from `start` on; `spoil`: as training has it.
    fn telling(&self, clips: &TokenClips, (clip, start): (usize, usize), changes: Changes, dice: &mut Dice, spoil: bool) -> Telling {
        let recolours = spoil && changes.within.is_none() && dice.chance(RECOLOURED_SHARE);
        let recoloured = if recolours { self.recolour(clips, (clip, start), dice) } else { None };
        let asks_of_the_land = self.captions_are_wishes && clips.asks_of_the_land(clip, start);
        let most_promptless = if asks_of_the_land { PROMPTLESS_ASKED_SHARE } else { 1.0 };
        let turns = Changes::around(start..start + self.preset.dynamics_frames, |frame| self.wish_changes(clips, (clip, frame)));
        let promptless = recoloured.is_none() && dice.chance(turns.promptless_share().min(most_promptless));
        let silent_before = if dice.chance(FIRST_WORDS_SHARE) { changes.within.unwrap_or(0) } else { 0 };
        let mut telling = Telling { recoloured, promptless, silent_before, unheard_before: 0, described_start: false, blotted: false };
        if spoil {
            if !promptless && dice.chance(UNHEARD_SHARE) {
                telling.unheard_before = changes.within.unwrap_or(0);
            }
            telling.described_start = dice.chance(DESCRIBED_START_SHARE);
            telling.blotted = dice.chance(BLOTTED_SHARE);
        }
        telling
    }

    /// Whether what is wished changes in a frame of a clip, and not its wording alone: where nothing is wished, a scene is put in other words now and then.
    /// Words do not say which it is, but another wish of light, weather, season or style is another look.
    fn wish_changes(&self, clips: &TokenClips, (clip, frame): (usize, usize)) -> bool {
        let look = |frame: usize| &clips.frame(clip, frame)[self.frame_dims().patches() * self.frame_dims().code_dims..];
        let look_stays =
            || !look(frame).is_empty() && (frame.saturating_sub(looks::TURNS)..frame).any(|before| look(before) == look(frame));
        clips.words_change(clip, frame) && (clips.land_was_asked_for(clip, frame) || !look_stays())
    }

    /// The latent code that leads into a frame of a clip; [`NONE`] where there is none.
    fn code_into(&self, clips: &TokenClips, (clip, frame): (usize, usize), use_recorded: bool) -> u8 {
        let at = clip * clips.frames + frame;
        let (recorded, inferred) = (clips.recorded[at], clips.inferred[at]);
        let bound = if recorded == NONE { NONE } else { self.bindings[usize::from(recorded)] };
        // Of a step that does not move, or in which all turns under new words, the latent action model knows little; what was recorded is
        // believed.
        let moved = frame > 0 && clips.view(clip, frame) != clips.view(clip, frame - 1);
        let told_apart = moved && !clips.words_change(clip, frame);
        if (bound != NONE && (use_recorded || !told_apart)) || inferred == NONE { bound } else { inferred }
    }

    /// How little a window from frame `start` of its clip on recalls, and how badly.
    fn spoilt_recall(&self, start: usize, changes: Changes, telling: &Telling, dice: &mut Dice) -> RecallTerms {
        let t = self.preset.dynamics_frames;
        let mut terms = RecallTerms { blotted: telling.blotted, ..RecallTerms::WHOLE };
        if dice.chance(NO_RECALL_SHARE) {
            terms.reach = 0;
        } else if dice.chance(SHORT_RECALL_SHARE) {
            terms.reach = 1 + dice.below(t);
        }
        terms.corruption = CORRUPTION_PER_LEVEL * dice.unit();
        terms.begins = dice.chance(BEGINNING_SHARE);
        if dice.chance(AWAY_SHARE) {
            terms.away = dice.below(LONGEST_AWAY);
        }
        if dice.chance(SLIPPED_RECALL_SHARE) {
            let aside = [[1, 0], [-1, 0], [0, 1], [0, -1]];
            terms.slip = Some((start + 1 + dice.below(t), aside[dice.below(4)]));
        }
        if let Some(change) = changes.within.or(changes.recent)
            && !telling.promptless
            && dice.chance(STALE_SHARE)
        {
            terms.stale = Some(Stale {
                frames: change..change.max(start) + 1 + dice.below(t),
                places: Places { share: MOST_STALE * dice.unit(), side: STALE_SIDES[dice.below(STALE_SIDES.len())], seed: dice.next() },
            });
        }
        if let Some(change) = changes.before.filter(|_| dice.chance(BLIP_SHARE)) {
            let first = start + dice.below(t - 1);
            let frames = if dice.chance(0.5) { vec![first] } else { vec![first, first + 2] };
            terms.blip = Some(Blip { frames, change });
        }
        terms
    }

    /// Frames that come out of nothing but the words that describe them, appended to `batch`: pairs of frames of one clip each, since they have
    /// no past that could tie them together, and words and looks to learn are many.
    fn push_out_of_nothing(&self, batch: &mut Batch, dice: &mut Dice) {
        let (t, n, clips) = (self.preset.dynamics_frames, self.tokens(), &self.clips);
        batch.nothing.push(true);
        let mut place = (0, 0);
        for i in 0..t {
            place = match i % 2 {
                0 => self.village(dice).unwrap_or_else(|| (dice.below(clips.clips), dice.below(clips.frames))),
                _ => (place.0, dice.below(clips.frames)),
            };
            let (clip, frame) = place;
            batch.truth.extend_from_slice(clips.frame(clip, frame));
            batch.shown.extend_from_slice(clips.frame(clip, frame));
            batch.actions.push(self.shape.dims.unknown_action());
            batch.words.extend_from_slice(clips.frame_described(clip, frame));
            batch.told.push(told::LONG_AGO as u8);
            batch.land_asked.push(false);
            if self.scrolls.is_some() {
                batch.new_land.extend(std::iter::repeat_n(false, n));
                batch.unknowable.extend(std::iter::repeat_n(false, n));
                (0..n * recall::TAPS).for_each(|_| batch.recall_nothing(self.frame_dims().code_dims));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use somnium::prompt::WordTable;

    use super::*;
    use crate::stages::dynamics::batch::Token;
    use crate::stages::dynamics::tests::stage_of_one_change;

    #[test]
    fn windows_are_chosen_for_lands_that_come_into_view() {
        let mut stage = stage_of_one_change(60, 11, 2);
        let shown = |stage: &DynamicsStage| {
            let mut dice = Dice::new(5, 5);
            let starts: Vec<usize> = (0..400).map(|_| stage.choose_window(&mut dice).1).collect();
            starts.iter().filter(|start| (30..=35).contains(*start)).count()
        };
        let by_chance = shown(&stage);
        // Half a view before it fills most of the view, and a whole window at most.
        stage.land_turns = vec![(0, 40)];
        let for_it = shown(&stage);
        assert!(by_chance < 50 && for_it > by_chance + 40, "{by_chance} and {for_it} of 400 windows show how it comes");
    }

    #[test]
    fn villages_are_chosen_more_often_than_they_come() {
        let (frames, window) = (60, 6);
        let mut stage = stage_of_one_change(frames, window, 59);
        stage.changes.clear();
        let shows = |stage: &DynamicsStage| {
            let dice = |seed| Dice::new(5, seed);
            let windows = (0..400).map(|seed| stage.choose_window(&mut dice(seed)).1);
            windows.filter(|start| (*start..start + window).contains(&30)).count()
        };
        let before = shows(&stage);
        stage.villages = vec![(0, 30)];
        assert!(shows(&stage) > before + 60, "{} windows of 400 show the village, {before} by themselves", shows(&stage));
    }

    /// So many windows of a clip all of whose frames are under this word, which is a wish or a caption, none of them spoilt.
    fn windows_under(word: &str, is_wish: bool, windows: u64) -> Vec<Batch> {
        let mut stage = stage_of_one_change(20, 6, 20);
        stage.captions_are_wishes = is_wish;
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        clip.words.fill(WordTable::get().find(word).expect("a word"));
        let batch_of = |seed| {
            let mut batch = stage.empty_batch(1);
            stage.push_window(&stage.clips, (0, 3), &mut batch, &mut Dice::new(5, seed), false);
            batch
        };
        (0..windows).map(batch_of).collect()
    }

    #[test]
    fn windows_that_ask_of_the_land_are_seldom_without_words() {
        let promptless = |word: &str, is_wish: bool| {
            let silent = |batch: &&Batch| batch.words.iter().all(|word| *word == NO_WORD);
            windows_under(word, is_wish, 400).iter().filter(silent).count()
        };
        let [feature, land, light] = ["ruins", "forest", "night"].map(|word| promptless(word, true));
        assert!((20..65).contains(&feature) && (20..65).contains(&land), "{feature} and {land} of 400 windows under ruins and a land");
        assert!((240..320).contains(&light), "{light} of 400 under a light");
        // Whoever recorded a forest asked for none.
        let recorded = promptless("forest", false);
        assert!((240..320).contains(&recorded), "{recorded} of 400 of recordings of a forest");
    }

    #[test]
    fn another_wording_is_no_wish() {
        let (frames, change) = (20, 12);
        let mut stage = stage_of_one_change(frames, 6, change);
        let (n, d) = (stage.tokens(), stage.frame_dims().code_dims);
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        let words = clip.words_per_frame;
        let [night, forest] = ["night", "forest"].map(|word| WordTable::get().find(word).expect("a word"));
        clip.words.fill(night);
        clip.words[change * words + 1..][..1].fill(NO_WORD);
        let at = |stage: &DynamicsStage| (0..frames).filter(|frame| stage.wish_changes(&stage.clips, (0, *frame))).collect::<Vec<_>>();
        // Every frame of the clip has a look of its own.
        assert_eq!(at(&stage), [change, change + 1]);
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        for frame in clip.codes.chunks_exact_mut(n * d) {
            frame[(n - 1) * d..].fill(1);
        }
        assert_eq!(at(&stage), [0; 0]);
        // Whoever asked for a land once has it from then on, whatever is said.
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        clip.words[(change - 4) * words..][..words].fill(forest);
        assert_eq!(at(&stage), [change - 4, change - 3, change, change + 1]);
        let asked: Vec<bool> = (0..frames).map(|frame| stage.clips.land_was_asked_for(0, frame)).collect();
        assert_eq!(asked, (0..frames).map(|frame| frame >= change - 4).collect::<Vec<_>>());
    }

    #[test]
    fn a_land_or_a_feature_that_is_said_is_wished_though_no_words_change() {
        let wished = |word: &str, is_wish: bool| -> HashSet<bool> {
            windows_under(word, is_wish, 20).into_iter().flat_map(|batch| batch.land_asked).collect()
        };
        assert_eq!(["ruins", "forest"].map(|word| wished(word, true)), [HashSet::from([true]), HashSet::from([true])]);
        assert_eq!(wished("night", true), HashSet::from([false]));
        // A caption is no wish.
        assert_eq!(wished("forest", false), HashSet::from([false]));
    }

    #[test]
    fn some_pasts_have_blots_and_the_truth_has_none() {
        let mut stage = stage_of_one_change(20, 6, 12);
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        clip.blotted.iter_mut().for_each(|code| *code = 4 - *code % 2);
        let truth = clip.codes.clone();
        let windows = |spoil: bool| {
            let batch_of = |seed| {
                let mut batch = stage.empty_batch(1);
                stage.push_window(&stage.clips, (0, 3), &mut batch, &mut Dice::new(5, seed), spoil);
                batch
            };
            let batches: Vec<Batch> = (0..100).map(batch_of).collect();
            let start = 3 * stage.frame_dims().code_bytes();
            assert!(batches.iter().all(|batch| batch.truth == truth[start..start + batch.truth.len()]));
            batches.iter().filter(|batch| batch.shown != batch.truth).count()
        };
        assert!((6..26).contains(&windows(true)));
        assert_eq!(windows(false), 0);
    }

    #[test]
    fn places_stay_stale_into_windows_that_begin_after_the_change() {
        let (frames, window, change, start) = (20, 6, 4, 9);
        let stage = stage_of_one_change(frames, window, change);
        let d = stage.frame_dims().code_bytes();
        let (mut spoiled, mut faithful) = (0, 0);
        for seed in 0..200 {
            let mut batch = stage.empty_batch(1);
            stage.push_window(&stage.clips, (0, start), &mut batch, &mut Dice::new(5, seed), seed % 2 == 0);
            // Nothing but what was last seen before the change, of a look in either of two frames, ever stands in for a frame.
            let before = [change - 1, change - 2].map(|frame| (frame % 5) as u8);
            let stale = |(row, shown): (usize, &u8)| *shown != batch.truth[row] && before.contains(shown);
            let apart = batch.shown.iter().zip(&batch.truth).filter(|(shown, truth)| shown != truth).count();
            assert_eq!(apart, batch.shown.iter().enumerate().filter(|shown| stale(*shown)).count());
            *if seed % 2 == 0 { &mut spoiled } else { &mut faithful } += usize::from(apart > d);
        }
        assert!(spoiled > 10 && faithful == 0, "{spoiled} of 100 windows hold stale places, {faithful} where nothing is spoiled");
    }

    #[test]
    fn words_that_went_unheard_are_said_earlier() {
        let (frames, window, change, start) = (20, 6, 12, 9);
        let stage = stage_of_one_change(frames, window, change);
        let (n, words) = (stage.tokens(), stage.shape.dims.prompt_words);
        let mut unheard = 0;
        for seed in 0..200 {
            let mut dice = Dice::new(5, seed);
            let mut batch = stage.empty_batch(1);
            stage.push_window(&stage.clips, (0, start), &mut batch, &mut dice, true);
            let said = |frame: usize| batch.words[frame * words];
            assert!(said(3) == 1 || said(3) == NO_WORD);
            assert!(said(0) != 1 || said(1) == 1, "the first frame may be described");
            let early = said(1) == 1;
            assert_eq!(batch.untaught, if early { vec![0, 1, 2] } else { Vec::new() });
            // Words are news where they change; those that went unheard no more.
            let heard_late = said(3) == 1 && !early;
            assert_eq!(batch.told[3] == 0, heard_late, "{:?}", batch.told);
            assert!(!heard_late || batch.told[4..] == [1, 1]);
            unheard += usize::from(early);
        }
        assert!((40..110).contains(&unheard), "{unheard} of 200 windows");
        let batch = (0..).map(|seed| stage.training_batch(&mut Dice::new(6, seed))).find(|batch| !batch.untaught.is_empty()).expect("one");
        let counts = |frame: usize| batch.weights[frame * n..][..n].iter().any(|weight| *weight > 0.0);
        assert!(batch.untaught.iter().all(|frame| !counts(*frame)));
        assert!((0..batch.clips * batch.frames).any(counts), "the others are taught");
    }

    #[test]
    fn villages_come_out_of_nothing_more_often_than_they_are_there() {
        let (frames, at) = (60, 30);
        let mut stage = stage_of_one_change(frames, 6, 59);
        let (of_a_frame, first) = (stage.frame_dims().code_bytes(), at * stage.frame_dims().code_bytes());
        Arc::get_mut(&mut stage.clips).expect("nobody else has them").codes[first..first + of_a_frame].fill(9);
        let shown = |stage: &DynamicsStage| {
            let (mut villages, mut all) = (0, 0);
            for batch in (0..40).map(|seed| stage.training_batch(&mut Dice::new(7, seed))) {
                let first_levels = batch.truth.chunks_exact(of_a_frame).map(|frame| frame[0]);
                for (_, level) in (0..).zip(first_levels).filter(|(frame, _)| batch.nothing[frame / batch.frames]) {
                    villages += u32::from(level == 9);
                    all += 1;
                }
            }
            100 * villages / all
        };
        let by_themselves = shown(&stage);
        stage.villages = vec![(0, at)];
        let chosen = shown(&stage);
        assert!(by_themselves < 5 && (10..25).contains(&chosen), "{by_themselves} and {chosen} of 100 frames show it");
    }

    #[test]
    fn frames_out_of_nothing_are_described_and_come_in_pairs_from_everywhere() {
        let (frames, window, clips) = (20, 6, 8);
        let mut stage = stage_of_one_change(frames, window, 12);
        let (n, words) = (stage.tokens(), stage.shape.dims.prompt_words);
        let all = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        all.clips = clips;
        (all.codes, all.blotted, all.views) = (all.codes.repeat(clips), all.blotted.repeat(clips), all.views.repeat(clips));
        (all.recorded, all.inferred, all.untold) = (all.recorded.repeat(clips), all.inferred.repeat(clips), all.untold.repeat(clips));
        (all.words, all.described) =
            (all.words.repeat(clips), (0..clips as u16).flat_map(|clip| vec![10 + clip; frames * words]).collect());
        let (mut windows, mut sources) = ([0; 2], HashSet::new());
        for seed in 0..60 {
            let batch = stage.training_batch(&mut Dice::new(7, seed));
            for (clip, nothing) in batch.nothing.iter().enumerate() {
                windows[usize::from(*nothing)] += 1;
                if !nothing {
                    continue;
                }
                let of = clip * window..(clip + 1) * window;
                let described: Vec<u16> = of.clone().map(|frame| batch.words[frame * words]).collect();
                assert!(described.chunks(2).all(|pair| pair[0] == pair[1] && pair[0] >= 10), "{described:?}");
                sources.insert(described);
                // It has no key, no past, and is no news.
                assert!(batch.actions[of.clone()].iter().all(|action| usize::from(*action) == stage.shape.dims.actions));
                assert!(batch.clean[of.start * n..of.end * n].iter().all(|token| *token == Token::Unknown));
                let recalled = of.start * n * recall::TAPS..of.end * n * recall::TAPS;
                assert!(batch.recalled_age[recalled].iter().all(|age| *age == 0));
                assert!(batch.told[of].iter().all(|class| usize::from(*class) == told::LONG_AGO));
            }
        }
        let share = f64::from(windows[1]) / f64::from(windows[0] + windows[1]);
        assert!((0.2..0.4).contains(&share) && sources.len() > 50, "{share}, {} kinds of windows", sources.len());
    }
}
