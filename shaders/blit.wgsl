// Draws the picture of a world over the viewport, each of its pixels a crisp block.
// The picture holds sRGB bytes. A surface that takes bytes as they are gets them as they are (`plain`); one that encodes what it is
// given gets them decoded first (`decoded`), so that both show the same bytes.

@group(0) @binding(0) var picture: texture_2d<f32>; // (height_px, width_px), rgba8unorm, sRGB bytes

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
    let size = textureDimensions(picture);
    let at = min(vec2u(uv * vec2f(size)), size - 1u);
    return textureLoad(picture, at, 0).rgb;
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
