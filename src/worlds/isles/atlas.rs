//! Every 8x8 quarter tile and every pose of the figure, in indices of a palette: a frame is a few hundred small copies through it.

use std::sync::OnceLock;

use super::art::{Art, Picture, TILE_PX};
use super::land::{LANDS, LIQUIDS, Liquid, Tile};
use super::palette::{Colours, Palette, Rgb};
use super::{MOVES, village};
use crate::worlds::AssetError;
use crate::worlds::scene::{Attribute, Biome, Weather};

/// Side of a quarter tile: the figure moves by this much.
pub const QUAD_PX: usize = 8;

pub type QuadId = u16;

/// Which way the figure looks, in the order of the recorded actions after "stay".
pub const FACINGS: [&str; 4] = ["north", "south", "west", "east"];

/// What the figure does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pose {
    Stand,
    WalkA,
    WalkB,
    Bump,
    /// It pushes on, and leans a little less into what is in its way.
    Recoil,
}

const POSES: [Pose; 5] = [Pose::Stand, Pose::WalkA, Pose::WalkB, Pose::Bump, Pose::Recoil];
/// How much less the figure leans.
const RECOIL_PX: i64 = 2;

/// The quads of a tile: north-west, north-east, south-west, south-east.
pub type Quads = [QuadId; 4];

pub struct Atlas {
    pub colours: Colours,
    /// Palette indices: `(quads, 8 * 8)`.
    quads: Vec<[u8; QUAD_PX * QUAD_PX]>,
    /// `[land][which]`, in the order of [`LANDS`].
    grounds: Vec<Vec<Quads>>,
    things: Vec<Vec<Quads>>,
    built: Vec<Vec<Quads>>,
    /// `[liquid][picture][quadrant][case]`, see [`shore_case`].
    shores: [[[[QuadId; 5]; 4]; 2]; 3],
    /// `(facing * 4 + pose, 16 * 16)`
    figures: Vec<Picture>,
}

/// The atlas, made at first use and shared by all worlds.
pub fn atlas() -> &'static Atlas {
    static ATLAS: OnceLock<Atlas> = OnceLock::new();
    // The drawings are part of the program and tests parse them: this cannot fail in a build that passed its tests, and a program without
    // them could show nothing.
    ATLAS.get_or_init(|| Atlas::build().unwrap_or_else(|e| unreachable!("{e}")))
}

impl Atlas {
    fn build() -> Result<Self, AssetError> {
        let art = Art::parse(include_str!("art.txt"))?;
        let mut quads: Vec<[u8; QUAD_PX * QUAD_PX]> = Vec::new();
        let mut add = |picture: &Picture, quadrant: usize| {
            let (qx, qy) = (quadrant % 2 * QUAD_PX, quadrant / 2 * QUAD_PX);
            let pixel = |i: usize| picture[(qy + i / QUAD_PX) * TILE_PX + qx + i % QUAD_PX].unwrap_or(0);
            quads.push(std::array::from_fn(pixel));
            (quads.len() - 1) as QuadId
        };
        let mut tiles = |names: &mut dyn Iterator<Item = String>| -> Result<Vec<Quads>, AssetError> {
            names.map(|name| art.tile(&name).map(|picture| std::array::from_fn(|q| add(picture, q)))).collect()
        };
        let mut each = |names: &dyn Fn(Biome) -> Vec<String>| -> Result<Vec<Vec<Quads>>, AssetError> {
            LANDS.iter().map(|&land| tiles(&mut names(land).into_iter())).collect()
        };
        let grounds = each(&|land| land.grounds().map(str::to_owned).to_vec())?;
        let things = each(&|land| land.things().concat().into_iter().map(str::to_owned).collect())?;
        let built = each(&|land| village::pictures().map(|name| format!("{}_{name}", land.word())).collect())?;
        let mut shores = [[[[0; 5]; 4]; 2]; 3];
        for (liquid, shores) in LIQUIDS.into_iter().zip(&mut shores) {
            for (name, shores) in liquid.pictures().into_iter().zip(shores) {
                for (quadrant, cases) in shores.iter_mut().enumerate() {
                    for (case, id) in cases.iter_mut().enumerate() {
                        *id = add(&with_shore(&art, art.tile(name)?, liquid, quadrant, case)?, quadrant);
                    }
                }
            }
        }
        let figures = figures(&art)?;
        let colours = Colours::parse(include_str!("palettes.txt"), &art)?;
        Ok(Self { colours, quads, grounds, things, built, shores, figures })
    }

