//! From what the command line names to something that plays.

use std::sync::Arc;

use crate::dream::Source;
use crate::dream::still::Still;
use crate::dream::truth::TruthSession;
use crate::engine::Engine;
use crate::engine::gpu::context::GpuContext;
use crate::worlds;

/// A start frame: its name, the picture, its width and height.
pub type GalleryItem = (String, Still, [usize; 2]);

/// What to play; cheap to clone, and can be opened again after a lost device.
#[derive(Clone)]
pub enum Launch {
    World { name: String, seed: u32, hold_ambience: bool, frame_px: (usize, usize) },
}

impl Launch {
    /// # Errors
    /// A sentence with the names there are.
    pub fn world(name: &str, seed: u32, hold_ambience: bool) -> Result<Self, String> {
        let world =
            worlds::by_name(name).ok_or_else(|| format!("there is no world named {name:?}; there is: {}", worlds::NAMES.join(", ")))?;
        let frame_px = (world.info().width_px, world.info().height_px);
        Ok(Self::World { name: name.to_owned(), seed, hold_ambience, frame_px })
    }

    pub fn title(&self) -> &str {
        match self {
            Self::World { name, .. } => name,
        }
    }

    /// Width and height of a frame.
    pub fn frame_px(&self) -> (usize, usize) {
        match self {
            Self::World { frame_px, .. } => *frame_px,
        }
    }

    /// The words it knows and how many a prompt may have.
    pub fn vocabulary(&self) -> (Vec<String>, usize) {
        match self {
            Self::World { .. } => (Vec::new(), 0),
        }
    }

    pub fn gallery(&self) -> Arc<[GalleryItem]> {
        match self {
            Self::World { .. } => Arc::new([]),
        }
    }

    /// Opens it on the present thread.
    ///
    /// # Errors
    /// One sentence.
    pub fn open_source(&self, _gpu: Option<&GpuContext>) -> Result<Box<dyn Source>, String> {
        match self {
            Self::World { name, seed, hold_ambience, .. } => {
                let world = worlds::by_name(name).ok_or_else(|| format!("there is no world named {name:?}"))?;
                Ok(Box::new(TruthSession::new(world, *seed, *hold_ambience)))
            }
        }
    }

    /// A fresh engine for a source that has one.
    ///
    /// # Errors
    /// One sentence.
    pub fn open_engine(&self, _gpu: Option<&GpuContext>) -> Result<Option<Box<dyn Engine>>, String> {
        match self {
            Self::World { .. } => Ok(None),
        }
    }
}
