//! Dreams in files. A PNG of the frame a dream was left at carries the dream itself, in a chunk of its own: elsewhere it is a picture, and whoever shows it to
//! the same world goes on from there, with all the land that was seen.
//!
//! The chunk is a zlib stream of a safetensors file: an [`About`] as JSON in its metadata, the frames that reset returns to (`start.*`), the last frames
//! (`history.*`), and the land from before those (`before.*`).

use std::collections::HashMap;
use std::io::{Read, Write};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::session::{Moment, frames_remembered};
use super::still;
use crate::engine::inputs::{check_past, check_prompt, check_settings, play_settings};
use crate::engine::recall;
use crate::engine::{DecodeSettings, PromptWord, TokenFrame};
use crate::pack::Pack;
use crate::pack::manifest::Manifest;

/// Name of the chunk: ancillary, private, and not to be copied by a program that changes the picture.
pub const CHUNK: [u8; 4] = *b"soMN";
const PNG_SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
const FORMAT_VERSION: u32 = 1;
/// Metadata key of the [`About`].
const ABOUT_KEY: &str = "somnium-dream";
/// Largest dream that is read, unpacked.
const MOST_BYTES: u64 = 64 << 20;
/// Largest distance of a place from where a dream began, in steps, and most frames that it remembers.
const FARTHEST: i32 = 1 << 28;
const MOST_FRAMES: u32 = 1 << 31;
/// Letters of a prompt that are read, at most.
pub const MOST_LETTERS: usize = 400;

/// Why a dream is not read from a picture or written for one, as half a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    #[error("the dream in it has format version {0}, this program reads {FORMAT_VERSION}")]
    Version(u32),
    /// Its name.
    #[error("the dream in it is of another world, {0:?}")]
    AnotherWorld(String),
    #[error("the dream in it is damaged")]
    Damaged,
    #[error("the dream cannot be written: {0}")]
    Unwritten(String),
}

fn unwritten(why: impl std::fmt::Display) -> SavedError {
    SavedError::Unwritten(why.to_string())
}

/// What a dream is besides its moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    format_version: u32,
    /// Name of the pack.
    pub title: String,
    /// What its tokens mean: the checksum of the tokenizer.
    tokens: u32,
    pub seed: u32,
    /// What was said, and the rows of the word table that were in force.
    pub prompt: String,
    pub words: Vec<u16>,
    /// What was set otherwise than the pack has it, as [`DecodeSettings`] names it.
    #[serde(default)]
    set: Map<String, Value>,
    next_frame: u32,
    /// Where the view was, and how many frames had been remembered, when the history began.
    before: Option<([i32; 2], u32)>,
}

/// A dream that can be gone on with.
#[derive(Clone)]
pub struct SavedDream {
    pub about: About,
    pub moment: Moment,
}

/// The same number for packs whose tokens and steps mean the same: they share the tokenizer and the codes to move by, whatever their dynamics.
fn checksum_of_tokens(pack: &Pack) -> u32 {
    let mut crc = Crc::new();
    pack.tensors.iter().filter(|(name, _)| name.starts_with("tok.")).for_each(|(_, tensor)| crc.update(&tensor.bytes));
    // And how places are told apart.
    let steps = pack.manifest.recall().map_or(0, |recall| recall.step_px);
    crc.update(&(steps as u64).to_le_bytes());
    pack.manifest.actions.iter().flat_map(|action| action.motion).for_each(|steps| crc.update(&steps.to_le_bytes()));
    crc.sum()
}

fn by_name(settings: &DecodeSettings) -> Map<String, Value> {
    // Numbers and names under names are JSON.
    match serde_json::to_value(settings) {
        Ok(Value::Object(settings)) => settings,
        _ => Map::new(),
    }
}

impl About {
    /// How it was dreamed: by its seed, and as the pack has it except for what was set otherwise, as far as that is possible here.
    pub fn settings(&self, manifest: &Manifest) -> DecodeSettings {
        let own = DecodeSettings { seed: self.seed, ..play_settings(manifest) };
        let mut settings = by_name(&own);
        settings.extend(self.set.clone());
        let settings = serde_json::from_value(Value::Object(settings)).ok();
        settings.filter(|settings| check_settings(manifest, settings).is_ok()).unwrap_or(own)
    }

