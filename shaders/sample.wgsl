// The head: draws the levels of a token, one code dimension after the other, each given those before it. Of every dimension
// argmax of logit / temperature + Gumbel noise, of equals the lowest level. One workgroup a token; sums run in a fixed order.
// A source that offers the token a whole one adds its gate to the logit of its level, as long as its levels before are those drawn.
// Where there is a vocabulary, levels that lead to none of its tokens, nor on along a source, are never drawn; where the map's offer holds,
// none but those along a source. Where it is known what a token of the land may be it is one of those, and of sources only those of what
// the map has. With guidance, logits are (1 + guidance) times those with the prompt less guidance times those without.
// Constants ahead of this text: UNITS (hidden units of a token, `dims * units`), LAND (tokens of the land where it is known what lies
// beside what, else 0), PATCHES (tokens that have a patch: the one behind them is the look).

struct Shape {
    tokens: u32,
    dims: u32,
    // Levels a dimension, at most LANES.
    levels: u32,
    // Hidden units a dimension.
    units: u32,
    // Width of a row of `hidden` with padding.
    row: u32,
    // Rows of a group, a multiple of 4.
    rows: u32,
    // Sources that may be copied from, at most SOURCES.
    sources: u32,
    // Tokens of the vocabulary; 0: any token may be drawn.
    vocabulary: u32,
}

const LANES: u32 = 64u;
// Words of a row of bits, one for each token of the land.
const LAND_WORDS: u32 = (LAND + 31u) / 32u;
const ALL: u32 = 0xffffffffu;
const SOURCES: u32 = 2u;

@group(0) @binding(1) var<uniform> shape: Shape;
// (groups, rows, row): hidden units before any level is known, then the gates of the sources; group 1 without the prompt
@group(0) @binding(2) var<storage, read> hidden: array<f32>;
// (dims * levels, UNITS): what a level adds to the hidden units of later dimensions
@group(0) @binding(3) var<storage, read> codes: array<f32>;
// (UNITS, levels)
@group(0) @binding(4) var<storage, read> weights: array<f32>;
// (dims, levels) f32, then the keys of the vocabulary in ascending order: levels as digits, the first the most significant; then those of
// the land
@group(0) @binding(5) var<storage, read> bias: array<u32>;
// (halves, tokens, dims), then what the map offers (tokens, dims), then what may be drawn (tokens, LAND_WORDS). In the frame's own half the
// levels to take where they are forced; the other half is what the frame before offers.
@group(0) @binding(6) var<storage, read> tokens: array<u32>;
// (tokens, dims)
@group(0) @binding(7) var<storage, read_write> choice: array<u32>;
// (tokens): sum over dimensions of the log-softmax at temperature 1 of the level chosen
@group(0) @binding(8) var<storage, read_write> confidence: array<f32>;
// (tokens, dims, levels): written where levels are forced
@group(0) @binding(9) var<storage, read_write> logits: array<f32>;

// Hidden units of the token, given the levels drawn so far.
var<workgroup> known: array<f32, UNITS>;
var<workgroup> part_sum: array<f32, LANES>;
var<workgroup> logit: array<f32, LANES>;
var<workgroup> score: array<f32, LANES>;
// Where the tokens of the vocabulary begin that go on with each level, and where those of the last end.
var<workgroup> begins: array<u32, LANES + 1u>;
// 1 where a level may be drawn.
var<workgroup> allowed: array<u32, LANES>;

