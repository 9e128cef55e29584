// The end of a frame: decides whether the view moved, moves it, and enters the tokens into the map; of those that never scroll the ones of
// the frame before, which the next frame may copy. One workgroup does it all, since every token's place needs the decision.

struct Shape {
    tokens: u32,
    grid_w: u32,
    dims: u32,
    // Steps of a patch.
    steps: u32,
    // Word behind the codes, for the host: 1 if the view moved.
    flag_at: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (halves, tokens, dims)
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
// (tokens): 1 where a token scrolls
@group(0) @binding(3) var<storage, read> scrolls: array<u32>;
// (SIDE, SIDE, words of a place), then (tokens, words of a pose)
@group(0) @binding(4) var<storage, read_write> map: array<u32>;
@group(0) @binding(5) var<storage, read_write> odometer: Odometer;
// (tokens * dims) bytes, four a word, then the flag
@group(0) @binding(6) var<storage, read_write> codes: array<u32>;

// Levels of a token, four a word, to the map from `word` on.
fn pack(token_at: u32, word: u32) {
    for (var d = 0u; d < shape.dims; d += 4u) {
        var packed = 0u;
        for (var i = 0u; i < min(4u, shape.dims - d); i++) {
            packed = packed | (tokens[token_at + d + i] << (8u * i));
        }
        map[word + d / 4u] = packed;
    }
}

// Two sums in 15 bits, none of them zero.
fn weighed(sums: vec2<u32>) -> vec2<u32> {
    let shift = 17u - min(17u, countLeadingZeros(max(sums.x, sums.y)));
    return (sums >> vec2<u32>(shift)) + 1u;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
    var moved = frame.moved == 1u;
    if (frame.moved == BY_ODOMETER) {
        let as_they_are = weighed(odometer.as_they_are);
        let alone = weighed(odometer.alone);
        moved = as_they_are.x * alone.x < as_they_are.y * alone.y;
    }
    let view = odometer.view + select(vec2<i32>(), frame.motion, moved);
    let number = odometer.frames + 1u;
    for (var n = lane; n < shape.tokens; n += 256u) {
        let half = frame.groups[0].half;
        let token_at = (half * shape.tokens + n) * shape.dims;
        if (scrolls[n] == 0u) {
            pack(((1u - half) * shape.tokens + n) * shape.dims, pose_at(n, shape.dims) + 1u);
        } else if (tokens[token_at] != UNKNOWN) {
            let at = view + vec2<i32>(vec2<u32>(n % shape.grid_w, n / shape.grid_w) * shape.steps);
            let place = place_at(at, shape.dims);
            map[place] = bitcast<u32>(at.x);
            map[place + 1u] = bitcast<u32>(at.y);
            map[place + 2u] = number;
            pack(token_at, place + 3u);
        }
    }
    // Everyone has read what was.
    storageBarrier();
    if (lane == 0u) {
        odometer = Odometer(view, number, vec2<u32>(), vec2<u32>());
        codes[shape.flag_at] = u32(moved);
    }
}
