//! Play without a display, through the same sources: a script in, a recording and a summary out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::album::Said;
use super::day::Day;
use super::prompt_queue::PromptQueue;
use super::sound::{Present, Track};
use crate::dream::film::Film;
use crate::dream::first_person::{FINER, Sight, Stroll};
use crate::dream::lands::LandShares;
use crate::dream::runner::KeptDream;
use crate::dream::session::DreamSession;
use crate::dream::{DreamError, Drive, Source, SourceInfo, SourceKind};
use crate::engine::DecodeSettings;
use crate::pack::Pack;
use crate::prompt;
use crate::worlds::words::wish_of;

/// What becomes of what is seen.
pub struct Recording<'a> {
    /// Where to, by the ending of the name.
    pub path: Option<&'a PathBuf>,
    /// Where what is heard meanwhile goes, as a WAV.
    pub sound: Option<&'a PathBuf>,
    /// Where the map of what was seen goes, as a PNG.
    pub map: Option<&'a PathBuf>,
    /// Whole-number enlargement.
    pub scale: u32,
    /// Pictures a frame.
    pub glide: u32,
    /// Seen from within, by one who looks where the walk goes.
    pub first_person: bool,
    /// How land is dreamed that lies further away than the frame reaches.
    pub settings: DecodeSettings,
}

pub struct HeadlessPlan {
    /// Frames to make.
    pub frames: usize,
    /// One drive a frame; nobody touches anything once it is over.
    pub script: Vec<Drive>,
    pub settings: DecodeSettings,
    /// Prompts by the clock of the frames.
    pub queue: PromptQueue,
    /// The prompt in force at the start, and the day that goes by.
    pub words: Vec<u16>,
    pub day: Day,
    pub blend_frames: u32,
}

/// A walk without a window: what it looks and sounds like goes to files, how long it took into a summary.
pub struct Headless {
    info: SourceInfo,
    film: Option<Film>,
    track: Option<Track>,
    map: Option<PathBuf>,
    /// Whole-number enlargement of what is written.
    scale: u32,
    /// What is written is seen from within.
    within: bool,
    eye: Option<Stroll>,
    settings: DecodeSettings,
    times_ms: Vec<f64>,
    /// Somebody ends the program from outside: no more frames are made, and what is recorded becomes whole.
    ended: Arc<AtomicBool>,
}

impl Headless {
    /// As asked for.
    ///
    /// # Errors
    /// One sentence.
    pub fn new(source: &dyn Source, recording: &Recording<'_>) -> Result<Self, String> {
        let (info, scale, within) = (source.info().clone(), recording.scale, recording.first_person);
        // What cannot be done is said before there is anything to lose.
        if within && !info.within {
            return Err(DreamError::NoRelief(info.title).to_string());
        }
        if recording.map.is_some() && info.kind != SourceKind::Dream {
            return Err(DreamError::NoMap(info.title).to_string());
        }
        [recording.path, recording.sound, recording.map].into_iter().flatten().try_for_each(|path| has_folder(path))?;
        recording.sound.map_or(Ok(()), |path| Track::check(path))?;
        let mut shown = info.clone();
        if within {
            (shown.width_px, shown.height_px) = (info.width_px * FINER, info.height_px * FINER);
        }
        let film = recording.path.map(|path| Film::create(path, &shown, scale, recording.glide)).transpose().map_err(|e| e.to_string())?;
        let track = recording.sound.map(|path| Track::create(path, info.rate_hz)).transpose()?;
        Ok(Self {
            info,
            film,
            track,
            map: recording.map.cloned(),
            scale,
            within,
            eye: None,
            settings: recording.settings,
            times_ms: Vec::new(),
            ended: ended_from_outside(),
        })
    }

    /// Records the frame there is.
    ///
    /// # Errors
    /// One sentence.
    pub fn record(&mut self, source: &mut dyn Source) -> Result<(), String> {
        let rgba = self.seen_from_above(source)?;
        self.shoot(source, rgba, 0)?;
        self.listen(source, None)
    }