// The first of the keys in `low..high` that is not less than `key`.
fn lower_bound(low_at: u32, high_at: u32, key: u32) -> u32 {
    let keys_at = shape.dims * shape.levels;
    var low = low_at;
    var high = high_at;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (bias[keys_at + middle] < key) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

// Whether one of the tokens `first..last` of the land may be drawn: a word of bits at a time, each asked for without waiting for another.
fn any_of(domain_at: u32, first: u32, last: u32) -> bool {
    if (first >= last) {
        return false;
    }
    let first_word = first / 32u;
    let last_word = (last - 1u) / 32u;
    var found = 0u;
    for (var word = first_word; word <= last_word; word++) {
        // Of the first word nothing before `first`, of the last nothing from `last` on.
        let before = select(0u, first % 32u, word == first_word);
        let behind = select(0u, 31u - (last - 1u) % 32u, word == last_word);
        found = found | (tokens[domain_at + word] & (ALL << before) & (ALL >> behind));
    }
    return found != 0u;
}

fn gumbel(bits: u32) -> f32 {
    let u = (f32(bits >> 9u) + 0.5) * 1.1920929e-7;
    return -ln(-ln(u));
}

// A lane's part of a logit without the prompt. What levels add to the hidden units is the same with and without.
fn unprompted_sum(n: u32, d: u32, part: u32, parts: u32, level: u32) -> f32 {
    let with_at = n * shape.row;
    let without_at = (shape.rows + n) * shape.row;
    var sum = 0.0;
    for (var unit = d * shape.units + part; unit < (d + 1u) * shape.units; unit += parts) {
        let value = known[unit] + hidden[without_at + unit] - hidden[with_at + unit];
        sum = fma(max(value, 0.0), weights[unit * shape.levels + level], sum);
    }
    return sum;
}

// What a source adds to the logit it points at.
fn gate(n: u32, source: u32) -> f32 {
    let with_at = n * shape.row + UNITS + source;
    var value = hidden[with_at];
    if (frame.guidance > 0.0) {
        value = (1.0 + frame.guidance) * value - frame.guidance * hidden[shape.rows * shape.row + with_at];
    }
    return value;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let n = workgroup.x;
    let half_words = shape.tokens * shape.dims;
    // What is settled stays as it is.
    let settled = frame.groups[0].fresh == 0u && tokens[frame.groups[0].half * half_words + n * shape.dims] != MASKED;
    if (settled && frame.forced == 0u) {
        return;
    }
    // A lane has one level, and of the hidden units every `parts`-th.
    let parts = LANES / shape.levels;
    let part = lane / shape.levels;
    let level = lane % shape.levels;
    for (var unit = lane; unit < UNITS; unit += LANES) {
        known[unit] = hidden[n * shape.row + unit];
    }
    let offered_at = array<u32, SOURCES>((1u - frame.groups[0].half) * half_words + n * shape.dims, 2u * half_words + n * shape.dims);
    // A source that is not there never agrees. Loops over all there can be are unrolled, and what they keep needs no memory.
    var agrees: array<bool, SOURCES>;
    var gates: array<f32, SOURCES>;
    for (var s = 0u; s < SOURCES; s++) {
        if (s < shape.sources) {
            agrees[s] = tokens[offered_at[s]] != UNKNOWN;
            gates[s] = gate(n, s);
        }
    }
    // The map is the last of two sources; the look lies nowhere on it.
    let offered = shape.sources < 2u || agrees[1] || n == PATCHES;
    // It is what a source offers, whatever else may be likely.
    let held = shape.sources == 2u && tokens[offered_at[1]] >= HELD;
    let temperature = select(frame.new_temperature, frame.temperature, offered);
    let min_p = select(frame.new_min_p, frame.min_p, offered);
    var total_confidence = 0.0;
    // Of a token of the land it is known what it may be.
    let domain_at = 3u * half_words + n * LAND_WORDS;
    var domain = 0u;
    for (var i = 0u; i < LAND_WORDS; i++) {
        domain = domain | tokens[domain_at + i];
    }
    let beside = domain != 0u;
    // What the frame before has of land that is new is there only if it fits.
    let copies = offered || !beside;
    // Tokens of the vocabulary that begin with the levels drawn so far, the key of these, and how many keys there are of each level.
    var low = select(0u, shape.vocabulary, beside);
    var high = select(shape.vocabulary, shape.vocabulary + LAND, beside);
    var key = 0u;
    var keys_a_level = 1u;
    for (var d = 1u; d < shape.dims; d++) {
        keys_a_level *= shape.levels;
    }
    for (var d = 0u; d < shape.dims; d++) {
        workgroupBarrier();
        // The level of each source.
        var offers: array<u32, SOURCES>;
        for (var s = 0u; s < SOURCES; s++) {
            offers[s] = tokens[offered_at[s] + d] % HELD;
        }
        var sum = 0.0;
        if (part < parts) {
            for (var unit = d * shape.units + part; unit < (d + 1u) * shape.units; unit += parts) {
                sum = fma(max(known[unit], 0.0), weights[unit * shape.levels + level], sum);
            }
            if (frame.guidance > 0.0) {
                sum = (1.0 + frame.guidance) * sum - frame.guidance * unprompted_sum(n, d, part, parts, level);
            }
        }
        part_sum[lane] = sum;
        if (lane < shape.levels) {
            begins[lane] = lower_bound(low, high, (key * shape.levels + lane) * keys_a_level);
        }
        if (lane == 0u) {
            begins[shape.levels] = high;
        }
        workgroupBarrier();
        if (lane < shape.levels) {
            let at = d * shape.levels + lane;
            var value = bitcast<f32>(bias[at]);
            for (var p = 0u; p < parts; p++) {
                value = value + part_sum[p * shape.levels + lane];
            }
            var pointed = false;
            for (var s = 0u; s < SOURCES; s++) {
                if (agrees[s] && offers[s] == lane) {
                    value = value + gates[s];
                    pointed = copies;
                }
            }
            let first = begins[lane];
            let last = begins[lane + 1u];
            var leads_on = shape.vocabulary == 0u || first < last;
            if (beside) {
                leads_on = any_of(domain_at, first - shape.vocabulary, last - shape.vocabulary);
            }
            allowed[lane] = u32((leads_on && !held) || pointed || frame.forced == 1u);
            logit[lane] = value;
            if (frame.forced == 1u) {
                logits[n * shape.dims * shape.levels + at] = value;
            }
            if (temperature > 0.0) {
                value = value / temperature + gumbel(random_bits(frame.seed, frame.frame, frame.step, n, at));
            }
            score[lane] = value;
        }
        workgroupBarrier();
        // Every lane finds the same best level by itself.
        var top = -3.0e38;
        for (var l = 0u; l < shape.levels; l++) {
            top = select(top, max(top, logit[l]), allowed[l] == 1u);
        }
        let least = top + ln(min_p);
        var best = 0u;
        var best_score = -3.0e38;
        for (var l = 0u; l < shape.levels; l++) {
            if (allowed[l] == 1u && (min_p == 0.0 || logit[l] >= least) && score[l] > best_score) {
                best = l;
                best_score = score[l];
            }
        }
        if (frame.forced == 1u) {
            best = tokens[(frame.groups[0].half * shape.tokens + n) * shape.dims + d];
        }
        for (var s = 0u; s < SOURCES; s++) {
            agrees[s] = agrees[s] && offers[s] == best;
        }
        // Beyond the vocabulary there is nothing but what a source goes on with.
        if (shape.vocabulary > 0u && best < shape.levels) {
            low = begins[best];
            high = begins[best + 1u];
            key = key * shape.levels + best;
            keys_a_level /= shape.levels;
        }
        // A forced level may be unknown and then says nothing.
        if (best < shape.levels) {
            let codes_at = (d * shape.levels + best) * UNITS;
            for (var unit = (d + 1u) * shape.units + lane; unit < UNITS; unit += LANES) {
                known[unit] = known[unit] + codes[codes_at + unit];
            }
        }
        if (lane == 0u) {
            choice[n * shape.dims + d] = best;
            if (best < shape.levels) {
                var total = 0.0;
                for (var l = 0u; l < shape.levels; l++) {
                    total = total + select(0.0, exp(logit[l] - top), allowed[l] == 1u);
                }
                total_confidence = total_confidence + logit[best] - top - ln(total);
            }
        }
    }
    if (lane == 0u) {
        confidence[n] = total_confidence;
    }
}
