//! `isles`: a top-down pixel-art land without end.
//!
//! A sleepwalker stands at the centre patch; each step moves the land by half a tile (8 px) or, where something solid stands in the way,
//! shows a bump. The frame is therefore always a grid of 8x8 quads: drawing it is copying them from an atlas graded for the light and weather.

mod art;
mod atlas;
mod land;
mod sky;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::{StepOutcome, World, WorldInfo};
use art::TILE_PX;
use atlas::{Pose, QUAD_PX, QuadId, atlas};
use land::{BIOMES, Biome, Land, Liquid, Tile, hash};
use sky::{LIGHTS, Sky, WEATHERS};

const WIDTH_PX: usize = 144;
const HEIGHT_PX: usize = 112;
const RATE_HZ: u32 = 10;
const COLUMNS: usize = WIDTH_PX / QUAD_PX;
const ROWS: usize = HEIGHT_PX / QUAD_PX;
/// Quads left of and above the figure, which stands on the centre patch.
const LEFT: i64 = 8;
const ABOVE: i64 = 6;

const ACTIONS: [&str; 5] = ["stay", "north", "south", "west", "east"];
const MOVES: [(i64, i64); 5] = [(0, 0), (0, -1), (0, 1), (-1, 0), (1, 0)];
const FEATURES: [&str; 8] = ["trees", "rocks", "ruins", "flowers", "cactus", "lake", "shore", "lava"];
/// Words of features a caption holds at most.
const CAPTION_FEATURES: usize = 3;

/// The world; see the module's documentation.
#[derive(Clone)]
pub struct Isles {
    info: WorldInfo,
    land: Land,
    sky: Sky,
    hold: bool,
    /// Top left of the figure, in quads.
    x: i64,
    y: i64,
    /// Index into [`atlas::FACINGS`].
    facing: usize,
    pose: Pose,
    /// What is in view: `(ROWS, COLUMNS)`.
    view: Vec<QuadId>,
    biome: Biome,
    ground_words: Vec<&'static str>,
    feature_words: Vec<&'static str>,
}

impl Default for Isles {
    fn default() -> Self {
        Self::new()
    }
}

impl Isles {
    pub fn new() -> Self {
        let mut vocabulary: Vec<&str> = BIOMES.iter().map(|b| b.word()).collect();
        vocabulary.push("water");
        vocabulary.extend(LIGHTS.iter().map(|l| l.word()));
        vocabulary.extend(WEATHERS.iter().map(|w| w.word()));
        vocabulary.extend(FEATURES);
        let prompts = [
            "meadow day clear trees flowers",
            "forest night rain trees",
            "desert dusk clear cactus ruins",
            "snow day snowfall trees rocks",
            "swamp dawn fog lake",
            "volcano night clear lava rocks",
            "beach day clear trees shore",
            "water beach dusk clear shore",
            "forest dawn clear flowers ruins",
            "snow night clear rocks",
        ];
        let info = WorldInfo {
            name: "isles",
            width_px: WIDTH_PX,
            height_px: HEIGHT_PX,
            patch_px: TILE_PX,
            rate_hz: RATE_HZ,
            actions: &ACTIONS,
            vocabulary,
            suggested_prompts: prompts.iter().map(|p| (*p).to_owned()).collect(),
        };
        let mut world = Self {
            info,
            land: Land::new(0),
            sky: Sky::new(0, Biome::Meadow),
            hold: false,
            x: 0,
            y: 0,
            facing: 1,
            pose: Pose::Stand,
            view: vec![0; COLUMNS * ROWS],
            biome: Biome::Meadow,
            ground_words: Vec::new(),
            feature_words: Vec::new(),
        };
        world.reset(0);
        world
    }

    /// Whether the figure's 16x16 footprint at this place (in quads) would touch something solid.
    fn blocked_at(&mut self, x: i64, y: i64) -> bool {
        let tiles = |v: i64| v.div_euclid(2)..=(v + 1).div_euclid(2);
        tiles(y).any(|ty| tiles(x).any(|tx| self.land.tile(tx, ty).solid()))
    }

