//! The window: winit's events in, the newest picture and the interface out. Draws only when something changed.

mod another;
mod changes;
mod clipboard;
mod coach;
mod commands;
mod controls;
mod display;
mod dreaming;
mod earlier;
mod eye;
mod fingers;
mod front;
mod hearing;
mod heartbeat;
mod idle;
mod map_keys;
mod mending;
mod paint_count;
mod pictures;
mod plan;
mod platform;
mod rebuilds;
mod saying;
mod show;
mod sleep;
mod view;
mod wake;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{StartCause, WindowEvent};
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy};
use winit::keyboard::ModifiersState;
use winit::window::{Window, WindowId};

use changes::Changes;
use coach::Coach;
use earlier::Dreams;
use fingers::Fingers;
use front::Front;
use hearing::Ears;
use heartbeat::Heartbeat;
use idle::Idle;
use mending::Mending;
use paint_count::PaintCount;
pub use plan::WindowPlan;
use platform::{icon, in_words, look_again, takes_files, with_name};
use rebuilds::Rebuilds;
use saying::SaidByHand;
use sleep::Sleep;
pub use wake::Wake;

use super::eye::Eye;
use super::files;
use super::files::Writer;
use super::painter::Painter;
use super::panel::{UiState, Venue};
use super::prompt_history::{PromptHistory, one_line};
use super::view::View;
use crate::dream::DreamError;
use crate::dream::gate::Gate;
use crate::dream::runner::{Runner, Status};
use crate::input::bindings::{user_folder, user_path};
use crate::input::pad::PadListener;
use crate::input::{Bindings, Hand, Latch};
use crate::prompt;

/// Opens the window and plays until it is closed.
///
/// # Errors
/// One sentence: no display, no adapter.
pub fn run(plan: WindowPlan) -> Result<(), String> {
    let mut builder = EventLoop::<Wake>::with_user_event();
    #[cfg(target_os = "macos")]
    if plan.kiosk {
        // The system's own menu has a key that quits.
        winit::platform::macos::EventLoopBuilderExtMacOS::with_default_menu(&mut builder, false);
    }
    let event_loop = builder.build().map_err(|why| {
        let without = "./play dream --prompt \"a forest\" --frames 100 --record forest.webp";
        format!("there is no display to open a window on ({}): start it on a desktop, or dream without a window: {without}", in_words(&why))
    })?;
    let writer = Writer::spawn().map_err(|why| format!("cannot start a thread: {why}"))?;
    let quit = event_loop.create_proxy();
    // Who ends the program from outside loses nothing of the dream; who does it again does not wait.
    let asked = AtomicBool::new(false);
    let end = move || match asked.swap(true, Ordering::Relaxed) {
        false => drop(quit.send_event(Wake::Quit)),
        true => std::process::exit(1),
    };
    ctrlc::set_handler(end).unwrap_or_else(|why| log::warn!("signals end the program at once: {why}"));
    // Without it the first word that nobody knows waits for them.
    files::spawn("languages", prompt::prepare, &event_loop.create_proxy());
    let mut app = App::new(plan, writer, event_loop.create_proxy());
    event_loop.run_app(&mut app).map_err(|why| format!("the window's event loop ended: {}", in_words(&why)))?;
    app.fatal.map_or(Ok(()), Err)
}

