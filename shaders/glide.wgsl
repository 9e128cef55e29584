// Whether the view moved between the last two pictures of a world as its action asks for: whether they differ clearly less if it did. Where
// another picture took the place of the one before, neither fits, and nothing glides. One workgroup.

struct Glide {
    left_to_go: vec2f,
    // Pixels from what the picture before shows to what the newest does, right and down.
    motion: vec2i,
    // Left, top, width and height of what never scrolls.
    standing: vec4u,
}

// (height_px, width_px), rgba8unorm
@group(0) @binding(0) var newest: texture_2d<f32>;
@group(0) @binding(1) var before: texture_2d<f32>;
@group(0) @binding(2) var<uniform> glide: Glide;
@group(0) @binding(3) var<storage, read_write> moved: vec4u;

const LANES = 256u;
// A movement must explain this share of what differs if there was none.
const CLEARLY = 0.25;

// Of each lane: how far the pictures lie apart if the view moved, and if it stayed.
var<workgroup> apart: array<vec2f, LANES>;

fn inside(at: vec2i, corner: vec2i, sides: vec2i) -> bool {
    return all(at >= corner) && all(at < corner + sides);
}

fn stands(at: vec2i) -> bool {
    return inside(at, vec2i(glide.standing.xy), vec2i(glide.standing.zw));
}

fn far(a: vec3f, b: vec3f) -> f32 {
    return dot(abs(a - b), vec3f(1.0));
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    let size = vec2i(textureDimensions(newest));
    var sums = vec2f();
    for (var i = i32(lane); i < size.x * size.y; i += i32(LANES)) {
        let at = vec2i(i % size.x, i / size.x);
        let old = at + glide.motion;
        if (inside(old, vec2i(), size) && !stands(at) && !stands(old)) {
            let here = textureLoad(newest, at, 0).rgb;
            sums += vec2f(far(here, textureLoad(before, old, 0).rgb), far(here, textureLoad(before, at, 0).rgb));
        }
    }
    apart[lane] = sums;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            apart[lane] += apart[lane + half];
        }
    }
    if (lane == 0u) {
        moved.x = u32(apart[0].x < (1.0 - CLEARLY) * apart[0].y);
    }
}
