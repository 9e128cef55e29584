//! Clips on disk (`.clip`): a magic word, a small JSON header, and one zlib stream.
//!
//! Layout, integers little-endian: `SOMNCLIP`, `u32` length of the header, the header, then compressed: the frames
//! `(T, height_px, width_px, RGB)`, `T` actions (255: unknown), `T` outcomes (bit 0 moved, bit 1 blocked), and for each frame
//! two `u16`, one more than the index of its scene and of its prompt in the header's lists, 0 where there is none.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::Hash;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use super::{Clip, ClipError};
use crate::whole_file;
use crate::worlds::StepOutcome;
use crate::worlds::scene::Scene;

const MAGIC: &[u8; 8] = b"SOMNCLIP";
const FORMAT_VERSION: u32 = 3;
const MAX_HEADER_BYTES: u32 = 1 << 24;
const MAX_SIDE_PX: usize = 4096;
/// Largest clip that is read or written, decompressed: ten minutes of `isles`.
pub(super) const MAX_FRAME_BYTES: usize = 1 << 29;
const UNKNOWN_ACTION: u8 = 255;

/// The lists may be missing, as version 1 had none: what is wrong with such a clip is its version.
#[derive(Serialize, Deserialize)]
struct Header {
    format_version: u32,
    width_px: usize,
    height_px: usize,
    frames: usize,
    #[serde(default)]
    scenes: Vec<Scene>,
    #[serde(default)]
    prompts: Vec<String>,
}

impl Header {
    /// The size of all frames in bytes, or what is wrong with the header.
    fn checked_bytes(&self) -> Result<usize, String> {
        if self.format_version != FORMAT_VERSION {
            return Err(format!("it has format version {}, this program reads {FORMAT_VERSION}: make it anew", self.format_version));
        }
        match checked_frame_bytes(self.width_px, self.height_px)?.checked_mul(self.frames) {
            Some(bytes) if bytes <= MAX_FRAME_BYTES => Ok(bytes),
            _ => Err(format!(
                "its {} frames of {}x{} pixels are more than {MAX_FRAME_BYTES} bytes",
                self.frames, self.width_px, self.height_px
            )),
        }
    }
}

/// The size of one frame in bytes, or why no clip can have such frames.
pub(super) fn checked_frame_bytes(width_px: usize, height_px: usize) -> Result<usize, String> {
    let sides = 1..=MAX_SIDE_PX;
    if !sides.contains(&width_px) || !sides.contains(&height_px) {
        return Err(format!("frames of {width_px}x{height_px} pixels are not between 1 and {MAX_SIDE_PX} a side"));
    }
    Ok(width_px * height_px * 3)
}

impl Clip {
    /// Writes the clip beside `path` and then renames it into place, so that a crash leaves the old file or the new one.
    ///
    /// # Errors
    /// [`ClipError`] where the clip's parts do not agree, it is too large, or the disk refuses.
    pub fn save(&self, path: &Path) -> Result<(), ClipError> {
        let failed = |what: String| ClipError::new(path, what);
        let parts = self.parts().map_err(failed)?;
        let written = whole_file::write_by(path, |part| self.write(&parts, &mut BufWriter::new(File::create(part)?)));
        written.map_err(|e| failed(format!("it cannot be written: {e}")))
    }

