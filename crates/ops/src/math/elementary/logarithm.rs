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
    special(x, natural(k, m - 1.0, k * LN_2_LOW))
}

/// The logarithm to base 2.
#[inline(always)]
pub(crate) fn log2(x: f64) -> f64 {
    let (k, m) = split(x);
    let f = m - 1.0;
    let low = f.mul_add(LOG2_E_LOW, -LOG2_E * less(f, 0.0));
    special(x, k + f.mul_add(LOG2_E, low))
}

/// The logarithm to base 10.
#[inline(always)]
pub(crate) fn log10(x: f64) -> f64 {
    let (k, m) = split(x);
    let f = m - 1.0;
    let low = k.mul_add(LOG10_2_LOW, f.mul_add(LOG10_E_LOW, -LOG10_E * less(f, 0.0)));
    special(x, k.mul_add(LOG10_2, f.mul_add(LOG10_E, low)))
}

/// The logarithm of one more.
#[inline(always)]
pub(crate) fn log1p(x: f64) -> f64 {
    let (k, f, _) = split_of_one_and(without_dust(x));
    let result = natural(k, f, k * LN_2_LOW);
    let result = if x > -1.0 { result } else { f64::NAN };
    let result = if x == -1.0 { f64::NEG_INFINITY } else { result };
    let result = if x.abs() < TINY { x } else { result };
    if x < f64::INFINITY { result } else { x }
}

/// The inverse hyperbolic sine, `log1p(a + (sqrt(1 + a^2) - 1))` with `a = |x|`; for large a, `log(2 a)`, and for small a
/// two terms of the series.
#[inline(always)]
pub(crate) fn arcsinh(x: f64) -> f64 {
    let a = x.abs();
    let large = a > 1e100;
    let inside = if large { 0.0 } else { without_dust(a) };
    let (square, square_low) = product(inside, inside);
    let (total, total_low) = ordered_sum(1.0, square);
    let (root, root_low) = root(total, total_low + square_low);
    let (high, low) = ordered_sum(a, root - 1.0);
    let result = of_one_and(high, low + root_low, if large { 1.0 } else { 0.0 });
    let result = if a < 1e-5 { (a * square).mul_add(-1.0 / 6.0, a) } else { result };
    let result = if a < f64::INFINITY { result } else { a };
    result.copysign(x)
}

/// The inverse hyperbolic cosine, `log1p(t + sqrt(2 t + t^2))` with `t = x - 1`; for large x, `log(2 x)`.
#[inline(always)]
pub(crate) fn arccosh(x: f64) -> f64 {
    let large = x > 1e100;
    let t = x - 1.0;
    let inside = if large { 0.0 } else { t };
    let (root, root_low) = root(inside.mul_add(inside, 2.0 * inside), 0.0);
    let (high, low) = sum(t, root);
    let result = of_one_and(high, low + root_low, if large { 1.0 } else { 0.0 });
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
/// 1100 in the place of the exponent, less the bits of the root.
const AHEAD: u64 = (1100 << 52) - ROOT;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;

/// The exponent k and the factor m of a positive finite number.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    let tiny = x < f64::MIN_POSITIVE;
    let scaled = x * if tiny { 18_014_398_509_481_984.0 } else { 1.0 };
    // Less one in the exponent is less one in k: there the scale is taken back. 1100 more keep it positive.
    let bits = scaled.to_bits().wrapping_add(if tiny { AHEAD - (54 << 52) } else { AHEAD });
    (small_integer(bits >> 52, 1100.0), f64::from_bits((bits & MANTISSA).wrapping_add(ROOT)))
}

/// As [`split`] for normal numbers; the exponent is an integer and has 1023 added.
#[inline(always)]
pub(super) fn split_normal(x: f64) -> (u64, f64) {
    let bits = x.to_bits().wrapping_add(ONE - ROOT);
    (bits >> 52, f64::from_bits((bits & MANTISSA).wrapping_add(ROOT)))
}

/// A small integer less `bias`, as a number: as the low bits of 2^52.
#[inline(always)]
pub(super) fn small_integer(bits: u64, bias: f64) -> f64 {
    f64::from_bits(bits | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + bias)
}

/// `k ln 2 + log(1 + f) + low` for a `low` below the last bit of f.
#[inline(always)]
fn natural(k: f64, f: f64, low: f64) -> f64 {
    k.mul_add(LN_2, f - less(f, low))
}

/// What is to be taken from f for `log(1 + f) + low`.
#[inline(always)]
fn less(f: f64, low: f64) -> f64 {
    let half_square = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let rest = z.mul_add(polynomial(z, &LOG), half_square);
    half_square - s.mul_add(rest, low)
}

/// As [`split`] for one more than a number, the factor less one; and four times what the number was scaled by.
#[inline(always)]
fn split_of_one_and(x: f64) -> (f64, f64, f64) {
    let bits = (1.0 + x).to_bits().wrapping_add(ONE - ROOT);
    // A quarter of the scale is in the numbers, as the whole may be subnormal.
    let down = f64::from_bits((2048u64 << 52).wrapping_sub(bits & !MANTISSA));
    let f = (0.25 * x).mul_add(down, down.mul_add(0.25, -1.0));
    (small_integer(bits >> 52, 1023.0), f, down)
}

/// The square root of a sum, as a sum: the error to first order, by a quotient of single precision.
#[inline(always)]
fn root(high: f64, low: f64) -> (f64, f64) {
    let root = high.sqrt();
    let inverse = 0.5 / (root as f32 + f32::MIN_POSITIVE);
    (root, ((-root).mul_add(root, high) + low) * inverse as f64)
}

/// `log(1 + high + low) + doublings ln 2` for finite numbers with a positive sum `1 + high`.
#[inline(always)]
fn of_one_and(high: f64, low: f64, doublings: f64) -> f64 {
    let (k, f, down) = split_of_one_and(high);
    let k = k + doublings;
    // The change of the logarithm that is due to the small part of the sum: the part over 1 + f, to first order.
    let low = 0.25 * low * down;
    natural(k, f, k.mul_add(LN_2_LOW, (-low).mul_add(f, low)))
}

/// `log(1 + x)` for x in [0, 1].
#[inline(always)]
fn of_one_and_power(x: f64) -> f64 {
    let (k, f, _) = split_of_one_and(without_dust(x));
    let result = natural(k, f, k * LN_2_LOW);
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
