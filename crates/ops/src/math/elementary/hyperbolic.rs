//! Hyperbolic functions: with `|x| = n ln 2 + r`, `sinh |x| = sinh(n ln 2) cosh r + cosh(n ln 2) sinh r`, and so on.
//!
//! The hyperbolic functions of n ln 2 are `(2^n -+ 2^-n) / 2`. All sums are halved on the way, so that they overflow
//! only where the result does.

use super::exponential::{Reduced, less_one, reduce};
use super::{ordered_sum, polynomial};

const SINH: [f64; 5] = [
    0.166_666_666_666_666_77,
    0.008_333_333_333_321_386,
    0.000_198_412_698_868_158_55,
    2.755_724_345_160_946_3e-6,
    2.510_932_125_328_293_2e-8,
];

const COSH: [f64; 5] = [
    0.041_666_666_666_666_685,
    0.001_388_888_888_887_328_3,
    2.480_158_734_920_216e-5,
    2.755_725_181_954_360_7e-7,
    2.092_177_001_301_233_7e-9,
];

/// The hyperbolic sine.
#[inline(always)]
pub(crate) fn sinh(x: f64) -> f64 {
    let Parts { whole_sinh, whole_cosh, sinh, sinh_tail, cosh_less_one } = parts(x);
    let high = whole_cosh.mul_add(sinh, whole_sinh);
    let error = whole_cosh.mul_add(sinh, whole_sinh - high);
    let low = whole_cosh.mul_add(sinh_tail, whole_sinh.mul_add(cosh_less_one, error));
    let result = (high + low) * 2.0;
    if x.abs() < 1e-9 { x } else { result.copysign(x) }
}

/// The hyperbolic cosine.
#[inline(always)]
pub(crate) fn cosh(x: f64) -> f64 {
    let Parts { whole_sinh, whole_cosh, sinh, sinh_tail, cosh_less_one } = parts(x);
    let high = whole_sinh.mul_add(sinh, whole_cosh);
    let error = whole_sinh.mul_add(sinh, whole_cosh - high);
    let low = whole_cosh.mul_add(cosh_less_one, whole_sinh.mul_add(sinh_tail, error));
    (high + low) * 2.0
}

/// The hyperbolic tangent: `e / (e + 2)` with `e = exp(2 |x|) - 1`, and the rounding errors of both.
#[inline(always)]
pub(crate) fn tanh(x: f64) -> f64 {
    let twice = 2.0 * x.abs();
    let Reduced { r, bits, .. } = reduce(if twice > 44.0 { 44.0 } else { twice });
    let (high, low) = less_one(r, 0.0, f64::from_bits(bits.wrapping_sub(1023) << 52), 1.0);
    let (bottom, bottom_low) = ordered_sum(2.0, high);
    let inverse = 1.0 / bottom;
    let quotient = high * inverse;
    let rest = (-quotient).mul_add(bottom, high) + (-quotient).mul_add(bottom_low + low, low);
    rest.mul_add(inverse, quotient).copysign(x)
}

/// Half of the hyperbolic sine and cosine of n ln 2, and the functions of r.
struct Parts {
    whole_sinh: f64,
    whole_cosh: f64,
    sinh: f64,
    sinh_tail: f64,
    cosh_less_one: f64,
}

#[inline(always)]
fn parts(x: f64) -> Parts {
    let a = x.abs();
    let Reduced { r, bits, .. } = reduce(if a > 710.6 { 710.6 } else { a });
    let up = f64::from_bits(bits.wrapping_sub(1025) << 52);
    // Beyond 2^100 the reciprocal does not count, and below 2^-1022 it could not be written like this.
    let capped = if a > 80.0 { 2146 } else { bits };
    let down = f64::from_bits(3067u64.wrapping_sub(capped) << 52);
    let z = r * r;
    Parts {
        whole_sinh: up - down,
        whole_cosh: up + down,
        sinh: r,
        sinh_tail: r * z * polynomial(z, &SINH),
        cosh_less_one: z.mul_add(0.5, z * z * polynomial(z, &COSH)),
    }
}
