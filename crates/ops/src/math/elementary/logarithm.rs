//! Logarithms: `x = 2^k m` with m in [sqrt(1/2), sqrt 2), then `log x = k ln 2 + log m`.
//!
//! With `f = m - 1` and `s = f / (2 + f)`, `log m = 2 s + 2 s^3 / 3 + ... = f - (f^2 / 2 - s (f^2 / 2 + R(s^2)))`, the
//! arrangement of FreeBSD's `e_log.c` (Sun Microsystems, 1993): the largest term is exact. Inverse hyperbolic functions
//! are logarithms of numbers near one, given as a sum so that nothing is lost there.

use super::exponential::{exp, exp2};
use super::{LN_2_LOW, ordered_sum, polynomial, product, sum};
use std::f64::consts::{LN_2, LOG2_E, LOG10_2, LOG10_E};

const LOG: [f64; 7] = [
    0.666_666_666_666_673_4,
    0.399_999_999_994_166_6,
    0.285_714_287_420_223_6,
    0.222_221_986_057_927_98,
    0.181_835_628_072_946_18,
    0.153_140_861_017_481_12,
    0.147_956_193_152_629_3,
];

const LOG2_E_LOW: f64 = 2.035_527_374_093_103_3e-17;
const LOG10_E_LOW: f64 = 1.098_319_650_216_765e-17;
const LOG10_2_LOW: f64 = -2.803_728_127_785_170_4e-18;

/// Numbers below it are their own `log1p`; zero would lose its sign.
const TINY: f64 = 1e-17;

/// The natural logarithm.
#[inline(always)]
pub(crate) fn log(x: f64) -> f64 {
    let (k, m) = split(x);
    special(x, natural(k, m - 1.0, 0.0))
}

/// The logarithm to base 2.
#[inline(always)]
pub(crate) fn log2(x: f64) -> f64 {
    let (k, m) = split(x);
    let (high, low) = natural_pair(m - 1.0);
    let (scaled, scaled_low) = product(high, LOG2_E);
    let low = low.mul_add(LOG2_E, high.mul_add(LOG2_E_LOW, scaled_low));
    let (total, total_low) = ordered_sum(k, scaled);
    special(x, total + (total_low + low))
}

/// The logarithm to base 10.
#[inline(always)]
pub(crate) fn log10(x: f64) -> f64 {
    let (k, m) = split(x);
    let (high, low) = natural_pair(m - 1.0);
    let (scaled, scaled_low) = product(high, LOG10_E);
    let low = low.mul_add(LOG10_E, high.mul_add(LOG10_E_LOW, scaled_low));
    let (whole, whole_low) = product(k, LOG10_2);
    let (total, total_low) = ordered_sum(whole, scaled);
    special(x, total + (total_low + (k.mul_add(LOG10_2_LOW, whole_low) + low)))
}

/// The logarithm of one more.
#[inline(always)]
pub(crate) fn log1p(x: f64) -> f64 {
    let result = of_one_and(without_dust(x), 0.0, 0.0);
    let result = if x == -1.0 { f64::NEG_INFINITY } else { result };
    let result = if (x.abs() < TINY) | !x.is_finite() { x } else { result };
    if x < -1.0 { f64::NAN } else { result }
}

/// The inverse hyperbolic sine, `log1p(a + a^2 / (1 + sqrt(1 + a^2)))` with `a = |x|`; for large a, `log(2 a)`.
#[inline(always)]
pub(crate) fn arcsinh(x: f64) -> f64 {
    let a = x.abs();
    let large = a > 1e100;
    let inside = if large { 1.0 } else { a };
    let square = inside * inside;
    let more = square / (1.0 + (1.0 + square).sqrt());
    let (high, low) = sum(inside, more);
    let result = of_one_and(
        if large { a } else { high },
        if large { 0.0 } else { low },
        if large { 1.0 } else { 0.0 },
    );
    let result = if (a < 1e-9) | !a.is_finite() { a } else { result };
    result.copysign(x)
}

/// The inverse hyperbolic cosine, `log1p(t + sqrt(2 t + t^2))` with `t = x - 1`; for large x, `log(2 x)`.
#[inline(always)]
pub(crate) fn arccosh(x: f64) -> f64 {
    let large = x > 1e100;
    let t = if large { 1.0 } else { x - 1.0 };
    let square = t.mul_add(t, 2.0 * t);
    let root = square.sqrt();
    // The rounding error of the root, to first order; at x = 1 both parts are zero.
    let root_low = (-root).mul_add(root, square) / (root + root + f64::MIN_POSITIVE);
    let (high, low) = sum(t, root);
    let low = low + root_low;
    let result = of_one_and(
        if large { x } else { high },
        if large { 0.0 } else { low },
        if large { 1.0 } else { 0.0 },
    );
    let result = if x < 1.0 { f64::NAN } else { result };
    if x < f64::INFINITY { result } else { x }
}

