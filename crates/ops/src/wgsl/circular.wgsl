// Circular functions and their inverses, in single precision. The coefficients are those of `minimax.py`.

// What is left of a number when multiples of pi/2 are taken away, as a sum of two numbers, and how many they were.
struct mn_angle {
    high: f32,
    low: f32,
    n: u32,
}
// In parts of twelve digits, whose multiples are exact.
fn mn_small_angle(a: f32) -> mn_angle {
    let n = floor(a * 0.636619772 + 0.5);
    let first = mn_difference(a, mn_product(n, 1.5703125));
    let second = mn_difference(first, mn_product(n, 0.000483751297));
    let third = mn_exact_sum(second, -mn_product(n, 7.54953362e-08));
    return mn_angle(third.high, third.low - n * 2.56334407e-12, u32(n));
}
// By Payne's and Hanek's method: of the digits of 2/pi only those are multiplied that decide the quadrant and the
// fraction of it; 62 digits of the fraction are known.
fn mn_large_angle(a: f32) -> mn_angle {
    let digits = mn_digits_of(a);
    let start = bitcast<u32>(digits.e + 30);
    let place = start >> 5u;
    let shift = start & 31u;
    let low = mn_wide_product(digits.m, mn_digits_of_two_over_pi(place + 2u, shift));
    let middle = mn_wide_product(digits.m, mn_digits_of_two_over_pi(place + 1u, shift));
    let second = middle.x + low.y;
    let carry = select(0u, 1u, second < middle.x);
    let first = digits.m * mn_digits_of_two_over_pi(place, shift) + middle.y + carry;
    var n = first >> 30u;
    var upper = (first << 2u) | (second >> 30u);
    var lower = second << 2u;
    var sign = 0u;
    if (upper >= 0x80000000u) {
        n += 1u;
        sign = 0x80000000u;
        lower = 0u - lower;
        upper = ~upper + select(0u, 1u, lower == 0u);
    }
    let zeros = min(countLeadingZeros(upper), 31u);
    let up = (upper << zeros) | ((lower >> 1u) >> (31u - zeros));
    let rest = lower << zeros;
    let high = f32(up >> 8u) * 5.9604644775390625e-8;
    let part = f32(((up & 0xffu) << 16u) | (rest >> 16u)) * 3.5527136788005009e-15;
    let product = mn_exact_product(high, 1.57079637);
    let scale = mn_power_of_two(-i32(zeros));
    let more = product.low + (part * 1.57079637 - high * 4.37113883e-08);
    return mn_angle(mn_with_sign(product.high * scale, sign), mn_with_sign(more * scale, sign), n);
}
// 32 digits of 2/pi, from a digit on; the first word is zero.
fn mn_digits_of_two_over_pi(place: u32, shift: u32) -> u32 {
    var words = array<u32, 8>(
        0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu
    );
    return (words[place] << shift) | ((words[place + 1u] >> 1u) >> (31u - shift));
}
// The low and the high half of the product of an integer of 24 digits and another one.
fn mn_wide_product(a: u32, b: u32) -> vec2<u32> {
    let low = a * (b & 0xffffu);
    let low_high = ((a >> 16u) * (b & 0xffffu)) + (((a & 0xffffu) * (b & 0xffffu)) >> 16u);
    let middle = (a & 0xffffu) * (b >> 16u) + (low_high & 0xffffu);
    let high = (a >> 16u) * (b >> 16u) + (low_high >> 16u) + (middle >> 16u);
    return vec2<u32>((middle << 16u) | (low & 0xffffu), high);
}
fn mn_angle_of(a: f32) -> mn_angle {
    if (a < 4000.0) { return mn_small_angle(a); }
    return mn_large_angle(a);
}
fn mn_sin_series(x: f32) -> f32 {
    return ((2.83724694e-06 * x + -0.000198534981) * x + 0.00833338033) * x + -0.166666672;
}
fn mn_cos_series(x: f32) -> f32 {
    return (2.44306793e-05 * x + -0.00138873013) * x + 0.0416666456;
}
fn mn_sin_of(angle: mn_angle) -> f32 {
    let z = angle.high * angle.high;
    return mn_sum(angle.high, angle.low * (1.0 - 0.5 * z) + angle.high * z * mn_sin_series(z));
}
fn mn_cos_of(angle: mn_angle) -> f32 {
    let z = angle.high * angle.high;
    return mn_difference(1.0, 0.5 * z - (z * z * mn_cos_series(z) - angle.high * angle.low));
}
fn mn_quarter(angle: mn_angle, ahead: u32) -> f32 {
    let n = angle.n + ahead;
    var result = mn_sin_of(angle);
    if ((n & 1u) == 1u) { result = mn_cos_of(angle); }
    return mn_with_sign(result, (n & 2u) << 30u);
}
fn mn_sin_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits >= 0x7f800000u) { return mn_nan(); }
    if (bits < 0x39000000u) { return a; }
    return mn_with_sign(mn_quarter(mn_angle_of(mn_magnitude(a)), 0u), mn_sign_bit(a));
}
fn mn_cos_f32(a: f32) -> f32 {
    if (!mn_isfinite_f32(a)) { return mn_nan(); }
    return mn_quarter(mn_angle_of(mn_magnitude(a)), 1u);
}
fn mn_tan_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits >= 0x7f800000u) { return mn_nan(); }
    if (bits < 0x39000000u) { return a; }
    let angle = mn_angle_of(mn_magnitude(a));
    let sine = mn_sin_of(angle);
    let cosine = mn_cos_of(angle);
    let odd = (angle.n & 1u) == 1u;
    let result = mn_divide_f32(select(sine, -cosine, odd), select(cosine, sine, odd));
    return mn_with_sign(result, mn_sign_bit(a));
}

