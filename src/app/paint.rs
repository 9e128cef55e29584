//! Painting over a frozen frame: strokes over its grid of tokens say which are to be dreamed again.

use egui::{Color32, RichText, Sense, Stroke, StrokeKind, vec2};

use super::marks::Marks;
use super::panel::{UiEvent, line, slider};
use super::prompt_field::{Doubt, doubt, quiet_line, word_field};
use super::theme;
use super::tokens::Grid;
use crate::dream::SourceInfo;
use crate::input::CONTROL;

/// Largest brush, in tokens across.
const MOST_BRUSH: usize = 5;
/// Points of scrolling that widen the brush by one.
const WHEEL_NOTCH: f32 = 40.0;
/// Strokes that can be taken back.
const MOST_STROKES: usize = 64;

/// The brush and what it has painted.
pub struct PaintState {
    /// The frame stands still and is painted on.
    pub active: bool,
    /// Whether play was paused before.
    pub was_paused: bool,
    /// The tools have not been shown yet: the panel scrolls to them.
    fresh: bool,
    /// Painted tokens, row by row, and how they were before each stroke.
    tokens: Vec<bool>,
    strokes: Vec<Vec<bool>>,
    brush: usize,
    /// Part of a notch that the wheel has turned.
    wheel: f32,
    /// Where the brush was last in this stroke, in tokens.
    at: Option<[f32; 2]>,
    /// What should be there; the prompt in force where it is empty.
    pub text: String,
    /// The keys shall go to the field for that.
    pub wants_keys: bool,
    marks: Marks,
    /// Share of the tokens that stylising dreams again.
    share: f32,
    /// The painted tokens have been dreamed again: they are drawn as an outline alone, until the brush comes back.
    done: bool,
    /// That was taken back, and nothing else has been since.
    undone: bool,
}

impl Default for PaintState {
    fn default() -> Self {
        Self {
            active: false,
            was_paused: false,
            fresh: false,
            tokens: Vec::new(),
            strokes: Vec::new(),
            brush: 2,
            wheel: 0.0,
            at: None,
            text: String::new(),
            wants_keys: false,
            marks: Marks::default(),
            share: 0.6,
            done: false,
            undone: false,
        }
    }
}

impl PaintState {
    /// Begins with nothing painted.
    pub fn begin(&mut self, was_paused: bool) {
        (self.active, self.was_paused, self.fresh) = (true, was_paused, true);
        (self.done, self.undone) = (false, false);
        self.tokens.clear();
        self.strokes.clear();
    }

    fn begin_stroke(&mut self) {
        if self.strokes.len() == MOST_STROKES {
            self.strokes.remove(0);
        }
        self.strokes.push(self.tokens.clone());
        (self.at, self.done, self.undone) = (None, false, false);
    }

    /// Takes back the last stroke; not where a change that was dreamed goes first, or no stroke is left. Whether it did.
    pub fn take_back(&mut self) -> bool {
        let of_strokes = !self.done && !self.strokes.is_empty();
        if of_strokes {
            self.undo_stroke();
        }
        of_strokes
    }

    /// What was dreamed last is taken back: its strokes are there to be dreamed again, or taken back as well.
    pub fn take_back_dreamed(&mut self) {
        self.undone = std::mem::take(&mut self.done);
    }

    /// What was taken back last is done again.
    pub fn do_again(&mut self) {
        self.done |= std::mem::take(&mut self.undone);
    }

    fn undo_stroke(&mut self) {
        if let Some(before) = self.strokes.pop() {
            (self.tokens, self.done, self.undone) = (before, false, false);
        }
    }

    fn clear(&mut self) {
        self.begin_stroke();
        self.tokens.fill(false);
    }

    /// Paints, or with `erase` wipes, what lies under the brush at `at`, in tokens from the upper left corner.
    fn dab(&mut self, at: [f32; 2], grid: [usize; 2], erase: bool) {
        self.tokens.resize(grid[0] * grid[1], false);
        let reach = self.brush as f32 / 2.0 + 0.25;
        for (n, painted) in self.tokens.iter_mut().enumerate() {
            let centre = [(n % grid[0]) as f32 + 0.5, (n / grid[0]) as f32 + 0.5];
            let (dx, dy) = ((centre[0] - at[0]).abs(), (centre[1] - at[1]).abs());
            let under = dx.max(dy) <= 0.5;
            if under || dx.hypot(dy) < reach {
                *painted = !erase;
            }
        }
    }

    /// Dabs along the way from where the brush was last in this stroke: a quick hand leaves no gaps.
    fn draw_to(&mut self, at: [f32; 2], grid: [usize; 2], erase: bool) {
        let from = self.at.unwrap_or(at);
        let steps = ((at[0] - from[0]).hypot(at[1] - from[1]) * 2.0).ceil().clamp(1.0, 200.0) as usize;
        for step in 1..=steps {
            let share = step as f32 / steps as f32;
            self.dab([from[0] + (at[0] - from[0]) * share, from[1] + (at[1] - from[1]) * share], grid, erase);
        }
        self.at = Some(at);
    }

