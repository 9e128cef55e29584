// Draws a dream seen from within: sky and ground, over them what stands as squares turned to the eye, the furthest first, around what shines the air that
// glows, before that its image in water, and before all of it what falls. What lies around comes as textures, each patch where it is (`dream/first_person/sheets`); what stands where in the picture is said
// by `dream/first_person/scene`. Colours are sRGB bytes, and mixed as such.

struct View {
    // Width and height of the picture.
    size: vec2f,
    // Row of the horizon, and pixels of a patch that is one patch away.
    horizon: f32,
    focal: f32,
    // The eye, in patches right and down from the sheets' corner, and one patch ahead of it.
    at: vec2f,
    ahead: vec2f,
    // Overhead, and above the horizon.
    zenith: vec3f,
    // Of the eye, in patches.
    height: f32,
    haze: vec3f,
    // How much is seen of what came into sight with the last step.
    arrived: f32,
    // Half of the light of what is so far away is the mist's.
    mist: f32,
    // Ground in the shade keeps this share of its light.
    shade: f32,
    // Texels of the sky that have gone by since one looked to the north, and of its clouds, which drift.
    turned: f32,
    drifted: f32,
    // Texels of the sky that a pixel covers.
    sky_grain: f32,
    // How much of what is above water mirrors straight below the eye.
    mirrors: f32,
    // How much brighter what is dark is in the full light of what shines; zero where nothing does.
    brighter: f32,
    // What falls far away and near: pixels of its tiles from the top of the picture to the bottom, how far each column of tiles slips, how much it hides,
    // and which row of a tile is at the top.
    falls: array<vec4f, 2>,
}

@group(0) @binding(0) var<uniform> view: View;
// RGB and how much of it is still water, `sides()` patches each way, with levels.
@group(0) @binding(1) var ground: texture_2d<f32>;
// RGBA, premultiplied.
@group(0) @binding(2) var standing: texture_2d<f32>;
// Of each patch and a border: known before, known now, reach of the shade.
@group(0) @binding(3) var patches: texture_2d<f32>;
// A tile of what falls: RGBA.
@group(0) @binding(4) var falling: texture_2d<f32>;
// What stands still in the sky, from the horizon up and from north by east: RGBA, premultiplied.
@group(0) @binding(5) var sky: texture_2d<f32>;
// Clouds before that, alike.
@group(0) @binding(6) var clouds: texture_2d<f32>;
// What falls on each patch and a border from what shines: RGB, and which share of it was there before.
@group(0) @binding(7) var lamps: texture_2d<f32>;
// Trilinear and anisotropic.
@group(0) @binding(8) var slanted: sampler;
// Joins the first column to the last.
@group(0) @binding(9) var around: sampler;

struct Corner {
    @builtin(position) position: vec4f,
}

// One triangle that covers the picture.
@vertex
fn whole(@builtin(vertex_index) index: u32) -> Corner {
    let uv = vec2f(f32((index << 1u) & 2u), f32(index & 2u));
    return Corner(vec4f(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0));
}

// Patches of a side of the sheets.
fn sides() -> f32 {
    return f32(textureDimensions(patches).x) - 2.0;
}

// Texels of a patch's side.
fn patch_side() -> f32 {
    return f32(textureDimensions(ground).x) / sides();
}

// Share of the light of what is so far away that reaches the eye.
fn clear_at(away: f32) -> f32 {
    let times = away / view.mist;
    return exp2(-times * times);
}

// Where to sample so that texels are crisp blocks, joined over no more than a pixel; `wide`: texels that a pixel covers.
fn crisp(texels: vec2f, wide: vec2f) -> vec2f {
    let soft = clamp(wide, vec2f(1e-4), vec2f(1.0));
    let block = floor(texels);
    let inside = texels - block;
    return block + clamp(inside / soft, vec2f(), vec2f(0.5)) + clamp((inside - 1.0) / soft + 0.5, vec2f(), vec2f(0.5));
}

// How much of a point is known land, 0 to 1: it fades toward what was never dreamed.
fn known(point: vec2f) -> f32 {
    // A border of one patch lies around.
    let seen = textureSampleLevel(patches, slanted, (point + 1.0) / (sides() + 2.0), 0.0);
    // Half way out of the last patch nothing is left.
    return smoothstep(0.5, 1.0, mix(seen.r, seen.g, view.arrived));
}

