// What the texts of rows and casts call: the arithmetic of the table's Rust rows, for one element, without any header.
//
// Half precision is computed in float; `mn_round_half` rounds after a step. A function named `..._events` gives the
// floating point events that its namesake means for one element, as the bits of the crate's `Flags`. Everything is
// built on arithmetic that rounds once and is never contracted.

#define MN __device__ __forceinline__
#define MN_FUNCTION(name, single, twice) \
    MN float name(float a) { return single(a); } \
    MN double name(double a) { return twice(a); }
#define MN_FUNCTION_OF_TWO(name, single, twice) \
    MN float name(float a, float b) { return single(a, b); } \
    MN double name(double a, double b) { return twice(a, b); }

enum { MN_DIVIDE = 1, MN_OVERFLOW = 2, MN_INVALID = 8 };

template <class R>
struct mn_complex {
    R re, im;
};
typedef mn_complex<float> mn_c64;
typedef mn_complex<double> mn_c128;

// Bits of numbers, and halves.

#if defined(__CUDACC_RTC__) || defined(__CUDACC__)
MN unsigned int mn_bits(float a) { return __float_as_uint(a); }
MN unsigned long long mn_bits(double a) { return (unsigned long long)__double_as_longlong(a); }
MN float mn_float(unsigned int bits) { return __uint_as_float(bits); }
MN double mn_double(unsigned long long bits) { return __longlong_as_double((long long)bits); }
MN int mn_count(unsigned long long a) { return __popcll(a); }

MN float mn_half(unsigned short bits) {
    float single;
    asm("cvt.f32.f16 %0, %1;" : "=f"(single) : "h"(bits));
    return single;
}

MN unsigned short mn_half_bits(float a) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(a));
    return bits;
}
#else
MN unsigned int mn_bits(float a) {
    unsigned int bits;
    __builtin_memcpy(&bits, &a, sizeof bits);
    return bits;
}
MN unsigned long long mn_bits(double a) {
    unsigned long long bits;
    __builtin_memcpy(&bits, &a, sizeof bits);
    return bits;
}
MN float mn_float(unsigned int bits) {
    float a;
    __builtin_memcpy(&a, &bits, sizeof a);
    return a;
}
MN double mn_double(unsigned long long bits) {
    double a;
    __builtin_memcpy(&a, &bits, sizeof a);
    return a;
}
MN int mn_count(unsigned long long a) { return __builtin_popcountll(a); }

MN float mn_half(unsigned short bits) {
    unsigned int magnitude = (unsigned int)(bits & 0x7fff) << 13;
    unsigned int finite = mn_bits(mn_float(magnitude) * mn_float((127u + 112u) << 23));
    magnitude = magnitude >= 0x7c00u << 13 ? magnitude | 0x7f800000u : finite;
    return mn_float(magnitude | (unsigned int)(bits & 0x8000) << 16);
}

MN unsigned short mn_half_bits(float a) {
    unsigned int bits = mn_bits(a), magnitude = bits & 0x7fffffffu;
    unsigned int half = (magnitude + 0xfffu + (magnitude >> 13 & 1) >> 13) - (112u << 10);
    if (magnitude < 113u << 23) half = mn_bits(mn_float(magnitude) + 0.5f) - 0x3f000000u;
    if (magnitude >= 143u << 23 || half > 0x7c00u) half = 0x7c00u;
    if (magnitude > 0x7f800000u) half = 0x7e00u | (magnitude >> 13 & 0x3ff);
    return (unsigned short)(half | bits >> 16 & 0x8000u);
}
#endif

MN float mn_round_half(float a) { return mn_half(mn_half_bits(a)); }
// A function of halves from one of singles.
template <float (*function)(float, float)>
MN float mn_halves(float a, float b) { return mn_round_half(function(a, b)); }

// What is known of each type.

template <class T>
struct mn_type;
#define MN_INTEGER(T, U, W) \
    template <> \
    struct mn_type<T> { \
        typedef U same; /* as wide, unsigned */ \
        typedef W wide; /* unsigned, wraps around when computed with */ \
        enum { bits = 8 * sizeof(T) }; \
    };
