//! Where houses, paths, wells, lanterns and fences stand in a land that is wished to be a village.
//!
//! The land is cut into cells of a house and its street; each row of cells is shifted, so that houses do not stand in columns.

use super::land::hash;

/// Names of the pictures of all that people build, by the number that is stored in a tile.
pub fn pictures() -> impl Iterator<Item = String> {
    let houses = ["cottage", "hut"].into_iter().flat_map(|house| (0..HOUSE * HOUSE).map(move |part| format!("{house}_{part}")));
    ["path_a", "path_b", "well", "lantern", "fence"].into_iter().map(str::to_owned).chain(houses)
}

const WELL: u8 = 2;
const LANTERN: u8 = 3;
const FENCE: u8 = 4;
const FIRST_HOUSE: u8 = 5;
/// Tiles of a house, a square.
const HOUSE: i64 = 3;

/// Whether one cannot walk there; paths are walked.
pub fn solid(built: u8) -> bool {
    built >= WELL
}

/// Whether it is a path, which alone makes no village.
pub fn path(built: u8) -> bool {
    built < WELL
}

/// The tiles of the house of which `built` at `(x, y)` is a part.
pub fn footprint(built: u8, x: i64, y: i64) -> Option<impl Iterator<Item = (i64, i64)>> {
    let part = i64::from(built.checked_sub(FIRST_HOUSE)?) % (HOUSE * HOUSE);
    let (x0, y0) = (x - part % HOUSE, y - part / HOUSE);
    Some(square(x0, y0))
}

/// Which part of what it belongs to `built` is, and of how many, across and down.
pub fn part(built: u8) -> ([u8; 2], [u8; 2]) {
    let side = HOUSE as u8;
    built.checked_sub(FIRST_HOUSE).map_or(([0, 0], [1, 1]), |part| ([part % side, part / side % side], [side, side]))
}

fn square(x0: i64, y0: i64) -> impl Iterator<Item = (i64, i64)> {
    (0..HOUSE * HOUSE).map(move |i| (x0 + i % HOUSE, y0 + i / HOUSE))
}

/// What a village has on a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lot {
    Built(u8),
    Blossoms,
    Tree,
    Open,
}

/// Sides of a cell.
const WIDTH: i64 = 7;
const HEIGHT: i64 = 6;
/// Row of a cell that is its street, and column of the lane that some cells have.
const STREET: i64 = HEIGHT - 1;
const LANE: i64 = WIDTH - 1;

/// What stands on the tile `(x, y)`; `land` says which tiles are land.
pub fn lot(seed: u64, x: i64, y: i64, land: &mut dyn FnMut(i64, i64) -> bool) -> Lot {
    let row = y.div_euclid(HEIGHT);
    let shift = (hash(seed, row, 0, 41) % WIDTH as u64) as i64;
    let column = (x + shift).div_euclid(WIDTH);
    let (u, v) = ((x + shift).rem_euclid(WIDTH), y.rem_euclid(HEIGHT));
    let cell = |salt: u64, n: u64| hash(seed, column, row, salt) % n;
    let tile = |salt: u64| hash(seed, x, y, salt) % 100;
    let often = |percent: u64, lot: Lot| if tile(47) < percent { lot } else { Lot::Open };
    let path = Lot::Built((tile(46) % 2) as u8);
    let lane = cell(42, 3) == 0;
    if v == STREET {
        // A stone is missing here and there.
        return often(92, path);
    }
    if u == LANE && lane {
        return path;
    }
    // The house's top left corner; the door is in the middle of its front.
    let (left, top) = (1 + cell(43, 3) as i64, cell(44, 2) as i64);
    let (corner_x, corner_y) = (x - u + left, y - v + top);
    let has_house = cell(45, 100) < 86 && square(corner_x, corner_y).all(|(x, y)| land(x, y));
    if !has_house {
        // A green around a well.
        return match (u, v) {
            (3, 2) => Lot::Built(WELL),
            (2..=4, 1..=3) => often(70, path),
            _ => garden(tile(48)),
        };
    }
    let (part_x, part_y) = (u - left, v - top);
    if (0..HOUSE).contains(&part_x) && (0..HOUSE).contains(&part_y) {
        let house = FIRST_HOUSE + (cell(49, 2) * (HOUSE * HOUSE) as u64) as u8;
        return Lot::Built(house + (part_y * HOUSE + part_x) as u8);
    }
    let front = v >= top + HOUSE;
    match part_x {
        1 if front => path,
        0 | 2 if front && v == STREET - 1 && cell(50, 4) == part_x as u64 => Lot::Built(LANTERN),
        _ if !(0..HOUSE).contains(&part_x) && part_y == HOUSE - 1 && u != LANE && cell(51, 5) < 2 => Lot::Built(FENCE),
        // Room to walk around the house.
        -1..=HOUSE => often(45, Lot::Blossoms),
        _ => garden(tile(48)),
    }
}

fn garden(draw: u64) -> Lot {
    match draw {
        0..28 => Lot::Blossoms,
        28..44 => Lot::Tree,
        _ => Lot::Open,
    }
}
