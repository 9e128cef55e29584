//! What is made anew while the window stays: a lost graphics device, a session, and a dream that ended through a fault.

use std::sync::Arc;
use std::time::{Duration, Instant};

use winit::window::Window;

use super::saying::{SaidByHand, besides};
use super::{App, Shell, Wake};
use crate::app::dreams::{FIRST_DREAM, Left};
use crate::app::open::maker;
use crate::app::painter::Painter;
use crate::app::prompt_field::PromptState;
use crate::app::prompt_history::one_line;
use crate::app::start::Start;
use crate::dream::DreamError;
use crate::dream::runner::{HandOver, Request, Runner, Status};
use crate::dream::saved::About;
use crate::prompt;

/// How often a painter is asked for after a lost device, and how long to wait in between: a driver that starts anew needs a moment. At an event, where
/// nobody starts the program anew, there is no end to asking, but longer and longer waits.
const PAINTER_ATTEMPTS: u32 = 10;
const PAINTER_PATIENCE: Duration = Duration::from_millis(500);
const MOST_PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait after so many attempts in vain; `None` where there were enough.
fn patience(attempts: u32, event: bool) -> Option<Duration> {
    match attempts.checked_sub(PAINTER_ATTEMPTS) {
        None => Some(PAINTER_PATIENCE),
        Some(more) => event.then(|| (PAINTER_PATIENCE * 2u32.pow(1 + more.min(4))).min(MOST_PATIENCE)),
    }
}

/// What hands over to the window as of the session of this number.
fn as_of<T: 'static>(
    session: u32,
    tell: impl FnOnce(Wake) + Send + 'static,
    wake: impl FnOnce(Result<T, DreamError>) -> Wake + Send + 'static,
) -> HandOver<T> {
    Box::new(move |it| tell(Wake::HandedOver(session, Box::new(wake(it)))))
}

/// What is said where a dream goes on that was kept so or, where none was, another one begins as it is said `now`: the prompt, what the world is told besides, and
/// all that it is told under the light of the hour. A prompt has at most `most` words.
fn said_as_kept(kept: Option<&About>, now: &PromptState, most: usize) -> (String, Vec<u16>, Vec<u16>) {
    let (text, besides, told) = match kept {
        Some(about) => (about.prompt.clone(), besides(&about.words, &about.prompt, most), about.words.clone()),
        None => {
            let told = [prompt::ids(&prompt::read(&now.said, most)), now.besides.clone()].concat();
            (now.said.clone(), now.besides.clone(), told)
        }
    };
    (text, besides, now.day.words(&told, most))
}

/// A window whose device is gone, until there is another.
pub(super) struct Mending {
    // Declared first, so that the engine goes before the window.
    pub(super) runner: Runner,
    pub(super) window: Arc<Window>,
    /// Keeps the dream as it was said when the device was lost.
    keep: Option<Request>,
    /// The device was lost, and not left.
    lost: bool,
    /// How often a painter was asked for in vain.
    attempts: u32,
    /// When it is asked for next.
    pub(super) due: Instant,
}

impl App {
    /// Plays what is planned once `prepare` is done, in the place of what plays. Gives what that gives; nothing without a window, and where no thread can be
    /// started, which ends the program.
    pub(super) fn change_session<T>(&mut self, prepare: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let Shell { runner, painter, egui, window } = self.shell.take()?;
        // The thread that dreams ends first: it has handed over what is kept by then, and two would share the processor.
        drop(runner);
        let prepared = prepare(self);
        let runner = self.begin_session(&painter)?;
        self.shell = Some(Shell { runner, painter, egui, window });
        Some(prepared)
    }

    /// Begins another session, of what is planned; nothing where no thread can be started, which ends the program.
    fn begin_session(&mut self, painter: &Painter) -> Option<Runner> {
        self.session += 1;
        self.hear_another();
        (self.status, self.engine_number) = (Status::default(), 0);
        let spawned = self.spawn_runner(painter);
        spawned.map_err(|why| self.fatal = Some(why)).ok()
    }

