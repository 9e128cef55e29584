//! What stands on the isles, cut out of the drawings: what of a tile is not in the colours of its ground. And what lies still there: what of a tile
//! of water is no bank. And what shines by itself in the dark: what of a tile is in colours that glow, or are lit then.

use std::collections::{BTreeMap, BTreeSet};

use super::art::{Art, Picture, TILE_PX};
use super::atlas::{QUAD_PX, Quads, atlas};
use super::land::{LANDS, Liquid, Tile};
use super::palette::{Look, Palette};
use super::sky::LightLook;
use super::things::thing_feature;
use super::village;
use crate::worlds::AssetError;
use crate::worlds::relief::{Cutout, DrawnRelief, Shining, StillWater, Upright};
use crate::worlds::scene::{Attribute, Biome, Feature, Light, Season, Style, Weather};

/// How high a patch of a thing stands, in tiles, by the end of its name; all else one.
const HEIGHTS: [(&str, f32); 10] = [
    ("_pine", 1.7),
    ("_palm", 1.7),
    ("_oak", 1.6),
    ("_ruin", 1.4),
    ("_spire", 1.5),
    ("_stump", 1.4),
    ("_cactus", 1.3),
    ("_crystal", 1.2),
    ("_mushroom", 1.1),
    ("_lantern", 1.2),
];

/// Pixels that shine on a tile, at least: the pane of a door lights nothing.
const LEAST_SHINING: u32 = 8;

/// All that stands, drawn plain on a clear summer's day.
pub fn relief() -> Result<DrawnRelief, AssetError> {
    let art = Art::parse(include_str!("art.txt"))?;
    let light = LightLook::Settled(Light::Day);
    let palette = atlas().colours.palette(Look { light, weather: Weather::Clear, season: Season::Summer, style: Style::Plain });
    let mut standing = Vec::new();
    for land in LANDS {
        let things = land.things().concat().into_iter();
        let things = things.map(|name| (name.to_owned(), thing_feature(name), ([0, 0], [1, 1])));
        let built = (0..).zip(village::pictures()).filter(|(built, _)| village::solid(*built));
        let built = built.map(|(built, name)| (format!("{}_{name}", land.word()), Feature::Village, village::part(built)));
        for thing in things.chain(built) {
            standing.push(upright(&art, &palette, land, thing)?);
        }
    }
    let sky = |name: &str| art.tile(name).map(|picture| rgb(picture, &palette));
    let (water, shining) = (still_water(&palette), shining(&art, &palette)?);
    Ok(DrawnRelief { standing, water, shining, sky_rgb: [sky("water_a")?, sky("snow_a")?] })
}

/// Tiles that shine in the dark, those together on which the same pixels do. Lava is one in all shapes that land gives it: the pixels are those that
/// shine in each of them.
fn shining(art: &Art, palette: &Palette) -> Result<Vec<Shining>, AssetError> {
    let shines = |index: u8| art.palette.get(usize::from(index)).is_some_and(|colour| colour.glow || colour.lit.is_some());
    let mut by_rows: BTreeMap<Vec<u32>, Vec<Vec<u8>>> = BTreeMap::new();
    for land in LANDS {
        let drawn = land.grounds().into_iter().chain(land.things().concat()).map(str::to_owned);
        for name in drawn.chain(village::pictures().map(|name| format!("{}_{name}", land.word()))) {
            let picture = art.tile(&name)?;
            let rows = rows_of(|i| picture[i].is_some_and(shines));
            if rows.iter().map(|row| row.count_ones()).sum::<u32>() >= LEAST_SHINING {
                by_rows.entry(rows).or_default().push(rgb(picture, palette));
            }
        }
    }
    let masks = (0..2).flat_map(|picture| (0..=u8::MAX).map(move |land| Tile::Liquid(Liquid::Magma, picture, land)));
    let shapes: BTreeSet<Quads> = masks.map(|tile| atlas().quads(tile)).collect();
    let shapes: Vec<[u8; TILE_PX * TILE_PX]> = shapes.into_iter().map(indices).collect();
    let always = rows_of(|i| shapes.iter().all(|shape| shines(shape[i])));
    let lava = Shining { rgb: shapes.iter().map(|shape| rgb_of(shape, palette)).collect(), rows: always };
    Ok(by_rows.into_iter().map(|(rows, rgb)| Shining { rgb, rows }).chain([lava]).collect())
}

