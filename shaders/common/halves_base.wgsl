// Two f16 numbers out of one word.
fn halves(word: u32) -> vec2<f32> {
    return unpack2x16float(word);
}