    /// The newest picture, where it is recorded as it is.
    fn seen_from_above(&self, source: &mut dyn Source) -> Result<Option<Vec<u8>>, String> {
        let recorded = self.film.is_some() && !self.within;
        recorded.then(|| source.read_picture()).transpose().map_err(|e| e.to_string())
    }

    /// Appends the frame that `code` led to, read back as `rgba`, or what is seen of it from within.
    fn shoot(&mut self, source: &mut dyn Source, rgba: Option<Vec<u8>>, code: u8) -> Result<(), String> {
        let Some(film) = &mut self.film else { return Ok(()) };
        if let Some(rgba) = rgba {
            return film.push(rgba, code).map_err(|e| e.to_string());
        }
        let dream = source.as_dream().ok_or_else(|| DreamError::NoRelief(self.info.title.clone()).to_string())?;
        let pushed = self.info.way_of(code);
        let looks = pushed.quarters().or(self.eye.as_ref().map(|eye| eye.looks)).unwrap_or(0);
        while dream.imagine(looks, &self.settings, None).map_err(|e| e.to_string())? {}
        let before = self.eye.as_ref().map(|eye| eye.at(1.0).around);
        let around = Arc::new(dream.surroundings(before.as_deref()).map_err(|e| e.to_string())?);
        let eye = Stroll::go(&mut self.eye, Sight { around, looks, pushed, frames: self.times_ms.len() as u64 });
        let size_px = [self.info.width_px, self.info.height_px].map(|side| side * FINER);
        film.push_way(|share| eye.at(share).picture(size_px)).map_err(|e| e.to_string())
    }

    /// Appends what is heard while the newest frame is shown, to which `code` led, if any did.
    fn listen(&mut self, source: &mut dyn Source, code: Option<u8>) -> Result<(), String> {
        let Some(track) = &mut self.track else { return Ok(()) };
        // What is heard is read off a dream's tokens, which this waits for.
        source.as_dream().map_or(Ok(()), |dream| dream.account().map(drop)).map_err(|e| e.to_string())?;
        let asked = |dream: &mut DreamSession| LandShares::asked(&wish_of(dream.words()));
        let land = source.land().or_else(|| source.as_dream().map(asked));
        let look = source.look();
        track.push(&Present {
            look: &look,
            land: land.unwrap_or_default(),
            quarters: self.eye.as_ref().map_or(0, |eye| eye.looks),
            frames: u64::from(code.is_some()),
            code: code.unwrap_or_default(),
            strides: self.info.strides.as_ref(),
            stuck: source.stuck(),
        })
    }

    /// Plays as planned, or until somebody ends the program, completes the recording, writes the map of what was seen where one is asked for, and prints one
    /// line. A picture of the last frame carries what `dreamer` dreams in it, and how, and so does a map.
    ///
    /// # Errors
    /// One sentence. A film that grew too large, or a full disk, leaves the map of the way so far.
    pub fn play(mut self, source: &mut dyn Source, plan: HeadlessPlan, dreamer: Option<&Arc<Pack>>) -> Result<(), String> {
        let settings = plan.settings;
        let walked = self.walk(source, plan);
        let ended = self.ended.load(Ordering::Relaxed);
        walked.and(self.finish(source, dreamer, &settings))?;
        if ended { Err("ended from outside; what was recorded until then is whole".to_owned()) } else { Ok(()) }
    }

    fn walk(&mut self, source: &mut dyn Source, mut plan: HeadlessPlan) -> Result<(), String> {
        for frame in 0..plan.frames {
            if self.ended.load(Ordering::Relaxed) {
                break;
            }
            let now = Duration::from_secs_f64(frame as f64 / f64::from(self.info.rate_hz.max(1)));
            let mut changed = false;
            if let Some(words) = words_due(&mut plan.queue, now, self.info.prompt_words) {
                plan.day.begin_with(&words, now);
                plan.words = words;
                changed = true;
            }
            if plan.day.turned(now) || changed {
                let words = plan.day.words(&plan.words, self.info.prompt_words);
                source.set_prompt(&words, plan.blend_frames).map_err(|e| e.to_string())?;
            }
            let code = self.info.code_of(plan.script.get(frame).copied().unwrap_or_default());
            let start = Instant::now();
            source.step(code, &plan.settings).map_err(|e| e.to_string())?;
            self.made(source, code, start)?;
        }
        Ok(())
    }

