// Exponentials and logarithms, in single precision. The coefficients are those of `minimax.py`.

// Two numbers whose sum is meant, the second much smaller.
struct mn_pair {
    high: f32,
    low: f32,
}
// The sum of two numbers and its rounding error; of the first kind if `a` is zero or not smaller than `b`.
fn mn_ordered_sum(a: f32, b: f32) -> mn_pair {
    let high = mn_sum(a, b);
    return mn_pair(high, mn_sum(mn_difference(a, high), b));
}
fn mn_exact_sum(a: f32, b: f32) -> mn_pair {
    let high = mn_sum(a, b);
    let from_b = mn_difference(high, a);
    return mn_pair(high, mn_sum(mn_difference(a, mn_difference(high, from_b)), mn_difference(b, from_b)));
}
// The product of two numbers and its rounding error, by products of twelve digits.
fn mn_exact_product(a: f32, b: f32) -> mn_pair {
    let high = mn_product(a, b);
    let a_high = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
    let a_low = mn_difference(a, a_high);
    let b_high = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
    let b_low = mn_difference(b, b_high);
    let first = mn_difference(mn_product(a_high, b_high), high);
    let second = mn_sum(mn_sum(first, mn_product(a_high, b_low)), mn_product(a_low, b_high));
    return mn_pair(high, mn_sum(second, mn_product(a_low, b_low)));
}
// The power of two 2^n, for n from -126 to 127.
fn mn_power_of_two(n: i32) -> f32 { return bitcast<f32>(bitcast<u32>(n + 127) << 23u); }
// A number of ordinary size times 2^n, rounded once.
fn mn_scaled(a: f32, n: i32) -> f32 {
    if (n >= -120 && n <= 120) { return mn_product(a, mn_power_of_two(n)); }
    let digits = mn_digits_of(a);
    return mn_nearest(digits.m, digits.e + n, mn_sign_bit(a));
}

fn mn_exp_series(x: f32) -> f32 {
    return (((0.00139517453 * x + 0.00836959109) * x + 0.0416661873) * x + 0.166665137) * x + 0.5;
}
fn mn_expm1_series(x: f32) -> f32 {
    return ((((0.000199156435 * x + 0.00139420433) * x + 0.00833327044) * x + 0.0416663438) * x + 0.166666672) * x
        + 0.5;
}
fn mn_exp2_series(x: f32) -> f32 {
    return (((((1.53154815e-05 * x + 0.000154676207) * x + 0.00133334287) * x + 0.00961803552) * x + 0.0555041097) * x
        + 0.240226507) * x + 0.693147182;
}
// The integer next to x / log 2.
fn mn_exponent_of(x: f32) -> f32 { return floor(x * 1.44269502 + 0.5); }
// What is left of x then; the first product is exact.
fn mn_exponent_rest(x: f32, n: f32) -> f32 {
    return mn_difference(mn_difference(x, mn_product(n, 0.693145752)), mn_product(n, 1.42860677e-06));
}
// e^x times 2^k.
fn mn_scaled_exp(x: f32, k: i32) -> f32 {
    let within = clamp(x, -250.0, 250.0);
    let n = mn_exponent_of(within);
    let r = mn_exponent_rest(within, n);
    return mn_scaled(1.0 + (r + r * r * mn_exp_series(r)), i32(n) + k);
}
fn mn_exp_f32(a: f32) -> f32 {
    if (mn_isnan_f32(a)) { return a; }
    return mn_scaled_exp(a, 0);
}
fn mn_exp2_f32(a: f32) -> f32 {
    if (mn_isnan_f32(a)) { return a; }
    let within = clamp(a, -250.0, 250.0);
    let n = floor(within + 0.5);
    let r = mn_difference(within, n);
    return mn_scaled(1.0 + r * mn_exp2_series(r), i32(n));
}
fn mn_expm1_f32(a: f32) -> f32 {
    if (mn_isnan_f32(a) || mn_magnitude_bits(a) < 0x33000000u) { return a; }
    let within = clamp(a, -20.0, 100.0);
    let n = mn_exponent_of(within);
    let r = mn_exponent_rest(within, n);
    let less_one = r + r * r * mn_expm1_series(r);
    if (n == 0.0) { return less_one; }
    let power = mn_power_of_two(i32(n));
    if (n < 0.0) { return mn_sum(mn_product(less_one, power), mn_difference(power, 1.0)); }
    return mn_scaled(mn_sum(less_one, mn_difference(1.0, mn_power_of_two(-min(i32(n), 100)))), i32(n));
}