    /// Names of what was set otherwise than a pack has it.
    pub fn set_otherwise(&self) -> Vec<String> {
        self.set.keys().map(|name| name.replace('_', " ")).collect()
    }
}

impl SavedDream {
    /// A moment of a dream of this pack, how it is dreamed, and what is said in it: as it was typed, and the rows of the word table in force.
    pub fn new(pack: &Pack, moment: Moment, settings: &DecodeSettings, (prompt, words): (String, Vec<u16>)) -> Self {
        let seed = settings.seed;
        let own = by_name(&DecodeSettings { seed, ..play_settings(&pack.manifest) });
        let set = by_name(settings).into_iter().filter(|(name, value)| own.get(name) != Some(value)).collect();
        let before = moment.before.as_ref().map(|map| (map.view(), map.frames()));
        let (title, tokens, next_frame) = (pack.manifest.name.clone(), checksum_of_tokens(pack), moment.next_frame);
        Self { about: About { format_version: FORMAT_VERSION, title, tokens, seed, prompt, words, set, next_frame, before }, moment }
    }

    /// What stands in the chunk.
    ///
    /// # Errors
    /// [`SavedError::Unwritten`]; there is no moment for which it is known to fail.
    pub fn to_bytes(&self) -> Result<Vec<u8>, SavedError> {
        let mut tensors = Tensors::default();
        tensors.push_frames("start", &self.moment.start);
        tensors.push_frames("history", &self.moment.history);
        if let Some(map) = &self.moment.before {
            let seen: Vec<_> = map.places().filter(|(_, frame, _)| *frame > 0).collect();
            tensors.push("before.at", Dtype::I32, &[seen.len(), 2], seen.iter().flat_map(|(at, ..)| *at).flat_map(i32::to_le_bytes));
            tensors.push("before.frame", Dtype::U32, &[seen.len()], seen.iter().flat_map(|(_, frame, _)| frame.to_le_bytes()));
            let dims = seen.first().map_or(0, |(.., levels)| levels.len());
            tensors.push("before.codes", Dtype::U8, &[seen.len(), dims], seen.iter().flat_map(|(.., levels)| levels.iter().copied()));
        }
        let about = serde_json::to_string(&self.about).map_err(unwritten)?;
        let views = tensors.0.iter().map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)));
        let views: Vec<_> = views.collect::<Result<_, safetensors::SafeTensorError>>().map_err(unwritten)?;
        let bytes = safetensors::serialize(views, Some(HashMap::from([(ABOUT_KEY.to_owned(), about)]))).map_err(unwritten)?;
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&bytes).and_then(|()| packed.finish()).map_err(unwritten)
    }

    /// The dream that a picture carries, for this pack to go on with; `None` where it carries none.
    ///
    /// # Errors
    /// [`SavedError`]: it is of another version or another world, or damaged.
    pub fn in_picture(picture: &[u8], pack: &Pack) -> Result<Option<Self>, SavedError> {
        let Some(chunk) = find_chunk(picture)? else { return Ok(None) };
        let mut bytes = Vec::new();
        ZlibDecoder::new(chunk).take(MOST_BYTES).read_to_end(&mut bytes).map_err(|_| SavedError::Damaged)?;
        Self::from_bytes(&bytes, pack).map(Some)
    }

    fn from_bytes(bytes: &[u8], pack: &Pack) -> Result<Self, SavedError> {
        let manifest = &pack.manifest;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|_| SavedError::Damaged)?;
        let json = header.metadata().as_ref().and_then(|metadata| metadata.get(ABOUT_KEY)).ok_or(SavedError::Damaged)?;
        let version: Version = serde_json::from_str(json).map_err(|_| SavedError::Damaged)?;
        if version.format_version != FORMAT_VERSION {
            return Err(SavedError::Version(version.format_version));
        }
        let mut about: About = serde_json::from_str(json).map_err(|_| SavedError::Damaged)?;
        if about.tokens != checksum_of_tokens(pack) {
            return Err(SavedError::AnotherWorld(about.title.chars().filter(|c| !c.is_control()).take(80).collect()));
        }
        let file = SafeTensors::deserialize(bytes).map_err(|_| SavedError::Damaged)?;
        let (start, history) = (frames_of(&file, "start", manifest)?, frames_of(&file, "history", manifest)?);
        let before = about.before.map(|counted| map_of(&file, counted, manifest)).transpose()?;
        // Before they are heard: a file may hold millions.
        let words = check_prompt(manifest, &about.words.iter().copied().map(PromptWord::whole).collect::<Vec<_>>());
        words
            .and(check_past(manifest, before.as_ref(), &history))
            .and(check_past(manifest, None, &start))
            .map_err(|_| SavedError::Damaged)?;
        if history.is_empty() || history.len() > frames_remembered(manifest) || start.len() > most_start(manifest) {
            return Err(SavedError::Damaged);
        }
        // The panel shows both.
        about.prompt = about.prompt.chars().take(MOST_LETTERS).collect();
        let settings = by_name(&DecodeSettings::LEAST);
        about.set.retain(|name, _| settings.contains_key(name));
        let next_frame = about.next_frame;
        Ok(Self { about, moment: Moment { before, history, next_frame, start } })
    }
}

