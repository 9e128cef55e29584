//! A synthetic gamepad through the path that a real one takes behind gilrs: events, dead zone, bindings, latch.
//! No real pad was at hand when this was written.

#![cfg(feature = "player")]

use std::time::{Duration, Instant};

use somnium::dream::{Drive, Intent};
use somnium::input::pad::{PadControl, PadEvent, PadNews, Pads, Push, translate};
use somnium::input::{Bindings, Command, Latch, Uppermost};
use somnium::worlds::words::Dial;

struct Desk {
    bindings: Bindings,
    latch: Latch,
    pads: Pads,
}

impl Desk {
    fn new() -> Self {
        Self { bindings: Bindings::default(), latch: Latch::default(), pads: Pads::default() }
    }

    fn hear(&mut self, event: PadEvent) -> Option<PadNews> {
        self.pads.feed(0, event, &self.bindings, &mut self.latch)
    }

    fn feed(&mut self, id: usize, event: PadEvent) -> Option<Command> {
        match self.pads.feed(id, event, &self.bindings, &mut self.latch) {
            Some(PadNews::Command(command)) => Some(command),
            _ => None,
        }
    }

    fn stick(&mut self, x: f32, y: f32) -> Drive {
        self.feed(0, PadEvent::Stick { x: Some(x), y: None });
        self.feed(0, PadEvent::Stick { x: None, y: Some(y) });
        self.latch.now()
    }
}

fn go(intent: Intent) -> Drive {
    Drive::Intent(intent)
}

#[test]
fn the_stick_has_a_dead_zone_and_goes_where_it_points() {
    let mut desk = Desk::new();
    assert_eq!(desk.stick(0.2, -0.2), go(Intent::Stay));
    assert_eq!(desk.stick(0.9, 0.1), go(Intent::East));
    assert_eq!(desk.stick(-0.9, 0.1), go(Intent::West));
    assert_eq!(desk.stick(0.1, 0.9), go(Intent::North), "up on a stick is +y");
    assert_eq!(desk.stick(0.3, -0.8), go(Intent::South));
    assert_eq!(desk.stick(0.0, 0.0), go(Intent::Stay));
}

#[test]
fn a_trembling_stick_at_the_edge_does_not_flicker() {
    let mut desk = Desk::new();
    let edge = desk.bindings.dead_zone;
    assert_eq!(desk.stick(edge + 0.02, 0.0), go(Intent::East));
    assert_eq!(desk.stick(edge - 0.02, 0.0), go(Intent::East));
    assert_eq!(desk.stick(edge - 0.2, 0.0), go(Intent::Stay));
    assert_eq!(desk.stick(edge - 0.02, 0.0), go(Intent::Stay), "from outside the edge is where it is");
    assert_eq!(desk.stick(f32::NAN, f32::INFINITY), go(Intent::Stay), "nonsense is centred");
}

#[test]
fn a_flick_between_two_frames_counts() {
    let mut desk = Desk::new();
    desk.stick(0.9, 0.0);
    desk.stick(0.0, 0.0);
    assert_eq!(desk.latch.take(), go(Intent::East));
    assert_eq!(desk.latch.take(), go(Intent::Stay));
}

#[test]
fn d_pad_buttons_and_d_pad_axes_steer() {
    let mut desk = Desk::new();
    desk.feed(0, PadEvent::Pressed(PadControl::DPadLeft));
    assert_eq!(desk.latch.now(), go(Intent::West));
    desk.feed(0, PadEvent::Released(PadControl::DPadLeft));
    assert_eq!(desk.latch.take(), go(Intent::West), "no frame came between: it counts as a tap");
    desk.feed(0, PadEvent::DPad { x: None, y: Some(1.0) });
    assert_eq!(desk.latch.take(), go(Intent::North));
    desk.feed(0, PadEvent::DPad { x: None, y: Some(0.0) });
    assert_eq!(desk.latch.take(), go(Intent::Stay));
}

#[test]
fn unplugging_a_pad_lets_go_of_what_it_held_and_of_nothing_else() {
    let mut desk = Desk::new();
    desk.feed(1, PadEvent::Connected);
    desk.feed(1, PadEvent::Pressed(PadControl::DPadUp));
    desk.feed(0, PadEvent::Stick { x: Some(1.0), y: None });
    assert_eq!(desk.latch.take(), go(Intent::East));
    desk.feed(0, PadEvent::Disconnected);
    assert_eq!(desk.latch.take(), go(Intent::North), "pad 1 is still held");
    desk.feed(1, PadEvent::Disconnected);
    assert_eq!(desk.latch.take(), go(Intent::Stay));
    // Plugged in again it works at once, and starts centred.
    desk.feed(0, PadEvent::Connected);
    assert_eq!(desk.stick(0.0, 0.9), go(Intent::North));
}

