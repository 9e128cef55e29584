//! Gamepads: what gilrs reports, translated at the edge into [`PadEvent`]s; everything after that edge is the same for real and synthetic pads.

mod listener;

use std::collections::HashMap;
use std::time::{Duration, Instant};

pub use listener::PadListener;

use super::bindings::{Action, Bindings, Command};
use super::latch::{Holder, Latch, Uppermost};
use crate::dream::Intent;

/// Number of a pad, stable while it is plugged in.
pub type PadId = usize;

/// Once a direction is held, the stick may come back this far into the dead zone before it lets go: no flicker at the edge.
const HYSTERESIS: f32 = 0.08;

/// A direction or button that can be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PadControl {
    LeftStickUp,
    LeftStickDown,
    LeftStickLeft,
    LeftStickRight,
    RightStickUp,
    RightStickDown,
    RightStickLeft,
    RightStickRight,
    DPadUp,
    DPadDown,
    DPadLeft,
    DPadRight,
    South,
    East,
    North,
    West,
    LeftTrigger,
    LeftTrigger2,
    RightTrigger,
    RightTrigger2,
    LeftThumb,
    RightThumb,
    Start,
    Select,
    Mode,
}

impl PadControl {
    const ALL: [Self; 25] = [
        Self::LeftStickUp,
        Self::LeftStickDown,
        Self::LeftStickLeft,
        Self::LeftStickRight,
        Self::RightStickUp,
        Self::RightStickDown,
        Self::RightStickLeft,
        Self::RightStickRight,
        Self::DPadUp,
        Self::DPadDown,
        Self::DPadLeft,
        Self::DPadRight,
        Self::South,
        Self::East,
        Self::North,
        Self::West,
        Self::LeftTrigger,
        Self::LeftTrigger2,
        Self::RightTrigger,
        Self::RightTrigger2,
        Self::LeftThumb,
        Self::RightThumb,
        Self::Start,
        Self::Select,
        Self::Mode,
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|control| format!("{control:?}") == name)
    }

    /// What stands on it, on the two commonest kinds of pad.
    pub fn label(self) -> String {
        match self {
            Self::South => "A (cross)",
            Self::East => "B (circle)",
            Self::West => "X (square)",
            Self::North => "Y (triangle)",
            Self::LeftStickUp => "Left stick up",
            Self::LeftStickDown => "Left stick down",
            Self::LeftStickLeft => "Left stick left",
            Self::LeftStickRight => "Left stick right",
            Self::LeftThumb => "Left stick pressed",
            Self::RightThumb => "Right stick pressed",
            Self::DPadUp => "D-pad up",
            Self::DPadDown => "D-pad down",
            Self::DPadLeft => "D-pad left",
            Self::DPadRight => "D-pad right",
            Self::RightStickUp => "Right stick up",
            Self::RightStickDown => "Right stick down",
            Self::RightStickLeft => "Right stick left",
            Self::RightStickRight => "Right stick right",
            Self::LeftTrigger => "Left shoulder",
            Self::RightTrigger => "Right shoulder",
            Self::LeftTrigger2 => "Left trigger",
            Self::RightTrigger2 => "Right trigger",
            Self::Start => "Start",
            Self::Select => "Select",
            Self::Mode => "Mode",
        }
        .to_owned()
    }

    /// Which way one looks who pushes the right stick there.
    fn looks(self) -> Option<Intent> {
        match self {
            Self::RightStickLeft => Some(Intent::West),
            Self::RightStickRight => Some(Intent::East),
            _ => None,
        }
    }

    /// Whether it turns nobody who looks from within, and means a step aside.
    fn steps_aside(self) -> bool {
        matches!(self, Self::DPadLeft | Self::DPadRight)
    }

    /// Whether it works a panel that is open, whatever it is bound to.
    fn works_panel(self) -> bool {
        D_PAD.contains(&self) || matches!(self, Self::South | Self::East)
    }

    /// Whether it pushes a map that is open; not where it is bound to what one needs there.
    fn pushes_map(self, bindings: &Bindings) -> bool {
        let needed = matches!(bindings.pad(self), Some(Action::Command(Command::Map | Command::Screenshot)));
        let pushes = STICK.contains(&self) || D_PAD.contains(&self) || matches!(self, Self::LeftTrigger2 | Self::RightTrigger2);
        pushes && !needed
    }
}

