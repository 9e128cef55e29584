//! Draws what an eye sees of the land around.

use std::sync::Arc;

use super::camera::Camera;
use super::surroundings::{Cell, REACH, Surroundings, Thing};

/// Pixels from the middle of the picture to where one looks at a patch to the right and one ahead, in widths of the picture.
const FOCAL: f32 = 0.58;
/// Where the horizon lies, in heights from the top.
const HORIZON: f32 = 0.46;
/// What stands nearer to the eye than the second of these is seen through, and nearer than the first not seen, in patches.
const NEAR: [f32; 2] = [0.62, 1.05];
/// Half of the light of what is so far away is the mist's, in patches.
const MIST: f32 = 6.5;
/// Ground in the shade of what stands on it keeps this share of its light.
const SHADE: f32 = 0.72;
/// So far that shade reaches, in heights of the thing.
const SHADOW: f32 = 0.26;

/// Land, and who looks at it.
#[derive(Clone, Debug)]
pub struct Glance {
    pub around: Arc<Surroundings>,
    pub camera: Camera,
}

impl Glance {
    /// What is seen, as a picture of such a width and height, RGBA.
    pub fn picture(&self, size_px: [usize; 2]) -> Vec<u8> {
        let mut rgba = Vec::new();
        self.draw(size_px, &mut rgba);
        rgba
    }

    /// The same into memory that is used again.
    pub fn draw(&self, [width, height]: [usize; 2], rgba: &mut Vec<u8>) {
        rgba.resize(width * height * 4, 0);
        let canvas = Canvas { around: &self.around, camera: &self.camera, width, height, focal: FOCAL * width as f32 };
        canvas.land(rgba);
        canvas.things(rgba);
    }
}

struct Canvas<'a> {
    around: &'a Surroundings,
    camera: &'a Camera,
    width: usize,
    height: usize,
    /// Pixels of a patch that is one patch away.
    focal: f32,
}