// Where in a texture of the sky one looks so many pixels right of the middle and above the horizon, where such a column of it is in the middle.
fn in_sky(column: f32, aside: f32, above: f32) -> vec2f {
    let texels = vec2f(column, 0.0) + vec2f(aside, above) * view.sky_grain;
    return crisp(texels, vec2f(view.sky_grain)) / vec2f(textureDimensions(sky));
}

// The sky there.
fn heavens(aside: f32, above: f32) -> vec3f {
    let behind = mix(view.haze, view.zenith, above / view.horizon);
    let still = textureSampleLevel(sky, around, in_sky(view.turned, aside, above), 0.0);
    let cloud = textureSampleLevel(clouds, around, in_sky(view.drifted, aside, above), 0.0);
    return cloud.rgb + (still.rgb + behind * (1.0 - still.a)) * (1.0 - cloud.a);
}

// Where one looks at the ground.
struct Spot {
    point: vec2f,
    // A pixel there, in patches.
    wide: vec2f,
    // RGB and how much of it is still water.
    ground: vec4f,
    // How much of its light reaches the eye.
    clear: f32,
}

// So many pixels right of the middle and below the horizon.
fn spot(aside: f32, below: f32) -> Spot {
    let far = view.height * view.focal / below;
    let right = vec2f(-view.ahead.y, view.ahead.x);
    let way = far * (view.ahead + right * (aside / view.focal));
    let point = view.at + way;
    // From pixel to pixel, to the right and down.
    let steps = array(right * (far / view.focal), -way / below);
    let wide = abs(steps[0]) + abs(steps[1]);
    let texels = patch_side();
    let place = crisp(point * texels, wide * texels) / texels;
    let texel = textureSampleGrad(ground, slanted, place / sides(), steps[0] / sides(), steps[1] / sides());
    // By how far away it is, not how far ahead: or land would come and go in the mist as one turns.
    return Spot(point, wide, texel, clear_at(length(way)) * known(point));
}

// A colour, premultiplied by `share`, at a point that what shines falls on: what is bright already gains least.
fn brightened(colour: vec3f, share: f32, point: vec2f) -> vec3f {
    if (view.brighter == 0.0) {
        return colour;
    }
    let seen = textureSampleLevel(lamps, slanted, (point + 1.0) / (sides() + 2.0), 0.0);
    let light = seen.rgb * (view.brighter * mix(seen.a, 1.0, view.arrived));
    return min(colour + colour * (1.0 - colour / max(share, 1e-4)) * light, vec3f(share));
}

// The ground's own colour, in light or shade.
fn lit(seen: Spot) -> vec3f {
    let reach = textureLoad(patches, clamp(vec2i(floor(seen.point)) + 1, vec2i(), vec2i(textureDimensions(patches)) - 1), 0).b;
    let off = fract(seen.point) - 0.5;
    // Its edge is as soft as a pixel is wide.
    let inside = clamp((reach - length(off)) / length(seen.wide) + 0.5, 0.0, 1.0);
    return brightened(seen.ground.rgb * mix(1.0, view.shade, select(0.0, inside, reach > 0.0)), 1.0, seen.point);
}

// How much of what is above still water mirrors there (Schlick 1994).
fn mirrors(aside: f32, below: f32) -> f32 {
    let sine = below / length(vec3f(aside, below, view.focal));
    return view.mirrors + (1.0 - view.mirrors) * pow(1.0 - sine, 5.0);
}

@fragment
fn land(c: Corner) -> @location(0) vec4f {
    let aside = c.position.x - view.size.x * 0.5;
    let below = c.position.y - view.horizon;
    if (below <= 0.0) {
        return vec4f(heavens(aside, -below), 1.0);
    }
    let seen = spot(aside, below);
    var colour = lit(seen);
    if (seen.ground.a > 0.0) {
        colour = mix(colour, heavens(aside, below), seen.ground.a * mirrors(aside, below));
    }
    return vec4f(mix(view.haze, colour, seen.clear), 1.0);
}

struct Thing {
    // Its corner at the upper left, its side, in pixels; how far away it is.
    @location(0) square: vec4f,
    // Its patch on the sheets, and how much of what is behind it that hides.
    @location(1) patch_and_dense: vec3f,
}

struct Corners {
    @builtin(position) position: vec4f,
    // 0..1 over the square, y down
    @location(0) uv: vec2f,
    @location(1) @interpolate(flat) place: vec2f,
    // Texels that a pixel covers.
    @location(2) @interpolate(flat) wide: f32,
    @location(3) @interpolate(flat) clear: f32,
    @location(4) @interpolate(flat) dense: f32,
}

