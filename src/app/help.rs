//! All that keys and pad do, over the picture, as the bindings have it.

use std::sync::Arc;

use egui::{FontId, Galley, Id, LayerId, Order, Rect, Vec2, vec2};

use super::panel::UiState;
use super::theme;
use crate::dream::{Drive, Intent};
use crate::input::{Action, Bindings, CONTROL, Command, Hand};
use crate::worlds::words::Dial;

/// Size of letters, and what lies between columns, between rows and around all, in points; all of it smaller where there is less room.
const LETTERS: f32 = 13.5;
const BETWEEN: Vec2 = vec2(22.0, 7.0);
const MARGIN: f32 = 18.0;
/// What of that is left where there is no room at all.
const LEAST_SCALE: f32 = 0.08;
/// Letters do not shrink by just as much as they are asked to: it is tried again so often, with so much to spare.
const TRIES: usize = 5;
const SPARE: f32 = 0.98;
/// Where in a row it says what is done, by which keys, and by which controls of a pad.
const WHAT: usize = 0;
const KEYS: usize = 1;
const CONTROLS: usize = 2;

const COMMANDS: [(Command, &str); 19] = [
    (Command::Surprise, "a surprise: several at once"),
    (Command::Prompt, "type a prompt"),
    (Command::NextPrompt, "another prompt, of the queue or the suggestions; with Shift the one before"),
    (Command::Panel, "panel: prompt, pictures, painting, actions, dreaming"),
    (Command::View, "see it from within, or from above; within, Shift with left or right steps aside"),
    (Command::Stroll, "let it walk by itself, until you take a step"),
    (Command::Map, "map of all the land that was seen"),
    (Command::Screenshot, "save the picture, or the map"),
    (Command::Keep, "save the last twenty seconds"),
    (Command::Pause, "pause, or go on"),
    (Command::Step, "one frame at a time"),
    (Command::Reset, "begin again"),
    (Command::NewSeed, "another world, of the prompt if there is one"),
    (Command::TakeBack, "take back a change, a prompt, or a new beginning"),
    (Command::Redo, "do again what was taken back"),
    (Command::Sound, "silent, or to be heard again"),
    (Command::Hud, "figures: frames a second, milliseconds, engine, seed"),
    (Command::Fullscreen, "full screen, or a window again"),
    (Command::Help, "these lines"),
];

const RIGHT_STICK: &str = "Right stick";

/// What no table changes, with Ctrl for what is held.
const FIXED: [[&str; 2]; 6] = [
    ["Esc", "leave these lines, the map, painting, the panel, or full screen"],
    ["Ctrl Z, Ctrl Y", "take back, and do again what was taken back"],
    ["Ctrl C, Ctrl V", "copy the picture, begin with the one that was copied"],
    ["Arrows, + - 0", "on the map: look around, come nearer or go further away, all of it"],
    ["F6", "the panel by keys: Tab and arrows go on, Space presses, Escape leads back"],
    ["Ctrl Q", "close; the dream is kept"],
];
/// The same on macOS alone.
const FIXED_ON_MACOS: [&str; 2] = ["Ctrl Cmd F", "full screen, or a window again"];

/// The same of pads.
const FIXED_ON_PADS: [[&str; 2]; 3] = [
    ["Right stick, D-pad", "from within: left and right look around, or step aside"],
    ["D-pad, A (cross), B (circle)", "in the panel: from control to control, press, close it"],
    ["Left stick, triggers", "on the map: look around, come nearer or go further away"],
];

/// Rows of what no table changes, where what is held has this name.
fn fixed(control: &str) -> impl Iterator<Item = [String; 3]> {
    let on_macos = (control == "Cmd").then(|| FIXED_ON_MACOS.map(str::to_owned));
    let everywhere = FIXED.into_iter().map(move |[keys, what]| [keys.replace("Ctrl", control), what.to_owned()]);
    everywhere.chain(on_macos).map(|[keys, what]| [what, keys, String::new()])
}

/// What is done, by which keys, and where there is a pad by which of its controls; only what is bound, and does not stand among the `vain`.
fn rows(bindings: &Bindings, pad: bool, vain: &[Command]) -> Vec<[String; 3]> {
    let [keys, pads] = walk(bindings);
    let command = |(command, what): &(Command, &str)| {
        let action = Action::Command(*command);
        [(*what).to_owned(), bindings.keys_of(action).join(", "), bindings.pads_of(action).join(", ")]
    };
    let by_hand = ["walk".to_owned(), keys.join(", "), pads.join(", ")];
    let rows = [by_hand, dials(bindings)].into_iter().chain(COMMANDS.iter().filter(|(command, _)| !vain.contains(command)).map(command));
    rows.filter(|[_, keys, control]| !keys.is_empty() || (pad && !control.is_empty())).collect()
}

/// What does nothing here.
fn in_vain(state: &UiState) -> Vec<Command> {
    let of_pictures = [Command::Screenshot, Command::Keep].into_iter().filter(|_| !state.venue.keeps_pictures);
    let of_a_kiosk = state.venue.kiosk.then_some(Command::Fullscreen);
    // Nobody is to stay there for long.
    let of_an_event = state.venue.event.then_some(Command::Stroll);
    of_pictures.chain(of_a_kiosk).chain(of_an_event).collect()
}

