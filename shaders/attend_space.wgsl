// Attention among the tokens of a frame. Constants ahead of this text: HEAD4.

// (groups, rows, 3 c4)
@group(0) @binding(2) var<storage, read> qkv: array<vec4<f32>>;
// (groups, rows, c4)
@group(0) @binding(3) var<storage, read_write> attended: array<vec4<f32>>;

fn query_at(row: Row) -> u32 {
    return (row.group * shape.rows + row.token) * 3u * shape.c4 + row.channel;
}

fn query(at: u32) -> vec4<f32> {
    return qkv[at];
}

fn keys(row: Row) -> u32 {
    return shape.tokens;
}

fn key_at(row: Row, token: u32) -> u32 {
    return ((row.group * shape.rows + token) * 3u + 1u) * shape.c4 + row.channel;
}

fn key(token: u32, at: u32) -> vec4<f32> {
    return qkv[at];
}

fn raise(row: Row, token: u32) -> f32 {
    return 0.0;
}