/// How a map is pushed: to the right, down and nearer, -1..1 each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Push {
    pub right: f32,
    pub down: f32,
    pub nearer: f32,
}

/// What happened on a pad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PadEvent {
    Connected,
    Disconnected,
    Pressed(PadControl),
    Released(PadControl),
    /// Left stick: x to the right, y up, -1..1 each. `None` where this event moved the other axis only.
    Stick {
        x: Option<f32>,
        y: Option<f32>,
    },
    /// The right stick.
    RightStick {
        x: Option<f32>,
        y: Option<f32>,
    },
    /// A d-pad that reports itself as two axes.
    DPad {
        x: Option<f32>,
        y: Option<f32>,
    },
}

/// The edge: gilrs' events in this program's words; `None` for what nothing here uses.
pub fn translate(event: &gilrs::EventType) -> Option<PadEvent> {
    use gilrs::{Axis, Button, EventType};
    let control = |button: Button| {
        Some(match button {
            Button::South => PadControl::South,
            Button::East => PadControl::East,
            Button::North => PadControl::North,
            Button::West => PadControl::West,
            Button::LeftTrigger => PadControl::LeftTrigger,
            Button::LeftTrigger2 => PadControl::LeftTrigger2,
            Button::RightTrigger => PadControl::RightTrigger,
            Button::RightTrigger2 => PadControl::RightTrigger2,
            Button::LeftThumb => PadControl::LeftThumb,
            Button::RightThumb => PadControl::RightThumb,
            Button::Start => PadControl::Start,
            Button::Select => PadControl::Select,
            Button::Mode => PadControl::Mode,
            Button::DPadUp => PadControl::DPadUp,
            Button::DPadDown => PadControl::DPadDown,
            Button::DPadLeft => PadControl::DPadLeft,
            Button::DPadRight => PadControl::DPadRight,
            Button::C | Button::Z | Button::Unknown => return None,
        })
    };
    match *event {
        EventType::Connected => Some(PadEvent::Connected),
        EventType::Disconnected => Some(PadEvent::Disconnected),
        EventType::ButtonPressed(button, _) => control(button).map(PadEvent::Pressed),
        EventType::ButtonReleased(button, _) => control(button).map(PadEvent::Released),
        EventType::AxisChanged(Axis::LeftStickX, x, _) => Some(PadEvent::Stick { x: Some(x), y: None }),
        EventType::AxisChanged(Axis::LeftStickY, y, _) => Some(PadEvent::Stick { x: None, y: Some(y) }),
        EventType::AxisChanged(Axis::RightStickX, x, _) => Some(PadEvent::RightStick { x: Some(x), y: None }),
        EventType::AxisChanged(Axis::RightStickY, y, _) => Some(PadEvent::RightStick { x: None, y: Some(y) }),
        EventType::AxisChanged(Axis::DPadX, x, _) => Some(PadEvent::DPad { x: Some(x), y: None }),
        EventType::AxisChanged(Axis::DPadY, y, _) => Some(PadEvent::DPad { x: None, y: Some(y) }),
        _ => None,
    }
}

/// Turns pad events into presses of the latch and into news for the window.
#[derive(Debug, Default)]
pub struct Pads {
    pads: HashMap<PadId, Pad>,
    /// The direction of a d-pad that was pressed in the panel last, and when it is pressed again if it is still held.
    again: Option<(PadId, PadControl, Instant)>,
}

#[derive(Debug, Default)]
struct Pad {
    stick: Lever,
    right_stick: Lever,
    d_pad: Lever,
    /// Buttons that are held.
    held: Vec<PadControl>,
}

impl Pad {
    fn holds(&self, control: PadControl) -> bool {
        self.d_pad.holds == Some(control) || self.held.contains(&control)
    }

    /// How it pushes a map.
    fn push(&self, bindings: &Bindings) -> Push {
        let held = |control: PadControl| f32::from(self.held.contains(&control) && control.pushes_map(bindings));
        let [x, y] = self.stick.beyond(bindings.dead_zone);
        let [right, up] = self.d_pad.beyond(D_PAD_DEAD_ZONE);
        Push {
            right: x + right + held(PadControl::DPadRight) - held(PadControl::DPadLeft),
            down: held(PadControl::DPadDown) - held(PadControl::DPadUp) - y - up,
            nearer: held(PadControl::RightTrigger2) - held(PadControl::LeftTrigger2),
        }
    }
}