/// What one walks by: "W A S D", "arrows"; "left stick", "d-pad".
pub fn walk(bindings: &Bindings) -> [Vec<String>; 2] {
    let walk = [Intent::North, Intent::West, Intent::South, Intent::East].map(|intent| Action::Drive(Drive::Intent(intent)));
    // The shortest names first.
    let keys = walk.map(|action| bindings.keys_of(action));
    let most = keys.iter().map(Vec::len).max().unwrap_or(0);
    let hand = |hand: usize| match keys.iter().filter_map(|keys| Some(keys.get(hand)?.as_str())).collect::<Vec<_>>().as_slice() {
        ["Up", "Left", "Down", "Right"] => "arrows".to_owned(),
        names => names.join(" "),
    };
    let pads = walk.iter().flat_map(|action| bindings.pads_of(*action)).collect::<Vec<_>>();
    let parts = [("Left stick", "left stick"), ("D-pad", "d-pad")];
    let parts = parts.into_iter().filter(|(part, _)| pads.iter().any(|pad| pad.starts_with(part))).map(|(_, name)| name.to_owned());
    [(0..most).map(hand).collect(), parts.collect()]
}

/// What one walks by who looks from within, and what one turns by: "W S", "A D".
pub fn walk_within(bindings: &Bindings) -> [String; 2] {
    [[Intent::North, Intent::South], [Intent::West, Intent::East]].map(|ways| {
        // The shortest name.
        let key = |way: Intent| bindings.keys_of(Action::Drive(Drive::Intent(way))).into_iter().next();
        ways.into_iter().filter_map(key).collect::<Vec<_>>().join(" ")
    })
}

/// What turns parts of the prompt.
fn dials(bindings: &Bindings) -> [String; 3] {
    let all = Dial::ALL.map(|dial| Action::Command(Command::Turn(dial)));
    let keys = all.map(|action| bindings.keys_of(action)).concat().join(" ");
    let pads = all.map(|action| bindings.pads_of(action)).concat();
    let pads =
        if pads.iter().all(|pad| pad.starts_with(RIGHT_STICK)) && !pads.is_empty() { RIGHT_STICK.to_owned() } else { pads.join(", ") };
    [format!("another {}; with Shift the one before", Dial::ALL.map(Dial::name).join(", ")), keys, pads]
}

/// Draws them in the middle of `area`, as large as there is room; a pad's column only where there is one.
/// At an event visitors are not told what does not work there.
pub fn show(ctx: &egui::Context, area: Rect, state: &UiState) {
    let pad = state.hand == Hand::Pad;
    let fixed = fixed(CONTROL).filter(|_| !state.venue.event);
    let on_pads = FIXED_ON_PADS.iter().filter(|_| pad).map(|[control, what]| [*what, "", *control].map(str::to_owned));
    let rows: Vec<[String; 3]> = rows(&state.bindings, pad, &in_vain(state)).into_iter().chain(on_pads).chain(fixed).collect();
    // What is shown stands above the world and below what just happened.
    let painter = ctx.layer_painter(LayerId::new(Order::Middle, Id::unique("help")));
    let lay_out = |scale: f32| -> Vec<Vec<Arc<Galley>>> {
        let column = |at: usize| -> Vec<Arc<Galley>> {
            let color = if at == WHAT { theme::TEXT } else { theme::ACCENT };
            let cell = |row: &[String; 3]| painter.layout_no_wrap(row[at].clone(), FontId::proportional(LETTERS * scale), color);
            rows.iter().map(cell).collect()
        };
        [KEYS, CONTROLS, WHAT].into_iter().filter(|&at| pad || at != CONTROLS).map(column).collect()
    };
    let (mut scale, mut columns) = (1.0, lay_out(1.0));
    for _ in 0..TRIES {
        let fits = (area.size() / size_of(&columns, scale)).min_elem();
        if fits >= 1.0 {
            break;
        }
        scale = (scale * fits * SPARE).max(LEAST_SCALE);
        columns = lay_out(scale);
    }
    let plate = Rect::from_center_size(area.center(), size_of(&columns, scale));
    painter.rect_filled(plate, 10, theme::PLATE);
    let mut corner = plate.min + Vec2::splat(MARGIN * scale);
    let height = row_height(&columns) + BETWEEN.y * scale;
    for column in columns {
        let width = width_of(&column);
        for (row, cell) in column.into_iter().enumerate() {
            painter.galley(corner + vec2(0.0, row as f32 * height), cell, theme::TEXT);
        }
        corner.x += width + BETWEEN.x * scale;
    }
}

fn width_of(column: &[Arc<Galley>]) -> f32 {
    column.iter().map(|cell| cell.size().x).fold(0.0, f32::max)
}

fn row_height(columns: &[Vec<Arc<Galley>>]) -> f32 {
    columns.iter().flatten().map(|cell| cell.size().y).fold(0.0, f32::max)
}

