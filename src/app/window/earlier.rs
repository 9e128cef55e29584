//! Dreams that were left: keeping the one that plays, showing the earlier ones, going back to one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::idle::Idle;
use super::saying::SaidByHand;
use super::{App, Wake};
use crate::app::album::Said;
use crate::app::dreams::{FIRST_DREAM, Left, Shelf};
use crate::app::files::caught;
use crate::app::panel::Thumbnail;
use crate::app::prompt_history::one_line;
use crate::app::start::Start;
use crate::dream::DreamError;
use crate::dream::runner::{Prompt, Request, Went};
use crate::dream::saved::{About, SavedDream};
use crate::engine::DecodeSettings;
use crate::input::Command;
use crate::pack::Pack;
use crate::prompt;

/// How often the dream that plays is kept.
const EVERY: Duration = Duration::from_secs(30);
/// What the window knows of the dreams that are kept.
pub(super) struct Dreams {
    /// Nothing is kept where there is none.
    shelf: Option<Arc<Mutex<Shelf>>>,
    /// The earlier ones, the latest first.
    earlier: Vec<Left>,
    /// Number of the one that plays, where it was gone on with or come back to.
    playing: Option<u32>,
    kept_at: Instant,
    /// Frames there were then.
    frames: u64,
    /// Somebody has played since.
    played: bool,
    /// Whatever is on its way to a file has another one.
    waiting: Arc<()>,
}

/// The shelf is whole after each of its calls.
fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dreams {
    /// `shelf`: with the file of the first dream, where it goes on with one that was left.
    pub(super) fn new(shelf: Option<Shelf>, now: Instant) -> Self {
        Self {
            playing: shelf.as_ref().and_then(|shelf| shelf.file_of(FIRST_DREAM)).map(|_| FIRST_DREAM),
            shelf: shelf.map(|shelf| Arc::new(Mutex::new(shelf))),
            earlier: Vec::new(),
            kept_at: now,
            frames: 0,
            played: false,
            waiting: Arc::default(),
        }
    }

    /// Whether what was left is another window's.
    fn another_window_plays(&self) -> bool {
        self.shelf.as_ref().is_some_and(|shelf| lock(shelf).is_shared())
    }

    /// Whether one is gone on with.
    fn goes_on(&self) -> bool {
        self.playing.is_some()
    }

    /// Another one plays, and is kept nowhere yet.
    pub(super) fn forget_playing(&mut self) {
        self.playing = None;
    }

    /// Learns whether somebody plays.
    pub(super) fn see(&mut self, idle: &Idle) {
        self.played |= idle.plays_since(self.kept_at);
    }

    /// Whether it is time to keep the one that plays again: not where nobody has played in it since, nor while a slow disk still has the last time before it.
    pub(super) fn is_due(&self, frames: u64, now: Instant) -> bool {
        let is_old = frames != self.frames && now.saturating_duration_since(self.kept_at) >= EVERY;
        self.shelf.is_some() && self.played && is_old && Arc::strong_count(&self.waiting) == 1
    }
}

impl App {
    /// The first picture is there: who comes has time to read how to walk, and which dream this is.
    pub(super) fn say_where_one_is(&mut self) {
        self.ui.hints.stay_on(Instant::now());
        if self.dreams.goes_on() {
            let anew = self.control_of(Command::Reset).map_or_else(String::new, |control| format!("; {control} begins it anew"));
            self.ui.toasts.push(format!("This is the dream you left{anew}."), false);
        } else if self.dreams.another_window_plays() {
            self.ui.toasts.push("Another window still has the dream you left; this one begins its own.".to_owned(), false);
        }
    }

    /// Lets a dream begin here. `file`: where it is kept already.
    pub(super) fn start_at(&mut self, start: &Start, file: Option<PathBuf>) {
        let Some(saved) = start.saved() else {
            let wish = self.current_wish();
            return self.begin(start.request(&wish.prompt, wish.settings.seed));
        };
        // A day goes on from the hour that was.
        let mut day = self.ui.prompt.day.clone();
        day.begin_with(&saved.about.words, self.ui.clock.now(Instant::now()));
        let words = day.words(&saved.about.words, self.plan.launch.prompt_words());
        let begun = saved.clone();
        let done = self.hands_over(move |went| Wake::Resumed(begun, file, went));
        let prompt = Prompt { words: words.into(), blend_frames: self.ui.prompt.blend_frames, said: self.by_hand.another() };
        self.begin(Request::Resume(saved.clone(), prompt, saved.about.seed, done));
    }

    /// A saved dream goes on: the panel says what is said in it.
    pub(super) fn dream_resumed(&mut self, saved: &SavedDream, file: Option<PathBuf>, Went { dream, said: [left, said] }: Went) {
        let about = &saved.about;
        // Unless something else was said meanwhile.
        if self.by_hand.is(left) {
            self.by_hand.go_to(said, &self.ui.prompt);
            self.said_again(one_line(&about.prompt), self.besides_in(&about.words, &about.prompt), &about.words);
        } else {
            self.by_hand.learn(said, one_line(&about.prompt));
        }
        self.dream_as_saved(about);
        if let Some(file) = file {
            self.adopt(dream, file);
        }
        self.dreams.playing = Some(dream);
        self.list_earlier();
    }

