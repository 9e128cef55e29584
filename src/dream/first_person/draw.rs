//! Draws what an eye sees of the land around.

use std::ops::Range;

use super::book::halved;
use super::scene::{FALLS, Falls, Glance, Halo, LIT, Lens, MIST, Quad, SHADE, out_of_mist};
use super::sky::Sky;
use super::surroundings::{Cell, Thing};

impl Glance {
    /// What is seen, as a picture of such a width and height, RGBA, with edges as smooth as a device draws them: each pixel is the mean of four.
    pub fn picture(&self, size_px: [usize; 2]) -> Vec<u8> {
        let [width, height] = size_px.map(|side| 2 * side);
        halved(width, self.plain([width, height]).as_chunks::<4>().0).into_flattened()
    }

    fn plain(&self, size_px: [usize; 2]) -> Vec<u8> {
        let [width, height] = size_px;
        let mut rgba = vec![0; width * height * 4];
        let canvas = Canvas { glance: self, lens: Lens::of(size_px), width, height };
        canvas.land(&mut rgba);
        let mut quads = Vec::new();
        self.quads(&canvas.lens, &mut quads);
        let (mut mirrored, mut halos) = (Vec::new(), Vec::new());
        self.mirrored(&canvas.lens, &quads, &mut mirrored);
        self.halos(&canvas.lens, &quads, &mut halos);
        let thing = |quad: &Quad| self.around.cell(quad.place).and_then(|cell| cell.thing.as_ref());
        for (quad, thing) in mirrored.iter().filter_map(|quad| Some((quad, thing(quad)?))) {
            canvas.thing(&mut rgba, quad, thing, true);
        }
        let mut halos = halos.iter().peekable();
        for (n, quad) in quads.iter().enumerate() {
            while let Some(halo) = halos.next_if(|halo| halo.before <= n) {
                canvas.halo(&mut rgba, halo);
            }
            if let Some(thing) = thing(quad) {
                canvas.thing(&mut rgba, quad, thing, false);
            }
        }
        halos.for_each(|halo| canvas.halo(&mut rgba, halo));
        canvas.weather(&mut rgba);
        rgba
    }
}

struct Canvas<'a> {
    glance: &'a Glance,
    lens: Lens,
    width: usize,
    height: usize,
}

