//! The map of what was seen: what tokens recall of it, whether the view moved, and how frames enter it.

use super::{Bench, Numbers, SIZE, f64s, gpu, groups, off_by_kind, unpad};
use somnium::engine::UNKNOWN;
use somnium::engine::gpu::GpuContext;
use somnium::engine::gpu::frame::{BY_ODOMETER, FrameParams, GroupParams};
use somnium::engine::gpu::ops::{
    common_patch::{self, CommonPatch},
    embed::Lookup,
    matmul::pad_columns,
    odometer::{self, Odometer},
    padded,
    recall::{self, Recall},
    remember::{self, Remember},
};
use somnium::engine::odometer as twin;
use somnium::engine::recall::{AGES, Map, TAPS};
use somnium::engine::reference::{dynamics, matmul, weights::Weights};
use somnium::pack::manifest::{FrameDims, Manifest, RecallDims};
use somnium::pack::random::{random_pack, tiny_manifest};

/// `(grid_w, grid_h)` and whether there is a look, `(patch_px, step_px)`, `(dims, levels, channels)`.
type Shape = ((usize, usize, bool), (usize, usize), (usize, usize, usize));

const SHAPES: [Shape; 7] = [
    ((1, 1, false), (1, 1), (1, 2, 1)),
    ((5, 3, false), (7, 7), (3, 7, 24)),
    ((9, 7, false), (16, 8), (8, 5, 160)),
    ((1, 13, false), (6, 2), (5, 3, 9)),
    ((33, 2, false), (7, 1), (9, 64, 6)),
    ((5, 3, true), (7, 7), (3, 7, 24)),
    ((1, 13, true), (6, 2), (5, 3, 9)),
];
const WITH_LOOK: Shape = SHAPES[5];
/// More tokens than lanes share out in one go, and as many pixels of them as fill no workgroup.
const MANY: [Shape; 2] = [((19, 14, true), (5, 5), (1, 2, 1)), ((17, 1, false), (3, 1), (1, 2, 1))];

fn manifest(((grid_w, grid_h, look), (patch_px, step_px), (code_dims, code_levels, channels)): Shape) -> Manifest {
    let mut m = tiny_manifest();
    let (width_px, height_px) = (grid_w * patch_px, grid_h * patch_px);
    m.frame = FrameDims { width_px, height_px, patch_px, code_dims, code_levels, look, ..m.frame };
    let covered = if grid_w * grid_h > 1 { vec![grid_w * grid_h / 2] } else { Vec::new() };
    let d = m.dynamics.as_mut().unwrap();
    (d.channels, d.recall) = (channels, Some(RecallDims { step_px, covered }));
    m
}

fn recall_dims(m: &Manifest) -> &RecallDims {
    m.dynamics.as_ref().unwrap().recall.as_ref().unwrap()
}

/// Codes of a frame, some tokens unknown.
fn frame(r: &mut Numbers, f: &FrameDims) -> Vec<u8> {
    let mut codes: Vec<u8> = (0..f.code_bytes()).map(|_| r.below(f.code_levels) as u8).collect();
    codes.chunks_exact_mut(f.code_dims).filter(|_| r.below(7) == 3).for_each(|token| token.fill(UNKNOWN));
    codes
}

/// The map after a walk that goes two steps aside and one up in every second frame, with a blocked one now and then.
fn walked(r: &mut Numbers, m: &Manifest, frames: usize) -> Map {
    let mut map = Map::new(&m.frame, recall_dims(m));
    for t in 0..frames {
        map.remember(&frame(r, &m.frame), if t % 2 == 0 { [-2, 1] } else { [0, 0] }, r.below(5) != 2);
    }
    map
}

/// What the kernel is told wrong.
#[derive(PartialEq)]
enum Corrupt {
    View,
    Frames,
}