MN_INTEGER(signed char, unsigned char, unsigned int)
MN_INTEGER(short, unsigned short, unsigned int)
MN_INTEGER(int, unsigned int, unsigned int)
MN_INTEGER(long long, unsigned long long, unsigned long long)
MN_INTEGER(unsigned char, unsigned char, unsigned int)
MN_INTEGER(unsigned short, unsigned short, unsigned int)
MN_INTEGER(unsigned int, unsigned int, unsigned int)
MN_INTEGER(unsigned long long, unsigned long long, unsigned long long)

// Every bit set, or the minus one of signed types: below zero only in those.
template <class T>
MN bool mn_signed() { return (T)-1 < (T)0; }
template <class T>
MN T mn_lowest() { return mn_signed<T>() ? (T)((typename mn_type<T>::same)1 << (mn_type<T>::bits - 1)) : (T)0; }
template <class T>
MN typename mn_type<T>::same mn_magnitude(T a) {
    typedef typename mn_type<T>::wide wide;
    return (typename mn_type<T>::same)(a < 0 ? 0 - (wide)a : (wide)a);
}

MN float mn_infinity(float) { return mn_float(0x7f800000u); }
MN double mn_infinity(double) { return mn_double(0x7ff0000000000000ull); }
MN float mn_nan(float) { return mn_float(0x7fc00000u); }
MN double mn_nan(double) { return mn_double(0x7ff8000000000000ull); }
MN_FUNCTION(mn_fabs, fabsf, fabs)
MN_FUNCTION(mn_floor, floorf, floor)
MN_FUNCTION(mn_ceil, ceilf, ceil)
MN_FUNCTION(mn_trunc, truncf, trunc)
MN_FUNCTION(mn_rint, rintf, rint)
MN_FUNCTION(mn_sqrt, sqrtf, sqrt)
MN_FUNCTION_OF_TWO(mn_copysign, copysignf, copysign)
MN_FUNCTION_OF_TWO(mn_cut_remainder, fmodf, fmod)
MN float mn_fused(float a, float b, float c) { return fmaf(a, b, c); }
MN double mn_fused(double a, double b, double c) { return fma(a, b, c); }
MN bool mn_signbit(float a) { return mn_bits(a) >> 31; }
MN bool mn_signbit(double a) { return mn_bits(a) >> 63; }

template <class T>
MN bool mn_isnan(T a) { return a != a; }
template <class T>
MN bool mn_isinf(T) { return false; }
template <class T>
MN bool mn_isfinite(T) { return true; }
MN bool mn_isinf(float a) { return mn_fabs(a) == mn_infinity(a); }
MN bool mn_isinf(double a) { return mn_fabs(a) == mn_infinity(a); }
MN bool mn_isfinite(float a) { return mn_fabs(a) < mn_infinity(a); }
MN bool mn_isfinite(double a) { return mn_fabs(a) < mn_infinity(a); }
template <class R>
MN bool mn_isnan(mn_complex<R> a) { return a.re != a.re || a.im != a.im; }
template <class R>
MN bool mn_isinf(mn_complex<R> a) { return mn_isinf(a.re) || mn_isinf(a.im); }
template <class R>
MN bool mn_isfinite(mn_complex<R> a) { return mn_isfinite(a.re) && mn_isfinite(a.im); }

// Sums, differences and products; integers wrap around.

#define MN_ARITHMETIC(name, sign) \
    template <class T> \
    MN T name(T a, T b) { return (T)((typename mn_type<T>::wide)a sign(typename mn_type<T>::wide) b); } \
    MN float name(float a, float b) { return a sign b; } \
    MN double name(double a, double b) { return a sign b; }
MN_ARITHMETIC(mn_add, +)
MN_ARITHMETIC(mn_subtract, -)
MN_ARITHMETIC(mn_multiply, *)
MN bool mn_add(bool a, bool b) { return a || b; }
MN bool mn_multiply(bool a, bool b) { return a && b; }

