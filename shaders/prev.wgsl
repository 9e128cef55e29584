// What a frame takes over from the one before: the 3x3 convolution over its token embeddings, gated by the action, once a frame.
// The table holds each embedding row, gated, times each tap's matrix, so a tap costs one row for each code dimension instead of a matrix
// product.
// Constants ahead of this text: DIMS and LEVELS (FSQ dimensions a token and levels a dimension): a loop whose end is known is unrolled, and
// all its rows are asked for at once.

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
// (actions + 1, taps, TABLE_ROWS, c4)
@group(0) @binding(3) var<storage, read> table: array<vec4<f32>>;
// (c4)
@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;
// (halves, rows, c4)
@group(0) @binding(5) var<storage, read_write> prev: array<vec4<f32>>;

const TABLE_ROWS: u32 = DIMS * LEVELS + 2u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x / shape.c4;
    let column = id.x % shape.c4;
    if (n >= shape.tokens) {
        return;
    }
    let half = frame.groups[0].half;
    let tokens_at = (1u - half) * shape.tokens * DIMS;
    let action_at = frame.groups[0].action * TAPS;
    var value = bias[column];
    for (var tap = 0u; tap < TAPS; tap++) {
        let beside = neighbour(n, tap, vec2<u32>(shape.grid_w, shape.grid_h));
        if (beside != OFF_GRID) {
            let tap_at = (action_at + tap) * TABLE_ROWS;
            let token_at = tokens_at + beside * DIMS;
            if (tokens[token_at] == UNKNOWN) {
                value = value + table[(tap_at + TABLE_ROWS - 1u) * shape.c4 + column];
            } else {
                for (var d = 0u; d < DIMS; d++) {
                    value = value + table[(tap_at + d * LEVELS + tokens[token_at + d]) * shape.c4 + column];
                }
            }
        }
    }
    prev[(half * shape.rows + n) * shape.c4 + column] = value;
}
