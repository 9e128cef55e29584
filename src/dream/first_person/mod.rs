//! A dream seen from within: through the eyes of the one who walks, instead of from above.
//!
//! Nothing else is dreamed for it. What lies around comes from the map, as tokens. The tokenizer's decoder draws each of them in the look of the newest
//! frame ([`Book`]). The pack says which of them stand up, and on what ground ([`crate::pack::manifest::Relief`]). Here is only the camera: it lays the
//! ground flat, turns what stands to the eye ([`Glance`]), shows mist where nothing was dreamed yet, and a sky above, which no dream from above has. In
//! the dark it lights what lies around what the pack says shines.

mod book;
mod camera;
mod draw;
mod falling;
mod lamp;
mod scene;
mod sheets;
mod sky;
mod surroundings;
mod walk;

/// How much finer pictures from within are than the frames of a world, in files.
pub const FINER: usize = 2;

pub use book::{Book, levels_of};
pub use camera::Camera;
pub use scene::{FALLS, Glance, Halo, LIT, Lens, MIRRORS, MIST, Quad, SHADE};
pub use sheets::Sheets;
pub use sky::{GRAIN, SKY};
pub use surroundings::Surroundings;
pub use walk::{Sight, Stroll, Turn, Walk};