template <class T>
MN T mn_negative(T a) { return (T)(0 - (typename mn_type<T>::wide)a); }
MN float mn_negative(float a) { return -a; }
MN double mn_negative(double a) { return -a; }
template <class T>
MN T mn_absolute(T a) { return (T)mn_magnitude(a); }
MN bool mn_absolute(bool a) { return a; }
MN float mn_absolute(float a) { return mn_fabs(a); }
MN double mn_absolute(double a) { return mn_fabs(a); }
#define MN_WHOLE(name) \
    template <class T> \
    MN T name(T a) { return a; }
MN_WHOLE(mn_floor)
MN_WHOLE(mn_ceil)
MN_WHOLE(mn_trunc)
template <class T>
MN T mn_sign(T a) { return a > 0 ? (T)1 : a < 0 ? (T)-1 : a == 0 ? (T)0 : a; }

// The events that a processor meets in one rounded operation, from its operands and its result.
template <class R>
MN unsigned int mn_events(R a, R b, R r) {
    return (mn_isinf(r) && mn_isfinite(a) && mn_isfinite(b) ? MN_OVERFLOW : 0) |
           (mn_isnan(r) && !mn_isnan(a) && !mn_isnan(b) ? MN_INVALID : 0);
}
template <class R>
MN unsigned int mn_divide_events(R a, R b, R r) {
    return b == 0 && a != 0 && mn_isfinite(a) ? MN_DIVIDE : mn_events(a, b, r);
}
// The infinite result of a finite number.
template <class R>
MN unsigned int mn_overflow(R a, R r) { return mn_isinf(r) && !mn_isinf(a) ? MN_OVERFLOW : 0; }
template <class R>
MN unsigned int mn_overflow_of_two(R a, R b, R r) {
    return mn_isinf(r) && !mn_isinf(a) && !mn_isinf(b) ? MN_OVERFLOW : 0;
}
MN unsigned int mn_domain(bool undefined, bool pole) { return (undefined ? MN_INVALID : 0) | (pole ? MN_DIVIDE : 0); }

// Division of integers; a zero divisor gives zero.

template <class T>
MN T mn_floor_divide(T a, T b) {
    if (b == 0) return 0;
    if (mn_signed<T>() && b == (T)-1) return mn_negative(a);
    T rest = a % b;
    return a / b - (rest != 0 && (rest < 0) != (b < 0));
}
template <class T>
MN T mn_fmod(T a, T b) { return b == 0 || (mn_signed<T>() && b == (T)-1) ? (T)0 : (T)(a % b); }
template <class T>
MN T mn_remainder(T a, T b) {
    T rest = mn_fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? (T)(rest + b) : rest;
}
template <class T>
MN T mn_reciprocal(T a) {
    if (a == 1 || (mn_signed<T>() && a == (T)-1)) return a;
    return a == 0 && mn_type<T>::bits >= 32 ? mn_lowest<T>() : (T)0;
}
template <class T>
MN unsigned int mn_floor_divide_events(T a, T b) {
    return b == 0 ? MN_DIVIDE : mn_signed<T>() && b == (T)-1 && a == mn_lowest<T>() ? MN_OVERFLOW : 0;
}
template <class T>
MN unsigned int mn_remainder_events(T, T b) { return b == 0 ? MN_DIVIDE : 0; }
template <class T>
MN unsigned int mn_divmod_events(T a, T b) { return mn_floor_divide_events(a, b); }
template <class T>
MN unsigned int mn_reciprocal_events(T a, T) { return a == 0 ? MN_DIVIDE | MN_INVALID : 0; }

// Bits, powers and divisors of integers.

