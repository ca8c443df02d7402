//! Logarithms: `x = 2^k (1 + f)` with 1 + f in [sqrt(1/2), sqrt 2), then `log x = k ln 2 + log(1 + f)`, the last by a
//! polynomial. Inverse hyperbolic functions are logarithms of numbers near one, given as a sum so that nothing is lost
//! there.

use super::{LN_2_LOW, ordered_sum, polynomial, sum};
use std::f32::consts::{LN_2, LOG2_E, LOG10_2, LOG10_E};

const LOG_SINGLE: [f32; 8] = [
    0.333_333_16,
    -0.250_008_14,
    0.200_023_03,
    -0.166_243_94,
    0.141_807_17,
    -0.131_300_67,
    0.128_856_3,
    -0.078_606_46,
];

const LOG2_E_LOW: f32 = 1.925_963e-8;
const LOG10_E_LOW: f32 = -1.010_305e-8;
const LOG10_2_LOW: f32 = -1.432_098_9e-8;

/// The natural logarithm.
#[inline(always)]
pub(crate) fn log(x: f32) -> f32 {
    let (k, f) = split(x);
    special(x, k.mul_add(LN_2, f + rest(f, k * LN_2_LOW)))
}

/// The logarithm to base 2.
#[inline(always)]
pub(crate) fn log2(x: f32) -> f32 {
    let (k, f) = split(x);
    let low = f.mul_add(LOG2_E_LOW, f * f * curve(f) * LOG2_E);
    special(x, k + f.mul_add(LOG2_E, low))
}

/// The logarithm to base 10.
#[inline(always)]
pub(crate) fn log10(x: f32) -> f32 {
    let (k, f) = split(x);
    let low = k.mul_add(LOG10_2_LOW, f.mul_add(LOG10_E_LOW, f * f * curve(f) * LOG10_E));
    special(x, k.mul_add(LOG10_2, f.mul_add(LOG10_E, low)))
}

/// The logarithm of one more.
#[inline(always)]
pub(crate) fn log1p(x: f32) -> f32 {
    let (k, f, _) = split_of_one_and(x);
    let result = k.mul_add(LN_2, f + rest(f, k * LN_2_LOW));
    let result = if x > -1.0 { result } else { f32::NAN };
    let result = if x == -1.0 { f32::NEG_INFINITY } else { result };
    let result = if x.abs() < 1e-8 { x } else { result };
    if x < f32::INFINITY { result } else { x }
}

/// The inverse hyperbolic sine, `log1p(a + a^2 / (1 + sqrt(1 + a^2)))` with `a = |x|`; for large a, `log(2 a)`.
#[inline(always)]
pub(crate) fn arcsinh(x: f32) -> f32 {
    let a = x.abs();
    let large = a > 1e9;
    let inside = if large { 0.0 } else { a };
    let square = inside * inside;
    let (high, low) = sum(a, square / (1.0 + (1.0 + square).sqrt()));
    let result = of_one_and(high, low, if large { 1.0 } else { 0.0 });
    let result = if a < 1e-5 { a } else { result };
    let result = if a < f32::INFINITY { result } else { a };
    result.copysign(x)
}

/// The inverse hyperbolic cosine, `log1p(t + sqrt(2 t + t^2))` with `t = x - 1`; for large x, `log(2 x)`.
#[inline(always)]
pub(crate) fn arccosh(x: f32) -> f32 {
    let large = x > 1e9;
    let t = x - 1.0;
    let inside = if large { 0.0 } else { t };
    let (high, low) = sum(t, inside.mul_add(inside, 2.0 * inside).sqrt());
    let result = of_one_and(high, low, if large { 1.0 } else { 0.0 });
    let result = if x < 1.0 { f32::NAN } else { result };
    if x < f32::INFINITY { result } else { x }
}

/// The inverse hyperbolic tangent, `log1p(2 a / (1 - a)) / 2` with `a = |x|`.
#[inline(always)]
pub(crate) fn arctanh(x: f32) -> f32 {
    let a = x.abs();
    let (divisor, divisor_low) = ordered_sum(1.0, -a);
    let inverse = 1.0 / divisor;
    let quotient = (a + a) * inverse;
    let rest = (-quotient).mul_add(divisor, a + a) - quotient * divisor_low;
    let result = 0.5 * of_one_and(quotient, rest * inverse, 0.0);
    let result = if a == 1.0 { f32::INFINITY } else { result };
    let result = if a > 1.0 { f32::NAN } else { result };
    let result = if a < 1e-5 { a } else { result };
    result.copysign(x)
}

/// The bits of the square root of one half: where the exponent of two changes.
const ROOT: u32 = 0x3f35_04f3;
const MANTISSA: u32 = 0x007f_ffff;

/// The exponent k and the factor less one of a positive finite number.
#[inline(always)]
fn split(x: f32) -> (f32, f32) {
    let tiny = x < f32::MIN_POSITIVE;
    let scaled = x * if tiny { 8_388_608.0 } else { 1.0 };
    // Less one in the exponent is less one in k: there the scale is taken back.
    let bits = scaled.to_bits().wrapping_sub(if tiny { ROOT + (23 << 23) } else { ROOT });
    ((bits as i32 >> 23) as f32, f32::from_bits((bits & MANTISSA).wrapping_add(ROOT)) - 1.0)
}

/// `log(1 + f)` less f, plus `low`.
#[inline(always)]
fn rest(f: f32, low: f32) -> f32 {
    (f * f).mul_add(curve(f), low)
}

/// `log(1 + f)` less f, over the square of f.
#[inline(always)]
fn curve(f: f32) -> f32 {
    f.mul_add(polynomial(f, &LOG_SINGLE), -0.5)
}

/// `log(1 + high + low) + doublings ln 2` for finite numbers with a positive sum `1 + high`.
#[inline(always)]
fn of_one_and(high: f32, low: f32, doublings: f32) -> f32 {
    let (k, f, down) = split_of_one_and(high);
    let k = k + doublings;
    k.mul_add(LN_2, f + rest(f, k.mul_add(LN_2_LOW, 0.25 * low * down)))
}

/// As [`split`], of one more than a number; and four times what the number was scaled by.
#[inline(always)]
fn split_of_one_and(x: f32) -> (f32, f32, f32) {
    let bits = (1.0 + x).to_bits().wrapping_sub(ROOT);
    // A quarter of the scale is in the numbers, as the whole may be subnormal.
    let down = f32::from_bits((129u32 << 23).wrapping_sub(bits & !MANTISSA));
    let f = (0.25 * x).mul_add(down, down.mul_add(0.25, -1.0));
    ((bits as i32 >> 23) as f32, f, down)
}

/// The result of a logarithm, but for zero, negative numbers, infinity and NaN.
#[inline(always)]
fn special(x: f32, result: f32) -> f32 {
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    let result = if x < 0.0 { f32::NAN } else { result };
    if x < f32::INFINITY { result } else { x }
}
