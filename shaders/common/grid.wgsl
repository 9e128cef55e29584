// The grid of a frame's tokens, behind which the look may lie.

// Taps of a 3x3 neighbourhood, in rows.
const TAPS: u32 = 9u;
// The tap to a token's own place.
const OWN: u32 = 4u;
const OFF_GRID: u32 = 0xffffffffu;

// The token at `tap` around token `n` on a grid of `size`. The look has nobody around it, and is nobody's neighbour.
fn neighbour(n: u32, tap: u32, size: vec2<u32>) -> u32 {
    if (n >= size.x * size.y) {
        return select(OFF_GRID, n, tap == OWN);
    }
    // One off the grid wraps around to a huge number, which is off the grid too.
    let at = vec2<u32>(n % size.x, n / size.x) + vec2<u32>(tap % 3u, tap / 3u) - 1u;
    return select(OFF_GRID, at.y * size.x + at.x, all(at < size));
}
