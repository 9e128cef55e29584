// What a look sets in the decoder: a gain for every channel behind each of its norms, 1 + silu(values hidden + bias) weights.
// Every workgroup makes the hidden units for itself, LANES at a time; a thread makes four gains.

struct Shape {
    tokens: u32,
    // FSQ dimensions a token and levels a dimension.
    dims: u32,
    levels: u32,
    // Hidden units.
    units: u32,
    // Gains in vec4.
    g4: u32,
}

const LANES: u32 = 64u;

@group(0) @binding(1) var<uniform> shape: Shape;
// (halves, tokens, dims): the look is the last of a frame
@group(0) @binding(2) var<storage, read> tokens: array<u32>;
// (dims, units)
@group(0) @binding(3) var<storage, read> hidden: array<f32>;
// (units)
@group(0) @binding(4) var<storage, read> bias: array<f32>;
// (units, g4)
@group(0) @binding(5) var<storage, read> weights: array<vec4<f32>>;
// (g4)
@group(0) @binding(6) var<storage, read_write> gains: array<vec4<f32>>;

var<workgroup> raised: array<f32, LANES>;

fn unit(at: u32) -> f32 {
    let look_at = ((frame.groups[0].half + 1u) * shape.tokens - 1u) * shape.dims;
    var sum = bias[at];
    for (var d = 0u; d < shape.dims; d++) {
        let level = tokens[look_at + d];
        // An unknown level is read as the middle, 0.
        if (level != UNKNOWN) {
            sum = sum + (2.0 * f32(level) / f32(shape.levels - 1u) - 1.0) * hidden[d * shape.units + at];
        }
    }
    return sum / (1.0 + exp(-sum));
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    var sum = vec4<f32>(1.0);
    for (var first = 0u; first < shape.units; first += LANES) {
        if (first + lane < shape.units) {
            raised[lane] = unit(first + lane);
        }
        workgroupBarrier();
        let count = select(0u, min(LANES, shape.units - first), id.x < shape.g4);
        for (var i = 0u; i < count; i++) {
            sum = fma(vec4<f32>(raised[i]), weights[(first + i) * shape.g4 + id.x], sum);
        }
        workgroupBarrier();
    }
    if (id.x < shape.g4) {
        gains[id.x] = sum;
    }
}
