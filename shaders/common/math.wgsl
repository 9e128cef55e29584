// Functions that WGSL lacks or leaves too inexact: software drivers approximate log near 1 badly, and there is no erf.

// ln x of a positive normal number, relative error below 1e-6 also around 1.
fn ln(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    // Mantissa into [sqrt 1/2, sqrt 2), so that x near 1 has exponent 0 and nothing cancels.
    let shifted = bits - 0x3F3504F3u;
    let exponent = f32(bitcast<i32>(shifted) >> 23u);
    let m = bitcast<f32>((shifted & 0x007FFFFFu) + 0x3F3504F3u);
    let s = (m - 1.0) / (m + 1.0);
    let t = s * s;
    let series = 1.0 + t * (0.33333333 + t * (0.2 + t * (0.14285714 + t * 0.11111111)));
    return 2.0 * s * series + exponent * 0.69314718;
}

// x / 2 * (1 + erf(x / sqrt 2)): Abramowitz and Stegun 7.1.26, |error of erf| < 2e-7; the tail of negative x keeps its relative accuracy.
fn gelu(x: vec4<f32>) -> vec4<f32> {
    let z = abs(x) * 0.70710678;
    let t = 1.0 / (1.0 + 0.3275911 * z);
    let poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    let tail = 0.5 * poly * exp(-z * z);
    return x * select(tail, 1.0 - tail, x >= vec4<f32>(0.0));
}