impl Canvas<'_> {
    fn horizon(&self) -> f32 {
        HORIZON * self.height as f32
    }

    /// Sky and ground.
    fn land(&self, rgba: &mut [u8]) {
        let [zenith, haze] = self.around.sky.map(|rgb| rgb.map(f32::from));
        let (horizon, middle) = (self.horizon(), self.width as f32 / 2.0);
        let ([ax, ay], [rx, ry]) = (self.camera.ahead(), self.camera.right());
        for (y, row) in rgba.chunks_exact_mut(self.width * 4).enumerate() {
            let below = y as f32 + 0.5 - horizon;
            if below <= 0.0 {
                let up = -below / horizon;
                let colour = pixel(mix(haze, zenith, up));
                row.chunks_exact_mut(4).for_each(|to| to.copy_from_slice(&colour));
                continue;
            }
            let far = self.camera.height * self.focal / below;
            let wide = far / self.focal;
            // The sides of what a pixel covers, in patches.
            let grain = (wide * (far * far / (self.camera.height * self.focal))).sqrt();
            let clear = clear_at(far);
            let start = [self.camera.at[0] + ax * far, self.camera.at[1] + ay * far];
            for (x, to) in row.chunks_exact_mut(4).enumerate() {
                let aside = (x as f32 + 0.5 - middle) * wide;
                to.copy_from_slice(&pixel(self.ground([start[0] + rx * aside, start[1] + ry * aside], grain, clear, haze)));
            }
        }
    }

    /// The colour of the ground at a point of the map.
    fn ground(&self, point: [f32; 2], grain: f32, clear: f32, haze: [f32; 3]) -> [f32; 3] {
        let place = point.map(|along| along.floor() as i32);
        let Some(cell) = self.around.cell(place) else { return haze };
        let Some(tile) = &cell.ground else { return haze };
        let clear = if cell.inland { clear } else { clear * self.known(point) };
        if clear <= 0.0 {
            return haze;
        }
        let inside = [point[0] - place[0] as f32, point[1] - place[1] as f32];
        let mut colour = tile.at(inside, grain).map(f32::from);
        if let Some(thing) = cell.thing.as_ref().filter(|thing| thing.cutout.parts == [1, 1]) {
            let [dx, dy] = inside.map(|along| along - 0.5);
            let reach = SHADOW * thing.cutout.height;
            if dx * dx + dy * dy < reach * reach {
                colour = colour.map(|c| c * SHADE);
            }
        }
        mix(haze, colour, clear)
    }

    /// How much of a patch is in sight, 0 to 1.
    fn in_sight(&self, cell: &Cell) -> f32 {
        match (&cell.ground, cell.new) {
            (None, _) => 0.0,
            (Some(_), true) => self.camera.new,
            (Some(_), false) => 1.0,
        }
    }

    /// How much of a point is known land, 0 to 1: it fades toward what was never dreamed.
    fn known(&self, point: [f32; 2]) -> f32 {
        let [x, y] = point.map(|along| along - 0.5);
        let [x0, y0] = [x.floor(), y.floor()];
        let known = |dx: i32, dy: i32| self.around.cell([x0 as i32 + dx, y0 as i32 + dy]).map_or(0.0, |cell| self.in_sight(cell));
        let (u, v) = (x - x0, y - y0);
        let north = known(0, 0) * (1.0 - u) + known(1, 0) * u;
        let south = known(0, 1) * (1.0 - u) + known(1, 1) * u;
        let share = north * (1.0 - v) + south * v;
        // Half way out of the last patch nothing is left.
        let share = (2.0 * share - 1.0).clamp(0.0, 1.0);
        share * share * (3.0 - 2.0 * share)
    }

    /// What stands, the furthest first.
    fn things(&self, rgba: &mut [u8]) {
        let mut seen: Vec<([f32; 2], f32, &Thing)> = Vec::new();
        for (place, cell) in self.around.cells() {
            let Some(thing) = &cell.thing else { continue };
            let to_middle = thing.cutout.to_middle();
            let middle = [0, 1].map(|i| place[i] as f32 + 0.5 + to_middle[i]);
            let [far, aside] = self.camera.off(middle);
            if far > NEAR[0] && far < REACH as f32 {
                seen.push(([far, aside - to_middle[0] * thing.cutout.height], self.in_sight(cell), thing));
            }
        }
        seen.sort_by(|([a, _], ..), ([b, _], ..)| b.total_cmp(a));
        for (off, share, thing) in seen {
            self.thing(rgba, off, share, thing);
        }
    }

    /// A share of what stands so far ahead and to the right of the eye.
    fn thing(&self, rgba: &mut [u8], [far, aside]: [f32; 2], share: f32, Thing { tile, cutout, storey }: &Thing) {
        let side = cutout.rows.len();
        let scale = self.focal / far;
        // Single things stand on their lowest pixels, parts of larger ones on each other.
        let empty = if cutout.parts == [1, 1] { cutout.rows.iter().rev().take_while(|row| **row == 0).count() } else { 0 };
        let lift = f32::from(*storey) - empty as f32 / side as f32;
        let bottom = self.horizon() + scale * (self.camera.height - lift * cutout.height);
        let size = scale * cutout.height;
        let (top, left) = (bottom - size, self.width as f32 / 2.0 + scale * aside - size / 2.0);
        let clear = clear_at(far);
        let dense = ((far - NEAR[0]) / (NEAR[1] - NEAR[0])).min(1.0) * share;
        let haze = self.around.sky[1].map(f32::from);
        let range = |from: f32, most: usize| {
            let clamped = |along: f32| along.ceil().clamp(0.0, most as f32) as usize;
            clamped(from - 0.5)..clamped(from + size - 0.5)
        };
        for y in range(top, self.height) {
            let v = ((y as f32 + 0.5 - top) / size * side as f32) as usize;
            let Some(&row) = cutout.rows.get(v) else { continue };
            for x in range(left, self.width) {
                let u = ((x as f32 + 0.5 - left) / size * side as f32) as usize;
                if u < side && row >> u & 1 == 1 {
                    let colour = mix(haze, tile.pixel([u, v]).map(f32::from), clear);
                    let to = &mut rgba[(y * self.width + x) * 4..][..4];
                    let behind = [to[0], to[1], to[2]].map(f32::from);
                    to.copy_from_slice(&pixel(mix(behind, colour, dense)));
                }
            }
        }
    }
}

/// Share of the light of what is so far away that reaches the eye.
fn clear_at(far: f32) -> f32 {
    (-(far / MIST).powi(2) * std::f32::consts::LN_2).exp()
}

fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    [0, 1, 2].map(|c| from[c] + (to[c] - from[c]) * share)
}

fn pixel([r, g, b]: [f32; 3]) -> [u8; 4] {
    [r as u8, g as u8, b as u8, 255]
}
