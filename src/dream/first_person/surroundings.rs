//! What lies around the one who walks.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::book::{Book, Tile, Wanted};
use super::falling::Falling;
use super::lamp::{self, LIT_SIDE, Lamp};
use super::sky::Sky;
use crate::pack::manifest::FrameDims;
use crate::worlds::relief::Cutout;
use crate::worlds::scene::Wish;

/// So far one sees in each direction, in patches.
pub const REACH: i32 = 12;
pub const SIDE: usize = 2 * REACH as usize + 1;
/// So far around a thing, in patches, is looked for what it stands on.
const NEAR: usize = 2;

/// A patch of land.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// What lies flat; nothing where no dream has been.
    pub ground: Option<Arc<Tile>>,
    /// It came into sight with the last step.
    pub new: bool,
    /// It and all around it was in sight before.
    pub inland: bool,
    pub thing: Option<Thing>,
    /// What of it shines in the dark.
    pub lamp: Option<Lamp>,
}

/// What stands on a patch.
#[derive(Clone, Debug)]
pub struct Thing {
    pub tile: Arc<Tile>,
    pub cutout: Arc<Cutout>,
    /// Parts of the same thing that it stands on.
    pub storey: u8,
    /// It, or what it stands on, came into sight with the last step.
    pub new: bool,
}

/// Land around a place, drawn in one look.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Place on the map of the one who walks, in patches.
    pub at: [i32; 2],
    /// `(SIDE, SIDE)`, the middle of which is `at`.
    cells: Vec<Cell>,
    /// What falls on each patch and a border of one around from what shines ([`lamp::light_on`]); nothing by day.
    pub light: Vec<[u8; 4]>,
    /// Pixels of a patch's side.
    pub patch_px: usize,
    /// Frames a second, as the dream has them.
    pub rate_hz: u32,
    /// What the look says that it is drawn in; nothing where that has no name.
    pub look: Option<Wish>,
    pub sky: Arc<Sky>,
    /// Rain or snow.
    pub falling: Option<Arc<Falling>>,
    /// Something came into sight with the last step.
    pub arrives: bool,
}

