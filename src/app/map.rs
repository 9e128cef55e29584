//! The map over the picture: all the land that is remembered, to look around in and to keep. The world stands still meanwhile.

use std::sync::Arc;

use egui::{Color32, Event, Key, Pos2, Rect, Sense, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};

use super::theme;
use crate::dream::chart::Chart;
use crate::input::pad::Push;

/// Points a pixel of the map is shown with, at least and at most.
const ZOOM: std::ops::RangeInclusive<f32> = 0.125..=8.0;
/// Points of scrolling that double it.
const WHEEL_OCTAVE: f32 = 200.0;
/// What a pad that is pushed all the way does in a second: points that the map moves, and how often it doubles.
const PUSH_SPEED: f32 = 480.0;
const PUSH_OCTAVES: f32 = 1.5;
/// How often a key that brings it nearer doubles it.
const KEY_OCTAVES: f32 = 0.5;
/// However slow a pass was, a map does not leap.
const LONGEST_PASS_SECS: f32 = 0.1;
/// Space around a map that fits.
const MARGIN: f32 = 28.0;
/// The flag where the dream began, in points.
const FLAG: Vec2 = vec2(9.0, 14.0);
/// A saved map is enlarged no more.
const MOST_SCALE: u32 = 4;

/// What is shown of the map.
#[derive(Default)]
pub struct MapState {
    /// It is on the screen, or on its way there.
    pub open: bool,
    /// Whether play was paused before.
    pub was_paused: bool,
    /// How pads push it.
    pub push: Push,
    chart: Option<Arc<Chart>>,
    texture: Option<egui::TextureHandle>,
    /// Points a pixel, and what of the map is in the middle, in pixels; as much as fits where nobody has moved it yet.
    view: Option<(f32, Vec2)>,
}

impl MapState {
    pub fn begin(&mut self, was_paused: bool) {
        *self = Self { open: true, was_paused, ..Self::default() };
    }

    /// Shows this one, if somebody still wants to see it.
    pub fn show(&mut self, chart: Chart) {
        if self.open {
            (self.chart, self.texture) = (Some(Arc::new(chart)), None);
        }
    }

    /// Forgets textures of a device that is gone.
    pub fn clear(&mut self) {
        self.texture = None;
    }

    /// What there is to save, and how much larger it is saved than it is.
    pub fn to_save(&self) -> Option<(Arc<Chart>, u32)> {
        let chart = self.chart.as_ref().filter(|_| self.open)?;
        Some((chart.clone(), chart.saved_scale(MOST_SCALE)))
    }
}

/// Points a pixel at which all of the map is in `area`; whole pixels where they can be.
fn fitting(chart: &Chart, area: Rect) -> f32 {
    let room = (area.size() - Vec2::splat(2.0 * MARGIN)).max(Vec2::splat(1.0));
    let zoom = (room.x / chart.width_px as f32).min(room.y / chart.height_px as f32);
    if zoom >= 1.0 { zoom.floor().min(3.0) } else { zoom.max(*ZOOM.start()) }
}

/// What keys ask for that look around on the map.
#[derive(Default)]
struct Keys {
    right: f32,
    down: f32,
    /// How many notches nearer.
    nearer: f32,
    /// As much as fits, as at first.
    fits: bool,
}

impl Keys {
    /// Those that are pressed, unless they are meant for a field or a button.
    fn of(ui: &egui::Ui) -> Self {
        if ui.memory(|memory| memory.focused().is_some()) {
            return Self::default();
        }
        ui.input(|i| {
            let down = |key: Key| f32::from(i.key_down(key));
            let presses = |keys: &[Key]| {
                let is_one = |event: &&Event| {
                    matches!(event, Event::Key { key, pressed: true, modifiers, .. } if keys.contains(key) && !modifiers.command)
                };
                i.events.iter().filter(is_one).count()
            };
            Self {
                right: down(Key::ArrowRight) - down(Key::ArrowLeft),
                down: down(Key::ArrowDown) - down(Key::ArrowUp),
                nearer: presses(&[Key::Plus, Key::Equals]) as f32 - presses(&[Key::Minus]) as f32,
                fits: presses(&[Key::Num0]) > 0,
            }
        })
    }
}

