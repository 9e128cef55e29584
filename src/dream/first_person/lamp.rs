//! What shines by itself in the dark, and how much of its light falls on what lies around.

use super::book::Tile;
use super::surroundings::{Cell, SIDE};
use crate::worlds::scene::Light;

/// How far the light of what shines reaches, in patches.
const REACHES: f32 = 2.5;
/// Whole patches of that.
const NEAR: i32 = REACHES as i32;
/// A patch of which this share shines is as bright as any: a lantern's glass.
const BRIGHT: f32 = 0.08;
/// Patches of a side of what [`light_on`] fills: there is a border of one around.
pub const LIT_SIDE: usize = SIDE + 2;

/// Something that shines on a patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Lamp {
    /// RGB of its light, 0 to 1, the brighter the darker it is around it.
    pub light: [f32; 3],
    /// Where the middle of it is in the patch's picture, 0 to 1 each way.
    pub middle: [f32; 2],
    /// It came into sight with the last step.
    pub new: bool,
}

impl Lamp {
    /// What shines where a token is drawn as `tile`, of which these `rows` of pixels do; it is so `dark`, 0 to 1.
    pub fn of(tile: &Tile, rows: &[u32], dark: f32, new: bool) -> Option<Self> {
        if dark <= 0.0 {
            return None;
        }
        let side = rows.len();
        let shining = (0..side * side).map(|i| [i % side, i / side]).filter(|[x, y]| rows[*y] >> x & 1 == 1);
        let (mut count, mut rgb, mut middle) = (0.0_f32, [0.0; 3], [0.0_f32; 2]);
        for place in shining {
            count += 1.0;
            rgb = add(rgb, tile.pixel(place).map(f32::from), 1.0);
            middle = [0, 1].map(|i| middle[i] + place[i] as f32 + 0.5);
        }
        let strength = dark * (count / (BRIGHT * (side * side) as f32)).min(1.0);
        let (light, middle) = (rgb.map(|c| strength * c / (255.0 * count)), middle.map(|along| along / (count * side as f32)));
        (count > 0.0).then_some(Self { light, middle, new })
    }
}

/// How dark it is in a light, 0 to 1: what shines is seen to shine by that.
pub fn darkness(light: Option<Light>) -> f32 {
    match light {
        Some(Light::Night) => 1.0,
        Some(Light::Dusk) => 0.5,
        Some(Light::Day | Light::Dawn) | None => 0.0,
    }
}

/// The light of all lamps on each of the `cells`, `(SIDE, SIDE)`, and on a border of one around, `(LIT_SIDE, LIT_SIDE)`: RGB, and which
/// share of it was there before the last step; nothing where nothing shines.
pub fn light_on(cells: &[Cell]) -> Vec<[u8; 4]> {
    let lamps: Vec<([i32; 2], &Lamp)> = cells
        .iter()
        .enumerate()
        .filter_map(|(index, cell)| Some(([index % SIDE + 1, index / SIDE + 1].map(|along| along as i32), cell.lamp.as_ref()?)))
        .collect();
    if lamps.is_empty() {
        return Vec::new();
    }
    // What was there before, and all that is there now.
    let mut sums = vec![[[0.0; 3]; 2]; LIT_SIDE * LIT_SIDE];
    for (place, lamp) in lamps {
        for (dx, dy) in (-NEAR..=NEAR).flat_map(|dy| (-NEAR..=NEAR).map(move |dx| (dx, dy))) {
            let [x, y] = [place[0] + dx, place[1] + dy];
            if [x, y].iter().all(|along| (0..LIT_SIDE as i32).contains(along)) {
                let [before, now] = &mut sums[y as usize * LIT_SIDE + x as usize];
                let share = falls_off((dx * dx + dy * dy) as f32);
                *now = add(*now, lamp.light, share);
                *before = add(*before, lamp.light, if lamp.new { 0.0 } else { share });
            }
        }
    }
    sums.into_iter().map(texel).collect()
}

/// Share of a lamp's light that falls on what is so far away; `away`: the square of it.
fn falls_off(away: f32) -> f32 {
    (1.0 - away / (REACHES * REACHES)).max(0.0).powi(2)
}

/// Many lamps side by side are no brighter than one whose strongest channel is full, and no whiter than they are.
fn texel([before, now]: [[f32; 3]; 2]) -> [u8; 4] {
    let peak = |light: [f32; 3]| light.into_iter().fold(0.0, f32::max);
    let (was, is) = (peak(before), peak(now));
    let [r, g, b] = now.map(|c| c / is.max(1.0));
    let share = if is > 0.0 { was.min(1.0) / is.min(1.0) } else { 1.0 };
    [r, g, b, share].map(|c| (255.0 * c + 0.5) as u8)
}

