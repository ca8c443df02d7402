
// Division of real numbers. Where the quotient has few digits the remainder is computed from it; else digit by digit.

MN float mn_divide(float a, float b) { return a / b; }
MN double mn_divide(double a, double b) { return a / b; }
MN float mn_reciprocal(float a) { return 1.0f / a; }
MN double mn_reciprocal(double a) { return 1.0 / a; }
template <class R>
MN_APART unsigned int mn_real_reciprocal_events(R a, R r) { return mn_divide_events((R)1, a, r); }
MN_APART unsigned int mn_reciprocal_events(float a, float r) { return mn_real_reciprocal_events(a, r); }
MN_APART unsigned int mn_reciprocal_events(double a, double r) { return mn_real_reciprocal_events(a, r); }

MN bool mn_is_far(float a, float b) { return !(mn_fabs(a) < mn_fabs(b) * 4194304.0f && !mn_isinf(b)); }
MN bool mn_is_far(double a, double b) { return !(mn_fabs(a) < mn_fabs(b) * 2251799813685248.0 && !mn_isinf(b)); }
MN_APART float mn_far_fmod(float a, float b) { return fmodf(a, b); }
MN_APART double mn_far_fmod(double a, double b) { return fmod(a, b); }
template <class R>
MN R mn_real_fmod(R a, R b) {
    if (mn_is_far(a, b)) return mn_far_fmod(a, b);
    R rest = mn_fused(-mn_trunc(a / b), b, a);
    if (rest != 0 && (rest < 0) != (a < 0)) rest += mn_copysign(b, a);
    return mn_copysign(rest, a);
}
template <class R>
MN R mn_real_remainder(R a, R b) {
    R rest = mn_real_fmod(a, b);
    if (b == 0) return rest;
    if (rest == 0) return mn_copysign((R)0, b);
    return (b < 0) != (rest < 0) ? rest + b : rest;
}
template <class R>
MN R mn_real_floor_divide(R a, R b) {
    R rest = mn_real_fmod(a, b), quotient = (a - rest) / b;
    if (b == 0) return a / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return mn_copysign((R)0, a / b);
    R whole = mn_floor(quotient);
    return quotient - whole > (R)0.5 ? whole + 1 : whole;
}
template <class R>
MN_APART unsigned int mn_real_quotient_events(R a, R b) {
    if (mn_isnan(a) || mn_isnan(b)) return 0;
    if (b == 0) return a == 0 ? MN_INVALID : mn_isinf(a) ? 0 : MN_DIVIDE;
    if (mn_isinf(a)) return MN_INVALID;
    return mn_isinf(a / b) ? MN_OVERFLOW | MN_INVALID : 0;
}
template <class R>
MN_APART unsigned int mn_real_rest_events(R a, R b) {
    return mn_isnan(a) || mn_isnan(b) || !(b == 0 || mn_isinf(a)) ? 0 : MN_INVALID;
}
#define MN_REAL_DIVISION(R) \
    MN R mn_fmod(R a, R b) { return mn_real_fmod(a, b); } \
    MN R mn_remainder(R a, R b) { return mn_real_remainder(a, b); } \
    MN R mn_floor_divide(R a, R b) { return mn_real_floor_divide(a, b); } \
    MN_APART unsigned int mn_floor_divide_events(R a, R b) { return mn_real_quotient_events(a, b); } \
    MN_APART unsigned int mn_remainder_events(R a, R b) { return mn_real_rest_events(a, b); } \
    MN_APART unsigned int mn_divmod_events(R a, R b) { return mn_real_quotient_events(a, b) | mn_real_rest_events(a, b); }
MN_REAL_DIVISION(float)
MN_REAL_DIVISION(double)
// The quotient of halves overflows sooner.
MN_APART unsigned int mn_half_floor_divide_events(float a, float b) {
    bool overflows = mn_fabs(a / b) >= 65520.0f && b != 0 && mn_isfinite(a);
    return overflows ? MN_OVERFLOW : mn_real_quotient_events(a, b);
}
MN_APART unsigned int mn_half_divmod_events(float a, float b) {
    return mn_half_floor_divide_events(a, b) | mn_real_rest_events(a, b);
}

// The layout of real numbers.

