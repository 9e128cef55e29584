//! Where things are in a picture from within. [`super::draw`] draws it without a device, `shaders/first_person.wgsl` on one.

use std::sync::Arc;

use super::camera::Camera;
use super::surroundings::{Cell, REACH, Surroundings, Thing};

/// Pixels of a patch that is one patch away, in heights of the picture: a wider picture shows more at its sides.
const FOCAL: f32 = 0.7457;
/// The same in widths of the picture, at least and at most: no picture shows more than an eye takes in, and none looks through a slit.
const FOCAL_ACROSS: [f32; 2] = [0.42, 0.9];
/// Where the horizon lies, in heights from the top.
const HORIZON: f32 = 0.46;
/// Distances from the eye, in patches: what stands nearer than the second is seen through, and what stands nearer than the first is not seen.
const NEAR: [f32; 2] = [0.62, 1.05];
/// Distance in patches at which half of the light is the mist's.
pub const MIST: f32 = 6.5;
/// Ground in the shade of what stands on it keeps this share of its light.
pub const SHADE: f32 = 0.72;
/// How far that shade reaches, in heights of the thing.
const SHADOW: f32 = 0.26;
/// How much of what is above still water mirrors to who looks straight down at it; the more of it the flatter one looks (Schlick 1994).
pub const MIRRORS: f32 = 0.02;
/// How much brighter what is dark is in the full light of what shines.
pub const LIT: f32 = 1.6;
/// How far the glow in the air around what shines reaches, in patches, and how strong it is in its middle.
const HALO: f32 = 0.6;
const GLOW: f32 = 0.35;
/// What falls, far away and near.
pub const FALLS: [Falls; 2] = [Falls { down: 117, slip: 5, share: 0.4 }, Falls { down: 59, slip: 11, share: 0.8 }];

/// How what falls lies before the eye.
pub struct Falls {
    /// How many pixels of tiles lie one below the other in the picture.
    pub down: usize,
    /// How far each column of tiles slips down, so that they are no pattern.
    pub slip: usize,
    /// How much of what is behind it hides.
    pub share: f32,
}

/// Land, and who looks at it.
#[derive(Clone, Debug)]
pub struct Glance {
    pub around: Arc<Surroundings>,
    pub camera: Camera,
}

/// A picture of such a size, and where the eye's rays meet it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lens {
    pub width: f32,
    pub height: f32,
    /// Row of the horizon.
    pub horizon: f32,
    /// Pixels of a patch that is one patch away.
    pub focal: f32,
}

impl Lens {
    pub fn of(size_px: [usize; 2]) -> Self {
        let [width, height] = size_px.map(|side| side as f32);
        Self { width, height, horizon: HORIZON * height, focal: (FOCAL * height).clamp(FOCAL_ACROSS[0] * width, FOCAL_ACROSS[1] * width) }
    }
}

impl Lens {
    /// How much of what is above still water mirrors, where one looks so many pixels below the horizon and aside of the middle.
    pub fn mirrors(&self, below: f32, aside: f32) -> f32 {
        let sine = below / below.hypot(aside).hypot(self.focal);
        MIRRORS + (1.0 - MIRRORS) * (1.0 - sine).powi(5)
    }
}

/// Something that stands, as a square of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quad {
    /// Where it stands on the map.
    pub place: [i32; 2],
    /// Its corner at the upper left and its side, in pixels of the picture.
    pub left: f32,
    pub top: f32,
    pub side: f32,
    /// How far ahead of the eye, in patches.
    pub far: f32,
    /// How far away on the ground: that tells how much mist lies between, and is the same wherever one looks.
    pub away: f32,
    /// Share of what is behind it that it hides.
    pub dense: f32,
}

/// The glow in the air around something that stands and shines, as a square of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Halo {
    /// How many of what stands are behind it: the others hide it.
    pub before: usize,
    /// Its corner at the upper left and its side, in pixels of the picture.
    pub left: f32,
    pub top: f32,
    pub side: f32,
    /// How far away on the ground.
    pub away: f32,
    /// RGB of its middle, 0 to 1.
    pub light: [f32; 3],
}

impl Glance {
    /// What stands in sight, the furthest first, in the place of what `quads` holds.
    pub fn quads(&self, lens: &Lens, quads: &mut Vec<Quad>) {
        quads.clear();
        let standing = self.around.cells().filter_map(|(place, cell)| Some((place, cell, cell.thing.as_ref()?)));
        quads.extend(standing.filter_map(|(place, cell, thing)| self.quad(lens, place, cell, thing)));
        quads.sort_unstable_by(|a, b| b.far.total_cmp(&a.far).then(a.place.cmp(&b.place)));
    }

