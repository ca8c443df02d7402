//! Hyperbolic functions: with `|x| = n ln 2 + r`, `sinh |x| = sinh(n ln 2) cosh r + cosh(n ln 2) sinh r`, and so on.
//!
//! The hyperbolic functions of n ln 2 are `(2^n -+ 2^-n) / 2`. All sums are halved on the way, so that they overflow
//! only where the result does.

use super::exponential::{EXPONENT_ROUNDER, Reduced, less_one, reduce};
use super::{clamp, polynomial};

const SINH_SINGLE: [f32; 3] = [0.166_666_67, 0.008_333_175, 0.000_199_740_96];

const COSH_SINGLE: [f32; 2] = [0.041_666_46, 0.001_393_542_6];

/// The hyperbolic sine.
#[inline(always)]
pub(crate) fn sinh(x: f32) -> f32 {
    let Parts { whole_sinh, whole_cosh, sinh, sinh_tail, cosh_less_one } = parts(x);
    let high = whole_cosh.mul_add(sinh, whole_sinh);
    let error = whole_cosh.mul_add(sinh, whole_sinh - high);
    let low = whole_cosh.mul_add(sinh_tail, whole_sinh.mul_add(cosh_less_one, error));
    let result = (high + low) * 2.0;
    if x.abs() < 1e-5 { x } else { result.copysign(x) }
}

/// The hyperbolic cosine.
#[inline(always)]
pub(crate) fn cosh(x: f32) -> f32 {
    let Parts { whole_sinh, whole_cosh, sinh, sinh_tail, cosh_less_one } = parts(x);
    let low = whole_cosh.mul_add(cosh_less_one, whole_sinh * sinh_tail);
    (whole_sinh.mul_add(sinh, low) + whole_cosh) * 2.0
}

/// The hyperbolic tangent: `e / (e + 2)` with `e = exp(2 |x|) - 1`.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let twice = 2.0 * x.abs();
    let Reduced { r, bits } = reduce(if twice > 20.0 { 20.0 } else { twice });
    let (high, low) = less_one(r, f32::from_bits(bits.wrapping_sub(127) << 23), 1.0);
    let e = high + low;
    (e / (e + 2.0)).copysign(x)
}

/// Half of the hyperbolic sine and cosine of n ln 2, and the functions of r.
struct Parts {
    whole_sinh: f32,
    whole_cosh: f32,
    sinh: f32,
    sinh_tail: f32,
    cosh_less_one: f32,
}

#[inline(always)]
fn parts(x: f32) -> Parts {
    let Reduced { r, bits } = reduce(clamp(x.abs(), 0.0, 89.5));
    let up = f32::from_bits(bits.wrapping_sub(129) << 23);
    // The reciprocal does not count where it could not be written like this.
    let exponent = (EXPONENT_ROUNDER.to_bits() as i32 + 125).wrapping_sub(bits as i32);
    let down = f32::from_bits(((if exponent < 0 { 0 } else { exponent }) as u32) << 23);
    let z = r * r;
    Parts {
        whole_sinh: up - down,
        whole_cosh: up + down,
        sinh: r,
        sinh_tail: r * z * polynomial(z, &SINH_SINGLE),
        cosh_less_one: z.mul_add(0.5, z * z * polynomial(z, &COSH_SINGLE)),
    }
}
