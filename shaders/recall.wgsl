// What a frame may know of the land from long ago: nine places of the map around where each token will be, added to what it takes over
// from the frame before. The table holds each embedding row and each class of age times each tap's matrix. What lies at the token's own
// place, or its pose where it never scrolls, is also kept for the head to copy.
// Constants ahead of this text: DIMS and LEVELS, as in prev.wgsl.

struct Shape {
    // Of the grid, and of the look where there is one.
    tokens: u32,
    grid_w: u32,
    // Channels in vec4.
    c4: u32,
    // Rows of a group, a multiple of 4.
    rows: u32,
    // Steps of a patch.
    steps: u32,
    // Tokens that have a place: all but the look.
    patches: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (SIDE, SIDE, words of a place), then (tokens, words of a pose)
@group(0) @binding(2) var<storage, read> map: array<u32>;
@group(0) @binding(3) var<storage, read> odometer: Odometer;
// (taps, AGES_AT + AGES, c4): the rows of embed.wgsl, then the classes of age, of which the first is "never seen"
@group(0) @binding(4) var<storage, read> table: array<vec4<f32>>;
// (halves, rows, c4)
@group(0) @binding(5) var<storage, read_write> prev: array<vec4<f32>>;
// (halves, tokens, DIMS), then what the map offers to copy (tokens, DIMS), which is written
@group(0) @binding(6) var<storage, read_write> tokens: array<u32>;

const AGES_AT: u32 = DIMS * LEVELS + 2u;
const AGES: u32 = 6u;

// Class of what was seen `age` frames before the one that asks.
fn age_class(age: u32) -> u32 {
    let older = vec4<u32>(age) > vec4<u32>(2u, 8u, 32u, 128u);
    let exceeded = vec4<u32>(older);
    return 1u + exceeded.x + exceeded.y + exceeded.z + exceeded.w;
}

// Level in dimension `d` of the token that is packed from `word` on.
fn level_at(word: u32, d: u32) -> u32 {
    return (map[word + d / 4u] >> (8u * (d % 4u))) & 255u;
}

// What a place reminds of: its first word, and how many frames ago it was seen; 0 where it never was.
struct Found {
    place: u32,
    age: u32,
    imagined: bool,
}

fn find(at: vec2<i32>) -> Found {
    let place = place_at(at, DIMS);
    let seen = map[place + 2u];
    let known = seen > 0u && all(bitcast<vec2<i32>>(vec2<u32>(map[place], map[place + 1u])) == at);
    let imagined = known && seen == IMAGINED;
    // What was imagined is as fresh as can be.
    let age = select(odometer.frames + 1u - seen, 1u, imagined);
    return Found(place, select(0u, age, known), imagined);
}

// Keeps what token `n`, which lies at `at`, may copy.
fn offer(n: u32, at: vec2<i32>) {
    let found = find(at);
    let pose = pose_at(n, DIMS);
    let stays = map[pose] == 1u;
    let known = n < shape.patches && found.age > 0u;
    let offered_at = select(found.place + 3u, pose + 1u, stays);
    for (var d = 0u; d < DIMS; d++) {
        let level = level_at(offered_at, d) + select(0u, HELD, found.imagined && !stays);
        tokens[(2u * shape.tokens + n) * DIMS + d] = select(UNKNOWN, level, known || stays);
    }
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x / shape.c4;
    let column = id.x % shape.c4;
    if (n >= shape.tokens) {
        return;
    }
    let own = vec2<i32>(vec2<u32>(n % shape.grid_w, n / shape.grid_w) * shape.steps);
    let corner = odometer.view + frame.motion + own;
    // Ahead of the taps: between loads a store would hold them up.
    if (column == 0u) {
        offer(n, corner);
    }
    let prev_at = (frame.groups[0].half * shape.rows + n) * shape.c4 + column;
    var value = prev[prev_at];
    for (var tap = 0u; tap < TAPS; tap++) {
        let tap_at = tap * (AGES_AT + AGES);
        let found = find(corner + vec2<i32>(vec2<u32>(tap % 3u, tap / 3u)) - 1);
        if (n < shape.patches && found.age > 0u) {
            let age = age_class(found.age);
            value = value + table[(tap_at + AGES_AT + age) * shape.c4 + column];
            for (var d = 0u; d < DIMS; d++) {
                value = value + table[(tap_at + d * LEVELS + level_at(found.place + 3u, d)) * shape.c4 + column];
            }
        } else {
            // The unknown token's row, and "never seen".
            value = value + table[(tap_at + AGES_AT - 1u) * shape.c4 + column] + table[(tap_at + AGES_AT) * shape.c4 + column];
        }
    }
    prev[prev_at] = value;
}
