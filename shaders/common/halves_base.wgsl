// f16 weights, two a word.

// Four columns of two rows of a matrix.
alias TwoRows = vec4<u32>;

fn upper(rows: TwoRows) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(rows.x), unpack2x16float(rows.y));
}

fn lower(rows: TwoRows) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(rows.z), unpack2x16float(rows.w));
}
