// What the texts of rows and casts call: the arithmetic of the table's Rust rows, for one element, without any header.
//
// Half precision is computed in float; `mn_round_half` rounds after a step. A function named `..._events` gives the
// floating point events that its namesake means for one element, as the bits of the crate's `Flags`. Everything is
// built on arithmetic that rounds once and is never contracted.

#define MN __device__ __forceinline__
// For what is rare or long: a call of it is compiled sooner than a copy.
#define MN_APART __device__ inline __attribute__((noinline))
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
// A text names operands that it does not use, and a body uses few of the functions.
#pragma nv_diag_suppress 177
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

// What steps left behind that may mean events: the largest exponents, and events that leave no trace in a result. An
// infinity or a NaN has the largest exponent there is.
struct mn_seen {
    unsigned int floats, doubles, others;
};
MN void mn_see(mn_seen& seen, float r) {
    unsigned int height = mn_bits(r) << 1;
    seen.floats = seen.floats > height ? seen.floats : height;
}
MN void mn_see(mn_seen& seen, double r) {
    unsigned int height = (unsigned int)(mn_bits(r) >> 32) << 1;
    seen.doubles = seen.doubles > height ? seen.doubles : height;
}
template <class R>
MN void mn_see(mn_seen& seen, mn_complex<R> r) {
    mn_see(seen, r.re);
    mn_see(seen, r.im);
}
MN bool mn_suspicious(const mn_seen& seen) {
    return seen.floats >= 0xff000000u || seen.doubles >= 0xffe00000u || seen.others != 0;
}

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
MN T mn_conjugate(T a) { return a; }
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
MN_APART unsigned int mn_events(R a, R b, R r) {
    return (mn_isinf(r) && mn_isfinite(a) && mn_isfinite(b) ? MN_OVERFLOW : 0) |
           (mn_isnan(r) && !mn_isnan(a) && !mn_isnan(b) ? MN_INVALID : 0);
}
template <class R>
MN_APART unsigned int mn_add_events(R a, R b, R r) { return mn_events(a, b, r); }
template <class R>
MN_APART unsigned int mn_multiply_events(R a, R b, R r) { return mn_events(a, b, r); }
template <class R>
MN_APART unsigned int mn_divide_events(R a, R b, R r) {
    return b == 0 && a != 0 && mn_isfinite(a) ? MN_DIVIDE : mn_events(a, b, r);
}
// The infinite result of a finite number.
template <class R>
MN_APART unsigned int mn_overflow(R a, R r) { return mn_isinf(r) && !mn_isinf(a) ? MN_OVERFLOW : 0; }
template <class R>
MN_APART unsigned int mn_overflow_of_two(R a, R b, R r) {
    return mn_isinf(r) && !mn_isinf(a) && !mn_isinf(b) ? MN_OVERFLOW : 0;
}
MN_APART unsigned int mn_domain(bool undefined, bool pole) { return (undefined ? MN_INVALID : 0) | (pole ? MN_DIVIDE : 0); }

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
MN_APART unsigned int mn_floor_divide_events(T a, T b) {
    return b == 0 ? MN_DIVIDE : mn_signed<T>() && b == (T)-1 && a == mn_lowest<T>() ? MN_OVERFLOW : 0;
}
template <class T>
MN_APART unsigned int mn_remainder_events(T, T b) { return b == 0 ? MN_DIVIDE : 0; }
template <class T>
MN_APART unsigned int mn_divmod_events(T a, T b) { return mn_floor_divide_events(a, b); }
template <class T>
MN_APART unsigned int mn_reciprocal_events(T a, T) { return a == 0 ? MN_DIVIDE | MN_INVALID : 0; }

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
