// Chooses a level for every code dimension of every token: argmax of logit / temperature + Gumbel noise, of equals the lowest level.

struct Shape {
    tokens: u32,
    dims: u32,
    levels: u32,
    // Width of a row of logits with padding.
    row: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (rows, row): level l of dimension d at d * levels + l
@group(0) @binding(2) var<storage, read> logits: array<f32>;
// (tokens, dims)
@group(0) @binding(3) var<storage, read_write> choice: array<u32>;
// (tokens, dims): log-softmax at temperature 1 of the level chosen
@group(0) @binding(4) var<storage, read_write> confidence: array<f32>;

fn gumbel(bits: u32) -> f32 {
    let u = (f32(bits >> 9u) + 0.5) * 1.1920929e-7;
    return -ln(-ln(u));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= shape.tokens * shape.dims) {
        return;
    }
    let n = id.x / shape.dims;
    let d = id.x % shape.dims;
    let at = n * shape.row + d * shape.levels;
    var top = logits[at];
    for (var l = 1u; l < shape.levels; l++) {
        top = max(top, logits[at + l]);
    }
    var best = 0u;
    var best_score = -3.4e38;
    var total = 0.0;
    for (var l = 0u; l < shape.levels; l++) {
        let logit = logits[at + l];
        total = total + exp(logit - top);
        var score = logit;
        if (frame.temperature > 0.0) {
            score = logit / frame.temperature + gumbel(random_bits(frame.seed, frame.frame, frame.step, n, d * shape.levels + l));
        }
        if (score > best_score) {
            best = l;
            best_score = score;
        }
    }
    choice[id.x] = best;
    confidence[id.x] = logits[at + best] - top - ln(total);
}