    /// What glows around those of what stands that shine, in the same order, in the place of what `halos` holds. Over what lies flat nothing does: it
    /// would veil a lake of lava.
    pub fn halos(&self, lens: &Lens, quads: &[Quad], halos: &mut Vec<Halo>) {
        halos.clear();
        if self.around.light.is_empty() {
            return;
        }
        // What is as far away is part of the same house.
        let mut before = 0;
        halos.extend(quads.iter().filter_map(|quad| {
            while quads.get(before).is_some_and(|other| other.far >= quad.far) {
                before += 1;
            }
            let lamp = self.around.cell(quad.place)?.lamp.as_ref()?;
            let reach = HALO * lens.focal / quad.far;
            let [left, top] = [quad.left, quad.top].map(|along| along - reach);
            let [left, top] = [left + lamp.middle[0] * quad.side, top + lamp.middle[1] * quad.side];
            let light = lamp.light.map(|c| GLOW * quad.dense * c);
            Some(Halo { before, left, top, side: 2.0 * reach, away: quad.away, light })
        }));
    }

    /// Those of what stands that are seen in still water before it, upside down, in the same order, in the place of what `mirrored` holds.
    pub fn mirrored(&self, lens: &Lens, quads: &[Quad], mirrored: &mut Vec<Quad>) {
        mirrored.clear();
        mirrored.extend(quads.iter().filter_map(|quad| {
            let scale = lens.focal / quad.far;
            let foot = lens.horizon + scale * self.camera.height;
            let bottom = quad.top + quad.side;
            // An eye under the water, as deep as this one is high, would see it there.
            let over_water = [foot - bottom, foot - quad.top].map(|above| {
                let above = (above / scale).max(0.0);
                quad.far * self.camera.height / (self.camera.height + above)
            });
            let aside = quad.left + quad.side / 2.0 - lens.width / 2.0;
            self.over_water(over_water, [aside - quad.side / 2.0, aside, aside + quad.side / 2.0].map(|aside| aside / lens.focal))
                .then_some(Quad { top: 2.0 * foot - bottom, ..*quad })
        }));
    }

    /// Whether there is still water between these distances ahead, on one of the ways that lead so far aside.
    fn over_water(&self, [far, near]: [f32; 2], aside: [f32; 3]) -> bool {
        let ([ax, ay], [rx, ry]) = (self.camera.ahead(), self.camera.right());
        let steps = (2.0 * (far - near)).ceil().max(1.0);
        let water = |ahead: f32, aside: f32| {
            let point = [self.camera.at[0] + ahead * (ax + rx * aside), self.camera.at[1] + ahead * (ay + ry * aside)];
            let ground = self.around.cell(self.place(point)).and_then(|cell| cell.ground.as_ref());
            ground.is_some_and(|tile| tile.has_water)
        };
        (0..=steps as usize).any(|step| aside.iter().any(|aside| water(near + (far - near) * step as f32 / steps, *aside)))
    }

    fn quad(&self, lens: &Lens, place: [i32; 2], cell: &Cell, Thing { cutout, storey, new, .. }: &Thing) -> Option<Quad> {
        let to_middle = cutout.to_middle();
        let [far, aside] = self.camera.off([0, 1].map(|i| (place[i] - self.around.at[i]) as f32 + 0.5 + to_middle[i]));
        let away = far.hypot(aside);
        if far <= NEAR[0] || away >= REACH as f32 {
            return None;
        }
        // It fades over the last patch, or it would jump into sight.
        let at_the_edge = (REACH as f32 - away).min(1.0);
        let scale = lens.focal / far;
        // Single things stand on their lowest pixels, parts of larger ones on each other.
        let empty = if cutout.is_whole() { cutout.rows.iter().rev().take_while(|row| **row == 0).count() } else { 0 };
        let lift = f32::from(*storey) - empty as f32 / cutout.rows.len() as f32;
        let bottom = lens.horizon + scale * (self.camera.height - lift * cutout.height);
        let side = scale * cutout.height;
        let left = lens.width / 2.0 + scale * (aside - to_middle[0] * cutout.height) - side / 2.0;
        let dense = ((far - NEAR[0]) / (NEAR[1] - NEAR[0])).min(1.0) * at_the_edge;
        let quad = Quad { place, left, top: bottom - side, side, far, away, dense };
        // What glows is seen beyond itself.
        let glow = cell.lamp.as_ref().map_or(0.0, |_| HALO * scale);
        let in_sight = left - glow < lens.width && left + side + glow > 0.0;
        let share = if *new { self.camera.new } else { self.in_sight(cell) };
        in_sight.then(|| Quad { dense: quad.dense * out_of_mist(share), ..quad })
    }