    /// From now on it is dreamed as it was then.
    fn dream_as_saved(&mut self, about: &About) {
        let Some(pack) = self.plan.launch.dreamer() else { return };
        let settings = about.settings(&pack.manifest);
        if settings != (DecodeSettings { seed: settings.seed, ..self.ui.settings }) {
            let set = about.set_otherwise().join(", ");
            let how = if set.is_empty() { "as the pack has it".to_owned() } else { format!("with its own {set}") };
            self.ui.toasts.push(format!("Dreamed as it was saved: {how}."), false);
        }
        self.ui.settings = settings;
        self.wish(|wish| wish.settings = settings);
    }

    /// A dream of the session is kept in this file, once what is on its way there is written.
    pub(super) fn adopt(&mut self, dream: u32, file: PathBuf) {
        if let Some(shelf) = self.dreams.shelf.clone() {
            self.writer.jobs().run(move || lock(&shelf).adopt(dream, file));
        }
        self.dreams.playing = Some(dream);
    }

    /// The dream of this world that was kept last.
    pub(super) fn kept_last(&self) -> Option<Left> {
        lock(self.dreams.shelf.as_ref()?).last(self.plan.launch.dreamer()?)
    }

    /// What was taken back, or done again, leads from one dream of the session to another, or stays in it: what was said there is said again, and its seed is
    /// what it was.
    pub(super) fn went_along(&mut self, Went { dream, said: [left, said] }: Went) {
        if self.by_hand.is(left)
            && let Some((text, besides)) = self.by_hand.go_to(said, &self.ui.prompt)
        {
            let words = self.current_wish().prompt.words;
            self.said_again(text, besides, &words);
        }
        self.ui.settings.seed = self.current_wish().settings.seed;
        if self.dreams.playing.replace(dream) != Some(dream) {
            self.list_earlier();
        }
        self.redraw();
    }

    /// The world is told these words again: so does the panel say, and list and day go on from there.
    fn said_again(&mut self, text: String, besides: Vec<u16>, words: &[u16]) {
        let (now, typing) = (self.ui.clock.now(Instant::now()), self.typing());
        let state = &mut self.ui.prompt;
        if state.queue.running {
            state.queue.wait(now);
        }
        state.day.begin_with(words, now);
        state.in_force(text, true, typing);
        state.besides = besides;
    }

    /// Goes on with one of the earlier dreams.
    pub(super) fn go_back_to(&mut self, index: usize) {
        if let Some(Left { path, saved, .. }) = self.dreams.earlier.get(index) {
            let (start, file) = (Start::Dream(Arc::new(saved.clone())), path.clone());
            self.start_at(&start, Some(file));
        }
    }

    /// Forgets one of the earlier dreams; the one forgotten last can be brought back.
    pub(super) fn forget_earlier(&mut self, index: usize) {
        if index < self.dreams.earlier.len() && index < self.ui.earlier.dreams.len() {
            let Left { path, .. } = self.dreams.earlier.remove(index);
            self.ui.earlier.dreams.remove(index);
            self.rearrange(move |shelf| shelf.forget(&path));
        }
    }

    /// Brings it back.
    pub(super) fn bring_back_dream(&self) {
        self.rearrange(Shelf::bring_back);
    }

    /// Changes what is kept where files are written, and lists it anew.
    fn rearrange(&self, change: impl FnOnce(&mut Shelf) -> Result<(), String> + Send + 'static) {
        let Some(shelf) = self.dreams.shelf.clone() else { return };
        let tell = self.proxy.clone();
        self.writer.jobs().run(move || {
            // The loop may be gone.
            caught(|| change(&mut lock(&shelf))).unwrap_or_else(|why| drop(tell.send_event(Wake::Notice(why))));
        });
        self.list_earlier();
        self.redraw();
    }

    /// Keeps the dream that plays, on its way to another one: before anything of that is wished for.
    pub(super) fn leave_dream(&mut self) {
        self.dreams.playing = None;
        let (shelf, listing) = (self.dreams.shelf.clone(), self.listing());
        self.keep_and(move || {
            shelf.into_iter().for_each(|shelf| lock(&shelf).left());
            listing.into_iter().for_each(|list| list());
        });
    }

    /// Keeps the dream that plays, where somebody walked in it.
    pub(super) fn keep_dream(&mut self) {
        self.keep_and(|| ());
    }

    /// Does something where files are written once it is kept.
    fn keep_and(&mut self, then: impl FnOnce() + Send + 'static) {
        (self.dreams.kept_at, self.dreams.frames, self.dreams.played) = (Instant::now(), self.status.frames, false);
        if let Some(keep) = self.to_keep(then) {
            self.request(keep);
        }
    }