struct App {
    plan: WindowPlan,
    proxy: EventLoopProxy<Wake>,
    bindings: Arc<Bindings>,
    latch: Arc<Mutex<Latch>>,
    /// Whether a [`Wake::Fetch`] is on its way already: frames must not flood the event loop.
    fetch_sent: Arc<AtomicBool>,
    gate: Arc<Gate>,
    ui: UiState,
    status: Status,
    shell: Option<Shell>,
    /// In its place while the device is gone.
    mending: Option<Mending>,
    /// Number of what plays, until something else plays in its place.
    session: u32,
    _pads: Option<PadListener>,
    modifiers: ModifiersState,
    idle: Idle,
    fingers: Fingers,
    heartbeat: Heartbeat,
    ears: Ears,
    sleep: Sleep,
    front: Front,
    /// How much letters are enlarged.
    letters: f32,
    /// The pointer is hidden.
    pointer_hidden: bool,
    /// Other windows cover this one.
    covered: bool,
    /// Nobody can see the window, and the world stands still.
    hidden: bool,
    redraw_at: Option<Instant>,
    changes: Changes,
    dropped: Vec<PathBuf>,
    spare: Vec<u8>,
    /// What is seen from within, where it is.
    eye: Option<Eye>,
    dreams: Dreams,
    coach: Coach,
    /// Somebody has seen a world from within, now or at an earlier start.
    stepped_in: bool,
    by_hand: SaidByHand,
    /// Waited for last of all: what is on its way to a file gets there.
    writer: Writer,
    rebuilds: Rebuilds,
    /// Counts the engines handed to the runner.
    engine_number: u32,
    first_frame_logged: bool,
    /// Whoever writes the last seconds has another one.
    keeping: Arc<()>,
    /// Whoever draws a map of the land where one is has another one.
    charting: Arc<()>,
    paint_count: PaintCount,
    fatal: Option<String>,
}

/// What exists only while there is a window.
struct Shell {
    // Declared first, so that the engine goes before the device.
    runner: Runner,
    painter: Painter,
    egui: egui_winit::State,
    window: Arc<Window>,
}

impl App {
    fn new(mut plan: WindowPlan, writer: Writer, proxy: EventLoopProxy<Wake>) -> Self {
        let (bindings, notice) = Bindings::of_user(user_path().as_deref());
        let bindings = Arc::new(bindings);
        let latch = Arc::new(Mutex::new(Latch::default()));
        let mut ui = UiState::new(plan.settings, plan.rate, bindings.clone());
        // At an event what visitors said is theirs.
        if !plan.event {
            ui.prompt.history = PromptHistory::of_user(user_folder().as_deref(), plan.launch.title());
        }
        ui.prompt.in_force(one_line(&plan.prompt), plan.launch.saved().is_some(), false);
        ui.prompt.blend_frames = plan.blend_frames;
        ui.prompt.queue = plan.queue.clone();
        ui.prompt.day = plan.day.clone();
        // At an event nothing fills somebody's folder who did not ask for it.
        let keeps_pictures = plan.pictures.is_some() || !plan.event;
        ui.venue = Venue { kiosk: plan.kiosk, event: plan.event, keeps_pictures, ..Venue::default() };
        ui.panel = plan.panel;
        ui.hud = plan.hud;
        ui.engine = plan.launch.engine();
        ui.volume = plan.volume;
        ui.glide = plan.glide;
        ui.within = plan.within;
        ui.paused = plan.paused;
        ui.hand = plan.hand.unwrap_or_default();
        let now = Instant::now();
        ui.clock.run(!plan.paused, now);
        let idle = Idle::new(plan.idle, now);
        let dreams = Dreams::new(plan.shelf.take(), now);
        let left = View::of_user(user_folder().as_deref());
        if let Some(notice) = notice {
            log::warn!("{notice}");
            ui.toasts.push(notice, true);
        }
        let tell = proxy.clone();
        let pads = PadListener::spawn(bindings.clone(), latch.clone(), move |news| {
            // The loop is gone only when the program ends.
            tell.send_event(Wake::Pad(news)).ok();
        })
        .map_err(|why| log::warn!("gamepads are not listened to: {why}"))
        .ok();
        let mut app = Self {
            letters: plan.letters,
            plan,
            proxy,
            bindings,
            latch,
            fetch_sent: Arc::new(AtomicBool::new(false)),
            gate: Arc::default(),
            ui,
            status: Status::default(),
            shell: None,
            mending: None,
            session: 0,
            _pads: pads,
            modifiers: ModifiersState::empty(),
            idle,
            fingers: Fingers::default(),
            heartbeat: Heartbeat::new(now),
            ears: Ears::new(left.knows_sound),
            sleep: Sleep::new(now, SystemTime::now()),
            front: Front::default(),
            pointer_hidden: false,
            covered: false,
            hidden: false,
            redraw_at: None,
            changes: Changes::default(),
            dropped: Vec::new(),
            spare: Vec::new(),
            eye: None,
            dreams,
            coach: Coach::of(&left),
            stepped_in: left.stepped_in,
            by_hand: SaidByHand::default(),
            writer,
            rebuilds: Rebuilds::default(),
            engine_number: 0,
            first_frame_logged: false,
            keeping: Arc::default(),
            charting: Arc::default(),
            paint_count: PaintCount::new(),
            fatal: None,
        };
        app.ui.prompt.besides = app.besides_at_the_start();
        app
    }

