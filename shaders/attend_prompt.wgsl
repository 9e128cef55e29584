// Attention of each token to the words of the prompt. Constants ahead of this text: HEAD4.

// (groups, rows, c4)
@group(0) @binding(2) var<storage, read> query: array<vec4<f32>>;
// (prompt slots, room, 2 c4): k at 0, v at `c4`
@group(0) @binding(3) var<storage, read> words: array<vec4<f32>>;
// (prompt slots, room): what scores are raised by
@group(0) @binding(4) var<storage, read> shares: array<f32>;
// (groups, rows, c4)
@group(0) @binding(5) var<storage, read_write> attended: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    let channel = id.y * HEAD4;
    let group = id.z;
    if (n >= shape.tokens || id.y >= shape.heads) {
        return;
    }
    let row_at = (group * shape.rows + n) * shape.c4 + channel;
    var a: Attention;
    a.top = -3e38;
    for (var d = 0u; d < HEAD4; d++) {
        a.query[d] = query[row_at + d] * shape.scale;
    }
    let slot_at = frame.groups[group].prompt * shape.room;
    let count = frame.groups[group].words;
    for (var m = 0u; m < count; m++) {
        let key_at = (slot_at + m) * 2u * shape.c4 + channel;
        var score = shares[slot_at + m];
        for (var d = 0u; d < HEAD4; d++) {
            score = score + dot(a.query[d], words[key_at + d]);
        }
        let weight = attend_weight(&a, score);
        for (var d = 0u; d < HEAD4; d++) {
            a.sum[d] = fma(vec4<f32>(weight), words[key_at + shape.c4 + d], a.sum[d]);
        }
    }
    for (var d = 0u; d < HEAD4; d++) {
        attended[row_at + d] = a.sum[d] / a.total;
    }
}
