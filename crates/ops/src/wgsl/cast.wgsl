// Conversions, as C on x86-64 has them: what a signed integer cannot hold becomes its lowest number, and narrower
// integers are cut from 32 bits, unsigned 32 bits from 64.

// The digits of a finite number as an integer, with its exponent of two.
struct mn_digits {
    m: u32,
    e: i32,
}
fn mn_raw_digits(a: f32) -> mn_digits {
    let bits = mn_magnitude_bits(a);
    let exponent = i32(bits >> 23u);
    return mn_digits((bits & 0x7fffffu) | select(0u, 0x800000u, exponent > 0), max(exponent, 1) - 150);
}
// The lowest 32 bits of the whole part of the magnitude.
fn mn_low_whole(a: f32) -> u32 {
    let digits = mn_raw_digits(a);
    if (digits.e < -23 || digits.e > 31) { return 0u; }
    return select(digits.m >> u32(max(-digits.e, 0)), digits.m << u32(max(digits.e, 0)), digits.e > 0);
}
fn mn_exceeds_i32(a: f32) -> bool {
    return mn_magnitude_bits(a) >= 0x4f000000u && bitcast<u32>(a) != 0xcf000000u;
}
fn mn_exceeds_i64(a: f32) -> bool {
    return mn_magnitude_bits(a) >= 0x5f000000u && bitcast<u32>(a) != 0xdf000000u;
}
fn mn_exceeds_u64(a: f32) -> bool {
    return mn_exceeds_i64(a) && !(bitcast<u32>(a) >= 0x5f000000u && bitcast<u32>(a) < 0x5f800000u);
}
fn mn_i32_of_f32(a: f32) -> i32 {
    if (mn_exceeds_i32(a)) { return -2147483647 - 1; }
    let whole = bitcast<i32>(mn_low_whole(a));
    return select(whole, 0 - whole, mn_sign_bit(a) != 0u);
}
fn mn_u32_of_f32(a: f32) -> u32 {
    if (mn_exceeds_i64(a)) { return 0u; }
    let whole = mn_low_whole(a);
    return select(whole, 0u - whole, mn_sign_bit(a) != 0u);
}
fn mn_u64_of_magnitude(a: f32) -> u64 {
    let digits = mn_raw_digits(a);
    if (digits.e < -23 || digits.e > 40) { return 0lu; }
    if (digits.e < 0) { return u64(digits.m >> u32(-digits.e)); }
    return u64(digits.m) << u32(digits.e);
}
fn mn_u64_of_f32(a: f32) -> u64 {
    if (mn_exceeds_u64(a)) {
        return select(0x8000000000000000lu, 0lu, bitcast<u32>(a) >= 0x5f800000u && bitcast<u32>(a) <= 0x7f800000u);
    }
    let whole = mn_u64_of_magnitude(a);
    return select(whole, 0lu - whole, mn_sign_bit(a) != 0u);
}
fn mn_i64_of_f32(a: f32) -> i64 {
    if (mn_exceeds_i64(a)) { return -1li << 63u; }
    return i64(mn_u64_of_f32(a));
}
// Rounded to nearest: the upper 24 bits and what is left of the others.
fn mn_f32_of_u64(a: u64) -> f32 {
    let high = u32(a >> 32u);
    let low = u32(a & 0xfffffffflu);
    if (high == 0u) { return f32(low); }
    let shift = countLeadingZeros(high);
    let moved = a << shift;
    let upper = u32(moved >> 32u) | select(0u, 1u, u32(moved & 0xfffffffflu) != 0u);
    return f32(upper) * bitcast<f32>((159u - shift) << 23u);
}
fn mn_f32_of_i64(a: i64) -> f32 {
    let magnitude = mn_f32_of_u64(mn_size_i64(a));
    return select(magnitude, -magnitude, a < 0li);
}
// A finite number that becomes infinite.
fn mn_cast_events(a: f32, r: f32) -> u32 { return select(0u, 2u, mn_isinf_f32(r) && mn_isfinite_f32(a)); }
