
// Complex elementary functions, step by step those of the table's Rust rows, in double precision.

#define MN_COMPLEX_FUNCTION(name, wide) \
    MN mn_c128 name(mn_c128 a) { return wide(a); } \
    MN mn_c64 name(mn_c64 a) { return mn_to_c64(wide(mn_to_c128(a))); }

// A NaN for an infinite number, zero for a finite one.
MN double mn_undefined(double a) { return a * 0.0; }
MN double mn_ln_2() { return 0.693147180559945309417; }
// Beyond this, the exponential may overflow although its product with a sine does not.
MN double mn_large_exponent() { return 709.0; }
// The exponential as a product of two factors that do not overflow where their product with a sine does not.
MN mn_c128 mn_split_exp(double a) {
    double large = mn_large_exponent();
    return a > large ? mn_of(exp(a - large), exp(large)) : mn_of(exp(a), 1.0);
}

MN_APART mn_c128 mn_wide_sqrt(mn_c128 z) {
    double a = z.re, b = z.im;
    if (a == 0 && b == 0) return mn_of(0.0, b);
    if (mn_isinf(b)) return mn_of(mn_infinity(b), b);
    if (mn_isnan(a)) return mn_of(a, mn_nan(a));
    if (mn_isinf(a)) {
        double rest = mn_undefined(b);
        return a > 0 ? mn_of(a, copysign(rest, b)) : mn_of(fabs(rest), copysign(-a, b));
    }
    double largest = mn_fmax(fabs(a), fabs(b)), scale = 1.0, unscale = 1.0;
    if (largest > 1e307) {
        scale = 0.25;
        unscale = 2.0;
    } else if (largest < 1e-290) {
        scale = mn_double(1131ull << 52);
        unscale = mn_double(969ull << 52);
    }
    a *= scale;
    b *= scale;
    double root = sqrt((fabs(a) + mn_hypot(a, b)) * 0.5), other = fabs(b) / (2.0 * root);
    root *= unscale;
    other *= unscale;
    return a >= 0 ? mn_of(root, copysign(other, b)) : mn_of(other, copysign(root, b));
}

MN_APART mn_c128 mn_wide_exp(mn_c128 z) {
    double a = z.re, b = z.im;
    if (b == 0) return mn_of(exp(a), b);
    if (mn_isinf(a) && !mn_isfinite(b)) return a < 0 ? mn_of(0.0, 0.0) : mn_of(a, mn_undefined(b));
    if (a == 0) return mn_of(cos(b), sin(b));
    mn_c128 factors = mn_split_exp(a);
    return mn_of(factors.re * cos(b) * factors.im, factors.re * sin(b) * factors.im);
}
MN mn_c128 mn_wide_exp2(mn_c128 z) { return mn_wide_exp(mn_of(z.re * mn_ln_2(), z.im * mn_ln_2())); }
MN_APART mn_c128 mn_wide_expm1(mn_c128 z) {
    double half = sin(z.im / 2.0);
    return mn_of(expm1(z.re) * cos(z.im) - 2.0 * half * half, exp(z.re) * sin(z.im));
}

// a * a + b * b - 1 for a near one, without cancellation: the products are split into exact pairs.
MN double mn_squares_less_one(double a, double b) {
    double high_a = a * a, high_b = b * b, low = fma(a, a, -high_a) + fma(b, b, -high_b);
    double from_a = high_a - 1.0, from_a_low = high_a - (from_a + 1.0);
    double sum = from_a + high_b, part = sum - from_a;
    double sum_low = (from_a - (sum - part)) + (high_b - part);
    return sum + (sum_low + from_a_low + low);
}
MN_APART double mn_log_magnitude(double a, double b) {
    bool ordered = a >= b || mn_isnan(b);
    double large = ordered ? a : b, small = ordered ? b : a;
    if (mn_isinf(large) || mn_isinf(small)) return mn_infinity(a);
    if (large == 0 && small == 0) return -mn_infinity(a);
    if (large > 1e307) return log(mn_hypot(large * 0.5, small * 0.5)) + mn_ln_2();
    if (large < 1e-290) {
        double up = mn_double(1131ull << 52);
        return log(mn_hypot(large * up, small * up)) - 108.0 * mn_ln_2();
    }
    if (large > 0.7 && large < 2.0 && small < 2.0) return 0.5 * log1p(mn_squares_less_one(large, small));
    return log(mn_hypot(large, small));
}
MN mn_c128 mn_wide_log(mn_c128 z) { return mn_of(mn_log_magnitude(fabs(z.re), fabs(z.im)), atan2(z.im, z.re)); }
MN mn_c128 mn_scaled_log(mn_c128 z, double scale) {
    mn_c128 result = mn_wide_log(z);
    return mn_of(result.re * scale, result.im * scale);
}
MN mn_c128 mn_wide_log2(mn_c128 z) { return mn_scaled_log(z, 1.44269504088896340736); }
MN mn_c128 mn_wide_log10(mn_c128 z) { return mn_scaled_log(z, 0.434294481903251827651); }
MN mn_c128 mn_wide_log1p(mn_c128 z) { return mn_of(log(mn_hypot(z.re + 1.0, z.im)), atan2(z.im, z.re + 1.0)); }