impl Canvas<'_> {
    /// Sky and ground.
    fn land(&self, rgba: &mut [u8]) {
        let haze = self.glance.around.sky.colours[1].map(f32::from);
        for (y, row) in rgba.chunks_exact_mut(self.width * 4).enumerate() {
            let below = y as f32 + 0.5 - self.lens.horizon;
            let ground = (below > 0.0).then(|| self.row(below));
            let heavens = self.heavens(below.abs());
            let mut last = ([i32::MAX; 2], None);
            for (x, to) in row.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let aside = x as f32 + 0.5 - self.lens.width / 2.0;
                let Some(ground) = &ground else {
                    *to = pixel(heavens(aside));
                    continue;
                };
                let spot = ground.spot(aside);
                let place = self.glance.place(spot.point);
                if last.0 != place {
                    last = (place, self.glance.around.cell(place));
                }
                *to = pixel(last.1.map_or(haze, |cell| self.ground(cell, &spot, [aside, below], || heavens(aside))));
            }
        }
    }

    /// The ground in a row of the picture, so many pixels below the horizon.
    fn row(&self, below: f32) -> Row {
        let (around, camera, focal) = (&self.glance.around, &self.glance.camera, self.lens.focal);
        let far = camera.height * focal / below;
        let wide = far / focal;
        // What a pixel covers, in patches.
        let (grain, side) = (wide * (far * far / (camera.height * focal)), around.patch_px as f32);
        let level = (grain * side * side).log2().mul_add(0.5, 0.5).max(0.0) as usize;
        let [ax, ay] = camera.ahead();
        Row { far, wide, level, start: [camera.at[0] + ax * far, camera.at[1] + ay * far], right: camera.right() }
    }

    /// The sky so many pixels above the horizon, by how many right of the middle.
    fn heavens(&self, above: f32) -> impl Fn(f32) -> [f32; 3] {
        let (Glance { around, camera }, Lens { horizon, focal, .. }) = (self.glance, self.lens);
        let (sky, quarters, drifted) = (&around.sky, camera.quarters, camera.drifted);
        let [zenith, haze] = sky.colours.map(|rgb| rgb.map(f32::from));
        let behind = mix(haze, zenith, above / horizon);
        let [still, clouds] = sky.rows(above / focal);
        move |aside| {
            let aside = aside / focal;
            let stands = before(behind, still[Sky::column(quarters, aside)]);
            before(stands, clouds[Sky::column(quarters - drifted, aside)])
        }
    }

    /// The colour of the ground at a spot, in a patch, so many pixels right of the middle and below the horizon; water mirrors what is `above`.
    fn ground(&self, cell: &Cell, spot: &Spot, [aside, below]: [f32; 2], above: impl FnOnce() -> [f32; 3]) -> [f32; 3] {
        let haze = self.glance.around.sky.colours[1].map(f32::from);
        let Some(tile) = &cell.ground else { return haze };
        let clear = clear_at(spot.away) * if cell.inland { 1.0 } else { self.known(spot.point) };
        if clear <= 0.0 {
            return haze;
        }
        let [r, g, b, water] = tile.at(spot.inside(), spot.level).map(f32::from);
        let mut colour = [r, g, b];
        let ([dx, dy], reach) = (spot.inside().map(|along| along - 0.5), cell.shade());
        if dx * dx + dy * dy < reach * reach {
            colour = colour.map(|c| c * SHADE);
        }
        colour = lit_up(colour, self.light(spot.point));
        if water > 0.0 {
            colour = mix(colour, above(), water / 255.0 * self.lens.mirrors(below, aside));
        }
        mix(haze, colour, clear)
    }

    /// The colour of the ground so many pixels below the horizon and right of the middle where this is above it, as far as there is water.
    fn mirrored(&self, row: &Row, [aside, below]: [f32; 2], above: [f32; 3]) -> Option<[f32; 3]> {
        let spot = row.spot(aside);
        let cell = self.glance.around.cell(self.glance.place(spot.point))?;
        let [.., water] = cell.ground.as_ref()?.at(spot.inside(), spot.level);
        (water > 0).then(|| self.ground(cell, &spot, [aside, below], || above))
    }

    /// How much of a point is known land, 0 to 1: it fades toward what was never dreamed.
    fn known(&self, point: [f32; 2]) -> f32 {
        let at = self.glance.around.at;
        let in_sight = |[x, y]: [i32; 2]| self.glance.around.cell([at[0] + x, at[1] + y]).map_or(0.0, |cell| self.glance.in_sight(cell));
        let [known] = between_middles(point, |patch| [in_sight(patch)]);
        out_of_mist(known)
    }

    /// What falls on a point from what shines around it, RGB, 0 to 1.
    fn light(&self, point: [f32; 2]) -> [f32; 3] {
        let Glance { around, camera } = self.glance;
        if around.light.is_empty() {
            return [0.0; 3];
        }
        let [r, g, b, before] = between_middles(point, |patch| around.light_at(patch).map(|c| f32::from(c) / 255.0));
        [r, g, b].map(|c| c * (before + (1.0 - before) * camera.new))
    }

    /// What stands, or that `mirrored`.
    fn thing(&self, rgba: &mut [u8], quad: &Quad, Thing { tile, cutout, .. }: &Thing, mirrored: bool) {
        let Quad { left, top, side: size, away, dense, .. } = *quad;
        let side = cutout.rows.len();
        let clear = clear_at(away * away);
        let haze = self.glance.around.sky.colours[1].map(f32::from);
        let corner = [0, 1].map(|i| (quad.place[i] - self.glance.around.at[i]) as f32);
        for y in covered(top, size, self.height) {
            let down = (y as f32 + 0.5 - top) / size;
            let down = if mirrored { 1.0 - down } else { down };
            let v = (down * side as f32) as usize;
            let Some(&row) = cutout.rows.get(v) else { continue };
            let below = y as f32 + 0.5 - self.lens.horizon;
            let ground = (mirrored && below > 0.0).then(|| self.row(below));
            for x in covered(left, size, self.width) {
                let across = (x as f32 + 0.5 - left) / size;
                let u = (across * side as f32) as usize;
                if u < side && row >> u & 1 == 1 {
                    // As its patch lies on the map: so the parts of a house are lit as one.
                    let light = self.light([corner[0] + across, corner[1] + down]);
                    let colour = mix(haze, lit_up(tile.pixel([u, v]).map(f32::from), light), clear);
                    let aside = x as f32 + 0.5 - self.lens.width / 2.0;
                    let seen = ground.as_ref().map_or(Some(colour), |ground| self.mirrored(ground, [aside, below], colour));
                    if let Some(colour) = seen {
                        cover(&mut rgba[(y * self.width + x) * 4..][..4], colour, dense);
                    }
                }
            }
        }
    }

    /// What glows in the air around what shines.
    fn halo(&self, rgba: &mut [u8], &Halo { left, top, side, away, light, .. }: &Halo) {
        let clear = clear_at(away * away);
        for y in covered(top, side, self.height) {
            for x in covered(left, side, self.width) {
                let [u, v] = [x as f32 + 0.5 - left, y as f32 + 0.5 - top].map(|along| 2.0 * along / side - 1.0);
                let share = (1.0 - u * u - v * v).max(0.0).powi(2) * clear;
                let to = &mut rgba[(y * self.width + x) * 4..][..4];
                let behind = [to[0], to[1], to[2]].map(f32::from);
                to.copy_from_slice(&pixel([0, 1, 2].map(|c| behind[c] + 255.0 * share * light[c])));
            }
        }
    }

    /// What falls before the eye, near and far.
    fn weather(&self, rgba: &mut [u8]) {
        let Some(falling) = &self.glance.around.falling else { return };
        let top = falling.top(self.glance.camera.fell);
        for Falls { down, slip, share } in FALLS {
            // Each pixel of its tiles is a block of the picture's.
            let scale = down as f32 / self.lens.height;
            let on_plane = |px: usize, first: f32| (px as f32 * scale + first) as usize;
            for (y, row) in rgba.chunks_exact_mut(self.width * 4).enumerate() {
                let mut last = (usize::MAX, None);
                for (x, to) in row.chunks_exact_mut(4).enumerate() {
                    let column = on_plane(x, 0.0);
                    if last.0 != column {
                        last = (column, falling.at([column, on_plane(y, top)], slip));
                    }
                    if let Some(colour) = last.1 {
                        cover(to, colour.map(f32::from), share);
                    }
                }
            }
        }
    }
}

