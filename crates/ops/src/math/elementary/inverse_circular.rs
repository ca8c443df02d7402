//! Inverse circular functions.
//!
//! The angle of a slope above one is a quarter of a turn less that of its inverse; the inverse sine near one is that of
//! a half angle, `asin a = pi/2 - 2 asin sqrt((1 - a) / 2)`.

use super::{alternating, ordered_sum, polynomial};
use std::f64::consts::{FRAC_PI_2, PI};

/// What `FRAC_PI_2` leaves out; twice that belongs to `PI`.
const FRAC_PI_2_LOW: f64 = 6.123_233_995_736_766e-17;

const ARCTAN: [f64; 19] = [
    -0.333_333_333_333_319_94,
    0.199_999_999_997_747_3,
    -0.142_857_142_723_492_95,
    0.111_111_107_053_684_99,
    -0.090_909_016_548_219_67,
    0.076_922_172_829_935_91,
    -0.066_658_918_927_405_48,
    0.058_774_735_168_764_75,
    -0.052_398_820_757_855_83,
    0.046_758_761_942_922_736,
    -0.040_970_173_003_968_36,
    0.034_144_343_517_805_93,
    -0.025_929_424_737_635_81,
    0.017_082_667_138_148_86,
    -0.009_264_181_125_369_683,
    0.003_899_756_507_728_453,
    -0.001_180_499_313_627_021_5,
    0.000_226_785_057_267_082_53,
    -2.065_534_566_298_075e-5,
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
    let a = x.abs();
    let steep = a > 1.0;
    let (top, bottom) = if steep { (-1.0, a) } else { (a, 1.0) };
    angle(if steep { FRAC_PI_2 } else { 0.0 }, top / bottom).copysign(x)
}

/// The angle of the point `(x, y)`.
#[inline(always)]
pub(crate) fn arctan2(y: f64, x: f64) -> f64 {
    let (a, b) = (y.abs(), x.abs());
    let steep = a > b;
    let (small, large) = if steep { (b, a) } else { (a, b) };
    // The origin has the angle of its signs, 0 or pi; and infinite parts are equal.
    let large = if large == 0.0 { 1.0 } else { large };
    let ratio = if small == f64::INFINITY { 1.0 } else { small / large };
    let left = x.to_bits() & SIGN;
    let slope = f64::from_bits(ratio.to_bits() ^ left ^ if steep { SIGN } else { 0 });
    let base = if left != 0 { PI } else { 0.0 };
    let result = angle(if steep { FRAC_PI_2 } else { base }, slope).copysign(y);
    if x.is_nan() | y.is_nan() { f64::NAN } else { result }
}

/// The inverse sine.
#[inline(always)]
pub(crate) fn arcsin(x: f64) -> f64 {
    let (steep, root, tail) = half_angle(x.abs());
    let (high, low) = ordered_sum(FRAC_PI_2, -2.0 * root);
    let complement = high + (low + 2.0f64.mul_add(-tail, FRAC_PI_2_LOW));
    (if steep { complement } else { root + tail }).copysign(x)
}

/// The inverse cosine.
#[inline(always)]
pub(crate) fn arccos(x: f64) -> f64 {
    let (steep, root, tail) = half_angle(x.abs());
    let negative = x < 0.0;
    let factor: f64 = if steep { 2.0 } else { -1.0 };
    let factor = if negative { -factor } else { factor };
    let (base, base_low) = if steep { (0.0, 0.0) } else { (FRAC_PI_2, FRAC_PI_2_LOW) };
    let (base, base_low) = if steep & negative { (PI, 2.0 * FRAC_PI_2_LOW) } else { (base, base_low) };
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

const SIGN: u64 = 0x8000_0000_0000_0000;

/// The angle of a slope up to one, and what it begins at: a multiple of `FRAC_PI_2`.
#[inline(always)]
fn angle(base: f64, slope: f64) -> f64 {
    let z = slope * slope;
    // With what the base leaves out.
    let tail = base.mul_add(FRAC_PI_2_LOW / FRAC_PI_2, slope * z * alternating(z, &ARCTAN));
    let (high, low) = ordered_sum(base, slope);
    high + (low + tail)
}
