//! Clips as the dynamics sees them: codes, actions and words, encoded once by the trained tokenizer and kept in one file.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use somnium::prompt;
use somnium::whole_file;
use somnium::worlds::scene::{Biome, Feature, Scene, Wish};
use somnium::worlds::words::wish_of;

/// Marks "no action recorded" or "no code inferred".
pub const NONE: u8 = 255;
/// Key of the checksum of what made them, in a file's metadata.
const MADE_BY: &str = "made_by";
/// Stands where a prompt has no more words.
pub const NO_WORD: u16 = u16::MAX;

/// `clips` clips of `frames` frames each.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenClips {
    pub clips: usize,
    pub frames: usize,
    /// Bytes of codes a frame, `N * D`.
    pub code_bytes: usize,
    /// Words of a prompt, padded with [`NO_WORD`].
    pub words_per_frame: usize,
    /// `(clips, frames, N, D)` levels.
    pub codes: Vec<u8>,
    /// The same of the frames with blots.
    pub blotted: Vec<u8>,
    /// `(clips, frames)` recorded action into each frame.
    pub recorded: Vec<u8>,
    /// `(clips, frames)` code the latent action model inferred.
    pub inferred: Vec<u8>,
    /// `(clips, frames, 2)` where the view is, in steps from the clip's first frame.
    pub views: Vec<i16>,
    /// `(clips, frames, words)` rows of the word table.
    pub words: Vec<u16>,
    /// `(clips, frames, words)` rows of the word table that say what is seen in each frame, whatever is asked for.
    pub described: Vec<u16>,
    /// `(clips, frames)` 1 where light, weather, season or style turn by themselves, no word of it said.
    pub untold: Vec<u8>,
    /// Checksum of what they were encoded by; 0 where nothing was.
    pub made_by: u64,
}

impl TokenClips {
    pub fn new(frames: usize, code_bytes: usize, words_per_frame: usize) -> Self {
        Self {
            clips: 0,
            frames,
            code_bytes,
            words_per_frame,
            codes: Vec::new(),
            blotted: Vec::new(),
            recorded: Vec::new(),
            inferred: Vec::new(),
            views: Vec::new(),
            words: Vec::new(),
            described: Vec::new(),
            untold: Vec::new(),
            made_by: 0,
        }
    }

    /// Codes of one frame, `(N, D)`.
    pub fn frame(&self, clip: usize, frame: usize) -> &[u8] {
        let start = (clip * self.frames + frame) * self.code_bytes;
        &self.codes[start..start + self.code_bytes]
    }

    /// Codes of one frame with blots, `(N, D)`.
    pub fn blotted_frame(&self, clip: usize, frame: usize) -> &[u8] {
        let start = (clip * self.frames + frame) * self.code_bytes;
        &self.blotted[start..start + self.code_bytes]
    }

    /// Where the view of one frame is, in steps from the clip's first.
    pub fn view(&self, clip: usize, frame: usize) -> [i32; 2] {
        let at = 2 * (clip * self.frames + frame);
        [i32::from(self.views[at]), i32::from(self.views[at + 1])]
    }

    /// The same clips, seen with their blots.
    pub fn seen_blotted(&self) -> Self {
        Self { codes: self.blotted.clone(), ..self.clone() }
    }

    /// Words of one frame's prompt.
    pub fn frame_words(&self, clip: usize, frame: usize) -> &[u16] {
        let start = (clip * self.frames + frame) * self.words_per_frame;
        &self.words[start..start + self.words_per_frame]
    }

    /// Words that say what is seen in one frame.
    pub fn frame_described(&self, clip: usize, frame: usize) -> &[u16] {
        let start = (clip * self.frames + frame) * self.words_per_frame;
        &self.described[start..start + self.words_per_frame]
    }

    /// Whether a frame's prompt is not that of the frame before.
    pub fn words_change(&self, clip: usize, frame: usize) -> bool {
        frame > 0 && self.frame_words(clip, frame) != self.frame_words(clip, frame - 1)
    }

    /// Whether something turns by itself in one of these frames of a clip.
    pub fn turns_untold(&self, clip: usize, frames: Range<usize>) -> bool {
        self.untold[clip * self.frames..][frames].contains(&1)
    }

    /// All frames with other words than the frame before, as (clip, frame).
    pub fn word_changes(&self) -> Vec<(usize, usize)> {
        let frames = (0..self.clips).flat_map(|clip| (1..self.frames).map(move |frame| (clip, frame)));
        frames.filter(|(clip, frame)| self.words_change(*clip, *frame)).collect()
    }

    /// Whether a frame's prompt asks for a land.
    pub fn names_land(&self, clip: usize, frame: usize) -> bool {
        land_of(self.frame_words(clip, frame)).is_some()
    }