    /// Reads a clip that [`Clip::save`] wrote. Sizes are checked before memory is taken, and memory grows only with what the file holds.
    ///
    /// # Errors
    /// [`ClipError`], one sentence that names the file and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, ClipError> {
        let failed = |what: String| ClipError::new(path, what);
        let unopened = |e: std::io::Error| failed(format!("it cannot be opened: {e}"));
        // Asked before opening: opening a named pipe would wait for its other end.
        if !fs::metadata(path).map_err(unopened)?.is_file() {
            return Err(failed("it is not a file".to_owned()));
        }
        let file = File::open(path).map_err(unopened)?;
        Self::read(BufReader::new(file)).map_err(failed)
    }

    /// What a file has before its compressed stream, and what it has in there behind the frames.
    fn parts(&self) -> Result<(Vec<u8>, Vec<u8>), String> {
        let frames = self.len();
        let lens = [self.outcomes.len(), self.scenes.len(), self.prompts.len()];
        if lens != [frames; 3] {
            let [outcomes, scenes, prompts] = lens;
            return Err(format!("it has {frames} actions, {outcomes} outcomes, {scenes} scenes and {prompts} prompts"));
        }
        let (scenes, scene_ids) = listed(self.scenes.iter().map(Option::as_ref))?;
        let (prompts, prompt_ids) = listed(self.prompts.iter().map(|prompt| Some(prompt).filter(|prompt| !prompt.is_empty())))?;
        let header = Header { format_version: FORMAT_VERSION, width_px: self.width_px, height_px: self.height_px, frames, scenes, prompts };
        let frame_bytes = header.checked_bytes()?;
        if self.frames.len() != frame_bytes {
            return Err(format!("it has {} bytes of frames where {frame_bytes} belong", self.frames.len()));
        }
        let mut tail = Vec::new();
        for action in &self.actions {
            match action {
                Some(UNKNOWN_ACTION) => return Err(format!("action {UNKNOWN_ACTION} means unknown and cannot be stored")),
                known => tail.push(known.unwrap_or(UNKNOWN_ACTION)),
            }
        }
        tail.extend(self.outcomes.iter().map(|o| u8::from(o.moved) | u8::from(o.blocked) << 1));
        tail.extend(
            scene_ids.into_iter().zip(prompt_ids).flat_map(|(scene, prompt)| [scene.to_le_bytes(), prompt.to_le_bytes()]).flatten(),
        );
        let header = serde_json::to_vec(&header).map_err(|e| e.to_string())?;
        let header_len =
            u32::try_from(header.len()).ok().filter(|&n| n <= MAX_HEADER_BYTES).ok_or("its lists of scenes and prompts are too long")?;
        Ok(([MAGIC.as_slice(), header_len.to_le_bytes().as_slice(), header.as_slice()].concat(), tail))
    }

    fn write(&self, (head, tail): &(Vec<u8>, Vec<u8>), out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(head)?;
        let mut packed = ZlibEncoder::new(out, Compression::new(4));
        packed.write_all(&self.frames)?;
        packed.write_all(tail)?;
        packed.finish()?.flush()
    }

    fn read(mut input: impl Read) -> Result<Self, String> {
        let mut start = [0; 12];
        input.read_exact(&mut start).map_err(|_| "it is too short to be a clip".to_owned())?;
        let (magic, length) = start.split_at(8);
        if magic != MAGIC {
            return Err("it is not a clip".to_owned());
        }
        let length = length.iter().rev().fold(0u32, |n, &b| n << 8 | u32::from(b));
        if length > MAX_HEADER_BYTES {
            return Err(format!("its header claims {length} bytes, more than {MAX_HEADER_BYTES}"));
        }
        let header = take(&mut input, length as usize, "the header")?;
        let header: Header = serde_json::from_slice(&header).map_err(|e| format!("its header cannot be understood: {e}"))?;
        let frame_bytes = header.checked_bytes()?;

        let mut body = ZlibDecoder::new(input);
        let frames = take(&mut body, frame_bytes, "the frames")?;
        let actions = take(&mut body, header.frames, "the actions")?;
        let outcomes = take(&mut body, header.frames, "the outcomes")?;
        let ids = take(&mut body, 4 * header.frames, "the scenes and prompts")?;
        let (mut scenes, mut prompts) = (Vec::new(), Vec::new());
        for ids in ids.chunks_exact(4) {
            scenes.push(at(&header.scenes, [ids[0], ids[1]]).ok_or("a frame has a scene that its header does not list")?);
            let prompt = at(&header.prompts, [ids[2], ids[3]]).ok_or("a frame has a prompt that its header does not list")?;
            prompts.push(prompt.unwrap_or_default());
        }
        if body.read(&mut [0]).map_err(|e| format!("its end is corrupt: {e}"))? != 0 {
            return Err("it goes on after its last frame".to_owned());
        }
        Ok(Self {
            width_px: header.width_px,
            height_px: header.height_px,
            frames,
            actions: actions.into_iter().map(|a| (a != UNKNOWN_ACTION).then_some(a)).collect(),
            outcomes: outcomes.into_iter().map(|o| StepOutcome { moved: o & 1 == 1, blocked: o & 2 == 2 }).collect(),
            scenes,
            prompts,
        })
    }
}

/// The different values, and for each frame one more than the index of its own, 0 for none.
fn listed<'a, T: Clone + Eq + Hash + 'a>(values: impl Iterator<Item = Option<&'a T>>) -> Result<(Vec<T>, Vec<u16>), String> {
    let (mut list, mut numbers, mut ids) = (Vec::new(), HashMap::new(), Vec::new());
    for value in values {
        let Some(value) = value else {
            ids.push(0);
            continue;
        };
        let number = *numbers.entry(value).or_insert_with(|| {
            list.push(value.clone());
            list.len()
        });
        ids.push(u16::try_from(number).map_err(|_| "it has too many different scenes or prompts".to_owned())?);
    }
    Ok((list, ids))
}

/// The value of a number that [`listed`] gave: `None` where there is no such number.
fn at<T: Clone>(list: &[T], number: [u8; 2]) -> Option<Option<T>> {
    match usize::from(u16::from_le_bytes(number)) {
        0 => Some(None),
        number => list.get(number - 1).cloned().map(Some),
    }
}

