//! Elementary functions of single precision numbers: computed in double precision to some 30 bits, and rounded once.
//!
//! The methods are those of the double precision functions. Reductions need no second step here, and neither
//! subnormal numbers nor results too large for single precision are a special case.

use super::circular::FRAC_PI_2_MIDDLE;
use super::logarithm::{exponent_number, split_normal};
use super::power::{reciprocal_root, settle};
use super::{ROUNDER, clamp, polynomial};
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, LN_2, LOG2_E, LOG10_E, PI};

const EXP_SINGLE: [f64; 5] = [
    0.500_000_009_291_971_5,
    0.166_665_188_854_018_85,
    0.041_666_214_658_121_224,
    0.008_368_886_021_474_41,
    0.001_394_979_740_637_246_2,
];

const EXPM1_SINGLE: [f64; 6] = [
    0.500_000_004_642_480_4,
    0.166_666_668_130_029_37,
    0.041_666_354_601_040_73,
    0.008_333_274_271_737_957,
    0.001_394_101_386_501_184,
    0.000_199_133_361_620_637_67,
];

const EXP2_SINGLE: [f64; 6] = [
    0.693_147_206_284_652_2,
    0.240_226_513_260_741_7,
    0.055_503_277_147_899_384,
    0.009_618_006_801_287_377,
    0.001_340_029_972_725_429_7,
    0.000_154_753_368_588_501_8,
];

