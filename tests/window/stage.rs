//! A virtual display with the game on it, driven and looked at from outside.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use somnium::app::layout::{RectPx, picture_rect};
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask};

/// A software driver on a busy machine may need long for its first frame.
pub const PATIENCE: Duration = Duration::from_secs(60);
const SIZE: (u32, u32) = (800, 600);
/// What panel and bar take from the picture at the right and at the bottom.
const PANEL: (u32, u32) = (286, 28);
const REMEDY: &str = "install what this test needs (Debian, Ubuntu): apt install xvfb xdotool imagemagick mesa-vulkan-drivers";

/// A virtual display with the game on it; both end with the test.
pub struct Stage {
    pub display: String,
    pub config: tempfile::TempDir,
    children: Vec<Child>,
    /// Number of the game's window.
    pub window: String,
    /// Of the display, and of the window that fills it.
    pub size: (u32, u32),
    /// Where the picture may lie.
    area: RectPx,
}

impl Drop for Stage {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Stage {
    pub fn open(args: &[&str]) -> Self {
        Self::open_with(args, None)
    }

    /// `bindings`: what stands in the user's bindings file before the start.
    pub fn open_with(args: &[&str], bindings: Option<&str>) -> Self {
        let stage = Self::empty(SIZE);
        if let Some(text) = bindings {
            std::fs::write(stage.config.path().join("bindings.toml"), text).unwrap();
        }
        let game = stage.command(args);
        stage.start(game)
    }

    /// With the panel, on a display so high that it need not scroll; what the game says is kept in [`Self::said`].
    pub fn open_with_panel(args: &[&str]) -> Self {
        let mut stage = Self::empty((SIZE.0, 1500));
        stage.area = RectPx { width: stage.area.width - PANEL.0, height: stage.area.height - PANEL.1, ..stage.area };
        let mut game = stage.command(args);
        game.arg("--panel");
        stage.start_logged(game)
    }

    /// As [`Self::open`]; what the game says is kept in [`Self::said`].
    pub fn open_logged(args: &[&str]) -> Self {
        let stage = Self::empty(SIZE);
        let game = stage.command(args);
        stage.start_logged(game)
    }

    /// Closes the game by its key and opens it again, with other arguments.
    pub fn close_and_open(mut self, args: &[&str]) -> Self {
        self.xdotool(&["key", "ctrl+q"]);
        assert!(self.ended().success());
        let game = self.command(args);
        self.start_logged(game)
    }

    /// Ends the game as a system does that shuts down.
    pub fn terminate(&self) {
        let game = self.children[1].id().to_string();
        assert!(Command::new("kill").args(["-TERM", &game]).status().unwrap().success());
    }

    /// Closes the game by its key and opens it again as it was left.
    pub fn close_and_open_as_left(mut self, args: &[&str]) -> Self {
        self.xdotool(&["key", "ctrl+q"]);
        assert!(self.ended().success());
        let game = self.command_as_left(args);
        self.start_logged(game)
    }

    /// Width and height of the window in pixels.
    pub fn window_size(&self) -> (u32, u32) {
        let said = String::from_utf8(self.tool("xdotool", &["getwindowgeometry", "--shell", &self.window])).unwrap();
        let side = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
        (side("WIDTH=").unwrap(), side("HEIGHT=").unwrap())
    }

