// Named random numbers: the same (seed, frame, step, token, dim) always gives the same bits.

fn mix_in(h: u32, x: u32) -> u32 {
    var v = (h ^ x) * 0x9E3779B1u;
    v = v ^ (v >> 15u);
    v = v * 0x85EBCA77u;
    return v ^ (v >> 13u);
}

fn random_bits(seed: u32, frame_number: u32, step: u32, token: u32, dim: u32) -> u32 {
    return mix_in(mix_in(mix_in(mix_in(mix_in(0x243F6A88u, seed), frame_number), step), token), dim);
}
