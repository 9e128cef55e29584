//! `isles`: a top-down pixel-art land without end.
//!
//! A sleepwalker stands at the centre patch; each step moves the land by a tile (16 px) or, where something solid stands in the way, shows a
//! bump. The frame is therefore always a grid of tiles, each a patch of its own, of four 8x8 quads: drawing it is copying those from an atlas
//! through the palette of the light, weather, season and style.

mod art;
mod atlas;
mod land;
mod palette;
mod record;
mod relief;
mod sky;
#[cfg(test)]
mod tests;
mod things;
mod village;
#[cfg(test)]
mod wish_tests;

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::RangeInclusive;

use super::relief::DrawnRelief;
use super::scene::{Attribute, Biome, Feature, Scene, Season, Style, Wish};
use super::{AssetError, StepOutcome, World, WorldInfo};
use art::TILE_PX;
use atlas::{Pose, QuadId, atlas};
use land::{LANDS, Land, LandWish, hash};
use palette::{Look, Palette};
use sky::Sky;

const WIDTH_PX: usize = 144;
const HEIGHT_PX: usize = 112;
/// As fast as one walks: each step is a tile.
const RATE_HZ: u32 = 6;
/// Tiles in view.
const COLUMNS: usize = WIDTH_PX / TILE_PX;
const ROWS: usize = HEIGHT_PX / TILE_PX;
/// Quads across the view.
const QUAD_COLUMNS: usize = 2 * COLUMNS;
/// Tiles left of and above the figure, which stands on the centre patch.
const LEFT: i64 = 4;
const ABOVE: i64 = 3;

const ACTIONS: [&str; 5] = ["stay", "north", "south", "west", "east"];
const MOVES: [(i64, i64); 5] = [(0, 0), (0, -1), (0, 1), (-1, 0), (1, 0)];
/// Features a scene holds at most.
const MOST_FEATURES: usize = 3;
/// Tiles in view that make a feature stand out.
const FEATURE_TILES: i64 = 2;

/// The world; see the module's documentation.
#[derive(Clone)]
pub struct Isles {
    info: WorldInfo,
    land: Land,
    sky: Sky,
    season: Season,
    style: Style,
    hold: bool,
    /// The figure's tile.
    x: i64,
    y: i64,
    /// Index into [`atlas::FACINGS`].
    facing: usize,
    pose: Pose,
    /// Quads in view, `(2 * ROWS, QUAD_COLUMNS)`.
    view: Vec<QuadId>,
    /// Which tiles of it are solid, `(ROWS, COLUMNS)`.
    solid: Vec<bool>,
    /// Of which land each of them is and what stands out in it, as above.
    patches: Vec<(Biome, Option<Feature>)>,
    /// The colours of the present frame, and what they are made for.
    palette: Palette,
    shown: Option<Look>,
    /// The land the weather goes by.
    biome: Biome,
    biomes: Vec<Biome>,
    features: Vec<Feature>,
}

impl Default for Isles {
    fn default() -> Self {
        Self::new()
    }
}

impl Isles {
    pub fn new() -> Self {
        let prompts = [
            "a spring meadow with flowers and a village",
            "a rainy forest in autumn",
            "icy tundra at midnight",
            "desert ruins at dusk as a poster",
            "a foggy swamp, handheld",
            "volcano, night, lava, neon",
            "a beach made of candy",
            "noir ruins in the rain",
        ];
        let info = WorldInfo {
            name: "isles",
            width_px: WIDTH_PX,
            height_px: HEIGHT_PX,
            patch_px: TILE_PX,
            rate_hz: RATE_HZ,
            step_px: TILE_PX,
            actions: &ACTIONS,
            suggested_prompts: prompts.iter().map(|p| (*p).to_owned()).collect(),
        };
        let mut world = Self {
            info,
            land: Land::new(0, LandWish::default()),
            sky: Sky::new(0, Biome::Meadow),
            season: Season::Summer,
            style: Style::Plain,
            hold: false,
            x: 0,
            y: 0,
            facing: 1,
            pose: Pose::Stand,
            view: vec![0; 4 * COLUMNS * ROWS],
            solid: vec![false; COLUMNS * ROWS],
            patches: vec![(Biome::Meadow, None); COLUMNS * ROWS],
            palette: Palette::default(),
            shown: None,
            biome: Biome::Meadow,
            biomes: Vec::new(),
            features: Vec::new(),
        };
        world.reset(0);
        world
    }

    /// Tiles in view, west to east and north to south.
    fn tiles_in_view(&self) -> [RangeInclusive<i64>; 2] {
        let (left, top) = (self.x - LEFT, self.y - ABOVE);
        [left..=left + COLUMNS as i64 - 1, top..=top + ROWS as i64 - 1]
    }