fn mn_arctan_series(x: f32) -> f32 {
    return (((-0.0609271042 * x + 0.10600166) * x + -0.142445102) * x + 0.199985325) * x + -0.333333164;
}
// The arctangent of a ratio not above one, less so many times pi/4 as are added or left by the caller.
fn mn_arctan_of(ratio: f32) -> mn_angle {
    if (ratio < 0.414213568) {
        let z = ratio * ratio;
        return mn_angle(ratio, ratio * z * mn_arctan_series(z), 0u);
    }
    let slope = mn_divide_f32(mn_difference(ratio, 1.0), mn_sum(ratio, 1.0));
    let z = slope * slope;
    return mn_angle(slope, slope * z * mn_arctan_series(z), 1u);
}
// So many quarters of pi, and an angle added or taken away; the multiples are exact.
fn mn_quarters_and(n: i32, angle: mn_angle, sign: u32) -> f32 {
    let count = f32(n);
    let sum = mn_exact_sum(mn_product(count, 0.785398006), mn_with_sign(angle.high, sign));
    return mn_sum(sum.high, sum.low + (count * 1.56958237e-07 + mn_with_sign(angle.low, sign)));
}
fn mn_arctan_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits > 0x7f800000u || bits < 0x39000000u) { return a; }
    let x = mn_magnitude(a);
    let steep = x > 1.0;
    let angle = mn_arctan_of(select(x, mn_divide_f32(1.0, x), steep));
    let quarters = select(i32(angle.n), 2 - i32(angle.n), steep);
    return mn_with_sign(mn_quarters_and(quarters, angle, select(0u, 0x80000000u, steep)), mn_sign_bit(a));
}
fn mn_arctan2_f32(a: f32, b: f32) -> f32 {
    if (!mn_comparable(a, b)) { return mn_nan(); }
    var y = mn_magnitude(a);
    var x = mn_magnitude(b);
    if (mn_isinf_f32(a) || mn_isinf_f32(b)) {
        y = select(0.0, 1.0, mn_isinf_f32(a));
        x = select(0.0, 1.0, mn_isinf_f32(b));
    }
    if (mn_is_zero(y) && mn_is_zero(x)) { x = 1.0; }
    let steep = mn_less_f32(x, y);
    let ratio = mn_divide_f32(select(y, x, steep), select(x, y, steep));
    let left = mn_sign_bit(b) != 0u;
    if (!steep && !left && mn_magnitude_bits(ratio) < 0x39000000u) { return mn_copysign_f32(ratio, a); }
    let angle = mn_arctan_of(ratio);
    let quarters = select(i32(angle.n), 2 - i32(angle.n), steep);
    let sign = select(0u, 0x80000000u, steep != left);
    return mn_copysign_f32(mn_quarters_and(select(quarters, 4 - quarters, left), angle, sign), a);
}
fn mn_arcsin_series(x: f32) -> f32 {
    return ((((0.0376731232 * x + 0.0143291904) * x + 0.0318360552) * x + 0.0445136353) * x + 0.0750052109) * x
        + 0.166666597;
}
fn mn_arcsin_of(a: f32, square: f32) -> f32 { return a + a * square * mn_arcsin_series(square); }
fn mn_arcsin_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits > 0x3f800000u) { return mn_nan(); }
    if (bits < 0x39000000u) { return a; }
    let x = mn_magnitude(a);
    var result = mn_arcsin_of(x, x * x);
    if (x > 0.5) {
        let z = mn_product(0.5, mn_difference(1.0, x));
        let half = mn_arcsin_of(mn_sqrt_f32(z), z);
        result = mn_difference(1.57079637, mn_sum(2.0 * half, 4.37113883e-08));
    }
    return mn_with_sign(result, mn_sign_bit(a));
}
fn mn_arccos_f32(a: f32) -> f32 {
    if (mn_magnitude_bits(a) > 0x3f800000u) { return mn_nan(); }
    let x = mn_magnitude(a);
    if (x <= 0.5) { return mn_difference(1.57079637, mn_sum(mn_arcsin_of(a, a * a), 4.37113883e-08)); }
    let z = mn_product(0.5, mn_difference(1.0, x));
    let twice = 2.0 * mn_arcsin_of(mn_sqrt_f32(z), z);
    return select(twice, mn_difference(3.14159274, mn_sum(twice, 8.74227766e-08)), mn_sign_bit(a) != 0u);
}
