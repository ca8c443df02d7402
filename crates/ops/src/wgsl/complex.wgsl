// The rows of complex numbers but for the elementary functions, in the formulas of the table's Rust rows.

fn mn_add_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> { return vec2<f32>(mn_sum(a.x, b.x), mn_sum(a.y, b.y)); }
fn mn_subtract_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(mn_difference(a.x, b.x), mn_difference(a.y, b.y));
}
fn mn_multiply_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let re = mn_difference(mn_product(a.x, b.x), mn_product(a.y, b.y));
    return vec2<f32>(re, mn_sum(mn_product(a.x, b.y), mn_product(a.y, b.x)));
}
fn mn_negative_c64(a: vec2<f32>) -> vec2<f32> { return vec2<f32>(mn_negative_f32(a.x), mn_negative_f32(a.y)); }
fn mn_conjugate_c64(a: vec2<f32>) -> vec2<f32> { return vec2<f32>(a.x, mn_negative_f32(a.y)); }
fn mn_rint_c64(a: vec2<f32>) -> vec2<f32> { return vec2<f32>(mn_rint_f32(a.x), mn_rint_f32(a.y)); }
fn mn_absolute_c64(a: vec2<f32>) -> f32 { return mn_hypot_f32(a.x, a.y); }
// By Smith's method: divides by the larger part of the divisor first, so that squares cannot overflow.
fn mn_divide_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    let straight = mn_less_equal_f32(mn_magnitude(b.y), mn_magnitude(b.x));
    if (mn_is_zero(b.x) && mn_is_zero(b.y)) {
        return vec2<f32>(mn_product(a.x, mn_infinity()), mn_product(a.y, mn_infinity()));
    }
    let large = select(b.y, b.x, straight);
    let small = select(b.x, b.y, straight);
    let first = select(a.y, a.x, straight);
    let second = select(a.x, a.y, straight);
    let ratio = mn_divide_f32(small, large);
    let scale = mn_divide_f32(1.0, mn_sum(large, mn_product(small, ratio)));
    let part = mn_product(first, ratio);
    let im = mn_product(select(mn_difference(part, second), mn_difference(second, part), straight), scale);
    return vec2<f32>(mn_product(mn_sum(first, mn_product(second, ratio)), scale), im);
}
fn mn_reciprocal_c64(a: vec2<f32>) -> vec2<f32> {
    let straight = mn_less_equal_f32(mn_magnitude(a.y), mn_magnitude(a.x));
    let large = select(a.y, a.x, straight);
    let small = select(a.x, a.y, straight);
    let ratio = mn_divide_f32(small, large);
    let divisor = mn_sum(large, mn_product(small, ratio));
    let first = mn_divide_f32(1.0, divisor);
    let second = mn_divide_f32(ratio, divisor);
    return vec2<f32>(select(second, first, straight), mn_negative_f32(select(first, second, straight)));
}
fn mn_sign_c64(a: vec2<f32>) -> vec2<f32> {
    let size = mn_hypot_f32(a.x, a.y);
    if (mn_isnan_f32(size) || (mn_isinf_f32(a.x) && mn_isinf_f32(a.y))) { return vec2<f32>(mn_nan(), mn_nan()); }
    if (mn_isinf_f32(size)) {
        if (mn_isinf_f32(a.x)) { return vec2<f32>(mn_copysign_f32(1.0, a.x), 0.0); }
        return vec2<f32>(0.0, mn_copysign_f32(1.0, a.y));
    }
    if (mn_is_zero(size)) { return vec2<f32>(0.0, 0.0); }
    return vec2<f32>(mn_divide_f32(a.x, size), mn_divide_f32(a.y, size));
}
fn mn_real_c64(a: vec2<f32>) -> f32 { return a.x; }
fn mn_imag_c64(a: vec2<f32>) -> f32 { return a.y; }

