// How far the last two pictures lie apart, each without what its tokens have in common, if the view went where the action leads, and if it
// stayed: sums over pixels of tokens that scroll. A workgroup adds up its own first.

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
// (if moved, if stayed), see Odometer in common/map.wgsl
@group(0) @binding(5) var<storage, read_write> odometer: SharedOdometer;

struct SharedOdometer {
    view: vec2<i32>,
    frames: u32,
    if_moved: atomic<u32>,
    if_stayed: atomic<u32>,
}

var<workgroup> if_moved: atomic<u32>;
var<workgroup> if_stayed: atomic<u32>;

fn counts(x: u32, y: u32) -> bool {
    return scrolls[(y / shape.patch_px) * (shape.width / shape.patch_px) + x / shape.patch_px] == 1u;
}

fn channels(rgb: u32) -> vec3<i32> {
    return vec3<i32>((vec3<u32>(rgb) >> vec3<u32>(0u, 8u, 16u)) & vec3<u32>(255u));
}

// A pixel of a half without what the same pixel of all tokens has in common.
fn alone(half: u32, x: u32, y: u32) -> vec3<i32> {
    let shown = pixels[(half * shape.height + y) * shape.width + x];
    let of_token = alike[(half * shape.patch_px + y % shape.patch_px) * shape.patch_px + x % shape.patch_px];
    return channels(shown) - channels(of_token);
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
    let half = frame.groups[0].half;
    // Beyond the left or upper edge it wraps around to a huge number, which is off the picture too.
    let old = bitcast<vec2<u32>>(vec2<i32>(id.xy) + frame.motion * i32(shape.step_px));
    if (id.x < shape.width && id.y < shape.height && old.x < shape.width && old.y < shape.height) {
        if (counts(id.x, id.y) && counts(old.x, old.y)) {
            let after = alone(half, id.x, id.y);
            atomicAdd(&if_moved, apart(after, alone(1u - half, old.x, old.y)));
            atomicAdd(&if_stayed, apart(after, alone(1u - half, id.x, id.y)));
        }
    }
    workgroupBarrier();
    if (lane == 0u) {
        atomicAdd(&odometer.if_moved, atomicLoad(&if_moved));
        atomicAdd(&odometer.if_stayed, atomicLoad(&if_stayed));
    }
}