template <class T>
MN T mn_bitwise_and(T a, T b) { return (T)(a & b); }
template <class T>
MN T mn_bitwise_or(T a, T b) { return (T)(a | b); }
template <class T>
MN T mn_bitwise_xor(T a, T b) { return (T)(a ^ b); }
template <class T>
MN T mn_invert(T a) { return (T)~a; }
MN bool mn_invert(bool a) { return !a; }
template <class T>
MN bool mn_shifts_inside(T count) { return (typename mn_type<T>::same)count < mn_type<T>::bits; }
template <class T>
MN T mn_left_shift(T a, T count) {
    return mn_shifts_inside(count) ? (T)((typename mn_type<T>::wide)a << count) : (T)0;
}
template <class T>
MN T mn_right_shift(T a, T count) {
    if (mn_shifts_inside(count)) return (T)(a >> count);
    return a < 0 ? (T)-1 : (T)0;
}
template <class T>
MN unsigned char mn_bitwise_count(T a) { return (unsigned char)mn_count(mn_magnitude(a)); }
template <class T>
MN T mn_power(T a, T exponent) {
    typename mn_type<T>::wide base = a, result = 1;
    if (exponent < 0) return 0;
    for (typename mn_type<T>::same left = exponent; left > 0; left >>= 1) {
        if (left & 1) result *= base;
        base *= base;
    }
    return (T)result;
}
template <class U>
MN U mn_divisor(U a, U b) {
    while (b != 0) {
        U rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}
template <class T>
MN T mn_gcd(T a, T b) { return (T)mn_divisor(mn_magnitude(a), mn_magnitude(b)); }
template <class T>
MN T mn_lcm(T a, T b) {
    typename mn_type<T>::same x = mn_magnitude(a), y = mn_magnitude(b), divisor = mn_divisor(x, y);
    return divisor == 0 ? (T)0 : (T)((typename mn_type<T>::wide)(x / divisor) * y);
}

// Division of real numbers. Where the quotient has few digits the remainder is computed from it; else digit by digit.

MN float mn_divide(float a, float b) { return a / b; }
MN double mn_divide(double a, double b) { return a / b; }
MN float mn_reciprocal(float a) { return 1.0f / a; }
MN double mn_reciprocal(double a) { return 1.0 / a; }
template <class R>
MN unsigned int mn_real_reciprocal_events(R a, R r) { return mn_divide_events((R)1, a, r); }
MN unsigned int mn_reciprocal_events(float a, float r) { return mn_real_reciprocal_events(a, r); }
MN unsigned int mn_reciprocal_events(double a, double r) { return mn_real_reciprocal_events(a, r); }

MN bool mn_is_far(float a, float b) { return !(mn_fabs(a) < mn_fabs(b) * 4194304.0f && !mn_isinf(b)); }
MN bool mn_is_far(double a, double b) { return !(mn_fabs(a) < mn_fabs(b) * 2251799813685248.0 && !mn_isinf(b)); }
template <class R>
MN R mn_real_fmod(R a, R b) {
    if (mn_is_far(a, b)) return mn_cut_remainder(a, b);
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
MN unsigned int mn_real_quotient_events(R a, R b) {
    if (mn_isnan(a) || mn_isnan(b)) return 0;
    if (b == 0) return a == 0 ? MN_INVALID : mn_isinf(a) ? 0 : MN_DIVIDE;
    if (mn_isinf(a)) return MN_INVALID;
    return mn_isinf(a / b) ? MN_OVERFLOW | MN_INVALID : 0;
}
template <class R>
MN unsigned int mn_real_rest_events(R a, R b) {
    return mn_isnan(a) || mn_isnan(b) || !(b == 0 || mn_isinf(a)) ? 0 : MN_INVALID;
}
#define MN_REAL_DIVISION(R) \
    MN R mn_fmod(R a, R b) { return mn_real_fmod(a, b); } \
    MN R mn_remainder(R a, R b) { return mn_real_remainder(a, b); } \
    MN R mn_floor_divide(R a, R b) { return mn_real_floor_divide(a, b); } \
    MN unsigned int mn_floor_divide_events(R a, R b) { return mn_real_quotient_events(a, b); } \
    MN unsigned int mn_remainder_events(R a, R b) { return mn_real_rest_events(a, b); } \
    MN unsigned int mn_divmod_events(R a, R b) { return mn_real_quotient_events(a, b) | mn_real_rest_events(a, b); }
MN_REAL_DIVISION(float)
MN_REAL_DIVISION(double)
// The quotient of halves overflows sooner.
MN unsigned int mn_half_floor_divide_events(float a, float b) {
    bool overflows = mn_fabs(a / b) >= 65520.0f && b != 0 && mn_isfinite(a);
    return overflows ? MN_OVERFLOW : mn_real_quotient_events(a, b);
}
MN unsigned int mn_half_divmod_events(float a, float b) {
    return mn_half_floor_divide_events(a, b) | mn_real_rest_events(a, b);
}

// Comparison, truth, and the larger and smaller of two.

template <class T>
MN bool mn_less(T a, T b) { return a < b; }
template <class T>
MN bool mn_less_equal(T a, T b) { return a <= b; }
template <class T>
MN bool mn_equal(T a, T b) { return a == b; }
// Lexicographic order, false if an imaginary part is a NaN where real parts decide.
template <class R>
MN bool mn_less(mn_complex<R> a, mn_complex<R> b) {
    return (a.re < b.re && !mn_isnan(a.im) && !mn_isnan(b.im)) || (a.re == b.re && a.im < b.im);
}
template <class R>
MN bool mn_less_equal(mn_complex<R> a, mn_complex<R> b) {
    return (a.re < b.re && !mn_isnan(a.im) && !mn_isnan(b.im)) || (a.re == b.re && a.im <= b.im);
}
template <class R>
MN bool mn_equal(mn_complex<R> a, mn_complex<R> b) { return a.re == b.re && a.im == b.im; }
// By value, whatever the signs.
MN bool mn_less_mixed(long long a, unsigned long long b) { return a < 0 || (unsigned long long)a < b; }
MN bool mn_less_mixed(unsigned long long a, long long b) { return b >= 0 && a < (unsigned long long)b; }
template <class T>
MN bool mn_greater(T a, T b) { return mn_less(b, a); }
template <class T>
MN bool mn_greater_equal(T a, T b) { return mn_less_equal(b, a); }
template <class T>
MN bool mn_not_equal(T a, T b) { return !mn_equal(a, b); }

template <class T>
MN bool mn_truth(T a) { return a != 0; }
template <class R>
MN bool mn_truth(mn_complex<R> a) { return a.re != 0 || a.im != 0; }
template <class T>
MN bool mn_logical_and(T a, T b) { return mn_truth(a) && mn_truth(b); }
template <class T>
MN bool mn_logical_or(T a, T b) { return mn_truth(a) || mn_truth(b); }
template <class T>
MN bool mn_logical_xor(T a, T b) { return mn_truth(a) != mn_truth(b); }
template <class T>
MN bool mn_logical_not(T a) { return !mn_truth(a); }

template <class T>
MN T mn_maximum(T a, T b) { return mn_less_equal(b, a) || mn_isnan(a) ? a : b; }
template <class T>
MN T mn_minimum(T a, T b) { return mn_less_equal(a, b) || mn_isnan(a) ? a : b; }
template <class T>
MN T mn_fmax(T a, T b) { return mn_less_equal(b, a) || mn_isnan(b) ? a : b; }
template <class T>
MN T mn_fmin(T a, T b) { return mn_less_equal(a, b) || mn_isnan(b) ? a : b; }
template <class T>
MN bool mn_below(T a, T b) { return a < b; }
template <class R>
MN bool mn_below(mn_complex<R> a, mn_complex<R> b) { return a.re < b.re || (a.re == b.re && a.im < b.im); }
// Of equal numbers the bound.
template <class T>
MN T mn_clip(T a, T low, T high) {
    T raised = mn_below(low, a) || mn_isnan(a) ? a : low;
    return mn_below(raised, high) || mn_isnan(raised) ? raised : high;
}
MN float mn_half_clip(float a, float low, float high) { return mn_minimum(mn_maximum(a, low), high); }
template <class R>
MN R mn_heaviside(R a, R middle) { return a > 0 ? (R)1 : a < 0 ? (R)0 : a == 0 ? middle : a; }

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
MN unsigned int mn_half_spacing_events(float a, float r) {
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
MN_FUNCTION_OF_TWO(mn_hypot, hypotf, hypot)
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
MN unsigned int mn_power_events(R a, R b, R r) {
    return mn_domain(mn_isnan(r) && !mn_isnan(a) && !mn_isnan(b), a == 0 && b < 0 && !mn_isinf(b)) |
           (a != 0 ? mn_overflow_of_two(a, b, r) : 0);
}
template <class R>
MN unsigned int mn_sum_of_powers_events(R a, R b) {
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
MN_EVENTS(mn_other_events, false, false)

// Conversions, as C on x86-64 has them: what a signed integer cannot hold becomes its lowest number, and narrower
// integers are cut from 32 bits, unsigned 32 bits from 64.

template <class T>
MN int mn_to_i32(T a) { return (int)a; }
template <class T>
MN long long mn_to_i64(T a) { return (long long)a; }
template <class T>
MN unsigned long long mn_to_u64(T a) { return (unsigned long long)a; }
// The largest single below -2^31 is -2^31 - 256.
MN bool mn_exceeds_i32(float a) { return !(a > -2147483904.0f && a < 2147483648.0f); }
MN bool mn_exceeds_i32(double a) { return !(a > -2147483649.0 && a < 2147483648.0); }
template <class R>
MN bool mn_exceeds_i64(R a) { return !(a >= (R)-9223372036854775808.0 && a < (R)9223372036854775808.0); }
template <class R>
MN bool mn_exceeds_u64(R a) { return !(a >= (R)-9223372036854775808.0 && a < (R)18446744073709551616.0); }
template <class R>
MN int mn_cut_to_i32(R a) { return mn_exceeds_i32(a) ? -2147483647 - 1 : (int)a; }
template <class R>
MN long long mn_cut_to_i64(R a) { return mn_exceeds_i64(a) ? -9223372036854775807ll - 1 : (long long)a; }
template <class R>
MN unsigned long long mn_cut_to_u64(R a) {
    bool high = a >= (R)9223372036854775808.0;
    R low = high ? a - (R)9223372036854775808.0 : a;
    return (unsigned long long)mn_cut_to_i64(low) ^ (unsigned long long)high << 63;
}
MN int mn_to_i32(float a) { return mn_cut_to_i32(a); }
MN int mn_to_i32(double a) { return mn_cut_to_i32(a); }
MN long long mn_to_i64(float a) { return mn_cut_to_i64(a); }
MN long long mn_to_i64(double a) { return mn_cut_to_i64(a); }
MN unsigned long long mn_to_u64(float a) { return mn_cut_to_u64(a); }
MN unsigned long long mn_to_u64(double a) { return mn_cut_to_u64(a); }
template <class T>
MN float mn_to_f16(T a) { return mn_round_half((float)a); }
// Rounded to odd first, so that rounding once more rounds correctly.
MN float mn_to_f16(double a) {
    float rounded = (float)a;
    double back = (double)rounded;
    unsigned int inexact = back != a && !mn_isnan(a), beyond = mn_fabs(back) > mn_fabs(a);
    return mn_round_half(mn_float((mn_bits(rounded) - beyond) | inexact));
}
template <class T>
MN mn_c64 mn_to_c64(T a) { return mn_c64{(float)a, 0.0f}; }
template <class T>
MN mn_c128 mn_to_c128(T a) { return mn_c128{(double)a, 0.0}; }
template <class R>
MN mn_c64 mn_to_c64(mn_complex<R> a) { return mn_c64{(float)a.re, (float)a.im}; }
template <class R>
MN mn_c128 mn_to_c128(mn_complex<R> a) { return mn_c128{(double)a.re, (double)a.im}; }
// A finite number that becomes infinite.
template <class A, class R>
MN unsigned int mn_cast_events(A a, R r) { return mn_isinf(r) && mn_isfinite(a) ? MN_OVERFLOW : 0; }
template <class A, class R>
MN unsigned int mn_cast_events(A a, mn_complex<R> r) { return mn_cast_events(a, r.re); }
template <class A, class R>
MN unsigned int mn_cast_events(mn_complex<A> a, mn_complex<R> r) {
    return mn_cast_events(a.re, r.re) | mn_cast_events(a.im, r.im);
}
