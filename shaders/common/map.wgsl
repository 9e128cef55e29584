// The map of tokens last seen: a torus of SIDE by SIDE places in steps, and where the dream is on it; behind it what never scrolls.

const SIDE: u32 = 256u;

// In place of the frame that last showed a place: none did yet, and it is known what the first will show.
const IMAGINED: u32 = 0xffffffffu;
// Added to the levels that are offered for such a place: they hold.
const HELD: u32 = 256u;

// What is counted from frame to frame.
struct Odometer {
    // Place of the upper left corner of the last frame remembered.
    view: vec2<i32>,
    // Frames remembered.
    frames: u32,
    // How far the last two pictures lie apart if the view moved between them, and if it stayed: as they are, and each without what its tokens
    // have in common.
    as_they_are: vec2<u32>,
    alone: vec2<u32>,
}

// Words of a place: x, y, the frame that last showed it (from 1; 0 where none did, or IMAGINED), its levels four a word.
fn place_words(dims: u32) -> u32 {
    return 3u + (dims + 3u) / 4u;
}

// Word of what a token may copy that never scrolls, behind the places: 1, and its levels four a word; 0 where a token scrolls.
fn pose_at(token: u32, dims: u32) -> u32 {
    return SIDE * SIDE * place_words(dims) + token * (1u + (dims + 3u) / 4u);
}

// First word of the place `at`.
fn place_at(at: vec2<i32>, dims: u32) -> u32 {
    let on_torus = bitcast<vec2<u32>>(at) & vec2<u32>(SIDE - 1u);
    return (on_torus.y * SIDE + on_torus.x) * place_words(dims);
}
