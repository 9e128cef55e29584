// Softmax attention of one query of one head over keys that arrive one by one.

struct Attention {
    query: array<f32, HEAD_DIM>,
    // Largest score so far; weights are relative to it.
    top: f32,
    // Sum of weights, and of weighted values.
    total: f32,
    sum: array<f32, HEAD_DIM>,
}

// Takes in a key's score and returns the weight of its value; older sums are scaled to the new top.
fn attend_weight(a: ptr<function, Attention>, score: f32) -> f32 {
    if (score > (*a).top) {
        let keep = exp((*a).top - score);
        (*a).total = (*a).total * keep;
        for (var d = 0u; d < HEAD_DIM; d++) {
            (*a).sum[d] = (*a).sum[d] * keep;
        }
        (*a).top = score;
    }
    let weight = exp(score - (*a).top);
    (*a).total = (*a).total + weight;
    return weight;
}
