// Draws the picture of a world over the viewport, each of its pixels a crisp block.
// The picture holds sRGB bytes. A surface that takes bytes as they are gets them as they are (`plain`); one that encodes what it is
// given gets them decoded first (`decoded`), so that both show the same bytes.
//
// While the view is on its way from one picture to the next it shows what lies between: land of both, joined where they overlap, and over it
// the figure, which stays where it is. What of a picture is the figure is what the other picture does not show at that place of the land.
// A picture that looks otherwise than the one before comes out of that one little by little, wherever both show the same place.

struct Glide {
    // Pixels of the way that are not gone yet.
    left_to_go: vec2f,
    // Pixels from what the picture before shows to what the newest does, right and down.
    motion: vec2i,
    // Left, top, width and height of what never scrolls.
    standing: vec4u,
    // Sides of a patch, of which the view goes by whole ones.
    patch_px: u32,
    // What is still seen of the picture before in the newest one, 0 to 1.
    fade: f32,
    pad0: u32,
    pad1: u32,
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
// What a byte is off by at least.
const LEAST = 1.0 / 255.0;

// Of each lane: how far the pictures lie apart if the view moved, and if it stayed, as they are and then without what all patches have in common.
var<workgroup> apart: array<vec4f, LANES>;
// What all patches of the newest picture, and of the one before, have in common, a lane a pixel of a patch; nothing of patches with more.
var<workgroup> common_newest: array<vec3f, LANES>;
var<workgroup> common_before: array<vec3f, LANES>;

fn far(a: vec3f, b: vec3f) -> f32 {
    return dot(abs(a - b), vec3f(1.0));
}

// Which pixel of its patch this one is.
fn of_patch(at: vec2i) -> u32 {
    let side = max(i32(glide.patch_px), 1);
    return min(u32(at.y % side * side + at.x % side), LANES - 1u);
}

// Whether the view moved between the last two pictures as the action asks for: whether they differ clearly less if it did, by the product of
// both ways to compare them. Rain and snow fall on all patches alike and do not go with the land; bare ground shows nothing else. Where another
// picture took the place of the one before, neither fits, and nothing glides. One workgroup.
@compute @workgroup_size(LANES)
fn decide(@builtin(local_invocation_index) lane: u32) {
    let size = vec2i(textureDimensions(newest));
    let side = i32(glide.patch_px);
    var sum_newest = vec3f();
    var sum_before = vec3f();
    if (side * side <= i32(LANES) && i32(lane) < side * side) {
        var count = 0.0;
        for (var y = i32(lane) / side; y < size.y; y += side) {
            for (var x = i32(lane) % side; x < size.x; x += side) {
                if (!stands(vec2i(x, y))) {
                    sum_newest += textureLoad(newest, vec2i(x, y), 0).rgb;
                    sum_before += textureLoad(before, vec2i(x, y), 0).rgb;
                    count += 1.0;
                }
            }
        }
        sum_newest /= max(count, 1.0);
        sum_before /= max(count, 1.0);
    }
    common_newest[lane] = sum_newest;
    common_before[lane] = sum_before;
    workgroupBarrier();
    var sums = vec4f();
    for (var i = i32(lane); i < size.x * size.y; i += i32(LANES)) {
        let at = vec2i(i % size.x, i / size.x);
        let old = at + glide.motion;
        if (inside(old, vec2i(), size) && !stands(at) && !stands(old)) {
            let here = textureLoad(newest, at, 0).rgb;
            let moved_from = textureLoad(before, old, 0).rgb;
            let stayed_from = textureLoad(before, at, 0).rgb;
            let alone = here - common_newest[of_patch(at)];
            let both = vec2f(far(here, moved_from), far(here, stayed_from));
            let alone_both = vec2f(far(alone, moved_from - common_before[of_patch(old)]), far(alone, stayed_from - common_before[of_patch(at)]));
            sums += vec4f(both, alone_both);
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
        let a = apart[0] + LEAST;
        decision.x = u32(a.x * a.z < (1.0 - CLEARLY) * a.y * a.w);
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
    let here = mix(textureLoad(newest, at, 0).rgb, textureLoad(before, at, 0).rgb, glide.fade);
    if (moved.x == 0u || all(glide.left_to_go == vec2f())) {
        return here;
    }
    let at_before = at + glide.motion;
    if (stands(at) && inside(at_before, vec2i(), size)) {
        let off = abs(textureLoad(newest, at, 0).rgb - textureLoad(before, at_before, 0).rgb);
        if (max(off.r, max(off.g, off.b)) > APART) {
            return here;
        }
    }
    let land = vec2i(floor(place - glide.left_to_go));
    let land_before = land + glide.motion;
    let was = textureLoad(before, clamp(land_before, vec2i(), size - 1), 0).rgb;
    if (inside(land, vec2i(), size) && !stands(land)) {
        let fade = select(0.0, glide.fade, inside(land_before, vec2i(), size) && !stands(land_before));
        return mix(textureLoad(newest, land, 0).rgb, was, fade);
    }
    return was;
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
