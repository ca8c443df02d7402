// The rows of real numbers but for the elementary functions.

fn mn_add_f32(a: f32, b: f32) -> f32 { return mn_sum(a, b); }
fn mn_subtract_f32(a: f32, b: f32) -> f32 { return mn_difference(a, b); }
fn mn_multiply_f32(a: f32, b: f32) -> f32 { return mn_product(a, b); }
fn mn_negative_f32(a: f32) -> f32 { return mn_with_sign(a, 0x80000000u); }
fn mn_absolute_f32(a: f32) -> f32 { return mn_magnitude(a); }
fn mn_conjugate_f32(a: f32) -> f32 { return a; }
fn mn_signbit_f32(a: f32) -> bool { return mn_sign_bit(a) != 0u; }
fn mn_copysign_f32(a: f32, b: f32) -> f32 { return bitcast<f32>(mn_magnitude_bits(a) | mn_sign_bit(b)); }
fn mn_sign_f32(a: f32) -> f32 {
    if (mn_isnan_f32(a)) { return a; }
    return select(bitcast<f32>(0x3f800000u | mn_sign_bit(a)), 0.0, mn_is_zero(a));
}
fn mn_degrees_f32(a: f32) -> f32 { return mn_product(a, bitcast<f32>(0x42652ee0u)); }
fn mn_radians_f32(a: f32) -> f32 { return mn_product(a, bitcast<f32>(0x3c8efa35u)); }
fn mn_heaviside_f32(a: f32, middle: f32) -> f32 {
    if (mn_isnan_f32(a)) { return a; }
    return select(select(1.0, 0.0, mn_is_negative(a)), middle, mn_is_zero(a));
}

// Comparison, truth, and the larger and smaller of two.

fn mn_greater_f32(a: f32, b: f32) -> bool { return mn_less_f32(b, a); }
fn mn_greater_equal_f32(a: f32, b: f32) -> bool { return mn_less_equal_f32(b, a); }
fn mn_not_equal_f32(a: f32, b: f32) -> bool { return !mn_equal_f32(a, b); }
fn mn_truth_f32(a: f32) -> bool { return !mn_is_zero(a); }
fn mn_logical_and_f32(a: f32, b: f32) -> bool { return mn_truth_f32(a) && mn_truth_f32(b); }
fn mn_logical_or_f32(a: f32, b: f32) -> bool { return mn_truth_f32(a) || mn_truth_f32(b); }
fn mn_logical_xor_f32(a: f32, b: f32) -> bool { return mn_truth_f32(a) != mn_truth_f32(b); }
fn mn_logical_not_f32(a: f32) -> bool { return mn_is_zero(a); }
fn mn_maximum_f32(a: f32, b: f32) -> f32 { return select(b, a, mn_less_equal_f32(b, a) || mn_isnan_f32(a)); }
fn mn_minimum_f32(a: f32, b: f32) -> f32 { return select(b, a, mn_less_equal_f32(a, b) || mn_isnan_f32(a)); }
fn mn_fmax_f32(a: f32, b: f32) -> f32 { return select(b, a, mn_less_equal_f32(b, a) || mn_isnan_f32(b)); }
fn mn_fmin_f32(a: f32, b: f32) -> f32 { return select(b, a, mn_less_equal_f32(a, b) || mn_isnan_f32(b)); }
// Of equal numbers the bound.
fn mn_clip_f32(a: f32, low: f32, high: f32) -> f32 {
    let raised = select(low, a, mn_less_f32(low, a) || mn_isnan_f32(a));
    return select(high, raised, mn_less_f32(raised, high) || mn_isnan_f32(raised));
}
fn mn_half_clip(a: f32, low: f32, high: f32) -> f32 { return mn_minimum_f32(mn_maximum_f32(a, low), high); }

// The whole part, by cutting digits off.
fn mn_trunc_f32(a: f32) -> f32 {
    let exponent = i32(mn_magnitude_bits(a) >> 23u) - 127;
    if (exponent >= 23) { return a; }
    if (exponent < 0) { return bitcast<f32>(mn_sign_bit(a)); }
    return bitcast<f32>(bitcast<u32>(a) & ~(0x7fffffu >> u32(exponent)));
}
fn mn_floor_f32(a: f32) -> f32 {
    let whole = mn_trunc_f32(a);
    let down = mn_sign_bit(a) != 0u && bitcast<u32>(whole) != bitcast<u32>(a);
    return select(whole, mn_difference(whole, 1.0), down);
}
fn mn_ceil_f32(a: f32) -> f32 { return mn_negative_f32(mn_floor_f32(mn_negative_f32(a))); }
fn mn_rint_f32(a: f32) -> f32 {
    let size = mn_magnitude(a);
    let whole = mn_trunc_f32(size);
    let rest = mn_difference(size, whole);
    // Whole numbers below 2^23 are even if the digit before the point is not set.
    let odd = (mn_low_whole(size) & 1u) == 1u;
    let up = mn_magnitude_bits(a) < 0x4b000000u && (rest > 0.5 || (rest == 0.5 && odd));
    return mn_copysign_f32(select(whole, mn_sum(whole, 1.0), up), a);
}
fn mn_rest_of_whole_f32(a: f32) -> f32 {
    if (mn_isinf_f32(a)) { return mn_copysign_f32(0.0, a); }
    if (mn_magnitude_bits(a) < 0x3f800000u) { return a; }
    return mn_copysign_f32(mn_difference(a, mn_trunc_f32(a)), a);
}

