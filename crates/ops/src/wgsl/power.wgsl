// Powers and roots.

// The power of two 2^n, for n from -126 to 127.
fn mn_power_of_two(n: i32) -> f32 { return bitcast<f32>(bitcast<u32>(n + 127) << 23u); }
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
