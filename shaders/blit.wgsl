// Draws the picture of a world over the viewport, each of its pixels a crisp block.
// The picture holds sRGB bytes. A surface that takes bytes as they are gets them as they are (`plain`); one that encodes what it is
// given gets them decoded first (`decoded`), so that both show the same bytes.
//
// While the view is on its way from one picture to the next it shows what lies between: land of both, joined where they overlap, and over it
// the figure, which stays where it is. What of a picture is the figure is what the other picture does not show at that place of the land.

struct Glide {
    // Pixels of the way that are not gone yet.
    left_to_go: vec2f,
    // Pixels from what the picture before shows to what the newest does, right and down.
    motion: vec2i,
    // Left, top, width and height of what never scrolls.
    standing: vec4u,
}

// (height_px, width_px), rgba8unorm, sRGB bytes
@group(0) @binding(0) var newest: texture_2d<f32>;
@group(0) @binding(1) var before: texture_2d<f32>;
@group(0) @binding(2) var<uniform> glide: Glide;
// 1 if the view moved: as it is read, and as it is written.
@group(0) @binding(3) var<uniform> moved: vec4u;
@group(0) @binding(4) var<storage, read_write> decision: vec4u;

// Colours of the figure and of the land behind it lie at least this far apart.
const APART = 0.1;

fn inside(at: vec2i, corner: vec2i, sides: vec2i) -> bool {
    return all(at >= corner) && all(at < corner + sides);
}

fn stands(at: vec2i) -> bool {
    return inside(at, vec2i(glide.standing.xy), vec2i(glide.standing.zw));
}

const LANES = 256u;
// A movement must explain this share of what differs if there was none.
const CLEARLY = 0.25;

// Of each lane: how far the pictures lie apart if the view moved, and if it stayed.
var<workgroup> apart: array<vec2f, LANES>;

fn far(a: vec3f, b: vec3f) -> f32 {
    return dot(abs(a - b), vec3f(1.0));
}

// Whether the view moved between the last two pictures as the action asks for: whether they differ clearly less if it did. Where another picture
// took the place of the one before, neither fits, and nothing glides. One workgroup.
@compute @workgroup_size(LANES)
fn decide(@builtin(local_invocation_index) lane: u32) {
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
        decision.x = u32(apart[0].x < (1.0 - CLEARLY) * apart[0].y);
    }
}

struct Corner {
    @builtin(position) position: vec4f,
    @location(0) uv: vec2f, // 0..1 over the viewport, y down
}

// One triangle that covers the viewport.
@vertex
fn corner(@builtin(vertex_index) index: u32) -> Corner {
    let uv = vec2f(f32((index << 1u) & 2u), f32(index & 2u));
    return Corner(vec4f(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0), uv);
}

fn texel(uv: vec2f) -> vec3f {
    let size = vec2i(textureDimensions(newest));
    let place = uv * vec2f(size);
    let at = clamp(vec2i(place), vec2i(), size - 1);
    let here = textureLoad(newest, at, 0).rgb;
    if (moved.x == 0u || all(glide.left_to_go == vec2f())) {
        return here;
    }
    let at_before = at + glide.motion;
    if (stands(at) && inside(at_before, vec2i(), size)) {
        let off = abs(here - textureLoad(before, at_before, 0).rgb);
        if (max(off.r, max(off.g, off.b)) > APART) {
            return here;
        }
    }
    let land = vec2i(floor(place - glide.left_to_go));
    if (inside(land, vec2i(), size) && !stands(land)) {
        return textureLoad(newest, land, 0).rgb;
    }
    return textureLoad(before, clamp(land + glide.motion, vec2i(), size - 1), 0).rgb;
}

@fragment
fn plain(c: Corner) -> @location(0) vec4f {
    return vec4f(texel(c.uv), 1.0);
}

@fragment
fn decoded(c: Corner) -> @location(0) vec4f {
    let s = texel(c.uv);
    let low = s / 12.92;
    let high = pow((s + 0.055) / 1.055, vec3f(2.4));
    return vec4f(select(high, low, s <= vec3f(0.04045)), 1.0);
}
