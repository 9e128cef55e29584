// How far the last two pictures lie apart if the view went where the action leads, and if it stayed, as they are and each without what its
// tokens have in common: sums over pixels of tokens that scroll. A workgroup adds up its own first.

struct Shape {
    width: u32,
    height: u32,
    patch_px: u32,
    // Pixels of a step.
    step_px: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (halves, height, width): RGB in the lower three bytes
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
// (tokens): 1 where a token scrolls
@group(0) @binding(3) var<storage, read> scrolls: array<u32>;
// (halves, patch_px, patch_px): what the tokens of a picture have in common, packed as pixels are
@group(0) @binding(4) var<storage, read> alike: array<u32>;
@group(0) @binding(5) var<storage, read_write> odometer: SharedOdometer;

// Odometer of common/map.wgsl: the last four are if moved, if stayed, and the same alone.
struct SharedOdometer {
    view: vec2<i32>,
    frames: u32,
    pad: u32,
    sums: array<atomic<u32>, 4>,
}

var<workgroup> sums: array<atomic<u32>, 4>;

fn counts(x: u32, y: u32) -> bool {
    return scrolls[(y / shape.patch_px) * (shape.width / shape.patch_px) + x / shape.patch_px] == 1u;
}

// A pixel of a half, and the same without what that pixel of all tokens has in common.
struct Shown {
    rgb: vec3<i32>,
    alone: vec3<i32>,
}

fn channels(rgb: u32) -> vec3<i32> {
    return vec3<i32>((vec3<u32>(rgb) >> vec3<u32>(0u, 8u, 16u)) & vec3<u32>(255u));
}

fn shown(half: u32, x: u32, y: u32) -> Shown {
    let rgb = channels(pixels[(half * shape.height + y) * shape.width + x]);
    let of_token = alike[(half * shape.patch_px + y % shape.patch_px) * shape.patch_px + x % shape.patch_px];
    return Shown(rgb, rgb - channels(of_token));
}

fn apart(a: vec3<i32>, b: vec3<i32>) -> u32 {
    let off = vec3<u32>(abs(a - b));
    return off.x + off.y + off.z;
}

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if (frame.moved != BY_ODOMETER || all(frame.motion == vec2<i32>())) {
        return;
    }
    // Not every driver empties what a workgroup shares, and none does it sooner.
    if (lane < 4u) {
        atomicStore(&sums[lane], 0u);
    }
    workgroupBarrier();
    let half = frame.groups[0].half;
    // Beyond the left or upper edge it wraps around to a huge number, which is off the picture too.
    let old = bitcast<vec2<u32>>(vec2<i32>(id.xy) + frame.motion * i32(shape.step_px));
    if (id.x < shape.width && id.y < shape.height && old.x < shape.width && old.y < shape.height) {
        if (counts(id.x, id.y) && counts(old.x, old.y)) {
            let after = shown(half, id.x, id.y);
            let if_moved = shown(1u - half, old.x, old.y);
            let if_stayed = shown(1u - half, id.x, id.y);
            atomicAdd(&sums[0], apart(after.rgb, if_moved.rgb));
            atomicAdd(&sums[1], apart(after.rgb, if_stayed.rgb));
            atomicAdd(&sums[2], apart(after.alone, if_moved.alone));
            atomicAdd(&sums[3], apart(after.alone, if_stayed.alone));
        }
    }
    workgroupBarrier();
    if (lane < 4u) {
        atomicAdd(&odometer.sums[lane], atomicLoad(&sums[lane]));
    }
}
