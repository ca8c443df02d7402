// What every text leans on: results that no compiler may take apart, the bits of numbers, and halves.
//
// WGSL lets a compiler contract a product and a sum, reorder sums, and assume that nothing is infinite or missing. So
// every rounded result goes through `mn_keep`, and questions about numbers are asked of their bits. `mn_zero` is a zero
// that no compiler can know; the kernel around these texts declares it and sets it.

fn mn_keep(a: f32) -> f32 { return bitcast<f32>(bitcast<u32>(a) ^ mn_zero); }
fn mn_sum(a: f32, b: f32) -> f32 { return mn_keep(a + b); }
fn mn_difference(a: f32, b: f32) -> f32 { return mn_keep(a - b); }
fn mn_product(a: f32, b: f32) -> f32 { return mn_keep(a * b); }
fn mn_float(bits: u32) -> f32 { return bitcast<f32>(bits ^ mn_zero); }
fn mn_nan() -> f32 { return mn_float(0x7fc00000u); }
fn mn_infinity() -> f32 { return mn_float(0x7f800000u); }

fn mn_magnitude_bits(a: f32) -> u32 { return bitcast<u32>(a) & 0x7fffffffu; }
fn mn_sign_bit(a: f32) -> u32 { return bitcast<u32>(a) & 0x80000000u; }
fn mn_magnitude(a: f32) -> f32 { return bitcast<f32>(mn_magnitude_bits(a)); }
fn mn_with_sign(a: f32, sign: u32) -> f32 { return bitcast<f32>(bitcast<u32>(a) ^ sign); }
fn mn_is_zero(a: f32) -> bool { return mn_magnitude_bits(a) == 0u; }
fn mn_isnan_f32(a: f32) -> bool { return mn_magnitude_bits(a) > 0x7f800000u; }
fn mn_isinf_f32(a: f32) -> bool { return mn_magnitude_bits(a) == 0x7f800000u; }
fn mn_isfinite_f32(a: f32) -> bool { return mn_magnitude_bits(a) < 0x7f800000u; }
// Below zero; not so a negative zero or a NaN.
fn mn_is_negative(a: f32) -> bool { return bitcast<u32>(a) > 0x80000000u && !mn_isnan_f32(a); }

// Integers in the order of the numbers; both zeros are 0. A NaN lies outside of the infinities.
fn mn_order(a: f32) -> i32 {
    let bits = bitcast<i32>(a);
    return select(bits, (-2147483647 - 1) - bits, bits < 0);
}
fn mn_comparable(a: f32, b: f32) -> bool { return !mn_isnan_f32(a) && !mn_isnan_f32(b); }
fn mn_less_f32(a: f32, b: f32) -> bool { return mn_order(a) < mn_order(b) && mn_comparable(a, b); }
fn mn_less_equal_f32(a: f32, b: f32) -> bool { return mn_order(a) <= mn_order(b) && mn_comparable(a, b); }
fn mn_equal_f32(a: f32, b: f32) -> bool { return mn_order(a) == mn_order(b) && !mn_isnan_f32(a); }

// A half in the low sixteen bits; those of subnormal halves are multiplied, as a processor may take subnormal singles
// for zero.
fn mn_half(bits: u32) -> f32 {
    let magnitude = bits & 0x7fffu;
    let normal = (magnitude << 13u) + select(0x38000000u, 0x70000000u, magnitude >= 0x7c00u);
    let subnormal = bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8);
    return bitcast<f32>(select(subnormal, normal, magnitude >= 0x400u) | ((bits & 0x8000u) << 16u));
}
// Rounded to the nearest half, of two the even one.
fn mn_half_bits(a: f32) -> u32 {
    let magnitude = mn_magnitude_bits(a);
    var half = ((magnitude + 0xfffu + ((magnitude >> 13u) & 1u)) >> 13u) - 0x1c000u;
    if (magnitude < 0x38800000u) {
        half = bitcast<u32>(mn_keep(bitcast<f32>(magnitude)) + 0.5) - 0x3f000000u;
    }
    if (magnitude >= 0x47800000u || half > 0x7c00u) { half = 0x7c00u; }
    if (magnitude > 0x7f800000u) { half = 0x7e00u | ((magnitude >> 13u) & 0x3ffu); }
    return half | (mn_sign_bit(a) >> 16u);
}
fn mn_round_half(a: f32) -> f32 { return mn_half(mn_half_bits(a)); }

fn mn_load_int8(bits: u32) -> i32 { return bitcast<i32>(bits << 24u) >> 24u; }
fn mn_load_int16(bits: u32) -> i32 { return bitcast<i32>(bits << 16u) >> 16u; }
fn mn_wrap_int8(a: i32) -> i32 { return (a << 24u) >> 24u; }
fn mn_wrap_int16(a: i32) -> i32 { return (a << 16u) >> 16u; }
