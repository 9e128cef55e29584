//! The probe's network: cells of the frame, a few 3x3 convolutions over them, and a head for each thing to be read.

use burn::module::Module;
use burn::tensor::{Device, Tensor, activation};

use super::view::View;
use crate::model::layers::{Linear, rms, taps};

const CHANNELS: usize = 64;
const BLOCKS: usize = 2;
/// What a land looks like depends on light, weather and style: a hidden layer between cells and features tells them apart together.
const LOOK_HIDDEN: usize = 128;
/// Width of the features that words are read from; the Frechet distance is taken on them.
pub const FEATURES: usize = 32;
const FACING_HIDDEN: usize = 32;
/// Taken from the logits of a cell's being covered by a figure: few are, and training starts from there.
const FIGURE_PRIOR: f64 = 4.0;

#[derive(Module, Debug)]
pub struct ProbeNet {
    cell: Linear,
    blocks: Vec<Linear>,
    solid: Linear,
    figure: Linear,
    figures: Linear,
    look: Linear,
    features: Linear,
    words: Linear,
    facing1: Linear,
    facing2: Linear,
}

/// Logits, one row a frame.
pub struct Outputs {
    /// `(frames, words of land, light, weather and style)`
    pub words: Tensor<2>,
    /// `(frames, 4)`: north, south, west, east.
    pub facing: Tensor<2>,
    /// `(frames, 3)`: none, one, more.
    pub figures: Tensor<2>,
    /// `(frames, cells)`: nobody can enter.
    pub solid: Tensor<2>,
    /// `(frames, cells)`: covered by a figure.
    pub figure: Tensor<2>,
    /// `(frames, FEATURES)`
    pub features: Tensor<2>,
}

impl ProbeNet {
    pub fn new(view: &View, words: usize, device: &Device) -> Self {
        let (c, values) = (CHANNELS, view.cell_px * view.cell_px * 3);
        let (columns, rows) = view.figure();
        Self {
            cell: Linear::new(values, c, 1.0, true, device),
            blocks: (0..BLOCKS).map(|_| Linear::new(9 * c, c, 1.0, true, device)).collect(),
            solid: Linear::new(c, 1, 1.0, true, device),
            figure: Linear::new(c, 1, 1.0, true, device),
            figures: Linear::new(1, 3, 1.0, true, device),
            look: Linear::new(2 * c, LOOK_HIDDEN, 1.0, true, device),
            features: Linear::new(LOOK_HIDDEN, FEATURES, 1.0, true, device),
            words: Linear::new(FEATURES, words, 1.0, true, device),
            facing1: Linear::new(columns.len() * rows.len() * c, FACING_HIDDEN, 1.0, true, device),
            facing2: Linear::new(FACING_HIDDEN, 4, 1.0, true, device),
        }
    }

    /// `cells`: `(frames * cells, cell values)`, patches of [`View::dims`].
    pub fn forward(&self, cells: Tensor<2>, view: &View) -> Outputs {
        let (dims, n) = (view.dims(), view.cells());
        let frames = cells.dims()[0] / n;
        let x = activation::gelu(self.cell.forward(cells));
        let x = self.blocks.iter().fold(x, |x, block| x.clone() + activation::gelu(block.forward(taps(rms(x), &dims))));
        let x = rms(x);
        let of_cells = |head: &Linear| head.forward(x.clone()).reshape([frames, n]);
        let (solid, figure) = (of_cells(&self.solid), of_cells(&self.figure) - FIGURE_PRIOR);

        // How many figures' worth of cells are covered.
        let (across, down) = view.figure();
        let covered = activation::sigmoid(figure.clone()).sum_dim(1) / (across.len() * down.len()) as f64;

        let grid = x.reshape([frames, n, CHANNELS]);
        let pooled = Tensor::cat(vec![grid.clone().mean_dim(1), grid.clone().max_dim(1)], 2).reshape([frames, 2 * CHANNELS]);
        let features = activation::gelu(self.features.forward(activation::gelu(self.look.forward(pooled))));
        let centre_cells = across.len() * down.len() * CHANNELS;
        let centre =
            grid.reshape([frames, dims.grid_h(), dims.grid_w(), CHANNELS]).slice([0..frames, down, across]).reshape([frames, centre_cells]);
        Outputs {
            words: self.words.forward(features.clone()),
            facing: self.facing2.forward(activation::gelu(self.facing1.forward(centre))),
            figures: self.figures.forward(covered * 4.0 - 4.0),
            solid,
            figure,
            features,
        }
    }
}
