//! The land itself: which biome, ground and thing lies on each tile, from noise and hashes of the seed, and from what is wished of it.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use noise::{NoiseFn, Perlin};

use super::record::{Record, WishId};
use super::things::thing_feature;
use super::village::{self, Lot};
use crate::worlds::scene::{Biome, Feature, Wish};

/// Side of a chunk in tiles.
pub const CHUNK: i64 = 32;
/// Chunks kept at most; a walk needs four at a time, and as many again where wishes meet.
const MAX_CHUNKS: usize = 64;

/// The lands one can stand on.
pub const LANDS: [Biome; 7] = [Biome::Meadow, Biome::Forest, Biome::Desert, Biome::Snow, Biome::Swamp, Biome::Volcano, Biome::Beach];

/// Which ground has flowers in every land.
const BLOSSOMS: u8 = 3;

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
    /// Walkable; which of the biome's grounds.
    Ground(Biome, u8),
    /// Solid; which of the biome's things.
    Thing(Biome, u8),
    /// Which of [`village::pictures`].
    Built(Biome, u8),
    /// Solid; which picture, and which of the eight neighbours are land: bit `i` for direction `i` of [`NEIGHBOURS`].
    Liquid(Liquid, u8, u8),
}

impl Tile {
    pub fn solid(self) -> bool {
        match self {
            Tile::Ground(..) => false,
            Tile::Built(_, built) => village::solid(built),
            Tile::Thing(..) | Tile::Liquid(..) => true,
        }
    }

    /// The land it belongs to.
    pub fn biome(self) -> Biome {
        match self {
            Tile::Ground(biome, _) | Tile::Thing(biome, _) | Tile::Built(biome, _) => biome,
            Tile::Liquid(Liquid::Water, ..) => Biome::Water,
            Tile::Liquid(Liquid::Murk, ..) => Biome::Swamp,
            Tile::Liquid(Liquid::Magma, ..) => Biome::Volcano,
        }
    }

    /// What stands out in it, if anything. Water is a lake here; whether it is a shore shows in what is around.
    pub fn feature(self) -> Option<Feature> {
        match self {
            Tile::Ground(Biome::Meadow, 2) | Tile::Ground(_, BLOSSOMS) => Some(Feature::Flowers),
            Tile::Ground(Biome::Volcano, 2) | Tile::Liquid(Liquid::Magma, ..) => Some(Feature::Lava),
            Tile::Ground(..) => None,
            Tile::Liquid(..) => Some(Feature::Lake),
            Tile::Thing(biome, kind) => Some(thing_feature(biome.thing(kind))),
            Tile::Built(_, built) => Some(Feature::Village).filter(|_| !village::path(built)),
        }
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

#[derive(Clone, Copy, PartialEq)]
enum Cover {
    Land(Biome),
    Liquid(Liquid),
}

/// What a wish asks of the land.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandWish {
    biome: Option<Biome>,
    features: Vec<Feature>,
}

impl From<&Wish> for LandWish {
    fn from(wish: &Wish) -> Self {
        let mut features = wish.features.clone();
        features.sort_unstable_by_key(|&feature| feature as usize);
        features.dedup();
        Self { biome: wish.biome, features }
    }
}

impl LandWish {
    fn wants(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }
}

/// A wish and where it was made.
#[derive(Clone)]
struct Wished {
    wish: LandWish,
    /// Tiles around the figure, west to east and north to south: where it stands, no sea comes. Nothing where the wish begins the world.
    home: Option<[RangeInclusive<i64>; 2]>,
    /// Value of the sea's noise along which sandbanks wind: one of them leads through where the figure stands.
    sandbank: f64,
}

impl Wished {
    fn is_home(&self, x: i64, y: i64) -> bool {
        self.home.as_ref().is_some_and(|[xs, ys]| xs.contains(&x) && ys.contains(&y))
    }
}

/// Places tried in detail for one where wished features are in view.
const MOST_TRIED: usize = 40;
/// Tiles of a wished feature that should be in view, and of a village: a house.
const ENOUGH_IN_VIEW: usize = 4;
const A_HOUSE_IN_VIEW: usize = 10;
/// Tiles left and right of, above and below the figure that are in view.
const IN_VIEW: (i64, i64) = (4, 3);

/// The endless map of one seed and of what was wished of it. Chunks are made when first looked at and a bounded number is kept; which wish a
/// tile was first seen under is kept for good: that wish gave it its shape, and the wishes since then what it is made of.
#[derive(Clone)]
pub struct Land {
    seed: u64,
    height: Perlin,
    warmth: Perlin,
    damp: Perlin,
    detail: Perlin,
    /// All wishes so far; the last one is in force.
    wishes: Vec<Wished>,
    record: Record,
    chunks: HashMap<(i64, i64, WishId), Arc<[Tile]>>,
}

impl Land {
    pub fn new(seed: u64, wish: LandWish) -> Self {
        let noise = |salt| Perlin::new(hash(seed, 0, 0, salt) as u32);
        Self {
            seed,
            height: noise(1),
            warmth: noise(2),
            damp: noise(3),
            detail: noise(4),
            wishes: vec![Wished { wish, home: None, sandbank: 0.0 }],
            record: Record::default(),
            chunks: HashMap::new(),
        }
    }