    /// Quads of a tile: north-west, north-east, south-west, south-east.
    pub fn quads(&self, tile: Tile) -> Quads {
        match tile {
            Tile::Ground(land, kind) => self.grounds[land as usize][usize::from(kind)],
            Tile::Thing(land, kind) => self.things[land as usize][usize::from(kind)],
            Tile::Built(land, kind) => self.built[land as usize][usize::from(kind)],
            Tile::Liquid(liquid, picture, land) => {
                let shores = &self.shores[liquid as usize][usize::from(picture)];
                std::array::from_fn(|q| shores[q][shore_case(q, land)])
            }
        }
    }

    /// Palette indices of a quad, row by row.
    pub fn indices(&self, quad: QuadId) -> &[u8; QUAD_PX * QUAD_PX] {
        &self.quads[usize::from(quad)]
    }

    /// Draws `columns * rows` quads into a frame of `columns * 8` pixels a row.
    pub fn draw_quads(&self, rgb: &mut [u8], quads: &[QuadId], columns: usize, palette: &Palette) {
        let row_bytes = columns * QUAD_PX * 3;
        for (line, ids) in rgb.chunks_exact_mut(row_bytes * QUAD_PX).zip(quads.chunks_exact(columns)) {
            for (y, row) in line.chunks_exact_mut(row_bytes).enumerate() {
                for (pixels, &id) in row.chunks_exact_mut(QUAD_PX * 3).zip(ids) {
                    let indices = &self.indices(id)[y * QUAD_PX..][..QUAD_PX];
                    for (pixel, &index) in pixels.chunks_exact_mut(3).zip(indices) {
                        pixel.copy_from_slice(&palette.land[usize::from(index)]);
                    }
                }
            }
        }
    }

    /// Draws the figure with its top left pixel at `(x, y)`.
    pub fn draw_figure(&self, rgb: &mut [u8], width: usize, (x, y): (usize, usize), facing: usize, pose: Pose, palette: &Palette) {
        let figure = &self.figures[facing * POSES.len() + pose as usize];
        for (i, index) in figure.iter().enumerate() {
            if let Some(index) = index {
                let at = ((y + i / TILE_PX) * width + x + i % TILE_PX) * 3;
                rgb[at..at + 3].copy_from_slice(&palette.figure[usize::from(*index)]);
            }
        }
    }

    /// Draws rain or snow, the same in every 16x16 patch.
    pub fn draw_falling(&self, rgb: &mut [u8], width: usize, weather: Weather, phase: usize, colours: [Rgb; 2]) {
        let stamp: &[&str] = match weather {
            Weather::Rain => &STREAK,
            Weather::Snowfall => &FLAKE,
            Weather::Clear | Weather::Fog => return,
        };
        let places = match weather {
            Weather::Rain => [[(3, 1), (11, 8)], [(1, 5), (9, 12)]][phase],
            _ => [[(2, 1), (10, 9)], [(5, 5), (13, 13)]][phase],
        };
        for (px, py) in places {
            for (sy, row) in stamp.iter().enumerate() {
                for (sx, key) in row.bytes().enumerate() {
                    let Some(colour) = (match key {
                        b'X' => Some(colours[0]),
                        b'x' => Some(colours[1]),
                        _ => None,
                    }) else {
                        continue;
                    };
                    let (x0, y0) = ((px + sx) % TILE_PX, (py + sy) % TILE_PX);
                    for line in rgb.chunks_exact_mut(width * 3).skip(y0).step_by(TILE_PX) {
                        for pixel in line.chunks_exact_mut(3).skip(x0).step_by(TILE_PX) {
                            pixel.copy_from_slice(&colour);
                        }
                    }
                }
            }
        }
    }
}

const STREAK: [&str; 6] = ["...Xx", "...Xx", "..Xx.", ".Xx..", ".Xx..", "Xx..."];
const FLAKE: [&str; 4] = [".XX.", "XXXX", "XXXX", ".xx."];

