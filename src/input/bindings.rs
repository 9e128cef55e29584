//! The table from keys and pad to what they do, kept as TOML in the user's config folder.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use winit::keyboard::KeyCode;

use super::pad::PadControl;
use super::{Hand, keys};
use crate::dream::{Drive, Intent};
use crate::whole_file;
use crate::worlds::words::Dial;

/// The table written out on first start; also what counts where no file can be read.
pub const DEFAULT_TABLE: &str = include_str!("../../assets/bindings.toml");

/// Commands that tables before this version knew nothing of.
const SINCE: [(u32, Command); 14] = [
    (2, Command::Map),
    (2, Command::Keep),
    (2, Command::Help),
    (3, Command::TakeBack),
    (4, Command::Turn(Dial::Land)),
    (4, Command::Turn(Dial::Light)),
    (4, Command::Turn(Dial::Weather)),
    (4, Command::Turn(Dial::Season)),
    (4, Command::Turn(Dial::Style)),
    (5, Command::View),
    (6, Command::Redo),
    (7, Command::Surprise),
    (8, Command::Stroll),
    (9, Command::Sound),
];
/// What stands in a table for a key or button that does nothing.
const NOTHING: &str = "nothing";

/// What a key or button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Steers the world while held.
    Drive(Drive),
    /// Does something once.
    Command(Command),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Panel,
    /// To the prompt field.
    Prompt,
    /// Says the next prompt of the queue, or of the suggestions; with Shift the one before.
    NextPrompt,
    /// Turns a part of the prompt to its next value; with Shift to the one before.
    Turn(Dial),
    /// Turns all of them at once, as chance has it.
    Surprise,
    Hud,
    /// Lets it walk by itself, until somebody walks.
    Stroll,
    Pause,
    Step,
    Reset,
    NewSeed,
    /// Undoes the last change by hand, prompt or new beginning.
    TakeBack,
    /// Does again what was taken back.
    Redo,
    Map,
    /// From within, through the eyes of the one who walks, or from above.
    View,
    Screenshot,
    /// Keeps the last seconds as a moving picture.
    Keep,
    /// Silent, or to be heard again.
    Sound,
    Fullscreen,
    /// Says what all keys do.
    Help,
}

impl Command {
    const ALL: [(Self, &'static str); 24] = [
        (Self::Panel, "panel"),
        (Self::Prompt, "prompt"),
        (Self::NextPrompt, "next prompt"),
        (Self::Turn(Dial::Land), "next land"),
        (Self::Turn(Dial::Light), "next light"),
        (Self::Turn(Dial::Weather), "next weather"),
        (Self::Turn(Dial::Season), "next season"),
        (Self::Turn(Dial::Style), "next style"),
        (Self::Surprise, "surprise"),
        (Self::Hud, "hud"),
        (Self::Stroll, "stroll"),
        (Self::Pause, "pause"),
        (Self::Step, "step"),
        (Self::Reset, "reset"),
        (Self::NewSeed, "new seed"),
        (Self::TakeBack, "take back"),
        (Self::Redo, "redo"),
        (Self::Map, "map"),
        (Self::View, "view"),
        (Self::Screenshot, "screenshot"),
        (Self::Keep, "keep"),
        (Self::Sound, "sound"),
        (Self::Fullscreen, "fullscreen"),
        (Self::Help, "help"),
    ];
}

impl Action {
    /// "north", "code 3", "pause"...
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some(intent) = Intent::from_name(name) {
            return Some(Self::Drive(Drive::Intent(intent)));
        }
        if let Some(code) = name.strip_prefix("code ") {
            return code.trim().parse().ok().map(|code| Self::Drive(Drive::Code(code)));
        }
        Command::ALL.iter().find(|(_, n)| *n == name).map(|(command, _)| Self::Command(*command))
    }
}

