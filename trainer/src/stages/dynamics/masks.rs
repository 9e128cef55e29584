//! What of a batch's history is corrupted and hidden, which tokens are masked, and how much each counts.

use somnium::engine::told;
use somnium::prompt;

use super::DynamicsStage;
use super::batch::{Batch, Token};
use crate::preset::MaskRates;
use crate::source::Dice;

/// Share of a clean stream's tokens that is replaced, per context level.
pub(super) const CORRUPTION_PER_LEVEL: f32 = 0.07;
/// The largest share of a clip's tokens that are the model's own, in a batch that holds such.
const MOST_OWN_TOKENS: f32 = 0.5;
/// Share of clips that see their whole window; the others see only the last frame or few, so that the picture must be read and a frame
/// that failed to move cannot argue for the next.
const FULL_WINDOW_SHARE: f32 = 0.5;
/// Share of clips in which a block of the history is unknown.
const UNKNOWN_BLOCK_SHARE: f32 = 0.15;
/// Share of frames that are wholly unknown: the next one comes from the prompt and what is older.
const UNKNOWN_FRAME_SHARE: f32 = 0.03;
/// Share of frames predicted without any token given, as in the first decoding step.
const ALL_MASKED_SHARE: f32 = 0.4;
/// Share of the other frames with new land in which nothing but that is predicted, as in the later decoding steps of play: what is known of the land was
/// settled before.
const NEW_LAND_ALONE_SHARE: f32 = 0.5;
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
/// Share of frames out of nothing in which all but a part is given, and of another frame: what is painted follows its words, and not what
/// lies around it. How many of them are the frame itself, which goes on where the brush ends, and how many the other one of the pair, whose land goes on beneath
/// another look.
const PAINTED_SHARE: f32 = 0.3;
const PAINTED_IN_ITSELF_SHARE: f32 = 0.2;
const PAINTED_IN_PAIR_SHARE: f32 = 0.4;
/// Share of frames whose words are told with noise, and its largest standard deviation where word vectors have channels of order one: words
/// that mean much the same are to be understood alike.
const NOISY_WORDS_SHARE: f32 = 0.75;
const WORD_NOISE: f32 = 1.0;

/// How much of its history a clip sees as it was.
pub(super) struct Gaps {
    /// Patches that are unknown before this frame; empty where all are known.
    hidden: Vec<bool>,
    hidden_before: usize,
    /// Share of tokens in whose place another is given.
    corruption: f32,
    /// Share of tokens in whose place the model's own guess comes; `None` in a batch without.
    own: Option<f32>,
}

impl DynamicsStage {
    /// How far back a clip sees, and at which context level, appended to `batch`; and what is missing of what it sees.
    pub(super) fn push_span(&self, batch: &mut Batch, clip: usize, own_history: bool, dice: &mut Dice) -> Gaps {
        let (t, window) = (batch.frames, self.shape.dims.window);
        let level = dice.below(self.shape.dims.context_levels);
        batch.levels.extend(std::iter::repeat_n(level, t));
        let span = if dice.chance(FULL_WINDOW_SHARE) { window - 1 } else { dice.below(4.min(window)) };
        batch.spans.push(if batch.nothing[clip] { 0 } else { span });
        let hidden = if dice.chance(UNKNOWN_BLOCK_SHARE) { self.random_block(dice) } else { Vec::new() };
        let hidden_before = dice.below(t + 1);
        let own = own_history.then(|| MOST_OWN_TOKENS * dice.unit());
        Gaps { hidden, hidden_before, corruption: CORRUPTION_PER_LEVEL * level as f32, own }
    }