/// Worst of `prev` of patches and of the look in tolerances, and in how many tokens what may be copied differs; which classes of age were met
/// is marked.
fn recall_off(gpu: &GpuContext, shape: Shape, motion: [i32; 2], corrupt: Option<Corrupt>, met: &mut [bool; AGES]) -> ([f64; 2], usize) {
    let pack = random_pack(manifest(shape), 3).unwrap();
    let (m, d) = (&pack.manifest, pack.manifest.dynamics.as_ref().unwrap());
    let (n, c) = (m.frame.tokens(), d.channels);
    let mut r = Numbers((n * 11 + c) as u32);
    let map = walked(&mut r, m, 300);
    for (token, tap) in (0..n).flat_map(|token| (0..TAPS).map(move |tap| (token, tap))) {
        met[map.recall(token, tap, motion).map_or(0, |(_, age)| age)] = true;
    }
    let held = r.floats(2 * n * c, 1.0);
    let mut truth = f64s(&held[n * c..]);
    matmul::add(&mut truth, &dynamics::recall(&Weights::from_pack(&pack), &map, motion, &m.frame, d));

    let tensor = |name| pack.f32s(name).unwrap();
    let mut b = Bench::default();
    let view = if corrupt == Some(Corrupt::View) { [map.view()[0], map.view()[1] + 1] } else { map.view() };
    let frames = map.frames() + if corrupt == Some(Corrupt::Frames) { 100 } else { 0 };
    let table = recall::table(&tensor("dyn.embed"), &tensor("dyn.recall.age"), &tensor("dyn.recall.w"), c);
    let buffers = recall::Buffers {
        map: b.words(&remember::words(&map, &m.frame)),
        odometer: b.words(&odometer::words(view, frames)),
        table: b.floats(&table),
        prev: b.floats(&super::pad_groups(&held, 2, n, c, 1)),
        tokens: b.words(&vec![7; 3 * m.frame.code_bytes()]),
    };
    let pass = Recall { lookup: Lookup::of(&m.frame, c, padded(n)), steps: m.frame.patch_px / recall_dims(m).step_px };
    let group = GroupParams { half: 1, ..GroupParams::default() };
    let params = FrameParams { motion, ..groups(group, group) };
    let ran = b.run(gpu, pass.pass(buffers), 1, params, &[buffers.prev, buffers.tokens], SIZE);
    let (other, own) = ran.floats(0).split_at(padded(n) * padded(c));
    assert_eq!(other[..n * padded(c)], pad_columns(&held[..n * c], c, 1), "the other half is left alone");
    let (halves, offered) = ran.outputs[1][..3 * m.frame.code_bytes()].split_at(2 * m.frame.code_bytes());
    assert!(halves.iter().all(|&level| level == 7), "tokens are left alone");
    let unknown = vec![UNKNOWN; m.frame.code_dims];
    let differ = |(token, ours): (usize, &[u32])| {
        let truth = map.offer(token, motion).unwrap_or(&unknown);
        ours.iter().zip(truth).any(|(&a, &b)| a != u32::from(b))
    };
    let other_offers = offered.chunks_exact(m.frame.code_dims).enumerate().filter(|&token| differ(token)).count();
    (off_by_kind(&unpad(own, c, 1, n), &truth, m.frame.patches(), (n, c), 5e-5), other_offers)
}

#[test]
fn recall_matches_its_twin() {
    let gpu = gpu();
    let mut met = [false; AGES];
    // Back where the walk was a while ago, where it never was, and a side of the map away.
    let motions = [[0, 0], [2, -1], [8, -4], [30, -15], [120, -60], [0, 70], [-256, 3], [256, -60]];
    for shape in SHAPES {
        for motion in motions {
            let (worst, other_offers) = recall_off(&gpu, shape, motion, None, &mut met);
            assert!(worst[0] <= 1.0 && worst[1] <= 1.0, "{shape:?} {motion:?}: {worst:?} tolerances");
            assert_eq!(other_offers, 0, "{shape:?} {motion:?}");
        }
    }
    assert_eq!(met, [true; AGES], "every class of age is met");
    for shape in [SHAPES[1], WITH_LOOK] {
        let (worst, other_offers) = recall_off(&gpu, shape, [2, -1], Some(Corrupt::View), &mut met);
        assert!(worst[0] > 1.0 && other_offers > 0, "a wrong view is noticed");
        assert!(worst[1] <= 1.0, "but not by the look, which recalls nothing");
        let (worst, other_offers) = recall_off(&gpu, shape, [2, -1], Some(Corrupt::Frames), &mut met);
        assert!(worst[0] > 1.0 && worst[1] <= 1.0 && other_offers == 0, "a wrong age is noticed, and does not matter to a copy");
    }
}

/// Two pictures, the frame's own half first, and the same as the device has them.
fn pictures(f: &FrameDims) -> ([Vec<u8>; 2], Vec<u32>) {
    let mut r = Numbers((f.width_px * 7 + f.height_px) as u32);
    let halves = [(); 2].map(|()| (0..f.rgb_bytes()).map(|_| r.below(256) as u8).collect::<Vec<u8>>());
    let packed = halves.concat().chunks_exact(3).map(word).collect();
    (halves, packed)
}

