//! What each land has on its ground and in the way, and how much of it.

use crate::worlds::scene::{Biome, Feature};

/// How the isles show a land. The dry ground of the sea is its beaches.
impl Biome {
    /// Pictures of its walkable ground: two plain ones, a rarer third, and one with flowers.
    pub fn grounds(self) -> [&'static str; 4] {
        match self {
            Biome::Meadow => ["meadow_a", "meadow_b", "meadow_flowers", "meadow_blossoms"],
            Biome::Forest => ["forest_a", "forest_b", "forest_fern", "forest_blossoms"],
            Biome::Desert => ["desert_a", "desert_b", "desert_bones", "desert_blossoms"],
            Biome::Snow => ["snow_a", "snow_b", "snow_tracks", "snow_blossoms"],
            Biome::Swamp => ["swamp_a", "swamp_b", "swamp_reeds", "swamp_blossoms"],
            Biome::Volcano => ["volcano_a", "volcano_b", "volcano_crack", "volcano_blossoms"],
            Biome::Beach | Biome::Water => ["beach_a", "beach_b", "beach_shell", "beach_blossoms"],
        }
    }

    /// Pictures of the things in the way, the most common first, and those that come only where they are wished for.
    pub fn things(self) -> [&'static [&'static str]; 2] {
        match self {
            Biome::Meadow => [&["meadow_oak", "meadow_rock", "meadow_ruin"], &["meadow_cactus"]],
            Biome::Forest => [&["forest_pine", "forest_oak", "forest_rock", "forest_ruin"], &["forest_cactus"]],
            Biome::Desert => [&["desert_cactus", "desert_rock", "desert_ruin"], &["desert_palm"]],
            Biome::Snow => [&["snow_pine", "snow_rock", "snow_crystal"], &["snow_ruin", "snow_cactus"]],
            Biome::Swamp => [&["swamp_stump", "swamp_mushroom"], &["swamp_rock", "swamp_ruin", "swamp_cactus"]],
            Biome::Volcano => [&["volcano_spire", "volcano_ruin"], &["volcano_stump", "volcano_cactus"]],
            Biome::Beach | Biome::Water => [&["beach_palm", "beach_rock"], &["beach_ruin", "beach_cactus"]],
        }
    }

    /// Name of a thing by its number, the wished ones after the common ones.
    pub fn thing(self, kind: u8) -> &'static str {
        let [common, wished] = self.things();
        common.iter().chain(wished).nth(usize::from(kind)).map_or(common[0], |thing| *thing)
    }

    /// Numbers of the things that are such a feature.
    pub fn things_that_are(self, feature: Feature) -> Vec<u8> {
        let all = self.things().map(<[_]>::len).iter().sum::<usize>() as u8;
        (0..all).filter(|&kind| thing_feature(self.thing(kind)) == feature).collect()
    }

    /// The common thing of this land that shows such a feature, else the most common of all.
    pub fn thing_like(self, feature: Feature) -> u8 {
        self.things()[0].iter().position(|thing| thing_feature(thing) == feature).unwrap_or(0) as u8
    }

    /// Percent of tiles with the third ground; threshold of the clump noise, percent of solid tiles inside and outside clumps.
    pub fn habits(self) -> (u64, f64, u64, u64) {
        match self {
            Biome::Meadow => (7, 0.22, 46, 2),
            Biome::Forest => (14, 0.10, 48, 3),
            Biome::Desert => (3, 0.22, 40, 2),
            Biome::Snow => (5, 0.18, 46, 2),
            Biome::Swamp => (12, 0.20, 44, 2),
            Biome::Volcano => (14, 0.22, 48, 2),
            Biome::Beach | Biome::Water => (7, 0.24, 46, 3),
        }
    }
}

/// What a thing of that name is.
pub fn thing_feature(thing: &str) -> Feature {
    let named = [
        ("_cactus", Feature::Cactus),
        ("_ruin", Feature::Ruins),
        ("_rock", Feature::Rocks),
        ("_crystal", Feature::Rocks),
        ("_spire", Feature::Rocks),
    ];
    named.iter().find(|(end, _)| thing.ends_with(end)).map_or(Feature::Trees, |(_, feature)| *feature)
}