    /// What hands over to the window: a thread that ends still does what was asked for, and what comes of that is not for the session after it.
    pub(super) fn hands_over<T: 'static>(&self, wake: impl FnOnce(Result<T, DreamError>) -> Wake + Send + 'static) -> HandOver<T> {
        let tell = self.proxy.clone();
        // The loop is gone only when the program ends.
        as_of(self.session, move |wake| drop(tell.send_event(wake)), wake)
    }

    /// The dream ended through a fault. At an event, where nobody looks after it, another one begins; else it goes on from where it was kept last or, where that
    /// is what it cannot do, begins anew.
    pub(super) fn revive(&mut self) {
        if self.plan.event { self.begin_for_others() } else { self.go_on_as_kept() }
    }

    fn go_on_as_kept(&mut self) {
        let (played, went_on) = (self.status.info.is_some(), self.plan.launch.saved().is_some());
        // What never played would not now.
        if !(played || went_on) {
            return;
        }
        let Some(attempt) = self.rebuilds.another(self.status.frames) else { return };
        log::error!("the dream goes on (attempt {attempt}): {}", self.status.failed.as_deref().unwrap_or_default());
        let kept = if played && attempt == 1 { self.kept_last() } else { None };
        self.leave_for_world();
        let Some(told) = self.change_session(|app| app.plan_as_kept(kept)) else { return };
        self.look_ahead();
        self.list_earlier();
        self.ui.toasts.push(told.to_owned(), true);
        self.redraw();
    }

    /// Plans to go on from what was kept, or else anew, as it is said and set now; gives a sentence that tells it.
    fn plan_as_kept(&mut self, kept: Option<Left>) -> &'static str {
        self.forget_dreams();
        self.dreams.forget_playing();
        (self.plan.settings, self.plan.rate, self.plan.paused) = (self.ui.settings, self.ui.rate, self.ui.paused);
        let about = kept.as_ref().map(|left| &left.saved.about);
        let (text, besides, words) = said_as_kept(about, &self.ui.prompt, self.plan.launch.prompt_words());
        (self.plan.words, self.plan.prompt) = (words, text);
        let told = match kept {
            Some(Left { path, saved, .. }) => {
                if let Some(pack) = self.plan.launch.dreamer() {
                    self.plan.settings = saved.about.settings(&pack.manifest);
                }
                self.ui.settings = self.plan.settings;
                self.plan.launch = self.plan.launch.clone().starting(Start::Dream(Arc::new(saved)));
                self.adopt(FIRST_DREAM, path);
                "The dream ended through a fault, and goes on from where it was kept last."
            }
            None => {
                self.plan.launch = self.plan.launch.clone().anew();
                "The dream ended through a fault; this is another one."
            }
        };
        self.ui.prompt.in_force(one_line(&self.plan.prompt), true, false);
        self.ui.prompt.besides = besides;
        told
    }

    fn begin_for_others(&mut self) {
        let why = self.status.failed.take();
        let Some(attempt) = self.rebuilds.another(self.status.frames) else {
            self.fatal = why;
            return;
        };
        log::error!("another dream begins (attempt {attempt}): {}", why.unwrap_or_default());
        if self.change_session(|app| app.by_hand = SaidByHand::default()).is_some() {
            self.as_at_the_start();
            self.ui.hints.stay(Instant::now());
        }
    }

    /// The window gives back its device, and waits for another one; whether it had one. `lost`: that is gone already.
    pub(super) fn let_go_of_device(&mut self, lost: bool) -> bool {
        let keep = self.to_keep(|| ());
        let Some(Shell { runner, painter, window, .. }) = self.shell.take() else { return false };
        // A window bears one surface at a time.
        drop(painter);
        self.mending = Some(Mending { runner, window, keep, lost, attempts: 0, due: Instant::now() });
        true
    }

    /// The device is gone: everything on it is made anew, and the dream goes on from its tokens.
    pub(super) fn rebuild_graphics(&mut self) {
        if !self.let_go_of_device(true) {
            return;
        }
        let Some(attempt) = self.rebuilds.another(self.status.frames) else {
            self.fatal = Some("the graphics device keeps getting lost".to_owned());
            return;
        };
        log::warn!("the graphics device was lost; making it anew (attempt {attempt})");
        if attempt > 1 && self.plan.launch.fall_back() {
            log::warn!("the CPU engine takes over: the device is lost again and again");
        }
        self.mend();
    }

    /// Asks for a painter on another device once more, where one is missing and it is time to.
    pub(super) fn mend(&mut self) {
        let Some(mut mending) = self.mending.take_if(|mending| mending.due <= Instant::now()) else { return };
        let why = match Painter::new(mending.window.clone(), self.gate.clone()) {
            Ok(painter) => return self.show_again(mending, painter),
            Err(why) => why,
        };
        mending.attempts += 1;
        match patience(mending.attempts, self.plan.event) {
            Some(patience) => {
                log::warn!("nothing shows the window yet: {why}");
                mending.due = Instant::now() + patience;
            }
            None => self.fatal = Some(why.to_string()),
        }
        self.mending = Some(mending);
    }

    /// There is a device again: what plays goes on there.
    fn show_again(&mut self, Mending { runner, window, lost, .. }: Mending, painter: Painter) {
        let Some(runner) = self.go_on_with(runner, &painter) else { return };
        if lost {
            self.ui.toasts.push("The graphics device was lost and has been made anew.".to_owned(), false);
        }
        if let Some(eye) = &mut self.eye {
            eye.look_anew();
        }
        let egui = self.interface(&window, &painter);
        window.request_redraw();
        self.shell = Some(Shell { runner, painter, egui, window });
        self.rest_while_hidden();
        // What came meanwhile was not taken.
        self.proxy.send_event(Wake::Fetch).ok();
    }

    /// What plays goes on with another device. Where nothing was open yet it is opened there, as it is wished for by now; nothing where no thread can be started,
    /// which ends the program.
    fn go_on_with(&mut self, runner: Runner, painter: &Painter) -> Option<Runner> {
        if self.status.info.is_none() {
            let wished = runner.current_wish();
            drop(runner);
            let runner = self.begin_session(painter)?;
            runner.wish(|wish| *wish = wished);
            return Some(runner);
        }
        if self.plan.launch.dreamer().is_some() {
            self.engine_number += 1;
            let (launch, gpu) = (self.plan.launch.clone(), painter.gpu().clone());
            runner.request(Request::ReplaceEngine(Box::new(move || launch.open_engine(&gpu))));
        } else {
            runner.request(Request::Show);
        }
        Some(runner)
    }

    /// Keeps the dream as the program ends; where the device is gone [`Self::end_without_device`] does.
    pub(super) fn keep_at_the_end(&mut self) {
        if self.status.device_lost || self.shell.as_ref().is_some_and(|shell| shell.painter.is_broken()) {
            self.let_go_of_device(true);
        }
        if self.mending.is_none() {
            self.keep_dream();
        }
    }

    /// Ends while the device is gone. The next start goes on from the tokens that are remembered; the processor draws the picture that carries them, since what
    /// the device had not sent yet does not come.
    pub(super) fn end_without_device(&mut self) {
        let Some(mut mending) = self.mending.take() else { return };
        if let (Some(keep), Some(pack)) = (mending.keep.take(), self.plan.launch.dreamer()) {
            mending.runner.request(Request::ReplaceEngine(Box::new(maker(pack.clone()))));
            mending.runner.request(keep);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::app::day::Day;
    use crate::dream::runner::{PlayerWish, Wiring};
    use crate::dream::saved::SavedDream;
    use crate::dream::session::Moment;
    use crate::dream::truth::TruthSession;
    use crate::dream::{Drive, Source};
    use crate::engine::DecodeSettings;
    use crate::pack::random::{look_manifest, random_pack};
    use crate::worlds;

    #[test]
    fn what_a_session_hands_over_as_it_ends_is_not_for_the_next_one() {
        let (open, opened) = channel::<()>();
        let source = move || {
            opened.recv().ok();
            let world = worlds::by_name("isles").unwrap();
            Ok(Box::new(TruthSession::new(world, 1, true)) as Box<dyn Source>)
        };
        let wiring = Wiring { drive: Box::new(Drive::default), wake: Box::new(|| {}), gate: Arc::default() };
        let runner = Runner::spawn(source, PlayerWish::standing(DecodeSettings::LEAST), wiring).unwrap();
        let (tell, told) = channel();
        runner.request(Request::Chart(as_of(3, move |wake| tell.send(wake).unwrap(), Wake::Chart)));
        open.send(()).unwrap();
        // What waits is done all the same.
        drop(runner);
        let wake = told.recv().unwrap();
        assert!(wake.is_past(4) && !wake.is_past(3));
        assert!(!Wake::Fetch.is_past(4), "of no session");
        let Wake::HandedOver(_, wake) = wake else { panic!("as of no session") };
        assert!(matches!(*wake, Wake::Chart(Err(DreamError::NoMap(_)))));
    }

    #[test]
    fn a_dream_that_goes_on_or_another_one_is_told_the_hour_and_what_was_told_besides() {
        const MOST: usize = 8;
        let rows = |text: &str| prompt::ids(&prompt::read(text, MOST));
        let pack = random_pack(look_manifest(), 5).unwrap();
        let moment = Moment { before: None, history: Vec::new(), next_frame: 0, start: Vec::new() };
        let said = ("desert".to_owned(), rows("desert at dawn"));
        let kept = SavedDream::new(&pack, moment, &DecodeSettings::LEAST, said).about;
        let mut state = PromptState::default();
        state.in_force("snowy forest".to_owned(), true, false);
        state.besides = rows("rain");
        let anew = |state: &PromptState| said_as_kept(None, state, MOST);
        let as_kept = |state: &PromptState| said_as_kept(Some(&kept), state, MOST);
        assert_eq!(anew(&state), ("snowy forest".to_owned(), rows("rain"), rows("snowy forest rain")));
        assert_eq!(as_kept(&state), ("desert".to_owned(), rows("dawn"), rows("desert dawn")));
        state.day = Day::of(Some(8));
        state.day.begin_with(&rows("night"), Duration::ZERO);
        let [night, dawn] = [rows("night")[0], rows("dawn")[0]];
        for (_, _, told) in [anew(&state), as_kept(&state)] {
            assert!(told.contains(&night) && !told.contains(&dawn), "{}", prompt::text_of(&told));
        }
    }

    #[test]
    fn a_device_that_stays_away_is_waited_for_at_an_event_alone() {
        let waits = |event| (1..PAINTER_ATTEMPTS + 6).map_while(|attempts| patience(attempts, event)).collect::<Vec<_>>();
        assert_eq!(waits(false), [PAINTER_PATIENCE; PAINTER_ATTEMPTS as usize - 1]);
        assert_eq!(waits(true)[PAINTER_ATTEMPTS as usize - 1..], [1, 2, 4, 5, 5, 5].map(Duration::from_secs));
        assert_eq!(patience(u32::MAX, true), Some(MOST_PATIENCE));
    }
}