const LOG_SINGLE: [f64; 12] = [
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

const POWER_LOG_SINGLE: [f64; 16] = [
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

const SIN_SINGLE: [f64; 4] = [
    -0.166_666_666_416_266_26,
    0.008_333_329_385_351_142,
    -0.000_198_393_345_512_976_81,
    2.718_308_110_870_932_7e-6,
];

const COS_SINGLE: [f64; 3] =
    [0.041_666_646_866_534_58, -0.001_388_736_752_080_237_7, 2.443_845_209_277_294_2e-5];

const ARCTAN_SINGLE: [f64; 6] = [
    -0.333_333_325_146_416_1,
    0.199_999_051_892_053_78,
    -0.142_820_421_194_772_23,
    0.110_450_937_835_695_84,
    -0.084_784_058_066_001_19,
    0.047_482_708_637_308_85,
];

const ARCSIN_SINGLE: [f64; 6] = [
    0.166_666_598_720_985_22,
    0.075_005_108_893_422_95,
    0.044_515_727_706_937_215,
    0.031_817_537_699_686_71,
    0.014_402_918_187_526_927,
    0.037_564_728_026_006_46,
];

const SINH_SINGLE: [f64; 3] =
    [0.166_666_667_544_978_9, 0.008_333_288_968_162_617, 0.000_199_049_514_767_601_62];

const COSH_SINGLE: [f64; 2] = [0.041_666_459_567_349_33, 0.001_393_539_491_646_406_2];

/// Adding it rounds a number to an integer that lies, with 1023 added, in the low bits of the sum.
const BIASED_ROUNDER: f64 = ROUNDER + 1023.0;

/// The exponential.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let result = wide_exp(clamp(x as f64, -110.0, 95.0));
    vanishing(x, -110.0, result) as f32
}

/// Two to the power.
#[inline(always)]
pub(crate) fn exp2(x: f32) -> f32 {
    let result = wide_exp2(clamp(x as f64, -160.0, 140.0));
    vanishing(x, -160.0, result) as f32
}

/// The exponential less one.
#[inline(always)]
pub(crate) fn expm1(x: f32) -> f32 {
    let (r, power) = reduce_exponent(clamp(x as f64, -40.0, 95.0));
    let less_one = (r * r).mul_add(polynomial(r, &EXPM1_SINGLE), r);
    let result = power.mul_add(less_one, power - 1.0) as f32;
    if x == 0.0 { x } else { result }
}

/// The natural logarithm.
#[inline(always)]
pub(crate) fn log(x: f32) -> f32 {
    let (k, f) = split(x as f64);
    special(x, k.mul_add(LN_2, wide_log1p(f)))
}

/// The logarithm to base 2.
#[inline(always)]
pub(crate) fn log2(x: f32) -> f32 {
    let (k, f) = split(x as f64);
    special(x, wide_log1p(f).mul_add(LOG2_E, k))
}

/// The logarithm to base 10.
#[inline(always)]
pub(crate) fn log10(x: f32) -> f32 {
    let (k, f) = split(x as f64);
    special(x, k.mul_add(LN_2, wide_log1p(f)) * LOG10_E)
}

/// The logarithm of one more.
#[inline(always)]
pub(crate) fn log1p(x: f32) -> f32 {
    let result = of_one_and(x as f64) as f32;
    let result = if x == -1.0 { f32::NEG_INFINITY } else { result };
    let result = if (x == 0.0) | !x.is_finite() { x } else { result };
    if x < -1.0 { f32::NAN } else { result }
}

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

/// Whether a number is finite and too large for [`sin`], [`cos`] and [`tan`].
#[inline(always)]
pub(crate) fn is_huge(x: f32) -> bool {
    super::circular::is_huge(x as f64)
}

/// The sine, where the number is not huge.
#[inline(always)]
pub(crate) fn sin(x: f32) -> f32 {
    let result = quarter(x, 0);
    if x == 0.0 { x } else { result }
}

/// The cosine, where the number is not huge.
#[inline(always)]
pub(crate) fn cos(x: f32) -> f32 {
    quarter(x, 1)
}

/// The tangent, where the number is not huge.
#[inline(always)]
pub(crate) fn tan(x: f32) -> f32 {
    let (sine, cosine, quadrant) = sine_and_cosine(x as f64);
    let swap = quadrant & 1 == 1;
    let top = if swap { -cosine } else { sine };
    let bottom = if swap { sine } else { cosine };
    let result = (top / bottom) as f32;
    if x == 0.0 { x } else { result }
}

/// The inverse tangent.
#[inline(always)]
pub(crate) fn arctan(x: f32) -> f32 {
    (angle(clamp(x.abs() as f64, 0.0, 1e30), 1.0, false, quick_quotient) as f32).copysign(x)
}

/// The angle of the point `(x, y)`.
#[inline(always)]
pub(crate) fn arctan2(y: f32, x: f32) -> f32 {
    let (a, b) = (y.abs() as f64, x.abs() as f64);
    let larger = if a > b { a } else { b };
    let infinite = larger == f64::INFINITY;
    let direction = |part: f64| if part == f64::INFINITY { 1.0 } else { 0.0 };
    let (a, b) = (if infinite { direction(a) } else { a }, if infinite { direction(b) } else { b });
    let b = if larger == 0.0 { 1.0 } else { b };
    let result = angle(a, b, x.is_sign_negative(), |top, bottom| top / bottom) as f32;
    let result = result.copysign(y);
    if x.is_nan() | y.is_nan() { f32::NAN } else { result }
}

/// The inverse sine.
#[inline(always)]
pub(crate) fn arcsin(x: f32) -> f32 {
    let (steep, value) = half_angle(x.abs() as f64);
    (if steep { (-2.0f64).mul_add(value, FRAC_PI_2) } else { value } as f32).copysign(x)
}

/// The inverse cosine.
#[inline(always)]
pub(crate) fn arccos(x: f32) -> f32 {
    let (steep, value) = half_angle(x.abs() as f64);
    let negative = x < 0.0;
    let factor: f64 = if steep { 2.0 } else { -1.0 };
    let factor = if negative { -factor } else { factor };
    let base = if steep { 0.0 } else { FRAC_PI_2 };
    let base = if steep & negative { PI } else { base };
    factor.mul_add(value, base) as f32
}

/// The hyperbolic sine.
#[inline(always)]
pub(crate) fn sinh(x: f32) -> f32 {
    let (sine, _) = hyperbolic(clamp(x as f64, -95.0, 95.0));
    let result = sine as f32;
    if x == 0.0 { x } else { result }
}

/// The hyperbolic cosine.
#[inline(always)]
pub(crate) fn cosh(x: f32) -> f32 {
    let (_, cosine) = hyperbolic(clamp(x as f64, -95.0, 95.0));
    cosine as f32
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let (sine, cosine) = hyperbolic(clamp(x as f64, -20.0, 20.0));
    let result = (sine / cosine) as f32;
    if x == 0.0 { x } else { result }
}

/// The inverse hyperbolic sine: `log1p(a + (sqrt(1 + a^2) - 1))`, and two terms of the series near zero.
#[inline(always)]
pub(crate) fn arcsinh(x: f32) -> f32 {
    let a = x.abs() as f64;
    let square = a * a;
    let result = of_one_and(a + ((1.0 + square).sqrt() - 1.0));
    let result = if a < 1e-4 { (a * square).mul_add(-1.0 / 6.0, a) } else { result };
    (if a < f64::INFINITY { result } else { a } as f32).copysign(x)
}

/// The inverse hyperbolic cosine: `log1p(t + sqrt(2 t + t^2))` with `t = x - 1`.
#[inline(always)]
pub(crate) fn arccosh(x: f32) -> f32 {
    let t = x as f64 - 1.0;
    let result = of_one_and(t + t.mul_add(t, t + t).sqrt()) as f32;
    let result = if x < 1.0 { f32::NAN } else { result };
    if x < f32::INFINITY { result } else { x }
}

/// The inverse hyperbolic tangent: `log1p(2 x / (1 - x)) / 2`.
#[inline(always)]
pub(crate) fn arctanh(x: f32) -> f32 {
    let a = x.abs() as f64;
    let result = 0.5 * of_one_and((a + a) / (1.0 - a));
    let result = if a == 1.0 { f64::INFINITY } else { result };
    let result = if a <= 1.0 { result } else { f64::NAN };
    (result as f32).copysign(x)
}

/// The first number to the power of the second.
#[inline(always)]
pub(crate) fn power(x: f32, y: f32) -> f32 {
    let (a, exponent) = (x.abs() as f64, y as f64);
    let (k, f) = split(a);
    let logarithm = f.mul_add(polynomial(f, &POWER_LOG_SINGLE), k);
    let logarithm = if a == 0.0 { f64::NEG_INFINITY } else { logarithm };
    let logarithm = if a == f64::INFINITY { f64::INFINITY } else { logarithm };
    let product = exponent * logarithm;
    let result = wide_exp2(clamp(product, -160.0, 140.0));
    let result = vanishing(product as f32, -160.0, result);
    settle(x as f64, exponent, result) as f32
}

/// The cube root.
#[inline(always)]
pub(crate) fn cbrt(x: f32) -> f32 {
    let a = x.abs() as f64;
    let (m, inverse, power) = reciprocal_root(a);
    let result = m * (inverse * inverse) * power;
    (if (a > 0.0) & (a < f64::INFINITY) { result } else { a } as f32).copysign(x)
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
    (1.0 + (r * r).mul_add(polynomial(r, &EXP_SINGLE), r)) * power
}

#[inline(always)]
fn wide_exp2(x: f64) -> f64 {
    let rounded = x + BIASED_ROUNDER;
    let r = x - (rounded - BIASED_ROUNDER);
    r.mul_add(polynomial(r, &EXP2_SINGLE), 1.0) * f64::from_bits(rounded.to_bits() << 52)
}

/// The exponent k and the factor less one of a positive normal number.
#[inline(always)]
fn split(x: f64) -> (f64, f64) {
    let (exponent, m) = split_normal(x);
    (exponent_number(exponent) - 1023.0, m - 1.0)
}

/// `log(1 + f)` for `1 + f` in [sqrt(1/2), sqrt 2).
#[inline(always)]
fn wide_log1p(f: f64) -> f64 {
    (f * f).mul_add(polynomial(f, &LOG_SINGLE), f)
}

/// `log(1 + x)` for finite x above -1.
#[inline(always)]
fn of_one_and(x: f64) -> f64 {
    let (k, f) = split(1.0 + x);
    // Where nothing was scaled, x itself has digits that adding one may have lost.
    k.mul_add(LN_2, wide_log1p(if k == 0.0 { x } else { f }))
}

/// The result of a logarithm, but for zero, negative numbers, infinity and NaN.
#[inline(always)]
fn special(x: f32, result: f64) -> f32 {
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result as f32 };
    let result = if x < 0.0 { f32::NAN } else { result };
    if x < f32::INFINITY { result } else { x }
}

