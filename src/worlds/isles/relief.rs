//! What stands on the isles, cut out of the drawings: what of a tile is not in the colours of its ground. And what lies still there: what of a tile
//! of water is no bank.

use std::collections::BTreeSet;

use super::art::{Art, Picture, TILE_PX};
use super::atlas::{QUAD_PX, Quads, atlas};
use super::land::{LANDS, Liquid, Tile};
use super::palette::{Look, Palette};
use super::sky::LightLook;
use super::things::thing_feature;
use super::village;
use crate::worlds::AssetError;
use crate::worlds::relief::{Cutout, DrawnRelief, StillWater, Upright};
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
    Ok(DrawnRelief { standing, water: still_water(&palette), sky_rgb: [sky("water_a")?, sky("snow_a")?] })
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
        let row = |y: usize| (0..TILE_PX).map(|x| u32::from(shape[y * TILE_PX + x] == open[y * TILE_PX + x]) << x).sum();
        StillWater {
            rgb: shape.iter().flat_map(|index| palette.land[usize::from(*index)]).collect(),
            rows: (0..TILE_PX).map(row).collect(),
        }
    };
    shapes.map(water).collect()
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
    let row = |pixels: &[Option<u8>]| (0..).zip(pixels).map(|(x, pixel)| u32::from(!flat.contains(pixel)) << x).sum();
    let rows = picture.chunks_exact(TILE_PX).map(row).collect();
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
    picture.iter().flat_map(|pixel| palette.land[usize::from(pixel.unwrap_or(0))]).collect()
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
}