/// The ground in a row of the picture.
struct Row {
    /// How far ahead it lies, and how wide a pixel of it is, in patches.
    far: f32,
    wide: f32,
    /// Of the tiles' levels the one whose pixels are as large as the picture's.
    level: usize,
    /// Its middle, and one patch to the right.
    start: [f32; 2],
    right: [f32; 2],
}

impl Row {
    /// Where one looks who looks so many pixels right of the middle.
    fn spot(&self, aside: f32) -> Spot {
        let aside = aside * self.wide;
        let point = [0, 1].map(|i| self.start[i] + self.right[i] * aside);
        Spot { point, away: self.far * self.far + aside * aside, level: self.level }
    }
}

/// A point of the ground.
struct Spot {
    /// From the corner of the place that one stands in, in patches.
    point: [f32; 2],
    /// The square of how far away it is.
    away: f32,
    level: usize,
}

impl Spot {
    /// Where it is in its patch, 0 to 1 each way.
    fn inside(&self) -> [f32; 2] {
        self.point.map(|along| along - along.floor())
    }
}

/// Share of the light of what is so far away that reaches the eye; `away`: the square of it.
fn clear_at(away: f32) -> f32 {
    (away * (-std::f32::consts::LN_2 / (MIST * MIST))).exp()
}

/// What holds at a point of what holds in the middles of the patches around it.
fn between_middles<const N: usize>(point: [f32; 2], at: impl Fn([i32; 2]) -> [f32; N]) -> [f32; N] {
    let middle = point.map(|along| along - 0.5);
    let ([x, y], [u, v]) = (middle.map(|along| along.floor() as i32), middle.map(|along| along - along.floor()));
    let blend = |a: [f32; N], b: [f32; N], share: f32| std::array::from_fn(|c| a[c] * (1.0 - share) + b[c] * share);
    blend(blend(at([x, y]), at([x + 1, y]), u), blend(at([x, y + 1]), at([x + 1, y + 1]), u), v)
}

