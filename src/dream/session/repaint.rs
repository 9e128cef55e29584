//! Changing a dream by hand: parts of the present frame dreamed again, and frames dreamed around tokens that are given.

use super::DreamSession;
use super::moment::{Moment, frames_of};
use crate::dream::source::DreamError;
use crate::engine::decode::random_order;
use crate::engine::recall::{Map, motion_of};
use crate::engine::{DecodeSettings, TokenFrame, UNKNOWN};
use crate::pack::manifest::Manifest;
use crate::prompt;

/// Names the random numbers that choose tokens.
const CHOICE: u32 = 0x5717;

impl DreamSession {
    /// Dreams the `chosen` patches of the present frame again under `words`, or under the prompt in force where there are none. All other
    /// tokens stay bit for bit, the look too while a patch is left. What the past showed of the same places is forgotten, or it would argue
    /// the old content back.
    ///
    /// # Errors
    /// [`DreamError::NothingPainted`], [`DreamError::NothingDreamed`], and what the engine says; the dream is then as it was.
    pub fn repaint(&mut self, chosen: &[bool], words: &[u16], settings: &DecodeSettings) -> Result<(), DreamError> {
        let (moment, seen_by) = (self.moment()?, self.engine.settings());
        let changed = self.dreamed_again(&moment, &self.tokens_of(chosen, false), words, settings);
        self.settled(moment, &seen_by, changed)
    }

    /// Dreams a share of the patches of the present frame again under the prompt in force, chosen by chance, and its look. The past is then
    /// filled with copies of the result, so that what comes looks like it: it is another dream, which knows nothing of the land that was seen.
    ///
    /// # Errors
    /// As [`Self::repaint`].
    pub fn stylise(&mut self, share: f32, settings: &DecodeSettings) -> Result<(), DreamError> {
        let (moment, seen_by) = (self.moment()?, self.engine.settings());
        let chosen = self.tokens_of(&self.some_patches(share, settings.seed), true);
        let changed = self.dreamed_again(&moment, &chosen, &[], settings).map(|(_, mut history)| {
            let (unknown, stay) = (self.unknown_action(), self.stay_action());
            let result = history.pop().into_iter().map(|frame| TokenFrame { action: stay, moved: false, ..frame });
            let mut past: Vec<TokenFrame> = result.cycle().take(self.info.window.max(1)).collect();
            past.iter_mut().take(1).for_each(|first| first.action = unknown);
            (None, past)
        });
        self.settled(moment, &seen_by, changed)?;
        self.become_another();
        Ok(())
    }

    /// The frame that `code` leads into, where the tokens of `codes` that are not `chosen` are given and the others are dreamed.
    ///
    /// # Errors
    /// What the engine says.
    pub fn step_around(&mut self, codes: &[u8], chosen: &[bool], code: u8, settings: &DecodeSettings) -> Result<(), DreamError> {
        self.await_room()?;
        let mut given = codes.to_vec();
        forget(&mut given, chosen);
        self.engine.dream_around(&given, code, settings)?;
        self.note_begun(code)
    }

    /// Tokens of a picture of the frame size, `(tokens, code_dims)`.
    ///
    /// # Errors
    /// What the engine says.
    pub fn encode(&mut self, rgb: &[u8]) -> Result<Vec<u8>, DreamError> {
        Ok(self.engine.encode(rgb)?)
    }

    /// A share of all patches, a function of the seed; one at least where the share is above 0.
    pub fn some_patches(&self, share: f32, seed: u32) -> Vec<bool> {
        let patches = self.info.grid[0] * self.info.grid[1];
        let mut order = vec![0; patches];
        random_order(seed, CHOICE, &mut order);
        let count = (share.clamp(0.0, 1.0) * patches as f32).ceil() as usize;
        let mut chosen = vec![false; patches];
        order.iter().take(count).for_each(|&n| chosen[n as usize] = true);
        chosen
    }

    /// The tokens of the `chosen` patches; with them goes the look, if there is one, where it shall be `another` or no patch is left.
    pub fn tokens_of(&self, chosen: &[bool], another: bool) -> Vec<bool> {
        let look = self.engine.manifest().frame.look.then(|| another || !chosen.contains(&false));
        chosen.iter().copied().chain(look).collect()
    }

