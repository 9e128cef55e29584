//! Batches: which windows of which clips, what of their past is hidden or spoiled, and what is masked.

use crate::preset::MaskRates;
use crate::source::{Dice, HELD_OUT};
use crate::tokens::{NO_WORD, NONE, TokenClips};
use somnium::engine::{recall, told};
use somnium::prompt;

use super::DynamicsStage;
use super::past::{Blip, Places, RecallTerms, Stale};

/// Share of a clean stream's tokens that is replaced, per context level.
const CORRUPTION_PER_LEVEL: f32 = 0.07;
/// Share of batches whose history holds tokens that the model drew itself, as at play, and the largest share of a clip's tokens that are.
const OWN_HISTORY_SHARE: f32 = 0.5;
const MOST_OWN_TOKENS: f32 = 0.5;
/// Share of these batches whose history is drawn a second time from what was drawn, so that errors have errors of their own.
const OWN_AGAIN_SHARE: f32 = 0.5;
/// Share of clips that see their whole window; the others see only the last frame or few, so that the picture must be read and a frame
/// that failed to move cannot argue for the next.
const FULL_WINDOW_SHARE: f32 = 0.5;
/// Share of clips in which a block of the history is unknown.
const UNKNOWN_BLOCK_SHARE: f32 = 0.15;
/// Share of frames that are wholly unknown: the next one comes from the prompt and what is older.
const UNKNOWN_FRAME_SHARE: f32 = 0.03;
/// Share of frames predicted without any token given, as in the first decoding step.
const ALL_MASKED_SHARE: f32 = 0.4;
/// How much a token counts that does not scroll, beside the others: the figure is what players look at, and its poses leave little to copy.
const FIGURE_WEIGHT: f32 = 4.0;
/// The same of the look, one token that all patches are seen in; and where words alone say what it is: as much as all patches together, which have as
/// much to learn from the same words.
const LOOK_WEIGHT: f32 = 16.0;
const ASKED_LOOK_WEIGHT: f32 = 64.0;
/// The same of a token of land never seen before, which cannot be copied. Where a wish is not told it counts nothing: what cannot be known is
/// guessed token by token, and makes patchworks.
const NEW_LAND_WEIGHT: f32 = 3.0;
/// How much more a token counts in a frame whose words are new: one frame of many is drawn anew, and all its tokens have to agree.
const NEWS_WEIGHT: f32 = 2.0;
/// Share of masked frames that lose their prompt while the history keeps it, as guidance needs.
const PROMPT_DROP_SHARE: f32 = 0.1;
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
const MOST_BEFORE_CHANGE: usize = 5;
/// The most frames since a change that is soon after.
const MOST_AFTER_CHANGE: usize = 16;
/// Windows passed over at most for one that fits.
const MOST_WINDOWS_TRIED: usize = 20;
/// Share of windows without any prompt, how most people play, by how long ago words last changed: never, not within [`MOST_AFTER_CHANGE`]
/// frames, before the window, in it. Nothing is to change by itself.
const PROMPTLESS_SHARES: [f32; 4] = [0.7, 0.4, 0.15, 0.03];
/// Share of windows all of whose frames come out of nothing, each described by its words, and of others whose first frame does.
const OUT_OF_NOTHING_SHARE: f32 = 0.3;
const DESCRIBED_START_SHARE: f32 = 0.6;
/// Share of frames out of nothing in which all but a part is given, and of another frame: what is painted follows its words, and not what
/// lies around it. How many of them are the frame itself, which goes on where the brush ends, and how many the other one of the pair, whose land goes on beneath
/// another look.
const PAINTED_SHARE: f32 = 0.3;
const PAINTED_IN_ITSELF_SHARE: f32 = 0.2;
const PAINTED_IN_PAIR_SHARE: f32 = 0.4;
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
/// Share of frames whose words are told with noise, and its largest standard deviation where word vectors have channels of order one: words
/// that mean much the same are to be understood alike.
const NOISY_WORDS_SHARE: f32 = 0.75;
const WORD_NOISE: f32 = 1.0;