// Hyperbolic functions; circular ones are those of i z, and the result is taken back.

MN_APART mn_c128 mn_wide_sinh(mn_c128 z) {
    double a = z.re, b = z.im;
    if (b == 0) return mn_of(sinh(a), b);
    if (a == 0) return mn_of(a, sin(b));
    if (mn_isinf(a) && !mn_isfinite(b)) return mn_of(mn_infinity(a), mn_undefined(b));
    if (fabs(a) > mn_large_exponent()) {
        mn_c128 factors = mn_split_exp(fabs(a));
        double real = factors.re * cos(b) * (0.5 * factors.im), imaginary = factors.re * sin(b) * (0.5 * factors.im);
        return mn_of(a < 0 ? -real : real, imaginary);
    }
    return mn_of(sinh(a) * cos(b), cosh(a) * sin(b));
}
MN_APART mn_c128 mn_wide_cosh(mn_c128 z) {
    double a = z.re, b = z.im;
    if (b == 0) return mn_of(cosh(a), mn_isnan(a) ? b : copysign(0.0, a) * b);
    if (a == 0) return mn_of(cos(b), mn_isfinite(b) ? a * sin(b) : 0.0);
    if (mn_isinf(a) && !mn_isfinite(b)) return mn_of(mn_infinity(a), mn_undefined(b));
    if (fabs(a) > mn_large_exponent()) {
        mn_c128 factors = mn_split_exp(fabs(a));
        double real = factors.re * cos(b) * (0.5 * factors.im), imaginary = factors.re * sin(b) * (0.5 * factors.im);
        return mn_of(real, a < 0 ? -imaginary : imaginary);
    }
    return mn_of(cosh(a) * cos(b), sinh(a) * sin(b));
}
MN_APART mn_c128 mn_wide_tanh(mn_c128 z) {
    double a = z.re, b = z.im;
    if (mn_isnan(a)) return mn_of(a, b == 0 ? b : mn_nan(a));
    if (mn_isinf(a)) return mn_of(copysign(1.0, a), copysign(0.0, mn_isfinite(b) ? sin(2.0 * b) : b));
    if (!mn_isfinite(b)) return mn_of(a == 0 ? a : mn_undefined(b), mn_undefined(b));
    if (fabs(a) >= 22.0) {
        double small = exp(-fabs(a));
        return mn_of(copysign(1.0, a), 4.0 * sin(b) * cos(b) * small * small);
    }
    double tangent = tan(b), beta = 1.0 + tangent * tangent, sine = sinh(a);
    double rho = sqrt(1.0 + sine * sine), divisor = 1.0 + beta * sine * sine;
    return mn_of(beta * rho * sine / divisor, tangent / divisor);
}
MN mn_c128 mn_turned(mn_c128 z) { return mn_of(-z.im, z.re); }
MN mn_c128 mn_turned_back(mn_c128 z) { return mn_of(z.im, -z.re); }
MN mn_c128 mn_wide_sin(mn_c128 z) {
    if (mn_isinf(z.im) && !mn_isfinite(z.re)) return mn_of(mn_undefined(z.re), mn_infinity(z.im));
    return mn_turned_back(mn_wide_sinh(mn_turned(z)));
}
MN mn_c128 mn_wide_cos(mn_c128 z) { return mn_wide_cosh(mn_turned(z)); }
MN mn_c128 mn_wide_tan(mn_c128 z) { return mn_turned_back(mn_wide_tanh(mn_turned(z))); }