    /// A frame of the history as its clip sees it, appended to `batch`.
    pub(super) fn push_history(&self, batch: &mut Batch, (clip, frame): (usize, usize), gaps: &Gaps, dice: &mut Dice) {
        let (n, frames) = (self.tokens(), batch.clips * batch.frames);
        let gone = batch.nothing[clip] || dice.chance(UNKNOWN_FRAME_SHARE);
        for token in 0..n {
            let row = (clip * batch.frames + frame) * n + token;
            let unknown = gone || (frame < gaps.hidden_before && gaps.hidden.get(token).is_some_and(|hidden| *hidden));
            if let Some(own) = gaps.own {
                // What nobody can know could have been otherwise: another guess is no error, and not to be taken back. Of a window's first frame that
                // is all, its look as well.
                let could_be_known = frame > 0 && !batch.unknowable.get(row).is_some_and(|unknowable| *unknowable);
                batch.own.push(!unknown && dice.chance(own) && could_be_known);
            }
            batch.clean.push(if unknown {
                Token::Unknown
            } else if dice.chance(gaps.corruption) {
                // A look is taken for another look.
                let is_patch = token < self.frame_dims().patches();
                Token::Given(if is_patch { dice.below(frames * n) } else { dice.below(frames) * n + token })
            } else {
                Token::Given(row)
            });
        }
    }

    /// A frame to be predicted, appended to `batch`: which of its tokens are masked, and how much each counts.
    pub(super) fn push_masks(&self, batch: &mut Batch, (clip, frame): (usize, usize), dice: &mut Dice) {
        let (n, number) = (self.tokens(), clip * batch.frames + frame);
        let masked_share = self.masked_share(dice);
        let has_new_land = batch.new_land.get(number * n..(number + 1) * n).is_some_and(|new| new.contains(&true));
        let new_land_alone = masked_share < 1.0 && has_new_land && dice.chance(NEW_LAND_ALONE_SHARE);
        batch.prompt_dropped[number] = dice.chance(PROMPT_DROP_SHARE);
        let hears = self.hears(batch, number);
        let is_told = self.is_told(batch, number);
        let is_news = hears && usize::from(batch.told[number]) == told::NEWS;
        let news = if is_news { NEWS_WEIGHT } else { 1.0 };
        let asked = is_news || (hears && (batch.nothing[clip] || frame == 0));
        let is_painted = batch.nothing[clip] && hears && dice.chance(PAINTED_SHARE);
        let around = is_painted.then(|| self.painted_around(batch, (clip, frame), dice));
        for token in 0..n {
            if let Some((other, given)) = &around
                && given[token]
            {
                batch.masked.push(Token::Given(other * n + token));
                batch.weights.push(0.0);
                continue;
            }
            let row = number * n + token;
            let marked = |tokens: &[bool]| tokens.get(row).is_some_and(|marked| *marked);
            let new_land = marked(&batch.new_land);
            // Its shape may be from before the wish, which asks for another.
            let forgotten = frame > 0 && batch.land_asked[number] && marked(&batch.unknowable) && !new_land;
            let masked = dice.unit() < masked_share && (new_land || !new_land_alone);
            batch.masked.push(if masked { Token::Masked } else { Token::Given(row) });
            batch.weights.push(if masked && !forgotten { news * self.weight(token, new_land, is_told, asked) } else { 0.0 });
        }
    }

    /// Share of a frame's tokens that are masked.
    fn masked_share(&self, dice: &mut Dice) -> f32 {
        if dice.chance(ALL_MASKED_SHARE) {
            return 1.0;
        }
        match self.preset.masks {
            MaskRates::Cosine => (std::f32::consts::FRAC_PI_2 * dice.unit()).cos(),
            MaskRates::UpperHalf => 0.5 + 0.5 * dice.unit(),
        }
    }

    /// What a frame out of nothing is painted around: the number of another frame, or its own, and which of that one's tokens are given.
    fn painted_around(&self, batch: &Batch, (clip, frame): (usize, usize), dice: &mut Dice) -> (usize, Vec<bool>) {
        let t = batch.frames;
        let block = self.random_block(dice);
        let inside = dice.chance(0.5);
        // A picture that is painted keeps its look.
        let given = (0..self.tokens()).map(|token| block.get(token).is_none_or(|in_block| *in_block == inside)).collect();
        let other = match dice.unit() {
            own if own < PAINTED_IN_ITSELF_SHARE => clip * t + frame,
            pairs if pairs < PAINTED_IN_ITSELF_SHARE + PAINTED_IN_PAIR_SHARE => clip * t + (frame ^ 1).min(t - 1),
            _ => dice.below(batch.clips * t),
        };
        (other, given)
    }

