//! Windows in which one part of the look turns with its word, and nothing else does. Clips hold few of them for each pair of looks; but in worlds that have looks,
//! land and look are tokens of their own, so that a frame under another look is the same frame with another last token.

use somnium::worlds::scene::{Light, Style, Weather};
use somnium::worlds::words::saying;

use super::DynamicsStage;
use crate::looks::Part;
use crate::source::Dice;
use crate::tokens::{NO_WORD, TokenClips};

/// Share of the parts that turn that are light, and weather; the others are style.
const LIGHT_SHARE: f32 = 0.5;
const WEATHER_SHARE: f32 = 0.25;

/// What a window shows from one of its frames on.
pub(super) struct Recoloured {
    /// First frame of the clip under the other look.
    pub(super) at: usize,
    /// Tokens of the look, from that frame on.
    pub(super) looks: Vec<Vec<u8>>,
    /// The words, padded.
    pub(super) words: Vec<u16>,
}

impl Recoloured {
    /// The look of a frame of the clip, where it is another.
    pub(super) fn look(&self, frame: usize) -> Option<&[u8]> {
        self.looks.get(frame.checked_sub(self.at)?).map(Vec::as_slice)
    }
}

impl DynamicsStage {
    /// Another look for the window of a clip from `start` on, in whose frames the same words are in force. `None` where no such look was ever read.
    pub(super) fn recolour(&self, clips: &TokenClips, (clip, start): (usize, usize), dice: &mut Dice) -> Option<Recoloured> {
        let (t, d, most) = (self.preset.dynamics_frames, self.frame_dims().code_dims, self.shape.dims.prompt_words);
        let at = start + 1 + dice.below(t - 1);
        let words: Vec<u16> = clips.frame_words(clip, at).iter().copied().filter(|word| *word != NO_WORD).collect();
        let seed = dice.next();
        let share = dice.unit();
        let (part, mut words) = if share < LIGHT_SHARE {
            let light = Light::ALL[dice.below(Light::ALL.len())];
            (Part::Light(light), saying(&words, light, seed, most))
        } else if share < LIGHT_SHARE + WEATHER_SHARE {
            let weather = Weather::ALL[dice.below(Weather::ALL.len())];
            (Part::Weather(weather), saying(&words, weather, seed, most))
        } else {
            let style = Style::ALL[dice.below(Style::ALL.len())];
            (Part::Style(style), saying(&words, style, seed, most))
        };
        words.resize(most, NO_WORD);
        let look = |frame: usize| {
            let codes = clips.frame(clip, frame);
            self.looks.turned(&codes[codes.len() - d..], part, frame).map(<[u8]>::to_vec)
        };
        let looks = (at..start + t).map(look).collect::<Option<_>>()?;
        Some(Recoloured { at, looks, words })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use somnium::engine::told;
    use somnium::prompt::WordTable;
    use somnium::worlds::words::wish_of;

    use super::*;
    use crate::looks::Looks;
    use crate::stages::dynamics::tests::stage_of_one_change;

    #[test]
    fn a_light_that_is_said_turns_the_look_and_leaves_the_land() {
        let (frames, window, start) = (20, 6, 7);
        let mut stage = stage_of_one_change(frames, window, frames);
        let (d, n, k) = (stage.frame_dims().code_dims, stage.tokens(), stage.shape.dims.prompt_words);
        let looks = [("Noir Day Clear 0", 0), ("Noir Dusk Clear 0", 1), ("Noir Night Clear 0", 2), ("Noir Dawn Clear 0", 3)];
        stage.looks = Looks(looks.map(|(name, level)| (name.to_owned(), vec![level; d])).into());
        let clip = Arc::get_mut(&mut stage.clips).expect("nobody else has them");
        clip.words.fill(WordTable::get().find("noir").expect("a word"));
        clip.codes.chunks_exact_mut(n * d).for_each(|codes| codes[(n - 1) * d..].fill(0));
        clip.blotted.clone_from(&clip.codes);
        let (mut turned, mut as_it_was) = (0, 0);
        for seed in 0..1000 {
            let mut batch = stage.empty_batch(1);
            stage.push_window(&stage.clips, (0, start), &mut batch, &mut Dice::new(6, seed), true);
            let look = |frame: usize| batch.truth[(frame * n + n - 1) * d];
            let Some(at) = (0..window).find(|frame| look(*frame) != 0) else {
                as_it_was += 1;
                continue;
            };
            turned += 1;
            let said =
                |frame: usize| -> Vec<u16> { batch.words[frame * k..][..k].iter().copied().filter(|word| *word != NO_WORD).collect() };
            let light = [None, Some(Light::Dusk), Some(Light::Night), Some(Light::Dawn)][usize::from(look(at))];
            assert!(at > 0 && (at..window).all(|frame| look(frame) == look(at) && wish_of(&said(frame)).light == light));
            assert!((at..window).all(|frame| wish_of(&said(frame)).style == Some(Style::Noir)));
            assert_eq!((usize::from(batch.told[at]), wish_of(&said(at - 1)).light), (told::NEWS, None));
            for (frame, codes) in batch.truth.chunks_exact(n * d).enumerate() {
                assert_eq!(codes[..(n - 1) * d], stage.clips.frame(0, start + frame)[..(n - 1) * d], "the land is what it was");
            }
            assert_eq!(batch.shown, batch.truth);
        }
        assert!(turned > 60 && as_it_was > 800, "{turned} windows turn, {as_it_was} do not");
    }
}
