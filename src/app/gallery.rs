//! Start frames: views of the simulator that come with the program, drawn by `somnium world isles --headless --record FILE.png`, and for a world
//! that was learned from recordings what its own clip shows.

use std::sync::Arc;

use crate::dream::still::{self, Still};
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::engine::{Engine, EngineError};
use crate::pack::Pack;

/// A start frame: its name, the picture, its width and height.
pub type GalleryItem = (String, Still, [usize; 2]);

const PICTURES: [(&str, &[u8]); 6] = [
    ("meadow", include_bytes!("../../assets/start/meadow.png")),
    ("shore", include_bytes!("../../assets/start/shore.png")),
    ("forest", include_bytes!("../../assets/start/forest.png")),
    ("snow", include_bytes!("../../assets/start/snow.png")),
    ("palms", include_bytes!("../../assets/start/palms.png")),
    ("volcano", include_bytes!("../../assets/start/volcano.png")),
];

/// The gallery of a pack. One that was learned from recordings never saw the simulator: there it is pictures of the pack's clip, as far as it has one.
pub fn of(pack: &Pack) -> Arc<[GalleryItem]> {
    let own = if pack.manifest.provenance.world.is_none() { of_its_clip(pack) } else { Ok(Vec::new()) };
    let own = own.unwrap_or_else(|why| {
        log::warn!("the pack's own clip cannot be shown: {why}");
        Vec::new()
    });
    let frame = &pack.manifest.frame;
    if own.is_empty() { fitted(frame.width_px, frame.height_px) } else { own.into() }
}

/// Pictures of the pack's clip, from its last to its first and none twice, at most as many as there are of the simulator.
fn of_its_clip(pack: &Pack) -> Result<Vec<GalleryItem>, EngineError> {
    let Some(parity) = &pack.manifest.parity else { return Ok(Vec::new()) };
    let frame = &pack.manifest.frame;
    let codes = pack.u8s("parity.codes")?;
    let mut engine = CpuEngine::new(pack, CpuOptions::default())?;
    let most = PICTURES.len().min(parity.frames);
    let mut pictures: Vec<GalleryItem> = Vec::with_capacity(most);
    for picture in 0..most {
        let number = parity.frames - 1 - picture * (parity.frames - 1) / (most - 1).max(1);
        let rgba = engine.draw(&codes[number * frame.code_bytes()..][..frame.code_bytes()])?;
        let still = Still { rgb: rgba.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect() };
        if pictures.iter().all(|(_, other, _)| *other != still) {
            pictures.push((format!("picture {} of its clip", number + 1), still, [frame.width_px, frame.height_px]));
        }
    }
    Ok(pictures)
}

/// The built-in pictures, fitted to a frame size. What cannot be fitted (a frame of a few pixels) is left out.
pub fn fitted(width_px: usize, height_px: usize) -> Arc<[GalleryItem]> {
    let fit = |(name, bytes): (&str, &[u8])| {
        let still = still::decode(name, bytes, width_px, height_px).ok()?.pop()?;
        Some((name.to_owned(), still, [width_px, height_px]))
    };
    PICTURES.into_iter().filter_map(fit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::random::{odd_manifest, random_pack};

    #[test]
    fn every_picture_of_the_gallery_is_whole() {
        let gallery = fitted(144, 112);
        assert_eq!(gallery.len(), PICTURES.len());
        for (name, still, _) in gallery.iter() {
            assert_eq!(still.rgb.len(), 144 * 112 * 3, "{name}");
            assert!(still.rgb.iter().any(|&b| b != still.rgb[0]), "{name} is one flat colour");
        }
    }

    #[test]
    fn a_world_of_recordings_begins_where_its_own_clip_is() {
        let mut pack = Pack::read(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/weights/isles.safetensors"))).unwrap();
        let built_in = fitted(144, 112);
        assert!(of(&pack)[..] == built_in[..], "it was learned from the simulator");
        pack.manifest.provenance.world = None;
        let own = of(&pack);
        assert!((2..=built_in.len()).contains(&own.len()), "{}", own.len());
        for (n, (name, still, _)) in own.iter().enumerate() {
            assert!(!built_in.iter().any(|(_, other, _)| other == still), "{name}");
            assert!(own[..n].iter().all(|(_, other, _)| other != still), "{name} is there twice");
        }
        // Without a clip there is nothing of its own.
        let bare = random_pack(odd_manifest(), 1).unwrap();
        let frame = bare.manifest.frame;
        assert!(of(&bare)[..] == fitted(frame.width_px, frame.height_px)[..]);
    }
}