template <class R>
MN R mn_real_nextafter(R a, R target, R smallest, R up, R down) {
    if (mn_isnan(a) || mn_isnan(target)) return a + target;
    if (a == target) return target;
    if (a == 0) return mn_copysign(smallest, target);
    return (a < target) == (a > 0) ? up : down;
}
MN float mn_nextafter(float a, float b) {
    return mn_real_nextafter(a, b, mn_float(1), mn_float(mn_bits(a) + 1), mn_float(mn_bits(a) - 1));
}
MN double mn_nextafter(double a, double b) {
    return mn_real_nextafter(a, b, mn_double(1), mn_double(mn_bits(a) + 1), mn_double(mn_bits(a) - 1));
}
MN float mn_half_nextafter(float a, float b) {
    unsigned short bits = mn_half_bits(a);
    if (a == b) return a;
    return mn_real_nextafter(a, b, mn_half(1), mn_half(bits + 1), mn_half(bits - 1));
}
MN float mn_spacing(float a) {
    if (!mn_isfinite(a)) return mn_nan(a);
    return a == 0 ? mn_float(1) : mn_float(mn_bits(a) + 1) - a;
}
MN double mn_spacing(double a) {
    if (!mn_isfinite(a)) return mn_nan(a);
    return a == 0 ? mn_double(1) : mn_double(mn_bits(a) + 1) - a;
}
MN float mn_half_spacing(float a) {
    return mn_isfinite(a) ? mn_half_nextafter(a, mn_infinity(a)) - a : mn_nan(a);
}
MN_APART unsigned int mn_half_spacing_events(float a, float r) {
    return mn_isfinite(a) ? mn_overflow(a, r) : (unsigned int)MN_INVALID;
}
MN int mn_clamped_exponent(long long exponent) {
    return exponent < -10000 ? -10000 : exponent > 10000 ? 10000 : (int)exponent;
}
MN float mn_ldexp(float a, long long exponent) { return ldexpf(a, mn_clamped_exponent(exponent)); }
MN double mn_ldexp(double a, long long exponent) { return ldexp(a, mn_clamped_exponent(exponent)); }
// Numbers below the smallest normal one are scaled up first, so that their exponent shows in the bits.
MN float mn_normal(float a) { return mn_fabs(a) < mn_float(0x00800000u) ? a * 8388608.0f : a; }
MN double mn_normal(double a) { return mn_fabs(a) < mn_double(0x0010000000000000ull) ? a * 4503599627370496.0 : a; }
template <class R>
MN bool mn_has_no_exponent(R a) { return a == 0 || !mn_isfinite(a); }
MN float mn_fraction(float a) {
    return mn_has_no_exponent(a) ? a : mn_float((mn_bits(mn_normal(a)) & 0x807fffffu) | 0x3f000000u);
}
MN double mn_fraction(double a) {
    if (mn_has_no_exponent(a)) return a;
    return mn_double((mn_bits(mn_normal(a)) & 0x800fffffffffffffull) | 0x3fe0000000000000ull);
}
MN int mn_exponent(float a) {
    if (mn_has_no_exponent(a)) return 0;
    return (int)(mn_bits(mn_normal(a)) >> 23 & 0xff) - 126 - (mn_normal(a) != a ? 23 : 0);
}
MN int mn_exponent(double a) {
    if (mn_has_no_exponent(a)) return 0;
    return (int)(mn_bits(mn_normal(a)) >> 52 & 0x7ff) - 1022 - (mn_normal(a) != a ? 52 : 0);
}
template <class R>
MN R mn_rest_of_whole(R a) { return mn_copysign(mn_isinf(a) ? (R)0 : a - mn_trunc(a), a); }
MN float mn_degrees(float a) { return a * (180.0f / 3.14159265358979323846f); }
MN double mn_degrees(double a) { return a * (180.0 / 3.14159265358979323846); }
MN float mn_radians(float a) { return a * (3.14159265358979323846f / 180.0f); }
MN double mn_radians(double a) { return a * (3.14159265358979323846 / 180.0); }

template <class R>
MN R mn_heaviside(R a, R middle) { return a > 0 ? (R)1 : a < 0 ? (R)0 : a == 0 ? middle : a; }

// Elementary functions: the compiler's own.