/// Two axes that hold at most one direction.
#[derive(Debug, Default)]
struct Lever {
    x: f32,
    y: f32,
    holds: Option<PadControl>,
}

impl Lever {
    /// The direction of the stronger axis once it is past the dead zone; the one held already is favoured a little.
    fn direction(&self, dead_zone: f32, [up, down, left, right]: [PadControl; 4]) -> Option<PadControl> {
        let candidates = [(up, self.y), (down, -self.y), (left, -self.x), (right, self.x)];
        candidates
            .into_iter()
            .map(|(control, value)| (control, if Some(control) == self.holds { value + HYSTERESIS } else { value }))
            .filter(|&(_, value)| value > dead_zone)
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(control, _)| control)
    }

    /// How far it is pushed to the right and up: nothing in the dead zone, and all of 1 at the edge.
    fn beyond(&self, dead_zone: f32) -> [f32; 2] {
        let far = self.x.hypot(self.y);
        if far <= dead_zone {
            return [0.0; 2];
        }
        let share = ((far - dead_zone) / (1.0 - dead_zone)).min(1.0) / far;
        [self.x * share, self.y * share]
    }

    fn moved(&mut self, x: Option<f32>, y: Option<f32>) {
        // A pad that reports nonsense is centred.
        let sane = |v: f32| if v.is_finite() { v.clamp(-1.0, 1.0) } else { 0.0 };
        self.x = x.map_or(self.x, sane);
        self.y = y.map_or(self.y, sane);
    }
}

const STICK: [PadControl; 4] = [PadControl::LeftStickUp, PadControl::LeftStickDown, PadControl::LeftStickLeft, PadControl::LeftStickRight];
const RIGHT_STICK: [PadControl; 4] =
    [PadControl::RightStickUp, PadControl::RightStickDown, PadControl::RightStickLeft, PadControl::RightStickRight];
const D_PAD: [PadControl; 4] = [PadControl::DPadUp, PadControl::DPadDown, PadControl::DPadLeft, PadControl::DPadRight];
/// Part of the right stick's way that does nothing at least: what it does is meant, and not steered by.
const FLICK: f32 = 0.6;
/// Axes of a d-pad are -1, 0 or 1.
const D_PAD_DEAD_ZONE: f32 = 0.5;
/// How long a direction is held in the panel until it goes on, and from then on from step to step.
const GOES_ON: Duration = Duration::from_millis(400);
const GOES_AGAIN: Duration = Duration::from_millis(110);
/// How long the thread waits for an event where nothing else is due.
const WAITS: Duration = Duration::from_millis(500);

impl Pads {
    /// Whether it was connected, and has not been unplugged since.
    fn is_there(&self, id: PadId) -> bool {
        self.pads.contains_key(&id)
    }

    /// Takes in one event; what steers goes to `latch`, what the window is to know comes back.
    pub fn feed(&mut self, id: PadId, event: PadEvent, bindings: &Bindings, latch: &mut Latch) -> Option<PadNews> {
        let news = match event {
            PadEvent::Connected => {
                self.pads.entry(id).or_default();
                None
            }
            PadEvent::Disconnected => {
                self.pads.remove(&id);
                latch.release_pad(id);
                None
            }
            PadEvent::Pressed(control) => {
                let pad = self.pads.entry(id).or_default();
                if !pad.held.contains(&control) {
                    pad.held.push(control);
                }
                press(id, control, bindings, latch)
            }
            PadEvent::Released(control) => {
                if let Some(pad) = self.pads.get_mut(&id) {
                    pad.held.retain(|held| *held != control);
                }
                latch.release(Holder::Pad(id, control));
                None
            }
            PadEvent::Stick { x, y } | PadEvent::RightStick { x, y } | PadEvent::DPad { x, y } => {
                let pad = self.pads.entry(id).or_default();
                let (lever, controls, dead_zone) = match event {
                    PadEvent::RightStick { .. } => (&mut pad.right_stick, RIGHT_STICK, bindings.dead_zone.max(FLICK)),
                    PadEvent::DPad { .. } => (&mut pad.d_pad, D_PAD, D_PAD_DEAD_ZONE),
                    _ => (&mut pad.stick, STICK, bindings.dead_zone),
                };
                lever.moved(x, y);
                let wanted = lever.direction(dead_zone, controls);
                swing(lever, id, wanted, bindings, latch)
            }
        };
        if let Some(PadNews::Panel(control)) = news
            && D_PAD.contains(&control)
        {
            self.again = Some((id, control, Instant::now() + GOES_ON));
        }
        // Nobody plays with a pad that is gone.
        let pushes = latch.push_map(self.push(bindings)) && event != PadEvent::Disconnected;
        news.or(pushes.then_some(PadNews::Pushed))
    }

