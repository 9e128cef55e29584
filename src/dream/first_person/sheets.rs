//! What lies around as textures of a device: ground and all that stands, each patch where it is.

use super::book::{halvings, levels_of};
use super::surroundings::{REACH, SIDE, Surroundings, Thing};

/// Textures of [`Surroundings`], row by row from the north, four bytes a texel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheets {
    /// RGB and how much of it is still water; each level has half the side of the one before, which is `SIDE` patches at first.
    pub ground: Vec<Vec<u8>>,
    /// RGBA, the colour times how much of the texel is the thing's own; levels as the ground's.
    pub standing: Vec<Vec<u8>>,
    /// Of each patch, and of a border of one around: how much of it was in sight before, how much is now, and how far the shade of what
    /// stands there reaches, in patches; of 255.
    pub patches: Vec<u8>,
}

impl Sheets {
    /// Patches of a side of [`Self::ground`] and [`Self::standing`], and of [`Self::patches`].
    pub const SIDES: [usize; 2] = [SIDE, SIDE + 2];

    /// Takes in what lies around, in the place of what was there.
    pub fn fill(&mut self, around: &Surroundings) {
        let levels = levels_of(around.patch_px);
        for sheet in [&mut self.ground, &mut self.standing] {
            sheet.resize(levels, Vec::new());
            for (level, texels) in sheet.iter_mut().enumerate() {
                texels.resize((SIDE * (around.patch_px >> level)).pow(2) * 4, 0);
            }
        }
        let [_, across] = Self::SIDES;
        self.patches.clear();
        self.patches.resize(across * across * 4, 0);
        let [r, g, b] = around.sky.colours[1];
        for (index, (_, cell)) in around.cells().enumerate() {
            let (x, y) = (index % SIDE, index / SIDE);
            let known = [cell.ground.is_some() && !cell.new, cell.ground.is_some()].map(|known| u8::from(known) * 255);
            let shade = (cell.shade() * 255.0) as u8;
            self.patches[((y + 1) * across + x + 1) * 4..][..4].copy_from_slice(&[known[0], known[1], shade, 255]);
            for level in 0..levels {
                let side = around.patch_px >> level;
                // What is not known is mist, also where it is seen through the edge of what is.
                let ground = |i: usize| cell.ground.as_ref().map_or([r, g, b, 0], |tile| tile.level(level)[i]);
                lay(&mut self.ground[level], [x, y], side, ground);
            }
            match &cell.thing {
                Some(thing) => cut_out(thing).iter().enumerate().for_each(|(level, texels)| {
                    lay(&mut self.standing[level], [x, y], around.patch_px >> level, |i| texels[i]);
                }),
                None => (0..levels).for_each(|level| lay(&mut self.standing[level], [x, y], around.patch_px >> level, |_| [0; 4])),
            }
        }
    }

    /// Where a place of the map lies on the sheets that were filled with what is around `at`, in patches.
    pub fn corner(at: [i32; 2]) -> [i32; 2] {
        at.map(|along| along - REACH)
    }
}

/// Puts the texels of a patch in its place.
fn lay(sheet: &mut [u8], [x, y]: [usize; 2], side: usize, texel: impl Fn(usize) -> [u8; 4]) {
    for i in 0..side * side {
        let at = ((y * side + i / side) * SIDE + x) * side + i % side;
        sheet[at * 4..][..4].copy_from_slice(&texel(i));
    }
}

/// The levels of what stands, cut out of its patch.
fn cut_out(Thing { tile, cutout, .. }: &Thing) -> Vec<Vec<[u8; 4]>> {
    let side = cutout.rows.len();
    let own = |i: usize| cutout.rows[i / side] >> (i % side) & 1 == 1;
    let first = tile.level(0).iter().enumerate().map(|(i, &[r, g, b, _])| if own(i) { [r, g, b, 255] } else { [0; 4] });
    halvings(side, first.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::dream::first_person::book::Tile;
    use crate::dream::first_person::surroundings::Cell;
    use crate::worlds::relief::Cutout;

    /// Texel of the place so many patches east and south of the middle, in a column and row of its own.
    fn texel(sheet: &[u8], sides: usize, side: usize, off: [i32; 2], [x, y]: [usize; 2]) -> [u8; 4] {
        let [across, down] = off.map(|along| (sides as i32 / 2 + along) as usize * side);
        let at = ((down + y) * sides * side + across + x) * 4;
        [0, 1, 2, 3].map(|i| sheet[at + i])
    }

    #[test]
    fn every_patch_lies_in_its_place_on_every_level() {
        let tile = |colour: [u8; 3], water: &[u32]| Arc::new(Tile::of(4, &[colour; 16], water));
        // Its left half.
        let cutout = Arc::new(Cutout { rows: vec![0b0011; 4], height: 1.0, part: [0, 0], parts: [1, 1] });
        let around = Surroundings::made([7, -3], |place| Cell {
            // The last column of the middle's lower half is water.
            ground: (place[0] <= 8).then(|| tile([10, 20, 30], if place == [7, -3] { &[0, 0, 0b1000, 0b1000] } else { &[] })),
            new: place == [8, -3],
            inland: false,
            thing: (place == [8, -3]).then(|| Thing { tile: tile([200, 100, 0], &[]), cutout: cutout.clone(), storey: 0, new: false }),
            lamp: None,
        });
        let mut sheets = Sheets::default();
        sheets.fill(&around);
        let [sides, bordered] = Sheets::SIDES;
        assert_eq!(Sheets::corner(around.at), [7 - REACH, -3 - REACH]);
        assert_eq!((sheets.ground.len(), sheets.standing.len(), sheets.ground[2].len()), (3, 3, sides * sides * 4));
        for (level, side) in [4, 2, 1].into_iter().enumerate() {
            let ground = |off| texel(&sheets.ground[level], sides, side, off, [side - 1; 2]);
            let water = [255, 128, 32][level];
            assert_eq!([ground([0, 0]), ground([1, 0]), ground([2, 0])], [[10, 20, 30, water], [10, 20, 30, 0], [200, 200, 200, 0]]);
        }
        let standing = |level: usize, off, place| texel(&sheets.standing[level], sides, 4 >> level, off, place);
        assert_eq!([standing(0, [1, 0], [1, 0]), standing(0, [1, 0], [2, 0])], [[200, 100, 0, 255], [0; 4]], "cut out");
        assert_eq!([standing(1, [1, 0], [0, 1]), standing(2, [1, 0], [0, 0])], [[200, 100, 0, 255], [100, 50, 0, 128]]);
        assert_eq!(standing(0, [0, 0], [0, 0]), [0; 4], "nothing stands beside it");
        let patch = |off| texel(&sheets.patches, bordered, 1, off, [0, 0])[..3].to_vec();
        assert_eq!([patch([0, 0]), patch([1, 0]), patch([2, 0])], [vec![255, 255, 0], vec![0, 255, 66], vec![0, 0, 0]]);
        assert_eq!(patch([0, -REACH - 1]), [0, 0, 0], "nothing is known out of reach");
        // What stood there stands there no longer.
        sheets.fill(&Surroundings::nothing([0, 0]));
        assert!(sheets.standing.iter().flatten().all(|channel| *channel == 0));
    }
}