#[derive(Clone, Debug)]
pub struct Bindings {
    /// Nothing where a control is to do nothing.
    keys: HashMap<KeyCode, Option<Action>>,
    pad: HashMap<PadControl, Option<Action>>,
    /// Part of the stick's way that does nothing, 0..1.
    pub dead_zone: f32,
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum BindingsError {
    #[error("it is not TOML: {0}")]
    Toml(String),
    #[error("there is no key named {0:?} (names are like KeyW, ArrowUp, Digit1)")]
    Key(String),
    #[error("there is no pad control named {0:?} (names are like DPadUp, LeftStickUp, South, Start)")]
    Pad(String),
    #[error("{at} is bound to {name:?}, which is none of north, south, west, east, stay, code N, {commands}, nothing", commands = command_names())]
    Action { at: String, name: String },
    #[error("the dead zone is {0}, not between 0 and 0.95")]
    DeadZone(f32),
}

fn read(text: &str) -> Result<Table, BindingsError> {
    let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    toml::from_str(text).map_err(|e| {
        let place = e.span().map_or_else(String::new, |span| format!("line {}: ", line(span.start)));
        BindingsError::Toml(format!("{place}{}", e.message()))
    })
}

fn command_names() -> String {
    Command::ALL.map(|(_, name)| name).join(", ")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default = "first_version")]
    version: u32,
    #[serde(default)]
    keys: BTreeMap<String, String>,
    #[serde(default)]
    pad: BTreeMap<String, String>,
    #[serde(default)]
    stick: Stick,
}

/// Of tables that do not say.
fn first_version() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stick {
    dead_zone: f32,
}

impl Default for Stick {
    fn default() -> Self {
        Self { dead_zone: 0.35 }
    }
}

impl Bindings {
    /// What stands on the control of that hand that does this; a finger has none.
    pub fn control_of(&self, hand: Hand, command: Command) -> Option<String> {
        let action = Action::Command(command);
        let controls = match hand {
            Hand::Keys => self.keys_of(action),
            Hand::Pad => self.pads_of(action),
            Hand::Finger => return None,
        };
        controls.into_iter().next()
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`BindingsError`], naming the entry that makes no sense.
    pub fn parse(text: &str) -> Result<Self, BindingsError> {
        Self::of(read(text)?)
    }

    fn of(table: Table) -> Result<Self, BindingsError> {
        let action = |at: &str, name: &str| match Action::from_name(name) {
            None if name != NOTHING => Err(BindingsError::Action { at: at.to_owned(), name: name.to_owned() }),
            action => Ok(action),
        };
        let mut bindings = Self { keys: HashMap::new(), pad: HashMap::new(), dead_zone: table.stick.dead_zone };
        if !(0.0..=0.95).contains(&bindings.dead_zone) {
            return Err(BindingsError::DeadZone(bindings.dead_zone));
        }
        for (key, name) in &table.keys {
            let code = keys::from_name(key).ok_or_else(|| BindingsError::Key(key.clone()))?;
            bindings.keys.insert(code, action(key, name)?);
        }
        for (control, name) in &table.pad {
            let at = PadControl::from_name(control).ok_or_else(|| BindingsError::Pad(control.clone()))?;
            bindings.pad.insert(at, action(control, name)?);
        }
        Ok(bindings)
    }

    /// The same with the default key or pad control of every command that came after this version of the table and has none here, where that is free: a
    /// table written before there was such a command keeps nobody from it.
    #[must_use]
    fn with_commands_since(mut self, version: u32) -> Self {
        let default = Self::default();
        let new: Vec<Command> = SINCE.iter().filter(|(since, _)| *since > version).map(|(_, command)| *command).collect();
        add_commands(&mut self.keys, &default.keys, &new);
        add_commands(&mut self.pad, &default.pad, &new);
        self
    }

    pub fn key(&self, key: KeyCode) -> Option<Action> {
        self.keys.get(&key).copied().flatten()
    }