/// Frames that a dream may have been started from: as many pictures as are shown at once, or a window of copies.
fn most_start(manifest: &Manifest) -> usize {
    still::MOST_FRAMES + manifest.dynamics.as_ref().map_or(0, |d| d.window)
}

#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// The bytes of the chunk in a PNG; `None` where it is no PNG or has none.
fn find_chunk(picture: &[u8]) -> Result<Option<&[u8]>, SavedError> {
    let Some(mut rest) = picture.strip_prefix(PNG_SIGNATURE) else { return Ok(None) };
    // A chunk: length, name, bytes, checksum of name and bytes; big-endian.
    while let Some((length, named)) = rest.split_first_chunk::<4>() {
        let end = 4 + u32::from_be_bytes(*length) as usize;
        let (Some(body), Some(sum)) = (named.get(..end), named.get(end..).and_then(<[u8]>::first_chunk::<4>)) else { return Ok(None) };
        if let Some(bytes) = body.strip_prefix(&CHUNK) {
            let mut crc = Crc::new();
            crc.update(body);
            return if crc.sum() == u32::from_be_bytes(*sum) { Ok(Some(bytes)) } else { Err(SavedError::Damaged) };
        }
        rest = &named[end + 4..];
    }
    Ok(None)
}

/// Tensors on their way into a file: name, type, shape, bytes.
#[derive(Default)]
struct Tensors(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    fn push(&mut self, name: &str, dtype: Dtype, shape: &[usize], bytes: impl IntoIterator<Item = u8>) {
        self.0.push((name.to_owned(), dtype, shape.to_vec(), bytes.into_iter().collect()));
    }

    /// `codes` `(F, bytes of a frame)`, `actions` `(F)`, `moved` `(F)`, and of their words, padded, `words` and `shares` `(F, K)`, 0 where there is no word.
    fn push_frames(&mut self, name: &str, frames: &[TokenFrame]) {
        let most = frames.iter().map(|frame| frame.prompt.len()).max().unwrap_or(0);
        let nothing = PromptWord { id: 0, share: 0 };
        let words = |frame: &TokenFrame| frame.prompt.iter().copied().chain(std::iter::repeat(nothing)).take(most).collect::<Vec<_>>();
        let words: Vec<PromptWord> = frames.iter().flat_map(words).collect();
        let (f, code_bytes) = (frames.len(), frames.first().map_or(0, |frame| frame.codes.len()));
        let mut push = |part: &str, dtype, shape: &[usize], bytes: Vec<u8>| self.push(&format!("{name}.{part}"), dtype, shape, bytes);
        push("codes", Dtype::U8, &[f, code_bytes], frames.iter().flat_map(|frame| frame.codes.iter().copied()).collect());
        push("actions", Dtype::U8, &[f], frames.iter().map(|frame| frame.action).collect());
        push("moved", Dtype::U8, &[f], frames.iter().map(|frame| u8::from(frame.moved)).collect());
        push("words", Dtype::U16, &[f, most], words.iter().flat_map(|word| word.id.to_le_bytes()).collect());
        push("shares", Dtype::U8, &[f, most], words.iter().map(|word| word.share).collect());
    }
}

/// Shape and bytes of a tensor of this type and rank.
fn tensor<'a, const RANK: usize>(file: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<([usize; RANK], &'a [u8]), SavedError> {
    let view = file.tensor(name).ok().filter(|view| view.dtype() == dtype).ok_or(SavedError::Damaged)?;
    Ok((view.shape().try_into().map_err(|_| SavedError::Damaged)?, view.data()))
}