    /// Whether a frame's prompt asks for a land, or for something that stands out in one.
    pub fn asks_of_the_land(&self, clip: usize, frame: usize) -> bool {
        let wish = asked(self.frame_words(clip, frame));
        wish.biome.is_some() || !wish.features.is_empty()
    }

    /// Whether a prompt of a clip asked so, up to a frame: from then on what comes into view there does not come by itself.
    pub fn land_was_asked_for(&self, clip: usize, frame: usize) -> bool {
        (0..=frame).filter(|at| *at == 0 || self.words_change(clip, *at)).any(|at| self.asks_of_the_land(clip, at))
    }

    /// All frames that show another land than the frame before for the most part, where words ask for none and did not change in the `quiet` frames up to there, as
    /// (clip, frame).
    pub fn land_turns(&self, quiet: usize) -> Vec<(usize, usize)> {
        let turns_of = |clip: usize| {
            let lands: Vec<_> = (0..self.frames).map(|frame| land_of(self.frame_described(clip, frame))).collect();
            let turns = move |frame: &usize| lands[*frame].is_some() && lands[*frame - 1].is_some() && lands[*frame] != lands[*frame - 1];
            let wished = move |frame: usize| (frame.saturating_sub(quiet)..=frame).any(|frame| self.words_change(clip, frame));
            (1..self.frames)
                .filter(turns)
                .filter(move |frame| !wished(*frame) && !self.names_land(clip, *frame))
                .map(move |frame| (clip, frame))
        };
        (0..self.clips).flat_map(turns_of).collect()
    }

    /// All frames whose descriptions name this, as (clip, frame).
    pub fn frames_with(&self, feature: Feature) -> Vec<(usize, usize)> {
        let frames = (0..self.clips).flat_map(|clip| (0..self.frames).map(move |frame| (clip, frame)));
        frames.filter(|(clip, frame)| asked(self.frame_described(*clip, *frame)).features.contains(&feature)).collect()
    }

    /// Frames `0..until` of one clip with frame `twice` standing twice, the second time under the code `rest`, or the action that leads to the next frame:
    /// `until` frames all the same, so that the last one falls away.
    pub fn with_frame_twice(&self, clip: usize, twice: usize, until: usize, rest: Option<u8>) -> Self {
        let mut copy = Self { clips: 1, ..Self::new(until, self.code_bytes, self.words_per_frame) };
        for frame in 0..until {
            let source = if frame > twice { frame - 1 } else { frame };
            // The double is entered by the action that the frame after it is entered by.
            let acted = clip * self.frames + if frame == twice + 1 { frame } else { source };
            copy.codes.extend_from_slice(self.frame(clip, source));
            copy.blotted.extend_from_slice(self.blotted_frame(clip, source));
            let [recorded, inferred] = match rest.filter(|_| frame == twice + 1) {
                Some(rest) => [NONE, rest],
                None => [self.recorded[acted], self.inferred[acted]],
            };
            copy.recorded.push(recorded);
            copy.inferred.push(inferred);
            copy.views.extend(&self.views[2 * (clip * self.frames + source)..][..2]);
            copy.words.extend_from_slice(self.frame_words(clip, source));
            copy.described.extend_from_slice(self.frame_described(clip, source));
            copy.untold.push(self.untold[clip * self.frames + source]);
        }
        copy
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let views: Vec<u8> = self.views.iter().flat_map(|steps| steps.to_le_bytes()).collect();
        let [words, described] = [&self.words, &self.described].map(|ids| ids.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<u8>>());
        let (c, f) = (self.clips, self.frames);
        let views = [
            ("codes", TensorView::new(Dtype::U8, vec![c, f, self.code_bytes], &self.codes)?),
            ("blotted", TensorView::new(Dtype::U8, vec![c, f, self.code_bytes], &self.blotted)?),
            ("recorded", TensorView::new(Dtype::U8, vec![c, f], &self.recorded)?),
            ("inferred", TensorView::new(Dtype::U8, vec![c, f], &self.inferred)?),
            ("views", TensorView::new(Dtype::I16, vec![c, f, 2], &views)?),
            ("untold", TensorView::new(Dtype::U8, vec![c, f], &self.untold)?),
            ("words", TensorView::new(Dtype::U16, vec![c, f, self.words_per_frame], &words)?),
            ("described", TensorView::new(Dtype::U16, vec![c, f, self.words_per_frame], &described)?),
        ];
        let about = HashMap::from([(MADE_BY.to_owned(), format!("{:016x}", self.made_by))]);
        let written = whole_file::write_by(path, |part| -> Result<()> { Ok(safetensors::serialize_to_file(views, Some(about), part)?) });
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = SafeTensors::deserialize(&bytes).with_context(|| format!("{} holds no tokens", path.display()))?;
        let (_, header) = SafeTensors::read_metadata(&bytes)?;
        let made_by = header.metadata().as_ref().and_then(|about| u64::from_str_radix(about.get(MADE_BY)?, 16).ok());
        let made_by = made_by.with_context(|| format!("{} does not say what its tokens were made by", path.display()))?;
        let codes = file.tensor("codes")?;
        let words = file.tensor("words")?;
        let (&[clips, frames, code_bytes], &[of_clips, of_frames, words_per_frame]) = (codes.shape(), words.shape()) else {
            anyhow::bail!("{}: codes and words must have three dimensions", path.display());
        };
        ensure!([of_clips, of_frames] == [clips, frames], "{}: words has {:?}", path.display(), words.shape());
        let described = file.tensor("described")?;
        ensure!(described.shape() == words.shape(), "{}: described has {:?}", path.display(), described.shape());
        let ids = |tensor: &TensorView<'_>| tensor.data().as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let blotted = file.tensor("blotted")?;
        ensure!(blotted.shape() == [clips, frames, code_bytes], "{}: blotted has {:?}", path.display(), blotted.shape());
        let views = file.tensor("views")?;
        ensure!(views.shape() == [clips, frames, 2], "{}: views has {:?}", path.display(), views.shape());
        let bytes_of = |name: &str| -> Result<Vec<u8>> {
            let tensor = file.tensor(name)?;
            ensure!(tensor.data().len() == clips * frames, "{}: {name} has {:?}", path.display(), tensor.shape());
            Ok(tensor.data().to_vec())
        };
        Ok(Self {
            clips,
            frames,
            code_bytes,
            words_per_frame,
            codes: codes.data().to_vec(),
            blotted: blotted.data().to_vec(),
            recorded: bytes_of("recorded")?,
            inferred: bytes_of("inferred")?,
            untold: bytes_of("untold")?,
            views: views.data().as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair)).collect(),
            words: ids(&words),
            described: ids(&described),
            made_by,
        })
    }
}