    /// What a key does where the layout in force lets it write `written`. Walking goes by the places of keys, commands on letters by what is written on
    /// them, which is what hints name.
    pub fn pressed(&self, key: KeyCode, written: Option<char>) -> Option<Action> {
        let by_place = self.key(key);
        let is_command = |action: &Action| matches!(action, Action::Command(_));
        // Of a layout without Latin letters nothing is known.
        let Some(written) = written.filter(char::is_ascii_graphic) else { return by_place };
        if by_place.is_some_and(|action| !is_command(&action)) {
            return by_place;
        }
        let by_letter = keys::of_letter(written).and_then(|letter| self.key(letter)).filter(is_command);
        by_letter.or(by_place.filter(|_| !keys::is_letter(key)))
    }

    pub fn pad(&self, control: PadControl) -> Option<Action> {
        self.pad.get(&control).copied().flatten()
    }

    /// What stands on the keys that do this, the shortest first.
    pub fn keys_of(&self, action: Action) -> Vec<String> {
        let bound = self.keys.iter().filter(|(_, bound)| **bound == Some(action));
        shortest_first(bound.map(|(key, _)| keys::label(*key)))
    }

    /// What stands on the controls of a pad that do this, the shortest first.
    pub fn pads_of(&self, action: Action) -> Vec<String> {
        let bound = self.pad.iter().filter(|(_, bound)| **bound == Some(action));
        shortest_first(bound.map(|(control, _)| control.label()))
    }

    /// What stands on a key that does this.
    pub fn key_of(&self, command: Command) -> Option<String> {
        self.control_of(Hand::Keys, command)
    }

    /// The user's table. It is written out where there is none yet; where it cannot be used, the default counts and a sentence says why.
    pub fn of_user(path: Option<&Path>) -> (Self, Option<String>) {
        let Some(path) = path else { return (Self::default(), None) };
        match std::fs::read_to_string(path) {
            // What a crash or a full disk left is no table that binds nothing.
            Ok(text) if text.trim().is_empty() => (Self::default(), None),
            Ok(text) => match read(&text).and_then(|table| Ok((table.version, Self::of(table)?))) {
                Ok((version, bindings)) => (bindings.with_commands_since(version), None),
                Err(why) => (Self::default(), Some(format!("The key bindings in {} are not used: {why}.", path.display()))),
            },
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                if let Err(why) = whole_file::write_in_folder(path, DEFAULT_TABLE.as_bytes()) {
                    log::warn!("cannot write the key bindings to {}: {why}", path.display());
                }
                (Self::default(), None)
            }
            Err(why) => (Self::default(), Some(format!("The key bindings in {} cannot be read: {why}.", path.display()))),
        }
    }
}

/// Binds the `new` commands that `table` binds nowhere, as `default` has them, on controls that it says nothing of.
fn add_commands<C: Copy + Eq + std::hash::Hash>(
    table: &mut HashMap<C, Option<Action>>,
    default: &HashMap<C, Option<Action>>,
    new: &[Command],
) {
    let bound: Vec<Action> = table.values().copied().flatten().collect();
    for (control, action) in default {
        if let Some(Action::Command(command)) = action
            && new.contains(command)
            && !bound.contains(&Action::Command(*command))
        {
            table.entry(*control).or_insert(*action);
        }
    }
}

fn shortest_first(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    names
}

impl Default for Bindings {
    fn default() -> Self {
        // A test reads this very table.
        Self::parse(DEFAULT_TABLE).unwrap_or(Self { keys: HashMap::new(), pad: HashMap::new(), dead_zone: Stick::default().dead_zone })
    }
}

/// Where a user's files are kept: `SOMNIUM_CONFIG` where that is set, else the system's folder for configurations.
pub fn user_folder() -> Option<PathBuf> {
    let folder = || Some(directories::ProjectDirs::from("", "", "somnium")?.config_dir().to_owned());
    std::env::var_os("SOMNIUM_CONFIG").map(PathBuf::from).or_else(folder)
}