// Inverse functions, by the method of Hull, Fairgrieve and Tang that math/inverse.rs names.

MN double mn_epsilon() { return 2.220446049250313e-16; }
MN double mn_tiny() { return 5.966672584960165e-154; }
MN double mn_half_pi() { return 1.57079632679489661923; }
MN bool mn_is_huge(mn_c128 z) { return fabs(z.re) > 1.0 / mn_epsilon() || fabs(z.im) > 1.0 / mn_epsilon(); }
MN bool mn_is_small(mn_c128 z) {
    double series = 3.6500241499888571e-8 / 4.0;
    return fabs(z.re) < series && fabs(z.im) < series;
}
// Half the difference of the hypotenuse of a and b and the side b, without cancellation.
MN double mn_excess(double a, double b, double hypotenuse) {
    return b < 0 ? (hypotenuse - b) / 2.0 : b == 0 ? a / 2.0 : a * a / (hypotenuse + b) / 2.0;
}
// The angle is a sine where `adjacent` is a NaN, else it has two sides.
struct mn_shared {
    double real, opposite, adjacent;
};
MN_APART mn_shared mn_share(double x, double y) {
    double r = mn_hypot(x, y + 1.0), s = mn_hypot(x, y - 1.0), epsilon = mn_epsilon();
    double half = (r + s) / 2.0, a = half < 1.0 ? 1.0 : half;
    bool beside = x >= epsilon * fabs(y - 1.0);
    mn_shared shared;
    if (a >= 10.0) {
        shared.real = log(a + sqrt(a * a - 1.0));
    } else if (y == 1.0 && x < epsilon * epsilon / 128.0) {
        shared.real = sqrt(x);
    } else if (beside) {
        double less_one = mn_excess(x, 1.0 + y, r) + mn_excess(x, 1.0 - y, s);
        shared.real = log1p(less_one + sqrt(less_one * (a + 1.0)));
    } else if (y < 1.0) {
        shared.real = x / sqrt((1.0 - y) * (1.0 + y));
    } else {
        shared.real = log1p((y - 1.0) + sqrt((y - 1.0) * (y + 1.0)));
    }
    shared.opposite = y;
    if (y < mn_tiny()) {
        shared.opposite = y * (2.0 / epsilon);
        shared.adjacent = a * (2.0 / epsilon);
    } else if (y / a <= 0.6417) {
        shared.opposite = y / a;
        shared.adjacent = mn_nan(y);
    } else if (y == 1.0 && x < epsilon / 128.0) {
        shared.adjacent = sqrt(x) * sqrt((a + y) / 2.0);
    } else if (beside) {
        double less_y = mn_excess(x, y + 1.0, r) + mn_excess(x, y - 1.0, s);
        shared.adjacent = sqrt(less_y * (a + y));
    } else if (y > 1.0) {
        double scale = 4.0 / epsilon / epsilon;
        shared.opposite = y * scale;
        shared.adjacent = x * scale * y / sqrt((y + 1.0) * (y - 1.0));
    } else {
        shared.adjacent = sqrt((1.0 - y) * (1.0 + y));
    }
    return shared;
}
MN_APART mn_c128 mn_wide_arcsinh(mn_c128 z) {
    double x = z.re, y = z.im;
    if (mn_isnan(z)) {
        if (mn_isinf(x)) return z;
        if (mn_isinf(y)) return mn_of(fabs(y), x);
        return y == 0 ? z : mn_of(mn_nan(x), mn_nan(x));
    }
    if (mn_is_huge(z)) {
        mn_c128 result = mn_wide_log(mn_signbit(x) ? mn_negative(z) : z);
        return mn_of(copysign(result.re + mn_ln_2(), x), copysign(result.im, y));
    }
    if (mn_is_small(z)) return z;
    mn_shared shared = mn_share(fabs(x), fabs(y));
    bool sine = mn_isnan(shared.adjacent);
    double imaginary = sine ? asin(shared.opposite) : atan2(shared.opposite, shared.adjacent);
    return mn_of(copysign(shared.real, x), copysign(imaginary, y));
}
MN mn_c128 mn_wide_arcsin(mn_c128 z) {
    mn_c128 result = mn_wide_arcsinh(mn_of(z.im, z.re));
    return mn_of(result.im, result.re);
}
MN_APART mn_c128 mn_wide_arccos(mn_c128 z) {
    double x = z.re, y = z.im, away = mn_signbit(y) ? 1.0 : -1.0;
    if (mn_isnan(z)) {
        if (mn_isinf(x)) return mn_of(y, -mn_infinity(x));
        if (mn_isinf(y)) return mn_of(x, -y);
        return x == 0 ? mn_of(mn_half_pi(), y) : mn_of(mn_nan(x), mn_nan(x));
    }
    if (mn_is_huge(z)) {
        mn_c128 result = mn_wide_log(z);
        return mn_of(fabs(result.im), away * (result.re + mn_ln_2()));
    }
    if (x == 1.0 && y == 0) return mn_of(0.0, -y);
    if (mn_is_small(z)) return mn_of(mn_half_pi() - x, -y);
    mn_shared shared = mn_share(fabs(y), fabs(x));
    double sign = copysign(1.0, x);
    // The roles of the sides are exchanged here.
    bool cosine = mn_isnan(shared.adjacent);
    double angle = cosine ? acos(sign * shared.opposite) : atan2(shared.adjacent, sign * shared.opposite);
    return mn_of(angle, away * shared.real);
}
MN mn_c128 mn_wide_arccosh(mn_c128 z) {
    mn_c128 result = mn_wide_arccos(z);
    if (mn_isnan(result.re)) return mn_of(mn_isnan(result.im) ? result.im : fabs(result.im), result.re);
    return mn_isnan(result.im) ? mn_of(result.im, result.re) : mn_of(fabs(result.im), copysign(result.re, z.im));
}
// The real part of the reciprocal of a number one of whose parts is huge.
MN double mn_reciprocal_real(double x, double y) {
    if (mn_isinf(x) || mn_isinf(y)) return 0.0;
    double ratio = x >= y ? y / x : x / y;
    return x >= y ? 1.0 / (x + y * ratio) : ratio / (y + x * ratio);
}
MN_APART mn_c128 mn_wide_arctanh(mn_c128 z) {
    double x = z.re, y = z.im, ax = fabs(x), ay = fabs(y), zero = copysign(0.0, x);
    if (y == 0 && ax <= 1.0) return mn_of(atanh(x), y);
    if (x == 0) return mn_of(x, atan(y));
    if (mn_isnan(z)) {
        if (mn_isinf(x)) return mn_of(zero, y);
        return mn_isinf(y) ? mn_of(zero, copysign(mn_half_pi(), y)) : mn_of(mn_nan(x), mn_nan(x));
    }
    if (mn_is_huge(z)) return mn_of(copysign(mn_reciprocal_real(ax, ay), x), copysign(mn_half_pi(), y));
    if (mn_is_small(z)) return z;
    double square = (ax - 1.0) * (ax - 1.0) + (ay < mn_tiny() ? 0.0 : ay * ay), epsilon = mn_epsilon();
    double real = ax == 1.0 && ay < epsilon ? (mn_ln_2() - log(ay)) / 2.0 : log1p(4.0 * ax / square) / 4.0;
    double adjacent = (1.0 - ax) * (1.0 + ax) - (ay < epsilon ? 0.0 : ay * ay);
    double imaginary = ax == 1.0 ? atan2(2.0, -ay) / 2.0 : atan2(2.0 * ay, adjacent) / 2.0;
    return mn_of(copysign(real, x), copysign(imaginary, y));
}
MN mn_c128 mn_wide_arctan(mn_c128 z) { return mn_turned_back(mn_wide_arctanh(mn_turned(z))); }