fn frames_of(file: &SafeTensors<'_>, name: &str, manifest: &Manifest) -> Result<Vec<TokenFrame>, SavedError> {
    let named = |part: &str| format!("{name}.{part}");
    let ([f, code_bytes], codes) = tensor(file, &named("codes"), Dtype::U8)?;
    let ([actions], action) = tensor(file, &named("actions"), Dtype::U8)?;
    let ([moves], moved) = tensor(file, &named("moved"), Dtype::U8)?;
    let ([of_words, k], words) = tensor(file, &named("words"), Dtype::U16)?;
    let ([of_shares, shares_each], shares) = tensor(file, &named("shares"), Dtype::U8)?;
    if [actions, moves, of_words, of_shares] != [f; 4] || k != shares_each || (f > 0 && code_bytes != manifest.frame.code_bytes()) {
        return Err(SavedError::Damaged);
    }
    let frame = |t: usize| {
        let words = words[2 * t * k..][..2 * k].chunks_exact(2).map(|id| u16::from_le_bytes([id[0], id[1]]));
        let prompt = words.zip(&shares[t * k..][..k]).map(|(id, share)| PromptWord { id, share: *share }).filter(|word| word.share > 0);
        TokenFrame {
            codes: codes[t * code_bytes..][..code_bytes].to_vec(),
            action: action[t],
            moved: moved[t] != 0,
            prompt: prompt.collect(),
        }
    };
    Ok((0..f).map(frame).collect())
}

