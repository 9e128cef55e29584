//! How it was dreamed: the tokens of the newest frame, in figures and over the picture, by the step that settled each and how sure the network was.

use egui::{Color32, Rect, RichText, Sense, Stroke, StrokeKind, Tooltip, Vec2, pos2, vec2};

use super::panel::UiEvent;
use super::prompt_field::quiet_line;
use super::theme;
use crate::dream::SourceInfo;
use crate::dream::account::Account;
use crate::engine::Settled;

/// This step and those behind it look alike.
const LATER: u8 = 5;
/// How much of its colour a token has of which the network is sure, in the first step and elsewhere, and how much more where it is not.
const LEAST_TINTS: [f32; 2] = [0.06, 0.3];
const MORE_TINT: f32 = 0.5;

/// The tokens of a picture from above that stands at `rect`, in points: `columns` times `rows` of them, row by row.
#[derive(Clone, Copy)]
pub struct Grid {
    pub rect: Rect,
    pub columns: usize,
    pub rows: usize,
}

impl Grid {
    /// None where there are no tokens, or no room for them.
    pub fn of(info: &SourceInfo, rect: Rect) -> Option<Self> {
        let [columns, rows] = info.grid;
        (columns * rows > 0 && rect.is_positive()).then_some(Self { rect, columns, rows })
    }

    pub fn tokens(&self) -> usize {
        self.columns * self.rows
    }

    /// Size of one.
    pub fn token(&self) -> Vec2 {
        self.rect.size() / vec2(self.columns as f32, self.rows as f32)
    }

    pub fn cell(&self, n: usize) -> Rect {
        let place = vec2((n % self.columns) as f32, (n / self.columns) as f32);
        Rect::from_min_size(self.rect.min + place * self.token(), self.token())
    }

    /// The lines between them.
    pub fn draw(&self, painter: &egui::Painter, stroke: Stroke) {
        let Self { rect, columns, rows } = *self;
        for column in 1..columns {
            let x = rect.left() + column as f32 * self.token().x;
            painter.line_segment([pos2(x, rect.top()), pos2(x, rect.bottom())], stroke);
        }
        for row in 1..rows {
            let y = rect.top() + row as f32 * self.token().y;
            painter.line_segment([pos2(rect.left(), y), pos2(rect.right(), y)], stroke);
        }
    }
}

/// The part of the panel: whether they are shown and, where they are, what of the newest frame.
pub fn show(ui: &mut egui::Ui, info: &SourceInfo, account: Option<&Account>, shown: &mut bool, events: &mut Vec<UiEvent>) {
    let hint = "From above, in the colour of the step that settled each, the stronger the less sure; meanwhile the view does not glide";
    if ui.checkbox(shown, "Show tokens on the picture").on_hover_text(hint).changed() {
        events.push(UiEvent::Tokens);
    }
    if !*shown {
        return;
    }
    let Some(account) = account else {
        return quiet_line(ui, "Of this frame nothing is known: it was shown, or is remembered", theme::QUIET);
    };
    let steps = by_step(&account.settled);
    ui.horizontal_wrapped(|ui| {
        for &(step, _) in steps.iter().filter(|(step, _)| *step < LATER) {
            entry(ui, step, &name(step));
        }
        if steps.iter().any(|(step, _)| *step >= LATER) {
            entry(ui, LATER, "later");
        }
    });
    quiet_line(ui, &figures(account), theme::QUIET);
    let look = info.grid[0] * info.grid[1];
    if account.settled.len() > look {
        quiet_line(ui, &format!("The look: {}", about(account, look)), theme::QUIET);
    }
}

