// Settles the next tokens of the frame, in random order or the most confident first, and packs the codes for the host.
// One workgroup does it all, since every token's rank needs every other's key.

struct Shape {
    tokens: u32,
    dims: u32,
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(1) var<uniform> shape: Shape;
// (tokens, dims)
@group(0) @binding(2) var<storage, read> choice: array<u32>;
// (tokens)
@group(0) @binding(3) var<storage, read> confidence: array<f32>;
// (halves, tokens, dims)
@group(0) @binding(4) var<storage, read_write> tokens: array<u32>;
// (tokens, 2): sort key, lowest first, and whether the token is still masked
@group(0) @binding(5) var<storage, read_write> keys: array<vec2<u32>>;
// (tokens * dims) bytes, four a word
@group(0) @binding(6) var<storage, read_write> codes: array<u32>;

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
        keys[n] = vec2<u32>(key, u32(masked));
    }
    storageBarrier();
    for (var n = id.x; n < shape.tokens; n += 256u) {
        let mine = keys[n];
        if (mine.y == 1u) {
            var rank = 0u;
            for (var m = 0u; m < shape.tokens; m++) {
                let other = keys[m];
                let before = other.x < mine.x || (other.x == mine.x && m < n);
                rank = rank + select(0u, other.y, before);
            }
            for (var d = 0u; d < shape.dims; d++) {
                tokens[tokens_at + n * shape.dims + d] = select(MASKED, choice[n * shape.dims + d], rank < frame.settle);
            }
        }
    }
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
}
