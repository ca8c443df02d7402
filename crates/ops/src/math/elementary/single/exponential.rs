//! Exponentials: `x = n ln 2 + r` with an integer n and |r| <= ln 2 / 2, then `exp x = 2^n exp r`.

use super::{LN_2_LOW, ROUNDER, clamp, ordered_sum, polynomial};
use std::f32::consts::{LN_2, LOG2_E};

const EXP_SINGLE: [f32; 5] = [0.5, 0.166_665_42, 0.041_666_288, 0.008_366_653, 0.001_394_595];

// The first one is ln 2 because the fit says so.
#[allow(clippy::approx_constant)]
const EXP2_SINGLE: [f32; 6] =
    [0.693_147_2, 0.240_226_5, 0.055_503_275, 0.009_618_007, 0.001_340_043_4, 0.000_154_754_82];

/// Adding it rounds a number to an integer that lies, with 254 added, in the low bits of the sum.
pub(super) const EXPONENT_ROUNDER: f32 = ROUNDER + 254.0;

/// The exponential.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let Reduced { r, bits, .. } = reduce(clamp(x, -104.0, 89.0));
    let factor = 1.0 + (r * r).mul_add(polynomial(r, &EXP_SINGLE), r);
    scale(vanishing(x, -104.0, factor), bits)
}

/// Two to the power.
#[inline(always)]
pub(crate) fn exp2(x: f32) -> f32 {
    let inside = clamp(x, -151.0, 129.0);
    let rounded = inside + EXPONENT_ROUNDER;
    let r = inside - (rounded - EXPONENT_ROUNDER);
    let factor = r.mul_add(polynomial(r, &EXP2_SINGLE), 1.0);
    scale(vanishing(x, -151.0, factor), rounded.to_bits())
}

/// The exponential less one: `2^n (exp r - 1) + (2^n - 1)`, halved on the way as 2^n may be too large.
#[inline(always)]
pub(crate) fn expm1(x: f32) -> f32 {
    let Reduced { r, bits, .. } = reduce(clamp(x, -20.0, 89.0));
    let (high, low) = less_one(r, f32::from_bits(bits.wrapping_sub(128) << 23), 0.5);
    let result = (high + low) * 2.0;
    // Keeps the sign of zero and the last bit of the smallest numbers.
    if x.abs() < 1e-8 { x } else { result }
}

/// The product of `power` and `exp r`, less `one`, as a sum.
#[inline(always)]
pub(super) fn less_one(r: f32, power: f32, one: f32) -> (f32, f32) {
    let (rest, rest_low) = ordered_sum(r, r * r * polynomial(r, &EXP_SINGLE));
    let whole = power - one;
    let high = power.mul_add(rest, whole);
    (high, power.mul_add(rest_low, power.mul_add(rest, whole - high)))
}

/// `x = n ln 2 + r`, and bits whose low nine are n + 254.
pub(super) struct Reduced {
    pub(super) r: f32,
    pub(super) bits: u32,
}

/// Reduces a number below 128 in magnitude.
#[inline(always)]
pub(super) fn reduce(x: f32) -> Reduced {
    let rounded = x.mul_add(LOG2_E, EXPONENT_ROUNDER);
    let n = rounded - EXPONENT_ROUNDER;
    // The first step is exact: the rest has no more digits than fit.
    Reduced { r: (-n).mul_add(LN_2_LOW, (-n).mul_add(LN_2, x)), bits: rounded.to_bits() }
}

/// The factor, or zero where `x` is below the smallest number whose exponential is not zero: a product that rounds to
/// zero takes some processors a hundred times as long as one with zero.
#[inline(always)]
fn vanishing(x: f32, lowest: f32, factor: f32) -> f32 {
    if x < lowest { 0.0 } else { factor }
}

/// `p` times two to the power `bits - 254`, where only the low nine bits count, and `p` is in [1/2, 4].
///
/// The power is multiplied in as two halves, as it may be too large or too small for a number of its own.
#[inline(always)]
fn scale(p: f32, bits: u32) -> f32 {
    let half = bits >> 1;
    p * f32::from_bits(half << 23) * f32::from_bits(bits.wrapping_sub(half) << 23)
}
