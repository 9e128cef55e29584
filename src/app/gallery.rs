//! Start frames that come with the program: views of the simulator, drawn by `somnium world isles --headless --record FILE.png`.

use std::sync::Arc;

use crate::dream::still::{self, Still};

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

/// The gallery, fitted to a frame size. What cannot be fitted (a frame of a few pixels) is left out.
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

    #[test]
    fn every_picture_of_the_gallery_is_whole() {
        let gallery = fitted(144, 112);
        assert_eq!(gallery.len(), PICTURES.len());
        for (name, still, _) in gallery.iter() {
            assert_eq!(still.rgb.len(), 144 * 112 * 3, "{name}");
            assert!(still.rgb.iter().any(|&b| b != still.rgb[0]), "{name} is one flat colour");
        }
    }
}