    /// From now on land that has not been seen is as wished, and what has been seen keeps its shape and turns into the land that is wished.
    /// `home`: the tile on which the figure stands.
    pub fn wish(&mut self, wish: LandWish, (x, y): (i64, i64)) {
        if wish == self.in_force().wish {
            return;
        }
        // There is no number for more; nobody has wished as often.
        if self.wishes.len() == usize::from(WishId::MAX) {
            self.wishes.pop();
            self.chunks.clear();
        }
        let sandbank = self.sea_noise(x, y);
        self.wishes.push(Wished { wish, home: Some([x - 1..=x + 1, y - 1..=y + 1]), sandbank });
    }

    /// The number of the wish in force.
    fn current(&self) -> WishId {
        (self.wishes.len() - 1) as WishId
    }

    fn in_force(&self) -> &Wished {
        &self.wishes[self.wishes.len() - 1]
    }

    /// Tiles come into view. From now on they keep their shape.
    pub fn see(&mut self, xs: RangeInclusive<i64>, ys: RangeInclusive<i64>) {
        let current = self.current();
        self.record.note_all(xs.clone(), ys.clone(), current);
        if !self.in_force().wish.wants(Feature::Village) {
            return;
        }
        // Who sees a part of a house will see the house.
        for (x, y) in ys.flat_map(|y| xs.clone().map(move |x| (x, y))) {
            if let Tile::Built(_, built) = self.tile_under(x, y, current)
                && self.record.get(x, y) == Some(current)
                && let Some(house) = village::footprint(built, x, y)
            {
                house.for_each(|(x, y)| self.record.note(x, y, current));
            }
        }
    }