/// Room that columns of cells take, with what lies between and around them.
fn size_of(columns: &[Vec<Arc<Galley>>], scale: f32) -> Vec2 {
    let rows = columns.first().map_or(0, Vec::len) as f32;
    let cells = vec2(columns.iter().map(|column| width_of(column)).sum(), rows * row_height(columns));
    let between = vec2(columns.len() as f32 - 1.0, rows - 1.0) * BETWEEN;
    cells + (between + Vec2::splat(2.0 * MARGIN)) * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::Venue;
    use crate::dream::runner::Rate;
    use crate::engine::DecodeSettings;

    #[test]
    fn every_command_has_its_line_and_what_is_bound_to_nothing_has_none() {
        let rows_of = |bindings: &Bindings| rows(bindings, true, &[]);
        let all = rows_of(&Bindings::default());
        assert_eq!(all.len(), 2 + COMMANDS.len());
        assert_eq!(all[1], ["another land, light, weather, season, style; with Shift the one before", "1 2 3 4 5", "Right stick"]);
        assert_eq!(all[0][1..], ["W A S D, arrows", "left stick, d-pad"]);
        let line = |what: &str| all.iter().find(|row| row[0].contains(what)).unwrap_or_else(|| panic!("{what} in {all:?}"));
        assert_eq!(line("panel")[1..], ["Tab", "Y (triangle)"]);
        assert_eq!(line("full screen")[1..], ["F11", ""]);
        let few = Bindings::parse("[keys]\nKeyQ = \"panel\"\nDigit9 = \"panel\"").expect("a table");
        assert_eq!(rows_of(&few), [["panel: prompt, pictures, painting, actions, dreaming", "9, Q", ""]]);
    }

    /// At home, or in the hall of an event.
    fn state(event: bool) -> UiState {
        let mut state = UiState::new(DecodeSettings::LEAST, Rate::Own, Arc::default());
        state.venue = Venue { event, kiosk: event, keeps_pictures: !event, ..Venue::default() };
        state
    }

    #[test]
    fn what_no_table_changes_is_named_as_on_each_system() {
        for control in ["Ctrl", "Cmd"] {
            let keys: Vec<String> = fixed(control).map(|[_, keys, _]| keys).collect();
            let named = |name: &str| keys.iter().any(|keys| keys == name);
            let macos = control == "Cmd";
            assert_eq!((named("Ctrl Z, Ctrl Y"), named("Cmd Z, Cmd Y"), named("Ctrl Cmd F")), (!macos, macos, macos), "{keys:?}");
        }
    }

    #[test]
    fn what_has_no_key_here_or_does_nothing_is_left_out() {
        let done = |pad: bool, vain: &[Command]| {
            rows(&Bindings::default(), pad, vain).into_iter().map(|[what, ..]| what).collect::<Vec<_>>().join("\n")
        };
        let of_pads = "do again what was taken back";
        assert!(done(true, &[]).contains(of_pads) && !done(false, &[]).contains(of_pads));
        let mut event = state(true);
        let (home, hall) = (done(false, &in_vain(&state(false))), done(false, &in_vain(&event)));
        for what in ["save the picture", "save the last", "full screen", "walk by itself"] {
            assert!(home.contains(what) && !hall.contains(what), "{what}: {hall}");
        }
        event.venue.keeps_pictures = true;
        assert!(done(false, &in_vain(&event)).contains("save the picture"));
    }

    #[test]
    fn all_lines_are_to_be_seen_in_any_window() {
        let shown = |size: Vec2, pad: bool| {
            let area = Rect::from_min_size(egui::Pos2::ZERO, size);
            let mut state = state(false);
            state.hand = if pad { Hand::Pad } else { Hand::Keys };
            let input = egui::RawInput { screen_rect: Some(area), ..Default::default() };
            let mut output = egui::Context::default().run_ui(input, |ui| show(ui.ctx(), area, &state));
            output.textures_delta.clear();
            let text = |shape: egui::epaint::ClippedShape| match shape.shape {
                egui::Shape::Text(text) if !text.galley.text().is_empty() => Some((text.galley.rect.translate(text.pos.to_vec2()), text)),
                _ => None,
            };
            let texts: Vec<_> = output.shapes.into_iter().filter_map(text).collect();
            let letters = texts.iter().map(|(_, text)| text.galley.job.sections[0].format.font_id.size).fold(0.0, f32::max);
            (texts.len(), texts.iter().all(|(rect, _)| area.contains_rect(*rect)), letters)
        };
        for pad in [false, true] {
            let (cells, fits, letters) = shown(vec2(1024.0, 1000.0), pad);
            assert!(fits && letters == LETTERS && cells > 2 * COMMANDS.len(), "{cells} cells, letters of {letters}");
            // Letters 1.8 times as large in the window that it opens with, and the smallest window there can be.
            for size in [vec2(1024.0, 720.0) / 1.8, vec2(320.0, 240.0)] {
                let (all, fits, smaller) = shown(size, pad);
                assert!(all == cells && fits && smaller < LETTERS, "{size}: {all} of {cells} cells, letters of {smaller}");
            }
        }
    }
}
