// Softmax attention of one query of one head. A head is HEAD4 vec4s wide, its last one padded with zeros. What there is to attend to is
// the kernel's: `query_at` and `query`, `keys`, `key_at` and `key` (values lie `c4` behind keys), `raise` (of a score).
//
// A workgroup has QUERIES tokens of a head, and each of them PARTS invocations, which share out its keys. Neighbours have the same keys and
// the next tokens, so that keys which tokens share are read once for all of them. What the parts come to is added up in their order.

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

const QUERIES: u32 = 16u;
const PARTS: u32 = 4u;
const LANES: u32 = QUERIES * PARTS;

@group(0) @binding(1) var<uniform> shape: Shape;

// Of every part its `top` and its `total`, then PARTS vec4s of its `sum` at a time: (parts, queries), (PARTS, parts, queries).
var<workgroup> tops: array<f32, LANES>;
var<workgroup> totals: array<f32, LANES>;
var<workgroup> sums: array<vec4<f32>, PARTS * LANES>;

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
    // Not yet in an `Attention`: an array in a structure is one that Direct3D's older compiler cannot index, and tries to unroll the loop over keys.
    var top = -3e38;
    var total = 0.0;
    var sum: array<vec4<f32>, HEAD4>;
    let count = keys(row);
    for (var m = first; m < count; m += stride) {
        let at = key_at(row, m);
        var products = vec4<f32>();
        for (var d = 0u; d < HEAD4; d++) {
            products = fma(scaled[d], key(m, at + d), products);
        }
        let score = raise(row, m) + ((products.x + products.y) + (products.z + products.w));
        if (score > top) {
            // Older sums are scaled to the new top.
            let keep = exp(top - score);
            total = total * keep;
            for (var d = 0u; d < HEAD4; d++) {
                sum[d] = sum[d] * keep;
            }
            top = score;
        }
        let weight = exp(score - top);
        total = total + weight;
        for (var d = 0u; d < HEAD4; d++) {
            sum[d] = fma(vec4<f32>(weight), key(m, at + shape.c4 + d), sum[d]);
        }
    }
    return Attention(top, total, sum);
}

// Where the row's part of `attended` begins.
fn out_at(row: Row) -> u32 {
    return (row.group * shape.rows + row.token) * shape.c4 + row.channel;
}

@compute @workgroup_size(QUERIES, PARTS)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_id) own: vec3<u32>) {
    let token = id.x * QUERIES + own.x;
    let row = Row(id.z, token, id.y, id.y * HEAD4);
    // The last workgroup may have fewer tokens; its other invocations come along to the barriers.
    let is_there = token < shape.tokens;
    var a: Attention;
    if (is_there) {
        a = attend(row, own.y, PARTS);
    }
    let lane = own.y * QUERIES + own.x;
    tops[lane] = a.top;
    totals[lane] = a.total;
    workgroupBarrier();
    var top = tops[own.x];
    for (var part = 1u; part < PARTS; part++) {
        top = max(top, tops[part * QUERIES + own.x]);
    }
    var total = 0.0;
    for (var part = 0u; part < PARTS; part++) {
        let at = part * QUERIES + own.x;
        total = fma(totals[at], exp(tops[at] - top), total);
    }
    let keep = exp(a.top - top);
    for (var first = 0u; first < HEAD4; first += PARTS) {
        // Counted from 0 so that compilers know every index, and keep the sum in registers.
        for (var d = 0u; d < HEAD4; d++) {
            if (d >= first && d < first + PARTS) {
                sums[(d - first) * LANES + lane] = a.sum[d] * keep;
            }
        }
        workgroupBarrier();
        // Each part adds up one of the vec4s.
        let d = first + own.y;
        if (is_there && d < HEAD4) {
            var sum = vec4<f32>();
            for (var part = 0u; part < PARTS; part++) {
                sum = sum + sums[own.y * LANES + part * QUERIES + own.x];
            }
            attended[out_at(row) + d] = sum / total;
        }
        workgroupBarrier();
    }
}