/// Water in every shape that land around it gives it. Lava shines by itself.
fn still_water(palette: &Palette) -> Vec<StillWater> {
    let kinds = [Liquid::Water, Liquid::Murk].into_iter().flat_map(|liquid| (0..2).map(move |picture| (liquid, picture)));
    let shapes = kinds.flat_map(|(liquid, picture)| {
        let quads = move |land: u8| atlas().quads(Tile::Liquid(liquid, picture, land));
        let shapes: BTreeSet<Quads> = (0..=u8::MAX).map(quads).collect();
        shapes.into_iter().map(move |shape| (shape, quads(0)))
    });
    let water = |(shape, open): (Quads, Quads)| {
        let [shape, open] = [shape, open].map(indices);
        StillWater { rgb: rgb_of(&shape, palette), rows: rows_of(|i| shape[i] == open[i]) }
    };
    shapes.map(water).collect()
}

/// The pixels of a tile, row by row, of which this is so: bit `x` of row `y`.
fn rows_of(is: impl Fn(usize) -> bool) -> Vec<u32> {
    let row = |y: usize| (0..TILE_PX).map(|x| u32::from(is(y * TILE_PX + x)) << x).sum();
    (0..TILE_PX).map(row).collect()
}

/// Palette indices of a tile, row by row.
fn indices(quads: Quads) -> [u8; TILE_PX * TILE_PX] {
    std::array::from_fn(|i| {
        let (x, y) = (i % TILE_PX, i / TILE_PX);
        atlas().indices(quads[y / QUAD_PX * 2 + x / QUAD_PX])[y % QUAD_PX * QUAD_PX + x % QUAD_PX]
    })
}

/// A thing of a name, what it is, and which part of how many.
type Thing = (String, Feature, ([u8; 2], [u8; 2]));

fn upright(art: &Art, palette: &Palette, land: Biome, (name, feature, (part, parts)): Thing) -> Result<Upright, AssetError> {
    let picture = art.tile(&name)?;
    let ground = art.ground(land.word())?;
    let flat = [ground.base, ground.shade, ground.light].map(Some);
    let rows = rows_of(|i| !flat.contains(&picture[i]));
    let height = HEIGHTS.iter().find(|(end, _)| name.ends_with(end)).map_or(1.0, |(_, height)| *height);
    Ok(Upright {
        rgb: rgb(picture, palette),
        ground_rgb: rgb(art.tile(land.grounds()[0])?, palette),
        cutout: Cutout { rows, height, part, parts },
        feature,
        name,
    })
}

fn rgb(picture: &Picture, palette: &Palette) -> Vec<u8> {
    rgb_of(&picture.map(|pixel| pixel.unwrap_or(0)), palette)
}