/// A batch on the host.
pub struct Batch {
    pub(super) clips: usize,
    pub(super) frames: usize,
    /// `(F * N, D)` the truth.
    pub(super) truth: Vec<u8>,
    /// `(F * N, D)` what the history shows: the truth, what a place showed before where it is stale, or a blot.
    pub(super) shown: Vec<u8>,
    /// Clips all of whose frames come out of nothing.
    pub(super) nothing: Vec<bool>,
    /// Frames that are no example to follow.
    pub(super) untaught: Vec<usize>,
    /// What the history shows, corrupted and hidden.
    pub(super) clean: Vec<Token>,
    pub(super) masked: Vec<Token>,
    /// How much a token of the masked stream counts where it is masked, 0 where it is not, `(F * N)`.
    pub weights: Vec<f32>,
    /// Whether the model's own guess takes a token's place in the history, `(F * N)`, and the Gumbel noise it is drawn with,
    /// `(F * N, D * L)`; both empty in a batch without.
    pub own: Vec<bool>,
    pub(super) noise: Vec<f32>,
    /// How often the history is drawn.
    pub(super) own_drawn: u32,
    pub(super) actions: Vec<u8>,
    pub(super) levels: Vec<usize>,
    /// Frames of past each clip may see.
    pub(super) spans: Vec<usize>,
    /// `(F, K)`.
    pub(super) words: Vec<u16>,
    /// Added to the vectors of the words, `(F, K, word channels)`; empty in a batch without.
    pub(super) word_noise: Vec<f32>,
    pub(super) prompt_dropped: Vec<bool>,
    /// Class of how long ago words changed, `(F)`.
    pub(super) told: Vec<u8>,
    /// Land that no frame before showed, `(F * N)`, but none in a window's first frame; empty without recall.
    pub(super) new_land: Vec<bool>,
    /// Land that cannot be known: neither in the frame before nor in one that may be recalled, `(F * N)`; empty without recall.
    pub(super) unknowable: Vec<bool>,
    /// Whether words have changed in the clip up to each frame, or name a land there, `(F)`: it is not the land that comes by itself.
    pub(super) wished: Vec<bool>,
    /// Levels that each token recalls at nine places, `(F * N, 9, D)`, and their class of age, 0 where nothing is recalled; both empty
    /// without recall.
    pub(super) recalled: Vec<u8>,
    pub(super) recalled_age: Vec<u8>,
    /// Row of `shown` that they are, `(F * N, 9)`; [`NO_ROW`] of what was seen before the batch, and of what is no memory.
    pub(super) recalled_row: Vec<u32>,
}

/// No row of a batch.
pub(super) const NO_ROW: u32 = u32::MAX;

impl Batch {
    /// Whether every clip sees frames of its past by attention, and every frame counts.
    pub fn sees_past(&self) -> bool {
        self.untaught.is_empty() && self.spans.iter().all(|span| *span > 0)
    }

    /// Another of the nine places where a token recalls nothing; `dims`: levels of a token.
    pub(super) fn recall_nothing(&mut self, dims: usize) {
        self.recall_levels(&vec![0; dims], 0, NO_ROW);
    }

    /// Another of the nine places, where a token recalls these levels.
    pub(super) fn recall_levels(&mut self, levels: &[u8], age: usize, row: u32) {
        self.recalled.extend_from_slice(levels);
        self.recalled_age.push(age as u8);
        self.recalled_row.push(row);
    }

    /// Puts what the model guessed, `(F * N, D)`, in the place of its own tokens, and of what is recalled of them, as play has both.
    pub(super) fn show_own(&mut self, guessed: &[u8], dims: usize) {
        let rows = self.own.iter().enumerate().filter(|(_, own)| **own).map(|(row, _)| row);
        for row in rows {
            self.shown[row * dims..][..dims].copy_from_slice(&guessed[row * dims..][..dims]);
        }
        for (recalled, row) in self.recalled.chunks_exact_mut(dims).zip(&self.recalled_row) {
            if *row != NO_ROW && self.own[*row as usize] {
                recalled.copy_from_slice(&guessed[*row as usize * dims..][..dims]);
            }
        }
    }
}

