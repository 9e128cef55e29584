// Attention of each token to the words of the prompt. Constants ahead of this text: HEAD_DIM.

struct Shape {
    tokens: u32,
    heads: u32,
    // Rows of a group, a multiple of 4.
    rows: u32,
    // Channels with padding.
    c: u32,
    // 1 / sqrt(head dim)
    scale: f32,
    // Keys that a prompt slot has room for.
    slot_words: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (groups, rows, c)
@group(0) @binding(2) var<storage, read> query: array<f32>;
// (prompt slots, slot_words, 2 c): k at 0, v at `c`
@group(0) @binding(3) var<storage, read> words: array<f32>;
// (groups, rows, c)
@group(0) @binding(4) var<storage, read_write> attended: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    let channel = id.y * HEAD_DIM;
    let group = id.z;
    if (n >= shape.tokens || id.y >= shape.heads) {
        return;
    }
    let row_at = (group * shape.rows + n) * shape.c + channel;
    var a: Attention;
    a.top = -3e38;
    for (var d = 0u; d < HEAD_DIM; d++) {
        a.query[d] = query[row_at + d] * shape.scale;
    }
    let slot_at = frame.groups[group].prompt * shape.slot_words;
    let count = frame.groups[group].words;
    for (var m = 0u; m < count; m++) {
        let key_at = (slot_at + m) * 2u * shape.c + channel;
        var score = 0.0;
        for (var d = 0u; d < HEAD_DIM; d++) {
            score = fma(a.query[d], words[key_at + d], score);
        }
        let weight = attend_weight(&a, score);
        for (var d = 0u; d < HEAD_DIM; d++) {
            a.sum[d] = fma(weight, words[key_at + shape.c + d], a.sum[d]);
        }
    }
    for (var d = 0u; d < HEAD_DIM; d++) {
        attended[row_at + d] = a.sum[d] / a.total;
    }
}
