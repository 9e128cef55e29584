//! What is kept of a walk: the map of all the land that was seen, on the screen and in a file, and the last seconds as a moving picture; beside
//! a session in this process to which the same is done.

use somnium::dream::chart::Chart;
use somnium::dream::saved::SavedDream;
use somnium::dream::{Intent, still};

use crate::stage::Stage;
use crate::twin::{Twin, file, shipped_pack};

/// Of a window without the panel, in pixels.
const MIDDLE: (usize, usize) = (400, 300);
/// How large a pixel of a small map is.
const ZOOM: usize = 3;

/// Whether the map in the middle of the screen is this one, but for what lies under the line around the newest frame and under the flag where it began.
fn shows(screen: &[u8], width: usize, chart: &Chart) -> bool {
    let corner = (MIDDLE.0 - chart.width_px * ZOOM / 2, MIDDLE.1 - chart.height_px * ZOOM / 2);
    let [left, top, wide, high] = chart.view_px;
    let line = |x: usize, y: usize| {
        let around = (left..left + wide + 2).contains(&(x + 1)) && (top..top + high + 2).contains(&(y + 1));
        around && !((left + 1..left + wide - 1).contains(&x) && (top + 1..top + high - 1).contains(&y))
    };
    let flag = |x: usize, y: usize| {
        chart.start_px.is_some_and(|[u, v]| (u * ZOOM..u * ZOOM + 14).contains(&(x + 2)) && (v * ZOOM..v * ZOOM + 20).contains(&(y + 17)))
    };
    (0..chart.height_px * ZOOM).all(|y| {
        (0..chart.width_px * ZOOM).all(|x| {
            let (u, v) = (x / ZOOM, y / ZOOM);
            let pixel = &chart.rgba[(v * chart.width_px + u) * 4..][..4];
            let expected = if pixel[3] == 0 { [13, 14, 18] } else { [pixel[0], pixel[1], pixel[2]] };
            let at = ((corner.1 + y) * width + corner.0 + x) * 3;
            line(u, v) || flag(x, y) || screen[at..at + 3] == expected
        })
    })
}

#[test]
fn the_map_shows_all_that_was_seen_and_the_walk_is_kept() {
    let (pack, start) = (shipped_pack(), file("assets/start/meadow.png"));
    let mut twin = Twin::begun(&pack, &start, 4);
    let args = ["--engine", "cpu", "--paused", "--no-glide", "--seed", "4", "--image", start.to_str().unwrap()];
    let (mut stage, size) = (Stage::open_logged(&args), twin.size);
    twin.see(&mut stage, "the meadow");
    for step in [("d", Intent::East), ("d", Intent::East), ("s", Intent::South), ("a", Intent::West), ("d", Intent::East)] {
        twin.step(&mut stage, step);
    }

    let chart = twin.session.chart().unwrap();
    assert!(
        chart.width_px > size.0 as usize && chart.rgba.chunks_exact(4).any(|pixel| pixel[3] == 0),
        "some land is out of sight, some unseen"
    );
    let width = stage.size.0 as usize;
    assert!(!shows(&stage.capture(), width, &chart), "before anybody asked");
    stage.xdotool(&["key", "m"]);
    stage.wait_for("the map", |s| shows(&s.capture(), width, &chart).then_some(()));

    stage.xdotool(&["key", "F12"]);
    let name = stage.wait_for("the map in a file", |s| {
        let said = s.said();
        let saved = said.lines().find_map(|line| line.split_once("Saved ").map(|(_, path)| path.to_owned()));
        saved.filter(|path| path.contains("somnium-map-"))
    });
    let saved = image::open(&name).unwrap().into_rgba8();
    assert_eq!(saved.dimensions(), (chart.width_px as u32 * 4, chart.height_px as u32 * 4));
    let same =
        |(x, y, pixel): (u32, u32, &image::Rgba<u8>)| pixel.0 == chart.rgba[(y as usize / 4 * chart.width_px + x as usize / 4) * 4..][..4];
    assert!(saved.enumerate_pixels().all(same));
    let in_it = SavedDream::in_picture(&std::fs::read(&name).unwrap(), &pack).unwrap().expect("the map carries the dream");
    assert_eq!((in_it.about.seed, &in_it.moment.history), (4, &twin.session.moment().unwrap().history));

    // Whoever hammers at its key does not have it drawn each time, and sees in the end what that asked for.
    let drawn = |stage: &Stage| stage.said().matches("a map of").count();
    let before = drawn(&stage);
    stage.xdotool(&["sleep", "0.5", "key", "--delay", "20", "m", "m", "m", "m", "m", "m", "m", "m", "sleep", "1"]);
    stage.wait_for("the map once more", |s| shows(&s.capture(), width, &chart).then_some(()));
    assert!(drawn(&stage) <= before + 2, "{}", stage.said());

    // Whoever walks on is done with it.
    stage.xdotool(&["key", "w"]);
    twin.see(&mut stage, "the newest frame");

    stage.xdotool(&["key", "F9"]);
    let name = stage.wait_for("the walk in a file", |s| {
        let said = s.said();
        said.lines().find_map(|line| line.split_once("Saved ").map(|(_, path)| path.to_owned()).filter(|path| path.ends_with(".gif")))
    });
    let mut walk = twin.session.replay(1000).unwrap();
    // Copies of the first frame fill the window before it, and are no part of the walk.
    let copies = walk.windows(2).take_while(|pair| pair[0].0 == pair[1].0).count();
    walk.drain(..copies);
    assert!(copies > 0 && walk.len() == 1 + 5, "{copies} copies, and a walk of {}", walk.len());
    let film = still::load(std::path::Path::new(&name), 2 * size.0 as usize, 2 * size.1 as usize).unwrap();
    assert!(film.len() > 2 * walk.len(), "the view glides from step to step");
    assert!(film.len() <= 3 * walk.len(), "{} pictures of a walk of {}: it begins with the copies", film.len(), walk.len());
    // A GIF has few colours.
    let far = |shown: &[u8], rgba: &[u8]| {
        let wide = size.0 as usize;
        let pixel = |i: usize| ((i / (2 * wide)) / 2 * wide + i % (2 * wide) / 2) * 4;
        shown.chunks_exact(3).enumerate().map(|(i, p)| (0..3).map(|c| p[c].abs_diff(rgba[pixel(i) + c])).max().unwrap()).max().unwrap()
    };
    let newest_first = || film.iter().rev().step_by(3).zip(walk.iter().rev());
    assert!(newest_first().all(|(picture, (rgba, _))| far(&picture.rgb, rgba) <= 16));
    assert!(newest_first().skip(1).any(|(picture, _)| far(&picture.rgb, &walk[walk.len() - 1].0) > 16), "they are told apart");
}
