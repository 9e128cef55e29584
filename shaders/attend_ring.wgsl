// Attention of each position over itself now and over committed frames, youngest first, with a learned bias by age.
// Constants ahead of this text: HEAD_DIM.

struct Shape {
    tokens: u32,
    heads: u32,
    // Rows of a group, a multiple of 4.
    rows: u32,
    // Channels with padding: q starts at 0, k at `c`, v at `2 c` of a row of `qkv`.
    c: u32,
    // 1 / sqrt(head dim)
    scale: f32,
    // Slots of the ring, and ages a head in `bias`.
    window: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (groups, rows, 3 c)
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
// (window, rows, 2 c): k at 0, v at `c`
@group(0) @binding(3) var<storage, read> ring: array<f32>;
// (heads, window)
@group(0) @binding(4) var<storage, read> bias: array<f32>;
// (groups, rows, c)
@group(0) @binding(5) var<storage, read_write> attended: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    let head = id.y;
    let channel = head * HEAD_DIM;
    let group = id.z;
    if (n >= shape.tokens || head >= shape.heads) {
        return;
    }
    let row_at = (group * shape.rows + n) * 3u * shape.c + channel;
    var a: Attention;
    var score = 0.0;
    for (var d = 0u; d < HEAD_DIM; d++) {
        a.query[d] = qkv[row_at + d] * shape.scale;
        score = fma(a.query[d], qkv[row_at + shape.c + d], score);
    }
    // Age 0, the row itself: its keys are not in the ring, or not to be read from there.
    a.top = score + bias[head * shape.window];
    a.total = 1.0;
    for (var d = 0u; d < HEAD_DIM; d++) {
        a.sum[d] = qkv[row_at + 2u * shape.c + d];
    }
    let ages = frame.groups[group].ages;
    let newest = frame.groups[group].newest;
    for (var age = 1u; age <= ages; age++) {
        let slot = (newest + shape.window + 1u - age) % shape.window;
        let key_at = (slot * shape.rows + n) * 2u * shape.c + channel;
        score = bias[head * shape.window + age];
        for (var d = 0u; d < HEAD_DIM; d++) {
            score = fma(a.query[d], ring[key_at + d], score);
        }
        let weight = attend_weight(&a, score);
        for (var d = 0u; d < HEAD_DIM; d++) {
            a.sum[d] = fma(weight, ring[key_at + shape.c + d], a.sum[d]);
        }
    }
    let out_at = (group * shape.rows + n) * shape.c + channel;
    for (var d = 0u; d < HEAD_DIM; d++) {
        attended[out_at + d] = a.sum[d] / a.total;
    }
}