fn mn_isnan_c64(a: vec2<f32>) -> bool { return mn_isnan_f32(a.x) || mn_isnan_f32(a.y); }
fn mn_isinf_c64(a: vec2<f32>) -> bool { return mn_isinf_f32(a.x) || mn_isinf_f32(a.y); }
fn mn_isfinite_c64(a: vec2<f32>) -> bool { return mn_isfinite_f32(a.x) && mn_isfinite_f32(a.y); }
// Lexicographic order, false if an imaginary part is a NaN where real parts decide.
fn mn_less_c64(a: vec2<f32>, b: vec2<f32>) -> bool {
    return (mn_less_f32(a.x, b.x) && mn_comparable(a.y, b.y)) || (mn_equal_f32(a.x, b.x) && mn_less_f32(a.y, b.y));
}
fn mn_less_equal_c64(a: vec2<f32>, b: vec2<f32>) -> bool {
    return (mn_less_f32(a.x, b.x) && mn_comparable(a.y, b.y))
        || (mn_equal_f32(a.x, b.x) && mn_less_equal_f32(a.y, b.y));
}
fn mn_greater_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return mn_less_c64(b, a); }
fn mn_greater_equal_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return mn_less_equal_c64(b, a); }
fn mn_equal_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return mn_equal_f32(a.x, b.x) && mn_equal_f32(a.y, b.y); }
fn mn_not_equal_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return !mn_equal_c64(a, b); }
fn mn_truth_c64(a: vec2<f32>) -> bool { return mn_truth_f32(a.x) || mn_truth_f32(a.y); }
fn mn_logical_and_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return mn_truth_c64(a) && mn_truth_c64(b); }
fn mn_logical_or_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return mn_truth_c64(a) || mn_truth_c64(b); }
fn mn_logical_xor_c64(a: vec2<f32>, b: vec2<f32>) -> bool { return mn_truth_c64(a) != mn_truth_c64(b); }
fn mn_logical_not_c64(a: vec2<f32>) -> bool { return !mn_truth_c64(a); }
fn mn_maximum_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return select(b, a, mn_less_equal_c64(b, a) || mn_isnan_c64(a));
}
fn mn_minimum_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return select(b, a, mn_less_equal_c64(a, b) || mn_isnan_c64(a));
}
fn mn_fmax_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return select(b, a, mn_less_equal_c64(b, a) || mn_isnan_c64(b));
}
fn mn_fmin_c64(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return select(b, a, mn_less_equal_c64(a, b) || mn_isnan_c64(b));
}
fn mn_below_c64(a: vec2<f32>, b: vec2<f32>) -> bool {
    return mn_less_f32(a.x, b.x) || (mn_equal_f32(a.x, b.x) && mn_less_f32(a.y, b.y));
}
fn mn_clip_c64(a: vec2<f32>, low: vec2<f32>, high: vec2<f32>) -> vec2<f32> {
    let raised = select(low, a, mn_below_c64(low, a) || mn_isnan_c64(a));
    return select(high, raised, mn_below_c64(raised, high) || mn_isnan_c64(raised));
}

fn mn_add_events_c64(a: vec2<f32>, b: vec2<f32>, r: vec2<f32>) -> u32 {
    return mn_events(a.x, b.x, r.x) | mn_events(a.y, b.y, r.y);
}
fn mn_multiply_events_c64(a: vec2<f32>, b: vec2<f32>, r: vec2<f32>) -> u32 {
    let first = mn_product(a.x, b.x);
    let second = mn_product(a.y, b.y);
    let third = mn_product(a.x, b.y);
    let fourth = mn_product(a.y, b.x);
    return mn_events(a.x, b.x, first) | mn_events(a.y, b.y, second) | mn_events(first, second, r.x)
        | mn_events(a.x, b.y, third) | mn_events(a.y, b.x, fourth) | mn_events(third, fourth, r.y);
}
fn mn_is_pole(part: f32) -> bool { return !mn_is_zero(part) && !mn_isinf_f32(part); }
fn mn_divide_events_c64(a: vec2<f32>, b: vec2<f32>, r: vec2<f32>) -> u32 {
    if (mn_isnan_c64(a) || mn_isnan_c64(b)) { return 0u; }
    let by_zero = !mn_truth_c64(b);
    return mn_domain(mn_isnan_c64(r), by_zero && (mn_is_pole(a.x) || mn_is_pole(a.y)))
        | mn_when(!by_zero && mn_isinf_c64(r) && !mn_isinf_c64(a), 2u);
}
fn mn_reciprocal_events_c64(a: vec2<f32>, r: vec2<f32>) -> u32 {
    return mn_divide_events_c64(vec2<f32>(1.0, 0.0), a, r);
}
fn mn_absolute_events_c64(a: vec2<f32>, r: f32) -> u32 { return mn_overflow_of_two(a.x, a.y, r); }