/// The tokens over the picture, which stands at `rect` in points, and what there is to say of the one that is pointed at.
pub fn overlay(ui: &mut egui::Ui, rect: Rect, info: &SourceInfo, account: &Account) {
    let Some(grid) = Grid::of(info, rect).filter(|grid| grid.tokens() <= account.settled.len()) else { return };
    let painter = ui.painter_at(rect);
    for (n, token) in account.settled[..grid.tokens()].iter().enumerate() {
        let unsure = 1.0 - f32::from(token.odds) / 255.0;
        let least = LEAST_TINTS[usize::from(token.step != 1)];
        painter.rect_filled(grid.cell(n), 0, color(token.step).gamma_multiply(least + MORE_TINT * unsure));
    }
    grid.draw(&painter, Stroke::new(1.0, Color32::from_white_alpha(26)));
    let response = ui.interact(rect, egui::Id::unique("tokens"), Sense::hover());
    let pointed_at = response.hover_pos().and_then(|at| (0..grid.tokens()).find(|&n| grid.cell(n).contains(at)));
    if let Some(n) = pointed_at {
        painter.rect_stroke(grid.cell(n), 0, Stroke::new(1.5, Color32::WHITE), StrokeKind::Inside);
        Tooltip::for_widget(&response).at_pointer().gap(12.0).show(|ui| ui.label(about(account, n)));
    }
}

/// One colour a step, those of the codes; the quiet one is what was given.
fn color(step: u8) -> Color32 {
    theme::code_color(step.min(LATER))
}

/// An entry of the legend.
fn entry(ui: &mut egui::Ui, step: u8, name: &str) {
    let (rect, _) = ui.allocate_exact_size(Vec2::splat(9.0), Sense::hover());
    ui.painter().rect_filled(rect, 2, color(step));
    ui.label(RichText::new(name).size(11.5).color(theme::QUIET));
}

fn name(step: u8) -> String {
    if step == 0 { "given".to_owned() } else { format!("step {step}") }
}

/// How many tokens each step settled that settled any, in order.
fn by_step(settled: &[Settled]) -> Vec<(u8, usize)> {
    let last = settled.iter().map(|token| token.step).max().unwrap_or(0);
    let count = |step: u8| settled.iter().filter(|token| token.step == step).count();
    (0..=last).map(|step| (step, count(step))).filter(|(_, count)| *count > 0).collect()
}

/// The frame in one line.
fn figures(account: &Account) -> String {
    let mut told = format!("{} tokens", account.settled.len());
    let mut settled = "settled in step ";
    for (step, count) in by_step(&account.settled) {
        if step == 0 {
            told += &format!(", {count} given");
        } else {
            told += &format!(", {count} {settled}{step}");
            settled = "in ";
        }
    }
    let least = account.settled.iter().map(|token| token.odds).min().unwrap_or(0);
    told + &format!("; least sure {}", percent(least))
}

/// A token in one line.
fn about(account: &Account, n: usize) -> String {
    let Settled { step, odds } = account.settled[n];
    let how = if step == 0 { name(step) } else { format!("{}, {} sure", name(step), percent(odds)) };
    let number = account.number(n).map_or_else(String::new, |number| format!(" {number}"));
    let levels: Vec<String> = account.levels(n).iter().map(u8::to_string).collect();
    format!("{how}, token{number}: levels {}", levels.join(" "))
}

/// A share of 255.
fn percent(odds: u8) -> String {
    match (f32::from(odds) / 2.55).round() {
        0.0 => "under 1 %".to_owned(),
        share => format!("{share:.0} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_told_in_one_line() {
        let token = |step, odds| Settled { step, odds };
        let account = |settled: Vec<Settled>| Account { codes: vec![1; 2 * settled.len()], settled, code_levels: 5 };
        let played = account([vec![token(1, 250); 54], vec![token(2, 200); 7], vec![token(3, 31), token(3, 90)]].concat());
        assert_eq!(figures(&played), "63 tokens, 54 settled in step 1, 7 in 2, 2 in 3; least sure 12 %");
        let painted = account(vec![Settled::GIVEN, token(4, 0), Settled::GIVEN]);
        assert_eq!(figures(&painted), "3 tokens, 2 given, 1 settled in step 4; least sure under 1 %");
        assert_eq!(about(&painted, 0), "given, token 6: levels 1 1");
        assert_eq!(about(&painted, 1), "step 4, under 1 % sure, token 6: levels 1 1");
    }

    #[test]
    fn steps_have_colours_of_their_own_up_to_those_that_are_late() {
        let colors: Vec<Color32> = (0..=9).map(color).collect();
        let different = |step: usize| colors[..step].iter().all(|other| *other != colors[step]);
        assert!((1..=5).all(different) && colors[6..].iter().all(|later| *later == colors[5]), "{colors:?}");
    }
}