/// The inverse hyperbolic tangent, `log1p(2 a / (1 - a)) / 2` with `a = |x|`.
#[inline(always)]
pub(crate) fn arctanh(x: f64) -> f64 {
    let a = x.abs();
    let (divisor, divisor_low) = ordered_sum(1.0, -a);
    let inverse = 1.0 / divisor;
    let quotient = (a + a) * inverse;
    let rest = (-quotient).mul_add(divisor, a + a) - quotient * divisor_low;
    let result = 0.5 * of_one_and(quotient, rest * inverse, 0.0);
    let result = if a == 1.0 { f64::INFINITY } else { result };
    let result = if a > 1.0 { f64::NAN } else { result };
    let result = if a < 1e-9 { a } else { result };
    result.copysign(x)
}

/// The logarithm of the sum of two exponentials.
#[inline(always)]
pub(crate) fn logaddexp(a: f64, b: f64) -> f64 {
    let difference = a - b;
    let larger = if difference > 0.0 { a } else { b };
    let result = larger + of_one_and_power(exp(-difference.abs()));
    // Of equal infinities the difference is a NaN.
    let result = if difference.is_nan() { difference } else { result };
    if a == b { a + LN_2 } else { result }
}

/// The base 2 logarithm of the sum of two powers of two.
#[inline(always)]
pub(crate) fn logaddexp2(a: f64, b: f64) -> f64 {
    let difference = a - b;
    let larger = if difference > 0.0 { a } else { b };
    let result = of_one_and_power(exp2(-difference.abs())).mul_add(LOG2_E, larger);
    let result = if difference.is_nan() { difference } else { result };
    if a == b { a + 1.0 } else { result }
}

/// The bits of the square root of one half: where the exponent of two changes.
const ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
const ONE: u64 = 0x3ff0_0000_0000_0000;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;

/// The exponent k and the factor m of a positive finite number.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    let tiny = x < f64::MIN_POSITIVE;
    let scaled = if tiny { x * 18_014_398_509_481_984.0 } else { x };
    let (exponent, m) = split_normal(scaled);
    (exponent_number(exponent) - if tiny { 1077.0 } else { 1023.0 }, m)
}

/// As [`split`] for normal numbers; the exponent is an integer and has 1023 added.
#[inline(always)]
pub(super) fn split_normal(x: f64) -> (u64, f64) {
    let bits = x.to_bits().wrapping_add(ONE - ROOT);
    (bits >> 52, f64::from_bits((bits & MANTISSA).wrapping_add(ROOT)))
}

/// A small integer as a number: as the low bits of 2^52.
#[inline(always)]
pub(super) fn exponent_number(exponent: u64) -> f64 {
    f64::from_bits(exponent | 0x4330_0000_0000_0000) - 4_503_599_627_370_496.0
}

/// `k ln 2 + log(1 + f) + low` for a `low` below the last bit of f.
#[inline(always)]
fn natural(k: f64, f: f64, low: f64) -> f64 {
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let rest = z.mul_add(polynomial(z, &LOG), half_square);
    k.mul_add(LN_2, f - (half_square - s.mul_add(rest, k.mul_add(LN_2_LOW, low))))
}

/// `log(1 + f)` as a sum.
#[inline(always)]
fn natural_pair(f: f64) -> (f64, f64) {
    let (half_square, half_square_low) = product(0.5 * f, f);
    let s = f / (2.0 + f);
    let z = s * s;
    let rest = z.mul_add(polynomial(z, &LOG), half_square);
    let (high, low) = ordered_sum(f, -half_square);
    (high, s.mul_add(rest, low - half_square_low))
}

/// `log(1 + high + low) + doublings ln 2` for finite numbers with a positive sum `1 + high`.
#[inline(always)]
fn of_one_and(high: f64, low: f64, doublings: f64) -> f64 {
    let (u, error) = sum(1.0, high);
    let (exponent, m) = split_normal(u);
    // The error on the scale of m; half of the factor is taken first, as the whole may be subnormal.
    let down = f64::from_bits(2047u64.wrapping_sub(exponent) << 52) * 0.5;
    let (f, f_low) = ordered_sum(m - 1.0, (error + low) * down);
    natural(exponent_number(exponent) - 1023.0 + doublings, f, f_low)
}

/// `log(1 + x)` for x in [0, 1].
#[inline(always)]
fn of_one_and_power(x: f64) -> f64 {
    let result = of_one_and(without_dust(x), 0.0, 0.0);
    if x < TINY { x } else { result }
}

/// Zero for numbers whose squares would be subnormal: some processors take a hundred times as long over those.
///
/// The bound is not [`TINY`], as the compiler knows of a choice by one condition what a choice by the same one drops.
#[inline(always)]
fn without_dust(x: f64) -> f64 {
    if x.abs() < 1e-100 { 0.0 } else { x }
}

/// The result of a logarithm, but for zero, negative numbers, infinity and NaN.
#[inline(always)]
fn special(x: f64, result: f64) -> f64 {
    let result = if x == 0.0 { f64::NEG_INFINITY } else { result };
    let result = if x < 0.0 { f64::NAN } else { result };
    if x < f64::INFINITY { result } else { x }
}
