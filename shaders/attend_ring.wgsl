// Attention of each position over itself now and over committed frames, youngest first, with a learned bias by age. The room for keys is
// the window. Constants ahead of this text: HEAD4.

// (groups, rows, 3 c4)
@group(0) @binding(2) var<storage, read> qkv: array<vec4<f32>>;
// (room, rows, 2 c4): k at 0, v at `c4`
@group(0) @binding(3) var<storage, read> ring: array<vec4<f32>>;
// (heads, room)
@group(0) @binding(4) var<storage, read> bias: array<f32>;
// (groups, rows, c4)
@group(0) @binding(5) var<storage, read_write> attended: array<vec4<f32>>;

fn query_at(row: Row) -> u32 {
    return (row.group * shape.rows + row.token) * 3u * shape.c4 + row.channel;
}

fn query(at: u32) -> vec4<f32> {
    return qkv[at];
}

fn keys(row: Row) -> u32 {
    return 1u + frame.groups[row.group].ages;
}

// Age 0 is the row itself: its keys are not in the ring, or not to be read from there.
fn key_at(row: Row, age: u32) -> u32 {
    if (age == 0u) {
        return query_at(row) + shape.c4;
    }
    let slot = (frame.groups[row.group].newest + shape.room + 1u - age) % shape.room;
    return (slot * shape.rows + row.token) * 2u * shape.c4 + row.channel;
}

fn key(age: u32, at: u32) -> vec4<f32> {
    if (age == 0u) {
        return qkv[at];
    }
    return ring[at];
}

fn raise(row: Row, age: u32) -> f32 {
    return bias[row.head * shape.room + age];
}
