//! The system's own device, on a thread of its own: opening one may take a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{Device, ErrorKind, FromSample, SampleFormat, SizedSample, Stream, StreamConfig};

use super::desk::Desk;
use super::mix::Mix;

/// A device that is lost comes back, or another one takes its place, after so long at the earliest.
const REST: Duration = Duration::from_secs(1);
/// Where there is none it is looked for one again: at first after so long, and then ever more rarely.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST_PATIENCE: Duration = Duration::from_secs(60);
/// One that played nothing for so long is let go: it keeps the machine awake, and other programs from it.
const TICK: Duration = Duration::from_secs(1);
const MOST_SILENT_TICKS: u32 = 10;

pub struct Speaker {
    tell: SyncSender<News>,
    plays: Arc<AtomicBool>,
    opened: Arc<AtomicBool>,
}

enum News {
    /// The device is gone.
    Lost,
    /// There is something to hear again.
    Wake,
    /// Another device may be there.
    LookAgain,
    End,
}

impl Speaker {
    /// Plays what stands on the desk until it is dropped.
    ///
    /// # Errors
    /// What the system says where it has no thread left.
    pub fn spawn(desk: Desk) -> std::io::Result<Self> {
        // What does not fit in says nothing new.
        let (tell, news) = sync_channel(4);
        // As far as is known.
        let (plays, opened) = (Arc::new(AtomicBool::new(true)), Arc::<AtomicBool>::default());
        let (lost, playing, open) = (tell.clone(), plays.clone(), opened.clone());
        thread::Builder::new().name("sound".to_owned()).spawn(move || play(&desk, &lost, &news, [&playing, &open]))?;
        Ok(Self { tell, plays, opened })
    }

    /// A device was there that plays it.
    pub fn has_played(&self) -> bool {
        self.opened.load(Ordering::Relaxed)
    }

    pub fn plays(&self) -> bool {
        self.plays.load(Ordering::Relaxed)
    }

    pub fn wake(&self) {
        self.tell.try_send(News::Wake).ok();
    }

    pub fn look_again(&self) {
        self.tell.try_send(News::LookAgain).ok();
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.tell.try_send(News::End).ok();
    }
}

/// Opens a device, and another one in its place, until the end; says whether one `plays` and whether one was `opened` so far.
fn play(desk: &Desk, lost: &SyncSender<News>, news: &Receiver<News>, [plays, opened]: [&AtomicBool; 2]) {
    // Otherwise ALSA tells the terminal of every device that is not there.
    #[cfg(target_os = "linux")]
    let _silenced = alsa::Output::local_error_handler();
    let (mut patience, mut told) = (PATIENCE, String::new());
    loop {
        let why = match open(desk, lost) {
            Ok(stream) => {
                plays.store(true, Ordering::Relaxed);
                opened.store(true, Ordering::Relaxed);
                let began = Instant::now();
                if !keep(stream, desk, news) {
                    return;
                }
                if began.elapsed() > PATIENCE {
                    (patience, told) = (PATIENCE, String::new());
                    continue;
                }
                "the device ends as soon as it begins".to_owned()
            }
            Err(why) => why.to_string(),
        };
        plays.store(false, Ordering::Relaxed);
        if why != told {
            log::info!("there is no sound: {why}");
            told = why;
        }
        if matches!(news.recv_timeout(patience), Ok(News::End) | Err(RecvTimeoutError::Disconnected)) {
            return;
        }
        patience = (2 * patience).min(MOST_PATIENCE);
    }
}

/// Lets it play until it is lost, or there was nothing to hear for a while and then is again; whether another one is to be opened.
fn keep(stream: Stream, desk: &Desk, news: &Receiver<News>) -> bool {
    let mut silent_ticks = 0;
    loop {
        match news.recv_timeout(TICK) {
            Ok(News::Lost) => {
                drop(stream);
                thread::sleep(REST);
                // It may have said so more than once.
                return !news.try_iter().any(|news| matches!(news, News::End));
            }
            Ok(News::End) | Err(RecvTimeoutError::Disconnected) => return false,
            Ok(News::Wake | News::LookAgain) | Err(RecvTimeoutError::Timeout) => {}
        }
        silent_ticks = if desk.is_silent() { silent_ticks + 1 } else { 0 };
        if silent_ticks > MOST_SILENT_TICKS {
            drop(stream);
            return !matches!(news.iter().find(|news| matches!(news, News::Wake | News::End)), Some(News::End) | None);
        }
    }
}

fn open(desk: &Desk, lost: &SyncSender<News>) -> Result<Stream, cpal::Error> {
    let device = cpal::default_host().default_output_device().ok_or(ErrorKind::DeviceNotAvailable)?;
    let config = device.default_output_config()?;
    let stream = match config.sample_format() {
        SampleFormat::F32 => stream::<f32>(&device, config.into(), desk, lost),
        SampleFormat::I16 => stream::<i16>(&device, config.into(), desk, lost),
        SampleFormat::U16 => stream::<u16>(&device, config.into(), desk, lost),
        SampleFormat::I32 => stream::<i32>(&device, config.into(), desk, lost),
        SampleFormat::I24 => stream::<cpal::I24>(&device, config.into(), desk, lost),
        _ => Err(ErrorKind::UnsupportedConfig.into()),
    }?;
    stream.play()?;
    Ok(stream)
}

fn stream<T: SizedSample + FromSample<f32>>(
    device: &Device,
    config: StreamConfig,
    desk: &Desk,
    lost: &SyncSender<News>,
) -> Result<Stream, cpal::Error> {
    let (channels, lost) = (usize::from(config.channels), lost.clone());
    log::info!("sound: {} Hz, {channels} channels", config.sample_rate);
    let mut mix = Mix::new(desk, f64::from(config.sample_rate));
    device.build_output_stream(
        config,
        move |samples: &mut [T], _| mix.fill(samples, channels),
        move |why| match why.kind() {
            ErrorKind::DeviceChanged | ErrorKind::Xrun | ErrorKind::RealtimeDenied => log::debug!("sound: {why}"),
            _ => {
                log::debug!("the sound ends: {why}");
                lost.try_send(News::Lost).ok();
            }
        },
        None,
    )
}