    fn latch(&self) -> MutexGuard<'_, Latch> {
        self.latch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open_shell(&mut self, event_loop: &ActiveEventLoop) -> Result<Shell, String> {
        let attributes = Window::default_attributes()
            .with_title(format!("Somnium: {}", self.plan.launch.title()))
            .with_inner_size(self.plan.size)
            .with_min_inner_size(LogicalSize::<u32>::from(super::view::LEAST))
            .with_maximized(self.plan.maximized)
            .with_window_icon(icon());
        let attributes = self.placed(with_name(attributes), event_loop);
        let window = Arc::new(event_loop.create_window(attributes).map_err(|why| format!("cannot open a window: {}", in_words(&why)))?);
        let painter = Painter::new(window.clone(), self.gate.clone()).map_err(|why| why.to_string())?;
        let egui = self.interface(&window, &painter);
        let runner = self.spawn_runner(&painter)?;
        Ok(Shell { runner, painter, egui, window })
    }

    /// The window, also while there is no device to show anything on it.
    fn window(&self) -> Option<&Arc<Window>> {
        let shown = self.shell.as_ref().map(|shell| &shell.window);
        shown.or_else(|| self.mending.as_ref().map(|mending| &mending.window))
    }

    fn redraw(&self) {
        if let Some(window) = self.window() {
            window.request_redraw();
        }
    }

    fn read_pictures(&mut self, paths: Vec<PathBuf>) {
        match self.plan.launch.dreamer() {
            Some(pack) => files::read_pictures(paths, pack.clone(), self.proxy.clone()),
            None => self.complain_of_no_dream(),
        }
    }

    /// Says that a simulator takes no pictures.
    fn complain_of_no_dream(&mut self) {
        self.complain(format!("{}.", DreamError::NotADream(self.plan.launch.title().to_owned())));
    }

    /// Says what went wrong.
    fn complain(&mut self, why: String) {
        log::warn!("{why}");
        self.ui.toasts.push(why, true);
        self.redraw();
    }
}