/// The colours of pixels that are palette indices.
fn rgb_of(pixels: &[u8], palette: &Palette) -> Vec<u8> {
    pixels.iter().flat_map(|index| palette.land[usize::from(*index)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::relief::Cutout;

    #[test]
    fn everything_solid_but_water_stands_on_its_ground() {
        let relief = relief().unwrap();
        let upright = |name: &str| relief.standing.iter().find(|upright| upright.name == name).unwrap();
        let pine = upright("snow_pine");
        let drawn = |cutout: &Cutout| cutout.rows.iter().map(|row| row.count_ones()).sum::<u32>();
        assert!((100..180).contains(&drawn(&pine.cutout)), "a tree fills half of its tile: {}", drawn(&pine.cutout));
        assert_eq!(pine.cutout.rows[0], 0b1_1000_0000, "its tip");
        assert_ne!(pine.rgb, pine.ground_rgb);
        let features = ["forest_oak", "desert_ruin", "snow_crystal", "meadow_lantern"].map(|name| upright(name).feature);
        assert_eq!(features, [Feature::Trees, Feature::Ruins, Feature::Rocks, Feature::Village]);
        assert_eq!((upright("beach_hut_5").cutout.part, upright("beach_hut_5").cutout.parts), ([2, 1], [3, 3]));
        for upright in &relief.standing {
            assert!(upright.cutout.rows.len() == TILE_PX && drawn(&upright.cutout) > 0, "{}", upright.name);
            assert!(!upright.name.contains("path") && upright.cutout.height >= 1.0, "{}", upright.name);
        }
        let things: usize = LANDS.iter().map(|land| land.things().concat().len()).sum();
        let built = (0..).zip(village::pictures()).filter(|(built, _)| village::solid(*built)).count();
        assert_eq!(relief.standing.len(), things + LANDS.len() * built);
    }

    #[test]
    fn water_is_still_up_to_its_bank_and_lava_is_not() {
        let water = relief().unwrap().water;
        let all = |row: u32| water.iter().filter(|water| water.rows.iter().all(|water| *water == row)).count();
        // Open water in two pictures, and murk; nothing is all bank.
        assert_eq!((all((1 << TILE_PX) - 1), all(0)), (4, 0));
        // With land all around there is less of it, and least in its corners.
        let drawn = |water: &StillWater| water.rows.iter().map(|row| row.count_ones()).sum::<u32>();
        let pond = water.iter().min_by_key(|water| drawn(water)).unwrap();
        assert!((40..160).contains(&drawn(pond)), "{}", drawn(pond));
        assert!([0, TILE_PX - 1].iter().all(|y| pond.rows[*y] == 0) && pond.rows[TILE_PX / 2].count_ones() >= 8, "{:?}", pond.rows);
        // The control: what is no water is brown, or white with foam.
        let blue = |rgb: &[u8]| rgb[2] > rgb[0].saturating_add(40);
        let pixels = |of: bool| {
            let here = |i: &usize| (pond.rows[i / TILE_PX] >> (i % TILE_PX) & 1 == 1) == of;
            (0..TILE_PX * TILE_PX).filter(here).map(|i| blue(&pond.rgb[3 * i..])).filter(|blue| *blue).count()
        };
        assert!(pixels(false) * 10 < pixels(true), "{} {}", pixels(false), pixels(true));
    }

    #[test]
    fn lamps_windows_and_lava_shine_and_nothing_else_does() {
        let relief = relief().unwrap();
        let rows_of = |rgb: &Vec<u8>| relief.shining.iter().find(|shining| shining.rgb.contains(rgb)).map(|shining| &shining.rows);
        let named = |name: &str| rows_of(&relief.standing.iter().find(|upright| upright.name == name).unwrap().rgb);
        let pixels = |rows: &[u32]| rows.iter().map(|row| row.count_ones()).sum::<u32>();
        // The glass of a lantern, the same one in every land; a house's window on either side of its door.
        let lantern = named("meadow_lantern").unwrap();
        assert_eq!(lantern[..8], [0, 0, 0, 0b111_1110_0000, 0b111_1010_0000, 0b111_1010_0000, 0b111_1110_0000, 0]);
        assert_eq!(named("snow_lantern"), Some(lantern));
        assert!(["beach_cottage_6", "beach_hut_8", "volcano_spire", "snow_crystal"].iter().all(|name| named(name).is_some()));
        let dark = ["beach_cottage_7", "beach_hut_4", "meadow_oak", "snow_rock", "meadow_fence"];
        assert!(dark.iter().all(|name| named(name).is_none()));
        // What shines on what stands is its own.
        for upright in &relief.standing {
            let own = |(shines, own): (&u32, &u32)| shines & !own == 0;
            assert!(rows_of(&upright.rgb).is_none_or(|rows| rows.iter().zip(&upright.cutout.rows).all(own)), "{}", upright.name);
        }
        // Lava in every shape: not its bank, also where there is land all around.
        let lava = relief.shining.iter().max_by_key(|shining| shining.rgb.len()).unwrap();
        assert!(lava.rgb.len() > 60 && (80..200).contains(&pixels(&lava.rows)) && lava.rows[0] == 0, "{} {:?}", lava.rgb.len(), lava.rows);
        let red = |rgb: &[u8]| rgb[0] > 150 && rgb[0] > rgb[2].saturating_add(60);
        let shines = |i: usize| lava.rows[i / TILE_PX] >> (i % TILE_PX) & 1 == 1;
        let all_red = |rgb: &[u8]| (0..TILE_PX * TILE_PX).filter(|i| shines(*i)).all(|i| red(&rgb[3 * i..]));
        assert!(lava.rgb.iter().all(|rgb| all_red(rgb)));
        // The control: water does not.
        assert!(relief.water.iter().all(|water| !all_red(&water.rgb) && rows_of(&water.rgb).is_none()));
    }
}