/// A token as the network reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// Row of the truth, or of what the history shows.
    Given(usize),
    Masked,
    Unknown,
}

impl DynamicsStage {
    /// Clip and first frame of a window to train on: one chosen for a change of words, or one without any, and in either nothing turns by
    /// itself, if there are such. A dream draws its tokens apart, so that a turn of the light that could come at any time would come to
    /// one token here and one there.
    pub(super) fn choose_window(&self, dice: &mut Dice) -> (usize, usize) {
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
        let (t, unknown_action) = (self.preset.dynamics_frames, self.shape.dims.actions as u8);
        let use_recorded = self.recorded_only || dice.chance(0.5);
        let change = (start + 1..start + t).find(|frame| clips.words_change(clip, *frame));
        let last = (1..=start).rfind(|frame| clips.words_change(clip, *frame));
        let recent = last.filter(|frame| frame + MOST_AFTER_CHANGE > start);
        let recolours = spoil && change.is_none() && dice.chance(RECOLOURED_SHARE);
        let recoloured = if recolours { self.recolour(clips, (clip, start), dice) } else { None };
        let promptless = recoloured.is_none()
            && dice.chance(match (last, recent, change) {
                (_, _, Some(_)) => PROMPTLESS_SHARES[3],
                (_, Some(_), _) => PROMPTLESS_SHARES[2],
                (Some(_), None, _) => PROMPTLESS_SHARES[1],
                (None, _, _) => PROMPTLESS_SHARES[0],
            });
        let silent_before = if dice.chance(FIRST_WORDS_SHARE) { change.unwrap_or(0) } else { 0 };
        let unheard_before = if spoil && !promptless && dice.chance(UNHEARD_SHARE) { change.unwrap_or(0) } else { 0 };
        batch.nothing.push(false);
        let described_start = spoil && dice.chance(DESCRIBED_START_SHARE);
        let blotted = spoil && dice.chance(BLOTTED_SHARE);
        let first_frame = batch.actions.len();
        // The words of every frame but for those that describe it, and since when they are the same.
        let said = |frame: usize| {
            let silent = promptless || (unheard_before == 0 && frame < silent_before);
            let words = match &recoloured {
                Some(other) if frame >= other.at => &other.words,
                _ => clips.frame_words(clip, frame.max(unheard_before)),
            };
            words.iter().map(|word| if silent { NO_WORD } else { *word }).collect::<Vec<_>>()
        };
        let mut age = match last {
            _ if unheard_before > 0 => Some(dice.below(LONGEST_UNHEARD)),
            Some(change) if said(start).iter().any(|word| *word != NO_WORD) => Some(start - change),
            _ => None,
        };
        batch.untaught.extend((start..unheard_before).map(|frame| first_frame + frame - start));
        for frame in start..start + t {
            batch.truth.extend_from_slice(clips.frame(clip, frame));
            batch.shown.extend_from_slice(if blotted { clips.blotted_frame(clip, frame) } else { clips.frame(clip, frame) });
            if let Some(look) = recoloured.as_ref().and_then(|other| other.look(frame)) {
                for codes in [&mut batch.truth, &mut batch.shown] {
                    let at = codes.len() - look.len();
                    codes[at..].copy_from_slice(look);
                }
            }
            let at = clip * clips.frames + frame;
            let (recorded, inferred) = (clips.recorded[at], clips.inferred[at]);
            let bound = if recorded == NONE { NONE } else { self.bindings[usize::from(recorded)] };
            // Of a step that does not move, or in which all turns under new words, the latent action model knows little; what was recorded is
            // believed.
            let moved = frame > 0 && clips.view(clip, frame) != clips.view(clip, frame - 1);
            let told_apart = moved && !clips.words_change(clip, frame);
            let code = if (bound != NONE && (use_recorded || !told_apart)) || inferred == NONE { bound } else { inferred };
            let unknown = frame == start || code == NONE || (spoil && dice.chance(ACTION_DROP_SHARE));
            batch.actions.push(if unknown { unknown_action } else { code });
            if described_start && frame == start {
                batch.words.extend_from_slice(clips.frame_described(clip, frame));
            } else {
                batch.words.extend(said(frame));
            }
            if frame > start {
                age = if said(frame) == said(frame - 1) { age.map(|age| age + 1) } else { Some(0) };
            }
            batch.told.push(age.map_or(told::LONG_AGO, |age| told::class(age as u32)) as u8);
            let names_land = || clips.names_land(clip, frame);
            batch.wished.push(last.or(change).is_some_and(|first| first <= frame) || names_land());
        }
        let mut terms = RecallTerms { blotted, ..RecallTerms::WHOLE };
        if spoil {
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
            if let Some(change) = change.or(recent)
                && !promptless
                && dice.chance(STALE_SHARE)
            {
                terms.stale = Some(Stale {
                    frames: change..change.max(start) + 1 + dice.below(t),
                    places: Places { share: MOST_STALE * dice.unit(), side: STALE_SIDES[dice.below(STALE_SIDES.len())], seed: dice.next() },
                });
            }
            if let Some(change) = last.filter(|_| dice.chance(BLIP_SHARE)) {
                let first = start + dice.below(t - 1);
                let frames = if dice.chance(0.5) { vec![first] } else { vec![first, first + 2] };
                terms.blip = Some(Blip { frames, change });
            }
        }
        self.push_recall(clips, (clip, start), batch, terms, dice);
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
            batch.actions.push(self.shape.dims.actions as u8);
            batch.words.extend_from_slice(clips.frame_described(clip, frame));
            batch.told.push(told::LONG_AGO as u8);
            batch.wished.push(false);
            if self.shape.dims.recall.is_some() {
                batch.new_land.extend(std::iter::repeat_n(false, n));
                batch.unknowable.extend(std::iter::repeat_n(false, n));
                (0..n * recall::TAPS).for_each(|_| batch.recall_nothing(self.frame_dims().code_dims));
            }
        }
    }

    pub(super) fn empty_batch(&self, clips: usize) -> Batch {
        let frames = self.preset.dynamics_frames;
        Batch {
            clips,
            frames,
            truth: Vec::new(),
            shown: Vec::new(),
            nothing: Vec::new(),
            untaught: Vec::new(),
            clean: Vec::new(),
            masked: Vec::new(),
            weights: Vec::new(),
            own: Vec::new(),
            noise: Vec::new(),
            own_drawn: 0,
            actions: Vec::new(),
            levels: Vec::new(),
            spans: Vec::new(),
            words: Vec::new(),
            word_noise: Vec::new(),
            prompt_dropped: vec![false; clips * frames],
            told: Vec::new(),
            new_land: Vec::new(),
            unknowable: Vec::new(),
            wished: Vec::new(),
            recalled: Vec::new(),
            recalled_age: Vec::new(),
            recalled_row: Vec::new(),
        }
    }

    /// History corrupted and hidden, tokens masked, as `dice` says.
    pub(super) fn training_batch(&self, dice: &mut Dice) -> Batch {
        let (n, t, window) = (self.tokens(), self.preset.dynamics_frames, self.shape.dims.window);
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
        batch.word_noise = self.word_noise(batch.words.len(), dice);
        let rows = batch.clips * t * n;
        let own_history = dice.chance(OWN_HISTORY_SHARE);
        let stays = |token: usize| self.shape.dims.recall.as_ref().is_some_and(|recall| !recall.scrolls(token, self.frame_dims()));
        let patches = self.frame_dims().patches();
        let weight = |token: usize, new_land: bool, told: bool, asked: bool| match (stays(token), new_land) {
            _ if token >= patches && asked => ASKED_LOOK_WEIGHT,
            _ if token >= patches => LOOK_WEIGHT,
            (true, _) => FIGURE_WEIGHT,
            (false, true) => f32::from(u8::from(told)) * NEW_LAND_WEIGHT,
            (false, false) => 1.0,
        };
        for clip in 0..batch.clips {
            let level = dice.below(self.shape.dims.context_levels);
            batch.levels.extend(std::iter::repeat_n(level, t));
            let span = if dice.chance(FULL_WINDOW_SHARE) { window - 1 } else { dice.below(4.min(window)) };
            batch.spans.push(if batch.nothing[clip] { 0 } else { span });
            let hidden = if dice.chance(UNKNOWN_BLOCK_SHARE) { self.random_block(dice) } else { Vec::new() };
            let hidden_until = dice.below(t + 1);
            let rate = CORRUPTION_PER_LEVEL * level as f32;
            let own_rate = if own_history { MOST_OWN_TOKENS * dice.unit() } else { 0.0 };
            for frame in 0..t {
                let gone = batch.nothing[clip] || dice.chance(UNKNOWN_FRAME_SHARE);
                for token in 0..n {
                    let row = (clip * t + frame) * n + token;
                    let unknown = gone || (frame < hidden_until && hidden.get(token).is_some_and(|hidden| *hidden));
                    if own_history {
                        // What nobody can know could have been otherwise: another guess is no error, and not to be taken back. Of a window's first frame that
                        // is all, its look as well.
                        let could_be_known = frame > 0 && !batch.unknowable.get(row).is_some_and(|unknowable| *unknowable);
                        batch.own.push(!unknown && dice.chance(own_rate) && could_be_known);
                    }
                    batch.clean.push(if unknown {
                        Token::Unknown
                    } else if dice.chance(rate) {
                        // A look is taken for another look.
                        Token::Given(if token < patches { dice.below(rows) } else { dice.below(rows / n) * n + token })
                    } else {
                        Token::Given(row)
                    });
                }
                let masked_share = if dice.chance(ALL_MASKED_SHARE) {
                    1.0
                } else {
                    match self.preset.masks {
                        MaskRates::Cosine => (std::f32::consts::FRAC_PI_2 * dice.unit()).cos(),
                        MaskRates::UpperHalf => 0.5 + 0.5 * dice.unit(),
                    }
                };
                let number = clip * t + frame;
                batch.prompt_dropped[number] = dice.chance(PROMPT_DROP_SHARE);
                let hears = self.hears(&batch, number);
                let is_told = hears || !batch.wished[number];
                let is_news = hears && usize::from(batch.told[number]) == told::NEWS;
                let news = if is_news { NEWS_WEIGHT } else { 1.0 };
                let asked = is_news || (hears && (batch.nothing[clip] || frame == 0));
                // What is given of which other frame.
                let around = if batch.nothing[clip] && hears && dice.chance(PAINTED_SHARE) {
                    let block = self.random_block(dice);
                    let inside = dice.chance(0.5);
                    // A picture that is painted keeps its look.
                    let given: Vec<bool> = (0..n).map(|token| block.get(token).is_none_or(|in_block| *in_block == inside)).collect();
                    let pair = clip * t + (frame ^ 1).min(t - 1);
                    let other = match dice.unit() {
                        own if own < PAINTED_IN_ITSELF_SHARE => number,
                        pairs if pairs < PAINTED_IN_ITSELF_SHARE + PAINTED_IN_PAIR_SHARE => pair,
                        _ => dice.below(batch.clips * t),
                    };
                    Some((other, given))
                } else {
                    None
                };
                for token in 0..n {
                    let row = number * n + token;
                    if let Some((other, given)) = &around
                        && given[token]
                    {
                        batch.masked.push(Token::Given(other * n + token));
                        batch.weights.push(0.0);
                        continue;
                    }
                    let masked = dice.unit() < masked_share;
                    batch.masked.push(if masked { Token::Masked } else { Token::Given(row) });
                    let new_land = batch.new_land.get(row).is_some_and(|new| *new);
                    batch.weights.push(if masked { news * weight(token, new_land, is_told, asked) } else { 0.0 });
                }
            }
        }
        for frame in &batch.untaught {
            batch.weights[frame * n..][..n].fill(0.0);
        }
        if own_history {
            batch.own_drawn = 1 + u32::from(dice.chance(OWN_AGAIN_SHARE));
            let width = self.frame_dims().code_dims * self.frame_dims().code_levels;
            batch.noise = (0..rows * width).map(|_| -(-dice.unit().max(f32::MIN_POSITIVE).ln()).ln()).collect();
        }
        batch
    }

    /// Whether the masked stream of a frame is told any words.
    pub(super) fn hears(&self, batch: &Batch, frame: usize) -> bool {
        let words = self.shape.dims.prompt_words;
        !batch.prompt_dropped[frame] && batch.words[frame * words..][..words].iter().any(|word| *word != NO_WORD)
    }

    /// Noise for the vectors of `words` words; whole frames go without.
    fn word_noise(&self, words: usize, dice: &mut Dice) -> Vec<f32> {
        let mut noise = Vec::with_capacity(words * prompt::CHANNELS);
        for _ in 0..words / self.shape.dims.prompt_words.max(1) {
            let scale = if dice.chance(NOISY_WORDS_SHARE) { WORD_NOISE * dice.unit() } else { 0.0 };
            // The sum of four uniform numbers is nearly normal, with variance 4 / 12.
            let mut normal = || ((0..4).map(|_| dice.unit()).sum::<f32>() - 2.0) * 3f32.sqrt();
            noise.extend((0..self.shape.dims.prompt_words * prompt::CHANNELS).map(|_| if scale > 0.0 { scale * normal() } else { 0.0 }));
        }
        noise
    }

    /// A rectangle of the grid, as a mask over patches.
    fn random_block(&self, dice: &mut Dice) -> Vec<bool> {
        let (w, h) = (self.frame_dims().grid_w(), self.frame_dims().grid_h());
        let (x0, y0) = (dice.below(w), dice.below(h));
        let (x1, y1) = (x0 + 1 + dice.below(w - x0), y0 + 1 + dice.below(h - y0));
        (0..w * h).map(|i| (x0..x1).contains(&(i % w)) && (y0..y1).contains(&(i / w))).collect()
    }

    /// The history that `clips` show, everything masked.
    pub(super) fn validation_batch(&self, clips: &TokenClips, number: u64) -> Batch {
        self.whole_batch(clips, Dice::new(7, HELD_OUT + number), |dice, frames| {
            (dice.below(clips.clips), dice.below(clips.frames - frames + 1))
        })
    }

    /// The same of windows in which words change, if there are any.
    pub(super) fn told_batch(&self, clips: &TokenClips, number: u64) -> Batch {
        let changes = clips.word_changes();
        self.whole_batch(clips, Dice::new(9, HELD_OUT + number), |dice, frames| match changes.as_slice() {
            [] => (dice.below(clips.clips), 0),
            changes => {
                let (clip, frame) = changes[dice.below(changes.len())];
                (clip, frame.saturating_sub(1 + dice.below(MOST_BEFORE_CHANGE)).min(clips.frames - frames))
            }
        })
    }

    /// Whole windows of clips, as `choose` gives them (clip and first frame, of so many), with everything masked.
    fn whole_batch(&self, clips: &TokenClips, mut dice: Dice, choose: impl Fn(&mut Dice, usize) -> (usize, usize)) -> Batch {
        let mut batch = self.empty_batch(self.preset.dynamics_batch);
        for _ in 0..batch.clips {
            let window = choose(&mut dice, batch.frames);
            self.push_window(clips, window, &mut batch, &mut dice, false);
        }
        let rows = batch.clips * batch.frames * self.tokens();
        batch.clean = (0..rows).map(Token::Given).collect();
        batch.masked = vec![Token::Masked; rows];
        batch.weights = vec![1.0; rows];
        batch.levels = vec![0; batch.clips * batch.frames];
        batch.spans = vec![self.shape.dims.window - 1; batch.clips];
        batch
    }
}