    /// How the game ended; waits until it does.
    pub fn ended(&mut self) -> ExitStatus {
        let mut game = self.children.pop().unwrap();
        let start = Instant::now();
        loop {
            match game.try_wait().unwrap() {
                Some(status) => return status,
                None if start.elapsed() > PATIENCE => {
                    game.kill().unwrap();
                    panic!("the game did not end");
                }
                None => std::thread::sleep(Duration::from_millis(30)),
            }
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.children[1].try_wait().unwrap().is_none()
    }

    /// Asks the game to close, as a manager of windows does where somebody clicks its cross.
    pub fn ask_to_close(&self) {
        let (connection, _) = x11rb::connect(Some(&self.display)).unwrap();
        let window = self.window.parse().unwrap();
        let atom = |name: &str| connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let asked = [atom("WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), asked);
        connection.send_event(false, window, EventMask::NO_EVENT, event).unwrap().check().unwrap();
    }

    fn start_logged(self, mut game: Command) -> Self {
        game.stderr(std::fs::File::create(self.log()).unwrap());
        self.start(game)
    }

    fn log(&self) -> std::path::PathBuf {
        self.config.path().join("log.txt")
    }

    /// What the game has written to its log so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn start(mut self, mut game: Command) -> Self {
        let stage = &mut self;
        stage.children.push(game.spawn().unwrap());
        stage.window = stage.wait_for("the window", |s| {
            let found = s.tool("xdotool", &["search", "--onlyvisible", "--name", "^Somnium"]);
            String::from_utf8_lossy(&found).lines().next().map(str::to_owned)
        });
        stage.xdotool(&["windowmove", &stage.window, "0", "0"]);
        stage.xdotool(&["windowfocus", "--sync", &stage.window]);
        self
    }

    /// The display alone.
    pub fn empty(size: (u32, u32)) -> Self {
        let mut xvfb = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &format!("{}x{}x24", size.0, size.1), "-nolisten", "tcp", "-noreset"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start Xvfb ({e}); {REMEDY}"));
        let mut number = String::new();
        BufReader::new(xvfb.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb names no display; {REMEDY}");
        let config = tempfile::tempdir().unwrap();
        let area = RectPx { x: 0, y: 0, width: size.0, height: size.1 };
        Self { display: format!(":{}", number.trim()), config, children: vec![xvfb], window: String::new(), size, area }
    }

    /// The game on this display, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut game = self.command_as_left(args);
        game.args(["--window", &format!("{}x{}", self.size.0, self.size.1)]);
        game
    }

    /// The same with a window of the size it was left in.
    pub fn command_as_left(&self, args: &[&str]) -> Command {
        let mut game = Command::new(env!("CARGO_BIN_EXE_somnium"));
        game.args(args)
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .env("SOMNIUM_CONFIG", self.config.path())
            .env("SOMNIUM_DATA", self.config.path())
            .env("HOME", self.config.path())
            .stdin(Stdio::null());
        game
    }

    pub fn tool(&self, name: &str, args: &[&str]) -> Vec<u8> {
        let output = Command::new(name).args(args).env("DISPLAY", &self.display).stderr(Stdio::null()).output();
        output.unwrap_or_else(|e| panic!("cannot run {name} ({e}); {REMEDY}")).stdout
    }

    pub fn xdotool(&self, args: &[&str]) {
        let output = Command::new("xdotool").args(args).env("DISPLAY", &self.display).output();
        let output = output.unwrap_or_else(|e| panic!("cannot run xdotool ({e}); {REMEDY}"));
        assert!(output.status.success(), "xdotool {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            if let Some(game) = self.children.get_mut(1)
                && let Some(status) = game.try_wait().unwrap()
            {
                panic!("the game ended with {status} while waiting for {what}");
            }
            assert!(start.elapsed() < PATIENCE, "waited {} s for {what}", PATIENCE.as_secs());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What is on the screen: RGB bytes, row by row.
    pub fn capture(&self) -> Vec<u8> {
        let pixels = self.tool("import", &["-silent", "-window", "root", "-depth", "8", "rgb:-"]);
        assert_eq!(pixels.len(), (self.size.0 * self.size.1 * 3) as usize, "cannot capture the screen; {REMEDY}");
        pixels
    }

    /// Where the picture is on the screen.
    pub fn picture_rect(&self, frame_px: (u32, u32)) -> RectPx {
        picture_rect(self.area, frame_px)
    }

    /// The picture in the window at its own size, or `None` where its pixels are not the crisp blocks they should be: nothing drawn yet,
    /// or something lies over it.
    pub fn picture(&self, frame_px: (u32, u32)) -> Option<Vec<u8>> {
        let screen = self.capture();
        let rect = self.picture_rect(frame_px);
        let scale = rect.width / frame_px.0;
        assert_eq!((rect.width, rect.height), (frame_px.0 * scale, frame_px.1 * scale), "the enlargement is whole");
        let pixel = |x: u32, y: u32| -> [u8; 3] {
            let at = ((y * self.size.0 + x) * 3) as usize;
            [screen[at], screen[at + 1], screen[at + 2]]
        };
        let mut picture = Vec::new();
        for y in 0..frame_px.1 {
            for x in 0..frame_px.0 {
                let color = pixel(rect.x + x * scale, rect.y + y * scale);
                let crisp = (0..scale * scale).all(|i| pixel(rect.x + x * scale + i % scale, rect.y + y * scale + i / scale) == color);
                if !crisp {
                    return None;
                }
                picture.extend(color);
            }
        }
        Some(picture)
    }
}