fn word(rgb: &[u8]) -> u32 {
    u32::from(rgb[0]) | u32::from(rgb[1]) << 8 | u32::from(rgb[2]) << 16
}

fn scrolling(m: &Manifest) -> Vec<u32> {
    (0..m.frame.tokens()).map(|n| u32::from(recall_dims(m).scrolls(n, &m.frame))).collect()
}

/// What the tokens of both pictures have in common, by the twin.
fn in_common(halves: &[Vec<u8>; 2], m: &Manifest) -> Vec<u32> {
    let common = |picture: &Vec<u8>| {
        let mut sums = vec![0; m.frame.patch_values()];
        twin::average::<3>(picture, &m.frame, &recall_dims(m).covered, &mut sums);
        sums.chunks_exact(3).map(|rgb| rgb[0] | rgb[1] << 8 | rgb[2] << 16).collect::<Vec<u32>>()
    };
    halves.iter().flat_map(common).collect()
}

/// What the kernel finds in common, and its twin; `nudged`: a pixel is much brighter for the kernel.
fn common(gpu: &GpuContext, shape: Shape, moved: u32, nudged: bool) -> (Vec<u32>, Vec<u32>) {
    let m = manifest(shape);
    let f = m.frame;
    let (halves, mut pixels) = pictures(&f);
    if nudged {
        pixels[0] ^= 128;
    }
    let kernel = CommonPatch { width_px: f.width_px, height_px: f.height_px, patch_px: f.patch_px };
    let mut b = Bench::default();
    let buffers =
        common_patch::Buffers { pixels: b.words(&pixels), scrolls: b.words(&scrolling(&m)), common: b.words(&vec![7; kernel.words()]) };
    let ran = b.run(gpu, kernel.pass(buffers), 1, FrameParams { motion: [1, 0], moved, ..FrameParams::default() }, &[buffers.common], SIZE);
    (ran.outputs[0][..kernel.words()].to_vec(), in_common(&halves, &m))
}

#[test]
fn what_tokens_have_in_common_is_what_the_twin_finds() {
    let gpu = gpu();
    for shape in SHAPES.into_iter().chain(MANY) {
        let (ours, truth) = common(&gpu, shape, BY_ODOMETER, false);
        assert_eq!(ours, truth, "{shape:?}");
    }
    let (ours, truth) = common(&gpu, SHAPES[2], BY_ODOMETER, true);
    assert_ne!(ours, truth, "a brighter pixel is noticed");
    assert!(common(&gpu, SHAPES[2], 1, false).0.iter().all(|word| *word == 7), "nothing is done where it is known whether the view moved");
}

/// Sums of the kernel, and of its twin; `nudged`: a pixel is another for the kernel.
fn sums(gpu: &GpuContext, shape: Shape, motion: [i32; 2], moved: u32, nudged: bool) -> ([[u32; 2]; 2], [[u32; 2]; 2]) {
    let m = manifest(shape);
    let (f, dims) = (m.frame, recall_dims(&m));
    let (halves, mut pixels) = pictures(&f);
    // The frame lies in half 0.
    let truth = twin::Odometer::<3>::new(&f, dims).differences(&halves[1], &halves[0], motion);
    if nudged {
        pixels[0] ^= 1;
    }
    let mut b = Bench::default();
    let buffers = odometer::Buffers {
        pixels: b.words(&pixels),
        scrolls: b.words(&scrolling(&m)),
        common: b.words(&in_common(&halves, &m)),
        odometer: b.words(&odometer::words([-4, 5], 6)),
    };
    let pass = Odometer { width_px: f.width_px, height_px: f.height_px, patch_px: f.patch_px, step_px: dims.step_px }.pass(buffers);
    let ran = b.run(gpu, pass, 1, FrameParams { motion, moved, ..FrameParams::default() }, &[buffers.odometer], SIZE);
    assert_eq!(ran.outputs[0][..3], odometer::words([-4, 5], 6)[..3], "view and count are left alone");
    let sums = &ran.outputs[0][4..];
    ([[sums[0], sums[1]], [sums[2], sums[3]]], truth)
}

