//! Walking without a key: the figure goes where one points while a mouse button or a finger is held there.

use std::time::Duration;

use egui::{Event, PointerButton, Pos2, Rect, TouchPhase, Vec2};

use super::panel::UiEvent;
use crate::dream::Intent;

/// Seconds that a mouse button is held before the figure sets off: a click that brings the window to the front, or a double click, is no step. A
/// finger's tap is one.
const HELD_SECS: f64 = 0.15;
/// How much further away the other way must be before it is taken: along a diagonal the figure would sway.
const SWAY: f32 = 1.2;

/// Of what is seen from within: the outer shares of its width that turn, and the lowest share of its height that leads back.
const TURNS: f32 = 1.0 / 3.0;
const BACK: f32 = 1.0 / 6.0;

/// How the world is seen.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    /// From above, the figure's place in the middle of the picture, in points.
    Above { place: Vec2 },
    /// From within: what lies ahead is up to the horizon, and on the ground below it.
    Within,
}

/// What is held.
#[derive(Debug, Default)]
pub struct Pointing {
    held: Option<Held>,
    /// Fingers are on the screen.
    touched: bool,
    /// What was asked for last.
    asked: Option<Intent>,
    /// The last press was a finger's.
    by_finger: bool,
    /// The figure's place, in points.
    figure: Option<Rect>,
}

#[derive(Debug)]
struct Held {
    at: Pos2,
    since_secs: f64,
    finger: bool,
}

impl Pointing {
    /// Reads what happened since the last pass. `picture`: where it stands, in points; `area`: where one may press; nowhere where the pointer is for
    /// something else.
    pub fn see(&mut self, ui: &egui::Ui, picture: Rect, seen: Seen, area: Option<Rect>, asks: &mut Vec<UiEvent>) {
        self.figure = match seen {
            Seen::Above { place } => Some(Rect::from_center_size(picture.center(), place)),
            Seen::Within => None,
        };
        let goal = |held: &Held, before| {
            let off = held.at - picture.center();
            match seen {
                Seen::Above { place } => way(off, place, before),
                Seen::Within => Some(way_within(off / picture.size())),
            }
        };
        let now = ui.input(|i| {
            for event in &i.events {
                match *event {
                    Event::Touch { phase, .. } => {
                        self.touched = matches!(phase, TouchPhase::Start | TouchPhase::Move);
                        // The system took the finger for something else, and says nothing more of it.
                        if phase == TouchPhase::Cancel {
                            self.held = None;
                            self.ask(None, asks);
                        }
                    }
                    Event::PointerMoved(at) => self.held.iter_mut().for_each(|held| held.at = at),
                    Event::PointerButton { pos, button: PointerButton::Primary, pressed: true, .. } => {
                        let here = area.is_some_and(|area| area.contains(pos));
                        self.by_finger = self.touched;
                        self.held = here.then_some(Held { at: pos, since_secs: i.time, finger: self.touched });
                    }
                    Event::PointerButton { button: PointerButton::Primary, pressed: false, .. } | Event::WindowFocused(false) => {
                        // A tap may be over before it is drawn.
                        if let Some(held) = self.held.take().filter(|held| held.finger) {
                            self.ask(goal(&held, self.asked), asks);
                        }
                        self.ask(None, asks);
                    }
                    _ => {}
                }
            }
            i.time
        });
        self.held.take_if(|_| area.is_none());
        let Some(held) = &self.held else { return self.ask(None, asks) };
        let left_secs = HELD_SECS - (now - held.since_secs);
        if held.finger || left_secs <= 0.0 {
            self.ask(goal(held, self.asked), asks);
        } else {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(left_secs));
        }
    }

    /// Whether a press at this place is no step: a mouse button is held for one, and a finger's tap is one but on the figure itself.
    pub fn is_no_step(&self, at: Pos2) -> bool {
        !self.by_finger || self.figure.is_some_and(|figure| figure.contains(at))
    }

    /// Asks for another way than the one asked for last.
    fn ask(&mut self, intent: Option<Intent>, asks: &mut Vec<UiEvent>) {
        if intent != std::mem::replace(&mut self.asked, intent) {
            asks.push(UiEvent::Point(intent));
        }
    }
}

/// Which way lies a place so far from the middle of the picture; none from the figure itself.
fn way(off: Vec2, tile: Vec2, before: Option<Intent>) -> Option<Intent> {
    let (across, down) = (off.x / tile.x, off.y / tile.y);
    if across.abs().max(down.abs()) < 0.5 {
        return None;
    }
    let favour = match before {
        Some(Intent::West | Intent::East) => SWAY,
        Some(Intent::North | Intent::South) => 1.0 / SWAY,
        _ => 1.0,
    };
    Some(match (across.abs() * favour > down.abs(), across > 0.0, down > 0.0) {
        (true, true, _) => Intent::East,
        (true, false, _) => Intent::West,
        (false, _, true) => Intent::South,
        (false, _, false) => Intent::North,
    })
}

/// The same of what is seen from within, so far from the middle of the picture in shares of its size: left and right turn.
fn way_within(off: Vec2) -> Intent {
    let (side, low) = (0.5 - TURNS, 0.5 - BACK);
    match off {
        Vec2 { x, .. } if x > side => Intent::East,
        Vec2 { x, .. } if x < -side => Intent::West,
        Vec2 { y, .. } if y > low => Intent::South,
        _ => Intent::North,
    }
}