MN_COMPLEX_FUNCTION(mn_sqrt, mn_wide_sqrt)
MN_COMPLEX_FUNCTION(mn_exp, mn_wide_exp)
MN_COMPLEX_FUNCTION(mn_exp2, mn_wide_exp2)
MN_COMPLEX_FUNCTION(mn_expm1, mn_wide_expm1)
MN_COMPLEX_FUNCTION(mn_log, mn_wide_log)
MN_COMPLEX_FUNCTION(mn_log2, mn_wide_log2)
MN_COMPLEX_FUNCTION(mn_log10, mn_wide_log10)
MN_COMPLEX_FUNCTION(mn_log1p, mn_wide_log1p)
MN_COMPLEX_FUNCTION(mn_sin, mn_wide_sin)
MN_COMPLEX_FUNCTION(mn_cos, mn_wide_cos)
MN_COMPLEX_FUNCTION(mn_tan, mn_wide_tan)
MN_COMPLEX_FUNCTION(mn_arcsin, mn_wide_arcsin)
MN_COMPLEX_FUNCTION(mn_arccos, mn_wide_arccos)
MN_COMPLEX_FUNCTION(mn_arctan, mn_wide_arctan)
MN_COMPLEX_FUNCTION(mn_sinh, mn_wide_sinh)
MN_COMPLEX_FUNCTION(mn_cosh, mn_wide_cosh)
MN_COMPLEX_FUNCTION(mn_tanh, mn_wide_tanh)
MN_COMPLEX_FUNCTION(mn_arcsinh, mn_wide_arcsinh)
MN_COMPLEX_FUNCTION(mn_arccosh, mn_wide_arccosh)
MN_COMPLEX_FUNCTION(mn_arctanh, mn_wide_arctanh)

