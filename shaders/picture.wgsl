// Patches to the frame's texture: sRGB bytes as they are, the window samples them without conversion. The odometer gets the same bytes.

struct Shape {
    width: u32,
    height: u32,
    patch_px: u32,
    // Width of a row of `patches` with padding.
    row: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (rows, row): values of a patch in the order (row, column, RGB), -1..1
@group(0) @binding(2) var<storage, read> patches: array<f32>;
// (halves, height, width): RGB in the lower three bytes
@group(0) @binding(3) var<storage, read_write> pixels: array<u32>;
@group(0) @binding(4) var picture: texture_storage_2d<rgba8unorm, write>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= shape.width || id.y >= shape.height) {
        return;
    }
    let n = (id.y / shape.patch_px) * (shape.width / shape.patch_px) + id.x / shape.patch_px;
    let at = n * shape.row + ((id.y % shape.patch_px) * shape.patch_px + id.x % shape.patch_px) * 3u;
    let value = vec3<f32>(patches[at], patches[at + 1u], patches[at + 2u]);
    let bytes = floor(clamp((value + 1.0) * 127.5, vec3<f32>(0.0), vec3<f32>(255.0)) + 0.5);
    let words = vec3<u32>(bytes) << vec3<u32>(0u, 8u, 16u);
    pixels[(frame.groups[0].half * shape.height + id.y) * shape.width + id.x] = words.x | words.y | words.z;
    if (frame.aside == 1u) {
        return;
    }
    textureStore(picture, id.xy, vec4<f32>(bytes / 255.0, 1.0));
}
