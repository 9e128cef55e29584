// The grid of a frame's tokens.

// Taps of a 3x3 neighbourhood, in rows.
const TAPS: u32 = 9u;
const OFF_GRID: u32 = 0xffffffffu;

// The token at `tap` around token `n` on a grid of `size`.
fn neighbour(n: u32, tap: u32, size: vec2<u32>) -> u32 {
    // One off the grid wraps around to a huge number, which is off the grid too.
    let at = vec2<u32>(n % size.x, n / size.x) + vec2<u32>(tap % 3u, tap / 3u) - 1u;
    return select(OFF_GRID, at.y * size.x + at.x, all(at < size));
}
