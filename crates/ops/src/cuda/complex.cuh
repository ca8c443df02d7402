
// Complex arithmetic in the formulas of the table's Rust rows, and the elementary functions in double precision.

template <class R>
MN mn_complex<R> mn_of(R re, R im) { return mn_complex<R>{re, im}; }
template <class R>
MN mn_complex<R> mn_add(mn_complex<R> a, mn_complex<R> b) { return mn_of(a.re + b.re, a.im + b.im); }
template <class R>
MN mn_complex<R> mn_subtract(mn_complex<R> a, mn_complex<R> b) { return mn_of(a.re - b.re, a.im - b.im); }
template <class R>
MN mn_complex<R> mn_multiply(mn_complex<R> a, mn_complex<R> b) {
    return mn_of(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
}
template <class R>
MN mn_complex<R> mn_negative(mn_complex<R> a) { return mn_of(-a.re, -a.im); }
template <class R>
MN mn_complex<R> mn_conjugate(mn_complex<R> a) { return mn_of(a.re, -a.im); }
template <class R>
MN mn_complex<R> mn_rint(mn_complex<R> a) { return mn_of(mn_rint(a.re), mn_rint(a.im)); }
template <class R>
MN R mn_absolute(mn_complex<R> a) { return mn_hypot(a.re, a.im); }

// By Smith's method: divides by the larger part of the divisor first, so that squares cannot overflow.
template <class R>
MN mn_complex<R> mn_divide(mn_complex<R> a, mn_complex<R> b) {
    R real = mn_fabs(b.re), imaginary = mn_fabs(b.im);
    bool straight = real >= imaginary;
    if (real == 0 && imaginary == 0) return mn_of(a.re * mn_infinity(a.re), a.im * mn_infinity(a.im));
    R large = straight ? b.re : b.im, small = straight ? b.im : b.re;
    R first = straight ? a.re : a.im, second = straight ? a.im : a.re;
    R ratio = small / large, scale = (R)1 / (large + small * ratio);
    R im = (straight ? second - first * ratio : first * ratio - second) * scale;
    return mn_of((first + second * ratio) * scale, im);
}
template <class R>
MN mn_complex<R> mn_reciprocal(mn_complex<R> a) {
    bool straight = mn_fabs(a.im) <= mn_fabs(a.re);
    R large = straight ? a.re : a.im, small = straight ? a.im : a.re;
    R ratio = small / large, divisor = large + small * ratio;
    R first = (R)1 / divisor, second = ratio / divisor;
    return mn_of(straight ? first : second, -(straight ? second : first));
}
template <class R>
MN mn_complex<R> mn_sign(mn_complex<R> a) {
    R magnitude = mn_hypot(a.re, a.im), nan = mn_nan(a.re);
    if (mn_isnan(magnitude) || (mn_isinf(a.re) && mn_isinf(a.im))) return mn_of(nan, nan);
    if (mn_isinf(magnitude)) {
        return mn_isinf(a.re) ? mn_of(mn_copysign((R)1, a.re), (R)0) : mn_of((R)0, mn_copysign((R)1, a.im));
    }
    return magnitude == 0 ? mn_of((R)0, (R)0) : mn_of(a.re / magnitude, a.im / magnitude);
}

template <class R>
MN_APART unsigned int mn_add_events(mn_complex<R> a, mn_complex<R> b, mn_complex<R> r) {
    return mn_events(a.re, b.re, r.re) | mn_events(a.im, b.im, r.im);
}
template <class R>
MN_APART unsigned int mn_multiply_events(mn_complex<R> a, mn_complex<R> b, mn_complex<R> r) {
    R first = a.re * b.re, second = a.im * b.im, third = a.re * b.im, fourth = a.im * b.re;
    return mn_events(a.re, b.re, first) | mn_events(a.im, b.im, second) | mn_events(first, second, r.re) |
           mn_events(a.re, b.im, third) | mn_events(a.im, b.re, fourth) | mn_events(third, fourth, r.im);
}
template <class R>
MN bool mn_is_pole(R part) { return part != 0 && !mn_isinf(part); }
template <class R>
MN_APART unsigned int mn_divide_events(mn_complex<R> a, mn_complex<R> b, mn_complex<R> r) {
    if (mn_isnan(a) || mn_isnan(b)) return 0;
    bool by_zero = !mn_truth(b);
    return mn_domain(mn_isnan(r), by_zero && (mn_is_pole(a.re) || mn_is_pole(a.im))) |
           (!by_zero && mn_isinf(r) && !mn_isinf(a) ? MN_OVERFLOW : 0);
}
template <class R>
MN_APART unsigned int mn_reciprocal_events(mn_complex<R> a, mn_complex<R> r) {
    return mn_divide_events(mn_of((R)1, (R)0), a, r);
}
template <class R>
MN_APART unsigned int mn_absolute_events(mn_complex<R> a, R r) { return mn_overflow_of_two(a.re, a.im, r); }
template <class R>
MN_APART unsigned int mn_absolute_events(R, R) { return 0; }
