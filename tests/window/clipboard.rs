//! Pictures that other programs copy and paste.

use x11rb::protocol::Event;

use crate::neighbour::Neighbour;
use crate::stage::Stage;
use crate::twin::{Twin, file, shipped_pack};

/// Times as large as it is dreamed, as a picture in a file is.
const ENLARGED: u32 = 4;

#[test]
fn a_picture_goes_to_another_program_and_comes_from_one() {
    let pack = shipped_pack();
    let [mut meadow, mut snow] = ["meadow", "snow"].map(|name| Twin::begun(&pack, &file(&format!("assets/start/{name}.png")), 1));
    assert_ne!(meadow.picture(), snow.picture());
    let mut stage = Stage::open_logged(&["--engine", "cpu", "--paused", "--no-glide"]);
    let (size, seen) = (meadow.size, meadow.see(&mut stage, "the meadow"));

    let other = Neighbour::on(&stage);
    other.own("CLIPBOARD");
    stage.xdotool(&["key", "ctrl+c"]);
    stage.wait_for("the game to copy", |_| (!other.owns("CLIPBOARD")).then_some(()));
    let copied = image::load_from_memory(&other.take("CLIPBOARD", "image/png")).unwrap().into_rgb8();
    assert_eq!(copied.dimensions(), (size.0 * ENLARGED, size.1 * ENLARGED));
    let of_meadow = |x: u32, y: u32| &seen[((y * size.0 + x) * 3) as usize..][..3];
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
    let picture = std::fs::read(file("assets/start/snow.png")).unwrap();
    paste(&stage, Some(&picture));
    snow.see(&mut stage, "the snow");
}
