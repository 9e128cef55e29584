//! A dream seen from within: through the eyes of the one who walks, instead of from above.
//!
//! Nothing else is dreamed for it. What lies around comes from the map, as tokens; the tokenizer's decoder draws each of them in the look of the newest
//! frame ([`Book`]); and the pack says which of them stand up, and on what ground ([`crate::pack::manifest::Relief`]). Here is only the camera: ground is
//! laid flat, what stands is turned to the eye ([`Glance`]), and where nothing was dreamed yet there is mist; and a sky over it, which no dream from above has.

mod book;
mod camera;
mod draw;
mod falling;
mod scene;
mod sheets;
mod sky;
mod surroundings;
mod walk;

/// So much finer than the frames of a world are pictures from within, in files.
pub const FINER: usize = 2;

pub use book::{Book, levels_of};
pub use camera::Camera;
pub use scene::{FALLS, Glance, Lens, MIST, Quad, SHADE};
pub use sheets::Sheets;
pub use sky::{GRAIN, SKY};
pub use surroundings::Surroundings;
pub use walk::{Sight, Stroll, Turn, Walk};
