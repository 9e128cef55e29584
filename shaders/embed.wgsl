// Tokens to channels: the sum of one table row for each code dimension, plus position, and in the dynamics plus level, `prev`, what the
// frame is told, and what a token that is being dreamed sees of those around it that are settled already.
// Constants ahead of this text: DYNAMICS (false: the tokenizer's decoder, whose table has zeros for tokens that are not given), BESIDE,
// DIMS and LEVELS (as in prev.wgsl).

struct Shape {
    // Of the grid, and of the look where there is one.
    tokens: u32,
    grid_w: u32,
    grid_h: u32,
    // Channels in vec4.
    c4: u32,
    // Rows of a group, a multiple of 4.
    rows: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (halves, tokens, DIMS)
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
// (CODES + 2, c4): row CODES stands for a masked token, the next for an unknown one; then, for BESIDE, the others times each tap's matrix
// (taps, CODES, c4)
@group(0) @binding(3) var<storage, read> table: array<vec4<f32>>;
// (tokens, c4)
@group(0) @binding(4) var<storage, read> positions: array<vec4<f32>>;
// (levels of context corruption, c4)
@group(0) @binding(5) var<storage, read> level: array<vec4<f32>>;
// (halves, rows, c4)
@group(0) @binding(6) var<storage, read> prev: array<vec4<f32>>;
// (prompt slots, c4): what the words of a prompt say taken together
@group(0) @binding(7) var<storage, read> said: array<vec4<f32>>;
// (classes of how long ago words changed, c4)
@group(0) @binding(8) var<storage, read> told: array<vec4<f32>>;
// (groups, rows, c4)
@group(0) @binding(9) var<storage, read_write> x: array<vec4<f32>>;

const CODES: u32 = DIMS * LEVELS;

fn settled_around(n: u32, half: u32, column: u32) -> vec4<f32> {
    var sum = vec4<f32>();
    for (var tap = 0u; tap < TAPS; tap++) {
        let beside = neighbour(n, tap, vec2<u32>(shape.grid_w, shape.grid_h));
        let at = (half * shape.tokens + beside) * DIMS;
        if (beside != OFF_GRID && tokens[at] < MASKED) {
            for (var d = 0u; d < DIMS; d++) {
                sum = sum + table[((1u + tap) * CODES + 2u + d * LEVELS + tokens[at + d]) * shape.c4 + column];
            }
        }
    }
    return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x / shape.c4;
    let column = id.x % shape.c4;
    let group = id.z;
    if (n >= shape.rows) {
        return;
    }
    let at = (group * shape.rows + n) * shape.c4 + column;
    if (n >= shape.tokens) {
        // Rows of padding would otherwise keep adding up from frame to frame.
        x[at] = vec4<f32>();
        return;
    }
    let g = frame.groups[group];
    let token_at = (g.half * shape.tokens + n) * DIMS;
    let first = tokens[token_at];
    var value = positions[n * shape.c4 + column];
    if (DYNAMICS) {
        value = value + level[g.level * shape.c4 + column] + prev[(g.half * shape.rows + n) * shape.c4 + column];
        value = value + told[g.told * shape.c4 + column];
        // One key alone is "nothing said".
        if (g.words > 1u) {
            value = value + said[g.prompt * shape.c4 + column];
        }
    }
    // A frame that is being committed is stored.
    if (BESIDE && g.fresh == 0u && g.store == NONE) {
        value = value + settled_around(n, g.half, column);
    }
    if (DYNAMICS && (g.fresh == 1u || first == MASKED)) {
        value = value + table[CODES * shape.c4 + column];
    } else if (first == UNKNOWN) {
        value = value + table[(CODES + 1u) * shape.c4 + column];
    } else {
        for (var d = 0u; d < DIMS; d++) {
            value = value + table[(d * LEVELS + tokens[token_at + d]) * shape.c4 + column];
        }
    }
    x[at] = value;
}
