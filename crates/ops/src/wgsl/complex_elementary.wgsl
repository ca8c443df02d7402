// Elementary functions of complex numbers, case by case those of the table's Rust rows, in single precision.

// e^x times 2^k times a factor, without overflow where the product has none.
fn mn_times_exp(x: f32, k: i32, factor: f32) -> f32 {
    if (mn_isnan_f32(x) || !mn_isfinite_f32(factor)) { return mn_nan(); }
    // In double precision, too, there is an end to exponentials.
    if (mn_is_zero(factor)) { return select(factor, mn_nan(), mn_less_f32(709.78, x)); }
    let digits = mn_digits_of(factor);
    let within = clamp(x, -400.0, 400.0);
    let n = mn_exponent_of(within);
    let r = mn_exponent_rest(within, n);
    let product = (1.0 + (r + r * r * mn_exp_series(r))) * (f32(digits.m) * 1.1920928955078125e-7);
    return mn_with_sign(mn_scaled(product, i32(n) + k + digits.e + 23), mn_sign_bit(factor));
}
fn mn_exp_c64(z: vec2<f32>) -> vec2<f32> {
    if (mn_is_zero(z.y)) { return vec2<f32>(mn_exp_f32(z.x), z.y); }
    if (mn_isinf_f32(z.x) && !mn_isfinite_f32(z.y)) {
        if (mn_sign_bit(z.x) != 0u) { return vec2<f32>(0.0, 0.0); }
        return vec2<f32>(z.x, mn_nan());
    }
    return vec2<f32>(mn_times_exp(z.x, 0, mn_cos_f32(z.y)), mn_times_exp(z.x, 0, mn_sin_f32(z.y)));
}
fn mn_expm1_c64(z: vec2<f32>) -> vec2<f32> {
    let half = mn_sin_f32(mn_product(z.y, 0.5));
    let cosine = mn_cos_f32(z.y);
    var re = mn_product(mn_expm1_f32(z.x), cosine);
    if (mn_less_f32(20.0, z.x)) { re = mn_times_exp(z.x, 0, cosine); }
    return vec2<f32>(mn_difference(re, mn_product(2.0 * half, half)), mn_times_exp(z.x, 0, mn_sin_f32(z.y)));
}

// The logarithm of the magnitude; near one that of the exact square, less one.
fn mn_log_of_magnitude(a: f32, b: f32) -> f32 {
    if (mn_isinf_f32(a) || mn_isinf_f32(b)) { return mn_infinity(); }
    if (!mn_comparable(a, b)) { return mn_nan(); }
    let large = bitcast<f32>(max(mn_magnitude_bits(a), mn_magnitude_bits(b)));
    let small = bitcast<f32>(min(mn_magnitude_bits(a), mn_magnitude_bits(b)));
    if (mn_is_zero(large)) { return mn_float(0xff800000u); }
    if (large > 0.5 && large < 2.0) {
        let first = mn_exact_product(large, large);
        let second = mn_exact_product(small, small);
        let less_one = mn_exact_sum(first.high, -1.0);
        let sum = mn_exact_sum(less_one.high, second.high);
        let low = sum.low + (less_one.low + (first.low + second.low));
        return 0.5 * mn_log1p_f32(mn_sum(sum.high, low));
    }
    let x = mn_digits_of(large);
    let first = f32(x.m) * mn_power_of_two(-23);
    var second = 0.0;
    if (!mn_is_zero(small)) {
        let y = mn_digits_of(small);
        second = f32(y.m) * mn_power_of_two(max(y.e - x.e, -40) - 23);
    }
    let factors = mn_factors_of(mn_sum(mn_product(first, first), mn_product(second, second)));
    let k = f32(x.e + 23) + 0.5 * factors.k;
    let rest = mn_sum(0.5 * factors.f, 0.5 * mn_log_rest(factors.f, 0.0) + k * 1.42860677e-06);
    return mn_sum(mn_product(k, 0.693145752), rest);
}
fn mn_log_c64(z: vec2<f32>) -> vec2<f32> { return vec2<f32>(mn_log_of_magnitude(z.x, z.y), mn_arctan2_f32(z.y, z.x)); }
fn mn_log2_c64(z: vec2<f32>) -> vec2<f32> {
    let log = mn_log_c64(z);
    return vec2<f32>(mn_product(log.x, 1.44269502), mn_product(log.y, 1.44269502));
}
fn mn_log10_c64(z: vec2<f32>) -> vec2<f32> {
    let log = mn_log_c64(z);
    return vec2<f32>(mn_product(log.x, 0.434294492), mn_product(log.y, 0.434294492));
}