/// The result of `logaddexp`, but for equal arguments and NaN; of equal infinities the difference is a NaN.
#[inline(always)]
fn sum_of_powers(a: f32, b: f32, result: f32, equal: f64) -> f32 {
    let result = if a.is_nan() | b.is_nan() { f32::NAN } else { result };
    if a == b { equal as f32 } else { result }
}

/// The sine of `x + ahead pi/2`.
#[inline(always)]
fn quarter(x: f32, ahead: u64) -> f32 {
    let (sine, cosine, quadrant) = sine_and_cosine(x as f64);
    let quadrant = quadrant.wrapping_add(ahead);
    let value = if quadrant & 1 == 1 { cosine } else { sine };
    f64::from_bits(value.to_bits() ^ (quadrant & 2) << 62) as f32
}

/// The sine and cosine of `r = x - n pi/2`, and bits whose low two are those of n.
#[inline(always)]
fn sine_and_cosine(x: f64) -> (f64, f64, u64) {
    let rounded = x.mul_add(FRAC_2_PI, ROUNDER);
    let n = rounded - ROUNDER;
    let r = (-n).mul_add(FRAC_PI_2_MIDDLE, (-n).mul_add(FRAC_PI_2, x));
    let z = r * r;
    let sine = (r * z).mul_add(polynomial(z, &SIN_SINGLE), r);
    let cosine = (z * z).mul_add(polynomial(z, &COS_SINGLE), z.mul_add(-0.5, 1.0));
    (sine, cosine, rounded.to_bits())
}

