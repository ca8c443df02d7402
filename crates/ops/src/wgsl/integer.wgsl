// The rows of integers. Every function here stands for several: `whole` is the type of signed and unsigned integers
// alike, `int` and `uint` that of only the one or the other, of 32 or 64 bits. Narrow integers live in 32 bits, and what
// a step gives is wrapped afterwards.

fn mn_add_whole(a: whole, b: whole) -> whole { return a + b; }
fn mn_subtract_whole(a: whole, b: whole) -> whole { return a - b; }
fn mn_multiply_whole(a: whole, b: whole) -> whole { return a * b; }
fn mn_negative_whole(a: whole) -> whole { return whole(0) - a; }
fn mn_conjugate_whole(a: whole) -> whole { return a; }
fn mn_floor_whole(a: whole) -> whole { return a; }
fn mn_ceil_whole(a: whole) -> whole { return a; }
fn mn_trunc_whole(a: whole) -> whole { return a; }
fn mn_absolute_uint(a: uint) -> uint { return a; }
fn mn_absolute_int(a: int) -> int { return select(a, int(0) - a, a < int(0)); }
fn mn_size_uint(a: uint) -> uint { return a; }
fn mn_size_int(a: int) -> uint { return uint(mn_absolute_int(a)); }
fn mn_sign_uint(a: uint) -> uint { return select(uint(0), uint(1), a > uint(0)); }
fn mn_sign_int(a: int) -> int { return select(select(int(0), int(1), a > int(0)), int(-1), a < int(0)); }

// Division; a zero divisor gives zero.

fn mn_fmod_uint(a: uint, b: uint) -> uint {
    if (b == uint(0)) { return uint(0); }
    return a % b;
}
fn mn_fmod_int(a: int, b: int) -> int {
    if (b == int(0) || b == int(-1)) { return int(0); }
    return a % b;
}
fn mn_remainder_uint(a: uint, b: uint) -> uint { return mn_fmod_uint(a, b); }
fn mn_remainder_int(a: int, b: int) -> int {
    let rest = mn_fmod_int(a, b);
    return select(rest, rest + b, rest != int(0) && (rest < int(0)) != (b < int(0)));
}
fn mn_floor_divide_uint(a: uint, b: uint) -> uint {
    if (b == uint(0)) { return uint(0); }
    return a / b;
}
fn mn_floor_divide_int(a: int, b: int) -> int {
    if (b == int(0)) { return int(0); }
    if (b == int(-1)) { return int(0) - a; }
    let quotient = a / b;
    let rest = a - quotient * b;
    return select(quotient, quotient - int(1), rest != int(0) && (rest < int(0)) != (b < int(0)));
}
fn mn_reciprocal_uint(a: uint) -> uint { return select(uint(0), uint(1), a == uint(1)); }
fn mn_reciprocal_int(a: int) -> int {
    if (a == int(0)) { return int(-1) << u32(WIDTH - 1); }
    return select(int(0), a, a == int(1) || a == int(-1));
}
fn mn_floor_divide_events_uint(a: uint, b: uint, r: uint) -> u32 { return select(0u, 1u, b == uint(0)); }
// A quotient that does not fit has the sign that it should not have.
fn mn_floor_divide_events_int(a: int, b: int, r: int) -> u32 {
    return select(0u, 1u, b == int(0)) | select(0u, 2u, b == int(-1) && a < int(0) && r < int(0));
}
fn mn_divmod_events_whole(a: whole, b: whole, r: whole) -> u32 { return mn_floor_divide_events_whole(a, b, r); }
fn mn_remainder_events_whole(a: whole, b: whole) -> u32 { return select(0u, 1u, b == whole(0)); }
fn mn_reciprocal_events_whole(a: whole, r: whole) -> u32 { return select(0u, 9u, a == whole(0)); }

// Bits, powers and divisors.

