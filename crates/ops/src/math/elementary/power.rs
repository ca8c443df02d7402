//! Powers and roots.
//!
//! `x^y = 2^(y log2 x)`: the exponential magnifies an error of its argument up to a thousandfold, so the logarithm is
//! computed to some 68 bits, as a sum: with `s = (m - 1) / (m + 1)`, `log2 m = s (2 + 2 s^2 / 3 + ...) / ln 2`, where all
//! but the far terms of the series are sums of two doubles.

use super::exponential::power_of_two;
use super::logarithm::{small_integer, split};
use super::{ROUNDER, ordered_sum, polynomial, product};

/// 2 / ln 2 and 2 / (3 ln 2), each as a sum.
const FIRST: f64 = 2.885_390_081_777_926_8;
const FIRST_LOW: f64 = 4.071_054_748_186_206_6e-17;
const THIRD: f64 = 0.961_796_693_925_975_6;
const THIRD_LOW: f64 = 5.057_761_664_812_590_7e-17;

const POWER_LOG: [f64; 8] = [
    0.577_078_016_355_585_1,
    0.412_198_583_111_345_7,
    0.320_598_897_912_779_73,
    0.262_308_198_659_201_96,
    0.221_952_270_214_820_64,
    0.192_401_330_014_733_64,
    0.168_451_311_513_779_37,
    0.172_819_355_365_495_14,
];

const CBRT: [f64; 6] = [
    1.781_056_476_282_530_5,
    -1.566_025_727_021_555_2,
    1.243_783_176_631_606_3,
    -0.597_872_373_717_036_7,
    0.156_071_804_108_329_74,
    -0.017_019_113_849_587_6,
];

/// One over the cube roots of 2 and 4.
const ROOT_OF_2: f64 = 0.793_700_525_984_099_8;
const ROOT_OF_4: f64 = 0.629_960_524_947_436_6;

/// The first number to the power of the second.
#[inline(always)]
pub(crate) fn power(x: f64, y: f64) -> f64 {
    let a = x.abs();
    let (high, low) = logarithm(a);
    let high = if a == 0.0 { f64::NEG_INFINITY } else { high };
    let high = if a == f64::INFINITY { f64::INFINITY } else { high };
    let (exponent, exponent_low) = product(y, high);
    // Where the result is zero or infinite, the error may be a NaN.
    let exponent_low = if exponent.abs() < 1100.0 { y.mul_add(low, exponent_low) } else { 0.0 };
    settle(x, y, power_of_two(exponent, exponent_low))
}

/// The base 2 logarithm of a positive finite number, as a sum.
#[inline(always)]
fn logarithm(x: f64) -> (f64, f64) {
    let (k, m) = split(x);
    let (top, bottom) = (m - 1.0, m + 1.0);
    let bottom_low = m - (bottom - 1.0);
    let inverse = 1.0 / bottom;
    let s = top * inverse;
    let s_low = ((-s).mul_add(bottom, top) - s * bottom_low) * inverse;
    let (z, z_low) = product(s, s);
    let z_low = (s + s).mul_add(s_low, z_low);

    let (sum, sum_low) = ordered_sum(THIRD, z * polynomial(z, &POWER_LOG));
    let sum_low = sum_low + THIRD_LOW;
    let (term, term_low) = product(z, sum);
    let term_low = z.mul_add(sum_low, z_low.mul_add(sum, term_low));
    let (sum, sum_low) = ordered_sum(FIRST, term);
    let sum_low = sum_low + (term_low + FIRST_LOW);
    let (log, log_low) = product(s, sum);
    let log_low = s.mul_add(sum_low, s_low.mul_add(sum, log_low));
    let (high, low) = ordered_sum(k, log);
    (high, low + log_low)
}

