// How fast the device multiplies and adds: every invocation runs a long chain of both on registers. For `somnium bench` alone.

const ROUNDS: u32 = 512u;
const CHAINS: u32 = 4u; // independent chains of vec4, so that latency hides
// Operations of one invocation: ROUNDS * CHAINS * 4 lanes * 2.

@group(0) @binding(0) var<storage, read_write> out: array<vec4f>; // (invocations)

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    let x = f32(id.x) * 1e-6;
    var a = vec4f(x, x + 0.1, x + 0.2, x + 0.3);
    var b = a + 0.4;
    var c = a + 0.5;
    var d = a + 0.6;
    let m = vec4f(0.999);
    let n = vec4f(1e-4);
    // Two rounds at a time: not all compilers unroll.
    for (var i = 0u; i < ROUNDS; i += 2u) {
        a = fma(a, m, n);
        b = fma(b, m, n);
        c = fma(c, m, n);
        d = fma(d, m, n);
        a = fma(a, m, n);
        b = fma(b, m, n);
        c = fma(c, m, n);
        d = fma(d, m, n);
    }
    out[id.x] = a + b + c + d;
}
