//! What lies around the one who walks.

use std::collections::HashMap;
use std::sync::Arc;

use super::book::{Book, Tile};
use crate::engine::recall::Map;
use crate::pack::manifest::FrameDims;
use crate::worlds::relief::Cutout;

/// So far one sees in each direction, in patches.
pub const REACH: i32 = 12;
const SIDE: usize = 2 * REACH as usize + 1;

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
}

/// What stands on a patch.
#[derive(Clone, Debug)]
pub struct Thing {
    pub tile: Arc<Tile>,
    pub cutout: Arc<Cutout>,
    /// Parts of the same thing that it stands on.
    pub storey: u8,
}

/// Land around a place, drawn in one look.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Place on the map of the one who walks, in patches.
    pub at: [i32; 2],
    /// `(SIDE, SIDE)`, the middle of which is `at`.
    cells: Vec<Cell>,
    /// Colours of the sky, RGB: overhead, and above the horizon.
    pub sky: [[u8; 3]; 2],
}

impl Surroundings {
    /// What `map` remembers around the middle of its view from the frame `since` on, in the look of the `newest` frame, `(tokens, code_dims)`; what was not
    /// there `before` is new. `draw` makes the picture of a frame's tokens. Steps must be whole patches.
    ///
    /// # Errors
    /// What `draw` says.
    pub fn of<E>(
        (map, since): (&Map, u32),
        frame: &FrameDims,
        newest: &[u8],
        before: Option<&Self>,
        book: &mut Book,
        draw: impl FnMut(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let view = map.view();
        let at = [view[0] + frame.grid_w() as i32 / 2, view[1] + frame.grid_h() as i32 / 2];
        let mut tokens: Vec<Option<&[u8]>> = vec![None; SIDE * SIDE];
        for (place, _, levels) in map.places().filter(|(_, seen, _)| *seen >= since.max(1)) {
            if let Some(index) = index_of([place[0] - at[0], place[1] - at[1]]) {
                tokens[index] = Some(levels);
            }
        }
        let relief = book.relief();
        // What lies under the figure was never seen where a dream begins: it is as what lies beside it, best where nothing stands.
        let middle = SIDE * SIDE / 2;
        if tokens[middle].is_none() {
            let beside = [middle - 1, middle + 1, middle - SIDE, middle + SIDE].into_iter().filter_map(|index| tokens[index]);
            tokens[middle] = beside.min_by_key(|token| relief.standing.contains_key(*token));
        }
        let grounds = tokens.iter().flatten().filter_map(|token| relief.standing.get(*token)).map(|standing| standing.ground.as_slice());
        let wanted = tokens.iter().flatten().copied().chain(grounds).chain(relief.sky.iter().map(Vec::as_slice));
        let tiles = book.tiles(newest, wanted, draw)?;

        let place = |index: usize| [at[0] + (index % SIDE) as i32 - REACH, at[1] + (index / SIDE) as i32 - REACH];
        let known = |place: [i32; 2]| index_of([place[0] - at[0], place[1] - at[1]]).is_some_and(|index| tokens[index].is_some());
        let new = |place: [i32; 2]| before.is_some_and(|before| before.cell(place).is_none_or(|cell| cell.ground.is_none()));
        let cell = |index: usize| {
            let Some(token) = tokens[index] else { return Cell::default() };
            let (place, standing) = (place(index), relief.standing.get(token));
            let storey = || {
                let part_at = |below: usize| relief.standing.get(tokens.get(index + below * SIDE).copied().flatten()?).map(|s| &s.cutout);
                let fits = |below: &usize| part_at(*below).zip(part_at(*below - 1)).is_some_and(|(lower, upper)| upper.stands_on(lower));
                (1..SIDE).take_while(fits).count() as u8
            };
            let near = (0..9).map(|near| [place[0] + near % 3 - 1, place[1] + near / 3 - 1]);
            Cell {
                ground: tile(tiles, standing.map_or(token, |standing| &standing.ground)),
                new: new(place),
                inland: near.clone().all(known) && !near.clone().any(new),
                thing: standing
                    .and_then(|standing| Some(Thing { tile: tile(tiles, token)?, cutout: standing.cutout.clone(), storey: storey() })),
            }
        };
        let cells = (0..SIDE * SIDE).map(cell).collect();
        let sky = relief.sky.each_ref().map(|token| tile(tiles, token).map_or([0; 3], |tile| tile.mean()));
        Ok(Self { at, cells, sky })
    }

    /// Mist all around.
    #[cfg(test)]
    pub fn nothing(at: [i32; 2]) -> Self {
        Self { at, cells: vec![Cell::default(); SIDE * SIDE], sky: [[0; 3], [200; 3]] }
    }

    /// What lies at a place of the map; nothing out of reach.
    pub fn cell(&self, place: [i32; 2]) -> Option<&Cell> {
        self.cells.get(index_of([place[0] - self.at[0], place[1] - self.at[1]])?)
    }

    /// All places of the map within reach, and what lies there.
    pub fn cells(&self) -> impl Iterator<Item = ([i32; 2], &Cell)> {
        let place = |index: usize| [self.at[0] + (index % SIDE) as i32 - REACH, self.at[1] + (index / SIDE) as i32 - REACH];
        self.cells.iter().enumerate().map(move |(index, cell)| (place(index), cell))
    }
}

fn tile(tiles: &HashMap<Vec<u8>, Arc<Tile>>, token: &[u8]) -> Option<Arc<Tile>> {
    tiles.get(token).cloned()
}

/// Of a place that lies so far from the middle.
fn index_of(off: [i32; 2]) -> Option<usize> {
    let inside = off.iter().all(|steps| steps.abs() <= REACH);
    inside.then(|| (off[1] + REACH) as usize * SIDE + (off[0] + REACH) as usize)
}