    /// How much a masked token counts. `told`: whatever was wished is told; `asked`: words alone say what there is.
    fn weight(&self, token: usize, new_land: bool, told: bool, asked: bool) -> f32 {
        let is_look = token >= self.frame_dims().patches();
        let stays = self.scrolls.as_ref().is_some_and(|land| !land.scrolls(token, self.frame_dims()));
        match (stays, new_land) {
            _ if is_look && asked => ASKED_LOOK_WEIGHT,
            _ if is_look => LOOK_WEIGHT,
            (true, _) => FIGURE_WEIGHT,
            (false, true) => f32::from(u8::from(told)) * NEW_LAND_WEIGHT,
            (false, false) => 1.0,
        }
    }

    /// Noise for the vectors of `words` words; whole frames go without.
    pub(super) fn word_noise(&self, words: usize, dice: &mut Dice) -> Vec<f32> {
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
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use super::*;
    use crate::stages::dynamics::tests::stage_of_one_change;

    #[test]
    fn what_nobody_can_know_is_not_guessed() {
        let (frames, window) = (20, 6);
        let mut stage = stage_of_one_change(frames, window, frames);
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        clip.views = (0..frames as i16).flat_map(|frame| [frame, 0]).collect();
        stage.motions[0] = [1, 0];
        let (mut guessed, mut new, mut forgotten) = (0, 0, 0);
        for seed in 0..200 {
            let batch = stage.training_batch(&mut Dice::new(9, seed));
            let n = stage.tokens();
            for (row, own) in batch.own.iter().enumerate() {
                let first = (row / n).is_multiple_of(window);
                assert!(!own || !(first || batch.unknowable[row]));
                guessed += usize::from(*own);
                new += usize::from(batch.new_land[row]);
                // What is forgotten cannot be known either, but for what is still in view.
                forgotten += usize::from(!first && batch.unknowable[row] && !batch.new_land[row]);
                assert!(batch.unknowable[row] || !batch.new_land[row]);
            }
        }
        assert!(guessed > 1000 && new > 1000 && forgotten > 100, "{guessed} guessed, {new} new, {forgotten} forgotten");
    }

    #[test]
    fn new_land_alone_is_masked_in_some_frames_that_show_it() {
        let (frames, window) = (20, 6);
        let mut stage = stage_of_one_change(frames, window, frames);
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        // One step to the east every frame.
        clip.views = (0..frames as i16).flat_map(|frame| [frame, 0]).collect();
        stage.motions[0] = [1, 0];
        let n = stage.tokens();
        let (mut alone, mut among_others, mut whole) = (0, 0, 0);
        for batch in (0..60).map(|seed| stage.training_batch(&mut Dice::new(9, seed))) {
            for (tokens, new_land) in batch.masked.chunks_exact(n).zip(batch.new_land.chunks_exact(n)) {
                let masked = || tokens.iter().zip(new_land).filter(|(token, _)| **token == Token::Masked);
                if masked().next().is_none() || !new_land.contains(&true) {
                    continue;
                }
                let frames = match masked().count() {
                    all if all == n => &mut whole,
                    _ if masked().all(|(_, new)| *new) => &mut alone,
                    _ => &mut among_others,
                };
                *frames += 1;
            }
        }
        // By chance it is in one frame of a hundred; and in a first decoding step all is masked.
        let share = f64::from(alone) / f64::from(alone + among_others);
        assert!((0.4..0.65).contains(&share), "{alone} frames of new land alone, {among_others} of other land as well");
        assert!(whole > 100, "{whole} frames are masked as a whole");
    }

    #[test]
    fn new_land_counts_where_what_was_asked_of_it_is_told() {
        let (frames, window, change) = (20, 6, 8);
        let mut stage = stage_of_one_change(frames, window, change);
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        // One step to the east every frame.
        clip.views = (0..frames as i16).flat_map(|frame| [frame, 0]).collect();
        let words = clip.words_per_frame;
        clip.words[change * words..].fill(prompt::WordTable::get().find("forest").expect("a word"));
        stage.motions[0] = [1, 0];
        let mut weights = [[false; 2]; 2].map(|told| told.map(|_| HashSet::new()));
        let mut of_looks = [false; 2].map(|_| HashSet::new());
        for seed in 0..300 {
            let batch = stage.training_batch(&mut Dice::new(8, seed));
            for (frame, weights) in batch.weights.chunks_exact(stage.tokens()).enumerate() {
                let alone = batch.nothing[frame / window] || frame.is_multiple_of(window) || batch.told[frame] == 0;
                of_looks[usize::from(alone && stage.hears(&batch, frame))].insert(weights[stage.frame_dims().patches()] as u32);
            }
            for (row, _) in batch.masked.iter().enumerate().filter(|(row, token)| **token == Token::Masked && batch.new_land[*row]) {
                let frame = row / stage.tokens();
                let heard = usize::from(stage.hears(&batch, frame));
                weights[usize::from(batch.land_asked[frame])][heard].insert(batch.weights[row] as u32);
            }
        }
        let [[silent_before, heard_before], [silent_after, heard_after]] = weights;
        assert_eq!(silent_after, HashSet::from([0]));
        // A look counts as much as many patches, as much as all of them where words alone say what it is, twice as much where they are news.
        assert_eq!(of_looks, [HashSet::from([0, 16]), HashSet::from([0, 64, 128])]);
        // Nothing but in frames that are no example to follow.
        assert!([silent_before, heard_before, heard_after].iter().all(|weights| weights.contains(&3)));
    }

    #[test]
    fn land_that_was_seen_before_a_wish_and_forgotten_teaches_nothing() {
        let (frames, window) = (20, 6);
        let counts = |word: &str| {
            let mut stage = stage_of_one_change(frames, window, frames);
            let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
            // To the east, and back.
            clip.views = (0..frames as i16).flat_map(|frame| [frame.min(frames as i16 - frame), 0]).collect();
            clip.recorded = (0..frames).map(|frame| u8::from(frame > frames / 2)).collect();
            clip.words.fill(prompt::WordTable::get().find(word).expect("a word"));
            (stage.bindings, stage.motions[0], stage.motions[1]) = (vec![0, 1], [1, 0], [-1, 0]);
            let (mut forgotten, mut counting) = (0, 0);
            for batch in (0..200).map(|seed| stage.training_batch(&mut Dice::new(9, seed))) {
                let n = stage.tokens();
                let is_forgotten = |row: &usize| batch.unknowable[*row] && !batch.new_land[*row] && !(row / n).is_multiple_of(window);
                let rows = (0..batch.weights.len()).filter(is_forgotten).filter(|row| batch.masked[*row] == Token::Masked);
                for row in rows {
                    forgotten += 1;
                    counting += usize::from(batch.weights[row] > 0.0);
                }
            }
            (forgotten > 100, counting > 100, counting)
        };
        assert_eq!(counts("forest"), (true, false, 0));
        // Nothing is asked of the land.
        let (forgotten, counting, _) = counts("night");
        assert!(forgotten && counting);
    }

    #[test]
    fn frames_out_of_nothing_are_painted_around_other_frames_and_only_what_is_painted_counts() {
        let stage = stage_of_one_change(20, 6, 12);
        let n = stage.tokens();
        let (mut painted, mut whole, mut with_past) = (0, 0, 0);
        for seed in 0..60 {
            let batch = stage.training_batch(&mut Dice::new(8, seed));
            for frame in 0..batch.clips * batch.frames {
                let rows = frame * n..(frame + 1) * n;
                let foreign: Vec<usize> =
                    rows.clone().filter(|row| matches!(batch.masked[*row], Token::Given(from) if from != *row)).collect();
                assert!(foreign.iter().all(|row| batch.weights[*row] == 0.0));
                // All of another frame, each token in its place.
                let from: HashSet<usize> =
                    foreign.iter().map(|row| if let Token::Given(from) = batch.masked[*row] { from / n } else { frame }).collect();
                assert!(
                    from.len() <= 1 && foreign.iter().all(|row| matches!(batch.masked[*row], Token::Given(from) if from % n == row % n))
                );
                match (foreign.is_empty(), batch.nothing[frame / batch.frames]) {
                    (false, true) => painted += 1,
                    (true, true) => whole += 1,
                    (false, false) => with_past += 1,
                    (true, false) => {}
                }
            }
        }
        assert!(painted > 20 && whole > painted && with_past == 0, "{painted} painted, {whole} whole, {with_past} that have a past");
    }
}
