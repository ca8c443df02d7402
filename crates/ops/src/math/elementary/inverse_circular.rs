//! Inverse circular functions.
//!
//! An angle is taken from its nearest eighth of a turn: `atan(y / x) = base + atan((y - x) / (y + x))` and the like, so
//! that one division gives a ratio of at most tan(pi/8). The inverse sine near one is that of a half angle,
//! `asin a = pi/2 - 2 asin sqrt((1 - a) / 2)`.

use super::{clamp, ordered_sum, polynomial, sum};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// What `FRAC_PI_4` leaves out; twice and four times it belong to `FRAC_PI_2` and `PI`.
const FRAC_PI_4_LOW: f64 = 3.061_616_997_868_383e-17;
const THREE_FRAC_PI_4: f64 = 2.356_194_490_192_345;
const THREE_FRAC_PI_4_LOW: f64 = 9.184_850_993_605_148e-17;
/// The tangents of pi/8 and 3 pi/8.
const LOWER: f64 = 0.414_213_562_373_095_03;
const UPPER: f64 = 2.414_213_562_373_095;

const ARCTAN: [f64; 11] = [
    -0.333_333_333_333_332,
    0.199_999_999_999_538_16,
    -0.142_857_142_802_201_58,
    0.111_111_107_846_548_17,
    -0.090_908_977_921_327_27,
    0.076_920_608_216_919_48,
    -0.066_631_108_284_911_85,
    0.058_479_374_319_532_325,
    -0.050_395_150_826_187_08,
    0.038_069_724_864_418_46,
    -0.017_912_656_250_887_227,
];

const ARCSIN: [f64; 12] = [
    0.166_666_666_666_653_83,
    0.075_000_000_003_429_18,
    0.044_642_856_823_579_09,
    0.030_381_959_327_440_88,
    0.022_371_753_612_503_237,
    0.017_359_769_778_843_955,
    0.013_884_611_495_882_682,
    0.012_173_194_177_422_97,
    0.006_511_220_491_708_646,
    0.019_572_902_695_329_6,
    -0.016_292_498_966_697_273,
    0.031_957_885_179_798_08,
];

/// The inverse tangent.
#[inline(always)]
pub(crate) fn arctan(x: f64) -> f64 {
    // From 1e17 on the result is pi/2, rounded.
    let angle = angle(clamp(x.abs(), 0.0, 1e17), 1.0, false);
    angle.copysign(x)
}

/// The angle of the point `(x, y)`.
#[inline(always)]
pub(crate) fn arctan2(y: f64, x: f64) -> f64 {
    let (a, b) = (y.abs(), x.abs());
    let larger = if a > b { a } else { b };
    // Infinities stand for directions only: an infinite part is 1, and a finite one beside it 0.
    let infinite = larger == f64::INFINITY;
    let direction = |part: f64| if part == f64::INFINITY { 1.0 } else { 0.0 };
    let (a, b) = (if infinite { direction(a) } else { a }, if infinite { direction(b) } else { b });
    // The origin has the angle of its signs: 0 or pi.
    let b = if larger == 0.0 { 1.0 } else { b };
    let factor = if larger > 1e300 { 2f64.powi(-64) } else { 1.0 };
    let factor = if larger < 1e-270 { 2f64.powi(128) } else { factor };
    let result = angle(a * factor, b * factor, x.is_sign_negative()).copysign(y);
    let missing = x.is_nan() | y.is_nan();
    if missing { f64::NAN } else { result }
}

/// The inverse sine.
#[inline(always)]
pub(crate) fn arcsin(x: f64) -> f64 {
    let (steep, root, tail) = half_angle(x.abs());
    let (high, low) = ordered_sum(FRAC_PI_2, -2.0 * root);
    let complement = high + (low + 2.0f64.mul_add(-tail, 2.0 * FRAC_PI_4_LOW));
    (if steep { complement } else { root + tail }).copysign(x)
}

/// The inverse cosine.
#[inline(always)]
pub(crate) fn arccos(x: f64) -> f64 {
    let (steep, root, tail) = half_angle(x.abs());
    let negative = x < 0.0;
    let factor: f64 = if steep { 2.0 } else { -1.0 };
    let factor = if negative { -factor } else { factor };
    let (base, base_low) = if steep { (0.0, 0.0) } else { (FRAC_PI_2, 2.0 * FRAC_PI_4_LOW) };
    let (base, base_low) = if steep & negative { (PI, 4.0 * FRAC_PI_4_LOW) } else { (base, base_low) };
    let (high, low) = ordered_sum(base, factor * root);
    high + (low + factor.mul_add(tail, base_low))
}

/// `asin a` is `root + tail`, or if `a` is above one half (`steep`), `pi/2 - 2 (root + tail)`.
#[inline(always)]
fn half_angle(a: f64) -> (bool, f64, f64) {
    let steep = a > 0.5;
    let z = if steep { (-0.5f64).mul_add(a, 0.5) } else { a * a };
    let root = if steep { z.sqrt() } else { a };
    (steep, root, root * z * polynomial(z, &ARCSIN))
}

/// `atan(y / x)`, or pi less it if the first coordinate is negative; neither part is negative, nor so large or small
/// that a ratio over it overflows.
#[inline(always)]
fn angle(y: f64, x: f64, negative: bool) -> f64 {
    let low = y < x * LOWER;
    let high = y > x * UPPER;
    let ends = low | high;
    let (difference, difference_low) = sum(y, -x);
    let (total, total_low) = sum(y, x);
    let top = if low { y } else { difference };
    let top = if high { -x } else { top };
    let bottom = if low { x } else { total };
    let bottom = if high { y } else { bottom };
    let top_low = if ends { 0.0 } else { difference_low };
    let bottom_low = if ends { 0.0 } else { total_low };
    let inverse = 1.0 / bottom;
    let ratio = top * inverse;
    let rest = (-ratio).mul_add(bottom, top) + (-ratio).mul_add(bottom_low, top_low);
    let z = ratio * ratio;
    let tail = (z * ratio).mul_add(polynomial(z, &ARCTAN), rest * inverse);

    let turned = |near: f64, far: f64| if negative { far } else { near };
    let base = if low { turned(0.0, PI) } else { turned(FRAC_PI_4, THREE_FRAC_PI_4) };
    let base = if high { FRAC_PI_2 } else { base };
    let base_low =
        if low { turned(0.0, 4.0 * FRAC_PI_4_LOW) } else { turned(FRAC_PI_4_LOW, THREE_FRAC_PI_4_LOW) };
    let base_low = if high { 2.0 * FRAC_PI_4_LOW } else { base_low };
    let sign = turned(1.0, -1.0);
    let (high, low) = ordered_sum(base, sign * ratio);
    high + (low + sign.mul_add(tail, base_low))
}
