//! All that keys and pad do, over the picture, as the bindings have it.

use egui::{Align2, Grid, RichText};

use super::theme;
use crate::dream::{Drive, Intent};
use crate::input::{Action, Bindings, Command};
use crate::worlds::words::Dial;

const COMMANDS: [(Command, &str); 17] = [
    (Command::Surprise, "a surprise: several at once"),
    (Command::Prompt, "type a prompt"),
    (Command::NextPrompt, "another prompt, of the queue or the suggestions"),
    (Command::Panel, "panel: prompt, pictures, painting, actions, dreaming"),
    (Command::View, "see it from within, or from above; within, Shift with left or right steps aside"),
    (Command::Map, "map of all the land that was seen"),
    (Command::Screenshot, "save the picture, or the map"),
    (Command::Keep, "save the last twenty seconds"),
    (Command::Pause, "pause, or go on"),
    (Command::Step, "one frame at a time"),
    (Command::Reset, "begin again"),
    (Command::NewSeed, "another world, of the prompt if there is one"),
    (Command::TakeBack, "take back a change, a prompt, or a new beginning"),
    (Command::Redo, "do again what was taken back"),
    (Command::Hud, "figures: frames a second, milliseconds, engine, seed"),
    (Command::Fullscreen, "full screen, or a window again"),
    (Command::Help, "these lines"),
];

const RIGHT_STICK: &str = "Right stick";

/// What no table changes.
const FIXED: [[&str; 2]; 5] = [
    ["Esc", "leave these lines, the map, painting, or full screen"],
    ["Ctrl Z, Ctrl Y", "take back, and do again what was taken back"],
    ["Ctrl C, Ctrl V", "copy the picture, begin with the one that was copied"],
    ["F6", "the panel by keys: Tab and arrows go on, Space presses, Escape leads back"],
    ["Ctrl Q", "close; the dream is kept"],
];

/// The same of pads.
const FIXED_ON_PADS: [[&str; 2]; 3] = [
    ["Right stick, D-pad", "from within: left and right look around, or step aside"],
    ["D-pad, A (cross), B (circle)", "in the panel: from control to control, press, close it"],
    ["Left stick, triggers", "on the map: look around, come nearer or go further away"],
];

/// What is done, by which keys, and by which controls of a pad; only what is bound.
fn rows(bindings: &Bindings) -> Vec<[String; 3]> {
    let [keys, pads] = walk(bindings);
    let command = |(command, what): &(Command, &str)| {
        let action = Action::Command(*command);
        [(*what).to_owned(), bindings.keys_of(action).join(", "), bindings.pads_of(action).join(", ")]
    };
    let by_hand = ["walk".to_owned(), keys.join(", "), pads.join(", ")];
    let rows = [by_hand, dials(bindings)].into_iter().chain(COMMANDS.iter().map(command));
    rows.filter(|[_, keys, pad]| !(keys.is_empty() && pad.is_empty())).collect()
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

/// What turns parts of the prompt.
fn dials(bindings: &Bindings) -> [String; 3] {
    let all = Dial::ALL.map(|dial| Action::Command(Command::Turn(dial)));
    let keys = all.map(|action| bindings.keys_of(action)).concat().join(" ");
    let pads = all.map(|action| bindings.pads_of(action)).concat();
    let pads =
        if pads.iter().all(|pad| pad.starts_with(RIGHT_STICK)) && !pads.is_empty() { RIGHT_STICK.to_owned() } else { pads.join(", ") };
    [format!("another {}; with Shift the one before", Dial::ALL.map(Dial::name).join(", ")), keys, pads]
}

/// Draws them in the middle of `area`; a pad's column only where there is one.
/// At an event visitors are not told what does not work there.
pub fn show(ctx: &egui::Context, area: egui::Rect, bindings: &Bindings, pad: bool, event: bool) {
    let fixed = FIXED.iter().filter(|_| !event).map(|[keys, what]| [*what, *keys, ""].map(str::to_owned));
    let on_pads = FIXED_ON_PADS.iter().filter(|_| pad).map(|[control, what]| [*what, "", *control].map(str::to_owned));
    let off = area.center() - ctx.content_rect().center();
    let plate = egui::Frame::new().fill(theme::PLATE).corner_radius(10).inner_margin(18.0);
    let lines =
        egui::Area::new(egui::Id::unique("help")).order(egui::Order::Foreground).anchor(Align2::CENTER_CENTER, off).interactable(false);
    lines.show(ctx, |ui| {
        plate.show(ui, |ui| {
            Grid::new("help").num_columns(3).min_row_height(0.0).spacing([22.0, 7.0]).show(ui, |ui| {
                for [what, keys, control] in rows(bindings).into_iter().chain(on_pads).chain(fixed) {
                    ui.label(RichText::new(keys).color(theme::ACCENT));
                    if pad {
                        ui.label(RichText::new(control).color(theme::ACCENT));
                    }
                    ui.label(RichText::new(what).color(theme::TEXT));
                    ui.end_row();
                }
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_line_and_what_is_bound_to_nothing_has_none() {
        let rows_of = |bindings: &Bindings| rows(bindings);
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
}