fn map_of(file: &SafeTensors<'_>, (view, frames): ([i32; 2], u32), manifest: &Manifest) -> Result<recall::Map, SavedError> {
    let recall = manifest.recall().ok_or(SavedError::Damaged)?;
    let ([n, two], at) = tensor(file, "before.at", Dtype::I32)?;
    let ([of_frames], seen) = tensor(file, "before.frame", Dtype::U32)?;
    let ([of_codes, dims], codes) = tensor(file, "before.codes", Dtype::U8)?;
    let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let near = |at: [i32; 2]| at.iter().all(|x| (-FARTHEST..=FARTHEST).contains(x));
    let (levels, code_dims) = (manifest.frame.code_levels, manifest.frame.code_dims);
    let fits = [of_frames, of_codes] == [n; 2] && two == 2 && (n == 0 || dims == code_dims) && near(view) && frames <= MOST_FRAMES;
    let place = |i: usize| [0, 1].map(|axis| number(&at[8 * i + 4 * axis..]).cast_signed());
    let frame = |i: usize| number(&seen[4 * i..]);
    if !fits
        || codes.iter().any(|level| usize::from(*level) >= levels)
        || (0..n).any(|i| !near(place(i)) || !(1..=frames).contains(&frame(i)))
    {
        return Err(SavedError::Damaged);
    }
    Ok(recall::Map::of_places(&manifest.frame, recall, (view, frames), (0..n).map(|i| (place(i), frame(i), &codes[i * dims..][..dims]))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::Source;
    use crate::dream::record::write_picture;
    use crate::dream::session::DreamSession;
    use crate::engine::DecodeSettings;
    use crate::engine::cpu::{CpuEngine, CpuOptions};
    use crate::engine::inputs::play_settings;
    use crate::pack::random::{look_manifest, random_pack};

    fn pack() -> Pack {
        random_pack(look_manifest(), 5).unwrap()
    }

    fn session(pack: &Pack) -> DreamSession {
        DreamSession::new(Box::new(CpuEngine::new(pack, CpuOptions::default()).unwrap())).unwrap()
    }

    /// Codes that lead east and west, and the one nobody knows, which leads nowhere.
    const EAST: u8 = 0;
    const WEST: u8 = 2;
    const NOWHERE: u8 = 3;

    fn walk(dream: &mut DreamSession, settings: &DecodeSettings, code: u8, steps: usize) -> Vec<Vec<u8>> {
        let step = |_| {
            dream.step(code, settings).unwrap();
            dream.read_picture().unwrap()
        };
        (0..steps).map(step).collect()
    }

    /// A dream longer than a session remembers frame by frame, as a file in memory, its settings, and how it went on.
    fn dreamed(pack: &Pack) -> (Vec<u8>, DecodeSettings, Vec<Vec<u8>>) {
        let settings = DecodeSettings { temperature: 2.0, ..play_settings(&pack.manifest) };
        let mut dream = session(pack);
        dream.set_prompt(&[1, 700], 0).unwrap();
        dream.start_from_prompt(&settings).unwrap();
        // Away from land that it comes back to, when none of the frames that it remembers one by one shows that any more.
        walk(&mut dream, &settings, WEST, 60);
        walk(&mut dream, &settings, NOWHERE, 1040);
        let (moment, rgba) = (dream.moment().unwrap(), dream.read_picture().unwrap());
        assert!(moment.before.as_ref().unwrap().frames() > 50);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dream.png");
        let saved = SavedDream::new(pack, moment, &DecodeSettings { seed: 7, ..settings }, ("a wood".to_owned(), dream.words().to_vec()));
        write_picture(&path, &rgba, [35, 21], 2, Some(&saved.to_bytes().unwrap())).unwrap();
        (std::fs::read(&path).unwrap(), settings, walk(&mut dream, &settings, EAST, 60))
    }

    #[test]
    fn who_shows_the_picture_to_the_same_world_goes_on_as_if_nothing_had_been() {
        let pack = pack();
        let (picture, settings, future) = dreamed(&pack);
        let go_on = |pack: &Pack, change: fn(&mut SavedDream)| {
            let mut saved = SavedDream::in_picture(&picture, pack).unwrap().expect("it carries a dream");
            assert_eq!((saved.about.prompt.as_str(), saved.about.seed, saved.about.title.as_str()), ("a wood", 7, "random look"));
            // What was not set goes by the pack, which may be another one by then.
            assert_eq!(saved.about.set_otherwise(), ["temperature"]);
            assert_eq!(saved.about.settings(&pack.manifest), DecodeSettings { seed: 7, ..settings });
            change(&mut saved);
            let mut dream = session(pack);
            dream.resume(saved.moment, &saved.about.words, &settings).unwrap();
            walk(&mut dream, &settings, EAST, 60)
        };
        assert!(go_on(&pack, |_| ()) == future);
        // The controls: the land from before the history, the number of the frame, and the words count.
        assert!(go_on(&pack, |saved| saved.moment.before = None) != future);
        assert!(go_on(&pack, |saved| saved.moment.next_frame += 1) != future);
        assert!(go_on(&pack, |saved| saved.about.words.clear()) != future);
        // Other weights that dream in the same tokens go on as well, in their own way.
        let mut trained_on = random_pack(look_manifest(), 6).unwrap();
        let tokenizer = pack.tensors.iter().filter(|(name, _)| name.starts_with("tok."));
        trained_on.tensors.extend(tokenizer.map(|(name, tensor)| (name.clone(), tensor.clone())));
        assert!(go_on(&trained_on, |_| ()) != future);
    }

    #[test]
    fn what_was_seen_by_other_settings_than_the_packs_is_seen_by_them_again() {
        let pack = pack();
        let own = play_settings(&pack.manifest);
        let settings = DecodeSettings { window: 3, context_level: 2, temperature: 2.0, ..own };
        let mut dream = session(&pack);
        dream.start_from_prompt(&settings).unwrap();
        walk(&mut dream, &settings, WEST, 12);
        let moment = dream.moment().unwrap();
        let future = walk(&mut dream, &settings, EAST, 12);
        let go_on = |saved_by: &DecodeSettings| {
            let mut dream = session(&pack);
            let saved = SavedDream::new(&pack, moment.clone(), saved_by, (String::new(), Vec::new()));
            dream.resume(saved.moment, &saved.about.words, &saved.about.settings(&pack.manifest)).unwrap();
            walk(&mut dream, &settings, EAST, 12)
        };
        assert!(go_on(&settings) == future);
        // The control: what is said of them counts.
        assert!(go_on(&own) != future);
    }

    #[test]
    fn elsewhere_it_is_a_picture() {
        let pack = pack();
        let (picture, ..) = dreamed(&pack);
        let seen = image::load_from_memory(&picture).unwrap();
        assert_eq!((seen.width(), seen.height()), (70, 42));
        let why = SavedDream::in_picture(&picture, &random_pack(look_manifest(), 6).unwrap()).err().unwrap();
        assert_eq!(why.to_string(), "the dream in it is of another world, \"random look\"");
        // Saved anew by a program that knows nothing of it, and what is no PNG at all.
        let mut anew = std::io::Cursor::new(Vec::new());
        seen.write_to(&mut anew, image::ImageFormat::Png).unwrap();
        for plain in [anew.get_ref().as_slice(), b"", b"GIF89a", PNG_SIGNATURE] {
            assert!(SavedDream::in_picture(plain, &pack).is_ok_and(|saved| saved.is_none()));
        }
    }

    #[test]
    fn what_a_file_says_at_length_is_cut_and_settings_there_are_not_are_left_out() {
        let pack = pack();
        let (mut dream, settings) = (session(&pack), play_settings(&pack.manifest));
        dream.start_from_prompt(&settings).unwrap();
        let warmer = DecodeSettings { temperature: 2.0, ..settings };
        let mut saved = SavedDream::new(&pack, dream.moment().unwrap(), &warmer, ("wood ".repeat(1000), Vec::new()));
        saved.about.set.insert("long ".repeat(1000), Value::Null);
        let mut bytes = Vec::new();
        ZlibDecoder::new(saved.to_bytes().unwrap().as_slice()).read_to_end(&mut bytes).unwrap();
        let about = SavedDream::from_bytes(&bytes, &pack).unwrap().about;
        assert_eq!((about.prompt.len(), about.set_otherwise()), (MOST_LETTERS, vec!["temperature".to_owned()]));
        assert_eq!(about.settings(&pack.manifest), warmer);
    }

    #[test]
    fn what_is_damaged_is_said_and_never_dreamed() {
        let pack = pack();
        let (picture, ..) = dreamed(&pack);
        let why = |picture: &[u8]| SavedDream::in_picture(picture, &pack).err();
        let at = picture.windows(4).position(|name| name == CHUNK).unwrap();
        let mut flipped = picture.clone();
        flipped[at + 100] ^= 1;
        assert_eq!(why(&flipped), Some(SavedError::Damaged));
        assert!(why(&picture[..at + 100]).is_none(), "a file cut short before its dream ends carries none");

        // A chunk that is whole and holds nonsense.
        let saved = SavedDream::in_picture(&picture, &pack).unwrap().unwrap();
        let reread = |change: &dyn Fn(&mut SavedDream)| {
            let mut saved = saved.clone();
            change(&mut saved);
            let mut bytes = Vec::new();
            ZlibDecoder::new(saved.to_bytes().unwrap().as_slice()).read_to_end(&mut bytes).unwrap();
            SavedDream::from_bytes(&bytes, &pack).err()
        };
        assert_eq!(reread(&|_| ()), None);
        let nonsense: [&dyn Fn(&mut SavedDream); 12] = [
            &|saved| saved.moment.history.clear(),
            &|saved| saved.moment.history.extend(saved.moment.history.clone()),
            &|saved| saved.moment.start = vec![saved.moment.history[0].clone(); 100],
            &|saved| saved.moment.history[3].codes[4] = 7,
            &|saved| saved.moment.history[3].action = 9,
            &|saved| saved.moment.history[3].prompt = vec![PromptWord::whole(60_000)],
            &|saved| saved.moment.history.iter_mut().for_each(|frame| frame.codes.truncate(3)),
            &|saved| saved.moment.start = vec![TokenFrame { codes: vec![9; 48], ..saved.moment.history[0].clone() }],
            &|saved| saved.about.words = vec![60_000],
            &|saved| saved.about.before = Some(([i32::MAX, 0], 900)),
            &|saved| saved.about.before = Some(([0, 0], 3)),
            &|saved| {
                saved.about.before = None;
                saved.about.format_version = 2;
            },
        ];
        let said: Vec<Option<SavedError>> = nonsense.iter().map(|change| reread(*change)).collect();
        assert!(said[..11].iter().all(|why| *why == Some(SavedError::Damaged)), "{said:?}");
        assert_eq!(said[11].as_ref().unwrap().to_string(), "the dream in it has format version 2, this program reads 1");
        for bytes in [&b""[..], b"nonsense", &[255; 64]] {
            assert_eq!(SavedDream::from_bytes(bytes, &pack).err(), Some(SavedError::Damaged));
        }
    }
}