/// Draws the map over `area`, where the picture and all around it is, and follows wheel, pointer, keys and pads.
pub fn overlay(ui: &mut egui::Ui, area: Rect, state: &mut MapState) {
    if !state.open {
        return;
    }
    let painter = ui.painter_at(area);
    painter.rect_filled(area, 0.0, theme::WELL);
    let Some(chart) = &state.chart else {
        painter.text(area.center(), egui::Align2::CENTER_CENTER, "Drawing the map ...", egui::FontId::proportional(17.0), theme::QUIET);
        return;
    };
    let size = [chart.width_px, chart.height_px];
    let texture = state.texture.get_or_insert_with(|| {
        let image = egui::ColorImage::from_rgba_unmultiplied(size, &chart.rgba);
        ui.ctx().load_texture("map", image, egui::TextureOptions::NEAREST)
    });
    let whole = vec2(size[0] as f32, size[1] as f32);
    let keys = Keys::of(ui);
    if keys.fits {
        state.view = None;
    }
    let (mut zoom, mut middle) = state.view.unwrap_or_else(|| (fitting(chart, area), whole / 2.0));
    let response = ui.interact(area, egui::Id::unique("map"), Sense::DRAG);
    middle -= response.drag_delta() / zoom;
    if let Some(at) = response.hover_pos() {
        // A wheel, or two fingers.
        let (turned, pinched) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
        let before = zoom;
        zoom = (zoom * pinched * (turned / WHEEL_OCTAVE).exp2()).clamp(*ZOOM.start(), *ZOOM.end());
        // What is under the pointer stays there.
        let off = at - area.center();
        middle += off / before - off / zoom;
    }
    let Push { right, down, nearer } = state.push;
    let push = Push { right: right + keys.right, down: down + keys.down, nearer };
    let pushed = push != Push::default() || keys.nearer != 0.0;
    if pushed {
        let secs = ui.input(|i| i.stable_dt).min(LONGEST_PASS_SECS);
        let octaves = push.nearer * PUSH_OCTAVES * secs + keys.nearer * KEY_OCTAVES;
        zoom = (zoom * octaves.exp2()).clamp(*ZOOM.start(), *ZOOM.end());
        middle += vec2(push.right, push.down) * (PUSH_SPEED * secs / zoom);
        ui.ctx().request_repaint();
    }
    middle = middle.clamp(Vec2::ZERO, whole);
    if pushed || response.dragged() || ui.input(|i| i.smooth_scroll_delta().y != 0.0 || i.zoom_delta() != 1.0) {
        state.view = Some((zoom, middle));
    }
    // On whole pixels of the screen, or tiles would shimmer as the map is moved.
    let scale = ui.ctx().pixels_per_point();
    let corner = area.center() - middle * zoom;
    let corner = pos2((corner.x * scale).round() / scale, (corner.y * scale).round() / scale);
    let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    painter.image(texture.id(), Rect::from_min_size(corner, whole * zoom), uv, Color32::WHITE);
    let [left, top, wide, high] = chart.view_px.map(|px| px as f32 * zoom);
    let here = Rect::from_min_size(corner + vec2(left, top), vec2(wide, high));
    painter.rect_stroke(here, 2, Stroke::new(1.5, theme::ACCENT.gamma_multiply(0.8)), StrokeKind::Outside);
    if let Some([x, y]) = chart.start_px {
        let foot = corner + vec2(x as f32, y as f32) * zoom;
        flag(&painter, foot);
        let place = Rect::from_min_max(foot - vec2(0.0, FLAG.y), foot + vec2(FLAG.x, 0.0));
        if area.contains_rect(place) {
            ui.interact(place, egui::Id::unique("start on the map"), Sense::hover()).on_hover_text("You began here");
        }
    }
}