    /// Makes the frames of a clip again: in each the tokens that `chosen` names are dreamed, the others are the clip's.
    ///
    /// # Errors
    /// One sentence.
    pub fn dream_clip(
        &mut self,
        dream: &mut DreamSession,
        frames: &[(Vec<u8>, u8)],
        chosen: &[bool],
        settings: &DecodeSettings,
    ) -> Result<(), String> {
        for (rgb, code) in frames {
            let start = Instant::now();
            let codes = dream.encode(rgb).map_err(|e| e.to_string())?;
            dream.step_around(&codes, chosen, *code, settings).map_err(|e| e.to_string())?;
            self.made(dream, *code, start)?;
            if self.ended.load(Ordering::Relaxed) {
                break;
            }
        }
        Ok(())
    }

    fn made(&mut self, source: &mut dyn Source, code: u8, start: Instant) -> Result<(), String> {
        let rgba = self.seen_from_above(source)?;
        self.times_ms.push(start.elapsed().as_secs_f64() * 1e3);
        self.shoot(source, rgba, code)?;
        self.listen(source, Some(code))
    }

    fn finish(mut self, source: &mut dyn Source, dreamer: Option<&Arc<Pack>>, settings: &DecodeSettings) -> Result<(), String> {
        let carries = self.map.is_some() || self.film.as_ref().is_some_and(Film::is_still);
        let carried = dreamer.filter(|_| carries).zip(source.as_dream()).map(|(pack, dream)| carried(pack, dream, settings)).transpose();
        let in_it = carried.as_ref().ok().and_then(Option::as_deref);
        let filmed = self.film.take().map_or(Ok(()), |film| film.finish(in_it).map_err(|e| e.to_string()));
        let heard = self.track.take().map_or(Ok(()), Track::finish);
        // Behind it, since it takes a while.
        let mapped = carried.and_then(|carried| self.draw_map(source, carried.as_deref()));
        filmed.and(heard).and(mapped)?;
        self.times_ms.sort_by(f64::total_cmp);
        let median = self.times_ms.get(self.times_ms.len() / 2).copied().unwrap_or(0.0);
        let (info, frames) = (&self.info, self.times_ms.len());
        println!("{}: {frames} frames, median {median:.2} ms a frame ({}, {})", info.title, info.engine, info.device);
        Ok(())
    }

    /// Writes the map of what was seen, where one is asked for.
    fn draw_map(&self, source: &mut dyn Source, carried: Option<&[u8]>) -> Result<(), String> {
        let (Some(path), Some(dream)) = (&self.map, source.as_dream()) else { return Ok(()) };
        let chart = dream.chart().map_err(|e| e.to_string())?;
        let scale = chart.saved_scale(self.scale);
        if scale < self.scale {
            log::warn!("a map of {} by {} pixels is enlarged {scale} times, no more", chart.width_px, chart.height_px);
        }
        chart.write(path, scale, carried).map_err(|e| e.to_string())
    }
}

/// Words of the prompt that is due `now`, if one is; one of which nothing counts is passed over.
fn words_due(queue: &mut PromptQueue, now: Duration, most_words: usize) -> Option<Vec<u16>> {
    let first = queue.due(now)?;
    let others = (1..queue.prompts().len()).map_while(|_| queue.turn(false));
    let mut words = std::iter::once(first).chain(others).map(|text| prompt::ids(&prompt::read(&text, most_words)));
    words.find(|words| !words.is_empty())
}

/// Becomes true once somebody ends the program from outside; who does it again does not wait.
fn ended_from_outside() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let asked = ended.clone();
    let end = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
    };
    ctrlc::set_handler(end).unwrap_or_else(|why| log::warn!("signals end the program at once: {why}"));
    ended
}

