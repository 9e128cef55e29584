// The table of what lies beside what: keys of the tokens of the land (land), in ascending order; rows of bits, what may be drawn where one of them
// lies left, right, above or below (4, land + 1, words), the last where any does; which tokens lie those ways from one (tokens, 4), or NONE; what each
// token may be where nothing is settled (tokens, words). The kernel has `shape` and `adjacency`.

fn lies(n: u32) -> bool {
    return (around(n, 0u) & around(n, 1u) & around(n, 2u) & around(n, 3u)) != NONE;
}

fn around(n: u32, way: u32) -> u32 {
    return adjacency[shape.land + 4u * (shape.land + 1u) * shape.words + 4u * n + way];
}

fn row_at(way: u32, index: u32) -> u32 {
    return shape.land + (way * (shape.land + 1u) + index) * shape.words;
}

// Which of the land has this key, or NONE.
fn land_index(key: u32) -> u32 {
    var low = 0u;
    var high = shape.land;
    while (low < high) {
        let middle = (low + high) / 2u;
        if (adjacency[middle] < key) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    if (low < shape.land && adjacency[low] == key) {
        return low;
    }
    return NONE;
}