    fn any(&self) -> bool {
        self.tokens.contains(&true)
    }
}

/// The part of the panel: the way in, and the tools while painting. A prompt has at most `most_words`.
pub fn tools(ui: &mut egui::Ui, state: &mut PaintState, most_words: usize, events: &mut Vec<UiEvent>) {
    let gap = ui.spacing().item_spacing.x;
    let half = (ui.available_width() - gap) / 2.0;
    if state.active {
        line(ui, "brush", |ui| {
            ui.add(slider(&mut state.brush, 1..=MOST_BRUSH));
        })
        .on_hover_text("Tokens across; the wheel over the picture changes it too");
        let mut entered = false;
        if most_words > 0 {
            let id = egui::Id::unique("what should be there");
            if std::mem::take(&mut state.wants_keys) {
                ui.memory_mut(|memory| memory.request_focus(id));
            }
            entered = word_field(ui, id, (1, "What should be there?"), &mut state.text, &mut state.marks, most_words);
            if doubt(ui, id, &mut state.text, &mut state.marks, most_words) == Doubt::All {
                quiet_line(ui, "No word of it counts: the prompt does instead.", theme::ERROR);
            } else if state.text.trim().is_empty() {
                quiet_line(ui, "Left empty, the prompt counts", theme::QUIET);
            }
        }
        ui.horizontal(|ui| {
            let undo = egui::Button::new("Undo stroke").min_size(vec2(half, 28.0));
            if ui.add_enabled(!state.strokes.is_empty(), undo).on_hover_text(format!("{CONTROL}+Z")).clicked() {
                state.undo_stroke();
            }
            if ui.add_enabled(state.any(), egui::Button::new("Clear").min_size(vec2(half, 28.0))).clicked() {
                state.clear();
            }
        });
        let last = ui.horizontal(|ui| {
            let dream = egui::Button::new(RichText::new("Dream it").color(theme::ACCENT)).min_size(vec2(half, 28.0));
            if ui.add_enabled(state.any(), dream).clicked() || (entered && state.any()) {
                state.done = true;
                events.push(UiEvent::Repaint(state.tokens.clone(), state.text.clone()));
            }
            if ui.add_sized(vec2(half, 28.0), egui::Button::new("Play on")).on_hover_text("Esc").clicked() {
                events.push(UiEvent::Paint(false));
            }
        });
        if std::mem::take(&mut state.fresh) {
            last.response.scroll_to_me(None);
        }
    } else if ui.add_sized(vec2(ui.available_width(), 28.0), egui::Button::new("Paint over the picture ...")).clicked() {
        events.push(UiEvent::Paint(true));
    }
    ui.horizontal(|ui| {
        if ui
            .add_sized(vec2(half, 28.0), egui::Button::new("Stylise"))
            .on_hover_text("Dreams the share below of the picture again under the prompt; what comes looks like it")
            .clicked()
        {
            events.push(UiEvent::Stylise(state.share));
        }
        if ui
            .add_sized(vec2(half, 28.0), egui::Button::new("Take back"))
            .on_hover_text(format!(
                "What was there before the last change, prompt or new beginning ({CONTROL}+Z); {CONTROL}+Y does it again"
            ))
            .clicked()
        {
            events.push(UiEvent::TakeBack);
        }
    });
    line(ui, "share", |ui| {
        ui.add(slider(&mut state.share, 0.05..=1.0).custom_formatter(|share, _| format!("{:.0} %", share * 100.0)));
    })
    .on_hover_text("How much of the picture Stylise dreams again");
}

