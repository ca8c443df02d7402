// The floating point events that a row means for one number, as the bits of the crate's `Flags`: 1 for a division by
// zero, 2 for an overflow, 8 for an operation without a meaning.

fn mn_when(condition: bool, events: u32) -> u32 { return select(0u, events, condition); }
// Those that a processor meets in one rounded operation, from its operands and its result.
fn mn_events(a: f32, b: f32, r: f32) -> u32 {
    return mn_when(mn_isinf_f32(r) && mn_isfinite_f32(a) && mn_isfinite_f32(b), 2u)
        | mn_when(mn_isnan_f32(r) && mn_comparable(a, b), 8u);
}
fn mn_add_events_f32(a: f32, b: f32, r: f32) -> u32 { return mn_events(a, b, r); }
fn mn_multiply_events_f32(a: f32, b: f32, r: f32) -> u32 { return mn_events(a, b, r); }
fn mn_divide_events_f32(a: f32, b: f32, r: f32) -> u32 {
    return select(mn_events(a, b, r), 1u, mn_is_zero(b) && !mn_is_zero(a) && mn_isfinite_f32(a));
}
fn mn_reciprocal_events_f32(a: f32, r: f32) -> u32 { return mn_divide_events_f32(1.0, a, r); }
// The infinite result of a finite number.
fn mn_overflow_f32(a: f32, r: f32) -> u32 { return mn_when(mn_isinf_f32(r) && !mn_isinf_f32(a), 2u); }
fn mn_overflow_of_two(a: f32, b: f32, r: f32) -> u32 {
    return mn_when(mn_isinf_f32(r) && !mn_isinf_f32(a) && !mn_isinf_f32(b), 2u);
}
fn mn_domain(undefined: bool, pole: bool) -> u32 { return mn_when(undefined, 8u) | mn_when(pole, 1u); }

fn mn_quotient_events(a: f32, b: f32) -> u32 {
    if (!mn_comparable(a, b)) { return 0u; }
    if (mn_is_zero(b)) { return mn_domain(mn_is_zero(a), !mn_is_zero(a) && !mn_isinf_f32(a)); }
    if (mn_isinf_f32(a)) { return 8u; }
    return mn_when(mn_isinf_f32(mn_divide_f32(a, b)), 10u);
}
fn mn_floor_divide_events_f32(a: f32, b: f32, r: f32) -> u32 { return mn_quotient_events(a, b); }
fn mn_remainder_events_f32(a: f32, b: f32) -> u32 {
    return mn_when(mn_comparable(a, b) && (mn_is_zero(b) || mn_isinf_f32(a)), 8u);
}
fn mn_divmod_events_f32(a: f32, b: f32, r: f32) -> u32 {
    return mn_quotient_events(a, b) | mn_remainder_events_f32(a, b);
}
// The quotient of halves overflows sooner.
fn mn_half_floor_divide_events(a: f32, b: f32) -> u32 {
    let large = mn_less_equal_f32(65520.0, mn_magnitude(mn_divide_f32(a, b)));
    return select(mn_quotient_events(a, b), 2u, large && !mn_is_zero(b) && mn_isfinite_f32(a));
}
fn mn_half_divmod_events(a: f32, b: f32) -> u32 {
    return mn_half_floor_divide_events(a, b) | mn_remainder_events_f32(a, b);
}
fn mn_half_spacing_events(a: f32, r: f32) -> u32 { return select(8u, mn_overflow_f32(a, r), mn_isfinite_f32(a)); }

fn mn_power_events_f32(a: f32, b: f32, r: f32) -> u32 {
    let pole = mn_is_zero(a) && mn_is_negative(b) && !mn_isinf_f32(b);
    return mn_domain(mn_isnan_f32(r) && mn_comparable(a, b), pole)
        | select(mn_overflow_of_two(a, b, r), 0u, mn_is_zero(a));
}
fn mn_sum_of_powers_events(a: f32, b: f32) -> u32 {
    return mn_domain(!mn_comparable(a, b), false) | mn_overflow_of_two(a, b, mn_difference(a, b));
}
fn mn_sqrt_events_f32(a: f32, r: f32) -> u32 { return mn_domain(mn_is_negative(a), false); }
fn mn_log_events_f32(a: f32, r: f32) -> u32 { return mn_domain(mn_is_negative(a), mn_is_zero(a)); }
fn mn_log1p_events_f32(a: f32, r: f32) -> u32 { return mn_domain(mn_less_f32(a, -1.0), a == -1.0); }
fn mn_circular_events_f32(a: f32, r: f32) -> u32 { return mn_domain(mn_isinf_f32(a), false); }
fn mn_arcsin_events_f32(a: f32) -> u32 { return mn_domain(mn_less_f32(1.0, mn_magnitude(a)), false); }
fn mn_arccosh_events_f32(a: f32) -> u32 { return mn_domain(mn_less_f32(a, 1.0), false); }
fn mn_arctanh_events_f32(a: f32) -> u32 {
    return mn_domain(mn_less_f32(1.0, mn_magnitude(a)), mn_magnitude_bits(a) == 0x3f800000u);
}