impl Surroundings {
    /// What is `known` of places around the middle of a frame whose corner lies at `view`, in the look of the `newest` frame, `(tokens, code_dims)`; what
    /// was not there `before` is new. `draw` makes the picture of a frame's tokens. Steps must be whole patches.
    ///
    /// # Errors
    /// What `draw` says.
    pub fn of<'a, E>(
        (view, known): ([i32; 2], impl Fn([i32; 2]) -> Option<&'a [u8]>),
        frame: &FrameDims,
        newest: &[u8],
        before: Option<&Self>,
        book: &mut Book,
        draw: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let at = [view[0] + frame.grid_w() as i32 / 2, view[1] + frame.grid_h() as i32 / 2];
        let mut tokens: Vec<Option<&[u8]>> = (0..SIDE * SIDE).map(|index| known(place_of(at, index))).collect();
        let relief = book.relief();
        // What lies under the figure was never seen where a dream begins: it is as what lies beside it, best where nothing stands.
        let middle = SIDE * SIDE / 2;
        if tokens[middle].is_none() {
            let beside = [middle - 1, middle + 1, middle - SIDE, middle + SIDE].into_iter().filter_map(|index| tokens[index]);
            tokens[middle] = beside.min_by_key(|token| relief.standing.contains_key(*token));
        }
        let grounds = tokens.iter().flatten().filter_map(|token| relief.standing.get(*token)).map(|standing| standing.ground.as_slice());
        let wanted = Wanted { lying: &tokens, across: SIDE, besides: grounds.collect() };
        let page = book.page(newest, &wanted, draw)?;
        let (tiles, dark) = (&page.tiles, lamp::darkness(page.light));

        let bare: HashSet<&[u8]> = relief.standing.values().map(|standing| standing.ground.as_slice()).collect();
        let stands_on =
            |token: &[u8]| relief.standing.get(token).map_or_else(|| bare.get(token).copied(), |standing| Some(&standing.ground));
        // Things hide what they stand on, and in a dream they may be those of other lands: it is what most around them shows.
        let ground_of = |index: usize| {
            let (x, y) = (index % SIDE, index / SIDE);
            let rows = y.saturating_sub(NEAR)..(y + NEAR + 1).min(SIDE);
            let around = rows.flat_map(|y| (x.saturating_sub(NEAR)..(x + NEAR + 1).min(SIDE)).map(move |x| y * SIDE + x));
            let mut votes: BTreeMap<&[u8], usize> = BTreeMap::new();
            around.filter_map(|index| stands_on(tokens[index]?)).for_each(|ground| *votes.entry(ground).or_default() += 1);
            votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(ground, _)| ground)
        };
        let known = |place: [i32; 2]| index_of([place[0] - at[0], place[1] - at[1]]).is_some_and(|index| tokens[index].is_some());
        let new = |place: [i32; 2]| before.is_some_and(|before| before.cell(place).is_none_or(|cell| cell.ground.is_none()));
        let cell = |index: usize| {
            let Some(token) = tokens[index] else { return Cell::default() };
            let (place, standing) = (place_of(at, index), relief.standing.get(token));
            // Nothing as long as it is not known what it stands on: it would hang in the air, or come down.
            let storey = |cutout: &Cutout| -> Option<(u8, bool)> {
                let (mut storey, mut comes) = (0, new(place));
                for below in 1..cutout.parts[1].saturating_sub(cutout.part[1]) {
                    let token = tokens.get(index + usize::from(below) * SIDE).copied().flatten()?;
                    if !relief.standing.get(token).is_some_and(|lower| cutout.stands_on(&lower.cutout, below)) {
                        break;
                    }
                    storey = below;
                    comes |= new([place[0], place[1] + i32::from(below)]);
                }
                Some((storey, comes))
            };
            let thing = |cutout: &Arc<Cutout>| {
                let (storey, new) = storey(cutout)?;
                Some(Thing { tile: tile(tiles, token)?, cutout: cutout.clone(), storey, new })
            };
            let near = (0..9).map(|near| [place[0] + near % 3 - 1, place[1] + near / 3 - 1]);
            let ground = tile(tiles, standing.map_or(token, |standing| ground_of(index).unwrap_or(&standing.ground)));
            let thing = standing.and_then(|standing| thing(&standing.cutout));
            // What would stand and does not yet shines no more than it is seen.
            let shines = match standing {
                Some(_) => thing.as_ref().map(|thing| (&thing.tile, thing.new)),
                None => ground.as_ref().map(|ground| (ground, new(place))),
            };
            let lamp = shines.and_then(|(tile, new)| Lamp::of(tile, relief.shining.get(token)?, dark, new));
            Cell { ground, new: new(place), inland: near.clone().all(known) && !near.clone().any(new), thing, lamp }
        };
        let cells: Vec<Cell> = (0..SIDE * SIDE).map(cell).collect();
        let light = lamp::light_on(&cells);
        let sky = page.sky.clone().unwrap_or_default();
        let arrives = cells.iter().any(|cell| cell.new && cell.ground.is_some());
        let (look, falling) = (page.says.clone(), page.falling.clone());
        Ok(Self { at, cells, light, patch_px: frame.patch_px, rate_hz: frame.rate_hz, look, sky, falling, arrives })
    }

    /// Mist all around.
    #[cfg(test)]
    pub fn nothing(at: [i32; 2]) -> Self {
        let sky = Arc::new(Sky::of([[0; 3], [200; 3]], None));
        let cells = vec![Cell::default(); SIDE * SIDE];
        Self { at, cells, light: Vec::new(), patch_px: 4, rate_hz: 6, look: None, sky, falling: None, arrives: false }
    }

    /// What `cell` says of every place.
    #[cfg(test)]
    pub fn made(at: [i32; 2], cell: impl Fn([i32; 2]) -> Cell) -> Self {
        let mut made = Self::nothing(at);
        let places: Vec<[i32; 2]> = made.cells().map(|(place, _)| place).collect();
        made.cells = places.into_iter().map(cell).collect();
        made.light = lamp::light_on(&made.cells);
        made
    }

    /// Lays a tile in a place within reach.
    #[cfg(test)]
    pub fn lay(&mut self, [x, y]: [i32; 2], tile: Arc<Tile>) {
        let index = index_of([x - self.at[0], y - self.at[1]]).expect("a place within reach");
        self.cells[index].ground = Some(tile);
    }

    /// Land of one colour, on which nothing stands.
    #[cfg(test)]
    pub fn bare(colour: [u8; 3]) -> Self {
        let tile = Arc::new(Tile::of(4, &[colour; 16], &[]));
        let inland = |place: [i32; 2]| place.iter().all(|along| along.abs() < REACH);
        Self::made([0, 0], |place| Cell { ground: Some(tile.clone()), inland: inland(place), ..Cell::default() })
    }

    /// The same under a blue sky, with what is in it where this is seen.
    #[cfg(test)]
    pub fn under(self, seen: &Wish) -> Self {
        Self { sky: Arc::new(Sky::of([[40, 90, 200], [180, 200, 230]], Some(seen))), ..self }
    }

    /// A meadow in the dark: in the north a lantern and a tree, and a pool of lava, which shine where it is `lit`.
    #[cfg(test)]
    pub fn by_night(lit: bool) -> Self {
        let tile = |colour: [u8; 3]| Arc::new(Tile::of(4, &[colour; 16], &[]));
        let [grass, lava, glass, bark] = [[40, 60, 50], [255, 95, 42], [250, 210, 90], [30, 28, 30]].map(tile);
        let lamp = |tile: &Tile, rows: [u32; 4]| Lamp::of(tile, &rows, if lit { 1.0 } else { 0.0 }, false);
        let cutout = Arc::new(Cutout { rows: vec![0b0110; 4], height: 1.2, part: [0, 0], parts: [1, 1] });
        let stands = |tile: &Arc<Tile>| Some(Thing { tile: tile.clone(), cutout: cutout.clone(), storey: 0, new: false });
        Self::made([0, 0], |place| {
            let (ground, thing, lamp) = match place {
                [0, -3] => (&grass, stands(&glass), lamp(&glass, [0b0110, 0, 0, 0])),
                [1, -3] => (&grass, stands(&bark), None),
                [-3..=-2, -4..=-3] => (&lava, None, lamp(&lava, [0b1111; 4])),
                _ => (&grass, None, None),
            };
            Cell { ground: Some(ground.clone()), thing, lamp, inland: place.iter().all(|along| along.abs() < REACH), new: false }
        })
    }

    /// All came into sight with the last step.
    #[cfg(test)]
    pub fn all_new(&mut self) {
        for cell in &mut self.cells {
            (cell.new, cell.inland) = (true, false);
            cell.thing.iter_mut().for_each(|thing| thing.new = true);
            cell.lamp.iter_mut().for_each(|lamp| lamp.new = true);
        }
        self.light = lamp::light_on(&self.cells);
        self.arrives = true;
    }

    /// What lies at a place of the map; nothing out of reach.
    pub fn cell(&self, place: [i32; 2]) -> Option<&Cell> {
        self.cells.get(index_of([place[0] - self.at[0], place[1] - self.at[1]])?)
    }

    /// What falls on a place so far from the middle from what shines ([`Self::light`]); further away it is as at the border.
    pub fn light_at(&self, off: [i32; 2]) -> [u8; 4] {
        let [x, y] = off.map(|along| (along + REACH + 1).clamp(0, LIT_SIDE as i32 - 1) as usize);
        self.light.get(y * LIT_SIDE + x).copied().unwrap_or_default()
    }

    /// All places of the map within reach, and what lies there.
    pub fn cells(&self) -> impl Iterator<Item = ([i32; 2], &Cell)> {
        self.cells.iter().enumerate().map(|(index, cell)| (place_of(self.at, index), cell))
    }
}

