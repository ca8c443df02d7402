//! Exponentials: `x = n ln 2 + r` with an integer n and |r| <= ln 2 / 2, then `exp x = 2^n exp r`.

use super::{EXPONENT_ROUNDER, LN_2_LOW, clamp, ordered_sum, polynomial, product, scale};
use std::f64::consts::{LN_2, LOG2_E};

const EXP: [f64; 10] = [
    0.500_000_000_000_001_2,
    0.166_666_666_666_666_96,
    0.041_666_666_666_516_01,
    0.008_333_333_333_309_092,
    0.001_388_888_894_688_505_8,
    0.000_198_412_699_129_151_62,
    2.480_149_005_907_655_6e-5,
    2.755_722_062_073_445e-6,
    2.763_124_395_171_787e-7,
    2.511_639_390_734_916_5e-8,
];

const EXPM1: [f64; 11] = [
    0.5,
    0.166_666_666_666_666_77,
    0.041_666_666_666_666_7,
    0.008_333_333_333_321_615,
    0.001_388_888_888_886_839_6,
    0.000_198_412_698_861_625_25,
    2.480_158_735_714_589e-5,
    2.755_724_417_549_984_5e-6,
    2.755_724_596_175_158e-7,
    2.510_904_784_668_238_3e-8,
    2.092_336_555_068_498_7e-9,
];

// The first one is ln 2 because the fit says so.
#[allow(clippy::approx_constant)]
const EXP2_SLOPE: [f64; 11] = [
    0.693_147_180_559_945_3,
    0.240_226_506_959_101_33,
    0.055_504_108_664_821_73,
    0.009_618_129_107_593_288,
    0.001_333_355_814_638_325,
    0.000_154_035_304_581_448_91,
    1.525_273_386_309_314_8e-5,
    1.321_543_478_075_243_1e-6,
    1.017_804_847_200_002e-7,
    7.073_866_921_386_112e-9,
    4.457_061_678_022_112e-10,
];

const EXP2: [f64; 10] = [
    0.240_226_506_959_101_33,
    0.055_504_108_664_821_67,
    0.009_618_129_107_593_597,
    0.001_333_355_814_639_042_5,
    0.000_154_035_304_578_168_8,
    1.525_273_385_824_297_8e-5,
    1.321_543_492_275_698e-6,
    1.017_805_001_510_570_1e-7,
    7.073_845_263_263_716e-9,
    4.456_875_105_151_953_4e-10,
];

/// The exponential.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let Reduced { r, bits, .. } = reduce(clamp(x, -746.0, 710.0));
    let factor = 1.0 + (r * r).mul_add(polynomial(r, &EXP), r);
    scale(vanishing(x, -746.0, factor), bits)
}

/// Two to the power.
#[inline(always)]
pub(crate) fn exp2(x: f64) -> f64 {
    let inside = clamp(x, -1076.0, 1025.0);
    let rounded = inside + EXPONENT_ROUNDER;
    let r = inside - (rounded - EXPONENT_ROUNDER);
    let factor = r.mul_add(polynomial(r, &EXP2_SLOPE), 1.0);
    scale(vanishing(x, -1076.0, factor), rounded.to_bits())
}

/// Two to the power `x + low` for a `low` below the last bit of x.
#[inline(always)]
pub(super) fn power_of_two(x: f64, low: f64) -> f64 {
    let inside = clamp(x, -1076.0, 1025.0);
    let rounded = inside + EXPONENT_ROUNDER;
    let (r, low) = ordered_sum(inside - (rounded - EXPONENT_ROUNDER), low);
    // The linear term with its rounding errors, which are a sixth of a unit in the last place of the result.
    let (linear, linear_low) = product(r, LN_2);
    let linear_low = r.mul_add(LN_2_LOW, low.mul_add(LN_2, linear_low));
    let (high, error) = ordered_sum(1.0, linear);
    let factor = high + (r * r).mul_add(polynomial(r, &EXP2), error + linear_low);
    scale(vanishing(x, -1076.0, factor), rounded.to_bits())
}

/// The factor, or zero where `x` is below the smallest number whose exponential is not zero: a product that rounds to
/// zero takes some processors a hundred times as long as one with zero.
#[inline(always)]
fn vanishing(x: f64, lowest: f64, factor: f64) -> f64 {
    if x < lowest { 0.0 } else { factor }
}

/// The exponential less one: `2^n (exp r - 1) + (2^n - 1)`, halved on the way as 2^n may be too large.
#[inline(always)]
pub(crate) fn expm1(x: f64) -> f64 {
    let Reduced { r, low, bits } = reduce(clamp(x, -50.0, 710.0));
    let (high, low) = less_one(r, low, f64::from_bits(bits.wrapping_sub(1024) << 52), 0.5);
    let result = (high + low) * 2.0;
    // Keeps the sign of zero and the last bit of the smallest numbers.
    if x.abs() < 1e-17 { x } else { result }
}

/// The product of `power` and `exp(r + low)`, less `one`, as a sum.
#[inline(always)]
pub(super) fn less_one(r: f64, low: f64, power: f64, one: f64) -> (f64, f64) {
    let (rest, rest_low) = ordered_sum(r, r * r * polynomial(r, &EXPM1));
    let whole = power - one;
    let high = power.mul_add(rest, whole);
    (high, power.mul_add(rest_low + low, power.mul_add(rest, whole - high)))
}

/// `x = n ln 2 + r + low`, and bits whose low twelve are n + 2046.
pub(super) struct Reduced {
    pub(super) r: f64,
    pub(super) low: f64,
    pub(super) bits: u64,
}

/// Reduces a number below 800 in magnitude.
#[inline(always)]
pub(super) fn reduce(x: f64) -> Reduced {
    let rounded = x.mul_add(LOG2_E, EXPONENT_ROUNDER);
    let n = rounded - EXPONENT_ROUNDER;
    // The first step is exact: the rest has no more digits than fit.
    let first = (-n).mul_add(LN_2, x);
    let r = (-n).mul_add(LN_2_LOW, first);
    Reduced { r, low: (-n).mul_add(LN_2_LOW, first - r), bits: rounded.to_bits() }
}
