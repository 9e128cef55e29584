//! Patches to the frame's texture, and to the words the odometer reads.

use super::{Bench, Numbers, gpu, groups};
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::GroupParams;
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
    let pixels = b.words(&vec![9; 2 * width * height]);
    let pass = PatchPicture { width_px: width, height_px: height, patch_px: patch }.pass(held, pixels);
    let group = GroupParams { half: 1, ..GroupParams::default() };
    let ran = b.run(gpu, pass, 1, groups(group, group), &[pixels], [width, height]);
    let (other, own) = ran.outputs[0][..2 * width * height].split_at(width * height);
    assert!(other.iter().all(|&word| word == 9), "the other half is left alone");
    let shown: Vec<u32> = ran.pixels.chunks_exact(4).map(|p| u32::from_le_bytes([p[0], p[1], p[2], 0])).collect();
    assert_eq!(own, shown, "the odometer reads what is shown");
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