#[test]
fn start_and_select_are_commands_and_unbound_buttons_do_nothing() {
    let mut desk = Desk::new();
    assert_eq!(desk.feed(0, PadEvent::Pressed(PadControl::Start)), Some(Command::Pause));
    assert_eq!(desk.feed(0, PadEvent::Pressed(PadControl::Select)), Some(Command::Reset));
    assert_eq!(desk.feed(0, PadEvent::Pressed(PadControl::Mode)), None);
    assert_eq!(desk.latch.take(), go(Intent::Stay));
}

#[test]
fn a_flick_of_the_right_stick_is_one_command_and_steers_nothing() {
    let mut desk = Desk::new();
    let mut flick = |x: f32| desk.feed(0, PadEvent::RightStick { x: Some(x), y: None });
    assert_eq!(
        [0.4, 0.9, 1.0, 0.7, 0.0, -0.9].map(&mut flick),
        [None, Some(Command::Turn(Dial::Weather)), None, None, None, Some(Command::Turn(Dial::Land))]
    );
    assert_eq!(desk.latch.take(), go(Intent::Stay));
}

#[test]
fn from_within_the_right_stick_looks_and_the_d_pad_steps_aside() {
    let mut desk = Desk::new();
    desk.latch.look_from_within(true);
    let push = |desk: &mut Desk, x: f32, y: f32| desk.feed(0, PadEvent::RightStick { x: Some(x), y: Some(y) });
    assert_eq!((push(&mut desk, 0.9, 0.1), desk.latch.looks(), desk.latch.take()), (None, 1, go(Intent::Stay)));
    push(&mut desk, 0.0, 0.0);
    assert_eq!((push(&mut desk, -0.9, 0.0), desk.latch.looks()), (None, 0));
    push(&mut desk, 0.0, 0.0);
    assert_eq!(push(&mut desk, 0.1, 0.9), Some(Command::Turn(Dial::Light)), "up and down are what they were");
    push(&mut desk, 0.0, 0.0);
    desk.feed(0, PadEvent::Pressed(PadControl::DPadRight));
    assert_eq!((desk.latch.looks(), desk.latch.take()), (0, go(Intent::East)));
    desk.feed(0, PadEvent::Released(PadControl::DPadRight));
    desk.stick(0.9, 0.0);
    assert_eq!((desk.latch.looks(), desk.latch.take()), (1, go(Intent::Stay)), "the left stick turns");
    desk.stick(0.0, 0.0);
    // Who looks aside while the view changes does not walk.
    push(&mut desk, 0.9, 0.0);
    desk.latch.look_from_within(false);
    assert_eq!(desk.latch.take(), go(Intent::Stay));
    push(&mut desk, 0.0, 0.0);
    assert_eq!(push(&mut desk, 0.9, 0.0), Some(Command::Turn(Dial::Weather)));
}

#[test]
fn with_the_panel_open_the_d_pad_is_for_that_and_the_stick_walks_on() {
    let mut desk = Desk::new();
    desk.latch.lies_uppermost(Uppermost::Panel);
    for control in [PadControl::DPadDown, PadControl::South, PadControl::East] {
        assert_eq!(desk.hear(PadEvent::Pressed(control)), Some(PadNews::Panel(control)));
        assert_eq!(desk.hear(PadEvent::Released(control)), None);
    }
    let axis = |x: f32| PadEvent::DPad { x: Some(x), y: None };
    assert_eq!(desk.hear(axis(-1.0)), Some(PadNews::Panel(PadControl::DPadLeft)));
    assert_eq!(desk.hear(axis(0.0)), None);
    assert_eq!((desk.latch.take(), desk.latch.presses()), (go(Intent::Stay), 0), "nobody walks by it");
    assert_eq!(desk.stick(0.9, 0.0), go(Intent::East));
    assert_eq!(desk.feed(0, PadEvent::Pressed(PadControl::West)), Some(Command::Surprise), "as ever");
    desk.latch.focus(false);
    assert_eq!(desk.hear(PadEvent::Pressed(PadControl::South)), None, "another window has the focus");
    // What is held as it opens walks on until it is let go.
    let mut desk = Desk::new();
    desk.hear(PadEvent::Pressed(PadControl::DPadUp));
    desk.latch.lies_uppermost(Uppermost::Panel);
    assert_eq!(desk.latch.take(), go(Intent::North));
    desk.hear(PadEvent::Released(PadControl::DPadUp));
    assert_eq!(desk.latch.take(), go(Intent::Stay));
}

