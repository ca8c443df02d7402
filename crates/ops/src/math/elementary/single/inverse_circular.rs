//! Inverse circular functions.
//!
//! The angle of a slope above one is a quarter of a turn less that of its inverse; the inverse sine near one is that of
//! a half angle, `asin a = pi/2 - 2 asin sqrt((1 - a) / 2)`.

use super::{alternating, ordered_sum, polynomial};
use std::f32::consts::{FRAC_PI_2, PI};

/// What `FRAC_PI_2` leaves out; twice that belongs to `PI`.
const FRAC_PI_2_LOW: f32 = -4.371_139e-8;

const ARCTAN_SINGLE: [f32; 8] = [
    -0.333_331_67,
    0.199_941_46,
    -0.142_142_64,
    0.106_791_124,
    -0.075_808_67,
    0.043_556_13,
    -0.016_582_325,
    0.002_974_771_4,
];

const ARCSIN_SINGLE: [f32; 5] = [0.166_667_54, 0.074_952_52, 0.045_476_04, 0.024_152_09, 0.042_211_805];

/// The inverse tangent.
#[inline(always)]
pub(crate) fn arctan(x: f32) -> f32 {
    let a = x.abs();
    let steep = a > 1.0;
    let (top, bottom) = if steep { (-1.0, a) } else { (a, 1.0) };
    angle(if steep { FRAC_PI_2 } else { 0.0 }, top / bottom).copysign(x)
}

/// The angle of the point `(x, y)`.
#[inline(always)]
pub(crate) fn arctan2(y: f32, x: f32) -> f32 {
    let (a, b) = (y.abs(), x.abs());
    let steep = a > b;
    let (small, large) = if steep { (b, a) } else { (a, b) };
    // The origin has the angle of its signs, 0 or pi; and infinite parts are equal.
    let large = if large == 0.0 { 1.0 } else { large };
    let ratio = if small == f32::INFINITY { 1.0 } else { small / large };
    let left = x.to_bits() & SIGN;
    let slope = f32::from_bits(ratio.to_bits() ^ left ^ if steep { SIGN } else { 0 });
    let base = if left != 0 { PI } else { 0.0 };
    let result = angle(if steep { FRAC_PI_2 } else { base }, slope).copysign(y);
    if x.is_nan() | y.is_nan() { f32::NAN } else { result }
}

/// The inverse sine.
#[inline(always)]
pub(crate) fn arcsin(x: f32) -> f32 {
    let (steep, root, tail) = half_angle(x.abs());
    let (high, low) = ordered_sum(FRAC_PI_2, -2.0 * root);
    let complement = high + (low + 2.0f32.mul_add(-tail, FRAC_PI_2_LOW));
    (if steep { complement } else { root + tail }).copysign(x)
}

/// The inverse cosine.
#[inline(always)]
pub(crate) fn arccos(x: f32) -> f32 {
    let (steep, root, tail) = half_angle(x.abs());
    let negative = x < 0.0;
    let factor: f32 = if steep { 2.0 } else { -1.0 };
    let factor = if negative { -factor } else { factor };
    let (base, base_low) = if steep { (0.0, 0.0) } else { (FRAC_PI_2, FRAC_PI_2_LOW) };
    let (base, base_low) = if steep & negative { (PI, 2.0 * FRAC_PI_2_LOW) } else { (base, base_low) };
    let (high, low) = ordered_sum(base, factor * root);
    high + (low + factor.mul_add(tail, base_low))
}

/// `asin a` is `root + tail`, or if `a` is above one half (`steep`), `pi/2 - 2 (root + tail)`.
#[inline(always)]
fn half_angle(a: f32) -> (bool, f32, f32) {
    let steep = a > 0.5;
    let z = if steep { (-0.5f32).mul_add(a, 0.5) } else { a * a };
    let root = if steep { z.sqrt() } else { a };
    (steep, root, root * z * polynomial(z, &ARCSIN_SINGLE))
}

const SIGN: u32 = 0x8000_0000;

/// The angle of a slope up to one, and what it begins at: a multiple of `FRAC_PI_2`.
#[inline(always)]
fn angle(base: f32, slope: f32) -> f32 {
    let z = slope * slope;
    // With what the base leaves out.
    let tail = base.mul_add(FRAC_PI_2_LOW / FRAC_PI_2, slope * z * alternating(z, &ARCTAN_SINGLE));
    let (high, low) = ordered_sum(base, slope);
    high + (low + tail)
}
