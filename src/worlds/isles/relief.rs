//! What stands on the isles, cut out of the drawings: what of a tile is not in the colours of its ground.

use super::art::{Art, Picture, TILE_PX};
use super::atlas::atlas;
use super::land::LANDS;
use super::palette::{Look, Palette};
use super::sky::LightLook;
use super::things::thing_feature;
use super::village;
use crate::worlds::AssetError;
use crate::worlds::relief::{Cutout, DrawnRelief, Upright};
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
    Ok(DrawnRelief { standing, sky_rgb: [sky("water_a")?, sky("snow_a")?] })
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
}