fn mn_bitwise_and_whole(a: whole, b: whole) -> whole { return a & b; }
fn mn_bitwise_or_whole(a: whole, b: whole) -> whole { return a | b; }
fn mn_bitwise_xor_whole(a: whole, b: whole) -> whole { return a ^ b; }
fn mn_invert_whole(a: whole) -> whole { return ~a; }
fn mn_left_shift_whole(a: whole, count: whole) -> whole {
    if (uint(count) < uint(WIDTH)) { return a << u32(count); }
    return whole(0);
}
fn mn_right_shift_uint(a: uint, count: uint) -> uint {
    if (count < uint(WIDTH)) { return a >> u32(count); }
    return uint(0);
}
fn mn_right_shift_int(a: int, count: int) -> int {
    if (uint(count) < uint(WIDTH)) { return a >> u32(count); }
    return a >> u32(WIDTH - 1);
}
fn mn_bitwise_count_whole(a: whole) -> u32 { return mn_ones_uint(mn_size_whole(a)); }
fn mn_power_uint(a: uint, exponent: uint) -> uint {
    var base = a;
    var result = uint(1);
    var left = exponent;
    while (left > uint(0)) {
        if ((left & uint(1)) == uint(1)) { result = result * base; }
        base = base * base;
        left = left >> 1u;
    }
    return result;
}
fn mn_power_int(a: int, exponent: int) -> int {
    if (exponent < int(0)) { return int(0); }
    return int(mn_power_uint(uint(a), uint(exponent)));
}
fn mn_divisor_uint(first: uint, second: uint) -> uint {
    var a = first;
    var b = second;
    while (b != uint(0)) {
        let rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}
fn mn_gcd_whole(a: whole, b: whole) -> whole {
    return whole(mn_divisor_uint(mn_size_whole(a), mn_size_whole(b)));
}
fn mn_lcm_whole(a: whole, b: whole) -> whole {
    let divisor = mn_divisor_uint(mn_size_whole(a), mn_size_whole(b));
    if (divisor == uint(0)) { return whole(0); }
    return whole((mn_size_whole(a) / divisor) * mn_size_whole(b));
}

// Comparison, truth, and the larger and smaller of two.

fn mn_greater_whole(a: whole, b: whole) -> bool { return a > b; }
fn mn_greater_equal_whole(a: whole, b: whole) -> bool { return a >= b; }
fn mn_less_whole(a: whole, b: whole) -> bool { return a < b; }
fn mn_less_equal_whole(a: whole, b: whole) -> bool { return a <= b; }
fn mn_equal_whole(a: whole, b: whole) -> bool { return a == b; }
fn mn_not_equal_whole(a: whole, b: whole) -> bool { return a != b; }
// By value, whatever the signs.
fn mn_less_mixed_int(a: int, b: uint) -> bool { return a < int(0) || uint(a) < b; }
fn mn_less_mixed_uint(a: uint, b: int) -> bool { return b >= int(0) && a < uint(b); }
fn mn_greater_mixed_int(a: int, b: uint) -> bool { return a >= int(0) && uint(a) > b; }
fn mn_greater_mixed_uint(a: uint, b: int) -> bool { return b < int(0) || a > uint(b); }
fn mn_truth_whole(a: whole) -> bool { return a != whole(0); }
fn mn_logical_and_whole(a: whole, b: whole) -> bool { return a != whole(0) && b != whole(0); }
fn mn_logical_or_whole(a: whole, b: whole) -> bool { return a != whole(0) || b != whole(0); }
fn mn_logical_xor_whole(a: whole, b: whole) -> bool { return (a != whole(0)) != (b != whole(0)); }
fn mn_logical_not_whole(a: whole) -> bool { return a == whole(0); }
fn mn_maximum_whole(a: whole, b: whole) -> whole { return select(b, a, a > b); }
fn mn_minimum_whole(a: whole, b: whole) -> whole { return select(b, a, a < b); }
fn mn_fmax_whole(a: whole, b: whole) -> whole { return select(b, a, a > b); }
fn mn_fmin_whole(a: whole, b: whole) -> whole { return select(b, a, a < b); }
fn mn_isfinite_whole(a: whole) -> bool { return true; }
fn mn_isinf_whole(a: whole) -> bool { return false; }
fn mn_isnan_whole(a: whole) -> bool { return false; }
fn mn_clip_whole(a: whole, low: whole, high: whole) -> whole {
    return mn_minimum_whole(mn_maximum_whole(a, low), high);
}