// The root with a real part that is not negative.
fn mn_sqrt_c64(z: vec2<f32>) -> vec2<f32> {
    if (mn_is_zero(z.x) && mn_is_zero(z.y)) { return vec2<f32>(0.0, z.y); }
    if (mn_isinf_f32(z.y)) { return vec2<f32>(mn_infinity(), z.y); }
    if (mn_isnan_f32(z.x)) { return vec2<f32>(z.x, mn_nan()); }
    let left = mn_sign_bit(z.x) != 0u;
    if (mn_isinf_f32(z.x)) {
        let rest = select(0.0, mn_nan(), mn_isnan_f32(z.y));
        if (left) { return vec2<f32>(rest, mn_copysign_f32(mn_infinity(), z.y)); }
        return vec2<f32>(z.x, mn_copysign_f32(rest, z.y));
    }
    let largest = max(mn_magnitude_bits(z.x), mn_magnitude_bits(z.y));
    let scale = select(select(1.0, 281474976710656.0, largest < 0x0d800000u), 0.25, largest > 0x7e000000u);
    let unscale = select(select(1.0, 5.9604644775390625e-8, largest < 0x0d800000u), 2.0, largest > 0x7e000000u);
    let a = mn_product(mn_magnitude(z.x), scale);
    let b = mn_product(mn_magnitude(z.y), scale);
    let root = mn_sqrt_f32(mn_product(mn_sum(a, mn_hypot_f32(a, b)), 0.5));
    let other = mn_product(mn_divide_f32(b, 2.0 * root), unscale);
    let main = mn_product(root, unscale);
    return vec2<f32>(select(main, other, left), mn_copysign_f32(select(other, main, left), z.y));
}

// Hyperbolic functions; circular ones are those of i z, and the result is taken back.

fn mn_sinh_c64(z: vec2<f32>) -> vec2<f32> {
    if (mn_is_zero(z.y)) { return vec2<f32>(mn_sinh_f32(z.x), z.y); }
    if (mn_is_zero(z.x)) { return vec2<f32>(z.x, mn_sin_f32(z.y)); }
    if (mn_isinf_f32(z.x) && !mn_isfinite_f32(z.y)) { return vec2<f32>(mn_infinity(), mn_nan()); }
    let cosine = mn_cos_f32(z.y);
    let sine = mn_sin_f32(z.y);
    let size = mn_magnitude(z.x);
    if (mn_less_f32(80.0, size)) {
        return vec2<f32>(mn_with_sign(mn_times_exp(size, -1, cosine), mn_sign_bit(z.x)), mn_times_exp(size, -1, sine));
    }
    return vec2<f32>(mn_product(mn_sinh_f32(z.x), cosine), mn_product(mn_cosh_f32(z.x), sine));
}
fn mn_cosh_c64(z: vec2<f32>) -> vec2<f32> {
    let sign = mn_sign_bit(z.x);
    if (mn_is_zero(z.y)) {
        return vec2<f32>(mn_cosh_f32(z.x), select(mn_with_sign(z.y, sign), z.y, mn_isnan_f32(z.x)));
    }
    let cosine = mn_cos_f32(z.y);
    let sine = mn_sin_f32(z.y);
    if (mn_is_zero(z.x)) {
        return vec2<f32>(cosine, select(0.0, mn_with_sign(z.x, mn_sign_bit(sine)), mn_isfinite_f32(z.y)));
    }
    if (mn_isinf_f32(z.x) && !mn_isfinite_f32(z.y)) { return vec2<f32>(mn_infinity(), mn_nan()); }
    let size = mn_magnitude(z.x);
    if (mn_less_f32(80.0, size)) {
        return vec2<f32>(mn_times_exp(size, -1, cosine), mn_with_sign(mn_times_exp(size, -1, sine), sign));
    }
    return vec2<f32>(mn_product(mn_cosh_f32(z.x), cosine), mn_product(mn_sinh_f32(z.x), sine));
}
fn mn_sin_c64(z: vec2<f32>) -> vec2<f32> {
    if (mn_isinf_f32(z.y) && !mn_isfinite_f32(z.x)) { return vec2<f32>(mn_nan(), mn_infinity()); }
    let turned = mn_sinh_c64(vec2<f32>(mn_negative_f32(z.y), z.x));
    return vec2<f32>(turned.y, mn_negative_f32(turned.x));
}
fn mn_cos_c64(z: vec2<f32>) -> vec2<f32> { return mn_cosh_c64(vec2<f32>(mn_negative_f32(z.y), z.x)); }

// The events that show in the result.
fn mn_shown(a: vec2<f32>, r: vec2<f32>, pole: bool) -> u32 {
    if (mn_isnan_c64(a)) { return 0u; }
    return mn_domain(mn_isnan_c64(r), pole) | mn_when(mn_isfinite_c64(a) && mn_isinf_c64(r) && !pole, 2u);
}
fn mn_overflow_c64(a: vec2<f32>, r: vec2<f32>) -> u32 { return mn_shown(a, r, false); }
fn mn_sqrt_events_c64(a: vec2<f32>, r: vec2<f32>) -> u32 { return mn_shown(a, r, false); }
fn mn_circular_events_c64(a: vec2<f32>, r: vec2<f32>) -> u32 { return mn_shown(a, r, false); }
fn mn_log_events_c64(a: vec2<f32>, r: vec2<f32>) -> u32 { return mn_shown(a, r, !mn_truth_c64(a)); }