    /// Looks around after the figure has come to a new place.
    fn look_around(&mut self) {
        let atlas = atlas();
        let [xs, ys] = self.tiles_in_view();
        // What is seen, and no tile more: the line that comes into view next is to follow the wish of that moment.
        self.land.see(xs.clone(), ys.clone());
        let mut biomes: HashMap<Biome, i64> = HashMap::new();
        let mut features: HashMap<Feature, i64> = HashMap::new();
        for (row, ty) in ys.enumerate() {
            for (column, tx) in xs.clone().enumerate() {
                let tile = self.land.tile(tx, ty);
                let (biome, feature) = (tile.biome(), tile.feature());
                self.solid[row * COLUMNS + column] = tile.solid();
                self.patches[row * COLUMNS + column] = (biome, feature);
                for (quadrant, &quad) in atlas.quads(tile).iter().enumerate() {
                    self.view[(2 * row + quadrant / 2) * QUAD_COLUMNS + 2 * column + quadrant % 2] = quad;
                }
                *biomes.entry(biome).or_default() += 1;
                if let Some(feature) = feature {
                    *features.entry(feature).or_default() += 1;
                }
            }
        }
        let total = (COLUMNS * ROWS) as i64;
        // Water beside a beach is a shore, other water a lake.
        if let Some(water) = features.remove(&Feature::Lake) {
            let beach = biomes.get(&Biome::Beach).copied().unwrap_or(0);
            features.insert(if beach * 12 > total { Feature::Shore } else { Feature::Lake }, water / 2);
        }
        let biomes = by_count(biomes, 1, Biome::word);
        // A second land is worth a word where it fills a good part of the view.
        let second = biomes.get(1).filter(|(_, n)| n * 4 > total);
        self.biomes = biomes.iter().take(1).chain(second).map(|&(biome, _)| biome).collect();
        if let Some(&(land, _)) = biomes.iter().find(|&&(biome, _)| biome != Biome::Water) {
            self.biome = land;
        }
        self.features = by_count(features, FEATURE_TILES, Feature::word).into_iter().map(|(feature, _)| feature).collect();
    }

    fn look(&self) -> Look {
        Look { light: self.sky.look(), weather: self.sky.weather(), season: self.season, style: self.style }
    }

    /// Makes the colours those of the present look.
    fn show(&mut self) {
        let look = self.look();
        if self.shown != Some(look) {
            (self.palette, self.shown) = (atlas().colours.palette(look), Some(look));
        }
    }
}

/// What was counted `least` times or more, the most frequent first.
fn by_count<T: Copy + Eq + Hash>(counts: HashMap<T, i64>, least: i64, word: fn(T) -> &'static str) -> Vec<(T, i64)> {
    let mut counted: Vec<_> = counts.into_iter().filter(|&(_, n)| n >= least).collect();
    counted.sort_unstable_by_key(|&(what, n)| (-n, word(what)));
    counted
}

impl World for Isles {
    fn info(&self) -> &WorldInfo {
        &self.info
    }

    fn reset_under(&mut self, seed: u64, wish: &Wish) {
        let biome = wish.biome.unwrap_or(LANDS[(hash(seed, 0, 0, 9) % LANDS.len() as u64) as usize]);
        self.land = Land::new(seed, wish.into());
        (self.x, self.y) = self.land.open_place(biome);
        self.sky = Sky::new(seed, biome);
        self.sky.wish(wish.light, wish.weather);
        self.season = wish.season.unwrap_or(Season::Summer);
        self.style = wish.style.unwrap_or(Style::Plain);
        self.facing = (hash(seed, 0, 0, 10) % 4) as usize;
        self.pose = Pose::Stand;
        self.look_around();
        self.show();
    }

    fn wish(&mut self, wish: &Wish) {
        self.sky.wish(wish.light, wish.weather);
        self.season = wish.season.unwrap_or(self.season);
        self.style = wish.style.unwrap_or(self.style);
        self.land.wish(wish.into(), (self.x, self.y));
        self.look_around();
    }

    fn step(&mut self, action: usize) -> StepOutcome {
        self.sky.step(self.biome, self.hold);
        self.show();
        // An unknown action is a "stay": worlds never fail.
        let action = if action < MOVES.len() { action } else { 0 };
        if action == 0 {
            self.pose = Pose::Stand;
            return StepOutcome::default();
        }
        self.facing = action - 1;
        let (dx, dy) = MOVES[action];
        if self.land.tile(self.x + dx, self.y + dy).solid() {
            // Pushing on shows again and again.
            self.pose = if self.pose == Pose::Bump { Pose::Recoil } else { Pose::Bump };
            return StepOutcome { moved: false, blocked: true };
        }
        self.x += dx;
        self.y += dy;
        self.pose = if (self.x + self.y).rem_euclid(2) == 0 { Pose::WalkA } else { Pose::WalkB };
        self.look_around();
        StepOutcome { moved: true, blocked: false }
    }

    fn render(&self, rgb: &mut [u8]) {
        let (atlas, palette) = (atlas(), &self.palette);
        atlas.draw_quads(rgb, &self.view, QUAD_COLUMNS, palette);
        let place = (LEFT as usize * TILE_PX, ABOVE as usize * TILE_PX);
        atlas.draw_figure(rgb, WIDTH_PX, place, self.facing, self.pose, palette);
        atlas.draw_falling(rgb, WIDTH_PX, self.sky.weather(), self.sky.phase(), palette.falling);
    }

    fn scene(&self) -> Scene {
        Scene {
            biomes: self.biomes.clone(),
            light: self.sky.light(),
            weather: self.sky.weather(),
            season: self.season,
            style: self.style,
            features: self.features.iter().copied().take(MOST_FEATURES).collect(),
        }
    }

    fn patches(&self) -> Option<&[(Biome, Option<Feature>)]> {
        Some(&self.patches)
    }

    fn facing(&self) -> usize {
        self.facing + 1
    }

    fn solid(&self) -> &[bool] {
        &self.solid
    }

    fn in_the_way(&mut self, action: usize) -> Option<Feature> {
        let (dx, dy) = *MOVES.get(action)?;
        let tile = self.land.tile(self.x + dx, self.y + dy);
        tile.feature().filter(|_| tile.solid())
    }

    fn hold_ambience(&mut self, hold: bool) {
        self.hold = hold;
    }

    fn position_px(&self) -> (i64, i64) {
        (self.x * TILE_PX as i64, self.y * TILE_PX as i64)
    }

    fn relief(&self) -> Result<Option<DrawnRelief>, AssetError> {
        relief::relief().map(Some)
    }

    fn boxed_clone(&self) -> Box<dyn World> {
        Box::new(self.clone())
    }
}