/// The grid over the picture, which lies at `rect` in points, and the brush on it.
pub fn overlay(ui: &mut egui::Ui, rect: egui::Rect, info: &SourceInfo, state: &mut PaintState) {
    let Some(grid) = Grid::of(info, rect).filter(|_| state.active) else { return };
    state.tokens.resize(grid.tokens(), false);
    let token = grid.token();
    let response = ui.interact(rect, egui::Id::unique("paint"), Sense::CLICK | Sense::DRAG);
    let erase = response.secondary_clicked() || ui.input(|i| i.pointer.secondary_down());
    // A click may begin and end between two frames.
    let clicked = response.clicked() || response.secondary_clicked();
    if (response.is_pointer_button_down_on() || clicked)
        && let Some(at) = response.interact_pointer_pos()
    {
        if ui.input(|i| i.pointer.any_pressed()) {
            state.begin_stroke();
        }
        state.draw_to([(at.x - rect.left()) / token.x, (at.y - rect.top()) / token.y], info.grid, erase);
    }
    if response.hovered() {
        // A wheel's notch is a width; a touch pad's fine steps add up to one.
        state.wheel += ui.input(|i| i.smooth_scroll_delta().y) / WHEEL_NOTCH;
        let notches = state.wheel.trunc();
        state.wheel -= notches;
        state.brush = (state.brush as f32 + notches).clamp(1.0, MOST_BRUSH as f32) as usize;
    }
    let painter = ui.painter_at(rect.expand(2.0));
    for n in (0..state.tokens.len()).filter(|&n| state.tokens[n] && !state.done) {
        painter.rect_filled(grid.cell(n), 0, theme::ACCENT.gamma_multiply(0.42));
    }
    grid.draw(&painter, Stroke::new(1.0, Color32::from_white_alpha(if state.done { 10 } else { 26 })));
    outline(&painter, state, grid);
    painter.rect_stroke(rect, 0, Stroke::new(1.5, theme::ACCENT.gamma_multiply(0.7)), StrokeKind::Outside);
    if let Some(at) = response.hover_pos() {
        let reach = state.brush as f32 / 2.0 * token.x;
        painter.circle_stroke(at, reach.max(token.x / 2.0), Stroke::new(1.5, Color32::from_white_alpha(170)));
    }
}

/// The border of what is painted.
fn outline(painter: &egui::Painter, state: &PaintState, grid: Grid) {
    let (columns, rows) = (grid.columns, grid.rows);
    let edge = Stroke::new(1.5, theme::ACCENT.gamma_multiply(if state.done { 0.35 } else { 0.9 }));
    let painted = |x: i64, y: i64| {
        (0..columns as i64).contains(&x) && (0..rows as i64).contains(&y) && state.tokens[y as usize * columns + x as usize]
    };
    for n in (0..state.tokens.len()).filter(|&n| state.tokens[n]) {
        let (x, y, r) = ((n % columns) as i64, (n / columns) as i64, grid.cell(n));
        let sides = [
            ((x, y - 1), [r.left_top(), r.right_top()]),
            ((x, y + 1), [r.left_bottom(), r.right_bottom()]),
            ((x - 1, y), [r.left_top(), r.left_bottom()]),
            ((x + 1, y), [r.right_top(), r.right_bottom()]),
        ];
        for (_, side) in sides.into_iter().filter(|((x, y), _)| !painted(*x, *y)) {
            painter.line_segment(side, edge);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(state: &PaintState) -> Vec<usize> {
        (0..state.tokens.len()).filter(|&n| state.tokens[n]).collect()
    }

    #[test]
    fn brushes_reach_as_far_as_they_are_wide_and_strokes_can_be_taken_back() {
        let mut state = PaintState { brush: 1, ..PaintState::default() };
        state.begin(false);
        state.begin_stroke();
        state.dab([1.5, 1.5], [5, 3], false);
        assert_eq!(painted(&state), [6]);
        state.brush = 3;
        state.begin_stroke();
        state.dab([3.5, 1.5], [5, 3], false);
        assert_eq!(painted(&state), [2, 3, 4, 6, 7, 8, 9, 12, 13, 14]);
        state.dab([3.5, 1.5], [5, 3], true);
        assert_eq!(painted(&state), [6], "wiped in the same stroke");
        state.clear();
        assert!(!state.any());
        state.undo_stroke();
        assert_eq!(painted(&state), [6]);
        state.undo_stroke();
        assert_eq!(painted(&state), [6]);
        state.undo_stroke();
        assert!(!state.any());
        // A quick stroke from one side to the other leaves no gap, and does not go on from the stroke before.
        state.brush = 1;
        state.begin_stroke();
        state.draw_to([0.5, 0.5], [5, 3], false);
        state.draw_to([4.5, 0.5], [5, 3], false);
        assert_eq!(painted(&state), [0, 1, 2, 3, 4]);
        state.begin_stroke();
        state.draw_to([2.5, 2.5], [5, 3], false);
        assert_eq!(painted(&state), [0, 1, 2, 3, 4, 12]);
        // What was dreamed goes before the strokes it was dreamed of, and where none is left nothing of them is taken back.
        state.done = true;
        assert_eq!([(); 2].map(|()| state.take_back()), [false, false], "until that is asked for");
        state.take_back_dreamed();
        state.do_again();
        assert!(!state.take_back(), "nor once it was done again");
        state.take_back_dreamed();
        assert_eq!([(); 3].map(|()| state.take_back()), [true, true, false]);
        state.do_again();
        assert!(!state.done, "strokes were taken back since");
        assert!(!state.any());
        // In the corner of a token, and outside the picture.
        state.dab([0.02, 0.02], [5, 3], false);
        assert_eq!(painted(&state), [0]);
        state.dab([-9.0, 40.0], [5, 3], false);
        assert_eq!(painted(&state), [0]);
    }
}
