//! Draws contact sheets of a world and measures its speed:
//! `cargo run --release --no-default-features --example world_sheet -- OUT.png [FIRST_SEED|walk|styles|seasons|features|wishes]`
//!
//! By default each picture is another seed, so lands, lights and weathers vary. `walk` shows consecutive frames of one walk; `styles` every
//! style under every light, `seasons` every land in every season, `features` every feature in two lands by day and at night; `wishes` every
//! fourth frame of clips whose wishes change, and says what was wished.

use std::time::Instant;

use image::RgbImage;
use somnium::clips::{ClipPlan, record, record_clip};
use somnium::worlds::policy::Explorer;
use somnium::worlds::scene::{Biome, Feature, Light, Season, Style, Weather, Wish};
use somnium::worlds::words::description;
use somnium::worlds::{World, by_name};

const ZOOM: u32 = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("usage: world_sheet OUT.png [FIRST_SEED|walk|styles|seasons|features|wishes]")?;
    let mode = args.next().unwrap_or_else(|| "0".to_owned());
    let mut world = by_name("isles").ok_or("no world of that name")?;
    let world = world.as_mut();
    let (w, h) = (world.info().width_px as u32, world.info().height_px as u32);
    let day = Wish { light: Some(Light::Day), weather: Some(Weather::Clear), ..Wish::default() };
    let mut columns = 5;
    let mut frames: Vec<Vec<u8>> = Vec::new();
    match mode.as_str() {
        "walk" => {
            let clip = record_clip(world, &mut Explorer::new(3), 3, 25, true);
            frames.extend((0..clip.len()).map(|t| clip.frame(t).to_vec()));
        }
        "styles" => {
            columns = 8;
            for (i, &style) in (0u64..).zip(Style::ALL) {
                for (j, &light) in (0u64..).zip(Light::ALL) {
                    let lands = [Biome::Meadow, Biome::Forest, Biome::Desert, Biome::Beach, Biome::Snow, Biome::Swamp, Biome::Volcano];
                    let features = if j % 2 == 0 { vec![Feature::Village] } else { vec![Feature::Lake, Feature::Ruins] };
                    let wish = Wish { biome: Some(Biome::Meadow), light: Some(light), style: Some(style), features, ..day.clone() };
                    frames.push(seen(world, 3 + j, &wish));
                    frames.push(seen(world, 7 + j, &Wish { biome: Some(lands[(1 + i + j) as usize % 7]), features: Vec::new(), ..wish }));
                }
            }
        }
        "seasons" => {
            columns = 4;
            for (i, &biome) in (0u64..).zip(Biome::ALL) {
                for &season in Season::ALL {
                    let features = if i % 2 == 0 { vec![Feature::Village] } else { Vec::new() };
                    frames.push(seen(world, 20 + i, &Wish { biome: Some(biome), season: Some(season), features, ..day.clone() }));
                }
            }
        }
        "features" => {
            columns = 4;
            for (i, &feature) in (0u64..).zip(Feature::ALL) {
                for (j, biome) in (0u64..).zip([Biome::ALL[i as usize % 7], Biome::ALL[(i as usize + 3) % 7]]) {
                    for light in [Light::Day, Light::Night] {
                        let wish = Wish { biome: Some(biome), light: Some(light), features: vec![feature], ..day.clone() };
                        frames.push(seen(world, 40 + 2 * i + j, &wish));
                    }
                }
            }
        }
        "wishes" => {
            columns = 8;
            for seed in 0..3 {
                let clip =
                    record(world, &mut Explorer::new(seed), ClipPlan { seed, frames: 128, wishes: Some((20, 60)), ..ClipPlan::default() });
                for t in (0..clip.len()).step_by(4) {
                    println!("seed {seed}, frame {t}: {}", clip.prompts[t]);
                    frames.push(clip.frame(t).to_vec());
                }
            }
        }
        first => {
            let first: u64 = first.parse()?;
            for seed in first..first + 30 {
                let clip = record_clip(world, &mut Explorer::new(seed), seed, 12, true);
                println!("seed {seed}: {}", description(&world.scene(), seed));
                frames.push(clip.frame(11).to_vec());
            }
        }
    }
    sheet(&frames, w, h, columns).save(&out)?;
    println!("wrote {out}");

    for wishes in [false, true] {
        measure(world, wishes);
    }
    Ok(())
}

/// The first frame under a wish.
fn seen(world: &mut dyn World, seed: u64, wish: &Wish) -> Vec<u8> {
    let mut rgb = vec![0; world.info().width_px * world.info().height_px * 3];
    world.reset_under(seed, wish);
    world.render(&mut rgb);
    rgb
}

fn sheet(frames: &[Vec<u8>], w: u32, h: u32, columns: u32) -> RgbImage {
    let (cell_w, cell_h) = (w * ZOOM + 4, h * ZOOM + 4);
    let rows = (frames.len() as u32).div_ceil(columns);
    let mut sheet = RgbImage::new(cell_w * columns, cell_h * rows);
    for (i, frame) in (0u32..).zip(frames) {
        let (x0, y0) = (i % columns * cell_w, i / columns * cell_h);
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
fn measure(world: &mut dyn World, wishes: bool) {
    const SEEDS: u64 = 40;
    const FRAMES: usize = 500;
    let start = Instant::now();
    let (mut moved, mut blocked, mut by_action) = (0, 0, vec![0; world.info().actions.len()]);
    for seed in 0..SEEDS {
        let plan = ClipPlan { seed: 1000 + seed, frames: FRAMES, wishes: wishes.then_some((20, 60)), ..ClipPlan::default() };
        let clip = record(world, &mut Explorer::new(seed), plan);
        moved += clip.outcomes.iter().filter(|o| o.moved).count();
        blocked += clip.outcomes.iter().filter(|o| o.blocked).count();
        for &action in clip.actions.iter().flatten() {
            by_action[usize::from(action)] += 1;
        }
    }
    let steps = SEEDS as usize * FRAMES;
    let share = |n: usize| 100.0 * n as f64 / steps as f64;
    println!("{} wishes:", if wishes { "with" } else { "without" });
    println!("{:.0} frames/s recorded (with resets, prompts)", steps as f64 / start.elapsed().as_secs_f64());
    println!("moved {:.1} %, blocked {:.1} %", share(moved), share(blocked));
    for (name, n) in world.info().actions.iter().zip(by_action) {
        println!("{name}: {:.1} %", share(n));
    }
}
