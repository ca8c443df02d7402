//! Circular functions: `x = n pi/2 + r` with an integer n and |r| <= pi/4; n says which polynomial of r and which sign.
//!
//! pi/2 is taken as a sum of three doubles. Taking n times the first one from x is exact, as the rest has no more digits
//! than fit; r is a sum of two doubles, good to the last bit even where x is almost a multiple of pi/2. That holds up
//! to [`LIMIT`]; what is larger is left to a slow function with as many digits of pi as it takes.

use super::{ROUNDER, ordered_sum, polynomial, product};
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// The largest magnitude the reduction is good for.
const LIMIT: f64 = 17_592_186_044_416.0;

/// The parts of pi/2 below `FRAC_PI_2`.
pub(super) const FRAC_PI_2_MIDDLE: f64 = 6.123_233_995_736_766e-17;
const FRAC_PI_2_LOW: f64 = -1.497_384_904_859_169_8e-33;

const SIN: [f64; 6] = [
    -0.166_666_666_666_666_32,
    0.008_333_333_333_322_49,
    -0.000_198_412_698_298_577_62,
    2.755_731_370_697_109_6e-6,
    -2.505_076_023_289_242e-8,
    1.589_690_849_135_186_3e-10,
];

const COS: [f64; 6] = [
    0.041_666_666_666_666_6,
    -0.001_388_888_888_887_447_4,
    2.480_158_728_967_154_4e-5,
    -2.755_731_440_103_399_4e-7,
    2.087_572_928_179_535e-9,
    -1.135_993_427_416_529_9e-11,
];

/// Whether a number is infinite or too large for [`sin`], [`cos`] and [`tan`].
#[inline(always)]
pub(crate) fn is_huge(x: f64) -> bool {
    x.abs() > LIMIT
}

/// The sine, where the number is not huge.
#[inline(always)]
pub(crate) fn sin(x: f64) -> f64 {
    let result = quarter(x, 0);
    if x == 0.0 { x } else { result }
}

/// The cosine, where the number is not huge.
#[inline(always)]
pub(crate) fn cos(x: f64) -> f64 {
    quarter(x, 1)
}

/// The tangent, where the number is not huge: the quotient of sine and cosine, with the rounding errors of both.
#[inline(always)]
pub(crate) fn tan(x: f64) -> f64 {
    let (high, low, quadrant) = reduce(x);
    let Parts { sine, sine_low, cosine, cosine_low } = parts(high, low);
    let swap = quadrant & 1 == 1;
    let (sine, sine_low) = ordered_sum(sine, sine_low);
    let (cosine, cosine_low) = ordered_sum(cosine, cosine_low);
    let (top, top_low) = if swap { (-cosine, -cosine_low) } else { (sine, sine_low) };
    let (bottom, bottom_low) = if swap { (sine, sine_low) } else { (cosine, cosine_low) };
    let inverse = 1.0 / bottom;
    let quotient = top * inverse;
    let rest = (-quotient).mul_add(bottom, top) + (-quotient).mul_add(bottom_low, top_low);
    let result = rest.mul_add(inverse, quotient);
    if x == 0.0 { x } else { result }
}

/// The sine of `x + ahead pi/2`.
#[inline(always)]
fn quarter(x: f64, ahead: u64) -> f64 {
    let (high, low, quadrant) = reduce(x);
    let quadrant = quadrant.wrapping_add(ahead);
    let Parts { sine, sine_low, cosine, cosine_low } = parts(high, low);
    let (value, rest) = if quadrant & 1 == 1 { (cosine, cosine_low) } else { (sine, sine_low) };
    f64::from_bits((value + rest).to_bits() ^ (quadrant & 2) << 62)
}

/// The rest `x - n pi/2` as a sum, and bits whose low two are those of n.
#[inline(always)]
fn reduce(x: f64) -> (f64, f64, u64) {
    let rounded = x.mul_add(FRAC_2_PI, ROUNDER);
    let n = rounded - ROUNDER;
    let first = (-n).mul_add(FRAC_PI_2, x);
    let (second, second_low) = product(n, FRAC_PI_2_MIDDLE);
    // The larger number need not come first here: where it does not, the difference is exact or its error harmless.
    let (high, low) = ordered_sum(first, -second);
    (high, low - n.mul_add(FRAC_PI_2_LOW, second_low), rounded.to_bits())
}

/// The sine and the cosine of a reduced number, each as a sum.
struct Parts {
    sine: f64,
    sine_low: f64,
    cosine: f64,
    cosine_low: f64,
}

#[inline(always)]
fn parts(r: f64, low: f64) -> Parts {
    let z = r * r;
    let inner = r.mul_add(polynomial(z, &SIN), -0.5 * low);
    let (sine, sine_low) = (r, z.mul_add(inner, low));
    let (cosine, error) = ordered_sum(1.0, -0.5 * z);
    let cosine_low = (z * z).mul_add(polynomial(z, &COS), (-r).mul_add(low, error));
    Parts { sine, sine_low, cosine, cosine_low }
}
