//! Pictures that other programs copy and paste.

use std::path::Path;

use somnium::dream::session::DreamSession;
use somnium::dream::{Source, still};
use somnium::engine::cpu::{CpuEngine, CpuOptions};
use somnium::pack::Pack;
use x11rb::protocol::Event;

use crate::neighbour::Neighbour;
use crate::stage::Stage;

/// Times as large as it is dreamed, as a picture in a file is.
const ENLARGED: u32 = 4;

#[test]
fn a_picture_goes_to_another_program_and_comes_from_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pack = Pack::read(&root.join("weights/isles.safetensors")).unwrap();
    let frame = pack.manifest.frame;
    let size = (frame.width_px as u32, frame.height_px as u32);
    let seen = |name: &str| {
        let stills = still::load(&root.join("assets/start").join(name), frame.width_px, frame.height_px).unwrap();
        let mut twin = DreamSession::new(Box::new(CpuEngine::new(&pack, CpuOptions::default()).unwrap())).unwrap();
        twin.start_from(&stills).unwrap();
        twin.read_picture().unwrap().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect::<Vec<u8>>()
    };
    let (meadow, snow) = (seen("meadow.png"), seen("snow.png"));
    assert_ne!(meadow, snow);
    let mut stage = Stage::open_logged(&["--engine", "cpu", "--paused", "--no-glide"]);
    stage.wait_for("the meadow", |s| s.picture(size).filter(|picture| *picture == meadow));

    let other = Neighbour::on(&stage);
    other.own("CLIPBOARD");
    stage.xdotool(&["key", "ctrl+c"]);
    stage.wait_for("the game to copy", |_| (!other.owns("CLIPBOARD")).then_some(()));
    let copied = image::load_from_memory(&other.take("CLIPBOARD", "image/png")).unwrap().into_rgb8();
    assert_eq!(copied.dimensions(), (size.0 * ENLARGED, size.1 * ENLARGED));
    let of_meadow = |x: u32, y: u32| &meadow[((y * size.0 + x) * 3) as usize..][..3];
    assert!(copied.enumerate_pixels().all(|(x, y, pixel)| pixel.0 == of_meadow(x / ENLARGED, y / ENLARGED)));

    // What nobody can show to a dream leaves it where it is.
    let paste = |stage: &Stage, picture: Option<&[u8]>| {
        other.own("CLIPBOARD");
        stage.xdotool(&["key", "ctrl+v"]);
        let png = other.atom("image/png");
        other.wait_for("the game to ask for a picture", |event| match (event, picture) {
            (Event::SelectionRequest(asked), Some(picture)) if asked.target == png => {
                other.give(&asked, picture);
                Some(())
            }
            (Event::SelectionRequest(asked), _) => {
                other.refuse(&asked);
                (asked.target == png).then_some(())
            }
            _ => None,
        });
    };
    paste(&stage, None);
    stage.wait_for("a sentence", |s| s.said().contains("there is no picture on the clipboard").then_some(()));
    let picture = std::fs::read(root.join("assets/start/snow.png")).unwrap();
    paste(&stage, Some(&picture));
    stage.wait_for("the snow", |s| s.picture(size).filter(|picture| *picture == snow));
}
