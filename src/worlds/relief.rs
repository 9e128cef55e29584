//! What of a world stands up and what lies flat, for who looks at it from within.

use serde::{Deserialize, Serialize};

use super::scene::Feature;

/// How something stands on its patch: as what is cut out of the patch's picture, upright and always turned to who looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cutout {
    /// Pixels of the patch that are its own: bit `x` of row `y`, from the top.
    pub rows: Vec<u32>,
    /// How high a whole patch of it stands, in patches.
    pub height: f32,
    /// Which part of a thing of several patches it is, and how many those are, across and down.
    pub part: [u8; 2],
    pub parts: [u8; 2],
}

impl Cutout {
    /// Patches to the right and down from the middle of this part to the middle of the whole thing.
    pub fn to_middle(&self) -> [f32; 2] {
        [0, 1].map(|i| f32::from(self.parts[i].saturating_sub(1)) / 2.0 - f32::from(self.part[i]))
    }

    /// Whether the thing is this patch alone.
    pub fn is_whole(&self) -> bool {
        self.parts == [1, 1]
    }

    /// Whether `lower` is the part of such a thing that is so many `below` this one.
    pub fn stands_on(&self, lower: &Self, below: u8) -> bool {
        self.parts == lower.parts && self.part[0] == lower.part[0] && self.part[1] + below == lower.part[1]
    }
}

/// Something that stands, drawn plain on a clear day.
pub struct Upright {
    pub name: String,
    /// What who asks for such a thing asks for.
    pub feature: Feature,
    /// Its patch, and bare ground there: `patch_px * patch_px * 3`, RGB.
    pub rgb: Vec<u8>,
    pub ground_rgb: Vec<u8>,
    pub cutout: Cutout,
}

/// Still water, drawn plain on a clear day.
pub struct StillWater {
    /// Its patch: `patch_px * patch_px * 3`, RGB.
    pub rgb: Vec<u8>,
    /// Pixels of the patch that are water and no bank: bit `x` of row `y`, from the top.
    pub rows: Vec<u32>,
}

/// What shines by itself in the dark, drawn plain on a clear day.
pub struct Shining {
    /// Patches on which the same pixels shine: `patch_px * patch_px * 3` each, RGB.
    pub rgb: Vec<Vec<u8>>,
    /// Those pixels: bit `x` of row `y`, from the top.
    pub rows: Vec<u32>,
}

/// All that stands in a world, what mirrors it and what lights it in the dark, as it is drawn there.
pub struct DrawnRelief {
    pub standing: Vec<Upright>,
    pub water: Vec<StillWater>,
    pub shining: Vec<Shining>,
    /// Patches that are coloured as the sky is overhead and above the horizon.
    pub sky_rgb: [Vec<u8>; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_knows_where_the_whole_stands() {
        let cutout = |part, parts| Cutout { rows: Vec::new(), height: 1.0, part, parts };
        let tree = cutout([0, 0], [1, 1]);
        assert_eq!((tree.to_middle(), tree.stands_on(&tree, 1)), ([0.0; 2], false));
        let [chimney, window, door] = [[2, 0], [2, 1], [1, 2]].map(|part| cutout(part, [3, 3]));
        assert_eq!(chimney.to_middle(), [-1.0, 1.0]);
        assert!(
            chimney.stands_on(&window, 1)
                && !window.stands_on(&chimney, 1)
                && !window.stands_on(&door, 1)
                && !chimney.stands_on(&window, 2)
        );
    }
}