/// The quotient to some 45 bits, for divisors well inside the range of single precision: a division in single precision
/// and a step of Newton's method. Where little else is computed it takes half the time of a wide division (AVX-512);
/// in `tan`, `tanh` and `arctanh` it was no gain.
#[inline(always)]
fn quick_quotient(top: f64, bottom: f64) -> f64 {
    let inverse = (1.0 / bottom as f32) as f64;
    let estimate = top * inverse;
    (-estimate).mul_add(bottom, top).mul_add(inverse, estimate)
}

/// `atan(y / x)`, or pi less it if the first coordinate is negative; `divide` divides numbers no larger than the sum of
/// both parts.
#[inline(always)]
fn angle(y: f64, x: f64, negative: bool, divide: impl Fn(f64, f64) -> f64) -> f64 {
    let low = y < x * 0.414_213_562_373_095_03;
    let high = y > x * 2.414_213_562_373_095;
    let top = if low { y } else { y - x };
    let top = if high { -x } else { top };
    let bottom = if low { x } else { y + x };
    let bottom = if high { y } else { bottom };
    let ratio = divide(top, bottom);
    let z = ratio * ratio;
    let near = (z * ratio).mul_add(polynomial(z, &ARCTAN_SINGLE), ratio);
    let base = if low { 0.0 } else { FRAC_PI_4 };
    let base = if high { FRAC_PI_2 } else { base };
    let result = base + near;
    if negative { PI - result } else { result }
}

/// `asin a`, or if `a` is above one half (then true), half of the angle to pi/2.
#[inline(always)]
fn half_angle(a: f64) -> (bool, f64) {
    let steep = a > 0.5;
    let z = if steep { (-0.5f64).mul_add(a, 0.5) } else { a * a };
    let root = if steep { z.sqrt() } else { a };
    (steep, (root * z).mul_add(polynomial(z, &ARCSIN_SINGLE), root))
}

/// The hyperbolic sine and cosine.
#[inline(always)]
fn hyperbolic(x: f64) -> (f64, f64) {
    let rounded = x.mul_add(LOG2_E, BIASED_ROUNDER);
    let r = (-(rounded - BIASED_ROUNDER)).mul_add(LN_2, x);
    let bits = rounded.to_bits();
    let up = f64::from_bits(bits.wrapping_sub(1) << 52);
    let down = f64::from_bits(2045u64.wrapping_sub(bits) << 52);
    let (large, cross) = (up - down, up + down);
    let z = r * r;
    let sine = (r * z).mul_add(polynomial(z, &SINH_SINGLE), r);
    let cosine = (z * z).mul_add(polynomial(z, &COSH_SINGLE), z.mul_add(0.5, 1.0));
    (large.mul_add(cosine, cross * sine), cross.mul_add(cosine, large * sine))
}
