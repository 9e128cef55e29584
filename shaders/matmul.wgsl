// y = epilogue(prologue(x) W + b). Prologue: none, or the modulated RMS norm of the row; epilogue: none, GELU, or addition to what y holds.
// Constants ahead of this text: NORM, GELU, RESIDUAL, SCATTER; the tile, ROWS (1, 2 or 4), ACROSS and DOWN.
//
// Weights are f16, read in each tier's own way (`common/halves_*.wgsl`); sums are f32. Every thread makes ROWS rows by 4 columns in
// registers, without workgroup memory; a workgroup is ACROSS by DOWN threads. Whatever the tile, a sum runs over k in the same order.
// The norm costs no pass of its own: rms(x) g W = (x g W) / root-mean-square(x), whose sum of squares is gathered along the way;
// the modulation's shift reaches here as a part of the bias, one row for each action.

struct Shape {
    // Widths of x and y in vec4.
    k4: u32,
    m4: u32,
    // Rows of a group, a multiple of 4.
    rows: u32,
    // Channels that the norm's mean runs over (without padding).
    width: u32,
    // vec4s from one action's row to the next; 0 where all share one.
    gain_row: u32,
    bias_row: u32,
    // First vec4 column that the ring keeps (SCATTER).
    ring_from: u32,
    // First vec4 of the gains.
    gain_from: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (groups, rows, k4)
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
// (k / 2, m4): f16 weights of two rows of W, four columns each
@group(0) @binding(3) var<storage, read> w: array<TwoRows>;
// (actions + 1, m4)
@group(0) @binding(4) var<storage, read> bias: array<vec4<f32>>;
// (actions + 1, k4), from `gain_from` on
@group(0) @binding(5) var<storage, read> gain: array<vec4<f32>>;
// (groups, rows, m4)
@group(0) @binding(6) var<storage, read_write> y: array<vec4<f32>>;
// (window, rows, m4 - ring_from)
@group(0) @binding(7) var<storage, read_write> ring: array<vec4<f32>>;

fn write(group: u32, row: u32, column: u32, sum: vec4<f32>, squares: vec4<f32>) {
    var value = sum;
    if (NORM) {
        let mean = dot(squares, vec4<f32>(1.0)) / f32(shape.width);
        value = value * (1.0 / sqrt(mean + 1e-5));
    }
    value = value + bias[frame.groups[group].action * shape.bias_row + column];
    if (GELU) {
        value = gelu(value);
    }
    let at = (group * shape.rows + row) * shape.m4 + column;
    if (RESIDUAL) {
        value = value + y[at];
    }
    y[at] = value;
    if (SCATTER) {
        let slot = frame.groups[group].store;
        if (slot != NONE && column >= shape.ring_from) {
            ring[(slot * shape.rows + row) * (shape.m4 - shape.ring_from) + column - shape.ring_from] = value;
        }
    }
}

// Four terms of each of four sums.
fn add_products(sums: vec4<f32>, x: vec4<f32>, w0: vec4<f32>, w1: vec4<f32>, w2: vec4<f32>, w3: vec4<f32>) -> vec4<f32> {
    var sum = fma(x.xxxx, w0, sums);
    sum = fma(x.yyyy, w1, sum);
    sum = fma(x.zzzz, w2, sum);
    return fma(x.wwww, w3, sum);
}

@compute @workgroup_size(ACROSS, DOWN)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x;
    let row = id.y * ROWS;
    let group = id.z;
    if (column >= shape.m4 || row >= shape.rows) {
        return;
    }
    let x_at = (group * shape.rows + row) * shape.k4;
    let gain_at = shape.gain_from + frame.groups[group].action * shape.gain_row;
    var sum0 = vec4<f32>();
    var sum1 = vec4<f32>();
    var sum2 = vec4<f32>();
    var sum3 = vec4<f32>();
    var squares0 = vec4<f32>();
    var squares1 = vec4<f32>();
    var squares2 = vec4<f32>();
    var squares3 = vec4<f32>();
    for (var k = 0u; k < shape.k4; k++) {
        let wa = w[2u * k * shape.m4 + column];
        let wb = w[(2u * k + 1u) * shape.m4 + column];
        let w0 = upper(wa);
        let w1 = lower(wa);
        let w2 = upper(wb);
        let w3 = lower(wb);
        var g = vec4<f32>(1.0);
        if (NORM) {
            g = gain[gain_at + k];
        }
        var x0 = x[x_at + k];
        if (NORM) {
            squares0 = fma(x0, x0, squares0);
            x0 = x0 * g;
        }
        sum0 = add_products(sum0, x0, w0, w1, w2, w3);
        if (ROWS > 1u) {
            var x1 = x[x_at + shape.k4 + k];
            if (NORM) {
                squares1 = fma(x1, x1, squares1);
                x1 = x1 * g;
            }
            sum1 = add_products(sum1, x1, w0, w1, w2, w3);
        }
        if (ROWS > 2u) {
            var x2 = x[x_at + 2u * shape.k4 + k];
            var x3 = x[x_at + 3u * shape.k4 + k];
            if (NORM) {
                squares2 = fma(x2, x2, squares2);
                squares3 = fma(x3, x3, squares3);
                x2 = x2 * g;
                x3 = x3 * g;
            }
            sum2 = add_products(sum2, x2, w0, w1, w2, w3);
            sum3 = add_products(sum3, x3, w0, w1, w2, w3);
        }
    }
    write(group, row, column, sum0, squares0);
    if (ROWS > 1u) {
        write(group, row + 1u, column, sum1, squares1);
    }
    if (ROWS > 2u) {
        write(group, row + 2u, column, sum2, squares2);
        write(group, row + 3u, column, sum3, squares3);
    }
}
