//! Dreams that were left: keeping the one that plays, showing the earlier ones, going back to one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use super::{App, Wake};
use crate::app::dreams::{self, Keeper, Left};
use crate::app::files;
use crate::app::panel::Thumbnail;
use crate::app::prompt_history::one_line;
use crate::app::start::Start;
use crate::dream::runner::{Kept, Prompt, Request};

/// Earlier dreams that the panel shows.
const SHOWN: usize = 6;
/// How long closing the window may wait for the last picture and its dream.
const PATIENCE: Duration = Duration::from_secs(3);

impl App {
    /// Lets a dream begin here. `file`: where it is kept already.
    pub(super) fn start_at(&mut self, start: &Start, file: Option<PathBuf>) {
        if let Some(saved) = start.saved() {
            let (about, now) = (&saved.about, self.ui.clock.now(Instant::now()));
            let typing = self.typing();
            let state = &mut self.ui.prompt;
            if state.queue.running {
                state.queue.wait(now);
            }
            state.day.begin_with(&about.words, now);
            state.in_force(one_line(&about.prompt), true, typing);
            self.ui.settings.seed = about.seed;
            let prompt = Prompt { words: about.words.as_slice().into(), blend_frames: self.ui.prompt.blend_frames };
            self.wish(|wish| (wish.prompt, wish.settings.seed) = (prompt, about.seed));
        }
        self.begin_in(file, start.request());
    }

    /// Goes on with one of the earlier dreams.
    pub(super) fn go_back_to(&mut self, index: usize) {
        if let Some(Left { path, saved, .. }) = self.earlier.get(index) {
            let (start, file) = (Start::Dream(Arc::new(saved.clone())), path.clone());
            self.start_at(&start, Some(file));
        }
    }

    /// Keeps the dream that plays, on its way to another one, which is kept in `file` already or has none.
    pub(super) fn leave_dream(&mut self, file: Option<PathBuf>) {
        if self.keeper.as_ref().is_some_and(Keeper::is_worth_it) {
            self.keep_dream();
        }
        self.keeper = self.keeper.take().map(|keeper| keeper.going_on(file));
        self.list_earlier();
    }

    /// Keeps the dream that plays; the panel then shows what there is.
    pub(super) fn keep_dream(&mut self) {
        let (proxy, listed) = (self.proxy.clone(), self.listing());
        let Some(write) = self.writing() else { return };
        let keep = move |kept| {
            let tell = proxy.clone();
            let work = move || {
                match write(kept) {
                    Ok(()) => listed.map_or(Ok(()), |list| tell.send_event(Wake::Dreams(list()))),
                    Err(why) => tell.send_event(Wake::Notice(why)),
                }
                .ok();
            };
            files::spawn("dreams", work, &proxy);
        };
        self.request(Request::Keep(Box::new(keep)));
    }

    /// Keeps the dream that plays before the program ends.
    pub(super) fn keep_last(&mut self) {
        if !self.keeper.as_ref().is_some_and(Keeper::is_worth_it) {
            return;
        }
        let Some(write) = self.writing() else { return };
        let (hand_over, kept) = sync_channel(1);
        self.request(Request::Keep(Box::new(move |kept| drop(hand_over.send(kept)))));
        let written = kept.recv_timeout(PATIENCE).map_err(|_| "the dream is too busy to be kept".to_owned()).and_then(write);
        if let Err(why) = written {
            log::warn!("{why}");
        }
    }

    /// What writes the dream that plays into its file, once it is handed over.
    fn writing(&mut self) -> Option<impl FnOnce(Result<Kept, String>) -> Result<(), String> + Send + use<>> {
        let (dreamer, said) = (self.plan.launch.dreamer()?.clone(), self.ui.prompt.said.clone());
        let path = match self.keeper.as_mut()?.keep(Instant::now()) {
            Ok(path) => path,
            Err(why) => {
                self.complain(why);
                return None;
            }
        };
        Some(move |kept: Result<Kept, String>| {
            let _turn = files::turn();
            files::write_kept(&path, kept?, Some(&dreamer), said, 1)?;
            log::info!("the dream is kept in {}", path.display());
            Ok(())
        })
    }

    /// What reads the earlier dreams.
    fn listing(&self) -> Option<impl FnOnce() -> Vec<Left> + Send + use<>> {
        let (folder, pack) = (self.keeper.as_ref()?.folder()?.to_owned(), self.plan.launch.dreamer()?.clone());
        // One of them may be the one that plays.
        Some(move || dreams::latest(&folder, SHOWN + 1, &pack))
    }

    /// Reads the earlier dreams on a thread of its own.
    pub(super) fn list_earlier(&self) {
        let Some(list) = self.listing() else { return };
        let tell = self.proxy.clone();
        files::spawn("dreams", move || drop(tell.send_event(Wake::Dreams(list()))), &self.proxy);
    }

    /// Shows these in the panel, but for the one that plays.
    pub(super) fn show_earlier(&mut self, mut left: Vec<Left>) {
        let playing = self.keeper.as_ref().and_then(Keeper::file);
        left.retain(|left| playing != Some(left.path.as_path()));
        left.truncate(SHOWN);
        self.earlier = left;
        if let Some(shell) = &self.shell {
            self.ui.earlier = self.thumbnails_of_earlier(shell.egui.egui_ctx());
        }
        self.redraw();
    }

    pub(super) fn thumbnails_of_earlier(&self, context: &egui::Context) -> Vec<Thumbnail> {
        let (w, h) = self.plan.launch.frame_px();
        let thumbnail = |left: &Left| {
            let said = one_line(&left.saved.about.prompt);
            let name = if said.is_empty() { "Goes on there".to_owned() } else { format!("Goes on there: {said}") };
            Thumbnail::new(context, name, &left.still, [w, h])
        };
        self.earlier.iter().map(thumbnail).collect()
    }
}