fn mn_log_series(x: f32) -> f32 {
    return (((((((0.0691563785 * x + -0.117887974) * x + 0.118722893) * x + -0.123844974) * x + 0.142187834) * x
        + -0.166692451) * x + 0.200022191) * x + -0.249999866) * x + 0.333333105;
}
// A positive finite number is (1 + f) 2^k, with 1 + f between the square root of one half and that of two.
struct mn_factors {
    k: f32,
    f: f32,
}
fn mn_factors_of(a: f32) -> mn_factors {
    let digits = mn_digits_of(a);
    let low = digits.m <= 0xb504f3u;
    let m = f32(digits.m) * select(5.9604644775390625e-8, 1.1920928955078125e-7, low);
    return mn_factors(f32(digits.e + select(24, 23, low)), mn_difference(m, 1.0));
}
// log(1 + f) without f itself; what is more is added on the way.
fn mn_log_rest(f: f32, more: f32) -> f32 {
    return f * f * f * mn_log_series(f) + more - 0.5 * f * f;
}
// The logarithm of a times two to the power, for positive finite numbers.
fn mn_scaled_log(a: f32, power: f32) -> f32 {
    let factors = mn_factors_of(a);
    let k = factors.k + power;
    return mn_sum(mn_product(k, 0.693145752), mn_sum(factors.f, mn_log_rest(factors.f, k * 1.42860677e-06)));
}
// The logarithms of numbers that are not positive and finite.
fn mn_has_no_log(a: f32) -> bool { return mn_is_zero(a) || mn_sign_bit(a) != 0u || !mn_isfinite_f32(a); }
fn mn_odd_log(a: f32) -> f32 {
    if (mn_is_zero(a)) { return mn_float(0xff800000u); }
    if (mn_is_negative(a)) { return mn_nan(); }
    return a;
}
fn mn_log_f32(a: f32) -> f32 {
    if (mn_has_no_log(a)) { return mn_odd_log(a); }
    return mn_scaled_log(a, 0.0);
}
// log(1 + f) in two numbers.
fn mn_log_pair(f: f32) -> mn_pair {
    let square = mn_exact_product(f, f);
    let sum = mn_ordered_sum(f, -0.5 * square.high);
    return mn_ordered_sum(sum.high, sum.low + (f * f * f * mn_log_series(f) - 0.5 * square.low));
}
fn mn_log2_f32(a: f32) -> f32 {
    if (mn_has_no_log(a)) { return mn_odd_log(a); }
    let factors = mn_factors_of(a);
    let log = mn_log_pair(factors.f);
    let product = mn_exact_product(log.high, 1.44269502);
    let sum = mn_ordered_sum(factors.k, product.high);
    return mn_sum(sum.high, sum.low + (product.low + (log.high * 1.92596303e-08 + log.low * 1.44269502)));
}
fn mn_log10_f32(a: f32) -> f32 {
    if (mn_has_no_log(a)) { return mn_odd_log(a); }
    let factors = mn_factors_of(a);
    let log = mn_log_pair(factors.f);
    let product = mn_exact_product(log.high, 0.434294492);
    let sum = mn_ordered_sum(mn_product(factors.k, 0.301025391), product.high);
    let low = factors.k * 4.60503907e-06 + (log.high * -1.010305e-08 + log.low * 0.434294492);
    return mn_sum(sum.high, sum.low + (product.low + low));
}
fn mn_log1p_f32(a: f32) -> f32 {
    if (mn_isnan_f32(a) || mn_magnitude_bits(a) < 0x33000000u || bitcast<u32>(a) == 0x7f800000u) { return a; }
    if (bitcast<u32>(a) >= 0xbf800000u) {
        return select(mn_nan(), mn_float(0xff800000u), bitcast<u32>(a) == 0xbf800000u);
    }
    let sum = mn_exact_sum(1.0, a);
    let factors = mn_factors_of(sum.high);
    if (factors.k == 0.0) { return mn_sum(a, mn_log_rest(a, 0.0)); }
    let lost = sum.low / sum.high;
    let rest = mn_log_rest(factors.f, factors.k * 1.42860677e-06 + lost);
    return mn_sum(mn_product(factors.k, 0.693145752), mn_sum(factors.f, rest));
}
fn mn_logaddexp_f32(a: f32, b: f32) -> f32 {
    if (mn_equal_f32(a, b)) { return mn_sum(a, 0.693147182); }
    let difference = mn_difference(a, b);
    if (mn_isnan_f32(difference)) { return difference; }
    let larger = select(b, a, mn_sign_bit(difference) == 0u);
    return mn_sum(larger, mn_log1p_f32(mn_exp_f32(-mn_magnitude(difference))));
}
fn mn_logaddexp2_f32(a: f32, b: f32) -> f32 {
    if (mn_equal_f32(a, b)) { return mn_sum(a, 1.0); }
    let difference = mn_difference(a, b);
    if (mn_isnan_f32(difference)) { return difference; }
    let larger = select(b, a, mn_sign_bit(difference) == 0u);
    return mn_sum(larger, mn_product(1.44269502, mn_log1p_f32(mn_exp2_f32(-mn_magnitude(difference)))));
}