/// A flag that stands there.
fn flag(painter: &egui::Painter, foot: Pos2) {
    let top = foot - vec2(0.0, FLAG.y);
    let cloth = vec![top, top + vec2(FLAG.x, FLAG.y / 4.0), top + vec2(0.0, FLAG.y / 2.0)];
    painter.line_segment([foot, top], Stroke::new(2.0, theme::PANEL));
    painter.add(Shape::convex_polygon(cloth, theme::ACCENT, Stroke::new(1.0, theme::PANEL)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(width_px: usize, height_px: usize) -> Chart {
        Chart { rgba: vec![255; width_px * height_px * 4], width_px, height_px, view_px: [0, 0, 16, 16], start_px: None }
    }

    fn screen(state: &mut MapState) -> egui::FullOutput {
        screen_of(&egui::Context::default(), state, Vec::new())
    }

    fn screen_of(context: &egui::Context, state: &mut MapState, events: Vec<Event>) -> egui::FullOutput {
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(800.0, 600.0));
        let input = egui::RawInput { screen_rect: Some(rect), events, ..Default::default() };
        context.run_ui(input, |ui| overlay(ui, rect, state))
    }

    #[test]
    fn a_map_fits_into_its_place_in_whole_pixels_where_it_can() {
        let area = Rect::from_min_size(Pos2::ZERO, vec2(800.0, 600.0));
        assert_eq!(fitting(&chart(144, 112), area), 3.0, "no larger");
        assert_eq!(fitting(&chart(300, 250), area), 2.0);
        let large = fitting(&chart(4000, 200), area);
        assert!(large * 4000.0 <= 800.0 && large > 0.18, "{large}");
    }

    #[test]
    fn fingers_that_part_bring_a_map_nearer() {
        let mut state = MapState::default();
        state.begin(false);
        state.show(chart(160, 96));
        let context = egui::Context::default();
        let mut pass = |events| drop(screen_of(&context, &mut state, events));
        pass(vec![Event::PointerMoved(pos2(400.0, 300.0))]);
        pass(vec![Event::Zoom(2.0)]);
        assert_eq!(state.view.map(|(zoom, _)| zoom), Some(2.0 * 3.0));
    }

    #[test]
    fn a_pad_moves_the_map_for_as_long_as_it_is_pushed() {
        let mut state = MapState::default();
        state.begin(false);
        state.show(chart(160, 96));
        let context = egui::Context::default();
        let mut view = |right: f32, down: f32, nearer: f32| {
            state.push = Push { right, down, nearer };
            drop(screen_of(&context, &mut state, Vec::new()));
            state.view
        };
        assert_eq!(view(0.0, 0.0, 0.0), None, "nobody has moved it");
        let (zoom, first) = view(1.0, 0.0, 0.0).expect("a view");
        let second = view(1.0, 0.0, 0.0).expect("a view").1;
        assert!(zoom == 3.0 && first.x > 80.0 && second.x > first.x && second.y == 48.0, "{first} {second}");
        let third = view(0.5, -1.0, 0.0).expect("a view").1;
        let [step, half, up] = [second.x - first.x, third.x - second.x, second.y - third.y];
        assert!((half * 2.0 - step).abs() < 1e-3 && (up - step).abs() < 1e-3, "{step} {half} {up}");
        assert_eq!(view(0.0, 0.0, 0.0), Some((3.0, third)), "let go");
        let (near, middle) = view(0.0, 0.0, 1.0).expect("a view");
        assert!(near > 3.0 && middle == third, "{near}");
        assert!(view(0.0, 0.0, -1.0).is_some_and(|(far, _)| far < near));
    }

    #[test]
    fn keys_look_around_and_lead_back_to_all_of_it() {
        let mut state = MapState::default();
        state.begin(false);
        state.show(chart(160, 96));
        let context = egui::Context::default();
        let key =
            |key: Key, pressed: bool| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: egui::Modifiers::NONE };
        let mut view = |events| {
            drop(screen_of(&context, &mut state, events));
            state.view
        };
        assert_eq!(view(vec![key(Key::A, true), key(Key::A, false)]), None, "a letter that walks");
        let (zoom, first) = view(vec![key(Key::ArrowRight, true)]).expect("a view");
        let second = view(Vec::new()).expect("a view").1;
        assert!(zoom == 3.0 && first.x > 80.0 && second.x > first.x && second.y == 48.0, "{first} {second}");
        assert_eq!(view(vec![key(Key::ArrowRight, false)]), Some((3.0, second)), "let go");
        let near = view(vec![key(Key::Plus, true), key(Key::Plus, false)]).expect("a view").0;
        let back = view(vec![key(Key::Minus, true), key(Key::Minus, false)]).expect("a view").0;
        assert!((near - 3.0 * KEY_OCTAVES.exp2()).abs() < 1e-3 && (back - 3.0).abs() < 1e-3, "{near} {back}");
        assert_eq!(view(vec![key(Key::Num0, true), key(Key::Num0, false)]), None);
        // Who types elsewhere does not look around.
        context.memory_mut(|memory| memory.request_focus(egui::Id::unique("a field")));
        assert_eq!(view(vec![key(Key::ArrowLeft, true)]), None);
    }

    #[test]
    fn a_flag_stands_where_the_dream_began() {
        let mut state = MapState::default();
        state.begin(false);
        let cloths = |output: &egui::FullOutput| {
            let paths = output.shapes.iter().filter_map(|shape| if let Shape::Path(path) = &shape.shape { Some(path) } else { None });
            paths.filter(|path| path.fill == theme::ACCENT).map(|path| path.points[0]).collect::<Vec<_>>()
        };
        state.show(chart(160, 96));
        assert!(cloths(&screen(&mut state)).is_empty(), "too far away");
        state.show(Chart { start_px: Some([32, 16]), ..chart(160, 96) });
        let at = pos2(400.0 - 80.0 * 3.0, 300.0 - 48.0 * 3.0) + vec2(32.0, 16.0) * 3.0;
        assert_eq!(cloths(&screen(&mut state)), [at - vec2(0.0, FLAG.y)]);
    }

    #[test]
    fn a_map_that_comes_after_it_was_closed_is_not_kept() {
        let mut state = MapState::default();
        state.show(chart(16, 16));
        assert!(state.to_save().is_none());
        state.begin(true);
        assert!(state.open && state.was_paused && state.to_save().is_none(), "it is still on its way");
        state.show(chart(1000, 16));
        assert_eq!(state.to_save().map(|(chart, scale)| (chart.width_px, scale)), Some((1000, 2)));
    }

    #[test]
    fn where_the_player_is_has_a_frame_on_the_map() {
        let mut state = MapState::default();
        state.begin(false);
        let frames = |output: &egui::FullOutput| {
            let rects = output.shapes.iter().filter_map(|shape| if let Shape::Rect(rect) = &shape.shape { Some(rect) } else { None });
            rects.filter(|rect| rect.stroke.width > 1.0).map(|rect| rect.rect).collect::<Vec<_>>()
        };
        assert!(frames(&screen(&mut state)).is_empty(), "nothing is there yet");
        state.show(Chart { view_px: [32, 16, 64, 48], ..chart(160, 96) });
        let zoom = fitting(&chart(160, 96), Rect::from_min_size(Pos2::ZERO, vec2(800.0, 600.0)));
        let corner = pos2(400.0 - 80.0 * zoom, 300.0 - 48.0 * zoom);
        let expected = Rect::from_min_size(corner + vec2(32.0, 16.0) * zoom, vec2(64.0, 48.0) * zoom);
        assert_eq!(frames(&screen(&mut state)), [expected]);
    }
}
