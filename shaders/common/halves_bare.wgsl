// f16 weights for devices without unpack2x16float: exponent and mantissa moved to where f32 has them, then scaled by 2^112 for the
// difference of the exponents' biases. Where a device flushes subnormal numbers, weights below 6e-5 become 0.

// Four columns of two rows of a matrix.
alias TwoRows = vec4<u32>;

fn halves(word: u32) -> vec2<f32> {
    let both = vec2<u32>(word << 16u, word);
    let moved = ((both & vec2<u32>(0x7FFF0000u)) >> vec2<u32>(3u)) | (both & vec2<u32>(0x80000000u));
    return bitcast<vec2<f32>>(moved) * 5.192296858534828e33;
}

fn upper(rows: TwoRows) -> vec4<f32> {
    return vec4<f32>(halves(rows.x), halves(rows.y));
}

fn lower(rows: TwoRows) -> vec4<f32> {
    return vec4<f32>(halves(rows.z), halves(rows.w));
}
