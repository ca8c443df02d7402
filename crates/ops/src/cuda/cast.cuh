
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
MN_APART unsigned int mn_cast_events(A a, R r) { return mn_isinf(r) && mn_isfinite(a) ? MN_OVERFLOW : 0; }
template <class A, class R>
MN_APART unsigned int mn_cast_events(A a, mn_complex<R> r) { return mn_cast_events(a, r.re); }
template <class A, class R>
MN_APART unsigned int mn_cast_events(mn_complex<A> a, mn_complex<R> r) {
    return mn_cast_events(a.re, r.re) | mn_cast_events(a.im, r.im);
}
