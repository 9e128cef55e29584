// y = epilogue(prologue(x) W + b). Prologue: none, or the modulated RMS norm of the row; epilogue: none, GELU, or addition to what y holds.
// Constants ahead of this text: WIDE, NORM, GELU, RESIDUAL, SCATTER; PARTS (1, 2 or 4); the tile, ROWS (1, 2 or 4), ACROSS and DOWN.
//
// Weights are f16, read in each tier's own way (`common/halves_*.wgsl`); sums are f32. Every thread makes ROWS rows by 4 columns in
// registers; a workgroup is ACROSS by DOWN threads, PARTS times. Each part sums up its stretch of k, and the first adds what the others
// have to its own, in their order. Whatever the tile, a sum runs over k in the same order.
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

// Threads of a part, and how many sums the parts behind the first leave for it (one, unused, where there are none).
const LANES: u32 = ACROSS * DOWN;
const LEFT: u32 = max((PARTS - 1u) * LANES, 1u);

// (ROWS, parts behind the first, lanes)
var<workgroup> left_sums: array<vec4<f32>, ROWS * LEFT>;
var<workgroup> left_squares: array<f32, ROWS * LEFT>;

// Sums of four columns of a row, and of the squares of the row.
struct Sum {
    sum: vec4<f32>,
    squares: vec4<f32>,
}

struct Sums {
    row0: Sum,
    row1: Sum,
    row2: Sum,
    row3: Sum,
}

// What is read for one step along k: four rows of W, four columns each, and four channels of each row of x.
struct Terms {
    wa: TwoRows,
    wb: TwoRows,
    gain: vec4<f32>,
    x0: vec4<f32>,
    x1: vec4<f32>,
    x2: vec4<f32>,
    x3: vec4<f32>,
}

fn terms(k: u32, column: u32, x_at: u32, gain_at: u32) -> Terms {
    var t: Terms;
    t.wa = w[2u * k * shape.m4 + column];
    t.wb = w[(2u * k + 1u) * shape.m4 + column];
    if (NORM) {
        t.gain = gain[gain_at + k];
    }
    t.x0 = x[x_at + k];
    if (ROWS > 1u) {
        t.x1 = x[x_at + shape.k4 + k];
    }
    if (ROWS > 2u) {
        t.x2 = x[x_at + 2u * shape.k4 + k];
        t.x3 = x[x_at + 3u * shape.k4 + k];
    }
    return t;
}

// Four terms of each of four sums.
fn add_products(s: Sum, x: vec4<f32>, gain: vec4<f32>, w0: vec4<f32>, w1: vec4<f32>, w2: vec4<f32>, w3: vec4<f32>) -> Sum {
    var squares = s.squares;
    var raised = x;
    if (NORM) {
        squares = fma(x, x, squares);
        raised = x * gain;
    }
    var sum = fma(raised.xxxx, w0, s.sum);
    sum = fma(raised.yyyy, w1, sum);
    sum = fma(raised.zzzz, w2, sum);
    return Sum(fma(raised.wwww, w3, sum), squares);
}

fn add(sums: Sums, t: Terms) -> Sums {
    let w0 = upper(t.wa);
    let w1 = lower(t.wa);
    let w2 = upper(t.wb);
    let w3 = lower(t.wb);
    var s = sums;
    s.row0 = add_products(s.row0, t.x0, t.gain, w0, w1, w2, w3);
    if (ROWS > 1u) {
        s.row1 = add_products(s.row1, t.x1, t.gain, w0, w1, w2, w3);
    }
    if (ROWS > 2u) {
        s.row2 = add_products(s.row2, t.x2, t.gain, w0, w1, w2, w3);
        s.row3 = add_products(s.row3, t.x3, t.gain, w0, w1, w2, w3);
    }
    return s;
}

fn leave(row: u32, at: u32, s: Sum) {
    left_sums[row * LEFT + at] = s.sum;
    if (NORM) {
        left_squares[row * LEFT + at] = dot(s.squares, vec4<f32>(1.0));
    }
}

// A sum of the first part with what the others have left for it.
fn with_left(row: u32, lane: u32, s: Sum) -> Sum {
    var whole = s;
    for (var part = 1u; part < PARTS; part++) {
        let at = row * LEFT + (part - 1u) * LANES + lane;
        whole.sum = whole.sum + left_sums[at];
        if (NORM) {
            whole.squares.x = whole.squares.x + left_squares[at];
        }
    }
    return whole;
}

fn write(group: u32, row: u32, column: u32, s: Sum) {
    var value = s.sum;
    if (NORM) {
        let mean = dot(s.squares, vec4<f32>(1.0)) / f32(shape.width);
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

@compute @workgroup_size(ACROSS, DOWN, PARTS)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_id) own: vec3<u32>) {
    let column = id.x * ACROSS + own.x;
    let row = (id.y * DOWN + own.y) * ROWS;
    let group = id.z;
    let part = own.z;
    let is_there = column < shape.m4 && row < shape.rows;
    let x_at = (group * shape.rows + row) * shape.k4;
    let gain_at = shape.gain_from + frame.groups[group].action * shape.gain_row;
    // Stretches are of whole fours of steps, but for the last.
    let stretch = (shape.k4 + 4u * PARTS - 1u) / (4u * PARTS) * 4u;
    var k = part * stretch;
    let end = select(0u, min(k + stretch, shape.k4), is_there);
    var sums: Sums;
    // What four steps take is on its way before any of it is waited for. A processor that plays the device has too few registers for it.
    if (WIDE) {
        for (; k + 4u <= end; k += 4u) {
            let t0 = terms(k, column, x_at, gain_at);
            let t1 = terms(k + 1u, column, x_at, gain_at);
            let t2 = terms(k + 2u, column, x_at, gain_at);
            let t3 = terms(k + 3u, column, x_at, gain_at);
            sums = add(add(add(add(sums, t0), t1), t2), t3);
        }
    }
    for (; k < end; k++) {
        sums = add(sums, terms(k, column, x_at, gain_at));
    }
    let lane = own.y * ACROSS + own.x;
    if (PARTS > 1u) {
        if (part > 0u) {
            let at = (part - 1u) * LANES + lane;
            leave(0u, at, sums.row0);
            if (ROWS > 1u) {
                leave(1u, at, sums.row1);
            }
            if (ROWS > 2u) {
                leave(2u, at, sums.row2);
                leave(3u, at, sums.row3);
            }
        }
        workgroupBarrier();
    }
    if (part > 0u || !is_there) {
        return;
    }
    write(group, row, column, with_left(0u, lane, sums.row0));
    if (ROWS > 1u) {
        write(group, row + 1u, column, with_left(1u, lane, sums.row1));
    }
    if (ROWS > 2u) {
        write(group, row + 2u, column, with_left(2u, lane, sums.row2));
        write(group, row + 3u, column, with_left(3u, lane, sums.row3));
    }
}
