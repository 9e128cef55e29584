// Attention of each token to the words of the prompt. Constants ahead of this text: HEAD4.

// (groups, rows, c4)
@group(0) @binding(2) var<storage, read> queries: array<vec4<f32>>;
// (prompt slots, room, 2 c4): k at 0, v at `c4`
@group(0) @binding(3) var<storage, read> words: array<vec4<f32>>;
// (prompt slots, room): what scores are raised by
@group(0) @binding(4) var<storage, read> shares: array<f32>;
// (groups, rows, c4)
@group(0) @binding(5) var<storage, read_write> attended: array<vec4<f32>>;

fn query_at(row: Row) -> u32 {
    return out_at(row);
}

fn query(at: u32) -> vec4<f32> {
    return queries[at];
}

fn keys(row: Row) -> u32 {
    return frame.groups[row.group].words;
}

// Of a word among those of all slots.
fn word_at(row: Row, word: u32) -> u32 {
    return frame.groups[row.group].prompt * shape.room + word;
}

fn key_at(row: Row, word: u32) -> u32 {
    return word_at(row, word) * 2u * shape.c4 + row.channel;
}

fn key(word: u32, at: u32) -> vec4<f32> {
    return words[at];
}

fn raise(row: Row, word: u32) -> f32 {
    return shares[word_at(row, word)];
}