/// How the shore runs through a quadrant of a liquid tile: 0 open, 1 land north or south of it, 2 land west or east of it, 3 both,
/// 4 land only across its corner. `land` has a bit for each of the eight neighbours.
fn shore_case(quadrant: usize, land: u8) -> usize {
    let bit = |i: usize| land >> i & 1 == 1;
    // Neighbours north or south, west or east, and across the corner of each quadrant.
    let (vertical, horizontal, corner) = [(0, 6, 7), (0, 2, 1), (4, 6, 5), (4, 2, 3)][quadrant];
    match (bit(vertical), bit(horizontal)) {
        (true, false) => 1,
        (false, true) => 2,
        (true, true) => 3,
        (false, false) if bit(corner) => 4,
        (false, false) => 0,
    }
}

/// A liquid tile with bank and foam in one quadrant.
fn with_shore(art: &Art, open: &Picture, liquid: Liquid, quadrant: usize, case: usize) -> Result<Picture, AssetError> {
    let [bank, edge, foam] = match liquid {
        Liquid::Water => ["bank", "bank_dark", "foam"],
        Liquid::Murk => ["swamp_shade", "ink", "murk_light"],
        Liquid::Magma => ["volcano_shade", "ink", "lava_bright"],
    };
    let (bank, edge, foam) = (art.colour(bank)?, art.colour(edge)?, art.colour(foam)?);
    let (east, south) = (quadrant % 2 == 1, quadrant / 2 == 1);
    let bank_v = if south { 1.0 } else { 4.0 };
    let mut picture = *open;
    for v in 0..QUAD_PX {
        for u in 0..QUAD_PX {
            // Distance of the pixel's middle from the quadrant's outer sides, less the width of the bank there.
            let (du, dv) = (u as f32 + 0.5 - 2.0, v as f32 + 0.5 - bank_v);
            let depth = match case {
                0 => continue,
                1 => dv,
                2 => du,
                3 => {
                    let round = 4.0;
                    let (cu, cv) = ((round - du).max(0.0), (round - dv).max(0.0));
                    if cu > 0.0 && cv > 0.0 { round - cu.hypot(cv) } else { du.min(dv) }
                }
                _ => {
                    let (fu, fv) = ((u as f32 + 0.5) / 2.0, (v as f32 + 0.5) / bank_v);
                    (fu.hypot(fv) - 1.0) * 2.0
                }
            };
            let colour = match depth {
                d if d < -1.0 => bank,
                d if d < 0.0 => edge,
                d if d < 1.6 => foam,
                _ => continue,
            };
            let x = if east { TILE_PX - 1 - u } else { u };
            let y = if south { TILE_PX - 1 - v } else { v };
            picture[y * TILE_PX + x] = Some(colour);
        }
    }
    Ok(picture)
}

/// All poses of all facings: `facing * POSES + pose`.
fn figures(art: &Art) -> Result<Vec<Picture>, AssetError> {
    let mut figures = Vec::with_capacity(FACINGS.len() * POSES.len());
    for (facing, ahead) in FACINGS.into_iter().zip(&MOVES[1..]) {
        for pose in POSES {
            let (name, mirrored) = match (facing, pose) {
                ("west" | "east", _) => (
                    match pose {
                        Pose::Stand => "west_stand".to_owned(),
                        Pose::WalkA => "west_walk_a".to_owned(),
                        Pose::WalkB => "west_walk_b".to_owned(),
                        Pose::Bump | Pose::Recoil => "west_bump".to_owned(),
                    },
                    facing == "east",
                ),
                (_, Pose::Stand) => (format!("{facing}_stand"), false),
                (_, Pose::Bump | Pose::Recoil) => (format!("{facing}_bump"), false),
                (_, Pose::WalkA) => (format!("{facing}_walk"), false),
                (_, Pose::WalkB) => (format!("{facing}_walk"), true),
            };
            let mut picture = *art.figure(&name)?;
            if mirrored {
                picture.chunks_exact_mut(TILE_PX).for_each(<[_]>::reverse);
            }
            if pose == Pose::Recoil {
                picture = moved_back(&picture, ahead);
            }
            figures.push(picture);
        }
    }
    Ok(figures)
}

/// The picture moved away from what lies ahead; what leaves the patch is cut off.
fn moved_back(picture: &Picture, ahead: &(i64, i64)) -> Picture {
    let side = TILE_PX as i64;
    std::array::from_fn(|i| {
        let (x, y) = (i as i64 % side + RECOIL_PX * ahead.0, i as i64 / side + RECOIL_PX * ahead.1);
        ((0..side).contains(&x) && (0..side).contains(&y)).then(|| picture[(y * side + x) as usize]).flatten()
    })
}