// A corner of a square's two triangles.
fn corner_of(index: u32) -> vec2f {
    return vec2f(f32(array(0u, 1u, 0u, 0u, 1u, 1u)[index]), f32(array(0u, 0u, 1u, 1u, 0u, 1u)[index]));
}

// Where that is of a square whose corner at the upper left and side, in pixels, are the first three.
fn in_picture(square: vec4f, corner: vec2f) -> vec4f {
    let at = (square.xy + square.z * corner) / view.size;
    return vec4f(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, 0.0, 1.0);
}

@vertex
fn square(@builtin(vertex_index) index: u32, thing: Thing) -> Corners {
    let uv = corner_of(index);
    return at_corner(uv, uv, thing);
}

// Upside down.
@vertex
fn turned_over(@builtin(vertex_index) index: u32, thing: Thing) -> Corners {
    let uv = corner_of(index);
    return at_corner(uv, vec2f(uv.x, 1.0 - uv.y), thing);
}

// `corner` of the square, `uv` of its picture.
fn at_corner(corner: vec2f, uv: vec2f, thing: Thing) -> Corners {
    let wide = patch_side() / thing.square.z;
    let place = thing.patch_and_dense.xy;
    return Corners(in_picture(thing.square, corner), uv, place, wide, clear_at(thing.square.w), thing.patch_and_dense.z);
}

fn colour_of(c: Corners) -> vec4f {
    let level = clamp(log2(c.wide), 0.0, f32(textureNumLevels(standing) - 1u));
    // Texels of the coarser level that is read, of a patch's side: no other patch shines in.
    let side = patch_side();
    let rim = 0.5 * exp2(ceil(level)) / side;
    let inside = clamp(crisp(c.uv * side, vec2f(c.wide)) / side, vec2f(rim), vec2f(1.0 - rim));
    let texel = textureSampleLevel(standing, slanted, (c.place + inside) / sides(), level);
    // As its patch lies on the map: so the parts of a house are lit as one.
    let colour = brightened(texel.rgb, texel.a, c.place + c.uv);
    return vec4f(mix(view.haze * texel.a, colour, c.clear), texel.a) * c.dense;
}

@fragment
fn upright(c: Corners) -> @location(0) vec4f {
    return colour_of(c);
}

// The ground where there is water, with it in the place of the sky.
@fragment
fn mirrored(c: Corners) -> @location(0) vec4f {
    let aside = c.position.x - view.size.x * 0.5;
    let below = max(c.position.y - view.horizon, 0.5);
    let seen = spot(aside, below);
    if (seen.ground.a == 0.0) {
        return vec4f();
    }
    let thing = colour_of(c);
    let share = seen.ground.a * mirrors(aside, below);
    let ground = mix(view.haze, lit(seen) * (1.0 - share), seen.clear);
    return vec4f(ground * thing.a + thing.rgb * share * seen.clear, thing.a);
}

struct Halo {
    // Its corner at the upper left, its side, in pixels; how far away it is.
    @location(0) square: vec4f,
    // RGB of its middle.
    @location(1) light: vec3f,
}

struct Glow {
    @builtin(position) position: vec4f,
    // From the middle, -1..1 over the square.
    @location(0) off: vec2f,
    @location(1) @interpolate(flat) light: vec3f,
}

@vertex
fn glowing(@builtin(vertex_index) index: u32, halo: Halo) -> Glow {
    let uv = corner_of(index);
    return Glow(in_picture(halo.square, uv), uv * 2.0 - 1.0, halo.light * clear_at(halo.square.w));
}

// What glows in the air around what shines: it hides nothing.
@fragment
fn halo(c: Glow) -> @location(0) vec4f {
    let share = max(1.0 - dot(c.off, c.off), 0.0);
    return vec4f(c.light * (share * share), 0.0);
}

// What falls, each pixel of its tile a block of the picture's.
@fragment
fn weather(c: Corner) -> @location(0) vec4f {
    var seen = vec4f();
    for (var i = 0u; i < 2u; i++) {
        let falls = view.falls[i];
        let at = vec2i(floor(c.position.xy) * (falls.x / view.size.y) + vec2f(0.0, falls.w));
        let side = i32(textureDimensions(falling).x);
        let texel = textureLoad(falling, vec2i(at.x, at.y + at.x / side * i32(falls.y)) % side, 0) * falls.z;
        seen = texel + seen * (1.0 - texel.a);
    }
    return seen;
}
