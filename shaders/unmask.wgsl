// Settles the tokens that are certain, and of the others the next in random order or the most confident, but for those that do not fit
// what is settled beside them or comes before; packs the codes for the host, with when and how surely each token was settled; says whether the
// next step, or mending, runs. One workgroup does it all, since every token's rank needs every other's key.

struct Shape {
    tokens: u32,
    dims: u32,
    // Of a step.
    passes: u32,
    // 1: there is a map.
    map: u32,
    levels: u32,
    // Tokens of the land where it is known what lies beside what, else 0, and words of a row of bits.
    land: u32,
    words: u32,
    // Tokens that have a patch: the one behind them is the look.
    patches: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (tokens, dims)
@group(0) @binding(2) var<storage, read> choice: array<u32>;
// (tokens)
@group(0) @binding(3) var<storage, read> confidence: array<f32>;
// (halves, tokens, dims), then what the map offers (tokens, dims)
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;
// (tokens, 4): sort key, lowest first; what the token is: settled, MASKED_STILL or CERTAIN; its rank; and which of the land it is, or NONE
@group(0) @binding(5) var<storage, read_write> keys: array<vec4<u32>>;
// (tokens * dims) bytes, four a word, and a word that is not this kernel's; then (tokens): the step that settled a token, and in the byte above
// how likely what was drawn is, of 255. They stay from step to step.
@group(0) @binding(6) var<storage, read_write> codes: array<u32>;
// (3, passes, 3): workgroups of every pass of a step, of one group of rows and of two; behind them those of the next step under adaptive
// decoding, all 0 where it has nothing to settle
@group(0) @binding(7) var<storage, read_write> dispatches: array<u32>;
// As in `adjacency.wgsl`.
@group(0) @binding(8) var<storage, read> adjacency: array<u32>;

// Masked tokens that are not certain, before this step settles any and behind it.
var<workgroup> uncertain: atomic<u32>;
var<workgroup> left: atomic<u32>;

const MASKED_STILL: u32 = 1u;
const CERTAIN: u32 = 2u;
// Settled by no step, and sure.
const GIVEN: u32 = 0xFF00u;

// Which of the land a token is, as it is settled or drawn.
fn index_of(n: u32, masked: bool, tokens_at: u32) -> u32 {
    var key = 0u;
    for (var d = 0u; d < shape.dims; d++) {
        var level = choice[n * shape.dims + d];
        if (!masked) {
            level = tokens[tokens_at + n * shape.dims + d];
        }
        // Unknown tokens have no key: their levels are none.
        if (level >= shape.levels) {
            return NONE;
        }
        key = key * shape.levels + level;
    }
    return land_index(key);
}

// Whether a token whose turn it is does not fit one around it that is settled or had its turn before.
fn clashes(n: u32) -> bool {
    let mine = keys[n];
    if (shape.land == 0u || frame.mending == 1u || frame.forced == 1u || mine.w == NONE) {
        return false;
    }
    for (var way = 0u; way < 4u; way++) {
        let m = around(n, way);
        if (m != NONE) {
            let other = keys[m];
            let counts = other.y != MASKED_STILL || other.z < mine.z;
            if (counts && other.w != NONE && (adjacency[row_at(way, other.w) + mine.w / 32u] >> (mine.w % 32u) & 1u) == 0u) {
                return true;
            }
        }
    }
    return false;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_id) id: vec3<u32>) {
    let g = frame.groups[0];
    let tokens_at = g.half * shape.tokens * shape.dims;
    if (id.x == 0u) {
        atomicStore(&uncertain, 0u);
        atomicStore(&left, 0u);
    }
    workgroupBarrier();
    for (var n = id.x; n < shape.tokens; n += 256u) {
        var key = 0u;
        if (frame.order == 0u) {
            key = random_bits(frame.seed, frame.frame, 0u, n, 0u);
        } else {
            // Bits of floats that are not negative sort like the floats.
            key = bitcast<u32>(abs(confidence[n]));
        }
        let masked = g.fresh == 1u || tokens[tokens_at + n * shape.dims] == MASKED;
        let unseen = shape.map == 1u && n != shape.patches && tokens[(2u * shape.tokens + n) * shape.dims] == UNKNOWN;
        let certain = frame.certain < 0.0 && confidence[n] >= frame.certain && !(unseen && frame.new_uncertain == 1u);
        var index = NONE;
        if (shape.land > 0u) {
            index = index_of(n, masked, tokens_at);
        }
        keys[n] = vec4<u32>(key, select(0u, select(MASKED_STILL, CERTAIN, certain), masked), 0u, index);
        if (masked && !certain) {
            atomicAdd(&uncertain, 1u);
        }
    }
    workgroupBarrier();
    storageBarrier();
    let count = atomicLoad(&uncertain);
    let settle = count - u32(f32(count) * frame.kept);
    for (var n = id.x; n < shape.tokens; n += 256u) {
        let mine = keys[n].xy;
        var rank = 0u;
        for (var m = 0u; m < shape.tokens; m++) {
            let other = keys[m].xy;
            let before = other.x < mine.x || (other.x == mine.x && m < n);
            rank = rank + u32(before && other.y == MASKED_STILL);
        }
        keys[n].z = rank;
    }
    workgroupBarrier();
    storageBarrier();
    let told_at = (shape.tokens * shape.dims + 3u) / 4u + 1u;
    for (var n = id.x; n < shape.tokens; n += 256u) {
        let mine = keys[n];
        if (mine.y != 0u) {
            // What stays masked is drawn again: the last time counts.
            codes[told_at + n] = frame.step | (min(u32(255.0 * exp(confidence[n]) + 0.5), 255u) << 8u);
            let settled = mine.y == CERTAIN || (mine.z < settle && !clashes(n));
            for (var d = 0u; d < shape.dims; d++) {
                tokens[tokens_at + n * shape.dims + d] = select(MASKED, choice[n * shape.dims + d], settled);
            }
            if (!settled) {
                atomicAdd(&left, 1u);
            }
        } else if (frame.step == 1u) {
            codes[told_at + n] = GIVEN;
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
        let runs = atomicLoad(&left) > 0u;
        for (var word = id.x; word < words; word += 256u) {
            dispatches[2u * words + word] = select(0u, dispatches[of_groups + word], runs);
        }
    }
}