/// The land that words, padded, ask for.
fn land_of(words: &[u16]) -> Option<Biome> {
    asked(words).biome
}

/// What words, padded, ask for.
fn asked(words: &[u16]) -> Wish {
    let said: Vec<u16> = words.iter().copied().filter(|word| *word != NO_WORD).collect();
    wish_of(&said)
}

/// Of every frame of a clip whether its look turns by itself: light, weather, season or style are not those of the frame before, though
/// `words_change` says that the words are. A light that turns takes a frame for it, so the frame after is another once more.
pub fn untold(scenes: &[Option<Scene>], words_change: impl Fn(usize) -> bool) -> Vec<u8> {
    let turns = |frame: usize| look_turns(scenes, frame) && !words_change(frame);
    (0..scenes.len()).map(|frame| u8::from(turns(frame) || (frame > 0 && turns(frame - 1)))).collect()
}

/// Whether light, weather, season or style of a frame are not those of the frame before.
pub fn look_turns(scenes: &[Option<Scene>], frame: usize) -> bool {
    let look = |frame: usize| scenes[frame].as_ref().map(|scene| (scene.light, scene.weather, scene.season, scene.style));
    frame > 0 && look(frame) != look(frame - 1)
}

/// Words of a prompt as the player tells them, at most `limit`, padded with [`NO_WORD`].
pub fn word_ids(text: &str, limit: usize) -> Vec<u16> {
    let mut ids = prompt::heard(&prompt::ids(&prompt::read(text, limit)));
    ids.resize(limit, NO_WORD);
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_stands_twice_and_its_double_is_under_the_key_that_is_held() {
        let mut clips = TokenClips::new(5, 1, 1);
        clips.clips = 2;
        clips.codes = (0..10).collect();
        clips.blotted = (100..110).collect();
        clips.recorded = (20..30).collect();
        clips.inferred = (40..50).collect();
        clips.views = (0..20).collect();
        clips.words = (60..70).collect();
        clips.described = (80..90).collect();
        clips.untold = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 0];
        let twice = clips.with_frame_twice(1, 2, 5, None);
        assert_eq!((twice.clips, twice.frames), (1, 5));
        assert_eq!(twice.codes, [5, 6, 7, 7, 8]);
        assert_eq!(twice.blotted, [105, 106, 107, 107, 108]);
        // The step that shows nothing has the action of the step after it.
        assert_eq!(twice.recorded, [25, 26, 27, 28, 28]);
        assert_eq!(twice.inferred, [45, 46, 47, 48, 48]);
        assert_eq!(twice.views, [10, 11, 12, 13, 14, 15, 14, 15, 16, 17]);
        assert_eq!(twice.words, [65, 66, 67, 67, 68]);
        assert_eq!(twice.described, [85, 86, 87, 87, 88]);
        assert_eq!(twice.untold, [0, 0, 1, 1, 0]);
        let rests = clips.with_frame_twice(1, 2, 5, Some(7));
        assert_eq!((rests.recorded, rests.inferred), (vec![25, 26, 27, NONE, 28], vec![45, 46, 47, 7, 48]));
        assert_eq!(rests.codes, twice.codes);
    }

    #[test]
    fn clips_come_back_from_a_file_and_words_of_other_frames_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("clips.safetensors");
        let mut clips = TokenClips::new(3, 1, 1);
        (clips.clips, clips.made_by) = (2, 9);
        (clips.codes, clips.blotted) = ((0..6).collect(), (6..12).collect());
        (clips.recorded, clips.inferred, clips.untold) = (vec![1; 6], vec![NONE; 6], vec![0; 6]);
        (clips.views, clips.words, clips.described) = ((0..12).collect(), (20..26).collect(), (30..36).collect());
        clips.write(&path).expect("written");
        assert_eq!(TokenClips::read(&path).expect("read"), clips);
        let bytes = std::fs::read(&path).expect("a file");
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
        let file = SafeTensors::deserialize(&bytes).expect("tensors");
        let bent = file.tensors().into_iter().map(|(name, view)| {
            let shape = if ["words", "described"].contains(&name.as_str()) { vec![3, 2, 1] } else { view.shape().to_vec() };
            (name, TensorView::new(view.dtype(), shape, view.data()).expect("as many bytes"))
        });
        safetensors::serialize_to_file(bent, header.metadata().clone(), &path).expect("written");
        let why = TokenClips::read(&path).expect_err("other frames").to_string();
        assert!(why.contains("clips.safetensors: words has [3, 2, 1]"), "{why}");
        // A folder that is not there is named.
        let why = clips.write(&folder.path().join("none/clips.safetensors")).expect_err("no folder").to_string();
        assert!(why.contains("cannot write") && why.contains("none"), "{why}");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing lies beside it");
    }

    #[test]
    fn what_simulators_say_is_heard_as_it_stands() {
        use crate::source::{ClipSource, Mood, WorldSource};
        let (source, mut said) = (WorldSource::new("isles", 1).expect("the world exists"), 0);
        let as_read = |text: &str| prompt::ids(&prompt::read(text, 12));
        let as_told = |text: &str| word_ids(text, 12).into_iter().filter(|id| *id != NO_WORD).collect::<Vec<_>>();
        for number in 0..8 {
            let clip = source.clip(number, 96, Mood::Restless).expect("a clip");
            let descriptions = clip.scenes.iter().flatten().map(|scene| somnium::worlds::words::description(scene, number));
            for text in clip.prompts.iter().cloned().chain(descriptions).filter(|text| !text.is_empty()) {
                assert_eq!(as_told(&text), as_read(&text), "{text}");
                said += 1;
            }
        }
        assert!(said > 500);
        // The control: what somebody says of a recording need not be a caption's words.
        assert_ne!(as_told("a snowy forest"), as_read("a snowy forest"));
    }

    #[test]
    fn a_land_turns_where_another_is_described_and_nobody_spoke() {
        let row = |word: &str| prompt::WordTable::get().find(word).expect("a word");
        let mut clips = TokenClips::new(8, 1, 2);
        clips.clips = 2;
        clips.words = vec![NO_WORD; 32];
        let [snow, desert, night] = ["snow", "desert", "night"].map(row);
        let lands = [
            [snow, NO_WORD],
            [snow, night],
            [snow, night],
            [desert, NO_WORD],
            [desert, NO_WORD],
            [night, NO_WORD],
            [desert, NO_WORD],
            [snow, NO_WORD],
        ];
        clips.described = [lands.concat(), lands.concat()].concat();
        // In the second clip somebody speaks of something in the third frame.
        clips.words[20..32].fill(night);
        // Where no land is named, none is known to have turned.
        assert_eq!(clips.land_turns(3), [(0, 3), (0, 7), (1, 7)]);
        assert_eq!(clips.land_turns(5), [(0, 3), (0, 7)]);
        // What was asked for does not come by itself.
        clips.words[0..16].fill(snow);
        assert_eq!(clips.land_turns(3), [(1, 7)]);
        assert!(clips.names_land(0, 4) && !clips.names_land(1, 4));
        // What is described besides.
        clips.described[2 * 9 + 1] = row("village");
        assert_eq!((clips.frames_with(Feature::Village), clips.frames_with(Feature::Lava)), (vec![(1, 1)], vec![]));
    }
}