MN_FUNCTION(mn_cbrt, cbrtf, cbrt)
MN_FUNCTION(mn_exp, expf, exp)
MN_FUNCTION(mn_exp2, exp2f, exp2)
MN_FUNCTION(mn_expm1, expm1f, expm1)
MN_FUNCTION(mn_log, logf, log)
MN_FUNCTION(mn_log2, log2f, log2)
MN_FUNCTION(mn_log10, log10f, log10)
MN_FUNCTION(mn_log1p, log1pf, log1p)
MN_FUNCTION(mn_sin, sinf, sin)
MN_FUNCTION(mn_cos, cosf, cos)
MN_FUNCTION(mn_tan, tanf, tan)
MN_FUNCTION(mn_arcsin, asinf, asin)
MN_FUNCTION(mn_arccos, acosf, acos)
MN_FUNCTION(mn_arctan, atanf, atan)
MN_FUNCTION(mn_sinh, sinhf, sinh)
MN_FUNCTION(mn_cosh, coshf, cosh)
MN_FUNCTION(mn_tanh, tanhf, tanh)
MN_FUNCTION(mn_arcsinh, asinhf, asinh)
MN_FUNCTION(mn_arccosh, acoshf, acosh)
MN_FUNCTION(mn_arctanh, atanhf, atanh)
MN_FUNCTION_OF_TWO(mn_power, powf, pow)
MN_FUNCTION_OF_TWO(mn_arctan2, atan2f, atan2)
MN float mn_hypot(float a, float b) { return hypotf(a, b); }
// As the Rust row: CUDA's own of doubles overflows where the result is still the largest number.
MN double mn_hypot(double x, double y) {
    double a = fabs(x), b = fabs(y), factor = 1.0, back = 1.0;
    double larger = a > b ? a : b, smaller = a > b ? b : a;
    if (larger > 1e150 || larger < 1e-140) {
        double up = mn_double(1623ull << 52), down = mn_double(423ull << 52);
        factor = larger > 1.0 ? down : up;
        back = larger > 1.0 ? up : down;
    }
    larger *= factor;
    smaller *= factor;
    double first = larger * larger, first_low = fma(larger, larger, -first);
    double second = smaller * smaller, second_low = fma(smaller, smaller, -second);
    double total = first + second, total_low = (first - total) + second;
    double root = sqrt(total), error = fma(-root, root, total) + (total_low + (first_low + second_low));
    double result = (root + error / (root + root + mn_double(0x0010000000000000ull))) * back;
    if (mn_isinf(x) || mn_isinf(y)) return mn_infinity(x);
    return mn_isnan(x) || mn_isnan(y) ? mn_nan(x) : result;
}
template <class R>
MN R mn_logaddexp(R a, R b) {
    R difference = a - b;
    if (a == b) return a + (R)0.693147180559945309417;
    if (mn_isnan(difference)) return difference;
    return (difference > 0 ? a : b) + mn_log1p(mn_exp(-mn_fabs(difference)));
}
template <class R>
MN R mn_logaddexp2(R a, R b) {
    R difference = a - b;
    if (a == b) return a + 1;
    if (mn_isnan(difference)) return difference;
    return (difference > 0 ? a : b) + (R)1.44269504088896340736 * mn_log1p(mn_exp2(-mn_fabs(difference)));
}
template <class R>
MN_APART unsigned int mn_power_events(R a, R b, R r) {
    return mn_domain(mn_isnan(r) && !mn_isnan(a) && !mn_isnan(b), a == 0 && b < 0 && !mn_isinf(b)) |
           (a != 0 ? mn_overflow_of_two(a, b, r) : 0);
}
template <class R>
MN_APART unsigned int mn_sum_of_powers_events(R a, R b) {
    return mn_domain(mn_isnan(a) || mn_isnan(b), false) | mn_overflow_of_two(a, b, a - b);
}

// The events of functions of one number, from the number and the result.
#define MN_EVENTS(name, undefined, pole) \
    MN unsigned int name(float a, float) { return mn_domain(undefined, pole); } \
    MN unsigned int name(double a, double) { return mn_domain(undefined, pole); }
MN_EVENTS(mn_sqrt_events, a < 0, false)
MN_EVENTS(mn_log_events, a < 0, a == 0)
MN_EVENTS(mn_log1p_events, a < -1, a == -1)
MN_EVENTS(mn_circular_events, mn_isinf(a), false)
MN_EVENTS(mn_arcsin_events, mn_fabs(a) > 1, false)
MN_EVENTS(mn_arccosh_events, a < 1, false)
MN_EVENTS(mn_arctanh_events, mn_fabs(a) > 1, mn_fabs(a) == 1)
MN_EVENTS(mn_absolute_events, false, false)
MN_EVENTS(mn_arctan_events, false, false)
MN_EVENTS(mn_other_events, false, false)