/// Which of so many pixels a square covers that begins `from` there and has such a side.
fn covered(from: f32, side: f32, most: usize) -> Range<usize> {
    let clamped = |along: f32| along.ceil().clamp(0.0, most as f32) as usize;
    clamped(from - 0.5)..clamped(from + side - 0.5)
}

/// A colour with such a light on it besides that of the sky: what is bright already gains least.
fn lit_up(colour: [f32; 3], light: [f32; 3]) -> [f32; 3] {
    [0, 1, 2].map(|c| (colour[c] + colour[c] * (1.0 - colour[c] / 255.0) * LIT * light[c]).min(255.0))
}

pub fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    [0, 1, 2].map(|c| from[c] + (to[c] - from[c]) * share)
}

/// What is seen where a texel of the sky is before a colour.
fn before(behind: [f32; 3], texel: [u8; 4]) -> [f32; 3] {
    let [r, g, b, dense] = texel.map(f32::from);
    let share = 1.0 - dense / 255.0;
    [0, 1, 2].map(|c| [r, g, b][c] + behind[c] * share)
}

/// Hides a share of a pixel behind a colour.
fn cover(pixel_rgba: &mut [u8], colour: [f32; 3], share: f32) {
    let behind = [pixel_rgba[0], pixel_rgba[1], pixel_rgba[2]].map(f32::from);
    pixel_rgba.copy_from_slice(&pixel(mix(behind, colour, share)));
}

