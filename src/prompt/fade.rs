//! One prompt fading into another: the shares of old and new words, frame by frame.

use crate::engine::PromptWord;

/// The words in force while a prompt goes from what it was to what it is to be.
#[derive(Clone, Debug, Default)]
pub struct Fade {
    from: Vec<PromptWord>,
    to: Vec<u16>,
    /// Frames begun since, of `frames` that are blends.
    begun: u32,
    frames: u32,
    words: Vec<PromptWord>,
}

impl Fade {
    /// A fade from what is in force here to the words `to`, of which `frames` frames are blends: with 0 it is over at once. Where a mixture is in force, the
    /// fade begins with those of its words that count most, at most `most` of them.
    #[must_use]
    pub fn towards(&self, to: &[u16], frames: u32, most: usize) -> Self {
        let mut from = self.words.clone();
        from.sort_by_key(|word| std::cmp::Reverse(word.share));
        from.truncate(most);
        let mut fade = Self { from, to: to.to_vec(), begun: 0, frames, words: Vec::with_capacity(2 * most) };
        fade.next_frame();
        fade
    }

    /// Goes on to the next frame; whether its words differ from those before.
    pub fn next_frame(&mut self) -> bool {
        if self.begun > self.frames {
            return false;
        }
        self.begun += 1;
        let part = self.begun as f32 / (self.frames + 1) as f32;
        // In a blend every word of both has a share, so that words come and go at its ends alone.
        let least = u8::from(self.begun <= self.frames);
        let share = |from: u8, to: f32| ((f32::from(from) + (to - f32::from(from)) * part).round() as u8).max(least);
        self.words.clear();
        let leaving = self.from.iter().filter(|word| !self.to.contains(&word.id));
        self.words.extend(leaving.map(|word| PromptWord { id: word.id, share: share(word.share, 0.0) }));
        let share_before = |id: u16| self.from.iter().find(|word| word.id == id).map_or(0, |word| word.share);
        self.words.extend(self.to.iter().map(|&id| PromptWord { id, share: share(share_before(id), 255.0) }));
        self.words.retain(|word| word.share > 0);
        true
    }

    /// Ends it at once: the words it was to end with are in force.
    pub fn end(&mut self) {
        while self.next_frame() {}
    }

    /// The words of the present frame, at most twice as many as a prompt may have.
    pub fn words(&self) -> &[PromptWord] {
        &self.words
    }

    /// The words it ends with.
    pub fn target(&self) -> &[u16] {
        &self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(fade: &Fade) -> Vec<(u16, u8)> {
        fade.words().iter().map(|word| (word.id, word.share)).collect()
    }

    #[test]
    fn without_blends_the_first_frame_has_the_new_prompt_alone() {
        let mut fade = Fade::default().towards(&[7, 9], 0, 4);
        assert_eq!(shares(&fade), [(7, 255), (9, 255)]);
        assert!(!fade.next_frame());
        assert_eq!(shares(&fade.towards(&[], 0, 4)), []);
    }

    #[test]
    fn old_words_go_as_new_ones_come_and_common_ones_stay() {
        let mut fade = Fade::default().towards(&[1, 2], 0, 4).towards(&[2, 3], 3, 4);
        let mut seen = vec![shares(&fade)];
        while fade.next_frame() {
            seen.push(shares(&fade));
        }
        assert_eq!(
            seen,
            [
                vec![(1, 191), (2, 255), (3, 64)],
                vec![(1, 128), (2, 255), (3, 128)],
                vec![(1, 64), (2, 255), (3, 191)],
                vec![(2, 255), (3, 255)]
            ]
        );
    }

    #[test]
    fn words_come_and_go_at_the_ends_of_a_fade_alone() {
        // Hardly begun, and turned to something else: each frame's step is less than a share can say.
        let mut fade = Fade::default().towards(&[1], 0, 2).towards(&[2], 600, 2).towards(&[3], 600, 2);
        for frame in 0..600 {
            assert_eq!(fade.words().iter().map(|word| word.id).collect::<Vec<_>>(), [1, 2, 3], "frame {frame}");
            assert!(fade.next_frame());
        }
        assert_eq!(shares(&fade), [(3, 255)]);
    }

    #[test]
    fn a_fade_that_is_cut_off_goes_on_from_its_mixture_and_never_holds_too_many_words() {
        let mut fade = Fade::default().towards(&[1, 2], 0, 2).towards(&[3, 4], 9, 2);
        for to in [[5, 6], [7, 8], [9, 10]] {
            fade.next_frame();
            fade = fade.towards(&to, 9, 2);
            assert!(fade.words().len() <= 4 && fade.words().iter().all(|word| word.share > 0), "{:?}", fade.words());
        }
        assert_ne!(shares(&fade), [(9, 255), (10, 255)]);
        fade.end();
        assert_eq!(shares(&fade), [(9, 255), (10, 255)]);
        assert!(!fade.next_frame());
    }
}
