// Settles the tokens that are certain, and of the others the next in random order or the most confident; packs the codes for the host; says
// whether the next step runs. One workgroup does it all, since every token's rank needs every other's key.

struct Shape {
    tokens: u32,
    dims: u32,
    // Of a step.
    passes: u32,
    // 1: there is a map.
    map: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (tokens, dims)
@group(0) @binding(2) var<storage, read> choice: array<u32>;
// (tokens)
@group(0) @binding(3) var<storage, read> confidence: array<f32>;
// (halves, tokens, dims), then what the map offers (tokens, dims)
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;
// (tokens, 2): sort key, lowest first, and what the token is: settled, MASKED_STILL or CERTAIN
@group(0) @binding(5) var<storage, read_write> keys: array<vec2<u32>>;
// (tokens * dims) bytes, four a word
@group(0) @binding(6) var<storage, read_write> codes: array<u32>;
// (3, passes, 3): workgroups of every pass of a step, of one group of rows and of two; behind them those of the next step under adaptive
// decoding, all 0 where it has nothing to settle
@group(0) @binding(7) var<storage, read_write> dispatches: array<u32>;

var<workgroup> left: atomic<u32>;

const MASKED_STILL: u32 = 1u;
const CERTAIN: u32 = 2u;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_id) id: vec3<u32>) {
    let g = frame.groups[0];
    let tokens_at = g.half * shape.tokens * shape.dims;
    for (var n = id.x; n < shape.tokens; n += 256u) {
        var key = 0u;
        if (frame.order == 0u) {
            key = random_bits(frame.seed, frame.frame, 0u, n, 0u);
        } else {
            // Bits of floats that are not negative sort like the floats.
            key = bitcast<u32>(abs(confidence[n]));
        }
        let masked = g.fresh == 1u || tokens[tokens_at + n * shape.dims] == MASKED;
        let unseen = shape.map == 1u && tokens[(2u * shape.tokens + n) * shape.dims] == UNKNOWN;
        let certain = frame.certain < 0.0 && confidence[n] >= frame.certain && !(unseen && frame.new_uncertain == 1u);
        keys[n] = vec2<u32>(key, select(0u, select(MASKED_STILL, CERTAIN, certain), masked));
    }
    if (id.x == 0u) {
        atomicStore(&left, 0u);
    }
    workgroupBarrier();
    storageBarrier();
    var uncertain = 0u;
    for (var m = 0u; m < shape.tokens; m++) {
        uncertain = uncertain + u32(keys[m].y == MASKED_STILL);
    }
    let settle = uncertain - u32(f32(uncertain) * frame.kept);
    for (var n = id.x; n < shape.tokens; n += 256u) {
        let mine = keys[n];
        if (mine.y != 0u) {
            var rank = 0u;
            for (var m = 0u; m < shape.tokens; m++) {
                let other = keys[m];
                let before = other.x < mine.x || (other.x == mine.x && m < n);
                rank = rank + u32(before && other.y == MASKED_STILL);
            }
            let settled = mine.y == CERTAIN || rank < settle;
            for (var d = 0u; d < shape.dims; d++) {
                tokens[tokens_at + n * shape.dims + d] = select(MASKED, choice[n * shape.dims + d], settled);
            }
            if (!settled) {
                atomicAdd(&left, 1u);
            }
        }
    }
    workgroupBarrier();
    storageBarrier();
    let total = shape.tokens * shape.dims;
    for (var word = id.x; word * 4u < total; word += 256u) {
        var packed = 0u;
        for (var i = 0u; i < 4u; i++) {
            let at = word * 4u + i;
            if (at < total) {
                packed = packed | (tokens[tokens_at + at] << (8u * i));
            }
        }
        codes[word] = packed;
    }
    if (frame.certain < 0.0) {
        let words = 3u * shape.passes;
        let of_groups = select(0u, words, frame.guidance > 0.0);
        let runs = frame.last == 0u && atomicLoad(&left) > 0u;
        for (var word = id.x; word < words; word += 256u) {
            dispatches[2u * words + word] = select(0u, dispatches[of_groups + word], runs);
        }
    }
}