/// Where the user's table is kept.
pub fn user_path() -> Option<PathBuf> {
    Some(user_folder()?.join("bindings.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drive(intent: Intent) -> Option<Action> {
        Some(Action::Drive(Drive::Intent(intent)))
    }

    #[test]
    fn the_default_table_binds_both_hands_and_the_pad() {
        let bindings = Bindings::parse(DEFAULT_TABLE).unwrap();
        for (key, arrow, control, intent) in [
            (KeyCode::KeyW, KeyCode::ArrowUp, "DPadUp", Intent::North),
            (KeyCode::KeyA, KeyCode::ArrowLeft, "DPadLeft", Intent::West),
            (KeyCode::KeyS, KeyCode::ArrowDown, "LeftStickDown", Intent::South),
            (KeyCode::KeyD, KeyCode::ArrowRight, "LeftStickRight", Intent::East),
        ] {
            assert_eq!(bindings.key(key), drive(intent));
            assert_eq!(bindings.key(arrow), drive(intent));
            assert_eq!(bindings.pad(PadControl::from_name(control).unwrap()), drive(intent));
        }
        assert_eq!(bindings.key(KeyCode::Tab), Some(Action::Command(Command::Panel)));
        assert_eq!(bindings.key(KeyCode::KeyJ), None);
    }

    #[test]
    fn hints_name_what_is_bound() {
        let bindings = Bindings::default();
        let keys = [Command::Panel, Command::Step, Command::Fullscreen].map(|command| bindings.key_of(command).unwrap());
        assert_eq!(keys, ["Tab", ".", "F11"]);
        assert_eq!(bindings.control_of(Hand::Pad, Command::Pause).unwrap(), "Start");
        let other = Bindings::parse("[keys]\nKeyQ = \"panel\"\nDigit9 = \"panel\"").unwrap();
        assert_eq!((other.key_of(Command::Panel).as_deref(), other.key_of(Command::Hud)), (Some("9"), None));
        assert_eq!(other.control_of(Hand::Pad, Command::Panel), None);
    }

    #[test]
    fn a_table_from_before_there_was_a_command_gains_it_where_its_control_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bindings.toml");
        // From before there were a map, a film and help, and its user has F1 for other things and wants nothing of F9.
        let table = "[keys]\nKeyW = \"north\"\nKeyH = \"hud\"\nF1 = \"pause\"\nF9 = \"nothing\"\n[pad]\nEast = \"north\"";
        std::fs::write(&path, table).unwrap();
        let (bindings, notice) = Bindings::of_user(Some(&path));
        assert_eq!(notice, None);
        let command = |command| Some(Action::Command(command));
        assert_eq!(bindings.key(KeyCode::KeyM), command(Command::Map));
        assert_eq!([KeyCode::F1, KeyCode::F3, KeyCode::F9].map(|key| bindings.key(key)), [command(Command::Pause), None, None]);
        assert_eq!((bindings.key_of(Command::Help), bindings.key_of(Command::Keep)), (None, None));
        assert_eq!(
            (bindings.control_of(Hand::Pad, Command::Map), bindings.pad(PadControl::from_name("East").unwrap())),
            (None, drive(Intent::North))
        );
        assert_eq!(bindings.key(KeyCode::KeyR), None, "what there always was has been left out on purpose");
        // Today's table says all it means.
        let of_version = |version: u32| {
            std::fs::write(&path, format!("version = {version}\n{table}")).unwrap();
            let (bindings, _) = Bindings::of_user(Some(&path));
            [KeyCode::KeyM, KeyCode::KeyX, KeyCode::KeyG].map(|key| bindings.key(key))
        };
        assert_eq!(of_version(8), [None; 3]);
        // Yesterday's knew nothing of strolls, and the one before nothing of surprises.
        assert_eq!(of_version(7), [None, None, command(Command::Stroll)]);
        assert_eq!(of_version(6), [None, command(Command::Surprise), command(Command::Stroll)]);
        // Players keep what they have on the button that surprises now.
        let west = |table: &str| {
            std::fs::write(&path, table).unwrap();
            Bindings::of_user(Some(&path)).0.pad(PadControl::West)
        };
        assert_eq!(west("version = 7\n[pad]\nWest = \"next prompt\""), command(Command::NextPrompt));
        assert_eq!(west(DEFAULT_TABLE), command(Command::Surprise));
    }

    #[test]
    fn one_walks_by_the_places_of_keys_and_commands_are_on_the_letters_they_are_named_by() {
        let bindings = Bindings::default();
        let command = |command| Some(Action::Command(command));
        // A US keyboard.
        assert_eq!(bindings.pressed(KeyCode::KeyM, Some('m')), command(Command::Map));
        assert_eq!(bindings.pressed(KeyCode::KeyM, Some('M')), command(Command::Map));
        assert_eq!(bindings.pressed(KeyCode::Period, Some('.')), command(Command::Step));
        assert_eq!(bindings.pressed(KeyCode::Tab, None), command(Command::Panel));
        // AZERTY: M lies right of L, a comma where M is elsewhere, and ZQSD where WASD is.
        assert_eq!(bindings.pressed(KeyCode::Semicolon, Some('m')), command(Command::Map));
        assert_eq!(bindings.pressed(KeyCode::KeyM, Some(',')), None);
        assert_eq!(
            [(KeyCode::KeyW, 'z'), (KeyCode::KeyA, 'q')].map(|(key, c)| bindings.pressed(key, Some(c))),
            [drive(Intent::North), drive(Intent::West)]
        );
        assert_eq!(bindings.pressed(KeyCode::KeyZ, Some('w')), None);
        // Dvorak: P lies where R is elsewhere, V where the full stop is, and that where E is.
        assert_eq!(bindings.pressed(KeyCode::KeyR, Some('p')), command(Command::Pause));
        assert_eq!(bindings.pressed(KeyCode::Period, Some('v')), command(Command::View));
        assert_eq!(bindings.pressed(KeyCode::KeyE, Some('.')), command(Command::Step));
        // What writes neither a letter nor a full stop goes by its place.
        assert_eq!(bindings.pressed(KeyCode::Period, Some(':')), command(Command::Step));
        // A Cyrillic layout.
        assert_eq!(bindings.pressed(KeyCode::KeyM, Some('\u{44C}')), command(Command::Map));
    }

    #[test]
    fn raw_codes_can_be_bound() {
        let bindings = Bindings::parse("[keys]\nDigit3 = \"code 3\"").unwrap();
        assert_eq!(bindings.key(KeyCode::Digit3), Some(Action::Drive(Drive::Code(3))));
    }

    #[test]
    fn a_bad_entry_is_named() {
        let said = |text: &str| Bindings::parse(text).unwrap_err().to_string();
        assert!(said("[keys]\nKeyWW = \"north\"").contains("\"KeyWW\""));
        assert!(said("[keys]\nKeyW = \"fly\"").contains("KeyW is bound to \"fly\""));
        assert!(said("[pad]\nPaddle = \"north\"").contains("\"Paddle\""));
        assert!(said("[stick]\ndead_zone = 2.0").contains('2'));
        assert!(said("[keys").contains("TOML"));
        assert!(said("[keys]\nKeyW = \"north\"\nKeyW = \"south\"").contains("line 3: duplicate key"));
    }

    #[test]
    fn the_first_start_writes_the_table_and_a_bad_one_is_left_alone_with_a_notice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/bindings.toml");
        let (_, notice) = Bindings::of_user(Some(&path));
        assert_eq!(notice, None);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), DEFAULT_TABLE);

        std::fs::write(&path, "[keys]\nKeyQQ = \"north\"\n").unwrap();
        let (bindings, notice) = Bindings::of_user(Some(&path));
        assert_eq!(bindings.key(KeyCode::KeyW), drive(Intent::North), "the defaults count");
        let notice = notice.unwrap();
        assert!(notice.contains("KeyQQ") && notice.contains("bindings.toml"), "{notice}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[keys]\nKeyQQ = \"north\"\n", "the user's file is not overwritten");
    }
}