/// Whether the folder is there that a file is to be written to.
///
/// # Errors
/// One sentence where it is not.
pub fn has_folder(path: &Path) -> Result<(), String> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(format!("cannot write {}: there is no folder {}", path.display(), folder.display())),
        None => Ok(()),
    }
}

/// The present moment of a dream, as its pictures carry it.
fn carried(pack: &Arc<Pack>, dream: &mut DreamSession, settings: &DecodeSettings) -> Result<Vec<u8>, String> {
    let (moment, words) = (dream.moment().map_err(|e| e.to_string())?, Arc::<[u16]>::from(dream.words()));
    let said = Said { pack: pack.clone(), prompt: prompt::text_of(&words), words: words.clone(), settings: *settings };
    said.carried(KeptDream { number: 0, moment, seed: settings.seed, words })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::chart::Chart;
    use crate::dream::still;
    use crate::dream::truth::TruthSession;
    use crate::worlds;

    #[test]
    fn a_walk_that_is_ended_from_outside_leaves_a_whole_film_and_its_sound() {
        let folder = tempfile::tempdir().unwrap();
        let [path, sound] = ["walk.gif", "walk.wav"].map(|name| folder.path().join(name));
        let frames_of = |ended: bool| {
            let mut source = TruthSession::new(worlds::by_name("isles").unwrap(), 5, true);
            let info = source.info().clone();
            let (width_px, height_px) = (info.width_px, info.height_px);
            let mut headless = Headless {
                film: Some(Film::create(&path, &info, 1, 1).unwrap()),
                track: Some(Track::create(&sound, info.rate_hz).unwrap()),
                info,
                map: None,
                scale: 1,
                within: false,
                eye: None,
                settings: DecodeSettings::LEAST,
                times_ms: Vec::new(),
                ended: Arc::new(AtomicBool::new(ended)),
            };
            let plan = HeadlessPlan {
                frames: 3,
                script: Vec::new(),
                settings: DecodeSettings::LEAST,
                queue: PromptQueue::default(),
                words: Vec::new(),
                day: Day::default(),
                blend_frames: 0,
            };
            headless.record(&mut source).unwrap();
            assert_eq!(headless.play(&mut source, plan, None).is_err(), ended);
            // Six frames a second.
            let heard = hound::WavReader::open(&sound).unwrap().duration() / 8000;
            (still::load(&path, width_px, height_px).unwrap().len(), heard)
        };
        assert_eq!([frames_of(false), frames_of(true)], [(4, 4), (1, 1)]);
    }

    #[test]
    fn a_prompt_of_which_nothing_counts_takes_no_time() {
        let said = |lines: &str| {
            let mut queue = PromptQueue::resting(lines.to_owned(), 30);
            queue.running = true;
            let due = |secs: u64| Some((secs, prompt::text_of(&words_due(&mut queue, Duration::from_secs(secs), 8)?)));
            (0..70).filter_map(due).collect::<Vec<_>>()
        };
        let expected = [(0, "snow"), (30, "night"), (60, "snow")].map(|(secs, text)| (secs, text.to_owned()));
        assert_eq!(said("snow\nqwrtzx\nnight"), expected);
        assert_eq!(said("qwrtzx\nblorgh"), []);
    }

    #[test]
    fn a_map_of_a_long_walk_is_enlarged_less() {
        let chart = |width_px, height_px| Chart { rgba: Vec::new(), width_px, height_px, view_px: [0; 4], start_px: None };
        let scales = [chart(144, 112), chart(560, 272), chart(272, 560), chart(4240, 16)].map(|chart| chart.saved_scale(16));
        assert_eq!(scales, [16, 4, 4, 1]);
        assert_eq!(chart(560, 272).saved_scale(2), 2, "no more than is asked for");
    }

    #[test]
    fn a_file_goes_where_there_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(has_folder(Path::new("walk.gif")), Ok(()));
        assert_eq!(has_folder(&folder.path().join("walk.gif")), Ok(()));
        let nowhere = folder.path().join("typo/walk.gif");
        assert!(has_folder(&nowhere).is_err_and(|why| why.ends_with("typo") && why.contains("there is no folder")));
    }
}