// A finite number other than zero as m * 2^e with m in [2^23, 2^24), whatever its sign.
fn mn_digits_of(a: f32) -> mn_digits {
    let digits = mn_raw_digits(a);
    let shift = countLeadingZeros(digits.m) - 8u;
    return mn_digits(digits.m << shift, digits.e - i32(shift));
}
// The number nearest to m * 2^e, of two the even one, with a sign bit. Where digits of m were cut off its last bit is
// set, and it has two bits more than the result.
fn mn_nearest(m: u32, e: i32, sign: u32) -> f32 {
    if (m == 0u) { return bitcast<f32>(sign); }
    let zeros = countLeadingZeros(m);
    let digits = m << zeros;
    let exponent = e - i32(zeros) + 158;
    let dropped = 8 + max(1 - exponent, 0);
    if (dropped > 32) { return bitcast<f32>(sign); }
    let above = digits >> u32(dropped - 1);
    let below = select(0u, 1u, (digits & ((1u << u32(dropped - 1)) - 1u)) != 0u);
    let kept = above >> 1u;
    let rounded = kept + (above & (below | kept) & 1u);
    if (exponent > 254) { return mn_float(0x7f800000u | sign); }
    return mn_float(((u32(max(exponent - 1, 0)) << 23u) + rounded) | sign);
}

// Division, rounded once: an estimate of the quotient is corrected by its exact remainder.
fn mn_divide_f32(a: f32, b: f32) -> f32 {
    let sign = mn_sign_bit(a) ^ mn_sign_bit(b);
    if (mn_isnan_f32(a) || mn_isnan_f32(b)) { return mn_nan(); }
    if (mn_isinf_f32(a) || mn_is_zero(b)) {
        return select(mn_float(0x7f800000u | sign), mn_nan(), mn_isinf_f32(b) || mn_is_zero(a));
    }
    if (mn_isinf_f32(b) || mn_is_zero(a)) { return bitcast<f32>(sign); }
    let x = mn_digits_of(a);
    let y = mn_digits_of(b);
    let divisor = bitcast<i32>(y.m);
    var quotient = i32(f32(x.m) / f32(y.m) * 33554432.0);
    var rest = bitcast<i32>((x.m << 25u) - bitcast<u32>(quotient) * y.m);
    let step = i32(floor(f32(rest) / f32(divisor)));
    quotient += step;
    rest -= step * divisor;
    if (rest < 0) {
        quotient -= 1;
        rest += divisor;
    }
    if (rest >= divisor) {
        quotient += 1;
        rest -= divisor;
    }
    let digits = (bitcast<u32>(quotient) << 1u) | select(0u, 1u, rest != 0);
    return mn_nearest(digits, x.e - y.e - 26, sign);
}
fn mn_reciprocal_f32(a: f32) -> f32 { return mn_divide_f32(1.0, a); }
// The square root, rounded once, in the same way.
fn mn_sqrt_f32(a: f32) -> f32 {
    if (mn_isnan_f32(a) || mn_is_zero(a)) { return a; }
    if (mn_sign_bit(a) != 0u) { return mn_nan(); }
    if (mn_isinf_f32(a)) { return a; }
    let raw = mn_digits_of(a);
    let odd = (raw.e & 1) == 0;
    let m = select(raw.m << 1u, raw.m << 2u, odd);
    let e = select(raw.e - 1, raw.e - 2, odd);
    var root = u32(sqrt(f32(m)) * 4096.0);
    let off = bitcast<i32>((m << 24u) - root * root);
    root = bitcast<u32>(bitcast<i32>(root) + i32(floor(f32(off) / f32(root << 1u))));
    var rest = bitcast<i32>((m << 24u) - root * root);
    if (rest < 0) {
        root -= 1u;
        rest += bitcast<i32>((root << 1u) + 1u);
    }
    if (rest > bitcast<i32>(root << 1u)) {
        rest -= bitcast<i32>((root << 1u) + 1u);
        root += 1u;
    }
    return mn_nearest((root << 1u) | select(0u, 1u, rest != 0), (e - 24) / 2 - 1, 0u);
}
// The remainder, eight digits of the quotient at a time.
fn mn_fmod_f32(a: f32, b: f32) -> f32 {
    if (mn_isnan_f32(a) || mn_isnan_f32(b) || mn_isinf_f32(a) || mn_is_zero(b)) { return mn_nan(); }
    if (mn_magnitude_bits(a) < mn_magnitude_bits(b)) { return a; }
    let x = mn_digits_of(a);
    let y = mn_digits_of(b);
    var rest = x.m % y.m;
    var left = x.e - y.e;
    while (left > 0) {
        let digits = min(left, 8);
        rest = (rest << u32(digits)) % y.m;
        left -= digits;
    }
    return mn_nearest(rest, y.e, mn_sign_bit(a));
}
fn mn_remainder_f32(a: f32, b: f32) -> f32 {
    let rest = mn_fmod_f32(a, b);
    if (mn_is_zero(b)) { return rest; }
    if (mn_is_zero(rest)) { return bitcast<f32>(mn_sign_bit(b)); }
    return select(rest, mn_sum(rest, b), mn_is_negative(b) != mn_is_negative(rest));
}
fn mn_floor_divide_f32(a: f32, b: f32) -> f32 {
    let rest = mn_fmod_f32(a, b);
    if (mn_is_zero(b)) { return mn_divide_f32(a, b); }
    var quotient = mn_divide_f32(mn_difference(a, rest), b);
    if (mn_isnan_f32(quotient)) { return quotient; }
    if (!mn_is_zero(rest) && mn_is_negative(b) != mn_is_negative(rest)) { quotient = mn_difference(quotient, 1.0); }
    if (mn_is_zero(quotient)) { return bitcast<f32>(mn_sign_bit(a) ^ mn_sign_bit(b)); }
    let whole = mn_floor_f32(quotient);
    return select(whole, mn_sum(whole, 1.0), mn_less_f32(0.5, mn_difference(quotient, whole)));
}

