// Softmax attention of one query of one head. A head is HEAD4 vec4s wide, its last one padded with zeros. What there is to attend to is
// the kernel's: `query_at` and `query`, `keys`, `key_at` and `key` (values lie `c4` behind keys), `raise` (of a score). Who takes in which
// keys is decided in `attend_alone.wgsl` and `attend_together.wgsl`.

struct Shape {
    tokens: u32,
    heads: u32,
    // Rows of a group, a multiple of 4.
    rows: u32,
    // Channels in vec4, heads padded: of a row with q, k and v, q starts at 0, k at `c4`, v at `2 c4`.
    c4: u32,
    // 1 / sqrt(head dim)
    scale: f32,
    // Keys there is room for: slots of the ring, words of a prompt slot, tokens of the frame.
    room: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;

// A head of a token.
struct Row {
    group: u32,
    token: u32,
    head: u32,
    // First vec4 of the head.
    channel: u32,
}

struct Attention {
    // Largest score so far; weights are relative to it.
    top: f32,
    // Sum of weights, and of weighted values.
    total: f32,
    sum: array<vec4<f32>, HEAD4>,
}

// Takes in every `stride`-th key from `first` on. Without any, total and sum are 0.
fn attend(row: Row, first: u32, stride: u32) -> Attention {
    var scaled: array<vec4<f32>, HEAD4>;
    let own_at = query_at(row);
    for (var d = 0u; d < HEAD4; d++) {
        scaled[d] = query(own_at + d) * shape.scale;
    }
    var a: Attention;
    a.top = -3e38;
    let count = keys(row);
    for (var m = first; m < count; m += stride) {
        let at = key_at(row, m);
        var score = raise(row, m);
        for (var d = 0u; d < HEAD4; d++) {
            score = score + dot(scaled[d], key(m, at + d));
        }
        if (score > a.top) {
            // Older sums are scaled to the new top.
            let keep = exp(a.top - score);
            a.total = a.total * keep;
            for (var d = 0u; d < HEAD4; d++) {
                a.sum[d] = a.sum[d] * keep;
            }
            a.top = score;
        }
        let weight = exp(score - a.top);
        a.total = a.total + weight;
        for (var d = 0u; d < HEAD4; d++) {
            a.sum[d] = fma(vec4<f32>(weight), key(m, at + shape.c4 + d), a.sum[d]);
        }
    }
    return a;
}

// Where the row's part of `attended` begins.
fn out_at(row: Row) -> u32 {
    return (row.group * shape.rows + row.token) * shape.c4 + row.channel;
}
