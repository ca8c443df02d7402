// Powers and roots, in single precision. The coefficients are those of `minimax.py`.

fn mn_slope_series(x: f32) -> f32 {
    return (0.337820798 * x + 0.411849916) * x + 0.57708019;
}
// The logarithm to base two of a positive finite number in two numbers: that of (1 + s) / (1 - s).
fn mn_log2_pair(a: f32) -> mn_pair {
    let factors = mn_factors_of(a);
    let divisor = mn_exact_sum(2.0, factors.f);
    let s = mn_keep(factors.f / divisor.high);
    let back = mn_exact_product(s, divisor.high);
    let rest = mn_difference(mn_difference(factors.f, back.high), back.low) - s * divisor.low;
    let s_low = rest / divisor.high;
    let z = mn_exact_product(s, s);
    let term = mn_exact_product(z.high, 0.961796701);
    let more = (z.low + 2.0 * s * s_low) * 0.961796701 - z.high * 7.02846181e-09;
    let slope = mn_ordered_sum(2.88539004, term.high);
    let slope_low = slope.low + (term.low + (more + (3.85192607e-08 + z.high * z.high * mn_slope_series(z.high))));
    let product = mn_exact_product(s, slope.high);
    let sum = mn_ordered_sum(factors.k, product.high);
    return mn_ordered_sum(sum.high, sum.low + (product.low + (s * slope_low + s_low * slope.high)));
}
// Whether a number is an integer, and whether an odd one.
fn mn_is_whole(a: f32) -> bool { return bitcast<u32>(mn_trunc_f32(a)) == bitcast<u32>(a); }
fn mn_is_odd(a: f32) -> bool { return mn_is_whole(a) && mn_isfinite_f32(a) && (mn_low_whole(a) & 1u) == 1u; }
fn mn_power_f32(a: f32, b: f32) -> f32 {
    let x = mn_magnitude(a);
    let unit = bitcast<u32>(a) == 0x3f800000u;
    if (mn_is_zero(b) || unit || (mn_magnitude_bits(a) == 0x3f800000u && mn_isinf_f32(b))) { return 1.0; }
    if (!mn_comparable(a, b) || (mn_is_negative(a) && mn_isfinite_f32(a) && !mn_is_whole(b))) { return mn_nan(); }
    let sign = select(0u, mn_sign_bit(a), mn_is_odd(b));
    if (mn_is_zero(a) || mn_isinf_f32(a)) {
        let large = mn_is_zero(a) == mn_is_negative(b);
        return mn_float(select(0u, 0x7f800000u, large) | sign);
    }
    let log = mn_log2_pair(x);
    let exponent = clamp(b, -1e12, 1e12);
    let product = mn_exact_product(exponent, log.high);
    let high = clamp(product.high, -300.0, 300.0);
    let low = select(0.0, product.low + exponent * log.low, high == product.high);
    let n = floor(high + 0.5);
    let r = mn_difference(high, n) + low;
    return mn_with_sign(mn_scaled(1.0 + r * mn_exp2_series(r), i32(n)), sign);
}

fn mn_root_series(x: f32) -> f32 {
    return (((0.028590858 * x + -0.221237749) * x + 0.695483744) * x + -1.1728816) * x + 1.67000687;
}
// One over the cube root by a polynomial and a step of third order, then a step of Newton's for the root itself.
fn mn_cbrt_f32(a: f32) -> f32 {
    if (mn_has_no_exponent(a)) { return a; }
    let digits = mn_digits_of(a);
    let exponent = digits.e + 23;
    let third = (exponent + 300) / 3 - 100;
    let rest = exponent - 3 * third;
    let fraction = f32(digits.m) * 1.1920928955078125e-7;
    let m = fraction * select(select(1.0, 2.0, rest == 1), 4.0, rest == 2);
    var inverse = mn_root_series(fraction) * select(select(1.0, 0.793700526, rest == 1), 0.629960525, rest == 2);
    let error = 1.0 - m * inverse * inverse * inverse;
    inverse = inverse + inverse * error * (0.333333333 + 0.222222222 * error);
    let root = m * inverse * inverse;
    let better = mn_difference(root, (root - m / (root * root)) * 0.333333333);
    return mn_with_sign(better * mn_power_of_two(third), mn_sign_bit(a));
}
// Scaled so that the larger square is near one.
fn mn_hypot_f32(a: f32, b: f32) -> f32 {
    if (mn_isinf_f32(a) || mn_isinf_f32(b)) { return mn_infinity(); }
    if (!mn_comparable(a, b)) { return mn_nan(); }
    let larger = bitcast<f32>(max(mn_magnitude_bits(a), mn_magnitude_bits(b)));
    let smaller = bitcast<f32>(min(mn_magnitude_bits(a), mn_magnitude_bits(b)));
    if (mn_is_zero(smaller)) { return larger; }
    let x = mn_digits_of(larger);
    let y = mn_digits_of(smaller);
    if (x.e - y.e > 13) { return larger; }
    let first = f32(x.m) * mn_power_of_two(-23);
    let second = f32(y.m) * mn_power_of_two(y.e - x.e - 23);
    let root = mn_sqrt_f32(mn_sum(mn_product(first, first), mn_product(second, second)));
    return mn_nearest(u32(root * 536870912.0), x.e - 6, 0u);
}
