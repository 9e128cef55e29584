// Attention among the tokens of a frame. Constants ahead of this text: HEAD4.

// (groups, rows, 3 c4)
@group(0) @binding(2) var<storage, read> qkv: array<vec4<f32>>;
// (groups, rows, c4)
@group(0) @binding(3) var<storage, read_write> attended: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let n = id.x;
    let channel = id.y * HEAD4;
    let group = id.z;
    if (n >= shape.tokens || id.y >= shape.heads) {
        return;
    }
    let stride = 3u * shape.c4;
    let group_at = group * shape.rows * stride + channel;
    var a: Attention;
    a.top = -3e38;
    for (var d = 0u; d < HEAD4; d++) {
        a.query[d] = qkv[group_at + n * stride + d] * shape.scale;
    }
    for (var m = 0u; m < shape.tokens; m++) {
        let key_at = group_at + m * stride + shape.c4;
        var score = 0.0;
        for (var d = 0u; d < HEAD4; d++) {
            score = score + dot(a.query[d], qkv[key_at + d]);
        }
        let weight = attend_weight(&a, score);
        for (var d = 0u; d < HEAD4; d++) {
            a.sum[d] = fma(vec4<f32>(weight), qkv[key_at + shape.c4 + d], a.sum[d]);
        }
    }
    let out_at = (group * shape.rows + n) * shape.c4 + channel;
    for (var d = 0u; d < HEAD4; d++) {
        attended[out_at + d] = a.sum[d] / a.total;
    }
}
