//! What is heard along a film, as a WAV that lasts as long.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hound::{SampleFormat, WavSpec, WavWriter};

use super::desk::Desk;
use super::ears::{Ears, Present};
use super::mix::Mix;

const RATE_HZ: u32 = 48_000;
/// Left and right.
const CHANNELS: u16 = 2;
const SPEC: WavSpec = WavSpec { channels: CHANNELS, sample_rate: RATE_HZ, bits_per_sample: 16, sample_format: SampleFormat::Int };
/// Whoever plays the file sets how loud that is.
const VOLUME: f32 = 1.0;
/// Samples of each channel that a WAV has room for beside its header.
const MOST_TIMES: u64 = (u32::MAX as u64 - 64) / (2 * CHANNELS as u64);

/// A WAV that grows with the frames of a film, and is whole after each.
pub struct Track {
    path: PathBuf,
    writer: WavWriter<BufWriter<File>>,
    desk: Desk,
    mix: Mix,
    ears: Ears,
    /// Frames a second of the film.
    frames_hz: u64,
    frames: u64,
    /// Of one frame, `(times, channels)`.
    samples: Vec<i16>,
}

impl Track {
    /// Whether it can be written there; what is there stays.
    ///
    /// # Errors
    /// One sentence where it cannot, or its name has another ending.
    pub fn check(path: &Path) -> Result<(), String> {
        if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("wav")) {
            return Err(failed(path, "its name must end in .wav"));
        }
        let opened = OpenOptions::new().append(true).create(true).open(path);
        opened.map(drop).map_err(|why| failed(path, why))
    }

    /// Of a film that shows so many frames a second, however many pictures lie between them.
    ///
    /// # Errors
    /// One sentence where the file cannot be made.
    pub fn create(path: &Path, frames_hz: u32) -> Result<Self, String> {
        let writer = WavWriter::create(path, SPEC).map_err(|why| failed(path, why))?;
        let desk = Desk::new();
        desk.turn_to(VOLUME);
        Ok(Self {
            path: path.to_owned(),
            writer,
            mix: Mix::new(&desk, f64::from(RATE_HZ)),
            desk,
            ears: Ears::default(),
            frames_hz: u64::from(frames_hz.max(1)),
            frames: 0,
            samples: Vec::new(),
        })
    }

    /// Appends what is heard while one frame is shown.
    ///
    /// # Errors
    /// One sentence where the disk is full, or the file.
    pub fn push(&mut self, present: &Present<'_>) -> Result<(), String> {
        let [begins, ends] = [self.frames, self.frames + 1].map(|frame| frame * u64::from(RATE_HZ) / self.frames_hz);
        if ends > MOST_TIMES {
            return Err(failed(&self.path, "a WAV cannot be larger than 4 GB"));
        }
        let now = Duration::from_secs_f64(self.frames as f64 / self.frames_hz as f64);
        self.ears.hear(present, now, &self.desk);
        self.frames += 1;
        self.samples.resize((ends - begins) as usize * usize::from(CHANNELS), 0);
        self.mix.fill(&mut self.samples, usize::from(CHANNELS));
        let written = self.samples.iter().try_for_each(|sample| self.writer.write_sample(*sample));
        written.and_then(|()| self.writer.flush()).map_err(|why| failed(&self.path, why))
    }

    /// Completes the file.
    ///
    /// # Errors
    /// One sentence where the disk did not take all of it.
    pub fn finish(self) -> Result<(), String> {
        self.writer.finalize().map_err(|why| failed(&self.path, why))
    }
}

fn failed(path: &Path, why: impl Display) -> String {
    format!("cannot write {}: {why}", path.display())
}

#[cfg(test)]
mod tests {
    use hound::WavReader;

    use super::*;
    use crate::dream::lands::LandShares;
    use crate::dream::source::Strides;
    use crate::worlds::scene::{Weather, Wish};

    /// Lets each of `codes` lead into a frame in such weather: 0 stands, and 1 walks.
    fn play(track: &mut Track, weather: Weather, codes: &[u8]) {
        let look = Wish { weather: Some(weather), ..Wish::default() };
        let strides = Strides { motions_px: vec![[0, 0], [8, 0]], standing: [0; 4], patch_px: 8 };
        let land = LandShares::default();
        for code in codes {
            track.push(&Present { look: &look, land, quarters: 0, frames: 1, code: *code, strides: Some(&strides), stuck: None }).unwrap();
        }
    }

