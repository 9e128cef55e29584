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