    /// The past of `moment` with the chosen tokens of its last frame dreamed again. Leaves the engine in between.
    fn dreamed_again(
        &mut self,
        moment: &Moment,
        chosen: &[bool],
        words: &[u16],
        settings: &DecodeSettings,
    ) -> Result<(Option<Map>, Vec<TokenFrame>), DreamError> {
        let (mut before, mut history) = (moment.before.clone(), moment.history.clone());
        let frame = self.engine.manifest().frame;
        if chosen.len() != frame.tokens() || !chosen[..frame.patches()].contains(&true) {
            return Err(DreamError::NothingPainted);
        }
        let mut last = history.pop().ok_or(DreamError::NothingDreamed)?;
        forget_places(before.as_mut(), &mut history, &last, chosen, self.engine.manifest());
        let (said, map, past, action) = if words.is_empty() {
            // While the dream stands still a fade would never get there.
            self.prompt.end();
            last.prompt = self.prompt.words().to_vec();
            (last.prompt.clone(), before.as_ref(), history.as_slice(), last.action)
        } else {
            // Words of one's own are followed as where a world begins: a past would outvote them.
            (prompt::told(words), None, &[][..], self.unknown_action())
        };
        self.engine.set_prompt(&said)?;
        self.engine.restore_after(map, past, moment.next_frame.wrapping_sub(1))?;
        forget(&mut last.codes, chosen);
        let settings = DecodeSettings { seed: settings.seed.wrapping_add(self.repaints), ..settings.fresh() };
        self.engine.dream_around(&last.codes, action, &settings)?;
        self.engine.finish()?;
        let mut arrived = false;
        while self.take_codes().is_some() {
            arrived = true;
        }
        if !arrived {
            return Err(DreamError::NothingDreamed);
        }
        // Whether the view moved is known: the odometer saw a picture with holes.
        last.codes.copy_from_slice(&self.account.codes);
        history.push(last);
        Ok((before, history))
    }

    /// Makes what was changed the past, or where that failed what was before; its frames see their past as they did, by these settings.
    fn settled(
        &mut self,
        moment: Moment,
        seen_by: &DecodeSettings,
        changed: Result<(Option<Map>, Vec<TokenFrame>), DreamError>,
    ) -> Result<(), DreamError> {
        self.engine.set_settings(seen_by)?;
        self.engine.set_prompt(self.prompt.words())?;
        let (frames, next_frame, since) = (moment.frames(), moment.next_frame, self.ahead.imagined.since);
        let ((before, history), outcome) = match changed {
            Ok(past) => {
                self.repaints = self.repaints.wrapping_add(1);
                self.undo_returns_to(moment);
                (past, Ok(()))
            }
            Err(why) => ((moment.before, moment.history), Err(why)),
        };
        let as_far = frames_of(before.as_ref(), &history) == frames;
        self.go_to(before, history, next_frame)?;
        // Where the land is remembered still, what was seen of another one stays out of sight.
        if as_far {
            self.ahead.imagined.since = since;
        }
        outcome
    }
}

/// Makes the chosen tokens of a frame unknown.
fn forget(codes: &mut [u8], chosen: &[bool]) {
    let code_dims = codes.len() / chosen.len().max(1);
    for (token, _) in codes.chunks_exact_mut(code_dims.max(1)).zip(chosen).filter(|(_, chosen)| **chosen) {
        token.fill(UNKNOWN);
    }
}

