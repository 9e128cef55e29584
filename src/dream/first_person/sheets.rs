//! What lies around as textures of a device: ground and all that stands, each patch where it is.

use super::book::{halved, levels_of};
use super::surroundings::{REACH, SIDE, Surroundings, Thing};

/// Textures of [`Surroundings`], row by row from the north, four bytes a texel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheets {
    /// Texels of a patch's side.
    pub patch_px: usize,
    /// RGB and opaque; each level has half the side of the one before, which is `SIDE` patches at first.
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
        self.patch_px = around.patch_px;
        for sheet in [&mut self.ground, &mut self.standing] {
            sheet.resize(levels, Vec::new());
            for (level, texels) in sheet.iter_mut().enumerate() {
                texels.resize((SIDE * (around.patch_px >> level)).pow(2) * 4, 0);
            }
        }
        let [_, across] = Self::SIDES;
        self.patches.clear();
        self.patches.resize(across * across * 4, 0);
        let [r, g, b] = around.sky[1];
        for (index, (_, cell)) in around.cells().enumerate() {
            let (x, y) = (index % SIDE, index / SIDE);
            let known = [cell.ground.is_some() && !cell.new, cell.ground.is_some()].map(|known| u8::from(known) * 255);
            let shade = (cell.shade() * 255.0) as u8;
            self.patches[((y + 1) * across + x + 1) * 4..][..4].copy_from_slice(&[known[0], known[1], shade, 255]);
            for level in 0..levels {
                let side = around.patch_px >> level;
                // What is not known is mist, also where it is seen through the edge of what is.
                let ground = |i: usize| cell.ground.as_ref().map_or([r, g, b, 255], |tile| opaque(tile.level(level)[i]));
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

fn opaque([r, g, b]: [u8; 3]) -> [u8; 4] {
    [r, g, b, 255]
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
    let first = tile.level(0).iter().enumerate().map(|(i, rgb)| if own(i) { opaque(*rgb) } else { [0; 4] });
    halved(side, first.collect())
}