// The layout of real numbers.

fn mn_step_f32(a: f32, goal: f32, bits: u32) -> u32 {
    return bits + select(0xffffffffu, 1u, mn_less_f32(a, goal) == (mn_sign_bit(a) == 0u));
}
fn mn_nextafter_f32(a: f32, b: f32) -> f32 {
    if (!mn_comparable(a, b)) { return mn_nan(); }
    if (mn_equal_f32(a, b)) { return b; }
    if (mn_is_zero(a)) { return mn_float(1u | mn_sign_bit(b)); }
    return mn_float(mn_step_f32(a, b, bitcast<u32>(a)));
}
fn mn_half_nextafter(a: f32, b: f32) -> f32 {
    if (!mn_comparable(a, b)) { return mn_nan(); }
    if (mn_equal_f32(a, b)) { return a; }
    if (mn_is_zero(a)) { return mn_half(1u | (mn_sign_bit(b) >> 16u)); }
    return mn_half(mn_step_f32(a, b, mn_half_bits(a)));
}
fn mn_spacing_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits >= 0x7f800000u) { return mn_nan(); }
    if (bits == 0u) { return mn_float(1u); }
    if (bits == 0x7f7fffffu) { return mn_float(0x7f800000u | mn_sign_bit(a)); }
    return mn_nearest(1u, mn_raw_digits(a).e, mn_sign_bit(a));
}
fn mn_half_spacing(a: f32) -> f32 {
    if (!mn_isfinite_f32(a)) { return mn_nan(); }
    return mn_difference(mn_half_nextafter(a, mn_infinity()), a);
}
fn mn_has_no_exponent(a: f32) -> bool { return mn_is_zero(a) || !mn_isfinite_f32(a); }
fn mn_ldexp_f32(a: f32, exponent: i64) -> f32 {
    if (mn_has_no_exponent(a)) { return a; }
    let digits = mn_digits_of(a);
    return mn_nearest(digits.m, digits.e + i32(clamp(exponent, -10000li, 10000li)), mn_sign_bit(a));
}
fn mn_fraction_f32(a: f32) -> f32 {
    if (mn_has_no_exponent(a)) { return a; }
    return bitcast<f32>((mn_digits_of(a).m & 0x7fffffu) | 0x3f000000u | mn_sign_bit(a));
}
fn mn_exponent_f32(a: f32) -> i32 {
    if (mn_has_no_exponent(a)) { return 0; }
    return mn_digits_of(a).e + 24;
}
