// What each token of the land may be that is still masked: as `Adjacency::narrow` has it. One workgroup does it all, since tokens narrow each
// other down. What fits what is in the table, and rows of bits have one for each token of the land.

struct Shape {
    tokens: u32,
    dims: u32,
    levels: u32,
    // Tokens of the land, and words of a row of bits.
    land: u32,
    words: u32,
    sweeps: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// As in `adjacency.wgsl`.
@group(0) @binding(2) var<storage, read> adjacency: array<u32>;
// (halves, tokens, dims), what the map offers (tokens, dims), then what each token may be (tokens, words): none for one that is settled or does not
// lie on the land
@group(0) @binding(3) var<storage, read_write> tokens: array<u32>;
// (tokens, words), then (tokens): which of the land a token is, or OPEN, or NONE
@group(0) @binding(4) var<storage, read_write> scratch: array<u32>;

const WAYS: u32 = 4u;
const OPEN: u32 = 0xfffffffeu;

fn domain_at(n: u32) -> u32 {
    return 3u * shape.tokens * shape.dims + n * shape.words;
}

// Where it is said which of the land a token is.
fn index_at(n: u32) -> u32 {
    return shape.tokens * shape.words + n;
}

// Whether a token lies on the land and is still to be drawn.
fn is_open(n: u32) -> bool {
    return lies(n) && scratch[index_at(n)] == OPEN;
}

fn index_of(at: u32) -> u32 {
    var key = 0u;
    for (var d = 0u; d < shape.dims; d++) {
        // Unknown tokens have no key: their levels are none.
        if (tokens[at + d] >= shape.levels) {
            return NONE;
        }
        key = key * shape.levels + tokens[at + d];
    }
    return land_index(key);
}

// The tokens that fit the most of what is settled around it.
fn start(n: u32) {
    var rows: array<u32, WAYS>;
    var count = 0u;
    for (var way = 0u; way < WAYS; way++) {
        let m = around(n, way);
        if (m != NONE && scratch[index_at(m)] < OPEN) {
            rows[count] = row_at(way, scratch[index_at(m)]);
            count += 1u;
        }
    }
    // The most that something fits.
    var most = 0u;
    for (var word = 0u; word < shape.words; word++) {
        for (var want = count; want > most; want--) {
            if (fitting(rows, count, want, word) != 0u) {
                most = want;
            }
        }
    }
    for (var word = 0u; word < shape.words; word++) {
        tokens[domain_at(n) + word] = fitting(rows, count, most, word);
    }
}

// Of a word of bits those that are set in so many of the rows at least.
fn fitting(rows: array<u32, WAYS>, count: u32, want: u32, word: u32) -> u32 {
    var at_least = array<u32, WAYS + 1u>(0xffffffffu, 0u, 0u, 0u, 0u);
    if (word + 1u == shape.words && shape.land % 32u != 0u) {
        at_least[0] = (1u << (shape.land % 32u)) - 1u;
    }
    for (var i = 0u; i < count; i++) {
        let fits = adjacency[rows[i] + word];
        for (var more = i + 1u; more > 0u; more--) {
            at_least[more] |= at_least[more - 1u] & fits;
        }
    }
    return at_least[want];
}

// Of a word of bits those that fit at least one token of the domain at `m`, which lies that way.
fn fitting_any(m: u32, way: u32, word: u32) -> u32 {
    var there = 0u;
    for (var i = 0u; i < shape.words; i++) {
        there += countOneBits(tokens[domain_at(m) + i]);
    }
    if (there == shape.land) {
        return adjacency[row_at(way, shape.land) + word];
    }
    var fits = 0u;
    for (var i = 0u; i < shape.words; i++) {
        var left = tokens[domain_at(m) + i];
        while (left != 0u) {
            fits |= adjacency[row_at(way, 32u * i + firstTrailingBit(left)) + word];
            left &= left - 1u;
        }
    }
    return fits;
}

// Which of the land a token was, where all that is settled around it, and something is, is as it was; else NONE.
fn stays(n: u32, own_at: u32, before_at: u32) -> u32 {
    var any = false;
    for (var way = 0u; way < WAYS; way++) {
        let m = around(n, way);
        if (m != NONE && scratch[index_at(m)] != OPEN) {
            any = true;
            for (var d = 0u; d < shape.dims; d++) {
                if (tokens[own_at + m * shape.dims + d] != tokens[before_at + m * shape.dims + d]) {
                    return NONE;
                }
            }
        }
    }
    if (!any) {
        return NONE;
    }
    return index_of(before_at + n * shape.dims);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
    // In the first step of every frame nothing is settled.
    if (frame.groups[0].fresh == 1u) {
        let open_at = shape.land + 4u * (shape.land + 1u) * shape.words + 4u * shape.tokens;
        for (var i = lane; i < shape.tokens * shape.words; i += 256u) {
            tokens[domain_at(0u) + i] = adjacency[open_at + i];
        }
        return;
    }
    let half = frame.groups[0].half;
    let own_at = half * shape.tokens * shape.dims;
    let before_at = (1u - half) * shape.tokens * shape.dims;
    for (var n = lane; n < shape.tokens; n += 256u) {
        var index = OPEN;
        if (tokens[own_at + n * shape.dims] != MASKED) {
            index = index_of(own_at + n * shape.dims);
        }
        scratch[index_at(n)] = index;
    }
    storageBarrier();
    for (var n = lane; n < shape.tokens; n += 256u) {
        if (is_open(n)) {
            start(n);
        } else {
            for (var word = 0u; word < shape.words; word++) {
                tokens[domain_at(n) + word] = 0u;
            }
        }
    }
    for (var sweep = 0u; sweep < shape.sweeps; sweep++) {
        storageBarrier();
        for (var i = lane; i < shape.tokens * shape.words; i += 256u) {
            let n = i / shape.words;
            let word = i % shape.words;
            if (is_open(n)) {
                var next = tokens[domain_at(n) + word];
                for (var way = 0u; way < WAYS; way++) {
                    let m = around(n, way);
                    if (m != NONE && scratch[index_at(m)] == OPEN) {
                        next &= fitting_any(m, way, word);
                    }
                }
                scratch[i] = next;
            }
        }
        storageBarrier();
        for (var n = lane; n < shape.tokens; n += 256u) {
            if (is_open(n)) {
                var any = 0u;
                for (var word = 0u; word < shape.words; word++) {
                    any |= scratch[n * shape.words + word];
                }
                for (var word = 0u; any != 0u && word < shape.words; word++) {
                    tokens[domain_at(n) + word] = scratch[n * shape.words + word];
                }
            }
        }
    }
    storageBarrier();
    for (var n = lane; n < shape.tokens; n += 256u) {
        if (is_open(n)) {
            let index = stays(n, own_at, before_at);
            if (index != NONE) {
                tokens[domain_at(n) + index / 32u] |= 1u << (index % 32u);
            }
        }
    }
}
