//! How a frame divides into cells as large as a step, with the figure on those of the centre patch.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use somnium::pack::manifest::FrameDims;
use somnium::worlds::WorldInfo;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    pub width_px: usize,
    pub height_px: usize,
    /// Side of the figure.
    pub patch_px: usize,
    /// Side of a cell.
    pub cell_px: usize,
}

impl View {
    pub fn of(world: &WorldInfo) -> Self {
        Self { width_px: world.width_px, height_px: world.height_px, patch_px: world.patch_px, cell_px: world.step_px }
    }

    pub fn columns(&self) -> usize {
        self.width_px / self.cell_px
    }

    pub fn rows(&self) -> usize {
        self.height_px / self.cell_px
    }

    pub fn cells(&self) -> usize {
        self.columns() * self.rows()
    }

    /// Top left pixel of the figure.
    pub fn figure_px(&self) -> (usize, usize) {
        let centre = |side: usize| side / self.patch_px / 2 * self.patch_px;
        (centre(self.width_px), centre(self.height_px))
    }

    /// Columns and rows of the figure's cells.
    pub fn figure(&self) -> (Range<usize>, Range<usize>) {
        let range = |px: usize| px / self.cell_px..(px + self.patch_px) / self.cell_px;
        let (x, y) = self.figure_px();
        (range(x), range(y))
    }

    /// Cells that a step of this action (1 to 4: north, south, west, east) would enter.
    pub fn ahead(&self, action: usize) -> Vec<usize> {
        let (columns, rows) = self.figure();
        let (columns, rows) = match action {
            1 => (columns, rows.start - 1..rows.start),
            2 => (columns, rows.end..rows.end + 1),
            3 => (columns.start - 1..columns.start, rows),
            _ => (columns.end..columns.end + 1, rows),
        };
        rows.flat_map(|row| columns.clone().map(move |column| row * self.columns() + column)).collect()
    }

    /// The same frame with a cell for a patch.
    pub fn dims(&self) -> FrameDims {
        FrameDims {
            width_px: self.width_px,
            height_px: self.height_px,
            patch_px: self.cell_px,
            rate_hz: 0,
            code_dims: 0,
            code_levels: 0,
            look: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_stands_in_the_centre_patch_with_two_cells_on_each_side() {
        let view = View { width_px: 144, height_px: 112, patch_px: 16, cell_px: 8 };
        assert_eq!((view.columns(), view.rows(), view.figure_px()), (18, 14, (64, 48)));
        assert_eq!(view.figure(), (8..10, 6..8));
        let at = |column: usize, row: usize| row * 18 + column;
        let expected = [[at(8, 5), at(9, 5)], [at(8, 8), at(9, 8)], [at(7, 6), at(7, 7)], [at(10, 6), at(10, 7)]];
        assert_eq!([1, 2, 3, 4].map(|action| view.ahead(action)), expected.map(|cells| cells.to_vec()));
    }
}