#[cfg(test)]
mod tests {
    use egui::{Modifiers, pos2, vec2};

    use super::*;

    const TILE: Vec2 = Vec2::splat(20.0);

    #[test]
    fn the_way_is_the_one_that_is_further_off() {
        let to = |x, y| way(vec2(x, y), TILE, None);
        assert_eq!([to(50.0, 20.0), to(-50.0, 20.0)], [Some(Intent::East), Some(Intent::West)]);
        assert_eq!([to(20.0, 50.0), to(-20.0, -50.0)], [Some(Intent::South), Some(Intent::North)]);
        assert_eq!([to(9.0, -9.0), to(0.0, 0.0)], [None; 2], "the figure's own place");
        // Along a diagonal it goes on as it went.
        let east = Some(Intent::East);
        assert_eq!([way(vec2(50.0, 55.0), TILE, east), way(vec2(50.0, 70.0), TILE, east)], [east, Some(Intent::South)]);
        assert_eq!(way(vec2(55.0, 50.0), TILE, Some(Intent::South)), Some(Intent::South));
    }

    #[test]
    fn from_within_the_ground_ahead_lies_ahead() {
        let to = |x, y| way_within(vec2(x, y));
        assert_eq!([to(0.0, -0.4), to(0.0, 0.0), to(0.1, 0.25)], [Intent::North; 3]);
        assert_eq!([to(-0.4, 0.2), to(0.3, -0.3), to(0.1, 0.4)], [Intent::West, Intent::East, Intent::South]);
    }

    /// What is asked for when this happens, pass by pass, a twentieth of a second each.
    fn asked(passes: Vec<Vec<Event>>, free: bool) -> Vec<Option<Intent>> {
        let (ctx, mut pointing, mut asked) = (egui::Context::default(), Pointing::default(), Vec::new());
        let picture = Rect::from_min_size(Pos2::ZERO, vec2(180.0, 140.0));
        for (pass, events) in passes.into_iter().enumerate() {
            let input = egui::RawInput { time: Some(pass as f64 * 0.05), screen_rect: Some(picture), events, ..Default::default() };
            let output =
                ctx.run_ui(input, |ui| pointing.see(ui, picture, Seen::Above { place: TILE }, free.then_some(picture), &mut asked));
            drop(output);
        }
        asked.into_iter().map(|event| if let UiEvent::Point(intent) = event { intent } else { panic!("{event:?}") }).collect()
    }

    fn button(x: f32, pressed: bool) -> Event {
        Event::PointerButton { pos: pos2(x, 70.0), button: PointerButton::Primary, pressed, modifiers: Modifiers::NONE }
    }

    #[test]
    fn a_button_is_held_to_walk_and_a_click_is_no_step() {
        let hold =
            |last: Vec<Event>| vec![vec![button(170.0, true)], vec![], vec![], vec![], vec![Event::PointerMoved(pos2(10.0, 70.0))], last];
        let (east, west) = (Some(Intent::East), Some(Intent::West));
        assert_eq!(asked(hold(vec![button(10.0, false)]), true), [east, west, None]);
        assert_eq!(asked(hold(vec![Event::WindowFocused(false)]), true), [east, west, None]);
        assert_eq!(asked(vec![vec![button(170.0, true)], vec![button(170.0, false)]], true), []);
        assert_eq!(asked(hold(vec![]), false), [], "the pointer is for something else");
    }

    #[test]
    fn a_finger_walks_at_once_and_its_tap_is_a_step() {
        let touch =
            |phase| Event::Touch { device_id: egui::TouchDeviceId(0), id: egui::TouchId(0), phase, pos: pos2(170.0, 70.0), force: None };
        let tap = [touch(TouchPhase::Start), button(170.0, true), touch(TouchPhase::End), button(170.0, false), Event::PointerGone];
        assert_eq!(asked(vec![tap.to_vec()], true), [Some(Intent::East), None]);
        assert_eq!(asked(vec![tap[..2].to_vec(), vec![], tap[2..].to_vec()], true), [Some(Intent::East), None]);
        let taken = vec![touch(TouchPhase::Cancel), Event::PointerGone];
        assert_eq!(asked(vec![tap[..2].to_vec(), taken, vec![], vec![]], true), [Some(Intent::East), None]);
    }

    #[test]
    fn a_finger_whose_end_was_lost_walks_until_another_one_takes_its_place() {
        let touch = |id, x, phase| Event::Touch {
            device_id: egui::TouchDeviceId(0),
            id: egui::TouchId(id),
            phase,
            pos: pos2(x, 70.0),
            force: None,
        };
        let (east, west) = (Some(Intent::East), Some(Intent::West));
        let down = |id, x| [touch(id, x, TouchPhase::Start), button(x, true)];
        let up = |id, x| [touch(id, x, TouchPhase::End), button(x, false), Event::PointerGone];
        let next = [up(0, 170.0).to_vec(), down(1, 10.0).to_vec()].concat();
        assert_eq!(asked(vec![down(0, 170.0).to_vec(), vec![], next, vec![], up(1, 10.0).to_vec()], true), [east, None, west, None]);
        // The control: of another finger than the one that it follows the interface hears no button.
        let unheard = vec![touch(1, 10.0, TouchPhase::Start)];
        assert_eq!(asked(vec![down(0, 170.0).to_vec(), vec![], unheard, vec![]], true), [east]);
    }
}