    /// What is in the file, left and right in turns.
    fn heard(frames_hz: u32, weather: Weather, codes: &[u8]) -> Vec<i16> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.wav");
        let mut track = Track::create(&path, frames_hz).unwrap();
        play(&mut track, weather, codes);
        track.finish().unwrap();
        let reader = WavReader::open(&path).unwrap();
        assert_eq!(reader.spec(), SPEC);
        reader.into_samples::<i16>().map(Result::unwrap).collect()
    }

    /// By how much the numbers differ on the mean.
    fn apart(some: &[i16], others: &[i16]) -> f64 {
        some.iter().zip(others).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / some.len() as f64
    }

    #[test]
    fn a_sound_lasts_as_long_as_its_film() {
        for frames_hz in [1, 6, 7, 30, 96] {
            let samples = heard(frames_hz, Weather::Clear, &[0; 11]);
            assert_eq!(samples.len() as u64, 2 * (11 * u64::from(RATE_HZ) / u64::from(frames_hz)), "{frames_hz} frames a second");
        }
    }

    #[test]
    fn rain_is_heard_and_every_time_the_same() {
        let rain = heard(6, Weather::Rain, &[0; 12]);
        assert!(rain == heard(6, Weather::Rain, &[0; 12]));
        // From sample to sample of one ear: rain is bright, and wind is not.
        let [rain, clear] = [rain, heard(6, Weather::Clear, &[0; 12])].map(|samples| apart(&samples, &samples[2..]));
        assert!(rain > 100.0 && rain > 2.0 * clear, "{rain}, {clear}");
    }

    #[test]
    fn a_step_is_heard_as_soon_as_its_frame_is_seen() {
        let stands = heard(6, Weather::Rain, &[0; 6]);
        let steps = heard(6, Weather::Rain, &[0, 0, 0, 1, 0, 0]);
        let seen = 3 * 2 * RATE_HZ as usize / 6;
        assert!(stands[..seen] == steps[..seen]);
        let while_heard = seen..seen + 2 * RATE_HZ as usize / 20;
        let differ = apart(&stands[while_heard.clone()], &steps[while_heard]);
        assert!(differ > 50.0, "{differ}");
    }

    #[test]
    fn whoever_is_ended_between_two_frames_leaves_a_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("walk.wav");
        let mut track = Track::create(&path, 6).unwrap();
        for frames in 1..=3 {
            play(&mut track, Weather::Clear, &[0]);
            let reader = WavReader::open(&path).unwrap();
            assert_eq!(reader.duration(), frames * RATE_HZ / 6);
            assert!(reader.into_samples::<i16>().all(|sample| sample.is_ok()));
        }
    }

    #[test]
    fn what_cannot_be_written_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("A.WAV");
        std::fs::write(&there, "as it was").unwrap();
        assert_eq!((Track::check(&folder.path().join("a.wav")), Track::check(&there)), (Ok(()), Ok(())));
        assert_eq!(std::fs::read(&there).unwrap(), b"as it was");
        for bad in ["walk.mp3", "walk", "wav"] {
            assert!(Track::check(Path::new(bad)).is_err_and(|why| why.contains(bad) && why.contains(".wav")), "{bad}");
        }
        let nowhere = Path::new("/nonexistent/walk.wav");
        for refused in [Track::check(nowhere).err(), Track::create(nowhere, 6).err()] {
            assert!(refused.is_some_and(|why| why.contains("/nonexistent/walk.wav")));
        }
        let mut track = Track::create(&folder.path().join("long.wav"), 6).unwrap();
        let (look, land) = (Wish::default(), LandShares::default());
        let present = Present { look: &look, land, quarters: 0, frames: 1, code: 0, strides: None, stuck: None };
        // After six hours and more.
        track.frames = 6 * 3600 * 7;
        assert!(track.push(&present).is_err_and(|why| why.contains("4 GB")));
        track.frames = 0;
        assert_eq!(track.push(&present), Ok(()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_of() {
        let mut track = Track::create(Path::new("/dev/full"), 6).unwrap();
        let (look, land) = (Wish::default(), LandShares::default());
        let present = Present { look: &look, land, quarters: 0, frames: 1, code: 0, strides: None, stuck: None };
        assert!(track.push(&present).is_err_and(|why| why.contains("/dev/full")));
    }
}
