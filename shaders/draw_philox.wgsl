// Random singles: a thread makes a block of Philox4x64-10, four words.

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let thread = (group.y * groups.x + group.x) * 256u + local;
    let begin = thread * 8u;
    if (begin >= elements() + skipped()) {
        return;
    }
    var c = counter();
    var carry = thread;
    for (var at = 0u; at < 4u; at++) {
        c[at] = sum(c[at], vec2<u32>(carry, 0u));
        carry = select(0u, 1u, c[at].y == 0u && c[at].x < carry);
    }
    var k = key();
    for (var round = 0u; round < 10u; round++) {
        let one = long_product(c[0], vec2<u32>(0xe14c6c93u, 0xd2e7470eu));
        let other = long_product(c[2], vec2<u32>(0x95121157u, 0xca5a8263u));
        c[0] = other.zw ^ c[1] ^ k[0];
        c[1] = other.xy;
        c[2] = one.zw ^ c[3] ^ k[1];
        c[3] = one.xy;
        k[0] = sum(k[0], vec2<u32>(0x7f4a7c15u, 0x9e3779b9u));
        k[1] = sum(k[1], vec2<u32>(0x84caa73bu, 0xbb67ae85u));
    }
    for (var at = 0u; at < 8u; at++) {
        let element = begin + at - skipped();
        // What lies before the first element wraps around.
        if (element < elements()) {
            let word = c[at >> 1u];
            let half = select(word.x, word.y, (at & 1u) == 1u);
            keep(element, number_of(half));
        }
    }
}
