//! Elementary functions of single precision numbers that are computed in double precision to some 30 bits, and rounded
//! once: powers, which magnify the error of a logarithm, and sums of exponentials.
//!
//! The methods are those of the double precision functions. Reductions need no second step here, and neither
//! subnormal numbers nor results too large for single precision are a special case.

use super::logarithm::{small_integer, split_normal};
use super::power::settle;
use super::{ROUNDER, clamp, polynomial};
use std::f64::consts::{LN_2, LOG2_E};

const EXP_WIDE: [f64; 5] = [
    0.500_000_009_291_971_5,
    0.166_665_188_854_018_85,
    0.041_666_214_658_121_224,
    0.008_368_886_021_474_41,
    0.001_394_979_740_637_246_2,
];

const EXP2_WIDE: [f64; 6] = [
    0.693_147_206_284_652_2,
    0.240_226_513_260_741_7,
    0.055_503_277_147_899_384,
    0.009_618_006_801_287_377,
    0.001_340_029_972_725_429_7,
    0.000_154_753_368_588_501_8,
];

const LOG_WIDE: [f64; 12] = [
    -0.500_000_000_145_534_9,
    0.333_333_340_898_471_44,
    -0.249_999_963_932_545_34,
    0.199_998_934_510_030_92,
    -0.166_668_326_860_644_17,
    0.142_906_850_453_424_2,
    -0.124_997_814_503_274_48,
    0.110_095_516_097_482_36,
    -0.099_009_489_137_255_48,
    0.099_941_216_543_594_16,
    -0.099_801_751_088_104_75,
    0.055_109_580_586_004_6,
];

const POWER_LOG_WIDE: [f64; 16] = [
    1.442_695_040_889_038,
    -0.721_347_520_447_417_8,
    0.480_898_346_885_076_77,
    -0.360_673_759_149_639_5,
    0.288_539_020_920_302_37,
    -0.240_449_292_719_953_94,
    0.206_098_551_185_428_08,
    -0.180_330_815_167_177_78,
    0.160_317_870_673_028_58,
    -0.144_430_886_919_454_05,
    0.130_986_939_606_532_93,
    -0.117_935_298_356_610_46,
    0.110_258_039_860_775_83,
    -0.118_736_312_379_201_65,
    0.117_093_941_896_877_79,
    -0.059_135_128_467_461_76,
];

/// Adding it rounds a number to an integer that lies, with 1023 added, in the low bits of the sum.
const BIASED_ROUNDER: f64 = ROUNDER + 1023.0;

/// The logarithm of the sum of two exponentials.
#[inline(always)]
pub(crate) fn logaddexp(a: f32, b: f32) -> f32 {
    let difference = a as f64 - b as f64;
    let larger = if difference > 0.0 { a } else { b };
    let power = wide_exp(clamp(-difference.abs(), -110.0, 0.0));
    sum_of_powers(a, b, (larger as f64 + of_one_and(power)) as f32, a as f64 + LN_2)
}

/// The base 2 logarithm of the sum of two powers of two.
#[inline(always)]
pub(crate) fn logaddexp2(a: f32, b: f32) -> f32 {
    let difference = a as f64 - b as f64;
    let larger = if difference > 0.0 { a } else { b };
    let power = wide_exp2(clamp(-difference.abs(), -160.0, 0.0));
    sum_of_powers(a, b, of_one_and(power).mul_add(LOG2_E, larger as f64) as f32, a as f64 + 1.0)
}

/// The first number to the power of the second.
#[inline(always)]
pub(crate) fn power(x: f32, y: f32) -> f32 {
    let (a, exponent) = (x.abs() as f64, y as f64);
    let (k, f) = split(a);
    let logarithm = f.mul_add(polynomial(f, &POWER_LOG_WIDE), k);
    let logarithm = if a == 0.0 { f64::NEG_INFINITY } else { logarithm };
    let logarithm = if a == f64::INFINITY { f64::INFINITY } else { logarithm };
    let product = exponent * logarithm;
    let result = wide_exp2(clamp(product, -160.0, 140.0));
    let result = vanishing(product as f32, -160.0, result);
    settle(x as f64, exponent, result) as f32
}

/// The length of the hypotenuse.
#[inline(always)]
pub(crate) fn hypot(x: f32, y: f32) -> f32 {
    let (a, b) = (x as f64, y as f64);
    let result = a.mul_add(a, b * b).sqrt() as f32;
    let infinite = x.is_infinite() | y.is_infinite();
    if infinite { f32::INFINITY } else { result }
}

/// The result, or zero where `x` is below the smallest number whose exponential is not zero: rounding a number to zero
/// takes some processors a hundred times as long.
#[inline(always)]
fn vanishing(x: f32, lowest: f32, result: f64) -> f64 {
    if x < lowest { 0.0 } else { result }
}

/// `x - n ln 2` with the integer n next to `x / ln 2`, and 2^n.
#[inline(always)]
fn reduce_exponent(x: f64) -> (f64, f64) {
    let rounded = x.mul_add(LOG2_E, BIASED_ROUNDER);
    ((-(rounded - BIASED_ROUNDER)).mul_add(LN_2, x), f64::from_bits(rounded.to_bits() << 52))
}

#[inline(always)]
fn wide_exp(x: f64) -> f64 {
    let (r, power) = reduce_exponent(x);
    (1.0 + (r * r).mul_add(polynomial(r, &EXP_WIDE), r)) * power
}

#[inline(always)]
fn wide_exp2(x: f64) -> f64 {
    let rounded = x + BIASED_ROUNDER;
    let r = x - (rounded - BIASED_ROUNDER);
    r.mul_add(polynomial(r, &EXP2_WIDE), 1.0) * f64::from_bits(rounded.to_bits() << 52)
}

/// The exponent k and the factor less one of a positive normal number.
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    let (exponent, m) = split_normal(x);
    (small_integer(exponent, 1023.0), m - 1.0)
}

/// `log(1 + f)` for `1 + f` in [sqrt(1/2), sqrt 2).
#[inline(always)]
fn wide_log1p(f: f64) -> f64 {
    (f * f).mul_add(polynomial(f, &LOG_WIDE), f)
}

/// `log(1 + x)` for finite x above -1.
#[inline(always)]
fn of_one_and(x: f64) -> f64 {
    let (k, f) = split(1.0 + x);
    // Where nothing was scaled, x itself has digits that adding one may have lost.
    k.mul_add(LN_2, wide_log1p(if k == 0.0 { x } else { f }))
}

/// The result of `logaddexp`, but for equal arguments and NaN; of equal infinities the difference is a NaN.
#[inline(always)]
fn sum_of_powers(a: f32, b: f32, result: f32, equal: f64) -> f32 {
    let result = if a.is_nan() | b.is_nan() { f32::NAN } else { result };
    if a == b { equal as f32 } else { result }
}