// Powers: 1 for exponent 0, repeated products for small integral exponents, else by logarithm and exponential.
MN_APART mn_c128 mn_integral_power(mn_c128 a, int exponent) {
    mn_c128 result = mn_of(1.0, 0.0), base = a;
    if (exponent == 1) return a;
    if (exponent == 2) return mn_multiply(a, a);
    if (exponent == 3) return mn_multiply(a, mn_multiply(a, a));
    for (int left = exponent < 0 ? -exponent : exponent;; base = mn_multiply(base, base)) {
        if (left & 1) result = mn_multiply(result, base);
        if ((left >>= 1) == 0) break;
    }
    return exponent < 0 ? mn_divide(mn_of(1.0, 0.0), result) : result;
}
MN_APART mn_c128 mn_power(mn_c128 a, mn_c128 b) {
    if (b.re == 0 && b.im == 0) return mn_of(1.0, 0.0);
    if (a.re == 0 && a.im == 0) return b.re > 0 ? mn_of(0.0, 0.0) : mn_of(mn_nan(a.re), mn_nan(a.re));
    if (b.im == 0 && trunc(b.re) == b.re && fabs(b.re) < 100.0) return mn_integral_power(a, (int)b.re);
    return mn_wide_exp(mn_multiply(b, mn_wide_log(a)));
}
MN mn_c64 mn_power(mn_c64 a, mn_c64 b) { return mn_to_c64(mn_power(mn_to_c128(a), mn_to_c128(b))); }

// The events that show in the result: a pole where `pole` says so.
template <class R>
MN unsigned int mn_shown(mn_complex<R> a, mn_complex<R> r, bool pole) {
    if (mn_isnan(a)) return 0;
    bool overflows = mn_isfinite(a) && mn_isinf(r) && !pole;
    return mn_domain(mn_isnan(r), pole) | (overflows ? MN_OVERFLOW : 0);
}
#define MN_COMPLEX_EVENTS(name, pole) \
    template <class R> \
    MN unsigned int name(mn_complex<R> a, mn_complex<R> r) { return mn_shown(a, r, pole); }
MN_COMPLEX_EVENTS(mn_sqrt_events, false)
MN_COMPLEX_EVENTS(mn_overflow, false)
MN_COMPLEX_EVENTS(mn_log_events, a.re == 0 && a.im == 0)
MN_COMPLEX_EVENTS(mn_log1p_events, a.re == -1 && a.im == 0)
MN_COMPLEX_EVENTS(mn_circular_events, false)
MN_COMPLEX_EVENTS(mn_arcsin_events, false)
MN_COMPLEX_EVENTS(mn_arccosh_events, false)
MN_COMPLEX_EVENTS(mn_arctanh_events, mn_fabs(a.re) == 1 && a.im == 0)
MN_COMPLEX_EVENTS(mn_other_events, false)
MN_COMPLEX_EVENTS(mn_arctan_events, a.re == 0 && mn_fabs(a.im) == 1)
template <class R>
MN_APART unsigned int mn_power_events(mn_complex<R> a, mn_complex<R> b, mn_complex<R> r) {
    return mn_isnan(b) ? 0 : mn_shown(a, r, false);
}