    /// Where a point of the camera's lies on the map.
    pub fn place(&self, point: [f32; 2]) -> [i32; 2] {
        [0, 1].map(|i| self.around.at[i] + point[i].floor() as i32)
    }

    /// How much of a patch is in sight, 0 to 1.
    pub fn in_sight(&self, cell: &Cell) -> f32 {
        match (&cell.ground, cell.new) {
            (None, _) => 0.0,
            (Some(_), true) => self.camera.new,
            (Some(_), false) => 1.0,
        }
    }
}

/// How much is shown of a place of which so much is in sight: half way out of the last patch nothing is left.
pub fn out_of_mist(share: f32) -> f32 {
    let share = (2.0 * share - 1.0).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

impl Cell {
    /// How far the shade of what stands here reaches on the ground, in patches: parts of larger things have none.
    pub fn shade(&self) -> f32 {
        self.thing.as_ref().filter(|thing| thing.cutout.is_whole()).map_or(0.0, |thing| SHADOW * thing.cutout.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dream::first_person::book::Tile;
    use crate::dream::first_person::lamp::Lamp;
    use crate::worlds::relief::Cutout;

    #[test]
    fn what_stands_is_as_far_away_wherever_one_looks_and_fades_at_the_edge_of_sight() {
        let tile = Arc::new(Tile::of(4, &[[0; 3]; 16], &[]));
        let cutout = Arc::new(Cutout { rows: vec![0b1111; 4], height: 1.0, part: [0, 0], parts: [1, 1] });
        let thing = Thing { tile: tile.clone(), cutout, storey: 0, new: false };
        let cell = |_| Cell { ground: Some(tile.clone()), thing: Some(thing.clone()), ..Cell::default() };
        let around = Arc::new(Surroundings::made([0, 0], cell));
        // What stands so many patches to the north of an eye that is so far from the corner of its place.
        let seen = |north: i32, down: f32, quarters: f32| {
            let mut quads = Vec::new();
            let camera = Camera { at: [0.5, down], ..Camera::of([0.5; 2], quarters, 1.0) };
            Glance { around: around.clone(), camera }.quads(&Lens::of([400, 160]), &mut quads);
            quads.into_iter().find(|quad| quad.place == [0, -north])
        };
        let (ahead, aside) = (seen(REACH, 0.0, 0.0).unwrap(), seen(REACH, 0.0, 0.2).unwrap());
        assert!((ahead.away - aside.away).abs() < 1e-3 && aside.far < ahead.far - 0.3, "{ahead:?} {aside:?}");
        assert!([ahead, aside].iter().all(|quad| (quad.dense - 0.5).abs() < 1e-3), "{ahead:?} {aside:?}");
        assert_eq!(seen(REACH - 1, 0.0, 0.2).unwrap().dense, 1.0);
        assert_eq!(seen(REACH, 0.6, 0.2), None);
    }

    #[test]
    fn what_stands_behind_water_is_mirrored_about_its_foot_and_nothing_else_is() {
        let ground = |water: bool| Arc::new(Tile::of(4, &[[0; 3]; 16], if water { &[0b1111; 4] } else { &[] }));
        let cutout = Arc::new(Cutout { rows: vec![0b1111; 4], height: 1.0, part: [0, 0], parts: [1, 1] });
        // Four things to the north, and water before two of them, in the east.
        let things = [[-1, -4], [-2, -4], [2, -4], [2, -6]];
        let cell = |place: [i32; 2]| {
            let thing = Thing { tile: ground(false), cutout: cutout.clone(), storey: 0, new: false };
            let water = place[0] >= 1 && place[1] < 0;
            Cell { ground: Some(ground(water)), thing: things.contains(&place).then_some(thing), inland: true, ..Cell::default() }
        };
        let glance = Glance { around: Arc::new(Surroundings::made([0, 0], cell)), camera: Camera::of([0.5; 2], 0.0, 1.0) };
        let (lens, mut quads, mut mirrored) = (Lens::of([400, 300]), Vec::new(), Vec::new());
        glance.quads(&lens, &mut quads);
        glance.mirrored(&lens, &quads, &mut mirrored);
        assert_eq!((quads.len(), mirrored.iter().map(|quad| quad.place).collect::<Vec<_>>()), (4, vec![[2, -6], [2, -4]]));
        for image in &mirrored {
            let quad = quads.iter().find(|quad| quad.place == image.place).unwrap();
            let foot = lens.horizon + lens.focal / quad.far * glance.camera.height;
            assert!((quad.top + quad.side - foot).abs() < 1e-3 && (image.top - foot).abs() < 1e-3, "{quad:?} {image:?}");
            assert_eq!((image.left, image.side, image.away), (quad.left, quad.side, quad.away));
        }
        // The flatter one looks the more of it is seen.
        let shares = [1.0, 40.0, 120.0].map(|below| lens.mirrors(below, 0.0));
        assert!(shares[0] > 0.9 && shares[1] < 0.6 && shares[2] < 0.2 && shares[2] > MIRRORS, "{shares:?}");
        assert!(lens.mirrors(40.0, 200.0) > shares[1], "aside it is further away");
    }

    #[test]
    fn what_stands_and_shines_glows_before_what_is_behind_it_and_what_lies_does_not() {
        let tile = Arc::new(Tile::of(4, &[[0; 3]; 16], &[]));
        let cutout = |part: [u8; 2], parts: [u8; 2]| Arc::new(Cutout { rows: vec![0b1111; 4], height: 1.0, part, parts });
        let thing = |cutout| Some(Thing { tile: tile.clone(), cutout, storey: 0, new: false });
        // Three things to the north, the middle one of two parts of which one shines; lava beside them.
        let cell = |lit: bool, place: [i32; 2]| {
            let lamp = lit.then_some(Lamp { light: [1.0, 0.5, 0.0], middle: [0.25, 0.5], new: false });
            let (thing, lamp) = match place {
                [0, -6] | [0, -2] => (thing(cutout([0, 0], [1, 1])), None),
                [0, -4] => (thing(cutout([0, 0], [2, 1])), lamp),
                [1, -4] => (thing(cutout([1, 0], [2, 1])), None),
                [-1, -4] => (None, lamp),
                _ => (None, None),
            };
            Cell { ground: Some(tile.clone()), thing, lamp, inland: true, ..Cell::default() }
        };
        let halos = |lit: bool, quarters: f32| {
            let around = Arc::new(Surroundings::made([0, 0], |place| cell(lit, place)));
            let glance = Glance { around, camera: Camera::of([0.5; 2], quarters, 1.0) };
            let (lens, mut quads, mut halos) = (Lens::of([400, 300]), Vec::new(), Vec::new());
            glance.quads(&lens, &mut quads);
            glance.halos(&lens, &quads, &mut halos);
            (quads, halos)
        };
        let (quads, seen) = halos(true, 0.0);
        let [halo] = seen[..] else { panic!("{seen:?}") };
        // The furthest and both parts of the house are behind it.
        assert_eq!((quads.len(), halo.before), (4, 3));
        let quad = quads.iter().find(|quad| quad.place == [0, -4]).unwrap();
        let middle = [halo.left, halo.top].map(|along| along + halo.side / 2.0);
        let wanted = [quad.left + quad.side / 4.0, quad.top + quad.side / 2.0];
        assert!(middle.iter().zip(wanted).all(|(along, wanted)| (along - wanted).abs() < 1e-3), "{halo:?} {quad:?}");
        assert!((halo.light[0] - GLOW).abs() < 1e-6 && halo.light[2] == 0.0 && halo.away == quad.away, "{halo:?}");
        // The controls: behind one's back, and by day, there is none.
        assert_eq!([halos(true, 2.0), halos(false, 0.0)].map(|(_, halos)| halos.len()), [0, 0]);
        // What has just left the picture glows into it, and what does not shine is gone.
        let is_seen = |lit: bool, turn: u8| halos(lit, f32::from(turn) / 100.0).0.iter().any(|quad| quad.place == [0, -4]);
        let glows_alone = (0..100).filter(|turn| is_seen(true, *turn) && !is_seen(false, *turn)).count();
        assert!(glows_alone > 0 && (0..100).all(|turn| is_seen(true, turn) || !is_seen(false, turn)), "{glows_alone}");
    }

    #[test]
    fn a_wide_picture_shows_more_at_its_sides_and_a_tall_one_above_and_below() {
        // Patches that are seen to the right of the middle, and below it, one patch away.
        let seen = |size: [usize; 2]| {
            let lens = Lens::of(size);
            [lens.width / 2.0, lens.height - lens.horizon].map(|px| px / lens.focal)
        };
        let ([usual, wide], [wider, tall]) = ([[288, 224], [1280, 720]].map(seen), [[3440, 1000], [400, 1000]].map(seen));
        assert!(wide[0] > 1.3 * usual[0] && (wide[1] - usual[1]).abs() < 0.01, "{usual:?} {wide:?}");
        assert!((wider[0] - 0.5 / FOCAL_ACROSS[0]).abs() < 1e-3 && wider[1] < usual[1], "{wider:?}");
        assert!(tall[0] > 0.5 && tall[1] > usual[1], "{tall:?}");
    }
}