// Hyperbolic functions and their inverses.

fn mn_sinh_series(x: f32) -> f32 {
    return ((2.78392577e-06 * x + 0.000198426351) * x + 0.00833331142) * x + 0.166666672;
}
fn mn_sinh_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits > 0x7f800000u || bits < 0x39800000u) { return a; }
    let x = mn_magnitude(a);
    var result = x + x * x * x * mn_sinh_series(x * x);
    if (x > 1.0) {
        let half = mn_scaled_exp(x, -1);
        result = half;
        if (x < 20.0) { result = mn_difference(half, 0.25 / half); }
    }
    return mn_with_sign(result, mn_sign_bit(a));
}
fn mn_cosh_f32(a: f32) -> f32 {
    if (mn_isnan_f32(a)) { return a; }
    let x = mn_magnitude(a);
    let half = mn_scaled_exp(x, -1);
    if (x > 20.0) { return half; }
    return mn_sum(half, 0.25 / half);
}
fn mn_tanh_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits > 0x7f800000u || bits < 0x39800000u) { return a; }
    let x = mn_magnitude(a);
    var result = 1.0;
    if (x < 10.0) {
        let less_one = mn_expm1_f32(2.0 * x);
        result = mn_divide_f32(less_one, mn_sum(less_one, 2.0));
    }
    return mn_with_sign(result, mn_sign_bit(a));
}
fn mn_arcsinh_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits >= 0x7f800000u || bits < 0x39800000u) { return a; }
    let x = mn_magnitude(a);
    var result = 0.0;
    if (x > 8192.0) {
        result = mn_scaled_log(x, 1.0);
    } else {
        let square = x * x;
        result = mn_log1p_f32(mn_sum(x, square / (1.0 + sqrt(1.0 + square))));
    }
    return mn_with_sign(result, mn_sign_bit(a));
}
fn mn_arccosh_f32(a: f32) -> f32 {
    if (mn_less_f32(a, 1.0)) { return mn_nan(); }
    if (!mn_isfinite_f32(a)) { return a; }
    if (a > 8192.0) { return mn_scaled_log(a, 1.0); }
    let t = mn_difference(a, 1.0);
    return mn_log1p_f32(mn_sum(t, mn_sqrt_f32(mn_product(t, mn_sum(2.0, t)))));
}
fn mn_arctanh_f32(a: f32) -> f32 {
    let bits = mn_magnitude_bits(a);
    if (bits > 0x7f800000u || bits < 0x39800000u) { return a; }
    if (bits >= 0x3f800000u) {
        return select(mn_nan(), mn_float(0x7f800000u | mn_sign_bit(a)), bits == 0x3f800000u);
    }
    let x = mn_magnitude(a);
    let result = 0.5 * mn_log1p_f32(mn_divide_f32(2.0 * x, mn_difference(1.0, x)));
    return mn_with_sign(result, mn_sign_bit(a));
}
