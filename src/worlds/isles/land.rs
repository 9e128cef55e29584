//! The land itself: which biome, ground and thing lies on each tile, from noise and hashes of the seed alone.

use std::collections::HashMap;
use std::sync::Arc;

use noise::{NoiseFn, Perlin};

/// Side of a chunk in tiles.
const CHUNK: i64 = 32;
/// Chunks kept at most; a walk needs four at a time.
const MAX_CHUNKS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Biome {
    Meadow,
    Forest,
    Desert,
    Snow,
    Swamp,
    Volcano,
    Beach,
}

pub const BIOMES: [Biome; 7] = [Biome::Meadow, Biome::Forest, Biome::Desert, Biome::Snow, Biome::Swamp, Biome::Volcano, Biome::Beach];

impl Biome {
    pub fn word(self) -> &'static str {
        match self {
            Biome::Meadow => "meadow",
            Biome::Forest => "forest",
            Biome::Desert => "desert",
            Biome::Snow => "snow",
            Biome::Swamp => "swamp",
            Biome::Volcano => "volcano",
            Biome::Beach => "beach",
        }
    }

    /// Pictures of its walkable ground: two plain ones and a rarer third.
    pub fn grounds(self) -> [&'static str; 3] {
        match self {
            Biome::Meadow => ["meadow_a", "meadow_b", "meadow_flowers"],
            Biome::Forest => ["forest_a", "forest_b", "forest_fern"],
            Biome::Desert => ["desert_a", "desert_b", "desert_bones"],
            Biome::Snow => ["snow_a", "snow_b", "snow_tracks"],
            Biome::Swamp => ["swamp_a", "swamp_b", "swamp_reeds"],
            Biome::Volcano => ["volcano_a", "volcano_b", "volcano_crack"],
            Biome::Beach => ["beach_a", "beach_b", "beach_shell"],
        }
    }

    /// Pictures of the things in the way, the most common first.
    pub fn things(self) -> &'static [&'static str] {
        match self {
            Biome::Meadow => &["meadow_oak", "meadow_rock", "meadow_ruin"],
            Biome::Forest => &["forest_pine", "forest_oak", "forest_rock", "forest_ruin"],
            Biome::Desert => &["desert_cactus", "desert_rock", "desert_ruin"],
            Biome::Snow => &["snow_pine", "snow_rock", "snow_crystal"],
            Biome::Swamp => &["swamp_stump", "swamp_mushroom"],
            Biome::Volcano => &["volcano_spire", "volcano_ruin"],
            Biome::Beach => &["beach_palm", "beach_rock"],
        }
    }

    /// Percent of tiles with the third ground; threshold of the clump noise, percent of solid tiles inside and outside clumps.
    fn habits(self) -> (u64, f64, u64, u64) {
        match self {
            Biome::Meadow => (7, 0.22, 46, 2),
            Biome::Forest => (14, 0.10, 48, 3),
            Biome::Desert => (3, 0.22, 40, 2),
            Biome::Snow => (5, 0.18, 46, 2),
            Biome::Swamp => (12, 0.20, 44, 2),
            Biome::Volcano => (14, 0.22, 48, 2),
            Biome::Beach => (7, 0.24, 46, 3),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liquid {
    Water,
    Murk,
    Magma,
}

pub const LIQUIDS: [Liquid; 3] = [Liquid::Water, Liquid::Murk, Liquid::Magma];

impl Liquid {
    pub fn pictures(self) -> [&'static str; 2] {
        match self {
            Liquid::Water => ["water_a", "water_b"],
            Liquid::Murk => ["murk_a", "murk_b"],
            Liquid::Magma => ["magma_a", "magma_b"],
        }
    }
}

/// What lies on a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tile {
    /// Walkable; which of the biome's three grounds.
    Ground(Biome, u8),
    /// Solid; which of the biome's things.
    Thing(Biome, u8),
    /// Solid; which picture, and which of the eight neighbours are land: bit `i` for direction `i` of [`NEIGHBOURS`].
    Liquid(Liquid, u8, u8),
}

impl Tile {
    pub fn solid(self) -> bool {
        !matches!(self, Tile::Ground(..))
    }
}

/// Offsets of the eight neighbours, clockwise from north.
pub const NEIGHBOURS: [(i64, i64); 8] = [(0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1)];

/// Mixes a seed, two coordinates and a purpose into 64 even bits.
pub fn hash(seed: u64, x: i64, y: i64, salt: u64) -> u64 {
    let mut h = seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for v in [x as u64, y as u64] {
        h = (h ^ v).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        h = (h ^ (h >> 30)).wrapping_mul(0x94D0_49BB_1331_11EB);
        h ^= h >> 29;
    }
    h ^ (h >> 32)
}

#[derive(Clone, Copy)]
enum Cover {
    Land(Biome),
    Liquid(Liquid),
}

/// The endless map of one seed. Chunks are made when first looked at and a bounded number is kept.
#[derive(Clone)]
pub struct Land {
    seed: u64,
    height: Perlin,
    warmth: Perlin,
    damp: Perlin,
    detail: Perlin,
    chunks: HashMap<(i64, i64), Arc<[Tile]>>,
}

impl Land {
    pub fn new(seed: u64) -> Self {
        let noise = |salt| Perlin::new(hash(seed, 0, 0, salt) as u32);
        Self { seed, height: noise(1), warmth: noise(2), damp: noise(3), detail: noise(4), chunks: HashMap::new() }
    }

    fn cover(&self, x: i64, y: i64) -> Cover {
        // Off the lattice: Perlin noise is zero at whole numbers.
        let (fx, fy) = (x as f64 + 0.37, y as f64 + 0.61);
        let field = |noise: &Perlin, size: f64| noise.get([fx / size, fy / size]) + 0.22 * noise.get([fx / 11.0 + 50.0, fy / 11.0 + 50.0]);
        let height = field(&self.height, 46.0);
        let warmth = field(&self.warmth, 64.0);
        let damp = field(&self.damp, 52.0);
        if height < -0.22 {
            return Cover::Liquid(Liquid::Water);
        }
        let pond = self.detail.get([fx / 13.0, fy / 13.0]);
        if warmth < -0.14 {
            return if pond > 0.42 && warmth < -0.18 { Cover::Liquid(Liquid::Water) } else { Cover::Land(Biome::Snow) };
        }
        if height < -0.13 {
            return Cover::Land(Biome::Beach);
        }
        if warmth > 0.10 && height > 0.10 {
            let inside = warmth > 0.14 && height > 0.14;
            return if inside && pond > 0.26 { Cover::Liquid(Liquid::Magma) } else { Cover::Land(Biome::Volcano) };
        }
        if warmth > 0.10 {
            let inside = warmth > 0.14 && height < 0.07;
            return match damp {
                d if d < 0.0 => Cover::Land(Biome::Desert),
                d if inside && d > 0.04 && pond > 0.26 => Cover::Liquid(Liquid::Murk),
                _ => Cover::Land(Biome::Swamp),
            };
        }
        if pond > 0.46 && warmth < 0.07 && warmth > -0.11 {
            return Cover::Liquid(Liquid::Water);
        }
        Cover::Land(if damp < 0.0 { Biome::Meadow } else { Biome::Forest })
    }

    fn tile_on(&self, x: i64, y: i64, biome: Biome) -> Tile {
        let (third, clump_above, inside, outside) = biome.habits();
        let clump = self.detail.get([x as f64 / 5.3 + 0.3, y as f64 / 5.3 + 0.7]);
        let draw = |salt| hash(self.seed, x, y, salt) % 100;
        if draw(21) < if clump > clump_above { inside } else { outside } {
            let things = biome.things();
            // Neighbouring things are mostly of one kind: the kind belongs to a cell of seven tiles.
            let kind = if draw(22) < 70 { hash(self.seed, x.div_euclid(7), y.div_euclid(7), 23) } else { hash(self.seed, x, y, 24) };
            let kind = match kind % 10 {
                0..5 => 0,
                5..8 => 1,
                8 => 2,
                _ => 3,
            };
            return Tile::Thing(biome, (kind % things.len()) as u8);
        }
        let patch = self.detail.get([x as f64 / 6.1 + 90.3, y as f64 / 6.1 + 40.7]);
        let third = if patch > 0.25 { third * 5 } else { third / 2 };
        let ground = if draw(25) < third { 2 } else { draw(26) % 2 };
        Tile::Ground(biome, ground as u8)
    }

    fn chunk(&self, cx: i64, cy: i64) -> Arc<[Tile]> {
        let side = CHUNK + 2;
        let (x0, y0) = (cx * CHUNK - 1, cy * CHUNK - 1);
        let covers: Vec<Cover> = (0..side * side).map(|i| self.cover(x0 + i % side, y0 + i / side)).collect();
        let at = |x: i64, y: i64| covers[((y + 1) * side + x + 1) as usize];
        let tile = |i: i64| {
            let (x, y) = (i % CHUNK, i / CHUNK);
            match at(x, y) {
                Cover::Land(biome) => self.tile_on(cx * CHUNK + x, cy * CHUNK + y, biome),
                Cover::Liquid(liquid) => {
                    let land = |&(dx, dy): &(i64, i64)| matches!(at(x + dx, y + dy), Cover::Land(_));
                    let mask = NEIGHBOURS.iter().enumerate().map(|(i, d)| u8::from(land(d)) << i).sum();
                    let picture = hash(self.seed, cx * CHUNK + x, cy * CHUNK + y, 27) % 2;
                    Tile::Liquid(liquid, picture as u8, mask)
                }
            }
        };
        (0..CHUNK * CHUNK).map(tile).collect()
    }

    pub fn tile(&mut self, x: i64, y: i64) -> Tile {
        let key = (x.div_euclid(CHUNK), y.div_euclid(CHUNK));
        if !self.chunks.contains_key(&key) {
            if self.chunks.len() >= MAX_CHUNKS {
                self.chunks.clear();
            }
            self.chunks.insert(key, self.chunk(key.0, key.1));
        }
        self.chunks[&key][(y.rem_euclid(CHUNK) * CHUNK + x.rem_euclid(CHUNK)) as usize]
    }

    /// A tile of the wanted biome with open land around it, found by trying places chosen by the seed; the best place if none is perfect.
    pub fn open_place(&mut self, wanted: Biome) -> (i64, i64) {
        let mut best = (i64::MIN, (0, 0));
        for i in 0..4000 {
            let draw = |salt| (hash(self.seed, i, 0, salt) % 2001) as i64 - 1000;
            let (x, y) = (draw(31), draw(32));
            // A region, not a sliver: the same land at the view's corners.
            let same = |&(dx, dy): &(i64, i64)| matches!(self.cover(x + 3 * dx, y + 3 * dy), Cover::Land(b) if b == wanted);
            let around = NEIGHBOURS.iter().filter(|d| same(d)).count() as i64;
            if !same(&(0, 0)) || around < if wanted == Biome::Beach { 3 } else { 6 } {
                continue;
            }
            let free = (-2..=2).flat_map(|dy| (-2..=2).map(move |dx| (dx, dy)));
            let blocked = free.filter(|(dx, dy)| self.tile(x + dx, y + dy).solid()).count() as i64;
            let here = if self.tile(x, y).solid() { 100 } else { 0 };
            let score = -blocked - here;
            if score > best.0 {
                best = (score, (x, y));
            }
            if score >= -2 {
                break;
            }
        }
        let (x, y) = best.1;
        if !self.tile(x, y).solid() {
            return best.1;
        }
        // Practically never: walk east to the first free tile.
        (x..).find(|&x| !self.tile(x, y).solid()).map_or(best.1, |x| (x, y))
    }
}
