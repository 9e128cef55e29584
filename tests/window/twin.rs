//! What the game dreams, dreamed in this process as well.

use std::path::{Path, PathBuf};

use somnium::dream::session::DreamSession;
use somnium::dream::{Drive, Intent, Source, still};
use somnium::engine::DecodeSettings;
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::engine::inputs::play_settings;
use somnium::pack::Pack;

use crate::stage::Stage;

/// A file of the repository.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub fn shipped_pack() -> Pack {
    Pack::read(&file("weights/isles.safetensors")).unwrap()
}

pub struct Twin {
    pub session: DreamSession,
    pub settings: DecodeSettings,
    /// Of a frame.
    pub size: (u32, u32),
}

impl Twin {
    /// A dream of `pack` that begins with a picture.
    pub fn begun(pack: &Pack, picture: &Path, seed: u32) -> Self {
        let frame = pack.manifest.frame;
        let mut session = DreamSession::new(Box::new(CpuEngine::new(pack, CpuOptions::default()).unwrap())).unwrap();
        session.start_from(&still::load(picture, frame.width_px, frame.height_px).unwrap()).unwrap();
        let settings = DecodeSettings { seed, ..play_settings(&pack.manifest) };
        Self { session, settings, size: (frame.width_px as u32, frame.height_px as u32) }
    }

    /// RGB.
    pub fn picture(&mut self) -> Vec<u8> {
        self.session.read_picture().unwrap().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect()
    }

    /// Waits until the screen shows what it dreams; gives that.
    pub fn see(&mut self, stage: &mut Stage, what: &str) -> Vec<u8> {
        let (size, expected) = (self.size, self.picture());
        stage.wait_for(what, |s| s.picture(size).filter(|picture| *picture == expected))
    }

    /// One step of a world that stands still, in both.
    pub fn step(&mut self, stage: &mut Stage, (key, intent): (&str, Intent)) {
        let code = self.session.info().code_of(Drive::Intent(intent));
        self.session.step(code, &self.settings).unwrap();
        stage.xdotool(&["keydown", key, "key", "period", "sleep", "0.05"]);
        self.see(stage, "the same step");
        stage.xdotool(&["keyup", key]);
    }
}
