//! Draws contact sheets of a world and measures its speed:
//! `cargo run --release --no-default-features --example world_sheet -- OUT.png [FIRST_SEED|walk]`
//!
//! By default each picture is another seed, so lands, lights and weathers vary; `walk` shows consecutive frames of one walk.

use std::time::Instant;

use image::RgbImage;
use somnium::clips::record_clip;
use somnium::worlds::policy::Explorer;
use somnium::worlds::{World, by_name};

const ZOOM: u32 = 3;
const COLUMNS: u32 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("usage: world_sheet OUT.png [FIRST_SEED|walk]")?;
    let mode = args.next().unwrap_or_else(|| "0".to_owned());
    let mut world = by_name("isles").ok_or("no world of that name")?;
    let (w, h) = (world.info().width_px as u32, world.info().height_px as u32);
    let mut frames: Vec<Vec<u8>> = Vec::new();
    if mode == "walk" {
        let clip = record_clip(world.as_mut(), &mut Explorer::new(3), 3, 25, true);
        frames.extend((0..clip.len()).map(|t| clip.frame(t).to_vec()));
    } else {
        let first: u64 = mode.parse()?;
        for seed in first..first + 30 {
            let clip = record_clip(world.as_mut(), &mut Explorer::new(seed), seed, 12, true);
            println!("seed {seed}: {}", clip.captions[11].join(" "));
            frames.push(clip.frame(11).to_vec());
        }
    }
    sheet(&frames, w, h).save(&out)?;
    println!("wrote {out}");

    measure(world.as_mut());
    Ok(())
}

fn sheet(frames: &[Vec<u8>], w: u32, h: u32) -> RgbImage {
    let (cell_w, cell_h) = (w * ZOOM + 4, h * ZOOM + 4);
    let rows = (frames.len() as u32).div_ceil(COLUMNS);
    let mut sheet = RgbImage::new(cell_w * COLUMNS, cell_h * rows);
    for (i, frame) in (0u32..).zip(frames) {
        let (x0, y0) = (i % COLUMNS * cell_w, i / COLUMNS * cell_h);
        for y in 0..h * ZOOM {
            for x in 0..w * ZOOM {
                let at = ((y / ZOOM * w + x / ZOOM) * 3) as usize;
                sheet.put_pixel(x0 + x, y0 + y, image::Rgb([frame[at], frame[at + 1], frame[at + 2]]));
            }
        }
    }
    sheet
}

/// Prints frames a second on this core, and what the explorer's steps did.
fn measure(world: &mut dyn World) {
    const SEEDS: u64 = 40;
    const FRAMES: usize = 500;
    let start = Instant::now();
    let (mut moved, mut blocked, mut by_action) = (0, 0, vec![0; world.info().actions.len()]);
    for seed in 0..SEEDS {
        let clip = record_clip(world, &mut Explorer::new(seed), 1000 + seed, FRAMES, false);
        moved += clip.outcomes.iter().filter(|o| o.moved).count();
        blocked += clip.outcomes.iter().filter(|o| o.blocked).count();
        for &action in clip.actions.iter().flatten() {
            by_action[usize::from(action)] += 1;
        }
    }
    let steps = SEEDS as usize * FRAMES;
    let share = |n: usize| 100.0 * n as f64 / steps as f64;
    println!("{:.0} frames/s recorded (with resets, captions)", steps as f64 / start.elapsed().as_secs_f64());
    println!("moved {:.1} %, blocked {:.1} %", share(moved), share(blocked));
    for (name, n) in world.info().actions.iter().zip(by_action) {
        println!("{name}: {:.1} %", share(n));
    }
}
