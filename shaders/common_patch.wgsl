// What the tokens of a picture have in common: of every pixel of a token the mean of those that scroll, rounded down. For both halves, so
// that the odometer need not know which picture came from where. Some lanes share out the tokens of a pixel: one alone would wait for each
// of them in turn.

struct Shape {
    width: u32,
    height: u32,
    patch_px: u32,
    tokens: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (halves, height, width): RGB in the lower three bytes
@group(0) @binding(2) var<storage, read> pixels: array<u32>;
// (tokens): 1 where a token scrolls
@group(0) @binding(3) var<storage, read> scrolls: array<u32>;
// (halves, patch_px, patch_px), which is written
@group(0) @binding(4) var<storage, read_write> alike: array<u32>;

// Pixels of a workgroup, and lanes of each.
const PIXELS: u32 = 16u;
const PARTS: u32 = 16u;
const LANES: u32 = PIXELS * PARTS;

// Of each lane (parts, pixels): RGB summed over its tokens that scroll, and how many those are.
var<workgroup> sums: array<vec4<u32>, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    if (frame.moved != BY_ODOMETER || all(frame.motion == vec2<i32>())) {
        return;
    }
    let of_patch = shape.patch_px * shape.patch_px;
    let pixel = workgroup.x * PIXELS + lane % PIXELS;
    let is_there = pixel < 2u * of_patch;
    var sum = vec4<u32>();
    if (is_there) {
        let half = pixel / of_patch;
        let at = vec2<u32>(pixel % shape.patch_px, pixel % of_patch / shape.patch_px);
        let grid_w = shape.width / shape.patch_px;
        for (var n = lane / PIXELS; n < shape.tokens; n += PARTS) {
            let corner = vec2<u32>(n % grid_w, n / grid_w) * shape.patch_px;
            let shown = pixels[(half * shape.height + corner.y + at.y) * shape.width + corner.x + at.x];
            let rgb = (vec3<u32>(shown) >> vec3<u32>(0u, 8u, 16u)) & vec3<u32>(255u);
            // No branch, so that no pixel waits for what is known of the token.
            sum += select(vec4<u32>(), vec4<u32>(rgb, 1u), scrolls[n] == 1u);
        }
    }
    sums[lane] = sum;
    workgroupBarrier();
    if (lane < PIXELS && is_there) {
        for (var part = 1u; part < PARTS; part++) {
            sum += sums[part * PIXELS + lane];
        }
        let mean = sum.xyz / max(sum.w, 1u);
        alike[pixel] = mean.x | (mean.y << 8u) | (mean.z << 16u);
    }
}