/// Makes all tokens of `history` unknown that show a place which the chosen tokens of `last`, the frame after it, show as well, and forgets what lay
/// there `before`.
fn forget_places(before: Option<&mut Map>, history: &mut [TokenFrame], last: &TokenFrame, chosen: &[bool], manifest: &Manifest) {
    let (grid_w, grid_h) = (manifest.frame.grid_w() as i32, manifest.frame.grid_h() as i32);
    let recall = manifest.recall();
    let steps = recall.map_or(1, |r| (manifest.frame.patch_px / r.step_px) as i32);
    let stays = |n: usize| recall.map_or(n >= manifest.frame.patches(), |recall| !recall.scrolls(n, &manifest.frame));
    let covered: Vec<bool> = (0..chosen.len()).map(stays).collect();
    let motion = |frame: &TokenFrame| if frame.moved && recall.is_some() { motion_of(manifest, frame.action) } else { [0, 0] };
    // View of the frame looked at, from that of `last`, in steps.
    let (mut view, mut to_next) = ([0, 0], motion(last));
    for frame in history.iter_mut().rev() {
        view = [view[0] - to_next[0], view[1] - to_next[1]];
        let mut again = vec![false; chosen.len()];
        for n in (0..chosen.len()).filter(|&n| chosen[n]) {
            // What never scrolls is where it always was.
            if covered[n] {
                again[n] = true;
                continue;
            }
            let at = |view: i32, column: i32| column * steps - view;
            let [x, y] = [0, 1].map(|i| at(view[i], manifest.frame.cell(n)[i] as i32));
            for row in y.div_euclid(steps)..=(y + steps - 1).div_euclid(steps) {
                for column in x.div_euclid(steps)..=(x + steps - 1).div_euclid(steps) {
                    if (0..grid_w).contains(&column) && (0..grid_h).contains(&row) {
                        let token = (row * grid_w + column) as usize;
                        again[token] |= !covered[token];
                    }
                }
            }
        }
        forget(&mut frame.codes, &again);
        to_next = motion(frame);
    }
    let Some(map) = before else { return };
    let corner = [0, 1].map(|i| map.view()[i] - view[i] + to_next[i]);
    for n in (0..chosen.len()).filter(|&n| chosen[n] && !covered[n]) {
        let cell = manifest.frame.cell(n);
        map.forget([0, 1].map(|i| corner[i] + steps * cell[i] as i32), steps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::Source;
    use crate::dream::session::tests::shown;
    use crate::dream::still::Still;
    use crate::engine::inputs::play_settings;
    use crate::engine::reference::ReferenceEngine;
    use crate::engine::{Engine as _, PromptWord};
    use crate::pack::Pack;
    use crate::pack::manifest::RecallDims;
    use crate::pack::random::{look_manifest, odd_manifest, random_pack};

    /// An odd pack whose action 1 leads east by a step, two of which are a token.
    fn pack() -> Pack {
        pack_of(odd_manifest())
    }

    fn pack_of(mut manifest: Manifest) -> Pack {
        (manifest.frame.patch_px, manifest.frame.width_px, manifest.frame.height_px) = (8, 40, 24);
        let dynamics = manifest.dynamics.as_mut().unwrap();
        dynamics.recall = Some(RecallDims { step_px: 4, covered: vec![7] });
        manifest.lam = None;
        manifest.actions[1].motion = [1, 0];
        random_pack(manifest, 5).unwrap()
    }

    fn session(pack: &Pack) -> DreamSession {
        shown(pack, 1)
    }

    fn chosen(tokens: &[usize]) -> Vec<bool> {
        (0..15).map(|n| tokens.contains(&n)).collect()
    }

    fn pictures(session: &mut DreamSession, settings: &DecodeSettings, codes: &[u8]) -> Vec<Vec<u8>> {
        let step = |code: &u8| {
            session.step(*code, settings).unwrap();
            session.read_picture().unwrap()
        };
        codes.iter().map(step).collect()
    }

    #[test]
    fn painted_tokens_change_and_all_others_stay_bit_for_bit() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = session(&pack);
        pictures(&mut session, &settings, &[0, 1, 1, 2]);
        let before = session.history().back().unwrap().clone();
        let painted = chosen(&[3, 7, 8]);
        session.repaint(&painted, &[4], &settings).unwrap();
        let after = session.history().back().unwrap().clone();
        for (n, (old, new)) in before.codes.chunks(3).zip(after.codes.chunks(3)).enumerate() {
            assert!(painted[n] || old == new, "token {n} was not painted and changed");
            assert!(new.iter().all(|&level| level < 7), "token {n} is settled");
        }
        assert_ne!(before.codes, after.codes, "nothing was painted");
        assert_eq!((after.action, after.moved), (before.action, before.moved));
        assert_eq!(after.prompt, before.prompt, "to the frames that follow it is no news");
        // Again, it is dreamed otherwise; the prompt in force is what it was.
        session.repaint(&painted, &[4], &settings).unwrap();
        assert_ne!(session.history().back().unwrap().codes, after.codes);
        session.step(0, &settings).unwrap();
        assert!(session.history().back().unwrap().prompt.is_empty());
    }

    #[test]
    fn what_is_painted_in_words_comes_out_of_nothing_but_them_and_what_is_left() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = session(&pack);
        pictures(&mut session, &settings, &[0, 1, 1, 2]);
        let mut history: Vec<TokenFrame> = session.history().iter().cloned().collect();
        let painted: Vec<bool> = (0..15).map(|n| n != 7).collect();
        session.repaint(&painted, &[4], &settings).unwrap();
        let mut last = history.pop().unwrap();
        forget_places(None, &mut history, &last, &painted, &pack.manifest);
        forget(&mut last.codes, &painted);
        let by_hand = |past: &[TokenFrame], action: u8| {
            let mut engine = ReferenceEngine::new(&pack).unwrap();
            engine.set_prompt(&[PromptWord::whole(4)]).unwrap();
            engine.restore(past, 3).unwrap();
            engine.dream_around(&last.codes, action, &settings.fresh()).unwrap();
            let mut codes = last.codes.clone();
            engine.take_codes(&mut codes).unwrap();
            codes
        };
        // The control: with a past it is another picture.
        assert_ne!(session.history().back().unwrap().codes, by_hand(&history, last.action));
        assert_eq!(session.history().back().unwrap().codes, by_hand(&[], session.unknown_action()));
    }

    #[test]
    fn taken_back_the_dream_goes_on_as_if_nothing_had_been() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let undisturbed = pictures(&mut session(&pack), &settings, &[1, 1, 2, 0, 1]);
        let mut session = session(&pack);
        pictures(&mut session, &settings, &[1, 1]);
        session.repaint(&chosen(&[2, 6]), &[], &settings).unwrap();
        session.stylise(0.5, &settings).unwrap();
        assert_ne!(session.read_picture().unwrap(), undisturbed[1]);
        let changed = pictures(&mut session, &settings, &[2, 0, 1]);
        assert_ne!(changed, undisturbed[2..], "play goes on from the change");
        session.undo().unwrap();
        session.undo().unwrap();
        assert_eq!(session.read_picture().unwrap(), undisturbed[1]);
        assert_eq!(pictures(&mut session, &settings, &[2, 0, 1]), undisturbed[2..]);
        assert!(matches!(session.undo(), Err(DreamError::NothingToUndo)));
    }

    #[test]
    fn what_was_taken_back_is_done_again_until_something_else_is_changed() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = session(&pack);
        pictures(&mut session, &settings, &[1, 1]);
        let number = session.dream();
        session.repaint(&chosen(&[2, 6]), &[], &settings).unwrap();
        let painted = session.read_picture().unwrap();
        session.reset(&settings).unwrap();
        let (home, another) = (session.read_picture().unwrap(), session.dream());
        session.undo().unwrap();
        session.undo().unwrap();
        // A walk is no change: it is there again when the change is taken back once more.
        let walked = pictures(&mut session, &settings, &[2]).remove(0);
        session.redo().unwrap();
        assert_eq!((session.read_picture().unwrap(), session.dream()), (painted, number));
        session.redo().unwrap();
        assert_eq!((session.read_picture().unwrap(), session.dream()), (home, another));
        assert!(matches!(session.redo(), Err(DreamError::NothingToRedo)));
        session.undo().unwrap();
        session.undo().unwrap();
        assert_eq!(session.read_picture().unwrap(), walked);
        // The control: whoever changes something else has left what was taken back.
        session.stylise(0.5, &settings).unwrap();
        assert!(matches!(session.redo(), Err(DreamError::NothingToRedo)));
    }

    #[test]
    fn who_takes_back_a_walk_leaves_another_dream_and_so_does_who_stylises() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        // Number of the dream that a walk is taken, of the one that goes on when it is taken back, and of the walk done again.
        let numbers = |steps: usize| {
            let mut session = session(&pack);
            session.repaint(&chosen(&[2, 6]), &[], &settings).unwrap();
            (0..steps).for_each(|_| session.step(1, &settings).unwrap());
            let walked = session.dream();
            session.undo().unwrap();
            let back = session.dream();
            session.redo().unwrap();
            [walked, back, session.dream()]
        };
        assert_eq!(numbers(3), [1; 3]);
        assert_eq!(numbers(25), [1, 2, 1]);
        let mut session = session(&pack);
        session.stylise(0.5, &settings).unwrap();
        assert_eq!(session.dream(), 2);
        session.undo().unwrap();
        assert_eq!(session.dream(), 1);
    }

    #[test]
    fn a_new_beginning_can_be_taken_back_too() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let undisturbed = pictures(&mut session(&pack), &settings, &[1, 1, 2, 0, 1]);
        let still = || Still { rgb: (0..pack.manifest.frame.rgb_bytes()).map(|i| (i * 11) as u8).collect() };
        let beginnings: [&dyn Fn(&mut DreamSession); 3] =
            [&|session| session.reset(&settings).unwrap(), &|session| session.start_from_prompt(&settings).unwrap(), &|session| {
                session.start_from(&[still()]).unwrap()
            }];
        for begin in beginnings {
            let mut session = session(&pack);
            let home = session.read_picture().unwrap();
            let seen = session.seen().unwrap().original_rgb.clone();
            pictures(&mut session, &settings, &[1, 1]);
            begin(&mut session);
            assert_ne!(session.read_picture().unwrap(), undisturbed[1]);
            session.undo().unwrap();
            assert_eq!(session.read_picture().unwrap(), undisturbed[1]);
            assert_eq!(session.seen().unwrap().original_rgb, seen);
            assert_eq!(pictures(&mut session, &settings, &[2, 0, 1]), undisturbed[2..]);
            session.reset(&settings).unwrap();
            assert_eq!(session.read_picture().unwrap(), home, "reset goes where it went before");
        }
        assert!(matches!(session(&pack).undo(), Err(DreamError::NothingToUndo)), "the first beginning has nothing before it");
    }

    #[test]
    fn bad_choices_change_nothing() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = session(&pack);
        pictures(&mut session, &settings, &[1]);
        let before = session.history().clone();
        for bad in [vec![], chosen(&[]), vec![true; 3]] {
            assert!(matches!(session.repaint(&bad, &[], &settings), Err(DreamError::NothingPainted)));
        }
        assert!(matches!(session.stylise(0.0, &settings), Err(DreamError::NothingPainted)));
        assert!(session.repaint(&chosen(&[1]), &[60_000], &settings).is_err());
        assert_eq!(*session.history(), before);
        let mut nowhere = DreamSession::new(Box::new(ReferenceEngine::new(&pack).unwrap())).unwrap();
        assert!(matches!(nowhere.repaint(&chosen(&[1]), &[], &settings), Err(DreamError::NothingDreamed)));
    }

    #[test]
    fn the_past_forgets_the_same_places_wherever_they_were_seen() {
        let pack = pack();
        let frame = |action, moved| TokenFrame { codes: vec![1; 45], action, moved, prompt: Vec::new() };
        let unknown = |frame: &TokenFrame| -> Vec<usize> { (0..15).filter(|n| frame.codes[n * 3] == UNKNOWN).collect() };
        let dims = pack.manifest.dynamics.as_ref().unwrap().recall.clone().unwrap();
        // What of the map was forgotten, as tokens of a frame of the history's view before.
        let forgotten = |chosen: &[bool], history: &mut [TokenFrame]| -> Vec<[i32; 2]> {
            let mut map = Map::new(&pack.manifest.frame, &dims);
            map.remember(&[1; 45], [-3, 2], true);
            let seen = |map: &Map| map.places().filter(|(_, frame, _)| *frame > 0).map(|(at, ..)| at).collect::<Vec<_>>();
            let before = seen(&map);
            forget_places(Some(&mut map), history, &frame(1, true), chosen, &pack.manifest);
            let after = seen(&map);
            before.into_iter().filter(|at| !after.contains(at)).map(|at| [at[0] + 3, at[1] - 2]).collect()
        };
        // East by a step and blocked, east by another, and on.
        let mut history = [frame(3, false), frame(1, true), frame(1, false)];
        let of_map = forgotten(&chosen(&[6, 7]), &mut history);
        // A step is half a token: what token 6 shows was half on 6, half on 7, where the figure stands; token 7 is the figure's.
        assert_eq!(unknown(&history[2]), [6, 7]);
        assert_eq!(unknown(&history[1]), [6, 7]);
        // Two steps ago it lay one token further east, under the figure.
        assert_eq!(unknown(&history[0]), [7]);
        assert!(of_map.is_empty(), "the figure's place is not on the map: {of_map:?}");
        let mut history = [frame(3, false), frame(1, true)];
        let of_map = forgotten(&chosen(&[5, 13]), &mut history);
        assert_eq!(unknown(&history[1]), [5, 6, 13, 14]);
        assert_eq!(unknown(&history[0]), [6, 14]);
        // As the first frame of the history, which did not move: tokens 6 and 14.
        assert_eq!(of_map, [[2, 2], [8, 4]]);
    }

    #[test]
    fn stylising_fills_the_window_with_the_result() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = session(&pack);
        pictures(&mut session, &settings, &[1, 1, 1]);
        let before = session.history().back().unwrap().codes.clone();
        session.set_prompt(&[9], 0).unwrap();
        session.stylise(0.4, &settings).unwrap();
        let after = session.history().back().unwrap();
        let changed = before.chunks(3).zip(after.codes.chunks(3)).filter(|(old, new)| old != new).count();
        assert!((1..=6).contains(&changed), "{changed} of 15 tokens changed, 6 were chosen");
        assert_eq!(session.history().len(), 5, "the window");
        assert!(session.history().iter().all(|frame| frame.codes == after.codes && frame.prompt == [PromptWord::whole(9)]));
        assert_eq!(session.some_patches(0.01, 3).iter().filter(|t| **t).count(), 1);
        assert!(session.some_patches(1.0, 3).iter().all(|t| *t));
    }

    #[test]
    fn a_frame_is_dreamed_around_what_is_given() {
        let pack = pack();
        let settings = play_settings(&pack.manifest);
        let mut session = session(&pack);
        let given = vec![2; 45];
        session.step_around(&given, &chosen(&[0, 14]), 1, &settings).unwrap();
        let dreamed = &session.history().back().unwrap().codes;
        assert!(dreamed[3..42].iter().all(|&level| level == 2));
        assert_ne!(dreamed[..], given);
    }

    #[test]
    fn a_look_stays_while_a_patch_does_and_is_another_where_the_picture_is_to_be() {
        let pack = pack_of(look_manifest());
        let settings = DecodeSettings { temperature: 3.0, ..play_settings(&pack.manifest) };
        let mut session = session(&pack);
        pictures(&mut session, &settings, &[0, 1, 1, 2]);
        // Whether the look is what it was, whatever is drawn.
        let mut stays = |change: &dyn Fn(&mut DreamSession, &DecodeSettings)| {
            let codes = |session: &DreamSession| session.history().back().unwrap().codes.clone();
            let before = codes(&session);
            let stays = |seed: u32| {
                change(&mut session, &DecodeSettings { seed, ..settings });
                let after = codes(&session);
                session.undo().unwrap();
                assert_ne!(before[..45], after[..45], "nothing was dreamed");
                assert!(after.iter().all(|&level| level < 7));
                before[45..] == after[45..]
            };
            (0..4).all(stays)
        };
        assert!(stays(&|session, s| session.repaint(&chosen(&[3, 7, 8]), &[4], s).unwrap()));
        assert!(stays(&|session, s| session.repaint(&(0..15).map(|n| n != 7).collect::<Vec<_>>(), &[], s).unwrap()));
        assert!(!stays(&|session, s| session.repaint(&[true; 15], &[4], s).unwrap()));
        assert!(!stays(&|session, s| session.stylise(0.1, s).unwrap()));
        // The look alone is nothing to paint.
        for bad in [vec![], chosen(&[]), vec![true; 16]] {
            assert!(matches!(session.repaint(&bad, &[], &settings), Err(DreamError::NothingPainted)));
        }
        assert!(matches!(session.stylise(0.0, &settings), Err(DreamError::NothingPainted)));
        assert_eq!(session.some_patches(1.0, 3), [true; 15]);
        assert_eq!(session.tokens_of(&chosen(&[2]), true).iter().filter(|chosen| **chosen).count(), 2);
    }

    #[test]
    fn the_past_forgets_its_looks_with_the_look() {
        for scrolls in [true, false] {
            let mut manifest = pack_of(look_manifest()).manifest;
            let dynamics = manifest.dynamics.as_mut().unwrap();
            dynamics.recall = dynamics.recall.take().filter(|_| scrolls);
            let frame = |action| TokenFrame { codes: vec![1; 48], action, moved: true, prompt: Vec::new() };
            let forgotten = |tokens: &[usize]| -> Vec<usize> {
                let mut history = [frame(3), frame(0)];
                let tokens: Vec<bool> = (0..16).map(|n| tokens.contains(&n)).collect();
                forget_places(None, &mut history, &frame(3), &tokens, &manifest);
                (0..16).filter(|n| history[0].codes[n * 3] == UNKNOWN).collect()
            };
            assert_eq!(forgotten(&[15]).last(), Some(&15));
            assert!(!forgotten(&[10, 14]).contains(&15), "a patch of the last row is no look");
            assert_eq!(forgotten(&[15]).len(), 1, "and the look no patch");
        }
    }
}