fn tile(tiles: &HashMap<Vec<u8>, Arc<Tile>>, token: &[u8]) -> Option<Arc<Tile>> {
    tiles.get(token).cloned()
}

/// Which place of the map a cell around `at` is.
fn place_of(at: [i32; 2], index: usize) -> [i32; 2] {
    [at[0] + (index % SIDE) as i32 - REACH, at[1] + (index / SIDE) as i32 - REACH]
}

/// Of a place that lies so far from the middle.
fn index_of(off: [i32; 2]) -> Option<usize> {
    let inside = off.iter().all(|steps| steps.abs() <= REACH);
    inside.then(|| (off[1] + REACH) as usize * SIDE + (off[0] + REACH) as usize)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::engine::recall::Map;
    use crate::pack::manifest::{self, RecallDims, Shining, Standing};

    /// Three patches across and down, the middle one the figure's.
    const FRAME: FrameDims = FrameDims { width_px: 6, height_px: 6, patch_px: 2, rate_hz: 6, code_dims: 2, code_levels: 250, look: true };
    const GRASS: [u8; 2] = [1, 0];
    const TREE: [u8; 2] = [2, 0];
    const ROOF: [u8; 2] = [3, 0];
    const WALL: [u8; 2] = [4, 0];
    /// As it stands on the sand of another land.
    const WALL_ELSEWHERE: [u8; 2] = [5, 0];
    const SAND: [u8; 2] = [6, 0];
    /// Both levels of the looks that have names.
    const LOOKS: [(&str, u8); 3] = [("Noir Day Clear 0", 100), ("Noir Dusk Clear 0", 110), ("Noir Night Clear 0", 120)];

    fn recall() -> RecallDims {
        RecallDims { step_px: 2, covered: vec![4] }
    }

    fn book() -> Book {
        let standing = |token: [u8; 2], part: [u8; 2], parts: [u8; 2]| Standing {
            token: token.to_vec(),
            ground: GRASS.to_vec(),
            feature: None,
            cutout: Cutout { rows: vec![3, 3], height: 1.0, part, parts },
        };
        let standing =
            [("tree", standing(TREE, [0, 0], [1, 1])), ("roof", standing(ROOF, [0, 0], [1, 2])), ("wall", standing(WALL, [0, 1], [1, 2]))];
        let elsewhere = Standing { ground: SAND.to_vec(), ..standing[2].1.clone() };
        let elsewhere = [("wall_elsewhere", Standing { token: WALL_ELSEWHERE.to_vec(), ..elsewhere })];
        let standing = standing.into_iter().chain(elsewhere).map(|(name, standing)| (name.to_owned(), standing)).collect();
        let shining = [GRASS, TREE, ROOF].map(|token| Shining { tokens: vec![token.to_vec()], rows: vec![0b01, 0] });
        let relief = manifest::Relief { sky: [vec![8, 0], vec![9, 0]], standing, water: Vec::new(), shining: shining.into() };
        let looks: BTreeMap<String, Vec<u8>> = LOOKS.map(|(name, level)| (name.to_owned(), vec![level, level])).into();
        Book::new(FRAME, &recall(), &relief, &looks)
    }

    /// Every pixel says what its token is, and what the look.
    fn draw(codes: &[u8]) -> Result<Vec<u8>, Infallible> {
        let token = |i: usize| &codes[2 * (i / 6 / 2 * 3 + i % 6 / 2)..];
        Ok((0..36).flat_map(|i| [token(i)[0], token(i)[1], codes[18], 255]).collect())
    }

    /// The frame whose corner lies at the map's origin: a tree to the left of the figure with a roof above it, a house to the right, a roof below, as far as
    /// the frame reaches.
    fn map() -> (Map, Vec<u8>) {
        let mut map = Map::new(&FRAME, &recall());
        let tokens = [ROOF, GRASS, ROOF, TREE, [7, 7], WALL, GRASS, ROOF, GRASS, [50, 50]];
        let codes = tokens.concat();
        map.remember(&codes, [0, 0], false);
        (map, codes)
    }

    fn around(map: &(Map, Vec<u8>), since: u32, before: Option<&Surroundings>) -> Surroundings {
        let known = |at| map.0.at(at).filter(|(seen, _)| *seen >= since).map(|(_, levels)| levels);
        Surroundings::of((map.0.view(), known), &FRAME, &map.1, before, &mut book(), draw).unwrap()
    }

    #[test]
    fn things_stand_on_their_ground_and_parts_on_each_other() {
        let around = around(&map(), 0, None);
        assert_eq!((around.at, around.sky.colours), ([1, 1], [[8, 0, 50], [9, 0, 50]]));
        let cell = |x, y| around.cell([x, y]).unwrap();
        let ground = |x, y| cell(x, y).ground.as_ref().map(|tile| tile.mean());
        let thing = |x, y| cell(x, y).thing.as_ref().map(|thing| (thing.tile.mean()[0], thing.storey));
        assert_eq!((ground(0, 1), thing(0, 1)), (Some([1, 0, 50]), Some((2, 0))));
        assert_eq!((thing(2, 0), thing(2, 1)), (Some((3, 1)), Some((4, 0))), "a roof on its wall");
        assert_eq!(thing(0, 0), Some((3, 0)), "one without a wall lies on the ground");
        assert_eq!(thing(1, 2), None, "one whose wall is not known yet");
        assert_eq!((ground(1, 1), thing(1, 1)), (Some([1, 0, 50]), None), "what the figure stands on is like what lies beside it");
        assert_eq!((ground(3, 0), thing(3, 0)), (None, None), "never seen");
        assert!(cell(1, 1).inland && !cell(0, 1).inland && !cell(1, 1).new);
    }

    #[test]
    fn what_shines_shines_in_the_dark_where_it_is_seen() {
        let seen_in = |look: u8| {
            let mut walked = map();
            walked.1[18..].fill(look);
            around(&walked, 0, None)
        };
        let lamps = |look: u8| {
            let around = seen_in(look);
            let lamp = |x, y| around.cell([x, y]).unwrap().lamp.clone();
            let level = |x, y| lamp(x, y).map(|lamp| [lamp.light[0], lamp.light[2]].map(|c| (c * 255.0).round() as u8));
            ([level(0, 1), level(1, 0), level(2, 0)], level(1, 2), around.light.len())
        };
        // A tree, grass and a roof on its wall, as they are drawn in the look; a roof whose wall is not known is not seen.
        let night = [[2, 120], [1, 120], [3, 120]].map(Some);
        assert_eq!(lamps(120), (night, None, LIT_SIDE * LIT_SIDE));
        assert_eq!(lamps(110).0[0], Some([1, 55]), "at dusk it is half as bright");
        // The controls: by day and in a light that nobody knows nothing shines.
        assert_eq!([lamps(100), lamps(50)], [([None; 3], None, 0), ([None; 3], None, 0)]);
        let lit = seen_in(120);
        assert!(lit.light_at([-1, 0])[2] > 60 && lit.light_at([0, 99]) == [0, 0, 0, 255], "{:?}", lit.light_at([-1, 0]));
    }

    #[test]
    fn a_wall_of_another_land_stands_on_the_ground_of_this_one() {
        let ground = |wall: [u8; 2], beside: [u8; 2]| {
            let mut map = Map::new(&FRAME, &recall());
            let codes = [beside, beside, ROOF, beside, [7, 7], wall, beside, beside, beside, [50, 50]].concat();
            map.remember(&codes, [0, 0], false);
            around(&(map, codes), 0, None).cell([2, 1]).unwrap().ground.as_ref().unwrap().mean()
        };
        assert_eq!(ground(WALL_ELSEWHERE, GRASS), [1, 0, 50]);
        assert_eq!(ground(WALL, SAND), [6, 0, 50]);
        // The control: where nothing around says otherwise it is its own.
        assert_eq!(ground(WALL_ELSEWHERE, [9, 9]), [6, 0, 50]);
    }

    #[test]
    fn what_was_not_there_before_is_new_and_what_was_seen_of_another_land_is_gone() {
        let mut walked = map();
        let first = around(&walked, 0, None);
        walked.0.remember(&walked.1, [0, -1], true);
        let second = around(&walked, 0, Some(&first));
        let new = |x, y| second.cell([x, y]).unwrap().new;
        assert_eq!(second.at, [1, 0]);
        assert!(new(0, -1) && !new(0, 0) && second.arrives && !first.arrives);
        assert!(!around(&walked, 0, Some(&second)).arrives, "nothing more");
        // A roof that was seen before comes into sight with its wall.
        let mut south = map();
        let below = [GRASS, GRASS, WALL, GRASS, [7, 7], GRASS, GRASS, WALL, GRASS, [50, 50]].concat();
        let before = around(&south, 0, None);
        south.0.remember(&below, [0, 1], true);
        let after = around(&(south.0, below), 0, Some(&before));
        let roof = after.cell([1, 2]).unwrap();
        assert!(before.cell([1, 2]).unwrap().thing.is_none() && !roof.new && roof.thing.as_ref().is_some_and(|thing| thing.new));
        let since = around(&walked, 2, None);
        let known = |x, y| since.cell([x, y]).unwrap().ground.is_some();
        assert!(known(0, 1) && !known(0, 2));
    }

    #[test]
    fn a_token_is_drawn_once_in_every_look() {
        let (mut book, mut map, mut drawn) = (book(), map(), 0);
        let mut look = |map: &(Map, Vec<u8>)| {
            let count = |codes: &[u8]| {
                drawn += 1;
                draw(codes)
            };
            let known = |at| map.0.at(at).map(|(_, levels)| levels);
            let around = Surroundings::of((map.0.view(), known), &FRAME, &map.1, None, &mut book, count).unwrap();
            (around.cell([0, 0]).unwrap().ground.as_ref().unwrap().mean(), drawn)
        };
        let (grass, all) = look(&map);
        assert_eq!((grass, all), ([1, 0, 50], 4));
        assert_eq!(look(&map).1, all);
        map.1[18..].fill(60);
        assert_eq!(look(&map), ([1, 0, 60], 2 * all));
        map.1[18..].fill(50);
        assert_eq!(look(&map), ([1, 0, 50], 2 * all), "back under a look that was");
    }
}
