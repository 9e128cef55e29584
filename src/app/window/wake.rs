//! What other threads wake the event loop for, and what comes of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use winit::event_loop::ActiveEventLoop;

use super::App;
use crate::app::dreams::Left;
use crate::app::open::Launch;
use crate::app::start::Start;
use crate::dream::DreamError;
use crate::dream::chart::Chart;
use crate::dream::runner::Went;
use crate::dream::saved::SavedDream;
use crate::input::pad::PadNews;
use crate::pack::Pack;

/// Sent to the event loop by other threads.
pub enum Wake {
    /// The runner has something new.
    Fetch,
    Pad(PadNews),
    /// Pictures chosen in the file dialog, dropped or pasted were read, with a sentence where no dream was in them, or could not be.
    Start(Arc<Pack>, Result<(Start, Option<String>), String>),
    /// A saved dream goes on, which is kept in this file if it is; or it does not.
    Resumed(Arc<SavedDream>, Option<PathBuf>, Result<Went, DreamError>),
    /// Something was taken back, or done again, and is told of in these words.
    WentAlong(String, Result<Went, DreamError>),
    /// A pack dropped or chosen was read, or could not be.
    Another(Result<Box<Launch>, String>),
    /// The dreams that were left may be listed.
    ListDreams,
    /// Dreams of this pack's world that were left, the latest first, and whether one that was forgotten can be brought back.
    Dreams {
        pack: Arc<Pack>,
        left: Vec<Left>,
        forgotten: bool,
    },
    /// The file dialog or the clipboard gave these paths.
    Chosen(Vec<PathBuf>),
    Notice(String),
    /// Good news.
    Done(String),
    /// A picture was saved, with a dream in it or without, or a film that lasts so long.
    Saved {
        path: PathBuf,
        leads_back: bool,
        lasts: Option<Duration>,
    },
    /// Somebody ends the program from outside.
    Quit,
    /// The map that was asked for, or why there is none.
    Chart(Result<Chart, DreamError>),
    /// What came of something that the session of this number was asked for.
    HandedOver(u32, Box<Wake>),
}

impl Wake {
    /// Whether it comes of a session that plays no more, where the one of this number plays.
    pub(super) fn is_past(&self, session: u32) -> bool {
        matches!(self, Self::HandedOver(of, _) if *of != session)
    }
}

impl App {
    /// Does what it is woken for.
    pub(super) fn woken_by(&mut self, event_loop: &ActiveEventLoop, wake: Wake) {
        if wake.is_past(self.session) {
            return log::debug!("what comes of a session that plays no more is for nobody");
        }
        match wake {
            Wake::HandedOver(_, wake) => self.woken_by(event_loop, *wake),
            Wake::Quit => event_loop.exit(),
            Wake::Fetch => self.fetch(),
            // What is pressed while another window has the focus is meant for that one.
            Wake::Pad(PadNews::Command(_)) if !self.latch().has_focus() => {}
            Wake::Pad(news) => {
                // A pad that is there at the start or falls asleep is nobody who came, and something may lie on one: what is held counts for a while.
                let of_itself = matches!(news, PadNews::Connected(_) | PadNews::Disconnected(_) | PadNews::Unavailable(_));
                let nobody = of_itself || matches!(news, PadNews::Pushed | PadNews::PanelAgain(_));
                if !nobody {
                    self.idle.touch(Instant::now());
                }
                self.pad(news);
            }
            // Read for a pack that plays no more.
            Wake::Start(pack, Ok(_)) if !self.is_dreamed_by(&pack) => {}
            Wake::Start(_, Ok((start, notice))) => {
                notice.into_iter().for_each(|notice| self.complain(notice));
                self.start_at(&start, None);
            }
            Wake::Resumed(saved, file, Ok(went)) => self.dream_resumed(&saved, file, went),
            Wake::WentAlong(told, Ok(went)) => {
                self.went_along(went);
                self.ui.toasts.push(told, false);
            }
            Wake::Another(Ok(launch)) => self.play_another(*launch),
            Wake::Resumed(.., Err(why)) | Wake::WentAlong(_, Err(why)) => self.complain(format!("{why}.")),
            Wake::Start(_, Err(why)) | Wake::Another(Err(why)) | Wake::Notice(why) => self.complain(why),
            Wake::ListDreams => self.list_earlier(),
            Wake::Dreams { pack, left, forgotten } => self.show_earlier(&pack, left, forgotten),
            Wake::Chosen(paths) => self.read_files(paths),
            Wake::Saved { path, leads_back, lasts } => self.saved(&path, leads_back, lasts),
            Wake::Done(what) => {
                log::info!("{what}");
                self.ui.toasts.push(what, false);
                self.redraw();
            }
            Wake::Chart(Ok(chart)) => {
                log::info!("a map of {} by {} pixels", chart.width_px, chart.height_px);
                self.ui.map.show(chart);
                self.redraw();
            }
            Wake::Chart(Err(why)) => {
                self.map_mode(false);
                self.complain(format!("{why}."));
            }
        }
    }
}