/// The sign of a power of |x|, and the powers that are 1 or undefined.
#[inline(always)]
pub(super) fn settle(x: f64, y: f64, result: f64) -> f64 {
    let whole = y.trunc() == y;
    let odd = whole & ((0.5 * y).trunc() != 0.5 * y);
    let result = if odd { result.copysign(x) } else { result };
    let undefined = (x < 0.0) & !whole & (x > f64::NEG_INFINITY);
    let result = if undefined | x.is_nan() | y.is_nan() { f64::NAN } else { result };
    let one = (y == 0.0) | (x == 1.0) | ((x.abs() == 1.0) & (y.abs() == f64::INFINITY));
    if one { 1.0 } else { result }
}

/// The cube root: one over it by a polynomial and a step of third order, then corrected with its exact cube.
#[inline(always)]
pub(crate) fn cbrt(x: f64) -> f64 {
    let a = x.abs();
    let tiny = a < f64::MIN_POSITIVE;
    let (m, inverse, power) = reciprocal_root(a * if tiny { 18_014_398_509_481_984.0 } else { 1.0 });
    let square = inverse * inverse;
    let root = m * square;
    let (root_square, root_square_low) = product(root, root);
    let error = (-root).mul_add(root_square_low, (-root).mul_add(root_square, m));
    let root = (error * square).mul_add(1.0 / 3.0, root);
    let result = root * power * if tiny { 1.0 / 262_144.0 } else { 1.0 };
    // Neither zero nor infinity nor a NaN.
    let ordinary = a.to_bits().wrapping_sub(1) < f64::INFINITY.to_bits() - 1;
    (if ordinary { result } else { a }).copysign(x)
}

/// For a positive normal number: m in [1, 8), one over the cube root of m to some 48 bits, and the power of two whose
/// cube times m is the number.
#[inline(always)]
pub(super) fn reciprocal_root(x: f64) -> (f64, f64, f64) {
    let bits = x.to_bits();
    // 1023 is a multiple of three: the biased exponent less one is 3 third + rest, and rest is -1, 0 or 1.
    let exponent = small_integer(bits >> 52, 1.0);
    let rounded = exponent.mul_add(1.0 / 3.0, ROUNDER);
    let rest = (rounded - ROUNDER).mul_add(-3.0, exponent);
    let fraction = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    let (start, factor) = if rest > -0.5 { (ROOT_OF_2, 2.0) } else { (1.0, 1.0) };
    let (start, factor) = if rest > 0.5 { (ROOT_OF_4, 4.0) } else { (start, factor) };
    let m = fraction * factor;
    let inverse = start * polynomial(fraction, &CBRT);
    let error = (-m * inverse).mul_add(inverse * inverse, 1.0);
    let inverse = (inverse * error).mul_add(error.mul_add(2.0 / 9.0, 1.0 / 3.0), inverse);
    (m, inverse, f64::from_bits(rounded.to_bits().wrapping_add(1023 - 341) << 52))
}

/// The length of the hypotenuse: the root of a sum of squares, and a correction for the rounding errors of both.
#[inline(always)]
pub(crate) fn hypot(x: f64, y: f64) -> f64 {
    let (a, b) = (x.abs(), y.abs());
    let larger = if a > b { a } else { b };
    let smaller = if a > b { b } else { a };
    // Scaled so that no square overflows, and none vanishes that counts.
    let (large, small) = (larger > 1e150, larger < 1e-140);
    let (factor, back) = if large { (2f64.powi(-600), 2f64.powi(600)) } else { (1.0, 1.0) };
    let (factor, back) = if small { (2f64.powi(600), 2f64.powi(-600)) } else { (factor, back) };
    let (larger, smaller) = (larger * factor, smaller * factor);
    let (first, first_low) = product(larger, larger);
    let (second, second_low) = product(smaller, smaller);
    let (total, total_low) = ordered_sum(first, second);
    let root = total.sqrt();
    let error = (-root).mul_add(root, total) + (total_low + (first_low + second_low));
    let root = root + error / (root + root + f64::MIN_POSITIVE);
    let result = root * back;
    let result = if x.is_nan() | y.is_nan() { f64::NAN } else { result };
    let infinite = (a == f64::INFINITY) | (b == f64::INFINITY);
    if infinite { f64::INFINITY } else { result }
}
