// What a frame takes over from the one before: the 3x3 convolution over its token embeddings, gated by the action, once a frame.
// The table holds each embedding row, gated, times each tap's matrix, so a tap costs one row for each code dimension instead of a matrix
// product.

struct Shape {
    grid_w: u32,
    grid_h: u32,
    // FSQ dimensions a token and levels a dimension.
    dims: u32,
    levels: u32,
    // Channels in vec4.
    c4: u32,
    // Rows of a group, a multiple of 4.
    rows: u32,
    // Of the grid, and of the look where there is one.
    tokens: u32,
    pad: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (halves, tokens, dims)
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
// (actions + 1, taps, dims * levels + 2, c4)
@group(0) @binding(3) var<storage, read> table: array<vec4<f32>>;
// (c4)
@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;
// (halves, rows, c4)
@group(0) @binding(5) var<storage, read_write> prev: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x / shape.c4;
    let column = id.x % shape.c4;
    if (n >= shape.tokens) {
        return;
    }
    let half = frame.groups[0].half;
    let tokens_at = (1u - half) * shape.tokens * shape.dims;
    let table_rows = shape.dims * shape.levels + 2u;
    let action_at = frame.groups[0].action * TAPS;
    var value = bias[column];
    for (var tap = 0u; tap < TAPS; tap++) {
        let beside = neighbour(n, tap, vec2<u32>(shape.grid_w, shape.grid_h));
        if (beside != OFF_GRID) {
            let tap_at = (action_at + tap) * table_rows;
            let token_at = tokens_at + beside * shape.dims;
            if (tokens[token_at] == UNKNOWN) {
                value = value + table[(tap_at + table_rows - 1u) * shape.c4 + column];
            } else {
                for (var d = 0u; d < shape.dims; d++) {
                    value = value + table[(tap_at + d * shape.levels + tokens[token_at + d]) * shape.c4 + column];
                }
            }
        }
    }
    prev[(half * shape.rows + n) * shape.c4 + column] = value;
}
