//! Circular functions: `x = n pi/2 + r` with an integer n and |r| <= pi/4; n says which polynomial of r and which sign.
//!
//! pi/2 is taken as a sum of three numbers, which is good to the last bit up to [`LIMIT`]; what is larger is left to a
//! slow function with as many digits of pi as it takes.

use super::{ROUNDER, ordered_sum, polynomial, product};
use std::f32::consts::{FRAC_2_PI, FRAC_PI_2};

/// The largest magnitude the reduction is good for.
const LIMIT: f32 = 300_000.0;

/// The parts of pi/2 below `FRAC_PI_2`.
const FRAC_PI_2_MIDDLE: f32 = -4.371_139e-8;
const FRAC_PI_2_LOW: f32 = -1.715_124_5e-15;

const SIN_SINGLE: [f32; 3] = [-0.166_666_54, 0.008_332_101, -0.000_195_066_04];

const COS_SINGLE: [f32; 3] = [0.041_666_646, -0.001_388_730_1, 2.443_070_5e-5];

const TAN_SINGLE: [f32; 6] =
    [0.333_331_1, 0.133_399_44, 0.053_319_745, 0.024_747_377, 0.002_623_515, 0.009_673_068];

/// Whether a number is infinite or too large for [`sin`], [`cos`] and [`tan`].
#[inline(always)]
pub(crate) fn is_huge(x: f32) -> bool {
    x.abs() > LIMIT
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
    let (r, low, quadrant) = reduce_twice(x);
    let z = r * r;
    let tangent = (r * z).mul_add(polynomial(z, &TAN_SINGLE), low.mul_add(z, low)) + r;
    let swap = quadrant & 1 == 1;
    let top = if swap { -1.0 } else { tangent };
    let result = top / if swap { tangent } else { 1.0 };
    if x == 0.0 { x } else { result }
}

/// The sine of `x + ahead pi/2`.
#[inline(always)]
fn quarter(x: f32, ahead: u32) -> f32 {
    let (r, quadrant) = reduce(x);
    let quadrant = quadrant.wrapping_add(ahead);
    let z = r * r;
    let sine = (r * z).mul_add(polynomial(z, &SIN_SINGLE), r);
    let cosine = (z * z).mul_add(polynomial(z, &COS_SINGLE), z.mul_add(-0.5, 1.0));
    let value = if quadrant & 1 == 1 { cosine } else { sine };
    f32::from_bits(value.to_bits() ^ (quadrant & 2) << 30)
}

/// The rest `x - n pi/2` as a sum, and bits whose low two are those of n.
#[inline(always)]
fn reduce_twice(x: f32) -> (f32, f32, u32) {
    let rounded = x.mul_add(FRAC_2_PI, ROUNDER);
    let n = rounded - ROUNDER;
    let first = (-n).mul_add(FRAC_PI_2, x);
    let (second, second_low) = product(n, FRAC_PI_2_MIDDLE);
    // The larger number need not come first here: where it does not, the difference is exact or its error harmless.
    let (high, low) = ordered_sum(first, -second);
    (high, low - n.mul_add(FRAC_PI_2_LOW, second_low), rounded.to_bits())
}

/// The rest `x - n pi/2`, and bits whose low two are those of n.
#[inline(always)]
fn reduce(x: f32) -> (f32, u32) {
    let rounded = x.mul_add(FRAC_2_PI, ROUNDER);
    let n = rounded - ROUNDER;
    // The first step is exact: the rest has no more digits than fit.
    let first = (-n).mul_add(FRAC_PI_2, x);
    let second = (-n).mul_add(FRAC_PI_2_MIDDLE, first);
    ((-n).mul_add(FRAC_PI_2_LOW, second), rounded.to_bits())
}
