// Events leave their mark on an element to its end: those that are not finite are computed again to find out.

fn exponent_full(a: f32) -> bool {
    return (bitcast<u32>(a) & 0x7f800000u) == 0x7f800000u;
}

fn missing_number(a: f32) -> bool {
    return (bitcast<u32>(a) & 0x7fffffffu) > 0x7f800000u;
}

// The flags of a step from `before` to `after` with the operands `a` and `b`.
fn flags_of(a: f32, b: f32, before: f32, after: f32) -> u32 {
    if (missing_number(after)) {
        return select(8u, 0u, missing_number(a) || missing_number(b) || missing_number(before));
    }
    if (exponent_full(after)) {
        return select(2u, 0u, exponent_full(a) || exponent_full(b) || exponent_full(before));
    }
    return 0u;
}

fn look(a: u32, b: u32, value: f32) {
    if (!exponent_full(value)) {
        return;
    }
    var flags = 0u;
    var total = 0.0;
    var block = 0.0;
    for (var k = 0u; k < extent(); k++) {
        let left = element_of_a(a + k * a_column());
        let right = element_of_b(b + k * b_row());
        let after = plus_products(vec4<f32>(block), left, vec4<f32>(right)).x;
        flags |= flags_of(left, right, block, after);
        block = after;
        if ((k + 1u) % BLOCK == 0u || k + 1u == extent()) {
            let sum = total + block;
            flags |= flags_of(block, block, total, sum);
            total = sum;
            block = 0.0;
        }
    }
    report(report_cell(), flags);
}