/// Exactly `bytes` bytes; memory grows only as they come.
fn take(input: &mut impl Read, bytes: usize, what: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    input.take(bytes as u64).read_to_end(&mut out).map_err(|e| format!("{what} cannot be read: {e}"))?;
    if out.len() == bytes { Ok(out) } else { Err(format!("it ends inside {what}: {} of {bytes} bytes", out.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clips::{ClipPlan, record};
    use crate::worlds::isles::Isles;
    use crate::worlds::policy::Explorer;

    fn clip() -> Clip {
        record(&mut Isles::new(), &mut Explorer::new(2), ClipPlan { seed: 2, frames: 40, wishes: Some((20, 60)), ..ClipPlan::default() })
    }

    fn bytes(clip: &Clip) -> Vec<u8> {
        let mut out = Vec::new();
        clip.write(&clip.parts().unwrap(), &mut out).unwrap();
        out
    }

    /// A file with this header and these bytes in its stream.
    fn forged(header: &str, body: &[u8]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend((header.len() as u32).to_le_bytes());
        out.extend(header.as_bytes());
        let mut packed = ZlibEncoder::new(&mut out, Compression::fast());
        packed.write_all(body).unwrap();
        packed.finish().unwrap();
        out
    }

    #[test]
    fn a_clip_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.clip");
        let mut clip = clip();
        clip.save(&path).unwrap();
        assert_eq!(Clip::load(&path).unwrap(), clip);
        assert!(clip.scenes.iter().all(Option::is_some) && clip.prompts.iter().all(|prompt| !prompt.is_empty()));
        // A recording from elsewhere says nothing.
        (clip.scenes[7], clip.prompts[7]) = (None, String::new());
        clip.save(&path).unwrap();
        assert_eq!(Clip::load(&path).unwrap(), clip);
        // Writing again replaces the file and leaves nothing else behind.
        clip.frames[5] ^= 1;
        clip.save(&path).unwrap();
        assert_eq!(Clip::load(&path).unwrap(), clip);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(fs::metadata(&path).unwrap().len() < clip.frames.len() as u64 / 4);
    }

    #[test]
    fn a_clip_whose_parts_disagree_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.clip");
        let mut clip = clip();
        clip.outcomes.pop();
        let said = clip.save(&path).unwrap_err().to_string();
        assert!(said.contains("walk.clip") && said.contains("39 outcomes"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn broken_files_get_a_sentence() {
        let whole = bytes(&clip());
        assert!(Clip::read(whole.as_slice()).is_ok());
        let folder = tempfile::tempdir().unwrap();
        assert!(Clip::load(folder.path()).unwrap_err().to_string().ends_with("it is not a file"));
        let said = |bytes: &[u8]| Clip::read(bytes).unwrap_err();
        assert_eq!(said(b""), "it is too short to be a clip");
        assert_eq!(said(b"GIF89a, not a clip"), "it is not a clip");
        for end in [13, 100, whole.len() / 2, whole.len() - 1] {
            said(&whole[..end]);
        }
        for at in (12..whole.len()).step_by(whole.len() / 40) {
            let mut bent = whole.clone();
            bent[at] ^= 0x55;
            assert!(Clip::read(bent.as_slice()).is_err(), "byte {at} can be bent unnoticed");
        }
        let header =
            |w: u64, h: u64, t: u64, version: u32| format!(r#"{{"format_version":{version},"width_px":{w},"height_px":{h},"frames":{t}}}"#);
        for version in [1, 2, 7] {
            assert!(said(&forged(&header(1, 1, 1, version), &[])).contains(&format!("format version {version}, this program reads 3")));
        }
        assert!(said(&forged(&header(1 << 40, 1, 1, 3), &[])).contains("not between 1 and 4096"));
        assert!(said(&forged(&header(4096, 4096, u64::MAX, 3), &[])).contains("more than"));
        assert!(said(&forged(&header(2, 2, 40_000_000, 3), &[0; 5])).contains("5 of 480000000 bytes"));
        // One pixel, action 1, outcome 0, no scene and no prompt.
        let one = header(1, 1, 1, 3);
        let clip = Clip::read(forged(&one, &[1, 2, 3, 1, 0, 0, 0, 0, 0]).as_slice()).unwrap();
        assert_eq!((clip.scenes, clip.prompts), (vec![None], vec![String::new()]));
        assert!(said(&forged(&one, &[1, 2, 3, 1, 0, 0, 0, 0, 0, 9])).contains("goes on"));
        assert!(said(&forged(&one, &[1, 2, 3, 1, 0])).contains("the scenes and prompts"));
        assert!(said(&forged(&one, &[1, 2, 3, 1, 0, 1, 0, 0, 0])).contains("a scene that its header"));
        assert!(said(&forged(&one, &[1, 2, 3, 1, 0, 0, 0, 1, 0])).contains("a prompt that its header"));
    }
}