    /// Forgets all pads, and lets go of what they hold.
    fn unplug_all(&mut self, bindings: &Bindings, latch: &mut Latch) {
        for id in self.pads.keys().copied().collect::<Vec<_>>() {
            self.feed(id, PadEvent::Disconnected, bindings, latch);
        }
    }

    /// How all pads together push a map.
    fn push(&self, bindings: &Bindings) -> Push {
        let mut all = Push::default();
        for push in self.pads.values().map(|pad| pad.push(bindings)) {
            all = Push { right: all.right + push.right, down: all.down + push.down, nearer: all.nearer + push.nearer };
        }
        Push { right: all.right.clamp(-1.0, 1.0), down: all.down.clamp(-1.0, 1.0), nearer: all.nearer.clamp(-1.0, 1.0) }
    }

    /// A direction that is held in the panel, where it goes on now.
    pub fn again(&mut self, latch: &Latch, now: Instant) -> Option<PadNews> {
        let (id, control, due) = self.again?;
        let held = self.pads.get(&id).is_some_and(|pad| pad.holds(control));
        if !held || !latch.has_focus() || latch.uppermost() != Uppermost::Panel {
            self.again = None;
            return None;
        }
        if now < due {
            return None;
        }
        self.again = Some((id, control, now + GOES_AGAIN));
        Some(PadNews::PanelAgain(control))
    }

    /// How long nothing is due, if nothing happens.
    fn waits(&self, now: Instant) -> Duration {
        // Some systems wait for whole milliseconds.
        self.again.map_or(WAITS, |(.., due)| due.saturating_duration_since(now).max(Duration::from_millis(1)))
    }
}

fn press(id: PadId, control: PadControl, bindings: &Bindings, latch: &mut Latch) -> Option<PadNews> {
    match latch.uppermost() {
        Uppermost::Panel if control.works_panel() => return latch.has_focus().then_some(PadNews::Panel(control)),
        Uppermost::Map if control.pushes_map(bindings) => return None,
        _ => {}
    }
    let (by, within) = (Holder::Pad(id, control), latch.is_within());
    match (bindings.pad(control)?, control.looks()) {
        // Everybody's thumb takes the right stick for the eyes.
        (Action::Command(Command::Turn(_)), Some(way)) if within => latch.press(by, way.into()),
        (Action::Drive(drive), _) if within && control.steps_aside() => latch.press_aside(by, drive),
        (Action::Drive(drive), _) => latch.press(by, drive),
        (Action::Command(command), _) => return Some(PadNews::Command(command)),
    }
    None
}

fn swing(lever: &mut Lever, id: PadId, wanted: Option<PadControl>, bindings: &Bindings, latch: &mut Latch) -> Option<PadNews> {
    if wanted == lever.holds {
        return None;
    }
    if let Some(before) = std::mem::replace(&mut lever.holds, wanted) {
        latch.release(Holder::Pad(id, before));
    }
    wanted.and_then(|control| press(id, control, bindings, latch))
}

/// Said by the pad thread to the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PadNews {
    Command(Command),
    /// A direction was pressed.
    Pressed,
    /// This was pressed while the panel is open, which it works.
    Panel(PadControl),
    /// This is still pressed there, and goes on.
    PanelAgain(PadControl),
    /// The map is pushed otherwise than before; the latch says how.
    Pushed,
    Connected(String),
    Disconnected(String),
    /// Gamepads cannot be read on this machine.
    Unavailable(String),
}