impl ApplicationHandler<Wake> for App {
    fn new_events(&mut self, _event_loop: &ActiveEventLoop, cause: StartCause) {
        if matches!(cause, StartCause::ResumeTimeReached { .. }) && self.redraw_at.is_some_and(|at| at <= Instant::now()) {
            self.redraw_at = None;
            self.redraw();
        }
        self.mend();
    }

    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.window().is_some() {
            return;
        }
        self.ui.venue.takes_files = takes_files(event_loop);
        match self.open_shell(event_loop) {
            Ok(shell) => {
                shell.window.request_redraw();
                self.shell = Some(shell);
            }
            Err(why) => {
                self.fatal = Some(why);
                event_loop.exit();
            }
        }
    }

    fn user_event(&mut self, event_loop: &ActiveEventLoop, wake: Wake) {
        self.woken_by(event_loop, wake);
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _id: WindowId, event: WindowEvent) {
        match &event {
            WindowEvent::CloseRequested if self.plan.kiosk => return log::info!("a kiosk stays open: Ctrl+Shift+Q quits"),
            WindowEvent::CloseRequested => return event_loop.exit(),
            WindowEvent::RedrawRequested => return self.paint(),
            WindowEvent::ModifiersChanged(modifiers) => self.modifiers = modifiers.state(),
            WindowEvent::Focused(false) if self.plan.kiosk => self.stay_in_front(),
            WindowEvent::Focused(here) => {
                // macOS tells a new window that it is not in front, and nothing more where it is (winit's issue 4371).
                let here = if cfg!(target_os = "macos") { self.window().is_some_and(|window| window.has_focus()) } else { *here };
                self.latch().focus(here);
                if here {
                    self.front.is_there();
                }
                self.rest_while_hidden();
            }
            WindowEvent::Occluded(covered) => {
                self.covered = *covered;
                self.rest_while_hidden();
                if !self.covered {
                    self.redraw();
                }
            }
            WindowEvent::CursorMoved { position, .. } => self.idle.point(*position, Instant::now()),
            WindowEvent::MouseWheel { .. } => self.idle.click(Instant::now()),
            WindowEvent::MouseInput { .. } => {
                self.idle.click(Instant::now());
                self.ui.keys.led_by_pad = false;
                self.play_with(Hand::Keys);
            }
            WindowEvent::Touch(touch) => {
                self.see_finger(*touch);
                self.idle.touch(Instant::now());
                self.ui.keys.led_by_pad = false;
                self.play_with(Hand::Finger);
            }
            WindowEvent::Moved(_) | WindowEvent::ScaleFactorChanged { .. } => {
                if let Some(shell) = &mut self.shell {
                    shell.painter.follow_display();
                }
            }
            WindowEvent::Resized(size) => {
                if let Some(shell) = &mut self.shell {
                    shell.painter.resize(size.width, size.height);
                    shell.painter.follow_display();
                }
                self.rest_while_hidden();
                self.redraw();
            }
            WindowEvent::HoveredFile(_) => {
                self.ui.dropping = true;
                self.redraw();
            }
            WindowEvent::HoveredFileCancelled => {
                self.ui.dropping = false;
                self.redraw();
            }
            WindowEvent::DroppedFile(path) => {
                self.ui.dropping = false;
                self.idle.touch(Instant::now());
                // Files dropped together come one by one; they are read together before the loop waits again.
                self.dropped.push(path.clone());
            }
            WindowEvent::KeyboardInput { event, .. } if self.is_for_the_map(event) => {}
            WindowEvent::KeyboardInput { event, is_synthetic, .. } if self.keyboard(event, *is_synthetic, event_loop) => return,

            _ => {}
        }
        if let Some(shell) = &mut self.shell
            && shell.egui.on_window_event(&shell.window, &event).repaint
        {
            shell.window.request_redraw();
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        self.look_after_sleep();
        if self.fatal.is_some() {
            return event_loop.exit();
        }
        if !self.dropped.is_empty() {
            let dropped = std::mem::take(&mut self.dropped);
            self.read_files(dropped);
        }
        // Whatever opened or closed the panel or the map is over by now.
        self.follow_pads();
        let now = Instant::now();
        self.come_back_in_front(now);
        self.look_after_nobody(now);
        self.change_as_asked(now);
        self.dreams.see(&self.idle);
        self.say_how_it_goes(now);
        self.keep_the_volume();
        let mending = self.mending.as_ref().map(|mending| mending.due);
        let due = self.idle.due(now).into_iter().chain(self.changes.due()).chain(self.plan.event.then(|| self.heartbeat.due()));
        let next = self.redraw_at.into_iter().chain(mending).chain(self.front.due()).chain(due).chain(look_again(event_loop, now)).min();
        event_loop.set_control_flow(match next {
            Some(at) => ControlFlow::WaitUntil(at),
            None => ControlFlow::Wait,
        });
    }

    fn exiting(&mut self, _event_loop: &ActiveEventLoop) {
        self.hush();
        self.sum_up(Instant::now());
        self.keep_at_the_end();
        self.keep_view();
        // What is still to be done may take a while.
        self.window().into_iter().for_each(|window| window.set_visible(false));
        self.end_without_device();
        // Engine, surface and device go while the window is still there; the thread that dreams has handed over what is kept by then.
        self.shell = None;
        // Some systems end the program here.
        self.writer.finish();
    }
}
