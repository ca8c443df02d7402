//! Hyperbolic functions: with `|x| = n ln 2 + r`, `sinh |x| = sinh(n ln 2) cosh r + cosh(n ln 2) sinh r`, and so on.
//!
//! The hyperbolic functions of n ln 2 are `(2^n -+ 2^-n) / 2`. All sums are halved on the way, so that they overflow
//! only where the result does.

use super::exponential::{Reduced, reduce};
use super::{clamp, ordered_sum, polynomial};

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
    let (high, low) = parts(clamp(x.abs(), 0.0, 710.6)).sine();
    let result = (high + low) * 2.0;
    if x.abs() < 1e-9 { x } else { result.copysign(x) }
}

/// The hyperbolic cosine.
#[inline(always)]
pub(crate) fn cosh(x: f64) -> f64 {
    let (high, low) = parts(clamp(x.abs(), 0.0, 710.6)).cosine();
    (high + low) * 2.0
}

/// The hyperbolic tangent: the quotient of the two others, with the rounding errors of both.
#[inline(always)]
pub(crate) fn tanh(x: f64) -> f64 {
    let parts = parts(clamp(x.abs(), 0.0, 22.0));
    let (sine, sine_low) = parts.sine();
    let (sine, sine_low) = ordered_sum(sine, sine_low);
    let (cosine, cosine_low) = parts.cosine();
    let (cosine, cosine_low) = ordered_sum(cosine, cosine_low);
    let inverse = 1.0 / cosine;
    let quotient = sine * inverse;
    let rest = (-quotient).mul_add(cosine, sine) + (-quotient).mul_add(cosine_low, sine_low);
    let result = rest.mul_add(inverse, quotient);
    if x.abs() < 1e-9 { x } else { result.copysign(x) }
}

/// Half of the hyperbolic sine and cosine of n ln 2 as sums, and the functions of r.
struct Parts {
    whole_sinh: f64,
    whole_sinh_low: f64,
    whole_cosh: f64,
    whole_cosh_low: f64,
    sinh: f64,
    sinh_low: f64,
    cosh_less_one: f64,
}

impl Parts {
    /// Half of the hyperbolic sine as a sum.
    #[inline(always)]
    fn sine(&self) -> (f64, f64) {
        let high = self.whole_cosh.mul_add(self.sinh, self.whole_sinh);
        let error = self.whole_cosh.mul_add(self.sinh, self.whole_sinh - high);
        let low = self.whole_cosh.mul_add(self.sinh_low, self.whole_sinh * self.cosh_less_one);
        (high, low + (error + self.whole_sinh_low))
    }

    /// Half of the hyperbolic cosine as a sum.
    #[inline(always)]
    fn cosine(&self) -> (f64, f64) {
        let high = self.whole_sinh.mul_add(self.sinh, self.whole_cosh);
        let error = self.whole_sinh.mul_add(self.sinh, self.whole_cosh - high);
        let low = self.whole_sinh.mul_add(self.sinh_low, self.whole_cosh * self.cosh_less_one);
        (high, low + (error + self.whole_cosh_low))
    }
}

#[inline(always)]
fn parts(x: f64) -> Parts {
    let Reduced { n, r, low, bits } = reduce(x);
    let up = f64::from_bits(bits.wrapping_sub(1025) << 52);
    // Beyond 2^100 the reciprocal does not count, and below 2^-1022 it could not be written like this.
    let capped = if n > 100.0 { 2146 } else { bits };
    let down = f64::from_bits(3067u64.wrapping_sub(capped) << 52);
    let z = r * r;
    let (sinh, sinh_low) = ordered_sum(r, r * z * polynomial(z, &SINH));
    let (whole_sinh, whole_sinh_low) = ordered_sum(up, -down);
    let (whole_cosh, whole_cosh_low) = ordered_sum(up, down);
    Parts {
        whole_sinh,
        whole_sinh_low,
        whole_cosh,
        whole_cosh_low,
        sinh,
        sinh_low: sinh_low + low,
        cosh_less_one: z.mul_add(0.5, z * z * polynomial(z, &COSH)),
    }
}
