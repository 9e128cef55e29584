// Every invocation has a row and takes in all of its keys.

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= shape.tokens || id.y >= shape.heads) {
        return;
    }
    let row = Row(id.z, id.x, id.y, id.y * HEAD4);
    let a = attend(row, 0u, 1u);
    for (var d = 0u; d < HEAD4; d++) {
        attended[out_at(row) + d] = a.sum[d] / a.total;
    }
}