    fn natural_cover(&self, x: i64, y: i64) -> Cover {
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

    /// A land all of one biome, with the waters it has by nature.
    fn uniform_cover(&self, biome: Biome, x: i64, y: i64, sandbank: f64) -> Cover {
        match biome {
            Biome::Beach if self.field(x, y, 17.0, 71.3) < -0.14 => Cover::Liquid(Liquid::Water),
            Biome::Beach => Cover::Land(Biome::Beach),
            // Sandbanks wind through the sea: one can walk it.
            Biome::Water if (self.sea_noise(x, y) - sandbank).abs() < 0.07 => Cover::Land(Biome::Beach),
            Biome::Water => Cover::Liquid(Liquid::Water),
            Biome::Volcano if self.field(x, y, 13.0, 0.0) > 0.30 => Cover::Liquid(Liquid::Magma),
            Biome::Swamp if self.field(x, y, 13.0, 0.0) > 0.30 => Cover::Liquid(Liquid::Murk),
            _ if self.field(x, y, 13.0, 0.0) > 0.46 => Cover::Liquid(Liquid::Water),
            _ => Cover::Land(biome),
        }
    }

    fn sea_noise(&self, x: i64, y: i64) -> f64 {
        self.field(x, y, 21.0, 83.9)
    }

    /// Noise with shapes of `size` tiles; `offset` makes another of it.
    fn field(&self, x: i64, y: i64, size: f64, offset: f64) -> f64 {
        self.detail.get([(x as f64 + 0.37) / size + offset, (y as f64 + 0.61) / size + offset])
    }

    fn cover(&self, x: i64, y: i64, Wished { wish, sandbank, .. }: &Wished) -> Cover {
        if wish.wants(Feature::Lake) && self.field(x, y, 10.0, 17.3) > 0.24 {
            return Cover::Liquid(Liquid::Water);
        }
        if wish.wants(Feature::Lava) && self.field(x, y, 9.0, 31.7) > 0.24 {
            return Cover::Liquid(Liquid::Magma);
        }
        if wish.wants(Feature::Shore) {
            match self.field(x, y, 19.0, 53.1) {
                n if n < -0.14 => return Cover::Liquid(Liquid::Water),
                n if n < 0.0 => return Cover::Land(Biome::Beach),
                _ => {}
            }
        }
        wish.biome.map_or_else(|| self.natural_cover(x, y), |biome| self.uniform_cover(biome, x, y, *sandbank))
    }

    /// Even number of 0 to 99 for a tile and a purpose.
    fn draw(&self, x: i64, y: i64, salt: u64) -> u64 {
        hash(self.seed, x, y, salt) % 100
    }

    /// Which of the things in the way stands on a tile; neighbours are mostly of one kind: the kind belongs to a cell of seven tiles.
    fn kind_of_thing(&self, x: i64, y: i64) -> u64 {
        if self.draw(x, y, 22) < 70 { hash(self.seed, x.div_euclid(7), y.div_euclid(7), 23) } else { hash(self.seed, x, y, 24) }
    }

    /// The thing of `biome` that a wish for features puts in the way on this tile, if any.
    fn wished_thing(&self, x: i64, y: i64, biome: Biome, wish: &LandWish) -> Option<u8> {
        let wished: Vec<u8> = wish.features.iter().flat_map(|&feature| biome.things_that_are(feature)).collect();
        let chosen = !wished.is_empty() && self.draw(x, y, 28) < 80;
        chosen.then(|| wished[(self.kind_of_thing(x, y) % wished.len() as u64) as usize])
    }

    /// Noise whose high places have most of what grows on the ground.
    fn growth(&self, x: i64, y: i64) -> f64 {
        self.detail.get([x as f64 / 6.1 + 90.3, y as f64 / 6.1 + 40.7])
    }

    /// Whether a wish for flowers puts them on this ground.
    fn blossoms(&self, x: i64, y: i64, wish: &LandWish) -> bool {
        wish.wants(Feature::Flowers) && self.draw(x, y, 25) < if self.growth(x, y) > 0.0 { 60 } else { 14 }
    }

    fn tile_on(&self, x: i64, y: i64, biome: Biome, wish: &LandWish, land: &mut dyn FnMut(i64, i64) -> bool) -> Tile {
        let draw = |salt| self.draw(x, y, salt);
        if wish.wants(Feature::Village) {
            return match village::lot(self.seed, x, y, land) {
                Lot::Built(built) => Tile::Built(biome, built),
                Lot::Blossoms => Tile::Ground(biome, BLOSSOMS),
                Lot::Tree => Tile::Thing(biome, biome.things_that_are(Feature::Trees)[0]),
                Lot::Open => Tile::Ground(biome, (draw(26) % 2) as u8),
            };
        }
        let (third, mut clump_above, inside, mut outside) = biome.habits();
        if wish.features.iter().any(|&feature| !biome.things_that_are(feature).is_empty()) {
            clump_above -= 0.12;
            outside += 6;
        }
        let clump = self.detail.get([x as f64 / 5.3 + 0.3, y as f64 / 5.3 + 0.7]);
        if draw(21) < if clump > clump_above { inside } else { outside } {
            if let Some(thing) = self.wished_thing(x, y, biome, wish) {
                return Tile::Thing(biome, thing);
            }
            let kind = match self.kind_of_thing(x, y) % 10 {
                0..5 => 0,
                5..8 => 1,
                8 => 2,
                _ => 3,
            };
            return Tile::Thing(biome, (kind % biome.things()[0].len()) as u8);
        }
        if self.blossoms(x, y, wish) {
            return Tile::Ground(biome, BLOSSOMS);
        }
        let third = if self.growth(x, y) > 0.25 { third * 5 } else { third / 2 };
        let ground = if draw(25) < third { 2 } else { draw(26) % 2 };
        Tile::Ground(biome, ground as u8)
    }

    /// A chunk as it would be all under one wish.
    fn chunk(&self, cx: i64, cy: i64, wished: &Wished) -> Arc<[Tile]> {
        let side = CHUNK + 2;
        let (x0, y0) = (cx * CHUNK - 1, cy * CHUNK - 1);
        let covers: Vec<Cover> = (0..side * side).map(|i| self.cover(x0 + i % side, y0 + i / side, wished)).collect();
        let at = |x: i64, y: i64| covers[((y + 1) * side + x + 1) as usize];
        let mut land = |x: i64, y: i64| {
            let (u, v) = (x - x0, y - y0);
            let inside = (0..side).contains(&u) && (0..side).contains(&v);
            let cover = if inside { covers[(v * side + u) as usize] } else { self.cover(x, y, wished) };
            matches!(cover, Cover::Land(_))
        };
        let tile = |i: i64| {
            let (x, y) = (i % CHUNK, i / CHUNK);
            match at(x, y) {
                Cover::Land(biome) => self.tile_on(cx * CHUNK + x, cy * CHUNK + y, biome, &wished.wish, &mut land),
                Cover::Liquid(liquid) => {
                    // By itself, unlike where there are wishes, a liquid has no bank beside another.
                    let land = |&(dx, dy): &(i64, i64)| match at(x + dx, y + dy) {
                        Cover::Land(_) => true,
                        Cover::Liquid(other) => other != liquid && wished.wish != LandWish::default(),
                    };
                    let mask = NEIGHBOURS.iter().enumerate().map(|(i, d)| u8::from(land(d)) << i).sum();
                    Tile::Liquid(liquid, self.liquid_picture(cx * CHUNK + x, cy * CHUNK + y), mask)
                }
            }
        };
        (0..CHUNK * CHUNK).map(tile).collect()
    }

    fn liquid_picture(&self, x: i64, y: i64) -> u8 {
        (hash(self.seed, x, y, 27) % 2) as u8
    }

    /// A tile as it would be all under one wish.
    fn tile_under(&mut self, x: i64, y: i64, wish: WishId) -> Tile {
        let key = (x.div_euclid(CHUNK), y.div_euclid(CHUNK), wish);
        if !self.chunks.contains_key(&key) {
            if self.chunks.len() >= MAX_CHUNKS {
                self.chunks.clear();
            }
            self.chunks.insert(key, self.chunk(key.0, key.1, &self.wishes[usize::from(wish)]));
        }
        self.chunks[&key][(y.rem_euclid(CHUNK) * CHUNK + x.rem_euclid(CHUNK)) as usize]
    }

    /// The wish a tile was first seen under, or would be now.
    fn wish_at(&self, x: i64, y: i64) -> WishId {
        self.record.get(x, y).unwrap_or(self.current())
    }

    /// A tile as it came into being and as every wish since has turned it; a liquid without its shore.
    fn turned_tile(&mut self, x: i64, y: i64) -> Tile {
        let first = self.wish_at(x, y);
        let tile = self.tile_under(x, y, first);
        self.wishes[usize::from(first) + 1..].iter().fold(tile, |tile, wished| self.turned(tile, x, y, wished))
    }

    /// What a wish makes of a tile that was there before. Ground stays ground and what stands on it stays in the way; but the sea comes where
    /// it is wished for, all around the figure, and it and other liquids go where none would be in the wished land.
    fn turned(&self, tile: Tile, x: i64, y: i64, wished: &Wished) -> Tile {
        let wish = &wished.wish;
        let made_of = |old: Biome| match wish.biome {
            Some(Biome::Water) => Biome::Beach,
            wanted => wanted.unwrap_or(old),
        };
        let liquid = |liquid| Tile::Liquid(liquid, self.liquid_picture(x, y), 0);
        let flooded =
            || wish.biome == Some(Biome::Water) && !wished.is_home(x, y) && self.cover(x, y, wished) == Cover::Liquid(Liquid::Water);
        match tile {
            Tile::Ground(..) | Tile::Thing(..) if flooded() => liquid(Liquid::Water),
            Tile::Ground(old, kind) => Tile::Ground(made_of(old), if self.blossoms(x, y, wish) { BLOSSOMS } else { kind }),
            Tile::Thing(old, kind) => {
                let land = made_of(old);
                let alike = if land == old { kind } else { land.thing_like(thing_feature(old.thing(kind))) };
                Tile::Thing(land, self.wished_thing(x, y, land, wish).unwrap_or(alike))
            }
            Tile::Built(old, built) => Tile::Built(made_of(old), built),
            Tile::Liquid(..) if wish.biome.is_none() => tile,
            Tile::Liquid(..) => match self.cover(x, y, wished) {
                Cover::Liquid(now) => liquid(now),
                Cover::Land(biome) => Tile::Ground(biome, (self.draw(x, y, 26) % 2) as u8),
            },
        }
    }

    /// The tile as it is. Of tiles that were seen it changes with what is wished alone.
    pub fn tile(&mut self, x: i64, y: i64) -> Tile {
        // Most lands know one wish alone.
        if self.wishes.len() == 1 {
            return self.tile_under(x, y, 0);
        }
        let first = self.wish_at(x, y);
        match self.turned_tile(x, y) {
            Tile::Liquid(liquid, picture, _) => {
                // By itself a liquid has no bank beside another.
                let by_itself = self.wishes[usize::from(first)].wish == LandWish::default()
                    && self.wishes[usize::from(first) + 1..].iter().all(|wished| wished.wish.biome.is_none());
                let land = |(i, &(dx, dy)): (usize, &(i64, i64))| {
                    let land = match self.turned_tile(x + dx, y + dy) {
                        Tile::Liquid(other, ..) => other != liquid && !by_itself,
                        _ => true,
                    };
                    u8::from(land) << i
                };
                Tile::Liquid(liquid, picture, NEIGHBOURS.iter().enumerate().map(land).sum())
            }
            // A house that would stand on the land of another wish is not built.
            Tile::Built(biome, built)
                if village::footprint(built, x, y).is_some_and(|mut house| house.any(|(x, y)| self.wish_at(x, y) != first)) =>
            {
                Tile::Ground(biome, 0)
            }
            tile => tile,
        }
    }

    /// A tile of the wanted biome with open land around it, found by trying places chosen by the seed; the best place if none is perfect.
    /// Wished features should be in view.
    pub fn open_place(&mut self, wanted: Biome) -> (i64, i64) {
        let wished = self.in_force().clone();
        let wish = &wished.wish;
        let mut best = (i64::MIN, (0, 0));
        let mut tried = 0;
        for i in 0..4000 {
            let draw = |salt| (hash(self.seed, i, 0, salt) % 2001) as i64 - 1000;
            let (x, y) = (draw(31), draw(32));
            // A region, not a sliver: the same land at the view's corners. In the sea one stands on sand with water around.
            let is = |dx: i64, dy: i64, cover: Cover| self.cover(x + dx, y + dy, &wished) == cover;
            let (here, around) = match wanted {
                Biome::Water => (Cover::Land(Biome::Beach), Cover::Liquid(Liquid::Water)),
                land => (Cover::Land(land), Cover::Land(land)),
            };
            let count = NEIGHBOURS.iter().filter(|(dx, dy)| is(3 * dx, 3 * dy, around)).count();
            let shore = wish.wants(Feature::Shore) || wish.wants(Feature::Lake) || wish.wants(Feature::Lava);
            let enough = match wanted {
                Biome::Water => 5,
                land if shore || land == Biome::Beach => 3,
                _ => 6,
            };
            if !is(0, 0, here) || count < enough {
                continue;
            }
            let near = |w: i64, h: i64| (-h..=h).flat_map(move |dy| (-w..=w).map(move |dx| (x + dx, y + dy)));
            let blocked = near(2, 2).filter(|&(x, y)| self.tile(x, y).solid()).count() as i64;
            let here = if self.tile(x, y).solid() { 100 } else { 0 };
            let mut missing = 0;
            if !wish.features.is_empty() {
                let in_view: Vec<Feature> = near(IN_VIEW.0, IN_VIEW.1).filter_map(|(x, y)| self.tile(x, y).feature()).collect();
                let alike = |a: Feature, b: Feature| a == b || (a, b) == (Feature::Shore, Feature::Lake);
                let count = |feature: Feature| in_view.iter().filter(|&&seen| alike(feature, seen)).count();
                let enough = |feature: Feature| if feature == Feature::Village { A_HOUSE_IN_VIEW } else { ENOUGH_IN_VIEW };
                missing = wish.features.iter().map(|&feature| enough(feature).saturating_sub(count(feature)) as i64).sum();
                tried += 1;
            }
            let score = -blocked - here - 20 * missing;
            if score > best.0 {
                best = (score, (x, y));
            }
            if score >= -2 || tried == MOST_TRIED {
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
