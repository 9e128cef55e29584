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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    let head = id.y;
    let channel = head * HEAD4;
    let group = id.z;
    if (n >= shape.tokens || head >= shape.heads) {
        return;
    }
    let row_at = (group * shape.rows + n) * 3u * shape.c4 + channel;
    var a: Attention;
    var score = 0.0;
    for (var d = 0u; d < HEAD4; d++) {
        a.query[d] = qkv[row_at + d] * shape.scale;
        score = score + dot(a.query[d], qkv[row_at + shape.c4 + d]);
    }
    // Age 0, the row itself: its keys are not in the ring, or not to be read from there.
    a.top = score + bias[head * shape.room];
    a.total = 1.0;
    for (var d = 0u; d < HEAD4; d++) {
        a.sum[d] = qkv[row_at + 2u * shape.c4 + d];
    }
    let ages = frame.groups[group].ages;
    let newest = frame.groups[group].newest;
    for (var age = 1u; age <= ages; age++) {
        let slot = (newest + shape.room + 1u - age) % shape.room;
        let key_at = (slot * shape.rows + n) * 2u * shape.c4 + channel;
        score = bias[head * shape.room + age];
        for (var d = 0u; d < HEAD4; d++) {
            score = score + dot(a.query[d], ring[key_at + d]);
        }
        let weight = attend_weight(&a, score);
        for (var d = 0u; d < HEAD4; d++) {
            a.sum[d] = fma(vec4<f32>(weight), ring[key_at + shape.c4 + d], a.sum[d]);
        }
    }
    let out_at = (group * shape.rows + n) * shape.c4 + channel;
    for (var d = 0u; d < HEAD4; d++) {
        attended[out_at + d] = a.sum[d] / a.total;
    }
}