fn pixel([r, g, b]: [f32; 3]) -> [u8; 4] {
    let [r, g, b] = [r, g, b].map(|c| (c + 0.5) as u8);
    [r, g, b, 255]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dream::first_person::book::Tile;
    use crate::dream::first_person::camera::Camera;
    use crate::dream::first_person::falling::{Falling, Turn};
    use crate::dream::first_person::surroundings::Surroundings;
    use crate::worlds::relief::Cutout;
    use crate::worlds::scene::{Light, Weather, Wish};

    const GRASS: [u8; 3] = [10, 200, 10];
    const TRUNK: [u8; 3] = [200, 20, 20];
    const SIZE: [usize; 2] = [200, 160];

    fn tile(colour: [u8; 3]) -> Arc<Tile> {
        Arc::new(Tile::of(4, &[colour; 16], &[]))
    }

    /// Grass for three places around, and what stands at these.
    fn meadow(stands: &[[i32; 2]]) -> Arc<Surroundings> {
        // The left half of a patch, without its lowest row.
        let cutout = Arc::new(Cutout { rows: vec![0b0011, 0b0011, 0b0011, 0], height: 1.0, part: [0, 0], parts: [1, 1] });
        let cell = |place: [i32; 2]| {
            let near = place.iter().all(|along| along.abs() <= 3);
            Cell {
                ground: near.then(|| tile(GRASS)),
                inland: place.iter().all(|along| along.abs() <= 2),
                thing: stands.contains(&place).then(|| Thing { tile: tile(TRUNK), cutout: cutout.clone(), storey: 0, new: false }),
                ..Cell::default()
            }
        };
        Arc::new(Surroundings::made([0, 0], cell))
    }

    fn seen(around: &Arc<Surroundings>, quarters: f32) -> Vec<u8> {
        Glance { around: around.clone(), camera: Camera::of([0.5, 0.5], quarters, 1.0) }.plain(SIZE)
    }

    fn at(picture: &[u8], [x, y]: [usize; 2]) -> [u8; 3] {
        let at = (y * SIZE[0] + x) * 4;
        [picture[at], picture[at + 1], picture[at + 2]]
    }

    /// What of a picture is rather the trunk's colour than grass or sky.
    fn trunk(picture: &[u8]) -> Vec<[usize; 2]> {
        let all = (0..SIZE[0] * SIZE[1]).map(|i| [i % SIZE[0], i / SIZE[0]]);
        all.filter(|place| matches!(at(picture, *place), [r, g, b] if r > g.saturating_add(40) && r > b.saturating_add(40))).collect()
    }

    #[test]
    fn ground_lies_below_and_the_sky_above_and_between_them_is_mist() {
        let picture = seen(&meadow(&[]), 0.0);
        let [top, far, near] = [0, SIZE[1] * 47 / 100, SIZE[1] - 1].map(|y| at(&picture, [100, y]));
        assert!(near[1] > 150 && near[0] < 60, "{near:?}");
        assert!(top[0] < 40, "the zenith is black here: {top:?}");
        assert_eq!(far, [200; 3], "beyond what was dreamed");
        assert!(trunk(&picture).is_empty());
    }

    #[test]
    fn mist_goes_by_how_far_away_the_land_is() {
        let picture = seen(&Arc::new(Surroundings::bare(GRASS)), 0.0);
        // Mist is redder than grass: what lies at the side is as far away as what lies further up in the middle.
        let red = |x, y| at(&picture, [x, y])[0];
        let (aside, further) = (red(0, 88), [85, 84].map(|y| red(100, y)));
        assert!((further[0]..=further[1]).contains(&aside), "{aside} {further:?}");
        assert_eq!(aside, red(199, 88));
        // The control: what lies ahead in the same row is nearer.
        assert!(red(100, 88) + 20 < aside, "{} {aside}", red(100, 88));
    }

    #[test]
    fn what_stands_is_seen_where_it_stands_and_nowhere_else() {
        let around = meadow(&[[0, -2]]);
        let ahead = trunk(&seen(&around, 0.0));
        assert!(!ahead.is_empty());
        // Its left half alone, on the ground.
        assert!(ahead.iter().all(|[x, _]| *x < 100), "{ahead:?}");
        let lowest = ahead.iter().map(|[_, y]| *y).max().unwrap();
        let below = [ahead[0][0], lowest + 2];
        assert!(at(&seen(&around, 0.0), below)[1] > 80, "grass lies right below it");
        assert!(trunk(&seen(&around, 2.0)).is_empty(), "behind one's back");
        // To the right after a turn to the left, to the left after one to the right.
        let side = |quarters| trunk(&seen(&around, quarters)).iter().map(|[x, _]| *x).max().unwrap();
        assert!(side(-0.35) > 120 && side(0.35) < 80);
        // Further away it is smaller, and hidden by what is nearer.
        let further = trunk(&seen(&meadow(&[[0, -3]]), 0.0)).len();
        assert!(further < ahead.len());
        assert!(trunk(&seen(&meadow(&[[0, -3], [0, -2]]), 0.0)).len() < ahead.len() + further);
    }

    #[test]
    fn still_water_mirrors_what_stands_behind_it_and_the_sky() {
        // A trunk, and before it a strip of what is water or is not.
        let picture = |water: bool, standing: bool| {
            let mut around = Surroundings::clone(&meadow(if standing { &[[0, -3]] } else { &[] }));
            let pond = Arc::new(Tile::of(4, &[GRASS; 16], if water { &[0b1111; 4] } else { &[] }));
            around.lay([0, -2], pond.clone());
            around.lay([0, -1], pond);
            Glance { around: Arc::new(around), camera: Camera::of([0.5, 0.5], 0.0, 1.0) }.plain(SIZE)
        };
        let [[dry, wet], [bare, open]] = [true, false].map(|standing| [false, true].map(|water| picture(water, standing)));
        let rows: Vec<usize> = trunk(&dry).iter().map(|[_, y]| *y).collect();
        let (top, foot) = (*rows.iter().min().unwrap(), *rows.iter().max().unwrap());
        // The trunk is red, and so is the sky beside the zenith's black, but less.
        let column = trunk(&dry)[0][0] + 2;
        let red = |rgba: &[u8], y: usize| i32::from(at(rgba, [column, y])[0]);
        let image: Vec<usize> = (0..SIZE[1]).filter(|y| at(&wet, [column, *y]) != at(&open, [column, *y]) && *y > foot).collect();
        assert!(image.len() > 5 && image.iter().all(|y| *y <= 2 * foot - top + 1), "{image:?}, {top} to {foot}");
        assert!(image.iter().any(|y| red(&wet, *y) != red(&dry, *y)));
        // What is above is seen the better the flatter one looks.
        let by = |y: usize| (0..3).map(|c| at(&open, [120, y])[c].abs_diff(at(&bare, [120, y])[c])).max().unwrap();
        let mirrored: Vec<u8> = (foot..SIZE[1]).map(by).filter(|by| *by > 0).collect();
        assert!(mirrored.len() > 10 && mirrored[0] > 2 * mirrored[mirrored.len() - 1], "{mirrored:?}");
        // The controls: nothing is mirrored where there is no water, and beside the water nothing changes.
        assert!((foot + 1..SIZE[1]).all(|y| at(&dry, [column, y]) == at(&bare, [column, y])));
        assert!((0..SIZE[1]).all(|y| at(&wet, [2, y]) == at(&dry, [2, y])));
    }

    #[test]
    fn clouds_drift_and_the_sun_the_stars_and_the_ground_do_not() {
        let tile = Arc::new(Tile::of(4, &[GRASS; 16], &[0b1111; 4]));
        let land = |wet: bool| {
            let mut around = Surroundings::bare(GRASS);
            if wet {
                (-3..0).for_each(|y| around.lay([0, y], tile.clone()));
            }
            around
        };
        let picture = |around: &Arc<Surroundings>, quarters: f32, drifted: f32| {
            let camera = Camera { drifted, ..Camera::of([0.5, 0.5], quarters, 1.0) };
            Glance { around: around.clone(), camera }.plain(SIZE)
        };
        // What is above the horizon, and below.
        let halves = |rgba: &[u8]| {
            let (above, below) = rgba.split_at(Lens::of(SIZE).horizon.round() as usize * SIZE[0] * 4);
            [above.to_vec(), below.to_vec()]
        };
        let clear = |light| Wish { light: Some(light), weather: Some(Weather::Clear), ..Wish::default() };
        for seen in [Light::Dawn, Light::Day, Light::Night].map(clear) {
            let [dry, wet] = [false, true].map(|wet| Arc::new(land(wet).under(&seen)));
            for quarters in [0.0, 1.0] {
                let [first, later] = [0.0, 0.25].map(|drifted| halves(&picture(&dry, quarters, drifted)));
                assert!(first[0] != later[0] && first[1] == later[1], "{seen:?}, {quarters}");
                // The control: without clouds nothing moves, whatever stands in the sky.
                let mut bare = Surroundings::clone(&dry);
                bare.sky = Arc::new(Sky { clouds: Sky::default().clouds, ..Sky::clone(&bare.sky) });
                let bare = Arc::new(bare);
                assert!(picture(&bare, quarters, 0.0) == picture(&bare, quarters, 0.25), "{seen:?}, {quarters}");
            }
            // Water mirrors them where they are by then.
            let [first, later] = [0.0, 0.25].map(|drifted| halves(&picture(&wet, 0.0, drifted)));
            assert!(first[1] != later[1], "{seen:?}");
        }
        // In the rain there is nothing but clouds: they go by as if one had turned the other way, and once around they are where they were.
        let rain = Arc::new(land(false).under(&Wish { weather: Some(Weather::Rain), ..Wish::default() }));
        let above = |quarters: f32, drifted: f32| halves(&picture(&rain, quarters, drifted))[0].clone();
        assert!(above(0.0, 0.25) == above(-0.25, 0.0) && above(0.5, 4.25) == above(0.25, 0.0));
        assert!(above(0.0, 0.25) != above(0.25, 0.0) && above(0.0, 0.25) != above(0.0, 0.0), "the controls");
    }

    #[test]
    fn a_lamp_lights_what_is_around_it_and_glows_in_the_air() {
        let picture = |lit: bool, quarters: f32| seen(&Arc::new(Surroundings::by_night(lit)), quarters);
        let (dark, lit) = (picture(false, 0.0), picture(true, 0.0));
        let gains = |place: [usize; 2]| [0, 1, 2].map(|c| i32::from(at(&lit, place)[c]) - i32::from(at(&dark, place)[c]));
        // The ground before the lantern, the bark of the tree beside it, and the air at its glass; warm as it is.
        let [ground, bark, air] = [[100, 99], [133, 80], [88, 59]].map(gains);
        for gain in [ground, bark, air] {
            assert!(gain[0] > 8 && gain[0] > gain[2], "{ground:?} {bark:?} {air:?}");
        }
        // Lava is no whiter for all the lava beside it.
        let [red, _, blue] = at(&lit, [34, 94]);
        assert!(red > 200 && blue < 130, "{red} {blue}");
        // The controls: little of it falls at one's feet, and nothing changes in the sky, or behind one's back.
        assert!(gains([100, SIZE[1] - 1])[0] * 4 < ground[0] && gains([60, 30]) == [0; 3]);
        assert!(picture(true, 2.0) == picture(false, 2.0));
    }

    #[test]
    fn what_is_bright_gains_least_in_the_light() {
        let gain = |colour: f32, light: f32| lit_up([colour; 3], [light; 3])[0] - colour;
        assert!(gain(20.0, 1.0) > 25.0 && gain(20.0, 0.0) == 0.0 && gain(255.0, 1.0) == 0.0);
        let shares = [20.0, 80.0, 160.0, 240.0].map(|colour| gain(colour, 1.0) / colour);
        assert!(shares.is_sorted_by(|a, b| a > b), "{shares:?}");
        assert!((0..=u8::MAX).map(f32::from).all(|colour| colour + gain(colour, 1.0) <= 255.0));
    }

    #[test]
    fn a_picture_shows_the_same_with_soft_edges() {
        let glance = Glance { around: meadow(&[[0, -2]]), camera: Camera::of([0.5, 0.5], 0.03, 1.0) };
        let (plain, smooth) = (glance.plain(SIZE), glance.picture(SIZE));
        let off = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64;
        let aside = Glance { camera: Camera::of([0.5, 0.5], 0.13, 1.0), ..glance.clone() }.plain(SIZE);
        assert!(off(&plain, &smooth) < 1.5 && off(&aside, &smooth) > 3.0, "{} {}", off(&plain, &smooth), off(&aside, &smooth));
        // Between trunk and sky there are colours that neither has.
        let colours = |picture: &[u8]| {
            let row: Vec<[u8; 3]> = (0..SIZE[0]).map(|x| at(picture, [x, SIZE[1] * 45 / 100])).collect();
            row.iter().collect::<std::collections::HashSet<_>>().len()
        };
        assert!(colours(&plain) == 2 && colours(&smooth) > 2, "{} {}", colours(&plain), colours(&smooth));
    }

    #[test]
    fn rain_falls_on_from_step_to_step() {
        // White on one pixel of a patch, on another one in the other turn.
        let land = |rained: usize| -> Vec<Vec<[u8; 3]>> {
            let tile = |base: u8| -> Vec<[u8; 3]> { (0..16).map(|i| if i == rained { [255; 3] } else { [base; 3] }).collect() };
            [20, 60].map(tile).to_vec()
        };
        let lands = [land(0), land(9)];
        let picture = |second: bool, share: f32| {
            let [these, others] = [second, !second].map(|second| &lands[usize::from(second)]);
            let turn = Turn { second, other: Vec::new(), weather: Weather::Rain };
            let mut around = Surroundings::nothing([0, 0]);
            around.falling = Some(Arc::new(Falling::of(these, others, &turn)));
            Glance { around: Arc::new(around), camera: Camera::of([0.5, 0.5], 0.0, share) }.plain(SIZE)
        };
        assert!(picture(false, 1.0) == picture(true, 0.0) && picture(true, 1.0) == picture(false, 0.0));
        // Down, by two pixels of its four in a third of a step: the near ones are so many rows further down.
        let strokes = |rgba: &[u8]| -> Vec<[usize; 2]> {
            let all = (0..SIZE[0] * SIZE[1]).map(|i| [i % SIZE[0], i / SIZE[0]]);
            all.filter(|place| place[1] < SIZE[1] / 3 && at(rgba, *place)[0] > 200).collect()
        };
        let (begin, later) = (strokes(&picture(true, 0.0)), strokes(&picture(true, 1.0 / 3.0)));
        let rows = 2 * SIZE[1] / FALLS[1].down;
        let found = |off: usize| begin.iter().filter(|[x, y]| later.contains(&[*x, *y + off])).count();
        assert!(begin.len() > 100 && found(rows) > begin.len() / 2 && found(0) < begin.len() / 4, "{} {}", found(rows), found(0));
    }

    #[test]
    fn what_is_new_comes_into_sight() {
        let mut around = Surroundings::clone(&meadow(&[[0, -2]]));
        around.all_new();
        let share = |new| Glance { around: Arc::new(around.clone()), camera: Camera::of([0.5, 0.5], 0.0, new) }.plain(SIZE);
        let (before, after) = (share(0.0), share(1.0));
        assert!(trunk(&before).is_empty() && at(&before, [100, SIZE[1] - 1]) == [200; 3]);
        assert_eq!(after, seen(&meadow(&[[0, -2]]), 0.0));
    }
}
