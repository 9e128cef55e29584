//! Patches to the frame's texture.

use super::{Bench, Numbers, gpu};
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::FrameParams;
use somnium::engine::gpu::ops::{matmul::pad_columns, picture::PatchPicture};

fn picture_off(gpu: &GpuContext, (width, height, patch): (usize, usize, usize), nudge: f32) -> u8 {
    let n = width / patch * (height / patch);
    let values = patch * patch * 3;
    let mut r = Numbers((width * 3 + height) as u32);
    // Beyond both ends too.
    let patches: Vec<f32> = r.floats(n * values, 1.0);
    let mut truth = vec![255u8; width * height * 4];
    for y in 0..height {
        for x in 0..width {
            let from = (y / patch * (width / patch) + x / patch) * values + (y % patch * patch + x % patch) * 3;
            for c in 0..3 {
                truth[(y * width + x) * 4 + c] = ((f64::from(patches[from + c]) + 1.0) * 127.5).clamp(0.0, 255.0).round() as u8;
            }
        }
    }
    let nudged: Vec<f32> = patches.iter().map(|v| v + nudge).collect();
    let mut b = Bench::default();
    let held = b.floats(&pad_columns(&nudged, values, 1));
    let pass = PatchPicture { width_px: width, height_px: height, patch_px: patch }.pass(held);
    let ran = b.run(gpu, pass, 1, FrameParams::default(), &[], [width, height]);
    ran.pixels.iter().zip(&truth).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn picture_matches_its_twin() {
    let gpu = gpu();
    for shape in [(1, 1, 1), (35, 21, 7), (144, 112, 16), (12, 30, 6)] {
        assert!(picture_off(&gpu, shape, 0.0) <= 1, "{shape:?}");
    }
    assert!(picture_off(&gpu, (35, 21, 7), 0.03) > 1, "a brighter picture is noticed");
}