    /// Looks around after the figure has come to a new place.
    fn look_around(&mut self) {
        let atlas = atlas();
        let (left, top) = (self.x - LEFT, self.y - ABOVE);
        let mut biomes: HashMap<&'static str, i64> = HashMap::new();
        let mut features: HashMap<&'static str, i64> = HashMap::new();
        for row in 0..ROWS as i64 {
            for column in 0..COLUMNS as i64 {
                let (qx, qy) = (left + column, top + row);
                let tile = self.land.tile(qx.div_euclid(2), qy.div_euclid(2));
                let quadrant = (qy.rem_euclid(2) * 2 + qx.rem_euclid(2)) as usize;
                self.view[row as usize * COLUMNS + column as usize] = atlas.quads(tile)[quadrant];
                *biomes.entry(ground_word(tile)).or_default() += 1;
                if let Some(word) = feature_word(tile) {
                    *features.entry(word).or_default() += 1;
                }
            }
        }
        let total = (COLUMNS * ROWS) as i64;
        // Water beside a beach is a shore, other water a lake.
        if let Some(water) = features.remove("lake") {
            let beach = biomes.get("beach").copied().unwrap_or(0);
            features.insert(if beach * 12 > total { "shore" } else { "lake" }, water / 2);
        }
        let by_count = |counts: HashMap<&'static str, i64>, least: i64| {
            let mut words: Vec<_> = counts.into_iter().filter(|&(_, n)| n >= least).collect();
            words.sort_unstable_by_key(|&(word, n)| (-n, word));
            words
        };
        let biomes = by_count(biomes, 1);
        self.ground_words.clear();
        self.ground_words.push(biomes[0].0);
        // A second land is worth a word where it fills a good part of the view.
        if let Some(&(word, n)) = biomes.get(1)
            && n * 4 > total
        {
            self.ground_words.push(word);
        }
        if let Some(biome) = biomes.iter().find_map(|&(word, _)| BIOMES.into_iter().find(|b| b.word() == word)) {
            self.biome = biome;
        }
        let features = by_count(features, 6);
        self.feature_words.clear();
        self.feature_words.extend(features.iter().map(|f| f.0).take(CAPTION_FEATURES));
    }
}

/// The land a tile belongs to, in a caption.
fn ground_word(tile: Tile) -> &'static str {
    match tile {
        Tile::Ground(biome, _) | Tile::Thing(biome, _) => biome.word(),
        Tile::Liquid(Liquid::Water, ..) => "water",
        Tile::Liquid(Liquid::Murk, ..) => Biome::Swamp.word(),
        Tile::Liquid(Liquid::Magma, ..) => Biome::Volcano.word(),
    }
}

/// What a caption says about a tile, if anything.
fn feature_word(tile: Tile) -> Option<&'static str> {
    match tile {
        Tile::Ground(Biome::Meadow, 2) => Some("flowers"),
        Tile::Ground(Biome::Volcano, 2) | Tile::Liquid(Liquid::Magma, ..) => Some("lava"),
        Tile::Ground(..) => None,
        Tile::Liquid(..) => Some("lake"),
        Tile::Thing(biome, kind) => {
            let thing = biome.things()[usize::from(kind)];
            let named = [("_cactus", "cactus"), ("_ruin", "ruins"), ("_rock", "rocks"), ("_crystal", "rocks"), ("_spire", "rocks")];
            Some(named.iter().find(|(end, _)| thing.ends_with(end)).map_or("trees", |(_, word)| *word))
        }
    }
}

impl World for Isles {
    fn info(&self) -> &WorldInfo {
        &self.info
    }

    fn reset(&mut self, seed: u64) {
        let biome = BIOMES[(hash(seed, 0, 0, 9) % BIOMES.len() as u64) as usize];
        self.land = Land::new(seed);
        let (x, y) = self.land.open_place(biome);
        (self.x, self.y) = (2 * x, 2 * y);
        self.sky = Sky::new(seed, biome);
        self.facing = (hash(seed, 0, 0, 10) % 4) as usize;
        self.pose = Pose::Stand;
        self.look_around();
    }

    fn step(&mut self, action: usize) -> StepOutcome {
        self.sky.step(self.biome, self.hold);
        // An unknown action is a "stay": worlds never fail.
        let action = if action < MOVES.len() { action } else { 0 };
        if action == 0 {
            self.pose = Pose::Stand;
            return StepOutcome::default();
        }
        self.facing = action - 1;
        let (dx, dy) = MOVES[action];
        if self.blocked_at(self.x + dx, self.y + dy) {
            self.pose = Pose::Bump;
            return StepOutcome { moved: false, blocked: true };
        }
        self.x += dx;
        self.y += dy;
        self.pose = if (self.x + self.y).rem_euclid(2) == 0 { Pose::WalkA } else { Pose::WalkB };
        self.look_around();
        StepOutcome { moved: true, blocked: false }
    }

    fn render(&self, rgb: &mut [u8]) {
        let (atlas, light, weather) = (atlas(), self.sky.look(), self.sky.weather());
        atlas.draw_quads(rgb, &self.view, COLUMNS, light, weather);
        let place = (LEFT as usize * QUAD_PX, ABOVE as usize * QUAD_PX);
        atlas.draw_figure(rgb, WIDTH_PX, place, self.facing, self.pose, light, weather);
        atlas.draw_falling(rgb, WIDTH_PX, light, weather, self.sky.phase());
    }

    fn caption(&self) -> Vec<&'static str> {
        let mut words = self.ground_words.clone();
        words.extend([self.sky.light().word(), self.sky.weather().word()]);
        words.extend(&self.feature_words);
        words
    }

    fn hold_ambience(&mut self, hold: bool) {
        self.hold = hold;
    }

    fn position_px(&self) -> (i64, i64) {
        (self.x * QUAD_PX as i64, self.y * QUAD_PX as i64)
    }

    fn boxed_clone(&self) -> Box<dyn World> {
        Box::new(self.clone())
    }
}