#[test]
fn odometer_sums_are_those_of_its_twin() {
    let gpu = gpu();
    for shape in SHAPES {
        for motion in [[0, 0], [1, 0], [0, -1], [-1, 1], [2, 3], [-4, 0], [0, 60], [-128, -128]] {
            let (ours, truth) = sums(&gpu, shape, motion, BY_ODOMETER, false);
            assert_eq!(ours, truth, "{shape:?} {motion:?}");
        }
    }
    let (ours, truth) = sums(&gpu, SHAPES[2], [1, 0], BY_ODOMETER, true);
    assert!(truth[0][0] > 0 && ours[0] != truth[0] && ours[1] != truth[1], "a pixel that is one off is noticed");
    assert_eq!(sums(&gpu, SHAPES[2], [1, 0], 1, false).0, [[0; 2]; 2], "where it is known whether the view moved, nothing is summed");
}

/// How many words of the map differ from the twin's after one more frame that moved or not, by `moved` and `sums`; and the flag.
fn remember_off(gpu: &GpuContext, shape: Shape, motion: [i32; 2], (moved, sums): (u32, [u32; 4]), truly: bool) -> (usize, u32) {
    let m = manifest(shape);
    let (f, n) = (m.frame, m.frame.tokens());
    let mut r = Numbers((n * 3 + f.code_dims) as u32);
    let mut map = walked(&mut r, &m, 20);
    let (before, next) = (frame(&mut r, &f), frame(&mut r, &f));
    map.remember(&before, [1, 1], true);
    let mut odometer = odometer::words(map.view(), map.frames());
    odometer[4..].copy_from_slice(&sums);
    let packed = vec![7; remember::flag_at(f.code_bytes()) + 1];
    let scrolls = scrolling(&m);
    let tokens: Vec<u32> = [before, next.clone()].concat().into_iter().map(u32::from).collect();
    let mut b = Bench::default();
    let buffers = remember::Buffers {
        tokens: b.words(&tokens),
        scrolls: b.words(&scrolls),
        map: b.words(&remember::words(&map, &f)),
        odometer: b.words(&odometer),
        codes: b.words(&packed),
    };
    let steps = f.patch_px / recall_dims(&m).step_px;
    let pass = Remember { tokens: n, grid_w: f.grid_w(), dims: f.code_dims, steps }.pass(buffers);
    let group = GroupParams { half: 1, ..GroupParams::default() };
    let params = FrameParams { motion, moved, ..groups(group, group) };
    if moved == BY_ODOMETER {
        assert_eq!(twin::tells_moved([[sums[0], sums[1]], [sums[2], sums[3]]]), truly, "the twin finds the same");
    }
    let ran = b.run(gpu, pass, 1, params, &[buffers.map, buffers.odometer, buffers.codes], SIZE);

    map.remember(&next, motion, truly);
    let truth = remember::words(&map, &f);
    let (flag, codes) = ran.outputs[2][..packed.len()].split_last().unwrap();
    assert!(codes.iter().all(|&word| word == 7), "codes are left alone");
    let apart = |ours: &[u32], truth: &[u32]| ours.iter().zip(truth).filter(|(a, b)| a != b).count();
    (apart(&ran.outputs[0], &truth) + apart(&ran.outputs[1], &odometer::words(map.view(), map.frames())), *flag)
}

#[test]
fn remember_enters_frames_as_its_twin_does() {
    let gpu = gpu();
    for shape in SHAPES {
        for motion in [[0, 0], [1, 0], [0, -1], [-3, 100]] {
            for (told, truly) in [
                ((0, [0; 4]), false),
                ((1, [0; 4]), true),
                ((0, [3, 5, 3, 5]), false),
                ((BY_ODOMETER, [3, 5, 0, 0]), true),
                ((BY_ODOMETER, [5, 3, 0, 0]), false),
                ((BY_ODOMETER, [4, 4, 4, 4]), false),
                ((BY_ODOMETER, [2_600_000, 2_550_000, 300_000, 900_000]), true),
                ((BY_ODOMETER, [2_600_000, 2_550_000, 900_000, 300_000]), false),
                ((BY_ODOMETER, [u32::MAX, u32::MAX - 1, u32::MAX / 2, u32::MAX]), true),
            ] {
                let off = remember_off(&gpu, shape, motion, told, truly);
                assert_eq!(off, (0, u32::from(truly)), "{shape:?} {motion:?} {told:?}");
            }
        }
    }
    let (apart, flag) = remember_off(&gpu, SHAPES[2], [1, 0], (1, [0; 4]), false);
    assert!(apart > 100 && flag == 1, "a view that moved though it should not is noticed: {apart} words");
}
