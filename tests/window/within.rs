//! The world seen from within: the sky, turns, and steps that lead where one looks.

use somnium::app::layout::RectPx;

use crate::dreamed_shift;
use crate::stage::Stage;
use crate::twin::{Twin, file, shipped_pack};

/// A column of the picture on the screen, from the top: RGB.
fn column(stage: &Stage, rect: RectPx, x: u32) -> Vec<[u8; 3]> {
    let screen = stage.capture();
    let pixel = |y: u32| {
        let at = (((rect.y + y) * stage.size.0 + rect.x + x) * 3) as usize;
        [screen[at], screen[at + 1], screen[at + 2]]
    };
    (0..rect.height).map(pixel).collect()
}

/// Columns of the picture on the screen, where it shows a sky: a third of them at least, between clouds, are of one colour at the top and paler further down.
fn under_the_sky(stage: &Stage, rect: RectPx) -> Option<Vec<Vec<[u8; 3]>>> {
    let columns: Vec<Vec<[u8; 3]>> = (0..24).map(|i| column(stage, rect, (2 * i + 1) * rect.width / 48)).collect();
    let bare = |top: [u8; 3]| columns.iter().filter(|column| column[0] == top && is_bare_sky(column)).count();
    columns.iter().any(|column| bare(column[0]) >= 8).then_some(columns)
}

/// Paler from each of five rows to the next, the lowest an eighth down.
fn is_bare_sky(column: &[[u8; 3]]) -> bool {
    let light = |i: usize| column[i * column.len() / 32].iter().map(|c| u32::from(*c)).sum::<u32>();
    (0..4).all(|i| light(i) < light(i + 1))
}

#[test]
fn who_looks_from_within_turns_and_walks_ahead() {
    let mut twin = Twin::begun(&shipped_pack(), &file("assets/start/meadow.png"), 4);
    let size = twin.size;
    let [world, start] = ["weights/isles.safetensors", "assets/start/meadow.png"].map(|name| file(name).to_str().unwrap().to_owned());
    let mut stage = Stage::open_logged(&[&world, "--engine", "cpu", "--no-glide", "--paused", "--seed", "4", "--image", &start]);
    let rect = stage.picture_rect(size);
    let above = twin.see(&mut stage, "the start");
    assert!(under_the_sky(&stage, rect).is_none(), "from above there is no sky");

    stage.xdotool(&["key", "v"]);
    let north = stage.wait_for("the sky", |s| under_the_sky(s, rect));
    // It fills the window, where the picture from above stood in the middle.
    let whole = RectPx { x: 0, y: 0, width: stage.size.0, height: stage.size.1 };
    assert!(rect.x > 0 && (0..rect.x).any(|x| is_bare_sky(&column(&stage, whole, x))));
    stage.xdotool(&["key", "F12"]);
    let saved = stage.wait_for("the picture in a file", |s| Some(s.said().split_once("Saved ")?.1.lines().next()?.to_owned()));
    let picture = image::open(saved).unwrap().into_rgb8();
    let off = (picture.width() * stage.size.1).abs_diff(picture.height() * stage.size.0);
    assert!(off < stage.size.1, "as wide as the window is, to the pixel: {}x{}", picture.width(), picture.height());
    let (top, seen) = (picture.get_pixel(picture.width() / 2, 0).0, column(&stage, whole, stage.size.0 / 2)[0]);
    assert!(top.iter().zip(seen).all(|(saved, seen)| saved.abs_diff(seen) <= 2), "the zenith: {top:?}, {seen:?}");
    stage.xdotool(&["key", "d"]);
    let east = stage.wait_for("another way", |s| under_the_sky(s, rect).filter(|seen| *seen != north));
    // A turn is no step: ahead is east now.
    stage.xdotool(&["keydown", "w", "key", "period", "sleep", "0.05", "keyup", "w"]);
    stage.wait_for("a step", |s| under_the_sky(s, rect).filter(|seen| *seen != east));
    stage.xdotool(&["key", "v"]);
    let after = stage.wait_for("the picture from above", |s| s.picture(size));
    assert_eq!(dreamed_shift(&above, &after, size, 16), (-16, 0), "the land goes west under one who goes east");
    assert!(under_the_sky(&stage, rect).is_none());
    assert!((0..rect.x).all(|x| !is_bare_sky(&column(&stage, whole, x))), "beside the picture there is nothing");

    // From the map it leads there as well, and not to a sky that the map hides.
    stage.xdotool(&["sleep", "0.5", "key", "m"]);
    stage.wait_for("the map", |s| s.said().contains("a map of").then_some(()));
    assert!(under_the_sky(&stage, rect).is_none(), "on the map there is no sky");
    stage.xdotool(&["sleep", "0.5", "key", "v"]);
    stage.wait_for("the sky in its place", |s| under_the_sky(s, rect));

    // Each that is asked for while the one before it waits comes after that: the last is the map, and not the world that the view led to.
    stage.xdotool(&["sleep", "0.5", "key", "--delay", "100", "m", "v", "m", "sleep", "1.5"]);
    let on_the_map = |s: &Stage| under_the_sky(s, rect).is_none() && s.picture(size).is_none_or(|seen| seen != after);
    stage.wait_for("the map once more", |s| on_the_map(s).then_some(()));
    // The control: closed, it shows that world.
    stage.xdotool(&["key", "m"]);
    stage.wait_for("the world from above", |s| s.picture(size).filter(|seen| *seen == after));
}