fn add(to: [f32; 3], what: [f32; 3], share: f32) -> [f32; 3] {
    [0, 1, 2].map(|c| to[c] + what[c] * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells of which these have a lamp of such a light, by how far east and south of the middle they are.
    fn lit(lamps: &[([i32; 2], [f32; 3], bool)]) -> Vec<[u8; 4]> {
        let mut cells = vec![Cell::default(); SIDE * SIDE];
        for (off, light, new) in lamps {
            let [x, y] = off.map(|along| (SIDE as i32 / 2 + along) as usize);
            cells[y * SIDE + x].lamp = Some(Lamp { light: *light, middle: [0.5; 2], new: *new });
        }
        light_on(&cells)
    }

    /// What falls on the patch so far east and south of the middle.
    fn falls_on(lit: &[[u8; 4]], [x, y]: [i32; 2]) -> [u8; 4] {
        let middle = LIT_SIDE as i32 / 2;
        lit[(middle + y) as usize * LIT_SIDE + (middle + x) as usize]
    }

    #[test]
    fn a_lamp_has_the_colour_and_the_place_of_what_shines() {
        // The upper row is of another colour, and its right half shines.
        let pixels: Vec<[u8; 3]> = (0..16).map(|i| if i < 4 { [204, 102, 51] } else { [9; 3] }).collect();
        let (tile, rows) = (Tile::of(4, &pixels, &[]), [0b1100, 0, 0, 0]);
        let lamp = Lamp::of(&tile, &rows, 1.0, false).unwrap();
        assert!(lamp.light.iter().zip([0.8, 0.4, 0.2]).all(|(light, wanted)| (light - wanted).abs() < 1e-6), "{lamp:?}");
        assert_eq!(lamp.middle, [0.75, 0.125]);
        // At dusk it is half as bright. The controls: by day, and where nothing shines, there is none.
        let dusk = Lamp::of(&tile, &rows, darkness(Some(Light::Dusk)), true).unwrap();
        assert!((dusk.light[0] - 0.4).abs() < 1e-6 && dusk.new, "{dusk:?}");
        assert_eq!([Light::Day, Light::Dawn].map(|light| Lamp::of(&tile, &rows, darkness(Some(light)), false)), [None, None]);
        assert_eq!((Lamp::of(&tile, &[0; 4], 1.0, false), darkness(None)), (None, 0.0));
    }

    #[test]
    fn what_shines_little_is_weak() {
        let tile = Tile::of(16, &[[255; 3]; 256], &[]);
        let strength = |pixels: u32| {
            let mut rows = [0; 16];
            (0..pixels as usize).for_each(|i| rows[i / 8] |= 1 << (i % 8));
            Lamp::of(&tile, &rows, 1.0, false).unwrap().light[0]
        };
        let [pane, window, lantern, lava] = [1, 10, 22, 128].map(strength);
        assert!(pane < 0.06 && (0.4..0.6).contains(&window) && lantern == 1.0 && lava == 1.0, "{pane} {window}");
    }

    #[test]
    fn light_falls_on_what_is_near_and_many_lamps_are_no_whiter_than_one() {
        let warm = [1.0, 0.5, 0.25];
        let one = lit(&[([0, 0], warm, false)]);
        assert_eq!(falls_on(&one, [0, 0]), [255, 128, 64, 255]);
        let along = [0, 1, 2, 3].map(|x| falls_on(&one, [x, 0])[0]);
        assert!(along.is_sorted_by(|a, b| a > b) && along[3] == 0, "{along:?}");
        assert_eq!([[1, 0], [0, -1], [-1, 0]].map(|off| falls_on(&one, off)), [falls_on(&one, [0, 1]); 3]);
        let lake: Vec<_> = (0..25).map(|i| ([i % 5 - 2, i / 5 - 2], warm, false)).collect();
        assert_eq!(falls_on(&lit(&lake), [0, 0]), [255, 128, 64, 255]);
        // The controls: two weak ones are brighter than one, and nothing shines where there are none.
        let weak = |count: usize| falls_on(&lit(&[([1, 0], [0.3; 3], false), ([-1, 0], [0.3; 3], false)][..count]), [0, 0])[0];
        assert!(weak(2) > weak(1) + 40, "{} {}", weak(2), weak(1));
        assert_eq!(lit(&[]), Vec::<[u8; 4]>::new());
    }

    #[test]
    fn the_light_of_what_came_into_sight_is_told_from_that_before() {
        let both = lit(&[([-1, 0], [0.2; 3], false), ([1, 0], [0.2; 3], true)]);
        let share = |x: i32| falls_on(&both, [x, 0])[3];
        assert_eq!([share(-3), share(0), share(3)], [255, 128, 0]);
        assert_eq!(share(9), 255, "no light at all");
    }
}
