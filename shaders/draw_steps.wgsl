// Random singles of a generator that steps a number of 128 bits, four words of 32 with the lowest first: a thread finds its
// first number by those of the jumps over 1, 2, 4, ... words that its own number has a one for, and goes on by as many words as
// there are threads.

// A number after a jump: the product with the multiplier, and the increment, modulo 2^128.
fn after(a: vec4<u32>, multiplier: vec4<u32>, increment: vec4<u32>) -> vec4<u32> {
    let low = long_product(a.xy, multiplier.xy);
    let crossed = sum(low_product(a.xy, multiplier.zw), low_product(a.zw, multiplier.xy));
    let lower = sum(low.xy, increment.xy);
    let over = lower.y < increment.y || (lower.y == increment.y && lower.x < increment.x);
    let upper = sum(sum(low.zw, crossed), increment.zw);
    return vec4<u32>(lower, sum(upper, vec2<u32>(select(0u, 1u, over), 0u)));
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    mn_zero = p[0].x;
    let thread = (group.y * groups.x + group.x) * 256u + local;
    if (thread >= threads()) {
        return;
    }
    var number = first_number();
    for (var bit = 0u; bit < BITS; bit++) {
        if (((thread >> bit) & 1u) == 1u) {
            number = after(number, p[JUMPS + 2u * bit], p[JUMPS + 2u * bit + 1u]);
        }
    }
    for (var word = thread; 2u * word < elements() + skipped(); word += threads()) {
        let halves = scrambled(number);
        // What lies before the first element wraps around.
        let element = 2u * word - skipped();
        if (element < elements()) {
            keep(element, number_of(halves.x));
        }
        if (element + 1u < elements()) {
            keep(element + 1u, number_of(halves.y));
        }
        number = after(number, p[JUMPS - 2u], p[JUMPS - 1u]);
    }
}
