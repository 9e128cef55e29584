//! What a picture from within costs, drawn by the device and by a processor.

use std::sync::Arc;
use std::time::Instant;

use crate::app::open::headless_gpu;
use crate::app::vista::Vista;
use crate::app::{blit, gallery};
use crate::dream::first_person::{Sight, Stroll};
use crate::dream::session::DreamSession;
use crate::dream::{Drive, Intent, Source};
use crate::engine::DecodeSettings;
use crate::engine::cpu::{CpuEngine, CpuOptions};
use crate::pack::Pack;

/// Width and height of what is drawn.
const SIZES: [[u32; 2]; 2] = [[480, 270], [1920, 1080]];
/// Frames that are walked one way before the next.
const HELD_FRAMES: u32 = 16;
/// Steps at most, each way once: a picture by a processor takes a third of a second.
const MOST_FRAMES: u32 = 4 * HELD_FRAMES;
/// Pictures of a step by the device; by a processor one.
const PICTURES: u32 = 3;

/// Milliseconds of each picture of one size: by the device right after a step, by the device on the way, by a processor.
#[derive(Default)]
struct Times([Vec<f64>; 3]);

impl Times {
    fn medians(&mut self) -> [f64; 3] {
        self.0.each_mut().map(|times| {
            times.sort_by(f64::total_cmp);
            times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
        })
    }
}

/// Walks so many frames through a dream, [`MOST_FRAMES`] at most, and prints how long it takes to draw what is seen on the way. Device and processor draw in turns: whatever
/// else the machine does slows both.
///
/// # Errors
/// One sentence.
pub fn run(pack: &Pack, settings: &DecodeSettings, words: &[u16], frames: u32) -> Result<(), String> {
    let gpu = headless_gpu().map_err(|e| e.to_string())?;
    let mut vista = Vista::new(&gpu.device);
    let pictures = SIZES.map(|size| blit::picture(&gpu.device, size));
    let (mut times, mut around_ms) = (SIZES.map(|_| Times::default()), Vec::new());
    walk(pack, settings, words, frames.min(MOST_FRAMES), |stroll, ms| {
        around_ms.push(ms);
        for ((size, picture), Times([new, on_the_way, processor])) in SIZES.into_iter().zip(&pictures).zip(&mut times) {
            for nth in 0..PICTURES {
                let glance = stroll.at(nth as f32 / PICTURES as f32);
                let start = Instant::now();
                vista.draw(&gpu, &glance, picture);
                gpu.queue_wait();
                if nth == 0 { &mut *new } else { &mut *on_the_way }.push(start.elapsed().as_secs_f64() * 1e3);
            }
            let glance = stroll.at(0.5);
            let start = Instant::now();
            std::hint::black_box(glance.picture(size.map(|side| side as usize)));
            processor.push(start.elapsed().as_secs_f64() * 1e3);
        }
    })?;
    around_ms.sort_by(f64::total_cmp);
    let steps = around_ms.len();
    println!("from within  {}; what lies around {:.2} ms a step (medians of {steps} steps)", gpu.summary, around_ms[steps / 2]);
    for ([width, height], mut times) in SIZES.into_iter().zip(times) {
        let [new, on_the_way, processor] = times.medians();
        println!(
            "{:12} {new:.2} ms after a step, {on_the_way:.2} ms on the way, waited for; on one core {processor:.2} ms, {:.1} times that",
            format!("{width}x{height}"),
            processor / on_the_way
        );
    }
    Ok(())
}

/// Gives every step of a walk and the milliseconds that it took to find what lies around.
fn walk(pack: &Pack, settings: &DecodeSettings, words: &[u16], frames: u32, mut see: impl FnMut(&Stroll, f64)) -> Result<(), String> {
    let frame = &pack.manifest.frame;
    let engine = CpuEngine::new(pack, CpuOptions::default()).map_err(|e| e.to_string())?;
    let mut dream = DreamSession::new(Box::new(engine)).map_err(|e| e.to_string())?;
    dream.set_prompt(words, 0).map_err(|e| e.to_string())?;
    match gallery::fitted(frame.width_px, frame.height_px).first() {
        Some((_, still, _)) => dream.start_from(std::slice::from_ref(still)),
        None => dream.start_from_prompt(settings),
    }
    .map_err(|e| e.to_string())?;
    let mut stroll: Option<Stroll> = None;
    for i in 0..frames {
        let looks = (i / HELD_FRAMES % 4) as i32;
        let code = dream.info().code_of(Drive::Intent(Intent::North.turned(looks)));
        dream.step(code, settings).map_err(|e| e.to_string())?;
        while dream.imagine(looks, settings, None).map_err(|e| e.to_string())? {}
        let before = stroll.as_ref().map(|stroll| stroll.at(1.0).around);
        let start = Instant::now();
        let around = Arc::new(dream.surroundings(before.as_deref()).map_err(|e| e.to_string())?);
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let sight = Sight { around, looks, pushed: dream.info().way_of(code), frames: u64::from(i) };
        see(Stroll::go(&mut stroll, sight), ms);
    }
    Ok(())
}
