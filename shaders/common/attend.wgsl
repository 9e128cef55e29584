// Softmax attention of one query of one head over keys that arrive one by one. A head is HEAD4 vec4s wide, its last one padded with zeros.

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

struct Attention {
    query: array<vec4<f32>, HEAD4>,
    // Largest score so far; weights are relative to it.
    top: f32,
    // Sum of weights, and of weighted values.
    total: f32,
    sum: array<vec4<f32>, HEAD4>,
}

// Takes in a key's score and returns the weight of its value; older sums are scaled to the new top.
fn attend_weight(a: ptr<function, Attention>, score: f32) -> f32 {
    if (score > (*a).top) {
        let keep = exp((*a).top - score);
        (*a).total = (*a).total * keep;
        for (var d = 0u; d < HEAD4; d++) {
            (*a).sum[d] = (*a).sum[d] * keep;
        }
        (*a).top = score;
    }
    let weight = exp(score - (*a).top);
    (*a).total = (*a).total + weight;
    return weight;
}
