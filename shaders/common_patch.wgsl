// What the tokens of a picture have in common: of every pixel of a token the mean of those that scroll, rounded down. For both halves, so
// that the odometer need not know which picture came from where.

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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let of_patch = shape.patch_px * shape.patch_px;
    if (id.x >= 2u * of_patch || frame.moved != BY_ODOMETER || all(frame.motion == vec2<i32>())) {
        return;
    }
    let half = id.x / of_patch;
    let at = vec2<u32>(id.x % shape.patch_px, id.x % of_patch / shape.patch_px);
    let grid_w = shape.width / shape.patch_px;
    var sum = vec3<u32>();
    var count = 0u;
    for (var n = 0u; n < shape.tokens; n++) {
        if (scrolls[n] == 1u) {
            let corner = vec2<u32>(n % grid_w, n / grid_w) * shape.patch_px;
            let shown = pixels[(half * shape.height + corner.y + at.y) * shape.width + corner.x + at.x];
            sum += (vec3<u32>(shown) >> vec3<u32>(0u, 8u, 16u)) & vec3<u32>(255u);
            count++;
        }
    }
    let mean = sum / max(count, 1u);
    alike[id.x] = mean.x | (mean.y << 8u) | (mean.z << 16u);
}