#[test]
fn a_direction_held_in_the_panel_goes_on_until_it_is_let_go() {
    let mut desk = Desk::new();
    desk.latch.lies_uppermost(Uppermost::Panel);
    let start = Instant::now();
    let again = |desk: &mut Desk, ms: u64| desk.pads.again(&desk.latch, start + Duration::from_millis(ms));
    desk.hear(PadEvent::Pressed(PadControl::South));
    assert_eq!(again(&mut desk, 9000), None, "a button is pressed once");
    desk.hear(PadEvent::Pressed(PadControl::DPadDown));
    let down = Some(PadNews::PanelAgain(PadControl::DPadDown));
    assert_eq!([300, 5000, 5050, 5200].map(|ms| again(&mut desk, ms)), [None, down.clone(), None, down.clone()]);
    desk.hear(PadEvent::Released(PadControl::DPadDown));
    assert_eq!(again(&mut desk, 9000), None);
    desk.hear(PadEvent::DPad { x: None, y: Some(-1.0) });
    assert_eq!(again(&mut desk, 15_000), down);
    desk.latch.lies_uppermost(Uppermost::World);
    assert_eq!(again(&mut desk, 20_000), None, "the panel is closed");
}

#[test]
fn a_map_is_pushed_and_nobody_walks() {
    let mut desk = Desk::new();
    desk.latch.lies_uppermost(Uppermost::Map);
    let still = Push::default();
    let stick = |x: f32, y: f32| PadEvent::Stick { x: Some(x), y: Some(y) };
    assert_eq!((desk.hear(stick(0.2, 0.2)), desk.latch.push()), (None, still), "the dead zone");
    assert_eq!(desk.hear(stick(1.0, 0.0)), Some(PadNews::Pushed));
    assert_eq!((desk.latch.push(), desk.latch.is_held()), (Push { right: 1.0, ..still }, true));
    assert_eq!(desk.hear(stick(1.0, 0.0)), None, "no news");
    desk.hear(stick(0.6, 0.0));
    assert!((0.1..0.9).contains(&desk.latch.push().right), "half the way");
    assert_eq!((desk.hear(stick(0.0, 0.0)), desk.latch.push()), (Some(PadNews::Pushed), still));
    let pushes = [
        (PadControl::DPadUp, Push { down: -1.0, ..still }),
        (PadControl::DPadLeft, Push { right: -1.0, ..still }),
        (PadControl::RightTrigger2, Push { nearer: 1.0, ..still }),
        (PadControl::LeftTrigger2, Push { nearer: -1.0, ..still }),
    ];
    for (control, push) in pushes {
        assert_eq!((desk.hear(PadEvent::Pressed(control)), desk.latch.push()), (Some(PadNews::Pushed), push));
        assert_eq!((desk.hear(PadEvent::Released(control)), desk.latch.push()), (Some(PadNews::Pushed), still));
    }
    let commands = [PadControl::East, PadControl::LeftTrigger].map(|control| desk.feed(0, PadEvent::Pressed(control)));
    assert_eq!(commands, [Some(Command::Map), Some(Command::Screenshot)], "what one needs there");
    assert_eq!((desk.latch.take(), desk.latch.presses()), (go(Intent::Stay), 0));
    // Whoever closes the map with the stick held does not set off by that.
    desk.hear(stick(0.0, -1.0));
    desk.latch.lies_uppermost(Uppermost::World);
    assert_eq!((desk.latch.push(), desk.stick(0.0, -0.9)), (still, go(Intent::Stay)));
    desk.stick(0.0, 0.0);
    assert_eq!(desk.stick(0.0, -0.9), go(Intent::South));
}

#[test]
fn who_leaves_the_window_pushes_no_map_and_a_trigger_that_closes_it_does() {
    let mut desk = Desk::new();
    desk.latch.lies_uppermost(Uppermost::Map);
    let push = |desk: &mut Desk, x: f32| (desk.hear(PadEvent::Stick { x: Some(x), y: None }), desk.latch.push().right);
    assert_eq!(push(&mut desk, 1.0), (Some(PadNews::Pushed), 1.0));
    desk.latch.focus(false);
    assert_eq!(push(&mut desk, -1.0), (None, 0.0));
    desk.latch.focus(true);
    assert_eq!(push(&mut desk, 1.0), (Some(PadNews::Pushed), 1.0));
    assert_eq!((desk.hear(PadEvent::Disconnected), desk.latch.push()), (None, Push::default()));
    desk.bindings = Bindings::parse("[pad]\nLeftTrigger2 = \"map\"").unwrap();
    assert_eq!(desk.feed(0, PadEvent::Pressed(PadControl::LeftTrigger2)), Some(Command::Map));
    assert_eq!(desk.latch.push(), Push::default());
}

#[test]
fn gilrs_events_without_a_device_code_are_translated() {
    // Events about buttons carry a code only a device can make; those without are checked here, the rest by the type checker.
    assert_eq!(translate(&gilrs::EventType::Connected), Some(PadEvent::Connected));
    assert_eq!(translate(&gilrs::EventType::Disconnected), Some(PadEvent::Disconnected));
    assert_eq!(translate(&gilrs::EventType::Dropped), None);
}
