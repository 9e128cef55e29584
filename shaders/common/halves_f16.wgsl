// f16 weights on devices that have the type.

// Four columns of two rows of a matrix.
struct TwoRows {
    upper: vec4<f16>,
    lower: vec4<f16>,
}

fn upper(rows: TwoRows) -> vec4<f32> {
    return vec4<f32>(rows.upper);
}

fn lower(rows: TwoRows) -> vec4<f32> {
    return vec4<f32>(rows.lower);
}
