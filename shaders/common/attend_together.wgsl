// Every subgroup, however large, has a row and shares out its keys: the way through them is as many times shorter. A workgroup has TOKENS
// tokens and shares them out among its subgroups. How a subgroup adds is the device's affair, and the same every time.

const TOKENS: u32 = 4u;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(subgroup_size) size: u32,
) {
    // One that is larger than the workgroup is not full.
    let lanes = min(size, 64u);
    for (var i = subgroup; i < TOKENS; i += subgroups) {
        let token = id.x * TOKENS + i;
        if (token < shape.tokens) {
            let row = Row(id.z, token, id.y, id.y * HEAD4);
            let a = attend(row, lane, lanes);
            let keep = exp(a.top - subgroupMax(a.top));
            let total = subgroupAdd(a.total * keep);
            for (var d = 0u; d < HEAD4; d++) {
                let sum = subgroupAdd(a.sum[d] * keep);
                if (lane == 0u) {
                    attended[out_at(row) + d] = sum / total;
                }
            }
        }
    }
}