    /// What keeps the dream that plays, as it is said now, and then does something where files are written; nothing where no dream is kept.
    pub(super) fn to_keep(&self, then: impl FnOnce() + Send + 'static) -> Option<Request> {
        let (shelf, said) = (self.dreams.shelf.clone()?, self.said()?);
        let (jobs, proxy, waiting) = (self.writer.jobs().clone(), self.proxy.clone(), self.dreams.waiting.clone());
        let keep = move |kept: Result<_, DreamError>| {
            jobs.run(move || {
                let _until_then = waiting;
                let written = match kept {
                    Ok(kept) => caught(|| lock(&shelf).put(kept, said)),
                    Err(DreamError::NothingDreamed) => {
                        log::debug!("nothing is kept: nothing was dreamed yet");
                        Ok(())
                    }
                    Err(why) => Err(format!("The dream could not be kept: {why}.")),
                };
                // The loop may be gone.
                written.unwrap_or_else(|why| drop(proxy.send_event(Wake::Notice(why))));
                then();
            });
        };
        Some(Request::Keep(Box::new(keep)))
    }

    /// What is said at this moment, and by whom it is dreamed. What visitors type is not kept: at an event it is said in the words it was heard as.
    pub(super) fn said(&self) -> Option<Said> {
        let (pack, wish) = (self.plan.launch.dreamer()?.clone(), self.current_wish());
        let words = wish.prompt.words;
        let prompt = if self.plan.event { prompt::text_of(&words) } else { self.ui.prompt.said.clone() };
        Some(Said { pack, prompt, words, settings: wish.settings })
    }

    /// Reads the earlier dreams where files are written; they come back as [`Wake::Dreams`].
    pub(super) fn list_earlier(&self) {
        self.listing().into_iter().for_each(|list| self.writer.jobs().run(list));
    }

    fn listing(&self) -> Option<impl FnOnce() + Send + use<>> {
        let (shelf, pack, tell) = (self.dreams.shelf.clone()?, self.plan.launch.dreamer()?.clone(), self.proxy.clone());
        let playing = self.dreams.playing;
        Some(move || {
            let listed = || {
                let shelf = lock(&shelf);
                Ok((shelf.earlier(&pack, playing), shelf.has_forgotten()))
            };
            let wake = match caught(listed) {
                Ok((left, forgotten)) => Wake::Dreams { pack, left, forgotten },
                Err(why) => Wake::Notice(why),
            };
            drop(tell.send_event(wake));
        })
    }

    /// Shows these in the panel, and whether one can be brought back. Those of another pack come too late.
    pub(super) fn show_earlier(&mut self, pack: &Arc<Pack>, left: Vec<Left>, forgotten: bool) {
        if !self.is_dreamed_by(pack) {
            return;
        }
        self.dreams.earlier = left;
        self.ui.earlier.forgotten = forgotten;
        if let Some(shell) = &self.shell {
            self.ui.earlier.dreams = self.thumbnails_of_earlier(shell.egui.egui_ctx());
        }
        self.redraw();
    }

    /// Whether this pack still plays.
    pub(super) fn is_dreamed_by(&self, pack: &Arc<Pack>) -> bool {
        self.plan.launch.dreamer().is_some_and(|playing| Arc::ptr_eq(playing, pack))
    }

    pub(super) fn thumbnails_of_earlier(&self, context: &egui::Context) -> Vec<Thumbnail> {
        let (w, h) = self.plan.launch.frame_px();
        let thumbnail = |left: &Left| {
            let said = one_line(&left.saved.about.prompt);
            let name = if said.is_empty() { "Goes on there".to_owned() } else { format!("Goes on there: {said}") };
            Thumbnail { kept_at: left.kept_at, ..Thumbnail::new(context, name, &left.still, [w, h]) }
        };
        self.dreams.earlier.iter().map(thumbnail).collect()
    }

    /// Another session begins, of another pack: what was left of this one is forgotten here.
    pub(super) fn forget_dreams(&mut self) {
        self.dreams.earlier.clear();
        self.by_hand = SaidByHand::default();
        if let Some(shelf) = self.dreams.shelf.clone() {
            self.writer.jobs().run(move || lock(&shelf).forget_numbers());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dream_is_kept_again_once_the_last_time_is_over() {
        let (folder, now) = (tempfile::tempdir().unwrap(), Instant::now());
        let mut dreams = Dreams::new(Some(Shelf::new(folder.path().join("dreams"))), now);
        let mut idle = Idle::new(None, now);
        dreams.see(&idle);
        assert!(!dreams.is_due(1, now + EVERY), "nobody has played");
        idle.touch(now);
        dreams.see(&idle);
        assert!(!dreams.is_due(1, now) && !dreams.is_due(0, now + EVERY) && dreams.is_due(1, now + EVERY));
        let on_its_way = dreams.waiting.clone();
        assert!(!dreams.is_due(1, now + EVERY));
        drop(on_its_way);
        assert!(dreams.is_due(1, now + EVERY));
        let mut kept_nowhere = Dreams::new(None, now);
        kept_nowhere.see(&idle);
        assert!(!kept_nowhere.is_due(1, now + EVERY));
    }
}
